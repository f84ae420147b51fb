"""Exercise 5.6: pairs in the right order."""

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import measure


def _pairs_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(ranks: list[list[int]]) -> tuple[Tensor, Tensor]:
        places = torch.tensor(ranks)
        return torch.randn(places.shape, generator=generator), places

    many = (torch.rand(32, 4, generator=generator).argsort(dim=1) + 1).tolist()
    few = torch.randint(3, (8, 4), generator=generator).float()
    few[0], few[1] = torch.tensor([1.0, 1.0, 0.0, 0.0]), torch.tensor([2.0, 0.0, 0.0, 1.0])
    toy = (torch.tensor([[2.0, 5.0, 1.0]]), torch.tensor([[1, 2, 3]]))
    absent = [[0, 3, 1, 2], [0, 0, 2, 1], [0, 2, 1, 3], [3, 0, 1, 2], [0, 1, 0, 2]]
    four = "four lists"
    return [
        Case("three lists, one pair the wrong way round", toy, look_at="the three pairs, one after the other."),
        Case(four, drawn([[3, 1, 4, 2], [2, 4, 1, 3]]), look_at="how many pairs four lists make."),
        Case(four, drawn(many), look_at="how many pairs four lists make."),
        Case("ties of the labeller", drawn([[1, 1, 2, 3], [1, 2, 2, 2], [1, 1, 1, 1]]), look_at="which pairs count."),
        Case("ties of the scores", (few, torch.tensor(many[:8])), look_at="what a coin would get for such a pair."),
        Case(
            "ties of the scores",
            (few[:2], torch.tensor([[1, 1, 1, 2], [2, 1, 1, 2]])),
            look_at="pairs whose scores are equal and that the labeller did not tell apart.",
        ),
        Case("rankings of fewer lists", drawn([[2, 1, 0, 0], [0, 3, 1, 2]]), look_at="what place 0 means."),
        Case("rankings of fewer lists", drawn(absent), look_at="what place 0 means."),
        Case("a ranking of two lists", drawn([[2, 1]]), look_at="the one pair that there is."),
    ]


def _pairs(scores: Tensor, ranks: Tensor, *, wrong: str = "") -> tuple[Tensor, Tensor]:
    """The package's way, with one thing wrong."""
    present = torch.ones_like(ranks, dtype=torch.bool) if wrong == "absentees" else ranks > 0
    mine, other = ranks[:, :, None], ranks[:, None, :]
    better = {
        "upside down": mine > other,
        "ties count": (mine <= other) & ~torch.eye(ranks.shape[1], dtype=torch.bool),
        "neighbours": other == mine + 1,
        "winner": (mine < other) & (mine == 1),
        "twice": mine != other,
        "twice, one side": mine != other,
    }.get(wrong, mine < other)
    better = better & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    if wrong == "twice":
        difference = difference * (other - mine)
    if wrong == "scores upside down":
        difference = -difference
    half = {"tie wrong": 0.0, "tie right": 1.0}.get(wrong, 0.5)
    right = (difference > 0).to(scores.dtype) + half * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)


