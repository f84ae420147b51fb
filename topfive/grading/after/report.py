"""`topfive grade report`: how a class did in an assignment, where it got stuck, and what a person should look at.

From the gradebook and the graded notebooks, as text and as one page. Nothing is decided here, about shared code least
of all.
"""

import difflib
import re
import statistics
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import is_grade, is_solution

from topfive.errors import TopFiveError
from topfive.grading.after.alike import Pair, likely_shared
from topfive.grading.after.said import Cell, failed_kinds, named_mistakes, title_of
from topfive.grading.cells import Released, in_gradebook, name_of
from topfive.plots import style

TEMPLATES = Path(__file__).parent / "templates"
BINS = 10
MOST = 10  # mistakes, and pairs of submissions, that are shown
LINES = 400  # of a submission beside another


@dataclass(frozen=True)
class Graded:
    """An exercise over the class. share: of its points, on average. passed: students with all of them."""

    title: str
    of: float
    share: float
    passed: int
    students: int
    kinds: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Mistake:
    """A named mistake, and how many students' notebooks name it."""

    number: str
    name: str
    hint: str
    students: int


@dataclass(frozen=True)
class Shared:
    """Two submissions that are likely to share code: a pair, and its texts of the cells that both wrote."""

    pair: Pair
    texts: tuple[str, str]


@dataclass(frozen=True)
class Report:
    """What there is to say about an assignment.

    points: by student, after late penalties. exercises: the hardest first. waiting: student → what a person has to
    read. ungraded: handed in, without a graded notebook.
    """

    assignment: str
    of: float
    points: Mapping[str, float]
    exercises: tuple[Graded, ...]
    mistakes: tuple[Mistake, ...]
    waiting: Mapping[str, list[str]]
    ungraded: tuple[str, ...]
    shared: tuple[Shared, ...]

    @property
    def median(self) -> float:
        """Points of the student in the middle."""
        return statistics.median(self.points.values())


def report(gradebook: Gradebook, assignment: str, graded: Mapping[str, Any], handed_in: Sequence[str]) -> Report:
    """Look through a class. graded: notebooks by student. handed_in: students with something in submitted/.

    Raises TopFiveError if the gradebook has nothing of it.
    """
    try:
        released = in_gradebook(gradebook.find_notebook(assignment, assignment))
    except MissingEntry as error:
        raise TopFiveError(f"the gradebook has no assignment {assignment!r}") from error
    found = {one.student.id: one for one in gradebook.notebook_submissions(assignment, assignment)}
    of_class = {student: found[student] for student in graded if student in found}
    if not of_class:
        raise TopFiveError(f"nobody in the gradebook has handed in {assignment!r}: grade it first")
    return Report(
        assignment,
        gradebook.find_assignment(assignment).max_score,
        {student: max(0.0, one.score - (one.late_submission_penalty or 0.0)) for student, one in of_class.items()},
        tuple(sorted(_exercises(of_class, graded), key=lambda one: (one.share, one.passed))),
        tuple(_mistakes(graded)),
        dict(_waiting(of_class)),
        tuple(student for student in handed_in if student not in of_class),
        tuple(_shared(graded, released)),
    )


def _exercises(of_class: Mapping[str, Any], graded: Mapping[str, Any]) -> Iterator[Graded]:
    cells = {name_of(cell): cell for notebook in graded.values() for cell in notebook.cells if is_grade(cell)}
    for name, cell in cells.items():
        grades = [grade for one in of_class.values() for grade in one.grades if grade.name == name]
        if any(grade.needs_manual_grade for grade in grades) or not grades[0].max_score:
            continue
        kinds = Counter(
            kind
            for notebook in graded.values()
            for one in notebook.cells
            if name_of(one) == name
            for kind in dict.fromkeys(failed_kinds(one))
        )
        share = statistics.mean(grade.score / grade.max_score for grade in grades)
        passed = sum(grade.score >= grade.max_score for grade in grades)
        yield Graded(title_of(cell), grades[0].max_score, share, passed, len(grades), tuple(kinds.most_common(3)))


def _mistakes(graded: Mapping[str, Any]) -> Iterator[Mistake]:
    counts = Counter(one for notebook in graded.values() for one in named_mistakes(notebook.cells))
    for one, students in counts.most_common(MOST):
        yield Mistake(one.number, one.mistake, one.hint, students)


