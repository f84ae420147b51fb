"""What clicks mean: rankings, pairs, ratings, lists; undone, repeated and broken ones handled."""

import json
from pathlib import Path

import pytest

from topfive import ledger
from topfive.ledger import convert
from topfive.ledger.store import Ledger
from topfive.lists import Prompt, Ranking

PROMPT = Prompt("top 5 soups", "soups", ("vegetarian",))
LISTS = ("\n1. leek", "\n1. pea", "\n1. corn")


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


def ranked(*ranks: int, **more: object) -> dict:
    return ledger.ranking_event(Ranking(PROMPT, LISTS[: len(ranks)], ranks), **more)


def test_a_ranking_comes_back_as_it_went_in(book):
    book.append(ranked(2, 1, 3))
    assert ledger.rankings(book.path) == ([Ranking(PROMPT, LISTS, (2, 1, 3))], [])


def test_what_does_not_train_is_left_out(book):
    book.append(ranked(1, 2, 3, task="a"))
    book.append(ranked(3, 2, 1, task="a~", repeat_of="a"))
    book.append(ranked(1, 2) | {"type": "blind"})
    book.append(ranked(1, 2) | {"of": "items"})
    undone = book.append(ranked(2, 1))
    book.append({"kind": "undo", "of": undone["id"]})
    book.append({"kind": "skip", "task": "b"})
    assert len(ledger.rankings(book.path)[0]) == 1
    assert len(convert.preference_rows(ledger.read(book.path)[0])) == 3


def test_a_comparison_is_a_ranking_of_two(book):
    book.append(ranked(2, 1) | {"type": "compare", "strength": 2})
    book.append(ranked(1, 1) | {"type": "compare", "bad": True})
    assert [r.ranks for r in ledger.rankings(book.path)[0]] == [(2, 1), (1, 1)]


def test_pairs_are_trls_format_with_provenance(book):
    book.append(ranked(2, 1, 2, seconds=4.5, panel="first"))
    rows = convert.preference_rows(ledger.read(book.path)[0])
    assert [(row["chosen"], row["rejected"]) for row in rows] == [(LISTS[1], LISTS[0]), (LISTS[1], LISTS[2])]
    assert rows[0]["prompt"] == "top 5 soups"
    assert (rows[0]["source"], rows[0]["panel"], rows[0]["seconds"]) == ("human", "first", 4.5)


def test_simulated_clicks_stay_marked(book):
    book.append(ranked(1, 2, source="simulated"))
    assert convert.preference_rows(ledger.read(book.path)[0])[0]["source"] == "simulated"


@pytest.mark.parametrize(
    "broken",
    [
        {"ranks": [1, 2]},
        {"ranks": [1, 2, 2.5]},
        {"ranks": [0, 1, 2]},
        {"ranks": "123"},
        {"ranks": None},
        {"texts": ["a", "b", 3]},
        {"texts": 5},
        {"prompt": None},
        {"prompt": {"topic": "x"}},
        {"prompt": {"text": 5}},
        {"prompt": {"text": "x", "constraints": 3}},
    ],
)
def test_a_broken_answer_is_named_and_skipped(book, broken):
    event = book.append(ranked(1, 2, 3) | broken)
    book.append(ranked(3, 2, 1))
    found, [problem] = ledger.rankings(book.path)
    assert [r.ranks for r in found] == [(3, 2, 1)]
    assert event["id"] in problem
    events, _ = ledger.read(book.path)
    for rows in convert.EXPORTS.values():
        rows(events)


def test_ratings_and_written_lists(book):
    prompt = convert.prompt_record(PROMPT)
    rate = {"kind": "answer", "type": "rate", "prompt": prompt, "texts": [LISTS[0]]}
    for rating in (4, 0, 6, "4", True, None):
        book.append(rate | {"rating": rating})
    book.append({"kind": "answer", "type": "write", "prompt": prompt, "texts": [LISTS[1]]})
    events, _ = ledger.read(book.path)
    assert [(row["text"], row["rating"]) for row in convert.rating_rows(events)] == [(LISTS[0], 4)]
    assert [row["completion"] for row in convert.written_rows(events)] == [LISTS[1]]


def test_exports_load_as_datasets(book):
    book.append(ranked(2, 1, 3))
    dataset = ledger.load("preferences", book.path)
    assert dataset.num_rows == 3
    assert {"prompt", "chosen", "rejected", "source"} <= set(dataset.column_names)
    assert json.dumps(dataset[0])
