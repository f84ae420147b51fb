"""The same supervised fine-tuning by TRL's SFTTrainer, so that ours can be laid beside it.

Same weights, batches, optimiser and learning rates; TRL's own tokenisation, prompt mask, padding, loss and loop.
"""

import copy
import warnings
from collections.abc import Sequence
from tempfile import TemporaryDirectory

from torch.optim.lr_scheduler import LambdaLR
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.context import context_of
from topfive.lm.train import TrainConfig, adamw, encode_pairs, epoch_order, schedule


def trl_sft_losses(
    model: PreTrainedModel, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], config: TrainConfig
) -> list[float]:
    """The loss of each step of TRL's SFTTrainer on a copy of `model`, for at most one epoch.

    pairs: (prompt, completion). Made to agree with `fit(model, sft_batches(…), config, adamw(model, config))`:
    examples in the same order (`train_sampling_strategy="sequential"`), our optimiser and schedule, float32, no
    gradient checkpointing. TRL appends the end token itself, and counts the completion alone for data of this form.
    """
    from datasets import Dataset, disable_progress_bars, enable_progress_bars
    from transformers import PrinterCallback
    from trl import SFTConfig, SFTTrainer

    encode_pairs(tokenizer, pairs, context_of(model))  # refuses what is too long by name; TRL's model would not
    model = copy.deepcopy(model)
    [optimizer] = adamw(model, config)
    ordered = [pairs[index] for index in epoch_order(len(pairs), config)][: config.steps * config.batch_size]
    columns = {"prompt": [prompt for prompt, _ in ordered], "completion": [completion for _, completion in ordered]}
    disable_progress_bars()
    try:
        with TemporaryDirectory() as scratch, warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # of TRL's own defaults
            arguments = SFTConfig(
                output_dir=scratch,
                max_steps=config.steps,
                per_device_train_batch_size=config.batch_size,
                train_sampling_strategy="sequential",
                max_length=None,
                max_grad_norm=1.0,
                use_cpu=model.device.type == "cpu",
                bf16=False,
                gradient_checkpointing=False,
                logging_steps=1,
                save_strategy="no",
                report_to=[],
                disable_tqdm=True,
            )
            trainer = SFTTrainer(
                model=model,
                args=arguments,
                train_dataset=Dataset.from_dict(columns),
                processing_class=tokenizer,
                optimizers=(optimizer, LambdaLR(optimizer, lambda step: schedule(step, config))),
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
    finally:
        enable_progress_bars()
    return [row["loss"] for row in trainer.state.log_history if "loss" in row]
