"""The same submissions by `check`'s verdict, `topfive validate`, `nbgrader autograde` and `topfive grade`: same points.

Each student hands in one of the mistakes that the course knows, or the right function, for each of six exercises.
Three students in the gate; `TOPFIVE_CLASS=30` makes it thirty (part of `make thorough`).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.api import Gradebook

from tests.grading.conftest import Course
from topfive.build.notebooks import ROOT, from_source
from topfive.checks.verdict import examine
from topfive.exercises import Function, exercise
from topfive.grading import asking, sandbox, seeds
from topfive.grading.cells import name_of
from topfive.grading.rehearse import rehearse

NAME = "01-four-ways"
NUMBERS = ("1.1", "1.2", "1.4", "1.7", "2.1", "2.4")
CLASS = int(os.environ.get("TOPFIVE_CLASS", "3"))
CELLS = '''
# %% solution="{function}"
def {function}(*args, **kwargs):
    """{title}."""
    ### BEGIN SOLUTION {number}: in your own words
    return None
    ### END SOLUTION

# %% test="{function}-test" points={points:g}
# Locked.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("{number}", lambda: {function}, seeds=(501, 502))
### END HIDDEN TESTS
'''


def of(number: str) -> str:
    """What an exercise's function is called."""
    return exercise(number).solution.__name__


def source() -> str:
    found = [(number, exercise(number)) for number in NUMBERS]
    cells = [
        CELLS.format(number=number, title=one.title, function=of(number), points=one.points) for number, one in found
    ]
    return "# %%\nimport numpy as np\n" + "".join(cells)


def place(number: str, student: int) -> int:
    """Each student another mistake of an exercise; after the last comes what is right."""
    return (student + NUMBERS.index(number)) % (len(exercise(number).mistakes) + 1)


RIGHT = """
import types
_right = exercise({number!r}).solution
{function} = types.FunctionType(_right.__code__.replace(co_name="own"), _right.__globals__, "own", _right.__defaults__)
{function}.__kwdefaults__ = _right.__kwdefaults__"""
WRONG = "\n{function} = exercise({number!r}).mistakes[{place}].function"


def written(number: str, student: int) -> str:
    """The text of the cell of an exercise."""
    chosen = place(number, student)
    text = WRONG if chosen < len(exercise(number).mistakes) else RIGHT
    filled = text.format(number=number, function=of(number), place=chosen)
    return f"from topfive.exercises import exercise{filled}"


def handed_in(number: str, student: int) -> Function:
    """What that cell defines."""
    names: dict[str, Any] = {}
    exec(written(number, student), names)
    return names[of(number)]


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    if problem := sandbox.problem():
        pytest.skip(f"no sandbox: {problem}")
    made = Course(tmp_path_factory.mktemp("course"))
    shutil.copy(ROOT / "nbgrader_config.py", made.root)
    (made.root / "solutions" / NAME).mkdir(parents=True)
    nbformat.write(from_source(source()), made.root / "solutions" / NAME / f"{NAME}.ipynb")
    assert made.call("generate_assignment", NAME).returncode == 0
    seeds.make(made.root)
    for student in range(CLASS):
        notebook = nbformat.read(release(made), as_version=4)
        for number in NUMBERS:
            [cell] = [cell for cell in notebook.cells if name_of(cell) == of(number)]
            cell.source = written(number, student)
        folder = made.root / "submitted" / f"student-{student}" / NAME
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
    return made


def release(course: Course) -> Path:
    return course.root / "notebooks" / NAME / f"{NAME}.ipynb"


def own(course: Course, number: str) -> tuple[int, ...]:
    """The class's seeds for an exercise. With others a mistake can cost half a point more or less."""
    call = asking.Call("grade", (), {"seeds": (501, 502)})
    found: tuple[int, ...] = seeds.with_own(call, seeds.read(course.root) or "", f"{NAME}/{of(number)}-test").kwargs[
        "seeds"
    ]
    return found


def by_check(course: Course, student: int) -> dict[str, float]:
    """The verdict on the class's seeds, in this process."""
    return {
        f"{of(number)}-test": examine(exercise(number), handed_in(number, student), own(course, number)).points
        for number in NUMBERS
    }


def by_validate(course: Course, student: int) -> dict[str, float | None]:
    tests = {
        f"{of(number)}-test": (
            "from topfive.checks.locked import grade as _grade\n\n"
            f"_grade({number!r}, lambda: {of(number)}, seeds={own(course, number)})"
        )
        for number in NUMBERS
    }
    found = rehearse(course.root / "submitted" / f"student-{student}" / NAME, release(course), tests)
    return {one.name: one.points for one in found.graded}


def in_gradebook(course: Course) -> dict[int, dict[str, float]]:
    with Gradebook(course.url) as gradebook:
        return {
            student: {
                one.name: one.auto_score
                for one in gradebook.find_submission_notebook(NAME, NAME, f"student-{student}").grades
            }
            for student in range(CLASS)
        }


def environment() -> dict[str, str]:
    return os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
    }


@pytest.mark.slow
@pytest.mark.thorough
def test_four_ways_come_to_the_same_points(course: Course, subtests: Any):
    checked = {student: by_check(course, student) for student in range(CLASS)}
    assert course.call("autograde", NAME).returncode == 0
    plain = in_gradebook(course)
    (course.root / "gradebook.db").rename(course.root / "plain.db")
    assert course.call("generate_assignment", NAME, "--force").returncode == 0
    command = [sys.executable, "-m", "topfive", "grade", NAME]
    done = subprocess.run(command, cwd=course.root, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert in_gradebook(course) == plain == checked
    assert len({tuple(points.values()) for points in plain.values()}) > 1
    for student in range(CLASS):
        with subtests.test(student=student):
            assert by_validate(course, student) == plain[student]
