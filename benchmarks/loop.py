"""The whole loop, many times over: tastes × seeds × numbers of rankings, each judged on its own held-out prompts.

    python -m benchmarks.loop --tastes shipped --rankings 40 --seeds 0 1 2 3
    python -m benchmarks.loop --tastes own --shuffled

Four minutes a run on two cores. One JSON line a run goes to --out as soon as it is done; the same command goes on from
there. The table of all lines goes to results.md.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.machine import describe
from benchmarks.report import table, write_section
from benchmarks.tastes import OWN, shipped
from topfive import data
from topfive.evaluate import compare, heldout_prompts, kl_divergence, liked, quality
from topfive.files import write_atomic
from topfive.judge import Judge, Taste
from topfive.lm.model import load
from topfive.loop import PPO, RunConfig, stages
from topfive.loop.config import EVALUATION_PROMPTS
from topfive.loop.controls import shuffled
from topfive.loop.topics import choose

TITLE = "The loop, by taste"
TASTES: dict[str, Callable[[], Iterable[Taste]]] = {"shipped": shipped, "own": lambda: OWN}


def one_run(taste: Taste, rankings: int, seed: int, mixed: bool, topics: tuple[str, ...] = ()) -> dict[str, Any]:
    """A run from rankings to evaluation, without a folder to go on from. mixed: the rankings' places are shuffled."""
    sft, tokenizer = load(data.checkpoint("sft"))
    chosen = choose(topics, taste, None)
    judge, began = Judge(taste), time.perf_counter()
    with TemporaryDirectory() as scratch:
        config = RunConfig(rankings=rankings, seed=seed, out=Path(scratch))
        given = stages.simulated_rankings(config, sft, tokenizer, chosen.train, taste)
        given = shuffled(given, seed) if mixed else given
        ready = time.perf_counter()
        reward, said = stages.personal_reward(config.out / "reward", sft, tokenizer, given, chosen.train, seed)
        args = replace(PPO, total_steps=config.ppo_steps, seed=seed)
        policy, history = stages.trained_policy(
            config.out / "policy", sft, reward, tokenizer, chosen.train, args, [lambda step: None]
        )
    trained = time.perf_counter()
    test = heldout_prompts(chosen.held_out, EVALUATION_PROMPTS, seed=seed)
    result = compare(sft, policy, tokenizer, test, judge, seed=10_000 + seed)
    asked = [prompt.text for prompt in test]
    return {
        "win_rate": result.win_rate.to_dict(),
        "on": {part: result.win_rate_on(part).mean for part in ("taste", "quality")},
        "kl": kl_divergence(policy, sft, tokenizer, asked, seed=20_000 + seed).mean,
        "liked": [liked(result.judged_before), liked(result.judged_after)],
        "quality": [quality(result.judged_before), quality(result.judged_after)],
        "nats": said["nats"],
        "accuracy": said["accuracy"],
        "steps": len(history),
        "seconds": {"clicks to model": trained - ready, "all": time.perf_counter() - began},
    }


def main() -> None:
    """Run what is not in --out yet, and write the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loop", description=__doc__)
    parser.add_argument("--tastes", choices=sorted(TASTES), default="shipped")
    parser.add_argument("--rankings", type=int, nargs="+", default=[40])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3])
    parser.add_argument("--shuffled", action="store_true", help="places of the rankings drawn anew")
    parser.add_argument(
        "--all-topics", action="store_true", help="all topics that a taste touches, not the best eleven"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/benchmark-loop.jsonl"))
    options = parser.parse_args()
    rows = [row for _, row in data.read_jsonl(options.out)] if options.out.exists() else []
    for seed in options.seeds:
        for rankings in options.rankings:
            for taste in TASTES[options.tastes]():
                about = {
                    "tastes": options.tastes,
                    "taste": taste.name,
                    "rankings": rankings,
                    "seed": seed,
                    "shuffled": options.shuffled,
                    "topics": "all" if options.all_topics else "best",
                }
                if any(about.items() <= row.items() for row in rows):
                    continue
                topics = ("all",) if options.all_topics else ()
                rows.append(about | one_run(taste, rankings, seed, options.shuffled, topics))
                options.out.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(options.out, "".join(json.dumps(row) + "\n" for row in rows))
                print(json.dumps(rows[-1]), flush=True)
    write_section(TITLE, f"{describe()}\n\n{summary(rows)}")


def summary(rows: Iterable[dict[str, Any]]) -> str:
    """A line a taste and kind of run: win rate by seed, their mean, the largest KL, the time from clicks to model."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        key = tuple(row[name] for name in ("tastes", "taste", "rankings", "topics", "shuffled"))
        groups.setdefault(key, []).append(row)
    lines = []
    for (kind, taste, rankings, topics, mixed), found in sorted(groups.items()):
        rates = [one["win_rate"]["mean"] for one in found]
        lines.append(
            [
                f"{taste} ({kind})",
                f"{rankings}{', shuffled' if mixed else ''}{', all topics' if topics == 'all' else ''}",
                " ".join(f"{rate:.2f}" for rate in rates),
                f"{mean(rates):.2f}",
                f"{max(one['kl'] for one in found):.1f}",
                f"{max(one['seconds']['clicks to model'] for one in found):.0f}",
            ]
        )
    return table(["taste", "rankings", "win rate by seed", "mean", "KL at most", "s"], lines)


if __name__ == "__main__":
    main()
