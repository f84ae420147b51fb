"""Each panel by mouse, keyboard and touch, in a real JupyterLab."""

import json

import pytest

from tests.browser.chaos import COMPUTING
from tests.browser.lab import Tab

RANK = "Rank(tasks(6), guidelines='Judge as the one who eats.\\n\\n- first point\\n- second point')"


def letters_of(tab: Tab) -> dict[str, int]:
    """Which index stands behind which letter in the task on the screen."""
    cards = tab.panel.locator("[data-card]").all()
    return {card.locator(".key").inner_text(): int(card.get_attribute("data-card")) for card in cards}


def cells(lab) -> int:
    """How many cells the notebook has: a key that slips through the panel adds, cuts or splits one."""
    return lab.page.locator(".jp-Notebook-cell").count()


def test_ranking_four_lists_takes_four_keys(tab, picture):
    lab = tab(RANK)
    before = cells(lab)
    where = letters_of(lab)
    lab.focus()
    lab.press("c", "a", "d", "Enter")
    assert lab.wait_saved() == 4
    [answer] = lab.answers()
    assert [answer["ranks"][where[letter]] for letter in "cadb"] == [1, 2, 3, 4]
    assert sorted(answer["shown"]) == [0, 1, 2, 3]
    assert answer["shown"] == [where[letter] for letter in "abcd"]
    assert answer["by"] == "key"
    assert answer["seconds"] >= 0
    lab.panel.locator(".side").wait_for()
    assert lab.panel.locator(".side .score").count() == 4
    picture(lab, "rank-light")
    assert cells(lab) == before
    assert not lab.errors


def test_ties_none_good_and_replacing(tab):
    lab = tab(RANK)
    where = letters_of(lab)
    lab.focus()
    lab.press("b", "=", "c", "a", "Enter")  # b and c share the first place
    lab.press("x", "Enter")
    lab.press("a", "b", "a", "c", "d", "Enter")  # a is taken back, and comes last
    lab.wait_saved()
    first, second, third = lab.answers()
    assert [first["ranks"][where[letter]] for letter in "bcad"] == [1, 1, 3, 4]
    assert second["ranks"] == [1, 1, 1, 1]
    assert second["bad"] is True
    assert [third["ranks"][third["shown"]["abcd".index(letter)]] for letter in "bcda"] == [1, 2, 3, 4]


def test_an_incomplete_ranking_says_what_is_missing(tab):
    lab = tab(RANK)
    lab.focus()
    lab.press("a", "Enter")
    assert "3 of 4 still need a place" in lab.panel.inner_text()
    lab.wait_saved()
    assert lab.answers() == []


def test_arrows_digits_and_alt_arrows(tab):
    lab = tab(RANK)
    lab.focus()
    lab.press("ArrowRight", "ArrowRight", "2")  # the second card to the second place
    order = [int(card.get_attribute("data-card")) for card in lab.panel.locator("[data-card]").all()]
    assert lab.panel.locator(".place").all_inner_texts() == ["1st", "2nd", "–", "–"]
    lab.press("Alt+ArrowLeft")
    changed = [int(card.get_attribute("data-card")) for card in lab.panel.locator("[data-card]").all()]
    assert changed == [order[1], order[0], *order[2:]]
    assert lab.page.evaluate("document.activeElement.dataset.card") == str(order[1])
    lab.press("d", "Enter")
    lab.wait_saved()
    assert lab.answers()[0]["ranks"][order[1]] == 1


def test_undo_and_redo_have_no_end(tab):
    lab = tab(RANK)
    lab.focus()
    for _ in range(3):
        lab.press("a", "b", "c", "Enter")
    lab.press("s")
    lab.wait_saved()
    assert len(lab.answers()) == 3
    lab.press(*"u" * 13, "u", "u")  # two more than there is to undo
    lab.wait_saved()
    assert lab.answers() == []
    assert "ranking 1 of 6" in lab.panel.inner_text()
    assert lab.panel.get_by_role("button", name="Undo").is_disabled()
    lab.press(*"r" * 12)
    lab.wait_saved()
    assert len(lab.answers()) == 3
    assert "ranking 4 of 6" in lab.panel.inner_text()
    lab.press("Control+Shift+z")
    assert "ranking 5 of 6" in lab.panel.inner_text()
    lab.press("Control+z", "a")  # a new gesture: nothing to redo any more
    assert lab.panel.get_by_role("button", name="Redo").is_disabled()


