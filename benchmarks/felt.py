"""What a person waits for at every start, click and check: seconds on this machine, beside what we allow ourselves."""

import json
import random
import string
import subprocess
import sys
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.machine import describe
from benchmarks.report import table
from benchmarks.timing import seconds
from topfive import ledger
from topfive.checks.notebook import report
from topfive.exercises import ASSIGNMENTS, exercises
from topfive.lists import Prompt, Ranking
from topfive.panels import side

TITLE = "What must not be felt"
ROUNDS = 5
ALLOWED = {"import": 0.3, "ledger": 1.0, "opinion": 0.3, "check": 1.0}


def starting(module: str) -> float:
    """Importing it in a fresh Python, without Python's own start."""
    code = f"from time import perf_counter as t; start = t(); import {module}; print(t() - start)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def rankings(count: int) -> list[ledger.Event]:
    """So many rankings of four lists, as a ledger keeps them."""
    rng, prompt = random.Random(1), Prompt("top 5 dinners", "dinners")
    fours = [
        tuple(f"{' '.join(rng.choices(string.ascii_lowercase, k=25))}{number}" for number in range(4))
        for _ in range(count)
    ]
    return [
        ledger.ranking_event(Ranking(prompt, four, (1, 2, 3, 4)), task=str(number), id=str(number))
        | {"v": 1, "panel": "first", "time": "2026-01-01T00:00:00.000Z"}
        for number, four in enumerate(fours)
    ]


def moves(count: int) -> list[ledger.Event]:
    """So many moves of a list, most of what a ledger holds."""
    common = {"v": 1, "kind": "draft", "panel": "first", "draft": [[0], [1], [2]], "time": "2026-01-01T00:00:00.000Z"}
    return [common | {"id": f"{number:032x}", "task": f"{number:012x}", "at": number} for number in range(count)]


def opening(path: Path) -> None:
    """Read a whole ledger; a line it cannot read would make the time worthless."""
    _, problems = ledger.read(path)
    if problems:
        raise RuntimeError(problems[0])


def slowest_check() -> tuple[str, float]:
    """The exercise whose check takes longest with its last mistake, which is compared with all the others first."""
    took = {}
    for one in (one for assignment in ASSIGNMENTS for one in exercises(assignment)):
        wrong = [mistake.function for mistake in one.mistakes if not mistake.advice][-1]
        took[one.number] = median(seconds(partial(report, one, wrong)) for _ in range(ROUNDS))
    return max(took.items(), key=lambda item: item[1])


def run() -> str:
    """Measure, and say it in Markdown."""
    answers = rankings(200)
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        header = {"v": 1, "kind": "header", "id": "h", "student": "s", "assignment": "04", "time": "t"}
        path.write_text("".join(json.dumps(event) + "\n" for event in [header, *moves(100_000)]), "utf-8")
        opened = median(seconds(lambda: opening(path)) for _ in range(ROUNDS))
    number, checked = slowest_check()
    opinion = median(seconds(lambda: side.opinion(answers, answers[-1])) for _ in range(ROUNDS))
    rows = [
        [f"`import {module}`", f"{median(starting(module) for _ in range(ROUNDS)):.2f} s", f"{ALLOWED['import']} s"]
        for module in ("topfive", "topfive.cli")
    ]
    rows += [
        ["opening a ledger of 100,000 moves", f"{opened:.2f} s", f"{ALLOWED['ledger']} s"],
        ["the model beside the panel, after 200 rankings", f"{opinion:.3f} s", f"{ALLOWED['opinion']} s"],
        [f"the slowest check of all exercises ({number})", f"{checked:.2f} s", f"{ALLOWED['check']} s"],
    ]
    return f"""{describe()}

Median of {ROUNDS}.

{table(["", "takes", "allowed"], rows)}
"""
