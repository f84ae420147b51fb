"""One person's rankings under a Gaussian prior: the likeliest utilities, and how probable the prior makes the rankings.

The utility of a list is an offset, known beforehand, plus f, which has a Gaussian prior; rankings follow Plackett–Luce.
The likeliest f is found by Newton's method, the probability of the rankings by Laplace's approximation (Rasmussen and
Williams 2006, section 3.4, with this likelihood; MacKay 1992 on weighing priors by it).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topfive.lists import Ranking
from topfive.reward.heads import in_rankings, padded_ranks

Array = NDArray[np.float64]


class Posterior(NamedTuple):
    """weights: (lists,), such that the likeliest f is kernel @ weights. evidence: log probability of the rankings."""

    weights: Array
    evidence: float


def posterior(kernel: Array, offset: Array, rankings: Sequence[Ranking], steps: int = 20) -> Posterior:
    """What rankings say about their lists, which come in the order of the rankings.

    kernel: (lists, lists), the covariance of f. offset: (lists,), in nats.
    """
    ranks, identity = padded_ranks(rankings), np.eye(len(offset))
    weights: Array = np.zeros(len(offset))
    for _ in range(steps):
        before, f = weights, kernel @ weights
        _, gradient, curvature = _log_likelihood(offset + f, ranks, rankings)
        weights = np.asarray(np.linalg.solve(identity + curvature @ kernel, curvature @ f + gradient), dtype=float)
        if np.abs(weights - before).max() < 1e-6:
            break
    f = kernel @ weights
    likelihood, _, curvature = _log_likelihood(offset + f, ranks, rankings)
    spread = np.linalg.slogdet(identity + curvature @ kernel)[1]
    return Posterior(weights, likelihood - 0.5 * float(weights @ f) - 0.5 * float(spread))


def _log_likelihood(utilities: Array, ranks: Tensor, rankings: Sequence[Ranking]) -> tuple[float, Array, Array]:
    """log p(rankings | utilities), its gradient, (lists,), and minus its second derivative, (lists, lists)."""
    scores = in_rankings(torch.tensor(utilities), rankings)
    gradient, curvature = _derivatives(scores, ranks)
    present = ranks > 0
    blocks = [block[there][:, there].numpy() for block, there in zip(curvature, present, strict=True)]
    ends = np.cumsum([len(block) for block in blocks])
    whole = np.zeros((len(utilities), len(utilities)))
    for block, end in zip(blocks, ends, strict=True):
        whole[end - len(block) : end, end - len(block) : end] = block
    return -float(_surprise(scores, ranks).sum()), -gradient[present].numpy(), whole


def _surprise(scores: Tensor, ranks: Tensor) -> Tensor:
    """−log p of a ranking, summed over its choices, members of a tie as in `plackett_luce_loss`. (…, K) → (…)."""
    present = ranks > 0
    available = (ranks[..., None, :] >= ranks[..., :, None]) & present[..., None, :]
    # No infinities: their second derivative would be NaN where a list is not there.
    rest = scores[..., None, :].where(available, -1e9).logsumexp(dim=-1)
    choices = present & (ranks < ranks.max(dim=-1, keepdim=True).values)
    return ((rest - scores) * choices).sum(dim=-1)


def _derivatives(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Gradient, (batch, K), and second derivative, (batch, K, K), of each ranking's surprise."""
    first = torch.func.grad(_surprise)
    second = torch.func.hessian(_surprise)
    return torch.func.vmap(first)(scores, ranks), torch.func.vmap(second)(scores, ranks)
