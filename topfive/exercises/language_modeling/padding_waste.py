"""Exercise 3.7: what padding costs."""

from collections.abc import Callable
from functools import partial
from itertools import accumulate

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import train

Ids = list[int]


def _waste_cases(seed: int) -> list[Case]:
    generator = seeded(seed)
    lengths = [7, *integers(5, 60, 22, generator), 31]
    return [
        Case("four texts, two a batch", ([3, 9, 4, 2], 2), look_at="the pads of each batch: count them by hand."),
        Case("one batch", ([4, *lengths[:6]], 7), look_at="what the pads are a share of."),
        Case("batches of four", (lengths, 4), look_at="which longest text a batch is padded to."),
        Case("sorted by length", (sorted(lengths), 4), look_at="the order, which is to stay as it is."),
        Case("a smaller last batch", ([*lengths, 3, 70], 8), look_at="the last batch."),
        Case("fewer texts than a batch may hold", ([2, *lengths[:4]], 32), look_at="the only batch."),
        Case("nothing to fill up", (lengths[:5], 1), look_at="a batch of one text."),
    ]


def _batches(lengths: Ids, batch_size: int) -> list[Ids]:
    return [lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size)]


def _share(batches: list[Ids], widths: list[int] | None = None) -> float:
    """The waste of these batches, as wide as their longest texts or as `widths` says."""
    widths = widths or [max(batch) for batch in batches]
    places = sum(len(batch) * width for batch, width in zip(batches, widths, strict=True))
    return 1 - sum(map(sum, batches)) / places


def _wide(width: Callable[[Ids, Ids], float]) -> Function:
    """Batches of which each is as wide as `width(batch, lengths)` says."""

    def waste(lengths: Ids, batch_size: int) -> float:
        batches = _batches(lengths, batch_size)
        return 1 - sum(lengths) / sum(len(batch) * width(batch, lengths) for batch in batches)

    return waste


def _of_shares(lengths: Ids, batch_size: int, *, weight: Callable[[Ids], float] = lambda batch: 1) -> float:
    batches = _batches(lengths, batch_size)
    return sum(weight(batch) * _share([batch]) for batch in batches) / sum(map(weight, batches))


def _of_texts(lengths: Ids, batch_size: int) -> float:
    return sum(1 - one / max(batch) for batch in _batches(lengths, batch_size) for one in batch) / len(lengths)


