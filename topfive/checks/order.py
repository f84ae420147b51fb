"""A word for whoever runs a cell before those that it builds on: after the NameError, what to do.

Only for names that the notebook itself looks for in vain, in a cell or in a function written there. While a notebook is
graded, nothing is added.
"""

import os
import traceback
from types import TracebackType
from typing import Any


def explain_missing_names(shell: Any) -> None:
    """Have the notebook's shell add a sentence to a NameError. `shell`: what `get_ipython()` gives."""
    if "NBGRADER_EXECUTION" not in os.environ:
        shell.set_custom_exc((NameError,), _explain)


def _explain(
    shell: Any, kind: type[NameError], error: NameError, trace: TracebackType, tb_offset: int | None = None
) -> None:
    shell.showtraceback((kind, error, trace), tb_offset=tb_offset)
    *_, (frame, _) = traceback.walk_tb(trace)
    if frame.f_globals is shell.user_ns and not isinstance(error, UnboundLocalError):
        print(
            f"If `{error.name}` is made in a cell above, that cell has not run since the kernel started: choose "
            "Run → Run All Above Selected Cell, then run this one again. If not, look for a slip in the name."
        )
