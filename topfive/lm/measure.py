"""How well a language model predicts completions that it has not seen."""

from collections.abc import Sequence

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.context import context_of
from topfive.lm.train import encode_pairs, pad_batch


@torch.no_grad()
def completion_nats(
    model: PreTrainedModel, tokenizer: Tokenizer, pairs: Sequence[tuple[str, str]], batch_size: int = 64
) -> tuple[Tensor, Tensor, Tensor]:
    """Negative log-likelihood of each completion given its prompt, and how long it is.

    pairs: (prompt, completion). Returns (nats, tokens, words), each (pairs,): nats summed over the completion's tokens
    and its end token; tokens counts the end token too; words is what stands between blanks, the end not among them.
    Raises TopFiveError if a pair is longer than the model reads: without its rest it would be another text.
    """
    nats, tokens = [], []
    examples = encode_pairs(tokenizer, pairs, context_of(model))
    for start in range(0, len(examples), batch_size):
        batch = pad_batch(examples[start : start + batch_size], tokenizer.pad_token_id)
        read = batch.tokens[:, :-1]
        # Pads stand on the right, where nothing real sees them: a mask of ones only says that we know.
        logprobs = model(read, attention_mask=torch.ones_like(read), use_cache=False).logits.log_softmax(dim=-1)
        chosen = logprobs.gather(-1, batch.tokens[:, 1:, None])[..., 0]
        nats.append(-(chosen * batch.mask[:, 1:]).sum(dim=1))
        tokens.append(batch.mask.sum(dim=1))
    words = torch.tensor([len(completion.split()) for _, completion in pairs])
    return torch.cat(nats), torch.cat(tokens), words
