"""Exercise 3.1: next-token loss."""

from collections.abc import Callable
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import losses

VOCABULARY = 7


def _loss_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(rows: list[tuple[int, int]], time: int, scale: float = 2.0) -> tuple[Tensor, Tensor, Tensor]:
        """Logits, tokens, and a mask that is 1 from `first` up to `end` in each row; pads hold any token."""
        logits = scale * torch.randn(len(rows), time, VOCABULARY, generator=generator)
        tokens = torch.randint(VOCABULARY, (len(rows), time), generator=generator)
        place = torch.arange(time)
        mask = torch.stack([(place >= first) & (place < end) for first, end in rows]).long()
        return logits.requires_grad_(), tokens, mask

    by_hand = torch.tensor([[[0.0, log(2.0), 0.0], [log(2.0), 0.0, 0.0], [0.0, 8.0, 0.0]]]).requires_grad_()
    # As many rows predict as there are tokens: `cross_entropy` then takes time for vocabulary without an error.
    whole = drawn([(0, VOCABULARY + 1)], VOCABULARY + 1)
    whole[1][0, 3] = 0  # token 0 is a token like any other
    apart = drawn([(0, 6), (0, 6)], 6, scale=150.0)
    with torch.no_grad():
        apart[1][0, 1] = apart[0][0, 0].argmin()  # a probability below the smallest float
        apart[0][0, 1, apart[1][0, 2]] = apart[0][0, 1].max() + 200  # and one that is 1, so that its loss is 0
    many = [(a, a + b) for a, b in zip(integers(0, 5, 16, generator), integers(1, 6, 16, generator), strict=True)]
    return [
        Case(
            "three tokens, by hand",
            (by_hand, torch.tensor([[1, 2, 0]]), torch.ones(1, 3, dtype=torch.long)),
            look_at="three things: which row of the logits is a guess about which token, the softmax over the "
            "vocabulary with its logarithm, and what is divided by what.",
        ),
        Case("one text without pads", whole, look_at="what the last row of the logits predicts."),
        Case("pads at the end", drawn([(0, 4)], 7), look_at="which predictions the mask leaves."),
        Case("a prompt that does not count", drawn([(3, 7)], 7), look_at="who predicts the first token that counts."),
        Case("a prompt that does not count", drawn([(4, 5), (2, 5)], 6), look_at="which places the mask leaves."),
        Case(
            "short texts beside a long one",
            drawn([(0, 3), (1, 9), (0, 5)], 11),
            look_at="the mask of each text, and what you divide the sum by.",
        ),
        Case(
            "logits that are far apart",
            apart,
            look_at="whether a probability becomes 0, or an exp infinite, before the logarithm is taken.",
        ),
        Case("sixteen texts", drawn(many, 10), look_at="the mask and the mean, together."),
        Case("a batch in which nothing counts", drawn([(0, 0), (0, 0)], 5), look_at="a division by zero."),
        Case("a batch in which nothing counts", drawn([(0, 1), (0, 0)], 5), look_at="the first token of a text."),
    ]


# --- the loss in three steps, so that a mistake can be made in one of them ----------------------------------------

Aligned = tuple[Tensor, Tensor, Tensor]


def _shifted(logits: Tensor, tokens: Tensor, mask: Tensor) -> Aligned:
    """The rows that predict, the tokens that they predict, and which of these count."""
    return logits[:, :-1], tokens[:, 1:], mask[:, 1:]


def _nats(rows: Tensor, following: Tensor) -> Tensor:
    return F.cross_entropy(rows.transpose(1, 2), following, reduction="none")


def _mean(each: Tensor, counted: Tensor) -> Tensor:
    return (each * counted).sum() / counted.sum().clamp(min=1)


def _loss(
    align: Callable[[Tensor, Tensor, Tensor], Aligned] = _shifted,
    each: Callable[[Tensor, Tensor], Tensor] = _nats,
    mean: Callable[[Tensor, Tensor], Tensor] = _mean,
) -> Function:
    """A loss of these steps: right as it stands, wrong with a wrong step."""

    def loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        rows, following, counted = align(logits, tokens, mask)
        return mean(each(rows, following), counted)

    return loss


