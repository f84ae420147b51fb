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
        skill = tuple(np.round(rng.uniform(0.8, 0.98, size=2), 2).tolist())
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
