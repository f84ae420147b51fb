"""PPO against a known optimum: π* ∝ π_ref · exp(r / β) over all 85 answers of the toy world."""

import pytest
import torch

from topfive.ppo import advantages as adv
from topfive.ppo import toy
from topfive.ppo.losses import policy_loss

BETA = 0.5

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def world():
    reference = toy.policy()
    return reference, toy.reward(reference)


def distance(world, **changes) -> float:
    """Total variation between what PPO reaches and the optimum."""
    reference, judge = world
    trainer = toy.trainer(reference, judge, beta=BETA, steps=changes.pop("steps", 100), **changes)
    trainer.train()
    return toy.total_variation(toy.distribution(trainer.model), toy.optimum(reference, judge, BETA))


def test_answers_are_all_answers(world):
    assert toy.distribution(world[0]).sum().item() == pytest.approx(1, abs=1e-5)


def test_ppo_approaches_the_optimum(world):
    reference, judge = world
    start = toy.total_variation(toy.distribution(reference), toy.optimum(reference, judge, BETA))
    assert start >= 0.4
    assert distance(world, steps=120, batch_size=384) <= 0.05


def inverted_ratio(logprobs, old_logprobs, advantages, mask, cliprange):
    return policy_loss(2 * old_logprobs - logprobs, old_logprobs, advantages, mask, cliprange)


def walks_forwards(rewards, values, mask, gamma, lam):
    flipped = [tensor.flip(1) for tensor in (rewards, values, mask)]
    return adv.gae(*flipped, gamma, lam).flip(1)


def one_step_surprise(rewards, values, mask, gamma, lam):
    """As if the critic's word for the next token were 0: the score reaches only the last token."""
    return (rewards - values) * mask


@pytest.mark.parametrize(
    "bug",
    [
        pytest.param({"policy_loss_fn": inverted_ratio}, id="ratio upside down"),
        pytest.param({"gae_fn": walks_forwards}, id="GAE walks forwards", marks=pytest.mark.thorough),
        pytest.param({"gae_fn": one_step_surprise}, id="no bootstrapping", marks=pytest.mark.thorough),
    ],
)
def test_planted_bug_in_a_function_misses_the_optimum(world, bug):
    assert distance(world, **bug) > 0.1


@pytest.mark.thorough  # `make test` has a run without the penalty, below
@pytest.mark.parametrize("sign", [0, -1], ids=["KL left out", "KL with the wrong sign"])
def test_planted_bug_in_the_penalty_misses_the_optimum(world, sign):
    def wrong(scores, new, old, mask, beta):
        return adv.token_rewards(scores, new, old, mask, sign * beta)

    assert distance(world, token_rewards_fn=wrong) > 0.1


def test_a_huge_beta_leaves_the_policy_at_the_reference(world):
    reference, judge = world
    trainer = toy.trainer(reference, judge, beta=1000.0, steps=60)
    trainer.train()
    assert toy.total_variation(toy.distribution(trainer.model), toy.distribution(reference)) < 0.03


def test_no_kl_penalty_collapses_onto_the_reward_models_favourite(world):
    reference, judge = world
    trainer = toy.trainer(reference, judge, beta=0.0, steps=100)
    trainer.train()
    after = toy.distribution(trainer.model)
    assert after.max() > 0.9
    assert toy.distribution(reference)[after.argmax()] < 0.2
    assert trainer.history[-1]["policy/entropy"] < 0.2 < trainer.history[0]["policy/entropy"]


def test_exact_gradient_at_the_reference_points_to_the_optimum(world):
    """One very large batch: the averaged policy gradient agrees with the exact gradient of E[r] − β·KL."""
    reference, judge = world
    samples = toy.every_answer()
    scores = toy.scores(judge, *toy.joined(samples)).where(samples.ended, torch.tensor(toy.MISSING_END)).detach()
    probabilities = toy.distribution(reference)
    logprobs = toy.response_logprobs(toy.response_logits(reference, samples, 1.0), samples)
    exact = (logprobs.sum(dim=1).exp() * scores).sum()  # the KL's gradient is zero at the reference
    parameters = [reference.transformer.wte.weight, reference.transformer.h[0].attn.c_attn.weight]
    expected = torch.autograd.grad(exact, parameters, retain_graph=True)
    advantages = scores[:, None] * samples.mask
    ratio = torch.exp(logprobs - logprobs.detach())
    surrogate = (probabilities[:, None] * ratio * advantages * samples.mask).sum()
    for ours, truth in zip(torch.autograd.grad(surrogate, parameters), expected, strict=True):
        torch.testing.assert_close(ours, truth, atol=1e-5, rtol=1e-3)
