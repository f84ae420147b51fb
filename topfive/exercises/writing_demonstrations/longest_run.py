"""Exercise 2.4: words in a row that stand elsewhere, too."""

from collections.abc import Sequence

from topfive.demonstrations import foreign
from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake

Words = Sequence[str]
VOCABULARY = ["a", "warm", "loaf", "of", "rye", "bread", "with", "seeds", "and", "salt", "baked", "on", "stone"]


def _run_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(count: int) -> list[str]:
        return [VOCABULARY[place] for place in integers(0, len(VOCABULARY), count, generator)]

    phrase = ["slow", *drawn(4), "ovens"]
    page = [*drawn(6), *phrase, *drawn(9)]
    twice = ["a", "tin", "of", "beans", ",", "a", "tin", "of", "rice"]
    return [
        Case(
            "four words of five",
            (["soup", "of", "red", "lentil", "today"], ["a", "soup", "of", "red", "lentils"]),
            look_at="the words one by one: which stand side by side in both?",
        ),
        Case("a run in the middle", (["my", *phrase, "again"], page), look_at="where the run ends in both."),
        Case(
            "a run at both ends", ([*drawn(3), *phrase], [*phrase, *drawn(5)]), look_at="the first and the last word."
        ),
        Case(
            "the words in another order",
            (phrase[::-1], page),
            look_at="words that are all there, but not side by side.",
        ),
        Case(
            "with gaps",
            (phrase, [word for one in phrase for word in (one, "and", "then")]),
            look_at="what stands between the words of the source.",
        ),
        Case(
            "a word that comes several times",
            (["a", "tin", "of", "rice"], twice),
            look_at="the second place at which the run could begin.",
        ),
        Case(
            "the second run is longer",
            (["on", "stone", "but", *phrase], [*phrase, "on", "stone"]),
            look_at="what you do after the first run.",
        ),
        Case("the source is shorter", ([*drawn(12), "rye"], ["rye", "crumbs"]), look_at="a source of few words."),
        Case(
            "nothing shared",
            (["plum", "jam"], ["rye", "crumbs", "toast"]),
            look_at="what comes back if no word is shared.",
        ),
        Case("no words at all", ([], drawn(4)), look_at="an empty list."),
        Case("no words at all", (drawn(4), []), look_at="an empty list."),
        Case(
            "long texts of few words",
            (drawn(40), drawn(60)),
            look_at="every place of the one against every place of the other.",
        ),
    ]


def _subsequence(own: Words, source: Words) -> int:
    row = [0] * (len(source) + 1)
    for word in own:
        before = row[:]
        for place, other in enumerate(source):
            row[place + 1] = before[place] + 1 if word == other else max(row[place], before[place + 1])
    return row[-1]


def _rows(own: Words, source: Words) -> list[list[int]]:
    """[i][j]: how long a run ends at word i of own and word j of source."""
    rows = [[0] * (len(source) + 1)]
    for word in own:
        before = rows[-1]
        rows.append([0, *(before[place] + 1 if word == other else 0 for place, other in enumerate(source))])
    return rows


def _known_words(own: Words, source: Words) -> int:
    """Words in a row of own that stand somewhere in the source."""
    longest = run = 0
    for word in own:
        run = run + 1 if word in source else 0
        longest = max(longest, run)
    return longest


def _greedy(own: Words, source: Words) -> int:
    """A run is looked for only from the first place at which its first word stands."""
    longest = 0
    for start in range(len(own)):
        if own[start] in source:
            longest = max(longest, _ahead(own, source, start, list(source).index(own[start])))
    return longest


def _ahead(own: Words, source: Words, start: int, place: int) -> int:
    run = 0
    while start + run < len(own) and place + run < len(source) and own[start + run] == source[place + run]:
        run += 1
    return run


def _first_run(own: Words, source: Words) -> int:
    for start in range(len(own)):
        found = max((_ahead(own, source, start, place) for place in range(len(source))), default=0)
        if found:
            return found
    return 0


def _last_run(own: Words, source: Words) -> int:
    return max(_rows(own, source)[-1])


def _aligned(own: Words, source: Words) -> int:
    longest = run = 0
    for mine, theirs in zip(own, source, strict=False):
        run = run + 1 if mine == theirs else 0
        longest = max(longest, run)
    return longest


def _without_edges(own: Words, source: Words) -> int:
    """Runs of two and more, found from neighbours: the first words are never looked at."""
    rows = [[int(mine == theirs) if i and j else 0 for j, theirs in enumerate(source)] for i, mine in enumerate(own)]
    for i in range(1, len(own)):
        for j in range(1, len(source)):
            rows[i][j] = rows[i - 1][j - 1] + 1 if rows[i][j] else 0
    return max((max(row, default=0) for row in rows), default=0)


def _loop_too_short(own: Words, source: Words) -> int:
    return foreign.longest_run(own[:-1], source[:-1])


def _characters(own: Words, source: Words) -> int:
    mine, theirs = " ".join(own), " ".join(source)
    return foreign.longest_run(list(mine), list(theirs))


