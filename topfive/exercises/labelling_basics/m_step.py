"""Exercise 1.5: the M-step of Dawid and Skene, from guesses about the lists to the workers."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.aggregation import FLOOR, worker_matrices
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, Ints, said, shares, truths, whole


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(tasks: int, workers: int, classes: int, missing: float) -> tuple[Ints, Floats]:
        return said(truths(tasks, classes, rng), workers, classes, missing, rng), shares((tasks, classes), rng)

    sure = drawn(20, 3, 2, 0.0)
    known = np.eye(2)[rng.permutation([0] * 12 + [1] * 8)]
    never = drawn(8, 4, 3, 0.5)
    never[0][:, 2] = -1
    one_sided = whole([[0, 1], [0, 0], [0, 1], [1, 1], [0, -1]]), np.eye(3)[[0, 0, 1, 1, 0]]
    return [
        Case(
            "three lists, one worker",
            (whole([[0], [1], [0]]), np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])),
            look_at="the four counts by hand: how much “truly 0, said 0” is there in the three lists?",
        ),
        Case("the truth is known", (sure[0], known), look_at="what the matrix is when every guess is 0 or 1."),
        Case(
            "guesses that are not sure", drawn(25, 4, 3, 0.0), look_at="how much each label counts, and for which row."
        ),
        Case("not everybody was asked", drawn(30, 5, 2, 0.4), look_at="who has no label for a list."),
        Case("a worker who was never asked", never, look_at="a row of counts that are all 0."),
        Case("what nobody said", one_sided, look_at="a count of 0, and the floor."),
        Case("another floor", (*one_sided,), {"floor": 0.01}, look_at="where the floor comes in: before or after."),
    ]


def _counts(labels: Ints, guesses: Floats) -> Floats:
    return np.stack([(labels == said).T @ guesses for said in range(guesses.shape[1])], axis=2)


def _matrices(
    count: Callable[[Ints, Floats], Floats] = _counts,
    finish: Callable[[Floats, float], Floats] = lambda counts, floor: _normal(np.maximum(counts, floor)),
) -> Function:
    """Counts, or other ones, and what is made of them."""
    return lambda labels, guesses, floor=FLOOR: finish(count(labels, guesses), floor)


def _normal(counts: Floats, axis: int = 2) -> Floats:
    return np.asarray(counts / counts.sum(axis=axis, keepdims=True))


def _hard(labels: Ints, guesses: Floats) -> Floats:
    return _counts(labels, np.eye(guesses.shape[1])[guesses.argmax(axis=1)])


def _wrapped(labels: Ints, guesses: Floats) -> Floats:
    """−1 as an index is the last class."""
    return _counts(labels % guesses.shape[1], guesses)


def _pooled(labels: Ints, guesses: Floats) -> Floats:
    counts = _counts(labels, guesses)
    return np.broadcast_to(counts.sum(axis=0, keepdims=True), counts.shape).copy()


def _no_floor(counts: Floats, floor: float) -> Floats:
    with np.errstate(invalid="ignore"):
        return _normal(counts)


def _by_truth(counts: Floats, floor: float) -> Floats:
    return _normal(np.maximum(counts, floor), axis=1)


def _floor_after(counts: Floats, floor: float) -> Floats:
    total = counts.sum(axis=2, keepdims=True)
    uniform = np.full(counts.shape, 1 / counts.shape[2])
    return np.maximum(np.divide(counts, total, out=uniform, where=total > 0), floor)


def _by_lists(labels: Ints, guesses: Floats, floor: float = FLOOR) -> Floats:
    return np.maximum(_counts(labels, guesses), floor) / len(labels)


def _by_all_lists_of_a_truth(labels: Ints, guesses: Floats, floor: float = FLOOR) -> Floats:
    return np.asarray(np.maximum(_counts(labels, guesses), floor) / guesses.sum(axis=0)[None, :, None])


def _all_together(counts: Floats, floor: float) -> Floats:
    counts = np.maximum(counts, floor)
    return np.asarray(counts / counts.sum(axis=(1, 2), keepdims=True))


EXERCISE = Exercise(
    number="1.5",
    title="From guesses to workers",
    points=3,
    minutes=12,
    solution=worker_matrices,
    cases=_cases,
    axes=("worker", "truth", "said"),
    mistakes=(
        Mistake(
            "normalised over the truth",
            _matrices(finish=_by_truth),
            "That is what comes out when each *column* sums to 1: how likely the truth is, given what was said. Asked "
            "is how likely a label is, given the truth. Look at: the axis you divide over.",
        ),
        Mistake(
            "transposed",
            lambda labels, guesses, floor=FLOOR: worker_matrices(labels, guesses, floor).transpose(0, 2, 1),
            "These are the right numbers, with truth and label exchanged: [worker, said, truth]. Look at: the order in "
            "the docstring.",
        ),
        Mistake(
            "guesses made hard",
            _matrices(_hard),
            "That is what comes out when the likelier class is taken for the truth. A guess of 0.6 then counts like "
            "certainty, and EM loses what makes it cautious. Look at: `argmax`; add up the guesses themselves.",
        ),
        Mistake(
            "−1 is the last class",
            _matrices(_wrapped),
            "That is what comes out when −1 is used as an index: a worker who was not asked then said the last class. "
            "Look at: lists where a worker has no label.",
        ),
        Mistake(
            "no floor",
            _matrices(finish=_no_floor),
            "That is what comes out without the floor: a 0 says *never*, and one such 0 outvotes everybody else in the "
            "next step; and who was never asked gets 0/0. Look at: the `floor` in the docstring.",
            also=(_matrices(finish=lambda counts, floor: np.nan_to_num(_no_floor(counts, floor))),),
        ),
        Mistake(
            "the floor comes after",
            _matrices(finish=_floor_after),
            "That is what comes out when shares are taken first and the floor comes after: rows do not sum to 1 any "
            "more. Look at: the order of the two.",
        ),
        Mistake(
            "the floor is added",
            _matrices(finish=lambda counts, floor: _normal(counts + floor)),
            "That is what comes out when the floor is added to every count. It is the least that a count can be: "
            "larger counts stay as they are. Look at: `maximum` and `+`.",
        ),
        Mistake(
            "one more of everything",
            _matrices(finish=lambda counts, floor: _normal(counts + 1)),
            "That is what comes out when 1 is added to every count (Laplace). That is a prior of its own, and not a "
            "small one for who gave ten labels. Look at: the `floor` in the docstring.",
        ),
        Mistake(
            "a floor of one's own",
            lambda labels, guesses, floor=FLOOR: worker_matrices(labels, guesses),
            "That is what comes out when the argument `floor` is not used. Look at: the number in your `maximum`.",
        ),
        Mistake(
            "not divided",
            _matrices(finish=np.maximum),
            "These are counts. Each row should sum to 1. Look at: the last line of the docstring.",
        ),
        Mistake(
            "everything sums to 1",
            _matrices(finish=_all_together),
            "That is what comes out when a worker's whole matrix sums to 1: how often truth and label meet. Asked is "
            "the share *within* each truth. Look at: the axis of your sum.",
        ),
        Mistake(
            "divided by the number of lists",
            _by_lists,
            "That is what comes out when counts are divided by the number of lists. Look at: each row of a worker's "
            "matrix, which should sum to 1.",
            also=(_by_all_lists_of_a_truth,),
        ),
        Mistake(
            "all workers together",
            _matrices(_pooled),
            "That is what comes out when all workers share one matrix. Look at: the first axis; each worker has their "
            "own labels.",
        ),
    ),
    hints=(
        "For one worker and one class: of the lists that the worker called so, add up the guesses. That is a vector, "
        "one number a truth.",
        "`labels == c` is (lists, workers), True where class c was said; −1 never equals a class. Its "
        "transpose times `guesses`, by `@`, gives all workers at once.",
        "Stack those for all classes along a last axis, take `np.maximum` with the floor, and divide by the sum over "
        "that last axis, with `keepdims=True`.",
    ),
)
