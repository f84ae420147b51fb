"""Ctrl-C (or JupyterLab's stop button) between steps instead of inside one, so that what is saved is whole."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupt:
    """Whether a stop has been asked for."""

    requested = False


@contextmanager
def after_this_step(saving: bool = True) -> Iterator[Interrupt]:
    """While inside, the first SIGINT sets `requested`; a second one raises KeyboardInterrupt at once.

    To wait for the end of a step makes sense where that is when the work is saved. Where nothing is (`saving` false),
    and outside the main thread, where signals cannot be caught, SIGINT does what it did before: it stops at once.
    """
    interrupt = Interrupt()
    if not saving or threading.current_thread() is not threading.main_thread():
        yield interrupt
        return

    def handler(signum: int, frame: FrameType | None) -> None:
        if interrupt.requested:
            raise KeyboardInterrupt
        interrupt.requested = True

    previous = signal.signal(signal.SIGINT, handler)
    try:
        yield interrupt
    finally:
        signal.signal(signal.SIGINT, previous)
