"""Everything under data/, read with its schema checked: a bad line is named by file and line.

`rows(name)` gives plain dictionaries, `load(name)` the same as a `datasets.Dataset`. The parts:

| name | one row |
|---|---|
| tags | tag, definition, borderline, phrase, place, predicate, negation (its words) |
| topics | topic, name, domain, wordings, constraints, split |
| items | id, topic, item, tags, note |
| prompts | prompt, topic, wording, constraints, split, held_out |
| demonstrations | prompt, topic, constraints, items, writer, flaws |
| crowd/lists | id, group, prompt, topic, constraints, text, made_by: what the crowd was asked about |
| crowd/workers | worker, kind, noise, first_bias: what each worker is really like |
| crowd/ratings | source, worker, list, rating, seconds |
| crowd/comparisons | source, worker, first, second, answer, gold, seconds |
| crowd/rankings | source, worker, lists, ranks, seconds |
"""

import json
import os
import random
from collections.abc import Collection, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_origin

from topfive.errors import TopFiveError
from topfive.files import as_utf8
from topfive.lists import LENGTH, Prompt, Ranking, normalise, render

if TYPE_CHECKING:
    from datasets import Dataset

Row = dict[str, Any]

SCHEMAS: dict[str, dict[str, Any]] = {
    "tags": {
        "tag": str,
        "definition": str,
        "borderline": str,
        "phrase": str,
        "place": str,
        "predicate": str,
        "negation": str,
    },
    "topics": {"topic": str, "name": str, "domain": str, "wordings": list, "constraints": list, "split": str},
    "items": {"id": str, "topic": str, "item": str, "tags": list, "note": str},
    "prompts": {"prompt": str, "topic": str, "wording": int, "constraints": list, "split": str, "held_out": str},
    "demonstrations": {
        "prompt": str,
        "topic": str,
        "constraints": list,
        "items": list,
        "writer": str,
        "flaws": list,
    },
    "crowd/lists": {
        "id": str,
        "group": str,
        "prompt": str,
        "topic": str,
        "constraints": list,
        "text": str,
        "made_by": str,
    },
    "crowd/workers": {"worker": str, "kind": str, "noise": float, "first_bias": float},
    "crowd/ratings": {"source": str, "worker": str, "list": str, "rating": int, "seconds": float},
    "crowd/comparisons": {
        "source": str,
        "worker": str,
        "first": str,
        "second": str,
        "answer": str,
        "gold": str,
        "seconds": float,
    },
    "crowd/rankings": {"source": str, "worker": str, "lists": list, "ranks": list[int], "seconds": float},
}
SPLITS = ("train", "validation", "test")


class DataError(TopFiveError):
    """A line under data/ that breaks its schema: file, line number and what is wrong."""


def folder() -> Path:
    """The data folder: TOPFIVE_DATA if set, else beside the package in a clone, else inside an installed wheel."""
    if chosen := os.environ.get("TOPFIVE_DATA"):
        return Path(chosen)
    package = Path(__file__).parent
    clone = package.parent / "data"
    return clone if (clone / "topics.jsonl").exists() else package / "_data"


