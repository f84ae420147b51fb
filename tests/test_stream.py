"""Lists drawn fresh: what a row is, which tokens could only repeat an item, and the loss that keeps them unlikely."""

from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from tests.conftest import PLAIN, VEGETARIAN
from topfive import data
from topfive.lists import parse
from topfive.lm.losses import next_token_loss
from topfive.lm.stream import REPEAT_WEIGHT, _repeats, fresh_batches, fresh_loss
from topfive.lm.train import TrainConfig, fit, muon

CONFIG = TrainConfig(steps=30, batch_size=16, learning_rate=5e-3, warmup=5, weight_decay=0.0, seed=3)


def test_every_row_is_a_training_prompt_with_five_different_fitting_items(bank: Path, tokenizer: Tokenizer):
    tokens, marks = fresh_batches(tokenizer, CONFIG)(0)
    asked = {prompt.text: prompt for prompt in (PLAIN, VEGETARIAN)}
    for row, mark in zip(tokens, marks, strict=True):
        text = tokenizer.decode(row, skip_special_tokens=True)
        prompt, _, answer = text.partition("\n")
        items = parse(answer).items
        assert parse(answer).valid
        assert len(set(items)) == 5
        assert set(items) <= set(data.fitting(asked[prompt]))
        counted = row[mark[:, 0] == 1]
        assert tokenizer.decode(counted) == "\n" + answer + tokenizer.eos_token
        assert tokenizer(text)["input_ids"] == row[: len(tokenizer(text)["input_ids"])].tolist()


def test_the_same_step_of_the_same_seed_gives_the_same_lists(bank: Path, tokenizer: Tokenizer):
    first, again = (fresh_batches(tokenizer, CONFIG)(7) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))
    assert first.tokens.tolist() != fresh_batches(tokenizer, CONFIG)(8).tokens.tolist()


def test_unwanted_is_what_could_only_go_on_to_a_listed_item():
    soup, stew, leek = (1, 2), (1, 3), (4, 5)
    assert _repeats(leek, [soup], [soup, leek]) == {0: [1]}
    assert _repeats(leek, [soup], [soup, stew, leek]) == {}  # 1 may still begin the stew
    assert _repeats(leek, [soup, stew], [soup, stew, leek]) == {0: [1]}
    assert _repeats(stew, [soup], [soup, stew, leek]) == {1: [2]}
    assert _repeats(leek, [], [soup, leek]) == {}
    assert _repeats((1, 2, 6), [soup], [soup, (1, 2, 6)]) == {}


def test_the_loss_by_hand():
    logits = torch.tensor([[[0.0, 1.0, 2.0], [1.0, 0.0, -1.0], [0.0, 0.0, 0.0]]])
    tokens = torch.tensor([[0, 2, 1]])
    marks = torch.tensor([[[0, -1, -1], [1, 0, 1], [1, -1, 2]]])
    first, second = logits[0, 0].softmax(dim=-1), logits[0, 1].softmax(dim=-1)
    unwanted = -(torch.log(1 - first[0]) + torch.log(1 - first[1]) + torch.log(1 - second[2])) / 2
    expected = next_token_loss(logits, tokens, marks[..., 0]) + REPEAT_WEIGHT * unwanted
    assert fresh_loss(logits, tokens, marks) == pytest.approx(float(expected))


def test_a_token_that_is_certain_gives_a_finite_loss():
    logits = torch.tensor([[[99.0, 0.0], [0.0, 0.0]]], requires_grad=True)
    loss = fresh_loss(logits, torch.tensor([[0, 1]]), torch.tensor([[[0, -1], [1, 0]]]))
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(logits.grad).all()


@pytest.mark.slow
def test_a_model_learns_to_write_them(bank: Path, model: PreTrainedModel, tokenizer: Tokenizer):
    batches = fresh_batches(tokenizer, CONFIG)
    losses = fit(model, batches, CONFIG, muon(model, CONFIG), loss_fn=fresh_loss)
    assert losses[-1] < 0.7 * losses[0]
