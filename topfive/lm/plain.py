"""Training and sampling as plainly as they can be written: what notebook 03 has students write.

Left out on purpose: everything that `train.fit` and `sampling.generate` add. Here are no schedule, no clipping of
gradients, nothing saved; one text at a time, read anew for each of its tokens.
"""

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import torch
from torch import Tensor, nn

LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


class Bigrams(nn.Module):
    """The smallest language model: a row of logits for each token, about the token after it. At first all are 0."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.rows = nn.Embedding.from_pretrained(torch.zeros(vocabulary, vocabulary), freeze=False)

    def forward(self, input_ids: Tensor, **ignored: object) -> SimpleNamespace:
        """`.logits`, (batch, time, vocabulary), for tokens (batch, time), as models of `transformers` answer."""
        return SimpleNamespace(logits=self.rows(input_ids))


def train_on(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[tuple[Tensor, Tensor]],
    loss_fn: LossFunction,
) -> list[float]:
    """One step of training for each batch; returns the loss of each, as it was before its step.

    batches: (tokens, mask), each (batch, time) int64. loss_fn: of (logits, tokens, mask), a scalar.
    """
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


@torch.no_grad()
def generate(
    model: nn.Module, ids: Sequence[int], choose: Callable[[Tensor], int], end: int, most: int = 72
) -> list[int]:
    """Continue a text token by token, up to its end token or `most` tokens; returns the new ids, the end among them.

    ids: the text so far, at least one token. choose: from the logits of one place, (vocabulary,), to a token.
    """
    new: list[int] = []
    while len(new) < most and (not new or new[-1] != end):
        logits = model(torch.tensor([[*ids, *new]])).logits[0, -1]
        new.append(int(choose(logits)))
    return new
