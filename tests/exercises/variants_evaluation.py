"""Right ways to solve the exercises of assignment 07 that are not the package's."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np
import torch
from scipy.optimize import brentq, curve_fit, minimize
from scipy.special import comb, gammaln
from scipy.stats import binom, hypergeom, zscore

# --- 7.1 win_interval ---------------------------------------------------------------------------------------------


def interval_by_counting(outcomes, z=1.96):
    won = sum(1 for one in outcomes if one == 1)
    tied = sum(1 for one in outcomes if one == 0)
    n = len(outcomes)
    if not n:
        return float("nan"), 0.0, 1.0
    p = (won + 0.5 * tied) / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return [p, middle - half, middle + half]


def interval_by_made_up_comparisons(outcomes, z=1.96):
    n = outcomes.size
    if n == 0:
        return np.array([np.nan, 0, 1])
    p = np.mean((outcomes + 1) / 2)
    weight = n / (n + z**2)
    middle = weight * p + (1 - weight) / 2
    half = z * np.sqrt(weight * p * (1 - p) + (1 - weight) / 4) / np.sqrt(n + z**2)
    return np.array([p, middle - half, middle + half])


def interval_by_its_quadratic_equation(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return np.array([np.nan, 0.0, 1.0])
    p = np.where(outcomes > 0, 1.0, np.where(outcomes < 0, 0.0, 0.5)).mean()
    roots = np.roots([1 + z**2 / n, -(2 * p + z**2 / n), p**2])
    return np.array([p, *np.sort(roots.real)])


def interval_by_a_search(outcomes, z=1.96):
    """The farthest p on either side from which the rate is z standard errors away."""
    n = len(outcomes)
    if n == 0:
        return [math.nan, 0, 1]
    p = float((outcomes.sum() + n) / (2 * n))

    def off(q):
        return (p - q) ** 2 - z**2 * q * (1 - q) / n

    low = 0.0 if p == 0 else brentq(off, 0, min(p, 1 - 1e-9), xtol=1e-14)  # where all were won, 1 is a root as well
    high = 1.0 if p == 1 else brentq(off, max(p, 1e-9), 1, xtol=1e-14)
    return [p, low, high]


def interval_in_torch(outcomes, z=1.96):
    n = len(outcomes)
    if n == 0:
        return torch.tensor([torch.nan, 0, 1])
    p = torch.as_tensor(outcomes).double().add(1).div(2).mean()
    spread = (4 * n * p * (1 - p) + z**2).sqrt()
    return torch.stack([p, *((2 * n * p + z**2 + sign * z * spread) / (2 * (n + z**2)) for sign in (-1, 1))])


def interval_of_a_table(outcomes, z=1.96):
    counts = Counter(outcomes.tolist())
    n = sum(counts.values())
    if n < 1:
        return np.array([np.nan, 0.0, 1.0])
    p = (counts[1] + counts[0] / 2) / n
    ends = [(n * p + z**2 / 2 + s * z * (n * p * (1 - p) + z**2 / 4) ** 0.5) / (n + z**2) for s in (-1, 1)]
    return np.clip([p, *ends], 0, 1)


# --- 7.2 resampled_interval ---------------------------------------------------------------------------------------


def resampled_row_by_row(values, prompts, drawn):
    means = []
    for row in drawn:
        kept = np.concatenate([values[prompts == prompt] for prompt in row])
        means.append(kept.mean())
    return np.quantile(means, [0.025, 0.975])


def resampled_in_dictionaries(values, prompts, drawn):
    own = {}
    for value, prompt in zip(values.tolist(), prompts.tolist(), strict=True):
        own.setdefault(prompt, []).append(value)
    means = []
    for row in drawn.tolist():
        kept = [value for prompt in row for value in own.get(prompt, [])]
        means.append(sum(kept) / len(kept))
    return [float(np.percentile(means, 2.5)), float(np.percentile(means, 97.5))]


def resampled_by_weights(values, prompts, drawn):
    """How often each prompt was drawn is the weight of all its comparisons."""
    times = np.stack([np.bincount(row, minlength=drawn.shape[1]) for row in drawn])
    weights = times[:, prompts]
    return np.quantile((weights * values).sum(1) / weights.sum(1), (0.025, 0.975))


def resampled_by_a_matrix(values, prompts, drawn):
    member = (prompts[None, :] == np.arange(drawn.shape[1])[:, None]).astype(float)
    both = np.stack([member @ values, member.sum(axis=1)])
    above, below = both[:, drawn].sum(axis=2)
    low, high = np.quantile(above / below, 0.025), np.quantile(above / below, 0.975)
    return np.array([low, high])


def resampled_in_torch(values, prompts, drawn):
    v, p, d = (torch.as_tensor(one) for one in (values, prompts, drawn))
    k = d.shape[1]
    sums = torch.zeros(k, dtype=v.dtype).index_add(0, p, v)
    counts = torch.bincount(p, minlength=k)
    return torch.quantile(sums[d].sum(1) / counts[d].sum(1), torch.tensor([0.025, 0.975], dtype=v.dtype))


def resampled_and_quantiles_by_hand(values, prompts, drawn):
    sums, counts = np.zeros(drawn.shape[1]), np.zeros(drawn.shape[1])
    np.add.at(sums, prompts, values)
    np.add.at(counts, prompts, 1)
    means = np.sort([sums[row].sum() / counts[row].sum() for row in drawn])
    ends = []
    for share in (0.025, 0.975):
        at = share * (len(means) - 1)
        below = math.floor(at)
        above = min(below + 1, len(means) - 1)
        ends.append(means[below] + (at - below) * (means[above] - means[below]))
    return tuple(ends)


# --- 7.3 power ----------------------------------------------------------------------------------------------------


def lower_end(wins, n, z):
    p = wins / n
    return (p + z**2 / (2 * n) - z * math.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))) / (1 + z**2 / n)


def power_in_a_loop(rate, n, z=1.96):
    total = 0.0
    for k in range(n + 1):
        if lower_end(k, n, z) > 0.5:
            total += math.comb(n, k) * rate**k * (1 - rate) ** (n - k)
    return total


def power_by_the_first_number_of_wins(rate, n, z=1.96):
    least = next((k for k in range(n + 1) if lower_end(k, n, z) > 0.5), None)
    return 0.0 if least is None else float(binom.sf(least - 1, n, rate))


def power_by_the_score_test(rate, n, z=1.96):
    """Wilson's lower end is above one half where the rate is more than z √(¼ / n) above it."""
    return 1 - binom.cdf(math.floor(n / 2 + z * math.sqrt(n) / 2), n, rate)


