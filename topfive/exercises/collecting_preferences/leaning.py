"""Exercise 4.8: how far one labeller leans."""

from functools import partial
from typing import Any

import numpy as np
from scipy.optimize import brentq

from topfive.annotation import scores
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(number: int, lean: float, spread: float = 1.5) -> tuple[Array, Array]:
        margins = rng.normal(0.4, spread, number)
        return margins, (rng.random(number) < 1 / (1 + np.exp(-margins - lean))).astype(np.int64)

    toy = (np.array([1.0, -0.5, 0.0, 2.0, -1.5]), np.array([1, 1, 1, 0, 0]))
    always = (rng.normal(0, 1.5, 40), np.ones(40, dtype=np.int64))
    never = (rng.normal(0, 1.5, 15), np.zeros(15, dtype=np.int64))
    return [
        Case("five comparisons", toy, look_at="the slope at 0: picks less chances, added up."),
        Case("always the first", always, look_at="what keeps the leaning finite."),
        Case("always the second", never, {"prior": 0.5}, look_at="what keeps the leaning finite."),
        Case("somebody who leans", drawn(60, 1.5), {"prior": 2.0}, look_at="the error, from the curvature."),
        Case("somebody who does not", drawn(30, 0.0), look_at="margins: what is to be expected of them."),
        Case("a narrow prior", drawn(25, -1.0), {"prior": 0.3}, look_at="how the prior enters."),
    ]


def _leaning(margins: Array, picks: Array, prior: float = 1.0, *, wrong: str = "") -> Any:
    """The root of the slope by bisection, with one thing wrong."""
    weights: dict[str, float] = {
        "no prior": 1e-9, "prior as variance": 1 / prior, "prior times": prior**2, "twice the prior": 2 / prior**2,
        "prior fixed": 1.0,
    }  # fmt: skip
    weight = weights.get(wrong, 1 / prior**2)
    seen = margins * {"no margins": 0, "margins turned": -1, "half margins": 0.5}.get(wrong, 1)
    picked = 1 - picks if wrong == "picks turned" else picks

    def chance(lean: float) -> Array:
        return 1 / (1 + np.exp(-np.clip(seen + (lean / 2 if wrong == "half the leaning" else lean), -500, 500)))

    def slope(lean: float) -> float:
        return float((picked - chance(lean)).sum() - weight * lean)

    lean = float(brentq(slope, -60, 60, xtol=1e-12)) if slope(-60) * slope(60) < 0 else 60.0 * np.sign(slope(0))
    if wrong == "one step":
        lean = slope(0) / ((chance(0) * (1 - chance(0))).sum() + weight)
    if wrong == "share":
        share = (picks.sum() + 0.5) / (len(picks) + 1)
        lean = float(np.log(share / (1 - share)))
    if wrong == "mean of the rest":
        lean = float((picks - chance(0)).mean())
    if wrong == "away from the prior":
        lean = (
            float(brentq(lambda b: float((picked - chance(b)).sum() + 0 * b), -60, 60)) if 0 < picks.mean() < 1 else 0.0
        )
    spread = (chance(lean) * (1 - chance(lean))).sum()
    error = {
        "curvature": spread + weight,
        "variance": 1 / (spread + weight),
        "without the prior": max(spread, 1e-12) ** -0.5,
        "at 0": ((chance(0) * (1 - chance(0))).sum() + weight) ** -0.5,
        "root of the curvature": (spread + weight) ** 0.5,
        "of the mean": ((chance(lean) * (1 - chance(lean))).mean() + weight) ** -0.5,
        "of the chance": (spread / len(picks) ** 2) ** 0.5,
        "95 %": 1.96 * (spread + weight) ** -0.5,
        "quarter": (len(picks) / 4 + weight) ** -0.5,
    }.get(wrong, (spread + weight) ** -0.5)
    if wrong == "lean alone":
        return lean
    return (float(error), lean) if wrong == "order" else (lean, float(error))


