"""The gold judge: what a list is worth, part by part, and to whom.

Quality has five named parts, each between 0 and 1; a *taste* adds what one person happens to like. The judge
knows the item bank. Of an item that is not in the bank, small classifiers fitted to the bank guess topics and tags,
and of one that is, further topics; `heldout_error` measures how wrong they are. Simulated students are asked through
this judge, and policies are compared by it; reward models never see it.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from topfive import data
from topfive.errors import TopFiveError
from topfive.files import as_utf8
from topfive.lists import LENGTH, Prompt, normalise, parse

TOPIC_SHARE = 0.25
WEIGHTS = {"valid": 1.0, "on_topic": 2.5, "constraint": 2.5, "distinct": 1.5, "specific": 1.0}
VAGUE = frozenset(
    ("anything", "whatever", "something", "stuff", "thing", "things", "nice", "good", "great", "etc", "various", "any")
)


@dataclass(frozen=True)
class Taste:
    """What one person likes: utilities per item by tag and by word, and how noisily they order lists.

    `noise` is the scale of the Gumbel noise added to a list's utility before sorting, so that rankings follow
    Plackett–Luce with strengths exp(utility / noise).
    """

    name: str = "none"
    tags: dict[str, float] = field(default_factory=dict)
    words: dict[str, float] = field(default_factory=dict)
    noise: float = 1.0

    def spread(self, topic: str) -> float:
        """Standard deviation of the utilities of the topic's items: how much the taste tells them apart."""
        return float(np.std([self.of_item(row["item"], row["tags"]) for row in items_of(topic)]))

    def of_item(self, item: str, tags: Iterable[str]) -> float:
        """Utility of one item."""
        words = normalise(item).replace("-", " ").split()
        return sum(self.tags.get(tag, 0.0) for tag in tags) + sum(self.words.get(word, 0.0) for word in words)


def load_taste(name_or_file: str | Path) -> Taste:
    """A shipped taste by name or a taste file by path.

    Raises TopFiveError if there is none, if it is not of the form
    ``{"tags": {tag: number}, "words": {word: number}, "noise": number}``, or if a tag is not in the vocabulary.
    """
    path = Path(name_or_file)
    shipped = data.folder() / "tastes"
    if path.suffix.lower() != ".json":
        path = shipped / f"{name_or_file}.json"
    if not path.is_file():
        names = ", ".join(sorted(file.stem for file in shipped.glob("*.json")))
        raise TopFiveError(f"unknown taste {str(name_or_file)!r}: shipped tastes are {names}; or give a .json file")
    try:
        spec = json.loads(as_utf8(path.read_bytes()).decode())
    except UnicodeDecodeError as error:
        what = f"not a JSON file in {error.encoding.upper()} (byte {error.start + 1})"
        raise TopFiveError(f"{path}: {what}; save it as UTF-8 in your editor") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise TopFiveError(f"{path}: not a JSON file ({error})") from error
    return _taste_from(spec, path)


def _taste_from(spec: Any, path: Path) -> Taste:
    if not isinstance(spec, dict) or not set(spec) <= {"tags", "words", "noise", "about"}:
        raise TopFiveError(f'{path}: a taste is {{"tags": {{…}}, "words": {{…}}, "noise": 1.0}}')
    for part in ("tags", "words"):
        table = spec.get(part, {})
        if not isinstance(table, dict) or not all(_is_number(value) for value in table.values()):
            raise TopFiveError(f"{path}: {part!r} should map names to numbers")
    for tag in spec.get("tags", {}):
        if tag not in data.tag_names():
            raise TopFiveError(f"{path}: unknown tag {tag!r}; the tags are {', '.join(data.tag_names())}")
    noise = spec.get("noise", 1.0)
    if not _is_number(noise) or noise < 0:
        raise TopFiveError(f"{path}: 'noise' should be a number of at least 0, found {noise!r}")
    if not spec.get("tags") and not spec.get("words"):
        raise TopFiveError(f"{path}: a taste needs at least one tag or word")
    words = {word.lower(): float(value) for word, value in spec.get("words", {}).items()}
    return Taste(path.stem, dict(spec.get("tags", {})), words, float(noise))


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and bool(np.isfinite(value))


