"""Lists with a mark on every line, by a simulated reviewer who knows the bank: what the reward model learns from first.

Made on the fly from a seed, as many as are wanted, for training prompts only. A line is spoiled in one of four ways:
said twice, against the prompt's constraints, from another topic, or vague.
"""

from collections.abc import Callable
from functools import cache
from random import Random

from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.build.text import VAGUE_ITEMS
from topfive.judge import items_of
from topfive.lists import LENGTH, Prompt
from topfive.lm.train import Batch, TrainConfig
from topfive.reward.marks import MarkedList, encode_marked

SPOILED = (0.0, 0.2, 0.4, 0.6)  # shares of spoiled lines: some lists are clean, some are mostly bad


def marked_batches(tokenizer: Tokenizer, config: TrainConfig) -> Callable[[int], Batch]:
    """Batches of marked lists; the same step of the same seed gives the same lists."""
    prompts = [prompt for prompt in data.prompts("train") if len(data.fitting(prompt)) >= LENGTH]

    def batch_at(step: int) -> Batch:
        rng = Random(f"{config.seed}:{step}")
        return encode_marked(tokenizer, [marked_list(rng.choice(prompts), rng) for _ in range(config.batch_size)])

    return batch_at


def marked_list(prompt: Prompt, rng: Random) -> MarkedList:
    """Five items that answer the prompt, some of them spoiled, each marked."""
    items = rng.sample(data.fitting(prompt), k=LENGTH)
    share = rng.choice(SPOILED)
    spoiled = [rng.random() < share for _ in items]
    for line, bad in enumerate(spoiled):
        if bad:
            items[line] = _spoiled_line(prompt, items[:line], rng)
    good = (not bad and item not in items[:line] for line, (item, bad) in enumerate(zip(items, spoiled, strict=True)))
    return MarkedList(prompt.text, tuple(items), tuple(good))


def _spoiled_line(prompt: Prompt, before: list[str], rng: Random) -> str:
    draw = rng.random()
    if draw < 0.35 and before:
        return rng.choice(before)
    unfit = _unfit(prompt)
    if draw < 0.75 and unfit:
        return rng.choice(unfit)
    if draw < 0.95:
        other = rng.choice([topic for topic in _topics() if topic != prompt.topic])
        return str(rng.choice(items_of(other))["item"])
    return rng.choice(VAGUE_ITEMS)


@cache
def _unfit(prompt: Prompt) -> list[str]:
    """Items of the topic that break a constraint."""
    return [row["item"] for row in items_of(prompt.topic) if row["item"] not in data.fitting(prompt)]


@cache
def _topics() -> list[str]:
    return [row["topic"] for row in data.rows("topics") if row["split"] == "train"]
