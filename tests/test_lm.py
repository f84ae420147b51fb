import contextlib
import json
import signal
import socket
from dataclasses import replace
from math import exp, log
from pathlib import Path

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.errors import TopFiveError
from topfive.lists import render
from topfive.lm import plain
from topfive.lm.losses import logprobs_and_kl, next_token_loss, perplexities, perplexity
from topfive.lm.measure import completion_nats
from topfive.lm.model import CONTEXT, load, new_model, save
from topfive.lm.muon import Muon, orthogonalised
from topfive.lm.sampling import encode, generate, positions, sample_texts, token_probabilities, truncate_logits
from topfive.lm.sft_trl import trl_sft_losses
from topfive.lm.state import load_extra, load_state, save_state
from topfive.lm.tokenizer import NUMBERS
from topfive.lm.train import (
    TrainConfig,
    adamw,
    fit,
    muon,
    pack,
    packed_batches,
    pad_batch,
    schedule,
    sft_batches,
)
from topfive.ppo.rollout import response_logits
from topfive.reward.model import load as load_reward_model

PROMPTS = ["top 5 soups", "top 5 games", "top 5 spicy soups with basil and cumin", "soups"]
CONFIG = TrainConfig(steps=6, batch_size=4, learning_rate=3e-3, warmup=2, save_every=3, seed=1)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# --- tokenizer and model ------------------------------------------------------------------------------------------


def test_a_numbered_line_is_one_token_and_text_comes_back(tokenizer: Tokenizer):
    for text in ("top 5 soups" + render(["tomato soup with basil"] * 6), "café №7\n\n12. ünïcode 漢字"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text
    assert all(len(tokenizer(number)["input_ids"]) == 1 for number in NUMBERS)


def test_the_pad_token_is_not_the_end_token(tokenizer: Tokenizer):
    assert tokenizer.pad_token_id != tokenizer.eos_token_id
    assert tokenizer.padding_side == "left"
    assert len(tokenizer) == 400
    assert tokenizer.eos_token_id not in tokenizer("top 5 soups")["input_ids"]


def test_a_new_model_has_about_a_million_parameters_no_dropout_and_the_same_weights_for_a_seed(tokenizer: Tokenizer):
    one, same, other = (new_model(tokenizer, seed=seed).train() for seed in (0, 0, 1))
    tokens = torch.arange(20)[None]
    assert torch.equal(one(tokens).logits, same(tokens).logits)
    assert not torch.equal(one(tokens).logits, other(tokens).logits)
    assert 0.5e6 < one.num_parameters() < 2e6
    assert one.config.n_positions == CONTEXT


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 0.0), (torch.float16, 0.05)])
def test_a_saved_model_says_the_same(model: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path, dtype, tolerance):
    before = sample_texts(model, tokenizer, PROMPTS, seed=0, max_new_tokens=8)
    save(model, tokenizer, tmp_path, dtype)
    loaded, its_tokenizer = load(tmp_path)
    assert model.dtype == loaded.dtype == torch.float32
    tokens = torch.tensor([tokenizer(PROMPTS[2])["input_ids"]])
    torch.testing.assert_close(loaded(tokens).logits, model(tokens).logits, rtol=0, atol=tolerance)
    if dtype == torch.float32:
        assert sample_texts(loaded, its_tokenizer, PROMPTS, seed=0, max_new_tokens=8) == before
    else:
        assert (tmp_path / "model.safetensors").stat().st_size < 2.1 * model.num_parameters() + 10_000


@pytest.mark.parametrize("broken", ["model.safetensors", "config.json", "tokenizer.json"])
def test_a_corrupt_checkpoint_is_refused(model: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path, broken: str):
    save(model, tokenizer, tmp_path)
    file = tmp_path / broken
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(TopFiveError, match="not a usable checkpoint") as caught:
        load(tmp_path)
    assert str(caught.value).startswith(f"{tmp_path}: ")
    assert "\n" not in str(caught.value)


def test_a_checkpoint_that_is_not_there_is_refused(tmp_path: Path):
    with pytest.raises(TopFiveError, match="nowhere: not a usable checkpoint"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["gpt2", "work/sft", "work/run/policy", "a file", "/nowhere/at/all", ""])
def test_a_missing_folder_is_never_looked_for_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str):
    def no_network(*arguments, **options):
        raise AssertionError("asked the internet")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    Path("a file").write_text("text")
    for read, what in ((load, "checkpoint"), (load_reward_model, "reward model")):
        with pytest.raises(TopFiveError, match=what) as caught:
            read(name)
        assert str(caught.value).startswith(f"{name}: not a usable {what} (")
        assert "\n" not in str(caught.value)
        assert not any(word in str(caught.value) for word in ("Repo id", "huggingface", "repo_type", "connect"))


def test_an_empty_folder_is_no_name_on_the_internet_either(tmp_path: Path):
    for read in (load, load_reward_model):
        with pytest.raises(TopFiveError, match="not a usable"):
            read(tmp_path)


def test_a_checkpoint_without_all_weights_is_refused(model: PreTrainedModel, tokenizer: Tokenizer, tmp_path: Path):
    """Missing weights would be drawn at random, and nobody would notice."""
    save(model, tokenizer, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "n_layer": 2}))
    with pytest.raises(TopFiveError, match="not a usable checkpoint"):
        load(tmp_path)


