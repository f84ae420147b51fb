"""Exercise 3.6: padding, and masking the prompt."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import train

PAD, END = 0, 1
Ids = list[int]


def _pad_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: Sequence[tuple[int, int]], end: int = END) -> list[tuple[Ids, Ids]]:
        return [
            (integers(2, 90, prompt, generator), [*integers(2, 90, completion, generator), end])
            for prompt, completion in lengths
        ]

    pairs = drawn([(3, 5), (6, 1), (1, 9)])
    return [
        Case(
            "two pairs, by hand",
            ([([5], [6, 7, END]), ([5, 6, 8], [9, END])], PAD),
            look_at="each row, token by token.",
        ),
        Case("three pairs of different length", (pairs, PAD), look_at="the width of the batch, and its pads."),
        Case("the pad token is also the end token", (drawn([(3, 4), (2, 2)], end=7), 7), look_at="the end token."),
        Case("the prompt counts, too, if asked for", (pairs, PAD, False), look_at="mask_prompt."),
        Case("no prompt at all, and no pads", (drawn([(0, 4), (0, 4)]), PAD), look_at="the first column of the mask."),
    ]


def _pad(
    examples: list[tuple[Ids, Ids]], pad: int, mask_prompt: bool = True, *, wrong: str = ""
) -> tuple[Tensor, Tensor]:
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens, mask = torch.full((len(examples), width), pad), torch.zeros(len(examples), width, dtype=torch.long)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        first = 0 if wrong == "prompt counts" else len(prompt) if mask_prompt or wrong == "always" else 0
        if wrong == "early" and first:
            first, last = first - 1, end - 1
        else:
            last = end - 1 if wrong == "no end" else width if wrong == "pads count" else end
        tokens[row, :end] = torch.tensor([*prompt, *completion])
        mask[row, first:last] = 1
        if wrong == "-100" and mask_prompt:
            tokens[row, : len(prompt)] = -100
        if wrong == "left":
            tokens[row], mask[row] = tokens[row].roll(width - end), mask[row].roll(width - end)
    if wrong == "by value":
        mask = mask * (tokens != pad)
    return tokens, 1 - mask if wrong == "turned round" else mask


EXERCISE = Exercise(
    number="3.6",
    title="Padding, and masking the prompt",
    points=3,
    minutes=15,
    solution=train.pad_batch,
    cases=_pad_cases,
    axes=("pair", "place"),
    mistakes=(
        Mistake(
            "the prompt counts",
            partial(_pad, wrong="prompt counts"),
            "The tokens are right. The mask is 1 on the prompt too, which is an attention mask: the model would learn "
            "to ask questions as well. Look at: where the 1s begin.",
        ),
        Mistake(
            "the end token does not count",
            partial(_pad, wrong="no end"),
            "That is what comes out when the mask stops before the end token. A model that is never asked to predict "
            "the end never stops. Look at: the last 1 of a row.",
            "a common reason for endless answers after fine-tuning",
        ),
        Mistake(
            "pads are found by their value",
            partial(_pad, wrong="by value"),
            "That is what comes out when pads are recognised by their token. Here pad and end are the same token, as "
            "in many real tokenizers, and so the end token is masked with the pads. Look at: lengths instead of "
            "values.",
            "observed wherever pad_token = eos_token is set",
        ),
        Mistake(
            "one place early",
            partial(_pad, wrong="early"),
            "That is what comes out when the mask marks the places that predict. It is to mark the tokens that are "
            "predicted; the loss does the shift (3.1). Look at: the first and the last 1 of a row.",
        ),
        Mistake(
            "pads count",
            partial(_pad, wrong="pads count"),
            "That is what comes out when the mask is 1 up to the end of the row, pads and all. "
            "Look at: where the 1s stop in a short row.",
        ),
        Mistake(
            "pads on the left",
            partial(_pad, wrong="left"),
            "That is what comes out with pads on the left. It is what sampling wants; for training they stand on the "
            "right, where no real token ever sees them. Look at: the first column.",
        ),
        Mistake(
            "mask_prompt is not used",
            partial(_pad, wrong="always"),
            "That is what comes out when the prompt is masked also with mask_prompt=False: then it counts as well. "
            "Look at: where the 1s begin.",
        ),
        Mistake(
            "turned round",
            partial(_pad, wrong="turned round"),
            "The mask has its 0s and 1s the wrong way round: 1 is on what counts. Look at: what you fill it with.",
        ),
        Mistake(
            "−100 among the tokens",
            partial(_pad, wrong="-100"),
            "That is what comes out when the prompt is overwritten by −100. Labels in transformers do that; these are "
            "the tokens that the model reads, and it has to see the prompt. Look at: what goes into tokens.",
            "labels and input_ids in the documentation of transformers",
        ),
    ),
    hints=(
        "The batch is as wide as its longest pair. Begin with `torch.full((rows, width), pad)` for the tokens, zeros "
        "for the mask, and fill in row by row.",
        "In a row you know two lengths: of the prompt, and of both together. The tokens go from 0 to the second. The "
        "1s go from the first (or from 0, if the prompt counts) to the second.",
    ),
)
