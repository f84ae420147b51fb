"""What a notebook calls: `check`, `hint`, `use` and `once_written` for the student, `grade` in the locked cells.

All of it prints to stdout only: nbgrader scores a test cell that wrote to stderr 0.
"""

import contextlib
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice

from topfive.checks.call import Outcome
from topfive.checks.errors import STUB, error_words, line_of, unwritten
from topfive.checks.tame import tamed, unfit
from topfive.checks.verdict import NotTriedError, Verdict, examine
from topfive.errors import TopFiveError
from topfive.exercises import Exercise, Function, exercise

WIDTH = 100
LINES = 20

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
    """Around a cell that shows the student's function: while it is not written, or fails, say that and go on."""
    try:
        yield
    except Exception as error:
        if isinstance(error, NotImplementedError) and STUB.match(str(error)):
            print(f"Not written yet ({error}). Write it, then run this cell again.")
            return
        where = line_of(error)
        print(f"It stopped with {type(error).__name__}: {error}" + (f"\n{where}" if where else ""))
        print("Mend the function (its check says more), then run this cell again.")


def grade(number: str, function: Function, seeds: Sequence[int]) -> float:
    """Points on secret seeds, for the last line of a locked test cell; prints which kinds of case failed."""
    found = exercise(number)
    if not seeds:
        raise TopFiveError("grade needs at least one seed")
    return said(examine(found, function, seeds))


def said(verdict: Verdict) -> float:
    """The points of a verdict; prints which kinds of case failed."""
    found = verdict.exercise
    if verdict.borrowed:
        print(f"{found.number}: the course's own function does the work here; write yours. {_points(found, 0)}")
        return 0.0
    failed = [name for name, passed in verdict.names.items() if not passed]
    words = f"; not right yet: {'; '.join(failed)}" if failed else ""
    print(f"{found.number}: {_points(found, verdict.points)}{words}")
    return verdict.points


def use(number: str, function: Function) -> Function:
    """The student's function if it passes its visible check, else the package's; prints whose it is."""
    found = exercise(number)
    verdict = examine(found, function)
    name = found.solution.__name__
    if not verdict.passed:
        why = "yours is not written yet" if verdict.borrowed else "yours is not right yet"
        print(f'{number} {name}: the course\'s own is used, {why} (see check("{number}", {name}))')
        return found.solution
    print(f"{number} {name}: yours is used")
    return tamed(function) if any(map(unfit, verdict.outcomes, verdict.right)) else function


def report(found: Exercise, function: Function) -> list[str]:
    """The lines that `check` prints."""
    if not callable(function):
        call = f'check("{found.number}", {found.solution.__name__})'
        return [f"{found.number} {found.title}", f"  Give the function itself, without brackets after its name: {call}"]
    return described(examine(found, function))


def described(verdict: Verdict) -> list[str]:
    """The same lines, of a function that has been tried."""
    found = verdict.exercise
    lines = [*_printed(verdict.outcomes), f"{found.number} {found.title}"]
    if verdict.borrowed:
        return [*lines, *_borrowed(), f"  {_points(found, verdict.points)}"]
    if not any(verdict.names.values()) and unwritten(found, verdict.wrong[0][0].error):
        return [*lines, *_unwritten(found, str(verdict.wrong[0][0].error)), f"  {_points(found, 0)}"]
    lines += _judged(verdict)
    lines += [_wrapped(f"A word of advice, which costs no points: {words}", indent=2) for words in verdict.advice]
    more = "" if verdict.passed else f'  ·  hint("{found.number}") for more'
    return [*lines, f"  {_points(found, verdict.points)}{more}"]


def _judged(verdict: Verdict) -> Iterator[str]:
    """A line for each kind of case, and under the first that failed what is wrong with it."""
    untried = {one.case.name for one in verdict.outcomes if isinstance(one.error, NotTriedError)}
    for name, passed in verdict.names.items():
        first = bool(verdict.wrong) and name == verdict.wrong[0][0].case.name
        mark, remark = ("–", " (not tried)") if name in untried and not first else ("✓" if passed else "✗", "")
        yield f"  {mark} {name}{remark}"
        if first:
            yield from (_wrapped(words, indent=6) for words in _explanation(verdict))


def _explanation(verdict: Verdict) -> Iterator[str]:
    """About the first failed call: where, then the likely mistake or what to look at."""
    outcome, found = verdict.wrong[0]
    if outcome.error:
        yield from error_words(verdict.exercise, outcome.error)
    else:
        yield found.words[:1].upper() + found.words[1:]
    if verdict.mistake:
        yield from re.split(r" (?=Look at: )", verdict.mistake.hint)
    elif outcome.case.look_at and not found.enough:
        yield f"Look at: {outcome.case.look_at}"


def _unwritten(found: Exercise, message: str) -> Iterator[str]:
    to_do = message.removeprefix(f"{found.number}:").strip()
    yield "  Not written yet" + (f": {to_do}" if to_do else ".")
    yield "  Put your code in the place of the line with NotImplementedError, run that cell, then this one again."


def _borrowed() -> Iterator[str]:
    yield "  This is the course's own function, imported or got from use(), or it calls that: nothing to check."
    yield "  Write yours in the cell above and run that cell; then its name stands for yours again."


def _printed(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """The first lines that the function printed itself, and how many more there were."""
    kept = [line for one in outcomes if one.printed for line in one.printed.text.splitlines()]
    yield from islice(kept, LINES)
    more = sum(max(one.printed.lines, len(one.printed.text.splitlines())) for one in outcomes if one.printed) - LINES
    if more > 0:
        yield f"… and {more:,} more lines that your function prints"


def _points(found: Exercise, points: float) -> str:
    return f"{points:g} of {found.points:g} points"


def _wrapped(text: str, indent: int) -> str:
    return textwrap.fill(
        text,
        WIDTH,
        initial_indent=" " * indent,
        subsequent_indent=" " * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