def _waiting(of_class: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    for student, one in of_class.items():
        if names := [grade.name for grade in one.grades if grade.needs_manual_grade]:
            yield student, names


def _shared(graded: Mapping[str, Any], released: Mapping[str, Released]) -> Iterator[Shared]:
    written = {student: dict(_written(notebook.cells, released)) for student, notebook in graded.items()}
    given = "\n".join(one.text for one in released.values() if one.kind == "code")
    pairs = likely_shared({student: "\n".join(cells.values()) for student, cells in written.items()}, given)
    for pair in pairs[:MOST]:
        one, other = written[pair.one], written[pair.other]
        both = [name for name in one if name in other]
        yield Shared(pair, ("\n\n".join(one[name] for name in both), "\n\n".join(other[name] for name in both)))


def _written(cells: Sequence[Cell], released: Mapping[str, Released]) -> Iterator[tuple[str, str]]:
    """The solution cells that a student wrote in, without the lines that were given out."""
    for cell in cells:
        name = name_of(cell)
        if cell.cell_type == "code" and is_solution(cell) and name in released and released[name].written(cell.source):
            given = set(released[name].text.splitlines())
            lines = [line for line in cell.source.splitlines() if line not in given]
            yield name, "\n".join(lines)


# --- in words ---------------------------------------------------------------------------------------------------------


def lines(found: Report) -> Iterator[str]:
    """The report for a terminal."""
    students = len(found.points)
    low, high = min(found.points.values()), max(found.points.values())
    yield f"{found.assignment}: {students} graded, median {found.median:g} of {found.of:g} points ({low:g} to {high:g})"
    for start, end, count in _bins(found):
        yield f"  {start:5g} – {end:<5g} {'█' * count} {count}"
    yield "\nHardest first: share of points, students with all of them"
    for one in found.exercises:
        yield f"  {one.share:4.0%}  {one.passed:3} of {one.students:<3}  {one.title}"
        yield from (f"                    {count} × wrong: {kind}" for kind, count in one.kinds)
    if found.mistakes:
        yield "\nMistakes that were named, by students"
        yield from (f"  {one.students:3}  {one.number} {one.name}" for one in found.mistakes)
    if found.waiting:
        yield f"\nWaits for a person: {len(found.waiting)} of {students}, in nbgrader's formgrader"
        names = Counter(name for those in found.waiting.values() for name in those)
        yield from (f"  {count:3}  {name}" for name, count in names.items())
    if found.ungraded:
        yield f"\nHanded in and not graded: {', '.join(found.ungraded)}"
    if found.shared:
        yield "\nLikely shared solutions; look at both before you think anything of it"
        yield from (f"  {one.pair.share:4.0%}  {one.pair.one}, {one.pair.other}" for one in found.shared)


def _bins(found: Report) -> Iterator[tuple[float, float, int]]:
    """Tenths of the points: from, to, and how many students; the last holds full points too."""
    width = (found.of or 1) / BINS
    places = Counter(min(BINS - 1, int(points / width)) for points in found.points.values())
    for place in range(BINS):
        yield place * width, (place + 1) * width, places[place]


# --- as a page --------------------------------------------------------------------------------------------------------


def page(found: Report) -> str:
    """The report as one HTML page with pictures in it, which fetches nothing."""
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True)
    pictures = [(_distribution(found), "How many students got how many points")]
    pictures += [(_hardest(found), "Share of points by exercise, the hardest on top")]
    return environment.get_template("report.html.j2").render(
        found=found,
        pictures=[style.picture(drawn, alt) for drawn, alt in pictures],
        texts=[_side_by_side(one) for one in found.shared],
    )


def _distribution(found: Report) -> Figure:
    drawn, [ax] = style.figure(width=6)
    starts, ends, counts = zip(*_bins(found), strict=True)
    ax.bar(starts, counts, width=ends[0] - starts[0], align="edge", color=style.SFT, edgecolor="white")
    ax.axvline(found.median, color=style.RLHF)
    ax.set(title=f"Half of the class has {found.median:g} points or more", xlabel="points", ylabel="students")
    ax.yaxis.set_major_locator(MaxNLocator(integer=True))
    return drawn


def _hardest(found: Report) -> Figure:
    drawn, [ax] = style.figure(width=8, height=1 + 0.3 * len(found.exercises))
    titles = [_shortened(one.title) for one in reversed(found.exercises)]
    ax.barh(range(len(titles)), [100 * one.share for one in reversed(found.exercises)], color=style.SFT)
    ax.set(xlim=(0, 100), xlabel="% of the points", yticks=range(len(titles)), yticklabels=titles)
    if found.exercises:
        ax.set_title(f"Hardest: {_shortened(found.exercises[0].title)}")
    return drawn


def _shortened(title: str) -> str:
    return title if len(title) <= 50 else title[:49] + "…"


def _side_by_side(shared: Shared) -> str:
    """Both texts beside each other as a table, what differs marked; escaped by difflib."""
    one, other = (re.sub(r"[^\n\x20-\x7e\xa0-\U0010ffff]", "", text).splitlines()[:LINES] for text in shared.texts)
    return difflib.HtmlDiff(wrapcolumn=70).make_table(one, other, shared.pair.one, shared.pair.other)
