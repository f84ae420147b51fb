"""`topfive grade`: the grades of plain `nbgrader autograde`, whatever happens to the processes that execute."""

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import filelock
import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from nbgrader.api import Gradebook

from tests.grading.conftest import NAME, STUB, Course
from tests.grading.test_autograde import HUNG, before, write
from topfive import cli
from topfive.errors import TopFiveError
from topfive.grading import sandbox, seeds
from topfive.grading.whole_class import again, crew, jobs, show
from topfive.grading.whole_class import grade as grading
from topfive.grading.whole_class.grade import Progress, State, grade
from topfive.grading.whole_class.jobs import NOT_GRADED, Job, Outcome, execute

DUE = "2026-11-01 12:00:00 UTC"
LATE = "2026-11-02 12:00:00 UTC"
WITH_SANDBOX = not sandbox.problem()
LESS = "def triple(x):\n    return 0"

# student: an edit of right answers, and the points that nbgrader gives before a person reads
CLASS: dict[str, tuple[Any, float]] = {
    "clumsy": (lambda cells: cells.insert(2, new_code_cell(STUB, metadata=cells[1].metadata)), 3),
    "half": (lambda cells: write(cells, "triple", LESS), 2),
    "hostile": (lambda cells: before(cells, "triple", "os._exit(1)"), 3),
    "late": (lambda cells: None, 3),
    "right": (lambda cells: None, 3),
}
NOT_GRADABLE = {
    "damaged": f"{NAME}.ipynb is damaged: it is no JSON",
    "nothing": "there is no notebook in it",
    "wrong": (
        "none of the cells of this notebook is one of the assignment's: it is empty, or of something else. To do: hand "
        "in the right one, or, to start afresh, the one that `topfive lab` gives out"
    ),
}


class Here:
    """A crew of nobody but this process."""

    here, workers = True, 1

    def __init__(self, do: Callable[[Job], Outcome] = execute) -> None:
        self.do, self.phases, self.asked = do, dict[str, str](), list[Job]()

    def start(self, jobs: Iterable[Job]) -> None:
        self.asked = list(jobs)
        self.waiting = iter(self.asked)

    def next(self, timeout: float) -> Outcome | None:
        return self.do(next(self.waiting))

    def stop(self) -> None: ...


def nobody() -> Any:
    raise AssertionError("something is executed")


def run(course: Course, hire: Any, **how: Any) -> dict[str, Any]:
    rows = grade(course.root, NAME, hire, with_sandbox=WITH_SANDBOX, **how)
    return {row.state.student: row for row in rows}


def grades(course: Course, students: Iterable[str] = ()) -> list[tuple[Any, ...]]:
    """All that nbgrader knows of everybody, or of some, but for its own ids."""
    with Gradebook(course.url) as gradebook:
        there = [one for one in gradebook.assignment_submissions(NAME) if not students or one.student.id in students]
        notebooks = [(one, notebook) for one in there for notebook in one.notebooks]
        return sorted(
            (one.student.id, one.late_submission_penalty, one.score, one.timestamp, grade.name, *_grade(grade))
            for one, notebook in notebooks
            for grade in notebook.grades
        ) + sorted(
            (one.student.id, comment.name, comment.auto_comment or "")
            for one, notebook in notebooks
            for comment in notebook.comments
        )


def _grade(grade: Any) -> tuple[Any, ...]:
    return str(grade.auto_score), str(grade.manual_score), grade.needs_manual_grade, str(grade.extra_credit)


def another(course: Course, name: str, students: Iterable[str] = ()) -> Course:
    """A copy of a course, with some of its submissions."""
    made = Course(course.root.with_name(f"{course.root.name}-{name}"))
    shutil.copytree(course.root, made.root, ignore=shutil.ignore_patterns("submitted", "autograded", ".grading"))
    for student in students:
        shutil.copytree(course.root / "submitted" / student, made.root / "submitted" / student)
    return made


