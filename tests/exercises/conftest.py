"""The mistakes are handed in as a student's answers here, and some are made of the course's own function."""

from contextlib import nullcontext

import pytest

from topfive.checks import verdict


@pytest.fixture(autouse=True)
def _mistakes_may_use_the_solution(monkeypatch: pytest.MonkeyPatch) -> None:
    """A check would recognise the solution in them; tests/checks/test_call.py shows that it does."""
    monkeypatch.setattr(verdict, "watching", lambda function: nullcontext([]))
