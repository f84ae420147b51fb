"""Right ways to solve the exercises of assignment 03 that are not the package's."""

import math
from collections.abc import Callable
from itertools import chain
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch.nn.utils.rnn import pad_sequence

# --- 3.1 next_token_loss ------------------------------------------------------------------------------------------


def loss_with_ignored_labels(logits, tokens, mask):
    labels = tokens.masked_fill(mask == 0, -100)[:, 1:]
    total = F.cross_entropy(logits[:, :-1].transpose(1, 2), labels, ignore_index=-100, reduction="sum")
    return total / max(1, int((labels != -100).sum()))


def loss_by_gather(logits, tokens, mask):
    logprobs = logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).squeeze(-1)
    counted = mask[:, 1:]
    return -(logprobs * counted).sum() / counted.sum().clamp(min=1)


def loss_by_boolean_index(logits, tokens, mask):
    counts = mask[:, 1:].bool()
    if not counts.any():
        return logits.sum() * 0
    return F.cross_entropy(logits[:, :-1][counts], tokens[:, 1:][counts])


def loss_in_a_loop(logits, tokens, mask):
    total, count = logits.sum() * 0, 0
    for row in range(len(tokens)):
        for t in range(tokens.shape[1] - 1):
            if mask[row, t + 1]:
                total = total + logits[row, t].logsumexp(0) - logits[row, t, tokens[row, t + 1]]
                count += 1
    return total / max(count, 1)


def loss_in_float64_with_one_hot(logits, tokens, mask):
    target = F.one_hot(tokens[:, 1:], logits.shape[-1]).double()
    each = -(target * F.log_softmax(logits[:, :-1].double(), dim=2)).sum(2)
    counted = mask[:, 1:].double()
    return (each * counted).sum() / counted.sum().clamp(min=1)


def loss_by_a_dot_product(logits, tokens, mask):
    nll = -logits[:, :-1].log_softmax(-1).gather(-1, tokens[:, 1:, None]).flatten()
    counted = mask[:, 1:].float().flatten()
    return torch.dot(nll, counted) / counted.sum().clamp(min=1)


def loss_of_a_list_or_a_fresh_0(logits, tokens, mask):
    found = [
        F.cross_entropy(logits[row, t - 1], tokens[row, t])
        for row in range(len(tokens))
        for t in range(1, tokens.shape[1])
        if mask[row, t]
    ]
    return sum(found) / len(found) if found else torch.tensor(0.0)


def loss_with_a_small_number_below(logits, tokens, mask):
    each = torch.nn.CrossEntropyLoss(reduction="none")(logits[:, :-1].transpose(1, 2), tokens[:, 1:])
    return (each * mask[:, 1:]).sum() / (mask[:, 1:].sum() + 1e-8)


def loss_by_hand_from_the_largest(logits, tokens, mask):
    rows = logits[:, :-1] - logits[:, :-1].amax(-1, keepdim=True)
    target = F.one_hot(tokens[:, 1:], rows.shape[-1]).float()
    each = rows.exp().sum(-1).log() - torch.einsum("btv,btv->bt", rows, target)
    return (each * mask[:, 1:]).sum() / max(mask[:, 1:].sum(), 1)


# --- 3.2 perplexities ---------------------------------------------------------------------------------------------


def perplexities_with_math(nats, tokens, words):
    total = sum(nats.tolist())
    return math.exp(total / sum(tokens.tolist())), math.exp(total / sum(words.tolist()))


def perplexities_in_numpy(nats, tokens, words):
    return np.exp(nats.numpy().sum() / np.array([tokens.numpy().sum(), words.numpy().sum()]))


def perplexities_as_weighted_means(nats, tokens, words):
    means = [(nats.double() / count * count / count.sum()).sum() for count in (tokens, words)]
    return tuple(torch.exp(mean) for mean in means)


def perplexities_by_a_power(nats, tokens, words):
    per_token = (nats.sum() / tokens.sum()).exp()
    return per_token, per_token ** (tokens.sum() / words.sum())


def perplexities_of_python_sums(nats, tokens, words):
    return [math.exp(sum(nats) / sum(tokens)), math.exp(sum(nats) / sum(words))]


def perplexities_as_one_tensor(nats, tokens, words):
    return torch.stack([nats.sum() / tokens.sum(), nats.sum() / words.sum()]).exp()


# --- 3.3 pack -----------------------------------------------------------------------------------------------------


