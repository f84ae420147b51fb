"""Answers to the exercises of assignment 01 as people write them, each with the name that its mistake has."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.exercises.named import name_of


def percent_of_python_lists(a, b):
    return sum(x == y for x, y in zip(a, b, strict=True)) / len(a)


def percent_where_true(a, b):
    both = [bool(x > 0) and bool(y > 0) for x, y in zip(a, b, strict=True)]
    return (a == b)[both].mean() if any(both) else np.nan


def percent_with_a_guard(a, b):
    n = same = 0
    for x, y in zip(a, b, strict=True):
        if x != -1 and y != -1:
            n += 1
            same += x == y
    return same / n if n else 0


def kappa_of_everything(a, b):
    classes = np.unique(np.concatenate([a, b]))
    observed = np.mean(a == b)
    chance = sum(np.mean(a == c) * np.mean(b == c) for c in classes)
    return (observed - chance) / (1 - chance)


def kappa_by_scott(a, b):
    both = (a >= 0) & (b >= 0)
    a, b = a[both], b[both]
    if not len(a):
        return np.nan
    shares = np.bincount(np.concatenate([a, b])) / (2 * len(a))
    chance = (shares**2).sum()
    return ((a == b).mean() - chance) / (1 - chance) if chance < 1 else np.nan


def alpha_by_item_means(labels):
    apart, bag = [], []
    for row in labels:
        values = row[row >= 0]
        if len(values) > 1:
            m = len(values)
            apart.append((values[:, None] != values[None, :]).sum() / (m * (m - 1)))
            bag.extend(values.tolist())
    if len(set(bag)) < 2:
        return np.nan
    n = len(bag)
    expected = (n**2 - sum(k**2 for k in Counter(bag).values())) / (n * (n - 1))
    return 1 - np.mean(apart) / expected


def vote_by_argmax(labels, classes):
    return np.array([np.bincount(row[row >= 0], minlength=classes).argmax() for row in labels])


def vote_by_counter(labels, classes):
    return np.array([Counter(row.tolist()).most_common(1)[0][0] for row in labels])


def matrices_by_argmax(labels, guesses, floor=1e-10):
    truth = guesses.argmax(axis=1)
    counts = np.zeros((labels.shape[1], guesses.shape[1], guesses.shape[1]))
    for t, w in zip(*np.nonzero(labels >= 0), strict=True):
        counts[w, truth[t], labels[t, w]] += 1
    counts = np.maximum(counts, floor)
    return counts / counts.sum(axis=2, keepdims=True)


def matrices_with_index(labels, guesses, floor=1e-10):
    counts = np.zeros((labels.shape[1], guesses.shape[1], guesses.shape[1]))
    for t, row in enumerate(labels):
        for w, said in enumerate(row):
            counts[w, :, said] += guesses[t]
    counts = np.maximum(counts, floor)
    return counts / counts.sum(axis=2, keepdims=True)


def guesses_by_products(labels, prior, matrices):
    out = []
    for row in labels:
        p = prior.copy()
        for w, said in enumerate(row):
            if said >= 0:
                p = p * matrices[w, :, said]
        with np.errstate(invalid="ignore"):
            out.append(p / p.sum())
    return np.array(out)


def guesses_without_a_prior(labels, prior, matrices):
    logs = np.zeros((len(labels), len(prior)))
    for t, w in zip(*np.nonzero(labels >= 0), strict=True):
        logs[t] += np.log(matrices[w, :, labels[t, w]])
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)


def golden_of_all_golden(labels, gold):
    known = gold >= 0
    right = (labels[known] == gold[known][:, None]).mean(axis=0)
    return np.stack([right, ((labels >= 0) & known[:, None]).sum(axis=0)], axis=1)


def golden_with_nan_to_num(labels, gold):
    met = (labels >= 0) & (gold >= 0)[:, None]
    right = (met & (labels == gold[:, None])).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.stack([np.nan_to_num(right / met.sum(axis=0)), met.sum(axis=0)], axis=1)


def spammers_by_accuracy(matrices):
    return np.array([np.trace(m) / len(m) for m in matrices])


def spammers_by_all_pairs(matrices):
    n = matrices.shape[1]
    return np.array([np.mean([((m[i] - m[j]) ** 2).sum() / 2 for i in range(n) for j in range(n)]) for m in matrices])


NAMED = [
    ("1.1", percent_of_python_lists, "a missing label is a label"),
    ("1.1", percent_where_true, "class 0 is left out"),
    ("1.1", percent_with_a_guard, "0 where there is nothing"),
    ("1.2", kappa_of_everything, "missing is a class"),
    ("1.2", kappa_by_scott, "frequencies pooled"),
    ("1.3", alpha_by_item_means, "lists weigh alike"),
    ("1.4", vote_by_argmax, "a tie goes to the first class"),
    ("1.5", matrices_by_argmax, "guesses made hard"),
    ("1.5", matrices_with_index, "−1 is the last class"),
    ("1.6", guesses_by_products, "a product that is 0 in the computer"),
    ("1.6", guesses_without_a_prior, "no prior"),
    ("1.7", golden_of_all_golden, "not asked is wrong"),
    ("1.7", golden_with_nan_to_num, "0 for who met none"),
    ("1.8", spammers_by_accuracy, "how often they are right"),
    ("1.8", spammers_by_all_pairs, "each truth with itself"),
]


@pytest.mark.parametrize(("number", "function", "name"), NAMED)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_it_is_called_by_its_name(number: str, function: Callable[..., Any], name: str):
    assert name_of(number, function) == name


def test_a_vote_that_counts_what_is_missing_is_named_by_that():
    assert name_of("1.4", vote_by_counter) is None or name_of("1.4", vote_by_counter) == "−1 has a vote"
