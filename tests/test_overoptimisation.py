"""Curves of over-optimisation, and a reward that says less where its members disagree."""

import math

import numpy as np
import pytest
import torch
from scipy.optimize import curve_fit

from topfive.overoptimisation import fit_gold, lower_bound

FORMS = ("best of n", "rl")


def curve(d: np.ndarray, alpha: float, beta: float, form: str) -> np.ndarray:
    """The formulas as they stand in the paper, 0 at 0."""
    safe = np.where(d > 0, d, 1)
    return d * (alpha - beta * (d if form == "best of n" else np.log(safe)))


def measured(form: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    d = rng.uniform(0.2, 4, 12)
    return d, curve(d, 1.3, 0.4, form) + rng.normal(0, 0.2, 12)


# --- curves -------------------------------------------------------------------------------------------------------


def test_two_points_by_hand():
    """α − β = 0.75 and 2 (α − 2 β) = 1; with the logarithm, α = 0.75 and 2 (α − β log 2) = 1."""
    d, gold = np.array([1.0, 2.0]), np.array([0.75, 1.0])
    assert fit_gold(d, gold, "best of n") == pytest.approx([1, 0.25])
    assert fit_gold(d, gold, "rl") == pytest.approx([0.75, 0.25 / math.log(2)])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("alpha", "beta"), [(1.2, 0.3), (0.5, 0.9), (1.0, -0.2), (-0.3, 0.1)])
def test_points_on_a_curve_give_that_curve(form: str, alpha: float, beta: float):
    d = np.array([0.0, 0.4, 1.0, 1.7, 3.0])
    assert fit_gold(d, curve(d, alpha, beta, form), form) == pytest.approx([alpha, beta])


@pytest.mark.parametrize("form", FORMS)
def test_it_is_what_a_library_fits(form: str):
    d, gold = measured(form)
    found, _ = curve_fit(lambda d, alpha, beta: curve(d, alpha, beta, form), d, gold, p0=[0.0, 0.0])
    assert fit_gold(d, gold, form) == pytest.approx(found, rel=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_nothing_near_by_fits_better(form: str):
    d, gold = measured(form, seed=1)
    alpha, beta = fit_gold(d, gold, form)

    def off(a: float, b: float) -> float:
        return float(((gold - curve(d, a, b, form)) ** 2).sum())

    assert all(
        off(alpha + x, beta + y) > off(alpha, beta) for x in (-0.01, 0, 0.01) for y in (-0.01, 0, 0.01) if x or y
    )


@pytest.mark.parametrize("form", FORMS)
def test_where_nothing_has_moved_nothing_is_said(form: str):
    d, gold = measured(form)
    found = fit_gold(np.append(0.0, d), np.append(0.7, gold), form)
    assert found == pytest.approx(fit_gold(d, gold, form))


@pytest.mark.parametrize("form", FORMS)
def test_another_unit_of_gold_is_another_unit_of_both(form: str):
    d, gold = measured(form)
    order = np.random.default_rng(0).permutation(len(d))
    assert fit_gold(d[order], 3 * gold[order], form) == pytest.approx(3 * fit_gold(d, gold, form))


def test_another_form_is_refused():
    d, gold = measured("rl")
    for form in ("ppo", "RL", "best-of-n", ""):
        with pytest.raises(ValueError, match="should be 'best of n' or 'rl'"):
            fit_gold(d, gold, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("d", [[], [0.0, 0.0], [1.5], [0.0, 1.5, 0.0], [2.0, 2.0, 2.0], [0.0, 2.0, 2.0]])
def test_one_distance_is_too_little_for_two_numbers(form: str, d: list[float]):
    with pytest.raises(ValueError, match="two different distances above 0"):
        fit_gold(np.array(d), np.ones(len(d)), form)


# --- a reward that doubts itself ----------------------------------------------------------------------------------


def test_two_members_by_hand():
    """−1, −1, 1, 1 and −1, 1, 1, −1: they agree about the first and the third."""
    scores = torch.tensor([[0.0, 0.0, 2.0, 2.0], [10.0, 30.0, 30.0, 10.0]])
    assert lower_bound(scores, 0.0).tolist() == [-1, 0, 1, 0]
    assert lower_bound(scores, 0.5).tolist() == [-1, -0.5, 1, -0.5]


@pytest.mark.parametrize("seed", range(5))
def test_it_is_what_numpy_gives(seed: int):
    scores = np.random.default_rng(seed).normal(size=(4, 9)) * [[1], [5], [0.1], [30]] + [[0], [100], [-3], [7]]
    standard = (scores - scores.mean(axis=1, keepdims=True)) / scores.std(axis=1, keepdims=True)
    expected = standard.mean(axis=0) - 1.7 * standard.std(axis=0)
    assert lower_bound(torch.tensor(scores), 1.7).tolist() == pytest.approx(expected.tolist())


def test_a_members_zero_and_unit_do_not_matter():
    scores = torch.randn(3, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    other = torch.tensor([[2.0], [0.3], [40.0]]) * scores + torch.tensor([[5.0], [-9.0], [0.1]])
    torch.testing.assert_close(lower_bound(other, 0.9), lower_bound(scores, 0.9))


def test_members_that_say_the_same_do_not_doubt():
    one = torch.randn(1, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    for members in (one, torch.cat([one, 3 * one + 1, one / 7])):
        torch.testing.assert_close(lower_bound(members, 5.0), lower_bound(one, 0.0))


@pytest.mark.parametrize("same", [0.0, 2.0, 0.1, -1e4 / 3])
def test_a_member_that_says_nothing_says_0(same: float):
    """Also where its mean is off by a rounding error."""
    other = torch.randn(1, 7, generator=torch.Generator().manual_seed(0))
    found = lower_bound(torch.cat([other, torch.full((1, 7), same)]), 1.0)
    standard = (other[0] - other[0].mean()) / other[0].std(correction=0)
    torch.testing.assert_close(found, standard / 2 - standard.abs() / 2)
    assert lower_bound(torch.full((3, 7), same), 1.0).tolist() == [0] * 7


def test_more_doubt_is_never_more_reward():
    scores = torch.randn(4, 10, generator=torch.Generator().manual_seed(0))
    bounds = torch.stack([lower_bound(scores, doubt) for doubt in (0.0, 0.5, 1.0, 3.0)])
    assert bool((bounds.diff(dim=0) <= 0).all())
