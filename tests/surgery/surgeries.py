"""What happens to notebooks in real classes: edits of one cell, of any role, and of a whole notebook.

An edit of a cell gets the list of cells, in which it may change everything, and the place of its cell. The solutions of
a notebook are written when it gets there.
"""

import codecs
import copy
import json
import re
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_raw_cell

from topfive.grading.cells import name_of

Cell = Any
Cells = list[Any]
Edit = Callable[[Cells, int], None]

NEW = {"code": new_code_cell, "markdown": new_markdown_cell, "raw": new_raw_cell}
NAMED = ("all", "first", "last")  # parts of a cell that was split
WIDGETS = "application/vnd.jupyter.widget-state+json"
FLAGS = ("grade", "solution", "locked")
ROLES = ("code", "markdown", "solution", "test", "answer", "first")
ANSWER = "I would compare both on the same tokens.\n\nAnd I would ask somebody who does not know which is which."
STUB_LINE = '    raise NotImplementedError("to be written")'


def stub(cell: Cell) -> str:
    """A cell as it was given out: the answer's, or a function with its docstring, which `released` puts there."""
    return str(cell.metadata["stub"]) if "stub" in cell.metadata else str(cell.source)


def twin(cell: Cell, source: str | None = None, metadata: bool = True) -> Cell:
    """Copy a cell, as JupyterLab does with its metadata, and other programs without; under a new id."""
    kept = copy.deepcopy(cell.metadata) if metadata else {}
    return NEW[cell.cell_type](cell.source if source is None else source, metadata=kept)


def wrong(cell: Cell) -> str:
    """Another text for the cell, by which its points would be others."""
    if cell.cell_type != "code":
        return "An earlier thought."
    return re.sub(r"(def \w+)[\s\S]*", r"\1(*_, **__):\n    return 'wrong'", cell.source)


def copied(cells: Cells, place: int, step: int, metadata: bool, text: Callable[[Cell], str] = lambda cell: cell.source):
    """A copy with `text`, below (step 1) or above (0)."""
    cells.insert(place + step, twin(cells[place], text(cells[place]), metadata))


def left(cells: Cells, place: int, step: int, metadata: bool) -> None:
    """The copy is written in; the given cell stays as it was."""
    copied(cells, place, step, metadata)
    given = cells[place + 1 - step]
    given.source = stub(given)


def both(cells: Cells, place: int, metadata: bool) -> None:
    """A wrong try in the given cell, the right one in the copy below."""
    copied(cells, place, 1, metadata)
    cells[place].source = wrong(cells[place])


def far(cells: Cells, place: int, to: int) -> None:
    cells.insert(to if to == 0 else len(cells), twin(cells[place]))


def split(cells: Cells, place: int, at: Sequence[float], names: str) -> None:
    """Split at shares of its lines. names: which parts keep nbgrader's metadata: all, first or last."""
    cell = cells[place]
    lines = cell.source.split("\n")
    borders = [0, *sorted({max(1, min(len(lines) - 1, round(share * len(lines)))) for share in at}), len(lines)]
    _cut(cells, place, lines, borders, names)


def _cut(cells: Cells, place: int, lines: list[str], borders: Sequence[int], names: str) -> None:
    cell = cells[place]
    texts = ["\n".join(lines[one:other]) for one, other in pairwise(borders)]
    texts = [text for text in texts if text.strip()]
    kept = {"all": set(range(len(texts))), "first": {0}, "last": {len(texts) - 1}}[names]
    parts = [twin(cell, text, number in kept) for number, text in enumerate(texts)]
    parts[0].id = cell.id
    cells[place : place + 1] = parts


def split_after_docstring(cells: Cells, place: int, names: str) -> None:
    lines = cells[place].source.split("\n")
    ends = [number for number, line in enumerate(lines) if line.rstrip().endswith('"""')]
    border = ends[0] + 1 if ends else 1
    _cut(cells, place, lines, [0, border, len(lines)], names)


def split_between_functions(cells: Cells, place: int, names: str, first: bool) -> None:
    """A helper stands above or below the function, and is split off."""
    helper, own = ["def _helper(x):", "    return x", ""], cells[place].source.split("\n")
    lines = [*helper, *own] if first else [*own, *helper]
    _cut(cells, place, lines, [0, len(helper) if first else len(own), len(lines)], names)


