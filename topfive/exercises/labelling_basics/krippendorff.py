"""Exercise 1.3: Krippendorff's α for nominal labels, with labels missing."""

from collections.abc import Callable
from itertools import combinations

import numpy as np

from topfive.annotation.agreement import class_counts, cohen_kappa, krippendorff_alpha
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Floats, Ints, said, truths, whole

NAN = float("nan")


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(items: int, labellers: int, classes: int, missing: float) -> Ints:
        return said(truths(items, classes, rng), labellers, classes, missing, rng)

    single = drawn(12, 4, 2, 0.2)
    single[2:5] = -1
    single[2:5, 1] = whole([1, 1, 0])
    single[5] = -1
    last = drawn(15, 3, 3, 0.0)
    one = rng.integers(2, size=(3, 2)) * 0 + 1
    return [
        Case(
            "four lists, three labellers",
            (whole([[0, 0, 0], [0, 1, -1], [1, 1, 1], [0, 0, 1]]),),
            look_at="the pairs inside each list by hand, and then all the labels in one bag.",
        ),
        Case("nothing missing", (last,), look_at="observed, then expected disagreement."),
        Case("labels are missing", (drawn(30, 6, 2, 0.4),), look_at="how much a list with four labels counts."),
        Case("lists with one label, and with none", (single,), look_at="lists that tell nothing about agreement."),
        Case("many classes, few lists", (drawn(9, 5, 4, 0.3),), look_at="n(n − 1), not n²."),
        Case("only one class", (one,), look_at="what the expected disagreement is then."),
        Case("no list with two labels", (whole([[0, -1], [-1, 1], [1, -1]]),), look_at="what is left to compare."),
        Case("nobody labelled anything", (np.full((3, 2), -1),), look_at="what is counted where no class was said."),
    ]


def _counts(labels: Ints, at_least: int = 2) -> Floats:
    counts = class_counts(labels, int(labels.max(initial=0)) + 1).astype(float)
    return np.asarray(counts[counts.sum(axis=1) >= at_least])


def _observed(counts: Floats) -> float:
    per = counts.sum(axis=1)
    return float(((per**2 - (counts**2).sum(axis=1)) / (per - 1)).sum() / counts.sum())


def _expected(counts: Floats) -> float:
    total = counts.sum()
    return float((total**2 - (counts.sum(axis=0) ** 2).sum()) / (total * (total - 1)))


def _alpha(
    observed: Callable[[Floats], float] = _observed,
    expected: Callable[[Floats], float] = _expected,
    combine: Callable[[float, float], float] = lambda apart, chance: 1 - apart / chance,
    nothing: float = NAN,
) -> Function:
    """α with another observed or expected disagreement, or put together otherwise."""

    def alpha(labels: Ints) -> float:
        counts = _counts(labels)
        if not len(counts) or (counts.sum(axis=0) > 0).sum() < 2:
            return nothing if len(counts) else NAN
        return float(combine(observed(counts), expected(counts)))

    return alpha


def _item_by_item(counts: Floats) -> float:
    per = counts.sum(axis=1)
    return float(((per**2 - (counts**2).sum(axis=1)) / (per * (per - 1))).mean())


def _all_pairs(counts: Floats) -> float:
    per = counts.sum(axis=1)
    return float((per**2 - (counts**2).sum(axis=1)).sum() / (per * (per - 1)).sum())


def _per_labels(counts: Floats) -> float:
    per = counts.sum(axis=1)
    return float(((per**2 - (counts**2).sum(axis=1)) / per).sum() / counts.sum())


def _with_singles_expected(labels: Ints) -> float:
    counts = _counts(labels)
    everything = _counts(labels, 1)
    if not len(counts) or (everything.sum(axis=0) > 0).sum() < 2:
        return NAN
    return 1 - _observed(counts) / _expected(everything)


def _with_singles_in_total(labels: Ints) -> float:
    counts, everything = _counts(labels), _counts(labels, 1)
    if not len(counts) or (everything.sum(axis=0) > 0).sum() < 2:
        return NAN
    return 1 - _observed(counts) * counts.sum() / everything.sum() / _expected(everything)


def _whole_rows_only(labels: Ints) -> float:
    return krippendorff_alpha(labels[(labels >= 0).all(axis=1)])


def _mean_kappa(labels: Ints) -> float:
    found = [cohen_kappa(a, b) for a, b in combinations(labels.T, 2)]
    kept = [kappa for kappa in found if not np.isnan(kappa)]
    return float(np.mean(kept)) if kept else NAN


def _uniform(counts: Floats) -> float:
    return 1 - 1 / counts.shape[1]


