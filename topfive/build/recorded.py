"""Runs that take too long for a notebook, recorded once: PPO over a range of β, and DPO and RLOO by TRL beside it.

    python -m topfive.build.recorded                     # an hour on two cores; goes on where it stopped
    python -m topfive.build.recorded --seeds 0 1 2 3     # more seeds
    python -m topfive.build.recorded --clinic model      # sick and healthy runs: topfive/build/clinic.py

For each seed the simulated student makes its rankings once and one reward model is trained on them. PPO and RLOO are
given that reward model, DPO the rankings themselves: all of them live on the same labels. What comes out is compared
with the SFT model on the same held-out prompts by the judge, and written as one small JSON file a run.
"""

import argparse
import contextlib
import copy
import hashlib
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.evaluate import clinic_folder, compare, heldout_prompts, kl_divergence, quality, recorded_folder
from topfive.files import write_atomic
from topfive.judge import Judge, load_taste, prompts_of, topics_of
from topfive.lists import Prompt, Ranking
from topfive.lm.model import load
from topfive.loop import PPO, RunConfig, progress_bar, run
from topfive.loop.config import HELD_OUT_SHARE
from topfive.loop.stages import rankings_of
from topfive.ppo import PPOConfig, PPOTrainer
from topfive.reward.model import from_language_model
from topfive.reward.words import WordReward
from topfive.stats import bootstrap

LIBRARIES = ("torch", "transformers", "trl", "numpy")
EXAMPLES = 4
CURVES = ("objective/scores", "objective/kl", "response/ended", "response/length")
Trained = tuple[PreTrainedModel, dict[str, Any]]


@dataclass(frozen=True)
class Settings:
    """What is run. `steps` batches of `batch_size` lists for PPO and RLOO; `dpo_epochs` passes over all pairs.

    betas: α, weights of the exact KL in PPO's loss; β, the price in the reward, is in the loop's proportion to it.
    dpo: β and learning rate of each DPO run.
    """

    taste: str = "vegetarian"
    rankings: int = 400
    prompts: int = 300
    steps: int = 60
    batch_size: int = 64
    betas: tuple[float, ...] = tuple(factor * PPO.kl_loss_coef for factor in (0, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 1, 4, 30))
    dpo: tuple[tuple[float, float], ...] = ((0.1, 2e-4), (0.1, 2e-5), (1.0, 2e-4), (1.0, 2e-5))
    dpo_epochs: int = 1
    rloo_beta: float = 0.05
    rloo_generations: int = 4
    rloo_learning_rate: float = 2e-4


@dataclass(frozen=True)
class World:
    """What all runs of one seed share: the models, and the rankings that the reward model was trained on."""

    seed: int
    sft: PreTrainedModel
    reward: WordReward
    tokenizer: Tokenizer
    rankings: list[Ranking]
    train: list[Prompt]
    test: list[Prompt]


def world(settings: Settings, seed: int, scratch: Path) -> World:
    """Rankings and reward model of the loop with this seed; made in `scratch`, or found there."""
    config = RunConfig(settings.taste, settings.rankings, seed, scratch / f"{sft_version()}-{seed}", ppo_steps=1)
    run(config)
    sft, tokenizer = load(data.checkpoint("sft"))
    rankings = rankings_of(config.out)
    held = max(1, round(HELD_OUT_SHARE * len(rankings)))  # the reward model keeps these for its own check
    order = np.random.default_rng(seed).permutation(len(rankings))[held:]
    train, test = prompts_of(load_taste(settings.taste))
    asked = heldout_prompts(test, settings.prompts, seed=seed)
    chosen = [rankings[index] for index in order]
    return World(seed, sft, WordReward.load(config.out / "reward"), tokenizer, chosen, train, asked)


# --- the three ways -----------------------------------------------------------------------------------------------


