"""`topfive grade`: a whole class. Many processes execute notebooks; one, this one, writes grades, by nbgrader itself.

What is executed is kept (`jobs`), so that a run that was stopped goes on where it stopped, and one with nothing new
executes nothing. Grades, manual scores, late penalties, comments and autograded/ are nbgrader's own.
"""

import copy
import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import filelock
import nbformat
import sqlalchemy.exc
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Unicode
from traitlets.config import Config

from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.grading import sandbox
from topfive.grading.cells import NotGradableError
from topfive.grading.execute import ToTheEnd
from topfive.grading.whole_class.crew import Crew
from topfive.grading.whole_class.jobs import (
    EXECUTED,
    FOLDER,
    NOT_GRADABLE,
    NOT_GRADED,
    SETTINGS,
    Job,
    Outcome,
    assignment_hash,
    at,
    cache_folder,
    converter,
    digest,
    explained,
    files_in,
    finished,
    harmless,
    listening,
    package_hash,
    result_path,
    settings,
    split,
    take_snapshot,
    taken_in,
)
from topfive.interrupt import after_this_step

GRADED = "graded"
PATIENCE = 30  # seconds that the gradebook may be locked by another program
LOOK_EVERY = 0.2  # seconds


class Taken(NbGraderPreprocessor):
    """In the place of execution: the notebook as a job has executed it."""

    path = Unicode(help="What the job has left.").tag(config=True)

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Take it, if it is the same notebook."""
        found = json.loads(Path(self.path).read_text("utf-8"))["notebook"]
        executed = nbformat.reads(json.dumps(found), as_version=4)
        if [cell.source for cell in executed.cells] != [cell.source for cell in nb.cells]:
            raise TopFiveError("it was changed while it was graded: give the command again")
        return executed, resources


@dataclass(frozen=True)
class State:
    """What is known of one submission; kept in state.json.

    state: graded, not gradable or not graded, and sentence: why. log: repairs, and what else was said.
    scores: by cell, what was written into the gradebook as points; None where a person reads.
    """

    student: str
    key: str = ""
    state: str = ""
    sentence: str = ""
    log: tuple[str, ...] = ()
    seconds: float = 0.0
    scores: Mapping[str, float | None] | None = None


@dataclass(frozen=True)
class Row:
    """A line of the table at the end.

    points: less what a late hand-in costs; None where nothing is in the gradebook. waiting: cells for a person.
    """

    state: State
    points: float | None
    of: float
    waiting: tuple[str, ...]


class Class:
    """An assignment of a course, and who handed it in. Raises TopFiveError if there is no such thing."""

    def __init__(self, course: Path, assignment: str, with_sandbox: bool = True) -> None:
        self.course, self.assignment, self.with_sandbox = course, assignment, with_sandbox
        self.config = course_settings(course, with_sandbox)
        self.directory = CourseDirectory(config=self.config)
        self._look()

    @property
    def gradebook(self) -> Path:
        """Where it is."""
        return _gradebook_path(self.directory.db_url)

    def _look(self) -> None:
        """Whether there is such an assignment, generated, handed in."""
        source = Path(self.directory.root, self.directory.source_directory)
        there = sorted(path.name for path in source.iterdir() if path.is_dir())
        if self.assignment not in there:
            raise TopFiveError(
                f"there is no assignment {self.assignment!r} in {source}, but {', '.join(there) or 'none'}"
            )
        if not self.students():
            raise TopFiveError(
                f"nobody has handed in {self.assignment}: {self.submitted('STUDENT')} is where it belongs"
            )

    def submitted(self, student: str) -> Path:
        """The folder of a submission."""
        directory = self.directory
        return Path(directory.format_path(directory.submitted_directory, student, self.assignment))

    def autograded(self, student: str) -> Path:
        """The notebook as nbgrader keeps it after grading."""
        directory = self.directory
        folder = Path(directory.format_path(directory.autograded_directory, student, self.assignment))
        return folder / f"{self.assignment}.ipynb"

    def students(self) -> list[str]:
        """Who handed in."""
        folder = Path(self.directory.root, self.directory.submitted_directory)
        there = sorted(folder.iterdir()) if folder.is_dir() else []
        return [path.name for path in there if self.submitted(path.name).is_dir()]

    def chosen(self, students: Sequence[str]) -> list[str]:
        """Those named, or all. Raises TopFiveError for one who has not handed in."""
        there = self.students()
        if unknown := [name for name in students if name not in there]:
            raise TopFiveError(f"{', '.join(unknown)} has not handed in {self.assignment}; who has: {', '.join(there)}")
        return sorted(set(students)) or there

    def state(self, student: str) -> State:
        """What was kept of an earlier run; an empty one if there was none."""
        try:
            found = json.loads((self._folder(student) / "state.json").read_text("utf-8"))
            return State(**found | {"log": tuple(found["log"])})
        except (OSError, ValueError, TypeError, KeyError):
            return State(student)

    def keep(self, state: State) -> None:
        """Write state.json."""
        self._folder(state.student).mkdir(parents=True, exist_ok=True)
        write_atomic(self._folder(state.student) / "state.json", json.dumps(asdict(state), indent=1))

    def _folder(self, student: str) -> Path:
        return cache_folder(self.course, self.assignment, student)

    def scores(self, students: Iterable[str]) -> dict[str, dict[str, float | None]]:
        """The automatic points of each cell, by student; whose submission is not in the gradebook is left out."""
        with gradebook_of(self.config) as gradebook:
            found = {name: _submission(gradebook, self.assignment, name) for name in students}
            return {
                name: {grade.name: grade.auto_score for grade in _grades(one)} for name, one in found.items() if one
            }

    def rows(self, states: Iterable[State]) -> list[Row]:
        """The table at the end."""
        with gradebook_of(self.config) as gradebook:
            of = gradebook.find_assignment(self.assignment).max_score
            return [_row(state, _submission(gradebook, self.assignment, state.student), of) for state in states]

    def write(self, outcome: Outcome) -> State:
        """Let nbgrader autograde one submission, with the execution taken from a job."""
        state = State(outcome.student, outcome.key, NOT_GRADABLE, outcome.sentence, outcome.log, outcome.seconds)
        was_there = state.student in self.scores([state.student])
        if outcome.state == EXECUTED:
            state = self._autograde(state)
        elif outcome.state == NOT_GRADED:
            state = replace(state, state=NOT_GRADED)
        if state.state != GRADED and was_there:
            state = replace(state, sentence=f"{state.sentence} (the points are those of an earlier hand-in)")
        elif state.state != GRADED:
            self._forget(state.student)
        self.keep(state)
        return state

    def _forget(self, student: str) -> None:
        """No submission with 0 points is left of one that nbgrader began to grade and could not."""
        with gradebook_of(self.config) as gradebook:
            if _submission(gradebook, self.assignment, student):
                gradebook.remove_submission(self.assignment, student)

    def _autograde(self, state: State) -> State:
        config = copy.deepcopy(self.config)
        steps = config.Autograde.get("autograde_preprocessors", Autograde.autograde_preprocessors.default())
        config.Autograde.autograde_preprocessors = [Taken, *split(steps)[1]]
        config.Taken.path = str(result_path(self.course, self.assignment, state.student))
        with at(self.course), listening() as lines, in_words(self.gradebook):
            try:
                converter(config, self.assignment, state.student).put()
            except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error):
                raise
            except OSError as error:
                raise TopFiveError(f"{error.filename or self.course}: {error.strerror}. {GO_ON}") from error
            except NotGradableError as error:
                return replace(state, sentence=harmless(str(error)))
            except TopFiveError as error:
                return replace(state, state=NOT_GRADED, sentence=str(error))
            except Exception as error:
                return replace(state, sentence=harmless(explained(error, lines)))
        return replace(state, state=GRADED, scores=self.scores([state.student])[state.student])

    def is_written(self, student: str, key: str, scores: Mapping[str, float | None] | None) -> bool:
        """Whether the gradebook, which has these scores, holds what came of this key, and nbgrader's folder too."""
        state = self.state(student)
        if state.key != key:
            return False
        if state.state == NOT_GRADABLE:
            return True
        return state.state == GRADED and self.autograded(student).is_file() and state.scores == scores