def read_jsonl(path: Path) -> Iterator[tuple[int, Any]]:
    """Yield (line number, value) for each non-empty line; raise DataError on broken UTF-8 or JSON.

    UTF-16 and UTF-8 with a byte order mark, as editors on Windows save, are read too.
    """
    try:
        raw = as_utf8(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: damaged {error.encoding.upper()} ({error.reason}); save it as UTF-8") from error
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield number, json.loads(line.decode("utf-8"))
        except UnicodeDecodeError as error:
            what = f"byte {error.start + 1} of the line is not UTF-8"
            raise DataError(f"{path}:{number}: {what}; save the file as UTF-8") from error
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{number}: not JSON ({error.msg} at column {error.colno})") from error


def read_table(path: Path, schema: dict[str, Any]) -> Iterator[tuple[str, Row]]:
    """Yield ("file:line", row) for each line of a JSONL table; raise DataError where a key or type is wrong."""
    for number, row in read_jsonl(path):
        where = f"{path}:{number}"
        if not isinstance(row, dict) or set(row) != set(schema):
            found = sorted(row) if isinstance(row, dict) else type(row).__name__
            raise DataError(f"{where}: keys should be {sorted(schema)}, found {found}")
        for key, kind in schema.items():
            outer, inner = get_origin(kind) or kind, (get_args(kind) or (str,))[0]
            if not isinstance(row[key], outer) or isinstance(row[key], bool):
                raise DataError(f"{where}: {key!r} should be {outer.__name__}, found {type(row[key]).__name__}")
            if outer is list and not all(isinstance(entry, inner) for entry in row[key]):
                wanted = "text" if inner is str else "whole numbers"
                raise DataError(f"{where}: {key!r} should hold only {wanted}, found {row[key]!r}")
        yield where, row


def _files(name: str, root: Path) -> list[Path]:
    single = root / f"{name}.jsonl"
    files = [single] if single.exists() else sorted((root / name).glob("*.jsonl"))
    if not files:
        raise DataError(f"{single}: missing; `python -m topfive.build.text` makes the derived files")
    return files


def _located(name: str, root: Path) -> Iterator[tuple[str, Row]]:
    for path in _files(name, root):
        yield from read_table(path, SCHEMAS[name])


def check(root: Path | None = None) -> list[str]:
    """Every rule about data/ that a single row or a pair of rows can break, as "file:line: what" messages."""
    root = root or folder()
    tags = {row["tag"] for _, row in _located("tags", root)}
    topics = {row["topic"] for _, row in _located("topics", root)}
    return [
        *_check_topics(root, tags),
        *_check_items(root, tags, topics),
        *_check_prompts(root, tags, topics),
        *_check_demonstrations(root, tags, topics),
        *_check_crowd(root, topics),
    ]


def _unknown(where: str, values: Sequence[str], known: set[str], kind: str) -> Iterator[str]:
    for value in values:
        if value not in known:
            yield f"{where}: unknown {kind} {value!r}"


def _check_topics(root: Path, tags: set[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for where, row in _located("topics", root):
        yield from _unknown(where, row["constraints"], tags, "tag")
        if row["split"] not in ("train", "test"):
            yield f"{where}: split should be train or test, found {row['split']!r}"
        if row["topic"] in seen:
            yield f"{where}: topic {row['topic']!r} stands already in {seen[row['topic']]}"
        seen[row["topic"]] = where


def _check_items(root: Path, tags: set[str], topics: set[str]) -> Iterator[str]:
    ids: dict[str, str] = {}
    texts: dict[tuple[str, str], str] = {}
    for where, row in _located("items", root):
        yield from _unknown(where, row["tags"], tags, "tag")
        yield from _unknown(where, [row["topic"]], topics, "topic")
        if "vegan" in row["tags"] and "vegetarian" not in row["tags"]:
            yield f"{where}: vegan but not vegetarian"
        if "free" in row["tags"] and "budget" not in row["tags"]:
            yield f"{where}: free but not budget"
        if not 2 <= len(row["item"].split()) <= 7:
            yield f"{where}: an item has 2 to 7 words, found {row['item']!r}"
        if not row["note"].strip():
            yield f"{where}: no note on {row['item']!r}"
        if row["id"] in ids:
            yield f"{where}: id {row['id']!r} stands already in {ids[row['id']]}"
        key = (row["topic"], normalise(row["item"]))
        if key in texts:
            yield f"{where}: item {row['item']!r} stands already in {texts[key]}"
        ids[row["id"]] = texts[key] = where


def _check_prompts(root: Path, tags: set[str], topics: set[str]) -> Iterator[str]:
    seen: dict[str, tuple[str, str]] = {}
    for where, row in _located("prompts", root):
        yield from _unknown(where, row["constraints"], tags, "tag")
        yield from _unknown(where, [row["topic"]], topics, "topic")
        yield from _unknown(where, [row["split"]], set(SPLITS), "split")
        if row["prompt"] in seen:
            split, there = seen[row["prompt"]]
            yield f"{where}: prompt {row['prompt']!r} stands already in {there} (split {split})"
        seen[row["prompt"]] = (row["split"], where)


def _check_demonstrations(root: Path, tags: set[str], topics: set[str]) -> Iterator[str]:
    prompts = list(_located("prompts", root))
    trained = {row["prompt"] for _, row in prompts if row["split"] == "train"}
    held = {row["prompt"]: where for where, row in prompts if row["prompt"] not in trained}
    held_topics = {row["topic"] for _, row in _located("topics", root) if row["split"] == "test"}
    for where, row in _located("demonstrations", root):
        yield from _unknown(where, row["constraints"], tags, "tag")
        yield from _unknown(where, [row["topic"]], topics, "topic")
        if len(row["items"]) != 5 and not row["flaws"]:
            yield f"{where}: a list with {len(row['items'])} entries and no flaw named"
        elif len(set(map(normalise, row["items"]))) < len(row["items"]) and not row["flaws"]:
            yield f"{where}: an entry stands there twice and no flaw is named"
        if row["prompt"] in held:
            yield f"{where}: answers the held-out prompt of {held[row['prompt']]}"
        if row["topic"] in held_topics:
            yield f"{where}: answers the held-out topic {row['topic']!r}"


def _check_crowd(root: Path, topics: set[str]) -> Iterator[str]:
    if not (root / "crowd").is_dir():
        return
    lists: dict[str, str] = {}
    for where, row in _located("crowd/lists", root):
        yield from _unknown(where, [row["topic"]], topics, "topic")
        if row["id"] in lists:
            yield f"{where}: id {row['id']!r} stands already in {lists[row['id']]}"
        lists[row["id"]] = where
    workers = {row["worker"] for _, row in _located("crowd/workers", root)}
    for where, row in _located("crowd/ratings", root):
        yield from _check_label(where, row, [row["list"]], set(lists), workers)
        if not 1 <= row["rating"] <= 5:
            yield f"{where}: rating should be 1 to 5, found {row['rating']}"
    for where, row in _located("crowd/comparisons", root):
        yield from _check_label(where, row, [row["first"], row["second"]], set(lists), workers)
        yield from _unknown(where, [row["answer"]], {"first", "second", "tie"}, "answer")
    for where, row in _located("crowd/rankings", root):
        yield from _check_label(where, row, row["lists"], set(lists), workers)
        if len(row["ranks"]) != len(row["lists"]) or min(row["ranks"], default=0) < 1:
            yield f"{where}: {len(row['lists'])} lists need as many places from 1, found {row['ranks']}"


def _check_label(where: str, row: Row, asked: Sequence[str], lists: set[str], workers: set[str]) -> Iterator[str]:
    yield from _unknown(where, asked, lists, "list")
    yield from _unknown(where, [row["worker"]], workers, "worker")
    if len(set(asked)) != len(asked):
        yield f"{where}: the same list twice in one task"
    if row["source"] != "simulated":
        yield f"{where}: source should be 'simulated', found {row['source']!r}"
    if row["seconds"] <= 0:
        yield f"{where}: seconds should be above 0, found {row['seconds']}"


@cache
def rows(name: str) -> list[Row]:
    """All rows of one part of data/, in file order. Raises DataError on the first bad line."""
    return [row for _, row in _located(name, folder())]


def load(name: str) -> "Dataset":
    """One part of data/ as a `datasets.Dataset`."""
    from datasets import Dataset

    return Dataset.from_list(rows(name))


def tag_names() -> list[str]:
    """The closed vocabulary, in file order."""
    return [row["tag"] for row in rows("tags")]


def prompts(*splits: str) -> list[Prompt]:
    """The prompts of the given splits (all of them if none is given)."""
    return [as_prompt(row) for row in rows("prompts") if not splits or row["split"] in splits]


def prompts_about(topics: Collection[str]) -> tuple[list[Prompt], list[Prompt]]:
    """Training prompts of these topics, and held-out ones (validation and test) of those that have training prompts."""
    train = [prompt for prompt in prompts("train") if prompt.topic in topics]
    known = {prompt.topic for prompt in train}
    return train, [prompt for prompt in prompts("validation", "test") if prompt.topic in known]


def as_prompt(row: Row) -> Prompt:
    """The Prompt in a row of prompts or demonstrations."""
    return Prompt(row["prompt"], row["topic"], tuple(row["constraints"]))


def known_prompt(text: str) -> Prompt | None:
    """The course's prompt of these words, whatever the blanks, capitals and final stop; None if there is none."""
    return _prompts_by_words().get(_words(text))


@cache
def _prompts_by_words() -> dict[str, Prompt]:
    return {_words(prompt.text): prompt for prompt in prompts()}


def _words(text: str) -> str:
    return normalise(text).rstrip(" .:!?…")


def pretraining_text() -> list[str]:
    """The documents that the base model learns from: sentences about items, and no list."""
    path = folder() / "pretraining" / "text.txt"
    if not path.is_file():
        raise DataError(f"{path}: missing; `python -m topfive.build.text` makes it")
    return path.read_text("utf-8").rstrip("\n").split("\n\n")


def clean_demonstrations() -> list[tuple[str, str]]:
    """(prompt, completion) of every demonstration without a flaw: what SFT learns from."""
    return [(row["prompt"], render(row["items"])) for row in rows("demonstrations") if not row["flaws"]]


def items_with(topic: str, tags: Collection[str]) -> list[Row]:
    """The items of a topic that carry all of `tags`."""
    return [row for row in rows("items") if row["topic"] == topic and set(tags) <= set(row["tags"])]


@cache
def fitting(prompt: Prompt) -> list[str]:
    """The bank's items that answer a prompt, in the bank's order."""
    return [row["item"] for row in items_with(prompt.topic, prompt.constraints)]


def fresh_lists(split: str, number: int, seed: int) -> list[tuple[str, str]]:
    """(prompt, completion) pairs for measuring: prompts of a split, each with five fitting items of the bank.

    The items are drawn anew, so a model has seen neither the list nor, in a held-out split, the prompt.
    """
    rng = random.Random(seed)
    asked = sorted(prompts(split), key=lambda prompt: prompt.text)
    pairs: list[tuple[str, str]] = []
    for prompt in rng.choices(asked, k=4 * number):
        if len(pairs) == number:
            break
        if len(fitting(prompt)) >= LENGTH:
            pairs.append((prompt.text, render(rng.sample(fitting(prompt), LENGTH))))
    return pairs


def crowd_rankings() -> list[tuple[str, Ranking]]:
    """Every (worker, ranking) of the simulated crowd, pretenders included."""
    lists = {row["id"]: row for row in rows("crowd/lists")}
    return [
        (
            row["worker"],
            Ranking(
                as_prompt(lists[row["lists"][0]]),
                tuple(lists[identifier]["text"] for identifier in row["lists"]),
                tuple(row["ranks"]),
            ),
        )
        for row in rows("crowd/rankings")
    ]


def checkpoint(name: str) -> Path:
    """Folder of a shipped checkpoint (tokenizer, base, sft, …). Raises DataError if it is not there."""
    path = folder() / "checkpoints" / name
    if not path.is_dir():
        raise DataError(f"{path}: no such checkpoint; `python -m topfive.build.checkpoints` makes them")
    return path
