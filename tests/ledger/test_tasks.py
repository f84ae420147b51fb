"""Tasks: known by content, shown in random order, some of them repeated unseen."""

from collections import Counter

import pytest

from topfive.ledger import Task, with_repeats
from topfive.lists import Prompt

TASKS = [Task(Prompt(f"top 5 things {n}", "things"), tuple("abcd")) for n in range(20)]


def test_the_same_lists_are_the_same_task():
    assert TASKS[0].id == Task(Prompt("top 5 things 0", "other", ("x",)), ("a", "b", "c", "d")).id
    assert len({task.id for task in TASKS}) == 20
    assert Task(Prompt("x", ""), ("a", "b")).id != Task(Prompt("x", ""), ("b", "a")).id


def test_the_shown_order_is_a_permutation_fixed_by_student_and_task():
    assert sorted(TASKS[0].shown("k")) == [0, 1, 2, 3]
    assert TASKS[0].shown("k") == TASKS[0].shown("k")
    first = Counter(task.shown(str(key))[0] for task in TASKS for key in range(50))
    assert all(200 < first[index] < 300 for index in range(4))  # 250 expected of 1,000


def test_repeats_come_late_in_another_order():
    for key in "abcdefgh":
        asked = with_repeats(TASKS, 5, key)
        assert [task for task in asked if not task.repeat_of] == TASKS
        repeats = [(place, task) for place, task in enumerate(asked) if task.repeat_of]
        assert len({task.repeat_of for _, task in repeats}) == 5
        for place, repeat in repeats:
            original = next(i for i, task in enumerate(asked) if task.id == repeat.repeat_of)
            assert place - original >= 10
    assert any(task.shown("k") != next(t for t in TASKS if t.id == task.repeat_of).shown("k") for _, task in repeats)


def test_few_tasks_and_an_odd_number_have_repeats_too():
    for key in "abcdefgh":
        ids = [task.id.removesuffix("~") for task in with_repeats(TASKS[:3], 2, key)]
        twice = [[at for at, one in enumerate(ids) if one == task] for task in set(ids) if ids.count(task) == 2]
        assert len(twice) == 2
        assert all(again - once >= 2 for once, again in twice)


@pytest.mark.parametrize("count", [-1, 11])
def test_too_many_repeats_are_refused(count):
    with pytest.raises(ValueError, match="can be repeated"):
        with_repeats(TASKS, count, "k")


def test_numbers_of_lines_are_not_read():
    task = Task(Prompt("top 5 soups", "soups"), ("\n1. leek soup\n2. slow-cooked beans", "2 eggs in soup"))
    assert task.words() == 3 + 2 + 2 + 4
