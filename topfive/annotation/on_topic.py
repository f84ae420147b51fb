"""Lists of which it is known whether they are on topic: made from the item bank, clear ones and borderline ones.

The question is "Does every line answer the prompt?"; what that means in each borderline case is the course's own rule,
the one of docs/annotation-guide.md. Another project may decide otherwise, but it has to decide.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from topfive import data
from topfive.judge import is_specific, items_of, look_up_all
from topfive.lists import LENGTH, Prompt, normalise, parse, render

QUESTION = "Does every line of this list answer the prompt?"
CLASSES = ("on topic", "off topic")
ON, OFF = range(2)
# case: whether such a list is on topic by the course's rule, and what the case is
CASES: dict[str, tuple[int, str]] = {
    "fits": (ON, "five items that answer the prompt"),
    "other": (OFF, "a good list, for another prompt"),
    "stray": (OFF, "four items that answer the prompt, and one from another topic"),
    "condition": (OFF, "right topic, but two items break the prompt's condition"),
    "vague": (OFF, "one item could stand in any list"),
    "repeat": (ON, "an item stands there twice: a fault, but of another kind"),
    "count": (ON, "four items instead of five: again a fault of another kind"),
}
CLEAR = ("fits", "other")
BORDERLINE = tuple(case for case in CASES if case not in CLEAR)
# Conditions that can be told from an item's name, and topics so far apart that nobody takes one for the other.
PLAIN = {"vegetarian", "vegan", "spicy", "indoors", "outdoors", "free"}
FAR = {
    "food": ("desk-stretches", "balcony-plants", "playground-games", "night-sky", "train-weekends", "paper-crafts"),
    "other": ("noodle-dishes", "rice-dishes", "bean-dishes", "warming-soups", "weekday-breakfasts", "filling-salads"),
}
DOMAINS = ("food", "play", "outings", "home", "wellbeing")
VAGUE = ("something nice for everybody", "whatever you like best", "anything quick and good", "one more good thing")


@dataclass(frozen=True)
class KnownList:
    """A list with what is known of it. case: a key of CASES. truth: 0 on topic, 1 off topic."""

    prompt: Prompt
    text: str
    case: str

    @property
    def truth(self) -> int:
        """The class that the course's rule gives it."""
        return CASES[self.case][0]


def known_lists(cases: Sequence[str], seed: int) -> list[KnownList]:
    """One list for each of these cases, in random order. The same cases and seed give the same lists."""
    rng = np.random.default_rng(seed)
    domains = {row["topic"]: row["domain"] for row in data.rows("topics")}
    prompts = [
        prompt
        for prompt in data.prompts("train")
        if len(prompt.constraints) == 1 and set(prompt.constraints) <= PLAIN and domains[prompt.topic] in DOMAINS
    ]
    return [_made(str(case), prompts, rng) for case in rng.permutation(list(cases))]


def lists_to_label() -> list[KnownList]:
    """The twenty lists that students label in notebook 01: ten on topic and ten off, six of them clear."""
    counts = {"fits": 4, "other": 2, "stray": 3, "condition": 3, "vague": 2, "repeat": 3, "count": 3}
    return known_lists([case for case, number in counts.items() for _ in range(number)], seed=11)


def judged(lists: Sequence[KnownList]) -> list[int]:
    """What the course's judge says of each list: on topic if all items answer the prompt and none is vague.

    The judge sees items alone, and of those that are not in the bank it guesses; it does not know how a list was made.
    """
    found = []
    for one in lists:
        items = [normalise(item) for item in parse(one.text).items]
        facts = look_up_all(items)
        wanted = set(one.prompt.constraints)
        fits = [one.prompt.topic in fact.topics and wanted <= fact.tags for fact in facts]
        found.append(ON if all(fits) and all(map(is_specific, items)) else OFF)
    return found


def _made(case: str, prompts: Sequence[Prompt], rng: np.random.Generator) -> KnownList:
    """Prompts are drawn until one has enough items for the case."""
    while True:
        prompt = prompts[int(rng.integers(len(prompts)))]
        kept, broken = _items(prompt)
        if len(kept) >= LENGTH and len(broken) >= 2:
            break
    far = _far(prompt, rng)
    fitting = _draw(kept, LENGTH, rng)
    first, second = rng.choice(LENGTH, 2, replace=False).tolist()
    items = {
        "fits": fitting,
        "other": _draw(far, LENGTH, rng),
        "stray": _with(fitting, {first: _draw(far, 1, rng)[0]}),
        "condition": _with(fitting, dict(zip((first, second), _draw(broken, 2, rng), strict=True))),
        "vague": _with(fitting, {first: str(rng.choice(VAGUE))}),
        "repeat": _with(fitting, {first: fitting[second]}),
        "count": fitting[:-1],
    }
    return KnownList(prompt, render(items[case]), case)


def _items(prompt: Prompt) -> tuple[list[str], list[str]]:
    """The bank's items on a prompt's topic: those that keep its condition, and those that break it."""
    own, wanted = items_of(prompt.topic), set(prompt.constraints)
    kept = [row["item"] for row in own if wanted <= set(row["tags"])]
    return kept, [row["item"] for row in own if not wanted <= set(row["tags"])]


def _far(prompt: Prompt, rng: np.random.Generator) -> list[str]:
    """All items of a topic that has nothing to do with the prompt's."""
    is_food = any(row["topic"] == prompt.topic and row["domain"] == "food" for row in data.rows("topics"))
    return [row["item"] for row in items_of(str(rng.choice(FAR["food" if is_food else "other"])))]


def _draw(items: Sequence[str], number: int, rng: np.random.Generator) -> list[str]:
    return [str(item) for item in rng.choice(items, number, replace=False)]


def _with(items: Sequence[str], changes: dict[int, str]) -> list[str]:
    return [changes.get(place, item) for place, item in enumerate(items)]
