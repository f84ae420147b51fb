"""The shipped checkpoints: tokenizer, base, SFT, what is known of items, rewards and one PPO policy, from data/.

    python -m topfive.build.checkpoints            # all of them, about two hours on two cores
    python -m topfive.build.checkpoints reward     # from one stage on

The tokenizer travels with each checkpoint. Weights are stored in half precision as safetensors. Language models keep
their training state in the given folder (default: runs/checkpoints), so that the same command goes on with them.
"""

import json
import shutil
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.build.marks import marked_batches
from topfive.evaluate import heldout_prompts
from topfive.files import write_folder_atomic
from topfive.judge import load_taste, prompts_of
from topfive.lists import Ranking
from topfive.lm.model import load, save
from topfive.lm.recipe import LONG, train_base, train_sft, train_text_tokenizer
from topfive.lm.sampling import sample_texts
from topfive.lm.train import TrainConfig, adamw, fit
from topfive.loop import RunConfig, progress_bar, run
from topfive.loop.stages import rankings_of
from topfive.preferences import split_by_lists
from topfive.reward import kinds, lines
from topfive.reward.marks import train_on_marks
from topfive.reward.model import from_language_model, normalise
from topfive.reward.train import RewardConfig, accuracy, pair_accuracy, train_reward_model
from topfive.reward.words import fit_word_reward

KINDS = TrainConfig(steps=800, batch_size=128, learning_rate=1e-3, warmup=20, weight_decay=0.0, seed=0)
MARKS = TrainConfig(steps=4000, batch_size=64, learning_rate=5e-3, warmup=20, weight_decay=0.0, seed=0)
CROWD = RewardConfig(epochs=1, batch_size=16, learning_rate=3e-4, seed=0)
STATES = Path("runs/checkpoints")


def main(first: str = "base") -> None:
    """Make the checkpoints from the stage `first` on; earlier ones are taken as they are."""
    if first not in MAKERS:
        sys.exit(f"unknown stage {first!r}: choose one of {', '.join(MAKERS)}")
    folder = data.folder() / "checkpoints"
    began = time.perf_counter()
    for stage in [*MAKERS][[*MAKERS].index(first) :]:
        MAKERS[stage](folder)
        print(f"{stage}: done after {time.perf_counter() - began:.0f} s", flush=True)
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    print(json.dumps({"megabytes": round(size / 1e6, 1), "seconds": round(time.perf_counter() - began)}))


def make_base(folder: Path) -> None:
    """The tokenizer, and the model that has read sentences about items."""
    tokenizer = train_text_tokenizer()
    base = train_base(tokenizer, LONG, state_folder=STATES / "base", progress=progress_bar("pretraining"))
    _ship(folder / "base", base, tokenizer)


def make_sft(folder: Path) -> None:
    """The base model after lists drawn fresh. The crowd's labels stay: they are about lists of an earlier SFT model."""
    base, tokenizer = load(folder / "base")
    sft = train_sft(base, tokenizer, LONG, state_folder=STATES / "sft", progress=progress_bar("fine-tuning"))
    _ship(folder / "sft", sft, tokenizer)


def make_kinds(folder: Path) -> None:
    """What the SFT model's trunk, trained on, knows of an item. A tenth of the facts is held out, and measured."""
    sft, tokenizer = load(folder / "sft")
    model = kinds.from_language_model(sft)
    batches = kinds.fact_batches(tokenizer, KINDS)
    fit(model, batches, KINDS, adamw(model, KINDS), loss_fn=kinds.fact_loss, progress=progress_bar("kinds of items"))
    known = kinds.Kinds(model, tokenizer)([row["item"] for row in data.rows("items")])
    held, carried = kinds.held_facts(), kinds.facts()
    for name, part in (("told", ~held), ("held out", held)):
        areas = [roc_auc_score(carried[part[:, tag], tag], known[part[:, tag], tag]) for tag in range(held.shape[1])]
        print(f"facts {name}: area {np.mean(areas):.3f}, least {min(areas):.3f}")
    _ship(folder / "kinds", model, tokenizer)


def make_crowd(folder: Path) -> None:
    """What a line is worth to the crowd, by how likely the SFT model finds it: two numbers."""
    sft, tokenizer = load(folder / "sft")
    rankings, held = _crowds_rankings()
    scale = lines.fit_scale(sft, tokenizer, rankings)
    reward = lines.LineReward(sft, tokenizer, scale)
    scored = [reward([one.prompt.text] * len(one.texts), one.texts).sum(dim=1).double().numpy() for one in held]
    print(f"{scale}; held-out pairs: {pair_accuracy(scored, held)}")
    write_folder_atomic(folder / "crowd", scale.save)


def make_reward(folder: Path) -> None:
    """The crowd's reward model."""
    sft, tokenizer = load(folder / "sft")
    model = from_language_model(sft, seed=CROWD.seed)
    train_on_marks(model, marked_batches(tokenizer, MARKS), MARKS, progress=progress_bar("marking lines"))
    rankings, held = _crowds_rankings()
    train_reward_model(model, tokenizer, rankings, CROWD, progress=progress_bar("crowd reward model"))
    print(f"held-out pairs: {accuracy(model, tokenizer, held)}")
    asked = [prompt.text for prompt in heldout_prompts(data.prompts("train"), 256, seed=1)]
    normalise(model, tokenizer, asked, sample_texts(sft, tokenizer, asked, seed=1))
    _ship(folder / "reward", model, tokenizer)


def make_ppo(folder: Path) -> None:
    """The policy of a vegetarian with 400 rankings, and a word reward of the same rankings."""
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        run(RunConfig(taste="vegetarian", rankings=400, seed=0, out=out))
        policy, tokenizer = load(out / "policy")
        _ship(folder / "ppo", policy, tokenizer)
        shutil.copy(out / "report.json", folder / "ppo" / "report.json")
        words = fit_word_reward(rankings_of(out))
    sft, tokenizer = load(folder / "sft")
    asked = [prompt.text for prompt in heldout_prompts(prompts_of(load_taste("vegetarian"))[0], 256, seed=1)]
    words.normalise(asked, sample_texts(sft, tokenizer, asked, seed=1))
    write_folder_atomic(folder / "taste", words.save)


MAKERS = {
    "base": make_base,
    "sft": make_sft,
    "kinds": make_kinds,
    "crowd": make_crowd,
    "reward": make_reward,
    "ppo": make_ppo,
}


def _crowds_rankings() -> tuple[list[Ranking], list[Ranking]]:
    """Four fifths of the groups of lists, pretenders' rankings among them, and the rest: as in notebook 05."""
    groups, held = split_by_lists(data.crowd_rankings())
    return [one for group in groups for _, one in group], [one for group in held for _, one in group]


def _ship(path: Path, model: PreTrainedModel, tokenizer: Tokenizer) -> None:
    write_folder_atomic(path, lambda temporary: save(model, tokenizer, temporary, dtype=torch.float16))


if __name__ == "__main__":
    main(*sys.argv[1:])