def merged(cells: Cells, place: int, step: int, keep: str) -> None:
    """With the cell below (1) or above (-1). keep: whose metadata and type stay, its own or the other's."""
    other = place + step
    if 0 <= other < len(cells):
        upper, lower = sorted((place, other))
        kept = cells[place] if keep == "own" else cells[other]
        kept.source = cells[upper].source + "\n\n" + cells[lower].source
        cells[upper : lower + 1] = [kept]


def merged_with_named(cells: Cells, place: int, keep: str) -> None:
    """With the next cell below that has a name, whatever lies between."""
    below = next((index for index in range(place + 1, len(cells)) if name_of(cells[index])), None)
    if below is not None:
        cells.insert(place + 1, cells.pop(below))
        merged(cells, place, 1, keep)


def retyped(cells: Cells, place: int, kind: str, metadata: bool = True) -> None:
    cell = cells[place]
    cells[place] = NEW[kind](cell.source, metadata=cell.metadata if metadata else {}, id=cell.id)


def moved(cells: Cells, place: int, to: str, pasted: bool = False) -> None:
    cell = cells.pop(place)
    test = next((index + 1 for index in range(place, len(cells)) if is_test(cells[index])), len(cells))
    cell = twin(cell, metadata=False) if pasted else cell
    cells.insert({"top": 0, "end": len(cells), "past its test": test, "here": place}[to], cell)


def is_test(cell: Cell) -> bool:
    meta = cell.metadata.get("nbgrader")
    return isinstance(meta, dict) and bool(meta.get("grade")) and not meta.get("solution")


def is_answer(cell: Cell) -> bool:
    meta = cell.metadata.get("nbgrader")
    return isinstance(meta, dict) and bool(meta.get("grade")) and bool(meta.get("solution"))


def is_solution(cell: Cell) -> bool:
    meta = cell.metadata.get("nbgrader")
    return isinstance(meta, dict) and not meta.get("grade") and bool(meta.get("solution"))


def identified(cells: Cells, place: int, of: Callable[[Cell], bool] | str) -> None:
    """The id of another cell, or one from elsewhere."""
    cells[place]["id"] = of if isinstance(of, str) else next(
        cell.id for index, cell in enumerate(cells) if of(cell) and index != place
    )  # fmt: skip


def named(cells: Cells, place: int, of: Callable[[Cell], bool] | str) -> None:
    """The name of another cell, or one from elsewhere."""
    other = of if isinstance(of, str) else next(
        name_of(cell) for index, cell in enumerate(cells) if of(cell) and index != place
    )  # fmt: skip
    flags = {"grade": False, "solution": True, "locked": False, "schema_version": 3, "task": False}
    meta = cells[place].metadata.get("nbgrader", flags)
    cells[place].metadata["nbgrader"] = {**meta, "grade_id": other}


def meta(cells: Cells, place: int, change: Callable[[dict[str, Any]], Any]) -> None:
    """nbgrader's metadata in a cell that has it, changed or put in the place of."""
    if "nbgrader" in cells[place].metadata:
        kept = dict(cells[place].metadata["nbgrader"])
        replaced = change(kept)
        cells[place].metadata["nbgrader"] = kept if replaced is None else replaced[0]


def flip(flag: str) -> Callable[[dict[str, Any]], None]:
    return lambda kept: kept.update({flag: not kept[flag]})


def deleted(cells: Cells, place: int) -> None:
    del cells[place]


def raised(cells: Cells, place: int, above: bool) -> None:
    """The line that was to be replaced stays, above or below the student's own."""
    text = cells[place].source
    if not above:
        cells[place].source = f"{text}\n{STUB_LINE}"
    elif head := re.match(r'def [\s\S]*?:\n(?:    """[\s\S]*?"""\n)?', text):
        cells[place].source = f"{head[0]}{STUB_LINE}\n{text[head.end() :]}"


