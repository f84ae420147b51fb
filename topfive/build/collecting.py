"""What notebook 04 shows without clicks, and what takes too long there: recorded once, from seeds.

    python -m topfive.build.collecting ledger    a simulated student's answers to the notebook's four panels; seconds
    python -m topfive.build.collecting formats   which way of asking teaches most in the same minutes; half an hour
    python -m topfive.build.collecting active    the most informative pair against a random one; ten minutes

writes data/recorded/collecting/. Everything in it is simulated, and says so.
"""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from topfive import data
from topfive.annotation.active import race
from topfive.collecting import minutes
from topfive.collecting.tasks import ALSO, WAYS, tasks
from topfive.crowd import SOURCE
from topfive.files import write_atomic
from topfive.judge import Judge, load_taste
from topfive.ledger import Task
from topfive.ledger.convert import prompt_record

SEED = 20261127
STUDENT, LEDGER = "simulated-student", "simulated-ledger"
Said = tuple[dict[str, Any], bool]  # an answer's own keys, and whether the student is sure
NOISE, FIRST_BIAS, SUGGESTION, TIE_WIDTH, UNSURE = 0.8, 0.5, 0.8, 0.25, 0.8
FORMAT_SEEDS, MINUTES = range(8), (10, 20, 40)
ACTIVE_SEEDS, SPREADS = range(0, 2000, 10), (1.0, 2.0, 3.0)
ACTIVE_LISTS, ACTIVE_ANSWERS = 16, 120


def folder() -> Path:
    """Where the records lie."""
    return data.folder() / "recorded" / "collecting"


# --- a simulated student ------------------------------------------------------------------------------------------


class ClickingStudent:
    """Answers the notebook's tasks as its panels would write it down.

    A list's worth is the judge's score with a taste, looked at with noise; what is shown first gains a
    little, and so does what is suggested. Unsure where what was seen lay close together.
    """

    def __init__(self, taste: str, seed: int):
        self.judge = Judge(load_taste(taste))
        self.plain = Judge()
        self.rng = np.random.default_rng(seed)

    def answer(self, way: str, task: Task) -> dict[str, Any]:
        """The event's own keys: what was answered, how sure, and in how many seconds."""
        worth = self.judge.scores([task.prompt] * len(task.texts), task.texts)
        seen = worth + self.rng.gumbel(scale=NOISE, size=len(worth))
        seen[task.shown(STUDENT)[0]] += FIRST_BIAS * (len(worth) > 1)
        if task.suggested is not None:
            seen[task.suggested] += SUGGESTION
        took = {"seconds": round(float(typical_seconds(way, task) * self.rng.lognormal(sigma=minutes.SPREAD)), 1)}
        ways = {
            "rate": self._rate,
            "compare": self._compare,
            "rank": self._rank,
            "best and worst": self._best_and_worst,
        }
        said, sure = ways[way](task, seen)
        return said | ({} if sure else {"sure": False}) | took

    def _rate(self, task: Task, seen: Any) -> Said:
        cuts = np.array([3.0, 4.5, 6.5, 8.0])
        faithful = self.plain.judge(task.prompt, task.texts[0])
        kept = 1 + round(2 * (faithful.on_topic + faithful.constraint))
        helpful = 1 + int((seen[0] > cuts).sum())
        sure = bool(np.abs(seen[0] - cuts).min() > UNSURE / 2)
        return {"rating": helpful, "ratings": {"helpful": helpful, "faithful": kept}}, sure

    def _compare(self, task: Task, seen: Any) -> Said:
        ahead = float(seen[0] - seen[1])
        kept = [one.on_topic + one.constraint for one in (self.plain.judge(task.prompt, text) for text in task.texts)]
        also = {"question": ALSO, **_pair(kept[0] - kept[1], abs(kept[0] - kept[1]) < 0.1)}
        return {**_pair(ahead, abs(ahead) < TIE_WIDTH), "also": also}, abs(ahead) > UNSURE

    def _rank(self, task: Task, seen: Any) -> Said:
        order = np.argsort(-seen)
        ranks = np.empty(len(seen), dtype=int)
        ranks[order] = np.arange(1, len(seen) + 1)
        return {"ranks": ranks.tolist()}, bool(np.abs(np.diff(seen[order])).min() > UNSURE / 2)

    def _best_and_worst(self, task: Task, seen: Any) -> Said:
        order = np.sort(seen)
        sure = bool(min(order[-1] - order[-2], order[1] - order[0]) > UNSURE / 2)
        return {"mode": "best and worst", "best": int(seen.argmax()), "worst": int(seen.argmin())}, sure


