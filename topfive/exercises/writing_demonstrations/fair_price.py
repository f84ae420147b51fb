"""Exercise 2.7: a price that is fair to slow writers."""

import math
from collections.abc import Callable, Sequence
from statistics import mean, median

import numpy as np

from topfive.demonstrations import pay
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Seconds = Sequence[Sequence[float]]


def _price_cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(writers: int, most: int) -> list[list[float]]:
        speeds = rng.lognormal(5.0, 0.5, writers)
        counts = rng.integers(1, most + 1, writers)
        return [
            np.round(speed * rng.lognormal(0.0, 0.3, count), 1).tolist()
            for speed, count in zip(speeds, counts, strict=True)
        ]

    by_hand = [[100.0, 140.0], [320.0, 280.0, 303.0], [187.0]]
    return [
        Case("three writers", (by_hand, 12.0, 0.6), look_at="each writer's mean time a list, from the quickest on."),
        Case("everybody", (by_hand, 15.0, 1.0), look_at="the slowest writer."),
        Case("ten writers, nine of them", (drawn(10, 6), 13.5, 0.9), look_at="how many writers 90 % are."),
        Case("half of seven", (drawn(7, 5), 12.4, 0.5), look_at="how many writers are at least half of seven."),
        Case("a single writer", (drawn(1, 8), 14.0, 0.8), look_at="the only writer."),
        Case(
            "many lists by one, few by others",
            ([*drawn(4, 2), *([60.0, 55.0, 70.5] for _ in range(2)), [61.0] * 30], 12.6, 0.75),
            look_at="that each writer counts once.",
        ),
        Case("twenty writers", (drawn(20, 9), 12.82, 0.35), look_at="which writers earn the wage."),
    ]


def _means(seconds: Seconds) -> list[float]:
    return sorted(sum(own) / len(own) for own in seconds)


def _needed(seconds: Seconds, share: float) -> float:
    means = _means(seconds)
    return means[math.ceil(share * len(means) - 1e-9) - 1]


def _cents(seconds: float, wage: float) -> int:
    return math.ceil(100 * wage * seconds / 3600 - 1e-9)


def _for(time: Callable[[Seconds, float], float]) -> Function:
    """The price that pays for another time."""
    return lambda seconds, wage, share: _cents(time(seconds, share), wage)


def _priced(price: Callable[[float, float], float]) -> Function:
    """Another price for the right time."""
    return lambda seconds, wage, share: price(_needed(seconds, share), wage)


def _place(number: Callable[[float], int]) -> Function:
    """The time of another writer: `number` makes a count of writers from share · n."""

    def price(seconds: Seconds, wage: float, share: float) -> int:
        means = _means(seconds)
        return _cents(means[min(max(number(share * len(means)), 1), len(means)) - 1], wage)

    return price


def _pool(seconds: Seconds) -> list[float]:
    return sorted(one for own in seconds for one in own)


def _of_lists(seconds: Seconds, share: float) -> float:
    pool = _pool(seconds)
    return pool[math.ceil(share * len(pool) - 1e-9) - 1]


def _sorted_by(of_writer: Callable[[Sequence[float]], float]) -> Function:
    """Writers stand for another time than their mean."""

    def price(seconds: Seconds, wage: float, share: float) -> int:
        times = sorted(map(of_writer, seconds))
        return _cents(times[math.ceil(share * len(times) - 1e-9) - 1], wage)

    return price


def _unsorted(seconds: Seconds, wage: float, share: float) -> int:
    means = [sum(own) / len(own) for own in seconds]
    return _cents(means[math.ceil(share * len(means) - 1e-9) - 1], wage)


def _slowest_first(seconds: Seconds, wage: float, share: float) -> int:
    means = _means(seconds)[::-1]
    return _cents(means[math.ceil(share * len(means) - 1e-9) - 1], wage)


