"""The side view's small model: against closed forms, and against a taste it should find."""

import itertools
import random

import numpy as np
import pytest

from topfive import ledger
from topfive.lists import Prompt, Ranking
from topfive.panels import side

PROMPT = Prompt("top 5 dinners", "dinners")


def answer(number: int, texts: list[str], ranks: list[int], **more: object) -> dict:
    return ledger.ranking_event(Ranking(PROMPT, tuple(texts), tuple(ranks)), task=str(number), id=str(number), **more)


def log_posterior(given: side.Answers, scores: np.ndarray, precision: np.ndarray) -> float:
    total = -0.5 * scores @ precision @ scores
    for order in given.orders:
        for stage, group in enumerate(order[:-1]):
            rest = [index for later in order[stage + 1 :] for index in later]
            for winner in group:
                total += scores[winner] - np.log(np.exp(scores[[winner, *rest]]).sum())
    middle = np.mean([rating for _, rating in given.ratings] or [0.0])
    return total - sum((rating - middle - scores[i]) ** 2 for i, rating in given.ratings) / 2 / side.RATING_NOISE**2


TEXTS = ("rice soup", "rice salad", "bean soup", "egg salad")
GIVEN = side.Answers(TEXTS, (((0,), (1, 2), (3,)), ((2,), (0,))), ((1, 4.0), (3, 1.0)))


def test_the_derivatives_are_those_of_the_likelihood():
    scores = np.array([0.3, -0.2, 0.9, 0.1])
    gradient, curvature = side._likelihood(GIVEN, scores)
    flat = np.zeros((4, 4))
    step = 1e-4
    for i, j in itertools.product(range(4), repeat=2):
        e, f = np.eye(4)[i] * step, np.eye(4)[j] * step
        value = [log_posterior(GIVEN, scores + s * e + t * f, flat) for s, t in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
        assert curvature[i, j] == pytest.approx(-(value[0] - value[1] - value[2] + value[3]) / 4 / step**2, abs=1e-5)
        slope = (log_posterior(GIVEN, scores + e, flat) - log_posterior(GIVEN, scores - e, flat)) / 2 / step
        assert gradient[i] == pytest.approx(slope, abs=1e-6)


def test_the_mode_cannot_be_improved():
    mean, covariance = side.fit(GIVEN, TEXTS)
    features = side._words([*TEXTS, *TEXTS])[:4]
    precision = np.linalg.inv(side.PRIOR**2 * features @ features.T)
    best = log_posterior(GIVEN, mean, precision)
    rng = np.random.default_rng(0)
    assert all(log_posterior(GIVEN, mean + 0.05 * rng.normal(size=4), precision) < best for _ in range(50))
    _, curvature = side._likelihood(GIVEN, mean)
    assert covariance == pytest.approx(np.linalg.inv(precision + curvature), abs=1e-6)


def test_it_finds_a_taste_and_grows_surer():
    rng = random.Random(0)
    words = ["rice", "soup", "bean", "salad", "cheese", "noodle", "egg", "leek"]
    events = []
    for number in range(60):
        texts = [" ".join(rng.sample(words, 3)) for _ in range(3)]
        ranks = [1 + sum(("rice" in other) > ("rice" in text) for other in texts) for text in texts]
        events.append(answer(number, texts, ranks))
    asked = ["rice bean egg", "soup bean egg"]
    widths = []
    for count in (5, 60):
        mean, covariance = side._centred(*side.fit(side.collect(events[:count]), asked))
        widths.append(covariance[0, 0])
    assert mean[0] > 3 * np.sqrt(covariance[0, 0])
    assert widths[1] < 0.7 * widths[0]


def test_ratings_move_scores_towards_them():
    rated = [
        {
            "kind": "answer",
            "type": "rate",
            "id": str(n),
            "task": str(n),
            "prompt": {"text": "x"},
            "texts": [t],
            "rating": r,
        }
        for n, (t, r) in enumerate([("rice soup", 5), ("rice egg", 5), ("bean soup", 1), ("bean egg", 1)])
    ]
    mean, _ = side.fit(side.collect(rated), ["rice leek", "bean leek"])
    assert mean[0] > mean[1] + 0.5


def test_opinions_are_best_first_and_survive_strange_answers():
    good = answer(1, ["\n1. rice", "\n1. bean"], [2, 1])
    strange = [good | {"id": "2", "task": "2", "ranks": None}, good | {"id": "3", "task": "3", "type": "rate"}]
    view = side.opinion([good, *strange], good)
    assert [row["label"] for row in view["rows"]] == ["bean", "rice"]
    assert view["n"] == 1
    assert side.opinion([good], good | {"texts": None}) is None
    assert side.opinion([], good) is None


def test_no_words_at_all_is_no_problem():
    view = side.opinion([event := answer(1, ["1", "2"], [1, 2])], event)
    assert all(np.isfinite(row["low"]) for row in view["rows"])
