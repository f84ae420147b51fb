"""Exercise 3.3: packing texts into full rows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import train

END = 3  # in the hand case; elsewhere another one, so that nobody has it by heart
Ids = list[int]


def _pack_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: Sequence[int]) -> list[Ids]:
        """Texts of these lengths, of tokens 4 to 89 that all differ from their neighbours'."""
        return [integers(4, 90, length, generator) for length in lengths]

    many = [2, *integers(1, 6, 30, generator)]
    return [
        Case(
            "three short texts, rows of four",
            ([[5, 6, 7], [8, 9], [10, 11, 12]], END, 4),
            look_at="the stream that you cut: write it down by hand, with all its end tokens, then the cuts.",
        ),
        Case(
            "called by name, with another end token",
            (drawn([2, 6, 3]),),
            {"end": 90, "width": 5},
            look_at="the end token.",
        ),
        Case("texts that are longer than a row", (drawn([4, 13, 9]), 2, 5), look_at="where the second row begins."),
        Case("many short texts in long rows", (drawn(many), 1, 16), look_at="the order of the tokens."),
        Case("a rest that does not fill a row", (drawn([5, 6, 6, 6]), 2, 7), look_at="the last, unfinished row."),
        Case("one text that fills two rows with its end token", (drawn([7]), 0, 4), look_at="the very last place."),
        Case(
            "a text without a token",
            ([*drawn([2]), [], *drawn([3, 1])], 2, 5),
            look_at="an empty text: it still ends.",
        ),
        Case("too little for one row", (drawn([2, 3]), 2, 12), look_at="what 0 rows of this width are."),
    ]


def _stream(texts: Sequence[Ids], end: int) -> Ids:
    return [token for text in texts for token in (*text, end)]


def _rows(stream: Ids, width: int) -> Tensor:
    return torch.tensor(stream[: len(stream) // width * width], dtype=torch.long).view(-1, width)


def _pack_without_ends(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in text], width)


def _pack_with_one_end(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([*(token for text in texts for token in text), end], width)


def _pack_with_ends_before(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in (end, *text)], width)


def _pack_with_ends_around(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in (end, *text, end)], width)


def _pack_with_ends_between(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream(texts, end)[:-1], width)


def _pack_with_an_end_in_each_row(texts: list[Ids], end: int, width: int) -> Tensor:
    rows = _rows([token for text in texts for token in text], width - 1)
    return torch.cat([rows, torch.full((len(rows), 1), end)], dim=1)


def _pack_with_this_end(known: int) -> Function:
    def pack(texts: list[Ids], end: int, width: int) -> Tensor:
        return _rows(_stream(texts, known), width)

    return pack


