"""Exercise 6.2: a reward for every token."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo import advantages as adv


def _rewards_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores = 2 * torch.randn(len(lengths), generator=generator) + 1
        logprobs, ref_logprobs = -4 * torch.rand(2, len(lengths), time, generator=generator)
        return scores, logprobs, ref_logprobs, lengths_mask(lengths, time)

    fills = "a response that fills the width, and one of a single token"
    return [
        Case(
            "three tokens, one response",
            (*drawn([3], 3), 0.5),
            look_at="each token's penalty first; then which token hears the score, and that two things meet there.",
        ),
        Case("β = 0 leaves nothing but the score", (*drawn([2, 4], 5), 0.0), look_at="where the score goes."),
        Case("two responses of different length", (*drawn([4, 6], 6), 0.1), look_at="where a short response ends."),
        Case(fills, (*drawn([1, 5, 3], 5), 0.3), look_at="the first and the last column."),
        Case(fills, (*drawn([1], 1), 0.3), look_at="a response of one token: it is the end token."),
        Case(
            "room after the longest response",
            (*drawn([2, 4, 3], 7), 0.3),
            look_at="the columns that are pads in every row.",
        ),
        Case("many responses", (*drawn(integers(1, 10, 32, generator), 9), 0.2), look_at="the largest deviation."),
    ]


def _ends(mask: Tensor) -> Tensor:
    """1 on each response's end token, 0 elsewhere."""
    return F.one_hot(mask.sum(dim=1) - 1, mask.shape[1])


