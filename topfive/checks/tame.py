"""A right function that a trainer could still stumble over: called on copies, its answer made a tensor."""

import copy
import functools
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from topfive.checks.call import Outcome
from topfive.checks.compare import as_numbers
from topfive.exercises import Function


def unfit(given: Outcome, right: Outcome) -> bool:
    """Whether an answer is right but not a tensor where one is wanted, or the call changed its arguments."""
    return bool(given.changed) or _lacks_tensors(given.value, right.value) or (right.graph and not given.graph)


def _lacks_tensors(given: Any, right: Any) -> bool:
    if isinstance(right, tuple):
        return not isinstance(given, tuple) or any(map(_lacks_tensors, given, right))
    return isinstance(right, Tensor) and not isinstance(given, Tensor)


def tamed(function: Function) -> Function:
    """`function`, called on copies, its answer as a tensor of the first floating-point argument's kind.

    An answer without a graph, as a 0 where nothing counts, gets one: a trainer wants to go back from every loss.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = tuple(map(_copied, args)), {name: _copied(value) for name, value in kwargs.items()}
        value = function(*args, **kwargs)
        floats = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor) and x.is_floating_point()]
        return _as_tensors(value, floats[0] if floats else torch.tensor(0.0), [x for x in floats if x.requires_grad])

    return called


def _as_tensors(value: Any, like: Tensor, learning: Sequence[Tensor]) -> Any:
    """Numbers as tensors of the kind of `like`, with a graph back to the first that learns; tuples part by part."""
    if isinstance(value, tuple):
        return tuple(_as_tensors(part, like, learning) for part in value)
    numbers = value if isinstance(value, Tensor) else as_numbers(value)
    if numbers is None or not numbers.is_floating_point():
        return value if numbers is None else numbers
    numbers = numbers if isinstance(value, Tensor) else numbers.to(like)
    return numbers + 0 * learning[0].sum() if learning and not numbers.requires_grad else numbers


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else copy.deepcopy(value)
