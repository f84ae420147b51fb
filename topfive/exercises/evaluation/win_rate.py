"""Exercise 7.1: a win rate and how sure it is."""

from functools import partial
from typing import Any, Literal

import numpy as np
from scipy.stats import beta, binomtest, norm, t

from topfive import comparisons
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def judged(won: int, tied: int, lost: int) -> Array:
        """So many of each, in any order."""
        return rng.permutation(np.repeat([1, 0, -1], [won, tied, lost]))

    a, b, c = (int(rng.integers(0, 4)) for _ in range(3))
    always = "always the same answer"
    return [
        Case(
            "five comparisons",
            (np.array([1, 1, 0, -1, 1]),),
            {"z": 3.0},
            look_at="the rate first, then each term of the formula with n = 5 and z² = 9.",
        ),
        Case("no ties", (judged(14 + a, 0, 6),), look_at="the terms of the formula, one by one."),
        Case("many ties", (judged(8 + b, 11, 3),), look_at="what a tie adds to the rate, and to n."),
        Case("many ties", (judged(2, 6 + 2 * c, 5),), look_at="what a tie adds to the rate, and to n."),
        Case(always, (judged(8 + a, 0, 0),), look_at="a rate of 1: how low could it still be?"),
        Case(always, (judged(0, 0, 6 + b),), look_at="a rate of 0: how high could it still be?"),
        Case(always, (judged(0, 5 + c, 0),), look_at="ties and nothing else."),
        Case("another z", (judged(5, 3 + 2 * a, 9),), {"z": 2.576}, look_at="where z enters."),
        Case("another z", (judged(21, 5, 10 + b),), {"z": 1.15}, look_at="where z enters."),
        Case("many comparisons", (judged(140 + c, 61, 90),), look_at="the terms of the formula, one by one."),
        Case("no comparison at all", (judged(0, 0, 0),), look_at="n = 0, before anything is divided by it."),
    ]


# A 2, a 4 or a square in another place: what is added to the rate, and to what stands under the root.
_MOVED: dict[str, tuple[Any, Any]] = {
    "z²/n in the middle": (lambda z, n: z**2 / n, lambda z, n: z**2 / (4 * n**2)),
    "z²/(4n) in the middle": (lambda z, n: z**2 / (4 * n), lambda z, n: z**2 / (4 * n**2)),
    "z²/n² under the root": (lambda z, n: z**2 / (2 * n), lambda z, n: z**2 / n**2),
    "z²/(2n²) under the root": (lambda z, n: z**2 / (2 * n), lambda z, n: z**2 / (2 * n**2)),
    "z²/(4n) under the root": (lambda z, n: z**2 / (2 * n), lambda z, n: z**2 / (4 * n)),
    "(z/4n)² under the root": (lambda z, n: z**2 / (2 * n), lambda z, n: z**2 / (16 * n**2)),
    "nothing in the middle": (lambda z, n: 0, lambda z, n: z**2 / (4 * n**2)),
    "nothing under the root": (lambda z, n: z**2 / (2 * n), lambda z, n: 0),
}


