"""Answers to the exercises of assignment 07 as people write them, each with the name that its mistake has."""

import math
from collections.abc import Callable
from math import comb
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binom, binomtest

from tests.exercises.named import name_of
from tests.exercises.variants_evaluation import lower_end, refuse
from topfive.checks.verdict import examine
from topfive.exercises import exercise

# --- 7.1 ----------------------------------------------------------------------------------------------------------


def interval_by_scipy(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0, 1])
    wins = int((outcomes == 1).sum() + 0.5 * (outcomes == 0).sum())
    found = binomtest(wins, n).proportion_ci(0.95, method="wilson")
    return np.array([wins / n, found.low, found.high])


def interval_with_a_bracket_too_few(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0, 1])
    p = (outcomes.mean() + 1) / 2
    half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    middle = p + z**2 / (2 * n) / (1 + z**2 / n)
    return np.array([p, middle - half, middle + half])


def interval_with_a_short_root(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0, 1])
    p = (outcomes.mean() + 1) / 2
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n) + z**2 / (4 * n**2)
    return np.array([p, middle - half, middle + half])


def interval_of_wins_and_losses(outcomes, z=1.96):
    told = outcomes[outcomes != 0]
    if len(told) == 0:
        return np.array([np.nan, 0, 1])
    p = (told == 1).mean()
    half = z * np.sqrt(p * (1 - p) / len(told))
    return np.array([p, p - half, p + half])


