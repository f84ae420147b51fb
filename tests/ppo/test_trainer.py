import os
import signal

import pytest
import torch

from topfive.errors import TopFiveError
from topfive.ppo import PPOConfig, toy
from topfive.ppo import advantages as adv
from topfive.ppo.advantages import gae
from topfive.ppo.losses import policy_loss, value_loss
from topfive.ppo.rollout import token_logprobs
from topfive.ppo.trainer import GLOSSARY


@pytest.fixture(scope="module")
def world():
    reference = toy.policy()
    return reference, toy.reward(reference)


def short(world, steps=4, beta=0.2, **changes):
    return toy.trainer(*world, beta=beta, steps=steps, **{"batch_size": 16, "save_steps": 1, **changes})


def weights(trainer):
    return torch.cat([value.flatten() for value in trainer.trained.parameters()]).detach()


def test_first_ratio_is_one_to_rounding(world):
    trainer = short(world)
    trainer.train()
    assert all(row["policy/first_ratio_error"] < 1e-5 for row in trainer.history)
    assert trainer.history[-1]["policy/ratio_max"] > 1.0001


def test_every_logged_metric_is_in_the_glossary_and_finite(world):
    history = short(world).train()
    assert set(history[0]) == set(GLOSSARY)
    assert all(torch.tensor(value).isfinite() for row in history for value in row.values())


def test_starts_at_the_reference(world):
    first = short(world, steps=1).train()[0]
    assert first["objective/kl"] == pytest.approx(0, abs=1e-5)
    assert first["objective/kl_k3"] == pytest.approx(0, abs=1e-5)


def test_resumed_run_equals_an_uninterrupted_one(world, tmp_path):
    whole = short(world, steps=6, kl_target=1.0)
    whole.train()

    def stop(step):
        if step.step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    first = short(world, steps=6, kl_target=1.0, output_dir=tmp_path, callbacks=[stop])
    first.train()
    assert (first.stopped, len(first.history)) == ("interrupted", 3)
    second = short(world, steps=6, kl_target=1.0, output_dir=tmp_path)
    second.train()
    assert (second.stopped, len(second.history)) == ("finished", 6)
    assert torch.equal(weights(second), weights(whole))
    assert second.kl_coef == whole.kl_coef
    timeless = [
        [{key: value for key, value in row.items() if not key.startswith("time/")} for row in trainer.history]
        for trainer in (second, whole)
    ]
    assert timeless[0] == timeless[1]


def test_a_stopped_run_leaves_a_usable_policy(world):
    trainer = short(world, callbacks=[lambda step: os.kill(os.getpid(), signal.SIGINT)])
    trainer.train()
    assert len(trainer.history) == 1
    assert toy.distribution(trainer.model).sum().item() == pytest.approx(1, abs=1e-4)


def test_damaged_state_is_refused(world, tmp_path):
    short(world, output_dir=tmp_path).train()
    (tmp_path / "state" / "optimizer.safetensors").write_bytes(b"half")
    with pytest.raises(TopFiveError, match="damaged training state"):
        short(world, output_dir=tmp_path).train()


def test_kl_budget_ends_the_run(world):
    trainer = short(world, steps=40, beta=0.0, kl_budget=0.2, learning_rate=1e-2, batch_size=64)
    trainer.train()
    assert trainer.stopped == "kl_budget"
    assert trainer.history[-1]["objective/kl"] > 0.2
    assert all(row["objective/kl"] <= 0.2 for row in trainer.history[:-1])


def test_adaptive_kl_coefficient_follows_the_target(world):
    low = short(world, steps=3, kl_target=1e9, kl_horizon=100)
    low.train()
    assert low.kl_coef == pytest.approx(0.2 * (1 - 0.2 * 16 / 100) ** 3)
    high = short(world, steps=2, kl_target=1e-9, kl_horizon=100, beta=0.2)
    high.kl_coef = 0.5
    high._adapt_kl_coef(1.0)
    assert high.kl_coef == pytest.approx(0.5 * (1 + 0.2 * 16 / 100))


def test_the_callers_functions_are_the_ones_that_train(world):
    calls = []

    def my_gae(*args):
        calls.append("gae")
        return gae(*args) * 0.0

    trainer = short(world, steps=1, gae_fn=my_gae, vf_coef=0.0)
    before = weights(trainer).clone()
    trainer.train()
    assert calls == ["gae"]
    torch.testing.assert_close(weights(trainer), before)


FUNCTIONS = {
    "logprobs_fn": token_logprobs,
    "token_rewards_fn": adv.token_rewards,
    "gae_fn": adv.gae,
    "whiten_fn": adv.whiten,
    "policy_loss_fn": policy_loss,
    "value_loss_fn": value_loss,
    "kl_estimators_fn": adv.kl_estimators,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_each_function_can_be_the_callers_and_is_called(world, name):
    calls = []

    def own(*args, **kwargs):
        calls.append(name)
        return FUNCTIONS[name](*args, **kwargs)

    default, trainer = short(world, steps=2, whiten_rewards=True), short(world, steps=2, whiten_rewards=True)
    setattr(trainer, name, own)
    by_argument = short(world, steps=1, **{name: own})
    assert getattr(by_argument, name) is own
    default.train()
    trainer.train()
    assert calls
    assert torch.equal(weights(default), weights(trainer))


def test_every_prompt_is_used_once_an_epoch(world):
    trainer = short(world)
    trainer.train_dataset = [str(number) for number in range(24)]
    seen = trainer._prompts(0) + trainer._prompts(1) + trainer._prompts(2)
    assert sorted(seen[:24]) == sorted(seen[24:]) == sorted(trainer.train_dataset)
    assert seen[:24] != seen[24:]


def test_learning_rate_falls_to_zero(world):
    trainer = short(world, steps=4, learning_rate=1e-3)
    rates = []
    trainer.callbacks = [lambda step: rates.append(trainer.optimizer.param_groups[0]["lr"])]
    trainer.train()
    assert rates == pytest.approx([1e-3, 7.5e-4, 5e-4, 2.5e-4])


def test_no_dropout_anywhere(world):
    trainer = short(world)
    models = (trainer.model, trainer.ref_model, trainer.reward_model, trainer.value_model)
    assert not any(module.training for model in models for module in model.modules())


def test_reference_and_reward_model_do_not_move(world):
    trainer = short(world)
    fixed = [value.clone() for model in world for value in model.parameters()]
    trainer.train()
    assert all(torch.equal(a, b) for a, b in zip(fixed, (v for m in world for v in m.parameters()), strict=True))


@pytest.mark.parametrize("wrong", [{"batch_size": 4}, {"batch_size": 15}, {"temperature": 0.0}])
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PPOConfig(**wrong)
