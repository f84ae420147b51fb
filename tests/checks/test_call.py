"""Whatever a function does, a check answers in words, in time, and leaves the notebook as it was."""

import contextlib
import functools
import gc
import inspect
import logging
import os
import random
import sys
import types
import unittest.mock
import warnings

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from tests.checks.answers import rewritten
from topfive.checks import call, check, grade, limit, locked, replay, use, verdict
from topfive.checks.compare import difference
from topfive.checks.notebook import report
from topfive.exercises import exercise
from topfive.lm import losses, train
from topfive.ppo import advantages

gae = rewritten(advantages.gae)
loss = rewritten(losses.next_token_loss)


def said(number, function):
    return " ".join(" ".join(report(exercise(number), function)).split())


def after(act, function=gae):
    """GAE that does something else first."""

    @functools.wraps(function)
    def acting(*args, **kwargs):
        act()
        return function(*args, **kwargs)

    return acting


# --- functions that do not end, leave, ask or flood ------------------------------------------------------------------


def for_ever():
    while True:
        pass


def for_ever_whatever_comes():
    while True:
        with contextlib.suppress(Exception):
            for_ever()


def swallowing_once():
    try:
        for_ever()
    except BaseException:
        for_ever()


@pytest.mark.parametrize("act", [for_ever, for_ever_whatever_comes, swallowing_once])
def test_a_function_that_never_ends_is_stopped_once_and_the_rest_is_not_tried(monkeypatch, act):
    monkeypatch.setattr(call, "SECONDS", 0.2)
    text = said("6.3", after(act))
    assert "Stopped: no answer after 0 seconds; does every loop in it come to an end? in line" in text
    kinds = {case.name for case in exercise("6.3").cases(0) if not case.probe}
    assert text.count("(not tried)") == len(kinds) - 1
    assert text.endswith('0 of 3 points · hint("6.3") for more')
    assert "Look at" not in text


def test_what_was_right_before_the_endless_loop_keeps_its_points(monkeypatch):
    monkeypatch.setattr(call, "SECONDS", 0.2)

    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        if len(rewards) > 5:
            for_ever()
        return gae(rewards, values, mask, gamma, lam)

    assert 0 < grade("6.3", function, (11,)) < 3


@pytest.mark.parametrize(
    ("act", "words"),
    [
        (sys.exit, "exit() or quit() was called"),
        (lambda: (_ for _ in ()).throw(KeyboardInterrupt), "Stopped by hand"),
        (lambda: (_ for _ in ()).throw(GeneratorExit), "GeneratorExit: no message"),
        (lambda: input("γ? "), "InputError: input() waits for a person"),
    ],
)
def test_leaving_and_asking_get_a_word_and_no_points(act, words):
    assert words in said("6.3", after(act))
    assert grade("6.3", after(act), (11,)) == 0


def test_ten_thousand_lines_are_not_printed(capsys):
    check("6.3", after(lambda: [print(n) for n in range(10_000)]))
    lines = capsys.readouterr().out.splitlines()
    assert lines[:20] == [str(n) for n in range(20)]
    printed = 10_000 * len(exercise("6.3").cases(0))
    assert lines[20] == f"… and {printed - 20:,} more lines that your function prints"
    assert len(lines) < 40


# --- what a function leaves behind ----------------------------------------------------------------------------------


def state():
    return (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.random.get_rng_state().sum().item(),
        np.random.get_state()[1].sum(),
        random.getstate(),
        list(warnings.filters),
    )


@pytest.mark.parametrize(
    "act",
    [
        lambda: torch.set_grad_enabled(False),
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.manual_seed(1),
        lambda: np.random.seed(1),
        lambda: random.seed(1),
        lambda: warnings.simplefilter("error"),
    ],
)
def test_everything_is_put_back(act):
    before = state()
    said("6.3", after(act))
    assert state() == before


def test_gradients_switched_off_do_not_make_two_losses_agree():
    assert "no gradient flows back" in said("3.1", after(lambda: torch.set_grad_enabled(False), loss))


def test_a_right_answer_that_logs_and_writes_to_descriptor_2_is_silent(capfd):
    logging.getLogger("mine").addHandler(handler := logging.StreamHandler(sys.stderr))
    try:
        noisy = after(
            lambda: (logging.getLogger("mine").error("e"), os.write(2, b"from C"), warnings.warn("w", stacklevel=1))
        )
        assert grade("6.3", noisy, (11,)) == 3
    finally:
        logging.getLogger("mine").removeHandler(handler)
    assert capfd.readouterr() == ("6.3: 3 of 3 points\n", "")


