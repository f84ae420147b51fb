"""Every case of an exercise as a student's function answers it, for whoever has to decide about a complaint.

`topfive grade replay` runs `show` in the sandbox, in the student's notebook. It gives the right answers away.
"""

import inspect
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch

from topfive.checks.call import Outcome
from topfive.checks.verdict import examine
from topfive.exercises import Exercise, Function, exercise

WIDTH = 300  # characters of a value


def show(number: str, function: Function, seeds: Sequence[int]) -> None:
    """Print all cases of these seeds: arguments, what came back, what was expected, and how they differ."""
    for line in table(exercise(number), function, seeds):
        print(line)


def table(found: Exercise, function: Function, seeds: Sequence[int]) -> Iterator[str]:
    """The lines that `show` prints."""
    verdict = examine(found, function, seeds)
    words = {id(given): difference.words for given, difference in verdict.wrong}
    for place, (given, right) in enumerate(zip(verdict.outcomes, verdict.right, strict=True), start=1):
        if given.case.probe:
            continue
        yield f"{place}. {'✗' if id(given) in words else '✓'} {given.case.name}"
        named = inspect.signature(found.solution).bind(*given.case.args, **given.case.kwargs).arguments
        yield from (f"     {name} = {shortened(value)}" for name, value in named.items())
        yield f"   came back {_answer(given)}"
        yield f"   expected  {_answer(right)}"
        if id(given) in words:
            yield f"   {words[id(given)]}"
    if verdict.borrowed:
        yield "The course's own function does the work here."
    if verdict.mistake:
        yield f"Looks like: {verdict.mistake.name}. {verdict.mistake.hint}"
    yield f"{found.number}: {verdict.points:g} of {found.points:g} points"


def _answer(outcome: Outcome) -> str:
    if outcome.error:
        return shortened(f"{type(outcome.error).__name__}: {outcome.error}")
    gradients = {name: shortened(value) for name, value in (outcome.gradients or {}).items()}
    return shortened(outcome.value) + (f", with gradients {gradients}" if gradients else "")


def shortened(value: Any) -> str:
    """A value in one line of at most WIDTH characters."""
    with np.printoptions(precision=4, threshold=40, edgeitems=3), _torch_options():
        text = " ".join((value if isinstance(value, str) else repr(value)).split())
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


class _torch_options:  # noqa: N801  a context manager, as numpy's
    def __enter__(self) -> None:
        torch.set_printoptions(precision=4, threshold=40, edgeitems=3, linewidth=10_000)

    def __exit__(self, *_: object) -> None:
        torch.set_printoptions(profile="default")
