"""Four ways to ask, and what their answers say."""

import numpy as np
import pytest

from topfive.annotation import formats
from topfive.annotation.active import posterior, race


def test_best_and_worst_of_four_are_five_pairs():
    assert len(formats.order_pairs(np.array([2, 1, 2, 4]))) == 5
    assert len(formats.order_pairs(np.array([1, 1, 1]))) == 0


def test_ratings_by_one_worker_of_one_class_only_prefer_nothing():
    ones = np.ones(5, dtype=np.int64)
    assert formats.rating_pairs(4 * ones, ones, ones).shape == (0, 2)


@pytest.mark.parametrize(
    ("towards", "away", "reading"),
    [
        (0, 0, "too few"),
        (5, 0, "too few"),
        (6, 0, "biased"),
        (0, 6, "biased"),
        (8, 7, "inconsistent"),
        (12, 5, "inconsistent"),
    ],
)
def test_three_readings(towards: int, away: int, reading: str):
    assert formats.bias_reading(towards, away) == reading


@pytest.mark.parametrize(
    ("pull", "noise", "reading"), [(0.0, 3.0, "inconsistent"), (2.5, 1.0, "biased"), (0.0, 0.02, "too few")]
)
def test_labellers_who_waver_lean_or_are_steady_get_their_reading(pull: float, noise: float, reading: str):
    told = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        ahead = rng.normal(scale=1.5, size=60)
        once = (ahead + pull + rng.logistic(scale=noise, size=60) < 0).astype(int)
        again = (-ahead + pull + rng.logistic(scale=noise, size=60) < 0).astype(int)
        told.append(formats.position_reading(once, again)[2])
    assert told.count(reading) >= 17


def test_bits_are_those_of_the_channel():
    bits = formats.bits_per_second(np.array([0.82, 1.0, 0.5, 0.2]), np.array([2, 24, 2, 5]), np.array([1.0, 1, 1, 1]))
    assert bits == pytest.approx([0.531, np.log2(24), 0, 0], abs=1e-3)


def test_repeats_by_kind_and_by_being_sure():
    twice = [formats.Repeat("rank", True, True), formats.Repeat("rank", False, False), formats.Repeat("rate", True)]
    assert {kind: (one.mean, one.n) for kind, one in formats.consistency(twice).items()} == {
        "rank": (0.5, 2),
        "rate": (1, 1),
    }
    assert {name: one.mean for name, one in formats.as_sure_as_right(twice).items()} == {"sure": 1.0, "unsure": 0.0}
    assert formats.consistency([]) == {}


# --- the next pair ------------------------------------------------------------------------------------------------


def test_more_answers_about_a_pair_make_its_distance_surer():
    few, many = np.zeros((3, 3)), np.zeros((3, 3))
    few[0, 1], many[0, 1], many[1, 0] = 1, 20, 10
    spread = [c[0, 0] + c[1, 1] - 2 * c[0, 1] for _, c in (posterior(few), posterior(many))]
    assert spread[1] < spread[0]


@pytest.mark.slow
def test_active_choice_needs_at_most_seven_tenths_of_the_answers_of_a_random_one():
    """A fifth of the races behind data/recorded/collecting/active.json, whose interval lies below 0.7 as well."""
    found = race(range(0, 400, 10), lists=16, answers=120, spread=3.0)
    assert found.share() <= 0.7
