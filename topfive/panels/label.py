"""Label: one list, and which of a few named labels is right for it."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Task
from topfive.ledger.convert import label_rows
from topfive.panels.base import COMMON, Panel, source


class Label(Panel):
    """Giving one list at a time one of two to nine named labels, by a click or by its number.

    question: what is asked about every list. labels: the names, in the order of their keys 1, 2, …
    """

    type = "label"
    _esm = source(*COMMON, "label.js")
    _css = source("common.css", "label.css")

    def __init__(
        self, tasks: Sequence[Task], name: str = "label", *, question: str, labels: Sequence[str], **more: Any
    ) -> None:
        if not all(len(task.texts) == 1 for task in tasks):
            raise ValueError("a label is of one text")
        if not 2 <= len(labels) <= 9 or len(set(labels)) < len(labels) or not all(label.strip() for label in labels):
            raise ValueError(f"two to nine different labels, each with a name, are needed; got {list(labels)}")
        super().__init__(tasks, name, **{"side": False, **more})
        asked = {"question": question, "labels": list(labels)}
        self.tasks = [{**task, **asked} for task in self.tasks]

    def labels(self) -> list[dict[str, Any]]:
        """The labels so far, hidden repeats left out: one row each, with `task`, `worker` and `label`."""
        return [row for row in label_rows(self.answers(), self.ledger.header()["student"]) if not row["repeat"]]
