"""Compare: which of two lists is better, and by how much."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Event, Task
from topfive.panels.base import Panel, second_question, source


class Compare(Panel):
    """Comparing two lists on a scale of seven, from "a is much better" over a tie to "b is much better".

    also: a second question about the same two lists, asked after the first; an answer keeps it under `also`.
    """

    type = "compare"
    _esm = source("common.js", "pair.js", "compare.js")
    _css = source("common.css", "compare.css")

    def __init__(self, tasks: Sequence[Task], name: str = "compare", *, also: str = "", **more: Any) -> None:
        if not all(len(task.texts) == 2 for task in tasks):
            raise ValueError("a comparison has two texts")
        self.also = second_question(also)
        super().__init__(tasks, name, asks={"also": self.also}, **more)

    def _is_whole(self, event: Event) -> bool:
        return not self.also or "also" in event
