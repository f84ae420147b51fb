"""What a graded notebook says: the words beside each test cell's points, and the mistakes that were named in it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from topfive.grading.cells import name_of

if TYPE_CHECKING:
    from topfive.exercises import Exercise

Cell = Any  # nbformat.NotebookNode, which is untyped

NUMBER = re.compile(r"""grade\w*\(\s*["'](\d+\.\d+)["']""")  # in the hidden test of an exercise
KINDS = re.compile(r"not right yet: (.*)")
MOST = 12  # lines of words beside points


@dataclass(frozen=True)
class Named:
    """A mistake of an exercise that `check` named in a notebook."""

    number: str
    mistake: str
    hint: str


@lru_cache(maxsize=1)
def known() -> "dict[str, Exercise]":
    """Every exercise of the course by its number."""
    from topfive.exercises import ASSIGNMENTS, exercises  # with PyTorch, which nbgrader's other commands do without

    return {one.number: one for assignment in ASSIGNMENTS for one in exercises(assignment)}


def number_of(cell: Cell) -> str | None:
    """The number of the exercise that a test cell grades, by its hidden test; None if it grades something else."""
    found = NUMBER.search(cell.source)
    return found[1] if found and found[1] in known() else None


def title_of(cell: Cell) -> str:
    """A graded cell in words for its student."""
    number = number_of(cell)
    return f"{number} {known()[number].title}" if number else name_of(cell).removesuffix("-test").replace("-", " ")


def printed(cell: Cell) -> str:
    """What a cell printed."""
    streams = (output for output in cell.get("outputs", []) if output.output_type == "stream")
    return "".join(output.text for output in streams if output.name == "stdout")


def words_of(cell: Cell) -> list[str]:
    """What a test cell says about its points: the lines that it printed, or the error in which it ended."""
    errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
    lines = [line.strip() for line in printed(cell).splitlines() if line.strip()]
    stopped = [f"{error.ename}: {error.evalue}".partition("\n")[0].rstrip(": ") for error in errors]
    return [*stopped, *lines][:MOST]


def failed_kinds(cell: Cell) -> list[str]:
    """The kinds of case that a test cell found wrong."""
    found = KINDS.search(printed(cell))
    return [kind.strip() for kind in found[1].split(";") if kind.strip()] if found else []


def named_mistakes(cells: Sequence[Cell]) -> list[Named]:
    """The mistakes that were named in the outputs of a notebook, each once.

    By their hints, whatever stands around them and wherever the lines break.
    """
    text = " ".join(" ".join(printed(cell) for cell in cells if cell.cell_type == "code").split())
    return [one for one, hints in _hints() if any(hint in text for hint in hints)]


@lru_cache(maxsize=1)
def _hints() -> tuple[tuple[Named, tuple[str, str]], ...]:
    return tuple(_all_hints())


def _all_hints() -> Iterator[tuple[Named, tuple[str, str]]]:
    from topfive.checks.verdict import softened

    for number, found in known().items():
        for mistake in found.mistakes:
            if not mistake.advice:
                hints = (" ".join(mistake.hint.split()), " ".join(softened(mistake.hint).split()))
                yield Named(number, mistake.name, hints[0]), hints
