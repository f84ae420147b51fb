"""Rank: put two to six lists, or the items of one list, in order."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Task
from topfive.ledger.convert import as_ranking
from topfive.lists import Ranking
from topfive.panels.base import Panel, source


class Rank(Panel):
    """Ranking lists, or with `of="items"` the items of a list: letters best first, drag, ▲▼, ties, "none is good"."""

    type = "rank"
    _esm = source("common.js", "rank.js")
    _css = source("common.css", "rank.css")

    def __init__(self, tasks: Sequence[Task], name: str = "rank", **more: Any) -> None:
        if not all(2 <= len(task.texts) <= 6 for task in tasks):
            raise ValueError("a ranking orders two to six texts")
        super().__init__(tasks, name, **more)

    def rankings(self) -> list[Ranking]:
        """The rankings so far, hidden repeats left out."""
        found = (as_ranking(event) for event in self.answers() if not event.get("repeat_of"))
        return [ranking for ranking in found if isinstance(ranking, Ranking)]
