"""A limit of time around what a student wrote."""

import contextlib
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any


class _TooLong(BaseException):
    """Not an Exception, so that a student's `except Exception` does not take it for one of its own."""


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Inside, more than so many seconds of wall time raise TimeoutError, also out of a loop without an end.

    Only in the main thread, and where the system has such alarms (not on Windows); elsewhere there is no limit.
    """
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    alarms = 0

    def handler(signum: int, frame: FrameType | None) -> None:
        nonlocal alarms
        alarms += 1
        if alarms > 1:
            _raise_at_the_next_line(frame, outside)
        raise _TooLong

    tracing, outside = sys.gettrace(), sys._getframe(2)  # whoever entered the `with`, past contextlib
    began, previous = time.monotonic(), signal.signal(signal.SIGALRM, handler)
    left, interval = signal.setitimer(signal.ITIMER_REAL, seconds, 1.0)  # again each second, in case one is swallowed
    try:
        yield
    except _TooLong as error:
        words = f"no answer after {seconds:.0f} seconds; does every loop in it come to an end?"
        raise TimeoutError(words).with_traceback(error.__traceback__) from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        sys.settrace(tracing)
        if left:  # somebody else's alarm, such as a test runner's
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


def _raise_at_the_next_line(frame: FrameType | None, outside: FrameType) -> None:
    """For `except BaseException` around what waits: the line after is out of its `try`. What is outside goes on."""
    sys.settrace(_raise)  # Python drops it as soon as it has raised
    while frame is not None and frame is not outside:
        frame.f_trace, frame = _raise, frame.f_back


def _raise(frame: FrameType, event: str, arg: Any) -> Any:
    if event == "line":
        raise _TooLong
    return None if event == "call" else _raise  # in functions that are called now, nothing is raised
