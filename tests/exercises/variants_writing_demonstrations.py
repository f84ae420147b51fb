"""Right ways to solve the exercises of assignment 02 that are not the package's."""

import math
import re
from collections import deque
from collections.abc import Callable
from difflib import SequenceMatcher
from typing import Any

import numpy as np
import torch
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from sklearn.metrics import cohen_kappa_score

from topfive.demonstrations import alike, sft_set
from topfive.lists import render

# --- 2.1 similarity -----------------------------------------------------------------------------------------------


def alike_by_loops(one, other, size=4):
    def collect(items):
        found = set()
        for item in map(str.lower, items):
            if len(item) < size:
                found.add(item)
            for start in range(len(item) - size + 1):
                found.add(item[start : start + size])
        return found

    a, b = collect(one), collect(other)
    return len(a.intersection(b)) / len(a.union(b))


def alike_by_sizes(one, other, size=4):
    def collect(items):
        return {i.lower()[k : k + size] for i in items for k in range(max(len(i) - size, 0) + 1)}

    a, b = collect(one), collect(other)
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def alike_by_tuples_of_characters(one, other, size=4):
    def collect(items):
        out = set()
        for item in map(str.lower, items):
            out |= set(zip(*(item[k:] for k in range(size)), strict=False)) or {tuple(item)}
        return out

    a, b = collect(one), collect(other)
    return np.float64(len(a & b)) / len(a | b)


def alike_by_a_table(one, other, size=4):
    def collect(items):
        return [i.lower()[k : k + size] for i in items for k in range(max(1, len(i) - size + 1))]

    a, b = collect(one), collect(other)
    names = sorted(set(a + b))
    table = np.array([[name in a, name in b] for name in names])
    return table.all(axis=1).sum() / table.any(axis=1).sum()


def alike_as_one_minus_the_difference(one, other, size=4):
    def collect(items):
        return {i.lower()[k : k + size] for i in items for k in range(max(1, len(i) - size + 1))}

    a, b = collect(one), collect(other)
    return torch.tensor(1 - len(a ^ b) / len(a | b), dtype=torch.float64)


# --- 2.2 minhash --------------------------------------------------------------------------------------------------


def minhash_by_loops(values, multipliers, offsets, prime):
    out = []
    for a, b in zip(multipliers.tolist(), offsets.tolist(), strict=True):
        out.append(min((a * x + b) % prime for x in values.tolist()))
    return np.array(out)


def minhash_as_a_plain_list(values, multipliers, offsets, prime):
    return [min((int(a) * int(x) + int(b)) % prime for x in values) for a, b in zip(multipliers, offsets, strict=True)]


def minhash_by_outer(values, multipliers, offsets, prime):
    return np.min((np.outer(values, multipliers) + offsets) % prime, axis=0)


def minhash_member_by_member(values, multipliers, offsets, prime):
    best = np.full(len(multipliers), prime)
    for x in values:
        best = np.minimum(best, (multipliers * x + offsets) % prime)
    return best


def minhash_by_sorting(values, multipliers, offsets, prime):
    table = np.einsum("k,n->kn", multipliers, values) + offsets.reshape(-1, 1)
    return np.sort(np.mod(table, prime), axis=1)[:, 0]


def minhash_in_torch(values, multipliers, offsets, prime):
    x, a, b = (torch.as_tensor(one) for one in (values, multipliers, offsets))
    return ((a[:, None] * x + b[:, None]) % prime).amin(dim=1)


# --- 2.3 groups_of ------------------------------------------------------------------------------------------------


def groups_by_a_search(number, pairs):
    near = {i: set() for i in range(number)}
    for a, b in pairs:
        near[a].add(b)
        near[b].add(a)
    first = [None] * number
    for start in range(number):
        if first[start] is None:
            queue = deque([start])
            while queue:
                here = queue.popleft()
                if first[here] is None:
                    first[here] = start
                    queue.extend(near[here])
    return first


