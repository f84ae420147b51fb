"""A class's ledgers as one dataset, without anybody's name: consented answers about the course's own lists, and no text
of a student's.

What goes in is chosen, not what stays out: places, ratings, sides, seconds, "not sure", and lists that the course
ships, by their text. What cannot be proven harmless is left out and counted: reasons, written lists, lists that a
model made for one student, times of day, keys, the names of files and of panels.
"""

import json
import math
import secrets
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from topfive import data
from topfive.annotation.formats import bias_reading
from topfive.annotation.scores import Comparisons, fit_scores
from topfive.errors import TopFiveError
from topfive.files import write_folder_atomic
from topfive.ledger.consent import given_in
from topfive.ledger.convert import BEST_AND_WORST, is_rating, scales_of, shared_places
from topfive.ledger.reading import answers, is_ledger, read
from topfive.ledger.store import Event, Ledger
from topfive.stats import ratio_bootstrap

SCALES = ("overall", "helpful", "faithful")
TYPES = ("rate", "compare", "rank")
Row = dict[str, Any]


@dataclass
class Pool:
    """What was put together: rows of judgements, and in words what was left out and why."""

    judgements: list[Row] = field(default_factory=list)
    words: list[str] = field(default_factory=list)


# --- which ledgers ------------------------------------------------------------------------------------------------


def find(places: Sequence[Path]) -> list[Path]:
    """The ledgers among these files and below these folders. Raises TopFiveError if a place has none."""
    found: list[Path] = []
    for place in places:
        if not place.exists():
            raise TopFiveError(f"{place}: there is no such file or folder")
        files = sorted(place.rglob("*.jsonl")) if place.is_dir() else [place]
        own = [file for file in files if not place.is_dir() or (is_ledger(file) or file.name == "ledger.jsonl")]
        own = [file for file in own if "brought" not in file.relative_to(place).parts]  # copies of another assignment's
        if not own:
            raise TopFiveError(f"{place}: no ledger in it; they are called work/ledger.jsonl")
        found += own
    return list(dict.fromkeys(file.resolve() for file in found))


def gather(paths: Sequence[Path]) -> Pool:
    """The judgements of all ledgers that say yes, each labeller under a number drawn by lot.

    The ledgers stay as they are.
    Copies of one ledger count once, event by event. Files are named in `words` as they were given; in rows never.
    """
    pool = Pool()
    copies: dict[str, list[Path]] = defaultdict(list)
    for path in paths:
        header = Ledger(path).header()
        known = header["id"] if header.get("id") not in (None, "", "unreadable") and is_ledger(path) else str(path)
        copies[str(known)].append(path)
    labellers: dict[str, list[Event]] = defaultdict(list)
    refused = 0
    for files in copies.values():
        events, student = _together(files, pool)
        if not given_in(events):
            refused += 1
            continue
        labellers[student] += answers(events)
    if refused:
        pool.words.append(f"{refused} of {len(copies)} ledgers without consent: nothing of them is in the pool")
    names = _numbers(len(labellers))
    for name, events in zip(names, labellers.values(), strict=True):
        _add(pool, name, events)
    pool.judgements.sort(key=lambda row: (row["labeller"], row["prompt"], row["kind"], row["texts"], row["repeat"]))
    return pool


def _together(files: Sequence[Path], pool: Pool) -> tuple[list[Event], str]:
    """Events of one ledger from all its copies, each once, by time; and the student's key, or what stands for it."""
    found: dict[str, Event] = {}
    for path in files:
        events, problems = read(path)
        pool.words += problems
        for event in events:
            found.setdefault(event["id"], event)
    if len(files) > 1:
        pool.words.append(
            f"{', '.join(map(str, files))}: copies of one ledger (a student handed in twice?); counted once"
        )
        return sorted(found.values(), key=lambda event: str(event.get("time"))), _student(files[0])
    return list(found.values()), _student(files[0])


def _student(path: Path) -> str:
    key = Ledger(path).header().get("student")
    return str(key) if key and key != "unreadable" else f"{path} {secrets.token_hex(8)}"


