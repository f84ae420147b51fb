"""What demonstrations cost: a price a list that is fair to slow writers, and the budget of a collection."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


def fair_price(seconds: Sequence[Sequence[float]], wage: float, share: float) -> int:
    """The lowest price of a list, in whole cents, at which at least `share` of the writers earn the wage.

    seconds: for each writer, the seconds of each list of theirs in the pilot. A writer is paid for every list, and an
    hour's pay counts all their time. wage: in euros an hour. share: above 0, up to 1.
    """
    means = sorted(sum(own) / len(own) for own in seconds)
    enough = means[math.ceil(share * len(means) - 1e-9) - 1]
    return math.ceil(100 * wage * enough / 3600 - 1e-9)


@dataclass(frozen=True)
class Budget:
    """What a collection costs, in euros, and of how many lists."""

    written: int
    reviews: int
    euros: float


def budget(wanted: int, kept: float, price: int, review_price: int, reviewers: int = 2, fee: float = 0.2) -> Budget:
    """What `wanted` usable lists cost if a share `kept` of those written is used, all of them paid and reviewed.

    price, review_price: in cents. fee: what a platform takes on top, as a share.
    """
    written = math.ceil(wanted / kept)
    reviews = reviewers * written
    return Budget(written, reviews, (written * price + reviews * review_price) * (1 + fee) / 100)


def earns(seconds: Sequence[Sequence[float]], price: int) -> list[float]:
    """What each writer earns an hour, in euros, at a price in cents a list."""
    return [price / 100 * len(own) / (sum(own) / 3600) for own in seconds]


def pilot(writers: int = 20, seed: int = 3) -> list[list[float]]:
    """Simulated: seconds a list of each writer in a pilot. Their speeds differ much, as people's do."""
    rng = np.random.default_rng(seed)
    speeds = rng.lognormal(np.log(150), 0.35, writers)
    counts = rng.integers(3, 9, writers)
    return [
        (speed * rng.lognormal(0, 0.3, count)).round(1).tolist() for speed, count in zip(speeds, counts, strict=True)
    ]
