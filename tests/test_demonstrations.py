"""From a pile of lists to a set: what is found, what is kept, what leaks, and what bad input is told."""

import json
import math
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import cohen_kappa_score

from tests.written import write_lists
from topfive import data
from topfive.checks.locked import grade_demonstrations
from topfive.demonstrations import alike, foreign, pay, pile, review, sft_set
from topfive.errors import TopFiveError
from topfive.ledger import Ledger
from topfive.lists import parse, render

Row = dict[str, object]


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def incoming() -> tuple[list[Row], list[list[str]]]:
    return pile.incoming()


def a_list(items: list[str], prompt: str = "top 5 morning habits", **more: object) -> dict[str, object]:
    known = data.known_prompt(prompt)
    assert known
    return {
        "prompt": prompt,
        "topic": known.topic,
        "constraints": [],
        "items": items,
        "writer": "w",
        "source": "human",
    } | more


HABITS = [
    "bed made with crisp corners",
    "glass of water",
    "walk to the bakery",
    "radio and a coffee",
    "ten slow breaths",
]


# --- the pile -----------------------------------------------------------------------------------------------------


def test_the_pile_is_simulated_the_same_every_time_and_answers_training_prompts_only(incoming):
    lists, flaws = incoming
    assert (lists, flaws) == pile.incoming()
    assert {row["source"] for row in lists} == {"simulated"}
    assert {row["prompt"] for row in lists} <= {prompt.text for prompt in data.prompts("train")}
    assert not any("flaws" in row for row in lists)


def test_personal_data_in_the_pile_is_made_up(incoming):
    for line in pile.MADE_UP:
        assert "example." in line or "7946 0" in line or "555-01" in line  # reserved for examples and fiction


def test_every_prompt_of_the_panel_is_known_trains_and_has_an_example():
    assert [prompt.text for prompt in pile.asked()] == list(pile.ASKED)
    assert {row["prompt"] for row in pile.examples()} == set(pile.ASKED)
    assert {row["source"] for row in pile.examples()} == {"example"}
    assert not [row for row in pile.examples() if sft_set.faults(row)]


def test_own_lists_come_back_through_the_ledger_without_anything_that_tells_who_wrote_them():
    written = write_lists(3)
    Ledger().append(
        {"kind": "answer", "type": "write", "panel": "another", "prompt": {"text": "top 5 x"}, "texts": ["\n1. a"]}
    )
    own = pile.own_lists()
    assert [row["items"] for row in own] == written
    assert [row["seconds"] for row in own] == [95.0] * 3
    rows = sft_set.as_set(own, ["train"] * 3)
    ledger = Ledger().path.read_text("utf-8")
    secrets = {json.loads(line)[key] for line in ledger.splitlines() for key in ("id", "time")}
    assert not [secret for secret in secrets if secret in json.dumps(rows)]


def test_without_a_ledger_there_are_no_own_lists():
    assert pile.own_lists() == []


# --- near duplicates and splits -----------------------------------------------------------------------------------


def test_fingerprints_find_what_comparing_all_pairs_finds(incoming):
    lists = [row["items"] for row in incoming[0][:250]]
    every = [(a, b) for a, b in combinations(range(250), 2) if alike.similarity(lists[a], lists[b]) >= alike.NEAR]
    assert every
    assert alike.near_duplicates(lists) == every


def test_a_share_of_equal_places_estimates_the_jaccard_index(incoming):
    lists = [row["items"] for row in incoming[0]]
    pairs = alike.near_duplicates(lists, at_least=0.3)[:200]
    signed = alike.signatures(lists)
    errors = [(signed[a] == signed[b]).mean() - alike.similarity(lists[a], lists[b]) for a, b in pairs]
    assert abs(float(np.mean(errors))) < 0.01
    assert float(np.std(errors)) < 0.05


