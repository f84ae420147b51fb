"""What holds for every exercise: right answers pass, each mistake is caught and named, no answer is given away."""

import os
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.checks.answers import rewritten
from tests.exercises import (
    variants_collecting_preferences,
    variants_evaluation,
    variants_labelling_basics,
    variants_language_modeling,
    variants_ppo,
    variants_preference_modeling,
    variants_writing_demonstrations,
)
from topfive.checks.compare import as_numbers
from topfive.checks.notebook import described
from topfive.checks.verdict import Verdict, examine, softened
from topfive.exercises import ASSIGNMENTS, Exercise, Function, Mistake, exercise, exercises

SEEDS = range(int(os.environ.get("TOPFIVE_SEEDS", "2")))  # the visible one, a hidden one; `make thorough` takes twenty
EXERCISES = [one for assignment in ASSIGNMENTS for one in exercises(assignment)]
VARIANTS = {
    **variants_labelling_basics.VARIANTS,
    **variants_writing_demonstrations.VARIANTS,
    **variants_language_modeling.VARIANTS,
    **variants_collecting_preferences.VARIANTS,
    **variants_preference_modeling.VARIANTS,
    **variants_ppo.VARIANTS,
    **variants_evaluation.VARIANTS,
}

every_exercise = pytest.mark.parametrize("one", EXERCISES, ids=lambda one: one.number)


def wrong_answers(one: Exercise) -> Iterator[tuple[Mistake, int, Function]]:
    """Every known mistake with each way of making it, numbered; the first is the usual one."""
    for mistake in one.mistakes:
        if not mistake.advice:
            yield from ((mistake, way, function) for way, function in enumerate(mistake.functions, start=1))


def flat(text: str) -> str:
    return " ".join(text.split())


@cache  # several tests look at the same words
def lines(one: Exercise, function: Callable[..., Any]) -> list[str]:
    return described(seen(one, function))


def said(one: Exercise, function: Callable[..., Any]) -> str:
    return flat("\n".join(lines(one, function)))


@cache
def seen(one: Exercise, function: Callable[..., Any]) -> Verdict:
    return examine(one, function)


# --- what an exercise is made of ----------------------------------------------------------------------------------


def test_numbers_are_unique_and_in_order():
    numbers = [tuple(map(int, one.number.split("."))) for one in EXERCISES]
    assert numbers == sorted(set(numbers))
    assert set(VARIANTS) <= {one.number for one in EXERCISES}


@every_exercise
def test_it_has_enough_of_everything(one: Exercise):
    assert sum(not mistake.advice for mistake in one.mistakes) >= 4
    assert len({mistake.name for mistake in one.mistakes}) == len(one.mistakes)
    assert all(mistake.hint and mistake.source for mistake in one.mistakes)
    assert len(VARIANTS.get(one.number, [])) >= 3
    assert len(one.hints) >= 2
    assert one.points > 0
    assert float(2 * one.points).is_integer()
    assert 5 <= one.minutes <= 20


@every_exercise
def test_every_seed_has_the_same_case_names_and_other_numbers(one: Exercise):
    first, second = (one.cases(seed) for seed in (0, 1))
    assert [case.name for case in first] == [case.name for case in second]
    assert len({case.name for case in first if not case.probe}) >= 2
    assert any(
        not torch.equal(a, b) if a.shape == b.shape else True
        for left, right in zip(first, second, strict=True)
        for a, b in zip(tensors((left.args, left.kwargs)), tensors((right.args, right.kwargs)), strict=False)
    ) or any(texts(left.args) != texts(right.args) for left, right in zip(first, second, strict=True))


@every_exercise
def test_the_same_seed_gives_the_same_answers(one: Exercise):
    assert examine(one, rewritten(one.solution), [3, 3]).passed


# --- right ones ---------------------------------------------------------------------------------------------------


@every_exercise
def test_the_solution_gets_full_points_on_many_seeds_and_no_advice(one: Exercise):
    verdict = examine(one, rewritten(one.solution), SEEDS)
    assert verdict.points == one.points
    errors = [outcome.error for outcome in verdict.outcomes if outcome.error]
    assert all(type(error) is ValueError and "Raises ValueError" in (one.solution.__doc__ or "") for error in errors)
    assert verdict.advice == ()


@every_exercise
def test_every_right_variant_gets_full_points(one: Exercise, subtests: pytest.Subtests):
    for variant in VARIANTS[one.number]:
        with subtests.test(variant=variant.__name__):
            verdict = examine(one, variant, SEEDS)
            assert [words for _, words in verdict.wrong] == []
            assert verdict.points == one.points
            assert "✗" not in said(one, variant)


# --- wrong ones ---------------------------------------------------------------------------------------------------


@every_exercise
def test_every_mistake_is_caught_on_every_seed_and_loses_points(one: Exercise, subtests: pytest.Subtests):
    for mistake, way, function in wrong_answers(one):
        for seed in SEEDS if way == 1 else SEEDS[1::4]:
            with subtests.test(mistake=mistake.name, way=way, seed=seed):
                verdict = examine(one, function, [seed]) if seed else seen(one, function)
                assert verdict.points <= one.points - 0.5


@every_exercise
def test_every_mistake_gets_its_own_hint_and_no_other(one: Exercise, subtests: pytest.Subtests):
    for mistake, way, function in wrong_answers(one):
        with subtests.test(mistake=mistake.name, way=way):
            named = seen(one, function).mistake
            assert named is not None
            assert named.name == mistake.name
            text = said(one, function)
            assert flat(mistake.hint) in text
            assert not [other.name for other in one.mistakes if other.hint != mistake.hint and flat(other.hint) in text]


