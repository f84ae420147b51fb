"""The exercises of assignment 05, preference modeling.

Scores on pads, and on places where a ranking has no list, are never zero here: a head says something about pads too,
and only the mask or the place 0 knows that it does not count.
"""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.checks.exercise import Case, Exercise, Mistake
from topfive.reward import heads, losses, measure


def _generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _right_padded(lengths: list[int], time: int) -> Tensor:
    return (torch.arange(time) < torch.tensor(lengths)[:, None]).long()


# --- 5.1 the mean over tokens -------------------------------------------------------------------------------------


def _mean_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(mask: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator, dtype=dtype).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 3.0, 2.0, 9.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    lengths = torch.randint(1, 13, (8,), generator=generator).tolist()
    mixed = "lists of different length"
    return [
        Case("three tokens and a pad", toy, look_at="which numbers are added, and by how many they are divided."),
        Case("all lists equally long", drawn(_right_padded([5, 5, 5], 5)), look_at="the dimension that you sum over."),
        Case(mixed, drawn(_right_padded([6, 2, 4], 6)), look_at="what the pads of the second list add."),
        Case(mixed, drawn(_right_padded(lengths, 12), torch.float64), look_at="a list of a single token."),
        Case("pads on the left", drawn(_right_padded([3, 5, 1], 5).flip(1)), look_at="how you find the real tokens."),
    ]


MEAN = Exercise(
    number="5.1",
    title="One score from many numbers",
    points=2,
    minutes=6,
    solution=heads.mean_of_tokens,
    cases=_mean_cases,
    axes=("list",),
    differentiable=True,
    mistakes=(
        Mistake(
            "pads count",
            lambda numbers, mask: numbers.mean(dim=1),
            "That is what comes out when pads are averaged as well: the score of a list then depends on how long its "
            "neighbours in the batch are. Look at: where the mask comes in.",
        ),
        Mistake(
            "divides by the width",
            lambda numbers, mask: (numbers * mask).mean(dim=1),
            "That is what comes out when the pads are set to 0 but still counted in the division. Look at: by what you "
            "divide, in a list with pads.",
        ),
        Mistake(
            "sum instead of mean",
            lambda numbers, mask: (numbers * mask).sum(dim=1),
            "That is what comes out when the numbers are added up and never divided. Each further token would then "
            "move the score, and long lists would have an advantage or a handicap. Look at: your last line.",
        ),
        Mistake(
            "one score for the whole batch",
            lambda numbers, mask: (numbers * mask).sum() / mask.sum(),
            "That is what comes out when the sums run over the whole batch. Every list needs its own score. Look at: "
            "the `dim` of each sum.",
        ),
        Mistake(
            "divides by all tokens of the batch",
            lambda numbers, mask: (numbers * mask).sum(dim=1) / mask.sum(),
            "That is what comes out when each list's sum is divided by the number of tokens in the whole batch. Look "
            "at: the `dim` of the sum below the line.",
        ),
        Mistake(
            "the last token alone",
            heads.last_token,
            "That is what comes out when only the last real token is read. It is the next exercise; here all real "
            "tokens count. Look at: the word *mean* in the docstring.",
        ),
        Mistake(
            "the largest number",
            lambda numbers, mask: numbers.masked_fill(mask == 0, -torch.inf).amax(dim=1),
            "That is what comes out when the largest number of a list is its score. Look at: the word *mean* in the "
            "docstring.",
        ),
    ),
    hints=(
        "Two sums do it, one above and one below the line. Both run over the tokens of a list, never over lists.",
        "`numbers * mask` is 0 on pads, so they add nothing. And how many real tokens does a list have? The mask "
        "knows.",
    ),
)


# --- 5.2 the last token -------------------------------------------------------------------------------------------