@pytest.fixture(scope="module")
def handed_in(course: Course) -> Course:
    """A course with a class of eight, none of them graded; a late one gets nothing."""
    with (course.root / "nbgrader_config.py").open("a") as settings:
        settings.write('\nc.LateSubmissionPlugin.penalty_method = "zero"\n')
    with Gradebook(course.url) as gradebook:
        gradebook.update_or_create_assignment(NAME, duedate=DUE)
    for student, (edit, _) in CLASS.items():
        course.hand_in(student, edit)
    (course.root / "submitted" / "late" / NAME / "timestamp.txt").write_text(LATE)
    course.hand_in("damaged", lambda cells: None)
    (course.root / "submitted" / "damaged" / NAME / f"{NAME}.ipynb").write_text('{"cells": [')
    (course.root / "submitted" / "nothing" / NAME).mkdir(parents=True)
    (course.root / "submitted" / "wrong" / NAME).mkdir(parents=True)
    nbformat.write(new_notebook(), course.root / "submitted" / "wrong" / NAME / "02-other.ipynb")
    return course


@pytest.fixture(scope="module")
def graded(handed_in: Course) -> tuple[Course, dict[str, Any]]:
    """The class, graded by two processes."""
    made = another(handed_in, "graded", [*CLASS, *NOT_GRADABLE])
    return made, run(made, lambda: crew.Processes(2))


# --- the same as nbgrader ---------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_class_gets_the_grades_of_plain_autograde(handed_in: Course, graded: tuple[Course, dict[str, Any]]):
    plain = another(handed_in, "plain", CLASS)
    done = plain.call("autograde", NAME)
    assert done.returncode == 0, done.stderr[-2000:]
    course, rows = graded
    assert grades(course) == grades(plain)
    assert {name: rows[name].points for name in CLASS} == {name: of for name, (_, of) in CLASS.items()} | {"late": 0}
    assert {rows[name].waiting for name in CLASS} == {("why",)}
    for student in CLASS:
        one, other = (course.root / "autograded" / student / NAME for course in (course, plain))
        assert sorted(path.name for path in one.iterdir()) == sorted(path.name for path in other.iterdir())


@pytest.mark.slow
def test_what_cannot_be_graded_says_why_and_gets_no_silent_0(graded: tuple[Course, dict[str, Any]]):
    course, rows = graded
    assert {name: rows[name].state.sentence for name in NOT_GRADABLE} == NOT_GRADABLE
    assert {rows[name].points for name in NOT_GRADABLE} == {None}
    assert {rows[name].state.state for name in NOT_GRADABLE} == {"not gradable"}
    kept = grading.Class(course.root, NAME).state("damaged")
    assert kept.sentence == NOT_GRADABLE["damaged"]
    table = show.table(rows.values())
    assert f"damaged  -       -             not gradable: {NOT_GRADABLE['damaged']}" in table
    assert "  clumsy 01-toy: cell 'double' is there 2 times; the last one that is written in counts" in table
    assert "  hostile: Cell 5, 'os._exit(1)', ended the kernel; the cells after it run in a fresh one" in table


@pytest.mark.slow
def test_a_second_run_executes_nothing_and_changes_nothing(graded: tuple[Course, dict[str, Any]]):
    course, rows = graded
    known = grades(course)
    assert run(course, nobody) == rows
    assert grades(course) == known


@pytest.mark.slow
def test_what_the_gradebook_has_lost_is_written_again_from_what_was_executed(graded: tuple[Course, dict[str, Any]]):
    course, rows = graded
    known = grades(course)
    with Gradebook(course.url) as gradebook:
        gradebook.remove_submission(NAME, "half")
    shutil.rmtree(course.root / "autograded" / "right")
    assert run(course, nobody) == rows
    assert grades(course) == known


@pytest.mark.slow
def test_who_hands_in_again_is_graded_again_and_keeps_what_a_person_gave(graded: tuple[Course, dict[str, Any]]):
    course, _ = graded
    known = grades(course)
    with Gradebook(course.url) as gradebook:
        grade = gradebook.find_grade("why", NAME, NAME, "half")
        grade.manual_score, grade.needs_manual_grade = 1, False
        gradebook.db.commit()
    course.hand_in("half", lambda cells: None)
    alone = Here()
    again = run(course, lambda: alone)
    assert [job.student for job in alone.asked] == ["half"]
    assert (again["half"].points, again["half"].waiting) == (4, ("why",))
    assert [line for line in grades(course) if line[0] != "half"] == [line for line in known if line[0] != "half"]
    path = course.root / "submitted" / "half" / NAME / f"{NAME}.ipynb"
    path.write_text("no more")
    damaged = run(course, nobody)["half"]
    assert damaged.points == 4
    assert damaged.state.sentence.endswith("it is no JSON (the points are those of an earlier hand-in)")