def train_ppo(settings: Settings, found: World, beta: float) -> Trained:
    """This package's PPO."""
    args = replace(
        PPO,
        total_steps=settings.steps,
        batch_size=settings.batch_size,
        kl_loss_coef=beta,
        kl_coef=beta * PPO.kl_coef / PPO.kl_loss_coef,
        seed=found.seed,
    )
    policy, bar = copy.deepcopy(found.sft), progress_bar(f"PPO, β = {beta:g}")
    critic = from_language_model(found.sft, seed=found.seed)
    trainer = PPOTrainer(
        policy, found.sft, found.reward, critic, args, [prompt.text for prompt in found.train], found.tokenizer,
        callbacks=[lambda step: bar(step.step, step.total_steps, {"kl": step.metrics["objective/kl"]})],
    )  # fmt: skip
    history = trainer.train()
    curves = {key: [round(row[key], 4) for row in history] for key in CURVES}
    return policy, {"beta": beta, "lists_sampled": len(history) * args.batch_size, "curves": curves}


def train_dpo(settings: Settings, found: World, beta: float, learning_rate: float) -> Trained:
    """DPO (Rafailov et al. 2023) by TRL, on every pair of the rankings."""
    from datasets import Dataset
    from trl import DPOConfig, DPOTrainer

    pairs = [
        {"prompt": ranking.prompt.text, "chosen": better, "rejected": worse}
        for ranking in found.rankings
        for better, place in zip(ranking.texts, ranking.ranks, strict=True)
        for worse, lower in zip(ranking.texts, ranking.ranks, strict=True)
        if place < lower
    ]
    policy = copy.deepcopy(found.sft)
    with _trl_folder() as folder:
        args = DPOConfig(
            output_dir=str(folder),
            beta=beta,
            learning_rate=learning_rate,
            num_train_epochs=settings.dpo_epochs,
            per_device_train_batch_size=16,
            **_on_this_machine(found.seed),
        )
        DPOTrainer(
            model=policy,
            ref_model=copy.deepcopy(found.sft),
            args=args,
            train_dataset=Dataset.from_list(pairs),
            processing_class=found.tokenizer,
        ).train()
    return policy.eval(), {"beta": beta, "learning_rate": learning_rate, "lists_sampled": 0, "pairs": len(pairs)}


