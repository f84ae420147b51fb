"""Two answers compared by structure and value, and their difference in words that do not give the right one away."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor


def difference(
    given: Any, expected: Any, atol: float = 1e-5, rtol: float = 1e-4, axes: Sequence[str] = (), where: str = ""
) -> str:
    """How `given` departs from `expected`, empty if it does not.

    Numbers, NumPy arrays, tensors of any precision and lists of numbers are the same where their values are; tuples
    and lists are compared part by part, mappings key by key. `where` names the part when it calls itself.
    """
    if given is None and expected is not None:
        return f"{where}nothing came back (None). Does every way through the function end in a `return`?"
    if isinstance(expected, Mapping):
        return _of_mappings(given, expected, atol, rtol, axes, where)
    if isinstance(expected, tuple | list):
        return _of_parts(given, expected, atol, rtol, axes, where)
    right, found = as_numbers(expected), as_numbers(given)
    if right is None:
        words = "" if type(given) is type(expected) and given == expected else f"yours is {_short(given)}."
    elif found is None:
        words = f"{_kind(given)} came back where {_kind(expected)} belongs."
    elif found.shape != right.shape:
        words = f"the shape of yours is {tuple(found.shape)}; it should be {_shape(right, axes)}."
    else:
        words = _of_values(found, right, atol, rtol, axes)
    return where + words if words else ""


def as_numbers(value: Any) -> Tensor | None:
    """A number, array, tensor or (nested) list of numbers as a tensor of its own; None for everything else."""
    if isinstance(value, Tensor):
        return None if value.is_complex() else value.detach().cpu()
    if isinstance(value, list | tuple | np.ndarray | np.generic | bool | int | float):
        try:
            array = np.array(_plain(value))
        except ValueError:  # rows of different length
            return None
        return torch.from_numpy(array) if array.dtype.kind in "biuf" else None
    return None


def _plain(value: Any) -> Any:
    """Lists with the tensors in them as numbers or arrays, whether they carry a gradient or not."""
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value.detach().cpu().numpy()[()] if isinstance(value, Tensor) else value


def _of_mappings(
    given: Any, expected: Mapping[Any, Any], atol: float, rtol: float, axes: Sequence[str], where: str
) -> str:
    if not isinstance(given, Mapping):
        return f"{where}{_kind(given)} came back where a dictionary belongs."
    if set(given) != set(expected):
        return f"{where}the keys of yours are {sorted(map(str, given))}; they should be {sorted(map(str, expected))}."
    parts = (difference(given[key], expected[key], atol, rtol, axes, f"{where}at {key!r}: ") for key in expected)
    return next(filter(None, parts), "")


def _of_parts(given: Any, expected: Sequence[Any], atol: float, rtol: float, axes: Sequence[str], where: str) -> str:
    if isinstance(given, Tensor | np.ndarray) and given.ndim:
        given = list(given)
    if not isinstance(given, tuple | list):
        return f"{where}{_kind(given)} came back where {_kind(expected)} belongs."
    if len(given) != len(expected):
        return f"{where}yours has {len(given)} part{'s' * (len(given) != 1)}; it should have {len(expected)}."
    pairs = enumerate(zip(given, expected, strict=True))
    parts = (difference(own, right, atol, rtol, axes, f"{where}in {_part(i)}: ") for i, (own, right) in pairs)
    return next(filter(None, parts), "")


def _part(index: int) -> str:
    """A part of a tuple or list in words."""
    return f"the {('first', 'second', 'third')[index]} part" if index < 3 else f"part {index + 1}"


def _of_values(found: Tensor, right: Tensor, atol: float, rtol: float, axes: Sequence[str]) -> str:
    exact = not right.is_floating_point()
    found, right = found.to(torch.float64), right.to(torch.float64)
    off = ~torch.isclose(found, right, atol=atol, rtol=rtol, equal_nan=True)
    if not off.any():
        return ""
    undefined = found.isnan() & off
    index = tuple((undefined if undefined.any() else off).nonzero()[0].tolist())
    own, expected = found[index].item(), right[index].item()
    words = f"{_place(index, axes)}yours is {number(own)}{_belongs(own, expected, exact)}"
    if found.numel() > 1:
        words += f"; {int(off.sum())} of {found.numel()} values are off"
    return f"{words}.{_pattern(found, right, atol, rtol)}"


def _place(index: tuple[int, ...], axes: Sequence[str]) -> str:
    """The place of a value, as Python counts and in words: ``at [1, 4] (response 2, token 5) ``."""
    if not index:
        return ""
    named = (
        ", ".join(f"{axis} {i + 1}" for axis, i in zip(axes, index, strict=False)) if len(axes) == len(index) else ""
    )
    return f"at {list(index)} " + (f"({named}) " if named else "")


def _belongs(own: float, expected: float, exact: bool) -> str:
    """What belongs there, in kind: a zero or an infinity by name, anything else by its sign or as more or less."""
    if math.isnan(own):
        return " (not a number: 0/0, log of a negative number, or ∞ − ∞)"
    if math.isinf(expected) or expected == 0:
        return f", where {number(expected)} belongs"
    if math.isinf(own):
        return ", where a finite number belongs"
    if exact:
        return ", which is not the right one"
    if own * expected < 0:
        return f", where a {'positive' if expected > 0 else 'negative'} number belongs"
    return ", which is too large" if own > expected else ", which is too small"


def _pattern(found: Tensor, right: Tensor, atol: float, rtol: float) -> str:
    """A sentence about what all the errors have in common, if they have anything."""
    if not (found.isfinite().all() and right.isfinite().all()) or not right.any():
        return ""
    if torch.allclose(found, -right, atol=atol, rtol=rtol):
        return " Turn the sign round, and it is right." if right.numel() == 1 else " Every sign is turned round."
    if right.count_nonzero() < 3:
        return ""
    factor, shift = (found * right).sum() / (right * right).sum(), (found - right).mean()
    if factor and torch.allclose(found, factor * right, atol=atol, rtol=rtol):
        return " Every value is the right one times one and the same number."
    if torch.allclose(found, right + shift, atol=atol, rtol=rtol):
        return " Every value is off by one and the same amount."
    return ""


def number(value: float) -> str:
    """Three digits and a real minus sign; −0 is 0."""
    return f"{value + 0.0:.3g}".replace("-", "−").replace("inf", "∞")


def _shape(right: Tensor, axes: Sequence[str]) -> str:
    if right.ndim == 0:
        return "(), a single number"
    named = f", ({', '.join(axes)})" if len(axes) == right.ndim else ""
    return f"{tuple(right.shape)}{named}"


def _kind(value: Any) -> str:
    """What a value is, in words."""
    if isinstance(value, Tensor | np.ndarray):
        return f"a {'tensor' if isinstance(value, Tensor) else 'NumPy array'} of shape {tuple(value.shape)}"
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
