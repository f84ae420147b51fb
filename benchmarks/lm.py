"""Training the language model: tokens a second, as a share of what the machine's matrix products allow."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from benchmarks.machine import describe, matrix_speed
from benchmarks.report import table
from benchmarks.timing import Work, seconds
from topfive import data
from topfive.lm.model import load, new_model
from topfive.lm.recipe import LONG
from topfive.lm.train import Batch, TrainConfig, adamw, fit, muon, packed_batches

TITLE = "Training the language model"
FLOAT32, BFLOAT16 = "float32", "bfloat16 autocast"


@dataclass(frozen=True)
class Settings:
    """A block is `steps` training steps; a round has one block of each kind."""

    rounds: int = 7
    steps: int = 10


@dataclass(frozen=True)
class Row:
    """Medians over rounds. speed: matrix products of that number type, FLOP/s; share: 6·N·tokens/s over speed."""

    optimizer: str
    number: str
    tokens_per_second: float
    speed: float
    share: float
    share_without_embeddings: float


def sizes(model: PreTrainedModel) -> tuple[int, int]:
    """Parameters with and without embeddings. The token embedding is the output layer too, and counts once."""
    total = sum(value.numel() for value in model.parameters())
    embeddings = sum(value.numel() for name, value in model.named_parameters() if ".wte." in name or ".wpe." in name)
    return total, total - embeddings


def measure(tokenizer: Tokenizer, settings: Settings) -> tuple[PreTrainedModel, list[Row]]:
    """Train a fresh model in short blocks, with each optimiser and number type in turn."""
    model, config = new_model(tokenizer), replace(LONG.pretraining, steps=settings.steps)
    batches = packed_batches(tokenizer, data.pretraining_text(), config)
    kinds = [("Muon", muon, FLOAT32), ("AdamW", adamw, FLOAT32), ("Muon", muon, BFLOAT16)]
    works = [_block(model, batches, config, optimizers(model, config), number) for _, optimizers, number in kinds]
    for work in works:
        work()
    rounds = [[(seconds(work), matrix_speed(_dtype(kind[2]))) for kind, work in zip(kinds, works, strict=True)]
              for _ in range(settings.rounds)]  # fmt: skip
    tokens = settings.steps * batches(0).tokens.numel()
    return model, [
        _row(*kind[::2], sizes(model), tokens, [one[index] for one in rounds]) for index, kind in enumerate(kinds)
    ]


def _dtype(number: str) -> torch.dtype:
    return torch.float32 if number == FLOAT32 else torch.bfloat16


def _block(
    model: PreTrainedModel,
    batches: Callable[[int], Batch],
    config: TrainConfig,
    optimizers: list[torch.optim.Optimizer],
    number: str,
) -> Work:
    def work() -> None:
        # Without the cache, which would keep the weights as they were at the block's first step.
        with torch.autocast("cpu", torch.bfloat16, enabled=number == BFLOAT16, cache_enabled=False):
            fit(model, batches, config, optimizers)

    return work


def _row(optimizer: str, number: str, counts: tuple[int, int], tokens: int, times: list[tuple[float, float]]) -> Row:
    shares = [[6 * count * tokens / spent / speed for spent, speed in times] for count in counts]
    return Row(
        optimizer=optimizer,
        number=number,
        tokens_per_second=median(tokens / spent for spent, _ in times),
        speed=median(speed for _, speed in times),
        share=median(shares[0]),
        share_without_embeddings=median(shares[1]),
    )


def run(sft: Path, settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown. Of the checkpoint only the tokenizer is used."""
    settings, machine = settings or Settings(), describe()
    model, rows = measure(load(sft)[1], settings)
    total, inside = sizes(model)
    body = table(
        ["optimiser", "numbers", "tokens/s", "matrix products", "share", "share without embeddings"],
        [
            [
                row.optimizer,
                row.number,
                f"{row.tokens_per_second:,.0f}",
                f"{row.speed / 1e9:.0f} GFLOP/s",
                f"{row.share:.0%}",
                f"{row.share_without_embeddings:.0%}",
            ]
            for row in rows
        ],
    )
    return f"""{machine}

The pretraining step of `topfive.lm.recipe` ({LONG.pretraining.batch_size} rows of 128 tokens) on a fresh model of
{total / 1e6:.2f} M parameters, {inside / 1e6:.2f} M without embeddings. Share: 6·N·tokens/s over the speed of
1024 × 1024 matrix products of the same numbers, measured after each block. The token embedding is also the output
layer, a matrix product like any other, so N with embeddings is the honest one. Attention's own products are not
counted. Medians of {settings.rounds} blocks of {settings.steps} steps, seed {LONG.pretraining.seed}.

{body}
"""