def train_rloo(settings: Settings, found: World, beta: float) -> Trained:
    """RLOO (Ahmadian et al. 2024) by TRL: no critic; a list is compared with others for the same prompt."""
    from datasets import Dataset
    from trl import RLOOConfig, RLOOTrainer

    end = found.tokenizer.eos_token_id
    defaults = PPOConfig()

    def score(prompts: list[str], completions: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        scores = found.reward.scores(prompts, completions).tolist()
        return [
            value if end in ids else defaults.missing_eos_score
            for value, ids in zip(scores, completion_ids, strict=True)
        ]

    policy = copy.deepcopy(found.sft)
    with _trl_folder() as folder:
        args = RLOOConfig(
            output_dir=str(folder),
            beta=beta,
            learning_rate=settings.rloo_learning_rate,
            per_device_train_batch_size=settings.batch_size,
            num_generations=settings.rloo_generations,
            num_iterations=defaults.num_ppo_epochs,
            max_steps=settings.steps * defaults.num_ppo_epochs,
            temperature=defaults.temperature,
            max_completion_length=defaults.response_length,
            **_on_this_machine(found.seed),
        )
        texts = [{"prompt": prompt.text} for prompt in found.train]
        RLOOTrainer(
            model=policy,
            reward_funcs=score,
            args=args,
            train_dataset=Dataset.from_list(texts),
            processing_class=found.tokenizer,
        ).train()
    return policy.eval(), {"beta": beta, "lists_sampled": settings.steps * settings.batch_size}


@contextlib.contextmanager
def _trl_folder() -> Iterator[Path]:
    """A folder for what TRL writes; what it prints goes to standard error."""
    with TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        yield Path(folder)


def _on_this_machine(seed: int) -> dict[str, Any]:
    """A processor, float32, and nothing reported to anybody."""
    return {
        "seed": seed,
        "use_cpu": True,
        "bf16": False,
        "gradient_checkpointing": False,
        "report_to": [],
        "save_strategy": "no",
        "logging_steps": 1000,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }


# --- recording ----------------------------------------------------------------------------------------------------


def jobs(settings: Settings) -> dict[str, Callable[[World], Trained]]:
    """Every run of one seed, by name."""
    ppo = {f"ppo-beta{beta:g}": (lambda found, beta=beta: train_ppo(settings, found, beta)) for beta in settings.betas}
    dpo = {
        f"dpo-beta{beta:g}-lr{rate:g}": (lambda found, beta=beta, rate=rate: train_dpo(settings, found, beta, rate))
        for beta, rate in settings.dpo
    }
    return {
        **ppo,
        **dpo,
        f"rloo-beta{settings.rloo_beta:g}": lambda found: train_rloo(settings, found, settings.rloo_beta),
    }


def measure(settings: Settings, found: World, policy: PreTrainedModel) -> dict[str, Any]:
    """What became of the policy: KL, score by the reward model, win rate and quality by the judge, some lists."""
    judge = Judge(load_taste(settings.taste))
    result = compare(found.sft, policy, found.tokenizer, found.test, judge, seed=10_000 + found.seed)
    asked = [prompt.text for prompt in found.test]
    kl = kl_divergence(policy, found.sft, found.tokenizer, asked, seed=20_000 + found.seed)
    scores = found.reward.scores(asked, result.after)
    return {
        "kl": kl.to_dict(),
        "score": bootstrap(scores.double().numpy()).to_dict(),
        "win_rate": result.win_rate.to_dict(),
        "quality": quality(result.judged_after),
        "examples": [
            {"prompt": text, "sft": before, "policy": after}
            for text, before, after in list(zip(asked, result.before, result.after, strict=True))[:EXAMPLES]
        ],
    }


def record(settings: Settings, seeds: Sequence[int], folder: Path, scratch: Path) -> list[Path]:
    """Make every run that is missing, or that was made with other settings; returns the files of all runs."""
    files, topics = [], sorted(topics_of(load_taste(settings.taste)))
    for seed in seeds:
        made: list[World] = []  # nothing is trained for a seed whose runs are all there
        for name, train in jobs(settings).items():
            file = folder / f"{name}-seed{seed}.json"
            files.append(file)
            identity = {"settings": _plain(settings), "seed": seed, "sft": sft_version(), "topics": topics}
            if is_made(file, identity):
                continue
            made = made or [world(settings, seed, scratch)]
            torch.manual_seed(seed)
            began = time.perf_counter()
            policy, described = train(made[0])
            seconds = round(time.perf_counter() - began, 1)
            report = {
                "made_by": "python -m topfive.build.recorded",
                "method": name.partition("-")[0],
                **identity,
                "rankings_trained_on": len(made[0].rankings),
                "versions": {library: version(library) for library in LIBRARIES},
                "threads": torch.get_num_threads(),
                "cores": os.cpu_count(),
                "seconds": seconds,
                **described,
                **measure(settings, made[0], policy),
            }
            folder.mkdir(parents=True, exist_ok=True)
            write_atomic(file, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
            print(f"{file.name}: win rate {report['win_rate']['mean']:.2f}, KL {report['kl']['mean']:.1f}, {seconds} s")
    return files


def _plain(settings: Settings) -> dict[str, Any]:
    """Settings as they come back from JSON."""
    return dict(json.loads(json.dumps(asdict(settings))))


def sft_version() -> str:
    """The first digits of the SFT model's hash: with another one, everything is to be run again."""
    return hashlib.sha256((data.checkpoint("sft") / "model.safetensors").read_bytes()).hexdigest()[:12]


def is_made(file: Path, identity: Mapping[str, Any]) -> bool:
    """Whether a file holds a whole run of this identity."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and all(found.get(key) == value for key, value in identity.items())


def main(arguments: Sequence[str] | None = None) -> None:
    """Record what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m topfive.build.recorded", description="Record the long runs of 06.")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1])
    parser.add_argument("--out", type=Path, default=None, help="default: data/recorded/ppo")
    parser.add_argument("--clinic", choices=("toy", "model"), help="record the runs of the clinic instead")
    parser.add_argument("--scratch", type=Path, default=Path("runs/recorded"), help="rankings and reward models")
    for name in ("steps", "rankings", "prompts"):
        parser.add_argument(f"--{name}", type=int, default=getattr(Settings, name))
    given = parser.parse_args(arguments)
    if given.clinic:
        from topfive.build import clinic

        clinic.record(given.clinic, given.out or clinic_folder())
        return
    settings = replace(Settings(), steps=given.steps, rankings=given.rankings, prompts=given.prompts)
    record(settings, given.seeds, given.out or recorded_folder(), given.scratch)


if __name__ == "__main__":
    main()
