"""A notebook as it was handed in, read: whatever its encoding or version of the format, and whatever it lacks.

Kept are its cells, in order, with their text, ids and nbgrader's metadata; outputs are made anew. A file that is no
notebook is *not gradable*: one sentence says what to do, in the log and in `topfive validate`, before handing in.
"""

import json
import os
import re
import warnings
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import NotebookExporter
from nbformat.v4 import new_notebook
from nbgrader.api import Gradebook, MissingEntry

from topfive.files import as_utf8
from topfive.grading.cells import NEW, Cell, NotGradableError


class Submitted(NotebookExporter):
    """What autograde reads notebooks with. One that is not gradable is said in a line; others go on."""

    def from_filename(self, filename: str, resources: Any = None, **kwargs: Any) -> tuple[Any, Any]:
        """Read a notebook and take it through the steps of grading.

        Raises NotGradableError if it is not gradable; the gradebook then has no submission that waits for points.
        """
        path = Path(filename)
        resources["metadata"] = {"name": path.stem, "path": str(path.parent)}
        try:
            return self.from_notebook_node(read(path), resources=resources, **kwargs)
        except Exception as error:
            if isinstance(error, NotGradableError):
                self.log.error("NOT GRADABLE %s: %s", os.path.relpath(filename), error)
            withdraw(**resources["nbgrader"])
            raise


def withdraw(*, assignment: str, student: str, db_url: str, **_: Any) -> None:
    """Take a submission out of the gradebook in which no cell has points; those of an earlier one stay."""
    with Gradebook(db_url) as gradebook:
        try:
            grades = [one for book in gradebook.find_submission(assignment, student).notebooks for one in book.grades]
        except MissingEntry:
            return
        if all(one.auto_score is None and one.manual_score is None for one in grades):
            gradebook.remove_submission(assignment, student)


def read(path: Path) -> Any:
    """A notebook of the newest format. Raises NotGradableError where it is damaged or none."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of an older format, and of ids that are there twice
            found = nbformat.reader.reads(_filled(as_utf8(path.read_bytes()).decode("utf-8")))
            return _complete(nbformat.convert(found, 4))
    except UnicodeDecodeError as error:
        raise NotGradableError(f"{path.name} is damaged: it is no text. {_earlier(path)}") from error
    except nbformat.reader.NotJSONError as error:
        raise NotGradableError(f"{path.name} is damaged: it is no JSON. {_earlier(path)}") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError, nbformat.ValidationError) as error:
        raise NotGradableError(f"{path.name} is not a notebook, or one that is damaged. {_earlier(path)}") from error


def _filled(text: str) -> str:
    """The same JSON with what nbformat asks for and other programs leave out; without outputs."""
    loaded = nbformat.reader.parse_json(text)
    if isinstance(loaded, dict):
        cells = [cell for cell in loaded.get("cells") or () if isinstance(cell, dict)]
        for one in (loaded, *cells):
            one["metadata"] = kept if isinstance(kept := one.get("metadata"), dict) else {}
            if one.get("cell_type") == "code":
                one.update(outputs=[], execution_count=None)
    return json.dumps(loaded)


def _complete(found: Any) -> Any:
    """The notebook, valid. Raises ValidationError, or another error, where it cannot be made so."""
    kernel, ours = (found["metadata"].get(key) for key in ("kernelspec", "topfive"))
    metadata = {"topfive": ours} if isinstance(ours, dict) else {}
    if isinstance(kernel, dict) and all(isinstance(kernel.get(key), str) for key in ("name", "display_name")):
        metadata["kernelspec"] = kernel
    notebook = new_notebook(cells=[_whole(cell) for cell in found["cells"]], metadata=metadata)
    _, notebook = nbformat.validator.normalize(notebook)  # one id for each cell
    nbformat.validate(notebook)
    return notebook


def _whole(cell: Cell) -> Cell:
    """A cell with what grading knows of: a tag could keep it from running, and a wrong one is no notebook's."""
    kind, source = cell["cell_type"], cell["source"]
    if not isinstance(source, str):
        raise TypeError("a cell's source is no text")
    kept: dict[str, Any] = {
        "metadata": {key: value for key, value in cell["metadata"].items() if key in ("nbgrader", "topfive")}
    }
    if re.fullmatch(r"[\w-]{1,64}", name := str(cell.get("id", "")), re.ASCII):
        kept["id"] = name
    if kind != "code" and isinstance(pictures := cell.get("attachments"), dict):
        kept["attachments"] = pictures
    return NEW.get(kind, NEW["raw"])(source, **kept)


def _earlier(path: Path) -> str:
    return (
        "To do: save it from the page that shows it, or take an earlier one from "
        f"{path.parent.name}/.ipynb_checkpoints/, and hand that in"
    )
