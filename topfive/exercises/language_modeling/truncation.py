"""Exercise 3.6: top-k and top-p."""

from collections.abc import Callable
from functools import partial
from math import log

import torch
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import sampling


def _truncate_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator)

    by_hand = torch.tensor([[0.15, 0.4, 0.05, 0.3, 0.1]]).log()
    sure = drawn(3, 8)
    sure[:, 4] = 12.0
    rows = drawn(6, 30)
    gone = rows.masked_fill(rows < rows.topk(9, dim=-1).values[..., -1:], -torch.inf)
    exact = torch.tensor([[-log(2), 0.0, -log(2)]])  # probabilities ¼, ½, ¼, to the last bit
    large = "large logits"
    nothing = "neither, and k beyond the vocabulary"
    return [
        Case("top-k: the two largest of five", (by_hand, 2, 1.0), look_at="which two stay, and what the others get."),
        Case(
            "top-p: 0.8 of five tokens",
            (by_hand, None, 0.8),
            look_at="the tokens from the likeliest to the unlikeliest, and the sum of their probabilities after each.",
        ),
        Case("top-k in a batch", (rows, 5, 1.0), look_at="whether every row keeps its own five."),
        Case("top-p in a batch", (rows, None, 0.8), look_at="the order of the tokens before and after sorting."),
        Case("a model that is sure: top-p keeps at least one", (sure, None, 0.3), look_at="the likeliest token."),
        Case("both: top-p of what top-k left", (rows, 6, 0.6), look_at="whether the softmax comes after top-k."),
        Case("both: top-p of what top-k left", (rows, 3, 0.95), look_at="whether both are done."),
        Case("one row without a batch, by name", (rows[0],), {"top_k": 9, "top_p": 0.7}, look_at="`dim=-1`."),
        Case(large, (rows + 200, None, 0.7), look_at="whether exp becomes infinite."),
        Case(large, (rows - 200, 12, 0.7), look_at="whether all exp become 0."),
        Case("tokens that are at −∞ already", (gone, 12, 0.9), look_at="what you do with a logit of −∞."),
        Case(nothing, (rows,), look_at="what is to be left out: nothing."),
        Case(nothing, (rows, 30, 1.0), look_at="a k that is the size of the vocabulary."),
        Case(nothing, (by_hand, 9, 1.0), look_at="k when it is too large for topk."),
        Case("three dimensions", (drawn(2, 3, 12), 9, 0.9), look_at="`dim=-1`."),
        Case("p is reached exactly", (exact, None, 0.5), probe=True),
        Case("p of 0", (rows, None, 0.0), probe=True),
    ]


# --- top-k, then top-p; top-p in the sorted order, and back -------------------------------------------------------

Step = Callable[[Tensor, Tensor, float], Tensor]


def _top_k(logits: Tensor, top_k: int | None, gone: float = -torch.inf) -> Tensor:
    if top_k is None or top_k >= logits.shape[-1]:
        return logits
    return logits.masked_fill(logits < logits.topk(top_k, dim=-1).values[..., -1:], gone)


