"""Exercise 1.7: golden tasks."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.aggregation import golden_quality
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, Ints, Mask, said, truths, whole


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(tasks: int, workers: int, classes: int, missing: float, golden: float) -> tuple[Ints, Ints]:
        truth = truths(tasks, classes, rng)
        labels = said(truth, workers, classes, missing, rng)
        known = rng.random(tasks) < golden
        known[:2], known[2:4] = True, False
        labels[:4, 0], labels[4:6, 1] = whole([0, 1, -1, 1]), -1
        return labels, np.where(known, truth, -1)

    away = drawn(20, 4, 2, 0.3, 0.4)
    away[0][:, 2] = np.where(away[1] >= 0, -1, away[0][:, 2])
    return [
        Case(
            "four lists, two of them golden",
            (whole([[0, 1], [1, 1], [0, -1], [1, 0]]), whole([0, -1, 1, -1])),
            look_at="worker 1 and the two golden lists; then worker 2.",
        ),
        Case("every third list is golden", drawn(40, 5, 2, 0.0, 0.3), look_at="which lists count."),
        Case("not everybody met every golden list", drawn(40, 6, 3, 0.5, 0.5), look_at="how many each worker met."),
        Case("a worker who met none", away, look_at="what the share is of nothing."),
        Case("all lists are golden", drawn(12, 3, 2, 0.2, 1.1), look_at="which labels count."),
    ]


def _quality(
    count: Callable[[Ints, Ints], tuple[Floats, Ints]],
    nothing: float = np.nan,
    number: Callable[[Ints, Ints], Ints] | None = None,
) -> Function:
    """Share and number, from the numbers of right and of counted labels; or with another number beside the share."""

    def quality(labels: Ints, gold: Ints) -> Floats:
        right, of = count(labels, gold[:, None])
        share = np.divide(right, of, out=np.full(len(of), nothing), where=of > 0)
        beside = number(labels, gold[:, None]) if number else of
        return np.stack([share, beside.astype(float)], axis=1)

    return quality


def _met(labels: Ints, gold: Ints) -> Mask:
    return np.asarray((labels >= 0) & (gold >= 0))


def _right(labels: Ints, gold: Ints) -> Floats:
    return np.asarray((_met(labels, gold) & (labels == gold)).sum(axis=0).astype(float))


def _counted(which: Callable[[Ints, Ints], Mask]) -> Function:
    return _quality(lambda labels, gold: (_right(labels, gold), np.asarray(which(labels, gold).sum(axis=0))))


def _reordered(then: Callable[[Floats, Ints, Ints], Floats]) -> Function:
    return lambda labels, gold: np.asarray(then(golden_quality(labels, gold), labels, gold))


def _all_golden(labels: Ints, gold: Ints) -> Mask:
    return np.broadcast_to(gold >= 0, labels.shape)


EXERCISE = Exercise(
    number="1.7",
    title="Golden tasks",
    points=3,
    minutes=8,
    solution=golden_quality,
    cases=_cases,
    axes=("worker", "number"),
    mistakes=(
        Mistake(
            "not asked is wrong",
            _counted(_all_golden),
            "That is what comes out when a golden list that a worker was never shown counts as a wrong answer. Look "
            "at: how many golden lists each worker met.",
            also=(
                _quality(
                    lambda labels, gold: (_right(labels, gold), _all_golden(labels, gold).sum(axis=0)),
                    number=lambda labels, gold: _met(labels, gold).sum(axis=0),
                ),
            ),
        ),
        Mistake(
            "all lists count",
            _counted(lambda labels, gold: labels >= 0),
            "That is what comes out when right answers are divided by all labels of a worker. Only of golden lists is"
            " it known what is right. Look at: the denominator.",
        ),
        Mistake(
            "−1 equals −1",
            _quality(lambda labels, gold: ((labels == gold).sum(axis=0).astype(float), _met(labels, gold).sum(axis=0))),
            "That is what comes out when a missing label on a list that is not golden counts as right, since −1 equals "
            "−1. Look at: what has to be there on both sides.",
            also=(
                lambda labels, gold: np.stack(
                    [(labels == gold[:, None]).mean(axis=0), np.full(labels.shape[1], float(len(labels)))], axis=1
                ),
                _quality(
                    lambda labels, gold: (
                        (labels == gold).sum(axis=0).astype(float),
                        np.asarray(((labels >= 0) | (gold >= 0)).sum(axis=0)),
                    )
                ),
            ),
        ),
        Mistake(
            "0 for who met none",
            _quality(lambda labels, gold: (_right(labels, gold), _met(labels, gold).sum(axis=0)), 0.0),
            "That is what comes out when a worker who met no golden list gets a 0: they would be thrown out before "
            "anything is known about them. NaN says that nothing is known. Look at: the docstring, on who met none.",
            also=(_quality(lambda labels, gold: (_right(labels, gold), _met(labels, gold).sum(axis=0)), 1.0),),
        ),
        Mistake(
            "number right",
            _reordered(lambda found, labels, gold: np.stack([_right(labels, gold[:, None]), found[:, 1]], axis=1)),
            "These are numbers of right answers, where their share belongs. Look at: the first column.",
        ),
        Mistake(
            "share wrong",
            _reordered(lambda found, labels, gold: np.stack([1 - found[:, 0], found[:, 1]], axis=1)),
            "That is what comes out when the wrong answers are counted. Look at: `==` and `!=`.",
        ),
        Mistake(
            "columns exchanged",
            _reordered(lambda found, labels, gold: found[:, ::-1].copy()),
            "These are the right numbers with the columns exchanged. Look at: the order in the docstring.",
        ),
        Mistake(
            "number of labels",
            _reordered(lambda found, labels, gold: np.stack([found[:, 0], (labels >= 0).sum(axis=0)], axis=1)),
            "The shares are right; the second column holds all labels of each worker, not the golden ones. Look at: "
            "how many golden lists each met.",
            also=(
                _reordered(
                    lambda found, labels, gold: np.stack([found[:, 0], np.full(len(found), (gold >= 0).sum())], axis=1)
                ),
            ),
        ),
        Mistake(
            "class 0 is left out",
            _quality(
                lambda labels, gold: (
                    ((gold > 0) & (labels == gold)).sum(axis=0).astype(float),
                    ((gold > 0) & (labels >= 0)).sum(axis=0),
                )
            ),
            "That is what comes out when golden lists of class 0 do not count. Only −1 means that the answer is not "
            "known. Look at: `> 0`.",
        ),
        Mistake(
            "list by list",
            lambda labels, gold: golden_quality(
                np.where(gold[:, None] >= 0, labels, -1).T, np.full(labels.shape[1], 0)
            ),
            "That is one row for each list. Asked is one for each worker. Look at: your axis.",
            also=(
                lambda labels, gold: np.stack(
                    [
                        (_met(labels, gold[:, None]) & (labels == gold[:, None])).sum(axis=1)
                        / np.maximum(_met(labels, gold[:, None]).sum(axis=1), 1),
                        _met(labels, gold[:, None]).sum(axis=1),
                    ],
                    axis=1,
                ),
            ),
        ),
    ),
    hints=(
        "A label can be held against the truth where two things are there: the label, and the truth.",
        "`(labels != -1) & (gold != -1)[:, None]` is a mask (tasks, workers). Its sum over tasks is the second column.",
        "Count the labels under the mask that equal `gold[:, None]`, and divide where the number is not 0; the rest is "
        "`np.nan`.",
    ),
)
