"""One plotting style for the whole course: a colour means the same thing everywhere, a title says the finding.

Base grey, SFT blue, RLHF orange, judge green; a proxy (the reward model's opinion) is dashed. The colours are from
the colour-blind-safe palette of Okabe & Ito (2008) and readable on light and dark backgrounds.
"""

import html
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.ppo.trainer import Metrics, PPOStep
from topfive.stats import Estimate, bootstrap

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
    bars.set_title("What the lists are like", loc="left", color=INK)
    bars.set(ylabel="share", ylim=(0, 1.02))
    bars.legend(frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=8)
    low, high = win_rate.mean - win_rate.low, win_rate.high - win_rate.mean
    wins.errorbar([0], [win_rate.mean], yerr=[[low], [high]], fmt="o", color=JUDGE, capsize=6, markersize=9)
    wins.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    better = "wins" if win_rate.low > 0.5 else "loses" if win_rate.high < 0.5 else "is not told apart"
    wins.set(title=f"PPO {better}: {win_rate}", ylabel="win rate over SFT", ylim=(0, 1), xlim=(-1, 1))
    wins.set_xticks([0], ["judge, 95 % interval"])
    return drawn


def parts_compared(judged: Mapping[str, Sequence[Judgement]]) -> Figure:
    """Mean of each named part of quality for several models ("base", "SFT", …), with bootstrap intervals over lists."""
    colours = {"base": BASE, "SFT": SFT, "PPO": RLHF}
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
    first, *_, last = means
    change = [after - before for before, after in zip(means[first], means[last], strict=True)]
    most = max(range(len(PARTS)), key=lambda index: abs(change[index]))
    name = list(PARTS.values())[most].replace("\n", " ")
    ax.set(title=f"Most changed: {name}, {means[first][most]:.2f} → {means[last][most]:.2f}")
    ax.set(ylabel="share, 95 % interval", ylim=(0, 1.05))
    ax.set_xticks(range(len(PARTS)), list(PARTS.values()), fontsize="x-small")
    ax.legend(frameon=False, labelcolor=INK, loc="lower left", bbox_to_anchor=(1.0, 0.0))
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
        content = HTML(f"{_picture(drawn, alt)}<pre>step {step} of {steps} · {remark}</pre>")
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


def _picture(drawn: Figure, alt: str) -> str:
    """A figure as an inline picture in HTML."""
    import base64
    import io

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=90)
    picture = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{picture}">'


def live_html(drawn: Figure, step: PPOStep) -> str:
    """The curves as an inline picture, and the newest list beneath."""
    prompt, answer, score = step.samples[0]
    alt = f"Curves of score, KL and length after {step.step} of {step.total_steps} steps"
    text = html.escape(f"{prompt}{answer}")
    return f"{_picture(drawn, alt)}<pre>step {step.step} of {step.total_steps} · score {score:+.1f}\n{text}</pre>"


# --- pictures and tables for notebooks ------------------------------------------------------------------------------

STAGES = (
    ("base model", "has read\nplain text", BASE, "03"),
    ("SFT model", "has read\ngood lists", SFT, "02 · 03"),
    ("rankings", "people order\nits lists", INK, "01 · 04"),
    ("reward model", "predicts\ntheir order", INK, "05"),
    ("policy", "PPO: write, be\nscored, adjust", RLHF, "06"),
    ("evaluation", "blind: which\nlist is better?", JUDGE, "07"),
)


def show(drawn: Figure, alt: str) -> None:
    """Display a figure in the notebook, sharp on any screen; `alt` says in words what is to be seen."""
    import io

    from IPython.display import Image, display

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=180)
    display(Image(buffer.getvalue(), format="png", retina=True, alt=alt))


def show_loop(here: str = "") -> None:
    """Display the course in one picture, a box a stage, with the number of its notebook; `here` is filled in."""
    names = ", ".join(name for name, *_ in STAGES)
    marked = f" You are here: {here}." if here else ""
    show(_loop(here), alt=f"Boxes from left to right: {names}. An arrow leads from policy back to rankings.{marked}")


def _loop(here: str) -> Figure:
    drawn, [ax] = figure(width=9.6, height=2.3)
    ax.axis("off")
    ax.set(xlim=(-0.55, 5.55), ylim=(-1.0, 0.95))
    for place, (name, does, colour, notebook) in enumerate(STAGES):
        _box(ax, place, colour, filled=name == here, dashed=name == "reward model")
        ax.text(place, 0.2, name, ha="center", va="center", color=colour, weight="bold", fontsize=10)
        ax.text(place, -0.14, does, ha="center", va="center", color=INK, fontsize=8.5)
        ax.text(place, 0.55, notebook, ha="center", va="center", color=INK, fontsize=8)
        if place:
            _arrow(ax, (place - 0.58, 0), (place - 0.42, 0))
    _arrow(ax, (4, -0.45), (2, -0.45), curve=-0.22)
    ax.text(3, -0.83, "new lists to rank, and round again", ha="center", va="center", color=INK, fontsize=8.5)
    return drawn


def _box(ax: Axes, place: float, colour: str, filled: bool, dashed: bool) -> None:
    from matplotlib.colors import to_rgba
    from matplotlib.patches import FancyBboxPatch

    ax.add_patch(
        FancyBboxPatch(
            (place - 0.4, -0.4),
            0.8,
            0.8,
            boxstyle="round,pad=0.01,rounding_size=0.08",
            edgecolor=colour,
            facecolor=to_rgba(colour, 0.22 if filled else 0.0),
            linestyle="--" if dashed else "-",
            linewidth=1.6,
        )
    )


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float], curve: float = 0.0) -> None:
    style = {"arrowstyle": "-|>", "color": INK, "connectionstyle": f"arc3,rad={curve}", "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)


def side_by_side(prompts: Sequence[str], columns: Mapping[str, Sequence[str]], mark: Callable[[str], bool]) -> str:
    """Answers to the same prompts beside each other, as an HTML table. Items for which `mark` holds get a ✓."""
    head = "".join(f"<th {_CELL}>{html.escape(title)}</th>" for title in columns)
    body = ""
    for index, prompt in enumerate(prompts):
        body += f'<tr><th colspan="{len(columns)}" {_CELL}>{html.escape(prompt)}</th></tr>'
        body += "<tr>" + "".join(_list_cell(texts[index], mark) for texts in columns.values()) + "</tr>"
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


_CELL = 'style="text-align: left; vertical-align: top; min-width: 18em"'


def _list_cell(text: str, mark: Callable[[str], bool]) -> str:
    lines = [line.strip() for line in text.strip().split("\n")]
    marked = [f"{html.escape(line)} ✓" if mark(line.partition(".")[2].strip()) else html.escape(line) for line in lines]
    return f"<td {_CELL}>{'<br>'.join(marked)}</td>"
