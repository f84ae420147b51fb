"""Where rankings come from: the crowd's files, a student's own ledger, and simulated labellers where there is neither.

Everything that asks for the crowd's rankings asks `crowd_rankings`, so another source is one change in one place.
"""

import contextlib
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data, ledger
from topfive.crowd import Student
from topfive.evaluate import heldout_prompts
from topfive.judge import Taste
from topfive.lists import Prompt, Ranking, parse, render
from topfive.lm.sampling import sample_texts
from topfive.stats import Estimate, ratio_bootstrap

LISTS_A_RANKING = 4
LABELLERS = 3
COLLECTED_IN = ("00-start-here", "04-collecting-preferences")

Labelled = tuple[str, Ranking]


def crowd_rankings(model: PreTrainedModel, tokenizer: Tokenizer, groups: int = 400) -> list[Labelled]:
    """(labeller, ranking) of the first `groups` groups of lists, each ranked by several labellers; says their source.

    `model` writes the lists to be ranked where there is no crowd. The texts of a ranking are in the order in which
    that labeller saw them.
    """
    if (data.folder() / "crowd" / "rankings.jsonl").is_file():
        kept = list(by_group(data.crowd_rankings()).values())[:groups]
        found = [one for group in kept for one in group]
        source = "from data/crowd"
    else:
        found = simulated_rankings(model, tokenizer, groups, seed=5, labellers=LABELLERS)
        source = "made just now, since there is no data/crowd yet"
    labellers = len({name for name, _ in found})
    print(f"{len(found)} rankings by {labellers} labellers, all simulated, {source}")
    return found


def simulated_rankings(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    groups: int,
    seed: int,
    *,
    taste: Taste | None = None,
    labellers: int = 1,
    split: str = "train",
    mixed: bool = False,
    tie_width: float = 0.0,
) -> list[Labelled]:
    """`groups` groups of four fresh lists, each ranked by simulated labellers of one taste, who see them in any order.

    taste: by default none, and noise of 0.5. tie_width: lists worth less than this apart are tied. mixed: the lists of
    a group have different writers (`mixed_lists`); otherwise all are the model's own, at temperature 1, so that there
    is something to tell apart. Prompts are of `split`, on topics that have training prompts.
    """
    written = (
        mixed_lists(model, tokenizer, groups, seed, split) if mixed else _sampled(model, tokenizer, groups, seed, split)
    )
    rng = np.random.default_rng(seed)
    people = [Student(taste or Taste(noise=0.5), 1000 * seed + index, tie_width) for index in range(labellers)]
    return [
        (f"s{index}", person.rank(prompt, rng.permutation(texts).tolist()))
        for prompt, texts in written
        for index, person in enumerate(people)
    ]


def _sampled(
    model: PreTrainedModel, tokenizer: Tokenizer, groups: int, seed: int, split: str
) -> list[tuple[Prompt, list[str]]]:
    asked = heldout_prompts(_on_known_topics(split), groups, seed=seed)
    repeated = [prompt.text for prompt in asked for _ in range(LISTS_A_RANKING)]
    texts = sample_texts(model, tokenizer, repeated, seed=seed, temperature=1.0)
    starts = range(0, len(texts), LISTS_A_RANKING)
    return [(prompt, texts[start : start + LISTS_A_RANKING]) for prompt, start in zip(asked, starts, strict=True)]


def mixed_lists(
    model: PreTrainedModel, tokenizer: Tokenizer, groups: int, seed: int, split: str = "train"
) -> list[tuple[Prompt, list[str]]]:
    """Prompts with four lists that differ plainly: of fitting items, sampled, of another prompt, spoiled.

    The spoiled one has two items of the other prompt's list and one item twice.
    """
    known = {prompt.text: prompt for prompt in _on_known_topics(split)}
    fresh = [(known[text], written) for text, written in data.fresh_lists(split, 2 * groups, seed) if text in known]
    fresh = fresh[:groups]
    sampled = sample_texts(model, tokenizer, [prompt.text for prompt, _ in fresh], seed=seed, temperature=1.0)
    found = []
    for index, (prompt, written) in enumerate(fresh):
        other = fresh[index - 1][1]  # the prompts come in random order
        own, foreign = parse(written).items, parse(other).items
        found.append((prompt, [written, sampled[index], other, render([own[0], *foreign[:2], own[3], own[0]])]))
    return found


