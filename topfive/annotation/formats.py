"""Four ways to ask for a preference, and what comes out: pairs, bits a second, consistency, and a bias told apart.

Ratings, comparisons, rankings and best–worst choices of the same lists become pairs, so that they can be compared.
What this leaves out: scores of lists (`scores`), and agreement between labellers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from topfive.stats import Estimate, wilson

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Reading = Literal["biased", "inconsistent", "too few"]

# How many different answers a task has: a rating, a comparison without ties, an order of four, best and worst of four.
OPTIONS = {"rate": 5, "compare": 2, "rank": 24, "best and worst": 12}


def order_pairs(ranks: Integers) -> Integers:
    """The pairs that an order tells apart.

    ranks: (lists,) places, 1 the best; equal places tie; 0 where a list was not judged. Returns (pairs, 2) int64, the
    preferred list's number, then the other's; sorted by the first, then by the second.
    """
    judged = ranks > 0
    better = (ranks[:, None] < ranks[None, :]) & judged[:, None] & judged[None, :]
    return np.argwhere(better)


def rating_pairs(ratings: Integers, labellers: Integers, prompts: Integers) -> Integers:
    """The pairs that ratings tell apart: two lists for the same prompt, rated by the same labeller, one higher.

    ratings, labellers, prompts: (n,) whole numbers, one row a rating; 0 is a rating that was skipped.
    Returns (pairs, 2) int64, the row of the higher rating, then of the lower; sorted by the first, then by the second.
    """
    higher = (ratings[:, None] > ratings[None, :]) & (ratings[None, :] > 0)
    together = (labellers[:, None] == labellers[None, :]) & (prompts[:, None] == prompts[None, :])
    return np.argwhere(higher & together)


def bits_per_second(agreement: Floats, options: Integers, seconds: Floats) -> Floats:
    """How much an answer says at most in a second, if what comes between a person and their answer is chance.

    agreement: (n,) share of repeated tasks that got the same answer again. options: (n,) how many answers there are.
    seconds: (n,) a task takes. An answer is what the person holds with probability a, and else one of the others, all
    alike: the same comes twice with probability a² + (1 − a)² / (options − 1), a being the larger root. The answer
    then says at most log₂(options) + a log₂ a + (1 − a) log₂((1 − a) / (options − 1)) bits (Cover & Thomas 2006, 7.2).
    An agreement that chance would give, or less, says 0 bits; 0 · log 0 counts as 0. That is a capacity: it is
    reached if all answers are equally common and nobody remembers the first. Returns (n,) float, bits a second.
    """
    chance = 1 / options
    above = np.sqrt(np.maximum((agreement - chance) * (1 - chance), 0))
    a = np.minimum(chance + above, 1)
    rest = np.maximum(1 - a, 1e-300)
    noise = -a * np.log2(a) - (1 - a) * np.log2(rest / (options - 1))
    return np.asarray((np.log2(options) - noise) / seconds)


def bias_reading(towards: int, away: int, level: float = 0.05) -> Reading:
    """What a number of answers towards one side, and away from it, says.

    Without a bias both are equally likely. "biased": that is refuted at `level`, by the exact two-sided sign test.
    "inconsistent": it is not, though so many answers, all on one side, would refute it. "too few": even then not, or
    there are none.
    """
    answers = towards + away
    if 2 * 0.5**answers >= level:
        return "too few"
    return "biased" if binomtest(towards, answers).pvalue < level else "inconsistent"


def position_reading(once: Integers, again: Integers) -> tuple[int, int, Reading]:
    """One's position bias, from pairs of lists that were shown twice, the second time with the sides changed.

    once, again: (n,) what was preferred at first and later: 0 what stood first, 1 what stood second, 2 neither.
    Who takes the same side both times changed their mind about the lists, and whoever does so for no reason takes
    either side as often. Returns how often it was both times the first, both times the second, and what that says
    (`bias_reading`). Other answers say nothing about position.
    """
    first = int(((once == 0) & (again == 0)).sum())
    second = int(((once == 1) & (again == 1)).sum())
    return first, second, bias_reading(first, second)


# --- repeats, and being sure ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Repeat:
    """A task answered twice. same: whether the answer was. sure: whether one said to be sure, None if one did not say.

    kind: what was asked (rate, compare, rank, best and worst).
    """

    kind: str
    same: bool
    sure: bool | None = None


def consistency(repeats: Sequence[Repeat]) -> dict[str, Estimate]:
    """Share of repeated tasks with the same answer, by kind, with Wilson's interval."""
    kinds = dict.fromkeys(one.kind for one in repeats)
    return {kind: _share([one.same for one in repeats if one.kind == kind]) for kind in kinds}


def as_sure_as_right(repeats: Sequence[Repeat]) -> dict[str, Estimate]:
    """The same for repeats of which one was sure, and for those of which one was not; those unsaid are left out."""
    kinds = {"sure": True, "unsure": False}
    found = {name: [one.same for one in repeats if one.sure is kind] for name, kind in kinds.items()}
    return {name: _share(same) for name, same in found.items() if same}


def _share(same: Sequence[bool]) -> Estimate:
    return wilson(sum(same), len(same))