def _last_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(mask: Tensor, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        return torch.randn(mask.shape, generator=generator, dtype=dtype).requires_grad_(), mask

    toy = (torch.tensor([[1.0, 3.0, 2.0, 9.0]], requires_grad=True), torch.tensor([[1, 1, 1, 0]]))
    lengths = torch.randint(1, 13, (32,), generator=generator).tolist()
    left = "pads on the left"
    return [
        Case(
            "three tokens and a pad",
            toy,
            look_at="at which place the last real token stands, and how one number is picked from each row.",
        ),
        Case("no pads at all", drawn(_right_padded([5, 5, 5], 5)), look_at="the last column."),
        Case("lists of different length", drawn(_right_padded([6, 2, 4], 6)), look_at="the place in each row."),
        Case("lists of different length", drawn(_right_padded(lengths, 12), torch.float64), look_at="a single token."),
        Case(left, drawn(_right_padded([3, 5, 1], 5).flip(1)), look_at="whether counting tokens gives the place."),
    ]


def _numbers_at(numbers: Tensor, places: Tensor) -> Tensor:
    return numbers[torch.arange(len(numbers)), places]


LAST = Exercise(
    number="5.2",
    title="The last real token",
    points=2,
    minutes=8,
    solution=heads.last_token,
    cases=_last_cases,
    axes=("list",),
    differentiable=True,
    mistakes=(
        Mistake(
            "the last column",
            lambda numbers, mask: numbers[:, -1],
            "That is what comes out when the last column is read. In a short list that is a pad. Look at: the list "
            "with a pad.",
            "with right padding the classic error: transformers looks for the last token that is not a pad",
        ),
        Mistake(
            "the last column, times the mask",
            lambda numbers, mask: (numbers * mask)[:, -1],
            "That is what comes out when the pads are set to 0 and the last column is read all the same: short lists "
            "score 0. Look at: the place, not the value, of the last real token.",
        ),
        Mistake(
            "counts the tokens",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1) - 1),
            "That is what comes out when the place is the number of tokens less 1. With pads on the left, the tokens "
            "begin later. Look at: what else than the count could tell you the place.",
            "observed wherever a generator's left-padded batch meets a scorer written for the right",
        ),
        Mistake(
            "one place too far",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1)),
            "That is what comes out when the place is the number of tokens. Python counts from 0, so it points behind "
            "the end. Look at: a list of one token; at which place is it?",
        ),
        Mistake(
            "one place too early",
            lambda numbers, mask: _numbers_at(numbers, mask.sum(dim=1) - 2),
            "That is what comes out when the last token is left out. The end token is a real token, and by then the "
            "model has read everything. Look at: the mask of the last real token.",
        ),
        Mistake(
            "the first real token",
            lambda numbers, mask: _numbers_at(numbers, mask.argmax(dim=1)),
            "That is what comes out when the first real token is read: `argmax` gives the first place where the mask "
            "is largest. At the first token the model has read nothing yet. Look at: how to find the last such place.",
        ),
        Mistake(
            "the mean",
            heads.mean_of_tokens,
            "That is what comes out when all real tokens are averaged, as in 5.1. Here a single one speaks. Look at: "
            "the picture above the exercise.",
        ),
    ),
    hints=(
        "First find, for each list, the place of its last real token; then pick the number at that place.",
        "`torch.arange(time) * mask` keeps the places of real tokens and sets those of pads to 0. What is the largest?",
        "`numbers[torch.arange(len(numbers)), places]` picks one number from each row; `places` is (batch,), integers.",
    ),
)


# --- 5.3 Bradley–Terry --------------------------------------------------------------------------------------------


