"""Cells that run before those above them: Python's error stays, and a sentence says what to do."""

import nbformat
import pytest
from nbclient import NotebookClient

FIRST = "from topfive.checks import check"
MISSING = "loss_fn(1, 2)"
INSIDE = "def f():\n    return table\nf()"
OTHERS = {
    "1 / 0": "ZeroDivisionError",
    "import types; m = types.ModuleType('m'); exec('def f(): return missing', m.__dict__); m.f()": "NameError",
    "def f():\n    x = x + 1\nf()": "UnboundLocalError",
}


def run(*sources: str) -> dict[str, tuple[str, list[str]]]:
    """Of each of these cells, run one after the other: what it printed, and the names of the errors that it raised."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in (FIRST, *sources)])
    NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
    found = {}
    for cell in notebook.cells:
        printed = "".join(output.text for output in cell.outputs if output.output_type == "stream")
        found[cell.source] = (printed, [output.ename for output in cell.outputs if output.output_type == "error"])
    return found


@pytest.mark.slow
def test_a_name_from_a_cell_above_is_told_where_it_comes_from_and_other_errors_stay_as_they_are():
    found = run(MISSING, INSIDE, *OTHERS)
    for source, name in ((MISSING, "loss_fn"), (INSIDE, "table")):
        printed, errors = found[source]
        assert errors == ["NameError"]
        assert f"If `{name}` is made in a cell above" in printed
        assert "Run All Above Selected Cell" in printed
    assert {source: found[source] for source in OTHERS} == {source: ("", [name]) for source, name in OTHERS.items()}


@pytest.mark.slow
def test_nothing_is_added_while_a_notebook_is_graded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert run(MISSING)[MISSING] == ("", ["NameError"])
