"""Intervals and resampling: how far a number from a sample can be trusted."""

from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95 % interval and the number of independent observations behind it."""

    mean: float
    low: float
    high: float
    n: int

    def to_dict(self) -> dict[str, float]:
        """Plain numbers for a report."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}] (n = {self.n})"


FEW = 5  # clusters: of fewer, drawing them again says little about others


def in_words(found: Estimate) -> str:
    """An estimate from resampled clusters, without an interval where they are too few for one."""
    return str(found) if found.n >= FEW else f"{found.mean:.2f} (n = {found.n}: too few for an interval)"


def wilson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Share of successes with Wilson's score interval (Wilson 1927).

    Raises ValueError if n < 1 or successes is not within 0..n.
    """
    if not 0 <= successes <= n or n < 1:
        raise ValueError(f"successes should be within 0..n and n at least 1, got {successes} of {n}")
    from scipy import stats  # a second to load, and every panel loads this file

    interval = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    return Estimate(successes / n, float(interval.low), float(interval.high), n)


def bootstrap(values: ArrayLike, confidence: float = 0.95, resamples: int = 2000, seed: int = 0) -> Estimate:
    """Mean with its percentile bootstrap interval (Efron & Tibshirani 1993, chapter 13). Raises ValueError if empty."""
    array = np.asarray(values, dtype=float)
    return ratio_bootstrap(array, np.ones_like(array), confidence, resamples, seed)


def cluster_bootstrap(values: ArrayLike, clusters: Sequence[Hashable], seed: int = 0) -> Estimate:
    """Mean of values that belong to clusters, (n,) each, with an interval that resamples whole clusters.

    Observations of one cluster, such as answers to one prompt, are not independent. Raises ValueError if empty.
    """
    return cluster_ratio(values, np.ones(len(clusters)), clusters, seed=seed)


def cluster_ratio(
    numerators: ArrayLike, denominators: ArrayLike, clusters: Sequence[Hashable], seed: int = 0
) -> Estimate:
    """Ratio of two sums over observations that belong to clusters, (n,) each; the interval resamples whole clusters.

    A cluster whose denominators are all 0 says nothing and is left out. Raises ValueError if none is left.
    """
    numbers = {cluster: number for number, cluster in enumerate(dict.fromkeys(clusters))}
    index = [numbers[cluster] for cluster in clusters]
    above, below = (
        np.bincount(index, np.asarray(values, dtype=float)).astype(np.float64) for values in (numerators, denominators)
    )
    return ratio_bootstrap(above[below != 0], below[below != 0], seed=seed)


def ratio_bootstrap(
    numerators: NDArray[np.float64],
    denominators: NDArray[np.float64],
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Ratio of two sums over the same n clusters, with an interval that resamples whole clusters.

    numerators, denominators: (n,). Raises ValueError if there are none.
    """
    n = len(numerators)
    if n == 0:
        raise ValueError("nothing to estimate: no values")
    chosen = np.random.default_rng(seed).integers(n, size=(resamples, n))
    ratios = numerators[chosen].sum(axis=1) / denominators[chosen].sum(axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(ratios, (tail, 1 - tail))
    return Estimate(float(numerators.sum() / denominators.sum()), float(low), float(high), n)
