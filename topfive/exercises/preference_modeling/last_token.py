"""Exercise 5.2: the last real token."""

from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import heads


def _last_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(mask: Tensor) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 6.0, 2.0, 7.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    zero = (torch.tensor([[3.0, -2.0, 0.0, 4.0, 5.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0, 0]]))
    mixed, either = "lists of different length", "pads on the left of one list, on the right of another"
    left_first = torch.cat([lengths_mask([2, 4], 6).flip(1), lengths_mask([3, 1], 6)])
    return [
        Case(
            "three tokens and a pad",
            toy,
            look_at="at which place the last real token stands, and how one number is picked from each row.",
        ),
        Case("no pads at all", drawn(lengths_mask([5, 5, 5], 5)), look_at="the last column."),
        Case(mixed, drawn(lengths_mask([2, 6, 4], 6)), look_at="the place in each row."),
        Case(mixed, drawn(lengths_mask(integers(1, 13, 30, generator), 12)), look_at="the place in each row."),
        Case(mixed, drawn(lengths_mask([1], 1)), look_at="a single token."),
        Case("pads after the longest list", drawn(lengths_mask([2, 5, 1, 3], 7)), look_at="the last columns."),
        Case(
            "pads on the left",
            drawn(lengths_mask([3, 5, 1], 5).flip(1)),
            look_at="whether counting tokens gives the place.",
        ),
        Case(either, drawn(left_first), look_at="whether each list is asked anew on which side its pads are."),
        Case(either, drawn(left_first.flip(0)), look_at="whether each list is asked anew on which side its pads are."),
        Case("a last number that is 0", zero, look_at="how you find the real tokens; their numbers may be 0 as well."),
    ]


def _numbers_at(numbers: Tensor, places: Tensor) -> Tensor:
    return numbers[torch.arange(len(numbers)), places]


def _places(mask: Tensor) -> Tensor:
    """Where the last real tokens are."""
    return (torch.arange(mask.shape[1]) * mask).argmax(dim=1)


def _at(places: Callable[[Tensor], Tensor]) -> Function:
    """The number of each row at `places(mask)`."""
    return lambda numbers, mask: _numbers_at(numbers, places(mask))


def _gathered(places: Callable[[Tensor], Tensor]) -> Function:
    """The same with gather, which knows no places from the end, and whose errors are of another kind."""
    return lambda numbers, mask: numbers.gather(1, places(mask)[:, None])[:, 0]


