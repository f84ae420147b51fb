"""Recorded runs: one command makes them, goes on where it stopped, and leaves small files that say what they are."""

import json
from dataclasses import replace

import pytest

from topfive.build import clinic, recorded
from topfive.build.recorded import Settings, record
from topfive.evaluate import recorded_runs

TINY = Settings(rankings=12, prompts=16, steps=1, batch_size=16, betas=(0.3,), dpo=((0.1, 2e-4),))
KEYS = {
    "method",
    "beta",
    "seed",
    "settings",
    "topics",
    "versions",
    "sft",
    "kl",
    "score",
    "win_rate",
    "quality",
    "examples",
}


@pytest.mark.slow
@pytest.mark.thorough
def test_all_methods_are_recorded_and_nothing_twice(tmp_path, monkeypatch, capsys):
    files = record(TINY, [0], tmp_path / "ppo", tmp_path / "scratch")
    runs = recorded_runs(tmp_path / "ppo")
    assert [run["method"] for run in runs] == ["dpo", "ppo", "rloo"]
    assert all(set(run) >= KEYS and len(run["examples"]) == 4 for run in runs)
    assert all(run["settings"]["rankings"] == 12 and run["rankings_trained_on"] == 11 for run in runs)
    assert all(run["win_rate"]["low"] <= run["win_rate"]["mean"] <= run["win_rate"]["high"] for run in runs)
    assert runs[0]["learning_rate"] == 2e-4
    assert {len(curve) for curve in runs[1]["curves"].values()} == {1}
    assert set(runs[1]["curves"]) >= {"objective/kl", "response/ended"}
    assert all(file.stat().st_size < 20_000 for file in files)
    assert capsys.readouterr().out.count("win rate") == 3
    monkeypatch.setattr(recorded, "world", None)  # nothing is left to be run
    assert record(TINY, [0], tmp_path / "ppo", tmp_path / "scratch") == files


def test_runs_of_other_settings_or_damaged_ones_are_made_again(tmp_path):
    identity = {"settings": recorded._plain(TINY), "seed": 0, "sft": "abc"}
    file = tmp_path / "ppo-beta0-seed0.json"
    assert not recorded.is_made(file, identity)
    file.write_text(json.dumps({**identity, "win_rate": {}}), "utf-8")
    assert recorded.is_made(file, identity)
    assert not recorded.is_made(file, {**identity, "seed": 1})
    file.write_text("{", "utf-8")
    assert not recorded.is_made(file, identity)


def test_without_recorded_runs_there_are_none(tmp_path):
    assert recorded_runs(tmp_path / "nowhere") == []


def test_the_sweep_goes_from_no_penalty_to_a_huge_one():
    betas = Settings().betas
    assert list(betas) == sorted(set(betas))
    assert betas[0] == 0
    assert betas[-1] >= 10 * betas[2] > 0


def test_the_sweep_looks_between_a_sixth_of_the_loops_weight_and_the_whole_of_it():
    """There the KL goes from some 6 to some 200 nats."""
    alpha = Settings().betas
    assert sum(0 < value < recorded.PPO.kl_loss_coef for value in alpha) >= 4


# --- the clinic -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("world", ["toy", pytest.param("model", marks=pytest.mark.thorough)])
def test_the_clinic_is_recorded_in_both_worlds_and_nothing_twice(tmp_path, monkeypatch, capsys, world):
    size = clinic.Size(toy_steps=1, model_steps=1, prompts=4)
    monkeypatch.setattr(clinic, "jobs", lambda: [("healthy", 0), ("reward negated", 0), ("other temperature", 0)])
    files = clinic.record(world, tmp_path, size)
    runs = [json.loads(file.read_text("utf-8")) for file in files]
    assert [run["fault"] for run in runs] == ["healthy", "reward negated", "other temperature"]
    assert {len(curve) for run in runs for curve in run["curves"].values()} == {1}
    first, other, hot = (run["curves"] for run in runs)
    assert hot["policy/first_ratio_error"][0] > 0.01 > first["policy/first_ratio_error"][0]
    if world == "model":
        assert other["objective/scores"] == pytest.approx([-score for score in first["objective/scores"]], abs=0.1)
        assert all(0 <= run["win_rate"]["mean"] <= 1 and run["example"]["policy"] for run in runs)
    before = [file.stat().st_mtime_ns for file in files]
    assert capsys.readouterr().out.count(" s\n") == 3
    clinic.record(world, tmp_path, size)
    assert [file.stat().st_mtime_ns for file in files] == before
    clinic.record(world, tmp_path, replace(size, toy_steps=2, prompts=5))
    assert [file.stat().st_mtime_ns for file in files] != before