@pytest.mark.slow
def test_a_mended_check_grades_anew_and_says_who_gains(handed_in: Course):
    course = another(handed_in, "again", ["half", "right"])
    run(course, Here)
    assert again.again(course.root, "triple-test", nobody, with_sandbox=WITH_SANDBOX)[2] == []
    source = course.root / "solutions" / NAME / f"{NAME}.ipynb"
    source.write_text(source.read_text().replace("(triple(double(1)) == 6)", "(triple(double(1)) == 0)"))
    done = course.call("generate_assignment", NAME, "--force")
    assert done.returncode == 0, done.stderr[-2000:]
    name, rows, changes = again.again(course.root, "1.2", Here, with_sandbox=WITH_SANDBOX)
    assert [str(one) for one in changes] == ["half: triple-test 0 → 1", "right: triple-test 1 → 0"]
    said = show.changes(name, rows, changes).splitlines()
    assert said == [
        f"{NAME}: of 2 who were graded before, 2 have other points now.",
        *("gained:", "  half: triple-test 0 → 1", "lost:", "  right: triple-test 1 → 0"),
    ]
    with pytest.raises(TopFiveError, match=r"'9\.9' is in no assignment that was generated"):
        again.find(course.root, "9.9")


# --- what happens to processes ----------------------------------------------------------------------------------------