def _by_columns(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """The columns are taken for the order of the labeller."""
    order = torch.arange(1, ranks.shape[1] + 1).expand_as(ranks) * (ranks > 0)
    return _pairs(scores, order)


def _ties_counted_once(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Every pair of lists counts, whether or not the labeller told them apart."""
    right, _ = _pairs(scores, ranks)
    there = (ranks > 0).sum(dim=1)
    return right, (there * (there - 1) / 2).to(scores.dtype)


def _with_ties(scores: Tensor, ranks: Tensor, *, wrong: str) -> tuple[Tensor, Tensor]:
    """Equal scores and equal places brought together wrongly."""
    right, pairs = _pairs(scores, ranks)
    present = ranks > 0
    upper = torch.ones(ranks.shape[1], ranks.shape[1]).triu(diagonal=1).bool()
    both = present[:, :, None] & present[:, None, :] & upper
    same_score = (scores[:, :, None] == scores[:, None, :]) & upper
    same_place = (ranks[:, :, None] == ranks[:, None, :]) & both
    told = both & ~same_place
    ways = {
        "half a pair for a place": (right + same_place.sum(dim=(1, 2)) / 2, both.sum(dim=(1, 2))),
        "half of all equal scores": (right + (same_score & ~told).sum(dim=(1, 2)) / 2, pairs),
        "left out": (right - (same_score & told).sum(dim=(1, 2)) / 2, pairs - (same_score & told).sum(dim=(1, 2))),
        "whole numbers": (right.floor(), pairs),
    }
    return ways[wrong][0].to(scores.dtype), ways[wrong][1].to(scores.dtype)


def _by_sorting(scores: Tensor, ranks: Tensor, *, once: bool = False) -> tuple[Tensor, Tensor]:
    """Places of one's own by sorting, twice as it should be or once, instead of scores."""
    order = scores.argsort(dim=1, descending=True, stable=True)
    return _pairs(-(order if once else order.argsort(dim=1)).to(scores.dtype), ranks)


def _as_they_stand(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Only pairs whose better list stands further left."""
    better = ((ranks[:, :, None] < ranks[:, None, :]) & (ranks[:, :, None] > 0)).triu(diagonal=1)
    difference = scores[:, :, None] - scores[:, None, :]
    right = ((difference > 0) + 0.5 * (difference == 0)) * better
    return right.sum(dim=(1, 2)).to(scores.dtype), better.sum(dim=(1, 2)).to(scores.dtype)


def _by_order(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """The places are read as an order of the lists: [3, 1, 2] as "first the third"."""
    order = (ranks - 1).clamp(min=0)
    return _pairs(scores.gather(1, order), torch.where(ranks > 0, torch.arange(1, ranks.shape[1] + 1), 0))


def _to_the_front(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """The places of the lists that are there, with the scores from the front."""
    moved = (ranks == 0).long().argsort(dim=1, stable=True)
    return _pairs(scores, ranks.gather(1, moved))


def _same_place(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Not pairs, but lists whose own place is the labeller's."""
    own = torch.where(ranks > 0, scores, -torch.inf).argsort(dim=1, descending=True).argsort(dim=1) + 1
    return ((own == ranks) & (ranks > 0)).sum(dim=1).to(scores.dtype), (ranks > 0).sum(dim=1).to(scores.dtype)


def _change(change: Callable[[Tensor, Tensor], Any]) -> Function:
    return lambda scores, ranks: change(*_pairs(scores, ranks))


EXERCISE = Exercise(
    number="5.6",
    title="Pairs in the right order",
    points=3,
    minutes=10,
    solution=measure.pairs_right,
    cases=_pairs_cases,
    axes=("ranking",),
    mistakes=(
        Mistake(
            "ties of the labeller count",
            partial(_pairs, wrong="ties count"),
            "That is what comes out when lists on the same place are compared as well. The labeller did not say which "
            "is better, so nobody can be right about them. Look at: < or ≤ between places.",
            also=(_ties_counted_once, partial(_with_ties, wrong="half a pair for a place")),
        ),
        Mistake(
            "halves for pairs that nobody told apart",
            partial(_with_ties, wrong="half of all equal scores"),
            "That is what comes out when every pair of equal scores gets its half, also pairs that the labeller left "
            "tied. Those are no pairs at all. Look at: which pairs the half is added for.",
        ),
        Mistake(
            "equal scores are left out",
            partial(_with_ties, wrong="left out"),
            "That is what comes out when pairs of equal scores count neither as right nor as pairs. A model that "
            "tells nothing apart would then have nothing to show, instead of a coin's half. Look at: the docstring, "
            "on equal scores.",
        ),
        Mistake(
            "halves are lost",
            partial(_with_ties, wrong="whole numbers"),
            "That is what comes out when halves are added up as whole numbers, and rounded down. Look at: // and the "
            "kind of number that you count in.",
        ),
        Mistake(
            "equal scores in the order of their columns",
            _by_sorting,
            "That is what comes out when scores are sorted first: of two equal ones the left then counts as the "
            "better. Look at: comparing the scores themselves.",
        ),
        Mistake(
            "sorted once",
            partial(_by_sorting, once=True),
            "That is what comes out when the answer of `argsort` is taken for the lists' places. It says which list "
            "comes first, second and so on; sorted once more, it says at which place a list is. Look at: argsort.",
        ),
        Mistake(
            "only pairs whose better list stands on the left",
            _as_they_stand,
            "That is what comes out when only pairs i < j are looked at in which list i is the better one. The lists "
            "may stand in any order. Look at: pairs whose better list stands on the right.",
        ),
        Mistake(
            "each pair twice",
            partial(_pairs, wrong="twice"),
            "That is what comes out when each pair is counted from both sides. The share stays the same, but not the "
            "counts. Look at: how many pairs three lists make.",
            also=(
                partial(_pairs, wrong="twice, one side"),
                _change(lambda right, pairs: (2 * right, 2 * pairs)),
                _change(lambda right, pairs: (right, 2 * pairs)),
            ),
        ),
        Mistake(
            "equal scores are wrong",
            partial(_pairs, wrong="tie wrong"),
            "That is what comes out when equal scores count as wrong. A model that gives everything the same score "
            "would then be worse than a coin. Look at: pairs whose scores are equal.",
        ),
        Mistake(
            "equal scores are right",
            partial(_pairs, wrong="tie right"),
            "That is what comes out when equal scores count as right. A model that gives everything the same score "
            "would then be perfect. Look at: > or ≥ between scores.",
            "observed with models whose scores saturate",
        ),
        Mistake(
            "places upside down",
            partial(_pairs, wrong="upside down"),
            "That is what comes out when the highest number is taken for the best place. Look at: place 1 is the best, "
            "so the better list has the smaller place and should have the larger score.",
            also=(partial(_pairs, wrong="scores upside down"), _change(lambda right, pairs: (pairs - right, pairs))),
        ),
        Mistake(
            "the columns are the order",
            _by_columns,
            "That is what comes out when the columns are taken for the labeller's order, left before right. The order "
            "is in `ranks`. Look at: what `ranks` says about two lists.",
        ),
        Mistake(
            "places read as an order",
            _by_order,
            "That is what comes out when `ranks` is used as an index: [3, 1, 2] then says that the third list comes "
            "first. It says that the first list is third. Look at: gather or an index by `ranks`.",
        ),
        Mistake(
            "lists that are there, scores from the front",
            _to_the_front,
            "That is what comes out when the places of the lists that are there are moved together and the scores are "
            "not. Look at: which score belongs to which place in a shorter ranking.",
        ),
        Mistake(
            "one's own place is the labeller's place",
            _same_place,
            "That is what comes out when lists are counted whose place by score is the labeller's. Wanted are pairs: a "
            "list may be one place off and still be on the right side of most others. Look at: what is counted.",
        ),
        Mistake(
            "shares instead of counts",
            _change(lambda right, pairs: (right / pairs, pairs)),
            "That is what comes out when a share is returned for each ranking. Counts are wanted, so that rankings of "
            "different size add up. Look at: the docstring.",
            also=(
                _change(lambda right, pairs: right / pairs),
                _change(lambda right, pairs: (right / pairs.clamp(min=1), pairs)),
                _change(lambda right, pairs: right / pairs.clamp(min=1)),
            ),
        ),
        Mistake(
            "one number for all rankings",
            _change(lambda right, pairs: (right.sum(), pairs.sum())),
            "That is what comes out when the rankings are added up. Each has its own two numbers. Look at: `dim` in "
            "the sums.",
            also=(
                _change(lambda right, pairs: right.sum() / pairs.sum()),
                _change(lambda right, pairs: (right.mean(), pairs.mean())),
            ),
        ),
        Mistake(
            "changed round",
            _change(lambda right, pairs: (pairs, right)),
            "Both are there, but in the other order: right pairs come first, all pairs second. Look at: your last "
            "line.",
        ),
        Mistake(
            "wrong pairs for all pairs",
            _change(lambda right, pairs: (right, pairs - right)),
            "The first is right. The second is how many are wrong; wanted are all pairs that the labeller told apart. "
            "Look at: what the share will be divided by.",
        ),
        Mistake(
            "only neighbours",
            partial(_pairs, wrong="neighbours"),
            "That is what comes out when each list is compared only with the one on the next place. First before third "
            "is a pair, too. Look at: how many pairs four lists make.",
        ),
        Mistake(
            "only the winner",
            partial(_pairs, wrong="winner"),
            "That is what comes out when only pairs with the winner are counted. Look at: second before third.",
        ),
        Mistake(
            "place 0 is a place",
            partial(_pairs, wrong="absentees"),
            "That is what comes out when place 0 is compared like the others. There is no list there. Look at: which "
            "columns of a shorter ranking take part.",
        ),
    ),
    hints=(
        "A pair counts if both lists are there and the labeller put one before the other; it is right if the scores "
        "say the same. Two questions about every two lists.",
        "Compare every list with every other: `ranks[:, :, None] < ranks[:, None, :]` is (batch, K, K), true where the "
        "row's list is better placed than the column's. Each pair is true at most once.",
        "In the same shape: the differences of the scores. A pair is worth 1 where the difference is above 0, a half "
        "where it is exactly 0. Then sum over the last two dimensions, once for what is right and once for all pairs.",
    ),
)