# --- a step of training --------------------------------------------------------------------------------------------


def test_a_plain_step_by_hand():
    """Row 0 of the table moves by minus (⅓, −⅔, ⅓)."""
    table, pair = plain.Bigrams(3), (torch.tensor([[0, 1]]), torch.ones(1, 2, dtype=torch.long))
    optimizer = torch.optim.SGD(table.parameters(), lr=1.0)
    losses = plain.train_on(table, optimizer, [pair, pair], next_token_loss)
    assert losses == pytest.approx([log(3), log(1 + 2 / exp(1))])


# --- loss ---------------------------------------------------------------------------------------------------------


def test_the_loss_by_hand():
    """Row t predicts token t + 1: here token 1 with probability 1/4 and token 0 with probability 1/2."""
    logits = torch.tensor([[[log(3.0), 0.0], [0.0, 0.0], [9.0, -9.0]]])
    tokens = torch.tensor([[0, 1, 0]])
    assert next_token_loss(logits, tokens, torch.ones(1, 3)).item() == pytest.approx((log(4) + log(2)) / 2)
    assert next_token_loss(logits, tokens, torch.tensor([[0, 1, 0]])).item() == pytest.approx(log(4))
    assert next_token_loss(logits, tokens, torch.tensor([[0, 0, 1]])).item() == pytest.approx(log(2))


def test_the_loss_is_a_mean_over_tokens_not_over_rows():
    logits, tokens = torch.randn(2, 9, 5, generator=rng()), torch.randint(5, (2, 9), generator=rng())
    mask = torch.zeros(2, 9, dtype=torch.long)
    mask[0, 1:], mask[1, 4] = 1, 1
    first, second = (
        next_token_loss(logits[row : row + 1], tokens[row : row + 1], mask[row : row + 1]) for row in (0, 1)
    )
    assert next_token_loss(logits, tokens, mask).item() == pytest.approx((8 * first + second).item() / 9)


def test_masked_tokens_and_the_first_one_do_not_count():
    logits = torch.randn(1, 4, 5, generator=rng(), requires_grad=True)
    tokens = torch.tensor([[3, 1, 4, 2]])
    next_token_loss(logits, tokens, torch.tensor([[1, 0, 1, 0]])).backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum(dim=-1).bool().tolist() == [[False, True, False, False]]
    assert next_token_loss(logits, tokens, torch.tensor([[1, 0, 0, 0]])).item() == 0


def test_perplexity_counts_equally_likely_tokens():
    loss = next_token_loss(torch.zeros(1, 7, 50), torch.zeros(1, 7, dtype=torch.long), torch.ones(1, 7))
    assert perplexity(loss) == pytest.approx(50)
    assert perplexity(0.0) == 1


def test_perplexity_per_token_and_per_word_share_the_same_total():
    per_token, per_word = perplexities(torch.tensor([8.0, 4.0]), torch.tensor([4, 2]), torch.tensor([2, 1]))
    assert per_token == pytest.approx(perplexity(2))
    assert per_word == pytest.approx(perplexity(4))
    assert per_word == pytest.approx(per_token ** (6 / 3))


def test_nats_of_completions_are_the_loss_times_the_tokens(model: PreTrainedModel, tokenizer: Tokenizer, texts):
    chosen = [*pairs(texts)[:3], ("soups", "\n1. leek soup")]
    nats, tokens, words = completion_nats(model, tokenizer, chosen, batch_size=3)
    assert words.tolist()[-1] == 3
    for i, pair in enumerate(chosen):
        batch = sft_batches(tokenizer, [pair], TrainConfig(steps=1, batch_size=1))(0)
        loss = next_token_loss(model(batch.tokens).logits, batch.tokens, batch.mask)
        assert nats[i].item() == pytest.approx(loss.item() * tokens[i].item(), rel=1e-4)
        assert tokens[i] == batch.mask.sum() == len(tokenizer(pair[1])["input_ids"]) + 1


# --- sampling -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("top_k", "top_p", "kept"),
    [
        (None, 1.0, [0, 1, 2, 3]),
        (1, 1.0, [1]),
        (3, 1.0, [1, 2, 3]),
        (9, 1.0, [0, 1, 2, 3]),
        (None, 0.0, [1]),
        (None, 0.01, [1]),
        (None, 0.49, [1]),
        (None, 0.51, [1, 3]),
        (None, 0.85, [1, 2, 3]),
        (2, 0.6, [1]),
        (2, 0.9, [1, 3]),
    ],
)
def test_top_k_and_top_p_keep_the_likeliest(top_k: int | None, top_p: float, kept: list[int]):
    """Of 0.05, 0.5, 0.15, 0.3. The nucleus is taken of what top-k left: 0.5 is 0.625 of the first two."""
    logits = torch.tensor([[0.05, 0.5, 0.15, 0.3]]).log()
    found = truncate_logits(logits, top_k, top_p)
    assert found.isfinite()[0].nonzero()[:, 0].tolist() == kept
    assert torch.equal(found[0, kept], logits[0, kept])


