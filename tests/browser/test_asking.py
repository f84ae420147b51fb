"""What panels ask beside the one question: a second one, two scales, best and worst, how sure, why; and back again."""

import pytest

from topfive import ledger

RANK = "Rank(tasks(6))"
TWO_SCALES = "from topfive.panels import HELPFUL_AND_FAITHFUL\nRate(tasks(4, 1), scales=HELPFUL_AND_FAITHFUL)"
ALSO = "also='which is more faithful to the prompt?'"


def strip(lab):
    """The buttons of the row with all tasks."""
    return lab.panel.get_by_role("navigation").get_by_role("button")


def standings(lab) -> list[str]:
    """What the row says of each task, without its number."""
    return [name.lstrip("0123456789") for name in strip(lab).all_inner_texts()]


def places(lab) -> list[str]:
    return lab.panel.locator(".place").all_inner_texts()


def test_any_answer_can_be_opened_again_and_changed(tab, picture):
    lab = tab(RANK)
    lab.focus()
    for _ in range(3):
        lab.press("a", "b", "c", "Enter")
    lab.press("s", "a")
    assert standings(lab) == ["✓", "✓", "✓", "–", "…", ""]
    strip(lab).nth(1).click()
    assert "no. 2" in lab.panel.locator("h3").inner_text()
    assert places(lab) == ["1st", "2nd", "3rd", "4th"]
    lab.press("x", "Enter")
    assert "no. 5" in lab.panel.locator("h3").inner_text()
    assert places(lab)[0] == "1st"  # what was begun there is still there
    lab.wait_saved()
    picture(lab, "strip-light")
    both = [event for event in lab.events("answer") if event["prompt"]["text"].endswith("no. 2")]
    assert [event.get("bad", False) for event in both] == [False, True]
    assert [event.get("bad", False) for event in lab.answers()] == [False, True, False]
    assert not lab.errors


def test_the_way_back_by_keys(tab):
    lab = tab(RANK)
    lab.focus()
    for _ in range(3):
        lab.press("a", "b", "c", "Enter")
    lab.press("p", "p")
    assert "ranking 2 of 6" in lab.panel.inner_text()
    assert strip(lab).nth(1).get_attribute("aria-current") == "step"
    lab.press("s")  # leave it as it is
    assert "ranking 4 of 6" in lab.panel.inner_text()
    lab.press("o", "ArrowLeft", "ArrowLeft", "Enter")
    assert "ranking 2 of 6" in lab.panel.inner_text()
    lab.press("o", "3", "Space")
    assert "ranking 3 of 6" in lab.panel.inner_text()
    lab.press("o", "6", "Escape", "d", "a")  # looked at, and not opened
    assert "ranking 3 of 6" in lab.panel.inner_text()
    assert standings(lab)[2] == "✓…"
    lab.press("Enter")
    lab.wait_saved()
    assert len(lab.events("answer")) == 4
    assert lab.events("skip") == []


def test_a_long_row_is_walked_by_numbers(tab):
    lab = tab("Rate(tasks(60, 1))")
    lab.focus()
    lab.press("o", "4", "2", "Enter", "3")
    assert "rating 42 of 60" in lab.panel.inner_text()
    assert "no. 42" in lab.panel.locator("h3").inner_text()
    inside = (
        "row => { const [one, all] = [row.querySelector('[aria-current]'), row].map(e => e.getBoundingClientRect());"
        " return one.top >= all.top && one.bottom <= all.bottom; }"
    )
    assert lab.panel.locator(".strip ol").evaluate(inside)
    lab.press("Enter")
    assert "rating 1 of 60" in lab.panel.inner_text()
    assert lab.panel.locator(".strip ol").evaluate(inside)


def test_what_is_undone_is_on_the_screen(tab):
    lab = tab(RANK)
    lab.focus()
    for _ in range(3):
        lab.press("a", "b", "c", "Enter")
    strip(lab).nth(0).click()
    lab.press("u")
    assert "ranking 3 of 6" in lab.panel.inner_text()
    assert standings(lab)[:3] == ["✓", "✓", "…"]
    lab.press("r")
    assert "ranking 4 of 6" in lab.panel.inner_text()
    lab.wait_saved()
    assert len(lab.answers()) == 3


