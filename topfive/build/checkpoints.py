"""The shipped checkpoints: tokenizer, base, SFT, reward model and one PPO policy, from the text under data/.

    python -m topfive.build.checkpoints            # all of them, about 15 minutes on two cores
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
from topfive.evaluate import heldout_prompts
from topfive.files import write_folder_atomic
from topfive.lm.model import load, save
from topfive.lm.recipe import train_base, train_sft, train_text_tokenizer
from topfive.lm.sampling import sample_texts
from topfive.reward.model import from_language_model, normalise
from topfive.reward.train import RewardConfig, train_reward_model
from topfive.reward.words import WordReward
from topfive.run import RunConfig, progress_bar, run

CROWD = RewardConfig(epochs=2, batch_size=16, learning_rate=3e-4, seed=0)
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
    """The SFT model's trunk fine-tuned on all rankings of the simulated crowd, pretenders' too, and normalised.

    It orders held-out groups of lists no better than a coin (docs/carry-on.md): 1,200 rankings are too few for this
    trunk. It is shipped as what the usual recipe gives, for notebook 05 and for experiments.
    """
    model = from_language_model(sft, seed=CROWD.seed)
    rankings = [ranking for _, ranking in data.crowd_rankings()]
    train_reward_model(model, tokenizer, rankings, CROWD, progress=progress_bar("crowd reward model"))
    asked = [prompt.text for prompt in heldout_prompts(data.prompts("train"), 256, seed=1)]
    normalise(model, tokenizer, asked, sample_texts(sft, tokenizer, asked, seed=1))
    return model


def _ship(path: Path, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    write_folder_atomic(path, lambda temporary: save(model, tokenizer, temporary, dtype=torch.float16))


if __name__ == "__main__":
    main(*sys.argv[1:])
