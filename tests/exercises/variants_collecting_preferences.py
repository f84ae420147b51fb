"""Right ways to solve the exercises of assignment 04 that are not the package's."""

import math
from collections import defaultdict
from collections.abc import Callable
from itertools import combinations, product
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq, minimize_scalar
from scipy.special import expit, xlogy
from scipy.stats import binom, binomtest

# --- 4.1 order_pairs ----------------------------------------------------------------------------------------------


def order_pairs_as_a_list(ranks):
    return [[i, j] for i, a in enumerate(ranks) for j, b in enumerate(ranks) if 0 < a < b]


def order_pairs_by_combinations(ranks):
    found = []
    for i, j in combinations(range(len(ranks)), 2):
        if ranks[i] and ranks[j] and ranks[i] != ranks[j]:
            found.append((i, j) if ranks[i] < ranks[j] else (j, i))
    return np.array(sorted(found))


def order_pairs_by_infinity(ranks):
    places = np.where(ranks == 0, np.inf, ranks)
    better = places[:, None] < places[None, :]
    better[:, ranks == 0] = False
    return np.stack(np.nonzero(better), axis=1)


def order_pairs_in_torch(ranks):
    r = torch.from_numpy(ranks)
    return ((r[:, None] < r) & (r[:, None] > 0)).nonzero()


def order_pairs_list_by_list(ranks):
    rows = []
    for i in range(len(ranks)):
        if ranks[i] == 0:
            continue
        for j in np.flatnonzero(ranks > ranks[i]):
            rows.append(np.array([i, j]))
    return np.stack(rows)


# --- 4.2 rating_pairs ---------------------------------------------------------------------------------------------


def rating_pairs_as_a_list(ratings, labellers, prompts):
    rows = list(zip(ratings.tolist(), labellers.tolist(), prompts.tolist(), strict=True))
    return [(i, j) for i, (r, *at) in enumerate(rows) for j, (s, *to) in enumerate(rows) if at == to and r > s > 0]


def rating_pairs_by_groups(ratings, labellers, prompts):
    groups = defaultdict(list)
    for row, key in enumerate(zip(labellers, prompts, strict=True)):
        if ratings[row]:
            groups[key].append(row)
    found = [(i, j) for rows in groups.values() for i, j in product(rows, rows) if ratings[i] > ratings[j]]
    return np.array(sorted(found))


def rating_pairs_by_nan(ratings, labellers, prompts):
    r = np.where(ratings == 0, np.nan, ratings)
    same = np.equal.outer(labellers, labellers) & np.equal.outer(prompts, prompts)
    with np.errstate(invalid="ignore"):
        return np.argwhere(np.greater.outer(r, r) & same)


def rating_pairs_in_torch(ratings, labellers, prompts):
    r, w, p = map(torch.as_tensor, (ratings, labellers, prompts))
    told = (r[:, None] > r[None]) & (r[None] > 0) & (w[:, None] == w[None]) & (p[:, None] == p[None])
    return told.nonzero()


def rating_pairs_by_a_key(ratings, labellers, prompts):
    key = labellers * 1000 + prompts
    i, j = np.meshgrid(np.arange(len(key)), np.arange(len(key)), indexing="ij")
    keep = (key[i] == key[j]) & (ratings[i] > ratings[j]) & (ratings[j] != 0)
    return np.column_stack([i[keep], j[keep]])


# --- 4.3 bits_per_second ------------------------------------------------------------------------------------------


def bits_one_by_one(agreement, options, seconds):
    out = []
    for c, k, s in zip(agreement, options, seconds, strict=True):
        a = 1 / k + math.sqrt(max((c - 1 / k) * (1 - 1 / k), 0))
        a = min(a, 1.0)
        bits = math.log2(k)
        bits += a * math.log2(a)
        if a < 1:
            bits += (1 - a) * math.log2((1 - a) / (k - 1))
        out.append(bits / s)
    return out


def bits_by_xlogy(agreement, options, seconds):
    k = options.astype(float)
    a = np.minimum((1 + np.sqrt(np.maximum((k * agreement - 1) * (k - 1), 0))) / k, 1)
    nats = np.log(k) + xlogy(a, a) + xlogy(1 - a, (1 - a) / (k - 1))
    return nats / math.log(2) / seconds


