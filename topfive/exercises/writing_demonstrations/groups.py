"""Exercise 2.3: what belongs together."""

from collections.abc import Callable, Iterable, Sequence

from topfive.demonstrations import alike
from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Pair = tuple[int, int]


def _group_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(number: int, count: int) -> list[Pair]:
        pairs = zip(integers(0, number, 4 * count, generator), integers(0, number, 4 * count, generator), strict=True)
        return [(one, other) for one, other in pairs if one != other][:count]

    return [
        Case("one pair of four", (4, [(1, 3)]), look_at="the four numbers, by hand."),
        Case("a chain", (5, [(1, 2), (2, 4)]), look_at="1 and 4, which no pair names together."),
        Case("a chain from its far end", (6, [(4, 5), (2, 4), (0, 2)]), look_at="who hears that 0 has joined."),
        Case(
            "two groups that meet late",
            (8, [(2, 5), (1, 7), (3, 6), (5, 7)]),
            look_at="2 and 1, when the last pair comes.",
        ),
        Case("the larger number first", (5, [(4, 1), (3, 4)]), look_at="which of two numbers names the group."),
        Case("pairs twice, and a ring", (6, [(5, 3), (3, 5), (3, 4), (4, 5)]), look_at="a pair that says nothing new."),
        Case("no pair", (3, []), look_at="things that are linked to none."),
        Case("many", (40, drawn(40, 22)), look_at="the smallest number of each group."),
        Case("many", (60, drawn(60, 45)), look_at="the smallest number of each group."),
    ]


def _direct(number: int, pairs: Iterable[Pair]) -> list[int]:
    linked = list(pairs)
    return [min([i, *(min(pair) for pair in linked if i in pair)]) for i in range(number)]


def _one_pass(number: int, pairs: Iterable[Pair]) -> list[int]:
    """The larger of the two hears of the smaller one's group, and nobody else does."""
    group = list(range(number))
    for one, other in pairs:
        low, high = sorted((one, other))
        group[high] = group[low]
    return group


def _both_only(number: int, pairs: Iterable[Pair]) -> list[int]:
    group = list(range(number))
    for one, other in pairs:
        group[one] = group[other] = min(group[one], group[other])
    return group


def _takes_the_first(number: int, pairs: Iterable[Pair]) -> list[int]:
    """Right groups, under the group of whoever stands first in the pair."""
    group = list(range(number))
    for one, other in pairs:
        old, new = group[other], group[one]
        group = [new if own == old else own for own in group]
    return group


def _takes_the_second(number: int, pairs: Iterable[Pair]) -> list[int]:
    return _takes_the_first(number, [(other, one) for one, other in pairs])


def _after(change: Callable[[list[int]], object]) -> Function:
    """Something else made of the right groups."""
    return lambda number, pairs: change(alike.groups_of(number, pairs))


def _largest(groups: Sequence[int]) -> list[int]:
    return [max(i for i, group in enumerate(groups) if group == own) for own in groups]


def _numbered(start: int) -> Callable[[Sequence[int]], list[int]]:
    return lambda groups: [sorted(set(groups)).index(own) + start for own in groups]


def _members(groups: Sequence[int]) -> list[list[int]]:
    return [[i for i, own in enumerate(groups) if own == group] for group in sorted(set(groups))]


def _more_than_one(groups: Sequence[int]) -> list[list[int]]:
    return [members for members in _members(groups) if len(members) > 1]


def _unlinked(value: int) -> Callable[[Sequence[int]], list[int]]:
    return lambda groups: [own if groups.count(own) > 1 else value for own in groups]


def _parent(number: int, pairs: Iterable[Pair]) -> list[int]:
    """Pointers to a smaller one, never followed to the end."""
    parent = list(range(number))
    for one, other in pairs:
        low, high = sorted((one, other))
        parent[high] = low
    return parent


def _next_step(number: int, pairs: Iterable[Pair]) -> list[int]:
    """Pointers followed one step at the end."""
    parent = _parent(number, pairs)
    return [parent[parent[i]] for i in range(number)]


def _sorted_pairs(number: int, pairs: Iterable[Pair]) -> list[int]:
    return _one_pass(number, sorted((min(pair), max(pair)) for pair in pairs))