def power_of_outcomes(rate, n, z=1.96):
    shown = [k for k in range(n + 1) if interval_by_counting([1] * k + [-1] * (n - k), z)[1] > 0.5]
    return float(sum(binom.pmf(k, n, rate) for k in shown))


def power_by_adding_one_comparison_at_a_time(rate, n, z=1.96):
    chance = np.ones(1)
    for _ in range(n):
        chance = np.convolve(chance, [1 - rate, rate])
    shown = np.array([lower_end(k, n, z) > 0.5 for k in range(n + 1)])
    return float(chance @ shown)


def power_in_torch(rate, n, z=1.96):
    k = torch.arange(n + 1, dtype=torch.float64)
    shown = torch.tensor([lower_end(float(one), n, z) for one in k]) > 0.5
    ways = torch.lgamma(torch.tensor(n + 1.0)) - torch.lgamma(k + 1) - torch.lgamma(n - k + 1)
    p = torch.tensor(rate, dtype=torch.float64)
    return (ways.double() + torch.xlogy(k, p) + torch.xlogy(n - k, 1 - p)).exp()[shown].sum()


# --- 7.4 best_of_n_mean -------------------------------------------------------------------------------------------


def best_prompt_by_prompt(scores, values, n):
    m = scores.shape[1]
    found = []
    for row, worth in zip(scores, values, strict=True):
        ranked = [worth[i].item() for i in row.argsort()]
        found.append(sum(math.comb(i, n - 1) * ranked[i] for i in range(m)) / math.comb(m, n))
    return torch.tensor(found)


def best_from_the_top(scores, values, n):
    """The best of all is kept if it is chosen; else the next one, if that is chosen, and so on."""
    m = scores.shape[1]
    order = scores.argsort(dim=1, descending=True)
    weights, left = [], 1.0
    for taken in range(m):
        here = min(n / (m - taken), 1.0) if left > 0 else 0.0
        weights.append(left * here)
        left *= 1 - here
    return (values.gather(1, order) * torch.tensor(weights)).sum(dim=1)


