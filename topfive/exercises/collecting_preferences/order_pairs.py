"""Exercise 4.1: an order as pairs."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import formats
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    order = rng.permutation(5) + 1
    tied = rng.permutation([1, 2, 2, 4, 4, 6])
    missing = rng.permutation([0, 1, 2, 3, 0, 4])
    many = [np.where(rng.random(9) < 0.2, 0, rng.integers(1, 6, size=9)) for _ in range(3)]
    return [
        Case("best and worst of four", (np.array([2, 1, 2, 4]),), look_at="each list: which others does it beat?"),
        Case("an order of five", (order,), look_at="how many pairs five lists make."),
        Case("ties", (tied,), look_at="two lists on one place."),
        Case("lists that were not judged", (missing,), look_at="what place 0 beats, and what beats it."),
        *(Case("nine lists, some tied, some not judged", (ranks,), look_at="ties, and place 0.") for ranks in many),
    ]


def _pairs(ranks: Array, *, wrong: str = "") -> Array:
    """Every two lists in a loop, with one thing wrong."""
    if wrong == "an order":
        ranks = _as_order(ranks)
    found = [(i, j) for i in range(len(ranks)) for j in range(len(ranks)) if _beats(ranks, i, j, wrong)]
    pairs = np.array(found, dtype=np.int64).reshape(-1, 2)
    ways = {
        "loser first": lambda: pairs[:, ::-1],
        "sorted by loser": lambda: pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))],
        "from 1": lambda: pairs + 1,
        "places": lambda: ranks[pairs],
        "turned": lambda: pairs.T,
        "by place": lambda: pairs[np.lexsort((ranks[pairs[:, 1]], ranks[pairs[:, 0]]))],
    }
    return ways.get(wrong, lambda: pairs)()


def _as_order(ranks: Array) -> Array:
    """The numbers read as an order of lists, best first, turned into places."""
    places = np.zeros_like(ranks)
    for place, number in enumerate(ranks, start=1):
        places[(number - 1) % len(ranks)] = place
    return places


def _beats(ranks: Array, i: int, j: int, wrong: str) -> bool:
    one, other = int(ranks[i]), int(ranks[j])
    judged = one > 0 and other > 0
    below = sorted({rank for rank in ranks.tolist() if rank > one})
    ways = {
        "upside down": judged and one > other,
        "0 is best": one < other,
        "0 is worst": one > 0 and (other == 0 or one < other),
        "ties both ways": judged and i != j and one <= other,
        "ties once": judged and (one < other or (one == other and i < j)),
        "neighbours": judged and bool(below) and other == below[0],
        "best only": judged and one == min(rank for rank in ranks.tolist() if rank) and one < other,
        "earlier only": judged and one < other and i < j,
        "itself": judged and one <= other,
        "consecutive places": judged and other == one + 1,
        "against the worst": judged and one < other == int(max(ranks)),
    }
    return ways.get(wrong, judged and one < other)


EXERCISE = Exercise(
    number="4.1",
    title="An order as pairs",
    points=2,
    minutes=8,
    solution=formats.order_pairs,
    cases=_cases,
    axes=("pair", "column"),
    mistakes=(
        Mistake(
            "places upside down",
            partial(_pairs, wrong="upside down"),
            "That is what comes out when the larger place is preferred. Place 1 is the best. Look at: < and >.",
            also=(partial(_pairs, wrong="loser first"),),
        ),
        Mistake(
            "place 0 is the best of all",
            partial(_pairs, wrong="0 is best"),
            "That is what comes out when a list that was not judged beats all others, since 0 is less than 1. "
            "Look at: who may be in a pair at all.",
        ),
        Mistake(
            "place 0 is the worst of all",
            partial(_pairs, wrong="0 is worst"),
            "That is what comes out when a list that was not judged loses to all others. Nobody said anything about "
            "it. Look at: both lists of a pair.",
        ),
        Mistake(
            "ties count in both directions",
            partial(_pairs, wrong="ties both ways"),
            "That is what comes out when two lists on one place beat each other. A tie prefers nothing. "
            "Look at: < and ≤.",
            also=(partial(_pairs, wrong="itself"),),
        ),
        Mistake(
            "of two tied lists the first wins",
            partial(_pairs, wrong="ties once"),
            "That is what comes out when a tie is decided by where the lists stand in the array. A tie prefers "
            "nothing. Look at: what sorting does with equal places.",
        ),
        Mistake(
            "only neighbours",
            partial(_pairs, wrong="neighbours"),
            "That is what comes out when each place is compared with the next one alone. Who is first is also "
            "preferred to who is last. Look at: how many pairs three lists make.",
        ),
        Mistake(
            "only places that follow each other as numbers",
            partial(_pairs, wrong="consecutive places"),
            "That is what comes out when a pair needs places that differ by exactly 1. Look at: places 1, 2, 2, 4.",
        ),
        Mistake(
            "only the best against the others",
            partial(_pairs, wrong="best only"),
            "That is what comes out when only the best list wins pairs, as in best of n. Look at: the second best "
            "and the third.",
        ),
        Mistake(
            "only the others against the worst",
            partial(_pairs, wrong="against the worst"),
            "That is what comes out when only the worst list loses pairs. Look at: the best and the second best.",
        ),
        Mistake(
            "only where the preferred list stands earlier",
            partial(_pairs, wrong="earlier only"),
            "That is what comes out when i < j is taken for granted: a later list can be the better one. "
            "Look at: both directions of a pair.",
        ),
        Mistake(
            "sorted by the list that lost",
            partial(_pairs, wrong="sorted by loser"),
            "That is what comes out when the rows are sorted by their second column. Look at: the docstring; or the "
            "order of the two loops.",
        ),
        Mistake(
            "sorted by place",
            partial(_pairs, wrong="by place"),
            "That is what comes out when the rows run from the best list to the worst. They are to be sorted by the "
            "lists' numbers. Look at: the docstring.",
        ),
        Mistake(
            "lists counted from 1",
            partial(_pairs, wrong="from 1"),
            "That is what comes out when the first list is number 1. Look at: what `ranks[0]` is the place of.",
        ),
        Mistake(
            "places instead of lists",
            partial(_pairs, wrong="places"),
            "That is what comes out when a row holds the two places. It should say which lists they are. "
            "Look at: the index and what stands there.",
        ),
        Mistake(
            "turned on its side",
            partial(_pairs, wrong="turned"),
            "That is what comes out when winners are one row and losers the other. Look at: the shape, (pairs, 2).",
        ),
        Mistake(
            "places read as an order",
            partial(_pairs, wrong="an order"),
            "That is what comes out when the numbers are taken for lists, best first. `ranks[i]` is the place of "
            "list i. Look at: what argsort does to it.",
            "rankings come in both forms; choix takes orders, scipy.stats.rankdata gives places",
        ),
    ),
    hints=(
        "Compare every list with every other one: list i is preferred to list j if its place is the smaller number, "
        "and if both have a place.",
        "`ranks[:, None] < ranks[None, :]` is a square of truths, a row for each i. `np.argwhere` gives the places "
        "of what is true, row by row, which is the order asked for.",
    ),
)
