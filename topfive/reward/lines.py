"""What a crowd thinks of each line of a list, in nats: how well it fits where it stands.

Somebody who knows how to answer tells fitting lines from others: they would hardly have written the others. So the SFT
model reads the list, and a line is as good as it was likely there, up to a point: of two lines that fit, neither gains
by being the likelier. Where that point lies and how much it is worth to people is fitted to a crowd's rankings: two
numbers, which no list can be learned by heart with.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.errors import TopFiveError
from topfive.lists import LENGTH, Ranking
from topfive.lm.context import context_of
from topfive.reward.heads import in_rankings, padded_ranks
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.model import encode_pairs

FILE = "lines.json"


@dataclass(frozen=True)
class Scale:
    """A line of log-probability x is worth nats · σ(x − threshold)."""

    nats: float = 1.0
    threshold: float = -6.0

    def __call__(self, logprobs: Tensor) -> Tensor:
        """What lines of these log-probabilities are worth, in nats; 0 where there is no line (−∞)."""
        return self.nats * torch.sigmoid(logprobs - self.threshold)

    def save(self, folder: Path) -> None:
        """Write the two numbers into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / FILE).write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "Scale":
        """Read what `save` wrote. Raises TopFiveError if it is not two finite numbers."""
        try:
            scale = cls(**json.loads((folder / FILE).read_text("utf-8")))
            if not np.isfinite([float(value) for value in asdict(scale).values()]).all():
                raise ValueError("two finite numbers are needed")
        except (OSError, ValueError, TypeError) as error:
            raise TopFiveError(f"{folder}: not a usable scale of lines ({error})") from error
        return scale


class LineReward:
    """A reward function in the sense of `topfive.ppo`: what each of the first five lines is worth, in nats.

    reader: a language model that knows how to answer.
    """

    def __init__(self, reader: PreTrainedModel, tokenizer: Tokenizer, scale: Scale):
        self.reader, self.tokenizer, self.scale = reader, tokenizer, scale

    def __call__(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """(n, 5), 0 where there is no line."""
        return self.scale(line_logprobs(self.reader, self.tokenizer, prompts, answers))


@torch.no_grad()
def line_logprobs(
    reader: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str], answers: Sequence[str], batch_size: int = 128
) -> Tensor:
    """Log-probability of each of the first five lines, given the prompt and the lines above; −∞ where there is none.

    Returns (n, 5), nats. A line begins with its line break; the end token belongs to none.
    """
    found = []
    for start in range(0, len(prompts), batch_size):
        part = slice(start, start + batch_size)
        tokens, mask = encode_pairs(tokenizer, prompts[part], answers[part], context_of(reader))
        read = tokens.to(reader.device)
        # Pads stand on the right, where nothing real sees them: a mask of ones only says that we know.
        logits = reader(read, attention_mask=torch.ones_like(read), use_cache=False).logits[:, :-1]
        chosen = logits.log_softmax(dim=-1).gather(-1, read[:, 1:, None])[..., 0].cpu()
        breaks = torch.tensor(["\n" in piece for piece in tokenizer.batch_decode(tokens.flatten()[:, None])])
        line = breaks.view_as(tokens).cumsum(dim=1)[:, 1:]  # 0 on the prompt, then 1, 2, …
        counted = (mask * (tokens != tokenizer.eos_token_id))[:, 1:]
        on_line = (line[..., None] == torch.arange(1, LENGTH + 1)) * counted[..., None]
        logprobs = (chosen[..., None] * on_line).sum(dim=1)
        found.append(logprobs.masked_fill(on_line.sum(dim=1) == 0, -torch.inf))
    return torch.cat(found)


def fit_scale(reader: PreTrainedModel, tokenizer: Tokenizer, rankings: Sequence[Ranking]) -> Scale:
    """The two numbers that make a crowd's rankings most probable (Plackett–Luce)."""
    prompts = [ranking.prompt.text for ranking in rankings for _ in ranking.texts]
    logprobs = line_logprobs(reader, tokenizer, prompts, [text for ranking in rankings for text in ranking.texts])
    ranks = padded_ranks(rankings)

    def scale(x: NDArray[np.float64]) -> Scale:
        return Scale(float(np.exp(x[0])), float(x[1]))

    def surprise(x: NDArray[np.float64]) -> float:
        scores = in_rankings(scale(x)(logprobs.double()).sum(dim=1), rankings)
        return plackett_luce_loss(scores, ranks).item()

    return scale(minimize(surprise, x0=np.array([0.0, -6.0]), method="Nelder-Mead").x)
