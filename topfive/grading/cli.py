"""`topfive grade`: a whole class, from the course's folder. What is heavy is imported by the command that needs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from topfive.errors import TopFiveError
from topfive.grading.after import cli as after

ASSIGNMENT = "assignment"
GO_ON = "Stopped. What was executed is kept: the same command goes on from there."


class AssignmentOrCommand(TyperGroup):
    """A first word that is no command is an assignment."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As `topfive grade assignment NAME` where no command is named."""
        known = {*self.commands, *ctx.help_option_names}
        return list(super().parse_args(ctx, [ASSIGNMENT, *args] if args and args[0] not in known else args))


app = typer.Typer(
    cls=AssignmentOrCommand,
    help="Grade a class, in the course's folder: topfive grade ASSIGNMENT.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Students = Annotated[list[str] | None, typer.Option(metavar="STUDENT", help="Only this one; may be repeated.")]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="Processes (default: as many as cores are free).")
]
Scheduler = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Of a Dask scheduler, as tcp://host:8786.")]
NoSandbox = Annotated[bool, typer.Option("--no-sandbox", help="Run students' code with all your rights.")]


@app.command(ASSIGNMENT)
def assignment(
    name: Annotated[str, typer.Argument(metavar="ASSIGNMENT")],
    students: Annotated[
        list[str] | None, typer.Option(metavar="STUDENT", help="Only of this one; may be repeated.")
    ] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
    force: Annotated[bool, typer.Option("--force", help="Execute all anew. Manual scores stay.")] = False,
    no_sandbox: NoSandbox = False,
) -> None:
    """Grade an assignment of all who handed in; `assignment` may be left out.

    What was executed is kept in .grading/: stop it when you like, and go on with the same command.
    """
    with _at_work(no_sandbox):
        from topfive.grading.whole_class import show
        from topfive.grading.whole_class.grade import grade

        with show.progress() as watch:
            rows = grade(
                Path.cwd(),
                name,
                _crew(workers, scheduler),
                students=students or (),
                force=force,
                with_sandbox=not no_sandbox,
                watch=watch,
            )
        typer.echo(show.table(rows))
        if not all(row.state.state == "graded" for row in rows):
            raise typer.Exit(1)


@app.command()
def init() -> None:
    """Make the class's own seeds, once, so that its hidden tests are in no repository."""
    from topfive.grading import seeds

    if not Path("nbgrader_config.py").is_file():
        raise TopFiveError(f"{Path.cwd()} is no course: there is no nbgrader_config.py. Change to the course's folder")
    typer.echo(f"{seeds.make(Path.cwd())} holds your class's own seeds. git ignores it; keep it as long as the grades.")


@app.command()
def again(
    which: Annotated[str, typer.Argument(metavar="EXERCISE|CELL", help="Exercise, as 3.2, or a cell's name.")],
    workers: Workers = None,
    scheduler: Scheduler = None,
    no_sandbox: NoSandbox = False,
) -> None:
    """After a check was mended: grade anew who was graded by the old one, and say who gains and who loses.

    Manual scores stay. A check in a notebook first needs `nbgrader generate_assignment ASSIGNMENT --force`.
    """
    with _at_work(no_sandbox):
        from topfive.grading.whole_class import show
        from topfive.grading.whole_class.again import again

        with show.progress() as watch:
            name, rows, changes = again(
                Path.cwd(), which, _crew(workers, scheduler), with_sandbox=not no_sandbox, watch=watch
            )
        typer.echo(show.changes(name, rows, changes))
        if not all(row.state.state == "graded" for row in rows):
            raise typer.Exit(1)


after.add_to(app)


@contextmanager
def _at_work(no_sandbox: bool) -> Iterator[None]:
    """Ctrl-C says how to go on; where nbgrader is missing, what to install."""
    if no_sandbox:
        typer.echo("NO SANDBOX: what students wrote runs with all your rights on this machine.", err=True)
    try:
        yield
    except KeyboardInterrupt:
        typer.echo(GO_ON, err=True)
        raise typer.Exit(130) from None
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "nbgrader":
            raise
        raise TopFiveError("grading needs nbgrader: pip install -c constraints.txt -e '.[grade]'") from error


def _crew(workers: int | None, scheduler: str | None) -> Any:
    """Who executes, called up only when there is something to do."""
    from topfive.grading.whole_class.crew import Dask, Processes
    from topfive.threads import free_of, taken_by_others

    if scheduler:
        return lambda: Dask(scheduler)
    return lambda: Processes(workers or max(1, round(free_of(taken_by_others()))))
