"""Exercise 3.2: perplexity per token and per word."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import losses


def _perplexity_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(texts: int) -> tuple[Tensor, Tensor, Tensor]:
        words = torch.randint(2, 20, (texts,), generator=generator)
        tokens = words + torch.randint(1, 20, (texts,), generator=generator)
        return tokens * (0.5 + 2 * torch.rand(texts, generator=generator)), tokens, words

    short, long = torch.tensor([3]), torch.tensor([25])
    beside = (torch.tensor([2.5, 45.0]), torch.cat([short, long]), torch.cat([short - 1, long - 13]))
    return [
        Case(
            "one text of three words in six tokens",
            (torch.tensor([12.0]), torch.tensor([6]), torch.tensor([3])),
            look_at="how many nats fall on each token, and how many on each word, and what makes a perplexity of nats.",
        ),
        Case("a short and a long text", beside, look_at="whether you add up before you divide."),
        Case("a long text by itself", drawn(1), look_at="the order of exp and division."),
        Case("forty texts", drawn(40), look_at="the order of exp, sum and division."),
    ]


def _mean_nats(nats: Tensor, count: Tensor) -> Tensor:
    return nats.sum() / count.sum()


def _pair(one: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """Both perplexities by one formula of nats and a count."""

    def both(nats: Tensor, tokens: Tensor, words: Tensor) -> tuple[float, float]:
        return float(one(nats, tokens)), float(one(nats, words))

    return both


def _perplexities(nats: Tensor, tokens: Tensor, words: Tensor, *, wrong: str = "") -> tuple[float, float]:
    """Mistakes in how the two belong together."""
    per_token, per_word = (float(_mean_nats(nats, count).exp()) for count in (tokens, words))
    ratio = float(tokens.sum() / words.sum())
    return {
        "scaled": (per_token, per_token * ratio),
        "mean ratio": (per_token, per_token ** float((tokens / words).mean())),
        "inverse ratio": (per_token, per_token ** (1 / ratio)),
        "swapped": (per_word, per_token),
        "tokens twice": (per_token, per_token),
        "words twice": (per_word, per_word),
    }[wrong]


EXERCISE = Exercise(
    number="3.2",
    title="Perplexity per token and per word",
    points=1,
    minutes=5,
    solution=losses.perplexities,
    cases=_perplexity_cases,
    mistakes=(
        Mistake(
            "mean of the texts' perplexities",
            _pair(lambda nats, count: (nats / count).exp().mean()),
            "That is what comes out when every text gets a perplexity, and these are averaged: one odd text then "
            "decides. Look at: at which point you add up the texts.",
            also=(_pair(lambda nats, count: ((nats / count).exp() * count).sum() / count.sum()),),
        ),
        Mistake(
            "mean of the texts' means",
            _pair(lambda nats, count: (nats / count).mean().exp()),
            "That is what comes out when the loss is averaged within each text first: a token in a short text counts "
            "for more than one in a long text. Look at: adding up nats and counts before you divide.",
            also=(
                lambda nats, tokens, words: (
                    float(_mean_nats(nats, tokens).exp()),
                    float((nats / words).mean().exp()),
                ),
            ),
        ),
        Mistake(
            "sum of the texts' means",
            _pair(lambda nats, count: (nats / count).sum().exp()),
            "That is what comes out when each text's nats are divided by its own count, and these are added up: with "
            "every text the perplexity grows. Look at: how many pieces there are in all.",
        ),
        Mistake(
            "divides by the number of texts",
            _pair(lambda nats, count: nats.mean().exp()),
            "That is what comes out when the nats are shared out among the texts; a perplexity is that of a token, or "
            "of a word. Look at: what you divide by.",
            also=(
                lambda nats, tokens, words: (
                    float(_mean_nats(nats, tokens).exp()),
                    float((nats.sum() / len(words)).exp()),
                ),
            ),
        ),
        Mistake(
            "weighted by its pieces once more",
            _pair(lambda nats, count: ((nats * count).sum() / count.sum()).exp()),
            "That is what comes out when each text's nats are multiplied by its count before they are added up. They "
            "are the sum over the text already: nothing is left to weigh. Look at: what `nats` holds for a text.",
        ),
        Mistake(
            "a sum and a mean",
            _pair(lambda nats, count: (nats.sum() / count.float().mean()).exp()),
            "That is what comes out when nats or pieces are added up over the texts and the other is averaged. All "
            "nats belong to all pieces. Look at: sum and mean.",
            also=(_pair(lambda nats, count: (nats.mean() / count.sum()).exp()),),
        ),
        Mistake(
            "only the first text",
            _pair(lambda nats, count: (nats[0] / count[0]).exp()),
            "That is what comes out when only the first text is measured. Look at: an index that is always 0.",
        ),
        Mistake(
            "a division without rest",
            _pair(lambda nats, count: (nats.sum() // count.sum()).exp()),
            "That is what comes out when `//` throws away what does not go into it a whole number of times. "
            "Look at: / and //.",
        ),
        Mistake(
            "exp of the total",
            _pair(lambda nats, count: nats.sum().exp()),
            "That is what comes out when exp is taken of all nats together. Look at: on how many pieces they fall.",
            also=(
                _pair(lambda nats, count: nats.sum().exp() / count.sum()),
                _pair(lambda nats, count: nats.exp().sum()),
            ),
        ),
        Mistake(
            "root of the total",
            _pair(lambda nats, count: nats.sum().exp() ** (1 / count.sum())),
            "That is right on paper. But exp of a few hundred nats is too large for any float, and the root of "
            "infinity is infinity. Look at: dividing before exp.",
            also=(_pair(lambda nats, count: nats.exp().prod() ** (1 / count.sum())),),
        ),
        Mistake(
            "base 2",
            _pair(lambda nats, count: 2 ** _mean_nats(nats, count)),
            "That is what comes out when another number than e is raised to the loss: 2 would be right for bits. Ours "
            "are nats, from the natural logarithm. Look at: the base of the power.",
            "textbooks write 2 to the entropy in bits; PyTorch's losses are in nats",
            also=(_pair(lambda nats, count: 10 ** _mean_nats(nats, count)),),
        ),
        Mistake(
            "no exp",
            _pair(_mean_nats),
            "That is the loss, in nats; its exponential is the perplexity. Look at: the text above your function.",
        ),
        Mistake(
            "bits",
            _pair(lambda nats, count: _mean_nats(nats, count) / torch.tensor(2.0).log()),
            "That is the loss in bits. A perplexity is an exponential of the loss. Look at: log and exp.",
        ),
        Mistake(
            "log for exp",
            _pair(lambda nats, count: _mean_nats(nats, count).log()),
            "That is the logarithm of the loss; its exponential is the perplexity. The loss is made of logarithms "
            "already. Look at: log and exp.",
        ),
        Mistake(
            "sign",
            _pair(lambda nats, count: (-_mean_nats(nats, count)).exp()),
            "That is what comes out when the sign is turned round once too often: a mean probability, below one. The "
            "nats that you get are negative log-likelihoods already. Look at: the sign inside exp.",
        ),
        Mistake(
            "pieces by nats",
            _pair(lambda nats, count: (count.sum() / nats.sum()).exp()),
            "That is what comes out when pieces are divided by nats. Look at: what stands above the line, and what "
            "below.",
        ),
        Mistake(
            "one piece less in each text",
            _pair(lambda nats, count: (nats.sum() / (count - 1).sum()).exp()),
            "That is what comes out when one piece of each text is taken off, as if the first were not predicted. All "
            "the pieces that you are given here are. Look at: what you divide by.",
            also=(
                _pair(lambda nats, count: (nats.sum() / (count.sum() - 1)).exp()),
                lambda nats, tokens, words: (
                    float((nats.sum() / (tokens - 1).sum()).exp()),
                    float(_mean_nats(nats, words).exp()),
                ),
            ),
        ),
        Mistake(
            "one piece more in each text",
            _pair(lambda nats, count: (nats.sum() / (count + 1).sum()).exp()),
            "That is what comes out when one piece more is counted, perhaps for the end token or against a division by "
            "0. The counts that you are given are whole. Look at: what you divide by.",
            also=(_pair(lambda nats, count: (nats.sum() / (count.sum() + 1)).exp()),),
        ),
        Mistake(
            "scales the perplexity instead of the loss",
            partial(_perplexities, wrong="scaled"),
            "The first is right. The second is what comes out when it is multiplied by tokens a word. A word costs "
            "that many times the nats, and nats stand in the exponent. Look at: on which side of exp you multiply.",
        ),
        Mistake(
            "another number of tokens a word",
            partial(_perplexities, wrong="mean ratio"),
            "The first is right. The second is made from it with a number of tokens a word that is not the number of "
            "all tokens by that of all words: a mean of the texts' own, perhaps, or words by tokens. "
            "Look at: the exponent.",
            also=(partial(_perplexities, wrong="inverse ratio"),),
        ),
        Mistake(
            "one count for both",
            partial(_perplexities, wrong="tokens twice"),
            "Both are per token, or both per word: the same count has been used twice. Look at: the two counts.",
            also=(partial(_perplexities, wrong="words twice"),),
        ),
        Mistake(
            "swapped",
            partial(_perplexities, wrong="swapped"),
            "Both numbers are there, but in the other order. Look at: what is to be returned first.",
        ),
        Mistake(
            "rounded",
            _pair(lambda nats, count: _mean_nats(nats, count).exp().round(decimals=2)),
            "That is what comes out when the numbers are rounded. Whoever prints them may do that. "
            "Look at: your last line.",
            also=(
                _pair(lambda nats, count: _mean_nats(nats, count).exp().round(decimals=1)),
                _pair(lambda nats, count: _mean_nats(nats, count).exp().round()),
            ),
        ),
    ),
    hints=(
        "Both are the same number of nats, shared out among more or fewer pieces. What is the total for all texts, and "
        "how many pieces are there in all?",
        "Two sums and a division give the nats that fall on one piece, taken over all texts. Only then comes the "
        "exponential, which `torch.exp` knows.",
        "Total nats by total count is the mean loss of one piece; `torch.exp` turns it into a perplexity. Do it twice, "
        "once with tokens and once with words, and return both in that order.",
    ),
)