def test_when_all_is_done_the_row_still_opens(tab):
    lab = tab("Rank(tasks(2))")
    lab.focus()
    lab.press("a", "b", "c", "Enter", "a", "b", "c", "Enter")
    assert "All done" in lab.panel.inner_text()
    strip(lab).nth(0).click()
    assert "answered; Next keeps a change" in lab.panel.inner_text()
    lab.panel.get_by_role("button", name="Leave as it is").click()
    assert "All done" in lab.panel.inner_text()
    lab.press("p", "x", "Enter")
    lab.wait_saved()
    assert len(lab.events("answer")) == 3
    assert len(lab.answers()) == 2


def test_after_the_reveal_nothing_can_be_opened(tab):
    lab = tab("Blind([(Prompt(f'top 5 dinners {n}', 'd'), {'one': LISTS[0], 'two': LISTS[1]}) for n in range(2)])")
    lab.focus()
    lab.press("a", "Enter", "b", "Enter", "p", "a", "Enter")
    lab.panel.get_by_role("button", name="Reveal").click()
    lab.panel.get_by_role("cell", name="one", exact=True).wait_for()
    assert strip(lab).nth(0).is_disabled()
    lab.press("p")
    assert "All done" in lab.panel.inner_text()


def test_time_goes_on_where_it_stood(tab):
    lab = tab("Rate(tasks(3, 1))")
    lab.focus()
    lab.press("4")
    lab.page.wait_for_timeout(1200)
    strip(lab).nth(1).click()
    lab.press("3", "Enter")  # the first is open still
    assert "rating 1 of 3" in lab.panel.inner_text()
    lab.press("Enter")
    lab.wait_saved()
    seconds = {event["prompt"]["text"][-1]: event["seconds"] for event in lab.answers()}
    assert seconds["1"] >= 1.2 > seconds["2"]


def test_not_sure_and_why_are_never_in_the_way(tab, picture):
    lab = tab(RANK)
    before = lab.page.locator(".jp-Notebook-cell").count()
    lab.focus()
    lab.press("c", "a", "d", "Enter")  # four keys, as ever
    lab.press("a", "b", "n", "w")
    lab.page.keyboard.type("the soup sounds warm, dd")
    picture(lab, "why-light")
    lab.press("Enter", "c", "Enter")
    lab.press("n", "n", "a", "b", "c", "w")
    lab.page.keyboard.type("quick")
    lab.press("Control+Enter")
    lab.wait_saved()
    first, second, third = lab.answers()
    assert ("sure" in first, "why" in first) == (False, False)
    assert (second["sure"], second["why"]) == (False, "the soup sounds warm, dd")
    assert ("sure" in third, third["why"]) == (False, "quick")
    assert standings(lab)[1] == "✓?"
    lab.press("p", "p")
    assert lab.panel.get_by_label("Why?").input_value() == "the soup sounds warm, dd"
    assert lab.panel.locator(".remarks button").get_attribute("aria-pressed") == "true"
    lab.press("n", "Enter")
    lab.wait_saved()
    assert "sure" not in lab.answers()[1]
    assert lab.page.locator(".jp-Notebook-cell").count() == before


def test_a_line_about_why_survives_a_reload(tab):
    lab = tab("Rate(tasks(2, 1))")
    lab.focus()
    lab.press("n", "w")
    lab.page.keyboard.type("no soup in it")
    lab.page.wait_for_timeout(600)
    lab.wait_saved()
    lab.reload()
    assert lab.panel.get_by_label("Why?").input_value() == "no soup in it"
    lab.focus()
    lab.press("2", "Enter")
    lab.wait_saved()
    [answer] = lab.answers()
    assert (answer["why"], answer["sure"]) == ("no soup in it", False)


