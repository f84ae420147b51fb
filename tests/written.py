"""Lists in the ledger of the current folder, as the write panel of notebook 02 leaves them."""

from topfive.demonstrations import pile
from topfive.judge import items_of
from topfive.ledger import Ledger, Task
from topfive.ledger.convert import prompt_record
from topfive.lists import render


def write_lists(number: int) -> list[list[str]]:
    """The items of so many lists that are not the examples, written to the ledger, each for a prompt of its own."""
    examples = {row["prompt"]: set(row["items"]) for row in pile.examples()}
    written = []
    for prompt in pile.asked()[:number]:
        fitting = [row["item"] for row in items_of(prompt.topic) if set(prompt.constraints) <= set(row["tags"])]
        items = [item for item in fitting if item not in examples[prompt.text]][:5]
        answer = {"kind": "answer", "type": "write", "panel": pile.PANEL, "task": Task(prompt).id, "seconds": 95.0}
        Ledger().append({**answer, "prompt": prompt_record(prompt), "texts": [render(items)]})
        written.append(items)
    return written
