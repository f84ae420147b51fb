"""The pictures of notebook 06, and of a PPO run as it goes on and when it is over.

Policies are orange, the reference blue, the truth grey, as everywhere in the course.
"""

import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from topfive.plots.style import BASE, INK, JUDGE, PARTS, RLHF, SFT, bare, figure, picture
from topfive.stats import Estimate, bootstrap

if TYPE_CHECKING:  # at run time, every notebook with a picture would wait seconds for transformers
    from topfive.ppo.trainer import Metrics, PPOStep

COLOURS = {"reference": SFT, "optimum": BASE, "PPO": RLHF}
LOWEST = -2.0  # scores below are drawn here in `sweep`
FAR = 30.0  # nats; beyond, the axis is logarithmic
SHARE = (0.0, 1.05)
BOUNDS = {
    "response/ended": SHARE,
    "value/explained_variance": (-1.05, 1.05),
    "truth/total_variation": SHARE,
    "truth/win_rate": SHARE,
}


def advantages(values: Sequence[float], found: Sequence[float]) -> Figure:
    """What the critic expected, and the advantage of each token, as bars."""
    drawn, (left, right) = figure(columns=2)
    tokens = range(1, len(values) + 1)
    left.plot(tokens, values, color=INK, marker="o")
    left.set(title="What the critic expected", xlabel="token", ylabel="value (scores)", ylim=(0, 1), xticks=tokens)
    best = max(tokens, key=lambda token: found[token - 1])
    right.bar(tokens, found, color=[RLHF if token == best else BASE for token in tokens])
    right.axhline(0, color=INK, linewidth=1)
    right.set(title=f"Token {best} gets the most credit", xlabel="token", ylabel="advantage (scores)", xticks=tokens)
    return drawn


def clipped(policy_loss: Callable[..., Tensor], cliprange: float = 0.2) -> Figure:
    """The loss of one token over its ratio, for a good and for a bad token, as this function has it."""
    drawn, axes = figure(columns=2)
    ratios = torch.linspace(0.4, 1.8, 141)
    for ax, advantage, name in zip(axes, (1.0, -1.0), ("good", "bad"), strict=True):
        one = torch.ones(1, 1)
        losses = [float(policy_loss(r.log().view(1, 1), 0 * one, advantage * one, one, cliprange)) for r in ratios]
        ax.plot(ratios, losses, color=RLHF)
        ax.axvspan(1 - cliprange, 1 + cliprange, color=BASE, alpha=0.2, linewidth=0)
        flat = [float(r) for r, a, b in zip(ratios, losses, losses[1:], strict=False) if abs(a - b) < 1e-6]
        above = bool(flat) and flat[-1] > 1
        where = f"flat {'above' if above else 'below'} {flat[0] if above else flat[-1]:.1f}" if flat else "flat nowhere"
        ax.set(title=f"A {name} token (Â = {advantage:+.0f}):\n{where}".replace("-", "−"))
        ax.set(xlabel="ratio ρ = π / π_old", ylabel="loss")
    return drawn


def answers(names: Sequence[str], distributions: Mapping[str, Tensor], number: int = 8, title: str = "") -> Figure:
    """Probabilities of the answers that matter most to either of the first two distributions, side by side.

    Later distributions are drawn on the same answers, so that two plots with the same beginning can be compared.
    """
    drawn, [ax] = figure(width=8.0)
    stacked = torch.stack(list(distributions.values())[:2])
    chosen = stacked.max(dim=0).values.topk(number).indices.tolist()
    width = 0.8 / len(distributions)
    for index, (label, probabilities) in enumerate(distributions.items()):
        places = [place + index * width for place in range(number)]
        ax.bar(places, probabilities[chosen].tolist(), width=width, label=label, color=COLOURS.get(label, JUDGE))
    ax.set_xticks([place + 0.4 - width / 2 for place in range(number)], [names[answer] for answer in chosen])
    ax.set(title=title, xlabel=f"{number} of {len(names)} answers (· end token)", ylabel="probability")
    ax.legend(frameon=False, labelcolor=INK)
    return drawn