# --- the course's own function ----------------------------------------------------------------------------------------


def test_the_courses_own_function_earns_nothing_however_it_is_handed_in():
    own = advantages.gae
    functions = [x for x in gc.get_objects() if isinstance(x, types.FunctionType)]
    stolen = next(x for x in functions if x.__code__ is inspect.unwrap(own).__code__)
    ways = (
        own,
        functools.partial(own),
        functools.lru_cache(own),
        after(lambda: 0, own),
        lambda *a, **k: own(*a, **k) + 0,
    )
    for way in (*ways, stolen, use("6.3", None)):
        assert "This is the course's own function" in said("6.3", way)
    for way in (*ways, stolen, use("6.3", None)):
        assert locked.grade("6.3", lambda way=way: way, (11,)) == 0


def by_arguments(solution):
    def function(*args, **kwargs):
        return solution(*args, **kwargs)

    return function


def inside(solution):
    def function(*args, **kwargs):
        def helper():
            return solution(*args, **kwargs)

        return helper()

    return function


class Wrapper:
    def __init__(self, solution):
        self.solution = solution

    def __call__(self, *args, **kwargs):
        return self.solution(*args, **kwargs)


@pytest.mark.parametrize("number", ["3.1", "3.9", "5.5", "6.3", "6.5"])
@pytest.mark.parametrize("wrap", [by_arguments, inside, Wrapper, functools.partial, lambda solution: solution])
def test_check_grade_use_and_replay_agree_on_what_is_borrowed(number, wrap, capsys):
    function = wrap(exercise(number).solution)
    assert f"0 of {exercise(number).points:g} points" in said(number, function)
    assert use(number, function) is exercise(number).solution
    assert verdict.examine(exercise(number), function).points == 0
    assert locked.grade(number, lambda: function, (11,)) == 0
    assert f"{number}: the course's own function does the work here" in capsys.readouterr().out
    if number in replay.ARGUMENTS:
        assert locked.grade_replay({number: lambda: function}, (11,), 2) == 0
        assert f"not a function of your own, but the course's: {number}" in capsys.readouterr().out


def test_where_another_profiler_runs_the_function_itself_is_still_known():
    sys.setprofile(lambda *_: None)
    try:
        assert locked.grade("6.3", lambda: functools.partial(advantages.gae), (11,)) == 0
    finally:
        sys.setprofile(None)


def wrapping_itself():
    def function(*args):
        return args[0]

    function.__wrapped__ = function
    return function


@pytest.mark.parametrize("function", [wrapping_itself(), unittest.mock.MagicMock()], ids=["itself", "mock"])
def test_what_holds_one_wrapper_more_for_ever_is_no_solution_and_stops_no_grading(function):
    with limit.within(20):
        assert locked.grade("6.3", lambda: function, (11,)) == 0


def test_a_piece_of_the_course_inside_ones_own_function_is_allowed():
    def function(values, mask, shift_mean=True):
        mean = advantages.masked_mean(values, mask)
        deviation = (advantages.masked_mean((values - mean) ** 2, mask) + 1e-8).sqrt()
        return ((values - mean) / deviation + (0 if shift_mean else mean)) * mask

    assert grade("6.4", function, (11,)) == 2


def test_use_tells_an_unwritten_function_from_a_wrong_one(capsys):
    use("6.3", advantages.gae)
    assert "yours is not written yet" in capsys.readouterr().out


# --- answers that are hard to read ------------------------------------------------------------------------------------


def of_itself():
    loop = [1.0]
    loop.append(loop)
    return loop


@pytest.mark.parametrize(
    "answer",
    [
        lambda: [torch.ones(4, dtype=torch.bfloat16)],
        lambda: np.longdouble(1),
        lambda: np.ones((1, 4), dtype=">f8"),
        lambda: torch.ones(1, 4, device="meta"),
        lambda: torch.ones(1, 4).to_sparse(),
        lambda: torch.quantize_per_tensor(torch.ones(1, 4), 0.1, 0, torch.qint8),
        lambda: [torch.quantize_per_tensor(torch.ones(4), 0.1, 0, torch.qint8)],
        lambda: [torch.ones(4, device="meta")],
        lambda: torch.ones(1, 4, dtype=torch.complex64),
        of_itself,
        lambda: (n for n in range(3)),
        lambda: {"a": {1, 2}},
        lambda: 10**400,
        lambda: [[10**400] * 4],
    ],
)
def test_whatever_comes_back_is_read_or_refused_in_words(answer):
    text = said("6.3", lambda *args, **kwargs: answer())
    assert "✗ four tokens" in text
    assert "Look at: what" not in text
    assert grade("6.3", lambda *args, **kwargs: answer(), (11,)) == 0


