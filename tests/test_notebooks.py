"""Notebooks: current, deterministic, and without anything in them that students should not see."""

import re
import shutil
import statistics
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.build import notebooks
from topfive.build.notebooks import Assignment, assignments, digest, from_source, staleness, to_source

ASSIGNMENTS = assignments()
every = pytest.mark.parametrize("assignment", ASSIGNMENTS, ids=lambda one: one.name)
GRADED = '''\
# %% [markdown]
r"""
# A toy

The mean, $\\bar x$.
"""

# %% solution="mean"
def mean(values):
    ### BEGIN SOLUTION 1.1: one "line" is enough
    return sum(values) / len(values)
    ### END SOLUTION


# %%
print(mean([1, 2, 6]))

# %%
print(mean([1, 2, 6]))

# %% test="mean-test" points=2
assert mean([4]) == 4
### BEGIN HIDDEN TESTS
assert mean([1, 2]) == 1.5
### END HIDDEN TESTS

# %% locked="note" tags=["remove-input"]
len("a widget's state would come after this")

# %% [markdown] answer="why" points=1
"""
Because it is the middle.
"""

# %% [markdown] task="think" points=1
"""
Think of another one.
"""
'''


@pytest.fixture
def toy(tmp_path: Path) -> Assignment:
    """A course of one graded assignment, not built yet, with a data file and somebody's work beside its solution."""
    shutil.copy(notebooks.ROOT / "nbgrader_config.py", tmp_path)
    assignment = Assignment("01-toy", tmp_path)
    assignment.solution.parent.mkdir(parents=True)
    assignment.source.write_text(GRADED, "utf-8")
    (assignment.solution.parent / "numbers.csv").write_text("1,2\n", "utf-8")
    (assignment.solution.parent / "work").mkdir()
    (assignment.solution.parent / "work" / "ledger.jsonl").write_text("{}\n", "utf-8")
    return assignment


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def solution_lines(text: str) -> set[str]:
    """What stands between solution or hidden-test markers."""
    regions = re.findall(r"### BEGIN (?:SOLUTION|HIDDEN TESTS)[^\n]*\n(.*?)### END", text, flags=re.DOTALL)
    return {line.strip() for region in regions for line in region.split("\n") if line.strip()}


# --- what is committed --------------------------------------------------------------------------------------------


@every
def test_nothing_is_stale(assignment: Assignment):
    assert not staleness(assignment), "run `make notebooks`"


@every
def test_students_see_no_solution_hidden_test_or_output(assignment: Assignment):
    released = read(assignment.release)
    text = "\n".join(cell.source for cell in released.cells)
    hidden = solution_lines(assignment.source.read_text("utf-8"))
    assert not hidden & {line.strip() for line in text.split("\n")}
    assert "### BEGIN" not in text
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in released.cells)


@every
def test_no_widget_state_and_no_failed_cell_is_kept(assignment: Assignment):
    for path in (assignment.solution, assignment.release):
        assert set(read(path).metadata) == {"kernelspec", "topfive"}
        assert notebooks.WIDGET not in path.read_text("utf-8")
    outputs = [output for cell in read(assignment.solution).cells for output in cell.get("outputs", [])]
    assert outputs
    assert not [output for output in outputs if output.output_type == "error"]


@every
def test_nbgrader_releases_the_same_notebook_again(assignment: Assignment, tmp_path: Path):
    again = Assignment(assignment.name, tmp_path)
    shutil.copy(notebooks.ROOT / "nbgrader_config.py", tmp_path)
    shutil.copytree(assignment.solution.parent, again.solution.parent, ignore=shutil.ignore_patterns("work"))
    notebooks.release(again)
    assert again.release.read_bytes() == assignment.release.read_bytes(), "run `make notebooks`"


@every
def test_built_cells_are_those_of_the_source(assignment: Assignment):
    expected = from_source(assignment.source.read_text("utf-8"))
    assert [cell.id for cell in read(assignment.solution).cells] == [cell.id for cell in expected.cells]
    assert [cell.id for cell in read(assignment.release).cells] == [cell.id for cell in expected.cells]
    assert len({cell.id for cell in expected.cells}) == len(expected.cells)


@every
def test_code_cells_are_short(assignment: Assignment):
    lengths = [len(cell.source.splitlines()) for cell in read(assignment.release).cells if cell.cell_type == "code"]
    assert statistics.median(lengths) < 10


@pytest.mark.slow
@every
def test_text_cells_are_short_and_code_lines_fit_the_page(assignment: Assignment):
    cells = from_source(assignment.source.read_text("utf-8")).cells
    words = [len(cell.source.split()) for cell in cells if cell.cell_type == "markdown"]
    assert statistics.median(words) <= 45
    assert max(words) <= 160
    lines = [line for cell in cells if cell.cell_type == "code" for line in cell.source.splitlines()]
    assert [line for line in lines if len(line) > 88] == []


