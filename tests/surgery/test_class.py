"""A class in which every student's notebook went through another surgery, graded by one `nbgrader autograde`.

`TOPFIVE_SURGERIES=all` makes it a class of all of them, each of which `topfive validate` looks at, too.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert import HTMLExporter
from nbgrader.api import Gradebook, MissingEntry

from tests.grading.conftest import NAME, SOURCE, Course
from tests.surgery import surgeries as s
from topfive.build.notebooks import from_source
from topfive.build.rehearsal import rehearsal
from topfive.errors import TopFiveError
from topfive.grading.rehearse import rehearse

SOME = {
    "solution": (
        "split after the docstring, first named", "written in the copy above without metadata",
        "an untouched copy below without metadata", "moved past its test", "as markdown, metadata lost",
        "a raise left above", "deleted",
    ),
    "test": ("moved to the top", "the metadata nonsense"),
    "answer": ("cut and pasted", "deleted"),
    "first": ("deleted",),
}  # fmt: skip
SOME_WHOLE = ("metadata and ids lost", "widgets without state", "twice", "format 3", "UTF-16")
ALL = os.environ.get("TOPFIVE_SURGERIES") == "all"
TESTS = rehearsal(from_source(SOURCE))
Points = dict[str, float | None]  # None: a person is to read it
FULL: Points = {"double-test": 2.0, "triple-test": 1.0, "why": None}


def operated(notebook: Any, role: str, edit: s.Edit) -> bytes:
    edit(notebook.cells, s.target(notebook.cells, role))
    for cell in notebook.cells:
        cell.metadata.pop("stub", None)
    return s.as_bytes(notebook)


def students() -> Iterator[tuple[str, Callable[[Any], bytes], Points]]:
    """Who hands in what, and what is right for it."""
    for name in ("a neighbour", "z neighbour"):
        yield name, s.as_bytes, FULL
    for role in ("code", "solution", "test", "answer", "first"):
        for name, edit in s.surgeries(role).items():
            if ALL or name in SOME.get(role, ()):
                gone = {"solution": {"triple-test": 0.0}, "answer": {"why": 0.0}}.get(role, {})
                right = FULL | (gone if name == "deleted" else {})
                yield f"{role} {name}", lambda notebook, role=role, edit=edit: operated(notebook, role, edit), right
    for name, made in s.WHOLE.items():
        if ALL or name in SOME_WHOLE:
            yield f"whole {name}", made, FULL


CLASS = {name.replace(",", "").replace("'", ""): (made, right) for name, made, right in students()}


def hand_in(course: Course, student: str, made: Callable[[Any], bytes]) -> None:
    notebook = course.written()
    given = nbformat.read(course.root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    for cell, stub in zip(notebook.cells, given.cells, strict=True):
        cell.metadata["stub"] = stub.source
    folder = course.root / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / f"{NAME}.ipynb").write_bytes(made(notebook))


@pytest.fixture(scope="module")
def log(course: Course) -> str:
    for student, (made, _) in CLASS.items():
        hand_in(course, student, made)
    for student, (made, _) in s.NONE.items():
        hand_in(course, f"none {student}", made)
    return course.call("autograde", NAME).stderr


def points(course: Course, student: str) -> Points:
    with Gradebook(course.url) as gradebook:
        grades = gradebook.find_submission_notebook(NAME, NAME, student).grades
        return {one.name: None if one.needs_manual_grade else one.auto_score for one in grades}


@pytest.mark.slow
def test_everybody_gets_what_is_right_and_neighbours_too(course: Course, log: str):
    found = {student: points(course, student) for student in CLASS}
    assert found == {student: right for student, (_, right) in CLASS.items()}


@pytest.mark.slow
def test_what_was_done_is_in_the_graded_notebook_and_in_the_log(course: Course, log: str):
    for student in CLASS:
        notebook = nbformat.read(course.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
        for line in notebook.metadata["topfive"]["repairs"]:
            assert student not in line
            assert line.removeprefix("Cell ").rstrip(".").lower() in log.lower()
    page, _ = HTMLExporter().from_filename(
        str(course.root / "autograded/whole widgets without state" / NAME / f"{NAME}.ipynb")
    )
    assert "def triple" in page or "triple" in page


@pytest.mark.slow
def test_what_is_not_gradable_says_why_and_waits_for_nobody(course: Course, log: str):
    for student, (_, words) in s.NONE.items():
        path = f"submitted/none {student}/{NAME}/{NAME}.ipynb"
        [line] = [line for line in log.splitlines() if f"NOT GRADABLE {path}: " in line]
        assert words in line
        assert "To do: " in line
        assert not (course.root / "autograded" / f"none {student}").exists()
        with Gradebook(course.url) as gradebook, pytest.raises(MissingEntry):
            gradebook.find_submission(NAME, f"none {student}")


@pytest.mark.slow
def test_validate_says_the_same(course: Course, log: str):
    release = course.root / "notebooks" / NAME / f"{NAME}.ipynb"
    for student in CLASS if ALL else ("solution a raise left above", "whole metadata and ids lost"):
        found = rehearse(course.root / "submitted" / student / NAME, release, TESTS)
        assert {one.name: one.points for one in found.graded} == CLASS[student][1]
        graded = nbformat.read(course.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
        repairs = [line.rstrip(".").lower() for line in graded.metadata["topfive"]["repairs"]]
        assert [line.lower() for line in found.log] == repairs


@pytest.mark.parametrize("student", s.NONE)
def test_validate_says_what_is_not_gradable(course: Course, tmp_path: Path, student: str):
    made, words = s.NONE[student]
    (tmp_path / f"{NAME}.ipynb").write_bytes(made(json.loads(nbformat.writes(course.written()))))
    with pytest.raises(TopFiveError, match=words):
        rehearse(tmp_path, course.root / "notebooks" / NAME / f"{NAME}.ipynb", TESTS)
