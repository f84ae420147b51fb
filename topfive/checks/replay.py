"""Two PPO updates replayed with a student's functions, and compared with what the package's own make of them.

Done in the enumerable world of `topfive.ppo.toy`, in a second: the policy starts away from the reference, so that the
KL penalty counts, and the second update finds ratios away from 1, so that the clips count. What is compared is all
that was trained: the probability of each possible answer, and the critic's value of each token in it.
"""

import functools
import inspect
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from topfive.checks.limit import within
from topfive.checks.quiet import quiet
from topfive.checks.tame import tamed
from topfive.checks.verdict import examine
from topfive.errors import TopFiveError
from topfive.exercises import exercise
from topfive.ppo import PPOConfig, PPOTrainer, toy
from topfive.ppo.rollout import response_values

ARGUMENTS = {
    "6.1": "logprobs_fn",
    "6.2": "token_rewards_fn",
    "6.3": "gae_fn",
    "6.4": "whiten_fn",
    "6.5": "policy_loss_fn",
    "6.6": "value_loss_fn",
}
SAME = 1e-4
BETA = 0.3
UPDATES = 2
LIMIT, TIMES = 20.0, 30.0  # seconds for a student's functions, and how many times as long as the package's own
# Nothing is normalised away: no limit on the gradient's length, and so large an ε that Adam keeps the gradient's size.
SETTINGS: dict[str, Any] = {
    "total_steps": 1,
    "batch_size": 64,
    "num_ppo_epochs": UPDATES,
    "num_mini_batches": 1,
    "learning_rate": 0.05,
    "adam_eps": 0.05,
    "max_grad_norm": 1e9,
    "vf_coef": 0.1,
    "gamma": 0.97,
    "whiten_rewards": True,
    "kl_coef": BETA,
    "temperature": 1.0,
    "response_length": toy.LENGTH,
    "missing_eos_score": toy.MISSING_END,
}


@dataclass(frozen=True)
class Replay:
    """How far a student's functions end from the package's, as a share of how far the updates moved; or an error.

    apart: the larger of two shares, that of the policy and that of the critic.
    """

    apart: float
    error: str = ""

    @property
    def agrees(self) -> bool:
        """Whether both end in the same place, to rounding."""
        return not self.error and self.apart <= SAME

    def __str__(self) -> str:
        if self.error:
            return f"replay: stopped by {self.error}"
        end = "the same, to rounding" if self.agrees else "not the same"
        return f"replay: {UPDATES} updates end {self.apart:.1e} of their own length away from the course's: {end}"


def replay(functions: Mapping[str, Any], seed: int = 0) -> Replay:
    """Two updates with these functions, by exercise number ("6.3"); an exercise that is left out is the package's.

    Raises TopFiveError for a number that no trainer takes.
    """
    if unknown := sorted(set(functions) - set(ARGUMENTS)):
        raise TopFiveError(f"no function of {', '.join(unknown)} trains; those that do are {', '.join(ARGUMENTS)}")
    return apart(ended(functions, seed), seed)


def ended(functions: Mapping[str, Any], seed: int) -> list[Tensor] | str:
    """Where two updates with these functions end, as `_everything` has it; or the error that stopped them, in words."""
    _, _, seconds = _solved(seed)
    try:
        with quiet(), within(max(LIMIT, TIMES * seconds)):
            return _trained({number: _own(number, one) for number, one in functions.items()}, seed)[1]
    except TopFiveError as error:
        return str(error)
    except Exception as error:  # whatever a student's function raises is an answer
        return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"


def apart(own: Sequence[Tensor] | str, seed: int) -> Replay:
    """How far this end is from the package's. Raises TopFiveError if it is none."""
    if isinstance(own, str):
        return Replay(float("inf"), own)
    start, right, _ = _solved(seed)
    if [value.shape for value in own] != [value.shape for value in right]:
        raise TopFiveError("what came back is no end of two updates")
    shares = [((b - c).norm() / (c - a).norm()).item() for a, b, c in zip(start, own, right, strict=True)]
    return Replay(max(float("inf") if math.isnan(share) else share for share in shares))


def grade_replay(functions: Mapping[str, Any], seeds: Sequence[int], points: float) -> float:
    """All points if the updates agree for every seed; says how far apart they are. The package's own earn nothing."""
    if taken := borrowed(functions):
        return said(taken, [], points)
    return said([], (replay(functions, seed) for seed in seeds), points)


def borrowed(functions: Mapping[str, Any]) -> list[str]:
    """Numbers of the exercises whose function is the course's own."""
    return [number for number, function in functions.items() if examine(exercise(number), function).borrowed]


def said(taken: Sequence[str], replays: Iterable[Replay], points: float) -> float:
    """All points if every replay agrees, and no function was taken from the course; prints what was found."""
    if taken:
        print(f"replay: not a function of your own, but the course's: {', '.join(taken)}")
        return 0.0
    for found in replays:
        print(found)
        if not found.agrees:
            return 0.0
    return points


def _own(number: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """A student's function as a trainer can take it; a wrong signature is said in words."""
    right = exercise(number).solution.__name__
    safe = tamed(function)

    @functools.wraps(function)
    def own(*args: Any, **kwargs: Any) -> Any:
        try:
            inspect.signature(function).bind(*args, **kwargs)
        except TypeError as error:
            named = "".join(f", {name}={value!r}" for name, value in kwargs.items())
            raise TopFiveError(
                f"{number}: the trainer calls {right}(…{named}), and yours does not take that: {error}"
            ) from error
        except ValueError:  # a function that cannot say what it takes
            pass
        return safe(*args, **kwargs)

    return own


@functools.lru_cache(maxsize=8)
def _solved(seed: int) -> tuple[list[Tensor], list[Tensor], float]:
    """What `_trained` gives with the package's own functions, and the seconds that it took."""
    began = time.monotonic()
    start, right = _trained({}, seed)
    return start, right, time.monotonic() - began


def _trained(functions: Mapping[str, Callable[..., Any]], seed: int) -> tuple[list[Tensor], list[Tensor]]:
    """Probabilities and values of all answers, before and after two updates with these functions."""
    reference = toy.policy(seed=seed)
    policy, judge = toy.policy(seed=seed + 1), toy.reward(reference, seed=seed + 2)
    critic = toy.reward(reference, seed=seed + 3)
    given: dict[str, Any] = {ARGUMENTS[number]: function for number, function in functions.items()}
    trainer = PPOTrainer(
        policy, reference, judge, critic, PPOConfig(seed=seed, **SETTINGS), [toy.PROMPT], toy.tokenizer(), **given
    )
    before = _everything(trainer)
    trainer.train()
    return before, _everything(trainer)


@torch.no_grad()
def _everything(trainer: PPOTrainer) -> list[Tensor]:
    values = response_values(trainer.value_model, toy.every_answer())
    return [toy.distribution(trainer.model).double(), values.double()]
