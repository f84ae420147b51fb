"""Exercise 5.5: the Plackett–Luce loss, with ties and missing lists."""

from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import losses


def _pl_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(ranks: list[list[int]]) -> tuple[Tensor, Tensor]:
        places = torch.tensor(ranks)
        return (torch.randn(places.shape, generator=generator) * 2).requires_grad_(), places

    far = torch.tensor([[200.0, -200.0, 100.0], [-150.0, 200.0, 0.0]]) + 9 * torch.rand(2, 3, generator=generator)

    many = (torch.rand(32, 5, generator=generator).argsort(dim=1) + 1).tolist()
    shuffled, fewer = "four lists in any order", "rankings of fewer lists"
    tied = "ties"
    return [
        Case(
            "three lists, best first",
            (torch.tensor([[2.0, -1.0, 0.5]], requires_grad=True), torch.tensor([[1, 2, 3]])),
            look_at="how many choices there are, and among how many lists each of them is made.",
        ),
        Case(
            shuffled,
            drawn([[3, 1, 4, 2], [2, 4, 1, 3], [4, 1, 2, 3]]),
            look_at="which lists each choice is made among.",
        ),
        Case(shuffled, drawn(many), look_at="which lists are there to choose from."),
        Case("two lists are Bradley–Terry", drawn([[1, 2], [2, 1]]), look_at="by what a ranking's sum is divided."),
        Case(
            "scores that are far apart",
            (far.requires_grad_(), torch.tensor([[2, 3, 1], [1, 3, 2]])),
            look_at="what exp(200) is in float32.",
        ),
        Case(tied, drawn([[1, 1, 2, 3]]), look_at="among which lists a member of a tie is chosen."),
        Case(tied, drawn([[2, 1, 2], [1, 2, 2]]), look_at="which choices there are, and how many."),
        Case(tied, drawn([[1, 1, 3, 4], [4, 1, 3, 1]]), look_at="places with a gap behind a tie: 1, 1, 3."),
        Case(
            fewer,
            drawn([[1, 2, 0, 0], [2, 1, 3, 4], [0, 3, 1, 2]]),
            look_at="what place 0 means, and where each ranking ends.",
        ),
        Case(
            fewer, drawn([[0, 2, 1], [0, 1, 2], [2, 0, 1]]), look_at="what place 0 means, and where each ranking ends."
        ),
        Case(
            "a ranking that ties everything",
            drawn([[1, 1, 1], [3, 1, 2], [2, 1, 3]]),
            look_at="what 0 choices are divided by; and the ranking still counts in the mean, with loss 0.",
        ),
    ]


def _pl(scores: Tensor, ranks: Tensor, *, wrong: str = "") -> Tensor:
    """The package's way, with one thing wrong."""
    surprise, choices, number = _surprises(scores, ranks, wrong)
    total = surprise.sum(dim=1)
    each = total / number.clamp(min=1)
    likely = ((-surprise).exp() * choices).sum(dim=1) / number.clamp(min=1)
    ways = {
        "sum of choices": total.mean(),
        "all choices alike": surprise.sum() / number.sum(),
        "nothing by nothing": (total / number).mean(),
        "ties left out": each[number > 0].mean(),
        "batch summed": each.sum(),
        "not averaged": each,
        "log of the mean": -likely.log().mean(),
        "sign": -each.mean(),
        "probabilities": likely.mean(),
        "by the width": (total / ranks.shape[1]).mean(),
        "by the lists": (total / (ranks > 0).sum(dim=1)).mean(),
        "by one list less": (total / ((ranks > 0).sum(dim=1) - 1).clamp(min=1)).mean(),
        "by one column less": (total / (ranks.shape[1] - 1)).mean(),
        "by the places": (
            total / torch.tensor([len(set(row) - {0}) - 1 for row in ranks.tolist()]).clamp(min=1)
        ).mean(),
    }
    return ways.get(wrong, each.mean())


