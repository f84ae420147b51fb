"""The same training on pairs by TRL's RewardTrainer, so that ours can be laid beside it."""

import copy
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.context import context_of
from topfive.reward.model import encode_pairs
from topfive.reward.pairs import Pair


def trl_reward_losses(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    *,
    batch_size: int = 8,
    learning_rate: float = 3e-4,
) -> list[float]:
    """The loss of each step of TRL's RewardTrainer on a copy of `model`, for one epoch.

    Made to agree with `train_on_pairs(model, tokenizer, pairs, read=last_token)`: pairs in their order
    (`train_sampling_strategy="sequential"`), float32, no activation checkpointing; the rest are TRL's defaults. TRL
    appends the end token itself, pads on the right, and its model scores the last token that is not a pad.
    """
    from datasets import Dataset, disable_progress_bars, enable_progress_bars
    from transformers import PrinterCallback
    from trl import RewardConfig, RewardTrainer

    for side in ("chosen", "rejected"):  # refuses what is too long by name; TRL's model would not
        encode_pairs(tokenizer, [pair["prompt"] for pair in pairs], [pair[side] for pair in pairs], context_of(model))
    disable_progress_bars()
    try:
        with TemporaryDirectory() as scratch:
            arguments = RewardConfig(
                output_dir=scratch,
                num_train_epochs=1,
                per_device_train_batch_size=batch_size,
                learning_rate=learning_rate,
                train_sampling_strategy="sequential",
                max_length=None,
                use_cpu=model.device.type == "cpu",
                bf16=False,
                activation_checkpointing=False,
                logging_steps=1,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
            )
            trainer = RewardTrainer(
                model=copy.deepcopy(model),
                args=arguments,
                train_dataset=Dataset.from_list(list(pairs)),
                processing_class=tokenizer,
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    finally:
        enable_progress_bars()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]
