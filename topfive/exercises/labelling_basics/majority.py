"""Exercise 1.4: majority vote, with ties."""

from collections.abc import Callable

import numpy as np

from topfive.annotation.aggregation import majority_vote
from topfive.annotation.agreement import class_counts
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.exercises.labelling_basics.drawn import Ints, said, truths, whole


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(tasks: int, workers: int, classes: int, missing: float) -> tuple[Ints, int]:
        return said(truths(tasks, classes, rng), workers, classes, missing, rng), classes

    gaps = drawn(30, 7, 3, 0.6)
    gaps[0][4] = -1
    return [
        Case(
            "three lists by hand",
            (whole([[0, 1, 1, -1, 1], [0, -1, 0, 1, -1], [1, 0, -1, -1, 1]]), 2),
            look_at="the votes for each class, list by list.",
        ),
        Case(
            "two classes share the lead",
            (whole([[0, 1, 1, 0], [2, 2, 0, 0], [1, 2, 2, 1], [2, 0, 2, 1]]), 3),
            look_at="what a tie is, and what is returned for it.",
        ),
        Case(
            "more votes than any other, but not half of them",
            (whole([[2, 2, 1, 0, 3], [0, 3, 3, 1, 2], [1, 1, 1, 0, 2]]), 4),
            look_at="a class that leads with two of five votes.",
        ),
        Case(
            "nobody labelled it, or one person did",
            (whole([[-1, -1, -1], [-1, 1, -1], [0, -1, -1]]), 2),
            look_at="a list with no votes, and one with a single vote.",
        ),
        Case("most were not asked", gaps, look_at="whether −1 has a vote."),
        Case("many lists", drawn(40, 5, 3, 0.2), look_at="lists whose votes are 2, 2, 1."),
    ]


def _vote(choose: Callable[[Ints, Ints], Ints]) -> Function:
    """What `choose` makes of the counts (tasks, classes) and the labels."""
    return lambda labels, classes: np.asarray(choose(class_counts(labels, classes), labels)).astype(np.int64)


def _more_than_half(counts: Ints, of: Ints) -> Ints:
    return np.where(counts.max(axis=1) > of / 2, counts.argmax(axis=1), -1)


def _missing_votes(labels: Ints, classes: int) -> Ints:
    return majority_vote(labels + 1, classes + 1) - 1


def _missing_votes_and_ties_count(labels: Ints, classes: int) -> Ints:
    found = majority_vote(labels + 1, classes + 1)
    return np.where(found == -1, -1, found - 1)


def _last_class(labels: Ints, classes: int) -> Ints:
    """−1 as an index: the last class."""
    return majority_vote(labels % classes, classes)


def _fewest(counts: Ints, labels: Ints) -> Ints:
    least = counts.min(axis=1)
    return np.where((counts == least[:, None]).sum(axis=1) == 1, counts.argmin(axis=1), -1)


def _rounded_mean(labels: Ints, classes: int) -> Ints:
    asked = labels >= 0
    mean = np.where(asked, labels, 0).sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
    return np.where(asked.any(axis=1), np.rint(mean), -1).astype(np.int64)


def _empty_is_0(labels: Ints, classes: int) -> Ints:
    return np.where((labels >= 0).any(axis=1), majority_vote(labels, classes), 0)


def _first_label(labels: Ints, classes: int) -> Ints:
    return np.array([next((x for x in row.tolist() if x >= 0), -1) for row in labels])


def _single_is_nothing(labels: Ints, classes: int) -> Ints:
    return np.where((labels >= 0).sum(axis=1) >= 2, majority_vote(labels, classes), -1)


def _highest(counts: Ints, labels: Ints) -> Ints:
    last = counts.shape[1] - 1 - counts[:, ::-1].argmax(axis=1)
    return np.where(counts.sum(axis=1) > 0, last, -1)


EXERCISE = Exercise(
    number="1.4",
    title="Majority vote",
    points=3,
    minutes=8,
    solution=majority_vote,
    cases=_cases,
    axes=("list",),
    mistakes=(
        Mistake(
            "a tie goes to the first class",
            _vote(lambda counts, labels: np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), -1)),
            "That is what comes out when a tie is given to the class with the lowest number: every list that people "
            "are divided over then becomes “on topic”. Look at: `argmax` of two equal counts.",
            also=(_vote(lambda counts, labels: counts.argmax(axis=1)),),
        ),
        Mistake(
            "a tie goes to the last class",
            _vote(_highest),
            "That is what comes out when a tie is given to the class with the highest number. Look at: `>=` where you "
            "look for the lead.",
        ),
        Mistake(
            "−1 has a vote",
            _missing_votes_and_ties_count,
            "That is what comes out when “not asked” is counted like a label, so that a list that few were asked about "
            "has no answer. Look at: what you count.",
            also=(_missing_votes,),
        ),
        Mistake(
            "−1 votes for the last class",
            _last_class,
            "That is what comes out when −1 is used as an index: in Python that is the last class. Look at: who was "
            "not asked.",
        ),
        Mistake(
            "more than half of the votes",
            _vote(lambda counts, labels: _more_than_half(counts, (labels >= 0).sum(axis=1))),
            "That is what comes out when a class needs more than half of the votes. It only needs more than any other "
            "class. Look at: two of five votes, when the others have one each.",
        ),
        Mistake(
            "more than half of all workers",
            _vote(lambda counts, labels: _more_than_half(counts, np.full(len(labels), labels.shape[1]))),
            "That is what comes out when a class needs more than half of all workers, also of those who were not "
            "asked. Look at: what the votes are compared with.",
        ),
        Mistake(
            "the fewest votes",
            _vote(_fewest),
            "That is what comes out when the class with the fewest votes wins. Look at: `min` and `max`.",
        ),
        Mistake(
            "mean of the numbers",
            _rounded_mean,
            "That is what comes out when the numbers of the classes are averaged and rounded. Classes are names: "
            "between “0” and “2” there is no “1”. Look at: counts of each class.",
        ),
        Mistake(
            "no label is class 0",
            _empty_is_0,
            "That is what comes out when a list without any label is put into class 0. Look at: a list that nobody "
            "labelled.",
        ),
        Mistake(
            "the first label",
            _first_label,
            "That is what comes out when the first label of each list is taken. Look at: how many say the same.",
        ),
        Mistake(
            "one label is no vote",
            _single_is_nothing,
            "That is what comes out when a single label is not enough. It is a thin vote, but it has the lead. Look "
            "at: the docstring, on −1.",
        ),
        Mistake(
            "the number of votes",
            _vote(lambda counts, labels: counts.max(axis=1)),
            "These are the numbers of votes for the class in the lead, not the class. Look at: `max` and `argmax`.",
        ),
    ),
    hints=(
        "Count first: how many labels of class 0, of class 1, … does each list have? A table (lists, classes).",
        "The lead is `counts.max(axis=1)`. How many classes have exactly that many?",
        "`np.where(only one class has the lead, counts.argmax(axis=1), -1)`. What does that give where all counts are"
        " 0?",
    ),
)
