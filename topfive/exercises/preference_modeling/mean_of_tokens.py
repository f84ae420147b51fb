"""Exercise 5.1: one score from many numbers."""

from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import heads


def _mean_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(mask: Tensor) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 6.0, 2.0, 7.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    zero = (torch.tensor([[3.0, 0.0, -2.0, 4.0, 5.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0, 0]]))
    mixed = "lists of different length"
    ends = lengths_mask([3, 5, 1], 5)
    sides = torch.where(torch.tensor([[True], [False], [True], [False]]), *_both_sides([2, 4, 3, 1], 6))
    return [
        Case("three tokens and a pad", toy, look_at="which numbers are added, and by how many they are divided."),
        Case("all lists equally long", drawn(lengths_mask([5, 5, 5], 5)), look_at="the dimension that you sum over."),
        Case(mixed, drawn(lengths_mask([2, 6, 4], 6)), look_at="what is added, and by what it is divided."),
        Case(mixed, drawn(lengths_mask(integers(1, 13, 30, generator), 12)), look_at="a list of a single token."),
        Case(mixed, drawn(lengths_mask([1], 1)), look_at="a list of a single token."),
        Case("pads after the longest list", drawn(lengths_mask([2, 5, 1, 3], 7)), look_at="the last columns."),
        Case("pads on the left", drawn(ends.flip(1)), look_at="how you find the real tokens."),
        Case("pads on the left", drawn(sides), look_at="how you find the real tokens, in each list anew."),
        Case("a number that is 0", zero, look_at="how you count the real tokens; their numbers may be 0 as well."),
    ]


def _both_sides(lengths: list[int], time: int) -> tuple[Tensor, Tensor]:
    mask = lengths_mask(lengths, time)
    return mask, mask.flip(1)


def _over(count: Callable[[Tensor, Tensor], Tensor | int]) -> Function:
    """The sum over real tokens, divided by `count(numbers, mask)`."""
    return lambda numbers, mask: (numbers * mask).sum(dim=1) / count(numbers, mask)