def _bt_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(size: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        chosen, rejected = torch.randn(2, size, generator=generator, dtype=dtype) * 2
        return chosen.requires_grad_(), rejected.requires_grad_()

    def fixed(chosen: list[float], rejected: list[float]) -> tuple[Tensor, Tensor]:
        return torch.tensor(chosen, requires_grad=True), torch.tensor(rejected, requires_grad=True)

    far = float(torch.rand((), generator=generator) * 100 + 200)
    many = "a batch"
    return [
        Case("one pair", fixed([2.0], [1.0]), look_at="the order of the difference, the sign, and the mean."),
        Case(many, drawn(5), look_at="what is done to the losses of the pairs at the end."),
        Case(many, drawn(64, torch.float64), look_at="what is done to the losses of the pairs at the end."),
        Case(
            "a model that is certain, and wrong",
            fixed([-far, 1.0, far], [far, 0.0, -far]),
            look_at="what the sigmoid of −200 is in float32, and what its logarithm is.",
        ),
    ]


BRADLEY_TERRY = Exercise(
    number="5.3",
    title="The Bradley–Terry loss",
    points=3,
    minutes=10,
    solution=losses.bradley_terry_loss,
    cases=_bt_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "chosen and rejected change places",
            lambda chosen, rejected: -F.logsigmoid(rejected - chosen).mean(),
            "That is what comes out when the rejected list's score comes first: the model would learn to like what "
            "people did not. Look at: the order of the difference.",
        ),
        Mistake(
            "no minus in front",
            lambda chosen, rejected: F.logsigmoid(chosen - rejected).mean(),
            "That is what comes out without the minus. A log-likelihood is to be made large, a loss small. Look at: "
            "the sign of your result; a loss of a probability is never negative.",
        ),
        Mistake(
            "no logarithm",
            lambda chosen, rejected: -torch.sigmoid(chosen - rejected).mean(),
            "That is what comes out when probabilities are averaged without their logarithm. The product of "
            "probabilities is the likelihood of all pairs, so their logs are what is summed. Look at: the formula.",
        ),
        Mistake(
            "share of wrong predictions",
            lambda chosen, rejected: torch.sigmoid(rejected - chosen).mean(),
            "That is what comes out when the probability of the wrong order is averaged. It hardly changes where the "
            "model is most wrong, so it hardly teaches there. Look at: the logarithm in the formula.",
        ),
        Mistake(
            "logarithm of a sigmoid that is 0",
            lambda chosen, rejected: -torch.log(torch.sigmoid(chosen - rejected)).mean(),
            "That is what comes out when the sigmoid is rounded to 0 before its logarithm is taken. Look at: "
            "torch.nn.functional has the two in one function, which never rounds in between.",
            "the reason for PyTorch's logsigmoid and binary_cross_entropy_with_logits",
        ),
        Mistake(
            "sum over the batch",
            lambda chosen, rejected: -F.logsigmoid(chosen - rejected).sum(),
            "That is what comes out when the pairs' losses are added. The learning rate would then mean something else "
            "for every batch size. Look at: your last step.",
        ),
        Mistake(
            "each score through a sigmoid of its own",
            lambda chosen, rejected: (F.logsigmoid(rejected) - F.logsigmoid(chosen)).mean(),
            "That is what comes out when the two scores each pass through a sigmoid before they are compared. Only "
            "their difference has a meaning: adding 5 to both must change nothing. Look at: what is inside the "
            "sigmoid.",
        ),
        Mistake(
            "hinge",
            lambda chosen, rejected: F.relu(1 - (chosen - rejected)).mean(),
            "That is what comes out of a hinge loss, max(0, 1 − difference). It ranks, but gives no probability. Look "
            "at: the formula.",
            "the loss of ranking support vector machines (Joachims 2002)",
        ),
    ),
    hints=(
        "One line is enough: a difference, a function of it, a mean, a minus.",
        "−log σ(x) for x = −300 is 300, but σ(−300) is 0 in the computer. `F.logsigmoid` (F is torch.nn.functional) "
        "gives log σ(x) without that detour.",
    ),
)


# --- 5.4 Plackett–Luce --------------------------------------------------------------------------------------------


