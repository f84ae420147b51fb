"""The sandbox around a kernel, where it is not attacked: when there is none, and what is in it."""

import asyncio
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.grading.conftest import NAME, Course
from topfive import data
from topfive.errors import TopFiveError
from topfive.grading import execute, sandbox
from topfive.grading.execute import ToTheEnd
from topfive.grading.intake import set_aside

CLONE = Path(data.__file__).parents[1]
needs_sandbox = pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}")


@pytest.mark.slow
def test_where_there_is_no_sandbox_nothing_is_graded_and_one_line_says_what_to_do(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    course.hand_in("anna", lambda cells: None)
    monkeypatch.setattr(sandbox, "problem", lambda: "")  # of this process, which would switch the sandbox off
    monkeypatch.setenv("PATH", str(tmp_path))
    done = course.call("autograde", NAME)
    assert done.returncode == 1
    [line] = [line for line in done.stderr.splitlines() if "ERROR" in line]
    assert "bwrap is not installed" in line
    assert "install bubblewrap" in line
    assert "--ToTheEnd.sandbox=False" in line
    assert "Traceback" not in done.stderr
    assert not (course.root / "autograded").exists()


@pytest.mark.parametrize(
    ("platform", "tools", "why"),
    [
        ("darwin", ["bwrap"], "there is no bubblewrap for darwin"),
        ("linux", [], "bwrap is not installed"),
        ("linux", ["bwrap"], "prlimit is not installed"),
    ],
)
def test_why_there_is_none(monkeypatch: pytest.MonkeyPatch, platform: str, tools: list[str], why: str):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(shutil, "which", lambda name: name if name in tools else None)
    assert sandbox.problem.__wrapped__() == why


def test_what_bubblewrap_says_is_passed_on(monkeypatch: pytest.MonkeyPatch):
    failed = subprocess.CompletedProcess([], 1, "", "bwrap: setting up uid map: Permission denied\n")
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: failed)
    assert sandbox.problem.__wrapped__() == "bwrap: setting up uid map: Permission denied"


def test_outside_the_command_line_each_submission_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sandbox, "problem", lambda: "bwrap is not installed")
    with pytest.raises(TopFiveError, match=r"No sandbox: bwrap is not installed\. To do: install"):
        ToTheEnd().preprocess(new_notebook(), {"metadata": {"path": str(tmp_path)}})


def test_the_notebook_does_not_choose_its_kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(sandbox, "problem", lambda: "")
    step = ToTheEnd(resources={"metadata": {"path": str(tmp_path)}})
    step.nb = new_notebook(metadata={"kernelspec": {"name": "evil", "display_name": "evil"}})
    kernel = step.create_kernel_manager()
    assert "bwrap" in kernel.kernel_spec.argv
    asyncio.run(kernel.cleanup_resources())
    assert not kernel.private.exists()
    step.sandbox = False
    assert step.create_kernel_manager().kernel_name == "python3"


def inside(course: Path, submission: Path, source: str) -> str:
    """What Python prints in a sandbox."""
    private = sandbox.prepare(submission)
    call = sandbox.command(private, course, sandbox.LIMITS, [sys.executable, "-c", source])
    done = subprocess.run(call, capture_output=True, text=True, check=False)
    shutil.rmtree(private)
    assert done.returncode == 0, done.stderr
    return done.stdout


@needs_sandbox
def test_where_the_course_folder_is_a_clone_its_package_and_data_are_there_and_nothing_else(tmp_path: Path):
    words = "import os, topfive.data as d; print(len(d.rows('tags')) > 10, *os.listdir(d.folder().parent))"
    rows, *names = inside(CLONE, tmp_path, words).split()
    assert rows == "True"
    assert set(names) <= {"topfive", "data", ".venv"}


@needs_sandbox
def test_other_files_of_a_submission_are_there_and_notebooks_are_not(tmp_path: Path):
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "ledger.jsonl").write_text("a click")
    (tmp_path / "a.ipynb").write_text("{}")
    said = inside(tmp_path / "course", tmp_path, "import os; print(open('work/ledger.jsonl').read(), os.listdir())")
    assert said == "a click ['work']\n"


