"""What a notebook calls: `check`, `hint`, `use` and `once_written` for the student, `grade` in the locked cells.

All of it prints to stdout only: nbgrader scores a test cell that wrote to stderr 0.
"""

import contextlib
import functools
import inspect
import io
import re
import textwrap
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor

from topfive.checks.compare import as_numbers
from topfive.checks.verdict import Outcome, Verdict, examine
from topfive.errors import TopFiveError
from topfive.exercises import Exercise, Function, exercise

WIDTH = 100

_hints_given: Counter[str] = Counter()


def check(number: str, function: Function) -> None:
    """Print in words what is right, what is wrong and why; never the answer."""
    found = exercise(number)
    print("\n".join(report(found, function)))


def hint(number: str) -> None:
    """Print the next hint; after the last one they start again."""
    hints = exercise(number).hints
    given = _hints_given[number] % len(hints)
    _hints_given[number] += 1
    print(_wrapped(f"Hint {given + 1} of {len(hints)}: {hints[given]}", indent=0))
    if given + 1 == len(hints):
        print("That was the last hint; the next call starts again with the first.")


@contextlib.contextmanager
def once_written() -> Iterator[None]:
    """Around a cell that shows the student's function: while it is not written, print that instead of stopping."""
    try:
        yield
    except NotImplementedError as error:
        print(f"Not written yet ({error}). Write it, then run this cell again.")


def grade(number: str, function: Function, seeds: Sequence[int]) -> float:
    """Points on secret seeds, for the last line of a locked test cell; prints which kinds of case failed."""
    found = exercise(number)
    if not seeds:
        raise TopFiveError("grade needs at least one seed")
    with contextlib.redirect_stdout(io.StringIO()):
        verdict = examine(found, function, seeds)
    failed = [name for name, passed in verdict.names.items() if not passed]
    print(f"{number}: {_points(found, verdict.points)}" + (f"; not right yet: {'; '.join(failed)}" if failed else ""))
    return verdict.points


def use(number: str, function: Function) -> Function:
    """The student's function if it passes its visible check, else the package's; prints whose it is."""
    found = exercise(number)
    with contextlib.redirect_stdout(io.StringIO()):
        verdict = examine(found, function)
    name = found.solution.__name__
    if not verdict.passed:
        print(f'{number} {name}: the course\'s own is used, yours is not right yet (see check("{number}", {name}))')
        return found.solution
    print(f"{number} {name}: yours is used")
    return _tamed(function) if any(map(_unfit, verdict.outcomes, verdict.right)) else function


def report(found: Exercise, function: Function) -> list[str]:
    """The lines that `check` prints."""
    title = f"{found.number} {found.title}"
    if not callable(function):
        call = f'check("{found.number}", {found.solution.__name__})'
        return [title, f"  Give the function itself, without brackets after its name: {call}"]
    verdict = examine(found, function)
    unwritten = [one.error for one in verdict.outcomes if isinstance(one.error, NotImplementedError)]
    if unwritten:
        return [title, *_unwritten(found, unwritten[0]), f"  {_points(found, 0)}"]
    lines = [title]
    for name, passed in verdict.names.items():
        lines.append(f"  {'✓' if passed else '✗'} {name}")
        if not passed and name == verdict.wrong[0][0].case.name:
            lines += [_wrapped(words, indent=6) for words in _explanation(verdict, function)]
    lines += [_wrapped(f"A word of advice, which costs no points: {words}", indent=2) for words in verdict.advice]
    more = "" if verdict.passed else f'  ·  hint("{found.number}") for more'
    return [*lines, f"  {_points(found, verdict.points)}{more}"]


def _unwritten(found: Exercise, error: NotImplementedError) -> Iterator[str]:
    to_do = str(error).removeprefix(f"{found.number}:").strip()
    yield "  Not written yet" + (f": {to_do}" if to_do else ".")
    yield "  Put your code in the place of the line with NotImplementedError, run that cell, then this one again."


def _explanation(verdict: Verdict, function: Function) -> Iterator[str]:
    """About the first failed call: where, then the likely mistake or what to look at."""
    outcome, words = verdict.wrong[0]
    if outcome.error:
        yield from _error(verdict.exercise, function, outcome.error)
    else:
        yield words[:1].upper() + words[1:]
    if verdict.mistake:
        yield from re.split(r" (?=Look at: )", verdict.mistake.hint)
    elif outcome.case.look_at and not outcome.error:
        yield f"Look at: {outcome.case.look_at}"


def _error(found: Exercise, function: Function, error: Exception) -> Iterator[str]:
    text = (str(error).strip() or "no message").splitlines()[0]
    yield f"{type(error).__name__}: {text[:200]}"
    code = getattr(inspect.unwrap(function), "__code__", None)
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if code and frame.filename == code.co_filename
    ]
    if frames:
        yield f"in line {frames[-1].lineno} of its cell: {frames[-1].line}"
    elif isinstance(error, TypeError):
        arguments = ", ".join(inspect.signature(found.solution).parameters)
        yield f"It is called as {found.solution.__name__}({arguments}): keep the names and their order."


def _points(found: Exercise, points: float) -> str:
    return f"{points:g} of {found.points:g} points"


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(
        text, WIDTH, initial_indent=" " * indent, subsequent_indent=" " * indent, break_long_words=False
    )


# --- a right function that a trainer could still stumble over -----------------------------------------------------


def _unfit(given: Outcome, right: Outcome) -> bool:
    """Whether an answer is right but not a tensor where one is wanted, or the call changed its arguments."""
    return bool(given.changed) or (isinstance(right.value, Tensor) and not isinstance(given.value, Tensor))


def _tamed(function: Function) -> Function:
    """`function`, called on clones, its answer as a tensor of the first floating-point argument's kind."""

    @functools.wraps(function)
    def tamed(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = tuple(map(_cloned, args)), {name: _cloned(value) for name, value in kwargs.items()}
        value = function(*args, **kwargs)
        numbers = None if isinstance(value, Tensor) else as_numbers(value)
        like = next((x for x in (*args, *kwargs.values()) if isinstance(x, Tensor) and x.is_floating_point()), None)
        if numbers is None or not numbers.is_floating_point():
            return value if numbers is None else numbers
        return numbers.to(like if like is not None else torch.tensor(0.0))

    return tamed


def _cloned(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value
