"""How good is the text under data/? The quality table, three pictures, and what readers found.

    topfive data report --out runs/data-report

prints the table in markdown and writes it there with a picture. `agreement` and `share_without_error` compute, from
data/readings/, the figures of docs/data.md that rest on reading by hand.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from topfive import data
from topfive.files import write_atomic
from topfive.lists import normalise
from topfive.stats import Estimate, ratio_bootstrap, wilson

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Table = list[tuple[str, str, str]]

NEAR = 0.6
PARTS = ("valid", "on_topic", "constraint", "distinct", "specific")
READINGS: dict[str, dict[str, Any]] = {
    "items": {"id": str, "item": str, "tags": list, "missing": list, "wrong": list, "mended": int, "reader": str},
    "demonstrations": {"prompt": str, "items": list, "writer": str, "problems": list, "reader": str},
    "judge": {
        "prompt": str, "topic": str, "constraints": list, "text": str, "made_by": str,
        "judge": dict, "second": dict, "reader": str,
    },
}  # fmt: skip


def write_report(folder: Path) -> str:
    """Write report.md and report.png into `folder`; returns the table in markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    text = markdown(quality_table())
    write_atomic(folder / "report.md", text)
    pictures().savefig(folder / "report.png", dpi=150, facecolor="white")
    return text


def markdown(table: Table) -> str:
    """The table in markdown, a part named once and its columns aligned."""
    lines = [("part", "measure", "value"), *table]
    widths = [max(len(line[column]) for line in lines) for column in range(3)]
    lines.insert(1, ("-" * widths[0], "-" * widths[1], "-" * widths[2]))
    named = [
        ("" if index > 2 and line[0] == lines[index - 1][0] else line[0], line[1], line[2])
        for index, line in enumerate(lines)
    ]
    return "".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |\n"
        for line in named
    )


def quality_table() -> Table:
    """(part, measure, value) for all of data/."""
    table = [*_count_rows(), *_item_rows(), *_text_rows()]
    return [*table, *_crowd_rows()] if (data.folder() / "crowd").is_dir() else table


# --- items and text -----------------------------------------------------------------------------------------------


def _count_rows() -> Table:
    names = [name for name in data.SCHEMAS if "/" not in name]
    table = [("counts", name, f"{len(data.rows(name)):,}") for name in names]
    splits = Counter(row["split"] for row in data.rows("prompts"))
    return [*table, *(("counts", f"prompts, {split}", f"{splits[split]:,}") for split in data.SPLITS)]


def _item_rows() -> Table:
    items = data.rows("items")
    topics = Counter(row["topic"] for row in items)
    shares = tag_shares(items)
    rarest, commonest = min(shares, key=shares.__getitem__), max(shares, key=shares.__getitem__)
    tags = [len(row["tags"]) for row in items]
    words = Counter(word for row in items for word in words_of(row["item"]))
    return [
        ("items", "exact duplicates in a topic", str(len(exact_duplicates(items)))),
        ("items", "texts in several topics", str(shared_texts(items))),
        ("items", f"near duplicates in a topic (word overlap ≥ {NEAR})", str(len(near_duplicates(items)))),
        ("items", "items a topic", f"{min(topics.values())} to {max(topics.values())}"),
        ("items", "rarest tag", f"{rarest}, {shares[rarest]:.1%} of items"),
        ("items", "commonest tag", f"{commonest}, {shares[commonest]:.1%} of items"),
        ("items", "tags an item", f"{np.mean(tags):.2f} ({min(tags)} to {max(tags)})"),
        ("items", "different words", f"{len(words):,}"),
        ("items", "words that occur once", f"{once(words):.1%}"),
    ]


def _text_rows() -> Table:
    rows = data.rows("demonstrations")
    flaws = Counter(flaw for row in rows for flaw in row["flaws"])
    flawed = sum(bool(row["flaws"]) for row in rows)
    words = Counter(word for document in data.pretraining_text() for word in document.split())
    return [
        ("demonstrations", "with a flaw", f"{flawed:,} ({flawed / len(rows):.1%})"),
        *(("demonstrations", f"flaw {flaw}", f"{number:,}") for flaw, number in sorted(flaws.items())),
        ("pretraining text", "words", f"{words.total():,}"),
        ("pretraining text", "documents", f"{len(data.pretraining_text()):,}"),
    ]


def words_of(item: str) -> list[str]:
    """The words of an item in one spelling, hyphens and commas taken as spaces."""
    return normalise(item).replace("-", " ").replace(",", " ").split()