def interval_of_true_and_false(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0, 1])
    p = ((outcomes + 1) // 2).mean()
    middle = (p + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, middle - half, middle + half


# --- 7.2 ----------------------------------------------------------------------------------------------------------


def resampled_whatever_was_drawn(values, prompts, drawn):
    means = [values[np.isin(prompts, row)].mean() for row in drawn]
    return np.quantile(means, [0.025, 0.975])


def resampled_by_means(values, prompts, drawn):
    own = np.array([values[prompts == p].mean() if (prompts == p).any() else np.nan for p in range(drawn.shape[1])])
    return np.nanquantile(np.nanmean(own[drawn], axis=1), [0.025, 0.975])


def resampled_prompts_of_places(values, prompts, drawn):
    return np.quantile(values[prompts[drawn]].mean(axis=1), [0.025, 0.975])


def resampled_in_a_dictionary(values, prompts, drawn):
    own = {}
    for value, prompt in zip(values, prompts, strict=True):
        own[prompt] = value
    means = [np.mean([own[prompt] for prompt in row if prompt in own]) for row in drawn]
    return np.quantile(means, [0.025, 0.975])


def resampled_all_at_once(values, prompts, drawn):
    sums = np.bincount(prompts, values, minlength=drawn.shape[1])
    counts = np.bincount(prompts, minlength=drawn.shape[1])
    mean = sums[drawn].sum() / counts[drawn].sum()
    return np.quantile(mean, [0.025, 0.975])


def resampled_and_counted_off(values, prompts, drawn):
    means = sorted(np.concatenate([values[prompts == p] for p in row]).mean() for row in drawn)
    return means[int(0.025 * len(means))], means[int(0.975 * len(means))]


# --- 7.3 ----------------------------------------------------------------------------------------------------------


def power_that_stops_before_n(rate, n, z=1.96):
    return sum(binom.pmf(k, n, rate) for k in range(n) if lower_end(k, n, z) > 0.5)


def power_with_n_if_nothing_is_found(rate, n, z=1.96):
    least = next((k for k in range(n + 1) if lower_end(k, n, z) > 0.5), n)
    return binom.sf(least - 1, n, rate)


def power_of_more_than_the_least(rate, n, z=1.96):
    return binom.sf(math.ceil(n / 2 + z * math.sqrt(n) / 2), n, rate)


def power_of_a_yes_or_no(rate, n, z=1.96):
    return float(lower_end(rate * n, n, z) > 0.5)


def power_of_one_tail(rate, n, z=1.96):
    tails = (binomtest(k, n, alternative="greater").pvalue for k in range(n + 1))
    return sum(binom.pmf(k, n, rate) for k, p in enumerate(tails) if p < 0.05)


# --- 7.4 ----------------------------------------------------------------------------------------------------------


def best_of_sorted_values(scores, values, n):
    m = scores.shape[1]
    weights = torch.tensor([comb(i, n - 1) / comb(m, n) for i in range(m)])
    return (values.sort(dim=1).values * weights).sum(dim=1)


def best_with_replacement(scores, values, n):
    m = scores.shape[1]
    weights = (torch.full((m,), 1 / m).cumsum(0) ** n).diff(prepend=torch.zeros(1))
    return values.gather(1, scores.argsort(1)) @ weights


def best_by_factorials(scores, values, n):
    m, f = scores.shape[1], math.factorial
    weights = torch.tensor([f(i) / (f(n) * f(i - n)) if i >= n else 0.0 for i in range(m)]) / comb(m, n)
    return (values.gather(1, scores.argsort(1)) * weights).sum(dim=1)


def best_score(scores, values, n):
    m = scores.shape[1]
    weights = torch.tensor([comb(i, n - 1) / comb(m, n) for i in range(m)])
    return (scores.sort(dim=1).values * weights).sum(dim=1)


def best_averaged_once_more(scores, values, n):
    m = scores.shape[1]
    weights = torch.tensor([comb(i, n - 1) / comb(m, n) for i in range(m)])
    return (values.gather(1, scores.argsort(1)) * weights).mean(dim=1)


# --- 7.5 ----------------------------------------------------------------------------------------------------------


def columns(d, form):
    return np.column_stack([d, -(d**2) if form == "best of n" else -d * np.log(d)])


def fit_by_polyfit(distance, gold, form):
    refuse(distance, form)
    if form == "best of n":
        bent, straight, _ = np.polyfit(distance, gold, 2)
        return np.array([straight, -bent])
    moved = distance > 0
    return np.linalg.lstsq(columns(distance[moved], form), gold[moved])[0]


def fit_with_0_log_0(distance, gold, form):
    refuse(distance, form)
    with np.errstate(all="ignore"):
        x = columns(distance, form)
    return np.linalg.solve(x.T @ x, x.T @ gold)


def fit_without_a_word(distance, gold, form):
    moved = distance > 0
    return np.linalg.lstsq(columns(distance[moved], form), gold[moved])[0]


def fit_that_hands_back_nothing(distance, gold, form):
    try:
        refuse(distance, form)
    except ValueError:
        return None
    return fit_without_a_word(distance, gold, form)


def fit_of_two_points(distance, gold, form):
    if form not in ("best of n", "rl") or (distance > 0).sum() < 2:
        raise ValueError(form)
    return fit_without_a_word(distance, gold, form)


def fit_of_gain_by_distance(distance, gold, form):
    refuse(distance, form)
    d = distance[distance > 0]
    slope, start = np.polyfit(d if form == "best of n" else np.log(d), gold[distance > 0] / d, 1)
    return np.array([start, -slope])


# --- 7.6 ----------------------------------------------------------------------------------------------------------


def bound_by_std_as_it_is(scores, doubt):
    z = (scores - scores.mean(1, keepdim=True)) / (scores.std(1, keepdim=True) + 1e-8)
    return z.mean(0) - doubt * z.std(0)


def bound_of_raw_scores(scores, doubt):
    return scores.mean(0) - doubt * scores.std(0)


def bound_with_nan_to_num_at_the_end(scores, doubt):
    z = (scores - scores.mean(1, keepdim=True)) / scores.std(1, keepdim=True, correction=0)
    return (z.mean(0) - doubt * z.std(0, correction=0)).nan_to_num(0)


def bound_without_the_silent(scores, doubt):
    heard = scores[scores.std(1, correction=0) > 0]
    z = (heard - heard.mean(1, keepdim=True)) / heard.std(1, keepdim=True, correction=0)
    return z.mean(0) - doubt * z.std(0, correction=0)


def bound_with_a_hundredth(scores, doubt):
    z = (scores - scores.mean(1, keepdim=True)) / (scores.std(1, keepdim=True, correction=0) + 1e-2)
    return z.mean(0) - doubt * z.std(0, correction=0)


ANSWERS: list[tuple[str, Callable[..., Any], str]] = [
    ("7.1", interval_by_scipy, "a library's interval of whole wins"),
    ("7.1", interval_with_a_bracket_too_few, "not divided"),
    ("7.1", interval_with_a_short_root, "the root ends too early"),
    ("7.1", interval_of_wins_and_losses, "so many standard errors, without ties"),
    ("7.1", interval_of_true_and_false, "ties are losses"),
    ("7.2", resampled_whatever_was_drawn, "a prompt that was drawn twice counts once"),
    ("7.2", resampled_by_means, "every prompt weighs alike"),
    ("7.2", resampled_prompts_of_places, "comparisons are drawn, not prompts"),
    ("7.2", resampled_in_a_dictionary, "one comparison of each prompt"),
    ("7.2", resampled_all_at_once, "all resamples in one"),
    ("7.2", resampled_and_counted_off, "counted off"),
    ("7.3", power_that_stops_before_n, "n wins of n are forgotten"),
    ("7.3", power_with_n_if_nothing_is_found, "all of all is always enough"),
    ("7.3", power_of_more_than_the_least, "one win too many, or too few"),
    ("7.3", power_of_a_yes_or_no, "what is expected"),
    ("7.3", power_of_one_tail, "a test at 5 % on one side"),
    ("7.4", best_of_sorted_values, "chosen by value"),
    ("7.4", best_with_replacement, "the same list twice"),
    ("7.4", best_by_factorials, "n lists below it, instead of n − 1"),
    ("7.4", best_score, "the score of what is kept"),
    ("7.4", best_averaged_once_more, "divided by another number"),
    ("7.5", fit_by_polyfit, "a constant"),
    ("7.5", fit_with_0_log_0, "0 · log 0 is not a number"),
    ("7.5", fit_without_a_word, "nothing is refused"),
    ("7.5", fit_that_hands_back_nothing, "refused without an error"),
    ("7.5", fit_of_two_points, "two numbers from one distance"),
    ("7.5", fit_of_gain_by_distance, "the gain divided by d"),
    ("7.6", bound_by_std_as_it_is, "both deviations with one less"),
    ("7.6", bound_of_raw_scores, "members in units of their own"),
    ("7.6", bound_with_nan_to_num_at_the_end, "0 by 0"),
    ("7.6", bound_without_the_silent, "a silent member is left out"),
    ("7.6", bound_with_a_hundredth, "too much is added to the deviation"),
]


@pytest.mark.parametrize(("number", "function", "name"), ANSWERS, ids=lambda one: getattr(one, "__name__", None))
def test_an_answer_as_people_write_it_is_named(number: str, function: Callable[..., Any], name: str):
    assert name_of(number, function) == name


# --- what tells by itself -----------------------------------------------------------------------------------------


def interval_that_divides_by_0(outcomes, z=1.96):
    n = len(outcomes)
    p = sum((one + 1) / 2 for one in outcomes.tolist()) / n
    middle, below = p + z**2 / (2 * n), 1 + z**2 / n
    half = z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return [p, (middle - half) / below, (middle + half) / below]


def resampled_without_minlength(values, prompts, drawn):
    sums, counts = np.bincount(prompts, values), np.bincount(prompts)
    return np.quantile(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1), [0.025, 0.975])


def fit_that_raises_another_error(distance, gold, form):
    if form not in ("best of n", "rl"):
        raise KeyError(form)
    refuse(distance, form)
    return fit_without_a_word(distance, gold, form)


@pytest.mark.parametrize(
    ("number", "function", "failed", "error"),
    [
        ("7.1", interval_that_divides_by_0, "no comparison at all", ZeroDivisionError),
        ("7.2", resampled_without_minlength, "a prompt without a comparison", IndexError),
        ("7.5", fit_that_raises_another_error, "a form that there is not", KeyError),
    ],
)
def test_an_error_in_one_kind_of_case_costs_that_one(
    number: str, function: Callable[..., Any], failed: str, error: type[Exception]
):
    verdict = examine(exercise(number), function)
    assert [name for name, passed in verdict.names.items() if not passed] == [failed]
    assert isinstance(verdict.wrong[0][0].error, error)
    assert verdict.mistake is None


def fit_with_a_tiny_distance(distance, gold, form):
    refuse(distance, form)
    return np.linalg.lstsq(columns(distance + 1e-8, form), gold)[0]


def bound_by_layer_norm(scores, doubt):
    z = torch.nn.functional.layer_norm(scores, scores.shape[1:], eps=1e-12)
    return z.mean(0) - doubt * z.std(0, correction=0)


@pytest.mark.parametrize(
    ("number", "function"), [("7.5", fit_with_a_tiny_distance), ("7.6", bound_by_layer_norm)], ids=str
)
def test_what_saves_one_from_0_by_a_very_small_number_is_right(number: str, function: Callable[..., Any]):
    assert examine(exercise(number), function).passed