def _as_long_as(chosen: Callable[[Tensor], Tensor]) -> Function:
    """All texts as long as one of them: a mask from one length, which counts from the first token on."""

    def align(logits: Tensor, tokens: Tensor, mask: Tensor) -> Aligned:
        places = torch.arange(tokens.shape[1]) < chosen(mask.sum(dim=1))
        return logits[:, :-1], tokens[:, 1:], places[1:].expand_as(tokens[:, 1:]).to(mask)

    return _loss(align)


def _of_following(values: Tensor, following: Tensor) -> Tensor:
    """What each row of `values` has for the token that follows."""
    return values.gather(-1, following[..., None]).squeeze(-1)


def _softmax_over(dim: int) -> Function:
    return _loss(each=lambda rows, following: -_of_following(rows.log_softmax(dim=dim), following))


def _whole_softmax_over(dim: int) -> Function:
    """The same before the last row is cut off."""
    return _loss(
        lambda logits, tokens, mask: (logits.log_softmax(dim=dim)[:, :-1], tokens[:, 1:], mask[:, 1:]),
        lambda rows, following: -_of_following(rows, following),
    )


def _log_plus(epsilon: float) -> Function:
    return _loss(each=lambda rows, following: -(_of_following(rows.softmax(dim=-1), following) + epsilon).log())


def _log_not_below(least: float) -> Function:
    return _loss(each=lambda rows, following: -_of_following(rows.softmax(dim=-1), following).clamp(min=least).log())


def _by_exp(rows: Tensor, following: Tensor) -> Tensor:
    return -_of_following((rows.exp() / rows.exp().sum(dim=-1, keepdim=True)).log(), following)


def _by_log_of_sum(rows: Tensor, following: Tensor) -> Tensor:
    return rows.exp().sum(dim=-1).log() - _of_following(rows, following)


def _times_mask(logits: Tensor, tokens: Tensor, mask: Tensor) -> Aligned:
    return logits[:, :-1] * mask[:, 1:, None], tokens[:, 1:], mask[:, 1:]


def _tokens_times_mask(logits: Tensor, tokens: Tensor, mask: Tensor) -> Aligned:
    return logits[:, :-1], (tokens * mask)[:, 1:], mask[:, 1:]


def _sum_by_count(each: Tensor, counted: Tensor) -> Tensor:
    """The right mean if everything that does not count is 0 already."""
    return each.sum() / counted.sum().clamp(min=1)