def test_a_second_question_about_the_same_lists(tab, picture):
    lab = tab(f"Rank(tasks(3), {ALSO})")
    where = {
        card.locator(".key").inner_text(): int(card.get_attribute("data-card"))
        for card in lab.panel.locator("[data-card]").all()
    }
    lab.focus()
    lab.press("c", "a", "d", "Enter")
    assert "Which is more faithful to the prompt?" in lab.panel.inner_text()
    assert places(lab) == ["–"] * 4  # nothing is suggested
    picture(lab, "also-light")
    lab.press("Enter")
    assert "4 of 4 still need a place" in lab.panel.inner_text()
    lab.press("b", "Backspace")
    assert places(lab) == ["1st", "2nd", "3rd", "4th"]
    lab.press("Enter")
    assert places(lab)[0] == "1st"  # b, as before
    lab.press("a", "c", "Enter")
    lab.wait_saved()
    [answer] = lab.answers()
    assert [answer["ranks"][where[letter]] for letter in "cadb"] == [1, 2, 3, 4]
    assert [answer["also"]["ranks"][where[letter]] for letter in "bacd"] == [1, 2, 3, 4]
    assert answer["also"]["question"] == "which is more faithful to the prompt?"
    assert "ranking 2 of 3" in lab.panel.inner_text()
    lab.press("p")  # opened again, it begins with the first question
    assert places(lab) == ["1st", "2nd", "3rd", "4th"]
    assert "Which list would you rather be handed?" in lab.panel.inner_text()
    lab.press("u", "u")
    lab.wait_saved()
    assert lab.answers() == []
    assert "Which is more faithful" in lab.panel.inner_text()


def test_a_second_question_in_a_comparison_resumes(tab):
    lab = tab(f"Compare(tasks(2, 2), {ALSO})")
    lab.focus()
    lab.press("a", "3", "Enter", "b")
    lab.wait_saved()
    lab.reload()
    assert lab.panel.get_by_role("radio", checked=True).inner_text() == "b is better"
    lab.panel.get_by_role("button", name="First question").click()
    assert lab.panel.get_by_role("radio", checked=True).inner_text() == "a is much better"
    lab.panel.get_by_role("button", name="Second question").click()
    lab.focus()
    lab.press("Enter")
    lab.wait_saved()
    [answer] = lab.answers()
    assert (answer["strength"], answer["also"]["strength"]) == (3, 2)
    assert answer["ranks"] != answer["also"]["ranks"]


def test_helpful_and_faithful_are_rated_apart(tab, picture):
    lab = tab(TWO_SCALES)
    lab.focus()
    lab.press("4", "Enter")
    assert "Choose a number from 1 to 5: Does it do what the prompt says" in lab.panel.inner_text()
    lab.press("2", "Enter")  # three keys a list
    lab.press("1", "5", "ArrowUp", "3", "Enter")
    lab.panel.get_by_role("radio", name="5 delighted with it").click()
    picture(lab, "two-scales-light")
    lab.panel.get_by_role("radio", name="4 one slip").click()
    lab.press("ArrowRight", "Enter")
    lab.wait_saved()
    given = [answer["ratings"] for answer in lab.answers()]
    assert given == [{"helpful": 4, "faithful": 2}, {"helpful": 3, "faithful": 5}, {"helpful": 5, "faithful": 5}]
    assert [answer["rating"] for answer in lab.answers()] == [4, 3, 5]


def test_digits_begin_with_the_first_scale_of_the_next_list_wherever_the_last_click_was(tab):
    lab = tab(TWO_SCALES)
    for clicked in ("5 delighted with it", "4 one slip"):
        lab.panel.get_by_role("radio", name=clicked).click()
    lab.press("Enter", "2", "3", "Enter")
    lab.wait_saved()
    given = [answer["ratings"] for answer in lab.answers()]
    assert given == [{"helpful": 5, "faithful": 4}, {"helpful": 2, "faithful": 3}]


