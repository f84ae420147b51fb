"""The loop in one call: small and whole, stopped and resumed, and every way to ask for it wrongly."""

import json
import os
import shutil
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from topfive import data, ledger
from topfive.cli import main
from topfive.errors import TopFiveError
from topfive.judge import Taste, load_taste
from topfive.lists import Ranking, render
from topfive.lm import recipe
from topfive.lm.train import TrainConfig
from topfive.loop import RunConfig, experiment, run
from topfive.loop.folder import RunFolder
from topfive.loop.topics import choose

KEYS = {"profile", "seed", "taste", "rankings", "source", "seconds", "reward_model", "ppo", "win_rate", "quality"}
KEYS |= {"liked", "change"}


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A run of seconds: few prompts to evaluate, few steps."""
    monkeypatch.setattr(experiment, "EVALUATION_PROMPTS", 24)
    return {"rankings": 12, "ppo_steps": 2, "out": tmp_path / "run"}


@pytest.mark.slow
def test_a_small_run_is_whole_and_repeats_itself(small):
    report = run(RunConfig(**small))
    folder = small["out"]
    assert set(report) == KEYS | {"shipped", "topics", "win_rate_on"}
    assert json.loads((folder / "report.json").read_text("utf-8")) == report
    assert report["ppo"]["episodes"] == 2 * 64
    assert report["seconds"]["total"] == pytest.approx(
        sum(value for key, value in report["seconds"].items() if key != "total"), abs=0.05
    )
    assert set(report["quality"]["sft"]) >= {"valid", "on_topic", "constraint", "distinct"}
    assert report["win_rate"]["n"] == report["change"]["taste"]["n"] == 24
    assert report["change"]["taste"]["mean"] == pytest.approx(report["liked"]["ppo"] - report["liked"]["sft"])
    assert report["ppo"]["furthest"]["step"] in (1, 2)
    assert report["ppo"]["furthest"]["kl"] >= report["ppo"]["kl_train"]
    assert report["win_rate"]["low"] <= report["win_rate"]["mean"] <= report["win_rate"]["high"]
    assert (folder / "lists.md").read_text("utf-8").count("| SFT | after PPO |") == 12
    assert (folder / "ppo.png").stat().st_size > 1000
    rows = [json.loads(line) for line in (folder / "rankings.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == 12
    assert all(row["source"] == "simulated" and len(row["texts"]) == 4 for row in rows)
    assert run(RunConfig(**small)) == report
    (folder / "report.json").unlink()
    again = run(RunConfig(**small))
    assert again["win_rate"] == report["win_rate"]
    assert again["ppo"]["kl"] == report["ppo"]["kl"]


@pytest.mark.slow
def test_an_interrupted_run_goes_on_and_ends_like_an_uninterrupted_one(small, tmp_path):
    whole = run(RunConfig(**small))
    halved = {**small, "out": tmp_path / "halved"}

    def stop(step):
        os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(TopFiveError, match="stopped after PPO step 1"):
        run(RunConfig(**halved), callbacks=[stop])
    resumed = run(RunConfig(**halved))
    assert resumed["win_rate"] == whole["win_rate"]
    assert resumed["ppo"]["score_end"] == whole["ppo"]["score_end"]


@pytest.fixture
def clicks(tmp_path) -> Path:
    """A ledger with a ranking of four lists for each of eight test prompts about soups."""
    asked = [prompt for prompt in data.prompts("test") if prompt.topic == "warming-soups"][:8]
    texts = tuple(
        render([f"{kind} soup no. {number}" for number in range(5)]) for kind in ("pea", "leek", "corn", "bean")
    )
    book = ledger.Ledger(tmp_path / "ledger.jsonl")
    for prompt in asked:
        book.append(ledger.ranking_event(Ranking(prompt, texts, (2, 1, 4, 3))))
    return book.path


def test_what_a_student_ranked_is_not_held_out(clicks):
    given, _ = ledger.rankings(clicks)
    chosen = choose((), Taste(), given)
    train, held_out = chosen.train, chosen.held_out
    assert {prompt.topic for prompt in [*train, *held_out]} == {"warming-soups"}
    assert not {prompt.text for prompt in held_out} & {ranking.prompt.text for ranking in given}
    assert len(held_out) == len(data.prompts_about({"warming-soups"})[1]) - 8


def test_a_topic_without_training_prompts_is_named():
    known = {prompt.topic for prompt in data.prompts("train")}
    prompt = next(prompt for prompt in data.prompts("test") if prompt.topic not in known)
    with pytest.raises(TopFiveError, match="no prompts to train on and to hold out have a topic that was ranked"):
        choose((), Taste(), [Ranking(prompt, ("a", "b"), (1, 2))])


@pytest.mark.slow
def test_a_run_on_clicks_counts_each_prompt_once(small, clicks):
    report = run(RunConfig(taste=None, ledger=clicks, **{**small, "rankings": 400}))
    assert (report["source"], report["rankings"]) == ("ledger", 8)
    assert report["win_rate"]["n"] == min(24, len(data.prompts_about({"warming-soups"})[1]) - 8)


@pytest.mark.slow
def test_from_scratch_trains_tokenizer_base_and_sft(small, monkeypatch):
    tiny = recipe.Recipe(TrainConfig(steps=3, batch_size=8), TrainConfig(steps=2, batch_size=8))
    monkeypatch.setattr(recipe, "SHORT", tiny)
    report = run(RunConfig(**small, from_scratch=True))
    assert report["quality"]["sft"]["valid"] < 0.5  # three steps teach nothing, and the loop goes through all the same
    assert (small["out"] / "sft" / "model.safetensors").exists()


@pytest.mark.slow
def test_damaged_artefacts_of_a_run_are_named(small):
    run(RunConfig(**small))
    (small["out"] / "report.json").unlink()
    weights = small["out"] / "reward" / "personal.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    with pytest.raises(TopFiveError, match="reward: not a usable personal reward"):
        run(RunConfig(**small))


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.txt").write_text("mine", "utf-8")
    with pytest.raises(TopFiveError, match="not empty and not the folder of a run"):
        run(RunConfig(out=tmp_path))
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_another_runs_folder_is_refused(tmp_path):
    RunFolder(RunConfig(out=tmp_path, seed=1), 400)
    with pytest.raises(TopFiveError, match="holds another run"):
        run(RunConfig(out=tmp_path, seed=2))


def taste_file(path: Path, **spec) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(spec), "utf-8")
    return path


def with_report(config: RunConfig, rankings: int = 400, given=()) -> RunConfig:
    """The folder of a run that has ended."""
    RunFolder(config, rankings, given)
    (config.out / "report.json").write_text('{"win_rate": "of yesterday"}', "utf-8")
    return config


def test_a_report_is_of_the_tastes_content_not_of_its_path(tmp_path):
    mine = taste_file(tmp_path / "mine.json", words={"lemon": 3.0})
    config = with_report(RunConfig(taste=str(mine), out=tmp_path / "run"))
    assert run(config) == {"win_rate": "of yesterday"}
    moved = taste_file(tmp_path / "elsewhere" / "lemons.json", words={"lemon": 3}, about="spelt in another way")
    assert run(replace(config, taste=str(moved))) == {"win_rate": "of yesterday"}
    taste_file(mine, words={"lemon": -3.0})
    with pytest.raises(TopFiveError, match=r"run: holds another run \(taste has other content\); choose another"):
        run(config)


def test_a_report_is_of_the_ledgers_rankings_not_of_its_path(tmp_path, clicks):
    given, _ = ledger.rankings(clicks)
    config = with_report(RunConfig(taste=None, ledger=clicks, out=tmp_path / "run"), len(given), given)
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(clicks.read_bytes())
    for same in (clicks, moved):
        assert run(replace(config, ledger=same)) == {"win_rate": "of yesterday"}
    clicks.unlink()
    for ranking in given:  # as many as before, every one turned round
        ledger.Ledger(clicks).append(ledger.ranking_event(replace(ranking, ranks=ranking.ranks[::-1])))
    with pytest.raises(TopFiveError, match=r"holds another run \(ledger has other content\)"):
        run(config)


def test_a_report_is_of_the_checkpoint_that_was_there(tmp_path, monkeypatch):
    shipped = data.checkpoint
    copy = shutil.copytree(shipped("kinds"), tmp_path / "kinds")
    config = with_report(RunConfig(out=tmp_path / "run"))
    monkeypatch.setattr(data, "checkpoint", lambda name: copy if name == "kinds" else shipped(name))
    assert run(config) == {"win_rate": "of yesterday"}
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-2] + b"\x00\x01")
    with pytest.raises(TopFiveError, match=r"holds another run \(checkpoint 'kinds' has other content\)"):
        run(config)


def test_everything_that_changed_is_named_with_both_values(tmp_path):
    config = with_report(RunConfig(out=tmp_path / "run"))
    said = r"\(rankings was 400 and is 40; seed was 0 and is 3; ppo_steps was 40 and is 5\)"
    with pytest.raises(TopFiveError, match=said):
        run(replace(config, rankings=40, seed=3, ppo_steps=5))


def test_a_half_written_folder_is_refused(tmp_path):
    RunFolder(RunConfig(out=tmp_path), 400)
    file = tmp_path / "run.json"
    file.write_text(file.read_text("utf-8")[:40], "utf-8")
    with pytest.raises(TopFiveError, match="damaged"):
        run(RunConfig(out=tmp_path))


@pytest.fixture
def exit_code(monkeypatch):
    def call(*arguments: object) -> int:
        monkeypatch.setattr("sys.argv", ["topfive", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    return call


def write(path: Path, text: str) -> Path:
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--taste", "salty"], "unknown taste"),
        (["--rankings", "0"], "rankings"),
        (["--rankings", "-3"], "rankings"),
        (["--ledger", "nowhere.jsonl"], "no such ledger"),
    ],
)
def test_wrong_requests_are_one_line_and_exit_2(arguments, said, tmp_path, capsys, exit_code):
    assert exit_code("run", "--out", tmp_path / "out", *arguments) == 2
    message = capsys.readouterr().err.strip()
    assert said in message
    assert len(message.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"tags": {"tasty": 1}}', "unknown tag 'tasty'"),
        ('{"tags": {"vegan": "much"}}', "should map names to numbers"),
        ('{"tags": ["vegan"]}', "should map names to numbers"),
        ('{"tags": {"vegan": 1}, "noise": true}', "'noise' should be a number"),
        ('{"tags": {"vegan"', "not a JSON file"),
        ("{}", "at least one tag or word"),
        ("[1]", "a taste is"),
    ],
)
def test_wrong_taste_files(text, said, tmp_path, capsys, exit_code):
    taste = write(tmp_path / "mine.json", text)
    assert exit_code("run", "--taste", taste, "--out", tmp_path / "out") == 2
    assert said in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="a file where a folder should be is reported differently elsewhere")
def test_a_folder_that_cannot_be_written(tmp_path, capsys, exit_code):
    file = write(tmp_path / "file", "")
    assert exit_code("run", "--out", file / "out") == 2
    assert "cannot be written" in capsys.readouterr().err


def test_a_corrupt_checkpoint_is_named(tmp_path, capsys, monkeypatch, exit_code):
    broken = tmp_path / "sft"
    broken.mkdir()
    write(broken / "config.json", "{")
    monkeypatch.setattr(data, "checkpoint", lambda name: broken)
    assert exit_code("run", "--out", tmp_path / "out") == 2
    assert "not a usable checkpoint" in capsys.readouterr().err


# --- topics -------------------------------------------------------------------------------------------------------


def test_topics_are_those_in_which_the_taste_tells_items_apart_best_and_why_is_said():
    taste = load_taste("vegetarian")
    few, every = choose((), taste, None), choose(("all",), taste, None)
    assert len(few.topics) == 11
    assert set(few.topics) < set(every.topics)
    assert few.why != every.why
    assert {prompt.topic for prompt in few.train} == {prompt.topic for prompt in few.held_out} == set(few.topics)


def test_topics_can_be_asked_for_and_a_slip_in_their_name_is_told():
    chosen = choose(("warming-soups",), load_taste("vegetarian"), None)
    assert (chosen.topics, chosen.why) == (("warming-soups",), "asked for")
    with pytest.raises(TopFiveError, match="unknown topic 'soup'; choose 'all' or some of"):
        choose(("warming-soups", "soup"), load_taste("vegetarian"), None)


# --- controls -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_controls_can_be_asked_for_afterwards(small):
    before = run(RunConfig(**small))
    after = run(RunConfig(**small, controls=True))
    assert set(after.pop("controls")) == {"crowd only", "shuffled"}
    assert {**after, "seconds": None} == {**before, "seconds": None}
    assert "controls" in run(RunConfig(**small)), "and then they stay"
