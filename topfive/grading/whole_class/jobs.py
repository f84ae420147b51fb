"""One submission of a class, run in a worker process: what nbgrader's autograde does up to the execution, no further.

It happens in a scratch folder, on a copy of the submission, against a copy of the gradebook that has no students in it.
What comes out lies in `.grading/ASSIGNMENT/STUDENT/executed.json` at the course root, under a key of all that it came
from. Left out: points. They are read by nbgrader itself, in one process (`grade`).
"""

import copy
import hashlib
import json
import logging
import os
import re
import shutil
import sqlite3
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Any

from nbgrader.apps.autogradeapp import AutogradeApp
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from nbgrader.utils import find_all_files, parse_utc
from sqlalchemy.exc import SAWarning
from traitlets.config import Config

from topfive import data
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.grading import log, seeds
from topfive.grading.cells import NotGradableError
from topfive.grading.intake import take_in
from topfive.grading.reading import read

FOLDER = ".grading"
SETTINGS = "nbgrader_config.py"
EXECUTED, NOT_GRADABLE, NOT_GRADED = "executed", "not gradable", "not graded"
STUDENTS = ("comment", "grade", "submitted_notebook", "submitted_assignment", "student")  # tables about them
_OURS = (OSError, MemoryError, RuntimeError, TopFiveError, sqlite3.Error)  # not the fault of what was handed in
LONGEST = 500  # characters of a line that is shown
_at_work = threading.Lock()  # nbgrader changes the working folder and its log, which all threads share


