"""How likely a reward model finds the rankings that people made."""

import torch
import torch.nn.functional as F
from torch import Tensor


def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean of −log σ(chosen − rejected) over comparisons (Bradley & Terry 1952; Stiennon et al. 2020, section 3.4).

    chosen, rejected: (batch,) scores of the preferred and of the other answer. Returns a scalar.
    """
    return -F.logsigmoid(chosen - rejected).mean()


def order_loss(scores: Tensor) -> Tensor:
    """Mean surprise of a choice, −log of its probability, in one order without ties (Luce 1959; Plackett 1975).

    scores: (K,) of at least two lists, from the best place to the worst. Returns a scalar.
    """
    rest = scores.flip(0).logcumsumexp(dim=0).flip(0)
    return (rest - scores)[:-1].mean()


def plackett_luce_loss(scores: Tensor, ranks: Tensor) -> Tensor:
    """Mean negative log-likelihood of rankings, each divided by its number of choices (Luce 1959; Plackett 1975).

    A ranking is read as choices without replacement: the best among all, the next among the rest, and so on.
    Members of a tie are each chosen from the tie and all below it (Breslow 1974).

    scores: (batch, K). ranks: (batch, K) int64 places, 1 the best, equal numbers tie, 0 for no list there.
    Returns a scalar. For K = 2 without a tie this is the Bradley–Terry loss.
    """
    present = ranks > 0
    available = (ranks[:, None, :] >= ranks[:, :, None]) & present[:, None, :]
    rest = scores[:, None, :].masked_fill(~available, -torch.inf).logsumexp(dim=-1)
    lowest = ranks.max(dim=1, keepdim=True).values
    choices = present & (ranks < lowest)
    surprise = (rest - scores).where(choices, 0.0)
    return (surprise.sum(dim=1) / choices.sum(dim=1).clamp(min=1)).mean()
