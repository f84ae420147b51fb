"""Exercise 6.1: log-probabilities of the sampled tokens."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo.rollout import token_logprobs

TINY = (1e-6, 1e-8, 1e-9, 1e-10, 1e-12)


def _logprobs_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int, vocabulary: int, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor]:
        """Sampled is any token but the likeliest."""
        logits = scale * torch.randn(len(lengths), time, vocabulary, generator=generator)
        rank = torch.randint(1, vocabulary, (len(lengths), time, 1), generator=generator)
        tokens = logits.argsort(dim=-1, descending=True).gather(-1, rank)[..., 0]
        return logits.requires_grad_(), tokens, lengths_mask(lengths, time)

    wide = "responses that fill the width, and one of a single token"
    return [
        Case(
            "two tokens out of three, one response",
            drawn([2], 2, 3),
            look_at="one token by hand: its logit, minus the logarithm of the sum of exp over the vocabulary.",
        ),
        Case("two responses of different length", drawn([3, 5], 5, 7), look_at="what stands on pads."),
        Case(wide, drawn([1, 4, 2], 4, 6), look_at="the first and the last column."),
        Case(wide, drawn([1], 1, 4), look_at="what is left when there is one token only."),
        Case(
            "room after the longest response", drawn([2, 4, 1], 6, 5), look_at="the columns that are pads in every row."
        ),
        Case(
            "all real tokens in one row, as the trainer calls it", drawn([9], 9, 8), look_at="which row is which token."
        ),
        Case(
            "logits that are far apart",
            drawn([2, 4], 4, 6, scale=150.0),
            look_at="whether a probability becomes 0, or exp becomes ∞, before the logarithm is taken.",
        ),
        Case("many responses", drawn(integers(1, 10, 32, generator), 9, 12, 1.5), look_at="the largest deviation."),
    ]


def _picked(table: Tensor, tokens: Tensor) -> Tensor:
    """The sampled token's entry at each position. (batch, time, vocabulary) → (batch, time)."""
    return table.gather(-1, tokens[..., None]).squeeze(-1)


