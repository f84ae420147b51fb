"""Exercise 5.4: one order, choice by choice."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import losses


def _order_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(number: int) -> tuple[Tensor]:
        return ((torch.randn(number, generator=generator) * 2).requires_grad_(),)

    def fixed(*scores: float) -> tuple[Tensor]:
        return (torch.tensor(scores, requires_grad=True),)

    high = float(torch.rand((), generator=generator) * 9 + 200)
    several = "more lists"
    return [
        Case("three lists", fixed(2.0, -1.0, 0.5), look_at="how many choices there are, and among which lists."),
        Case(several, drawn(4), look_at="which lists are still there at each choice."),
        Case(several, drawn(9), look_at="which lists are still there at each choice."),
        Case("two lists are Bradley–Terry", drawn(2), look_at="by what the sum is divided."),
        Case("scores that are far apart", fixed(-high, high, 0.0, high - 3.0), look_at="what exp(200) is in float32."),
    ]


def _choices(scores: Tensor) -> list[tuple[Tensor, Tensor]]:
    """The chosen list's score and those that were there, choice by choice."""
    return [(scores[place], scores[place:]) for place in range(len(scores) - 1)]


def _of(cost: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """The mean over choices of another cost of one."""
    return lambda scores: torch.stack([cost(own, there) for own, there in _choices(scores)]).mean()


def _costs(scores: Tensor) -> Tensor:
    return torch.stack([there.logsumexp(0) - own for own, there in _choices(scores)])


def _probabilities(scores: Tensor) -> Tensor:
    return torch.stack([there.softmax(0)[0] for _, there in _choices(scores)])


def _only_below(scores: Tensor) -> Tensor:
    return torch.stack([there[1:].logsumexp(0) - own for own, there in _choices(scores)]).mean()


def _pairs(scores: Tensor) -> Tensor:
    first, second = torch.triu_indices(len(scores), len(scores), offset=1)
    return -F.logsigmoid(scores[first] - scores[second]).mean()


EXERCISE = Exercise(
    number="5.4",
    title="One order, choice by choice",
    points=2,
    minutes=12,
    solution=losses.order_loss,
    cases=_order_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "nobody leaves",
            lambda scores: (scores.logsumexp(0) - scores)[:-1].mean(),
            "That is what comes out when every choice is made among all lists. A list that was chosen is gone: second "
            "place is decided among the rest. Look at: which scores are in the sum of the second choice.",
            also=(
                lambda scores: (scores.logsumexp(0) - scores).mean(),
                lambda scores: -scores.log_softmax(0).sum(),
            ),
        ),
        Mistake(
            "the worst first",
            lambda scores: _costs(scores.flip(0)).mean(),
            "That is what comes out when the order is read from its worst list to its best. The first score is that of "
            "the best list. Look at: which list is chosen first, and from which end you take the rest.",
            also=(
                lambda scores: (scores.logcumsumexp(0) - scores)[1:].mean(),
                lambda scores: (scores.logcumsumexp(0) - scores).mean(),
                lambda scores: (scores.logcumsumexp(0) - scores)[:-1].mean(),
            ),
        ),
        Mistake(
            "the last choice counts",
            lambda scores: _costs(scores).sum() / len(scores),
            "That is what comes out when the list that is left over counts as chosen: its cost is 0, and the mean is "
            "taken over one too many. Three lists make two choices. Look at: where your loop ends, or what you divide "
            "by.",
        ),
        Mistake(
            "one choice too few",
            lambda scores: _costs(scores)[:-1].sum() / max(1, len(scores) - 2),
            "That is what comes out when the last choice, between two lists, is left out. Look at: where your loop "
            "ends.",
            also=(lambda scores: _costs(scores)[1:].sum() / max(1, len(scores) - 2),),
        ),
        Mistake(
            "sum over choices",
            lambda scores: _costs(scores).sum(),
            "That is what comes out when the choices are added and not averaged, or when the probability of the whole "
            "order is taken: an order of five lists would weigh four times as much as a pair. Look at: your last line.",
        ),
        Mistake(
            "only the winner",
            lambda scores: scores.logsumexp(0) - scores[0],
            "That is what comes out when only the first choice is looked at. The order of the others tells as much. "
            "Look at: how many choices there are.",
            also=(
                lambda scores: (scores.logsumexp(0) - scores[0]) / (len(scores) - 1),
                lambda scores: (scores.logsumexp(0) - scores[0]) / len(scores),
            ),
        ),
        Mistake(
            "only against those below",
            _only_below,
            "That is what comes out when the list that is chosen is not among those to choose from. It is still there "
            "at that moment, so its own exp belongs into the sum. Look at: where your slice begins.",
        ),
        Mistake(
            "exp that overflows",
            lambda scores: -_of(lambda own, there: (own.exp() / there.exp().sum()).log())(scores),
            "That is what comes out when exp, a sum and a logarithm follow each other: exp(200) is ∞ in float32. Look "
            "at: logsumexp, which does the three at once and never gets there.",
            also=(
                lambda scores: -_probabilities(scores).log().mean(),
                _of(lambda own, there: there.exp().sum().log() - own),
                lambda scores: -_probabilities(scores).prod().log() / (len(scores) - 1),
            ),
        ),
        Mistake(
            "no minus",
            lambda scores: -_costs(scores).mean(),
            "That is the log-likelihood, which is to be made large; a loss is made small. Look at: the sign.",
            also=(lambda scores: -_costs(scores).sum(),),
        ),
        Mistake(
            "no logarithm",
            lambda scores: _probabilities(scores).mean(),
            "That is what comes out when the probabilities are averaged or multiplied without their logarithm. A "
            "choice costs −log of its probability. Look at: where the logarithm is taken.",
            also=(
                lambda scores: -_probabilities(scores).mean(),
                lambda scores: 1 - _probabilities(scores).mean(),
                lambda scores: _probabilities(scores).prod(),
                lambda scores: -_probabilities(scores).mean().log(),
                _of(lambda own, there: there.sum() - own),
            ),
        ),
        Mistake(
            "the mean of those that are there",
            _of(lambda own, there: there.mean() - own),
            "That is what comes out when the scores that are there are averaged, or the largest is taken, instead of "
            "adding their exp. Look at: the sum below the line, and its logarithm.",
            also=(
                _of(lambda own, there: there.max() - own),
                _of(lambda own, there: there.exp().mean().log() - own),
                _of(lambda own, there: there.logsumexp(0) - math.log(len(there)) - own),
            ),
        ),
        Mistake(
            "pairs instead of choices",
            _pairs,
            "That is what comes out when the order is taken apart into pairs and the Bradley–Terry losses are "
            "averaged. Many reward models are trained so, but it is another loss. Look at: Luce's choice among all "
            "that are there.",
        ),
        Mistake(
            "only neighbours",
            _of(lambda own, there: -F.logsigmoid(own - there[1])),
            "That is what comes out when each list is compared with the next one only. The first choice is made among "
            "all of them. Look at: what is in the sum of the first choice.",
        ),
        Mistake(
            "logarithm to base 2",
            lambda scores: _costs(scores).mean() / math.log(2),
            "That is what comes out when the logarithm is another one than the natural: bits, to base 2, or base 10. "
            "The loss is measured in nats. Look at: which logarithm you take.",
            also=(lambda scores: _costs(scores).mean() / math.log(10),),
        ),
        Mistake(
            "a cost for each choice",
            _costs,
            "That is what comes out when the choices are not brought together: one number a choice. Training wants a "
            "single one. Look at: the word *mean*.",
        ),
    ),
    hints=(
        "Begin with the first choice alone: the list on place 0, and all lists that are there. Then the same again "
        "without it. A loop over the choices is fine.",
        "At choice `i`, what is still there is `scores[i:]`. The chosen one costs −log of its share, which is the "
        "logarithm of a sum of exp, less its own score.",
        "`torch.logsumexp(scores[i:], dim=0) - scores[i]` for every i but the last, `torch.stack` of those, and their "
        "mean.",
    ),
)
