"""Seconds of each PPO step with the loop's settings, a line each: `python -m benchmarks.threads_side STEPS [all]`.

With `all`, training takes as many threads as there are cores, whoever uses them.
"""

import sys
from dataclasses import replace

import topfive.loop
from topfive import data, threads
from topfive.judge import load_taste, prompts_of
from topfive.lm.model import load
from topfive.ppo import PPOTrainer
from topfive.ppo.trainer import PPOStep
from topfive.reward.model import from_language_model
from topfive.reward.words import WordReward

TASTE = "vegetarian"  # of the shipped word reward


def main(steps: int, all_cores: bool) -> None:
    """Train for so many steps and print how long each took, as soon as it is done."""
    if all_cores:
        threads.taken_by_others = lambda seconds=0.0: 0.0
        threads.FreeCores.look = lambda self: None  # type: ignore[method-assign]
    (policy, tokenizer), (reference, _) = load(data.checkpoint("sft")), load(data.checkpoint("sft"))
    reward, critic = WordReward.load(data.checkpoint("taste")), from_language_model(reference, seed=0)
    prompts = [prompt.text for prompt in prompts_of(load_taste(TASTE))[0]]
    settings = replace(topfive.loop.PPO, total_steps=steps)

    def tell(step: PPOStep) -> None:
        print(step.metrics["time/sampling"] + step.metrics["time/updates"], flush=True)

    PPOTrainer(policy, reference, reward, critic, settings, prompts, tokenizer, callbacks=(tell,)).train()


if __name__ == "__main__":
    main(int(sys.argv[1]), "all" in sys.argv)
