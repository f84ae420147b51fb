"""Exercise 1.2: Cohen's κ."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.agreement import cohen_kappa, percent_agreement
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, Ints, said, truths, whole

NAN = float("nan")


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(items: int, classes: int, missing: float) -> tuple[Ints, Ints]:
        labels = said(truths(items, classes, rng), 2, classes, missing, rng)
        return labels[:, 0].copy(), labels[:, 1].copy()

    rare = np.where(rng.random(60) < 0.15, 1, 0), np.where(rng.random(60) < 0.1, 1, 0)
    rare[0][:3], rare[1][:3] = whole([1, 1, 0]), whole([0, 1, 1])
    gaps = drawn(60, 3, 0.25)
    gaps[0][:6], gaps[1][:6] = whole([-1, -1, 1, 2, 0, 2]), whole([-1, -1, -1, 0, 0, -1])
    against = rng.permutation(whole([0] * 7 + [1] * 4))
    return [
        Case(
            "eight lists by hand",
            (whole([0, 0, 0, 0, 0, 1, 1, 1]), whole([0, 0, 0, 1, 0, 1, 1, 1])),
            look_at="observed and chance, each by hand: how often does each of the two say each class?",
        ),
        Case("one class is rare", rare, look_at="the chance that both say the common class."),
        Case("three classes", drawn(40, 3, 0.0), look_at="the sum over all classes."),
        Case("some labels are missing", gaps, look_at="whose frequencies on which lists."),
        Case("less than chance", (against, 1 - against), look_at="whether κ may be negative."),
        Case("only one class", (whole([1] * 5), whole([1] * 5)), look_at="what 1 − chance is."),
        Case("no list in common", (whole([0, 1, -1, -1]), whole([-1, -1, 1, 0])), look_at="what is left to count."),
    ]


def _kappa(
    chance: Callable[[Ints, Ints], float],
    combine: Callable[[float, float], float] = lambda observed, expected: (observed - expected) / (1 - expected),
    one_class: float = NAN,
) -> Function:
    """κ on the lists that both labelled, with another chance or put together otherwise."""

    def kappa(a: Ints, b: Ints) -> float:
        both = (a >= 0) & (b >= 0)
        a, b = a[both], b[both]
        if not len(a):
            return NAN
        expected = float(chance(a, b))
        if len(np.union1d(a, b)) == 1:
            return one_class
        return float(combine(float((a == b).mean()), expected))

    return kappa


def _shares(a: Ints, classes: int = 4) -> Floats:
    return np.array([(a == label).mean() for label in range(classes)])


def _right_chance(a: Ints, b: Ints) -> float:
    return float(_shares(a) @ _shares(b))


def _missing_is_a_class(a: Ints, b: Ints) -> float:
    return cohen_kappa(a + 1, b + 1)


def _chance_over_all_labels(a: Ints, b: Ints) -> float:
    both = (a >= 0) & (b >= 0)
    if not both.any():
        return NAN
    expected = float(_shares(a[a >= 0]) @ _shares(b[b >= 0]))
    return (percent_agreement(a, b) - expected) / (1 - expected) if expected < 1 else NAN


def _chance_over_all_items(a: Ints, b: Ints) -> float:
    if not ((a >= 0) & (b >= 0)).any():
        return NAN
    expected = float(_shares(a) @ _shares(b))
    return (percent_agreement(a, b) - expected) / (1 - expected) if expected < 1 else NAN


EXERCISE = Exercise(
    number="1.2",
    title="Cohen's κ",
    points=3,
    minutes=12,
    solution=cohen_kappa,
    cases=_cases,
    mistakes=(
        Mistake(
            "percent agreement",
            lambda a, b: percent_agreement(a, b) if len(np.union1d(a, b)) > 1 else NAN,
            "That is what comes out when chance is left out altogether: the share of equal labels. Look at: what two "
            "people agree on who throw coins.",
            also=(percent_agreement,),
        ),
        Mistake(
            "every class equally likely by chance",
            _kappa(lambda a, b: 1 / len(np.union1d(a, b))),
            "That is what comes out when all classes are taken to be equally likely by chance (Bennett's S). Two "
            "people who nearly always say “on topic” agree far more often than that. Look at: each labeller's own "
            "frequencies.",
            source="Bennett, Alpert and Goldstein 1954 take chance so",
            also=(_kappa(lambda a, b: 0.5),),
        ),
        Mistake(
            "frequencies pooled",
            _kappa(lambda a, b: float((((_shares(a) + _shares(b)) / 2) ** 2).sum())),
            "That is what comes out when both labellers' frequencies are averaged first (Scott's π). In Cohen's κ each "
            "keeps their own. Look at: the two factors of each product.",
            source="Scott 1955 takes chance so",
        ),
        Mistake(
            "one labeller's frequencies twice",
            _kappa(lambda a, b: float((_shares(a) ** 2).sum())),
            "That is what comes out when one labeller's frequencies are squared. By chance, labeller one says a class "
            "with *their* frequency and labeller two with *theirs*. Look at: the two factors of each product.",
            also=(_kappa(lambda a, b: float((_shares(b) ** 2).sum())),),
        ),
        Mistake(
            "frequencies of all labels",
            _chance_over_all_labels,
            "That is what comes out when the frequencies are taken over all labels of each, also on lists that the "
            "other did not label. Look at: which lists count, and throw the others away first.",
            also=(_chance_over_all_items,),
        ),
        Mistake(
            "missing is a class",
            _missing_is_a_class,
            "That is what comes out when −1 is taken for one more class. Look at: the lists that both labelled.",
        ),
        Mistake(
            "not divided",
            _kappa(_right_chance, lambda observed, expected: observed - expected),
            "That is what comes out when chance is subtracted, but the rest is not divided by what there is beyond "
            "chance. Then even perfect agreement is less than 1. Look at: the denominator.",
        ),
        Mistake(
            "divided by chance",
            _kappa(_right_chance, lambda observed, expected: (observed - expected) / expected),
            "That is what comes out when the difference is divided by chance, and not by 1 − chance. Look at: what κ "
            "should be when they always agree.",
            also=(_kappa(_right_chance, lambda observed, expected: observed / expected),),
        ),
        Mistake(
            "brackets",
            _kappa(_right_chance, lambda observed, expected: observed - expected / (1 - expected)),
            "That is what comes out when only chance is divided by 1 − chance. Look at: brackets around the "
            "difference.",
            also=(_kappa(_right_chance, lambda observed, expected: (observed - expected) / 1 - expected),),
        ),
        Mistake(
            "never below 0",
            _kappa(_right_chance, lambda observed, expected: max(0.0, (observed - expected) / (1 - expected))),
            "That is what comes out when a negative κ is made 0. Less agreement than by chance is a finding: the two "
            "read the instructions in opposite ways. Look at: `max` and `clip`.",
        ),
        Mistake(
            "one class only",
            _kappa(_right_chance, one_class=1.0),
            "That is what comes out when two people who only ever say one class get a number. By chance they agree "
            "always; nothing can be said beyond it, and NaN says that. Look at: 1 − chance.",
            also=(_kappa(_right_chance, one_class=0.0),),
        ),
        Mistake(
            "class 0 is left out of chance",
            _kappa(lambda a, b: float(_shares(a)[1:] @ _shares(b)[1:])),
            "That is what comes out when the sum over classes begins at 1. Class 0 is a class. Look at: your range.",
        ),
        Mistake(
            "one class of chance",
            _kappa(lambda a, b: float(_shares(a)[0] * _shares(b)[0])),
            "That is what comes out when only one class is in the chance agreement. They can meet by chance in each. "
            "Look at: the sum over classes.",
        ),
        Mistake(
            "1 − κ",
            _kappa(_right_chance, lambda observed, expected: (1 - observed) / (1 - expected)),
            "That is what comes out when disagreement is divided by expected disagreement, and not subtracted from 1. "
            "Look at: what comes out for two who always agree.",
        ),
    ),
    hints=(
        "Begin with the lists that both labelled; from there on there is no −1 any more.",
        "Chance: if labeller one says class c in a share p of the lists and labeller two in a share q, they both say "
        "it by chance in p·q of them. Add that up over the classes.",
        "κ = (observed − chance) / (1 − chance). Before dividing: what if 1 − chance is 0?",
    ),
)