def _waste(lengths: Ids, batch_size: int, *, wrong: str = "") -> float:
    batches = _batches(lengths, batch_size)
    real, places = sum(lengths), sum(len(batch) * max(batch) for batch in batches)
    full = sum(batch_size * max(batch) for batch in batches)
    return {
        "pads": float(places - real),
        "percent": 100 * (1 - real / places),
        "of real": places / real - 1,
        "factor": places / real,
        "real share": real / places,
        "sign": real / places - 1,
        "of the widest": (places - real) / (len(lengths) * max(lengths)),
        "whole percent": float(round(100 * (1 - real / places))),
        "of widths": (places - real) / sum(map(max, batches)),
        "real of widths": 1 - real / sum(map(max, batches)),
        "last pads": _pads(batches[-1]) / places,
        "last places": (places - real) / (len(batches[-1]) * max(batches[-1])),
        "whole numbers": float(1 - real // places),
        "whole pads": float((places - real) // places),
        "rounded": round(1 - real / places, 2),
        "rounded to three": round(1 - real / places, 3),
        "by texts": (places - real) / len(lengths),
        "by batches": (places - real) / len(batches),
        "full rows": 1 - real / full,
        "full places": (places - real) / full,
    }[wrong]


def _pads(batch: Ids) -> int:
    return len(batch) * max(batch) - sum(batch)


def _ends_counted(lengths: Ids, batch_size: int) -> float:
    return _share(_batches([one + 1 for one in lengths], batch_size))


def _longest_so_far(lengths: Ids, batch_size: int) -> float:
    batches = _batches(lengths, batch_size)
    return _share(batches, list(accumulate(map(max, batches), max)))


def _last_left_out(lengths: Ids, batch_size: int) -> float:
    full = [batch for batch in _batches(lengths, batch_size) if len(batch) == batch_size]
    return _share(full) if full else 0.0


def _last_places_left_out(lengths: Ids, batch_size: int) -> float:
    full = [batch for batch in _batches(lengths, batch_size) if len(batch) == batch_size]
    return 1 - sum(lengths) / sum(len(batch) * max(batch) for batch in full) if full else 0.0


def _number_of_batches(lengths: Ids, batch_size: int) -> float:
    """`batch_size` batches, as `numpy.array_split` makes them."""
    size, larger = divmod(len(lengths), batch_size)
    ends = list(accumulate([size + 1] * larger + [size] * (batch_size - larger)))
    parts = [lengths[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    return _share([part for part in parts if part])


def _every_text_begins_a_batch(lengths: Ids, batch_size: int) -> float:
    return _share([lengths[start : start + batch_size] for start in range(len(lengths))])


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
            _wide(lambda batch, lengths: max(lengths)),
            "That is what comes out when the longest text of all says how many places there are. Each batch has its "
            "own width. Look at: over what you take the maximum.",
            also=(partial(_waste, wrong="of the widest"),),
        ),
        Mistake(
            "padded to the longest so far",
            _longest_so_far,
            "That is what comes out when a batch is as wide as the longest text in it and in all before it. "
            "Look at: where the maximum begins again.",
        ),
        Mistake(
            "padded to the first or last text",
            _wide(lambda batch, lengths: batch[-1]),
            "That is what comes out when a batch is as wide as its first or its last text. It has to hold the longest, "
            "wherever that stands. Look at: the width of a batch.",
            also=(_wide(lambda batch, lengths: batch[0]),),
        ),
        Mistake(
            "padded to the shortest",
            _wide(lambda batch, lengths: min(batch)),
            "That is what comes out when a batch is as wide as its shortest text: the others would not fit. "
            "Look at: min and max.",
        ),
        Mistake(
            "mean of the batches' shares",
            _of_shares,
            "That is what comes out when the shares of the batches, or of the texts, are averaged: a narrow batch "
            "counts as much as a wide one. Look at: adding up first, dividing once.",
            also=(partial(_of_shares, weight=len), _of_texts, partial(_of_shares, weight=sum)),
        ),
        Mistake(
            "sum of the batches' shares",
            lambda lengths, batch_size: sum(_share([batch]) for batch in _batches(lengths, batch_size)),
            "That is what comes out when the shares of the batches are added up. Look at: adding up pads and places, "
            "dividing once.",
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
            "places by real tokens",
            partial(_waste, wrong="factor"),
            "That is how many places there are for each real token. A share of all places was asked for, between 0 and "
            "1. Look at: what you divide by what.",
        ),
        Mistake(
            "sign",
            partial(_waste, wrong="sign"),
            "That is the waste with its sign turned round. Look at: what is taken from what.",
        ),
        Mistake(
            "a number of pads",
            partial(_waste, wrong="pads"),
            "That is how many pads there are. A share was asked for, between 0 and 1. Look at: your last line.",
        ),
        Mistake(
            "pads a text",
            partial(_waste, wrong="by texts"),
            "That is what comes out when the number of pads is divided by the number of texts, or of batches. A share "
            "of all places was asked for. Look at: what you divide by.",
            also=(partial(_waste, wrong="by batches"),),
        ),
        Mistake(
            "a percentage",
            partial(_waste, wrong="percent"),
            "That is the waste as a percentage. A share was asked for, between 0 and 1; whoever prints it may write "
            "`{waste:.0%}`. Look at: your last line.",
            also=(partial(_waste, wrong="whole percent"),),
        ),
        Mistake(
            "rounded",
            partial(_waste, wrong="rounded"),
            "That is the waste, rounded. Whoever prints it may do that: `{waste:.0%}`. Look at: your last line.",
            also=(partial(_waste, wrong="rounded to three"),),
        ),
        Mistake(
            "widths for places",
            partial(_waste, wrong="of widths"),
            "That is what comes out when the widths of the batches are added up. A batch has so many places in each of "
            "its rows. Look at: how many places a batch has.",
            also=(partial(_waste, wrong="real of widths"),),
        ),
        Mistake(
            "only the first batch",
            lambda lengths, batch_size: _share([lengths[:batch_size]]),
            "That is what comes out when only the first batch is looked at. Look at: a `return` inside the loop.",
        ),
        Mistake(
            "only the last batch",
            partial(_waste, wrong="last pads"),
            "That is what comes out when a number is overwritten with each batch instead of growing, so that only the "
            "last batch is left of it. Look at: = and +=, and the line after the loop.",
            also=(
                partial(_waste, wrong="last places"),
                lambda lengths, batch_size: _share(_batches(lengths, batch_size)[-1:]),
            ),
        ),
        Mistake(
            "a division without rest",
            partial(_waste, wrong="whole numbers"),
            "That is what comes out when `//` divides whole numbers and throws the rest away. Look at: / and //.",
            also=(partial(_waste, wrong="whole pads"),),
        ),
        Mistake(
            "an end token for each text",
            _ends_counted,
            "That is what comes out when each text gets one token more, perhaps for its end. The lengths that you are "
            "given are whole. Look at: where you add 1.",
        ),
        Mistake(
            "the last batch is left out",
            _last_left_out,
            "That is what comes out when a last batch that is not full is left out. Look at: the steps of your loop.",
            also=(_last_places_left_out,),
        ),
        Mistake(
            "the last batch is taken for a full one",
            partial(_waste, wrong="full rows"),
            "That is what comes out when the last batch gets as many rows as the others. Look at: its number of texts.",
            also=(partial(_waste, wrong="full places"),),
        ),
        Mistake(
            "so many batches",
            _number_of_batches,
            "That is what comes out when `batch_size` is taken for the number of batches. It says how many texts go "
            "into each. Look at: where one batch ends and the next begins.",
        ),
        Mistake(
            "every text begins a batch",
            _every_text_begins_a_batch,
            "That is what comes out when a batch begins at every text, so that most texts are counted several times. "
            "Look at: the steps of your loop.",
        ),
        Mistake(
            "sorts first",
            lambda lengths, batch_size: _share(_batches(sorted(lengths), batch_size)),
            "That is what comes out when the texts are sorted by length first. It saves much, and you will do it below "
            "on purpose; here the order is given. Look at: your first line.",
            also=(lambda lengths, batch_size: _share(_batches(sorted(lengths, reverse=True), batch_size)),),
        ),
    ),
    hints=(
        "Draw the batches as rectangles, one row a text. How high is each, and how wide? What stands in it, and what "
        "remains empty?",
        "A batch has (number of texts) × (its longest text) places. What stands in them is the sum of its lengths.",
        "`range(0, len(lengths), batch_size)` gives the starts of the batches. Add up the places of all batches; the "
        "waste is 1 minus all lengths by all places.",
    ),
)
