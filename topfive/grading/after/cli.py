"""`topfive grade feedback`, `export`, `report` and `replay`: what comes after grading.

What is heavy is imported by the command that needs it.
"""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from topfive.errors import TopFiveError

if TYPE_CHECKING:
    from topfive.grading.after.desk import Desk

Assignment = Annotated[str, typer.Argument(metavar="ASSIGNMENT")]


class Format(StrEnum):
    """Whose gradebook is to read a table of points."""

    nbgrader = "nbgrader"
    canvas = "canvas"
    moodle = "moodle"


def add_to(app: typer.Typer) -> None:
    """Register the commands."""
    for command in (feedback, export, report, replay):
        app.command()(command)


def feedback(
    assignment: Assignment,
    student: Annotated[list[str] | None, typer.Option(metavar="ID", help="Only theirs; may be given again.")] = None,
) -> None:
    """Write the pages that students get back into feedback/, as nbgrader generate_feedback does."""
    for line in _desk().feedback(assignment, student or []):
        typer.echo(line)


def export(
    assignment: Annotated[list[str] | None, typer.Argument(metavar="ASSIGNMENT", show_default=False)] = None,
    form: Annotated[Format, typer.Option("--format", help="Whose gradebook is to read it.")] = Format.nbgrader,
    out: Annotated[Path, typer.Option("--to", metavar="FILE")] = Path("grades.csv"),
) -> None:
    """Write points as CSV: nbgrader's columns, or those that Canvas or Moodle imports. Default: all assignments."""
    desk = _desk()
    from topfive.files import write_atomic
    from topfive.grading.after import grades

    with desk.gradebook() as gradebook:
        table = grades.as_csv(gradebook, assignment or [], form)
        unread = grades.unread(gradebook, assignment or [])
    write_atomic(out, table)
    typer.echo(f"Written to {out}.")
    for name, count in unread.items():
        typer.echo(f"{name}: in {count} submissions something waits for a person; its points are not in it.")


def report(
    assignment: Assignment,
    out: Annotated[Path | None, typer.Option("--to", metavar="FILE", help="Default: report-ASSIGNMENT.html.")] = None,
) -> None:
    """Say how the class did, where it got stuck, and what to look at; the same as a page with pictures."""
    desk = _desk()
    from topfive.files import write_atomic
    from topfive.grading.after import report as of_class

    graded = desk.graded(assignment)
    with desk.gradebook() as gradebook:
        found = of_class.report(gradebook, assignment, graded, desk.students("submitted", assignment))
    for line in of_class.lines(found):
        typer.echo(line)
    out = out or Path(f"report-{assignment}.html")
    write_atomic(out, of_class.page(found))
    typer.echo(f"\nAs a page: {out}. It names students: keep it to yourself.")


def replay(
    student: Annotated[str, typer.Argument(metavar="STUDENT")],
    exercise: Annotated[str, typer.Argument(metavar="EXERCISE", help="As 6.3.")],
) -> None:
    """Run a student's function of one exercise again, in the sandbox, and show every case of its hidden test.

    Inputs, what came back and what was expected: for you, not for students.
    """
    desk = _desk()
    from topfive.grading.after.replay import replay as run_again

    for line in run_again(desk, student, exercise):
        typer.echo(line)


def _desk() -> "Desk":
    """The course here. Raises TopFiveError if this is no course folder, or nbgrader is not installed."""
    try:
        from topfive.grading.after.desk import Desk
    except ModuleNotFoundError as error:
        raise TopFiveError("grading needs nbgrader: pip install -c constraints.txt -e '.[grade]'") from error
    return Desk()
