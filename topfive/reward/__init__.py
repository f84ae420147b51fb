"""Reward modelling: from rankings to a number for every list."""
