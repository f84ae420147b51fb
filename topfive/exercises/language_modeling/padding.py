"""Exercise 3.8: padding, and masking the prompt."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import train

PAD, END = 2, 1
Ids = list[int]
Examples = list[tuple[Ids, Ids]]
Pair = tuple[Tensor, Tensor]


def _pad_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(lengths: Sequence[tuple[int, int]], end: int = END) -> Examples:
        return [
            (integers(3, 90, prompt, generator), [*integers(3, 90, completion, generator), end])
            for prompt, completion in lengths
        ]

    pairs = drawn([(2, 3), (6, 1), (1, 9), (3, 5)])
    pairs[2][1][2] = 0  # no number is special but the pad that is handed in
    return [
        Case(
            "two pairs, by hand",
            ([([5], [6, 7, END]), ([5, 6, 8], [9, END])], PAD),
            look_at="each row, token by token: its tokens, then which of them are to be predicted.",
        ),
        Case("four pairs of different length", (pairs, PAD, True), look_at="the width of the batch, and its pads."),
        Case("the pad token is also the end token", (drawn([(2, 2), (3, 4)], end=7), 7), look_at="the end token."),
        Case("a pad token of 0, by name", (drawn([(4, 1), (2, 5)]),), {"pad": 0}, look_at="what the pads are."),
        Case("the prompt counts, too, if asked for", (pairs, PAD, False), look_at="mask_prompt."),
        Case(
            "the prompt counts, too, if asked for",
            (drawn([(2, 1), (4, 3)]), PAD),
            {"mask_prompt": False},
            look_at="mask_prompt.",
        ),
        Case("no prompt at all, and no pads", (drawn([(0, 4), (0, 4)]), PAD), look_at="the first column of the mask."),
        Case("a single pair", (drawn([(3, 2)]), PAD), look_at="the first and the last 1."),
    ]


# --- rows first, then a mask from `start` to `stop` in each ------------------------------------------------------


def _start(prompt: Ids, completion: Ids, mask_prompt: bool) -> int:
    return len(prompt) if mask_prompt else 0


def _stop(prompt: Ids, completion: Ids) -> int:
    return len(prompt) + len(completion)


def _filled(rows: list[Ids], fill: int, width: int) -> Tensor:
    """Rows padded on the right to `width`."""
    return torch.tensor([row + [fill] * (width - len(row)) for row in rows])


def _pad(
    start: Callable[[Ids, Ids, bool], int] = _start, stop: Callable[[Ids, Ids], int | None] = _stop, more: int = 0
) -> Function:
    """The batch, with 1s from `start` up to `stop` (None: the end of the row), and `more` columns than needed."""

    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        width = max(len(prompt) + len(completion) for prompt, completion in examples) + more
        tokens = _filled([prompt + completion for prompt, completion in examples], pad, width)
        mask = torch.zeros_like(tokens)
        for row, (prompt, completion) in enumerate(examples):
            mask[row, max(0, start(prompt, completion, mask_prompt)) : stop(prompt, completion)] = 1
        return tokens, mask

    return pad_batch


def _changed(change: Callable[[Tensor, Tensor, int], Pair]) -> Function:
    """The right batch, and something done to it: `change(tokens, mask, pad)`."""

    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        tokens, mask = train.pad_batch(examples, pad, mask_prompt)
        return change(tokens, mask, pad)

    return pad_batch


def _masked(value: int) -> Callable[[Tensor, Tensor, int], Pair]:
    return lambda tokens, mask, pad: (tokens, mask.masked_fill(mask == 0, value))


def _counted_from_the_end(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    """mask[row, -len(completion):] = 1, where the row may end in pads."""
    tokens, _ = train.pad_batch(examples, pad)
    mask = torch.zeros_like(tokens)
    for row, (prompt, completion) in enumerate(examples):
        mask[row, -len(completion) - (0 if mask_prompt else len(prompt)) :] = 1
    return tokens, mask


def _completion_counted_from_the_end(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    return _counted_from_the_end(examples, pad)


def _pads_in_the_mask(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    tokens, mask = train.pad_batch(examples, pad, mask_prompt)
    marks = [[int(not mask_prompt)] * len(prompt) + [1] * len(completion) for prompt, completion in examples]
    return tokens, _filled(marks, pad, mask.shape[1])


def _one_length(length: Callable[[list[int]], int]) -> Function:
    """The same length of prompt for all rows."""

    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        same = length([len(prompt) for prompt, _ in examples])
        return _pad(start=lambda prompt, completion, masked: same if masked else 0)(examples, pad, mask_prompt)

    return pad_batch


def _one_length_to_the_end(length: Callable[[list[int]], int]) -> Function:
    """mask[:, length:] = 1, pads and all."""

    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        same = length([len(prompt) for prompt, _ in examples])
        return _pad(lambda prompt, completion, masked: same if masked else 0, lambda prompt, completion: None)(
            examples, pad, mask_prompt
        )

    return pad_batch


def _pad_in_two_pieces(prompts_to_the_right: bool) -> Function:
    """Prompts padded among themselves, completions among themselves, then put side by side."""

    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        pieces: list[Tensor] = []
        masks: list[Tensor] = []
        for part in (0, 1):
            rows = [example[part] for example in examples]
            width = max(map(len, rows))
            tokens = _filled(rows, pad, width)
            mask = _filled([[int(part == 1 or not mask_prompt)] * len(row) for row in rows], 0, width)
            if prompts_to_the_right and part == 0:
                tokens, mask = _to_the_right(tokens, rows), _to_the_right(mask, rows)
            pieces.append(tokens)
            masks.append(mask)
        return torch.cat(pieces, dim=1), torch.cat(masks, dim=1)

    return pad_batch


def _to_the_right(values: Tensor, rows: list[Ids]) -> Tensor:
    shifted = [line.roll(values.shape[1] - len(row)) for line, row in zip(values, rows, strict=True)]
    return torch.stack(shifted)


def _pad_on_the_left(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    tokens, mask = train.pad_batch(examples, pad, mask_prompt)
    rows = [prompt + completion for prompt, completion in examples]
    return _to_the_right(tokens, rows), _to_the_right(mask, rows)


def _pad_tokens_on_the_left(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    tokens, mask = train.pad_batch(examples, pad, mask_prompt)
    return _to_the_right(tokens, [prompt + completion for prompt, completion in examples]), mask


def _pad_for_the_longest_parts(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    width = max(len(prompt) for prompt, _ in examples) + max(len(completion) for _, completion in examples)
    needed = max(len(prompt) + len(completion) for prompt, completion in examples)
    found: Pair = _pad(more=width - needed)(examples, pad, mask_prompt)
    return found


def _pad_with(fill: int) -> Function:
    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        found: Pair = train.pad_batch(examples, fill, mask_prompt)
        return found

    return pad_batch


def _pad_completions(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    return train.pad_batch([([], completion) for _, completion in examples], pad)


def _mask_prompt_turned_round(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    return train.pad_batch(examples, pad, not mask_prompt)


def _prompts_overwritten(fill: Callable[[int], int]) -> Function:
    def pad_batch(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
        tokens, mask = train.pad_batch(examples, pad, mask_prompt)
        for row, (prompt, _) in enumerate(examples):
            tokens[row, : len(prompt) * mask_prompt] = fill(pad)
        return tokens, mask

    return pad_batch


def _end_not_fed(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    return train.pad_batch([(prompt, completion[:-1]) for prompt, completion in examples], pad, mask_prompt)


def _another_end(examples: Examples, pad: int, mask_prompt: bool = True) -> Pair:
    again = [(prompt, [*completion, completion[-1]]) for prompt, completion in examples]
    return train.pad_batch(again, pad, mask_prompt)


EXERCISE = Exercise(
    number="3.8",
    title="Padding, and masking the prompt",
    points=2,
    minutes=10,
    solution=train.pad_batch,
    cases=_pad_cases,
    axes=("pair", "place"),
    mistakes=(
        Mistake(
            "the prompt counts",
            _pad(start=lambda prompt, completion, mask_prompt: 0),
            "The tokens are right. The mask is 1 on the prompt too, which is an attention mask: the model would learn "
            "to ask questions as well. Look at: where the 1s begin.",
        ),
        Mistake(
            "the end token does not count",
            _pad(stop=lambda prompt, completion: _stop(prompt, completion) - 1),
            "That is what comes out when the mask stops before the end token. A model that is never asked to predict "
            "the end never stops. Look at: the last 1 of a row.",
            "a common reason for endless answers after fine-tuning",
        ),
        Mistake(
            "pads are found by their value",
            _changed(lambda tokens, mask, pad: (tokens, mask * (tokens != pad))),
            "That is what comes out when pads are recognised by their token. Here pad and end are the same token, as "
            "in many real tokenizers, and so the end token is masked with the pads. Look at: lengths instead of "
            "values.",
            "observed wherever pad_token = eos_token is set",
        ),
        Mistake(
            "token 0 is taken for a pad",
            _changed(lambda tokens, mask, pad: (tokens, mask * (tokens != 0))),
            "That is what comes out when whatever is 0 does not count. Here 0 may be a token like any other. "
            "Look at: lengths instead of values.",
        ),
        Mistake(
            "one place early",
            _pad(
                lambda prompt, completion, mask_prompt: _start(prompt, completion, mask_prompt) - 1,
                lambda prompt, completion: _stop(prompt, completion) - 1,
            ),
            "That is what comes out when the mask marks the places that predict. It is to mark the tokens that are "
            "predicted; the loss does the shift (3.1). Look at: the first and the last 1 of a row.",
        ),
        Mistake(
            "the first token of the completion does not count",
            _pad(start=lambda prompt, completion, mask_prompt: len(prompt) + 1 if mask_prompt else 0),
            "That is what comes out when the 1s begin one place too late, behind the first token of the completion. "
            "The last token of the prompt predicts it, and it counts. Look at: where the 1s begin.",
            also=(_pad(start=lambda prompt, completion, mask_prompt: len(prompt) + 1 if mask_prompt else 1),),
        ),
        Mistake(
            "the last token of the prompt counts",
            _pad(start=lambda prompt, completion, mask_prompt: _start(prompt, completion, mask_prompt) - 1),
            "That is what comes out when the 1s begin one place too early, on the last token of the prompt. "
            "Look at: where the 1s begin.",
        ),
        Mistake(
            "one pad counts",
            _pad(stop=lambda prompt, completion: _stop(prompt, completion) + 1),
            "That is what comes out when the 1s go on for one place behind the end token. Look at: the last 1 of a "
            "short row.",
        ),
        Mistake(
            "pads count",
            _pad(stop=lambda prompt, completion: None),
            "That is what comes out when the mask is 1 up to the end of the row, pads and all. "
            "Look at: where the 1s stop in a short row.",
            also=(_pad(lambda prompt, completion, mask_prompt: 0, lambda prompt, completion: None),),
        ),
        Mistake(
            "only the end token counts",
            _pad(start=lambda prompt, completion, mask_prompt: _stop(prompt, completion) - 1 if mask_prompt else 0),
            "That is what comes out when only the last token of the completion has a 1. All of the completion is to be "
            "predicted. Look at: where the 1s begin.",
            also=(_pad(start=lambda prompt, completion, mask_prompt: _stop(prompt, completion) - 1),),
        ),
        Mistake(
            "one prompt's length for all",
            _one_length(lambda lengths: lengths[0]),
            "That is what comes out when the length of one prompt, the first, the last or the longest, says for all "
            "rows where the 1s begin. Look at: the prompt of each row.",
            also=(
                _one_length(max),
                _one_length(min),
                _one_length(lambda lengths: lengths[-1]),
                _one_length_to_the_end(lambda lengths: lengths[0]),
                _one_length_to_the_end(max),
            ),
        ),
        Mistake(
            "counted from the end of the row",
            _counted_from_the_end,
            "That is what comes out when the places of the completion are counted from the end of the row: in a short "
            "row pads stand there. Look at: a negative index.",
            also=(_completion_counted_from_the_end,),
        ),
        Mistake(
            "pads in the mask",
            _pads_in_the_mask,
            "That is what comes out when the mask, too, is filled up with the pad token. A pad does not count: in the "
            "mask belongs a 0. Look at: what the mask is filled up with.",
        ),
        Mistake(
            "the completion's length for where it ends",
            _pad(stop=lambda prompt, completion: len(completion)),
            "That is what comes out when the 1s stop at the length of the completion. It begins behind the prompt, and "
            "ends that much later. Look at: where the 1s stop.",
        ),
        Mistake(
            "pads on the left",
            _pad_on_the_left,
            "That is what comes out with pads on the left. It is what sampling wants; for training they stand on the "
            "right, where no real token ever sees them. Look at: the first column.",
            also=(_pad_tokens_on_the_left,),
        ),
        Mistake(
            "pads between prompt and completion",
            _pad_in_two_pieces(prompts_to_the_right=False),
            "That is what comes out when prompts and completions are padded apart and put side by side: pads then "
            "stand in the middle of a row, or on the left, and a batch is wider than its longest pair. "
            "Look at: what you pad.",
            also=(_pad_in_two_pieces(prompts_to_the_right=True),),
        ),
        Mistake(
            "as wide as the longest prompt and the longest completion",
            _pad_for_the_longest_parts,
            "That is what comes out when the longest prompt and the longest completion are added up. They may belong "
            "to different pairs, and no pair is as long. Look at: over what you take the maximum.",
        ),
        Mistake(
            "a column too many",
            _pad(more=1),
            "That is what comes out when the batch is one place wider than its longest pair. A completion brings its "
            "end token already. Look at: the width.",
            also=(_another_end,),
        ),
        Mistake(
            "no end token",
            _end_not_fed,
            "That is what comes out when the last token of the completion is cut off: that is the end token, which the "
            "model has to learn. Look at: how much of the completion you take.",
        ),
        Mistake(
            "only the completion",
            _pad_completions,
            "That is what comes out when the prompt is left out. The model has to read it, though it need not predict "
            "it. Look at: what goes into tokens.",
        ),
        Mistake(
            "a pad of your own",
            _pad_with(0),
            "That is what comes out when the number of the pad is written into the function, or the tokens begin as "
            "zeros. Every tokenizer has another, and it is handed in. Look at: where `pad` is used.",
            also=(_pad_with(1), _pad_with(-1), _pad_with(-100)),
        ),
        Mistake(
            "mask_prompt is not used",
            _pad(start=lambda prompt, completion, mask_prompt: len(prompt)),
            "That is what comes out when the prompt is masked also with mask_prompt=False: then it counts as well. "
            "Look at: where the 1s begin.",
        ),
        Mistake(
            "mask_prompt the wrong way round",
            _mask_prompt_turned_round,
            "That is what comes out when the prompt counts with mask_prompt=True and does not count with False. To "
            "mask is to leave out. Look at: the `if`.",
        ),
        Mistake(
            "the prompt instead of the completion",
            _pad(lambda prompt, completion, mask_prompt: 0, lambda prompt, completion: len(prompt)),
            "That is what comes out when the 1s stand on the prompt and the 0s on the completion. 1 is on what is to "
            "be predicted. Look at: which part gets the 1s.",
        ),
        Mistake(
            "turned round",
            _changed(lambda tokens, mask, pad: (tokens, 1 - mask)),
            "The mask has its 0s and 1s the wrong way round: 1 is on what counts. Look at: what you fill it with.",
        ),
        Mistake(
            "labels instead of a mask",
            _changed(lambda tokens, mask, pad: (tokens, tokens.masked_fill(mask == 0, -100))),
            "That is what comes out when the second part holds labels as transformers wants them: tokens, or −100 "
            "where nothing counts. Here it is a mask of 0s and 1s. Look at: what goes into the mask.",
            "labels in the documentation of transformers",
            also=(
                _changed(_masked(-100)),
                _changed(_masked(-1)),
                _changed(lambda tokens, mask, pad: (tokens, tokens * mask)),
                _changed(lambda tokens, mask, pad: (tokens, tokens.masked_fill(mask == 0, pad))),
            ),
        ),
        Mistake(
            "−100 among the tokens",
            _prompts_overwritten(lambda pad: -100),
            "That is what comes out when prompts are overwritten in tokens, as labels in transformers are with −100. "
            "These are the tokens that the model reads, and it has to see the prompt. Look at: what goes into tokens.",
            "labels and input_ids in the documentation of transformers",
            also=(
                _changed(lambda tokens, mask, pad: (tokens.masked_fill(mask == 0, -100), mask)),
                _prompts_overwritten(lambda pad: pad),
                _prompts_overwritten(lambda pad: 0),
            ),
        ),
        Mistake(
            "swapped",
            _changed(lambda tokens, mask, pad: (mask, tokens)),
            "Both parts are there, but in the other order. Look at: what is to be returned first.",
        ),
        Mistake(
            "rows in columns",
            _changed(lambda tokens, mask, pad: (tokens.T, mask.T)),
            "That is what comes out when a pair fills a column, as `pad_sequence` has it without `batch_first=True`. "
            "Here a pair is a row. Look at: the shape.",
        ),
    ),
    hints=(
        "Draw both rows of the example as in the table of 3.1: tokens above, mask below. What does a place need so "
        "that its token is learned, and what do all rows of a batch have in common?",
        "The batch is as wide as its longest pair. Begin with `torch.full((rows, width), pad)` for the tokens, zeros "
        "for the mask, and fill in row by row.",
        "In a row you know two lengths: of the prompt, and of both together. The tokens go from 0 to the second. The "
        "1s go from the first (or from 0, if the prompt counts) to the second.",
    ),
)