def test_positions_do_not_count_pads():
    mask = torch.tensor([[0, 0, 1, 1, 1], [1, 1, 1, 0, 0]])
    assert positions(mask).tolist() == [[0, 0, 0, 1, 2], [0, 1, 2, 2, 2]]


def test_prompts_are_padded_on_the_left(tokenizer: Tokenizer):
    tokenizer.padding_side = "right"
    try:
        query, mask = encode(tokenizer, PROMPTS)
    finally:
        tokenizer.padding_side = "left"
    assert mask[:, -1].all()
    for row, prompt in enumerate(PROMPTS):
        assert query[row, mask[row].bool()].tolist() == tokenizer(prompt)["input_ids"]


def greedy(model: PreTrainedModel, tokens: list[int], steps: int) -> list[int]:
    """Continue one prompt without cache, batch or padding."""
    answer: list[int] = []
    while len(answer) < steps and model.config.eos_token_id not in answer:
        with torch.no_grad():
            answer.append(int(model(torch.tensor([tokens + answer])).logits[0, -1].argmax()))
    return answer


def test_cached_batched_decoding_is_plain_greedy_decoding(model: PreTrainedModel, tokenizer: Tokenizer):
    query, mask = encode(tokenizer, PROMPTS)
    found = generate(model, query, mask, generator=rng(), temperature=0, max_new_tokens=24)
    expected = [greedy(model, tokenizer(prompt)["input_ids"], 24) for prompt in PROMPTS]
    assert [row[keep.bool()].tolist() for row, keep in zip(found.response, found.mask, strict=True)] == expected
    assert len({str(answer) for answer in expected}) == len(PROMPTS), "the model should not say the same to everything"


def test_more_padding_changes_nothing(model: PreTrainedModel, tokenizer: Tokenizer):
    query, mask = encode(tokenizer, PROMPTS)
    wide = torch.nn.functional.pad(query, (7, 0), value=tokenizer.pad_token_id)
    wide_mask = torch.nn.functional.pad(mask, (7, 0))
    narrow, padded = (
        generate(model, tokens, real, generator=rng(3), max_new_tokens=16)
        for tokens, real in ((query, mask), (wide, wide_mask))
    )
    assert torch.equal(narrow.response, padded.response)
    assert torch.equal(narrow.mask, padded.mask)


def test_an_answer_is_cut_after_its_first_end_token(model: PreTrainedModel, tokenizer: Tokenizer):
    end, pad = tokenizer.eos_token_id, tokenizer.pad_token_id
    query, mask = encode(tokenizer, ["top 5 soups"] * 300)
    found = generate(model, query, mask, generator=rng(), temperature=3.0, max_new_tokens=30)
    assert 0 < found.ended.sum() < 300
    for response, keep, ended in zip(found.response.tolist(), found.mask.tolist(), found.ended.tolist(), strict=True):
        length = response.index(end) + 1 if ended else 30
        assert ended == (end in response)
        assert keep == [1] * length + [0] * (30 - length)
        assert response[length:] == [pad] * (30 - length)
    assert not any(token in text for text in found.texts(tokenizer) for token in ("<end>", "<pad>"))


def test_the_plain_loop_writes_what_the_quick_one_does(model: PreTrainedModel, tokenizer: Tokenizer):
    for prompt in PROMPTS:
        ids = tokenizer(prompt)["input_ids"]
        new = plain.generate(model, ids, torch.argmax, tokenizer.eos_token_id, most=12)
        [text] = sample_texts(model, tokenizer, [prompt], seed=0, temperature=0, max_new_tokens=12)
        assert tokenizer.decode(new, skip_special_tokens=True) == text


def test_an_answers_log_probability_is_that_with_which_it_was_drawn(model: PreTrainedModel, tokenizer: Tokenizer):
    query, query_mask = encode(tokenizer, ["top 5 soups"] * 8)
    found = generate(model, query, query_mask, generator=rng(), temperature=0.7, max_new_tokens=20)
    tokens = torch.cat([query, found.response], dim=1)
    mask = torch.cat([torch.zeros_like(query), found.mask], dim=1)
    with torch.no_grad():
        logits = model(tokens, attention_mask=torch.ones_like(tokens)).logits
    logprobs, kl = logprobs_and_kl(logits, logits, tokens, mask, temperature=0.7)
    torch.testing.assert_close(logprobs, found.logprobs.sum(dim=1), atol=1e-3, rtol=1e-4)
    assert kl.item() == 0


def test_sampling_stops_when_all_have_ended(model: PreTrainedModel, tokenizer: Tokenizer):
    query, mask = encode(tokenizer, PROMPTS)
    with torch.no_grad():  # a model that always says the end token
        model.transformer.ln_f.weight.zero_()
        model.transformer.ln_f.bias.copy_(1000 * model.transformer.wte.weight[tokenizer.eos_token_id])
    found = generate(model, query, mask, generator=rng())
    assert found.response.tolist() == [[tokenizer.eos_token_id]] * len(PROMPTS)
    assert found.ended.all()


