"""Light and dark, large print, narrow windows, and what axe-core has to say about each panel."""

from pathlib import Path

import pytest

AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text(encoding="utf-8")
PANELS = {
    "rank": "Rank(tasks(3), guidelines='Judge as the one who eats.\\n\\n- first')",
    "compare": "Compare(tasks(3, 2))",
    "rate": "Rate(tasks(3, 1))",
    "label": "from topfive.panels import Label\nLabel(tasks(3, 1), question='On topic?', labels=('yes', 'no'))",
    "two scales": "from topfive.panels import HELPFUL_AND_FAITHFUL\nRate(tasks(3, 1), scales=HELPFUL_AND_FAITHFUL)",
    "second question": "from dataclasses import replace\n"
    "Compare([replace(task, suggested=1) for task in tasks(3, 2)], also='which is more faithful to the prompt?')",
    "best and worst": "Rank(tasks(3), mode='best and worst')",
    "write": "Write([Prompt('top 5 soups', 'soups')])",
    "blind": "Blind([(Prompt('top 5 soups', 'soups'), {'one': LISTS[0], 'two': LISTS[1]})])",
}
THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}


def serious(lab) -> list[str]:
    """Serious and critical findings inside the panel."""
    lab.page.evaluate(AXE)
    found = lab.page.evaluate("axe.run('.topfive', { resultTypes: ['violations'] })")
    return [
        f"{finding['id']}: {node['target']} {node.get('failureSummary', '')}"
        for finding in found["violations"]
        if finding["impact"] in ("serious", "critical")
        for node in finding["nodes"]
    ]


def use_theme(lab, theme: str) -> None:
    lab.page.evaluate("theme => jupyterapp.commands.execute('apputils:change-theme', { theme })", THEMES[theme])
    lab.page.wait_for_function(
        "light => document.body.dataset.jpThemeLight === light", arg="true" if theme == "light" else "false"
    )
    lab.page.wait_for_timeout(300)


def answer_once(lab, name: str) -> None:
    lab.focus()
    if name == "write":
        lab.panel.get_by_label("line 1", exact=True).fill("1. leek")
        return
    keys = {
        "rank": "bca",
        "rate": "4",
        "label": "1",
        "two scales": "42",
        "second question": "ab",
        "best and worst": "ad",
    }
    lab.press(*keys.get(name, "a"))
    if name == "blind":
        return
    lab.press("Enter")
    if name not in ("label", "second question"):
        lab.panel.locator(".side .score").first.wait_for()
    lab.press(*{"rank": "c", "rate": "2", "label": "2", "two scales": "2"}.get(name, "b"), "n")


@pytest.mark.parametrize("name", PANELS)
def test_light_dark_and_large(tab, picture, name):
    lab = tab(PANELS[name])
    answer_once(lab, name)
    lab.panel.get_by_role("button", name="Guidelines").click() if name == "rank" else None
    for theme in ("dark", "light"):
        use_theme(lab, theme)
        picture(lab, f"{name}-{theme}")
        assert not serious(lab)
    lab.page.evaluate("document.body.style.zoom = 2")
    if name == "second question":
        lab.press("a")  # "suggested by a model" and "better" on one card
    picture(lab, f"{name}-zoomed")
    wider = lab.panel.evaluate(
        "panel => [...panel.querySelectorAll('*')].filter(e => e.scrollWidth > e.clientWidth + 2"
        " && getComputedStyle(e).overflowX === 'visible' && e.clientWidth > 0).map(e => e.className)"
    )
    lab.page.evaluate("document.body.style.zoom = 1")
    assert not wider, f"cut off at 200 %: {wider}"


def test_it_works_where_there_is_no_network_but_the_server(fresh_tab):
    lab = fresh_tab(PANELS["rank"])
    asked: list[str] = []
    lab.page.on("request", lambda request: asked.append(request.url))
    answer_once(lab, "rank")
    lab.wait_saved()
    assert all(url.startswith((f"http://127.0.0.1:{lab.server.port}/", "blob:", "data:")) for url in asked)


def test_unsaved_clicks_can_be_downloaded_and_added(fresh_tab, tmp_path):
    from topfive import ledger
    from topfive.ledger.cli import add

    lab = fresh_tab(PANELS["rank"])
    (lab.folder / "work").rename(lab.folder / "away")
    (lab.folder / "work").touch()
    lab.focus()
    lab.press("a", "b", "c", "Enter")
    button = lab.panel.get_by_role("button", name="Download unsaved")
    button.wait_for()
    assert lab.pending() == 4
    with lab.page.expect_download() as download:
        button.click()
    download.value.save_as(tmp_path / "unsaved.jsonl")
    with pytest.raises(BaseException, match="0"):
        add(tmp_path / "unsaved.jsonl", tmp_path / "ledger.jsonl")
    assert len(ledger.rankings(tmp_path / "ledger.jsonl")[0]) == 1