def test_resume_after_a_reload_and_after_running_the_cell_again(tab):
    lab = tab(RANK)
    lab.focus()
    lab.press("a", "b", "c", "Enter", "c", "d")
    lab.wait_saved()
    lab.run()
    assert "ranking 2 of 6" in lab.panel.inner_text()
    assert lab.panel.locator(".place").all_inner_texts() == ["1st", "2nd", "–", "–"]
    lab.reload()
    assert "ranking 2 of 6" in lab.panel.inner_text()
    assert int(lab.status.get_attribute("data-saved")) == 6


def test_clicks_are_saved_while_the_cell_after_the_panel_runs(server, context):
    """Run all cells: the panel comes to life, and saves, while the next one computes."""
    lab = Tab(server, context, server.notebook("Rank(tasks(2))", COMPUTING)).open().start()
    lab.focus()
    lab.press("b", "d")
    assert lab.wait_saved() == 2
    assert not (lab.folder / "done").exists()
    (lab.folder / "enough").touch()
    lab.wait_idle()


def test_mouse_clicks_buttons_and_drag(tab):
    lab = tab(RANK)
    cards = lab.panel.locator("[data-card]")
    ids = [int(card.get_attribute("data-card")) for card in cards.all()]
    cards.nth(2).click()
    assert cards.nth(0).get_attribute("data-card") == str(ids[2])
    cards.nth(1).get_by_label("Move up").click()
    assert lab.panel.locator(".place").all_inner_texts()[:2] == ["1st", "2nd"]
    cards.nth(1).get_by_label("Tie with the one before").click()
    assert lab.panel.locator(".place").all_inner_texts()[:2] == ["1st =", "1st ="]
    lab.panel.get_by_role("button", name="Undo").click()
    start = cards.nth(3).bounding_box()
    goal = cards.nth(0).bounding_box()
    dragged = cards.nth(3).get_attribute("data-card")
    lab.page.mouse.move(start["x"] + 60, start["y"] + 60)
    lab.page.mouse.down()
    lab.page.mouse.move(goal["x"] + 40, goal["y"] + 60, steps=5)
    lab.page.mouse.move(goal["x"] + 4, goal["y"] + 60, steps=3)
    lab.page.mouse.up()
    assert cards.nth(0).get_attribute("data-card") == dragged
    lab.panel.get_by_role("button", name="Next").click()
    lab.wait_saved()
    [answer] = lab.answers()
    assert answer["ranks"][int(dragged)] == 1
    assert answer["by"] == "mouse"


def test_touch_taps_and_drags(tab):
    lab = tab(RANK)
    cards = lab.panel.locator("[data-card]")
    cards.nth(1).tap()
    lab.wait_saved()
    assert lab.events("draft")[-1]["by"] == "touch"
    handle = cards.nth(2).locator("[data-handle]").bounding_box()
    goal = cards.nth(0).bounding_box()
    dragged = cards.nth(2).get_attribute("data-card")
    touch = lab.page.context.new_cdp_session(lab.page)

    def send(kind: str, x: float, y: float) -> None:
        points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    x, y = handle["x"] + 6, handle["y"] + 6
    send("touchStart", x, y)
    for step in range(1, 6):
        send("touchMove", x + (goal["x"] + 4 - x) * step / 5, y + (goal["y"] + 30 - y) * step / 5)
    send("touchEnd", 0, 0)
    assert cards.nth(0).get_attribute("data-card") == dragged
    lab.panel.get_by_role("button", name="Next").tap()
    lab.panel.locator(".missing", has_text="2 of 4 still need a place").wait_for(timeout=20_000)
    cards.nth(2).tap()
    lab.panel.get_by_role("button", name="Next").tap()
    lab.wait_saved()
    assert lab.answers()[0]["ranks"][int(dragged)] == 1


