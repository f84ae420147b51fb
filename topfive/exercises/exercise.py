"""What an exercise is made of, and where to find it by its number."""

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from topfive.errors import TopFiveError

Function = Callable[..., Any]

# One folder an assignment; each holds a tuple EXERCISES.
ASSIGNMENTS = {
    "1": "labelling_basics",
    "2": "writing_demonstrations",
    "3": "language_modeling",
    "4": "collecting_preferences",
    "5": "preference_modeling",
    "6": "ppo",
    "7": "evaluation",
}


@dataclass(frozen=True)
class Case:
    """One call of the student's function.

    Cases of one name stand together: a line of the check, passed when all of them are. `look_at` is printed when the
    case fails and no mistake explains it. A `probe` costs no points; it only tells advice apart.
    """

    name: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    look_at: str = ""
    probe: bool = False


@dataclass(frozen=True)
class Mistake:
    """A wrong version of the function that people really write.

    function: the same signature as the solution. A student whose answers equal its answers on all cases gets `hint`:
    what comes out of what error, and what to look at. source: a citation, or "observed".
    also: other ways to write the same mistake whose answers differ from those of `function`.
    advice: the answers are right all the same; the hint is a word of advice and costs no points. It is told apart by
    the cases and probes, where also counts whether an answer keeps the graph of its gradient.
    """

    name: str
    function: Function
    hint: str
    source: str = "observed"
    advice: bool = False
    also: tuple[Function, ...] = ()

    @property
    def functions(self) -> tuple[Function, ...]:
        """Every way in which this mistake is known."""
        return (self.function, *self.also)


@dataclass(frozen=True, eq=False)
class Exercise:
    """One exercise: its right answer, its cases, the mistakes people make in it, and its hints.

    solution: the package's own function. cases: seed → cases, of the same names for every seed.
    hints: tiers, from a nudge to nearly there; never the answer.
    axes: what the dimensions of the answer count, in the singular, as in ("response", "token").
    differentiable: the answer is a loss, so its gradient by every argument that requires one is compared as well.
    """

    number: str
    title: str
    points: float
    minutes: int
    solution: Function
    cases: Callable[[int], Sequence[Case]]
    mistakes: tuple[Mistake, ...]
    hints: tuple[str, ...]
    axes: tuple[str, ...] = ()
    atol: float = 1e-5
    rtol: float = 1e-4
    differentiable: bool = False

    def earned(self, passed: int, of: int) -> float:
        """Points for so many passed case names, in halves and rounded down: full points need all of them."""
        return math.floor(2 * self.points * passed / of) / 2


def exercises(assignment: str) -> tuple[Exercise, ...]:
    """All exercises of an assignment ("6"), in order."""
    if assignment not in ASSIGNMENTS:
        raise TopFiveError(f"assignment {assignment!r} has no checks; those with checks are {', '.join(ASSIGNMENTS)}")
    found: tuple[Exercise, ...] = importlib.import_module(f"topfive.exercises.{ASSIGNMENTS[assignment]}").EXERCISES
    return found


def exercise(number: str) -> Exercise:
    """The exercise of this number ("6.3"). Raises TopFiveError, naming those there are, if there is none."""
    for found in exercises(str(number).split(".", maxsplit=1)[0]):
        if found.number == str(number):
            return found
    known = ", ".join(one.number for one in exercises(str(number).split(".", maxsplit=1)[0])) or "none yet"
    raise TopFiveError(f"there is no exercise {number!r}; this assignment has {known}")
