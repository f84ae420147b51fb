"""`python -m topfive.checks`: a table of all exercises, in markdown."""

from topfive.checks.exercise import MODULES, exercises

HEADER = ("number", "title", "points", "minutes", "cases", "mistakes", "hints")


def rows() -> list[tuple[str, ...]]:
    """One row an exercise: number, title, points, minutes, and how many case names, mistakes and hints it has."""
    return [
        (
            one.number,
            one.title,
            f"{one.points:g}",
            str(one.minutes),
            str(len({case.name for case in one.cases(0) if not case.probe})),
            str(len(one.mistakes)),
            str(len(one.hints)),
        )
        for assignment in MODULES
        for one in exercises(assignment)
    ]


def table(cells: list[tuple[str, ...]]) -> str:
    """A markdown table with its columns lined up."""
    lines = [HEADER, tuple("-" * len(title) for title in HEADER), *cells]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEADER))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


if __name__ == "__main__":
    print(table(rows()))
