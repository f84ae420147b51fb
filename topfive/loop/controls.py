"""Two policies to hold a run against, trained like it and as far from the SFT model as it got.

*Crowd only* has heard no clicks: what it wins is what any student would have won. *Shuffled* has learned from the
student's own rankings with their places drawn anew: what it wins is luck, or damage.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.evaluate import compare, kl_divergence
from topfive.judge import Judge
from topfive.lists import Prompt, Ranking
from topfive.loop import stages
from topfive.loop.config import PPO, RunConfig
from topfive.reward.personal import PersonalReward

LEAST_NATS = 0.1  # a run that has not moved at all has no distance to match


def compared(
    config: RunConfig,
    sft: PreTrainedModel,
    policy: PreTrainedModel,
    tokenizer: Tokenizer,
    reward: PersonalReward,
    rankings: Sequence[Ranking],
    train: Sequence[Prompt],
    test: Sequence[Prompt],
    judge: Judge,
    kl: float,
) -> dict[str, Any]:
    """Train both controls at about `kl` nats and let the run's policy play against each on the test prompts."""
    found: dict[str, Any] = {}
    for name in ("crowd only", "shuffled"):
        folder = config.out / name.replace(" ", "-")
        if name == "crowd only":
            other = reward.without_taste()
            stages.centre_on_samples(other, sft, tokenizer, train, config.seed)
        else:
            mixed = shuffled(rankings, config.seed)
            other, _ = stages.personal_reward(folder / "reward", sft, tokenizer, mixed, train, config.seed)
        args = replace(
            PPO,
            total_steps=config.ppo_steps,
            seed=config.seed,
            kl_target=max(kl, LEAST_NATS),
            output_dir=folder / "ppo",
        )
        control, _ = stages.trained_policy(folder / "policy", sft, other, tokenizer, train, args)
        over_sft = compare(sft, control, tokenizer, test, judge, seed=10_000 + config.seed)
        beaten = compare(control, policy, tokenizer, test, judge, seed=30_000 + config.seed)
        asked = [prompt.text for prompt in test]
        found[name] = {
            "kl": kl_divergence(control, sft, tokenizer, asked, seed=20_000 + config.seed).mean,
            "win_rate": over_sft.win_rate.to_dict(),
            "win_rate_of_the_run": beaten.win_rate.to_dict(),
        }
    return found


def shuffled(rankings: Sequence[Ranking], seed: int) -> list[Ranking]:
    """The same lists, their places in an order that says nothing."""
    rng = np.random.default_rng(seed)
    return [replace(one, ranks=tuple(int(place) for place in rng.permutation(one.ranks))) for one in rankings]