def _submission(gradebook: Gradebook, assignment: str, student: str) -> Any:
    """Of nbgrader's gradebook; None if it has none."""
    try:
        return gradebook.find_submission(assignment, student)
    except MissingEntry:
        return None


def _grades(submission: Any) -> list[Any]:
    return [grade for notebook in submission.notebooks for grade in notebook.grades]


def _row(state: State, submission: Any, of: float) -> Row:
    if submission is None:
        return Row(state, None, of, ())
    waiting = tuple(sorted(grade.name for grade in _grades(submission) if grade.needs_manual_grade))
    points = max(0.0, submission.score - (submission.late_submission_penalty or 0))  # as nbgrader exports them
    return Row(state, points, of, waiting)


GO_ON = "Nothing is lost: what was executed is kept, and the same command goes on from there"


def grade(
    course: Path,
    assignment: str,
    hire: Callable[[], Crew],
    *,
    students: Sequence[str] = (),
    force: bool = False,
    with_sandbox: bool = True,
    watch: Callable[["Progress"], None] = lambda progress: None,
) -> list[Row]:
    """Grade an assignment of the course in a folder, of all who handed in or of some.

    hire: called where something has to be executed. force: execute and write anew what is there. watch: is shown the
    progress, several times a second. Raises TopFiveError where nothing can be graded, in words.
    """
    the_class = Class(course, assignment, with_sandbox)
    chosen = the_class.chosen(students)
    with locked(course), snapshot_of(the_class) as snapshot:
        states, jobs = _prepare(the_class, chosen, snapshot, force)
        progress = Progress(len(jobs), states)
        if jobs:
            _execute(the_class, jobs, hire(), progress, watch)
        return the_class.rows(progress.states[student] for student in chosen)


