"""Exercise 7.4: the best of n, from more than n."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.reward import measure


def _cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(prompts: int, m: int, alike: float = 0.5) -> tuple[Tensor, Tensor]:
        """Scores, and values that go along with them so far."""
        scores = torch.randn(prompts, m, generator=generator)
        return scores, alike * scores + torch.randn(prompts, m, generator=generator) + 1.5

    toy = (torch.tensor([[0.3, 2.0, 1.0, -1.0]]), torch.tensor([[4.0, 1.0, 7.0, 3.0]]))
    more = "more lists than n"
    return [
        Case("four lists, the best of two", (*toy, 2), look_at="the six pairs of lists, and whom the score likes."),
        Case("one list is no choice", (*drawn(3, 5), 1), look_at="n = 1: every list is as likely as every other."),
        Case("as many as there are", (*drawn(3, 6), 6), look_at="n = m: there is a single way to choose them."),
        Case(more, (*drawn(4, 9), 3), look_at="in how many of the ways a list is the best that was chosen."),
        Case(more, (*drawn(6, 32), 8), look_at="in how many of the ways a list is the best that was chosen."),
        Case("one prompt", (*drawn(1, 12), 4), look_at="the shape of what you return."),
        Case("scores that like what is bad", (*drawn(5, 10, -2.0), 4), look_at="what is sorted, and by what."),
        Case("many more lists than n", (*drawn(2, 64), 16), look_at="large numbers of ways, and their share."),
    ]


def _ordered(scores: Tensor, values: Tensor) -> Tensor:
    return values.gather(1, scores.argsort(dim=1))


def _weights(m: int, n: int, one: Callable[[int], float]) -> Tensor:
    return torch.tensor([one(i) for i in range(m)], dtype=torch.float64)


def _weighted(one: Callable[[int, int, int], float], scaled: bool = False) -> Function:
    """With the weight `one(i, m, n)` of list i in ascending order of score."""

    def mean(scores: Tensor, values: Tensor, n: int) -> Tensor:
        m = scores.shape[1]
        weights = _weights(m, n, lambda i: one(i, m, n))
        found = _ordered(scores, values).double() @ (weights / weights.sum() if scaled else weights)
        return found.to(values.dtype)

    return mean


def _ways(i: int, m: int, n: int) -> float:
    return math.comb(i, n - 1) / math.comb(m, n)


_best = _weighted(_ways)


def _of(change: Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]) -> Function:
    """The right mean of other scores or values."""
    return lambda scores, values, n: _best(*change(scores, values, n), n)


def _prompt_by_prompt(one: Callable[[Tensor, Tensor, int], Tensor]) -> Function:
    return lambda scores, values, n: torch.stack([one(s, v, n) for s, v in zip(scores, values, strict=True)])


def _blocks(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """The first n, the next n and so on, as far as they go; the best of each, and the mean of those."""
    whole = len(scores) // n * n
    s, v = scores[:whole].view(-1, n), values[:whole].view(-1, n)
    return v.gather(1, s.argmax(dim=1, keepdim=True)).mean()


def _neighbours(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """Every n that stand together, as a window runs over them."""
    s, v = scores.unfold(0, n, 1), values.unfold(0, n, 1)
    return v.gather(1, s.argmax(dim=1, keepdim=True)).mean()


def _at_its_own_place(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """The weights are put in the order of `argsort`, where each list's own place belongs."""
    m = scores.shape[1]
    weights = _weights(m, n, lambda i: _ways(i, m, n))
    return (values.double() * weights[scores.argsort(dim=1)]).sum(dim=1).to(values.dtype)


