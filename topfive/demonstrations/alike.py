"""Near duplicates: how alike two lists are, which of many are, and a split that no likeness crosses."""

import random
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Items = Sequence[str]
Pair = tuple[int, int]
Integers = NDArray[np.int64]

NEAR = 0.5  # lists that share so much of their text are called near duplicates
PRIME = 2**31 - 1
HASHES = 128
SLACK = 0.2  # so far below `NEAR` an estimate may be for the pair to be looked at exactly


def shingles(items: Items, size: int = 4) -> set[str]:
    """Every run of `size` characters inside an item, in lower case; an item of fewer characters is one by itself."""
    lower = [item.lower() for item in items]
    return {item[start : start + size] for item in lower for start in range(max(1, len(item) - size + 1))}


def similarity(one: Items, other: Items, size: int = 4) -> float:
    """Jaccard index of the shingles of two lists: how many they share, of all that either has.

    one, other: the items of a list, at least one in each. size: characters a shingle. Returns 0 (nothing shared) to 1.
    (Broder 1997, who takes words for characters; items are short.)
    """
    mine, theirs = shingles(one, size), shingles(other, size)
    return len(mine & theirs) / len(mine | theirs)


def minhash(values: Integers, multipliers: Integers, offsets: Integers, prime: int) -> Integers:
    """The signature of a set: for each hash function the smallest value that any member has.

    values: (n,) int64, the members as numbers. multipliers, offsets: (k,) int64; function i maps x to
    (multipliers[i]·x + offsets[i]) mod prime. Returns (k,) int64. The share of places in which two signatures agree
    estimates the Jaccard index of the sets. (Broder 1997.)
    """
    return ((multipliers[:, None] * values + offsets[:, None]) % prime).min(axis=1)


def signatures(
    lists: Sequence[Items], minhash_fn: Callable[[Integers, Integers, Integers, int], Integers] = minhash, seed: int = 0
) -> Integers:
    """The signature of each list's shingles, (lists, HASHES)."""
    rng = np.random.default_rng(seed)
    multipliers, offsets = rng.integers(1, PRIME, size=(2, HASHES))
    return np.stack(
        [np.asarray(minhash_fn(as_numbers(shingles(items)), multipliers, offsets, PRIME)) for items in lists]
    )


def as_numbers(members: Iterable[str]) -> Integers:
    """A number below `PRIME` for each member of a set of texts, the same on every machine."""
    return np.array([crc32(member.encode()) % PRIME for member in sorted(members)], dtype=np.int64)


def near_duplicates(
    lists: Sequence[Items],
    at_least: float = NEAR,
    *,
    similarity_fn: Callable[[Items, Items], float] = similarity,
    minhash_fn: Callable[[Integers, Integers, Integers, int], Integers] = minhash,
) -> list[Pair]:
    """Every pair (i, j), i < j, of lists that are at least so similar.

    Signatures say which pairs are worth a look, `similarity_fn` decides. A list without items is near nothing.
    """
    filled = [index for index, items in enumerate(lists) if items]
    found = []
    for one, other in _worth_a_look([lists[index] for index in filled], at_least - SLACK, minhash_fn):
        pair = filled[one], filled[other]
        if similarity_fn(lists[pair[0]], lists[pair[1]]) >= at_least:
            found.append(pair)
    return found


def _worth_a_look(
    lists: Sequence[Items], at_least: float, minhash_fn: Callable[[Integers, Integers, Integers, int], Integers]
) -> Iterator[Pair]:
    """Pairs whose signatures agree in such a share of their places."""
    signed = signatures(lists, minhash_fn) if lists else np.zeros((0, HASHES), dtype=np.int64)
    for place in range(len(signed)):
        agree = (signed[place + 1 :] == signed[place]).mean(axis=1)
        yield from ((place, place + 1 + int(ahead)) for ahead in np.flatnonzero(agree >= at_least))


def groups_of(number: int, pairs: Iterable[Pair]) -> list[int]:
    """For each of `number` things the first that it is linked to, directly or through others; itself if to none.

    pairs: (i, j), in any order, of things 0 to number − 1 that belong together. Returns the smallest index of each
    thing's group.
    """
    first = list(range(number))
    for one, other in pairs:
        low, high = sorted((first[one], first[other]))
        first = [low if group == high else group for group in first]
    return first


def same(keys: Sequence[Hashable]) -> list[Pair]:
    """Pairs that link each place with the first one of the same key."""
    first: dict[Hashable, int] = {}
    places = [(first.setdefault(key, place), place) for place, key in enumerate(keys)]
    return [pair for pair in places if pair[0] != pair[1]]


def split(groups: Sequence[int], share: float = 0.15, seed: int = 0) -> list[str]:
    """ "train" or "validation" for each list: whole groups, in random order, until a `share` of lists is held out."""
    order = sorted(set(groups))
    random.Random(seed).shuffle(order)
    held: set[int] = set()
    count = 0
    for group in order:
        if count >= share * len(groups):
            break
        held.add(group)
        count += sum(one == group for one in groups)
    return ["validation" if group in held else "train" for group in groups]


def leaked(splits: Sequence[str], pairs: Iterable[Pair]) -> list[Pair]:
    """The pairs that stand on both sides of a split."""
    return [(one, other) for one, other in pairs if splits[one] != splits[other]]