EXERCISE = Exercise(
    number="4.8",
    title="How far one labeller leans",
    points=3,
    minutes=15,
    solution=scores.leaning,
    cases=_cases,
    atol=1e-4,
    rtol=1e-3,
    mistakes=(
        Mistake(
            "without a prior",
            partial(_leaning, wrong="no prior"),
            "That is what comes out without the prior: who always took the first would lean without end. "
            "Look at: the last term of the slope.",
        ),
        Mistake(
            "the prior's deviation taken for its variance",
            partial(_leaning, wrong="prior as variance"),
            "That is what comes out when the leaning is divided by `prior` instead of its square. With prior 1 nobody "
            "notices. Look at: the slope of a Gaussian's logarithm.",
        ),
        Mistake(
            "a wide prior holds back more",
            partial(_leaning, wrong="prior times"),
            "That is what comes out when the leaning is multiplied by prior² instead of divided. Look at: what a wide "
            "prior should do.",
        ),
        Mistake(
            "prior is not used",
            partial(_leaning, wrong="prior fixed"),
            "That is what comes out when the prior is always 1. Look at: where `prior` enters.",
        ),
        Mistake(
            "the prior twice",
            partial(_leaning, wrong="twice the prior"),
            "That is what comes out when the prior counts twice: the logarithm of a Gaussian is −b²/(2 prior²), and "
            "its slope −b/prior². Look at: the ½.",
        ),
        Mistake(
            "the margins are not looked at",
            partial(_leaning, wrong="no margins"),
            "That is what comes out when the lists do not matter. Perhaps the better one often stood first. "
            "Look at: what is expected of somebody who does not lean.",
            also=(partial(_leaning, wrong="share"),),
        ),
        Mistake(
            "the margins turned round",
            partial(_leaning, wrong="margins turned"),
            "That is what comes out when a positive margin speaks for the second list. Look at: the sign in σ.",
        ),
        Mistake(
            "half of the margins",
            partial(_leaning, wrong="half margins"),
            "That is what comes out when the margin is halved. Look at: the formula of the chance.",
        ),
        Mistake(
            "half of the leaning",
            partial(_leaning, wrong="half the leaning"),
            "That is what comes out when half of the leaning is added to the margin. With the other half taken from "
            "the second list, the difference is the whole. Look at: σ(margin + leaning).",
        ),
        Mistake(
            "leans to the second",
            partial(_leaning, wrong="picks turned"),
            "That is what comes out when 1 stands for the second list. Look at: what `picks` says.",
        ),
        Mistake(
            "only one step",
            partial(_leaning, wrong="one step"),
            "That is what comes out after one step of Newton's method from 0. The curve is no parabola: go on until "
            "the step is small. Look at: the loop.",
        ),
        Mistake(
            "the mean surprise",
            partial(_leaning, wrong="mean of the rest"),
            "That is what comes out when picks less chances are averaged: a difference of shares. The leaning is what "
            "has to be added to the margins to make it vanish. Look at: the unit of what you return.",
        ),
        Mistake(
            "the error is the curvature",
            partial(_leaning, wrong="curvature"),
            "That is what comes out when the curvature itself, or its root, is the error: many comparisons would then "
            "make it larger. Look at: 1 / √.",
            also=(partial(_leaning, wrong="root of the curvature"),),
        ),
        Mistake(
            "the error is a variance",
            partial(_leaning, wrong="variance"),
            "That is what comes out when 1 over the curvature is not put under a root. Look at: 1 / √.",
        ),
        Mistake(
            "the error does not know the prior",
            partial(_leaning, wrong="without the prior"),
            "That is what comes out when the prior has no part in the curvature: who always took the first would be "
            "known hardly at all. Look at: the second term of the curvature.",
        ),
        Mistake(
            "the error where one began",
            partial(_leaning, wrong="at 0"),
            "That is what comes out when the curvature is taken at 0 instead of at the maximum. Look at: which chances "
            "the error is made of.",
            also=(partial(_leaning, wrong="quarter"),),
        ),
        Mistake(
            "the error of a mean",
            partial(_leaning, wrong="of the mean"),
            "That is what comes out when the curvature is averaged, or the error is that of a share. Look at: sums.",
            also=(partial(_leaning, wrong="of the chance"),),
        ),
        Mistake(
            "half of an interval",
            partial(_leaning, wrong="95 %"),
            "That is what comes out when the error is multiplied by 1.96: half of a 95 % interval. Look at: the "
            "docstring.",
        ),
        Mistake(
            "the error first",
            partial(_leaning, wrong="order"),
            "That is what comes out when the error stands before the leaning. Look at: what is returned.",
        ),
        Mistake(
            "the leaning alone",
            partial(_leaning, wrong="lean alone"),
            "That is what comes out when the error is missing. Without it nobody knows what the number is worth. "
            "Look at: what is returned.",
        ),
    ),
    hints=(
        "At the maximum the slope is 0: the sum of (picks − chances), less leaning / prior². Chances are "
        "σ(margin + leaning). The slope falls as the leaning grows, so there is one root.",
        "Newton: leaning += slope / curvature, with curvature = Σ chance (1 − chance) + 1 / prior². Some twenty steps "
        "are plenty. (Bisection between −50 and 50 does it, too.)",
        "The error is 1 / √curvature, with the chances at the maximum.",
    ),
)
