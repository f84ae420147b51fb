"""What of a submission is taken in: plain files of a reasonable size, and the right notebook.

A copy under another name is graded if it is the only one. A link, a pipe or a huge file is set aside, beside what was
handed in, before nbgrader follows, opens or copies it.
"""

import hashlib
import os
import shutil
import stat
import sys
from itertools import count
from pathlib import Path
from typing import Any

from nbgrader.apps import NbGrader
from traitlets.config import Application
from traitlets.log import get_logger

from topfive.files import write_atomic
from topfive.grading import sandbox
from topfive.grading.execute import ToTheEnd

MOST = 100 * 2**20  # bytes of a whole submission, as nbgrader lets students hand in
TAKEN = ".taken-as-notebook"  # beside a notebook that is a copy made here: its hash


def take_in(*, assignment: str, notebooks: list[str], **_: Any) -> None:
    """nbgrader's hook before a submission is converted; notebooks, the paths of all in it, is changed in place.

    Ends nbgrader where kernels should run in a sandbox and cannot, or where a submission cannot be made safe: of an
    ordinary error in a hook it says little, and goes on.
    """
    _need_sandbox()
    folder = Path(notebooks[0]).parent
    try:
        set_aside(folder)
    except OSError as error:
        sys.exit(f"{folder}: something in it is no plain file, and could not be set aside ({error}). Move it away")
    notebooks[:] = [path for path in notebooks if Path(path).is_file()]
    if notebooks:
        find_notebook(assignment=assignment, notebooks=notebooks)


def _need_sandbox() -> None:
    """Of nbgrader on the command line; elsewhere, as in formgrader, `ToTheEnd` refuses submission by submission."""
    app = Application.instance() if Application.initialized() else None
    if isinstance(app, NbGrader) and ToTheEnd(config=app.config).sandbox and (problem := sandbox.problem()):
        get_logger().error(
            "Nothing is graded, since student code cannot run in a sandbox here (%s): %s. To run it with all your "
            "rights, say --ToTheEnd.sandbox=False",
            problem,
            sandbox.TO_DO,
        )
        sys.exit(1)


def set_aside(folder: Path) -> None:
    """Move what is no plain file, and what is too much, out of a submission into a new folder beside it.

    Smaller files stay before larger ones. Raises OSError if something cannot be moved.
    """
    names = (folder.with_name(f"{folder.name}-set-aside{number or ''}") for number in count())
    beside = next(path for path in names if not path.exists())  # a new one: what an earlier hand-in left stays
    held = 0
    for path, found in sorted(_entries(folder), key=lambda entry: entry[1].st_size):
        if stat.S_ISREG(found.st_mode):
            held += found.st_size
            why = "is too large" if held > MOST else ""
        else:
            why = "is a link" if stat.S_ISLNK(found.st_mode) else "is no plain file"
        if why:
            aside = beside / path.relative_to(folder)
            aside.parent.mkdir(parents=True, exist_ok=True)
            path.replace(aside)
            get_logger().warning("%s %s and is not taken in; it lies in %s", path, why, aside)


def _entries(folder: Path) -> list[tuple[Path, os.stat_result]]:
    """All in a folder but folders, at any depth; no link is followed."""
    found = [(path, path.lstat()) for path in folder.rglob("*")]
    return [(path, about) for path, about in found if not stat.S_ISDIR(about.st_mode)]


def find_notebook(*, assignment: str, notebooks: list[str], **_: Any) -> None:
    """Put the notebook under its right name, and say so.

    Every assignment has one notebook, called like it. notebooks: the paths of all in the submission; changed in place.
    What the student handed in stays as it is. A copy made here is none of it: after a later hand-in it is made anew.
    """
    log = get_logger()
    wanted = Path(notebooks[0]).with_name(f"{assignment}.ipynb")
    beside = [Path(path) for path in notebooks if Path(path) != wanted]
    others = [path for path in beside if _is_of_the_course(path)]
    if len(notebooks) == len(beside) == 1:
        others = beside  # even if its metadata was lost
    if others and _was_taken(wanted):
        others = [path for path in others if _hash(path) != _hash(wanted)] or others
        wanted.unlink()
        notebooks[:] = [path for path in notebooks if Path(path) != wanted]
    names = ", ".join(path.name for path in others)
    if wanted.is_file():
        if others:
            log.warning("%s is graded; beside it lies %s, which is not", wanted, names)
    elif len(others) == 1:
        write_atomic(wanted.with_name(TAKEN), _hash(others[0]))
        shutil.copy2(others[0], wanted)
        notebooks[:] = [str(wanted)]
        log.warning("There is no %s; %s is the only notebook beside it and is graded in its place", wanted, names)
    else:
        log.error("There is no %s, but %s: rename the right one", wanted, names or "only notebooks of something else")


def _was_taken(wanted: Path) -> bool:
    """Whether this is a copy made here, and still as it was made."""
    mark = wanted.with_name(TAKEN)
    return wanted.is_file() and mark.is_file() and mark.read_text("utf-8") == _hash(wanted)


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _is_of_the_course(path: Path) -> bool:
    raw = path.read_bytes()
    return any('"nbgrader"'.encode(encoding) in raw for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
