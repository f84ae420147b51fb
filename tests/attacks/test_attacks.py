"""Hostile submissions through one `nbgrader autograde`: in the sandbox they get nothing, without it they get it all."""

import inspect
import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from nbformat.v4 import new_code_cell
from nbgrader.api import Gradebook

from tests.attacks import inside
from tests.grading.conftest import NAME, Course, at
from topfive import data
from topfive.grading import sandbox

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(sandbox.problem()), reason=f"no sandbox here: {sandbox.problem()}"),
]
MIB = 2**20
LIMITS = {"memory": 1024 * MIB, "cpu": 5, "file": 16 * MIB, "scratch": 32 * MIB}
READERS = [
    inside.read_the_solutions,
    inside.read_the_gradebook,
    inside.read_another_submission,
    inside.read_another_graded_notebook,
    inside.read_the_tests_of_the_course,
    inside.read_its_own_notebook_as_it_is_graded,
    inside.read_the_accounts_of_this_machine,
    inside.read_a_home_folder,
    inside.read_a_variable,
    inside.read_the_variables_of_other_processes,
    inside.read_the_words_of_other_processes,
    inside.read_the_gradebook_through_another_process,
]
WRITERS = [
    inside.write_into_the_gradebook,
    inside.write_into_the_course_folder,
    inside.write_into_the_solutions,
    inside.write_into_another_submission,
    inside.write_into_what_is_handed_back,
    inside.write_into_the_package,
    inside.write_into_the_data,
    inside.write_a_start_up_file_for_the_next_kernel,
]
CALLERS = [
    inside.call_by_tcp,
    inside.call_by_udp_as_name_servers_are,
    inside.call_by_an_abstract_socket,
    inside.call_by_the_sockets_of_another_kernel,
    inside.listen_to_the_world,
]
FOR_ROOT = [  # what only root can do without a sandbox
    inside.make_a_mount_namespace,
    inside.mount_something,
    inside.change_the_root,
    inside.become_somebody_else,
    inside.make_a_device,
]
CLIMBERS = [
    inside.kill_the_grader,
    inside.look_into_the_memory_of_the_grader,
    inside.make_a_user_namespace,
    *FOR_ROOT,
]
HOGS = [
    inside.start_200_processes,
    inside.reserve_5_gigabytes,
    inside.fill_the_disk_with_one_file,
    inside.fill_the_disk_with_many_files,
    inside.fill_other_folders,
    inside.open_2000_files,
]
Attack = Callable[..., Any]
GROUPS: dict[str, list[Attack]] = {
    "reader": READERS,
    "writer": [*WRITERS, inside.write_on_the_instructors_terminal, inside.leave_a_process_behind],
    "caller": CALLERS,
    "climber": CLIMBERS,
    "hog": HOGS,
    "crowd": [inside.hold_memory_in_several_processes],
    "stuffer": [inside.fill_the_folder_of_sockets],
    "spinner": [inside.spin_and_let_nobody_interrupt],
    "flood": [inside.show_too_much],
    "quitter": [inside.end_the_kernel],
    "liar": [inside.send_what_no_kernel_sends],
}
TRIED = [*READERS, *WRITERS, *CALLERS, *CLIMBERS, *HOGS]
WITHOUT = [attack for attack in TRIED if attack not in FOR_ROOT or os.geteuid() == 0]
CALL = """
try:
    got, why = {name}(), ""
except BaseException as error:
    got, why = None, repr(error)
import json; print(json.dumps(["{name}", got, why], default=str))
"""
HELPERS = "\n".join(map(inspect.getsource, (inside.write, inside.in_a_child)))


def cells_of(attacks: list[Attack], here: dict[str, Any]) -> list[Any]:
    imports = f"import ctypes, glob, os, socket, stat, subprocess, time\nHERE = {here!r}\n\n\n{HELPERS}"
    tries = [inspect.getsource(attack) + CALL.format(name=attack.__name__) for attack in attacks]
    return [new_code_cell(text) for text in (imports, *tries)]


def hand_in(course: Course, student: str, attacks: list[Attack], here: dict[str, Any]) -> Path:
    def edit(cells: list[Any]) -> None:
        place = at(cells, "double-test") + 1
        cells[place:place] = cells_of(attacks, here)

    course.hand_in(student, edit)
    return course.root / "submitted" / student / NAME