def pack_by_chain(texts, end, width):
    stream = list(chain.from_iterable([*text, end] for text in texts))
    rows = len(stream) // width
    return torch.tensor(stream[: rows * width], dtype=torch.int64).reshape(rows, width)


def pack_by_cat_and_unfold(texts, end, width):
    stream = torch.cat([torch.tensor([*text, end]) for text in texts])
    return stream.unfold(0, width, width) if len(stream) >= width else torch.empty(0, width, dtype=torch.long)


def pack_with_a_buffer(texts, end, width):
    rows, buffer = [], []
    for text in texts:
        buffer += [*text, end]
        while len(buffer) >= width:
            rows.append(buffer[:width])
            buffer = buffer[width:]
    return torch.tensor(rows, dtype=torch.long).reshape(-1, width)


def pack_in_numpy(texts, end, width):
    stream = np.concatenate([np.append(text, end) for text in texts])
    return stream[: stream.size - stream.size % width].reshape(-1, width).astype(np.int64)


def pack_by_a_range(texts, end, width):
    stream = []
    for text in texts:
        stream += [*text, end]
    rows = [stream[i : i + width] for i in range(0, len(stream) - width + 1, width)]
    return torch.tensor(rows) if rows else torch.zeros(0, width, dtype=torch.long)


def pack_as_long_tensor(texts, end, width):
    stream = [token for text in texts for token in [*text, end]]
    return torch.LongTensor(stream[: len(stream) - len(stream) % width]).view(-1, width)


# --- 3.5 token_probabilities --------------------------------------------------------------------------------------


def probabilities_by_a_power(logits, temperature=1.0):
    if temperature == 0:
        return (logits == logits.max(-1, keepdim=True).values).to(logits.dtype)
    powers = logits.softmax(-1) ** (1 / temperature)
    return powers / powers.sum(-1, keepdim=True)


def probabilities_nearly_greedy(logits, temperature=1.0):
    return F.softmax(logits / max(temperature, 1e-6), dim=-1)


def probabilities_by_exp(logits, temperature=1.0):
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.size(-1)).float()
    scaled = logits / temperature
    weights = (scaled - scaled.amax(-1, keepdim=True)).exp()
    return weights / weights.sum(-1, keepdim=True)


def probabilities_in_numpy(logits, temperature=1.0):
    x = logits.double().numpy()
    if temperature == 0:
        return np.eye(x.shape[-1])[x.argmax(-1)]
    x = np.exp((x - x.max(-1, keepdims=True)) / temperature)
    return x / x.sum(-1, keepdims=True)


def probabilities_of_logs(logits, temperature=1):
    if not temperature:
        return torch.eye(logits.shape[-1])[logits.argmax(-1)]
    return (logits / temperature).log_softmax(-1).exp()


def probabilities_by_a_module(logits, temperature=1.0):
    if temperature < 1e-6:
        return torch.zeros_like(logits).scatter_(-1, logits.argmax(-1, keepdim=True), 1)
    return torch.nn.Softmax(dim=-1)(logits / temperature)


# --- 3.6 truncate_logits ------------------------------------------------------------------------------------------


def truncate_by_rank(logits, top_k=None, top_p=1.0):
    order = logits.argsort(-1, descending=True)
    rank = order.argsort(-1)
    if top_k is not None:
        logits = logits.masked_fill(rank >= top_k, -torch.inf)
    if top_p < 1:
        probs = logits.softmax(-1).gather(-1, order)
        before = (probs.cumsum(-1) - probs).gather(-1, rank)
        logits = logits.masked_fill((before >= top_p) & (rank > 0), -torch.inf)
    return logits


def truncate_row_by_row(logits, top_k=None, top_p=1.0):
    out = logits.clone().reshape(-1, logits.shape[-1])
    for row in out:
        if top_k is not None and top_k < len(row):
            row[row < row.sort().values[-top_k]] = float("-inf")
        if top_p < 1:
            total, left = 0.0, []
            for token in row.argsort(descending=True).tolist():
                if total >= top_p and total > 0:
                    left.append(token)
                total += row.softmax(0)[token].item() if token not in left else 0.0
            row[left] = float("-inf")
    return out.view_as(logits)


