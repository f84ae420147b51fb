"""Submissions whose code is likely to have been shared: winnowing, as MOSS does it (Schleimer et al., 2003).

Names, strings, numbers' spelling, comments and layout do not count; nor what the course gave out, nor what a good part
of the class writes. A person has to look: short answers to one question are alike by themselves.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Name, String, Text, Whitespace

LARGEST = 50_000  # characters of somebody's code that are compared
TOKENS = 12  # in a fingerprint: what two share that is shorter does not count
WINDOW = 6  # a shared run of TOKENS + WINDOW − 1 tokens is always found
AT_LEAST = 10  # shared fingerprints, and SHARE of those of the shorter submission
SHARE = 0.8
COMMON = 0.25  # of the class and more than COMMON_LEAST of it: then it is how one writes it
COMMON_LEAST = 5


@dataclass(frozen=True)
class Pair:
    """Two students whose code is alike. share: of the fingerprints of the one who has fewer, which both have."""

    one: str
    other: str
    share: float


def likely_shared(texts: Mapping[str, str], given: str = "") -> list[Pair]:
    """Pairs of students, by their code, the most alike first. given: code that everybody got."""
    boilerplate = prints(given)
    found = {student: prints(text) - boilerplate for student, text in texts.items()}
    everywhere = Counter(one for those in found.values() for one in those)
    often = max(COMMON_LEAST, COMMON * len(texts))
    kept = {student: {one for one in those if everywhere[one] <= often} for student, those in found.items()}
    pairs = []
    for one, other in combinations(sorted(kept), 2):
        both, fewer = len(kept[one] & kept[other]), min(len(kept[one]), len(kept[other]))
        if both >= AT_LEAST and both / fewer >= SHARE:
            pairs.append(Pair(one, other, both / fewer))
    return sorted(pairs, key=lambda pair: -pair.share)


def prints(code: str) -> set[int]:
    """The fingerprints of some code: of each window of neighbouring runs of tokens, the least hash."""
    tokens = list(_tokens(code))
    hashes = [hash(tuple(tokens[place : place + TOKENS])) for place in range(len(tokens) - TOKENS + 1)]
    windows = max(1, len(hashes) - WINDOW + 1) if hashes else 0
    return {min(hashes[place : place + WINDOW]) for place in range(windows)}


def _tokens(code: str) -> Iterable[str]:
    for kind, text in PythonLexer().get_tokens(code[:LARGEST]):
        if kind in Comment or kind in Text or kind in Whitespace:
            continue
        if kind in Name and kind not in Name.Builtin:
            yield "name"
        elif kind in String:
            if kind not in String.Doc:
                yield "string"
        else:
            yield text
