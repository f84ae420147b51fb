"""The exercises of assignment 06, PPO, in order.

All tensors are (batch, time) over response tokens, mask 1 up to and including the end token. What stands on pads is
never zero here: a critic says something about pads as well, and only the mask knows that it does not count.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.ppo import (
    first_step,
    gae,
    kl_estimators,
    logprobs,
    policy_loss,
    token_rewards,
    value_loss,
    whitening,
    whole_step,
)

EXERCISES: tuple[Exercise, ...] = (
    logprobs.EXERCISE,
    token_rewards.EXERCISE,
    gae.EXERCISE,
    whitening.EXERCISE,
    policy_loss.EXERCISE,
    value_loss.EXERCISE,
    kl_estimators.EXERCISE,
    first_step.EXERCISE,
    whole_step.EXERCISE,
)
