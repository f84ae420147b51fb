"""The page that a student gets back, by nbgrader's own `generate_feedback`: a table of points and words, the notebook.

Nothing on it runs or is fetched, and the tests that students are not to see are not on it. `nbgrader_config.py` names
`ForStudent` and `FeedbackPage`; what may be shown at all is decided in `harmless`.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade, is_locked

from topfive.grading import harmless
from topfive.grading.after import formulas
from topfive.grading.after.said import Cell, named_mistakes, number_of, title_of, words_of
from topfive.grading.cells import name_of, without_hidden_tests

TEMPLATES = Path(__file__).parent / "templates"
HIDDEN = "(part of a hidden test)"
POINTS = re.compile(r"^\d+\.\d+: [\d.]+ of [\d.]+ points(?:; |$)")
SHORT = 8  # characters of a line of a hidden test that say too little to be hidden


@dataclass(frozen=True)
class Row:
    """A line of the table. name: the cell's, which the page has an anchor of."""

    name: str
    title: str
    points: str
    of: str
    words: list[str]
    hints: list[str]
    comment: str


class ForStudent(NbGraderPreprocessor):
    """After GetGrades: the table for the head of the page, and locked cells as they were given out."""

    def preprocess(self, nb: Cell, resources: Any) -> tuple[Cell, Any]:
        """Prepare one graded notebook, in place."""
        hidden = _hidden_lines(nb.cells)
        titles = {name_of(cell): title_of(cell) for cell in nb.cells if is_grade(cell)}
        numbers = {name_of(cell): number_of(cell) for cell in nb.cells if is_grade(cell)}
        for cell in nb.cells:
            _as_given_out(cell, hidden)
        waiting = _waiting(resources["nbgrader"])
        mistakes, comments = named_mistakes(nb.cells), dict(_comments(nb.cells))
        rows = []
        for cell in filter(is_grade, nb.cells):
            name, about = name_of(cell), cell.metadata.nbgrader
            hints = [one.hint for one in mistakes if one.number == numbers[name] and about.score < about.points]
            words = ["A person has not read this yet."] if name in waiting else _beside_points(cell)
            points, of = f"{about.score:g}", f"{about.points:g}"
            rows.append(Row(name, titles[name], points, of, words, hints, comments[name]))
        resources["topfive"] = {
            "rows": rows,
            "points": f"{resources['nbgrader']['score']:g}",
            "of": f"{resources['nbgrader']['max_score']:g}",
            "waiting": [titles[name] for name in titles if name in waiting],
            "repairs": [str(words) for words in nb.metadata.get("topfive", {}).get("repairs", [])],
        }
        harmless.Harmless().preprocess(nb, resources)  # also what was graded before these settings were
        return nb, resources


def _beside_points(cell: Cell) -> list[str]:
    """What a test cell says, without the points that stand beside it already."""
    words = [POINTS.sub("", line).replace("not right yet", "Not right yet", 1) for line in words_of(cell)]
    return [line for line in words if line]


def _comments(cells: Iterable[Cell]) -> Iterator[tuple[str, str]]:
    """A person's comments by graded cell: of a test, those on the code above it."""
    said: list[str] = []
    for cell in cells:
        said += [cell.metadata.nbgrader.comment] if cell.metadata.get("nbgrader", {}).get("comment") else []
        if is_grade(cell):
            yield name_of(cell), " ".join(said)
            said = []


def _waiting(of: Any) -> set[str]:
    """Names of the cells that a person has to read and has not."""
    with Gradebook(of["db_url"]) as gradebook:
        notebook = gradebook.find_submission_notebook(of["notebook"], of["assignment"], of["student"])
        return {grade.name for grade in notebook.grades if grade.needs_manual_grade}


def _hidden_lines(cells: Iterable[Cell]) -> list[str]:
    """The lines of the hidden tests, the longest first."""
    lines: set[str] = set()
    for cell in filter(is_locked, cells):
        shown = set(without_hidden_tests(cell.source).splitlines())
        lines |= {line.strip() for line in cell.source.splitlines() if line not in shown and "###" not in line}
    return sorted((line for line in lines if len(line) >= SHORT), key=len, reverse=True)


def _as_given_out(cell: Cell, hidden: list[str]) -> None:
    """A locked cell as it was given out, its errors without their lines; no output quotes a hidden test."""
    if is_locked(cell):
        cell.source = without_hidden_tests(cell.source)
    for output in cell.get("outputs", []):
        if output.output_type == "stream":
            output.text = _without(output.text, hidden)
        elif output.output_type == "error":
            said = f"{output.ename}: {output.evalue}"
            output.traceback = [said] if is_locked(cell) else [_without(line, hidden) for line in output.traceback]
        else:
            for kind, text in output.data.items():
                output.data[kind] = _without(text, hidden) if isinstance(text, str) else text


def _without(text: str, hidden: list[str]) -> str:
    for line in hidden:
        text = text.replace(line, HIDDEN)
    return text


class FeedbackPage(HTMLExporter):
    """nbgrader's feedback page in the course's template, with nothing on it that runs."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.template_name = "topfive"  # whatever the page's settings are, which formgrader has in common with it
        self.extra_template_basedirs = [str(TEMPLATES), *self.extra_template_basedirs]
        self.extra_template_paths = [*self.extra_template_basedirs, *self.extra_template_paths]
        self.template_paths = self._template_paths()
        self.sanitize_html = True
        self.filters = {"clean_html": harmless.clean_html, "markdown2html": formulas.markdown2html}
