"""Exercise 6.8: one step by hand."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo.toy import first_step


def _step_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        answers: int, chosen: list[int], rate: float, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, float]:
        logits = torch.randn(answers, generator=generator, dtype=dtype)
        return logits, torch.tensor(chosen), torch.randn(len(chosen), generator=generator, dtype=dtype), rate

    many = torch.randint(20, (100,), generator=generator).tolist()
    one = torch.randint(3, (1,), generator=generator).tolist()
    return [
        Case("one sample out of three answers", drawn(3, one, 1.0), look_at="which logits move, and which way."),
        Case("three different samples", drawn(4, [2, 0, 3], 0.5), look_at="the mean over samples."),
        Case("the same answer twice", drawn(5, [1, 4, 1, 0], 0.5), look_at="what happens to both advantages."),
        Case("many samples in float64", drawn(20, many, 0.1, torch.float64), look_at="the largest deviation."),
    ]


def _step(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float, *, wrong: str = "") -> Tensor:
    policy, onehot = logits.softmax(dim=0), torch.nn.functional.one_hot(chosen, len(logits)).to(logits)
    weights = advantages.to(logits)
    if wrong == "probability":
        weights = weights * policy[chosen]
    if wrong == "no advantage":
        weights = torch.ones_like(weights)
    if wrong == "logits":
        policy = logits
    score = onehot if wrong == "only the chosen" else onehot - policy
    step = (weights[:, None] * score).sum(dim=0)
    if wrong == "once":
        taken = torch.zeros_like(logits)
        for index, weight in zip(chosen.tolist(), weights, strict=True):
            taken[index] = weight
        step = taken - weights.sum() * policy
    if wrong != "sum":
        step = step / len(chosen)
    return logits + learning_rate * step * (-1 if wrong == "descends" else 1)


EXERCISE = Exercise(
    number="6.8",
    title="One step by hand",
    points=2,
    minutes=12,
    solution=first_step,
    cases=_step_cases,
    axes=("answer",),
    mistakes=(
        Mistake(
            "down instead of up",
            partial(_step, wrong="descends"),
            "That is what comes out when the step goes the other way: bad answers become likelier. Descending a loss "
            "that carries a minus is climbing. Look at: count your minus signs.",
        ),
        Mistake(
            "only the chosen answers move",
            partial(_step, wrong="only the chosen"),
            "That is what comes out without − π. Probabilities sum to 1, so what one answer gains all have to "
            "pay, each in proportion to its probability. Look at: the gradient of log softmax.",
        ),
        Mistake(
            "logits where π belongs",
            partial(_step, wrong="logits"),
            "That is what comes out when the logits are subtracted instead of the probabilities. Look at: π.",
        ),
        Mistake(
            "gradient of the probability",
            partial(_step, wrong="probability"),
            "That is what comes out when each sample is weighted by π of its answer as well: the gradient of π instead "
            "of that of log π. Likely answers are sampled more often already. Look at: what ∂ρ is where ρ = 1.",
        ),
        Mistake(
            "a repeated answer counts once",
            partial(_step, wrong="once"),
            "That is what comes out when an answer that was sampled twice keeps only its last advantage, as in "
            "total[chosen] = advantages or total[chosen] += advantages. Look at: index_add, or a loop.",
            "PyTorch: indexing with repeated indices does not accumulate",
        ),
        Mistake(
            "a sum",
            partial(_step, wrong="sum"),
            "That is what comes out when the samples are added up and not averaged. Look at: what you divide by.",
        ),
        Mistake(
            "without the advantages",
            partial(_step, wrong="no advantage"),
            "That is what comes out when every sample counts +1: the policy would imitate itself, good or bad. "
            "Look at: where `advantages` enters.",
        ),
    ),
    hints=(
        "For one sample: the gradient of log π(answer) by the logits is onehot(answer) − π. Check its sum: 0.",
        "At ρ = 1 the gradient of ρ is that of log π. So the step is learning_rate · mean of Â · (onehot − π).",
        "`torch.nn.functional.one_hot(chosen, len(logits))` is (n, answers); weight its rows by Â and average over n.",
    ),
)
