"""Exercise 4.6: ties, and a pull to the first."""

from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.annotation import scores as package
from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake


def _cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lists: int, number: int, spread: float = 1.0, lean: float = 1.0) -> tuple[Any, ...]:
        scores = (torch.randn(lists, generator=generator) * spread).requires_grad_()
        pairs = torch.stack([torch.randperm(lists, generator=generator)[:2] for _ in range(number)])
        outcome = torch.randint(0, 3, (number,), generator=generator)
        outcome[:3] = torch.tensor([0, 1, 2])
        tie = (torch.randn((), generator=generator) * 0.5 - 1).requires_grad_()
        leans = (torch.randn(number, generator=generator) * lean).requires_grad_()
        return scores, pairs[:, 0], pairs[:, 1], outcome, tie, leans

    index = torch.tensor([0]), torch.tensor([1])
    one = torch.tensor([1.0, 0.25]), *index, torch.tensor([0]), torch.tensor(-1.0), torch.tensor([0.5])
    tied = torch.tensor([2.0, 0.5]), *index, torch.tensor([2]), torch.tensor(-0.5), torch.tensor([0.0])
    far = drawn(4, 6, spread=150.0)
    return [
        Case("one comparison", _learning(one), look_at="the three numbers, before the softmax."),
        Case("one tie", _learning(tied), look_at="what a tie has in its exponent."),
        Case("nobody leans", drawn(5, 9, lean=0.0), look_at="the loss without `lean`."),
        *(Case("ties, and leaning", drawn(5, n), look_at="who gains what from `lean`.") for n in (8, 12)),
        Case("scores hundreds apart", far, look_at="exp of a large number; logsumexp or cross_entropy."),
    ]


def _learning(args: tuple[Any, ...]) -> tuple[Any, ...]:
    scores, first, second, outcome, tie, lean = args
    return scores.requires_grad_(), first, second, outcome, tie.requires_grad_(), lean.requires_grad_()


def _loss(
    scores: Tensor, first: Tensor, second: Tensor, outcome: Tensor, tie: Tensor, lean: Tensor, *, wrong: str = ""
) -> Tensor:
    ahead, behind = scores[first], scores[second]
    left, right = _sides(ahead, behind, lean, wrong)
    middle = {
        "tie without scores": tie + 0 * ahead,
        "tie with the sum": tie + ahead + behind,
        "tie leans": tie + (ahead + behind + lean) / 2,
        "nu itself": tie.exp() + (ahead + behind) / 2,
        "tie by the larger": tie + torch.maximum(ahead, behind),
        "tie by the smaller": tie + torch.minimum(ahead, behind),
        "tie is not used": (ahead + behind) / 2,
        "minus the tie": -tie + (ahead + behind) / 2,
    }.get(wrong, tie + (ahead + behind) / 2)
    logits = torch.stack([left, right, middle], dim=1)
    if wrong == "codes":
        outcome = torch.tensor([1, 0, 2])[outcome]
    if wrong == "tie is 0":
        outcome = torch.tensor([1, 2, 0])[outcome]
    each = F.cross_entropy(logits, outcome, reduction="none")
    told = outcome != 2
    if wrong == "no ties":
        return F.cross_entropy(logits[told, :2], outcome[told]) if told.any() else scores.sum() * 0
    if wrong == "half a win":
        halves = F.cross_entropy(logits[:, :2], torch.zeros_like(outcome), reduction="none") / 2
        halves = halves + F.cross_entropy(logits[:, :2], torch.ones_like(outcome), reduction="none") / 2
        wins = F.cross_entropy(logits[:, :2], outcome.clamp(max=1), reduction="none")
        return torch.where(told, wins, halves).mean()
    if wrong == "chances":
        return -logits.softmax(dim=1)[torch.arange(len(outcome)), outcome].mean()
    if wrong == "log of the mean":
        return -logits.softmax(dim=1)[torch.arange(len(outcome)), outcome].mean().log()
    if wrong == "exp":
        return -(logits.exp()[torch.arange(len(outcome)), outcome] / logits.exp().sum(dim=1)).log().mean()
    ways = {"sum": each.sum(), "sign": -each.mean(), "each": each, "bits": each.mean() / torch.tensor(2.0).log()}
    return ways.get(wrong, each.mean())


def _sides(ahead: Tensor, behind: Tensor, lean: Tensor, wrong: str) -> tuple[Tensor, Tensor]:
    ways = {
        "lean is not used": (ahead + 0 * lean, behind),
        "lean the other way": (ahead - lean / 2, behind + lean / 2),
        "all of the lean": (ahead + lean, behind),
        "twice the lean": (ahead + lean, behind - lean),
        "lean on both": (ahead + lean / 2, behind + lean / 2),
        "half of the lean once": (ahead + lean / 2, behind),
    }
    return ways.get(wrong, (ahead + lean / 2, behind - lean / 2))


def _rao_kupper(scores: Tensor, first: Tensor, second: Tensor, outcome: Tensor, tie: Tensor, lean: Tensor) -> Tensor:
    """Ties as a band around equal scores (Rao & Kupper 1967), with the width exp(tie)."""
    ahead = scores[first] - scores[second] + lean
    wide = tie.exp()
    wins, loses = torch.sigmoid(ahead - wide), torch.sigmoid(-ahead - wide)
    chances = torch.stack([wins, loses, 1 - wins - loses], dim=1)
    return -chances[torch.arange(len(outcome)), outcome].clamp(min=1e-30).log().mean()