def groups_by_union_find(number, pairs):
    parent = list(range(number))

    def root(i):
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    for pair in pairs:
        low, high = sorted(map(root, pair))
        parent[high] = low
    return [root(i) for i in range(number)]


def groups_until_nothing_changes(number, pairs):
    first = list(range(number))
    changed = True
    while changed:
        changed = False
        for a, b in pairs:
            low = min(first[a], first[b])
            if first[a] != low or first[b] != low:
                first[a] = first[b] = low
                changed = True
    return first


def groups_by_scipy(number, pairs):
    pairs = np.array(list(pairs), dtype=int).reshape(-1, 2)
    links = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(number, number))
    _, labels = connected_components(links, directed=False)
    smallest = {}
    for i, label in enumerate(labels):
        smallest.setdefault(label, i)
    return np.array([smallest[label] for label in labels])


def groups_as_sets(number, pairs):
    groups = [{i} for i in range(number)]
    for a, b in pairs:
        one = next(g for g in groups if a in g)
        other = next(g for g in groups if b in g)
        if one is not other:
            groups.remove(other)
            one |= other
    return [min(g) for i in range(number) for g in groups if i in g]


def groups_by_powers_of_a_matrix(number, pairs):
    linked = torch.eye(number, dtype=torch.float64)
    for a, b in pairs:
        linked[a, b] = linked[b, a] = 1
    for _ in range(number.bit_length() + 1):
        linked = (linked @ linked).clamp(max=1)
    return (linked > 0).long().argmax(dim=1)


# --- 2.4 longest_run ----------------------------------------------------------------------------------------------


def run_by_all_starts(own, source):
    longest = 0
    for i in range(len(own)):
        for j in range(len(source)):
            n = 0
            while i + n < len(own) and j + n < len(source) and own[i + n] == source[j + n]:
                n += 1
            longest = max(longest, n)
    return longest


def run_by_difflib(own, source):
    return SequenceMatcher(None, own, source, autojunk=False).find_longest_match().size


def run_by_sets_of_runs(own, source):
    n = 0
    while {tuple(own[i : i + n + 1]) for i in range(len(own) - n)} & {
        tuple(source[i : i + n + 1]) for i in range(len(source) - n)
    }:
        n += 1
    return n


def run_from_the_longest_down(own, source):
    for n in range(min(len(own), len(source)), 0, -1):
        for i in range(len(own) - n + 1):
            if any(own[i : i + n] == source[j : j + n] for j in range(len(source) - n + 1)):
                return n
    return 0


def run_by_a_table(own, source):
    table = np.zeros((len(own) + 1, len(source) + 1), dtype=int)
    for i, a in enumerate(own):
        for j, b in enumerate(source):
            if a == b:
                table[i + 1, j + 1] = table[i, j] + 1
    return int(table.max())


def run_by_recursion_on_a_dictionary(own, source):
    ends = {}
    for i, a in enumerate(own):
        for j, b in enumerate(source):
            if a == b:
                ends[i, j] = ends.get((i - 1, j - 1), 0) + 1
    return max(ends.values(), default=0)


# --- 2.5 redact ---------------------------------------------------------------------------------------------------


def redact_without_named_parts(text):
    text = re.sub(r"[A-Za-z0-9._+-]+@[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+", "[e-mail]", text)
    return re.sub(r"\+?[0-9]([ .-]?[0-9]){6,}", "[phone]", text)


def redact_ignoring_case(text):
    text = re.sub(r"[a-z0-9_.+-]+@[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)+", "[e-mail]", text, flags=re.IGNORECASE)
    return re.sub(r"\+?(?:\d[ .-]?){6,}\d", "[phone]", text)


def redact_with_what_follows(text):
    text = re.compile(r"[\w.+-]+@(?:[\w-]+\.)+[\w-]+").sub("[e-mail]", text)
    return re.compile(r"(?:\+|\b)\d(?:[-. ]?\d){6,}(?!\d)").sub("[phone]", text)


