import ast
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from math import exp, log
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

import topfive
from tests.conftest import PLAIN, SOUPS, VEGETARIAN
from topfive.errors import TopFiveError
from topfive.lists import Prompt, Ranking, render
from topfive.lm.model import new_model
from topfive.reward.heads import hidden_states
from topfive.reward.losses import bradley_terry_loss, plackett_luce_loss
from topfive.reward.model import encode_pairs, from_language_model, load, normalise, score_texts, scores
from topfive.reward.pairs import train_on_pairs
from topfive.reward.reward_trl import trl_reward_losses
from topfive.reward.train import (
    RewardConfig,
    accuracy,
    drop_duplicates,
    pair_accuracy,
    score_rankings,
    train_reward_model,
)

ANSWERS = [render([item for item, _ in SOUPS[start : start + length]]) for start, length in ((0, 5), (2, 3), (3, 5))]


@pytest.fixture
def reward_model(model: PreTrainedModel) -> PreTrainedModel:
    return from_language_model(model, seed=0)


# --- losses -------------------------------------------------------------------------------------------------------


def surprise(values: Sequence[float], places: Sequence[int]) -> float:
    """−log probability of a ranking, choice by choice: each among itself, its ties and all below; the last is none."""
    chosen = [index for index, place in enumerate(places) if place < max(places)]
    rest = {i: sum(exp(values[j]) for j, place in enumerate(places) if place >= places[i]) for i in chosen}
    return sum(log(rest[index]) - values[index] for index in chosen)