@pytest.mark.parametrize(
    ("temperature", "top_k", "top_p"), [(1.0, None, 1.0), (0.5, None, 1.0), (1.0, 4, 1.0), (1.0, None, 0.7)]
)
def test_tokens_come_as_often_as_they_should(model: PreTrainedModel, tokenizer: Tokenizer, temperature, top_k, top_p):
    query, mask = encode(tokenizer, ["top 5 soups"] * 4000)
    found = generate(
        model, query, mask, generator=rng(), temperature=temperature, top_k=top_k, top_p=top_p, max_new_tokens=1
    )
    with torch.no_grad():
        logits = model(query[:1]).logits[0, -1]
    expected = 4000 * truncate_logits(logits / temperature, top_k, top_p).softmax(dim=-1)
    seen = torch.bincount(found.response[:, 0], minlength=len(expected)).float()
    assert seen[expected == 0].sum() == 0
    often = expected >= 8
    observed, predicted = ([*counts[often], counts[~often].sum()] for counts in (seen, expected))
    if predicted[-1] < 1:
        observed, predicted = observed[:-1], predicted[:-1]
    scale = sum(observed) / sum(predicted)
    assert chisquare(observed, [count * scale for count in predicted]).pvalue > 0.001


@pytest.mark.parametrize("drawn", [0.0, 1 - 2**-24])
def test_the_ends_of_the_random_numbers_fall_on_likely_tokens_too(
    model: PreTrainedModel, tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch, drawn: float
):
    """The smallest and the largest number that torch.rand gives must not pick a token that top-k has dropped."""
    monkeypatch.setattr(torch, "rand", lambda *size, device=None, **_: torch.full(size, drawn, device=device))
    query, mask = encode(tokenizer, PROMPTS)
    found = generate(model, query, mask, generator=rng(), top_k=3, max_new_tokens=20)
    logits = response_logits(model, found, 1.0)
    tokens = found.response[found.mask.bool()]
    assert truncate_logits(logits, top_k=3)[0].isfinite().gather(1, tokens[:, None]).all()


def test_sampled_texts_are_the_same_for_the_same_seed_only(model: PreTrainedModel, tokenizer: Tokenizer):
    options = {"batch_size": 4, "max_new_tokens": 10}
    texts = sample_texts(model, tokenizer, PROMPTS * 2, seed=1, **options)
    torch.manual_seed(99)
    assert sample_texts(model, tokenizer, PROMPTS * 2, seed=1, **options) == texts
    assert sample_texts(model, tokenizer, PROMPTS * 2, seed=2, **options) != texts
    assert len(texts) == 8
    assert texts[:4] != texts[4:], "a prompt that comes again is answered anew"


def test_greedy_texts_do_not_depend_on_batches(model: PreTrainedModel, tokenizer: Tokenizer):
    one, all_at_once = (
        sample_texts(model, tokenizer, PROMPTS, seed=0, temperature=0, batch_size=size, max_new_tokens=12)
        for size in (1, 4)
    )
    assert one == all_at_once


@pytest.mark.parametrize("options", [{"temperature": -1.0}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.1}])
def test_settings_that_make_no_sense_are_refused(model: PreTrainedModel, tokenizer: Tokenizer, options: dict):
    with pytest.raises(ValueError, match="need temperature ≥ 0"):
        sample_texts(model, tokenizer, PROMPTS, seed=0, **options)


def test_temperature_sharpens_and_0_is_greedy():
    logits = torch.tensor([[1.0, 2.0, 0.5]])
    assert token_probabilities(logits, 0).tolist() == [[0, 1, 0]]
    cold, plain, hot = (token_probabilities(logits, temperature)[0, 1].item() for temperature in (0.5, 1, 2))
    assert cold > plain > hot
    assert plain == pytest.approx(logits.softmax(-1)[0, 1].item())


def test_the_callers_functions_are_the_ones_that_sample(model: PreTrainedModel, tokenizer: Tokenizer):
    seen = []

    def probabilities(logits: Tensor, temperature: float) -> Tensor:
        seen.append(temperature)
        return token_probabilities(logits, temperature)

    def truncate(logits: Tensor, top_k: int | None, top_p: float) -> Tensor:
        seen.append((top_k, top_p))
        return truncate_logits(logits, 1)

    options = {"probabilities_fn": probabilities, "truncate_fn": truncate, "max_new_tokens": 3}
    texts = sample_texts(model, tokenizer, PROMPTS, seed=0, temperature=0.9, top_k=4, top_p=0.8, **options)
    assert texts == sample_texts(model, tokenizer, PROMPTS, seed=5, temperature=0, max_new_tokens=3)
    assert set(seen) == {0.9, (4, 0.8)}
    seen.clear()
    sample_texts(model, tokenizer, PROMPTS, seed=0, **options)
    assert (None, 1.0) not in seen, "nothing to truncate"


def test_probabilities_may_come_as_integers(model: PreTrainedModel, tokenizer: Tokenizer):
    def likeliest(logits: Tensor, temperature: float) -> Tensor:
        return torch.nn.functional.one_hot(logits.argmax(dim=-1), logits.shape[-1])

    options = {"seed": 0, "temperature": 0, "max_new_tokens": 3}
    found = sample_texts(model, tokenizer, PROMPTS, probabilities_fn=likeliest, **options)
    assert found == sample_texts(model, tokenizer, PROMPTS, **options)


# --- batches ------------------------------------------------------------------------------------------------------


