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


def mean_by_bmm(numbers, mask):
    weights = mask.to(numbers.dtype)
    weights = weights / weights.sum(dim=1, keepdim=True)
    return torch.bmm(numbers[:, None, :], weights[:, :, None])[:, 0, 0]


def mean_by_index_add(numbers, mask):
    rows, cols = mask.nonzero(as_tuple=True)
    total = numbers.new_zeros(len(numbers)).index_add(0, rows, numbers[rows, cols])
    return total / torch.bincount(rows, minlength=len(numbers))


def mean_as_it_runs(numbers, mask):
    mean = torch.zeros_like(numbers[:, 0])
    seen = torch.zeros_like(numbers[:, 0])
    for t in range(numbers.shape[1]):
        m = mask[:, t].to(numbers.dtype)
        seen = seen + m
        mean = mean + m * (numbers[:, t] - mean) / seen.clamp(min=1)
    return mean


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


def last_by_asking_each_list_for_its_side(numbers, mask):
    width = mask.shape[1]
    ends = mask[:, -1].bool()
    length = mask.long().sum(dim=1)
    last = torch.where(ends, torch.full_like(length, width - 1), length - 1)
    return torch.take_along_dim(numbers, last.unsqueeze(1), dim=1).squeeze(1)


def last_by_a_scan(numbers, mask):
    out = numbers[:, 0]
    for t in range(1, numbers.shape[1]):
        out = torch.where(mask[:, t].bool(), numbers[:, t], out)
    return out


def last_by_scatter_reduce(numbers, mask):
    rows, cols = mask.nonzero(as_tuple=True)
    last = torch.zeros(len(numbers), dtype=torch.long).scatter_reduce(0, rows, cols, "amax")
    onehot = F.one_hot(last, mask.shape[1]).bool()
    return numbers.masked_fill(~onehot, 0.0).sum(1)


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


def bt_by_logsumexp(chosen, rejected):
    d = rejected - chosen
    return torch.logsumexp(torch.stack([torch.zeros_like(d), d]), dim=0).mean()


def bt_by_maximum_and_log1p(chosen, rejected):
    d = rejected - chosen
    return (torch.maximum(d, torch.zeros_like(d)) + torch.log1p((-d.abs()).exp())).mean()


# --- 5.4 order_loss -----------------------------------------------------------------------------------------------


def order_by_a_loop(scores):
    costs = [torch.logsumexp(scores[i:], dim=0) - scores[i] for i in range(len(scores) - 1)]
    return torch.stack(costs).mean()


def order_by_cross_entropy(scores):
    first = torch.zeros((), dtype=torch.long)
    return sum(F.cross_entropy(scores[i:], first) for i in range(len(scores) - 1)) / (len(scores) - 1)


def order_by_log_softmax(scores):
    total = 0.0
    for i in range(len(scores) - 1):
        total = total - F.log_softmax(scores[i:], dim=0)[0]
    return total / (len(scores) - 1)


def order_by_a_triangle(scores):
    there = torch.ones(len(scores), len(scores)).triu().bool()
    return (scores.expand_as(there).masked_fill(~there, -torch.inf).logsumexp(dim=1) - scores)[:-1].mean()


def order_in_float64(scores):
    strength = scores.double()
    top = strength.max().detach()
    rest = ((strength - top).exp().flip(0).cumsum(0).flip(0)).log() + top
    return (rest - strength)[:-1].mean().to(scores.dtype)


def order_by_popping(scores):
    left, costs = list(scores), []
    while len(left) > 1:
        costs.append(torch.stack(left).logsumexp(0) - left.pop(0))
    return sum(costs) / len(costs)


def order_by_softplus(scores):
    costs = [F.softplus(scores[i + 1 :].logsumexp(0) - scores[i]) for i in range(len(scores) - 1)]
    return torch.stack(costs).mean()


# --- 5.5 plackett_luce_loss ---------------------------------------------------------------------------------------


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


def pl_place_by_place(scores, ranks):
    out = []
    for b in range(scores.shape[0]):
        here = ranks[b] > 0
        s, r = scores[b][here], ranks[b][here]
        total, choices = s.sum() * 0, 0
        for place in sorted(set(r.tolist()))[:-1]:
            same = s[r == place]
            pool = s[r >= place]
            total = total + len(same) * pool.logsumexp(0) - same.sum()
            choices += len(same)
        out.append(total / max(choices, 1))
    return sum(out) / len(out)


