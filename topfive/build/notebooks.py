"""Notebooks from their sources: solutions/NAME.py → solutions/NAME/NAME.ipynb → notebooks/NAME/NAME.ipynb.

    python -m topfive.build.notebooks                    builds what changed
    python -m topfive.build.notebooks --check            lists what would be built; exits with 1 if anything would
    python -m topfive.build.notebooks --bring-back NAME  writes a solution edited in JupyterLab back into its source

A source is jupytext's percent format. What a cell is to nbgrader stands in its header, shortest form (`ROLES`):

    # %% solution="gae"                      the student writes here; what stands between the markers is taken out
    # %% test="gae-test" points=3            a locked test; `### BEGIN HIDDEN TESTS` hides the rest of it
    # %% locked="setup"                      shown and locked
    # %% [markdown] answer="why" points=2    written by the student, graded by hand
    # %% [markdown] task="rank" points=2     work to be done anywhere, graded by hand

In a solution cell, `### BEGIN SOLUTION 6.3: walk backwards` leaves the student a NotImplementedError with these words.

A built notebook carries a hash of its source's cells. It is stale when the source changed, not when an output differs.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.startup import python_m

Notebook = Any  # nbformat.NotebookNode, which is untyped

ROOT = Path(__file__).parents[2]
PERCENT = "py:percent"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
TIMEOUT = 1200  # seconds for one cell
# What somebody leaves who works in a folder that is released: clicks, models, copies, caches. Names, at any depth.
NOT_RELEASED = (
    ".*",
    "__pycache__",
    "*.py[co]",
    "*.lock",
    "*.locked",
    "*.tmp",
    "*~",
    "*-Copy[0-9]*",
    "*-unsaved.jsonl",
    "Untitled*",
    "checkpoints",
    "feedback",
    "gradebook.db*",
    "ledger*.jsonl",
    "runs",
    "work",
)
WIDGET = "application/vnd.jupyter.widget-view+json"
# role: (grade, locked, solution, task), as nbgrader names them
ROLES = {
    "solution": (False, False, True, False),
    "test": (True, True, False, False),
    "locked": (False, True, False, False),
    "answer": (True, False, True, False),
    "task": (False, True, False, True),
}
KEPT = (*ROLES, "points", "tags")


@dataclass(frozen=True)
class Assignment:
    """The three files of one assignment."""

    name: str
    root: Path = ROOT

    @property
    def source(self) -> Path:
        """What instructors write."""
        return self.root / "solutions" / f"{self.name}.py"

    @property
    def solution(self) -> Path:
        """The source as an executed notebook."""
        return self.root / "solutions" / self.name / f"{self.name}.ipynb"

    @property
    def release(self) -> Path:
        """What students get."""
        return self.root / "notebooks" / self.name / f"{self.name}.ipynb"


def assignments(root: Path = ROOT) -> list[Assignment]:
    """Every assignment that has a source, in order."""
    return [Assignment(path.stem, root) for path in sorted((root / "solutions").glob("[0-9][0-9]-*.py"))]


# --- source ↔ notebook --------------------------------------------------------------------------------------------


def from_source(text: str) -> Notebook:
    """The notebook, without outputs, that a source stands for. The same text gives the same notebook, ids and all."""
    import jupytext
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

    cells, seen = [], dict[str, int]()
    for read in jupytext.reads(text, fmt=PERCENT).cells:
        new = new_markdown_cell if read.cell_type == "markdown" else new_code_cell
        short = {key: read.metadata[key] for key in KEPT if key in read.metadata}
        metadata = long_form(short)
        content = hashlib.sha256(read.source.encode()).hexdigest()[:8]
        seen[content] = seen.get(content, 0) + 1
        cell_id = metadata["nbgrader"]["grade_id"] if "nbgrader" in metadata else f"{content}-{seen[content]}"
        cells.append(new(read.source, metadata=metadata, id=cell_id))
    notebook = new_notebook(cells=cells)
    notebook.metadata = {"kernelspec": KERNEL, "topfive": {"source": digest(notebook)}}
    return notebook


def to_source(notebook: Notebook) -> str:
    """The source that a notebook stands for; outputs and whatever JupyterLab added are left out."""
    import jupytext

    plain = [type(cell)(cell, metadata=short_form(cell.metadata)) for cell in notebook.cells]
    metadata = {"jupytext": {"cell_markers": '"""', "notebook_metadata_filter": "-all"}, "kernelspec": KERNEL}
    return str(jupytext.writes(type(notebook)(notebook, cells=plain, metadata=metadata), fmt=PERCENT))


