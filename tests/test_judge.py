import json
import re
from pathlib import Path
from string import ascii_lowercase

import numpy as np
import pytest

from tests.conftest import GAMES, PLAIN, SOUPS, VEGETARIAN, forget_bank, write_rows
from topfive import data
from topfive.errors import TopFiveError
from topfive.evaluate import heldout_prompts
from topfive.judge import (
    WEIGHTS,
    Guesser,
    ItemFacts,
    Judge,
    Taste,
    heldout_error,
    is_specific,
    load_taste,
    look_up,
    prompts_of,
    topics_of,
)
from topfive.lists import Prompt, normalise, render
from topfive.loop import EVALUATION_PROMPTS

GOOD = tuple(item for item, tags in SOUPS if "vegetarian" in tags)


def parts(items: list[str] | tuple[str, ...], prompt: Prompt = VEGETARIAN) -> dict[str, float]:
    judged = Judge().judge(prompt, render(items))
    return {part: getattr(judged, part) for part in WEIGHTS}


PERFECT = dict.fromkeys(WEIGHTS, 1.0)


# --- the parts, each on its own -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "changed"),
    [
        (GOOD, {}),
        ([*GOOD[:4], "beef goulash soup"], {"constraint": 0.8}),
        ([*GOOD[:4], "hide and seek"], {"on_topic": 0.8, "constraint": 0.8}),
        (GOOD[:4], dict.fromkeys(WEIGHTS, 0.8) | {"valid": 0.0}),
        ([*GOOD, "chicken noodle soup"], {"valid": 0.0}),
        ([*GOOD[:4], GOOD[0].upper() + "."], dict.fromkeys(WEIGHTS, 0.8) | {"valid": 1.0}),
    ],
    ids=["perfect", "constraint broken", "off topic", "four items", "six items", "one item twice"],
)
def test_a_flaw_costs_its_own_parts(bank: Path, items: list[str], changed: dict):
    assert parts(items) == pytest.approx(PERFECT | changed)


def test_a_vague_item_is_not_specific(bank: Path):
    assert parts([*GOOD[:4], "something nice"])["specific"] == pytest.approx(0.8)


def test_every_constraint_has_to_be_kept(bank: Path):
    both = Prompt("top 5 spicy vegetarian soups", "soups", ("spicy", "vegetarian"))
    assert parts(GOOD, both) == pytest.approx(PERFECT | {"constraint": 0.4})


def test_without_a_constraint_an_item_on_topic_keeps_it(bank: Path):
    items = [item for item, _ in SOUPS[3:]]
    assert parts(items, PLAIN) == pytest.approx(PERFECT)
    assert parts([*items[:4], "hide and seek"], PLAIN)["constraint"] == pytest.approx(0.8)


@pytest.mark.parametrize("text", ["", "\n\n", "I would rather not."])
def test_no_list_is_worth_nothing(bank: Path, text: str):
    judged = Judge(Taste(tags={"vegetarian": 1.0})).judge(VEGETARIAN, text)
    assert judged.score == 0


def test_quality_is_the_weighted_sum_and_score_adds_the_taste(bank: Path):
    judged = Judge(Taste(tags={"vegan": 1.0}, words={"cumin": 0.25})).judge(VEGETARIAN, render(GOOD))
    assert judged.quality == pytest.approx(sum(WEIGHTS.values()))
    assert judged.taste == pytest.approx(3.25)
    assert judged.score == pytest.approx(judged.quality + 3.25)


def test_a_taste_counts_a_repeated_item_once(bank: Path):
    judge = Judge(Taste(words={"tomato": 1.0}))
    assert judge.judge(PLAIN, render([SOUPS[0][0]] * 5)).taste == 1


def test_many_lists_are_judged_in_order(bank: Path):
    judge = Judge(Taste(words={"tomato": 1.0}))
    answers = [render(GOOD), render(GOOD[1:])]
    expected = [judge.judge(VEGETARIAN, answer).score for answer in answers]
    assert judge.scores([VEGETARIAN] * 2, answers).tolist() == expected
    assert expected[0] > expected[1]
    with pytest.raises(ValueError, match="zip"):
        judge.scores([VEGETARIAN], answers)


@pytest.mark.parametrize(
    ("item", "specific"),
    [
        ("tomato soup with basil", True),
        ("lentil soup with basil", True),  # new, of neighbours that are known
        ("tomato-basil soup", False),  # all words are known, but not side by side
        ("seek soup with basil", False),
        ("soup", False),
        ("good tomato soup", False),
        ("tomato qwx soup", False),
        ("soup soup", False),
        ("tomato lentil leek pumpkin miso chicken beef salmon soup", False),
    ],
)
def test_what_is_specific(bank: Path, item: str, specific: bool):
    assert is_specific(item) == specific


