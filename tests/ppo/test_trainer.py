import copy
import json
import math
import os
import signal
from dataclasses import replace

import pytest
import torch

from topfive.errors import TopFiveError
from topfive.lm import sampling
from topfive.ppo import PPOConfig, PPOTrainer, rollout, toy
from topfive.ppo import advantages as adv
from topfive.ppo.advantages import gae
from topfive.ppo.config import COUNTS
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
    """Without a folder to save into, the first Ctrl-C stops at once; the step that was done stays done."""
    trainer = short(world, callbacks=[lambda step: os.kill(os.getpid(), signal.SIGINT)])
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert len(trainer.history) == 1
    assert toy.distribution(trainer.model).sum().item() == pytest.approx(1, abs=1e-4)
    once = short(world)
    once._step(0)
    assert torch.equal(weights(trainer), weights(once))


@pytest.mark.parametrize("name", ["gae_fn", "policy_loss_fn"])
def test_a_function_that_never_ends_is_stopped_by_one_ctrl_c(world, name):
    went_on = []

    def endless(*args, **kwargs):
        signal.raise_signal(signal.SIGINT)
        went_on.append(name)

    trainer = short(world, **{name: endless})
    before = weights(trainer).clone()
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert not went_on
    assert torch.equal(weights(trainer), before)


def test_after_ctrl_c_the_same_trainer_goes_on_as_if_nothing_had_happened(world):
    whole = short(world)
    whole.train()
    calls = []

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 10:  # the second minibatch of the third step
            raise KeyboardInterrupt
        return policy_loss(*args)

    trainer = short(world, policy_loss_fn=interrupted)
    with pytest.raises(KeyboardInterrupt):
        trainer.train()
    assert len(trainer.history) == 2
    trainer.train()
    assert len(trainer.history) == 4
    assert torch.equal(weights(trainer), weights(whole))


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


def test_adaptive_kl_coefficients_follow_the_target_together(world):
    low = short(world, steps=3, kl_target=1e9, kl_horizon=100, kl_loss_coef=0.4)
    low.train()
    assert low.kl_coef == pytest.approx(0.2 * (1 - 0.2 * 16 / 100) ** 3)
    assert low.kl_loss_coef == pytest.approx(2 * low.kl_coef)
    assert low.history[1]["objective/kl_loss_coef"] == pytest.approx(0.4 * (1 - 0.2 * 16 / 100))
    high = short(world, steps=2, kl_target=1e-9, kl_horizon=100, beta=0.2)
    high.kl_coef = 0.5
    high._adapt_to_kl(1.0)
    assert high.kl_coef == pytest.approx(0.5 * (1 + 0.2 * 16 / 100))


@pytest.mark.slow
def test_a_run_settles_at_its_kl_target(world):
    """From a price at which it ends at twice as many nats without a target."""
    free, held = (
        short(world, steps=60, beta=0.5, batch_size=64, save_steps=99, kl_target=target) for target in (None, 1.2)
    )
    free.train()
    held.train()
    ends = [sum(row["objective/kl"] for row in one.history[-10:]) / 10 for one in (free, held)]
    assert ends[0] > 2
    assert 0.9 < ends[1] < 1.5
    assert held.kl_coef > free.kl_coef == 0.5


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


def test_what_a_line_earns_goes_through_the_callers_token_rewards(world):
    def paid_by(token_rewards_fn):
        trainer = short(world, steps=1, token_rewards_fn=token_rewards_fn)
        found = trainer._roll_out(0, torch.Generator().manual_seed(0))
        lines = torch.zeros(found.mask.shape)
        lines[found.mask[:, 1] == 1, 0] = 0.3
        lines[found.mask[:, 2] == 1, 1] = -0.7
        found = replace(found, line_rewards=lines, scores=found.scores + lines.sum(dim=1))
        return trainer._token_rewards(found), found

    rewards, found = paid_by(adv.token_rewards)
    assert found.line_rewards.count_nonzero() > 8
    last = found.scores - found.line_rewards.sum(dim=1)
    at_the_end = adv.token_rewards(last, found.logprobs, found.ref_logprobs, found.mask, 0.2)
    torch.testing.assert_close(rewards, at_the_end + found.line_rewards)
    flipped, _ = paid_by(lambda scores, *rest: adv.token_rewards(-scores, *rest))
    penalty = adv.token_rewards(0 * last, found.logprobs, found.ref_logprobs, found.mask, 0.2)
    torch.testing.assert_close(flipped - penalty, penalty - rewards)


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
    trainer.callbacks = [lambda step: rates.append(trainer.optimizers[0].param_groups[0]["lr"])]
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


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 4},
        {"batch_size": 15},
        {"temperature": 0.0},
        {"temperature": math.nan},
        {"kl_budget": 0.0},
        {"kl_target": 0.0},
        {"kl_target": -1.0},
        *({name: 0} for name in COUNTS),
    ],
)
def test_settings_that_cannot_work_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PPOConfig(**wrong)


