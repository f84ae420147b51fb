"""Exercise 7.3: how many comparisons it takes."""

import math
from functools import partial
from typing import Any

import numpy as np
from scipy.stats import binom, norm

from topfive import comparisons
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)
    a, b, c = (int(rng.integers(0, 20)) for _ in range(3))
    rates = rng.uniform(0.55, 0.85, 5).round(3)
    drawn = "a rate above one half"
    return [
        Case("eight comparisons", (0.9, 8), look_at="which numbers of wins, 0 to 8, have a lower end above one half."),
        Case("so few that nothing is shown", (float(rates[0]), 3), look_at="three wins of three."),
        Case("so few that nothing is shown", (0.95, 2), look_at="two wins of two."),
        Case(drawn, (0.7, 40), look_at="from which number of wins on; then the sum of their chances."),
        Case(drawn, (float(rates[0]), 26), look_at="from which number of wins on; then the sum of their chances."),
        Case(drawn, (float(rates[1]), 51 + a), look_at="from which number of wins on; then the sum of their chances."),
        Case(drawn, (float(rates[2]), 101 + b), look_at="from which number of wins on; then the sum of their chances."),
        Case("a rate of one half", (0.5, 60 + a), look_at="how often two policies that are the same look different."),
        Case("a rate below one half", (0.44, 21 + b), look_at="which policy the interval is to speak for."),
        Case("another z", (float(rates[3]), 33 + c), {"z": 2.576}, look_at="where z enters."),
        Case("another z", (float(rates[4]), 38), {"z": 1.3}, look_at="where z enters."),
        Case("always won, and always lost", (1.0, 12), look_at="chances of 1 and 0."),
        Case("always won, and always lost", (0.0, 9 + a), look_at="chances of 1 and 0."),
    ]


def _ends(wins: Array, n: int, z: float, kind: str = "") -> tuple[Array, Array]:
    """Lower and upper ends for so many wins; Wilson's, or another kind's."""
    p = wins / n
    if kind == "Wald":
        half = z * np.sqrt(p * (1 - p) / n)
        return p - half, p + half
    if kind == "Agresti–Coull":
        p, n_more = (wins + z**2 / 2) / (n + z**2), n + z**2
        half = z * np.sqrt(p * (1 - p) / n_more)
        return p - half, p + half
    middle, below = p + z**2 / (2 * n), 1 + z**2 / n
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return (middle - half) / below, (middle + half) / below