def _pl_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(ranks: list[list[int]], dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        places = torch.tensor(ranks)
        return (torch.randn(places.shape, generator=generator, dtype=dtype) * 2).requires_grad_(), places

    many = (torch.rand(32, 5, generator=generator).argsort(dim=1) + 1).tolist()
    shuffled, fewer = "four lists in any order", "rankings of fewer lists"
    tied = "ties"
    return [
        Case(
            "three lists, best first",
            (torch.tensor([[2.0, 1.0, 0.5]], requires_grad=True), torch.tensor([[1, 2, 3]])),
            look_at="how many choices there are, and among how many lists each of them is made.",
        ),
        Case(shuffled, drawn([[3, 1, 4, 2], [2, 4, 1, 3]]), look_at="whether the lists chosen before are gone."),
        Case(shuffled, drawn(many, torch.float64), look_at="whether the lists chosen before are gone."),
        Case("two lists are Bradley–Terry", drawn([[1, 2], [2, 1]]), look_at="by what a ranking's sum is divided."),
        Case(tied, drawn([[1, 1, 2, 3]]), look_at="among which lists a member of a tie is chosen."),
        Case(tied, drawn([[2, 1, 2], [1, 2, 2]]), look_at="whether the lists on the last place were ever chosen."),
        Case(fewer, drawn([[2, 1, 3, 4], [1, 2, 0, 0], [0, 3, 1, 2]]), look_at="what place 0 means."),
        Case(
            "a ranking that ties everything",
            drawn([[1, 1, 1], [3, 1, 2]]),
            look_at="what 0 choices are divided by; and the ranking still counts in the mean, with loss 0.",
        ),
    ]


def _pl(scores: Tensor, ranks: Tensor, *, wrong: str = "") -> Tensor:
    """The package's way, with one thing wrong."""
    present = torch.ones_like(ranks, dtype=torch.bool) if wrong == "no absentees" else ranks > 0
    if wrong == "upside down":
        ranks = torch.where(present, ranks.max() + 1 - ranks, 0)
    if wrong == "ties are an order":
        ranks = torch.where(present, ranks * 100 + torch.arange(ranks.shape[1]), 0)
    available = (ranks[:, None, :] >= ranks[:, :, None]) & present[:, None, :]
    if wrong == "nobody leaves":
        available = present[:, None, :].expand_as(available)
    if wrong == "tie-mates are gone":
        below = (ranks[:, None, :] > ranks[:, :, None]) & present[:, None, :]
        available = below | torch.eye(ranks.shape[1], dtype=torch.bool)
    rest = scores[:, None, :].masked_fill(~available, -1e9).logsumexp(dim=-1)
    lowest = ranks.max(dim=1, keepdim=True).values
    choices = present if wrong == "the last choice" else present & (ranks < lowest)
    if wrong == "only the first choice":
        choices = choices & (ranks == 1)
    surprise = (rest - scores).where(choices, 0.0)
    number = choices.sum(dim=1)
    if wrong == "sum of choices":
        return surprise.sum(dim=1).mean()
    if wrong == "all choices alike":
        return surprise.sum() / number.sum()
    if wrong == "nothing by nothing":
        return (surprise.sum(dim=1) / number).mean()
    return (surprise.sum(dim=1) / number.clamp(min=1)).mean()


def _all_pairs(scores: Tensor, ranks: Tensor) -> Tensor:
    """The mean Bradley–Terry loss over the pairs of each ranking."""
    present = ranks > 0
    better = (ranks[:, :, None] < ranks[:, None, :]) & present[:, :, None] & present[:, None, :]
    surprise = -F.logsigmoid(scores[:, :, None] - scores[:, None, :]).where(better, 0.0)
    return (surprise.sum(dim=(1, 2)) / better.sum(dim=(1, 2)).clamp(min=1)).mean()


PLACKETT_LUCE = Exercise(
    number="5.4",
    title="The Plackett–Luce loss",
    points=4,
    minutes=15,
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


# --- 5.5 pairs in the right order ---------------------------------------------------------------------------------


def _pairs_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(ranks: list[list[int]], dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        places = torch.tensor(ranks)
        return torch.randn(places.shape, generator=generator, dtype=dtype), places

    many = (torch.rand(32, 4, generator=generator).argsort(dim=1) + 1).tolist()
    few = torch.randint(3, (8, 4), generator=generator).float()
    toy = (torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[1, 2, 3]]))
    four = "four lists"
    return [
        Case("three lists, one pair the wrong way round", toy, look_at="the three pairs, one after the other."),
        Case(four, drawn([[3, 1, 4, 2], [2, 4, 1, 3]]), look_at="how many pairs four lists make."),
        Case(four, drawn(many, torch.float64), look_at="how many pairs four lists make."),
        Case("ties of the labeller", drawn([[1, 1, 2, 3], [1, 2, 2, 2], [1, 1, 1, 1]]), look_at="which pairs count."),
        Case("ties of the scores", (few, torch.tensor(many[:8])), look_at="what a coin would get for such a pair."),
        Case("rankings of fewer lists", drawn([[2, 1, 0, 0], [0, 3, 1, 2]]), look_at="what place 0 means."),
    ]


def _pairs(scores: Tensor, ranks: Tensor, *, wrong: str = "") -> tuple[Tensor, Tensor]:
    """The package's way, with one thing wrong."""
    present = torch.ones_like(ranks, dtype=torch.bool) if wrong == "absentees" else ranks > 0
    mine, other = ranks[:, :, None], ranks[:, None, :]
    better = {
        "upside down": mine > other,
        "ties count": (mine <= other) & ~torch.eye(ranks.shape[1], dtype=torch.bool),
        "neighbours": other == mine + 1,
        "winner": (mine < other) & (mine == 1),
        "twice": mine != other,
    }.get(wrong, mine < other)
    better = better & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    if wrong == "twice":
        difference = difference * (other - mine)
    half = {"tie wrong": 0.0, "tie right": 1.0}.get(wrong, 0.5)
    right = (difference > 0).to(scores.dtype) + half * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)


