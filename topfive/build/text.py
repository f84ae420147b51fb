"""Derived text from the hand-written bank: prompts, simulated demonstrations and pretraining text.

    python -m topfive.build.text

writes data/prompts.jsonl, data/demonstrations/simulated.jsonl and data/pretraining/text.txt, byte for byte the same
from the same bank. Everything random comes from `SEED`.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations, permutations
from pathlib import Path
from random import Random

from topfive import data
from topfive.files import write_atomic
from topfive.lists import Prompt

SEED = 20260914
TRAIN_WORDINGS, VALIDATION_WORDING, TEST_WORDING = range(4), 4, 5
LISTS_A_PROMPT = 4
LISTS_A_PLAIN_PROMPT = 12  # all wordings of a topic are seen here; with constraints some are held out
SENTENCES_OF_A_KIND = 3


def main() -> None:
    """Write all derived text and say how much of it there is."""
    root = data.folder()
    _write_rows(root / "prompts.jsonl", make_prompts())
    data.rows.cache_clear()
    _write_rows(root / "demonstrations" / "simulated.jsonl", make_demonstrations())
    data.rows.cache_clear()
    documents = make_pretraining_text()
    (root / "pretraining").mkdir(exist_ok=True)
    write_atomic(root / "pretraining" / "text.txt", "\n\n".join(documents) + "\n")
    words = sum(len(document.split()) for document in documents)
    print(f"{len(data.rows('prompts'))} prompts, {len(data.rows('demonstrations'))} demonstrations, {words:,} words")


def _write_rows(path: Path, rows: Iterable[data.Row]) -> None:
    write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))


# --- prompts ------------------------------------------------------------------------------------------------------


def prompt_text(wording: str, constraints: Sequence[str]) -> str:
    """ "top 5", the adjectives, the wording, and what comes behind it."""
    tags = _tags()
    front = [tags[tag]["phrase"] for tag in constraints if tags[tag]["place"] == "front"]
    behind = [tags[tag]["phrase"] for tag in constraints if tags[tag]["place"] == "behind"]
    return " ".join(["top 5", *front, wording, *behind])


def make_prompts() -> list[data.Row]:
    """Each topic in six wordings, plain and with one or two constraints, split by topic and by prompt.

    Plain prompts train. With constraints, wordings 1–4 train, 5 validates, 6 tests (`held_out: "wording"`). No list
    for a third of the pairs of constraints, at most four a topic, is trained on (`held_out: "combination"`), nor for a
    prompt of a test topic (`held_out: "topic"`). What a hand-written list answers is not held out.
    """
    rng = Random(SEED)
    hand = [row for _, row in data.read_jsonl(data.folder() / "demonstrations" / "hand.jsonl")]
    written = {(row["topic"], frozenset(row["constraints"])) for row in hand}
    rows: list[data.Row] = []
    for topic in data.rows("topics"):
        singles = [(tag,) for tag in topic["constraints"]]
        pairs = [pair for pair in combinations(topic["constraints"], 2) if _enough(topic["topic"], pair)]
        rng.shuffle(pairs)
        unwritten = [pair for pair in pairs if (topic["topic"], frozenset(pair)) not in written]
        held_pairs = unwritten[: len(pairs) // 3][:4]
        train_pairs = [pair for pair in pairs if pair not in held_pairs][:5]
        for wording in range(len(topic["wordings"])):
            split = {VALIDATION_WORDING: "validation", TEST_WORDING: "test"}.get(wording, "train")
            held_out = "" if split == "train" else "wording"
            if topic["split"] == "test":
                split, held_out = "test", "topic"
            kept = singles if split != "train" else rng.sample(singles, k=min(4, len(singles)))
            plain = ("test", "topic") if held_out == "topic" else ("train", "")
            rows.append(_prompt_row(topic, wording, (), *plain))
            rows += [_prompt_row(topic, wording, tags, split, held_out) for tags in kept]
            if held_out != "topic":
                chosen = rng.sample(train_pairs, k=min(2 if split == "train" else 4, len(train_pairs)))
                rows += [_prompt_row(topic, wording, tags, split, held_out) for tags in chosen]
        if topic["split"] == "train":
            rows += [
                _prompt_row(topic, wording, tags, split, "combination")
                for tags in held_pairs
                for wording, split in ((rng.choice(TRAIN_WORDINGS), "validation"), (rng.choice(TRAIN_WORDINGS), "test"))
            ]
    answered = {row["prompt"] for row in hand}
    rows = [row for row in rows if row["split"] == "train" or row["prompt"] not in answered]
    return list({row["prompt"]: row for row in reversed(rows)}.values())[::-1]


def _enough(topic: str, tags: Sequence[str]) -> bool:
    items = data.items_with(topic, tags)
    return len(items) >= 6 and all(len(items) < len(data.items_with(topic, [tag])) for tag in tags)


def _prompt_row(topic: data.Row, wording: int, tags: Sequence[str], split: str, held_out: str) -> data.Row:
    return {
        "prompt": prompt_text(topic["wordings"][wording], tags),
        "topic": topic["topic"],
        "wording": wording,
        "constraints": list(tags),
        "split": split,
        "held_out": held_out,
    }


# --- simulated writers --------------------------------------------------------------------------------------------

VAGUE_ITEMS = (
    "something nice", "anything easy", "whatever you like", "some good stuff", "a nice thing", "various things",
    "something different", "anything at all", "a few nice things", "whatever is around",
)  # fmt: skip


@dataclass(frozen=True)
class Writer:
    """A simulated writer: how often each human flaw gets into a list. `name` starts with "simulated"."""

    name: str
    repeat: float
    vague: float
    drift: float
    careless: float
    miscount: float


def make_writers(rng: Random, number: int = 24) -> list[Writer]:
    """Writers of different care: flaw rates from a beta distribution with mean about 0.1."""
    return [
        Writer(f"simulated-{index:02}", *(round(rng.betavariate(1.0, 8.0), 3) for _ in range(5)))
        for index in range(number)
    ]


def write_list(writer: Writer, prompt: Prompt, rng: Random) -> tuple[list[str], list[str]]:
    """One list by one writer, and the flaws that got into it.

    Flaws: `careless` ignores the constraints, `drift` takes the last items from another topic, `repeat` writes an
    item twice, `vague` writes a filler, `miscount` writes four or six.
    """
    flaws = [
        flaw for flaw in ("careless", "drift", "repeat", "vague", "miscount") if rng.random() < getattr(writer, flaw)
    ]
    if "careless" in flaws and not prompt.constraints:
        flaws.remove("careless")
    fitting = data.items_with(prompt.topic, () if "careless" in flaws else prompt.constraints)
    length = rng.choice((4, 6)) if "miscount" in flaws else 5
    items = [row["item"] for row in rng.sample(fitting, k=min(length, len(fitting)))]
    if "drift" in flaws:
        other = rng.choice([row for row in data.rows("topics") if row["topic"] != prompt.topic])
        items[3:] = [row["item"] for row in rng.sample(data.items_with(other["topic"], ()), k=len(items[3:]))]
    if "repeat" in flaws:
        items[rng.randrange(2, len(items))] = items[rng.randrange(0, 2)]
    if "vague" in flaws:
        items[rng.randrange(len(items))] = rng.choice(VAGUE_ITEMS)
    return items, flaws


def make_demonstrations() -> list[data.Row]:
    """Simulated writers answer every training prompt several times, plain ones oftener."""
    rng = Random(SEED + 1)
    writers = make_writers(rng)
    rows = []
    for prompt in data.prompts("train"):
        lists = LISTS_A_PROMPT if prompt.constraints else LISTS_A_PLAIN_PROMPT
        for writer in rng.sample(writers, k=lists):
            items, flaws = write_list(writer, prompt, rng)
            rows.append(
                {
                    "prompt": prompt.text,
                    "topic": prompt.topic,
                    "constraints": list(prompt.constraints),
                    "items": items,
                    "writer": writer.name,
                    "flaws": flaws,
                }
            )
    return rows


# --- descriptions -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Describer:
    """Says things about one item that are true by its tags and topic."""

    rng: Random
    item: data.Row
    topic: data.Row
    tags: dict[str, data.Row]

    def wording(self) -> str:
        """One of the topic's wordings."""
        return self.rng.choice(self.topic["wordings"])

    def carried(self, number: int) -> list[str]:
        """Up to `number` of the item's own tags."""
        return self.rng.sample(self.item["tags"], k=min(number, len(self.item["tags"])))

    def lacked(self) -> str:
        """A tag that others of the topic carry and this item does not."""
        missing = [tag for tag in self.topic["constraints"] if tag not in self.item["tags"]]
        return self.rng.choice(missing) if missing else ""

    def fellow(self, tag: str, carries: bool) -> str:
        """Another item of the topic that carries `tag`, or does not."""
        rows = [
            row["item"]
            for row in data.items_with(self.topic["topic"], ())
            if (tag in row["tags"]) == carries and row["id"] != self.item["id"]
        ]
        return self.rng.choice(rows) if rows else ""


