"""Exercise 3.2: perplexity per token and per word."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import losses


def _perplexity_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(texts: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
        words = torch.randint(2, 20, (texts,), generator=generator)
        tokens = words + torch.randint(1, 20, (texts,), generator=generator)
        return tokens * (0.5 + 2 * torch.rand(texts, generator=generator, dtype=dtype)), tokens, words

    return [
        Case(
            "one text of three words in six tokens",
            (torch.tensor([12.0]), torch.tensor([6]), torch.tensor([3])),
            look_at="how many nats fall on each token, and how many on each word.",
        ),
        Case("a long and a short text", drawn(2), look_at="whether you add up before you divide."),
        Case("forty texts in float64", drawn(40, torch.float64), look_at="the order of exp, mean and division."),
    ]


def _perplexities(nats: Tensor, tokens: Tensor, words: Tensor, *, wrong: str = "") -> tuple[float, float]:
    counts = (tokens, words)
    if wrong == "mean of perplexities":
        a, b = ((nats / count).exp().mean() for count in counts)
    elif wrong == "mean of means":
        a, b = ((nats / count).mean().exp() for count in counts)
    elif wrong == "base 2":
        a, b = (2 ** (nats.sum() / count.sum()) for count in counts)
    elif wrong == "no exp":
        a, b = (nats.sum() / count.sum() for count in counts)
    elif wrong == "sign":
        a, b = ((-nats.sum() / count.sum()).exp() for count in counts)
    else:
        a, b = ((nats.sum() / count.sum()).exp() for count in counts)
    if wrong == "scaled":
        b = a * tokens.sum() / words.sum()
    if wrong == "swapped":
        a, b = b, a
    return float(a), float(b)


EXERCISE = Exercise(
    number="3.2",
    title="Perplexity per token and per word",
    points=2,
    minutes=10,
    solution=losses.perplexities,
    cases=_perplexity_cases,
    mistakes=(
        Mistake(
            "mean of the texts' perplexities",
            partial(_perplexities, wrong="mean of perplexities"),
            "That is what comes out when every text gets a perplexity, and these are averaged: one odd text then "
            "decides. Look at: at which point you add up the texts.",
        ),
        Mistake(
            "mean of the texts' means",
            partial(_perplexities, wrong="mean of means"),
            "That is what comes out when the loss is averaged within each text first: a token in a short text counts "
            "for more than one in a long text. Look at: adding up nats and counts before you divide.",
        ),
        Mistake(
            "base 2",
            partial(_perplexities, wrong="base 2"),
            "That is what comes out when 2 is raised to the loss. It would be right for bits; ours are nats, from the "
            "natural logarithm. Look at: the base of the power.",
            "textbooks write 2 to the entropy in bits; PyTorch's losses are in nats",
        ),
        Mistake(
            "no exp",
            partial(_perplexities, wrong="no exp"),
            "That is the loss, in nats; its exponential is the perplexity. Look at: the text above your function.",
        ),
        Mistake(
            "sign",
            partial(_perplexities, wrong="sign"),
            "That is what comes out when the sign is turned round once too often: a mean probability, below one. The "
            "nats that you get are negative log-likelihoods already. Look at: the sign inside exp.",
        ),
        Mistake(
            "scales the perplexity instead of the loss",
            partial(_perplexities, wrong="scaled"),
            "The first is right. The second is what comes out when it is multiplied by tokens a word. A word costs "
            "that many times the nats, and nats stand in the exponent. Look at: on which side of exp you multiply.",
        ),
        Mistake(
            "swapped",
            partial(_perplexities, wrong="swapped"),
            "Both numbers are there, but in the other order. Look at: what is to be returned first.",
        ),
    ),
    hints=(
        "Both are the same number of nats, shared out among more or fewer pieces. What is the total for all texts, and "
        "how many pieces are there in all?",
        "Total nats by total count is the mean loss of one piece; `torch.exp` turns it into a perplexity. Do it twice, "
        "once with tokens and once with words, and return both in that order.",
    ),
)
