"""What the tests of answers as people write them have in common."""

from collections.abc import Callable
from typing import Any

from topfive.checks.verdict import examine
from topfive.exercises import exercise


def name_of(number: str, function: Callable[..., Any]) -> str | None:
    """The name of the mistake that an answer is recognised as, if its hint is said in full and not in softer words."""
    one = exercise(number)
    mistake = examine(one, function).mistake
    return mistake.name if mistake in one.mistakes else None
