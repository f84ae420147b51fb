"""Exercise 7.2: twice the same prompt."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from topfive import comparisons
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def judged(counts: list[int], resamples: int) -> tuple[Array, Array, Array]:
        """So many comparisons of each prompt, in any order; those of one prompt mostly end alike."""
        prompts = rng.permutation(np.repeat(np.arange(len(counts)), counts))
        mostly = rng.choice([0.0, 0.5, 1.0], size=len(counts))
        values = np.where(rng.random(len(prompts)) < 0.7, mostly[prompts], rng.choice([0.0, 0.5, 1.0], len(prompts)))
        return values, prompts, rng.integers(len(counts), size=(resamples, len(counts)))

    toy = (
        np.array([1.0, 0.0, 0.0, 0.5, 1.0, 1.0]),
        np.array([0, 0, 0, 1, 2, 2]),
        np.array([[0, 0, 1]]),
    )
    points, asked, again = judged([3] * 7, 40)
    once, none, last = rng.permutation(12), judged([2, 0, 4, 1, 0, 3, 2], 60), judged([3, 1, 2, 0], 30)
    none[2][:, 0] = last[2][:, 1] = 2  # so that no resample is empty
    uneven = "prompts with more and with fewer comparisons"
    return [
        Case("one resample", toy, look_at="prompt 0 twice, prompt 1 once: which seven comparisons are that?"),
        Case(
            "one comparison a prompt",
            (rng.choice([0.0, 0.5, 1.0], 12), once, rng.integers(12, size=(50, 12))),
            look_at="which comparison belongs to which prompt.",
        ),
        Case(
            "the same number a prompt",
            (points + rng.normal(size=21), asked, again),
            look_at="a prompt that was drawn twice, and one that was not drawn.",
        ),
        Case(uneven, judged([1, 6, 2, 3, 9, 1], 60), look_at="how much each prompt weighs in a resample."),
        Case(uneven, judged([5, 1, 1, 12, 4, 2, 1, 3], 90), look_at="how much each prompt weighs in a resample."),
        Case("a prompt without a comparison", none, look_at="what an empty prompt adds to a sum, and to a count."),
        Case("a prompt without a comparison", last, look_at="how many prompts there are: as many as a row is long."),
        Case(
            "many resamples",
            judged(rng.integers(1, 6, size=25).tolist(), 400),
            look_at="which two quantiles of the resamples' means.",
        ),
    ]


def _groups(values: Array, prompts: Array, k: int) -> list[Array]:
    return [values[prompts == prompt] for prompt in range(k)]


def _mean(row: Array, groups: list[Array], wrong: str) -> float:
    """The number of one resample, with one thing wrong."""
    chosen = np.unique(row) if wrong in ("once each", "once each below") else row
    parts = [groups[prompt] for prompt in chosen]
    if wrong in ("one of each", "last of each"):
        parts = [part[:1] if wrong == "one of each" else part[-1:] for part in parts]
    together = np.concatenate(parts)
    all_of_it = np.concatenate([groups[prompt] for prompt in row])
    full = [part for part in parts if len(part)]
    ways: dict[str, Callable[[], float]] = {
        "mean of means": lambda: np.mean([part.mean() for part in full]),
        "empty prompts are 0": lambda: np.sum([part.mean() for part in full]) / len(parts),
        "empty prompts are nan": lambda: np.mean([part.mean() if len(part) else np.nan for part in parts]),
        "sums": together.sum,
        "by all": lambda: together.sum() / sum(map(len, groups)),
        "by prompts": lambda: together.sum() / len(row),
        "once each below": lambda: all_of_it.sum() / len(together),
        "by different prompts": lambda: together.sum() / len(set(row.tolist())),
        "median": lambda: np.median(together),
        "spread": together.std,
    }
    return float(ways.get(wrong, together.mean)())


def _interval(
    values: Array, prompts: Array, drawn: Array, *, wrong: str = "", ends: str = "", k: int | None = None
) -> Array:
    """Resample by resample, with one thing wrong in the means or in the ends that are taken of them."""
    groups = _groups(values, prompts, k or drawn.shape[1])
    means = np.array([_mean(row, groups, wrong) for row in drawn])
    return _ends(means, values.mean(), ends)


def _ends(means: Array, mean: float, ends: str) -> Array:
    low, high = np.quantile(means, (0.025, 0.975))
    ordered, last = np.sort(means), len(means) - 1
    with np.errstate(all="ignore"):
        error, of_sample = means.std(), means.std(ddof=1) if last else np.nan
    ways: dict[str, Callable[[], Any]] = {
        "90 %": lambda: np.quantile(means, (0.05, 0.95)),
        "99 %": lambda: np.quantile(means, (0.005, 0.995)),
        "80 %": lambda: np.quantile(means, (0.1, 0.9)),
        "50 %": lambda: np.quantile(means, (0.25, 0.75)),
        "percentile of shares": lambda: np.percentile(means, (0.025, 0.975)),
        "all of them": lambda: (ordered[0], ordered[-1]),
        "counted off": lambda: (ordered[int(0.025 * len(means))], ordered[int(0.975 * len(means))]),
        "counted off, one less": lambda: (
            ordered[int(0.025 * len(means))],
            ordered[max(int(0.975 * len(means)) - 1, 0)],
        ),
        "counted off, rounded": lambda: (ordered[round(0.025 * last)], ordered[round(0.975 * last)]),
        "nearest": lambda: np.quantile(means, (0.025, 0.975), method="nearest"),
        "inverted": lambda: np.quantile(means, (0.025, 0.975), method="inverted_cdf"),
        "normal": lambda: (means.mean() - 1.96 * error, means.mean() + 1.96 * error),
        "normal of a sample": lambda: (means.mean() - 1.96 * of_sample, means.mean() + 1.96 * of_sample),
        "normal around the mean": lambda: (mean - 1.96 * error, mean + 1.96 * error),
        "normal of a sample around the mean": lambda: (mean - 1.96 * of_sample, mean + 1.96 * of_sample),
        "error of a mean": lambda: (
            means.mean() - 1.96 * error / np.sqrt(last + 1),
            means.mean() + 1.96 * error / np.sqrt(last + 1),
        ),
        "mean and error": lambda: (means.mean(), error),
        "mean and error of a sample": lambda: (means.mean(), of_sample),
        "error": lambda: error,
        "error of a sample": lambda: of_sample,
        "high first": lambda: (high, low),
        "turned round the mean": lambda: (2 * mean - high, 2 * mean - low),
        "distances": lambda: (low - mean, high - mean),
        "distances above 0": lambda: (mean - low, high - mean),
        "with the mean": lambda: (mean, low, high),
        "means": lambda: means,
        "width": lambda: high - low,
        "2.5 % and 5 %": lambda: np.quantile(means, (0.025, 0.95)),
        "5 % and 2.5 %": lambda: np.quantile(means, (0.05, 0.975)),
        "one end": lambda: np.quantile(means, (0.05, 1.0)),
        "only the upper": lambda: np.quantile(means, (0.0, 0.95)),
    }
    return np.asarray(ways.get(ends, lambda: (low, high))())


def _of_comparisons(
    values: Array, prompts: Array, drawn: Array, *, prompts_of: bool = False, one_by_one: bool = False
) -> Array:
    """The numbers in `drawn` are taken for comparisons, or the prompts of those."""
    found = values[prompts[drawn] if prompts_of else drawn]
    return _ends(found.ravel() if one_by_one else found.mean(axis=1), 0.0, "")


def _standing_together(values: Array, prompts: Array, drawn: Array) -> Array:
    """The comparisons are taken to stand prompt by prompt."""
    counts = np.bincount(prompts, minlength=drawn.shape[1])
    return _interval(values, np.repeat(np.arange(drawn.shape[1]), counts), drawn)


def _column_by_column(values: Array, prompts: Array, drawn: Array) -> Array:
    """A column of `drawn` is taken for a resample."""
    return _interval(values, prompts, drawn.T) if len(drawn) > drawn.shape[1] else _down(values, prompts, drawn)


def _down(values: Array, prompts: Array, drawn: Array) -> Array:
    """Sums and counts are added up over the resamples, place by place."""
    sums = np.bincount(prompts, values, minlength=drawn.shape[1])
    counts = np.bincount(prompts, minlength=drawn.shape[1])
    with np.errstate(invalid="ignore"):
        return _ends(sums[drawn].sum(axis=0) / counts[drawn].sum(axis=0), 0.0, "")


def _without_drawing(values: Array, prompts: Array, drawn: Array, *, of: str = "values") -> Array:
    """Quantiles of what was observed."""
    groups = [part for part in _groups(values, prompts, drawn.shape[1]) if len(part)]
    if of == "groups":
        return _ends(np.array([part.mean() for part in groups]), 0.0, "")
    means = np.array([part.mean() for part in groups])
    errors = {
        "error": values.std() / np.sqrt(len(values)),
        "error of a sample": values.std(ddof=1) / np.sqrt(len(values)),
        "error of prompts": means.std() / np.sqrt(len(means)),
        "error of a sample of prompts": means.std(ddof=1) / np.sqrt(len(means)),
    }
    if of in errors:
        return values.mean() + 1.96 * errors[of] * np.array([-1, 1])
    return _ends(values, 0.0, "")


def _all_in_one(values: Array, prompts: Array, drawn: Array) -> Array:
    """One mean of all resamples together, twice."""
    return np.repeat(_interval(values, prompts, drawn.reshape(1, -1), k=drawn.shape[1])[0], 2)


def _all_that_was_drawn(values: Array, prompts: Array, drawn: Array) -> Array:
    """Quantiles of single comparisons, of all resamples together."""
    groups = _groups(values, prompts, drawn.shape[1])
    return _ends(np.concatenate([groups[prompt] for prompt in drawn.flat]), 0.0, "")


def _quantiles_first(values: Array, prompts: Array, drawn: Array) -> Array:
    """Both quantiles of each resample's comparisons, and then their means."""
    groups = _groups(values, prompts, drawn.shape[1])
    found = [np.quantile(np.concatenate([groups[prompt] for prompt in row]), (0.025, 0.975)) for row in drawn]
    return np.mean(found, axis=0)