def _note(d: Describer) -> str:
    return d.rng.choice((f"{d.item['item']}: {d.item['note']}.", f"{d.item['note']}: {d.item['item']}."))


def _member(d: Describer) -> str:
    form = d.rng.choice(("{item} is one of the {wording}.", "among {wording} there is {item}.", "{wording}: {item}."))
    return form.format(item=d.item["item"], wording=d.wording())


def _is(d: Describer) -> str:
    return f"{d.item['item']} {' and '.join(d.tags[tag]['predicate'] for tag in d.carried(2))}."


def _is_not(d: Describer) -> str:
    lacked = d.lacked()
    if not lacked:
        return _is(d)
    own = d.tags[d.carried(1)[0]]["predicate"]
    return f"{d.item['item']} {own} but {d.tags[lacked]['negation']}."


def _asked(d: Describer) -> str:
    tags = [tag for tag in d.carried(1) if tag in d.topic["constraints"]]  # pairs may be held out
    return f"asked for {prompt_text(d.wording(), tags).removeprefix('top 5 ')}, one may say {d.item['item']}."


def _differs(d: Describer) -> str:
    tag = d.carried(1)[0]
    other = d.fellow(tag, carries=False)
    if not other:
        return _is(d)
    return f"{d.item['item']} {d.tags[tag]['predicate']}, {other} {d.tags[tag]['negation']}."


