"""PPO on a busy laptop: seconds a step with none, one and three programs beside it that never rest."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from benchmarks.machine import describe
from benchmarks.report import table

TITLE = "PPO beside busy programs"
SWITCHES = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")
WARM_UP = 2
AS_IT_COMES = "OpenMP as it comes"
# An empty OMP_WAIT_POLICY keeps the package from setting its own way of waiting and is no policy to OpenMP.
WAYS: Mapping[str, Mapping[str, str]] = {AS_IT_COMES: {"OMP_WAIT_POLICY": ""}, "as shipped": {}}


@dataclass(frozen=True)
class Neighbours:
    """How many busy programs run beside us, and after how many steps they come."""

    programs: int
    after: int = 0

    def __str__(self) -> str:
        later = f" from step {self.after + 1} on" * bool(self.after)
        return f"{self.programs} busy program{'s' * (self.programs != 1)}{later}"


@dataclass(frozen=True)
class Settings:
    """PPO steps that are measured in each run, after two that are not; what runs beside it, first of all nothing."""

    steps: int = 5
    neighbours: tuple[Neighbours, ...] = (Neighbours(0), Neighbours(1), Neighbours(3), Neighbours(1, after=2))


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


def step_seconds(steps: int, way: str, neighbours: Neighbours) -> float:
    """Median seconds of a PPO step in a process of its own, without the first two, in which things settle."""
    environment = {key: value for key, value in os.environ.items() if key not in SWITCHES} | dict(WAYS[way])
    command = [sys.executable, "-m", "benchmarks.threads_side", str(WARM_UP + steps), *["all"] * (way == AS_IT_COMES)]
    with ExitStack() as beside:
        if not neighbours.after:
            beside.enter_context(busy(neighbours.programs))
        side = beside.enter_context(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True))
        assert side.stdout
        took: list[float] = []
        for line in side.stdout:
            took.append(float(line))
            if len(took) == neighbours.after:
                beside.enter_context(busy(neighbours.programs))
    if side.returncode:
        raise subprocess.CalledProcessError(side.returncode, command)
    return median(took[WARM_UP:])


def measure(settings: Settings) -> dict[str, list[float]]:
    """Seconds a step of each way, one for each kind of neighbours; the ways take turns."""
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    for neighbours in settings.neighbours:
        for name in WAYS:
            found[name].append(step_seconds(settings.steps, name, neighbours))
    return found


def run(settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    found = measure(settings)
    head = ["", *map(str, settings.neighbours)]
    rows = [
        [name, *(f"{value:.2f} s ({value / values[0]:.1f} ×)" for value in values)] for name, values in found.items()
    ]
    return f"""{machine}

Seconds a PPO step with `topfive.loop`'s settings, and how many times a quiet step that is: the median of
{settings.steps} steps after two that are not counted. A busy program is an endless loop in one process. As it comes:
OpenMP spins as long as it likes, and there are as many threads as cores.

{table(head, rows)}
"""
