"""The side view: a small reward model, refitted on a student's answers so far, and how sure it is.

A list's score is linear in its words, with a Gaussian prior on the weights, so that scores are a Gaussian process over
the lists. Rankings and comparisons enter by the Plackett–Luce likelihood (Bradley–Terry for two), ratings by a Gaussian
one; the posterior is Laplace's approximation at its mode (Rasmussen & Williams 2006, section 3.4; Chu & Ghahramani
2005).
It reads text only. What it leaves out: word order, prompts, and everything the real reward model learns elsewhere.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from topfive.ledger import Event, answers
from topfive.ledger.convert import as_rankings, is_rating, shared_places
from topfive.ledger.table import label

PRIOR = 2.0  # standard deviation of the scores before any answer
RATING_NOISE = 1.0  # standard deviation of a rating, in points
NEWEST = 60  # answers that are fitted; more would be felt as a pause
EIGHTY_PERCENT = 1.2816  # half-width of an 80 % interval, in standard deviations
STEPS = 30  # of Newton's method, at most

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Answers:
    """What there is to fit: texts (n,), orders (best first, groups of indices), and (index, rating) pairs."""

    texts: tuple[str, ...]
    orders: tuple[tuple[tuple[int, ...], ...], ...]
    ratings: tuple[tuple[int, float], ...]


def opinion(events: Sequence[Event], judged: Event) -> dict[str, Any] | None:
    """The side view's message after the answer `judged`: scores of its lists with 80 % intervals, best first.

    None if there is nothing to say yet, as before the first judgement of lists.
    """
    known = [event for event in answers(events) if _usable(event)][-NEWEST:]
    if not known or not isinstance(judged.get("texts"), list):
        return None
    given = collect(known)
    mean, covariance = _centred(*fit(given, judged["texts"]))
    half = EIGHTY_PERCENT * np.sqrt(np.maximum(np.diag(covariance), 0))
    rows = [
        {"label": label(judged["texts"][i]), **_interval(float(mean[i]), float(half[i]))} for i in np.argsort(-mean)
    ]
    return {"task": judged.get("task"), "rows": rows, "n": len(known)}


def _interval(mean: float, half: float) -> dict[str, float]:
    return {"mean": mean, "low": mean - half, "high": mean + half}


def _centred(mean: Array, covariance: Array) -> tuple[Array, Array]:
    """The same for each score less the average of all: an ordering says nothing about the level of a single list."""
    if len(mean) == 1:
        return mean, covariance
    centre = np.eye(len(mean)) - 1 / len(mean)
    return centre @ mean, centre @ covariance @ centre


def _usable(event: Event) -> bool:
    if event.get("type") == "rate":
        return is_rating(event)
    known = as_rankings(event) if event.get("type") in ("rank", "compare", "blind") else []
    return isinstance(known, list) and bool(known)


def collect(events: Sequence[Event]) -> Answers:
    """Put answers that can be used into numbers; a text that comes twice is one list."""
    index: dict[str, int] = {}
    orders, ratings = [], []
    for event in events:
        places = [index.setdefault(text, len(index)) for text in event["texts"]]
        if event["type"] == "rate":
            ratings.append((places[0], float(event["rating"])))
        else:
            ranks = shared_places(event) or event["ranks"]  # below, those of one place are not compared
            orders.append(
                tuple(
                    tuple(place for place, rank in zip(places, ranks, strict=True) if rank == value)
                    for value in sorted(set(ranks))
                )
            )
    return Answers(tuple(index), tuple(orders), tuple(ratings))


def fit(given: Answers, asked: Sequence[str]) -> tuple[Array, Array]:
    """Posterior mean (k,) and covariance (k, k) of the scores of the k texts `asked`."""
    with threadpool_limits(1, user_api="blas"):  # on busy cores, many threads make small matrices slower
        return _fit(given, asked)


def _fit(given: Answers, asked: Sequence[str]) -> tuple[Array, Array]:
    n = len(given.texts)
    features = _words([*given.texts, *asked])
    kernel = PRIOR**2 * features @ features.T
    prior, across = kernel[:n, :n], kernel[n:, :n]
    scores: Array = np.zeros(n)
    for _ in range(STEPS):
        gradient, curvature = _likelihood(given, scores)
        # Newton's step without the inverse of the prior: (I + K W) f = K (W f + g)
        step = np.linalg.solve(np.eye(n) + prior @ curvature, prior @ (curvature @ scores + gradient)) - scores
        scores = scores + step
        if np.abs(step).max() < 1e-3:
            break
    gradient, curvature = _likelihood(given, scores)
    known = curvature @ np.linalg.solve(np.eye(n) + prior @ curvature, across.T)
    return across @ gradient, kernel[n:, n:] - across @ known  # at the mode, f = K g


def _words(texts: Sequence[str]) -> Array:
    """Which words stand in which text, rare ones heavier; words of a single text are left out.

    Returns (len(texts), words + 1) with rows of length 1; the last column keeps a row without words from being empty.
    """
    bags = [set(re.findall(r"[a-zà-ÿ]+", text.lower())) for text in texts]
    found = Counter(word for bag in bags for word in bag)
    column = {word: i for i, word in enumerate(word for word, times in found.items() if times > 1)}
    counts = np.zeros((len(texts), len(column) + 1))
    counts[:, -1] = 0.1
    for row, bag in enumerate(bags):
        for word in bag & column.keys():
            counts[row, column[word]] = np.log(1 + len(texts) / found[word])
    return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def _likelihood(given: Answers, scores: Array) -> tuple[Array, Array]:
    """Gradient (n,) and negative Hessian (n, n) of the log-likelihood at `scores`."""
    n = len(scores)
    gradient, hessian = np.zeros(n), np.zeros((n, n))
    for order in given.orders:
        for stage, winners in enumerate(order[:-1]):
            _plackett_luce_stage(gradient, hessian, scores, winners, [i for group in order[stage + 1 :] for i in group])
    if given.ratings:
        middle = float(np.mean([rating for _, rating in given.ratings]))
        for index, rating in given.ratings:
            gradient[index] += (rating - middle - scores[index]) / RATING_NOISE**2
            hessian[index, index] += 1 / RATING_NOISE**2
    return gradient, hessian


def _plackett_luce_stage(
    gradient: Array, hessian: Array, scores: Array, winners: Sequence[int], losers: Sequence[int]
) -> None:
    """Add one stage: each of the tied winners is chosen over all who come later, and not compared with each other."""
    for winner in winners:
        members = np.array([winner, *losers])
        chance = np.exp(scores[members] - scores[members].max())
        chance /= chance.sum()
        np.subtract.at(gradient, members, chance)
        gradient[winner] += 1
        hessian[np.ix_(members, members)] += np.diag(chance) - np.outer(chance, chance)
