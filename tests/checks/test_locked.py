"""Locked cells: none can be broken or beaten by a student's own names, and each shows a number of points."""

import ast
import contextlib
import functools
import sys
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tests.checks.answers import rewritten
from tests.exercises import variants_ppo
from topfive.build.notebooks import assignments, from_source
from topfive.checks import locked, replay
from topfive.exercises import exercise

NOTEBOOKS = {one.name: from_source(one.source.read_text("utf-8")).cells for one in assignments()}


def is_test(cell: Any) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(meta.get("grade")) and not meta["solution"]


TESTS = [pytest.param(name, cell, id=cell.id) for name, cells in NOTEBOOKS.items() for cell in cells if is_test(cell)]


def to_be_written(name: str) -> set[str]:
    """Names of the functions that students of a notebook write."""
    cells = [cell for cell in NOTEBOOKS[name] if cell.metadata.get("nbgrader", {}).get("solution")]
    trees = [ast.parse(cell.source) for cell in cells if cell.cell_type == "code"]
    return {node.name for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef)}


def global_names(tree: ast.Module) -> set[str]:
    """Names that a cell reads and does not import."""
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - imported


@pytest.mark.parametrize(("name", "cell"), TESTS)
def test_a_locked_cell_reads_no_name_of_the_student_but_the_one_under_test(name: str, cell: Any):
    tree = ast.parse(cell.source)
    assert global_names(tree) <= to_be_written(name)
    *imports, last = tree.body
    assert all(isinstance(node, ast.ImportFrom) and node.module == "topfive.checks.locked" for node in imports)
    assert [alias.asname for node in imports for alias in node.names] == ["_grade"]
    assert isinstance(last, ast.Expr)
    assert isinstance(last.value, ast.Call)
    assert isinstance(last.value.func, ast.Name)
    assert last.value.func.id == "_grade"
    loose = [node for node in last.value.args if isinstance(node, ast.Name)]
    assert not loose, "a function under test stands behind a lambda, since it may be missing"


def test_a_cell_that_does_read_one_would_be_found():
    assert global_names(ast.parse("from a import b as _grade\nprint(_grade(lambda: gae))")) == {"print", "gae"}
    assert "gae" in to_be_written("06-ppo")


HOSTILE = """
def mean(*numbers):
    return 0
grade = _grade = print = float = round = len = isinstance = sum = use = check = torch = topfive = exercise = mean
def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    return {answer}
"""


@pytest.mark.parametrize(("answer", "points"), [("rewards", 0.0), ("real(rewards, values, mask, gamma, lam)", 3.0)])
def test_names_taken_by_the_student_change_nothing(answer: str, points: float):
    [cell] = [cell for cell in NOTEBOOKS["06-ppo"] if cell.id == "gae-test"]
    shell = InteractiveShell()
    shell.user_ns["real"] = rewritten(exercise("6.3").solution)
    shell.run_cell(HOSTILE.format(answer=answer)).raise_error()
    done = shell.run_cell(cell.source)
    done.raise_error()
    assert done.result == points


def test_a_function_that_is_not_there_costs_its_points_in_words(capsys: pytest.CaptureFixture[str]):
    assert locked.grade("6.3", lambda: not_there, seeds=(1,)) == 0.0  # type: ignore[name-defined]  # noqa: F821
    assert locked.grade_replay({"6.3": lambda: nor_this}, (1,), 2) == 0.0  # type: ignore[name-defined]  # noqa: F821
    out, err = capsys.readouterr()
    assert out.startswith("there is no not_there: its cell is missing, or stopped before it was defined. 0 points\n")
    assert "there is no nor_this" in out
    assert err == ""


@pytest.mark.parametrize("answer", [3, None, "gae", sys.exit])
def test_what_is_no_such_function_costs_its_points_in_words(answer: Any, capsys: pytest.CaptureFixture[str]):
    assert locked.grade("6.3", lambda: answer, seeds=(1,)) == 0.0
    assert capsys.readouterr().out.strip()


@pytest.mark.parametrize(
    "measure",
    [
        lambda: locked.grade_perplexity(seed=1, at_most={1: 2}),
        lambda: locked.grade_lists(prompt_seed=1, seed=1, at_least={0.9: 1}),
        lambda: locked.measure_reward(seed=1, at_least={0.6: 1}),
        lambda: locked.grade_policy("vegetarian", prompt_seed=1, seed=1),
    ],
)
def test_a_model_that_is_not_there_costs_its_points_in_words(measure, capsys, tmp_path, monkeypatch):
    monkeypatch.setattr(locked, "artefact", lambda name: tmp_path / name)
    assert measure() == 0.0
    assert "is missing: run the cell that trains it" in capsys.readouterr().out


# --- the replay ---------------------------------------------------------------------------------------------------


def wrapped(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@pytest.mark.parametrize("disguised", [lambda function: function, functools.partial, wrapped])
def test_the_courses_own_functions_earn_nothing(disguised, capsys):
    own = {number: variants_ppo.VARIANTS[number][0] for number in replay.ARGUMENTS}
    taken = {**own, "6.2": disguised(exercise("6.2").solution)}
    assert replay.grade_replay(taken, seeds=(1,), points=2) == 0
    assert "not a function of your own, but the course's: 6.2" in capsys.readouterr().out


def test_a_loop_without_an_end_stops_the_replay_in_words(monkeypatch):
    def endless(*args, **kwargs):
        while True:
            with contextlib.suppress(Exception):
                sum(range(1000))

    monkeypatch.setattr(replay, "LIMIT", 0.5)
    monkeypatch.setattr(replay, "TIMES", 0.0)
    assert str(replay.replay({"6.3": endless})).startswith("replay: stopped by TimeoutError: no answer after")


def test_an_argument_by_another_name_is_said_in_words():
    def whiten(values, mask, shift=True):
        return exercise("6.4").solution(values, mask, shift)

    said = str(replay.replay({"6.4": whiten}))
    assert "6.4: the trainer calls whiten(…, shift_mean=False), and yours does not take that" in said


def test_what_a_function_logs_does_not_get_out(capfd):
    import logging
    import os

    def gae(*args, **kwargs):
        handler.emit(logging.makeLogRecord({"msg": "logged"}))
        os.write(2, b"from C\n")
        return exercise("6.3").solution(*args, **kwargs)

    handler = logging.StreamHandler()
    assert replay.replay({"6.3": gae}).agrees
    assert capfd.readouterr() == ("", "")


# --- the reward model ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "ranking", "counts"),
    [
        ("stub", "stub", False),
        ("course", "course", False),
        ("stub", "missing", False),
        ("right", "stub", True),
        ("stub", "right", True),
    ],
)
def test_a_reward_model_counts_once_a_loss_is_ones_own(order, ranking, counts, capsys, monkeypatch):
    monkeypatch.setattr(locked, "measure_reward", lambda seed, at_least: 3.0)

    def given(number, kind):
        def stub(*arguments):
            raise NotImplementedError(f"{number}: write it")

        def missing():
            raise NameError("name 'loss' is not defined", name="loss")

        right = rewritten(exercise(number).solution)
        functions = {"stub": stub, "course": exercise(number).solution, "right": right}
        return missing if kind == "missing" else lambda: functions[kind]

    losses = {"5.4": given("5.4", order), "5.5": given("5.5", ranking)}
    found = locked.grade_reward(losses, seeds=(1, 2), seed=3, at_least={0.7: 3})
    said = capsys.readouterr().out
    assert (found, "work/reward counts once one of 5.4, 5.5 earns points" in said) == (
        (3, False) if counts else (0, True)
    )
