"""Exercise 5.3: the Bradley–Terry loss."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import losses


def _bt_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(size: int) -> tuple[Tensor, Tensor]:
        chosen, rejected = torch.randn(2, size, generator=generator) * 2
        return chosen.requires_grad_(), rejected.requires_grad_()

    def fixed(chosen: list[float], rejected: list[float]) -> tuple[Tensor, Tensor]:
        return torch.tensor(chosen, requires_grad=True), torch.tensor(rejected, requires_grad=True)

    far = float(torch.rand((), generator=generator) * 100 + 400)
    many = "a batch"
    return [
        Case("one pair", fixed([2.0], [1.0]), look_at="each part of the formula, from the inside to the outside."),
        Case(many, drawn(5), look_at="one pair by itself, then what is done with all."),
        Case(many, drawn(64), look_at="one pair by itself, then what is done with all."),
        Case(
            "equal scores",
            fixed([0.0, 1.5, -3.0], [0.0, 1.5, -3.0]),
            look_at="the slope where the difference is 0; a head that begins at 0 begins there.",
        ),
        Case(
            "a model that is certain, and wrong",
            fixed([-far, 1.0, far], [far, 0.0, -far]),
            look_at="what the sigmoid of −200 is in float32, and what its logarithm is.",
        ),
    ]


def _of(loss: Callable[[Tensor], Tensor]) -> Function:
    """Another loss of a pair's difference, averaged."""
    return lambda chosen, rejected: loss(chosen - rejected).mean()


def _surprise(difference: Tensor) -> Tensor:
    return -F.logsigmoid(difference)


def _with_something_added(small: float) -> Function:
    return _of(lambda d: -torch.log(torch.sigmoid(d) + small))


def _cut_off_at(least: float) -> Function:
    return _of(lambda d: -torch.log(torch.sigmoid(d).clamp(min=least)))


def _never_further_than(most: float) -> Function:
    return _of(lambda d: _surprise(d.clamp(-most, most)))


