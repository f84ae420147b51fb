"""Answers as a student would hand them in."""

import inspect
import types

import torch

from topfive.exercises import Function


def rewritten(function: Function) -> Function:
    """The lines of the course's own function, written by somebody else: the check knows the course's by its code."""
    inner = inspect.unwrap(function)
    own = types.FunctionType(
        inner.__code__.replace(), inner.__globals__, inner.__name__, inner.__defaults__, inner.__closure__
    )
    return torch.no_grad()(own) if inner is not function else own
