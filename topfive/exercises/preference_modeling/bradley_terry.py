"""Exercise 5.3: The Bradley–Terry loss."""

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import losses


def _bt_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(size: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        chosen, rejected = torch.randn(2, size, generator=generator, dtype=dtype) * 2
        return chosen.requires_grad_(), rejected.requires_grad_()

    def fixed(chosen: list[float], rejected: list[float]) -> tuple[Tensor, Tensor]:
        return torch.tensor(chosen, requires_grad=True), torch.tensor(rejected, requires_grad=True)

    far = float(torch.rand((), generator=generator) * 100 + 200)
    many = "a batch"
    return [
        Case("one pair", fixed([2.0], [1.0]), look_at="the order of the difference, the sign, and the mean."),
        Case(many, drawn(5), look_at="what is done to the losses of the pairs at the end."),
        Case(many, drawn(64, torch.float64), look_at="what is done to the losses of the pairs at the end."),
        Case(
            "a model that is certain, and wrong",
            fixed([-far, 1.0, far], [far, 0.0, -far]),
            look_at="what the sigmoid of −200 is in float32, and what its logarithm is.",
        ),
    ]


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
            lambda chosen, rejected: -F.logsigmoid(rejected - chosen).mean(),
            "That is what comes out when the rejected list's score comes first: the model would learn to like what "
            "people did not. Look at: the order of the difference.",
        ),
        Mistake(
            "no minus in front",
            lambda chosen, rejected: F.logsigmoid(chosen - rejected).mean(),
            "That is what comes out without the minus. A log-likelihood is to be made large, a loss small. Look at: "
            "the sign of your result; a loss of a probability is never negative.",
        ),
        Mistake(
            "no logarithm",
            lambda chosen, rejected: -torch.sigmoid(chosen - rejected).mean(),
            "That is what comes out when probabilities are averaged without their logarithm. The product of "
            "probabilities is the likelihood of all pairs, so their logs are what is summed. Look at: the formula.",
        ),
        Mistake(
            "share of wrong predictions",
            lambda chosen, rejected: torch.sigmoid(rejected - chosen).mean(),
            "That is what comes out when the probability of the wrong order is averaged. It hardly changes where the "
            "model is most wrong, so it hardly teaches there. Look at: the logarithm in the formula.",
        ),
        Mistake(
            "logarithm of a sigmoid that is 0",
            lambda chosen, rejected: -torch.log(torch.sigmoid(chosen - rejected)).mean(),
            "That is what comes out when the sigmoid is rounded to 0 before its logarithm is taken. Look at: "
            "torch.nn.functional has the two in one function, which never rounds in between.",
            "the reason for PyTorch's logsigmoid and binary_cross_entropy_with_logits",
        ),
        Mistake(
            "sum over the batch",
            lambda chosen, rejected: -F.logsigmoid(chosen - rejected).sum(),
            "That is what comes out when the pairs' losses are added. The learning rate would then mean something else "
            "for every batch size. Look at: your last step.",
        ),
        Mistake(
            "each score through a sigmoid of its own",
            lambda chosen, rejected: (F.logsigmoid(rejected) - F.logsigmoid(chosen)).mean(),
            "That is what comes out when the two scores each pass through a sigmoid before they are compared. Only "
            "their difference has a meaning: adding 5 to both must change nothing. Look at: what is inside the "
            "sigmoid.",
        ),
        Mistake(
            "hinge",
            lambda chosen, rejected: F.relu(1 - (chosen - rejected)).mean(),
            "That is what comes out of a hinge loss, max(0, 1 − difference). It ranks, but gives no probability. Look "
            "at: the formula.",
            "the loss of ranking support vector machines (Joachims 2002)",
        ),
    ),
    hints=(
        "One line is enough: a difference, a function of it, a mean, a minus.",
        "−log σ(x) for x = −300 is 300, but σ(−300) is 0 in the computer. `F.logsigmoid` (F is torch.nn.functional) "
        "gives log σ(x) without that detour.",
    ),
)
