"""The word reward: finds what decided rankings, counts a repeated item once, survives a file and refuses bad ones."""

import json
import math

import numpy as np
import pytest
import torch

from topfive.errors import TopFiveError
from topfive.lists import Prompt, Ranking, render
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.words import WordReward, _design, fit_word_reward, word_accuracy

PROMPT = Prompt("top 5 soups", "soups")
LIKED = ["lemon lentil soup", "lemon rice", "leek tart", "bean stew", "apple cake"]
PLAIN = ["lamb soup", "lamb rice", "beef tart", "ham stew", "liver pate"]


def ranking(rng: np.random.Generator) -> Ranking:
    """Lists ordered by how many of their items are liked."""
    lists = [list(rng.permutation(LIKED + PLAIN)[:5]) for _ in range(4)]
    counts = [sum(item in LIKED for item in items) for items in lists]
    ranks = tuple(1 + sum(other > count for other in counts) for count in counts)
    return Ranking(PROMPT, tuple(render(items) for items in lists), ranks)


@pytest.fixture(scope="module")
def reward() -> WordReward:
    rng = np.random.default_rng(0)
    return fit_word_reward([ranking(rng) for _ in range(60)])


def test_it_orders_fresh_rankings_and_generalises_to_new_items_by_their_words(reward: WordReward):
    rng = np.random.default_rng(1)
    assert word_accuracy(reward, [ranking(rng) for _ in range(40)]).mean > 0.97
    new = reward(["", ""], [render(["lemon cake"] * 5), render(["lamb cake"] * 5)])[:, 0]
    assert new[0] > new[1]


def test_lines_add_up_and_a_repeated_item_adds_nothing(reward: WordReward):
    lines = reward([""], [render(["bean stew", "leek tart", "bean stew", "Bean  stew", "apple cake"])])
    assert lines.shape == (1, 5)
    assert lines[0, 2] == lines[0, 3] == 0
    assert lines[0, 0] > 0
    assert reward.scores([""], [render(["bean stew"])]).item() == pytest.approx(
        reward([""], [render(["bean stew"])]).sum().item()
    )


def test_the_fit_is_the_minimum(reward: WordReward):
    """No small step from the weights that were found lowers the loss they were found by."""
    rng = np.random.default_rng(0)
    given = [one for one in (ranking(rng) for _ in range(60)) if one.decisive and len(set(one.texts)) == 4]
    found = fit_word_reward(given)
    design = _design([text for one in given for text in one.texts])
    weights = np.append(found.weights, [found.new, found.whole])
    ranks = torch.tensor([one.ranks for one in given])

    def loss(candidate):
        scores = torch.tensor(design @ candidate).view(-1, 4)
        return plackett_luce_loss(scores, ranks).item() * 3 * len(given) + 3.0 * candidate @ candidate

    least = loss(weights)
    for _ in range(20):
        step = design.T @ rng.normal(size=design.shape[0])
        assert loss(weights + 1e-2 * step / np.linalg.norm(step)) > least - 1e-3


def test_normalised_scores_have_mean_0_and_deviation_1(reward: WordReward):
    rng = np.random.default_rng(2)
    texts = [text for _ in range(20) for text in ranking(rng).texts]
    copied = WordReward(reward.weights, reward.new, reward.whole)
    copied.normalise([""] * len(texts), texts)
    scores = copied.scores([""] * len(texts), texts)
    assert scores.mean().item() == pytest.approx(0, abs=1e-4)
    assert scores.std().item() == pytest.approx(1, abs=1e-4)


def test_what_is_saved_scores_the_same(reward: WordReward, tmp_path):
    reward.save(tmp_path)
    texts = [render(LIKED), render(PLAIN), "no list at all", ""]
    again = WordReward.load(tmp_path)
    torch.testing.assert_close(again.scores([""] * 4, texts), reward.scores([""] * 4, texts), atol=5e-3, rtol=1e-2)
    (tmp_path / "words.json").write_text("{}", "utf-8")
    with pytest.raises(TopFiveError, match="not a usable word reward"):
        WordReward.load(tmp_path)
    with pytest.raises(TopFiveError, match="not a usable word reward"):
        WordReward.load(tmp_path / "nowhere")


@pytest.mark.parametrize("odd", [{"mean": math.nan}, {"new": math.inf}, {"std": 0.0}, {"std": -1.0}])
def test_a_saved_reward_of_odd_numbers_is_refused(reward: WordReward, tmp_path, odd):
    reward.save(tmp_path)
    numbers = json.loads((tmp_path / "words.json").read_text("utf-8"))
    (tmp_path / "words.json").write_text(json.dumps(numbers | odd), "utf-8")
    with pytest.raises(TopFiveError, match="not a usable word reward"):
        WordReward.load(tmp_path)


@pytest.mark.parametrize("number", [0, 1])
def test_nobody_normalises_by_fewer_than_two_answers(reward: WordReward, number):
    with pytest.raises(TopFiveError, match=f"cannot normalise by {number} scores"):
        WordReward(reward.weights, reward.new, reward.whole).normalise([""] * number, [render(LIKED)] * number)


def test_rankings_that_say_nothing_are_refused():
    with pytest.raises(TopFiveError, match="no ranking to learn from"):
        fit_word_reward([Ranking(PROMPT, (render(LIKED), render(PLAIN)), (1, 1))])
