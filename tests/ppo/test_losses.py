import pytest
import torch

from topfive.ppo.losses import kl_loss, policy_loss, value_loss

MASK = torch.tensor([[1, 1, 1], [1, 0, 0]])
CLIP = 0.2


def one(value: float) -> torch.Tensor:
    return torch.tensor([[value]], dtype=torch.float64)


def random(seed: int) -> torch.Tensor:
    return torch.randn(2, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("ratio", "advantage", "expected"),
    [
        (1.0, 2.0, -2.0),
        (1.5, 2.0, -2.4),  # a good token is rewarded up to 1 + ε
        (0.5, 2.0, -1.0),  # and all the way down
        (0.5, -2.0, 1.6),  # a bad token is punished down to 1 − ε
        (1.5, -2.0, 3.0),  # and all the way up
    ],
)
def test_policy_loss_by_hand(ratio, advantage, expected):
    loss = policy_loss(one(ratio).log(), one(1.0).log(), one(advantage), torch.ones(1, 1), CLIP)
    assert loss.item() == pytest.approx(expected)


def test_no_gradient_once_clipped():
    logprobs = one(1.5).log().requires_grad_()
    policy_loss(logprobs, one(1.0).log(), one(2.0), torch.ones(1, 1), CLIP).backward()
    assert logprobs.grad.item() == 0


@pytest.mark.parametrize(
    ("value", "old", "target", "expected"),
    [
        (0.1, 0.0, 0.0, 0.005),
        (1.0, 0.0, 1.0, 0.32),  # right, but too far from the old value: the clipped error counts
        (1.0, 0.0, -1.0, 2.0),  # wrong and far: the plain error counts
    ],
)
def test_value_loss_by_hand(value, old, target, expected):
    loss = value_loss(one(value), one(old), one(target), torch.ones(1, 1), CLIP)
    assert loss.item() == pytest.approx(expected)


def test_gradients_agree_with_finite_differences():
    x = (0.1 * random(0)).requires_grad_()
    assert torch.autograd.gradcheck(lambda new: policy_loss(new, 0.1 * random(1), random(2), MASK, CLIP), x)
    y = random(3).requires_grad_()
    assert torch.autograd.gradcheck(lambda new: value_loss(new, random(4), random(5), MASK, CLIP), y)


@pytest.mark.parametrize("loss", [policy_loss, value_loss])
def test_pads_do_not_count(loss):
    new, old, third = random(0), random(1), random(2)
    noise = torch.where(MASK == 0, 5.0, 0.0)
    ours = loss(new + noise, old - noise, third + noise, MASK, CLIP)
    torch.testing.assert_close(ours, loss(new, old, third, MASK, CLIP))


def test_kl_loss_is_the_divergence_of_the_distributions_on_real_tokens():
    logits, ref_logits = (torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    real = MASK.bool()
    expected = [
        torch.distributions.kl_divergence(
            torch.distributions.Categorical(logits=logits[row, step]),
            torch.distributions.Categorical(logits=ref_logits[row, step]),
        )
        for row, step in MASK.nonzero().tolist()
    ]
    assert kl_loss(logits[real], ref_logits[real]).item() == pytest.approx(
        torch.stack(expected).mean().item(), rel=1e-5
    )
    assert kl_loss(logits, logits).item() == pytest.approx(0, abs=1e-6)


def test_kl_loss_pulls_back_tokens_that_were_never_sampled():
    logits = torch.zeros(1, 1, 4, requires_grad=True)
    ref_logits = torch.tensor([[[0.0, 0.0, 0.0, -5.0]]])
    kl_loss(logits, ref_logits).backward()
    assert logits.grad[0, 0, 3] > 0  # descending lowers the token that the reference finds unlikely
    assert (logits.grad[0, 0, :3] < 0).all()
