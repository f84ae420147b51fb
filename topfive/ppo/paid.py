"""What a reward function returned, made into a tensor; and the rule that every answer gets a number."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from topfive.errors import TopFiveError


def as_scores(returned: Any, answers: int) -> Tensor:
    """What a reward function returned for so many answers, as float32: (answers,), or (answers, lines).

    Taken are tensors, NumPy arrays, and lists of whatever is a number, as TRL's reward functions return; one number in
    a row of its own is one score. TRL's None, "does not apply here", is refused: there another function has its say,
    here there is only one.
    Raises TopFiveError, in words, for anything else.
    """
    scores = returned.detach() if isinstance(returned, Tensor) else torch.from_numpy(_as_array(returned))
    if scores.is_complex():
        raise TopFiveError("the reward function returned complex numbers; a score is one real number")
    if scores.ndim not in (1, 2) or len(scores) != answers or scores.numel() == 0:
        raise TopFiveError(
            f"the reward function returned shape {tuple(scores.shape)} for {answers} answers; it should return a score "
            "for each of them, (answers,), or what each line adds, (answers, lines)"
        )
    scores = scores.float()
    return scores[:, 0] if scores.shape[1:] == (1,) else scores


def _as_array(returned: Any) -> NDArray[np.float64]:
    if returned is None:
        raise TopFiveError("the reward function returned nothing (None); is its `return` missing?")
    if isinstance(returned, (list, tuple)):
        returned = [one.tolist() if isinstance(one, (Tensor, np.ndarray)) else one for one in returned]
        if None in returned:
            raise TopFiveError(
                f"the reward function returned None for answer {returned.index(None) + 1} of {len(returned)}; every "
                "answer needs a number, for instance 0.0 where there is nothing to say"
            )
    try:
        found = np.asarray(returned)
        if found.dtype.kind in "biufO":
            return found.astype(np.float64)
    except (TypeError, ValueError, OverflowError):  # rows of different lengths, no numbers, or too large a one
        pass
    raise TopFiveError(
        f"the reward function returned a {type(returned).__name__} that is not all numbers, in rows of one length: "
        f"{repr(returned)[:80]}"
    )


def check_finite(paid: Tensor, read: Callable[[int], tuple[str, str]]) -> None:
    """Raise TopFiveError if a score is NaN or infinite, with the prompt and the answer that `read(row)` gives.

    paid: (batch,) or (batch, lines).
    """
    broken = ~paid.sum(dim=1).isfinite() if paid.ndim > 1 else ~paid.isfinite()
    if broken.any():
        row = int(broken.nonzero()[0])
        prompt, answer = read(row)
        raise TopFiveError(
            f"the reward of an answer is {paid[row].tolist()}, not a finite number. Prompt: {prompt!r}. Answer: "
            f"{answer!r}. Mend the reward and go on: the policy is as it was before this step"
        )
