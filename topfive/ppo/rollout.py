"""One batch of experience: answers, their scores, and what policy, reference and critic thought of each token."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.sampling import Samples, generate
from topfive.ppo.paid import as_scores, check_finite
from topfive.reward.model import scores as reward_scores
from topfive.reward.model import values

TOKENS_AT_ONCE = 256

RewardFunction = Callable[[Sequence[str], Sequence[str]], Any]  # what it may return: `topfive.ppo.paid.as_scores`


@dataclass(frozen=True)
class Rollout:
    """Per-token tensors are (batch, time) over response tokens; `scores` is (batch,); `entropy` a mean in nats.

    line_rewards: the part of the score that is paid at the ends of lines before the last, 0 elsewhere.
    line: the line that each token stands on, int64, if lines are paid one by one; else 0 everywhere.
    """

    samples: Samples
    logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    scores: Tensor
    line_rewards: Tensor
    line: Tensor
    entropy: float

    @property
    def mask(self) -> Tensor:
        """1 on response tokens up to and including the end token."""
        return self.samples.mask

    def paid(self) -> Tensor:
        """What is paid at each token, (batch, time): lines at their ends, the rest of the score with the last token."""
        last = self.mask.sum(dim=1, keepdim=True).long() - 1
        rest = self.scores - self.line_rewards.sum(dim=1)
        return self.line_rewards.scatter_add(1, last, rest[:, None])

    def rows(self, index: Tensor) -> "Rollout":
        """The answers at `index`, with columns that are pads in all of them trimmed."""
        samples = self.samples[index]
        left = samples.query.shape[1] - int(samples.query_mask.sum(dim=1).max())
        right = int(samples.mask.sum(dim=1).max())
        trimmed = Samples(
            samples.query[:, left:], samples.query_mask[:, left:], samples.response[:, :right], samples.mask[:, :right],
            samples.ended, samples.logprobs[:, :right],
        )  # fmt: skip
        return Rollout(
            samples=trimmed,
            logprobs=self.logprobs[index, :right],
            ref_logprobs=self.ref_logprobs[index, :right],
            values=self.values[index, :right],
            scores=self.scores[index],
            line_rewards=self.line_rewards[index, :right],
            line=self.line[index, :right],
            entropy=self.entropy,
        )


def joined(samples: Samples) -> tuple[Tensor, Tensor]:
    """Query and response as one (tokens, mask), each (batch, query + time)."""
    return torch.cat([samples.query, samples.response], dim=1), torch.cat([samples.query_mask, samples.mask], dim=1)


def response_hidden(model: PreTrainedModel, samples: Samples) -> Tensor:
    """Last hidden state before each real response token, (real tokens, width), ordered as in `response_logits`.

    The shorter and the longer half go through the trunk one after the other, without the pads on their left, so that
    little of the work is pads.
    """
    (tokens, _), time = joined(samples), torch.arange(samples.mask.shape[1], device=samples.mask.device)
    query = samples.query_mask.sum(dim=1, keepdim=True)
    left = samples.query.shape[1] - query
    seen = query + samples.mask.sum(dim=1, keepdim=True) - 1  # nothing is predicted from the last token
    order, halves = seen[:, 0].argsort(), []
    for rows in order.chunk(2):
        column = torch.arange(int(seen[rows].max()), device=tokens.device)
        hidden = model.base_model(
            input_ids=tokens[rows].take_along_dim((left[rows] + column).clamp(max=tokens.shape[1] - 1), dim=1),
            attention_mask=(column < seen[rows]).long(),
            use_cache=False,
        ).last_hidden_state
        before = (query[rows] - 1 + time).clamp(max=len(column) - 1)
        halves.append(hidden.take_along_dim(before[..., None], dim=1))
    return torch.cat(halves)[order.argsort()][samples.mask.bool()]


def response_logits(model: PreTrainedModel, samples: Samples, temperature: float) -> Tensor:
    """Logits that predicted each real response token, divided by the sampling temperature.

    Returns one row, (1, real tokens, vocabulary), in the order of `samples.response[samples.mask.bool()]`: the
    vocabulary is most of the work in a model this small, and a fifth of a batch is pads.
    """
    return _logits(model, response_hidden(model, samples), temperature)


def _logits(model: PreTrainedModel, hidden: Tensor, temperature: float) -> Tensor:
    logits = model.get_output_embeddings()(hidden)[None]
    return logits if temperature == 1 else logits / temperature


def token_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Log-probability of each token under its logits, 0 on pads. (batch, time, vocabulary) → (batch, time)."""
    return -F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view_as(tokens) * mask


def response_logprobs(logits: Tensor, samples: Samples, logprobs_fn: Callable[..., Tensor] = token_logprobs) -> Tensor:
    """Log-probability of each response token, 0 on pads, (batch, time); `logits` as from `response_logits`."""
    real = samples.mask.bool()
    tokens = samples.response[real][None]
    return _at_real_tokens(logprobs_fn(logits, tokens, torch.ones_like(tokens)), samples)


def _at_real_tokens(numbers: Tensor, samples: Samples) -> Tensor:
    return numbers.new_zeros(samples.mask.shape).masked_scatter(samples.mask.bool(), numbers)


