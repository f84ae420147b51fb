"""The quality table of the data, and the figures that rest on readings by hand."""

from collections import Counter
from pathlib import Path

import pytest

from tests.conftest import write_rows
from topfive import data
from topfive.build import report


def item(identifier: str, text: str, topic: str = "soups", tags: tuple[str, ...] = ()) -> data.Row:
    return {"id": identifier, "topic": topic, "item": text, "tags": list(tags), "note": ""}


def test_exact_duplicates_are_found_in_any_spelling_within_a_topic():
    items = [item("a", "tomato soup"), item("b", "Tomato  soup."), item("c", "tomato soup", "drinks")]
    assert report.exact_duplicates(items) == [("a", "b")]
    assert report.shared_texts(items) == 1


def test_near_duplicates_share_most_of_their_words_within_a_topic():
    items = [
        item("a", "tomato soup with basil"),
        item("b", "basil tomato soup"),
        item("c", "tomato soup"),
        item("d", "basil tomato soup", "drinks"),
        item("e", "Basil tomato soup"),
    ]
    assert report.near_duplicates(items) == [("a", "b"), ("a", "e"), ("b", "c"), ("c", "e")]
    assert report.near_duplicates(items, overlap=0.7) == [("a", "b"), ("a", "e")]


def test_shares_of_tags_and_of_words_that_occur_once(bank: Path):
    shares = report.tag_shares([item("a", "x", tags=("vegan", "free")), item("b", "y", tags=("vegan",))])
    assert shares == {"vegetarian": 0, "vegan": 1.0, "spicy": 0, "budget": 0, "free": 0.5}
    assert report.once(Counter("aabc")) == pytest.approx(2 / 3)


def compared(worker: str, answer: str, first: str = "l0", gold: str = "") -> data.Row:
    second = "l1" if first == "l0" else "l0"
    return {"worker": worker, "first": first, "second": second, "answer": answer, "gold": gold}


def test_agreement_asks_which_list_was_chosen_not_which_place():
    rows = [compared("a", "first"), compared("b", "second", first="l1"), compared("c", "first", first="l1")]
    rows += [compared("d", "tie"), compared("e", "first", gold="first")]
    assert report.agreement_of_workers(rows) == "0.333 (3 pairs)"
    assert report.agreement_of_workers(rows, {"a", "b", "d"}) == "1.000 (1 pairs)"
    assert report.agreement_of_workers(rows, {"d", "e"}) == "no task has two answers"


def test_a_tie_is_wrong_on_a_golden_pair():
    rows = [compared("a", answer, gold="first") for answer in ("first", "tie", "second")]
    rows.append(compared("b", "first", gold="first"))
    assert report.golden_accuracy(rows).mean == 0.5
    assert report.golden_accuracy(rows, {"a"}).mean == pytest.approx(1 / 3)


def read(judge: dict[str, list[int] | int], reader: dict[str, list[int] | int]) -> data.Row:
    same = {"valid": 1, "on_topic": [1, 1], "constraint": [1, 1], "distinct": [1, 1], "specific": [1, 1]}
    return {"judge": {**same, **judge}, "second": {**same, **reader}}


def test_agreement_with_the_judge_is_counted_part_by_part():
    rows = [
        read({}, {"on_topic": [1, 0]}),
        read({"valid": 0}, {}),
        read({"distinct": [1, 0]}, {"specific": [1, 0]}),  # on a line that the judge does not count
    ]
    shares = report.agreement(rows)
    assert {part: share.mean for part, share in shares.items()} == {
        "valid": pytest.approx(2 / 3),
        "on_topic": pytest.approx(4 / 5),
        "constraint": 1.0,
        "distinct": pytest.approx(5 / 6),
        "specific": 1.0,
    }
    assert shares["on_topic"].low < 4 / 5 < shares["on_topic"].high
    assert shares["constraint"].low < 1.0  # even if nothing was found wrong


def test_share_without_error():
    rows = [{"missing": [], "wrong": []}, {"missing": ["quick"], "wrong": []}, {"missing": [], "wrong": ["free"]}]
    assert report.share_without_error(rows, "missing", "wrong").mean == pytest.approx(1 / 3)


def test_the_table_names_a_part_once():
    text = report.markdown([("items", "a", "1"), ("items", "bb", "2"), ("crowd", "a", "3")])
    assert [line.split("|")[1].strip() for line in text.splitlines()] == ["part", "-----", "items", "", "crowd"]
    assert len({len(line) for line in text.splitlines()}) == 1


def test_a_bad_reading_is_named_by_file_and_line(bank: Path):
    file = bank / "readings" / "items.jsonl"
    write_rows(file, [{"id": "soups-1"}])
    with pytest.raises(data.DataError, match="keys should be") as caught:
        report.readings("items")
    assert str(caught.value).startswith(f"{file}:1: ")


# --- what is shipped ----------------------------------------------------------------------------------------------


def test_the_report_of_the_shipped_data(tmp_path: Path):
    text = report.write_report(tmp_path / "new" / "folder")
    assert (tmp_path / "new" / "folder" / "report.md").read_text("utf-8") == text
    assert (tmp_path / "new" / "folder" / "report.png").read_bytes().startswith(b"\x89PNG")
    for said in ("exact duplicates in a topic", "agreement, ordinary workers", "median seconds, rankings"):
        assert said in text
    assert not report.exact_duplicates(data.rows("items"))


def test_the_readings_are_whole():
    assert len(report.readings("items")) == 200
    demonstrations = report.readings("demonstrations")
    assert sum(row["writer"] == "hand" for row in demonstrations) == len(demonstrations) - 50 == 50
    judged = report.readings("judge")
    assert Counter(row["made_by"] for row in judged) == {"sft": 100, "ppo": 100}
    assert report.agreement(judged).keys() == set(report.PARTS)
    known = {row["id"] for row in data.rows("items")}
    assert {row["id"] for row in report.readings("items")} <= known
