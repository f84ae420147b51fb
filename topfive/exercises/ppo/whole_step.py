"""Exercise 6.9: the whole loss of a step, put together from the pieces."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, lengths_mask, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.ppo.advantages import gae, token_rewards, whiten
from topfive.ppo.config import PPOConfig
from topfive.ppo.losses import policy_loss, value_loss
from topfive.ppo.rollout import token_logprobs
from topfive.ppo.step import ppo_loss

# No two numbers alike, so that one in the place of another shows.
ARGS = PPOConfig(kl_coef=0.3, gamma=0.97, lam=0.8, cliprange=0.2, cliprange_value=0.35, vf_coef=0.4)


def _step_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: list[int], time: int, **told: Any) -> tuple[Any, ...]:
        shape = len(lengths), time
        tokens = torch.randint(6, shape, generator=generator)
        mask = lengths_mask(lengths, time)
        old_logits = torch.randn(*shape, 6, generator=generator)
        old = token_logprobs(old_logits, tokens, torch.ones_like(mask))
        reference = old + 0.5 * torch.randn(shape, generator=generator)
        old_values = torch.randn(shape, generator=generator)
        logits = old_logits + 0.4 * torch.randn(*shape, 6, generator=generator)
        values = old_values + 0.5 * torch.randn(shape, generator=generator)
        scores = torch.randn(len(lengths), generator=generator)
        args = replace(ARGS, **told)
        return logits.requires_grad_(), values.requires_grad_(), tokens, mask, scores, old, reference, old_values, args

    another = "other settings"
    return [
        Case("one response of four tokens", drawn([4], 4), look_at="one line of the map after the other."),
        Case("two responses of different length", drawn([3, 5], 6), look_at="the mask: every piece takes it."),
        Case(another, drawn([2, 4, 1], 5, kl_coef=1.5), look_at="where β enters, and between which two policies."),
        Case(another, drawn([4, 6, 2], 7, gamma=0.9, lam=0.5), look_at="what γ and λ are handed to."),
        Case(another, drawn([3, 2, 5], 6, cliprange=0.05, cliprange_value=0.1), look_at="which ε is for which loss."),
        Case(another, drawn([2, 3], 4, vf_coef=2.0), look_at="how the two losses become one."),
        Case("many responses", drawn(integers(1, 10, 24, generator), 9), look_at="what is old and what is new."),
    ]


def _loss(**changed: Callable[..., Any]) -> Function:
    """The right loss, but for what is `changed`: one of the pieces below, by its name.

    Each is given a dictionary of all that is known by then.
    """
    pieces: dict[str, Callable[[dict[str, Any]], Any]] = {
        "logprobs": lambda of: token_logprobs(of["logits"], of["tokens"], of["mask"]),
        "rewards": lambda of: token_rewards(of["scores"], of["old"], of["ref"], of["mask"], of["args"].kl_coef),
        "advantages": lambda of: gae(of["rewards"], of["old_values"], of["mask"], of["args"].gamma, of["args"].lam),
        "returns": lambda of: of["advantages"] + of["old_values"],
        "white": lambda of: whiten(of["advantages"], of["mask"]),
        "policy": lambda of: policy_loss(of["logprobs"], of["old"], of["white"], of["mask"], of["args"].cliprange),
        "value": lambda of: value_loss(
            of["values"], of["old_values"], of["returns"], of["mask"], of["args"].cliprange_value
        ),
        "whole": lambda of: of["policy"] + of["args"].vf_coef * of["value"],
    }

    def loss(
        logits: Tensor,
        values: Tensor,
        tokens: Tensor,
        mask: Tensor,
        scores: Tensor,
        old: Tensor,
        ref: Tensor,
        old_values: Tensor,
        args: PPOConfig,
    ) -> Any:
        of: dict[str, Any] = {
            "logits": logits, "values": values, "tokens": tokens, "mask": mask, "scores": scores,
            "old": old, "ref": ref, "old_values": old_values, "args": args,
        }  # fmt: skip
        for name, piece in {**pieces, **changed}.items():
            of[name] = piece(of)
        return of["whole"]

    return loss


def _told(**wrong: Callable[[PPOConfig], float]) -> Function:
    """Right, but for the settings."""

    def loss(*given: Any) -> Tensor:
        *tensors, args = given
        other = [*tensors, replace(args, **{name: change(args) for name, change in wrong.items()})]
        return ppo_loss(*other)

    return loss


def _penalty(between: Callable[[dict[str, Any]], tuple[Tensor, Tensor]]) -> Function:
    """The KL penalty between two other policies."""
    return _loss(
        rewards=lambda of: token_rewards(of["scores"], *between(of), of["mask"], of["args"].kl_coef),
    )


def _ratio(between: Callable[[dict[str, Any]], tuple[Tensor, Tensor]]) -> Function:
    """The ratio of two other policies."""
    return _loss(policy=lambda of: policy_loss(*between(of), of["white"], of["mask"], of["args"].cliprange))


EXERCISE = Exercise(
    number="6.9",
    title="The whole step",
    points=3,
    minutes=15,
    solution=ppo_loss,
    cases=_step_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "returns of whitened advantages",
            _loss(returns=lambda of: of["white"] + of["old_values"]),
            "That is what comes out when the returns are made of whitened advantages. The critic predicts scores, and "
            "those have a mean and a size that whitening takes away. Look at: which comes first, returns or whitening.",
        ),
        Mistake(
            "advantages as they are",
            _loss(white=lambda of: of["advantages"]),
            "That is what comes out when the policy learns from advantages that were not whitened, or kept their mean. "
            "Look at: where 6.4 stands in the map.",
            also=(_loss(white=lambda of: whiten(of["advantages"], of["mask"], shift_mean=False)),),
        ),
        Mistake(
            "whitened twice over",
            _loss(rewards=lambda of: whiten(_rewards(of), of["mask"], shift_mean=False)),
            "That is what comes out when the rewards are whitened, too. Some trainers do that; here only advantages "
            "are. Look at: what you hand to 6.3.",
            also=(_loss(rewards=lambda of: whiten(_rewards(of), of["mask"])),),
        ),
        Mistake(
            "the ratio to the reference",
            _ratio(lambda of: (of["logprobs"], of["ref"])),
            "That is what comes out when ρ compares the policy with the reference. It compares it with the policy that "
            "wrote the answers; the reference has its say in the penalty. Look at: the second argument of 6.5.",
        ),
        Mistake(
            "old and new exchanged in the ratio",
            _ratio(lambda of: (of["old"], of["logprobs"])),
            "That is what comes out when ρ is π_old/π. Look at: the order of the first two arguments of 6.5.",
        ),
        Mistake(
            "the penalty of the new policy",
            _penalty(lambda of: (of["logprobs"].detach(), of["ref"])),
            "That is what comes out when the penalty is computed with the policy as it is now. Rewards belong to the "
            "answers, and stay what they were while the batch is learned from. Look at: the second argument of 6.2.",
            also=(_penalty(lambda of: (of["logprobs"].detach(), of["old"])),),
        ),
        Mistake(
            "the penalty turned round",
            _penalty(lambda of: (of["ref"], of["old"])),
            "That is what comes out when policy and reference change places in the penalty: to leave the reference is "
            "then paid for. Look at: the order of the arguments of 6.2.",
        ),
        Mistake(
            "the new values in the advantages",
            _loss(
                advantages=lambda of: gae(
                    of["rewards"], of["values"].detach(), of["mask"], of["args"].gamma, of["args"].lam
                )
            ),
            "That is what comes out when advantages are computed with the critic as it is now. What was expected is "
            "what was expected when the answers were written. Look at: the second argument of 6.3.",
            also=(
                _loss(
                    advantages=lambda of: gae(
                        of["rewards"], of["values"].detach(), of["mask"], of["args"].gamma, of["args"].lam
                    ),
                    returns=lambda of: of["advantages"] + of["values"].detach(),
                ),
            ),
        ),
        Mistake(
            "returns without the values",
            _loss(returns=lambda of: of["advantages"]),
            "That is what comes out when the critic is to predict advantages, or rewards. A return is an advantage "
            "plus what was expected. Look at: the third argument of 6.6.",
            also=(_loss(returns=lambda of: of["rewards"]),),
        ),
        Mistake(
            "returns of the new values",
            _loss(returns=lambda of: of["advantages"] + of["values"].detach()),
            "That is what comes out when the returns are made with the values of the critic as it is now: it would run "
            "after itself. Look at: which values you add to the advantages.",
        ),
        Mistake(
            "the critic counts in full",
            _told(vf_coef=lambda args: 1.0),
            "That is what comes out when both losses are added as they are. Look at: `args.vf_coef`.",
        ),
        Mistake(
            "the critic's loss is subtracted",
            _told(vf_coef=lambda args: -args.vf_coef),
            "That is what comes out when the critic's loss is subtracted: it would unlearn. Both 6.5 and 6.6 return "
            "what is to be made small. Look at: the sign between the two losses.",
        ),
        Mistake(
            "the policy's loss alone",
            _told(vf_coef=lambda args: 0.0),
            "That is what comes out without the critic's loss. Look at: the last line of the map.",
        ),
        Mistake(
            "the critic's loss alone",
            _loss(whole=lambda of: of["args"].vf_coef * of["value"]),
            "That is what comes out without the policy's loss. Look at: the last line of the map.",
        ),
        Mistake(
            "minus the policy's loss",
            _loss(whole=lambda of: of["args"].vf_coef * of["value"] - of["policy"]),
            "That is what comes out when the policy's loss gets another minus. The one that it needs is in 6.5. "
            "Look at: the sign of each loss.",
        ),
        Mistake(
            "γ and λ exchanged",
            _told(gamma=lambda args: args.lam, lam=lambda args: args.gamma),
            "That is what comes out when γ and λ change places. Look at: the order of the arguments of 6.3.",
        ),
        Mistake(
            "γ and λ by default",
            _told(gamma=lambda args: 1.0, lam=lambda args: 0.95),
            "That is what comes out when 6.3 is not told γ and λ, or one of them. Look at: `args.gamma`, `args.lam`.",
            also=(_told(gamma=lambda args: 1.0), _told(lam=lambda args: 0.95)),
        ),
        Mistake(
            "one ε for both",
            _told(cliprange_value=lambda args: args.cliprange),
            "That is what comes out when both losses get one ε, or each that of the other. "
            "Look at: `args.cliprange` and `args.cliprange_value`.",
            also=(
                _told(cliprange=lambda args: args.cliprange_value),
                _told(cliprange=lambda args: args.cliprange_value, cliprange_value=lambda args: args.cliprange),
            ),
        ),
        Mistake(
            "no penalty",
            _told(kl_coef=lambda args: 0.0),
            "That is what comes out without the KL penalty, or without its β. Look at: `args.kl_coef`.",
            also=(_told(kl_coef=lambda args: 1.0),),
        ),
    ),
    hints=(
        "Follow the map at the beginning of section 2, from the line of 6.2 on: each line is one call of a function "
        "that you have written.",
        "Everything up to the whitened advantages is made of what was known before the first update: scores, old, "
        "ref, old_values. Only then come the policy and the critic as they are now.",
        "Returns are advantages + old_values, taken before whitening. In the end: policy loss + args.vf_coef · value "
        "loss.",
    ),
)


def _rewards(of: dict[str, Any]) -> Tensor:
    return token_rewards(of["scores"], of["old"], of["ref"], of["mask"], of["args"].kl_coef)
