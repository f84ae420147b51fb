"""Exercise 2.1: how alike two lists are."""

from collections import Counter
from collections.abc import Callable, Sequence

from topfive.demonstrations import alike
from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake

Items = Sequence[str]
Index = Callable[[set[str], set[str]], float]
WORDS = (
    "apple", "pear tart", "banana bread", "lentil", "soup", "with thyme", "cocoa", "pepper", "rolls", "mint tea",
    "roast", "parsnip", "on rye", "salad", "plum", "papaya",
)  # fmt: skip


def _similarity_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(count: int) -> list[str]:
        return [" ".join(WORDS[place] for place in integers(0, len(WORDS), 2, generator)) for _ in range(count)]

    five, other = drawn(5), drawn(5)
    near = [*five[3:], *drawn(1), *five[:2]]
    return [
        Case("two short lists", (["pea soup"], ["peas"], 3), look_at="the shingles of both, written down by hand."),
        Case("five items each, three of them shared", (five, near, 4), look_at="what you divide by what."),
        Case(
            "capitals",
            (["Apple Tart", *five[:2]], ["apple tart", *five[:1]], 4),
            look_at="whether A and a are the same letter for you.",
        ),
        Case("the same items in another order", (five, five[::-1], 4), look_at="what the order of the items changes."),
        Case(
            "a shingle several times",
            (["banana bandana", "cocoa cocoa"], ["bandana", "cocoa", "ananas"], 3),
            look_at="how often a shingle counts that stands in a list twice.",
        ),
        Case(
            "an item shorter than a shingle",
            (["tea", *five[:1]], ["tea", *other[:1]], 5),
            look_at="an item of fewer characters than `size`.",
        ),
        Case("five items and two", (five, [five[1], other[0]], 4), look_at="all that either list has."),
        Case("other sizes", (five, near, 2 + seed % 3), look_at="where `size` stands."),
        Case("other sizes", (other, [*other[2:4], *five[:2]], 6), look_at="where `size` stands."),
        Case("size left out", (near, [*other[:2], five[4]]), look_at="the line that begins with `def`."),
        Case("nothing in common", (["oat crisp"], ["bully dumb"], 4), look_at="two lists that share nothing."),
    ]


def _shingles(items: Items, size: int) -> list[str]:
    lower = [item.lower() for item in items]
    return [item[start : start + size] for item in lower for start in range(max(1, len(item) - size + 1))]


def _jaccard(mine: set[str], theirs: set[str]) -> float:
    return len(mine & theirs) / len(mine | theirs)


def _index(index: Index) -> Function:
    """Right shingles, and another index."""

    def similarity(one: Items, other: Items, size: int = 4) -> float:
        return index(set(_shingles(one, size)), set(_shingles(other, size)))

    return similarity


def _pieces(pieces: Callable[[Items, int], Sequence[str]]) -> Function:
    """The right index of other pieces."""

    def similarity(one: Items, other: Items, size: int = 4) -> float:
        mine, theirs = set(pieces(one, size)), set(pieces(other, size))
        return _jaccard(mine, theirs) if mine | theirs else 0.0

    return similarity


def _counted(one: Items, other: Items, size: int = 4) -> float:
    mine, theirs = Counter(_shingles(one, size)), Counter(_shingles(other, size))
    return sum((mine & theirs).values()) / sum((mine | theirs).values())


def _shared_of_all(one: Items, other: Items, size: int = 4) -> float:
    mine, theirs = _shingles(one, size), _shingles(other, size)
    return sum(shingle in theirs for shingle in mine) / len({*mine, *theirs})


def _capitals(items: Items, size: int) -> list[str]:
    return [item[start : start + size] for item in items for start in range(max(1, len(item) - size + 1))]


def _joined(between: str) -> Function:
    def pieces(items: Items, size: int) -> list[str]:
        return _shingles([between.join(items)], size)

    return _pieces(pieces)


def _word_runs(items: Items, size: int) -> list[str]:
    words = [item.lower().split() for item in items]
    return [" ".join(own[start : start + size]) for own in words for start in range(max(1, len(own) - size + 1))]


def _one_short(items: Items, size: int) -> list[str]:
    lower = [item.lower() for item in items]
    return [item[start : start + size] for item in lower for start in range(max(1, len(item) - size))]


def _short_lost(items: Items, size: int) -> list[str]:
    return [shingle for shingle in _shingles(items, size) if len(shingle) == size]


def _one_short_and_lost(items: Items, size: int) -> list[str]:
    lower = [item.lower() for item in items]
    return [item[start : start + size] for item in lower for start in range(len(item) - size)]


def _tails(items: Items, size: int) -> list[str]:
    lower = [item.lower() for item in items]
    return [item[start : start + size] for item in lower for start in range(len(item))]


def _chopped(items: Items, size: int) -> list[str]:
    lower = [item.lower() for item in items]
    return [item[start : start + size] for item in lower for start in range(0, len(item), size)]


def _line_by_line(one: Items, other: Items, size: int = 4) -> float:
    pairs = [(set(_shingles([a], size)), set(_shingles([b], size))) for a, b in zip(one, other, strict=False)]
    return sum(_jaccard(a, b) for a, b in pairs) / len(pairs)


def _best_partner(one: Items, other: Items, size: int = 4) -> float:
    best = [max(_jaccard(set(_shingles([a], size)), set(_shingles([b], size))) for b in other) for a in one]
    return sum(best) / len(best)


def _fixed(known: int) -> Function:
    return lambda one, other, size=4: alike.similarity(one, other, known)


