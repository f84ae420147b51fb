"""What instructions to labellers should hold, found by words in them: a checklist, not a reader.

It sees whether a thing is mentioned, not whether what is said makes sense; that takes a person.
"""

import re
from dataclasses import dataclass

from topfive.annotation.on_topic import BORDERLINE, CLASSES

PAGE = 400  # words; what comes after is read by few

# borderline case → words that mention it
MENTIONS = {
    "stray": r"\b(one|single) (of the )?(stray |foreign |wrong |other |off-topic )?(items?|lines?)\b|\bstray\b",
    "condition": r"\b(conditions?|constraints?|adjectives?|restrictions?|vegetarian|vegan|budget|quick|cheap)\b",
    "vague": r"\b(vague|generic|unspecific|too general|something nice|anything|could stand in any)\b",
    "repeat": r"\b(repeat(s|ed|ing)?|repetitions?|twice|duplicates?|same (item|line|thing))\b",
    "count": r"\b(four|fewer|too few|missing|not five|less than five|six|more than five|number of (items|lines))\b",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One thing on the checklist: whether it is there, and what to do if not."""

    name: str
    found: bool
    advice: str


def mentioned(text: str) -> tuple[str, ...]:
    """The borderline cases that the first page of these instructions mentions."""
    page = " ".join(text.lower().split()[:PAGE])
    return tuple(case for case in BORDERLINE if re.search(MENTIONS[case], page))


def checklist(text: str) -> list[Part]:
    """Eight things that instructions need, each with whether it is there."""
    words = " ".join(text.lower().split())
    number, cases = len(text.split()), mentioned(text)
    missing = ", ".join(case for case in BORDERLINE if case not in cases)
    says = {label: words.count(label) for label in CLASSES}
    examples = len(re.findall(r"\b(examples?|e\.g\.|for instance|such as)\b", words))
    return [
        Part("a question", "?" in text, "Write the question down as the labeller reads it, with its question mark."),
        Part(
            "both labels, by name",
            all(says.values()),
            f"Name both labels, {' and '.join(map(repr, CLASSES))}, and say when each is right.",
        ),
        Part("an example of each label", examples >= 2, 'Give at least two examples, each introduced by "example".'),
        Part(
            "three borderline cases",
            len(cases) >= 3,
            f"Decide borderline cases. Not mentioned so far: {missing}.",
        ),
        Part("all five borderline cases", len(cases) == len(BORDERLINE), f"Not mentioned so far: {missing}."),
        Part(
            "what to do when unsure",
            bool(re.search(r"\b(unsure|not sure|in doubt|skip|flag|cannot (decide|judge|tell))\b", words)),
            "Say what to do when somebody is not sure, or cannot judge: skip, flag, or decide which way?",
        ),
        Part(
            "why it is asked, or who sees it",
            bool(re.search(r"\b(because|purpose|why|used (to|for)|will be used|who sees|see your)\b", words)),
            "Say in a sentence what the labels are used for and who sees them.",
        ),
        Part(
            f"60 to {PAGE} words",
            60 <= number <= PAGE,
            f"They have {number} words: a page at most, and more than a sentence.",
        ),
    ]
