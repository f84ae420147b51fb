"""What counts as a seed: one whole number, whatever type it comes in."""

import operator
from typing import Any

from topfive.errors import TopFiveError

LIMIT = 2**32  # what NumPy, PyTorch and Python all take, with room for the step that is added


def whole(seed: Any) -> int:
    """The seed as an int: Python's and NumPy's whole numbers, and a float that is one, such as 3.0.

    Raises TopFiveError for anything else, and outside 0 to 2³² − 1.
    """
    try:
        number = int(seed) if isinstance(seed, float) and seed.is_integer() else operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number < LIMIT:
        raise TopFiveError(f"seed should be a whole number from 0 to {LIMIT - 1}, got {seed!r}")
    return number