def bits_by_a_search(agreement, options, seconds):
    def one(c, k, s):
        if c <= 1 / k:
            return 0.0
        a = 1.0 if c == 1 else brentq(lambda a: a**2 + (1 - a) ** 2 / (k - 1) - c, 1 / k, 1, xtol=1e-14)
        return (math.log2(k) + float(xlogy(a, a) + xlogy(1 - a, (1 - a) / (k - 1))) / math.log(2)) / s

    return np.array([one(*row) for row in zip(agreement, options, seconds, strict=True)])


def bits_by_the_quadratic_formula(agreement, options, seconds):
    k = options
    inside = np.maximum(1 - k * (1 - (k - 1) * agreement), 0)
    a = np.minimum((1 + np.sqrt(inside)) / k, 1)
    a = np.where(agreement <= 1 / k, 1 / k, a)
    miss = np.where(a < 1, (1 - a) * np.log2(np.where(a < 1, 1 - a, 1) / (k - 1)), 0)
    return (np.log2(k) + a * np.log2(a) + miss) / seconds


def bits_in_torch(agreement, options, seconds):
    c, k, s = (torch.as_tensor(x, dtype=torch.float64) for x in (agreement, options, seconds))
    a = (1 / k + ((c - 1 / k) * (1 - 1 / k)).clamp(min=0).sqrt()).clamp(max=1)
    nats = k.log() + torch.special.xlogy(a, a) + torch.special.xlogy(1 - a, (1 - a) / (k - 1))
    return nats / math.log(2) / s


# --- 4.4 position_reading -----------------------------------------------------------------------------------------


def position_in_a_loop(once, again):
    first = second = 0
    for a, b in zip(once, again, strict=True):
        first += a == b == 0
        second += a == b == 1
    if first + second < 6:
        return first, second, "too few"
    return first, second, "biased" if binomtest(first, first + second, 0.5).pvalue < 0.05 else "inconsistent"


def position_by_the_tails(once, again):
    same = once[once == again]
    counts = np.bincount(same, minlength=3)[:2].tolist()
    n = sum(counts)
    if 2 * binom.cdf(0, n, 0.5) >= 0.05:
        return (*counts, "too few")
    return (*counts, "biased" if 2 * binom.cdf(min(counts), n, 0.5) < 0.05 else "inconsistent")


def position_by_hand(once, again):
    left = sum(1 for a, b in zip(once, again, strict=True) if (a, b) == (0, 0))
    right = sum(1 for a, b in zip(once, again, strict=True) if (a, b) == (1, 1))
    n, small = left + right, min(left, right)
    p = min(1.0, 2 * sum(math.comb(n, i) for i in range(small + 1)) / 2**n)
    reading = "too few" if 2 / 2**n >= 0.05 else "biased" if p < 0.05 else "inconsistent"
    return left, right, reading


def position_as_a_list(once, again):
    first, second = (int(((once == side) & (again == side)).sum()) for side in (0, 1))
    extreme = binomtest(0, max(first + second, 1)).pvalue
    if extreme >= 0.05:
        return [first, second, "too few"]
    p = binomtest(second, first + second).pvalue
    return [first, second, "inconsistent" if p >= 0.05 else "biased"]


def position_with_numpy_numbers(once, again):
    stay = once == again
    first, second = np.sum(stay & (once == 0)), np.sum(stay & (once == 1))
    n = int(first + second)
    if n <= 5:
        return first, second, "too few"
    return first, second, ("inconsistent", "biased")[int(binomtest(int(first), n).pvalue < 0.05)]


# --- 4.5 elo ------------------------------------------------------------------------------------------------------


def elo_in_a_list(first, second, outcome, lists, k=4.0):
    r = [1000.0] * lists
    for i in range(len(first)):
        a, b = first[i], second[i]
        e = 1 / (1 + 10 ** ((r[b] - r[a]) / 400))
        s = 1 if outcome[i] == 0 else 0 if outcome[i] == 1 else 0.5
        r[a], r[b] = r[a] + k * (s - e), r[b] + k * ((1 - s) - (1 - e))
    return r


