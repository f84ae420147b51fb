"""One cell given back: all others stay, what stood there is kept, and a damaged notebook is not written to."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.error import UsageError

from topfive import release, revert
from topfive.errors import TopFiveError

NAME = "06-ppo"
OUTPUT = {"output_type": "stream", "name": "stdout", "text": ["mine"]}
MINE = "def gae():\n    return '… mine'"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A student's folder, with 6.3 written and run."""
    folder = tmp_path / NAME
    shutil.copytree(release.graded()[NAME].parent, folder)
    edit(folder, lambda cells: one(cells, "gae").update(source=[MINE], execution_count=3, outputs=[OUTPUT]))
    return folder


def load(folder: Path) -> Any:
    return json.loads((folder / f"{NAME}.ipynb").read_text("utf-8"))


def edit(folder: Path, change: Callable[[list[Any]], Any]) -> None:
    notebook = load(folder)
    change(notebook["cells"])
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", "utf-8")


def one(cells: list[Any], name: str) -> Any:
    return next(cell for cell in cells if cell.get("id") == name)


def released(name: str) -> str:
    return release.named_cells(release.graded()[NAME])[name]["source"]


@pytest.mark.parametrize("which", ["6.3", "gae"])
def test_one_cell_is_given_back_and_no_other_is_touched(folder: Path, which: str):
    original = release.graded()[NAME].read_text("utf-8")
    assert "before-revert/gae-1.py" in revert.revert(folder, which)
    assert (folder / f"{NAME}.ipynb").read_text("utf-8") == original
    assert (folder / revert.KEPT / "gae-1.py").read_text("utf-8") == MINE + "\n"
    assert "nothing was changed" in revert.revert(folder, which)
    assert len(list((folder / revert.KEPT).iterdir())) == 1


def test_what_was_kept_is_never_overwritten(folder: Path):
    revert.revert(folder, "gae")
    edit(folder, lambda cells: one(cells, "gae").update(source=["second"]))
    revert.revert(folder, "gae")
    kept = {path.name: path.read_text("utf-8") for path in (folder / revert.KEPT).iterdir()}
    assert kept == {"gae-1.py": MINE + "\n", "gae-2.py": "second\n"}


def test_an_answer_a_retyped_cell_and_one_without_metadata(folder: Path):
    def change(cells: list[Any]) -> None:
        one(cells, "colleague").update(source=["my answer"], metadata={})
        gae = one(cells, "gae")
        gae["cell_type"] = "markdown"
        del gae["outputs"], gae["execution_count"]

    edit(folder, change)
    revert.revert(folder, "colleague")
    revert.revert(folder, "gae")
    assert {path.name for path in (folder / revert.KEPT).iterdir()} == {"colleague-1.md", "gae-1.md"}
    assert load(folder) == json.loads(release.graded()[NAME].read_text("utf-8"))
    nbformat.validate(nbformat.read(folder / f"{NAME}.ipynb", as_version=4))


def test_a_missing_cell_is_put_back_where_it_stood(folder: Path):
    edit(folder, lambda cells: cells.remove(one(cells, "gae-test")))
    assert "was missing" in revert.revert(folder, "gae-test")
    names = [cell["id"] for cell in load(folder)["cells"] if "nbgrader" in cell["metadata"]]
    assert names == list(release.named_cells(release.graded()[NAME]))
    nbformat.validate(nbformat.read(folder / f"{NAME}.ipynb", as_version=4))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"cells": 3}', '{"cells": [{}]}', '{"cells": [{"source": [1]}]}', "3"]
)
def test_a_damaged_notebook_stays_as_it_is(folder: Path, text: str):
    (folder / f"{NAME}.ipynb").write_text(text, "utf-8")
    with pytest.raises(TopFiveError, match="damaged, so nothing was changed"):
        revert.revert(folder, "gae")
    assert (folder / f"{NAME}.ipynb").read_text("utf-8") == text
    assert not (folder / revert.KEPT).exists()


def test_where_the_disk_is_full_the_notebook_stays_as_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch):
    before = (folder / f"{NAME}.ipynb").read_bytes()
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        revert.revert(folder, "gae")
    assert (folder / f"{NAME}.ipynb").read_bytes() == before
    assert [path.name for path in folder.iterdir() if path.is_file()] == [f"{NAME}.ipynb"]