def _mean_of_means(each: Tensor, counted: Tensor) -> Tensor:
    return ((each * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()


def _mean_of_some_means(each: Tensor, counted: Tensor) -> Tensor:
    means = (each * counted).sum(dim=1) / counted.sum(dim=1).clamp(min=1)
    return means.sum() / counted.any(dim=1).sum().clamp(min=1)


def _first_in_the_count(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows, following, counted = _shifted(logits, tokens, mask)
    return (_nats(rows, following) * counted).sum() / mask.sum().clamp(min=1)


def _no_clamp(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    rows, following, counted = _shifted(logits, tokens, mask)
    return F.cross_entropy(rows.transpose(1, 2), following.masked_fill(counted == 0, -100))


EXERCISE = Exercise(
    number="3.1",
    title="Next-token loss",
    points=3,
    minutes=15,
    solution=losses.next_token_loss,
    cases=_loss_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "no shift",
            _loss(lambda logits, tokens, mask: (logits, tokens, mask)),
            "That is what comes out when row t of the logits is compared with token t. But the model has just read "
            "that token: copying it would be rewarded, and nothing learned. Look at: which token row t is a guess "
            "about.",
            also=(_loss(lambda logits, tokens, mask: (logits[:, 1:], tokens[:, 1:], mask[:, 1:])),),
        ),
        Mistake(
            "shifted the wrong way",
            _loss(lambda logits, tokens, mask: (logits[:, 1:], tokens[:, :-1], mask[:, :-1])),
            "That is what comes out when row t is compared with token t − 1: the model is asked what it read before. "
            "Look at: which of the two loses its first place, and which its last.",
            also=(
                _loss(lambda logits, tokens, mask: (logits[:, 1:], tokens[:, :-1], mask[:, 1:])),
                _loss(lambda logits, tokens, mask: (logits, tokens.roll(1, 1), mask.roll(1, 1))),
            ),
        ),
        Mistake(
            "shifted twice",
            _loss(lambda logits, tokens, mask: (logits[:, :-2], tokens[:, 2:], mask[:, 2:])),
            "That is what comes out when row t is compared with token t + 2: everything is moved once, and then once "
            "more. Look at: which lines shift, and how many of them are needed.",
        ),
        Mistake(
            "the last prediction is left out",
            _loss(lambda logits, tokens, mask: (logits[:, :-2], tokens[:, 1:-1], mask[:, 1:-1])),
            "That is what comes out when everything is shifted as it should be, and then the last row that predicts is "
            "left out, or the first. Look at: where your slices or your loop begin and end.",
            also=(_loss(lambda logits, tokens, mask: (logits[:, 1:-1], tokens[:, 2:], mask[:, 2:])),),
        ),
        Mistake(
            "wraps round",
            _loss(lambda logits, tokens, mask: (logits, tokens.roll(-1, 1), mask.roll(-1, 1))),
            "That is what comes out when the last row has to predict something although nothing follows it: `roll` "
            "moves the first token there. Look at: whether the last place may count.",
        ),
        Mistake(
            "tokens shifted, the mask not, and the last row predicts",
            _loss(lambda logits, tokens, mask: (logits, tokens.roll(-1, 1), mask)),
            "That is what comes out when the tokens are moved by one place and the mask is not. The mask then belongs "
            "to other tokens, and the last row has to predict what is not there. "
            "Look at: the mask, and the last place.",
            also=(_loss(lambda logits, tokens, mask: (logits, F.pad(tokens[:, 1:], (0, 1)), mask)),),
        ),
        Mistake(
            "mask not shifted",
            _loss(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], mask[:, :-1])),
            "That is what comes out when the tokens are shifted and the mask is not. The mask is 1 on the token that "
            "is to be predicted, so it moves with the tokens. Look at: the first and the last prediction that counts.",
        ),
        Mistake(
            "ignores the mask",
            _loss(mean=lambda each, counted: each.mean()),
            "That is what comes out when the mask is never used: pads and prompts are learned as well. "
            "Look at: where the mask comes in.",
        ),
        Mistake(
            "the mask turned round",
            _loss(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], 1 - mask[:, 1:])),
            "That is what comes out when a place counts where the mask is 0, and does not where it is 1. "
            "Look at: what is filled in, or left out, where the mask is 1.",
        ),
        Mistake(
            "pads found as token 0",
            _loss(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], tokens[:, 1:] != 0)),
            "That is what comes out when the number 0 says what does not count. Here 0 is a token like any other, and "
            "a pad may be any number; only the mask knows. Look at: `ignore_index`, or a comparison of tokens with 0.",
            "`ignore_index=0` in many tutorials, whose pad is 0",
            also=(_loss(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], (mask * (tokens != 0))[:, 1:])),),
        ),
        Mistake(
            "the first text's mask for all",
            _loss(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], mask[:1, 1:].expand_as(tokens[:, 1:]))),
            "That is what comes out when the first text of a batch says which places count in all of them. "
            "Look at: an index that takes one row of the mask.",
        ),
        Mistake(
            "one length for all texts",
            _as_long_as(lambda lengths: lengths.max()),
            "That is what comes out when the mask is made anew from one number, and so all texts of a batch are taken "
            "to be equally long. Look at: where the length of a text comes in.",
            also=(_as_long_as(lambda lengths: lengths[0]), _as_long_as(lambda lengths: lengths.min())),
        ),
        Mistake(
            "only the first text",
            _loss(lambda logits, tokens, mask: (logits[:1, :-1], tokens[:1, 1:], mask[:1, 1:])),
            "That is what comes out when only the first text of a batch has a loss. Look at: an index that is always "
            "0, or a `return` inside a loop.",
        ),
        Mistake(
            "the mask as an index",
            _loss(mean=lambda each, counted: each[counted].mean()),
            "That is what comes out when the mask stands in square brackets as it is. It holds integers, and integers "
            "there are numbers of rows; only booleans choose places. Look at: the kind of number in the mask.",
        ),
        Mistake(
            "logits or tokens times the mask",
            _loss(_times_mask, mean=_sum_by_count),
            "That is what comes out when logits or tokens are multiplied by the mask, instead of the losses: what is 0 "
            "there still costs its loss. Look at: what the mask is multiplied with.",
            also=(
                _loss(_times_mask, mean=lambda each, counted: each.mean()),
                _loss(_tokens_times_mask, mean=_sum_by_count),
                _loss(_tokens_times_mask, mean=lambda each, counted: each.mean()),
            ),
        ),
        Mistake(
            "the mask comes in too late",
            _loss(mean=_sum_by_count),
            "That is what comes out when the losses of all places are added up, and only the number that they are "
            "divided by knows the mask. Look at: what is in the sum above the line.",
        ),
        Mistake(
            "divides by all places",
            _loss(mean=lambda each, counted: (each * counted).mean()),
            "That is what comes out when the losses are multiplied by the mask and then averaged over all places, also "
            "those that do not count: a batch with many pads would seem easy. Look at: what you divide by.",
            also=(
                lambda logits, tokens, mask: (
                    _loss(mean=lambda each, counted: (each * counted).sum())(logits, tokens, mask) / tokens.numel()
                ),
            ),
        ),
        Mistake(
            "the first token in the count",
            _first_in_the_count,
            "That is what comes out when the losses are right and are divided by the sum of the whole mask. Where it "
            "has a 1 on the first token, that is one too many: nobody predicts it. Look at: which mask you add up.",
        ),
        Mistake(
            "one more than the count",
            _loss(mean=lambda each, counted: (each * counted).sum() / (counted.sum() + 1)),
            "That is what comes out when 1 is added to the number of counted tokens, against a division by 0. It makes "
            "every loss a little too small. Look at: what you divide by when something counts.",
        ),
        Mistake(
            "losses of 0 do not count",
            _loss(mean=lambda each, counted: (each * counted).sum() / (each * counted).count_nonzero().clamp(min=1)),
            "That is what comes out when the losses that are not 0 are counted instead of the 1s of the mask. A token "
            "that the model is quite sure of has a loss of 0, and counts. Look at: what you count.",
        ),
        Mistake(
            "mean of the rows' means",
            _loss(mean=_mean_of_means),
            "That is what comes out when each text is averaged first, and then the texts: a token in a short text "
            "counts for more. Here every token counts the same. Look at: the order of the sums.",
            "the same question in RL: Liu et al. 2025, on the length bias of GRPO",
            also=(_loss(mean=_mean_of_some_means),),
        ),
        Mistake(
            "divides by the number of texts",
            _loss(mean=lambda each, counted: (each * counted).sum(dim=1).mean()),
            "That is what comes out when the losses of each text are added up, and the sums averaged: a long text "
            "would take a larger step. Look at: what you divide by.",
        ),
        Mistake(
            "sum instead of mean",
            _loss(mean=lambda each, counted: (each * counted).sum()),
            "That is what comes out when the losses are added up and never divided: a longer batch would take a larger "
            "step. Look at: your last line.",
        ),
        Mistake(
            "sign",
            _loss(mean=lambda each, counted: -_mean(each, counted)),
            "That is the mean log-likelihood; training goes down, so it would make the text less and less likely. "
            "Look at: the sign.",
        ),
        Mistake(
            "over another dimension than the vocabulary",
            _loss(each=lambda rows, following: F.cross_entropy(rows, following, reduction="none")),
            "That is what comes out when the softmax does not run over the vocabulary, but over the places of a text "
            "or over the texts. `cross_entropy` always takes the second dimension, and the logits have the vocabulary "
            "last. Look at: which dimension becomes probabilities that sum to 1.",
            "the documentation of torch.nn.functional.cross_entropy: input (N, C, d), target (N, d)",
            also=(_softmax_over(1), _softmax_over(0), _whole_softmax_over(1)),
        ),
        Mistake(
            "reshaped instead of transposed",
            _loss(each=lambda rows, following: _nats(rows.reshape(len(rows), -1, rows.shape[1]).mT, following)),
            "That is what comes out when `view` or `reshape` is to bring the vocabulary forward. They cut the same row "
            "of numbers into new pieces, and logits of different places get mixed. Look at: `transpose`, or flattening "
            "batch and time.",
        ),
        Mistake(
            "softmax twice",
            _loss(each=lambda rows, following: _nats(rows.softmax(dim=-1), following)),
            "That is what comes out when probabilities go into `cross_entropy`, which takes logits and does the "
            "softmax itself. It trains, and poorly. Look at: what you hand to `cross_entropy`.",
            "the documentation of torch.nn.functional.cross_entropy: its input is unnormalised logits",
        ),
        Mistake(
            "no softmax",
            _loss(each=lambda rows, following: -_of_following(rows, following)),
            "That is what comes out when the logits themselves are taken for log-probabilities, as `nll_loss` does "
            "with whatever it gets. They are not normalised yet. Look at: what goes in before you choose the token.",
        ),
        Mistake(
            "no logarithm",
            _loss(each=lambda rows, following: -_of_following(rows.softmax(dim=-1), following)),
            "That is what comes out when the mean is taken of the probabilities, not of their logarithms. "
            "Look at: softmax and log_softmax.",
            also=(_loss(each=lambda rows, following: 1 - _of_following(rows.softmax(dim=-1), following)),),
        ),
        Mistake(
            "a probability of 0 before its logarithm",
            _log_plus(0.0),
            "That is what comes out when the softmax is done first, or by hand, and its logarithm taken afterwards: "
            "far-off logits make exp infinite or a probability 0, and a small number added to it only hides that. "
            "Look at: the function that does both at once.",
            also=(
                *map(_log_plus, (1e-5, 1e-8, 1e-9, 1e-10)),
                *map(_log_not_below, (1e-8, 1e-9, 1e-12)),
                _loss(each=_by_exp),
                _loss(each=_by_log_of_sum),
            ),
        ),
        Mistake(
            "the likeliest instead of the right token",
            _loss(each=lambda rows, following: -rows.log_softmax(dim=-1).amax(dim=-1)),
            "That is what comes out when the loss is that of the token that the model likes best, not of the one that "
            "stands in the text: being sure would be enough. Look at: how the token is chosen.",
        ),
        Mistake(
            "bits",
            _loss(mean=lambda each, counted: _mean(each, counted) / log(2)),
            "That is the loss in bits, from the logarithm to base 2. Ours is in nats. Look at: log and log2.",
        ),
        Mistake(
            "perplexity",
            _loss(mean=lambda each, counted: _mean(each, counted).exp()),
            "That is exp of the loss, the perplexity. It comes in 3.2; what is trained is the loss. "
            "Look at: your last line.",
        ),
        Mistake(
            "nothing by nothing",
            _loss(mean=lambda each, counted: (each * counted).sum() / counted.sum()),
            "That is what comes out when the number of counted tokens is 0 and you divide by it: one such batch, and "
            "all weights are nan. A mean over an empty selection, also that of `cross_entropy`, does the same. "
            "Look at: what you divide by when nothing counts.",
            also=(_loss(mean=lambda each, counted: each[counted.bool()].mean()), _no_clamp),
        ),
    ),
    hints=(
        "Row t of the logits was computed from the tokens up to t, so it is a guess about token t + 1. Which rows have "
        "a token to guess? Cut logits, tokens and mask so that what belongs together stands in the same place.",
        "`F.cross_entropy(rows, targets, reduction='none')` wants one row a prediction: flatten batch and time of the "
        "logits into one dimension (`flatten(0, 1)`), and of the targets too. You get one loss for each prediction.",
        "Multiply each loss by its mask, add up, and divide by how many count, which is the sum of the same mask. If "
        "none counts, divide by 1 instead.",
    ),
)
