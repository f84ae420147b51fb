"""Exercise 6.5: the clipped policy loss."""

from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.ppo.averages import Average, averaging_mistakes
from topfive.ppo.advantages import masked_mean, whiten
from topfive.ppo.losses import policy_loss


def _policy_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, cliprange: float = 0.2, step: float = 0.5, unlikely: float = 0.0
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = -3 * torch.rand(len(lengths), time, generator=generator) - unlikely
        new = old + step * torch.randn(len(lengths), time, generator=generator)
        advantages = torch.randn(len(lengths), time, generator=generator)
        return new.requires_grad_(), old, advantages, lengths_mask(lengths, time), cliprange

    def one(ratio: float, sign: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = -1 - torch.rand(1, 1, generator=generator)
        advantage = sign * (1 + torch.rand(1, 1, generator=generator))
        return (old + torch.tensor(ratio).log()).requires_grad_(), old, advantage, torch.ones(1, 1).long(), 0.2

    good, bad = "a good token: its ratio inside, above, below", "a bad token: its ratio inside, above, below"
    by_hand = "this one token by hand: its ratio ρ, the two gains, the smaller of them, and the minus."
    return [
        *(Case(good, one(ratio, +1), look_at=by_hand) for ratio in (1.1, 1.5, 0.5)),
        *(Case(bad, one(ratio, -1), look_at=by_hand) for ratio in (0.9, 1.5, 0.5)),
        Case("two responses of different length", drawn([3, 6], 6), look_at="how many tokens count."),
        Case("another ε", drawn([2, 4, 5], 5, cliprange=0.4), look_at="where cliprange enters."),
        Case("room after the longest response", drawn([2, 4, 1], 7, cliprange=0.1), look_at="how many tokens count."),
        Case(
            "the first update, where ρ = 1", drawn([1, 4], 4, step=0.0), look_at="what is left of the loss when ρ = 1."
        ),
        Case("unlikely tokens", drawn([2, 3], 4, unlikely=50.0), look_at="whether a probability becomes 0."),
        Case("many responses", drawn(integers(1, 10, 32, generator), 9), look_at="the mean over tokens."),
    ]


def _clip(ratio: Tensor, cliprange: float) -> Tensor:
    return ratio.clamp(1 - cliprange, 1 + cliprange)


def _gain(ratio: Tensor, advantages: Tensor, cliprange: float) -> Tensor:
    return torch.minimum(ratio * advantages, _clip(ratio, cliprange) * advantages)


def _gained(gain: Callable[[Tensor, Tensor, float], Tensor]) -> Function:
    """All as it should be, but with `gain(ratio, advantages, cliprange)`."""
    return lambda logprobs, old_logprobs, advantages, mask, cliprange: (
        -masked_mean(gain((logprobs - old_logprobs).exp(), advantages, cliprange), mask)
    )


def _by(ratio: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Function:
    """All as it should be, but with `ratio(logprobs, old_logprobs, mask)`."""
    return lambda logprobs, old_logprobs, advantages, mask, cliprange: (
        -masked_mean(_gain(ratio(logprobs, old_logprobs, mask), advantages, cliprange), mask)
    )


def _averaged(average: Average) -> Function:
    """All as it should be, but for the mean."""
    return lambda logprobs, old_logprobs, advantages, mask, cliprange: (
        -average(_gain((logprobs - old_logprobs).exp(), advantages, cliprange), mask)
    )


def _clipped_at(cliprange: float) -> Function:
    """ε fixed, whatever it is called with."""
    return _gained(lambda ratio, advantages, _: _gain(ratio, advantages, cliprange))


def _clipped_logs(bound: Callable[[Tensor, float], Tensor]) -> Function:
    """The logarithm of the ratio is clipped, then exp."""
    return lambda logprobs, old_logprobs, advantages, mask, cliprange: (
        -masked_mean(
            torch.minimum(
                (logprobs - old_logprobs).exp() * advantages,
                bound(logprobs - old_logprobs, cliprange).exp() * advantages,
            ),
            mask,
        )
    )


def _of_an_answer(total: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """One ratio an answer, from `total(log ratio of tokens, mask)`, (batch, 1)."""
    return _by(lambda new, old, mask: total((new - old) * mask, mask).exp().expand_as(new))


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
            _gained(lambda rho, adv, eps: torch.maximum(rho * adv, _clip(rho, eps) * adv)),
            "That is what comes out when the larger of the two gains is taken. PPO is a pessimist and takes the "
            "smaller; of two losses (gains with a minus) that is the larger. Look at: min, max and your minus.",
        ),
        Mistake(
            "the smaller ratio instead of the smaller gain",
            _gained(lambda rho, adv, eps: torch.minimum(rho, _clip(rho, eps)) * adv),
            "That is what comes out when min (or max) compares the two ratios, and Â is multiplied afterwards. With a "
            "negative Â the smaller ratio is the larger gain. Look at: what min compares.",
            also=(_gained(lambda rho, adv, eps: torch.maximum(rho, _clip(rho, eps)) * adv),),
        ),
        Mistake(
            "no clipping",
            _gained(lambda rho, adv, eps: rho * adv),
            "That is what comes out without the clipped part. Then one lucky list may be pushed without end. "
            "Look at: what cliprange does.",
            also=(_gained(lambda rho, adv, eps: -rho * adv),),
        ),
        Mistake(
            "only the clipped part",
            _gained(lambda rho, adv, eps: _clip(rho, eps) * adv),
            "That is what comes out when the clipped part is used alone, without the min. A token that moved the wrong "
            "way then gets no gradient and can never come back. Look at: the min of the two.",
            "the case below 1 − ε with Â > 0 in figure 1 of Schulman et al. 2017",
            also=(_gained(lambda rho, adv, eps: -_clip(rho, eps) * adv),),
        ),
        Mistake(
            "the mean of the two",
            _gained(lambda rho, adv, eps: (rho * adv + _clip(rho, eps) * adv) / 2),
            "That is what comes out when both gains are added or averaged. Look at: one of the two counts, the "
            "smaller one.",
            also=(_gained(lambda rho, adv, eps: rho * adv + _clip(rho, eps) * adv),),
        ),
        Mistake(
            "one bound only",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(max=1 + eps) * adv)),
            "That is what comes out when the ratio is kept on one side only, below 1 + ε or above 1 − ε: either good "
            "or bad tokens are never stopped. Look at: both bounds of clamp.",
            also=(_gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(min=1 - eps) * adv)),),
        ),
        Mistake(
            "clips around 0",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(-eps, eps) * adv)),
            "That is what comes out when the ratio is kept near 0. Where nothing has changed a ratio is 1. "
            "Look at: the bounds of clamp.",
            also=(
                _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(0, eps) * adv)),
                _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(max=eps) * adv)),
                _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(eps, 1.0) * adv)),
            ),
        ),
        Mistake(
            "bounds exchanged",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho.clamp(1 + eps, 1 - eps) * adv)),
            "That is what comes out when clamp gets the upper bound first: then it always gives its second one. "
            "Look at: clamp(low, high).",
        ),
        Mistake(
            "clips the logarithm",
            _clipped_logs(lambda log, eps: log.clamp(-eps, eps)),
            "That is what comes out when the logarithm of the ratio is clipped and exp comes after it. "
            "Look at: which comes first, exp or clamp.",
            also=(_clipped_logs(lambda log, eps: log.clamp(1 - eps, 1 + eps)),),
        ),
        Mistake(
            "clips the gain",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, _clip(rho * adv, eps))),
            "That is what comes out when ρ·Â is kept between 1 − ε and 1 + ε. It is the ratio alone that is clipped. "
            "Look at: the brackets of clamp.",
            also=(
                _gained(lambda rho, adv, eps: _clip(rho * adv, eps)),
                _gained(lambda rho, adv, eps: torch.minimum(rho * adv, (rho * adv).clamp(-eps, eps))),
            ),
        ),
        Mistake(
            "clips the advantage",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho * _clip(adv, eps))),
            "That is what comes out when the advantage is clipped. It is a constant; what may run away is the ratio. "
            "Look at: what you clamp.",
            also=(_gained(lambda rho, adv, eps: torch.minimum(rho * adv, rho * adv.clamp(-eps, eps))),),
        ),
        Mistake(
            "the clipped part without Â",
            _gained(lambda rho, adv, eps: torch.minimum(rho * adv, _clip(rho, eps))),
            "That is what comes out when the clipped ratio is not multiplied by Â: a gain is compared with a ratio. "
            "Look at: both gains have an Â.",
            also=(_gained(lambda rho, adv, eps: torch.minimum(rho * adv, _clip(rho, eps)) * adv),),
        ),
        Mistake(
            "ε is not used",
            _clipped_at(0.2),
            "That is what comes out when `cliprange` is not looked at, and a number of your own stands in its place. "
            "Look at: where ε enters.",
            also=(_clipped_at(0.1),),
        ),
        Mistake(
            "upside down",
            _by(lambda new, old, mask: (old - new).exp()),
            "That is what comes out when the ratio is π_old/π. Look at: which of the two is subtracted.",
        ),
        Mistake(
            "a logarithm for a ratio",
            _by(lambda new, old, mask: new - old),
            "That is what comes out when the difference of log-probabilities is used as the ratio. Where nothing has "
            "changed it is 0, where a ratio is 1. Look at: exp.",
            also=(
                lambda new, old, adv, mask, eps: (
                    -masked_mean(torch.minimum((new - old) * adv, (new - old).clamp(-eps, eps) * adv), mask)
                ),
            ),
        ),
        Mistake(
            "ρ − 1 for ρ",
            _gained(lambda rho, adv, eps: torch.minimum((rho - 1) * adv, (rho - 1).clamp(-eps, eps) * adv)),
            "That is what comes out when 1 is taken off the ratio. It has the same gradient, and another value. "
            "Look at: the gain of a token that has not moved.",
            also=(_by(lambda new, old, mask: (new - old).exp() - 1),),
        ),
        Mistake(
            "the mask comes too early",
            lambda new, old, adv, mask, eps: policy_loss(new * mask, old * mask, adv, torch.ones_like(mask), eps),
            "That is what comes out when the mask stands inside exp: on pads ρ is then 1, and Â counts. "
            "Look at: the mask belongs to the gains.",
            also=(
                lambda new, old, adv, mask, eps: (
                    policy_loss(new * mask, old * mask, adv, torch.ones_like(mask), eps) * mask.numel() / mask.sum()
                ),
            ),
        ),
        Mistake(
            "a ratio of logarithms",
            _by(lambda new, old, mask: new / old),
            "That is what comes out when one log-probability is divided by the other. A ratio of probabilities is exp "
            "of the difference of their logarithms. Look at: how ρ comes from log π and log π_old.",
            also=(_by(lambda new, old, mask: (new / old).exp()),),
        ),
        Mistake(
            "a difference of probabilities",
            _by(lambda new, old, mask: new.exp() - old.exp()),
            "That is what comes out when π_old is subtracted from π. A ratio is a quotient. Look at: how ρ comes from "
            "log π and log π_old.",
        ),
        Mistake(
            "a product of probabilities",
            _by(lambda new, old, mask: (new + old).exp()),
            "That is what comes out of exp(log π + log π_old), which is a product. Look at: how ρ comes from log π and "
            "log π_old.",
        ),
        Mistake(
            "no old policy",
            _by(lambda new, old, mask: new.exp()),
            "That is what comes out when `old_logprobs` is not looked at: the probability itself, or its logarithm, "
            "stands for the ratio. Look at: how ρ comes from log π and log π_old.",
            "log π · Â is the policy gradient without PPO (Williams 1992)",
            also=(
                _by(lambda new, old, mask: new),
                lambda new, old, adv, mask, eps: -masked_mean(new * adv, mask),
                lambda new, old, adv, mask, eps: -masked_mean(new.exp() * adv, mask),
            ),
        ),
        Mistake(
            "a small number in the denominator",
            _by(lambda new, old, mask: new.exp() / (old.exp() + 1e-8)),
            "That is what comes out when a small number is added to π_old: for an unlikely token it is all that is "
            "left. Look at: exp of the difference of the logarithms, in which nothing is divided.",
            also=(
                _by(lambda new, old, mask: new.exp() / (old.exp() + 1e-10)),
                _by(lambda new, old, mask: new.exp() / (old.exp() + 1e-12)),
            ),
        ),
        Mistake(
            "one ratio an answer",
            _of_an_answer(lambda log, mask: log.sum(dim=1, keepdim=True)),
            "That is what comes out when all tokens of an answer share one ratio, that of the whole answer or a mean. "
            "Here each token has its own. Look at: the sum or mean over time.",
            "GSPO (Zheng et al. 2025, arXiv 2507.18071) does this on purpose",
            also=(_of_an_answer(lambda log, mask: log.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)),),
        ),
        Mistake(
            "no advantages",
            _gained(lambda rho, adv, eps: torch.minimum(rho, _clip(rho, eps))),
            "That is what comes out when `advantages` is not looked at: good and bad tokens are pushed alike. "
            "Look at: where Â enters.",
        ),
        Mistake(
            "absolute advantages",
            lambda new, old, adv, mask, eps: policy_loss(new, old, adv.abs(), mask, eps),
            "That is what comes out when the advantages lose their sign: bad tokens are pushed like good ones. "
            "Look at: what is done to Â before it is multiplied.",
        ),
        Mistake(
            "whitens the advantages",
            lambda new, old, adv, mask, eps: policy_loss(new, old, whiten(adv, mask), mask, eps),
            "That is what comes out when the advantages are whitened here. Whoever calls you has done it, over the "
            "whole batch. Look at: what is done to Â before it is multiplied.",
            also=(
                lambda new, old, adv, mask, eps: policy_loss(
                    new, old, (adv - adv.mean()) / (adv.std() + 1e-8), mask, eps
                ),
            ),
        ),
        Mistake(
            "the sign of a gain",
            lambda *given: -policy_loss(*given),
            "That is what comes out without the minus: optimisers make a loss smaller, so this would unlearn. "
            "Look at: the sign of what you return.",
        ),
        *averaging_mistakes(_averaged),
    ),
    hints=(
        "First the ratio ρ = π/π_old of each token, from the difference of the log-probabilities. Then two gains a "
        "token: ρ·Â, and the same with ρ kept between 1 − ε and 1 + ε.",
        "`ratio.clamp(low, high)` keeps it; `torch.minimum` takes the smaller of two tensors, place by place.",
        "Average over real tokens: (… * mask).sum() / mask.sum(). And a minus, because optimisers minimise.",
    ),
)
