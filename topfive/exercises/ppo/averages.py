"""What goes wrong where a loss is averaged over real tokens: the same in 6.5 and 6.6."""

from collections.abc import Callable

from torch import Tensor

from topfive.exercises.exercise import Function, Mistake

Average = Callable[[Tensor, Tensor], Tensor]


def averaging_mistakes(averaged: Callable[[Average], Function]) -> tuple[Mistake, ...]:
    """The mistakes of a loss; `averaged(average)` is that loss with `average(values, mask)` for its masked mean."""
    return (
        Mistake(
            "a sum",
            averaged(lambda each, mask: (each * mask).sum()),
            "That is what comes out when tokens are added up and not averaged: the step would grow with the batch or "
            "with the length of its lists. Look at: what you divide by.",
            also=(
                averaged(lambda each, mask: each.sum()),
                averaged(lambda each, mask: (each * mask).sum(dim=1).mean()),
            ),
        ),
        Mistake(
            "pads count",
            averaged(lambda each, mask: each.mean()),
            "That is what comes out of .mean() over all places, pads too. Look at: where `mask` enters.",
            also=(averaged(lambda each, mask: each.sum() / mask.sum()),),
        ),
        Mistake(
            "divides by all places",
            averaged(lambda each, mask: (each * mask).mean()),
            "That is what comes out when pads are set to 0 and then counted. Look at: what you divide by.",
        ),
        Mistake(
            "mean of means",
            averaged(lambda each, mask: ((each * mask).sum(dim=1) / mask.sum(dim=1)).mean()),
            "That is what comes out when each response, or each column, is averaged first: a token of a long list then "
            "counts less than one of a short list. Look at: one sum over all real tokens, divided by their number.",
            "discussed as a length bias by Liu et al. 2025, arXiv 2503.20783",
            also=(
                averaged(lambda each, mask: ((each * mask).sum(dim=0) / mask.sum(dim=0).clamp(min=1)).mean()),
                averaged(lambda each, mask: ((each * mask).sum(dim=1) / mask.sum(dim=1)).sum()),
            ),
        ),
        Mistake(
            "the mask as an index",
            averaged(lambda each, mask: each[mask].mean()),
            "That is what comes out when the mask stands in square brackets. It holds whole numbers, so it picks rows "
            "0 and 1 again and again; only a mask of True and False picks the real tokens. Look at: mask.bool().",
            "PyTorch: an index of whole numbers picks by number",
            also=(averaged(lambda each, mask: each[mask].sum() / mask.sum()),),
        ),
        Mistake(
            "not averaged",
            averaged(lambda each, mask: each * mask),
            "That is what comes out when there still are several numbers: one a token or one an answer. A loss is one "
            "number for the whole batch. Look at: your last line.",
            also=(
                averaged(lambda each, mask: each),
                averaged(lambda each, mask: (each * mask) / mask.sum()),
                averaged(lambda each, mask: (each * mask).sum(dim=1) / mask.sum(dim=1)),
                averaged(lambda each, mask: (each * mask).sum(dim=1)),
                averaged(lambda each, mask: each[mask.bool()]),
            ),
        ),
    )
