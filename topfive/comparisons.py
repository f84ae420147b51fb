"""What comparisons of two policies say: a win rate and how sure it is, and how many comparisons that takes.

An outcome is 1 where the new policy's list was preferred, 0 where neither was, −1 where the old one's was.
What this leaves out: where outcomes come from, people or a judge, and resampling with a seed of one's own (`stats`).
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def win_interval(outcomes: Integers, z: float = 1.96) -> Floats:
    """How often the new policy wins, a tie being half a win, with Wilson's score interval (Wilson 1927).

    outcomes: (n,) int, 1 won, 0 tied, −1 lost. z: how many standard errors, 1.96 for 95 %.
    Its ends are all p for which the rate lies within z standard errors √(p (1 − p) / n) of p; n counts ties, too. The
    interval is made for comparisons without ties. A tie varies less than a coin, so with ties it is rather too wide.
    Returns (3,) float: rate, lower end, upper end; NaN, 0 and 1 for n = 0, where nothing is known.
    """
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0.0, 1.0])
    rate = (1 + outcomes.mean()) / 2
    return np.array([rate, *_wilson(rate, n, z)])


def resampled_interval(values: Floats, prompts: Integers, drawn: Integers) -> Floats:
    """The 95 % percentile interval (Efron & Tibshirani 1993, chapter 13) of a mean, with whole prompts resampled.

    Comparisons on one prompt are not independent, so a resample draws prompts and takes all that belongs to them.
    values: (n,) float, one a comparison. prompts: (n,) int, the prompt 0 … k − 1 it belongs to. drawn: (resamples, k)
    int, the prompts of each resample. A prompt that was drawn twice counts twice, one with more comparisons weighs
    more, and one without any adds nothing.
    Returns (2,) float: the 2.5 % and the 97.5 % quantile of the resamples' means (`np.quantile` as it is by default).
    NaN if a resample holds no comparison at all.
    """
    k = drawn.shape[1]
    sums, counts = np.bincount(prompts, values, minlength=k), np.bincount(prompts, minlength=k)
    means = sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1)
    return np.quantile(means, (0.025, 0.975))


def power(rate: float, n: int, z: float = 1.96) -> float:
    """How likely n comparisons are to show that the new policy is better: Wilson's lower end lies above one half.

    rate: the chance, 0 to 1, that it wins a comparison; there are no ties, and comparisons are independent.
    z: as in `win_interval`. Exact: the sum over all numbers of wins. Raises ValueError if n < 1.
    """
    from scipy.stats import binom  # a second to load

    if n < 1:
        raise ValueError(f"n should be at least 1, got {n}")
    wins = np.arange(n + 1)
    low, _ = _wilson(wins / n, n, z)
    return float(binom.pmf(wins[low > 0.5], n, rate).sum())


def _wilson(rate: float | Floats, n: int, z: float) -> tuple[Floats, Floats]:
    """Both ends of Wilson's interval, for one rate of n or for several."""
    middle = rate + z**2 / (2 * n)
    half = z * np.sqrt(rate * (1 - rate) / n + z**2 / (4 * n**2))
    return (middle - half) / (1 + z**2 / n), (middle + half) / (1 + z**2 / n)
