"""A class graded: `topfive grade` against plain `nbgrader autograde`, submission for submission."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.timing import alternate
from topfive.build.notebooks import ROOT
from topfive.errors import TopFiveError
from topfive.grading import sandbox

TITLE = "Grading a class"
PLAIN, OURS, AGAIN = "nbgrader autograde", "topfive grade", "topfive grade, nothing new"


@dataclass(frozen=True)
class Settings:
    """So many students hand in the notebook as it was released, which runs to its end in seconds."""

    assignment: str = "01-labelling-basics"
    students: int = 4
    rounds: int = 2


def course(folder: Path, settings: Settings) -> Path:
    """A course of one assignment, generated and handed in."""
    name = settings.assignment
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copytree(ROOT / "solutions" / name, folder / "solutions" / name, ignore=shutil.ignore_patterns("work"))
    call(folder, "nbgrader", "generate_assignment", name)
    for number in range(settings.students):
        shutil.copytree(folder / "notebooks" / name, folder / "submitted" / f"student-{number}" / name)
    return folder


def call(folder: Path, program: str, *words: str) -> None:
    """Give a command in the course's folder. Raises TopFiveError if it fails."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
    environment = os.environ | {"PYTHONPATH": path, "PATH": beside}
    command = [sys.executable, "-m", program, *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TopFiveError(f"{program} {' '.join(words)}: {done.stderr[-500:]}")


def own_run(folder: Path, settings: Settings) -> float:
    """Seconds that one notebook takes in its sandbox: a kernel is started, and all cells are run."""
    import nbformat

    from topfive.grading.execute import ToTheEnd
    from topfive.grading.whole_class.jobs import at
    from topfive.grading.whole_class.jobs import settings as configured

    handed_in = folder / "submitted" / "student-0" / settings.assignment
    notebook = nbformat.read(handed_in / f"{settings.assignment}.ipynb", as_version=4)
    runner = ToTheEnd(config=configured(folder))
    began = time.monotonic()
    with at(folder):
        runner.preprocess(notebook, {"metadata": {"path": str(handed_in)}})
    return time.monotonic() - began


def measure(folder: Path, settings: Settings) -> tuple[Mapping[str, list[float]], float]:
    """Seconds of a class each way, and the median of the notebook's own run, measured in between."""
    alone = list[float]()

    def anew(program: str, *words: str) -> Callable[[], None]:
        def graded() -> None:
            call(folder, program, *words)

        return graded

    def and_alone() -> None:
        alone.append(own_run(folder, settings))

    name = settings.assignment
    ways = {
        PLAIN: anew("nbgrader", "autograde", name, "--force"),
        f"{OURS}, 1 worker": anew("topfive", "grade", name, "--force", "--workers", "1"),
        f"{OURS}, 2 workers": anew("topfive", "grade", name, "--force", "--workers", "2"),
        AGAIN: anew("topfive", "grade", name),
        "one notebook alone": and_alone,
    }
    return alternate(ways, settings.rounds), median(alone)


def run(settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    if problem := sandbox.problem():
        raise TopFiveError(f"nothing is graded without a sandbox: {problem}")
    with tempfile.TemporaryDirectory(prefix="topfive-benchmark-") as folder:
        times, alone = measure(course(Path(folder).resolve(), settings), settings)
    rows = []
    for name, workers in ((PLAIN, 1), (f"{OURS}, 1 worker", 1), (f"{OURS}, 2 workers", 2), (AGAIN, 0)):
        wall = median(times[name])
        rows.append([name, f"{wall:.1f}", f"{wall / settings.students - alone:.1f}" if workers == 1 else ""])
    return f"""{machine}

{settings.students} students hand in {settings.assignment} as it was released. A notebook alone, its kernel started in
the sandbox and its cells run, takes {alone:.1f} s. Overhead: seconds of the whole command, with Python's imports, over
the number of submissions, less that. Medians of {settings.rounds} runs in turn.

{table(["", "seconds a class", "overhead a submission, seconds"], rows)}
"""
