"""From scores to advantages. All tensors are (batch, time) over response tokens, mask 1 up to the end token."""

import torch
from torch import Tensor


def kl_k1(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """log π − log π_ref of each sampled token: unbiased for the KL divergence, may be negative."""
    return logprobs - ref_logprobs


def kl_k2(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """½ (log π − log π_ref)²: never negative, little noise, but biased where the policies are far apart."""
    return 0.5 * (logprobs - ref_logprobs) ** 2


def kl_k3(logprobs: Tensor, ref_logprobs: Tensor) -> Tensor:
    """(r − 1) − log r with r = π_ref/π: unbiased, never negative, less noisy.

    J. Schulman, "Approximating KL divergence", joschu.net/blog/kl-approx.html, 2020.
    """
    log_ratio = ref_logprobs - logprobs
    return torch.expm1(log_ratio) - log_ratio


def kl_estimators(logprobs: Tensor, ref_logprobs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """k1, k2 and k3 of each sampled token, each of the shape of `logprobs`; the tokens were sampled from π.

    logprobs, ref_logprobs: of one shape, in nats. Their means over many samples estimate KL(π ‖ π_ref).
    J. Schulman, "Approximating KL divergence", joschu.net/blog/kl-approx.html, 2020.
    """
    return kl_k1(logprobs, ref_logprobs), kl_k2(logprobs, ref_logprobs), kl_k3(logprobs, ref_logprobs)


def token_rewards(scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """−β (log π − log π_ref) on every token, plus the score on the last one (Ziegler et al. 2019, equation 2).

    scores: (batch,) from the reward model. logprobs, ref_logprobs, mask: (batch, time); what stands on pads does not
    count. Returns (batch, time), exactly 0 on pads.
    """
    rewards = -kl_coef * kl_k1(logprobs, ref_logprobs) * mask
    last = mask.sum(dim=1).long() - 1
    return rewards.scatter_add(1, last[:, None], scores[:, None].to(rewards.dtype))


@torch.no_grad()
def gae(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    """Generalised advantage estimation over padded responses (Schulman et al. 2016, equation 16).

    rewards, values, mask: (batch, time), mask 1 on response tokens up to and including the end token. On pads rewards
    and values may hold any number. The value after the last token is 0.
    Returns advantages, (batch, time), exactly 0 on pads, without a gradient.
    """
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = torch.zeros_like(following)
    for step in reversed(range(rewards.shape[1])):
        surprise = rewards[:, step] + gamma * next_value - values[:, step]
        following = (surprise + gamma * lam * following) * mask[:, step]
        next_value = values[:, step] * mask[:, step]
        advantages[:, step] = following
    return advantages


def masked_mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over real tokens, a scalar."""
    return (values * mask).sum() / mask.sum()


def centre(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """The mean over real tokens goes to 0, the scale stays, so that β weighs the reward's own unit against a nat of KL.

    In the place of `whiten`, with its arguments; pads become 0.
    """
    return (values - masked_mean(values, mask) if shift_mean else values) * mask


def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """Scale to standard deviation 1 over real tokens; the mean goes to 0, or stays where it was. Pads become 0.

    values, mask: (batch, time); what stands on pads does not count.
    """
    mean = masked_mean(values, mask)
    variance = masked_mean((values - mean) ** 2, mask)
    whitened = (values - mean) * torch.rsqrt(variance + 1e-8)
    return (whitened if shift_mean else whitened + mean) * mask
