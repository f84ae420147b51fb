"""`topfive validate`: one page about what grading will see of a notebook, before it is handed in."""

import json
import textwrap
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from topfive.checks.artefacts import training_allowed
from topfive.errors import TopFiveError
from topfive.ledger.store import assignment_folder
from topfive.release import graded, locate

if TYPE_CHECKING:
    from topfive.grading.rehearse import Graded, Rehearsal

TESTS = Path(__file__).parent / "grading" / "rehearsal.json"
WIDTH = 100


def validate(what: str | None, homework: Path) -> Iterator[str]:
    """The page, a line at a time; while the notebook runs, a bar on stderr says where it is.

    what: an assignment, its folder or its notebook; None for the folder one is in. homework: where assignments lie.
    Raises TopFiveError if that is not a graded assignment, or its notebook cannot be read.
    """
    try:
        from topfive.grading.reading import read
        from topfive.grading.rehearse import rehearse
    except ModuleNotFoundError as error:
        raise TopFiveError(f"this needs nbgrader ({error.name} is missing): python -m pip install nbgrader") from error
    tests = json.loads(TESTS.read_text("utf-8"))
    folder = locate(what, homework)
    name = folder.name
    if (notebook := folder / f"{name}.ipynb").is_file():
        read(notebook)
        yield from _about(notebook)
    with tqdm(desc="running", unit=" cells", leave=False, disable=None) as bar:

        def show(place: int, cells: int, above: str) -> None:
            bar.total, bar.n = cells, place
            bar.set_description(above or "first cells")

        found = rehearse(folder, graded()[name], tests.get(name, {}), show)
    yield from page(found)


def before_handing_in() -> None:
    """Print the page in the notebook itself, about what was last saved of it; nothing while it is being graded."""
    if not training_allowed():
        return
    try:
        for line in validate(str(assignment_folder()), Path()):
            print(line)
    except TopFiveError as error:
        print(error)


def _about(notebook: Path) -> Iterator[str]:
    saved = datetime.fromtimestamp(notebook.stat().st_mtime)
    yield f"{notebook.stem}, as it lies in {notebook.parent}"
    yield f"Saved on {saved:%d %B at %H:%M}. What an open page shows and has not saved is not seen: press Ctrl-S there"
    yield "first. Nothing in your folder is changed by this."
    yield ""


def page(found: "Rehearsal") -> Iterator[str]:
    """What came out, in lines."""
    if found.log:
        yield "What grading notices and, where it can, puts in order"
        yield from (_wrapped(line, 2) for line in found.log)
        yield ""
    if found.strays:
        yield "What works on your machine only"
        yield from (_wrapped(f"cell {one.place}, {one.line}: {one.words}", 2) for one in found.strays)
        yield ""
    if found.stopped:
        yield "Cells that stop with an error"
        yield from (_wrapped(f"{name}: {error}", 2) for name, error in found.stopped.items())
        yield ""
    yield "Points"
    for one in found.graded:
        yield from _points(one)
    yield ""
    yield from _total(found.graded)


def _points(one: "Graded") -> Iterator[str]:
    earned = f"  {'?' if one.points is None else format(one.points, 'g')} of {one.of:g}".ljust(14)
    if one.points is None:
        words = "your answer is there, and a person reads it"
    else:
        words = one.words or ("" if one.points == one.of else "there is no answer yet")
    if len(line := f"{earned}{one.name}: {words}".rstrip(": ")) <= WIDTH and "\n" not in line:
        yield line
    else:
        yield earned + one.name
        yield from (_wrapped(line, 14) for line in words.splitlines())


def _total(graded: "tuple[Graded, ...]") -> Iterator[str]:
    read = sum(one.of for one in graded if one.points is None)
    most = sum(one.of for one in graded)
    earned = sum(one.points for one in graded if one.points is not None)
    yield f"Total: {earned:g} of {most:g} points" + (
        f", and up to {read:g} more from whoever reads your answer" * (read > 0)
    )
    yield "Grading uses other numbers of the same kinds: what is right here for the wrong reason may fail there."


def _wrapped(text: str, indent: int) -> str:
    blank = " " * indent
    return textwrap.fill(text, WIDTH, initial_indent=blank, subsequent_indent=blank, break_on_hyphens=False)
