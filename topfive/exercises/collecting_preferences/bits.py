"""Exercise 4.3: bits a second."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import formats
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(number: int) -> tuple[Array, Array, Array]:
        options = rng.choice([2, 3, 5, 12, 24], size=number)
        options[:2] = 2, 24
        return 1 / options + (1 - 1 / options) * rng.uniform(0.1, 0.95, number), options, rng.uniform(2, 40, number)

    low = np.array([0.4, 1 / 24 * 0.8, 0.1]), np.array([2, 24, 5]), np.array([7.0, 30.0, 5.0])
    sure = np.ones(3), np.array([2, 5, 24]), rng.uniform(2, 40, 3)
    return [
        Case(
            "one comparison, and one rating",
            (np.array([0.82, 0.5]), np.array([2, 5]), np.array([10.0, 4.0])),
            look_at="a first: which a has a² + (1 − a)² = 0.82?",
        ),
        Case("always the same answer", sure, look_at="0 · log 0, which is 0 here."),
        Case("no more than chance", low, look_at="an agreement below 1 / options."),
        *(Case("many formats", drawn(n), look_at="where options enters.") for n in (6, 9)),
    ]


def _bits(agreement: Array, options: Array, seconds: Array, *, wrong: str = "") -> Array:
    """The formula step by step, with one thing wrong."""
    k = np.where(wrong == "two options", 2, options)
    chance = 1 / k
    above = np.maximum((agreement - chance) * (1 - chance), 0)
    if wrong == "below chance":
        above = np.abs((agreement - chance) * (1 - chance))
    roots = {
        "smaller root": chance - np.sqrt(above),
        "agreement is a": agreement,
        "square root": np.sqrt(agreement),
        "binary root": 0.5 + np.sqrt(np.maximum(2 * agreement - 1, 0)) / 2,
    }
    a = np.clip(roots.get(wrong, chance + np.sqrt(above)), 0, 1)
    others = k if wrong == "options for others" else k - 1
    log = np.log if wrong == "nats" else np.log10 if wrong == "log 10" else np.log2
    with np.errstate(divide="ignore", invalid="ignore"):
        raw = a * log(a) + (1 - a) * log((1 - a) / others)
        noise = (
            raw
            if wrong == "0 log 0"
            else a * log(np.where(a > 0, a, 1)) + (1 - a) * log(np.where(a < 1, (1 - a) / others, 1))
        )
    whole = log(k)
    ways = {
        "no noise": whole / seconds,
        "noise alone": -noise / seconds,
        "added": (whole - noise) / seconds,
        "binary noise": (whole + noise + (1 - a) * log(others)) / seconds,
        "no seconds": whole + noise,
        "times seconds": (whole + noise) * seconds,
        "seconds a bit": seconds / np.maximum(whole + noise, 1e-12),
        "share of the whole": whole * agreement / seconds,
        "a of the whole": whole * a / seconds,
        "share of options": (whole + noise) / whole / seconds,
        "a minute": 60 * (whole + noise) / seconds,
    }
    return ways.get(wrong, (whole + noise) / seconds)


EXERCISE = Exercise(
    number="4.3",
    title="Bits a second",
    points=3,
    minutes=12,
    solution=formats.bits_per_second,
    cases=_cases,
    axes=("format",),
    mistakes=(
        Mistake(
            "the agreement taken for a",
            partial(_bits, wrong="agreement is a"),
            "That is what comes out when the share of equal answers is taken for the chance that one answer is what "
            "the person holds. Both answers can miss, and on purpose or not they can miss alike. "
            "Look at: a² + (1 − a)² / (options − 1).",
        ),
        Mistake(
            "the square root of the agreement",
            partial(_bits, wrong="square root"),
            "That is what comes out when agreement is a²: both right. Two answers can also agree by missing alike. "
            "Look at: the second part of the formula.",
        ),
        Mistake(
            "a as for two options",
            partial(_bits, wrong="binary root"),
            "That is what comes out when a² + (1 − a)² is solved whatever the options. With more of them it is rarer "
            "to miss alike. Look at: where options − 1 enters.",
        ),
        Mistake(
            "the smaller root",
            partial(_bits, wrong="smaller root"),
            "That is what comes out when the smaller of the two roots is taken: somebody who mostly says what they do "
            "not hold. Look at: ± before the square root.",
        ),
        Mistake(
            "everything has two options",
            partial(_bits, wrong="two options"),
            "That is what comes out when `options` is not looked at. Look at: log₂ of how many answers there are.",
        ),
        Mistake(
            "options in the place of options − 1",
            partial(_bits, wrong="options for others"),
            "That is what comes out when a miss has all options to fall on. It falls on one of the others. "
            "Look at: (1 − a) / (options − 1).",
        ),
        Mistake(
            "noise as with two options",
            partial(_bits, wrong="binary noise"),
            "That is what comes out when the noise is −a log a − (1 − a) log (1 − a), as for two options. With more, "
            "one also does not know which of the others it was. Look at: the last part of the formula.",
        ),
        Mistake(
            "the noise is not taken off",
            partial(_bits, wrong="no noise"),
            "That is what comes out when every answer counts in full, log₂(options) bits, however often it changes. "
            "Look at: the two parts with a.",
        ),
        Mistake(
            "the noise alone",
            partial(_bits, wrong="noise alone"),
            "That is what comes out when only the noise is given: what an answer leaves open. Look at: log₂(options).",
        ),
        Mistake(
            "the noise added",
            partial(_bits, wrong="added"),
            "That is what comes out when the noise is added: a log a is below 0. Look at: the signs.",
        ),
        Mistake(
            "nats",
            partial(_bits, wrong="nats"),
            "That is what comes out with the natural logarithm: nats. Look at: log and log2.",
        ),
        Mistake(
            "the logarithm to base 10",
            partial(_bits, wrong="log 10"),
            "That is what comes out with the logarithm to base 10. Look at: log10 and log2.",
        ),
        Mistake(
            "0 log 0 is not a number",
            partial(_bits, wrong="0 log 0"),
            "That is what comes out when a is 1 and the computer multiplies 0 by −∞. Who never changes an answer says "
            "all of log₂(options). Look at: a = 1.",
        ),
        Mistake(
            "less than chance is more than nothing",
            partial(_bits, wrong="below chance"),
            "That is what comes out when an agreement below chance counts as if it were above. It says 0 bits. "
            "Look at: what stands under the square root.",
        ),
        Mistake(
            "a share of all bits",
            partial(_bits, wrong="share of the whole"),
            "That is what comes out when log₂(options) is multiplied by a share. Half of the answers right is not half "
            "of the bits: of two options it is none. Look at: the formula.",
            also=(partial(_bits, wrong="a of the whole"),),
        ),
        Mistake(
            "bits an answer",
            partial(_bits, wrong="no seconds"),
            "That is what comes out when the seconds are not used: bits an answer. Look at: the last step.",
        ),
        Mistake(
            "times the seconds",
            partial(_bits, wrong="times seconds"),
            "That is what comes out when bits are multiplied by seconds. Bits *a* second. Look at: the last step.",
            also=(partial(_bits, wrong="seconds a bit"), partial(_bits, wrong="a minute")),
        ),
        Mistake(
            "a share of what is possible",
            partial(_bits, wrong="share of options"),
            "That is what comes out when the bits are divided by log₂(options): all formats then look alike. "
            "Look at: what is divided by what.",
        ),
    ),
    hints=(
        "First a. With c = 1 / options and x = a − c, the sum a² + (1 − a)² / (options − 1) is c + x² / (1 − c): "
        "solve that for x, and take 0 where the root would be of a negative number.",
        "Then the three parts of the formula, with np.log2. Where a is 1, (1 − a) log(…) should be 0: keep the "
        "logarithm from seeing 0.",
        "At the end, divide by the seconds.",
    ),
)
