"""Exercise 3.4: from logits to probabilities at a temperature."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import sampling


def _temperature_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator, dtype=dtype)

    rows = drawn(4, 9)
    return [
        Case("three tokens, temperature one half", (torch.tensor([2.0, 1.0, 0.0]), 0.5), look_at="2, 1, 0 by ½."),
        Case("temperature 1", (rows, 1.0), look_at="the dimension that should add up to 1."),
        Case("cold and hot", (rows, 0.3), look_at="whether cold makes it sharper."),
        Case("cold and hot", (rows, 3.0), look_at="whether hot makes it flatter."),
        Case("temperature 0 takes the likeliest", (rows, 0.0), look_at="the one token that gets everything."),
        Case("three dimensions in float64", (drawn(3, 4, 5, dtype=torch.float64), 1.5), look_at="the last dimension."),
    ]


def _temperature(logits: Tensor, temperature: float = 1.0, *, wrong: str = "") -> Tensor:
    if temperature == 0 and wrong == "index":
        return logits.argmax(dim=-1)
    if temperature == 0 and wrong not in ("divides", "ignores"):
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    plain, tempered = logits.softmax(dim=-1), (logits / temperature).softmax(dim=0 if wrong == "dim" else -1)
    answers = {
        "multiplies": (logits * temperature).softmax(dim=-1),
        "after": plain / temperature,
        "power": plain ** (1 / temperature) if temperature else plain,
        "log": tempered.log(),
        "ignores": plain,
    }
    return answers.get(wrong, tempered)


EXERCISE = Exercise(
    number="3.4",
    title="From logits to probabilities at a temperature",
    points=1,
    minutes=5,
    solution=sampling.token_probabilities,
    cases=_temperature_cases,
    mistakes=(
        Mistake(
            "multiplies by the temperature",
            partial(_temperature, wrong="multiplies"),
            "That is what comes out when the logits are multiplied by the temperature: cold becomes hot. "
            "Look at: × and ÷.",
        ),
        Mistake(
            "temperature after the softmax",
            partial(_temperature, wrong="after"),
            "That is what comes out when the probabilities are divided: they no longer add up to 1, and their order of "
            "size says the same as before. Look at: on which side of the softmax you divide.",
        ),
        Mistake(
            "a power that is not normalised",
            partial(_temperature, wrong="power"),
            "The proportions are right: raising probabilities to 1/temperature is the same thing. But now they do not "
            "add up to 1. Look at: the sum over the vocabulary.",
        ),
        Mistake(
            "ignores the temperature",
            partial(_temperature, wrong="ignores"),
            "That is what comes out at temperature 1, whatever the temperature is. Look at: where you use it.",
        ),
        Mistake(
            "adds up over the wrong dimension",
            partial(_temperature, wrong="dim"),
            "That is what comes out when the softmax goes over the first dimension, which counts the texts of the "
            "batch. They would share one token among them. Look at: `dim`.",
        ),
        Mistake(
            "log-probabilities",
            partial(_temperature, wrong="log"),
            "These are the logarithms of the right numbers. Look at: softmax and log_softmax.",
        ),
        Mistake(
            "divides by 0",
            partial(_temperature, wrong="divides"),
            "That is what comes out when you divide by a temperature of 0. There all of the probability belongs to the "
            "likeliest token. Look at: an `if` at the top.",
        ),
        Mistake(
            "an index at temperature 0",
            partial(_temperature, wrong="index"),
            "That is what comes out when temperature 0 gives the number of the likeliest token. Wanted are "
            "probabilities, the same shape as the logits, with a single 1. Look at: `F.one_hot`, or zeros with a 1 put "
            "in.",
        ),
    ),
    hints=(
        "Divide first, then softmax over the vocabulary, which is the last dimension. Temperature 0 needs a way of its "
        "own.",
        "At temperature 0: `logits.argmax(dim=-1)` says which token, and `F.one_hot(…, logits.shape[-1])` makes 0s and "
        "a 1 of it; they have to become floats.",
    ),
)
