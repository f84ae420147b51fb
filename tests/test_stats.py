import subprocess
import sys

import numpy as np
import pytest

from topfive.stats import Estimate, bootstrap, cluster_bootstrap, cluster_ratio, in_words, ratio_bootstrap, wilson


def test_wilson_by_its_formula():
    """Wilson 1927: the roots of (p − p̂)² = z² p (1 − p) / n, here for 8 of 10."""
    z, n, share = 1.959964, 10, 0.8
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    found = wilson(8, 10)
    assert (found.mean, found.n) == (0.8, 10)
    assert (found.low, found.high) == pytest.approx((middle - half, middle + half), abs=1e-6)


def test_wilson_at_the_ends_stays_inside_and_keeps_a_width():
    assert wilson(0, 20).low == 0
    assert 0.1 < wilson(0, 20).high < 0.2
    assert wilson(20, 20).low < 1


@pytest.mark.parametrize(("successes", "n"), [(0, 0), (-1, 5), (6, 5)])
def test_wilson_refuses_counts_that_cannot_be(successes: int, n: int):
    with pytest.raises(ValueError, match=f"got {successes} of {n}"):
        wilson(successes, n)


def test_bootstrap_intervals_cover_the_truth_about_95_times_in_100():
    rng = np.random.default_rng(0)
    found = [bootstrap(rng.exponential(size=60), resamples=400) for _ in range(300)]
    assert 0.90 <= np.mean([one.low <= 1.0 <= one.high for one in found]) <= 0.98


def test_bootstrap_width_follows_confidence_and_the_standard_error():
    values = np.random.default_rng(0).normal(size=400)
    wide, narrow = bootstrap(values), bootstrap(values, confidence=0.68)
    assert wide.mean == pytest.approx(values.mean())
    assert (wide.high - wide.low) == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.1)
    assert (narrow.high - narrow.low) == pytest.approx(2 * 0.994 * values.std() / 20, rel=0.1)


def test_bootstrap_is_the_same_for_the_same_seed_only():
    values = np.arange(30.0)
    assert bootstrap(values, seed=1) == bootstrap(values, seed=1)
    assert bootstrap(values, seed=1) != bootstrap(values, seed=2)


def test_a_ratio_is_of_sums_and_resamples_whole_clusters():
    """One big cluster against nine small ones: a mean of ratios would be 0.1, and pairs alone look too certain."""
    right, pairs = np.array([90.0, *[0.0] * 9]), np.array([90.0, *[10.0] * 9])
    found = ratio_bootstrap(right, pairs)
    assert found.mean == pytest.approx(0.5)
    assert found.n == 10
    assert found.low == 0
    assert found.high > 0.7


def test_clusters_are_drawn_whole_whatever_their_order():
    values = np.random.default_rng(0).normal(size=60)
    clusters = [f"prompt {number % 20}" for number in range(60)]
    found = cluster_bootstrap(values, clusters)
    assert (found.mean, found.n) == (pytest.approx(values.mean()), 20)
    assert found == ratio_bootstrap(values.reshape(3, 20).sum(axis=0), np.full(20, 3.0))
    assert cluster_bootstrap(values, range(60)).to_dict() == pytest.approx(bootstrap(values).to_dict())


def test_a_ratio_over_clusters_adds_up_first_and_leaves_out_who_says_nothing():
    found = cluster_ratio([1, 2, 0, 3], [2, 2, 0, 4], ["a", "b", "c", "a"])
    assert (found.mean, found.n) == (6 / 8, 2)
    assert found == ratio_bootstrap(np.array([4.0, 2.0]), np.array([6.0, 2.0]))
    with pytest.raises(ValueError, match="no values"):
        cluster_ratio([1], [0], ["a"])


@pytest.mark.parametrize(
    ("n", "said"), [(4, "0.67 (n = 4: too few for an interval)"), (5, "0.67 [0.50, 1.00] (n = 5)")]
)
def test_few_clusters_have_no_interval(n: int, said: str):
    assert in_words(Estimate(2 / 3, 0.5, 1.0, n)) == said


def test_nothing_to_estimate_is_refused():
    with pytest.raises(ValueError, match="no values"):
        bootstrap([])
    with pytest.raises(ValueError, match="no values"):
        cluster_bootstrap([], [])


def test_an_estimate_reads_as_a_number_and_as_a_row():
    estimate = Estimate(0.756, 0.701, 0.811, 300)
    assert str(estimate) == "0.76 [0.70, 0.81] (n = 300)"
    assert estimate.to_dict() == {"mean": 0.756, "low": 0.701, "high": 0.811, "n": 300}


def test_a_panel_opens_without_scipy_which_takes_a_second_to_load():
    code = "import sys, topfive.panels; print('scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
