"""Exercise 4.2: ratings as pairs."""

from functools import partial
from typing import Any

import numpy as np

from topfive.annotation import formats
from topfive.exercises.exercise import Case, Exercise, Mistake

Array = Any


def _cases(seed: int) -> list[Case]:
    rng = np.random.default_rng(seed)

    def drawn(rows: int, people: int, prompts: int) -> tuple[Array, Array, Array]:
        ratings = np.where(rng.random(rows) < 0.15, 0, rng.integers(1, 6, size=rows))
        ratings[:4] = (2, 5, 3, 0)
        labellers, asked = rng.integers(0, people, size=rows), rng.integers(0, prompts, size=rows)
        labellers[:4], asked[:4] = 1, 0
        return ratings, labellers, asked

    toy = (np.array([4, 2, 5, 3]), np.array([7, 7, 8, 8]), np.array([1, 1, 1, 1]))
    two = (rng.permutation([1, 2, 4, 5, 3, 4]), np.full(6, 3), np.array([0, 0, 0, 1, 1, 1]))
    tied = (np.array([4, 4, 5, 1, 1]), np.zeros(5, dtype=np.int64), np.zeros(5, dtype=np.int64))
    skipped = (rng.permutation([0, 3, 5, 0, 1]), np.full(5, 2), np.full(5, 9))
    return [
        Case("two labellers, one prompt", toy, look_at="4 by one labeller and 5 by the other."),
        Case("one labeller, two prompts", two, look_at="which lists answer the same prompt."),
        Case("equal ratings", tied, look_at="4 and 4."),
        Case("skipped ratings", skipped, look_at="what 0 means."),
        *(
            Case("many ratings", args, look_at="who rated what, for which prompt.")
            for args in (drawn(14, 3, 2), drawn(20, 4, 3), drawn(16, 2, 2))
        ),
    ]


def _pairs(ratings: Array, labellers: Array, prompts: Array, *, wrong: str = "") -> Array:
    rows = range(len(ratings))
    told = [(i, j) for i in rows for j in rows if _told(ratings, labellers, prompts, i, j, wrong)]
    pairs = np.array(told, dtype=np.int64).reshape(-1, 2)
    ways = {
        "loser first": lambda: pairs[:, ::-1],
        "sorted by loser": lambda: pairs[np.lexsort((pairs[:, 0], pairs[:, 1]))],
        "from 1": lambda: pairs + 1,
        "ratings": lambda: ratings[pairs],
        "turned": lambda: pairs.T,
    }
    return ways.get(wrong, lambda: pairs)()


def _told(ratings: Array, labellers: Array, prompts: Array, i: int, j: int, wrong: str) -> bool:
    one, other = int(ratings[i]), int(ratings[j])
    person, prompt = labellers[i] == labellers[j], prompts[i] == prompts[j]
    rated = one > 0 and other > 0
    together = bool(rated and person and prompt)
    best = max(
        int(r) for r, who, what in zip(ratings, labellers, prompts, strict=True)
        if who == labellers[i] and what == prompts[i]
    )  # fmt: skip
    ways = {
        "any labeller": rated and prompt and one > other,
        "any prompt": rated and person and one > other,
        "anything": rated and one > other,
        "either": rated and (person or prompt) and one > other,
        "other labellers": rated and not person and prompt and one > other,
        "0 is low": person and prompt and one > other,
        "upside down": together and one < other,
        "ties": together and i != j and one >= other,
        "ties once": together and (one > other or (one == other and i < j)),
        "two apart": together and one >= other + 2,
        "one apart": together and one == other + 1,
        "earlier only": together and one > other and i < j,
        "best only": together and one > other and one == best,
        "neighbouring rows": together and one > other and abs(i - j) == 1,
        "good and bad": together and one >= 4 and other <= 2,
    }
    return bool(ways.get(wrong, together and one > other))