def redact_in_one_go(text):
    pattern = r"(?P<mail>[\w.+-]+@[\w-]+(?:\.[\w-]+)+)|\+?\d(?:[ .-]?\d){6,}"
    return re.sub(pattern, lambda found: "[e-mail]" if found["mail"] else "[phone]", text)


def redact_match_by_match(text):
    for pattern, mark in ((r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "[e-mail]"), (r"\+?\d(?:[ .-]?\d){6,}", "[phone]")):
        while found := re.search(pattern, text):
            text = text[: found.start()] + mark + text[found.end() :]
    return text


# --- 2.6 weighted_kappa -------------------------------------------------------------------------------------------


def kappa_by_loops(one, other):
    both = [(a, b) for a, b in zip(one, other, strict=True) if a > 0 and b > 0]
    if not both:
        return math.nan
    seen = sum((a - b) ** 2 for a, b in both) / len(both)
    chance = sum((a - d) ** 2 for a, _ in both for _, d in both) / len(both) ** 2
    return 1 - seen / chance if chance > 0 else math.nan


def kappa_by_sklearn(one, other):
    both = [(a, b) for a, b in zip(one, other, strict=True) if a and b]
    if not both or len({score for pair in both for score in pair}) == 1:
        return math.nan
    a, b = zip(*both, strict=True)
    return cohen_kappa_score(a, b, labels=range(1, max(*a, *b) + 1), weights="quadratic")


def kappa_by_means_and_variances(one, other):
    a, b = (np.array(scores, dtype=float) for scores in (one, other))
    kept = (a > 0) & (b > 0)
    a, b = a[kept], b[kept]
    chance = a.var() + b.var() + (a.mean() - b.mean()) ** 2 if len(a) else 0
    return 1 - ((a - b) ** 2).mean() / chance if chance else float("nan")


def kappa_by_a_table(one, other):
    top = max(*one, *other)
    table = np.zeros((top, top))
    for a, b in zip(one, other, strict=True):
        if a and b:
            table[a - 1, b - 1] += 1
    weights = (np.arange(top)[:, None] - np.arange(top)) ** 2
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1)
    below = (weights * expected).sum()
    return float("nan") if below == 0 else 1 - (weights * table).sum() / below


def kappa_in_torch(one, other):
    a, b = torch.tensor(one, dtype=torch.float64), torch.tensor(other, dtype=torch.float64)
    kept = (a != 0) & (b != 0)
    a, b = a[kept], b[kept]
    return 1 - (a - b).square().mean() / (a[:, None] - b[None]).square().mean()


# --- 2.7 fair_price -----------------------------------------------------------------------------------------------


def price_by_trying(seconds, wage, share):
    price = 0
    while True:
        earned = [price / 100 * len(own) / (sum(own) / 3600) for own in seconds]
        if sum(one >= wage for one in earned) >= share * len(seconds):
            return price
        price += 1


def price_by_loops(seconds, wage, share):
    means = []
    for own in seconds:
        means.append(sum(own) / len(own))
    means.sort()
    for count, one in enumerate(means, start=1):
        if count / len(means) >= share:
            return math.ceil(one / 3600 * wage * 100)
    raise ValueError("a share is at most 1")


def price_by_numpy(seconds, wage, share):
    means = np.sort([np.mean(own) for own in seconds])
    reached = np.arange(1, len(means) + 1) / len(means) >= share
    return int(np.ceil(means[reached][0] * wage / 36))


def price_by_an_inverted_quantile(seconds, wage, share):
    time = np.quantile([np.mean(own) for own in seconds], share, method="inverted_cdf")
    return math.ceil(time * wage * 100 / 3600)


def price_of_each_writer(seconds, wage, share):
    prices = sorted(math.ceil(100 * wage * (sum(own) / 3600) / len(own)) for own in seconds)
    return prices[math.ceil(len(prices) * share) - 1]


# --- 2.8 the finished set -----------------------------------------------------------------------------------------


