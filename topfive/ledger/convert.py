"""What the clicks mean: labels, rankings, ratings, written lists, and chosen/rejected pairs in TRL's format."""

import math
from collections.abc import Iterable, Iterator
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

from topfive.data import known_prompt
from topfive.ledger.reading import PathLike, answers, read
from topfive.ledger.store import Event
from topfive.lists import Prompt, Ranking

if TYPE_CHECKING:
    from datasets import Dataset

Row = dict[str, Any]
Question = Literal["first", "also"]

BEST_AND_WORST = "best and worst"  # the mode of a ranking in which nothing is said about the texts between


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


def rankings(path: PathLike | None = None, question: Question = "first") -> tuple[list[Ranking], list[str]]:
    """Every ranking and comparison of lists in a ledger, and what could not be used, in words.

    question: which of a panel's two questions they answer, the "first" or the "also". Never both at once.

    Hidden repeats are left out (they measure consistency, and would leak between splits), and so are blind
    evaluations. "Both bad" is a tie. Undone answers do not count. A best and a worst of K lists give the 2K - 3 pairs
    that are known, each a ranking of two.
    """
    _check_question(question)
    events, problems = read(path)
    found: list[Ranking] = []
    not_asked = 0
    for event in answers(events):
        if not _trains(event):
            continue
        if question == "also" and event.get("also") is None:
            not_asked += 1
            continue
        known = as_rankings(event, question)
        if isinstance(known, str):
            problems.append(f"event {event['id']}: {known}; kept, skipped")
        else:
            found += known
    if not_asked:
        problems.append(
            f"{not_asked} answer{'s hold' if not_asked > 1 else ' holds'} no second question: the panel, or an earlier "
            "form of it, did not ask one; kept, skipped"
        )
    return found, problems


def _check_question(question: str) -> None:
    if question not in ("first", "also"):
        raise ValueError(f'a panel\'s question is "first" or "also", not {question!r}')


def as_rankings(event: Event, question: Question = "first") -> list[Ranking] | str:
    """What an answer event says about the order of its texts, or what is wrong with it.

    One ranking; or for a best and a worst of K texts, the 2K - 3 pairs that are known, each a ranking of two, so that
    nobody takes the texts between for equal: they were never compared. "None is good" gives none there.
    """
    _check_question(question)
    if question == "also":
        if not isinstance(event.get("also"), dict):
            return "no second question was asked, or its answer is not one"
        event = event | dict.fromkeys(("ranks", "best", "worst", "mode", "bad")) | event["also"]
    if event.get("mode") == BEST_AND_WORST:
        return _known_pairs(event)
    ranking = as_ranking(event)
    return ranking if isinstance(ranking, str) else [ranking]


def _known_pairs(event: Event) -> list[Ranking] | str:
    if event.get("bad") is True:
        return []
    places = shared_places(event)
    if places is None:
        return "not a best and a worst of its texts"
    whole = as_ranking(event | {"ranks": places, "mode": None})
    if isinstance(whole, str):
        return whole
    placed = combinations(zip(whole.ranks, whole.texts, strict=True), 2)
    pairs = [sorted(pair, key=lambda one: one[0]) for pair in placed]
    return [Ranking(whole.prompt, (a, b), (1, 2)) for (place, a), (other, b) in pairs if place != other]


def shared_places(event: Event) -> list[int] | None:
    """Places by index for a best and a worst: 1, K, and 2 for all between, which says nothing about *their* order.

    None if the event names no best and no other text as worst.
    """
    best, worst, texts = event.get("best"), event.get("worst"), event.get("texts")
    if not isinstance(texts, list) or type(best) is not int or type(worst) is not int or best == worst:
        return None
    if not all(0 <= index < len(texts) for index in (best, worst)):
        return None
    return [1 if index == best else len(texts) if index == worst else 2 for index in range(len(texts))]


