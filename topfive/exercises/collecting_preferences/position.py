"""Exercise 4.4: one's own position bias, in three readings."""

from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binomtest

from topfive.annotation import formats
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def answers(first: int, second: int, kept: int, ties: int) -> tuple[Array, Array]:
        """Pairs with so many of each kind, in any order; those that kept their list took either side at first."""
        sides = [(0, 0)] * first + [(1, 1)] * second + [(0, 1), (1, 0)] * kept + [(2, 0), (1, 2), (2, 2)] * ties
        once, again = np.array(sides)[rng.permutation(len(sides))].T
        return once, again

    a, b, c = (int(rng.integers(0, 3)) for _ in range(3))
    return [
        Case("six pairs", (np.array([0, 0, 1, 0, 1, 0]), np.array([0, 1, 1, 0, 0, 0])), look_at="each pair by hand."),
        Case("leans to the first", answers(13 + a, 2, 9 + b, 2), look_at="which of the pairs say something."),
        Case("leans to the second", answers(1, 11 + b, 5, 3), look_at="a bias has two directions."),
        Case("wavers, but to no side", answers(8 + a, 7 + b, 4, 2), look_at="8 against 7."),
        Case("wavers, but to no side", answers(12, 5, 4 + b, 1), look_at="how far chance alone goes."),
        Case("wavers, but to no side", answers(7, 1, 3 + c, 1), look_at="7 against 1, in both directions."),
        Case("hardly ever wavers", answers(3, 2, 0, 0), look_at="five pairs in all."),
        Case("hardly ever wavers", answers(4, 1, 25 + c, 4), look_at="how many pairs speak about position."),
        Case("hardly ever wavers", answers(5, 0, 6, 1 + a), look_at="five on one side, by chance."),
        Case("six on one side", answers(6, 0, 3 + c, 1), look_at="six on one side, by chance."),
    ]


def _position(once: Array, again: Array, *, wrong: str = "") -> Any:
    first = int(((once == 0) & (again == 0)).sum())
    second = int(((once == 1) & (again == 1)).sum())
    counts = {
        "first showing": (int((once == 0).sum()), int((once == 1).sum())),
        "all answers": (int((once == 0).sum() + (again == 0).sum()), int((once == 1).sum() + (again == 1).sum())),
        "changed sides": (int(((once == 0) & (again == 1)).sum()), int(((once == 1) & (again == 0)).sum())),
        "ties with the second": (first, int(((once > 0) & (again > 0)).sum())),
        "ties to the first": (int(((once != 1) & (again != 1)).sum()), second),
        "either time": (int(((once == 0) | (again == 0)).sum()), int(((once == 1) | (again == 1)).sum())),
    }
    first, second = counts.get(wrong, (first, second))
    reading = _reading(first, second, len(once), wrong)
    if wrong == "order":
        return second, first, reading
    if wrong == "shares":
        return first / len(once), second / len(once), reading
    if wrong == "shares of those":
        return first / max(first + second, 1), second / max(first + second, 1), reading
    return first, second, reading


def _reading(first: int, second: int, pairs: int, wrong: str) -> str:
    n = first + second
    two_sided = binomtest(first, n).pvalue if n else 1.0
    one_sided = binomtest(first, n, alternative="greater").pvalue if n else 1.0
    few = {
        "few of all pairs": pairs < 6,
        "never too few": False,
        "thirty": n < 30,
        "ten": n < 10,
        "five are enough": n < 5,
    }
    if few.get(wrong, n < 6):
        return "too few"
    refuted = {
        "any difference": first != second,
        "one-sided": one_sided < 0.05 or binomtest(second, n).pvalue < 0.05,
        "only the first": one_sided < 0.05,
        "two thirds": max(first, second) / n > 2 / 3,
        "of all pairs": binomtest(first, pairs).pvalue < 0.05,
        "rather not": two_sided >= 0.05,
        "one-sided both": min(one_sided, binomtest(second, n, alternative="greater").pvalue) < 0.05,
        "level 0.01": two_sided < 0.01,
    }
    return "biased" if refuted.get(wrong, two_sided < 0.05) else "inconsistent"


