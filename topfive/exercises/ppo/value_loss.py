"""Exercise 6.6: the clipped value loss."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.ppo.averages import Average, averaging_mistakes
from topfive.ppo.advantages import masked_mean
from topfive.ppo.losses import value_loss


def _value_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, cliprange: float = 0.2, scale: float = 1.0
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old, returns = scale * torch.randn(2, len(lengths), time, generator=generator)
        values = old + 0.5 * torch.randn(len(lengths), time, generator=generator)
        return values.requires_grad_(), old, returns, lengths_mask(lengths, time), cliprange

    def one(moved: float, away: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = torch.randn(1, 1, generator=generator)
        return (old + moved).requires_grad_(), old, old + away, torch.ones(1, 1).long(), 0.2

    well, wrongly = "one token that moved far, and well", "one token that moved far, and wrongly"
    by_hand = "this one token by hand: the clipped value, the two squared errors, the larger of them, and the ½."
    return [
        Case("one token that moved a little", one(0.1, 0.7), look_at=by_hand),
        Case(well, one(0.6, 0.9), look_at=by_hand),
        Case(well, one(-0.5, -0.5), look_at=by_hand),
        Case(wrongly, one(0.6, -0.9), look_at=by_hand),
        Case(wrongly, one(-0.5, 0.4), look_at=by_hand),
        Case("two responses of different length", drawn([3, 6], 6), look_at="how many tokens count."),
        Case("another ε", drawn([2, 4, 5], 5, cliprange=0.4), look_at="where cliprange enters."),
        Case("room after the longest response", drawn([2, 4, 1], 7, cliprange=0.1), look_at="how many tokens count."),
        Case("returns that are far away", drawn([1, 4], 4, scale=100.0), look_at="what is squared, and when."),
        Case("many responses", drawn(integers(1, 10, 32, generator), 9), look_at="the mean over tokens."),
    ]


def _kept(values: Tensor, old_values: Tensor, cliprange: float) -> Tensor:
    return old_values + (values - old_values).clamp(-cliprange, cliprange)


def _larger(values: Tensor, kept: Tensor, returns: Tensor) -> Tensor:
    return torch.maximum((values - returns) ** 2, (kept - returns) ** 2)


def _clipped_to(kept: Callable[[Tensor, Tensor, Tensor, float], Tensor]) -> Function:
    """All as it should be, but with `kept(values, old_values, returns, cliprange)` for the clipped value."""
    return lambda values, old_values, returns, mask, cliprange: (
        0.5 * masked_mean(_larger(values, kept(values, old_values, returns, cliprange), returns), mask)
    )


def _of(error: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Function:
    """All as it should be, but with twice the loss of a token as `error(values, clipped values, returns)`."""
    return lambda values, old_values, returns, mask, cliprange: (
        0.5 * masked_mean(error(values, _kept(values, old_values, cliprange), returns), mask)
    )


def _averaged(average: Average) -> Function:
    """All as it should be, but for the mean."""
    return lambda values, old_values, returns, mask, cliprange: (
        0.5 * average(_larger(values, _kept(values, old_values, cliprange), returns), mask)
    )


def _clipped_at(cliprange: float) -> Function:
    """ε fixed, whatever it is called with."""
    return lambda values, old_values, returns, mask, _: value_loss(values, old_values, returns, mask, cliprange)


def _times(factor: float) -> Function:
    return lambda *given: factor * value_loss(*given)


EXERCISE = Exercise(
    number="6.6",
    title="The clipped value loss",
    points=2,
    minutes=8,
    solution=value_loss,
    cases=_value_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "the smaller of the two",
            _of(lambda v, kept, r: torch.minimum((v - r) ** 2, (kept - r) ** 2)),
            "That is what comes out when the smaller error is taken. The critic is to be a pessimist about itself: the "
            "larger one counts. Look at: min or max.",
            also=(_of(lambda v, kept, r: 2 * torch.minimum((v - r) ** 2, (kept - r) ** 2)),),
        ),
        Mistake(
            "no clipping",
            _of(lambda v, kept, r: (v - r) ** 2),
            "That is what comes out of the plain squared error. Look at: what cliprange does.",
            "Andrychowicz et al. 2021 found no gain from clipping values, so this is a matter of custom",
            also=(
                _of(lambda v, kept, r: 2 * (v - r) ** 2),
                lambda v, old, r, mask, eps: F.mse_loss(v, r),
                lambda v, old, r, mask, eps: 0.5 * F.mse_loss(v, r),
                lambda v, old, r, mask, eps: F.mse_loss(v * mask, r * mask),
            ),
        ),
        Mistake(
            "only the clipped part",
            _of(lambda v, kept, r: (kept - r) ** 2),
            "That is what comes out when only the clipped value is compared: a value that ran too far gets no gradient "
            "and stays there. Look at: the larger of the two errors.",
            also=(_of(lambda v, kept, r: 2 * (kept - r) ** 2),),
        ),
        Mistake(
            "the sum of both",
            _of(lambda v, kept, r: (v - r) ** 2 + (kept - r) ** 2),
            "That is what comes out when both errors count, as a sum or a mean. Look at: one of the two counts, the "
            "larger one.",
            also=(
                _of(lambda v, kept, r: 2 * ((v - r) ** 2 + (kept - r) ** 2)),
                _of(lambda v, kept, r: ((v - r) ** 2 + (kept - r) ** 2) / 2),
            ),
        ),
        Mistake(
            "max before the square",
            _of(lambda v, kept, r: torch.maximum(v - r, kept - r) ** 2),
            "That is what comes out when max comes before the square: it then takes the higher value instead of the "
            "larger error, and of two negative differences the one nearer to 0. Look at: which comes first.",
            also=(_of(lambda v, kept, r: torch.maximum(r - v, r - kept) ** 2),),
        ),
        Mistake(
            "a constant among the two",
            lambda v, old, r, mask, eps: 0.5 * masked_mean(_larger(v, _kept(v, old, eps).detach(), r), mask),
            "That is what comes out when one of the two values is cut off from the gradient, by .detach() or "
            "torch.no_grad(). Look at: which of the arguments are constants already.",
            also=(
                lambda v, old, r, mask, eps: 0.5 * masked_mean(_larger(v.detach(), _kept(v, old, eps), r), mask),
                lambda v, old, r, mask, eps: (
                    0.5 * masked_mean(_larger(v, old + (v - old).detach().clamp(-eps, eps), r), mask)
                ),
            ),
        ),
        Mistake(
            "clips around 0",
            _clipped_to(lambda v, old, r, eps: v.clamp(-eps, eps)),
            "That is what comes out when the value itself is kept between −ε and ε. It may be anything; what is "
            "limited is how far it moves from the old value. Look at: what you clamp.",
        ),
        Mistake(
            "forgets the old value",
            _clipped_to(lambda v, old, r, eps: (v - old).clamp(-eps, eps)),
            "That is what comes out when the clipped way is compared with the return, without the old value that it "
            "begins at. Look at: V_old + …",
        ),
        Mistake(
            "clips around 1",
            _clipped_to(lambda v, old, r, eps: old * (v / old).clamp(1 - eps, 1 + eps)),
            "That is what comes out when ε is a share, with bounds of 1 − ε and 1 + ε times something, as for the "
            "policy. There a ratio is clamped, near 1; here a difference, near 0, and ε is a number of points. "
            "Look at: what you clamp, and its bounds.",
            also=(
                _clipped_to(lambda v, old, r, eps: old + (v - old).clamp(1 - eps, 1 + eps)),
                _clipped_to(lambda v, old, r, eps: v.clamp(1 - eps, 1 + eps)),
                _clipped_to(lambda v, old, r, eps: (v / old).clamp(1 - eps, 1 + eps)),
                _clipped_to(lambda v, old, r, eps: old * (v - old).exp().clamp(1 - eps, 1 + eps)),
                _clipped_to(lambda v, old, r, eps: v.clamp(old * (1 - eps), old * (1 + eps))),
            ),
        ),
        Mistake(
            "clips around the return",
            _clipped_to(lambda v, old, r, eps: old + (v - r).clamp(-eps, eps)),
            "That is what comes out when the value is kept near the return, or the error itself within ±ε. What is "
            "limited is how far the value moves from the old one. Look at: what is subtracted inside clamp.",
            also=(
                lambda v, old, r, mask, eps: 0.5 * masked_mean((v - r).clamp(-eps, eps) ** 2, mask),
                lambda v, old, r, mask, eps: 0.5 * masked_mean(((v - r) ** 2).clamp(-eps, eps), mask),
            ),
        ),
        Mistake(
            "old and new exchanged",
            _clipped_to(lambda v, old, r, eps: old + (old - v).clamp(-eps, eps)),
            "That is what comes out when the two values change places: the clipped one begins at V_old and goes "
            "towards V. Look at: the difference, and what it is added to.",
            also=(
                _clipped_to(lambda v, old, r, eps: v + (v - old).clamp(-eps, eps)),
                _clipped_to(lambda v, old, r, eps: v + (old - v).clamp(-eps, eps)),
            ),
        ),
        Mistake(
            "one bound only",
            _clipped_to(lambda v, old, r, eps: old + (v - old).clamp(max=eps)),
            "That is what comes out when the value is stopped on one side only, above or below. "
            "Look at: both bounds of clamp.",
            also=(
                _clipped_to(lambda v, old, r, eps: old + (v - old).clamp(min=-eps)),
                _clipped_to(lambda v, old, r, eps: old + (v - old).clamp(0, eps)),
            ),
        ),
        Mistake(
            "ε is not used",
            _clipped_at(0.2),
            "That is what comes out when `cliprange` is not looked at, and a number of your own stands in its place. "
            "Look at: where ε enters.",
            also=(_clipped_at(0.1),),
        ),
        Mistake(
            "compared with the old value",
            _of(lambda v, kept, r: torch.maximum((v - r) ** 2, (kept - v) ** 2)),
            "That is what comes out when an error is measured between other things than a value and the return that "
            "you are given. Look at: what is subtracted in each of the two.",
            also=(
                lambda v, old, r, mask, eps: value_loss(v, old, r + old, mask, eps),
                lambda v, old, r, mask, eps: value_loss(v, old, r - old, mask, eps),
                lambda v, old, r, mask, eps: (
                    0.5 * masked_mean(torch.maximum((v - r) ** 2, (_kept(v, old, eps) - old) ** 2), mask)
                ),
                lambda v, old, r, mask, eps: 0.5 * masked_mean(torch.maximum((v - r) ** 2, (old - r) ** 2), mask),
                lambda v, old, r, mask, eps: value_loss(v, old, old, mask, eps),
            ),
        ),
        Mistake(
            "no half",
            _times(2.0),
            "That is what comes out without the ½. Look at: the factor in front.",
        ),
        Mistake(
            "half of one only",
            _of(lambda v, kept, r: torch.maximum((v - r) ** 2, 2 * (kept - r) ** 2)),
            "That is what comes out when the ½ stands on one of the two errors: then they are not compared like with "
            "like. Look at: the factor in front.",
            also=(
                _of(lambda v, kept, r: torch.maximum(2 * (v - r) ** 2, (kept - r) ** 2)),
                _of(lambda v, kept, r: torch.maximum((v - r) ** 2 / 2, (kept - r) ** 2)),
                _of(lambda v, kept, r: torch.maximum((v - r) ** 2, (kept - r) ** 2 / 2)),
            ),
        ),
        Mistake(
            "half twice",
            _times(0.5),
            "That is what comes out with the ½ twice, or inside the square. Look at: the factor in front.",
        ),
        Mistake(
            "absolute errors",
            _of(lambda v, kept, r: torch.maximum((v - r).abs(), (kept - r).abs())),
            "That is what comes out of absolute errors. Then the critic would learn a median; a baseline should be a "
            "mean. Look at: the square.",
            also=(_of(lambda v, kept, r: 2 * torch.maximum((v - r).abs(), (kept - r).abs())),),
        ),
        Mistake(
            "no square",
            _of(lambda v, kept, r: torch.maximum(v - r, kept - r)),
            "That is what comes out of plain differences: a value that is too low would earn something. "
            "Look at: the square.",
            also=(_of(lambda v, kept, r: torch.maximum(r - v, r - kept)),),
        ),
        Mistake(
            "the root",
            lambda *given: (2 * value_loss(*given)).sqrt(),
            "That is what comes out when a root is taken in the end. Look at: your last line.",
            also=(lambda *given: value_loss(*given).sqrt(), lambda *given: 0.5 * (2 * value_loss(*given)).sqrt()),
        ),
        Mistake(
            "max after the mean",
            lambda v, old, r, mask, eps: (
                0.5 * torch.maximum(masked_mean((v - r) ** 2, mask), masked_mean((_kept(v, old, eps) - r) ** 2, mask))
            ),
            "That is what comes out when two means are compared. Each token takes the larger of its own two errors. "
            "Look at: which comes first, the max or the mean.",
        ),
        Mistake(
            "the sign",
            _times(-1.0),
            "That is what comes out with a minus: optimisers make a loss smaller, so the errors would grow. "
            "Look at: the sign of what you return.",
        ),
        *averaging_mistakes(_averaged),
    ),
    hints=(
        "Two values a token: the new one, and the new one kept within ±ε of the old one. Each gives a squared error.",
        "The kept one is old + clamp(new − old, −ε, +ε). Then torch.maximum of the two squared errors.",
        "Average over real tokens, and times one half.",
    ),
)