def approach(distances: Sequence[float]) -> Figure:
    """Total variation from the optimum over the steps of a run."""
    drawn, [ax] = figure(width=6.0)
    ax.plot(range(len(distances)), distances, color=RLHF)
    ax.set(title=f"{distances[0]:.2f} from the optimum at first, {distances[-1]:.2f} in the end")
    ax.set(xlabel="PPO step", ylabel="total variation from π*", ylim=(0, max(distances) * 1.05))
    return drawn


def rulers(samples: Mapping[str, Tensor], truth: float) -> Figure:
    """Mean of each KL estimator with its 95 % interval, beside the exact KL. samples: name → (n,) values."""
    drawn, [ax] = figure(width=6.0)
    for place, values in enumerate(samples.values()):
        found = bootstrap(values.double().numpy(), resamples=200)
        spread = [[found.mean - found.low], [found.high - found.mean]]
        ax.errorbar([place], [found.mean], yerr=spread, fmt="o", color=RLHF, capsize=6)
    ax.axhline(truth, color=INK, linestyle=":", label="exact")
    noise = {name: float(values.std()) for name, values in samples.items()}
    ax.set_xticks(range(len(noise)), [f"{name}\none sample: ± {sd:.2f}" for name, sd in noise.items()])
    ax.set(title=f"Least noise: {min(noise, key=lambda name: noise[name])}", ylabel="KL (nats)", xlim=(-0.6, 2.6))
    ax.legend(frameon=False, labelcolor=INK)
    return drawn


def sweep(runs: Sequence[Mapping[str, Any]]) -> Figure:
    """Recorded runs: what the reward model says, and what the judge says, over the distance from SFT.

    One dot a run and seed, PPO's with its α; DPO's and RLOO's as triangle and square. Those of one seed are named.
    What lies below `LOWEST` is drawn there, with its score, so that the others can be told apart.
    """
    drawn, (left, right) = figure(columns=2, width=5.0, height=3.6)
    marks = {"ppo": "o", "dpo": "^", "rloo": "s"}
    for run in runs:
        distance, win, score = run["kl"]["mean"], run["win_rate"], run["score"]["mean"]
        left.plot(distance, max(score, LOWEST), marks[run["method"]], color=RLHF, fillstyle="none")
        spread = [[win["mean"] - win["low"]], [win["high"] - win["mean"]]]
        right.errorbar(distance, win["mean"], yerr=spread, fmt=marks[run["method"]], color=JUDGE, capsize=3)
        if run["seed"] != runs[0]["seed"]:
            continue
        below = f" (score {score:.1f})".replace("-", "−") if score < LOWEST else ""
        place = (4, 4) if run["method"] == "ppo" else (4, -9)  # so that two methods at one distance do not overprint
        for ax, height, more in ((left, max(score, LOWEST), below), (right, win["mean"], "")):
            ax.annotate(
                f"{_name(run)}{more}", (distance, height), place, textcoords="offset points", fontsize=7, color=INK
            )
    highest = max(runs, key=lambda run: run["score"]["mean"])
    best = max(runs, key=lambda run: run["win_rate"]["mean"])
    left.set(title=f"The reward model likes {_name(highest)} best", ylabel="score (SFT: mean 0, sd 1)")
    right.set(title=f"The judge likes {_name(best)} best", ylabel="win rate over SFT, 95 % interval", ylim=(0, 1))
    right.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    for ax in (left, right):
        ax.set_xscale("symlog", linthresh=1)
        ax.set(xlabel="KL from SFT (nats)", xlim=(0, 5 * max(run["kl"]["mean"] for run in runs)))
    return drawn


def _name(run: Mapping[str, Any]) -> str:
    if run["method"] == "ppo":
        return f"α = {run['beta']:.2g}"
    rate = f", rate {run['learning_rate']:.0e}" if "learning_rate" in run else ""
    return f"{run['method'].upper()} β = {run['beta']:.2g}{rate}"


# --- the clinic -----------------------------------------------------------------------------------------------------


