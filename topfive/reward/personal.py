"""A personal reward: what the crowd thinks of each line, and on top of it what one person's rankings add.

What they add is a taste, linear in the kinds of a list's items (the 24 tags, as far as a model knows them) and in their
words. How much kinds and words may count is not chosen but averaged over, each choice weighed by how probable it makes
the rankings (`topfive.reward.laplace`): forty rankings that say little move the reward little. It speaks in nats and
is not rescaled, since that would make a shuffled student's noise as loud as somebody's taste.
"""

import json
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy import sparse
from torch import Tensor

from topfive.errors import TopFiveError
from topfive.files import recover
from topfive.lists import LENGTH, Ranking, normalise, parse
from topfive.reward.laplace import posterior
from topfive.reward.train import drop_duplicates, pair_accuracy
from topfive.reward.words import features_of_items
from topfive.stats import Estimate

Array = NDArray[np.float64]
Crowd = Callable[[Sequence[str], Sequence[str]], Tensor]  # (prompts, answers) → what each line adds, (n, lines), nats
Kinds = Callable[[Sequence[str]], Array]  # items → how surely each carries each tag, (items, tags), 0 to 1

SPREADS = (0.0, 0.1, 0.3, 1.0, 3.0)  # of the weights of kinds, and of words, before anything is known: nats
_FILES = ("personal.safetensors", "personal.json")