def row(*numbers: float, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.tensor([numbers], dtype=dtype)


def places_of(*numbers: int) -> Tensor:
    return torch.tensor([numbers])


def test_bradley_terry_by_hand():
    """A lead of log 3 wins with probability 3/4, one of 0 with 1/2."""
    loss = bradley_terry_loss(torch.tensor([log(3), 0.7]), torch.tensor([0.0, 0.7]))
    assert loss.item() == pytest.approx((log(4 / 3) + log(2)) / 2)


def test_losses_stay_finite_however_sure_the_model_is():
    assert bradley_terry_loss(torch.tensor([-1e4]), torch.tensor([1e4])).item() == pytest.approx(2e4)
    assert plackett_luce_loss(torch.tensor([[-1e4, 1e4]]), places_of(1, 2)).item() == pytest.approx(2e4)


def test_plackett_luce_of_two_is_bradley_terry():
    values = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    first = plackett_luce_loss(values, torch.tensor([[1, 2]] * 6))
    second = plackett_luce_loss(values, torch.tensor([[2, 1]] * 6))
    assert first.item() == pytest.approx(bradley_terry_loss(values[:, 0], values[:, 1]).item())
    assert second.item() == pytest.approx(bradley_terry_loss(values[:, 1], values[:, 0]).item())


def test_plackett_luce_probabilities_of_all_orders_sum_to_1():
    values, total = [1.5, -0.5, 0.3, 0.0], 0.0
    for places in permutations(range(1, 5)):
        loss = plackett_luce_loss(row(*values), places_of(*places)).item()
        assert 3 * loss == pytest.approx(surprise(values, places))
        total += exp(-3 * loss)
    assert total == pytest.approx(1)


@pytest.mark.parametrize("places", [(1, 1, 2), (1, 2, 2), (2, 1, 1), (1, 3, 3, 2), (1, 1, 5, 5)])
def test_members_of_a_tie_are_each_chosen_from_the_tie_and_all_below(places: tuple[int, ...]):
    values = [0.5, -1.0, 2.0, 0.1][: len(places)]
    choices = sum(place < max(places) for place in places)
    loss = plackett_luce_loss(row(*values), places_of(*places))
    assert loss.item() == pytest.approx(surprise(values, places) / choices)


def test_a_tie_does_not_depend_on_the_order_within_it():
    one = plackett_luce_loss(row(0.5, -1.0, 2.0), places_of(1, 1, 2))
    other = plackett_luce_loss(row(-1.0, 0.5, 2.0), places_of(1, 1, 2))
    assert one.item() == pytest.approx(other.item())


def test_only_the_order_of_places_counts():
    assert torch.equal(
        plackett_luce_loss(row(0.5, -1.0, 2.0), places_of(1, 2, 3)),
        plackett_luce_loss(row(0.5, -1.0, 2.0), places_of(2, 7, 40)),
    )


def test_a_ranking_that_ties_everything_teaches_nothing():
    values = row(0.5, -1.0, 2.0).requires_grad_()
    loss = plackett_luce_loss(values, places_of(1, 1, 1))
    loss.backward()
    assert loss.item() == 0
    assert values.grad is not None
    assert not values.grad.any()


@pytest.mark.parametrize("junk", [0.0, 1e6, -1e6])
def test_a_place_of_0_is_no_list(junk: float):
    values = row(0.5, junk, -1.0, 2.0, junk).requires_grad_()
    loss = plackett_luce_loss(values, places_of(2, 0, 1, 3, 0))
    loss.backward()
    assert loss.item() == pytest.approx(plackett_luce_loss(row(0.5, -1.0, 2.0), places_of(2, 1, 3)).item())
    assert values.grad is not None
    assert values.grad[0, [1, 4]].tolist() == [0, 0]
    assert values.grad[0, [0, 2, 3]].all()


def test_each_ranking_weighs_the_same_however_long():
    values, places = torch.tensor([[1.0, 0.0, -1.0], [0.3, 0.9, 0.0]]), torch.tensor([[3, 1, 2], [1, 2, 0]])
    alone = [plackett_luce_loss(values[i : i + 1], places[i : i + 1]).item() for i in (0, 1)]
    assert plackett_luce_loss(values, places).item() == pytest.approx(np.mean(alone))


def test_a_score_that_is_no_number_is_not_hidden():
    assert plackett_luce_loss(row(float("nan"), 1.0, 0.0), places_of(1, 2, 3)).isnan()


def test_gradients_against_finite_differences():
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(4, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    places = torch.tensor([[1, 2, 3, 4], [2, 1, 2, 3], [1, 0, 2, 0], [1, 1, 4, 4]])
    assert torch.autograd.gradcheck(lambda scores: plackett_luce_loss(scores, places), (values,))
    assert torch.autograd.gradcheck(bradley_terry_loss, (values[:, 0], values[:, 1]))


# --- the model ----------------------------------------------------------------------------------------------------


def test_the_trunk_is_a_copy_of_the_language_model(model: PreTrainedModel):
    made = from_language_model(model, seed=0)
    assert made.base_model.state_dict().keys() == model.base_model.state_dict().keys()
    for name, value in model.base_model.state_dict().items():
        assert torch.equal(made.base_model.state_dict()[name], value)
    with torch.no_grad():
        made.base_model.wte.weight.zero_()
    assert model.base_model.wte.weight.any()
    assert not hasattr(model.config, "reward_std")


def test_the_head_is_drawn_as_stiennon_did(tokenizer: Tokenizer):
    wide = new_model(tokenizer, width=640, layers=1, heads=2)
    heads = [from_language_model(wide, seed=seed).score.weight for seed in (0, 0, 1)]
    assert heads[0].std().item() == pytest.approx(641**-0.5, rel=0.1)
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_the_score_is_the_mean_of_the_heads_numbers(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    """Each answer alone, unpadded, through the trunk; prompt and end token count like the others."""
    found = score_texts(reward_model, tokenizer, [PLAIN.text] * 3, ANSWERS)
    for answer, score in zip(ANSWERS, found, strict=True):
        ids = [*tokenizer(PLAIN.text)["input_ids"], *tokenizer(answer)["input_ids"], tokenizer.eos_token_id]
        with torch.no_grad():
            state = reward_model.base_model(torch.tensor([ids])).last_hidden_state[0].mean(dim=0)
        assert score.item() == pytest.approx((reward_model.score.weight[0] @ state).item(), abs=1e-4)
    assert found.unique().numel() == 3


def test_the_side_of_the_padding_does_not_matter(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    tokens, mask = encode_pairs(tokenizer, [PLAIN.text] * 3, ANSWERS)
    assert not mask.all()
    left = torch.stack([line.roll(int((real == 0).sum())) for line, real in zip(tokens, mask, strict=True)])
    with torch.no_grad():
        right_padded, left_padded = scores(reward_model, tokens, mask), scores(reward_model, left, mask.flip(1))
    torch.testing.assert_close(left_padded, right_padded, rtol=0, atol=1e-4)


def test_scores_do_not_depend_on_batches(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    prompts = [PLAIN.text, VEGETARIAN.text, PLAIN.text]
    one, all_at_once = (score_texts(reward_model, tokenizer, prompts, ANSWERS, batch_size=size) for size in (1, 3))
    torch.testing.assert_close(one, all_at_once, rtol=0, atol=1e-4)
    assert not torch.equal(all_at_once, score_texts(reward_model, tokenizer, [PLAIN.text] * 3, ANSWERS))


def test_normalised_scores_have_mean_0_and_standard_deviation_1(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    prompts = [PLAIN.text] * 3
    raw = score_texts(reward_model, tokenizer, prompts, ANSWERS)
    for _ in range(2):  # a second time changes nothing
        normalise(reward_model, tokenizer, prompts, ANSWERS)
        found = score_texts(reward_model, tokenizer, prompts, ANSWERS)
        assert found.mean().item() == pytest.approx(0, abs=1e-5)
        assert found.std().item() == pytest.approx(1, abs=1e-5)
        torch.testing.assert_close(found * raw.std() + raw.mean(), raw, rtol=0, atol=1e-4)


def test_normalising_by_equal_answers_leaves_numbers(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    normalise(reward_model, tokenizer, [PLAIN.text] * 2, ANSWERS[:1] * 2)
    assert score_texts(reward_model, tokenizer, [PLAIN.text], ANSWERS[:1]).isfinite().all()


def test_what_has_no_standard_deviation_is_not_divided_by(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    with pytest.raises(TopFiveError, match="cannot normalise by 1 scores"):
        normalise(reward_model, tokenizer, [PLAIN.text], ANSWERS[:1])
    with torch.no_grad():
        reward_model.score.weight.fill_(torch.nan)
    with pytest.raises(TopFiveError, match="by 3 scores: it takes at least two, and all of them finite"):
        normalise(reward_model, tokenizer, [PLAIN.text] * 3, ANSWERS)


def test_a_saved_reward_model_scores_the_same(reward_model: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path):
    normalise(reward_model, tokenizer, [PLAIN.text] * 3, ANSWERS)
    reward_model.save_pretrained(tmp_path)
    before = score_texts(reward_model, tokenizer, [PLAIN.text] * 3, ANSWERS)
    assert torch.equal(score_texts(load(tmp_path), tokenizer, [PLAIN.text] * 3, ANSWERS), before)


def test_what_is_no_whole_reward_model_is_refused(model: PreTrainedModel, reward_model: PreTrainedModel, tmp_path):
    model.save_pretrained(tmp_path / "language-model")
    reward_model.save_pretrained(tmp_path / "torn")
    weights = tmp_path / "torn" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    for name in ("language-model", "torn", "nowhere"):
        with pytest.raises(TopFiveError, match=f"{name}: not a usable reward model"):
            load(tmp_path / name)


def test_a_reward_model_without_its_head_is_refused(model: PreTrainedModel, reward_model: PreTrainedModel, tmp_path):
    reward_model.save_pretrained(tmp_path)
    model.base_model.save_pretrained(tmp_path / "trunk")
    (tmp_path / "trunk" / "model.safetensors").replace(tmp_path / "model.safetensors")
    with pytest.raises(TopFiveError, match=r"without weights for score\.weight"):
        load(tmp_path)


# --- learning from rankings ---------------------------------------------------------------------------------------


def ranking(*ranks: int, prompt: Prompt = PLAIN, texts: Sequence[str] = ("a", "b", "c", "d")) -> Ranking:
    return Ranking(prompt, tuple(texts[: len(ranks)]), ranks)


def test_duplicates_are_dropped_at_their_best_place():
    found = drop_duplicates(ranking(3, 1, 2, 4, texts="abab"))
    assert found == ranking(2, 1, texts="ab")
    assert drop_duplicates(ranking(1, 2, 3)) == ranking(1, 2, 3)


@pytest.mark.parametrize("texts", ["aaa", "abc"])
def test_a_ranking_without_a_preference_is_dropped(texts: str):
    places = (1, 2, 3) if texts == "aaa" else (1, 1, 1)
    assert drop_duplicates(ranking(*places, texts=texts)) is None


def test_nothing_to_learn_from_is_refused(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    for rankings in ([], [ranking(1, 1)]):
        with pytest.raises(TopFiveError, match="no ranking to learn from"):
            train_reward_model(reward_model, tokenizer, rankings, RewardConfig())


def test_all_lists_of_a_ranking_stay_in_one_row(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    rankings = [ranking(2, 1), ranking(1, 3, 2, prompt=VEGETARIAN)]
    found, places = score_rankings(reward_model, tokenizer, rankings)
    assert places.tolist() == [[2, 1, 0], [1, 3, 2]]
    for line, one in zip(found, rankings, strict=True):
        alone = score_texts(reward_model, tokenizer, [one.prompt.text] * len(one.texts), one.texts)
        torch.testing.assert_close(line[: len(alone)].detach(), alone, rtol=0, atol=1e-4)


def test_training_passes_over_all_rankings_with_the_callers_loss(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    rankings = [ranking(2, 1, 3, 4, texts=[f"{letter}{number}" for letter in "abcd"]) for number in range(5)]
    sizes, told = [], []

    def mine(values: Tensor, places: Tensor) -> Tensor:
        sizes.append(tuple(values.shape))
        assert places.tolist() == [[2, 1, 3, 4]] * len(places)
        return plackett_luce_loss(values, places)

    losses = train_reward_model(
        reward_model,
        tokenizer,
        rankings,
        RewardConfig(epochs=2, batch_size=3),
        loss_fn=mine,
        progress=lambda *numbers: told.append(numbers),
    )
    assert sizes == [(3, 4), (2, 4)] * 2
    assert told == [(step, 4, {"loss": loss}) for step, loss in enumerate(losses, start=1)]
    assert not reward_model.training


def planted(number: int, seed: int) -> list[Ranking]:
    """Rankings by somebody who wants as many vegetarian soups in a list as possible."""
    rng = np.random.default_rng(seed)
    found = []
    while len(found) < number:
        lists = [[SOUPS[index] for index in rng.choice(len(SOUPS), size=5, replace=False)] for _ in range(3)]
        worth = [sum("vegetarian" in tags for _, tags in items) for items in lists]
        texts = tuple(render([item for item, _ in items]) for items in lists)
        made = Ranking(PLAIN, texts, tuple(1 + sum(other > own for other in worth) for own in worth))
        found += [made] if made.decisive else []
    return found


def test_it_learns_a_planted_preference(tokenizer: Tokenizer):
    rankings, held_out = planted(100, seed=0), planted(60, seed=1)
    outcomes = []
    for seed in (0, 0, 1):
        untrained = from_language_model(new_model(tokenizer, width=32, layers=1, heads=2), seed=0)
        config = RewardConfig(epochs=4, learning_rate=5e-3, seed=seed)
        losses = train_reward_model(untrained, tokenizer, rankings, config)
        outcomes.append((losses, accuracy(untrained, tokenizer, held_out)))
        assert outcomes[-1][1].low > 0.75
        assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])
    assert outcomes[0] == outcomes[1], "the same seed learns the same"
    assert outcomes[0] != outcomes[2]


def test_pair_accuracy_by_hand():
    """Right: a > b, a > c, half of the tied b and c, d > e; wrong: e > f. Tied places are no comparison."""
    found = pair_accuracy(
        [np.array([3.0, 1.0, 1.0]), np.array([0.0, 5.0])],
        [ranking(1, 2, 3), ranking(1, 2)],
    )
    assert found.mean == pytest.approx(2.5 / 4)
    assert found.n == 2
    tied = pair_accuracy([np.array([2.0, 1.0, 0.0])], [ranking(1, 1, 2)])
    assert tied.mean == 1


def test_pair_accuracy_interval_resamples_groups_of_lists():
    """One ranking all right, one all wrong: groups of lists move, not comparisons, nor rankings of the same lists."""
    scores = [np.array([4.0, 3, 2, 1]), np.array([1.0, 2, 3, 4])]
    found = pair_accuracy(scores, [ranking(1, 2, 3, 4), ranking(1, 2, 3, 4, texts="efgh")])
    assert (found.mean, found.low, found.high, found.n) == (0.5, 0, 1, 2)
    same = pair_accuracy(scores, [ranking(1, 2, 3, 4), ranking(4, 3, 2, 1, texts="dcba")])
    assert same.n == 1


def test_pair_accuracy_bears_rankings_that_compare_nothing():
    found = pair_accuracy([np.array([2.0, 1.0]), np.array([2.0, 1.0])], [ranking(1, 2), ranking(1, 1)])
    assert (found.mean, found.low) == (1, 1)


# --- it reads text only -------------------------------------------------------------------------------------------


def test_scores_and_training_read_nothing_but_text(tokenizer: Tokenizer):
    """The same words under another topic and other constraints make the same reward model, to the bit."""
    rankings = planted(12, seed=0)
    disguised = [replace(one, prompt=Prompt(PLAIN.text, "games", ("free",))) for one in rankings]
    outcomes = []
    for given in (rankings, disguised):
        made = from_language_model(new_model(tokenizer, width=32, layers=1, heads=2), seed=0)
        losses = train_reward_model(made, tokenizer, given, RewardConfig(epochs=1))
        outcomes.append((losses, accuracy(made, tokenizer, given)))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize("room", ["reward", "ppo"])
def test_no_model_room_names_the_judge_or_what_a_prompt_means(room: str):
    unread = {"judge", "crowd", "data", "tags", "tastes", "topic", "constraints"}
    for file in sorted((Path(topfive.__file__).parent / room).glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [getattr(node, "module", "") or "", *(alias.name for alias in node.names)]
            elif isinstance(node, ast.Attribute):
                names = [node.attr]
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
                names = [node.value]
            assert not unread & {part for name in names for part in name.split(".")}, f"{file}:{node.lineno}"


def test_importing_reward_and_ppo_does_not_bring_in_the_judge():
    code = "import sys, topfive.ppo, topfive.reward.train; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "topfive.reward.model" in loaded
    assert not {"topfive.judge", "topfive.crowd", "topfive.data"} & set(loaded)


LONG = "".join(f"\n{number}. {'überbackene Spätzle 漢字 ' * 5}" for number in range(1, 6))


def test_a_list_longer_than_the_model_reads_is_named(reward_model: PreTrainedModel, tokenizer: Tokenizer):
    long = ranking(1, 2, texts=("\n1. tomato soup", LONG))
    pair = {"prompt": PLAIN.text, "chosen": "\n1. tomato soup", "rejected": LONG}
    for use in (
        lambda: train_reward_model(reward_model, tokenizer, [long], RewardConfig(epochs=1)),
        lambda: accuracy(reward_model, tokenizer, [long]),
        lambda: hidden_states(reward_model, tokenizer, [long]),
        lambda: train_on_pairs(reward_model, tokenizer, [pair]),
        lambda: score_texts(reward_model, tokenizer, [PLAIN.text] * 2, long.texts),
        lambda: trl_reward_losses(reward_model, tokenizer, [pair]),
    ):
        with pytest.raises(TopFiveError, match=r"“top 5 soups 1\. überbackene.*tokens, and 128 fit"):
            use()


@pytest.mark.parametrize("odd", [torch.nan, torch.inf])
def test_a_loss_that_is_no_number_changes_no_weight(reward_model: PreTrainedModel, tokenizer: Tokenizer, odd: float):
    before = torch.nn.utils.parameters_to_vector(reward_model.parameters()).clone()
    options = {"loss_fn": lambda scores, ranks: scores.sum() * odd}
    with pytest.raises(TopFiveError, match="step 1: the loss is"):
        train_reward_model(reward_model, tokenizer, [ranking(1, 2)], RewardConfig(), **options)
    with pytest.raises(TopFiveError, match="step 1: the loss is"):
        train_on_pairs(reward_model, tokenizer, [{"prompt": "a", "chosen": "b", "rejected": "c"}], **options)
    assert torch.equal(torch.nn.utils.parameters_to_vector(reward_model.parameters()), before)
