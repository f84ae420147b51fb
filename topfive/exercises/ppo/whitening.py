"""Exercise 6.4: whitening."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv


def _whiten_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        values = 3 * torch.randn(len(lengths), time, generator=generator, dtype=dtype) + 2
        return values, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    equal = torch.full((2, 4), float(torch.randint(1, 5, (1,), generator=generator)))
    mask = lengths_mask([4, 4], 4)
    return [
        Case("four tokens, one response", drawn([4], 4), look_at="mean and deviation of your answer."),
        Case("two responses of different length", drawn([6, 3], 6), look_at="which numbers the mean is taken over."),
        Case("keep the mean", (*drawn([5, 2], 5), False), look_at="what is added in the end."),
        Case("all numbers equal", (equal, mask), look_at="what you divide by when nothing varies."),
        Case("many responses in float64", drawn(many, 9, torch.float64), look_at="the largest deviation."),
    ]


def _whiten(values: Tensor, mask: Tensor, shift_mean: bool = True, *, wrong: str = "") -> Tensor:
    counted = torch.ones_like(mask) if wrong == "all" else mask

    def added(numbers: Tensor) -> Tensor:
        return numbers.sum(dim=1, keepdim=True) if wrong == "row" else numbers.sum()

    number = torch.tensor(values.numel()) if wrong == "numel" else added(counted)
    mean = added(values * counted) / number
    squares = (values * mask - mean) ** 2 if wrong == "zeros" else (values - mean) ** 2 * counted
    places = {"bessel": number - 1, "places": torch.tensor(values.numel())}
    variance = added(squares) / places.get(wrong, number)
    scale = variance + 1e-8 if wrong == "variance" else (variance + (0 if wrong == "epsilon" else 1e-8)).sqrt()
    if wrong == "no shift" and not shift_mean:
        return values / scale * mask
    whitened = (values - mean) / scale
    if not shift_mean and wrong != "always":
        whitened = whitened + mean
    return whitened if wrong == "pads" else whitened * mask


EXERCISE = Exercise(
    number="6.4",
    title="Whitening",
    points=2,
    minutes=8,
    solution=adv.whiten,
    cases=_whiten_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "counts pads",
            partial(_whiten, wrong="all"),
            "That is what comes out when the mean and the deviation are taken over pads as well. Look at: over which "
            "numbers you sum, and how many there are.",
        ),
        Mistake(
            "divides by all places",
            partial(_whiten, wrong="numel"),
            "That is what comes out when the sum runs over real tokens and is divided by the number of all places, as "
            "(values * mask).mean() does. Look at: how many real tokens there are.",
        ),
        Mistake(
            "pads are zeros in the variance",
            partial(_whiten, wrong="zeros"),
            "That is what comes out when pads are set to 0 and then the mean is subtracted: every pad adds mean² to "
            "the squares. Look at: which comes first, the mask or the square.",
        ),
        Mistake(
            "pads are counted in the variance",
            partial(_whiten, wrong="places"),
            "That is what comes out when the mean is right, but the squares are divided by the number of all places, "
            "as .mean() does after `* mask`. Look at: how many squares there are.",
        ),
        Mistake(
            "each response for itself",
            partial(_whiten, wrong="row"),
            "That is what comes out when every response is whitened for itself. Then the best list and the worst have "
            "the same advantages. Look at: the `dim` of your mean.",
        ),
        Mistake(
            "n − 1",
            partial(_whiten, wrong="bessel"),
            "That is what comes out when the squares are divided by n − 1, as torch.std and torch.var do unless told "
            "otherwise. Over thousands of tokens nobody notices. Look at: `correction=0`.",
            "the default of torch.var; some PPO code uses it on purpose",
        ),
        Mistake(
            "divides by the variance",
            partial(_whiten, wrong="variance"),
            "That is what comes out without a square root: divided by the variance. Look at: the unit of what you "
            "divide by.",
        ),
        Mistake(
            "no ε",
            partial(_whiten, wrong="epsilon"),
            "That is what comes out when nothing varies and you divide by exactly 0. Look at: the small number under "
            "the root.",
        ),
        Mistake(
            "pads are not 0",
            partial(_whiten, wrong="pads"),
            "That is what comes out when pads are whitened along with the rest. Look at: your last line.",
        ),
        Mistake(
            "the mean is never kept",
            partial(_whiten, wrong="always"),
            "That is what comes out when `shift_mean` is not looked at. For rewards the mean has to stay: it is what "
            "they are about. Look at: shift_mean=False.",
            "Huang et al. 2024: rewards are whitened without shifting the mean",
        ),
        Mistake(
            "scales about 0",
            partial(_whiten, wrong="no shift"),
            "That is what comes out when, to keep the mean, nothing is subtracted: then dividing changes the mean too. "
            "Look at: subtract, divide, and add what you subtracted.",
        ),
    ),
    hints=(
        "Everything is about the real tokens only: their number is `mask.sum()`, their sum `(values * mask).sum()`.",
        "The variance is the mean over real tokens of (values − mean)². Add 1e-8, take the root, divide.",
        "With shift_mean=False add the mean again after dividing. Whatever you do, the last thing is `* mask`.",
    ),
)
