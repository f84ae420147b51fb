"""Notebook 04 as students get it: nothing written and nothing clicked; everything clicked, and run twice."""

import json
import statistics
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.build.notebooks import Assignment, from_source
from topfive.collecting.clicks import shipped
from topfive.exercises import exercises
from topfive.ledger import Ledger, read

SMALLER = {"few = not training_allowed()": "few = True", "if training_allowed() else ()": "if False else ()"}


def released() -> Any:
    notebook = nbformat.read(Assignment("04-collecting-preferences").release, as_version=4)
    for large, small in SMALLER.items():
        changed = [cell for cell in notebook.cells if large in cell.source]
        assert changed, large
        for cell in changed:
            cell.source = cell.source.replace(large, small)
    return notebook


def run(notebook: Any, folder: Path) -> str:
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return "\n".join(output.text for output in outputs if output.output_type == "stream")


def clicked(folder: Path) -> None:
    """All four panels answered, and nothing says that it was a simulated student."""
    (folder / "work").mkdir()
    book = Ledger(folder / "work" / "ledger.jsonl")
    for event in read(shipped())[0]:
        book.append({key: value for key, value in event.items() if key != "source"} | {"why": "more of it is new"})


@pytest.mark.slow
def test_it_runs_for_a_student_who_has_written_and_clicked_nothing(tmp_path: Path):
    said = run(released(), tmp_path)
    for one in exercises("4"):
        assert f"{one.number} {one.title}\n  Not written yet" in said
        assert f"{one.number} {one.solution.__name__}: the course's own is used" in said or one.number in ("4.1", "4.2")
    assert said.count("a SIMULATED student's") == 4
    assert "(yours)" not in said
    assert "they click left: ['w36', 'w42']" in said
    assert not (tmp_path / "work").exists(), "looking leaves no trace, and nobody agrees by running a cell"


@pytest.mark.slow
@pytest.mark.thorough
def test_it_runs_twice_in_one_kernel_with_a_full_ledger(tmp_path: Path):
    clicked(tmp_path)
    notebook = released()
    notebook.cells += [cell.copy() for cell in notebook.cells]
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"
    said = run(notebook, tmp_path)
    assert "SIMULATED student" not in said
    assert "more of it is new" in said
    before = len(read(tmp_path / "work" / "ledger.jsonl")[0])
    assert before == len(read(shipped())[0])


def test_what_was_clicked_is_worth_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from topfive.checks.locked import grade_clicks

    monkeypatch.chdir(tmp_path)
    scale = {2: 1, 3: 2, 4: 3}
    assert grade_clicks(at_least=scale) == 0
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "ledger.jsonl").write_bytes(shipped().read_bytes())
    assert grade_clicks(at_least=scale) == 0, "the simulated student's answers are nobody's own"
    (tmp_path / "work" / "ledger.jsonl").unlink()
    (tmp_path / "work").rmdir()
    clicked(tmp_path)
    assert grade_clicks(at_least=scale) == 3


def test_its_points_are_thirty_and_no_backslash_is_doubled():
    cells = from_source(Assignment("04-collecting-preferences").source.read_text("utf-8")).cells
    assert not [cell.source for cell in cells if cell.cell_type == "markdown" and "\\\\" in cell.source]
    points = [cell.metadata["nbgrader"]["points"] for cell in cells if cell.metadata.get("nbgrader", {}).get("grade")]
    assert sum(points) == 30


def test_the_records_say_that_they_are_simulated():
    folder = shipped().parent
    events = [json.loads(line) for line in shipped().read_text("utf-8").splitlines()]
    assert {event["source"] for event in events} == {"simulated"}
    for name in ("formats", "active"):
        assert json.loads((folder / f"{name}.json").read_text("utf-8"))["source"] == "simulated"


def test_the_active_choice_needs_at_most_seven_tenths_where_lists_lie_apart():
    runs = json.loads((shipped().parent / "active.json").read_text("utf-8"))["runs"]
    widest = max(runs, key=lambda run: run["spread"])
    assert widest["interval"][1] <= 0.7
    assert [run["share"] for run in runs] == sorted((run["share"] for run in runs), reverse=True)


def test_comparing_teaches_least_in_the_same_minutes():
    runs = json.loads((shipped().parent / "formats.json").read_text("utf-8"))["runs"]
    longest = max(run["minutes"] for run in runs)
    mean = {
        way: statistics.mean(run["right"] for run in runs if (run["way"], run["minutes"]) == (way, longest))
        for way in {run["way"] for run in runs}
    }
    assert min(mean, key=lambda way: mean[way]) == "compare"
