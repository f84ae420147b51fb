"""The benchmarks run: tiny models, tiny settings. What they measure at full size is in benchmarks/results.md."""

from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from benchmarks import annotation, grading, lm, loop, machine, ppo, report, sampling, tastes, threads, timing
from benchmarks.ppo_side import Scorer, train_topfive
from topfive import data
from topfive.errors import TopFiveError
from topfive.lm.model import new_model, save
from topfive.lm.tokenizer import train_tokenizer
from topfive.reward import model as reward_model
from topfive.reward.words import WordReward

TINY = ppo.Settings(
    steps=4,
    block=2,
    seeds=(0,),
    test_answers=8,
    max_new_tokens=8,
    job={"batch_size": 8, "response_length": 8},
)


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> Path:
    """A language model that has learned nothing, and the shipped word reward."""
    folder = tmp_path_factory.mktemp("checkpoints")
    tokenizer = train_tokenizer(data.pretraining_text()[:2000], 512)
    model = new_model(tokenizer, width=32, layers=1, heads=2)
    save(model, tokenizer, folder / "sft")
    WordReward.load(data.checkpoint("taste")).save(folder / "taste")
    return folder


@pytest.fixture(scope="module")
def sft(checkpoints) -> Path:
    return checkpoints / "sft"


def test_matrix_speed_is_plausible():
    assert 1e8 < machine.matrix_speed(size=128, repeats=2) < 1e15


def test_bystanders_are_not_ourselves():
    with machine.Bystanders() as bystanders:
        machine.matrix_speed(size=1024, repeats=50)  # long beside the hundredths in which the system counts time
    assert 0 <= bystanders.share <= 1.1


def test_ratios_are_taken_pair_by_pair():
    assert timing.median_ratio([2.0, 40.0, 6.0], [1.0, 10.0, 3.0]) == 2.0


def test_blocks_alternate():
    order: list[str] = []
    times = timing.alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, rounds=2)
    assert order == ["a", "b"] * 3
    assert [len(found) for found in times.values()] == [2, 2]


def test_a_section_replaces_its_own_and_no_other(tmp_path):
    path = tmp_path / "results.md"
    for title, text in (("One", "first"), ("Two", "### Part\n\nsecond"), ("One", "third")):
        report.write_section(title, text, path)
    assert path.read_text("utf-8") == f"{report.HEAD}\n## One\n\nthird\n\n## Two\n\n### Part\n\nsecond\n"


