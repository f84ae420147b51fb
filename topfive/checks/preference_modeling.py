"""The exercises of assignment 05, preference modeling."""

from topfive.checks.exercise import Exercise

EXERCISES: tuple[Exercise, ...] = ()