def test_one_buffer_for_all_answers_is_right():
    buffer = np.zeros((64, 12))

    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        rows, time = rewards.shape
        buffer[:rows, :time] = gae(rewards, values, mask, gamma, lam)
        return buffer[:rows, :time]

    assert grade("6.3", function, (11, 12)) == 3


def test_a_list_that_reads_the_right_answer_when_it_is_compared_is_read_before():
    class Peeking(list):
        def __iter__(self):
            frame = sys._getframe()
            while frame and "right" not in frame.f_locals:
                frame = frame.f_back
            return iter(frame.f_locals["right"].tolist() if frame else [[0.0] * 4])

    assert grade("6.3", lambda *args, **kwargs: Peeking([0]), (11,)) == 0


@pytest.mark.parametrize("kind", [torch.float32, torch.int32, torch.bool])
def test_token_ids_of_another_kind_are_refused_by_name(kind):
    pack = rewritten(train.pack)
    name = str(kind).removeprefix("torch.")
    text = said("3.3", lambda texts, end, width: pack(texts, end, width).to(kind))
    assert f"The numbers of yours are of kind {name}; they should be whole numbers of kind int64" in text
    assert "Look at" not in text


def test_digits_are_shown_until_they_differ():
    words = difference(torch.tensor(1.0401), torch.tensor(1.0397)).words
    assert words == "yours is 1.0401, which is too large."
    assert "yours is 1, which is too large" in difference(1.0, 0.5).words


def test_half_precision_is_mentioned():
    assert "in bfloat16, which holds about three digits" in difference(torch.tensor(1.0401).bfloat16(), 1.0361).words


def test_a_flag_that_is_turned_round_is_told_what_belongs():
    assert "yours is 0, where 1 belongs" in difference(torch.tensor([1, 0]), torch.tensor([1, 1])).words


# --- words and pointers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda value: value.detach(), "no gradient flows back"),
        (lambda value: value.item(), "no gradient flows back"),
        (lambda value: None, "Nothing came back"),
        (lambda value: value[None], "The shape of yours is (1,)"),
        (lambda value: (value, 3), "A tuple of 2 came back where a tensor of shape () belongs"),
        (lambda value: "a", "A value of type str came back"),
    ],
)
def test_nothing_is_pointed_at_where_the_words_say_it_all(change, words):
    text = said("3.1", lambda *args: change(loss(*args)))
    assert words in text
    assert "Look at" not in text


def test_a_missing_gradient_is_zero_where_the_right_one_is():
    """A good token beyond the clip: the loss does not depend on it, and a branch may say so with a constant."""

    def function(logprobs, old_logprobs, advantages, mask, cliprange):
        total = 0.0
        columns = (x.flatten() for x in (logprobs, old_logprobs, advantages, mask))
        for logp, old, gain, real in zip(*columns, strict=True):
            ratio = (logp - old).exp()
            if not real:
                continue
            if gain > 0 and ratio > 1 + cliprange:
                total = total - float(1 + cliprange) * float(gain)
            elif gain < 0 and ratio < 1 - cliprange:
                total = total - float(1 - cliprange) * float(gain)
            else:
                total = total - ratio * gain
        return total / mask.sum()

    assert grade("6.5", function, (11, 12)) == 3
    own = use("6.5", function)
    one = torch.tensor([[0.0]], requires_grad=True)
    own(one, one.detach() - 1, torch.ones(1, 1), torch.ones(1, 1), 0.2).backward()
    assert one.grad.item() == 0


