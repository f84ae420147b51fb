"""What the cases of assignment 01 are drawn with: labels that agree more than by chance, with gaps."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]


def whole(values: Sequence[object]) -> Ints:
    """A (nested) list as an array of whole numbers."""
    return np.array(values, dtype=np.int64)


def truths(tasks: int, classes: int, rng: np.random.Generator) -> Ints:
    """True classes, (tasks,), the first class most common; each occurs."""
    shares = np.arange(classes, 0, -1) / np.arange(1, classes + 1).sum()
    drawn: Ints = rng.choice(classes, tasks, p=shares).astype(np.int64)
    drawn[:classes] = np.arange(classes)
    return drawn


def said(truth: Ints, workers: int, classes: int, missing: float, rng: np.random.Generator) -> Ints:
    """Labels, (tasks, workers): right in three of four, else any class; -1 for a share of `missing`."""
    shape = (len(truth), workers)
    labels = np.where(rng.random(shape) < 0.7, truth[:, None], rng.integers(classes, size=shape))
    return np.where(rng.random(shape) < missing, -1, labels).astype(np.int64)


def shares(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """Random numbers above 0 whose last axis sums to 1."""
    drawn = rng.gamma(1.0, size=shape) + 0.05
    return np.asarray(drawn / drawn.sum(axis=-1, keepdims=True))
