"""Over-optimisation: the more a policy is tuned to a reward model, the less that model says about it.

Curves that describe it, with what lists are really worth (gold) against how far a policy has moved; and a reward that
says less where reward models disagree. The best of n of recorded lists is `reward.measure.best_of_n_mean`.
"""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Form = Literal["best of n", "rl"]


def fit_gold(distance: Floats, gold: Floats, form: Form) -> Floats:
    """α and β of the curve that Gao, Schulman & Hilton (2023, sections 1, 3) found gold rewards to follow.

    distance: (n,) float, d = √KL to the SFT model, KL in nats. gold: (n,) float, gain over the SFT model, in any unit.
    form: "best of n" for the gain d (α − β d), "rl" for d (α − β log d). Least squares over all points, each alike.
    Both forms are 0 at d = 0 whatever α and β are, so points there say nothing.
    Returns (2,) float: α, β. Raises ValueError for another form, and if fewer than two different distances are above 0.
    """
    if form not in ("best of n", "rl"):
        raise ValueError(f"form should be 'best of n' or 'rl', got {form!r}")
    moved = distance > 0
    d = distance[moved]
    if len(np.unique(d)) < 2:
        raise ValueError("two numbers need at least two different distances above 0")
    bend = d if form == "best of n" else np.log(d)
    return np.asarray(np.linalg.lstsq(np.column_stack([d, -d * bend]), gold[moved])[0], dtype=np.float64)


def lower_bound(scores: Tensor, doubt: float) -> Tensor:
    """What an ensemble of reward models says of each answer, less the more its members disagree.

    scores: (members, answers) float. Each member has a zero and a unit of its own, so its scores are first brought to
    mean 0 and standard deviation 1 over the answers; a member that gives all answers the same score says 0 of each.
    doubt: how many standard deviations over the members are taken off their mean. Both deviations are those of a
    population: they divide by how many there are, not by one less.
    After Coste et al. (2024), whose uncertainty-weighted optimisation takes off the variance; ours takes off the
    standard deviation, which has the unit of the scores. Returns (answers,) float.
    """
    spread = scores.std(dim=1, correction=0, keepdim=True)
    alike = (scores == scores[:, :1]).all(dim=1, keepdim=True)  # a spread may be off 0 by a rounding error
    standard = ((scores - scores.mean(dim=1, keepdim=True)) / spread).masked_fill(alike, 0.0)
    return standard.mean(dim=0) - doubt * torch.std(standard, dim=0, correction=0)
