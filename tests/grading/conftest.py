"""A course of one small assignment, released by nbgrader with the course's own settings."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest

from topfive.build.notebooks import ROOT, from_source
from topfive.grading import sandbox
from topfive.startup import python_m

NAME = "01-toy"
SOURCE = '''\
# %%
import os, sys, threading, time

# %% solution="double"
def double(x):
    """Twice x."""
    ### BEGIN SOLUTION 1.1: two times
    return 2 * x
    ### END SOLUTION

# %%
print("Was that all?")

# %% test="double-test" points=2
# Locked.
### BEGIN HIDDEN TESTS
2.0 * (double(2) == 4)
### END HIDDEN TESTS

# %% solution="triple"
def triple(x):
    """Three times x."""
    ### BEGIN SOLUTION 1.2: three times
    return 3 * x
    ### END SOLUTION

# %% test="triple-test" points=1
# Locked, too.
### BEGIN HIDDEN TESTS
1.0 * (triple(double(1)) == 6)
### END HIDDEN TESTS

# %% [markdown] answer="why" points=1
"""
Since it is so.
"""
'''
STUB = 'def double(x):\n    """Twice x."""\n    raise NotImplementedError("1.1: two times")'
WRITTEN = {"double": "def double(x):\n    return x + x", "triple": "def triple(x):\n    return x + x + x"}


@dataclass(frozen=True)
class Course:
    """Where it is, and what came out of nbgrader's last call."""

    root: Path

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run nbgrader there."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"} | {
            "PATH": path
        }
        bare = ["--ToTheEnd.sandbox=False"] if command[0] == "autograde" and sandbox.problem() else []
        call = [*python_m("nbgrader"), *command, *bare]
        return subprocess.run(call, cwd=self.root, env=environment, capture_output=True, text=True, check=False)

    @property
    def url(self) -> str:
        return f"sqlite:///{self.root / 'gradebook.db'}"

    def written(self) -> Any:
        """The released notebook with both exercises and the answer written."""
        notebook = nbformat.read(self.root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
        for cell in notebook.cells:
            cell.source = (WRITTEN | {"why": "Because."}).get(cell.id, cell.source)
        return notebook

    def hand_in(self, student: str, edit: Callable[[list[Any]], None], name: str = NAME) -> None:
        """Submit the written notebook after an edit of its cells."""
        notebook = self.written()
        edit(notebook.cells)
        folder = self.root / "submitted" / student / NAME
        folder.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, folder / f"{name}.ipynb")


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Course:
    made = Course(tmp_path_factory.mktemp("course"))
    shutil.copy(ROOT / "nbgrader_config.py", made.root)
    folder = made.root / "solutions" / NAME
    folder.mkdir(parents=True)
    nbformat.write(from_source(SOURCE), folder / f"{NAME}.ipynb")
    done = made.call("generate_assignment", NAME)
    assert done.returncode == 0, done.stderr[-2000:]
    return made


def at(cells: list[Any], name: str) -> int:
    """Where the cell of this id is."""
    return next(index for index, cell in enumerate(cells) if cell.id == name)
