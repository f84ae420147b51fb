"""One cell as it was given out: `topfive revert` for a notebook on disk, `%revert` for one that is open in a page.

What stood in the cell is kept in work/before-revert/, numbered.
"""

import copy
import json
import os
import re
import uuid
from pathlib import Path
from typing import Any

from topfive.errors import TopFiveError
from topfive.files import as_utf8, write_atomic
from topfive.ledger.store import assignment_folder
from topfive.release import graded, named_cells

KEPT = Path("work", "before-revert")
EXERCISE = r'raise NotImplementedError\("{}:'
USE = r"(?m)^\s*%revert\b.*\n?"


def revert(folder: Path, which: str) -> str:
    """Give one cell of the notebook in an assignment's folder its released text back, and say what was done.

    which: a cell's name, or an exercise's number. All other cells stay as they are, and so does the notebook if this
    raises TopFiveError: where it is missing or damaged, or the cell is unknown or there twice.
    """
    path, given = folder / f"{folder.name}.ipynb", named_cells(graded()[folder.name])
    name = _name(which, given)
    notebook = _read(path)
    there = _named(notebook["cells"], name)
    if len(there) > 1:
        raise TopFiveError(f"cell {name!r} is there {len(there)} times in {path.name}: delete all but one, and save")
    if not there:
        _put_back(notebook, name, given)
        _write(path, notebook)
        return f"Cell {name!r} was missing in {path} and is there again."
    cell, text = there[0], "".join(there[0]["source"])
    if text == given[name]["source"]:
        return f"Cell {name!r} is as it was given out; nothing was changed."
    kept = keep(folder, name, text, cell["cell_type"])
    _restore(cell, given[name])
    _write(path, notebook)
    return f"Cell {name!r} in {path} is as it was given out. What stood there is in {kept.relative_to(folder)}."


def keep(folder: Path, name: str, text: str, kind: str = "code") -> Path:
    """Write what stands in a cell into a new file."""
    place = folder / KEPT
    place.mkdir(parents=True, exist_ok=True)
    end = "py" if kind == "code" else "md"
    number = next(number for number in range(1, 10**6) if not (place / f"{name}-{number}.{end}").exists())
    write_atomic(place / f"{name}-{number}.{end}", text + "\n")
    return place / f"{name}-{number}.{end}"


def _name(which: str, given: dict[str, Any]) -> str:
    if which in given:
        return which
    stub = EXERCISE.format(re.escape(which))
    for name, cell in given.items():
        if re.search(stub, cell["source"]):
            return name
    raise TopFiveError(f"there is no exercise or cell {which!r}; the cells are {', '.join(given)}")


def _read(path: Path) -> dict[str, Any]:
    try:
        notebook: dict[str, Any] = json.loads(as_utf8(path.read_bytes()))
        sound = all(isinstance("".join(cell["source"]), str) and "metadata" in cell for cell in notebook["cells"])
    except FileNotFoundError as error:
        raise TopFiveError(f"there is no {path}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise TopFiveError(f"{path} is damaged, so nothing was changed ({error})") from error
    if not sound:
        raise TopFiveError(f"{path} is damaged, so nothing was changed")
    return notebook


def _write(path: Path, notebook: dict[str, Any]) -> None:
    write_atomic(path, json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")


def _named(cells: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """By nbgrader's name; where it was lost, by id, as grading knows it."""
    named = [cell for cell in cells if (cell["metadata"].get("nbgrader") or {}).get("grade_id") == name]
    return named or [cell for cell in cells if cell.get("id") == name]


def _restore(cell: dict[str, Any], given: dict[str, Any]) -> None:
    """The text, kind and name of the release, no outputs; id, attachments and what else a student's cell has stay."""
    own = {key: cell[key] for key in ("id", "attachments") if key in cell}
    fresh = _fresh(given) | own | {"metadata": cell["metadata"] | given["metadata"]}
    if "id" not in cell:
        del fresh["id"]
    cell.clear()
    cell.update(fresh)


def _fresh(given: dict[str, Any]) -> dict[str, Any]:
    """A cell of the release as it stands in a file."""
    return {**copy.deepcopy(given), "source": given["source"].splitlines(keepends=True)}


def _put_back(notebook: dict[str, Any], name: str, given: dict[str, Any]) -> None:
    """A missing cell, below the last one before it in the release that is there."""
    cells, place = notebook["cells"], 0
    for above in given:
        if above == name:
            break
        place = max([place, *(cells.index(cell) + 1 for cell in _named(cells, above)[:1])])
    cell = _fresh(given[name])
    if any(one.get("id") == cell["id"] for one in cells):
        cell["id"] = uuid.uuid4().hex[:8]
    if not any("id" in one for one in cells):
        del cell["id"]  # an older format
    cells.insert(place, cell)


# --- in an open notebook --------------------------------------------------------------------------------------------


def install(shell: Any) -> None:
    """Have the notebook's shell know `%revert`. `shell`: what `get_ipython()` gives."""
    shell.register_magic_function(lambda line: in_cell(shell, line.strip()), "line", "revert")


def in_cell(shell: Any, which: str = "") -> None:
    """`%revert` at the top of a cell: the page puts the released text into the cell that runs.

    which: exercise or name; empty where the page says which cell runs, as JupyterLab and Notebook 7 do. While a
    notebook is graded, nothing happens. Raises IPython's UsageError, one line, where it is unclear which cell is meant.
    """
    from IPython.core.error import UsageError

    if "NBGRADER_EXECUTION" in os.environ:
        return
    folder, request = assignment_folder(), shell.get_parent()
    running = request.get("metadata", {}).get("cellId", "")
    try:
        if folder.name not in (known := graded()):
            raise TopFiveError(f"{folder.name} is not the folder of a graded assignment, such as {', '.join(known)}")
        given = named_cells(known[folder.name])
        if not which and running not in given:
            raise TopFiveError("say which exercise stands in this cell, as in %revert 6.3")
        name = _name(which or running, given)
        if running in given and running != name:
            raise TopFiveError(f"this is cell {running!r}: put %revert at the top of cell {name!r}, and run that")
    except TopFiveError as error:
        raise UsageError(str(error)) from None
    text = re.sub(USE, "", request["content"]["code"])
    if text.strip() and text != given[name]["source"]:
        kept = keep(folder, name, text)
        print(f"What stood in this cell is in {kept.relative_to(folder)}.")
    shell.set_next_input(given[name]["source"], replace=True)
    print("The cell is as it was given out. Run it again once it is written.")
