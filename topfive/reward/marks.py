"""What a reward model can learn before it sees a single ranking: to mark the lines of a list.

A ranking says little: one order for twenty items. On the crowd's 1,200 rankings alone the trunk learns lists by heart
before it learns what makes one good. A mark on every line says twenty times as much (process supervision: Lightman et
al. 2023), and training a preference model on plentiful synthetic data first is an old habit of the field (Askell et al.
2021, section 4). The head that marks is the head that scores afterwards: the mean over tokens of "is this line good?".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import AutoModelForTokenClassification, PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lists import render
from topfive.lm.train import Batch, Progress, TrainConfig, fit, muon


@dataclass(frozen=True)
class MarkedList:
    """A list with a mark a line: true if the line is good where it stands."""

    prompt: str
    items: tuple[str, ...]
    good: tuple[bool, ...]


def mark_loss(numbers: Tensor, tokens: Tensor, marks: Tensor) -> Tensor:
    """Mean of −log σ(mark · number) over the marked tokens.

    numbers: (batch, time, 1), the head's number at each token. tokens: (batch, time), not read.
    marks: (batch, time), 1 on tokens of good lines, −1 on those of spoiled ones, 0 elsewhere. Returns a scalar.
    """
    return F.softplus(-marks * numbers[..., 0])[marks != 0].mean()


def encode_marked(tokenizer: Tokenizer, marked: Sequence[MarkedList]) -> Batch:
    """Prompt, list and end token of each, padded on the right: tokens and marks, each (batch, time)."""
    texts = [render(one.items) for one in marked]
    prompts = tokenizer([one.prompt for one in marked])["input_ids"]
    answers = tokenizer(texts, return_offsets_mapping=True)
    rows: list[Tensor] = []
    marks: list[Tensor] = []
    for one, text, prompt, answer, offsets in zip(
        marked, texts, prompts, answers["input_ids"], answers["offset_mapping"], strict=True
    ):
        line_of = _lines(text)
        on_lines = [1 if one.good[line_of[start]] else -1 for start, _ in offsets]
        rows.append(torch.tensor([*prompt, *answer, tokenizer.eos_token_id]))
        marks.append(torch.tensor([*[0] * len(prompt), *on_lines, 0]))
    return Batch(
        torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id),
        torch.nn.utils.rnn.pad_sequence(marks, batch_first=True),
    )


def _lines(text: str) -> list[int]:
    """For each character of an answer, the line on which it stands; a line begins with its line break."""
    lines = [-1]
    for character in text:
        lines.append(lines[-1] + (character == "\n"))
    return lines[1:]


def train_on_marks(
    model: PreTrainedModel,
    batch_at: Callable[[int], Batch],
    config: TrainConfig,
    *,
    progress: Progress | None = None,
    state_folder: Path | None = None,
) -> list[float]:
    """Teach a reward model, in place, to mark lines; returns the loss of each step.

    The head gets a bias to learn with, which is dropped afterwards: a reward has no zero of its own.
    """
    shape = type(model.config).from_dict({**model.config.to_dict(), "classifier_dropout": 0.0})
    marker = AutoModelForTokenClassification.from_config(shape)
    setattr(marker, marker.base_model_prefix, model.base_model)
    marker.classifier.weight = model.score.weight
    marker.to(model.device)
    losses = fit(
        marker, batch_at, config, muon(marker, config), loss_fn=mark_loss, progress=progress, state_folder=state_folder
    )
    model.eval()
    return losses
