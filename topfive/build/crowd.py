"""The simulated crowd: the same model-made lists rated, compared and ranked by fifty workers.

    python -m topfive.build.crowd           lists from the shipped SFT model, then the labels
    python -m topfive.build.crowd labels    the labels alone, for the lists that are there

writes data/crowd/lists.jsonl, workers.jsonl, ratings.jsonl, comparisons.jsonl and rankings.jsonl. Every row of a
label names its worker, says how long it took and is marked `source: "simulated"`. What a worker is really like stands
in workers.jsonl alone: a solution key, not something a project would know.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path
from random import Random

import numpy as np

from topfive import data
from topfive.crowd import SOURCE, Crowd, Worker
from topfive.evaluate import heldout_prompts
from topfive.files import write_atomic
from topfive.judge import Judge, Taste
from topfive.lists import Prompt, render

SEED = 20261101
GROUPS, LISTS_A_GROUP = 400, 4
ORDINARY = 44
PRETENDERS = ("random", "random", "random", "first", "first", "same")
WORKERS_A_TASK, WORKERS_A_GOLDEN_TASK = 3, 8
PAIRS_A_GROUP = 3
GOLDEN = 60


def main(only: str = "") -> None:
    """Make the crowd's files and say how many rows there are."""
    folder = data.folder() / "crowd"
    folder.mkdir(exist_ok=True)
    if only != "labels":
        _write(folder / "lists.jsonl", make_lists())
        data.rows.cache_clear()
    for name, rows in make_labels().items():
        _write(folder / f"{name}.jsonl", rows)
    data.rows.cache_clear()
    print(
        {name: len(data.rows(f"crowd/{name}")) for name in ("lists", "workers", "ratings", "comparisons", "rankings")}
    )


def _write(path: Path, rows: Iterable[data.Row]) -> None:
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


# --- lists --------------------------------------------------------------------------------------------------------


def make_lists() -> list[data.Row]:
    """Four answers of the SFT model to each of 400 training prompts, and hand-written lists with a spoiled twin.

    Sampled at temperature 1, so that there is something to tell apart. In a golden pair the better list is known.
    """
    from topfive.lm.model import load
    from topfive.lm.sampling import sample_texts

    model, tokenizer = load(data.checkpoint("sft"))
    asked = heldout_prompts(data.prompts("train"), GROUPS, seed=SEED)
    repeated = [prompt for prompt in asked for _ in range(LISTS_A_GROUP)]
    texts = sample_texts(model, tokenizer, [prompt.text for prompt in repeated], seed=SEED, temperature=1.0)
    rows = [
        _list_row(f"l{index:04}", f"g{index // LISTS_A_GROUP:03}", prompt, text, "sft")
        for index, (prompt, text) in enumerate(zip(repeated, texts, strict=True))
    ]
    rng = Random(SEED)
    written = [row for row in data.rows("demonstrations") if row["writer"] == "hand"]
    for index, row in enumerate(rng.sample(written, k=GOLDEN)):
        prompt, group = data.as_prompt(row), f"gold{index:02}"
        rows.append(_list_row(f"{group}a", group, prompt, render(row["items"]), "hand"))
        rows.append(_list_row(f"{group}b", group, prompt, render(_spoiled(row, written, rng)), "spoiled"))
    return rows


def _list_row(identifier: str, group: str, prompt: Prompt, text: str, made_by: str) -> data.Row:
    return {
        "id": identifier,
        "group": group,
        "prompt": prompt.text,
        "topic": prompt.topic,
        "constraints": list(prompt.constraints),
        "text": text,
        "made_by": made_by,
    }


def _spoiled(row: data.Row, written: Sequence[data.Row], rng: Random) -> list[str]:
    """Anybody who reads the list sees it: two items from elsewhere, one twice."""
    other = rng.choice([one for one in written if one["topic"] != row["topic"]])
    return [row["items"][0], *rng.sample(other["items"], k=2), row["items"][1], row["items"][0]]


# --- workers and labels -------------------------------------------------------------------------------------------


