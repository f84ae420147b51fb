"""The annotated tree of the package in CONTRIBUTING.md, made from the heads of its files.

`python -m topfive.build.tree` writes it.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from topfive.files import write_atomic

PACKAGE = Path(__file__).parent.parent
CONTRIBUTING = PACKAGE.parent / "CONTRIBUTING.md"
BEGIN, END = "<!-- the tree: python -m topfive.build.tree -->\n```\n", "```\n<!-- end of the tree -->\n"


def head(path: Path) -> str:
    """The first sentence of a file's head, or of a package's `__init__`: what it is."""
    if path.is_dir():
        return head(path / "__init__.py")
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        words = ast.get_docstring(ast.parse(text)) or ""
    else:
        words = text.partition("\n\n")[0].replace("//", "").replace("/*", "").partition("*/")[0]
    paragraph = " ".join(words.partition("\n\n")[0].split())
    return re.split(r"(?<!et al)\. ", paragraph)[0].rstrip(".")


def tree(folder: Path = PACKAGE) -> str:
    """A line for each file and folder of the package, in alphabetical order, files before folders."""
    return "\n".join([f"topfive/  {head(folder)}", *_lines(folder, "  ")]) + "\n"


def _lines(folder: Path, indent: str) -> Iterator[str]:
    for path in sorted(folder.iterdir(), key=lambda path: (path.is_dir(), path.name)):
        if path.is_dir() and (path / "__init__.py").is_file():
            yield f"{indent}{path.name}/  {head(path)}"
            yield from _lines(path, indent + "  ")
        elif path.suffix in (".py", ".js") and path.name != "__init__.py":
            yield f"{indent}{path.name}  {head(path)}"


def with_tree(text: str) -> str:
    """`text` with today's tree between its two marks."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + tree() + END + rest.split(END)[1]


if __name__ == "__main__":
    write_atomic(CONTRIBUTING, with_tree(CONTRIBUTING.read_text("utf-8")))
