"""How long a text may be. A model reads so many tokens; a longer text is refused by name, not cut without a word."""

import sys
from collections.abc import Sequence

from transformers import PreTrainedModel

from topfive.errors import TopFiveError


def context_of(model: PreTrainedModel) -> int:
    """How many tokens a model reads at once."""
    return getattr(model.config, "max_position_embeddings", None) or sys.maxsize


def check_lengths(texts: Sequence[str], lengths: Sequence[int], context: int, answer: int = 0) -> None:
    """Raise TopFiveError, naming the longest, if a text and an answer of `answer` tokens are longer than `context`.

    lengths: tokens of each text.
    """
    longest = max(range(len(lengths)), key=lengths.__getitem__, default=None)
    if longest is None or lengths[longest] + answer <= context:
        return
    kept = f", {answer} of them for an answer" if answer else ""
    others = sum(length + answer > context for length in lengths) - 1
    more = f" ({others} more are too long)" if others else ""
    raise TopFiveError(
        f"{quoted(texts[longest])} has {lengths[longest]} tokens, and {max(0, context - answer)} fit: the "
        f"model reads {context}{kept}; shorten it or leave it out{more}"
    )


def quoted(text: str, longest: int = 100) -> str:
    """A text between quotation marks in one line, cut where it is longer than that many characters."""
    line = " ".join(text.split())
    return f"“{line[:longest]}…”" if len(line) > longest else f"“{line}”"