def typical_seconds(way: str, task: Task) -> float:
    """How long the simulated student usually takes (the median): reading, and each decision."""
    return 60 * task.words() / minutes.WORDS_A_MINUTE + minutes.SECONDS_A_DECISION * minutes.DECISIONS[way]


def _pair(ahead: float, tie: bool) -> dict[str, Any]:
    """Places of two lists, and by how much, as the panel for comparing writes it."""
    return {
        "ranks": [1, 1] if tie else [1, 2] if ahead > 0 else [2, 1],
        "strength": 0 if tie else min(3, 1 + int(abs(ahead) // 2)),
    }


def events(taste: str = "vegetarian", seed: int = SEED) -> Iterator[dict[str, Any]]:
    """The ledger's lines: header, then every answer in order, each marked as simulated."""
    clock = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
    student = ClickingStudent(taste, seed)

    def line(**keys: Any) -> dict[str, Any]:
        return {"v": 1, **keys, "source": SOURCE, "time": clock.isoformat(timespec="milliseconds")[:-6] + "Z"}

    yield line(kind="header", id=LEDGER, student=STUDENT, assignment="04-collecting-preferences")
    for way in WAYS:
        for number, task in enumerate(tasks(way)):
            said = student.answer(way, task)
            clock += timedelta(seconds=said["seconds"] + 1)
            yield line(
                kind="answer",
                id=f"simulated-{way.replace(' ', '-')}-{number:02}",
                type="rank" if way == "best and worst" else way,
                of="lists",
                panel=way,
                task=task.id,
                prompt=prompt_record(task.prompt),
                texts=list(task.texts),
                shown=task.shown(STUDENT),
                repeat_of=task.repeat_of,
                **({} if task.suggested is None else {"suggested": task.suggested}),
                side=False,
                **said,
            )


# --- records ------------------------------------------------------------------------------------------------------


def formats() -> dict[str, Any]:
    """Right pairs of a word reward by way of asking, minutes and seed."""
    found: dict[str, Any] = {"source": SOURCE, "taste": "vegetarian", "seeds": list(FORMAT_SEEDS), "runs": []}
    for length in MINUTES:
        for way in minutes.WAYS:
            for seed in FORMAT_SEEDS:
                rankings, number = minutes.labelled(way, length, seed)
                right = round(minutes.right_pairs(rankings, seed), 4)
                found["runs"].append({"minutes": length, "way": way, "seed": seed, "answers": number, "right": right})
            print(found["runs"][-1], flush=True)
    return found


def active() -> dict[str, Any]:
    """How many answers an active choice needs, by how far the lists' scores lie apart; None: more than random has."""
    found: dict[str, Any] = {"source": SOURCE, "lists": ACTIVE_LISTS, "answers": ACTIVE_ANSWERS, "runs": []}
    found["seeds"] = len(ACTIVE_SEEDS)
    for spread in SPREADS:
        done = race(ACTIVE_SEEDS, ACTIVE_LISTS, ACTIVE_ANSWERS, spread)
        curves = {"active": done.active.mean(axis=0), "random": done.random.mean(axis=0)}
        found["runs"].append(
            {
                "spread": spread,
                "share": round(done.share(), 3),
                "interval": [round(end, 3) if end <= 1 else None for end in done.interval()],
                **{name: np.round(curve, 4).tolist() for name, curve in curves.items()},
            }
        )
        print({key: found["runs"][-1][key] for key in ("spread", "share", "interval")}, flush=True)
    return found


def main(*names: str) -> None:
    """Make what is named, or all of it."""
    folder().mkdir(parents=True, exist_ok=True)
    for name in names or ("ledger", "formats", "active"):
        if name == "ledger":
            lines = [json.dumps(event, ensure_ascii=False, separators=(",", ":")) for event in events()]
            write_atomic(folder() / "ledger.jsonl", "\n".join(lines) + "\n")
        else:
            record = {"formats": formats, "active": active}[name]()
            write_atomic(folder() / f"{name}.json", json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
