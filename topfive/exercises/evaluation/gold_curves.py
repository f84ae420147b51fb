"""Exercise 7.5: two curves of over-optimisation."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from scipy.optimize import nnls

from topfive import overoptimisation
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Array = Any
BEST, RL = "best of n", "rl"


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def measured(form: str, number: int, zeros: int = 0, bent: float = 0.3) -> tuple[Array, Array, str]:
        """Points near a curve, in any order, with points that have not moved."""
        d = rng.uniform(0.3, 3.5, number)
        gold = d * (rng.uniform(0.8, 1.6) - bent * (d if form == BEST else np.log(d))) + rng.normal(0, 0.15, number)
        order = rng.permutation(number + zeros)
        still = rng.uniform(0.1, 0.4, zeros)
        return np.append(d, np.zeros(zeros))[order], np.append(gold, still)[order], form

    def many(form: str, look_at: str) -> list[Case]:
        name = f'many points, "{form}"'
        return [Case(name, measured(form, 14, bent=bent), look_at=look_at) for bent in (0.3, 0.9, -0.2)]

    still = "a policy that has not moved"
    few = "fewer than two distances"
    d = rng.uniform(1, 3, 3)
    return [
        Case(
            'two points, "best of n"',
            (np.array([1.0, 2.0]), np.array([0.75, 1.0]), BEST),
            look_at="the two equations: α − β at d = 1, and 2 (α − 2 β) at d = 2.",
        ),
        Case(
            'two points, "rl"',
            (np.array([1.0, 2.0]), np.array([0.75, 1.0]), RL),
            look_at="the two equations; log 1 is 0.",
        ),
        *many(BEST, "the two columns of the least squares: what α is multiplied by, and what β."),
        *many(RL, "the two columns of the least squares: what α is multiplied by, and what β."),
        Case(still, measured(RL, 9, zeros=2), look_at="0 · log 0, which is 0 here."),
        Case(still, measured(BEST, 9, zeros=3), look_at="what the curve is at d = 0, whatever α and β are."),
        Case(
            "a form that there is not",
            (d, rng.normal(size=3), "ppo"),
            look_at="what the docstring says of another form.",
        ),
        Case(few, (np.array([0.0, d[0], 0.0]), rng.normal(size=3), BEST), look_at="which points say something."),
        Case(few, (np.repeat(d[1:2], 3), rng.normal(size=3), RL), look_at="how many *different* distances there are."),
        Case(few, (np.append(0.0, np.repeat(d[2:], 2)), rng.normal(size=3), RL), look_at="which points say something."),
    ]


def _refuse(distance: Array, form: str) -> None:
    if form not in (BEST, RL):
        raise ValueError(f"no form {form!r}")
    if len(np.unique(distance[distance > 0])) < 2:
        raise ValueError("too few distances")


def _solved(columns: Array, gold: Array) -> Array:
    return np.linalg.lstsq(columns, gold)[0]


_LOGS: dict[str, Callable[[Array], Array]] = {
    "log 10": np.log10,
    "log 2": np.log2,
    "log(1 + d)": np.log1p,
    "log of KL": lambda d: np.log(d**2),
    "log of √d": lambda d: np.log(np.sqrt(d)),
    "log² d": lambda d: np.log(d) ** 2,
    "no log": lambda d: d,
}


def _fitted(distance: Array, gold: Array, form: str, *, wrong: str = "") -> Array:
    """The least squares step by step, with one thing wrong."""
    _refuse(distance, form)
    if wrong == "without the first point":
        distance, gold = distance[1:], gold[1:]
    d, y = distance[distance > 0], gold[distance > 0]
    if wrong in ("KL taken for its root", "the root of the root"):
        d = d**2 if wrong == "KL taken for its root" else np.sqrt(d)
    if wrong == "KL in front":
        d = d**2
    if wrong == "before the top":
        kept = d <= d[y.argmax()]
        d, y = (d[kept], y[kept]) if len(np.unique(d[kept])) > 1 else (d, y)
    if wrong in ("gains only", "losses are 0"):
        kept = y > 0
        d, y = (d[kept], y[kept]) if wrong == "gains only" and kept.sum() > 1 else (d, y.clip(0))
    swapped = {BEST: RL, RL: BEST}[form] if wrong == "swapped" else form
    swapped = {"always best of n": BEST, "always rl": RL}.get(wrong, swapped)
    bend = d if swapped == BEST else _LOGS.get(wrong, np.log)(np.sqrt(d) if wrong == "KL in front" else d)
    if wrong == "KL in front" and form == BEST:
        bend = np.sqrt(d)
    alpha, beta = _columns(d, y, bend, form, wrong)
    return np.array(_returned(alpha, beta, form, wrong))


def _columns(d: Array, y: Array, bend: Array, form: str, wrong: str) -> tuple[float, float]:
    """α and β, from the columns that belong to them."""
    front, other = d, -d * bend
    if wrong in ("d in front of α alone", "d in front of β alone") and form == RL:
        front, other = (d, -bend) if wrong == "d in front of α alone" else (np.ones_like(d), -d * bend)
    if wrong == "d in front of neither":
        front, other = np.ones_like(d), -bend
    if wrong == "the gain by d":
        y, front, other = y / d, np.ones_like(d), -bend
    if wrong == "far ones count more":
        y, front, other = y * d, d * d, -d * d * bend
    if wrong == "two points":
        near, far = d.argmin(), d.argmax()
        front, other, y = front[[near, far]], other[[near, far]], y[[near, far]]
    if wrong == "never below 0":
        return tuple(nnls(np.column_stack([front, other]), y)[0])
    if wrong == "one after the other":
        alpha = float(front @ y / (front @ front))
        return alpha, float(other @ (y - alpha * front) / (other @ other))
    if wrong == "each by itself":
        return float(front @ y / (front @ front)), float(other @ y / (other @ other))
    if wrong == "both are even":
        each = [_solved(np.column_stack([front, other])[rows], y[rows]) for rows in _pairs(d)]
        return tuple(np.mean(each, axis=0))
    extra = {
        "a constant": [np.ones_like(d)],
        "a constant in best of n": [np.ones_like(d)] if form == BEST else [],
        "a third term": [-d * bend**2],
    }
    found = _solved(np.column_stack([front, other, *extra.get(wrong, [])]), y)
    return found[0], found[1]


def _pairs(d: Array) -> list[list[int]]:
    """Every point with the next one."""
    order = d.argsort()
    return [[one, other] for one, other in pairwise(order) if d[one] != d[other]]


def _top(alpha: float, beta: float, form: str) -> tuple[float, float]:
    """Where the slope is 0, and how high the curve is there."""
    with np.errstate(all="ignore"):
        d = alpha / (2 * beta) if form == BEST else np.exp(alpha / beta - 1)
        return d, d * (alpha - beta * (d if form == BEST else np.log(d)))


def _returned(alpha: float, beta: float, form: str, wrong: str) -> Any:
    if wrong == "the top":
        return _top(alpha, beta, form)
    ways: dict[str, Any] = {
        "plus": (alpha, -beta),
        "both turned": (-alpha, -beta),
        "β first": (beta, alpha),
        "as polyfit gives them": (-beta, alpha),
        "size of β": (alpha, abs(beta)),
        "α alone": (alpha,),
        "rounded": (round(float(alpha), 2), round(float(beta), 2)),
    }
    return ways.get(wrong, (alpha, beta))


def _with_still_points(distance: Array, gold: Array, form: str, *, what: str) -> Array:
    """0 · log 0, as the computer takes it."""
    _refuse(distance, form)
    if form == BEST or (distance > 0).all():
        return _fitted(distance, gold, form)
    if what == "raises":
        raise np.linalg.LinAlgError("SVD did not converge in Linear Least Squares")
    if what == "refuses":
        raise ValueError("array must not contain infs or NaNs")
    return np.ones(2) if what == "where it began" else np.full(2, np.nan)


def _by_polyfit(distance: Array, gold: Array, form: str) -> Array:
    """A parabola with a constant through all points, for either form or for one."""
    _refuse(distance, form)
    if form == BEST:
        bent, straight, _ = np.polyfit(distance, gold, 2)
        return np.array([straight, -bent])
    return _fitted(distance, gold, form)


def _straight(distance: Array, gold: Array, form: str, *, turned: bool = False, through_0: bool = False) -> Array:
    """A straight line in d, its slope and where it begins."""
    _refuse(distance, form)
    slope, start = np.polyfit(distance, gold, 1)
    if through_0:
        slope, start = (distance @ gold) / (distance @ distance), 0.0
    return np.array([start, slope] if turned else [slope, start])


def _constant_everywhere(distance: Array, gold: Array, form: str) -> Array:
    """A constant, and the points that have not moved as well."""
    _refuse(distance, form)
    bend = distance if form == BEST else np.log(np.where(distance > 0, distance, 1))
    return _solved(np.column_stack([distance, -distance * bend, np.ones_like(distance)]), gold)[:2]


def _moved_to(distance: Array, gold: Array, form: str, *, least: float) -> Array:
    """A distance of 0 is taken for a small one, or 1 is added under the logarithm."""
    _refuse(distance, form)
    return _fitted(np.maximum(distance, least), gold, form)


def _from_the_first(distance: Array, gold: Array, form: str, *, least: bool = False) -> Array:
    """The gain over another point than the SFT model."""
    _refuse(distance, form)
    return _fitted(distance, gold - (gold.min() if least else gold[distance.argmin()]), form)


def _unchecked(distance: Array, gold: Array, form: str, *, other: str = RL) -> Any:
    """Another form is taken for one of the two, or for nothing."""
    if form in (BEST, RL):
        return _fitted(distance, gold, form)
    if other in ("nan", "none"):
        return np.full(2, np.nan) if other == "nan" else None
    return _fitted(distance, gold, other)


def _few(distance: Array, gold: Array, form: str, *, enough: str) -> Any:
    """Two points are taken for enough, or nothing is asked."""
    if form not in (BEST, RL):
        raise ValueError(f"no form {form!r}")
    moved = distance > 0
    d, y = distance[moved], gold[moved]
    numbers = {"points": len(distance), "moved points": len(d), "distances": len(np.unique(distance)), "any": 2}
    if enough in numbers and numbers[enough] < 2:
        raise ValueError("too few")
    if len(np.unique(d)) > 1:
        return _fitted(distance, gold, form)
    if enough in ("nan", "0", "none"):
        return {"none": None, "nan": np.full(2, np.nan), "0": np.zeros(2)}[enough]
    return _solved(np.column_stack([d, -d * (d if form == BEST else np.log(d))]), y)


def _never(distance: Array, gold: Array, form: str, *, other: str = RL, found: str = "") -> Any:
    """Nothing is refused: another form is one of the two, and one distance is solved for; or nothing is answered."""
    d = distance[distance > 0]
    if form in (BEST, RL) and len(np.unique(d)) > 1:
        return _fitted(distance, gold, form)
    if found:
        return {"none": None, "nan": np.full(2, np.nan), "0": np.zeros(2)}[found]
    form = form if form in (BEST, RL) else other
    return _solved(np.column_stack([d, -d * (d if form == BEST else np.log(d))]), gold[distance > 0])


def _refused(distance: Array, gold: Array, form: str, *, less_than: int) -> Array:
    """More is asked for than two different distances."""
    _refuse(distance, form)
    if len(np.unique(distance[distance > 0])) < less_than:
        raise ValueError("too few")
    return _fitted(distance, gold, form)


def _ways(*wrong: str) -> tuple[Function, ...]:
    return tuple(partial(_fitted, wrong=one) for one in wrong)


EXERCISE = Exercise(
    number="7.5",
    title="Two curves of over-optimisation",
    points=3,
    minutes=15,
    solution=overoptimisation.fit_gold,
    cases=_cases,
    axes=("parameter",),
    mistakes=(
        Mistake(
            "a constant",
            partial(_fitted, wrong="a constant"),
            "That is what comes out when a constant is fitted as well, as `polyfit` does. A policy that has not moved "
            "has gained nothing, so both curves begin at 0. Look at: how many columns the least squares have.",
            also=(*_ways("a constant in best of n"), _by_polyfit, _constant_everywhere),
        ),
        Mistake(
            "a straight line",
            _straight,
            "That is what comes out when a straight line is fitted: it has no β that bends it, and no top. "
            "Look at: both terms of the formula.",
            also=(partial(_straight, turned=True), partial(_straight, through_0=True)),
        ),
        Mistake(
            "a third term",
            partial(_fitted, wrong="a third term"),
            "That is what comes out with a third term, which bends the curve once more. Look at: how many numbers the "
            "formula has.",
        ),
        Mistake(
            "KL taken for its root",
            partial(_fitted, wrong="KL taken for its root"),
            "That is what comes out when `distance` is squared first, as if the curve were one in KL. It is d = √KL "
            "already. Look at: the docstring, on `distance`.",
        ),
        Mistake(
            "the root once more",
            partial(_fitted, wrong="the root of the root"),
            "That is what comes out when the root of `distance` is taken. It is a root already. Look at: the "
            "docstring, on `distance`.",
        ),
        Mistake(
            "KL in front of the brackets",
            partial(_fitted, wrong="KL in front"),
            "That is what comes out when d² stands in front of the brackets, and d inside. Look at: every d of the "
            "formula.",
        ),
        Mistake(
            "another logarithm",
            partial(_fitted, wrong="log 10"),
            "That is what comes out with the logarithm to base 10 or 2. Then β is in another unit. Look at: log, log10 "
            "and log2.",
            also=_ways("log 2"),
        ),
        Mistake(
            "the logarithm of KL",
            partial(_fitted, wrong="log of KL"),
            "That is what comes out when the logarithm is that of KL, d², or of another power of d. β is then wrong by "
            "a factor. Look at: what stands inside the logarithm.",
            also=_ways("log of √d"),
        ),
        Mistake(
            "1 is added under the logarithm",
            partial(_fitted, wrong="log(1 + d)"),
            "That is what comes out of log(1 + d). It spares you the 0, and it is another curve. Look at: what else "
            "can be done with a point at d = 0.",
        ),
        Mistake(
            "the logarithm squared",
            partial(_fitted, wrong="log² d"),
            'That is what comes out when log d is squared. Look at: the formula of the form "rl".',
        ),
        Mistake(
            "β with the other sign",
            partial(_fitted, wrong="plus"),
            "That is what comes out of d (α + β …). The formula has a minus, so that β is positive where the curve "
            "bends down. Look at: the sign of your second column, or of what you return.",
            also=_ways("both turned"),
        ),
        Mistake(
            "only the size of β",
            partial(_fitted, wrong="size of β"),
            "That is what comes out when the sign of β is thrown away. It is negative where the curve bends upwards. "
            "Look at: `abs`.",
        ),
        Mistake(
            "never below 0",
            partial(_fitted, wrong="never below 0"),
            "That is what comes out when α and β may not be negative. Where gold goes on rising, β has to be. "
            "Look at: bounds, `nnls`, or a `max`.",
        ),
        Mistake(
            "β first",
            partial(_fitted, wrong="β first"),
            "That is what comes out when β stands before α, as the highest power does in what `polyfit` gives. "
            "Look at: what you return.",
            also=_ways("as polyfit gives them"),
        ),
        Mistake(
            "α alone",
            partial(_fitted, wrong="α alone"),
            "That is what comes out when β is missing. Look at: what you return.",
        ),
        Mistake(
            "the top of the curve",
            partial(_fitted, wrong="the top"),
            "That is what comes out when the highest point of the curve is returned: where it is, and how high. Wanted "
            "are the two numbers of the formula. Look at: what you return.",
        ),
        Mistake(
            "the gain divided by d",
            partial(_fitted, wrong="the gain by d"),
            "That is what comes out when the gain is divided by d and a straight line is put through that. The formula "
            "is the same, but a point near 0 then weighs more than one far away. Look at: of what the squares are.",
        ),
        Mistake(
            "points far away weigh more",
            partial(_fitted, wrong="far ones count more"),
            "That is what comes out when the points are weighted by their distance. All weigh alike. Look at: what "
            "both sides are multiplied by.",
        ),
        Mistake(
            "forms swapped",
            partial(_fitted, wrong="swapped"),
            "That is what comes out when each form gets the other's formula. Look at: which of them has a logarithm.",
        ),
        Mistake(
            "one formula for both forms",
            partial(_fitted, wrong="always best of n"),
            "That is what comes out when `form` does not matter. Look at: the two formulas.",
            also=_ways("always rl"),
        ),
        Mistake(
            "no d in front of the brackets",
            partial(_fitted, wrong="d in front of neither"),
            "That is what comes out of α − β …, without the d in front of the brackets. It is not 0 where nothing has "
            "moved. Look at: what α is multiplied by.",
        ),
        Mistake(
            "d in front of one term only",
            partial(_fitted, wrong="d in front of α alone"),
            'That is what comes out when the d in front of the brackets reaches only one of the two terms of "rl". '
            "Look at: the brackets.",
            also=_ways("d in front of β alone"),
        ),
        Mistake(
            "one column after the other",
            partial(_fitted, wrong="one after the other"),
            "That is what comes out when α is fitted first and β to what is left, or each by itself. The two columns "
            "rise together, so they have to be fitted together. Look at: one call of `lstsq` with two columns.",
            also=_ways("each by itself"),
        ),
        Mistake(
            "through two points",
            partial(_fitted, wrong="two points"),
            "That is what comes out when the curve goes through the nearest and the farthest point exactly, or through "
            "each two neighbours in turn. All points are to be fitted at once. Look at: how many rows you solve for.",
            also=_ways("both are even"),
        ),
        Mistake(
            "only up to the top",
            partial(_fitted, wrong="before the top"),
            "That is what comes out when points beyond the highest one are left out. They are what over-optimisation "
            "is about. Look at: which points you keep.",
        ),
        Mistake(
            "gains below 0 are lost",
            partial(_fitted, wrong="gains only"),
            "That is what comes out when gains below 0 are left out or set to 0. A policy can be worse than the one it "
            "began with. Look at: `> 0`, `clip`, or a logarithm of the gain.",
            also=_ways("losses are 0"),
        ),
        Mistake(
            "0 · log 0 is not a number",
            partial(_with_still_points, what="nan"),
            "That is what comes out when the computer multiplies 0 by the logarithm of 0, which is −∞. A point at "
            "d = 0 says nothing about α and β. Look at: `distance > 0`.",
            also=tuple(partial(_with_still_points, what=what) for what in ("raises", "refuses", "where it began")),
        ),
        Mistake(
            "the first point is left out",
            partial(_fitted, wrong="without the first point"),
            "That is what comes out when the first point is taken for the SFT model and left out. The points come in "
            "any order, and there may be none or several at d = 0. Look at: `distance > 0`.",
        ),
        Mistake(
            "0 is taken for a small distance",
            partial(_moved_to, least=0.1),
            "That is what comes out when a distance of 0 is taken for another one. The point then says something, and "
            "should not. Look at: `distance > 0`.",
            also=(partial(_moved_to, least=1.0), partial(_moved_to, least=0.01)),
        ),
        Mistake(
            "measured from another point",
            _from_the_first,
            "That is what comes out when the gain of the nearest point, or the smallest one, is taken off all. `gold` "
            "is the gain over the SFT model already. Look at: what is done to `gold`.",
            also=(partial(_from_the_first, least=True),),
        ),
        Mistake(
            "another form is no error",
            _unchecked,
            "That is what comes out when every form but one falls into the `else`. A slip of the pen would then be "
            "answered with the wrong curve. Look at: what the docstring says of another form.",
            also=(partial(_unchecked, other=BEST),),
        ),
        Mistake(
            "nothing is refused",
            _never,
            "That is what comes out when neither the form nor the distances are looked at before the least squares. "
            "Then there is an answer to every question. Look at: what the docstring refuses.",
            also=(partial(_never, other=BEST),),
        ),
        Mistake(
            "refused without an error",
            partial(_never, found="none"),
            "That is what comes out when the function notices, and hands back None, 0 or NaN or prints something. "
            "Whoever called it goes on with that. Look at: `raise`.",
            also=(
                partial(_never, found="nan"),
                partial(_never, found="0"),
                *(partial(_unchecked, other=other) for other in ("nan", "none")),
                *(partial(_few, enough=enough) for enough in ("nan", "0", "none")),
            ),
        ),
        Mistake(
            "two numbers from one distance",
            partial(_few, enough="any"),
            "That is what comes out when points are not counted, or those are counted that say nothing or the same "
            "twice. `lstsq` then gives one of endlessly many curves and does not complain. Look at: what the docstring "
            "refuses.",
            also=tuple(partial(_few, enough=enough) for enough in ("points", "moved points", "distances")),
        ),
        Mistake(
            "two distances are refused",
            partial(_refused, less_than=3),
            "That is what comes out when more than two different distances are asked for. Two points are enough for "
            "two numbers. Look at: < and ≤.",
            also=(partial(_refused, less_than=4),),
        ),
        Mistake(
            "rounded",
            partial(_fitted, wrong="rounded"),
            "That is what comes out when α and β are rounded. Look at: `round`.",
        ),
    ),
    hints=(
        "Multiply out: both formulas are α times something, less β times something else. Write down both somethings, "
        "for either form.",
        "Those are the two columns of a least squares problem, one row a point; `np.column_stack` puts them together, "
        "and `np.linalg.lstsq(columns, gold)[0]` gives the two numbers. Mind the minus.",
        "Before that: refuse what the docstring refuses, and keep only points with `distance > 0`, in both arrays. "
        "`np.unique` tells how many different distances are left.",
    ),
)