def long_form(short: dict[str, Any]) -> dict[str, Any]:
    """A cell's metadata as nbgrader wants it, from a header such as ``test="gae-test" points=3``."""
    metadata = {key: value for key, value in short.items() if key == "tags"}
    roles = [role for role in ROLES if role in short]
    if len(roles) > 1:
        raise TopFiveError(f"a cell is one of {', '.join(ROLES)}; this one is {' and '.join(roles)}")
    for role in roles:
        grade, locked, solution, task = ROLES[role]
        flags = {"grade": grade, "locked": locked, "solution": solution, "task": task}
        points = {"points": short["points"]} if grade or task else {}
        metadata["nbgrader"] = {"schema_version": 3, "grade_id": short[role], **flags, **points}
    return metadata


def short_form(metadata: dict[str, Any]) -> dict[str, Any]:
    """What stands in a cell's header: the inverse of `long_form`."""
    known = metadata.get("nbgrader", {})
    flags = tuple(bool(known.get(flag)) for flag in ("grade", "locked", "solution", "task"))
    short = {role: known["grade_id"] for role, meant in ROLES.items() if flags == meant}
    if "points" in known:
        short["points"] = known["points"]
    return short | ({"tags": list(metadata["tags"])} if metadata.get("tags") else {})


def digest(notebook: Notebook) -> str:
    """A hash of what an author writes in a notebook: kind, header and text of every cell."""
    written = [[cell.cell_type, short_form(cell.metadata), cell.source] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:16]


# --- what is stale ------------------------------------------------------------------------------------------------


def staleness(assignment: Assignment) -> str:
    """Why an assignment has to be built, in words; empty if it has not."""
    current = digest(from_source(assignment.source.read_text("utf-8")))
    for path in (assignment.solution, assignment.release):
        if not path.is_file():
            return f"{path.relative_to(assignment.root)} is missing"
        if _stored(path) != current:
            return f"its source changed after {path.relative_to(assignment.root)} was built"
    return "its solution was edited in place" if edited(assignment) else ""


def edited(assignment: Assignment) -> bool:
    """Whether somebody changed a cell of the built solution that neither its source nor its last build knows."""
    if not assignment.solution.is_file():
        return False
    source = digest(from_source(assignment.source.read_text("utf-8")))
    return digest(_read(assignment.solution)) not in (source, _stored(assignment.solution))


def _stored(path: Path) -> str:
    return str(_read(path).metadata.get("topfive", {}).get("source", ""))


def _read(path: Path) -> Notebook:
    import nbformat

    return nbformat.read(path, as_version=4)


# --- building -----------------------------------------------------------------------------------------------------


def build(assignment: Assignment) -> None:
    """Execute the source, write the solution with its outputs, and release it."""
    import nbformat

    notebook = execute(from_source(assignment.source.read_text("utf-8")), assignment.solution.parent)
    assignment.solution.parent.mkdir(exist_ok=True)
    write_atomic(assignment.solution, nbformat.writes(notebook) + "\n")
    release(assignment)


