"""From one number a token to the score of a list, and heads that are trained while the trunk stays as it is."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import seeds
from topfive.lists import Ranking, parse, render
from topfive.lm.context import context_of
from topfive.lm.sampling import positions
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.model import encode_pairs, score_texts

Read = Callable[[Tensor, Tensor], Tensor]


def mean_of_tokens(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each sequence: the mean of its numbers over real tokens.

    numbers: (batch, time) float, the head's number at each token. mask: (batch, time), 1 on real tokens, 0 on pads,
    which may stand on either side and hold any number. Returns (batch,), with a gradient back to `numbers`.
    """
    return (numbers * mask).sum(dim=1) / mask.sum(dim=1)


def last_token(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each sequence: the number at its last real token, where transformers and TRL read it.

    numbers: (batch, time) float. mask: (batch, time), 1 on real tokens, 0 on pads, which may stand on either side, and
    in one batch on both. Returns (batch,), with a gradient back to `numbers`.
    """
    places = torch.arange(mask.shape[1], device=mask.device)
    last = (places * mask).argmax(dim=1)
    return numbers.gather(1, last[:, None])[:, 0]


@torch.no_grad()
def hidden_states(
    model: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking], batch_size: int = 128
) -> tuple[Tensor, Tensor]:
    """What the trunk makes of every list of the rankings, in order: states (lists, time, width), mask (lists, time).

    A list that was ranked several times is read once.
    """
    lists = [(ranking.prompt.text, text) for ranking in rankings for text in ranking.texts]
    places = {one: place for place, one in enumerate(dict.fromkeys(lists))}
    prompts, texts = zip(*places, strict=True)
    tokens, mask = encode_pairs(tokenizer, prompts, texts, context_of(model))
    parts = [
        model.base_model(input_ids=t, attention_mask=m, position_ids=positions(m), use_cache=False).last_hidden_state
        for t, m in zip(tokens.split(batch_size), mask.split(batch_size), strict=True)
    ]
    rows = torch.tensor([places[one] for one in lists])
    return torch.cat(parts)[rows], mask[rows]


def padded_ranks(rankings: Sequence[Ranking]) -> Tensor:
    """Places of all rankings, (rankings, K) int64; 0 where a ranking has fewer than K lists."""
    return torch.nn.utils.rnn.pad_sequence([torch.tensor(ranking.ranks) for ranking in rankings], batch_first=True)


def in_rankings(flat: Tensor, rankings: Sequence[Ranking]) -> Tensor:
    """Scores of all lists, (lists,), as (rankings, K), with 0 where a ranking has fewer than K lists."""
    return torch.nn.utils.rnn.pad_sequence(flat.split([len(one.texts) for one in rankings]), batch_first=True)


def score_lists(model: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking]) -> Tensor:
    """A reward model's score of every list, (rankings, K), with 0 where a ranking has fewer than K lists.

    A list that was ranked several times is read once.
    """
    lists = [(ranking.prompt.text, text) for ranking in rankings for text in ranking.texts]
    places = {one: place for place, one in enumerate(dict.fromkeys(lists))}
    prompts, texts = zip(*places, strict=True)
    return in_rankings(score_texts(model, tokenizer, prompts, texts)[[places[one] for one in lists]], rankings)


def turned_round(ranking: Ranking) -> Ranking:
    """The same ranking of the same lists, each with its items from the last to the first."""
    return replace(ranking, texts=tuple(render(parse(text).items[::-1]) for text in ranking.texts))


def fit_head(
    states: Tensor,
    mask: Tensor,
    rankings: Sequence[Ranking],
    *,
    read: Read = mean_of_tokens,
    loss_fn: Callable[[Tensor, Tensor], Tensor] = plackett_luce_loss,
    seed: int | None = None,
    steps: int = 60,
    learning_rate: float = 0.005,
    weight_decay: float = 0.1,
) -> Tensor:
    """A linear head on states that stay as they are; returns its weights, (width,).

    Every step sees all rankings, or, with a `seed`, a bootstrap sample of as many of them and other first weights
    (bagging: Breiman 1996), so that several heads have reason to differ. states, mask: of `hidden_states`.
    """
    generator = torch.Generator().manual_seed(seeds.whole(seed or 0))
    weights = (torch.randn(states.shape[-1], generator=generator) * states.shape[-1] ** -0.5).requires_grad_()
    chosen = torch.arange(len(rankings))
    if seed is not None:
        chosen = torch.randint(len(rankings), (len(rankings),), generator=generator)
    ranks = padded_ranks(rankings)[chosen]
    optimizer = torch.optim.AdamW([weights], lr=learning_rate, weight_decay=weight_decay)
    for _ in range(steps):
        loss = loss_fn(in_rankings(read(states @ weights, mask), rankings)[chosen], ranks)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return weights.detach()
