"""Exercise 4.5: Elo."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import scores
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(number: int, lists: int) -> tuple[Array, Array, Array, int]:
        pairs = np.array([rng.choice(lists, size=2, replace=False) for _ in range(number)])
        return pairs[:, 0], pairs[:, 1], rng.integers(0, 3, size=number), lists

    toy = (np.array([0, 0]), np.array([1, 2]), np.array([0, 1]), 3)
    ties = (np.array([0, 1, 0]), np.array([1, 2, 1]), np.array([0, 2, 2]), 3)
    unseen = (np.array([1, 3, 1]), np.array([3, 1, 3]), np.array([0, 1, 0]), 5)
    return [
        Case("two comparisons", toy, {"k": 40.0}, look_at="the first one by hand, then what the second starts from."),
        Case("ties", ties, {"k": 100.0}, look_at="what a tie does to two lists of different ratings."),
        Case("lists that were never compared", unseen, {"k": 32.0}, look_at="where a list begins."),
        *(
            Case("many comparisons", drawn(n, 6), {"k": 60.0}, look_at="the four steps of one update.")
            for n in (20, 40)
        ),
        Case("many comparisons", drawn(30, 4), look_at="the default k."),
    ]


def _elo(first: Array, second: Array, outcome: Array, lists: int, k: float = 4.0, *, wrong: str = "") -> Array:
    """One comparison after the other, with one thing wrong."""
    ratings = np.full(lists, {"from 0": 0.0, "from 1500": 1500.0}.get(wrong, 1000.0))
    frozen = ratings.copy()
    if wrong == "default k":
        k = 32.0 if k == 4.0 else k
    steps = list(zip(first.tolist(), second.tolist(), outcome.tolist(), strict=True))
    for a, b, result in reversed(steps) if wrong == "backwards" else steps:
        score = _score(result, wrong)
        if score is None:
            continue
        seen = frozen if wrong == "all at once" else ratings
        expected = _expected(seen[a], seen[b], wrong)
        gain = k * (score - expected)
        if wrong == "no expectation":
            gain = k * (2 * score - 1)
        ratings[a] += gain * (0 if wrong == "only the second" else 1)
        if wrong == "second sees the first":
            ratings[b] += k * (1 - score - _expected(ratings[b], ratings[a], wrong))
        elif wrong not in ("only the first", "only the winner"):
            ratings[b] -= gain
        if wrong == "only the winner" and score < 1:
            ratings[a] -= gain
            ratings[b] -= gain * (score == 0)
        if wrong == "both gain":
            ratings[b] += 2 * gain
    return ratings - 1000 if wrong == "without 1000" else ratings


def _score(result: int, wrong: str) -> float | None:
    ways: dict[str, tuple[float | None, ...]] = {
        "tie loses": (1.0, 0.0, 0.0),
        "tie wins": (1.0, 0.0, 1.0),
        "tie is skipped": (1.0, 0.0, None),
        "codes": (0.0, 1.0, 0.5),
        "outcome as a number": (0.0, 1.0, 2.0),
        "half": (1.0, -1.0, 0.0),
    }
    return ways.get(wrong, (1.0, 0.0, 0.5))[result]


def _expected(own: float, other: float, wrong: str) -> float:
    ahead = own - other
    powers = {
        "e": np.exp(-ahead / 400),
        "upside down": 10 ** (ahead / 400),
        "not divided": 10.0 ** np.clip(-ahead, -300, 300),
        "200": 10 ** (-ahead / 200),
        "100": 10 ** (-ahead / 100),
    }
    if wrong == "share of ratings":
        return own / (own + other)
    return float(1 / (1 + powers.get(wrong, 10 ** (-ahead / 400))))


EXERCISE = Exercise(
    number="4.5",
    title="Elo",
    points=2,
    minutes=10,
    solution=scores.elo,
    cases=_cases,
    axes=("list",),
    atol=1e-4,
    mistakes=(
        Mistake(
            "a tie is a lost game",
            partial(_elo, wrong="tie loses"),
            "That is what comes out when a tie counts as 0 for the list that was shown first. It is half a win for "
            "both. Look at: outcome 2.",
        ),
        Mistake(
            "a tie is a won game",
            partial(_elo, wrong="tie wins"),
            "That is what comes out when a tie counts as a win of the list that was shown first. It is half a win for "
            "both. Look at: outcome 2.",
        ),
        Mistake(
            "a tie is skipped",
            partial(_elo, wrong="tie is skipped"),
            "That is what comes out when a tie changes nothing. A tie with a stronger list is a success. "
            "Look at: outcome 2.",
        ),
        Mistake(
            "0 taken for a loss",
            partial(_elo, wrong="codes"),
            "That is what comes out when outcome 0 is a loss of the first list and 1 its win. Here 0 means that the "
            "first was preferred. Look at: the docstring.",
            also=(partial(_elo, wrong="outcome as a number"),),
        ),
        Mistake(
            "wins from −1 to 1",
            partial(_elo, wrong="half"),
            "That is what comes out when a loss counts −1 and a tie 0, while the expectation runs from 0 to 1. "
            "Look at: what is subtracted from what.",
        ),
        Mistake(
            "all comparisons at once",
            partial(_elo, wrong="all at once"),
            "That is what comes out when every expectation is taken from the ratings at the beginning, or is always a "
            "half. Each comparison starts from what the one before left. Look at: which ratings the loop reads.",
        ),
        Mistake(
            "from the last to the first",
            partial(_elo, wrong="backwards"),
            "That is what comes out when the comparisons are taken from the end. Elo depends on their order. "
            "Look at: the direction of the loop.",
        ),
        Mistake(
            "e in the place of 10",
            partial(_elo, wrong="e"),
            "That is what comes out with e to the power of the difference over 400. Elo counts in tens. "
            "Look at: the base.",
        ),
        Mistake(
            "another scale than 400",
            partial(_elo, wrong="200"),
            "That is what comes out when 400 points are not what makes ten times. Look at: what the difference is "
            "divided by.",
            also=(partial(_elo, wrong="100"), partial(_elo, wrong="not divided")),
        ),
        Mistake(
            "the expectation of the other list",
            partial(_elo, wrong="upside down"),
            "That is what comes out when the expectation is that of the other list: the one that is ahead then gains "
            "more by winning. Look at: the sign of the exponent.",
        ),
        Mistake(
            "nothing is expected",
            partial(_elo, wrong="no expectation"),
            "That is what comes out when k is won or lost whatever was expected. Beating a strong list should bring "
            "more. Look at: where the two ratings enter.",
        ),
        Mistake(
            "the expectation as a share of the ratings",
            partial(_elo, wrong="share of ratings"),
            "That is what comes out when the expectation is one rating over the sum of both. Strengths are "
            "10^(rating / 400). Look at: the formula of the expectation.",
        ),
        Mistake(
            "only one of the two changes",
            partial(_elo, wrong="only the first"),
            "That is what comes out when only one of the two lists changes. What one gains the other loses. "
            "Look at: the sum of all ratings.",
            also=(partial(_elo, wrong="only the second"), partial(_elo, wrong="only the winner")),
        ),
        Mistake(
            "both gain",
            partial(_elo, wrong="both gain"),
            "That is what comes out when both lists change in the same direction. What one gains the other loses. "
            "Look at: the sign of the second change.",
        ),
        Mistake(
            "the second list sees the new rating of the first",
            partial(_elo, wrong="second sees the first"),
            "That is what comes out when the first rating is changed before the second one's expectation is "
            "computed. Look at: the order of your lines.",
        ),
        Mistake(
            "another beginning",
            partial(_elo, wrong="from 1500"),
            "That is what comes out when the ratings begin at another number than 1000. Look at: the docstring.",
            also=(partial(_elo, wrong="from 0"), partial(_elo, wrong="without 1000")),
        ),
        Mistake(
            "another default",
            partial(_elo, wrong="default k"),
            "That is what comes out when k is another number unless told otherwise. Look at: the line with `def`.",
        ),
    ),
    hints=(
        "Go through the comparisons in their order. What was expected of the first list is a number between 0 and 1: "
        "1 / (1 + 10 to the power of (its opponent's rating less its own) / 400).",
        "What happened is 1, 0 or ½. The surprise, times k, is added to the first list and taken from the second, both "
        "computed before either changes.",
    ),
)
