"""The finished set: checked list by list, written beside the notebook with its card, and measured as it lies there."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from topfive import data
from topfive.demonstrations.alike import groups_of, leaked, near_duplicates, same, split
from topfive.demonstrations.foreign import COPIED, copied, is_personal
from topfive.demonstrations.pile import notes, own_lists
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.judge import VAGUE
from topfive.ledger import default_path
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


def build_set(lists: Sequence[Row], fine: Sequence[bool]) -> list[Row]:
    """The finished set, of a pile of lists: what the notebook asks a student to write.

    fine: for each list whether its readers let it pass. Kept are lists that pass and have no fault, of near duplicates
    the first; whatever is linked, as `linked` says, stands on one side of the split.
    """
    good = [row for row, passed in zip(lists, fine, strict=True) if passed and not faults(row)]
    group = groups_of(len(good), near_duplicates([row["items"] for row in good]))
    kept = [row for place, row in enumerate(good) if group[place] == place]
    return as_set(kept, split(linked(kept)))


def or_stand_in(built: list[Row], lists: Sequence[Row], fine: Sequence[bool]) -> list[Row]:
    """The set that a student built, or the course's own while there is nothing in it to train on; prints which."""
    if any(row["split"] == "train" for row in built):
        print("2.8 build_set: yours is used")
        return built
    print("2.8 build_set: the course's own set is used below, and not saved, until yours holds lists to train on")
    return build_set(lists, fine)


def as_set(rows: Sequence[Row], splits: Sequence[str]) -> list[Row]:
    """Rows of the finished set: prompt and completion, as TRL's SFTTrainer reads them, split, writer and source."""
    return [
        {
            "prompt": row["prompt"],
            "completion": render(row["items"]),
            "split": side,
            "writer": row["writer"],
            "source": row["source"],
        }
        for row, side in zip(rows, splits, strict=True)
    ]


def as_dataset(rows: Sequence[Row]) -> "DatasetDict":
    """The rows of each split as a `datasets.Dataset`, without the column `split`."""
    from datasets import Dataset, DatasetDict

    kept = [name for name in SCHEMA if name != "split"]
    parts = {side: [{name: row[name] for name in kept} for row in rows if row["split"] == side] for side in SPLITS}
    return DatasetDict({side: Dataset.from_list(part) for side, part in parts.items() if part})


def work() -> Path:
    """Where the set lies: beside the ledger of the running notebook."""
    return default_path().parent


def save(rows: Sequence[Row]) -> None:
    """Write the rows to work/demonstrations.jsonl and say so."""
    work().mkdir(exist_ok=True)
    write_atomic(work() / FILE, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    print(f"{len(rows)} lists saved in work/{FILE}")


def save_card(text: str) -> None:
    """Write the card to work/README.md and say so."""
    work().mkdir(exist_ok=True)
    write_atomic(work() / CARD, text)
    print(f"saved in work/{CARD}")


def load(folder: Path | None = None) -> list[Row]:
    """The rows of a finished set. Raises TopFiveError if it is missing, or by file and line where a row is wrong."""
    path = (folder or work()) / FILE
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
    asked = {side: {row["prompt"] for row in rows if row["split"] == side} for side in SPLITS}
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


def good_own(own: Sequence[Row], others: Sequence[Row]) -> list[Row]:
    """The student's lists that have no fault and are near no earlier one, nor one of `others`."""
    lists = [*others, *own]
    group = groups_of(len(lists), near_duplicates([row["items"] for row in lists]))
    return [
        row for place, row in enumerate(lists) if place >= len(others) and group[place] == place and not faults(row)
    ]


def by_the_student(rows: Sequence[Row]) -> int:
    """How many rows say that a person wrote them, and are in the ledger."""
    written = {(row["prompt"], render(row["items"])) for row in own_lists()}
    return len({(row["prompt"], row["completion"]) for row in rows if row["source"] == "human"} & written)


def lacking(rows: Sequence[Row], own: int) -> list[str]:
    """What a finished set lacks, in words: one line for each of the four things that count; none if nothing.

    own: how many lists of the student's are to be in it.
    """
    found, mine = measured(rows), by_the_student(rows)
    held = found["held out"] / max(found["lists"], 1)
    sides = [f"{found['leaks']} pairs or prompts stand on both sides of the split"] * bool(found["leaks"])
    sides += [f"{held:.0%} of the lists are held out, and it should be 5 to 30 %"] * (not 0.05 <= held <= 0.3)
    told = {
        f"{found['with a fault']} lists have a fault, which the model would learn": found["with a fault"],
        f"{found['near duplicates']} pairs are near duplicates": found["near duplicates"],
        " and ".join(sides): sides,
        f"{mine} lists of your own are in it, of at least {own}: write them in the panel, and let them in": mine < own,
    }
    return [words for words, wrong in told.items() if wrong]


def card_problems(rows: Sequence[Row], words: int) -> list[str]:
    """What a card beside the set lacks, in words. Raises TopFiveError if it is missing."""
    path = work() / CARD
    if not path.is_file():
        raise TopFiveError(f"work/{CARD} is missing: run the cell that writes it, then hand in the work folder too")
    text = path.read_text("utf-8")
    problems = [f"it does not say {line!r}" for line in counted(rows) if line not in text]
    if not text.startswith("---\n") or "\nlicense: " not in text.partition("\n---\n")[0]:
        problems.append("its head names no license")
    for section in SECTIONS:
        said = text.partition(f"## {section.capitalize()}\n")[2].partition("\n## ")[0]
        if len(said.split()) < words or TO_BE_WRITTEN in said:
            problems.append(f"{section}: fewer than {words} words")
    return problems
