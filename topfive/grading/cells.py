"""The cells of a submitted notebook, put in order as the release has them: copied, lost, retyped, split or moved ones.

What a student wrote is never dropped: it stays in the notebook, if not in the cell that counts. Each repair is logged,
and said in the notebook, in metadata.topfive.repairs.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell
from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import ClearHiddenTests, NbGraderPreprocessor

from topfive.errors import TopFiveError
from topfive.grading.texts import (
    NOTHING,
    defines,
    imports,
    meaning,
    parted,
    reachable,
    without_cell_magic,
)

Cell = Any  # nbformat.NotebookNode, which is untyped

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
PUT_BACK = "*This cell was missing and has been put back.*\n\n"
IMPORTS = "not all that the first cell of code imports was there above the exercises; that cell is put at the top"


class NotGradableError(TopFiveError):
    """A file in which there is nothing to grade; the message says what to do."""


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

    @property
    def answer(self) -> bool:
        """Whether it is for a text that a person reads."""
        return bool(self.metadata["grade"] and self.metadata["solution"])

    @property
    def function(self) -> frozenset[str]:
        """What students are to define in it."""
        return defines(self.text) if self.metadata["solution"] and self.kind == "code" else frozenset()

    def written(self, text: str) -> bool:
        """Whether `text` says more than the cell as it was given out: in code, whether it does something else."""
        if self.kind == "code":
            return meaning(text) not in (None, NOTHING, meaning(self.text))
        return bool(text.strip()) and text.strip() != self.text.strip()

    def solved(self, text: str) -> bool:
        """Whether `text` is written, and defines what it should."""
        return self.written(text) and self.function <= defines(text)


class Repair(NbGraderPreprocessor):
    """In the place of nbgrader's DeduplicateIds, which empties the metadata of a copy and so stops the grading.

    whose: begins each line of the log. What was repaired is in the notebook's metadata, for the page its student gets.
    """

    whose = ""

    def preprocess(self, nb: Cell, resources: Any) -> tuple[Cell, Any]:
        """Repair one notebook by what the gradebook knows of its cells, and the release of the others."""
        of = resources["nbgrader"]
        self.whose = f"{of.get('student', '')} {of['notebook']}"
        with Gradebook(of["db_url"]) as gradebook:
            known = in_gradebook(gradebook.find_notebook(of["notebook"], of["assignment"]))
        self.repair(nb, known, self._ordinary(of["assignment"], of["notebook"]))
        return nb, resources

    def _ordinary(self, assignment: str, notebook: str) -> list[Cell]:
        """Where the release is not there, nothing is known of ordinary cells."""
        course = CourseDirectory(config=self.config)
        release = Path(course.format_path(course.release_directory, ".", assignment)) / f"{notebook}.ipynb"
        return ordinary(nbformat.read(release, as_version=4)) if release.is_file() else []

    def repair(self, notebook: Cell, known: dict[str, Released], given: Sequence[Cell]) -> None:
        """Put the notebook's cells in order, in place, and keep what was done in its metadata.

        known: the cells of the release by name, in order. given: its ordinary ones.
        Raises NotGradableError where none of its cells is one of the release.
        """
        cells, self.repairs = notebook.cells, list[str]()
        self.given = {cell.source.strip() for cell in given} | {right.text.strip() for right in known.values()}
        self.given_ids = {cell.get("id") for cell in given}
        self._take_apart(cells, given)
        self._name(cells, known)
        named: dict[str, list[Cell]] = {name: [] for name in known}
        for cell in cells:
            if name := name_of(cell):
                named[name].append(cell)
        for name, right in sorted(known.items(), key=lambda one: (not one[1].locked, one[1].answer)):
            if twins := self._twins(cells, name, known, named[name]):
                self._repair(cells, name, right, twins)
        self._put_back(cells, known)
        self._move(cells, known)
        self._import(cells, known, given)
        notebook.metadata["topfive"] = {"repairs": self.repairs}

    def _say(self, name: str, words: str) -> None:
        self.log.warning("%s: cell '%s' %s", self.whose, name, words)
        self.repairs.append(f"Cell '{name}' {words}.")

    def _take_apart(self, cells: list[Cell], given: Sequence[Cell]) -> None:
        """Ordinary cells that were merged into others are cells of their own again."""
        there = {cell.source.strip() for cell in cells}
        for lost in (one for one in given if one.source.strip() not in there | {""}):
            for place, cell in enumerate(cells):
                if parts := parted(cell.source, lost.source):
                    rest = [self._rest(cell, part, given) for part in parts]
                    cells[place : place + 1] = [
                        *(rest[:1] if parts[0].strip() else []),
                        NEW[lost.cell_type](lost.source),
                        *(rest[1:] if parts[1].strip() else []),
                    ]
                    break

    def _rest(self, cell: Cell, text: str, given: Sequence[Cell]) -> Cell:
        """What remains of a cell that another was merged into."""
        kind = cell.cell_type
        if not name_of(cell):
            prose = kind == "code" and meaning(text) is None and not defines(text)
            kinds = (one.cell_type for one in given if one.source.strip() == text.strip())
            kind = next(kinds, "markdown" if prose else kind)
        return NEW[kind](text, metadata=dict(cell.metadata))

    def _name(self, cells: Sequence[Cell], known: dict[str, Released]) -> None:
        """Leave nbgrader's metadata to cells of the release. One that lost it is known by its function, or its id."""
        subject = {function: name for name, right in known.items() for function in right.function}
        strange = list[str]()
        for cell in cells:
            own = {subject[function] for function in defines(cell.source) & subject.keys()}
            name = name_of(cell)
            if name in known and not known[name].locked and len(own) == 1 and name not in own:
                name = next(iter(own))
                self._say(name, f"bore the name of '{name_of(cell)}' and has its own again")
                label(cell, name)
            elif name not in known and cell.metadata.pop("nbgrader", None) is not None and name:
                strange.append(name)
        named = {name_of(cell) for cell in cells}
        for cell in cells:
            name = str(cell.get("id", ""))
            own = {subject[function] for function in defines(cell.source) & subject.keys()}
            if name not in known or name in named or name_of(cell) or (own and name not in own):
                continue
            if cell.source.strip() == known[name].text.strip() or cell.source.strip() not in self.given:
                label(cell, name)
        if not any(name_of(cell) or defines(cell.source) & subject.keys() for cell in cells):
            raise NotGradableError(
                "none of the cells of this notebook is one of the assignment's: it is empty, or of something else. "
                "To do: hand in the right one, or, to start afresh, the one that `topfive lab` gives out"
            )
        for name in strange:
            self._say(name, "is none of this notebook's and stays as an ordinary one")

    def _twins(self, cells: Sequence[Cell], name: str, known: dict[str, Released], named: Sequence[Cell]) -> list[Cell]:
        """The cells of this name, and those without one that stand for it, in order."""
        right, twins = known[name], list(named)
        if right.function:
            twins += self._nameless(cells, right, named)
        elif right.answer and (written := [twin for twin in named if right.written(twin.source)]):
            twins += self._attached(cells, written[-1])
        elif right.answer:
            twins += self._beside(cells, name, known)
        if twins and not named:
            self._say(name, "had lost its name and has it again")
        return sorted(twins, key=lambda twin: _place(cells, twin))

    def _nameless(self, cells: Sequence[Cell], right: Released, twins: Sequence[Cell]) -> list[Cell]:
        """Cells that define the function where none with a name does; else untouched copies of it further below."""
        found = [cell for cell in cells if right.function <= defines(cell.source) and not name_of(cell)]
        if solved := [twin for twin in twins if right.solved(twin.source)]:
            below = (cell for cell in found if _place(cells, cell) > _place(cells, solved[-1]))
            return [cell for cell in below if cell.cell_type == "code" and meaning(cell.source) == meaning(right.text)]
        found = list(filter(self._own, found))
        return [cell for cell in found if cell.cell_type == "code"] or found

    def _beside(self, cells: Sequence[Cell], name: str, known: dict[str, Released]) -> list[Cell]:
        """Texts of the student's own between the named cells before and after an answer."""
        names = list(known)
        places = {name_of(cell): place for place, cell in enumerate(cells) if name_of(cell)}
        before = max((places.get(one, -1) for one in names[: names.index(name)]), default=-1)
        after = min((places.get(one, len(cells)) for one in names[names.index(name) + 1 :]), default=len(cells))
        return list(filter(self._own_text, cells[before + 1 : after]))

    def _attached(self, cells: Sequence[Cell], answer: Cell) -> list[Cell]:
        """Texts of the student's own right above and right below a written answer."""
        place = _place(cells, answer)
        above, below = takewhile(self._own_text, cells[place - 1 :: -1] if place else []), cells[place + 1 :]
        return [*above, *takewhile(self._own_text, below)]

    def _own_text(self, cell: Cell) -> bool:
        mine = self._own(cell) and cell.get("id") not in self.given_ids
        return bool(self.given_ids) and mine and cell.cell_type == "markdown" and bool(cell.source.strip())

    def _own(self, cell: Cell) -> bool:
        """Whether a cell has no name, and is not as it was given out."""
        return not name_of(cell) and cell.source.strip() not in self.given

    def _repair(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> None:
        """One cell of this name, of the right kind, with the right metadata."""
        if right.function:
            twins = self._join(cells, name, right, twins)
        if right.answer:
            twins = self._one_text(cells, name, right, twins)
        kept = self._chosen(cells, name, right, twins) if len(twins) > 1 else twins[0]
        place = _place(cells, kept)
        if kept.cell_type != right.kind:
            self._say(name, f"was turned into {kept.cell_type} and is {right.kind} again")
            cells[place] = NEW[right.kind](kept.source, metadata=kept.metadata, id=kept.get("id", name))
        cells[place].metadata["nbgrader"] = dict(right.metadata)
        if right.function and (mended := reachable(kept.source)) != kept.source:
            self._say(
                name, "had lines below a `raise NotImplementedError` that kept them from running: it is a comment now"
            )
            cells[place].source = mended
        if right.locked and kept.source.strip() != right.text.strip():
            self._say(name, "is locked, but was written in: what was written stays as an ordinary cell above it")
            kind = right.kind if meaning(kept.source) is not None else "raw"
            cells.insert(place, NEW[kind](kept.source))

    def _join(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> list[Cell]:
        """The same cells, or fewer, if some are the parts of one that was split; parts may have lost their name."""
        for twin in twins:
            place = _place(cells, twin)
            for begin in range(place, max(place - 3, -1), -1):
                if begin < place and not self._is_part(cells[begin], twins):
                    break
                parts = self._parts(cells[begin:], right, twins)
                if begin + len(parts) > place and len(parts) > 1:
                    self._say(name, "was split and is joined again")
                    parts[0].source = _joined(parts)
                    label(parts[0], name)
                    for part in parts[1:]:
                        del cells[_place(cells, part)]
                    return [parts[0], *(twin for twin in twins if all(twin is not part for part in parts))]
        return twins

    def _is_part(self, cell: Cell, twins: Sequence[Cell]) -> bool:
        return cell.cell_type == "code" and (any(cell is twin for twin in twins) or self._own(cell))

    def _parts(self, cells: Sequence[Cell], right: Released, twins: Sequence[Cell]) -> Sequence[Cell]:
        """The first cell, and those right below it that are its other parts.

        Where a statement was split one part is no Python; where a cell was split between two functions, both have the
        name of the cell and define different things.
        """
        good = 1
        for length in range(2, len(cells) + 1):
            above, last = _joined(cells[: length - 1]), cells[length - 1]
            if not self._is_part(last, twins):
                break
            statement = meaning(above) is None or meaning(last.source) is None
            both = all(map(name_of, cells[:length])) and right.written(above) and right.written(last.source)
            if not statement and not (both and defines(above).isdisjoint(defines(last.source))):
                break
            if right.written(_joined(cells[:length])):
                good = length
        return cells[:good]

    def _one_text(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> list[Cell]:
        """Of an answer in several cells one with all of it, each text once."""
        written = [twin for twin in twins if right.written(twin.source)]
        texts = list(dict.fromkeys(twin.source.strip() for twin in written))
        if len(texts) < 2:
            return twins
        self._say(name, f"was written in {len(texts)} cells, which are one now")
        written[0].source = "\n\n".join(
            one for one in texts if not any(one in other for other in texts if other != one)
        )
        for twin in twins:
            if twin is not written[0]:
                del cells[_place(cells, twin)]
        return written[:1]

    def _chosen(self, cells: list[Cell], name: str, right: Released, twins: list[Cell]) -> Cell:
        """Which of several copies counts: the last one that is written; an empty one must not undo it."""
        candidates = [twin for twin in twins if twin.cell_type == right.kind] or twins
        if right.locked:
            written = [twin for twin in candidates if twin.source.strip() == right.text.strip()]
        else:
            written = [twin for twin in candidates if right.solved(twin.source)]
        written = written or [twin for twin in candidates if right.written(twin.source)]
        chosen = (written or candidates)[-1]
        self._say(name, f"is there {len(twins)} times; the last one that is written in counts")
        for twin in twins:
            if twin is not chosen:
                twin.metadata.pop("nbgrader", None)
                if written and twin.cell_type == "code" and not right.written(twin.source):
                    cells[_place(cells, twin)] = new_raw_cell(twin.source)
        return chosen

    def _put_back(self, cells: list[Cell], known: dict[str, Released]) -> None:
        """Locked cells and answers that are missing, each behind the one before it in the release."""
        place, there = 0, {name_of(cell): cell for cell in cells}
        for name, right in known.items():
            if name in there:
                place = _place(cells, there[name]) + 1
            elif right.locked or right.metadata["grade"]:
                text, words = (right.text, "") if right.locked else self._instead(cells, right)
                self._say(name, f"was missing and is put back{words}")
                cells.insert(place, NEW[right.kind](text, metadata={"nbgrader": dict(right.metadata)}))
                place += 1
            elif not _defining(cells, right):
                self._say(name, "is missing, and no other cell defines its function: its test finds nothing")

    def _instead(self, cells: Sequence[Cell], right: Released) -> tuple[str, str]:
        """What stands for an answer that is missing, and words about it. Where it may be elsewhere, a person looks."""
        if texts := [cell.source for cell in cells if self._own_text(cell)]:
            return PUT_BACK + "\n\n".join(texts), " with the texts of your own that the notebook has"
        if self.given_ids:
            return right.text, "; the notebook has no text that could be the answer, so it has 0 points"
        return PUT_BACK + right.text, ""

    def _move(self, cells: list[Cell], known: dict[str, Released]) -> None:
        """A test runs after the solution cells that stand above it in the release."""
        above, there = list[Cell](), {name_of(cell): cell for cell in cells}
        for name, right in known.items():
            if right.metadata["solution"]:
                above += [there[name]] if name in there else _defining(cells, right)[-1:]
            elif right.locked and right.metadata["grade"]:
                last = max((_place(cells, one) for one in above), default=-1)
                if (place := _place(cells, there[name])) < last:
                    self._say(name, "stood above the code that it tests and is moved below it")
                    cells.insert(last, cells.pop(place))

    def _import(self, cells: list[Cell], known: dict[str, Released], given: Sequence[Cell]) -> None:
        """What the release's first code cell imports is there above all exercises."""
        first = next((cell.source for cell in given if cell.cell_type == "code"), "")
        exercises = (place for place, cell in enumerate(cells) if name_of(cell) and cell.cell_type == "code")
        above = [cell.source for cell in cells[: next(exercises, None)] if cell.cell_type == "code"]
        if imports(first) - {name for text in above for name in imports(text)}:
            self.log.warning("%s: %s", self.whose, IMPORTS)
            self.repairs.append(f"{IMPORTS.capitalize()}.")
            cells.insert(0, new_code_cell(first))


def in_release(notebook: Any) -> dict[str, Released]:
    """The cells that nbgrader knows in a notebook as students get it, by name, in order."""
    return {
        name_of(cell): Released(cell.cell_type, cell.source, cell.metadata["nbgrader"])
        for cell in notebook.cells
        if name_of(cell)
    }


def ordinary(notebook: Any) -> list[Cell]:
    """The other cells of a released notebook."""
    return [cell for cell in notebook.cells if not name_of(cell)]


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
    meta = cell["metadata"].get("nbgrader")
    return str(meta.get("grade_id", "")) if isinstance(meta, dict) else ""


def label(cell: Cell, name: str) -> None:
    """Give a cell a name; what else nbgrader keeps in it comes later."""
    cell.metadata["nbgrader"] = {"grade_id": name}


def _place(cells: Sequence[Cell], wanted: Cell) -> int:
    return next(index for index, cell in enumerate(cells) if cell is wanted)


def _defining(cells: Sequence[Cell], right: Released) -> list[Cell]:
    """The code cells that define what a solution cell should."""
    code = (cell for cell in cells if right.function and cell.cell_type == "code")
    return [cell for cell in code if right.function <= defines(cell.source)]


def _joined(parts: Iterable[Cell]) -> str:
    """The text of a cell that was split. A cell magic can only stand at the top: of a later part it is a comment."""
    first, *others = (part.source for part in parts)
    return "\n".join([first, *map(without_cell_magic, others)])
