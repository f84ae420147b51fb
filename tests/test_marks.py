"""Marked lists: what the crowd's reward model learns from before it sees a ranking."""

from pathlib import Path
from random import Random

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from tests.conftest import GAMES, SOUPS, VEGETARIAN
from topfive import data
from topfive.build import marks as build
from topfive.build.text import VAGUE_ITEMS
from topfive.lm.train import TrainConfig
from topfive.reward.marks import MarkedList, encode_marked, mark_loss, train_on_marks
from topfive.reward.model import from_language_model, values_everywhere

FITTING = {item for item, tags in SOUPS if "vegetarian" in tags}
CONFIG = TrainConfig(steps=60, batch_size=16, learning_rate=5e-3, warmup=5, weight_decay=0.0, seed=3)


@pytest.fixture
def small_bank(bank: Path):
    """The bank of the tests, with nothing remembered of another one."""
    for cached in (build._unfit, build._topics):
        cached.cache_clear()
    yield bank
    for cached in (build._unfit, build._topics):
        cached.cache_clear()


def test_every_token_of_a_line_carries_its_mark_and_nothing_else_does(tokenizer: Tokenizer):
    lists = [
        MarkedList("top 5 soups", ("creamy leek soup", "kite flying contest"), (True, False)),
        MarkedList("top 5 soups", ("lentil soup with cumin",), (False,)),
    ]
    tokens, marks = encode_marked(tokenizer, lists)
    assert tokens.shape == marks.shape
    for row, (good, bad) in enumerate(
        (("\n1. creamy leek soup", "\n2. kite flying contest"), ("", "\n1. lentil soup"))
    ):
        assert tokenizer.decode(tokens[row][marks[row] == 1]) == good
        assert tokenizer.decode(tokens[row][marks[row] == -1]).startswith(bad)
    assert (marks[tokens == tokenizer.eos_token_id] == 0).all()
    assert (marks[tokens == tokenizer.pad_token_id] == 0).all()


def test_the_loss_by_hand():
    numbers = torch.tensor([[[5.0], [2.0], [-1.0], [9.0]]])
    marks = torch.tensor([[0, 1, -1, 0]])
    expected = (torch.nn.functional.softplus(torch.tensor(-2.0)) + torch.nn.functional.softplus(torch.tensor(-1.0))) / 2
    assert mark_loss(numbers, torch.zeros(1, 4), marks) == pytest.approx(float(expected))


def test_marks_say_what_is_wrong_with_a_line(small_bank: Path):
    rng = Random(0)
    for _ in range(200):
        one = build.marked_list(VEGETARIAN, rng)
        assert len(one.items) == len(one.good) == 5
        for line, (item, good) in enumerate(zip(one.items, one.good, strict=True)):
            assert good == (item in FITTING and item not in one.items[:line])


def test_all_four_ways_to_spoil_a_line_are_seen(small_bank: Path):
    rng = Random(1)
    spoiled = [
        (item, one.items[:line])
        for one in (build.marked_list(VEGETARIAN, rng) for _ in range(200))
        for line, (item, good) in enumerate(zip(one.items, one.good, strict=True))
        if not good
    ]
    assert any(item in before for item, before in spoiled)
    assert any(item in {soup for soup, _ in SOUPS} - FITTING for item, _ in spoiled)
    assert any(item in {game for game, _ in GAMES} for item, _ in spoiled)
    assert any(item in VAGUE_ITEMS for item, _ in spoiled)


def test_the_same_step_of_the_same_seed_gives_the_same_lists(small_bank: Path, tokenizer: Tokenizer):
    first, again = (build.marked_batches(tokenizer, CONFIG)(7) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert not torch.equal(first.tokens, build.marked_batches(tokenizer, CONFIG)(8).tokens)


def test_only_training_prompts_are_marked(small_bank: Path):
    assert set(build._topics()) == {row["topic"] for row in data.rows("topics") if row["split"] == "train"}


def test_a_reward_model_learns_to_mark_and_keeps_its_own_head(
    small_bank: Path, model: PreTrainedModel, tokenizer: Tokenizer
):
    reward = from_language_model(model, seed=0)
    parts = {name: value.shape for name, value in reward.state_dict().items()}
    batches = build.marked_batches(tokenizer, CONFIG)
    before = _apart(reward, *batches(10_000))
    losses = train_on_marks(reward, batches, CONFIG)
    after = _apart(reward, *batches(10_000))
    assert {name: value.shape for name, value in reward.state_dict().items()} == parts
    assert not reward.training
    assert losses[-1] < losses[0]
    assert after > before + 0.5


@torch.no_grad()
def _apart(reward: PreTrainedModel, tokens: Tensor, marks: Tensor) -> float:
    """How much higher tokens of good lines score than those of spoiled ones."""
    numbers = values_everywhere(reward, tokens, torch.ones_like(tokens))
    return float(numbers[marks == 1].mean() - numbers[marks == -1].mean())
