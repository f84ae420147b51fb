"""Exercise 7.6: a reward that doubts itself."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from topfive import overoptimisation
from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake


def _cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def said(members: int, answers: int) -> Tensor:
        """Members that mostly mean the same, each with a zero and a unit of its own."""
        scores = torch.randn(answers, generator=generator) + 0.7 * torch.randn(members, answers, generator=generator)
        unit, zero = (torch.rand(members, 1, generator=generator) for _ in range(2))
        return (0.5 + 4 * unit) * scores + 20 * zero - 10

    toy = torch.tensor([[0.0, 0.0, 2.0, 2.0], [10.0, 30.0, 30.0, 10.0]])
    silent, most_silent = said(4, 7), said(3, 6)
    silent[1] = 2.0
    most_silent[:2] = torch.tensor([[-3.0], [4.0]])
    mute = "a member that says nothing"
    return [
        Case("two members, four answers", (toy, 0.5), look_at="each member first: its mean and standard deviation."),
        Case("members with other units", (said(4, 9), 1.0), look_at="what is done to each member before the rest."),
        Case("members with other units", (said(3, 12), 2.5), look_at="what is done to each member before the rest."),
        Case("no doubt", (said(4, 6), 0.0), look_at="the mean over members, once they speak in one unit."),
        Case("one member alone", (said(1, 8), 1.5), look_at="how far one member disagrees with itself."),
        Case(mute, (silent, 0.8), look_at="a member whose scores are all the same."),
        Case(mute, (most_silent, 1.2), look_at="a member whose scores are all the same."),
        Case("as many answers as members", (said(5, 5), 0.7), look_at="`dim`, in each mean and deviation."),
    ]


def _standard(scores: Tensor, wrong: str = "") -> Tensor:
    """Each member at mean 0 and standard deviation 1, with one thing wrong."""
    dim = {"each answer": (0,), "all together": (0, 1)}.get(wrong, (1,))
    mean, spread = scores.mean(dim=dim, keepdim=True), scores.std(dim=dim, correction=0, keepdim=True)
    low, high = scores.amin(dim=1, keepdim=True), scores.amax(dim=1, keepdim=True)
    unlike = high > low
    ways: dict[str, Callable[[], Tensor]] = {
        "as they are": lambda: scores,
        "centred": lambda: scores - mean,
        "scaled": lambda: scores / torch.where(unlike, spread, 1.0),
        "unbiased": lambda: (scores - mean) / scores.std(dim=1, keepdim=True).where(unlike, torch.ones(())),
        "unbiased, with nan": lambda: (scores - mean) / scores.std(dim=1, keepdim=True),
        "by the variance": lambda: (scores - mean) / torch.where(unlike, spread**2, 1.0),
        "0 to 1": lambda: (scores - low) / torch.where(unlike, high - low, 1.0),
        "by the range": lambda: (scores - mean) / torch.where(unlike, high - low, 1.0),
        "by the largest": lambda: scores / scores.abs().amax(dim=1, keepdim=True),
        "by the middle": lambda: (scores - scores.median(dim=1, keepdim=True).values) / torch.where(unlike, spread, 1),
        "ranks": lambda: _standard(scores.argsort(dim=1).argsort(dim=1).float() * unlike),
        "first member": lambda: (scores - scores[:1].mean()) / scores[:1].std(correction=0),
        "nan": lambda: (scores - mean) / spread,
        "1": lambda: torch.where(unlike, (scores - mean) / spread, 1.0),
        "kept": lambda: torch.where(unlike, (scores - mean) / spread, scores),
        "left out": lambda: ((scores - mean) / spread)[unlike[:, 0]],
        "plus 0.001": lambda: (scores - mean) / (spread + 1e-3),
        "plus 0.01": lambda: (scores - mean) / (spread + 1e-2),
        "plus 0.1": lambda: (scores - mean) / (spread + 0.1),
        "plus 1": lambda: (scores - mean) / (spread + 1),
        "1 at least": lambda: (scores - mean) / spread.clamp(min=1),
        "by the length": lambda: scores / scores.norm(dim=1, keepdim=True),
        "squashed": scores.sigmoid,
        "softmax": lambda: scores.softmax(dim=1),
    }
    if wrong in ("each answer", "all together"):
        return (scores - mean) / torch.where(spread > 0, spread, 1.0)
    return ways.get(wrong, lambda: torch.where(unlike, (scores - mean) / spread, 0.0))()


def _bound(scores: Tensor, doubt: float, *, first: str = "", wrong: str = "") -> Tensor:
    """Mean less doubt times deviation, with one thing wrong in the members or in what follows."""
    said = _standard(scores, first)
    mean, spread = said.mean(dim=0), said.std(dim=0, correction=0)
    right = mean - doubt * spread
    ways: dict[str, Callable[[], Tensor]] = {
        "plus": lambda: mean + doubt * spread,
        "variance": lambda: mean - doubt * spread**2,
        "doubt twice": lambda: mean - doubt**2 * spread,
        "doubt once": lambda: mean - spread,
        "no doubt": lambda: mean,
        "unbiased": lambda: mean - doubt * said.std(dim=0),
        "unbiased, one alone": lambda: mean - doubt * (said.std(dim=0) if len(said) > 1 else 0.0),
        "unbiased variance": lambda: mean - doubt * said.var(dim=0),
        "worst": lambda: said.amin(dim=0),
        "best": lambda: said.amax(dim=0),
        "median": lambda: said.median(dim=0).values - doubt * spread,
        "first": lambda: said[0] - doubt * spread,
        "worst less deviation": lambda: said.amin(dim=0) - doubt * spread,
        "unanswered": lambda: right.nan_to_num(0.0),
        "sum": lambda: said.sum(dim=0) - doubt * spread,
        "error": lambda: mean - doubt * spread / len(said) ** 0.5,
        "range": lambda: mean - doubt * (said.amax(dim=0) - said.amin(dim=0)),
        "half the range": lambda: mean - doubt * (said.amax(dim=0) - said.amin(dim=0)) / 2,
        "mean distance": lambda: mean - doubt * (said - mean).abs().mean(dim=0),
        "worst and mean": lambda: mean - doubt * (mean - said.amin(dim=0)),
        "of the members": lambda: said.mean(dim=1) - doubt * said.std(dim=1, correction=0),
        "deviation over answers": lambda: mean - doubt * mean.std(correction=0),
        "deviation of all": lambda: mean - doubt * said.std(correction=0),
        "raw deviation": lambda: mean - doubt * scores.std(dim=0, correction=0),
        "raw mean": lambda: scores.mean(dim=0) - doubt * spread,
        "deviation alone": lambda: doubt * spread,
        "minus the deviation": lambda: -doubt * spread,
        "by the deviation": lambda: mean / (1 + doubt * spread),
        "times": lambda: mean * (1 - doubt * spread),
        "mixed": lambda: (1 - doubt) * mean - doubt * spread,
        "one for all": right.mean,
        "each member": lambda: said - doubt * spread,
        "a row": lambda: right[None],
        "standard again": lambda: _standard(right[None])[0],
        "never below 0": lambda: right.clamp(min=0),
    }
    return ways.get(wrong, lambda: right)()


def _both_unbiased(scores: Tensor, doubt: float, *, alone: bool = False) -> Tensor:
    """Both deviations divide by one less."""
    said = _standard(scores, "unbiased")
    return said.mean(dim=0) - doubt * (said.std(dim=0) if len(said) > 1 or not alone else 0.0)


def _as_it_comes(scores: Tensor, doubt: float) -> Tensor:
    """`std` as it is by default, in both places, and no care for a member that says nothing."""
    said = (scores - scores.mean(dim=1, keepdim=True)) / scores.std(dim=1, keepdim=True)
    return said.mean(dim=0) - doubt * said.std(dim=0)


def _at_the_end(scores: Tensor, doubt: float, *, correction: int = 0) -> Tensor:
    """The result is brought to mean 0 and standard deviation 1, and not the members."""
    found = scores.mean(dim=0) - doubt * scores.std(dim=0, correction=correction)
    return (found - found.mean()) / found.std(correction=correction)


def _firsts(*first: str) -> tuple[Function, ...]:
    return tuple(partial(_bound, first=one) for one in first)


def _ways(*wrong: str) -> tuple[Function, ...]:
    return tuple(partial(_bound, wrong=one) for one in wrong)


EXERCISE = Exercise(
    number="7.6",
    title="A reward that doubts itself",
    points=2,
    minutes=8,
    solution=overoptimisation.lower_bound,
    cases=_cases,
    axes=("answer",),
    mistakes=(
        Mistake(
            "members in units of their own",
            partial(_bound, first="as they are"),
            "That is what comes out when the scores are taken as they are. The member with the largest numbers then "
            "decides alone, and two members that mean the same seem to disagree. Look at: the first step of the "
            "docstring.",
            also=tuple(
                partial(_bound, first="as they are", wrong=wrong)
                for wrong in ("unbiased", "variance", "unbiased variance")
            ),
        ),
        Mistake(
            "one unit at the end",
            _at_the_end,
            "That is what comes out when the result is brought to mean 0 and deviation 1, and not the members. By then "
            "they are mixed in units of their own. Look at: the order of your steps.",
            also=(partial(_at_the_end, correction=1),),
        ),
        Mistake(
            "the same zero, but not the same unit",
            partial(_bound, first="centred"),
            "That is what comes out when each member's mean is taken off and nothing is divided. Look at: by what the "
            "members' units differ.",
        ),
        Mistake(
            "the same unit, but not the same zero",
            partial(_bound, first="scaled"),
            "That is what comes out when each member is divided by its deviation and its mean is not taken off. "
            "Members with another zero then seem to disagree about everything. Look at: the first step of the "
            "docstring.",
        ),
        Mistake(
            "one zero and unit for all members",
            partial(_bound, first="all together"),
            "That is what comes out when one mean and one deviation are used for all members. Each has its own. "
            "Look at: `dim` in the first step.",
            also=_firsts("first member"),
        ),
        Mistake(
            "each answer by itself",
            partial(_bound, first="each answer"),
            "That is what comes out when mean and deviation are taken over the members in the first step. Each answer "
            "then has mean 0, and no answer is better than another. Look at: `dim` in the first step.",
        ),
        Mistake(
            "divided by the variance",
            partial(_bound, first="by the variance"),
            "That is what comes out when each member is divided by its variance. What is left then still has a unit. "
            "Look at: what the deviation of each member is after your first step.",
        ),
        Mistake(
            "another common scale",
            partial(_bound, first="0 to 1"),
            "That is what comes out when the members are brought to another common scale: from 0 to 1, by their range "
            "or middle, as places or as probabilities. Look at: mean 0 and standard deviation 1.",
            also=_firsts(
                "by the range", "by the largest", "by the length", "by the middle", "ranks", "squashed", "softmax"
            ),
        ),
        Mistake(
            "a member's deviation with one less",
            partial(_bound, first="unbiased"),
            "That is what comes out when a member's standard deviation divides by one less than there are answers, as "
            "`std` does if nobody says otherwise. Look at: `correction`, in the first step.",
            also=_firsts("unbiased, with nan"),
        ),
        Mistake(
            "the members' deviation with one less",
            partial(_bound, wrong="unbiased"),
            "That is what comes out when the deviation over members divides by one less than there are, as `std` does "
            "if nobody says otherwise. One member alone is then divided by 0. Look at: `correction`, in the last step.",
            also=_ways("unbiased, one alone"),
        ),
        Mistake(
            "both deviations with one less",
            _both_unbiased,
            "That is what comes out when both deviations divide by one less than there are, as `std` does if nobody "
            "says otherwise. Look at: `correction`.",
            also=(partial(_both_unbiased, alone=True), _as_it_comes),
        ),
        Mistake(
            "0 by 0",
            partial(_bound, first="nan"),
            "That is what comes out when a member that gives every answer the same score is divided by its deviation, "
            "0. Then nobody is heard any more. Look at: what the docstring lets it say.",
            also=(partial(_bound, first="nan", wrong="unanswered"),),
        ),
        Mistake(
            "too much is added to the deviation",
            partial(_bound, first="plus 0.01"),
            "That is what comes out when something that is not small is added to every member's deviation, or a least "
            "one is asked for, so that nobody divides by 0. It then matters in which unit a member speaks. "
            "Look at: what you divide by.",
            also=_firsts("plus 0.001", "plus 0.1", "plus 1", "1 at least"),
        ),
        Mistake(
            "a silent member is left out",
            partial(_bound, first="left out"),
            "That is what comes out when a member that gives every answer the same score is not counted. It is there, "
            "and says 0 of each: that is a disagreement with those who see a difference. Look at: the docstring.",
        ),
        Mistake(
            "a silent member says something",
            partial(_bound, first="kept"),
            "That is what comes out when a member that gives every answer the same score says anything but 0. "
            "Look at: the docstring, and what you put in the place of 0 / 0.",
            also=_firsts("1"),
        ),
        Mistake(
            "doubt is a gain",
            partial(_bound, wrong="plus"),
            "That is what comes out when the deviation is added: an answer is then the better the less the members "
            "agree about it. That is how one explores. Look at: the sign.",
            "the upper confidence bound of bandits",
        ),
        Mistake(
            "the variance",
            partial(_bound, wrong="variance"),
            "That is what comes out when the variance over members is taken off. Papers do that, too, but a variance "
            "has the unit of the scores squared. Look at: `var` and `std`.",
            "Coste et al. 2024",
            also=_ways("unbiased variance"),
        ),
        Mistake(
            "the worst member",
            partial(_bound, wrong="worst"),
            "That is what comes out when the lowest of the members' scores is taken, whatever `doubt` is. It is "
            "another careful reward. Look at: the docstring, for what is taken off what.",
            "worst-case optimisation, Coste et al. 2024",
            also=_ways("worst and mean", "best"),
        ),
        Mistake(
            "the doubt twice",
            partial(_bound, wrong="doubt twice"),
            "That is what comes out when `doubt` is multiplied by itself. Look at: how often it enters.",
        ),
        Mistake(
            "doubt does not matter",
            partial(_bound, wrong="doubt once"),
            "That is what comes out when `doubt` is not looked at: it is always 1, or always 0. Look at: where `doubt` "
            "enters.",
            also=_ways("no doubt"),
        ),
        Mistake(
            "another measure of disagreement",
            partial(_bound, wrong="range"),
            "That is what comes out when the range of the members' scores, or their mean distance from the mean, is "
            "taken off. Look at: the docstring, for the standard deviation.",
            also=_ways("half the range", "mean distance"),
        ),
        Mistake(
            "the error of the mean",
            partial(_bound, wrong="error"),
            "That is what comes out when the deviation is divided by the root of how many members there are. That is "
            "how sure their mean is, and not how far they disagree. Look at: what is taken off.",
        ),
        Mistake(
            "something else than the mean",
            partial(_bound, wrong="median"),
            "That is what comes out when the deviation is taken off the median, the sum, or the scores of one member. "
            "Look at: off what it is to be taken.",
            also=_ways("first", "sum", "worst less deviation"),
        ),
        Mistake(
            "one number a member",
            partial(_bound, wrong="of the members"),
            "That is what comes out when the last mean and deviation are taken over the answers. Each answer needs a "
            "number. Look at: `dim` in the last step.",
        ),
        Mistake(
            "the same is taken off every answer",
            partial(_bound, wrong="deviation over answers"),
            "That is what comes out when one deviation is used for all answers: their order then never changes. "
            "Members may agree about one answer and not about another. Look at: `dim` of the last deviation.",
            also=_ways("deviation of all"),
        ),
        Mistake(
            "half of it in the old units",
            partial(_bound, wrong="raw deviation"),
            "That is what comes out when one of the two, mean or deviation, is made of the scores as they came. "
            "Look at: which variable each of them reads.",
            also=_ways("raw mean"),
        ),
        Mistake(
            "the doubt alone",
            partial(_bound, wrong="deviation alone"),
            "That is what comes out when only the deviation is returned. Look at: off what it is to be taken.",
            also=_ways("minus the deviation"),
        ),
        Mistake(
            "multiplied instead of taken off",
            partial(_bound, wrong="times"),
            "That is what comes out when the mean is multiplied by something, or divided, where something is to be "
            "taken off. An answer with mean 0 could then never be doubted. Look at: the signs of the formula.",
            also=_ways("by the deviation", "mixed"),
        ),
        Mistake(
            "another shape",
            partial(_bound, wrong="each member"),
            "That is what comes out when the members, or the answers, are not added up as they should be. One number "
            "an answer has the shape (answers,). Look at: `dim` and `keepdim`.",
            also=_ways("a row", "one for all"),
        ),
        Mistake(
            "brought to mean 0 once more",
            partial(_bound, wrong="standard again"),
            "That is what comes out when the result is brought to mean 0 and deviation 1 again. It is then no longer "
            "below the mean. Look at: your last step.",
        ),
        Mistake(
            "never below 0",
            partial(_bound, wrong="never below 0"),
            "That is what comes out when numbers below 0 are set to 0. Bad answers are then all alike. Look at: "
            "`clamp`.",
        ),
    ),
    hints=(
        "Two steps. First every member by itself, along its row: take off its mean, divide by its standard deviation. "
        "Then every answer by itself, down its column.",
        "`keepdim=True` in the first step, so that a column of means can be taken off a table. `correction=0` in every "
        "`std`: it divides by how many there are.",
        "A member whose scores are all the same has deviation 0 and would be 0 / 0: `torch.where` or `masked_fill` "
        "puts 0 there. At the end, the mean over members less `doubt` times their deviation.",
    ),
)