def clinic(
    healthy: Sequence[Mapping[str, Sequence[float]]],
    sick: Mapping[str, Mapping[str, Sequence[float]]],
    labels: Mapping[str, str],
    rings: Mapping[str, Sequence[str]],
) -> Figure:
    """One row a sick run, one column an instrument: the run over healthy ones, "rings" where it ends outside of them.

    healthy, and sick by fault: curves by key. labels: of each key, what it is. rings: by fault, the keys that ring.
    """
    shown = {key: label for key, label in labels.items() if all(key in run for run in (*healthy, *sick.values()))}
    drawn = Figure(figsize=(1.9 * len(shown), 1.5 * len(sick) + 0.5), layout="constrained")
    drawn.patch.set_alpha(0)
    grid = drawn.subplots(len(sick), len(shown), squeeze=False)
    for row, (name, curves) in zip(grid, sick.items(), strict=True):
        for ax, key in zip(row, shown, strict=True):
            _over_healthy(ax, key, curves[key], [run[key] for run in healthy])
            if key in rings[name]:
                ax.text(1, 1.01, "rings", transform=ax.transAxes, ha="right", va="bottom", color=RLHF, weight="bold")
        row[0].set_ylabel(textwrap.fill(name, 12))
    for ax, label in zip(grid[0], shown.values(), strict=True):
        ax.set_title(label, fontsize=9, color=INK, pad=16)
    for ax in grid[-1]:
        ax.set_xlabel("PPO step")
    return drawn


def _over_healthy(ax: Axes, key: str, curve: Sequence[float], healthy: Sequence[Sequence[float]]) -> None:
    """One curve in orange over those of healthy runs in grey; shares and variances between their bounds."""
    bare(ax)
    ax.tick_params(labelsize=7)
    for other in healthy:
        ax.plot(range(1, len(other) + 1), other, color=BASE, linewidth=1, alpha=0.6)
    ax.plot(range(1, len(curve) + 1), curve, color=RLHF)
    highest = max(map(max, (curve, *healthy)))
    if key == "objective/kl" and highest > FAR:
        ax.set_yscale("symlog", linthresh=1)
    if key in BOUNDS:
        ax.set_ylim(*BOUNDS[key])
    elif key == "policy/first_ratio_error":  # rounding is to look like 0
        ax.set_ylim(0, max(0.1, 1.05 * highest))


# --- a run, live and as a whole --------------------------------------------------------------------------------------


def draw_curves(
    axes: Sequence[Axes], history: "Sequence[Metrics]", behind: Sequence[Mapping[str, Sequence[float]]] = ()
) -> None:
    """Score, KL, share of lists that end, and length of a PPO run over its steps, on four axes.

    behind: curves by key of other runs, drawn thin and grey.
    """
    steps = range(1, len(history) + 1)
    first, last = history[0], history[-1]
    panels: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
        ("objective/scores", "score {:+.1f} → {:+.1f}", "score by the reward model", {}),
        ("objective/kl", "KL {:.1f} → {:.1f} nats", "KL from SFT (nats)", {}),
        ("response/ended", "{:.0%} → {:.0%} of lists end", "lists that end (share)", {"ylim": SHARE}),
        ("response/length", "{:.0f} → {:.0f} tokens a list", "tokens a list", {"ylim": (0, _longest(history))}),
    )
    for ax, (key, title, label, limits) in zip(axes, panels, strict=True):
        for run in behind:
            if key in run:
                ax.plot(range(1, len(run[key]) + 1), run[key], color=BASE, linewidth=1, alpha=0.6)
        line = "--" if key == "objective/scores" else "-"
        ax.plot(steps, [row[key] for row in history], color=RLHF, linestyle=line)
        ax.set(title=title.format(first[key], last[key]).replace("-", "−"), xlabel="PPO step", ylabel=label, **limits)
        bare(ax)


def _longest(history: "Sequence[Metrics]") -> float:
    return 1.2 * max(row["response/length"] for row in history)


def ppo_curves(history: "Sequence[Metrics]", behind: Sequence[Mapping[str, Sequence[float]]] = ()) -> Figure:
    """A PPO run as a figure, over the curves of other runs if there are any."""
    drawn, axes = figure(columns=4, width=3.2)
    draw_curves(axes, history, behind)
    return drawn


