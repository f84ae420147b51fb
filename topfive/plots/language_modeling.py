"""The pictures of notebook 03: the loss as it falls, a ladder of guessers, and what fine-tuning changes in lists."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.plots.style import BASE, INK, PARTS, RLHF, SFT, figure, picture
from topfive.stats import Estimate, bootstrap

COLOURS = {"base": BASE, "SFT": SFT, "PPO": RLHF}
MEASURED = 8  # times that a curve asks for the loss on what is held out


def parts_compared(judged: Mapping[str, Sequence[Judgement]], colours: Mapping[str, str] = COLOURS) -> Figure:
    """Mean of each named part of quality for several models, with bootstrap intervals over lists.

    judged: model → its lists. The title says which part differs most between the last two. colours: of the models.
    """
    drawn, [ax] = figure(width=7.0)
    width = 0.8 / len(judged)
    means: dict[str, list[float]] = {}
    for index, (label, lists) in enumerate(judged.items()):
        shares = [bootstrap([getattr(one, part) for one in lists]) for part in PARTS]
        places = [place + (index - (len(judged) - 1) / 2) * width for place in range(len(PARTS))]
        means[label] = [share.mean for share in shares]
        reach = [[share.mean - share.low for share in shares], [share.high - share.mean for share in shares]]
        colour = colours.get(label, INK)
        ax.bar(places, means[label], width, yerr=reach, color=colour, label=label, ecolor=INK, capsize=3)
    *_, first, last = means
    change = [after - before for before, after in zip(means[first], means[last], strict=True)]
    most = max(range(len(PARTS)), key=lambda index: abs(change[index]))
    name = list(PARTS.values())[most].replace("\n", " ")
    ax.set(title=f"From {first} to {last}, most changed: {name}, {means[first][most]:.2f} → {means[last][most]:.2f}")
    ax.set(ylabel="share, 95 % interval", ylim=(0, 1.05))
    ax.set_xticks(range(len(PARTS)), list(PARTS.values()), fontsize="x-small")
    ax.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(1.0, 0.0))
    return drawn


def ladder(rungs: Mapping[str, float], unit: str, colours: Mapping[str, str] = COLOURS) -> Figure:
    """What each of several guessers pays, one bar each, from the one that knows nothing to the one that knows most.

    The title names the widest step from one rung to the next.
    """
    drawn, [ax] = figure(width=7.0, height=0.8 + 0.35 * len(rungs))
    names, paid = list(rungs), list(rungs.values())
    bars = ax.barh(range(len(names)), paid, color=[colours.get(name, BASE) for name in names])
    ax.bar_label(bars, [f" {one:.3g}" for one in paid], color=INK)
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    widest = max(range(1, len(paid)), key=lambda at: paid[at - 1] - paid[at])
    step = paid[widest - 1] - paid[widest]
    ax.set(title=f"The widest step, {step:.3g} nats: {names[widest - 1]} → {names[widest]}", xlabel=unit)
    return drawn


def changes(columns: Mapping[str, Mapping[str, Estimate]]) -> Figure:
    """Mean paired difference of each named part of quality, with its interval; a column a comparison.

    A dot is filled where the interval leaves 0 out; the titles count these, up and down.
    """
    drawn, axes = figure(columns=len(columns), width=4.8)
    for ax, (name, parts) in zip(axes, columns.items(), strict=True):
        for place, one in enumerate(parts.values()):
            sure = one.low > 0 or one.high < 0
            ax.plot([one.low, one.high], [place, place], color=SFT)
            ax.plot(one.mean, place, "o", color=SFT, markerfacecolor=SFT if sure else "none")
        ax.axvline(0, color=INK, linestyle=":")
        ax.set_yticks(range(len(parts)), [PARTS[part].replace("\n", " ") for part in parts])
        ax.invert_yaxis()
        up = sum(one.low > 0 for one in parts.values())
        down = sum(one.high < 0 for one in parts.values())
        ax.set(title=f"{name}: {up} up, {down} down", xlabel="paired difference, 95 % interval")
    return drawn


class LossCurve:
    """A `progress` for training that redraws the loss of every step, and a mean of those around it, every two seconds.

    unit: what the loss is counted in, for the axis. validate: a loss on what is not trained on, measured a few times on
    the way and drawn as dots. The curves are kept in `losses` and, by step, in `validated`.
    """

    def __init__(
        self,
        colour: str = BASE,
        unit: str = "nats a token",
        seconds: float = 2.0,
        validate: Callable[[], float] | None = None,
    ):
        self.colour, self.unit, self.seconds, self.validate = colour, unit, seconds, validate
        self.losses: list[float] = []
        self.validated: dict[int, float] = {}
        self._began = self._drawn = time.monotonic()
        self._handle: Any = None

    def __call__(self, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        """Take in one step; measure or redraw if it is time, or the end."""
        self.losses.append(numbers["loss"])
        if self.validate and (step % max(1, steps // MEASURED) == 0 or step == steps):
            self.validated[step] = self.validate()
        now = time.monotonic()
        if step == steps or now - self._drawn >= self.seconds:
            self._drawn = now
            left = (now - self._began) / len(self.losses) * (steps - step)
            self._show(step, steps, f"about {left:.0f} s to go" if step < steps else f"{now - self._began:.0f} s")

    def _show(self, step: int, steps: int, remark: str) -> None:
        from IPython.display import HTML, display

        drawn = loss_curve(self.losses, self.colour, self.unit, validated=self.validated)
        alt = f"The loss of {len(self.losses)} steps, {self.losses[0]:.2f} at first, {self.losses[-1]:.2f} now"
        content = HTML(f"{picture(drawn, alt)}<pre>step {step} of {steps} · {remark}</pre>")
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)


def loss_curve(
    losses: Sequence[float],
    colour: str = BASE,
    unit: str = "nats a token",
    window: int = 20,
    validated: Mapping[int, float] | None = None,
) -> Figure:
    """The loss of every step, thin, the mean over the `window` steps around it, and dots for what is held out."""
    drawn, [ax] = figure(width=6.0)
    around = [losses[max(0, i - window // 2) : i + window // 2 + 1] for i in range(len(losses))]
    means = [sum(few) / len(few) for few in around]
    ax.plot(range(1, len(losses) + 1), losses, color=colour, alpha=0.35, linewidth=1)
    ax.plot(range(1, len(losses) + 1), means, color=colour)
    held_out = ""
    if validated:
        ax.plot(list(validated), list(validated.values()), "o", color=INK, markersize=5, label="held out")
        ax.legend(frameon=False, labelcolor=INK)
        held_out = f", held out {list(validated.values())[-1]:.2f}"
    ax.set(title=f"The loss went {losses[0]:.2f} → {means[-1]:.2f} {unit}{held_out}")
    ax.set(xlabel="step", ylabel=f"loss ({unit})")
    return drawn
