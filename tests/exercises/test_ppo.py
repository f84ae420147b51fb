"""Exercises 6.1 to 6.8: how they call, and answers as people write them that used to be handled badly."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.exercises.named import name_of
from topfive.checks.notebook import report
from topfive.checks.replay import ARGUMENTS
from topfive.checks.verdict import examine
from topfive.exercises import Case, exercise, exercises
from topfive.ppo import toy

EXERCISES = exercises("6")
MASKED = ("6.1", "6.2", "6.3", "6.4", "6.5", "6.6")
TRAINING = {**ARGUMENTS, "6.7": "kl_estimators_fn"}


def mask_of(number: str, case: Case) -> Tensor:
    """Where an exercise's mask stands among its arguments."""
    return case.args[{"6.1": 2, "6.2": 3, "6.3": 2, "6.4": 1, "6.5": 3, "6.6": 3}[number]]


def numbers(case: Case) -> list[Tensor]:
    return [argument for argument in case.args if isinstance(argument, Tensor) and argument.is_floating_point()]


# --- what the cases are like --------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", MASKED)
def test_batches_have_a_short_first_row_a_single_token_and_room_after_the_longest(number: str):
    masks = [mask_of(number, case) for case in exercise(number).cases(0)]
    lengths = [mask.sum(dim=1) for mask in masks]
    for mask, rows in zip(masks, lengths, strict=True):
        if 1 < len(rows) < 10 and rows.unique().numel() > 1:
            assert rows[0] < rows.max(), "the first row is never the longest"
        assert mask.shape[1] != len(rows) or len(rows) == 1, "rows and columns cannot be exchanged"
    assert any(mask.shape == (1, 1) for mask in masks)
    assert any(mask[:, -1].sum() == 0 and len(mask) > 1 for mask in masks)


@pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.number)
def test_numbers_are_float32_as_in_training(one: Any):
    assert {tensor.dtype for case in one.cases(0) for tensor in numbers(case)} == {torch.float32}
    assert "float64" not in " ".join(case.name for case in one.cases(0))


@pytest.mark.parametrize("number", ["6.2", "6.3", "6.4"])
def test_pads_hold_anything(number: str):
    for case in exercise(number).cases(0):
        pads = mask_of(number, case) == 0
        for tensor in numbers(case):
            if tensor.shape == pads.shape and pads.any() and not case.probe:
                assert tensor[pads].abs().min() > 0


def test_cases_call_as_the_trainer_does():
    """The number of arguments by position, and the names of the others."""
    calls: dict[str, set[tuple[int, frozenset[str]]]] = {number: set() for number in TRAINING}

    def listening(number: str) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            calls[number].add((len(args), frozenset(kwargs)))
            return exercise(number).solution(*args, **kwargs)

        return function

    listeners = {argument: listening(number) for number, argument in TRAINING.items()}
    policy = toy.policy()
    toy.trainer(
        policy,
        toy.reward(policy),
        beta=0.5,
        steps=1,
        batch_size=8,
        num_mini_batches=1,
        whiten_rewards=True,
        **listeners,
    ).train()
    for number, made in calls.items():
        known = {(len(case.args), frozenset(case.kwargs)) for case in exercise(number).cases(0)}
        assert made, number
        assert made <= known, number


def test_the_toy_of_gae_has_one_winner_whatever_lambda_is():
    """0.5, 0.4, 0.2, 0.9, and the score 1.0 with the last token: the notebook says that it is the third."""
    rewards, values, mask = torch.tensor([[0.0, 0, 0, 1]]), torch.tensor([[0.5, 0.4, 0.2, 0.9]]), torch.ones(1, 4)
    for lam in (0.0, 0.5, 1.0):
        found = exercise("6.3").solution(rewards, values, mask, 1.0, lam)[0]
        assert found.argmax() == 2
        assert found.topk(2).values.diff().abs() > 0.05


# --- answers as people write them ---------------------------------------------------------------------------------


def logprobs_shifted_again(logits, tokens, mask):
    logprobs = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)
    return logprobs * mask[:, 1:]


def logprobs_shifted_again_with_a_zero_in_front(logits, tokens, mask):
    found = torch.zeros(tokens.shape)
    logprobs = logits.log_softmax(-1)
    for t in range(1, tokens.shape[1]):
        found[:, t] = logprobs[:, t - 1].gather(-1, tokens[:, t : t + 1]).squeeze(-1)
    return found * mask


def logprobs_gathered_then_logged(logits, tokens, mask):
    return torch.gather(torch.softmax(logits, dim=2), 2, tokens.unsqueeze(2)).squeeze(2).log() * mask


def logprobs_in_a_loop_with_exp(logits, tokens, mask):
    found = torch.zeros(tokens.shape)
    for i in range(len(tokens)):
        for t in range(int(mask[i].sum())):
            found[i, t] = logits[i, t, tokens[i, t]] - torch.log(torch.exp(logits[i, t]).sum())
    return found


