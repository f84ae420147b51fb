"""A student's clicks, on disk before they are acknowledged, and what they mean. docs/ledger.md has the protocol."""

from topfive.ledger.convert import load, ranking_event, rankings
from topfive.ledger.reading import answers, live, read
from topfive.ledger.store import Event, Ledger, LedgerError, default_path

__all__ = [
    "Event",
    "Ledger",
    "LedgerError",
    "answers",
    "default_path",
    "live",
    "load",
    "ranking_event",
    "rankings",
    "read",
]
