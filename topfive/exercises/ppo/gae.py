"""Exercise 6.3: generalised advantage estimation."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo import advantages as adv


def _gae_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int) -> tuple[Tensor, Tensor, Tensor]:
        rewards, values = torch.randn(2, len(lengths), time, generator=generator)
        return rewards, values, lengths_mask(lengths, time)

    _, values, mask = drawn([4], 4)
    score_at_the_end = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    ends, two = drawn([3, 5], 5), drawn([4, 6], 6)
    with_graph = (two[0], two[1].clone().requires_grad_(), two[2])
    limits = "λ = 0 is the one-step surprise, λ = 1 is return minus value"
    fills = "a response that fills the width, and one of a single token"
    return [
        Case(
            "four tokens, one response",
            (score_at_the_end, values, mask, 1.0, 0.8),
            look_at="the four tokens by hand, from the last to the first: δₜ, then Âₜ.",
        ),
        Case(limits, ends, {"gamma": 1.0, "lam": 0.0}, look_at="what is left of the formula when λ = 0."),
        Case(
            limits, ends, {"gamma": 1.0, "lam": 1.0}, look_at="whether every later surprise arrives at the first token."
        ),
        Case("two responses of different length", two, look_at="what Âₜ₊₁ and Vₜ₊₁ are when t + 1 is a pad."),
        Case(
            "γ below 1",
            (*drawn(integers(1, 10, 40, generator), 9), 0.9, 0.8),
            look_at="where γ stands alone, and where it stands with λ.",
        ),
        Case(fills, (*drawn([1, 5, 3], 5), 0.95, 0.9), look_at="the first and the last column."),
        Case(fills, (*drawn([1], 1), 0.95, 0.9), look_at="what is left of the formula when one token is all there is."),
        Case(
            "room after the longest response",
            (*drawn([2, 4, 1], 7), 0.9, 0.7),
            look_at="the columns that are pads in every row: what is carried past them has to be 0.",
        ),
        Case("values that carry a gradient", with_graph, probe=True),
    ]


def _gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95, *, wrong: str = ""
) -> Tensor:
    """The loop, which keeps the graph, with what happens at the ends wrong if asked for."""
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = values[:, -1] if wrong == "last column" else torch.zeros_like(following)
    last = mask.sum(dim=1) - 1
    leaks = wrong in ("no mask", "through pads", "through masked values")
    for step in reversed(range(rewards.shape[1])):
        reward, value, real = rewards[:, step], values[:, step], mask[:, step]
        if wrong == "last value":
            next_value = torch.where(last == step, value, next_value)
        following = reward + gamma * next_value - value + gamma * lam * following
        following = following if leaks else following * real
        next_value = value if wrong in ("no mask", "through pads", "pad value") else value * real
        advantages[:, step] = following
    return advantages * mask if wrong.startswith("through") else advantages


def _formula(
    surprise: Callable[[Tensor, Tensor, Tensor, float, float], Tensor],
    decay: Callable[[float, float], float] = lambda gamma, lam: gamma * lam,
) -> Function:
    """The loop and its masks as they should be, but with another formula.

    surprise: of rₜ, Vₜ, Vₜ₊₁, γ and λ. decay: the factor in front of Âₜ₊₁.
    """

    def advantages(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
        found = torch.zeros_like(rewards)
        following = next_value = torch.zeros_like(rewards[:, 0])
        for step in reversed(range(rewards.shape[1])):
            delta = surprise(rewards[:, step], values[:, step], next_value, gamma, lam)
            following = (delta + decay(gamma, lam) * following) * mask[:, step]
            next_value = values[:, step] * mask[:, step]
            found[:, step] = following
        return found

    return advantages


def _delta(reward: Tensor, value: Tensor, next_value: Tensor, gamma: float, lam: float) -> Tensor:
    return reward + gamma * next_value - value


def _with(
    change: Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]],
    after: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda advantages, values, mask: advantages,
) -> Function:
    """The right function of other rewards, values and mask, and then something more."""

    def advantages(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
        return after(adv.gae(*change(rewards, values, mask), gamma, lam), values, mask)

    return advantages


def _after(change: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Function:
    """The right advantages, with values and mask, and then something more."""
    return _with(lambda rewards, values, mask: (rewards, values, mask), change)


def _told(**fixed: float) -> Function:
    """γ or λ fixed, whatever it is called with."""

    def advantages(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
        return adv.gae(rewards, values, mask, **{"gamma": gamma, "lam": lam, **fixed})

    return advantages


def _defaults(default_gamma: float, default_lam: float) -> Function:
    """Right, but for what γ and λ are unless told otherwise."""

    def advantages(
        rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = default_gamma, lam: float = default_lam
    ) -> Tensor:
        return adv.gae(rewards, values, mask, gamma, lam)

    return advantages


def _pads_left(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    """The mask stops what comes from pads, and pads keep their own."""
    return adv.gae(rewards, values, mask, gamma, lam) + (rewards - values) * (1 - mask)


def _powers(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    surprises = adv.gae(rewards, values, mask, gamma, 0.0) * (gamma * lam) ** torch.arange(rewards.shape[1])
    return surprises.flip(1).cumsum(1).flip(1) * mask


def _two_steps(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    surprises = adv.gae(rewards, values, mask, gamma, 0.0)
    return surprises + gamma * lam * _next(surprises)


def _forwards(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    advantages = torch.zeros_like(rewards)
    before = torch.zeros_like(rewards[:, 0])
    following = _next(values * mask)
    for step in range(rewards.shape[1]):
        surprise = rewards[:, step] + gamma * following[:, step] - values[:, step]
        before = (surprise + gamma * lam * before) * mask[:, step]
        advantages[:, step] = before
    return advantages


def _forwards_from_zeros(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95
) -> Tensor:
    """What Âₜ₊₁ and Vₜ₊₁ stand for was seen one step before."""
    advantages = torch.zeros_like(rewards)
    following = next_value = torch.zeros_like(rewards[:, 0])
    for step in range(rewards.shape[1]):
        surprise = rewards[:, step] + gamma * next_value - values[:, step]
        following = (surprise + gamma * lam * following) * mask[:, step]
        next_value = values[:, step] * mask[:, step]
        advantages[:, step] = following
    return advantages


def _rows_for_columns(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    return adv.gae(rewards.T, values.T, mask.T, gamma, lam).T


def _without_the_last_column(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95, *, known: bool = False
) -> Tensor:
    """The loop begins at the last but one column, with the last one's value known or not."""
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = (values * mask)[:, -1] if known else torch.zeros_like(following)
    for step in reversed(range(rewards.shape[1] - 1)):
        surprise = rewards[:, step] + gamma * next_value - values[:, step]
        following = (surprise + gamma * lam * following) * mask[:, step]
        next_value = values[:, step] * mask[:, step]
        advantages[:, step] = following
    return advantages