def _power(rate: float, n: int, z: float = 1.96, *, wrong: str = "", kind: str = "") -> float:
    """The sum over all numbers of wins, with one thing wrong."""
    own = {"always 1.96": 1.96, "always 2": 2.0, "always 1.645": 1.645, "95 % on one side": z * 1.645 / 1.96}
    z, n = own.get(wrong, z), {"n/2": n // 2, "2n": 2 * n}.get(wrong, n)
    wins = np.arange(n + 1)
    low, high = _ends(wins, n, z, kind)
    chances = _chances(wins, n, rate, wrong)
    found = float(chances[_counted(wins, rate, low, high, wrong)].sum())
    ways = {
        "per cent": 100 * found,
        "rounded": round(found, 2),
        "mean lower end": chances @ low,
        **_from_the_least(int((low <= 0.5).sum()), n, rate),
        **_of_the_expected(n, rate, z),
    }
    return float(ways.get(wrong, found))


def _counted(wins: Array, rate: float, low: Array, high: Array, wrong: str) -> Array:
    """Which numbers of wins are counted."""
    n, shown, inside = len(wins) - 1, low > 0.5, (low <= rate) & (rate <= high)
    ways = {
        "both sides": shown | (high < 0.5),
        "either end": shown | (high > 0.5),
        "not shown": ~shown,
        "share above a half": wins / n > 0.5,
        "share from a half": wins / n >= 0.5,
        "upper end": high > 0.5,
        "above the rate": low > rate,
        "from the rate on": low >= rate,
        "above 0": low > 0,
        "from half of n on": wins >= n // 2,
        "coverage": inside,
        "shown and right": shown & inside,
        "holds one half": (low <= 0.5) & (high >= 0.5),
        "without n of n": shown & (wins < n),
    }
    return ways.get(wrong, shown)


def _chances(wins: Array, n: int, rate: float, wrong: str) -> Array:
    """How likely each number of wins is taken to be."""
    ways = {
        "under one half": binom.pmf(wins, n, 0.5),
        "of losses": binom.pmf(wins, n, 1 - rate),
        "no coefficient": rate**wins * (1 - rate) ** (n - wins),
        "all alike": np.full(n + 1, 1 / (n + 1)),
    }
    return ways.get(wrong, binom.pmf(wins, n, rate))


def _from_the_least(least: int, n: int, rate: float) -> dict[str, float]:
    """What is made of the least number of wins that shows it; n + 1 if none does."""
    one_by_one = binom.pmf(np.arange(least, n + 1), n, rate)
    return {
        "one win more": binom.sf(least, n, rate),
        "one win less": binom.sf(least - 2, n, rate) if least <= n else 0.0,
        "n of n always": binom.sf(min(least, n) - 1, n, rate),
        "exactly so many": binom.pmf(least, n, rate),
        "the highest of them": max(one_by_one, default=0.0),
        "mean of them": one_by_one.sum() / max(n + 1 - least, 1),
        "mean of all": one_by_one.sum() / (n + 1),
        "by n": one_by_one.sum() / n,
        "sum of at most": binom.cdf(np.arange(least, n + 1), n, rate).sum(),
        "sum of more than": binom.sf(np.arange(least, n + 1), n, rate).sum(),
        "up to the least": binom.cdf(least, n, rate),
        "least": least,
        "least as a share": least / n,
    }


def _of_the_expected(n: int, rate: float, z: float) -> dict[str, float]:
    """What comes of the expected number of wins alone."""
    low, rounded, down = _ends(np.array([rate * n, round(rate * n), int(rate * n)]), n, z)[0]
    return {
        "of the expected": low > 0.5,
        "of the rounded expected": rounded > 0.5,
        "of the expected, rounded down": down > 0.5,
        "lower end of the expected": low,
    }


def _gaussian(rate: float, n: int, z: float = 1.96, *, wrong: str = "") -> float:
    """The binomial as a Gaussian."""
    spread, under = math.sqrt(rate * (1 - rate) / n), math.sqrt(0.25 / n)
    if wrong == "spread of a coin":
        return float(norm.sf((0.5 - rate) / under + z))
    if not spread:
        return float(rate > 0.5)
    bounds = {
        "own spread": 0.5 + z * spread,
        "continuity": math.floor(n / 2 + z * n * under) / n + 0.5 / n,
        "Wilson's least": (int(_least(n, z)) - 0.5) / n,
        "both tails": 0.5 + z * under,
    }
    above = float(norm.sf((bounds.get(wrong, 0.5 + z * under) - rate) / spread))
    return above + float(norm.cdf((0.5 - z * under - rate) / spread)) if wrong == "both tails" else above


def _least(n: int, z: float) -> int:
    wins = np.arange(n + 1)
    shown = wins[_ends(wins, n, z)[0] > 0.5]
    return int(shown[0]) if len(shown) else n + 1


def _threshold(rate: float, n: int, z: float = 1.96, *, wrong: str) -> float:
    """More wins than n / 2 and so many more, with a wrong number of those."""
    more = {
        "√n": z * math.sqrt(n),
        "no root": z / 2,
        "at the rate": z * math.sqrt(n * rate * (1 - rate)),
        "a quarter": z * math.sqrt(n) / 4,
        "one less": z * math.sqrt(n) / 2 - 1,
    }
    return float(binom.sf(math.floor(n / 2 + more[wrong]), n, rate))


def _sign_test(rate: float, n: int, z: float = 1.96, *, level: float | None = None, either: bool = False) -> float:
    """The exact test of one half, at the level of z on either side; either: whoever is better."""
    wins = np.arange(n + 1)
    tail = norm.sf(z) if level is None else level
    refuted = binom.sf(wins - 1, n, 0.5) < tail
    return float(binom.pmf(wins, n, rate)[refuted | refuted[::-1] if either else refuted].sum())


def _ways(*wrong: str) -> tuple[Function, ...]:
    return tuple(partial(_power, wrong=one) for one in wrong)


EXERCISE = Exercise(
    number="7.3",
    title="How many comparisons it takes",
    points=3,
    minutes=12,
    solution=comparisons.power,
    cases=_cases,
    mistakes=(
        Mistake(
            "a Gaussian in the place of the binomial",
            _gaussian,
            "That is what comes out when the number of wins is taken to be Gaussian. It is a whole number, and with "
            "few comparisons that makes a difference. Look at: `binom` in the place of `norm`.",
            "the formula of most textbooks on sample sizes",
            also=tuple(
                partial(_gaussian, wrong=wrong)
                for wrong in ("own spread", "spread of a coin", "continuity", "Wilson's least", "both tails")
            ),
        ),
        Mistake(
            "both policies may win",
            partial(_power, wrong="both sides"),
            "That is what comes out when an interval that lies below one half counts as well. It says that the new "
            "model is worse. Look at: which end has to be where.",
        ),
        Mistake(
            "Wald's interval",
            partial(_power, kind="Wald"),
            "That is what comes out with the rate ± z standard errors, Wald's interval: three wins of three then show "
            "everything. Look at: the interval of 7.1.",
        ),
        Mistake(
            "Agresti and Coull's interval",
            partial(_power, kind="Agresti–Coull"),
            "That is what comes out with Agresti and Coull's interval, z standard errors around Wilson's middle. "
            "Look at: the interval of 7.1.",
        ),
        Mistake(
            "an exact test of one half",
            _sign_test,
            "That is what comes out when an exact test decides, or Clopper and Pearson's interval. Both are "
            "wrong less often than they promise, so they show less. Look at: the interval of 7.1.",
            also=(partial(_sign_test, level=0.025), partial(_sign_test, level=0.025, either=True)),
        ),
        Mistake(
            "a test at 5 % on one side",
            partial(_sign_test, level=0.05),
            "That is what comes out when one of twenty may be wrong on this side alone. An interval of 95 % leaves out "
            "half of that at either end. Look at: the interval of 7.1, and its z.",
            also=(partial(_power, wrong="95 % on one side"),),
        ),
        Mistake(
            "one win too many, or too few",
            partial(_power, wrong="one win more"),
            "That is what comes out when the sum begins one win too late or too early. `binom.sf(k, …)` is the chance "
            "of more than k. Look at: the first number of wins that counts.",
            also=(*_ways("one win less"), partial(_threshold, wrong="one less")),
        ),
        Mistake(
            "all of all is always enough",
            partial(_power, wrong="n of n always"),
            "That is what comes out when n wins of n count even where no number of wins shows anything. Three of three "
            "do not. Look at: what your search gives if it finds nothing.",
        ),
        Mistake(
            "exactly so many wins",
            partial(_power, wrong="exactly so many"),
            "That is what comes out when one number of wins counts alone. More wins show it as well. "
            "Look at: which numbers of wins there are.",
            also=_ways("the highest of them"),
        ),
        Mistake(
            "how likely it is not shown",
            partial(_power, wrong="not shown"),
            "That is what comes out when the other numbers of wins are added up: the chance to see nothing though "
            "there is something. Look at: `cdf` and `sf`, or < and >.",
            also=_ways("up to the least"),
        ),
        Mistake(
            "more wins than losses",
            partial(_power, wrong="share above a half"),
            "That is what comes out when it is enough that more than half are won. Of two policies that are the same, "
            "one is nearly always ahead. Look at: the interval, and its lower end.",
            also=_ways("share from a half", "from half of n on"),
        ),
        Mistake(
            "the upper end",
            partial(_power, wrong="upper end"),
            "That is what comes out when the upper end lies above one half: the new policy *could* be better. "
            "Look at: which end it is that counts.",
            also=_ways("either end"),
        ),
        Mistake(
            "compared with the true rate",
            partial(_power, wrong="above the rate"),
            "That is what comes out when the lower end has to lie above `rate`. It does so only where the "
            "interval misses the truth. Look at: with what the lower end is compared.",
            also=_ways("from the rate on"),
        ),
        Mistake(
            "compared with 0",
            partial(_power, wrong="above 0"),
            "That is what comes out when the lower end has to lie above 0, as for a difference. Of a rate, one half is "
            "where nobody is better. Look at: with what the lower end is compared.",
        ),
        Mistake(
            "how often the interval is right",
            partial(_power, wrong="coverage"),
            "That is what comes out when intervals are counted that hold the true rate. That is how far they can be "
            "trusted, and hardly depends on n. Look at: with what the lower end is compared.",
            also=_ways("shown and right"),
        ),
        Mistake(
            "intervals that hold one half",
            partial(_power, wrong="holds one half"),
            "That is what comes out when intervals are counted that hold one half. Those leave it open who is better. "
            "Look at: on which side of one half the interval has to lie.",
        ),
        Mistake(
            "two policies that are the same",
            partial(_power, wrong="under one half"),
            "That is what comes out when each comparison is won with probability one half: how often two equal "
            "policies look different. Look at: where `rate` enters.",
        ),
        Mistake(
            "losses are counted",
            partial(_power, wrong="of losses"),
            "That is what comes out when a comparison is won with probability 1 − rate. Look at: what is counted, and "
            "how likely that is.",
        ),
        Mistake(
            "in one order only",
            partial(_power, wrong="no coefficient"),
            "That is what comes out when each number of wins is counted in one order only. Look at: in how many ways "
            "k of n comparisons can be won.",
        ),
        Mistake(
            "n wins of n are forgotten",
            partial(_power, wrong="without n of n"),
            "That is what comes out when the loop ends before n. Look at: what `range(n)` leaves out.",
        ),
        Mistake(
            "all numbers of wins alike",
            partial(_power, wrong="all alike"),
            "That is what comes out when every number of wins is as likely as every other. Look at: where `rate` "
            "enters.",
        ),
        Mistake(
            "averaged instead of added up",
            partial(_power, wrong="mean of them"),
            "That is what comes out when the chances are averaged, or divided by how many numbers there are. Only one "
            "of them can happen, so their chances are added up. Look at: mean and sum.",
            also=_ways("mean of all", "by n"),
        ),
        Mistake(
            "chances of at most, or of more",
            partial(_power, wrong="sum of at most"),
            "That is what comes out when what is added up is not the chance of exactly k wins, but of at most k, or of "
            "more than k. Each number of wins is then counted many times. Look at: `pmf`, `cdf` and `sf`.",
            also=_ways("sum of more than"),
        ),
        Mistake(
            "what is expected",
            partial(_power, wrong="of the expected"),
            "That is what comes out when only the expected number of wins is looked at: yes or no. About half of the "
            "time there are fewer. Look at: the chance of every number of wins.",
            also=_ways("of the rounded expected", "of the expected, rounded down", "lower end of the expected"),
        ),
        Mistake(
            "the mean lower end",
            partial(_power, wrong="mean lower end"),
            "That is what comes out when lower ends are averaged. Asked is how often they lie above one half. "
            "Look at: what is added up.",
        ),
        Mistake(
            "too many wins are asked for, or too few",
            partial(_threshold, wrong="√n"),
            "That is what comes out when the wins beyond n / 2 that are needed are wrong by a factor, or grow wrongly "
            "with n. Look at: the standard deviation of a number of wins, if both policies are the same.",
            also=tuple(partial(_threshold, wrong=wrong) for wrong in ("no root", "at the rate", "a quarter")),
        ),
        Mistake(
            "half as many comparisons",
            partial(_power, wrong="n/2"),
            "That is what comes out when n is halved or doubled, as for two groups. A comparison needs both policies "
            "and counts once. Look at: each n.",
            also=_ways("2n"),
        ),
        Mistake(
            "always the same z",
            partial(_power, wrong="always 1.96"),
            "That is what comes out when z is a number of your own, whatever z is asked for. Look at: where the "
            "argument z enters.",
            also=_ways("always 2", "always 1.645"),
        ),
        Mistake(
            "how many wins it takes",
            partial(_power, wrong="least"),
            "That is what comes out when the least number of wins that shows it is returned, or its share of n. That "
            "is the first half of the way. Look at: how likely so many wins are, or more.",
            also=_ways("least as a share"),
        ),
        Mistake(
            "in per cent",
            partial(_power, wrong="per cent"),
            "That is what comes out in per cent. A probability is from 0 to 1. Look at: a factor of 100.",
        ),
        Mistake(
            "rounded",
            partial(_power, wrong="rounded"),
            "That is what comes out when the probability is rounded. Look at: `round`.",
        ),
    ),
    hints=(
        "There are only n + 1 things that can happen: 0 wins, 1 win, … n wins. For each, two questions: would its "
        "interval lie above one half? And how likely is it?",
        "`np.arange(n + 1) / n` are all rates there can be; the formula of 7.1 gives all their lower ends at once. "
        "`scipy.stats.binom.pmf(k, n, rate)` is the chance of exactly k wins.",
        "Add up the chances of those numbers of wins whose lower end is above one half. The interval does not know "
        "the true rate; only the chances do.",
    ),
)