def truncate_as_libraries_do(logits, top_k=None, top_p=1.0):
    """Sorted the other way round, as in transformers' TopPLogitsWarper."""
    if top_k:
        k = min(top_k, logits.size(-1))
        logits = logits.masked_fill(logits < torch.topk(logits, k)[0][..., -1, None], -float("inf"))
    if top_p < 1.0:
        ordered, order = torch.sort(logits, descending=False)
        remove = ordered.softmax(dim=-1).cumsum(dim=-1) <= (1 - top_p)
        remove[..., -1:] = 0
        logits = logits.masked_fill(remove.scatter(-1, order, remove), -float("inf"))
    return logits


def truncate_by_shifting_the_mask(logits, top_k=None, top_p=1.0):
    if top_k is not None:
        best = logits.topk(min(top_k, logits.shape[-1]), dim=-1)
        logits = torch.full_like(logits, -torch.inf).scatter(-1, best.indices, best.values)
    if top_p < 1:
        ordered, order = logits.sort(-1, descending=True)
        beyond = ordered.softmax(-1).cumsum(-1) >= top_p
        beyond[..., 1:] = beyond[..., :-1].clone()
        beyond[..., 0] = False
        logits = torch.full_like(logits, -torch.inf).scatter(-1, order, ordered.masked_fill(beyond, -torch.inf))
    return logits


def truncate_at_a_logit(logits, top_k=None, top_p=1.0):
    if top_k is not None:
        logits = torch.where(logits >= logits.topk(min(top_k, logits.shape[-1])).values[..., -1:], logits, -torch.inf)
    if top_p < 1:
        ordered = logits.sort(-1, descending=True).values
        last = (ordered.softmax(-1).cumsum(-1) < top_p).sum(-1, keepdim=True)
        logits = torch.where(logits >= ordered.gather(-1, last.clamp(max=logits.shape[-1] - 1)), logits, -torch.inf)
    return logits


def truncate_in_numpy(logits, top_k=None, top_p=1.0):
    rows = logits.numpy().copy().reshape(-1, logits.shape[-1])
    for row in rows:
        order = np.argsort(-row)
        if top_k is not None:
            row[order[top_k:]] = -np.inf
        if top_p < 1:
            weights = np.exp(row - row.max())[order]
            row[order[np.searchsorted(np.cumsum(weights / weights.sum()), top_p) + 1 :]] = -np.inf
    return torch.from_numpy(rows.reshape(logits.shape))


# --- 3.8 pad_batch ------------------------------------------------------------------------------------------------


def pad_with_pad_sequence(examples, pad, mask_prompt=True):
    rows = [torch.tensor(prompt + completion) for prompt, completion in examples]
    marks = [torch.tensor([0 if mask_prompt else 1] * len(p) + [1] * len(c)) for p, c in examples]
    return pad_sequence(rows, batch_first=True, padding_value=pad), pad_sequence(marks, batch_first=True)


def pad_with_lists(examples, pad, mask_prompt=True):
    width = max(len(p) + len(c) for p, c in examples)
    tokens = [p + c + [pad] * (width - len(p) - len(c)) for p, c in examples]
    mask = [[int(not mask_prompt)] * len(p) + [1] * len(c) + [0] * (width - len(p) - len(c)) for p, c in examples]
    return tokens, mask


def pad_with_comparisons(examples, pad, mask_prompt=True):
    starts = torch.tensor([len(p) if mask_prompt else 0 for p, _ in examples])[:, None]
    ends = torch.tensor([len(p) + len(c) for p, c in examples])[:, None]
    place = torch.arange(int(ends.max()))
    tokens = torch.stack(
        [F.pad(torch.tensor([*p, *c]), (0, len(place) - len(p) - len(c)), value=pad) for p, c in examples]
    )
    return tokens, ((place >= starts) & (place < ends)).long()


def pad_in_numpy(examples, pad, mask_prompt=True):
    width = max(len(p) + len(c) for p, c in examples)
    tokens, mask = np.full((len(examples), width), pad), np.zeros((len(examples), width), dtype=int)
    for i, (p, c) in enumerate(examples):
        tokens[i, : len(p) + len(c)] = p + c
        mask[i, len(p) * mask_prompt : len(p) + len(c)] = 1
    return tokens, mask


def pad_place_by_place(examples, pad, mask_prompt=True):
    width = max(len(p + c) for p, c in examples)
    tokens, mask = [], []
    for prompt, completion in examples:
        row, marks = list(prompt), [0 if mask_prompt else 1] * len(prompt)
        for token in completion:
            row.append(token)
            marks.append(1)
        while len(row) < width:
            row.append(pad)
            marks.append(0)
        tokens.append(row)
        mask.append(marks)
    return torch.LongTensor(tokens), torch.LongTensor(mask)