def _pack_with_a_filled_row(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = _stream(texts, end)
    return _rows(stream + [end] * (-len(stream) % width), width)


def _pack_with_a_padded_row(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = _stream(texts, end)
    return _rows(stream + [0] * (-len(stream) % width), width)


def _pack_with_a_row_too_many(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = _stream(texts, end)
    return _rows(stream + [0] * (width - len(stream) % width), width)


def _pack_the_end_of_the_stream(texts: list[Ids], end: int, width: int) -> Tensor:
    stream = _stream(texts, end)
    return _rows(stream[len(stream) % width :], width)


def _pack_text_by_text(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.cat([_rows([*text, end], width) for text in texts])


def _pack_padded_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.cat([_pack_with_a_filled_row([text], end, width) for text in texts])


def _pack_zero_padded_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.cat([_pack_with_a_padded_row([text], end, width) for text in texts])


def _pack_one_text_a_row(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.tensor([([*text, end] + [0] * width)[:width] for text in texts])


def _pack_one_ended_text_a_row(texts: list[Ids], end: int, width: int) -> Tensor:
    return torch.tensor([([*text[: width - 1], end] + [0] * width)[:width] for text in texts])


def _pack_cut_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream([text[: width - 1] for text in texts], end), width)


def _pack_texts_cut_with_their_ends(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows([token for text in texts for token in [*text, end][:width]], width)


def _pack_texts_cut_before_their_ends(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream([text[:width] for text in texts], end), width)


def _pack_no_empty_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream([text for text in texts if text], end), width)


def _pack_short_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream([text for text in texts if len(text) < width], end), width)


def _pack_down_the_columns(texts: list[Ids], end: int, width: int) -> Tensor:
    rows = train.pack(texts, end, width)
    return rows.reshape(width, -1).T


def _cut(stream: Ids, width: int, step: int) -> Tensor:
    """Full rows of which one begins every `step` tokens."""
    starts = range(0, len(stream) - width + 1, step)
    return torch.tensor([stream[start : start + width] for start in starts], dtype=torch.long).view(-1, width)


def _pack_a_row_a_token(texts: list[Ids], end: int, width: int) -> Tensor:
    return _cut(_stream(texts, end), width, 1)


def _pack_with_a_shared_token(texts: list[Ids], end: int, width: int) -> Tensor:
    return _cut(_stream(texts, end), width, width - 1)


def _pack_with_gaps(texts: list[Ids], end: int, width: int) -> Tensor:
    return _cut(_stream(texts, end), width, width + 1)


def _pack_width_rows(texts: list[Ids], end: int, width: int) -> Tensor:
    return train.pack(texts, end, width).reshape(width, -1)


def _pack_whole_texts(texts: list[Ids], end: int, width: int) -> Tensor:
    """No text is cut if it fits into a row: the row before is filled up instead."""
    rows: list[Ids] = []
    row: Ids = []
    for text in texts:
        if len(row) + len(text) + 1 > width:
            rows.append((row + [end] * width)[:width])
            row = []
        row = [*row, *text, end]
    return torch.tensor([*rows, (row + [end] * width)[:width]])


def _pack_whole_texts_but_the_last_row(texts: list[Ids], end: int, width: int) -> Tensor:
    return _pack_whole_texts(texts, end, width)[:-1]


def _pack_a_row_after_each_text(texts: list[Ids], end: int, width: int) -> Tensor:
    """`if` for `while`: at most one row is taken out of the buffer after each text."""
    rows: list[Ids] = []
    buffer: Ids = []
    for text in texts:
        buffer = [*buffer, *text, end]
        if len(buffer) >= width:
            rows.append(buffer[:width])
            buffer = buffer[width:]
    return torch.tensor(rows, dtype=torch.long).view(-1, width)


def _pack_and_forget(texts: list[Ids], end: int, width: int) -> Tensor:
    """The buffer is emptied when a row is taken out of it."""
    rows: list[Ids] = []
    buffer: Ids = []
    for text in texts:
        buffer = [*buffer, *text, end]
        if len(buffer) >= width:
            rows.append(buffer[:width])
            buffer = []
    return torch.tensor(rows, dtype=torch.long).view(-1, width)


def _pack_turned_round(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream(texts[::-1], end), width)


def _pack_in_order_of_numbers(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream(sorted(texts), end), width)


def _pack_by_length(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream(sorted(texts, key=len), end), width)


def _pack_longest_first(texts: list[Ids], end: int, width: int) -> Tensor:
    return _rows(_stream(sorted(texts, key=len, reverse=True), end), width)


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
            "an empty text is left out",
            _pack_no_empty_texts,
            "That is what comes out when a text without a token is skipped. It is a text that ends at once, and its "
            "end token stands in the stream like the others. Look at: an `if` around an empty text.",
        ),
        Mistake(
            "end tokens in front",
            _pack_with_ends_before,
            "That is what comes out when the end token stands before each text instead of after it. "
            "Look at: the first place of the first row.",
        ),
        Mistake(
            "end tokens in front and behind",
            _pack_with_ends_around,
            "That is what comes out when an end token stands before each text and another one after it: two in a line "
            "between any two texts. Look at: what stands between two texts.",
        ),
        Mistake(
            "an end token in every row",
            _pack_with_an_end_in_each_row,
            "That is what comes out when the end token is put at the end of each row. It ends texts, and a row may end "
            "in the middle of one. Look at: whether you cut first, or put the end tokens in first.",
        ),
        Mistake(
            "an end token of your own",
            _pack_with_this_end(1),
            "That is what comes out when the number of the end token is written into the function. Every tokenizer has "
            "another, and it is handed in. Look at: where `end` is used.",
            also=tuple(map(_pack_with_this_end, (0, 2, 3))),
        ),
        Mistake(
            "the last row is lost though it is full",
            _pack_with_ends_between,
            "That is what comes out when one token is missing at the very end: either end tokens stand between the "
            "texts but not after the last one, as `join` does it, or the full rows are counted one too few when "
            "nothing is left over. Look at: a single text that fills its rows exactly.",
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
            also=(_pack_with_a_row_too_many,),
        ),
        Mistake(
            "drops the beginning",
            _pack_the_end_of_the_stream,
            "That is what comes out when what is left over is dropped at the beginning of the stream instead of at its "
            "end. Look at: the first token of the first row.",
        ),
        Mistake(
            "each text by itself",
            _pack_text_by_text,
            "That is what comes out when every text is cut into rows on its own, and its rest thrown away: with texts "
            "shorter than a row, all of it. Look at: what happens between the end of a text and the next text.",
        ),
        Mistake(
            "each text padded by itself",
            _pack_padded_texts,
            "That is what comes out when every text begins a row of its own, which is filled up or cut to the width. "
            "That is padding; packed, the next text begins right behind the end token. Look at: where the second text "
            "begins.",
            also=(_pack_zero_padded_texts, _pack_one_text_a_row, _pack_one_ended_text_a_row),
        ),
        Mistake(
            "long texts are cut",
            _pack_cut_texts,
            "That is what comes out when a text that is longer than a row is cut to it, or left out. Packed, it goes "
            "on in the next row. Look at: a text longer than a row.",
            "`truncation=True` in tokenizers",
            also=(_pack_texts_cut_with_their_ends, _pack_texts_cut_before_their_ends, _pack_short_texts),
        ),
        Mistake(
            "whole texts only",
            _pack_whole_texts,
            "That is what comes out when a text that does not fit into what is left of a row begins the next one, and "
            "the row is filled up. Packed, a text is cut wherever a row ends. Look at: the end of the first row.",
            also=(_pack_whole_texts_but_the_last_row,),
        ),
        Mistake(
            "one row after each text",
            _pack_a_row_after_each_text,
            "That is what comes out when at most one row is taken from the stream after each text: behind a long text "
            "several are full. Look at: `if` and `while`.",
        ),
        Mistake(
            "what is left behind a row is forgotten",
            _pack_and_forget,
            "That is what comes out when a row is taken from the stream and what stands behind it thrown away. The "
            "next row begins there. Look at: what you keep after a row.",
        ),
        Mistake(
            "so many rows instead of so wide",
            _pack_width_rows,
            "That is what comes out when there are `width` rows, instead of rows of this width. "
            "Look at: the order of the two numbers in `view`.",
        ),
        Mistake(
            "down the columns",
            _pack_down_the_columns,
            "That is what comes out when the stream is written down the columns instead of along the rows. "
            "Look at: the order of the two numbers in `view`, and whether you transposed.",
        ),
        Mistake(
            "rows that overlap",
            _pack_a_row_a_token,
            "That is what comes out when a row begins before the one in front of it has ended: some tokens would be "
            "trained on more often than others. Look at: where the second row begins.",
            also=(_pack_with_a_shared_token,),
        ),
        Mistake(
            "a token lost between rows",
            _pack_with_gaps,
            "That is what comes out when a token between two rows goes into neither of them. "
            "Look at: where the second row begins.",
        ),
        Mistake(
            "another order",
            _pack_by_length,
            "That is what comes out when the texts are put into another order first, sorted or turned round. Nothing "
            "is gained by it, since there are no pads. Look at: the order of the texts.",
            also=(_pack_longest_first, _pack_turned_round, _pack_in_order_of_numbers),
        ),
    ),
    hints=(
        "Think of a ribbon: all texts written on it one behind the other, each followed by the end token. What is cut "
        "from it, and what remains at the end?",
        "Two steps. A list comprehension with two `for`, or `extend` in a loop, makes one long list of tokens. How "
        "many full rows are in it is a division without rest.",
        "`len(stream) // width` says how many full rows there are. Keep so many times `width` tokens, make a tensor of "
        "them (dtype torch.long) and give it the shape with `.view(-1, width)`.",
    ),
)
