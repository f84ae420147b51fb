"""Sampling lists: `topfive.lm.sampling.generate` against `transformers`' own `generate` on the same model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from transformers import PreTrainedModel, set_seed
from transformers import PreTrainedTokenizerFast as Tokenizer

from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.timing import alternate, median_ratio
from topfive import data
from topfive.lm.model import load
from topfive.lm.sampling import MAX_NEW_TOKENS, encode, generate

TITLE = "Sampling lists"
OURS, PEER = "topfive", "transformers"


@dataclass(frozen=True)
class Settings:
    """A block is one batch of `lists` answers; both sides sample from the whole distribution at temperature 1."""

    rounds: int = 11
    lists: int = 128
    max_new_tokens: int = MAX_NEW_TOKENS
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Seconds of each block, and mean real tokens an answer of the last one."""

    times: dict[str, list[float]]
    lengths: dict[str, float]


def measure(model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str], settings: Settings) -> Result:
    """Let both sample answers to the same prompts, in turn."""
    query, query_mask = encode(tokenizer, prompts)
    limit, lengths = settings.max_new_tokens, {OURS: 0.0, PEER: 0.0}
    generator = torch.Generator().manual_seed(settings.seed)
    set_seed(settings.seed)

    def ours() -> None:
        samples = generate(model, query, query_mask, generator=generator, max_new_tokens=limit)
        lengths[OURS] = samples.mask.sum(dim=1).float().mean().item()

    def peer() -> None:
        tokens = model.generate(
            input_ids=query, attention_mask=query_mask, max_new_tokens=limit, do_sample=True, top_k=0, top_p=1.0
        )
        answers = tokens[:, query.shape[1] :]
        lengths[PEER] = (answers != tokenizer.pad_token_id).sum(dim=1).float().mean().item()

    return Result(alternate({OURS: ours, PEER: peer}, settings.rounds), lengths)


def run(sft: Path, settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    model, tokenizer = load(sft)
    prompts = [prompt.text for prompt in data.prompts("test")][: settings.lists]
    result = measure(model, tokenizer, prompts, settings)
    rows = [
        [name, f"{len(prompts) / median(result.times[name]):.0f}", f"{result.lengths[name]:.1f}"]
        for name in (OURS, PEER)
    ]
    ratio = median_ratio(result.times[PEER], result.times[OURS])
    return f"""{machine}

{len(prompts)} lists at once from the SFT model, the same test prompts, at most {settings.max_new_tokens} new tokens,
temperature 1, nothing truncated, float32. Both keep a key-value cache and stop when every list has ended. Medians of
{settings.rounds} blocks in turn, seed {settings.seed}.

{table(["", "lists/s", "tokens a list"], rows)}

topfive samples **{ratio:.2f} ×** as many lists a second (median over pairs).
"""