EXERCISE = Exercise(
    number="4.4",
    title="Position bias, in three readings",
    points=3,
    minutes=12,
    solution=formats.position_reading,
    cases=_cases,
    mistakes=(
        Mistake(
            "what was preferred at first",
            partial(_position, wrong="first showing"),
            "That is what comes out when only the first showing is counted. Perhaps the better list stood there. "
            "Look at: both times of one pair.",
        ),
        Mistake(
            "all answers counted one by one",
            partial(_position, wrong="all answers"),
            "That is what comes out when both showings are counted, each by itself. Who likes the same list both times "
            "then adds one to either side. Look at: both times of one pair.",
            also=(partial(_position, wrong="either time"),),
        ),
        Mistake(
            "those who kept to their list",
            partial(_position, wrong="changed sides"),
            "That is what comes out when pairs count in which the side changed. The lists changed sides as well, so "
            "it is the same list both times. Look at: what stays when position decides.",
        ),
        Mistake(
            "neither counts as the second",
            partial(_position, wrong="ties with the second"),
            "That is what comes out when 2, neither, counts as the second side. Look at: == 1 and > 0.",
        ),
        Mistake(
            "neither counts as the first",
            partial(_position, wrong="ties to the first"),
            "That is what comes out when 2, neither, counts as the first side. Look at: == 0 and != 1.",
        ),
        Mistake(
            "the counts in the other order",
            partial(_position, wrong="order"),
            "That is what comes out when the second side stands first. Look at: what is returned.",
        ),
        Mistake(
            "shares instead of counts",
            partial(_position, wrong="shares"),
            "That is what comes out when counts are divided. 3 of 4 and 30 of 40 are not the same evidence. "
            "Look at: the docstring.",
            also=(partial(_position, wrong="shares of those"),),
        ),
        Mistake(
            "any difference is a bias",
            partial(_position, wrong="any difference"),
            "That is what comes out when 8 against 7 is a bias. Chance does that all the time. Look at: the sign test.",
        ),
        Mistake(
            "two thirds are a bias",
            partial(_position, wrong="two thirds"),
            "That is what comes out when a share decides, however few answers it is of. Look at: the sign test.",
        ),
        Mistake(
            "a test in one direction",
            partial(_position, wrong="one-sided both"),
            "That is what comes out when only one tail is counted, after looking which one. A bias has two directions, "
            "and the test has to count both. Look at: `alternative`.",
            also=(partial(_position, wrong="one-sided"),),
        ),
        Mistake(
            "only leaning to the first is a bias",
            partial(_position, wrong="only the first"),
            "That is what comes out when only the first side can be favoured. Look at: who leans to the second.",
        ),
        Mistake(
            "tested against all pairs",
            partial(_position, wrong="of all pairs"),
            "That is what comes out when the test counts all pairs. Those in which the list was kept, or none was "
            "better, say nothing about position. Look at: the second argument of `binomtest`.",
        ),
        Mistake(
            "another level",
            partial(_position, wrong="level 0.01"),
            "That is what comes out when the test is stricter than 0.05. Look at: the docstring.",
        ),
        Mistake(
            "readings the wrong way round",
            partial(_position, wrong="rather not"),
            "That is what comes out when a large p-value means a bias. It means that chance could explain it. "
            "Look at: < and >.",
        ),
        Mistake(
            "too few by all pairs",
            partial(_position, wrong="few of all pairs"),
            "That is what comes out when all pairs decide whether there are enough. Of thirty pairs only five may say "
            "something about position. Look at: which answers the test is given.",
        ),
        Mistake(
            "never too few",
            partial(_position, wrong="never too few"),
            "That is what comes out when there are always enough answers. Four against one proves nothing, and "
            "not that there is no bias either. Look at: what the most extreme outcome could show.",
        ),
        Mistake(
            "five are enough",
            partial(_position, wrong="five are enough"),
            "That is what comes out when five answers are enough. Five of five on one side, either of the two, happen "
            "by chance in 2 of 32 cases. Look at: 2 · ½ⁿ.",
        ),
        Mistake(
            "a rule of thumb for too few",
            partial(_position, wrong="thirty"),
            "That is what comes out when some round number of answers is asked for. The sign test is exact: it needs "
            "only as many as could refute it. Look at: 2 · ½ⁿ.",
            also=(partial(_position, wrong="ten"),),
        ),
    ),
    hints=(
        "The lists changed sides between the two showings. Who goes by the lists changes sides with them; who goes by "
        "the place takes the same side twice. Count the latter, for each side.",
        "`scipy.stats.binomtest(k, n).pvalue` is the exact two-sided sign test. What would it say if all n were on one "
        "side? If even that is not below 0.05, the answers are too few.",
    ),
)
