"""What clicks mean: rankings, pairs, ratings, lists; undone, repeated and broken ones handled."""

import json
from itertools import combinations
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


def test_a_ranking_of_items_says_so_and_trains_nothing(book):
    book.append(ranked(1, 2, 3))
    book.append(ranked(3, 1, 2) | {"of": "items", "texts": ["leek", "pea", "corn"]})
    book.append(ranked(2, 1) | {"type": "blind"})
    book.append(ranked(2, 1) | {"of": "colours"})
    events, _ = ledger.read(book.path)
    rows = convert.ranking_rows(events)
    assert [(row["of"], row["type"]) for row in rows] == [("lists", "rank"), ("items", "rank"), ("lists", "blind")]
    assert rows[1]["texts"] == ["leek", "pea", "corn"]
    assert not {"leek", "pea", "corn"} & {row["chosen"] for row in convert.preference_rows(events)}


def best_and_worst(best: object, worst: object, **more: object) -> dict:
    event = ranked(1, 2, 3) | {"mode": "best and worst", "best": best, "worst": worst} | more
    return {key: value for key, value in event.items() if key != "ranks"}


def test_a_best_and_a_worst_are_pairs_and_nothing_is_equal(book):
    book.append(best_and_worst(1, 0))
    book.append(best_and_worst(None, None, bad=True))
    found, problems = ledger.rankings(book.path)
    assert problems == []
    assert {ranking.texts for ranking in found} == {(LISTS[1], LISTS[0]), (LISTS[1], LISTS[2]), (LISTS[2], LISTS[0])}
    events, _ = ledger.read(book.path)
    assert [row["ranks"] for row in convert.ranking_rows(events)] == [[1, 2]] * 3
    assert {(row["chosen"], row["rejected"]) for row in convert.preference_rows(events)} == {r.texts for r in found}
    assert {row["mode"] for row in convert.preference_rows(events)} == {"best and worst"}
    assert "not a whole ranking" in convert.as_ranking(events[0])


def test_of_four_lists_the_two_between_are_not_compared(book):
    texts = [*LISTS, "\n1. oats"]
    book.append(best_and_worst(3, 1, texts=texts))
    found, _ = ledger.rankings(book.path)
    assert [ranking.ranks for ranking in found] == [(1, 2)] * 5
    assert {frozenset(ranking.texts) for ranking in found} == {
        frozenset(pair) for pair in combinations(texts, 2) if set(pair) != {LISTS[0], LISTS[2]}
    }


@pytest.mark.parametrize(("best", "worst"), [(1, 1), (0, 3), (-1, 2), (None, 2), (True, 2), ("0", 1)])
def test_a_best_and_a_worst_that_are_none_are_named(book, best, worst):
    book.append(best_and_worst(best, worst))
    found, [problem] = ledger.rankings(book.path)
    assert found == []
    assert "not a best and a worst of its texts" in problem


def test_the_two_questions_are_never_mixed(book):
    asked = {"question": "which is more faithful?", "ranks": [1, 3, 2]}
    book.append(ranked(3, 1, 2, also=asked))
    book.append(ranked(1, 2, 3))
    book.append(ranked(1, 2) | {"type": "compare"})
    broken = book.append(ranked(1, 2, 3, also=asked | {"ranks": [1, 2]}))
    assert [r.ranks for r in ledger.rankings(book.path)[0]] == [(3, 1, 2), (1, 2, 3), (1, 2), (1, 2, 3)]
    found, problems = ledger.rankings(book.path, question="also")
    assert [r.ranks for r in found] == [(1, 3, 2)]
    assert [problem.split(":")[0] for problem in problems] == [
        f"event {broken['id']}",
        "2 answers hold no second question",
    ]
    events, _ = ledger.read(book.path)
    rows = [row for row in convert.ranking_rows(events) if row["question"] == "also"]
    assert [(row["ranks"], row["asked"]) for row in rows] == [([1, 3, 2], "which is more faithful?")]
    assert len(convert.preference_rows(events, "also")) == 3
    assert len(convert.preference_rows(events)) == 10
    assert ledger.load("preferences", book.path, "also").num_rows == 3
    with pytest.raises(ValueError, match="not 'second'"):
        ledger.rankings(book.path, question="second")


def test_a_second_question_about_best_and_worst(book):
    also = {"question": "which is more faithful?", "mode": "best and worst", "best": 0, "worst": 2}
    book.append(best_and_worst(1, 0, also=also))
    assert len(ledger.rankings(book.path, "also")[0]) == 3
    assert ledger.rankings(book.path, "also")[0][0].texts == (LISTS[0], LISTS[1])


def test_scales_are_columns_of_their_own(book):
    book.append(rated(rating=4, ratings={"helpful": 4, "faithful": 2}, sure=False, why="two are no soups"))
    book.append(rated(rating=3))
    book.append(rated(rating=3, ratings={"helpful": 3, "faithful": "5"}))
    first, second, third = convert.rating_rows(ledger.read(book.path)[0])
    assert (first["rating"], first["rating_helpful"], first["rating_faithful"]) == (4, 4, 2)
    assert (second["rating"], second["rating_helpful"]) == (3, None)
    assert (third["rating_helpful"], third["rating_faithful"]) == (3, None)
    assert (first["unsure"], first["why"]) == (True, "two are no soups")
    assert (second["unsure"], second["why"]) == (False, "")


def rated(**more: object) -> dict:
    prompt = convert.prompt_record(PROMPT)
    return {"kind": "answer", "type": "rate", "prompt": prompt, "texts": [LISTS[0]], "rating": 3} | more


def written(**more: object) -> dict:
    return {"kind": "answer", "type": "write", "prompt": convert.prompt_record(PROMPT), "texts": [LISTS[0]]} | more


def labelled(**more: object) -> dict:
    said = {"label": "on topic", "labels": ["on topic", "off topic"]}
    return (
        {"kind": "answer", "type": "label", "prompt": convert.prompt_record(PROMPT), "texts": [LISTS[0]]} | said | more
    )


@pytest.mark.parametrize("kind", list(convert.EXPORTS))
@pytest.mark.parametrize(
    "odd",
    [
        {"seconds": "four"},
        {"seconds": 3},
        {"seconds": {"page": 3}},
        {"panel": 7},
        {"panel": ["a"]},
        {"source": {"who": "me"}},
        {"source": None},
        {"of": "items"},
        {"texts": "abc"},
        {"texts": [{"text": "a"}]},
        {"prompt": {"text": "top 5 soups", "constraints": 3}},
        {"also": {"question": 5, "ranks": [1, 2, 3]}},
        {"also": "yes"},
        {"mode": "best and worst", "best": 0, "worst": 1},
        {"ratings": {"helpful": 3}},
        {"ratings": [3]},
        {"sure": "no", "why": {"text": "x"}},
    ],
)
def test_rows_of_one_export_have_columns_of_one_kind(book, tmp_path, kind, odd):
    """An answer that another program wrote, or that was edited, is no reason why a table cannot be loaded."""
    import datasets

    for more in ({"seconds": 4.5, "panel": "first"}, odd, {}):
        for event in (ranked(2, 1, 3, **more), rated(**more), written(**more), labelled(**more)):
            book.append(event)
    rows = convert.EXPORTS[kind](ledger.read(book.path)[0])
    file = tmp_path / "out.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    loaded = datasets.load_dataset("json", data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
    assert loaded.to_list() == rows == ledger.load(kind, book.path).to_list()
    assert all(isinstance(row["seconds"], float | None) and isinstance(row["source"], str) for row in rows)