def _in_text(own: Words, source: Words) -> int:
    """The longest run of whole words that is a piece of the source's text, perhaps of longer words."""
    text = " ".join(source)
    lengths = [j - i for i in range(len(own)) for j in range(i + 1, len(own) + 1) if " ".join(own[i:j]) in text]
    return max(lengths, default=0)


def _the_run(own: Words, source: Words) -> list[str]:
    rows = _rows(own, source)
    longest, end = max((max(row), i) for i, row in enumerate(rows))
    return list(own[end - longest : end])


EXERCISE = Exercise(
    number="2.4",
    title="Words that somebody else wrote",
    points=3,
    minutes=15,
    solution=foreign.longest_run,
    cases=_run_cases,
    mistakes=(
        Mistake(
            "gaps are allowed",
            _subsequence,
            "That is what comes out when the words have to stand in the same order, but may have others between them: "
            "the longest common subsequence. Copied text stands side by side. Look at: what happens to a run when a "
            "word differs.",
            "the two problems are mixed up in most tutorials",
        ),
        Mistake(
            "shared words are counted",
            lambda own, source: len(set(own) & set(source)),
            "That is how many words both have, wherever they stand. Every list about bread shares words with every "
            "page about bread. Look at: words side by side.",
            also=(lambda own, source: sum(word in source for word in own),),
        ),
        Mistake(
            "in a row here, anywhere there",
            _known_words,
            "That is what comes out when the words stand in a row in `own`, but anywhere in `source`. They have to be "
            "in a row in both. Look at: where in the source the next word stands.",
        ),
        Mistake(
            "the same places in both",
            _aligned,
            "That is what comes out when word 1 is compared with word 1, word 2 with word 2. A copied run may begin "
            "anywhere in either. Look at: two starts, not one.",
        ),
        Mistake(
            "only the first place is tried",
            _greedy,
            "That is what comes out when a run is followed only from the first place in the source where its first "
            "word stands. The longer run may begin at the second. Look at: `index`, or a `break`.",
        ),
        Mistake(
            "the first run",
            _first_run,
            "That is the first run that is found. A longer one may follow. Look at: a `return` or `break` inside the "
            "loop.",
        ),
        Mistake(
            "the run at the end",
            _last_run,
            "That is the run that ends with the last word of `own`. Look at: where you keep the longest so far.",
            also=(
                lambda own, source: max(row[-1] for row in _rows(own, source)),
                lambda own, source: _rows(own, source)[-1][-1],
            ),
        ),
        Mistake(
            "the run at the beginning",
            lambda own, source: _ahead(own, source, 0, 0),
            "That is how many words both have in common from their beginning, or from the beginning of one of them. "
            "Look at: where a run may begin.",
            also=(
                lambda own, source: max((_ahead(own, source, 0, place) for place in range(len(source))), default=0),
                lambda own, source: max((_ahead(own, source, start, 0) for start in range(len(own))), default=0),
            ),
        ),
        Mistake(
            "the first words are left out",
            _without_edges,
            "That is what comes out when the first word of `own` or of `source` can be in no run. In a table one row "
            "and one column more, of zeros, solve it. Look at: where your loops begin.",
            also=(
                lambda own, source: foreign.longest_run(own[1:], source),
                lambda own, source: foreign.longest_run(own, source[1:]),
            ),
        ),
        Mistake(
            "the last words are left out",
            _loop_too_short,
            "That is what comes out when the last word of `own` or of `source` can be in no run. Look at: where your "
            "loops end.",
            also=(
                lambda own, source: foreign.longest_run(own[:-1], source),
                lambda own, source: foreign.longest_run(own, source[:-1]),
            ),
        ),
        Mistake(
            "one too few",
            lambda own, source: max(0, foreign.longest_run(own, source) - 1),
            "That is one word too few: a run from word 3 to word 5 has three words. Look at: end minus start.",
        ),
        Mistake(
            "one too many",
            lambda own, source: foreign.longest_run(own, source) + 1,
            "That is one word too many. Look at: where counting begins.",
        ),
        Mistake(
            "characters",
            _characters,
            "That is the longest run of characters. Words were asked for: two different words may share most of their "
            "letters. Look at: `join`.",
            also=(lambda own, source: len(" ".join(_the_run(own, source))),),
        ),
        Mistake(
            "pieces of words",
            _in_text,
            'That is what comes out when a run is looked for in the source as one text: "lentil" is then found inside '
            '"lentils". Look at: `in` with texts, and with lists.',
        ),
        Mistake(
            "a share",
            lambda own, source: foreign.longest_run(own, source) / len(own) if own else 0,
            "That is the length of the run as a share. A number of words was asked for. Look at: your last line.",
        ),
        Mistake(
            "the words themselves",
            _the_run,
            "These are the words of the run; how many they are was asked for. Look at: your last line.",
            also=(lambda own, source: " ".join(_the_run(own, source)),),
        ),
    ),
    hints=(
        "Where could a run begin? At any word of `own`, and at any word of `source`. Try all starts, and walk on "
        "while the words are the same.",
        "From a start (i, j) a run goes on while `own[i + n] == source[j + n]` and neither list has ended. Keep the "
        "longest n.",
        "Quicker, if you like: a run that ends at (i, j) is one longer than the run that ends at (i − 1, j − 1), if "
        "the two words are the same; otherwise it is 0.",
    ),
)