EVERY: dict[str, Edit] = {
    "nothing": lambda cells, place: None,
    "copied below": partial(copied, step=1, metadata=True),
    "copied above": partial(copied, step=0, metadata=True),
    "copied below without metadata": partial(copied, step=1, metadata=False),
    "copied above without metadata": partial(copied, step=0, metadata=False),
    "copied to the end": partial(far, to=-1),
    "copied to the top": partial(far, to=0),
    "split, all parts named": partial(split, at=[0.5], names="all"),
    "split, the first part named": partial(split, at=[0.5], names="first"),
    "split, the last part named": partial(split, at=[0.5], names="last"),
    "split in three, all parts named": partial(split, at=[0.34, 0.67], names="all"),
    "split in three, the first part named": partial(split, at=[0.34, 0.67], names="first"),
    "split in three, the last part named": partial(split, at=[0.34, 0.67], names="last"),
    "merged with the one below": partial(merged, step=1, keep="own"),
    "merged with the one above": partial(merged, step=-1, keep="own"),
    "merged into the one below": partial(merged, step=1, keep="other"),
    "merged into the one above": partial(merged, step=-1, keep="other"),
    "merged with the next named one": partial(merged_with_named, keep="own"),
    "merged into the next named one": partial(merged_with_named, keep="other"),
    **{f"as {kind}": partial(retyped, kind=kind) for kind in NEW},
    **{f"as {kind}, metadata lost": partial(retyped, kind=kind, metadata=False) for kind in NEW},
    "deleted": deleted,
    "moved to the top": partial(moved, to="top"),
    "moved to the end": partial(moved, to="end"),
    "moved past its test": partial(moved, to="past its test"),
    "cut and pasted": partial(moved, to="here", pasted=True),
    "cut and pasted past its test": partial(moved, to="past its test", pasted=True),
    "cut and pasted at the top": partial(moved, to="top", pasted=True),
    "the id of a solution": partial(identified, of=is_solution),
    "the id of a test": partial(identified, of=is_test),
    "an id from elsewhere": partial(identified, of="elsewhere"),
    "the name of another solution": partial(named, of=is_solution),
    "the name of a test": partial(named, of=is_test),
    "a name from elsewhere": partial(named, of="elsewhere"),
    "grade flipped": partial(meta, change=flip("grade")),
    "solution flipped": partial(meta, change=flip("solution")),
    "locked flipped": partial(meta, change=flip("locked")),
    "all flags flipped": partial(meta, change=lambda kept: [flip(flag)(kept) for flag in FLAGS] and None),
    "100 points": partial(meta, change=lambda kept: kept.update(points=100)),
    "no points": partial(meta, change=lambda kept: kept.pop("points", None) and None),
    "the checksum gone": partial(meta, change=lambda kept: kept.pop("checksum", None) and None),
    "the metadata emptied": partial(meta, change=lambda kept: [{}]),
    "the metadata nonsense": partial(meta, change=lambda kept: [["x"]]),
    **{
        f"schema {version}": partial(meta, change=lambda kept, version=version: kept.update(schema_version=version))
        for version in (0, 1, 2, 99, "x")
    },
}  # fmt: skip
WORK: dict[str, Edit] = {
    **{
        f"an untouched copy {where}{how}": partial(copied, step=step, metadata=metadata, text=stub)
        for where, step in (("below", 1), ("above", 0))
        for how, metadata in (("", True), (" without metadata", False))
    },
    **{
        f"written in the copy {where}{how}": partial(left, step=step, metadata=metadata)
        for where, step in (("below", 1), ("above", 0))
        for how, metadata in (("", True), (" without metadata", False))
    },
    "an earlier try above": partial(copied, step=0, metadata=True, text=wrong),
    "an earlier try above without metadata": partial(copied, step=0, metadata=False, text=wrong),
    "both written": partial(both, metadata=True),
    "both written, no metadata below": partial(both, metadata=False),
}
SOLUTION: dict[str, Edit] = {
    **{f"split after the docstring, {names} named": partial(split_after_docstring, names=names) for names in NAMED},
    **{
        f"split {'below' if first else 'above'} a helper, {names} named": partial(
            split_between_functions, names=names, first=first
        )
        for names in NAMED
        for first in (True, False)
    },
    "a raise left above": partial(raised, above=True),
    "a raise left below": partial(raised, above=False),
}  # fmt: skip


def surgeries(role: str) -> dict[str, Edit]:
    """All that can happen to a cell of this role."""
    return EVERY | (WORK if role in ("solution", "answer") else {}) | (SOLUTION if role == "solution" else {})