def test_skip_flag_guidelines_and_side_view(tab):
    lab = tab(RANK)
    lab.focus()
    lab.press("?")
    assert lab.panel.get_by_text("second point").is_visible()
    lab.press("!")
    lab.page.keyboard.type("not a list, really!")
    lab.press("Enter", "s", "v", "a", "b", "c", "Enter")
    lab.wait_saved()
    assert [event["reason"] for event in lab.events("flag")] == ["not a list, really!"]
    assert len(lab.events("skip")) == 1
    [answer] = lab.answers()
    assert answer["side"] is False
    lab.page.wait_for_timeout(500)
    assert lab.panel.locator(".side").is_hidden()
    lab.press("v", "a", "b", "c", "Enter")
    lab.panel.locator(".side").wait_for()
    assert lab.answers()[1]["side"] is True
    lab.press("u")  # what is to be judged again must not be shown judged
    assert lab.panel.locator(".side").is_hidden()


def test_items_of_one_list_can_be_ranked(tab):
    lab = tab(
        "Rank([Task(Prompt('top 5 teas', 'teas'), ('mint', 'sage', 'rooibos', 'oolong', 'lapsang'))], of='items')"
    )
    lab.focus()
    lab.press("b", "e", "a", "d", "Enter")
    lab.wait_saved()
    [answer] = lab.answers()
    assert answer["of"] == "items"
    assert [answer["ranks"][answer["shown"]["abcde".index(letter)]] for letter in "beadc"] == [1, 2, 3, 4, 5]
    assert "All done" in lab.panel.inner_text()


def test_rate_by_keys_and_mouse(tab, picture):
    lab = tab("Rate([Task(Prompt(f'top 5 dinners {n}', 'dinners'), (text,)) for n, text in enumerate(LISTS)])")
    lab.focus()
    lab.press("Enter")
    assert "Choose a number" in lab.panel.inner_text()
    lab.press("4", "Enter", "ArrowRight", "ArrowRight", "Enter")
    lab.panel.get_by_role("radio", name="just what I asked for").click()
    lab.press("Enter")
    lab.panel.get_by_role("radio", name="useless").tap()
    picture(lab, "rate-light")
    lab.panel.get_by_role("button", name="Next").click()
    lab.wait_saved()
    assert [answer["rating"] for answer in lab.answers()] == [4, 4, 5, 1]


def test_compare_by_keys_and_mouse(tab, picture):
    lab = tab("Compare(tasks(5, 2))")
    lab.focus()
    lab.press("a", "3", "Enter", "b", "1", "Enter", "=", "Enter", "x", "Enter")
    lab.panel.get_by_role("radio", name="b is much better").click()
    picture(lab, "compare-light")
    lab.press("Enter")
    lab.wait_saved()
    answers = lab.answers()
    assert [answer["strength"] for answer in answers] == [3, 1, 0, 0, 3]
    better = [answer["shown"].index(min((0, 1), key=lambda i: answer["ranks"][i])) for answer in answers]
    assert [better[0], better[1], better[4]] == [0, 1, 1]
    assert answers[2]["ranks"] == answers[3]["ranks"] == [1, 1]
    assert [answer.get("bad", False) for answer in answers] == [False, False, False, True, False]


