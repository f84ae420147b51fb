"""What a student reads, whatever the function does: on stdout, in words, without a traceback."""

import functools
import re
import sys
import time
import warnings

import numpy as np
import pytest
import torch

from tests.checks.answers import rewritten
from topfive.checks import check, grade, hint, once_written, use, verdict
from topfive.checks.notebook import _hints_given
from topfive.errors import TopFiveError
from topfive.exercises import exercise, exercises
from topfive.ppo import advantages

gae = rewritten(advantages.gae)

TITLE = "6.3 Generalised advantage estimation"


@pytest.fixture
def printed(capsys):
    """Call a function and return what it printed as one line; nothing may go to stderr."""

    def run(function, *args):
        function(*args)
        out, err = capsys.readouterr()
        assert err == ""
        return " ".join(out.split())

    return run


def broken(change):
    """GAE whose answer is changed by `change`."""

    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        return change(gae(rewards, values, mask, gamma, lam))

    return function


def test_all_right(printed):
    text = printed(check, "6.3", gae)
    assert text.startswith(f"{TITLE} ✓ four tokens, one response ✓")
    assert text.endswith("3 of 3 points")
    assert "✗" not in text
    assert "hint(" not in text


def test_not_written_yet(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        raise NotImplementedError("6.3: walk backwards in time")

    text = printed(check, "6.3", function)
    assert text.startswith(f"{TITLE} Not written yet: walk backwards in time Put your code")
    assert text.endswith("0 of 3 points")


def test_an_exception_says_where(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        nothing = rewards.sum().item() * 0
        return 1 / nothing

    text = printed(check, "6.3", function)
    assert "ZeroDivisionError: float division by zero in line" in text
    assert "return 1 / nothing" in text
    assert "Traceback" not in text


def test_an_exception_inside_a_library_shows_the_line_of_the_function(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        return torch.cat([rewards, values[:, :0].unsqueeze(0)], dim=1)

    assert "return torch.cat([rewards" in printed(check, "6.3", function)


def refuses_by(refuse):
    """7.5 but for how another form is refused."""

    def function(distance, gold, form):
        if form not in ("best of n", "rl"):
            return refuse(form)
        d = distance[distance > 0]
        if len(np.unique(d)) < 2:
            raise ValueError("too few")
        bend = d if form == "best of n" else np.log(d)
        return np.linalg.lstsq(np.stack([d, -d * bend], axis=1), gold[distance > 0])[0]

    return function


@pytest.mark.parametrize(
    ("refuse", "said"),
    [
        (lambda form: [1.0, 2.0], "An answer came back where ValueError should be raised. Look at: what the docstring"),
        (lambda form: None, "Nothing (None) came back where ValueError should be raised. That is what comes out when"),
        ({}.__getitem__, "KeyError: 'ppo' in line"),
    ],
)
def test_something_else_in_the_place_of_an_error_is_named(printed, refuse, said):
    text = printed(check, "7.5", refuses_by(refuse))
    assert f"✗ a form that there is not {said}" in text
    assert "Look at:" in text
    assert text.count("✗") == 1


def test_a_changed_signature_is_named(printed):
    text = printed(check, "6.3", lambda rewards, values: rewards)
    assert "TypeError" in text
    assert "gae(rewards, values, mask, gamma, lam): keep the names" in text


@pytest.mark.parametrize(
    ("number", "function"),
    [
        ("3.3", functools.cache(lambda texts, end, width: None)),
        ("6.4", functools.partial(torch.add, alpha="x")),
    ],
)
def test_an_error_of_another_kind_is_not_blamed_on_the_names_of_the_arguments(printed, number, function):
    text = printed(check, number, function)
    assert "TypeError" in text
    assert "keep the names" not in text


def test_slow_calls_have_a_limit_together(printed, monkeypatch):
    def slow(*args, **kwargs):
        time.sleep(0.05)
        return gae(*args, **kwargs)

    monkeypatch.setattr(verdict, "SECONDS", 0.12)
    text = printed(check, "6.3", slow)
    assert "Stopped: all calls together took more than 0 seconds" in text
    assert "(not tried)" in text


def test_brackets_after_the_function(printed):
    assert 'check("6.3", gae)' in printed(check, "6.3", gae(*exercise("6.3").cases(0)[0].args))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: None, "Nothing came back (None)"),
        (lambda a: torch.nested.nested_tensor([torch.ones(3)]), "A nested tensor, whose rows are of different lengths"),
        (lambda a: a.T, "The shape of yours is (4, 1); it should be (1, 4), (response, token)"),
        (lambda a: a.sum(), "The shape of yours is (); it should be (1, 4)"),
        (lambda a: a / 0, "At [0, 0] (response 1, token 1) yours is"),
        (lambda a: a * torch.nan, "yours is nan (not a number"),
        (lambda a: "a", "A value of type str came back where a tensor of shape (1, 4) belongs"),
        (lambda a: [[1.0], [1.0, 2.0]], "A list of 2 came back where a tensor"),
        (lambda a: -a, "Every sign is turned round"),
        (lambda a: a * 3, "one and the same number"),
        (lambda a: a + 1, "one and the same amount"),
        (lambda a: torch.cat([a[:, :-1], a[:, -1:] + 5], 1), "At [0, 3] (response 1, token 4) yours is"),
        (lambda a: torch.cat([a[:, :-1], a[:, -1:] + 5], 1), "too large; 1 of 4 values are off"),
        (lambda a: a.round().long(), "yours is"),
    ],
)
def test_a_wrong_answer_is_described(printed, change, said):
    text = printed(check, "6.3", broken(change))
    assert said in text
    assert 'hint("6.3") for more' in text


