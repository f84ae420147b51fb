"""Cells that were copied, lost, retyped, split, merged or moved are put in order, and no text is dropped."""

import copy
import logging
from collections.abc import Callable
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.nbgraderformat import MetadataValidator

from tests.grading.conftest import NAME, STUB, WRITTEN, Course, at
from topfive.grading.cells import Repair, name_of

ORDER = ["double", "double-test", "triple", "triple-test", "why"]


def repaired(course: Course, edit: Callable[[list[Any]], Any]) -> list[Any]:
    """The cells of a written notebook after an edit and its repair: valid, each name once, tests below their code."""
    notebook = course.written()
    edit(notebook.cells)
    notebook = nbformat.reads(nbformat.writes(notebook), as_version=4)
    repair = Repair()
    repair.log = logging.getLogger("tests.grading")
    resources = {"nbgrader": {"notebook": NAME, "assignment": NAME, "student": "anna", "db_url": course.url}}
    notebook, _ = repair.preprocess(notebook, resources)
    nbformat.validate(notebook)
    MetadataValidator().validate_nb(notebook)
    names = [name_of(cell) for cell in notebook.cells if name_of(cell)]
    assert len(names) == len(set(names))
    assert {"double-test", "triple-test", "why"} <= set(names)
    return notebook.cells


def outcome(cells: list[Any]) -> dict[str, Any]:
    """What tests see, run from top to bottom: the two functions at their tests; None where one does not work."""
    space: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    for cell in cells:
        if cell.cell_type != "code":
            continue
        try:
            if name_of(cell).endswith("-test"):
                seen[name_of(cell)] = space["double"](2) if "double" in name_of(cell) else space["triple"](2)
            exec(cell.source, space)
        except Exception:
            seen.setdefault(name_of(cell), None)
    return {name: value for name, value in seen.items() if name.endswith("-test")}


RIGHT = {"double-test": 4, "triple-test": 6}


def twin(cells: list[Any], name: str, step: int, source: str | None = None, kind: Any = new_code_cell) -> None:
    """Copy a cell, as JupyterLab does: metadata and all, under a new id."""
    cell = cells[at(cells, name)]
    text = cell.source if source is None else source
    cells.insert(at(cells, name) + step, kind(text, metadata=copy.deepcopy(cell.metadata)))


def split(cells: list[Any], line: int) -> None:
    place = at(cells, "double")
    lines = cells[place].source.split("\n")
    twin(cells, "double", 1, "\n".join(lines[line:]))
    cells[place].source = "\n".join(lines[:line])


def leave(cells: list[Any], body: str) -> None:
    """A right function that keeps the stub's own line somewhere, and an untouched copy of the stub below it."""
    cells[at(cells, "double")].source = "def double(x):\n" + body.format(STUB.split("\n")[-1].strip())
    twin(cells, "double", 1, STUB)


def retype(cells: list[Any], name: str, new: Any) -> None:
    place = at(cells, name)
    cells[place] = new(cells[place].source, metadata=cells[place].metadata, id=name)


def merge(cells: list[Any], name: str, other: str) -> None:
    """`other` into `name`, whose metadata stays."""
    merged = cells.pop(at(cells, other))
    cells[at(cells, name)].source += "\n\n" + merged.source


def remove(cells: list[Any], *names: str) -> None:
    for name in names:
        del cells[at(cells, name)]


def move(cells: list[Any], name: str, place: int) -> None:
    cells.insert(place, cells.pop(at(cells, name)))


def forget(cells: list[Any]) -> None:
    for cell in cells:
        cell.metadata.pop("nbgrader", None)


def damage(cells: list[Any]) -> None:
    cells[at(cells, "double-test")].metadata.nbgrader = {}
    cells[at(cells, "double")].metadata.nbgrader.schema_version = 99
    cells[at(cells, "triple-test")].metadata.nbgrader.update(grade=False, points=100, schema_version=1)