def test_blind_reveals_only_at_the_end(tab, picture):
    pairs = (
        "[(Prompt(f'top 5 dinners {n}', 'd'), {'alpha-policy': LISTS[0], 'beta-policy': LISTS[1]}) for n in range(3)]"
    )
    lab = tab(f"blind = Blind({pairs})\nblind")
    lab.focus()
    seen = []
    for key in ("a", "b", "="):
        seen.append(lab.panel.locator(".card").first.inner_text())
        state = lab.page.content() + json.dumps(lab.events())
        assert "alpha-policy" not in lab.panel.inner_html()
        assert "alpha-policy" not in json.dumps(lab.events())
        assert state
        lab.press(key, "Enter")
    lab.wait_saved()
    assert "alpha-policy" not in lab.panel.inner_html()
    lab.panel.get_by_role("button", name="Reveal").click()
    lab.panel.get_by_role("cell", name="alpha-policy").wait_for()
    picture(lab, "blind-revealed")
    assert lab.panel.get_by_role("button", name="Undo").is_disabled()
    [reveal] = lab.events("reveal")
    assert set(map(tuple, reveal["policies"].values())) == {("alpha-policy", "beta-policy")}
    lab.reload()
    lab.panel.get_by_role("cell", name="beta-policy").wait_for()


def test_write_with_live_validation(tab, picture):
    lab = tab("Write([Prompt('top 5 soups', 'soups'), Prompt('top 5 teas', 'teas')])")
    before = cells(lab)
    first = lab.panel.get_by_label("line 1", exact=True)
    first.click()
    for text in ("leek soup", "pea soup", "Leek  soup.", "4. corn"):
        lab.page.keyboard.type(text)
        lab.press("Enter")
    lab.page.keyboard.type("ask me@example.com dd x s u")
    assert "the same as line 1" in lab.panel.inner_text()
    assert "numbers are added for you" in lab.panel.inner_text()
    assert "looks like personal data" in lab.panel.inner_text()
    picture(lab, "write-light")
    lab.press("Control+Enter")
    assert "Line 3: the same as line 1" in lab.panel.inner_text()
    for line, text in ((3, "miso soup"), (4, "corn soup"), (5, "beet soup")):
        lab.panel.get_by_label(f"line {line}", exact=True).fill(text)
    lab.panel.get_by_label("line 5", exact=True).press("Alt+ArrowUp")
    assert lab.panel.get_by_label("line 4", exact=True).input_value() == "beet soup"
    lab.panel.get_by_label("Move line 1 down").click()
    lab.panel.get_by_role("button", name="Next Ctrl+↵").click()
    lab.page.keyboard.type("mint")  # the next list begins at its top
    assert lab.panel.get_by_label("line 1", exact=True).input_value() == "mint"
    lab.wait_saved()
    [answer] = lab.answers()
    assert answer["texts"] == ["\n1. pea soup\n2. leek soup\n3. miso soup\n4. beet soup\n5. corn soup"]
    assert cells(lab) == before


def test_what_is_typed_survives_a_reload_without_next(tab):
    lab = tab("Write([Prompt('top 5 soups', 'soups')])")
    lab.panel.get_by_label("line 1", exact=True).click()
    lab.page.keyboard.type("leek soup")
    lab.reload()
    assert lab.panel.get_by_label("line 1", exact=True).input_value() == "leek soup"
    lab.wait_saved()


@pytest.mark.parametrize(
    "panel", ["Rank(tasks(2))", "Compare(tasks(2, 2))", "Rate(tasks(2, 1))", "Write([Prompt('a', 'b')])"]
)
def test_letters_never_reach_the_notebook(tab, panel):
    lab = tab(panel)
    before = cells(lab)
    lab.focus()
    lab.press("d", "d", "x", "b", "a", "m", "y", "z", "0", "0", "Shift+M", "ArrowDown", "Space")
    assert cells(lab) == before
    assert lab.page.evaluate("jupyterapp.shell.currentWidget.content.activeCell.model.type") == "code"
    assert not lab.errors


FULL = (
    "import resource; limits = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
    "size = Path('work/ledger.jsonl').stat().st_size\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))"
)
ROOM = "resource.setrlimit(resource.RLIMIT_FSIZE, limits)"


