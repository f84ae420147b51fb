"""What a student's function answered, as plain JSON and back: how answers leave a kernel that nobody trusts.

Numbers, tensors, arrays, texts, and containers of these come back equal in value, kind and shape. Anything else comes
back as `Other`, which equals nothing; an error as `ElsewhereError`, with its name and message. Nothing that is read
here is ever run.
"""

import base64
import binascii
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from topfive.checks.call import Outcome
from topfive.checks.compare import dense
from topfive.errors import TopFiveError
from topfive.exercises import Case

LONGEST = 200  # characters of an error's message
INTEGERS = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
DTYPES = {name: getattr(torch, name) for name in (*INTEGERS, "float16", "bfloat16", "float32", "float64")}
# What `decoded` and its callers raise for what nobody honest sends.
BAD = (KeyError, TypeError, ValueError, AttributeError, RuntimeError, RecursionError, OverflowError, MemoryError)


@dataclass(frozen=True)
class Other:
    """Something that is no answer to any exercise. kind: of what type it was."""

    kind: str


class ElsewhereError(Exception):
    """An error that was raised in another process. kind: its class, with the module."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def kind_of(error: BaseException | None) -> str:
    """The class of an error, with its module, wherever it was raised; empty if there was none."""
    if isinstance(error, ElsewhereError):
        return error.kind
    return "" if error is None else f"{type(error).__module__}.{type(error).__qualname__}"


def to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome without its case, which whoever reads it has, and without what was printed."""
    error = outcome.error
    return {
        "value": encoded(outcome.value),
        "error": None if error is None else [kind_of(error), str(error)[:LONGEST]],
        "gradients": None if outcome.gradients is None else encoded(dict(outcome.gradients)),
        "graph": outcome.graph,
        "changed": list(outcome.changed),
    }


def from_json(found: Any, case: Case) -> Outcome:
    """The outcome of a case. Raises TopFiveError if this is none."""
    try:
        error = None if found["error"] is None else ElsewhereError(*map(str, found["error"]))
        gradients = None if found["gradients"] is None else _gradients(decoded(found["gradients"]))
        changed = tuple(map(str, found["changed"]))
        return Outcome(case, decoded(found["value"]), error, gradients, found["graph"] is True, changed)
    except BAD as why:
        raise TopFiveError(f"what came back is no answer ({type(why).__name__})") from why


def _gradients(found: Any) -> dict[str, Tensor]:
    if not isinstance(found, dict) or not all(isinstance(one, Tensor) for one in found.values()):
        raise ValueError("gradients are tensors by name")
    return found


def encoded(value: Any) -> Any:
    """Texts, truth values, None and finite numbers as they are; all else as one key, its kind, and what it holds."""
    if value is None or type(value) in (bool, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, np.generic):
        return _number(value)
    if isinstance(value, Mapping):
        return {"map": [[encoded(key), encoded(part)] for key, part in value.items()]}
    if isinstance(value, tuple | list):
        return {"tuple" if isinstance(value, tuple) else "list": [encoded(part) for part in value]}
    return _block(value) or {"other": type(value).__qualname__[:LONGEST]}


def _number(value: float) -> Any:
    if isinstance(value, int):
        return int(value)
    return float(value) if math.isfinite(value) else {"float": repr(float(value))}


def _block(value: Any) -> dict[str, Any]:
    """A tensor or array with its kind and shape; nothing for anything else. An array without a shape is a scalar."""
    if isinstance(value, Tensor) and (plain := dense(value)) is not None and plain.dtype in DTYPES.values():
        return {"tensor": [str(plain.dtype).removeprefix("torch."), list(plain.shape), _of_tensor(plain)]}
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biuf":
        shape = None if isinstance(value, np.generic) else list(value.shape)
        array = np.ascontiguousarray(value)
        return {"array": [array.dtype.str, shape, base64.b64encode(array.tobytes()).decode()]}
    return {}


def _of_tensor(value: Tensor) -> str:
    return base64.b64encode(value.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()).decode()


def decoded(found: Any) -> Any:
    """What `encoded` was given. Raises one of `BAD` for what it does not write."""
    if not isinstance(found, dict):
        if isinstance(found, list):
            raise ValueError("a list without its kind")
        return found
    [(kind, held)] = found.items()
    return READERS[kind](held)


def _tensor(dtype: str, shape: Sequence[int], text: str) -> Tensor:
    kind = DTYPES[dtype]
    raw = bytearray(_bytes(text))
    return (torch.frombuffer(raw, dtype=kind) if raw else torch.empty(0, dtype=kind)).reshape(shape)


def _array(dtype: str, shape: Sequence[int] | None, text: str) -> Any:
    kind = np.dtype(str(dtype))
    if kind.kind not in "biuf":
        raise ValueError("no kind of numbers")
    array = np.frombuffer(_bytes(text), kind).reshape(() if shape is None else shape).copy()
    return array[()] if shape is None else array


READERS: dict[str, Callable[[Any], Any]] = {
    "float": float,
    "map": lambda held: {decoded(key): decoded(part) for key, part in held},
    "tuple": lambda held: tuple(map(decoded, held)),
    "list": lambda held: list(map(decoded, held)),
    "tensor": lambda held: _tensor(*held),
    "array": lambda held: _array(*held),
    "other": lambda held: Other(str(held)),
}


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise ValueError("no base64") from error
