"""A clinic: runs that are sick with one known fault each, and the instruments that show it, or do not.

A fault is planted in what PPO is made of: the functions that train, the settings, or the reward model. An instrument
is a curve of the run. It rings where the run ends outside of what healthy runs of other seeds do.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import Any, TypeAlias

import torch
from torch import Tensor
from transformers import PreTrainedModel

from topfive.errors import TopFiveError
from topfive.ppo import advantages as adv
from topfive.ppo import toy
from topfive.ppo.config import PPOConfig
from topfive.ppo.losses import policy_loss, value_loss
from topfive.ppo.rollout import RewardFunction, token_logprobs
from topfive.ppo.trainer import Metrics, PPOStep, PPOTrainer

Functions = dict[str, Any]  # by the name of the argument, as `PPOTrainer` takes them
Curves = dict[str, list[float]]  # one number a step
Reward: TypeAlias = PreTrainedModel | RewardFunction

BETA = 0.5
STEPS, BATCH = 50, 128  # of a run in the toy
HEALTHY = "healthy"
COOLER = 0.6  # how many times the temperature of scoring that of sampling is
OURS: Functions = {
    "logprobs_fn": token_logprobs,
    "token_rewards_fn": adv.token_rewards,
    "gae_fn": adv.gae,
    "whiten_fn": adv.whiten,
    "policy_loss_fn": policy_loss,
    "value_loss_fn": value_loss,
}


@dataclass(frozen=True)
class Instrument:
    """A curve that a run is judged by. margin: how far outside of healthy runs it has to end before it rings."""

    key: str
    label: str
    margin: float


INSTRUMENTS = (
    Instrument("objective/scores", "score", 0.2),
    Instrument("objective/kl", "KL (nats)", 0.5),
    Instrument("response/ended", "lists that end", 0.05),
    Instrument("value/explained_variance", "explained variance", 0.1),
    Instrument("policy/first_ratio_error", "|ρ − 1| at first", 0.01),
    Instrument("truth/total_variation", "total variation from π*", 0.05),
    Instrument("truth/win_rate", "win rate over reference", 0.05),
)


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Fault:
    """One fault, and how it is planted.

    what: in a few words. functions, settings, reward: what becomes of the functions that train (a dictionary as
    `OURS`), of the settings, and of the reward model; left out, nothing.
    """

    name: str
    what: str
    functions: Callable[[Functions], Functions] = _same
    settings: Callable[[PPOConfig], PPOConfig] = _same
    reward: Callable[[Reward], Reward] = _same


def _in(name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> Callable[[Functions], Functions]:
    """One of the functions is wrapped, the others stay."""
    return lambda functions: {**functions, name: wrap(functions[name])}


def negated(reward: Reward) -> Reward:
    """The reward model, or reward function, that likes best what this one likes least."""
    if isinstance(reward, PreTrainedModel):
        other = copy.deepcopy(reward)
        other.config.reward_std = -other.config.reward_std
        return other
    return lambda prompts, answers: -torch.as_tensor(reward(prompts, answers))


def _last_cut(mask: Tensor) -> Tensor:
    """The mask without the last real token of each answer: off by one."""
    return torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)


FAULTS = (
    Fault(
        "score's sign",
        "6.2 subtracts the score",
        functions=_in("token_rewards_fn", lambda right: lambda scores, *rest, **named: right(-scores, *rest, **named)),
    ),
    Fault(
        "mask off by one",
        "the mask of 6.5 ends one token early, so end tokens learn nothing",
        functions=_in(
            "policy_loss_fn",
            lambda right: lambda new, old, gains, mask, cliprange: right(new, old, gains, _last_cut(mask), cliprange),
        ),
    ),
    Fault(
        "other temperature",
        f"sampled at {COOLER:g} times the temperature of scoring",
        functions=_in("logprobs_fn", lambda right: lambda logits, *rest: right(COOLER * logits, *rest)),
        settings=lambda args: replace(args, temperature=COOLER * args.temperature),
    ),
    Fault("reward negated", "the reward model's head has the wrong sign", reward=negated),
    Fault("β = 0", "nothing holds the policy", settings=lambda args: replace(args, kl_coef=0.0, kl_loss_coef=0.0)),
    Fault(
        "ρ upside down",
        "6.5 uses π_old/π",
        functions=_in("policy_loss_fn", lambda right: lambda new, old, *rest: right(2 * old - new, old, *rest)),
    ),
    Fault(
        "credit forwards",
        "6.3 walks forwards in time",
        functions=_in(
            "gae_fn",
            lambda right: (
                lambda rewards, values, mask, gamma, lam: right(
                    rewards.flip(1), values.flip(1), mask.flip(1), gamma, lam
                ).flip(1)
            ),
        ),
    ),
)
NOTHING = Fault(HEALTHY, "no fault")


def fault(name: str) -> Fault:
    """The fault of this name. Raises TopFiveError, naming those there are."""
    known = {one.name: one for one in (NOTHING, *FAULTS)}
    if name not in known:
        raise TopFiveError(f"no fault is called {name!r}; those that are: {', '.join(known)}")
    return known[name]


# --- runs ---------------------------------------------------------------------------------------------------------


def toy_run(
    name: str = HEALTHY, functions: Mapping[str, Callable[..., Any]] | None = None, *, seed: int = 0, steps: int = STEPS
) -> Curves:
    """A run in the enumerable world with this fault in it: every instrument, step by step.

    functions: a student's own, by the trainer's names; those that are left out are the package's.
    """
    planted, reference = fault(name), toy.policy()
    judge = toy.reward(reference)
    start, rewards = toy.distribution(reference), toy.answer_scores(judge)
    best = toy.best_policy(start, rewards, BETA)
    given = toy.settings(beta=BETA, steps=steps, batch_size=BATCH, seed=seed)
    curves: Curves = {one.key: [] for one in INSTRUMENTS}

    def watch(step: PPOStep) -> None:
        now = toy.distribution(trainer.model)
        truth = {
            "truth/total_variation": toy.total_variation(now, best),
            "truth/win_rate": toy.win_rate(now, start, rewards),
        }
        for key, curve in curves.items():
            curve.append({**step.metrics, **truth}[key])

    trainer = PPOTrainer(
        copy.deepcopy(reference),
        reference,
        planted.reward(judge),
        copy.deepcopy(judge),
        planted.settings(given),
        [toy.PROMPT] * 8,
        toy.tokenizer(),
        callbacks=[watch],
        **planted.functions({**OURS, **(functions or {})}),
    )
    trainer.train()
    return curves


# --- what the instruments say ---------------------------------------------------------------------------------------


def level(curve: Sequence[float]) -> float:
    """Where a curve ends: its mean over the last fifth."""
    return mean(curve[-max(1, len(curve) // 5) :])


def ringing(curves: Mapping[str, Sequence[float]], healthy: Sequence[Mapping[str, Sequence[float]]]) -> list[str]:
    """Keys of the instruments that end outside of where healthy runs end, by more than their margin."""
    found = []
    for one in INSTRUMENTS:
        if one.key in curves:
            levels = [level(run[one.key]) for run in healthy]
            if not min(levels) - one.margin <= level(curves[one.key]) <= max(levels) + one.margin:
                found.append(one.key)
    return found


def complaints(history: Sequence[Metrics]) -> list[str]:
    """What is wrong with a run whatever its task, in words, from its log alone; empty if nothing was found."""
    found = []
    worst = max(range(len(history)), key=lambda step: history[step]["policy/first_ratio_error"])
    if (error := history[worst]["policy/first_ratio_error"]) > 0.01:
        found.append(
            f"ρ is {error:.2g} away from 1 in step {worst + 1}, before anything was learned from that batch: lists are "
            "sampled from one distribution and scored with another (temperature, top-k, top-p, dropout, positions)"
        )
    ended = [row["response/ended"] for row in history]
    if ended[-1] < 0.5 * ended[0]:
        first = next(step for step, share in enumerate(ended) if share < 0.5 * ended[0])
        found.append(f"from step {first + 1} on, fewer than half as many answers end as in the first one")
    if mean(row["value/explained_variance"] for row in history[len(history) // 2 :]) <= 0:
        found.append("the critic explains nothing of the returns: advantages are mostly noise")
    return found
