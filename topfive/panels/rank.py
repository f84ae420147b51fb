"""Rank: put two to six lists, or the items of one list, in order; or say only which is best and which worst."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Event, Task
from topfive.ledger.convert import BEST_AND_WORST, Question, as_rankings
from topfive.lists import Ranking
from topfive.panels.base import Panel, second_question, source

MODES = {"order": 2, BEST_AND_WORST: 3}  # and the fewest texts that each makes sense with


class Rank(Panel):
    """Ranking lists, or with `of="items"` the items of a list: letters best first, drag, ▲▼, ties, "none is good".

    mode: "order", or "best and worst": two keys, and of those between nothing is known, not even that they are equal.
    also: a second question about the same texts, asked after the first; an answer keeps it under `also`.
    """

    type = "rank"
    _esm = source("common.js", "rank.js")
    _css = source("common.css", "rank.css")

    def __init__(
        self, tasks: Sequence[Task], name: str = "rank", *, mode: str = "order", also: str = "", **more: Any
    ) -> None:
        if mode not in MODES:
            raise ValueError(f"a ranking's mode is one of {', '.join(map(repr, MODES))}, not {mode!r}")
        if not all(2 <= len(task.texts) <= 6 for task in tasks):
            raise ValueError("a ranking orders two to six texts")
        if not all(MODES[mode] <= len(task.texts) for task in tasks):
            raise ValueError(f"{mode} is asked of at least {MODES[mode]} texts; for two there is Compare")
        self.mode, self.also = mode, second_question(also)
        super().__init__(tasks, name, asks={"mode": mode, "also": self.also}, **more)

    def rankings(self, question: Question = "first") -> list[Ranking]:
        """The rankings so far, hidden repeats left out; of the "also" question, if it is named.

        Each answer to "best and worst" gives the pairs that are known of it.
        """
        found = (as_rankings(event, question) for event in self.answers() if not event.get("repeat_of"))
        return [ranking for rankings in found if not isinstance(rankings, str) for ranking in rankings]

    def _is_whole(self, event: Event) -> bool:
        return (not self.also or "also" in event) and (self.mode == BEST_AND_WORST or "ranks" in event)
