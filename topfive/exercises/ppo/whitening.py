"""Exercise 6.4: whitening."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo import advantages as adv


def _whiten_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int) -> tuple[Tensor, Tensor]:
        values = 3 * torch.randn(len(lengths), time, generator=generator) + 2
        return values, lengths_mask(lengths, time)

    def equal(lengths: list[int], time: int) -> tuple[Tensor, Tensor]:
        """One number on all real tokens, others on pads."""
        mask = lengths_mask(lengths, time)
        return drawn(lengths, time)[0].where(mask == 0, float(integers(1, 5, 1, generator)[0])), mask

    nothing, keep = "nothing varies", {"shift_mean": False}
    return [
        Case(
            "four tokens, one response",
            drawn([4], 4),
            look_at="the mean of your answer, which is to be 0, and its standard deviation, which is to be 1.",
        ),
        Case("two responses of different length", drawn([3, 6], 6), look_at="which numbers the mean is taken over."),
        Case("room after the longest response", drawn([2, 4, 1], 6), look_at="how many real tokens there are."),
        Case("keep the mean", drawn([2, 5], 6), keep, look_at="what is added in the end, and where."),
        Case("keep the mean", drawn([1, 3], 4), keep, look_at="what is added in the end, and where."),
        Case(nothing, equal([2, 4], 4), look_at="what you divide by when nothing varies."),
        Case(nothing, equal([2, 3], 5), keep, look_at="what you divide by when nothing varies."),
        Case(nothing, drawn([1], 1), look_at="what you divide by when there is one token only."),
        Case(
            "numbers far from 0",
            _far(generator),
            look_at="whether two large and nearly equal numbers are subtracted, such as the mean of x² and mean².",
        ),
        Case(
            "numbers that hardly differ",
            (1e-4 * torch.randn(2, 5, generator=generator), lengths_mask([3, 5], 5)),
            probe=True,
        ),
        Case("many responses", drawn(integers(1, 10, 16, generator), 9), look_at="the largest deviation."),
    ]


def _far(generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Eight real tokens, whole numbers around 8000: in float32 their mean is exact, and their squares are not."""
    values = 8000 + torch.randint(-9, 10, (2, 6), generator=generator).float()
    return values, lengths_mask([3, 5], 6)


def _whiten(values: Tensor, mask: Tensor, shift_mean: bool = True, *, wrong: str = "") -> Tensor:
    counted = torch.ones_like(mask) if wrong == "all" else mask
    dim = {"row": (1,), "column": (0,)}.get(wrong, (0, 1))

    def added(numbers: Tensor) -> Tensor:
        return numbers.sum(dim=dim, keepdim=True)

    number = torch.tensor(values.numel()) if wrong == "numel" else added(counted)
    mean = (values * mask).mean() if wrong == "mean of all" else added(values * counted) / number
    squares = (values * mask - mean) ** 2 if wrong == "zeros" else (values - mean) ** 2 * counted
    places = {"bessel": number - 1, "places": torch.tensor(values.numel())}
    variance = added(squares) / places.get(wrong, number)
    if wrong == "variance of all":
        variance = ((values - mean) ** 2).mean()
    scale = variance + 1e-8 if wrong == "variance" else (variance + (0 if wrong == "epsilon" else 1e-8)).sqrt()
    return _shifted((values - mean) / scale, mean, mask, shift_mean)


def _shifted(whitened: Tensor, mean: Tensor, mask: Tensor, shift_mean: bool) -> Tensor:
    return (whitened if shift_mean else whitened + mean) * mask


def _zeros_for_pads(correction: int) -> Function:
    """Pads become 0 first, and count as numbers."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        kept = values * mask
        scale = (kept.var(correction=correction) + 1e-8).sqrt()
        return _shifted((kept - kept.mean()) / scale, kept.mean(), mask, shift_mean)

    return whiten


def _of_all(correction: int) -> Function:
    """torch's own mean and standard deviation of everything, and no mask at all."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        whitened = (values - values.mean()) / (values.std(correction=correction) + 1e-8)
        return whitened if shift_mean else whitened + values.mean()

    return whiten


