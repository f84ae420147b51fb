"""What `topfive lab` does: hand the notebooks out into homework/, then open JupyterLab there.

Handing out only ever adds. A file that is already in homework/ belongs to the student and stays as it is, also when
a newer version of it is released; `.handed-out.json` remembers which version was given, so that this can be said.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from topfive.build.notebooks import is_released
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.release import FIRST, clone
from topfive.shadows import shadows, warning
from topfive.startup import python_m

RECORD = ".handed-out.json"
# JupyterLab's own questions and look-ups on the internet would only stand between a student and the first cell.
CALM = ("--LabApp.news_url=", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")
STUDENTS = Path(__file__).parent / "lab_of_students"  # JupyterLab's settings: no instructor's tools, no news


@dataclass(frozen=True)
class HandOut:
    """What handing out did: names of the files it added, and of those whose newer version it left alone."""

    added: tuple[str, ...]
    newer: tuple[str, ...]


def default_homework() -> Path:
    """homework/ in the clone, or in the current directory when the package was installed as a wheel."""
    return (clone() or Path.cwd()) / "homework"


def hand_out(source: Path, homework: Path) -> HandOut:
    """Copy the files of `source` that are not yet in `homework`. Never overwrites, deletes or follows a link out.

    Raises TopFiveError if `homework` lies inside `source`, or if a folder in it is a link to somewhere else.
    """
    homework.mkdir(parents=True, exist_ok=True)
    root = homework.resolve()
    if root.is_relative_to(source.resolve()):
        raise TopFiveError(f"{homework}: this is the release itself; choose another folder for your work")
    record = _read_record(root)
    added, newer = [], []
    for name in _names(source):
        content, target = (source / name).read_bytes(), root / name
        version = hashlib.sha256(content).hexdigest()
        if not os.path.lexists(target):
            _add(target, content, root)
            record[name] = version
            added.append(name)
        elif version != record.get(name) and not _holds(target, content):
            newer.append(name)
    if added:
        write_atomic(root / RECORD, json.dumps(record, indent=1) + "\n")
    return HandOut(tuple(added), tuple(newer))


def _names(source: Path) -> Iterator[str]:
    """What there is to hand out, as paths relative to `source`: no links, nothing that somebody at work there left."""
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source)
        if path.is_file() and not path.is_symlink() and is_released(name):
            yield name.as_posix()


def _add(target: Path, content: bytes, root: Path) -> None:
    """Write a new file, whole or not at all: half a notebook would never be replaced."""
    if not target.parent.resolve().is_relative_to(root):
        raise TopFiveError(f"{target.parent}: a link out of {root}; move it away and start again")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, content)


def _holds(target: Path, content: bytes) -> bool:
    return target.is_file() and not target.is_symlink() and target.read_bytes() == content


def _read_record(root: Path) -> dict[str, str]:
    """Version of each file as it was handed out. If the record is lost, that costs a few needless remarks."""
    try:
        record = json.loads((root / RECORD).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def places(homework: Path) -> list[Path]:
    """The folders in which a notebook, or the command itself, looks for modules first."""
    return [Path.cwd(), homework, *sorted(path for path in homework.glob("*") if path.is_dir())]


def describe(done: HandOut, homework: Path) -> Iterator[str]:
    """What was handed out, in a few lines."""
    yield f"Your work is in {homework} and is never overwritten."
    if done.added:
        yield f"  added: {', '.join(sorted({name.split('/')[0] for name in done.added}))}"
    for path in shadows(*places(homework)):
        yield f"  careful: {warning(path)}"
    for name in done.newer:
        yield f"  a newer version of {name} is out; yours is kept (to get the new one, rename yours and start again)"


def open_lab(homework: Path, options: Sequence[str] = ()) -> NoReturn:
    """Become JupyterLab, rooted in `homework` and open on the first notebook. `options` are Jupyter's own.

    nbgrader's tools, which are for instructors, are not in it.
    """
    settings = [str(STUDENTS), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH")])]
    place = [f"--ServerApp.root_dir={homework.resolve()}", f"--LabApp.default_url=/lab/tree/{FIRST}"]
    _become([*place, *options], os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(settings)})


def open_instructors_lab(course: Path, options: Sequence[str] = ()) -> NoReturn:
    """Become JupyterLab in the course's folder, with nbgrader's tools in it: formgrader finds the course there."""
    _become([f"--ServerApp.root_dir={course.resolve()}", *options], dict(os.environ))


def _become(options: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    command = [*python_m("jupyterlab"), *CALM, *options]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")  # root at a course is root of a container
    if os.name == "posix":
        os.execve(command[0], command, environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Windows has no exec; ctrl-C is for JupyterLab to answer
    sys.exit(subprocess.call(command, env=environment))
