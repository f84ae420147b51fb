"""Win rates with Wilson's interval, intervals that resample prompts, and how many comparisons it takes."""

import math
import subprocess
import sys

import numpy as np
import pytest
from scipy.stats import binom, binomtest, norm

from topfive import comparisons
from topfive.comparisons import power, resampled_interval, win_interval
from topfive.stats import ratio_bootstrap

# --- a win rate ---------------------------------------------------------------------------------------------------


def outcomes(won: int, tied: int, lost: int) -> np.ndarray:
    return np.repeat([1, 0, -1], [won, tied, lost])


def test_five_comparisons_by_hand():
    """(0.7 + 0.4) / 1.8, and 2 / 1.8 times the root of 0.042 + 0.04."""
    rate, low, high = win_interval(np.array([1, 1, 0, -1, 1]), z=2.0)
    assert rate == pytest.approx(0.7)
    assert (low + high) / 2 == pytest.approx(1.1 / 1.8)
    assert (high - low) / 2 == pytest.approx(2 / 1.8 * math.sqrt(0.082))


@pytest.mark.parametrize(("won", "lost"), [(8, 2), (0, 5), (7, 0), (1, 1), (140, 60)])
@pytest.mark.parametrize("confidence", [0.95, 0.8, 0.999])
def test_without_ties_it_is_what_scipy_gives(won: int, lost: int, confidence: float):
    scipys = binomtest(won, won + lost).proportion_ci(confidence, method="wilson")
    z = float(norm.isf((1 - confidence) / 2))
    found = win_interval(outcomes(won, 0, lost), z)
    assert found == pytest.approx([won / (won + lost), scipys.low, scipys.high], abs=1e-12)