def test_packed_rows_are_the_texts_end_to_end(tokenizer: Tokenizer, texts: list[str]):
    """With rows of one epoch put back in order, every text but the one cut off at the end stands there whole."""
    batch_at = packed_batches(tokenizer, texts * 4, CONFIG, width=16)
    tokens = sum(len(ids) + 1 for ids in tokenizer(texts * 4)["input_ids"])
    steps = tokens // 16 // 4
    rows = torch.cat([batch_at(step).tokens for step in range(steps)])
    assert rows.shape == (steps * 4, 16)
    assert tokenizer.pad_token_id not in rows
    ends = (rows == tokenizer.eos_token_id).sum().item()
    assert abs(ends - len(texts * 4)) <= 3
    pieces = [piece for text in texts for piece in tokenizer(text)["input_ids"]]
    assert set(rows.flatten().tolist()) == {*pieces, tokenizer.eos_token_id}


def test_a_packed_row_continues_where_another_stopped(tokenizer: Tokenizer, texts: list[str]):
    """One text over and over: each row is a window of its endless repetition."""
    ids = [*tokenizer(texts[0])["input_ids"], tokenizer.eos_token_id]
    batch = packed_batches(tokenizer, texts[:1] * 12, CONFIG, width=20)(0)
    windows = [(ids * 3)[start : start + 20] for start in range(len(ids))]
    assert all(row in windows for row in batch.tokens.tolist())
    assert batch.mask.all()


@pytest.mark.parametrize("kind", ["packed", "sft"])
def test_a_batch_depends_on_its_step_alone(tokenizer: Tokenizer, texts: list[str], kind: str):
    def make():
        if kind == "packed":
            return packed_batches(tokenizer, texts * 4, CONFIG, width=16)
        return sft_batches(tokenizer, pairs(texts), CONFIG)

    one, other = make(), make()
    in_order = [one(step).tokens for step in range(12)]
    backwards = [other(step).tokens for step in reversed(range(12))][::-1]
    assert all(torch.equal(a, b) for a, b in zip(in_order, backwards, strict=True))
    assert len({str(tokens.tolist()) for tokens in in_order}) == 12


def test_packing_by_hand():
    assert pack([[5, 6, 7], [8], [9, 10]], end=1, width=4).tolist() == [[5, 6, 7, 1], [8, 1, 9, 10]]
    assert pack([[5]], end=1, width=4).shape == (0, 4)


def test_the_callers_functions_make_the_batches(tokenizer: Tokenizer, texts: list[str]):
    def backwards(texts, end, width):
        return pack(texts, end, width).flip(1).tolist()

    def all_ones(examples, pad, mask_prompt):
        tokens, _ = pad_batch(examples, pad, mask_prompt)
        return tokens.numpy(), torch.ones_like(tokens)

    ours = packed_batches(tokenizer, texts * 4, CONFIG, 16)(0)
    theirs = packed_batches(tokenizer, texts * 4, CONFIG, 16, pack_fn=backwards)(0)
    assert torch.equal(ours.tokens.flip(1), theirs.tokens)
    batch = sft_batches(tokenizer, pairs(texts), CONFIG, pad_fn=all_ones)(0)
    assert batch.mask.all()
    assert torch.equal(batch.tokens, sft_batches(tokenizer, pairs(texts), CONFIG)(0).tokens)


def test_too_little_text_for_a_batch_is_refused(tokenizer: Tokenizer, texts: list[str]):
    with pytest.raises(ValueError, match="too few for one batch of 4 rows of 128"):
        packed_batches(tokenizer, texts[:1], CONFIG)


def pairs(texts: list[str]) -> list[tuple[str, str]]:
    """Texts as (prompt, completion)."""
    return [(text.split("\n")[0], text.removeprefix(text.split("\n")[0])) for text in texts]


@pytest.mark.parametrize("mask_prompt", [True, False])
def test_sft_counts_the_completion_and_its_end_token(tokenizer: Tokenizer, texts: list[str], mask_prompt: bool):
    batch_at = sft_batches(tokenizer, pairs(texts), CONFIG, mask_prompt)
    seen = []
    for batch in (batch_at(0), batch_at(1)):
        assert not batch.mask[batch.tokens == tokenizer.pad_token_id].any()
        for tokens, mask in zip(batch.tokens, batch.mask.bool(), strict=True):
            counted, whole = (tokenizer.decode(part[part != tokenizer.pad_token_id]) for part in (tokens[mask], tokens))
            seen.append(whole.removesuffix("<end>"))
            assert counted == (seen[-1].removeprefix(seen[-1].split("\n")[0]) if mask_prompt else seen[-1]) + "<end>"
    assert sorted(seen) == sorted(texts), "an epoch sees each demonstration once"


def test_a_padded_batch_by_hand():
    batch = pad_batch([([5], [6, 7]), ([5, 6, 7], [8])], pad=0)
    assert batch.tokens.tolist() == [[5, 6, 7, 0], [5, 6, 7, 8]]
    assert batch.mask.tolist() == [[0, 1, 1, 0], [0, 0, 0, 1]]
    assert pad_batch([([5], [6])], 0, mask_prompt=False).mask.tolist() == [[1, 1]]


# --- training -----------------------------------------------------------------------------------------------------