@dataclass(frozen=True)
class Judgement:
    """The named parts of one list's worth. Shares are of five places, so a missing item counts as a bad one."""

    valid: float
    on_topic: float
    constraint: float
    distinct: float
    specific: float
    taste: float

    @property
    def quality(self) -> float:
        """Weighted sum of the five parts that everybody shares."""
        return sum(weight * getattr(self, part) for part, weight in WEIGHTS.items())

    @property
    def score(self) -> float:
        """Quality plus taste: the utility by which lists are compared."""
        return self.quality + self.taste


class Judge:
    """Judges lists for one taste (or for none)."""

    def __init__(self, taste: Taste | None = None):
        self.taste = taste or Taste()

    def judge(self, prompt: Prompt, text: str) -> Judgement:
        """Judge one answer to `prompt`."""
        answer = parse(text)
        items = list(dict.fromkeys(normalise(item) for item in answer.items[:LENGTH] if item))
        facts = [look_up(item) for item in items]
        on_topic = [prompt.topic in fact.topics for fact in facts]
        kept = [set(prompt.constraints) <= fact.tags and on for fact, on in zip(facts, on_topic, strict=True)]
        return Judgement(
            valid=float(answer.valid),
            on_topic=sum(on_topic) / LENGTH,
            constraint=sum(kept) / LENGTH,
            distinct=len(items) / LENGTH,
            specific=sum(map(is_specific, items)) / LENGTH,
            taste=sum(self.taste.of_item(item, fact.tags) for item, fact in zip(items, facts, strict=True)),
        )

    def judge_all(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> list[Judgement]:
        """Judge one answer to each prompt."""
        look_up_all([normalise(item) for text in texts for item in parse(text).items[:LENGTH] if item])
        return [self.judge(prompt, text) for prompt, text in zip(prompts, texts, strict=True)]

    def scores(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> NDArray[np.float64]:
        """Utility of each answer, shape (n,)."""
        return np.array([judgement.score for judgement in self.judge_all(prompts, texts)])


def topics_of(taste: Taste, number: int = 11) -> set[str]:
    """The topics in which the taste tells items apart best, at most `number` of them.

    The fewer, the more PPO learns of each; eleven have the 300 held-out prompts that a win rate is measured on.
    """
    spread = {row["topic"]: taste.spread(row["topic"]) for row in data.rows("topics") if row["split"] == "train"}
    widest = sorted((topic for topic in spread if spread[topic] > 0), key=lambda topic: (-spread[topic], topic))
    return set(widest[:number])


def prompts_of(taste: Taste) -> tuple[list[Prompt], list[Prompt]]:
    """Training and held-out prompts of the topics that the taste tells lists apart on."""
    return data.prompts_about(topics_of(taste))


# --- what the judge knows about an item ---------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemFacts:
    """Topics an item belongs to, its tags, and whether that comes from the bank or from the classifiers."""

    topics: frozenset[str]
    tags: frozenset[str]
    in_bank: bool


@cache
def items_of(topic: str) -> list[data.Row]:
    """The bank's items of one topic."""
    return [row for row in data.rows("items") if row["topic"] == topic]


@cache
def _bank() -> dict[str, ItemFacts]:
    facts: dict[str, ItemFacts] = {}
    for row in data.rows("items"):
        item = normalise(row["item"])
        known = facts.get(item, ItemFacts(frozenset(), frozenset(), True))
        facts[item] = ItemFacts(known.topics | {row["topic"]}, known.tags | set(row["tags"]), True)
    return facts


def _split(text: str) -> list[str]:
    return normalise(text).replace("-", " ").replace(",", " ").split()


@cache
def _neighbours() -> frozenset[tuple[str, str]]:
    """Pairs of words that stand side by side somewhere in the course's own text."""
    texts = [text for row in data.rows("items") for text in (row["item"], row["note"])]
    texts += [item for row in data.rows("demonstrations") if not row["flaws"] for item in row["items"]]
    texts += [wording for row in data.rows("topics") for wording in row["wordings"]]
    return frozenset(pair for text in texts for pair in pairwise(_split(text)))


def is_specific(item: str) -> bool:
    """An item of the bank; or two to eight words that could be one.

    None of them is vague ("something nice"), none of four letters or more is said twice, and each two neighbours stand
    side by side somewhere in the course's own text. That catches most splices of two items, which single words do not.
    """
    words = _split(item)
    long = [word for word in words if len(word) >= 4]
    could_be = 2 <= len(words) <= 8 and not VAGUE & set(words) and len(set(long)) == len(long)
    return normalise(item) in _bank() or (could_be and set(pairwise(words)) <= _neighbours())


_looked_up: dict[str, ItemFacts] = {}


def look_up(item: str) -> ItemFacts:
    """What is known, or else guessed, of a normalised item."""
    return look_up_all([item])[0]


def look_up_all(items: Sequence[str]) -> list[ItemFacts]:
    """The same of many items at once, which is quicker: the classifiers are asked once for all that are new."""
    new = [item for item in dict.fromkeys(items) if item not in _looked_up]
    for item, guess in zip(new, _guesser().guess(new) if new else (), strict=True):
        known = _bank().get(item)
        _looked_up[item] = ItemFacts(known.topics | guess.topics, known.tags, True) if known else guess
    return [_looked_up[item] for item in items]


class Guesser:
    """Topics and tags of items that are not in the bank, by kernel ridge regression on words and pieces of words.

    An item is put on every topic whose score is at least `TOPIC_SHARE` of the best topic's: topics overlap.
    """

    def __init__(self, rows: Sequence[data.Row]):
        from sklearn.feature_extraction.text import TfidfVectorizer
        from sklearn.kernel_ridge import KernelRidge
        from sklearn.pipeline import make_union

        self.tags = data.tag_names()
        self.topics = sorted({row["topic"] for row in rows})
        self.features = make_union(
            TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), min_df=2, sublinear_tf=True),
        )
        matrix = self.features.fit_transform([normalise(row["item"]) for row in rows])
        targets = np.array(
            [
                [tag in row["tags"] for tag in self.tags] + [row["topic"] == topic for topic in self.topics]
                for row in rows
            ],
            dtype=float,
        )
        self.rates = targets.mean(axis=0)
        self.model = KernelRidge(alpha=0.5).fit(matrix, targets - self.rates)

    def guess(self, items: Sequence[str]) -> list[ItemFacts]:
        """Topics and tags of normalised items."""
        above_average = self.model.predict(self.features.transform(items))
        tagged = (above_average + self.rates)[:, : len(self.tags)] > 0.5
        by_topic = above_average[:, len(self.tags) :]
        likely = by_topic >= TOPIC_SHARE * by_topic.max(axis=1, keepdims=True)
        return [
            ItemFacts(_named(self.topics, on), _named(self.tags, tags), False)
            for on, tags in zip(likely, tagged, strict=True)
        ]


