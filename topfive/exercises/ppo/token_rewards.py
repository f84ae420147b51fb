"""Exercise 6.2: a reward for every token."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv


def _rewards_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores = 2 * torch.randn(len(lengths), generator=generator, dtype=dtype) + 1
        logprobs, ref_logprobs = -torch.rand(2, len(lengths), time, generator=generator, dtype=dtype) * 4
        return scores, logprobs, ref_logprobs, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    fills = "a response that fills the width, and one of a single token"
    return [
        Case("three tokens, one response", (*drawn([3], 3), 0.5), look_at="the last token: two things meet there."),
        Case("β = 0 leaves nothing but the score", (*drawn([4, 4], 4), 0.0), look_at="where the score goes."),
        Case("two responses of different length", (*drawn([6, 4], 6), 0.1), look_at="where a short response ends."),
        Case(fills, (*drawn([5, 1, 3], 5), 0.3), look_at="the first and the last column."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the largest deviation."),
    ]


def _rewards(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float, *, wrong: str = ""
) -> Tensor:
    kl = logprobs - ref_logprobs
    if wrong == "ratio":
        kl = kl.exp()
    if wrong == "absolute":
        kl = kl.abs()
    rewards = -kl_coef * (kl if wrong == "pads" else kl * mask)
    if wrong == "sign":
        rewards = -rewards
    lengths = mask.sum(dim=1)
    last = {
        "last column": torch.full_like(lengths, mask.shape[1] - 1),
        "late": lengths.clamp(max=mask.shape[1] - 1),
        "early": (lengths - 2) % mask.shape[1],
    }
    end = torch.nn.functional.one_hot(last.get(wrong, lengths - 1), mask.shape[1]).to(rewards)
    if wrong == "everywhere":
        end = mask.to(rewards)
    if wrong == "spread":
        end = mask / lengths[:, None]
    if wrong == "kl at the end":
        rewards = rewards.sum(dim=1, keepdim=True) * end
    if wrong == "overwrites":
        rewards = rewards * (1 - end)
    return rewards + scores[:, None].to(rewards) * end * (kl_coef if wrong == "beta" else 1.0)


EXERCISE = Exercise(
    number="6.2",
    title="A reward for every token",
    points=2,
    minutes=10,
    solution=adv.token_rewards,
    cases=_rewards_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "KL with the wrong sign",
            partial(_rewards, wrong="sign"),
            "That is what comes out when distance is rewarded instead of punished: plus where minus belongs, or π and "
            "π_ref the wrong way round. Look at: what a token gets that the policy likes more than the reference does.",
        ),
        Mistake(
            "score on the last column",
            partial(_rewards, wrong="last column"),
            "That is what comes out when the score lands in the last column. For a short response that is a pad, and "
            "nobody ever hears of it. Look at: how `mask` tells where a response ends.",
        ),
        Mistake(
            "score one slot late",
            partial(_rewards, wrong="late"),
            "That is what comes out when the score lands one place after the end token. Look at: the index of the last "
            "of n tokens, when counting begins with 0.",
            "Huang et al. 2024, on where the score goes in padded answers",
        ),
        Mistake(
            "score one token early",
            partial(_rewards, wrong="early"),
            "That is what comes out when the score lands on the token before the end token. And where a response has "
            "a single token, index −1 counts from the back, and the score lands in the last column. Look at: the "
            "index of the last of n tokens, when counting begins with 0.",
        ),
        Mistake(
            "score on every token",
            partial(_rewards, wrong="everywhere"),
            "That is what comes out when every token gets the whole score: long lists would be worth more than short "
            "ones for their length alone. Look at: which token hears the score.",
        ),
        Mistake(
            "score spread over the tokens",
            partial(_rewards, wrong="spread"),
            "That is what comes out when the score is shared out evenly. It is one sentence about the whole list, said "
            "at its end; sharing it out is what the advantages do, in 6.3. Look at: which token hears the score.",
        ),
        Mistake(
            "all of the KL at the end",
            partial(_rewards, wrong="kl at the end"),
            "That is what comes out when the whole KL is charged to the end token. The sum is right, but no token "
            "learns what it cost. Look at: the sum over time.",
            "REINFORCE-style trainers do this on purpose, for instance RLOO (Ahmadian et al. 2024)",
        ),
        Mistake(
            "the score overwrites the KL",
            partial(_rewards, wrong="overwrites"),
            "That is what comes out when the score replaces what stood on the end token: its own KL is forgotten. "
            "Look at: = where += belongs.",
        ),
        Mistake(
            "β on the score as well",
            partial(_rewards, wrong="beta"),
            "That is what comes out when β multiplies the score too. Look at: which of the two parts β belongs to, "
            "and what β = 0 should leave.",
        ),
        Mistake(
            "a ratio where its logarithm belongs",
            partial(_rewards, wrong="ratio"),
            "That is what comes out of −β · π/π_ref: a token on which both agree would still cost β. "
            "Look at: what the penalty is where π = π_ref.",
        ),
        Mistake(
            "absolute KL",
            partial(_rewards, wrong="absolute"),
            "That is what comes out when each token's log-ratio is made positive. Then its mean is no KL any more: the "
            "negative ones belong to it. Look at: abs.",
        ),
        Mistake(
            "KL on pads",
            partial(_rewards, wrong="pads"),
            "That is what comes out when pads are charged too. Look at: where `mask` enters.",
        ),
    ),
    hints=(
        "Two parts. The penalty is there on every real token; the score is added on one token of each response only.",
        "`mask.sum(dim=1) - 1` is the column of each response's end token. With `torch.arange(len(scores))` as rows, "
        "you can index all these places at once.",
        "Begin with rewards = −β · (log π − log π_ref) · mask. Then add the scores at (rows, end columns), with +=.",
    ),
)