def _side(left: Callable[[Tensor], Tensor]) -> Function:
    """The side of the pads is asked once: the last column if `left(mask)`, else the place by counting."""
    return lambda numbers, mask: numbers[:, -1] if left(mask) else _numbers_at(numbers, mask.sum(dim=1) - 1)


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
            _at(lambda mask: mask.sum(dim=1) - 1),
            "That is what comes out when the place is reckoned from the number of tokens. With pads on the left, the "
            "tokens begin later, and end in the last column. Look at: what else than the count could tell you the "
            "place.",
            "observed wherever a generator's left-padded batch meets a scorer written for the right",
            also=(
                _at(lambda mask: torch.where(mask[:, 0] == 0, mask.shape[1] - mask.sum(dim=1), mask.sum(dim=1) - 1)),
            ),
        ),
        Mistake(
            "one place too far",
            _at(lambda mask: mask.sum(dim=1)),
            "That is what comes out when the place is one too many, as when it is the number of tokens. Python counts "
            "from 0, so that is behind the end. Look at: a list of one token; at which place is it?",
            also=(
                _gathered(lambda mask: mask.sum(dim=1)),
                _at(lambda mask: mask.sum(dim=1).clamp(max=mask.shape[1] - 1)),
                _at(lambda mask: mask.sum(dim=1) % mask.shape[1]),
                _at(lambda mask: _places(mask) + 1),
                _gathered(lambda mask: _places(mask) + 1),
                _at(lambda mask: (_places(mask) + 1).clamp(max=mask.shape[1] - 1)),
                _at(lambda mask: mask.argmin(dim=1)),
            ),
        ),
        Mistake(
            "squeezed too far",
            lambda numbers, mask: _numbers_at(numbers, _places(mask)).squeeze(),
            "That is right but for a batch of one list: `squeeze()` takes away every dimension of size 1, that of the "
            "batch as well. Look at: `squeeze` with the dimension that you mean, or none at all.",
        ),
        Mistake(
            "the place before the first 0",
            _at(lambda mask: (mask.argmin(dim=1) - 1).clamp(min=0)),
            "That is what comes out when the place before the first 0 of the mask is read. It is the last real token "
            "where pads stand on the right, and nothing of use without pads, where `argmin` gives 0, or with pads on "
            "the left. Look at: what is largest, or last, where the mask is 1.",
        ),
        Mistake(
            "the sum behind the last token",
            lambda numbers, mask: (numbers * (mask.cumsum(dim=1) == mask.sum(dim=1, keepdim=True))).sum(dim=1),
            "That is what comes out when all places are added up at which the whole list has been read: the last real "
            "token and every pad behind it. Look at: multiplying with the mask as well.",
        ),
        Mistake(
            "one place too early",
            _at(lambda mask: mask.sum(dim=1) - 2),
            "That is what comes out when the last token is left out. The end token is a real token, and by then the "
            "model has read everything. Look at: the mask of the last real token.",
            also=(
                _at(lambda mask: _places(mask) - 1),
                _at(lambda mask: (_places(mask) - 1).clamp(min=0)),
                _at(lambda mask: (mask.sum(dim=1) - 2).clamp(min=0)),
                _gathered(lambda mask: _places(mask) - 1),
                _gathered(lambda mask: mask.sum(dim=1) - 2),
                _at(lambda mask: mask.argmin(dim=1) - 2),
            ),
        ),
        Mistake(
            "the first real token",
            _at(lambda mask: mask.argmax(dim=1)),
            "That is what comes out when the first token is read, as with `argmax` of the mask, which gives the first "
            "place where it is largest. At the first token the model has read nothing yet. Look at: how to find the "
            "last real place.",
            also=(lambda numbers, mask: numbers[:, 0],),
        ),
        Mistake(
            "the flipped place is not turned back",
            _at(lambda mask: mask.flip(1).argmax(dim=1)),
            "That is what comes out when the place is counted from the right, by turning the mask round, and then used "
            "as if counted from the left. Look at: which number stands so many places from the right.",
            also=(lambda numbers, mask: _numbers_at(numbers.flip(1), mask.argmax(dim=1)),),
        ),
        Mistake(
            "one place for all lists",
            _at(lambda mask: _places(mask)[:1].expand(len(mask))),
            "That is what comes out when one place is used for all lists, that of the first, the last or the longest. "
            "Look at: each row's own mask.",
            also=(
                _at(lambda mask: _places(mask).max().expand(len(mask))),
                _at(lambda mask: _places(mask)[-1:].expand(len(mask))),
                _at(lambda mask: (mask.sum(dim=1).max() - 1).expand(len(mask))),
                _at(lambda mask: (mask[0].sum() - 1).expand(len(mask))),
            ),
        ),
        Mistake(
            "the side of the pads asked once",
            _side(lambda mask: mask[0, 0] == 0),
            "That is what comes out when one list tells for all on which side the pads are. Look at: a batch in which "
            "one list is padded on the left and another on the right.",
            also=(
                _side(lambda mask: (mask[:, 0] == 0).any()),
                _side(lambda mask: mask[0, -1] == 1),
                _side(lambda mask: (mask[:, -1] == 1).any()),
                _side(lambda mask: (mask[:, -1] == 1).all()),
            ),
        ),
        Mistake(
            "the last number that is not 0",
            lambda numbers, mask: _numbers_at(numbers, _places((numbers * mask != 0).long())),
            "That is what comes out when the real tokens are found by their numbers not being 0. A real token's number "
            "may be 0. Look at: what else tells you which tokens are real.",
        ),
        Mistake(
            "the last pad",
            _at(lambda mask: (torch.arange(mask.shape[1]) * (1 - mask)).argmax(dim=1)),
            "That is what comes out when the mask is turned round and a pad is read. Look at: on which tokens the mask "
            "is 1.",
        ),
        Mistake(
            "every place from every list",
            lambda numbers, mask: numbers[:, _places(mask)],
            "That is what comes out when the places are not paired with their rows: every row then gives its numbers "
            "at all places, or whole rows are picked. Look at: what stands before the comma when you index `numbers`.",
            also=(
                lambda numbers, mask: numbers[_places(mask)],
                lambda numbers, mask: numbers[:, mask.sum(dim=1) - 1],
                lambda numbers, mask: numbers[mask.sum(dim=1) - 1],
            ),
        ),
        Mistake(
            "a column of scores",
            lambda numbers, mask: numbers.gather(1, _places(mask)[:, None]),
            "That is what comes out when the scores stand below one another, (batch, 1). One number a list has the "
            "shape (batch,). Look at: the dimension that `gather` or `keepdim` leaves.",
            also=(lambda numbers, mask: numbers.gather(1, mask.sum(dim=1, keepdim=True) - 1),),
        ),
        Mistake(
            "a number at every token",
            lambda numbers, mask: numbers * (torch.arange(mask.shape[1]) == _places(mask)[:, None]),
            "That is what comes out when all other numbers become 0 and stay there. A list has one score. Look at: the "
            "shape of what you return, (batch,).",
            also=(lambda numbers, mask: numbers * mask,),
        ),
        Mistake(
            "one score for the whole batch",
            lambda numbers, mask: numbers[mask.bool()][-1],
            "That is what comes out when the batch is read as one long row: there is one last token, and one score. "
            "Every list needs its own. Look at: what `numbers[mask.bool()]` does with the rows.",
            also=(lambda numbers, mask: numbers[-1, -1], lambda numbers, mask: _numbers_at(numbers, _places(mask))[-1]),
        ),
        Mistake(
            "the place instead of the number",
            lambda numbers, mask: _places(mask),
            "That is what comes out when the place of the last real token is returned, and not the number that stands "
            "there. Look at: your last line.",
            also=(lambda numbers, mask: _places(mask).to(numbers.dtype), lambda numbers, mask: mask.sum(dim=1) - 1),
        ),
        Mistake(
            "the largest number",
            lambda numbers, mask: numbers.masked_fill(mask == 0, -torch.inf).amax(dim=1),
            "That is what comes out when the largest number of a list is its score. The largest *place* is what finds "
            "the last token. Look at: what you take the maximum of.",
            also=(lambda numbers, mask: (numbers * mask).amax(dim=1),),
        ),
        Mistake(
            "the mean",
            lambda numbers, mask: (numbers * mask).sum(dim=1) / mask.sum(dim=1),
            "That is what comes out when all real tokens are averaged or added, as in 5.1. Here a single one speaks. "
            "Look at: the word *last* in the docstring.",
            also=(lambda numbers, mask: (numbers * mask).sum(dim=1), lambda numbers, mask: numbers.mean(dim=1)),
        ),
    ),
    hints=(
        "First find, for each list, the place of its last real token; then pick the number at that place.",
        "`torch.arange(time) * mask` keeps the places of real tokens and sets those of pads to 0. What is the largest?",
        "`numbers[torch.arange(len(numbers)), places]` picks one number from each row; `places` is (batch,), integers.",
    ),
)