def _numbers(count: int) -> list[str]:
    """Names for labellers, in an order that nobody can work out."""
    names = [f"s{number:02}" for number in range(1, count + 1)]
    secrets.SystemRandom().shuffle(names)
    return names


# --- what of an answer --------------------------------------------------------------------------------------------


@cache
def shipped_lists() -> frozenset[tuple[str, str]]:
    """(prompt, text) of every list that comes with the course and that its panels may ask about."""
    return frozenset((row["prompt"], row["text"]) for row in data.rows("crowd/lists"))


def _add(pool: Pool, labeller: str, events: Iterable[Event]) -> None:
    left: Counter[str] = Counter()
    for event in events:
        row = _row(event)
        if isinstance(row, str):
            left[row] += 1
        else:
            pool.judgements.append({"labeller": labeller, **row})
    pool.words += [f"{labeller}: {count} answers left out: {why}" for why, count in sorted(left.items())]


def _row(event: Event) -> Row | str:
    """What of an answer goes into the pool, every value of it checked; or why it does not."""
    kind, texts, prompt = event.get("type"), event.get("texts"), event.get("prompt")
    if kind not in TYPES or event.get("of") != "lists":
        return "not a judgement of lists (what students write stays with them)"
    asked = prompt.get("text") if isinstance(prompt, dict) else None
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts) or not texts:
        return "unreadable, or of another version of the panel"
    if not all((asked, text) in shipped_lists() for text in texts):
        return "lists that do not come with the course"
    said = _said(event, len(texts))
    if said is None:
        return "unreadable, or of another version of the panel"
    also = event.get("also")
    second = _said({**event, "mode": "", "bad": False, **also}, len(texts)) if isinstance(also, dict) else None
    return {
        "kind": BEST_AND_WORST if event.get("mode") == BEST_AND_WORST else kind,
        "prompt": asked,
        "texts": texts,
        "shown": _shown(event, len(texts)),
        **said,
        "also": second["ranks"] if second and kind != "rate" else None,
        "suggested": _index(event.get("suggested"), len(texts)),
        "unsure": event.get("sure") is False,
        "repeat": bool(event.get("repeat_of")),
        "seconds": _seconds(event.get("seconds")),
        "simulated": event.get("source") == "simulated",
    }


def _said(event: Mapping[str, Any], texts: int) -> Row | None:
    """Ratings, or places from 1 (the best); None if they are not what such an answer holds."""
    if event.get("type") == "rate":
        if not is_rating(dict(event)):
            return None
        scales = scales_of(dict(event)) or {"overall": event["rating"]}
        return {"ranks": None, "ratings": {name: scales[name] for name in SCALES if name in scales}}
    ranks = event.get("ranks")
    if event.get("bad") is True:
        ranks = [1] * texts
    elif event.get("mode") == BEST_AND_WORST:
        ranks = shared_places(dict(event))
    if not isinstance(ranks, list) or not len(ranks) == texts >= 2:
        return None
    if not all(type(rank) is int and 1 <= rank <= texts for rank in ranks):
        return None
    return {"ranks": ranks, "ratings": None}


def _shown(event: Event, texts: int) -> list[int] | None:
    shown = event.get("shown")
    if not isinstance(shown, list) or not all(type(index) is int for index in shown):
        return None
    return shown if sorted(shown) == list(range(texts)) else None


def _index(value: object, texts: int) -> int | None:
    return value if type(value) is int and 0 <= value < texts else None


def _seconds(value: object) -> float | None:
    if type(value) not in (int, float) or not math.isfinite(value) or not 0 <= value < 86_400:  # type: ignore[arg-type, operator]
        return None
    return round(float(value), 1)  # type: ignore[arg-type]


# --- agreement, worker quality, aggregated labels -----------------------------------------------------------------


