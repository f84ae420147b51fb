"""Notebook 05 as students get it: nothing written; run twice, with rankings of one's own; cells out of their order."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.build.notebooks import Assignment, from_source
from topfive.exercises import exercises
from topfive.ledger import Ledger, plain

SMALLER = {
    "few = not training_allowed()": "few = True",
    "groups=16 if few else 400": "groups=20",
    "epochs=2": "epochs=1",
}


def released() -> Any:
    notebook = nbformat.read(Assignment("05-preference-modeling").release, as_version=4)
    for large, small in SMALLER.items():
        changed = [cell for cell in notebook.cells if large in cell.source]
        assert changed, large
        for cell in changed:
            cell.source = cell.source.replace(large, small)
    return notebook


def run(notebook: Any, folder: Path, **how: Any) -> str:
    resources = {"metadata": {"path": folder}}
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources=resources, **how).execute()
    return said_by(notebook)


def said_by(notebook: Any) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.slow
def test_preference_modeling_runs_for_a_student_who_has_written_nothing(tmp_path: Path):
    said = run(released(), tmp_path)
    for one in exercises("5"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
        assert f"{one.number} {one.solution.__name__}: the course's own is used" in said or one.number == "5.4"
    assert "a SIMULATED student's" in said
    assert (tmp_path / "work" / "reward" / "model.safetensors").is_file()


@pytest.mark.slow
@pytest.mark.thorough
def test_it_runs_twice_in_one_kernel_with_rankings_of_ones_own(tmp_path: Path):
    """Three in 00, as its panel writes them, and those that were typed into a terminal in this notebook's folder."""
    folder = tmp_path / "05-preference-modeling"
    folder.mkdir()
    tasks = plain.shipped_tasks(3)
    for name, some in (("00-start-here", tasks[:3]), (folder.name, tasks[3:10])):
        (tmp_path / name).mkdir(exist_ok=True)
        book = Ledger(tmp_path / name / "work" / "ledger.jsonl")
        assert plain.rank(some, book, ask=lambda _: "b a=c", tell=lambda _: None) == len(some)
    notebook = released()
    notebook.cells += [cell.copy() for cell in notebook.cells]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    said = run(notebook, folder)
    assert said.count("10 rankings, for 10 different prompts") == 2
    assert "SIMULATED" not in said
    assert said.count("(n = 5)") >= 6, "five prompts to measure with, for each of three ways, twice"


@pytest.mark.slow
def test_a_cell_out_of_its_order_says_what_to_run(tmp_path: Path):
    """After the imports, all cells from the last to the first: whatever is missing is a name, and explained."""
    notebook = released()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    notebook.cells = [code[0], *code[:0:-1]]
    said = run(notebook, tmp_path, allow_errors=True)
    errors = [output for cell in code for output in cell.outputs if output.output_type == "error"]
    assert errors
    assert {output.ename for output in errors} == {"NameError"}
    assert said.count("Run → Run All Above Selected Cell") >= len(errors)


def test_its_points_are_thirty_and_no_backslash_is_doubled():
    cells = from_source(Assignment("05-preference-modeling").source.read_text("utf-8")).cells
    assert not [cell.source for cell in cells if cell.cell_type == "markdown" and "\\\\" in cell.source]
    points = [cell.metadata["nbgrader"]["points"] for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(points) == 30
