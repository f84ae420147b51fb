"""Sampling: from prompts to lists, token by token, with a key-value cache."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import seeds
from topfive.lm.context import check_lengths, context_of

ProbabilitiesFunction = Callable[[Tensor, float], Tensor]
TruncateFunction = Callable[[Tensor, int | None, float], Tensor]

MAX_NEW_TOKENS = 72
# What a policy is in this course: the model at this temperature, in sampling, PPO and evaluation alike, as in
# Ziegler et al. 2019 and TRL. At 1 a model this small takes too many of the thousands of unlikely tokens.
TEMPERATURE = 0.7


@dataclass(frozen=True)
class Samples:
    """Sampled answers, cut after their first end token.

    query: (batch, query) token ids, padded on the left; query_mask: the same shape, 1 on real tokens.
    response: (batch, time) token ids, padded on the right; mask: 1 on tokens up to and including the end token.
    ended: (batch,) whether an end token came.
    logprobs: (batch, time) log-probability with which the sampler drew each token, 0 on pads; NaN if nothing was drawn.
    """

    query: Tensor
    query_mask: Tensor
    response: Tensor
    mask: Tensor
    ended: Tensor
    logprobs: Tensor

    def __getitem__(self, rows: Tensor) -> "Samples":
        """The answers at these rows, (n,) int64, pads and all."""
        return Samples(*(getattr(self, part.name)[rows] for part in fields(self)))

    def texts(self, tokenizer: Tokenizer) -> list[str]:
        """The answers as text, without special tokens."""
        return tokenizer.batch_decode(self.response, skip_special_tokens=True)


def positions(mask: Tensor) -> Tensor:
    """Position of each token in a padded batch: pads do not count. (batch, time) → (batch, time), int64."""
    return (mask.cumsum(dim=1) - 1).clamp(min=0)


def encode(tokenizer: Tokenizer, prompts: Sequence[str], device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Prompts as (token ids, mask), each (batch, query), padded on the left."""
    batch = tokenizer(list(prompts), return_tensors="pt", padding=True, padding_side="left")
    return batch["input_ids"].to(device), batch["attention_mask"].to(device)


def check_prompts(model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str], max_new_tokens: int) -> None:
    """Raise TopFiveError, naming it, if a prompt leaves no room for an answer of `max_new_tokens`."""
    lengths = [len(ids) for ids in tokenizer(list(prompts))["input_ids"]] if prompts else []
    check_lengths(prompts, lengths, context_of(model), max_new_tokens)


def truncate_logits(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    """Set logits outside the `top_k` largest, and outside the nucleus of mass `top_p`, to −∞.

    logits: (…, vocabulary), of which some may be −∞ already. The nucleus (Holtzman et al. 2020) is the smallest set of
    most likely tokens whose probabilities sum to at least top_p; the most likely token always stays.
    """
    if top_k is not None and top_k < logits.shape[-1]:
        smallest_kept = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < smallest_kept, -torch.inf)
    if top_p < 1.0:
        ordered, order = logits.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(dim=-1)
        goes = probabilities.cumsum(dim=-1) - probabilities >= top_p
        goes[..., 0] = False
        dropped = torch.zeros_like(goes).scatter(-1, order, goes)
        logits = logits.masked_fill(dropped, -torch.inf)
    return logits


