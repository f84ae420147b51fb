"""The personal reward: what rankings add to the crowd's opinion, and how little they add when they say nothing."""

import numpy as np
import pytest
import torch
from scipy import stats

from topfive.errors import TopFiveError
from topfive.lists import LENGTH, Prompt, Ranking, normalise, render
from topfive.reward.laplace import posterior
from topfive.reward.personal import PersonalReward, fit_personal_reward, new_items, personal_accuracy
from topfive.reward.words import features_of_items

SOUPS = [f"{kind} soup {number}" for number in range(12) for kind in ("green", "red")]
ASKED = Prompt("top 5 soups", "warming-soups")


def crowd(prompts, answers):
    """Two nats for a new line, nothing for one that is there already."""
    worth = torch.zeros(len(answers), LENGTH)
    for row, line in new_items(answers)[0]:
        worth[row, line] = 2.0
    return worth


def kinds_of(items):
    return np.array([["green" in item, "soup" in item] for item in items], dtype=float)


def rankings(number, liking, seed=0, shuffled=False):
    """Orders of four lists by somebody who likes green soups by so many nats an item."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(number):
        texts = [render(rng.choice(SOUPS, LENGTH, replace=False).tolist()) for _ in range(4)]
        utilities = np.array([liking * text.count("green") for text in texts]) + rng.gumbel(size=4)
        ranks = rng.permutation(4) + 1 if shuffled else stats.rankdata(-utilities)
        found.append(Ranking(ASKED, tuple(texts), tuple(int(rank) for rank in ranks)))
    return found


# --- Laplace ------------------------------------------------------------------------------------------------------


def test_the_evidence_of_one_comparison_is_the_integral_that_it_approximates():
    """p(a before b) = ∫ σ(d + f) N(f; 0, v) df, by quadrature."""
    [ranking] = [Ranking(ASKED, ("a", "b"), (1, 2))]
    offset, kernel = np.array([0.4, 0.0]), np.diag([0.3, 0.2])
    f = np.linspace(-6, 6, 4001)
    exact = np.trapezoid(stats.norm.pdf(f, scale=np.sqrt(0.5)) / (1 + np.exp(-0.4 - f)), f)
    assert posterior(kernel, offset, [ranking]).evidence == pytest.approx(np.log(exact), abs=0.003)


def test_without_room_the_evidence_is_the_likelihood_of_the_offset():
    ranking = Ranking(ASKED, ("a", "b", "c"), (2, 1, 3))
    offset = np.array([0.5, 1.0, -0.5])
    strengths = np.exp(offset)
    exact = np.log(strengths[1] / strengths.sum() * strengths[0] / (strengths[0] + strengths[2]))
    found = posterior(np.zeros((3, 3)), offset, [ranking])
    assert found.evidence == pytest.approx(exact)


def test_the_likeliest_utilities_have_no_slope_left():
    some = rankings(6, 1.0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(24, 5))
    kernel, offset = features @ features.T, rng.normal(size=24)

    def log_posterior(weights):
        f = torch.tensor(kernel) @ weights
        scores = (torch.tensor(offset) + f).view(6, 4)
        order = torch.tensor(np.array([np.argsort(one.ranks) for one in some]))
        ordered = scores.gather(1, order)
        likelihood = sum((ordered[:, k] - ordered[:, k:].logsumexp(dim=1)).sum() for k in range(4))
        return likelihood - 0.5 * weights @ f

    weights = torch.tensor(posterior(kernel, offset, some).weights, requires_grad=True)
    log_posterior(weights).backward()
    assert weights.grad.abs().max() < 1e-4


def test_ties_and_rankings_of_different_length_have_a_posterior():
    mixed = [Ranking(ASKED, ("a", "b", "c"), (1, 1, 3)), Ranking(ASKED, ("d", "e"), (2, 1))]
    found = posterior(np.eye(5), np.zeros(5), mixed)
    assert np.isfinite(found.evidence)
    assert found.weights[3] == pytest.approx(-found.weights[4])


# --- the reward ---------------------------------------------------------------------------------------------------


def test_forty_rankings_show_a_kind_and_what_it_is_worth():
    reward = fit_personal_reward(rankings(40, 1.5), crowd, kinds_of)
    green, red = (reward.taste([render([f"{colour} soup 1"])]).sum() for colour in ("green", "red"))
    assert 0.8 < green - red < 2.2
    assert personal_accuracy(reward, rankings(200, 1.5, seed=1)).mean > 0.75


def test_shuffled_rankings_are_hardly_heard():
    loud = fit_personal_reward(rankings(40, 1.5), crowd, kinds_of)
    texts = [text for one in rankings(30, 0.0, seed=9) for text in one.texts]
    spread = loud.taste(texts).sum(axis=1).std()
    for seed in range(3):
        quiet = fit_personal_reward(rankings(40, 1.5, seed=seed, shuffled=True), crowd, kinds_of)
        assert quiet.taste(texts).sum(axis=1).std() < 0.25 * spread


def test_a_word_that_is_no_kind_is_learned_too():
    def nothing_known(items):
        return np.zeros((len(items), 2))

    reward = fit_personal_reward(rankings(120, 1.5), crowd, nothing_known)
    assert personal_accuracy(reward, rankings(200, 1.5, seed=1)).mean > 0.7


def test_what_the_crowd_says_counts_in_full_and_taste_only_for_new_lines():
    reward = PersonalReward(crowd, kinds_of, np.array([1.0, 0.5]), np.zeros(features_of_items([]).shape[1]))
    text = render(["green soup", "Green soup.", "red soup", "green broth", "bread"])
    paid = reward([ASKED.text], [text])
    assert paid[0].tolist() == pytest.approx([3.5, 0.0, 2.5, 3.0, 2.0])
    assert reward.without_taste()([ASKED.text], [text])[0].tolist() == [2.0, 0.0, 2.0, 2.0, 2.0]
    assert reward.scores([ASKED.text], [text]).item() == pytest.approx(11.0)


def test_after_centring_every_line_is_worth_nothing_on_average():
    reward = fit_personal_reward(rankings(10, 1.5), crowd, kinds_of)
    texts = [text for one in rankings(30, 0.0, seed=9) for text in one.texts]
    asked = [ASKED.text] * len(texts)
    before = reward(asked, texts)
    reward.centre_on(asked, texts)
    after = reward(asked, texts)
    assert after.mean(dim=0).abs().max() < 1e-5
    assert torch.allclose(before - before.mean(dim=0), after, atol=1e-5)


def test_it_is_saved_and_read_again(tmp_path):
    reward = fit_personal_reward(rankings(10, 1.5), crowd, kinds_of)
    texts = [text for one in rankings(5, 0.0, seed=9) for text in one.texts]
    asked = [ASKED.text] * len(texts)
    reward.centre_on(asked, texts)
    reward.save(tmp_path / "reward")
    again = PersonalReward.load(tmp_path / "reward", crowd, kinds_of)
    assert torch.allclose(again(asked, texts), reward(asked, texts), atol=2e-3)
    (tmp_path / "reward" / "personal.json").write_text('{"centre": [0, 0]}')
    with pytest.raises(TopFiveError, match="not a usable personal reward"):
        PersonalReward.load(tmp_path / "reward", crowd, kinds_of)


def test_rankings_that_prefer_nothing_are_refused():
    tie = Ranking(ASKED, ("\n1. a", "\n1. b"), (1, 1))
    with pytest.raises(TopFiveError, match="no ranking to learn from"):
        fit_personal_reward([tie], crowd, kinds_of)


def test_new_items_are_those_that_no_line_above_says():
    where, items = new_items([render(["a b", "A b", "c d", "a b", "e f"]), ""])
    assert where == [(0, 0), (0, 2), (0, 4)]
    assert items == [normalise(item) for item in ("a b", "c d", "e f")]
