"""Whether a student's answers may go into a class's pool: said by the student, kept in the ledger, and revocable."""

import os
from collections.abc import Iterable

from topfive.ledger.reading import live, read
from topfive.ledger.store import Event, Ledger

POOL = "class pool"


def consent(given: bool, book: Ledger | None = None) -> bool:
    """Write down that the answers of this ledger may, or may no longer, go into the class's pool; say what holds.

    What was said last holds for all answers of the ledger. Nothing is written if it is what holds already, nor while
    nbgrader executes the notebook. book: the ledger, if it is not the running notebook's. Returns what holds.
    """
    book = book or Ledger()
    held = given_in(read(book.path)[0])
    if given is not held and "NBGRADER_EXECUTION" not in os.environ:
        book.append({"kind": "consent", "to": POOL, "given": bool(given)})
        held = bool(given)
    words = "may go into the class's pool, without your name" if held else "stay with you"
    print(f"Your answers in this ledger {words}.")
    return held


def given_in(events: Iterable[Event]) -> bool:
    """Whether the last word in a ledger is yes. Silence is no, and so is anything that is not plainly a yes."""
    said = [event for event in live(events) if event["kind"] == "consent" and event.get("to") == POOL]
    return bool(said) and said[-1].get("given") is True
