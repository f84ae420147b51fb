"""Exercise 3.1: next-token loss."""

from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import losses


def _loss_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(rows: list[tuple[int, int]], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """Logits over 7 tokens, tokens, and a mask that is 1 from `first` up to `end` in each row."""
        logits = 2 * torch.randn(len(rows), time, 7, generator=generator, dtype=dtype)
        tokens = torch.randint(7, (len(rows), time), generator=generator)
        place = torch.arange(time)
        mask = torch.stack([(place >= first) & (place < end) for first, end in rows]).long()
        return logits.requires_grad_(), tokens, mask

    by_hand = torch.tensor([[[log(3.0), 0.0], [0.0, 0.0], [4.0, -4.0]]]).requires_grad_()
    many = [(a, a + b) for a, b in zip(integers(0, 5, 16, generator), integers(1, 6, 16, generator), strict=True)]
    return [
        Case(
            "three tokens, by hand",
            (by_hand, torch.tensor([[0, 1, 0]]), torch.ones(1, 3, dtype=torch.long)),
            look_at="which row of the logits belongs to which token: two rows predict something, the last does not.",
        ),
        Case("one text without pads", drawn([(0, 6)], 6), look_at="what the last row of the logits predicts."),
        Case("pads at the end", drawn([(0, 4)], 7), look_at="which predictions the mask leaves."),
        Case("a prompt that does not count", drawn([(3, 7)], 7), look_at="who predicts the first token that counts."),
        Case("a short text beside a long one", drawn([(0, 3), (1, 9)], 9), look_at="what you divide the sum by."),
        Case("sixteen texts in float64", drawn(many, 10, torch.float64), look_at="the mask and the mean, together."),
        Case("a batch in which nothing counts", drawn([(0, 0), (0, 1)], 5), look_at="a division by zero."),
    ]


def _loss(logits: Tensor, tokens: Tensor, mask: Tensor, *, wrong: str = "") -> Tensor:
    """The loss by slices, with one line wrong if asked for."""
    predicted, following, counted = logits[:, :-1], tokens[:, 1:], mask[:, 1:]
    if wrong == "no shift":
        predicted, following, counted = logits, tokens, mask
    elif wrong == "backwards":
        predicted, following, counted = logits[:, 1:], tokens[:, :-1], mask[:, :-1]
    elif wrong == "wraps":
        predicted, following, counted = logits, tokens.roll(-1, 1), mask.roll(-1, 1)
    elif wrong == "old mask":
        counted = mask[:, :-1]
    elif wrong == "no mask":
        counted = torch.ones_like(counted)
    counted = counted.to(logits.dtype)
    if wrong == "softmax twice":
        predicted = predicted.softmax(dim=-1)
    each = F.cross_entropy(predicted.transpose(1, 2), following, reduction="none") * counted
    if wrong == "sum":
        return each.sum()
    if wrong == "all places":
        return each.mean()
    if wrong == "rows":
        return (each.sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()
    if wrong == "sign":
        return -each.sum() / counted.sum().clamp(min=1)
    return each.sum() / (counted.sum() if wrong == "zero" else counted.sum().clamp(min=1))


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
            partial(_loss, wrong="no shift"),
            "That is what comes out when row t of the logits is compared with token t. But the model has just read "
            "that token: copying it would be rewarded, and nothing learned. Look at: which token row t is a guess "
            "about.",
        ),
        Mistake(
            "shifted the wrong way",
            partial(_loss, wrong="backwards"),
            "That is what comes out when row t is compared with token t − 1: the model is asked what it read before. "
            "Look at: which of the two loses its first place, and which its last.",
        ),
        Mistake(
            "wraps round",
            partial(_loss, wrong="wraps"),
            "That is what comes out when `roll` moves the first token to the end, and the last row has to predict it. "
            "Look at: whether the last place may count.",
        ),
        Mistake(
            "mask not shifted",
            partial(_loss, wrong="old mask"),
            "That is what comes out when the tokens are shifted and the mask is not. The mask is 1 on the token that "
            "is to be predicted, so it moves with the tokens. Look at: the first and the last prediction that counts.",
        ),
        Mistake(
            "ignores the mask",
            partial(_loss, wrong="no mask"),
            "That is what comes out when the mask is never used: pads and prompts are learned as well. "
            "Look at: where the mask comes in.",
        ),
        Mistake(
            "divides by all places",
            partial(_loss, wrong="all places"),
            "That is what comes out when the losses are multiplied by the mask and then averaged over all places, also "
            "those that do not count: a batch with many pads would seem easy. Look at: what you divide by.",
        ),
        Mistake(
            "mean of the rows' means",
            partial(_loss, wrong="rows"),
            "That is what comes out when each text is averaged first, and then the texts: a token in a short text "
            "counts for more. Here every token counts the same. Look at: the order of the sums.",
            "the same question in RL: Liu et al. 2025, on the length bias of GRPO",
        ),
        Mistake(
            "sum instead of mean",
            partial(_loss, wrong="sum"),
            "That is what comes out when the losses are added up and never divided: a longer batch would take a larger "
            "step. Look at: your last line.",
        ),
        Mistake(
            "sign",
            partial(_loss, wrong="sign"),
            "That is the mean log-likelihood; training goes down, so it would make the text less and less likely. "
            "Look at: the sign.",
        ),
        Mistake(
            "softmax twice",
            partial(_loss, wrong="softmax twice"),
            "That is what comes out when probabilities go into `cross_entropy`, which takes logits and does the "
            "softmax itself. It trains, and poorly. Look at: what you hand to `cross_entropy`.",
            "the documentation of torch.nn.functional.cross_entropy: its input is unnormalised logits",
        ),
        Mistake(
            "nothing by nothing",
            partial(_loss, wrong="zero"),
            "That is what comes out when the number of counted tokens is 0 and you divide by it: one such batch, and "
            "all weights are nan. Look at: `clamp(min=1)` on what you divide by.",
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
