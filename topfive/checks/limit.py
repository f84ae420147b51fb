"""A limit of time around what a student wrote."""

import contextlib
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType


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

    def handler(signum: int, frame: FrameType | None) -> None:
        raise _TooLong

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
        if left:  # somebody else's alarm, such as a test runner's
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - began), 0.001), interval)