def _beyond(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    """Which sorted places go: those before which the sum is p already, but never the first."""
    goes = probabilities.cumsum(dim=-1) - probabilities >= top_p
    goes[..., 0] = False
    return goes


def _softmax(logits: Tensor) -> Tensor:
    return logits.softmax(dim=-1)


def _back(goes: Tensor, order: Tensor) -> Tensor:
    return torch.zeros_like(goes).scatter(-1, order, goes)


def _top_p(
    logits: Tensor,
    top_p: float,
    *,
    beyond: Step = _beyond,
    back: Callable[[Tensor, Tensor], Tensor] = _back,
    softmax: Callable[[Tensor], Tensor] = _softmax,
    descending: bool = True,
    gone: float = -torch.inf,
) -> Tensor:
    if top_p >= 1:
        return logits
    ordered, order = logits.sort(dim=-1, descending=descending)
    return logits.masked_fill(back(beyond(softmax(ordered), ordered, top_p), order), gone)


def _truncate(
    k_step: Callable[[Tensor, int | None], Tensor] = _top_k, p_step: Callable[[Tensor, float], Tensor] = _top_p
) -> Function:
    """Both steps: right as they stand, wrong with a wrong one."""

    def truncate(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
        return p_step(k_step(logits, top_k), top_p)

    return truncate


def _by_beyond(beyond: Step) -> Function:
    return _truncate(p_step=partial(_top_p, beyond=beyond))


def _crossing(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities.cumsum(dim=-1) > top_p


def _crossing_or_reached(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities.cumsum(dim=-1) >= top_p


def _but_the_first(beyond: Step) -> Step:
    def with_the_first(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
        goes = beyond(probabilities, ordered, top_p)
        goes[..., 0] = False
        return goes

    return with_the_first


def _strictly_beyond(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities.cumsum(dim=-1) - probabilities > top_p


def _one_more(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    goes = _beyond(probabilities, ordered, top_p)
    return torch.cat([torch.zeros_like(goes[..., :1]), goes[..., :-1]], dim=-1)


def _first_row(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    """remove[0] = False, where remove[..., 0] is meant."""
    goes = _crossing(probabilities, ordered, top_p)
    goes[..., 1:] = goes[..., :-1].clone()
    goes[0] = False
    return goes


def _unshifted_first_row(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    goes = _crossing(probabilities, ordered, top_p)
    goes[0] = False
    return goes


def _turned_round(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return ~_beyond(probabilities, ordered, top_p)


def _one_nucleus(of_all: Callable[[Tensor], Tensor]) -> Function:
    """The same marks for all rows: those that `of_all` makes of theirs, (rows, vocabulary)."""

    def beyond(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
        goes = _beyond(probabilities, ordered, top_p)
        return of_all(goes.reshape(-1, goes.shape[-1])).expand_as(goes)

    return _by_beyond(beyond)


def _sorted_and_gathered(logits: Tensor, top_p: float) -> Tensor:
    """`gather` for `scatter`, with the logits themselves."""
    if top_p >= 1:
        return logits
    return _sorted_top_p(logits, top_p).gather(-1, logits.argsort(dim=-1, descending=True))


def _down_the_batch(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities.cumsum(dim=0) - probabilities >= top_p


def _over_everything(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    before = probabilities.flatten().cumsum(dim=0).view_as(probabilities) - probabilities
    return before >= top_p


def _of_logits(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return ordered.cumsum(dim=-1) - ordered >= top_p


def _crossing_of_logits(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return ordered.cumsum(dim=-1) > top_p


def _by_itself(limit: Callable[[Tensor, float], Tensor | float]) -> Function:
    return _by_beyond(lambda probabilities, ordered, top_p: probabilities < limit(probabilities, top_p))


def _below_p(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities < top_p


def _below_the_other_p(probabilities: Tensor, ordered: Tensor, top_p: float) -> Tensor:
    return probabilities < 1 - top_p


def _the_other_p(logits: Tensor, top_p: float) -> Tensor:
    return _top_p(logits, 1 - top_p) if top_p < 1 else logits


def _by_exp(logits: Tensor) -> Tensor:
    return logits.exp() / logits.exp().sum(dim=-1, keepdim=True)


def _unsorted_top_p(logits: Tensor, top_p: float, *, beyond: Step = _beyond) -> Tensor:
    if top_p >= 1:
        return logits
    return logits.masked_fill(beyond(logits.softmax(dim=-1), logits, top_p), -torch.inf)


def _sorted_top_p(logits: Tensor, top_p: float, *, beyond: Step = _beyond) -> Tensor:
    if top_p >= 1:
        return logits
    ordered = logits.sort(dim=-1, descending=True).values
    return ordered.masked_fill(beyond(ordered.softmax(dim=-1), ordered, top_p), -torch.inf)


def _zeros_top_p(logits: Tensor, top_p: float) -> Tensor:
    return logits * ~_top_p(logits, top_p).isinf()


def _zeros_top_k(logits: Tensor, top_k: int | None) -> Tensor:
    return logits * ~_top_k(logits, top_k).isinf()


def _filled_with(gone: float) -> Function:
    return _truncate(partial(_top_k, gone=gone), partial(_top_p, gone=gone))


def _top_p_first(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    return _top_k(_top_p(logits, top_p), top_k)


def _either(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    return _top_k(logits, top_k) if top_k is not None else _top_p(logits, top_p)


def _either_the_other(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
    return _top_p(logits, top_p) if top_p < 1 else _top_k(logits, top_k)


def _then(change: Callable[[Tensor], Tensor]) -> Function:
    """The right answer, and something done to it."""

    def truncate(logits: Tensor, top_k: int | None = None, top_p: float = 1.0) -> Tensor:
        return change(sampling.truncate_logits(logits, top_k, top_p))

    return truncate


def _kth_dropped(logits: Tensor, top_k: int | None) -> Tensor:
    if top_k is None or top_k >= logits.shape[-1]:
        return logits
    return logits.masked_fill(logits <= logits.topk(top_k, dim=-1).values[..., -1:], -torch.inf)


def _one_k_more(logits: Tensor, top_k: int | None) -> Tensor:
    return _top_k(logits, None if top_k is None else top_k + 1)


def _k_smallest(logits: Tensor, top_k: int | None) -> Tensor:
    return -_top_k(-logits, top_k, torch.inf)


def _k_of_the_batch(logits: Tensor, top_k: int | None) -> Tensor:
    if top_k is None or top_k >= logits.shape[-1]:
        return logits
    return logits.masked_fill(logits < logits.flatten().topk(top_k).values[-1], -torch.inf)


def _k_of_the_first_row(logits: Tensor, top_k: int | None) -> Tensor:
    if top_k is None or top_k >= logits.shape[-1]:
        return logits
    first = logits.reshape(-1, logits.shape[-1])[0]
    return logits.masked_fill(logits < first.topk(top_k).values[-1], -torch.inf)


def _k_too_large(logits: Tensor, top_k: int | None) -> Tensor:
    if top_k is None:
        return logits
    return logits.masked_fill(logits < logits.topk(top_k, dim=-1).values[..., -1:], -torch.inf)


_SUM_BEFORE = "Look at: the sum before a token, not with it."

EXERCISE = Exercise(
    number="3.6",
    title="Top-k and top-p",
    points=3,
    minutes=15,
    solution=sampling.truncate_logits,
    cases=_truncate_cases,
    mistakes=(
        Mistake(
            "top-k is not done",
            _truncate(k_step=lambda logits, top_k: logits),
            "That is what comes out when top-k leaves everything as it is. Look at: where `top_k` is used, and what "
            "happens to what comes out there.",
        ),
        Mistake(
            "top-p is not done",
            _truncate(p_step=lambda logits, top_p: logits),
            "That is what comes out when top-p leaves everything as it is. Look at: where `top_p` is used, and what "
            "happens to what comes out there.",
        ),
        Mistake(
            "either, not both",
            _either,
            "That is what comes out when only one of the two is done although both are asked for. "
            "Look at: `elif`, `else` and an early `return`.",
            also=(_either_the_other,),
        ),
        Mistake(
            "the token that passes p is dropped, even the only one",
            _by_beyond(_crossing),
            "That is what comes out when only tokens stay whose running sum is at most p. The nucleus has to reach p, "
            "so the token that passes it belongs to it; otherwise a model that is sure has nothing left to say. "
            + _SUM_BEFORE,
            "Holtzman et al. 2020, section 3.1: the smallest set whose sum is at least p",
            also=(_by_beyond(_crossing_or_reached),),
        ),
        Mistake(
            "the token that passes p is dropped",
            _by_beyond(_but_the_first(_crossing)),
            "You keep the likeliest, but drop the token with which the sum passes p. The nucleus is the smallest set "
            "that reaches p, and without that token it does not. " + _SUM_BEFORE,
            "Holtzman et al. 2020, section 3.1",
            also=(_by_beyond(_but_the_first(_crossing_or_reached)),),
        ),
        Mistake(
            "one token too many",
            _by_beyond(_one_more),
            "That is what comes out when the token after the one that passes p stays too: the marks are moved by one "
            "place twice, or the sum leaves two tokens out. Look at: how far the marks are shifted.",
        ),
        Mistake(
            "the first row instead of the first token",
            _by_beyond(_first_row),
            "That is what comes out when `[0]` is to be the first token of each row. It is the first row of the batch, "
            "and all of it then stays. Look at: `[..., 0]`.",
            also=(_by_beyond(_unshifted_first_row),),
        ),
        Mistake(
            "the mask stays sorted",
            _truncate(p_step=partial(_top_p, back=lambda goes, order: goes)),
            "That is what comes out when the marks of what goes, made in the sorted order, are laid on the logits in "
            "the order of the vocabulary without the right way back: tokens go that happen to have those numbers. "
            "`gather` goes into the sorted order; out of it leads `scatter`. Look at: the way back.",
            also=(
                _truncate(p_step=partial(_top_p, back=lambda goes, order: goes.gather(-1, order))),
                _truncate(p_step=partial(_top_p, back=lambda goes, order: goes, beyond=_crossing)),
                _truncate(p_step=partial(_top_p, back=lambda goes, order: goes, beyond=_but_the_first(_crossing))),
                _truncate(p_step=_sorted_and_gathered),
            ),
        ),
        Mistake(
            "adds up without sorting",
            _truncate(p_step=_unsorted_top_p),
            "That is what comes out when probabilities are added up in the order of the vocabulary: which tokens stay "
            "then depends on their numbers. Look at: what you sort before `cumsum`.",
            also=(
                _truncate(p_step=partial(_unsorted_top_p, beyond=_crossing)),
                _truncate(p_step=partial(_unsorted_top_p, beyond=_but_the_first(_crossing))),
            ),
        ),
        Mistake(
            "sorted the wrong way",
            _truncate(p_step=partial(_top_p, descending=False)),
            "That is what comes out when the unlikeliest tokens come first and are added up: they stay, and the "
            "likeliest go. Look at: `descending`.",
            also=(
                _truncate(p_step=partial(_top_p, descending=False, beyond=_crossing)),
                _truncate(p_step=partial(_top_p, descending=False, beyond=_but_the_first(_crossing))),
            ),
        ),
        Mistake(
            "stays sorted",
            _truncate(p_step=_sorted_top_p),
            "That is what comes out when the sorted logits are returned: token 0 gets what belongs to the likeliest. "
            "Look at: the way back to the order of the vocabulary (`scatter`, or sorting the order).",
            also=(
                _truncate(p_step=partial(_sorted_top_p, beyond=_crossing)),
                _truncate(p_step=partial(_sorted_top_p, beyond=_but_the_first(_crossing))),
            ),
        ),
        Mistake(
            "adds up logits",
            _by_beyond(_of_logits),
            "That is what comes out when logits are added up and compared with p. What sums to 1 are the "
            "probabilities. Look at: what goes into `cumsum`.",
            also=(_by_beyond(_crossing_of_logits), _by_beyond(_but_the_first(_crossing_of_logits))),
        ),
        Mistake(
            "adds up down the batch",
            _by_beyond(_down_the_batch),
            "That is what comes out when probabilities of different rows are added up. Every row has a nucleus of its "
            "own. Look at: the dimension of `cumsum`.",
            also=(_by_beyond(_over_everything),),
        ),
        Mistake(
            "one nucleus for the batch",
            _one_nucleus(lambda goes: goes[0]),
            "That is what comes out when all rows keep as many tokens, those of one row or of the whole batch. Where "
            "the model is sure it needs few, elsewhere many. Look at: where the marks of a row come from.",
            also=(_one_nucleus(lambda goes: goes.all(dim=0)), _one_nucleus(lambda goes: goes.any(dim=0))),
        ),
        Mistake(
            "the nucleus goes",
            _by_beyond(_turned_round),
            "That is what comes out when the nucleus gets −∞ and the rest stays. Look at: < and ≥, and whether your "
            "marks say what stays or what goes.",
        ),
        Mistake(
            "each token by itself",
            _by_itself(lambda probabilities, top_p: top_p),
            "That is what comes out when a token's own probability decides whether it stays, against a limit made of "
            "p. Top-p asks for the sum of all that are likelier. Look at: `cumsum`.",
            "min-p (Nguyen et al. 2024) is such a limit: a share of the largest",
            also=(
                _by_itself(lambda probabilities, top_p: 1 - top_p),
                _by_itself(lambda probabilities, top_p: top_p * probabilities[..., :1]),
                _by_itself(lambda probabilities, top_p: (1 - top_p) * probabilities[..., :1]),
                *map(_by_beyond, map(_but_the_first, (_below_p, _below_the_other_p))),
            ),
        ),
        Mistake(
            "1 − p for p",
            _truncate(p_step=_the_other_p),
            "That is what comes out when the nucleus has to reach 1 − p instead of p. (Sorted from the unlikeliest, "
            "tokens go up to a sum of 1 − p: there the two get mixed up.) Look at: what the sum is compared with.",
        ),
        Mistake(
            "exp of large logits",
            _truncate(p_step=partial(_top_p, softmax=_by_exp)),
            "That is what comes out when exp is taken of the logits as they are: of 100 it is too large for a float, "
            "of −200 it is 0, and no comparison with what is not a number holds. Look at: `softmax`, which takes the "
            "largest logit off first.",
            also=(_truncate(p_step=partial(_top_p, softmax=_by_exp, beyond=_but_the_first(_beyond))),),
        ),
        Mistake(
            "0 instead of −∞",
            _filled_with(0.0),
            "That is what comes out when what is left out gets the logit 0. exp(0) is 1, so it stays quite likely; "
            "only −∞ has probability 0. Look at: what you fill in.",
            also=(_truncate(_zeros_top_k, _zeros_top_p),),
        ),
        Mistake(
            "a very small number instead of −∞",
            _filled_with(-1e9),
            "That is what comes out when a large negative number stands in for −∞. It does where all other logits are "
            "ordinary, but it is a logit like any other, and what is asked for here is −∞. Look at: what you fill in.",
            "masks in transformers are filled with torch.finfo(dtype).min",
            also=tuple(
                map(_filled_with, (-100.0, -1000.0, -1e4, -1e5, -1e6, -1e8, -1e10, -1e20, -1e30, torch.finfo().min))
            ),
        ),
        Mistake(
            "probabilities come back",
            _then(_softmax),
            "These are probabilities; logits were wanted, so that the softmax comes once, at the very end. "
            "Look at: your last line.",
        ),
        Mistake(
            "log-probabilities come back",
            _then(partial(torch.log_softmax, dim=-1)),
            "These are log-probabilities: a softmax would make the same of them. But what stays was to keep its logit. "
            "Look at: your last line.",
        ),
        Mistake(
            "marks come back",
            _then(torch.isfinite),
            "That is what comes out when the marks themselves are returned, which say what stays or what goes. Logits "
            "were wanted. Look at: your last line.",
            also=(_then(torch.isinf),),
        ),
        Mistake(
            "top-p of everything",
            _top_p_first,
            "Each of the two is right alone. Together, top-p is taken of what top-k left: its probabilities are shared "
            "out anew and sum to 1. Look at: which logits go into the softmax.",
            "the order of the warpers in transformers' generate",
        ),
        Mistake(
            "the k-th is dropped",
            _truncate(_kth_dropped),
            "That is what comes out when the k-th largest goes too: you keep k − 1. Look at: < and ≤, and the number "
            "of the k-th place.",
        ),
        Mistake(
            "k + 1 stay",
            _truncate(_one_k_more),
            "That is what comes out when the largest that goes stays too: you keep k + 1. Look at: the number of the "
            "k-th place, which is k − 1 in Python.",
        ),
        Mistake(
            "the k smallest",
            _truncate(_k_smallest),
            "That is what comes out when the k smallest stay. Look at: the direction of sorting, or of the comparison.",
        ),
        Mistake(
            "the k largest of the whole batch",
            _truncate(_k_of_the_batch),
            "That is what comes out when the k-th largest of the whole batch, or of its first row, is the limit for "
            "all rows: some keep nothing. Look at: `dim` in topk, and the index after it.",
            also=(_truncate(_k_of_the_first_row),),
        ),
        Mistake(
            "k beyond the vocabulary",
            _truncate(_k_too_large),
            "`topk` cannot give more than there are. If k is at least the size of the vocabulary, all of it stays. "
            "Look at: the `if` before top-k.",
        ),
        Mistake(
            "one more when p is reached exactly",
            _by_beyond(_strictly_beyond),
            "Where the sum is p exactly your nucleus takes one token more. It is to sum to at least p, so there it is "
            "complete: ≥ in the place of >, or the other way round.",
            "the comparison in transformers' TopPLogitsWarper of 2020",
            advice=True,
        ),
        Mistake(
            "nothing left at p = 0",
            _by_beyond(lambda probabilities, ordered, top_p: probabilities.cumsum(dim=-1) - probabilities >= top_p),
            "With p = 0 your function leaves no token at all. Nobody samples with it, but `goes[..., 0] = False` in "
            "the sorted order would keep the likeliest whatever p is.",
            advice=True,
        ),
    ),
    hints=(
        "Two filters, one after the other. Each needs to know, row by row, where the border between what stays and "
        "what goes runs: for top-k a logit, for top-p a place in the order from the likeliest to the unlikeliest.",
        "Top-k: `logits.topk(k, dim=-1).values[..., -1:]` is the smallest logit that stays, row by row; `masked_fill` "
        "does the rest. Top-p: `sort` (largest first) gives the sorted logits and their order; softmax, then `cumsum`. "
        "A token goes if the ones *before* it already sum to p.",
        "`cumsum − probability` is the sum before a token. The way back: you know for each sorted place whether it "
        "goes, and `torch.zeros_like(logits, dtype=torch.bool).scatter(-1, order, goes)` says it for each token of the "
        "vocabulary. Use the logits that top-k left.",
    ),
)
