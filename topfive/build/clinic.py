"""The runs of 06's clinic, sick and healthy, recorded: in the toy, and with the real model.

    python -m topfive.build.recorded --clinic toy      # in the enumerable world; needs no checkpoint
    python -m topfive.build.recorded --clinic model    # with the SFT model and the word reward, as in the notebook

Either goes on where it stopped. One small JSON file a run, in data/recorded/clinic.
"""

import copy
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from topfive import data
from topfive.build.recorded import LIBRARIES, is_made, sft_version
from topfive.evaluate import compare, heldout_prompts
from topfive.files import write_atomic
from topfive.identity import of_folder
from topfive.judge import Judge, load_taste, prompts_of
from topfive.lm.model import load
from topfive.loop import PPO, progress_bar
from topfive.ppo import PPOConfig, PPOTrainer, clinic
from topfive.reward.model import from_language_model
from topfive.reward.words import WordReward

TASTE = "vegetarian"
HEALTHY_SEEDS = (0, 1, 2, 3)
SICK_SEED = 0
KEYS = (
    "objective/scores",
    "objective/kl",
    "response/ended",
    "response/length",
    "value/explained_variance",
    "policy/first_ratio_error",
    "policy/clipfrac",
)


@dataclass(frozen=True)
class Size:
    """How long the runs are. prompts: held-out ones for the win rate at the end."""

    toy_steps: int = clinic.STEPS
    model_steps: int = 70
    prompts: int = 200


def settings(steps: int, seed: int) -> PPOConfig:
    """PPO with the real model as notebook 06 runs it."""
    return replace(PPO, total_steps=steps, num_ppo_epochs=2, seed=seed)


def jobs() -> list[tuple[str, int]]:
    """Fault and seed of every run: healthy ones first."""
    return [(clinic.HEALTHY, seed) for seed in HEALTHY_SEEDS] + [(one.name, SICK_SEED) for one in clinic.FAULTS]


def record(world: str, folder: Path, size: Size | None = None) -> list[Path]:
    """Make every run of "toy" or "model" that is missing, or was made with other settings; returns all files."""
    size = size or Size()
    identity, run = _toy(size) if world == "toy" else _model(size)
    files = []
    for number, (fault, seed) in enumerate(jobs()):
        file = folder / f"{world}-{number:02d}-seed{seed}.json"
        files.append(file)
        wanted = {"fault": fault, "seed": seed, **identity}
        if is_made(file, wanted):
            continue
        began = time.perf_counter()
        found = run(fault, seed)
        seconds = round(time.perf_counter() - began, 1)
        report = {
            "made_by": f"python -m topfive.build.recorded --clinic {world}",
            **wanted,
            "versions": {library: version(library) for library in LIBRARIES},
            "seconds": seconds,
            **found,
        }
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(file, json.dumps(report, ensure_ascii=False) + "\n")
        print(f"{file.name}: {fault}, {seconds} s", flush=True)
    return files


def _toy(size: Size) -> tuple[dict[str, Any], Callable[[str, int], dict[str, Any]]]:
    identity = {"steps": size.toy_steps, "batch_size": clinic.BATCH, "beta": clinic.BETA}
    return identity, lambda fault, seed: {"curves": _rounded(clinic.toy_run(fault, seed=seed, steps=size.toy_steps))}


def _model(size: Size) -> tuple[dict[str, Any], Callable[[str, int], dict[str, Any]]]:
    taste = load_taste(TASTE)
    sft, tokenizer = load(data.checkpoint("sft"))
    reward = WordReward.load(data.checkpoint("taste"))
    train, test = prompts_of(taste)
    asked = heldout_prompts(test, size.prompts, seed=1)
    told = asdict(settings(size.model_steps, 0))
    del told["seed"]
    identity = {
        "settings": told,
        "prompts": size.prompts,
        "sft": sft_version(),
        "reward": of_folder(data.checkpoint("taste")),
    }

    def run(name: str, seed: int) -> dict[str, Any]:
        planted, policy, bar = clinic.fault(name), copy.deepcopy(sft), progress_bar(name)
        trainer = PPOTrainer(
            policy,
            sft,
            planted.reward(reward),
            from_language_model(sft, seed=seed),
            planted.settings(settings(size.model_steps, seed)),
            [prompt.text for prompt in train],
            tokenizer,
            callbacks=[lambda step: bar(step.step, step.total_steps, {"kl": step.metrics["objective/kl"]})],
            **planted.functions(clinic.OURS),
        )
        history = trainer.train()
        result = compare(sft, policy, tokenizer, asked, Judge(taste), seed=60)
        return {
            "curves": _rounded({key: [row[key] for row in history] for key in KEYS}),
            "win_rate": result.win_rate.to_dict(),
            "example": {"prompt": asked[0].text, "sft": result.before[0], "policy": result.after[0]},
        }

    return identity, run


def _rounded(curves: Mapping[str, list[float]]) -> dict[str, list[float]]:
    return {key: [float(f"{value:.4g}") for value in curve] for key, curve in curves.items()}
