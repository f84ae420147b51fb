"""The course's own models, step by step: tokenizer, base model, SFT model. Settings that were tried and kept.

A recipe has two lengths: `LONG` makes the shipped checkpoints, `SHORT` is for a run from scratch.
"""

from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.lm.model import new_model
from topfive.lm.stream import fresh_batches, fresh_loss
from topfive.lm.tokenizer import train_tokenizer
from topfive.lm.train import Progress, TrainConfig, fit, muon, packed_batches

VOCABULARY = 4096


@dataclass(frozen=True)
class Recipe:
    """How long to read sentences about items, and then how long to write lists drawn fresh."""

    pretraining: TrainConfig
    sft: TrainConfig


SHORT = Recipe(
    pretraining=TrainConfig(steps=400, batch_size=32, learning_rate=1e-2, warmup=50, seed=0),
    sft=TrainConfig(steps=1000, batch_size=32, learning_rate=5e-3, warmup=20, weight_decay=0.0, seed=0),
)
LONG = Recipe(
    pretraining=TrainConfig(steps=1000, batch_size=32, learning_rate=1e-2, warmup=100, seed=0),
    sft=TrainConfig(steps=5000, batch_size=32, learning_rate=5e-3, warmup=20, weight_decay=0.0, seed=0),
)


def train_text_tokenizer() -> Tokenizer:
    """The tokenizer, trained on the pretraining text."""
    return train_tokenizer(data.pretraining_text(), VOCABULARY)


def train_base(
    tokenizer: Tokenizer, recipe: Recipe, *, state_folder: Path | None = None, progress: Progress | None = None
) -> PreTrainedModel:
    """Pretrain from scratch on sentences about items."""
    config = recipe.pretraining
    model = new_model(tokenizer, seed=config.seed)
    batches = packed_batches(tokenizer, data.pretraining_text(), config)
    fit(model, batches, config, muon(model, config), state_folder=state_folder, progress=progress)
    return model


def train_sft(
    base: PreTrainedModel,
    tokenizer: Tokenizer,
    recipe: Recipe,
    *,
    state_folder: Path | None = None,
    progress: Progress | None = None,
) -> PreTrainedModel:
    """Fine-tune the base model, in place, on lists drawn fresh, prompts masked."""
    config = recipe.sft
    batches, optimizers = fresh_batches(tokenizer, config), muon(base, config)
    fit(base, batches, config, optimizers, loss_fn=fresh_loss, state_folder=state_folder, progress=progress)
    return base
