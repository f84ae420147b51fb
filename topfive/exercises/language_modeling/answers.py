"""Exercise 3.9: the log-probability of an answer, and the KL divergence that answers show."""

from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import losses

VOCABULARY = 7
Both = tuple[Tensor, Tensor]


def _answer_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(spans: list[tuple[int, int]], time: int, scale: float = 1.0) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Logits of both, tokens, and a mask that is 1 on the answer: from the first up to the second of each span."""
        logits = scale * torch.randn(len(spans), time, VOCABULARY, generator=generator)
        reference = logits + scale * torch.randn(len(spans), time, VOCABULARY, generator=generator)
        place = torch.arange(time)
        mask = torch.stack([(place >= first) & (place < last) for first, last in spans]).long()
        return logits, reference, torch.randint(VOCABULARY, (len(spans), time), generator=generator), mask

    model = torch.tensor([[[1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [1.0, 1.0, 6.0]]]).log()
    reference = torch.tensor([[[2.0, 1.0, 1.0], [1.0, 1.0, 6.0], [1.0, 1.0, 1.0]]]).log()
    apart = drawn([(2, 6), (1, 5)], 6, scale=60.0)
    starts = integers(1, 4, 12, generator)
    many = drawn([(a, a + b) for a, b in zip(starts, integers(2, 6, 12, generator), strict=True)], 9)
    return [
        Case(
            "an answer of two tokens, by hand",
            (model, reference, torch.tensor([[0, 1, 2]]), torch.tensor([[0, 1, 1]])),
            look_at="the probability of each of the two tokens, under the one and under the other.",
        ),
        Case("two answers of different length", drawn([(2, 5), (1, 8)], 8), look_at="the sum over an answer."),
        Case("an answer of one token, and one that fills its row", drawn([(3, 4), (1, 6)], 6), look_at="the mask."),
        Case("at a temperature of 0.7", (*drawn([(2, 6), (1, 4), (3, 7)], 7), 0.7), look_at="the temperature."),
        Case("at a high temperature", drawn([(1, 6), (2, 5)], 6), {"temperature": 3.0}, look_at="the temperature."),
        Case("twelve answers", (*many, 1.5), look_at="sums, means, and over what they are taken."),
        Case("a model against itself", (many[0], many[0].clone(), *many[2:]), look_at="what a KL of this is."),
        Case("logits that are far apart", apart, look_at="whether a probability becomes 0 before its logarithm."),
        Case("logits that are far apart", (*apart, 0.5), look_at="a logarithm of 0."),
    ]


# --- the answer in its steps, so that a mistake can be made in one of them ------------------------------------------


def _rows(logits: Tensor, tokens: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The rows that predict, the tokens that they predict, and which of these belong to the answer."""
    return logits[:, :-1], tokens[:, 1:], mask[:, 1:]


def _chosen(rows: Tensor, tokens: Tensor) -> Tensor:
    return rows.log_softmax(dim=-1).gather(-1, tokens[..., None])[..., 0]


def _sum(each: Tensor, counted: Tensor) -> Tensor:
    return (each * counted).sum(dim=1)


def _difference(own: Tensor, reference: Tensor, counted: Tensor) -> Tensor:
    return (own - reference).mean()


def _made(
    align: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]] = _rows,
    each: Callable[[Tensor, Tensor], Tensor] = _chosen,
    over: Callable[[Tensor, Tensor], Tensor] = _sum,
    kl: Callable[[Tensor, Tensor, Tensor], Tensor] = _difference,
    cooled: Callable[[Tensor, float], Tensor] = lambda logits, temperature: logits / temperature,
    reference_cooled: Callable[[Tensor, float], Tensor] | None = None,
) -> Function:
    """Right as it stands, wrong with a wrong part."""

    def both(logits: Tensor, ref_logits: Tensor, tokens: Tensor, mask: Tensor, temperature: float = 1.0) -> Both:
        found = []
        for some, cool in ((logits, cooled), (ref_logits, reference_cooled or cooled)):
            rows, following, counted = align(cool(some, temperature), tokens, mask)
            found.append(over(each(rows, following), counted))
        return found[0], kl(found[0], found[1], mask[:, 1:])

    return both