@pytest.mark.parametrize("tied", [2, 6, 10])
def test_two_ties_are_a_win_and_a_loss(tied: int):
    with_ties, without = outcomes(5, tied, 3), outcomes(5 + tied // 2, 0, 3 + tied // 2)
    assert win_interval(with_ties) == pytest.approx(win_interval(without))


def test_its_ends_are_z_standard_errors_away_from_the_rate():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        z, given = float(rng.uniform(0.5, 3)), rng.integers(-1, 2, size=int(rng.integers(1, 40)))
        rate, *ends = win_interval(given, z)
        for p in ends:
            assert (rate - p) ** 2 == pytest.approx(z**2 * p * (1 - p) / len(given), abs=1e-12)
        assert -1e-12 < ends[0] <= rate + 1e-12
        assert rate - 1e-12 <= ends[1] < 1 + 1e-12


def test_seen_from_the_old_models_side_it_is_turned_round():
    given = outcomes(9, 4, 2)
    rate, low, high = win_interval(given)
    assert win_interval(-given) == pytest.approx([1 - rate, 1 - high, 1 - low])


def test_of_no_comparison_nothing_is_known():
    rate, low, high = win_interval(np.zeros(0, dtype=np.int64))
    assert math.isnan(rate)
    assert (low, high) == (0, 1)


def test_with_ties_it_is_rather_too_wide_and_never_too_narrow():
    """A tie varies less than a coin: the docstring says so."""
    rng = np.random.default_rng(0)
    given = rng.choice([1, 0, -1], p=[0.4, 0.35, 0.25], size=(4000, 50))
    found = np.array([win_interval(one) for one in given])
    held = (found[:, 1] <= 0.575) & (found[:, 2] >= 0.575)
    assert held.mean() > 0.96
    without = rng.choice([1, -1], p=[0.575, 0.425], size=(4000, 50))
    plain = np.array([win_interval(one) for one in without])
    assert 0.93 < ((plain[:, 1] <= 0.575) & (plain[:, 2] >= 0.575)).mean() < held.mean()


# --- twice the same prompt ----------------------------------------------------------------------------------------


def test_one_resample_by_hand():
    """Prompt 0 twice, prompt 1 once: 1 + 1 + 0.5 of seven comparisons."""
    values, prompts = np.array([1, 0, 0, 0.5, 1, 1]), np.array([0, 0, 0, 1, 2, 2])
    assert resampled_interval(values, prompts, np.array([[0, 0, 1]])) == pytest.approx([2.5 / 7] * 2)


def test_the_ends_are_quantiles_of_the_resamples():
    """Prompt p has the one value p: 41 resamples of one prompt each give the means 0, 1, … 40."""
    values = np.arange(41.0)
    drawn = np.repeat(np.random.default_rng(0).permutation(41)[:, None], 41, axis=1)
    assert resampled_interval(values, np.arange(41), drawn) == pytest.approx([1, 39])


def test_it_agrees_with_the_package_that_draws_for_itself():
    rng = np.random.default_rng(0)
    prompts, values = np.append(np.arange(15), rng.integers(15, size=60)), rng.normal(size=75)
    drawn = np.random.default_rng(3).integers(15, size=(2000, 15))
    sums, counts = np.bincount(prompts, values), np.bincount(prompts)
    other = ratio_bootstrap(sums, counts.astype(float), seed=3)
    assert resampled_interval(values, prompts, drawn) == pytest.approx([other.low, other.high])


def test_nothing_changes_with_the_order_or_with_a_shift():
    rng = np.random.default_rng(1)
    values, prompts, drawn = rng.normal(size=30), rng.integers(6, size=30), rng.integers(6, size=(50, 6))
    found, order = resampled_interval(values, prompts, drawn), rng.permutation(30)
    assert resampled_interval(values[order], prompts[order], drawn) == pytest.approx(found)
    assert resampled_interval(2 * values + 3, prompts, drawn) == pytest.approx(2 * found + 3)


def test_a_prompt_without_a_comparison_adds_nothing():
    values, prompts = np.array([1.0, 0.0]), np.array([0, 2])
    assert resampled_interval(values, prompts, np.array([[0, 1, 1]])) == pytest.approx([1, 1])
    assert resampled_interval(values, prompts, np.array([[0, 2, 1]])) == pytest.approx([0.5, 0.5])


def test_the_last_prompt_may_be_without_one():
    assert resampled_interval(np.array([3.0]), np.array([0]), np.array([[0, 2, 1]])) == pytest.approx([3, 3])


def test_comparisons_that_end_alike_on_a_prompt_make_it_wider():
    rng = np.random.default_rng(0)
    prompts = np.repeat(np.arange(20), 5)
    values = rng.integers(0, 2, size=20)[prompts].astype(float)
    low, high = resampled_interval(values, prompts, rng.integers(20, size=(1000, 20)))
    one_by_one = resampled_interval(values, np.arange(100), rng.integers(100, size=(1000, 100)))
    assert high - low > 1.8 * (one_by_one[1] - one_by_one[0])


# --- how many comparisons it takes --------------------------------------------------------------------------------


def test_only_five_of_five_show_anything():
    assert power(0.8, 5) == pytest.approx(0.8**5)
    assert [power(0.9, n) for n in (1, 2, 3)] == [0, 0, 0]


def test_forty_comparisons():
    assert power(0.7, 40) == pytest.approx(0.703, abs=5e-4)
    assert isinstance(power(0.7, 40), float)


@pytest.mark.parametrize(("rate", "n", "z"), [(0.5, 33, 1.96), (0.62, 50, 1.96), (0.66, 17, 1.3), (0.8, 24, 2.576)])
def test_it_is_the_sum_over_what_can_happen(rate: float, n: int, z: float):
    shown = [k for k in range(n + 1) if win_interval(outcomes(k, 0, n - k), z)[1] > 0.5]
    assert shown
    by_hand = sum(math.comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in shown)
    assert power(rate, n, z) == pytest.approx(by_hand)


def test_it_is_how_often_it_happens():
    won = np.random.default_rng(0).random((4000, 60)) < 0.65
    low = [win_interval(np.where(one, 1, -1))[1] for one in won]
    assert power(0.65, 60) == pytest.approx(np.mean(np.array(low) > 0.5), abs=0.02)


def test_it_is_the_score_test():
    """Wilson's end is above one half exactly where the rate is more than z √(¼ / n) above it."""
    for n in (7, 26, 43, 118, 391):
        more = binom.sf(math.floor(n / 2 + 1.96 * math.sqrt(n) / 2), n, 0.58)
        assert power(0.58, n) == pytest.approx(more)


def test_two_models_that_are_the_same_rarely_look_different():
    """Less than one in twenty-five, but for n = 4: four of four are enough there, which happens once in sixteen."""
    assert {n for n in range(1, 300) if power(0.5, n) > 0.04} == {4}
    assert power(0.5, 4) == pytest.approx(1 / 16)
    assert power(0.5, 2001) == pytest.approx(0.025, abs=0.003)


def test_more_is_shown_of_a_larger_rate_and_in_the_long_run_of_more_comparisons():
    rates = [power(rate, 60) for rate in (0.0, 0.3, 0.5, 0.6, 0.7, 0.9, 1.0)]
    assert rates == sorted(rates)
    assert (rates[0], rates[-1]) == (0, pytest.approx(1))
    assert power(0.6, 50) < power(0.6, 100) < power(0.6, 400)


def test_no_comparison_is_refused():
    with pytest.raises(ValueError, match="at least 1, got 0"):
        power(0.7, 0)


def test_it_loads_without_scipy_which_takes_a_second():
    code = f"import sys, {comparisons.__name__}; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
