"""Scores from preferences: Elo, Bradley–Terry with ties and leaning, Plackett–Luce, and which pair to ask next.

Lists are numbered from 0, and all functions take arrays of such numbers. The outcome of a comparison is 0 if the list
shown first was preferred, 1 for the second, 2 for a tie. What this leaves out: reading the lists. A score here belongs
to one list and says nothing about another; that is the reward model's part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from topfive.errors import TopFiveError

FIRST, SECOND, TIE = 0, 1, 2
NO_TIES, TIE_PRIOR = -40.0, 3.0  # of the logarithm of ν
LEANS, NINETY_NINE = float(np.log(3)), 2.5758  # see `left_clickers`; half-width of a 99 % interval, in errors
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def elo(first: Integers, second: Integers, outcome: Integers, lists: int, k: float = 4.0) -> Floats:
    """Elo ratings after comparisons, taken one by one in their order (Elo 1978). All begin at 1000.

    first, second, outcome: (n,) whole numbers. lists: how many there are. k: points at stake (4 is evalica's).
    A list that is 400 points ahead is expected to win ten times as often as it loses; a tie is half a win.
    Returns (lists,) float.
    """
    ratings = np.full(lists, 1000.0)
    for a, b, result in zip(first, second, outcome, strict=True):
        expected = 1 / (1 + 10 ** ((ratings[b] - ratings[a]) / 400))
        change = k * ({FIRST: 1.0, SECOND: 0.0, TIE: 0.5}[int(result)] - expected)
        ratings[a] += change
        ratings[b] -= change
    return ratings


def preference_loss(
    scores: Tensor, first: Tensor, second: Tensor, outcome: Tensor, tie: Tensor, lean: Tensor
) -> Tensor:
    """Mean surprise of comparisons, in nats, under Bradley–Terry with ties and a pull towards what is shown first.

    scores: (lists,) float. first, second, outcome: (n,) int64. tie: () float, the logarithm of Davidson's ν.
    lean: (n,) float, half of which the first list gains and the second loses.
    Returns a scalar with a gradient to scores, tie and lean.
    Davidson 1970, equation 2.4, with an order effect as in Davidson & Beaver 1977.
    """
    ahead, behind = scores[first], scores[second]
    logits = torch.stack([ahead + lean / 2, behind - lean / 2, tie + (ahead + behind) / 2], dim=1)
    return F.cross_entropy(logits, outcome)


def plackett_luce_step(strengths: Floats, orders: Sequence[Sequence[int]]) -> Floats:
    """One step of Hunter's algorithm towards the strengths that make the orders likeliest (Hunter 2004, equation 30).

    strengths: (lists,) float, above 0. orders: each a sequence of list numbers, best first, of any length from 2.
    Each new strength is how often the list was chosen over its exposure: the sum, over the choices in which it was
    there, of 1 / (the strengths that were there). The last of an order was not chosen.
    A list without exposure keeps its strength before the scaling, and one that is never chosen gets 0.
    Returns (lists,) float, all scaled so that the mean is 1.
    """
    chosen, exposure = np.zeros(len(strengths)), np.zeros(len(strengths))
    for order in orders:
        for stage in range(len(order) - 1):
            there = list(order[stage:])
            chosen[there[0]] += 1
            exposure[there] += 1 / strengths[there].sum()
    seen = exposure > 0
    updated = np.where(seen, chosen / np.where(seen, exposure, 1), strengths)
    return np.asarray(updated / updated.mean())


def fit_plackett_luce(
    orders: Sequence[Sequence[int]],
    lists: int,
    tolerance: float = 1e-9,
    step_fn: Callable[[Floats, Sequence[Sequence[int]]], Floats] = plackett_luce_step,
) -> Floats:
    """Strengths, (lists,) with mean 1, that make the orders likeliest.

    step_fn: one step towards them, with the signature of `plackett_luce_step`.
    Raises TopFiveError if there are none: some list won every choice that it was in, or lost every one.
    """
    strengths = np.ones(lists)
    for _ in range(10_000):
        updated = np.asarray(step_fn(strengths, orders), dtype=float)
        if np.abs(updated - strengths).max() < tolerance:
            return updated
        if not (updated > 1e-12).all():
            break
        strengths = updated
    raise TopFiveError("no strengths fit these orders best: a list, or a group of them, always or never comes first")


def leaning(margins: Floats, picks: Integers, prior: float = 1.0) -> tuple[float, float]:
    """How far one labeller leans towards what is shown first: the likeliest leaning and its standard error.

    margins: (n,) float, score of the list shown first less that of the second. picks: (n,), 1 if the first was
    preferred, 0 if the second. The chance of the first is σ(margin + leaning). prior: standard deviation of leanings
    among people, around 0. Returns (leaning, standard error), the error from the curvature at the maximum
    (Laplace's approximation; Rasmussen & Williams 2006, section 3.4).
    """
    lean = 0.0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(margins + lean)))
        curvature = (chance * (1 - chance)).sum() + 1 / prior**2
        step = ((picks - chance).sum() - lean / prior**2) / curvature
        lean += float(np.clip(step, -1, 1))
        if abs(step) < 1e-10:
            break
    return lean, float(curvature**-0.5)


def next_pair(mean: Floats, covariance: Floats, closed: NDArray[np.bool_]) -> tuple[int, int]:
    """The pair whose answer is worth most: the largest p (1 − p) · variance of the difference of the two scores.

    mean: (lists,) and covariance: (lists, lists) of what is known about the scores. p: σ(difference of the means).
    closed: (lists, lists) symmetric, true for pairs not to be asked (again). Of equal ones the first in the order
    (0, 1), (0, 2), …, (1, 2), …. Returns (i, j) with i < j. Raises TopFiveError if every pair is closed.
    To first order what an answer tells about the scores (MacKay 1992; Houlsby et al. 2011).
    """
    difference = mean[:, None] - mean[None, :]
    spread = np.diag(covariance)[:, None] + np.diag(covariance)[None, :] - 2 * covariance
    chance = 1 / (1 + np.exp(-difference))
    open_pairs = np.triu(~np.asarray(closed, dtype=bool), k=1)
    if not open_pairs.any():
        raise TopFiveError("every pair is closed: there is none left to choose")
    worth = np.where(open_pairs, chance * (1 - chance) * spread, -np.inf)
    i, j = np.unravel_index(int(worth.argmax()), worth.shape)
    return int(i), int(j)


# --- fits --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Comparisons:
    """What people said about pairs of lists, (n,) each; numbers as at the head of this file.

    labellers: names; "" for answers without a first and a second, such as those of a ranking, which lean to none.
    """

    first: Integers
    second: Integers
    outcome: Integers
    labellers: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.outcome)


@dataclass(frozen=True)
class Fit:
    """Scores of lists, (lists,) with mean 0; the logarithm of ν; and how far each labeller leans to the first list.

    errors: of the leanings.
    """

    scores: Floats
    tie: float
    leanings: dict[str, float]
    errors: dict[str, float]


def fit_scores(
    given: Comparisons,
    lists: int,
    prior: float = 2.0,
    lean_prior: float = 1.0,
    loss_fn: Callable[..., Tensor] = preference_loss,
) -> Fit:
    """Bradley–Terry with ties, and a leaning for each labeller, at the maximum of the posterior.

    prior, lean_prior: standard deviations of scores and leanings around 0, in nats. They keep a list that won every
    time, and a labeller who always took the first, at finite numbers. Raises TopFiveError if nothing was compared.
    loss_fn: mean surprise of comparisons, with the signature of `preference_loss`.
    """
    if not len(given):
        raise TopFiveError("no comparison to learn from")
    names = sorted(set(given.labellers))
    whose = torch.tensor([names.index(name) for name in given.labellers])
    sided = torch.tensor([float(name != "") for name in given.labellers], dtype=torch.float64)
    first, second, outcome = (torch.tensor(array) for array in (given.first, given.second, given.outcome))
    scores = torch.zeros(lists, dtype=torch.float64, requires_grad=True)
    lean = torch.zeros(len(names), dtype=torch.float64, requires_grad=True)
    tied = bool((outcome == TIE).any())  # where nobody tied, there is no ν to learn
    tie = torch.full((), 0.0 if tied else NO_TIES, dtype=torch.float64, requires_grad=tied)
    learned = [scores, lean, *([tie] if tied else [])]
    optimizer = torch.optim.LBFGS(learned, max_iter=500, tolerance_grad=1e-6, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        surprise = loss_fn(scores, first, second, outcome, tie, lean[whose] * sided) * len(given)
        loss = surprise + (scores / prior).square().sum() / 2 + (lean / lean_prior).square().sum() / 2
        loss = loss + (tie / TIE_PRIOR).square() / 2  # where everybody tied, ν would grow for ever
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        found = scores.numpy().copy()
        errors = _lean_errors(scores, first, second, tie, lean, whose, lean_prior)
    return Fit(
        found - found.mean(),
        tie.item(),
        {name: pull for name, pull in zip(names, lean.tolist(), strict=True) if name},
        {name: error for name, error in zip(names, errors.tolist(), strict=True) if name},
    )


def left_clickers(leanings: Mapping[str, tuple[float, float]]) -> list[str]:
    """Labellers who take what is shown first whatever the lists are.

    leanings: by labeller, the leaning and its standard error. They are those whose 99 % interval lies above `LEANS`:
    of two equally good lists they take the first at least three times as often as the second.
    """
    return [name for name, (lean, error) in leanings.items() if lean - NINETY_NINE * error > LEANS]


def _lean_errors(
    scores: Tensor, first: Tensor, second: Tensor, tie: Tensor, lean: Tensor, whose: Tensor, prior: float
) -> Tensor:
    """Standard errors of leanings, (labellers,), the scores taken as known."""
    ahead, behind, pull = scores[first], scores[second], lean[whose]
    chance = torch.stack([ahead + pull / 2, behind - pull / 2, tie + (ahead + behind) / 2], dim=1).softmax(dim=1)
    towards = torch.tensor([0.5, -0.5, 0.0], dtype=torch.float64)
    variance = chance @ towards.square() - (chance @ towards).square()
    curvature = torch.zeros_like(lean).index_add(0, whose, variance) + 1 / prior**2
    return curvature.rsqrt()
