"""Every surgery on every role of cell of every graded notebook: after sanitising, all is in its place.

Nothing is run: each test stands once, with its hidden text, where the functions in force are the student's; each
answer is there once; nothing that was written is gone. `test_class` grades a class for real.
"""

import ast
import copy
import json
import logging
import os
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pytest
from nbgrader.api import Gradebook
from nbgrader.preprocessors import CheckCellMetadata, ComputeChecksums, LockCells, SaveCells
from nbgrader.utils import determine_grade
from traitlets.config import Config, PyFileConfigLoader

from tests.surgery import surgeries as s
from topfive.build.notebooks import ROOT, Assignment, from_source
from topfive.build.stubs import SaidSolutions
from topfive.errors import TopFiveError
from topfive.grading import cells as grading_cells
from topfive.grading.cells import Repair, in_release, name_of, ordinary
from topfive.grading.reading import read
from topfive.grading.texts import defines, imports

NAMES = sorted(path.stem for path in (ROOT / "notebooks").glob("*/*.ipynb") if '"nbgrader"' in path.read_text("utf-8"))


@dataclass
class Prepared:
    """One assignment: its gradebook's address, and the released notebook with everything written in it."""

    name: str
    url: str
    written: bytes
    release: Any
    hidden: dict[str, str]

    def notebook(self) -> Any:
        return pickle.loads(self.written)

    @cached_property
    def cells(self) -> list[tuple[str, Any]]:
        return [(name_of(cell), cell) for cell in self.notebook().cells]


def prepare(name: str, folder: Path) -> Prepared:
    """A gradebook from the source, by the steps of nbgrader's generate_assignment that it depends on."""
    source = from_source(Assignment(name).source.read_text("utf-8"))
    solved = {cell.id: cell.source for cell in source.cells if s.is_solution(cell)}
    url = f"sqlite:///{folder / 'gradebook.db'}"
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # it calls alembic by its name
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", beside)
        with Gradebook(url) as gradebook:
            gradebook.update_or_create_assignment(name)
    resources = {
        "language": "python",
        "nbgrader": {"notebook": name, "assignment": name, "student": ".", "db_url": url},
    }
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    for step in (LockCells, SaidSolutions, CheckCellMetadata, ComputeChecksums, SaveCells):
        source, resources = step(config=config).preprocess(source, resources)
    hidden = {name_of(cell): cell.source for cell in source.cells if s.is_test(cell)}
    release = nbformat.read(Assignment(name).release, as_version=4)
    written = copy.deepcopy(release)
    for cell in written.cells:
        if name_of(cell) and not s.is_test(cell):
            cell.metadata["stub"] = cell.source
            cell.source = s.ANSWER if s.is_answer(cell) else solved[cell.id]
    return Prepared(name, url, pickle.dumps(written), release, hidden)


class Once:
    """One gradebook that stays open, and looks each cell up once."""

    def __init__(self, url: str) -> None:
        self.open = Gradebook(url)
        self.notebook = lru_cache(self.open.find_notebook)
        self.find_source_cell = lru_cache(self.open.find_source_cell)
        self.find_graded_cell = lru_cache(self.open.find_graded_cell)

    def find_notebook(self, *args: str) -> Any:
        return self.notebook(*args)

    def __enter__(self) -> "Once":
        return self

    def __exit__(self, *_: object) -> None: ...


VALID: set[str] = set()


def validate(instance: Any, schema: Any) -> None:
    """jsonschema's, without a look at the schema itself, or at what was valid before."""
    if (seen := repr(instance)) not in VALID:
        if error := next(jsonschema.Draft202012Validator(schema).iter_errors(instance), None):
            raise error
        VALID.add(seen)


MADE: dict[str, tuple[Prepared, Once]] = {}  # pytest comes back to a notebook more than once
ORDINARY, IN_GRADEBOOK = lru_cache(Repair._ordinary), lru_cache(grading_cells.in_gradebook)


LAST = NAMES[-1]


