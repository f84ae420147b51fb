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
from topfive.reward.lines import LineReward, Scale, fit_scale, line_logprobs
from topfive.reward.model import from_language_model

ITEMS = [item for item, _ in SOUPS]


def test_a_lines_log_probability_is_that_of_its_tokens(model: PreTrainedModel, tokenizer: Tokenizer):
    answers = [render(ITEMS[:5]), render(ITEMS[:2])]
    found = line_logprobs(model, tokenizer, [PLAIN.text] * 2, answers, batch_size=2)
    ids = torch.tensor([tokenizer(PLAIN.text + answers[0])["input_ids"]])
    with torch.no_grad():
        says = model(ids).logits[0].log_softmax(dim=-1)
    place = len(tokenizer(PLAIN.text)["input_ids"])
    for line, item in enumerate(ITEMS[:5], start=1):
        length = len(tokenizer(f"\n{line}. {item}")["input_ids"])
        one = [float(says[at - 1, ids[0, at]]) for at in range(place, place + length)]
        assert found[0, line - 1] == pytest.approx(sum(one), abs=1e-3)
        place += length
    assert found[1, 2:].tolist() == [-torch.inf] * 3


def test_what_stands_below_the_fifth_line_and_an_empty_answer_count_nothing(
    model: PreTrainedModel, tokenizer: Tokenizer
):
    reward = LineReward(model, tokenizer, Scale(2.0, -30.0))
    five, six = render(ITEMS[:5]), render(ITEMS[:6])
    found = reward([PLAIN.text] * 3, [five, six, ""])
    assert torch.allclose(found[0], found[1], atol=1e-4)
    assert 0 < float(found[0].min()) <= float(found[0].max()) <= 2
    assert found[2].tolist() == [0] * 5


def test_the_scale_is_found_again(model: PreTrainedModel, tokenizer: Tokenizer):
    rng = np.random.default_rng(0)
    lists = [[render(rng.choice(ITEMS, 5, replace=False).tolist()) for _ in range(4)] for _ in range(200)]
    asked = [PLAIN.text] * 800
    logprobs = line_logprobs(model, tokenizer, asked, [text for four in lists for text in four])
    true = Scale(3.0, float(logprobs.median()))
    utilities = true(logprobs).sum(dim=1).reshape(200, 4).numpy()
    orders = [stats.rankdata(-(utilities[row] + rng.gumbel(size=4))) for row in range(200)]
    rankings = [
        Ranking(PLAIN, tuple(four), tuple(int(rank) for rank in ranks))
        for four, ranks in zip(lists, orders, strict=True)
    ]
    found = fit_scale(model, tokenizer, rankings)
    assert found.nats == pytest.approx(true.nats, rel=0.4)
    assert found.threshold == pytest.approx(true.threshold, abs=1.0)


@pytest.mark.parametrize("written", ["", "[]", '{"nats": 1}extra', '{"nats": NaN}', '{"nats": "much"}', '{"width": 1}'])
def test_a_scale_that_is_none_is_refused(written: str, tmp_path: Path):
    (tmp_path / "lines.json").write_text(written, "utf-8")
    with pytest.raises(TopFiveError, match="not a usable scale of lines"):
        Scale.load(tmp_path)


def test_a_scale_is_read_as_it_was_written(tmp_path: Path):
    Scale(0.5, -4.0).save(tmp_path)
    assert Scale.load(tmp_path) == Scale(0.5, -4.0)


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
    small_bank: Path, model: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path
):
    save(from_language_model(model, seed=0), tokenizer, tmp_path / "reward")
    with pytest.raises(TopFiveError, match="it knows 1 tags, not 5"):
        kinds.Kinds.load(tmp_path / "reward")
    with pytest.raises(TopFiveError, match="not a model of kinds"):
        kinds.Kinds.load(tmp_path / "nothing")
