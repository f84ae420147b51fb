"""The released notebooks: where they are, what stands in their cells, and which folder is of which assignment."""

import json
from pathlib import Path
from typing import Any

from topfive.errors import TopFiveError

FIRST = "00-start-here/00-start-here.ipynb"


def clone() -> Path | None:
    """The repository this package runs from, or None if it runs from an installed wheel."""
    root = Path(__file__).parent.parent
    return root if (root / "pyproject.toml").is_file() and (root / "notebooks").is_dir() else None


def released() -> Path:
    """The released notebooks: notebooks/ in a clone, else inside the wheel. Raises TopFiveError if there are none."""
    root = clone()
    folder = root / "notebooks" if root else Path(__file__).parent / "_notebooks"
    if not (folder / FIRST).is_file():
        raise TopFiveError(f"{folder / FIRST}: missing; `python -m topfive.build.notebooks` builds the notebooks")
    return folder


def graded() -> dict[str, Path]:
    """The released notebooks of all assignments that are graded, by name, in order."""
    found = {path.stem: path for path in sorted(released().glob("*/*.ipynb")) if path.stem == path.parent.name}
    return {name: path for name, path in found.items() if named_cells(path)}


def named_cells(notebook: Path) -> dict[str, dict[str, Any]]:
    """The cells of a released notebook that nbgrader knows, by name, in order; `source` is one text."""
    cells = json.loads(notebook.read_text("utf-8"))["cells"]
    return {
        cell["metadata"]["nbgrader"]["grade_id"]: {**cell, "source": "".join(cell["source"])}
        for cell in cells
        if "nbgrader" in cell["metadata"]
    }


def locate(what: str | None, homework: Path) -> Path:
    """The folder of a graded assignment in `homework`, or wherever it is.

    what: the assignment (`06-ppo`, or `6`), its folder or its notebook; None for the folder one is in.
    Raises TopFiveError in one line that says what to give instead.
    """
    known, path = graded(), Path(what or ".")
    numbers = {name.partition("-")[0].lstrip("0"): name for name in known}
    if not path.exists():
        path = homework / numbers.get((what or "").lstrip("0"), what or "")
    if not path.exists():
        reason = "`topfive lab` puts it there" if path.name in known else f"there are {', '.join(known)}"
        raise TopFiveError(f"there is no {path}; {reason}")
    if path.is_file() and path.suffix != ".ipynb":
        raise TopFiveError(f"{path.name} is not a notebook")
    folder = (path if path.is_dir() else path.parent).resolve()
    if folder.name not in known:
        if path.is_file() and path.stem in known:
            words = f"what is handed in is a folder called {path.stem}; move it into one"
            raise TopFiveError(f"{path.name} lies in {folder.name}/, but {words}")
        words = f"give the name of one that is: {', '.join(known)}"
        raise TopFiveError(f"{folder.name} is not a graded assignment; {words}")
    wanted = f"{folder.name}.ipynb"
    if path.is_file() and path.name != wanted and (folder / wanted).exists():
        words = f"if yours is the copy, move {wanted} away and give the copy its name"
        raise TopFiveError(f"{path.name} is not what is graded, {wanted} beside it is; {words}")
    return folder
