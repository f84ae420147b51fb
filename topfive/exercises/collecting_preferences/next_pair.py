"""Exercise 4.9: which pair to ask next."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import scores
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(n: int, spread: float = 1.5, share: float = 0.0) -> tuple[Array, Array, Array]:
        root = rng.normal(size=(n, n + 1)) * rng.uniform(0.2, 1.2, n)[:, None]
        closed = np.triu(rng.random((n, n)) < share, k=1)
        return rng.normal(scale=spread, size=n), root @ root.T / n, closed | closed.T

    toy = np.array([1.0, 0.5, -2.0]), np.array([[0.5, 0.4, 0.0], [0.4, 0.5, 0.0], [0.0, 0.0, 0.9]])
    none = np.zeros((3, 3), dtype=bool)
    close = [(np.round(rng.normal(scale=0.01, size=6), 3), *drawn(6)[1:]) for _ in range(4)]
    return [
        Case("three lists", (*toy, none), look_at="the three pairs by hand: p, and the variance of a difference."),
        *(
            Case("all about as good", args, look_at="the variance of a difference, with its covariance.")
            for args in close
        ),
        *(
            Case("good ones and bad ones", drawn(6, 3.0), look_at="p (1 − p), where p is near 0 or 1.")
            for _ in range(5)
        ),
        *(Case("some were asked", drawn(6, 1.5, 0.6), look_at="which pairs are open.") for _ in range(5)),
    ]


def _pair(mean: Array, covariance: Array, closed: Array, *, wrong: str = "") -> Any:
    n = len(mean)
    worth = {
        (i, j): _worth(mean, covariance, i, j, wrong)
        for i in range(n)
        for j in range(i + 1, n)
        if wrong == "asked again" or bool(closed[i, j]) == (wrong == "only asked ones")
    }
    if not worth:
        return (0, 1)
    best = (min if wrong == "smallest" else max)(worth, key=worth.__getitem__)
    if wrong == "the two widest":
        i, j = sorted(np.argsort(-np.diag(covariance), kind="stable")[:2].tolist())
        return (i, j)
    if wrong == "the two best":
        i, j = sorted(np.argsort(-mean, kind="stable")[:2].tolist())
        return (i, j)
    ways = {
        "turned": best[::-1],
        "by score": tuple(sorted(best, key=lambda index: -mean[index])),
        "from 1": (best[0] + 1, best[1] + 1),
        "one number": best[0] * n + best[1],
    }
    return ways.get(wrong, best)


def _worth(mean: Array, covariance: Array, i: int, j: int, wrong: str) -> float:
    ahead = mean[i] - mean[j]
    p = 1 / (1 + np.exp(-ahead))
    own = covariance[i, i] + covariance[j, j]
    variance = own - 2 * covariance[i, j]
    ways = {
        "variance alone": variance,
        "close alone": p * (1 - p),
        "no covariance": p * (1 - p) * own,
        "covariance added": p * (1 - p) * (own + 2 * covariance[i, j]),
        "covariance once": p * (1 - p) * (own - covariance[i, j]),
        "covariance alone": p * (1 - p) * covariance[i, j],
        "p alone": p * variance,
        "far apart": abs(ahead) * variance,
        "close and certain": p * (1 - p) / variance,
        "one of the two": p * (1 - p) * covariance[i, i],
        "product": p * (1 - p) * covariance[i, i] * covariance[j, j],
        "sum": p * (1 - p) + variance,
    }
    return float(ways.get(wrong, p * (1 - p) * variance))


EXERCISE = Exercise(
    number="4.9",
    title="Which pair to ask next",
    points=2,
    minutes=10,
    solution=scores.next_pair,
    cases=_cases,
    mistakes=(
        Mistake(
            "the least certain pair",
            partial(_pair, wrong="variance alone"),
            "That is what comes out when only the variance counts. If one list is far better, the answer is known "
            "before it is given, however uncertain the distance. Look at: p (1 − p).",
        ),
        Mistake(
            "the closest pair",
            partial(_pair, wrong="close alone"),
            "That is what comes out when only p near ½ counts. Two lists that are known to be equal are close, and "
            "asking about them teaches nothing. Look at: the variance.",
            "uncertainty sampling, Lewis & Gale 1994",
        ),
        Mistake(
            "without the covariance",
            partial(_pair, wrong="no covariance"),
            "That is what comes out when the two variances are added and no more. Scores that were learned from each "
            "other go up and down together. Look at: the variance of a difference.",
        ),
        Mistake(
            "the variance of the sum",
            partial(_pair, wrong="covariance added"),
            "That is what comes out when the covariance is added. Look at: the variance of a *difference*.",
        ),
        Mistake(
            "the covariance once",
            partial(_pair, wrong="covariance once"),
            "That is what comes out when the covariance is taken off once. Look at: (x − y)², multiplied out.",
        ),
        Mistake(
            "the covariance alone",
            partial(_pair, wrong="covariance alone"),
            "That is what comes out when the entry (i, j) of the matrix is taken for the variance of the difference. "
            "Look at: the three entries that it is made of.",
        ),
        Mistake(
            "one list's variance",
            partial(_pair, wrong="one of the two"),
            "That is what comes out when only the first list's variance counts. Look at: both.",
            also=(partial(_pair, wrong="product"),),
        ),
        Mistake(
            "added instead of multiplied",
            partial(_pair, wrong="sum"),
            "That is what comes out when p (1 − p) and the variance are added. Look at: what an answer is worth if "
            "one of the two is 0.",
        ),
        Mistake(
            "p alone",
            partial(_pair, wrong="p alone"),
            "That is what comes out when p stands where p (1 − p) belongs: it is largest where the answer is known. "
            "Look at: p near 1.",
        ),
        Mistake(
            "far apart",
            partial(_pair, wrong="far apart"),
            "That is what comes out when pairs far apart are asked. Their answers are known before they are given. "
            "Look at: p (1 − p).",
        ),
        Mistake(
            "divided by the variance",
            partial(_pair, wrong="close and certain"),
            "That is what comes out when p (1 − p) is divided by the variance: the pair that is known best. "
            "Look at: × and /.",
        ),
        Mistake(
            "the least worth",
            partial(_pair, wrong="smallest"),
            "That is what comes out when the smallest is taken. Look at: argmin and argmax.",
        ),
        Mistake(
            "asked again",
            partial(_pair, wrong="asked again"),
            "That is what comes out when `closed` is not looked at. Look at: the pairs that are not to be asked.",
        ),
        Mistake(
            "only what was asked",
            partial(_pair, wrong="only asked ones"),
            "That is what comes out when only closed pairs are looked at. Look at: `closed` and `~closed`.",
        ),
        Mistake(
            "the two that are known least",
            partial(_pair, wrong="the two widest"),
            "That is what comes out when the two lists with the largest variances are taken, whatever lies between "
            "them. Look at: pairs, not lists.",
        ),
        Mistake(
            "the two best",
            partial(_pair, wrong="the two best"),
            "That is what comes out when the two lists with the highest scores are taken. That is the next match of a "
            "tournament. Look at: what an answer would teach.",
        ),
        Mistake(
            "the larger number first",
            partial(_pair, wrong="turned"),
            "That is what comes out when the larger of the two numbers stands first. Look at: i < j.",
        ),
        Mistake(
            "sorted by score",
            partial(_pair, wrong="by score"),
            "That is what comes out when the better list stands first. Look at: i < j.",
        ),
        Mistake(
            "lists counted from 1",
            partial(_pair, wrong="from 1"),
            "That is what comes out when the first list is number 1. Look at: what `mean[0]` is.",
        ),
        Mistake(
            "one number for a pair",
            partial(_pair, wrong="one number"),
            "That is what comes out when argmax counts through the whole square. Look at: np.unravel_index.",
        ),
    ),
    hints=(
        "For every two lists: the difference of the means gives p, and covariance[i, i] + covariance[j, j] − "
        "2 covariance[i, j] is the variance of the difference. Multiply p (1 − p) by it.",
        "Go through i < j, leave out what is closed, and keep the best so far; `>` and not `≥`, so that the first of "
        "equals stays.",
    ),
)