def pl_by_cross_entropy(scores, ranks):
    rows, cols, logits = [], [], []
    for b in range(len(ranks)):
        top = ranks[b].max()
        for k in range(ranks.shape[1]):
            if 0 < ranks[b, k] < top:
                logits.append(scores[b].masked_fill(ranks[b] < ranks[b, k], float("-inf")))
                rows.append(b)
                cols.append(k)
    if not rows:
        return (scores.masked_fill(ranks == 0, 0.0) * 0).sum()
    each = F.cross_entropy(torch.stack(logits), torch.tensor(cols), reduction="none")
    rows = torch.tensor(rows)
    weights = 1 / torch.bincount(rows, minlength=len(ranks))[rows]
    return (each * weights).sum() / len(ranks)


def pl_by_softplus(scores, ranks):
    total = 0.0
    for s, r in zip(scores, ranks, strict=True):
        costs = []
        for i in range(len(s)):
            if r[i] == 0 or r[i] == r.max():
                continue
            others = [s[j] - s[i] for j in range(len(s)) if j != i and r[j] >= r[i]]
            costs.append(F.softplus(torch.logsumexp(torch.stack(others), 0)))
        ranking = torch.stack(costs).mean() if costs else s[r > 0].sum() * 0
        total = total + ranking
    return total / len(scores)


# --- 5.6 pairs_right ----------------------------------------------------------------------------------------------


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


def pairs_by_einsum(scores, ranks):
    told = ((ranks[:, None, :] > ranks[:, :, None]) & (ranks[:, :, None] != 0)).to(scores.dtype)
    gap = scores.unsqueeze(2) - scores.unsqueeze(1)
    points = (gap > 0).to(scores.dtype) + (gap == 0).to(scores.dtype) * 0.5
    return torch.einsum("bij,bij->b", told, points), torch.einsum("bij->b", told)


def pairs_by_shifts(scores, ranks):
    right = torch.zeros(len(scores), dtype=scores.dtype)
    pairs = torch.zeros(len(scores), dtype=scores.dtype)
    for shift in range(1, ranks.shape[1]):
        r1, r2 = ranks[:, :-shift], ranks[:, shift:]
        s1, s2 = scores[:, :-shift], scores[:, shift:]
        told = (r1 * r2 > 0) & (r1 != r2)
        agree = (r1 < r2) & (s1 > s2) | (r1 > r2) & (s1 < s2)
        pairs += told.sum(1)
        right += (told & agree).sum(1) + (told & (s1 == s2)).sum(1) / 2
    return right, pairs


def pairs_from_both_sides(scores, ranks):
    there = (ranks > 0)[:, :, None] & (ranks > 0)[:, None, :]
    told = there & (ranks[:, :, None] != ranks[:, None, :])
    same = torch.sign(scores[:, :, None] - scores[:, None, :]) == torch.sign(ranks[:, None, :] - ranks[:, :, None])
    flat = scores[:, :, None] == scores[:, None, :]
    twice = (told & same).sum((1, 2)) + 0.5 * (told & flat).sum((1, 2))
    return twice / 2, told.sum((1, 2)) / 2


# --- 5.7 accuracy_ceiling -----------------------------------------------------------------------------------------


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


def ceiling_by_bisection_with_equality(agreement):
    """Near one half, where many numbers of single precision give the same agreement, it ends on the largest."""
    low, high = torch.full_like(agreement, 0.5), torch.ones_like(agreement)
    for _ in range(60):
        middle = (low + high) / 2
        too_low = middle**2 + (1 - middle) ** 2 <= agreement
        low, high = torch.where(too_low, middle, low), torch.where(too_low, high, middle)
    return low


def ceiling_in_numpy(agreement):
    return 0.5 + 0.5 * np.sqrt(np.maximum(2 * agreement.numpy() - 1, 0))


def ceiling_one_by_one(agreement):
    return [0.5 if a <= 0.5 else (1 + (2 * a - 1) ** 0.5) / 2 for a in agreement.tolist()]


def ceiling_by_an_angle(agreement):
    excess = (2 * agreement.double() - 1).clamp(0, 1)
    return (torch.cos(torch.acos(excess.sqrt()) / 2) ** 2).to(agreement.dtype)


def ceiling_by_numpy_roots(agreement):
    out = []
    for x in agreement.tolist():
        out.append(0.5 if x <= 0.5 else float(np.roots([2, -2, 1 - x]).real.max()))
    return torch.tensor(out, dtype=agreement.dtype)


def ceiling_where_it_is_above_a_half(agreement):
    above = agreement > 0.5
    out = torch.full_like(agreement, 0.5)
    out[above] = (1 + (2 * agreement[above] - 1).sqrt()) / 2
    return out


# --- 5.8 calibration_table ----------------------------------------------------------------------------------------


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


def table_by_index_add(probabilities, outcomes, bins=10):
    which = torch.floor(probabilities * bins).long()
    which[which == bins] = bins - 1
    columns = torch.stack([probabilities, outcomes.to(probabilities.dtype), torch.ones_like(probabilities)], dim=1)
    table = probabilities.new_zeros(bins, 3).index_add_(0, which, columns)
    table[:, :2] /= table[:, 2:]
    return table


