"""Blind: which of two policies writes the better lists, judged without knowing which is which."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from topfive.ledger import Task, live
from topfive.ledger.convert import as_ranking
from topfive.lists import Prompt
from topfive.panels.base import COMMON, Panel, source
from topfive.stats import Estimate, bootstrap

Pair = tuple[Prompt, Mapping[str, str]]


class Blind(Panel):
    """A/B between two policies; sides are shuffled, and who wrote which leaves the kernel only when all are judged.

    pairs: a prompt and {policy: text}, with the same two policies throughout.
    """

    type = "blind"
    _esm = source(*COMMON, "pair.js", "blind.js")
    _css = source("common.css", "blind.css")

    def __init__(self, pairs: Sequence[Pair], name: str = "blind", **more: Any) -> None:
        self.policies = sorted({policy for _, texts in pairs for policy in texts})
        if len(self.policies) != 2 or any(len(texts) != 2 for _, texts in pairs):
            raise ValueError(f"a blind comparison is between the same two policies, got {self.policies}")
        tasks = [Task(prompt, tuple(texts[policy] for policy in self.policies)) for prompt, texts in pairs]
        super().__init__(tasks, name, **{"side": False, **more})

    def results(self) -> dict[str, Estimate]:
        """Win rate of each policy with its 95 % bootstrap interval; a tie or "both bad" is half a win for each.

        Raises ValueError before the first answer.
        """
        wins = [_wins(event["ranks"]) for event in self._judged()]
        return {policy: bootstrap([pair[i] for pair in wins]) for i, policy in enumerate(self.policies)}

    def _judged(self) -> list[dict[str, Any]]:
        known = {task["id"] for task in self.tasks}
        return [e for e in self.answers() if e.get("task") in known and not isinstance(as_ranking(e), str)]

    def _reveal(self) -> None:
        """Once every pair has its answer or was skipped: keep in the ledger who wrote what, and tell the page."""
        settled = {event.get("task") for event in live(self.events()) if event["kind"] in ("answer", "skip")}
        judged = self._judged()
        if not judged or any(task["id"] not in settled for task in self.tasks):
            return
        policies = {task["id"]: self.policies for task in self.tasks}
        pairs = hashlib.sha256(" ".join(sorted(policies)).encode()).hexdigest()[:12]
        event = {"kind": "reveal", "id": f"reveal {self.name} {pairs}", "panel": self.name, "policies": policies}
        if not self._save([event]):
            return
        ranks = [event["ranks"] for event in judged]
        equal = sum(first == second for first, second in ranks)
        rows = []
        for i, (policy, rate) in enumerate(self.results().items()):
            better = sum(pair[i] < pair[1 - i] for pair in ranks)
            rows.append([policy, better, equal, str(rate)])
        self.send({"type": "revealed", "rows": rows})


def _wins(ranks: Sequence[int]) -> tuple[float, float]:
    first = 0.5 if ranks[0] == ranks[1] else float(ranks[0] < ranks[1])
    return first, 1 - first
