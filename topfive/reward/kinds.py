"""What a model knows of an item: how surely it carries each of the 24 tags.

A language model that has read about items, and written lists of them, hears kinds in their names; a linear layer on the
state after an item's last token asks for all of them at once. Reward models read text only: this is how they come to
know that lentil soup is vegetarian.
"""

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModelForSequenceClassification, AutoTokenizer, PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.errors import TopFiveError
from topfive.files import recover
from topfive.lists import normalise
from topfive.lm.model import from_folder
from topfive.lm.train import Batch, TrainConfig

UNKNOWN = -1


class Kinds:
    """Asks a model about items; what was asked once is remembered."""

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer):
        self.model, self.tokenizer = model.eval(), tokenizer
        self._known: dict[str, NDArray[np.float64]] = {}

    @classmethod
    def load(cls, folder: Path) -> "Kinds":
        """Read a model and its tokenizer from a folder on this machine. Raises TopFiveError if they are not whole."""
        recover(folder)
        try:
            model = from_folder(AutoModelForSequenceClassification, folder)
            if model.num_labels != len(data.tag_names()):
                raise ValueError(f"it knows {model.num_labels} tags, not {len(data.tag_names())}")
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TopFiveError(f"{folder}: not a model of kinds ({reason})") from error
        return cls(model, tokenizer)

    @torch.no_grad()
    def __call__(self, items: Sequence[str]) -> NDArray[np.float64]:
        """Probability of each tag, (items, 24)."""
        new = [item for item in dict.fromkeys(items) if item not in self._known]
        for start in range(0, len(new), 256):
            part = new[start : start + 256]
            tokens = encode_items(self.tokenizer, part).to(self.model.device)
            logits = self.model(tokens, attention_mask=(tokens != self.tokenizer.pad_token_id).long()).logits
            self._known |= zip(part, logits.sigmoid().double().cpu().numpy(), strict=True)
        return np.array([self._known[item] for item in items]).reshape(-1, self.model.num_labels)


def from_language_model(language_model: PreTrainedModel, seed: int = 0) -> PreTrainedModel:
    """A model of kinds on a copy of the language model's trunk, its linear layer at zero."""
    config = type(language_model.config).from_dict(language_model.config.to_dict())
    config.num_labels = len(data.tag_names())
    torch.manual_seed(seed)
    model = AutoModelForSequenceClassification.from_config(
        config, attn_implementation=language_model.config._attn_implementation
    )
    model.base_model.load_state_dict(language_model.base_model.state_dict())
    torch.nn.init.zeros_(model.score.weight)
    return model.eval()


def encode_items(tokenizer: Tokenizer, items: Sequence[str]) -> Tensor:
    """Items as they stand in a list, on its first line, padded on the right: (items, time)."""
    ids = tokenizer([f"\n1. {item}" for item in items])["input_ids"]
    rows = [torch.tensor(row) for row in ids]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=tokenizer.pad_token_id)


def held_facts(share: float = 0.1, seed: int = 0) -> NDArray[np.bool_]:
    """Which (item, tag) of the bank are kept from training, so that "knows" can be told from "repeats"."""
    return np.random.default_rng(seed).random((len(data.rows("items")), len(data.tag_names()))) < share


@cache
def facts() -> NDArray[np.int64]:
    """(items, 24) of the bank, 1 where an item carries a tag, else 0."""
    return np.array([[int(tag in row["tags"]) for tag in data.tag_names()] for row in data.rows("items")])


def fact_batches(tokenizer: Tokenizer, config: TrainConfig) -> Callable[[int], Batch]:
    """Batches of the bank's items and their tags, (batch, 24): 1, 0, or −1 where the fact is held out."""
    tokens = encode_items(tokenizer, [normalise(row["item"]) for row in data.rows("items")])
    told = torch.from_numpy(np.where(held_facts(), UNKNOWN, facts()))

    def batch_at(step: int) -> Batch:
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        chosen = torch.randperm(len(tokens), generator=generator)[: config.batch_size]
        width = int((tokens[chosen] != tokenizer.pad_token_id).sum(dim=1).max())
        return Batch(tokens[chosen, :width], told[chosen])

    return batch_at


def fact_loss(logits: Tensor, tokens: Tensor, told: Tensor) -> Tensor:
    """Mean binary cross-entropy of what is told. logits, told: (batch, 24). tokens are not read. Returns a scalar."""
    known = told != UNKNOWN
    return F.binary_cross_entropy_with_logits(logits[known], told[known].to(logits.dtype))
