"""Eight tastes that nobody tuned on, made before the first run; two of a sort that no list of words or tags says."""

from collections.abc import Iterable
from dataclasses import dataclass

from topfive.judge import Taste, load_taste

SHIPPED = (
    "vegetarian",
    "outdoors",
    "spicy-and-quick",
    "thrifty",
    "sweet-tooth",
    "quiet-hours",
    "fruit-bowl",
    "lemon-lover",
)


@dataclass(frozen=True)
class FewWords(Taste):
    """The shorter an item, the better."""

    def of_item(self, item: str, tags: Iterable[str]) -> float:
        """Utility of one item: half a point for each word fewer than six."""
        return 0.5 * max(0, 6 - len(item.replace("-", " ").split()))


@dataclass(frozen=True)
class QuietAloneLoudTogether(Taste):
    """Calm when alone, moving when in company; either without its partner is worth nothing."""

    def of_item(self, item: str, tags: Iterable[str]) -> float:
        """Utility of one item."""
        carried = set(tags)
        return 1.5 * ({"calm", "solo"} <= carried) + 1.5 * ({"active", "for groups"} <= carried)


OWN = (
    Taste("an evening for two", tags={"romantic": 1.0, "festive": 0.5}),
    Taste("plain and old", tags={"sweet": -1.0, "spicy": -1.0, "traditional": 0.4}),
    Taste("never a joke", tags={"learning": 1.0, "playful": -0.6}),
    Taste("alone with the birds", tags={"nature": 0.7, "solo": 0.7, "for groups": -0.7}),
    Taste(
        "herbs, no cream", words={"basil": 1.0, "thyme": 1.0, "garlic": 1.0, "mint": 1.0, "cream": -1.0, "butter": -1.0}
    ),
    Taste("bread", words={"bread": 2.0}),
    FewWords("few words"),
    QuietAloneLoudTogether("quiet alone, loud together"),
)


def shipped() -> list[Taste]:
    """The tastes that come with the course."""
    return [load_taste(name) for name in SHIPPED]
