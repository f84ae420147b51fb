"""A student's clicks, on disk before they are acknowledged, and what they mean. docs/ledger.md has the protocol."""

from topfive.ledger.bring import bring
from topfive.ledger.consent import consent
from topfive.ledger.convert import as_rankings, load, ranking_event, rankings
from topfive.ledger.reading import answers, live, read
from topfive.ledger.store import Event, Ledger, LedgerError, default_path
from topfive.ledger.tasks import Task, with_repeats

__all__ = [
    "Event",
    "Ledger",
    "LedgerError",
    "Task",
    "answers",
    "as_rankings",
    "bring",
    "consent",
    "default_path",
    "live",
    "load",
    "ranking_event",
    "rankings",
    "read",
    "with_repeats",
]
