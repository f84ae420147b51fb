"""What works on a student's machine and not in grading: questions at the keyboard, installs, live plots, own paths."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

KINDS = {
    r"(?<![\w.])input\s*\(": "input() waits for somebody at the keyboard: in grading it stops the cell",
    r"^\s*[!%](?:pip|conda|mamba|uv)\b|^\s*!.*\bpip3? install\b": (
        "installs something: grading has the course's packages and no network"
    ),
    r"^\s*%matplotlib\s+(?:widget|notebook|qt|ipympl)\b": "live plots need a page that is open: use %matplotlib inline",
    r"""["'](?:/(?:home|Users|root|mnt|media|Volumes|tmp)/|~/|[A-Za-z]:\\{1,2}|[A-Za-z]:/)""": (
        "a path on your machine: grading has only what lies in the notebook's folder"
    ),
}


@dataclass(frozen=True)
class Stray:
    """A line in a cell, and what is wrong with it."""

    place: int
    line: str
    words: str


def strays(cells: Sequence[Any], given: AbstractSet[str]) -> Iterator[Stray]:
    """What does not work elsewhere in the code cells whose text is not among the `given` ones; cells count from 1."""
    for place, cell in enumerate(cells, start=1):
        if cell.cell_type != "code" or cell.source in given:
            continue
        for line in cell.source.splitlines():
            for pattern, words in KINDS.items():
                if not line.lstrip().startswith("#") and re.search(pattern, line):
                    yield Stray(place, line.strip(), words)