def set_as_in_the_notebook(lists, passes):
    fine = [row for row, ok in zip(lists, passes, strict=True) if ok]
    good = [row for row in fine if not sft_set.faults(row)]
    near = alike.near_duplicates([row["items"] for row in good])
    group = groups_by_union_find(len(good), near)
    kept = [row for place, row in enumerate(good) if group[place] == place]
    return sft_set.as_set(kept, alike.split(sft_set.linked(kept)))


def set_by_a_loop(lists, passes):
    good = []
    for row, ok in zip(lists, passes, strict=True):
        if not ok or len(sft_set.faults(row)) > 0:
            continue
        good.append(row)
    group = groups_by_a_search(len(good), alike.near_duplicates([row["items"] for row in good]))
    seen, kept = set(), []
    for row, own in zip(good, group, strict=True):
        if own not in seen:
            kept.append(row)
        seen.add(own)
    return sft_set.as_set(kept, alike.split(sft_set.linked(kept)))


def set_by_exact_likeness(lists, passes):
    good = [lists[i] for i in range(len(lists)) if passes[i] and sft_set.faults(lists[i]) == []]
    pairs = [
        (i, j)
        for i in range(len(good))
        for j in range(i + 1, len(good))
        if alike.similarity(good[i]["items"], good[j]["items"]) >= alike.NEAR
    ]
    first = alike.groups_of(len(good), pairs)
    kept = [good[i] for i in sorted(set(first))]
    return sft_set.as_set(kept, alike.split(sft_set.linked(kept)))


def set_by_numbers(lists, passes):
    good = np.flatnonzero([bool(ok) and not sft_set.faults(row) for row, ok in zip(lists, passes, strict=True)])
    group = np.array(groups_by_scipy(len(good), alike.near_duplicates([lists[at]["items"] for at in good])), dtype=int)
    kept = [lists[good[at]] for at in np.unique(group)]
    return sft_set.as_set(kept, alike.split(sft_set.linked(kept)))


def set_written_out(lists, passes):
    good = [row for row, ok in zip(lists, passes, strict=True) if ok and not sft_set.faults(row)]
    group = alike.groups_of(len(good), alike.near_duplicates([row["items"] for row in good]))
    kept = [row for place, row in enumerate(good) if place == group[place]]
    asked = [row["prompt"].lower() for row in kept]
    sides = alike.split([asked.index(prompt) for prompt in asked])
    return tuple(
        {
            "source": row["source"],
            "writer": row["writer"],
            "split": side,
            "prompt": row["prompt"],
            "completion": render(row["items"]),
        }
        for row, side in zip(kept, sides, strict=True)
    )


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "2.1": [
        alike_by_loops,
        alike_by_sizes,
        alike_by_tuples_of_characters,
        alike_by_a_table,
        alike_as_one_minus_the_difference,
    ],
    "2.2": [
        minhash_by_loops,
        minhash_as_a_plain_list,
        minhash_by_outer,
        minhash_member_by_member,
        minhash_by_sorting,
        minhash_in_torch,
    ],
    "2.3": [
        groups_by_a_search,
        groups_by_union_find,
        groups_until_nothing_changes,
        groups_by_scipy,
        groups_as_sets,
        groups_by_powers_of_a_matrix,
    ],
    "2.4": [
        run_by_all_starts,
        run_by_difflib,
        run_by_sets_of_runs,
        run_from_the_longest_down,
        run_by_a_table,
        run_by_recursion_on_a_dictionary,
    ],
    "2.5": [
        redact_without_named_parts,
        redact_ignoring_case,
        redact_with_what_follows,
        redact_in_one_go,
        redact_match_by_match,
    ],
    "2.6": [
        kappa_by_loops,
        kappa_by_sklearn,
        kappa_by_means_and_variances,
        kappa_by_a_table,
        kappa_in_torch,
    ],
    "2.7": [
        price_by_trying,
        price_by_loops,
        price_by_numpy,
        price_by_an_inverted_quantile,
        price_of_each_writer,
    ],
    "2.8": [
        set_as_in_the_notebook,
        set_by_a_loop,
        set_by_exact_likeness,
        set_by_numbers,
        set_written_out,
    ],
}