def as_ranking(event: Event) -> Ranking | str:
    """The ranking of all texts in an answer event, or what is wrong with it. A best and a worst are none."""
    if event.get("mode") == BEST_AND_WORST:
        return "only the best and the worst were asked for, which is not a whole ranking"
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

    Its type is rank, compare or blind, and its `question` "first" or, for a panel's second one, "also", whose words
    are in `asked`. Whoever trains on lists takes the rows `of` "lists" and of one question. Of a best and a worst there
    is a row for each pair that is known.
    """
    return [
        {
            "prompt": r.prompt.text,
            "of": event["of"],
            "texts": list(r.texts),
            "ranks": list(r.ranks),
            "question": question,
            "asked": _asked(event) if question == "also" else "",
            **_provenance(event),
        }
        for event in answers(events)
        if event.get("type") in ("rank", "compare", "blind") and event.get("of") in ("lists", "items")
        for question in _questions(event)
        if not isinstance(known := as_rankings(event, question), str)
        for r in known
    ]


def _questions(event: Event) -> tuple[Question, ...]:
    return ("first", "also") if isinstance(event.get("also"), dict) else ("first",)


def _asked(event: Event) -> str:
    return str(event["also"].get("question", ""))


def preference_rows(events: Iterable[Event], question: Question = "first") -> list[Row]:
    """One row a pair of lists that was told apart: prompt, chosen, rejected (TRL's format), and provenance.

    A ranking of K lists without ties gives K(K-1)/2 rows, a best and a worst 2K - 3. Ties, hidden repeats and blind
    evaluations give none. question: which of a panel's two questions.
    """
    return [
        {"prompt": ranking.prompt.text, "chosen": chosen, "rejected": rejected, **_provenance(event)}
        for event in answers(events)
        if _trains(event) and not isinstance(known := as_rankings(event, question), str)
        for ranking in known
        for chosen, rejected in _told_apart(ranking)
    ]


def _trains(event: Event) -> bool:
    return event.get("type") in ("rank", "compare") and event.get("of") == "lists" and not event.get("repeat_of")


def _told_apart(ranking: Ranking) -> Iterator[tuple[str, str]]:
    """The better and the worse of each pair that a ranking tells apart."""
    for (rank, text), (other_rank, other) in combinations(zip(ranking.ranks, ranking.texts, strict=True), 2):
        if rank != other_rank:
            yield (text, other) if rank < other_rank else (other, text)


def rating_rows(events: Iterable[Event]) -> list[Row]:
    """One row a rated list: prompt, text, rating (1 to 5), and provenance.

    Where lists were rated on several scales, `rating` is the first of them, and every scale has a column of its own,
    such as `rating_helpful` and `rating_faithful`; None where a list was not asked about on it.
    """
    rated = [event for event in answers(events) if event.get("type") == "rate" and is_rating(event)]
    names = sorted({name for event in rated for name in scales_of(event)})
    return [
        {
            "prompt": _prompt(event).text,
            "text": event["texts"][0],
            "rating": event["rating"],
            **{f"rating_{name}": scales_of(event).get(name) for name in names},
            **_provenance(event),
        }
        for event in rated
    ]


def is_rating(event: Event) -> bool:
    """Whether an event of type "rate" holds one text, its prompt, and a whole number from 1 to 5."""
    return _is_one_text(event) and _is_point(event.get("rating"))


def scales_of(event: Event) -> dict[str, int]:
    """The ratings of an event by scale, where it has several; what is no whole number from 1 to 5 is left out."""
    ratings = event.get("ratings")
    return (
        {str(name): point for name, point in ratings.items() if _is_point(point)} if isinstance(ratings, dict) else {}
    )


def _is_point(rating: object) -> bool:
    return type(rating) is int and 1 <= rating <= 5


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
        "mode": str(event.get("mode") or ""),
        "unsure": event.get("sure") is False,
        "why": str(event.get("why") or ""),
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


def export_rows(kind: str, events: Iterable[Event], question: Question = "first") -> list[Row]:
    """The rows of one export: labels, preferences, rankings, ratings or written; preferences of one `question`."""
    _check_question(question)
    return preference_rows(events, question) if kind == "preferences" else EXPORTS[kind](events)


def load(kind: str, path: PathLike | None = None, question: Question = "first") -> "Dataset":
    """One export of a ledger (labels, preferences, rankings, ratings or written) as a `datasets.Dataset`."""
    from datasets import Dataset

    return Dataset.from_list(export_rows(kind, read(path)[0], question))
