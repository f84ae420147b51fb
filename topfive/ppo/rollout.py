"""One batch of experience: answers, their scores, and what policy, reference and critic thought of each token."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel

from topfive.lm.sampling import Samples, generate, positions
from topfive.ppo.advantages import masked_mean
from topfive.reward.model import scores as reward_scores
from topfive.reward.model import values_everywhere


@dataclass(frozen=True)
class Rollout:
    """Per-token tensors are (batch, time) over response tokens; `scores` is (batch,); `entropy` a mean in nats."""

    samples: Samples
    logprobs: Tensor
    ref_logprobs: Tensor
    values: Tensor
    scores: Tensor
    entropy: float

    @property
    def mask(self) -> Tensor:
        """1 on response tokens up to and including the end token."""
        return self.samples.mask

    def rows(self, index: Tensor) -> "Rollout":
        """The answers at `index`, with columns that are pads in all of them trimmed."""
        samples = self.samples
        query_mask, mask = samples.query_mask[index], samples.mask[index]
        left = samples.query.shape[1] - int(query_mask.sum(dim=1).max())
        right = int(mask.sum(dim=1).max())
        trimmed = Samples(
            samples.query[index, left:], query_mask[:, left:], samples.response[index, :right], mask[:, :right],
            samples.ended[index],
        )  # fmt: skip
        return Rollout(
            samples=trimmed,
            logprobs=self.logprobs[index, :right],
            ref_logprobs=self.ref_logprobs[index, :right],
            values=self.values[index, :right],
            scores=self.scores[index],
            entropy=self.entropy,
        )


def joined(samples: Samples) -> tuple[Tensor, Tensor]:
    """Query and response as one (tokens, mask), each (batch, query + time)."""
    return torch.cat([samples.query, samples.response], dim=1), torch.cat([samples.query_mask, samples.mask], dim=1)


def response_logits(model: PreTrainedModel, samples: Samples, temperature: float) -> Tensor:
    """Logits that predicted each response token, divided by the sampling temperature. (batch, time, vocabulary)."""
    # Nothing is predicted from the last token: without it the logits are those wanted, and need no copy.
    tokens, mask = (tensor[:, :-1] for tensor in joined(samples))
    logits = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions(mask),
        use_cache=False,
        logits_to_keep=samples.response.shape[1],
    ).logits
    return logits if temperature == 1 else logits / temperature


def token_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Log-probability of each token under its logits, 0 on pads. (batch, time, vocabulary) → (batch, time)."""
    return -F.cross_entropy(logits.flatten(0, 1), tokens.flatten(), reduction="none").view_as(tokens) * mask


def mean_entropy(logits: Tensor, mask: Tensor) -> Tensor:
    """Entropy of the next-token distribution in nats, averaged over real tokens, a scalar."""
    entropy = logits.logsumexp(dim=-1) - (logits.softmax(dim=-1) * logits).sum(dim=-1)
    return masked_mean(entropy, mask)


def response_values(model: PreTrainedModel, samples: Samples) -> Tensor:
    """The critic's value before each response token, 0 on pads. (batch, time)."""
    length = samples.response.shape[1]
    return values_everywhere(model, *joined(samples))[:, -length - 1 : -1] * samples.mask


@torch.no_grad()
def roll_out(
    model: PreTrainedModel,
    ref_model: PreTrainedModel,
    reward_model: PreTrainedModel,
    value_model: PreTrainedModel,
    query: Tensor,
    query_mask: Tensor,
    *,
    generator: torch.Generator,
    temperature: float,
    response_length: int,
    missing_eos_score: float,
    logprobs_fn: Callable[..., Tensor] | None = None,
) -> Rollout:
    """Sample answers to `query` and score them with all four models; `logprobs_fn` as in PPOTrainer."""
    logprobs_of = logprobs_fn or token_logprobs
    samples = generate(
        model, query, query_mask, generator=generator, temperature=temperature, max_new_tokens=response_length
    )
    logits = response_logits(model, samples, temperature)
    logprobs = logprobs_of(logits, samples.response, samples.mask)
    ref_logits = response_logits(ref_model, samples, temperature)
    scores = reward_scores(reward_model, *joined(samples))
    return Rollout(
        samples=samples,
        logprobs=logprobs,
        ref_logprobs=logprobs_of(ref_logits, samples.response, samples.mask),
        values=response_values(value_model, samples),
        scores=scores.where(samples.ended, torch.full_like(scores, missing_eos_score)),
        entropy=mean_entropy(logits, samples.mask).item(),
    )