def elo_by_strengths(first, second, outcome, lists, k=4.0):
    r = np.full(lists, 1000.0)
    for a, b, o in zip(first, second, outcome, strict=True):
        qa, qb = 10 ** (r[a] / 400), 10 ** (r[b] / 400)
        surprise = (1.0, 0.0, 0.5)[o] - qa / (qa + qb)
        r[[a, b]] += k * surprise * np.array([1, -1])
    return r


def elo_by_sigmoid(first, second, outcome, lists, k=4.0):
    above = np.zeros(lists)
    score = np.array([1.0, 0.0, 0.5])
    for a, b, o in zip(first, second, outcome, strict=True):
        change = k * (score[o] - expit((above[a] - above[b]) * math.log(10) / 400))
        above[a] += change
        above[b] -= change
    return above + 1000


def elo_in_torch(first, second, outcome, lists, k=4.0):
    r = torch.full((lists,), 1000.0, dtype=torch.float64)
    for a, b, o in zip(first.tolist(), second.tolist(), outcome.tolist(), strict=True):
        e = 1 / (1 + 10 ** ((r[b] - r[a]).item() / 400))
        s = {0: 1.0, 1: 0.0, 2: 0.5}[o]
        r[a] += k * (s - e)
        r[b] += k * (e - s)
    return r


def elo_by_a_dictionary(first, second, outcome, lists, k=4.0):
    r = dict.fromkeys(range(lists), 1000.0)
    for a, b, o in zip(map(int, first), map(int, second), map(int, outcome), strict=True):
        expected_b = 1 / (1 + 10 ** ((r[a] - r[b]) / 400))
        won_b = {0: 0, 1: 1}.get(o, 0.5)
        moved = k * (won_b - expected_b)
        r[b] += moved
        r[a] -= moved
    return np.array(list(r.values()))


# --- 4.6 preference_loss ------------------------------------------------------------------------------------------


def loss_by_logsumexp(scores, first, second, outcome, tie, lean):
    a, b = scores[first], scores[second]
    three = torch.stack([a + lean / 2, b - lean / 2, tie + (a + b) / 2])
    chosen = three.gather(0, outcome[None])[0]
    return (three.logsumexp(dim=0) - chosen).mean()


def loss_by_differences(scores, first, second, outcome, tie, lean):
    d = scores[first] - scores[second]
    logits = torch.stack([(d + lean) / 2, -(d + lean) / 2, tie.expand_as(d)], dim=1)
    return -logits.log_softmax(dim=1)[torch.arange(len(outcome)), outcome].mean()


def loss_one_by_one(scores, first, second, outcome, tie, lean):
    each = []
    for i in range(len(outcome)):
        a, b = scores[first[i]], scores[second[i]]
        three = [a + lean[i] / 2, b - lean[i] / 2, tie + (a + b) / 2]
        each.append(torch.logsumexp(torch.stack(three), dim=0) - three[int(outcome[i])])
    return sum(each) / len(each)


def loss_in_float64(scores, first, second, outcome, tie, lean):
    a, b = scores.double()[first], scores.double()[second]
    lean = lean.double()
    three = torch.stack([a + 0.5 * lean, b - 0.5 * lean, tie.double() + 0.5 * (a + b)], dim=-1)
    return torch.nn.functional.nll_loss(three.log_softmax(-1), outcome)


def loss_by_where(scores, first, second, outcome, tie, lean):
    a, b = scores.index_select(0, first) + lean / 2, scores.index_select(0, second) - lean / 2
    c = (a + b) / 2 + tie
    said = torch.where(outcome == 0, a, torch.where(outcome == 1, b, c))
    return torch.mean(torch.logaddexp(torch.logaddexp(a, b), c) - said)


# --- 4.7 plackett_luce_step ---------------------------------------------------------------------------------------


