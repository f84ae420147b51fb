"""The cells of a submitted notebook, put in order as the release has them: copied, lost, retyped, split or moved ones.

What a student wrote is never dropped: it stays in the notebook, if not in the cell that counts. Each repair is logged.
"""

import ast
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from IPython.core.inputtransformer2 import TransformerManager
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.api import Gradebook
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

Cell = Any  # nbformat.NotebookNode, which is untyped

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
NOTHING = ast.dump(ast.parse(""))
PUT_BACK = "*This cell was missing and has been put back.*\n\n"


@dataclass(frozen=True)
class Released:
    """A cell that nbgrader knows, as students got it. metadata: what nbgrader keeps in the cell."""

    kind: str
    text: str
    metadata: dict[str, Any]

    @property
    def locked(self) -> bool:
        """Whether students were not to write in it."""
        return bool(self.metadata["locked"])

    def written(self, text: str) -> bool:
        """Whether `text` says more than the cell as it was given out: in code, whether it does something else."""
        if self.kind == "code":
            return _meaning(text) not in (None, NOTHING, _meaning(self.text))
        return text.strip() != self.text.strip()


class Repair(NbGraderPreprocessor):
    """In the place of nbgrader's DeduplicateIds, which empties the metadata of a copy and so stops the grading.

    whose: begins each line of the log. said: what was repaired, in words for the student; feedback shows them.
    """

    whose = ""
    said: Sequence[str] = ()

    def preprocess(self, nb: Cell, resources: Any) -> tuple[Cell, Any]:
        """Repair one notebook by what the gradebook knows of its cells."""
        of = resources["nbgrader"]
        self.whose = f"{of.get('student', '')} {of['notebook']}"
        with Gradebook(of["db_url"]) as gradebook:
            known = in_gradebook(gradebook.find_notebook(of["notebook"], of["assignment"]))
        self.repair(nb.cells, known)
        nb.metadata["topfive"] = {"repairs": list(self.said)}
        return nb, resources

    def repair(self, cells: list[Cell], known: dict[str, Released]) -> None:
        """Put `cells` in order, in place. known: those of the release, by name, in order."""
        self.said = []
        for name, twins in self._named(cells, known).items():
            self._repair(cells, name, known[name], twins)
        self._put_back(cells, known)
        self._move(cells, known)

    def _say(self, name: str, words: str) -> None:
        self.log.warning("%s: cell '%s' %s", self.whose, name, words)
        self.said = [*self.said, f"cell '{name}' {words}"]

    def _named(self, cells: Sequence[Cell], known: dict[str, Released]) -> dict[str, list[Cell]]:
        """Cells by their name in the release. One that lost nbgrader's metadata is known by its id."""
        named: dict[str, list[Cell]] = {}
        for cell in cells:
            if (name := name_of(cell)) in known:
                named.setdefault(name, []).append(cell)
            elif cell.metadata.pop("nbgrader", None) is not None:
                self._say(name, "is none of this notebook's and stays as an ordinary one")
        for cell in cells:
            if (name := cell.get("id", "")) in known and name not in named:
                named[name] = [cell]
        return named

    def _repair(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> None:
        """One cell of this name, of the right kind, with the right metadata."""
        kept = self._chosen(cells, name, right, twins) if len(twins) > 1 else twins[0]
        place = _place(cells, kept)
        if kept.cell_type != right.kind:
            self._say(name, f"was turned into {kept.cell_type} and is {right.kind} again")
            cells[place] = NEW[right.kind](kept.source, metadata=kept.metadata, id=kept.get("id", name))
        cells[place].metadata["nbgrader"] = dict(right.metadata)
        if right.locked and kept.source.strip() != right.text.strip():
            self._say(name, "is locked, but was written in: what was written stays as an ordinary cell above it")
            cells.insert(place, NEW[right.kind](kept.source))

    def _chosen(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> Cell:
        """Which of several copies counts: the last one that is written; an empty one must not undo it."""
        if joined := _joined(cells, twins):
            self._say(name, "was split and is joined again")
            twins[0].source = joined
            for twin in twins[1:]:
                del cells[_place(cells, twin)]
            return twins[0]
        candidates = [twin for twin in twins if twin.cell_type == right.kind] or twins
        written = [twin for twin in candidates if right.written(twin.source)]
        chosen = (written or candidates)[-1]
        self._say(name, f"is there {len(twins)} times; the last one that is written in counts")
        for twin in twins:
            if twin is not chosen:
                del twin.metadata["nbgrader"]
                if written and right.kind == "code" and not right.written(twin.source):
                    cells[_place(cells, twin)] = new_raw_cell(twin.source)
        return chosen

    def _put_back(self, cells: list[Cell], known: dict[str, Released]) -> None:
        """Locked cells and answers that are missing, each behind the one before it in the release."""
        place = 0
        for name, right in known.items():
            there = [index for index, cell in enumerate(cells) if name_of(cell) == name]
            if there:
                place = there[0] + 1
            elif right.locked or right.metadata["grade"]:
                self._say(name, "was missing and is put back")
                text = right.text if right.locked else PUT_BACK + right.text
                cells.insert(place, NEW[right.kind](text, metadata={"nbgrader": dict(right.metadata)}))
                place += 1

    def _move(self, cells: list[Cell], known: dict[str, Released]) -> None:
        """A test runs after the solution cells that stand above it in the release."""
        above: list[str] = []
        for name, right in known.items():
            if right.metadata["solution"]:
                above.append(name)
            elif right.locked and right.metadata["grade"]:
                place = next(index for index, cell in enumerate(cells) if name_of(cell) == name)
                last = max((index for index, cell in enumerate(cells) if name_of(cell) in above), default=-1)
                if place < last:
                    self._say(name, "stood above the code that it tests and is moved below it")
                    cells.insert(last, cells.pop(place))


def in_release(notebook: Any) -> dict[str, Released]:
    """The cells that nbgrader knows in a notebook as students get it, by name, in order."""
    return {
        name_of(cell): Released(cell.cell_type, cell.source, cell.metadata["nbgrader"])
        for cell in notebook.cells
        if name_of(cell)
    }


def in_gradebook(notebook: Any) -> dict[str, Released]:
    """The cells of a notebook in nbgrader's gradebook, by name, in order."""
    points = {cell.name: cell.max_score for cell in [*notebook.grade_cells, *notebook.task_cells]}
    grade, solution, task = (
        {cell.name for cell in cells} for cells in (notebook.grade_cells, notebook.solution_cells, notebook.task_cells)
    )
    return {
        cell.name: Released(
            cell.cell_type,
            without_hidden_tests(cell.source),
            {
                "schema_version": 3,
                "grade_id": cell.name,
                "grade": cell.name in grade,
                "solution": cell.name in solution,
                "task": cell.name in task,
                "locked": cell.locked,
                "cell_type": cell.cell_type,
                "checksum": cell.checksum,
            }
            | ({"points": points[cell.name]} if cell.name in points else {}),
        )
        for cell in notebook.source_cells
    }


def without_hidden_tests(source: str) -> str:
    """A cell's text as nbgrader releases it."""
    cell = new_code_cell(source)
    ClearHiddenTests(enforce_metadata=False).preprocess_cell(cell, {}, 0)
    return str(cell.source)


def name_of(cell: Cell) -> str:
    """The name under which nbgrader knows a cell; empty if it has none."""
    meta = cell.metadata.get("nbgrader")
    return str(meta.get("grade_id", "")) if isinstance(meta, dict) else ""


def _place(cells: Sequence[Cell], wanted: Cell) -> int:
    return next(index for index, cell in enumerate(cells) if cell is wanted)


def _joined(cells: Sequence[Cell], twins: Sequence[Cell]) -> str:
    """The text of a cell that was split inside a statement; empty if these are not the parts of one.

    A cell magic can only stand at the top: that of a later part stays as a comment.
    """
    first = _place(cells, twins[0])
    text = "\n".join([twins[0].source, *(_without_cell_magic(twin.source) for twin in twins[1:])])
    side_by_side = all(cells[first + step] is twin for step, twin in enumerate(twins) if first + step < len(cells))
    broken = any(twin.cell_type == "code" and _meaning(twin.source) is None for twin in twins)
    return text if side_by_side and broken and _meaning(text) is not None else ""


def _meaning(text: str) -> str | None:
    """What a code cell does, whatever its comments, blank lines and cell magic; None if it is no Python to Jupyter."""
    reader = TransformerManager()
    reader.cleanup_transforms = []  # they would mend the indentation of half a cell
    try:
        return ast.dump(ast.parse(reader.transform_cell(_without_cell_magic(text))))
    except (SyntaxError, ValueError):  # ValueError: a NUL in it
        return None


def _without_cell_magic(text: str) -> str:
    """The cell with `%%time`, or whatever magic it begins with, as a comment."""
    return re.sub(r"\A(\s*)(%%.*)", r"\1# \2", text)
