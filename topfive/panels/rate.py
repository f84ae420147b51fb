"""Rate: how good one list is, from 1 to 5, on one scale or on several."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from topfive.ledger import Event, Task
from topfive.panels.base import Panel, source

POINTS = 5


@dataclass(frozen=True)
class Scale:
    """A question that is answered by a number from 1 to 5, and what each number means, in words."""

    name: str
    question: str
    anchors: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.name.isidentifier() or len(self.anchors) != POINTS:
            raise ValueError(f"a scale has a name of one word and {POINTS} anchors, got {self.name!r}: {self.anchors}")


OVERALL = Scale("overall", "How good is this list?", ("useless", "poor", "fair", "good", "just what I asked for"))
HELPFUL = Scale(
    "helpful",
    "Would a person be glad of this list?",
    ("no use to anyone", "one idea, at most", "useful in part", "glad of it", "delighted with it"),
)
FAITHFUL = Scale(
    "faithful",
    "Does it do what the prompt says: five things, on topic, the constraint kept?",
    ("something else", "mostly astray", "about half of it", "one slip", "to the letter"),
)
HELPFUL_AND_FAITHFUL = (HELPFUL, FAITHFUL)


class Rate(Panel):
    """Rating one list at a time, from 1 to 5 on each of the scales.

    scales: what is asked. An answer's `rating` is that of the first; with several, `ratings` has all, by name.
    """

    type = "rate"
    _esm = source("common.js", "rate.js")
    _css = source("common.css", "rate.css")

    def __init__(
        self, tasks: Sequence[Task], name: str = "rate", *, scales: Sequence[Scale] = (OVERALL,), **more: Any
    ) -> None:
        if not all(len(task.texts) == 1 for task in tasks):
            raise ValueError("a rating is of one text")
        self.scales = tuple(scales)
        if not self.scales or len({scale.name for scale in self.scales}) < len(self.scales):
            raise ValueError(f"a rating needs at least one scale and no name twice, got {len(self.scales)}")
        super().__init__(tasks, name, asks={"scales": [asdict(scale) for scale in self.scales]}, **more)

    def _is_whole(self, event: Event) -> bool:
        ratings = event.get("ratings") or {}
        return len(self.scales) == 1 or all(scale.name in ratings for scale in self.scales)
