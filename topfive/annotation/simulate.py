"""A simulated crowd that labels lists of known truth. None of it is a person, and every row says `simulated`.

What is put in, so that it can be found again: a skill for each class, fatigue, a pull towards the label shown first, a
reading of each borderline case, and three kinds of spammers. The crowd cannot read. It only hears which borderline
cases the instructions mention: of those nearly all share the course's reading, of the others everybody has their own.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from topfive.annotation.labels import MISSING, Labels, LabelTable
from topfive.annotation.on_topic import BORDERLINE, CLASSES, ON, KnownList
from topfive.stats import Estimate, wilson

Kind = Literal["honest", "random", "same", "copy"]

TOLD = 0.95  # of the workers share the reading of a case that is mentioned
UNTOLD = 0.5  # read a case as the course does that is not


@dataclass(frozen=True)
class Labeller:
    """One simulated worker.

    skill: how likely each class, once understood, is said (on topic, off topic). fatigue: how much of the way from
    there to a coin's ½ is gone after 100 tasks. first: share of tasks answered with the label shown first. kind:
    "random" and "same" do not look; "copy" says what worker `copies` says.
    """

    name: str
    kind: Kind = "honest"
    skill: tuple[float, float] = (0.92, 0.92)
    fatigue: float = 0.0
    first: float = 0.0
    copies: str = ""


@dataclass(frozen=True)
class Simulated:
    """What a simulated crowd said, and the truth that it did not know.

    truth: (tasks,). cases: the case of each task. shown_first: (tasks, workers), the label at the top of the screen.
    order: (tasks, workers), how many tasks the worker had done before. Both -1 where not asked.
    """

    table: LabelTable
    truth: Labels
    cases: tuple[str, ...]
    shown_first: Labels = field(repr=False)
    order: Labels = field(repr=False)

    def rows(self) -> list[dict[str, object]]:
        """One row a label, each marked as simulated."""
        return self.table.rows(source="simulated")


def crowd(seed: int, honest: int = 24, spammers: bool = True) -> list[Labeller]:
    """Honest workers of different skill, three of them tired, biased or lenient; and, if asked for, five spammers."""
    rng = np.random.default_rng(seed)
    people = []
    for number in range(honest):
        skill = tuple(np.round(rng.uniform(0.85, 0.99, size=2), 2).tolist())
        people.append(Labeller(f"w{number:02}", skill=(skill[0], skill[1])))
    people[1] = Labeller("w01", skill=(0.97, 0.95), fatigue=0.8)
    people[2] = Labeller("w02", skill=(0.95, 0.95), first=0.5)
    people[3] = Labeller("w03", skill=(0.98, 0.55))  # lets nearly everything pass
    if spammers:
        kinds: tuple[Kind, ...] = ("random", "random", "same", "same", "copy")
        for number, kind in enumerate(kinds, start=honest):
            people.append(Labeller(f"w{number:02}", kind, copies="w04" if kind == "copy" else ""))
    return people


def label(
    lists: Sequence[KnownList],
    workers: Sequence[Labeller],
    mentioned: Collection[str] = BORDERLINE,
    overlap: int = 5,
    seed: int = 0,
) -> Simulated:
    """Have each list labelled by `overlap` workers, drawn at random; a copier sits beside whom they copy.

    mentioned: the borderline cases that the instructions decide. The same arguments give the same labels.
    """
    rng = np.random.default_rng(seed)
    asked = _asked(len(lists), workers, overlap, rng)
    order = np.where(asked, np.cumsum(asked, axis=0) - 1, MISSING)
    shown_first = np.where(asked, rng.integers(2, size=asked.shape), MISSING)
    matrix = np.full(asked.shape, MISSING, dtype=np.int64)
    for column, worker in enumerate(workers):
        said = _said(worker, lists, mentioned, order[:, column], shown_first[:, column], rng)
        matrix[:, column] = np.where(asked[:, column], said, MISSING)
    names = [worker.name for worker in workers]
    for column, worker in enumerate(workers):
        if worker.kind == "copy":
            matrix[:, column] = matrix[:, names.index(worker.copies)]
    table = LabelTable(matrix, tuple(f"t{number:03}" for number in range(len(lists))), tuple(names), CLASSES)
    truth = np.array([one.truth for one in lists])
    return Simulated(table, truth, tuple(one.case for one in lists), shown_first, order)


def _asked(tasks: int, workers: Sequence[Labeller], overlap: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Who is asked about what, (tasks, workers)."""
    names = [worker.name for worker in workers]
    free = [column for column, worker in enumerate(workers) if worker.kind != "copy"]
    asked = np.zeros((tasks, len(workers)), dtype=bool)
    for task in range(tasks):
        asked[task, rng.choice(free, min(overlap, len(free)), replace=False)] = True
    for column, worker in enumerate(workers):
        if worker.kind == "copy":
            asked[:, column] = asked[:, names.index(worker.copies)]
    return asked


