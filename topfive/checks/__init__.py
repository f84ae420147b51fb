"""What tests an exercise, in the notebook and in grading: one `Exercise` object each, found by its number.

`check`, `hint` and `use` are for students, `grade` is for the locked cell behind an exercise. What an exercise is made
of stands in `exercise`; the exercises themselves are in one module an assignment, imported when first asked for.
"""

from topfive.checks.artefacts import is_shipped, points_for, trained, training_allowed
from topfive.checks.exercise import Case, Exercise, Mistake, exercise, exercises
from topfive.checks.notebook import check, grade, hint, once_written, use

__all__ = [
    "Case",
    "Exercise",
    "Mistake",
    "check",
    "exercise",
    "exercises",
    "grade",
    "hint",
    "is_shipped",
    "once_written",
    "points_for",
    "trained",
    "training_allowed",
    "use",
]
