"""Whatever looks like a seed is one, or is refused in one line."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from topfive import seeds
from topfive.errors import TopFiveError
from topfive.lm.model import new_model
from topfive.lm.sampling import sample_texts
from topfive.lm.train import TrainConfig
from topfive.loop import RunConfig
from topfive.ppo import PPOConfig
from topfive.reward.train import RewardConfig


@pytest.mark.parametrize("three", [3, 3.0, np.int64(3), np.uint8(3), np.float64(3.0), torch.tensor(3)])
def test_a_three_is_a_three(three):
    assert seeds.whole(three) == 3
    assert type(seeds.whole(three)) is int


@pytest.mark.parametrize("odd", [-1, 2**32, 10**30, 2.5, float("nan"), float("inf"), "3", None, [3], np.int64(-5)])
def test_what_is_no_seed_is_refused_in_one_line(odd):
    with pytest.raises(TopFiveError, match=r"^seed should be a whole number from 0 to 4294967295, got .+$"):
        seeds.whole(odd)


@dataclass
class Made:
    """How each kind of settings is made with a seed."""

    what: type
    needed: dict


@pytest.mark.parametrize(
    "made",
    [
        Made(PPOConfig, {}),
        Made(TrainConfig, {"steps": 3}),
        Made(RewardConfig, {}),
        Made(RunConfig, {"out": Path("x")}),
    ],
    ids=lambda made: made.what.__name__,
)
def test_settings_take_and_refuse_the_same(made: Made):
    assert made.what(**made.needed, seed=np.int64(7)) == made.what(**made.needed, seed=7)
    for odd in (-1, "7", 10**30):
        with pytest.raises(TopFiveError, match="seed should be"):
            made.what(**made.needed, seed=odd)


def test_models_and_samples_do_too(model, tokenizer):
    assert sample_texts(model, tokenizer, ["top 5 soups"], seed=np.int64(7), max_new_tokens=4) == sample_texts(
        model, tokenizer, ["top 5 soups"], seed=7, max_new_tokens=4
    )
    for make in (lambda: new_model(tokenizer, seed=-1), lambda: sample_texts(model, tokenizer, ["soups"], seed="7")):
        with pytest.raises(TopFiveError, match="seed should be"):
            make()