def test_without_a_named_mistake_the_case_says_what_to_look_at(printed):
    assert f"Look at: {exercise('6.3').cases(0)[0].look_at}" in printed(check, "6.3", broken(lambda a: a + 1))


def test_pads_that_are_not_zero_are_called_so(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        return gae(rewards, values, mask, gamma, lam) + 7 * (1 - mask)

    text = printed(check, "6.3", function)
    assert re.search(r"At \[\d, \d\] \(response \d, token \d\) yours is 7, where 0 belongs", text)
    assert text.startswith(f"{TITLE} ✓ four tokens, one response")


def test_changing_an_argument_is_a_word_of_advice(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        answer = gae(rewards, values, mask, gamma, lam)
        rewards.mul_(0)
        return answer

    text = printed(check, "6.3", function)
    assert "A word of advice, which costs no points: Your function changes its argument `rewards` in place" in text
    assert text.endswith("3 of 3 points")


@pytest.mark.filterwarnings("ignore:noise")
def test_stderr_and_warnings_stay_silent_and_prints_are_shown(printed):
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        print("looking at", len(rewards))
        print("noise", file=sys.stderr)
        warnings.warn("noise", stacklevel=1)
        return gae(rewards, values, mask, gamma, lam)

    assert "looking at 1" in printed(check, "6.3", function)
    assert "looking" not in printed(grade, "6.3", function, (1, 2))


def test_a_check_leaves_the_notebooks_random_numbers_alone(printed):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    printed(check, "6.3", broken(lambda a: a + torch.randn(a.shape)))
    assert torch.equal(torch.rand(1), expected)


# --- hint ---------------------------------------------------------------------------------------------------------


def test_hints_come_one_by_one_and_then_again(printed):
    _hints_given.clear()
    texts = [printed(hint, "6.3") for _ in range(4)]
    assert [text[:11] for text in texts] == ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 1 of 3"]
    assert "That was the last hint" in texts[2]
    assert "last hint" not in texts[1]


# --- grade --------------------------------------------------------------------------------------------------------


def test_grade_gives_full_points_for_the_solution_and_none_for_nothing(printed, capsys):
    assert grade("6.3", gae, (11, 12, 13)) == 3
    assert capsys.readouterr() == ("6.3: 3 of 3 points\n", "")
    for wrong in (lambda *a, **k: None, lambda: None, None):
        assert grade("6.3", wrong, (11, 12, 13)) == 0
    assert capsys.readouterr().err == ""


def test_grade_gives_part_of_the_points_and_names_what_failed(capsys):
    [mistake] = [one for one in exercise("6.3").mistakes if one.name == "λ where γλ belongs"]
    points = grade("6.3", mistake.function, (11, 12, 13))
    assert 0 < points < 3
    assert capsys.readouterr().out.startswith(f"6.3: {points:g} of 3 points; not right yet: γ below 1")


def test_points_come_in_halves_and_full_ones_need_all_cases():
    one = exercise("6.3")
    assert [one.earned(passed, 5) for passed in range(6)] == [0, 0.5, 1, 1.5, 2, 3]
    assert one.earned(999, 1000) == 2.5


def test_grade_needs_seeds():
    with pytest.raises(TopFiveError, match="at least one seed"):
        grade("6.3", gae, ())


# --- use ----------------------------------------------------------------------------------------------------------


def test_the_students_own_function_trains_if_it_is_right(capsys):
    own = broken(lambda a: a)
    assert use("6.3", own) is own
    assert capsys.readouterr().out == "6.3 gae: yours is used\n"


@pytest.mark.parametrize("wrong", [broken(lambda a: a + 1), None], ids=["wrong", "no function"])
def test_the_courses_function_trains_otherwise(capsys, wrong):
    assert use("6.3", wrong) is exercise("6.3").solution
    assert "6.3 gae: the course's own is used, yours is not right yet" in capsys.readouterr().out


def test_a_right_function_in_numpy_gives_a_tensor_when_it_trains():
    rewards, values, mask = torch.randn(2, 3), torch.randn(2, 3), torch.ones(2, 3)
    found = use("6.3", broken(lambda a: a.double().numpy()))(rewards, values, mask)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, gae(rewards, values, mask))


def test_a_right_function_that_changes_its_arguments_cannot_spoil_training():
    def function(rewards, values, mask, gamma=1.0, lam=0.95):
        answer = gae(rewards, values, mask, gamma, lam)
        values.zero_()
        return answer

    values = torch.ones(1, 2)
    use("6.3", function)(torch.ones(1, 2), values, torch.ones(1, 2))
    assert torch.equal(values, torch.ones(1, 2))


# --- once_written -------------------------------------------------------------------------------------------------


def test_a_cell_that_shows_an_unwritten_function_says_so_and_goes_on(capsys):
    with once_written():
        raise NotImplementedError("6.3: walk backwards in time")
    assert capsys.readouterr().out == (
        "Not written yet (6.3: walk backwards in time). Write it, then run this cell again.\n"
    )


def test_a_cell_that_shows_a_function_that_fails_says_so_and_goes_on(capsys):
    with once_written():
        _ = 1 / 0
    out = capsys.readouterr().out
    assert "It stopped with ZeroDivisionError: division by zero\nin line" in out
    assert "_ = 1 / 0\nMend the function (its check says more), then run this cell again." in out


def test_an_error_of_pytorch_is_not_taken_for_the_line_to_be_replaced(capsys):
    with once_written():
        raise NotImplementedError("\"bmm\" not implemented for 'Bool'")
    assert "Not written yet" not in capsys.readouterr().out


# --- numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["6.99", "9.1", "gae", "", "6"])
def test_a_number_that_does_not_exist(number):
    with pytest.raises(TopFiveError, match=r"no exercise|no checks"):
        exercise(number)


def test_an_error_names_the_exercises_there_are():
    with pytest.raises(TopFiveError, match=r"there is no exercise '6.99'; this assignment has 6\."):
        check("6.99", gae)


def test_assignments_without_exercises_yet_are_empty_or_full_but_there():
    assert all(isinstance(exercises(assignment), tuple) for assignment in ("3", "5", "6"))


def test_numpy_scalars_and_lists_of_tensors_are_numbers():
    from topfive.checks.compare import difference

    right = torch.tensor([1.0, 2.0])
    for same in (np.array([1, 2]), [1, 2.0], (torch.tensor(1.0, requires_grad=True), 2), right.bfloat16()):
        assert not difference(same, right)
    assert not difference(np.float32(2), 2.0)
    assert not difference(torch.tensor(2), 2.0)
