"""The task: a prompt asks for five things of a kind, an answer is a numbered list of five.

A prompt reads ``top 5 quick Thanksgiving meals``; an answer is its continuation,
``\\n1. maple-roasted carrots with thyme\\n2. …\\n5. …``, and then the end token.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

LENGTH = 5
_LINE = re.compile(r"(\d{1,9})\.\s*(.*)")


@dataclass(frozen=True)
class Prompt:
    """What a user asks for. `topic` and `constraints` are what the words mean; only `text` reaches a model."""

    text: str
    topic: str
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True)
class ParsedList:
    """An answer read back: the items found, and every way in which it is not a list of five."""

    items: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def valid(self) -> bool:
        """Whether this is exactly five non-empty items, numbered 1 to 5, and nothing else."""
        return not self.problems


@dataclass(frozen=True)
class Ranking:
    """One act of ordering lists: `ranks[i]` is the place of `texts[i]`, 1 the best; equal places are ties."""

    prompt: Prompt
    texts: tuple[str, ...]
    ranks: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.ranks) or len(self.texts) < 2 or min(self.ranks) < 1:
            raise ValueError(f"a ranking orders two or more texts by places from 1, got places {self.ranks}")

    @property
    def decisive(self) -> bool:
        """Whether it says anything: not all places are the same."""
        return len(set(self.ranks)) > 1


def render(items: Sequence[str]) -> str:
    """Write items as the continuation of a prompt: a line break and a number before each."""
    return "".join(f"\n{number}. {item}" for number, item in enumerate(items, start=1))


def parse(text: str) -> ParsedList:
    """Read an answer. Never raises: what is odd about it is said in `problems`."""
    items: list[str] = []
    problems: list[str] = []
    for line in (line.strip() for line in text.strip().split("\n")):
        match = _LINE.fullmatch(line)
        if match is None:
            problems.append(f"a line without a number: {line!r}" if line else "an empty line")
            continue
        number, item = int(match[1]), match[2].strip()
        if number != len(items) + 1:
            problems.append(f"line {len(items) + 1} is numbered {number}")
        if not item:
            problems.append(f"item {number} is empty")
        items.append(item)
    if len(items) != LENGTH:
        problems.append(f"{len(items)} items instead of {LENGTH}")
    return ParsedList(tuple(items), tuple(problems))


def normalise(item: str) -> str:
    """One spelling for comparing items: lower case, single spaces, no final full stop."""
    return " ".join(item.lower().split()).rstrip(".")
