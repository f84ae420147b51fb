"""The exercises: one file each, one folder an assignment; `exercise("6.3")` finds one by its number.

An `Exercise` holds the package's own function as its solution, the cases it is tried on, the mistakes people make in
it, and hints. What runs a student's function on the cases and says what is wrong is `topfive.checks`.
"""

from topfive.exercises.exercise import ASSIGNMENTS, Case, Exercise, Function, Mistake, exercise, exercises

__all__ = ["ASSIGNMENTS", "Case", "Exercise", "Function", "Mistake", "exercise", "exercises"]