@dataclass
class Progress:
    """How far a run is. states: by student. took: seconds of each job. last: what came last."""

    jobs: int
    states: dict[str, State]
    workers: int = 1
    took: list[float] = field(default_factory=list)
    phases: Mapping[str, str] = field(default_factory=dict)
    last: State | None = None


def _prepare(
    the_class: Class, students: Sequence[str], snapshot: Path, force: bool
) -> tuple[dict[str, State], list[Job]]:
    """Take every submission in. Returns what is known of those that are done, and the jobs of the others."""
    course, assignment = the_class.course, the_class.assignment
    with in_words(the_class.gradebook):
        of_all = assignment_hash(course, the_class.config, assignment, snapshot)
    states, jobs, written = dict[str, State](), list[Job](), the_class.scores(students)
    for student in students:
        folder = the_class.submitted(student)
        wrong, said = taken_in(folder, assignment, student)
        key = digest([("all", of_all.encode()), ("sandbox", bytes([the_class.with_sandbox])), *files_in(folder)])
        if wrong:
            states[student] = the_class.write(Outcome(student, key, NOT_GRADABLE, wrong, said))
        elif not force and the_class.is_written(student, key, written.get(student)):
            states[student] = the_class.state(student)
        elif not force and (outcome := finished(course, assignment, student, key)):
            states[student] = the_class.write(outcome)
        else:
            hashed, sandboxed = package_hash(), the_class.with_sandbox
            jobs.append(Job(str(course), assignment, student, key, str(snapshot), hashed, sandboxed, said))
    return states, jobs


def _execute(
    the_class: Class, jobs: Sequence[Job], crew: Crew, progress: Progress, watch: Callable[[Progress], None]
) -> None:
    """Have the jobs done, and write what comes of each as it comes."""
    progress.phases, progress.workers = crew.phases, crew.workers
    try:
        if crew.here:
            _need_sandbox(the_class.config)
        crew.start(jobs)
        while len(progress.took) < len(jobs):
            if outcome := crew.next(LOOK_EVERY):
                with after_this_step() as interrupt:
                    progress.last = progress.states[outcome.student] = the_class.write(outcome)
                    progress.took.append(outcome.seconds)
                if interrupt.requested:
                    raise KeyboardInterrupt
            watch(progress)
    finally:
        crew.stop()


