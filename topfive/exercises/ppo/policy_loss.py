"""Exercise 6.5: the clipped policy loss."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv
from topfive.ppo.losses import policy_loss


def _policy_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32, step: float = 0.5
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        old = -3 * torch.rand(len(lengths), time, generator=generator, dtype=dtype)
        new = old + step * torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        advantages = torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        return new.requires_grad_(), old, advantages, lengths_mask(lengths, time)

    def one(ratio: float, sign: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = -1 - torch.rand(1, 1, generator=generator)
        advantage = sign * (1 + torch.rand(1, 1, generator=generator))
        return (old + torch.tensor(ratio).log()).requires_grad_(), old, advantage, torch.ones(1, 1), 0.2

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    good, bad = "a good token: its ratio inside, above, below", "a bad token: its ratio inside, above, below"
    return [
        *(Case(good, one(ratio, +1), look_at="when a good token stops being pushed.") for ratio in (1.1, 1.5, 0.5)),
        *(Case(bad, one(ratio, -1), look_at="when a bad token stops being pushed.") for ratio in (0.9, 1.5, 0.5)),
        Case("two responses of different length", (*drawn([6, 3], 6), 0.2), look_at="how many tokens count."),
        Case("another ε", (*drawn([4, 2, 5], 5), 0.4), look_at="where cliprange enters."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the mean over tokens."),
    ]


def _policy(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, cliprange: float, *, wrong: str = ""
) -> Tensor:
    log_ratio = old_logprobs - logprobs if wrong == "upside down" else logprobs - old_logprobs
    ratio = log_ratio if wrong == "no exp" else log_ratio.exp()
    if wrong == "of logs":
        ratio = logprobs / old_logprobs
    unclipped = ratio * advantages
    clipped = ratio.clamp(1 - cliprange, 1 + cliprange) * advantages
    if wrong == "no clip":
        clipped = unclipped
    if wrong == "clip only":
        unclipped = clipped
    gain = torch.maximum(unclipped, clipped) if wrong == "larger" else torch.minimum(unclipped, clipped)
    if wrong == "answers":
        return -((gain * mask).sum(dim=1) / mask.sum(dim=1)).mean()
    if wrong == "sum":
        return -(gain * mask).sum()
    if wrong == "pads":
        return -gain.mean()
    if wrong == "numel":
        return -(gain * mask).mean()
    return (1 if wrong == "sign" else -1) * adv.masked_mean(gain, mask)


EXERCISE = Exercise(
    number="6.5",
    title="The clipped policy loss",
    points=3,
    minutes=12,
    solution=policy_loss,
    cases=_policy_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "the larger of the two",
            partial(_policy, wrong="larger"),
            "That is what comes out when the larger of the two gains is taken. PPO is a pessimist and takes the "
            "smaller; of two losses (gains with a minus) that is the larger. Look at: min, max and your minus.",
        ),
        Mistake(
            "no clipping",
            partial(_policy, wrong="no clip"),
            "That is what comes out without the clipped part. Then one lucky list may be pushed without end. "
            "Look at: what cliprange does.",
        ),
        Mistake(
            "only the clipped part",
            partial(_policy, wrong="clip only"),
            "That is what comes out when the clipped part is used alone, without the min. A token that moved the wrong "
            "way then gets no gradient and can never come back. Look at: the min of the two.",
            "the case below 1 − ε with Â > 0 in figure 1 of Schulman et al. 2017",
        ),
        Mistake(
            "upside down",
            partial(_policy, wrong="upside down"),
            "That is what comes out when the ratio is π_old/π. Look at: which of the two is subtracted.",
        ),
        Mistake(
            "a logarithm for a ratio",
            partial(_policy, wrong="no exp"),
            "That is what comes out when the difference of log-probabilities is used as the ratio. Where nothing has "
            "changed it is 0, where a ratio is 1. Look at: exp.",
        ),
        Mistake(
            "a ratio of logarithms",
            partial(_policy, wrong="of logs"),
            "That is what comes out when one log-probability is divided by the other. A ratio of probabilities is exp "
            "of the difference of their logarithms. Look at: how ρ comes from log π and log π_old.",
        ),
        Mistake(
            "the sign of a gain",
            partial(_policy, wrong="sign"),
            "That is what comes out without the minus: optimisers make a loss smaller, so this would unlearn. "
            "Look at: the sign of what you return.",
        ),
        Mistake(
            "a sum",
            partial(_policy, wrong="sum"),
            "That is what comes out when tokens are added up and not averaged: the step would grow with the batch. "
            "Look at: what you divide by.",
        ),
        Mistake(
            "pads count",
            partial(_policy, wrong="pads"),
            "That is what comes out of .mean() over all places, pads too. Look at: where `mask` enters.",
        ),
        Mistake(
            "divides by all places",
            partial(_policy, wrong="numel"),
            "That is what comes out when pads are set to 0 and then counted. Look at: what you divide by.",
        ),
        Mistake(
            "mean of means",
            partial(_policy, wrong="answers"),
            "That is what comes out when each response is averaged first: a token of a long list then counts less than "
            "one of a short list. Look at: one sum over all real tokens, divided by their number.",
            "discussed as a length bias by Liu et al. 2025, arXiv 2503.20783",
        ),
    ),
    hints=(
        "First the ratio ρ = π/π_old of each token, from the difference of the log-probabilities. Then two gains a "
        "token: ρ·Â, and the same with ρ kept between 1 − ε and 1 + ε.",
        "`ratio.clamp(low, high)` keeps it; `torch.minimum` takes the smaller of two tensors, place by place.",
        "Average over real tokens: (… * mask).sum() / mask.sum(). And a minus, because optimisers minimise.",
    ),
)
