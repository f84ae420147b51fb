"""Exercise 1.6: the E-step of Dawid and Skene, from the workers to guesses about the lists."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.aggregation import task_guesses
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, Ints, said, shares, truths, whole

Drawn = tuple[Ints, Floats, Floats]


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(tasks: int, workers: int, classes: int, missing: float) -> Drawn:
        labels = said(truths(tasks, classes, rng), workers, classes, missing, rng)
        return labels, shares((classes,), rng), shares((workers, classes, classes), rng)

    gaps = drawn(20, 6, 2, 0.5)
    empty = drawn(4, 3, 3, 0.0)
    empty[0][1] = -1
    crowd = drawn(5, 900, 2, 0.0)
    good = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.5, 0.5]]])
    return [
        Case(
            "two lists, two workers",
            (whole([[0, 1], [1, 1]]), np.array([0.7, 0.3]), good),
            look_at="list 1 by hand: prior times what worker 1 said times what worker 2 said, for each truth; then "
            "divide by the sum.",
        ),
        Case("three classes", drawn(12, 4, 3, 0.0), look_at="which row and which column of a matrix is read."),
        Case("not everybody was asked", gaps, look_at="a worker without a label, who says nothing."),
        Case("a list without a label", empty, look_at="what is known about a list that nobody labelled."),
        Case("nine hundred labels a list", crowd, look_at="what a product of 900 small numbers is in the computer."),
    ]


def _logs(labels: Ints, matrices: Floats) -> Floats:
    logs = np.log(matrices)
    said_it = [(labels == label).astype(float) @ logs[:, :, label] for label in range(matrices.shape[2])]
    return np.asarray(sum(said_it))


def _softmax(logs: Floats, axis: int = 1) -> Floats:
    weights = np.exp(logs - logs.max(axis=axis, keepdims=True))
    return np.asarray(weights / weights.sum(axis=axis, keepdims=True))


def _changed(change: Callable[[Ints, Floats, Floats], tuple[Ints, Floats, Floats]]) -> Function:
    """The right function of other labels, prior or matrices."""
    return lambda labels, prior, matrices: task_guesses(*change(labels, prior, matrices))


def _of_logs(make: Callable[[Floats, Floats, Ints], Floats]) -> Function:
    """What `make` makes of the workers' summed logarithms, the prior's and the labels."""
    return lambda labels, prior, matrices: np.asarray(make(_logs(labels, matrices), np.log(prior), labels))


def _product(labels: Ints, prior: Floats, matrices: Floats) -> Floats:
    """No logarithms: 0/0 where there are many labels."""
    guesses = np.tile(prior, (len(labels), 1))
    for worker in range(labels.shape[1]):
        asked = labels[:, worker] >= 0
        guesses[asked] *= matrices[worker][:, labels[asked, worker]].T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(guesses / guesses.sum(axis=1, keepdims=True))


def _small_added(labels: Ints, prior: Floats, matrices: Floats) -> Floats:
    guesses = np.tile(prior, (len(labels), 1))
    for worker in range(labels.shape[1]):
        asked = labels[:, worker] >= 0
        guesses[asked] *= matrices[worker][:, labels[asked, worker]].T
    return np.asarray(guesses / (guesses.sum(axis=1, keepdims=True) + 1e-300))


def _hard(logs: Floats, prior: Floats, labels: Ints) -> Floats:
    return np.eye(logs.shape[1])[(logs + prior).argmax(axis=1)]


def _number(labels: Ints) -> Floats:
    return np.asarray((labels >= 0).sum(axis=1, keepdims=True).astype(float))


def _uniform_where_empty(labels: Ints, prior: Floats, matrices: Floats) -> Floats:
    guesses = task_guesses(labels, prior, matrices)
    guesses[(labels < 0).all(axis=1)] = 1 / len(prior)
    return guesses


def _weighted_votes(labels: Ints, prior: Floats, matrices: Floats) -> Floats:
    """Each label adds its worker's column; the prior comes on top."""
    votes = sum((labels == label).astype(float) @ matrices[:, :, label] for label in range(matrices.shape[2]))
    guesses = votes * prior + (labels < 0).all(axis=1, keepdims=True) * prior
    return np.asarray(guesses / guesses.sum(axis=1, keepdims=True))