def _ordered_twice(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """The values in the order of the lists' places."""
    m = scores.shape[1]
    weights = _weights(m, n, lambda i: _ways(i, m, n))
    return (values.gather(1, scores.argsort(dim=1).argsort(dim=1)).double() @ weights).to(values.dtype)


def _one_order(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """The first prompt's order for all."""
    return _best(scores[:1].expand_as(scores), values, n)


def _down(scores: Tensor, values: Tensor, n: int) -> Tensor:
    """Sorted over the prompts."""
    m = scores.shape[1]
    weights = _weights(m, n, lambda i: _ways(i, m, n))
    return (values.gather(0, scores.argsort(dim=0)).double() @ weights).to(values.dtype)


def _after(change: Callable[[Tensor, Tensor], Tensor]) -> Function:
    """Something done to the right means; `change` sees them and the values."""
    return lambda scores, values, n: change(_best(scores, values, n), values)


EXERCISE = Exercise(
    number="7.4",
    title="The best of n, from more than n",
    points=3,
    minutes=15,
    solution=measure.best_of_n_mean,
    cases=_cases,
    axes=("prompt",),
    atol=1e-4,
    mistakes=(
        Mistake(
            "the best of the first n",
            _prompt_by_prompt(lambda scores, values, n: values[scores[:n].argmax()]),
            "That is what comes out when the first n lists are taken and the others thrown away. Any n of them could "
            "have been chosen, and all ways together say it far more exactly. Look at: what is done with the rest.",
            also=(_prompt_by_prompt(lambda scores, values, n: values[scores[-n:].argmax() + len(scores) - n]),),
        ),
        Mistake(
            "n lists that stand together",
            _prompt_by_prompt(_blocks),
            "That is what comes out when the lists are cut into groups of n, and the best of each group is taken. "
            "Those are only a few of the ways to choose n of them. Look at: how many ways there are.",
            also=(_prompt_by_prompt(_neighbours),),
        ),
        Mistake(
            "the mean of the best n",
            _prompt_by_prompt(lambda scores, values, n: values[scores.topk(n).indices].mean()),
            "That is what comes out when the n lists with the highest scores are averaged. Of n that were chosen by "
            "chance, one is kept. Look at: which list is kept, and how often it is this one.",
            also=(_prompt_by_prompt(lambda scores, values, n: values[scores.topk(n, largest=False).indices].mean()),),
        ),
        Mistake(
            "the best of the best n",
            _prompt_by_prompt(lambda scores, values, n: values[scores.topk(n).indices].max()),
            "That is what comes out when the score picks n lists and the value picks one of those. The one who chooses "
            "sees scores only. Look at: where `values` enters.",
        ),
        Mistake(
            "the best of all",
            _prompt_by_prompt(lambda scores, values, n: values[scores.argmax()]),
            "That is what comes out when the list with the highest score of all m is always kept. It has to be among "
            "the n that were chosen. Look at: where n enters.",
        ),
        Mistake(
            "chosen by value",
            lambda scores, values, n: _best(values, values, n),
            "That is what comes out when the values are sorted by themselves: who chooses then knows what the lists "
            "are really worth. It is the score that chooses. Look at: what decides the order.",
            also=(_prompt_by_prompt(lambda scores, values, n: values.max()),),
        ),
        Mistake(
            "the score of what is kept",
            lambda scores, values, n: _best(scores, scores, n),
            "That is what comes out when the mean *score* of the list that is kept is returned. That rises with n "
            "whatever happens. Look at: what the chosen list is really worth.",
            also=(
                lambda scores, values, n: scores.max(dim=1).values,
                lambda scores, values, n: scores.topk(n, dim=1).values.mean(dim=1),
                lambda scores, values, n: scores[:, :n].max(dim=1).values,
            ),
        ),
        Mistake(
            "values are chosen, scores are returned",
            lambda scores, values, n: _best(values, scores, n),
            "That is what comes out when scores and values have changed places. Look at: which of the two decides, and "
            "which is averaged.",
        ),
        Mistake(
            "the worst of n",
            _of(lambda scores, values, n: (-scores, values)),
            "That is what comes out when the list with the lowest score is kept, or the weights run the other way than "
            "the order. Look at: `descending`, and which list has the largest weight.",
        ),
        Mistake(
            "not sorted",
            lambda scores, values, n: _best(torch.arange(values.shape[1]).expand_as(values).float(), values, n),
            "That is what comes out when the lists stay in the order in which they came. Look at: what list i has to "
            "be the i-th of.",
        ),
        Mistake(
            "weights in the order of argsort",
            _at_its_own_place,
            "That is what comes out when the answer of `argsort` is taken for the lists' places. It says which list "
            "comes first, second and so on; the values have to be put in that order, not the weights. "
            "Look at: what is indexed with it.",
            also=(_ordered_twice,),
        ),
        Mistake(
            "one order for all prompts",
            _one_order,
            "That is what comes out when one order is used for every prompt. Each has scores of its own. "
            "Look at: `dim`, and what is indexed.",
            also=(
                lambda scores, values, n: _best(scores.mean(dim=0, keepdim=True).expand_as(scores), values, n),
                _down,
            ),
        ),
        Mistake(
            "n lists below it, instead of n − 1",
            _weighted(lambda i, m, n: math.comb(i, n) / math.comb(m, n)),
            "That is what comes out when n others, or n − 2, have to be chosen from those below. The list itself "
            "is one of the n. Look at: the sum of your weights, which should be 1.",
            also=(
                _weighted(lambda i, m, n: math.comb(i, n), scaled=True),
                _weighted(lambda i, m, n: math.comb(i, max(n - 2, 0)) / math.comb(m, n)),
            ),
        ),
        Mistake(
            "one place off",
            _weighted(lambda i, m, n: math.comb(i + 1, n - 1) / math.comb(m, n)),
            "That is what comes out when the list itself is counted among those below it, or one of those is not. "
            "Look at: how many lists have a lower score than the lowest, and your sum of weights.",
            also=(
                _weighted(lambda i, m, n: math.comb(i + 1, n - 1), scaled=True),
                _weighted(lambda i, m, n: math.comb(max(i - 1, 0), n - 1) / math.comb(m, n)),
            ),
        ),
        Mistake(
            "numbers of ways are not divided",
            _weighted(lambda i, m, n: math.comb(i, n - 1)),
            "That is what comes out when ways are counted and not divided by all there are. Look at: the sum of your "
            "weights, which should be 1.",
        ),
        Mistake(
            "divided by another number",
            _weighted(lambda i, m, n: math.comb(i, n - 1) / math.comb(m - 1, n - 1)),
            "That is what comes out when the ways are divided by something else than the ways to choose n of m. "
            "Look at: the sum of your weights, which should be 1.",
            also=(
                _weighted(lambda i, m, n: math.comb(i, n - 1) / math.comb(m, n - 1)),
                _weighted(lambda i, m, n: math.comb(i, n - 1) / m),
                _weighted(lambda i, m, n: math.comb(i, n - 1) / math.comb(m, n) / m),
                _weighted(lambda i, m, n: math.comb(i, n - 1) / math.perm(m, n)),
                _weighted(lambda i, m, n: math.comb(i, n - 1) / m**n),
            ),
        ),
        Mistake(
            "weights are whole numbers",
            _weighted(lambda i, m, n: math.comb(i, n - 1) // math.comb(m, n)),
            "That is what comes out when the weights are made whole numbers: most are below 1, and nothing is left of "
            "them. Look at: the sum of your weights, which should be 1; and / and //.",
            also=(_weighted(lambda i, m, n: round(math.comb(i, n - 1) / math.comb(m, n))),),
        ),
        Mistake(
            "the same list twice",
            _weighted(lambda i, m, n: ((i + 1) / m) ** n - (i / m) ** n),
            "That is what comes out when a list may be chosen more than once, as in 5.9. Here n *different* ones are "
            "chosen of m. Look at: n = m, where the best of all is certain.",
            "the formula for draws with replacement",
            also=(_weighted(lambda i, m, n: (i / max(m - 1, 1)) ** (n - 1), scaled=True),),
        ),
        Mistake(
            "at most instead of exactly",
            _weighted(lambda i, m, n: math.comb(i + 1, n) / math.comb(m, n)),
            "That is what comes out when the weight is the share of ways in which the best is list i *or a lower one*. "
            "Look at: the sum of your weights, which should be 1.",
        ),
        Mistake(
            "one list stands for all",
            _prompt_by_prompt(lambda s, v, n: v[s.argsort()[min(round(len(s) * n / (n + 1)), len(s) - 1)]]),
            "That is what comes out when only the list is looked at that is kept most often, or in the middle. "
            "Look at: the mean over all ways to choose.",
            also=(
                _prompt_by_prompt(lambda s, v, n: v[s.argsort()[min(int(len(s) * n / (n + 1)), len(s) - 1)]]),
                _prompt_by_prompt(lambda s, v, n: v[s.argsort()[n - 1]]),
                _prompt_by_prompt(lambda s, v, n: v[s.argsort(descending=True)[n - 1]]),
            ),
        ),
        Mistake(
            "nothing is chosen",
            lambda scores, values, n: values.mean(dim=1),
            "That is what comes out when all lists are averaged: one sample, whatever n is. Look at: where `scores` "
            "and n enter.",
        ),
        Mistake(
            "one of one is the first, or the best",
            lambda scores, values, n: values[:, 0] if n == 1 else _best(scores, values, n),
            "That is what comes out when n = 1 has a rule of its own. It needs none: any of the m lists may be the one "
            "that is chosen. Look at: your first lines.",
            also=(
                lambda scores, values, n: (
                    values.gather(1, scores.argmax(dim=1, keepdim=True))[:, 0] if n == 1 else _best(scores, values, n)
                ),
                lambda scores, values, n: torch.zeros(len(values)) if n == 1 else _best(scores, values, n),
            ),
        ),
        Mistake(
            "one number for all prompts",
            _after(lambda found, values: found.mean()),
            "That is what comes out when the prompts are averaged. Each has a number of its own, so that prompts can "
            "be resampled. Look at: the shape in the docstring.",
            also=(
                _after(lambda found, values: found.sum()),
                _after(lambda found, values: found.mean().expand(len(found))),
            ),
        ),
        Mistake(
            "the gain",
            _after(lambda found, values: found - values.mean(dim=1)),
            "That is what comes out when the mean of all lists is taken off: what choosing gains. Wanted is the "
            "value itself. Look at: your last line.",
            also=(
                _after(
                    lambda found, values: (
                        (found - values.mean(dim=1)) / (values - values.mean(dim=1, keepdim=True)).std()
                    )
                ),
            ),
        ),
        Mistake(
            "added up over the prompts",
            lambda scores, values, n: (
                _ordered(scores, values)
                * _weights(values.shape[1], n, lambda i: _ways(i, values.shape[1], n)).to(values.dtype)
            ).sum(dim=0),
            "That is what comes out when the products are added up over the prompts, not over the lists of each. "
            "Look at: `dim` of the sum.",
        ),
        Mistake(
            "not added up",
            lambda scores, values, n: (
                _ordered(scores, values)
                * _weights(values.shape[1], n, lambda i: _ways(i, values.shape[1], n)).to(values.dtype)
            ),
            "That is what comes out when values and weights are multiplied and not added up. A prompt has one number. "
            "Look at: the shape of what you return.",
        ),
    ),
    hints=(
        "Sort the lists of a prompt by score, lowest first. If n of them are chosen, in how many of the ways is list i "
        "the best one? Then all the others that were chosen stand below it.",
        "Of the lists in ascending order, counted from 0, i stand below list i, and n − 1 of them have to be the "
        "others. `math.comb(a, b)` counts the ways to choose b of a; it is 0 if there are too few.",
        "Divided by all ways to choose n of m these are weights that sum to 1. `values.gather(1, …)` with the answer "
        "of `scores.argsort(dim=1)` puts the values in order; `@` does the rest.",
    ),
)
