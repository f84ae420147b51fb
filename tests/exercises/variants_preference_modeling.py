"""Right ways to solve the exercises of assignment 05 that are not the package's."""

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

# --- 5.1 mean_of_tokens -------------------------------------------------------------------------------------------


def mean_list_by_list(numbers, mask):
    return torch.stack([row[real.bool()].mean() for row, real in zip(numbers, mask, strict=True)])


def mean_by_einsum(numbers, mask):
    return torch.einsum("bt,bt->b", numbers, mask / mask.sum(1, keepdim=True).to(numbers.dtype))


def mean_in_float64(numbers, mask):
    return numbers.double().masked_fill(mask == 0, 0.0).sum(1).div(mask.sum(1)).to(numbers.dtype)


def mean_by_nanmean(numbers, mask):
    return torch.where(mask == 1, numbers, torch.nan).nanmean(dim=1)


# --- 5.2 last_token -----------------------------------------------------------------------------------------------


def last_list_by_list(numbers, mask):
    return torch.stack([row[real.bool()][-1] for row, real in zip(numbers, mask, strict=True)])


def last_by_looking_for_the_first_pad(numbers, mask):
    return numbers[torch.arange(len(numbers)), mask.argmin(dim=1) - 1]


def last_by_flip(numbers, mask):
    return numbers.flip(1).gather(1, mask.flip(1).argmax(dim=1, keepdim=True)).squeeze(1)


def last_by_cumsum(numbers, mask):
    is_last = (mask.cumsum(1) == mask.sum(1, keepdim=True)) & (mask == 1)
    return (numbers * is_last).sum(dim=1)


# --- 5.3 bradley_terry_loss ---------------------------------------------------------------------------------------


def bt_by_softplus(chosen, rejected):
    return F.softplus(rejected - chosen).mean()


def bt_by_cross_entropy(chosen, rejected):
    return F.cross_entropy(torch.stack([chosen, rejected], dim=1), torch.zeros(len(chosen), dtype=torch.long))


def bt_by_logaddexp(chosen, rejected):
    return (torch.logaddexp(chosen, rejected) - chosen).mean()


def bt_by_binary_cross_entropy_in_float64(chosen, rejected):
    difference = (chosen - rejected).double()
    return F.binary_cross_entropy_with_logits(difference, torch.ones_like(difference)).to(chosen.dtype)


def bt_pair_by_pair(chosen, rejected):
    losses = [-F.logsigmoid(a - b) for a, b in zip(chosen, rejected, strict=True)]
    return sum(losses) / len(losses)


# --- 5.4 plackett_luce_loss ---------------------------------------------------------------------------------------


def pl_by_loops(scores, ranks):
    losses = []
    for row, places in zip(scores, ranks.tolist(), strict=True):
        choices = []
        for own, place in enumerate(places):
            rest = [i for i, other in enumerate(places) if other >= place]
            if place > 0 and place < max(places):
                choices.append(torch.logsumexp(row[rest], dim=0) - row[own])
        losses.append(torch.stack(choices).mean() if choices else row.sum() * 0)
    return torch.stack(losses).mean()


def pl_by_sorting_and_cumulating(scores, ranks):
    """Worst first, logcumsumexp; a tie reads its value at the end of the tie."""
    absent = ranks == 0
    order = ranks.argsort(dim=1, descending=True, stable=True)
    places = ranks.gather(1, order)
    ordered = scores.gather(1, order).masked_fill(places == 0, -torch.inf)
    total = ordered.masked_fill(places == 0, -1e9).logcumsumexp(dim=1)
    end = (places[:, None, :] >= places[:, :, None]).sum(dim=2) - 1
    rest = total.gather(1, end)
    counted = (places > 0) & (places < places[:, :1])
    surprise = torch.where(counted, rest - ordered.masked_fill(places == 0, 0.0), 0.0)
    assert absent.shape == counted.shape
    return (surprise.sum(1) / counted.sum(1).clamp(min=1)).mean()


def pl_by_exponentials_in_float64(scores, ranks):
    strength = (scores.double() - scores.double().amax(dim=1, keepdim=True).detach()).exp() * (ranks > 0)
    rest = ((ranks[:, None, :] >= ranks[:, :, None]) * strength[:, None, :]).sum(2)
    counted = (ranks > 0) & (ranks < ranks.amax(dim=1, keepdim=True))
    logs = torch.where(counted, rest.log() - torch.where(counted, strength, 1.0).log(), 0.0)
    return (logs.sum(1) / counted.sum(1).clamp(min=1)).mean().to(scores.dtype)


def pl_by_log_softmax(scores, ranks):
    total = scores.new_zeros(())
    for row, places in zip(scores, ranks, strict=True):
        chosen = [i for i in range(len(places)) if 0 < places[i] < places.max()]
        surprises = [-row[places >= places[i]].log_softmax(0)[(places >= places[i])[:i].sum()] for i in chosen]
        total = total + (sum(surprises) / len(chosen) if chosen else 0 * row.sum())
    return total / len(scores)


# --- 5.5 pairs_right ----------------------------------------------------------------------------------------------


def pairs_by_combinations(scores, ranks):
    right, number = [], []
    for values, places in zip(scores.tolist(), ranks.tolist(), strict=True):
        told = [
            (a, b) for a, b in combinations(range(len(places)), 2) if places[a] != places[b] and places[a] * places[b]
        ]
        signs = [(values[a] - values[b]) * (places[b] - places[a]) for a, b in told]
        right.append(sum(1.0 if sign > 0 else 0.5 if sign == 0 else 0.0 for sign in signs))
        number.append(float(len(told)))
    return torch.tensor(right), torch.tensor(number)