def best_by_all_ways(scores, values, n):
    """All ways where they are few; where they are many, by how many lists are at most as good."""
    m = scores.shape[1]
    if math.comb(m, n) > 500:
        return best_by_differences(scores, values, n)
    chosen = torch.tensor(list(combinations(range(m), n)))
    kept = scores[:, chosen].argmax(dim=2, keepdim=True)
    return values[:, chosen].gather(2, kept).squeeze(2).mean(dim=1)


def best_by_differences(scores, values, n):
    m = scores.shape[1]
    at_most = torch.tensor([math.comb(i, n) / math.comb(m, n) for i in range(m + 1)], dtype=torch.float64)
    place = scores.argsort(dim=1).argsort(dim=1)
    return (at_most.diff()[place] * values.double()).sum(dim=1).float()


def best_by_logarithms(scores, values, n):
    m = scores.shape[1]
    i = np.arange(n - 1, m)
    logs = gammaln(i + 1) - gammaln(n) - gammaln(i - n + 2) - (gammaln(m + 1) - gammaln(n + 1) - gammaln(m - n + 1))
    ranked = np.take_along_axis(values.numpy(), np.argsort(scores.numpy(), axis=1), axis=1)
    return (ranked[:, n - 1 :] * np.exp(logs)).sum(axis=1)


def best_by_pairwise_places(scores, values, n):
    m = scores.shape[1]
    below = (scores[:, :, None] > scores[:, None, :]).sum(dim=2).numpy()
    return torch.from_numpy((comb(below, n - 1) / comb(m, n) * values.numpy()).sum(axis=1))


def best_by_the_hypergeometric(scores, values, n):
    """All n are among the i + 1 worst, less all n are among the i worst."""
    m = scores.shape[1]
    at_most = [float(hypergeom.pmf(n, m, i, n)) if i >= n else 0.0 for i in range(m + 1)]
    weights = torch.tensor(at_most).diff()
    ordered, order = torch.sort(scores, dim=1)
    assert ordered.shape == order.shape
    return torch.stack([(v[o] * weights).sum() for v, o in zip(values, order, strict=True)])


# --- 7.5 fit_gold -------------------------------------------------------------------------------------------------


def refuse(distance, form):
    if form not in {"best of n", "rl"}:
        raise ValueError("which form?")
    if len({d for d in distance.tolist() if d > 0}) < 2:
        raise ValueError("not enough distances")


def fit_by_the_normal_equations(distance, gold, form):
    refuse(distance, form)
    d, y = distance[distance != 0], gold[distance != 0]
    x = np.stack([d, -(d**2) if form == "best of n" else -d * np.log(d)])
    return np.linalg.solve(x @ x.T, x @ y)


def fit_by_curve_fit(distance, gold, form):
    refuse(distance, form)
    kept = distance > 0

    def curve(d, alpha, beta):
        return d * (alpha - beta * (d if form == "best of n" else np.log(d)))

    return curve_fit(curve, distance[kept], gold[kept], p0=[1.0, 0.0])[0]


def fit_with_xlogy_and_all_points(distance, gold, form):
    refuse(distance, form)
    safe = np.where(distance > 0, distance, 1)
    second = distance**2 if form == "best of n" else distance * np.log(safe)
    found, *_ = np.linalg.lstsq(np.c_[distance, second], gold, rcond=None)
    return found[0], -found[1]


def fit_by_cramer(distance, gold, form):
    refuse(distance, form)
    rows = [(d, y) for d, y in zip(distance.tolist(), gold.tolist(), strict=True) if d > 0]
    bends = [-d * (d if form == "best of n" else math.log(d)) for d, _ in rows]
    aa = sum(d * d for d, _ in rows)
    bb = sum(b * b for b in bends)
    ab = sum(d * b for (d, _), b in zip(rows, bends, strict=True))
    ay = sum(d * y for d, y in rows)
    by = sum(b * y for b, (_, y) in zip(bends, rows, strict=True))
    det = aa * bb - ab * ab
    return [(ay * bb - by * ab) / det, (by * aa - ay * ab) / det]


def fit_in_torch(distance, gold, form):
    refuse(distance, form)
    d, y = torch.as_tensor(distance), torch.as_tensor(gold)
    second = torch.xlogy(d, d) if form == "rl" else d.square()
    return torch.linalg.lstsq(torch.stack([d, -second], dim=1), y[:, None]).solution[:, 0]


def fit_by_weights(distance, gold, form):
    """A straight line through gain / d, with d as weight: the same squares."""
    refuse(distance, form)
    kept = distance > 0
    d = distance[kept]
    slope, start = np.polyfit(d if form == "best of n" else np.log(d), gold[kept] / d, 1, w=d)
    return np.array([start, -slope])


