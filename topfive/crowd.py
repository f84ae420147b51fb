"""Simulated labellers. Whatever they say is marked `source: "simulated"` wherever it is written down."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from topfive.judge import Judge, Taste
from topfive.lists import Prompt, Ranking

SOURCE = "simulated"


class Student:
    """A simulated student with a taste: orders lists by the judge's score plus Gumbel noise.

    Adding independent Gumbel noise of scale `taste.noise` before sorting draws from the Plackett–Luce distribution
    with strengths exp(score / noise) (Yellott 1977).
    """

    def __init__(self, taste: Taste, seed: int):
        self.judge = Judge(taste)
        self.rng = np.random.default_rng(seed)

    def rank(self, prompt: Prompt, texts: Sequence[str]) -> Ranking:
        """Order `texts`, best first; there are no ties in a simulated student's mind, except for equal texts."""
        scores = self.judge.scores([prompt] * len(texts), texts)
        noisy = scores + self.rng.gumbel(scale=self.judge.taste.noise, size=len(scores))
        return Ranking(prompt, tuple(texts), _places(noisy))


def _places(utilities: NDArray[np.float64]) -> tuple[int, ...]:
    """Places from 1 for the highest utility down."""
    order = np.argsort(-utilities)
    places = np.empty(len(order), dtype=int)
    places[order] = np.arange(1, len(order) + 1)
    return tuple(places.tolist())
