"""The widgets that ask: write, label, rate, compare, rank, blind A/B. An answer is in the ledger before it counts."""

from topfive.ledger import Task, with_repeats
from topfive.panels.base import Panel
from topfive.panels.blind import Blind
from topfive.panels.compare import Compare
from topfive.panels.label import Label
from topfive.panels.rank import Rank
from topfive.panels.rate import HELPFUL_AND_FAITHFUL, Rate, Scale
from topfive.panels.write import Write

__all__ = [
    "HELPFUL_AND_FAITHFUL",
    "Blind",
    "Compare",
    "Label",
    "Panel",
    "Rank",
    "Rate",
    "Scale",
    "Task",
    "Write",
    "with_repeats",
]