EXERCISE = Exercise(
    number="2.7",
    title="A price that is fair to slow writers",
    points=3,
    minutes=12,
    solution=pay.fair_price,
    cases=_price_cases,
    mistakes=(
        Mistake(
            "the mean of all lists",
            _for(lambda seconds, share: mean(_pool(seconds))),
            "That is what pays for the mean or the median list of all. Whoever wrote most lists counts most, and "
            "about half of the writers earn less. Look at: where `share` stands.",
            also=(_for(lambda seconds, share: median(_pool(seconds))),),
        ),
        Mistake(
            "the mean writer",
            _for(lambda seconds, share: mean(_means(seconds))),
            "That is what pays for the mean or the median writer: about half of the others earn less than the wage. "
            "Look at: where `share` stands.",
            also=(_for(lambda seconds, share: median(_means(seconds))),),
        ),
        Mistake(
            "a share of lists",
            _for(_of_lists),
            "That is what comes out when a share of the lists is paid fairly. A writer has slow and quick lists, and "
            "lives on all of them. Look at: one mean for each writer first.",
        ),
        Mistake(
            "the slowest, always",
            _for(lambda seconds, share: max(_means(seconds))),
            "That is what pays even the slowest writer fairly. It is kind, but `share` was to say how many. "
            "Look at: where `share` stands.",
        ),
        Mistake(
            "the quickest, always",
            _for(lambda seconds, share: min(_means(seconds))),
            "That is what pays only the quickest writer fairly. Look at: where `share` stands.",
        ),
        Mistake(
            "from the slow end",
            _slowest_first,
            "That is what comes out when writers are counted from the slowest on. If a price is enough for one "
            "writer, it is enough for all who are quicker. Look at: the order in which you sort.",
            also=(_place(math.floor),),
        ),
        Mistake(
            "not sorted",
            _unsorted,
            "That is what comes out when writers stay in the order in which they came. Look at: `sorted`.",
        ),
        Mistake(
            "one writer too many",
            _place(lambda count: math.floor(count + 1e-9) + 1),
            "That is one writer too many: the k-th of a sorted list has the index k − 1. Look at: the index.",
        ),
        Mistake(
            "between two writers",
            _for(lambda seconds, share: float(np.quantile(_means(seconds), share))),
            "That is what comes out when a time between two writers is taken, as `quantile` does unless told "
            "otherwise. The slower of the two would then earn less. Look at: whole writers.",
            "numpy.quantile's default, linear",
        ),
        Mistake(
            "a writer's median",
            _sorted_by(median),
            "That is what comes out when each writer stands for the median of their lists. They are not paid for the "
            "slow ones, then. An hour's pay counts all their time. Look at: all seconds of a writer, by all their "
            "lists.",
        ),
        Mistake(
            "a writer's longest list",
            _sorted_by(max),
            "That is what comes out when each writer stands for their slowest, their quickest, or their first list. "
            "Look at: all seconds of a writer, by all their lists.",
            also=(_sorted_by(min), _sorted_by(lambda own: own[0])),
        ),
        Mistake(
            "a writer's sum",
            _sorted_by(sum),
            "That is what pays for all lists of a writer together. A price of one list was asked for. "
            "Look at: what you divide by.",
        ),
        Mistake(
            "rounded down",
            _priced(lambda time, wage: math.floor(100 * wage * time / 3600)),
            "That is what comes out when cents are rounded down or to the nearest: a little less than the wage. "
            "Look at: which way to round.",
            also=(_priced(lambda time, wage: round(100 * wage * time / 3600)),),
        ),
        Mistake(
            "not whole cents",
            _priced(lambda time, wage: 100 * wage * time / 3600),
            "That is the price before it is rounded up to a whole cent. Look at: `math.ceil`.",
        ),
        Mistake(
            "in euros",
            _priced(lambda time, wage: math.ceil(wage * time / 3600)),
            "That is a price in euros. Cents were asked for. Look at: a factor of 100.",
            also=(_priced(lambda time, wage: wage * time / 3600), _priced(lambda time, wage: _cents(time, wage) / 100)),
        ),
        Mistake(
            "minutes for hours",
            _priced(lambda time, wage: math.ceil(100 * wage * time / 60)),
            "That is what comes out when the wage is taken for that of a minute. An hour has 3,600 seconds. "
            "Look at: what you divide by.",
            also=(_priced(lambda time, wage: math.ceil(100 * wage * time)),),
        ),
        Mistake(
            "lists an hour",
            _priced(lambda time, wage: math.ceil(3600 / time)),
            "That is how many lists an hour holds. Look at: the wage, divided by that.",
        ),
    ),
    hints=(
        "First each writer's own number: the seconds of all their lists, by the number of their lists. Who needs the "
        "highest price, the quick or the slow?",
        "Sort the writers from quick to slow. A price that is enough for one is enough for all before. How many "
        "writers are at least `share` of them? `math.ceil` rounds up.",
        "Such a writer's time, in hours, times the wage, in cents, rounded up.",
    ),
)
