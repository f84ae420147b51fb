"""One call of a student's function: on copies, silent, with a limit of time, and whatever it touched put back.

What the function does is an answer, whatever it is: a value, an error, `exit()`, a loop that never ends. Nothing of it
reaches the notebook but what `Outcome` holds. It leaves out whether the answer is right: that is `verdict`.
"""

import builtins
import contextlib
import copy
import inspect
import io
import random
import sys
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge, get_gradient_edge

from topfive.checks.compare import difference
from topfive.checks.limit import within
from topfive.checks.quiet import quiet
from topfive.exercises import Case, Exercise, Function

SECONDS = 10.0
WRAPPERS = 100  # that are looked under: some objects, as a Mock, hold one more for ever
KEPT = 2_000  # characters of what a function prints


class InputError(Exception):
    """The function called `input()`."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one call gave: a value or an error.

    gradients: of the value by each argument that requires one, zeros where none flows; None if none was asked for.
    graph: whether a gradient can flow back from the value. changed: names of the arguments that were changed in place.
    printed: what the function printed.
    """

    case: Case
    value: Any = None
    error: BaseException | None = None
    gradients: Mapping[str, Tensor] | None = None
    graph: bool = False
    changed: tuple[str, ...] = ()
    printed: "Printed | None" = None


class Printed(io.TextIOBase):
    """Takes in what a function prints: the first characters of it, and how many lines there were."""

    def __init__(self) -> None:
        self.text, self.lines = "", 0

    def write(self, text: str) -> int:
        """Keep `text` as far as there is room for it."""
        self.lines += text.count("\n")
        self.text += text[: KEPT - len(self.text)]
        return len(text)


def call(exercise: Exercise, function: Function, case: Case) -> Outcome:
    """Call `function` on copies of a case's arguments, with the same random numbers every time."""
    args, kwargs = copy.deepcopy((case.args, dict(case.kwargs)))
    bind = inspect.signature(exercise.solution).bind
    named, before = bind(*args, **kwargs).arguments, bind(*case.args, **case.kwargs).arguments
    edges = _edges(named) if exercise.differentiable else {}
    printed = Printed()
    try:
        with _undisturbed(), quiet(), contextlib.redirect_stdout(printed), within(SECONDS):
            value = function(*args, **kwargs)
            graph = keeps_graph(value)
            gradients = _gradients(value, edges, before) if edges else None
            value = _kept(value)
    except (Exception, KeyboardInterrupt, SystemExit, GeneratorExit) as error:
        return Outcome(case, error=error, printed=printed)
    changed = [name for name, arg in named.items() if _changed(arg, before[name])]
    return Outcome(case, value, None, gradients, graph, tuple(changed), printed)


def _changed(now: Any, before: Any) -> bool:
    if isinstance(now, Tensor) and torch.equal(now, before):
        return now.requires_grad != before.requires_grad
    return isinstance(now, Tensor | np.ndarray | list | dict) and bool(difference(now, before, 0, 0))


def keeps_graph(value: Any) -> bool:
    """Whether a gradient can flow back from any tensor in `value`."""
    if isinstance(value, tuple | list):
        return any(map(keeps_graph, value))
    if isinstance(value, Mapping):
        return any(map(keeps_graph, value.values()))
    return isinstance(value, Tensor) and value.requires_grad


def _edges(arguments: Mapping[str, Any]) -> dict[str, GradientEdge]:
    """Where gradients arrive, by argument: kept from before the call, since a function may take them off a tensor."""
    learning = {name: arg for name, arg in arguments.items() if isinstance(arg, Tensor) and arg.requires_grad}
    return {name: get_gradient_edge(arg) for name, arg in learning.items()}


def _gradients(value: Any, edges: Mapping[str, GradientEdge], before: Mapping[str, Any]) -> dict[str, Tensor]:
    zeros = {name: torch.zeros_like(before[name]) for name in edges}
    if not isinstance(value, Tensor) or not value.requires_grad:
        return zeros
    found = torch.autograd.grad(value.sum(), list(edges.values()), allow_unused=True)
    return zeros | {name: grad for name, grad in zip(edges, found, strict=True) if grad is not None}


def _kept(value: Any) -> Any:
    """`value` as it is now, in plain containers: a function may use one buffer for all its answers."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, Mapping):
        return {key: _kept(part) for key, part in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(_kept, value))
    if isinstance(value, tuple | list):
        return (tuple if isinstance(value, tuple) else list)(map(_kept, value))
    return value


# --- what surrounds a call ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Gradients on inside; afterwards gradients, default dtype, random generators and warnings as they were."""
    dtype, torchs, numpys, pythons = (
        torch.get_default_dtype(),
        torch.get_rng_state(),
        np.random.get_state(),
        random.getstate(),
    )
    asks = builtins.input
    builtins.input = _no_input
    try:
        with torch.enable_grad(), warnings.catch_warnings():
            torch.default_generator.manual_seed(0)
            yield
    finally:
        builtins.input = asks
        torch.set_default_dtype(dtype)
        torch.set_rng_state(torchs)
        np.random.set_state(numpys)
        random.setstate(pythons)


def _no_input(prompt: object = "") -> str:
    raise InputError("input() waits for a person; a function gets all that it needs as arguments")


def is_solution(exercise: Exercise, function: Any) -> bool:
    """Whether this is the course's own function, as it is or under decorators, caches and partials."""
    solution = inspect.unwrap(exercise.solution).__code__
    for _ in range(WRAPPERS):
        if getattr(function, "__code__", None) is solution:
            return True
        function = getattr(function, "__wrapped__", None) or getattr(function, "func", None)
    return False


@contextlib.contextmanager
def watching(function: Function) -> Iterator[list[bool]]:
    """A list that is not empty as soon as `function` has run inside, by whatever name or wrapper it was called.

    Python has room for one profiler: where one runs already, nothing is seen, and `is_solution` has to do.
    """
    code = getattr(inspect.unwrap(function), "__code__", None)
    ran: list[bool] = []

    def profile(frame: FrameType, event: str, arg: Any) -> None:
        if event == "call" and frame.f_code is code:
            ran.append(True)

    if sys.getprofile():
        yield ran
        return
    sys.setprofile(profile)
    try:
        yield ran
    finally:
        sys.setprofile(None)