def test_a_folder_may_be_given_as_text(world, tmp_path):
    short(world, steps=1, output_dir=str(tmp_path)).train()
    assert (tmp_path / "state" / "state.json").exists()


# --- a run that has ended stays ended, and is one run --------------------------------------------------------------


def test_a_finished_run_trains_nothing_more_and_says_so(world, tmp_path, capsys):
    first, second = short(world, output_dir=tmp_path), short(world, output_dir=tmp_path)
    history = first.train()
    assert "has ended" not in capsys.readouterr().out
    assert second.train() == history
    assert f"(all 4 steps are done): nothing is trained. To train anew, delete {tmp_path}" in capsys.readouterr().out
    assert second.stopped == "finished"
    assert torch.equal(weights(first), weights(second))


def test_so_does_one_without_a_folder(world, capsys):
    trainer = short(world)
    trainer.train()
    after = weights(trainer).clone()
    assert len(trainer.train()) == 4
    assert "make a new trainer" in capsys.readouterr().out
    assert torch.equal(weights(trainer), after)


BUDGET = {"steps": 40, "beta": 0.0, "kl_budget": 0.2, "learning_rate": 1e-2, "batch_size": 64}


def test_a_run_that_used_up_its_budget_keeps_the_last_policy_under_it(world, tmp_path):
    trainer = short(world, **BUDGET, output_dir=tmp_path)
    trainer.train()
    used = len(trainer.history)
    assert used > 2
    # The batch before the last was sampled by the policy after used − 2 steps: that one was found under the budget.
    same = short(world, **{**BUDGET, "kl_budget": None})
    for step in range(used - 2):
        same._step(step)
    policy = dict(same.model.named_parameters())
    assert all(torch.equal(value, policy[name]) for name, value in trainer.model.named_parameters())
    again = short(world, **BUDGET, output_dir=tmp_path)
    assert len(again.train()) == used
    assert again.stopped == "kl_budget"
    assert torch.equal(weights(again), weights(trainer))


def test_a_resumed_run_keeps_the_same_policy_under_the_budget(world, tmp_path):
    whole = short(world, **BUDGET)
    used = len(whole.train())

    def stop(step):
        if step.step == used - 1:
            signal.raise_signal(signal.SIGINT)

    short(world, **BUDGET, output_dir=tmp_path, callbacks=[stop]).train()
    rest = short(world, **BUDGET, output_dir=tmp_path)
    assert len(rest.train()) == used
    assert torch.equal(weights(rest), weights(whole))


def test_a_budget_that_the_first_batch_is_over_leaves_the_policy_that_was_given(world):
    trainer = short(world, **{**BUDGET, "kl_budget": 1e-9, "learning_rate": 0.1})
    with torch.no_grad():
        trainer.model.transformer.wte.weight.mul_(1.5)  # away from the reference before it begins
        trainer.trained["kept"].load_state_dict(trainer.model.state_dict())
    before = toy.distribution(trainer.model)
    trainer.train()
    assert (trainer.stopped, len(trainer.history)) == ("kl_budget", 1)
    assert torch.equal(toy.distribution(trainer.model), before)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"beta": 5.0}, "kl_coef was 0.2 and is 5.0"),
        ({"steps": 8}, "total_steps was 4 and is 8"),
        ({"steps": 2}, "total_steps was 4 and is 2"),
        ({"seed": 1}, "seed was 0 and is 1"),
        ({"learning_rate": 0.1}, "learning_rate was 0.004 and is 0.1"),
        ({"kl_budget": 3.0}, "kl_budget was None and is 3.0"),
        ({"whiten_rewards": True}, "whiten_rewards was False and is True"),
    ],
)
@pytest.mark.parametrize("last", [1, 4], ids=["stopped", "finished"])
def test_other_settings_in_the_same_folder_are_refused_by_name(world, tmp_path, change, said, last):
    def stop(step):
        if step.step == last < 4:
            signal.raise_signal(signal.SIGINT)

    short(world, output_dir=tmp_path, callbacks=[stop]).train()
    saved = (tmp_path / "state" / "state.json").read_bytes()
    other = short(world, output_dir=tmp_path, **change)
    before = weights(other).clone()
    with pytest.raises(TopFiveError, match=f"state: holds a run with other settings .*{said}.*delete this one"):
        other.train()
    assert torch.equal(weights(other), before)
    assert (tmp_path / "state" / "state.json").read_bytes() == saved


