"""What the cases of many exercises are drawn with."""

import torch
from torch import Tensor


def seeded(seed: int) -> torch.Generator:
    """A generator of its own, so that cases depend on their seed alone."""
    return torch.Generator().manual_seed(seed)


def integers(low: int, high: int, count: int, generator: torch.Generator) -> list[int]:
    """`count` integers from `low` up to but without `high`."""
    return torch.randint(low, high, (count,), generator=generator).tolist()


def lengths_mask(lengths: list[int], time: int) -> Tensor:
    """1 on the first `lengths[i]` tokens of row i. (batch, time), int64."""
    return (torch.arange(time) < torch.tensor(lengths)[:, None]).long()