def test_the_learning_rate_rises_then_falls_to_nothing():
    config = TrainConfig(steps=100, warmup=10)
    rates = [schedule(step, config) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert rates[9] == rates[10] == 1
    assert rates[55] == pytest.approx(0.5)
    assert rates[99] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


@pytest.mark.parametrize("shape", [(12, 40), (40, 12), (16, 16)])
def test_muon_takes_torchs_steps_without_their_rounding(shape: tuple[int, int]):
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(shape, generator=generator)
    ours, torchs = torch.nn.Parameter(start.clone()), torch.nn.Parameter(start.clone())
    settings = {"lr": 0.02, "weight_decay": 0.1, "momentum": 0.95}
    optimizers = Muon([ours], **settings), torch.optim.Muon([torchs], **settings)
    for _ in range(20):
        ours.grad = torchs.grad = torch.randn(shape, generator=generator)
        for optimizer in optimizers:
            optimizer.step()
    moved = (ours - start).norm()
    assert (ours - torchs).norm() < 0.02 * moved
    assert not torch.equal(ours, torchs)
    assert optimizers[0].state_dict()["param_groups"] == optimizers[1].state_dict()["param_groups"]


def test_orthogonalised_brings_all_singular_values_near_one():
    matrix = torch.randn(30, 80, generator=torch.Generator().manual_seed(1))
    for one in (matrix, matrix.T):
        values = torch.linalg.svdvals(orthogonalised(one))
        assert orthogonalised(one).shape == one.shape
        assert 0.6 < values.min() <= values.max() < 1.3
    assert torch.equal(orthogonalised(torch.zeros(3, 4)), torch.zeros(3, 4))


@pytest.mark.parametrize("optimizers", [adamw, muon])
def test_every_weight_learns_and_the_loss_falls(model: PreTrainedModel, tokenizer: Tokenizer, texts, optimizers):
    config = TrainConfig(steps=40, batch_size=8, learning_rate=5e-3, warmup=5)
    before = {name: value.detach().clone() for name, value in model.named_parameters()}
    losses = fit(model, sft_batches(tokenizer, pairs(texts), config), config, optimizers(model, config))
    assert losses[-1] < 0.6 * losses[0]
    assert all(not torch.equal(before[name], value) for name, value in model.named_parameters())
    assert not model.training


def test_the_callers_loss_is_the_one_that_trains(model: PreTrainedModel, tokenizer: Tokenizer, texts: list[str]):
    def mine(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        return 2 * next_token_loss(logits, tokens, mask)

    batch_at = sft_batches(tokenizer, pairs(texts), CONFIG)
    [theirs], [ours] = (
        fit(new_model(tokenizer), batch_at, TrainConfig(steps=1), adamw(model, CONFIG), **options)
        for options in ({}, {"loss_fn": mine})
    )
    assert ours == pytest.approx(2 * theirs)


@pytest.mark.slow
def test_trls_sft_trainer_gives_the_same_losses(model: PreTrainedModel, tokenizer: Tokenizer, texts: list[str]):
    """Same weights and batch order, 20 steps: what differs is the order of additions."""
    config = TrainConfig(steps=20, batch_size=4, learning_rate=2e-3, warmup=5, weight_decay=0.0, seed=1)
    chosen = pairs(texts) * 10
    before = torch.nn.utils.parameters_to_vector(model.parameters()).clone()
    theirs = trl_sft_losses(model, tokenizer, chosen, config)
    assert torch.equal(before, torch.nn.utils.parameters_to_vector(model.parameters())), "a copy is trained"
    ours = fit(model, sft_batches(tokenizer, chosen, config), config, adamw(model, config))
    assert len(theirs) == 20
    assert ours[-1] < 0.9 * ours[0]
    assert theirs == pytest.approx(ours, abs=1e-4)


class PowerCutError(Exception):
    """What a crash looks like to the test."""


def train(tokenizer: Tokenizer, texts: list[str], folder: Path, progress=None, optimizers=muon) -> tuple[Tensor, list]:
    """A fresh model trained for six steps, or on from what the folder holds; its weights and losses."""
    fresh = new_model(tokenizer, seed=0, width=32, layers=1, heads=2)
    batch_at = packed_batches(tokenizer, texts * 4, CONFIG, width=32)
    losses = fit(fresh, batch_at, CONFIG, optimizers(fresh, CONFIG), state_folder=folder, progress=progress)
    return torch.nn.utils.parameters_to_vector(fresh.parameters()), losses


def crash_at(last: int):
    def progress(step: int, steps: int, numbers: dict[str, float]) -> None:
        if step == last:
            raise PowerCutError

    return progress


def press_ctrl_c_at(last: int):
    def progress(step: int, steps: int, numbers: dict[str, float]) -> None:
        if step == last:
            signal.raise_signal(signal.SIGINT)

    return progress


@pytest.mark.parametrize("optimizers", [adamw, muon])
@pytest.mark.parametrize(
    ("stop", "error", "saved"), [(crash_at(5), PowerCutError, 3), (press_ctrl_c_at(2), KeyboardInterrupt, 2)]
)
def test_a_resumed_run_ends_with_the_same_bits(tokenizer, texts, tmp_path: Path, optimizers, stop, error, saved):
    whole, losses = train(tokenizer, texts, tmp_path / "whole", optimizers=optimizers)
    with pytest.raises(error):
        train(tokenizer, texts, tmp_path / "parts", stop, optimizers)
    assert json.loads((tmp_path / "parts" / "state.json").read_text())["step"] == saved
    resumed, rest = train(tokenizer, texts, tmp_path / "parts", optimizers=optimizers)
    assert rest == losses[saved:]
    assert torch.equal(resumed, whole)
    again, nothing = train(tokenizer, texts, tmp_path / "parts", optimizers=optimizers)
    assert nothing == []
    assert torch.equal(again, whole)


def test_progress_is_told_of_every_step(tokenizer: Tokenizer, texts: list[str], tmp_path: Path):
    told = []
    _, losses = train(tokenizer, texts, tmp_path / "state", lambda *numbers: told.append(numbers))
    assert told == [(step, 6, {"loss": loss}) for step, loss in enumerate(losses, start=1)]


@pytest.mark.parametrize("broken", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("content", [b"", b"[1, 2]", b'{"step": null}'])
def test_a_damaged_training_state_is_refused(tokenizer, texts, tmp_path: Path, broken: str, content: bytes):
    folder = tmp_path / "state"
    train(tokenizer, texts, folder)
    (folder / broken).write_bytes(content)
    with pytest.raises(TopFiveError, match=r"state: damaged training state .* delete the folder"):
        train(tokenizer, texts, folder)


@pytest.mark.parametrize("size", [{"layers": 1, "width": 64}, {"layers": 2, "width": 32}], ids=["wider", "deeper"])
def test_the_state_of_another_model_is_refused_and_changes_nothing(tokenizer, model, tmp_path: Path, size: dict):
    other = new_model(tokenizer, heads=2, **size)
    save_state(tmp_path / "state", other, adamw(other, CONFIG), 3)
    before = torch.nn.utils.parameters_to_vector(model.parameters()).clone()
    with pytest.raises(TopFiveError, match="another model"):
        load_state(tmp_path / "state", model, adamw(model, CONFIG))
    assert torch.equal(torch.nn.utils.parameters_to_vector(model.parameters()), before)


def test_extra_numbers_are_kept_beside_the_state(model: PreTrainedModel, tmp_path: Path):
    assert load_extra(tmp_path / "state") == {}
    assert load_state(tmp_path / "state", model, []) == 0
    save_state(tmp_path / "state", model, [], 7, {"kl": [0.5]})
    assert load_extra(tmp_path / "state") == {"kl": [0.5]}
    assert load_state(tmp_path / "state", model, []) == 7


def test_training_that_has_ended_stays_ended_and_says_so(tokenizer, texts, tmp_path: Path, capsys):
    train(tokenizer, texts, tmp_path / "state")
    assert capsys.readouterr().out == ""
    _, again = train(tokenizer, texts, tmp_path / "state")
    assert again == []
    assert "state: all 6 steps are done, nothing is trained" in capsys.readouterr().out


def test_the_end_is_saved_whatever_the_steps(tokenizer, texts, tmp_path: Path, model: PreTrainedModel):
    config = TrainConfig(steps=4, batch_size=4, save_every=3)
    batch_at = sft_batches(tokenizer, pairs(texts), config)
    fit(model, batch_at, config, adamw(model, config), state_folder=tmp_path / "state")
    assert json.loads((tmp_path / "state" / "state.json").read_text())["step"] == 4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seed": 2}, "seed was 1 and is 2"),
        ({"steps": 12}, "steps was 6 and is 12"),
        ({"learning_rate": 0.1}, "learning_rate was 0.003 and is 0.1"),
        ({"batch_size": 8}, "batch_size was 4 and is 8"),
    ],
)
@pytest.mark.parametrize("last", [4, 7], ids=["half-way", "at the end"])
def test_other_settings_in_the_same_folder_are_refused_by_name(tokenizer, texts, tmp_path, change, said, last, model):
    with contextlib.suppress(PowerCutError):
        train(tokenizer, texts, tmp_path / "state", crash_at(last))
    config = replace(CONFIG, **change)
    before = torch.nn.utils.parameters_to_vector(model.parameters()).clone()
    with pytest.raises(TopFiveError, match=f"state: holds a run with other settings .*{said}.*delete this one"):
        fit(
            model,
            packed_batches(tokenizer, texts * 4, config, width=32),
            config,
            muon(model, config),
            state_folder=tmp_path / "state",
        )
    assert torch.equal(torch.nn.utils.parameters_to_vector(model.parameters()), before)


def test_other_texts_and_another_optimizer_are_refused_too(tokenizer, texts, tmp_path: Path):
    folder = tmp_path / "state"
    train(tokenizer, texts, folder)
    with pytest.raises(TopFiveError, match="first batch has other content"):
        train(tokenizer, texts[::-1], folder)
    with pytest.raises(TopFiveError, match="optimizers was Muon, AdamW and is AdamW"):
        train(tokenizer, texts, folder, optimizers=adamw)


def test_how_often_it_is_saved_may_change(tokenizer, texts, tmp_path: Path, model: PreTrainedModel):
    config = TrainConfig(steps=4, batch_size=4, save_every=2)
    batch_at = sft_batches(tokenizer, pairs(texts), config)
    for every in (2, 3):
        fit(model, batch_at, replace(config, save_every=every), adamw(model, config), state_folder=tmp_path / "state")


def test_without_a_folder_ctrl_c_stops_inside_the_step(tokenizer, texts, model: PreTrainedModel):
    """A loss that never ends, say: there is nothing to wait for."""
    told = []

    def endless(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        signal.raise_signal(signal.SIGINT)
        told.append("went on")
        return logits.sum()

    with pytest.raises(KeyboardInterrupt):
        fit(model, sft_batches(tokenizer, pairs(texts), CONFIG), CONFIG, adamw(model, CONFIG), loss_fn=endless)
    assert told == []


def nan_at(call: int, spoil):
    """A loss that is spoilt once."""
    calls = []

    def loss_fn(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        calls.append(1)
        loss = next_token_loss(logits, tokens, mask)
        return spoil(loss) if len(calls) == call else loss

    return loss_fn


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda loss: loss * torch.nan, "step 3: the loss is nan"),
        (lambda loss: loss + torch.inf, "step 3: the loss is inf"),
        (lambda loss: loss + 0 * (loss - loss.detach()).sqrt(), "step 3: a gradient is not finite"),
    ],
)
def test_a_loss_that_is_no_number_stops_in_words_and_keeps_the_last_weights(
    tokenizer, texts, model: PreTrainedModel, tmp_path: Path, spoil, said
):
    config = TrainConfig(steps=4, batch_size=4, save_every=100)
    seen = []
    with pytest.raises(TopFiveError, match=said):
        fit(
            model,
            sft_batches(tokenizer, pairs(texts), config),
            config,
            adamw(model, config),
            loss_fn=nan_at(3, spoil),
            state_folder=tmp_path / "state",
            progress=lambda *_: seen.append(torch.nn.utils.parameters_to_vector(model.parameters()).clone()),
        )
    assert torch.equal(torch.nn.utils.parameters_to_vector(model.parameters()), seen[1])
    fresh = new_model(tokenizer, seed=5, width=32, layers=1, heads=2)
    settings = json.loads((tmp_path / "state" / "state.json").read_text())["settings"]
    assert load_state(tmp_path / "state", fresh, adamw(fresh, config), settings) == 2
    assert torch.equal(torch.nn.utils.parameters_to_vector(fresh.parameters()), seen[1])