EXERCISE = Exercise(
    number="4.2",
    title="Ratings as pairs",
    points=2,
    minutes=10,
    solution=formats.rating_pairs,
    cases=_cases,
    axes=("pair", "column"),
    mistakes=(
        Mistake(
            "ratings of different labellers",
            partial(_pairs, wrong="any labeller"),
            "That is what comes out when a 5 by one labeller beats a 4 by another. One may be lenient and the other "
            "strict: the same list gets both. Look at: who gave the two ratings.",
            "why Ouyang et al. 2022 compare within one labeller's ranking",
        ),
        Mistake(
            "lists for different prompts",
            partial(_pairs, wrong="any prompt"),
            "That is what comes out when lists for different prompts make pairs. Nobody was asked whether a soup is "
            "better than a game. Look at: `prompts`.",
        ),
        Mistake(
            "all ratings with each other",
            partial(_pairs, wrong="anything"),
            "That is what comes out when neither the labeller nor the prompt is looked at. Look at: the second and the "
            "third argument.",
        ),
        Mistake(
            "same labeller or same prompt",
            partial(_pairs, wrong="either"),
            "That is what comes out when one of the two is enough. Look at: | and &.",
        ),
        Mistake(
            "only different labellers",
            partial(_pairs, wrong="other labellers"),
            "That is what comes out when the two ratings have to be by different labellers; it is the other way "
            "round. Look at: == and != between labellers.",
        ),
        Mistake(
            "a skipped rating is a low one",
            partial(_pairs, wrong="0 is low"),
            "That is what comes out when 0 is taken for a rating below 1. It says that there is none. "
            "Look at: what 0 loses to.",
        ),
        Mistake(
            "the lower rating first",
            partial(_pairs, wrong="upside down"),
            "That is what comes out when the first column holds the lower rating. Look at: < and >.",
            also=(partial(_pairs, wrong="loser first"),),
        ),
        Mistake(
            "equal ratings count",
            partial(_pairs, wrong="ties"),
            "That is what comes out when equal ratings make pairs, in both directions. They prefer nothing. "
            "Look at: > and ≥.",
        ),
        Mistake(
            "of equal ratings the first wins",
            partial(_pairs, wrong="ties once"),
            "That is what comes out when equal ratings are decided by their row. They prefer nothing. "
            "Look at: what sorting does with equal ratings.",
        ),
        Mistake(
            "only ratings that are two apart",
            partial(_pairs, wrong="two apart"),
            "That is what comes out when one point is no difference. Here every point counts. Look at: 4 and 5.",
            also=(partial(_pairs, wrong="good and bad"),),
        ),
        Mistake(
            "only ratings that are one apart",
            partial(_pairs, wrong="one apart"),
            "That is what comes out when only neighbouring ratings make a pair. Look at: 5 and 2.",
        ),
        Mistake(
            "only where the higher rating came earlier",
            partial(_pairs, wrong="earlier only"),
            "That is what comes out when i < j is taken for granted: a later list can be the better one. "
            "Look at: both directions of a pair.",
        ),
        Mistake(
            "only the best against the others",
            partial(_pairs, wrong="best only"),
            "That is what comes out when only the highest rating wins pairs. Look at: a 3 and a 2 where there is "
            "a 5 as well.",
        ),
        Mistake(
            "only neighbouring rows",
            partial(_pairs, wrong="neighbouring rows"),
            "That is what comes out when each row is compared with the next one alone. Look at: rows further apart.",
        ),
        Mistake(
            "sorted by the lower rating's row",
            partial(_pairs, wrong="sorted by loser"),
            "That is what comes out when the rows are sorted by their second column. Look at: the docstring; or the "
            "order of the two loops.",
        ),
        Mistake(
            "rows counted from 1",
            partial(_pairs, wrong="from 1"),
            "That is what comes out when the first row is number 1. Look at: what `ratings[0]` is.",
        ),
        Mistake(
            "ratings instead of rows",
            partial(_pairs, wrong="ratings"),
            "That is what comes out when a row holds the two ratings. It should say which rows they stand in. "
            "Look at: the index and what stands there.",
        ),
        Mistake(
            "turned on its side",
            partial(_pairs, wrong="turned"),
            "That is what comes out when the higher ones are one row and the lower ones the other. "
            "Look at: the shape, (pairs, 2).",
        ),
    ),
    hints=(
        "Three questions about every two rows: the same labeller? the same prompt? and is one rating higher? "
        "Only where all three are answered with yes there is a pair.",
        "A column against a row, `a[:, None] == a[None, :]`, answers a question for all pairs at once; `&` joins the "
        "answers, `np.argwhere` finds where they hold. And 0 is not a rating.",
    ),
)