PAIRS_RIGHT = Exercise(
    number="5.5",
    title="Pairs in the right order",
    points=3,
    minutes=10,
    solution=measure.pairs_right,
    cases=_pairs_cases,
    axes=("ranking",),
    mistakes=(
        Mistake(
            "ties of the labeller count",
            partial(_pairs, wrong="ties count"),
            "That is what comes out when lists on the same place are compared as well. The labeller did not say which "
            "is better, so nobody can be right about them. Look at: < or ≤ between places.",
        ),
        Mistake(
            "each pair twice",
            partial(_pairs, wrong="twice"),
            "That is what comes out when each pair is counted from both sides. The share stays the same, but not the "
            "counts. Look at: how many pairs three lists make.",
        ),
        Mistake(
            "equal scores are wrong",
            partial(_pairs, wrong="tie wrong"),
            "That is what comes out when equal scores count as wrong. A model that gives everything the same score "
            "would then be worse than a coin. Look at: pairs whose scores are equal.",
        ),
        Mistake(
            "equal scores are right",
            partial(_pairs, wrong="tie right"),
            "That is what comes out when equal scores count as right. A model that gives everything the same score "
            "would then be perfect. Look at: > or ≥ between scores.",
            "observed with models whose scores saturate",
        ),
        Mistake(
            "places upside down",
            partial(_pairs, wrong="upside down"),
            "That is what comes out when the highest number is taken for the best place. Look at: place 1 is the best, "
            "so the better list has the smaller place and should have the larger score.",
        ),
        Mistake(
            "only neighbours",
            partial(_pairs, wrong="neighbours"),
            "That is what comes out when each list is compared only with the one on the next place. First before third "
            "is a pair, too. Look at: how many pairs four lists make.",
        ),
        Mistake(
            "only the winner",
            partial(_pairs, wrong="winner"),
            "That is what comes out when only pairs with the winner are counted. Look at: second before third.",
        ),
        Mistake(
            "place 0 is a place",
            partial(_pairs, wrong="absentees"),
            "That is what comes out when place 0 is compared like the others. There is no list there. Look at: which "
            "columns of a shorter ranking take part.",
        ),
    ),
    hints=(
        "Compare every list with every other: `ranks[:, :, None] < ranks[:, None, :]` is (batch, K, K), true where the "
        "row's list is better placed than the column's. Each pair is true at most once.",
        "In the same shape: the differences of the scores. A pair is worth 1 where the difference is above 0, a half "
        "where it is exactly 0. Then sum over the last two dimensions, once for what is right and once for all pairs.",
    ),
)


# --- 5.6 the ceiling ----------------------------------------------------------------------------------------------


def _ceiling_cases(seed: int) -> list[Case]:
    generator = _generator(seed)
    drawn = 0.5 + torch.rand(16, generator=generator, dtype=torch.float64) / 2
    below = torch.rand(4, generator=generator) / 2
    return [
        Case("four of five pairs alike", (torch.tensor([0.82]),), look_at="m² + (1 − m)² for your answer."),
        Case("always alike, and like two coins", (torch.tensor([1.0, 0.5]),), look_at="both ends."),
        Case("anything in between", (drawn,), look_at="m² + (1 − m)² for your answer, against what was given."),
        Case("less alike than two coins", (below,), look_at="the square root of a negative number."),
    ]


