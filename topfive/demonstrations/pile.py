"""What comes in: a pile of lists as simulated writers hand them in, and the student's own from the ledger.

The pile is drawn from data/demonstrations, whose writers err in known ways, and three more ways are planted here: near
copies, text taken from the course's own notes, and personal data (all of it made up). `flaws` is the key to the pile:
nobody has such a thing for real writers.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from topfive import data, ledger
from topfive.judge import items_of
from topfive.ledger.convert import written_rows
from topfive.lists import Prompt, parse

Row = dict[str, Any]

PANEL = "demonstrations"
WANTED = 5  # lists by a student
SIZE = 600
COPIES, TAKEN, PERSONAL, NAMED = 0.1, 0.035, 0.02, 0.01  # of so many lists
ASKED = (
    "top 5 Thanksgiving meals",
    "top 5 dishes for a busy evening for kids",
    "top 5 science experiments at home",
    "top 5 free ways to explore an unfamiliar town",
    "top 5 vegetarian things to bring to new neighbours",
    "top 5 morning habits",
    "top 5 ideas for a birthday afternoon",
    "top 5 calming family reunion ideas",
)
GUIDELINE = """\
You write lists that a model will learn from. It copies whatever it sees, your habits included.

- Answer what was asked. With a condition ("vegetarian", "free"), every single item keeps it.
- Five different things, best first. Two words for one thing are one thing.
- Two to seven words each, concrete enough to be drawn: not "something nice", but "jar of homemade granola".
- From your own head. Do not copy from a page, a book, a chatbot or an earlier list.
- Nothing about a person who could be found: no names, addresses, numbers. No brands.

Unsure whether an item fits? Take another one. A park is free; a museum that is free on Sundays is free if the item \
says Sunday.

What your lists are for: a set from which you fine-tune a small model in this course. They stay on this computer until \
you hand them in; then whoever grades sees them. Whoever gets the set may use it under the Apache licence 2.0, without \
your name. You may leave out any list before you hand in. By writing you agree; if you do not, write none."""
MADE_UP = (
    "ask Ana, ana.b+lists@example.org",
    "call me on +44 20 7946 0018",
    "recipe from jo_lee@mail.example.com",
    "ring 555-0143 22 for the address",
)
PEOPLE = ("Rosa Lindqvist's apple cake from number nine", "the way Tomasz Okoye at our bank does it")


def asked() -> list[Prompt]:
    """The prompts that the panel asks a student to answer; all of them are training prompts."""
    return [known for text in ASKED if (known := data.known_prompt(text))]


def own_lists(path: Path | None = None) -> list[Row]:
    """The student's lists from the ledger, in order, each with its `seconds` (None if unknown). Empty if none."""
    events, _ = ledger.read(path)
    written = [row for row in written_rows(events) if row["panel"] == PANEL]
    return [
        {
            **_row(
                data.known_prompt(row["prompt"]) or Prompt(row["prompt"], ""),
                parse(row["completion"]).items,
                "own",
                "human",
            ),
            "seconds": row["seconds"],
        }
        for row in written
    ]


def examples() -> list[Row]:
    """Lists by the course's authors for the prompts of the panel: they stand in while a student has none."""
    rows = [row for row in data.rows("demonstrations") if row["writer"] == "hand" and row["prompt"] in ASKED]
    return [_row(data.as_prompt(row), row["items"], "hand", "example") for row in rows]


def _row(prompt: Prompt, items: Sequence[str], writer: str, source: str) -> Row:
    return {
        "prompt": prompt.text,
        "topic": prompt.topic,
        "constraints": list(prompt.constraints),
        "items": list(items),
        "writer": writer,
        "source": source,
    }


def incoming(size: int = SIZE, seed: int = 2) -> tuple[list[Row], list[list[str]]]:
    """A pile of simulated lists in the order in which they came in, and the flaws of each, by name."""
    rng = random.Random(seed)
    simulated = [row for row in data.rows("demonstrations") if row["writer"] != "hand"]
    known = [(_row(data.as_prompt(row), row["items"], row["writer"], "simulated"), row["flaws"]) for row in simulated]
    pile = [(row, list(flaws)) for row, flaws in rng.sample(known, size)]
    faultless = [row for row, flaws in pile if not flaws]
    writers = sorted({row["writer"] for row in faultless})
    pile += [
        ({**_near_copy(row, rng), "writer": rng.choice(writers)}, ["near copy"])
        for row in rng.sample(faultless, round(COPIES * size))
    ]
    pile += [(_taken(row, rng), ["taken from a page"]) for row in rng.sample(faultless, round(TAKEN * size))]
    pile += [
        (_with_line(row, MADE_UP, rng), ["personal data"]) for row in rng.sample(faultless, round(PERSONAL * size))
    ]
    pile += [(_with_line(row, PEOPLE, rng), ["a person by name"]) for row in rng.sample(faultless, round(NAMED * size))]
    rng.shuffle(pile)
    return [row for row, _ in pile], [flaws for _, flaws in pile]


def _near_copy(row: Row, rng: random.Random) -> Row:
    """The list again in another order, with one item exchanged, in other words of the prompt where there are some."""
    items = rng.sample(row["items"], len(row["items"]))
    kept = {item["item"] for item in items_of(row["topic"]) if set(row["constraints"]) <= set(item["tags"])}
    if others := sorted(kept - set(items)):
        items[rng.randrange(len(items))] = rng.choice(others)
    alike = [
        one.text
        for one in data.prompts("train")
        if one.topic == row["topic"] and set(one.constraints) == set(row["constraints"])
    ]
    return {**row, "prompt": rng.choice(alike), "items": items}


def _taken(row: Row, rng: random.Random) -> Row:
    """Two of the items are sentences of the course's notes on that topic, as somebody pastes them from a page."""
    notes = [item["note"] for item in items_of(row["topic"]) if len(item["note"].split()) >= 6]
    places, items = rng.sample(range(len(row["items"])), 2), list(row["items"])
    for place, note in zip(places, rng.sample(notes, 2), strict=True):
        items[place] = note
    return {**row, "items": items}


def _with_line(row: Row, lines: Sequence[str], rng: random.Random) -> Row:
    items = list(row["items"])
    items[rng.randrange(1, len(items))] = rng.choice(lines)
    return {**row, "items": items}


def notes(topic: str) -> list[str]:
    """The course's notes on a topic's items: the page that lists may have been copied from."""
    return [item["note"] for item in items_of(topic)]
