"""The course's own models, step by step: tokenizer, base model, SFT model. Settings that were tried and kept."""

from pathlib import Path

from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.lm.model import new_model
from topfive.lm.tokenizer import train_tokenizer
from topfive.lm.train import Progress, TrainConfig, fit, muon, packed_batches, sft_batches

VOCABULARY = 4096
PRETRAINING = TrainConfig(steps=1400, batch_size=32, learning_rate=1e-2, warmup=100, seed=0)
SFT = TrainConfig(steps=700, batch_size=32, learning_rate=5e-3, warmup=20, weight_decay=0.0, seed=0)


def train_text_tokenizer() -> Tokenizer:
    """The tokenizer, trained on the pretraining text."""
    return train_tokenizer(data.pretraining_text(), VOCABULARY)


def train_base(
    tokenizer: Tokenizer, *, state_folder: Path | None = None, progress: Progress | None = None
) -> PreTrainedModel:
    """Pretrain from scratch on all text, flaws included."""
    model = new_model(tokenizer, seed=PRETRAINING.seed)
    batches = packed_batches(tokenizer, data.pretraining_text(), PRETRAINING)
    fit(model, batches, PRETRAINING, muon(model, PRETRAINING), state_folder=state_folder, progress=progress)
    return model


def train_sft(
    base: PreTrainedModel,
    tokenizer: Tokenizer,
    *,
    state_folder: Path | None = None,
    progress: Progress | None = None,
) -> PreTrainedModel:
    """Fine-tune the base model, in place, on the demonstrations without flaws, prompts masked."""
    batches = sft_batches(tokenizer, data.clean_demonstrations(), SFT)
    fit(base, batches, SFT, muon(base, SFT), state_folder=state_folder, progress=progress)
    return base
