"""Exercise 5.8: what the best of n is."""

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


EXERCISE = Exercise(
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
