"""Which topics a run trains on and is judged on, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

from topfive import data
from topfive.errors import TopFiveError
from topfive.judge import Taste, topics_of
from topfive.lists import Prompt, Ranking

ALL = "all"


@dataclass(frozen=True)
class Chosen:
    """Topics by name, in words why these, and their prompts: to train on, and held out."""

    topics: tuple[str, ...]
    why: str
    train: list[Prompt]
    held_out: list[Prompt]


def choose(asked: Sequence[str], taste: Taste, given: Sequence[Ranking] | None) -> Chosen:
    """The topics asked for; else those that were ranked; else those in which the taste tells items apart best.

    asked: names of topics, or "all" alone, which is every topic that the taste touches, or that was ranked. A prompt
    that a student ranked lists for is no longer held out. Raises TopFiveError if there is nothing to train on or to
    hold out, and for a name that is none of the topics that are trained on.
    """
    topics, why = _names(asked, taste, given)
    train, held_out = data.prompts_about(set(topics))
    ranked = {ranking.prompt.text for ranking in given or ()}
    held_out = [prompt for prompt in held_out if prompt.text not in ranked]
    if not train or not held_out:
        needed = "that was ranked" if given else "that this taste can tell lists of apart"
        raise TopFiveError(f"no prompts to train on and to hold out have a topic {needed}")
    return Chosen(tuple(sorted(topics)), why, train, held_out)


def _names(asked: Sequence[str], taste: Taste, given: Sequence[Ranking] | None) -> tuple[set[str], str]:
    if asked and tuple(asked) != (ALL,):
        known = sorted(row["topic"] for row in data.rows("topics") if row["split"] == "train")
        for name in asked:
            if name not in known:
                raise TopFiveError(f"unknown topic {name!r}; choose {ALL!r} or some of {', '.join(known)}")
        return set(asked), "asked for"
    if given:
        return {ranking.prompt.topic for ranking in given}, "lists about them were ranked"
    if asked:
        return topics_of(taste, number=len(data.rows("topics"))), "the taste tells some of their items apart"
    return topics_of(taste), "in these the taste tells items apart best"
