"""Exercise 4.7: strengths from orders, one step of Hunter's algorithm."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import scores
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(lists: int, number: int, lengths: tuple[int, int]) -> tuple[Array, list[list[int]]]:
        orders = [rng.permutation(lists)[: rng.integers(*lengths)].tolist() for _ in range(number)]
        return rng.uniform(0.2, 3, lists), orders

    pairs = rng.uniform(0.2, 3, 4), [[0, 1], [1, 0], [0, 2], [2, 3], [3, 1], [1, 2]]
    unseen = rng.uniform(0.2, 3, 5), [[0, 2, 3], [3, 0], [2, 3, 0]]
    return [
        Case("two orders of three", (np.array([1.0, 2.0, 4.0]), [[0, 1, 2], [2, 0, 1]]), look_at="list 0 by hand."),
        Case("pairs only", pairs, look_at="a pair is one choice."),
        Case("a list that is in no order", unseen, look_at="0 divided by 0."),
        *(Case("orders of any length", drawn(6, n, (2, 7)), look_at="who is still there.") for n in (5, 9)),
    ]


def _step(strengths: Array, orders: Any, *, wrong: str = "") -> Array:
    """Choice by choice, with one thing wrong."""
    n = len(strengths)
    chosen, exposure = np.zeros(n), np.zeros(n)
    for given in orders:
        order = list(given)[::-1] if wrong == "worst first" else list(given)
        last = len(order) if wrong == "last is chosen" else len(order) - 1
        stages = range(min(1, last)) if wrong == "first choice only" else range(last)
        for stage in stages:
            there = order[stage:]
            total = strengths[there].sum()
            if wrong == "all are there":
                total = strengths[order].sum()
            if wrong == "all lists are there":
                total = strengths.sum()
            if wrong == "without the chosen":
                total = strengths[there[1:]].sum()
            exposed = there[:1] if wrong == "only the chosen is exposed" else there
            exposed = order if wrong == "chosen ones stay exposed" else exposed
            exposed = there[1:] if wrong == "only losers are exposed" else exposed
            chosen[there[0]] += 1
            exposure[exposed] += total if wrong == "sums instead of their inverses" else 1 / total
            if wrong == "counts of choices":
                exposure[exposed] += 1 - 1 / total
    seen = exposure > 0
    safe = np.where(seen, exposure, 1)
    updated = np.where(seen, chosen / safe, 0 * strengths if wrong == "unseen is 0" else strengths)
    if wrong == "unseen is 1":
        updated = np.where(seen, chosen / safe, 1.0)
    if wrong == "times the old":
        updated = np.where(seen, strengths * chosen / safe, strengths)
    if wrong == "nan":
        with np.errstate(invalid="ignore", divide="ignore"):
            updated = chosen / exposure
    if wrong == "exposure over chosen":
        updated = np.where(chosen > 0, exposure / np.where(chosen > 0, chosen, 1), strengths)
    ways = {
        "not scaled": updated,
        "sum 1": updated / updated.sum(),
        "largest 1": updated / updated.max(),
        "first 1": updated / max(updated[0], 1e-9),
        "geometric": updated / np.exp(np.log(np.maximum(updated, 1e-9)).mean()),
        "logs": np.log(np.maximum(updated / updated.mean(), 1e-9)),
    }
    return ways.get(wrong, updated / updated.mean())


EXERCISE = Exercise(
    number="4.7",
    title="Strengths from orders",
    points=3,
    minutes=15,
    solution=scores.plackett_luce_step,
    cases=_cases,
    axes=("list",),
    mistakes=(
        Mistake(
            "the last is chosen, too",
            partial(_step, wrong="last is chosen"),
            "That is what comes out when the last list of an order counts as chosen. It was what was left. "
            "Look at: how many choices an order of three holds.",
        ),
        Mistake(
            "worst first",
            partial(_step, wrong="worst first"),
            "That is what comes out when an order is read from its end. The best stands first. "
            "Look at: which list is chosen from all.",
        ),
        Mistake(
            "only the first choice",
            partial(_step, wrong="first choice only"),
            "That is what comes out when only the best list of each order was chosen. The second was chosen from the "
            "rest. Look at: the loop over an order.",
        ),
        Mistake(
            "chosen lists stay",
            partial(_step, wrong="all are there"),
            "That is what comes out when every choice is made among all lists of the order. Those chosen before are "
            "gone. Look at: what the strengths are added up over.",
        ),
        Mistake(
            "lists of other orders are there",
            partial(_step, wrong="all lists are there"),
            "That is what comes out when every choice is made among all lists there are. Look at: what the strengths "
            "are added up over.",
        ),
        Mistake(
            "chosen lists stay exposed",
            partial(_step, wrong="chosen ones stay exposed"),
            "That is what comes out when a list that was chosen before is exposed to the later choices as well. "
            "Look at: whose exposure grows.",
        ),
        Mistake(
            "the chosen one is not added up",
            partial(_step, wrong="without the chosen"),
            "That is what comes out when the chosen list's strength is missing in the sum. It was there to be "
            "chosen. Look at: what the strengths are added up over.",
        ),
        Mistake(
            "only the chosen one is exposed",
            partial(_step, wrong="only the chosen is exposed"),
            "That is what comes out when only the list that was chosen was exposed. Those that were not chosen were "
            "there, too, and that is what makes them weaker. Look at: whose exposure grows.",
        ),
        Mistake(
            "the chosen one is not exposed",
            partial(_step, wrong="only losers are exposed"),
            "That is what comes out when the chosen list is not exposed to its own choice. Look at: whose exposure "
            "grows.",
        ),
        Mistake(
            "sums instead of their inverses",
            partial(_step, wrong="sums instead of their inverses"),
            "That is what comes out when the sums of strengths are added up, instead of 1 over each. Look at: the "
            "denominator of the formula.",
        ),
        Mistake(
            "choices are counted",
            partial(_step, wrong="counts of choices"),
            "That is what comes out when the exposure is the number of choices: a share of wins, whoever else was "
            "there. Look at: 1 / (the strengths that were there).",
        ),
        Mistake(
            "times the old strength",
            partial(_step, wrong="times the old"),
            "That is what comes out when the new strength is multiplied by the old one. The old ones are in the sums "
            "already. Look at: the formula.",
        ),
        Mistake(
            "upside down",
            partial(_step, wrong="exposure over chosen"),
            "That is what comes out when the exposure is divided by the choices. Look at: which of the two is above.",
        ),
        Mistake(
            "a list without exposure is nothing",
            partial(_step, wrong="unseen is 0"),
            "That is what comes out when a list that is in no order gets another strength: nobody said anything "
            "about it, so it keeps its own. Look at: an exposure of 0.",
            also=(partial(_step, wrong="unseen is 1"),),
        ),
        Mistake(
            "0 by 0",
            partial(_step, wrong="nan"),
            "That is what comes out when a list that is in no order is 0 divided by 0. Look at: an exposure of 0.",
        ),
        Mistake(
            "not scaled",
            partial(_step, wrong="not scaled"),
            "That is what comes out without the last step. Only ratios of strengths mean something, so they are "
            "scaled. Look at: the mean of what you return.",
        ),
        Mistake(
            "scaled to something else",
            partial(_step, wrong="sum 1"),
            "That is what comes out when the sum, or the largest, or the first of the strengths is 1. Here their mean "
            "is. Look at: your last line.",
            also=(
                partial(_step, wrong="largest 1"),
                partial(_step, wrong="first 1"),
                partial(_step, wrong="geometric"),
            ),
        ),
        Mistake(
            "logarithms",
            partial(_step, wrong="logs"),
            "That is what comes out when the logarithm is taken: scores. Strengths are above 0. "
            "Look at: your last line.",
        ),
    ),
    hints=(
        "Two sums for each list: how often it was chosen, and its exposure. Go through the orders, and in each through "
        "its choices: the first list is chosen from all, the second from all but the first, and so on.",
        "In a choice among `there = order[stage:]`, the list there[0] is chosen once more, and the exposure of "
        "everybody in `there` grows by 1 / strengths[there].sum(). An order of n lists holds n − 1 choices.",
        "Then divide the one by the other, keep the old strength where the exposure is 0, and divide by the mean.",
    ),
)
