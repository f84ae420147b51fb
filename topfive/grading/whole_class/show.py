"""What `topfive grade` shows: a bar while it works, plain lines where nobody watches, and a table at the end."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from statistics import median

from tqdm import tqdm

from topfive.grading.whole_class.again import Change
from topfive.grading.whole_class.grade import Progress, Row

NAMES = 4  # at work, that are shown


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Something to call with the progress, as often as one likes."""
    bar = Bar() if sys.stderr.isatty() else Plain()
    try:
        yield bar
    finally:
        bar.close()


class Plain:
    """A line on stderr for each submission that is done."""

    done = 0

    def __call__(self, now: Progress) -> None:
        """Say what is new."""
        if now.last and len(now.took) > self.done:
            self.done = len(now.took)
            state = now.last
            why = f": {state.sentence}" if state.sentence else ""
            print(f"{self.done}/{now.jobs} {state.student}: {state.state}{why} ({now.took[-1]:.0f} s)", file=sys.stderr)

    def close(self) -> None:
        """Nothing is open."""


class Bar:
    """A bar on the terminal."""

    def __init__(self) -> None:
        self.bar: tqdm | None = None

    def __call__(self, now: Progress) -> None:
        """Draw it."""
        if self.bar is None:
            self.bar = tqdm(total=now.jobs, bar_format="{n_fmt}/{total_fmt} {bar:20} {postfix}", leave=False)
        self.bar.n = len(now.took)
        self.bar.set_postfix_str(", ".join([*left(now), *at_work(now)]))

    def close(self) -> None:
        """Take it away."""
        if self.bar is not None:
            self.bar.close()


def left(now: Progress) -> Iterator[str]:
    """How long it takes yet, once something was measured."""
    if now.took:
        seconds = median(now.took) * (now.jobs - len(now.took)) / min(now.workers, now.jobs)
        yield f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"


def at_work(now: Progress) -> Iterator[str]:
    """Who is being graded, and where the notebook is."""
    names = sorted(dict(now.phases).items())
    for student, phase in names[:NAMES]:
        yield f"{student} {phase}"
    if len(names) > NAMES:
        yield f"and {len(names) - NAMES} more"


def table(rows: Iterable[Row]) -> str:
    """Student, points, what waits for a person, and what became of the submission."""
    rows = list(rows)
    lines = [("student", "points", "for a person", "state")]
    for row in rows:
        points = "-" if row.points is None else f"{row.points:g}/{row.of:g}"
        why = f": {row.state.sentence}" if row.state.sentence else ""
        lines.append((row.state.student, points, ", ".join(row.waiting) or "-", f"{row.state.state}{why}"))
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    text = ["  ".join([*map(str.ljust, line, widths), line[3]]) for line in lines]
    said = [line for row in rows for line in said_of(row)]
    return "\n".join([*text, *(["", "What was put in order:", *said] if said else [])])


def said_of(row: Row) -> Iterator[str]:
    """What was logged about a submission, with whose it is."""
    student = row.state.student
    for line in row.state.log:
        if line != row.state.sentence:
            yield f"  {line}" if line.startswith(f"{student} ") else f"  {student}: {line}"


def changes(assignment: str, rows: Iterable[Row], changed: Iterable[Change]) -> str:
    """Who gained and who lost, and what could not be graded."""
    rows, changed = list(rows), list(changed)
    lines = [f"{assignment}: of {len(rows)} who were graded before, {len(changed)} have other points now."]
    for title, some in (
        ("gained", [one for one in changed if one.gain > 0]),
        ("lost", [one for one in changed if one.gain < 0]),
        ("same sum, other cells", [one for one in changed if one.gain == 0]),
    ):
        lines += [f"{title}:", *(f"  {one}" for one in some)] if some else []
    failed = [row for row in rows if row.state.state != "graded"]
    return "\n".join([*lines, *(f"{row.state.student}: {row.state.state}: {row.state.sentence}" for row in failed)])