def clipped(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = (logprobs - old_logprobs).exp()
    surrogate = torch.minimum(ratio * advantages, ratio.clamp(1 - cliprange, 1 + cliprange) * advantages)
    return -(surrogate * mask).sum() / mask.sum()


def bradley_terry(chosen, rejected):
    return -F.logsigmoid(chosen - rejected).mean()


def detached(tensor):
    tensor.detach_()


def without_gradient(tensor):
    tensor.requires_grad_(False)


@pytest.mark.parametrize("take_off", [detached, without_gradient])
@pytest.mark.parametrize(
    ("number", "function", "place"), [("6.5", clipped, 0), ("5.3", bradley_terry, 0), ("5.3", bradley_terry, 1)]
)
def test_a_gradient_taken_off_an_argument_is_missed(take_off, number, function, place):
    def of_a_constant(*args):
        take_off(args[place])
        return function(*args)

    assert grade(number, function, (11, 12)) == exercise(number).points
    assert grade(number, of_a_constant, (11, 12)) == 0
    assert "gradient" in said(number, of_a_constant)


@pytest.mark.parametrize("take_off", [detached, without_gradient])
def test_a_gradient_that_has_flowed_counts_whatever_is_done_to_the_argument_later(take_off):
    def late(logprobs, *rest):
        loss = clipped(logprobs, *rest)
        take_off(logprobs)
        return loss

    text = said("6.5", late)
    assert text.endswith("3 of 3 points")
    assert "changes its argument `logprobs` in place" in text


def test_a_gradient_asked_for_where_none_is_wanted_is_none_of_the_answer():
    def curious(logprobs, old_logprobs, *rest):
        return clipped(logprobs, old_logprobs.requires_grad_(), *rest)

    assert grade("6.5", curious, (11, 12)) == 3


def test_an_error_of_pytorch_is_shown_with_its_line_and_not_called_unwritten():
    def function(logits, tokens, mask):
        return F.cross_entropy(tokens[:, 1:].flatten(), logits[:, :-1].flatten(0, 1))

    text = said("3.1", function)
    assert "Not written yet" not in text
    assert "return F.cross_entropy(tokens" in text


def test_a_half_that_is_still_to_be_written_is_marked_and_the_other_half_counts():
    truncate = rewritten(exercise("3.6").solution)

    def function(logits, top_k=None, top_p=1.0):
        if top_p < 1:
            raise NotImplementedError("3.6: now top-p")
        return truncate(logits, top_k, top_p)

    text = said("3.6", function)
    assert "✓ top-k" in text
    assert "Not written yet: now top-p" in text
    assert not text.endswith("0 of 3 points")


class Callable:
    def __call__(self, rewards, values, mask, gamma=1.0, lam=0.95):
        return rewards + "1"


def concatenating(rewards, values, mask, gamma=1.0, lam=0.95, extra="1"):
    return rewards + extra


ODD = (functools.partial(concatenating, extra="2"), Callable(), Callable().__call__, functools.cache(concatenating))


@pytest.mark.parametrize("function", ODD)
def test_a_type_error_inside_is_not_blamed_on_the_signature(function):
    text = said("6.3", function)
    assert "TypeError" in text
    assert "return rewards +" in text
    assert "It is called as" not in text


def test_a_changed_list_is_a_word_of_advice_and_does_not_grow_in_training():
    pad_batch = rewritten(train.pad_batch)

    def function(examples, pad, mask_prompt=True):
        tokens, mask = pad_batch(examples, pad, mask_prompt)
        for prompt, _ in examples:
            prompt.append(pad)
        return tokens, mask

    assert "changes its argument `examples` in place: work on a copy" in said("3.8", function)
    examples = [([5], [6, 1])]
    use("3.8", function)(examples, 0)
    assert examples == [([5], [6, 1])]


def test_right_counts_in_plain_lists_are_tensors_when_they_are_used():
    pairs_right = rewritten(exercise("5.6").solution)
    counted = use("5.6", lambda scores, ranks: tuple(part.tolist() for part in pairs_right(scores, ranks)))
    right, pairs = counted(torch.tensor([[2.0, 1.0]]), torch.tensor([[1, 2]]))
    assert (right.sum(), pairs.sum()) == (1, 1)


def test_a_check_that_was_stopped_is_not_remembered(monkeypatch: pytest.MonkeyPatch):
    """Stopped while the right answer is computed: the next check computes it again."""
    one, real, stops = exercise("6.5"), verdict.call, iter([True])

    def stopped(of, function, case):
        if function is of.solution and next(stops, False):
            return call.Outcome(case, error=KeyboardInterrupt())
        return real(of, function, case)

    monkeypatch.setattr(verdict, "call", stopped)
    with pytest.raises(KeyboardInterrupt):
        verdict.examine(one, one.mistakes[0].function, (987,))
    assert verdict.examine(one, one.mistakes[0].function, (987,)).wrong
    assert not any(outcome.error for outcome in verdict.examine(one, one.mistakes[0].function, (987,)).right)
