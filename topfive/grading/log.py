"""What the course's own steps of grading log, heard while they work."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from traitlets.log import get_logger


@contextmanager
def listening(hear: Callable[[logging.LogRecord], None]) -> Iterator[None]:
    """Inside, `hear` gets each warning and error of a step in this folder or below, and nothing goes to the terminal.

    nbgrader's own lines, which say what it does to every locked cell, are dropped.
    """
    handler = logging.Handler(logging.WARNING)
    handler.addFilter(lambda record: Path(__file__).parent in Path(record.pathname).parents)
    handler.emit = hear  # type: ignore[assignment, method-assign]
    log: Any = get_logger()
    before, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = before
