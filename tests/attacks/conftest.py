"""The toy course of `tests/grading`."""

from tests.grading.conftest import course

__all__ = ["course"]
