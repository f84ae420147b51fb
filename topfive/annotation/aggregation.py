"""From several labels an item to one, and what they tell about those who gave them.

Majority vote, Dawid and Skene's EM, golden tasks, and three signs of people who only pretend to work. Labels are a
matrix (tasks, workers) of classes, -1 where there is none.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from topfive.annotation.agreement import class_counts
from topfive.annotation.labels import MISSING, Labels

Floats = NDArray[np.float64]

FLOOR = 1e-10  # the least count in a worker's matrix: nobody is taken to say something never


def majority_vote(labels: Labels, classes: int) -> Labels:
    """The class with most labels, for each task; -1 where two share the lead, or nobody labelled.

    labels: (tasks, workers) int64, -1 where there is none. Returns (tasks,) int64.
    """
    counts = class_counts(labels, classes)
    most = counts.max(axis=1)
    alone = (counts == most[:, None]).sum(axis=1) == 1
    return np.where(alone, counts.argmax(axis=1), MISSING)


def vote_shares(labels: Labels, classes: int) -> Floats:
    """The share of each class among a task's labels; of a task without labels all alike. Returns (tasks, classes)."""
    counts = class_counts(labels, classes)
    total = counts.sum(axis=1, keepdims=True)
    return np.where(total > 0, counts / np.maximum(total, 1), 1 / classes)


def worker_matrices(labels: Labels, guesses: Floats, floor: float = FLOOR) -> Floats:
    """How often each worker says what, when the truth is what: the M-step of Dawid and Skene (1979, eq. 2.3).

    labels: (tasks, workers) int64, -1 where there is none. guesses: (tasks, classes) float, how likely each class is
    the truth of a task. Each label counts for every truth as much as that is likely; counts are at least `floor`.
    Returns (workers, truth, said) float; each row sums to 1.
    """
    classes = guesses.shape[1]
    counts = np.stack([(labels == said).T @ guesses for said in range(classes)], axis=2)
    counts = np.maximum(counts, floor)
    return np.asarray(counts / counts.sum(axis=2, keepdims=True))


def task_guesses(labels: Labels, prior: Floats, matrices: Floats) -> Floats:
    """How likely each class is the truth of each task: the E-step of Dawid and Skene (1979, eq. 2.5), by Bayes' rule.

    labels: (tasks, workers) int64, -1 where there is none. prior: (classes,) float, how common the classes are.
    matrices: (workers, truth, said) float, above 0. Works for hundreds of labels a task as well.
    Returns (tasks, classes) float; each row sums to 1. A task without labels has the prior.
    """
    logs = np.log(matrices)
    likelihood = np.log(np.maximum(prior, FLOOR)) + sum(
        (labels == said).astype(float) @ logs[:, :, said] for said in range(matrices.shape[2])
    )
    weights = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


class DawidSkene(NamedTuple):
    """What EM found. guesses: (tasks, classes). prior: (classes,). matrices: (workers, truth, said). steps: taken."""

    guesses: Floats
    prior: Floats
    matrices: Floats
    steps: int


def dawid_skene(
    labels: Labels,
    classes: int,
    steps: int = 100,
    tolerance: float = 1e-6,
    m_step: Callable[..., Floats] = worker_matrices,
    e_step: Callable[..., Floats] = task_guesses,
) -> DawidSkene:
    """Truths and workers estimated from each other, in turns, beginning with the shares of votes.

    labels: (tasks, workers) int64, -1 where there is none. Ends after `steps`, or when no guess moves by more than
    `tolerance`. m_step, e_step: as `worker_matrices` and `task_guesses`. (Dawid and Skene 1979.)
    """
    guesses = vote_shares(labels, classes)
    prior, matrices = guesses.mean(axis=0), m_step(labels, guesses)
    taken = 0
    while taken < steps:
        taken += 1
        before, guesses = guesses, e_step(labels, prior, matrices)
        prior, matrices = guesses.mean(axis=0), m_step(labels, guesses)
        if np.abs(guesses - before).max() <= tolerance:
            break
    return DawidSkene(guesses, prior, matrices, taken)


# --- who works, and who pretends ----------------------------------------------------------------------------------


def golden_quality(labels: Labels, gold: Labels) -> Floats:
    """How each worker did on golden tasks, those whose right answer is known.

    labels: (tasks, workers) int64, -1 where there is none. gold: (tasks,) int64, -1 where the answer is not known.
    Returns (workers, 2) float: the share that is right, NaN for who met none; and how many they met.
    """
    met = (labels != MISSING) & (gold != MISSING)[:, None]
    right = (met & (labels == gold[:, None])).sum(axis=0)
    number = met.sum(axis=0)
    share = np.divide(right, number, out=np.full(len(number), np.nan), where=number > 0)
    return np.stack([share, number.astype(float)], axis=1)


def spammer_scores(matrices: Floats) -> Floats:
    """How much a worker's label tells about the truth: 0 nothing, 1 everything (Raykar and Yu 2012, section 3).

    matrices: (workers, truth, said) float, rows sum to 1. The squared distance between two of a worker's rows, halved,
    averaged over all pairs of different truths: who says the same whatever the truth has equal rows.
    Returns (workers,) float.
    """
    classes = matrices.shape[1]
    apart = ((matrices[:, :, None, :] - matrices[:, None, :, :]) ** 2).sum(axis=3) / 2
    return np.asarray(apart.sum(axis=(1, 2)) / (classes * (classes - 1)))


def surprising_agreement(labels: Labels, found: DawidSkene) -> Floats:
    """How much more often two workers agree than both working alone would, in standard errors: copying shows here.

    labels: (tasks, workers) int64. found: what `dawid_skene` makes of them.
    Returns (workers, workers) float, symmetric; 0 on the diagonal and for pairs without a common task.
    """
    shared = (labels != MISSING).astype(float)
    ones = [(labels == said).astype(float) for said in range(found.matrices.shape[2])]
    agreed = sum(one.T @ one for one in ones)
    alike = np.einsum("ats,bts->tab", found.matrices, found.matrices)
    chance = np.einsum("ia,ib,it,tab->iab", shared, shared, found.guesses, alike, optimize=True)
    expected, variance = chance.sum(axis=0), (chance * (1 - chance)).sum(axis=0)
    excess = np.divide(agreed - expected, np.sqrt(variance), out=np.zeros_like(expected), where=variance > 1e-9)
    np.fill_diagonal(excess, 0.0)
    return excess
