"""Answers to the exercises of assignment 03 that the checks once took for right, or for something else."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from tests.exercises.named import name_of
from topfive.checks.verdict import examine
from topfive.exercises import exercise


def loss_over_the_places(logits, tokens, mask):
    """`cross_entropy` takes dimension 1 for the vocabulary."""
    each = F.cross_entropy(logits[:, :-1], tokens[:, 1:], reduction="none")
    return (each * mask[:, 1:]).sum() / mask[:, 1:].sum().clamp(min=1)


def loss_with_softmax_over_time(logits, tokens, mask):
    logprobs = logits.log_softmax(1)[:, :-1].gather(2, tokens[:, 1:].unsqueeze(2)).squeeze(2)
    return -(logprobs * mask[:, 1:]).sum() / mask[:, 1:].sum().clamp(min=1)


def loss_with_a_log_of_the_softmax(logits, tokens, mask):
    each = -(logits[:, :-1].softmax(-1) + 1e-9).log().gather(-1, tokens[:, 1:, None])[..., 0]
    return (each * mask[:, 1:]).sum() / mask[:, 1:].sum().clamp(min=1)


def loss_without_losses_of_0(logits, tokens, mask):
    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none") * mask[:, 1:]
    return each.sum() / (each > 0).sum().clamp(min=1)


def loss_with_the_first_token_counted(logits, tokens, mask):
    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none")
    return (each * mask[:, 1:]).sum() / mask.sum().clamp(min=1)


def loss_that_ignores_token_0(logits, tokens, mask):
    return F.cross_entropy(logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten(), ignore_index=0)


def loss_of_an_empty_selection(logits, tokens, mask):
    counts = mask[:, 1:].bool()
    return F.cross_entropy(logits[:, :-1][counts], tokens[:, 1:][counts])


def loss_with_another_mask(logits, tokens, mask):
    labels = tokens[:, 1:].masked_fill(mask[:, 1:].bool(), -100)
    total = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels, reduction="sum")
    return total / (labels != -100).sum().clamp(min=1)


def perplexities_of_the_first_text(nats, tokens, words):
    return torch.exp(nats[0] / tokens[0]), torch.exp(nats[0] / words[0])


def perplexities_by_a_root(nats, tokens, words):
    return nats.sum().exp() ** (1 / tokens.sum()), nats.sum().exp() ** (1 / words.sum())


def pack_with_an_end_of_its_own(texts, end, width):
    stream = [token for text in texts for token in [*text, 1]]
    return torch.tensor(stream[: len(stream) // width * width], dtype=torch.long).view(-1, width)


def pack_a_row_too_few(texts, end, width):
    stream = [token for text in texts for token in [*text, end]]
    return torch.tensor(stream[: (len(stream) - 1) // width * width], dtype=torch.long).view(-1, width)


def probabilities_by_exp(logits, temperature=1.0):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).float()
    weights = (logits / temperature).exp()
    return weights / weights.sum(-1, keepdim=True)


def probabilities_above_a_hundredth(logits, temperature=1.0):
    return (logits / max(temperature, 0.01)).softmax(-1)


def probabilities_all_alike_at_0(logits, temperature=1.0):
    if temperature == 0:
        return torch.ones_like(logits) / logits.shape[-1]
    return (logits / temperature).softmax(-1)


def truncated(nucleus: Callable[..., Any]) -> Callable[..., Any]:
    """A right top-k, and this top-p."""

    def truncate_logits(logits, top_k=None, top_p=1.0):
        if top_k is not None and top_k < logits.shape[-1]:
            logits = logits.masked_fill(logits < logits.topk(top_k).values[..., -1:], -torch.inf)
        return nucleus(logits, top_p) if top_p < 1 else logits

    return truncate_logits


@truncated
def truncate_with_a_sorted_mask(logits, p):
    cumulative = logits.sort(descending=True).values.softmax(-1).cumsum(-1)
    return logits.masked_fill(cumulative > p, -torch.inf)


@truncated
def truncate_by_complement(logits, p):
    ordered, order = logits.sort()
    goes = ordered.softmax(-1).cumsum(-1) <= p
    return logits.masked_fill(goes.scatter(-1, order, goes), -torch.inf)


@truncated
def truncate_by_threshold(logits, p):
    return logits.masked_fill(logits.softmax(-1) < 1 - p, -torch.inf)


def truncate_with_the_smallest_float(logits, top_k=None, top_p=1.0):
    truncated = exercise("3.6").solution(logits, top_k, top_p)
    return truncated.masked_fill(truncated == -torch.inf, torch.finfo().min)


@truncated
def truncate_by_exp(logits, p):
    ordered, order = logits.sort(descending=True)
    probabilities = ordered.exp() / ordered.exp().sum(-1, keepdim=True)
    goes = probabilities.cumsum(-1) - probabilities >= p
    return logits.masked_fill(goes.scatter(-1, order, goes), -torch.inf)


def pad_with_zeros(examples, pad, mask_prompt=True):
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = torch.zeros(len(examples), width, dtype=torch.long)
    mask = torch.zeros_like(tokens)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor(prompt + completion)
        mask[row, len(prompt) * mask_prompt : end] = 1
    return tokens, mask


def pad_behind_the_first_token(examples, pad, mask_prompt=True):
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = [p + c + [pad] * (width - len(p) - len(c)) for p, c in examples]
    return torch.tensor(tokens), torch.tensor(
        [
            [int(len(p) * mask_prompt + mask_prompt <= place < len(p) + len(c)) for place in range(width)]
            for p, c in examples
        ]
    )


def train_without_zero_grad(model, optimizer, batches, loss_fn):
    losses = []
    for tokens, mask in batches:
        output = model(tokens)
        loss = loss_fn(output.logits, tokens, mask)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_with_zero_grad_in_between(model, optimizer, batches, loss_fn):
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
        losses.append(loss.item())
    return losses


def train_and_return_inside(model, optimizer, batches, loss_fn):
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        return losses


def generate_with_the_prompt(model, ids, choose, end, most=72):
    text = list(ids)
    for _ in range(most):
        text.append(int(choose(model(torch.tensor([text])).logits[0, -1])))
        if text[-1] == end:
            break
    return text


def generate_without_the_end(model, ids, choose, end, most=72):
    new = []
    for _ in range(most):
        token = int(choose(model(torch.tensor([ids + new])).logits[0, -1]))
        if token == end:
            break
        new.append(token)
    return new


def generate_from_the_last_token(model, ids, choose, end, most=72):
    new, token = [], ids[-1]
    while len(new) < most and token != end:
        token = int(choose(model(torch.tensor([[token]])).logits[0, -1]))
        new.append(token)
    return new


def answers_at_no_temperature(logits, ref_logits, tokens, mask, temperature=1.0):
    labels = tokens.masked_fill(mask == 0, -100)[:, 1:]
    own, reference = (
        -F.cross_entropy(some[:, :-1].transpose(1, 2), labels, reduction="none").sum(1) for some in (logits, ref_logits)
    )
    return own, (own - reference).mean()


def answers_as_losses(logits, ref_logits, tokens, mask, temperature=1.0):
    labels = tokens.masked_fill(mask == 0, -100)[:, 1:]
    own, reference = (
        F.cross_entropy((some / temperature)[:, :-1].transpose(1, 2), labels, reduction="none").sum(1)
        for some in (logits, ref_logits)
    )
    return own, (own - reference).mean()


NAMED = [
    ("3.1", loss_over_the_places, "over another dimension than the vocabulary"),
    ("3.1", loss_with_softmax_over_time, "over another dimension than the vocabulary"),
    ("3.1", loss_with_a_log_of_the_softmax, "a probability of 0 before its logarithm"),
    ("3.1", loss_without_losses_of_0, "losses of 0 do not count"),
    ("3.1", loss_with_the_first_token_counted, "the first token in the count"),
    ("3.1", loss_that_ignores_token_0, "pads found as token 0"),
    ("3.1", loss_of_an_empty_selection, "nothing by nothing"),
    ("3.1", loss_with_another_mask, "the mask turned round"),
    ("3.2", perplexities_of_the_first_text, "only the first text"),
    ("3.2", perplexities_by_a_root, "root of the total"),
    ("3.3", pack_with_an_end_of_its_own, "an end token of your own"),
    ("3.3", pack_a_row_too_few, "the last row is lost though it is full"),
    ("3.4", train_without_zero_grad, "gradients add up"),
    ("3.4", train_with_zero_grad_in_between, "the weights never change"),
    ("3.4", train_and_return_inside, "the first batch only"),
    ("3.7", generate_with_the_prompt, "the prompt comes back, too"),
    ("3.7", generate_without_the_end, "the end token is left out"),
    ("3.9", answers_at_no_temperature, "no temperature"),
    ("3.9", answers_as_losses, "sign"),
    ("3.5", probabilities_by_exp, "exp of large logits"),
    ("3.5", probabilities_above_a_hundredth, "a floor under the temperature"),
    ("3.5", probabilities_all_alike_at_0, "all alike at temperature 0"),
    ("3.6", truncate_with_a_sorted_mask, "the mask stays sorted"),
    ("3.6", truncate_by_complement, "1 − p for p"),
    ("3.6", truncate_by_threshold, "each token by itself"),
    ("3.6", truncate_with_the_smallest_float, "a very small number instead of −∞"),
    ("3.6", truncate_by_exp, "exp of large logits"),
    ("3.8", pad_with_zeros, "a pad of your own"),
    ("3.8", pad_behind_the_first_token, "the first token of the completion does not count"),
]


@pytest.mark.parametrize(("number", "function", "name"), NAMED)
def test_it_is_called_by_its_name(number: str, function: Callable[..., Any], name: str):
    assert name_of(number, function) == name


def test_a_nucleus_that_is_reached_exactly_and_one_of_0_are_a_matter_of_advice():
    one = exercise("3.6")

    def nucleus(larger: Callable[[Any, Any], Any]) -> Callable[..., Any]:
        @truncated
        def truncate_logits(logits, p):
            ordered, order = logits.sort(descending=True)
            probabilities = ordered.softmax(-1)
            goes = larger(probabilities.cumsum(-1) - probabilities, p)
            return logits.masked_fill(goes.scatter(-1, order, goes), -torch.inf)

        return truncate_logits

    strict, empty = examine(one, nucleus(torch.gt)), examine(one, nucleus(torch.ge))
    assert strict.points == empty.points == one.points
    assert [words.split()[0] for words in (*strict.advice, *empty.advice)] == ["Where", "With"]


def test_a_toy_tells_the_slips_of_shift_dimension_and_mean_apart_from_the_right_number():
    """No coincidence in the cases done by hand: every mistake that does not need a second text gives another value."""
    one = exercise("3.1")
    case = one.cases(0)[0]
    right = one.solution(*case.args).item()
    for name in ("no shift", "shifted the wrong way", "wraps round", "sign", "bits", "softmax twice", "no logarithm"):
        [mistake] = [mistake for mistake in one.mistakes if mistake.name == name]
        assert abs(mistake.function(*case.args).item() - right) > 1e-3
    [places] = [mistake for mistake in one.mistakes if mistake.name.startswith("over another dimension")]
    with pytest.raises(RuntimeError):
        places.function(*case.args)
    assert all(abs(way(*case.args).item() - right) > 1e-3 for way in places.also)
