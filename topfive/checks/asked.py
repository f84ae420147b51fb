"""What the grading process asks of a kernel in which a student's code has run, and how the kernel answers.

Points are not decided here. An answer is JSON, shown as a cell's value under a type of its own; whoever reads it trusts
none of it (topfive/grading/trusted.py).
"""

import functools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topfive.checks.artefacts import artefact
from topfive.checks.verdict import answers
from topfive.checks.wire import encoded, to_json
from topfive.errors import TopFiveError
from topfive.exercises import exercise

TYPE = "application/vnd.topfive.answers"
Given = Callable[[], Any]  # a lambda around a name of the student's notebook


@dataclass(frozen=True)
class Reply:
    """What a cell that asks has as its value."""

    held: Any

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        return {TYPE: json.dumps(self.held)}


def in_words(error: BaseException) -> str:
    """What stopped a test, for the student."""
    if isinstance(error, NameError):
        return f"there is no {error.name}: its cell is missing, or stopped before it was defined. 0 points"
    if isinstance(error, TopFiveError):
        return f"{error}. 0 points"
    return f"stopped by {type(error).__name__}: {error}. 0 points"


def _replying(ask: Callable[..., Any]) -> Callable[..., Reply]:
    """The answer, or one line about what stopped it."""

    @functools.wraps(ask)
    def guarded(*args: Any, **kwargs: Any) -> Reply:
        try:
            return Reply(ask(*args, **kwargs))
        except (Exception, SystemExit) as error:  # whatever was handed in
            return Reply({"stopped": in_words(error)})

    return guarded


@_replying
def answered(number: str, function: Given, seeds: Sequence[int]) -> Any:
    """What the student's function makes of all cases of these seeds."""
    found = answers(exercise(number), function(), seeds)
    return {"outcomes": list(map(to_json, found.outcomes)), "borrowed": found.borrowed}


@_replying
def each_answered(functions: Mapping[str, Given], seeds: Sequence[int]) -> Any:
    """What each of the student's functions, by exercise number, makes of all cases of these seeds."""
    return {number: answered(number, function, seeds).held for number, function in functions.items()}


@_replying
def replayed(functions: Mapping[str, Given], seeds: Sequence[int]) -> Any:
    """Where two updates with the student's functions end, by exercise number, for each seed."""
    from topfive.checks import replay  # with transformers, which other notebooks do without

    own = {number: function() for number, function in functions.items()}
    if taken := replay.borrowed(own):
        return {"borrowed": taken, "ends": []}
    return {"borrowed": [], "ends": [encoded(replay.ended(own, seed)) for seed in seeds]}


@_replying
def kept(name: str) -> Any:
    """The text of work/NAME as the notebook has just written it; None if it has not."""
    path = artefact(name)
    return {"text": path.read_text("utf-8", errors="replace") if path.is_file() else None}