@every_exercise
def test_mistakes_are_told_apart_pairwise(one: Exercise, subtests: pytest.Subtests):
    for mistake, way, function in wrong_answers(one):
        with subtests.test(mistake=mistake.name, way=way):
            verdict = seen(one, function)
            same = [other.name for other in one.mistakes if not other.advice and verdict._equals(other)]
            assert same == [mistake.name]


@every_exercise
def test_advice_costs_nothing_and_is_said(one: Exercise, subtests: pytest.Subtests):
    for mistake in (mistake for mistake in one.mistakes if mistake.advice):
        for way, function in enumerate(mistake.functions, start=1):
            with subtests.test(advice=mistake.name, way=way):
                verdict = examine(one, function, SEEDS)
                assert verdict.points == one.points
                assert verdict.advice == (mistake.hint,)
                assert flat(mistake.hint) in said(one, function)


# --- two slips at once --------------------------------------------------------------------------------------------


def loss_by_rows_without_a_clamp(logits, tokens, mask):
    counted = mask[:, 1:].to(logits.dtype)
    each = F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:], reduction="none") * counted
    return (each.sum(dim=1) / counted.sum(dim=1)).mean()


def times_the_temperature_and_a_third_at_0(logits, temperature=1.0):
    if temperature == 0:
        return torch.full_like(logits, 1 / 3)
    return (logits * temperature).softmax(dim=-1)


def the_passing_token_dropped_without_an_if(logits, top_k=None, top_p=1.0):
    if top_k is not None and top_k < logits.shape[-1]:
        logits = logits.masked_fill(logits < logits.topk(top_k, dim=-1).values[..., -1:], -torch.inf)
    ordered, order = logits.sort(dim=-1, descending=True)
    out = ordered.softmax(dim=-1).cumsum(dim=-1) > top_p
    return logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), -torch.inf)


def one_token_early_but_never_below_0(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[torch.arange(len(scores)), (mask.sum(dim=1) - 2).clamp(min=0)] += scores
    return rewards


TWO_SLIPS = [
    ("3.1", loss_by_rows_without_a_clamp, "mean of the rows' means"),
    ("3.5", times_the_temperature_and_a_third_at_0, "multiplies by the temperature"),
    ("3.6", the_passing_token_dropped_without_an_if, "the token that passes p is dropped, even the only one"),
    ("6.2", one_token_early_but_never_below_0, "score one token early"),
]


@pytest.mark.parametrize(("number", "function", "name"), TWO_SLIPS)
def test_two_slips_get_softer_words_from_the_first_failed_case(number: str, function: Callable[..., Any], name: str):
    one = exercise(number)
    verdict = examine(one, function)
    known = {mistake.name: mistake for mistake in one.mistakes}
    assert not any(verdict._equals(mistake) for mistake in one.mistakes)
    assert verdict.mistake is not None
    assert verdict.mistake.name == name
    assert flat(softened(known[name].hint)) in said(one, function)
    assert not [other.name for other in one.mistakes if flat(other.hint) in said(one, function)]


@every_exercise
def test_an_error_is_explained_by_its_own_message(one: Exercise):
    """Also where a mistake's function raises the same kind of error."""

    def broken(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError("no")

    assert examine(one, broken).mistake is None


def test_words_about_one_case_say_so():
    assert softened("That is what comes out. Look at: it.") == "On this case yours gives what comes out. Look at: it."
    assert softened("These are probabilities.") == "On this case yours gives probabilities."
    assert softened("Both are there.") == "On this case: Both are there."


# --- what is printed ----------------------------------------------------------------------------------------------


def tensors(value: Any) -> Iterator[Tensor]:
    """Every tensor of numbers in a value."""
    if isinstance(value, dict):
        value = list(value.values())
    numbers = as_numbers(value)
    if numbers is not None:
        yield numbers
    elif isinstance(value, list | tuple):
        yield from chain.from_iterable(map(tensors, value))


def texts(value: Any) -> list[str]:
    """Every text in a value of tuples and lists."""
    if isinstance(value, list | tuple):
        return [text for part in value for text in texts(part)]
    return [value] if isinstance(value, str) else []


@cache
def telling(one: Exercise) -> set[str]:
    """The solution's own numbers as somebody would write them, but for those that say nothing (0, 1, 12)."""
    values = {
        value
        for outcome in examine(one, rewritten(one.solution)).right
        for tensor in tensors(outcome.value)
        if tensor.is_floating_point()
        for value in tensor.flatten().tolist()
        if value == value and abs(value) != float("inf") and value != round(value)
    }
    return {f"{abs(value):.{digits}g}" for value in values for digits in (3, 4, 5)}


def decimals(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d+", text))


@every_exercise
def test_no_right_number_is_printed(one: Exercise, subtests: pytest.Subtests):
    """Except where the student's own number stands, turned round or in another place."""
    for mistake, way, function in wrong_answers(one):
        with subtests.test(mistake=mistake.name, way=way):
            values = [tensor for outcome in seen(one, function).outcomes for tensor in tensors(outcome.value)]
            own = {f"{abs(value):.3g}" for tensor in values for value in tensor.flatten().tolist()}
            text = re.sub(r"[\d.]+ of [\d.]+ points.*", "", said(one, function).removeprefix(one.number))
            assert not (decimals(text) - own) & telling(one)


@every_exercise
def test_hints_hold_no_right_number(one: Exercise):
    words = " ".join([*one.hints, *(mistake.hint for mistake in one.mistakes)])
    assert not decimals(words) & telling(one)


@every_exercise
def test_a_line_fits_the_page(one: Exercise, subtests: pytest.Subtests):
    for mistake, way, function in wrong_answers(one):
        with subtests.test(mistake=mistake.name, way=way):
            assert max(len(line) for text in lines(one, function) for line in text.splitlines()) <= 110
