"""The toy course of tests/grading."""

from tests.grading.conftest import course  # noqa: F401  a fixture