def _penalised(kl: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Function:
    """All as it should be, but with `kl(logprobs, ref_logprobs, mask)` as what β multiplies."""

    def rewards(scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
        return -kl_coef * kl(logprobs, ref_logprobs, mask) + scores[:, None] * _ends(mask)

    return rewards


def _scored(place: Callable[[Tensor], Tensor]) -> Function:
    """All as it should be, but with the score times `place(mask)`, (batch, time)."""

    def rewards(scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
        return -kl_coef * (logprobs - ref_logprobs) * mask + scores[:, None] * place(mask)

    return rewards


def _weighed(beta: float) -> Function:
    """β fixed, whatever it is called with."""
    return lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
        scores, logprobs, ref_logprobs, mask, beta
    )


def _after(change: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """The right answer and the mask, and then something more."""
    return lambda scores, logprobs, ref_logprobs, mask, kl_coef: change(
        adv.token_rewards(scores, logprobs, ref_logprobs, mask, kl_coef), mask
    )


def _k3(logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor) -> Tensor:
    return adv.kl_k3(logprobs, ref_logprobs) * mask


def _early(mask: Tensor) -> Tensor:
    return F.one_hot((mask.sum(dim=1) - 2) % mask.shape[1], mask.shape[1])


def _whole_columns(scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[:, mask.sum(dim=1) - 1] += scores
    return rewards


def _own_in_whole_columns(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float
) -> Tensor:
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[:, mask.sum(dim=1) - 1] += scores[:, None]
    return rewards


def _past_the_end(scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float) -> Tensor:
    """An IndexError where a response fills the width."""
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[torch.arange(len(scores)), mask.sum(dim=1)] += scores
    return rewards


def _at_the_end(total: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """All of an answer's KL, as `total(kl, mask)`, (batch, 1), on its end token."""
    return _penalised(lambda logprobs, ref_logprobs, mask: total((logprobs - ref_logprobs) * mask, mask) * _ends(mask))


def _everywhere(total: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """The same number, `total(kl, mask)`, on every token."""
    return _penalised(lambda logprobs, ref_logprobs, mask: total((logprobs - ref_logprobs) * mask, mask) * mask)


def _sum(kl: Tensor, mask: Tensor) -> Tensor:
    return kl.sum(dim=1, keepdim=True)


def _mean(kl: Tensor, mask: Tensor) -> Tensor:
    return kl.sum(dim=1, keepdim=True) / mask.sum(dim=1, keepdim=True)


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
            _penalised(lambda logprobs, ref_logprobs, mask: (ref_logprobs - logprobs) * mask),
            "That is what comes out when distance is rewarded instead of punished: plus where minus belongs, or π and "
            "π_ref the wrong way round. Look at: what a token gets that the policy likes more than the reference does.",
        ),
        Mistake(
            "no penalty",
            _weighed(0.0),
            "That is what comes out when the score is all there is, and no token pays for its distance from the "
            "reference. Look at: the first part of the formula.",
        ),
        Mistake(
            "β is not used",
            _weighed(1.0),
            "That is what comes out when `kl_coef` is not looked at: the KL counts in full, or with a number of your "
            "own. Look at: where β enters.",
            also=tuple(map(_weighed, (0.01, 0.02, 0.05, 0.1, 0.2))),
        ),
        Mistake(
            "1 − β where β belongs",
            lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                scores, logprobs, ref_logprobs, mask, 1 - kl_coef
            ),
            "That is what comes out when 1 − β weighs the penalty. Look at: what β = 0 should leave.",
        ),
        Mistake(
            "one score for all responses",
            lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                scores.mean().expand_as(scores), logprobs, ref_logprobs, mask, kl_coef
            ),
            "That is what comes out when all responses hear the same score, a mean or the first one's. "
            "Look at: which score goes to which row.",
            also=(
                lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                    scores[:1].expand_as(scores), logprobs, ref_logprobs, mask, kl_coef
                ),
            ),
        ),
        Mistake(
            "no reference",
            _penalised(lambda logprobs, ref_logprobs, mask: logprobs * mask),
            "That is what comes out when only one of the two policies counts: likely tokens would pay, or earn, for "
            "being likely. Look at: the difference of `logprobs` and `ref_logprobs`.",
            also=(
                _penalised(lambda logprobs, ref_logprobs, mask: -logprobs * mask),
                _penalised(lambda logprobs, ref_logprobs, mask: ref_logprobs * mask),
                _penalised(lambda logprobs, ref_logprobs, mask: -ref_logprobs * mask),
            ),
        ),
        Mistake(
            "no score",
            _scored(lambda mask: 0 * mask),
            "That is what comes out when the penalty is all there is. Look at: where `scores` enters.",
        ),
        Mistake(
            "score on the last column",
            _scored(lambda mask: F.one_hot(torch.full((len(mask),), mask.shape[1] - 1), mask.shape[1])),
            "That is what comes out when the score lands in the last column. For a short response that is a pad, and "
            "nobody ever hears of it. Look at: how `mask` tells where a response ends.",
            also=(_scored(lambda mask: F.pad(mask[:, -1:], (mask.shape[1] - 1, 0))),),
        ),
        Mistake(
            "one end for all responses",
            _scored(lambda mask: F.one_hot((mask.sum(dim=1) - 1)[:1].expand(len(mask)), mask.shape[1])),
            "That is what comes out when all responses share one end, the first one's or the longest one's. "
            "Look at: each row's own number of real tokens.",
            also=(
                _scored(lambda mask: F.one_hot((mask.sum(dim=1).max() - 1).expand(len(mask)), mask.shape[1])),
                _scored(lambda mask: F.one_hot((mask.sum(dim=1).min() - 1).expand(len(mask)), mask.shape[1])),
            ),
        ),
        Mistake(
            "score one slot late",
            _scored(lambda mask: F.one_hot(mask.sum(dim=1).clamp(max=mask.shape[1] - 1), mask.shape[1])),
            "That is what comes out when the score lands one place after the end token. Look at: the index of the last "
            "of n tokens, when counting begins with 0.",
            "Huang et al. 2024, on where the score goes in padded answers",
            also=(
                _past_the_end,
                _scored(lambda mask: F.one_hot(mask.sum(dim=1) % mask.shape[1], mask.shape[1])),
                _scored(lambda mask: F.pad(_ends(mask), (1, 0))[:, :-1]),
            ),
        ),
        Mistake(
            "score one token early",
            _scored(_early),
            "That is what comes out when the score lands on the token before the end token. And where a response has "
            "a single token, index −1 counts from the back, and the score lands in the last column. Look at: the "
            "index of the last of n tokens, when counting begins with 0.",
        ),
        Mistake(
            "score on the first token",
            _scored(lambda mask: F.one_hot(0 * mask.sum(dim=1), mask.shape[1])),
            "That is what comes out when the score lands on the first token, as after mask.argmax(dim=1), which finds "
            "the first of many ones. Look at: how `mask` tells where a response ends.",
        ),
        Mistake(
            "score on every token",
            _scored(lambda mask: mask),
            "That is what comes out when every token gets the whole score, pads too or not: long lists would be worth "
            "more than short ones for their length alone. Look at: which token hears the score.",
            also=(_scored(torch.ones_like),),
        ),
        Mistake(
            "score spread over the tokens",
            _scored(lambda mask: mask / mask.sum(dim=1, keepdim=True)),
            "That is what comes out when the score is shared out evenly. It is one sentence about the whole list, said "
            "at its end; sharing it out is what the advantages do, in 6.3. Look at: which token hears the score.",
        ),
        Mistake(
            "scores in whole columns",
            _whole_columns,
            "That is what comes out of rewards[:, last]: it picks whole columns, so that a row hears a score at every "
            "place where any response ends. Look at: rows and columns as two lists of the same length.",
            "PyTorch: a colon beside a list of indices takes all rows for each of them",
            also=(_own_in_whole_columns,),
        ),
        Mistake(
            "all of the KL at the end",
            _at_the_end(_sum),
            "That is what comes out when the KL of the whole answer is charged to the end token. Its sum may be right, "
            "but no token learns what it cost. Look at: the sum or mean over time.",
            "REINFORCE-style trainers do this on purpose, for instance RLOO (Ahmadian et al. 2024)",
            also=(_at_the_end(_mean),),
        ),
        Mistake(
            "the same KL on every token",
            _everywhere(_mean),
            "That is what comes out when all tokens pay the same, a sum or mean of the KL. No token learns what it "
            "cost. Look at: the sum or mean over time.",
            also=(
                _everywhere(_sum),
                _everywhere(lambda kl, mask: kl.sum() / mask.sum()),
                _everywhere(lambda kl, mask: kl.mean()),
            ),
        ),
        Mistake(
            "the KL adds up along the answer",
            _penalised(lambda logprobs, ref_logprobs, mask: ((logprobs - ref_logprobs) * mask).cumsum(dim=1) * mask),
            "That is what comes out when each token also pays for the tokens before it. "
            "Look at: cumsum, or what is carried through the loop.",
        ),
        Mistake(
            "the KL of the end token only",
            _penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs) * _ends(mask)),
            "That is what comes out when only the end token pays for its distance. Look at: the penalty is there on "
            "every real token, the score on one.",
        ),
        Mistake(
            "the score overwrites the KL",
            _penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs) * (mask - _ends(mask))),
            "That is what comes out when the score replaces what stood on the end token: its own KL is forgotten. "
            "Look at: = where += belongs.",
        ),
        Mistake(
            "β on the score as well",
            lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                kl_coef * scores, logprobs, ref_logprobs, mask, kl_coef
            ),
            "That is what comes out when β multiplies the score too. Look at: which of the two parts β belongs to, "
            "and what β = 0 should leave.",
            also=(
                lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                    -kl_coef * scores, logprobs, ref_logprobs, mask, kl_coef
                ),
                lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                    (1 - kl_coef) * scores, logprobs, ref_logprobs, mask, kl_coef
                ),
            ),
        ),
        Mistake(
            "the score with a minus",
            lambda scores, logprobs, ref_logprobs, mask, kl_coef: adv.token_rewards(
                -scores, logprobs, ref_logprobs, mask, kl_coef
            ),
            "That is what comes out when the score is subtracted: good lists would be punished. "
            "Look at: the sign in front of the score.",
        ),
        Mistake(
            "a ratio where its logarithm belongs",
            _penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs).exp() * mask),
            "That is what comes out when the penalty is a ratio, such as π/π_ref, with or without − 1: it would count "
            "tokens many times that the policy likes far more. Look at: what is a logarithm already, and exp.",
            also=(
                _penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs).expm1() * mask),
                _penalised(lambda logprobs, ref_logprobs, mask: logprobs / ref_logprobs * mask),
            ),
        ),
        Mistake(
            "a difference of probabilities",
            _penalised(lambda logprobs, ref_logprobs, mask: (logprobs.exp() - ref_logprobs.exp()) * mask),
            "That is what comes out when both are turned into probabilities first. The penalty is the difference of "
            "the logarithms, which is what you are given. Look at: exp.",
        ),
        Mistake(
            "weighed with the probability",
            _penalised(lambda logprobs, ref_logprobs, mask: logprobs.exp() * (logprobs - ref_logprobs) * mask),
            "That is what comes out when each token's difference is multiplied by its probability, as in the formula "
            "of a KL divergence. Here tokens are sampled: likely ones come more often already. Look at: exp.",
            also=(
                _penalised(
                    lambda logprobs, ref_logprobs, mask: (
                        F.kl_div(ref_logprobs, logprobs, reduction="none", log_target=True) * mask
                    )
                ),
                _penalised(
                    lambda logprobs, ref_logprobs, mask: (
                        F.kl_div(logprobs, ref_logprobs, reduction="none", log_target=True) * mask
                    )
                ),
            ),
        ),
        Mistake(
            "absolute KL",
            _penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs).abs() * mask),
            "That is what comes out when no token may earn: negative differences are made positive, or 0. Then their "
            "mean is no KL any more: the negative ones belong to it. Look at: abs, relu, clamp.",
            also=(_penalised(lambda logprobs, ref_logprobs, mask: (logprobs - ref_logprobs).clamp(min=0) * mask),),
        ),
        Mistake(
            "an estimator that is never negative",
            _penalised(_k3),
            "That is what comes out when the penalty is a square or (r − 1) − log r. Both are ways to measure a KL, in "
            "6.7; the reward of Ziegler et al. has the plain difference. Look at: the formula.",
            "GRPO (Shao et al. 2024) puts k3 into the loss",
            also=(
                _penalised(lambda logprobs, ref_logprobs, mask: adv.kl_k3(ref_logprobs, logprobs) * mask),
                _penalised(lambda logprobs, ref_logprobs, mask: adv.kl_k2(logprobs, ref_logprobs) * mask),
                _penalised(lambda logprobs, ref_logprobs, mask: 2 * adv.kl_k2(logprobs, ref_logprobs) * mask),
            ),
        ),
        Mistake(
            "KL on pads",
            _penalised(lambda logprobs, ref_logprobs, mask: logprobs - ref_logprobs),
            "That is what comes out when pads are charged too. Look at: where `mask` enters.",
        ),
        Mistake(
            "one number an answer",
            _after(lambda rewards, mask: rewards.sum(dim=1)),
            "That is what comes out when an answer's rewards are added up, or averaged. PPO needs one number a token. "
            "Look at: the sum or mean over time.",
            also=(
                _after(lambda rewards, mask: rewards.sum(dim=1) / mask.sum(dim=1)),
                lambda scores, logprobs, ref_logprobs, mask, kl_coef: (
                    scores - kl_coef * ((logprobs - ref_logprobs) * mask).sum(dim=1) / mask.sum(dim=1)
                ),
            ),
        ),
    ),
    hints=(
        "Two parts. The penalty is there on every real token; the score is added on one token of each response only.",
        "`mask.sum(dim=1) - 1` is the column of each response's end token. With `torch.arange(len(scores))` as rows, "
        "you can index all these places at once.",
        "Begin with rewards = −β · (log π − log π_ref) · mask. Then add the scores at (rows, end columns), with +=.",
    ),
)