def _by_topic(items: Iterable[data.Row]) -> dict[str, list[data.Row]]:
    topics: dict[str, list[data.Row]] = defaultdict(list)
    for row in items:
        topics[row["topic"]].append(row)
    return topics


def _pairs_in_topics(items: Iterable[data.Row]) -> Iterable[tuple[data.Row, data.Row]]:
    return (pair for rows in _by_topic(items).values() for pair in combinations(rows, 2))


def exact_duplicates(items: Iterable[data.Row]) -> list[tuple[str, str]]:
    """Ids of pairs of a topic with the same text in one spelling."""
    return [
        (one["id"], other["id"])
        for one, other in _pairs_in_topics(items)
        if normalise(one["item"]) == normalise(other["item"])
    ]


def shared_texts(items: Iterable[data.Row]) -> int:
    """How many texts stand in more than one topic."""
    topics: dict[str, set[str]] = defaultdict(set)
    for row in items:
        topics[normalise(row["item"])].add(row["topic"])
    return sum(len(found) > 1 for found in topics.values())


def near_duplicates(items: Iterable[data.Row], overlap: float = NEAR) -> list[tuple[str, str]]:
    """Ids of pairs of a topic whose words overlap by at least `overlap` (Jaccard), exact duplicates left out."""
    words = {row["id"]: frozenset(words_of(row["item"])) for row in items}
    return [
        (one["id"], other["id"])
        for one, other in _pairs_in_topics(items)
        for mine, theirs in [(words[one["id"]], words[other["id"]])]
        if len(mine & theirs) >= overlap * len(mine | theirs) and normalise(one["item"]) != normalise(other["item"])
    ]


def tag_shares(items: Sequence[data.Row]) -> dict[str, float]:
    """Share of the items that carry each tag of the vocabulary."""
    carried = Counter(tag for row in items for tag in row["tags"])
    return {tag: carried[tag] / len(items) for tag in data.tag_names()}


def once(words: Counter[str]) -> float:
    """Share of different words that occur once."""
    return sum(number == 1 for number in words.values()) / len(words)


# --- the crowd ----------------------------------------------------------------------------------------------------


def _crowd_rows() -> Table:
    kinds = Counter(row["kind"] for row in data.rows("crowd/workers"))
    ordinary = {row["worker"] for row in data.rows("crowd/workers") if row["kind"] == "ordinary"}
    comparisons = data.rows("crowd/comparisons")
    ratings = Counter(row["rating"] for row in data.rows("crowd/ratings"))
    ties = sum(row["answer"] == "tie" for row in comparisons)
    golden = [row for row in comparisons if row["gold"]]
    tasks = {"ratings": ("list",), "comparisons": ("first", "second"), "rankings": ("lists",)}
    return [
        ("crowd", "workers", ", ".join(f"{number} {kind}" for kind, number in kinds.most_common())),
        *(("crowd", f"{name}", f"{len(data.rows(f'crowd/{name}')):,}") for name in ("lists", *tasks)),
        *(("crowd", f"workers a task, {name}", f"{overlap(name, keys):.2f}") for name, keys in tasks.items()),
        ("crowd", "agreement, ordinary workers", agreement_of_workers(comparisons, ordinary)),
        ("crowd", "agreement, all workers", agreement_of_workers(comparisons)),
        ("crowd", "ties", f"{ties / len(comparisons):.1%}"),
        ("crowd", "golden pairs right, ordinary workers", str(golden_accuracy(golden, ordinary))),
        ("crowd", "golden pairs right, all workers", str(golden_accuracy(golden))),
        *(
            ("crowd", f"median seconds, {name}", f"{np.median([row['seconds'] for row in data.rows(f'crowd/{name}')])}")
            for name in tasks
        ),
        ("crowd", "ratings 1 to 5", ", ".join(f"{ratings[one] / ratings.total():.1%}" for one in range(1, 6))),
    ]


def overlap(name: str, keys: Sequence[str]) -> float:
    """Mean number of workers a task, whatever the order in which its lists were shown."""
    tasks: Counter[tuple[str, ...]] = Counter()
    for row in data.rows(f"crowd/{name}"):
        asked = [row[key] for key in keys]
        tasks[tuple(sorted(asked[0] if isinstance(asked[0], list) else asked))] += 1
    return tasks.total() / len(tasks)


def agreement_of_workers(comparisons: Iterable[data.Row], workers: set[str] | None = None) -> str:
    """Share of pairs of answers to one task that choose the same list, and the number of pairs.

    Ties and golden pairs left out; only answers of `workers` if given.
    """
    chosen: dict[frozenset[str], list[str]] = defaultdict(list)
    for row in comparisons:
        if row["answer"] != "tie" and not row["gold"] and (workers is None or row["worker"] in workers):
            chosen[frozenset((row["first"], row["second"]))].append(row[row["answer"]])
    same = [one == other for answers in chosen.values() for one, other in combinations(answers, 2)]
    return f"{np.mean(same):.3f} ({len(same):,} pairs)" if same else "no task has two answers"


