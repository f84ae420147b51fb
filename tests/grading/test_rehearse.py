"""What a student is told before handing in is what `nbgrader autograde` says afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.api import Gradebook
from traitlets.config import PyFileConfigLoader

from tests.grading.conftest import NAME, SOURCE, STUB, Course, at
from topfive.build.notebooks import ROOT, from_source
from topfive.build.rehearsal import PUBLISHED, rehearsal, rehearsals
from topfive.errors import TopFiveError
from topfive.grading import rehearse
from topfive.grading.cells import Repair, in_gradebook, in_release
from topfive.grading.rehearse import Graded, Rehearsal
from topfive.grading.strays import strays
from topfive.validate import page

TESTS = rehearsal(from_source(SOURCE))


def write(cells: list[Any], name: str, source: str) -> None:
    cells[at(cells, name)].source = source


def forget(cells: list[Any], *names: str) -> None:
    for name in names:
        del cells[at(cells, name)]


def untouched(cells: list[Any]) -> None:
    write(cells, "double", STUB)
    write(
        cells, "triple", 'def triple(x):\n    """Three times x."""\n    raise NotImplementedError("1.2: three times")'
    )
    write(cells, "why", "*Your answer goes here.*")


def odd(cells: list[Any]) -> None:
    """A copy, a locked cell written in, another deleted, and a kernel that dies on the way."""
    cells.insert(2, new_code_cell(STUB, metadata=cells[1].metadata))
    write(cells, "double-test", "2.0")
    forget(cells, "triple-test")
    cells.insert(at(cells, "triple"), new_code_cell("os._exit(1)"))


CLASS = {
    "full": lambda cells: None,
    "half": lambda cells: write(cells, "triple", "def triple(x):\n    return 2 * x"),
    "untouched": untouched,
    "odd": odd,
    "mute": lambda cells: cells.insert(1, new_code_cell("get_ipython().ast_node_interactivity = 'none'")),
}


def handed_in(course: Course, student: str) -> Path:
    return course.root / "submitted" / student / NAME


def validated(course: Course, student: str) -> Rehearsal:
    return rehearse.rehearse(handed_in(course, student), course.root / "notebooks" / NAME / f"{NAME}.ipynb", TESTS)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_validate_and_autograde_agree_cell_by_cell(course: Course, subtests: Any):
    for student, edit in CLASS.items():
        course.hand_in(student, edit)
    found = {}
    for student in CLASS:
        before = files(handed_in(course, student))
        found[student] = validated(course, student)
        assert files(handed_in(course, student)) == before
    done = course.call("autograde", NAME)
    assert done.returncode == 0, done.stderr[-3000:]
    with Gradebook(course.url) as gradebook:
        for student in CLASS:
            with subtests.test(student):
                grades = gradebook.find_submission_notebook(NAME, NAME, student).grades
                expected = {one.name: (one.auto_score, one.max_score) for one in grades}
                assert {one.name: (one.points, one.of) for one in found[student].graded} == expected
    for line in found["odd"].log:
        assert line.removeprefix(NAME) in done.stderr
    assert len(found["odd"].log) == 4
    assert [one.words for one in found["untouched"].graded] == ["not written yet", "not written yet", ""]


@pytest.mark.slow
def test_ctrl_c_ends_it_and_its_kernel(tmp_path: Path, course: Course):
    course.hand_in("slow", lambda cells: cells.insert(1, new_code_cell(
        f"import pathlib; pathlib.Path({str(tmp_path / 'pid')!r}).write_text(str(os.getpid())); time.sleep(600)"
    )))  # fmt: skip
    code = f"""
from pathlib import Path
from topfive import cli, validate
from topfive.grading.rehearse import rehearse
validate.validate = lambda *_: iter([str(rehearse(Path({str(handed_in(course, "slow"))!r}),
    Path({str(course.root / "notebooks" / NAME / f"{NAME}.ipynb")!r}), {{}}))])
