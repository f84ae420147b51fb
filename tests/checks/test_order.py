"""Cells that run before those above them: Python's error stays, and a sentence says what to do."""

import nbformat
import pytest
from nbclient import NotebookClient

FIRST = "from topfive.checks import check"


def outputs_of_last(*sources: str) -> tuple[str, list[str]]:
    """What the last of these cells printed, and the names of the errors that it raised."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    found = notebook.cells[-1].outputs
    printed = "".join(output.text for output in found if output.output_type == "stream")
    return printed, [output.ename for output in found if output.output_type == "error"]


@pytest.mark.slow
def test_a_name_from_a_cell_above_is_told_where_it_comes_from():
    printed, errors = outputs_of_last(FIRST, "loss_fn(1, 2)")
    assert errors == ["NameError"]
    assert "If `loss_fn` is made in a cell above" in printed
    assert "Run All Above Selected Cell" in printed
    inside, errors = outputs_of_last(FIRST, "def f():\n    return table\nf()")
    assert errors == ["NameError"]
    assert "If `table` is made" in inside


@pytest.mark.slow
def test_other_errors_stay_as_they_are():
    assert outputs_of_last(FIRST, "1 / 0") == ("", ["ZeroDivisionError"])
    in_a_module = "import types; m = types.ModuleType('m'); exec('def f(): return missing', m.__dict__); m.f()"
    assert outputs_of_last(FIRST, in_a_module) == ("", ["NameError"])
    assert outputs_of_last(FIRST, "def f():\n    x = x + 1\nf()") == ("", ["UnboundLocalError"])


@pytest.mark.slow
def test_nothing_is_added_while_a_notebook_is_graded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert outputs_of_last(FIRST, "loss_fn(1, 2)") == ("", ["NameError"])
