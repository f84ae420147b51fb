"""Annotation: agreement, aggregation, labeller quality, and scores from what people prefer."""