def rewards_without_beta(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -(logprobs - ref_logprobs) * mask
    rewards[range(len(scores)), mask.sum(1) - 1] += scores
    return rewards


def rewards_without_the_reference(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -kl_coef * logprobs * mask
    rewards[range(len(scores)), mask.sum(1) - 1] += scores
    return rewards


def rewards_with_k3(scores, logprobs, ref_logprobs, mask, kl_coef):
    log_r = ref_logprobs - logprobs
    rewards = -kl_coef * (log_r.exp() - 1 - log_r) * mask
    rewards[range(len(scores)), mask.sum(1) - 1] += scores
    return rewards


def rewards_on_the_first_rows_end(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[:, int(mask[0].sum()) - 1] += scores
    return rewards


def rewards_in_whole_columns(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[:, mask.sum(dim=1) - 1] += scores
    return rewards


def gae_that_trusts_the_rewards_on_pads(rewards, values, mask, gamma=1.0, lam=0.95):
    values = values * mask
    advantages, carried = torch.zeros_like(rewards), 0
    for t in reversed(range(rewards.shape[1])):
        value_after = values[:, t + 1] if t + 1 < rewards.shape[1] else 0
        carried = rewards[:, t] + gamma * value_after - values[:, t] + gamma * lam * carried
        advantages[:, t] = carried
    return advantages * mask


def gae_with_the_sign_turned_round(rewards, values, mask, gamma=1.0, lam=0.95):
    return -exercise("6.3").solution(rewards, values, mask, gamma, lam)


def gae_one_column_short(rewards, values, mask, gamma=1.0, lam=0.95):
    advantages, carried = torch.zeros_like(rewards), 0
    for t in range(rewards.shape[1] - 2, -1, -1):
        delta = rewards[:, t] + gamma * values[:, t + 1] * mask[:, t + 1] - values[:, t]
        carried = (delta + gamma * lam * carried) * mask[:, t]
        advantages[:, t] = carried
    return advantages


def gae_standardised(rewards, values, mask, gamma=1.0, lam=0.95):
    advantages = exercise("6.3").solution(rewards, values, mask, gamma, lam)
    return (advantages - advantages.mean()) / (advantages.std() + 1e-8)


def gae_of_the_first_rows_length(rewards, values, mask, gamma=1.0, lam=0.95):
    advantages, carried, value_after = torch.zeros_like(rewards), 0, 0
    for t in reversed(range(int(mask[0].sum()))):
        carried = rewards[:, t] + gamma * value_after - values[:, t] + gamma * lam * carried
        value_after = values[:, t]
        advantages[:, t] = carried
    return advantages


def whiten_turned_round(values, mask, shift_mean=True):
    mean = (values * mask).sum() / mask.sum()
    scaled = (values - mean) / ((((values - mean) ** 2) * mask).sum() / mask.sum() + 1e-8).sqrt()
    if shift_mean:
        scaled = scaled + mean
    return scaled * mask


def whiten_zeros(values, mask, shift_mean=True):
    kept = values * mask
    scaled = (kept - kept.mean()) / torch.sqrt(kept.var(unbiased=False) + 1e-8)
    return (scaled if shift_mean else scaled + kept.mean()) * mask


def whiten_by_cancelling(values, mask, shift_mean=True):
    number = mask.sum()
    mean = (values * mask).sum() / number
    variance = (values**2 * mask).sum() / number - mean**2
    scaled = (values - mean) / torch.sqrt(variance + 1e-8)
    return (scaled if shift_mean else scaled + mean) * mask


def policy_loss_of_the_smaller_ratio(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = torch.exp(logprobs - old_logprobs)
    return -(torch.min(ratio, ratio.clamp(1 - cliprange, 1 + cliprange)) * advantages * mask).sum() / mask.sum()


def policy_loss_with_clipped_logs(logprobs, old_logprobs, advantages, mask, cliprange):
    log_ratio = logprobs - old_logprobs
    kept = log_ratio.clamp(-cliprange, cliprange).exp()
    return -(torch.min(log_ratio.exp() * advantages, kept * advantages) * mask).sum() / mask.sum()


def policy_loss_of_whole_answers(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = ((logprobs - old_logprobs) * mask).sum(dim=1, keepdim=True).exp()
    kept = ratio.clamp(1 - cliprange, 1 + cliprange)
    return -(torch.min(ratio * advantages, kept * advantages) * mask).sum() / mask.sum()


def value_loss_of(change: Callable[[Tensor, Tensor], Tensor]) -> Callable[..., Tensor]:
    """What comes of the larger squared errors and the mask."""

    def value_loss(values, old_values, returns, mask, cliprange):
        kept = old_values + torch.clamp(values - old_values, -cliprange, cliprange)
        return change(torch.max((values - returns) ** 2, (kept - returns) ** 2), mask)

    return value_loss


def value_loss_max_first(values, old_values, returns, mask, cliprange):
    kept = old_values + torch.clamp(values - old_values, -cliprange, cliprange)
    return 0.5 * (torch.max(values - returns, kept - returns) ** 2 * mask).sum() / mask.sum()


def value_loss_of_both(values, old_values, returns, mask, cliprange):
    kept = old_values + torch.clamp(values - old_values, -cliprange, cliprange)
    return 0.5 * (((values - returns) ** 2 + (kept - returns) ** 2) * mask).sum() / mask.sum()


def kl_with_the_other_ratio(logprobs, ref_logprobs):
    r = torch.exp(logprobs - ref_logprobs)
    return -torch.log(r), 0.5 * torch.log(r) ** 2, (r - 1) - torch.log(r)


def kl_exchanged(logprobs, ref_logprobs):
    log_r = ref_logprobs - logprobs
    return -log_r, torch.exp(log_r) - 1 - log_r, log_r**2 / 2


def kl_of_k3_alone(logprobs, ref_logprobs):
    log_r = ref_logprobs - logprobs
    return torch.exp(log_r) - 1 - log_r


def step_without_brackets(logits, chosen, advantages, learning_rate):
    step = advantages[:, None] * F.one_hot(chosen, len(logits)) - logits.softmax(0)
    return logits + learning_rate * step.mean(dim=0)


def step_without_a_rate(logits, chosen, advantages, learning_rate):
    return logits + (advantages[:, None] * (F.one_hot(chosen, len(logits)) - logits.softmax(0))).mean(dim=0)


def step_alone(logits, chosen, advantages, learning_rate):
    return learning_rate * (advantages[:, None] * (F.one_hot(chosen, len(logits)) - logits.softmax(0))).mean(dim=0)


def step_of_one_mean(logits, chosen, advantages, learning_rate):
    return logits + learning_rate * (advantages[:, None] * (F.one_hot(chosen, len(logits)) - logits.softmax(0))).mean()


NAMED = [
    ("6.1", logprobs_shifted_again, "shifted by one"),
    ("6.1", logprobs_shifted_again_with_a_zero_in_front, "shifted by one"),
    ("6.1", logprobs_gathered_then_logged, "logarithm of a softmax"),
    ("6.1", logprobs_in_a_loop_with_exp, "exp of large logits"),
    ("6.2", rewards_without_beta, "β is not used"),
    ("6.2", rewards_without_the_reference, "no reference"),
    ("6.2", rewards_with_k3, "an estimator that is never negative"),
    ("6.2", rewards_on_the_first_rows_end, "one end for all responses"),
    ("6.2", rewards_in_whole_columns, "scores in whole columns"),
    ("6.3", gae_that_trusts_the_rewards_on_pads, "rewards on pads"),
    ("6.3", gae_with_the_sign_turned_round, "the sign turned round"),
    ("6.3", gae_one_column_short, "a column short"),
    ("6.3", gae_standardised, "whitens inside"),
    ("6.3", gae_of_the_first_rows_length, "one length for all responses"),
    ("6.4", whiten_turned_round, "shift_mean turned round"),
    ("6.4", whiten_zeros, "pads become 0 and count"),
    ("6.4", whiten_by_cancelling, "the mean of x² minus the square of the mean"),
    ("6.5", policy_loss_of_the_smaller_ratio, "the smaller ratio instead of the smaller gain"),
    ("6.5", policy_loss_with_clipped_logs, "clips the logarithm"),
    ("6.5", policy_loss_of_whole_answers, "one ratio an answer"),
    ("6.6", value_loss_of(lambda error, mask: 0.5 * (error * mask).sum()), "a sum"),
    ("6.6", value_loss_of(lambda error, mask: 0.5 * (error * mask).mean()), "divides by all places"),
    ("6.6", value_loss_of(lambda error, mask: 0.5 * ((error * mask).sum(1) / mask.sum(1)).mean()), "mean of means"),
    ("6.6", value_loss_of(lambda error, mask: -0.5 * (error * mask).sum() / mask.sum()), "the sign"),
    ("6.6", value_loss_max_first, "max before the square"),
    ("6.6", value_loss_of_both, "the sum of both"),
    ("6.7", kl_with_the_other_ratio, "r upside down"),
    ("6.7", kl_exchanged, "in another order"),
    ("6.7", kl_of_k3_alone, "one of the three"),
    ("6.8", step_without_brackets, "− π without the advantage"),
    ("6.8", step_without_a_rate, "no learning rate"),
    ("6.8", step_alone, "only the step"),
    ("6.8", step_of_one_mean, "one number for all logits"),
]


@pytest.mark.parametrize(("number", "function", "name"), NAMED)
def test_a_mistake_is_named_as_people_write_it(number: str, function: Callable[..., Any], name: str):
    assert examine(exercise(number), function).points < exercise(number).points
    assert name_of(number, function) == name


def test_an_argument_renamed_is_refused_where_the_trainer_says_it_by_name():
    def whiten(values, mask, shift=True):
        return exercise("6.4").solution(values, mask, shift)

    verdict = examine(exercise("6.4"), whiten)
    assert not verdict.names["keep the mean"]
    assert verdict.names["four tokens, one response"]
    assert "shift_mean" in " ".join(report(exercise("6.4"), whiten))