def _right(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return _picked(logits.log_softmax(dim=-1), tokens) * mask


def _of(table: Callable[[Tensor], Tensor]) -> Function:
    """All as it should be, but with `table(logits)` where log_softmax belongs."""
    return lambda logits, tokens, mask: _picked(table(logits), tokens) * mask


def _kept(table: Callable[[Tensor], Tensor]) -> Function:
    """The same with the mask as a condition, so that what is not finite stays off the pads."""
    return lambda logits, tokens, mask: torch.where(mask.bool(), _picked(table(logits), tokens), 0.0)


def _reshaped(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    batch, time, vocabulary = logits.shape
    return -F.cross_entropy(logits.reshape(batch, vocabulary, time), tokens, reduction="none") * mask


def _after(change: Callable[[Tensor], Tensor]) -> Function:
    """The right answer, and then something more."""
    return lambda logits, tokens, mask: change(_right(logits, tokens, mask))


def _shifted(logits: Tensor, tokens: Tensor) -> Tensor:
    """Row t − 1 for token t, as in a language model's loss: (batch, time − 1)."""
    return _picked(logits[:, :-1].log_softmax(dim=-1), tokens[:, 1:])


def _by_hand(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


def _plus(tiny: float) -> Function:
    return _of(lambda logits: (logits.softmax(dim=-1) + tiny).log())


def _at_least(tiny: float) -> Function:
    return _of(lambda logits: logits.softmax(dim=-1).clamp(min=tiny).log())


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
            _of(lambda logits: logits),
            "That is what comes out when the token's logit is taken as it is. Logits are not normalised: one may be 7. "
            "Look at: what has to be subtracted so that all probabilities of a position sum to 1.",
        ),
        Mistake(
            "probabilities, not their logarithms",
            _of(lambda logits: logits.softmax(dim=-1)),
            "That is what comes out without the logarithm: these are probabilities. Look at: softmax and log_softmax.",
            also=(_of(lambda logits: -logits.softmax(dim=-1)),),
        ),
        Mistake(
            "softmax twice",
            _of(lambda logits: logits.softmax(dim=-1).log_softmax(dim=-1)),
            "That is what comes out when probabilities go through a softmax once more. log_softmax and cross_entropy "
            "take logits and do the softmax themselves. Look at: how many there are.",
        ),
        Mistake(
            "the mask turned round",
            lambda logits, tokens, mask: _right(logits, tokens, 1 - mask),
            "That is what comes out when pads keep their numbers and real tokens become 0. In `mask` a 1 is a real "
            "token. Look at: which of the two you keep.",
            also=(lambda logits, tokens, mask: _picked(logits, tokens) * (1 - mask),),
        ),
        Mistake(
            "softmax over the wrong dimension",
            _of(lambda logits: logits.log_softmax(dim=1)),
            "That is what comes out when the softmax runs over positions or over responses: they then compete with "
            "each other instead of the tokens of the vocabulary. Look at: the `dim` of your softmax.",
            also=(
                _of(lambda logits: logits.log_softmax(dim=0)),
                _of(lambda logits: logits - logits.logsumexp(dim=1, keepdim=True)),
                _of(lambda logits: logits - logits.flatten().logsumexp(dim=0)),
            ),
        ),
        Mistake(
            "subtracts something else",
            _of(lambda logits: logits - logits.exp().sum(dim=-1, keepdim=True)),
            "That is what comes out when something else is subtracted than the logarithm of the sum of exp: the sum "
            "itself, the largest logit or the mean. Look at: the formula.",
            also=(
                _of(lambda logits: logits - logits.max(dim=-1, keepdim=True).values),
                _of(lambda logits: logits - logits.mean(dim=-1, keepdim=True)),
                _of(lambda logits: logits - logits.sum(dim=-1, keepdim=True)),
            ),
        ),
        Mistake(
            "a sigmoid",
            _of(F.logsigmoid),
            "That is what comes out of a sigmoid: each token for itself, yes or no. Here one token out of all is "
            "drawn, and their probabilities sum to 1. Look at: log_softmax.",
            also=(_of(torch.sigmoid),),
        ),
        Mistake(
            "divided by the sum of the logits",
            _of(lambda logits: logits / logits.sum(dim=-1, keepdim=True)),
            "That is what comes out when a logit is divided by the sum of the logits. Probabilities come from exp of "
            "the logits. Look at: what softmax does.",
            also=(
                _of(lambda logits: (logits / logits.sum(dim=-1, keepdim=True)).log()),
                _of(lambda logits: logits.log()),
            ),
        ),
        Mistake(
            "shifted by one",
            _of(lambda logits: logits.log_softmax(dim=-1).roll(1, dims=1)),
            "That is what comes out when logits and tokens are shifted against each other once more. Row t already is "
            "what predicted token t here; whoever calls you has done the shift. Look at: which row each token is "
            "looked up in.",
            "the shift of the usual language-model loss, applied twice",
            also=(
                _of(lambda logits: logits.log_softmax(dim=-1).roll(-1, dims=1)),
                lambda logits, tokens, mask: _shifted(logits, tokens) * mask[:, 1:],
                lambda logits, tokens, mask: _shifted(logits, tokens) * mask[:, :-1],
                lambda logits, tokens, mask: F.pad(_shifted(logits, tokens), (1, 0)) * mask,
                lambda logits, tokens, mask: F.pad(_shifted(logits, tokens), (0, 1)) * mask,
                lambda logits, tokens, mask: F.pad(_shifted(logits, tokens) * mask[:, 1:], (0, 1)),
                lambda logits, tokens, mask: _right(logits[:, :-1], tokens[:, :-1], mask[:, :-1]),
                lambda logits, tokens, mask: _right(logits[:, 1:], tokens[:, 1:], mask[:, 1:]),
                lambda logits, tokens, mask: _picked(logits[:, 1:].log_softmax(-1), tokens[:, :-1]) * mask[:, :-1],
                lambda logits, tokens, mask: _picked(logits[:, 1:].log_softmax(-1), tokens[:, :-1]) * mask[:, 1:],
            ),
        ),
        Mistake(
            "reshaped where a transpose belongs",
            _reshaped,
            "That is what comes out when numbers are put into another shape without changing their order, so that they "
            "end in wrong rows and columns. Look at: transpose(1, 2) where cross_entropy wants the vocabulary second.",
            also=(lambda logits, tokens, mask: _right(logits, tokens.T.reshape(tokens.shape), mask),),
        ),
        Mistake(
            "tokens of the first response",
            lambda logits, tokens, mask: _right(logits, tokens[:1].expand_as(tokens), mask),
            "That is what comes out when the tokens of the first response are looked up in all of them. "
            "Look at: the index of the row.",
        ),
        Mistake(
            "the likeliest token",
            lambda logits, tokens, mask: logits.log_softmax(dim=-1).max(dim=-1).values * mask,
            "That is what comes out for the likeliest token of each position. But the policy is judged for what it "
            "said, not for what it might have said. Look at: where `tokens` enters.",
        ),
        Mistake(
            "the sign of a loss",
            _after(lambda logprobs: -logprobs),
            "That is what comes out of cross_entropy as it is: a loss, the log-probability with a minus. "
            "Look at: the sign. A log-probability is never above 0.",
        ),
        Mistake(
            "logarithm of a softmax",
            _of(lambda logits: logits.softmax(dim=-1).log()),
            "That is what comes out of log(softmax(…)), with a small number added or not: a small probability is "
            "rounded to 0, and of its logarithm nothing is left. Look at: log_softmax, or subtracting logsumexp, which "
            "do both at once.",
            also=(
                lambda logits, tokens, mask: _picked(logits.softmax(dim=-1), tokens).log() * mask,
                _kept(lambda logits: logits.softmax(dim=-1).log()),
                *map(_plus, TINY),
                *map(_at_least, TINY),
            ),
        ),
        Mistake(
            "exp of large logits",
            _of(lambda logits: logits - logits.exp().sum(dim=-1, keepdim=True).log()),
            "That is what comes out when exp is taken of logits as they are: above 88 it is ∞. Look at: log_softmax or "
            "logsumexp, which subtract the largest logit first.",
            also=(
                _of(lambda logits: _by_hand(logits).log()),
                _kept(lambda logits: logits - logits.exp().sum(dim=-1, keepdim=True).log()),
                _kept(lambda logits: _by_hand(logits).log()),
                lambda logits, tokens, mask: _picked(_by_hand(logits), tokens).log() * mask,
            ),
        ),
        Mistake(
            "bits",
            _after(lambda logprobs: logprobs / torch.tensor(2.0).log()),
            "That is what comes out of logarithms to another base than e, as log2 and log10 give. "
            "Look at: the unit, which is nats.",
            also=(_after(lambda logprobs: logprobs / torch.tensor(10.0).log()),),
        ),
        Mistake(
            "pads are not 0",
            lambda logits, tokens, mask: _picked(logits.log_softmax(dim=-1), tokens),
            "That is what comes out when something else than 0 is left on pads, which later sums would count. "
            "Look at: where `mask` enters, and that it comes last.",
            also=(
                lambda logits, tokens, mask: _picked((logits * mask[..., None]).log_softmax(dim=-1), tokens),
                lambda logits, tokens, mask: _right(logits, tokens, mask).masked_fill(mask == 0, -torch.inf),
                lambda logits, tokens, mask: _right(
                    logits.masked_fill(mask[..., None] == 0, -torch.inf), tokens, torch.ones_like(mask)
                ),
            ),
        ),
        Mistake(
            "pads left out",
            lambda logits, tokens, mask: _right(logits, tokens, mask)[mask.bool()],
            "That is what comes out when the real tokens are picked out and the pads are gone. They keep their places, "
            "with a 0. Look at: how `mask` is used.",
        ),
        Mistake(
            "one number an answer",
            _after(lambda logprobs: logprobs.sum(dim=1)),
            "That is what comes out when the tokens of an answer are made into one number, the log π of the "
            "whole answer or a mean. PPO needs one number a token. Look at: the sum or mean over time.",
            also=(
                _after(lambda logprobs: logprobs.sum(dim=1, keepdim=True)),
                lambda logits, tokens, mask: _right(logits, tokens, mask).sum(dim=1) / mask.sum(dim=1),
            ),
        ),
        Mistake(
            "divided by the number of tokens",
            lambda logits, tokens, mask: _right(logits, tokens, mask) / mask.sum(dim=1, keepdim=True),
            "That is what comes out when each token's number is divided by how many there are, as for a mean. PPO "
            "needs them as they are. Look at: your last line.",
            also=(
                lambda logits, tokens, mask: _right(logits, tokens, mask) / mask.sum(),
                _after(lambda logprobs: logprobs / logprobs.shape[1]),
            ),
        ),
        Mistake(
            "one number for the batch",
            _after(lambda logprobs: -logprobs.mean()),
            "That is what comes out when the batch is made into a single number, as cross_entropy does unless told "
            "otherwise. PPO needs one number a token. Look at: `reduction`.",
            also=(
                _after(lambda logprobs: logprobs.mean()),
                _after(lambda logprobs: logprobs.sum()),
                _after(lambda logprobs: -logprobs.sum()),
                lambda logits, tokens, mask: _right(logits, tokens, mask).sum() / mask.sum(),
                lambda logits, tokens, mask: -_right(logits, tokens, mask).sum() / mask.sum(),
                lambda logits, tokens, mask: F.cross_entropy(logits.flatten(0, 1), tokens.flatten()),
                lambda logits, tokens, mask: -F.cross_entropy(logits.flatten(0, 1), tokens.flatten()),
            ),
        ),
        Mistake(
            "the whole vocabulary",
            lambda logits, tokens, mask: logits.log_softmax(dim=-1) * mask[..., None],
            "That is what comes out when no token is picked: a number for every token of the vocabulary. "
            "Look at: where `tokens` enters.",
            also=(lambda logits, tokens, mask: logits.log_softmax(dim=-1),),
        ),
        Mistake(
            "one dimension too many",
            lambda logits, tokens, mask: _right(logits, tokens, mask)[..., None],
            "That is what comes out when the dimension of size 1 that gather leaves is still there. "
            "Look at: squeeze(-1), before the mask.",
            also=(lambda logits, tokens, mask: logits.log_softmax(dim=-1).gather(-1, tokens[..., None]) * mask,),
        ),
        Mistake(
            "flat",
            _after(lambda logprobs: logprobs.flatten()),
            "That is what comes out when rows and columns were made into one row and stayed so. Look at: the shape "
            "that cross_entropy was called with, and how to get back, with view_as or reshape.",
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
