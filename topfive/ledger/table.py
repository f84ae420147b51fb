"""The ledger as a table that people read: one line an answer."""

from collections.abc import Iterable, Sequence

from topfive.ledger.convert import BEST_AND_WORST, scales_of
from topfive.ledger.reading import answers, live
from topfive.ledger.store import Event
from topfive.lists import parse

COLUMNS = ("time (UTC)", "panel", "prompt", "answer", "seconds")


def answer_rows(events: Iterable[Event]) -> list[tuple[str, ...]]:
    """One row of COLUMNS for each answer, skip and flag that holds."""
    events = list(events)
    given = answers(events)
    answered = {(event.get("panel"), event.get("task")) for event in given}
    others = [
        event
        for event in live(events)
        if event["kind"] == "flag"
        or (event["kind"] == "skip" and (event.get("panel"), event.get("task")) not in answered)
    ]
    chosen = sorted([*given, *others], key=lambda event: str(event.get("time")))
    return [
        (
            str(event.get("time", ""))[:19].replace("T", " "),
            str(event.get("panel", "")),
            _prompt_text(event),
            in_words(event),
            f"{event['seconds']:.0f}" if isinstance(event.get("seconds"), int | float) else "",
        )
        for event in chosen
    ]


def _prompt_text(event: Event) -> str:
    prompt = event.get("prompt")
    return str(prompt.get("text", "")) if isinstance(prompt, dict) else ""


def in_words(event: Event) -> str:
    """What was answered. An answer that cannot be read says so."""
    try:
        return _in_words(event) + _second(event) + _remark(event)
    except (KeyError, TypeError, IndexError, ValueError):
        return "unreadable"


def _in_words(event: Event) -> str:
    if event["kind"] == "skip":
        return "skipped"
    if event["kind"] == "flag":
        return f"flagged: {event['reason']}"
    if event["type"] == "rate":
        marks = [f"{name} {point}" for name, point in scales_of(event).items()] or [str(event["rating"])]
        return f"{', '.join(marks)} of 5: {label(event['texts'][0])}"
    if event["type"] in ("label", "write"):
        before = f"{event['label']}: " if event["type"] == "label" else ""
        return before + label(event["texts"][0])
    return _order_in_words(event)


def _order_in_words(event: Event) -> str:
    if event.get("bad"):
        return "none is good"
    if event.get("mode") == BEST_AND_WORST:
        return f"best {label(event['texts'][event['best']])}, worst {label(event['texts'][event['worst']])}"
    return ordering(event["texts"], event["ranks"])


def _second(event: Event) -> str:
    """The answer to the second question, if there was one."""
    return f"; also: {_order_in_words(event | {'mode': '', 'bad': False} | event['also'])}" if event.get("also") else ""


def _remark(event: Event) -> str:
    """How sure, and why."""
    why = f" ({event['why']})" if event.get("why") else ""
    return "; not sure" * (event.get("sure") is False) + why


def ordering(texts: Sequence[str], ranks: Sequence[int]) -> str:
    """The lists by place: `a > b = c`, each by its first item."""
    places = sorted(set(ranks))
    tied = ([label(text) for text, rank in zip(texts, ranks, strict=True) if rank == place] for place in places)
    return " > ".join(" = ".join(group) for group in tied)


def label(text: str) -> str:
    """A list's first item, as its short name."""
    items = parse(text).items
    name = items[0] if items else text.strip()
    return name if len(name) <= 32 else name[:31] + "…"


def as_text(rows: Sequence[Sequence[str]], columns: Sequence[str] = COLUMNS) -> str:
    """A table with columns of equal width, for a terminal."""
    widths = [max(len(row[index]) for row in [columns, *rows]) for index in range(len(columns))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in [columns, *rows]]
    return "\n".join(line.rstrip() for line in [lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