def make_workers() -> list[Worker]:
    """Ordinary workers of varying care, each with likes and dislikes of their own, and some who pretend to work."""
    rng = np.random.default_rng(SEED)
    workers = []
    for index in range(ORDINARY):
        liked = rng.choice(data.tag_names(), size=3, replace=False)
        workers.append(
            Worker(
                name=f"w{index:02}",
                taste=Taste(f"w{index:02}", {str(tag): round(float(rng.normal(scale=0.15)), 3) for tag in liked}),
                noise=round(float(rng.uniform(0.35, 0.85)), 3),
                lapse=round(float(rng.beta(1, 25)), 3),
                first_bias=round(float(rng.normal(0.1, 0.15)), 3),
                strictness=round(float(rng.normal(0, 0.4)), 3),
                tie_width=round(float(rng.uniform(0.05, 0.4)), 3),
                words_a_minute=round(float(rng.normal(230, 40))),
            )
        )
    kinds = dict(enumerate(PRETENDERS, start=ORDINARY))
    workers += [Worker(name=f"w{index:02}", kind=kind) for index, kind in kinds.items()]  # type: ignore[arg-type]
    names = [worker.name for worker in workers]
    shuffled = rng.permutation(names)
    return sorted(
        (Worker(**{**vars(worker), "name": str(name)}) for worker, name in zip(workers, shuffled, strict=True)),
        key=lambda worker: worker.name,
    )


def make_labels() -> dict[str, list[data.Row]]:
    """All labels of all workers, by kind of task; the workers themselves under "workers"."""
    lists = data.rows("crowd/lists")
    workers = make_workers()
    rng = np.random.default_rng(SEED + 1)
    crowd = Crowd(_cuts(lists), seed=SEED + 2)
    groups: dict[str, list[data.Row]] = {}
    for row in lists:
        groups.setdefault(row["group"], []).append(row)
    return {
        "workers": [
            {"worker": one.name, "kind": one.kind, "noise": one.noise, "first_bias": one.first_bias} for one in workers
        ],
        "ratings": list(_ratings(crowd, workers, lists, rng)),
        "comparisons": list(_comparisons(crowd, workers, groups, rng)),
        "rankings": list(_rankings(crowd, workers, groups, rng)),
    }


def _cuts(lists: Sequence[data.Row]) -> list[float]:
    """Cuts of the rating scale that give an unbiased worker 10, 20, 30, 25 and 15 % of each answer."""
    scores = Judge().scores([data.as_prompt(row) for row in lists], [row["text"] for row in lists])
    return np.quantile(scores + 0.3, (0.1, 0.3, 0.6, 0.85)).tolist()


def _ratings(
    crowd: Crowd, workers: Sequence[Worker], lists: Sequence[data.Row], rng: np.random.Generator
) -> Iterator[data.Row]:
    for row in lists:
        for worker in _some(workers, rng):
            yield {
                "source": SOURCE,
                "worker": worker.name,
                "list": row["id"],
                "rating": crowd.rate(worker, data.as_prompt(row), row["text"]),
                "seconds": crowd.seconds(worker, _words(row)),
            }


def _comparisons(
    crowd: Crowd, workers: Sequence[Worker], groups: dict[str, list[data.Row]], rng: np.random.Generator
) -> Iterator[data.Row]:
    for group in groups.values():
        golden = group[0]["made_by"] == "hand"
        pairs = list(combinations(group, 2))
        for index in rng.permutation(len(pairs))[:PAIRS_A_GROUP]:
            for worker in _some(workers, rng, WORKERS_A_GOLDEN_TASK if golden else WORKERS_A_TASK):
                first, second = rng.permutation(np.array(pairs[index], dtype=object)).tolist()
                gold = ("first" if first["made_by"] == "hand" else "second") if golden else ""
                yield {
                    "source": SOURCE,
                    "worker": worker.name,
                    "first": first["id"],
                    "second": second["id"],
                    "answer": crowd.compare(worker, data.as_prompt(first), first["text"], second["text"]),
                    "gold": gold,
                    "seconds": crowd.seconds(worker, _words(first) + _words(second)),
                }


def _rankings(
    crowd: Crowd, workers: Sequence[Worker], groups: dict[str, list[data.Row]], rng: np.random.Generator
) -> Iterator[data.Row]:
    for group in groups.values():
        if len(group) < LISTS_A_GROUP:
            continue
        for worker in _some(workers, rng):
            shown = [group[index] for index in rng.permutation(len(group))]
            ranking = crowd.rank(worker, data.as_prompt(shown[0]), [row["text"] for row in shown])
            yield {
                "source": SOURCE,
                "worker": worker.name,
                "lists": [row["id"] for row in shown],
                "ranks": list(ranking.ranks),
                "seconds": crowd.seconds(worker, sum(map(_words, shown))),
            }


def _some(workers: Sequence[Worker], rng: np.random.Generator, number: int = WORKERS_A_TASK) -> list[Worker]:
    return [workers[index] for index in rng.choice(len(workers), size=number, replace=False)]


def _words(row: data.Row) -> int:
    return len(row["text"].split())


if __name__ == "__main__":
    main(*sys.argv[1:])
