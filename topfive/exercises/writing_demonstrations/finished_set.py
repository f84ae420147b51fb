"""Exercise 2.8: the finished set, from everything that came in."""

import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from topfive import data
from topfive.demonstrations import alike, pile, sft_set
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.judge import VAGUE, items_of
from topfive.lists import Prompt, normalise

Row = dict[str, Any]
Given = tuple[list[Row], list[bool]]


def _cases(seed: int) -> list[Case]:
    rng = random.Random(seed)
    a, b, c, d = (_list(prompt, rng) for prompt in _prompts(4, rng))
    short, twice = {**a, "items": a["items"][:4]}, {**b, "items": [*b["items"][:4], b["items"][0]]}
    vague = {**c, "items": [*c["items"][:4], "something nice"]}
    private = {**d, "items": [*d["items"][:4], pile.MADE_UP[0]]}
    own = {**b, "writer": "own", "source": "human", "seconds": 71.0}
    return [
        Case(
            "four lists by hand",
            ([a, _turned(a), short, b, c], [True, True, True, True, False]),
            look_at="which two of the lists are good, and unlike.",
        ),
        Case(
            "one fault each", ([short, a, twice, vague, private, b], [True] * 6), look_at="what `sft_set.faults` says."
        ),
        Case("what readers stopped", ([a, b, c, d], _some_of(4, rng)), look_at="who may come in."),
        Case("lists of one's own", ([own, c, _turned(own), a], [True] * 4), look_at="whose lists are in the set."),
        Case("a copy that reads the same", ([a, dict(a), b], [True] * 3), look_at="the second list."),
        Case("the first copy is a bad one", ([vague, c, d], [True] * 3), look_at="which of the two lists is good."),
        Case("the first copy was stopped", ([a, _turned(a), b], [False, True, True]), look_at="which copy has passed."),
        *(Case("a copy between two lists", _chain(rng), look_at="what is near to what.") for _ in range(2)),
        *(Case("several lists for each prompt", _pairs(rng), look_at="lists for one prompt.") for _ in range(2)),
        Case("nothing passes", ([a, b], [False, False]), look_at="an empty set, which is a list without rows."),
        Case("a small pile", _pile(rng), look_at="each step, on its own."),
    ]


def _prompts(count: int, rng: random.Random) -> list[Prompt]:
    """Plain prompts on different topics."""
    plain = {one.topic: one for one in data.prompts("train") if not one.constraints}
    return rng.sample(list(plain.values()), count)


def _list(prompt: Prompt, rng: random.Random, items: Sequence[str] = ()) -> Row:
    """A list without a fault by a simulated writer, of bank items for a prompt."""
    drawn = list(items) or _items(prompt.topic, 5, rng)
    return {
        "prompt": prompt.text,
        "topic": prompt.topic,
        "constraints": [],
        "items": drawn,
        "writer": f"w{rng.randrange(90):02}",
        "source": "simulated",
    }


def _items(topic: str, count: int, rng: random.Random) -> list[str]:
    """Items of a topic without a vague word, all of about the same length."""
    names = [row["item"] for row in items_of(topic) if not VAGUE & {*normalise(row["item"]).split()}]
    return rng.sample(sorted(names, key=lambda name: abs(len(name) - 25))[:18], count)


def _turned(row: Row) -> Row:
    """The same items in another order, by somebody else."""
    return {**row, "items": row["items"][::-1], "writer": "w99", "source": "simulated"}


def _some_of(count: int, rng: random.Random) -> list[bool]:
    return rng.sample([True] * (count - 1) + [False], count)


def _chain(rng: random.Random) -> Given:
    """Two lists that are not near each other, and then one that is near to both."""
    [prompt] = _prompts(1, rng)
    seven = _items(prompt.topic, 7, rng)
    lists = [_list(prompt, rng, seven[start : start + 5]) for start in (1, 0, 2)]
    return [lists[1], lists[2], lists[0], *(_list(one, rng) for one in _prompts(2, rng))], [True] * 5


def _pairs(rng: random.Random) -> Given:
    """Unlike lists, three for each of five prompts, mixed."""
    found = [
        _list(prompt, rng, items[start : start + 5])
        for prompt in _prompts(5, rng)
        for items in [_items(prompt.topic, 15, rng)]
        for start in (0, 5, 10)
    ]
    return rng.sample(found, len(found)), [True] * len(found)


