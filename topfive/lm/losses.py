"""The loss of language modelling, and which tokens it counts."""

import torch
import torch.nn.functional as F
from torch import Tensor


def next_token_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    """Mean negative log-likelihood of each counted token given those before it.

    logits: (batch, time, vocabulary) float; the row at t predicts the token at t + 1.
    tokens: (batch, time) int64; a pad may hold any of them. mask: (batch, time) int64, 1 on the tokens to be predicted
    (not on pads, nor on a prompt that is given); the first token has nothing before it and never counts.
    Returns a scalar through which gradients flow; 0 if no token counts. (Bengio et al. 2003, section 2.)
    """
    following = tokens.roll(-1, dims=1)
    counted = mask.roll(-1, dims=1).to(logits.dtype)
    counted[:, -1] = 0  # nothing follows the last token
    losses = F.cross_entropy(logits.flatten(0, 1), following.flatten(), reduction="none")
    return (losses * counted.flatten()).sum() / counted.sum().clamp(min=1)


def perplexities(nats: Tensor, tokens: Tensor, words: Tensor) -> tuple[float, float]:
    """Perplexity of a collection of texts, per token and per word.

    nats: (texts,) float, negative log-likelihood of each text, summed over its tokens.
    tokens, words: (texts,) int64, how many of each a text has.
    Both divide the same total, by another count: only the one per word can be compared between tokenizers.
    """
    total = nats.sum()
    return perplexity(total / tokens.sum()), perplexity(total / words.sum())


def perplexity(loss: Tensor | float) -> float:
    """exp(loss): between how many equally likely tokens the model hesitates."""
    return float(torch.as_tensor(loss).exp())


def logprobs_and_kl(
    logits: Tensor, ref_logits: Tensor, tokens: Tensor, mask: Tensor, temperature: float = 1.0
) -> tuple[Tensor, Tensor]:
    """Log-probability of each answer, (batch,), and what these say of KL(model ‖ reference), in nats an answer.

    logits, ref_logits: (batch, time, vocabulary) float, of the model that wrote the answers and of the reference; the
    row at t predicts the token at t + 1. tokens: (batch, time) int64, prompts with their answers. mask: (batch, time)
    int64, 1 on the tokens of the answer. temperature: at which both sample, above 0.
    """
    own, reference = (_answer_logprobs(some / temperature, tokens, mask) for some in (logits, ref_logits))
    return own, (own - reference).mean()


def _answer_logprobs(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    each = logits[:, :-1].log_softmax(dim=-1).gather(-1, tokens[:, 1:, None])[..., 0]
    return (each * mask[:, 1:]).sum(dim=1)
