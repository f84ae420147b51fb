"""Notebook 03 as students get it: it runs from top to bottom while nothing is written yet."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.build.notebooks import Assignment
from topfive.exercises import exercises

SMALLER = {
    "TrainConfig(200,": "TrainConfig(2,",
    "TrainConfig(140,": "TrainConfig(2,",
    "TrainConfig(20,": "TrainConfig(3,",
    "(100, 8)": "(6, 1)",
}


@pytest.mark.slow
def test_language_modeling_runs_for_a_student_who_has_written_nothing(tmp_path: Path):
    notebook = nbformat.read(Assignment("03-language-modeling").release, as_version=4)
    for large, small in SMALLER.items():
        [cell] = [cell for cell in notebook.cells if cell.cell_type == "code" and large in cell.source]
        cell.source = cell.source.replace(large, small)
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    said = "\n".join(
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    )
    for one in exercises("3"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
        assert f"{one.number} {one.solution.__name__}: the course's own is used" in said
    assert (tmp_path / "work" / "sft" / "model.safetensors").is_file()
