"""What a rollout says of each token is what the models say of each answer alone, without any padding."""

import pytest
import torch

from topfive.lm.sampling import encode, positions
from topfive.ppo import rollout as room
from topfive.ppo import toy
from topfive.ppo.rollout import at_line_ends, entropy, response_logits, response_logprobs, roll_out, sampled_logprobs

PROMPTS = ["a", "b c d a", "c c"] * 6


@pytest.fixture(scope="module")
def models():
    policy, reference = toy.policy(seed=0), toy.policy(seed=5)
    return policy, reference, toy.reward(reference), toy.reward(policy, seed=7)


def make(models, temperature=0.7, seed=0):
    query, query_mask = encode(toy.tokenizer(), PROMPTS)
    generator = torch.Generator().manual_seed(seed)
    options = {"temperature": temperature, "response_length": 6, "missing_eos_score": -1.0}
    return roll_out(*models, query, query_mask, generator=generator, **options)


@pytest.fixture(scope="module")
def rollout(models):
    return make(models)


def alone(rollout, row):
    """Query and response of one answer without pads."""
    samples = rollout.samples
    query = samples.query[row][samples.query_mask[row] == 1]
    return query, samples.response[row][samples.mask[row] == 1]


@torch.no_grad()
def test_log_probabilities_without_padding(models, rollout):
    for row in range(len(PROMPTS)):
        query, response = alone(rollout, row)
        tokens = torch.cat([query, response])[None]
        for model, ours in ((models[0], rollout.logprobs), (models[1], rollout.ref_logprobs)):
            expected = (model(input_ids=tokens).logits / 0.7).log_softmax(dim=-1)[0, len(query) - 1 : -1]
            expected = expected.gather(1, response[:, None])[:, 0]
            torch.testing.assert_close(ours[row, : len(response)], expected, atol=1e-5, rtol=1e-5)


