"""Reading a ledger back: every event once, and in words whatever is odd about the file. Never raises, never mends."""

import gc
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from topfive.ledger.store import MAX_LINE, VERSION, Event, default_path, is_header

PathLike = str | os.PathLike[str]


def read(path: PathLike | None = None) -> tuple[list[Event], list[str]]:
    """All events of a ledger in file order, each id once, without the header; and its problems as "file:line: what".

    A line with a problem stays in the file and is skipped. Lines with an id that came before are resent clicks,
    which is no problem. A file that is not there has no events and one problem.
    """
    path = Path(path) if path is not None else default_path()
    try:
        lines = path.read_bytes().split(b"\n")
    except FileNotFoundError:
        return [], [f"{path}: there is no ledger here yet"]
    except OSError as error:
        return [], [f"{path}: cannot be read ({error.strerror})"]
    with _collector_paused():
        parsed = [_parse(line) if line.strip() else None for line in lines]
    events: dict[str, Event] = {}
    problems = [] if is_header(parsed[0]) else [f"{path}:1: the header line is missing or damaged"]
    for number, event in enumerate(parsed, start=1):
        if isinstance(event, str):
            torn = " (cut off by a crash?)" if number == len(lines) else ""
            problems.append(f"{path}:{number}: {event}{torn}; kept, skipped")
        elif event is not None and not is_header(event):
            events.setdefault(event["id"], event)
        elif event is not None and number > 1:
            problems.append(f"{path}:{number}: a second header (were two ledgers joined?); kept, skipped")
    return list(events.values()), problems


def is_ledger(path: Path) -> bool:
    """Whether a file begins with a header, whatever comes behind it."""
    try:
        with path.open("rb") as file:
            return is_header(_parse(file.readline(MAX_LINE)))
    except OSError:
        return False


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Without the garbage collector's look at every new dictionary, 100,000 events read twice as fast."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _parse(line: bytes) -> Event | str:
    """The event in a line, or what is wrong with the line."""
    if len(line) > MAX_LINE:
        return f"a line of {len(line):,} bytes ({MAX_LINE:,} is the most)"
    try:
        event = json.loads(line.decode())
    except UnicodeDecodeError:
        return "not UTF-8"
    except (ValueError, RecursionError) as error:
        return f"not JSON ({getattr(error, 'msg', 'nested too deep')})"
    return _foreign(event) or event


def _foreign(event: object) -> str:
    """Why this is not an event of ours; empty if it is one."""
    if not isinstance(event, dict):
        return f"{type(event).__name__} where an event should be"
    version = event.get("v")
    if type(version) is not int:
        return "not a line of ours: no version `v`"
    if version > VERSION:
        return f"written by a newer topfive (version {version}, this one reads {VERSION}); update topfive"
    if not isinstance(event.get("id"), str) or not isinstance(event.get("kind"), str):
        return "not a line of ours: no `id` or `kind`"
    return ""


def live(events: Iterable[Event]) -> list[Event]:
    """The events that hold after every undo and redo, in their order. Undo and redo name the event they are `of`."""
    events = list(events)
    undone: set[object] = set()
    for event in events:
        if event["kind"] == "undo":
            undone.add(_target(event))
        elif event["kind"] == "redo":
            undone.discard(_target(event))
    return [event for event in events if event["kind"] not in ("undo", "redo") and event["id"] not in undone]


def _target(event: Event) -> str:
    return str(event.get("of"))


def answers(events: Iterable[Event]) -> list[Event]:
    """The answers that hold: of several to the same task in the same panel the last; in order of first answering."""
    latest: dict[tuple[str, str], Event] = {}
    for event in live(events):
        if event["kind"] == "answer":
            latest[str(event.get("panel")), str(event.get("task", event["id"]))] = event
    return list(latest.values())


def duplicates(path: PathLike) -> int:
    """How many lines repeat an earlier event: clicks that a panel sent again because it had no answer."""
    ids: Counter[str] = Counter()
    for line in Path(path).read_bytes().split(b"\n"):
        event = _parse(line) if line.strip() else ""
        if not isinstance(event, str):
            ids[event["id"]] += 1
    return sum(count - 1 for count in ids.values())
