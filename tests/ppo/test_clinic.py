"""The clinic: each fault rings an alarm, healthy runs ring none, and a log alone is enough to complain of some."""

import copy

import pytest
import torch
from torch import nn

from topfive.errors import TopFiveError
from topfive.evaluate import recorded_clinic
from topfive.lm import sampling
from topfive.ppo import clinic, rollout, toy
from topfive.ppo.config import PPOConfig

RUNS = recorded_clinic("toy")
HEALTHY = [run["curves"] for run in RUNS if run["fault"] == clinic.HEALTHY]
SICK = {run["fault"]: run["curves"] for run in RUNS if run["fault"] != clinic.HEALTHY}


def test_every_fault_is_recorded_and_four_healthy_seeds():
    assert [run["seed"] for run in RUNS if run["fault"] == clinic.HEALTHY] == [0, 1, 2, 3]
    assert list(SICK) == [one.name for one in clinic.FAULTS]
    for run in RUNS:
        assert set(run["curves"]) == {one.key for one in clinic.INSTRUMENTS}
        assert {len(curve) for curve in run["curves"].values()} == {run["steps"]} == {clinic.STEPS}


@pytest.mark.parametrize("name", SICK)
def test_every_fault_rings_an_alarm(name: str):
    assert clinic.ringing(SICK[name], HEALTHY)


@pytest.mark.parametrize("seed", range(4))
def test_no_healthy_run_rings_one_among_the_others(seed: int):
    others = [run for place, run in enumerate(HEALTHY) if place != seed]
    assert clinic.ringing(HEALTHY[seed], others) == []


def test_what_notebook_06_says_of_them_holds():
    ends = {name: {key: clinic.level(curve) for key, curve in curves.items()} for name, curves in SICK.items()}
    rings = {name: clinic.ringing(curves, HEALTHY) for name, curves in SICK.items()}
    highest = max(clinic.level(run["objective/scores"]) for run in HEALTHY)
    assert sum(ends[name]["objective/scores"] > SICK[name]["objective/scores"][0] for name in SICK) == 5
    above = [name for name in SICK if ends[name]["objective/scores"] > highest and "objective/scores" in rings[name]]
    assert above == ["other temperature", "β = 0"]
    won = [name for name in SICK if ends[name]["truth/win_rate"] > 0.55]
    assert won == ["mask off by one", "other temperature", "β = 0", "credit forwards"]
    assert ends["β = 0"]["truth/win_rate"] > 0.98
    assert ends["ρ upside down"]["value/explained_variance"] > 0.99
    assert ends["ρ upside down"]["response/ended"] < 0.01
    assert [name for name in SICK if "policy/first_ratio_error" in rings[name]] == ["other temperature"]
    negated = SICK["reward negated"]
    assert ends["reward negated"]["objective/scores"] > negated["objective/scores"][0] + 1
    assert ends["reward negated"]["truth/win_rate"] < 0.45


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "mask off by one",
        *(pytest.param(one.name, marks=pytest.mark.thorough) for one in (clinic.NOTHING, *clinic.FAULTS)),
    ],
)
def test_what_is_recorded_is_what_comes_out(name: str):
    """In the middle of the run, as far as machines agree; and it rings the same alarms, or nearly."""
    known = {clinic.HEALTHY: HEALTHY[0], **SICK}[name]
    curves = clinic.toy_run(name)
    assert curves["objective/scores"][:3] == pytest.approx(known["objective/scores"][:3], abs=0.05)
    assert bool(clinic.ringing(curves, HEALTHY)) == bool(clinic.ringing(known, HEALTHY))


def test_a_fault_is_planted_around_the_callers_functions():
    calls = []

    def gae(*given):
        calls.append("gae")
        return clinic.OURS["gae_fn"](*given)

    clinic.toy_run("credit forwards", {"gae_fn": gae}, steps=1)
    assert calls == ["gae"]
    with pytest.raises(TopFiveError, match=r"no fault is called 'none'; those that are: healthy, score's sign"):
        clinic.fault("none")


def test_each_fault_changes_what_it_says():
    mask = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]])
    assert clinic._last_cut(mask).tolist() == [[1, 1, 0, 0], [0, 0, 0, 0]]
    args = clinic.fault("β = 0").settings(PPOConfig(kl_loss_coef=0.3))
    assert args.kl_coef == args.kl_loss_coef == 0
    assert clinic.fault("other temperature").settings(PPOConfig(temperature=0.7)).temperature == pytest.approx(0.42)
    judge = toy.reward(toy.policy())
    ended = toy.every_answer().ended
    there, negated = (toy.answer_scores(one)[ended] for one in (judge, clinic.negated(judge)))
    torch.testing.assert_close(negated, -there)
    assert clinic.negated(lambda prompts, answers: [1.0, -2.0])([], []).tolist() == [-1.0, 2.0]


# --- complaints ---------------------------------------------------------------------------------------------------


def run(**changes):
    return toy.trainer(toy.policy(), toy.reward(toy.policy()), beta=0.2, steps=4, batch_size=16, **changes)


def test_nothing_is_said_of_a_healthy_log():
    for curves in HEALTHY:
        log = [dict(zip(curves, row, strict=True)) for row in zip(*curves.values(), strict=True)]
        assert clinic.complaints(log) == []


@pytest.mark.parametrize("other", [{"temperature": 0.6}, {"top_k": 2}])
def test_another_distribution_is_complained_of(monkeypatch: pytest.MonkeyPatch, other):
    monkeypatch.setattr(rollout, "generate", lambda *args, **given: sampling.generate(*args, **{**given, **other}))
    assert "sampled from one distribution and scored with another" in clinic.complaints(run().train())[0]


def test_dropout_left_on_is_complained_of():
    trainer = run()
    trainer.model.transformer.drop = nn.Dropout(0.3).train()
    assert "dropout" in clinic.complaints(trainer.train())[0]


def test_answers_that_stop_ending_and_a_blind_critic_are_complained_of():
    healthy = {"policy/first_ratio_error": 0.0, "response/ended": 0.9, "value/explained_variance": 0.5}
    ended = [copy.copy({**healthy, "response/ended": share}) for share in (0.9, 0.8, 0.3, 0.1)]
    assert clinic.complaints(ended) == ["from step 3 on, fewer than half as many answers end as in the first one"]
    blind = [{**healthy, "value/explained_variance": -0.2}] * 4
    assert "the critic explains nothing" in clinic.complaints(blind)[0]
