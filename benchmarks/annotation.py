"""Dawid–Skene on ten thousand labels: `topfive.annotation.aggregation` against crowd-kit, step for step."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np

from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.timing import alternate, median_ratio
from topfive.annotation.aggregation import dawid_skene
from topfive.annotation.labels import Labels
from topfive.annotation.simulate import crowd_labels

TITLE = "Dawid–Skene"
OURS, PEER = "topfive", "crowd-kit"


@dataclass(frozen=True)
class Settings:
    """A block is `steps` steps of EM on the same labels, from the shares of votes and with no early stop."""

    rounds: int = 7
    tasks: int = 2000
    workers: int = 50
    classes: int = 3
    overlap: int = 5
    steps: int = 20
    seed: int = 0


def measure(labels: Labels, settings: Settings) -> tuple[Mapping[str, list[float]], float]:
    """Seconds of each block, and the largest distance between two probabilities of the last one."""
    import pandas as pd
    from crowdkit.aggregation import DawidSkene as Peer

    task, worker = np.nonzero(labels >= 0)
    rows = pd.DataFrame({"task": task, "worker": worker, "label": labels[task, worker]})
    found: dict[str, Any] = {}

    def ours() -> None:
        found[OURS] = dawid_skene(labels, settings.classes, settings.steps, tolerance=-1)

    def peer() -> None:
        found[PEER] = Peer(n_iter=settings.steps, tol=-1e9).fit(rows)

    times = alternate({OURS: ours, PEER: peer}, settings.rounds)
    theirs = found[PEER].probas_.sort_index()[list(range(settings.classes))].to_numpy()
    return times, float(np.abs(found[OURS].guesses - theirs).max())


def run(settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    labels, _ = crowd_labels(settings.tasks, settings.workers, settings.classes, settings.overlap, settings.seed)
    times, apart = measure(labels, settings)
    rows = [[name, f"{1000 * median(times[name]):.0f}"] for name in (OURS, PEER)]
    return f"""{machine}

{(labels >= 0).sum():,} simulated labels, {settings.overlap} each of {settings.tasks:,} tasks, by {settings.workers}
workers, {settings.classes} classes; {settings.steps} steps of EM from the shares of votes, no early stop. Medians of
{settings.rounds} blocks in turn, seed {settings.seed}.

{table(["", "ms a run"], rows)}

topfive is **{median_ratio(times[PEER], times[OURS]):.1f} ×** as fast (median over pairs); the two sets of probabilities
differ by at most {apart:.0e}.
"""
