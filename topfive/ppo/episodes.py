"""What counts as one episode: a whole answer, or, where every line is paid by itself, a line of it.

The pay of one line says nothing about how well the line before it was chosen. An episode a line keeps it from being
credited there.
"""

import torch
from torch import Tensor


class Episodes:
    """Cuts (batch, time) tensors into a row an episode, pads on the right, and joins such rows again.

    line: (batch, time) int64, the line that each token stands on, from 0; all 0 makes each answer one episode.
    mask: (batch, time), 1 on real tokens, which come before the pads. Episodes without a token are left out.
    """

    def __init__(self, line: Tensor, mask: Tensor):
        self.real = mask.bool()
        lines = int(line.max()) + 1
        rows = torch.arange(len(line), device=line.device)[:, None]
        _, self.row, self.size = (rows * lines + line)[self.real].unique(return_inverse=True, return_counts=True)
        first = self.size.cumsum(dim=0) - self.size
        self.place = torch.arange(len(self.row), device=line.device) - first[self.row]

    def cut(self, numbers: Tensor) -> Tensor:
        """(batch, time) → (episodes, longest), 0 on pads."""
        found = numbers.new_zeros(len(self.size), int(self.size.max()))
        return found.index_put((self.row, self.place), numbers[self.real])

    def join(self, numbers: Tensor) -> Tensor:
        """(episodes, longest) → (batch, time), 0 on pads."""
        return numbers.new_zeros(self.real.shape).masked_scatter(self.real, numbers[self.row, self.place])
