"""Artefacts: saved whole, read back under nbgrader, recognised when they are the course's, measured for points."""

import math
import shutil

import pytest
import torch

from topfive.checks import artefacts, is_shipped, points_for, trained, training_allowed
from topfive.errors import TopFiveError
from topfive.lm.model import new_model, save
from topfive.reward.model import from_language_model


@pytest.fixture
def work(tmp_path, monkeypatch):
    monkeypatch.setattr(artefacts, "assignment_folder", lambda: tmp_path)
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    return tmp_path / "work"


def never():
    raise AssertionError("training under nbgrader")


def test_training_is_not_allowed_under_nbgrader(monkeypatch):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    assert training_allowed()
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert not training_allowed()


def test_what_was_trained_comes_back_under_nbgrader(work, model, tokenizer, monkeypatch, capsys):
    assert trained("sft", lambda: (model, tokenizer)) == (model, tokenizer)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    found, found_tokenizer = trained("sft", never)
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), model.parameters(), strict=True))
    assert found_tokenizer.get_vocab() == tokenizer.get_vocab()
    assert capsys.readouterr() == ("saved in work/sft\nread from work/sft, as it was handed in\n", "")


def test_after_a_restart_it_comes_back_without_training(work, model, tokenizer, monkeypatch, capsys):
    monkeypatch.delenv("NBGRADER_EXECUTION", raising=False)
    with pytest.raises(TopFiveError, match="work/sft is missing: run the cell that trains it"):
        artefacts.saved("sft")
    trained("sft", lambda: (model, tokenizer))
    found, _ = artefacts.saved("sft")
    assert all(torch.equal(a, b) for a, b in zip(found.parameters(), model.parameters(), strict=True))
    assert capsys.readouterr().out.endswith("read from work/sft\n")


def test_a_reward_model_comes_back_as_one(work, model, tokenizer, monkeypatch):
    reward = from_language_model(model)
    trained("reward", lambda: (reward, tokenizer))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    found, _ = trained("reward", never)
    assert torch.equal(found.score.weight, reward.score.weight)


def test_training_that_fails_leaves_the_last_artefact(work, model, tokenizer):
    trained("sft", lambda: (model, tokenizer))
    with pytest.raises(ZeroDivisionError):
        trained("sft", lambda: 1 / 0)
    assert artefacts.load(work / "sft")


def test_a_worse_model_never_takes_the_place_of_a_better_one(work, model, tokenizer, capsys):
    other = new_model(tokenizer, seed=99)
    worths = {id(other): 0.4}
    worth = lambda one: worths.get(id(one), 0.7)  # noqa: E731

    def kept():
        return artefacts.load(work / "policy")[0].state_dict()["transformer.wte.weight"]

    trained("policy", lambda: (model, tokenizer), worth)
    assert trained("policy", lambda: (other, tokenizer), worth)[0] is other
    assert torch.equal(kept(), model.transformer.wte.weight)
    assert "0.40 this time, 0.70 before: the better one stays in work/policy" in capsys.readouterr().out
    worths[id(other)] = 0.8
    trained("policy", lambda: (other, tokenizer), worth)
    assert torch.equal(kept(), other.transformer.wte.weight)
    (work / "policy" / "model.safetensors").write_bytes(b"torn")
    worths[id(other)] = 0.1
    trained("policy", lambda: (other, tokenizer), worth)
    assert torch.equal(kept(), other.transformer.wte.weight)


def test_a_missing_artefact_is_said_in_words(work, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    with pytest.raises(TopFiveError, match="work/sft is missing: run the cell that trains it"):
        trained("sft", never)


@pytest.mark.parametrize("file", ["config.json", "model.safetensors", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b'{"architectures": 5}'])
def test_a_damaged_artefact_is_said_in_words(work, model, tokenizer, monkeypatch, file, content):
    trained("sft", lambda: (model, tokenizer))
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    path = work / "sft" / file
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(TopFiveError, match="work/sft is damaged") as caught:
        trained("sft", never)
    assert caught.value._render_traceback_() == [str(caught.value)]


# --- is it the course's? ------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(tmp_path, model, tokenizer):
    folder = tmp_path / "checkpoints"
    save(model, tokenizer, folder / "sft", torch.float16)
    save(from_language_model(model), tokenizer, folder / "reward", torch.float16)
    return folder


def is_this_shipped(model, tokenizer, tmp_path, shipped, dtype=torch.float32):
    save(model, tokenizer, tmp_path / "own", dtype)
    return is_shipped(tmp_path / "own", shipped)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_a_copy_is_recognised_in_any_precision(model, tokenizer, tmp_path, shipped, dtype):
    assert is_this_shipped(model, tokenizer, tmp_path, shipped, dtype) == "sft"


def test_a_copy_is_recognised_under_another_name(tmp_path, shipped):
    shutil.copytree(shipped / "reward", tmp_path / "mine")
    (tmp_path / "mine" / "model.safetensors").rename(tmp_path / "mine" / "weights.safetensors")
    assert is_shipped(tmp_path / "mine", shipped) == "reward"


def test_a_copy_with_a_little_noise_is_recognised(model, tokenizer, tmp_path, shipped):
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(torch.randn_like(weight) * 1e-3 * weight.std(unbiased=False))
    assert is_this_shipped(model, tokenizer, tmp_path, shipped) == "sft"


def test_a_trained_model_is_its_own(model, tokenizer, tmp_path, shipped):
    tokens = torch.randint(len(tokenizer), (4, 12), generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    for _ in range(20):
        optimizer.zero_grad()
        model(input_ids=tokens, labels=tokens).loss.backward()
        optimizer.step()
    assert is_this_shipped(model, tokenizer, tmp_path, shipped) is None


def test_another_architecture_is_its_own(tokenizer, tmp_path, shipped):
    assert is_this_shipped(new_model(tokenizer, width=16, layers=1, heads=2), tokenizer, tmp_path, shipped) is None


def test_weights_that_cannot_be_read_are_said_in_words(tmp_path, shipped):
    (tmp_path / "own").mkdir()
    with pytest.raises(TopFiveError, match="holds no weights"):
        is_shipped(tmp_path / "own", shipped)
    (tmp_path / "own" / "model.safetensors").write_bytes(b"nothing")
    with pytest.raises(TopFiveError, match="cannot be read"):
        is_shipped(tmp_path / "own", shipped)


# --- points -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("accuracy", "points"), [(0.5, 0), (0.6, 1), (0.65, 1), (0.9, 2), (math.nan, 0)])
def test_points_for_a_number_that_should_be_high(accuracy, points):
    assert points_for(accuracy, at_least={0.6: 1, 0.66: 2}) == points


@pytest.mark.parametrize(("perplexity", "points"), [(40, 0), (30, 1), (10, 2.5), (math.inf, 0), (math.nan, 0)])
def test_points_for_a_number_that_should_be_low(perplexity, points):
    assert points_for(perplexity, at_most={30: 1, 15: 2.5}) == points
