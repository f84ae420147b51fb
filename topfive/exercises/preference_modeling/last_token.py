"""Exercise 5.2: the last real token."""

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import heads


def _last_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(mask: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator, dtype=dtype).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 3.0, 2.0, 9.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    lengths = torch.randint(1, 13, (32,), generator=generator).tolist()
    left = "pads on the left"
    return [
        Case(
            "three tokens and a pad",
            toy,
            look_at="at which place the last real token stands, and how one number is picked from each row.",
        ),
        Case("no pads at all", drawn(lengths_mask([5, 5, 5], 5)), look_at="the last column."),
        Case("lists of different length", drawn(lengths_mask([6, 2, 4], 6)), look_at="the place in each row."),
        Case("lists of different length", drawn(lengths_mask(lengths, 12), torch.float64), look_at="a single token."),
        Case(left, drawn(lengths_mask([3, 5, 1], 5).flip(1)), look_at="whether counting tokens gives the place."),
    ]


def _numbers_at(numbers: Tensor, places: Tensor) -> Tensor:
    return numbers[torch.arange(len(numbers)), places]


EXERCISE = Exercise(
    number="5.2",
    title="The last real token",
    points=2,
    minutes=8,
    solution=heads.last_token,
    cases=_last_cases,
    axes=("list",),
    differentiable=True,
    mistakes=(
        Mistake(
            "the last column",
            lambda numbers, mask: numbers[:, -1],
            "That is what comes out when the last column is read. In a short list that is a pad. Look at: the list "
            "with a pad.",
            "with right padding the classic error: transformers looks for the last token that is not a pad",
        ),
        Mistake(
            "the last column, times the mask",
            lambda numbers, mask: (numbers * mask)[:, -1],
            "That is what comes out when the pads are set to 0 and the last column is read all the same: short lists "
            "score 0. Look at: the place, not the value, of the last real token.",
        ),
        Mistake(
            "counts the tokens",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1) - 1),
            "That is what comes out when the place is the number of tokens less 1. With pads on the left, the tokens "
            "begin later. Look at: what else than the count could tell you the place.",
            "observed wherever a generator's left-padded batch meets a scorer written for the right",
        ),
        Mistake(
            "one place too far",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1)),
            "That is what comes out when the place is the number of tokens. Python counts from 0, so it points behind "
            "the end. Look at: a list of one token; at which place is it?",
        ),
        Mistake(
            "one place too early",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1) - 2),
            "That is what comes out when the last token is left out. The end token is a real token, and by then the "
            "model has read everything. Look at: the mask of the last real token.",
        ),
        Mistake(
            "the first real token",
            lambda numbers, mask: _numbers_at(numbers, mask.argmax(dim=1)),
            "That is what comes out when the first real token is read: `argmax` gives the first place where the mask "
            "is largest. At the first token the model has read nothing yet. Look at: how to find the last such place.",
        ),
        Mistake(
            "the mean",
            heads.mean_of_tokens,
            "That is what comes out when all real tokens are averaged, as in 5.1. Here a single one speaks. Look at: "
            "the picture above the exercise.",
        ),
    ),
    hints=(
        "First find, for each list, the place of its last real token; then pick the number at that place.",
        "`torch.arange(time) * mask` keeps the places of real tokens and sets those of pads to 0. What is the largest?",
        "`numbers[torch.arange(len(numbers)), places]` picks one number from each row; `places` is (batch,), integers.",
    ),
)
