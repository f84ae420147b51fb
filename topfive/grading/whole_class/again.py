"""`topfive grade again`: after a check was mended, grade anew what was graded before, and say what it changed."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from topfive.errors import TopFiveError
from topfive.grading.whole_class.grade import Class, Row, course_settings, grade, gradebook_of
from topfive.revert import EXERCISE


@dataclass(frozen=True)
class Change:
    """A student whose automatic points changed: by cell, before and after."""

    student: str
    cells: Mapping[str, tuple[float | None, float | None]]

    def __str__(self) -> str:
        return f"{self.student}: " + ", ".join(
            f"{name} {_points(old)} → {_points(new)}" for name, (old, new) in self.cells.items()
        )

    @property
    def gain(self) -> float:
        """Points gained, or lost if it is negative."""
        return sum((new or 0) - (old or 0) for old, new in self.cells.values())


def again(course: Path, which: str, hire: Any, **how: Any) -> tuple[str, list[Row], list[Change]]:
    """Grade those who were graded by checks that have changed since; others' results are as they were.

    which: an exercise, as 3.2, or a cell's name. hire and how: as `grade` takes them. Returns the assignment, a row for
    each of those who were graded before, and whose automatic points changed. Raises TopFiveError for what is unknown.
    """
    assignment = find(course, which)
    the_class = Class(course, assignment)
    students = [name for name in the_class.students() if the_class.state(name).state]
    if not students:
        raise TopFiveError(f"nobody was graded in {assignment} yet: `topfive grade {assignment}` does that")
    before = the_class.scores(students)
    rows = grade(course, assignment, hire, students=students, **how)
    return assignment, rows, list(_changes(before, the_class.scores(students)))


def find(course: Path, which: str) -> str:
    """The assignment that has an exercise of this number, or a cell of this name."""
    stub = re.compile(EXERCISE.format(re.escape(which)))
    with gradebook_of(course_settings(course)) as gradebook:
        found = {one.name for one in gradebook.assignments if any(_has(cell, which, stub) for cell in _cells(one))}
    if len(found) != 1:
        where = f"in {', '.join(sorted(found))}" if found else "in no assignment that was generated"
        raise TopFiveError(f"{which!r} is {where}; an exercise is named as 3.2, a cell by the name that nbgrader shows")
    return found.pop()


def _cells(assignment: Any) -> Iterator[Any]:
    return (cell for notebook in assignment.notebooks for cell in notebook.source_cells)


def _has(cell: Any, which: str, stub: re.Pattern[str]) -> bool:
    return bool(cell.name == which or stub.search(cell.source))


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Change]:
    for student, new in after.items():
        old = before.get(student, {})
        cells = {name: (old.get(name), new[name]) for name in new if old.get(name) != new[name]}
        if cells:
            yield Change(student, cells)


def _points(points: float | None) -> str:
    return "-" if points is None else f"{points:g}"