@pytest.fixture
def small_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without bfloat16 in hardware the real ones take most of a minute; `matrix_speed` has a test of its own."""
    for module in (lm, ppo):
        monkeypatch.setattr(module, "matrix_speed", partial(machine.matrix_speed, size=64, repeats=1))


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.usefixtures("small_matrices")
def test_training_benchmark(sft):
    text = lm.run(sft, lm.Settings(rounds=1, steps=1))
    assert text.count("GFLOP/s") == 3
    assert "| Muon | float32 |" in text


def test_sizes_count_each_parameter_once(sft):
    model = new_model(lm.load(sft)[1])
    total, inside = lm.sizes(model)
    assert total == model.num_parameters()
    assert total - inside == model.transformer.wte.weight.numel() + model.transformer.wpe.weight.numel()


def test_sampling_benchmark(sft):
    text = sampling.run(sft, sampling.Settings(rounds=1, lists=4, max_new_tokens=4))
    assert "| transformers |" in text


def test_annotation_benchmark_finds_the_same_probabilities():
    text = annotation.run(annotation.Settings(rounds=1, tasks=60, workers=8, steps=3))
    assert "| crowd-kit |" in text
    assert "300 simulated labels" in text
    assert float(text.split("at most ")[1].split(".\n")[0]) < 1e-6


def test_the_score_that_trl_reads_is_ours(checkpoints):
    tokenizer, reward = lm.load(checkpoints / "sft")[1], WordReward.load(checkpoints / "taste")
    prompts, answers = ["top 5 soups"] * 2, ["\n1. miso soup", "\n1. pea soup\n2. beef stew"]
    tokens, mask = reward_model.encode_pairs(tokenizer, prompts, answers)
    scorer = Scorer(reward, tokenizer)
    read = scorer.score(scorer.trunk(input_ids=tokens.masked_fill(mask == 0, 0), attention_mask=mask).hidden_states[-1])
    assert read.shape == (*tokens.shape, 1)
    torch.testing.assert_close(read[:, -1, 0], reward.scores(prompts, answers))
    assert read[0, 0, 0] != read[1, 0, 0]


def test_a_folder_without_trl_is_named(tmp_path):
    with pytest.raises(TopFiveError, match=f"no TRL {ppo.TRL_VERSION}; make it by"):
        ppo.trl_folder(tmp_path)


@pytest.mark.thorough
@pytest.mark.slow
def test_topfive_side_trains_in_turns(checkpoints, tmp_path):
    ppo.prepare(checkpoints, tmp_path)
    sides = [side for side in ppo.SIDES if side.trainer == ppo.OURS]
    for trained in ppo.train_in_turns(sides, tmp_path, 0, TINY, tmp_path):
        assert len(trained.seconds) == TINY.steps // TINY.block - 1
        assert trained.said["time/episodes_per_second"] > 0
        assert ppo.score(trained.policy, tmp_path, TINY).kl != 0
    parts = ppo.profile(tmp_path, TINY, steps=1)
    assert set(parts) == {label for label, *_ in ppo.PARTS} | {"the rest"}
    assert all(spent > 0 for spent in parts.values())


def test_bfloat16_side_computes_with_the_weights_of_each_step(checkpoints, tmp_path):
    ppo.prepare(checkpoints, tmp_path)
    (policy, tokenizer), reward = lm.load(tmp_path / "policy"), WordReward.load(tmp_path / "taste")
    hidden, up_to_date = torch.randn(1, policy.config.n_embd), []

    @torch.no_grad()
    def step_done():
        head = policy.get_output_embeddings()
        up_to_date.append(torch.equal(head(hidden), F.linear(hidden, head.weight.clone())))

    turns = SimpleNamespace(answer=lambda **_: None, wait=lambda: None, step_done=step_done)
    job = ppo.Job(ppo.OURS, str(tmp_path), "", steps=3, block=1, seed=0, autocast=True, **TINY.job)
    train_topfive(job, turns, policy, reward, tokenizer, ["top 5 soups"] * 8)
    assert up_to_date == [True] * 3


def test_a_side_that_dies_says_why(tmp_path):
    with pytest.raises(TopFiveError, match="topfive stopped"):
        ppo.train_in_turns(ppo.SIDES[:1], tmp_path, 0, TINY, tmp_path)


@pytest.mark.thorough
@pytest.mark.slow
@pytest.mark.usefixtures("small_matrices")
def test_ppo_benchmark_against_trl(checkpoints):
    try:
        trl = ppo.trl_folder(install=False)
    except TopFiveError as error:
        pytest.skip(f"THE SIDE BY SIDE WITH TRL IS NOT TESTED. {error}")
    text = ppo.run(checkpoints, trl, TINY)
    assert all(f"| {side.name} |" in text for side in ppo.SIDES)


# --- busy programs --------------------------------------------------------------------------------------------------


def test_busy_programs_run_inside_and_not_afterwards():
    import psutil

    def loops() -> int:
        found = (process.cmdline() for process in psutil.Process().children() if process.status() != "zombie")
        return sum("while True: pass" in line for line in found)

    with threads.busy(2):
        assert loops() == 2
    assert loops() == 0


def test_ways_take_turns_and_are_compared_with_their_own_quiet_step(monkeypatch: pytest.MonkeyPatch):
    turns: list[str] = []

    def step_seconds(steps: int, way: str, neighbours: threads.Neighbours) -> float:
        turns.append(way)
        return float(len(turns))

    monkeypatch.setattr(threads, "step_seconds", step_seconds)
    beside = (threads.Neighbours(0), threads.Neighbours(1, after=2))
    text = threads.run(threads.Settings(steps=2, neighbours=beside))
    assert turns == [*threads.WAYS] * 2
    assert "|  | 0 busy programs | 1 busy program from step 3 on |" in text
    assert "| OpenMP as it comes | 1.00 s (1.0 ×) | 3.00 s (3.0 ×) |" in text
    assert "| as shipped | 2.00 s (1.0 ×) | 4.00 s (2.0 ×) |" in text


# --- grading --------------------------------------------------------------------------------------------------------


def test_overhead_is_what_a_submission_takes_beyond_its_own_run(monkeypatch: pytest.MonkeyPatch):
    given: list[str] = []
    monkeypatch.setattr(grading.sandbox, "problem", lambda: "")
    monkeypatch.setattr(grading, "course", lambda folder, settings: folder)
    monkeypatch.setattr(grading, "call", lambda folder, program, *words: given.append(program))
    monkeypatch.setattr(grading, "own_run", lambda folder, settings: 2.0)

    def alternate(ways: dict, rounds: int) -> dict[str, list[float]]:
        for way in ways.values():
            way()
        return {way: [10.0] for way in ways}

    monkeypatch.setattr(grading, "alternate", alternate)
    text = grading.run(grading.Settings(students=4, rounds=1))
    assert given == ["nbgrader", "topfive", "topfive", "topfive"]
    assert "| nbgrader autograde | 10.0 | 0.5 |" in text
    assert "| topfive grade, 2 workers | 10.0 |  |" in text


def test_two_tastes_are_of_a_sort_that_no_list_of_words_or_tags_says():
    few, both = tastes.OWN[-2:]
    assert [few.of_item(item, ()) for item in ("lentil soup", "soup of leeks", "a very long name for a soup")] == [
        2,
        1.5,
        0,
    ]
    assert [both.of_item("", tags) for tags in (["calm", "solo"], ["active", "for groups"])] == [1.5, 1.5]
    assert both.of_item("", ["calm", "for groups"]) == both.of_item("", ["active", "solo"]) == 0
    assert len({one.name for one in (*tastes.OWN, *tastes.shipped())}) == 16


def test_the_loops_table_has_a_line_a_taste_and_kind_of_run():
    def row(seed: int, shuffled: bool, mean: float, kl: float) -> dict[str, Any]:
        about = {
            "tastes": "own",
            "taste": "bread",
            "rankings": 40,
            "topics": "best",
            "shuffled": shuffled,
            "seed": seed,
        }
        return about | {"win_rate": {"mean": mean}, "kl": kl, "seconds": {"clicks to model": 100.0 + seed}}

    rows = [row(0, False, 0.8, 2.0), row(1, False, 0.7, 3.25), row(0, True, 0.5, 0.1)]
    written = loop.summary(rows).splitlines()
    assert written[2:] == [
        "| bread (own) | 40 | 0.80 0.70 | 0.75 | 3.2 | 101 |",
        "| bread (own) | 40, shuffled | 0.50 | 0.50 | 0.1 | 100 |",
    ]
