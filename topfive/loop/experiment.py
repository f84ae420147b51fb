"""The whole loop in one call: SFT model → rankings → reward → PPO → blind evaluation.

A run that was interrupted goes on where it stopped, and one that has ended only says what came of it.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import plots
from topfive.crowd import SOURCE
from topfive.evaluate import changes_by_part, compare, heldout_prompts, kl_divergence, liked, quality
from topfive.judge import Judge, Taste, load_taste
from topfive.lists import Prompt
from topfive.loop import controls, stages
from topfive.loop.config import EVALUATION_PROMPTS, PPO, RunConfig
from topfive.loop.folder import RunFolder
from topfive.loop.report import write_report
from topfive.loop.topics import choose
from topfive.ppo.trainer import Metrics


def run(config: RunConfig, callbacks: stages.Callbacks = ()) -> dict[str, Any]:
    """Run the loop, or go on with it, and return the report that is also in `report.json`.

    Raises TopFiveError if `config` is not usable, if its folder is not writable or holds something else, or if what it
    learned from has changed since: other settings, or other content of the taste, the ledger or the checkpoints.
    """
    taste = load_taste(config.taste) if config.taste else Taste()
    given = stages.ledger_rankings(config.ledger) if config.ledger else None
    chosen = choose(config.topics, taste, given)
    folder = RunFolder(config, len(given) if given else config.rankings, given or ())
    finished = config.out / "report.json"
    if finished.exists():
        report = dict(json.loads(finished.read_text("utf-8")))
        if not config.controls or "controls" in report:
            return report
    with folder.stage("sft"):
        sft, tokenizer = stages.language_model(config)
    with folder.stage("rankings"):
        rankings = given or stages.simulated_rankings(config, sft, tokenizer, chosen.train, taste)
    with folder.stage("reward"):
        reward, reward_report = stages.personal_reward(
            config.out / "reward", sft, tokenizer, rankings, chosen.train, config.seed
        )
    with folder.stage("ppo"):
        args = replace(PPO, total_steps=config.ppo_steps, seed=config.seed, output_dir=config.out / "ppo")
        policy, history = stages.trained_policy(
            config.out / "policy", sft, reward, tokenizer, chosen.train, args, callbacks
        )
        plots.ppo_curves(history).savefig(config.out / "ppo.png", dpi=110)
    with folder.stage("evaluation"):
        test = heldout_prompts(chosen.held_out, EVALUATION_PROMPTS, seed=config.seed)
        result = compare(sft, policy, tokenizer, test, Judge(taste), seed=10_000 + config.seed)
        kl = _kl(policy, sft, tokenizer, test, config.seed)
    report = {
        "profile": "tiny",
        "seed": config.seed,
        "taste": taste.name,
        "rankings": len(rankings),
        "source": "ledger" if given else SOURCE,
        "topics": {"names": list(chosen.topics), "why": chosen.why},
        "seconds": folder.seconds(),
        "reward_model": reward_report,
        "ppo": {**_summary(history, args.batch_size), "kl": kl},
        "win_rate": result.win_rate.to_dict(),
        "win_rate_on": {part: result.win_rate_on(part).to_dict() for part in ("quality", "taste")},
        "quality": {"sft": quality(result.judged_before), "ppo": quality(result.judged_after)},
        "liked": {"sft": liked(result.judged_before), "ppo": liked(result.judged_after)},
        "change": {part: change.to_dict() for part, change in changes_by_part(result).items()},
        "shipped": result.ships,
    }
    if config.controls:
        with folder.stage("controls"):
            report["controls"] = controls.compared(
                config, sft, policy, tokenizer, reward, rankings, chosen.train, test, Judge(taste), kl
            )
        report["seconds"] = folder.seconds()
    write_report(config.out, report, result)
    return report


def _kl(
    policy: PreTrainedModel, sft: PreTrainedModel, tokenizer: Tokenizer, test: Sequence[Prompt], seed: int
) -> float:
    return kl_divergence(policy, sft, tokenizer, [prompt.text for prompt in test], seed=20_000 + seed).mean


def _summary(history: Sequence[Metrics], batch_size: int) -> dict[str, Any]:
    return {
        "steps": len(history),
        "episodes": len(history) * batch_size,
        "episodes_per_second": float(np.median([row["time/episodes_per_second"] for row in history])),
        "score_start": history[0]["objective/scores"],
        "score_end": float(np.mean([row["objective/scores"] for row in history[-3:]])),
        "kl_train": history[-1]["objective/kl"],
        "furthest": _furthest(history),
    }


def _furthest(history: Sequence[Metrics]) -> dict[str, float]:
    """The step at which the policy was furthest from SFT, how far that was, and the score there."""
    step = max(range(len(history)), key=lambda index: history[index]["objective/kl"])
    return {
        "step": step + 1,
        "kl": history[step]["objective/kl"],
        "score": history[step]["objective/scores"],
    }