def _ordered_only(number: int, pairs: Iterable[Pair]) -> list[int]:
    return alike.groups_of(number, [pair for pair in pairs if pair[0] < pair[1]])


def _linked_only(number: int, pairs: Iterable[Pair]) -> dict[int, int]:
    linked = list(pairs)
    named = {one for pair in linked for one in pair}
    return {i: group for i, group in enumerate(alike.groups_of(number, linked)) if i in named}


EXERCISE = Exercise(
    number="2.3",
    title="What belongs together",
    points=3,
    minutes=15,
    solution=alike.groups_of,
    cases=_group_cases,
    axes=("thing",),
    mistakes=(
        Mistake(
            "direct links only",
            _direct,
            "That is what comes out when each thing asks its own partners only. If 1 belongs to 2, and 2 to 4, then 4 "
            "is in the group of 1, though no pair says so. Look at: links through others.",
        ),
        Mistake(
            "only the two of the pair are told",
            _both_only,
            "That is what comes out when a pair changes the group of its two members and of nobody else. Whoever "
            "joined one of them earlier stays behind. Look at: all members of both groups.",
            also=(_one_pass,),
        ),
        Mistake(
            "pointers that are not followed",
            _parent,
            "That is what comes out when each thing remembers a smaller partner, and nobody follows this trail to its "
            "end; a later pair even overwrites it. Look at: the smallest of the whole group.",
            also=(_next_step,),
        ),
        Mistake(
            "sorting instead of following",
            _sorted_pairs,
            "That is what comes out when the pairs are sorted and gone through once. It helps often, not always: two "
            "groups can meet at members that are not their first. Look at: two groups that a late pair joins.",
        ),
        Mistake(
            "the first of the pair names the group",
            _takes_the_first,
            "These are the right groups under other names: whoever stands first, or second, in the pair passes its "
            "group on. The smallest number names the group, however the pair was written. Look at: which of two "
            "groups gives way.",
            also=(_takes_the_second,),
        ),
        Mistake(
            "the largest",
            _after(_largest),
            "These are the right groups, under their largest number. Look at: min and max.",
        ),
        Mistake(
            "numbered one after the other",
            _after(_numbered(0)),
            "These are the right groups, numbered one after the other. Asked for is the smallest member of each, which "
            "needs no counting. Look at: what names a group.",
            also=(_after(_numbered(1)),),
        ),
        Mistake(
            "counted from 1",
            _after(lambda groups: [group + 1 for group in groups]),
            "That is what comes out when things are counted from 1. Look at: the first of all things, which is 0.",
        ),
        Mistake(
            "lists of members",
            _after(_members),
            "These are the groups as lists of their members. One number for each thing was asked for. "
            "Look at: the last lines.",
            also=(_after(_more_than_one), _after(lambda groups: [set(one) for one in _members(groups)])),
        ),
        Mistake(
            "whether it is in a group",
            _after(lambda groups: [int(groups.count(group) > 1) for group in groups]),
            "That says of each thing whether it is linked to any other, not to which. Look at: what you return for it.",
            also=(_after(lambda groups: [groups.count(group) for group in groups]),),
        ),
        Mistake(
            "no group of one's own",
            _after(_unlinked(-1)),
            "That is what comes out when a thing without links has no group. It is a group of one, under its own "
            "number. Look at: with what you begin.",
            also=(_after(_unlinked(0)), _linked_only),
        ),
        Mistake(
            "pairs the other way round are skipped",
            _ordered_only,
            "That is what comes out when only pairs count whose first number is the smaller one. (4, 1) links the "
            "same two as (1, 4). Look at: a comparison of the two.",
        ),
        Mistake(
            "the last member of the pair list",
            lambda number, pairs: alike.groups_of(number, list(pairs)[:-1]),
            "That is what comes out when the first or the last pair is left out. Look at: where your loop begins and "
            "ends.",
            also=(lambda number, pairs: alike.groups_of(number, list(pairs)[1:]),),
        ),
    ),
    hints=(
        "Begin with everybody in a group of their own: the list 0, 1, 2, … Each pair then joins two groups into one.",
        "When two groups are joined, *all* members of one of them have to change, not just the two that the pair "
        "names. Which of the two group numbers survives?",
        "For each pair: the smaller and the larger of the two group numbers; then go through the whole list and "
        "replace the larger by the smaller wherever it stands.",
    ),
)
