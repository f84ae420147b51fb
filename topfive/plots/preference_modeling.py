"""The pictures of notebook 05: a head's numbers, what a loss pulls at, calibration, and the best of n."""

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from torch import Tensor

from topfive.plots.style import INK, JUDGE, RLHF, SFT, figure
from topfive.stats import Estimate

FEWEST = 20  # pairs in a bin that is drawn
PRACTISED = "#cc79a7"  # Okabe and Ito's reddish purple
CHOOSERS = {"yours": (RLHF, "o"), "practised": (PRACTISED, "s"), "judge": (JUDGE, "D"), "dice": (INK, "x")}


def numbers_at_tokens(numbers: Tensor, prompt: int, real: int) -> Figure:
    """The head's number at each token of one list: of the prompt, of the list, and on the pads behind them.

    numbers: (time,). prompt, real: how many tokens the prompt has, and how many are no pads.
    """
    drawn, [ax] = figure(width=9)
    parts = {"prompt": (0, prompt, "#7fb8d8"), "list": (prompt, real, SFT), "pads": (real, len(numbers), "#cccccc")}
    for label, (start, end, colour) in parts.items():
        ax.bar(range(start, end), numbers[start:end].tolist(), color=colour, label=label)
    ax.axvline(real - 1, color=RLHF, linestyle=":", label="last real token")
    ax.set(title="One list: a number at every token, and at every pad", xlabel="token", ylabel="head's number")
    ax.legend(frameon=False, labelcolor=INK, ncols=4, fontsize=8, loc="lower left", bbox_to_anchor=(0.0, 1.08))
    return drawn


def pull(differences: Tensor, slopes: Sequence[float]) -> Figure:
    """How hard a pair pulls at its two scores, over chosen − rejected."""
    drawn, [ax] = figure(width=5)
    ax.plot(differences, slopes, color=SFT)
    ax.set(title="A pair that is clearly right teaches nothing")
    ax.set(xlabel="chosen − rejected (nats)", ylabel="pull on the scores")
    return drawn


def calibration(tables: Mapping[str, Tensor], slopes: Mapping[str, Estimate]) -> Figure:
    """Observed against predicted, one panel for each kind of lists; the title says the slope and what it means.

    tables: (bins, 3), as `calibration_table` gives them; bins of few pairs are left out.
    """
    drawn, axes = figure(columns=len(tables), width=4.2, height=4.0)
    for ax, (kind, table) in zip(axes, tables.items(), strict=True):
        filled = table[table[:, 2] >= FEWEST]
        largest = float(table[:, 2].max())
        ax.plot([0, 1], [0, 1], color=INK, linewidth=1, linestyle=":", label="calibrated")
        sizes = (200 * filled[:, 2] / largest).tolist()
        ax.scatter(filled[:, 0], filled[:, 1], s=sizes, color=RLHF, alpha=0.8, clip_on=False)
        ax.set(title=f"{kind} lists: {how_sure(slopes[kind])}\nslope {slopes[kind]}")
        ax.set(xlabel="predicted probability", ylabel="observed frequency", xlim=(0, 1), ylim=(0, 1))
        ax.legend(frameon=False, labelcolor=INK, fontsize=8, loc="upper left")
    return drawn


def how_sure(slope: Estimate) -> str:
    """What a calibration slope says, by its interval."""
    if slope.high < 1:
        return "too sure"
    return "too modest" if slope.low > 1 else "not told from calibrated"


def best_of_n(away: Sequence[float], gains: Mapping[str, Sequence[Estimate]], own: Sequence[float]) -> Figure:
    """What the judge says of the best of n, by who chose it, with bands over prompts; dashed, what yours says itself.

    away: nats, for each n. gains: by chooser, in standard deviations of the judge's score within a prompt.
    """
    drawn, [ax] = figure(width=7.2, height=4.0)
    for name, found in gains.items():
        colour, mark = CHOOSERS[name]
        ax.plot(away, [one.mean for one in found], color=colour, marker=mark, label=f"chosen by {name}")
        ax.fill_between(away, [one.low for one in found], [one.high for one in found], color=colour, alpha=0.15)
    ax.plot(away, own, color=RLHF, linestyle="--", label="what yours says of its own choice")
    last = ", ".join(f"{name} {round(found[-1].mean, 1) + 0.0:+.1f}" for name, found in gains.items())
    ax.set(title=f"Chosen by …, and judged by the judge:\n{last}")
    ax.set(xlabel="at most this far from SFT (nats)", ylabel="gain (sd within a prompt)")
    ax.legend(frameon=False, labelcolor=INK, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return drawn
