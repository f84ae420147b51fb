"""One plotting style for the whole course: a colour means the same thing everywhere, a title says the finding.

Base grey, SFT blue, RLHF orange, judge green; a proxy (the reward model's opinion) is dashed. The colours are from
the colour-blind-safe palette of Okabe & Ito (2008) and readable on light and dark backgrounds.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topfive.ppo.trainer import Metrics, PPOStep
from topfive.stats import Estimate

BASE, SFT, RLHF, JUDGE, INK = "#8c8c8c", "#0072b2", "#e69f00", "#009e73", "#777777"
PARTS = {
    "valid": "five numbered\nitems", "on_topic": "on topic", "constraint": "constraint\nkept",
    "distinct": "no repeats", "specific": "specific",
}  # fmt: skip


def figure(columns: int = 1, width: float = 4.0, height: float = 3.0) -> tuple[Figure, list[Axes]]:
    """A transparent figure with bare axes in the course's style, one row of `columns`."""
    drawn = Figure(figsize=(width * columns, height), layout="constrained")
    drawn.patch.set_alpha(0)
    axes = [drawn.add_subplot(1, columns, index + 1) for index in range(columns)]
    for ax in axes:
        _style(ax)
    return drawn, axes


def _style(ax: Axes) -> None:
    ax.patch.set_alpha(0)
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        ax.spines[side].set_color(INK)
    ax.tick_params(colors=INK)
    ax.xaxis.label.set_color(INK)
    ax.yaxis.label.set_color(INK)
    ax.title.set_color(INK)
    ax.title.set_fontsize("medium")


def draw_curves(axes: Sequence[Axes], history: Sequence[Metrics]) -> None:
    """Score, KL and length of a PPO run over its steps, on three axes."""
    steps = range(1, len(history) + 1)
    first, last = history[0]["objective/scores"], history[-1]["objective/scores"]
    panels = (
        ("objective/scores", f"The reward model's score went {first:+.1f} → {last:+.1f}", "score (SFT: mean 0, sd 1)"),
        ("objective/kl", f"{history[-1]['objective/kl']:.1f} nats away from SFT", "KL from SFT (nats)"),
        ("response/length", f"{history[-1]['response/length']:.0f} tokens a list", "tokens a list"),
    )
    for ax, (key, title, label) in zip(axes, panels, strict=True):
        line = "--" if key == "objective/scores" else "-"
        ax.plot(steps, [row[key] for row in history], color=RLHF, linestyle=line)
        ax.set(title=title, xlabel="PPO step", ylabel=label)
        _style(ax)


def ppo_curves(history: Sequence[Metrics]) -> Figure:
    """A finished PPO run as a figure."""
    drawn, axes = figure(columns=3)
    draw_curves(axes, history)
    return drawn


def quality_bars(quality: Mapping[str, Mapping[str, float]], win_rate: Estimate) -> Figure:
    """Named parts of quality before and after, and the win rate with its interval."""
    drawn, (bars, wins) = figure(columns=2, width=4.6)
    places = range(len(PARTS))
    for shift, (name, label, colour) in ((-0.2, ("sft", "SFT", SFT)), (0.2, ("ppo", "after PPO", RLHF))):
        heights = [quality[name][part] for part in PARTS]
        bars.bar([place + shift for place in places], heights, width=0.4, color=colour, label=label)
    bars.set_xticks(list(places), list(PARTS.values()), fontsize="x-small")
    bars.set(title="What the lists are like", ylabel="share", ylim=(0, 1.02))
    bars.legend(frameon=False, labelcolor=INK, loc="lower left")
    low, high = win_rate.mean - win_rate.low, win_rate.high - win_rate.mean
    wins.errorbar([0], [win_rate.mean], yerr=[[low], [high]], fmt="o", color=JUDGE, capsize=6, markersize=9)
    wins.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    better = "wins" if win_rate.low > 0.5 else "loses" if win_rate.high < 0.5 else "is not told apart"
    wins.set(title=f"PPO {better}: {win_rate}", ylabel="win rate over SFT", ylim=(0, 1), xlim=(-1, 1))
    wins.set_xticks([0], ["judge, 95 % interval"])
    return drawn


class LiveCurves:
    """A PPO callback that redraws the curves and shows one fresh list in the notebook, every `every` steps."""

    def __init__(self, every: int = 2):
        self.every = every
        self.history: list[Metrics] = []
        self._handle: Any = None

    def __call__(self, step: PPOStep) -> None:
        """Take in one step; redraw if it is its turn."""
        self.history.append(step.metrics)
        if step.step % self.every == 0 or step.step == step.total_steps:
            self._show(step)

    def _show(self, step: PPOStep) -> None:
        from IPython.display import HTML, display

        content = HTML(live_html(ppo_curves(self.history), step))
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)


def live_html(drawn: Figure, step: PPOStep) -> str:
    """The curves as an inline picture, and the newest list beneath."""
    import base64
    import html
    import io

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=90)
    picture = base64.b64encode(buffer.getvalue()).decode()
    prompt, answer, score = step.samples[0]
    alt = f"Curves of score, KL and length after {step.step} of {step.total_steps} steps"
    text = html.escape(f"{prompt}{answer}")
    return (
        f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{picture}">'
        f"<pre>step {step.step} of {step.total_steps} · score {score:+.1f}\n{text}</pre>"
    )