def _then(change: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]) -> Function:
    """The right two, and something done to them."""
    return lambda *args, **kwargs: change(*losses.logprobs_and_kl(*args, **kwargs))


def _divided_afterwards(
    logits: Tensor, ref_logits: Tensor, tokens: Tensor, mask: Tensor, temperature: float = 1.0
) -> Both:
    own, kl = losses.logprobs_and_kl(logits, ref_logits, tokens, mask)
    return own / temperature, kl / temperature


def _exact_kl(logits: Tensor, ref_logits: Tensor, tokens: Tensor, mask: Tensor, temperature: float = 1.0) -> Both:
    """KL of the two distributions at each place of the answer, instead of the tokens that were drawn."""
    own, reference = ((some[:, :-1] / temperature).log_softmax(dim=-1) for some in (logits, ref_logits))
    each = (own.exp() * (own - reference)).sum(dim=-1)
    right = losses.logprobs_and_kl(logits, ref_logits, tokens, mask, temperature)[0]
    return right, (each * mask[:, 1:]).sum(dim=1).mean()


def _k3(own: Tensor, reference: Tensor, counted: Tensor) -> Tensor:
    return ((reference - own).expm1() - (reference - own)).mean()


def _mean(each: Tensor, counted: Tensor) -> Tensor:
    return _sum(each, counted) / counted.sum(dim=1)


def _never_nothing(rows: Tensor, tokens: Tensor) -> Tensor:
    return (rows.softmax(dim=-1).gather(-1, tokens[..., None])[..., 0] + 1e-9).log()


def _log_of_softmax(rows: Tensor, tokens: Tensor) -> Tensor:
    return rows.softmax(dim=-1).gather(-1, tokens[..., None])[..., 0].log()