CEILING = Exercise(
    number="5.6",
    title="The ceiling",
    points=2,
    minutes=10,
    solution=measure.accuracy_ceiling,
    cases=_ceiling_cases,
    axes=("agreement",),
    mistakes=(
        Mistake(
            "agreement itself",
            lambda agreement: agreement.clamp(min=0.5),
            "That is what comes out when the agreement of two people is taken for the ceiling. Against one noisy "
            "labeller, a model without noise can do better than a second noisy labeller. Look at: the curve above.",
            "observed in papers that compare a reward model with human agreement",
        ),
        Mistake(
            "square root of the agreement",
            lambda agreement: agreement.clamp(min=0.25).sqrt(),
            "That is what comes out when two labellers agree only by both giving the likelier answer. They can also "
            "both give the other. Look at: the two terms of m² + (1 − m)².",
        ),
        Mistake(
            "the lower solution",
            lambda agreement: (1 - (2 * agreement - 1).clamp(min=0).sqrt()) / 2,
            "That is what comes out of the other solution of the quadratic equation, 1 − m. Look at: which of the two "
            "is the likelier answer.",
        ),
        Mistake(
            "no floor",
            lambda agreement: (1 + (2 * agreement - 1).sqrt()) / 2,
            "That is what comes out when two people agree less than two coins, by chance, and a root of a negative "
            "number is taken. Look at: `clamp(min=0)`.",
        ),
        Mistake(
            "from the ceiling to the agreement",
            lambda agreement: agreement**2 + (1 - agreement) ** 2,
            "That is what comes out when the formula is used forwards: from m to the agreement. We measure the "
            "agreement and ask for m. Look at: which of the two is given.",
        ),
        Mistake(
            "halfway to 1",
            lambda agreement: (1 + agreement) / 2,
            "That is what comes out when the ceiling is put halfway between agreement and 1. Look at: what two coins, "
            "which agree half of the time, would get.",
        ),
        Mistake(
            "no half",
            lambda agreement: (2 * agreement - 1).clamp(min=0).sqrt(),
            "That is what comes out when 2m − 1 is returned instead of m. Look at: your last step, for labellers who "
            "always agree and for two coins.",
        ),
    ),
    hints=(
        "m² + (1 − m)² = 2m² − 2m + 1. It is easier with d = 2m − 1, the distance from a coin: m = (1 + d)/2.",
        "With m = (1 + d)/2 the formula becomes agreement = (1 + d²)/2. Solve for d, then for m. If the agreement is "
        "below a half, nothing but a coin is left.",
    ),
)


# --- 5.7 calibration ----------------------------------------------------------------------------------------------


