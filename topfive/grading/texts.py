"""What the text of a cell says: what it does, what it defines and imports, and what was merged into it."""

import ast
import re
from collections.abc import Iterator
from functools import lru_cache

from IPython.core.inputtransformer2 import TransformerManager

NOTHING = ast.dump(ast.parse(""))


@lru_cache(maxsize=4096)
def meaning(text: str) -> str | None:
    """What a code cell does, whatever its comments, blank lines and cell magic; None if it is no Python to Jupyter."""
    parsed = _parsed(text)
    return None if parsed is None else ast.dump(parsed)


@lru_cache(maxsize=4096)
def defines(text: str) -> frozenset[str]:
    """The functions and classes that a cell defines at its left edge, whether or not the rest of it is Python."""
    return frozenset(re.findall(r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)", text, re.MULTILINE))


def imports(text: str) -> set[str]:
    """The names that a code cell imports; none if it is no Python."""
    parsed = _parsed(text)
    found = [one for one in parsed.body if isinstance(one, ast.Import | ast.ImportFrom)] if parsed else []
    return {alias.asname or alias.name.partition(".")[0] for one in found for alias in one.names}


@lru_cache(maxsize=4096)
def reachable(text: str) -> str:
    """The cell with each `raise NotImplementedError` that stands above other lines of its block as a comment."""
    lines = text.split("\n")
    parsed = _parsed(text)
    for one in _in_the_way(parsed) if parsed else ():
        for number in range(one.lineno - 1, one.end_lineno or one.lineno):
            lines[number] = re.sub(r"\A(\s*)", r"\1# ", lines[number])
    return "\n".join(lines)


def without_cell_magic(text: str) -> str:
    """The cell with `%%time`, or whatever magic it begins with, as a comment."""
    return re.sub(r"\A(\s*)(%%.*)", r"\1# \2", text)


def parted(text: str, block: str) -> tuple[str, str] | None:
    """What stands before and after a block of whole lines; None if the text does not hold it, or is it."""
    before, found, after = f"\n{text}\n".partition(f"\n{block.strip()}\n")
    rest = before.strip("\n"), after.strip("\n")
    return rest if found and any(part.strip() for part in rest) else None


def _in_the_way(parsed: ast.Module) -> Iterator[ast.stmt]:
    for node in ast.walk(parsed):
        for block in (getattr(node, "body", None), getattr(node, "orelse", None)):
            if isinstance(block, list):
                yield from (one for one in block[:-1] if _not_implemented(one))


def _not_implemented(one: ast.stmt) -> bool:
    raised = one.exc if isinstance(one, ast.Raise) else None
    raised = raised.func if isinstance(raised, ast.Call) else raised
    return isinstance(raised, ast.Name) and raised.id == "NotImplementedError"


@lru_cache(maxsize=4096)
def _parsed(text: str) -> ast.Module | None:
    reader = TransformerManager()
    reader.cleanup_transforms = []  # they would mend the indentation of half a cell
    try:
        return ast.parse(reader.transform_cell(without_cell_magic(text)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # ValueError: a NUL in it; the last two: too nested
        return None