# --- longer than the model reads ----------------------------------------------------------------------------------

LONG = "".join(f"\n{number}. {'überbackene Spätzle 漢字 ' * 5}" for number in range(1, 6))


def test_a_text_that_is_too_long_is_named_with_its_tokens_and_the_models(tokenizer, model: PreTrainedModel):
    count = len(tokenizer("top 5 soups" + LONG)["input_ids"]) + 1
    said = rf"“top 5 soups 1\. überbackene.*…” has {count} tokens, and 128 fit: the model reads 128; shorten"
    for use in (
        lambda: sft_batches(tokenizer, [("top 5 soups", LONG)] * 4, CONFIG),
        lambda: completion_nats(model, tokenizer, [("a", "b"), ("top 5 soups", LONG)]),
        lambda: trl_sft_losses(model, tokenizer, [("top 5 soups", LONG)], CONFIG),
    ):
        with pytest.raises(TopFiveError, match=said):
            use()


def test_a_text_that_just_fits_is_used_and_one_token_more_is_not(tokenizer, model: PreTrainedModel):
    for words, fits in ((CONTEXT - 2, True), (CONTEXT - 1, False)):
        pair = ("\n1.", "\n2." * words)  # one token each
        assert len(tokenizer("".join(pair))["input_ids"]) == words + 1
        if fits:
            assert completion_nats(model, tokenizer, [pair])[0].isfinite().all()
        else:
            with pytest.raises(TopFiveError, match="has 129 tokens, and 128 fit"):
                completion_nats(model, tokenizer, [pair])


