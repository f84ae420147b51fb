"""Exercise 5.1: one score from many numbers."""

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import heads


def _mean_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(mask: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator, dtype=dtype).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 3.0, 2.0, 9.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    lengths = torch.randint(1, 13, (8,), generator=generator).tolist()
    mixed = "lists of different length"
    return [
        Case("three tokens and a pad", toy, look_at="which numbers are added, and by how many they are divided."),
        Case("all lists equally long", drawn(lengths_mask([5, 5, 5], 5)), look_at="the dimension that you sum over."),
        Case(mixed, drawn(lengths_mask([6, 2, 4], 6)), look_at="what the pads of the second list add."),
        Case(mixed, drawn(lengths_mask(lengths, 12), torch.float64), look_at="a list of a single token."),
        Case("pads on the left", drawn(lengths_mask([3, 5, 1], 5).flip(1)), look_at="how you find the real tokens."),
    ]


EXERCISE = Exercise(
    number="5.1",
    title="One score from many numbers",
    points=2,
    minutes=6,
    solution=heads.mean_of_tokens,
    cases=_mean_cases,
    axes=("list",),
    differentiable=True,
    mistakes=(
        Mistake(
            "pads count",
            lambda numbers, mask: numbers.mean(dim=1),
            "That is what comes out when pads are averaged as well: the score of a list then depends on how long its "
            "neighbours in the batch are. Look at: where the mask comes in.",
        ),
        Mistake(
            "divides by the width",
            lambda numbers, mask: (numbers * mask).mean(dim=1),
            "That is what comes out when the pads are set to 0 but still counted in the division. Look at: by what you "
            "divide, in a list with pads.",
        ),
        Mistake(
            "sum instead of mean",
            lambda numbers, mask: (numbers * mask).sum(dim=1),
            "That is what comes out when the numbers are added up and never divided. Each further token would then "
            "move the score, and long lists would have an advantage or a handicap. Look at: your last line.",
        ),
        Mistake(
            "one score for the whole batch",
            lambda numbers, mask: (numbers * mask).sum() / mask.sum(),
            "That is what comes out when the sums run over the whole batch. Every list needs its own score. Look at: "
            "the `dim` of each sum.",
        ),
        Mistake(
            "divides by all tokens of the batch",
            lambda numbers, mask: (numbers * mask).sum(dim=1) / mask.sum(),
            "That is what comes out when each list's sum is divided by the number of tokens in the whole batch. Look "
            "at: the `dim` of the sum below the line.",
        ),
        Mistake(
            "the last token alone",
            heads.last_token,
            "That is what comes out when only the last real token is read. It is the next exercise; here all real "
            "tokens count. Look at: the word *mean* in the docstring.",
        ),
        Mistake(
            "the largest number",
            lambda numbers, mask: numbers.masked_fill(mask == 0, -torch.inf).amax(dim=1),
            "That is what comes out when the largest number of a list is its score. Look at: the word *mean* in the "
            "docstring.",
        ),
    ),
    hints=(
        "Two sums do it, one above and one below the line. Both run over the tokens of a list, never over lists.",
        "`numbers * mask` is 0 on pads, so they add nothing. And how many real tokens does a list have? The mask "
        "knows.",
    ),
)
