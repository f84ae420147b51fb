"""A saved notebook on another day, and scrolling away and back in each of JupyterLab's windowing modes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import lab
from tests.browser.test_asking import places, standings

MODES = ("contentVisibility", "full", "defer", "none")
LONG = "\n".join(f"# line {n}" for n in range(40))
OUTER = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"
PANEL_AT = 6  # the number of its cell


@pytest.fixture
def setting(server: lab.Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The windowing mode as a user would have set it."""
    file = server.home / "settings" / "@jupyterlab" / "notebook-extension" / "tracker.jupyterlab-settings"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"windowingMode": request.param}))
    yield request.param
    file.unlink()


def scroll(tab: lab.Tab, to: float) -> None:
    tab.page.evaluate("([outer, to]) => document.querySelector(outer).scrollTo(0, to)", [OUTER, to])
    tab.page.wait_for_timeout(700)


def scrolled(tab: lab.Tab) -> float:
    return float(tab.page.evaluate("outer => document.querySelector(outer).scrollTop", OUTER))


@pytest.mark.parametrize(
    "setting", [MODES[0], *(pytest.param(mode, marks=pytest.mark.thorough) for mode in MODES[1:])], indirect=True
)
def test_scrolling_away_and_back_loses_and_moves_nothing(server, context, setting):
    filling = [LONG] * (PANEL_AT - 1)
    tab = lab.Tab(server, context, server.notebook(*filling, "Rank(tasks(6))", *[LONG] * 25)).open()
    mode = tab.page.evaluate("jupyterapp.shell.currentWidget.content.notebookConfig.windowingMode")
    assert mode == setting
    tab.run_cell(0)
    tab.run_cell(PANEL_AT)
    tab.wait_ready()
    tab.panel.evaluate("panel => panel.scrollIntoView({ block: 'center' })")
    tab.page.wait_for_timeout(700)
    tab.panel.locator("h3").click()
    tab.press("a", "b", "c", "Enter", "b", "w")
    tab.page.keyboard.type("half a thou")
    tab.panel.locator(".side .score").first.wait_for()
    place = scrolled(tab)
    shown = places(tab)
    assert place > 0
    for far in (10**6, 0):
        scroll(tab, far)
        assert abs(scrolled(tab) - place) > 500
        scroll(tab, place)
        assert abs(scrolled(tab) - place) <= 2
        assert tab.panel.bounding_box() is not None
        assert places(tab) == shown
        assert tab.panel.get_by_label("Why?").input_value() == "half a thou"
        assert standings(tab)[:2] == ["✓", "…"]
    tab.panel.locator("h3").click()
    for key in ("d", "c", "n", "Enter", "p", "x", "Enter", "u"):
        tab.press(key)
        tab.page.wait_for_timeout(150)
        assert abs(scrolled(tab) - place) <= 2, f"{key} moved the page"
    tab.wait_saved()
    assert [answer.get("why") for answer in tab.answers()] == [None, "half a thou"]
    assert not tab.errors


def test_a_saved_notebook_after_the_server_was_restarted(tmp_path: Path, chromium):
    """Nothing is run: a table of the answers and what to do, in a browser that has never seen them."""
    server = lab.Server(tmp_path / "home")
    try:
        notebook = server.notebook("Rank(tasks(6), also='which is more faithful to the prompt?')")
        context = chromium.new_context()
        tab = lab.Tab(server, context, notebook).open().run()
        tab.focus()
        tab.press("a", "b", "c", "Enter", "b", "a", "c", "n", "w")
        tab.page.keyboard.type("nearer to dinner")
        tab.press("Control+Enter", "s")
        tab.wait_saved()
        tab.page.evaluate("jupyterapp.commands.execute('docmanager:save')")
        context.close()
        server.stop()
        server.start()
        context = chromium.new_context()
        tab = lab.Tab(server, context, notebook).open()
        said = "rank: 1 of 6 answered when this notebook was saved. To go on, run this cell again."
        tab.page.get_by_text(said).wait_for()
        page = tab.page.locator(".jp-Notebook").inner_text()
        assert "not sure (nearer to dinner)" in page
        assert "; also: " in page
        assert "Error displaying widget" not in page
        tab.run()
        assert standings(tab)[:3] == ["✓?", "–", ""]
        assert not tab.errors
        context.close()
    finally:
        server.stop()


def test_a_table_that_cannot_be_left_keeps_nobody_from_answering(server, context):
    tab = lab.Tab(server, context, server.notebook("Rank(tasks(2))")).open()
    tab.page.evaluate(
        "() => { jupyterapp.shell.currentWidget.context.model.setMetadata = () => { throw new Error('no') } }"
    )
    tab.run().focus()
    tab.press("a", "b", "c", "Enter")
    tab.wait_saved()
    assert len(tab.answers()) == 1
