"""Compare: which of two lists is better, and by how much."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Task
from topfive.panels.base import Panel, source


class Compare(Panel):
    """Comparing two lists on a scale of seven, from "a is much better" over a tie to "b is much better"."""

    type = "compare"
    _esm = source("common.js", "pair.js", "compare.js")
    _css = source("common.css", "compare.css")

    def __init__(self, tasks: Sequence[Task], name: str = "compare", **more: Any) -> None:
        if not all(len(task.texts) == 2 for task in tasks):
            raise ValueError("a comparison has two texts")
        super().__init__(tasks, name, **more)
