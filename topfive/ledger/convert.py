"""What the clicks mean: labels, rankings, ratings, written lists, and chosen/rejected pairs in TRL's format."""

import math
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any

from topfive.data import known_prompt
from topfive.ledger.reading import PathLike, answers, read
from topfive.ledger.store import Event
from topfive.lists import Prompt, Ranking

if TYPE_CHECKING:
    from datasets import Dataset

Row = dict[str, Any]


def ranking_event(ranking: Ranking, panel: str = "plain", **more: object) -> Event:
    """The answer event of one ranking of lists, for `Ledger.append`. `more` adds keys, such as `seconds` or `shown`."""
    return {
        "kind": "answer",
        "type": "rank",
        "of": "lists",
        "panel": panel,
        "prompt": prompt_record(ranking.prompt),
        "texts": list(ranking.texts),
        "ranks": list(ranking.ranks),
        **more,
    }


def prompt_record(prompt: Prompt) -> Row:
    """A prompt as it stands in an event."""
    return {"text": prompt.text, "topic": prompt.topic, "constraints": list(prompt.constraints)}


def rankings(path: PathLike | None = None) -> tuple[list[Ranking], list[str]]:
    """Every ranking and comparison of lists in a ledger, and what could not be used, in words.

    Hidden repeats are left out (they measure consistency, and would leak between splits), and so are blind
    evaluations. "Both bad" is a tie. Undone answers do not count.
    """
    events, problems = read(path)
    found: list[Ranking] = []
    for event in answers(events):
        if event.get("type") in ("rank", "compare") and event.get("of") == "lists" and not event.get("repeat_of"):
            ranking = as_ranking(event)
            if isinstance(ranking, str):
                problems.append(f"event {event['id']}: {ranking}; kept, skipped")
            else:
                found.append(ranking)
    return found, problems


def as_ranking(event: Event) -> Ranking | str:
    """The ranking in an answer event, or what is wrong with it."""
    try:
        texts, ranks = event["texts"], event["ranks"]
        if not all(isinstance(text, str) for text in texts) or not all(type(rank) is int for rank in ranks):
            return "texts should be text and ranks whole numbers"
        return Ranking(_prompt(event), tuple(texts), tuple(ranks))
    except (KeyError, TypeError, ValueError) as error:
        return f"not a ranking ({error})"


def _prompt(event: Event) -> Prompt:
    record = event["prompt"]
    if not isinstance(record["text"], str):
        raise TypeError("the prompt is not text")
    prompt = Prompt(record["text"], str(record.get("topic", "")), tuple(record.get("constraints", ())))
    return prompt if prompt.topic else known_prompt(prompt.text) or prompt


def ranking_rows(events: Iterable[Event]) -> list[Row]:
    """One row an ordering: prompt, what it orders (`of`: lists, or the items of one), texts, ranks, and provenance.

    Its type is rank, compare or blind. Whoever trains on lists takes the rows `of` "lists".
    """
    return [
        {
            "prompt": r.prompt.text,
            "of": event["of"],
            "texts": list(r.texts),
            "ranks": list(r.ranks),
            **_provenance(event),
        }
        for event in answers(events)
        if event.get("type") in ("rank", "compare", "blind")
        and event.get("of") in ("lists", "items")
        and not isinstance(r := as_ranking(event), str)
    ]


def preference_rows(events: Iterable[Event]) -> list[Row]:
    """One row a pair of lists that was told apart: prompt, chosen, rejected (TRL's format), and provenance.

    A ranking of K lists without ties gives K(K-1)/2 rows. Ties, hidden repeats and blind evaluations give none.
    """
    return [row for event in answers(events) if _trains(event) for row in _pairs(event)]


def _trains(event: Event) -> bool:
    return event.get("type") in ("rank", "compare") and event.get("of") == "lists" and not event.get("repeat_of")


def _pairs(event: Event) -> Iterator[Row]:
    ranking = as_ranking(event)
    if isinstance(ranking, str):
        return
    for (rank, text), (other_rank, other) in combinations(zip(ranking.ranks, ranking.texts, strict=True), 2):
        if rank != other_rank:
            chosen, rejected = (text, other) if rank < other_rank else (other, text)
            yield {"prompt": ranking.prompt.text, "chosen": chosen, "rejected": rejected, **_provenance(event)}


def rating_rows(events: Iterable[Event]) -> list[Row]:
    """One row a rated list: prompt, text, rating (1 to 5), and provenance."""
    return [
        {"prompt": _prompt(event).text, "text": event["texts"][0], "rating": event["rating"], **_provenance(event)}
        for event in answers(events)
        if event.get("type") == "rate" and is_rating(event)
    ]


def is_rating(event: Event) -> bool:
    """Whether an event of type "rate" holds one text, its prompt, and a whole number from 1 to 5."""
    rating = event.get("rating")
    return _is_one_text(event) and type(rating) is int and 1 <= rating <= 5


def _is_one_text(event: Event) -> bool:
    """Whether an event holds one text and its prompt."""
    try:
        _prompt(event)
    except (KeyError, TypeError):
        return False
    texts = event.get("texts")
    return isinstance(texts, list) and len(texts) == 1 and isinstance(texts[0], str)


def written_rows(events: Iterable[Event]) -> list[Row]:
    """One row a list that was written: prompt, completion (TRL's format for fine-tuning), and provenance."""
    return [
        {"prompt": _prompt(event).text, "completion": event["texts"][0], **_provenance(event)}
        for event in answers(events)
        if event.get("type") == "write" and _is_one_text(event)
    ]


def label_rows(events: Iterable[Event], worker: str = "me") -> list[Row]:
    """One row a labelled list: task, worker, label (as crowd-kit names them), prompt, text, and provenance.

    worker: who gave them; a ledger is one person's.
    """
    return [
        {
            "task": str(event.get("repeat_of") or event.get("task") or event["id"]),
            "worker": worker,
            "label": event["label"],
            "prompt": _prompt(event).text,
            "text": event["texts"][0],
            **_provenance(event),
        }
        for event in answers(events)
        if event.get("type") == "label" and is_label(event)
    ]


def is_label(event: Event) -> bool:
    """Whether an event of type "label" holds one text, its prompt, and one of the labels that there were."""
    label, labels = event.get("label"), event.get("labels")
    return _is_one_text(event) and isinstance(label, str) and isinstance(labels, list) and label in labels


def _provenance(event: Event) -> Row:
    """Where a row comes from: a human's click, its event, panel, time, and how long it took.

    Every column is of one kind in all rows, whatever an event holds: a table of mixed kinds cannot be loaded.
    """
    seconds: Any = event.get("seconds")
    return {
        "source": str(event.get("source") or "human"),
        "type": str(event.get("type")),
        "event": event["id"],
        "panel": _text(event.get("panel")),
        "time": _text(event.get("time")),
        "seconds": float(seconds) if _is_number(seconds) else None,
        "repeat": bool(event.get("repeat_of")),
    }


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and math.isfinite(value)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


EXPORTS = {
    "labels": label_rows,
    "preferences": preference_rows,
    "rankings": ranking_rows,
    "ratings": rating_rows,
    "written": written_rows,
}


def load(kind: str, path: PathLike | None = None) -> "Dataset":
    """One export of a ledger (labels, preferences, rankings, ratings or written) as a `datasets.Dataset`."""
    from datasets import Dataset

    return Dataset.from_list(EXPORTS[kind](read(path)[0]))
