"""What a student's function raised, in words: what, in which line, and what it has to do with the exercise."""

import inspect
import re
import sysconfig
import traceback
from collections.abc import Iterator
from pathlib import Path

from topfive.exercises import Exercise

ARGUMENTS = re.compile(r"positional argument|keyword argument|multiple values for argument|takes no arguments")
STUB = re.compile(r"\d+\.\d+: ")  # how the line begins that a student replaces
OURS = str(Path(__file__).parent.parent)
INSTALLED = tuple({OURS, *(sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib"))})


def unwritten(exercise: Exercise, error: BaseException | None) -> bool:
    """Whether this is the line that the student is to replace. PyTorch raises errors of this kind, too."""
    return isinstance(error, NotImplementedError) and str(error).startswith(f"{exercise.number}:")


def error_words(exercise: Exercise, error: BaseException) -> Iterator[str]:
    """What the error is, the line of the student's that raised it, and a word on the call if it never began."""
    if unwritten(exercise, error):
        yield f"Not written yet: {str(error).removeprefix(f'{exercise.number}:').strip()}"
    elif isinstance(error, TimeoutError):
        yield f"Stopped: {error}"
    elif isinstance(error, KeyboardInterrupt):
        yield "Stopped by hand."
    elif isinstance(error, SystemExit):
        yield "exit() or quit() was called: that ends Python itself. A function ends with `return`."
    else:
        text = (str(error).strip() or "no message").splitlines()[0]
        yield f"{type(error).__name__}: {text[:200]}"
    if where := line_of(error):
        yield where
    elif isinstance(error, TypeError) and ARGUMENTS.search(str(error)):
        arguments = ", ".join(inspect.signature(exercise.solution).parameters)
        yield f"It is called as {exercise.solution.__name__}({arguments}): keep the names and their order."


def line_of(error: BaseException) -> str:
    """The last line outside the course and what is installed that was running when `error` was raised; or nothing."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(INSTALLED)]
    return f"in line {frames[-1].lineno} of its cell: {frames[-1].line}" if frames else ""