@contextmanager
def gradebook_of(config: Config) -> Iterator[Gradebook]:
    """A course's gradebook. Raises TopFiveError if it is locked or of another version."""
    directory = CourseDirectory(config=config)
    with in_words(_gradebook_path(directory.db_url)), Gradebook(directory.db_url, directory.course_id) as gradebook:
        yield gradebook


@contextmanager
def in_words(gradebook: Path) -> Iterator[None]:
    """Whatever SQLite or SQLAlchemy say about the gradebook becomes a TopFiveError."""
    try:
        yield
    except (sqlalchemy.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise TopFiveError(_gradebook_words(gradebook, error)) from error


def course_settings(course: Path, with_sandbox: bool = True) -> Config:
    """nbgrader's settings of a course, with patience for a gradebook in use. Raises TopFiveError if it is no course."""
    if not (course / SETTINGS).is_file():
        raise TopFiveError(f"{course} is no course: there is no {SETTINGS}. Change to the course's folder first (cd)")
    config = settings(course, with_sandbox)
    source = Path(course, CourseDirectory(config=config).source_directory)
    if not source.is_dir():
        raise TopFiveError(f"{course} has no {source.name}/, so there is nothing to grade by")
    gradebook = _gradebook_path(CourseDirectory(config=config).db_url)
    config.CourseDirectory.db_url = f"sqlite:///{gradebook}?timeout={PATIENCE}"
    return config


def _gradebook_path(url: str) -> Path:
    found = sqlalchemy.make_url(url)
    if found.get_backend_name() != "sqlite" or not found.database:
        raise TopFiveError(f"the gradebook is {found.get_backend_name()}; `topfive grade` needs a file of SQLite")
    return Path(found.database)


def _gradebook_words(path: Path, error: Exception) -> str:
    words = str(getattr(error, "orig", None) or error)
    if "locked" in words:
        return f"{path} is locked by another program: close it, and wait. {GO_ON}"
    if "no such" in words or "has no column" in words:
        return f"{path} is of another version of nbgrader ({words}): copy it, then give `nbgrader db upgrade`"
    return f"{path}: {words}. {GO_ON}"


def _need_sandbox(config: Config) -> None:
    if ToTheEnd(config=config).sandbox and (problem := sandbox.problem()):
        raise TopFiveError(
            f"Nothing is graded, since student code cannot run in a sandbox here ({problem}): {sandbox.TO_DO}. "
            "To run it with all your rights, say --no-sandbox"
        )


@contextmanager
def locked(course: Path) -> Iterator[None]:
    """One `topfive grade` of a course at a time. Raises TopFiveError if another is at work."""
    (course / FOLDER).mkdir(exist_ok=True)
    lock = filelock.FileLock(course / FOLDER / "lock", timeout=0)
    try:
        lock.acquire()
    except filelock.Timeout as error:
        raise TopFiveError(f"another `topfive grade` is at work in {course}: wait for it, or stop it") from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def snapshot_of(the_class: Class) -> Iterator[Path]:
    """The gradebook as it is now, without students, for as long as the class is graded."""
    path, assignment = the_class.gradebook, the_class.assignment
    generate = f"{assignment} was never generated: `nbgrader generate_assignment {assignment}` comes first"
    if not path.is_file():
        raise TopFiveError(generate)
    folder = the_class.course / FOLDER / ".work"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    try:
        with in_words(path):
            take_snapshot(path, folder / "gradebook.db", PATIENCE)
        with gradebook_of(the_class.config) as gradebook:
            try:
                gradebook.find_assignment(assignment)
            except MissingEntry as error:
                raise TopFiveError(generate) from error
        yield folder / "gradebook.db"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
