"""The `topfive` command: thin, and quick to start. Whatever is heavy is imported by the command that needs it."""

import sys
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from typer.exceptions import TyperException

from topfive.errors import TopFiveError
from topfive.grading.cli import app as grade_app
from topfive.ledger.cli import app as ledger_app

app = typer.Typer(
    help="Your first RLHF experiment, on top-5 lists.",
    context_settings={"help_option_names": ["-h", "--help"]},
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
data_app = typer.Typer(help="Look after the files under data/.", rich_markup_mode=None)
Homework = Annotated[Path | None, typer.Option(metavar="DIR", help="Where your work goes instead of homework/.")]


@app.command()
def doctor(homework: Homework = None) -> None:
    """Check this machine, and say how to mend what is wrong."""
    from topfive import doctor

    findings = doctor.examine(homework)
    for finding in findings:
        typer.echo(finding)
    if not doctor.healthy(findings):
        raise typer.Exit(1)
    typer.echo("Everything the course needs is here.")


@app.command()
def lab(
    homework: Homework = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open nothing.")] = False,
    port: Annotated[int | None, typer.Option(metavar="N", help="Port of the JupyterLab server.")] = None,
    instructor: Annotated[
        bool, typer.Option("--instructor", help="Hand out nothing, and open the course's folder with nbgrader's tools.")
    ] = False,
) -> None:
    """Put new notebooks into homework/ and open JupyterLab there.

    Nothing in homework/ is ever overwritten or deleted.
    """
    from topfive import release, workspace

    options = [*(["--no-browser"] if no_browser else []), *([f"--port={port}"] if port else [])]
    if instructor:
        workspace.open_instructors_lab(Path.cwd(), options)
    homework = homework or workspace.default_homework()
    done = workspace.hand_out(release.released(), homework)
    for line in workspace.describe(done, homework):
        typer.echo(line)
    typer.echo("Opening JupyterLab; ctrl-C here stops it.")
    sys.stdout.flush()
    workspace.open_lab(homework, options)


@app.command()
def validate(
    what: Annotated[str | None, typer.Argument(metavar="[ASSIGNMENT|NOTEBOOK]", show_default=False)] = None,
    homework: Homework = None,
) -> None:
    """Before handing in: what grading will see of a notebook.

    It runs on a copy, in a fresh kernel. Without an argument it takes the folder you are in.
    """
    from topfive import validate as before
    from topfive import workspace

    for line in before.validate(what, homework or workspace.default_homework()):
        typer.echo(line)


@app.command()
def revert(
    what: Annotated[str, typer.Argument(metavar="ASSIGNMENT")],
    cell: Annotated[str, typer.Argument(metavar="CELL", help="Exercise, as 3.2, or name.")],
    homework: Homework = None,
) -> None:
    """Give one cell of your notebook back as it was given out.

    What stands in the cell now is kept in work/before-revert/. In an open notebook, put %revert at the top of the cell.
    """
    from topfive import release, workspace
    from topfive.revert import revert

    folder = release.locate(what, homework or workspace.default_homework())
    typer.echo(revert(folder, cell))
    typer.echo("If a page shows this notebook, choose File > Reload Notebook from Disk there before you save.")


@app.command()
def run(
    taste: Annotated[str | None, typer.Option(metavar="FILE|NAME", help="Default: vegetarian.")] = None,
    rankings: Annotated[int, typer.Option(metavar="N", help="How many rankings to learn from.")] = 400,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed, the same run.")] = 0,
    out: Annotated[Path | None, typer.Option(metavar="DIR", help="Default: runs/<taste>-<seed>.")] = None,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="Train the language model too.")] = False,
    ledger: Annotated[Path | None, typer.Option(metavar="FILE", help="Learn from your own clicks.")] = None,
    topics: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help='Train on these topics, or on "all"; may be given again.')
    ] = None,
    controls: Annotated[
        bool, typer.Option("--controls", help="Train two more policies as far: no clicks, and shuffled ones.")
    ] = False,
) -> None:
    """The whole loop: rankings, reward model, PPO, evaluation.

    A run that was stopped goes on where it stopped when the same command is given again.
    """
    from topfive.loop import RunConfig
    from topfive.loop import run as run_loop

    if taste is None and ledger is None:
        taste = "vegetarian"
    out = out or Path("runs", f"{Path(taste or ledger or '').stem}-{seed}")
    report = run_loop(RunConfig(taste, rankings, seed, out, from_scratch, ledger, tuple(topics or ()), controls))
    typer.echo(f"win rate {_rate(report['win_rate'])} over {report['win_rate']['n']} held-out prompts; see {out}")
    for name, found in report.get("controls", {}).items():
        typer.echo(f"over {name}, trained as far: {_rate(found['win_rate_of_the_run'])}")


def _rate(found: dict[str, float]) -> str:
    return f"{found['mean']:.2f} [{found['low']:.2f}, {found['high']:.2f}]"


@data_app.command()
def check() -> None:
    """Check every rule of the data, line by line."""
    from topfive import data

    problems = data.check()
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise TopFiveError(f"{len(problems)} problems in {data.folder()}")
    typer.echo(f"{data.folder()} keeps every rule.")


@data_app.command()
def report(
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where table and picture go.")] = Path("runs/data-report"),
) -> None:
    """Print the quality table of the data, and plot it."""
    from topfive.build.report import write_report

    typer.echo(write_report(out), nl=False)
    typer.echo(f"Written to {out}.")


app.add_typer(ledger_app, name="ledger")
app.add_typer(grade_app, name="grade")
app.add_typer(data_app, name="data")


def main() -> NoReturn:
    """Run the command line. Wrong input is one line on stderr and exit code 2; ctrl-C is exit code 130."""
    _replace_what_has_no_code()
    try:
        Path.cwd()  # a library that looks for it would say much more
        sys.exit(app(sys.argv[1:] or ["--help"], prog_name="topfive", standalone_mode=False))
    except (TopFiveError, TyperException) as error:
        _fail(str(error) if isinstance(error, TopFiveError) else error.format_message())
    except OSError as error:
        _fail(_reason(error))


def _replace_what_has_no_code() -> None:
    """Characters that the terminal or pipe has no code for become `?`, instead of ending the command."""
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _reason(error: OSError) -> str:
    """What the system said, about which file if it is about one."""
    try:
        Path.cwd()
    except OSError:
        return "the folder you are in is gone; change to one that is there (cd) and give the command again"
    what = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {what}" if error.filename is not None else what


def _fail(message: str) -> NoReturn:
    typer.echo(f"error: {' '.join(message.splitlines())}", err=True)
    sys.exit(2)
