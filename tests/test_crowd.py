import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations, permutations
from math import exp
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from tests.conftest import PLAIN, SOUPS
from topfive import data
from topfive.build.crowd import make_labels
from topfive.crowd import SOURCE, Crowd, Student, Worker
from topfive.judge import Judge, Taste
from topfive.lists import render

TEXTS = ("first", "second", "third")
CUTS = (1.0, 2.0, 3.0, 4.0)
CAREFUL = Worker("w", noise=1e-6, tie_width=0.0)
NOISY = replace(CAREFUL, noise=0.5)


def student(scores: list[float], noise: float, seed: int = 0) -> Student:
    """A student to whom a list is worth exactly the given score."""
    made = Student(Taste(noise=noise), seed)
    made.judge.scores = lambda prompts, texts: np.array(scores)  # type: ignore[method-assign]
    return made


def plackett_luce(order: tuple[int, ...], strengths: list[float]) -> float:
    """Probability that lists are chosen one after the other in this order."""
    probability = 1.0
    for place, index in enumerate(order):
        probability *= strengths[index] / sum(strengths[later] for later in order[place:])
    return probability


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_rankings_are_plackett_luce_draws(noise: float):
    scores, n = [1.0, 0.0, -0.5], 6000
    asked = student(scores, noise)
    ranks = [asked.rank(PLAIN, TEXTS).ranks for _ in range(n)]
    seen = Counter(tuple(int(index) for index in np.argsort(places)) for places in ranks)
    orders = list(permutations(range(3)))
    expected = [n * plackett_luce(order, [exp(score / noise) for score in scores]) for order in orders]
    assert chisquare([seen[order] for order in orders], expected).pvalue > 0.001


def test_place_1_is_the_best():
    assert student([0.0, 2.0, 1.0], noise=0.0).rank(PLAIN, TEXTS).ranks == (3, 1, 2)


def test_a_student_says_the_same_again_for_the_same_seed_only():
    again = [[student([0.0] * 3, 1.0, seed).rank(PLAIN, TEXTS) for _ in range(1)] for seed in (1, 1)]
    assert again[0] == again[1]
    several = {tuple(student([0.0] * 3, 1.0, seed).rank(PLAIN, TEXTS).ranks) for seed in range(20)}
    assert len(several) > 3


def test_a_student_follows_quality_and_taste(bank: Path):
    vegetarian = render([item for item, tags in SOUPS if "vegetarian" in tags])
    mixed = render([item for item, _ in SOUPS[3:]])
    asked = Student(Taste(tags={"vegetarian": 2.0}, noise=0.1), seed=0)
    assert asked.rank(PLAIN, [mixed, "no list at all", vegetarian]).ranks == (2, 3, 1)


def test_equal_texts_share_a_place():
    first, second, _ = student([1.0, 1.0, 0.0], noise=1.0).rank(PLAIN, ["a", "a", "b"]).ranks
    assert first == second


def test_neighbours_within_the_tie_width_share_a_place():
    asked = student([0.0, 2.0, 0.2, 0.35], noise=0.0)
    assert asked.rank(PLAIN, (*TEXTS, "fourth")).ranks == (4, 1, 3, 2)
    asked.tie_width = 0.25
    assert asked.rank(PLAIN, (*TEXTS, "fourth")).ranks == (2, 1, 2, 2), "each is close to its neighbour"


def test_what_the_crowd_says_is_marked():
    assert SOURCE == "simulated"


# --- workers of the crowd -----------------------------------------------------------------------------------------


@pytest.fixture
def worth(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, float]], Crowd]:
    """Make a crowd to which each text is worth exactly what is given; other texts are worth 0."""

    def crowd(values: dict[str, float], seed: int = 0) -> Crowd:
        scores = lambda self, prompts, texts: np.array([values.get(text, 0.0) for text in texts])  # noqa: E731
        monkeypatch.setattr(Judge, "scores", scores)
        return Crowd(CUTS, seed)

    return crowd


def test_a_careful_worker_reports_what_a_list_is_worth(worth):
    crowd = worth({"first": 0.5, "second": 4.5, "third": 2.5})
    assert [crowd.rate(CAREFUL, PLAIN, text) for text in TEXTS] == [1, 5, 3]
    assert crowd.compare(CAREFUL, PLAIN, "first", "second") == "second"
    assert crowd.compare(CAREFUL, PLAIN, "second", "first") == "first"
    assert crowd.rank(CAREFUL, PLAIN, TEXTS).ranks == (3, 1, 2)


def test_lists_closer_than_the_tie_width_are_called_equal(worth):
    crowd = worth({"first": 1.0, "second": 1.2})
    assert crowd.compare(replace(CAREFUL, tie_width=0.3), PLAIN, "first", "second") == "tie"
    assert crowd.compare(replace(CAREFUL, tie_width=0.1), PLAIN, "first", "second") == "second"


@pytest.mark.parametrize("kind", ["random", "lapse"])
def test_who_does_not_look_answers_evenly_whatever_the_lists_are(worth, kind: str):
    crowd, n = worth({"first": 9.0}), 1500
    worker = replace(CAREFUL, kind="random") if kind == "random" else replace(CAREFUL, lapse=1.0)
    ratings = Counter(crowd.rate(worker, PLAIN, "first") for _ in range(n))
    answers = Counter(crowd.compare(worker, PLAIN, "first", "second") for _ in range(n))
    orders = Counter(crowd.rank(worker, PLAIN, TEXTS).ranks for _ in range(n))
    for seen, size in ((ratings, 5), (answers, 2), (orders, 6)):
        assert len(seen) == size
        assert chisquare(list(seen.values())).pvalue > 0.001