EXERCISE = Exercise(
    number="3.9",
    title="The log-probability of an answer, and KL",
    points=3,
    minutes=15,
    solution=losses.logprobs_and_kl,
    cases=_answer_cases,
    mistakes=(
        Mistake(
            "a mean over the answer",
            _made(over=_mean),
            "That is what comes out when the tokens of an answer are averaged. The probability of an answer is a "
            "product, so its logarithm is a sum; a mean makes long answers look as likely as short ones. "
            "Look at: what you do with the tokens' numbers.",
            "length-normalised log-probabilities are used to choose between answers, never in KL or PPO's ratio",
            also=(_made(over=lambda each, counted: (each * counted).mean(dim=1)),),
        ),
        Mistake(
            "no shift",
            _made(lambda logits, tokens, mask: (logits, tokens, mask)),
            "That is what comes out when row t of the logits is asked about token t, which it has read. "
            "Look at: which token a row is a guess about (3.1).",
        ),
        Mistake(
            "mask not shifted",
            _made(lambda logits, tokens, mask: (logits[:, :-1], tokens[:, 1:], mask[:, :-1])),
            "That is what comes out when tokens are shifted and the mask is not: the first token of the answer is "
            "lost, and what stands behind its end counts. Look at: the mask, which moves with the tokens.",
        ),
        Mistake(
            "the prompt counts",
            _made(over=lambda each, counted: each.sum(dim=1)),
            "That is what comes out when all tokens count, of the prompt and the pads as well. The prompt was given: "
            "nobody drew it. Look at: the mask.",
        ),
        Mistake(
            "no temperature",
            _made(cooled=lambda logits, temperature: logits),
            "That is what comes out when the temperature is left out. At 0.7 the sampler drew from other probabilities "
            "than softmax(logits); these here are of a policy that wrote nothing. Look at: `temperature`.",
            "the same slip in the sampling of several RLHF libraries, where PPO's ratio then does not begin at 1",
        ),
        Mistake(
            "the temperature of one only",
            _made(reference_cooled=lambda logits, temperature: logits),
            "The log-probabilities are right. The KL is what comes out when the temperature is used for the model and "
            "not for the reference. Look at: the reference's logits.",
        ),
        Mistake(
            "times the temperature",
            _made(cooled=lambda logits, temperature: logits * temperature),
            "That is what comes out when logits are multiplied by the temperature. Below 1 the likely is to get "
            "likelier. Look at: 3.5.",
        ),
        Mistake(
            "log-probabilities by the temperature",
            _divided_afterwards,
            "That is what comes out when the log-probabilities are divided by the temperature, after the softmax: they "
            "then belong to no distribution, for nothing sums to 1. Look at: what is divided, and when.",
        ),
        Mistake(
            "the wrong way round",
            _then(lambda own, kl: (own, -kl)),
            "The log-probabilities are right. The KL is what comes out when the model's are taken from the "
            "reference's: on average minus the divergence. Look at: who wrote the answers, and so likes them more.",
        ),
        Mistake(
            "negative numbers turned round",
            _made(kl=lambda own, reference, counted: (own - reference).abs().mean()),
            "The log-probabilities are right. The KL is what comes out when negative differences are made positive or "
            "0. A single answer may be likelier under the reference; only the mean over many is never below 0. "
            "Look at: abs, clamp or max.",
            also=(_made(kl=lambda own, reference, counted: (own - reference).clamp(min=0).mean()),),
        ),
        Mistake(
            "a sum over the answers",
            _made(kl=lambda own, reference, counted: (own - reference).sum()),
            "The log-probabilities are right. The KL is what comes out when the differences of all answers are added "
            "up: twice as many answers would double it. Look at: sum and mean.",
        ),
        Mistake(
            "KL a token",
            _made(kl=lambda own, reference, counted: (own - reference).sum() / counted.sum()),
            "The log-probabilities are right. The KL is what comes out when the differences are shared out among the "
            "tokens. Nats an answer were asked for. Look at: what you divide by.",
        ),
        Mistake(
            "one KL for each answer",
            _made(kl=lambda own, reference, counted: own - reference),
            "The log-probabilities are right, and so is what follows but for its last step: a KL is a mean over "
            "answers, one number. Look at: your last line.",
        ),
        Mistake(
            "KL of the tables",
            _exact_kl,
            "The log-probabilities are right. The other is the KL of the two distributions at each place, over the "
            "whole vocabulary. It has the same mean and less noise, but here the answers themselves are to tell, which "
            "needs two numbers a token. Look at: the tokens that were drawn.",
        ),
        Mistake(
            "k3",
            _made(kl=_k3),
            "The log-probabilities are right. The other is k3, another estimate of the same KL, which you will meet in "
            "06. Here the plain mean of the difference was asked for. Look at: your last line.",
            "J. Schulman 2020, Approximating KL divergence",
        ),
        Mistake(
            "sign",
            _made(each=lambda rows, tokens: -_chosen(rows, tokens)),
            "That is what comes out when the sign is turned round: a loss is −log p, a log-probability is log p, and "
            "never above 0. Look at: `cross_entropy`, which gives losses.",
        ),
        Mistake(
            "probabilities",
            _then(lambda own, kl: (own.exp(), kl)),
            "The KL is right. The first is the probability of each answer; its logarithm was asked for, because of a "
            "long answer the probability is 0 in any float. Look at: exp.",
        ),
        Mistake(
            "a probability of 0 before its logarithm",
            _made(each=_log_of_softmax),
            "That is what comes out when the probability is computed first and then its logarithm: what is very "
            "unlikely becomes 0, and log 0 is −∞. Look at: `log_softmax`, which never leaves the logarithms.",
            also=(_made(each=_never_nothing),),
        ),
        Mistake(
            "no softmax",
            _made(each=lambda rows, tokens: rows.gather(-1, tokens[..., None])[..., 0]),
            "That is what comes out when logits are taken for log-probabilities: those of a row have probabilities "
            "that sum to 1. Look at: what turns the one into the other.",
        ),
    ),
    hints=(
        "How likely is a whole answer? As likely as its first token, times its second given the first, and so on. What "
        "becomes of that product when you take its logarithm?",
        "Rows, tokens and mask as in 3.1; `log_softmax` of the logits by the temperature; `gather` picks the token "
        "that follows. Then a sum along each row. Do the same with the reference's logits.",
        "Divide the logits by the temperature first, then `log_softmax`; take what `gather` finds times the shifted "
        "mask, and sum over time. The mean of the difference between the two models is one number.",
    ),
)
