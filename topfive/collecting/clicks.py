"""What a student's answers in notebook 04 say; where there are none, a simulated student's, shipped and marked."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topfive import data
from topfive.annotation.formats import Repeat
from topfive.collecting.tasks import WAYS, asked, tasks
from topfive.ledger import Event, answers, default_path, read
from topfive.ledger.convert import BEST_AND_WORST, as_rankings, is_rating, shared_places
from topfive.lists import Ranking
from topfive.reward.words import WordReward

Integers = NDArray[np.int64]
ENOUGH = 0.5  # share of a way's tasks that have to be answered, for a student's own answers to be used


def shipped() -> Path:
    """The ledger of a simulated student; every answer in it says `source: "simulated"`."""
    return data.folder() / "recorded" / "collecting" / "ledger.jsonl"


@dataclass(frozen=True)
class Clicks:
    """Answers by way of asking (rate, compare, rank, best and worst), and whose they are by way: yours or simulated."""

    events: dict[str, list[Event]]
    whose: dict[str, str]

    def all(self) -> list[Event]:
        """The answers of all ways, one after the other."""
        return [event for way in WAYS for event in self.events[way]]

    def of(self, *ways: str) -> str:
        """Whose the answers in these ways are (all ways, if none is named): "yours", "simulated", or both."""
        return " and ".join(sorted({self.whose[way] for way in ways or WAYS}, reverse=True))


def clicks(path: Path | None = None) -> Clicks:
    """One's own answers; for each way with less than half of its tasks answered, a simulated student's. Says whose.

    path: the ledger, if it is not the running notebook's.
    """
    path = path or default_path()
    own, problems = read(path)
    print(*problems[: 3 * path.is_file()], sep="\n", end="\n" if problems and path.is_file() else "")
    mine, example = by_way(own), by_way(read(shipped())[0])
    events, whose = {}, {}
    for way in WAYS:
        wanted = len(tasks(way))
        enough = len(mine[way]) >= ENOUGH * wanted
        events[way], whose[way] = (mine[way], "yours") if enough else (example[way], "simulated")
        stands_in = "" if enough else f"; fewer than half, so a SIMULATED student's {len(example[way])} stand in"
        print(f"{way:15} {len(mine[way]):2} of {wanted} answered by you{stands_in}")
    return Clicks(events, whose)


def by_way(events: Sequence[Event]) -> dict[str, list[Event]]:
    """The answers that hold, to tasks that the notebook asks, by way. Those of other panels are not looked at."""
    known = {way: {task.id for task in tasks(way)} for way in WAYS}
    found: dict[str, list[Event]] = {way: [] for way in WAYS}
    for event in answers(events):
        way = event.get("panel")
        if way in known and event.get("task") in known[way] and given(event) is not None:
            found[way].append(event)
    return found


def given(event: Event) -> tuple[int, ...] | None:
    """What was answered, as places of the texts (1 the best) or the rating alone; None if it cannot be read."""
    if event.get("type") == "rate":
        return (event["rating"],) if is_rating(event) else None
    texts = event.get("texts")
    if not isinstance(texts, list):
        return None
    ranks = [1] * len(texts) if event.get("bad") else event.get("ranks")
    if event.get("mode") == BEST_AND_WORST and not event.get("bad"):
        ranks = shared_places(event)
    if not isinstance(ranks, list) or len(ranks) != len(texts) or not all(type(rank) is int for rank in ranks):
        return None
    return tuple(sorted(set(ranks)).index(rank) + 1 for rank in ranks)


def repeats(found: Clicks) -> list[Repeat]:
    """Every task that was answered twice, and whether the answer was the same. Sure: the first time."""
    result = []
    for way, first, second in _twice(found):
        result.append(Repeat(way, given(first) == given(second), _sure(first)))
    return result


def _twice(found: Clicks) -> list[tuple[str, Event, Event]]:
    pairs = []
    for way in WAYS:
        by_task = {event["task"]: event for event in originals(found.events[way])}
        for event in found.events[way]:
            if (original := by_task.get(str(event.get("repeat_of")))) is not None:
                pairs.append((way, original, event))
    return pairs


def _sure(event: Event) -> bool:
    """Whether one did not press "not sure"."""
    return event.get("sure") is not False


def sides(event: Event) -> int:
    """Which side a comparison preferred: 0 what was shown first, 1 what was shown second, 2 neither."""
    places = given(event)
    if places is None or places[0] == places[1]:
        return 2
    return int(event["shown"].index(places.index(1)))


def swapped(found: Clicks) -> tuple[Integers, Integers]:
    """Sides preferred at first and later, of comparisons shown twice with the sides changed: two arrays (n,)."""
    both = [
        (sides(first), sides(second))
        for way, first, second in _twice(found)
        if way == "compare" and first["shown"] != second["shown"]
    ]
    once, again = np.array(both, dtype=np.int64).reshape(-1, 2).T
    return once, again


def originals(events: Sequence[Event]) -> list[Event]:
    """The answers without the hidden repeats."""
    return [event for event in events if not event.get("repeat_of")]


def longer(event: Event) -> bool | None:
    """Whether a comparison preferred the list with more words; None for a tie, or for lists of one length."""
    places = given(event)
    words = [len(text.split()) for text in event["texts"]]
    if places is None or places[0] == places[1] or words[0] == words[1]:
        return None
    return words[places.index(1)] == max(words)


def seconds(events: Sequence[Event]) -> float:
    """Median seconds of an answer, repeats included; nan without any."""
    known = [float(event["seconds"]) for event in events if isinstance(event.get("seconds"), int | float)]
    return median(known) if known else float("nan")


def preferred(events: Sequence[Event]) -> dict[tuple[str, str], int]:
    """What answers say about pairs of lists: (text, other text), in alphabetical order, → 1, −1, or 0 for a tie.

    Ratings speak about two lists for one prompt. Repeats are left out.
    """
    found: dict[tuple[str, str], int] = {}
    rated: dict[str, dict[str, tuple[int, ...]]] = {}
    for event in originals(events):
        places = given(event)
        if places is None:
            continue
        if event["type"] == "rate":
            rated.setdefault(event["prompt"]["text"], {})[event["texts"][0]] = (-places[0],)
        else:
            between = event.get("mode") == "best and worst"
            _add(found, dict(zip(event["texts"], ((place,) for place in places), strict=True)), between)
    for texts in rated.values():
        _add(found, texts, False)
    return found


def _add(found: dict[tuple[str, str], int], places: dict[str, tuple[int, ...]], between: bool) -> None:
    """Add the pairs of one prompt; with `between`, equal places say nothing instead of a tie."""
    for a, b in combinations(sorted(places), 2):
        sign = (places[b] > places[a]) - (places[b] < places[a])
        if sign or not between:
            found[a, b] = sign


def agreement(one: dict[tuple[str, str], int], other: dict[tuple[str, str], int]) -> tuple[int, int]:
    """Of the pairs that both told apart, how many in the same order, and how many there are."""
    both = [one[pair] * other[pair] for pair in one.keys() & other.keys() if one[pair] * other[pair]]
    return sum(sign > 0 for sign in both), len(both)


def crowd_events() -> list[dict[str, Any]]:
    """What the simulated crowd's rankings say about the lists of this notebook, as `majority` reads them."""
    mine = {prompt.text: set(texts) for prompt, texts in asked()}
    return [
        {"type": "rank", "texts": list(ranking.texts), "ranks": list(ranking.ranks), "worker": worker}
        for worker, ranking in data.crowd_rankings()
        if mine.get(ranking.prompt.text) == set(ranking.texts)
    ]


