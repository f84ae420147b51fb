"""PPO on a busy laptop: seconds a step with none, one and three programs beside it that never rest."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks.machine import describe
from benchmarks.report import table

TITLE = "PPO beside busy programs"
SWITCHES = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
AS_IT_COMES = "OpenMP as it comes"
# An empty OMP_WAIT_POLICY keeps the package from setting its own way of waiting and is no policy to OpenMP.
WAYS: Mapping[str, Mapping[str, str]] = {AS_IT_COMES: {"OMP_WAIT_POLICY": ""}, "as shipped": {}}


@dataclass(frozen=True)
class Settings:
    """PPO steps in each run, of which the first warms up; and how many programs run beside it."""

    steps: int = 6
    neighbours: tuple[int, ...] = (0, 1, 3)


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """So many processes beside us that never rest."""
    started = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(programs)]
    try:
        yield
    finally:
        for one in started:
            one.kill()
            one.wait()


def step_seconds(steps: int, way: str) -> float:
    """Median seconds of a PPO step in a process of its own, without the first."""
    environment = {key: value for key, value in os.environ.items() if key not in SWITCHES} | dict(WAYS[way])
    command = [sys.executable, "-m", "benchmarks.threads_side", str(steps), *["all"] * (way == AS_IT_COMES)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return median(json.loads(done.stdout.splitlines()[-1])[1:])


def measure(settings: Settings) -> dict[str, list[float]]:
    """Seconds a step of each way, one for each number of neighbours; the ways take turns."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for programs in settings.neighbours:
        for name in WAYS:
            with busy(programs):
                found[name].append(step_seconds(settings.steps, name))
    return found


def run(settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    found = measure(settings)
    head = ["", *(f"{number} busy program{'s' * (number != 1)}" for number in settings.neighbours)]
    rows = [
        [name, *(f"{value:.2f} s ({value / values[0]:.1f} ×)" for value in values)] for name, values in found.items()
    ]
    return f"""{machine}

Seconds a PPO step with `topfive.run`'s settings, and how many times a quiet step that is: the median of
{settings.steps - 1} steps after a first one. A busy program is an endless loop in one process. As it comes: OpenMP
spins as long as it likes, and there are as many threads as cores.

{table(head, rows)}
"""
