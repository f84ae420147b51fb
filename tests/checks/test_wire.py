import json
import random

import numpy as np
import pytest
import torch

from topfive.checks import verdict, wire
from topfive.checks.call import Outcome
from topfive.checks.compare import difference
from topfive.errors import TopFiveError
from topfive.exercises import Case, exercises
from topfive.exercises.exercise import ASSIGNMENTS

CASE = Case("a case", ())


def sent(outcome: Outcome) -> Outcome:
    """An outcome as it arrives."""
    return wire.from_json(json.loads(json.dumps(wire.to_json(outcome))), outcome.case)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "five",
        7,
        -0.5,
        2**80,
        [1, [2.5, "x"]],
        (1, ()),
        {"a": [1], 2: (3,)},
        torch.tensor([[1.0, float("nan")]]),
        torch.tensor(3),
        torch.tensor([True, False]),
        torch.zeros(0, 4),
        torch.arange(6.0).reshape(2, 3).T,
        torch.ones(3, dtype=torch.bfloat16),
        torch.ones(2, dtype=torch.float64).requires_grad_(),
        np.arange(4).reshape(2, 2),
        np.array(2.5),
        np.float32(0.1),
        np.int64(3),
        np.arange(4, dtype=">i4")[::-1],
    ],
    ids=repr,
)
def test_an_answer_arrives_equal_in_value_and_kind(value: object):
    found = sent(Outcome(CASE, value)).value
    assert type(found) is type(value)
    assert not difference(found, value, 0, 0)
    if isinstance(value, torch.Tensor | np.ndarray | np.generic):
        assert found.dtype == value.dtype
        assert found.shape == value.shape


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -float("inf")])
def test_numbers_that_json_has_not_arrive_too(value: float):
    text = json.dumps(wire.to_json(Outcome(CASE, value)), allow_nan=False)
    assert repr(wire.from_json(json.loads(text), CASE).value) == repr(value)


@pytest.mark.parametrize(
    "value", [object(), {1, 2}, 1j, torch.tensor(1j), np.array(["a"]), len], ids=lambda x: type(x).__name__
)
def test_what_is_no_answer_equals_nothing(value: object):
    found = sent(Outcome(CASE, value)).value
    assert isinstance(found, wire.Other)
    assert all(difference(found, right) for right in (1, "x", [1], torch.tensor(1), {"a": 1}))


def test_an_error_arrives_with_its_kind_and_is_equal_to_one_raised_here():
    found = sent(Outcome(CASE, error=ValueError("no " * 1000)))
    assert wire.kind_of(found.error) == wire.kind_of(ValueError()) == "builtins.ValueError"
    assert len(str(found.error)) == wire.LONGEST
    assert wire.kind_of(sent(found).error) == "builtins.ValueError"
    assert wire.kind_of(None) == ""


@pytest.mark.parametrize(
    "found",
    [
        None,
        7,
        [],
        {},
        {"value": 1},
        *(
            {"value": value, "error": None, "gradients": None, "graph": True, "changed": []}
            for value in (
                [1],
                {},
                {"list": 1},
                {"tensor": 1},
                {"unknown": []},
                {"list": [], "tuple": []},
                {"tensor": ["float32", [3], "AAAA"]},
                {"tensor": ["qint8", [1], "AA=="]},
                {"tensor": ["float32", [-1, 2], "AAAAAA=="]},
                {"tensor": ["float32", [2**62], ""]},
                {"tensor": ["float32", [1], "no base64!"]},
                {"array": ["O", [1], "AAAAAAAAAAA="]},
                {"array": ["<f8", [10**12], ""]},
                {"map": [[{"list": []}, 1]]},
                {"float": "one"},
            )
        ),
        {"value": 1, "error": ["one", "two", "three"], "gradients": None, "graph": True, "changed": []},
        {"value": 1, "error": None, "gradients": {"map": [["x", 1]]}, "graph": True, "changed": []},
        {"value": 1, "error": None, "gradients": 3, "graph": True, "changed": []},
    ],
    ids=repr,
)
def test_what_nobody_honest_sends_is_refused_in_words(found: object):
    with pytest.raises(TopFiveError, match="what came back is no answer"):
        wire.from_json(found, CASE)


def test_deep_nesting_is_refused():
    value: object = 1
    for _ in range(900):
        value = {"list": [value]}
    found = {"value": value, "error": None, "gradients": None, "graph": True, "changed": []}
    for _ in range(200):
        found = dict(found, value={"list": [found["value"]]})
    with pytest.raises(TopFiveError):
        wire.from_json(found, CASE)


@pytest.mark.parametrize("number", ASSIGNMENTS)
def test_a_verdict_on_answers_that_were_sent_is_the_same(number: str):
    """The solution and two of the mistakes of every exercise."""
    for one in exercises(number):
        mistakes = random.Random(one.number).sample(one.mistakes, min(2, len(one.mistakes)))
        for function in (one.solution, *(mistake.function for mistake in mistakes)):
            given = verdict.answers(one, function, (5,))
            arrived = verdict.Answers(tuple(map(sent, given.outcomes)), given.borrowed)
            here, there = (verdict.judged(one, found, (5,)) for found in (given, arrived))
            assert there.names == here.names, one.number
            assert there.points == here.points
