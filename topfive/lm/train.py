"""Training the language model: pretraining on text, then supervised fine-tuning (SFT) on demonstrations.

Both are one loop, `fit`, over different batches. Left out on purpose: mixed precision, gradient accumulation and
several devices; a model of this size does not need them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.losses import next_token_loss
from topfive.lm.state import load_state, save_state

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
Progress = Callable[[int, int, dict[str, float]], None]


@dataclass(frozen=True)
class Batch:
    """tokens: (batch, time) int64; mask: the same shape, 1 on the tokens whose prediction counts."""

    tokens: Tensor
    mask: Tensor


@dataclass(frozen=True)
class TrainConfig:
    """How long and how fast to learn. The learning rate rises over `warmup` steps, then falls along a cosine."""

    steps: int
    batch_size: int = 32
    learning_rate: float = 3e-3
    warmup: int = 50
    weight_decay: float = 0.05
    seed: int = 0
    save_every: int = 200


def fit(
    model: PreTrainedModel,
    batch_at: Callable[[int], Batch],
    config: TrainConfig,
    *,
    loss_fn: LossFunction = next_token_loss,
    progress: Progress | None = None,
    state_folder: Path | None = None,
) -> list[float]:
    """Minimise `loss_fn(logits, tokens, mask)`; returns the loss of every step run now.

    `batch_at(step)` is a pure function, so that a run resumed from `state_folder` sees the batches it would have
    seen. `progress(step, steps, numbers)` is called after each step. With a `state_folder`, the state is saved every `save_every` steps and on ctrl-C, and picked up from there.
    """
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay, fused=True
    )
    start = load_state(state_folder, model, optimizer) if state_folder else 0
    losses: list[float] = []
    model.train()
    try:
        for step in range(start, config.steps):
            batch = batch_at(step)
            loss = loss_fn(model(input_ids=batch.tokens, use_cache=False).logits, batch.tokens, batch.mask)
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * cosine(step, config.warmup, config.steps)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses.append(loss.item())
            if progress:
                progress(step + 1, config.steps, {"loss": losses[-1]})
            if state_folder and (step + 1) % config.save_every == 0:
                save_state(state_folder, model, optimizer, step + 1)
    except KeyboardInterrupt:
        if state_folder:
            save_state(state_folder, model, optimizer, start + len(losses))
        raise
    finally:
        model.eval()
    return losses


def cosine(step: int, warmup: int, steps: int) -> float:
    """Share of the full learning rate at `step`: linear warm-up, then a cosine down to a tenth."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def packed_batches(
    tokenizer: Tokenizer, texts: Sequence[str], config: TrainConfig, width: int = 128
) -> Callable[[int], Batch]:
    """Pretraining batches: texts in a new random order each epoch, end to end with end tokens, cut into rows.

    No token is a pad and every token counts; a row may begin in the middle of a text.
    """
    encoded = [[*ids, tokenizer.eos_token_id] for ids in tokenizer(list(texts))["input_ids"]]
    total = sum(map(len, encoded))
    rows_an_epoch = total // width
    if rows_an_epoch < config.batch_size:
        raise ValueError(f"{total} tokens are too few for one batch of {config.batch_size} rows of {width}")
    steps_an_epoch = rows_an_epoch // config.batch_size
    epochs: dict[int, Tensor] = {}

    def epoch_rows(epoch: int) -> Tensor:
        if epoch not in epochs:
            generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
            order = torch.randperm(len(encoded), generator=generator).tolist()
            stream = torch.tensor([token for index in order for token in encoded[index]])
            rows = stream[: rows_an_epoch * width].view(rows_an_epoch, width)
            epochs.clear()
            epochs[epoch] = rows[torch.randperm(rows_an_epoch, generator=generator)]
        return epochs[epoch]

    def batch_at(step: int) -> Batch:
        epoch, index = divmod(step, steps_an_epoch)
        tokens = epoch_rows(epoch)[index * config.batch_size : (index + 1) * config.batch_size]
        return Batch(tokens, torch.ones_like(tokens))

    return batch_at


def sft_batches(
    tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], config: TrainConfig, mask_prompt: bool = True
) -> Callable[[int], Batch]:
    """SFT batches of (prompt, completion) pairs, padded on the right; only the completion and its end token count."""
    examples = [
        (ids, [*completion, tokenizer.eos_token_id])
        for ids, completion in zip(
            tokenizer([prompt for prompt, _ in pairs])["input_ids"],
            tokenizer([completion for _, completion in pairs])["input_ids"],
            strict=True,
        )
    ]
    steps_an_epoch = max(1, len(examples) // config.batch_size)

    def batch_at(step: int) -> Batch:
        epoch, index = divmod(step, steps_an_epoch)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
        order = torch.randperm(len(examples), generator=generator).tolist()
        chosen = [examples[i] for i in order[index * config.batch_size : (index + 1) * config.batch_size]]
        return pad_batch(chosen, tokenizer.pad_token_id, mask_prompt)

    return batch_at


def pad_batch(examples: Sequence[tuple[list[int], list[int]]], pad: int, mask_prompt: bool = True) -> Batch:
    """(prompt ids, completion ids) pairs as one right-padded Batch."""
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = torch.full((len(examples), width), pad)
    mask = torch.zeros_like(tokens)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor(prompt + completion)
        mask[row, len(prompt) if mask_prompt else 0 : end] = 1
    return Batch(tokens, mask)
