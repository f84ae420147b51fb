"""Peer review: a rubric, peers who score lists by it (simulated, unless a real peer's file is there), and agreement.

A row of scores is {"list", "reviewer", "source"} and a number for each criterion: 1, 2, 3, or 0, no score: it does
not apply, or the reviewer left it out.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from topfive import data
from topfive.errors import TopFiveError
from topfive.judge import Judge
from topfive.lists import render

if TYPE_CHECKING:
    from pandas import DataFrame

Row = dict[str, Any]

# criterion: what 1, 2 and 3 mean, and the part of the judge's opinion that a simulated peer goes by
RUBRIC = {
    "on_topic": ("one of the five fits at most", "some do not fit", "all five are what was asked for"),
    "constraint": ("mostly ignored", "some items break it", "every item keeps it; 0 if none was asked for"),
    "specific": ("fillers", "a filler, or hard to picture", "each item is one thing that can be seen"),
}
SCORES = (1, 2, 3)
SLIP = 0.06  # how often a simulated peer is one off by chance


def weighted_kappa(one: Sequence[int], other: Sequence[int]) -> float:
    """Agreement of two reviewers beyond chance, for scores with an order (Cohen 1968, squared weights).

    one, other: the scores of the same lists; 0 is no score, and a list counts if both scored it.
    1 − (mean squared difference on the same list) / (mean squared difference of any score of one and any of the other).
    Returns 1 at best, 0 as by chance, below 0 if worse; nan if no list is left, or if both give one and the same score
    throughout.
    """
    both = [(mine, theirs) for mine, theirs in zip(one, other, strict=True) if mine and theirs]
    if not both:
        return float("nan")
    mine, theirs = np.array(both, dtype=float).T
    by_chance = ((mine[:, None] - theirs[None, :]) ** 2).mean()
    return float(1 - ((mine - theirs) ** 2).mean() / by_chance) if by_chance else float("nan")


def simulated_peers(lists: Sequence[Row], names: Sequence[str] = ("Ada", "Ben"), seed: int = 0) -> list[Row]:
    """What simulated peers give each list: the judge's parts as 1, 2 or 3, now and then one off; the second is strict.

    lists: rows with prompt, topic, constraints, items. Every row of scores says `source: "simulated"`.
    """
    judged = Judge().judge_all([data.as_prompt(row) for row in lists], [render(row["items"]) for row in lists])
    rng = np.random.default_rng(seed)
    rows = []
    for number, name in enumerate(names):
        for place, (row, parts) in enumerate(zip(lists, judged, strict=True)):
            scores = {part: _score(getattr(parts, part), strict=bool(number % 2), rng=rng) for part in RUBRIC}
            scores["constraint"] *= bool(row["constraints"])
            rows.append({"list": place, "reviewer": name, "source": "simulated", **scores})
    return rows


def _score(part: float, strict: bool, rng: np.random.Generator) -> int:
    score = 3 if part > 0.99 else 2 if part > (0.7 if strict else 0.5) else 1
    if rng.random() < SLIP:
        score += rng.choice((-1, 1))
    return int(np.clip(score, 1, 3))


def reviews(lists: Sequence[Row], path: Path, seed: int = 0) -> list[Row]:
    """A real peer's scores if their file is there, with those of one simulated peer; else those of two simulated ones.

    Raises TopFiveError, naming file and line, if a row is not a row of scores of these lists.
    """
    if not path.is_file():
        return simulated_peers(lists, seed=seed)
    peer = [_checked(row, f"{path}:{number}", lists) for number, row in data.read_jsonl(path)]
    return [*peer, *simulated_peers(lists, names=("Ada",), seed=seed)]


def _checked(row: Any, where: str, lists: Sequence[Row]) -> Row:
    if not isinstance(row, dict) or not {"list", "reviewer", *RUBRIC} <= set(row):
        raise TopFiveError(f"{where}: a review has the keys list, reviewer, {', '.join(RUBRIC)}")
    if type(row["list"]) is not int or not 0 <= row["list"] < len(lists):
        raise TopFiveError(f"{where}: list should be 0 to {len(lists) - 1}, found {row['list']!r}")
    if row.get("items", lists[row["list"]]["items"]) != lists[row["list"]]["items"]:
        raise TopFiveError(
            f"{where}: this is a review of another list than your list {row['list']}; hand yours over again"
        )
    for criterion in RUBRIC:
        if type(row[criterion]) is not int or row[criterion] not in (0, *SCORES):
            raise TopFiveError(f"{where}: {criterion} should be 1, 2, 3, or 0 for no score, found {row[criterion]!r}")
    return {**row, "source": str(row.get("source") or "human")}


def hand_over(lists: Sequence[Row], path: Path) -> None:
    """Write lists for a peer to score, each with an empty row: nothing in it says who wrote them."""
    from topfive.files import write_atomic

    blank = dict.fromkeys(RUBRIC, 0)
    rows = [
        {"list": place, "prompt": row["prompt"], "items": row["items"], "reviewer": "", **blank}
        for place, row in enumerate(lists)
    ]
    path.parent.mkdir(exist_ok=True)
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


def by_reviewer(scores: Sequence[Row], criterion: str, number: int) -> dict[str, list[int]]:
    """For each reviewer their score of every list by one criterion, 0 where they gave none."""
    found: dict[str, list[int]] = {}
    for row in scores:
        found.setdefault(row["reviewer"], [0] * number)[row["list"]] = row[criterion]
    return found


def passed(scores: Sequence[Row], number: int) -> list[bool]:
    """For each list whether its mean score is above 2½ by every criterion that somebody scored."""
    marks: list[dict[str, list[int]]] = [{} for _ in range(number)]
    for row in scores:
        for criterion in RUBRIC:
            if row[criterion]:
                marks[row["list"]].setdefault(criterion, []).append(row[criterion])
    return [all(sum(given) / len(given) > 2.5 for given in one.values()) for one in marks]


def stopped(flaws: Sequence[Sequence[str]], by_program: Sequence[bool], by_peers: Sequence[bool]) -> "DataFrame":
    """For each kind of flaw, how many lists have it, and how many of them did not pass the program, or the peers."""
    from pandas import DataFrame

    rows = [
        {"flaw": kind, "lists": 1, "stopped by the program": not program, "stopped by peers": not peers}
        for names, program, peers in zip(flaws, by_program, by_peers, strict=True)
        for kind in names or ["no flaw"]
    ]
    return DataFrame(rows).groupby("flaw").sum().sort_values("lists", ascending=False)