EXERCISE = Exercise(
    number="4.6",
    title="Ties, and a pull to the first",
    points=4,
    minutes=15,
    solution=package.preference_loss,
    cases=_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "a tie does not know the scores",
            partial(_loss, wrong="tie without scores"),
            "That is what comes out when a tie has `tie` alone in its exponent. Then two good lists could tie less "
            "often than two bad ones. Look at: the mean of both scores.",
        ),
        Mistake(
            "a tie with the sum of the scores",
            partial(_loss, wrong="tie with the sum"),
            "That is what comes out when a tie has the sum of both scores in its exponent instead of half of it. Add 1 "
            "to all scores, and ties would become likelier. Look at: √ in Davidson's formula.",
        ),
        Mistake(
            "a tie leans as well",
            partial(_loss, wrong="tie leans"),
            "That is what comes out when half of the leaning is in a tie, too. Whoever leans takes a side. "
            "Look at: which of the three exponents hold `lean`.",
        ),
        Mistake(
            "tie taken for ν",
            partial(_loss, wrong="nu itself"),
            "That is what comes out when exp(tie) stands in the exponent. `tie` is already the logarithm of ν. "
            "Look at: the docstring.",
        ),
        Mistake(
            "the sign of tie",
            partial(_loss, wrong="minus the tie"),
            "That is what comes out when `tie` is subtracted: a larger ν then makes ties rarer. Look at: its sign.",
        ),
        Mistake(
            "tie is not used",
            partial(_loss, wrong="tie is not used"),
            "That is what comes out when ν is always 1. Look at: where `tie` enters.",
        ),
        Mistake(
            "a tie by one of the two scores",
            partial(_loss, wrong="tie by the larger"),
            "That is what comes out when the larger, or the smaller, of the two scores decides how likely a tie is. "
            "It is half of both. Look at: √ in Davidson's formula.",
            also=(partial(_loss, wrong="tie by the smaller"),),
        ),
        Mistake(
            "ties are left out",
            partial(_loss, wrong="no ties"),
            "That is what comes out when ties are dropped, and only two outcomes share the probability. "
            "Look at: the third exponent.",
        ),
        Mistake(
            "a tie is half a win for both",
            partial(_loss, wrong="half a win"),
            "That is what comes out when a tie is half a win for either list, as in Elo. Here it is an outcome of its "
            "own, with a probability of its own. Look at: what the three probabilities add up to.",
            "how many Elo-style leaderboards treat ties",
        ),
        Mistake(
            "a band around equal",
            _rao_kupper,
            "That is what comes out with Rao and Kupper's model: a tie within a band of scores. It is a good model, "
            "and another one. Look at: the formula with ν.",
            "Rao & Kupper 1967",
        ),
        Mistake(
            "lean is not used",
            partial(_loss, wrong="lean is not used"),
            "That is what comes out when nobody leans. Look at: where `lean` enters.",
        ),
        Mistake(
            "leans to the second",
            partial(_loss, wrong="lean the other way"),
            "That is what comes out when a positive leaning helps what is shown second. Look at: its sign.",
        ),
        Mistake(
            "the whole leaning on one side",
            partial(_loss, wrong="all of the lean"),
            "That is what comes out when the first list gains all of the leaning and the second loses nothing: it is "
            "right without ties, and then makes ties rarer. Look at: half and half.",
        ),
        Mistake(
            "the leaning twice",
            partial(_loss, wrong="twice the lean"),
            "That is what comes out when the first list gains all of the leaning and the second loses all of it, too. "
            "Look at: half and half.",
        ),
        Mistake(
            "half of the leaning",
            partial(_loss, wrong="half of the lean once"),
            "That is what comes out when the first list gains half of the leaning and the second loses nothing. "
            "Look at: both sides.",
        ),
        Mistake(
            "both lists gain",
            partial(_loss, wrong="lean on both"),
            "That is what comes out when both lists gain by the leaning, so that only ties lose. Look at: the two "
            "signs.",
        ),
        Mistake(
            "0 taken for the second",
            partial(_loss, wrong="codes"),
            "That is what comes out when outcome 0 means that the second was preferred. Look at: the docstring.",
        ),
        Mistake(
            "0 taken for a tie",
            partial(_loss, wrong="tie is 0"),
            "That is what comes out when outcome 0 is a tie. A tie is 2. Look at: the order of the three exponents.",
        ),
        Mistake(
            "chances instead of surprise",
            partial(_loss, wrong="chances"),
            "That is what comes out when the chances are averaged and not their logarithms. Look at: −log.",
        ),
        Mistake(
            "the log of the mean",
            partial(_loss, wrong="log of the mean"),
            "That is what comes out when the mean is taken first and the logarithm afterwards. Look at: the order of "
            "log and mean.",
        ),
        Mistake(
            "exp without care",
            partial(_loss, wrong="exp"),
            "That is what comes out when exp is taken of a large score: it is infinite in the computer. "
            "Look at: logsumexp, log_softmax or cross_entropy.",
        ),
        Mistake(
            "sum instead of mean",
            partial(_loss, wrong="sum"),
            "That is what comes out when the surprises are added up. Look at: the last step.",
        ),
        Mistake(
            "one number a comparison",
            partial(_loss, wrong="each"),
            "That is what comes out when there is one surprise a comparison. The loss is their mean. "
            "Look at: the shape of what you return.",
        ),
        Mistake(
            "the sign turned round",
            partial(_loss, wrong="sign"),
            "That is what comes out without the minus before the logarithm. Look at: the sign.",
        ),
        Mistake(
            "bits",
            partial(_loss, wrong="bits"),
            "That is what comes out with the logarithm to base 2. Look at: nats in the docstring.",
        ),
    ),
    hints=(
        "Three exponents for each comparison: the first's score and half of the leaning; the second's score less half "
        "of the leaning; `tie` and half of both scores. A softmax over the three gives the probabilities.",
        "`scores[first]` picks a score for each comparison. Stack the three into (n, 3); then the loss is what "
        "F.cross_entropy gives for them and the outcomes.",
    ),
)
