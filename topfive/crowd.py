"""Simulated labellers. Whatever they say is marked `source: "simulated"` wherever it is written down."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

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
        """Order `texts`, best first. Equal texts share a place; nothing else ties."""
        distinct = list(dict.fromkeys(texts))
        noise = dict(zip(distinct, self.rng.gumbel(scale=self.judge.taste.noise, size=len(distinct)), strict=True))
        utilities = self.judge.scores([prompt] * len(texts), texts) + np.array([noise[text] for text in texts])
        places = rankdata(-utilities, method="dense").astype(int)
        return Ranking(prompt, tuple(texts), tuple(places.tolist()))