def _rate(outcomes: Array, wrong: str) -> float:
    won, tied, lost = (int((outcomes == what).sum()) for what in (1, 0, -1))
    n = won + tied + lost
    ways = {
        "ties are wins": (won + tied) / n,
        "ties are losses": won / n,
        "ties are missing": won / max(won + lost, 1) if won + lost else np.nan,
        "rounded down": (won + tied // 2) / n,
        "rounded up": (won + (tied + 1) // 2) / n,
        "turned": (lost + tied / 2) / n,
        "from −1": (won - lost) / n,
    }
    return ways.get(wrong, (won + tied / 2) / n)


def _interval(outcomes: Array, z: float = 1.96, *, wrong: str = "", nothing: tuple[float, ...] = ()) -> Array:
    """Wilson's interval term by term, with one thing wrong."""
    if wrong == "ties are dropped":
        outcomes = outcomes[outcomes != 0]
    if not len(outcomes):
        return np.array(nothing or (np.nan, 0.0, 1.0))
    z = {"always 1.96": 1.96, "always 2": 2.0, "always 1.645": 1.645}.get(wrong, z)
    n = len(outcomes) - {"n − 1": 1, "n + 1": -1, "half a comparison": (outcomes == 0).sum() / 2}.get(wrong, 0)
    p = _rate(outcomes, wrong)
    square = {"z for z²": z, "2z for z²": 2 * z, "√z for z²": np.sqrt(z)}.get(wrong, z**2)
    to_rate, under = square / (2 * n), square / (4 * n**2)
    if wrong in _MOVED:
        to_rate, under = (term(z, n) for term in _MOVED[wrong])
    each = outcomes.var() / 4 if wrong == "variance of the outcomes" else p * (1 - p)
    below = 1 + square / n
    with np.errstate(invalid="ignore"):
        root = np.sqrt(each / n) + under if wrong == "root too short" else np.sqrt(each / n + under)
        if wrong == "added after the root":
            root = np.sqrt(each / n) + under * below / z
    middle, half = _divided(p, to_rate, (1 if wrong == "no z in front" else z) * root, below, wrong)
    return _returned(p, middle, half, wrong)


def _divided(p: float, to_rate: float, half: float, below: float, wrong: str) -> tuple[float, float]:
    """The middle and half of the width, divided by 1 + z² / n."""
    ways = {
        "nothing is divided": (p + to_rate, half),
        "half is not divided": ((p + to_rate) / below, half),
        "middle is not divided": (p + to_rate, half / below),
        "only what is added is divided": (p + to_rate / below, half / below),
        "only the rate is divided": (p / below + to_rate, half / below),
        "divided twice": ((p + to_rate) / below**2, half / below**2),
        "around the rate": (p, half / below),
    }
    return ways.get(wrong, ((p + to_rate) / below, half / below))


def _returned(p: float, middle: float, half: float, wrong: str) -> Array:
    low, high = middle - half, middle + half
    ways = {
        "low, rate, high": (low, p, high),
        "low, high, rate": (low, high, p),
        "high first": (p, high, low),
        "half of the width": (p, half, half),
        "middle and half": (p, middle, half),
        "width": (p, half, 2 * half),
        "the middle": (middle, low, high),
        "only from below": (p, low, 1.0),
        "only from above": (p, 0.0, high),
        "per cent": (100 * p, 100 * low, 100 * high),
        "only the rate in per cent": (100 * p, low, high),
        "two numbers": (low, high),
        "distances": (p, low - p, high - p),
        "the rate from −1": (2 * p - 1, low, high),
        "all from −1": (2 * p - 1, 2 * low - 1, 2 * high - 1),
        "wins over losses": (p / (1 - p) if p < 1 else np.inf, low, high),
    }
    found = np.array(ways.get(wrong, (p, low, high)))
    return {"rounded": found.round(2), "rounded to three": found.round(3)}.get(wrong, found)


def _wald(outcomes: Array, z: float = 1.96, *, wrong: str = "") -> Array:
    """The rate and so many standard errors on both sides."""
    if not len(outcomes):
        return np.array([np.nan, 0.0, 1.0])
    n, p = len(outcomes), (outcomes.mean() + 1) / 2
    if wrong == "wins and losses":
        return _wald(outcomes[outcomes != 0], z)
    if wrong in ("Student", "Student at 95 %"):
        far = t.isf(norm.sf(z) if wrong == "Student" else 0.025, n - 1) * outcomes.std(ddof=1) / 2 / np.sqrt(n)
        return np.array([p, p - far, p + far])
    errors = {
        "of the outcomes": outcomes.std() / 2 / np.sqrt(n),
        "of a sample": outcomes.std(ddof=1) / 2 / np.sqrt(n),
        "of −1 to 1": outcomes.std() / np.sqrt(n),
        "at one half": 0.5 / np.sqrt(n),
    }
    half = z * errors.get(wrong, np.sqrt(p * (1 - p) / n))
    found = np.array([p, p - half, p + half])
    return found.clip(0, 1) if wrong == "cut off" else found


def _agresti_coull(outcomes: Array, z: float = 1.96, *, two_more: bool = False) -> Array:
    """Wald's interval around Wilson's middle (Agresti & Coull 1998)."""
    if not len(outcomes):
        return np.array([np.nan, 0.0, 1.0])
    n, p = len(outcomes), (outcomes.mean() + 1) / 2
    more = 4 if two_more else z**2
    middle = (p * n + more / 2) / (n + more)
    half = z * np.sqrt(middle * (1 - middle) / (n + more))
    return np.array([p, middle - half, middle + half])


def _clopper_pearson(outcomes: Array, z: float = 1.96, *, whole: bool = False, always: bool = False) -> Array:
    """Both tails of the binomial (Clopper & Pearson 1934); half wins as they are, or rounded down."""
    if not len(outcomes):
        return np.array([np.nan, 0.0, 1.0])
    n, wins = len(outcomes), (outcomes.sum() + len(outcomes)) / 2
    k = np.floor(wins) if whole else wins
    tail = 0.025 if always else norm.sf(z)
    low = beta.ppf(tail, k, n - k + 1) if k > 0 else 0.0
    high = beta.isf(tail, k + 1, n - k) if k < n else 1.0
    return np.array([wins / n, low, high])


def _by_a_library(outcomes: Array, z: float = 1.96, *, method: Literal["wilson", "wilsoncc"]) -> Array:
    """scipy's interval of a whole number of wins, at its own 95 %."""
    if not len(outcomes):
        return np.array([np.nan, 0.0, 1.0])
    wins, n = int((outcomes.sum() + len(outcomes)) / 2), len(outcomes)
    found = binomtest(wins, n).proportion_ci(method=method)
    return np.array([wins / n, found.low, found.high])


def _for_continuity(outcomes: Array, z: float = 1.96) -> Array:
    """Wilson's interval with a correction for continuity (Newcombe 1998)."""
    if not len(outcomes):
        return np.array([np.nan, 0.0, 1.0])
    n, p = len(outcomes), (outcomes.mean() + 1) / 2
    low = (2 * n * p + z**2 - 1 - z * np.sqrt(max(z**2 - 2 - 1 / n + 4 * p * (n * (1 - p) + 1), 0))) / (2 * (n + z**2))
    high = (2 * n * p + z**2 + 1 + z * np.sqrt(max(z**2 + 2 - 1 / n + 4 * p * (n * (1 - p) - 1), 0))) / (2 * (n + z**2))
    return np.array([p, max(low, 0.0) if p else 0.0, min(high, 1.0) if p < 1 else 1.0])


EXERCISE = Exercise(
    number="7.1",
    title="A win rate and how sure it is",
    points=3,
    minutes=12,
    solution=comparisons.win_interval,
    cases=_cases,
    mistakes=(
        Mistake(
            "so many standard errors on both sides",
            _wald,
            "That is what comes out of the rate ± z standard errors, Wald's interval. After eight wins of eight it has "
            "no width, as if a ninth could not be lost. Look at: the terms with z² / n, which belong to Wilson's.",
            "Brown, Cai & DasGupta 2001",
            also=tuple(
                partial(_wald, wrong=wrong)
                for wrong in ("of the outcomes", "of a sample", "of −1 to 1", "Student", "Student at 95 %")
            ),
        ),
        Mistake(
            "so many standard errors, without ties",
            partial(_wald, wrong="wins and losses"),
            "That is what comes out when ties are left out and z standard errors are taken on both sides. A tie is "
            "a comparison, too, and near 0 and 1 such an interval is far too narrow. Look at: what n counts, and the "
            "terms with z² / n.",
        ),
        Mistake(
            "standard errors, cut off at 0 and 1",
            partial(_wald, wrong="cut off"),
            "That is what comes out of the rate ± z standard errors, cut off where it leaves 0 to 1. Cutting hides "
            "that it does not fit there, and mends nothing. Look at: the terms with z² / n, which keep Wilson's "
            "interval inside.",
        ),
        Mistake(
            "the standard error of a coin",
            partial(_wald, wrong="at one half"),
            "That is what comes out of the rate ± z / (2 √n): the standard error if the true rate were one half, "
            "whatever was observed. Look at: what stands under the root.",
        ),
        Mistake(
            "Agresti and Coull's interval",
            _agresti_coull,
            "That is what comes out when z² made-up comparisons, half of them won, are added, and then z standard "
            "errors are taken on both sides: Agresti and Coull's interval. It is close to Wilson's and a little "
            "wider. Look at: which rate stands under the root.",
            "Agresti & Coull 1998",
            also=(partial(_agresti_coull, two_more=True),),
        ),
        Mistake(
            "Clopper and Pearson's interval",
            _clopper_pearson,
            "That is what comes out of the binomial's two tails, Clopper and Pearson's interval. It promises 95 % at "
            "least and is wider than it has to be. Look at: the name of the interval that is asked for, and the "
            "option `method` if you use a library.",
            "what scipy's `proportion_ci` gives without `method`",
            also=tuple(
                partial(_clopper_pearson, whole=whole, always=always)
                for whole, always in ((True, False), (False, True), (True, True))
            ),
        ),
        Mistake(
            "a library's interval of whole wins",
            partial(_by_a_library, method="wilson"),
            "That is what comes out of a library's interval for a whole number of wins, at the 95 % it takes by "
            "itself. Half wins are lost on the way, and z plays no part. Look at: the formula, which takes any rate.",
            "scipy.stats.binomtest wants a whole number",
        ),
        Mistake(
            "corrected for continuity",
            _for_continuity,
            "That is what comes out when Wilson's interval is corrected for the wins being whole numbers. It is then "
            "wider. Look at: the name of the interval, or the option `method` if you use a library.",
            "Newcombe 1998",
            also=(partial(_by_a_library, method="wilsoncc"),),
        ),
        Mistake(
            "ties are dropped",
            partial(_interval, wrong="ties are dropped"),
            "That is what comes out when ties are left out. Somebody compared those lists, too, and found neither "
            "better; without them the same few wins look like a larger share. Look at: what n counts.",
        ),
        Mistake(
            "ties count in n alone",
            partial(_interval, wrong="ties are missing"),
            "That is what comes out when the rate is wins of wins and losses, while n counts ties as well. "
            "Look at: what a tie adds to the rate.",
        ),
        Mistake(
            "a tie is half a comparison",
            partial(_interval, wrong="half a comparison"),
            "That is what comes out when a tie adds a half to n as well. It is half a win of a whole comparison. "
            "Look at: what n counts.",
        ),
        Mistake(
            "ties are wins",
            partial(_interval, wrong="ties are wins"),
            "That is what comes out when a tie is a whole win of the new policy. Two policies that are the same would "
            "then win against each other. Look at: > and ≥.",
        ),
        Mistake(
            "ties are losses",
            partial(_interval, wrong="ties are losses"),
            "That is what comes out when only wins are counted, so that a tie is a loss. Two policies that are the "
            "same would then lose against each other. Look at: what 0 adds to the rate.",
        ),
        Mistake(
            "half a win is rounded",
            partial(_interval, wrong="rounded down"),
            "That is what comes out when wins are made a whole number. Of an odd number of ties, half a win is then "
            "lost, or won from nowhere. Look at: `int`, `round` and //.",
            also=(partial(_interval, wrong="rounded up"),),
        ),
        Mistake(
            "a rate from −1 to 1",
            partial(_interval, wrong="the rate from −1"),
            "That is what comes out when the mean of 1, 0 and −1 is taken for the rate: 0 if both win alike. A win "
            "rate is then one half. Look at: the two ends of either scale.",
            also=(partial(_interval, wrong="from −1"), partial(_interval, wrong="all from −1")),
        ),
        Mistake(
            "the old policy's rate",
            partial(_interval, wrong="turned"),
            "That is what comes out when −1 is a win of the new policy. Look at: the docstring, for what 1 and −1 say.",
        ),
        Mistake(
            "not divided",
            partial(_interval, wrong="nothing is divided"),
            "That is what comes out when the middle, or half of the width, or a part of them is not divided by "
            "1 + z² / n. Look at: what the division reaches, and where your brackets are.",
            also=tuple(
                partial(_interval, wrong=wrong)
                for wrong in (
                    "half is not divided",
                    "middle is not divided",
                    "only what is added is divided",
                    "only the rate is divided",
                )
            ),
        ),
        Mistake(
            "divided twice",
            partial(_interval, wrong="divided twice"),
            "That is what comes out when the ends are divided by 1 + z² / n twice. Look at: where you divide.",
        ),
        Mistake(
            "the root ends too early",
            partial(_interval, wrong="root too short"),
            "That is what comes out when only the first of the two terms stands under the root, and the other is added "
            "to it. Look at: where the brackets of the root close.",
            also=(partial(_interval, wrong="added after the root"),),
        ),
        Mistake(
            "no z in front of the root",
            partial(_interval, wrong="no z in front"),
            "That is what comes out when the root is not multiplied by z. Look at: what stands in front of the root.",
        ),
        Mistake(
            "around the rate",
            partial(_interval, wrong="around the rate"),
            "That is what comes out when Wilson's half width is taken on both sides of the rate. The middle of his "
            "interval lies between the rate and one half. Look at: the first term of the formula.",
        ),
        Mistake(
            "nothing is added to the rate",
            partial(_interval, wrong="nothing in the middle"),
            "That is what comes out when z² / (2n) is not added to the rate before it is divided. The "
            "middle is then drawn to 0 instead of to one half. Look at: the first term of the formula.",
        ),
        Mistake(
            "nothing is added under the root",
            partial(_interval, wrong="nothing under the root"),
            "That is what comes out when only rate (1 − rate) / n stands under the root. If all were won that is 0, "
            "and the interval has no width. Look at: the second term under the root.",
        ),
        Mistake(
            "a 2, a 4 or a square in the wrong place",
            partial(_interval, wrong="z²/n in the middle"),
            "That is what comes out when a 2, a 4 or a square is missing or in the wrong place, in what is added to "
            "the rate or under the root. Look at: a rate of 0, for which the lower end is 0 exactly; put it in.",
            also=tuple(
                partial(_interval, wrong=wrong)
                for wrong in _MOVED
                if wrong not in ("z²/n in the middle", "nothing in the middle", "nothing under the root")
            ),
        ),
        Mistake(
            "z instead of its square",
            partial(_interval, wrong="z for z²"),
            "That is what comes out when z, or two times z, stands where z² belongs. Look at: each z of the formula.",
            also=(partial(_interval, wrong="2z for z²"), partial(_interval, wrong="√z for z²")),
        ),
        Mistake(
            "always the same z",
            partial(_interval, wrong="always 1.96"),
            "That is what comes out when z is a number of your own, whatever z is asked for. Look at: where the "
            "argument z enters.",
            also=(partial(_interval, wrong="always 2"), partial(_interval, wrong="always 1.645")),
        ),
        Mistake(
            "one comparison less",
            partial(_interval, wrong="n − 1"),
            "That is what comes out with n − 1, or n + 1, in the place of n. A share needs no such correction: its "
            "spread follows from the rate. Look at: every n.",
            also=(partial(_interval, wrong="n + 1"),),
        ),
        Mistake(
            "the spread of the outcomes",
            partial(_interval, wrong="variance of the outcomes"),
            "That is what comes out when the variance of the outcomes stands under the root. Ties make it smaller than "
            "rate (1 − rate), from which Wilson's interval is made. Look at: the first term under the root.",
        ),
        Mistake(
            "one end only",
            partial(_interval, wrong="only from below"),
            "That is what comes out when one end is computed and the other is 0 or 1. The interval has two ends. "
            "Look at: ±.",
            also=(partial(_interval, wrong="only from above"),),
        ),
        Mistake(
            "widths instead of ends",
            partial(_interval, wrong="half of the width"),
            "That is what comes out when widths or distances are returned. Wanted are the two ends themselves. "
            "Look at: what you return.",
            also=tuple(partial(_interval, wrong=wrong) for wrong in ("middle and half", "width", "distances")),
        ),
        Mistake(
            "the middle for the rate",
            partial(_interval, wrong="the middle"),
            "That is what comes out when the middle of the interval is returned for the win rate. The rate is what "
            "was observed. Look at: the first number that you return.",
        ),
        Mistake(
            "another order",
            partial(_interval, wrong="low, rate, high"),
            "All three numbers are there, but in another order. First comes the rate, then the lower end, then the "
            "upper. Look at: what you return.",
            also=(partial(_interval, wrong="low, high, rate"), partial(_interval, wrong="high first")),
        ),
        Mistake(
            "the rate is missing",
            partial(_interval, wrong="two numbers"),
            "Only the two ends are there. The rate stands in front of them. Look at: what you return.",
        ),
        Mistake(
            "in per cent",
            partial(_interval, wrong="per cent"),
            "That is what comes out in per cent. Shares are from 0 to 1. Look at: a factor of 100.",
            also=(partial(_interval, wrong="only the rate in per cent"),),
        ),
        Mistake(
            "wins for each loss",
            partial(_interval, wrong="wins over losses"),
            "That is what comes out when wins are divided by losses: odds. A rate divides by all comparisons. "
            "Look at: what stands below the line.",
        ),
        Mistake(
            "rounded",
            partial(_interval, wrong="rounded"),
            "That is what comes out when the numbers are rounded before they are returned. What is made of them later "
            "would then be made of rounded ones. Look at: `round`.",
            also=(partial(_interval, wrong="rounded to three"),),
        ),
        Mistake(
            "something is known of nothing",
            partial(_interval, nothing=(np.nan, np.nan, np.nan)),
            "That is what comes out when n = 0 is not thought of, or is given other numbers. There is no rate then, "
            "and it could be anything from 0 to 1. Look at: the docstring, on n = 0.",
            also=tuple(
                partial(_interval, nothing=numbers)
                for numbers in ((0.5, 0.0, 1.0), (0.0, 0.0, 1.0), (0.0, 0.0, 0.0), (np.nan, 0.0, 0.0), (0.5, 0.5, 0.5))
            ),
        ),
    ),
    hints=(
        "Three numbers first: n, the rate, and z². For the rate, what is a win worth, what a tie, what a loss? And "
        "what should be returned if there is nothing to divide by?",
        "The middle of the interval is (rate + z² / (2n)) / (1 + z² / n), which draws the rate a little to one half. "
        "Half of the width has the same division, and z times a root above it.",
        "Under the root stand two terms: rate (1 − rate) / n, which Wald has as well, and one with z² that keeps the "
        "interval open where the rate is 0 or 1. Return the rate, the middle less half of the width, and the middle "
        "plus it, as one array.",
    ),
)
