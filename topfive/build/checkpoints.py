"""The shipped checkpoints: tokenizer, base, SFT, reward model and one PPO policy, from the text under data/.

    python -m topfive.build.checkpoints            # all of them, about forty minutes on two cores
    python -m topfive.build.checkpoints reward     # from one stage on

The tokenizer travels with each checkpoint. Weights are stored in half precision as safetensors.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.build import crowd
from topfive.build.marks import marked_batches
from topfive.evaluate import heldout_prompts
from topfive.files import write_folder_atomic
from topfive.lm.model import load, save
from topfive.lm.recipe import train_base, train_sft, train_text_tokenizer
from topfive.lm.sampling import sample_texts
from topfive.lm.train import TrainConfig
from topfive.preferences import split_by_lists
from topfive.reward.marks import train_on_marks
from topfive.reward.model import from_language_model, normalise
from topfive.reward.train import RewardConfig, accuracy, train_reward_model
from topfive.reward.words import WordReward
from topfive.loop import RunConfig, progress_bar, run

MARKS = TrainConfig(steps=8000, batch_size=64, learning_rate=1e-2, warmup=20, weight_decay=0.0, seed=0)
CROWD = RewardConfig(epochs=1, batch_size=16, learning_rate=3e-4, seed=0)
STAGES = ("base", "sft", "reward", "ppo")


def main(first: str = "base") -> None:
    """Make the checkpoints from the stage `first` on; earlier ones are taken as they are."""
    if first not in STAGES:
        sys.exit(f"unknown stage {first!r}: choose one of {', '.join(STAGES)}")
    folder = data.folder() / "checkpoints"
    began = time.perf_counter()
    if first == "base":
        tokenizer = train_text_tokenizer()
        _ship(folder / "base", train_base(tokenizer, progress=progress_bar("pretraining")), tokenizer)
    if first in ("base", "sft"):
        base, tokenizer = load(folder / "base")
        _ship(folder / "sft", train_sft(base, tokenizer, progress=progress_bar("fine-tuning")), tokenizer)
        print(f"language models: {time.perf_counter() - began:.0f} s")
        crowd.main()
    if first != "ppo":
        sft, tokenizer = load(folder / "sft")
        _ship(folder / "reward", _crowd_reward(sft, tokenizer), tokenizer)
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        run(RunConfig(taste="vegetarian", rankings=400, seed=0, out=out))
        policy, tokenizer = load(out / "policy")
        _ship(folder / "ppo", policy, tokenizer)
        write_folder_atomic(folder / "taste", WordReward.load(out / "reward").save)
        shutil.copy(out / "report.json", folder / "ppo" / "report.json")
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(json.dumps({"megabytes": round(size / 1e6, 1), "seconds": round(time.perf_counter() - began)}))


def _crowd_reward(sft: PreTrainedModel, tokenizer: Tokenizer) -> PreTrainedModel:
    """The SFT model's trunk: first taught to mark lines, then fine-tuned on rankings of the simulated crowd.

    A fifth of the groups of lists is held out, the same as in notebook 05. Pretenders' rankings are among the rest.
    """
    model = from_language_model(sft, seed=CROWD.seed)
    train_on_marks(model, marked_batches(tokenizer, MARKS), MARKS, progress=progress_bar("marking lines"))
    groups, held = split_by_lists(data.crowd_rankings())
    rankings = [ranking for group in groups for _, ranking in group]
    train_reward_model(model, tokenizer, rankings, CROWD, progress=progress_bar("crowd reward model"))
    print(f"held-out pairs: {accuracy(model, tokenizer, [ranking for group in held for _, ranking in group])}")
    asked = [prompt.text for prompt in heldout_prompts(data.prompts("train"), 256, seed=1)]
    normalise(model, tokenizer, asked, sample_texts(sft, tokenizer, asked, seed=1))
    return model


def _ship(path: Path, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    write_folder_atomic(path, lambda temporary: save(model, tokenizer, temporary, dtype=torch.float16))


if __name__ == "__main__":
    main(*sys.argv[1:])