def lay_beside(course: Course, here: dict[str, Any]) -> None:
    """An honest notebook, with things beside it that are no plain files."""
    linker = hand_in(course, "linker", [], here)
    (linker / "gradebook.txt").symlink_to("../../../gradebook.db")
    (linker / "work").mkdir()
    (linker / "work" / "accounts").symlink_to("/etc/passwd")
    (linker / "everything").symlink_to("../../..")
    (linker / "work" / "notes.md").write_text("mine")
    os.mkfifo(linker / "pipe")
    with (linker / "hole").open("wb") as file:
        file.truncate(2**40)


@pytest.fixture(scope="module")
def here(course: Course) -> Iterator[dict[str, Any]]:
    """Where everything is, with somebody listening at every door."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(dir="/tmp")))
        (home / ".ssh").mkdir()
        (home / ".ssh" / "id_ed25519").write_text("a key")
        kernel = Path(tempfile.mkdtemp(prefix="topfive-", dir="/tmp"))
        stack.callback(shutil.rmtree, kernel)
        (kernel / "shared").mkdir()
        abstract = f"topfive-attack-{os.getpid()}"
        tcp = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        listeners = [tcp]
        for address in (f"\0{abstract}", str(kernel / "shared" / "ours")):
            listener = stack.enter_context(socket.socket(socket.AF_UNIX))
            listener.bind(address)
            listener.listen()
            listeners.append(listener)
        udp = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        udp.bind(("127.0.0.1", 0))
        with socket.create_server(("127.0.0.1", 0)) as free:
            door = free.getsockname()[1]
        over = threading.Event()
        stack.callback(over.set)
        for listener in listeners:
            threading.Thread(target=answer, args=(listener,), daemon=True).start()
        threading.Thread(target=answer_once_asked, args=(udp,), daemon=True).start()
        threading.Thread(target=knock, args=(door, over), daemon=True).start()
        yield {
            "course": str(course.root),
            "package": str(Path(data.__file__).parent),
            "home": str(home),
            "abstract": abstract,
            "tcp": tcp.getsockname()[1],
            "udp": udp.getsockname()[1],
            "door": door,
            **LIMITS,
        }


def answer(listener: socket.socket) -> None:
    try:
        while True:
            listener.accept()[0].sendall(b"hello")
    except OSError:
        return


def answer_once_asked(listener: socket.socket) -> None:
    try:
        while True:
            listener.sendto(b"hello", listener.recvfrom(10)[1])
    except OSError:
        return


def knock(door: int, over: threading.Event) -> None:
    while not over.wait(0.2):
        with suppress(OSError):
            socket.create_connection(("127.0.0.1", door), timeout=0.2).close()


def grade(course: Course, settings: str, *options: str) -> str:
    """Grade what is not graded yet, with more in nbgrader's settings, and a secret in the environment; its log."""
    usual = (course.root / "nbgrader_config.py").read_text("utf-8")
    (course.root / "nbgrader_config.py").write_text(usual + settings, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_TOKEN", "secret")
        done = course.call("autograde", NAME, "--Execute.timeout=60", "--Execute.iopub_timeout=15", *options)
    (course.root / "nbgrader_config.py").write_text(usual, "utf-8")
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stderr + done.stdout


def sleepers() -> list[psutil.Process]:
    return [one for one in psutil.process_iter(["cmdline"]) if "topfive-attack-sleeper" in (one.info["cmdline"] or [])]


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def log(course: Course, here: dict[str, Any]) -> str:
    """A class of attackers and one honest student, graded in the sandbox."""
    for student, attacks in GROUPS.items():
        hand_in(course, student, attacks, here)
    hand_in(course, "honest", [], here)
    lay_beside(course, here)
    untouched = (course.root / "solutions", course.root / "submitted" / "honest", Path(here["home"]))
    before = [content(folder) for folder in untouched]
    log = grade(course, f"\nc.ToTheEnd.limits = {LIMITS}\n")
    assert [content(folder) for folder in untouched] == before
    return log


@pytest.fixture(scope="module")
def left(course: Course, log: str) -> list[Any]:
    """What the attacks left on this machine: processes and files."""
    return [*sleepers(), *course.root.rglob("left-behind*")]


@pytest.fixture(scope="module")
def bare_log(course: Course, here: dict[str, Any], left: list[Any]) -> Iterator[str]:
    """The same without a sandbox, and with links followed as nbgrader does."""
    more = [inside.write_on_the_instructors_terminal, inside.leave_a_process_behind, inside.show_too_much]
    hand_in(course, "bare", [*WITHOUT, *more], here)
    lay = hand_in(course, "bare-linker", [], here)
    (lay / "gradebook.txt").symlink_to("../../../gradebook.db")
    settings = """
from topfive.grading.intake import find_notebook
c.Autograde.pre_convert_hook = find_notebook
"""
    yield grade(course, settings, "--ToTheEnd.sandbox=False", "--student=bare*")
    for process in sleepers():
        process.kill()


def outputs(course: Course, student: str) -> list[Any]:
    notebook = nbformat.read(course.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


def got(course: Course, student: str) -> dict[str, tuple[Any, str]]:
    """What each attack of a student got, and the error that it met."""
    text = "\n".join(output.text for output in outputs(course, student) if output.output_type == "stream")
    read = json.JSONDecoder().raw_decode  # what an attack wrote on the terminal may follow on the line
    reports = [read(line)[0] for line in text.split("\n") if line.startswith('["')]
    return {name: (result, why) for name, result, why in reports}


@pytest.mark.parametrize(
    ("student", "attack"),
    [(student, attack) for student, attacks in GROUPS.items() for attack in attacks if attack in TRIED],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_in_the_sandbox_an_attack_gets_nothing(course: Course, log: str, student: str, attack: Attack):
    found, why = got(course, student)[attack.__name__]
    assert not found, (found, why)


@pytest.mark.parametrize("attack", WITHOUT, ids=lambda attack: attack.__name__)
def test_without_the_sandbox_the_same_attack_succeeds(course: Course, bare_log: str, attack: Attack):
    found, why = got(course, "bare")[attack.__name__]
    assert found, why


@pytest.mark.parametrize("student", [*GROUPS, "linker", "honest"])
def test_everybody_keeps_the_points_of_what_is_right(course: Course, log: str, student: str):
    with Gradebook(course.url) as gradebook:
        grades = {one.name: one for one in gradebook.find_submission_notebook(NAME, NAME, student).grades}
    assert (grades["double-test"].auto_score, grades["triple-test"].auto_score) == (2, 1)


def test_no_process_and_no_file_outlives_its_kernel(left: list[Any]):
    assert not left


def test_without_the_sandbox_a_process_and_files_do(course: Course, bare_log: str):
    assert sleepers()
    assert list(course.root.rglob("left-behind*"))


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ("crowd", "this cell ended the kernel"),
        ("stuffer", "this cell ended the kernel"),
        ("spinner", "this cell ended the kernel"),
        ("quitter", "this cell ended the kernel"),
        ("liar", "this cell sent what no kernel sends"),
    ],
)
def test_a_kernel_that_takes_too_much_is_ended_and_its_cell_says_so(course: Course, log: str, student: str, said: str):
    assert said in "".join(output.get("evalue", "") for output in outputs(course, student))
    assert not got(course, student)


def test_of_an_endless_output_the_beginning_is_kept(course: Course, log: str):
    assert 1 * MIB < len(json.dumps(outputs(course, "flood"))) < 12 * MIB
    assert "showed too much" in log


def test_nothing_is_written_on_the_instructors_terminal(log: str):
    assert "WRITTEN-ON-THE-TERMINAL" not in log


def test_without_the_sandbox_it_is(bare_log: str):
    assert "WRITTEN-ON-THE-TERMINAL" in bare_log


def test_a_link_is_set_aside_and_not_followed(course: Course, log: str):
    graded = course.root / "autograded" / "linker" / NAME
    assert sorted(path.name for path in graded.rglob("*") if path.is_file()) == [f"{NAME}.ipynb", "notes.md"]
    aside = course.root / "submitted" / "linker" / f"{NAME}-set-aside"
    assert {path.name for path in aside.rglob("*") if path.is_symlink()} == {"gradebook.txt", "accounts", "everything"}
    assert "gradebook.txt is a link and is not taken in" in log


def test_without_that_nbgrader_copies_the_gradebook_into_the_graded_folder(course: Course, bare_log: str):
    copied = course.root / "autograded" / "bare-linker" / NAME / "gradebook.txt"
    assert copied.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize(
    ("name", "why"),
    [("pipe", "is no plain file"), ("hole", "is too large"), ("gradebook.txt", "is a link")],
)
def test_what_is_no_plain_file_or_too_large_is_set_aside(course: Course, log: str, name: str, why: str):
    assert os.path.lexists(course.root / "submitted" / "linker" / f"{NAME}-set-aside" / name)
    assert not os.path.lexists(course.root / "autograded" / "linker" / NAME / name)
    assert f"{name} {why}" in log


def test_a_run_without_the_sandbox_says_so_loudly(bare_log: str):
    assert "NO SANDBOX: what students wrote runs with all your rights" in bare_log
