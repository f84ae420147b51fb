"""The finished set: checked list by list, written beside the notebook with its card, and measured as it lies there."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topfive import data
from topfive.demonstrations.alike import groups_of, leaked, near_duplicates, same
from topfive.demonstrations.foreign import COPIED, copied, is_personal
from topfive.demonstrations.pile import notes
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.judge import VAGUE
from topfive.lists import LENGTH, normalise, parse, render

if TYPE_CHECKING:
    from datasets import DatasetDict

Row = dict[str, Any]

FILE, CARD = "demonstrations.jsonl", "README.md"
SCHEMA = {"prompt": str, "completion": str, "split": str, "writer": str, "source": str}
SPLITS = ("train", "validation")
SECTIONS = ("purpose", "collection", "consent", "limits")
TO_BE_WRITTEN = "(to be written)"


def faults(row: Row) -> list[str]:
    """What a program finds wrong with one list, in words; whether it answers its prompt is for people to say."""
    items = [normalise(item) for item in row["items"]]
    found = []
    if len(items) != LENGTH:
        found.append(f"{len(items)} items")
    if len(set(items)) < len(items):
        found.append("an item twice")
    if any(VAGUE & set(item.split()) for item in items):
        found.append("a vague item")
    if is_personal(row["items"]):
        found.append("personal data")
    if copied(row["items"], notes(row["topic"]))[0] >= COPIED:
        found.append("copied text")
    return found


def linked(rows: Sequence[Row]) -> list[int]:
    """Groups of lists that have to stay on one side of a split: near duplicates, and answers to one prompt."""
    pairs = [*near_duplicates([row["items"] for row in rows]), *same([normalise(row["prompt"]) for row in rows])]
    return groups_of(len(rows), pairs)


def as_set(rows: Sequence[Row], splits: Sequence[str]) -> list[Row]:
    """Rows of the finished set: prompt and completion, as TRL's SFTTrainer reads them, split, writer and source."""
    return [
        {
            "prompt": row["prompt"],
            "completion": render(row["items"]),
            "split": split,
            "writer": row["writer"],
            "source": row["source"],
        }
        for row, split in zip(rows, splits, strict=True)
    ]


def as_dataset(rows: Sequence[Row]) -> "DatasetDict":
    """The rows of each split as a `datasets.Dataset`, without the column `split`."""
    from datasets import Dataset, DatasetDict

    kept = [name for name in SCHEMA if name != "split"]
    parts = {split: [{name: row[name] for name in kept} for row in rows if row["split"] == split] for split in SPLITS}
    return DatasetDict({split: Dataset.from_list(part) for split, part in parts.items() if part})


def save(rows: Sequence[Row], folder: Path) -> Path:
    """Write the rows as JSONL. Returns the file."""
    folder.mkdir(exist_ok=True)
    write_atomic(folder / FILE, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return folder / FILE


def load(folder: Path) -> list[Row]:
    """The rows of a finished set. Raises TopFiveError if it is missing, or by file and line where a row is wrong."""
    path = folder / FILE
    if not path.is_file():
        raise TopFiveError(f"work/{FILE} is missing: run the cell that writes it, then hand in the work folder too")
    rows = [row for _, row in data.read_table(path, SCHEMA)]
    for number, row in enumerate(rows, start=1):
        if row["split"] not in SPLITS:
            raise TopFiveError(f"{path}:{number}: split should be train or validation, found {row['split']!r}")
    return rows


def card(rows: Sequence[Row], words: Mapping[str, str], licence: str = "apache-2.0") -> str:
    """The dataset's card, in the form of the Hugging Face Hub: a head for machines, then words for people.

    words: what a person has to say, for each of SECTIONS. What can be counted is counted from the rows.
    """
    head = [
        "---", "pretty_name: Top-5 lists, demonstrations", f"license: {licence}", "language: [en]",
        "task_categories: [text-generation]", "size_categories: [n<1K]",
        "configs:", "- config_name: default", f"  data_files: {FILE}", "---", "",
    ]  # fmt: skip
    body = ["# Top-5 lists, demonstrations", "", *(f"- {line}" for line in counted(rows)), ""]
    for section in SECTIONS:
        body += [f"## {section.capitalize()}", "", words.get(section, "").strip() or TO_BE_WRITTEN, ""]
    return "\n".join(head + body)


def counted(rows: Sequence[Row]) -> list[str]:
    """What a card says in numbers."""
    splits, sources = Counter(row["split"] for row in rows), Counter(row["source"] for row in rows)
    made = ", ".join(f"{count} {source}" for source, count in sorted(sources.items()))
    return [
        f"{len(rows)} lists: {splits['train']} to train on, {splits['validation']} held out",
        f"written by: {made}; {len({row['writer'] for row in rows})} writers",
        f"{len({row['prompt'] for row in rows})} prompts, none of them in both splits"
        if not _shared_prompts(rows)
        else f"{_shared_prompts(rows)} prompts stand in both splits",
    ]


def _shared_prompts(rows: Sequence[Row]) -> int:
    asked = {split: {row["prompt"] for row in rows if row["split"] == split} for split in SPLITS}
    return len(asked["train"] & asked["validation"])


def measured(rows: Sequence[Row]) -> dict[str, int]:
    """What is wrong with a finished set, counted: lists with a fault, near duplicates, what leaks between splits."""
    lists = [_list_of(row) for row in rows]
    pairs = near_duplicates([row["items"] for row in lists])
    splits = [row["split"] for row in rows]
    return {
        "lists": len(rows),
        "held out": splits.count("validation"),
        "by people": sum(row["source"] == "human" for row in rows),
        "with a fault": sum(
            bool(faults(row)) or not parse(one["completion"]).valid for row, one in zip(lists, rows, strict=True)
        ),
        "near duplicates": len(pairs),
        "leaks": len(leaked(splits, pairs)) + _shared_prompts(rows),
    }


def _list_of(row: Row) -> Row:
    prompt = data.known_prompt(row["prompt"])
    return {"items": list(parse(row["completion"]).items), "topic": prompt.topic if prompt else ""}
