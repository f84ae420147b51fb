"""The pictures of notebook 02: how alike lists are, how well fingerprints tell, and what a cleaned set changes."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.plots.style import BASE, INK, PARTS, RLHF, SFT, figure
from topfive.stats import bootstrap


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
    """Estimated against exact likeness, one panel for each number of hash functions."""
    drawn, axes = figure(columns=len(estimates), width=3.6, height=3.2)
    for ax, (hashes, estimated) in zip(axes, estimates.items(), strict=True):
        off = float(np.abs(np.subtract(estimated, exact)).mean())
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
    colours = (BASE, "#7fb8d8", SFT)
    drawn, [ax] = figure(width=7.5)
    width = 0.8 / len(judged)
    means: dict[str, list[float]] = {}
    for index, (label, lists) in enumerate(judged.items()):
        shares = [bootstrap([getattr(one, part) for one in lists]) for part in PARTS]
        places = [place + (index - (len(judged) - 1) / 2) * width for place in range(len(PARTS))]
        means[label] = [share.mean for share in shares]
        reach = [[share.mean - share.low for share in shares], [share.high - share.mean for share in shares]]
        ax.bar(places, means[label], width, yerr=reach, color=colours[index], label=label, ecolor=INK, capsize=3)
    *_, before, after = means
    change = [b - a for a, b in zip(means[before], means[after], strict=True)]
    most = max(range(len(PARTS)), key=lambda index: abs(change[index]))
    name = list(PARTS.values())[most].replace("\n", " ")
    ax.set(title=f"{before} → {after}: {name} {means[before][most]:.2f} → {means[after][most]:.2f}")
    ax.set(ylabel="share, 95 % interval", ylim=(0, 1.05))
    ax.set_xticks(range(len(PARTS)), list(PARTS.values()), fontsize="x-small")
    ax.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(1.0, 0.0))
    return drawn
