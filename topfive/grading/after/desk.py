"""The course folder as nbgrader sees it: its settings, its gradebook, and the graded notebooks of an assignment."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook
from nbgrader.apps.api import NbGraderAPI
from nbgrader.apps.baseapp import NbGrader
from traitlets.config import Config

from topfive.errors import TopFiveError


class Desk:
    """The course in the folder one is in. Raises TopFiveError if that has no nbgrader_config.py."""

    def __init__(self) -> None:
        if not Path("nbgrader_config.py").is_file():
            raise TopFiveError(f"{Path.cwd()} has no nbgrader_config.py: change to the course folder")
        self.app = NbGrader(log_level=logging.WARNING)
        self.app.initialize([])

    @property
    def settings(self) -> Config:
        """What nbgrader_config.py says."""
        return self.app.config

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """The gradebook. Raises TopFiveError where there is none yet, instead of making one."""
        url = str(self.app.coursedir.db_url)
        path, _, _ = url.removeprefix("sqlite:///").partition("?")
        if url.startswith("sqlite:///") and not Path(path).is_file():
            raise TopFiveError("there is no gradebook here yet: grade an assignment first")
        with Gradebook(url, self.app.coursedir.course_id) as gradebook:
            yield gradebook

    def folder(self, of: str, student: str, assignment: str) -> Path:
        """Where nbgrader has something. of: "submitted", "autograded" or "feedback"."""
        directory = getattr(self.app.coursedir, f"{of}_directory")
        return Path(self.app.coursedir.format_path(directory, student, assignment))

    def students(self, of: str, assignment: str) -> list[str]:
        """Who has a folder of an assignment there, by name."""
        everybody = self.folder(of, "*", assignment)
        place = everybody.parts.index("*")
        return sorted(path.parts[place] for path in Path(*everybody.parts[:place]).glob(f"*/{assignment}"))

    def graded(self, assignment: str) -> dict[str, Any]:
        """By student, the graded notebook of an assignment, without pictures. Raises TopFiveError if there is none."""
        there = {one: self.notebook(one, assignment) for one in self.students("autograded", assignment)}
        found = {one: _without_pictures(path) for one, path in there.items() if path.is_file()}
        if not found:
            raise TopFiveError(f"nothing of {assignment!r} is graded yet")
        return found

    def notebook(self, student: str, assignment: str) -> Path:
        """Where a graded notebook is, or would be."""
        return self.folder("autograded", student, assignment) / f"{assignment}.ipynb"

    def feedback(self, assignment: str, students: Sequence[str]) -> Iterator[str]:
        """Write a page for each of these students, for all if none is named; says where. Raises TopFiveError."""
        graded = self.students("autograded", assignment)
        missing = sorted(set(students) - set(graded))
        if not graded or missing:
            raise TopFiveError(f"nothing of {assignment!r} is graded yet" + (f" for {missing[0]}" if missing else ""))
        api = NbGraderAPI(config=self.settings)
        for student in students or graded:
            done = api.generate_feedback(assignment, student, force=True)
            if not done["success"]:
                raise TopFiveError(f"no page for {student}: {_last_line(done)}")
            yield str(self.folder("feedback", student, assignment) / f"{assignment}.html")


def _without_pictures(path: Path) -> Any:
    """A notebook whose outputs are what was printed, and errors: a class's figures would fill the memory."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if "data" not in output]
    return notebook


def _last_line(done: Any) -> str:
    lines = [line for line in f"{done.get('log', '')}\n{done.get('error', '')}".splitlines() if line.strip()]
    return lines[-1] if lines else "nbgrader does not say why"
