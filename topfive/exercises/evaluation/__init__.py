"""The exercises of assignment 07, evaluation, in order.

The cases have ties, prompts with several comparisons and with none, and a policy that has not moved, since real
evaluations have.
"""

from topfive.exercises.evaluation import (
    best_of_recorded,
    doubting_reward,
    gold_curves,
    power,
    same_prompt,
    win_rate,
)
from topfive.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    win_rate.EXERCISE,
    same_prompt.EXERCISE,
    power.EXERCISE,
    best_of_recorded.EXERCISE,
    gold_curves.EXERCISE,
    doubting_reward.EXERCISE,
)