EDITS: dict[str, Callable[[list[Any]], Any]] = {
    "nothing": lambda cells: None,
    "a stub left below": lambda cells: twin(cells, "double", 1, STUB),
    "a stub left above": lambda cells: twin(cells, "double", 0, STUB),
    "a stub left below, with a note in it": lambda cells: twin(cells, "double", 1, STUB + "  # TODO"),
    "a stub left below, with blank lines in it": lambda cells: twin(cells, "double", 1, STUB.replace("\n", "\n\n")),
    "the stub's line left as a comment, a stub below": lambda cells: leave(cells, "    # {}\n    return x + x"),
    "the stub's line left behind a return, a stub below": lambda cells: leave(cells, "    return x + x\n    {}"),
    "the stub's line left behind an if, a stub below": lambda cells: leave(
        cells, "    if x is None:\n        {}\n    return x + x"
    ),
    "the stub's line left in the docstring, a stub below": lambda cells: leave(cells, "    '{}'\n    return x + x"),
    "an empty copy below": lambda cells: twin(cells, "double", 1, ""),
    "a copy all commented out below": lambda cells: twin(cells, "double", 1, "# " + STUB.replace("\n", "\n# ")),
    "a copy that stops in the middle below": lambda cells: twin(cells, "double", 1, "def double(x):\n    return x +"),
    "a wrong try above": lambda cells: twin(cells, "double", 0, "def double(x):\n    return x"),
    "three of a kind": lambda cells: [twin(cells, "double", 1, STUB), twin(cells, "double", 0, STUB)],
    "a copy as notes": lambda cells: twin(cells, "double", 1, kind=new_raw_cell),
    "a test copied": lambda cells: twin(cells, "double-test", 1),
    "a test copied to the top": lambda cells: cells.insert(0, copy.deepcopy(cells[at(cells, "triple-test")])),
    "a test deleted": lambda cells: cells.pop(at(cells, "double-test")),
    "both tests and the answer deleted": lambda cells: remove(cells, "double-test", "triple-test", "why"),
    "a test as markdown": lambda cells: retype(cells, "double-test", new_markdown_cell),
    "a test as raw": lambda cells: retype(cells, "triple-test", new_raw_cell),
    "a solution as markdown": lambda cells: retype(cells, "double", new_markdown_cell),
    "a solution as raw": lambda cells: retype(cells, "triple", new_raw_cell),
    "an answer as code": lambda cells: retype(cells, "why", new_code_cell),
    "split inside the function": lambda cells: split(cells, 1),
    "test merged into solution": lambda cells: merge(cells, "triple", "triple-test"),
    "solution merged into test": lambda cells: merge(cells, "triple-test", "triple"),
    "written into the test cell": lambda cells: [merge(cells, f"{n}-test", n) for n in WRITTEN],
    "test moved to the top": lambda cells: move(cells, "triple-test", 0),
    "solution moved to the end": lambda cells: move(cells, "double", len(cells) - 1),
    "nbgrader's metadata lost": forget,
    "nbgrader's metadata damaged": damage,
    "a cell of another notebook": lambda cells: cells.insert(
        0, new_code_cell("1 + 1", metadata={"nbgrader": {"grade_id": "other", "grade": True, "solution": False}})
    ),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_right_functions_are_found_by_their_tests(course: Course, edit: Callable[[list[Any]], Any]):
    assert outcome(repaired(course, edit)) == RIGHT


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_nothing_that_was_written_is_dropped(course: Course, edit: Callable[[list[Any]], Any]):
    before = course.written().cells
    edit(before)
    after = "\n".join(cell.source for cell in repaired(course, edit))
    for cell in before:
        assert all(line in after for line in cell.source.split("\n"))


def test_an_untouched_order_stays_and_is_not_spoken_of(course: Course, caplog: pytest.LogCaptureFixture):
    cells = repaired(course, EDITS["nothing"])
    assert [cell.source for cell in cells] == [cell.source for cell in course.written().cells]
    assert not caplog.messages


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        ("a stub left below", "cell 'double' is there 2 times; the last one that is written in counts"),
        ("a test deleted", "cell 'double-test' was missing and is put back"),
        ("a test as raw", "cell 'triple-test' was turned into raw and is code again"),
        ("split inside the function", "cell 'double' was split and is joined again"),
        ("solution merged into test", "cell 'triple-test' is locked, but was written in"),
        ("test moved to the top", "cell 'triple-test' stood above the code that it tests"),
    ],
)
def test_each_repair_is_logged_with_the_student(
    course: Course, caplog: pytest.LogCaptureFixture, edit: str, words: str
):
    repaired(course, EDITS[edit])
    assert any(said.startswith(f"anna {NAME}: {words}") for said in caplog.messages)


