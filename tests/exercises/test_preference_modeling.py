"""Answers to the exercises of assignment 05 as people write them, each with the name that its mistake has."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from tests.exercises.named import name_of
from topfive.checks.verdict import examine
from topfive.exercises import exercise


def mean_of_the_first_so_many(numbers, mask):
    lengths = mask.sum(dim=1).long()
    return torch.stack([numbers[i, : lengths[i]].mean() for i in range(len(numbers))])


def mean_over_what_is_not_0(numbers, mask):
    kept = numbers * mask
    return kept.sum(dim=1) / (kept != 0).sum(dim=1)


def last_counted_from_the_right(numbers, mask):
    last = mask.flip(dims=[1]).long().argmax(dim=1)
    return numbers[torch.arange(len(numbers)), last]


def last_place_of_the_batch(numbers, mask):
    last = int((mask * torch.arange(mask.shape[1])).max())
    return numbers[:, last]


def last_number_but_0(numbers, mask):
    out = []
    for row, real in zip(numbers, mask, strict=True):
        seen = (row * real).nonzero().flatten()
        out.append(row[seen[-1]] if len(seen) else row[-1])
    return torch.stack(out)


def bt_with_a_small_number(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected) + 1e-8).mean()


def bt_log_of_the_mean(chosen, rejected):
    return -torch.log(torch.sigmoid(chosen - rejected).mean())


def pl_against_those_below(scores, ranks):
    losses = []
    for s, r in zip(scores, ranks, strict=True):
        costs = []
        for i in range(len(r)):
            if 0 < r[i] < r.max():
                costs.append(torch.logsumexp(s[r > r[i]], dim=0) - s[i])
        losses.append(torch.stack(costs).mean() if costs else s.sum() * 0)
    return torch.stack(losses).mean()


def pl_by_one_column_less(scores, ranks):
    there = (ranks[:, None, :] >= ranks[:, :, None]) & (ranks[:, None, :] > 0)
    lse = scores[:, None, :].masked_fill(~there, -torch.inf).logsumexp(dim=2)
    chosen = (ranks > 0) & (ranks < ranks.max(dim=1, keepdim=True).values)
    cost = torch.where(chosen, lse - scores, torch.zeros_like(scores))
    return (cost.sum(dim=1) / (scores.shape[1] - 1)).mean()


def pl_times_the_mask(scores, ranks):
    there = (ranks[:, None, :] >= ranks[:, :, None]) & (ranks[:, None, :] > 0)
    lse = (scores[:, None, :] * there).logsumexp(dim=2)
    chosen = (ranks > 0) & (ranks < ranks.max(dim=1, keepdim=True).values)
    cost = torch.where(chosen, lse - scores, torch.zeros_like(scores))
    return (cost.sum(dim=1) / chosen.sum(dim=1).clamp(min=1)).mean()


def pairs_from_both_sides(scores, ranks):
    real = ranks > 0
    told = (ranks[:, :, None] != ranks[:, None, :]) & real[:, :, None] & real[:, None, :]
    d = scores[:, :, None] - scores[:, None, :]
    e = ranks[:, None, :] - ranks[:, :, None]
    right = ((d * e > 0).float() + 0.5 * (d == 0).float()) * told
    return right.sum(dim=(1, 2)), told.float().sum(dim=(1, 2))


def pairs_without_equal_scores(scores, ranks):
    better = (ranks[:, :, None] < ranks[:, None, :]) & (ranks[:, :, None] > 0)
    d = scores[:, :, None] - scores[:, None, :]
    better = better & (d != 0)
    right = (d > 0) & better
    return right.float().sum(dim=(1, 2)), better.float().sum(dim=(1, 2))


def pairs_as_they_stand(scores, ranks):
    i, j = torch.triu_indices(scores.shape[1], scores.shape[1], offset=1)
    better = (ranks[:, i] < ranks[:, j]) & (ranks[:, i] > 0)
    d = scores[:, i] - scores[:, j]
    right = ((d > 0).float() + 0.5 * (d == 0).float()) * better
    return right.sum(dim=1), better.float().sum(dim=1)


def ceiling_without_brackets(agreement):
    return 1 + torch.sqrt((2 * agreement - 1).clamp(min=0)) / 2


def table_without_1(probabilities, outcomes, bins=10):
    table = torch.full((bins, 3), torch.nan)
    for b in range(bins):
        inside = (probabilities >= b / bins) & (probabilities < (b + 1) / bins)
        table[b, 2] = inside.sum()
        if inside.any():
            table[b, 0] = probabilities[inside].mean()
            table[b, 1] = outcomes[inside].float().mean()
    return table


def table_with_both_edges(probabilities, outcomes, bins=10):
    table = torch.full((bins, 3), torch.nan)
    for b in range(bins):
        inside = (probabilities >= b / bins) & (probabilities <= (b + 1) / bins)
        table[b, 2] = inside.sum()
        if inside.any():
            table[b, 0] = probabilities[inside].mean()
            table[b, 1] = outcomes[inside].float().mean()
    return table


def table_by_bucketize(probabilities, outcomes, bins=10):
    edges = torch.arange(1, bins, dtype=probabilities.dtype) / bins
    which = torch.bucketize(probabilities, edges)
    one_hot = F.one_hot(which, bins).to(probabilities.dtype)
    n = one_hot.sum(dim=0)
    return torch.stack([probabilities @ one_hot / n, outcomes.to(probabilities.dtype) @ one_hot / n, n], dim=1)


def table_of_the_data(probabilities, outcomes, bins=10):
    low, high = probabilities.min(), probabilities.max()
    which = ((probabilities - low) / (high - low + 1e-9) * bins).long().clamp(max=bins - 1)
    n = torch.bincount(which, minlength=bins).float()
    p = torch.bincount(which, weights=probabilities, minlength=bins).float() / n
    y = torch.bincount(which, weights=outcomes.float(), minlength=bins).float() / n
    return torch.stack([p, y, n], dim=1)


def best_by_roll(probabilities, n):
    at_most = probabilities.cumsum(0) ** n
    return at_most - at_most.roll(1)


def mean_squeezed(numbers, mask):
    return ((numbers * mask).sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)).squeeze()


def bt_in_a_new_tensor(chosen, rejected):
    return torch.tensor(-F.logsigmoid(chosen - rejected).mean().item(), requires_grad=True)


def pl_by_consecutive_places(scores, ranks):
    losses = []
    for s, r in zip(scores, ranks, strict=True):
        total, choices, place = s.sum() * 0, 0, 1
        while (r == place).any() and (r > place).any():
            total = total + (s[r >= place].logsumexp(0) - s[r == place]).sum()
            choices += int((r == place).sum())
            place += 1
        losses.append(total / max(choices, 1))
    return torch.stack(losses).mean()


NAMED = [
    ("5.1", mean_of_the_first_so_many, "real tokens only on the left"),
    ("5.1", mean_over_what_is_not_0, "counts what is not 0"),
    ("5.2", last_counted_from_the_right, "the flipped place is not turned back"),
    ("5.2", last_place_of_the_batch, "one place for all lists"),
    ("5.2", last_number_but_0, "the last number that is not 0"),
    ("5.3", bt_with_a_small_number, "something small added, or the ends cut off"),
    ("5.3", bt_log_of_the_mean, "mean of the scores first"),
    ("5.5", pl_against_those_below, "only against those below"),
    ("5.5", pl_by_one_column_less, "divides by something near the choices"),
    ("5.5", pl_times_the_mask, "0 instead of −∞"),
    ("5.6", pairs_from_both_sides, "each pair twice"),
    ("5.6", pairs_without_equal_scores, "equal scores are left out"),
    ("5.6", pairs_as_they_stand, "only pairs whose better list stands on the left"),
    ("5.7", ceiling_without_brackets, "a 2 or ½ in the wrong place"),
    ("5.8", table_without_1, "p = 1 falls out"),
    ("5.8", table_with_both_edges, "edges belong to both bins"),
    ("5.8", table_by_bucketize, "edges belong to the bin below"),
    ("5.8", table_of_the_data, "bins over the range of the data"),
    ("5.9", best_by_roll, "something before the worst"),
    ("5.1", mean_squeezed, "squeezed too far"),
]


@pytest.mark.parametrize(("number", "function", "name"), NAMED)
def test_it_is_called_by_its_name(number: str, function: Callable[..., Any], name: str):
    assert name_of(number, function) == name


def test_a_value_in_a_new_tensor_is_told_to_have_no_gradient():
    words = examine(exercise("5.3"), bt_in_a_new_tensor).wrong[0][1].words
    assert "no gradient flows back" in words


def test_places_with_a_gap_behind_a_tie_are_places():
    """A ranking may count its places as sport does: 1, 1, 3."""
    verdict = examine(exercise("5.5"), pl_by_consecutive_places)
    assert [name for name, passed in verdict.names.items() if not passed] == ["ties"]
