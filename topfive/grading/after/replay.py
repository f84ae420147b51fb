"""`topfive grade replay`: a student's function of one exercise, run again in the sandbox, case by case.

The graded notebook's cells run as far as the exercise's test, without other tests; `cases` prints there. What it prints
comes out of a kernel in which the student's code ran: it is for a person to look at, not for a machine to count.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.utils import is_grade, setenv

from topfive.errors import TopFiveError
from topfive.exercises import exercise
from topfive.grading import seeds
from topfive.grading.after.desk import Desk
from topfive.grading.after.said import Cell, number_of, words_of
from topfive.grading.asking import Call, call_in
from topfive.grading.cells import name_of
from topfive.grading.execute import ToTheEnd

SHOW = "from topfive.grading.after.cases import show as _show\n_show({number!r}, {name}, {seeds!r})"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # what could write elsewhere in the instructor's terminal


def replay(desk: Desk, student: str, number: str) -> Iterator[str]:
    """The lines to show. Raises TopFiveError if there is no such exercise, or nothing graded of it by this student."""
    exercise(number)
    notebook, folder = _graded(desk, student, number)
    test = next(index for index, cell in enumerate(notebook.cells) if number_of(cell) == number)
    call = asked(notebook.cells[test], folder.name, Path.cwd())
    cells = [cell for cell in notebook.cells[:test] if cell.cell_type == "code" and not _is_test(cell)]
    shown = new_code_cell(SHOW.format(number=number, name=call.args[1].id, seeds=call.kwargs["seeds"]))
    again = new_notebook(cells=[*(new_code_cell(cell.source) for cell in cells), shown])
    with setenv(NBGRADER_EXECUTION="autograde"):
        ToTheEnd(config=desk.settings).preprocess(again, {"metadata": {"path": str(folder)}})
    said = [one.text for one in again.cells[-1].outputs if one.output_type == "stream" and one.name == "stdout"]
    yield f"{student}, {number} {exercise(number).title}. When it was graded: {_when_graded(notebook.cells[test])}"
    yield from (CONTROL.sub("", line) for line in "".join(said).splitlines())
    yield from (f"It stopped: {CONTROL.sub('', words)}" for words in words_of(again.cells[-1]) if not said)


def asked(test: Cell, assignment: str, course: Path) -> Call:
    """What a hidden test asks, with the class's seeds. Raises TopFiveError if it is no test of one function."""
    call = call_in(test.source)
    if call is None or call.name != "grade":
        raise TopFiveError(f"the test '{name_of(test)}' is not one that can be shown case by case")
    secret = seeds.read(course)
    return seeds.with_own(call, secret, f"{assignment}/{name_of(test)}") if secret else call


def _graded(desk: Desk, student: str, number: str) -> tuple[Any, Any]:
    """The student's graded notebook that has this exercise's test, and its folder."""
    for path in sorted(desk.folder("autograded", student, "x").parent.glob("*/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if any(_is_test(cell) and number_of(cell) == number for cell in notebook.cells):
            return notebook, path.parent
    raise TopFiveError(f"nothing by {student!r} with exercise {number} is graded")


def _is_test(cell: Cell) -> bool:
    return cell.cell_type == "code" and is_grade(cell)


def _when_graded(test: Cell) -> str:
    return CONTROL.sub("", "; ".join(words_of(test))) or "it said nothing"
