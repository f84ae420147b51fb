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
            _raise_at_the_next_line(frame)
        raise _TooLong

    tracing = sys.gettrace()
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
        if alarms > 1:
            _raise_no_more(tracing)
        if left:  # somebody else's alarm, such as a test runner's
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)


def _raise_at_the_next_line(frame: FrameType | None) -> None:
    """For `except BaseException` around what waits: that line is outside of its `try`."""
    sys.settrace(_raise)  # Python drops it as soon as it has raised
    while frame is not None:
        frame.f_trace, frame = _raise, frame.f_back


def _raise(frame: FrameType, event: str, arg: Any) -> Any:
    if event == "line":
        raise _TooLong
    return _raise


def _raise_no_more(tracing: Any) -> None:
    sys.settrace(tracing)
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_trace is _raise:
            frame.f_trace = None
        frame = frame.f_back