def test_groups_are_the_connected_components():
    rng = np.random.default_rng(0)
    for number in (1, 5, 40, 200):
        pairs = rng.integers(0, number, (number // 2, 2))
        links = coo_matrix((np.ones(len(pairs)), pairs.T), shape=(number, number))
        _, labels = connected_components(links, directed=False)
        expected = [int(np.flatnonzero(labels == label)[0]) for label in labels]
        assert alike.groups_of(number, pairs.tolist()) == expected


def test_a_split_by_groups_leaks_nothing_and_holds_out_what_was_asked_for(incoming):
    lists = incoming[0]
    groups = sft_set.linked(lists)
    sides = alike.split(groups)
    pairs = [*alike.near_duplicates([row["items"] for row in lists]), *alike.same([row["prompt"] for row in lists])]
    assert alike.leaked(sides, pairs) == []
    assert 0.15 <= sides.count("validation") / len(sides) < 0.2
    assert alike.leaked(alike.split(range(len(lists))), pairs)


def test_lists_without_items_and_empty_piles():
    assert alike.near_duplicates([[], ["a b c d"], [], ["a b c d"]]) == [(1, 3)]
    assert alike.near_duplicates([]) == []
    assert alike.split([]) == []
    assert sft_set.build_set([], []) == []


# --- what should not be there -------------------------------------------------------------------------------------


def test_what_was_planted_is_found_and_what_has_no_form_is_not(incoming):
    found: dict[str, Counter[bool]] = {}
    for row, flaws in zip(*incoming, strict=True):
        for flaw in flaws or ["none"]:
            found.setdefault(flaw, Counter())[bool(sft_set.faults(row))] += 1
    for flaw in ("miscount", "repeat", "vague", "taken from a page", "personal data"):
        assert found[flaw][False] == 0, flaw
    assert found["a person by name"][True] == 0
    assert found["none"][True] / found["none"].total() < 0.02


def test_copied_names_the_run_and_its_source():
    notes = ["a ripe half squashed into it", "rubbed with garlic while hot"]
    assert foreign.copied(["toast, a ripe half squashed into it!"], notes) == (6, notes[0])
    assert foreign.copied(["rubbed with garlic"], notes) == (0, "")
    assert foreign.copied([], []) == (0, "")


def test_faults_in_words():
    assert sft_set.faults(a_list(HABITS)) == []
    assert sft_set.faults(a_list([*HABITS[:3], "Glass of  water."])) == ["4 items", "an item twice"]
    assert sft_set.faults(a_list([*HABITS[:4], "call 555-0143 22"])) == ["personal data"]
    assert sft_set.faults(a_list([])) == ["0 items"]


def test_digits_are_a_phone_number_wherever_they_stand():
    assert foreign.redact("tel555-0143 22, songs of 2019-2024") == "tel[phone], songs of [phone]"
    assert foreign.redact("24/7, a 1000-piece puzzle") == "24/7, a 1000-piece puzzle"


# --- review -------------------------------------------------------------------------------------------------------


def test_kappa_is_that_of_scikit_learn():
    rng = np.random.default_rng(1)
    for _ in range(20):
        one, other = rng.integers(1, 4, (2, 50)).tolist()
        assert review.weighted_kappa(one, other) == pytest.approx(cohen_kappa_score(one, other, weights="quadratic"))
    assert math.isnan(review.weighted_kappa([], []))


def test_simulated_peers_say_so_and_leave_out_what_does_not_apply(incoming):
    scores = review.simulated_peers(incoming[0][:40])
    assert {row["source"] for row in scores} == {"simulated"}
    for row in scores:
        assert (row["constraint"] == 0) == (not incoming[0][row["list"]]["constraints"])
        assert row["on_topic"] in review.SCORES


def test_a_real_peers_file_takes_the_place_of_one_simulated_peer(tmp_path: Path):
    path = tmp_path / "reviews.jsonl"
    mine = pile.examples()[:2]
    review.hand_over(mine, path)
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert not [row for row in rows if "writer" in row or "source" in row]
    path.write_text("".join(json.dumps(row | {"reviewer": "Zoe", "on_topic": 3, "specific": 1}) + "\n" for row in rows))
    scores = review.reviews(mine, path)
    assert Counter((row["reviewer"], row["source"]) for row in scores) == {("Zoe", "human"): 2, ("Ada", "simulated"): 2}
    assert review.passed([row for row in scores if row["reviewer"] == "Zoe"], 2) == [False, False]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({"list": 0}, "a review has the keys"),
        ({"list": 7, "reviewer": "Z", "on_topic": 3, "constraint": 0, "specific": 3}, "list should be 0 to 1"),
        ({"list": 1, "reviewer": "Z", "on_topic": 4, "constraint": 0, "specific": 3}, "on_topic should be 1, 2, 3"),
        ({"list": 1, "reviewer": "Z", "on_topic": True, "constraint": 0, "specific": 3}, "on_topic should be 1, 2, 3"),
        ("no", "a review has the keys"),
        (
            {"list": 1, "items": ["a"], "reviewer": "Z", "on_topic": 3, "constraint": 0, "specific": 3},
            "this is a review of another list",
        ),
    ],
)
def test_a_bad_line_of_a_peers_file_is_named(tmp_path: Path, line: object, words: str):
    path = tmp_path / "reviews.jsonl"
    path.write_text(json.dumps(line) + "\n")
    with pytest.raises(TopFiveError, match=rf"reviews\.jsonl:1: {words}"):
        review.reviews(pile.examples()[:2], path)