def test_other_prompts_and_another_reference_are_refused_too(world, tmp_path):
    short(world, output_dir=tmp_path).train()
    other = short(world, output_dir=tmp_path)
    other.train_dataset = ["a b"]
    with pytest.raises(TopFiveError, match="train_dataset has other content"):
        other.train()
    with pytest.raises(TopFiveError, match="ref_model has other content"):
        short((toy.policy(seed=9), world[1]), output_dir=tmp_path).train()


@pytest.mark.parametrize(("which", "steers"), [("k1", True), ("k2", False), ("k3", False)])
def test_of_the_estimators_k1_alone_steers_budget_and_target(world, which, steers):
    """So it stands in the trainer's docstring."""

    def far(logprobs, ref_logprobs):
        parts = dict(zip(("k1", "k2", "k3"), adv.kl_estimators(logprobs, ref_logprobs), strict=True))
        return tuple((parts | {which: torch.full_like(logprobs, 50.0)}).values())

    stopping = short(world, steps=2, kl_budget=40.0, kl_estimators_fn=far)
    stopping.train()
    assert (stopping.stopped, len(stopping.history)) == (("kl_budget", 1) if steers else ("finished", 2))
    growing = short(world, steps=2, kl_target=40.0, kl_estimators_fn=far)
    growing.train()
    assert (growing.kl_coef > 0.2) == steers


def other_weights(judge):
    with torch.no_grad():
        judge.score.weight[0, 0] += 1e-3


def other_scale(judge):
    judge.config.reward_std *= 2


@pytest.mark.parametrize("change", [other_weights, other_scale])
def test_another_reward_model_is_refused_too(world, tmp_path, change):
    reference, judge = world
    short(world, steps=2, output_dir=tmp_path).train()
    again = short((reference, copy.deepcopy(judge)), steps=2, output_dir=tmp_path)
    again.train()
    assert again.stopped == "finished"
    other = copy.deepcopy(judge)
    change(other)
    with pytest.raises(TopFiveError, match=r"run with other settings .*reward_model has other content"):
        short((reference, other), steps=2, output_dir=tmp_path).train()


def test_a_reward_model_is_not_gone_on_with_in_the_place_of_a_function(world, tmp_path):
    first = short(world, steps=2, output_dir=tmp_path)
    first.reward_model = lambda prompts, answers: [0.0] * len(answers)
    first.train()
    with pytest.raises(TopFiveError, match="reward_model was None and is #"):
        short(world, steps=2, output_dir=tmp_path).train()


def test_a_critic_of_another_scale_is_refused(world, tmp_path):
    short(world, steps=2, output_dir=tmp_path).train()
    other = short(world, steps=2, output_dir=tmp_path)
    other.value_model.config.reward_std = 3.0
    with pytest.raises(TopFiveError, match=r"value_model's scale was \[.*\] and is \[.*, 3.0\]"):
        other.train()


def test_how_often_it_is_saved_may_change(world, tmp_path):
    short(world, output_dir=tmp_path, callbacks=[lambda step: signal.raise_signal(signal.SIGINT)]).train()
    assert len(short(world, output_dir=tmp_path, save_steps=3).train()) == 4


# --- what is no number --------------------------------------------------------------------------------------------


def reward_from(world, spoil, at=3):
    """The length of an answer as reward, spoilt in one call."""
    calls = []

    def reward(prompts, answers):
        calls.append(1)
        scores = torch.tensor([float(len(answer)) for answer in answers])
        return spoil(scores) if len(calls) == at else scores

    return reward


def with_reward(world, reward, **changes):
    trainer = short(world, **changes)
    trainer.reward_model = reward
    return trainer


def first(value):
    return lambda scores: scores.index_fill(0, torch.tensor([0]), value)


def lines(value):
    return lambda scores: torch.stack([first(value)(scores), scores], dim=1)


