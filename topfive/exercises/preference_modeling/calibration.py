"""Exercise 5.7: a calibration table."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import measure


def _calibration_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(number: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        sure = torch.rand(number, generator=generator, dtype=dtype)
        return sure, (torch.rand(number, generator=generator, dtype=dtype) < sure).long()

    toy = (torch.tensor([0.5, 0.625, 0.125, 0.25]), torch.tensor([1, 0, 0, 1]))
    edges = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    low = drawn(40)
    return [
        Case("four predictions, two bins", toy, {"bins": 2}, look_at="which predictions stand in which bin."),
        Case("many predictions", drawn(300), {"bins": 5}, look_at="the three columns, one after the other."),
        Case("many predictions", drawn(500, torch.float64), look_at="the three columns, one after the other."),
        Case("on the edges, 0 and 1", (edges, torch.tensor([0, 1, 0, 1, 1, 0])), {"bins": 4}, look_at="p = 1."),
        Case("empty bins", (low[0] * 0.4, low[1]), {"bins": 8}, look_at="the mean of no prediction at all."),
    ]


def _calibration(probabilities: Tensor, outcomes: Tensor, bins: int = 10, *, wrong: str = "") -> Tensor:
    """Bin by bin, with one thing wrong."""
    rows = []
    order = probabilities.argsort(stable=True)
    chunks = torch.tensor_split(order, bins)
    for b in range(bins):
        last = b == bins - 1 and wrong != "loses 1"
        inside = (probabilities * bins >= b) & ((probabilities * bins < b + 1) | last)
        if wrong == "right edge":
            inside = (probabilities * bins <= b + 1) & ((probabilities * bins > b) | (b == 0))
        if wrong == "equal counts":
            inside = torch.zeros(len(order), dtype=torch.bool).index_fill(0, chunks[b], True)
        predicted, happened = probabilities[inside], outcomes[inside].to(probabilities.dtype)
        mean = predicted.mean() if wrong != "bin centre" or not len(predicted) else torch.tensor((b + 0.5) / bins)
        if wrong == "accuracy":
            happened = ((predicted > 0.5) == happened.bool()).to(probabilities.dtype)
        share = happened.sum() / len(outcomes) if wrong == "share of all" and len(predicted) else happened.mean()
        count = len(predicted) / len(outcomes) if wrong == "count as share" else len(predicted)
        row = torch.stack([mean.to(probabilities.dtype), share, torch.tensor(count, dtype=probabilities.dtype)])
        rows.append(row.nan_to_num(0.0) if wrong == "empty is 0" else row)
    table = torch.stack(rows)
    return table[:, [1, 0, 2]] if wrong == "columns change places" else table


EXERCISE = Exercise(
    number="5.7",
    title="A calibration table",
    points=3,
    minutes=12,
    solution=measure.calibration_table,
    cases=_calibration_cases,
    axes=("bin", "column"),
    mistakes=(
        Mistake(
            "middle of the bin",
            partial(_calibration, wrong="bin centre"),
            "That is what comes out when the middle of a bin stands for its predictions. They may all sit near one "
            "edge. Look at: the first column, and what it is the mean of.",
        ),
        Mistake(
            "p = 1 falls out",
            partial(_calibration, wrong="loses 1"),
            "That is what comes out when a prediction of exactly 1 is in no bin. Look at: the upper edge of the last "
            "bin, or the largest number that `(p * bins).long()` gives.",
        ),
        Mistake(
            "edges belong to the bin below",
            partial(_calibration, wrong="right edge"),
            "That is what comes out when a prediction on an edge goes into the lower bin. Look at: the docstring, "
            "which says to which bin b/bins belongs.",
            "NumPy's digitize has `right=` for this",
        ),
        Mistake(
            "empty bins are 0",
            partial(_calibration, wrong="empty is 0"),
            "That is what comes out when an empty bin says 0. It would be drawn as a point that nobody observed. Look "
            "at: what the mean of nothing should be.",
        ),
        Mistake(
            "share of all predictions",
            partial(_calibration, wrong="share of all"),
            "That is what comes out when the outcomes of a bin are divided by the number of all predictions. Look at: "
            "by what the second column is divided.",
        ),
        Mistake(
            "accuracy instead of frequency",
            partial(_calibration, wrong="accuracy"),
            "That is what comes out when the second column says how often the prediction was right. For p = 0.1 that "
            "is 0.9 if all is well, and the curve bends up on the left. Look at: how often the outcome was 1.",
            "Guo et al. 2017 do this for the probability of the predicted class, which is never below 1/2",
        ),
        Mistake(
            "bins of equal count",
            partial(_calibration, wrong="equal counts"),
            "That is what comes out when every bin gets the same number of predictions. That is a good idea too, but "
            "here the bins have the same width. Look at: where the edges are.",
        ),
        Mistake(
            "columns change places",
            partial(_calibration, wrong="columns change places"),
            "That is what comes out when observed comes before predicted. Look at: the order of columns in the "
            "docstring.",
        ),
        Mistake(
            "count as a share",
            partial(_calibration, wrong="count as share"),
            "That is what comes out when the third column is a share. It should be a number of predictions, so that "
            "one sees how little some bins rest on. Look at: the docstring.",
        ),
    ),
    hints=(
        "A loop over the bins is fine: which predictions are inside, their mean, the mean of their outcomes, how many.",
        "`(probabilities * bins).long()` is the number of each prediction's bin, but for p = 1, which gets a bin too "
        "many: `clamp(max=bins - 1)`. And `.mean()` of an empty tensor is NaN, just as it should be.",
    ),
)