# --- pay ----------------------------------------------------------------------------------------------------------


def test_the_fair_price_is_enough_for_its_share_and_a_cent_less_is_not():
    for seed in range(10):
        seconds = pay.pilot(seed=seed)
        price = pay.fair_price(seconds, 13.0, 0.9)
        enough, less = ([one >= 13.0 for one in pay.earns(seconds, cents)] for cents in (price, price - 1))
        assert np.mean(enough) >= 0.9 > np.mean(less)


def test_a_price_that_is_a_whole_number_of_cents_is_not_rounded_up():
    assert pay.fair_price([[180.0]], 12.0, 1.0) == 60
    assert pay.fair_price([[90.0]], 13.2, 1.0) == 33


def test_a_budget_pays_for_every_list_and_every_review():
    found = pay.budget(wanted=100, kept=0.5, price=60, review_price=15, reviewers=2, fee=0.2)
    assert (found.written, found.reviews) == (200, 400)
    assert found.euros == pytest.approx((200 * 0.60 + 400 * 0.15) * 1.2)


# --- the set and its card -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def finished(incoming) -> list[Row]:
    lists, flaws = incoming
    return sft_set.build_set([*pile.examples(), *lists], [True] * 8 + [not {"drift", "careless"} & {*f} for f in flaws])


def test_a_finished_set_has_no_fault_no_near_duplicate_and_no_leak(finished):
    found = sft_set.measured(finished)
    assert found["lists"] >= 150
    assert {name: found[name] for name in ("with a fault", "near duplicates", "leaks", "by people")} == dict.fromkeys(
        ("with a fault", "near duplicates", "leaks", "by people"), 0
    )
    assert 0.05 <= found["held out"] / found["lists"] <= 0.3


def test_a_set_without_lists_to_train_on_is_stood_in_for(finished, capsys: pytest.CaptureFixture[str]):
    lists, passes = pile.examples(), [True] * 8
    assert sft_set.or_stand_in(finished, lists, passes) is finished
    held = [row for row in finished if row["split"] == "validation"]
    for built in ([], held):
        assert sft_set.or_stand_in(built, lists, passes) == sft_set.build_set(lists, passes)
    assert capsys.readouterr().out.count("the course's own set is used below, and not saved") == 2


def test_measuring_finds_what_is_put_into_a_set(finished):
    one = next(row for row in finished if row["split"] == "train")
    items = list(parse(one["completion"]).items)
    copy = {**one, "completion": render(items[::-1]), "split": "validation"}
    broken = {**one, "completion": render([*items[:3], "call 555-0143 22"])}
    found, before = sft_set.measured([*finished, copy, broken]), sft_set.measured(finished)
    assert found["near duplicates"] > before["near duplicates"]
    assert found["leaks"] > before["leaks"]
    assert found["with a fault"] == before["with a fault"] + 1