def _named(names: Sequence[str], chosen: NDArray[np.bool_]) -> frozenset[str]:
    return frozenset(name for name, yes in zip(names, chosen, strict=True) if yes)


@cache
def _guesser() -> Guesser:
    return Guesser(data.rows("items"))


def heldout_error(folds: int = 5, seed: int = 0) -> dict[str, float]:
    """How wrong the guesser is on bank items it was not fitted to, by cross-validation.

    Returns the share of items whose own topic is not among the guessed ones (`own_topic_missed`), the share of
    (item, other topic) pairs guessed on topic (`other_topic_taken`), and for each tag the share of wrong decisions.
    """
    rows = data.rows("items")
    fold_of = np.random.default_rng(seed).integers(folds, size=len(rows))
    missed, taken, wrong = [], [], []
    tags, topics = data.tag_names(), sorted({row["topic"] for row in rows})
    for fold in range(folds):
        guesser = Guesser([row for row, mine in zip(rows, fold_of, strict=True) if mine != fold])
        held = [row for row, mine in zip(rows, fold_of, strict=True) if mine == fold]
        for row, fact in zip(held, guesser.guess([normalise(row["item"]) for row in held]), strict=True):
            missed.append(row["topic"] not in fact.topics)
            taken.append(len(fact.topics - {row["topic"]}) / (len(topics) - 1))
            wrong.append([(tag in fact.tags) != (tag in row["tags"]) for tag in tags])
    return {
        "own_topic_missed": float(np.mean(missed)),
        "other_topic_taken": float(np.mean(taken)),
        **dict(zip(tags, np.mean(wrong, axis=0).tolist(), strict=True)),
    }
