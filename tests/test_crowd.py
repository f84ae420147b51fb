from collections import Counter
from itertools import permutations
from math import exp
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chisquare

from tests.conftest import PLAIN, SOUPS
from topfive.crowd import SOURCE, Student
from topfive.judge import Taste
from topfive.lists import render

TEXTS = ("first", "second", "third")


def student(scores: list[float], noise: float, seed: int = 0) -> Student:
    """A student to whom a list is worth exactly the given score."""
    made = Student(Taste(noise=noise), seed)
    made.judge.scores = lambda prompts, texts: np.array(scores)  # type: ignore[method-assign]
    return made


def plackett_luce(order: tuple[int, ...], strengths: list[float]) -> float:
    """Probability that lists are chosen one after the other in this order."""
    probability = 1.0
    for place, index in enumerate(order):
        probability *= strengths[index] / sum(strengths[later] for later in order[place:])
    return probability


@pytest.mark.parametrize("noise", [0.5, 1.0, 2.0])
def test_rankings_are_plackett_luce_draws(noise: float):
    scores, n = [1.0, 0.0, -0.5], 6000
    asked = student(scores, noise)
    ranks = [asked.rank(PLAIN, TEXTS).ranks for _ in range(n)]
    seen = Counter(tuple(int(index) for index in np.argsort(places)) for places in ranks)
    orders = list(permutations(range(3)))
    expected = [n * plackett_luce(order, [exp(score / noise) for score in scores]) for order in orders]
    assert chisquare([seen[order] for order in orders], expected).pvalue > 0.001


def test_place_1_is_the_best():
    assert student([0.0, 2.0, 1.0], noise=0.0).rank(PLAIN, TEXTS).ranks == (3, 1, 2)


def test_a_student_says_the_same_again_for_the_same_seed_only():
    again = [[student([0.0] * 3, 1.0, seed).rank(PLAIN, TEXTS) for _ in range(1)] for seed in (1, 1)]
    assert again[0] == again[1]
    several = {tuple(student([0.0] * 3, 1.0, seed).rank(PLAIN, TEXTS).ranks) for seed in range(20)}
    assert len(several) > 3


def test_a_student_follows_quality_and_taste(bank: Path):
    vegetarian = render([item for item, tags in SOUPS if "vegetarian" in tags])
    mixed = render([item for item, _ in SOUPS[3:]])
    asked = Student(Taste(tags={"vegetarian": 2.0}, noise=0.1), seed=0)
    assert asked.rank(PLAIN, [mixed, "no list at all", vegetarian]).ranks == (2, 3, 1)


def test_equal_texts_share_a_place():
    first, second, _ = student([1.0, 1.0, 0.0], noise=1.0).rank(PLAIN, ["a", "a", "b"]).ranks
    assert first == second


def test_what_the_crowd_says_is_marked():
    assert SOURCE == "simulated"
