"""What follows from a function's answers on an exercise's cases: points, the mistake by name, advice."""

import re
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from typing import Any

from torch import Tensor

from topfive.checks.call import Outcome, call, is_solution, watching
from topfive.checks.compare import SAME, Difference, difference
from topfive.checks.wire import kind_of
from topfive.exercises import Case, Exercise, Function, Mistake

VISIBLE_SEEDS = (0,)
SECONDS = 60.0  # for all calls together: under nbgrader a cell has three minutes
NO_GRADIENT = Difference(
    "the value is right, but no gradient flows back from it, so nothing could be trained on it. It has to stay a "
    "tensor all the way: no .item(), .numpy(), .detach() or torch.no_grad().",
    enough=True,
)
RAISED = Difference("an exception", enough=True)


class NotTriedError(TimeoutError):
    """An earlier call ran out of time or was stopped, or all together took too long."""


def departure(exercise: Exercise, given: Outcome, right: Outcome) -> Difference:
    """How one outcome differs from another."""
    if given.error is not None or right.error is not None:
        return SAME if kind_of(given.error) == kind_of(right.error) else _raised(given, right)
    found = difference(given.value, right.value, exercise.atol, exercise.rtol, exercise.axes)
    if found or given.gradients is None or right.gradients is None or not _finite(right.value):
        return found
    for name, gradient in right.gradients.items():
        if off := difference(given.gradients[name], gradient, exercise.atol, exercise.rtol):
            if not given.graph or not any(map(Tensor.any, given.gradients.values())):
                return NO_GRADIENT
            words = f"the value is right, but not its gradient with respect to `{name}`: {off.words}"
            return Difference(words, off.enough)
    return SAME


def _raised(given: Outcome, right: Outcome) -> Difference:
    """An error where an answer belongs, whose own message says it all; or something else where an error belongs."""
    if right.error is None:
        return RAISED
    came = "nothing (None)" if given.value is None else "an answer"
    return Difference(f"{came} came back where {kind_of(right.error).rpartition('.')[2]} should be raised.")


def _finite(value: Any) -> bool:
    """Where a value is nan or infinite, its gradient tells nothing more."""
    return not isinstance(value, Tensor) or bool(value.isfinite().all())


@dataclass(frozen=True)
class Verdict:
    """How a function did on the cases of some seeds; `outcomes` and `right` are of the same calls.

    borrowed: whether the course's own function is what ran.
    """

    exercise: Exercise
    outcomes: tuple[Outcome, ...]
    right: tuple[Outcome, ...] = field(repr=False)
    seeds: tuple[int, ...]
    borrowed: bool = False

    @cached_property
    def wrong(self) -> list[tuple[Outcome, Difference]]:
        """Each failed call with how it differs, in order. Probes do not count."""
        pairs = zip(self.outcomes, self.right, strict=True)
        judged = [(given, departure(self.exercise, given, right)) for given, right in pairs if not given.case.probe]
        return [(given, found) for given, found in judged if found]

    @property
    def names(self) -> dict[str, bool]:
        """Every case name in order, and whether all calls of that name passed."""
        failed = {given.case.name for given, _ in self.wrong}
        return {one.case.name: one.case.name not in failed for one in self.outcomes if not one.case.probe}

    @property
    def points(self) -> float:
        """Points for the share of case names that passed; none for the course's own function."""
        return 0.0 if self.borrowed else self.exercise.earned(sum(self.names.values()), len(self.names))

    @property
    def passed(self) -> bool:
        """Whether every case passed, with a function of the student's own."""
        return not self.wrong and not self.borrowed

    @cached_property
    def mistake(self) -> Mistake | None:
        """The first mistake whose answers equal these on every case, if something is wrong; else the likeliest one."""
        known = [mistake for mistake in self.exercise.mistakes if not mistake.advice]
        return next(filter(self._equals, known), None) or self._likeliest(known) if self.wrong else None

    def _likeliest(self, known: Sequence[Mistake]) -> Mistake | None:
        """For two slips at once: of the mistakes that explain the first failed call, the one that explains most.

        One call is too little to name a mistake by: it has to explain another of a different shape, or all that failed
        under one name. Its hint then speaks of that case only. An error is explained by its own message.
        """
        failed = [given for given, _ in self.wrong]
        if failed[0].error:
            return None
        first = [one for one in known if self._explains(one, failed[0])]
        explained = {one.name: [given for given in failed if self._explains(one, given)] for one in first}
        fitting = [one for one in first if _tells(explained[one.name], failed)]
        if not fitting:
            return None
        most = max(fitting, key=lambda one: len(explained[one.name]))
        return replace(most, hint=softened(most.hint))

    def _explains(self, mistake: Mistake, given: Outcome) -> bool:
        """Whether one answer is what one of the mistake's functions gives."""
        return any(not departure(self.exercise, given, self._theirs(one, given)) for one in mistake.functions)

    def _theirs(self, function: Function, given: Outcome) -> Outcome:
        """What a mistake's function makes of the same call."""
        return _answer(self.exercise, function, self.seeds, self.outcomes.index(given))

    @property
    def advice(self) -> tuple[str, ...]:
        """Words that cost no points: arguments changed in place, and the advice that fits. Only if all is right."""
        if not self.passed:
            return ()
        changed = dict.fromkeys(name for one in self.outcomes for name in one.changed)
        words = [f"Your function changes its argument `{name}` in place: work on a copy." for name in changed]
        known = (mistake for mistake in self.exercise.mistakes if mistake.advice)
        return (*words, *(mistake.hint for mistake in known if self._equals(mistake)))

    def _equals(self, mistake: Mistake) -> bool:
        """Whether every answer is what one of the mistake's functions gives; for advice the graph counts as well."""
        return any(self._all_from(function, mistake.advice) for function in mistake.functions)

    def _all_from(self, function: Function, advice: bool) -> bool:
        for given in self.outcomes:
            if given.case.probe and not advice:
                continue
            theirs = self._theirs(function, given)
            if departure(self.exercise, given, theirs) or (advice and given.graph != theirs.graph):
                return False
        return True