def test_a_prompt_has_to_leave_room_for_its_answer(tokenizer, model: PreTrainedModel):
    fits = "\n1." * (CONTEXT - 20)
    assert len(sample_texts(model, tokenizer, [fits, "soups"], seed=0, max_new_tokens=20)) == 2
    with pytest.raises(TopFiveError, match="has 109 tokens, and 108 fit: the model reads 128, 20 of them for"):
        sample_texts(model, tokenizer, ["soups", fits + "\n1."], seed=0, max_new_tokens=20)
    with pytest.raises(TopFiveError, match=r"“soups” has \d tokens, and 0 fit"):
        sample_texts(model, tokenizer, ["soups"], seed=0, max_new_tokens=1000)
    query, mask = encode(tokenizer, ["soups", fits + "\n1."])
    with pytest.raises(TopFiveError, match="“query 2 of the batch” has 109 tokens"):
        generate(model, query, mask, generator=rng(), max_new_tokens=20)


def test_rows_wider_than_the_model_reads_are_refused(tokenizer, texts, model: PreTrainedModel):
    batch_at = packed_batches(tokenizer, texts * 8, CONFIG, width=CONTEXT + 1)
    with pytest.raises(TopFiveError, match="step 1: a row of 129 tokens, and the model reads 128"):
        fit(model, batch_at, CONFIG, adamw(model, CONFIG))