def table_by_nanmean(probabilities, outcomes, bins=10):
    edges = torch.arange(bins + 1, dtype=probabilities.dtype) / bins
    edges[-1] = 2.0
    inside = (probabilities[None] >= edges[:-1, None]) & (probabilities[None] < edges[1:, None])
    blank = torch.tensor(torch.nan, dtype=probabilities.dtype)
    p = torch.where(inside, probabilities[None], blank).nanmean(1)
    y = torch.where(inside, outcomes.to(probabilities.dtype)[None], blank).nanmean(1)
    return torch.stack([p, y, inside.sum(1).to(p.dtype)], 1)


def table_by_cumulated_sums(probabilities, outcomes, bins=10):
    p, order = probabilities.double().sort()
    y = outcomes[order].double()
    edges = (torch.arange(bins + 1, dtype=probabilities.dtype) / bins).double()
    at = torch.searchsorted(p, edges)
    at[-1] = len(p)
    zero = torch.zeros(1, dtype=torch.float64)
    cp, cy = torch.cat([zero, p.cumsum(0)]), torch.cat([zero, y.cumsum(0)])
    n = at.diff()
    table = torch.stack([cp[at].diff() / n, cy[at].diff() / n, n.double()], 1)
    return table.to(probabilities.dtype)


# --- 5.9 best_of_n_distribution -----------------------------------------------------------------------------------


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


def best_by_triangular_matrices(probabilities, n):
    k = len(probabilities)
    p = probabilities.double() / probabilities.double().sum()
    at_most = torch.tril(torch.ones(k, k, dtype=torch.float64)) @ p
    below = torch.tril(torch.ones(k, k, dtype=torch.float64), diagonal=-1) @ p
    return (at_most**n - below**n).to(probabilities.dtype)


def best_by_logarithms(probabilities, n):
    logs = torch.log(probabilities.double())
    logs = logs - logs.logsumexp(0)
    up_to = torch.exp(n * torch.logcumsumexp(logs, 0))
    out = up_to.clone()
    out[1:] -= up_to[:-1]
    return out.to(probabilities.dtype)


def best_from_the_top(probabilities, n):
    p = probabilities.double() / probabilities.double().sum()
    above = p.flip(0).cumsum(0).flip(0)
    at_least = 1 - (1 - above).clamp(min=0) ** n
    return (at_least - F.pad(at_least[1:], (0, 1))).to(probabilities.dtype)


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "5.1": [
        mean_list_by_list,
        mean_by_einsum,
        mean_in_float64,
        mean_by_nanmean,
        mean_by_bmm,
        mean_by_index_add,
        mean_as_it_runs,
    ],
    "5.2": [
        last_list_by_list,
        last_by_looking_for_the_first_pad,
        last_by_flip,
        last_by_cumsum,
        last_by_asking_each_list_for_its_side,
        last_by_a_scan,
        last_by_scatter_reduce,
    ],
    "5.3": [
        bt_by_softplus,
        bt_by_cross_entropy,
        bt_by_logaddexp,
        bt_by_binary_cross_entropy_in_float64,
        bt_pair_by_pair,
        bt_by_logsumexp,
        bt_by_maximum_and_log1p,
    ],
    "5.4": [
        order_by_a_loop,
        order_by_cross_entropy,
        order_by_log_softmax,
        order_by_a_triangle,
        order_in_float64,
        order_by_popping,
        order_by_softplus,
    ],
    "5.5": [
        pl_by_loops,
        pl_by_sorting_and_cumulating,
        pl_by_exponentials_in_float64,
        pl_by_log_softmax,
        pl_place_by_place,
        pl_by_cross_entropy,
        pl_by_softplus,
    ],
    "5.6": [
        pairs_by_combinations,
        pairs_by_signs,
        pairs_in_numpy,
        pairs_by_einsum,
        pairs_by_shifts,
        pairs_from_both_sides,
    ],
    "5.7": [
        ceiling_by_the_quadratic_formula,
        ceiling_by_bisection,
        ceiling_by_bisection_with_equality,
        ceiling_in_numpy,
        ceiling_one_by_one,
        ceiling_by_an_angle,
        ceiling_by_numpy_roots,
        ceiling_where_it_is_above_a_half,
    ],
    "5.8": [
        table_by_a_loop,
        table_by_numpy_bincount,
        table_by_one_hot,
        table_by_index_add,
        table_by_nanmean,
        table_by_cumulated_sums,
    ],
    "5.9": [
        best_by_a_loop,
        best_by_shifting,
        best_sample_by_sample,
        best_by_counting_the_winner,
        best_by_triangular_matrices,
        best_by_logarithms,
        best_from_the_top,
    ],
}
