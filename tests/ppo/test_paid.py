"""A reward function may return what TRL's may; whatever else it returns is said in words."""

from decimal import Decimal

import numpy as np
import pytest
import torch

from topfive.errors import TopFiveError
from topfive.ppo.paid import as_scores, check_finite


@pytest.mark.parametrize(
    "returned",
    [
        [1, 2, 3],
        (1.0, 2.0, 3.0),
        [1, 2.0, Decimal(3)],
        [np.float32(1), np.int64(2), np.float64(3)],
        np.array([1, 2, 3]),
        np.array([1.0, 2.0, 3.0], dtype=np.float16),
        [torch.tensor(1.0), torch.tensor(2), 3],
        [torch.tensor([1.0]), np.array([2.0]), [3.0]],
        torch.tensor([1, 2, 3]),
        torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64),
        torch.tensor([1.0, 2.0, 3.0], dtype=torch.bfloat16, requires_grad=True),
        torch.tensor([[1.0], [2.0], [3.0]]),
        np.array([[1], [2], [3]]),
    ],
    ids=lambda returned: f"{type(returned).__name__} {returned}",
)
def test_scores_in_every_form(returned):
    scores = as_scores(returned, 3)
    assert torch.equal(scores, torch.tensor([1.0, 2.0, 3.0]))
    assert not scores.requires_grad


@pytest.mark.parametrize("returned", [[[1, 2], [3, 4]], np.array([[1, 2], [3, 4]]), torch.tensor([[1, 2], [3, 4]])])
def test_lines_in_every_form(returned):
    assert torch.equal(as_scores(returned, 2), torch.tensor([[1.0, 2.0], [3.0, 4.0]]))


def test_right_and_wrong_are_one_and_nought():
    assert as_scores([True, False], 2).tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        (None, r"returned nothing \(None\); is its `return` missing"),
        ([1.0, None, 2.0], r"returned None for answer 2 of 3; every answer needs a number, for instance 0\.0"),
        ((1.0, 2.0, None), "returned None for answer 3 of 3"),
        ([None] * 3, "returned None for answer 1 of 3"),
        ([1.0, 2.0], r"returned shape \(2,\) for 3 answers; it should return a score for each"),
        (torch.ones(1, 3), r"returned shape \(1, 3\) for 3 answers"),
        (torch.ones(3, 2, 2), r"returned shape \(3, 2, 2\) for 3 answers"),
        (torch.ones(3, 0), r"returned shape \(3, 0\) for 3 answers"),
        (1.5, r"returned shape \(\) for 3 answers"),
        (torch.tensor(1.5), r"returned shape \(\) for 3 answers"),
        ([], r"returned shape \(0,\) for 3 answers"),
        ([10**400, 1, 2], "returned a list that is not all numbers"),
        (["1", "2", "3"], "returned a list that is not all numbers"),
        ("123", "returned a str that is not all numbers"),
        ([1.0, "good", 2.0], "returned a list that is not all numbers"),
        ([[1.0], [2.0, 3.0], []], "returned a list that is not all numbers, in rows of one length"),
        ({"a": 1.0}, "returned a dict that is not all numbers"),
        ((score for score in [1.0, 2.0, 3.0]), "returned a generator that is not all numbers"),
        ([1j, 2j, 3j], "returned a list that is not all numbers"),
        (torch.tensor([1j, 2j, 3j]), "returned complex numbers"),
    ],
    ids=lambda case: str(case)[:30],
)
def test_anything_else_is_one_line_of_words(returned, said):
    with pytest.raises(TopFiveError, match=said) as caught:
        as_scores(returned, 3)
    assert "\n" not in str(caught.value)


def test_a_number_too_large_for_float32_is_infinite_and_no_score():
    with pytest.raises(TopFiveError, match=r"the reward of an answer is inf.* Prompt: 'p1'\. Answer: 'a\\n1'"):
        check_finite(as_scores([1.0, 1e300], 2), lambda row: (f"p{row}", f"a\n{row}"))


def test_lines_whose_sum_is_no_number_are_refused_and_finite_ones_are_not():
    check_finite(torch.tensor([[1.0, -1.0], [2.0, 3.0]]), lambda row: ("p", "a"))
    with pytest.raises(TopFiveError, match=r"is \[inf, -inf\], not a finite number"):
        check_finite(torch.tensor([[1.0, -1.0], [torch.inf, -torch.inf]]), lambda row: ("p", "a"))