class PersonalReward:
    """Scores answers line by line; a reward function in the sense of `topfive.ppo`.

    kinds: (tags,) and words: (features,), nats an item. centre: (lines,), what each line is worth on average.
    A line that says again what stands above it is worth what the crowd says, and adds no taste.
    """

    def __init__(self, crowd: Crowd, kinds_of: Kinds, kinds: Array, words: Array, centre: Array | None = None):
        self.crowd, self.kinds_of, self.kinds, self.words = crowd, kinds_of, kinds, words
        self.centre = np.zeros(LENGTH) if centre is None else centre

    def __call__(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """What each of the first five lines adds, (n, 5), in nats."""
        return self.crowd(prompts, answers) + torch.tensor(self.taste(answers) - self.centre, dtype=torch.float32)

    def scores(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """Score of each answer, (n,)."""
        return self(prompts, answers).sum(dim=1)

    def taste(self, answers: Sequence[str]) -> Array:
        """The person's part alone, (n, 5)."""
        lines = np.zeros((len(answers), LENGTH))
        where, items = new_items(answers)
        if items:
            worth = self.kinds_of(items) @ self.kinds + features_of_items(items) @ self.words
            lines[tuple(np.array(where).T)] = worth
        return lines

    def centre_on(self, prompts: Sequence[str], answers: Sequence[str]) -> None:
        """Take off each line what it is worth on average in these answers.

        A critic that expects nothing is then right at the start. With a mean for the whole list, the line that it is
        paid with would look terrible.
        """
        self.centre = np.zeros(LENGTH)
        self.centre = self(prompts, answers).double().mean(dim=0).numpy()

    def without_taste(self) -> "PersonalReward":
        """The crowd's opinion alone, to be centred anew."""
        return PersonalReward(self.crowd, self.kinds_of, 0 * self.kinds, 0 * self.words)

    def spreads(self, prompts: Sequence[str], answers: Sequence[str]) -> dict[str, float]:
        """How far each part tells these answers apart: standard deviations in nats."""
        parts = {"kinds": (self.kinds, 0 * self.words), "words": (0 * self.kinds, self.words)}
        alone = {name: PersonalReward(self.crowd, self.kinds_of, *weights) for name, weights in parts.items()}
        found = {name: float(reward.taste(answers).sum(axis=1).std()) for name, reward in alone.items()}
        return {"crowd": float(self.crowd(prompts, answers).sum(dim=1).std()), **found}

    def save(self, folder: Path) -> None:
        """Write the weights of kinds and words (half precision) and the centre; crowd and knowledge are not written."""
        folder.mkdir(parents=True, exist_ok=True)
        weights = {"kinds": torch.tensor(self.kinds).half(), "words": torch.tensor(self.words).half()}
        save_file(weights, folder / _FILES[0])
        (folder / _FILES[1]).write_text(json.dumps({"centre": self.centre.tolist()}) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path, crowd: Crowd, kinds_of: Kinds) -> "PersonalReward":
        """Read what `save` wrote. Raises TopFiveError if the folder does not hold a whole one."""
        recover(folder)
        try:
            weights = load_file(folder / _FILES[0])
            kinds, words = (weights[name].double().numpy() for name in ("kinds", "words"))
            centre = np.array(json.loads((folder / _FILES[1]).read_text("utf-8"))["centre"], dtype=float)
            if centre.shape != (LENGTH,) or not all(np.isfinite(part).all() for part in (kinds, words, centre)):
                raise ValueError("not all of it is finite numbers")
            return cls(crowd, kinds_of, kinds, words, centre)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TopFiveError(f"{folder}: not a usable personal reward ({reason})") from error


def new_items(answers: Sequence[str]) -> tuple[list[tuple[int, int]], list[str]]:
    """(answer, line) of every item that no line above it says already, and the items, normalised."""
    where, items = [], []
    for row, answer in enumerate(answers):
        listed = [normalise(item) for item in parse(answer).items[:LENGTH]]
        for line, item in enumerate(listed):
            if item and item not in listed[:line]:
                where.append((row, line))
                items.append(item)
    return where, items


def fit_personal_reward(rankings: Sequence[Ranking], crowd: Crowd, kinds_of: Kinds) -> PersonalReward:
    """The mean of the posterior over tastes, averaged over how much kinds and words may count.

    Raises TopFiveError if no ranking prefers anything to anything.
    """
    usable = [ranking for ranking in map(drop_duplicates, rankings) if ranking is not None]
    if not usable:
        raise TopFiveError("no ranking to learn from: in each of them all lists are equal or tied")
    prompts = [ranking.prompt.text for ranking in usable for _ in ranking.texts]
    texts = [text for ranking in usable for text in ranking.texts]
    offset = crowd(prompts, texts).double().sum(dim=1).numpy()
    kinds, words = _designs(texts, kinds_of)
    kernels = kinds @ kinds.T, (words @ words.T).toarray()
    found = [
        (spread, posterior(spread[0] ** 2 * kernels[0] + spread[1] ** 2 * kernels[1], offset, usable))
        for spread in product(SPREADS, SPREADS)
    ]
    evidence = np.array([one.evidence for _, one in found])
    likely = np.exp(evidence - evidence.max())
    likely /= likely.sum()
    by_kinds = sum(share * spread[0] ** 2 * one.weights for share, (spread, one) in zip(likely, found, strict=True))
    by_words = sum(share * spread[1] ** 2 * one.weights for share, (spread, one) in zip(likely, found, strict=True))
    return PersonalReward(crowd, kinds_of, kinds.T @ by_kinds, words.T @ by_words)


def _designs(texts: Sequence[str], kinds_of: Kinds) -> tuple[Array, sparse.csr_matrix]:
    """Kinds, (lists, tags), and words, (lists, features), of lists: those of their different items, summed."""
    where, items = new_items(texts)
    rows = [row for row, _ in where]
    member = sparse.csr_matrix((np.ones(len(rows)), (rows, range(len(rows)))), shape=(len(texts), len(rows)))
    return np.asarray(member @ kinds_of(items)), sparse.csr_matrix(member @ features_of_items(items))


def personal_accuracy(reward: PersonalReward, rankings: Sequence[Ranking]) -> Estimate:
    """Pair accuracy on rankings that the reward was not fitted to."""
    scored = [reward.scores([one.prompt.text] * len(one.texts), one.texts).double().numpy() for one in rankings]
    return pair_accuracy(scored, rankings)
