"""Two answers compared by structure and value, and their difference in words that do not give the right one away."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

WHOLE = "whole numbers of kind int64"
HALF = (torch.float16, torch.bfloat16)


@dataclass(frozen=True)
class Difference:
    """How an answer departs from the right one; false if it does not.

    words: one or two sentences. enough: they name the fault itself (a shape, a type, a sign, a missing graph), so that
    nothing needs to point at it.
    """

    words: str = ""
    enough: bool = False

    def __bool__(self) -> bool:
        return bool(self.words)


SAME = Difference()


def difference(
    given: Any, expected: Any, atol: float = 1e-5, rtol: float = 1e-4, axes: Sequence[str] = (), where: str = ""
) -> Difference:
    """How `given` departs from `expected`.

    Numbers, NumPy arrays, tensors of any precision and lists of numbers are the same where their values are, but
    tensors of whole numbers want whole numbers. Tuples and lists are compared part by part, mappings key by key.
    `where` names the part when it calls itself.
    """
    if type(given) is type(expected) and isinstance(expected, int | float | str) and given == expected:
        return SAME  # most of what is compared are single numbers in lists, and as tensors they take far longer
    if given is None and expected is not None:
        return Difference(
            f"{where}nothing came back (None). Does every way through the function end in a `return`?", True
        )
    if isinstance(expected, Mapping):
        return _of_mappings(given, expected, atol, rtol, axes, where)
    if isinstance(expected, tuple | list):
        return _of_parts(given, expected, atol, rtol, axes, where)
    if (right := as_numbers(expected)) is None:
        same = type(given) is type(expected) and given == expected
        return SAME if same else Difference(f"{where}yours is {_short(given)}.")
    return _of_numbers(given, right, _kind(expected), atol, rtol, axes, where)


def _of_numbers(
    given: Any, right: Tensor, kind: str, atol: float, rtol: float, axes: Sequence[str], where: str
) -> Difference:
    found = as_numbers(given)
    if found is None or (not right.ndim and isinstance(given, tuple | list)):
        return Difference(f"{where}{_kind(given)} came back where {kind} belongs.", True)
    if found.shape != right.shape:
        whose = "yours, a list," if isinstance(given, list) else "yours"
        shapes = f"{tuple(found.shape)}; it should be {_shape(right, axes)}"
        return Difference(f"{where}the shape of {whose} is {shapes}.", True)
    if right.dtype == torch.int64 and found.dtype != torch.int64 and isinstance(given, Tensor | np.ndarray):
        return Difference(f"{where}the numbers of yours are of kind {_dtype(found)}; they should be {WHOLE}.", True)
    words, enough = _of_values(found, right, atol, rtol, axes)
    return Difference(where + words, enough) if words else SAME


def as_numbers(value: Any) -> Tensor | None:
    """A number, array, tensor or (nested) list of numbers as a tensor of its own; None for whatever holds none."""
    if not isinstance(value, Tensor | list | tuple | np.ndarray | np.generic | bool | int | float):
        return None
    try:
        if isinstance(value, Tensor):
            return dense(value)
        array = np.array(_plain(value))
        if array.dtype.kind == "f" and array.dtype.itemsize > 8:  # a long double, which torch has not
            array = array.astype(np.float64)
        return torch.from_numpy(array.astype(array.dtype.newbyteorder("="))) if array.dtype.kind in "biuf" else None
    except (TypeError, ValueError, RuntimeError, OverflowError):  # uneven rows, no numbers at all, a list of itself
        return None


def dense(value: Tensor) -> Tensor | None:
    """Any tensor of real numbers as a dense one on the CPU; None for complex and nested ones, and without storage."""
    if value.is_complex() or value.is_meta or value.is_nested:
        return None
    value = value.detach().cpu()
    if value.is_quantized:
        value = value.dequantize()
    return value if value.layout == torch.strided else value.to_dense()


def _plain(value: Any) -> Any:
    """Lists with the tensors in them as numbers or arrays, whether they carry a gradient or not."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    if not isinstance(value, Tensor):
        return value
    tensor = dense(value)
    if tensor is None:
        raise ValueError("no numbers")
    return (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).numpy()[()]


def _of_mappings(
    given: Any, expected: Mapping[Any, Any], atol: float, rtol: float, axes: Sequence[str], where: str
) -> Difference:
    if not isinstance(given, Mapping):
        return Difference(f"{where}{_kind(given)} came back where a dictionary belongs.", True)
    if set(given) != set(expected):
        keys = f"{sorted(map(str, given))}; they should be {sorted(map(str, expected))}"
        return Difference(f"{where}the keys of yours are {keys}.", True)
    return _first(difference(given[key], expected[key], atol, rtol, axes, f"{where}at {key!r}: ") for key in expected)


def _of_parts(
    given: Any, expected: Sequence[Any], atol: float, rtol: float, axes: Sequence[str], where: str
) -> Difference:
    if isinstance(given, Tensor | np.ndarray) and given.ndim:
        given = list(given)
    if not isinstance(given, tuple | list):
        return Difference(f"{where}{_kind(given)} came back where {_kind(expected)} belongs.", True)
    if len(given) != len(expected):
        parts = f"{len(given)} part{'s' * (len(given) != 1)}; it should have {len(expected)}"
        return Difference(f"{where}yours has {parts}.", True)
    pairs = enumerate(zip(given, expected, strict=True))
    return _first(difference(own, right, atol, rtol, axes, f"{where}in {_part(i)}: ") for i, (own, right) in pairs)


