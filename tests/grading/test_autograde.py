"""Submissions that used to stop nbgrader, or to cheat it, through one `nbgrader autograde` of the whole class."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Gradebook
from nbgrader.utils import determine_grade

from tests.grading.conftest import NAME, STUB, Course, at
from topfive.grading.execute import ShownPoints, ToTheEnd
from topfive.grading.intake import find_notebook

SWALLOWS = """
def double(x):
    while True:
        try:
            time.sleep(1)
        except BaseException:
            pass
"""
LATE = """
def talk():
    while True:
        print("a warning that comes late", file=sys.stderr); os.write(2, b"from C")
        time.sleep(0.01)
threading.Thread(target=talk, daemon=True).start()
"""
HUNG = "def double(x):\n    while True:\n        time.sleep(0.1)"


def write(cells: list[Any], name: str, source: str) -> None:
    cells[at(cells, name)].source = source


def before(cells: list[Any], name: str, *sources: str) -> None:
    cells[at(cells, name) : at(cells, name)] = [new_code_cell(source) for source in sources]


# student: an edit of right answers, and the points of double-test, triple-test
CLASS: dict[str, tuple[Any, tuple[float, float]]] = {
    "right": (lambda cells: None, (2, 1)),
    "copied": (lambda cells: cells.insert(2, new_code_cell(STUB, metadata=cells[1].metadata)), (2, 1)),
    "exit": (lambda cells: before(cells, "double", "exit()", "quit", "get_ipython().ask_exit()"), (2, 1)),
    "system-exit": (lambda cells: before(cells, "triple", "sys.exit(0)", "raise SystemExit"), (2, 1)),
    "killed": (lambda cells: before(cells, "triple", "os._exit(1)"), (2, 1)),
    "killed-in-a-test": (lambda cells: write(cells, "triple", "def triple(x):\n    os._exit(1)"), (2, 0)),
    "hung": (lambda cells: write(cells, "double", HUNG), (0, 0)),
    "swallows": (lambda cells: [write(cells, "double", SWALLOWS), before(cells, "why", "triple(1)")], (0, 0)),
    "late": (lambda cells: before(cells, "double", LATE), (2, 1)),
    "mute": (lambda cells: before(cells, "double", "get_ipython().ast_node_interactivity = 'none'"), (0, 0)),
    "chatty": (lambda cells: write(cells, "double", "def double(x):\n    sys.displayhook(2.0)\n    return 0"), (0, 0)),
}


@pytest.fixture(scope="module")
def log(course: Course) -> str:
    """What nbgrader said while it graded the class."""
    for student, (edit, _) in CLASS.items():
        course.hand_in(student, edit)
    course.hand_in("renamed", lambda cells: None, f"{NAME}-Copy1")
    course.hand_in("both", lambda cells: write(cells, "double", STUB))
    course.hand_in("both", lambda cells: None, f"{NAME}-Copy1")
    done = course.call("autograde", NAME, "--Execute.timeout=10", "--Execute.iopub_timeout=5")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr


def points(course: Course, student: str) -> tuple[float, float]:
    with Gradebook(course.url) as gradebook:
        grades = {one.name: one for one in gradebook.find_submission_notebook(NAME, NAME, student).grades}
        assert [name for name, one in grades.items() if one.needs_manual_grade] == ["why"]
        return grades["double-test"].auto_score, grades["triple-test"].auto_score


def said(course: Course, student: str) -> str:
    notebook = nbformat.read(course.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
    return "\n".join(str(output) for cell in notebook.cells for output in cell.get("outputs", []))


@pytest.mark.slow
@pytest.mark.parametrize("student", CLASS)
def test_everybody_is_graded_and_keeps_the_points_of_what_is_right(course: Course, log: str, student: str):
    assert points(course, student) == CLASS[student][1]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("student", "words"),
    [
        ("exit", "Not left: the cells below are still to be graded."),
        ("killed", "this cell ended the kernel; the cells below run in a fresh one"),
        ("swallows", "this cell ran too long and could not be interrupted"),
        ("mute", "this test cell had to show one number of points, and did not"),
    ],
)
def test_what_happened_is_said_in_the_notebook(course: Course, log: str, student: str, words: str):
    assert words in said(course, student)


@pytest.mark.slow
def test_a_copy_under_another_name_is_graded_if_it_is_the_only_notebook(course: Course, log: str):
    assert points(course, "renamed") == (2, 1)
    assert f"{NAME}-Copy1.ipynb is the only notebook beside it and is graded in its place" in log
    assert points(course, "both") == (0, 0)
    assert f"beside it lies {NAME}-Copy1.ipynb, which is not" in log
    assert (course.root / "submitted" / "renamed" / NAME / f"{NAME}-Copy1.ipynb").is_file()


def test_of_two_copies_none_is_chosen(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    for name in ("a-Copy1", "a-Copy2", "scratch"):
        meta = {} if name == "scratch" else {"nbgrader": {"grade_id": "x"}}
        nbformat.write(new_notebook(cells=[new_code_cell("", metadata=meta)]), tmp_path / f"{name}.ipynb")
    paths = sorted(map(str, tmp_path.iterdir()))
    find_notebook(assignment="a", student="*", notebooks=paths)
    assert len(paths) == 3
    assert "a.ipynb, but a-Copy1.ipynb, a-Copy2.ipynb: rename the right one" in caplog.text


# --- what is said about a lost kernel ---------------------------------------------------------------------------------


class Replayed(ToTheEnd):
    """Instead of a kernel: what each run of a cell does, by its source; `None` is all right."""

    def __init__(self, runs: dict[str, list[Exception | None]]) -> None:
        super().__init__()
        self.runs, self.lost = runs, set()
        self.nb = new_notebook(cells=[new_code_cell(source) for source in runs])
        self.nb.cells[1].metadata["nbgrader"] = {"grade_id": "triple", "grade": False, "solution": True}

    def execute_cell(self, cell: Any, index: int, **_: Any) -> Any:
        if error := self.runs[cell.source].pop(0):
            raise error
        return cell

    def create_kernel_manager(self) -> None: ...
    def start_new_kernel(self, **_: Any) -> None: ...
    def start_new_kernel_client(self, **_: Any) -> None: ...
    def _cleanup_kernel(self) -> None: ...

    def said(self) -> list[str]:
        self.resources: dict[str, Any] = {}
        for index, cell in enumerate(self.nb.cells):
            self.preprocess_cell(cell, self.resources, index)
        return [" ".join(output.evalue for output in cell.outputs) for cell in self.nb.cells]


def dead() -> DeadKernelError:
    return DeadKernelError("Kernel died")


@pytest.mark.parametrize(
    ("error", "why", "look"),
    [
        (dead(), "ended the kernel", "Look for what stops Python itself there"),
        (CellTimeoutError("too long"), "ran too long and could not be interrupted", "Look for a loop without an end"),
    ],
)
def test_a_lost_kernel_says_which_cell_lost_it_and_what_to_do(error: Exception, why: str, look: str):
    _, said, below = Replayed({"1": [None, None], "2": [error], "3": [None]}).said()
    assert said.startswith(f"'triple': this cell {why}; the cells below run in a fresh one. {look}")
    assert said.endswith("(Kernel > Restart Kernel and Run All Cells) before handing in again.")
    assert below == ""


def test_a_cell_that_loses_the_kernel_only_when_it_is_run_again_is_told_so(caplog: pytest.LogCaptureFixture):
    first, second, _ = Replayed({"\n one = 1": [None, dead()], "2": [dead()], "3": [None]}).said()
    assert first.startswith("'one = 1': this cell ended the kernel")
    assert second.startswith("'triple': this cell ended the kernel")


def test_what_is_not_run_says_because_of_which_cells():
    said = Replayed({name: [dead()] for name in "abcde"}).said()
    assert said[-1] == "cells above ended their kernel too often ('a', 'triple', 'c', 'd'), so this one was not run"


def shown(*outputs: Any, source: str = "_grade()") -> float:
    meta = {"grade": True, "solution": False, "locked": True, "grade_id": "t", "points": 2, "schema_version": 3}
    cell = new_code_cell(source, outputs=list(outputs), metadata={"nbgrader": meta})
    ShownPoints().preprocess_cell(cell, {}, 0)
    return determine_grade(cell)[0]


def result(text: str) -> Any:
    return new_output("execute_result", data={"text/plain": text}, execution_count=1)


STDERR = new_output("stream", name="stderr", text="a warning")


@pytest.mark.parametrize("text", ["nan", "-1", "3", "inf", "array([2])", "'2'", ""])
def test_what_is_no_number_of_points_earns_nothing(text: str):
    assert shown(result(text)) == 0


def test_points_count_once_and_beside_whatever_came_on_stderr():
    assert shown(STDERR, result("1.5"), STDERR) == 1.5
    assert shown(result("2"), result("2")) == 0
    assert shown(new_output("execute_result", data={}, execution_count=1)) == 0
    assert shown(new_output("error", ename="E", evalue="", traceback=[]), result("2")) == 0


def test_a_test_that_only_asserts_is_nbgraders_own_matter():
    assert shown(source="assert True") == 2
    assert shown(STDERR, source="assert True") == 0