def step_in_lists(strengths, orders):
    wins, exposure = [0] * len(strengths), [0.0] * len(strengths)
    for order in orders:
        rest = list(order)
        while len(rest) > 1:
            share = 1 / sum(strengths[i] for i in rest)
            for i in rest:
                exposure[i] += share
            wins[rest.pop(0)] += 1
    new = [w / e if e else s for w, e, s in zip(wins, exposure, strengths, strict=True)]
    return [s * len(new) / sum(new) for s in new]


def step_by_cumsum(strengths, orders):
    wins, exposure = np.zeros_like(strengths), np.zeros_like(strengths)
    for order in map(np.asarray, orders):
        there = strengths[order][::-1].cumsum()[::-1][:-1]
        so_far = (1 / there).cumsum()
        wins[order[:-1]] += 1
        exposure[order[:-1]] += so_far
        exposure[order[-1]] += so_far[-1]
    new = strengths.copy()
    np.divide(wins, exposure, out=new, where=exposure > 0)
    return new / new.mean()


def step_by_add_at(strengths, orders):
    choices = [(order[at], order[at:]) for order in orders for at in range(len(order) - 1)]
    wins, exposure = np.zeros(len(strengths)), np.zeros(len(strengths))
    np.add.at(wins, [chosen for chosen, _ in choices], 1)
    for _, there in choices:
        np.add.at(exposure, there, 1 / np.sum(strengths[np.array(there)]))
    unseen = exposure == 0
    new = (wins + unseen * strengths) / (exposure + unseen)
    return new * len(new) / new.sum()


def step_by_a_matrix(strengths, orders):
    rows, chosen = [], []
    for order in orders:
        for at in range(len(order) - 1):
            row = np.zeros(len(strengths))
            row[list(order[at:])] = 1
            rows.append(row)
            chosen.append(order[at])
    there = np.array(rows)
    exposure = there.T @ (1 / (there @ strengths))
    wins = np.bincount(chosen, minlength=len(strengths))
    with np.errstate(invalid="ignore"):
        new = np.where(exposure > 0, wins / exposure, strengths)
    return new / np.mean(new)


def step_in_torch(strengths, orders):
    s = torch.tensor(strengths)
    wins, exposure = torch.zeros_like(s), torch.zeros_like(s)
    for order in orders:
        for at in range(len(order) - 1):
            there = torch.tensor(order[at:])
            wins[there[0]] += 1
            exposure[there] += 1 / s[there].sum()
    new = torch.where(exposure > 0, wins / exposure.clamp(min=1e-30), s)
    return new / new.mean()


# --- 4.8 leaning --------------------------------------------------------------------------------------------------


def leaning_by_bisection(margins, picks, prior=1.0):
    low, high = -50.0, 50.0
    for _ in range(80):
        middle = (low + high) / 2
        slope = (picks - expit(margins + middle)).sum() - middle / prior**2
        low, high = (middle, high) if slope > 0 else (low, middle)
    p = expit(margins + low)
    return low, 1 / math.sqrt((p * (1 - p)).sum() + 1 / prior**2)


def leaning_by_brentq(margins, picks, prior=1.0):
    b = brentq(lambda b: np.sum(picks - expit(margins + b)) - b / prior**2, -30, 30, xtol=1e-10)
    p = expit(margins + b)
    return b, (np.sum(p * (1 - p)) + prior**-2) ** -0.5


def leaning_by_a_library(margins, picks, prior=1.0):
    sign = 2 * picks - 1

    def cost(b):
        return np.logaddexp(0, -sign * (margins + b)).sum() + b**2 / (2 * prior**2)

    b = minimize_scalar(cost, bracket=(-1, 1), tol=1e-12).x
    p = expit(margins + b)
    return float(b), float(1 / np.sqrt(p @ (1 - p) + 1 / prior**2))


def leaning_by_newton_in_torch(margins, picks, prior=1.0):
    m, y = torch.as_tensor(margins), torch.as_tensor(picks, dtype=torch.float64)
    b = torch.zeros((), dtype=torch.float64)
    for _ in range(50):
        p = torch.sigmoid(m + b)
        curvature = (p * (1 - p)).sum() + prior**-2
        b = b + (((y - p).sum() - b * prior**-2) / curvature).clamp(-0.7, 0.7)
    p = torch.sigmoid(m + b)
    return b, ((p * (1 - p)).sum() + prior**-2).rsqrt()


