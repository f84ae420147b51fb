"""A panel in Notebook 7, which has another shell than JupyterLab and takes keys sooner."""

from collections.abc import Iterator

import pytest

from tests.browser import lab
from tests.browser.test_panels import cells


@pytest.fixture
def tab(chromium, tmp_path) -> Iterator[lab.Tab]:
    server = lab.Server(tmp_path / "home", "notebook")
    context = chromium.new_context()
    yield lab.Tab(server, context, server.notebook("Rank(tasks(6))")).open().run()
    context.close()
    server.stop()


def test_a_ranking_is_saved_and_resumed(tab):
    before = cells(tab)
    tab.focus()
    tab.press("c", "a", "d", "Enter")
    tab.press("d", "d", "x", "x", "Control+z")  # these would delete, cut and bring back cells
    assert tab.wait_saved() == 9
    assert "9 clicks saved" in tab.status.inner_text()
    [answer] = tab.answers()
    assert sorted(answer["ranks"]) == [1, 2, 3, 4]
    assert cells(tab) == before
    tab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    tab.page.reload()
    tab.wait_ready()
    assert "ranking 2 of 6" in tab.panel.inner_text()
    assert tab.wait_saved() == 9


def test_a_saved_notebook_opened_cold_shows_the_answers_and_what_to_do(tab):
    tab.focus()
    tab.press("c", "a", "d", "Enter")
    tab.wait_saved()
    tab.reopen_cold()
    tab.page.get_by_text("1 of 6 answered when this notebook was saved. To go on, run this cell again.").wait_for()
    assert "Error displaying widget" not in tab.page.locator(".jp-Notebook").inner_text()