@dataclass(frozen=True)
class Job:
    """What a worker has to know.

    snapshot: made by `take_snapshot`. package: the `package_hash` of who asks. said: when the submission was taken in.
    """

    course: str
    assignment: str
    student: str
    key: str
    snapshot: str
    package: str
    sandbox: bool
    said: tuple[str, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a job.

    sentence: why there is no executed notebook. log: what the course's own steps said, repairs among it.
    """

    student: str
    key: str
    state: str
    sentence: str = ""
    log: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class Lines:
    """What is logged by the course's steps of grading, and what was an error among it."""

    said: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class Telling(Autograde):
    """nbgrader's Autograde, which logs what stopped a submission and goes on; here it is kept as well."""

    error: Exception | None = None

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.error = error
            raise

    def init_assignment(self, assignment_id: str, student_id: str) -> None:
        """As nbgrader's own."""
        with self._kept():
            super().init_assignment(assignment_id, student_id)

    def convert_single_notebook(self, notebook_filename: str) -> None:
        """As nbgrader's own."""
        with self._kept():
            super().convert_single_notebook(notebook_filename)

    def put(self) -> None:
        """Convert; raises what stopped it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own, about each submission
                self.start()
        except Exception as error:
            raise self.error or error from None


# --- where things are -------------------------------------------------------------------------------------------------


def cache_folder(course: Path, assignment: str, student: str) -> Path:
    """Where the results of one submission are kept."""
    return course / FOLDER / assignment / student


def result_path(course: Path, assignment: str, student: str) -> Path:
    """The file that a finished job leaves."""
    return cache_folder(course, assignment, student) / "executed.json"


def finished(course: Path, assignment: str, student: str, key: str) -> Outcome | None:
    """What an earlier job of the same key came to."""
    try:
        found = json.loads(result_path(course, assignment, student).read_text("utf-8"))
        outcome = Outcome(**found["outcome"] | {"log": tuple(found["outcome"]["log"])})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return outcome if outcome.key == key else None


@contextmanager
def at(folder: Path) -> Iterator[None]:
    """Work in a folder for a while: nbgrader reads the course's settings from the current one."""
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def settings(course: Path, sandbox: bool = True) -> Config:
    """nbgrader's settings as `nbgrader autograde` reads them. Raises TopFiveError if it cannot."""
    app = AutogradeApp(log_level=logging.CRITICAL, raise_config_file_errors=True)
    try:
        with at(course):
            app.initialize([])
    except Exception as error:
        raise TopFiveError(f"{course / SETTINGS} cannot be read: {type(error).__name__}: {error}") from error
    config = copy.deepcopy(app.config)
    config.CourseDirectory.root = str(course)
    if not sandbox:
        config.ToTheEnd.sandbox = False
    return config


def split(steps: Iterable[Any]) -> tuple[list[Any], list[Any]]:
    """The steps of autograding, named in the course's settings: those that execute, and nbgrader's own after them."""
    own = set(Autograde.autograde_preprocessors.default()) - {Execute}
    steps = list(steps)
    executing = list(takewhile(lambda step: step not in own, steps))
    return executing, steps[len(executing) :]


# --- keys -------------------------------------------------------------------------------------------------------------


def digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """One hash of named contents."""
    found = hashlib.sha256()
    for name, content in parts:
        found.update(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
        found.update(hashlib.sha256(content).digest())
    return found.hexdigest()


def files_in(folder: Path) -> Iterator[tuple[str, bytes]]:
    """All plain files in a folder that was taken in, by name."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink():
            yield str(path.relative_to(folder)), path.read_bytes()


@cache
def package_hash() -> str:
    """Of the source of this package, and its version."""
    package = Path(data.__file__).parent
    return digest((str(path.relative_to(package)), path.read_bytes()) for path in sorted(package.rglob("*.py")))


def assignment_hash(course: Path, config: Config, assignment: str, snapshot: Path) -> str:
    """Of what grades an assignment: its cells in the gradebook, files beside the solution, settings, seeds, package."""
    converter = Autograde(coursedir=CourseDirectory(config=config), config=config)
    solution = converter.coursedir.format_path(converter.coursedir.source_directory, ".", assignment)
    kept_back = converter.exclude_overwriting.get(assignment, [])
    beside = set(find_all_files(solution, [*converter.coursedir.ignore, "*.ipynb"]))
    beside -= {str(Path(solution, name)) for name in kept_back} | {os.path.join(solution, name) for name in kept_back}  # noqa: PTH118
    release = converter.coursedir.format_path(converter.coursedir.release_directory, ".", assignment)
    of_class = (course / SETTINGS, course / seeds.FILE, Path(release, f"{assignment}.ipynb"))
    own = [path for path in of_class if path.is_file()]
    files = ((os.path.relpath(path, course), Path(path).read_bytes()) for path in [*sorted(beside), *own])
    return digest([("package", package_hash().encode()), ("cells", _cells(snapshot, assignment)), *files])


def _cells(snapshot: Path, assignment: str) -> bytes:
    """The cells of an assignment in the gradebook."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{snapshot}") as gradebook:
        found = [
            (
                one.name,
                [(cell.name, cell.cell_type, cell.locked, cell.source, cell.checksum) for cell in one.source_cells],
                sorted((cell.name, cell.max_score) for cell in [*one.grade_cells, *one.task_cells]),
            )
            for one in gradebook.find_assignment(assignment).notebooks
        ]
    return json.dumps(sorted(found)).encode()


def take_snapshot(gradebook: Path, snapshot: Path, patience: float) -> None:
    """A copy of the gradebook without students. Raises sqlite3.Error if it stays locked or is no gradebook."""
    whole = sqlite3.connect(f"{gradebook.absolute().as_uri()}?mode=ro", timeout=patience, uri=True)
    copied = sqlite3.connect(snapshot)
    try:
        whole.execute("BEGIN")
        whole.execute("SELECT * FROM sqlite_master").fetchall()  # raises if it is locked; `backup` would wait for ever
        whole.backup(copied)
        for table in STUDENTS:
            copied.execute(f"DELETE FROM {table}")
        copied.commit()
        copied.execute("VACUUM")
    finally:
        copied.close()
        whole.close()


# --- the job ----------------------------------------------------------------------------------------------------------


def execute(job: Job, say: Callable[[str], None] = lambda phase: None) -> Outcome:
    """Do one job, keep what comes out, and say how it went. say: hears what is being done."""
    course = Path(job.course)
    if job.package != package_hash():
        return _not_graded(job, "the worker has another version of Top Five than the one that asks it: restart it")
    if not course.is_dir():
        return _not_graded(job, f"the worker does not see {course}: all machines need it under the same path")
    with _at_work, at(course), tempfile.TemporaryDirectory(prefix="topfive-grade-") as scratch:
        outcome, notebook = _attempt(job, Path(scratch).resolve(), say)
        if outcome.state != NOT_GRADED:
            try:
                _keep(course, job.assignment, outcome, notebook)
            except OSError as error:
                return _not_graded(job, f"what was executed could not be kept: {error.strerror}")
    return outcome


def _not_graded(job: Job, sentence: str) -> Outcome:
    return Outcome(job.student, job.key, NOT_GRADED, sentence)


def _attempt(job: Job, scratch: Path, say: Callable[[str], None]) -> tuple[Outcome, Any]:
    """Run it, and find words for how it went: which outcome, and the executed notebook."""
    began, notebook, state, sentence = time.monotonic(), None, EXECUTED, ""
    with listening() as lines:
        try:
            notebook = _run(job, scratch, say)
        except Exception as error:  # whatever is in it
            ours = isinstance(error, _OURS) and not isinstance(error, NotGradableError)
            state = NOT_GRADED if ours else NOT_GRADABLE
            sentence = explained(error, lines)
    inside = f"{scratch / 'submitted' / job.student / job.assignment}{os.sep}"
    said = [line.replace(inside, "").replace(f"{scratch}{os.sep}", "") for line in [sentence, *lines.said]]
    log = tuple(dict.fromkeys([*job.said, *map(harmless, said[1:])]))
    return Outcome(job.student, job.key, state, harmless(said[0]), log, time.monotonic() - began), notebook


def _keep(course: Path, assignment: str, outcome: Outcome, notebook: Any) -> None:
    path = result_path(course, assignment, outcome.student)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps({"outcome": asdict(outcome), "notebook": notebook}))