def pad_by_subtraction(examples, pad, mask_prompt=True):
    width = max(len(p) + len(c) for p, c in examples)
    place = torch.arange(width)
    real = torch.stack([place < len(p) + len(c) for p, c in examples]).long()
    prompts = torch.stack([place < len(p) for p, _ in examples]).long()
    tokens = torch.stack([torch.tensor([*p, *c, *[pad] * (width - len(p) - len(c))]) for p, c in examples])
    return tokens, real - prompts if mask_prompt else real


# --- 3.4 train_on -------------------------------------------------------------------------------------------------


def train_with_gradients_cleared_afterwards(model, optimizer, batches, loss_fn):
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    return losses


def train_by_autograd(model, optimizer, batches, loss_fn):
    losses = torch.zeros(len(batches))
    weights = list(model.parameters())
    for number, batch in enumerate(batches):
        loss = loss_fn(model(input_ids=batch[0]).logits, *batch)
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        optimizer.step()
        losses[number] = loss.detach()
    return losses


def train_with_a_closure(model, optimizer, batches, loss_fn):
    def one(tokens, mask):
        def closure():
            optimizer.zero_grad(set_to_none=False)
            loss = loss_fn(model(tokens, attention_mask=torch.ones_like(tokens)).logits, tokens, mask)
            loss.backward()
            return loss

        return optimizer.step(closure).item()

    return [one(tokens, mask) for tokens, mask in batches]


def train_with_gradients_of_none(model, optimizer, batches, loss_fn):
    model.train()
    found = []
    for batch in batches:
        for weight in model.parameters():
            weight.grad = None
        loss = loss_fn(model(batch[0]).logits, batch[0], batch[1])
        found.append(loss.detach())
        loss.backward()
        optimizer.step()
    return torch.stack(found).numpy()


def train_by_number_with_a_context(model, optimizer, batches, loss_fn):
    losses = [0.0] * len(batches)
    for number in range(len(batches)):
        tokens, mask = batches[number][0].clone(), batches[number][1].clone()
        with torch.enable_grad():
            for group in optimizer.param_groups:
                for weight in group["params"]:
                    weight.grad = torch.zeros_like(weight)
            loss = loss_fn(model.forward(tokens).logits, tokens, mask)
            loss.backward()
        losses[number] = loss.item()
        optimizer.step()
    return tuple(losses)


# --- 3.7 generate -------------------------------------------------------------------------------------------------


def generate_with_break(model, ids, choose, end, most=72):
    text = list(ids)
    with torch.no_grad():
        for _ in range(most):
            token = choose(model(torch.tensor(text)[None]).logits[0, -1])
            text.append(token)
            if token == end:
                break
    return text[len(ids) :]


def generate_by_cat(model, ids, choose, end, most=72):
    text = torch.tensor(ids).unsqueeze(0)
    while text.shape[1] < len(ids) + most:
        token = choose(model(text).logits[:, -1].squeeze(0))
        text = torch.cat([text, torch.tensor([[token]])], dim=1)
        if token == end:
            break
    return text[0, len(ids) :]


def generate_by_calling_itself(model, ids, choose, end, most=72):
    if most == 0:
        return []
    token = int(choose(model(torch.tensor([ids])).logits[0, len(ids) - 1]))
    return (
        [token] if token == end else [token, *generate_by_calling_itself(model, [*ids, token], choose, end, most - 1)]
    )


def generate_into_a_buffer(model, ids, choose, end, most=72):
    buffer = torch.zeros(1, len(ids) + most, dtype=torch.long)
    buffer[0, : len(ids)] = torch.tensor(ids)
    for place in range(len(ids), len(ids) + most):
        buffer[0, place] = choose(model(buffer[:, :place]).logits[0].detach()[-1])
        if buffer[0, place] == end:
            return buffer[0, len(ids) : place + 1].tolist()
    return buffer[0, len(ids) :].numpy()


def generate_from_a_stream(model, ids, choose, end, most=72):
    def stream():
        text = list(ids)
        while True:
            text.append(int(choose(model(torch.tensor(text).view(1, -1)).logits.detach()[0][-1])))
            yield text[-1]

    new = []
    for token in stream():
        new.append(token)
        if token == end or len(new) == most:
            return new


# --- 3.9 logprobs_and_kl ------------------------------------------------------------------------------------------