def token_probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
    """Probability of each token at a temperature; at 0 all of it is on the likeliest.

    logits: (…, vocabulary) float. temperature: 0 or more. Returns the same shape, float; the last dimension sums to 1.
    (Hinton et al. 2015, eq. 1.)
    """
    if temperature == 0:
        return torch.zeros_like(logits).scatter(-1, logits.argmax(dim=-1, keepdim=True), 1.0)
    return (logits / temperature).softmax(dim=-1)


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    query: Tensor,
    query_mask: Tensor,
    *,
    generator: torch.Generator,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    max_new_tokens: int = MAX_NEW_TOKENS,
    probabilities_fn: ProbabilitiesFunction = token_probabilities,
    truncate_fn: TruncateFunction = truncate_logits,
) -> Samples:
    """Continue each query until its end token or `max_new_tokens`; temperature 0 takes the likeliest token.

    Each token is drawn from `probabilities_fn(logits, temperature)`, whose logarithms go through
    `truncate_fn(logits, top_k, top_p)` first if either is asked for.
    Raises ValueError if temperature < 0, top_k < 1 or top_p is not in (0, 1], TopFiveError if a query and its answer
    may be longer than the model reads.
    """
    if temperature < 0 or (top_k is not None and top_k < 1) or not 0 < top_p <= 1:
        raise ValueError(f"need temperature ≥ 0, top_k ≥ 1, 0 < top_p ≤ 1; got {temperature}, {top_k}, {top_p}")
    names = [f"query {number} of the batch" for number in range(1, len(query) + 1)]
    check_lengths(names, query_mask.sum(dim=1).tolist(), context_of(model), max_new_tokens)
    end, pad = model.config.eos_token_id, model.config.pad_token_id
    cache = DynamicCache(config=model.config)
    attention, tokens, place = query_mask, query, positions(query_mask)
    running = torch.ones(len(query), dtype=torch.bool, device=query.device)
    responses, masks, logprobs = [], [], []
    for _ in range(max_new_tokens):
        output = model(
            input_ids=tokens,
            attention_mask=attention,
            position_ids=place,
            past_key_values=cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits = output.logits[:, -1].float()
        probabilities = probabilities_fn(logits, temperature).to(logits)  # 0s and 1s may come as integers
        if top_k is not None or top_p < 1:
            probabilities = truncate_fn(probabilities.log(), top_k, top_p).softmax(dim=-1)
        chosen = _draw(probabilities, generator)
        responses.append(chosen.where(running, torch.full_like(chosen, pad)))
        masks.append(running)
        logprobs.append(probabilities.gather(1, chosen[:, None])[:, 0].log().where(running, 0.0))
        running = running & (chosen != end)
        if not running.any():
            break
        tokens, place = responses[-1][:, None], place[:, -1:] + 1
        attention = torch.cat([attention, torch.ones_like(attention[:, :1])], dim=1)
    response, mask, logprob = (torch.stack(columns, dim=1) for columns in (responses, masks, logprobs))
    return Samples(query, query_mask, response, mask.long(), ~running, logprob)


def _draw(probabilities: Tensor, generator: torch.Generator) -> Tensor:
    # Inverting the cumulative distribution takes one random number a row; torch.multinomial draws one a token.
    cumulative = probabilities.cumsum(dim=-1)
    drawn = torch.rand(len(cumulative), 1, generator=generator, device=cumulative.device) * cumulative[:, -1:]
    return torch.searchsorted(cumulative, drawn, right=True)[:, 0].clamp(max=cumulative.shape[-1] - 1)


def sample_texts(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    seed: int,
    batch_size: int = 128,
    temperature: float = TEMPERATURE,
    top_k: int | None = None,
    top_p: float = 1.0,
    max_new_tokens: int = MAX_NEW_TOKENS,
    probabilities_fn: ProbabilitiesFunction = token_probabilities,
    truncate_fn: TruncateFunction = truncate_logits,
) -> list[str]:
    """One answer for each prompt, the same every time for the same seed and batch size.

    Raises TopFiveError, naming it, if a prompt is so long that its answer might not fit into what the model reads.
    """
    check_prompts(model, tokenizer, prompts, max_new_tokens)
    generator = torch.Generator(model.device).manual_seed(seeds.whole(seed))
    texts: list[str] = []
    for start in range(0, len(prompts), batch_size):
        query, mask = encode(tokenizer, prompts[start : start + batch_size], model.device)
        samples = generate(
            model,
            query,
            mask,
            generator=generator,
            temperature=temperature,
            top_k=top_k,
            top_p=top_p,
            max_new_tokens=max_new_tokens,
            probabilities_fn=probabilities_fn,
            truncate_fn=truncate_fn,
        )
        texts.extend(samples.texts(tokenizer))
    return texts
