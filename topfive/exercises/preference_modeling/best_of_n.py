"""Exercise 5.9: what the best of n is."""

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import measure


def _best_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(k: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return torch.rand(k, generator=generator, dtype=dtype).add(0.05).softmax(dim=0)

    several = "several answers"
    return [
        Case(
            "two answers, two samples", (torch.tensor([0.4, 0.6]), 2), look_at="which draws make which answer the best."
        ),
        Case("one sample", (drawn(4), 1), look_at="what choosing among one changes."),
        Case(several, (drawn(3), 3), look_at="the best answer: it wins if it is drawn at least once."),
        Case(several, (drawn(20), 16), look_at="the sum over all answers."),
        Case("an answer that never comes", (torch.tensor([0.2, 0.0, 0.8]), 4), look_at="the answer of probability 0."),
    ]


def _at_most(probabilities: Tensor, n: int) -> Tensor:
    return probabilities.cumsum(0) ** n


def _steps(at_most: Tensor) -> Tensor:
    return at_most.diff(prepend=at_most.new_zeros(1))


def _scaled(weights: Tensor) -> Tensor:
    return weights / weights.sum()


def _shifted(probabilities: Tensor, n: int) -> Tensor:
    at_most = _at_most(probabilities, n)
    return torch.cat([at_most.diff(), at_most[:1]])


def _survival(probabilities: Tensor, n: int) -> Tensor:
    at_least = probabilities.flip(0).cumsum(0).flip(0) ** n
    return at_least - torch.cat([at_least[1:], at_least.new_zeros(1)])


EXERCISE = Exercise(
    number="5.9",
    title="What the best of n is",
    points=3,
    minutes=10,
    solution=measure.best_of_n_distribution,
    cases=_best_cases,
    axes=("answer",),
    mistakes=(
        Mistake(
            "at most instead of exactly",
            _at_most,
            "That is what comes out when the chance that the best is *at most* answer i, or at least, is returned. "
            "Look at: the sum over all answers; it should be 1.",
            also=(lambda probabilities, n: probabilities.flip(0).cumsum(0).flip(0) ** n,),
        ),
        Mistake(
            "the worst of n",
            _survival,
            "That is what comes out when the worst of the n samples is kept. Look at: from which end you add up the "
            "probabilities.",
        ),
        Mistake(
            "power of each probability, not scaled",
            lambda probabilities, n: probabilities**n,
            "That is what comes out when each probability is raised to the power n: the chance that all n samples are "
            "answer i. It also wins if only one of them is it, and the others are worse. Look at: how many ways there "
            "are for answer i to be the best.",
        ),
        Mistake(
            "power of each probability",
            lambda probabilities, n: _scaled(probabilities**n),
            "That is what comes out when each probability is raised to the power n and scaled to sum 1. That makes "
            "likely answers likelier, like a low temperature, and never asks for the score. Look at: the order of the "
            "answers, which should matter.",
        ),
        Mistake(
            "drawn at least once",
            lambda probabilities, n: 1 - (1 - probabilities) ** n,
            "That is what comes out when the chance is computed that answer i is drawn at all. It wins only if nothing "
            "better is drawn as well. Look at: the sum over all answers.",
            also=(
                lambda probabilities, n: _scaled(1 - (1 - probabilities) ** n),
                lambda probabilities, n: 1 - (1 - probabilities.cumsum(0)) ** n,
            ),
        ),
        Mistake(
            "the formula for densities",
            lambda probabilities, n: n * probabilities * probabilities.cumsum(0) ** (n - 1),
            "That is what comes out of n·p·Fⁿ⁻¹, which holds for a density, where two samples are never equal. Here "
            "they can be. Look at: the sum over all answers.",
            "the density of the largest of n, as in textbooks on order statistics",
            also=(
                lambda probabilities, n: n * probabilities * (probabilities.cumsum(0) - probabilities) ** (n - 1),
                lambda probabilities, n: probabilities * probabilities.cumsum(0) ** (n - 1),
                lambda probabilities, n: _scaled(n * probabilities * probabilities.cumsum(0) ** (n - 1)),
            ),
        ),
        Mistake(
            "another power than n",
            lambda probabilities, n: _steps(probabilities.cumsum(0) ** (n - 1)),
            "That is what comes out with another power than n, such as n − 1. Look at: the case n = 1, where nothing "
            "should change.",
            also=(
                lambda probabilities, n: _steps(probabilities.cumsum(0) ** (n + 1)),
                lambda probabilities, n: _steps(probabilities.cumsum(0) ** 2),
            ),
        ),
        Mistake(
            "nothing to subtract from",
            lambda probabilities, n: torch.cat([probabilities.new_zeros(1), _at_most(probabilities, n).diff()]),
            "That is what comes out when the worst answer gets 0, because nothing stands before it to be subtracted. "
            "It wins if all n samples are it. Look at: your first entry.",
        ),
        Mistake(
            "one answer is missing",
            lambda probabilities, n: _at_most(probabilities, n).diff(),
            "That is what comes out of diff without prepend: one number fewer than there are answers. Look at: what is "
            "subtracted from the first.",
        ),
        Mistake(
            "one place off",
            _shifted,
            "That is what comes out when the answers better than i are cut off, or taken along, one place wrongly, as "
            "in F(i + 1) − F(i). Look at: which two of the sums belong to answer i.",
        ),
        Mistake(
            "something before the worst",
            lambda probabilities, n: _at_most(probabilities, n) - _at_most(probabilities, n).roll(1),
            "That is what comes out when something else than 0 is subtracted from the first sum, as with `roll`, which "
            "brings the last one round, or with a 1 in front. Nothing is worse than the worst. Look at: your first "
            "entry.",
        ),
        Mistake(
            "the best answer first",
            lambda probabilities, n: _steps(_at_most(probabilities, n)).flip(0),
            "Every number is there, from the best answer to the worst. They are wanted in the order in which they were "
            "given. Look at: flip.",
        ),
        Mistake(
            "sorted by probability",
            lambda probabilities, n: _steps(_at_most(probabilities.sort().values, n)),
            "That is what comes out when the answers are put in order of their probabilities. They are in order "
            "already, by score, and that is what decides. Look at: your first line.",
            also=(lambda probabilities, n: _steps(_at_most(probabilities.sort(descending=True).values, n)),),
        ),
        Mistake(
            "all n are worse",
            lambda probabilities, n: (probabilities.cumsum(0) - probabilities) ** n,
            "That is what comes out when the chance is computed that all n samples are worse than answer i. "
            "Look at: what has to be subtracted from what.",
        ),
        Mistake(
            "all answers alike",
            lambda probabilities, n: _steps(_at_most(torch.full_like(probabilities, 1 / len(probabilities)), n)),
            "That is what comes out when all answers are equally likely, as if only their ranks counted. "
            "Look at: where the probabilities enter.",
        ),
        Mistake(
            "always the best",
            lambda probabilities, n: torch.zeros_like(probabilities).index_fill(
                0, torch.tensor([len(probabilities) - 1]), 1.0
            ),
            "That is what comes out when the best answer always wins. It has to be drawn first. Look at: a best answer "
            "that is rare.",
        ),
        Mistake(
            "one sample, whatever n is",
            lambda probabilities, n: probabilities.clone(),
            "That is what comes out when nothing is chosen: the probabilities as they are. Look at: where n enters.",
        ),
        Mistake(
            "n times instead of to the power n",
            lambda probabilities, n: _steps((n * probabilities.cumsum(0)).clamp(max=1)),
            "That is what comes out when the chance for one sample is multiplied by n. Independent samples all have to "
            "be at most i, so their chances are multiplied with each other. Look at: × and a power.",
            also=(lambda probabilities, n: _steps(n * probabilities.cumsum(0)),),
        ),
        Mistake(
            "each sum from the best down",
            lambda probabilities, n: _steps(probabilities.flip(0).cumsum(0) ** n),
            "That is what comes out when the answers are taken from the best down and stay in that order. They come "
            "from the lowest score to the highest. Look at: flip, and the order of what you return.",
        ),
        Mistake(
            "the mean score, one number",
            lambda probabilities, n: _steps(_at_most(probabilities, n)).max(),
            "That is what comes out when a single number is returned. Each answer needs its own probability. Look at: "
            "the docstring.",
            also=(lambda probabilities, n: _steps(_at_most(probabilities, n)).sum(),),
        ),
    ),
    hints=(
        "Begin with an easier question: how likely is it that all n samples are answer i or worse? They are "
        "independent.",
        "One sample is answer i or worse with the sum of the first probabilities, which `cumsum` gives for every i; n "
        "samples are so with the n-th power of it. Call that F(i).",
        "The best is exactly answer i if it is at most i, but not at most i − 1: F(i) − F(i − 1), and nothing is "
        "subtracted from the first. `diff(prepend=...)` does it without a loop.",
    ),
)
