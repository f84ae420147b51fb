"""Exercise 3.5: top-k and top-p."""

from functools import partial

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import sampling


def _truncate_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator, dtype=dtype)

    by_hand = torch.tensor([[0.15, 0.5, 0.1, 0.25]]).log()
    sure = drawn(3, 8)
    sure[:, 4] = 12.0
    rows = drawn(6, 30)
    return [
        Case("top-k: the two largest of four", (by_hand, 2, 1.0), look_at="the second largest: it stays."),
        Case("top-p: 0.7 of four tokens", (by_hand, None, 0.7), look_at="the token with which the sum passes p."),
        Case("top-k in a batch", (rows, 5, 1.0), look_at="whether every row keeps its own five."),
        Case("top-p in a batch", (rows, None, 0.8), look_at="the order of the tokens before and after sorting."),
        Case("a model that is sure: top-p keeps at least one", (sure, None, 0.3), look_at="the first token."),
        Case("both: top-p of what top-k left", (rows, 6, 0.6), look_at="whether the softmax comes after top-k."),
        Case("neither, and k beyond the vocabulary", (rows, None, 1.0), look_at="what is to be left out: nothing."),
        Case("neither, and k beyond the vocabulary", (by_hand, 9, 1.0), look_at="k when it is too large for topk."),
        Case("three dimensions in float64", (drawn(2, 3, 12, dtype=torch.float64), 9, 0.9), look_at="`dim=-1`."),
    ]


def _truncate(logits: Tensor, top_k: int | None = None, top_p: float = 1.0, *, wrong: str = "") -> Tensor:
    original, gone = logits, 0.0 if wrong == "zero" else -torch.inf
    if top_k is not None and (wrong == "k too large" or top_k < logits.shape[-1]):
        best = logits.flatten().topk(top_k).values if wrong == "whole batch" else logits.topk(top_k, dim=-1).values
        out = logits <= best[..., -1:] if wrong == "kth" else logits < best[..., -1:]
        logits = logits.masked_fill(out, gone)
    if top_p < 1.0:
        ordered, order = (original if wrong == "p of all" else logits).sort(dim=-1, descending=True)
        probabilities = ordered.softmax(dim=-1)
        if wrong == "unsorted":
            order = torch.arange(logits.shape[-1]).expand_as(order)
            probabilities = logits.softmax(dim=-1)
        mass = probabilities.cumsum(dim=-1)
        out = mass > top_p if wrong in ("crossing", "crossing but one") else mass - probabilities >= top_p
        if wrong == "crossing but one":
            out[..., 0] = False
        if wrong == "stays sorted":
            return ordered.masked_fill(out, gone)
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), gone)
    return logits.softmax(dim=-1) if wrong == "probabilities" else logits


EXERCISE = Exercise(
    number="3.5",
    title="Top-k and top-p",
    points=3,
    minutes=15,
    solution=sampling.truncate_logits,
    cases=_truncate_cases,
    mistakes=(
        Mistake(
            "the token that passes p is dropped, even the only one",
            partial(_truncate, wrong="crossing"),
            "That is what comes out when only tokens stay whose running sum is at most p. The nucleus has to reach p, "
            "so the token that passes it belongs to it; otherwise a model that is sure has nothing left to say. "
            "Look at: the sum before a token, not with it.",
            "Holtzman et al. 2020, section 3.1: the smallest set whose sum is at least p",
        ),
        Mistake(
            "the token that passes p is dropped",
            partial(_truncate, wrong="crossing but one"),
            "You keep the likeliest, but drop the token with which the sum passes p. The nucleus is the smallest set "
            "that reaches p, and without that token it does not. Look at: the sum before a token, not with it.",
            "Holtzman et al. 2020, section 3.1",
        ),
        Mistake(
            "adds up without sorting",
            partial(_truncate, wrong="unsorted"),
            "That is what comes out when probabilities are added up in the order of the vocabulary: which tokens stay "
            "then depends on their numbers. Look at: what you sort before `cumsum`.",
        ),
        Mistake(
            "stays sorted",
            partial(_truncate, wrong="stays sorted"),
            "That is what comes out when the sorted logits are returned: token 0 gets what belongs to the likeliest. "
            "Look at: the way back to the order of the vocabulary (`scatter`, or sorting the order).",
        ),
        Mistake(
            "0 instead of −∞",
            partial(_truncate, wrong="zero"),
            "That is what comes out when what is left out gets the logit 0. exp(0) is 1, so it stays quite likely; "
            "only −∞ has probability 0. Look at: what you fill in.",
        ),
        Mistake(
            "probabilities come back",
            partial(_truncate, wrong="probabilities"),
            "These are probabilities; logits were wanted, so that the softmax comes once, at the very end. "
            "Look at: your last line.",
        ),
        Mistake(
            "top-p of everything",
            partial(_truncate, wrong="p of all"),
            "Each of the two is right alone. Together, top-p is taken of what top-k left: its probabilities are shared "
            "out anew and sum to 1. Look at: which logits go into the softmax.",
            "the order of the warpers in transformers' generate",
        ),
        Mistake(
            "the k-th is dropped",
            partial(_truncate, wrong="kth"),
            "That is what comes out when the k-th largest goes too: you keep k − 1. Look at: < and ≤.",
        ),
        Mistake(
            "the k largest of the whole batch",
            partial(_truncate, wrong="whole batch"),
            "That is what comes out when the k largest of the whole batch stay: some rows keep nothing. "
            "Look at: `dim` in topk.",
        ),
        Mistake(
            "k beyond the vocabulary",
            partial(_truncate, wrong="k too large"),
            "`topk` cannot give more than there are. If k is at least the size of the vocabulary, all of it stays. "
            "Look at: the `if` before top-k.",
        ),
    ),
    hints=(
        "Top-k: `logits.topk(k, dim=-1).values[..., -1:]` is the smallest logit that stays, row by row. "
        "`masked_fill(logits < that, -torch.inf)` does the rest.",
        "Top-p: `sort` (largest first) gives the sorted logits and their order. Softmax, then `cumsum`. A token goes "
        "if the ones *before* it already sum to p; `cumsum − probability` is that sum.",
        "The way back: you know for each sorted place whether it goes. `torch.zeros_like(logits, dtype=torch.bool)"
        ".scatter(-1, order, goes)` says it for each token of the vocabulary. Use the logits that top-k left.",
    ),
)
