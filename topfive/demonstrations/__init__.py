"""Written demonstrations, from the pile that comes in to a set that a model may learn from (assignment 02)."""