EXERCISE = Exercise(
    number="1.3",
    title="Krippendorff's α",
    points=4,
    minutes=20,
    solution=krippendorff_alpha,
    cases=_cases,
    mistakes=(
        Mistake(
            "drawn with replacement",
            _alpha(expected=lambda counts: 1 - float(((counts.sum(axis=0) / counts.sum()) ** 2).sum())),
            "That is what comes out when the two labels of the bag are drawn with replacement: n² where n(n − 1) "
            "belongs (that is Fleiss' and Scott's chance). A label is not compared with itself. Look at: the expected"
            " part.",
            source="Krippendorff 2011 corrects for it, Scott 1955 does not",
        ),
        Mistake(
            "missing is a class",
            lambda labels: krippendorff_alpha(labels + 1),
            "That is what comes out when −1 is one more class, on which those agree who were not asked. Look at: what "
            "you count.",
        ),
        Mistake(
            "single labels are in the bag",
            _with_singles_expected,
            "That is what comes out when lists with one label are left out of the observed disagreement, but stay in "
            "the bag of the expected one. Look at: which labels n counts.",
            also=(_with_singles_in_total,),
        ),
        Mistake(
            "lists weigh alike",
            _alpha(_item_by_item),
            "That is what comes out when every list counts the same, whether it has two labels or six. In α every "
            "*label* counts the same. Look at: by what the pairs of a list are divided.",
        ),
        Mistake(
            "pairs weigh alike",
            _alpha(_all_pairs),
            "That is what comes out when every pair counts the same: a list with six labels has thirty ordered pairs, "
            "and would outweigh fifteen lists with two labels. Look at: the 1/(m − 1) of the docstring.",
        ),
        Mistake(
            "divided by m",
            _alpha(_per_labels),
            "That is what comes out when the pairs of a list are divided by m and not by m − 1. Each of its m labels "
            "has m − 1 others. Look at: the docstring's 1/(m − 1).",
        ),
        Mistake(
            "only lists that all labelled",
            _whole_rows_only,
            "That is what comes out when every list with a gap is thrown away. α needs two labels a list, no more; "
            "that is what it was made for. Look at: which lists you drop.",
        ),
        Mistake(
            "mean of the pairs' κ",
            _mean_kappa,
            "That is what comes out when Cohen's κ is averaged over all pairs of labellers. In α all labels lie in one "
            "bag. Look at: expected disagreement over all labellers at once.",
        ),
        Mistake(
            "agreement without chance",
            _alpha(combine=lambda apart, chance: 1 - apart),
            "That is what comes out when observed disagreement is subtracted from 1, and chance is left out. Look at: "
            "what the expected disagreement is for.",
        ),
        Mistake(
            "not subtracted from 1",
            _alpha(combine=lambda apart, chance: apart / chance),
            "That is what comes out when observed is divided by expected disagreement and not subtracted from 1. Look "
            "at: α for labellers who always agree.",
        ),
        Mistake(
            "upside down",
            _alpha(combine=lambda apart, chance: 1 - chance / apart),
            "That is what comes out when expected is divided by observed disagreement. Look at: the fraction.",
        ),
        Mistake(
            "every class equally likely",
            _alpha(expected=_uniform),
            "That is what comes out when all classes are equally likely by chance. Look at: the bag of all labels, "
            "where some classes are rarer.",
        ),
        Mistake(
            "rows and columns",
            lambda labels: krippendorff_alpha(labels.T),
            "That is what comes out when lists and labellers are exchanged: here rows are lists and columns are "
            "labellers (the `krippendorff` package has it the other way round). Look at: your axes.",
        ),
        Mistake(
            "a number for one class",
            _alpha(nothing=1.0),
            "That is what comes out when labels of a single class get a number. Expected disagreement is 0 then, and α "
            "is not defined: NaN. Look at: the last line of the docstring.",
            also=(_alpha(nothing=0.0),),
        ),
        Mistake(
            "the first two labellers",
            lambda labels: krippendorff_alpha(labels[:, :2]),
            "That is what comes out when only two labellers are looked at. Look at: all columns.",
        ),
    ),
    hints=(
        "First a table of counts: for each list, how many labels of each class. Keep the lists with two labels or "
        "more.",
        "A list with m labels, m_c of them of class c, has m² − Σ m_c² ordered pairs that differ. Divide by m − 1, add "
        "up over lists, divide by n, the number of all labels that are left.",
        "Expected: of all n(n − 1) ordered pairs of the bag, n² − Σ n_c² differ. α is 1 minus observed over expected.",
    ),
)
