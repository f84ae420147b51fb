"""Right answers to the exercises of assignment 01, written in genuinely different ways."""

import math
from collections import Counter
from collections.abc import Callable
from itertools import permutations
from typing import Any

import numpy as np
import torch
from sklearn.metrics import cohen_kappa_score, confusion_matrix

# --- 1.1 percent_agreement ----------------------------------------------------------------------------------------


def percent_by_a_loop(a, b):
    same = common = 0
    for x, y in zip(a, b, strict=True):
        if x != -1 and y != -1:
            common += 1
            same += x == y
    return same / common if common else float("nan")


def percent_by_lists(a, b):
    pairs = [(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if min(x, y) >= 0]
    return sum(x == y for x, y in pairs) / len(pairs) if pairs else math.nan


def percent_by_nanmean(a, b):
    x, y = np.where(a < 0, np.nan, a), np.where(b < 0, np.nan, b)
    equal = np.where(np.isnan(x + y), np.nan, x == y)
    return np.nanmean(equal)


def percent_by_masked_arrays(a, b):
    found = (np.ma.masked_equal(a, -1) == np.ma.masked_equal(b, -1)).mean()
    return float("nan") if found is np.ma.masked else float(found)


def percent_in_torch(a, b):
    a, b = torch.as_tensor(a), torch.as_tensor(b)
    both = (a >= 0) & (b >= 0)
    return (a == b)[both].double().mean()


def percent_by_division(a, b):
    both = (a >= 0) * (b >= 0)
    return (both * (a == b)).sum() / both.sum()


# --- 1.2 cohen_kappa ----------------------------------------------------------------------------------------------


def kappa_by_a_table(a, b):
    both = (a >= 0) & (b >= 0)
    if not both.any():
        return float("nan")
    table = confusion_matrix(a[both], b[both]) / both.sum()
    chance = table.sum(axis=0) @ table.sum(axis=1)
    return (np.trace(table) - chance) / (1 - chance) if chance != 1 else np.nan


def kappa_by_counters(a, b):
    pairs = [(x, y) for x, y in zip(a.tolist(), b.tolist(), strict=True) if x >= 0 and y >= 0]
    n = len(pairs)
    if n == 0:
        return math.nan
    first, second = Counter(x for x, _ in pairs), Counter(y for _, y in pairs)
    chance = sum(first[label] * second[label] for label in first)
    same = n * sum(x == y for x, y in pairs)
    return (same - chance) / (n * n - chance) if n * n != chance else math.nan


def kappa_by_disagreement(a, b):
    kept = (a != -1) & (b != -1)
    x, y = a[kept], b[kept]
    if x.size == 0 or len(set(x) | set(y)) == 1:
        return np.nan
    return 1 - (x != y).mean() / (x[:, None] != y[None, :]).mean()


def kappa_by_bincount(a, b):
    kept = np.minimum(a, b) >= 0
    x, y = a[kept], b[kept]
    if not len(x):
        return np.nan
    size = int(max(x.max(), y.max())) + 1
    p, q = np.bincount(x, minlength=size) / len(x), np.bincount(y, minlength=size) / len(y)
    with np.errstate(invalid="ignore"):
        return ((x == y).mean() - p @ q) / (1 - p @ q)


def kappa_by_scikit_learn(a, b):
    kept = (a >= 0) & (b >= 0)
    if not kept.any() or len(np.union1d(a[kept], b[kept])) == 1:
        return float("nan")
    return cohen_kappa_score(a[kept], b[kept])


# --- 1.3 krippendorff_alpha ---------------------------------------------------------------------------------------


def alpha_by_coincidences(labels):
    classes = int(labels.max()) + 1
    table = np.zeros((classes, classes))
    for row in labels:
        values = row[row >= 0]
        for x, y in permutations(values, 2):
            table[x, y] += 1 / (len(values) - 1)
    n_c, n = table.sum(axis=0), table.sum()
    apart = n - np.trace(table)
    expected = (n**2 - (n_c**2).sum()) / (n - 1) if n > 1 else 0
    return 1 - apart / expected if expected else float("nan")


def alpha_by_counters(labels):
    items = [[x for x in row if x >= 0] for row in labels.tolist()]
    items = [item for item in items if len(item) >= 2]
    bag = Counter(x for item in items for x in item)
    n = sum(bag.values())
    if len(bag) < 2:
        return math.nan
    apart = sum((len(item) ** 2 - sum(k * k for k in Counter(item).values())) / (len(item) - 1) for item in items)
    return 1 - (n - 1) * apart / (n * n - sum(k * k for k in bag.values()))


def alpha_by_pairs_of_the_bag(labels):
    rows = [row[row >= 0] for row in labels if (row >= 0).sum() > 1]
    if not rows:
        return np.nan
    bag = np.concatenate(rows)
    n = len(bag)
    expected = (bag[:, None] != bag[None, :]).sum() / (n * (n - 1))
    observed = sum((row[:, None] != row[None, :]).sum() / (len(row) - 1) for row in rows) / n
    return np.nan if expected == 0 else 1 - observed / expected


def alpha_by_one_hot(labels):
    hot = (labels[:, :, None] == np.arange(labels.max() + 1)).sum(axis=1).astype(float)
    hot = hot[hot.sum(axis=1) > 1]
    m = hot.sum(axis=1)
    agree = (hot * (hot - 1)).sum(axis=1) / (m - 1)
    n, n_c = m.sum(), hot.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.divide((n - 1) * agree.sum() - (n_c * (n_c - 1)).sum(), n * (n - 1) - (n_c * (n_c - 1)).sum())


def alpha_by_the_package(labels):
    import krippendorff

    kept = labels[(labels >= 0).sum(axis=1) > 1]
    if not len(kept) or len(set(kept[kept >= 0].tolist())) < 2:
        return np.nan
    return krippendorff.alpha(np.where(kept < 0, np.nan, kept).T, level_of_measurement="nominal")


# --- 1.4 majority_vote --------------------------------------------------------------------------------------------


def vote_by_counters(labels, classes):
    out = []
    for row in labels.tolist():
        ranked = Counter(x for x in row if x >= 0).most_common(2)
        tied = len(ranked) == 2 and ranked[0][1] == ranked[1][1]
        out.append(-1 if tied or not ranked else ranked[0][0])
    return out


def vote_by_sorting(labels, classes):
    counts = np.stack([(labels == c).sum(axis=1) for c in range(classes)], axis=1)
    ordered = np.sort(counts, axis=1)
    return np.where(ordered[:, -1] > ordered[:, -2], counts.argmax(axis=1), -1)


def vote_by_bincount(labels, classes):
    out = np.full(len(labels), -1)
    for i, row in enumerate(labels):
        counts = np.bincount(row[row >= 0], minlength=classes)
        best = np.flatnonzero(counts == counts.max())
        if len(best) == 1:
            out[i] = best[0]
    return out


def vote_from_both_ends(labels, classes):
    counts = np.array([[np.count_nonzero(row == c) for c in range(classes)] for row in labels])
    first, last = counts.argmax(axis=1), classes - 1 - counts[:, ::-1].argmax(axis=1)
    return np.where(first == last, first, -1)


def vote_in_torch(labels, classes):
    counts = (torch.as_tensor(labels)[:, :, None] == torch.arange(classes)).sum(dim=1)
    top = counts.topk(2, dim=1)
    return torch.where(top.values[:, 0] > top.values[:, 1], top.indices[:, 0], -1)


# --- 1.5 worker_matrices ------------------------------------------------------------------------------------------


def matrices_by_loops(labels, guesses, floor=1e-10):
    tasks, workers = labels.shape
    classes = guesses.shape[1]
    out = np.zeros((workers, classes, classes))
    for t in range(tasks):
        for w in range(workers):
            if labels[t, w] != -1:
                out[w, :, labels[t, w]] += guesses[t]
    out = np.maximum(out, floor)
    return out / out.sum(axis=2, keepdims=True)


def matrices_by_einsum(labels, guesses, floor=1e-10):
    hot = (labels[:, :, None] == np.arange(guesses.shape[1])).astype(float)
    counts = np.einsum("tws,tc->wcs", hot, guesses).clip(min=floor)
    return counts / counts.sum(-1, keepdims=True)


def matrices_by_add_at(labels, guesses, floor=1e-10):
    counts = np.zeros((labels.shape[1], guesses.shape[1], guesses.shape[1]))
    t, w = np.nonzero(labels >= 0)
    np.add.at(counts.transpose(0, 2, 1), (w, labels[t, w]), guesses[t])
    counts[counts < floor] = floor
    return counts / counts.sum(axis=2)[:, :, None]


def matrices_worker_by_worker(labels, guesses, floor=1e-10):
    out = []
    for column in labels.T:
        asked = column >= 0
        said = np.eye(guesses.shape[1])[column[asked]]
        counts = np.maximum(guesses[asked].T @ said, floor)
        out.append(counts / counts.sum(axis=1, keepdims=True))
    return np.array(out)


def matrices_in_torch(labels, guesses, floor=1e-10):
    x, g = torch.as_tensor(labels), torch.as_tensor(guesses)
    hot = torch.nn.functional.one_hot(x + 1, g.shape[1] + 1)[:, :, 1:].to(g.dtype)
    counts = torch.einsum("tws,tc->wcs", hot, g).clamp(min=floor)
    return torch.nn.functional.normalize(counts, p=1, dim=2)


# --- 1.6 task_guesses ---------------------------------------------------------------------------------------------


def guesses_by_loops(labels, prior, matrices):
    out = []
    for row in labels:
        logs = [math.log(p) for p in prior]
        for w, said in enumerate(row):
            if said >= 0:
                logs = [log + math.log(matrices[w, c, said]) for c, log in enumerate(logs)]
        top = max(logs)
        weights = [math.exp(log - top) for log in logs]
        out.append([weight / sum(weights) for weight in weights])
    return out


def guesses_by_einsum(labels, prior, matrices):
    hot = (labels[:, :, None] == np.arange(len(prior))).astype(float)
    logs = np.log(prior) + np.einsum("tws,wcs->tc", hot, np.log(matrices))
    return torch.from_numpy(logs).softmax(dim=1)


def guesses_by_scipy(labels, prior, matrices):
    from scipy.special import logsumexp

    w = np.arange(labels.shape[1])
    picked = np.log(matrices)[w[None, :], :, labels] * (labels >= 0)[:, :, None]
    logs = np.log(prior)[None, :] + picked.sum(axis=1)
    return np.exp(logs - logsumexp(logs, axis=1, keepdims=True))


def guesses_scaled_as_they_grow(labels, prior, matrices):
    """Products, brought back to sum 1 after every worker."""
    out = np.tile(prior / prior.sum(), (len(labels), 1))
    for w in range(labels.shape[1]):
        asked = np.flatnonzero(labels[:, w] != -1)
        out[asked] *= matrices[w][:, labels[asked, w]].T
        out[asked] /= out[asked].sum(axis=1, keepdims=True)
    return out


def guesses_by_base_two(labels, prior, matrices):
    logs = np.tile(np.log2(prior), (len(labels), 1))
    for t, w in zip(*np.nonzero(labels >= 0), strict=True):
        logs[t] += np.log2(matrices[w, :, labels[t, w]])
    weights = np.exp2(logs - logs.max(axis=1)[:, None])
    return weights / weights.sum(axis=1)[:, None]


# --- 1.7 golden_quality -------------------------------------------------------------------------------------------


def golden_by_loops(labels, gold):
    out = []
    for w in range(labels.shape[1]):
        right = [labels[t, w] == gold[t] for t in range(len(gold)) if gold[t] >= 0 and labels[t, w] >= 0]
        out.append([sum(right) / len(right) if right else math.nan, len(right)])
    return out


def golden_on_golden_rows_only(labels, gold):
    rows, truth = labels[gold >= 0], gold[gold >= 0]
    met = (rows >= 0).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.column_stack([(rows == truth[:, None]).sum(axis=0) / met, met])


def golden_by_nanmean(labels, gold):
    met = (labels != -1) & (gold[:, None] != -1)
    right = np.where(met, labels == gold[:, None], np.nan)
    return np.stack([np.nanmean(right, axis=0), met.sum(axis=0)], axis=-1)


def golden_in_torch(labels, gold):
    x, g = torch.as_tensor(labels), torch.as_tensor(gold)[:, None]
    met = (x >= 0) & (g >= 0)
    right = (met & (x == g)).sum(dim=0).double()
    return torch.stack([right / met.sum(dim=0), met.sum(dim=0).double()], dim=1)


def golden_worker_by_worker(labels, gold):
    out = np.full((labels.shape[1], 2), np.nan)
    for w, column in enumerate(labels.T):
        both = np.minimum(column, gold) >= 0
        out[w, 1] = both.sum()
        if both.any():
            out[w, 0] = np.mean(column[both] == gold[both])
    return out


# --- 1.8 spammer_scores -------------------------------------------------------------------------------------------


def spammers_by_loops(matrices):
    out = []
    for m in matrices:
        n = len(m)
        pairs = [((m[i] - m[j]) ** 2).sum() / 2 for i in range(n) for j in range(i)]
        out.append(sum(pairs) / len(pairs))
    return out


def spammers_by_triangle(matrices):
    i, j = np.triu_indices(matrices.shape[1], k=1)
    return (0.5 * np.square(matrices[:, i] - matrices[:, j]).sum(-1)).mean(-1)


def spammers_by_variance(matrices):
    """Mean squared distance between pairs is twice the variance, of n − 1."""
    return matrices.var(axis=1, ddof=1).sum(axis=1)


def spammers_by_inner_products(matrices):
    gram = matrices @ matrices.transpose(0, 2, 1)
    n = matrices.shape[1]
    own = np.trace(gram, axis1=1, axis2=2)
    return (n * own - gram.sum(axis=(1, 2))) / (n * (n - 1))


def spammers_in_torch(matrices):
    rows = torch.as_tensor(matrices)
    n = rows.shape[1]
    return torch.cdist(rows, rows).square().sum(dim=(1, 2)) / 2 / (n * (n - 1))


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "1.1": [
        percent_by_a_loop,
        percent_by_lists,
        percent_by_nanmean,
        percent_by_masked_arrays,
        percent_in_torch,
        percent_by_division,
    ],
    "1.2": [
        kappa_by_a_table,
        kappa_by_counters,
        kappa_by_disagreement,
        kappa_by_bincount,
        kappa_by_scikit_learn,
    ],
    "1.3": [
        alpha_by_coincidences,
        alpha_by_counters,
        alpha_by_pairs_of_the_bag,
        alpha_by_one_hot,
        alpha_by_the_package,
    ],
    "1.4": [
        vote_by_counters,
        vote_by_sorting,
        vote_by_bincount,
        vote_from_both_ends,
        vote_in_torch,
    ],
    "1.5": [
        matrices_by_loops,
        matrices_by_einsum,
        matrices_by_add_at,
        matrices_worker_by_worker,
        matrices_in_torch,
    ],
    "1.6": [
        guesses_by_loops,
        guesses_by_einsum,
        guesses_by_scipy,
        guesses_scaled_as_they_grow,
        guesses_by_base_two,
    ],
    "1.7": [
        golden_by_loops,
        golden_on_golden_rows_only,
        golden_by_nanmean,
        golden_in_torch,
        golden_worker_by_worker,
    ],
    "1.8": [
        spammers_by_loops,
        spammers_by_triangle,
        spammers_by_variance,
        spammers_by_inner_products,
        spammers_in_torch,
    ],
}
