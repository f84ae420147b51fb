"""Notebook 02 as students get it: with nothing written and no click, and with lists of their own in the ledger."""

from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.written import write_lists
from topfive.build.notebooks import Assignment, from_source
from topfive.exercises import exercises

SMALLER = {"steps = 60 if": "steps = 2 if", "128 if": "8 if"}
NAME = "02-writing-demonstrations"


def run(notebook: Any, folder: Path) -> str:
    """Execute a notebook with less training; returns all that it printed."""
    for large, small in SMALLER.items():
        changed = [cell for cell in notebook.cells if large in cell.source]
        assert changed, large
        for cell in changed:
            cell.source = cell.source.replace(large, small)
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


@pytest.mark.slow
def test_it_runs_for_a_student_who_has_written_nothing_and_takes_nothing_for_theirs(tmp_path: Path):
    said = run(nbformat.read(Assignment(NAME).release, as_version=4), tmp_path)
    for one in exercises("2"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
        own = "the course's own set is used below" if one.number == "2.8" else "the course's own is used"
        assert f"{one.number} {one.solution.__name__}: {own}" in said
    assert "2.8 build_set: the course's own set is used below, and not saved" in said
    assert "no list of yours yet: EXAMPLES by the course's authors stand in" in said
    assert not (tmp_path / "work" / "demonstrations.jsonl").exists()
    assert not (tmp_path / "work" / "ledger.jsonl").exists()


@pytest.mark.slow
@pytest.mark.thorough
def test_it_runs_twice_with_lists_of_ones_own_and_writes_set_and_card(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    write_lists(6)
    notebook = from_source(Assignment(NAME).source.read_text("utf-8"))
    again = from_source(Assignment(NAME).source.read_text("utf-8")).cells
    notebook.cells += [{**cell, "id": f"again-{place}"} for place, cell in enumerate(again)]
    notebook = nbformat.from_dict(notebook)
    said = run(notebook, tmp_path)
    assert said.count("6 lists of yours") == 2
    assert said.count("median time of a list: 95 seconds") == 2
    assert said.count("2.8 build_set: yours is used") == 2
    assert said.count("the card is complete, and its numbers are those of the set") == 2
    results = [cell.outputs[-1]["data"]["text/plain"] for cell in notebook.cells if _is_test(cell)]
    half = len(results) // 2
    points = [float(cell.metadata["nbgrader"]["points"]) for cell in notebook.cells if _is_test(cell)][:half]
    assert list(map(float, results)) == points * 2
    assert (tmp_path / "work" / "demonstrations.jsonl").is_file()
    assert (tmp_path / "work" / "README.md").is_file()


def _is_test(cell: Any) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(meta.get("grade")) and not meta["solution"]
