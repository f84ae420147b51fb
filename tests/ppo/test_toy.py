"""The enumerable world: its optimum is one, and the step by hand is the one that autograd takes."""

import pytest
import torch

from topfive.ppo import toy
from topfive.ppo.losses import policy_loss
from topfive.ppo.step import ppo_loss


@pytest.fixture(scope="module")
def world():
    reference = toy.policy()
    return toy.distribution(reference).double(), toy.answer_scores(toy.reward(reference)).double()


def test_every_answer_has_a_name_of_its_own(world):
    names = toy.answer_names()
    assert len(set(names)) == len(names) == len(world[0]) == 1 + 4 + 16 + 64
    assert {"·", "a ·", "a b ·", "d d d"} <= set(names)


def test_pads_come_after_the_end_only_and_are_never_written(world):
    answers = toy.every_answer()
    assert ((answers.response == toy.PAD) == (answers.mask == 0)).all()
    assert world[0].sum().item() == pytest.approx(1, abs=1e-5)
    query, mask = toy.encode(toy.tokenizer(), [toy.PROMPT] * 512)
    drawn = toy.generate(toy.policy(), query, mask, generator=torch.Generator().manual_seed(0), max_new_tokens=3)
    assert not ((drawn.response == toy.PAD) & (drawn.mask == 1)).any()


def test_the_win_rate_is_exact():
    reference, rewards = torch.tensor([0.5, 0.25, 0.25]), torch.tensor([0.0, 1.0, 1.0])
    assert toy.win_rate(reference, reference, rewards) == pytest.approx(0.5)
    assert toy.win_rate(torch.tensor([0.0, 1.0, 0.0]), reference, rewards) == pytest.approx(0.5 + 0.5 * 0.5)


@pytest.mark.slow
def test_the_loss_of_6_9_learns_without_a_trainer():
    distances = toy.learn(ppo_loss, beta=0.5, steps=30)
    assert distances[0] > 0.6
    assert distances[-1] < 0.25


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
