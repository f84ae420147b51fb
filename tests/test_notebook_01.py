"""Notebook 01 as students get it: nothing written, and with a full ledger; run twice; and what its text cells weigh."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from tests.test_round_trip import label_lists
from topfive.build.notebooks import Assignment
from topfive.exercises import exercises

RELEASE = Assignment("01-labelling-basics").release


def run(folder: Path, times: int = 1) -> str:
    """Everything that the released notebook prints, run from a clean kernel in this folder, so many times."""
    notebook = nbformat.read(RELEASE, as_version=4)
    cells = [{**cell, "id": f"{cell.id}-{time}"} for time in range(times) for cell in notebook.cells]
    notebook.cells = [nbformat.from_dict(cell) for cell in cells]
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.slow
def test_labelling_basics_runs_for_a_student_who_has_written_nothing(tmp_path: Path):
    said = run(tmp_path)
    for one in exercises("1"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
        assert f"{one.number} {one.solution.__name__}: the course's own is used" in said
    assert "EXAMPLE ANSWERS (simulated), not yours" in said
    assert "your instructions mention: no borderline case" in said
    assert "9 s a list, assumed" in said


@pytest.mark.slow
def test_and_with_a_full_ledger_it_speaks_of_ones_own_labels_both_times(tmp_path: Path):
    label_lists(tmp_path / "work" / "ledger.jsonl")
    said = run(tmp_path, times=2)
    assert "EXAMPLE" not in said
    for words in ("20 labels: yours", "you differ from the judge: count", "7 s a list, yours"):
        assert said.count(words) == 2