def test_two_copies_and_unknown_cells_are_one_line(folder: Path):
    with pytest.raises(TopFiveError, match=r"there is no exercise or cell '6.99'; the cells are token-logprobs"):
        revert.revert(folder, "6.99")
    edit(folder, lambda cells: cells.append({**one(cells, "gae"), "id": "twin"}))
    with pytest.raises(TopFiveError, match="cell 'gae' is there 2 times"):
        revert.revert(folder, "gae")


def test_every_exercise_is_found_by_its_number():
    for path in release.graded().values():
        given = release.named_cells(path)
        numbers = [f"{int(path.stem[:2])}.{place}" for place in range(1, 8)]
        names = [revert._name(number, given) for number in numbers]
        assert len(set(names)) == len(names)


# --- in an open notebook --------------------------------------------------------------------------------------------


class Shell:
    """What `%revert` asks of IPython: which cell runs, and that another text be put into it."""

    def __init__(self, cell: str, code: str) -> None:
        self.request = {"metadata": {"cellId": cell} if cell else {}, "content": {"code": code}}
        self.put: list[tuple[str, bool]] = []

    def get_parent(self) -> Any:
        return self.request

    def set_next_input(self, text: str, replace: bool) -> None:
        self.put.append((text, replace))


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(revert, "assignment_folder", lambda: folder)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return folder


@pytest.mark.parametrize(("cell", "which"), [("gae", ""), ("gae", "6.3"), ("gae", "gae"), ("", "6.3"), ("copy", "6.3")])
def test_the_running_cell_gets_its_text_and_the_old_one_is_kept(here: Path, cell: str, which: str):
    shell = Shell(cell, f"%revert {which}\n{MINE}")
    revert.in_cell(shell, which)
    assert shell.put == [(released("gae"), True)]
    assert (here / revert.KEPT / "gae-1.py").read_text("utf-8") == MINE + "\n"


@pytest.mark.parametrize(
    ("cell", "which", "said"),
    [
        ("whiten", "6.3", "this is cell 'whiten': put %revert at the top of cell 'gae'"),
        ("", "", "say which exercise stands in this cell, as in %revert 6.3"),
        ("gae", "7.1", "there is no exercise or cell '7.1'"),
    ],
)
def test_no_cell_gets_the_text_of_another(here: Path, cell: str, which: str, said: str):
    shell = Shell(cell, "%revert\nx = 1")
    with pytest.raises(UsageError, match=said):
        revert.in_cell(shell, which)
    assert not shell.put
    assert not (here / revert.KEPT).exists()


def test_while_grading_it_does_nothing(here: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    shell = Shell("gae", f"%revert\n{MINE}")
    revert.in_cell(shell)
    assert not shell.put
    assert not (here / revert.KEPT).exists()


# --- which folder is meant ------------------------------------------------------------------------------------------


def test_an_assignment_is_found_by_name_number_folder_notebook_and_from_inside(
    folder: Path, monkeypatch: pytest.MonkeyPatch
):
    homework = folder.parent
    for what in (NAME, "6", "06", str(folder), str(folder / f"{NAME}.ipynb")):
        assert release.locate(what, homework) == folder
    monkeypatch.chdir(folder)
    assert release.locate(None, Path("elsewhere")) == folder


def test_what_is_no_graded_assignment_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch):
    homework = folder.parent
    (homework / "00-start-here").mkdir()
    (homework / "notes.txt").touch()
    (homework / f"{NAME}.ipynb").touch()
    (folder / f"{NAME}-Copy1.ipynb").touch()
    monkeypatch.chdir(homework)
    for what, said in {
        "00-start-here": "00-start-here is not a graded assignment; give the name of one that is: 01-labelling-basics,",
        "notes.txt": "notes.txt is not a notebook",
        f"{NAME}.ipynb": f"but what is handed in is a folder called {NAME}; move it into one",
        f"{NAME}/{NAME}-Copy1.ipynb": f"is not what is graded, {NAME}.ipynb beside it is",
        "01-labelling-basics": "`topfive lab` puts it there",
        "99": "there are 01-labelling-basics",
        None: "is not a graded assignment",
    }.items():
        with pytest.raises(TopFiveError) as error:
            release.locate(what, homework)
        assert said in str(error.value)
        assert "\n" not in str(error.value)
