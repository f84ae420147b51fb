"""What notebook 04 asks: the same lists rated, compared, ranked, and judged by their best and worst.

The lists are some of those that the simulated crowd judged, so that one's own answers can be laid beside the crowd's.
"""

from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random
from statistics import mean

from topfive import data
from topfive.ledger import Task, with_repeats
from topfive.lists import Prompt, parse

GROUPS, KEY = 3, "04"
SHORT = 26.5  # words a list on average, at most: reading is what costs time
ALSO = "And which is more faithful to the prompt?"
WAYS = ("rate", "compare", "rank", "best and worst")
REPEATS = {"rate": 4, "compare": 5, "rank": 2, "best and worst": 2}


@cache
def asked() -> tuple[tuple[Prompt, tuple[str, ...]], ...]:
    """Prompts on different topics, each with four short lists of five numbered items by the SFT model."""
    groups: dict[str, list[data.Row]] = {}
    for row in data.rows("crowd/lists"):
        if row["made_by"] == "sft":
            groups.setdefault(row["group"], []).append(row)
    whole = [found for found in groups.values() if all(parse(row["text"]).valid for row in found)]
    whole = [found for found in whole if mean(len(row["text"].split()) for row in found) <= SHORT]
    Random(KEY).shuffle(whole)
    by_topic = {found[0]["topic"]: found for found in reversed(whole)}
    chosen = list(by_topic.values())[-GROUPS:]
    return tuple((data.as_prompt(found[0]), tuple(row["text"] for row in found)) for found in chosen)


def tasks(way: str) -> list[Task]:
    """The tasks of one way of asking, some of them asked twice. Raises KeyError if there is no such way."""
    found = {
        "rate": [Task(prompt, (text,)) for prompt, texts in asked() for text in texts],
        "compare": [Task(prompt, pair) for prompt, texts in asked() for pair in _some_pairs(texts)],
        "rank": [Task(prompt, texts) for prompt, texts in asked()],
        "best and worst": [Task(prompt, texts) for prompt, texts in reversed(asked())],
    }[way]
    if len(found[0].texts) < 4:
        Random(f"{KEY} {way}").shuffle(found)
    if way == "compare":
        found = _with_suggestions(found)
    return with_repeats(found, REPEATS[way], f"{KEY} {way}")


def _some_pairs(texts: tuple[str, ...]) -> list[tuple[str, str]]:
    """Three of the six pairs, each list in at least one of them."""
    return list(pairwise(texts))


def _with_suggestions(pairs: list[Task]) -> list[Task]:
    """Two tasks of three with a suggestion: of a list drawn by lot, so that following it is no matter of the lists."""
    rng = Random(f"{KEY} suggested")
    return [replace(task, suggested=rng.randrange(2) if at % 3 else None) for at, task in enumerate(pairs)]
