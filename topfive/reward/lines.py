"""The crowd's reward model, line by line and in nats: how much each line of a list is worth to the crowd.

The model says a number a token; a line is worth the mean of its numbers, and a list the sum of its lines. How many nats
a number stands for is fitted to rankings: the scale under which Plackett–Luce makes them most probable.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from scipy.optimize import minimize_scalar
from torch import Tensor
from transformers import AutoTokenizer, PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.errors import TopFiveError
from topfive.lists import LENGTH, Ranking
from topfive.lm.context import context_of
from topfive.reward.heads import in_rankings, padded_ranks
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.model import encode_pairs, load, values_everywhere

MOST_NATS = 100.0


class LineReward:
    """A reward function in the sense of `topfive.ppo`: what each of the first five lines is worth, in nats.

    nats: what one of the model's numbers stands for.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: Tokenizer, nats: float = 1.0):
        self.model, self.tokenizer, self.nats = model.eval(), tokenizer, nats

    @classmethod
    def load(cls, folder: Path) -> "LineReward":
        """Read a reward model, its tokenizer and its scale. Raises TopFiveError if one of them is not there."""
        model = load(folder)
        nats = getattr(model.config, "line_nats", None)
        if nats is None:
            raise TopFiveError(f"{folder}: this reward model does not say how many nats a line is worth")
        return cls(model, AutoTokenizer.from_pretrained(folder, local_files_only=True), nats)

    def __call__(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """(n, 5), 0 where there is no line."""
        return self.nats * line_values(self.model, self.tokenizer, prompts, answers)


@torch.no_grad()
def line_values(
    model: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str], answers: Sequence[str], batch_size: int = 128
) -> Tensor:
    """Mean of the model's numbers over the tokens of each of the first five lines, (n, 5); 0 where there is none.

    A line begins with its line break; the end token belongs to none.
    """
    found = []
    for start in range(0, len(prompts), batch_size):
        part = slice(start, start + batch_size)
        tokens, mask = encode_pairs(tokenizer, prompts[part], answers[part], context_of(model))
        numbers = values_everywhere(model, tokens.to(model.device), mask.to(model.device)).cpu()
        breaks = torch.tensor(["\n" in piece for piece in tokenizer.batch_decode(tokens.flatten()[:, None])])
        line = breaks.view_as(tokens).cumsum(dim=1)  # 0 on the prompt, then 1, 2, …
        counted = mask * (tokens != tokenizer.eos_token_id)
        on_line = (line[..., None] == torch.arange(1, LENGTH + 1)) * counted[..., None]
        found.append((numbers[..., None] * on_line).sum(dim=1) / on_line.sum(dim=1).clamp(min=1))
    return torch.cat(found)


def fit_nats(model: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking]) -> float:
    """The scale, from 0 to 100, under which the model's lists make these rankings most probable.

    Use rankings that the model has not learned from: of those it is too sure.
    """
    prompts = [ranking.prompt.text for ranking in rankings for _ in ranking.texts]
    texts = [text for ranking in rankings for text in ranking.texts]
    scores = in_rankings(line_values(model, tokenizer, prompts, texts).double().sum(dim=1), rankings)
    ranks = padded_ranks(rankings)
    found = minimize_scalar(
        lambda nats: plackett_luce_loss(nats * scores, ranks).item(), bounds=(0.0, MOST_NATS), method="bounded"
    )
    return float(found.x)
