"""Exercise 3.7: what padding costs."""

from functools import partial

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import train

Ids = list[int]


def _waste_cases(seed: int) -> list[Case]:
    generator = seeded(seed)
    lengths = integers(5, 60, 24, generator)
    return [
        Case("four texts, two a batch", ([2, 4, 3, 9], 2), look_at="the pads of each batch: count them by hand."),
        Case("one batch", (lengths[:7], 7), look_at="what the pads are a share of."),
        Case("batches of four", (lengths, 4), look_at="which longest text a batch is padded to."),
        Case("sorted by length", (sorted(lengths), 4), look_at="the order, which is to stay as it is."),
        Case("a smaller last batch", ([*lengths, 3, 70], 8), look_at="the last batch."),
    ]


def _waste(lengths: Ids, batch_size: int, *, wrong: str = "") -> float:
    lengths = sorted(lengths) if wrong == "sorts" else list(lengths)
    batches = [lengths[i : i + batch_size] for i in range(0, len(lengths), batch_size)]
    if wrong == "drops":
        batches = [batch for batch in batches if len(batch) == batch_size]
    rows = [batch_size if wrong == "full rows" else len(batch) for batch in batches]
    widths = [max(lengths if wrong == "longest of all" else batch) for batch in batches]
    places = [row * width for row, width in zip(rows, widths, strict=True)]
    real = [sum(batch) for batch in batches]
    if wrong == "mean":
        return sum(1 - a / b for a, b in zip(real, places, strict=True)) / len(batches)
    if wrong == "pads":
        return float(sum(places) - sum(real))
    if wrong == "percent":
        return 100 * (1 - sum(real) / sum(places))
    if wrong == "of real":
        return sum(places) / sum(real) - 1
    return sum(real) / sum(places) if wrong == "real share" else 1 - sum(real) / sum(places)


EXERCISE = Exercise(
    number="3.7",
    title="What padding costs",
    points=1,
    minutes=5,
    solution=train.padding_waste,
    cases=_waste_cases,
    mistakes=(
        Mistake(
            "padded to the longest of all",
            partial(_waste, wrong="longest of all"),
            "That is what comes out when every batch is as wide as the longest text of all. Each has its own width. "
            "Look at: over what you take the maximum.",
        ),
        Mistake(
            "mean of the batches' shares",
            partial(_waste, wrong="mean"),
            "That is what comes out when the shares of the batches are averaged: a small batch counts as much as a "
            "large one. Look at: adding up first, dividing once.",
        ),
        Mistake(
            "share of real tokens",
            partial(_waste, wrong="real share"),
            "That is the share of real tokens; the pads are the rest. Look at: what is wasted.",
        ),
        Mistake(
            "pads by real tokens",
            partial(_waste, wrong="of real"),
            "That is what comes out when pads are divided by real tokens. A share of all places was asked for. "
            "Look at: what you divide by.",
        ),
        Mistake(
            "a number of pads",
            partial(_waste, wrong="pads"),
            "That is how many pads there are. A share was asked for, between 0 and 1. Look at: your last line.",
        ),
        Mistake(
            "a percentage",
            partial(_waste, wrong="percent"),
            "That is the waste as a percentage. A share was asked for, between 0 and 1; whoever prints it may write "
            "`{waste:.0%}`. Look at: your last line.",
        ),
        Mistake(
            "the last batch is left out",
            partial(_waste, wrong="drops"),
            "That is what comes out when a last batch that is not full is left out. Look at: the steps of your loop.",
        ),
        Mistake(
            "the last batch is taken for a full one",
            partial(_waste, wrong="full rows"),
            "That is what comes out when the last batch gets as many rows as the others. Look at: its number of texts.",
        ),
        Mistake(
            "sorts first",
            partial(_waste, wrong="sorts"),
            "That is what comes out when the texts are sorted by length first. It saves much, and you will do it below "
            "on purpose; here the order is given. Look at: your first line.",
        ),
    ),
    hints=(
        "A batch has (number of texts) × (its longest text) places. What stands in them is the sum of its lengths.",
        "`range(0, len(lengths), batch_size)` gives the starts of the batches. Add up the places of all batches; the "
        "waste is 1 minus all lengths by all places.",
    ),
)