def _alike(d: Describer) -> str:
    tag = d.carried(1)[0]
    other = d.fellow(tag, carries=True)
    if not other:
        return _is(d)
    return f"like {other}, {d.item['item']} {d.tags[tag]['predicate']}."


def _why(d: Describer) -> str:
    tag = d.carried(1)[0]
    return f"why {d.item['item']}? it {d.tags[tag]['predicate']}, {d.item['note']}."


TEMPLATES: tuple[Callable[[Describer], str], ...] = (_note, _member, _is, _is_not, _asked, _differs, _alike, _why)


def make_descriptions() -> list[str]:
    """Sentences about what items are and are not, and about which wordings name the same topic."""
    rng = Random(SEED + 2)
    topics = _topics()
    sentences = []
    for item in data.rows("items"):
        describer = Describer(rng, item, topics[item["topic"]], _tags())
        sentences += [template(describer) for template in TEMPLATES for _ in range(SENTENCES_OF_A_KIND)]
    for topic in topics.values():
        sentences += [f"{one}, that is {other}." for one, other in permutations(topic["wordings"], 2)]
    return list(dict.fromkeys(sentences))


@cache
def _tags() -> dict[str, data.Row]:
    return {row["tag"]: row for row in data.rows("tags")}


@cache
def _topics() -> dict[str, data.Row]:
    return {row["topic"]: row for row in data.rows("topics")}


def make_pretraining_text() -> list[str]:
    """Sentences about items in random order. How to answer with a list is not among them: that is left to SFT."""
    documents = make_descriptions()
    Random(SEED + 3).shuffle(documents)
    return documents


if __name__ == "__main__":
    main()
