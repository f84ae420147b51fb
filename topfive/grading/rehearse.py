"""`topfive validate`: what grading will see of a notebook, before it is handed in.

The steps of `nbgrader autograde` with the course's own among them, on a copy of the assignment's folder: the released
notebook stands for the gradebook, and rehearsal.json for the hidden tests, with other seeds.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.preprocessors import ClearOutput, Execute
from nbgrader.utils import determine_grade, is_grade, setenv
from traitlets import Bool

from topfive.errors import TopFiveError
from topfive.grading.cells import Cell, Released, Repair, in_release, name_of, ordinary
from topfive.grading.execute import ShownPoints, ToTheEnd
from topfive.grading.intake import find_notebook
from topfive.grading.log import listening
from topfive.grading.reading import read
from topfive.grading.strays import Stray, strays

LIMITS = {"timeout": 180, "iopub_timeout": 60, "startup_timeout": 180}  # seconds, as in nbgrader_config.py
NOT_COPIED = (".ipynb_checkpoints", "__pycache__")


@dataclass(frozen=True)
class Graded:
    """A cell with points: those it earns, None where a person will read it, and what it said about them."""

    name: str
    points: float | None
    of: float
    words: str


@dataclass(frozen=True)
class Rehearsal:
    """What came out.

    log: what grading would say in its own, repairs among it. strays: what will not work elsewhere. stopped: cells that
    ended in an error, by name or first line, with what it was; those that only wait to be written are left out.
    """

    log: tuple[str, ...]
    strays: tuple[Stray, ...]
    stopped: dict[str, str]
    graded: tuple[Graded, ...]


class OwnMachine(ToTheEnd):
    """No sandbox, and what a kernel itself writes on the terminal is for nobody who hands in homework."""

    sandbox = Bool(False)

    def create_kernel_manager(self) -> Any:
        """An ordinary kernel of this Python."""
        self.kernel_name = "python3"
        return Execute.create_kernel_manager(self)

    def start_new_kernel(self, **kwargs: Any) -> Any:
        """Start it with its output closed; what cells print goes another way."""
        return super().start_new_kernel(stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kwargs)


def rehearse(
    folder: Path, release: Path, tests: Mapping[str, str], on_cell: Callable[[int, int, str], None] | None = None
) -> Rehearsal:
    """Grade the notebook in an assignment's folder as it lies there. Nothing in `folder` is touched.

    release: the released notebook. tests: by cell name, what is run in the place of its hidden test.
    on_cell: called before each cell with its place, how many there are, and the last name above it in the release.
    Raises TopFiveError if there is no notebook, more than one that it could be, or a damaged one.
    """
    log = list[str]()
    hearing = listening(lambda record: log.append(record.getMessage()))
    with tempfile.TemporaryDirectory(prefix="topfive-", ignore_cleanup_errors=True) as scratch, hearing:
        copy = Path(scratch).resolve() / release.stem
        _copy(folder, release, copy)
        notebook, given = read(_found(copy, release.stem, log)), read(release)
        found = tuple(strays(notebook.cells, {cell.source for cell in given.cells}))
        repair = Repair()
        repair.whose = release.stem
        known = in_release(given)
        repair.repair(notebook, known, ordinary(given))
        notebook.metadata["kernelspec"] = given.metadata["kernelspec"]
        _lock(notebook.cells, known, tests)
        unwritten = _unwritten(notebook.cells, known)
        _run(notebook, copy, on_cell)
        graded = tuple(_graded(cell, unwritten) for cell in notebook.cells if is_grade(cell))
        said = tuple(line.removeprefix(f"{release.stem}: ") for line in log)
        return Rehearsal(said, found, dict(_stopped(notebook.cells)), graded)


def _copy(folder: Path, release: Path, to: Path) -> None:
    """The folder, with the course's own files over it as in grading."""
    try:
        shutil.copytree(folder, to, ignore=shutil.ignore_patterns(*NOT_COPIED), ignore_dangling_symlinks=True)
    except shutil.Error as error:
        source, _, reason = error.args[0][0]
        raise TopFiveError(f"{source} cannot be copied ({reason}): mend it, or move it out of {folder}") from error
    shutil.copytree(release.parent, to, ignore=shutil.ignore_patterns("*.ipynb"), dirs_exist_ok=True)


def _found(folder: Path, name: str, log: list[str]) -> Path:
    """The notebook that grading takes."""
    if not (there := sorted(map(str, folder.glob("*.ipynb")))):
        raise TopFiveError(f"there is no notebook in {folder.name}: `topfive lab` puts it there")
    find_notebook(assignment=name, notebooks=there)
    if not (wanted := folder / f"{name}.ipynb").is_file():
        raise TopFiveError(log[-1].replace(f"{folder}{os.sep}", ""))
    log[:] = [line.replace(f"{folder}{os.sep}", "") for line in log]
    return wanted


def _lock(cells: list[Cell], known: Mapping[str, Released], tests: Mapping[str, str]) -> None:
    """Locked cells as they are graded, as nbgrader's OverwriteCells does."""
    for cell in cells:
        name = name_of(cell)
        if name and known[name].locked:
            cell.source = tests.get(name, known[name].text)


def _run(notebook: Any, folder: Path, on_cell: Callable[[int, int, str], None] | None) -> None:
    """Run all cells, and look at the points, as nbgrader_config.py has it."""
    runner = OwnMachine(**LIMITS)
    if on_cell:
        above = _names_above(notebook.cells)
        runner.on_cell_start = lambda cell, cell_index: on_cell(cell_index, len(notebook.cells), above[cell_index])
    resources = {"metadata": {"path": str(folder)}}
    with setenv(NBGRADER_EXECUTION="validate"):
        for step in (ClearOutput(), runner, ShownPoints()):
            step.preprocess(notebook, resources)


def _names_above(cells: list[Cell]) -> list[str]:
    names = [""]
    for cell in cells:
        names.append(name_of(cell) or names[-1])
    return names[1:]


def _unwritten(cells: list[Cell], known: Mapping[str, Released]) -> set[str]:
    """The tests of what is still as it was given out: of the solution cells since the test before, none is written."""
    written = {name_of(cell) for cell in cells if name_of(cell) and known[name_of(cell)].written(cell.source)}
    tests, solutions = set(), list[str]()
    for name, given in known.items():
        if given.metadata["solution"]:
            solutions.append(name)
        elif given.metadata["grade"]:
            tests |= {name} if solutions and not written & set(solutions) else set()
            solutions = []
    return tests


def _graded(cell: Cell, unwritten: set[str]) -> Graded:
    points, of = determine_grade(cell)
    printed = "".join(one.text for one in cell.get("outputs", []) if one.output_type == "stream").strip()
    words = printed or _error(cell) or ""
    if points == 0 and name_of(cell) in unwritten:
        words = "not written yet"
    return Graded(name_of(cell), points, of, words)


def _error(cell: Cell) -> str | None:
    """The error in which a cell ended, in one line."""
    errors = [one for one in cell.get("outputs", []) if one.output_type == "error"]
    return f"{errors[0].ename}: {errors[0].evalue}".partition("\n")[0].rstrip(": ") if errors else None


def _stopped(cells: list[Cell]) -> Iterator[tuple[str, str]]:
    for cell in cells:
        error = _error(cell)
        if error and not is_grade(cell) and not error.startswith("NotImplementedError"):
            yield name_of(cell) or cell.source.strip().partition("\n")[0][:60], error
