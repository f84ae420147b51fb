"""Answers of every structure, and losses whose gradient counts."""

import pytest
import torch
import torch.nn.functional as F

from topfive.checks.compare import difference, number
from topfive.checks.notebook import report
from topfive.checks.verdict import examine
from topfive.exercises import Case, Exercise, Mistake
from topfive.lm.train import Batch

INF = float("inf")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"a": 1.0, "b": [1, 2]}, {"b": (1, 2), "a": torch.tensor(1.0)}),
        ([torch.ones(2), torch.zeros(3)], (torch.ones(2), torch.zeros(3))),
        ([torch.ones(2, requires_grad=True)] * 2, torch.ones(2, 2)),
        (torch.ones(2, 2), [torch.ones(2), torch.ones(2)]),
        ([[1, 2], [3]], [[1, 2], [3]]),
        (torch.tensor([1.0, -INF]), torch.tensor([1.0, -INF])),
        (torch.tensor([1, 0]), torch.tensor([True, False])),
        ("text", "text"),
        (None, None),
        ([], []),
    ],
)
def test_the_same(given, expected):
    assert not difference(given, expected)


@pytest.mark.parametrize(
    ("given", "expected", "words"),
    [
        ({"a": 1.0}, {"a": 1.0, "b": 2.0}, "the keys of yours are ['a']; they should be ['a', 'b']."),
        ({"a": 1.0}, {"a": 2.5}, "at 'a': yours is 1, which is too small."),
        (1.0, {"a": 2.5}, "a single number came back where a dictionary belongs."),
        ((torch.ones(2),), (torch.ones(2), torch.ones(2)), "yours has 1 part; it should have 2."),
        (
            (torch.ones(2), torch.zeros(2)),
            (torch.ones(2), torch.ones(2)),
            "in the second part: at [0] yours is 0, which is",
        ),
        (torch.tensor(1.0), (1.0, 2.0), "a tensor of shape () came back where a tuple of 2 belongs."),
        (torch.tensor([1.0, 2.0]), torch.tensor([1.0, -INF]), "at [1] yours is 2, where −∞ belongs; 1 of 2 values"),
        (torch.tensor([INF, 2.0]), torch.tensor([1.5, 2.0]), "at [0] yours is ∞, where a finite number belongs"),
        (torch.tensor([1.0]), torch.tensor(1.0), "the shape of yours is (1,); it should be (), a single number."),
        (torch.tensor([3.0]), torch.tensor([-0.0]), "at [0] yours is 3, where 0 belongs"),
        (1.0, Batch(torch.ones(2), torch.ones(2)), "a single number came back where a pair (tokens, mask) belongs."),
        ([[1], [2], [3], "a"], [[1], [2], [3], [4]], "in part 4: a value of type str came back where a list of 1"),
        (torch.tensor([4, 7]), torch.tensor([4, 5]), "at [1] yours is 7, which is not the right one; 1 of 2"),
        (-2.5, 2.5, "yours is −2.5, where a positive number belongs. Turn the sign round, and it is right."),
        ("tomato", "basil", "yours is 'tomato'."),
        (torch.tensor(1j), torch.tensor(1.0), "a complex tensor of shape () came back"),
    ],
)
def test_not_the_same(given, expected, words):
    assert difference(given, expected).words.startswith(words)


# --- a loss -------------------------------------------------------------------------------------------------------


def loss(scores, weights):
    return -(F.logsigmoid(scores) * weights.detach()).mean()


def cases(seed):
    generator = torch.Generator().manual_seed(seed)
    scores, weights = torch.randn(2, 5, generator=generator)
    return [Case("five scores", (scores.requires_grad_(), weights.requires_grad_()))]


LOSS = Exercise(
    number="9.1", title="A loss", points=1, minutes=5, solution=loss, cases=cases, hints=("a",), differentiable=True,
    mistakes=(Mistake("lets the weights learn", lambda s, w: -(F.logsigmoid(s) * w).mean(), "Weights are constants."),),
)  # fmt: skip


def test_a_loss_has_the_right_gradient():
    assert examine(LOSS, lambda s, w: (torch.log1p(torch.exp(-s)) * w.detach()).sum() / len(s)).passed


@pytest.mark.parametrize("ends", [lambda x: x.item(), lambda x: x.detach(), lambda x: x.detach().numpy()])
def test_a_loss_that_nothing_can_be_trained_on_is_not_right(ends):
    verdict = examine(LOSS, lambda s, w: ends(loss(s, w)))
    assert "no gradient flows back from it" in verdict.wrong[0][1].words
    assert verdict.points == 0


def test_a_gradient_that_should_not_flow_is_named():
    text = " ".join(" ".join(report(LOSS, lambda s, w: -(F.logsigmoid(s) * w).mean())).split())
    assert "The value is right, but not its gradient with respect to `weights`: at [0] yours is" in text
    assert "where 0 belongs" in text
    assert "Weights are constants." in text


def test_digits_that_tell_two_numbers_apart_are_all_written():
    assert number(1.04003, 1.0397207737) == "1.0400"
    assert number(2.0, 2.0001) == "2.0000"
    assert number(0.5, 0.7) == "0.5"


def test_nan_where_0_belongs_says_so_and_a_column_of_one_axis_is_named_in_words():
    words = difference(torch.tensor([1.0, torch.nan]), torch.tensor([1.0, 0.0])).words
    assert "where 0 belongs" in words
    words = difference(torch.ones(3, 1), torch.ones(3), axes=("list",)).words
    assert words.endswith("it should be (3,), one for each list.")