def _said(
    worker: Labeller,
    lists: Sequence[KnownList],
    mentioned: Collection[str],
    order: Labels,
    shown_first: Labels,
    rng: np.random.Generator,
) -> Labels:
    """What one worker would say about every list, (tasks,)."""
    number = len(lists)
    # Drawn alike whatever the instructions say, so that two crowds differ by these alone.
    own, told, chance, coin, pull = (rng.random(size) for size in (len(BORDERLINE), len(BORDERLINE), *(number,) * 3))
    if worker.kind == "same":
        return np.full(number, ON)
    if worker.kind == "random":
        return (coin < 0.5).astype(np.int64)
    agrees = {
        case: own[place] < UNTOLD or (case in mentioned and told[place] < (TOLD - UNTOLD) / (1 - UNTOLD))
        for place, case in enumerate(BORDERLINE)
    }
    meant = np.array([one.truth if agrees.get(one.case, True) else 1 - one.truth for one in lists])
    rested = np.maximum(0.0, 1 - worker.fatigue * np.maximum(order, 0) / 100)
    right = chance < 0.5 + (np.array(worker.skill)[meant] - 0.5) * rested
    return np.where(pull < worker.first, np.maximum(shown_first, 0), np.where(right, meant, 1 - meant))


def stand_in(lists: Sequence[KnownList], tasks: Sequence[str]) -> list[dict[str, object]]:
    """Example labels for whoever has none yet: rows as a ledger's, but of worker "example", and marked as simulated.

    tasks: the id of each list's task.
    """
    example = Labeller("example", skill=(0.93, 0.9))
    said = label(lists, [example], mentioned=("stray", "condition", "vague"), overlap=1, seed=7)
    return [{**row, "task": task} for row, task in zip(said.rows(), tasks, strict=True)]


@dataclass(frozen=True)
class TasteTest:
    """Two ways to test simulated workers who are asked what they like best.

    kinds: "majority", "minority" or "spammer", one a worker. golden, attention: share of each worker's answers that the
    test calls right, (workers,).
    """

    kinds: tuple[str, ...]
    golden: NDArray[np.float64]
    attention: NDArray[np.float64]


def taste_test(seed: int, questions: int = 12, majority: int = 30, minority: int = 10, spammers: int = 6) -> TasteTest:
    """Simulated workers, of whom some like what others do not, on "golden" likings and on faults that all can see.

    Golden: of two faultless lists, "right" is the one that the majority likes clearly better; a worker likes it better
    with probability 0.9, or 0.1 if their taste is the other one. Attention: of two lists one has four items, says an
    item twice, or is off topic; who reads prefers the other with probability 0.95. A spammer throws a coin.
    """
    rng = np.random.default_rng(seed)
    kinds = ("majority",) * majority + ("minority",) * minority + ("spammer",) * spammers
    likes = {"majority": 0.9, "minority": 0.1, "spammer": 0.5}
    sees = {"majority": 0.95, "minority": 0.95, "spammer": 0.5}
    golden, attention = (
        (rng.random((len(kinds), questions)) < np.array([right[kind] for kind in kinds])[:, None]).mean(axis=1)
        for right in (likes, sees)
    )
    return TasteTest(kinds, golden, attention)


# --- looking back at what was planted -----------------------------------------------------------------------------


def first_label_right(said: Simulated) -> tuple[int, int]:
    """Of how many lists the first label in the table is right, and of how many there is one."""
    asked = said.table.matrix != MISSING
    first = said.table.matrix[np.arange(len(asked)), asked.argmax(axis=1)]
    return int((first == said.truth)[asked.any(axis=1)].sum()), int(asked.any(axis=1).sum())


def right_early_and_late(said: Simulated, worker: str) -> tuple[Estimate, Estimate]:
    """How often a worker was right in the first half of their tasks, and in the second."""
    column = said.table.workers.index(worker)
    done = said.order[:, column]
    right = said.table.matrix[:, column] == said.truth
    half = (done.max() + 1) // 2
    early, late = (
        wilson(int(right[part].sum()), int(part.sum())) for part in ((done >= 0) & (done < half), done >= half)
    )
    return early, late


def took_first(said: Simulated, worker: str) -> Estimate:
    """How often a worker chose the label that stood first on the screen."""
    column = said.table.workers.index(worker)
    asked = said.table.matrix[:, column] != MISSING
    taken = said.table.matrix[asked, column] == said.shown_first[asked, column]
    return wilson(int(taken.sum()), int(asked.sum()))


# --- without lists ------------------------------------------------------------------------------------------------


def crowd_labels(tasks: int, workers: int, classes: int, overlap: int, seed: int) -> tuple[Labels, Labels]:
    """Labels by workers with a random matrix each, three in five of it on the diagonal, for tests and benchmarks.

    Returns labels, (tasks, workers) int64, `overlap` a task and -1 elsewhere; and the truth, (tasks,) int64.
    """
    rng = np.random.default_rng(seed)
    truth = rng.integers(classes, size=tasks)
    matrices = 0.4 * rng.dirichlet(np.ones(classes), size=(workers, classes)) + 0.6 * np.eye(classes)
    drawn = (rng.random((tasks, workers, 1)) > matrices[:, truth].transpose(1, 0, 2).cumsum(axis=2)).sum(axis=2)
    asked = rng.random((tasks, workers)).argsort(axis=1) < overlap
    return np.where(asked, np.minimum(drawn, classes - 1), MISSING), truth
