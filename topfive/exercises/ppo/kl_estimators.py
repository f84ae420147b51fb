"""Exercise 6.7: three rulers for a distance."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv


def _kl_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int, apart: float = 1.0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        logprobs = -3 * torch.rand(*shape, generator=generator, dtype=dtype)
        return logprobs, logprobs + apart * torch.randn(*shape, generator=generator, dtype=dtype)

    near = drawn(5)[0]
    return [
        Case("four tokens", drawn(4), look_at="each of the three parts by hand for the first token."),
        Case("two policies that agree", (near, near.clone()), look_at="what all three say where π = π_ref."),
        Case("a batch of responses", drawn(3, 6), look_at="the shape: one number a token, no sum."),
        Case("policies far apart, in float64", drawn(8, 5, apart=3.0, dtype=torch.float64), look_at="exp, in k3."),
    ]


def _kl(logprobs: Tensor, ref_logprobs: Tensor, *, wrong: str = "") -> tuple[Tensor, Tensor, Tensor]:
    k1 = logprobs - ref_logprobs
    ratio = k1.exp() if wrong == "k3 upside down" else (-k1).exp()
    log_ratio = k1 if wrong == "k3 upside down" else -k1
    k2, k3 = k1**2 / 2, ratio - 1 - log_ratio
    if wrong == "k1 sign":
        k1 = -k1
    if wrong == "k1 clamped":
        k1 = k1.clamp(min=0)
    if wrong == "k2 half":
        k2 = 2 * k2
    if wrong == "k2 ratio":
        k2 = (ratio - 1) ** 2 / 2
    if wrong == "k3 one":
        k3 = ratio - log_ratio
    if wrong == "k3 sign":
        k3 = ratio - 1 + log_ratio
    if wrong == "mean":
        return k1.mean(), k2.mean(), k3.mean()
    return k1, k2, k3


EXERCISE = Exercise(
    number="6.7",
    title="Three rulers for a distance",
    points=2,
    minutes=10,
    solution=adv.kl_estimators,
    cases=_kl_cases,
    mistakes=(
        Mistake(
            "k1 turned round",
            partial(_kl, wrong="k1 sign"),
            "That is what comes out when k1 is log π_ref − log π: its mean is minus the KL. Look at: the tokens come "
            "from π, so on average π likes them more than π_ref does, and k1 is to be positive on average.",
        ),
        Mistake(
            "k1 without its negative numbers",
            partial(_kl, wrong="k1 clamped"),
            "That is what comes out when negative numbers of k1 are set to 0. A KL is never negative, but one sample "
            "of k1 may be; without those its mean is too large. Look at: clamp, relu or max.",
        ),
        Mistake(
            "k2 without ½",
            partial(_kl, wrong="k2 half"),
            "That is what comes out when k2 lacks its ½. Look at: the factor, which comes from the second term of "
            "a Taylor series.",
        ),
        Mistake(
            "k2 of the ratio",
            partial(_kl, wrong="k2 ratio"),
            "That is what comes out when r − 1 is squared instead of log r. Near r = 1 they agree, far from it they do "
            "not. Look at: what is squared.",
        ),
        Mistake(
            "k3 with r upside down",
            partial(_kl, wrong="k3 upside down"),
            "That is what comes out when r = π/π_ref in k3. It looks as good and is never negative, but its mean is "
            "something else. Look at: r, which is π_ref/π when the samples come from π.",
            "J. Schulman's note calls the sampling policy q and the other p, so r = p/q",
        ),
        Mistake(
            "k3 without − 1",
            partial(_kl, wrong="k3 one"),
            "That is what comes out of r − log r. Where both agree it says 1, and a distance should say 0. "
            "Look at: the − 1.",
        ),
        Mistake(
            "k3 with a plus",
            partial(_kl, wrong="k3 sign"),
            "That is what comes out of r − 1 + log r. Look at: the sign of log r, and which logarithm is log r.",
        ),
        Mistake(
            "averaged inside",
            partial(_kl, wrong="mean"),
            "That is what comes out when you take the mean already. Keep one number a token: the caller masks and adds "
            "up. Look at: your last line.",
        ),
    ),
    hints=(
        "Work with one number: log r = log π_ref − log π. All three estimators are made of it.",
        "k1 = −log r, k2 = ½ (log r)², k3 = (r − 1) − log r with r = exp(log r).",
        "Return the three as a tuple, each with the shape of `logprobs`.",
    ),
)
