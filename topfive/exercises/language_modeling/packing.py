"""Exercise 3.3: packing texts into full rows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.lm import train

PAD, END = 0, 1
Ids = list[int]


def _pack_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: Sequence[int]) -> list[Ids]:
        return [integers(2, 90, length, generator) for length in lengths]

    return [
        Case(
            "three short texts, rows of four",
            ([[5, 6, 7], [8, 9], [10, 11, 12]], END, 4),
            look_at="the stream that you cut: write it down by hand.",
        ),
        Case("texts that are longer than a row", (drawn([9, 13, 4]), END, 5), look_at="where the second row begins."),
        Case("many short texts in long rows", (drawn(integers(1, 6, 30, generator)), END, 16)),
        Case("a rest that does not fill a row", (drawn([6, 6, 6, 5]), END, 7), look_at="the last, unfinished row."),
        Case("one text that fills two rows with its end token", (drawn([7]), END, 4), look_at="the very last place."),
        Case("too little for one row", (drawn([3, 2]), END, 12), look_at="what 0 rows of this width are."),
    ]


def _rows(stream: Ids, width: int) -> Tensor:
    return torch.tensor(stream[: len(stream) // width * width], dtype=torch.long).view(-1, width)


def _pack_without_ends(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in text], width)


def _pack_with_one_end(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([*(token for text in texts for token in text), end], width)


def _pack_with_ends_before(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in (end, *text)], width)


def _pack_with_ends_between(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in (*text, end)][:-1], width)


def _pack_with_a_filled_row(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = [token for text in texts for token in (*text, end)]
    return _rows(stream + [end] * (-len(stream) % width), width)


def _pack_with_a_padded_row(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = [token for text in texts for token in (*text, end)]
    return _rows(stream + [PAD] * (-len(stream) % width), width)


def _pack_text_by_text(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.cat([_rows([*text, end], width) for text in texts])


def _pack_down_the_columns(texts: list[Ids], end: int, width: int) -> Tensor:
    rows = train.pack(texts, end, width)
    return rows.reshape(width, -1).T


def _pack_overlapping(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = [token for text in texts for token in (*text, end)]
    return torch.tensor([stream[i : i + width] for i in range(len(stream) - width + 1)]).view(-1, width)


EXERCISE = Exercise(
    number="3.3",
    title="Packing texts into full rows",
    points=2,
    minutes=10,
    solution=train.pack,
    cases=_pack_cases,
    axes=("row", "place"),
    mistakes=(
        Mistake(
            "no end tokens",
            _pack_without_ends,
            "That is what comes out when the texts run into each other without an end token. A model trained on it "
            "never learns to stop. Look at: what stands between two texts.",
        ),
        Mistake(
            "one end token for all",
            _pack_with_one_end,
            "That is what comes out when the end token is put once, behind the last text. Look at: the end of the "
            "first text.",
        ),
        Mistake(
            "end tokens in front",
            _pack_with_ends_before,
            "That is what comes out when the end token stands before each text instead of after it. "
            "Look at: the first place of the first row.",
        ),
        Mistake(
            "no end after the last text",
            _pack_with_ends_between,
            "That is what comes out when end tokens stand between the texts, but not after the last one: `join` does "
            "that. Look at: the very last text.",
        ),
        Mistake(
            "fills up the last row",
            _pack_with_a_filled_row,
            "That is what comes out when the unfinished row is filled up instead of dropped. In pretraining nobody "
            "misses half a row, and end tokens in a line teach nothing. Look at: the last row.",
        ),
        Mistake(
            "pads the last row",
            _pack_with_a_padded_row,
            "That is what comes out when the unfinished row is filled up with a token 0. Whatever token that is, the "
            "model would learn to repeat it; in pretraining nobody misses half a row. Look at: the last row.",
        ),
        Mistake(
            "each text by itself",
            _pack_text_by_text,
            "That is what comes out when every text is cut into rows on its own, and its rest thrown away: with texts "
            "shorter than a row, all of it. Look at: what happens between the end of a text and the next text.",
        ),
        Mistake(
            "down the columns",
            _pack_down_the_columns,
            "That is what comes out when the stream is written down the columns instead of along the rows. "
            "Look at: the order of the two numbers in `view`, and whether you transposed.",
        ),
        Mistake(
            "rows that overlap",
            _pack_overlapping,
            "That is what comes out when a row begins at every token. Each token would then be trained on as many "
            "times as a row is wide. Look at: where the second row begins.",
        ),
    ),
    hints=(
        "Two steps: first one long list of tokens, each text followed by the end token; then cut it.",
        "`len(stream) // width` says how many full rows there are. Keep so many times `width` tokens, make a tensor of "
        "them (dtype torch.long) and give it the shape with `.view(-1, width)`.",
    ),
)