def test_every_graded_notebook_ends_with_the_same_words_about_handing_in():
    sources = [from_source(one.source.read_text("utf-8")).cells for one in assignments()[1:]]
    assert len(sources) == 6
    endings = {tuple(cell.source for cell in cells[-3:]) for cells in sources}
    [(words, _, code)] = endings
    assert words.startswith("## Before you hand in")
    assert code.endswith("before_handing_in()")


def test_start_here_runs_for_a_student_without_a_front_end(tmp_path: Path):
    notebook = read(Assignment("00-start-here").release)
    [cell] = [cell for cell in notebook.cells if "rankings=400" in cell.source]
    cell.source = cell.source.replace("rankings=400", "rankings=16, ppo_steps=2")
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert (tmp_path / "work" / "run" / "report.json").is_file()
    tables = [
        output for cell in notebook.cells for output in cell.get("outputs", []) if notebooks.WIDGET in str(output)
    ]
    assert "0 of 3 answered" in str(tables)
    assert "PPO: " not in str([cell.get("outputs") for cell in notebook.cells]), "curves are watched, so no bar"


# --- the builder --------------------------------------------------------------------------------------------------


def test_the_same_source_gives_the_same_notebook_and_back():
    notebook = from_source(GRADED)
    assert nbformat.writes(notebook) == nbformat.writes(from_source(GRADED))
    assert from_source(to_source(notebook)) == notebook
    nbformat.validate(notebook)


def test_ids_come_from_grade_ids_or_content_and_stay_when_a_cell_is_put_in():
    before = [cell.id for cell in from_source(GRADED).cells]
    after = [cell.id for cell in from_source("# %%\n1 + 1\n\n" + GRADED).cells]
    assert after[1:] == before
    assert {"mean", "mean-test", "note", "why", "think"} <= set(before)


def test_headers_become_what_nbgrader_expects():
    from nbgrader.nbgraderformat import MetadataValidator

    notebook = from_source(GRADED)
    MetadataValidator().validate_nb(notebook)
    test = next(cell for cell in notebook.cells if cell.id == "mean-test").metadata["nbgrader"]
    assert (test["grade"], test["locked"], test["solution"], test["points"]) == (True, True, False, 2)


def test_one_cell_has_one_role():
    with pytest.raises(notebooks.TopFiveError, match="solution and test"):
        from_source('# %% solution="a" test="b"\n1')


def test_formatting_and_outputs_do_not_make_a_notebook_stale():
    notebook = from_source(GRADED)
    notebook.cells[2].outputs = [nbformat.v4.new_output("stream", text="3.0")]
    notebook.metadata["language_info"] = {"name": "python"}
    assert digest(notebook) == digest(from_source(GRADED.replace("\n\n\n", "\n\n")))
    assert digest(notebook) != digest(from_source(GRADED.replace("points=2", "points=3")))


@pytest.mark.slow
def test_a_graded_assignment_from_source_to_release_and_back(toy: Assignment, capsys: pytest.CaptureFixture[str]):
    assert "missing" in staleness(toy)
    notebooks.build(toy)
    assert not staleness(toy)
    assert read(toy.solution).cells[2].outputs[0].text == "3.0\n"
    text = toy.release.read_text("utf-8")
    assert "sum(values)" not in text
    assert "1.5" not in text
    [stub] = [cell.source for cell in read(toy.release).cells if cell.id == "mean"]
    assert stub.split("\n    ")[1:] == ["raise NotImplementedError(\"1.1: one 'line' is enough\")"]
    assert sorted(path.name for path in toy.release.parent.iterdir()) == ["01-toy.ipynb", "numbers.csv"]

    notebook = read(toy.solution)
    notebook.cells[2].source = "print(mean([3, 3]))"
    nbformat.write(notebook, toy.solution)
    assert notebooks.edited(toy)
    assert "edited in place" in staleness(toy)
    assert notebooks._build(toy) == 1
    assert "which loses" not in capsys.readouterr().out
    written = toy.source.read_text("utf-8")
    toy.source.write_text(written + "\n# %%\nprint(1)\n", "utf-8")
    assert notebooks._build(toy) == 1
    assert "(which loses what is new in the source)" in capsys.readouterr().out
    toy.source.write_text(written, "utf-8")
    assert notebooks._bring_back(toy) == 0
    assert "print(mean([3, 3]))" in toy.source.read_text("utf-8")
    assert not notebooks.edited(toy)
    assert "source changed" in staleness(toy)