def _surprises(scores: Tensor, ranks: Tensor, wrong: str) -> tuple[Tensor, Tensor, Tensor]:
    """The surprise of each choice, (batch, K), 0 where there is none; which are choices; how many in each ranking."""
    present = torch.ones_like(ranks, dtype=torch.bool) if wrong == "no absentees" else ranks > 0
    orders = {
        "upside down": torch.where(present, ranks.max() + 1 - ranks, 0),
        "ties are an order": torch.where(present, ranks * 100 + torch.arange(ranks.shape[1]), 0),
        "columns": torch.where(present, torch.arange(1, ranks.shape[1] + 1).expand_as(ranks), 0),
    }
    ranks = orders.get(wrong, ranks)
    if wrong == "read as an order":
        scores = scores.gather(1, (ranks - 1).clamp(min=0))
        ranks = torch.where(present, torch.arange(1, ranks.shape[1] + 1).expand_as(ranks), 0)
    behind = ranks * 100 + torch.arange(ranks.shape[1]) if wrong == "ties in a row" else ranks
    below = (ranks[:, None, :] > ranks[:, :, None]) & present[:, None, :]
    itself = torch.eye(ranks.shape[1], dtype=torch.bool)
    available = {
        "nobody leaves": present[:, None, :].expand_as(below),
        "tie-mates are gone": below | itself,
        "only those below": below,
        "absentees to choose from": (ranks[:, None, :] >= ranks[:, :, None]) | ~present[:, None, :],
    }.get(wrong, (behind[:, None, :] >= behind[:, :, None]) & present[:, None, :])
    if wrong == "exp":
        rest = (scores.exp()[:, None, :] * available).sum(dim=-1).log()
    elif wrong == "without the logarithm":
        rest = (scores[:, None, :] * available).sum(dim=-1)
    elif wrong == "times the mask":
        rest = (scores[:, None, :] * available).logsumexp(dim=-1)
    else:
        rest = scores[:, None, :].masked_fill(~available, -1e9).logsumexp(dim=-1)
    lowest = ranks.max() if wrong == "one last place" else ranks.max(dim=1, keepdim=True).values
    if wrong == "absentees chosen":
        present = torch.ones_like(present)
    choices = present if wrong == "the last choice" else present & (ranks < lowest)
    if wrong == "only the first choice":
        choices = choices & (ranks == 1)
    base = 2.0 if wrong == "base 2" else torch.e
    return ((rest - scores) / log(base)).where(choices, 0.0), choices, choices.sum(dim=1)


def _all_pairs(scores: Tensor, ranks: Tensor) -> Tensor:
    """The mean Bradley–Terry loss over the pairs of each ranking."""
    present = ranks > 0
    better = (ranks[:, :, None] < ranks[:, None, :]) & present[:, :, None] & present[:, None, :]
    surprise = -F.logsigmoid(scores[:, :, None] - scores[:, None, :]).where(better, 0.0)
    return (surprise.sum(dim=(1, 2)) / better.sum(dim=(1, 2)).clamp(min=1)).mean()


