"""Small things that many tests share: no network, a bank of sixteen items, a model that fits on a page."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["MPLBACKEND"] = "Agg"

import nbgrader.apps  # noqa: F401  it looks for distutils when first imported, and finds another after some tests
import pytest
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data, judge
from topfive.exercises import ASSIGNMENTS
from topfive.lists import Prompt, render
from topfive.lm.model import new_model
from topfive.lm.tokenizer import train_tokenizer

torch.set_num_threads(1)  # at this size a second thread gains nothing, and loses much on a busy machine


NOTEBOOKS = [f"0{number}-{name.replace('_', '-')}" for number, name in ASSIGNMENTS.items()]
PART = re.compile("|".join([r"(?<=\[)\d\.\d", *NOTEBOOKS]))  # an exercise, an assignment
LONG = ["round_trip", "attacks", "grade", "trainer", "truth", "trusted", "notebook_06", "run", "autograde"]
LONG += ["notebook_05", "notebooks", "notebook_03", "rehearse", "replay", "class", "notebook_04", "notebook_01"]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes minutes begins first, so that nobody waits for it in the end."""
    place = {f"test_{name}.py": at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONG)))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Side by side, a file stays in one process with its fixtures; of two long ones an exercise, an assignment.

    `--dist loadgroup` would do, but xdist 3.8 does not group under pytest 9.2.
    """
    from xdist.scheduler import LoadScopeScheduling

    class Grouped(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            about = PART.search(nodeid)
            return f"{nodeid.split('::', maxsplit=1)[0]} {about[0] if about else ''}"

    return Grouped(config, log)


SOUPS = [
    ("tomato soup with basil", ["vegetarian", "vegan", "budget"]),
    ("lentil soup with cumin", ["vegetarian", "vegan", "spicy"]),
    ("creamy leek soup", ["vegetarian"]),
    ("chilli pumpkin soup", ["vegetarian", "spicy"]),
    ("miso broth and tofu", ["vegetarian", "vegan"]),
    ("chicken noodle soup", ["budget"]),
    ("beef goulash soup", ["spicy"]),
    ("salmon and dill chowder", []),
]
GAMES = [
    ("hide and seek", ["free", "budget"]),
    ("sack race downhill", ["budget"]),
    ("kite flying contest", []),
    ("treasure map hunt", ["free", "budget"]),
    ("three-legged dash", ["free", "budget"]),
    ("ring toss tournament", ["budget"]),
    ("blindfold obstacle walk", ["free", "budget"]),
    ("water balloon relay", ["budget"]),
]
PLAIN = Prompt("top 5 soups", "soups")
VEGETARIAN = Prompt("top 5 vegetarian soups", "soups", ("vegetarian",))


def write_rows(path: Path, rows: list[dict[str, Any]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")


def forget_bank() -> None:
    """Drop everything that is remembered of data/."""
    for cached in (data.rows, data.fitting, judge.items_of, judge._bank, judge._neighbours, judge._guesser):
        cached.cache_clear()
    judge._looked_up.clear()


@pytest.fixture
def bank(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder of two topics with eight items each, in use while the test runs."""
    root = tmp_path / "data"
    names = ("definition", "borderline", "phrase", "place", "predicate", "negation")
    tags = ("vegetarian", "vegan", "spicy", "budget", "free")
    write_rows(root / "tags.jsonl", [{"tag": tag, **dict.fromkeys(names, tag), "place": "front"} for tag in tags])
    topics = (("soups", SOUPS, ["vegetarian", "spicy"]), ("games", GAMES, ["free"]))
    write_rows(
        root / "topics.jsonl",
        [
            {"topic": topic, "name": topic, "domain": "all", "wordings": [topic], "constraints": tags, "split": "train"}
            for topic, _, tags in topics
        ],
    )
    for topic, items, _ in topics:
        rows = [
            {"id": f"{topic}-{number}", "topic": topic, "item": item, "tags": tags, "note": "a good thing"}
            for number, (item, tags) in enumerate(items, start=1)
        ]
        write_rows(root / "items" / f"{topic}.jsonl", rows)
    write_rows(
        root / "prompts.jsonl",
        [
            {"prompt": prompt.text, "topic": prompt.topic, "wording": 0, "constraints": list(prompt.constraints),
             "split": "train", "held_out": ""}
            for prompt in (PLAIN, VEGETARIAN)
        ],
    )  # fmt: skip
    five = [item for item, _ in SOUPS[:5]]
    demonstration = {"prompt": PLAIN.text, "topic": "soups", "constraints": [], "items": five, "writer": "hand"}
    write_rows(
        root / "demonstrations" / "hand.jsonl",
        [{**demonstration, "flaws": []}, {**demonstration, "items": five[:4], "flaws": ["miscount"]}],
    )
    monkeypatch.setenv("TOPFIVE_DATA", str(root))
    forget_bank()
    yield root
    forget_bank()


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """Prompts with their lists: every window of five soups and of five games."""
    return [
        f"top 5 {topic}" + render([item for item, _ in items[start : start + 5]])
        for topic, items in (("soups", SOUPS), ("games", GAMES))
        for start in range(4)
    ]


@pytest.fixture(scope="session")
def tokenizer(texts: list[str]) -> Tokenizer:
    """The course's tokenizer with 400 tokens."""
    return train_tokenizer(texts, vocab_size=400)


@pytest.fixture
def model(tokenizer: Tokenizer) -> PreTrainedModel:
    """One layer of width 32, its weights enlarged so that what it says depends on every token and its place."""
    small = new_model(tokenizer, seed=0, width=32, layers=1, heads=2)
    with torch.no_grad():
        for name, value in small.named_parameters():
            if value.ndim == 2 and "wte" not in name:
                value.mul_(12)
        small.transformer.ln_f.weight.mul_(10)
    return small