def answers_by_cross_entropy(logits, ref_logits, tokens, mask, temperature=1.0):
    labels = tokens.masked_fill(mask == 0, -100)[:, 1:]
    own, reference = (
        -F.cross_entropy((some[:, :-1] / temperature).transpose(1, 2), labels, reduction="none").sum(1)
        for some in (logits, ref_logits)
    )
    return own, torch.mean(own - reference)


def answers_in_a_loop(logits, ref_logits, tokens, mask, temperature=1.0):
    own, reference = [], []
    for row in range(len(tokens)):
        sums = [0.0, 0.0]
        for t in range(1, tokens.shape[1]):
            if mask[row, t]:
                for which, some in enumerate((logits, ref_logits)):
                    sums[which] += float((some[row, t - 1] / temperature).log_softmax(0)[tokens[row, t]])
        own.append(sums[0])
        reference.append(sums[1])
    return own, sum(a - b for a, b in zip(own, reference, strict=True)) / len(own)


def answers_by_logsumexp(logits, ref_logits, tokens, mask, temperature=1.0):
    both = torch.stack([logits, ref_logits])[:, :, :-1].double() / temperature
    index = tokens[:, 1:, None].expand(2, *tokens[:, 1:].shape, 1)
    each = both.gather(-1, index).squeeze(-1) - both.logsumexp(-1)
    own, reference = (each * mask[:, 1:]).sum(-1)
    return own, (own - reference).sum() / len(own)


def answers_by_one_hot(logits, ref_logits, tokens, mask, temperature=1.0):
    chosen = F.one_hot(tokens[:, 1:], logits.shape[-1]) * mask[:, 1:, None]
    own = (F.log_softmax(logits / temperature, -1)[:, :-1] * chosen).sum((1, 2))
    return own, (own - (F.log_softmax(ref_logits / temperature, -1)[:, :-1] * chosen).sum((1, 2))).mean()


def answers_in_numpy(logits, ref_logits, tokens, mask, temperature=1.0):
    def of(some):
        rows = some.double().numpy()[:, :-1] / temperature
        rows = rows - rows.max(-1, keepdims=True)
        rows = rows - np.log(np.exp(rows).sum(-1, keepdims=True))
        return (np.take_along_axis(rows, tokens.numpy()[:, 1:, None], -1)[..., 0] * mask.numpy()[:, 1:]).sum(1)

    return of(logits), (of(logits) - of(ref_logits)).mean()


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "3.1": [
        loss_with_ignored_labels,
        loss_by_gather,
        loss_by_boolean_index,
        loss_in_a_loop,
        loss_in_float64_with_one_hot,
        loss_by_a_dot_product,
        loss_of_a_list_or_a_fresh_0,
        loss_with_a_small_number_below,
        loss_by_hand_from_the_largest,
    ],
    "3.2": [
        perplexities_with_math,
        perplexities_in_numpy,
        perplexities_as_weighted_means,
        perplexities_by_a_power,
        perplexities_of_python_sums,
        perplexities_as_one_tensor,
    ],
    "3.3": [
        pack_by_chain,
        pack_by_cat_and_unfold,
        pack_with_a_buffer,
        pack_in_numpy,
        pack_by_a_range,
        pack_as_long_tensor,
    ],
    "3.4": [
        train_with_gradients_cleared_afterwards,
        train_by_autograd,
        train_with_a_closure,
        train_with_gradients_of_none,
        train_by_number_with_a_context,
    ],
    "3.5": [
        probabilities_by_a_power,
        probabilities_nearly_greedy,
        probabilities_by_exp,
        probabilities_in_numpy,
        probabilities_of_logs,
        probabilities_by_a_module,
    ],
    "3.6": [
        truncate_by_rank,
        truncate_row_by_row,
        truncate_as_libraries_do,
        truncate_by_shifting_the_mask,
        truncate_at_a_logit,
        truncate_in_numpy,
    ],
    "3.7": [
        generate_with_break,
        generate_by_cat,
        generate_by_calling_itself,
        generate_into_a_buffer,
        generate_from_a_stream,
    ],
    "3.8": [
        pad_with_pad_sequence,
        pad_with_lists,
        pad_with_comparisons,
        pad_in_numpy,
        pad_place_by_place,
        pad_by_subtraction,
    ],
    "3.9": [
        answers_by_cross_entropy,
        answers_in_a_loop,
        answers_by_logsumexp,
        answers_by_one_hot,
        answers_in_numpy,
    ],
}
