"""Running a function on an exercise's cases, and what follows from it: points, the mistake by name, advice."""

import contextlib
import copy
import inspect
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topfive.checks.compare import difference
from topfive.exercises import Case, Exercise, Function, Mistake

VISIBLE_SEEDS = (0,)


@dataclass(frozen=True)
class Outcome:
    """What one call gave: a value or an error.

    gradients: of the value by each argument that requires one; None where no gradient flows or none was asked for.
    changed: names of the arguments that the call changed in place.
    """

    case: Case
    value: Any = None
    error: Exception | None = None
    gradients: Mapping[str, Tensor] | None = None
    changed: tuple[str, ...] = ()


def call(exercise: Exercise, function: Function, case: Case) -> Outcome:
    """Call `function` on copies of a case's arguments, with the same random numbers every time and a silent stderr."""
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    bind = inspect.signature(exercise.solution).bind
    named, before = bind(*args, **kwargs).arguments, bind(*case.args, **case.kwargs).arguments
    try:
        with contextlib.redirect_stderr(io.StringIO()), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            value = function(*args, **kwargs)
            gradients = _gradients(value, named) if exercise.differentiable else None
    except Exception as error:  # whatever a student's function raises is an answer
        return Outcome(case, error=error)
    data = Tensor | np.ndarray | list | dict
    changed = [name for name, arg in named.items() if isinstance(arg, data) and difference(arg, before[name], 0, 0)]
    return Outcome(case, value, gradients=gradients, changed=tuple(changed))


def _gradients(value: Any, arguments: Mapping[str, Any]) -> dict[str, Tensor] | None:
    leaves = {name: arg for name, arg in arguments.items() if isinstance(arg, Tensor) and arg.requires_grad}
    if not keeps_graph(value) or not leaves:
        return None
    found = torch.autograd.grad(value.sum(), list(leaves.values()), allow_unused=True)
    return {
        name: torch.zeros_like(leaf) if grad is None else grad
        for (name, leaf), grad in zip(leaves.items(), found, strict=True)
    }


def keeps_graph(value: Any) -> bool:
    """Whether a gradient can flow back from any tensor in `value`."""
    if isinstance(value, tuple | list):
        return any(map(keeps_graph, value))
    if isinstance(value, Mapping):
        return any(map(keeps_graph, value.values()))
    return isinstance(value, Tensor) and value.requires_grad


def departure(exercise: Exercise, given: Outcome, right: Outcome) -> str:
    """How one outcome differs from another in words, empty if it does not."""
    if given.error or right.error:
        return "" if type(given.error) is type(right.error) else "an exception"
    words = difference(given.value, right.value, exercise.atol, exercise.rtol, exercise.axes)
    if words or not exercise.differentiable:
        return words
    if given.gradients is None or right.gradients is None:
        return "" if given.gradients is right.gradients else NO_GRADIENT
    for name, gradient in right.gradients.items():
        if words := difference(given.gradients[name], gradient, exercise.atol, exercise.rtol):
            return f"the value is right, but not its gradient with respect to `{name}`: {words}"
    return ""


NO_GRADIENT = (
    "the value is right, but no gradient flows back from it, so nothing could be trained on it. A loss has to stay a "
    "tensor all the way: no .item(), .numpy(), .detach() or torch.no_grad()."
)


@dataclass(frozen=True)
class Verdict:
    """How a function did on the cases of some seeds. `wrong` holds (outcome, words) for every failed call, in order."""

    exercise: Exercise
    outcomes: tuple[Outcome, ...]
    right: tuple[Outcome, ...] = field(repr=False)

    @cached_property
    def wrong(self) -> list[tuple[Outcome, str]]:
        """Each failed call with its difference in words. Probes do not count."""
        pairs = zip(self.outcomes, self.right, strict=True)
        judged = [(given, departure(self.exercise, given, right)) for given, right in pairs if not given.case.probe]
        return [(given, words) for given, words in judged if words]

    @property
    def names(self) -> dict[str, bool]:
        """Every case name in order, and whether all calls of that name passed."""
        failed = {given.case.name for given, _ in self.wrong}
        return {one.case.name: one.case.name not in failed for one in self.outcomes if not one.case.probe}

    @property
    def points(self) -> float:
        """Points for the share of case names that passed."""
        return self.exercise.earned(sum(self.names.values()), len(self.names))

    @property
    def passed(self) -> bool:
        """Whether every case passed."""
        return not self.wrong

    @cached_property
    def mistake(self) -> Mistake | None:
        """The first mistake whose answers equal these on every case, if something is wrong; else the likeliest one."""
        known = [mistake for mistake in self.exercise.mistakes if not mistake.advice]
        return None if self.passed else next(filter(self._equals, known), None) or self._likeliest(known)

    def _likeliest(self, known: Sequence[Mistake]) -> Mistake | None:
        """For two slips at once: of the mistakes that explain the first failed call, the one that explains most.

        Its hint then speaks of that case only. An error is explained by its own message.
        """
        failed = [given for given, _ in self.wrong]
        fitting = [mistake for mistake in known if not failed[0].error and self._explains(mistake, failed[0])]
        if not fitting:
            return None
        most = max(fitting, key=lambda mistake: sum(self._explains(mistake, given) for given in failed))
        return replace(most, hint=softened(most.hint))

    def _explains(self, mistake: Mistake, given: Outcome) -> bool:
        """Whether one answer is what the mistake's function gives."""
        return any(
            not departure(self.exercise, given, call(self.exercise, function, given.case))
            for function in mistake.functions
        )

    @property
    def advice(self) -> tuple[str, ...]:
        """Words that cost no points: arguments changed in place, and the advice that fits. Only if all is right."""
        if not self.passed:
            return ()
        changed = dict.fromkeys(name for one in self.outcomes for name in one.changed)
        words = [f"Your function changes its argument `{name}` in place: work on a clone." for name in changed]
        known = (mistake for mistake in self.exercise.mistakes if mistake.advice)
        return (*words, *(mistake.hint for mistake in known if self._equals(mistake)))

    def _equals(self, mistake: Mistake) -> bool:
        """Whether every answer is what one of the mistake's functions gives; for advice the graph counts as well."""
        return any(self._all_from(function, mistake.advice) for function in mistake.functions)

    def _all_from(self, function: Function, advice: bool) -> bool:
        for given in self.outcomes:
            if given.case.probe and not advice:
                continue
            theirs = call(self.exercise, function, given.case)
            if departure(self.exercise, given, theirs):
                return False
            if advice and keeps_graph(given.value) != keeps_graph(theirs.value):
                return False
        return True


def softened(hint: str) -> str:
    """A mistake's hint as words about one case, for answers that equal the mistake's there but not everywhere."""
    words, replaced = re.subn("^(That is|These are)", "On this case yours gives", hint)
    return words if replaced else f"On this case: {hint}"


def examine(exercise: Exercise, function: Function, seeds: Sequence[int] = VISIBLE_SEEDS) -> Verdict:
    """Run `function` and the solution on all cases of these seeds."""
    cases = [case for seed in seeds for case in exercise.cases(seed)]
    given = tuple(call(exercise, function, case) for case in cases)
    return Verdict(exercise, given, tuple(call(exercise, exercise.solution, case) for case in cases))
