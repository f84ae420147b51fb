"""Pictures, one module a notebook; what all of them share is in `style` and `course`.

In a notebook: `plots.show(plots.figure(...))`; what belongs to one assignment is `plots.ppo.sweep` and the like.
"""

from topfive.plots import labelling_basics, language_modeling, ppo, preference_modeling, writing_demonstrations
from topfive.plots.course import show_loop, side_by_side
from topfive.plots.language_modeling import LossCurve
from topfive.plots.ppo import LiveCurves, ppo_curves, quality_bars
from topfive.plots.style import BASE, INK, JUDGE, PARTS, RLHF, SFT, figure, show

__all__ = [
    "BASE", "INK", "JUDGE", "PARTS", "RLHF", "SFT",
    "LiveCurves", "LossCurve",
    "figure", "labelling_basics", "language_modeling", "ppo", "ppo_curves", "preference_modeling",
    "quality_bars", "show", "show_loop", "side_by_side", "writing_demonstrations",
]  # fmt: skip