def _run(job: Job, scratch: Path, say: Callable[[str], None]) -> Any:
    """The executed notebook."""
    say("copying")
    config = settings(Path(job.course), job.sandbox)
    mine = CourseDirectory(config=config)
    handed_in = Path(mine.format_path(mine.submitted_directory, job.student, job.assignment))
    shutil.copytree(handed_in, scratch / "submitted" / job.student / job.assignment, symlinks=True)
    shutil.copy(job.snapshot, scratch / "gradebook.db")
    for name in ("submitted", "autograded"):
        config.CourseDirectory[f"{name}_directory"] = str(scratch / name)
    config.CourseDirectory.directory_structure = "{nbgrader_step}/{student_id}/{assignment_id}"
    config.CourseDirectory.db_url = f"sqlite:///{scratch / 'gradebook.db'}"
    config.NotebookClient.on_cell_start = lambda cell, cell_index: say(f"cell {cell_index + 1}")
    steps = config.Autograde.get("autograde_preprocessors", Autograde.autograde_preprocessors.default())
    config.Autograde.autograde_preprocessors = split(steps)[0]
    converter(config, job.assignment, job.student).put()
    executed = scratch / "autograded" / job.student / job.assignment / f"{job.assignment}.ipynb"
    return json.loads(executed.read_text("utf-8"))


def converter(config: Config, assignment: str, student: str) -> Telling:
    """nbgrader's Autograde for one submission, whatever there is of an earlier one."""
    course = CourseDirectory(config=config, assignment_id=assignment, student_id=re.sub(r"([*?[])", r"[\1]", student))
    return Telling(coursedir=course, config=config, force=True)


@contextmanager
def listening() -> Iterator[Lines]:
    """What is logged inside."""
    lines = Lines()

    def hear(record: logging.LogRecord) -> None:
        lines.said.append(record.getMessage())
        if record.levelno >= logging.ERROR:
            lines.wrong.append(record.getMessage())

    with log.listening(hear):
        yield lines


def explained(error: Exception, lines: Lines) -> str:
    """Why a submission could not be graded, in one line."""
    if lines.wrong and not isinstance(error, NotGradableError):
        return lines.wrong[-1]
    if isinstance(error, TopFiveError):
        return str(error)
    words = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


def harmless(line: str) -> str:
    """A line for a terminal: it may quote what a student wrote, such as the codes that empty a screen."""
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in line[:LONGEST])


def problem_of(folder: Path, assignment: str) -> str:
    """What is wrong with a submission that was taken in, as far as its files tell; empty if nothing is."""
    path, handed_in_at = folder / f"{assignment}.ipynb", folder / "timestamp.txt"
    try:
        if path.is_file():
            read(path)
        if handed_in_at.is_file() and (text := handed_in_at.read_text("utf-8").strip()):
            parse_utc(text)
    except TopFiveError as error:
        return str(error).partition(". ")[0]
    except ValueError:
        return f"{handed_in_at.name} in it does not say a time"
    return ""


def taken_in(folder: Path, assignment: str, student: str) -> tuple[str, tuple[str, ...]]:
    """Take a submission in, where it lies; it holds plain files then. Returns what is wrong, and what was said."""
    with listening() as lines:
        try:
            notebooks = sorted(map(str, folder.glob("*.ipynb")))
            if notebooks:
                take_in(assignment=assignment, student=student, notebooks=notebooks)
        except SystemExit as stopped:
            return str(stopped), tuple(lines.said)
    said = tuple(harmless(line.replace(f"{folder}{os.sep}", "")) for line in lines.said)
    if not notebooks:
        return "there is no notebook in it", said
    return said[-1] if lines.wrong else problem_of(folder, assignment), said