def fit_by_a_search(distance, gold, form):
    refuse(distance, form)
    kept = distance > 0
    d, y = distance[kept], gold[kept]
    bend = d if form == "best of n" else np.log(d)

    def loss(both):
        off = d * (both[0] - both[1] * bend) - y
        return off @ off, np.array([2 * off @ d, -2 * off @ (d * bend)])

    return minimize(loss, np.zeros(2), jac=True, method="BFGS", options={"gtol": 1e-10}).x


# --- 7.6 lower_bound ----------------------------------------------------------------------------------------------


def bound_member_by_member(scores, doubt):
    rows = []
    for member in scores:
        spread = member.std(correction=0)
        rows.append((member - member.mean()) / spread if spread > 0 else torch.zeros_like(member))
    table = torch.stack(rows)
    return table.mean(0) - doubt * table.std(0, unbiased=False)


def bound_in_numpy(scores, doubt):
    s = scores.double().numpy()
    spread = s.std(axis=1, keepdims=True)
    z = (s - s.mean(axis=1, keepdims=True)) / np.where(spread == 0, 1, spread)
    return z.mean(axis=0) - doubt * z.std(axis=0)


def bound_by_sums_of_squares(scores, doubt):
    s = scores.double()
    centred = s - s.mean(dim=1, keepdim=True)
    z = centred / centred.square().mean(dim=1, keepdim=True).sqrt().clamp(min=1e-12)
    mean = z.sum(dim=0) / len(z)
    return (mean - doubt * (z.square().mean(dim=0) - mean.square()).clamp(min=0).sqrt()).float()


def bound_with_a_small_number(scores, doubt):
    z = (scores - scores.mean(dim=1, keepdim=True)) / (scores.std(dim=1, correction=0, keepdim=True) + 1e-8)
    return z.mean(dim=0) - doubt * z.var(dim=0, correction=0).sqrt()


def bound_by_nan_to_num(scores, doubt):
    variance, mean = torch.var_mean(scores, dim=1, correction=0, keepdim=True)
    z = ((scores - mean) / variance.sqrt()).nan_to_num(0.0)
    deviation, middle = torch.std_mean(z, dim=0, correction=0)
    return middle - doubt * deviation


def bound_by_zscore(scores, doubt):
    z = np.nan_to_num(zscore(scores.double().numpy(), axis=1))
    return torch.from_numpy(z.mean(axis=0) - doubt * z.std(axis=0))


def bound_answer_by_answer(scores, doubt):
    """In plain Python."""
    table = []
    for member in scores.tolist():
        mean = sum(member) / len(member)
        spread = math.sqrt(sum((score - mean) ** 2 for score in member) / len(member))
        table.append([(score - mean) / spread if spread else 0.0 for score in member])
    found = []
    for said in zip(*table, strict=True):
        mean = sum(said) / len(said)
        found.append(mean - doubt * math.sqrt(sum((one - mean) ** 2 for one in said) / len(said)))
    return found


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "7.1": [
        interval_by_counting,
        interval_by_made_up_comparisons,
        interval_by_its_quadratic_equation,
        interval_by_a_search,
        interval_in_torch,
        interval_of_a_table,
    ],
    "7.2": [
        resampled_row_by_row,
        resampled_in_dictionaries,
        resampled_by_weights,
        resampled_by_a_matrix,
        resampled_in_torch,
        resampled_and_quantiles_by_hand,
    ],
    "7.3": [
        power_in_a_loop,
        power_by_the_first_number_of_wins,
        power_by_the_score_test,
        power_of_outcomes,
        power_by_adding_one_comparison_at_a_time,
        power_in_torch,
    ],
    "7.4": [
        best_prompt_by_prompt,
        best_from_the_top,
        best_by_all_ways,
        best_by_differences,
        best_by_logarithms,
        best_by_pairwise_places,
        best_by_the_hypergeometric,
    ],
    "7.5": [
        fit_by_the_normal_equations,
        fit_by_curve_fit,
        fit_with_xlogy_and_all_points,
        fit_by_cramer,
        fit_in_torch,
        fit_by_weights,
        fit_by_a_search,
    ],
    "7.6": [
        bound_member_by_member,
        bound_in_numpy,
        bound_by_sums_of_squares,
        bound_with_a_small_number,
        bound_by_nan_to_num,
        bound_by_zscore,
        bound_answer_by_answer,
    ],
}