def _pile(rng: random.Random) -> Given:
    """What really comes in, and readers who stop a tenth of it."""
    lists, _ = pile.incoming(20, seed=rng.randrange(1000))
    return lists, [rng.random() < 0.9 for _ in lists]


# --- what people write ----------------------------------------------------------------------------------------------


def _group(rows: Sequence[Row]) -> list[int]:
    return alike.groups_of(len(rows), _near(rows))


def _near(rows: Sequence[Row]) -> list[tuple[int, int]]:
    return alike.near_duplicates([row["items"] for row in rows])


def _firsts(rows: Sequence[Row], groups: Sequence[Any]) -> list[Row]:
    return [row for place, row in enumerate(rows) if groups.index(groups[place]) == place]


def _one_of_each(good: Sequence[Row]) -> list[Row]:
    return _firsts(good, _group(good))


def _lasts(good: Sequence[Row]) -> list[Row]:
    group = _group(good)
    return [row for place, row in enumerate(good) if group[place] not in group[place + 1 :]]


def _equal_only(good: Sequence[Row]) -> list[Row]:
    return _firsts(good, [row["items"] for row in good])


def _sets_of_items(good: Sequence[Row]) -> list[Row]:
    return _firsts(good, [sorted(row["items"]) for row in good])


def _not_the_second(good: Sequence[Row]) -> list[Row]:
    later = {other for _, other in _near(good)}
    return [row for place, row in enumerate(good) if place not in later]


def _named_in_no_pair(good: Sequence[Row]) -> list[Row]:
    named = {place for pair in _near(good) for place in pair}
    return [row for place, row in enumerate(good) if place not in named]


def _one_a_prompt(good: Sequence[Row]) -> list[Row]:
    return _firsts(good, [row["prompt"] for row in good])


def _one_of_each_link(good: Sequence[Row]) -> list[Row]:
    return _firsts(good, sft_set.linked(good))


def _by_links(kept: Sequence[Row]) -> list[str]:
    return alike.split(sft_set.linked(kept))


def _built(
    lists: Sequence[Row],
    passes: Iterable[bool],
    *,
    enters: Callable[[Row, bool], bool] = lambda row, passed: passed and not sft_set.faults(row),
    keep: Callable[[Sequence[Row]], list[Row]] = _one_of_each,
    sides: Callable[[Sequence[Row]], list[str]] = _by_links,
    shape: Callable[[Sequence[Row], Sequence[str]], Any] = sft_set.as_set,
) -> Any:
    """The right set, unless one of the four steps is another one."""
    kept = keep([row for row, passed in zip(lists, passes, strict=True) if enters(row, passed)])
    return shape(kept, sides(kept))


def _copies_first(lists: Sequence[Row], passes: Sequence[bool]) -> Any:
    """One of each group of all that came in, and only then the good ones."""
    group = _group(lists)
    return _built(lists, [passed and group[place] == place for place, passed in enumerate(passes)])


def _copies_before_faults(lists: Sequence[Row], passes: Sequence[bool]) -> Any:
    kept = _one_of_each([row for row, passed in zip(lists, passes, strict=True) if passed])
    return _built(kept, [True] * len(kept))


