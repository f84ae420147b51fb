"""From rows to a matrix: what is kept, and what is refused in words."""

import numpy as np
import pytest

from topfive.annotation import agreement, labels
from topfive.errors import TopFiveError

ROWS = [
    {"task": "t1", "worker": "w2", "label": "off", "source": "human"},
    {"task": "t1", "worker": "w1", "label": "on"},
    {"task": "t2", "worker": "w2", "label": "on"},
]


def test_rows_become_a_matrix_and_rows_again():
    table = labels.from_rows(ROWS)
    assert (table.tasks, table.workers, table.classes) == (("t1", "t2"), ("w1", "w2"), ("off", "on"))
    assert table.matrix.tolist() == [[1, 0], [-1, 0 + 1]]
    assert labels.from_rows(table.rows(source="again")).matrix.tolist() == table.matrix.tolist()
    assert table.rows(source="again")[0] == {"source": "again", "task": "t1", "worker": "w1", "label": "on"}


def test_tasks_and_classes_keep_the_order_they_are_given_in():
    table = labels.from_rows(ROWS, classes=("on", "off"), tasks=("t3", "t2", "t1"))
    assert table.matrix.tolist() == [[-1, -1], [-1, 0], [0, 1]]


def test_some_workers_only():
    table = labels.from_rows(ROWS).of(["w2"])
    assert (table.workers, table.matrix.tolist()) == (("w2",), [[0], [1]])
    with pytest.raises(TopFiveError, match="worker 'w9' gave no label here; the workers are 'w1', 'w2'"):
        labels.from_rows(ROWS).of(["w9"])


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([], "there are no labels"),
        ([{"task": "t1", "worker": "w1"}], "label 1 has no 'label'; the columns are task, worker, label"),
        ([*ROWS, {**ROWS[0], "label": "on"}], r"worker 'w2' labelled task 't1' twice \('off' and 'on'\): keep one"),
        ([*ROWS, {**ROWS[0], "task": "t7"}], "label 4 is about task 't7', which is not among the 2 tasks given"),
        ([*ROWS, {"task": "t2", "worker": "w1", "label": "maybe"}], "label 4 is 'maybe'; the labels are 'on', 'off'"),
    ],
)
def test_what_cannot_be_read_is_said(rows, words):
    with pytest.raises(TopFiveError, match=words):
        labels.from_rows(rows, classes=("on", "off"), tasks=("t1", "t2"))


def test_golden_answers_have_a_place_in_the_table():
    table = labels.from_rows(ROWS)
    assert labels.gold_for(table, {"t2": "on"}).tolist() == [-1, 1]
    with pytest.raises(TopFiveError, match="golden task 't9' is not among the labelled tasks: 't1', 't2'"):
        labels.gold_for(table, {"t9": "on"})
    with pytest.raises(TopFiveError, match="golden task 't1' has the answer 'perhaps'; the labels are 'off', 'on'"):
        labels.gold_for(table, {"t1": "perhaps"})


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (ROWS[::2], "all labels are by 'w2': agreement needs a second worker"),
        ([ROWS[1], ROWS[2]], "no task has two labels"),
        ([{**row, "label": "on"} for row in ROWS], "every label is 'on'.*α and κ are undefined"),
    ],
)
def test_where_agreement_says_nothing_it_is_said_why(rows, words):
    with pytest.raises(TopFiveError, match=words):
        agreement.summary(labels.from_rows(rows))


def test_agreement_of_a_table_in_one_line():
    found = agreement.summary(labels.from_rows([*ROWS, {"task": "t2", "worker": "w1", "label": "on"}]))
    assert (found.percent, found.pairs) == (0.5, 1)
    assert np.isclose(found.alpha, agreement.krippendorff_alpha(np.array([[1, 0], [1, 1]])))
