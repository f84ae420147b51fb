"""The exercises of assignment 03, language modeling."""

from topfive.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
