"""Exercise 1.1: percent agreement."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.agreement import percent_agreement
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Ints, Mask, said, truths, whole


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(items: int, classes: int, missing: float) -> tuple[Ints, Ints]:
        labels = said(truths(items, classes, rng), 2, classes, missing, rng)
        return labels[:, 0].copy(), labels[:, 1].copy()

    a, b = drawn(30, 2, 0.0)
    gaps = drawn(40, 3, 0.3)
    gaps[0][:4], gaps[1][:4] = whole([-1, -1, 1, 2]), whole([-1, -1, -1, 2])  # neither, only one, both
    apart = rng.integers(2, size=6)
    return [
        Case("five lists", (whole([0, 0, 1, 1, 0]), whole([0, 1, 1, 1, 0])), look_at="the five pairs, one by one."),
        Case("thirty lists that both labelled", (a, b), look_at="what is counted, and what it is divided by."),
        Case("lists that only one of the two labelled", gaps, look_at="what −1 stands for, and who may have it."),
        Case(
            "no list in common",
            (np.where(apart == 0, -1, apart), np.where(apart == 0, apart, -1)),
            look_at="what the agreement of two people is who never labelled the same list.",
        ),
    ]


def _among(keep: Callable[[Ints, Ints], Mask], nothing: float = np.nan) -> Function:
    """The share of equal labels among the items that `keep` lets through."""

    def agreement(a: Ints, b: Ints) -> float:
        kept = keep(a, b)
        return float((a == b)[kept].mean()) if kept.any() else nothing

    return agreement


def _both(a: Ints, b: Ints) -> Mask:
    return np.asarray((a >= 0) & (b >= 0))


def _of_right(then: Callable[[float, Ints, Ints], float]) -> Function:
    return lambda a, b: float(then(percent_agreement(a, b), a, b))


EXERCISE = Exercise(
    number="1.1",
    title="Percent agreement",
    points=2,
    minutes=6,
    solution=percent_agreement,
    cases=_cases,
    mistakes=(
        Mistake(
            "a missing label is a label",
            lambda a, b: float((a == b).mean()),
            "That is what comes out when −1 is compared like a label: two people who were both not asked then agree, "
            "and one who was not asked disagrees. Look at: the lists that count.",
        ),
        Mistake(
            "missing is disagreement",
            lambda a, b: float(((a == b) & (a >= 0)).mean()),
            "That is what comes out when the equal labels are counted rightly, and then divided by all lists, also "
            "those that not both labelled. Look at: the denominator.",
        ),
        Mistake(
            "only the first labeller's gaps",
            _among(lambda a, b: a >= 0),
            "That is what comes out when only the gaps of `a` are left out. `b` was not asked about every list either. "
            "Look at: which lists both labelled.",
            also=(_among(lambda a, b: b >= 0),),
        ),
        Mistake(
            "a list counts if either labelled it",
            _among(lambda a, b: (a >= 0) | (b >= 0)),
            "That is what comes out when a list counts as soon as one of the two labelled it. Look at: `and`, `or`.",
        ),
        Mistake(
            "class 0 is left out",
            _among(lambda a, b: (a > 0) & (b > 0)),
            "That is what comes out when class 0 is left out together with the gaps. 0 is a class like any other; only "
            "−1 means that there is no label. Look at: `> 0`, and truth values of numbers.",
            also=(_among(lambda a, b: (a > 0) & (b >= 0)),),
        ),
        Mistake(
            "disagreement",
            _of_right(lambda right, a, b: 1 - right),
            "That is what comes out when the different labels are counted. Look at: `!=` and `==`.",
        ),
        Mistake(
            "in per cent",
            _of_right(lambda right, a, b: 100 * right),
            "That is what comes out when the share is multiplied by a hundred. The docstring asks for a share, from 0 "
            "to 1. Look at: your last line.",
        ),
        Mistake(
            "a count",
            lambda a, b: float(((a == b) & (a >= 0)).sum()) if _both(a, b).any() else float("nan"),
            "That is what comes out when equal labels are counted and not divided by anything. Look at: what a share "
            "is.",
            also=(lambda a, b: float(((a == b) & (a >= 0)).sum()),),
        ),
        Mistake(
            "0 where there is nothing",
            _among(_both, 0.0),
            "That is what comes out when two people without a common list are said to agree never. Nothing is known "
            "about them, and NaN says so. Look at: the last line of the docstring.",
            also=(_among(_both, 1.0), lambda a, b: float(((a == b) & (a >= 0)).sum() / max(_both(a, b).sum(), 1))),
        ),
        Mistake(
            "how often each class is said",
            _of_right(lambda right, a, b: 1 - abs(a[_both(a, b)].mean() - b[_both(a, b)].mean())),
            "That is what comes out when the two labellers' frequencies are compared and not their labels: who say "
            "“on topic” equally often may still mean different lists. Look at: one list at a time.",
        ),
        Mistake(
            "only one class counts",
            lambda a, b: (
                float(((a == 0) & (b == 0)).sum() / max(_both(a, b).sum(), 1)) if _both(a, b).any() else float("nan")
            ),
            "That is what comes out when only agreement on one class is counted. They agree on the others, too. Look "
            "at: lists that both put into another class.",
            also=(
                lambda a, b: (
                    float(((a == 1) & (b == 1)).sum() / _both(a, b).sum()) if _both(a, b).any() else float("nan")
                ),
            ),
        ),
        Mistake(
            "divides by the first labeller's labels",
            lambda a, b: float(((a == b) & (a >= 0)).sum() / (a >= 0).sum()) if _both(a, b).any() else float("nan"),
            "That is what comes out when the equal labels are divided by all labels of one of the two. Look at: how "
            "many lists both labelled.",
            also=(
                lambda a, b: float(((a == b) & (a >= 0)).sum() / (b >= 0).sum()) if _both(a, b).any() else float("nan"),
            ),
        ),
    ),
    hints=(
        "Which lists can tell anything about agreement? Make a mask of those first: True where both gave a label.",
        "`(a != -1) & (b != -1)` is that mask. Of the lists it lets through you need a mean of truth values.",
        "`(a[mask] == b[mask]).mean()`; and before it a look whether the mask lets anything through at all.",
    ),
)
