"""Reading scores from tokens, heads, training on pairs with TRL beside it, and what is measured of a reward model."""

import copy
import math
from itertools import product

import pytest
import torch

from tests.conftest import PLAIN, SOUPS, VEGETARIAN
from topfive.lists import Ranking, render
from topfive.reward.heads import (
    fit_head,
    hidden_states,
    in_rankings,
    last_token,
    mean_of_tokens,
    padded_ranks,
    score_lists,
    turned_round,
)
from topfive.reward.losses import order_loss, plackett_luce_loss
from topfive.reward.measure import (
    accuracy_ceiling,
    best_of_n_distribution,
    best_of_n_gain,
    best_of_n_kl,
    best_of_n_mean,
    calibration_error,
    calibration_slope,
    calibration_table,
    pairs_right,
)
from topfive.reward.model import encode_pairs, from_language_model, score_texts, scores, values_everywhere
from topfive.reward.pairs import as_pairs, train_on_pairs
from topfive.reward.reward_trl import trl_reward_losses
from topfive.reward.train import pair_accuracy

NAMES = [item for item, _ in SOUPS]
LISTS = [render(NAMES[start : start + 5]) for start in range(4)] + [render(NAMES[start::2][:3]) for start in range(3)]
RANKINGS = [
    Ranking(prompt, (LISTS[a], LISTS[b], LISTS[c]), ranks)
    for prompt, (a, b, c), ranks in zip(
        [PLAIN, VEGETARIAN] * 4,
        [(0, 1, 2), (3, 4, 5), (6, 0, 2), (1, 3, 5), (2, 4, 6), (5, 0, 1), (4, 3, 1), (0, 6, 5)],
        [(1, 2, 3), (2, 1, 3), (1, 1, 2), (3, 2, 1), (1, 3, 2), (2, 1, 1), (1, 2, 3), (3, 1, 2)],
        strict=True,
    )
]


@pytest.fixture
def reward_model(model):
    return from_language_model(model, seed=0)


# --- reading ------------------------------------------------------------------------------------------------------


def test_the_packages_score_is_the_mean_of_tokens(reward_model, tokenizer):
    tokens, mask = encode_pairs(tokenizer, [PLAIN.text] * 7, LISTS)
    with torch.no_grad():
        numbers = values_everywhere(reward_model, tokens, mask)
        torch.testing.assert_close(mean_of_tokens(numbers, mask), scores(reward_model, tokens, mask))


def test_the_last_token_is_what_transformers_reads(reward_model, tokenizer):
    tokens, mask = encode_pairs(tokenizer, [PLAIN.text] * 7, LISTS)
    assert mask.sum(dim=1).unique().numel() > 1
    with torch.no_grad():
        expected = reward_model(input_ids=tokens, attention_mask=mask).logits[:, 0]
        found = last_token(values_everywhere(reward_model, tokens, mask), mask)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-4)


