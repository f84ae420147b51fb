"""The pictures of notebook 02: how alike lists are, how well fingerprints tell, and what a cleaned set changes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.plots.language_modeling import parts_compared
from topfive.plots.style import BASE, INK, RLHF, SFT, figure


def likeness(similarities: Sequence[float], near: float) -> Figure:
    """Histogram of the likeness of many pairs of lists, with a line at which near duplicates begin."""
    drawn, [ax] = figure(width=6.5)
    found = sum(value >= near for value in similarities)
    ax.hist(similarities, bins=np.linspace(0, 1, 41).tolist(), color=SFT)
    ax.axvline(near, color=RLHF, linestyle=":")
    ax.set(title=f"{found} of {len(similarities):,} pairs are near duplicates", yscale="log")
    ax.set(xlabel="Jaccard index of the shingles", ylabel="pairs (log)")
    return drawn


def fingerprints(exact: Sequence[float], estimates: Mapping[int, Sequence[float]]) -> Figure:
    """Estimated against exact likeness, one panel for each number of hash functions; off by: root mean square."""
    drawn, axes = figure(columns=len(estimates), width=3.6, height=3.2)
    for ax, (hashes, estimated) in zip(axes, estimates.items(), strict=True):
        off = float(np.sqrt(np.square(np.subtract(estimated, exact)).mean()))
        ax.plot([0, 1], [0, 1], color=INK, linestyle=":")
        ax.scatter(exact, estimated, s=9, color=SFT, alpha=0.5)
        ax.set(title=f"{hashes} functions: off by {off:.2f}", xlabel="Jaccard index", ylabel="places that agree")
    return drawn


def earnings(by_price: Mapping[str, Sequence[float]], wage: float) -> Figure:
    """What each writer earns an hour at several prices, as rows of dots, and the wage as a line."""
    drawn, [ax] = figure(width=7.5, height=2.6)
    below = [sum(one < wage for one in earned) for earned in by_price.values()]
    for row, earned in enumerate(by_price.values()):
        colours = [RLHF if one < wage else SFT for one in earned]
        ax.scatter(earned, [row] * len(earned), s=28, color=colours, alpha=0.7)
    ax.axvline(wage, color=INK, linestyle=":")
    ax.set_yticks(range(len(by_price)), list(by_price))
    ax.set(ylim=(-0.6, len(by_price) - 0.4), xlabel="euros an hour, each dot a writer")
    ax.set(title=" · ".join(f"{name}: {count} below" for name, count in zip(by_price, below, strict=True)))
    return drawn


def two_sets(judged: Mapping[str, Sequence[Judgement]]) -> Figure:
    """Mean of each named part of quality, for the base model and for two models tuned on it, with intervals."""
    return parts_compared(judged, dict(zip(judged, (BASE, "#7fb8d8", SFT), strict=True)))
