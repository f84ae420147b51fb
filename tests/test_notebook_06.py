"""Notebook 06: it runs for a student who has written nothing, and cells that train run again."""

import json
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.build import clinic
from topfive.build.notebooks import Assignment
from topfive.exercises import exercises

NAME = "06-ppo"
SMALLER = {
    "total_steps=70": "total_steps=2",
    "200 if": "8 if",
    "train_prompts, 200": "train_prompts, 8",
    '"steps": 50, "batch_size": 128': '"steps": 2, "batch_size": 16',
    "toy.learn(ppo_loss, beta=0.5)": "toy.learn(ppo_loss, beta=0.5, steps=1)",
    "toy_run(WHICH, functions)": "toy_run(WHICH, functions, steps=2)",
}


def test_recorded_runs_have_the_settings_of_the_notebook():
    source = Assignment(NAME).source.read_text("utf-8")
    [said] = re.findall(r"replace\(PPO, total_steps=(\d+), num_ppo_epochs=(\d+), seed=\d+", source)
    args = clinic.settings(clinic.Size().model_steps, seed=0)
    assert tuple(map(int, said)) == (args.total_steps, args.num_ppo_epochs)


@pytest.mark.slow
def test_ppo_runs_for_a_student_who_has_written_nothing_and_again(tmp_path: Path):
    notebook = nbformat.read(Assignment(NAME).release, as_version=4)
    for large, small in SMALLER.items():
        changed = [cell for cell in notebook.cells if large in cell.source]
        assert changed, large
        for cell in changed:
            cell.source = cell.source.replace(large, small)
    again = [cell for cell in notebook.cells if "trained(" in cell.source or "distances = [start]" in cell.source]
    notebook.cells += [nbformat.v4.new_code_cell(cell.source) for cell in again]
    NotebookClient(notebook, timeout=500, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    said = "\n".join(
        output.text for cell in notebook.cells for output in cell.get("outputs", []) if output.output_type == "stream"
    )
    for one in exercises("6"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
    for one in exercises("6")[:7]:
        assert f"{one.number} {one.solution.__name__}: the course's own is used" in said
    assert (tmp_path / "work" / "policy" / "model.safetensors").is_file()
    assert len(json.loads((tmp_path / "work" / "ppo-history.json").read_text("utf-8"))) == 2