def _on_known_topics(split: str) -> list[Prompt]:
    known = {prompt.topic for prompt in data.prompts("train")}
    return [prompt for prompt in data.prompts(split) if prompt.topic in known]


def own_rankings() -> list[Ranking]:
    """The student's rankings that prefer a list to another: of 00 and 04, copied to work/brought/, and of this folder.

    This folder's ledger is where `topfive ledger rank` writes. Says where how many were found. One that was given
    twice in the same words counts once.
    """
    found: dict[Ranking, None] = {}
    for where, path in _own_ledgers().items():
        given, problems = ledger.rankings(path)
        usable = [ranking for ranking in given if ranking.decisive]
        print(*problems, f"{len(usable)} of your rankings from {where}", sep="\n")
        found |= dict.fromkeys(usable)
    if not found:
        print(f"You have no rankings in {' or '.join(COLLECTED_IN)} or here yet, and need none to go on.")
    return list(found)


def _own_ledgers() -> dict[str, Path]:
    """By where they are from, the ledgers that there are."""
    here = ledger.default_path()
    ledgers = {}
    for assignment in COLLECTED_IN:
        with contextlib.suppress(ledger.LedgerError):
            ledgers[assignment] = ledger.bring(assignment)
    return ledgers | ({"this folder": here} if here.is_file() else {})


def halves(rankings: Sequence[Ranking], seed: int = 0) -> tuple[list[Ranking], list[Ranking]]:
    """Rankings to learn from and rankings to measure with: prompts are shuffled, and none is on both sides."""
    asked = list(dict.fromkeys(ranking.prompt.text for ranking in rankings))
    order = np.random.default_rng(seed).permutation(len(asked))
    first = {asked[index] for index in order[: len(asked) // 2]}
    return (
        [ranking for ranking in rankings if ranking.prompt.text in first],
        [ranking for ranking in rankings if ranking.prompt.text not in first],
    )


def by_group(labelled: Sequence[Labelled]) -> dict[tuple[str, ...], list[Labelled]]:
    """Rankings of the same lists together, however they were shown."""
    groups: dict[tuple[str, ...], list[Labelled]] = {}
    for name, ranking in labelled:
        groups.setdefault((ranking.prompt.text, *sorted(ranking.texts)), []).append((name, ranking))
    return groups


def split_by_lists(
    labelled: Sequence[Labelled], held_share: float = 0.2, seed: int = 0
) -> tuple[list[list[Labelled]], list[list[Labelled]]]:
    """Groups of rankings to learn from, and groups held out: no list is on both sides."""
    groups = list(by_group(labelled).values())
    order = np.random.default_rng(seed).permutation(len(groups))
    held = int(held_share * len(groups))
    return [groups[index] for index in order[held:]], [groups[index] for index in order[:held]]


def agreement(labelled: Sequence[Labelled]) -> Estimate:
    """Share of pairs of lists that two labellers, both telling them apart, put in the same order.

    The interval resamples groups of lists. Raises ValueError if no pair was told apart by two labellers.
    """
    counts = np.array([_agreed(group) for group in by_group(labelled).values()], dtype=float).reshape(-1, 2)
    counts = counts[counts[:, 1] > 0]
    return ratio_bootstrap(counts[:, 0], counts[:, 1])


def _agreed(group: Sequence[Labelled]) -> tuple[int, int]:
    """How many pairs two labellers of one group put in the same order, and how many both told apart."""
    places = [dict(zip(ranking.texts, ranking.ranks, strict=True)) for _, ranking in group]
    signs = [
        np.sign((mine[a] - mine[b]) * (other[a] - other[b]))
        for mine, other in combinations(places, 2)
        for a, b in combinations(mine, 2)
    ]
    return sum(sign > 0 for sign in signs), sum(sign != 0 for sign in signs)
