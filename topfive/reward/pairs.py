"""Training on pairs, step by step what TRL's RewardTrainer does with its default settings."""

from collections.abc import Callable, Sequence
from itertools import combinations

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lists import Ranking
from topfive.lm.context import context_of
from topfive.lm.train import backward
from topfive.reward.heads import Read, last_token
from topfive.reward.losses import bradley_terry_loss
from topfive.reward.model import encode_pairs, values_everywhere

Pair = dict[str, str]


def as_pairs(rankings: Sequence[Ranking]) -> list[Pair]:
    """Every pair of lists that a ranking tells apart, as prompt, chosen, rejected (TRL's preference format)."""
    return [
        {"prompt": ranking.prompt.text, "chosen": better, "rejected": worse}
        for ranking in rankings
        for (_, better), (_, worse) in _ordered(ranking)
    ]


def _ordered(ranking: Ranking) -> list[list[tuple[int, str]]]:
    placed = list(zip(ranking.ranks, ranking.texts, strict=True))
    return [sorted(pair) for pair in combinations(placed, 2) if pair[0][0] != pair[1][0] and pair[0][1] != pair[1][1]]


def train_on_pairs(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    pairs: Sequence[Pair],
    *,
    batch_size: int = 8,
    learning_rate: float = 3e-4,
    read: Read = last_token,
    loss_fn: Callable[[Tensor, Tensor], Tensor] = bradley_terry_loss,
) -> list[float]:
    """One pass over the pairs in their order, with AdamW and a rate that falls to 0; returns the loss of each step."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=learning_rate, weight_decay=0.0)
    batches = [pairs[start : start + batch_size] for start in range(0, len(pairs), batch_size)]
    losses: list[float] = []
    model.train()
    for batch in batches:
        answers = [pair["chosen"] for pair in batch] + [pair["rejected"] for pair in batch]
        tokens, mask = encode_pairs(tokenizer, [pair["prompt"] for pair in batch] * 2, answers, context_of(model))
        chosen, rejected = read(values_everywhere(model, tokens, mask), mask).chunk(2)
        loss = loss_fn(chosen, rejected)
        optimizer.param_groups[0]["lr"] = learning_rate * (1 - len(losses) / len(batches))
        optimizer.zero_grad()
        backward(loss, model, where=f"step {len(losses) + 1}")
        optimizer.step()
        losses.append(loss.item())
    model.eval()
    return losses