EXERCISE = Exercise(
    number="2.8",
    title="The finished set",
    points=2,
    minutes=20,
    solution=sft_set.build_set,
    cases=_cases,
    axes=("list",),
    mistakes=(
        Mistake(
            "faults are kept",
            partial(_built, enters=lambda row, passed: passed),
            "That is what comes out when nobody asks the program: lists of four items, vague ones and telephone "
            "numbers stay, and the model learns to write them. Look at: `sft_set.faults`, for each list.",
        ),
        Mistake(
            "readers are not asked",
            partial(_built, enters=lambda row, passed: not sft_set.faults(row)),
            "That is what comes out when `passes` is not used: lists that answer another prompt stay, which no program "
            "sees. Look at: what readers said of each list.",
        ),
        Mistake(
            "one of the two is enough",
            partial(_built, enters=lambda row, passed: passed or not sft_set.faults(row)),
            "That is what comes out when a list may stay if its readers *or* the program let it pass. They see "
            "different faults, so it has to get by both. Look at: the word between your two conditions.",
        ),
        Mistake(
            "the wrong half",
            partial(_built, enters=lambda row, passed: passed and bool(sft_set.faults(row))),
            "That is what comes out when lists *with* a fault are kept: `faults` is empty, and so false, for a good "
            "list. Look at: a `not`.",
            also=(partial(_built, enters=lambda row, passed: not passed and not sft_set.faults(row)),),
        ),
        Mistake(
            "near copies are kept",
            partial(_built, keep=list),
            "That is what comes out when near duplicates stay. The model sees such a list twice, and its writer is "
            "paid twice. Look at: `alike.near_duplicates`, and your groups.",
        ),
        Mistake(
            "only equal lists are copies",
            partial(_built, keep=_equal_only),
            "That is what comes out when only lists with exactly the same items count as copies. One that is turned "
            "round, or has one item changed, is near enough. Look at: `alike.near_duplicates`.",
            also=(partial(_built, keep=_sets_of_items),),
        ),
        Mistake(
            "the last of each group",
            partial(_built, keep=_lasts),
            "That is what comes out when the last list of a group is kept. Whoever came first wrote it, the others "
            "copied. Look at: which list gives a group its number.",
        ),
        Mistake(
            "direct neighbours only",
            partial(_built, keep=_not_the_second),
            "That is what comes out when a list is left out for being second in some pair. If A and B are both near to "
            "a later C, all three are one group, though A and B are no pair. Look at: groups instead of pairs.",
        ),
        Mistake(
            "nobody of a group stays",
            partial(_built, keep=_named_in_no_pair),
            "That is what comes out when every list with a near copy goes, the original too. One of each group is "
            "wanted. Look at: the first of a group.",
        ),
        Mistake(
            "one list a prompt",
            partial(_built, keep=_one_a_prompt),
            "That is what comes out when each prompt keeps a single list. Two unlike answers to one prompt are both "
            "worth having; they only have to stand on one side of the split. Look at: what is linked, what is near.",
            also=(partial(_built, keep=_one_of_each_link),),
        ),
        Mistake(
            "copies first, faults later",
            _copies_first,
            "That is what comes out when copies are looked for before the bad lists are gone. If the first of a group "
            "is a bad one, it takes its good copy with it. Look at: the order of your steps.",
            also=(_copies_before_faults,),
        ),
        Mistake(
            "own lists are missing",
            lambda lists, passes: _built(
                lists, [passed and row["source"] != "human" for row, passed in zip(lists, passes, strict=True)]
            ),
            "That is what comes out when lists by people are left out, yours among them. They are in `lists` like all "
            "others. Look at: a condition on source or writer.",
        ),
        Mistake(
            "each list on a side of its own",
            partial(_built, sides=lambda kept: alike.split(range(len(kept)))),
            "That is what comes out when each list is put on a side by itself. Two answers to one prompt then stand on "
            "both sides, and the held-out lists ask for what was learnt by heart. Look at: `sft_set.linked`.",
        ),
        Mistake(
            "nothing is held out",
            partial(_built, sides=lambda kept: ["train"] * len(kept)),
            "That is what comes out when every list is to train on, and none is left to measure with. "
            "Look at: `alike.split`.",
        ),
        Mistake(
            "the training side alone",
            partial(
                _built,
                shape=lambda kept, sides: [one for one in sft_set.as_set(kept, sides) if one["split"] == "train"],
            ),
            "That is what comes out when the lists that are held out are left out. Both sides are in the set, each row "
            "says which is its own. Look at: the last step.",
        ),
        Mistake(
            "rows as they came in",
            partial(_built, shape=lambda kept, sides: list(kept)),
            "These are rows as they came in. A finished one has a completion in place of items, and a split. "
            "Look at: `sft_set.as_set`.",
            also=(
                partial(
                    _built,
                    shape=lambda kept, sides: [{**row, "split": side} for row, side in zip(kept, sides, strict=True)],
                ),
            ),
        ),
    ),
    hints=(
        "Three questions, one after the other. Who may come in? Which of several near copies stays? On which side of "
        "the split does it stand?",
        "Each step works on what the one before has left: groups of near duplicates among the *good* lists, links "
        "among those that are *kept*.",
        "A list is the first of its group if its group's number is its own place. `groups_fn` wants how many good "
        "lists there are, and their near pairs; `alike.split` wants what `sft_set.linked` gives.",
    ),
)