EXERCISE = Exercise(
    number="5.5",
    title="Ties, and lists that are missing",
    points=3,
    minutes=18,
    solution=losses.plackett_luce_loss,
    cases=_pl_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "nobody leaves",
            partial(_pl, wrong="nobody leaves"),
            "That is what comes out when every choice is made among all lists. A list that was chosen is gone: second "
            "place is decided among the rest. Look at: the sum below the line of the second choice.",
        ),
        Mistake(
            "places upside down",
            partial(_pl, wrong="upside down"),
            "That is what comes out when the highest number is taken for the best place. Place 1 is the best. Look at: "
            "the direction of your comparison of places.",
            "observed with ratings, where more is better",
        ),
        Mistake(
            "ties are an order",
            partial(_pl, wrong="ties are an order"),
            "That is what comes out when lists of a tie are put in the order of their columns. Nobody said that the "
            "left one was better. Look at: for each list, which others were still there when it was chosen.",
            "what sorting by place does to equal places",
            also=(partial(_pl, wrong="ties in a row"),),
        ),
        Mistake(
            "tie-mates are gone",
            partial(_pl, wrong="tie-mates are gone"),
            "That is what comes out when a member of a tie is chosen only against the lists below it, as if the others "
            "of its tie had left. Look at: > or ≥ where you compare places.",
        ),
        Mistake(
            "the last choice counts",
            partial(_pl, wrong="the last choice"),
            "That is what comes out when the lists on the last place count as chosen. They are what was left over, and "
            "nobody preferred them to anything. Look at: over how many choices you take the mean.",
        ),
        Mistake(
            "place 0 is a place",
            partial(_pl, wrong="no absentees"),
            "That is what comes out when place 0 takes part, even ahead of place 1. There is no list there, whatever "
            "its score says. Look at: which columns are in the sums.",
            also=(partial(_pl, wrong="absentees to choose from"), partial(_pl, wrong="absentees chosen")),
        ),
        Mistake(
            "0 instead of −∞",
            partial(_pl, wrong="times the mask"),
            "That is what comes out when scores are multiplied by the mask before `logsumexp`. What is gone then has "
            "score 0, and exp(0) = 1 stays in the sum. Look at: `masked_fill` with −∞.",
        ),
        Mistake(
            "one last place for all",
            partial(_pl, wrong="one last place"),
            "That is what comes out when the last place of the whole batch is taken for that of every ranking: in a "
            "shorter one, or behind a tie, the lists on its own last place then count as chosen. Look at: `dim` in the "
            "maximum of the places.",
        ),
        Mistake(
            "divides by something near the choices",
            partial(_pl, wrong="by one list less"),
            "That is what comes out when a ranking's sum is divided by its lists, its columns or its places, less 1. "
            "That is right without ties and without missing lists only: count the lists that were chosen. "
            "Look at: a tie on the last place.",
            also=(partial(_pl, wrong="by one column less"), partial(_pl, wrong="by the places")),
        ),
        Mistake(
            "sum over choices",
            partial(_pl, wrong="sum of choices"),
            "That is what comes out when the choices of a ranking are added and not averaged: a ranking of five lists "
            "would weigh four times as much as a pair. Look at: what each ranking is divided by.",
        ),
        Mistake(
            "all choices weigh the same",
            partial(_pl, wrong="all choices alike"),
            "That is what comes out when the choices of all rankings are averaged in one go. Each ranking is one act "
            "of one person, and weighs the same. Look at: the mean inside a ranking, before the mean over them.",
        ),
        Mistake(
            "nothing divided by nothing",
            partial(_pl, wrong="nothing by nothing"),
            "That is what comes out when a ranking that ties everything is divided by its number of choices, which is "
            "0. It teaches nothing, so its loss is 0. Look at: `clamp(min=1)` below the line.",
        ),
        Mistake(
            "only the winner",
            partial(_pl, wrong="only the first choice"),
            "That is what comes out when only the first place is looked at. The order of the others tells as much. "
            "Look at: how many choices a ranking of four lists consists of.",
        ),
        Mistake(
            "exp that overflows",
            partial(_pl, wrong="exp"),
            "That is what comes out when exp, a sum and a logarithm follow each other: exp(200) is ∞ in float32. Look "
            "at: logsumexp, which does the three at once and never gets there.",
        ),
        Mistake(
            "the columns are the order",
            partial(_pl, wrong="columns"),
            "That is what comes out when the lists are taken in the order of their columns, whatever the places say. "
            "Look at: where `ranks` enters.",
        ),
        Mistake(
            "places read as an order",
            partial(_pl, wrong="read as an order"),
            "That is what comes out when `ranks` is used as an index: [3, 1, 2] then says that the third list comes "
            "first. It says that the first list is third. Look at: gather or an index by `ranks`.",
        ),
        Mistake(
            "only against those below",
            partial(_pl, wrong="only those below"),
            "That is what comes out when the list that is chosen is not among those to choose from. It is still there "
            "at that moment, so its own exp belongs into the sum. Look at: > or ≥ where you compare places.",
        ),
        Mistake(
            "no minus",
            partial(_pl, wrong="sign"),
            "That is the log-likelihood, which is to be made large; a loss is made small. Look at: the sign.",
        ),
        Mistake(
            "no logarithm",
            partial(_pl, wrong="probabilities"),
            "That is what comes out when the probabilities of the choices are averaged without their logarithm. Look "
            "at: the formula.",
            also=(partial(_pl, wrong="log of the mean"), partial(_pl, wrong="without the logarithm")),
        ),
        Mistake(
            "base 2",
            partial(_pl, wrong="base 2"),
            "That is what comes out of a logarithm to base 2: bits. Ours are nats. Look at: the base of the logarithm.",
        ),
        Mistake(
            "divides by the lists",
            partial(_pl, wrong="by the lists"),
            "That is what comes out when a ranking's sum is divided by its number of lists, or of columns. Three lists "
            "make two choices. Look at: how many choices there are.",
            also=(partial(_pl, wrong="by the width"),),
        ),
        Mistake(
            "rankings that tie everything are left out",
            partial(_pl, wrong="ties left out"),
            "That is what comes out when a ranking that ties everything does not count in the mean over rankings. Its "
            "loss is 0, and it counts. Look at: over how many rankings you take the mean.",
        ),
        Mistake(
            "rankings are added up",
            partial(_pl, wrong="batch summed"),
            "That is what comes out when the rankings' losses are added and not averaged: a larger batch would take a "
            "larger step. Look at: your last line.",
        ),
        Mistake(
            "one number a ranking",
            partial(_pl, wrong="not averaged"),
            "That is what comes out when the rankings' losses are returned one by one. Look at: the mean over "
            "rankings, in your last line.",
        ),
        Mistake(
            "pairs instead of choices",
            _all_pairs,
            "That is what comes out when a ranking is taken apart into pairs and the Bradley–Terry losses are "
            "averaged. Many reward models are trained so, but it is another loss. Look at: Luce's choice among all "
            "that are left.",
            "Ouyang et al. 2022, eq. 1",
        ),
    ),
    hints=(
        "For a list on place r, those still there when it was chosen are the lists on place r or worse. Write that as "
        "a comparison of every list with every other: (batch, K, 1) with (batch, 1, K) gives (batch, K, K).",
        "The surprise of one choice is −log(exp(own) / Σ exp(available)) = logsumexp(available) − own. "
        "`masked_fill(~available, -torch.inf)` before `logsumexp(dim=-1)` leaves the others out.",
        "Counted are the choices of lists that are there (place above 0) and not on the ranking's last place. "
        "`torch.where(counted, surprise, 0.0)`, a sum for each ranking, divided by its number of choices but at least "
        "by 1, and then the mean over rankings.",
    ),
)
