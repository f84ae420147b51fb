"""The pictures of notebook 03: the loss as it falls, and what lists are like before and after fine-tuning."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.plots.style import BASE, INK, PARTS, RLHF, SFT, figure, picture
from topfive.stats import bootstrap

COLOURS = {"base": BASE, "SFT": SFT, "PPO": RLHF}


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


class LossCurve:
    """A `progress` for training that redraws the loss of every step, and its running mean, every two seconds.

    unit: what the loss is counted in, for the axis. The curve is kept in `losses`.
    """

    def __init__(self, colour: str = BASE, unit: str = "nats a token", seconds: float = 2.0):
        self.colour, self.unit, self.seconds = colour, unit, seconds
        self.losses: list[float] = []
        self._began = self._drawn = time.monotonic()
        self._handle: Any = None

    def __call__(self, step: int, steps: int, numbers: Mapping[str, float]) -> None:
        """Take in one step; redraw if it is time, or the end."""
        self.losses.append(numbers["loss"])
        now = time.monotonic()
        if step == steps or now - self._drawn >= self.seconds:
            self._drawn = now
            left = (now - self._began) / len(self.losses) * (steps - step)
            self._show(step, steps, f"about {left:.0f} s to go" if step < steps else f"{now - self._began:.0f} s")

    def _show(self, step: int, steps: int, remark: str) -> None:
        from IPython.display import HTML, display

        drawn = loss_curve(self.losses, self.colour, self.unit)
        alt = f"The loss of {len(self.losses)} steps, {self.losses[0]:.2f} at first, {self.losses[-1]:.2f} now"
        content = HTML(f"{picture(drawn, alt)}<pre>step {step} of {steps} · {remark}</pre>")
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)


def loss_curve(losses: Sequence[float], colour: str = BASE, unit: str = "nats a token", window: int = 20) -> Figure:
    """The loss of every step, thin, and its mean over the last `window` steps."""
    drawn, [ax] = figure(width=6.0)
    means = [sum(losses[max(0, i - window + 1) : i + 1]) / min(i + 1, window) for i in range(len(losses))]
    steps = range(1, len(losses) + 1)
    ax.plot(steps, losses, color=colour, alpha=0.35, linewidth=1)
    ax.plot(steps, means, color=colour)
    ax.set(title=f"The loss went {losses[0]:.2f} → {means[-1]:.2f} {unit}", xlabel="step", ylabel=f"loss ({unit})")
    return drawn