def test_a_head_on_fixed_states_scores_as_the_whole_model_would(reward_model, tokenizer):
    states, mask = hidden_states(reward_model, tokenizer, RANKINGS, batch_size=5)
    flat = mean_of_tokens(states @ reward_model.score.weight[0].detach(), mask)
    prompts = [one.prompt.text for one in RANKINGS for _ in one.texts]
    expected = score_texts(reward_model, tokenizer, prompts, [text for one in RANKINGS for text in one.texts])
    torch.testing.assert_close(flat, expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize("read", [mean_of_tokens, last_token])
def test_a_head_learns_and_seeds_make_heads_differ(reward_model, tokenizer, read):
    states, mask = hidden_states(reward_model, tokenizer, RANKINGS)
    heads = [fit_head(states, mask, RANKINGS, read=read, seed=seed) for seed in (None, None, 1, 2)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.allclose(heads[2], heads[3])
    ranks = padded_ranks(RANKINGS)
    losses = [
        plackett_luce_loss(in_rankings(read(states @ head, mask), RANKINGS), ranks).item()
        for head in (torch.zeros_like(heads[0]), heads[0])
    ]
    assert losses[1] < losses[0]


def test_rankings_of_different_length_stand_in_one_table():
    rankings = [Ranking(PLAIN, ("a", "b"), (2, 1)), Ranking(PLAIN, ("a", "b", "c"), (1, 3, 2))]
    assert padded_ranks(rankings).tolist() == [[2, 1, 0], [1, 3, 2]]
    assert in_rankings(torch.arange(5.0), rankings).tolist() == [[0, 1, 0], [2, 3, 4]]


# --- pairs, and TRL -----------------------------------------------------------------------------------------------


def test_a_ranking_gives_the_pairs_it_tells_apart():
    pairs = as_pairs([Ranking(PLAIN, ("a", "b", "c"), (2, 1, 2)), Ranking(PLAIN, ("a", "a"), (1, 2))])
    assert [(pair["chosen"], pair["rejected"]) for pair in pairs] == [("b", "a"), ("b", "c")]
    assert {pair["prompt"] for pair in pairs} == {PLAIN.text}


@pytest.mark.slow
def test_trl_agrees_on_the_first_20_losses(reward_model, tokenizer):
    """Same weights, same batches: TRL's RewardTrainer and our loop lose the same at every step."""
    pairs = (as_pairs(RANKINGS) * 4)[: 20 * 4]
    theirs = trl_reward_losses(reward_model, tokenizer, pairs, batch_size=4, learning_rate=1e-3)
    ours = train_on_pairs(copy.deepcopy(reward_model), tokenizer, pairs, batch_size=4, learning_rate=1e-3)
    assert len(theirs) == len(ours) == 20
    assert ours == pytest.approx(theirs, abs=1e-4)
    assert ours[-1] != pytest.approx(ours[0], abs=1e-2)
    mean = train_on_pairs(
        copy.deepcopy(reward_model), tokenizer, pairs, batch_size=4, learning_rate=1e-3, read=mean_of_tokens
    )
    assert mean != pytest.approx(theirs, abs=1e-2)


# --- measures -----------------------------------------------------------------------------------------------------


def test_pairs_right_agrees_with_pair_accuracy():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(8, 3, generator=generator)
    right, pairs = pairs_right(values, padded_ranks(RANKINGS))
    expected = pair_accuracy([row.double().numpy() for row in values], RANKINGS)
    assert (right.sum() / pairs.sum()).item() == pytest.approx(expected.mean)


def test_the_ceiling_holds_for_any_mixture_of_easy_and_hard_pairs():
    generator = torch.Generator().manual_seed(0)
    for spread in (0.0, 0.3, 3.0):
        likelier = torch.sigmoid((1 + spread * torch.randn(2000, generator=generator)).abs())
        best = likelier.mean()
        agreed = (likelier**2 + (1 - likelier) ** 2).mean()
        ceiling = accuracy_ceiling(agreed[None])[0]
        assert best <= ceiling + 1e-6
        if spread == 0:
            assert best.item() == pytest.approx(ceiling.item(), abs=1e-5)


def test_calibration_of_a_forecaster_who_knows():
    generator = torch.Generator().manual_seed(0)
    sure = torch.rand(20_000, generator=generator)
    happened = (torch.rand(20_000, generator=generator) < sure).long()
    table = calibration_table(sure, happened)
    assert table[:, 2].sum() == 20_000
    assert calibration_error(table) < 0.02
    assert calibration_error(calibration_table(sure**3, happened)) > 0.1
    assert calibration_error(calibration_table(torch.tensor([0.25, 0.25]), torch.tensor([1, 0]))) == 0.25


def test_the_best_of_n_is_at_most_as_far_away_as_the_bound():
    for k, n in product((2, 5, 100, 20_000), (1, 2, 8, 64)):
        before = torch.full((k,), 1 / k, dtype=torch.float64)
        after = best_of_n_distribution(before, n)
        assert after.sum().item() == pytest.approx(1)
        distance = torch.special.xlogy(after, after / before).sum().item()
        assert distance <= best_of_n_kl(n) + 1e-9
        if k == 20_000:
            assert distance == pytest.approx(best_of_n_kl(n), abs=0.01)
    assert best_of_n_kl(4) == pytest.approx(math.log(4) - 3 / 4)


def test_the_mean_best_of_n_counts_every_subset():
    values, order = torch.tensor([[10.0, 20.0, 40.0]]), torch.tensor([[3.0, 1.0, 2.0]])
    assert best_of_n_mean(order, values, 1).item() == pytest.approx(70 / 3)
    assert best_of_n_mean(order, values, 2).item() == pytest.approx((10 + 10 + 40) / 3)
    assert best_of_n_mean(order, values, 3).item() == 10


# --- what notebook 05 measures ------------------------------------------------------------------------------------


def test_one_order_costs_what_a_ranking_without_ties_costs():
    scores = torch.tensor([2.0, -1.0, 0.5])
    assert order_loss(scores).item() == pytest.approx(
        plackett_luce_loss(scores[None], torch.tensor([[1, 2, 3]])).item()
    )


def test_lists_are_scored_ranking_by_ranking_and_read_once(reward_model, tokenizer):
    """The second ranking has fewer lists, one of them already scored."""
    rankings = [RANKINGS[0], Ranking(PLAIN, (LISTS[2], LISTS[5]), (1, 2))]
    found = score_lists(reward_model, tokenizer, rankings)
    each = score_texts(reward_model, tokenizer, [PLAIN.text] * 5, [*LISTS[:3], LISTS[2], LISTS[5]])
    assert found.shape == (2, 3)
    torch.testing.assert_close(found[0], each[:3])
    torch.testing.assert_close(found[1, :2], each[3:])
    assert found[1, 2] == 0


def test_a_list_turned_round_has_the_same_items_backwards():
    turned = turned_round(RANKINGS[0])
    assert turned.texts[0] == render(NAMES[:5][::-1])
    assert (turned.ranks, turned.prompt) == (RANKINGS[0].ranks, RANKINGS[0].prompt)
    assert turned_round(turned) == RANKINGS[0]


def test_the_slope_is_the_line_through_the_middle():
    """Of two pairs that the model gives 0.75 and 0.9, the first came out and the second did not; a tie is none."""
    scores = torch.tensor([[math.log(3), 0.0], [math.log(9), 0.0], [5.0, 0.0]])
    ranks = torch.tensor([[1, 2], [2, 1], [1, 1]])
    slope = calibration_slope(scores, ranks, ["a", "b", "c"])
    assert slope.mean == pytest.approx((0.25 * 0.5 - 0.4 * 0.5) / (0.25**2 + 0.4**2))
    assert slope.n == 2
    swapped = calibration_slope(scores.flip(1), ranks.flip(1), ["a", "b", "c"])
    assert swapped.mean == pytest.approx(slope.mean)


def test_a_calibrated_model_has_slope_1_and_one_that_is_twice_as_sure_less():
    generator = torch.Generator().manual_seed(0)
    scores = 2 * torch.randn(4000, 2, generator=generator)
    first = torch.rand(4000, generator=generator) < torch.sigmoid(scores[:, 0] - scores[:, 1])
    ranks = torch.where(first[:, None], torch.tensor([1, 2]), torch.tensor([2, 1]))
    calibrated, too_sure = (calibration_slope(times * scores, ranks, range(4000)) for times in (1, 4))
    assert calibrated.low < 1 < calibrated.high
    assert too_sure.high < 1


def test_a_place_without_a_list_makes_no_pair():
    with_three = calibration_slope(torch.tensor([[1.0, 0.0, 7.0]]), torch.tensor([[1, 2, 0]]), ["a"])
    assert with_three.mean == calibration_slope(torch.tensor([[1.0, 0.0]]), torch.tensor([[1, 2]]), ["a"]).mean


def test_the_gain_of_one_is_nothing_and_dice_gain_nothing_but_in_their_own_eyes():
    generator = torch.Generator().manual_seed(0)
    gold, dice = torch.randn(2, 400, 16, generator=generator)
    assert best_of_n_gain(dice, gold, 1).abs().max() < 1e-5
    assert best_of_n_gain(dice, gold, 16).mean().abs() < 0.15
    assert best_of_n_gain(dice, dice, 16).mean() == pytest.approx(1.77, abs=0.1)
    assert best_of_n_gain(gold, gold, 16).mean() == pytest.approx(1.77, abs=0.1)
