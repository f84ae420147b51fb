"""The exercises of assignment 03, language modeling, in order.

Vocabularies are small and drawn at random: what is checked is the arithmetic, not a model.
"""

from topfive.exercises.exercise import Exercise
from topfive.exercises.language_modeling import (
    next_token_loss,
    packing,
    padding,
    padding_waste,
    perplexity,
    temperature,
    truncation,
)

EXERCISES: tuple[Exercise, ...] = (
    next_token_loss.EXERCISE,
    perplexity.EXERCISE,
    packing.EXERCISE,
    temperature.EXERCISE,
    truncation.EXERCISE,
    padding.EXERCISE,
    padding_waste.EXERCISE,
)
