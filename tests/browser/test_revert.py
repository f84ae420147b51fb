"""`%revert` in an open page: the running cell gets its released text, and no other cell changes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import lab
from topfive import release

MINE = "def gae():\n    return 'mine'"
SOURCES = "() => jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.getSource())"


@pytest.fixture(params=["lab", "notebook"])
def tab(request: pytest.FixtureRequest, chromium: lab.Browser, tmp_path: Path) -> Iterator[lab.Tab]:
    server = lab.Server(tmp_path / "home", request.param)
    path = server.notebook("import topfive.checks", f"%revert\n{MINE}", "after = 1", name="06-ppo")
    content = json.loads(path.read_text("utf-8"))
    content["cells"][2]["id"] = "gae"
    path.write_text(json.dumps(content), "utf-8")
    context = chromium.new_context()
    yield lab.Tab(server, context, path).open()
    context.close()
    server.stop()


def test_the_running_cell_is_as_it_was_given_out(tab: lab.Tab):
    before = tab.page.evaluate(SOURCES)
    released = release.named_cells(release.graded()["06-ppo"])["gae"]["source"]
    tab.run_cell(1)
    tab.run_cell(2)
    tab.page.get_by_text("The cell is as it was given out.").wait_for()
    tab.page.wait_for_function(f"text => ({SOURCES})()[2] === text", arg=released)
    assert tab.page.evaluate(SOURCES) == [*before[:2], released, before[3]]
    assert (tab.folder / "work" / "before-revert" / "gae-1.py").read_text("utf-8") == MINE + "\n"