@pytest.mark.parametrize("odd", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("kind", [first, lines])
def test_a_score_that_is_no_number_stops_and_the_last_good_policy_is_kept(world, tmp_path, odd, kind):
    good = with_reward(world, reward_from(world, None, at=0), output_dir=tmp_path / "good", save_steps=100)
    for step in range(2):
        good._step(step)
    trainer = with_reward(world, reward_from(world, kind(odd)), output_dir=tmp_path / "run", save_steps=100)
    with pytest.raises(
        TopFiveError, match=r"the reward of an answer is .*Prompt: 'a'\. Answer: '[a-d ]*'\. Mend"
    ) as caught:
        trainer.train()
    assert str(odd) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert torch.equal(weights(trainer), weights(good))
    assert trainer.stopped == ""
    mended = with_reward(world, reward_from(world, None, at=0), output_dir=tmp_path / "run", save_steps=100)
    whole = with_reward(world, reward_from(world, None, at=0))
    assert len(mended.train()) == len(whole.train()) == 4
    assert torch.equal(weights(mended), weights(whole))


def test_a_reward_model_that_gives_no_number_is_stopped_too(world):
    judge = toy.reward(world[0])
    with torch.no_grad():
        judge.score.weight.fill_(torch.nan)
    trainer = short((world[0], judge))
    before = [value.clone() for value in trainer.model.parameters()]
    with pytest.raises(TopFiveError, match=r"the reward of an answer is nan, .*Prompt: 'a'\. Answer: '[a-d ]*'"):
        trainer.train()
    assert all(torch.equal(a, b) for a, b in zip(before, trainer.model.parameters(), strict=True))


def test_an_error_in_the_callers_reward_keeps_the_last_policy_on_disk(world, tmp_path):
    def divide(scores):
        return scores / (1 // 0)

    trainer = with_reward(world, reward_from(world, divide), output_dir=tmp_path, save_steps=100)
    with pytest.raises(ZeroDivisionError):
        trainer.train()
    assert json.loads((tmp_path / "state" / "state.json").read_text())["step"] == 2


def spoilt_at(call, spoil):
    calls = []

    def loss(*args):
        calls.append(1)
        return spoil(policy_loss(*args)) if len(calls) == call else policy_loss(*args)

    return loss


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda loss: loss * torch.nan, r"step 2 \(policy loss nan, value loss .*\): the loss is nan"),
        (lambda loss: loss - torch.inf, r"step 2 \(policy loss -inf, value loss .*\): the loss is -inf"),
        (lambda loss: loss + 0 * (loss - loss.detach()).sqrt(), r"step 2 .*: a gradient is not finite"),
    ],
)
@pytest.mark.parametrize("call", [5, 7], ids=["first update", "third update"])
def test_a_loss_that_is_no_number_undoes_its_step(world, tmp_path, spoil, said, call):
    good = short(world)
    good._step(0)
    trainer = short(world, policy_loss_fn=spoilt_at(call, spoil), output_dir=tmp_path, save_steps=100)
    with pytest.raises(TopFiveError, match=said):
        trainer.train()
    assert torch.equal(weights(trainer), weights(good))
    resumed, whole = short(world, output_dir=tmp_path), short(world)
    assert len(resumed.train()) == len(whole.train()) == 4
    assert torch.equal(weights(resumed), weights(whole))


# --- what cannot work ---------------------------------------------------------------------------------------------


def test_a_prompt_too_long_for_its_answer_is_named_before_anything_is_trained(world):
    reference, judge = world
    with pytest.raises(TopFiveError, match=r"“a a a.*…” has 126 tokens, and 125 fit: the model reads 128, 3 of"):
        PPOTrainer(reference, reference, judge, judge, PPOConfig(response_length=3), ["a", "a " * 126], toy.tokenizer())


def test_no_prompts_at_all_are_refused(world):
    reference, judge = world
    with pytest.raises(TopFiveError, match="no prompts to train on"):
        PPOTrainer(reference, reference, judge, judge, PPOConfig(), [], toy.tokenizer())


# --- the ratio ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("other", [{"temperature": 0.6}, {"top_k": 2}, {"top_p": 0.5}])
def test_sampling_from_another_distribution_than_is_scored_shows_in_the_first_ratio(world, monkeypatch, other):
    def generate(*args, **options):
        return sampling.generate(*args, **{**options, **other})

    healthy = short(world)
    healthy.train()
    monkeypatch.setattr(rollout, "generate", generate)
    trainer = short(world)
    trainer.train()
    assert all(row["policy/first_ratio_error"] < 1e-5 for row in healthy.history)
    assert all(row["policy/first_ratio_error"] > 0.05 for row in trainer.history)