def others_are_thorough(name: str, *more: str) -> Any:
    """Parameters that begin with a notebook's name; `make test` takes the last notebook."""
    return pytest.param(name, *more, marks=[] if name == LAST else pytest.mark.thorough)


@pytest.fixture(scope="module", params=map(others_are_thorough, NAMES))
def prepared(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prepared]:
    if request.param not in MADE:
        made = prepare(request.param, tmp_path_factory.mktemp(request.param))
        MADE[request.param] = made, Once(made.url)
    made, once = MADE[request.param]
    with pytest.MonkeyPatch.context() as patch:
        for module in (
            "topfive.grading.cells",
            "nbgrader.preprocessors.overwritecells",
            "nbgrader.preprocessors.overwritekernelspec",
        ):
            patch.setattr(f"{module}.Gradebook", lambda *_: once)
        patch.setattr("nbgrader.nbgraderformat.common.jsonschema.validate", validate)
        patch.setattr(Repair, "_ordinary", ORDINARY)
        patch.setattr(grading_cells, "in_gradebook", IN_GRADEBOOK)
        yield made


@lru_cache
def _steps() -> list[Any]:
    config: Config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    config.CourseDirectory.root = str(ROOT)
    return [step(config=config) for step in config.Autograde.sanitize_preprocessors]


def sanitised(prepared: Prepared, notebook: Any) -> Any:
    """What nbgrader would run."""
    for cell in notebook.cells:
        cell.metadata.pop("stub", None)
    resources = {
        "nbgrader": {"notebook": prepared.name, "assignment": prepared.name, "student": "anna", "db_url": prepared.url}
    }
    for step in _steps():
        notebook, resources = step.preprocess(notebook, resources)
    return notebook


@cache
def functions(text: str) -> dict[str, str]:
    """The functions that a cell of code defines, by name; what stands after a `return` counts for nothing."""
    try:
        body = ast.parse(text).body
    except SyntaxError:
        return {}
    found = [one for one in body if isinstance(one, ast.FunctionDef | ast.ClassDef)]
    for one in found:
        one.body = [line for line in one.body if "to be written" not in ast.dump(line)]
    return {one.name: ast.dump(one) for one in found}


def problems(prepared: Prepared, edited: list[str], done: Any, gone: set[str]) -> Iterator[str]:
    """What is not as it should be. gone: what the surgery took away."""
    here = [cell for cell in done.cells if name_of(cell)]
    names = [name_of(cell) for cell in here]
    if len(names) != len(set(names)):
        yield f"twice: {names}"
    right: dict[str, str] = {}
    force: dict[str, dict[str, str]] = {}
    space: dict[str, str] = {}
    for cell in done.cells:
        if s.is_test(cell):
            force[name_of(cell)] = dict(space)
            if cell.source != prepared.hidden[name_of(cell)]:
                yield f"{name_of(cell)} is not the hidden test"
        elif cell.cell_type == "code":
            space |= functions(cell.source)
    for name, cell in prepared.cells:
        if s.is_solution(cell) and name not in gone:
            right |= {
                one: text for one, text in functions(cell.source).items() if one in defines(cell.metadata["stub"])
            }
        if s.is_test(cell):
            if name not in force:
                yield f"{name} is missing"
            elif lost := [one for one, text in right.items() if force[name].get(one) != text]:
                yield f"{name} does not see the student's {lost}"
        if s.is_answer(cell):
            [answer] = [one for one in here if name_of(one) == name] or [None]
            if answer is None or answer.cell_type != "markdown":
                yield f"{name} is no answer"
            elif determine_grade(answer)[0] != (0 if name in gone else None):
                yield f"{name} waits for a reader, or does not"
            elif name not in gone and any(line not in answer.source for line in s.ANSWER.split("\n")):
                yield f"{name} is not the student's answer: {answer.source}"
    yield from _lost_lines(edited, done)
    first = next(cell.source for cell in prepared.release.cells if cell.cell_type == "code")
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    above = code[: next(place for place, cell in enumerate(code) if name_of(cell))]
    if imports(first) - {name for cell in above for name in imports(cell.source)}:
        yield "imports are missing"


