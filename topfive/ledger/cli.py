"""`topfive ledger`: look at a ledger, check it, export it, add to it without a browser."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from topfive.data import read_jsonl
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.ledger import plain, table
from topfive.ledger.convert import export_rows
from topfive.ledger.reading import duplicates, is_ledger, live, read
from topfive.ledger.store import Event, Ledger, LedgerError, default_path, is_header

app = typer.Typer(help="Your clicks: show, check, export, and rank in the terminal.", no_args_is_help=True)

File = Annotated[Path | None, typer.Option("--ledger", help="The ledger (default: work/ledger.jsonl here).")]


class Kind(StrEnum):
    """What to export."""

    preferences = "preferences"
    rankings = "rankings"
    ratings = "ratings"
    written = "written"
    labels = "labels"


class Asked(StrEnum):
    """Which of a panel's two questions."""

    first = "first"
    also = "also"


@app.command()
def show(ledger: File = None) -> None:
    """Print every answer that holds as a table."""
    path = _existing(ledger)
    events, problems = read(path)
    rows = table.answer_rows(events)
    typer.echo(table.as_text(rows))
    typer.echo(f"\n{len(rows)} answers from {len(events)} events in {path}")
    _warn(problems)


@app.command()
def check(ledger: File = None) -> None:
    """Report whether every line can be read; exit with 1 if one cannot."""
    path = _existing(ledger)
    events, problems = read(path)
    held = live(events)
    typer.echo(f"{path}: {path.stat().st_size:,} bytes, {len(events):,} events")
    typer.echo(f"  {len(events) - len(held):,} undone, or undo and redo themselves")
    typer.echo(f"  {duplicates(path):,} lines sent twice and counted once")
    typer.echo(f"  {len(problems):,} problems")
    _warn(problems)
    raise typer.Exit(1 if problems else 0)


@app.command()
def export(
    kind: Annotated[Kind, typer.Argument(help="What; preferences are TRL's prompt, chosen, rejected.")],
    out: Annotated[Path, typer.Argument(help="A .jsonl file, or a folder for a datasets.Dataset.")],
    ledger: File = None,
    question: Annotated[Asked, typer.Option(help="Which question the preferences answer.")] = Asked.first,
) -> None:
    """Write what the clicks mean as JSONL or as a `datasets.Dataset`."""
    path = _existing(ledger)
    as_lines = out.suffix.lower() == ".jsonl"
    if out.suffix and not as_lines and not out.is_dir():
        raise TopFiveError(
            f"{out}: write {out.with_suffix('.jsonl')} for a file, a name without an ending for a folder"
        )
    events, problems = read(path)
    rows = export_rows(kind.value, events, question.value)
    if as_lines:
        write_atomic(out, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    else:
        from datasets import Dataset

        Dataset.from_list(rows).save_to_disk(out)
    typer.echo(f"{len(rows)} {kind.value} in {out}")
    _warn(problems)


@app.command()
def rank(
    ledger: File = None,
    lists: Annotated[Path | None, typer.Option(help="JSONL with `prompt` and `texts`; default: shipped.")] = None,
    size: Annotated[int, typer.Option(min=2, max=6, help="Lists a ranking, of the shipped ones.")] = 3,
) -> None:
    """Rank lists in the terminal, without a browser; the answers go to the same ledger."""
    book = Ledger(ledger)
    tasks = plain.tasks_from(lists) if lists else plain.shipped_tasks(size)
    if unknown := [task.prompt.text for task in tasks if not task.prompt.topic]:
        typer.echo(
            f"{unknown[0]!r} is none of the course's prompts: `topfive run --ledger` learns your taste from it, "
            "but needs rankings of some that are."
        )
    given = plain.rank(tasks, book, tell=typer.echo)
    typer.echo(f"{given} ranking{'s' * (given != 1)} saved in {book.path}")


@app.command()
def add(
    pending: Annotated[Path, typer.Argument(help="What a panel's download button gave, or another ledger.")],
    ledger: File = None,
) -> None:
    """Add clicks that a panel could not save and you downloaded, or all of another ledger. Twice does no harm."""
    book = Ledger(ledger)
    if book.path.is_file() and pending.is_file() and book.path.samefile(pending):
        raise TopFiveError(f"{pending} is the ledger itself: give the file whose clicks it should get")
    events, problems = _clicks_in(pending)
    refused = [result for result in book.append_all(events) if isinstance(result, LedgerError)]
    _warn([*problems, *map(str, refused)])
    typer.echo(f"{pending} added to {book.path}" if not refused else f"{len(refused)} events were refused")
    raise typer.Exit(1 if refused else 0)


@app.command()
def pool(
    places: Annotated[list[Path], typer.Argument(help="Ledgers, or folders with ledgers anywhere below them.")],
    out: Annotated[Path, typer.Option(help="The folder of the dataset.")] = Path("pool"),
) -> None:
    """Put a class's ledgers together: who agreed, without names, and nothing that a student wrote."""
    from topfive.ledger import pool as pooling

    gathered = pooling.gather(pooling.find(places))
    _warn(gathered.words)
    numbers = pooling.write(gathered, out)
    typer.echo(f"{numbers['judgements']} judgements by {numbers['labellers']} labellers in {out}")


@app.command()
def consent(
    agree: Annotated[bool, typer.Option("--yes/--no", help="Whether these answers may go into the class's pool.")],
    ledger: File = None,
) -> None:
    """Say whether your answers may go into the class's pool; the last word counts."""
    from topfive.ledger.consent import consent as say

    say(agree, Ledger(_existing(ledger)))


def _clicks_in(pending: Path) -> tuple[list[Event], list[str]]:
    """The events of a file, without headers; and what cannot be read of a ledger, in words."""
    if is_ledger(pending):
        return read(pending)
    return [event for _, event in read_jsonl(pending) if not is_header(event)], []


def _existing(ledger: Path | None) -> Path:
    path = ledger or default_path()
    if not path.is_file():
        raise TopFiveError(f"{path}: there is no ledger here yet; a panel or `topfive ledger rank` starts one")
    return path


def _warn(problems: list[str]) -> None:
    for problem in problems:
        typer.echo(problem, err=True)