def test_best_and_worst_take_two_keys(tab, picture):
    lab = tab("Rank(tasks(4), mode='best and worst')")
    where = [int(card.get_attribute("data-card")) for card in lab.panel.locator("[data-card]").all()]
    lab.focus()
    lab.press("Enter")
    assert "Which is the best?" in lab.panel.inner_text()
    lab.press("c", "Enter")
    assert "Which is the worst?" in lab.panel.inner_text()
    lab.press("a")
    picture(lab, "best-worst-light")
    lab.press("Enter", "a", "b", "d", "a", "c", "Enter")  # d takes b's place as worst; a is taken back, c is best
    lab.panel.get_by_role("button", name="b is the worst").click()
    lab.panel.locator("[data-card]").nth(3).click()
    lab.press("Enter", "x", "Enter")
    lab.wait_saved()
    answers = lab.answers()
    assert [(where.index(a["best"]), where.index(a["worst"])) for a in answers[:1]] == [(2, 0)]
    shown = [[a["shown"].index(a[end]) for end in ("best", "worst")] for a in answers[:3]]
    assert shown == [[2, 0], [2, 3], [3, 1]]
    assert answers[3]["bad"] is True
    assert all("ranks" not in answer for answer in answers)
    assert len(ledger.rankings(lab.ledger)[0]) == 15


def test_enter_after_a_click_on_a_button_goes_on_and_does_not_press_it_again(tab):
    lab = tab("Rank(tasks(2), mode='best and worst')", "Rank(tasks(2), 'order')")
    ends, order = (lab.page.locator(".topfive").nth(number) for number in (0, 1))
    for name in ("a is the worst", "b is the best", "Not sure n"):
        ends.get_by_role("button", name=name, exact=True).click()
    lab.press("Enter")
    ends.get_by_role("button", name="None is good").tap()
    lab.press("Enter")
    order.get_by_label("Move up b").click()
    lab.press("a", "d", "Enter")
    order.get_by_role("button", name="None is good").focus()
    lab.press("Enter")  # who came by the keyboard presses it
    assert order.get_by_text("not good").count() == 4
    lab.wait_saved()
    one, two, three = lab.answers()
    assert [one["shown"].index(one[end]) for end in ("best", "worst")] == [1, 0]
    assert one["sure"] is False
    assert two["bad"] is True
    assert [three["ranks"][i] for i in three["shown"]] == [2, 1, 4, 3]
    assert "All done" in ends.inner_text()


@pytest.mark.parametrize(
    ("before", "after", "keys", "field"),
    [
        ("Rank(tasks(3))", f"Rank(tasks(3), {ALSO})", "abc", "also"),
        ("Rank(tasks(3), mode='best and worst')", "Rank(tasks(3))", "ab", "ranks"),
        ("Compare(tasks(3, 2))", f"Compare(tasks(3, 2), {ALSO})", "a", "also"),
        ("Rate(tasks(3, 1))", TWO_SCALES.replace("tasks(4", "tasks(3"), "4", "ratings"),
    ],
    ids=["rank", "best and worst", "compare", "rate"],
)
def test_answers_to_an_earlier_form_are_kept_and_asked_again(tab, before, after, keys, field):
    """The instructor adds a question while the class is at work."""
    lab = tab(before)
    lab.focus()
    lab.press(*keys, "Enter", *keys)
    lab.wait_saved()
    lab.page.evaluate(
        "source => { const cells = jupyterapp.shell.currentWidget.content.widgets;"
        " cells[1].model.sharedModel.setSource(source); }",
        after,
    )
    lab.run()
    assert "1 answer here was given to an earlier form of this panel" in lab.panel.inner_text()
    assert standings(lab)[0] == "↻"
    lab.wait_saved()
    [old] = lab.answers()
    assert field not in old
    lab.focus()
    again = {"ratings": "44", "ranks": "abc"}.get(field, "")
    lab.press(*again, "Enter", *({"also": "abc" if len(keys) == 3 else "b"}.get(field, "")))
    lab.press(*(["Enter"] if field == "also" else []))
    lab.wait_saved()
    assert field in lab.answers()[0]
    assert len(lab.events("answer")) == 2
    assert "earlier form" not in lab.panel.inner_text()
    assert not lab.errors
