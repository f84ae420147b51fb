"""Personal taste: a reward that is linear in the words of a list's items, fitted to one person's rankings.

A few dozen rankings do not move a language model far: fine-tuned on 360 of them, the course's reward model orders
fresh pairs right in about 0.6 of cases, this one in about 0.8 (docs/carry-on.md). It reads text only: words, pairs of
words and pieces of words of each item, whether an item is there already, and whether the list is whole. The likelihood
is Plackett–Luce, the penalty quadratic (ridge), so there is one best fit and nothing to tune but the penalty.
"""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from scipy import sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.pipeline import FeatureUnion, make_union
from torch import Tensor

from topfive.errors import TopFiveError
from topfive.files import recover
from topfive.lists import LENGTH, Ranking, normalise, parse
from topfive.reward.losses import plackett_luce_loss
from topfive.reward.model import mean_and_std
from topfive.reward.train import drop_duplicates, pair_accuracy
from topfive.stats import Estimate

RIDGE = 3.0
_FILES = ("words.safetensors", "words.json")


@cache
def _features() -> FeatureUnion:
    return make_union(
        HashingVectorizer(n_features=2**15, ngram_range=(1, 2), alternate_sign=False),
        HashingVectorizer(n_features=2**16, analyzer="char_wb", ngram_range=(3, 5), alternate_sign=False),
    )


def features_of_items(items: Sequence[str]) -> sparse.csr_matrix:
    """Words and pieces of words of normalised items, (items, features), each half with Euclidean length 1.

    Hashed, so that there is no vocabulary to keep.
    """
    if not items:
        return sparse.csr_matrix((0, 2**15 + 2**16))
    return _features().transform(items)


class WordReward:
    """Scores answers line by line; a reward function in the sense of `topfive.ppo`.

    weights: (features,) of items. new: worth of a line that is not there already. whole: worth of a valid list.
    Scores are shifted and scaled by `mean` and `std`.
    """

    def __init__(self, weights: NDArray[np.float64], new: float, whole: float, mean: float = 0.0, std: float = 1.0):
        self.weights, self.new, self.whole, self.mean, self.std = weights, new, whole, mean, std

    def __call__(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """What each of the first five lines adds, (n, 5); the sum over lines is the score. `prompts` are not read.

        What belongs to the whole list is paid with the fifth line.
        """
        lines = np.zeros((len(answers), LENGTH))
        found, where = [], []
        for row, answer in enumerate(answers):
            parsed = parse(answer)
            items = [normalise(item) for item in parsed.items[:LENGTH]]
            lines[row, -1] = self.whole * parsed.valid - self.mean
            for line, item in enumerate(items):
                if item and item not in items[:line]:
                    found.append(item)
                    where.append((row, line))
        if found:
            worth = features_of_items(found) @ self.weights + self.new
            np.add.at(lines, tuple(np.array(where).T), worth)
        return torch.tensor(lines / self.std, dtype=torch.float32)

    def scores(self, prompts: Sequence[str], answers: Sequence[str]) -> Tensor:
        """Score of each answer, (n,)."""
        return self(prompts, answers).sum(dim=1)

    def normalise(self, prompts: Sequence[str], answers: Sequence[str]) -> None:
        """Shift and scale so that these answers score mean 0, standard deviation 1 (Ziegler et al. 2019, 2.1)."""
        self.mean, self.std = 0.0, 1.0
        self.mean, self.std = mean_and_std(self.scores(prompts, answers))

    def save(self, folder: Path) -> None:
        """Write the weights (half precision) and the four numbers."""
        folder.mkdir(parents=True, exist_ok=True)
        save_file({"weights": torch.tensor(self.weights, dtype=torch.float16)}, folder / _FILES[0])
        numbers = {"new": self.new, "whole": self.whole, "mean": self.mean, "std": self.std}
        (folder / _FILES[1]).write_text(json.dumps(numbers) + "\n", "utf-8")

    @classmethod
    def load(cls, folder: Path) -> "WordReward":
        """Read what `save` wrote. Raises TopFiveError if the folder does not hold a whole one."""
        recover(folder)
        try:
            weights = load_file(folder / _FILES[0])["weights"].double().numpy()
            numbers = json.loads((folder / _FILES[1]).read_text("utf-8"))
            if weights.shape != (2**15 + 2**16,) or not np.isfinite(weights).all():
                raise ValueError(f"weights of shape {weights.shape}, or not numbers")
            four = {key: float(numbers[key]) for key in ("new", "whole", "mean", "std")}
            if not np.isfinite(list(four.values())).all() or four["std"] <= 0:
                raise ValueError(f"{four}: not four finite numbers, the last above 0")
            return cls(weights, **four)
        except Exception as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise TopFiveError(f"{folder}: not a usable word reward ({reason})") from error


def fit_word_reward(rankings: Sequence[Ranking], ridge: float = RIDGE) -> WordReward:
    """The word reward that makes these rankings likeliest, less `ridge` times its squared length.

    Raises TopFiveError if no ranking prefers anything to anything.
    """
    usable = [ranking for ranking in map(drop_duplicates, rankings) if ranking is not None]
    if not usable:
        raise TopFiveError("no ranking to learn from: in each of them all lists are equal or tied")
    lengths = [len(ranking.texts) for ranking in usable]
    ranks = torch.nn.utils.rnn.pad_sequence([torch.tensor(ranking.ranks) for ranking in usable], batch_first=True)
    choices = sum(length - 1 for length in lengths)
    design = _design([text for ranking in usable for text in ranking.texts])
    # The best weights are a sum of the lists' features (the representer theorem): solve for one number a list.
    kernel = torch.tensor((design @ design.T).toarray())
    dual = torch.zeros(len(kernel), dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([dual], max_iter=100, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        utilities = kernel @ dual
        scores = torch.nn.utils.rnn.pad_sequence(utilities.split(lengths), batch_first=True)
        loss = plackett_luce_loss(scores, ranks) * choices + ridge * (dual @ utilities)
        loss.backward()
        return loss

    optimizer.step(closure)
    solution = design.T @ dual.detach().numpy()
    return WordReward(solution[:-2], new=float(solution[-2]), whole=float(solution[-1]))


def word_accuracy(reward: WordReward, rankings: Sequence[Ranking]) -> Estimate:
    """Pair accuracy on rankings that the reward was not fitted to."""
    scored = [reward.scores([one.prompt.text] * len(one.texts), one.texts).double().numpy() for one in rankings]
    return pair_accuracy(scored, rankings)


def _design(texts: Sequence[str]) -> Any:
    """Features of lists, (n, features + 2): those of its different items summed, how many they are, whether valid."""
    rows: list[int] = []
    items: list[str] = []
    form = np.zeros((len(texts), 2))
    for row, text in enumerate(texts):
        parsed = parse(text)
        different = dict.fromkeys(normalise(item) for item in parsed.items[:LENGTH] if item)
        items += different
        rows += [row] * len(different)
        form[row] = len(different), parsed.valid
    member = sparse.csr_matrix((np.ones(len(rows)), (rows, range(len(rows)))), shape=(len(texts), len(rows)))
    features: Any = member @ features_of_items(items)
    return sparse.hstack([features, sparse.csr_matrix(form)], format="csr")
