"""results.md: one section a benchmark; running one of them replaces its own section and no other."""

import re
from collections.abc import Sequence
from pathlib import Path

from topfive.files import write_atomic

RESULTS = Path(__file__).parent / "results.md"
HEAD = """# Benchmarks

Written by `make benchmarks`; do not edit. Every section says on what machine and when. Medians of repeated blocks;
where two things are compared, their blocks alternate in one run and ratios are medians over neighbouring blocks.
"""


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def write_section(title: str, text: str, path: Path = RESULTS) -> None:
    """Put `text` under `title`, in the place of what stood there."""
    written = path.read_text("utf-8") if path.exists() else HEAD
    parts = re.split(r"(?m)^## ", written)
    sections = dict(part.split("\n", 1) for part in parts[1:])
    sections[title] = f"\n{text.strip()}\n\n"
    write_atomic(path, HEAD + "".join(f"\n## {name}\n\n{body.strip()}\n" for name, body in sections.items()))