@needs_sandbox
def test_who_grades_and_is_killed_takes_the_sandbox_along(tmp_path: Path):
    private = sandbox.prepare(tmp_path)
    source = f"import time, pathlib; pathlib.Path('{private}/shared/up').touch(); time.sleep(600)"
    call = sandbox.command(private, tmp_path / "course", sandbox.LIMITS, [sys.executable, "-c", source])
    grader = subprocess.Popen([sys.executable, "-c", f"import subprocess; subprocess.run({call!r})"])
    wait_until((private / "shared" / "up").exists)
    children = psutil.Process(grader.pid).children(recursive=True)
    assert len(children) > 2
    grader.send_signal(signal.SIGKILL)
    grader.wait()
    wait_until(lambda: not any(child.is_running() and child.status() != "zombie" for child in children))
    shutil.rmtree(private)


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.1)


# --- output -----------------------------------------------------------------------------------------------------------


def show(step: ToTheEnd, cell: Any, asked: str, number: int, size: int) -> None:
    for _ in range(number):
        message = {"msg_type": "stream", "header": {"msg_type": "stream"}, "parent_header": {"msg_id": asked}}
        step.process_message(message | {"content": {"name": "stdout", "text": "x" * size}, "buffers": []}, cell, 0)


def shown(cell: Any) -> int:
    return sum(len(output.text) for output in cell.outputs)


@pytest.fixture
def step() -> ToTheEnd:
    made = ToTheEnd()
    made.kept, made.cut, made.clear_before_next_output = {}, set(), False
    made.reset_execution_trackers()
    return made


def test_of_a_cell_the_beginning_is_kept_and_a_cell_below_still_shows_its_own(step: ToTheEnd):
    first, second = new_code_cell(), new_code_cell()
    show(step, first, "a", 30, 2**20)
    show(step, second, "b", 1, 100)
    assert 2**20 < shown(first) <= execute.CELL
    assert shown(second) == 100


def test_of_many_cells_that_show_too_much_a_little_is_kept_in_the_end(step: ToTheEnd):
    cells = [new_code_cell() for _ in range(8)]
    for number, cell in enumerate(cells):
        show(step, cell, str(number), 4, 3 * 2**20)
        show(step, cell, str(number), 1, 10)
    assert sum(map(shown, cells)) <= execute.NOTEBOOK + execute.CELL
    assert shown(cells[-1]) == 10


# --- what is set aside ------------------------------------------------------------------------------------------------


def test_plain_files_stay_and_links_are_moved_as_they_are(tmp_path: Path):
    folder = tmp_path / "eve" / "a"
    (folder / "deep").mkdir(parents=True)
    (folder / "deep" / "notes.md").write_text("mine")
    (folder / "deep" / "link").symlink_to("/etc/passwd")
    (folder / "a.ipynb").symlink_to("../../../solutions/a.ipynb")
    set_aside(folder)
    assert sorted(path.name for path in folder.rglob("*")) == ["deep", "notes.md"]
    assert (tmp_path / "eve" / "a-set-aside" / "deep" / "link").is_symlink()
    assert (tmp_path / "eve" / "a-set-aside" / "a.ipynb").is_symlink()


def test_what_is_set_aside_again_does_not_meet_what_was_before(tmp_path: Path):
    folder = tmp_path / "eve" / "a"
    (folder / "x").mkdir(parents=True)
    (folder / "x" / "y").symlink_to("/etc/passwd")
    set_aside(folder)
    (folder / "x").rmdir()
    (folder / "x").symlink_to("/etc/passwd")
    set_aside(folder)
    assert (tmp_path / "eve" / "a-set-aside" / "x" / "y").is_symlink()
    assert (tmp_path / "eve" / "a-set-aside1" / "x").is_symlink()


def test_of_too_much_the_largest_is_moved_and_nothing_is_lost(tmp_path: Path):
    folder = tmp_path / "eve" / "a"
    folder.mkdir(parents=True)
    (folder / "small").write_text("mine")
    for name, size in (("hole", 2**40), ("half", 60 * 2**20), ("more", 61 * 2**20)):
        with (folder / name).open("wb") as file:
            file.truncate(size)
    set_aside(folder)
    assert sorted(path.name for path in folder.iterdir()) == ["half", "small"]
    assert sorted(path.name for path in (tmp_path / "eve" / "a-set-aside").iterdir()) == ["hole", "more"]
