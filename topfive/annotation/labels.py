"""From rows `task, worker, label` to a matrix, one row a task, one column a worker; and what may be wrong with them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topfive.errors import TopFiveError

Labels = NDArray[np.int64]

MISSING = -1
COLUMNS = ("task", "worker", "label")


@dataclass(frozen=True)
class LabelTable:
    """Labels of many tasks by many workers.

    matrix: (tasks, workers) int64, the number of the class that a worker chose, -1 where they were not asked.
    tasks, workers, classes: what the rows, the columns and the numbers stand for.
    """

    matrix: Labels
    tasks: tuple[str, ...]
    workers: tuple[str, ...]
    classes: tuple[str, ...]

    def rows(self, **more: object) -> list[dict[str, Any]]:
        """One dictionary a label, with `task`, `worker` and `label`; `more` stands in each of them."""
        return [
            {**more, "task": self.tasks[t], "worker": self.workers[w], "label": self.classes[self.matrix[t, w]]}
            for t, w in np.argwhere(self.matrix != MISSING).tolist()
        ]

    def of(self, workers: Collection[str]) -> "LabelTable":
        """Only the columns of these workers. Raises TopFiveError if one of them is not here."""
        if unknown := sorted(set(workers) - set(self.workers)):
            raise TopFiveError(f"worker {unknown[0]!r} gave no label here; the workers are {_some(self.workers)}")
        kept = [w for w, name in enumerate(self.workers) if name in set(workers)]
        return LabelTable(self.matrix[:, kept], self.tasks, tuple(self.workers[w] for w in kept), self.classes)


def from_rows(
    rows: Iterable[Mapping[str, Any]], classes: Sequence[str] | None = None, tasks: Sequence[str] | None = None
) -> LabelTable:
    """A table from rows with the columns `task`, `worker` and `label`; other columns are passed over.

    classes, tasks: those there are, in order; without them, those that occur, sorted.
    Raises TopFiveError for no rows, a missing column, a task or label that is not among those given, and for two labels
    by one worker for one task.
    """
    said: dict[tuple[str, str], str] = {}
    for number, row in enumerate(rows, start=1):
        if missing := [column for column in COLUMNS if column not in row]:
            raise TopFiveError(f"label {number} has no {missing[0]!r}; the columns are {', '.join(COLUMNS)}")
        task, worker, label = (str(row[column]) for column in COLUMNS)
        if tasks is not None and task not in tasks:
            raise TopFiveError(
                f"label {number} is about task {task!r}, which is not among the {len(tasks)} tasks given"
            )
        if classes is not None and label not in classes:
            raise TopFiveError(f"label {number} is {label!r}; the labels are {', '.join(map(repr, classes))}")
        if (task, worker) in said:
            both = f"{said[task, worker]!r} and {label!r}"
            raise TopFiveError(f"worker {worker!r} labelled task {task!r} twice ({both}): keep one, as the later")
        said[task, worker] = label
    if not said:
        raise TopFiveError("there are no labels")
    rows_of = tuple(tasks if tasks is not None else sorted({task for task, _ in said}))
    kinds = tuple(classes if classes is not None else sorted(set(said.values())))
    workers = tuple(sorted({worker for _, worker in said}))
    places = [{name: number for number, name in enumerate(names)} for names in (rows_of, workers, kinds)]
    matrix = np.full((len(rows_of), len(workers)), MISSING, dtype=np.int64)
    for (task, worker), label in said.items():
        matrix[places[0][task], places[1][worker]] = places[2][label]
    return LabelTable(matrix, rows_of, workers, kinds)


def gold_for(table: LabelTable, gold: Mapping[str, str]) -> Labels:
    """The right answers that are known, (tasks,) int64, -1 for all other tasks.

    gold: task → label. Raises TopFiveError for a task or label that the table does not know.
    """
    known = np.full(len(table.tasks), MISSING, dtype=np.int64)
    for task, label in gold.items():
        if task not in table.tasks:
            raise TopFiveError(f"golden task {task!r} is not among the labelled tasks: {_some(table.tasks)}")
        if label not in table.classes:
            raise TopFiveError(f"golden task {task!r} has the answer {label!r}; the labels are {_some(table.classes)}")
        known[table.tasks.index(task)] = table.classes.index(label)
    return known


def _some(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:5])) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