def _value_before(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    """Vₜ₋₁ where Vₜ belongs, and the right Vₜ₊₁: each reward is off by the difference."""
    return adv.gae(rewards + values - values.roll(1, dims=1), values, mask, gamma, lam)


def _late(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    advantages = torch.zeros_like(rewards)
    following = next_value = torch.zeros_like(rewards[:, 0])
    for step in reversed(range(rewards.shape[1])):
        surprise = gamma * next_value - values[:, step]
        following = (surprise + gamma * lam * (rewards[:, step] + following)) * mask[:, step]
        next_value = values[:, step] * mask[:, step]
        advantages[:, step] = following
    return advantages


def _next(columns: Tensor) -> Tensor:
    """Column t + 1 in the place of column t, 0 after the last."""
    return F.pad(columns[:, 1:], (0, 1))


def _cut(lengths: Callable[[Tensor], Tensor]) -> Function:
    """All rows as long as `lengths(mask)`, one number."""
    return _with(
        lambda rewards, values, mask: (
            rewards,
            values,
            lengths_mask([int(lengths(mask.sum(dim=1)))] * len(mask), mask.shape[1]),
        )
    )


def _standardised(advantages: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def _standardised_real(advantages: Tensor, values: Tensor, mask: Tensor) -> Tensor:
    real = advantages[mask.bool()]
    return (advantages - real.mean()) / (real.std() + 1e-8) * mask


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
            also=(partial(_gae, wrong="through masked values"),),
        ),
        Mistake(
            "rewards on pads",
            _with(
                lambda rewards, values, mask: (rewards, values * mask, torch.ones_like(mask)),
            ),
            "That is what comes out when pads lose their values, but not what stands there as a reward. Any number may "
            "stand on a pad, in `rewards` as well as in `values`. Look at: what δₜ is on a pad.",
            also=(
                _with(
                    lambda rewards, values, mask: (rewards, values * mask, torch.ones_like(mask)),
                    lambda advantages, values, mask: advantages * mask,
                ),
            ),
        ),
        Mistake(
            "values on pads",
            _with(
                lambda rewards, values, mask: (rewards * mask, values, torch.ones_like(mask)),
            ),
            "That is what comes out when pads lose their rewards, but not what the critic says there. Any number may "
            "stand on a pad, in `values` as well as in `rewards`. Look at: what δₜ is on a pad.",
            also=(
                _with(
                    lambda rewards, values, mask: (rewards * mask, values, torch.ones_like(mask)),
                    lambda advantages, values, mask: advantages * mask,
                ),
            ),
        ),
        Mistake(
            "pads are not 0",
            _pads_left,
            "That is what comes out when something else than 0 is left on pads, though nothing of it reaches the end "
            "token. Look at: what you write into a column where `mask` is 0.",
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
        ),
        Mistake(
            "begins with the value of the last column",
            partial(_gae, wrong="last column"),
            "That is what comes out when the walk begins with the last column's value as Vₜ₊₁. A response that fills "
            "the width is over there as well, and nothing more is to be expected. Look at: what Vₜ₊₁ is before the "
            "first step of the loop.",
        ),
        Mistake(
            "one length for all responses",
            _cut(lambda lengths: lengths[0]),
            "That is what comes out when all responses are taken to be as long as one of them, the first or the "
            "longest. Look at: each row's own mask.",
            also=(_cut(lambda lengths: lengths.max()), _cut(lambda lengths: lengths.min())),
        ),
        Mistake(
            "γ where γλ belongs",
            _formula(_delta, lambda gamma, lam: gamma),
            "That is what comes out when Âₜ₊₁ fades by γ alone, which is the return minus the value, whatever λ is. "
            "Look at: where λ enters.",
        ),
        Mistake(
            "λ where γλ belongs",
            _formula(_delta, lambda gamma, lam: lam),
            "That is what comes out when Âₜ₊₁ fades by λ alone. With γ = 1 nobody notices. Look at: the factor in "
            "front of Âₜ₊₁.",
        ),
        Mistake(
            "powers counted from the first token",
            _powers,
            "That is what comes out when the surprise of token u is multiplied by γλ u times, for whatever token. What "
            "counts is how far it lies ahead. Look at: u − t.",
        ),
        Mistake(
            "hands on δₜ instead of Âₜ",
            _two_steps,
            "That is what comes out when each token hears of the next one's surprise only, and not of what that one "
            "has heard. Look at: what is carried to the next step of the loop.",
        ),
        Mistake(
            "nothing fades",
            _formula(_delta, lambda gamma, lam: 1.0),
            "That is what comes out when all later surprises are added up in full. Look at: the factor of Âₜ₊₁.",
        ),
        Mistake(
            "1 − λ where λ belongs",
            _formula(_delta, lambda gamma, lam: gamma * (1 - lam)),
            "That is what comes out when λ is turned round: 1 − λ in its place, or as a factor of δₜ. "
            "Look at: what λ = 1 should do.",
            also=(_formula(lambda r, v, after, gamma, lam: (1 - lam) * (r + gamma * after - v)),),
        ),
        Mistake(
            "λ on δₜ too",
            _formula(lambda r, v, after, gamma, lam: r + gamma * lam * after - v),
            "That is what comes out when λ stands inside δₜ: there is γ alone. Look at: where γ stands alone, and "
            "where with λ.",
            also=(
                _formula(lambda r, v, after, gamma, lam: r + lam * after - v),
                _formula(lambda r, v, after, gamma, lam: lam * (r + gamma * after - v)),
                _formula(lambda r, v, after, gamma, lam: gamma * lam * (r + gamma * after - v)),
            ),
        ),
        Mistake(
            "no γ in δₜ",
            _formula(lambda r, v, after, gamma, lam: r + after - v),
            "That is what comes out when Vₜ₊₁ counts in full, without γ. With γ = 1 nobody notices. "
            "Look at: the factor in front of Vₜ₊₁.",
        ),
        Mistake(
            "γ on Vₜ",
            _formula(lambda r, v, after, gamma, lam: r + gamma * (after - v)),
            "That is what comes out when γ stands on Vₜ, or on rₜ. With γ = 1 nobody notices. Later things are worth "
            "less, and of the three only Vₜ₊₁ is later. Look at: the factors in δₜ.",
            also=(
                _formula(lambda r, v, after, gamma, lam: r + after - gamma * v),
                _formula(lambda r, v, after, gamma, lam: gamma * (r + after) - v),
                _formula(lambda r, v, after, gamma, lam: gamma * (r + after - v)),
            ),
        ),
        Mistake(
            "γ is not used",
            _told(gamma=1.0),
            "That is what comes out when `gamma` is not looked at: nothing is discounted, or by a number of your own. "
            "Look at: where γ stands.",
            also=(_told(gamma=0.99), _told(gamma=0.95)),
        ),
        Mistake(
            "λ is not used",
            _told(lam=0.95),
            "That is what comes out when `lam` is not looked at, and a number of your own stands in its place. "
            "Look at: where λ stands.",
            also=(_told(lam=0.9), _told(lam=0.5)),
        ),
        Mistake(
            "other defaults",
            _defaults(1.0, 1.0),
            "That is what comes out when γ or λ is another number unless told otherwise: the line that begins with "
            "`def` has been changed. Whoever calls it without them counts on what stood there. "
            "Look at: γ = 1 and λ = 0.95.",
            also=(_defaults(0.99, 0.95), _defaults(0.99, 1.0), _defaults(1.0, 0.9), _defaults(0.95, 0.95)),
        ),
        Mistake(
            "only the surprise of one step",
            _told(lam=0.0),
            "That is what comes out when δₜ is all there is: no credit flows back. Look at: + γλ Âₜ₊₁.",
        ),
        Mistake(
            "walks forwards",
            _forwards,
            "That is what comes out when the loop walks from the first token to the last: each token then gets the "
            "surprises before it. But credit flows back from what came later. Look at: the order of the loop.",
            also=(_forwards_from_zeros,),
        ),
        Mistake(
            "walks over the responses",
            _rows_for_columns,
            "That is what comes out when the loop walks over the rows: each response then hands on to another one. "
            "Look at: which dimension is time, and rewards[:, t] against rewards[t].",
        ),
        Mistake(
            "a column short",
            _after(lambda advantages, values, mask: F.pad(advantages[:, :-1], (0, 1))),
            "That is what comes out when the loop leaves out a column, the last or the first. range(n) stops before n, "
            "and range(n, 0, −1) before 0. Look at: whether every column gets its advantage.",
            also=(
                _after(lambda advantages, values, mask: F.pad(advantages[:, 1:], (1, 0))),
                _without_the_last_column,
                partial(_without_the_last_column, known=True),
            ),
        ),
        Mistake(
            "the value of the token before",
            _with(lambda rewards, values, mask: (rewards, values.roll(1, dims=1), mask)),
            "That is what comes out when the values are one place late: Vₜ₋₁ where Vₜ belongs, and Vₜ where Vₜ₊₁ does. "
            "Look at: which two values δₜ holds.",
            also=(
                _with(lambda rewards, values, mask: (rewards, F.pad(values[:, :-1], (1, 0)), mask)),
                _value_before,
            ),
        ),
        Mistake(
            "the reward of the next token",
            _with(lambda rewards, values, mask: (_next(rewards * mask), values, mask)),
            "That is what comes out when δₜ holds rₜ₊₁ instead of rₜ: a token's own reward is missing, and the last "
            "one gets none. Look at: which reward δₜ holds.",
            also=(_with(lambda rewards, values, mask: (_next(rewards), values, mask)),),
        ),
        Mistake(
            "score one slot late",
            _late,
            "That is what comes out when a reward arrives one step after its token, so that all of it is multiplied by "
            "γλ once too often. Look at: whether rₜ is inside δₜ.",
        ),
        Mistake(
            "the sign turned round",
            _after(lambda advantages, values, mask: -advantages),
            "That is what comes out when a sign is turned round, in δₜ or before Âₜ₊₁: what was expected is "
            "subtracted, all that comes later is added. Look at: the signs in both formulas.",
            also=(
                _formula(_delta, lambda gamma, lam: -gamma * lam),
                _formula(lambda r, v, after, gamma, lam: r - gamma * after + v),
                _formula(lambda r, v, after, gamma, lam: r + gamma * after + v),
                _formula(lambda r, v, after, gamma, lam: r - gamma * after - v),
            ),
        ),
        Mistake(
            "no baseline",
            _formula(lambda r, v, after, gamma, lam: r + gamma * after),
            "That is what comes out when δₜ lacks its − Vₜ. An advantage says how much better it went than expected. "
            "Look at: the three parts of δₜ.",
        ),
        Mistake(
            "no next value",
            _formula(lambda r, v, after, gamma, lam: r - v),
            "That is what comes out when δₜ lacks its γVₜ₊₁: what is still to be expected after the token. "
            "Look at: the three parts of δₜ.",
        ),
        Mistake(
            "Vₜ in the place of Vₜ₊₁",
            _formula(lambda r, v, after, gamma, lam: r + gamma * v - v),
            "That is what comes out when both values in δₜ are Vₜ; with γ = 1 nothing is left of them. "
            "Look at: which two values δₜ holds.",
        ),
        Mistake(
            "no values",
            _formula(lambda r, v, after, gamma, lam: r),
            "That is what comes out when rewards are added up and the critic is not asked. An advantage says how much "
            "better it went than the critic expected. Look at: where `values` enters.",
            also=(
                _formula(lambda r, v, after, gamma, lam: r, lambda gamma, lam: gamma),
                _formula(lambda r, v, after, gamma, lam: r, lambda gamma, lam: 1.0),
            ),
        ),
        Mistake(
            "no rewards",
            _formula(lambda r, v, after, gamma, lam: gamma * after - v),
            "That is what comes out when δₜ lacks its rₜ: all that ever came in. Look at: the three parts of δₜ.",
        ),
        Mistake(
            "returns instead of advantages",
            _after(lambda advantages, values, mask: (advantages + values) * mask),
            "That is what comes out when the values are added at the end: these are the returns that the critic "
            "learns. Look at: your last line.",
            "the line after GAE in most PPO code, such as Huang et al. 2022, detail 5",
            also=(_after(lambda advantages, values, mask: advantages + values),),
        ),
        Mistake(
            "whitens inside",
            _after(lambda advantages, values, mask: adv.whiten(advantages, mask)),
            "That is what comes out when the advantages are also scaled to mean 0 and deviation 1. That is a step of "
            "its own, later in this notebook. Look at: your last lines.",
            "Huang et al. 2022, detail 7",
            also=(
                _after(_standardised),
                _after(lambda advantages, values, mask: _standardised(advantages, values, mask) * mask),
                _after(_standardised_real),
                _after(lambda advantages, values, mask: (advantages - adv.masked_mean(advantages, mask)) * mask),
            ),
        ),
        Mistake(
            "one number an answer",
            _after(lambda advantages, values, mask: advantages.sum(dim=1)),
            "That is what comes out when there is one number an answer. Every token has an advantage of its own. "
            "Look at: the shape of what you return, (batch, time).",
            also=(_after(lambda advantages, values, mask: advantages[:, 0]),),
        ),
        Mistake(
            "turned on its side",
            _after(lambda advantages, values, mask: advantages.flip(1)),
            "That is what comes out when the columns are collected from the last to the first and stay in that order. "
            "Look at: a reversal at the end, or writing each column into its place.",
            also=(
                _after(lambda advantages, values, mask: advantages.T),
                _after(lambda advantages, values, mask: advantages.T.flip(0)),
            ),
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