def _tells(explained: Sequence[Outcome], failed: Sequence[Outcome]) -> bool:
    """Whether the explained calls are of two shapes, or are all the failed ones of their name and more than one."""
    if len({_shapes(given) for given in explained}) > 1:
        return True
    name = explained[0].case.name
    return len(explained) > 1 and all(given in explained for given in failed if given.case.name == name)


def _shapes(given: Outcome) -> tuple[Any, ...]:
    values = (*given.case.args, *given.case.kwargs.values())
    return tuple(tuple(value.shape) if isinstance(value, Tensor) else str(value)[:200] for value in values)


def softened(hint: str) -> str:
    """A mistake's hint as words about one case, for answers that equal the mistake's there but not everywhere."""
    words, replaced = re.subn("^(That is|These are)", "On this case yours gives", hint)
    return words if replaced else f"On this case: {hint}"


@dataclass(frozen=True)
class Answers:
    """What a function made of the cases of some seeds. borrowed: whether the course's own function is what ran."""

    outcomes: tuple[Outcome, ...]
    borrowed: bool


def answers(exercise: Exercise, function: Function, seeds: Sequence[int]) -> Answers:
    """Run `function` on all cases of these seeds; a call that never ends is the last, and after `SECONDS` in all
    nothing more is tried.

    Whether the solution is what ran is found out here, for check, grade and replay alike.
    """
    given: list[Outcome] = []
    began = time.monotonic()
    with watching(exercise.solution) as ran:
        for case in cases(exercise, tuple(seeds)):
            stopped = given and isinstance(given[-1].error, TimeoutError | KeyboardInterrupt)
            if stopped or time.monotonic() - began > SECONDS:
                words = f"all calls together took more than {SECONDS:.0f} seconds"
                given.append(Outcome(case, error=NotTriedError(words)))
            else:
                given.append(call(exercise, function, case))
    unseen = sys.getprofile() is not None and is_solution(exercise, function)
    return Answers(tuple(given), bool(ran) or unseen)


def judged(exercise: Exercise, found: Answers, seeds: Sequence[int]) -> Verdict:
    """Hold answers against the solution's."""
    seeds = tuple(seeds)
    right = tuple(_answer(exercise, exercise.solution, seeds, place) for place in range(len(found.outcomes)))
    return Verdict(exercise, found.outcomes, right, seeds, found.borrowed)


def examine(exercise: Exercise, function: Function, seeds: Sequence[int] = VISIBLE_SEEDS) -> Verdict:
    """Run `function` and the solution on all cases of these seeds."""
    return judged(exercise, answers(exercise, function, seeds), seeds)


@lru_cache(maxsize=64)
def cases(exercise: Exercise, seeds: tuple[int, ...]) -> tuple[Case, ...]:
    """All cases of these seeds, in order."""
    return tuple(case for seed in seeds for case in exercise.cases(seed))


@lru_cache(maxsize=16384)
def _answer(exercise: Exercise, function: Function, seeds: tuple[int, ...], place: int) -> Outcome:
    """What a function of the course's own, solution or mistake, makes of one case: always the same."""
    outcome = call(exercise, function, cases(exercise, seeds)[place])
    if isinstance(outcome.error, KeyboardInterrupt):  # whoever stops a check must not find that kept as the answer
        raise outcome.error
    return outcome
