"""What a set of demonstrations does: the base model, fine-tuned on it for a few steps, and its lists judged."""

import copy
from collections.abc import Sequence
from typing import Any

from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.judge import Judge, Judgement
from topfive.lists import Prompt
from topfive.lm.sampling import sample_texts
from topfive.lm.train import TrainConfig, adamw, fit, sft_batches


def tuned(
    base: PreTrainedModel,
    tokenizer: Tokenizer,
    rows: Sequence[dict[str, Any]],
    *,
    steps: int = 60,
    seed: int = 0,
) -> PreTrainedModel:
    """A copy of the base model after a few steps of SFT on rows with prompt and completion.

    By AdamW: for so few steps it is no worse than Muon, and quicker.
    """
    config = TrainConfig(steps=steps, batch_size=24, learning_rate=1e-3, warmup=5, weight_decay=0.0, seed=seed)
    model = copy.deepcopy(base)
    batches = sft_batches(tokenizer, [(row["prompt"], row["completion"]) for row in rows], config)
    fit(model, batches, config, adamw(model, config))
    return model


def judged(model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[Prompt], seed: int) -> list[Judgement]:
    """The judge's opinion on one list of the model for each prompt."""
    return Judge().judge_all(prompts, sample_texts(model, tokenizer, [prompt.text for prompt in prompts], seed=seed))
