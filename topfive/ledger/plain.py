"""Ranking in a terminal, for when no panel works: the same tasks, the same events, the same ledger."""

import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from string import ascii_lowercase

from topfive import data
from topfive.errors import TopFiveError
from topfive.ledger.convert import ranking_event
from topfive.ledger.reading import live, read
from topfive.ledger.store import Event, Ledger
from topfive.ledger.tasks import Task
from topfive.lists import Prompt, Ranking, render

PANEL = "plain"
HELP = (
    "Best first, such as `c a b d` or `c > a > b > d`; `=` ties (`c a=b d`); s skips, u undoes, q stops. "
    "Each answer is saved at once."
)
LINE = re.compile(r"[a-z](\s*[=>,]?\s*[a-z])*")
FILE_SCHEMA: dict[str, type] = {"prompt": str, "texts": list}


def shipped_tasks(size: int) -> list[Task]:
    """Tasks of `size` lists each, from the shipped demonstrations; a prompt's lists are not used twice.

    Every prompt comes once before any comes again, so that few rankings are about many prompts.
    """
    lists: dict[str, list[str]] = defaultdict(list)
    prompts: dict[str, Prompt] = {}
    for row in data.rows("demonstrations"):
        prompts[row["prompt"]] = data.as_prompt(row)
        lists[row["prompt"]].append(render(row["items"]))
    found = [
        (start, Task(prompts[text], tuple(different[start : start + size])))
        for text, texts in lists.items()
        for different in [list(dict.fromkeys(texts))]
        for start in range(0, len(different) - size + 1, size)
    ]
    return [task for _, task in sorted(found, key=lambda one: one[0])]


def tasks_from(path: Path) -> list[Task]:
    """Tasks in a JSONL file with `prompt` (text) and `texts` (2 to 6 lists) a line.

    The course's own prompts, however they are spelt, bring their topic along. Raises DataError on a bad line.
    """
    return [_task(where, row) for where, row in data.read_table(path, FILE_SCHEMA)]


def _task(where: str, row: data.Row) -> Task:
    texts = row["texts"]
    if not 2 <= len(texts) <= 6 or not all(isinstance(text, str) for text in texts):
        raise data.DataError(f"{where}: 'texts' should be 2 to 6 texts")
    return Task(data.known_prompt(row["prompt"]) or Prompt(row["prompt"], topic=""), tuple(texts))


def rank(
    tasks: Iterable[Task],
    ledger: Ledger,
    ask: Callable[[str], str] = input,
    tell: Callable[[str], None] = print,
) -> int:
    """Ask for one ranking after the other until the tasks or the answers end. Returns how many were given.

    Tasks that the ledger already holds an answer or a skip for are passed over; one that comes twice is asked once.
    """
    done = {event.get("task") for event in live(read(ledger.path)[0]) if event["kind"] in ("answer", "skip")}
    waiting = [task for name, task in {task.id: task for task in tasks}.items() if name not in done]
    key = ledger.header()["student"]
    kept: list[Event] = []
    tell(HELP)
    while len(kept) < len(waiting):
        task = waiting[len(kept)]
        shown = task.shown(key)
        tell(_page(task, shown, len(kept) + 1, len(waiting)))
        event = _answer(task, shown, ask, tell)
        if event is None:
            break
        if event["kind"] != "undo":
            kept.append(ledger.append(event))
        elif kept:
            ledger.append({"kind": "undo", "panel": PANEL, "of": kept.pop()["id"]})
        else:
            tell("Nothing to undo in this session.")
    return sum(event["kind"] == "answer" for event in kept)


def _page(task: Task, shown: Sequence[int], number: int, count: int) -> str:
    lists = (f"[{letter}]{task.texts[index]}" for letter, index in zip(ascii_lowercase, shown, strict=False))
    return f"\n--- {number} of {count}: {task.prompt.text} ---\n" + "\n\n".join(lists) + "\n"


def _answer(task: Task, shown: Sequence[int], ask: Callable[[str], str], tell: Callable[[str], None]) -> Event | None:
    """The event for one answer, asked for until it can be read; None to stop."""
    began = time.monotonic()
    while True:
        try:
            line = ask("> ").strip().lower()
        except (EOFError, KeyboardInterrupt):
            return None
        if line in ("q", "quit"):
            return None
        if line in ("u", "undo"):
            return {"kind": "undo"}
        about: Event = {"panel": PANEL, "task": task.id, "shown": list(shown)}
        if line in ("s", "skip"):
            return {"kind": "skip", **about}
        try:
            ranking = Ranking(task.prompt, task.texts, places(line, shown))
        except TopFiveError as error:
            tell(str(error))
            continue
        return ranking_event(ranking, **about, seconds=round(time.monotonic() - began, 1), side=False)


def places(line: str, shown: Sequence[int]) -> tuple[int, ...]:
    """Read `c a=b d`, `c > a = b > d` or `c, a=b, d`: the place of each list by index.

    Letter number i names the list shown at i. Tied lists share the place of the first of them, and the next place is
    skipped (1, 2, 2, 4). Raises TopFiveError unless every letter stands there exactly once.
    """
    letters = ascii_lowercase[: len(shown)]
    text = re.sub(r"[\s>,]", "", line)
    if not LINE.fullmatch(line.strip()) or sorted(text.replace("=", "")) != list(letters):
        raise TopFiveError(f"Please write each of {', '.join(letters)} once, best first, with = between ties.")
    ranks = [0] * len(shown)
    place = 1
    for position, letter in enumerate(text.replace("=", ""), start=1):
        tied = text[max(0, text.index(letter) - 1)] == "="
        place = place if tied else position
        ranks[shown[letters.index(letter)]] = place
    return tuple(ranks)
