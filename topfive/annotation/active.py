"""Which pair to ask next: the most informative one against one drawn at random, with a simulated labeller.

The labeller's scores are known here, so that a ranking learned from answers can be measured. What this leaves out:
text. Lists are numbers, as in `scores`; nothing is learned about one from another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from topfive.annotation.scores import next_pair

Floats = NDArray[np.float64]
Choose = Callable[[Floats, Floats, NDArray[np.bool_]], tuple[int, int]]


def posterior(wins: Floats, prior: float = 2.0) -> tuple[Floats, Floats]:
    """What comparisons tell about scores: mean (n,) and covariance (n, n), by Laplace's approximation.

    wins: (n, n), how often list i was preferred to list j. prior: standard deviation of scores before any answer.
    """
    n = len(wins)
    counts, mean = wins + wins.T, np.zeros(n)
    for _ in range(50):
        chance = 1 / (1 + np.exp(mean[None, :] - mean[:, None]))
        weights = counts * chance * (1 - chance)
        precision = np.diag(weights.sum(axis=1)) - weights + np.eye(n) / prior**2
        step = np.linalg.solve(precision, (wins - counts * chance).sum(axis=1) - mean / prior**2)
        mean = mean + step
        if np.abs(step).max() < 1e-6:
            break
    return mean, np.asarray(np.linalg.inv(precision), dtype=np.float64)


def random_pair(rng: np.random.Generator) -> Choose:
    """A way to choose: any pair that is open."""

    def choose(mean: Floats, covariance: Floats, closed: NDArray[np.bool_]) -> tuple[int, int]:
        pairs = np.argwhere(np.triu(~closed, k=1))
        i, j = pairs[rng.integers(len(pairs))]
        return int(i), int(j)

    return choose


def accuracy_by_answers(truth: Floats, answers: int, choose: Choose, rng: np.random.Generator) -> Floats:
    """Share of pairs in the right order after each answer, (answers,), and what is still tied counts half.

    truth: (n,) scores of the labeller, who prefers i to j with probability σ(truth i − truth j). The pair that was
    asked last is not asked again at once.
    """
    n = len(truth)
    wins, found = np.zeros((n, n)), np.zeros(answers)
    upper = np.triu_indices(n, k=1)
    right = np.sign(truth[:, None] - truth[None, :])[upper]
    closed = np.zeros((n, n), dtype=bool)
    mean, covariance = posterior(wins)
    for number in range(answers):
        i, j = choose(mean, covariance, closed)
        winner, loser = (i, j) if rng.random() < 1 / (1 + np.exp(truth[j] - truth[i])) else (j, i)
        wins[winner, loser] += 1
        closed[:] = False
        closed[i, j] = closed[j, i] = True
        mean, covariance = posterior(wins)
        guess = np.sign(np.round(mean[:, None] - mean[None, :], 9))[upper]
        found[number] = ((guess * right) + 1).mean() / 2
    return found


@dataclass(frozen=True)
class Race:
    """Accuracy by number of answers of two ways to choose, (seeds, answers) each, on the same lists and labellers."""

    active: Floats
    random: Floats

    def share(self, rows: NDArray[np.int64] | slice = slice(None)) -> float:
        """How many answers, as a share, the active choice needs for the mean accuracy that random has at its end.

        Infinite if it does not get there.
        """
        active, random = self.active[rows].mean(axis=0), self.random[rows].mean(axis=0)
        reached = np.flatnonzero(active >= random[-1])
        return float((reached[0] + 1) / len(random)) if len(reached) else float("inf")

    def interval(self, resamples: int = 2000, seed: int = 0) -> tuple[float, float]:
        """95 % percentile interval of `share`, resampling seeds."""
        rng = np.random.default_rng(seed)
        drawn = [self.share(rng.integers(len(self.active), size=len(self.active))) for _ in range(resamples)]
        low, high = np.quantile(drawn, (0.025, 0.975), method="nearest")  # infinite ones are not to be averaged
        return float(low), float(high)


def race(
    seeds: Sequence[int], lists: int = 12, answers: int = 60, spread: float = 2.0, choose: Choose = next_pair
) -> Race:
    """The two ways on `lists` lists whose scores are drawn anew for each seed, from a normal distribution.

    spread: its standard deviation, in nats. choose: the active choice, with the signature of `next_pair`.
    """
    found = []
    for seed in seeds:
        truth = np.random.default_rng(seed).normal(scale=spread, size=lists)
        ways = (choose, random_pair(np.random.default_rng(seed + 1)))
        found.append([accuracy_by_answers(truth, answers, way, np.random.default_rng(seed + 2)) for way in ways])
    active, random = np.array(found).transpose(1, 0, 2)
    return Race(active, random)
