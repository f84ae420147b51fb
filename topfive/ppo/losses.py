"""The losses of PPO. Tensors are (batch, time) over response tokens, mask 1 up to the end token, unless said."""

import torch
from torch import Tensor

from topfive.ppo.advantages import masked_mean


def policy_loss(logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, cliprange: float) -> Tensor:
    """−min(ρ Â, clip(ρ, 1 ± ε) Â), averaged over real tokens; ρ = π/π_old (Schulman et al. 2017, equation 7)."""
    ratio = torch.exp(logprobs - old_logprobs)
    unclipped = ratio * advantages
    clipped = ratio.clamp(1 - cliprange, 1 + cliprange) * advantages
    return masked_mean(-torch.minimum(unclipped, clipped), mask)


def kl_loss(logits: Tensor, ref_logits: Tensor) -> Tensor:
    """KL(π ‖ π_ref) of the next-token distributions, summed over the whole vocabulary, averaged over tokens.

    logits, ref_logits: (…, vocabulary), of real tokens only. The estimate from sampled tokens alone, in the reward,
    does not see the many unlikely tokens into which noise leaks probability; this sees and mends them at once.
    """
    logprobs, ref_logprobs = logits.log_softmax(dim=-1), ref_logits.log_softmax(dim=-1)
    return (logprobs.exp() * (logprobs - ref_logprobs)).sum(dim=-1).mean()


def value_loss(values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, cliprange: float) -> Tensor:
    """Half the larger of two squared errors, plain and with the value kept within ±ε of the old one, averaged.

    As in Ziegler et al. 2019's code (Huang et al. 2024, detail "value function loss clipping").
    """
    clipped = old_values + (values - old_values).clamp(-cliprange, cliprange)
    return 0.5 * masked_mean(torch.maximum((values - returns) ** 2, (clipped - returns) ** 2), mask)
