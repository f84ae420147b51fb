"""The exercises of assignment 03, language modeling, in order.

Vocabularies are small and drawn at random: what is checked is the arithmetic, not a model.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.language_modeling import (
    answers,
    generation,
    next_token_loss,
    packing,
    padding,
    perplexity,
    temperature,
    training,
    truncation,
)

EXERCISES: tuple[Exercise, ...] = (
    next_token_loss.EXERCISE,
    perplexity.EXERCISE,
    packing.EXERCISE,
    training.EXERCISE,
    temperature.EXERCISE,
    truncation.EXERCISE,
    generation.EXERCISE,
    padding.EXERCISE,
    answers.EXERCISE,
)