def pairs_by_signs(scores, ranks):
    higher = torch.sign(scores[:, :, None] - scores[:, None, :])
    placed = torch.sign(ranks[:, None, :] - ranks[:, :, None]) * (ranks[:, None, :] * ranks[:, :, None] > 0)
    pairs = placed.abs().sum((1, 2)) / 2
    return ((higher * placed).sum((1, 2)) / 2 + pairs) / 2, pairs


def pairs_in_numpy(scores, ranks):
    scores, ranks = scores.numpy(), ranks.numpy()
    better = (ranks[:, :, None] < ranks[:, None, :]) & (ranks[:, :, None] > 0)
    worth = np.heaviside(scores[:, :, None] - scores[:, None, :], 0.5)
    return (worth * better).sum(axis=(1, 2)), better.sum(axis=(1, 2))


# --- 5.6 accuracy_ceiling -----------------------------------------------------------------------------------------


def ceiling_by_the_quadratic_formula(agreement):
    discriminant = torch.clamp(4 - 8 * (1 - agreement), min=0)
    return (2 + discriminant.sqrt()) / 4


def ceiling_by_bisection(agreement):
    low, high = torch.full_like(agreement, 0.5), torch.ones_like(agreement)
    for _ in range(60):
        middle = (low + high) / 2
        too_low = middle**2 + (1 - middle) ** 2 < agreement
        low, high = torch.where(too_low, middle, low), torch.where(too_low, high, middle)
    return low


def ceiling_in_numpy(agreement):
    return 0.5 + 0.5 * np.sqrt(np.maximum(2 * agreement.numpy() - 1, 0))


def ceiling_one_by_one(agreement):
    return [0.5 if a <= 0.5 else (1 + (2 * a - 1) ** 0.5) / 2 for a in agreement.tolist()]


# --- 5.7 calibration_table ----------------------------------------------------------------------------------------


def table_by_a_loop(probabilities, outcomes, bins=10):
    place = (probabilities * bins).long().clamp(max=bins - 1)
    rows = []
    for b in range(bins):
        inside = place == b
        rows.append([probabilities[inside].mean(), outcomes[inside].double().mean(), inside.sum()])
    return torch.tensor(rows)


def table_by_numpy_bincount(probabilities, outcomes, bins=10):
    p = probabilities.double().numpy()
    place = np.minimum(np.floor(p * bins).astype(int), bins - 1)
    count = np.bincount(place, minlength=bins)
    sums = [np.bincount(place, weights, minlength=bins) for weights in (p, outcomes.numpy())]
    divided = [np.divide(total, count, out=np.full(bins, np.nan), where=count > 0) for total in sums]
    return np.stack([*divided, count], axis=1)


def table_by_one_hot(probabilities, outcomes, bins=10):
    member = F.one_hot((probabilities * bins).long().clamp(max=bins - 1), bins).to(probabilities.dtype)
    count = member.sum(0)
    return torch.stack([probabilities @ member / count, outcomes.to(member.dtype) @ member / count, count], dim=1)


# --- 5.8 best_of_n_distribution -----------------------------------------------------------------------------------


def best_by_a_loop(probabilities, n):
    out, below = [], 0.0
    for p in probabilities.tolist():
        out.append((below + p) ** n - below**n)
        below += p
    return torch.tensor(out)


def best_by_shifting(probabilities, n):
    cumulated = torch.cumsum(probabilities.double(), 0)
    before = F.pad(cumulated, (1, 0))[:-1]
    return cumulated.pow(n) - before.pow(n)


def best_sample_by_sample(probabilities, n):
    """The best so far against one more sample, n − 1 times."""
    best = probabilities.clone()
    for _ in range(n - 1):
        at_most, more = best.cumsum(0), probabilities.cumsum(0)
        best = best * (more - probabilities) + at_most * probabilities
    return best


def best_by_counting_the_winner(probabilities, n):
    """Answer i is drawn j ≥ 1 times, all others are worse: a binomial sum."""
    from math import comb

    worse = probabilities.cumsum(0) - probabilities
    return sum(comb(n, j) * probabilities**j * worse ** (n - j) for j in range(1, n + 1))


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "5.1": [mean_list_by_list, mean_by_einsum, mean_in_float64, mean_by_nanmean],
    "5.2": [last_list_by_list, last_by_looking_for_the_first_pad, last_by_flip, last_by_cumsum],
    "5.3": [
        bt_by_softplus,
        bt_by_cross_entropy,
        bt_by_logaddexp,
        bt_by_binary_cross_entropy_in_float64,
        bt_pair_by_pair,
    ],
    "5.4": [pl_by_loops, pl_by_sorting_and_cumulating, pl_by_exponentials_in_float64, pl_by_log_softmax],
    "5.5": [pairs_by_combinations, pairs_by_signs, pairs_in_numpy],
    "5.6": [ceiling_by_the_quadratic_formula, ceiling_by_bisection, ceiling_in_numpy, ceiling_one_by_one],
    "5.7": [table_by_a_loop, table_by_numpy_bincount, table_by_one_hot],
    "5.8": [best_by_a_loop, best_by_shifting, best_sample_by_sample, best_by_counting_the_winner],
}