@torch.no_grad()
def test_values_and_scores_without_padding(models, rollout):
    reward, critic = models[2:]
    for row in range(len(PROMPTS)):
        query, response = alone(rollout, row)
        tokens = torch.cat([query, response])[None]

        def heads(model, tokens=tokens):
            raw = model.score(model.base_model(input_ids=tokens).last_hidden_state)[0, :, 0]
            return (raw - model.config.reward_mean) / model.config.reward_std

        torch.testing.assert_close(
            rollout.values[row, : len(response)], heads(critic)[len(query) - 1 : -1], atol=1e-5, rtol=1e-5
        )
        score = heads(reward).mean() if response[-1] == toy.END else torch.tensor(-1.0)
        torch.testing.assert_close(rollout.scores[row], score, atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("part", [1, 7, 1000])
def test_parts_of_the_vocabulary_are_the_whole(models, rollout, monkeypatch, part):
    monkeypatch.setattr(room, "TOKENS_AT_ONCE", part)
    logits = response_logits(models[0], rollout.samples, 0.7)
    logprobs, mean_entropy = sampled_logprobs(models[0], rollout.samples, 0.7)
    torch.testing.assert_close(logprobs, response_logprobs(logits, rollout.samples))
    torch.testing.assert_close(mean_entropy, entropy(logits).mean())
    assert rollout.entropy == pytest.approx(mean_entropy.item())


def test_entropy_of_two_coins():
    coins = torch.tensor([[0.5, 0.5], [0.9, 0.1]])
    assert entropy(coins.log()).tolist() == pytest.approx([0.6931, 0.3251], abs=1e-4)


@torch.no_grad()
def test_the_trunk_is_spared_most_pads(models, rollout):
    seen = []
    hook = models[0].base_model.register_forward_pre_hook(
        lambda _, __, given: seen.append(given["attention_mask"]), with_kwargs=True
    )
    response_logits(models[0], rollout.samples, 1.0)
    hook.remove()
    samples = rollout.samples
    predicted = int(samples.query_mask.sum() + samples.mask.sum()) - len(samples.mask)
    padded = samples.query.numel() + samples.response.numel()
    assert sum(int(mask.sum()) for mask in seen) == predicted
    assert sum(mask.numel() for mask in seen) - predicted < (padded - predicted) / 2


def test_the_sampler_says_how_likely_each_token_was(rollout):
    torch.testing.assert_close(rollout.samples.logprobs, rollout.logprobs, atol=1e-5, rtol=1e-5)


def test_pads_are_exact_zeros_and_nothing_follows_the_end_token(rollout):
    pads = rollout.mask == 0
    assert pads.any()
    for tensor in (rollout.logprobs, rollout.ref_logprobs, rollout.values, rollout.samples.logprobs):
        assert (tensor[pads] == 0).all()
    assert (rollout.samples.response[pads] == toy.PAD).all()
    ends = (rollout.samples.response == toy.END) & (rollout.mask == 1)
    assert (ends.sum(dim=1) == rollout.samples.ended).all()


def test_the_pad_token_is_not_the_end_token(models):
    assert models[0].config.pad_token_id != models[0].config.eos_token_id


def test_an_answer_without_end_gets_the_fixed_score(rollout):
    assert not rollout.samples.ended.all()
    assert (rollout.scores[~rollout.samples.ended] == -1.0).all()


def test_positions_skip_left_pads():
    mask = torch.tensor([[0, 0, 1, 1], [1, 1, 1, 1]])
    assert positions(mask).tolist() == [[0, 0, 0, 1], [0, 1, 2, 3]]


def test_rows_trim_shared_pads_and_change_nothing_else(rollout):
    index = torch.tensor([0, 3])  # the two shortest prompts
    part = rollout.rows(index)
    assert part.samples.query.shape[1] == 1
    assert part.mask.shape[1] == int(rollout.mask[index].sum(dim=1).max())
    torch.testing.assert_close(part.logprobs, rollout.logprobs[index, : part.mask.shape[1]])


def test_sampling_follows_the_scored_distribution(models):
    """Empirical frequencies of first tokens against the softmax at the same temperature."""
    query, query_mask = encode(toy.tokenizer(), ["a"] * 20_000)
    options = {"temperature": 0.7, "response_length": 1, "missing_eos_score": -1.0}
    rollout = roll_out(*models, query, query_mask, generator=torch.Generator().manual_seed(1), **options)
    counts = torch.bincount(rollout.samples.response[:, 0], minlength=len(toy.VOCABULARY)) / 20_000
    with torch.no_grad():
        expected = (models[0](input_ids=query[:1]).logits[0, -1] / 0.7).softmax(dim=-1)
    assert (counts - expected).abs().max() < 0.015


def test_lines_are_paid_where_they_end():
    paid = torch.tensor([[1.0, 2.0, 3.0]])
    starts = torch.tensor([[0, 1, 0, 1, 0, 0, 1, 0]], dtype=torch.bool)
    assert at_line_ends(paid, starts).tolist() == [[0, 0, 1.0, 0, 0, 2.0, 0, 0]]


def test_an_answer_of_too_many_lines_or_of_one_is_paid_no_more_than_its_lines():
    paid = torch.tensor([[1.0, 2.0]])
    many = torch.tensor([[1, 0, 1, 0, 1, 0]], dtype=torch.bool)
    assert at_line_ends(paid, many).tolist() == [[0, 1.0, 0, 0, 0, 0]]
    assert at_line_ends(paid, torch.zeros(1, 6, dtype=torch.bool)).tolist() == [[0.0] * 6]


def test_a_reward_function_scores_text(models):
    policy, reference, _, critic = models
    query, query_mask = encode(toy.tokenizer(), PROMPTS)
    seen = []

    def longer_is_better(prompts, answers):
        seen.extend(zip(prompts, answers, strict=True))
        return torch.tensor([float(len(answer)) for answer in answers])

    options = {"temperature": 1.0, "response_length": 6, "missing_eos_score": -1.0, "tokenizer": toy.tokenizer()}
    found = roll_out(
        policy, reference, longer_is_better, critic, query, query_mask,
        generator=torch.Generator().manual_seed(0), **options,
    )  # fmt: skip
    assert [prompt for prompt, _ in seen] == PROMPTS
    lengths = torch.tensor([float(len(answer)) for _, answer in seen])
    assert torch.equal(found.scores, lengths.where(found.samples.ended, torch.tensor(-1.0)))
    assert not found.line_rewards.any()
