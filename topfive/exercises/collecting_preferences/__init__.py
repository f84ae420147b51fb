"""The exercises of assignment 04, collecting preferences, in order.

The cases have ties, lists that nobody judged and labellers who rated one list, since real answers have.
"""

from topfive.exercises.collecting_preferences import (
    bits,
    elo,
    leaning,
    next_pair,
    order_pairs,
    plackett_luce_step,
    position,
    preference_loss,
    rating_pairs,
)
from topfive.exercises.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = (
    order_pairs.EXERCISE,
    rating_pairs.EXERCISE,
    bits.EXERCISE,
    position.EXERCISE,
    elo.EXERCISE,
    preference_loss.EXERCISE,
    plackett_luce_step.EXERCISE,
    leaning.EXERCISE,
    next_pair.EXERCISE,
)