EXERCISE = Exercise(
    number="1.6",
    title="From workers to guesses",
    points=4,
    minutes=15,
    solution=task_guesses,
    cases=_cases,
    axes=("list", "class"),
    mistakes=(
        Mistake(
            "no prior",
            _changed(lambda labels, prior, matrices: (labels, np.full_like(prior, 1 / len(prior)), matrices)),
            "That is what comes out when the prior is left out, as if all classes were equally common. Look at: Bayes' "
            "rule, whose first factor is what was known before anybody spoke.",
        ),
        Mistake(
            "matrices transposed",
            _changed(lambda labels, prior, matrices: (labels, prior, matrices.transpose(0, 2, 1))),
            "That is what comes out when a matrix is read as [worker, said, truth]. A label picks a *column*; its "
            "entries, one a truth, are the factors. Look at: the order in the docstring.",
        ),
        Mistake(
            "−1 is the last class",
            _changed(lambda labels, prior, matrices: (labels % len(prior), prior, matrices)),
            "That is what comes out when −1 is used as an index: who was not asked then said the last class. Look at: "
            "lists where a worker has no label.",
        ),
        Mistake(
            "−1 is the first class",
            _changed(lambda labels, prior, matrices: (np.maximum(labels, 0), prior, matrices)),
            "That is what comes out when who was not asked is taken to have said class 0. Look at: lists where a "
            "worker has no label.",
        ),
        Mistake(
            "a product that is 0 in the computer",
            _product,
            "That is what comes out when hundreds of probabilities are multiplied: the product is below the smallest "
            "number there is, and 0/0 is NaN. Look at: sums of logarithms, and subtract the largest before `exp`.",
            also=(_small_added,),
        ),
        Mistake(
            "not divided by the sum",
            _of_logs(lambda logs, prior, labels: np.exp(logs + prior)),
            "These are likelihoods times prior. Divided by their sum over the classes they are probabilities. Look at: "
            "the last but one line of the docstring.",
            also=(
                _of_logs(
                    lambda logs, prior, labels: np.exp((logs + prior) - (logs + prior).max(axis=1, keepdims=True))
                ),
            ),
        ),
        Mistake(
            "still logarithms",
            _of_logs(lambda logs, prior, labels: logs + prior),
            "These are logarithms: they are negative. Look at: `exp`, then the sum.",
        ),
        Mistake(
            "divided over lists",
            _of_logs(lambda logs, prior, labels: _softmax(logs + prior, axis=0)),
            "That is what comes out when the sum runs over the lists. For each list the *classes* sum to 1. Look at: "
            "your axis.",
        ),
        Mistake(
            "the prior once for each label",
            _of_logs(lambda logs, prior, labels: _softmax(logs + prior * np.maximum(_number(labels), 1))),
            "That is what comes out when the prior is multiplied in with every label. It counts once for each list. "
            "Look at: what stands inside your loop over workers.",
            also=(_of_logs(lambda logs, prior, labels: _softmax(logs + prior * _number(labels))),),
        ),
        Mistake(
            "mean of the logarithms",
            _of_logs(lambda logs, prior, labels: _softmax(logs / np.maximum(_number(labels), 1) + prior)),
            "That is what comes out when logarithms are averaged: ten people who agree are then no surer than one. "
            "Look at: `mean` and `sum`.",
        ),
        Mistake(
            "the prior is not a logarithm",
            _of_logs(lambda logs, prior, labels: _softmax(logs + np.exp(prior))),
            "That is what comes out when the prior itself is added to logarithms. Look at: what is added to what.",
        ),
        Mistake(
            "made hard",
            _of_logs(_hard),
            "That is what comes out when the likeliest class gets all of the probability. How sure it is, is half of "
            "what this step tells. Look at: `argmax`.",
        ),
        Mistake(
            "nothing known about an empty list",
            _uniform_where_empty,
            "That is what comes out when a list without labels gets all classes alike. The prior is still known. Look "
            "at: the docstring, on lists without labels.",
        ),
        Mistake(
            "added up",
            _weighted_votes,
            "That is what comes out when the workers' columns are added up, like votes with weights. Independent "
            "witnesses *multiply*. Look at: the formula's product.",
        ),
    ),
    hints=(
        "For one list: begin with the prior. For each worker who gave a label, multiply by the column of their matrix "
        "for that label. In the end, divide by the sum.",
        "In logarithms a product is a sum. For one class c, `(labels == c) @ np.log(matrices[:, :, c])` adds it up "
        "for all lists and workers at once; who was not asked adds nothing.",
        "Add the logarithm of the prior, subtract each row's largest number, take `np.exp`, divide by each row's sum.",
    ),
)
