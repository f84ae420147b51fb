"""Write: compose lists of five, checked while they are typed."""

from collections.abc import Sequence
from typing import Any

from topfive.ledger import Task
from topfive.lists import Prompt
from topfive.panels.base import COMMON, Panel, source


class Write(Panel):
    """Writing a list of five for each prompt. What is typed is kept after each pause of 0.4 s.

    Nothing is judged, so there is no side view.
    """

    type = "write"
    _esm = source(*COMMON, "write.js")
    _css = source("common.css", "write.css")

    def __init__(self, prompts: Sequence[Prompt], name: str = "write", **more: Any) -> None:
        super().__init__([Task(prompt) for prompt in prompts], name, **{"side": False, **more})
