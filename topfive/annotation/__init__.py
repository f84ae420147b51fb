"""Annotation: how far labellers agree, what they say together, whom to believe, and scores from what they prefer."""
