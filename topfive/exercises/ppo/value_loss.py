"""Exercise 6.6: the clipped value loss."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv
from topfive.ppo.losses import value_loss


def _value_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        old, returns = torch.randn(2, len(lengths), time, generator=generator, dtype=dtype)
        values = old + 0.5 * torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        return values.requires_grad_(), old, returns, lengths_mask(lengths, time)

    def one(moved: float, away: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = torch.randn(1, 1, generator=generator)
        return (old + moved).requires_grad_(), old, old + away, torch.ones(1, 1), 0.2

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    return [
        Case("one token that moved a little", one(0.1, 0.7), look_at="½ and the square."),
        Case("one token that moved far, and well", one(0.6, 0.7), look_at="the larger of the two errors."),
        Case("one token that moved far, and wrongly", one(0.6, -0.7), look_at="the larger of the two errors."),
        Case("two responses of different length", (*drawn([6, 3], 6), 0.2), look_at="how many tokens count."),
        Case("another ε", (*drawn([4, 2, 5], 5), 0.4), look_at="where cliprange enters."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the mean over tokens."),
    ]


def _value(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, cliprange: float, *, wrong: str = ""
) -> Tensor:
    clipped = old_values + (values - old_values).clamp(-cliprange, cliprange)
    if wrong == "around 0":
        clipped = values.clamp(-cliprange, cliprange)
    if wrong == "around 1":
        clipped = old_values * (values / old_values).clamp(1 - cliprange, 1 + cliprange)
    plain_error, clipped_error = (values - returns) ** 2, (clipped - returns) ** 2
    if wrong == "absolute":
        plain_error, clipped_error = (values - returns).abs(), (clipped - returns).abs()
    if wrong == "no clip":
        clipped_error = plain_error
    if wrong == "clip only":
        plain_error = clipped_error
    error = (
        torch.minimum(plain_error, clipped_error) if wrong == "smaller" else torch.maximum(plain_error, clipped_error)
    )
    half = 1.0 if wrong == "half" else 0.5
    return half * (error.mean() if wrong == "pads" else adv.masked_mean(error, mask))


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
            partial(_value, wrong="smaller"),
            "That is what comes out when the smaller error is taken. The critic is to be a pessimist about itself: the "
            "larger one counts. Look at: min or max.",
        ),
        Mistake(
            "no clipping",
            partial(_value, wrong="no clip"),
            "That is what comes out of the plain squared error. Look at: what cliprange does.",
            "Andrychowicz et al. 2021 found no gain from clipping values, so this is a matter of custom",
        ),
        Mistake(
            "only the clipped part",
            partial(_value, wrong="clip only"),
            "That is what comes out when only the clipped value is compared: a value that ran too far gets no gradient "
            "and stays there. Look at: the larger of the two errors.",
        ),
        Mistake(
            "clips around 0",
            partial(_value, wrong="around 0"),
            "That is what comes out when the value itself is kept between −ε and ε. It may be anything; what is "
            "limited is how far it moves from the old value. Look at: what you clamp.",
        ),
        Mistake(
            "clips a ratio",
            partial(_value, wrong="around 1"),
            "That is what comes out when the ratio of the values is clipped, as for the policy. Values may be 0 or "
            "negative; here it is their difference. Look at: what you clamp.",
        ),
        Mistake(
            "no half",
            partial(_value, wrong="half"),
            "That is what comes out without the ½. Look at: the factor in front.",
        ),
        Mistake(
            "absolute errors",
            partial(_value, wrong="absolute"),
            "That is what comes out of absolute errors. Then the critic would learn a median; a baseline should be a "
            "mean. Look at: the square.",
        ),
        Mistake(
            "pads count",
            partial(_value, wrong="pads"),
            "That is what comes out of .mean() over all places, pads too. Look at: where `mask` enters.",
        ),
    ),
    hints=(
        "Two values a token: the new one, and the new one kept within ±ε of the old one. Each gives a squared error.",
        "The kept one is old + clamp(new − old, −ε, +ε). Then torch.maximum of the two squared errors.",
        "Average over real tokens, and times one half.",
    ),
)
