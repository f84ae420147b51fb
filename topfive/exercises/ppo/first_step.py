"""Exercise 6.8: one step by hand."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo.toy import first_step


def _step_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(answers: int, chosen: list[int], rate: float, high: float = 0.0) -> tuple[Tensor, Tensor, Tensor, float]:
        logits = torch.randn(answers, generator=generator) + high
        return logits, torch.tensor(chosen), torch.randn(len(chosen), generator=generator), rate

    return [
        Case(
            "one sample out of three answers",
            drawn(3, integers(0, 3, 1, generator), 0.5),
            look_at="each logit by hand: what moves the answer that was sampled, and what moves the two others.",
        ),
        Case("three different samples", drawn(5, [2, 0, 3], 0.5), look_at="the mean over samples."),
        Case("the same answer twice", drawn(6, [1, 4, 1, 0], 0.3), look_at="what happens to both advantages."),
        Case("the same answer twice", drawn(2, [1, 1, 0, 1, 1], 2.0), look_at="what happens to all the advantages."),
        Case("logits far above 0", drawn(4, [3, 1], 50.0, high=200.0), look_at="how π comes from the logits."),
        Case("many samples", drawn(20, integers(0, 20, 100, generator), 5.0), look_at="the largest deviation."),
    ]


def _moved(step: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Function:
    """logits + η · `step(onehot, π, Â)`; onehot is (n, answers), Â is (n, 1)."""

    def moved(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
        onehot = F.one_hot(chosen, len(logits)).to(logits)
        return logits + learning_rate * step(onehot, logits.softmax(dim=0), advantages[:, None])

    return moved


def _with_policy(policy: Callable[[Tensor], Tensor]) -> Function:
    """All as it should be, but with `policy(logits)` where π belongs."""

    def moved(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
        score = F.one_hot(chosen, len(logits)) - policy(logits)
        return logits + learning_rate * (advantages[:, None] * score).mean(dim=0)

    return moved


def _after(change: Callable[[Tensor, Tensor, float], Tensor]) -> Function:
    """`change(logits, right answer, η)`."""
    return lambda logits, chosen, advantages, learning_rate: change(
        logits, first_step(logits, chosen, advantages, learning_rate), learning_rate
    )


def _once(keep_last: bool) -> Function:
    """A sum over samples in which a repeated answer has its last advantage only, or its first."""

    def moved(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
        taken = torch.zeros_like(logits)
        pairs = list(zip(chosen.tolist(), advantages, strict=True))
        for answer, advantage in pairs if keep_last else reversed(pairs):
            taken[answer] = advantage
        return logits + learning_rate * (taken - advantages.sum() * logits.softmax(dim=0)) / len(chosen)

    return moved


def _last_row_wins(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
    """logits[chosen] += … where an answer is repeated, and − π for all."""
    new = logits - learning_rate * advantages.mean() * logits.softmax(dim=0)
    for answer, advantage in zip(chosen.tolist(), advantages, strict=True):
        new[answer] = logits[answer] + learning_rate * advantage / len(chosen)
    return new


def _one_after_the_other(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
    for answer, advantage in zip(chosen[:, None], advantages[:, None], strict=True):
        logits = first_step(logits, answer, advantage, learning_rate / len(chosen))
    return logits


def _one_after_the_other_in_full(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
    return _one_after_the_other(logits, chosen, advantages, learning_rate * len(chosen))


def _by_hand(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum()


def _at_chosen(onehot: Tensor, policy: Tensor) -> Tensor:
    """π of each sampled answer, (n, 1)."""
    return (onehot * policy).sum(dim=1, keepdim=True)


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
            _moved(lambda onehot, pi, adv: -(adv * (onehot - pi)).mean(dim=0)),
            "That is what comes out when the step goes the other way: bad answers become likelier. Descending a loss "
            "that carries a minus is climbing. Look at: count your minus signs.",
        ),
        Mistake(
            "the sign of the advantages is lost",
            _moved(lambda onehot, pi, adv: (adv.abs() * (onehot - pi)).mean(dim=0)),
            "That is what comes out when an advantage counts by its size alone: answers worse than expected become "
            "likelier, too. Look at: `abs`, or a square, on the advantages.",
            also=(_moved(lambda onehot, pi, adv: (adv**2 * (onehot - pi)).mean(dim=0)),),
        ),
        Mistake(
            "only the chosen answers move",
            _moved(lambda onehot, pi, adv: (adv * onehot).mean(dim=0)),
            "That is what comes out without − π for the answers that were not sampled. Probabilities sum to 1, so what "
            "one answer gains all have to pay, each in proportion to its probability. Look at: the gradient of log "
            "softmax.",
            also=(_moved(lambda onehot, pi, adv: (adv * onehot * (1 - pi)).mean(dim=0)),),
        ),
        Mistake(
            "− π without the advantage",
            _moved(lambda onehot, pi, adv: (adv * onehot - pi).mean(dim=0)),
            "That is what comes out of Â · onehot − π: the advantage reaches the first part only. "
            "Look at: the brackets around onehot − π.",
        ),
        Mistake(
            "a plus before π",
            _moved(lambda onehot, pi, adv: (adv * (onehot + pi)).mean(dim=0)),
            "That is what comes out when π is added, for all answers or for those that were not sampled: then all "
            "gain, and nobody pays. Look at: the sign of π.",
            also=(
                _moved(
                    lambda onehot, pi, adv: (adv * (onehot * (1 - pi) + (1 - onehot) * pi)).mean(dim=0),
                ),
            ),
        ),
        Mistake(
            "logits where π belongs",
            _with_policy(lambda logits: logits),
            "That is what comes out when the logits, or log π, are subtracted instead of the probabilities. "
            "Look at: π.",
            also=(_with_policy(lambda logits: logits.log_softmax(dim=0)), _with_policy(lambda logits: logits.exp())),
        ),
        Mistake(
            "exp of large logits",
            _with_policy(_by_hand),
            "That is what comes out when exp is taken of logits as they are: above 88 it is ∞. Look at: softmax, which "
            "subtracts the largest logit first.",
        ),
        Mistake(
            "all answers pay alike",
            _with_policy(lambda logits: torch.full_like(logits, 1 / len(logits))),
            "That is what comes out when every answer pays the same, as if π were equal for all. "
            "Look at: where the logits enter.",
        ),
        Mistake(
            "π of the sampled answers",
            _moved(lambda onehot, pi, adv: (adv * (onehot - _at_chosen(onehot, pi))).mean(dim=0)),
            "That is what comes out when the probability of the sampled answer is subtracted from all. "
            "Each answer pays with its own. Look at: the shape of π, (answers,).",
        ),
        Mistake(
            "gradient of the probability",
            _moved(lambda onehot, pi, adv: (adv * _at_chosen(onehot, pi) * (onehot - pi)).mean(dim=0)),
            "That is what comes out when each sample is also multiplied by a π, as in the gradient of π instead of "
            "that of log π, or by log π, or divided by π. Likely answers are sampled more often already. Look at: what "
            "∂ρ is where ρ = 1.",
            also=(
                _moved(lambda onehot, pi, adv: (adv * pi * (onehot - pi)).mean(dim=0)),
                _moved(lambda onehot, pi, adv: (adv * _at_chosen(onehot, pi.log()) * (onehot - pi)).mean(dim=0)),
                _moved(lambda onehot, pi, adv: (adv * (onehot - pi) / _at_chosen(onehot, pi)).mean(dim=0)),
            ),
        ),
        Mistake(
            "a repeated answer counts once",
            _once(keep_last=True),
            "That is what comes out when an answer that was sampled twice keeps only one of its advantages, as in "
            "total[chosen] = advantages or total[chosen] += advantages. Look at: index_add, or a loop.",
            "PyTorch: indexing with repeated indices does not accumulate",
            also=(_once(keep_last=False), _last_row_wins),
        ),
        Mistake(
            "a sum",
            _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum(dim=0)),
            "That is what comes out when the samples are added up and not averaged. Look at: what you divide by.",
        ),
        Mistake(
            "divided by the answers",
            _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum(dim=0) / len(pi)),
            "That is what comes out when the sum is divided by the number of answers, or by any other than that of the "
            "samples. Look at: what you divide by.",
            also=(
                _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum(dim=0) / onehot.any(dim=0).sum()),
                _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum(dim=0) / onehot.sum(dim=0).clamp(min=1)),
                _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum(dim=0) / onehot.numel()),
                _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).mean(dim=0) / len(adv)),
            ),
        ),
        Mistake(
            "one number for all logits",
            _moved(lambda onehot, pi, adv: (adv * (onehot - pi)).mean()),
            "That is what comes out when the mean or the sum runs over samples and answers: every logit then moves by "
            "the same amount. Look at: the `dim` of your mean.",
            also=(_moved(lambda onehot, pi, adv: (adv * (onehot - pi)).sum()),),
        ),
        Mistake(
            "averages multiplied",
            _moved(lambda onehot, pi, adv: adv.mean() * (onehot - pi).mean(dim=0)),
            "That is what comes out when the advantages are averaged (or added up) by themselves, and onehot − π too. "
            "Each sample has its own advantage. Look at: which comes first, the product or the mean.",
            also=(
                _moved(lambda onehot, pi, adv: adv.sum() * (onehot - pi).mean(dim=0)),
                _moved(lambda onehot, pi, adv: adv.mean() * (onehot - pi).sum(dim=0)),
            ),
        ),
        Mistake(
            "without the advantages",
            _moved(lambda onehot, pi, adv: (onehot - pi).mean(dim=0)),
            "That is what comes out when every sample counts +1: the policy would imitate itself, good or bad. "
            "Look at: where `advantages` enters.",
            also=(_moved(lambda onehot, pi, adv: (adv.sign() * (onehot - pi)).mean(dim=0)),),
        ),
        Mistake(
            "whitens the advantages",
            _moved(lambda onehot, pi, adv: ((adv - adv.mean()) * (onehot - pi)).mean(dim=0)),
            "That is what comes out when a mean is taken off the advantages, or they are whitened. They come as they "
            "are to be used. Look at: what is done to Â before it is multiplied.",
            also=(
                _moved(lambda onehot, pi, adv: ((adv - adv.mean()) / (adv.std() + 1e-8) * (onehot - pi)).mean(dim=0)),
                _moved(
                    lambda onehot, pi, adv: ((adv - adv.mean()) / (adv.std(correction=0) + 1e-8) * (onehot - pi)).mean(
                        dim=0
                    )
                ),
            ),
        ),
        Mistake(
            "no learning rate",
            _after(lambda logits, new, rate: logits + (new - logits) / rate),
            "That is what comes out when the step is taken in full. Look at: where `learning_rate` enters.",
        ),
        Mistake(
            "only the step",
            _after(lambda logits, new, rate: new - logits),
            "That is what comes out when the step, or the gradient, is returned. It is to be added to the logits. "
            "Look at: your last line.",
            also=(
                _after(lambda logits, new, rate: (new - logits) / rate),
                _after(lambda logits, new, rate: logits - new),
                _after(lambda logits, new, rate: (logits - new) / rate),
            ),
        ),
        Mistake(
            "probabilities",
            _after(lambda logits, new, rate: new.softmax(dim=0)),
            "That is what comes out when the new probabilities, or their logarithms, are returned, or are what the "
            "step is added to. Look at: what you are given and what you return are logits.",
            also=(
                _after(lambda logits, new, rate: new.log_softmax(dim=0)),
                _after(lambda logits, new, rate: logits.softmax(dim=0) + new - logits),
                _after(lambda logits, new, rate: logits.log_softmax(dim=0) + new - logits),
            ),
        ),
        Mistake(
            "one sample after the other",
            _one_after_the_other,
            "That is what comes out when each sample makes a step of its own, and the next one begins there. It is one "
            "step for the whole batch, with the π from before it. Look at: where π is computed.",
            also=(_one_after_the_other_in_full,),
        ),
        Mistake(
            "a step for each sample",
            _moved(lambda onehot, pi, adv: adv * (onehot - pi)),
            "That is what comes out when there is a row for each sample. The rows are to be averaged. "
            "Look at: the mean over samples, `dim=0`.",
        ),
    ),
    hints=(
        "For one sample: the gradient of log π(answer) by the logits is onehot(answer) − π. Check its sum: 0.",
        "At ρ = 1 the gradient of ρ is that of log π. So the step is learning_rate · mean of Â · (onehot − π).",
        "`torch.nn.functional.one_hot(chosen, len(logits))` is (n, answers); weight its rows by Â and average over n.",
    ),
)