EXERCISE = Exercise(
    number="2.1",
    title="How alike two lists are",
    points=3,
    minutes=12,
    solution=alike.similarity,
    cases=_similarity_cases,
    mistakes=(
        Mistake(
            "twice the shared by the sum",
            _index(lambda a, b: 2 * len(a & b) / (len(a) + len(b))),
            "That is Dice's coefficient: twice what is shared, by the sum of both sizes. It is a likeness, too, but "
            "not Jaccard's. Look at: what the union is.",
            "Dice 1945",
        ),
        Mistake(
            "the shared by the sum",
            _index(lambda a, b: len(a & b) / (len(a) + len(b))),
            "That is what comes out when you divide by the sum of both sizes, where what is shared counts twice: two "
            "equal lists get one half. Look at: what the union is.",
        ),
        Mistake(
            "share of one list",
            _index(lambda a, b: len(a & b) / len(a)),
            "That is how much of one list stands in the other. Ask the other way round and you get another number. "
            "Look at: what you divide by.",
            also=(_index(lambda a, b: len(a & b) / len(b)),),
        ),
        Mistake(
            "share of the smaller or larger list",
            _index(lambda a, b: len(a & b) / min(len(a), len(b))),
            "That is what is shared, as a share of the smaller or of the larger list. All that either list has was "
            "asked for. Look at: what you divide by.",
            "the overlap coefficient (Szymkiewicz 1934)",
            also=(_index(lambda a, b: len(a & b) / max(len(a), len(b))),),
        ),
        Mistake(
            "a distance",
            _index(lambda a, b: 1 - _jaccard(a, b)),
            "That is the distance, 1 minus the likeness: equal lists get 0. Look at: your last line.",
        ),
        Mistake(
            "a number of shingles",
            _index(lambda a, b: len(a & b)),
            "That is how many shingles both lists have. A share was asked for, between 0 and 1. Look at: your last "
            "line.",
        ),
        Mistake(
            "a percentage",
            _index(lambda a, b: 100 * _jaccard(a, b)),
            "That is the likeness in percent. A share was asked for, between 0 and 1. Look at: your last line.",
        ),
        Mistake(
            "counts instead of sets",
            _counted,
            "That is what comes out when a shingle counts as often as it stands there. A set holds it once. "
            "Look at: where the shingles become a set.",
            also=(_shared_of_all,),
        ),
        Mistake(
            "capitals are other letters",
            _pieces(_capitals),
            "That is what comes out when A and a differ, so that the same item in other capitals looks new. "
            "Look at: `.lower()`.",
        ),
        Mistake(
            "shingles across items",
            _joined(""),
            "That is what comes out when the items are glued together first: then shingles run from one item into the "
            "next, and the order of the items matters. Look at: one item at a time.",
            also=(_joined(" "), _joined("\n"), _joined(", ")),
        ),
        Mistake(
            "words instead of characters",
            _pieces(_word_runs),
            "That is what comes out when runs of words are compared, or single words. Items are short: one changed "
            "letter would change a quarter of them. Look at: what a shingle is made of.",
            "Broder 1997, where documents are long",
            also=(_pieces(lambda items, size: [word for item in items for word in item.lower().split()]),),
        ),
        Mistake(
            "whole items",
            _pieces(lambda items, size: [item.lower() for item in items]),
            "That is what comes out when whole items are compared. An item with one letter changed is then a new one. "
            "Look at: where `size` is used.",
            also=(_pieces(lambda items, size: items),),
        ),
        Mistake(
            "the last shingle is lost",
            _pieces(_one_short),
            "That is what comes out when the last shingle of each item is missing. A text of n characters has n − "
            "size + 1 of them. Look at: where your range ends.",
            also=(_pieces(_one_short_and_lost),),
        ),
        Mistake(
            "short items are lost",
            _pieces(_short_lost),
            "That is what comes out when an item with fewer characters than `size` leaves no trace. It is a shingle by "
            "itself. Look at: your range when the item is short.",
        ),
        Mistake(
            "tails count",
            _pieces(_tails),
            "That is what comes out when a shingle begins at every character, so that the last ones of an item are "
            "shorter than `size`. Look at: where your range ends.",
        ),
        Mistake(
            "pieces that do not overlap",
            _pieces(_chopped),
            "That is what comes out when items are cut into pieces side by side. One letter put in front shifts all "
            "the cuts. A shingle begins at every character. Look at: the step of your range.",
        ),
        Mistake(
            "blanks left out",
            _pieces(lambda items, size: _shingles([item.replace(" ", "") for item in items], size)),
            "That is what comes out when blanks are taken out first. They are characters like others. "
            "Look at: `replace` or `split`.",
        ),
        Mistake(
            "line by line",
            _line_by_line,
            "That is what comes out when item 1 is compared with item 1, item 2 with item 2. A list in another order "
            "looks new then. Look at: one set for the whole list.",
            also=(_best_partner,),
        ),
        Mistake(
            "size is not used",
            _fixed(4),
            "That is what comes out when `size` is not looked at, and a number of your own stands in its place. "
            "Look at: where `size` stands.",
            also=(_fixed(3), _fixed(5)),
        ),
        Mistake(
            "another default",
            lambda one, other, size=3: alike.similarity(one, other, size),
            "That is what comes out when `size` is another number unless told otherwise: the line that begins with "
            "`def` has been changed. Look at: size = 4.",
            also=(lambda one, other, size=5: alike.similarity(one, other, size),),
        ),
    ),
    hints=(
        "Two steps: the set of shingles of each list, then the two sets against each other. A helper function for the "
        "first step makes the second one line.",
        "`item[start : start + size]` is one shingle; `start` goes from 0 as long as a whole shingle fits, and is 0 at "
        "least, so that a short item is one by itself. All of them go into one set for the list.",
        "With sets, `&` is what both have and `|` what either has; `len` counts.",
    ),
)