def _of(rows: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """List by list: one number of what is real in it and of its mask."""
    return lambda numbers, mask: torch.stack([rows(own, real) for own, real in zip(numbers, mask.bool(), strict=True)])


_mean = _over(lambda numbers, mask: mask.sum(dim=1))


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
            "pads in the sum",
            lambda numbers, mask: numbers.sum(dim=1) / mask.sum(dim=1),
            "That is what comes out when the division knows how many tokens are real, but the sum above it takes in "
            "the pads. Look at: the sum above the line.",
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
            also=(
                lambda numbers, mask: numbers.mean(),
                lambda numbers, mask: ((numbers * mask).sum() / mask.sum()).expand(len(mask)),
                lambda numbers, mask: _mean(numbers, mask).mean(),
                lambda numbers, mask: (numbers * mask).sum() / mask.sum(dim=1),
            ),
        ),
        Mistake(
            "divides by all tokens of the batch",
            _over(lambda numbers, mask: mask.sum()),
            "That is what comes out when each list's sum is divided by the number of tokens in the whole batch. Look "
            "at: the `dim` of the sum below the line.",
        ),
        Mistake(
            "divides by one list's length",
            _over(lambda numbers, mask: mask.sum(dim=1).max()),
            "That is what comes out when every list is divided by the same length, that of the longest or of the first "
            "list. Look at: how many real tokens each list has of its own.",
            also=(
                _over(lambda numbers, mask: mask[0].sum()),
                lambda numbers, mask: numbers[:, : int(mask.sum(dim=1).max())].mean(dim=1),
                lambda numbers, mask: numbers[:, : int(mask[0].sum())].mean(dim=1),
            ),
        ),
        Mistake(
            "divides by the number of lists",
            _over(lambda numbers, mask: len(mask)),
            "That is what comes out when each list's sum is divided by how many lists there are. Look at: what stands "
            "below the line; it should be a number of tokens.",
        ),
        Mistake(
            "one more or less below the line",
            _over(lambda numbers, mask: mask.sum(dim=1) + 1),
            "That is what comes out when a list of three tokens is divided by four or by two. Look at: what you add to "
            "the number of real tokens, or take from it.",
            also=(
                _over(lambda numbers, mask: mask.sum(dim=1) - 1),
                _over(lambda numbers, mask: (mask.sum(dim=1) - 1).clamp(min=1)),
            ),
        ),
        Mistake(
            "leaves out the last token",
            _of(lambda own, real: own[real][:-1].mean()),
            "That is what comes out when a real token at the beginning or at the end of each list is not counted. All "
            "of them count, the end token as well. Look at: where your slice begins and stops.",
            also=(
                _of(lambda own, real: own[real][1:].mean()),
                lambda numbers, mask: (numbers * mask)[:, :-1].sum(dim=1) / mask[:, :-1].sum(dim=1),
                lambda numbers, mask: (numbers * mask)[:, 1:].sum(dim=1) / mask[:, 1:].sum(dim=1),
            ),
        ),
        Mistake(
            "real tokens only on the left",
            _of(lambda own, real: own[: int(real.sum())].mean()),
            "That is what comes out when the first so many columns are averaged: as many as a list has real tokens. A "
            "list with pads on the left begins later. Look at: which columns your slice takes.",
        ),
        Mistake(
            "counts what is not 0",
            lambda numbers, mask: (numbers * mask).sum(dim=1) / (numbers * mask != 0).sum(dim=1),
            "That is what comes out when the real tokens are found by their numbers not being 0. A real token's number "
            "may be 0. Look at: what else tells you which tokens are real.",
        ),
        Mistake(
            "mean over the lists",
            lambda numbers, mask: (numbers * mask).sum(dim=0) / mask.sum(dim=0),
            "That is what comes out when numbers are added down a column, over the lists, and not along each list. "
            "Look at: the `dim` of your sums.",
            also=(
                lambda numbers, mask: numbers.mean(dim=0),
                lambda numbers, mask: (numbers * mask).mean(dim=0),
                lambda numbers, mask: (numbers * mask).sum(dim=0),
                lambda numbers, mask: (numbers * mask).sum(dim=0) / mask.sum(dim=0).clamp(min=1),
            ),
        ),
        Mistake(
            "a number at every token",
            lambda numbers, mask: numbers * mask / mask.sum(dim=1, keepdim=True),
            "That is what comes out when nothing is added up: there is still a number at every token. A list has one "
            "score. Look at: the shape of what you return, (batch,).",
            also=(lambda numbers, mask: numbers * mask,),
        ),
        Mistake(
            "squeezed too far",
            lambda numbers, mask: _mean(numbers, mask).squeeze(),
            "That is right but for a batch of one list: `squeeze()` takes away every dimension of size 1, that of the "
            "batch as well. Look at: `squeeze` with the dimension that you mean, or none at all.",
        ),
        Mistake(
            "a column of scores",
            lambda numbers, mask: (numbers * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True),
            "That is what comes out when the scores stand below one another, (batch, 1) or wider. One number a list "
            "has the shape (batch,). Look at: `keepdim`, or a dimension that was put in for the division.",
            also=(lambda numbers, mask: (numbers * mask).sum(dim=1) / mask.sum(dim=1, keepdim=True),),
        ),
        Mistake(
            "pads instead of tokens",
            lambda numbers, mask: (numbers * (1 - mask)).sum(dim=1) / (1 - mask).sum(dim=1),
            "That is what comes out when the mask is turned round and the pads are averaged; a list without pads has "
            "none. Look at: on which tokens the mask is 1.",
            also=(
                lambda numbers, mask: (numbers * (mask == 0)).sum(dim=1) / mask.sum(dim=1),
                lambda numbers, mask: (numbers * (1 - mask)).sum(dim=1) / (1 - mask).sum(dim=1).clamp(min=1),
                lambda numbers, mask: numbers.masked_fill(mask == 1, 0.0).mean(dim=1),
            ),
        ),
        Mistake(
            "the last token alone",
            _of(lambda own, real: own[real][-1]),
            "That is what comes out when only the last real token is read. It is the next exercise; here all real "
            "tokens count. Look at: the word *mean* in the docstring.",
            also=(
                lambda numbers, mask: numbers[torch.arange(len(numbers)), mask.sum(dim=1) - 1],
                lambda numbers, mask: numbers[:, -1],
            ),
        ),
        Mistake(
            "the first token alone",
            _of(lambda own, real: own[real][0]),
            "That is what comes out when only the first token is read. Here all real tokens count. Look at: the word "
            "*mean* in the docstring.",
            also=(lambda numbers, mask: numbers[:, 0],),
        ),
        Mistake(
            "the largest number",
            lambda numbers, mask: numbers.masked_fill(mask == 0, -torch.inf).amax(dim=1),
            "That is what comes out when the largest number of a list is its score. Look at: the word *mean* in the "
            "docstring.",
            also=(lambda numbers, mask: (numbers * mask).amax(dim=1), lambda numbers, mask: numbers.amax(dim=1)),
        ),
        Mistake(
            "the median",
            _of(lambda own, real: own[real].median()),
            "That is what comes out when the number in the middle is taken, the median. The mean is the sum divided by "
            "how many there are. Look at: the word *mean* in the docstring.",
        ),
    ),
    hints=(
        "Two sums do it, one above and one below the line. Both run over the tokens of a list, never over lists.",
        "`numbers * mask` is 0 on pads, so they add nothing. And how many real tokens does a list have? The mask "
        "knows.",
        "Both sums have `dim=1`, so that one number a list is left of each; no `.item()` and no NumPy on the way, or "
        "nothing could be trained. Pads on the left need no care of their own: the mask says where they are.",
    ),
)
