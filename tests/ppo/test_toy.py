"""The enumerable world: its optimum is one, and the step by hand is the one that autograd takes."""

import pytest
import torch

from topfive.ppo import toy
from topfive.ppo.losses import policy_loss


@pytest.fixture(scope="module")
def world():
    reference = toy.policy()
    return toy.distribution(reference).double(), toy.answer_scores(toy.reward(reference)).double()


def test_every_answer_has_a_name_of_its_own(world):
    names = toy.answer_names()
    assert len(set(names)) == len(names) == len(world[0]) == 156
    assert {"·", "a ·", "a b ·", "d d d"} <= set(names)


@pytest.mark.parametrize("beta", [0.1, 0.5, 2.0])
def test_no_other_policy_beats_the_best_one(world, beta):
    reference, rewards = world
    best = toy.best_policy(reference, rewards, beta)
    top = toy.objective(best, reference, rewards, beta)
    generator = torch.Generator().manual_seed(0)
    for scale in (0.01, 0.1, 1.0):
        other = (best.log() + scale * torch.randn(len(best), generator=generator)).softmax(dim=0)
        assert toy.objective(other, reference, rewards, beta) < top
    assert toy.objective(reference, reference, rewards, beta) < top


def test_the_best_objective_is_the_log_of_the_partition_function(world):
    reference, rewards = world
    best = toy.best_policy(reference, rewards, 0.5)
    expected = 0.5 * (reference * torch.exp(rewards / 0.5)).sum().log().item()
    assert toy.objective(best, reference, rewards, 0.5) == pytest.approx(expected, abs=1e-5)


def test_distances(world):
    reference, _ = world
    assert toy.kl(reference, reference) == 0
    assert toy.total_variation(reference, reference) == 0
    corner = torch.zeros_like(reference)
    corner[3] = 1
    assert toy.kl(corner, reference) == pytest.approx(-reference[3].log().item())
    assert toy.total_variation(corner, reference) == pytest.approx(1 - reference[3].item(), abs=1e-5)


def test_the_step_by_hand_is_the_step_of_autograd():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(6, generator=generator, dtype=torch.float64).requires_grad_()
    chosen = torch.tensor([0, 2, 2, 5, 1])
    advantages = torch.randn(5, generator=generator, dtype=torch.float64)
    logprobs = logits.log_softmax(dim=0)[chosen][:, None]
    loss = policy_loss(logprobs, logprobs.detach(), advantages[:, None], torch.ones(5, 1), 0.2)
    [gradient] = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(
        toy.first_step(logits.detach(), chosen, advantages, 0.3), logits.detach() - 0.3 * gradient
    )
