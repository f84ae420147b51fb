import math

import pytest
import torch

from topfive.ppo import advantages as adv

MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])


def padded(*rows):
    return torch.tensor(rows, dtype=torch.float64)


def test_gae_by_hand():
    rewards, values = padded([0, 0, 0, 1.0]), padded([0.5, 0.4, 0.2, 0.6])
    ours = adv.gae(rewards, values, torch.ones(1, 4), gamma=1.0, lam=0.5)
    torch.testing.assert_close(ours, padded([-0.05, 0.10, 0.60, 0.40]))


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.8), (1.0, 0.0), (1.0, 1.0)])
def test_gae_is_the_discounted_sum_of_surprises(gamma, lam):
    """Equation 16 of Schulman et al. 2016, written as its double sum, response by response without pads."""
    generator = torch.Generator().manual_seed(0)
    rewards, values = (torch.randn(2, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    expected = torch.zeros_like(rewards)
    for row, length in enumerate(MASK.sum(dim=1).tolist()):
        following = [*values[row, 1:length].tolist(), 0.0]
        surprises = [rewards[row, t] + gamma * following[t] - values[row, t] for t in range(length)]
        for t in range(length):
            expected[row, t] = sum((gamma * lam) ** (u - t) * surprises[u] for u in range(t, length))
    torch.testing.assert_close(adv.gae(rewards, values, MASK, gamma, lam), expected)


def test_gae_ignores_what_stands_on_pads():
    rewards, values = torch.randn(2, 4), torch.randn(2, 4)
    clean = adv.gae(rewards * MASK, values * MASK, MASK)
    dirty = adv.gae(rewards, values, MASK)
    torch.testing.assert_close(dirty, clean)
    assert (dirty[MASK == 0] == 0).all()


def test_the_score_lands_on_the_end_token():
    logprobs, ref_logprobs = torch.full((2, 4), -1.0), torch.full((2, 4), -1.5)
    rewards = adv.token_rewards(torch.tensor([2.0, 3.0]), logprobs, ref_logprobs, MASK, kl_coef=0.1)
    torch.testing.assert_close(rewards, torch.tensor([[-0.05, -0.05, -0.05, 1.95], [-0.05, 2.95, 0.0, 0.0]]))


def test_kl_estimators_are_unbiased_and_k3_is_never_negative():
    p, q = torch.tensor([0.7, 0.2, 0.1]).double(), torch.tensor([0.3, 0.3, 0.4]).double()
    exact = (p * (p / q).log()).sum()
    for estimator in (adv.kl_k1, adv.kl_k3):
        torch.testing.assert_close((p * estimator(p.log(), q.log())).sum(), exact)
    assert (adv.kl_k3(p.log(), q.log()) >= 0).all()
    assert (adv.kl_k1(p.log(), q.log()) < 0).any()


def test_k3_keeps_its_digits_near_zero():
    small = 1e-4
    ours = adv.kl_k3(torch.tensor([-1.0 + small]), torch.tensor([-1.0]))
    assert ours.item() == pytest.approx(math.expm1(-small) + small, rel=0.1)


def test_whitening_counts_real_tokens_only():
    values = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 99.0, -99.0]])
    real = MASK.bool()
    moved, kept = adv.whiten(values, MASK), adv.whiten(values, MASK, shift_mean=False)
    for whitened, mean in ((moved, 0.0), (kept, 3.5)):
        assert whitened[real].mean().item() == pytest.approx(mean, abs=1e-5)
        assert whitened[real].std(unbiased=False).item() == pytest.approx(1, abs=1e-4)
        assert (whitened[~real] == 0).all()


def test_the_three_estimators_come_together():
    new, old = torch.tensor([-1.0, -2.0]), torch.tensor([-1.5, -1.0])
    k1, k2, k3 = adv.kl_estimators(new, old)
    torch.testing.assert_close(k1, torch.tensor([0.5, -1.0]))
    torch.testing.assert_close(k2, torch.tensor([0.125, 0.5]))
    torch.testing.assert_close(k3, torch.tensor([math.exp(-0.5) - 0.5, math.e - 2]))
