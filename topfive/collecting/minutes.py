"""Which way of asking gives the better reward model for the same minutes, with a simulated labeller.

The lists are of fitting items, so only the labeller's taste tells them apart; every look at a list has the same noise,
whatever the question. Seconds are modelled as well: reading at 230 words a minute (about what Brysbaert
2019 found), and, assumed, two seconds for each decision: one for a rating or a comparison, two for best and worst,
three for an order of four. What this leaves out: that
people get tired, that their scale drifts from rating to rating, and that three decisions are harder than one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from topfive import data
from topfive.judge import items_of, load_taste, topics_of
from topfive.lists import LENGTH, Prompt, Ranking, render
from topfive.reward.words import fit_word_reward

WORDS_A_MINUTE, SECONDS_A_DECISION, SPREAD = 230.0, 2.0, 0.35
DECISIONS = {"rate": 1, "compare": 1, "best and worst": 2, "rank": 3}
TIE_WIDTH = 0.3
GROUPS, HELD_OUT, LISTS = 400, 100, 4  # groups of four lists, and how many of them are held out
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Group:
    """Four lists for one prompt, and what they are worth to the labeller, (4,)."""

    prompt: Prompt
    texts: tuple[str, ...]
    worth: Floats


@cache
def groups(taste: str = "vegetarian") -> tuple[Group, ...]:
    """Four lists of five fitting items for a prompt, drawn from the bank, on the topics that the taste tells apart."""
    wanted, rng = load_taste(taste), np.random.default_rng(0)
    prompts = {prompt.topic: prompt for prompt in data.prompts("train") if not prompt.constraints}
    topics = sorted(topic for topic in topics_of(wanted) if topic in prompts)
    found = []
    for number in range(GROUPS):
        topic = topics[number % len(topics)]
        drawn = [rng.choice(np.array(items_of(topic), dtype=object), LENGTH, replace=False) for _ in range(LISTS)]
        texts = tuple(render([row["item"] for row in rows]) for rows in drawn)
        worth = np.array([sum(wanted.of_item(row["item"], row["tags"]) for row in rows) for rows in drawn])
        found.append(Group(prompts[topic], texts, worth))
    return tuple(found)


class Labeller:
    """Answers in four ways. noise: scale of the Gumbel noise of one look at one list, in the judge's points."""

    def __init__(self, cuts: Floats, noise: float, seed: int):
        self.cuts, self.noise, self.rng = cuts, noise, np.random.default_rng(seed)

    def look(self, worth: Floats) -> Floats:
        """What lists seem to be worth this time."""
        return worth + self.rng.gumbel(scale=self.noise, size=worth.shape)

    def seconds(self, way: str, texts: Sequence[str]) -> float:
        """How long an answer takes."""
        words = sum(len(text.split()) for text in texts)
        typical = 60 * words / WORDS_A_MINUTE + SECONDS_A_DECISION * DECISIONS[way]
        return float(typical * self.rng.lognormal(sigma=SPREAD))

    def rate(self, group: Group) -> Iterator[tuple[float, list[Ranking]]]:
        """The lists of a group rated one by one; together, with the last rating, they are an order with ties."""
        ratings = 1 + (self.look(group.worth)[:, None] > self.cuts).sum(axis=1)
        ranks = rankdata(-ratings, method="dense").astype(int).tolist()
        for number, text in enumerate(group.texts, start=1):
            done = [Ranking(group.prompt, group.texts, tuple(ranks))] if number == len(group.texts) else []
            yield self.seconds("rate", [text]), done

    def compare(self, group: Group) -> Iterator[tuple[float, list[Ranking]]]:
        """One pair of the group, drawn at random: another pair of the same lists would say less than one of others."""
        pair = self.rng.choice(len(group.texts), size=2, replace=False)
        texts = (group.texts[pair[0]], group.texts[pair[1]])
        ahead, behind = self.look(group.worth[pair])
        ranks = (1, 1) if abs(ahead - behind) < TIE_WIDTH else (1, 2) if ahead > behind else (2, 1)
        yield self.seconds("compare", texts), [Ranking(group.prompt, texts, ranks)]

    def rank(self, group: Group) -> Iterator[tuple[float, list[Ranking]]]:
        """All four in order."""
        ranks = rankdata(-self.look(group.worth), method="ordinal").astype(int).tolist()
        yield self.seconds("rank", group.texts), [Ranking(group.prompt, group.texts, tuple(ranks))]

    def best_and_worst(self, group: Group) -> Iterator[tuple[float, list[Ranking]]]:
        """The best and the worst of the four, as the pairs that are then known."""
        seen = self.look(group.worth)
        best, worst = int(seen.argmax()), int(seen.argmin())
        place = [0 if index == best else 2 if index == worst else 1 for index in range(len(seen))]
        known = [
            Ranking(group.prompt, (group.texts[a], group.texts[b]), (1, 2) if place[a] < place[b] else (2, 1))
            for a, b in combinations(range(len(seen)), 2)
            if place[a] != place[b]
        ]
        yield self.seconds("best and worst", group.texts), known


WAYS: Mapping[str, Callable[[Labeller, Group], Iterator[tuple[float, list[Ranking]]]]] = {
    "rate": Labeller.rate,
    "compare": Labeller.compare,
    "best and worst": Labeller.best_and_worst,
    "rank": Labeller.rank,
}


def labelled(way: str, minutes: float, seed: int, taste: str = "vegetarian") -> tuple[list[Ranking], int]:
    """What a labeller says in so many minutes, in groups drawn anew for each seed, and how many answers that were."""
    learn, _ = _split(seed, taste)
    cuts = np.quantile(np.concatenate([group.worth for group in groups(taste)]) + 0.3, (0.1, 0.3, 0.6, 0.85))
    labeller = Labeller(cuts, load_taste(taste).noise, seed)
    found: list[Ranking] = []
    left, answers = 60 * minutes, 0
    for group in learn:
        for seconds, rankings in WAYS[way](labeller, group):
            left -= seconds
            if left < 0:
                return found, answers
            found += rankings
            answers += 1
    return found, answers


def right_pairs(rankings: Sequence[Ranking], seed: int, taste: str = "vegetarian") -> float:
    """How often a word reward fitted to these rankings orders held-out pairs as the labeller would without noise.

    A reward without rankings is right half of the time.
    """
    decisive = [ranking for ranking in rankings if ranking.decisive]
    if not decisive:
        return 0.5
    reward = fit_word_reward(decisive)
    _, held = _split(seed, taste)
    scores = reward.scores([""] * 4 * len(held), [text for group in held for text in group.texts]).reshape(-1, 4)
    right = [
        1 + np.sign((mine[a] - mine[b]) * (group.worth[a] - group.worth[b]))
        for mine, group in zip(scores.double().numpy(), held, strict=True)
        for a, b in combinations(range(4), 2)
        if group.worth[a] != group.worth[b]
    ]
    return float(np.mean(right)) / 2


def _split(seed: int, taste: str) -> tuple[list[Group], list[Group]]:
    """Groups to learn from, and groups held out, in an order that the seed gives."""
    found = groups(taste)
    order = np.random.default_rng(seed).permutation(len(found))
    return [found[index] for index in order[HELD_OUT:]], [found[index] for index in order[:HELD_OUT]]