def golden_accuracy(golden: Iterable[data.Row], workers: set[str] | None = None) -> Estimate:
    """Share of golden comparisons in which the better list was chosen; a tie is wrong."""
    right = [row["answer"] == row["gold"] for row in golden if workers is None or row["worker"] in workers]
    return wilson(sum(right), len(right))


# --- readings by hand ---------------------------------------------------------------------------------------------


def readings(name: str) -> list[data.Row]:
    """What a reader noted: "items", "demonstrations" or "judge". Raises DataError on a bad line."""
    return [row for _, row in data.read_table(data.folder() / "readings" / f"{name}.jsonl", READINGS[name])]


def agreement(rows: Iterable[data.Row]) -> dict[str, Estimate]:
    """For each named part, the share of decisions on which judge and reader agree, with an interval over lists.

    A decision is a list (`valid`), a line (`distinct`) or a line that the judge counts, which is one that does not
    repeat an earlier line (`on_topic`, `constraint`, `specific`).
    """
    agreed: dict[str, list[tuple[int, int]]] = {part: [] for part in PARTS}
    for row in rows:
        counted = row["judge"]["distinct"]
        for part in PARTS:
            judge, reader = row["judge"][part], row["second"][part]
            if part == "valid":
                agreed[part].append((int(judge == reader), 1))
                continue
            kept = [one == other for one, other, new in zip(judge, reader, counted, strict=True) if new]
            every = [one == other for one, other in zip(judge, reader, strict=True)]
            used = every if part == "distinct" else kept
            agreed[part].append((sum(used), len(used)))
    return {
        part: ratio_bootstrap(*np.array(pairs, dtype=float).T)
        if any(same < of for same, of in pairs)
        else wilson(sum(same for same, _ in pairs), sum(of for _, of in pairs))
        for part, pairs in agreed.items()
    }


def share_without_error(rows: Sequence[data.Row], *keys: str) -> Estimate:
    """Share of the rows read in which none of the lists under `keys` names anything."""
    return wilson(sum(not any(row[key] for key in keys) for row in rows), len(rows))


# --- pictures -----------------------------------------------------------------------------------------------------


def pictures() -> "Figure":
    """Share of each tag, the ratings of the crowd, and golden accuracy of each worker against median time."""
    from topfive import plots

    drawn, (tags, ratings, workers) = plots.figure(columns=3, width=5.0, height=4.6)
    shares = sorted(tag_shares(data.rows("items")).items(), key=lambda pair: pair[1])
    tags.barh([tag for tag, _ in shares], [100 * share for _, share in shares], color=plots.SFT)
    tags.tick_params(axis="y", labelsize="x-small")
    tags.set(title=f"The rarest tag is {shares[0][0]}, the commonest {shares[-1][0]}", xlabel="items (%)")
    if not (data.folder() / "crowd").is_dir():
        return drawn
    given = Counter(row["rating"] for row in data.rows("crowd/ratings"))
    ratings.bar(range(1, 6), [100 * given[one] / given.total() for one in range(1, 6)], color=plots.SFT)
    mean = sum(one * number for one, number in given.items()) / given.total()
    ratings.set(title=f"The crowd rates {mean:.1f} on average", xlabel="rating", ylabel="ratings (%)")
    kinds = {row["worker"]: row["kind"] for row in data.rows("crowd/workers")}
    for pretends, label, colour in ((False, "ordinary", plots.SFT), (True, "pretenders", plots.RLHF)):
        spots = [_speed_and_care(name) for name, kind in kinds.items() if (kind != "ordinary") == pretends]
        workers.scatter(*zip(*spots, strict=True), color=colour, label=label, marker="x" if pretends else "o")
    workers.set(title="Golden pairs and speed give pretenders away", ylim=(-0.03, 1.03))
    workers.set(xlabel="median seconds a comparison", ylabel="golden pairs right (share)")
    workers.legend(frameon=False, labelcolor=plots.INK)
    return drawn


def _speed_and_care(worker: str) -> tuple[float, float]:
    rows = [row for row in data.rows("crowd/comparisons") if row["worker"] == worker]
    golden = [row["answer"] == row["gold"] for row in rows if row["gold"]]
    return float(np.median([row["seconds"] for row in rows])), float(np.mean(golden)) if golden else float("nan")
