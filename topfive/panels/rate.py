"""Rate: how good one list is, from 1 to 5."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Task
from topfive.panels.base import Panel, source


class Rate(Panel):
    """Rating one list at a time: 1 useless, 2 poor, 3 fair, 4 good, 5 just what I asked for."""

    type = "rate"
    _esm = source("common.js", "rate.js")
    _css = source("common.css", "rate.css")

    def __init__(self, tasks: Sequence[Task], name: str = "rate", **more: Any) -> None:
        if not all(len(task.texts) == 1 for task in tasks):
            raise ValueError("a rating is of one text")
        super().__init__(tasks, name, **more)
