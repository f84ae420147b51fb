"""The exercises of assignment 02, writing demonstrations, in order.

Lists are short and made of few words, drawn anew for each seed; scores, seconds and links are numbers.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.writing_demonstrations import (
    fair_price,
    finished_set,
    groups,
    longest_run,
    minhash,
    redact,
    similarity,
    weighted_kappa,
)

EXERCISES: tuple[Exercise, ...] = (
    similarity.EXERCISE,
    minhash.EXERCISE,
    groups.EXERCISE,
    longest_run.EXERCISE,
    redact.EXERCISE,
    weighted_kappa.EXERCISE,
    fair_price.EXERCISE,
    finished_set.EXERCISE,
)