def execute(notebook: Notebook, files: Path) -> Notebook:
    """Run a notebook from a clean kernel, in a fresh folder with what lies beside it in `files`, and keep its outputs.

    Raises nbclient's CellExecutionError where a cell fails.
    """
    from nbclient import NotebookClient

    metadata = dict(notebook.metadata)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / files.name
        if files.is_dir():
            shutil.copytree(files, folder, ignore=shutil.ignore_patterns(*NOT_RELEASED, "*.ipynb"))
        folder.mkdir(exist_ok=True)
        resources = {"metadata": {"path": str(folder)}}
        NotebookClient(
            notebook, timeout=TIMEOUT, kernel_name="python3", resources=resources, record_timing=False
        ).execute()
    notebook.metadata = metadata  # without the widgets' state and the kernel's account of itself
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if _speaks_for_itself(output)]
    return notebook


def _speaks_for_itself(output: Notebook) -> bool:
    """Whether an output shows anything without a kernel: a panel as a table does, a progress bar does not."""
    data = output.get("data", {})
    return data.pop(WIDGET, None) is None or "text/html" in data


def release(assignment: Assignment) -> None:
    """Make the student's notebook from the built solution, by nbgrader: no outputs, solutions or hidden tests.

    What the solution's folder holds besides (data, pictures) goes along; its work/ does not.
    """
    ignore = [f"--CourseDirectory.ignore={pattern}" for pattern in NOT_RELEASED]
    options = ["--no-db", "--force", "--log-level=WARN", *ignore]
    command = [*python_m("nbgrader"), "generate_assignment", assignment.name, *options]
    done = subprocess.run(command, cwd=assignment.root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise TopFiveError(f"{assignment.name}: nbgrader could not release it\n{done.stderr.strip()}")


def kept_back(folder: Path) -> list[str]:
    """Files under `folder`, relative to it, that are never released: somebody's own, as `work/` is."""
    names = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(name) for name in names if not is_released(name)]


def is_released(name: Path) -> bool:
    """Whether a file may be given to students, by its path inside the folder that is released."""
    return not any(fnmatch(part, pattern) for part in name.parts for pattern in NOT_RELEASED)


def bring_back(assignment: Assignment) -> None:
    """Write the cells of the built solution, edited in JupyterLab, into the source."""
    write_atomic(assignment.source, to_source(_read(assignment.solution)))
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(assignment.source)], check=True)


# --- command line -------------------------------------------------------------------------------------------------


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m topfive.build.notebooks", description="Build the notebooks.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these, such as 00-start-here (default: all)")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="list what is stale; exit with 1 if anything is")
    what.add_argument("--force", action="store_true", help="build even what is current or was edited in place")
    what.add_argument("--bring-back", action="store_true", help="built solution, edited in JupyterLab → source")
    given = parser.parse_args(arguments)
    known = {one.name: one for one in assignments()}
    if unknown := sorted(set(given.names) - set(known)):
        parser.error(f"no such assignment: {', '.join(unknown)}")
    if given.bring_back and not given.names:
        parser.error("--bring-back needs the name of an assignment")
    work = _bring_back if given.bring_back else _check if given.check else _force if given.force else _build
    return max((work(known[name]) for name in given.names or known), default=0)


def _bring_back(assignment: Assignment) -> int:
    bring_back(assignment)
    print(f"{assignment.source.relative_to(assignment.root)} now says what its notebook says; look at git diff")
    return 0


def _check(assignment: Assignment) -> int:
    if why := staleness(assignment):
        print(f"{assignment.name}: {why}")
    return 1 if why else 0


def _force(assignment: Assignment) -> int:
    print(f"{assignment.name}: building ...", flush=True)
    build(assignment)
    return 0


def _build(assignment: Assignment) -> int:
    why = staleness(assignment)
    if edited(assignment):
        both = "edited in place" not in why
        print(f"{assignment.name}: {why}{', and its solution was edited in place' * both}")
        loses = " (which loses what is new in the source)" * both
        print(f"  keep the edit by --bring-back {assignment.name}{loses}, or lose it by --force")
        return 1
    print(f"{assignment.name}: {why or 'current'}")
    return _force(assignment) if why else 0


if __name__ == "__main__":
    sys.exit(main())
