"""What a student's answers say, whatever is odd about them; and the shipped ones, made again."""

import json
from math import exp
from pathlib import Path

import pytest

from topfive.build.collecting import typical_seconds
from topfive.collecting import clicks, minutes
from topfive.collecting.tasks import WAYS, asked, tasks
from topfive.ledger import Ledger, read


def shipped():
    return read(clicks.shipped())[0]


def test_the_same_lists_in_four_ways_each_with_repeats():
    lists = {text for _, texts in asked() for text in texts}
    assert len(lists) == 12
    for way in WAYS:
        found = tasks(way)
        assert {text for task in found for text in task.texts} == lists
        assert len({task.id for task in found}) == len(found)
    assert sum(task.suggested is not None for task in tasks("compare") if not task.repeat_of) == 6


def test_shipped_answers_are_to_these_tasks_and_the_tasks_have_not_moved():
    by_way = clicks.by_way(shipped())
    for way in WAYS:
        assert {event["task"] for event in by_way[way]} == {task.id for task in tasks(way)}


def test_clicking_takes_at_most_twelve_minutes():
    expected = sum(typical_seconds(way, task) for way in WAYS for task in tasks(way)) * exp(minutes.SPREAD**2 / 2)
    assert expected <= 12 * 60
    assert sum(event.get("seconds", 0) for event in shipped()) <= 12 * 60


@pytest.mark.slow
def test_the_shipped_ledger_is_made_again_from_its_seed():
    from topfive.build.collecting import events

    written = [json.loads(line) for line in clicks.shipped().read_text("utf-8").splitlines()]
    assert json.loads(json.dumps(list(events()))) == written


def test_without_a_ledger_the_simulated_student_stands_in_and_each_way_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    found = clicks.clicks(tmp_path / "work" / "ledger.jsonl")
    assert set(found.whose.values()) == {"simulated"}
    assert capsys.readouterr().out.count("SIMULATED") == 4
    assert not (tmp_path / "work").exists()


def test_own_answers_count_way_by_way(tmp_path: Path):
    book = Ledger(tmp_path / "ledger.jsonl")
    for event in shipped():
        if event["panel"] == "rank":
            book.append({key: value for key, value in event.items() if key != "source"})
    found = clicks.clicks(book.path)
    assert found.whose == {"rate": "simulated", "compare": "simulated", "rank": "yours", "best and worst": "simulated"}


@pytest.mark.parametrize(
    "change",
    [
        {"ranks": "first"}, {"ranks": [1]}, {"ranks": [True, 2]}, {"ranks": None}, {"texts": None}, {"task": "gone"},
        {"panel": "another"}, {"mode": "best and worst"}, {"mode": "best and worst", "best": 0, "worst": 0},
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_not_looked_at(change: dict[str, object]):
    one = next(event for event in shipped() if event["panel"] == "compare")
    assert clicks.by_way([{**one, **change}])["compare"] == []


def test_sides_repeats_and_suggestions_are_read_from_what_was_shown():
    texts = ["\n1. a b c d", "\n1. a b"]
    event = {
        "type": "compare",
        "texts": texts,
        "shown": [1, 0],
        "ranks": [1, 2],
        "suggested": 0,
        "prompt": {"text": "p"},
    }
    assert clicks.sides(event) == 1
    assert clicks.longer(event) is True
    assert clicks.suggestions([event, {**event, "ranks": [2, 1]}, {**event, "bad": True}]) == (1, 1)
    assert clicks.sides({**event, "bad": True}) == 2
    also = {"question": "?", "ranks": [2, 1]}
    assert [
        way for _, way in clicks.parted([{**event, "also": also}, {**event, "also": {**also, "ranks": [1, 1]}}])
    ] == [1, 0]


def test_best_and_worst_say_nothing_about_the_two_between():
    one = next(event for event in shipped() if event["panel"] == "best and worst")
    assert len(clicks.preferred([one])) == 5
    assert clicks.agreement({("a", "b"): 1, ("a", "c"): 0}, {("a", "b"): -1, ("a", "c"): 1}) == (0, 1)


def test_of_several_workers_the_majority_counts():
    one, other = (
        {"type": "rank", "texts": ["a", "b"], "ranks": [1, 2]},
        {"type": "rank", "texts": ["b", "a"], "ranks": [1, 2]},
    )
    assert clicks.majority([one, other, one]) == {("a", "b"): 1}
    assert clicks.majority([one, other]) == {("a", "b"): 0}
    assert clicks.majority([]) == {}


def test_whose_answers_are_is_said_for_several_ways_at_once():
    found = clicks.Clicks({way: [] for way in WAYS}, {**dict.fromkeys(WAYS, "yours"), "rank": "simulated"})
    assert found.of("rate", "compare") == "yours"
    assert found.of("rank") == "simulated"
    assert found.of() == "yours and simulated"


def test_no_answers_at_all_give_empty_words_and_no_error():
    nothing = clicks.Clicks({way: [] for way in WAYS}, dict.fromkeys(WAYS, "yours"))
    assert clicks.repeats(nothing) == []
    assert clicks.swapped(nothing)[0].shape == (0,)
    assert clicks.seconds([]) != clicks.seconds([])
    assert clicks.preferred([]) == {}
