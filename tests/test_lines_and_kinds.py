"""What the personal reward stands on: the crowd's opinion line by line in nats, and what is known of an item."""

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from tests.conftest import GAMES, PLAIN, SOUPS
from topfive import data
from topfive.errors import TopFiveError
from topfive.lists import Ranking, render
from topfive.lm.model import save
from topfive.lm.train import TrainConfig, adamw, fit
from topfive.reward import kinds
from topfive.reward.lines import LineReward, fit_nats, line_values
from topfive.reward.model import encode_pairs, from_language_model, values_everywhere

ITEMS = [item for item, _ in SOUPS]


@pytest.fixture
def reward(model: PreTrainedModel) -> PreTrainedModel:
    return from_language_model(model, seed=0)


def test_a_line_is_worth_the_mean_of_its_tokens(reward: PreTrainedModel, tokenizer: Tokenizer):
    answers = [render(ITEMS[:5]), render(ITEMS[:2])]
    found = line_values(reward, tokenizer, [PLAIN.text] * 2, answers, batch_size=2)
    tokens, mask = encode_pairs(tokenizer, [PLAIN.text], answers[:1])
    with torch.no_grad():
        numbers = values_everywhere(reward, tokens, mask)[0]
    start = len(tokenizer(PLAIN.text)["input_ids"])
    for line, item in enumerate(ITEMS[:5], start=1):
        length = len(tokenizer(f"\n{line}. {item}")["input_ids"])
        assert found[0, line - 1] == pytest.approx(float(numbers[start : start + length].mean()), abs=1e-4)
        start += length
    assert found[1, 2:].tolist() == [0, 0, 0]


def test_what_stands_below_the_fifth_line_and_an_empty_answer_count_nothing(
    reward: PreTrainedModel, tokenizer: Tokenizer
):
    five, six = render(ITEMS[:5]), render(ITEMS[:6])
    found = line_values(reward, tokenizer, [PLAIN.text] * 3, [five, six, ""])
    assert torch.allclose(found[0], found[1], atol=1e-4)
    assert found[2].tolist() == [0] * 5


def test_the_scale_in_nats_is_found_again(reward: PreTrainedModel, tokenizer: Tokenizer):
    rng = np.random.default_rng(0)
    with torch.no_grad():
        reward.score.weight.mul_(0.1)  # lists have to differ by about as much as the noise
    rankings = []
    for _ in range(150):
        texts = [render(rng.choice(ITEMS, 5, replace=False).tolist()) for _ in range(4)]
        values = line_values(reward, tokenizer, [PLAIN.text] * 4, texts).sum(dim=1).numpy()
        ranks = stats.rankdata(-(3.0 * values + rng.gumbel(size=4)))
        rankings.append(Ranking(PLAIN, tuple(texts), tuple(int(rank) for rank in ranks)))
    assert fit_nats(reward, tokenizer, rankings) == pytest.approx(3.0, abs=0.6)


def test_a_reward_model_without_a_scale_is_refused(reward: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path):
    save(reward, tokenizer, tmp_path / "reward")
    with pytest.raises(TopFiveError, match="how many nats"):
        LineReward.load(tmp_path / "reward")
    reward.config.line_nats = 2.0
    save(reward, tokenizer, tmp_path / "reward")
    again = LineReward.load(tmp_path / "reward")
    text = [render(ITEMS[:5])]
    expected = 2 * line_values(reward, tokenizer, [PLAIN.text], text)
    assert torch.allclose(again([PLAIN.text], text), expected, atol=1e-4)


# --- kinds --------------------------------------------------------------------------------------------------------


@pytest.fixture
def small_bank(bank: Path):
    kinds.facts.cache_clear()
    yield bank
    kinds.facts.cache_clear()


def test_facts_are_learned_and_held_out_ones_are_not_told(
    small_bank: Path, model: PreTrainedModel, tokenizer: Tokenizer
):
    config = TrainConfig(steps=80, batch_size=16, learning_rate=5e-3, warmup=5, weight_decay=0.0, seed=3)
    knowing = kinds.from_language_model(model)
    batches = kinds.fact_batches(tokenizer, config)
    _, told = batches(0)
    assert (told == kinds.UNKNOWN).any()
    fit(knowing, batches, config, adamw(knowing, config), loss_fn=kinds.fact_loss)
    known = kinds.Kinds(knowing, tokenizer)([item for item, _ in [*SOUPS, *GAMES]])
    order = [row["item"] for row in data.rows("items")]
    rows = [order.index(item) for item, _ in [*SOUPS, *GAMES]]
    right = (known > 0.5) == (kinds.facts()[rows] == 1)
    assert known.shape == (16, 5)
    assert right[~kinds.held_facts()[rows]].mean() > 0.9


def test_before_training_nothing_is_known_and_pads_do_not_count(
    small_bank: Path, model: PreTrainedModel, tokenizer: Tokenizer
):
    knowing = kinds.from_language_model(model)
    assert (kinds.Kinds(knowing, tokenizer)(ITEMS) == 0.5).all()
    torch.nn.init.normal_(knowing.score.weight)
    alone = kinds.Kinds(knowing, tokenizer)(ITEMS[:1])
    among = kinds.Kinds(knowing, tokenizer)(ITEMS)
    assert np.allclose(alone[0], among[0], atol=1e-5)
    assert kinds.Kinds(knowing, tokenizer)([]).shape == (0, 5)


def test_a_folder_that_holds_something_else_is_refused(
    small_bank: Path, reward: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path
):
    save(reward, tokenizer, tmp_path / "reward")
    with pytest.raises(TopFiveError, match="it knows 1 tags, not 5"):
        kinds.Kinds.load(tmp_path / "reward")
    with pytest.raises(TopFiveError, match="not a model of kinds"):
        kinds.Kinds.load(tmp_path / "nothing")
