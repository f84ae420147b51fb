"""Exercise 2.6: do two reviewers agree?"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from topfive.demonstrations import review
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Scores = Sequence[int]
Floats = NDArray[np.float64]


def _kappa_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(count: int, shares: Sequence[float] = (0.2, 0.3, 0.5), slip: float = 0.4) -> tuple[list[int], list[int]]:
        truth = rng.choice(len(shares), count, p=shares) + 1
        slips = rng.choice((-1, 0, 1), (2, count), p=(slip / 2, 1 - slip, slip / 2))
        one, other = np.clip(truth + slips, 1, len(shares))
        return one.tolist(), other.tolist()

    lenient, strict = drawn(30)
    gaps = [(a * int(rng.random() > 0.25), b * int(rng.random() > 0.25)) for a, b in zip(*drawn(40), strict=True)]
    return [
        Case(
            "five lists",
            ([3, 1, 2, 3, 3], [3, 2, 2, 1, 3]),
            look_at="five squared differences; for chance, twenty-five.",
        ),
        Case("scores of 1 to 3", drawn(30), look_at="the two means, one of the pairs and one of all combinations."),
        Case(
            "scores of 1 to 5",
            drawn(25, (0.1, 0.2, 0.3, 0.2, 0.2)),
            look_at="that a difference of 2 counts four times.",
        ),
        Case("one is stricter", (lenient, [max(1, score - 1) for score in strict]), look_at="the habits of both."),
        Case("lists that one left out", tuple(map(list, zip(*gaps, strict=True))), look_at="a 0 in either list."),
        Case("the same scores", ([1, 3, 2, 3, 3], [1, 3, 2, 3, 3]), look_at="no difference at all."),
        Case("worse than chance", ([1, 3, 1, 3, 2], [3, 1, 3, 1, 2]), look_at="the sign."),
        Case("one of them gives all the same", ([2, 1, 3, 2, 3, 3], [2] * 6), look_at="somebody who never differs."),
        Case("both give all the same", ([3, 3, 3], [3, 3, 3]), look_at="what chance could do here."),
        Case("no list that both scored", ([1, 0, 3], [0, 2, 0]), look_at="what is left without the 0s."),
    ]


def _scored(one: Scores, other: Scores) -> tuple[Floats, Floats]:
    both = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    mine, theirs = np.array(both, dtype=float).reshape(-1, 2).T
    return mine, theirs


def _ratio(observed: float, by_chance: float) -> float:
    return float(1 - observed / by_chance) if by_chance else float("nan")


def _kappa(one: Scores, other: Scores, *, cost: Callable[[Floats], Floats] = np.square) -> float:
    mine, theirs = _scored(one, other)
    if not len(mine):
        return float("nan")
    return _ratio(cost(mine - theirs).mean(), cost(mine[:, None] - theirs[None, :]).mean())


def _means(of: Callable[[float, float], float]) -> Function:
    """Something else made of the observed disagreement and that by chance."""

    def kappa(one: Scores, other: Scores) -> float:
        mine, theirs = _scored(one, other)
        if not len(mine):
            return float("nan")
        return of(((mine - theirs) ** 2).mean(), ((mine[:, None] - theirs[None, :]) ** 2).mean())

    return kappa


def _other(find: Callable[[Floats, Floats], float]) -> Function:
    """Another measure of the scores that both gave."""

    def kappa(one: Scores, other: Scores) -> float:
        mine, theirs = _scored(one, other)
        with np.errstate(all="ignore"):
            return float(find(mine, theirs)) if len(mine) else float("nan")

    return kappa


def _zeros_count(one: Scores, other: Scores) -> float:
    mine, theirs = np.array(one, dtype=float), np.array(other, dtype=float)
    return _ratio(((mine - theirs) ** 2).mean(), ((mine[:, None] - theirs[None, :]) ** 2).mean())


def _zeros_of_both(one: Scores, other: Scores) -> float:
    kept = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine or theirs]
    return _zeros_count(*map(list, zip(*kept, strict=True)))


def _zeros_of_one(one: Scores, other: Scores) -> float:
    kept = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine]
    return _zeros_count(*map(list, zip(*kept, strict=True)))


def _pairs(mine: Floats, theirs: Floats) -> float:
    """Chance without a list and itself."""
    n = len(mine)
    table = (mine[:, None] - theirs[None, :]) ** 2
    by_chance = (table.sum() - table.trace()) / (n * (n - 1)) if n > 1 else 0.0
    return _ratio(((mine - theirs) ** 2).mean(), by_chance)


def _uniform(mine: Floats, theirs: Floats) -> float:
    """Chance that takes every score for equally likely."""
    levels = np.arange(1, max(mine.max(), theirs.max()) + 1)
    return _ratio(((mine - theirs) ** 2).mean(), ((levels[:, None] - levels) ** 2).mean())


def _pooled(mine: Floats, theirs: Floats) -> float:
    both = np.concatenate([mine, theirs])
    return _ratio(((mine - theirs) ** 2).mean(), ((both[:, None] - both) ** 2).mean())


def _without_nan(value: float) -> Function:
    def kappa(one: Scores, other: Scores) -> float:
        found = review.weighted_kappa(one, other)
        return value if np.isnan(found) else found

    return kappa


EXERCISE = Exercise(
    number="2.6",
    title="Do two reviewers agree?",
    points=3,
    minutes=15,
    solution=review.weighted_kappa,
    cases=_kappa_cases,
    mistakes=(
        Mistake(
            "how often they are equal",
            _other(lambda mine, theirs: (mine == theirs).mean()),
            "That is how often the two give the same score. If both like to give 3, that is high without any agreement "
            "about lists. Look at: what chance would do.",
        ),
        Mistake(
            "every difference counts the same",
            partial(_kappa, cost=lambda d: (d != 0).astype(float)),
            "That is Cohen's κ without weights: 1 against 3 is no worse than 2 against 3. Look at: the square.",
            "Cohen 1960, and scikit-learn's default",
        ),
        Mistake(
            "differences are not squared",
            partial(_kappa, cost=np.abs),
            "That is κ with linear weights: a difference of 2 counts twice, where it should count four times. "
            "Look at: the square.",
            "scikit-learn's weights='linear'",
        ),
        Mistake(
            "signed differences",
            partial(_kappa, cost=lambda d: d),
            "That is what comes out when differences keep their sign and cancel. Look at: the square, and whether it "
            "is taken before the mean.",
            also=(
                _other(lambda mine, theirs: _ratio((mine - theirs).mean() ** 2, (mine.mean() - theirs.mean()) ** 2)),
            ),
        ),
        Mistake(
            "observed by chance",
            _means(lambda observed, by_chance: observed / by_chance if by_chance else float("nan")),
            "That is the disagreement as a share of that by chance: 0 is best there. Look at: 1 minus it.",
        ),
        Mistake(
            "no division",
            _means(lambda observed, by_chance: observed),
            "That is a mean squared difference, or a difference of two such means, in squared points. It is to be laid "
            "beside what chance would do. Look at: what you divide by.",
            also=(
                _means(lambda observed, by_chance: by_chance - observed),
                _means(lambda observed, by_chance: 1 - observed),
            ),
        ),
        Mistake(
            "upside down",
            _means(lambda observed, by_chance: 1 - by_chance / observed if observed else float("nan")),
            "That is what comes out when chance is divided by what was observed. Look at: what stands below the line.",
        ),
        Mistake(
            "a correlation",
            _other(lambda mine, theirs: np.corrcoef(mine, theirs)[0, 1] if len(mine) > 1 else np.nan),
            "That is the correlation. It does not mind if one of the two is always a point stricter; agreement does. "
            "Look at: the formula, where means of scores do not stand.",
            "often reported for agreement",
        ),
        Mistake(
            "chance takes all scores for equally likely",
            _other(_uniform),
            "That is what comes out when chance throws a die with all scores. It draws from the scores that these two "
            "gave: whoever likes to give 3 gives 3 by chance, too. Look at: all combinations of a score of one and "
            "one of the other.",
            "Bennett's S",
        ),
        Mistake(
            "chance from one pool",
            _other(_pooled),
            "That is what comes out when the scores of both go into one pot for chance. Each has habits of their own. "
            "Look at: a score of the one, and a score of the other.",
            "Scott 1955; Krippendorff's α is close to it",
        ),
        Mistake(
            "a list is not combined with itself",
            _other(_pairs),
            "That is what comes out when chance leaves out the combinations of a list with itself. All n × n count. "
            "Look at: the diagonal.",
        ),
        Mistake(
            "0 counts as a score",
            _zeros_count,
            "That is what comes out when a 0 is taken for a very bad score. It says that nobody scored: the list "
            "counts only if both did. Look at: lists with a 0.",
            also=(_zeros_of_both, _zeros_of_one),
        ),
        Mistake(
            "a number where there is none",
            _without_nan(1.0),
            "That is what comes out when a number is given although chance could not differ: no list that both "
            "scored, or all scores the same. Nothing can be said there, so it is nan. Look at: a division by 0.",
            also=(_without_nan(0.0),),
        ),
    ),
    hints=(
        "Two means of squared differences: one over the lists, of the two scores of the same list; one over all "
        "combinations, of any score of one reviewer with any score of the other.",
        "Throw out the lists with a 0 in either place first. With NumPy, `mine[:, None] - theirs` holds all "
        "combinations.",
        "1 minus the first mean by the second. Before you divide: if no list is left, or the second mean is 0, return "
        'float("nan").',
    ),
)