EXERCISE = Exercise(
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
            _of(lambda d: _surprise(-d)),
            "That is what comes out when the rejected list's score comes first: the model would learn to like what "
            "people did not. Look at: the order of the difference.",
            also=(_of(lambda d: -torch.sigmoid(-d).log()), _of(lambda d: (1 + d.exp()).log())),
        ),
        Mistake(
            "no minus in front",
            _of(lambda d: -_surprise(d)),
            "That is what comes out without the minus. A log-likelihood is to be made large, a loss small. Look at: "
            "the sign of your result; a loss of a probability is never negative.",
            also=(
                _of(lambda d: torch.sigmoid(d).log()),
                lambda chosen, rejected: F.logsigmoid(chosen - rejected).sum(),
            ),
        ),
        Mistake(
            "rejected first, and no minus",
            _of(lambda d: -_surprise(-d)),
            "That is what comes out when the rejected list's score comes first and the minus in front is missing; the "
            "two do not cancel. Look at: the order of the difference, and the sign.",
        ),
        Mistake(
            "no logarithm",
            _of(lambda d: -torch.sigmoid(d)),
            "That is what comes out when probabilities are averaged without their logarithm. The product of "
            "probabilities is the likelihood of all pairs, so their logs are what is summed. Look at: the formula.",
            also=(_of(torch.sigmoid),),
        ),
        Mistake(
            "share of wrong predictions",
            _of(lambda d: torch.sigmoid(-d)),
            "That is what comes out when the probability of the wrong order is averaged. It hardly changes where the "
            "model is most wrong, so it hardly teaches there. Look at: the logarithm in the formula.",
            also=(_of(lambda d: (d < 0).float()),),
        ),
        Mistake(
            "no sigmoid",
            _of(lambda d: -d),
            "That is what comes out when the difference itself is averaged. It can be made as large as one likes by "
            "making all scores larger, and is no probability. Look at: σ in the formula.",
            also=(_of(lambda d: d), _of(lambda d: -d.log()), _of(lambda d: d.abs())),
        ),
        Mistake(
            "logarithm of a sigmoid that is 0",
            _of(lambda d: -torch.log(torch.sigmoid(d))),
            "That is what comes out when an exponential or a sigmoid is rounded to 0, to 1 or to infinity before its "
            "logarithm is taken. Look at: torch.nn.functional has log and sigmoid in one function, which never rounds "
            "in between.",
            "the reason for PyTorch's logsigmoid and binary_cross_entropy_with_logits",
            also=(
                _of(lambda d: -(1 / (1 + (-d).exp())).log()),
                _of(lambda d: (1 + (-d).exp()).log()),
                _of(lambda d: torch.log1p((-d).exp())),
                _of(lambda d: -(d.exp() / (1 + d.exp())).log()),
                _of(lambda d: F.binary_cross_entropy(torch.sigmoid(d), torch.ones_like(d))),
                lambda chosen, rejected: -(chosen.exp() / (chosen.exp() + rejected.exp())).log().mean(),
                lambda chosen, rejected: ((chosen.exp() + rejected.exp()).log() - chosen).mean(),
                lambda chosen, rejected: -torch.stack([chosen, rejected], 1).softmax(1)[:, 0].log().mean(),
            ),
        ),
        Mistake(
            "something small added, or the ends cut off",
            _of(lambda d: -torch.log(torch.sigmoid(d) + 1e-8)),
            "That is what comes out when the logarithm is saved from 0 by adding something small or by a clamp: the "
            "loss stays finite, but far out it is wrong and teaches nothing. Look at: torch.nn.functional has log and "
            "sigmoid in one function, which needs no such help.",
            also=(
                *map(_with_something_added, (1e-6, 1e-7, 1e-9, 1e-10, 1e-12)),
                *map(_cut_off_at, (1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-12)),
                *map(_never_further_than, (10.0, 20.0, 30.0, 50.0)),
            ),
        ),
        Mistake(
            "no slope where the scores are equal",
            _of(lambda d: F.relu(-d) + torch.log1p((-d.abs()).exp())),
            "That is what comes out when the loss is put together of relu and abs, whose slopes at 0 are 0: a head "
            "that begins with equal scores would never learn. Look at: torch.nn.functional has log and sigmoid in one "
            "function, which is smooth.",
            also=(_of(lambda d: (-d).clamp(min=0) + torch.log1p((-d.abs()).exp())),),
        ),
        Mistake(
            "sum over the batch",
            lambda chosen, rejected: _surprise(chosen - rejected).sum(),
            "That is what comes out when the pairs' losses are added. The learning rate would then mean something else "
            "for every batch size. Look at: your last step.",
            also=(lambda chosen, rejected: (torch.logaddexp(chosen, rejected) - chosen).sum() / 2,),
        ),
        Mistake(
            "a loss for each pair",
            lambda chosen, rejected: _surprise(chosen - rejected),
            "That is what comes out when the pairs' losses are not brought together: one number a pair. Training wants "
            "a single one. Look at: the word *mean*.",
        ),
        Mistake(
            "mean of the scores first",
            lambda chosen, rejected: _surprise(chosen.mean() - rejected.mean()),
            "That is what comes out when the mean is taken before the loss: only the average pair is looked at, and "
            "one that is badly wrong can hide. Look at: what the mean in the formula is taken of.",
            also=(lambda chosen, rejected: -torch.sigmoid(chosen - rejected).mean().log(),),
        ),
        Mistake(
            "every chosen against every rejected",
            lambda chosen, rejected: _surprise(chosen[:, None] - rejected[None, :]).mean(),
            "That is what comes out when each chosen list is compared with every rejected one of the batch. Only the "
            "two of a pair were compared by anybody, and often only they share a prompt. Look at: the shape of your "
            "difference, which should be (batch,).",
        ),
        Mistake(
            "each score through a sigmoid of its own",
            lambda chosen, rejected: (F.logsigmoid(rejected) - F.logsigmoid(chosen)).mean(),
            "That is what comes out when the two scores each pass through a sigmoid before they are brought together. "
            "Only their difference has a meaning: adding 5 to both must change nothing. Look at: what is inside the "
            "sigmoid.",
            also=(
                lambda chosen, rejected: -(F.logsigmoid(chosen) + F.logsigmoid(-rejected)).mean(),
                lambda chosen, rejected: -(torch.sigmoid(chosen) - torch.sigmoid(rejected)).log().mean(),
                lambda chosen, rejected: -(torch.sigmoid(chosen) - torch.sigmoid(rejected)).mean(),
                lambda chosen, rejected: _surprise(torch.sigmoid(chosen) - torch.sigmoid(rejected)).mean(),
            ),
        ),
        Mistake(
            "only the chosen list",
            lambda chosen, rejected: _surprise(chosen).mean(),
            "That is what comes out when the rejected list is not asked. All scores could then simply rise. Look at: "
            "the difference in the formula.",
        ),
        Mistake(
            "sum instead of difference",
            lambda chosen, rejected: _surprise(chosen + rejected).mean(),
            "That is what comes out when the scores are added instead of subtracted. Look at: what is inside the "
            "sigmoid.",
        ),
        Mistake(
            "logarithm to base 2",
            _of(lambda d: _surprise(d) / math.log(2)),
            "That is what comes out when the logarithm is another one than the natural: bits, to base 2, or base 10. "
            "The loss is measured in nats. Look at: which logarithm you take.",
            also=(_of(lambda d: -torch.sigmoid(d).log2()), _of(lambda d: -torch.sigmoid(d).log10())),
        ),
        Mistake(
            "half of it",
            _of(lambda d: _surprise(d) / 2),
            "That is what comes out when each pair is divided by its two lists. A pair is one comparison. Look at: by "
            "what you divide.",
        ),
        Mistake(
            "hinge",
            _of(lambda d: F.relu(1 - d)),
            "That is what comes out of a hinge loss, max(0, margin − difference). It ranks, but gives no probability. "
            "Look at: the formula.",
            "the loss of ranking support vector machines (Joachims 2002)",
            also=(_of(lambda d: F.relu(-d)),),
        ),
        Mistake(
            "squared",
            _of(lambda d: (1 - torch.sigmoid(d)) ** 2),
            "That is what comes out when a square takes the place of the logarithm. Look at: the formula.",
            also=(_of(lambda d: (1 - d) ** 2), _of(lambda d: d**2)),
        ),
        Mistake(
            "tanh instead of the sigmoid",
            _of(lambda d: _surprise(2 * d)),
            "That is what comes out with another curve than the sigmoid, one twice as steep. Look at: σ(x) = 1 / (1 + "
            "e⁻ˣ).",
        ),
    ),
    hints=(
        "One line is enough: a difference, a function of it, a mean, a minus.",
        "−log σ(x) for x = −300 is 300, but σ(−300) is 0 in the computer, and its logarithm is −∞. So do not take the "
        "two one after the other.",
        "`F.logsigmoid` (F is torch.nn.functional) gives log σ(x) without that detour. What stands inside is the "
        "chosen list's score less the other's; what stands in front turns a log-likelihood into a loss.",
    ),
)