def _calibration_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(number: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        sure = torch.rand(number, generator=generator, dtype=dtype)
        return sure, (torch.rand(number, generator=generator, dtype=dtype) < sure).long()

    toy = (torch.tensor([0.5, 0.625, 0.125, 0.25]), torch.tensor([1, 0, 0, 1]))
    edges = torch.tensor([0.0, 0.25, 0.5, 0.75, 1.0, 1.0])
    low = drawn(40)
    return [
        Case("four predictions, two bins", toy, {"bins": 2}, look_at="which predictions stand in which bin."),
        Case("many predictions", drawn(300), {"bins": 5}, look_at="the three columns, one after the other."),
        Case("many predictions", drawn(500, torch.float64), look_at="the three columns, one after the other."),
        Case("on the edges, 0 and 1", (edges, torch.tensor([0, 1, 0, 1, 1, 0])), {"bins": 4}, look_at="p = 1."),
        Case("empty bins", (low[0] * 0.4, low[1]), {"bins": 8}, look_at="the mean of no prediction at all."),
    ]


def _calibration(probabilities: Tensor, outcomes: Tensor, bins: int = 10, *, wrong: str = "") -> Tensor:
    """Bin by bin, with one thing wrong."""
    rows = []
    order = probabilities.argsort(stable=True)
    chunks = torch.tensor_split(order, bins)
    for b in range(bins):
        last = b == bins - 1 and wrong != "loses 1"
        inside = (probabilities * bins >= b) & ((probabilities * bins < b + 1) | last)
        if wrong == "right edge":
            inside = (probabilities * bins <= b + 1) & ((probabilities * bins > b) | (b == 0))
        if wrong == "equal counts":
            inside = torch.zeros(len(order), dtype=torch.bool).index_fill(0, chunks[b], True)
        predicted, happened = probabilities[inside], outcomes[inside].to(probabilities.dtype)
        mean = predicted.mean() if wrong != "bin centre" or not len(predicted) else torch.tensor((b + 0.5) / bins)
        if wrong == "accuracy":
            happened = ((predicted > 0.5) == happened.bool()).to(probabilities.dtype)
        share = happened.sum() / len(outcomes) if wrong == "share of all" and len(predicted) else happened.mean()
        count = len(predicted) / len(outcomes) if wrong == "count as share" else len(predicted)
        row = torch.stack([mean.to(probabilities.dtype), share, torch.tensor(count, dtype=probabilities.dtype)])
        rows.append(row.nan_to_num(0.0) if wrong == "empty is 0" else row)
    table = torch.stack(rows)
    return table[:, [1, 0, 2]] if wrong == "columns change places" else table


CALIBRATION = Exercise(
    number="5.7",
    title="A calibration table",
    points=3,
    minutes=12,
    solution=measure.calibration_table,
    cases=_calibration_cases,
    axes=("bin", "column"),
    mistakes=(
        Mistake(
            "middle of the bin",
            partial(_calibration, wrong="bin centre"),
            "That is what comes out when the middle of a bin stands for its predictions. They may all sit near one "
            "edge. Look at: the first column, and what it is the mean of.",
        ),
        Mistake(
            "p = 1 falls out",
            partial(_calibration, wrong="loses 1"),
            "That is what comes out when a prediction of exactly 1 is in no bin. Look at: the upper edge of the last "
            "bin, or the largest number that `(p * bins).long()` gives.",
        ),
        Mistake(
            "edges belong to the bin below",
            partial(_calibration, wrong="right edge"),
            "That is what comes out when a prediction on an edge goes into the lower bin. Look at: the docstring, "
            "which says to which bin b/bins belongs.",
            "NumPy's digitize has `right=` for this",
        ),
        Mistake(
            "empty bins are 0",
            partial(_calibration, wrong="empty is 0"),
            "That is what comes out when an empty bin says 0. It would be drawn as a point that nobody observed. Look "
            "at: what the mean of nothing should be.",
        ),
        Mistake(
            "share of all predictions",
            partial(_calibration, wrong="share of all"),
            "That is what comes out when the outcomes of a bin are divided by the number of all predictions. Look at: "
            "by what the second column is divided.",
        ),
        Mistake(
            "accuracy instead of frequency",
            partial(_calibration, wrong="accuracy"),
            "That is what comes out when the second column says how often the prediction was right. For p = 0.1 that "
            "is 0.9 if all is well, and the curve bends up on the left. Look at: how often the outcome was 1.",
            "Guo et al. 2017 do this for the probability of the predicted class, which is never below 1/2",
        ),
        Mistake(
            "bins of equal count",
            partial(_calibration, wrong="equal counts"),
            "That is what comes out when every bin gets the same number of predictions. That is a good idea too, but "
            "here the bins have the same width. Look at: where the edges are.",
        ),
        Mistake(
            "columns change places",
            partial(_calibration, wrong="columns change places"),
            "That is what comes out when observed comes before predicted. Look at: the order of columns in the "
            "docstring.",
        ),
        Mistake(
            "count as a share",
            partial(_calibration, wrong="count as share"),
            "That is what comes out when the third column is a share. It should be a number of predictions, so that "
            "one sees how little some bins rest on. Look at: the docstring.",
        ),
    ),
    hints=(
        "A loop over the bins is fine: which predictions are inside, their mean, the mean of their outcomes, how many.",
        "`(probabilities * bins).long()` is the number of each prediction's bin, but for p = 1, which gets a bin too "
        "many: `clamp(max=bins - 1)`. And `.mean()` of an empty tensor is NaN, just as it should be.",
    ),
)


# --- 5.8 the best of n --------------------------------------------------------------------------------------------


def _best_cases(seed: int) -> list[Case]:
    generator = _generator(seed)

    def drawn(k: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.rand(k, generator=generator, dtype=dtype).add(0.05).softmax(dim=0)

    several = "several answers"
    return [
        Case(
            "two answers, two samples", (torch.tensor([0.5, 0.5]), 2), look_at="which draws make which answer the best."
        ),
        Case("one sample", (drawn(4), 1), look_at="what choosing among one changes."),
        Case(several, (drawn(3), 3), look_at="the best answer: it wins if it is drawn at least once."),
        Case(several, (drawn(20, torch.float64), 16), look_at="the sum over all answers."),
        Case("an answer that never comes", (torch.tensor([0.2, 0.0, 0.8]), 4), look_at="the answer of probability 0."),
    ]


def _survival(probabilities: Tensor, n: int) -> Tensor:
    at_least = probabilities.flip(0).cumsum(0).flip(0) ** n
    return at_least - torch.cat([at_least[1:], at_least.new_zeros(1)])


BEST_OF_N = Exercise(
    number="5.8",
    title="What the best of n is",
    points=3,
    minutes=10,
    solution=measure.best_of_n_distribution,
    cases=_best_cases,
    axes=("answer",),
    mistakes=(
        Mistake(
            "at most instead of exactly",
            lambda probabilities, n: probabilities.cumsum(0) ** n,
            "That is what comes out when the chance that the best is *at most* answer i is returned. Look at: the sum "
            "over all answers; it should be 1.",
        ),
        Mistake(
            "the worst of n",
            _survival,
            "That is what comes out when the worst of the n samples is kept. Look at: from which end you add up the "
            "probabilities.",
        ),
        Mistake(
            "power of each probability",
            lambda probabilities, n: probabilities**n / (probabilities**n).sum(),
            "That is what comes out when each probability is raised to the power n and scaled to sum 1. That makes "
            "likely answers likelier, like a low temperature, and never asks for the score. Look at: the order of the "
            "answers, which should matter.",
        ),
        Mistake(
            "drawn at least once",
            lambda probabilities, n: 1 - (1 - probabilities) ** n,
            "That is what comes out when the chance is computed that answer i is drawn at all. It wins only if nothing "
            "better is drawn as well. Look at: the sum over all answers.",
        ),
        Mistake(
            "the formula for densities",
            lambda probabilities, n: n * probabilities * probabilities.cumsum(0) ** (n - 1),
            "That is what comes out of n·p·Fⁿ⁻¹, which holds for a density, where two samples are never equal. Here "
            "they can be. Look at: the sum over all answers.",
            "the density of the largest of n, as in textbooks on order statistics",
        ),
        Mistake(
            "one sample too few",
            lambda probabilities, n: (probabilities.cumsum(0) ** (n - 1)).diff(prepend=probabilities.new_zeros(1)),
            "That is what comes out with the power n − 1. Look at: the case n = 1, where nothing should change.",
        ),
        Mistake(
            "nothing to subtract from",
            lambda probabilities, n: torch.cat([probabilities.new_zeros(1), (probabilities.cumsum(0) ** n).diff()]),
            "That is what comes out when the worst answer gets 0, because nothing stands before it to be subtracted. "
            "It wins if all n samples are it. Look at: your first entry.",
        ),
    ),
    hints=(
        "Begin with an easier question: how likely is it that all n samples are answer i or worse? They are "
        "independent.",
        "The best is exactly answer i if it is at most i, but not at most i − 1: subtract. `cumsum` and "
        "`diff(prepend=...)` do both without a loop.",
    ),
)

EXERCISES: tuple[Exercise, ...] = (
    MEAN,
    LAST,
    BRADLEY_TERRY,
    PLACKETT_LUCE,
    PAIRS_RIGHT,
    CEILING,
    CALIBRATION,
    BEST_OF_N,
)