cli.main()
"""
    process = subprocess.Popen([sys.executable, "-c", code, "validate"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    written = tmp_path / "pid"
    while not (written.exists() and written.read_text()) and time.monotonic() < deadline:
        time.sleep(0.2)
    kernel = int(written.read_text())
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Traceback" not in said
    with pytest.raises(ProcessLookupError):
        os.kill(kernel, 0)


# --- one code path ------------------------------------------------------------------------------------------------


def test_a_release_tells_of_its_cells_what_the_gradebook_does(course: Course):
    notebook = nbformat.read(course.root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    with Gradebook(course.url) as gradebook:
        known = in_gradebook(gradebook.find_notebook(NAME, NAME))
    given = in_release(notebook)
    assert list(given) == list(known)
    for name, one in given.items():
        assert (one.kind, one.text.strip()) == (known[name].kind, known[name].text.strip())
        ours, theirs = dict(one.metadata), dict(known[name].metadata)
        if one.locked:  # nbgrader's own is of the cell with its hidden test
            del ours["checksum"], theirs["checksum"]
        assert ours == theirs


def test_limits_of_time_are_those_of_autograde():
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    assert {name: config.Execute[name] for name in rehearse.LIMITS} == rehearse.LIMITS


# --- the hidden tests and what stands for them ----------------------------------------------------------------------


def test_what_is_run_before_handing_in_is_what_the_sources_say():
    assert PUBLISHED.read_text("utf-8") == rehearsals(), "python -m topfive.build.rehearsal"


def test_every_test_of_a_released_notebook_is_rehearsed():
    published = json.loads(PUBLISHED.read_text("utf-8"))
    for path in sorted((ROOT / "notebooks").glob("*/*.ipynb")):
        cells = [cell.metadata.get("nbgrader", {}) for cell in nbformat.read(path, as_version=4).cells]
        tests = {meta["grade_id"] for meta in cells if meta.get("grade") and not meta["solution"]}
        assert set(published.get(path.stem, {})) == tests


def test_no_secret_seed_is_given_away_and_no_other_number_changed():
    source = from_source(
        '# %%\nmeasure(seed=60)\n\n# %% test="a" points=1\n# Locked.\n### BEGIN HIDDEN TESTS\n'
        'grade("1.1", lambda: f, seeds=(60, 602))\nmeasure(points=7, prompt_seed=603, seed=60)\n### END HIDDEN TESTS\n'
    )
    expected = "grade('1.1', lambda: f, seeds=(90001, 90002))\nmeasure(points=7, prompt_seed=90003, seed=60)"
    assert rehearsal(source) == {"a": expected}


# --- which notebook -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ((), "there is no notebook in 01-toy"),
        (("01-toy-Copy1", "01-toy-Copy2"), "01-toy-Copy1.ipynb, 01-toy-Copy2.ipynb: rename the right one"),
    ],
)
def test_without_one_notebook_to_grade_it_says_so(course: Course, tmp_path: Path, names: tuple[str, ...], said: str):
    for name in names:
        nbformat.write(course.written(), tmp_path / f"{name}.ipynb")
    with pytest.raises(TopFiveError, match=said) as error:
        rehearse.rehearse(tmp_path, course.root / "notebooks" / NAME / f"{NAME}.ipynb", TESTS)
    assert str(tmp_path) not in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", '{"cells": [', "[]", "3", '{"a": 1}', "<html>", "\0", '{"nbformat": 4}'])
def test_a_damaged_notebook_is_one_line(tmp_path: Path, text: str):
    (tmp_path / "06-ppo.ipynb").write_text(text, "utf-8")
    with pytest.raises(TopFiveError, match=r"^06-ppo.ipynb is (damaged|not a notebook)") as error:
        rehearse.read(tmp_path / "06-ppo.ipynb")
    assert "\n" not in str(error.value)


# --- what is said ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "name = input('who? ')", "!pip install lemon", "%pip install lemon", "! python -m pip install lemon",
        "%matplotlib widget", "open('/home/anna/x.csv')", "Path('C:\\\\Users\\\\anna')", 'read("~/x.csv")',
        "p = '/Users/anna/x'",
    ],
)  # fmt: skip
def test_what_works_on_one_machine_only_is_named(line: str):
    cells = [new_markdown_cell(line), new_code_cell(f"x = 1\n{line}"), new_code_cell(f"# {line}")]
    [found] = strays(cells, set())
    assert (found.place, found.line) == (2, line)
    assert not list(strays(cells, {cells[1].source}))


def test_ordinary_lines_are_none():
    text = "x = model(input_ids)\nread_input(3)\nself.input(3)\n%matplotlib inline\np = 'work/x'\nurl = 'https://x.org/home/'"
    assert not list(strays([new_code_cell(text)], set()))


def test_the_page_says_all_of_it():
    graded = (
        Graded("double-test", 1.5, 2, "1.1: 1.5 of 2 points; not right yet: five lists"),
        Graded("why", None, 4, ""),
        Graded("other", 0, 1, ""),
    )
    found = Rehearsal(("01-toy: cell 'double' was split and is joined again",), (), {"cell 3": "KeyError: 'x'"}, graded)
    said = "\n".join(page(found))
    for words in (
        "cell 'double' was split and is joined again",
        "cell 3: KeyError: 'x'",
        "1.5 of 2    double-test: 1.1: 1.5 of 2 points; not right yet: five lists",
        "? of 4      why: your answer is there, and a person reads it",
        "0 of 1      other: there is no answer yet",
        "Total: 1.5 of 7 points, and up to 4 more from whoever reads your answer",
        "Grading uses other numbers of the same kinds",
    ):
        assert words in said


def test_repair_still_names_the_student(course: Course, caplog: pytest.LogCaptureFixture):
    repair = Repair()
    notebook = course.written()
    forget(notebook.cells, "why")
    resources = {"nbgrader": {"notebook": NAME, "assignment": NAME, "student": "anna", "db_url": course.url}}
    repair.preprocess(notebook, resources)
    assert f"anna {NAME}: cell 'why' was missing and is put back" in caplog.text
