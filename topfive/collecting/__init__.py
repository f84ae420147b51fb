"""Collecting preferences: what notebook 04 asks, what its clicks say, and what each way of asking is worth."""
