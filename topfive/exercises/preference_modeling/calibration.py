"""Exercise 5.8: a calibration table."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import measure


def _calibration_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(number: int) -> tuple[Tensor, Tensor]:
        sure = torch.rand(number, generator=generator)
        return sure, (torch.rand(number, generator=generator) < sure).long()

    toy = (torch.tensor([0.5, 0.625, 0.125, 0.25, 0.75]), torch.tensor([1, 0, 0, 1, 1]))
    edges = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    low = drawn(40)
    return [
        Case("five predictions, two bins", toy, {"bins": 2}, look_at="each bin by hand: its three numbers."),
        Case("many predictions", drawn(300), {"bins": 5}, look_at="the three columns, one after the other."),
        Case("many predictions", drawn(500), look_at="the three columns, one after the other."),
        Case("on the edges, 0 and 1", (edges, torch.tensor([0, 1, 0, 1, 1, 0])), {"bins": 4}, look_at="p = 1."),
        Case("empty bins", (low[0] * 0.4, low[1]), {"bins": 8}, look_at="the mean of no prediction at all."),
    ]


def _inside(probabilities: Tensor, bins: int, b: int, wrong: str) -> Tensor:
    """Which predictions are in bin b, with one thing wrong."""
    place, last = probabilities * bins, b == bins - 1
    if wrong == "equal counts":
        chunk = torch.tensor_split(probabilities.argsort(stable=True), bins)[b]
        return torch.zeros(len(place), dtype=torch.bool).index_fill(0, chunk, True)
    low, high = probabilities.min(), probabilities.max()
    ways = {
        "loses 1": (place >= b) & (place < b + 1),
        "right edge": (place <= b + 1) & ((place > b) | (b == 0)),
        "open edges": (place > b) & (place < b + 1),
        "both edges": (place >= b) & (place <= b + 1),
        "cumulative": place < b + 1,
        "rounds": place.round().clamp(max=bins - 1) == b,
        "of the data": ((probabilities - low) / (high - low) * bins).long().clamp(max=bins - 1) == b,
        "loses 0": (place >= b) & ((place < b + 1) | last) & (place > 0),
        "one bin up": (place.long() + 1).clamp(max=bins - 1) == b,
        "one bin less": (probabilities * (bins - 1)).long() == b,
        "ten bins": (probabilities * 10).long().clamp(max=bins - 1) == b,
    }
    return ways.get(wrong, (place >= b) & ((place < b + 1) | last))


def _row(predicted: Tensor, happened: Tensor, of: int, middle: float, wrong: str) -> Tensor:
    """Predicted, observed and count of one bin, with one thing wrong."""
    mean, share, count = predicted.mean(), happened.mean(), torch.tensor(float(len(predicted)))
    right = ((predicted > 0.5) == happened.bool()).to(predicted).mean()
    ways = {
        "bin centre": (torch.tensor(middle) if len(predicted) else mean, share, count),
        "accuracy": (mean, right, count),
        "confidence": (torch.maximum(predicted, 1 - predicted).mean(), right, count),
        "failures": (mean, 1 - share, count),
        "share of all": (mean, happened.sum() / of if len(predicted) else share, count),
        "sums": (predicted.sum(), happened.sum(), count),
        "number of positives": (mean, happened.sum(), count),
        "difference": (mean, share - mean, count),
        "count as share": (mean, share, count / of),
        "whole numbers": (mean, (happened.sum() // count) if len(predicted) else share, count),
        "count of 1": (mean, share, happened.sum()),
        "no count": (mean, share, count if len(predicted) else mean),
    }
    row = torch.stack(ways.get(wrong, (mean, share, count)))
    return row.nan_to_num(0.0) if wrong == "empty is 0" else row


def _folded(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> Tensor:
    """By the probability of the likelier outcome."""
    right = (probabilities >= 0.5) == outcomes.bool()
    return _calibration(torch.maximum(probabilities, 1 - probabilities), right, bins)


def _of_all_outcomes(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> Tensor:
    """Of all outcomes 1, how many lie in the bin."""
    table = _calibration(probabilities, outcomes, bins)
    return torch.stack([table[:, 0], table[:, 1] * table[:, 2] / outcomes.sum(), table[:, 2]], dim=1)


def _sorted_apart(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> Tensor:
    return _calibration(probabilities.sort().values, outcomes, bins)


def _calibration(probabilities: Tensor, outcomes: Tensor, bins: int = 10, *, wrong: str = "") -> Tensor:
    """Bin by bin, with one thing wrong."""
    rows = []
    for b in range(bins):
        inside = _inside(probabilities, bins, b, wrong)
        rows.append(_row(probabilities[inside], outcomes[inside].float(), len(outcomes), (b + 0.5) / bins, wrong))
    table = torch.stack([row for row in rows if row[2] or wrong != "empty is left out"])
    table = table[:, {"columns change places": [1, 0, 2], "count first": [2, 0, 1]}.get(wrong, [0, 1, 2])]
    return {"two columns": table[:, :2], "transposed": table.T}.get(wrong, table)


EXERCISE = Exercise(
    number="5.8",
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
            "p = 0 falls out",
            partial(_calibration, wrong="loses 0"),
            "That is what comes out when a prediction of exactly 0 is in no bin. Look at: > or ≥ at the lower edge of "
            "the first bin.",
        ),
        Mistake(
            "one bin too high",
            partial(_calibration, wrong="one bin up"),
            "That is what comes out when every prediction goes into the bin above its own: bins are numbered from 0. "
            "Look at: what `bucketize` and `digitize` call the first bin.",
        ),
        Mistake(
            "times one bin less",
            partial(_calibration, wrong="one bin less"),
            "That is what comes out when p is multiplied by bins − 1: then the bins are wider, and the last holds "
            "p = 1 alone. Look at: what you multiply p by, and what is to happen to p = 1.",
        ),
        Mistake(
            "the highest bin first",
            lambda probabilities, outcomes, bins=10: _calibration(probabilities, outcomes, bins).flip(0),
            "That is what comes out when the rows run from the highest bin to the lowest. Row 0 begins at p = 0. "
            "Look at: the order of your loop.",
        ),
        Mistake(
            "sorted apart",
            _sorted_apart,
            "That is what comes out when the predictions are sorted and the outcomes stay where they were: they no "
            "longer belong together. Look at: what you sort.",
        ),
        Mistake(
            "share of all that happened",
            _of_all_outcomes,
            "That is what comes out when the outcomes 1 of a bin are divided by all outcomes 1. A bin asks how often "
            "it came true in this bin. Look at: by what the second column is divided.",
        ),
        Mistake(
            "a division without rest",
            partial(_calibration, wrong="whole numbers"),
            "That is what comes out when `//` throws away what does not go into it a whole number of times. "
            "Look at: / and //.",
        ),
        Mistake(
            "counts what happened",
            partial(_calibration, wrong="count of 1"),
            "That is what comes out when the third column counts the outcomes 1. It is to say how many predictions a "
            "bin rests on, whatever came of them. Look at: what you count.",
        ),
        Mistake(
            "no number for the count of an empty bin",
            partial(_calibration, wrong="no count"),
            "That is what comes out when a whole row of an empty bin is nan. There is no mean, but there is a count: "
            "0. Look at: the third column.",
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
            also=(partial(_calibration, wrong="confidence"), _folded),
        ),
        Mistake(
            "how often it did not happen",
            partial(_calibration, wrong="failures"),
            "That is what comes out when the outcomes that are 0 are counted. Look at: how often the outcome was 1.",
        ),
        Mistake(
            "sums instead of means",
            partial(_calibration, wrong="sums"),
            "That is what comes out when probabilities or outcomes are added up and never divided by how many there "
            "are in the bin. Look at: the first two columns, which are between 0 and 1.",
            also=(partial(_calibration, wrong="number of positives"),),
        ),
        Mistake(
            "the difference instead of the frequency",
            partial(_calibration, wrong="difference"),
            "That is what comes out when the second column is observed minus predicted. The two are kept apart, so "
            "that a curve can be drawn. Look at: the second column.",
        ),
        Mistake(
            "edges belong to no bin",
            partial(_calibration, wrong="open edges"),
            "That is what comes out when a prediction that is exactly on an edge is in no bin. Look at: > and ≥ at the "
            "lower edge; b/bins itself belongs to bin b.",
        ),
        Mistake(
            "edges belong to both bins",
            partial(_calibration, wrong="both edges"),
            "That is what comes out when a prediction on an edge is counted in the bin below and in the bin above. "
            "Look at: < and ≤ at the upper edge, and the sum of the counts.",
        ),
        Mistake(
            "everything below",
            partial(_calibration, wrong="cumulative"),
            "That is what comes out when a bin takes all predictions below its upper edge: the lower edge is not "
            "looked at. Look at: the sum of the counts.",
        ),
        Mistake(
            "rounds to the nearest edge",
            partial(_calibration, wrong="rounds"),
            "That is what comes out when p · bins is rounded to the nearest whole number: the bins then lie around the "
            "edges. Cut off instead. Look at: round and floor.",
        ),
        Mistake(
            "bins over the range of the data",
            partial(_calibration, wrong="of the data"),
            "That is what comes out when the bins reach from the smallest to the largest prediction, as histograms do. "
            "Here they reach from 0 to 1. Look at: the edges.",
            "what torch.histc and numpy.histogram do without a range",
        ),
        Mistake(
            "always ten bins",
            partial(_calibration, wrong="ten bins"),
            "That is what comes out when the bins are a tenth wide whatever `bins` is. Look at: where bins enters.",
        ),
        Mistake(
            "empty bins are left out",
            partial(_calibration, wrong="empty is left out"),
            "That is what comes out when bins without a prediction have no row: nobody knows then which bin a row is. "
            "Look at: the number of rows, which is always `bins`.",
        ),
        Mistake(
            "no count",
            partial(_calibration, wrong="two columns"),
            "That is what comes out when the third column is missing. Without it nobody sees how little some bins rest "
            "on. Look at: the docstring.",
        ),
        Mistake(
            "lying down",
            partial(_calibration, wrong="transposed"),
            "That is what comes out when columns and rows have changed places: (3, bins). Look at: `dim` in stack.",
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
            "That is what comes out when the columns stand in another order. Look at: the docstring, which has "
            "predicted, observed, count.",
            also=(partial(_calibration, wrong="count first"),),
        ),
        Mistake(
            "count as a share",
            partial(_calibration, wrong="count as share"),
            "That is what comes out when the third column is a share. It should be a number of predictions, so that "
            "one sees how little some bins rest on. Look at: the docstring.",
        ),
    ),
    hints=(
        "A bin is described by three numbers about the predictions in it. Begin with one bin: how do you pick those?",
        "A loop over the bins is fine: which predictions are inside, their mean, the mean of their outcomes, how many.",
        "`(probabilities * bins).long()` is the number of each prediction's bin, but for p = 1, which gets a bin too "
        "many: `clamp(max=bins - 1)`. And `.mean()` of an empty tensor is NaN, just as it should be.",
    ),
)