def test_what_a_set_lacks_is_said_by_its_consequence(finished):
    assert [line.split(":")[0] for line in sft_set.lacking(finished, own=5)] == [
        "0 lists of your own are in it, of at least 5"
    ]
    write_lists(5)
    own = sft_set.as_set(pile.own_lists(), ["train"] * 5)
    prompts = {row["prompt"] for row in own}
    others = [row for row in finished if row["prompt"] not in prompts]
    assert sft_set.lacking([*others, *own], own=5) == []
    copies = [*others, *({**row, "split": "validation"} for row in own), *own]
    assert "near duplicates" in " ".join(sft_set.lacking(copies, own=5))
    assert "stand on both sides" in " ".join(sft_set.lacking(copies, own=5))
    assert "100% of the lists are held out" in " ".join(
        sft_set.lacking([{**row, "split": "validation"} for row in finished], own=0)
    )
    assert len(sft_set.lacking([], own=5)) == 2


def test_each_thing_that_a_set_lacks_costs_a_quarter_of_its_points(finished):
    sft_set.save(finished)
    assert grade_demonstrations(lists=20, own=0, points=2) == 2
    assert grade_demonstrations(lists=20, own=5, points=2) == 1.5


def test_it_is_saved_and_read_back_and_is_a_dataset(finished, capsys: pytest.CaptureFixture[str]):
    sft_set.save(finished)
    assert "saved in work/demonstrations.jsonl" in capsys.readouterr().out
    assert sft_set.load() == finished
    dataset = sft_set.as_dataset(finished)
    assert set(dataset) == {"train", "validation"}
    assert dataset["train"].column_names == ["prompt", "completion", "writer", "source"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"prompt": "top 5 x"}', "keys should be"),
        ('{"prompt": "p", "completion": "c", "split": "dev", "writer": "w", "source": "human"}', "split should be"),
        ("not json", "not JSON"),
    ],
)
def test_a_set_that_cannot_be_read_is_named_by_file_and_line(tmp_path: Path, line: str, words: str):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / sft_set.FILE).write_text(line + "\n")
    with pytest.raises(TopFiveError, match=rf"demonstrations\.jsonl:1: {words}"):
        sft_set.load()


def test_a_missing_set_and_a_missing_card_are_said_to_be_missing():
    with pytest.raises(TopFiveError, match=r"demonstrations\.jsonl is missing"):
        sft_set.load()
    with pytest.raises(TopFiveError, match=r"README\.md is missing"):
        sft_set.card_problems([], 20)


def test_the_card_is_one_that_the_hub_reads(finished):
    from huggingface_hub import DatasetCard

    text = sft_set.card(finished, dict.fromkeys(sft_set.SECTIONS, "word " * 20))
    head = DatasetCard(text).data.to_dict()
    assert head["license"] == "apache-2.0"
    assert head["configs"] == [{"config_name": "default", "data_files": sft_set.FILE}]


def test_a_card_is_complete_only_with_its_words_and_with_the_numbers_of_its_set(finished):
    sft_set.save_card(sft_set.card(finished, dict.fromkeys(sft_set.SECTIONS, "word " * 20)))
    assert sft_set.card_problems(finished, 20) == []
    assert len(sft_set.card_problems(finished[1:], 20)) > 0
    sft_set.save_card(sft_set.card(finished, {"purpose": "word " * 20, "limits": "too few"}))
    assert sft_set.card_problems(finished, 20) == [
        f"{part}: fewer than 20 words" for part in ("collection", "consent", "limits")
    ]


def test_only_lists_of_ones_own_count():
    write_lists(5)
    own = pile.own_lists()
    assert sft_set.good_own(own, pile.examples()) == own
    assert sft_set.good_own([*own, own[0]], pile.examples()) == own
    assert sft_set.good_own(pile.examples(), pile.examples()) == []
    rows = sft_set.as_set([*own[:3], *pile.examples()], ["train"] * 11)
    assert sft_set.by_the_student(rows) == 3
    assert sft_set.by_the_student([{**row, "source": "human"} for row in rows]) == 3
