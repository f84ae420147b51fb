"""How far labellers agree: percent agreement, Cohen's κ, Krippendorff's α, by hand and for nominal labels only.

A label of -1 is missing: not asked, or skipped. Where a coefficient is not defined, it is NaN; `summary` says why.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from topfive.annotation.labels import MISSING, Labels, LabelTable
from topfive.errors import TopFiveError


def percent_agreement(a: Labels, b: Labels) -> float:
    """Share of the items that both labelled to which both gave the same label.

    a, b: (items,) int64, two labellers' classes, -1 where one gave none. NaN if they share no item.
    """
    both = (a != MISSING) & (b != MISSING)
    return float((a[both] == b[both]).mean()) if both.any() else float("nan")


def cohen_kappa(a: Labels, b: Labels) -> float:
    """Agreement beyond chance, as a share of what is left beyond chance (Cohen 1960).

    a, b: (items,) int64, -1 where one gave none; only items that both labelled count. By chance they agree as often as
    two who draw labels with their own frequencies. NaN if they share no item, or both use one and the same class only.
    """
    both = (a != MISSING) & (b != MISSING)
    a, b = a[both], b[both]
    if len(a) == 0:
        return float("nan")
    observed = (a == b).mean()
    chance = sum((a == label).mean() * (b == label).mean() for label in np.unique(a))
    return float((observed - chance) / (1 - chance)) if chance < 1 else float("nan")


def krippendorff_alpha(labels: Labels) -> float:
    """Krippendorff's α for nominal labels: 1 − observed / expected disagreement, by any number of labellers.

    labels: (items, labellers) int64, -1 where there is none. Items with fewer than two labels tell nothing and are left
    out. An item with m labels counts each of its ordered pairs 1/(m − 1); expected is the disagreement of any two of
    all the labels that are left. NaN if none are, or if all are of one class.
    (Krippendorff, Computing Krippendorff's alpha-reliability, 2011.)
    """
    counts = class_counts(labels, int(labels.max(initial=0)) + 1)
    counts = counts[counts.sum(axis=1) >= 2]
    per_item, per_class, total = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    apart = ((per_item**2 - (counts**2).sum(axis=1)) / (per_item - 1)).sum() / max(total, 1)
    expected = (total**2 - (per_class**2).sum()) / max(total * (total - 1), 1)
    return float(1 - apart / expected) if expected > 0 else float("nan")


def class_counts(labels: Labels, classes: int) -> NDArray[np.int64]:
    """How many labels of each class an item has. labels: (items, labellers). Returns (items, classes) int64."""
    return np.stack([(labels == label).sum(axis=1) for label in range(classes)], axis=1)


@dataclass(frozen=True)
class Agreement:
    """How far a crowd agrees. percent: mean over pairs of workers with common items, each weighted by their number."""

    percent: float
    alpha: float
    pairs: int


def summary(table: LabelTable) -> Agreement:
    """Percent agreement and α of a table. Raises TopFiveError, in words, where nothing can be said."""
    if len(table.workers) < 2:
        raise TopFiveError(f"all labels are by {table.workers[0]!r}: agreement needs a second worker on the same tasks")
    shared = np.array([_shared(a, b) for a, b in combinations(table.matrix.T, 2)])
    agree, of = shared.sum(axis=0).tolist()
    if not of:
        raise TopFiveError("no task has two labels: have some of the tasks labelled by more than one worker")
    used = sorted({table.classes[label] for label in table.matrix[table.matrix != MISSING].tolist()})
    if len(used) < 2:
        raise TopFiveError(
            f"every label is {used[0]!r}: who always says the same agrees by chance, so α and κ are undefined; "
            "put tasks of the other classes in"
        )
    return Agreement(agree / of, krippendorff_alpha(table.matrix), int((shared[:, 1] > 0).sum()))


def _shared(a: Labels, b: Labels) -> tuple[int, int]:
    """How many items two labellers gave the same label, and how many both labelled."""
    both = (a != MISSING) & (b != MISSING)
    return int((a[both] == b[both]).sum()), int(both.sum())