def leaning_by_gradient_steps(margins, picks, prior=1.0):
    b, rate = 0.0, 1 / (len(picks) / 4 + prior**-2)
    for _ in range(3000):
        b += rate * (float(np.sum(picks - expit(margins + b))) - b / prior**2)
    p = expit(margins + b)
    return [b, float((np.sum(p * (1 - p)) + 1 / prior**2) ** -0.5)]


# --- 4.9 next_pair ------------------------------------------------------------------------------------------------


def pair_in_loops(mean, covariance, asked):
    best, chosen = -1.0, None
    for i in range(len(mean)):
        for j in range(i + 1, len(mean)):
            if asked[i][j]:
                continue
            p = 1 / (1 + math.exp(mean[j] - mean[i]))
            worth = p * (1 - p) * (covariance[i][i] + covariance[j][j] - 2 * covariance[i][j])
            if worth > best:
                best, chosen = worth, (i, j)
    return chosen


def pair_by_combinations(mean, covariance, asked):
    def worth(pair):
        i, j = pair
        p = expit(mean[i] - mean[j])
        step = np.zeros(len(mean))
        step[i], step[j] = 1, -1
        return p * (1 - p) * (step @ covariance @ step)

    return max((pair for pair in combinations(range(len(mean)), 2) if not asked[pair]), key=worth)


def pair_by_triu(mean, covariance, asked):
    i, j = np.triu_indices(len(mean), k=1)
    p = expit(mean[i] - mean[j])
    worth = p * (1 - p) * (covariance[i, i] + covariance[j, j] - 2 * covariance[i, j])
    worth[asked[i, j]] = -1
    at = worth.argmax()
    return int(i[at]), int(j[at])


def pair_as_a_list(mean, covariance, asked):
    d = np.diag(covariance)
    p = expit(mean[:, None] - mean)
    worth = p * p.T * (d[:, None] + d - covariance - covariance.T)
    worth[asked | np.tri(len(mean), dtype=bool)] = -np.inf
    return list(divmod(int(worth.argmax()), len(mean)))


def pair_in_torch(mean, covariance, asked):
    m, c = torch.as_tensor(mean), torch.as_tensor(covariance)
    d = c.diagonal()
    half = 1 / (4 * torch.cosh((m[:, None] - m) / 2) ** 2)
    worth = (half * (d[:, None] + d - 2 * c)).masked_fill(torch.as_tensor(asked), -1).triu(diagonal=1)
    return tuple(torch.tensor(np.unravel_index(int(worth.argmax()), worth.shape)).tolist())


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "4.1": [
        order_pairs_as_a_list,
        order_pairs_by_combinations,
        order_pairs_by_infinity,
        order_pairs_in_torch,
        order_pairs_list_by_list,
    ],
    "4.2": [
        rating_pairs_as_a_list,
        rating_pairs_by_groups,
        rating_pairs_by_nan,
        rating_pairs_in_torch,
        rating_pairs_by_a_key,
    ],
    "4.3": [
        bits_one_by_one,
        bits_by_xlogy,
        bits_by_a_search,
        bits_by_the_quadratic_formula,
        bits_in_torch,
    ],
    "4.4": [
        position_in_a_loop,
        position_by_the_tails,
        position_by_hand,
        position_as_a_list,
        position_with_numpy_numbers,
    ],
    "4.5": [elo_in_a_list, elo_by_strengths, elo_by_sigmoid, elo_in_torch, elo_by_a_dictionary],
    "4.6": [loss_by_logsumexp, loss_by_differences, loss_one_by_one, loss_in_float64, loss_by_where],
    "4.7": [step_in_lists, step_by_cumsum, step_by_add_at, step_by_a_matrix, step_in_torch],
    "4.8": [
        leaning_by_bisection,
        leaning_by_brentq,
        leaning_by_a_library,
        leaning_by_newton_in_torch,
        leaning_by_gradient_steps,
    ],
    "4.9": [pair_in_loops, pair_by_combinations, pair_by_triu, pair_as_a_list, pair_in_torch],
}