@torch.no_grad()
def sampled_logprobs(
    model: PreTrainedModel, samples: Samples, temperature: float, logprobs_fn: Callable[..., Tensor] = token_logprobs
) -> tuple[Tensor, Tensor]:
    """Log-probability of each response token, 0 on pads, (batch, time), and the mean entropy before one in nats.

    For where nothing is learned: the vocabulary is computed for a few hundred tokens at a time. Their memory is used
    again for the next ones; for a whole batch the system would have to clear new pages, which takes longer.
    """
    hidden, tokens = response_hidden(model, samples), samples.response[samples.mask.bool()]
    logprobs, entropies = [], []
    for states, part in zip(hidden.split(TOKENS_AT_ONCE), tokens.split(TOKENS_AT_ONCE), strict=True):
        logits = _logits(model, states, temperature)
        logprobs.append(logprobs_fn(logits, part[None], torch.ones_like(part)[None]))
        entropies.append(entropy(logits))
    return _at_real_tokens(torch.cat(logprobs, dim=1), samples), torch.cat(entropies, dim=1).mean()


def entropy(logits: Tensor) -> Tensor:
    """Entropy of the next-token distribution in nats. (…, vocabulary) → (…)."""
    logprobs = logits.log_softmax(dim=-1)
    return -(logprobs.exp() * logprobs).sum(dim=-1)


def response_values(model: PreTrainedModel, samples: Samples) -> Tensor:
    """The critic's value before each response token, 0 on pads. (batch, time)."""
    return _at_real_tokens(values(model, response_hidden(model, samples)), samples)


@torch.no_grad()
def score(
    reward_model: PreTrainedModel | RewardFunction, samples: Samples, tokenizer: Tokenizer | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Score of each answer, (batch,); the part of it that is paid at the ends of earlier lines; and each token's line.

    The latter two are (batch, time), and 0 where a score is for the whole answer. A reward of n lines knows lines 0 to
    n − 1: what stands further down is part of the last.
    Raises TopFiveError if a reward function returns something else than `RewardFunction` says, and, with the prompt and
    the answer, if a score is NaN or infinite.
    """
    nothing_early = torch.zeros_like(samples.mask, dtype=torch.float32)
    if isinstance(reward_model, PreTrainedModel):
        scores = reward_scores(reward_model, *joined(samples))
        check_finite(scores, lambda row: _read(samples, row, tokenizer))
        return scores, nothing_early, nothing_early.long()
    if tokenizer is None:
        raise ValueError("a reward function reads text: give the tokenizer too")
    queries = tokenizer.batch_decode(samples.query, skip_special_tokens=True)
    returned = reward_model(queries, samples.texts(tokenizer))
    paid = as_scores(returned, len(queries)).to(samples.response.device)
    check_finite(paid, lambda row: _read(samples, row, tokenizer))
    if paid.ndim == 1:
        return paid, nothing_early, nothing_early.long()
    pieces = tokenizer.batch_decode(samples.response.flatten()[:, None])
    starts = torch.tensor(["\n" in piece for piece in pieces], device=paid.device).view_as(samples.response)
    starts = starts & samples.mask.bool()
    line = (starts.cumsum(dim=1) - 1).clamp(0, paid.shape[1] - 1)
    return paid.sum(dim=1), at_line_ends(paid, starts), line


def _read(samples: Samples, row: int, tokenizer: Tokenizer | None) -> tuple[str, str]:
    """Prompt and answer in a row, as text, or as token ids where there is no tokenizer."""
    query, answer = samples.query[row][samples.query_mask[row] == 1], samples.response[row][samples.mask[row] == 1]
    if tokenizer is None:
        return str(query.tolist()), str(answer.tolist())
    return tokenizer.decode(query, skip_special_tokens=True), tokenizer.decode(answer, skip_special_tokens=True)


def at_line_ends(paid: Tensor, starts: Tensor) -> Tensor:
    """Each line's reward on its last token, but for the last line's: that comes with the end token.

    As in Wu et al. 2023, "Fine-grained human feedback gives better rewards for language model training", section 2.
    paid: (batch, lines). starts: (batch, time), true where a line begins. Returns (batch, time).
    """
    line = starts.cumsum(dim=1) - 1
    ends = torch.zeros_like(starts)
    ends[:, :-1] = starts[:, 1:] & (line[:, :-1] >= 0)
    last = paid.shape[1] - 1
    return paid.gather(1, line.clamp(0, last)) * (ends & (line < last))


@torch.no_grad()
def roll_out(
    model: PreTrainedModel,
    ref_model: PreTrainedModel,
    reward_model: PreTrainedModel | RewardFunction,
    value_model: PreTrainedModel,
    query: Tensor,
    query_mask: Tensor,
    *,
    generator: torch.Generator,
    temperature: float,
    response_length: int,
    missing_eos_score: float,
    logprobs_fn: Callable[..., Tensor] = token_logprobs,
    tokenizer: Tokenizer | None = None,
) -> Rollout:
    """Sample answers to `query` and score them with all four models; `logprobs_fn` as in PPOTrainer.

    A reward function needs the tokenizer.
    """
    samples = generate(
        model, query, query_mask, generator=generator, temperature=temperature, max_new_tokens=response_length
    )
    logprobs, mean_entropy = sampled_logprobs(model, samples, temperature, logprobs_fn)
    ref_logprobs, _ = sampled_logprobs(ref_model, samples, temperature, logprobs_fn)
    scores, line_rewards, line = score(reward_model, samples, tokenizer)
    return Rollout(
        samples=samples,
        logprobs=logprobs,
        ref_logprobs=ref_logprobs,
        values=response_values(value_model, samples),
        scores=scores.where(samples.ended, torch.full_like(scores, missing_eos_score)),
        line_rewards=line_rewards * samples.ended[:, None],
        line=line,
        entropy=mean_entropy.item(),
    )
