"""Simulated labellers. Whatever they say is marked `source: "simulated"` wherever it is written down.

A `Student` orders lists by one taste. A `Worker` of the crowd is paid for many small tasks and has more ways to err:
noise, a lenient or strict scale, a pull towards what is shown first, lapses of attention; some only pretend to work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from topfive.judge import Judge, Taste
from topfive.lists import Prompt, Ranking

SOURCE = "simulated"
Kind = Literal["ordinary", "random", "first", "same"]
Choice = Literal["first", "second", "tie"]


class Student:
    """A simulated student with a taste: orders lists by the judge's score plus Gumbel noise.

    Adding independent Gumbel noise of scale `taste.noise` before sorting draws from the Plackett–Luce distribution
    with strengths exp(score / noise) (Yellott 1977). tie_width: neighbours that then lie closer than this are tied.
    """

    def __init__(self, taste: Taste, seed: int, tie_width: float = 0.0):
        self.judge = Judge(taste)
        self.tie_width = tie_width
        self.rng = np.random.default_rng(seed)

    def rank(self, prompt: Prompt, texts: Sequence[str]) -> Ranking:
        """Order `texts`, best first. Equal texts share a place, and so do neighbours within the tie width."""
        utilities = self.judge.scores([prompt] * len(texts), texts)
        return _ordered(prompt, texts, utilities, self.judge.taste.noise, self.rng, self.tie_width)


def _ordered(
    prompt: Prompt,
    texts: Sequence[str],
    utilities: NDArray[np.float64],
    noise: float,
    rng: np.random.Generator,
    tie_width: float = 0.0,
) -> Ranking:
    distinct = list(dict.fromkeys(texts))
    drawn = dict(zip(distinct, rng.gumbel(scale=noise, size=len(distinct)), strict=True))
    noisy = -(utilities + np.array([drawn[text] for text in texts]))
    order = np.argsort(noisy, kind="stable")
    steps = np.diff(noisy[order], prepend=noisy[order[0]]) > tie_width
    places = np.empty(len(texts), dtype=int)
    places[order] = 1 + steps.cumsum()
    return Ranking(prompt, tuple(texts), tuple(places.tolist()))


@dataclass(frozen=True)
class Worker:
    """One worker of a simulated crowd. Utilities and biases are in the judge's points.

    kind: "ordinary" works; "random" answers at random, "first" takes what is shown first, "same" always gives the
    same answer. noise: scale of Gumbel noise a list. lapse: share of tasks answered without looking. first_bias:
    added to the list shown first. strictness: subtracted before a rating is chosen. tie_width: two lists closer than
    this are called equal. words_a_minute: reading speed.
    """

    name: str
    kind: Kind = "ordinary"
    taste: Taste = field(default_factory=Taste)
    noise: float = 1.0
    lapse: float = 0.0
    first_bias: float = 0.0
    strictness: float = 0.0
    tie_width: float = 0.3
    words_a_minute: float = 230.0


class Crowd:
    """Asks workers. The same seed and the same tasks in the same order give the same answers.

    cuts: the four utilities at which an unbiased worker's rating goes from 1 to 2, … from 4 to 5.
    """

    def __init__(self, cuts: Sequence[float], seed: int):
        self.cuts = np.asarray(cuts)
        self.rng = np.random.default_rng(seed)

    def rate(self, worker: Worker, prompt: Prompt, text: str) -> int:
        """A rating from 1 (useless) to 5 (excellent)."""
        if worker.kind == "same":
            return 4
        if not self._looks(worker):
            return int(self.rng.integers(1, 6))
        seen = self._utilities(worker, prompt, [text])[0] - worker.strictness
        return 1 + int((seen > self.cuts).sum())

    def compare(self, worker: Worker, prompt: Prompt, first: str, second: str) -> Choice:
        """Which of two lists is better, or "tie"."""
        if worker.kind == "first":
            return "first"
        if worker.kind == "same":
            return "tie"
        if not self._looks(worker):
            return "first" if self.rng.random() < 0.5 else "second"
        ahead, behind = self._utilities(worker, prompt, [first, second])
        ahead += worker.first_bias
        if abs(ahead - behind) < worker.tie_width:
            return "tie"
        return "first" if ahead > behind else "second"

    def rank(self, worker: Worker, prompt: Prompt, texts: Sequence[str]) -> Ranking:
        """Places of lists in the order in which they are shown."""
        if worker.kind in ("first", "same"):
            return Ranking(prompt, tuple(texts), tuple(range(1, len(texts) + 1)))
        if not self._looks(worker):
            return Ranking(prompt, tuple(texts), tuple((self.rng.permutation(len(texts)) + 1).tolist()))
        utilities = Judge(worker.taste).scores([prompt] * len(texts), texts)
        utilities[0] += worker.first_bias
        return _ordered(prompt, texts, utilities, worker.noise, self.rng)

    def seconds(self, worker: Worker, words: int) -> float:
        """How long a task with so many words takes: reading and a moment to decide; pretenders do not read."""
        typical = 60 * words / worker.words_a_minute + 2.0 if worker.kind == "ordinary" else 2.5
        return round(float(typical * self.rng.lognormal(sigma=0.35)), 1)

    def _looks(self, worker: Worker) -> bool:
        return worker.kind != "random" and self.rng.random() >= worker.lapse

    def _utilities(self, worker: Worker, prompt: Prompt, texts: Sequence[str]) -> NDArray[np.float64]:
        return Judge(worker.taste).scores([prompt] * len(texts), texts) + self.rng.gumbel(
            scale=worker.noise, size=len(texts)
        )
