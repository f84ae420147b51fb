"""What tests an exercise, in the notebook and in grading.

`check`, `hint`, `use` and `once_written` are for students; `grade`, `points_for` and `is_shipped` for the locked cells
behind their work. The exercises themselves are in `topfive.exercises`.
"""

import sys

from topfive import revert
from topfive.checks.artefacts import is_shipped, kept_text, points_for, saved, trained, training_allowed
from topfive.checks.notebook import check, grade, hint, once_written, use
from topfive.checks.order import explain_missing_names

__all__ = [
    "check",
    "grade",
    "hint",
    "is_shipped",
    "kept_text",
    "once_written",
    "points_for",
    "saved",
    "trained",
    "training_allowed",
    "use",
]

if "IPython" in sys.modules:  # else this is no notebook
    from IPython import get_ipython

    if (shell := get_ipython()) is not None:
        explain_missing_names(shell)
        revert.install(shell)
