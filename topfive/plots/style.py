"""One plotting style for the whole course: a colour means the same thing everywhere, a title says the finding.

Base grey, SFT blue, RLHF orange, judge green; a proxy (the reward model's opinion) is dashed. The colours are from
the colour-blind-safe palette of Okabe & Ito (2008) and readable on light and dark backgrounds.
"""

from matplotlib.axes import Axes
from matplotlib.figure import Figure

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
        bare(ax)
    return drawn, axes


def bare(ax: Axes) -> None:
    """Axes without a frame and a background, in a grey that is read on light and dark."""
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


def show(drawn: Figure, alt: str) -> None:
    """Display a figure in the notebook, sharp on any screen; `alt` says in words what is to be seen."""
    import io

    from IPython.display import Image, display

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=180)
    display(Image(buffer.getvalue(), format="png", retina=True, alt=alt))


def picture(drawn: Figure, alt: str) -> str:
    """A figure as an inline picture in HTML."""
    import base64
    import io

    buffer = io.BytesIO()
    drawn.savefig(buffer, format="png", dpi=90)
    picture = base64.b64encode(buffer.getvalue()).decode()
    return f'<img alt="{alt}" style="max-width:100%" src="data:image/png;base64,{picture}">'
