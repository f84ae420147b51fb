"""The language model: GPT-2's architecture at a size that trains on a laptop."""

import copy
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer
from transformers.utils import logging

from topfive import seeds
from topfive.errors import TopFiveError
from topfive.files import recover

CONTEXT = 128

logging.disable_progress_bar()  # a bar for reading three megabytes only covers the bars that matter


def new_model(
    tokenizer: Tokenizer, seed: int = 0, width: int = 160, layers: int = 4, heads: int = 5
) -> PreTrainedModel:
    """A freshly initialised GPT-2 (Radford et al. 2019) of about 1.9 million parameters, without dropout.

    Tanh-GELU and eager attention: at this size both are faster on a CPU and lose nothing.
    """
    torch.manual_seed(seeds.whole(seed))
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=CONTEXT,
        n_embd=width,
        n_layer=layers,
        n_head=heads,
        activation_function="gelu_pytorch_tanh",
        attn_pdrop=0.0,
        embd_pdrop=0.0,
        resid_pdrop=0.0,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        attn_implementation="eager",
    )
    return GPT2LMHeadModel(config).eval()


def only_biases(model: PreTrainedModel) -> list[nn.Parameter]:
    """Let biases and the gains of norms learn and nothing else, in place; returns them.

    Some nine thousand of two million weights: too few to unlearn how to spell, enough to lean towards what the model
    can do already (BitFit: Ben Zaken, Ravfogel and Goldberg 2022).
    """
    model.requires_grad_(False)
    learn = [value for value in model.parameters() if value.ndim == 1]
    for value in learn:
        value.requires_grad_(True)
    return learn


def save(model: PreTrainedModel, tokenizer: Tokenizer, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write model and tokenizer as safetensors and JSON; `dtype` torch.float16 halves the size."""
    stored = model if dtype == next(model.parameters()).dtype else copy.deepcopy(model).to(dtype)
    stored.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def load(folder: Path | str) -> tuple[PreTrainedModel, Tokenizer]:
    """Read a causal language model and its tokenizer, in float32 and ready to sample from.

    A folder on this machine and nothing else: what is not there is not looked for on the internet.
    Raises TopFiveError if the folder does not hold a whole, readable checkpoint.
    """
    recover(Path(folder))
    try:
        model = from_folder(AutoModelForCausalLM, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    except Exception as error:  # safetensors, JSON, OS and config errors: each library has its own
        raise TopFiveError(f"{folder}: not a usable checkpoint ({_first_line(error)})") from error
    return model.eval(), tokenizer


def from_folder(kind: Any, folder: Path | str) -> PreTrainedModel:
    """A whole model of an `AutoModel…` class, in float32. Raises whatever goes wrong, in each library's own class."""
    if not Path(folder).is_dir():
        raise ValueError("there is no such folder; make it first, or look for a slip in the name")
    model, found = kind.from_pretrained(
        Path(folder),
        dtype=torch.float32,
        use_safetensors=True,
        attn_implementation="eager",
        local_files_only=True,
        output_loading_info=True,
    )
    if found["missing_keys"]:
        raise ValueError(f"without weights for {', '.join(sorted(found['missing_keys']))}")
    return model


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
