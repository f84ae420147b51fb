"""Exercise 6.7: three rulers for a distance."""

from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo import advantages as adv

Three = tuple[Tensor, Tensor, Tensor]


def _kl_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int, apart: float = 1.0) -> tuple[Tensor, Tensor]:
        logprobs = -3 * torch.rand(*shape, generator=generator)
        return logprobs, logprobs + apart * torch.randn(*shape, generator=generator)

    near, unlikely = drawn(5)[0], -120 - 10 * torch.rand(6, generator=generator)
    return [
        Case("four tokens", drawn(4), look_at="each of the three parts by hand for the first token."),
        Case("two policies that agree", (near, near.clone()), look_at="what all three say where π = π_ref."),
        Case("a batch of responses", drawn(2, 6), look_at="the shape: one number a token, no sum."),
        Case("a batch of responses", drawn(1, 1), look_at="the shape: one number a token, no sum."),
        Case(
            "tokens that both find next to impossible",
            (unlikely, unlikely + torch.randn(6, generator=generator)),
            probe=True,
        ),
        Case("policies far apart", drawn(8, 5, apart=3.0), look_at="exp, in k3."),
    ]


def _made(three: Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]) -> Function:
    """k1, k2 and k3 of log r = log π_ref − log π."""
    return lambda logprobs, ref_logprobs: three(ref_logprobs - logprobs)


def _with_k1(k1: Callable[[Tensor], Tensor]) -> Function:
    return _made(lambda log_r: (k1(log_r), *_right(log_r)[1:]))


def _with_k2(k2: Callable[[Tensor], Tensor]) -> Function:
    return _made(lambda log_r: (_right(log_r)[0], k2(log_r), _right(log_r)[2]))


def _with_k3(k3: Callable[[Tensor], Tensor]) -> Function:
    return _made(lambda log_r: (*_right(log_r)[:2], k3(log_r)))


def _after(change: Callable[[Tensor], Tensor]) -> Function:
    """The right answer, and then something more to each of the three."""

    def three(logprobs: Tensor, ref_logprobs: Tensor) -> Three:
        k1, k2, k3 = adv.kl_estimators(logprobs, ref_logprobs)
        return change(k1), change(k2), change(k3)

    return three


def _in_order(*order: int) -> Function:
    return lambda logprobs, ref_logprobs: tuple(adv.kl_estimators(logprobs, ref_logprobs)[place] for place in order)


def _right(log_r: Tensor) -> Three:
    return -log_r, log_r**2 / 2, log_r.expm1() - log_r


def _quotient(logprobs: Tensor, ref_logprobs: Tensor) -> Three:
    ratio = ref_logprobs.exp() / logprobs.exp()
    return -ratio.log(), ratio.log() ** 2 / 2, ratio - 1 - ratio.log()


def _quotient_in_k3(logprobs: Tensor, ref_logprobs: Tensor) -> Three:
    log_r = ref_logprobs - logprobs
    return -log_r, log_r**2 / 2, ref_logprobs.exp() / logprobs.exp() - 1 - log_r


def _k3(log_r: Tensor) -> Tensor:
    return log_r.expm1() - log_r


