"""Exercise 5.5: pairs in the right order."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import measure


def _pairs_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(ranks: list[list[int]], dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        places = torch.tensor(ranks)
        return torch.randn(places.shape, generator=generator, dtype=dtype), places

    many = (torch.rand(32, 4, generator=generator).argsort(dim=1) + 1).tolist()
    few = torch.randint(3, (8, 4), generator=generator).float()
    toy = (torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[1, 2, 3]]))
    four = "four lists"
    return [
        Case("three lists, one pair the wrong way round", toy, look_at="the three pairs, one after the other."),
        Case(four, drawn([[3, 1, 4, 2], [2, 4, 1, 3]]), look_at="how many pairs four lists make."),
        Case(four, drawn(many, torch.float64), look_at="how many pairs four lists make."),
        Case("ties of the labeller", drawn([[1, 1, 2, 3], [1, 2, 2, 2], [1, 1, 1, 1]]), look_at="which pairs count."),
        Case("ties of the scores", (few, torch.tensor(many[:8])), look_at="what a coin would get for such a pair."),
        Case("rankings of fewer lists", drawn([[2, 1, 0, 0], [0, 3, 1, 2]]), look_at="what place 0 means."),
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
    }.get(wrong, mine < other)
    better = better & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    if wrong == "twice":
        difference = difference * (other - mine)
    half = {"tie wrong": 0.0, "tie right": 1.0}.get(wrong, 0.5)
    right = (difference > 0).to(scores.dtype) + half * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)


EXERCISE = Exercise(
    number="5.5",
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
        ),
        Mistake(
            "each pair twice",
            partial(_pairs, wrong="twice"),
            "That is what comes out when each pair is counted from both sides. The share stays the same, but not the "
            "counts. Look at: how many pairs three lists make.",
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
        "Compare every list with every other: `ranks[:, :, None] < ranks[:, None, :]` is (batch, K, K), true where the "
        "row's list is better placed than the column's. Each pair is true at most once.",
        "In the same shape: the differences of the scores. A pair is worth 1 where the difference is above 0, a half "
        "where it is exactly 0. Then sum over the last two dimensions, once for what is right and once for all pairs.",
    ),
)
