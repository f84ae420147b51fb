"""Seconds of each PPO step with `topfive.run`'s settings, as JSON: `python -m benchmarks.threads_side STEPS [all]`.

With `all`, training takes as many threads as there are cores, whoever uses them.
"""

import json
import sys
from dataclasses import replace

import topfive.run
from topfive import data, threads
from topfive.judge import load_taste, prompts_of
from topfive.lm.model import load
from topfive.ppo import PPOTrainer
from topfive.reward.model import from_language_model
from topfive.reward.words import WordReward

TASTE = "vegetarian"  # of the shipped word reward


def main(steps: int, all_cores: bool) -> None:
    """Train for so many steps and print how long each took."""
    if all_cores:
        threads.taken_by_others = lambda seconds=0.0: 0.0
    (policy, tokenizer), (reference, _) = load(data.checkpoint("sft")), load(data.checkpoint("sft"))
    reward, critic = WordReward.load(data.checkpoint("taste")), from_language_model(reference, seed=0)
    prompts = [prompt.text for prompt in prompts_of(load_taste(TASTE))[0]]
    settings = replace(topfive.run.PPO, total_steps=steps)
    history = PPOTrainer(policy, reference, reward, critic, settings, prompts, tokenizer).train()
    print(json.dumps([row["time/sampling"] + row["time/updates"] for row in history]))


if __name__ == "__main__":
    main(int(sys.argv[1]), "all" in sys.argv)