def pairs(row: Row) -> dict[tuple[str, str], int]:
    """What an order says: (text, other), in alphabetical order, → 1, −1, or 0 for a tie."""
    found: dict[tuple[str, str], int] = {}
    if row["ranks"] is None:
        return found
    for (a, place), (b, other) in combinations(sorted(zip(row["texts"], row["ranks"], strict=True)), 2):
        sign = int(np.sign(other - place))
        if a != b and (sign or row["kind"] != BEST_AND_WORST):
            found[a, b] = sign
    return found


def _opinions(rows: Sequence[Row]) -> dict[str, dict[tuple[str, str, str], list[int]]]:
    """By labeller, what they said about each (prompt, text, other). Repeats are left out."""
    found: dict[str, dict[tuple[str, str, str], list[int]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        found[row["labeller"]]
        for (a, b), sign in pairs(row).items() if not row["repeat"] else ():
            found[row["labeller"]][row["prompt"], a, b].append(sign)
    return found


def _agreed(
    one: Mapping[tuple[str, str, str], Sequence[int]], other: Mapping[tuple[str, str, str], Sequence[int]]
) -> tuple[int, int]:
    """Pairs that two labellers put in the same order, and pairs that both told apart; of several words their sum."""
    signs = [int(np.sign(sum(one[key]) * sum(other[key]))) for key in one.keys() & other.keys()]
    return sum(sign > 0 for sign in signs), sum(sign != 0 for sign in signs)


def report(rows: Sequence[Row]) -> Row:
    """How many labellers and judgements, and the share of pairs that two order alike (labellers resampled)."""
    said = _opinions(rows)
    counts = np.array(
        [
            np.sum([_agreed(said[one], said[other]) for other in said if other != one] or [(0, 0)], axis=0)
            for one in said
        ],
        dtype=float,
    ).reshape(-1, 2)
    known = counts[counts[:, 1] > 0]
    agreement = ratio_bootstrap(known[:, 0], known[:, 1]).to_dict() if len(known) else None
    return {
        "labellers": len(said),
        "judgements": len(rows),
        "simulated": sum(row["simulated"] for row in rows),
        "agreement": agreement,
    }


def labellers(rows: Sequence[Row]) -> list[Row]:
    """One row a labeller: answers, seconds, steadiness on repeats, agreement with the others, which side they took."""
    said = _opinions(rows)
    found = []
    for name in sorted(said):
        own = [row for row in rows if row["labeller"] == name]
        others = [_agreed(said[name], said[other]) for other in said if other != name]
        same, both = np.sum(others or [(0, 0)], axis=0).tolist()
        took = [row["seconds"] for row in own if row["seconds"] is not None]
        sides = Counter(side for row in own if (side := _side(row)) is not None)
        steady = _repeats(own)
        found.append(
            {
                "labeller": name,
                "answers": len(own),
                "median_seconds": median(took) if took else None,
                "repeats": len(steady),
                "repeats_alike": sum(steady),
                "pairs_with_others": both,
                "pairs_alike": same,
                "took_first": sides[0],
                "took_second": sides[1],
                "sides": bias_reading(sides[0], sides[1]),
            }
        )
    return found


def _side(row: Row) -> int | None:
    """Which side a comparison took: 0 the first shown, 1 the second; None for a tie, or for anything else."""
    if row["kind"] != "compare" or row["shown"] is None or row["ranks"][0] == row["ranks"][1]:
        return None
    return int(row["shown"].index(row["ranks"].index(1)))


def _repeats(own: Sequence[Row]) -> list[bool]:
    """For every repeat whose original is there, whether the answer was the same."""
    first = {(row["kind"], row["prompt"], tuple(row["texts"])): row for row in own if not row["repeat"]}
    again = [(row, first.get((row["kind"], row["prompt"], tuple(row["texts"])))) for row in own if row["repeat"]]
    return [(row["ranks"], row["ratings"]) == (one["ranks"], one["ratings"]) for row, one in again if one is not None]


def aggregated(rows: Sequence[Row]) -> list[Row]:
    """One row a list: its score among the lists for its prompt, and by how many labellers it was judged.

    Scores are Bradley–Terry's with ties and a leaning for each labeller (`annotation.scores`), from pairs that were
    told apart or tied; the mean for a prompt is 0. Ratings are given as means, each on its own scale.
    """
    by_prompt: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_prompt[row["prompt"]].append(row)
    found = []
    for prompt, about in sorted(by_prompt.items()):
        texts = sorted({text for row in about for text in row["texts"]})
        scores = _scores(about, texts)
        for text in texts:
            judged = {row["labeller"] for row in about if text in row["texts"]}
            rated = [row["ratings"] for row in about if row["ratings"] and row["texts"] == [text] and not row["repeat"]]
            means = {
                f"mean_{name}": round(float(np.mean(given)), 2)
                if (given := [r[name] for r in rated if name in r])
                else None
                for name in SCALES
            }
            score = None if scores is None else round(float(scores[texts.index(text)]), 3)
            found.append({"prompt": prompt, "text": text, "labellers": len(judged), "score": score, **means})
    return found


def _scores(rows: Sequence[Row], texts: Sequence[str]) -> Any:
    """Scores of a prompt's lists, None if no pair was judged. A pair keeps the side on which each list stood."""
    first, second, outcome, who = [], [], [], []
    for row in rows:
        has_sides = row["kind"] == "compare" and row["shown"] is not None
        for (a, b), sign in pairs(row).items() if not row["repeat"] else ():
            turned = has_sides and row["texts"][row["shown"][0]] == b
            first.append(texts.index(b if turned else a))
            second.append(texts.index(a if turned else b))
            outcome.append({1: 0, -1: 1, 0: 2}[-sign if turned else sign])
            who.append(row["labeller"] if has_sides else "")
    if not outcome:
        return None
    given = Comparisons(np.array(first), np.array(second), np.array(outcome), tuple(who))
    return fit_scores(given, len(texts)).scores


# --- the folder ---------------------------------------------------------------------------------------------------

CARD = """# A class's judgements of top-5 lists

Pooled by `topfive ledger pool` from ledgers whose owners agreed: {labellers} labellers, {judgements} judgements, of
them {simulated} simulated. Of the pairs of lists that two labellers both told apart, they put {agreement} in
the same order (95 % interval, resampling labellers).

- `judgements.jsonl`: one row an answer. Labeller (a number drawn by lot), kind, prompt, texts, the order on the screen,
  places or ratings, the places of the second question, not sure, repeat, seconds.
- `labellers.jsonl`: one row a labeller. Answers, seconds, steadiness on repeats, agreement with the others, sides.
- `lists.jsonl`: one row a list. Score (Bradley–Terry with ties and a leaning for each labeller; mean 0 within a
  prompt), mean ratings.

Left out on purpose: names, keys, times of day, whatever a student wrote, and lists that do not come with the course.
A labeller's answers are still one person's: in a small class, whoever knows one of them can find the others. Keep it in
the class, and delete it with the ledgers.
"""


def write(pool: Pool, out: Path) -> Row:
    """Write the dataset into the folder `out`, whole or not at all, and return its numbers.

    Raises TopFiveError if nobody agreed, or if `out` holds something else than an earlier pool.
    """
    if not pool.judgements:
        raise TopFiveError("nothing to pool: no ledger with consent holds a judgement of the course's own lists")
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not (out / "judgements.jsonl").is_file())):
        raise TopFiveError(f"{out}: holds something else; give a new folder")
    numbers = report(pool.judgements)
    found = numbers["agreement"]
    share = f"{found['mean']:.2f} [{found['low']:.2f}, {found['high']:.2f}]" if found else "an unknown share"
    tables = {
        "judgements": pool.judgements,
        "labellers": labellers(pool.judgements),
        "lists": aggregated(pool.judgements),
    }

    def fill(folder: Path) -> None:
        for name, rows in tables.items():
            lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (folder / f"{name}.jsonl").write_text(lines, "utf-8")
        (folder / "README.md").write_text(CARD.format(**{**numbers, "agreement": share}), "utf-8")

    write_folder_atomic(out, fill)
    return numbers
