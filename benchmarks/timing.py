"""Taking times so that a busy machine treats both sides alike."""

import time
from collections.abc import Callable, Mapping
from statistics import median

Work = Callable[[], object]


def seconds(work: Work) -> float:
    """How long `work()` takes on the wall clock."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def alternate(works: Mapping[str, Work], rounds: int) -> dict[str, list[float]]:
    """Seconds of each work in each round. In a round every work runs once; one round before the first warms up."""
    for work in works.values():
        work()
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            times[name].append(seconds(work))
    return times


def median_ratio(slow: list[float], fast: list[float]) -> float:
    """How many times faster `fast` was than `slow`: the median over pairs of neighbouring blocks."""
    return median(left / right for left, right in zip(slow, fast, strict=True))
