"""Exercise 6.3: generalised advantage estimation."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv


def _gae_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
        rewards, values = torch.randn(2, len(lengths), time, generator=generator, dtype=dtype)
        return rewards, values, lengths_mask(lengths, time)

    _, values, mask = drawn([4], 4)
    score_at_the_end = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    one, two, short = drawn([5], 5), drawn([6, 4], 6), drawn([5, 1, 3], 5)
    many = drawn(torch.randint(1, 13, (64,), generator=generator).tolist(), 12, torch.float64)
    ends = "λ = 0 is the one-step surprise, λ = 1 is return minus value"
    with_graph = (two[0], two[1].clone().requires_grad_(), two[2])
    return [
        Case("four tokens, one response", (score_at_the_end, values, mask, 1.0, 0.5), look_at="the loop for t = 3."),
        Case(ends, one, {"gamma": 1.0, "lam": 0.0}, look_at="what is left of the formula when λ = 0."),
        Case(ends, one, {"gamma": 1.0, "lam": 1.0}, look_at="whether every later surprise arrives at the first token."),
        Case("two responses of different length", two, look_at="what Âₜ₊₁ and Vₜ₊₁ are when t + 1 is a pad."),
        Case(
            "γ below 1", many, {"gamma": 0.9, "lam": 0.8}, look_at="where γ stands alone, and where it stands with λ."
        ),
        Case("a response that fills the width, and one of a single token", short, look_at="the first and last column."),
        Case("values that carry a gradient", with_graph, probe=True),
    ]


def _gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95, *, wrong: str = ""
) -> Tensor:
    """The loop, which keeps the graph, with one line wrong if asked for."""
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = values[:, -1] if wrong == "last column" else torch.zeros_like(following)
    last = mask.sum(dim=1) - 1
    for step in reversed(range(rewards.shape[1])):
        reward, value, real = rewards[:, step], values[:, step], mask[:, step]
        if wrong == "last value":
            next_value = torch.where(last == step, value, next_value)
        if wrong == "score late":
            following = (gamma * next_value - value + gamma * lam * (reward + following)) * real
        elif wrong == "no baseline":
            following = (reward + gamma * next_value + gamma * lam * following) * real
        else:
            decay = {"gamma": gamma, "lambda": lam}.get(wrong, gamma * lam)
            following = reward + gamma * next_value - value + decay * following
            following = following if wrong in ("no mask", "through pads") else following * real
        next_value = value if wrong in ("no mask", "through pads", "pad value") else value * real
        advantages[:, step] = following
    return advantages * mask if wrong == "through pads" else advantages


def _forwards(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    advantages = torch.zeros_like(rewards)
    before = torch.zeros_like(rewards[:, 0])
    kept = values * mask
    for step in range(rewards.shape[1]):
        next_value = kept[:, step + 1] if step + 1 < rewards.shape[1] else torch.zeros_like(before)
        before = (rewards[:, step] + gamma * next_value - values[:, step] + gamma * lam * before) * mask[:, step]
        advantages[:, step] = before
    return advantages


def _returns(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    return (adv.gae(rewards, values, mask, gamma, lam) + values) * mask


def _whitened(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    return adv.whiten(adv.gae(rewards, values, mask, gamma, lam), mask)


EXERCISE = Exercise(
    number="6.3",
    title="Generalised advantage estimation",
    points=3,
    minutes=10,
    solution=adv.gae,
    cases=_gae_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "ignores the mask",
            partial(_gae, wrong="no mask"),
            "That is what comes out when the mask is never used: pads get advantages of their own, and pass them on to "
            "the end token. Look at: what the mask does to Âₜ and to Vₜ₊₁.",
        ),
        Mistake(
            "recursion through pads",
            partial(_gae, wrong="through pads"),
            "That is what comes out when the recursion runs through the pads and they are set to 0 only afterwards: "
            "the end token has already heard from them. Look at: what Âₜ₊₁ is when t + 1 is a pad.",
        ),
        Mistake(
            "value of a pad",
            partial(_gae, wrong="pad value"),
            "That is what comes out when Vₜ₊₁ of the end token is read from a pad. After the end there is no value. "
            "Look at: which Vₜ₊₁ the end token of a short response gets.",
        ),
        Mistake(
            "bootstraps the value at the last token",
            partial(_gae, wrong="last value"),
            "That is what comes out when the last token's own value stands in for the value after it. The list is over "
            "there, so nothing more is to be expected. Look at: what Vₜ₊₁ is at the end token.",
            "Pardo et al. 2018, on ends that are ends and ends that are time limits",
        ),
        Mistake(
            "bootstraps in the last column",
            partial(_gae, wrong="last column"),
            "That is what comes out when the walk begins with the last column's value as Vₜ₊₁. A response that fills "
            "the width is over there as well, and nothing more is to be expected. Look at: what Vₜ₊₁ is before the "
            "first step of the loop.",
        ),
        Mistake(
            "γ where γλ belongs",
            partial(_gae, wrong="gamma"),
            "That is what comes out when Âₜ₊₁ fades by γ alone, without λ. Look at: the factor in front of Âₜ₊₁.",
        ),
        Mistake(
            "λ where γλ belongs",
            partial(_gae, wrong="lambda"),
            "That is what comes out when Âₜ₊₁ fades by λ alone. With γ = 1 nobody notices. Look at: the factor in "
            "front of Âₜ₊₁.",
        ),
        Mistake(
            "walks forwards",
            _forwards,
            "That is what comes out when the loop walks from the first token to the last: each token then gets the "
            "surprises before it. But credit flows back from what came later. Look at: the order of the loop.",
        ),
        Mistake(
            "score one slot late",
            partial(_gae, wrong="score late"),
            "That is what comes out when a reward arrives one step after its token, so that all of it is multiplied by "
            "γλ once too often. Look at: whether rₜ is inside δₜ.",
        ),
        Mistake(
            "no baseline",
            partial(_gae, wrong="no baseline"),
            "That is what comes out when δₜ lacks its − Vₜ. An advantage says how much better it went than expected. "
            "Look at: the three parts of δₜ.",
        ),
        Mistake(
            "returns instead of advantages",
            _returns,
            "That is what comes out when the values are added at the end: these are the returns that the critic "
            "learns. Look at: your last line.",
            "the line after GAE in most PPO code, such as Huang et al. 2022, detail 5",
        ),
        Mistake(
            "whitens inside",
            _whitened,
            "That is what comes out when the advantages are also scaled to mean 0 and deviation 1. That is a step of "
            "its own, later in this notebook. Look at: your last lines.",
            "Huang et al. 2022, detail 7",
        ),
        Mistake(
            "keeps the graph",
            _gae,
            "your advantages keep the graph of the values' gradient. For PPO they are constants, and PyTorch would "
            "carry the graph along: put @torch.no_grad() above the function, or .detach() the values.",
            advice=True,
        ),
    ),
    hints=(
        "The advantage of a token needs the one after it, so begin with the last column and walk to the first. Two "
        "things travel along, one number a response each: Âₜ₊₁ and Vₜ₊₁. Both begin as 0.",
        "In each step: the surprise δₜ from the formula, then Âₜ from δₜ and what you carry, then write it into its "
        "column. `reversed(range(time))` gives the order, `rewards[:, t]` a column for all responses at once.",
        "A pad has to hand on 0 instead of an advantage, and 0 instead of a value. `mask[:, t]` is 1 or 0, so a "
        "product does it, twice: once for each of the two things that you carry.",
    ),
)
