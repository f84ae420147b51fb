"""Exercise 1.8: the spammer score of Raykar and Yu."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.aggregation import spammer_scores
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, shares


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    same = shares((3, 1, 3), rng).repeat(3, axis=1)
    turned = np.eye(3)[rng.permutation(3)][None]
    return [
        Case(
            "an honest worker, and one who says the same always",
            (np.array([[[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.8, 0.2]]]),),
            look_at="the difference of the two rows, squared, for each worker.",
        ),
        Case("two classes", (shares((5, 2, 2), rng),), look_at="both columns of the difference."),
        Case("four classes", (shares((4, 4, 4), rng),), look_at="all pairs of different truths."),
        Case(
            "equal rows, whatever they are",
            (same,),
            look_at="whether a worker's label depends on the truth at all.",
        ),
        Case(
            "always right, and always wrong in the same way",
            (np.concatenate([np.eye(3)[None], turned, np.eye(3)[None, ::-1]]),),
            look_at="a worker from whose label the truth can be told for sure, though it is never the truth itself.",
        ),
    ]


def _apart(matrices: Floats, power: Callable[[Floats], Floats] = np.square) -> Floats:
    """Distances between all ordered pairs of rows, (workers, truth, truth)."""
    return np.asarray(power(matrices[:, :, None, :] - matrices[:, None, :, :]).sum(axis=3))


def _classes(matrices: Floats) -> int:
    return int(matrices.shape[1])


def _pairs(matrices: Floats) -> int:
    return _classes(matrices) * (_classes(matrices) - 1)


def _diagonal(matrices: Floats) -> Floats:
    return np.asarray(np.diagonal(matrices, axis1=1, axis2=2))


def _pairwise(combine: Callable[[Floats], Floats]) -> Function:
    """Something of the halved distances between different truths, (workers, pairs)."""

    def scores(matrices: Floats) -> Floats:
        different = ~np.eye(_classes(matrices), dtype=bool)
        return np.asarray(combine(_apart(matrices)[:, different] / 2))

    return scores


EXERCISE = Exercise(
    number="1.8",
    title="A spammer's matrix",
    points=3,
    minutes=10,
    solution=spammer_scores,
    cases=_cases,
    axes=("worker",),
    mistakes=(
        Mistake(
            "how often they are right",
            lambda matrices: _diagonal(matrices).mean(axis=1),
            "That is what comes out when right answers are averaged, the diagonal. Who always says the commonest "
            "class is often right, and tells nothing; who is always wrong in the same way tells everything. Look at: "
            "the rows.",
        ),
        Mistake(
            "not halved",
            lambda matrices: _apart(matrices).sum(axis=(1, 2)) / _pairs(matrices),
            "That is what comes out when the squared distance is not halved: a perfect worker then has 2. Look at: the "
            "docstring.",
        ),
        Mistake(
            "each pair once, divided by all",
            lambda matrices: _apart(matrices).sum(axis=(1, 2)) / (4 * _pairs(matrices)),
            "That is what comes out when each pair of truths is added once, but the sum is divided as if it were there "
            "twice. Look at: how many terms your sum has.",
        ),
        Mistake(
            "each truth with itself",
            lambda matrices: _apart(matrices).sum(axis=(1, 2)) / (2 * _classes(matrices) ** 2),
            "That is what comes out when the pairs of a truth with itself are in the mean, with their distance of 0. "
            "Look at: pairs of *different* truths.",
        ),
        Mistake(
            "columns",
            lambda matrices: spammer_scores(matrices.transpose(0, 2, 1)),
            "That is what comes out when columns are compared. A row says what somebody says when the truth is this; a "
            "spammer's *rows* are equal. Look at: the order of the axes.",
        ),
        Mistake(
            "not squared",
            lambda matrices: _apart(matrices, np.abs).sum(axis=(1, 2)) / (2 * _pairs(matrices)),
            "That is what comes out when distances are not squared. Look at: the docstring.",
        ),
        Mistake(
            "the root of it",
            _pairwise(lambda apart: np.sqrt(apart).mean(axis=1)),
            "That is what comes out when the root is taken of each distance. Look at: the docstring, which wants the "
            "square.",
            also=(lambda matrices: np.sqrt(spammer_scores(matrices)),),
        ),
        Mistake(
            "how much of a spammer",
            lambda matrices: 1 - spammer_scores(matrices),
            "That is what comes out the other way round: 1 for who tells nothing. Look at: what 0 and 1 mean in the "
            "docstring.",
        ),
        Mistake(
            "the first two truths",
            lambda matrices: _apart(matrices)[:, 0, 1] / 2,
            "That is what comes out when only the first two truths are compared. With more classes somebody may tell "
            "the first two apart and no others. Look at: all pairs.",
        ),
        Mistake(
            "neighbouring truths",
            lambda matrices: np.stack(
                [_apart(matrices)[:, c, c + 1] / 2 for c in range(_classes(matrices) - 1)], axis=1
            ).mean(axis=1),
            "That is what comes out when each truth is compared with the next one only. Look at: all pairs.",
        ),
        Mistake(
            "the largest distance",
            _pairwise(lambda apart: apart.max(axis=1)),
            "That is what comes out when the largest distance is taken and not the mean. Look at: the docstring.",
            also=(_pairwise(lambda apart: apart.min(axis=1)),),
        ),
        Mistake(
            "distance from a coin",
            lambda matrices: ((matrices - 1 / _classes(matrices)) ** 2).sum(axis=2).mean(axis=1),
            "That is what comes out when rows are compared with equal chances. Who always says “on topic” is far from "
            "that, and tells nothing either. Look at: rows against *each other*.",
        ),
        Mistake(
            "on the diagonal only",
            lambda matrices: ((_diagonal(matrices).sum(axis=1) - 1) / (_classes(matrices) - 1)) ** 2,
            "That is what comes out of sensitivity + specificity − 1 (Youden's J), squared. With two classes it is the "
            "same; with more, right and wrong answers together say more than the right ones. Look at: whole rows.",
            source="Youden 1950; the two agree for two classes",
        ),
    ),
    hints=(
        "What does a spammer's matrix look like, whatever kind of spammer it is? Compare its rows with each other.",
        "For one worker and two truths: subtract one row from the other, square, add up, halve. Check: a perfect "
        "worker has 1.",
        "All pairs at once: `matrices[:, :, None, :] - matrices[:, None, :, :]`. A truth with itself adds 0, but must "
        "not count: there are C(C − 1) pairs of different ones.",
    ),
)
