"""The class's points as a table for nbgrader's users, Canvas, or Moodle: `topfive grade export`.

Left out: what nobody handed in is an empty field for Canvas and Moodle, which leave such a grade as it is.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from topfive.errors import TopFiveError

Rows = Iterator[Sequence[object]]
NBGRADER = (
    *("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email"),
    *("raw_score", "late_submission_penalty", "score", "max_score"),
)  # as its own exporter has them; that does not quote a comma in a name


def as_csv(gradebook: Gradebook, names: Sequence[str], form: str) -> str:
    """The points of these assignments, of all if none is named, as CSV.

    form: "nbgrader", "canvas" or "moodle". Raises TopFiveError if an assignment is not in the gradebook.
    """
    known = {one.name: one for one in gradebook.assignments}
    if missing := [name for name in names if name not in known]:
        raise TopFiveError(f"the gradebook has no {missing[0]}; it has {', '.join(known) or 'no assignment yet'}")
    assignments = [known[name] for name in names or known]
    rows = {"nbgrader": _nbgrader, "canvas": _canvas, "moodle": _moodle}[form]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows(gradebook, assignments))
    return written.getvalue()


def unread(gradebook: Gradebook, names: Sequence[str]) -> dict[str, int]:
    """By assignment: how many submissions have something that a person has not read, if any."""
    counts = {
        one.name: sum(submission.needs_manual_grade for submission in one.submissions)
        for one in gradebook.assignments
        if not names or one.name in names
    }
    return {name: count for name, count in counts.items() if count}


def _nbgrader(gradebook: Gradebook, assignments: Sequence[Any]) -> Rows:
    yield NBGRADER
    for assignment in assignments:
        for student in gradebook.students:
            handed_in = _submission(gradebook, assignment, student)
            raw, penalty = (handed_in.score, handed_in.late_submission_penalty or 0.0) if handed_in else (0.0, 0.0)
            yield (
                *(assignment.name, assignment.duedate, handed_in.timestamp if handed_in else None),
                *(student.id, student.last_name, student.first_name, student.email),
                *(raw, penalty, max(0.0, raw - penalty), assignment.max_score),
            )


def _canvas(gradebook: Gradebook, assignments: Sequence[Any]) -> Rows:
    """Canvas finds a student by `ID`, which only it knows, or by `SIS Login ID`: that is nbgrader's student id."""
    yield ("Student", "ID", "SIS User ID", "SIS Login ID", "Section", *(one.name for one in assignments))
    yield ("    Points Possible", "", "", "", "", *(f"{one.max_score:g}" for one in assignments))
    for student in gradebook.students:
        name = ", ".join(filter(None, (student.last_name, student.first_name))) or student.id
        yield (name, "", "", student.id, "", *(_points(gradebook, one, student) for one in assignments))


def _moodle(gradebook: Gradebook, assignments: Sequence[Any]) -> Rows:
    """Moodle asks which column names the student, and to which grade item each other column belongs."""
    yield ("Username", "First name", "Last name", "Email address", *(one.name for one in assignments))
    for student in gradebook.students:
        points = (_points(gradebook, one, student) for one in assignments)
        yield (student.id, student.first_name, student.last_name, student.email, *points)


def _points(gradebook: Gradebook, assignment: Any, student: Any) -> str:
    """Points after a late penalty; empty where nothing was handed in."""
    handed_in = _submission(gradebook, assignment, student)
    return f"{max(0.0, handed_in.score - (handed_in.late_submission_penalty or 0.0)):g}" if handed_in else ""


def _submission(gradebook: Gradebook, assignment: Any, student: Any) -> Any:
    try:
        return gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return None