def _each_row_of_torch(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    mean, scale = values.mean(dim=1, keepdim=True), values.std(dim=1, keepdim=True) + 1e-8
    return _shifted((values - mean) / scale, mean, mask, shift_mean)


def _square_of_the_mean(select: bool, clamped: bool) -> Function:
    """The variance as the mean of x² minus the square of the mean."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        real = values[mask.bool()]
        squares = (real**2).mean() if select else adv.masked_mean(values**2, mask)
        mean = real.mean() if select else adv.masked_mean(values, mask)
        variance = squares - mean**2
        variance = variance.clamp(min=0) if clamped else variance
        return _shifted((values - mean) / (variance + 1e-8).sqrt(), mean, mask, shift_mean)

    return whiten


def _finished(last: Callable[[Tensor, Tensor, Tensor, Tensor, bool], Tensor]) -> Function:
    """Mean and deviation as they should be; then `last(values, mean, deviation, mask, shift_mean)`."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        mean = adv.masked_mean(values, mask)
        deviation = (adv.masked_mean((values - mean) ** 2, mask) + 1e-8).sqrt()
        return last(values, mean, deviation, mask, shift_mean)

    return whiten


def _about_zero(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    if shift_mean:
        return adv.whiten(values, mask)
    return values * torch.rsqrt(adv.masked_mean(values**2, mask) + 1e-8) * mask


def _scaled_by(size: Callable[[Tensor], Tensor]) -> Function:
    """The mean as it should be, divided by `size(real numbers)`."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        real = values[mask.bool()]
        return _shifted((values - real.mean()) / size(real), real.mean(), mask, shift_mean)

    return whiten


def _from_least_to_largest(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    real = values[mask.bool()]
    return (values - real.min()) / (real.max() - real.min() + 1e-8) * mask


def _by_whole_numbers(correction: int) -> Function:
    """The mask picks rows."""

    def whiten(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
        picked = values[mask]
        scaled = (values - picked.mean()) / (picked.var(correction=correction) + 1e-8).sqrt()
        return _shifted(scaled, picked.mean(), mask, shift_mean)

    return whiten


def _row_means(values: Tensor, mask: Tensor, shift_mean: bool = True) -> Tensor:
    """The mean of the responses' means."""
    mean = ((values * mask).sum(dim=1) / mask.sum(dim=1)).mean()
    scale = (((values - mean) ** 2 * mask).sum(dim=1) / mask.sum(dim=1)).mean().add(1e-8).sqrt()
    return _shifted((values - mean) / scale, mean, mask, shift_mean)


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
            "That is what comes out when the mean or the deviation is taken over pads as well. Look at: over which "
            "numbers you sum, and how many there are.",
            also=(
                partial(_whiten, wrong="variance of all"),
                _of_all(0),
                _of_all(1),
                lambda values, mask, shift_mean=True: _of_all(0)(values, mask, shift_mean) * mask,
                lambda values, mask, shift_mean=True: _of_all(1)(values, mask, shift_mean) * mask,
            ),
        ),
        Mistake(
            "pads become 0 and count",
            _zeros_for_pads(0),
            "That is what comes out when pads are set to 0, and mean and variance are then taken over all places. "
            "A 0 is a number like others. Look at: how many numbers .mean() and .var() or .std() see.",
            also=(_zeros_for_pads(1),),
        ),
        Mistake(
            "divides by all places",
            partial(_whiten, wrong="numel"),
            "That is what comes out when the sum runs over real tokens and is divided by the number of all places, as "
            "(values * mask).mean() does. Look at: how many real tokens there are.",
            also=(partial(_whiten, wrong="mean of all"),),
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
            also=(_each_row_of_torch,),
        ),
        Mistake(
            "each column for itself",
            partial(_whiten, wrong="column"),
            "That is what comes out when the first tokens of all responses are whitened, then the second ones, and so "
            "on. Look at: the `dim` of your mean.",
        ),
        Mistake(
            "mean of means",
            _row_means,
            "That is what comes out when each response is averaged first, and then the averages: a token of a long "
            "response counts less. Look at: one sum over all real tokens, divided by their number.",
        ),
        Mistake(
            "n − 1",
            partial(_whiten, wrong="bessel"),
            "That is what comes out when the squares are divided by n − 1, as torch.std and torch.var do unless told "
            "otherwise. Over thousands of tokens nobody notices. Look at: `correction=0`.",
            "the default of torch.var; some PPO code uses it on purpose",
            also=(_scaled_by(torch.std), _scaled_by(lambda real: real.std() + 1e-8)),
        ),
        Mistake(
            "divides by the variance",
            partial(_whiten, wrong="variance"),
            "That is what comes out without a square root: divided by the variance. Look at: the unit of what you "
            "divide by.",
        ),
        Mistake(
            "another size than the standard deviation",
            _scaled_by(lambda real: ((real - real.mean()) ** 2).sum().add(1e-8).sqrt()),
            "That is what comes out when numbers are divided by something else than their standard deviation: the root "
            "of the sum of squares, the mean of absolute deviations, or the range. Look at: what s² is the mean of.",
            also=(
                _scaled_by(lambda real: (real - real.mean()).abs().mean() + 1e-8),
                _scaled_by(lambda real: real.max() - real.min() + 1e-8),
                _scaled_by(lambda real: real.abs().max() + 1e-8),
                _scaled_by(lambda real: real.norm() + 1e-8),
                _from_least_to_largest,
            ),
        ),
        Mistake(
            "the mask as an index",
            _by_whole_numbers(0),
            "That is what comes out of values[mask]. The mask holds whole numbers, so it picks rows 0 and 1 again and "
            "again; only a mask of True and False picks the real tokens. Look at: mask.bool().",
            "PyTorch: an index of whole numbers picks by number",
            also=(_by_whole_numbers(1),),
        ),
        Mistake(
            "turned round",
            _finished(lambda x, mean, deviation, mask, shift: ((mean - x) / deviation + (0 if shift else mean)) * mask),
            "That is what comes out of mean − x: what was better than the mean looks worse. "
            "Look at: which is subtracted from which.",
        ),
        Mistake(
            "the mean of x² minus the square of the mean",
            _square_of_the_mean(select=False, clamped=False),
            "That is what comes out when the variance is the mean of x² minus the square of the mean. Far from 0 both "
            "are large and nearly equal, and their difference is rounding. Look at: the mean of (x − mean)².",
            "the cancellation in every book on numbers in computers, such as Higham 2002, section 1.9",
            also=(
                _square_of_the_mean(select=False, clamped=True),
                _square_of_the_mean(select=True, clamped=False),
                _square_of_the_mean(select=True, clamped=True),
            ),
        ),
        Mistake(
            "no ε",
            partial(_whiten, wrong="epsilon"),
            "That is what comes out when nothing varies and you divide by exactly 0. Look at: the small number under "
            "the root.",
        ),
        Mistake(
            "only the mean is moved",
            _finished(lambda x, mean, deviation, mask, shift: (x - mean if shift else x) * mask),
            "That is what comes out when nothing is divided: the deviation stays what it was. "
            "Look at: both halves of the formula.",
        ),
        Mistake(
            "the mean is not subtracted",
            _finished(lambda x, mean, deviation, mask, shift: x / deviation * mask),
            "That is what comes out when numbers are divided by their deviation and nothing is subtracted. "
            "Look at: both halves of the formula.",
            also=(_finished(lambda x, mean, deviation, mask, shift: (x / deviation + (0 if shift else mean)) * mask),),
        ),
        Mistake(
            "divides before it subtracts",
            _finished(lambda x, mean, deviation, mask, shift: (x / deviation - mean + (0 if shift else mean)) * mask),
            "That is what comes out of x / s − mean: the brackets are missing, and the mean is subtracted from numbers "
            "of another size. Look at: which comes first.",
            also=(
                _finished(
                    lambda x, mean, deviation, mask, shift: (x - mean / deviation + (0 if shift else mean)) * mask
                ),
            ),
        ),
        Mistake(
            "something is left on pads",
            _finished(lambda x, mean, deviation, mask, shift: (x - mean) / deviation + (0 if shift else mean)),
            "That is what comes out when something else than 0 is left on pads: the mask is missing, or it comes "
            "before a mean is subtracted or added. Look at: your last line.",
            also=(
                _finished(
                    lambda x, mean, deviation, mask, shift: (x * mask - mean) / deviation + (0 if shift else mean)
                ),
                _finished(
                    lambda x, mean, deviation, mask, shift: (x - mean) / deviation * mask + (0 if shift else mean)
                ),
                lambda values, mask, shift_mean=True: adv.whiten(values, mask, shift_mean).masked_fill(
                    mask == 0, torch.nan
                ),
            ),
        ),
        Mistake(
            "pads left out",
            lambda values, mask, shift_mean=True: adv.whiten(values, mask, shift_mean)[mask.bool()],
            "That is what comes out when the real tokens are picked out and the pads are gone. They keep their places, "
            "with a 0. Look at: how `mask` is used.",
        ),
        Mistake(
            "the mean is never kept",
            lambda values, mask, shift_mean=True: adv.whiten(values, mask),
            "That is what comes out when `shift_mean` is not looked at. For rewards the mean has to stay: it is what "
            "they are about. Look at: shift_mean=False.",
            "Huang et al. 2024: rewards are whitened without shifting the mean",
        ),
        Mistake(
            "the mean is always kept",
            lambda values, mask, shift_mean=True: adv.whiten(values, mask, shift_mean=False),
            "That is what comes out when the mean is added again in every case. Look at: what `shift_mean` says unless "
            "it is told otherwise.",
        ),
        Mistake(
            "shift_mean turned round",
            lambda values, mask, shift_mean=True: adv.whiten(values, mask, not shift_mean),
            "That is what comes out when the mean is kept where it should go to 0, and the other way round. "
            "Look at: the condition, `if shift_mean` or `if not shift_mean`.",
        ),
        Mistake(
            "scales about 0",
            _finished(lambda x, mean, deviation, mask, shift: (x - mean if shift else x) / deviation * mask),
            "That is what comes out when, to keep the mean, nothing is subtracted: then dividing changes the mean too. "
            "Look at: subtract, divide, and add what you subtracted.",
            also=(_about_zero,),
        ),
        Mistake(
            "ε beside the root",
            _scaled_by(lambda real: real.std(correction=0) + 1e-8),
            "your 1e-8 stands beside the root; PPO code puts it under the root, so that numbers which hardly differ "
            "are not blown up to differ by 1.",
            "`whiten` in TRL: rsqrt(variance + 1e-8)",
            advice=True,
        ),
        Mistake(
            "the mean is kept, and all the rest",
            lambda values, mask, shift_mean=True: adv.whiten(values, mask) if shift_mean else values * mask,
            "That is what comes out when, to keep the mean, nothing is done at all. Look at: with shift_mean=False the "
            "deviation becomes 1 as well.",
            also=(
                _finished(
                    lambda x, mean, deviation, mask, shift: ((x - mean) / deviation if shift else x - mean) * mask
                ),
            ),
        ),
    ),
    hints=(
        "Everything is about the real tokens only: their number is `mask.sum()`, their sum `(values * mask).sum()`.",
        "The variance is the mean over real tokens of (values − mean)². Add 1e-8, take the root, divide.",
        "With shift_mean=False add the mean again after dividing. Whatever you do, the last thing is `* mask`.",
    ),
)
