"""What a list should not hold: words that are somebody else's, and what tells who somebody is.

Both finders look at the form of a text only. A name, an address in words, a story that only one family has: none of
them is found here, and a reader is needed for that.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cache

COPIED = 5  # words in a row that stand in a source, too
EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"\+?\d(?:[ .-]?\d){6,}")


def longest_run(own: Sequence[str], source: Sequence[str]) -> int:
    """How many words in a row of `own` stand in `source` in a row, too: the length of the longest such run.

    own, source: words, already in lower case; either may be empty. Returns 0 if they share no word.
    """
    longest = 0
    before = [0] * (len(source) + 1)
    for word in own:
        ending = [0] * (len(source) + 1)
        for place, other in enumerate(source):
            if word == other:
                ending[place + 1] = before[place] + 1
        longest = max(longest, *ending)
        before = ending
    return longest


@cache  # the same notes are asked for with every list
def words_of(text: str) -> tuple[str, ...]:
    """Words in lower case, without punctuation."""
    return tuple(re.findall(r"[\w'’-]+", text.lower()))


def copied(items: Iterable[str], sources: Iterable[str], at_least: int = COPIED) -> tuple[int, str]:
    """The longest run of at least so many words that an item shares with a source, and that source; (0, "") if none."""
    read = [(words_of(source), source) for source in sources]
    found = (0, "")
    for own in map(words_of, items):
        for words, source in read if len(own) >= at_least else ():
            if sum(word in words for word in own) >= max(at_least, found[0] + 1):  # else no such run can be there
                run = longest_run(own, words)
                found = (run, source) if run >= max(at_least, found[0] + 1) else found
    return found


def redact(text: str) -> str:
    """The text with "[e-mail]" for every e-mail address and "[phone]" for every phone number.

    E-mail address: letters, digits and . _ + - before an @; after it letters, digits and _ - with at least one dot
    between them, none at the end. Phone number: seven or more digits, with at most one blank, dot or hyphen between two
    of them, and the + right before them if there is one. All else stays as it is.
    """
    return PHONE.sub("[phone]", EMAIL.sub("[e-mail]", text))


def is_personal(items: Iterable[str]) -> bool:
    """Whether an item holds something that `redact` would take out."""
    return any(redact(item) != item for item in items)
