"""The pictures that every notebook shares: the course as a loop of boxes, and answers side by side."""

import html
from collections.abc import Callable, Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from topfive.plots.style import BASE, INK, JUDGE, RLHF, SFT, figure, show

STAGES = (
    ("base model", "continues\ntext", BASE, "03"),
    ("SFT model", "has read\ngood lists", SFT, "02 · 03"),
    ("rankings", "people order\nits lists", INK, "01 · 04"),
    ("reward model", "predicts\ntheir order", INK, "05"),
    ("policy", "PPO: write, be\nscored, adjust", RLHF, "06"),
    ("evaluation", "blind: which\nlist is better?", JUDGE, "00 · 06"),
)


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
            linewidth=3.0 if filled else 1.6,
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