def _means(*wrong: str) -> tuple[Function, ...]:
    return tuple(partial(_interval, wrong=one) for one in wrong)


def _taken(*ends: str) -> tuple[Function, ...]:
    return tuple(partial(_interval, ends=one) for one in ends)


EXERCISE = Exercise(
    number="7.2",
    title="Twice the same prompt",
    points=3,
    minutes=15,
    solution=comparisons.resampled_interval,
    cases=_cases,
    axes=("end",),
    mistakes=(
        Mistake(
            "comparisons are drawn, not prompts",
            _of_comparisons,
            "That is what comes out when the numbers in `drawn` are taken for places in `values`. They are prompts, "
            "and all comparisons of a drawn prompt come along. Look at: what you index with `drawn`.",
            also=(partial(_of_comparisons, prompts_of=True),),
        ),
        Mistake(
            "every prompt weighs alike",
            partial(_interval, wrong="mean of means"),
            "That is what comes out when each prompt's mean is taken first, and then the mean of those. A prompt with "
            "nine comparisons then weighs as much as one with a single one. Look at: what you divide, and when.",
            also=_means("empty prompts are 0", "empty prompts are nan"),
        ),
        Mistake(
            "a prompt that was drawn twice counts once",
            partial(_interval, wrong="once each"),
            "That is what comes out when it only matters whether a prompt was drawn, not how often. Without repeats a "
            "resample is a part of the data and nothing more. Look at: `set`, `unique` or `isin`.",
        ),
        Mistake(
            "twice in the sum, once in the count",
            partial(_interval, wrong="once each below"),
            "That is what comes out when a prompt that was drawn twice is added twice and counted once. "
            "Look at: what stands below the line.",
        ),
        Mistake(
            "one comparison of each prompt",
            partial(_interval, wrong="one of each"),
            "That is what comes out when a single comparison of each prompt is used, its first or its last, and the "
            "others are lost. Look at: where a dictionary or an index finds one and forgets the rest.",
            also=_means("last of each"),
        ),
        Mistake(
            "the comparisons do not stand in order",
            _standing_together,
            "That is what comes out when the comparisons of prompt 0 are taken to stand first, then those of prompt 1, "
            "and so on. They come in any order. Look at: `prompts`, and what you split or reshape.",
        ),
        Mistake(
            "sums are not divided",
            partial(_interval, wrong="sums"),
            "That is what comes out when a resample's values are added up and not divided. Look at: how many "
            "comparisons a resample holds.",
        ),
        Mistake(
            "divided by all comparisons",
            partial(_interval, wrong="by all"),
            "That is what comes out when each resample is divided by n. A resample may hold more comparisons than "
            "there were, or fewer. Look at: what stands below the line.",
        ),
        Mistake(
            "divided by the prompts",
            partial(_interval, wrong="by prompts"),
            "That is what comes out when each resample's sum is divided by a number of prompts. It is a sum over "
            "comparisons. Look at: what stands below the line.",
            also=_means("by different prompts"),
        ),
        Mistake(
            "medians",
            partial(_interval, wrong="median"),
            "That is what comes out when each resample's median is taken. Look at: median and mean.",
        ),
        Mistake(
            "over the resamples",
            _down,
            "That is what comes out when sums run down a column of `drawn`, over the resamples. A resample is a row. "
            "Look at: `axis`.",
            also=(_column_by_column,),
        ),
        Mistake(
            "all resamples in one",
            _all_in_one,
            "That is what comes out when all rows of `drawn` are added up together: one mean, and nothing that varies. "
            "Look at: `axis`, or where the list of comparisons is emptied again.",
        ),
        Mistake(
            "quantiles of single comparisons",
            _all_that_was_drawn,
            "That is what comes out when the quantiles are those of single comparisons: between which values they lie. "
            "Asked is how far their mean can be off. Look at: where each resample becomes one number.",
            also=(_without_drawing, _quantiles_first, partial(_of_comparisons, one_by_one=True)),
        ),
        Mistake(
            "nothing is drawn again",
            partial(_without_drawing, of="groups"),
            "That is what comes out when `drawn` is not used. Look at: what is different from resample to resample.",
            also=tuple(
                partial(_without_drawing, of=of)
                for of in ("error", "error of a sample", "error of prompts", "error of a sample of prompts")
            ),
        ),
        Mistake(
            "another share than 95 %",
            partial(_interval, ends="90 %"),
            "That is what comes out with other quantiles. What lies outside of a 95 % interval is split: half of it "
            "below, half above. Look at: how much that is at either end.",
            also=_taken("99 %", "80 %", "50 %", "2.5 % and 5 %", "5 % and 2.5 %"),
        ),
        Mistake(
            "one end only",
            partial(_interval, ends="one end"),
            "That is what comes out when all that is left out lies at one end. Half of it is left out at either. "
            "Look at: your two quantiles.",
            also=_taken("only the upper"),
        ),
        Mistake(
            "shares for percentages",
            partial(_interval, ends="percentile of shares"),
            "That is what comes out when `percentile` is given shares: it takes 0.975 for less than one per cent, so "
            "both ends are near the smallest. Look at: percentile and quantile.",
        ),
        Mistake(
            "the smallest and the largest",
            partial(_interval, ends="all of them"),
            "That is what comes out when the ends are the smallest and the largest of all resamples. With more "
            "resamples they move apart without end. Look at: what is to be left out at either end.",
        ),
        Mistake(
            "counted off",
            partial(_interval, ends="counted off"),
            "That is what comes out when the resamples are sorted and two of them are taken as ends. A quantile "
            "mostly lies between two of them, and is computed there. Look at: `np.quantile`.",
            "one of many definitions of a quantile: Hyndman & Fan 1996",
            also=_taken("counted off, one less", "counted off, rounded", "nearest", "inverted"),
        ),
        Mistake(
            "1.96 standard deviations",
            partial(_interval, ends="normal"),
            "That is what comes out of a mean ± 1.96 standard deviations of the resamples. It takes them to be "
            "Gaussian; quantiles take them as they are. Look at: the docstring.",
            also=_taken("normal of a sample", "normal around the mean", "normal of a sample around the mean"),
        ),
        Mistake(
            "the error of the resamples' mean",
            partial(_interval, ends="error of a mean"),
            "That is what comes out when the standard deviation of the resamples is divided by the root of how many "
            "there are: with more resamples the interval would vanish. Look at: whose spread tells how sure one is.",
        ),
        Mistake(
            "a standard error instead of an interval",
            partial(_interval, ends="mean and error"),
            "That is what comes out when the standard deviation of the resamples is returned. Wanted are two ends. "
            "Look at: what you return.",
            also=_taken("mean and error of a sample", "error", "error of a sample"),
        ),
        Mistake(
            "turned round the mean",
            partial(_interval, ends="turned round the mean"),
            "That is what comes out when the quantiles are turned round the observed mean: what stood above it is "
            "taken off below. It is another interval, the basic one. Look at: the docstring.",
            "Davison & Hinkley 1997",
        ),
        Mistake(
            "distances instead of ends",
            partial(_interval, ends="distances"),
            "That is what comes out when distances from the mean, or between the ends, are returned. Wanted are the "
            "ends themselves. Look at: your last line.",
            also=_taken("distances above 0", "width"),
        ),
        Mistake(
            "the upper end first",
            partial(_interval, ends="high first"),
            "Both ends are there, but the upper one stands first. Look at: what you return.",
        ),
        Mistake(
            "more than two numbers",
            partial(_interval, ends="with the mean"),
            "That is what comes out when more than the two ends are returned. Look at: the shape in the docstring.",
            also=_taken("means"),
        ),
    ),
    hints=(
        "Begin with a single resample, a row of `drawn`: gather all comparisons of the prompts in it, those of a "
        "prompt that stands there twice, twice, and take one mean of them all.",
        "A loop over the rows is fine. Without one: `np.bincount` gives each prompt's sum (its second argument is "
        "what to add up) and each prompt's count; both can be indexed with the whole of `drawn` at once.",
        "Sum both along the row before you divide. Then two quantiles of the means: a 95 % interval leaves out a "
        "twentieth, half of it at either end.",
    ),
)
