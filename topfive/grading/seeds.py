"""The class's own seeds: with them, what the hidden tests of this class ask is in no repository.

One secret number in `grading-seeds.json` in the course folder, made once, which git ignores. From it comes a seed for
every place where a test names one; those in solutions/ are for building the course.
"""

import hashlib
import json
import secrets
from dataclasses import replace
from pathlib import Path
from typing import Any

from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.grading.asking import Call

FILE = "grading-seeds.json"
SHOWN = ("grade_policy",)  # students see the same comparison, with the same seeds, in the notebook


def make(course: Path) -> Path:
    """Write the file. Raises TopFiveError if it is there: with other seeds, grades could change."""
    path = course / FILE
    if path.exists():
        raise TopFiveError(f"{path} is there already, and stays: with other seeds, grades could change")
    write_atomic(path, json.dumps({"secret": secrets.token_hex(16)}, indent=1) + "\n")
    return path


def read(course: Path) -> str | None:
    """The class's secret; None if there is none. Raises TopFiveError if the file is damaged."""
    path = course / FILE
    if not path.is_file():
        return None
    try:
        secret = json.loads(path.read_text("utf-8"))["secret"]
        if isinstance(secret, str) and secret:
            return secret
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise TopFiveError(f"{path} is damaged: take it from a copy, or move it away and give `topfive grade init`")


def with_own(call: Call, secret: str, where: str) -> Call:
    """`call` with the class's seeds in the place of its own. where: the test cell, with its notebook."""
    if call.name in SHOWN:
        return call
    return replace(call, kwargs={name: _own(name, value, secret, where) for name, value in call.kwargs.items()})


def _own(name: str, value: Any, secret: str, where: str) -> Any:
    if name == "seeds":
        return tuple(_derived(secret, f"{where}/{place}") for place in range(len(value)))
    return _derived(secret, f"{where}/{name}") if name.endswith("seed") else value


def _derived(secret: str, where: str) -> int:
    """A number of six digits."""
    found = hashlib.sha256(f"{secret}/{where}".encode()).digest()
    return 100_000 + int.from_bytes(found[:8]) % 900_000