def majority(events: Sequence[Event]) -> dict[tuple[str, str], int]:
    """What most of these rankings or comparisons say about each pair, as `preferred` says it; 0 where none prevails."""
    votes: Counter[tuple[str, str]] = Counter()
    for event in events:
        votes.update(preferred([event]))
    return {pair: (total > 0) - (total < 0) for pair, total in votes.items()}


def suggestions(events: Sequence[Event]) -> tuple[int, int]:
    """Of the comparisons with a suggestion, how many took it, and how many the other list. Repeats are left out."""
    told = [(event["suggested"], given(event)) for event in originals(events) if event.get("suggested") in (0, 1)]
    taken = [places[suggested] == 1 for suggested, places in told if places is not None and len(set(places)) > 1]
    return sum(taken), len(taken) - sum(taken)


def parted(events: Sequence[Event]) -> list[tuple[Event, int]]:
    """Comparisons whose two answers differ: the event, and 1 if they are opposite, 0 if one of them is a tie."""
    found = []
    for event in originals(events):
        also = event.get("also")
        second = given({**event, "bad": False, **also}) if isinstance(also, dict) else None
        first = given(event)
        if first is None or second is None:
            continue
        if first != second:
            found.append((event, int(1 not in (len(set(first)), len(set(second))))))
    return found


def orders(events: Sequence[Event]) -> list[Ranking]:
    """Rankings and comparisons that prefer something to something, without repeats."""
    known = [as_rankings(event) for event in originals(events)]
    return [one for found in known if not isinstance(found, str) for one in found if one.decisive]


def reasons(events: Sequence[Event]) -> list[str]:
    """What the student wrote about why, in order."""
    return [str(event["why"]).strip() for event in events if str(event.get("why") or "").strip()]


def heavy_words(reward: WordReward, texts: Sequence[str], number: int = 6) -> tuple[list[str], list[str]]:
    """Of the words in these lists, those that a word reward pays most for, and those that it takes most off for."""
    words = sorted({word for text in texts for word in re.findall(r"[a-z]{5,}", text.lower())})
    worth = reward.scores([""] * len(words), [f"1. {word}" for word in words]).numpy()
    order = np.argsort(worth, kind="stable")
    return [words[at] for at in order[::-1][:number]], [words[at] for at in order[:number]]
