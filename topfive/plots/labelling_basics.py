"""The pictures of notebook 01: agreement by case, what overlap buys, and who tells something about the truth."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from topfive.annotation.aggregation import Floats
from topfive.annotation.agreement import class_counts
from topfive.annotation.on_topic import BORDERLINE, CASES, CLEAR
from topfive.annotation.simulate import Simulated
from topfive.plots.style import BASE, INK, JUDGE, RLHF, SFT, figure

COLOURS = (BASE, SFT, JUDGE)


def pairs_alike(said: Simulated, case: str) -> float:
    """Share of the pairs of labels on lists of this case that are alike."""
    counts = class_counts(said.table.matrix[np.array(said.cases) == case], len(said.table.classes))
    number = counts.sum(axis=1)
    return float((counts * (counts - 1)).sum() / (number * (number - 1)).sum())


def agreement_by_case(crowds: Mapping[str, Simulated]) -> Figure:
    """Bars of the share of pairs that agree, for each case and each of some simulated crowds ("bare", "yours", …)."""
    drawn, [ax] = figure(width=8.0)
    width = 0.8 / len(crowds)
    for index, ((name, said), colour) in enumerate(zip(crowds.items(), COLOURS, strict=False)):
        places = [place + (index - (len(crowds) - 1) / 2) * width for place in range(len(CASES))]
        ax.bar(places, [pairs_alike(said, case) for case in CASES], width, color=colour, label=name)
    ax.set_title(f"{_finding(list(crowds.values()))} (simulated)")
    ax.axhline(0.5, color=INK, linestyle=":", linewidth=1)
    ax.set(ylabel="pairs of labels alike (share)", xlabel="case (dotted: two coins)", ylim=(0, 1.05))
    ax.set_xticks(range(len(CASES)), list(CASES))
    ax.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(1.0, 0.0))
    return drawn


def _finding(crowds: Sequence[Simulated]) -> str:
    """What the bars show: of one crowd the clear cases against the others, of two or more the largest change."""
    first, last = crowds[0], crowds[-1]
    if first is last:
        clear = np.mean([pairs_alike(first, case) for case in CLEAR])
        others = np.mean([pairs_alike(first, case) for case in BORDERLINE])
        return f"Clear cases agree in {clear:.2f} of pairs, borderline ones in {others:.2f}"
    most = max(CASES, key=lambda case: pairs_alike(last, case) - pairs_alike(first, case))
    return f"Most gained: “{most}”, {pairs_alike(first, most):.2f} → {pairs_alike(last, most):.2f} of pairs agree"


def right_by_overlap(overlaps: Sequence[int], right: Mapping[str, Sequence[float]]) -> Figure:
    """Share of lists that end up right, against labels a list, for each way to aggregate."""
    drawn, [ax] = figure(width=6.6)
    for (name, shares), colour, mark in zip(right.items(), COLOURS, "osD", strict=False):
        ax.plot(overlaps, shares, color=colour, marker=mark, label=name)
    (first, few), *_, (last, many) = right.items()
    at = len(overlaps) // 2
    title = f"With {overlaps[at]} labels a list: {first} {few[at]:.2f}, {last} {many[at]:.2f} (simulated)"
    ax.set(title=title, xlabel="labels a list", ylabel="lists that end up right (share)")
    ax.set_xticks(list(overlaps))
    ax.legend(frameon=False, labelcolor=INK)
    return drawn


def who_tells(scores: Floats, golden: Floats, kinds: Sequence[str], names: Sequence[str]) -> Figure:
    """Each worker by how often golden tasks were right and by spammer score; those planted as spammers are marked."""
    drawn, [ax] = figure(width=6.4, height=3.6)
    honest = np.array([kind == "honest" for kind in kinds])
    ax.scatter(golden[honest], scores[honest], color=SFT, label="works")
    ax.scatter(golden[~honest], scores[~honest], color=RLHF, marker="X", s=60, label="planted spammer")
    for place, name in enumerate(names):
        if not honest[place] or scores[place] < 0.12:
            ax.annotate(name, (golden[place], scores[place]), (4, 4), textcoords="offset points", color=INK, fontsize=7)
    caught = int((scores[~honest] < 0.05).sum())
    title = f"{caught} of {int((~honest).sum())} planted spammers score below 0.05; a copy looks honest"
    ax.set(title=title, xlabel="golden tasks right (share)", ylabel="spammer score (0 tells nothing)")
    ax.legend(frameon=False, labelcolor=INK)
    return drawn


def agreement_curve(mixed: Mapping[str, tuple[float, float]]) -> Figure:
    """p = a² + (1 − a)², and crowds (mean a, agreement) whose lists differ in difficulty, above it."""
    drawn, [ax] = figure(width=6.6)
    accuracy = np.linspace(0.5, 1, 101)
    ax.plot(accuracy, accuracy**2 + (1 - accuracy) ** 2, color=INK, label="all lists equally hard")
    for (name, (mean, agree)), colour in zip(mixed.items(), (SFT, RLHF, JUDGE), strict=False):
        bound = (1 + (2 * agree - 1) ** 0.5) / 2
        ax.plot([mean, bound], [agree, agree], color=colour, linestyle=":")
        ax.plot(mean, agree, color=colour, marker="o", linestyle="none", label=name)
    ax.set(title="From agreement alone, people look more often right than they are")
    ax.set(xlabel="how often one labeller is right (a)", ylabel="how often two agree (p)")
    ax.legend(frameon=False, labelcolor=INK)
    return drawn
