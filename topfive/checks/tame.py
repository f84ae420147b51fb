"""A right function that a trainer could still stumble over: called on copies, its answer made a tensor."""

import copy
import functools
from typing import Any

import torch
from torch import Tensor

from topfive.checks.call import Outcome
from topfive.checks.compare import as_numbers
from topfive.exercises import Function


def unfit(given: Outcome, right: Outcome) -> bool:
    """Whether an answer is right but not a tensor where one is wanted, or the call changed its arguments."""
    if given.changed or (isinstance(right.value, Tensor) and not isinstance(given.value, Tensor)):
        return True
    return right.graph and not given.graph


def tamed(function: Function) -> Function:
    """`function`, called on copies, its answer as a tensor of the first floating-point argument's kind.

    An answer without a graph, as a 0 where nothing counts, gets one: a trainer wants to go back from every loss.
    """

    @functools.wraps(function)
    def called(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = tuple(map(_copied, args)), {name: _copied(value) for name, value in kwargs.items()}
        value = function(*args, **kwargs)
        floats = [x for x in (*args, *kwargs.values()) if isinstance(x, Tensor) and x.is_floating_point()]
        numbers = value if isinstance(value, Tensor) else as_numbers(value)
        if numbers is None or not numbers.is_floating_point():
            return value if numbers is None else numbers
        if not isinstance(value, Tensor):
            numbers = numbers.to(floats[0] if floats else torch.tensor(0.0))
        learning = [x for x in floats if x.requires_grad]
        return numbers + 0 * learning[0].sum() if learning and not numbers.requires_grad else numbers

    return called


def _copied(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else copy.deepcopy(value)