EXERCISE = Exercise(
    number="6.7",
    title="Three rulers for a distance",
    points=2,
    minutes=10,
    solution=adv.kl_estimators,
    cases=_kl_cases,
    mistakes=(
        Mistake(
            "r upside down",
            lambda logprobs, ref_logprobs: adv.kl_estimators(ref_logprobs, logprobs),
            "That is what comes out when r = π/π_ref in all three. They then measure from the wrong side: k1 is "
            "negative on average, and k3 has another mean. Look at: r, which is π_ref/π when the samples come from π.",
            "J. Schulman's note calls the sampling policy q and the other p, so r = p/q",
        ),
        Mistake(
            "k1 turned round",
            _with_k1(lambda log_r: log_r),
            "That is what comes out when k1 is log π_ref − log π: its mean is minus the KL. Look at: the tokens come "
            "from π, so on average π likes them more than π_ref does, and k1 is to be positive on average.",
        ),
        Mistake(
            "k1 without its negative numbers",
            _with_k1(lambda log_r: (-log_r).clamp(min=0)),
            "That is what comes out when negative numbers of k1 are set to 0 or made positive. A KL is never negative, "
            "but one sample of k1 may be; without those its mean is too large. Look at: abs, clamp, relu or max.",
            also=(_with_k1(torch.abs),),
        ),
        Mistake(
            "k1 as a ratio",
            _with_k1(torch.exp),
            "That is what comes out when k1 is a ratio, where its logarithm belongs. Look at: what k1 says where both "
            "agree.",
            also=(
                _with_k1(lambda log_r: (-log_r).exp()),
                _with_k1(lambda log_r: -log_r.exp()),
                _made(lambda log_r: (-log_r.exp(), log_r.exp() ** 2 / 2, 0 * log_r - 1)),
            ),
        ),
        Mistake(
            "a quotient of probabilities",
            _quotient,
            "your ratio is a quotient of two probabilities. Where both are too small for a float (from about −104 nats "
            "on) it is 0 / 0, and the estimate is nan: subtract the logarithms, then take exp.",
            advice=True,
            also=(_quotient_in_k3,),
        ),
        Mistake(
            "k2 without ½",
            _with_k2(lambda log_r: log_r**2),
            "That is what comes out when k2 lacks its ½, or has it inside the square, where it becomes ¼. Look at: the "
            "factor, which comes from the second term of a Taylor series.",
            also=(_with_k2(lambda log_r: (log_r / 2) ** 2),),
        ),
        Mistake(
            "k2 without the square",
            _with_k2(lambda log_r: -log_r / 2),
            "That is what comes out when k2 is half of log r, with no square. Look at: ½ (log r)².",
            also=(_with_k2(lambda log_r: log_r / 2), _with_k2(lambda log_r: log_r.abs() / 2)),
        ),
        Mistake(
            "k2 of the ratio",
            _with_k2(lambda log_r: log_r.expm1() ** 2 / 2),
            "That is what comes out when r or r − 1 is squared instead of log r. Near r = 1 r − 1 and log r agree, far "
            "from it they do not. Look at: what is squared.",
            also=(
                _with_k2(lambda log_r: log_r.exp() ** 2 / 2),
                _with_k2(lambda log_r: (-log_r).exp() ** 2 / 2),
                _with_k2(lambda log_r: (-log_r).expm1() ** 2 / 2),
                _with_k2(lambda log_r: (log_r**2).exp() / 2),
            ),
        ),
        Mistake(
            "k3 with r upside down",
            _with_k3(lambda log_r: _k3(-log_r)),
            "That is what comes out when r = π/π_ref in k3. It looks as good and is never negative, but its mean is "
            "something else. Look at: r, which is π_ref/π when the samples come from π.",
            "J. Schulman's note calls the sampling policy q and the other p, so r = p/q",
        ),
        Mistake(
            "k2 or k3 negative",
            _with_k3(lambda log_r: -_k3(log_r)),
            "That is what comes out when k2 or k3 has a minus in front, as in log r − (r − 1). Neither is ever "
            "negative. Look at: the signs, and the order of the two parts of k3.",
            also=(_with_k3(lambda log_r: -_k3(-log_r)), _with_k2(lambda log_r: -(log_r**2) / 2)),
        ),
        Mistake(
            "k3 without − 1",
            _with_k3(lambda log_r: log_r.exp() - log_r),
            "That is what comes out when the − 1 is missing, has another sign, or stands inside exp. Where both agree "
            "a distance should say 0. Look at: the − 1.",
            also=(
                _with_k3(lambda log_r: (log_r - 1).exp() - log_r),
                _with_k3(lambda log_r: (-log_r).exp() + log_r),
                _with_k3(lambda log_r: log_r.exp() + 1 - log_r),
                _with_k3(lambda log_r: 1 - log_r.exp() - log_r),
            ),
        ),
        Mistake(
            "k3 with a plus",
            _with_k3(lambda log_r: log_r.expm1() + log_r),
            "That is what comes out of r − 1 + log r. Look at: the sign of log r, and which logarithm is log r.",
            also=(_with_k3(lambda log_r: (-log_r).expm1() - log_r),),
        ),
        Mistake(
            "k3 without its logarithm",
            _with_k3(torch.expm1),
            "That is what comes out of r − 1 alone: right on average is 0 for it, whatever the policies are. "
            "Look at: both parts of k3.",
            also=(_with_k3(lambda log_r: (-log_r).expm1()), _with_k3(torch.exp)),
        ),
        Mistake(
            "k3 of log r",
            _with_k3(lambda log_r: 0 * log_r - 1),
            "That is what comes out when log r stands in the place of r: then (log r − 1) − log r is left. "
            "Look at: exp, which makes r of log r.",
        ),
        Mistake(
            "the logarithm of a logarithm",
            _made(lambda log_r: (-log_r.log(), log_r.log() ** 2 / 2, log_r - 1 - log_r.log())),
            "That is what comes out when the difference of the log-probabilities is taken for r, and its logarithm is "
            "taken once more. Look at: r = exp(log π_ref − log π).",
            also=(
                _made(lambda log_r: (-(-log_r).log(), (-log_r).log() ** 2 / 2, -log_r - 1 - (-log_r).log())),
                lambda logprobs, ref_logprobs: _right((ref_logprobs / logprobs).log()),
                lambda logprobs, ref_logprobs: _right(ref_logprobs / logprobs),
            ),
        ),
        Mistake(
            "of probabilities",
            lambda logprobs, ref_logprobs: _right(ref_logprobs.exp() - logprobs.exp()),
            "That is what comes out when both are turned into probabilities, and their difference is taken for log r. "
            "Look at: what you are given are logarithms already.",
        ),
        Mistake(
            "weighed with π",
            lambda logprobs, ref_logprobs: tuple(
                logprobs.exp() * part for part in adv.kl_estimators(logprobs, ref_logprobs)
            ),
            "That is what comes out when each token is multiplied by its probability, as in the formula of a KL "
            "divergence. These tokens are sampled: likely ones come more often already. Look at: exp(log π).",
            also=(
                lambda logprobs, ref_logprobs: (
                    logprobs.exp() * (logprobs - ref_logprobs),
                    *adv.kl_estimators(logprobs, ref_logprobs)[1:],
                ),
            ),
        ),
        Mistake(
            "in another order",
            _in_order(0, 2, 1),
            "That is what comes out when the three parts change places. Look at: k1, k2, k3, in this order.",
            also=(_in_order(1, 0, 2), _in_order(2, 1, 0), _in_order(2, 0, 1), _in_order(1, 2, 0)),
        ),
        Mistake(
            "one of the three",
            lambda logprobs, ref_logprobs: logprobs - ref_logprobs,
            "That is what comes out when only some of the three are returned. Look at: a tuple of k1, k2 and k3.",
            also=(
                adv.kl_k2,
                adv.kl_k3,
                _in_order(0, 1),
                _in_order(0, 2),
                _in_order(1, 2),
            ),
        ),
        Mistake(
            "all three in one",
            lambda logprobs, ref_logprobs: torch.stack(adv.kl_estimators(logprobs, ref_logprobs), dim=-1),
            "That is what comes out when the three are put together into one tensor, with its parts in another "
            "dimension than the first, or added up. Look at: a tuple of k1, k2 and k3.",
            also=(
                lambda logprobs, ref_logprobs: torch.cat(adv.kl_estimators(logprobs, ref_logprobs), dim=-1),
                lambda logprobs, ref_logprobs: sum(adv.kl_estimators(logprobs, ref_logprobs)),
            ),
        ),
        Mistake(
            "averaged inside",
            _after(torch.mean),
            "That is what comes out when you take the mean or the sum already. Keep one number a token: the caller "
            "masks and adds up. Look at: your last line.",
            also=(
                _after(torch.sum),
                _after(lambda part: part.mean(dim=-1)),
                _after(lambda part: part.sum(dim=-1)),
                _after(lambda part: part.mean(dim=0)),
                _after(lambda part: part.sum(dim=0)),
            ),
        ),
    ),
    hints=(
        "Work with one number: log r = log π_ref − log π. All three estimators are made of it.",
        "k1 = −log r, k2 = ½ (log r)², k3 = (r − 1) − log r with r = exp(log r).",
        "Return the three as a tuple, each with the shape of `logprobs`.",
    ),
)