def quality_bars(
    quality: Mapping[str, Mapping[str, float]], win_rate: Estimate, liked: Mapping[str, float] | None = None
) -> Figure:
    """Named parts of quality before and after, and the win rate with its interval.

    liked: points of a list for the taste, before and after; they have a panel of their own, if there are any.
    """
    tasted = liked is not None and any(liked.values())
    drawn, (bars, *middle, wins) = figure(columns=3 if tasted else 2, width=3.8 if tasted else 4.6)
    places = range(len(PARTS))
    for shift, (name, label, colour) in ((-0.2, ("sft", "SFT", SFT)), (0.2, ("ppo", "after PPO", RLHF))):
        heights = [quality[name][part] for part in PARTS]
        bars.bar([place + shift for place in places], heights, width=0.4, color=colour, label=label)
    bars.set_xticks(list(places), list(PARTS.values()), fontsize="x-small")
    bars.set_title("Quality", loc="left", color=INK)
    bars.set(ylabel="share", ylim=(0, 1.02))
    bars.legend(frameon=False, labelcolor=INK, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=2, fontsize=8)
    if liked is not None and middle:
        _taste_bars(middle[0], liked)
    low, high = win_rate.mean - win_rate.low, win_rate.high - win_rate.mean
    wins.errorbar([0], [win_rate.mean], yerr=[[low], [high]], fmt="o", color=JUDGE, capsize=6, markersize=9)
    wins.axhline(0.5, color=INK, linewidth=1, linestyle=":")
    better = "wins" if win_rate.low > 0.5 else "loses" if win_rate.high < 0.5 else "is not told apart"
    wins.set(title=f"PPO {better}: {win_rate}", ylabel="win rate over SFT", ylim=(0, 1), xlim=(-1, 1))
    wins.set_xticks([0], ["judge, 95 % interval"])
    return drawn


def _taste_bars(ax: Axes, liked: Mapping[str, float]) -> None:
    """Points of a list for the taste, before and after."""
    ax.bar([0, 1], [liked["sft"], liked["ppo"]], width=0.6, color=[SFT, RLHF])
    ax.set_xticks([0, 1], ["SFT", "after PPO"])
    ax.set(title=f"For the taste: {liked['sft']:.1f} → {liked['ppo']:.1f}", ylabel="points a list", xlim=(-0.7, 1.7))


class LiveCurves:
    """A PPO callback that redraws the curves and shows one fresh list in the notebook, every `every` steps.

    behind: curves of other runs, drawn in grey behind this one.
    """

    def __init__(self, every: int = 2, behind: Sequence[Mapping[str, Sequence[float]]] = ()):
        self.every, self.behind = every, behind
        self.history: list[Metrics] = []
        self._handle: Any = None

    def __call__(self, step: "PPOStep") -> None:
        """Take in one step; redraw if it is its turn."""
        self.history.append(step.metrics)
        if step.step % self.every == 0 or step.step == step.total_steps:
            self._show(step)

    def _show(self, step: "PPOStep") -> None:
        from IPython.display import HTML, display

        a_step = median(sum(row.get(f"time/{part}", 0.0) for part in ("sampling", "updates")) for row in self.history)
        content = HTML(live_html(ppo_curves(self.history, self.behind), step, a_step * (step.total_steps - step.step)))
        if self._handle is None:
            self._handle = display(content, display_id=True)
        else:
            self._handle.update(content)


def live_html(drawn: Figure, step: "PPOStep", seconds_left: float = 0.0) -> str:
    """The curves as an inline picture, and beneath how far it is and the newest list."""
    prompt, answer, score = step.samples[0]
    alt = f"Curves of score, KL, share of lists that end, and length after {step.step} of {step.total_steps} steps"
    text = html.escape(f"{prompt}{answer}")
    left = f" · about {seconds_left:.0f} s to go" if seconds_left >= 1 else ""
    head = f"step {step.step} of {step.total_steps}{left} · this list: score {score:+.1f}"
    return f"{picture(drawn, alt)}<pre>{head}\n{text}</pre>"
