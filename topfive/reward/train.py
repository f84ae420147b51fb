"""Fitting a reward model to rankings."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import seeds
from topfive.errors import TopFiveError
from topfive.lists import Ranking
from topfive.lm.context import context_of
from topfive.lm.train import Progress, backward
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.model import encode_pairs, score_texts, scores
from topfive.stats import Estimate, cluster_ratio
from topfive.threads import on_free_cores

RankingLoss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class RewardConfig:
    """Few passes and a learning rate that falls to 0: more epochs do not replace more labels."""

    epochs: int = 3
    batch_size: int = 8
    learning_rate: float = 3e-4
    weight_decay: float = 0.01
    seed: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seeds.whole(self.seed))


@on_free_cores()
def train_reward_model(
    model: PreTrainedModel,
    tokenizer: Tokenizer,
    rankings: Sequence[Ranking],
    config: RewardConfig,
    *,
    loss_fn: RankingLoss = plackett_luce_loss,
    progress: Progress | None = None,
) -> list[float]:
    """Fine-tune the whole model on rankings; returns the loss of each step.

    All lists of one ranking stay in one batch element: K forward passes for K(K − 1)/2 comparisons (Ouyang et al.
    2022, section 3.5). `progress(step, steps, numbers)` is called after each step.
    Raises TopFiveError if no ranking prefers anything to anything, if a list is longer than the model reads, and if
    a loss or gradient is not finite, before it changes a weight.
    """
    rankings = [ranking for ranking in map(drop_duplicates, rankings) if ranking is not None]
    if not rankings:
        raise TopFiveError("no ranking to learn from: in each of them all lists are equal or tied")
    steps = config.epochs * -(-len(rankings) // config.batch_size)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=config.learning_rate, weight_decay=config.weight_decay, fused=True
    )
    rng = np.random.default_rng(config.seed)
    losses: list[float] = []
    model.train()
    for _ in range(config.epochs):
        order = rng.permutation(len(rankings))
        for start in range(0, len(order), config.batch_size):
            batch = [rankings[index] for index in order[start : start + config.batch_size]]
            loss = loss_fn(*score_rankings(model, tokenizer, batch))
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * (1 - len(losses) / steps)
            optimizer.zero_grad()
            backward(loss, model, where=f"step {len(losses) + 1}")
            optimizer.step()
            losses.append(loss.item())
            if progress:
                progress(len(losses), steps, {"loss": losses[-1]})
    model.eval()
    return losses


def drop_duplicates(ranking: Ranking) -> Ranking | None:
    """The ranking with each text once (its best place); None if nothing is preferred to anything then."""
    best: dict[str, int] = {}
    for text, rank in zip(ranking.texts, ranking.ranks, strict=True):
        best[text] = min(rank, best.get(text, rank))
    if len(set(best.values())) < 2:
        return None
    return Ranking(ranking.prompt, tuple(best), tuple(best.values()))


def score_rankings(model: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking]) -> tuple[Tensor, Tensor]:
    """Scores and places, each (batch, K); a ranking of fewer than K lists is padded with place 0."""
    prompts = [ranking.prompt.text for ranking in rankings for _ in ranking.texts]
    texts = [text for ranking in rankings for text in ranking.texts]
    tokens, mask = encode_pairs(tokenizer, prompts, texts, context_of(model))
    flat = scores(model, tokens.to(model.device), mask.to(model.device))
    lengths = [len(ranking.texts) for ranking in rankings]
    padded = torch.nn.utils.rnn.pad_sequence(flat.split(lengths), batch_first=True)
    ranks = torch.nn.utils.rnn.pad_sequence([torch.tensor(ranking.ranks) for ranking in rankings], batch_first=True)
    return padded, ranks.to(flat.device)


def pair_accuracy(scores: Sequence[NDArray[np.float64]], rankings: Sequence[Ranking], seed: int = 0) -> Estimate:
    """Share of comparisons inside rankings that the scores order the same way, ties of scores counting half.

    scores: for each ranking an array of its lists' scores. The interval resamples groups of lists, with all rankings
    of the same lists together, since comparisons of the same lists are not independent.
    """
    right, pairs = [], []
    for values, ranking in zip(scores, rankings, strict=True):
        ranks = np.array(ranking.ranks)
        better = ranks[:, None] < ranks[None, :]
        difference = values[:, None] - values[None, :]
        right.append(((difference > 0)[better]).sum() + 0.5 * (difference == 0)[better].sum())
        pairs.append(better.sum())
    return cluster_ratio(right, pairs, [(one.prompt.text, *sorted(one.texts)) for one in rankings], seed=seed)


def accuracy(model: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking]) -> Estimate:
    """Pair accuracy of a reward model on rankings it was not trained on."""
    prompts = [ranking.prompt.text for ranking in rankings for _ in ranking.texts]
    texts = [text for ranking in rankings for text in ranking.texts]
    flat = score_texts(model, tokenizer, prompts, texts).cpu().numpy().astype(float)
    ends = np.cumsum([len(ranking.texts) for ranking in rankings])[:-1]
    return pair_accuracy(np.split(flat, ends), rankings)
