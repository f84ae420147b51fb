"""Which file of a submission is the notebook: a copy under another name is graded if it is the only one."""

import shutil
from pathlib import Path
from typing import Any

from traitlets.log import get_logger


def find_notebook(*, assignment: str, notebooks: list[str], **_: Any) -> None:
    """nbgrader's hook before a submission is converted. Puts the notebook under its right name, and says so.

    Every assignment has one notebook, called like it. notebooks: the paths of all in the submission; changed in place.
    What the student handed in stays as it is.
    """
    log = get_logger()
    wanted = Path(notebooks[0]).with_name(f"{assignment}.ipynb")
    others = [Path(path) for path in notebooks if Path(path) != wanted and _is_of_the_course(Path(path))]
    names = ", ".join(path.name for path in others)
    if wanted.is_file():
        if others:
            log.warning("%s is graded; beside it lies %s, which is not", wanted, names)
    elif len(others) == 1:
        shutil.copy2(others[0], wanted)
        notebooks[:] = [str(wanted)]
        log.warning("There is no %s; %s is the only notebook beside it and is graded in its place", wanted, names)
    else:
        log.error("There is no %s, but %s: rename the right one", wanted, names or "only notebooks of something else")


def _is_of_the_course(path: Path) -> bool:
    return '"nbgrader"' in path.read_text("utf-8", errors="replace")
