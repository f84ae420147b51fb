"""What panels ask beside the one question, in Python: scales, a second question, best and worst, and who asked less."""

from pathlib import Path
from typing import Any

import pytest

from topfive.ledger import Ledger, Task, read
from topfive.lists import Prompt
from topfive.panels import HELPFUL_AND_FAITHFUL, Compare, Panel, Rank, Rate, Scale, side

PROMPT = Prompt("top 5 soups", "soups", ("vegetarian",))
LISTS = ("\n1. leek", "\n1. pea", "\n1. corn", "\n1. beet")
ALSO = "which is more faithful to the prompt?"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "ledger.jsonl"


def keep(panel: Panel, number: int = 0, **fields: object) -> dict[str, Any]:
    """An answer to one of the panel's tasks, as the browser makes it, in the ledger."""
    task = panel.tasks[number]
    about = {key: task[key] for key in ("prompt", "texts", "shown", "repeat_of")}
    common = {"kind": "answer", "type": panel.type, "of": "lists", "panel": panel.name, "task": task["id"]}
    return panel.ledger.append(common | about | fields)


def test_a_best_and_a_worst_give_the_pairs_that_are_known(path):
    panel = Rank([Task(PROMPT, LISTS)], mode="best and worst", ledger=path)
    keep(panel, mode="best and worst", best=2, worst=0)
    corn, leek = LISTS[2], LISTS[0]
    known = {(ranking.texts, ranking.ranks) for ranking in panel.rankings()}
    pairs = {(corn, leek), (corn, LISTS[1]), (corn, LISTS[3]), (LISTS[1], leek), (LISTS[3], leek)}
    assert known == {(pair, (1, 2)) for pair in pairs}


def test_the_side_view_does_not_compare_what_lies_between():
    base = {"kind": "answer", "type": "rank", "of": "lists", "prompt": {"text": "x"}, "texts": list(LISTS)}
    event = base | {"id": "1", "task": "1", "mode": "best and worst", "best": 1, "worst": 3}
    assert side.collect([event]).orders == (((1,), (0, 2), (3,)),)
    assert side.opinion([event, event | {"id": "2", "task": "2", "bad": True}], event)["n"] == 1
    assert side.opinion([], event) is None


def test_the_second_question_has_rankings_of_its_own(path):
    panel = Rank([Task(PROMPT, LISTS[:2]), Task(PROMPT, LISTS[1:3])], also=ALSO, ledger=path)
    keep(panel, 0, ranks=[1, 2])
    keep(panel, 1, ranks=[1, 2], also={"question": ALSO, "ranks": [2, 1]})
    assert [ranking.ranks for ranking in panel.rankings()] == [(1, 2), (1, 2)]
    assert [ranking.ranks for ranking in panel.rankings("also")] == [(2, 1)]
    assert len(panel.outdated()) == 1
    assert "2 of 2 answered (1 of them in an earlier form of this panel" in panel._so_far()


@pytest.mark.parametrize(
    ("kind", "count", "asks", "field", "fields"),
    [
        (Rate, 1, {"scales": HELPFUL_AND_FAITHFUL}, "ratings", {"rating": 4}),
        (Compare, 2, {"also": ALSO}, "also", {"ranks": [1, 2]}),
        (Rank, 4, {"also": ALSO}, "also", {"ranks": [1, 2, 3, 4]}),
        (Rank, 4, {}, "ranks", {"mode": "best and worst", "best": 0, "worst": 1}),
    ],
)
def test_an_answer_to_an_earlier_form_is_read_and_named(path, monkeypatch, kind, count, asks, field, fields):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    panel = kind([Task(PROMPT, LISTS[:count])], ledger=path, **asks)
    keep(panel, **fields)
    assert [event.get(field) for event in panel.outdated()] == [None]
    assert len(panel.answers()) == 1
    assert "earlier form" in panel._repr_mimebundle_()["text/plain"]
    whole = {
        "ratings": {"helpful": 4, "faithful": 2},
        "also": {"question": ALSO, "ranks": [1, 2]},
        "ranks": [1, 2, 3, 4],
    }
    keep(panel, **(fields | {"mode": None, field: whole[field]}))
    assert panel.outdated() == []
    assert len(read(path)[0]) == 2  # both are kept


def test_a_full_ranking_tells_best_and_worst_too(path):
    panel = Rank([Task(PROMPT, LISTS)], mode="best and worst", ledger=path)
    keep(panel, ranks=[1, 2, 3, 4])
    assert panel.outdated() == []


def test_a_panel_without_further_questions_asks_for_none(path):
    panel = Rank([Task(PROMPT, LISTS)], ledger=path)
    assert (panel.config["mode"], panel.config["also"]) == ("order", "")
    assert [scale["name"] for scale in Rate([Task(PROMPT, LISTS[:1])], ledger=path).config["scales"]] == ["overall"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rank([Task(PROMPT, LISTS)], mode="best"), "'order', 'best and worst', not 'best'"),
        (lambda: Rank([Task(PROMPT, LISTS[:2])], mode="best and worst"), "at least 3 texts; for two there is Compare"),
        (lambda: Rank([Task(PROMPT, LISTS)], also="why " * 60), "at most 200 characters, got 239"),
        (lambda: Rate([Task(PROMPT, LISTS[:1])], scales=()), "at least one scale"),
        (lambda: Rate([Task(PROMPT, LISTS[:1])], scales=HELPFUL_AND_FAITHFUL[:1] * 2), "no name twice"),
        (lambda: Scale("two words", "?", tuple("abcde")), "a name of one word"),
        (lambda: Scale("helpful", "?", tuple("abc")), "5 anchors"),
    ],
)
def test_questions_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_the_longest_answer_has_room(path):
    """A second question of 200 characters and a line of 300, all of four bytes each."""
    long = Task(PROMPT, tuple(f"\n1. {letter * 1000}" for letter in "abcd"))
    panel = Rank([long], also="𝄞" * 200, ledger=Ledger(path).path)
    keep(panel, ranks=[1, 2, 3, 4], also={"question": panel.also, "ranks": [1, 2, 3, 4]}, sure=False, why="𝄞" * 300)
    assert len(panel.answers()) == 1