def _first(found: Iterable[Difference]) -> Difference:
    return next(filter(None, found), SAME)


def _part(index: int) -> str:
    """A part of a tuple or list in words."""
    return f"the {('first', 'second', 'third')[index]} part" if index < 3 else f"part {index + 1}"


def _of_values(found: Tensor, right: Tensor, atol: float, rtol: float, axes: Sequence[str]) -> tuple[str, bool]:
    """The difference in words, and whether they are enough; ("", False) if there is none."""
    kind, exact = found.dtype, not right.is_floating_point()
    found, right = found.to(torch.float64), right.to(torch.float64)
    if torch.equal(found, right):
        return "", False
    off = ~torch.isclose(found, right, atol=atol, rtol=rtol, equal_nan=True)
    if not off.any():
        return "", False
    undefined = found.isnan() & off
    index = tuple((undefined if undefined.any() else off).nonzero()[0].tolist())
    own, expected, flags = found[index].item(), right[index].item(), bool((right * (right - 1) == 0).all())
    words = f"{_place(index, axes)}yours is {number(own, expected)}{_belongs(own, expected, exact, flags)}"
    if found.numel() > 1:
        words += f"; {int(off.sum())} of {found.numel()} values are off"
    if kind in HALF:
        words += f" (in {_dtype(found.to(kind))}, which holds about three digits)"
    sign = _sign(found, right, atol, rtol)
    return f"{words}.{sign or _pattern(found, right, atol, rtol)}", bool(sign)


def _place(index: tuple[int, ...], axes: Sequence[str]) -> str:
    """The place of a value, as Python counts and in words: ``at [1, 4] (response 2, token 5) ``."""
    if not index:
        return ""
    named = (
        ", ".join(f"{axis} {i + 1}" for axis, i in zip(axes, index, strict=False)) if len(axes) == len(index) else ""
    )
    return f"at {list(index)} " + (f"({named}) " if named else "")


def _belongs(own: float, expected: float, exact: bool, flags: bool) -> str:
    """What belongs there, in kind: a zero, a flag, nan or infinity by name, others by their sign or as more or less."""
    if math.isnan(own):
        where = ", where 0 belongs" if expected == 0 else ""
        return f" (not a number: 0/0, log of a negative number, or ∞ − ∞){where}"
    if not math.isfinite(expected) or expected == 0 or (exact and flags):
        return f", where {number(expected)} belongs"
    if math.isinf(own):
        return ", where a finite number belongs"
    if exact:
        return ", which is not the right one"
    if own * expected < 0:
        return f", where a {'positive' if expected > 0 else 'negative'} number belongs"
    return f", which is too {'large' if own > expected else 'small'}"


def _sign(found: Tensor, right: Tensor, atol: float, rtol: float) -> str:
    """A sentence if all that is wrong is the sign."""
    if not _finite(found, right) or not torch.allclose(found, -right, atol=atol, rtol=rtol):
        return ""
    return " Turn the sign round, and it is right." if right.numel() == 1 else " Every sign is turned round."


def _pattern(found: Tensor, right: Tensor, atol: float, rtol: float) -> str:
    """A sentence about what all the errors have in common, if they have anything."""
    if not _finite(found, right) or right.count_nonzero() < 3:
        return ""
    factor, shift = (found * right).sum() / (right * right).sum(), (found - right).mean()
    if factor and torch.allclose(found, factor * right, atol=atol, rtol=rtol):
        return " Every value is the right one times one and the same number."
    if torch.allclose(found, right + shift, atol=atol, rtol=rtol):
        return " Every value is off by one and the same amount."
    return ""


def _finite(found: Tensor, right: Tensor) -> bool:
    return bool(found.isfinite().all() and right.isfinite().all() and right.any())


def number(value: float, other: float | None = None) -> str:
    """Three digits, or as many as tell it from `other`, and a real minus sign; −0 is 0."""
    digits = 3
    while other is not None and digits < 9 and f"{value:.{digits}g}" == f"{other:.{digits}g}":
        digits += 1
    written = f"{value + 0.0:.{digits}g}" if digits == 3 else f"{value + 0.0:#.{digits}g}"
    return written.replace("-", "−").replace("inf", "∞")


def _shape(right: Tensor, axes: Sequence[str]) -> str:
    if right.ndim == 0:
        return "(), a single number"
    if len(axes) != right.ndim:
        return f"{tuple(right.shape)}"
    return f"{tuple(right.shape)}, " + (f"one for each {axes[0]}" if len(axes) == 1 else f"({', '.join(axes)})")


def _dtype(value: Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


def _kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor | np.ndarray):
        if isinstance(value, Tensor) and value.is_nested:
            return "a nested tensor, whose rows are of different lengths,"
        kind = "tensor" if isinstance(value, Tensor) else "NumPy array"
        odd = "complex " if isinstance(value, Tensor) and value.is_complex() else ""
        empty = " without numbers (device meta)" if isinstance(value, Tensor) and value.is_meta else ""
        return f"a {odd}{kind} of shape {tuple(value.shape)}{empty}"
    if fields := getattr(value, "_fields", ()):  # a named tuple
        return f"a {'pair' if len(fields) == 2 else 'tuple'} ({', '.join(fields)})"
    if isinstance(value, tuple | list):
        return f"a {type(value).__name__} of {len(value)}"
    if isinstance(value, bool | int | float | np.generic):
        return "a single number"
    return f"a value of type {type(value).__name__}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"