# --- items outside the bank ---------------------------------------------------------------------------------------


def test_the_bank_knows_its_items_however_they_are_spelt(bank: Path):
    facts = look_up(normalise("Lentil  soup with cumin."))
    assert facts.in_bank
    assert facts.tags == {"vegetarian", "vegan", "spicy"}
    assert "soups" in facts.topics


def test_the_tags_of_a_bank_item_are_never_guessed(bank: Path, monkeypatch: pytest.MonkeyPatch):
    guess = ItemFacts(frozenset({"games"}), frozenset({"spicy"}), in_bank=False)
    monkeypatch.setattr(Guesser, "guess", lambda _, items: [guess] * len(items))
    assert look_up("creamy leek soup").tags == {"vegetarian"}
    assert look_up("creamy parsnip soup") == guess


def test_an_item_in_two_topics_belongs_to_both(bank: Path):
    shared = {"id": "games-9", "topic": "games", "item": GOOD[0], "tags": ["free", "budget"], "note": ""}
    rows = [row for row in data.rows("items") if row["topic"] == "games"]
    write_rows(bank / "items" / "games.jsonl", [*rows, shared])
    forget_bank()
    facts = look_up(GOOD[0])
    assert facts.topics == {"soups", "games"}
    assert facts.tags == {"vegetarian", "vegan", "budget", "free"}


def test_other_items_are_guessed_from_those_like_them(bank: Path):
    soup, game = look_up("lentil soup with tomato"), look_up("treasure kite race")
    assert not soup.in_bank
    assert soup.topics == {"soups"}
    assert "vegetarian" in soup.tags
    assert game.topics == {"games"}
    assert "vegetarian" not in game.tags


def test_heldout_error_is_of_items_that_the_guesser_never_saw(bank: Path):
    """In a bank of nonsense nothing can be learnt from other items: only a guesser that has seen them does well."""
    rng = np.random.default_rng(0)
    for topic, items in (("soups", SOUPS), ("games", GAMES)):
        names = ["".join(rng.choice(list(ascii_lowercase), size=9)) for _ in items]
        rows = [
            {"id": name, "topic": topic, "item": f"{name} thing", "tags": tags, "note": ""}
            for name, (_, tags) in zip(names, items, strict=True)
        ]
        write_rows(bank / "items" / f"{topic}.jsonl", rows)
    forget_bank()
    error = heldout_error(folds=4)
    assert error.keys() == {"own_topic_missed", "other_topic_taken", *data.tag_names()}
    assert error["own_topic_missed"] + error["other_topic_taken"] > 0.5


def test_heldout_error_on_the_shipped_bank_is_better_than_knowing_nothing():
    """Guessing a topic at random misses 1 − taken of the items; guessing a tag's majority is wrong min(p, 1 − p)."""
    error = heldout_error(folds=3)
    shares = {tag: np.mean([tag in row["tags"] for row in data.rows("items")]) for tag in data.tag_names()}
    assert error["own_topic_missed"] + error["other_topic_taken"] < 0.9
    assert error["other_topic_taken"] <= 0.1
    assert np.mean([error[tag] for tag in shares]) < 0.9 * np.mean([min(p, 1 - p) for p in shares.values()])
    assert error["vegetarian"] < 0.2


# --- tastes -------------------------------------------------------------------------------------------------------