def test_first_takes_what_is_shown_first(worth):
    crowd, worker = worth({"second": 9.0, "third": 8.0}), replace(CAREFUL, kind="first")
    assert {crowd.compare(worker, PLAIN, "first", "second") for _ in range(20)} == {"first"}
    assert {crowd.rank(worker, PLAIN, TEXTS).ranks for _ in range(20)} == {(1, 2, 3)}


def test_same_always_says_the_same(worth):
    crowd, worker = worth({"second": 9.0}), replace(CAREFUL, kind="same")
    assert {crowd.rate(worker, PLAIN, text) for text in TEXTS} == {4}
    assert {crowd.compare(worker, PLAIN, *pair) for pair in permutations(TEXTS, 2)} == {"tie"}
    assert {crowd.rank(worker, PLAIN, order).ranks for order in permutations(TEXTS)} == {(1, 2, 3)}


def share_first(crowd: Crowd, worker: Worker, n: int = 600) -> float:
    return sum(crowd.compare(worker, PLAIN, "first", "second") == "first" for _ in range(n)) / n


def test_first_bias_pulls_towards_what_is_shown_first(worth):
    biases = (-0.5, 0.0, 0.5)
    chosen = [share_first(worth({}), replace(NOISY, first_bias=bias)) for bias in biases]
    # The difference of two Gumbel draws is logistic: what is chosen first follows 1 / (1 + exp(-bias / noise)).
    assert chosen == pytest.approx([1 / (1 + exp(-bias / NOISY.noise)) for bias in biases], abs=0.07)
    tops = [
        sum(crowd.rank(worker, PLAIN, TEXTS).ranks[0] == 1 for _ in range(400))
        for crowd, worker in ((worth({}), replace(NOISY, first_bias=bias)) for bias in biases)
    ]
    assert tops[0] < tops[1] < tops[2]


def test_a_strict_worker_rates_lower_and_compares_the_same(worth):
    rated = [
        [worth({"first": value}).rate(replace(CAREFUL, strictness=strictness), PLAIN, "first") for value in (1.5, 3.5)]
        for strictness in (-1.0, 0.0, 1.0)
    ]
    assert rated == [[3, 5], [2, 4], [1, 3]]
    answers = [share_first(worth({"first": 0.3}), replace(NOISY, strictness=value)) for value in (-1.0, 1.0)]
    assert answers[0] == answers[1]


def test_noise_costs_accuracy(worth):
    accuracy = [share_first(worth({"first": 1.0}), replace(CAREFUL, noise=noise)) for noise in (0.2, 1.0, 5.0)]
    assert accuracy[0] > accuracy[1] > accuracy[2] > 0.45


def test_pretenders_do_not_take_the_time_to_read(worth):
    crowd = worth({})
    reading, pretending = (
        np.median([crowd.seconds(replace(CAREFUL, kind=kind), words=120) for _ in range(300)])
        for kind in ("ordinary", "random")
    )
    assert reading == pytest.approx(60 * 120 / CAREFUL.words_a_minute + 2.0, rel=0.1)
    assert pretending == pytest.approx(2.5, rel=0.1)


def test_the_same_seed_gives_the_same_answers(worth):
    def answers(seed: int) -> list:
        crowd = worth({"first": 0.2}, seed)
        return [
            (
                crowd.rate(NOISY, PLAIN, "first"),
                crowd.compare(NOISY, PLAIN, "first", "second"),
                crowd.rank(NOISY, PLAIN, TEXTS).ranks,
                crowd.seconds(NOISY, 50),
            )
            for _ in range(10)
        ]

    assert answers(1) == answers(1)
    assert answers(1) != answers(2)


# --- the labels that are shipped ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def kinds() -> dict[str, str]:
    return {row["worker"]: row["kind"] for row in data.rows("crowd/workers")}


def test_one_worker_in_eight_or_nine_pretends(kinds: dict[str, str]):
    assert Counter(kinds.values()) == {"ordinary": 44, "random": 3, "first": 2, "same": 1}


def test_ordinary_workers_agree_as_people_do(kinds: dict[str, str]):
    """Share of pairs of ordinary workers who choose the same list, where both choose (0.726 in InstructGPT)."""
    chosen: dict[tuple[str, str], list[str]] = {}
    for row in data.rows("crowd/comparisons"):
        if kinds[row["worker"]] == "ordinary" and row["answer"] != "tie" and not row["gold"]:
            chosen.setdefault((min(row["first"], row["second"]), max(row["first"], row["second"])), []).append(
                row[row["answer"]]
            )
    agreed = [one == other for answers in chosen.values() for one, other in combinations(answers, 2)]
    assert len(agreed) > 1500
    assert 0.72 <= np.mean(agreed) <= 0.77


def test_golden_pairs_tell_who_works(kinds: dict[str, str]):
    right: dict[str, list[bool]] = {}
    for row in data.rows("crowd/comparisons"):
        if row["gold"]:
            right.setdefault(kinds[row["worker"]], []).append(row["answer"] == row["gold"])
    assert np.mean(right["ordinary"]) >= 0.9
    assert abs(np.mean(right["random"]) - 0.5) < 3 * 0.5 / len(right["random"]) ** 0.5
    assert not any(right["same"])


@pytest.mark.slow
def test_the_labels_are_rebuilt_from_the_lists():
    for name, rows in make_labels().items():
        assert json.loads(json.dumps(rows)) == data.rows(f"crowd/{name}"), name
