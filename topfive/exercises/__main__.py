"""`python -m topfive.exercises`: all exercises as a table, in markdown; docs/exercises.md shows it."""

import importlib
from collections.abc import Callable, Mapping, Sequence
from statistics import mean
from typing import Any

from topfive.errors import TopFiveError
from topfive.exercises.exercise import ASSIGNMENTS, Exercise, exercises

HEADER = ("number", "title", "points", "minutes", "cases", "mistakes", "right variants")
Variants = Mapping[str, Sequence[Callable[..., Any]]]


def right_variants(assignment: str) -> Variants:
    """Other right ways, by exercise number. They are no part of the package: they stand with the tests that run them.

    Raises TopFiveError outside a clone of the course.
    """
    try:
        found: Variants = importlib.import_module(f"tests.exercises.variants_{ASSIGNMENTS[assignment]}").VARIANTS
    except ModuleNotFoundError as error:
        raise TopFiveError("the table counts what is tested: run it in the folder of a clone of the course") from error
    return found


def counts(one: Exercise, variants: Variants) -> tuple[int, int, int]:
    """How many kinds of case, mistakes that cost points, and right variants an exercise has."""
    kinds = {case.name for case in one.cases(0) if not case.probe}
    return len(kinds), sum(not mistake.advice for mistake in one.mistakes), len(variants[one.number])


def table() -> str:
    """Every exercise as a row of a markdown table with its columns lined up, and a line of averages."""
    counted = {
        one: counts(one, right_variants(assignment)) for assignment in ASSIGNMENTS for one in exercises(assignment)
    }
    rows = [
        (one.number, one.title, f"{one.points:g}", str(one.minutes), *map(str, found)) for one, found in counted.items()
    ]
    lines = [HEADER, tuple("-" * len(title) for title in HEADER), *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    drawn = [" | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines]
    _, mistakes, variants = zip(*counted.values(), strict=True)
    return "\n".join(f"| {line} |" for line in drawn) + (
        f"\n\n{len(counted)} exercises; on average {mean(mistakes):.1f} mistakes (at least {min(mistakes)}) and "
        f"{mean(variants):.1f} right variants (at least {min(variants)})."
    )


if __name__ == "__main__":
    print(table())