def _lost_lines(edited: list[str], done: Any) -> Iterator[str]:
    after = {line.strip().removeprefix("# ") for cell in done.cells for line in cell.source.split("\n")}
    before = {line.strip().removeprefix("# ") for text in edited for line in text.split("\n")}
    # a test's released words are in the hidden text's place
    if lost := before - after - {"*Your answer goes here.*"}:
        yield f"lost: {sorted(lost)[:3]}"


def operated(prepared: Prepared, role: str, edit: s.Edit) -> tuple[Any, set[str]]:
    notebook = prepared.notebook()
    place = s.target(notebook.cells, role)
    name = name_of(notebook.cells[place])
    edit(notebook.cells, place)
    return notebook, {name} if edit is s.deleted and role in ("solution", "answer") else set()


@pytest.mark.slow
@pytest.mark.parametrize("role", s.ROLES)
def test_every_surgery_is_put_in_order(prepared: Prepared, role: str, subtests: Any, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.CRITICAL)
    wrong = []
    for name, edit in s.surgeries(role).items():
        notebook, gone = operated(prepared, role, edit)
        edited = [cell.source for cell in notebook.cells]
        done = sanitised(prepared, notebook)
        wrong += [f"{name}: {problem}" for problem in problems(prepared, edited, done, gone)]
        said = done.metadata["topfive"]["repairs"]
        assert not any("anna" in line for line in said)
        assert json.dumps(said)
        if name == "nothing":
            assert not said
    assert not wrong, "\n".join(wrong)


LOST = ("metadata and ids lost", "text alone", "twice", "somebody else's above")  # cells are known by what they say


@pytest.mark.parametrize(
    ("prepared", "name"),
    [others_are_thorough(notebook, name) for notebook in NAMES for name in s.WHOLE if name in LOST or notebook == LAST],
    indirect=["prepared"],
)
def test_every_surgery_on_the_whole_is_put_in_order(prepared: Prepared, name: str, tmp_path: Path):
    written = prepared.notebook()
    for cell in written.cells:
        cell.metadata.pop("stub", None)
    path = tmp_path / f"{prepared.name}.ipynb"
    path.write_bytes(s.WHOLE[name](json.loads(json.dumps(written))))
    notebook = read(path)
    edited = [cell.source for cell in notebook.cells]
    done = sanitised(prepared, notebook)
    nbformat.validate(done)
    assert not list(problems(prepared, edited, done, set()))


@pytest.mark.parametrize("prepared", [LAST], indirect=True)
def test_validate_repairs_by_the_release_as_autograde_does_by_the_gradebook(prepared: Prepared, caplog: Any):
    caplog.set_level(logging.CRITICAL)
    known, given = in_release(prepared.release), ordinary(prepared.release)
    for edit in s.surgeries("solution").values():
        notebook, _ = operated(prepared, "solution", edit)
        repair = Repair()
        repair.repair(notebook, known, given)
        done = sanitised(prepared, operated(prepared, "solution", edit)[0])
        assert notebook.metadata["topfive"] == done.metadata["topfive"]
        assert [name_of(cell) for cell in notebook.cells] == [name_of(cell) for cell in done.cells]


@pytest.mark.parametrize("prepared", [LAST], indirect=True)
@pytest.mark.parametrize("name", s.NONE)
def test_what_is_not_gradable_says_so(prepared: Prepared, name: str, tmp_path: Path):
    made, words = s.NONE[name]
    path = tmp_path / f"{prepared.name}.ipynb"
    path.write_bytes(made(json.loads(json.dumps(prepared.release))))
    with pytest.raises(TopFiveError, match=words) as error:
        sanitised(prepared, read(path))
    assert "\n" not in str(error.value)


def test_no_two_assignments_share_a_cell_by_which_one_could_be_taken_for_the_other():
    known = [in_release(nbformat.read(Assignment(name).release, as_version=4)) for name in NAMES]
    signs = [sign for one in known for sign in {*one, *(name for right in one.values() for name in right.function)}]
    assert len(signs) == len(set(signs))
