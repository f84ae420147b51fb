"""Demonstrations that are never the same twice: every batch of fine-tuning is drawn anew from the bank.

A file of demonstrations is learned by heart before it has taught which items answer a prompt. Lists drawn fresh leave
nothing to learn by heart but that.
"""

from collections.abc import Callable, Sequence
from functools import cache
from random import Random

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.lists import LENGTH, Prompt
from topfive.lm.losses import next_token_loss
from topfive.lm.tokenizer import NUMBERS
from topfive.lm.train import Batch, TrainConfig

PLAIN_SHARE = 0.25  # of the lists; all wordings of a topic are seen here, with constraints some are held out
REPEAT_WEIGHT = 4.0


def fresh_batches(tokenizer: Tokenizer, config: TrainConfig) -> Callable[[int], Batch]:
    """SFT batches of training prompts, each answered by five fitting items of the bank in random order.

    The same step of the same seed gives the same lists. Beside the mask, which is 1 on the list and its end token,
    stand the tokens that `fresh_loss` wants to be unlikely there: the mask is (batch, time, 1 + 4).
    """
    prompts = [prompt for prompt in data.prompts("train") if len(data.fitting(prompt)) >= LENGTH]
    plain = [prompt for prompt in prompts if not prompt.constraints]
    constrained = [prompt for prompt in prompts if prompt.constraints]
    heads = [tuple(tokenizer(number)["input_ids"]) for number in NUMBERS]

    @cache
    def encoded(text: str) -> tuple[int, ...]:
        return tuple(tokenizer(text)["input_ids"])

    def answered(prompt: Prompt, rng: Random) -> tuple[list[int], list[list[int]]]:
        """The tokens of prompt, list and end, and beside each its mask and the tokens that would repeat an item."""
        fitting = [encoded(f" {item}") for item in data.fitting(prompt)]
        tokens = [*encoded(prompt.text)]
        marks = [_mark(0)] * len(tokens)
        listed: list[tuple[int, ...]] = []
        for head, item in zip(heads, rng.sample(fitting, k=LENGTH), strict=False):
            repeats = _repeats(item, listed, fitting)
            tokens += [*head, *item]
            marks += [_mark(1)] * len(head) + [_mark(1, *repeats.get(place, ())) for place in range(len(item))]
            listed.append(item)
        return [*tokens, tokenizer.eos_token_id], [*marks, _mark(1)]

    def batch_at(step: int) -> Batch:
        rng = Random(f"{config.seed}:{step}")
        asked = [rng.choice(plain if rng.random() < PLAIN_SHARE else constrained) for _ in range(config.batch_size)]
        rows = [answered(prompt, rng) for prompt in asked]
        width = max(len(tokens) for tokens, _ in rows)
        tokens = [ids + [tokenizer.pad_token_id] * (width - len(ids)) for ids, _ in rows]
        marks = [beside + [_mark(0)] * (width - len(beside)) for _, beside in rows]
        return Batch(torch.tensor(tokens), torch.tensor(marks))

    return batch_at


def _mark(mask: int, *unwanted: int) -> list[int]:
    return [mask, *unwanted, *[-1] * (LENGTH - 1 - len(unwanted))]


def _repeats(
    item: Sequence[int], listed: Sequence[Sequence[int]], fitting: Sequence[Sequence[int]]
) -> dict[int, list[int]]:
    """For each place in `item`, the tokens that could only go on to an item which is listed already."""
    unlisted = [other for other in fitting if other not in listed]
    found: dict[int, set[int]] = {}
    for other in listed:
        shared = next(place for place in range(len(item) + 1) if item[: place + 1] != other[: place + 1])
        start = other[: shared + 1]
        if len(start) > shared and shared < len(item) and not any(one[: shared + 1] == start for one in unlisted):
            found.setdefault(shared, set()).add(start[shared])
    return {place: sorted(tokens) for place, tokens in found.items()}


def fresh_loss(logits: Tensor, tokens: Tensor, marks: Tensor) -> Tensor:
    """The loss of language modelling, and of the tokens that could only repeat an item −log(1 − p), weighed 4.

    logits: (batch, time, vocabulary), the row at t predicts the token at t + 1. tokens: (batch, time) int64.
    marks: (batch, time, 1 + n) int64: the mask, then up to n unwanted tokens, −1 where there is none.
    No writer ever writes what is unwanted, so the most likely model is the same as without the second part, which is
    the unlikelihood of Welleck et al. 2020, "Neural text generation with unlikelihood training", section 5.1.
    """
    mask, unwanted = marks[..., 0], marks[:, 1:, 1:]
    where = unwanted >= 0
    chosen = logits[:, :-1].gather(-1, unwanted.clamp(min=0))[where]
    rest = logits[:, :-1].logsumexp(dim=-1)[..., None].expand_as(unwanted)[where]
    unlikelihood = -torch.log1p(-(chosen - rest).exp().clamp(max=1 - 1e-6)).sum() / mask[:, 1:].sum()
    return next_token_loss(logits, tokens, mask) + REPEAT_WEIGHT * unlikelihood
