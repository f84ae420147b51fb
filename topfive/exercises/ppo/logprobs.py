"""Exercise 6.1: log-probabilities of the sampled tokens."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo.rollout import token_logprobs


def _logprobs_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, vocabulary: int, scale: float = 1.0, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor]:
        logits = scale * torch.randn(len(lengths), time, vocabulary, generator=generator, dtype=dtype)
        tokens = torch.randint(vocabulary, (len(lengths), time), generator=generator)
        return logits.requires_grad_(), tokens, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    return [
        Case("two tokens out of three, one response", drawn([2], 2, 3), look_at="the sum of exp over the vocabulary."),
        Case("two responses of different length", drawn([5, 3], 5, 7), look_at="what stands on pads."),
        Case(
            "logits that are far apart",
            drawn([4, 4], 4, 6, scale=150.0),
            look_at="whether a probability becomes 0 before its logarithm is taken.",
        ),
        Case("many responses in float64", drawn(many, 9, 12, 2.0, torch.float64), look_at="the largest deviation."),
    ]


def _logprobs(logits: Tensor, tokens: Tensor, mask: Tensor, *, wrong: str = "") -> Tensor:
    logprobs = logits.log_softmax(dim=1 if wrong == "time" else -1)
    if wrong == "underflow":
        logprobs = logits.softmax(dim=-1).log()
    if wrong == "probabilities":
        logprobs = logits.softmax(dim=-1)
    if wrong == "raw":
        logprobs = logits
    if wrong == "shift":
        logprobs = logprobs.roll(1, dims=1)
    if wrong == "greedy":
        return logprobs.max(dim=-1).values * mask
    taken = logprobs.gather(-1, tokens[..., None]).squeeze(-1)
    if wrong == "loss":
        taken = -taken
    if wrong == "answer":
        return (taken * mask).sum(dim=1)
    return taken if wrong == "pads" else taken * mask


EXERCISE = Exercise(
    number="6.1",
    title="Log-probabilities of the sampled tokens",
    points=2,
    minutes=8,
    solution=token_logprobs,
    cases=_logprobs_cases,
    axes=("response", "token"),
    differentiable=True,
    mistakes=(
        Mistake(
            "raw logits",
            partial(_logprobs, wrong="raw"),
            "That is what comes out when the token's logit is taken as it is. Logits are not normalised: one may be 7. "
            "Look at: what has to be subtracted so that all probabilities of a position sum to 1.",
        ),
        Mistake(
            "probabilities, not their logarithms",
            partial(_logprobs, wrong="probabilities"),
            "That is what comes out without the logarithm: these are probabilities. Look at: softmax and log_softmax.",
        ),
        Mistake(
            "softmax over time",
            partial(_logprobs, wrong="time"),
            "That is what comes out when the softmax runs over positions: the tokens of an answer then compete with "
            "each other instead of with the vocabulary. Look at: the `dim` of your softmax.",
        ),
        Mistake(
            "shifted by one",
            partial(_logprobs, wrong="shift"),
            "That is what comes out when the logits are shifted once more. Row t already is what predicted token t "
            "here; whoever calls you has done the shift. Look at: which row each token is looked up in.",
            "the shift of the usual language-model loss, applied twice",
        ),
        Mistake(
            "the likeliest token",
            partial(_logprobs, wrong="greedy"),
            "That is what comes out for the likeliest token of each position. But the policy is judged for what it "
            "said, not for what it might have said. Look at: where `tokens` enters.",
        ),
        Mistake(
            "the sign of a loss",
            partial(_logprobs, wrong="loss"),
            "That is what comes out of cross_entropy as it is: a loss, the log-probability with a minus. "
            "Look at: the sign. A log-probability is never above 0.",
        ),
        Mistake(
            "logarithm of a softmax",
            partial(_logprobs, wrong="underflow"),
            "That is what comes out of log(softmax(…)): a small probability is rounded to 0, and its logarithm is −∞. "
            "Look at: log_softmax, or subtracting logsumexp, which do both at once.",
        ),
        Mistake(
            "pads are not 0",
            partial(_logprobs, wrong="pads"),
            "That is what comes out when pads keep a log-probability, which later sums would count. "
            "Look at: where `mask` enters.",
        ),
        Mistake(
            "one number an answer",
            partial(_logprobs, wrong="answer"),
            "That is what comes out when the tokens are added up to the log-probability of the whole answer. PPO needs "
            "one number a token. Look at: the sum over time.",
        ),
    ),
    hints=(
        "Turn the logits of a position into log-probabilities of all tokens first, then pick the one that was sampled, "
        "then take care of pads. Three steps, and each can be one line.",
        "`logits.log_softmax(dim=-1)` is (batch, time, vocabulary). `gather` picks along a dimension by an index that "
        "has the same number of dimensions, so the tokens need one more: `tokens[..., None]`.",
        "After `gather` there is a last dimension of size 1 left; `squeeze(-1)` takes it away. Then multiply by mask.",
    ),
)