def target(cells: Sequence[Cell], role: str) -> int:
    """A cell of a role: of several one in the middle."""
    of = {
        "code": lambda cell: cell.cell_type == "code" and not name_of(cell),
        "markdown": lambda cell: cell.cell_type == "markdown" and not name_of(cell),
        "solution": is_solution,
        "test": is_test,
        "answer": is_answer,
        "first": lambda cell: cell.cell_type == "code",
    }[role]
    places = [place for place, cell in enumerate(cells) if of(cell)]
    return places[0] if role == "first" else places[len(places) // 2]


# --- of a whole notebook -------------------------------------------------------------------------------------------


def forgotten(notebook: Any, ids: bool) -> None:
    """As some programs save it: no metadata of the notebook or its cells, and perhaps new ids."""
    notebook["metadata"] = {}
    for number, cell in enumerate(notebook["cells"]):
        cell["metadata"] = {}
        if ids:
            cell["id"] = f"new-{number}"


def without_count(notebook: Any) -> None:
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"] = [{"output_type": "execute_result", "data": {"text/plain": "1"}, "metadata": {}}]
            del cell["execution_count"]


def bare(notebook: Any) -> None:
    """Nothing but what cells say."""
    notebook["cells"] = [{key: cell[key] for key in ("cell_type", "source")} for cell in notebook["cells"]]
    del notebook["metadata"]


def one_id(notebook: Any) -> None:
    for cell in notebook["cells"]:
        cell["id"] = "same"


def twice(notebook: Any) -> None:
    notebook["cells"] *= 2


def others(notebook: Any) -> None:
    """Solutions and answer of somebody else, with all metadata, above one's own."""
    theirs = copy.deepcopy([cell for cell in notebook["cells"] if "solution" in cell["metadata"].get("nbgrader", {})])
    for cell in theirs:
        if cell["cell_type"] == "code":
            cell["source"] = re.sub(r"(def \w+)[\s\S]*", r"\1(*_, **__):\n    return 'wrong'", cell["source"])
    notebook["cells"][1:1] = [cell for cell in theirs if cell["cell_type"] == "code"]


def odd(notebook: Any) -> None:
    """Metadata that the format forbids."""
    notebook["metadata"] = {"kernelspec": "x", "language": 3, "topfive": []}
    for cell in notebook["cells"]:
        cell["metadata"] |= {"tags": 3, "collapsed": "yes"}


def as_bytes(notebook: Any) -> bytes:
    return json.dumps(notebook).encode()


def older(notebook: Any, version: int) -> bytes:
    """In format 4.0, which has no ids, or 3."""
    if version == 4:
        for cell in notebook["cells"]:
            del cell["id"]
        return as_bytes(notebook | {"nbformat_minor": 0})
    with warnings.catch_warnings(action="ignore"):
        return nbformat.writes(nbformat.convert(nbformat.from_dict(notebook), 3), version=3).encode()


def edited(edit: Callable[[Any], None]) -> Callable[[Any], bytes]:
    def made(notebook: Any) -> bytes:
        edit(notebook)
        return as_bytes(notebook)

    return made


WHOLE: dict[str, Callable[[Any], bytes]] = {
    "metadata lost": edited(partial(forgotten, ids=False)),
    "metadata and ids lost": edited(partial(forgotten, ids=True)),
    "outputs without count": edited(without_count),
    "widgets without state": edited(lambda notebook: notebook["metadata"].update(widgets={WIDGETS: {}})),
    "text alone": edited(bare),
    "one id": edited(one_id),
    "twice": edited(twice),
    "somebody else's above": edited(others),
    "format 4.0": partial(older, version=4),
    "format 3": partial(older, version=3),
    "a mark": lambda notebook: codecs.BOM_UTF8 + as_bytes(notebook),
    "UTF-16": lambda notebook: json.dumps(notebook, ensure_ascii=False).encode("utf-16"),
    "odd metadata": edited(odd),
}  # fmt: skip
OTHER = new_code_cell("def other():\n    pass", metadata={"nbgrader": {"grade_id": "other"}})
# What is not gradable, and a part of the sentence that says so.
NONE: dict[str, tuple[Callable[[Any], bytes], str]] = {
    "no file": (lambda _: b"", "is damaged"),
    "no JSON": (lambda _: b"<html>Sign in</html>", "is damaged: it is no JSON"),
    "half": (lambda notebook: as_bytes(notebook)[: len(as_bytes(notebook)) // 2], "is damaged: it is no JSON"),
    "no text": (lambda _: bytes(range(256)), "is damaged"),
    "a list": (lambda _: b"[]", "is not a notebook"),
    "no cells": (lambda _: b'{"nbformat": 4, "nbformat_minor": 5, "metadata": {}}', "is not a notebook"),
    "empty": (edited(lambda notebook: notebook.update(cells=[])), "none of the cells"),
    "inside": (
        edited(lambda notebook: notebook.update(cells=[new_code_cell(json.dumps(notebook))])),
        "none of the cells",
    ),
    "another": (edited(lambda notebook: notebook.update(cells=[OTHER])), "none of the cells"),
}  # fmt: skip
