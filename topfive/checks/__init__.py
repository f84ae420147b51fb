"""What tests an exercise, in the notebook and in grading.

`check`, `hint`, `use` and `once_written` are for students; `grade`, `points_for` and `is_shipped` for the locked cells
behind their work. The exercises themselves are in `topfive.exercises`.
"""

from topfive.checks.artefacts import is_shipped, kept_text, points_for, trained, training_allowed
from topfive.checks.notebook import check, grade, hint, once_written, use

__all__ = [
    "check",
    "grade",
    "hint",
    "is_shipped",
    "kept_text",
    "once_written",
    "points_for",
    "trained",
    "training_allowed",
    "use",
]