def command(course: Course, *options: str) -> subprocess.Popen[str]:
    """`topfive grade` in a process group of its own, as a terminal starts it."""
    bare = [] if WITH_SANDBOX else ["--no-sandbox"]
    call = [sys.executable, "-m", "topfive", "grade", NAME, "--workers", "2", *options, *bare]
    pipe = subprocess.PIPE
    return subprocess.Popen(call, cwd=course.root, stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def kernels(pid: int) -> list[psutil.Process]:
    """Those that come from a process."""
    try:
        family = psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
    return [one for one in family if _is_kernel(one)]


def _is_kernel(process: psutil.Process) -> bool:
    try:
        return "ipykernel_launcher" in process.cmdline()
    except psutil.Error:
        return False


def wait_for(what: Callable[[], Any], seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it does not come"
        time.sleep(0.05)
    return found


@pytest.mark.slow
def test_killed_at_any_moment_and_given_again_it_comes_to_the_same(
    handed_in: Course, graded: tuple[Course, dict[str, Any]]
):
    """`make thorough` does it more often: TOPFIVE_KILLS."""
    students = ["clumsy", "hostile"]
    killed_often = another(handed_in, "killed", students)
    kill_at_random(killed_often, times=int(os.environ.get("TOPFIVE_KILLS", "3")))
    assert grades(killed_often) == grades(graded[0], students)
    assert sorted(path.name for path in (killed_often.root / ".grading").iterdir()) == [NAME, "lock"]


def kill_at_random(course: Course, times: int) -> None:
    """Kill the command so many times, at moments spread over a whole run, then let it end. Anew when it has ended."""
    moments = random.Random(0)
    for _ in range(times):
        process = command(course)
        try:
            process.communicate(timeout=moments.uniform(1, 8))
            for folder in (".grading", "autograded"):
                shutil.rmtree(course.root / folder)
        except subprocess.TimeoutExpired:
            family = psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
            process.communicate()
            _, left = psutil.wait_procs(family, timeout=20)
            assert not [one for one in left if _is_kernel(one)]
    out, err = (process := command(course)).communicate(timeout=300)
    assert process.returncode == 0, out + err


@pytest.mark.slow
def test_ctrl_c_ends_everything_and_says_how_to_go_on(handed_in: Course):
    course = another(handed_in, "stopped")
    course.hand_in("slow", lambda cells: write(cells, "double", HUNG))
    process = command(course)
    wait_for(lambda: kernels(process.pid))
    family = psutil.Process(process.pid).children(recursive=True)
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.splitlines() == ["Stopped. What was executed is kept: the same command goes on from there."]
    _, left = psutil.wait_procs(family, timeout=10)
    assert left == []
    assert time.monotonic() - began < 20


def dies(job: Job, say: Callable[[str], None]) -> Outcome:
    """Kills its process for some students: each time, or the first time only."""
    mark = Path(job.course) / job.student
    if job.student == "always" or (job.student == "once" and not mark.exists()):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job.student, job.key, "executed")


@pytest.mark.slow
def test_a_worker_that_dies_costs_nobody_else(tmp_path: Path):
    hired = crew.Processes(2, dies)
    hired.start(Job(str(tmp_path), NAME, name, "", "", "", True) for name in ("always", "anna", "once", "zoe"))
    outcomes = dict[str, Outcome]()
    while len(outcomes) < 4:
        outcome = hired.next(60)
        assert outcome
        outcomes[outcome.student] = outcome
    hired.stop()
    assert outcomes["always"].state == NOT_GRADED
    assert outcomes["always"].sentence.startswith("the process that ran it was killed, twice")
    assert {outcomes[name].state for name in ("anna", "once", "zoe")} == {"executed"}


@pytest.mark.slow
def test_dask_comes_to_the_same_grades(handed_in: Course, graded: tuple[Course, dict[str, Any]]):
    distributed = pytest.importorskip("distributed", reason="Dask is not installed: pip install -e '.[dev]'")
    students = ["hostile", "late", "right"]
    spread = another(handed_in, "spread", students)
    options = {"n_workers": 2, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with distributed.LocalCluster(**options, host="127.0.0.1") as cluster:
        rows = run(spread, lambda: crew.Dask(cluster.scheduler_address))
    assert {row.state.state for row in rows.values()} == {"graded"}
    assert grades(spread) == grades(graded[0], students)


def test_without_dask_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(TopFiveError, match="needs Dask, which is not installed here: pip install"):
        crew.Dask("tcp://127.0.0.1:1")


# --- what is in the way -----------------------------------------------------------------------------------------------


@pytest.fixture
def quick(handed_in: Course, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Course:
    """A course of two, in which nothing is really executed."""
    made = another(handed_in, request.node.name, ["half", "right"])

    def as_it_is(job: Job, scratch: Path, say: Any) -> Any:
        """The notebook as it is sanitised, with nothing in the place of outputs."""
        monkeypatch.setattr(jobs, "split", lambda steps: ([], []))
        try:
            return really(job, scratch, say)
        finally:
            monkeypatch.setattr(jobs, "split", split)

    really, split = jobs._run, jobs.split
    monkeypatch.setattr(jobs, "_run", as_it_is)
    monkeypatch.setattr(sandbox, "problem", lambda: "")
    monkeypatch.setattr(grading, "PATIENCE", 0)
    return made


def test_a_locked_gradebook_is_one_line(quick: Course):
    other = sqlite3.connect(quick.root / "gradebook.db")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(TopFiveError, match=r"is locked by another program: close it, and wait\. Nothing is lost"):
        run(quick, nobody)
    other.close()


def test_a_gradebook_that_is_locked_half_way_loses_nothing(quick: Course):
    other = sqlite3.connect(quick.root / "gradebook.db", isolation_level=None)

    def executed(job: Job) -> Outcome:
        outcome = execute(job)
        if job.student == "right":
            other.execute("BEGIN EXCLUSIVE")
        return outcome

    with pytest.raises(TopFiveError, match="is locked by another program"):
        run(quick, lambda: Here(executed))
    other.close()
    rows = run(quick, nobody)
    assert {row.state.state for row in rows.values()} == {"graded"}


def test_a_gradebook_of_another_version_is_one_line(quick: Course):
    with sqlite3.connect(quick.root / "gradebook.db") as gradebook:
        gradebook.execute("ALTER TABLE source_cell RENAME COLUMN checksum TO sum")
    with pytest.raises(TopFiveError, match=r"gradebook.db is of another version of nbgrader .*nbgrader db upgrade"):
        run(quick, nobody)


def test_a_full_disk_is_not_graded_and_said(quick: Course, monkeypatch: pytest.MonkeyPatch):
    def full(path: Path, text: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(jobs, "write_atomic", full)
    rows = run(quick, Here)
    assert {row.state.sentence for row in rows.values()} == {
        "what was executed could not be kept: No space left on device"
    }
    monkeypatch.undo()


def test_two_at_once_are_one(quick: Course):
    (quick.root / ".grading").mkdir()
    with (
        filelock.FileLock(quick.root / ".grading" / "lock"),
        pytest.raises(TopFiveError, match="another `topfive grade` is at work"),
    ):
        run(quick, nobody)


def test_without_a_sandbox_nothing_is_graded(quick: Course, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sandbox, "problem", lambda: "bwrap is not installed")
    with pytest.raises(TopFiveError, match=r"cannot run in a sandbox here \(bwrap is not installed\).*--no-sandbox"):
        grade(quick.root, NAME, Here)


def test_a_notebook_that_changes_meanwhile_is_not_mixed_up(quick: Course):
    def late_hand_in(job: Job) -> Outcome:
        outcome = execute(job)
        quick.hand_in(job.student, lambda cells: before(cells, "double", "new = 1"))
        return outcome

    rows = run(quick, lambda: Here(late_hand_in))
    assert {row.state.state for row in rows.values()} == {"not graded"}
    assert rows["right"].state.sentence == "it was changed while it was graded: give the command again"
    assert (rows["right"].points, grades(quick)) == (None, [])


def test_seeds_settings_and_files_handed_in_are_part_of_the_key(quick: Course):
    run(quick, Here)
    run(quick, nobody)
    for name in (seeds.FILE, f"submitted/right/{NAME}/numbers.csv", f"solutions/{NAME}/given.csv"):
        (quick.root / name).write_text("1")
        asked = Here()
        run(quick, lambda asked=asked: asked)
        assert [job.student for job in asked.asked] == (["right"] if "right" in name else ["half", "right"])


# --- the command ------------------------------------------------------------------------------------------------------


def said(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["topfive", "grade", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    return int(stopped.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["9-x"], f"solutions has no assignment '9-x', but {NAME}"),
        ([NAME, "--students", "nobody"], f"nobody has not handed in {NAME}; who has: half, right"),
        (["--students", "nobody", NAME], f"nobody has not handed in {NAME}; who has: half, right"),
        (["again", "9.9"], "'9.9' is in no assignment that was generated"),
    ],
)
def test_a_wrong_name_is_one_line(
    quick: Course, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: list[str], line: str
):
    monkeypatch.chdir(quick.root)
    code, err = said(monkeypatch, capsys, *words)
    assert code == 2
    assert line in err
    assert len(err.splitlines()) == 1


def test_outside_a_course_and_before_generate_is_one_line(
    quick: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.chdir(tmp_path)
    assert "is no course: there is no nbgrader_config.py" in said(monkeypatch, capsys, NAME)[1]
    (tmp_path / "nbgrader_config.py").write_text("")
    assert "has no source/, so there is nothing to grade by" in said(monkeypatch, capsys, NAME)[1]
    monkeypatch.chdir(quick.root)
    with Gradebook(quick.url) as gradebook:
        gradebook.remove_assignment(NAME)
    assert (
        f"{NAME} was never generated: `nbgrader generate_assignment {NAME}` comes" in said(monkeypatch, capsys, NAME)[1]
    )
    (quick.root / "gradebook.db").unlink()
    assert f"{NAME} was never generated" in said(monkeypatch, capsys, NAME)[1]


def test_what_a_student_wrote_does_nothing_to_the_terminal():
    assert jobs.harmless("cell '\x1b[2J\r\n\ud800ä→' is none") == "cell '\N{REPLACEMENT CHARACTER}[2J" + (
        "\N{REPLACEMENT CHARACTER}" * 3 + "ä→' is none"
    )


def test_the_time_left_is_that_of_the_median():
    now = Progress(10, {}, workers=2, took=[1.0, 5.0, 60.0], phases={"anna": "cell 3"}, last=State("zoe"))
    assert list(show.left(now)) == ["18 s left"]
    assert list(show.at_work(now)) == ["anna cell 3"]
    now.phases = dict.fromkeys("abcdef", "cell 1")
    assert list(show.at_work(now))[-1] == "and 2 more"
