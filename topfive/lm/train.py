"""Training the language model: pretraining on text, then supervised fine-tuning (SFT) on demonstrations.

Both are one loop, `fit`, over different batches. Left out on purpose: mixed precision, gradient accumulation and
several devices; a model of this size does not need them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import seeds
from topfive.errors import TopFiveError
from topfive.identity import fingerprint
from topfive.interrupt import after_this_step
from topfive.lm.context import check_lengths, context_of
from topfive.lm.losses import next_token_loss
from topfive.lm.model import CONTEXT
from topfive.lm.muon import Muon
from topfive.lm.state import load_state, save_state
from topfive.threads import on_free_cores

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]
Progress = Callable[[int, int, dict[str, float]], None]
Example = tuple[Sequence[int], Sequence[int]]  # token ids of a prompt, and of its completion with the end token


class Batch(NamedTuple):
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

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seeds.whole(self.seed))


def fit(
    model: PreTrainedModel,
    batch_at: Callable[[int], Batch],
    config: TrainConfig,
    optimizers: Sequence[torch.optim.Optimizer],
    *,
    loss_fn: LossFunction = next_token_loss,
    progress: Progress | None = None,
    state_folder: Path | None = None,
) -> list[float]:
    """Minimise `loss_fn(logits, tokens, mask)`; returns the loss of every step run now.

    `batch_at(step)` is a pure function, so that a run resumed from `state_folder` sees the batches it would have
    seen. With a `state_folder`, the state is saved every `save_every` steps, at the end, and when interrupted (ctrl-C,
    which then raises KeyboardInterrupt), and picked up from there; training that has ended stays ended.
    `progress(step, steps, numbers)` is called after each step.
    Raises TopFiveError if the folder holds other training, if a row is longer than the model reads, and if a loss or
    gradient is not finite: the weights are then those of the step before, and are saved.
    """
    settings = _settings(config, batch_at, optimizers) if state_folder else {}
    start = load_state(state_folder, model, optimizers, settings) if state_folder else 0
    if start and start == config.steps:
        print(f"{state_folder}: all {start} steps are done, nothing is trained; delete the folder to train anew")
    peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in optimizers]
    losses: list[float] = []

    def save(step: int) -> None:
        if state_folder:
            save_state(state_folder, model, optimizers, step, settings=settings)

    model.train()
    with on_free_cores() as free, after_this_step(saving=state_folder is not None) as interrupt:
        for step in range(start, config.steps):
            set_learning_rates(optimizers, peaks, schedule(step, config))
            tokens, mask = (tensor.to(model.device) for tensor in batch_at(step))
            _check_width(tokens, model, step)
            # Pads stand on the right, where nothing real sees them: a mask of ones only says that we know.
            logits = model(tokens, attention_mask=torch.ones_like(tokens), use_cache=False).logits
            loss = loss_fn(logits, tokens, mask)
            for optimizer in optimizers:
                optimizer.zero_grad()
            try:
                backward(loss, model, where=f"step {step + 1}")
            except TopFiveError:
                save(step)
                raise
            for optimizer in optimizers:
                optimizer.step()
            losses.append(loss.item())
            if progress:
                progress(step + 1, config.steps, {"loss": losses[-1]})
            if (step + 1) % config.save_every == 0 or step + 1 == config.steps or interrupt.requested:
                save(step + 1)
            if interrupt.requested:
                raise KeyboardInterrupt
            free.look()
    model.eval()
    return losses


def _settings(
    config: TrainConfig, batch_at: Callable[[int], Batch], optimizers: Sequence[torch.optim.Optimizer]
) -> dict[str, Any]:
    """What has to be the same for training to be gone on with; its texts are known by the first batch of them."""
    settings = asdict(config)
    del settings["save_every"]
    names = ", ".join(type(optimizer).__name__ for optimizer in optimizers)
    tokens, mask = batch_at(0)
    first = fingerprint(tensor.cpu().numpy().tobytes() for tensor in (tokens, mask))
    return {**settings, "optimizers": names, "first batch": first}


def _check_width(tokens: Tensor, model: PreTrainedModel, step: int) -> None:
    if tokens.shape[1] > context_of(model):
        raise TopFiveError(
            f"step {step + 1}: a row of {tokens.shape[1]} tokens, and the model reads {context_of(model)}; shorten it "
            "or leave it out"
        )


def backward(loss: Tensor, *models: torch.nn.Module, where: str, max_norm: float = 1.0) -> None:
    """Gradients of `loss`, those of each model cut to the length `max_norm`. (Pascanu et al. 2013.)

    Raises TopFiveError, in time for no weight to be changed, if the loss or a gradient is NaN or infinite.
    """
    broken = "" if torch.isfinite(loss) else f"the loss is {loss.item()}"
    if not broken:
        loss.backward()
        norms = [torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm) for model in models]
        broken = "" if all(norm.isfinite() for norm in norms) else "a gradient is not finite"
    if broken:
        raise TopFiveError(
            f"{where}: {broken}; the weights stay as they were before it. A lower learning rate often helps; if the "
            "loss is a function of your own, look there for a division by 0 or a logarithm of 0"
        )


def adamw(model: PreTrainedModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """AdamW for everything: what fine-tuning uses."""
    return [
        torch.optim.AdamW(
            model.parameters(), lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=config.weight_decay, fused=True
        )
    ]


def muon(model: PreTrainedModel, config: TrainConfig) -> list[torch.optim.Optimizer]:
    """Muon (Jordan et al. 2024) for the matrices inside the blocks, AdamW for embeddings, biases and norms.

    From scratch at this size it reaches AdamW's loss in about two thirds of the steps.
    """
    matrices = [value for name, value in model.named_parameters() if value.ndim == 2 and ".h." in name]
    inside = {id(value) for value in matrices}
    others = [value for value in model.parameters() if id(value) not in inside]
    return [
        Muon(matrices, lr=2 * config.learning_rate, weight_decay=config.weight_decay, momentum=0.95),
        torch.optim.AdamW(others, lr=config.learning_rate, betas=(0.9, 0.98), weight_decay=0.0, fused=True),
    ]


def set_learning_rates(
    optimizers: Sequence[torch.optim.Optimizer], peaks: Sequence[Sequence[float]], share: float
) -> None:
    """Set every parameter group to `share` of its peak learning rate."""
    for optimizer, rates in zip(optimizers, peaks, strict=True):
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = share * rate


def schedule(step: int, config: TrainConfig) -> float:
    """Share of the full learning rate at `step`: a linear warm-up, then a cosine down to 0."""
    if step < config.warmup:
        return (step + 1) / config.warmup
    return 0.5 * (1 + math.cos(math.pi * (step - config.warmup) / max(1, config.steps - config.warmup)))


def pack(texts: Sequence[Sequence[int]], end: int, width: int) -> Tensor:
    """Texts end to end in one stream, an end token after each, cut into full rows; what is left over is dropped.

    texts: token ids of each text. Returns (rows, width), int64, without pads. (Brown et al. 2020, appendix B.)
    """
    stream = torch.tensor([token for text in texts for token in (*text, end)], dtype=torch.long)
    return stream[: len(stream) // width * width].view(-1, width)


def packed_batches(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    config: TrainConfig,
    width: int = 128,
    pack_fn: Callable[[Sequence[Sequence[int]], int, int], Tensor] = pack,
) -> Callable[[int], Batch]:
    """Pretraining batches: texts in a new random order each epoch, packed into rows, rows in random order.

    No token is a pad and every token counts; a row may begin in the middle of a text.
    """
    encoded = tokenizer(list(texts))["input_ids"]
    total = sum(len(ids) + 1 for ids in encoded)
    rows_an_epoch = total // width
    if rows_an_epoch < config.batch_size:
        raise ValueError(f"{total} tokens are too few for one batch of {config.batch_size} rows of {width}")
    steps_an_epoch = rows_an_epoch // config.batch_size
    epochs: dict[int, Tensor] = {}

    def epoch_rows(epoch: int) -> Tensor:
        if epoch not in epochs:
            generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
            order = torch.randperm(len(encoded), generator=generator).tolist()
            rows = torch.as_tensor(pack_fn([encoded[index] for index in order], tokenizer.eos_token_id, width))
            epochs.clear()
            epochs[epoch] = rows[torch.randperm(rows_an_epoch, generator=generator)]
        return epochs[epoch]

    def batch_at(step: int) -> Batch:
        epoch, index = divmod(step, steps_an_epoch)
        tokens = epoch_rows(epoch)[index * config.batch_size : (index + 1) * config.batch_size]
        return Batch(tokens, torch.ones_like(tokens))

    return batch_at


def pad_batch(examples: Sequence[Example], pad: int, mask_prompt: bool = True) -> Batch:
    """(prompt ids, completion ids) pairs as one batch, padded on the right to the longest of them.

    A completion's ids end with the end token. Returns (tokens, mask), each (batch, time) int64; the mask is 1 on the
    tokens to be predicted: on the completion with its end token, and on the prompt only if it is not masked.
    """
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = torch.full((len(examples), width), pad)
    mask = torch.zeros_like(tokens)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor([*prompt, *completion])
        mask[row, len(prompt) if mask_prompt else 0 : end] = 1
    return Batch(tokens, mask)


def sft_batches(
    tokenizer: Tokenizer,
    pairs: Sequence[tuple[str, str]],
    config: TrainConfig,
    mask_prompt: bool = True,
    pad_fn: Callable[[Sequence[Example], int, bool], tuple[Tensor, Tensor]] = pad_batch,
    context: int = CONTEXT,
) -> Callable[[int], Batch]:
    """SFT batches of (prompt, completion) pairs, padded on the right; only the completion and its end token count.

    Raises TopFiveError if a pair is longer than the model's `context`: cut, it would teach lists without an end.
    """
    examples = encode_pairs(tokenizer, pairs, context)
    steps_an_epoch = max(1, len(examples) // config.batch_size)

    def batch_at(step: int) -> Batch:
        epoch, index = divmod(step, steps_an_epoch)
        order = epoch_order(len(examples), config, epoch)
        chosen = [examples[i] for i in order[index * config.batch_size : (index + 1) * config.batch_size]]
        tokens, mask = pad_fn(chosen, tokenizer.pad_token_id, mask_prompt)
        return Batch(torch.as_tensor(tokens), torch.as_tensor(mask))

    return batch_at


def epoch_order(size: int, config: TrainConfig, epoch: int = 0) -> list[int]:
    """The order in which an epoch of SFT goes through its `size` examples."""
    generator = torch.Generator().manual_seed(config.seed * 1_000_003 + epoch)
    return torch.randperm(size, generator=generator).tolist()


def encode_pairs(tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], context: int = CONTEXT) -> list[Example]:
    """(prompt, completion) texts as token ids, the completion with its end token.

    Raises TopFiveError, naming the longest, if a pair has more tokens than `context`.
    """
    examples: list[Example] = [
        (ids, [*completion, tokenizer.eos_token_id])
        for ids, completion in zip(
            tokenizer([prompt for prompt, _ in pairs])["input_ids"],
            tokenizer([completion for _, completion in pairs])["input_ids"],
            strict=True,
        )
    ]
    lengths = [len(prompt) + len(completion) for prompt, completion in examples]
    check_lengths([prompt + completion for prompt, completion in pairs], lengths, context)
    return examples
