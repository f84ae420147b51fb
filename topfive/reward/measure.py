"""How good a reward model is: right pairs and their ceiling, calibration, and what choosing the best of n does."""

import math
from collections.abc import Hashable, Sequence

import torch
from torch import Tensor

from topfive.stats import Estimate, cluster_ratio


def pairs_right(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """How many pairs inside each ranking the scores order as the labeller did, and how many there are.

    scores: (batch, K). ranks: (batch, K) int64 places, 1 the best, equal places tie, 0 for no list there.
    A pair counts once, and only if its places differ; where its scores are equal, half of it is right.
    Returns (right, pairs), each (batch,) float.
    """
    present = ranks > 0
    better = (ranks[:, :, None] < ranks[:, None, :]) & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    right = (difference > 0).to(scores.dtype) + 0.5 * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)


def accuracy_ceiling(agreement: Tensor) -> Tensor:
    """The most accuracy anybody can have against labellers who agree on this share of pairs; an upper bound.

    Of a pair whose likelier answer has probability m, the best guess is right with probability m, and two labellers
    agree with probability m² + (1 − m)². That is convex in m, so by Jensen's inequality the mean of m is at most
    the m that solves m² + (1 − m)² = agreement. Agreement below 1/2 gives 1/2.

    agreement: (n,) float. Returns (n,) float.
    """
    return (1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2


def calibration_table(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> Tensor:
    """Predicted probability against observed frequency, in `bins` bins of equal width on [0, 1].

    probabilities: (n,) float. outcomes: (n,) 1 where it happened, else 0. Bin b holds b/bins ≤ p < (b + 1)/bins, and
    the last one also p = 1.
    Returns (bins, 3) float: mean predicted probability, share of outcomes that are 1, and number of predictions;
    the first two are NaN where a bin is empty. (Guo et al. 2017, section 2.)
    """
    place = (probabilities * bins).long().clamp(max=bins - 1)
    count = torch.zeros(bins, dtype=probabilities.dtype).index_add(0, place, torch.ones_like(probabilities))
    sums = [torch.zeros_like(count).index_add(0, place, values.to(count.dtype)) for values in (probabilities, outcomes)]
    return torch.stack([*(total / count for total in sums), count], dim=1)


def calibration_error(table: Tensor) -> float:
    """Mean distance between predicted and observed, weighted by count (ECE: Guo et al. 2017, eq. 3)."""
    predicted, observed, count = table[table[:, 2] > 0].T
    return float(((predicted - observed).abs() * count).sum() / count.sum())


def calibration_slope(scores: Tensor, ranks: Tensor, clusters: Sequence[Hashable]) -> Estimate:
    """How steeply the outcome of a pair rises with its predicted probability: 1 if calibrated, less if too sure.

    The slope of the best straight line through (½, ½): pairs may be turned round, so every curve goes through there.
    scores, ranks: (rankings, K), place 0 for no list. clusters: (rankings,); the interval resamples whole clusters.
    """
    first, second = torch.triu_indices(scores.shape[1], scores.shape[1], offset=1)
    there = (ranks[:, first] > 0) & (ranks[:, second] > 0) & (ranks[:, first] != ranks[:, second])
    sure = (torch.sigmoid(scores[:, first] - scores[:, second]) - 0.5) * there
    happened = (ranks[:, first] < ranks[:, second]).float() - 0.5
    return cluster_ratio((sure * happened).sum(dim=1).tolist(), (sure**2).sum(dim=1).tolist(), clusters)


def best_of_n_distribution(probabilities: Tensor, n: int) -> Tensor:
    """How likely each answer is to be the best of n independent samples.

    probabilities: (k,) float, of the k answers from the lowest score to the highest, no two of the same score.
    The best of n is at most answer i with probability (p₁ + … + pᵢ)ⁿ. Returns (k,) float.
    """
    at_most = probabilities.cumsum(dim=0) ** n
    return at_most.diff(prepend=at_most.new_zeros(1))


def best_of_n_kl(n: int) -> float:
    """log n − (n − 1)/n: the most that the best of n can be away from what it was sampled from, in nats.

    Exact if no two samples can be equal or score the same, as with a density (Stiennon et al. 2020, appendix G.3);
    with finitely many answers it is an upper bound (Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n


def best_of_n_mean(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """Expected value of the best-scoring one of n samples, over all ways to choose n of the m that there are.

    scores, values: (prompts, m). In ascending order of score, sample i of m (from 0) is the best of n in C(i, n − 1)
    of the C(m, n) ways (Nakano et al. 2021, appendix I). Returns (prompts,).
    """
    m = scores.shape[1]
    ways = torch.tensor([math.comb(i, n - 1) / math.comb(m, n) for i in range(m)], dtype=values.dtype)
    return values.gather(1, scores.argsort(dim=1, stable=True)) @ ways


def best_of_n_gain(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """How much better than one sample the best-scoring of n is, by `values`, for each prompt: (prompts,).

    scores, values: (prompts, m). In standard deviations of `values` within a prompt.
    """
    spread = (values - values.mean(dim=1, keepdim=True)).std()
    return (best_of_n_mean(scores, values, n) - values.mean(dim=1)) / spread