def test_of_two_written_copies_the_last_counts_as_it_would_in_the_notebook(course: Course):
    cells = repaired(course, lambda cells: twin(cells, "double", 1, "def double(x):\n    return 0"))
    assert outcome(cells)["double-test"] == 0
    [kept] = [cell for cell in cells if name_of(cell) == "double"]
    assert kept.source == "def double(x):\n    return 0"


def test_a_deleted_answer_waits_for_a_reader_who_is_told(course: Course):
    cells = repaired(course, lambda cells: cells.pop(at(cells, "why")))
    assert "was missing and has been put back" in cells[-1].source
    assert [name_of(cell) for cell in cells if name_of(cell)] == ORDER


def test_of_a_copied_answer_the_written_one_counts(course: Course):
    cells = repaired(course, lambda cells: twin(cells, "why", 1, "*Your answer goes here.*", new_markdown_cell))
    assert [cell.source for cell in cells if name_of(cell) == "why"] == ["Because."]


@pytest.mark.parametrize("magic", ["%%time", "%%capture out", "%%timeit -n 1", "\n  %%prun"])
@pytest.mark.parametrize("line", [1, 2])
@pytest.mark.parametrize("which", [(0,), (1,), (0, 1)])
def test_halves_are_joined_that_begin_with_a_cell_magic(course: Course, magic: str, line: int, which: tuple[int, ...]):
    def edit(cells: list[Any]) -> None:
        cells[at(cells, "double")].source = "def double(x):\n    y = x\n    return x + y"
        split(cells, line)
        for step in which:
            half = cells[at(cells, "double") + step]
            half.source = f"{magic}\n{half.source}"

    [joined] = [cell.source for cell in repaired(course, edit) if name_of(cell) == "double"]
    assert joined.strip().startswith("%%") == (0 in which)
    assert joined.count("# %%") == (1 in which)
    space: dict[str, Any] = {}
    exec(joined.replace("  %%", "%%").replace("%%", "# %%"), space)
    assert space["double"](2) == 4


@pytest.mark.parametrize("source", ["%time y = x", "!ls", "y = !ls", "x?"])
def test_halves_are_joined_that_hold_a_line_magic(course: Course, source: str):
    def edit(cells: list[Any]) -> None:
        cells[at(cells, "double")].source = f"def double(x):\n    {source}\n    return x + x"
        split(cells, 1)

    [joined] = [cell.source for cell in repaired(course, edit) if name_of(cell) == "double"]
    assert joined == f"def double(x):\n    {source}\n    return x + x"


def test_a_stub_below_that_begins_with_a_cell_magic_is_a_stub(course: Course):
    cells = repaired(course, lambda cells: twin(cells, "double", 1, f"%%time\n{STUB}"))
    assert [cell.source for cell in cells if name_of(cell) == "double"] == [WRITTEN["double"]]


def test_points_are_those_of_the_gradebook(course: Course):
    cells = repaired(course, damage)
    assert {name_of(cell): cell.metadata.nbgrader.points for cell in cells if name_of(cell).endswith("-test")} == {
        "double-test": 2,
        "triple-test": 1,
    }


def test_a_missing_function_stays_missing(course: Course):
    cells = repaired(course, lambda cells: remove(cells, "triple", "triple-test"))
    assert outcome(cells) == {"double-test": 4, "triple-test": None}
    assert WRITTEN["double"] in [cell.source for cell in cells]