def test_gestures_keep_their_order_through_a_full_disk(fresh_tab):
    """What was done while the disk was full comes after nothing that was done later: the last word counts."""
    lab = fresh_tab("Rate(tasks(3, 1))")
    lab.focus()
    lab.press("1")
    lab.wait_saved()
    lab.execute(FULL, to_its_end=True)
    lab.press("3")
    refused = "() => document.querySelector('.topfive .saved').textContent.includes('cannot be written')"
    lab.page.wait_for_function(refused)
    lab.press("5")
    lab.execute(ROOM)
    lab.wait_saved()
    lab.press("Enter")
    lab.wait_saved()
    assert [answer["rating"] for answer in lab.answers()] == [5]
    made = [event["at"] for event in lab.events("draft")]
    assert made == sorted(made)


def test_a_flag_is_about_the_list_it_was_opened_on(tab):
    lab = tab(RANK)
    asked = lab.panel.locator("h3").inner_text()
    lab.focus()
    lab.press("!")
    lab.panel.get_by_role("button", name="Skip").click()
    assert lab.panel.locator("h3").inner_text() != asked
    lab.panel.get_by_label("What is wrong with it?").fill("not a list")
    lab.panel.get_by_label("What is wrong with it?").press("Enter")
    lab.wait_saved()
    [flag] = lab.events("flag")
    assert flag["prompt"]["text"].lower() == asked.lower()


def test_what_is_being_typed_survives_a_redraw(fresh_tab):
    """The network comes back in the middle of a word."""
    lab = fresh_tab("Write([Prompt('top 5 soups', 'soups')])")
    line = lab.panel.get_by_label("line 1", exact=True)
    line.click()
    line.press_sequentially("lentil soup", delay=10)
    lab.page.evaluate("() => window.dispatchEvent(new Event('online'))")
    lab.page.wait_for_timeout(50)
    lab.page.keyboard.type(" with lemon", delay=40)
    lab.wait_saved()
    assert line.input_value() == "lentil soup with lemon"
    lab.page.wait_for_timeout(600)
    lab.wait_saved()
    assert lab.events("draft")[-1]["draft"][0] == "lentil soup with lemon"


def test_a_disk_of_the_browser_that_never_answers_stops_nobody(server, context):
    stuck = Tab(server, context, server.notebook("Rate(tasks(3, 1))"))
    stuck.page.add_init_script("""
        const open = IDBFactory.prototype.open;
        IDBFactory.prototype.open = function (name, ...rest) {
            const request = open.call(this, name, ...rest);
            if (name === "topfive") Object.defineProperty(request, "onsuccess", { set() {} });
            return request;
        };
    """)
    stuck.open().page.evaluate("() => { jupyterapp.commands.execute('notebook:run-all-cells'); }")
    stuck.panel.get_by_text("still looking for what this browser kept").wait_for(timeout=20_000)
    stuck.focus()
    stuck.press("4", "Enter")
    stuck.page.wait_for_function("() => document.querySelector('.topfive .saved').dataset.pending === '0'")
    assert [answer["rating"] for answer in stuck.answers()] == [4]


LABEL = """\
from topfive.panels import Label
Label([Task(Prompt(f'top 5 dinners {n}', 'dinners'), (text,)) for n, text in enumerate(LISTS)],
      question='Does every line answer the prompt?', labels=('on topic', 'off topic'))"""


def test_label_by_keys_and_mouse(tab, picture):
    lab = tab(LABEL)
    before = cells(lab)
    lab.focus()
    lab.press("Enter", "3", "Enter")  # there is no third label
    assert "Choose one of the labels" in lab.panel.inner_text()
    lab.press("2", "Enter", "ArrowRight", "ArrowRight", "Enter")
    lab.panel.get_by_role("radio", name="on topic").first.click()
    picture(lab, "label-light")
    lab.press("Enter")
    lab.press("1", "u", "2", "Enter")
    lab.wait_saved()
    assert [answer["label"] for answer in lab.answers()] == ["off topic", "off topic", "on topic", "off topic"]
    assert all(answer["labels"] == ["on topic", "off topic"] for answer in lab.answers())
    assert "All done" in lab.panel.inner_text()
    assert cells(lab) == before
    assert not lab.errors
