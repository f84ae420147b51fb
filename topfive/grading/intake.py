"""Which file of a submission is the notebook: a copy under another name is graded if it is the only one."""

import hashlib
import shutil
from pathlib import Path
from typing import Any

from traitlets.log import get_logger

from topfive.files import write_atomic

TAKEN = ".taken-as-notebook"  # beside a notebook that is a copy made here: its hash


def find_notebook(*, assignment: str, notebooks: list[str], **_: Any) -> None:
    """nbgrader's hook before a submission is converted. Puts the notebook under its right name, and says so.

    Every assignment has one notebook, called like it. notebooks: the paths of all in the submission; changed in place.
    What the student handed in stays as it is. A copy made here is none of it: after a later hand-in it is made anew.
    """
    log = get_logger()
    wanted = Path(notebooks[0]).with_name(f"{assignment}.ipynb")
    others = [Path(path) for path in notebooks if Path(path) != wanted and _is_of_the_course(Path(path))]
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
    return '"nbgrader"' in path.read_text("utf-8", errors="replace")
