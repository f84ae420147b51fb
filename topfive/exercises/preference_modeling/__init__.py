"""The exercises of assignment 05, preference modeling, in order.

Scores on pads, and on places where a ranking has no list, are never zero here: a head says something about pads too,
and only the mask or the place 0 knows that it does not count.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.preference_modeling import (
    best_of_n,
    bradley_terry,
    calibration,
    ceiling,
    last_token,
    mean_of_tokens,
    order_loss,
    pairs_right,
    plackett_luce,
)

EXERCISES: tuple[Exercise, ...] = (
    mean_of_tokens.EXERCISE,
    last_token.EXERCISE,
    bradley_terry.EXERCISE,
    order_loss.EXERCISE,
    plackett_luce.EXERCISE,
    pairs_right.EXERCISE,
    ceiling.EXERCISE,
    calibration.EXERCISE,
    best_of_n.EXERCISE,
)