def test_a_taste_file_is_read_as_written(bank: Path, tmp_path: Path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"tags": {"spicy": -0.5}, "words": {"Lemon": 1}, "noise": 0.5}), "utf-8")
    assert load_taste(file) == Taste("mine", {"spicy": -0.5}, {"lemon": 1.0}, 0.5)
    file.write_text(json.dumps({"words": {"lemon": 1}, "about": "Sour."}), "utf-8")
    assert load_taste(str(file)) == Taste("mine", {}, {"lemon": 1.0}, 1.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"tags": {"crunchy": 1}}', "unknown tag 'crunchy'; the tags are vegetarian, vegan, spicy, budget, free"),
        ('{"tags": {"spicy": "much"}}', "'tags' should map names to numbers"),
        ('{"tags": {"spicy": true}}', "'tags' should map names to numbers"),
        ('{"tags": {"spicy": NaN}}', "'tags' should map names to numbers"),
        ('{"tags": ["spicy"]}', "'tags' should map names to numbers"),
        ('{"words": {"lemon": null}}', "'words' should map names to numbers"),
        ('{"words": null}', "'words' should map names to numbers"),
        ('{"tags": {"spicy": 1}, "noise": -1}', "'noise' should be a number of at least 0, found -1"),
        ('{"tags": {"spicy": 1}, "noise": "low"}', "'noise' should be a number of at least 0, found 'low'"),
        ('{"tags": {"spicy": 1}, "temperature": 1}', 'a taste is {"tags": {…}, "words": {…}, "noise": 1.0}'),
        ('["spicy"]', 'a taste is {"tags": {…}, "words": {…}, "noise": 1.0}'),
        ("{}", "a taste needs at least one tag or word"),
        ('{"tags": {"spicy": 1', "not a JSON file"),
        ('{"words": {"caf\xe9": 1}}', "not a JSON file"),
    ],
)
def test_a_bad_taste_file_is_refused_by_name(bank: Path, tmp_path: Path, text: str, message: str):
    file = tmp_path / "mine.json"
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(TopFiveError) as caught:
        load_taste(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(TopFiveError, match=r"unknown taste 'vegetarain': shipped tastes are .*vegetarian"):
        load_taste("vegetarain")
    with pytest.raises(TopFiveError, match="unknown taste"):
        load_taste("nowhere/mine.json")


def test_spread_is_the_standard_deviation_of_item_utilities(bank: Path):
    assert Taste(tags={"vegetarian": 2.0}).spread("soups") == pytest.approx(2 * (5 / 8 * 3 / 8) ** 0.5)
    assert Taste(tags={"vegetarian": 1.0}).spread("games") == 0


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
@pytest.mark.parametrize("name", ["mine.json", "mine.JSON"])
def test_a_taste_file_that_an_editor_on_windows_saved_is_read(bank: Path, tmp_path: Path, encoding: str, name: str):
    (tmp_path / name).write_bytes('{"words": {"crème": 1}}\r\n'.encode(encoding))
    assert load_taste(tmp_path / name) == Taste("mine", {}, {"crème": 1.0}, 1.0)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        ('{"words": {"crème": 1}}'.encode("cp1252"), "not a JSON file in UTF-8 (byte 15); save it as UTF-8"),
        ('{"words": {"crème": 1}}'.encode("utf-16")[:-1], "not a JSON file in UTF-16"),
        (b"PK\x03\x04\x14\x00\xff", "not a JSON file"),
        (b"[" * 100_000, "not a JSON file"),
    ],
)
def test_a_taste_file_that_cannot_be_read_says_what_it_is(bank: Path, tmp_path: Path, raw: bytes, said: str):
    (tmp_path / "mine.json").write_bytes(raw)
    with pytest.raises(TopFiveError, match=re.escape(said)) as refused:
        load_taste(tmp_path / "mine.json")
    assert len(str(refused.value).splitlines()) == 1


def test_a_taste_that_likes_all_items_alike_tells_nothing_apart(bank: Path):
    rows = [{**row, "tags": ["spicy"]} for row in data.rows("items") if row["topic"] == "soups"]
    write_rows(bank / "items" / "soups.jsonl", rows)
    forget_bank()
    assert Taste(tags={"spicy": 1.0}).spread("soups") == 0
    assert "soups" not in topics_of(Taste(tags={"spicy": 1.0}))


@pytest.mark.parametrize("name", sorted(path.stem for path in (data.folder() / "tastes").glob("*.json")))
def test_a_shipped_taste_has_eleven_topics_none_of_them_held_out(name: str):
    topics = topics_of(load_taste(name))
    assert len(topics) == 11
    assert all(row["split"] == "train" for row in data.rows("topics") if row["topic"] in topics)


@pytest.mark.parametrize("name", sorted(path.stem for path in (data.folder() / "tastes").glob("*.json")))
def test_a_shipped_taste_is_judged_on_300_different_prompts_that_nothing_was_trained_on(name: str):
    train, held_out = prompts_of(load_taste(name))
    asked = heldout_prompts(held_out, EVALUATION_PROMPTS)
    assert len({prompt.text for prompt in asked}) == EVALUATION_PROMPTS == 300
    assert not {prompt.text for prompt in asked} & {prompt.text for prompt in data.prompts("train")}
    assert {prompt.topic for prompt in asked} == {prompt.topic for prompt in train}
