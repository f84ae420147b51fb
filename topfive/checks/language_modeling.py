"""The exercises of assignment 03, language modeling.

Vocabularies are small and drawn at random: what is checked is the arithmetic, not a model.
"""

from collections.abc import Sequence
from functools import partial
from math import log

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.checks.exercise import Case, Exercise, Mistake
from topfive.lm import losses, sampling, train

PAD, END = 0, 1
Ids = list[int]


def _between(low: int, high: int, count: int, generator: torch.Generator) -> Ids:
    return torch.randint(low, high, (count,), generator=generator).tolist()


# --- 3.1 Next-token loss ------------------------------------------------------------------------------------------


def _loss_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(rows: list[tuple[int, int]], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        """Logits over 7 tokens, tokens, and a mask that is 1 from `first` up to `end` in each row."""
        logits = 2 * torch.randn(len(rows), time, 7, generator=generator, dtype=dtype)
        tokens = torch.randint(7, (len(rows), time), generator=generator)
        place = torch.arange(time)
        mask = torch.stack([(place >= first) & (place < end) for first, end in rows]).long()
        return logits.requires_grad_(), tokens, mask

    by_hand = torch.tensor([[[log(3.0), 0.0], [0.0, 0.0], [4.0, -4.0]]]).requires_grad_()
    many = [(a, a + b) for a, b in zip(_between(0, 5, 16, generator), _between(1, 6, 16, generator), strict=True)]
    return [
        Case(
            "three tokens, by hand",
            (by_hand, torch.tensor([[0, 1, 0]]), torch.ones(1, 3, dtype=torch.long)),
            look_at="which row of the logits belongs to which token: two rows predict something, the last does not.",
        ),
        Case("one text without pads", drawn([(0, 6)], 6), look_at="what the last row of the logits predicts."),
        Case("pads at the end", drawn([(0, 4)], 7), look_at="which predictions the mask leaves."),
        Case("a prompt that does not count", drawn([(3, 7)], 7), look_at="who predicts the first token that counts."),
        Case("a short text beside a long one", drawn([(0, 3), (1, 9)], 9), look_at="what you divide the sum by."),
        Case("sixteen texts in float64", drawn(many, 10, torch.float64), look_at="the mask and the mean, together."),
        Case("a batch in which nothing counts", drawn([(0, 0), (0, 1)], 5), look_at="a division by zero."),
    ]


def _loss(logits: Tensor, tokens: Tensor, mask: Tensor, *, wrong: str = "") -> Tensor:
    """The loss by slices, with one line wrong if asked for."""
    predicted, following, counted = logits[:, :-1], tokens[:, 1:], mask[:, 1:]
    if wrong == "no shift":
        predicted, following, counted = logits, tokens, mask
    elif wrong == "backwards":
        predicted, following, counted = logits[:, 1:], tokens[:, :-1], mask[:, :-1]
    elif wrong == "wraps":
        predicted, following, counted = logits, tokens.roll(-1, 1), mask.roll(-1, 1)
    elif wrong == "old mask":
        counted = mask[:, :-1]
    elif wrong == "no mask":
        counted = torch.ones_like(counted)
    counted = counted.to(logits.dtype)
    if wrong == "softmax twice":
        predicted = predicted.softmax(dim=-1)
    each = F.cross_entropy(predicted.transpose(1, 2), following, reduction="none") * counted
    if wrong == "sum":
        return each.sum()
    if wrong == "all places":
        return each.mean()
    if wrong == "rows":
        return (each.sum(dim=1) / counted.sum(dim=1).clamp(min=1)).mean()
    if wrong == "sign":
        return -each.sum() / counted.sum().clamp(min=1)
    return each.sum() / (counted.sum() if wrong == "zero" else counted.sum().clamp(min=1))


LOSS = Exercise(
    number="3.1",
    title="Next-token loss",
    points=3,
    minutes=15,
    solution=losses.next_token_loss,
    cases=_loss_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "no shift",
            partial(_loss, wrong="no shift"),
            "That is what comes out when row t of the logits is compared with token t. But the model has just read "
            "that token: copying it would be rewarded, and nothing learned. Look at: which token row t is a guess "
            "about.",
        ),
        Mistake(
            "shifted the wrong way",
            partial(_loss, wrong="backwards"),
            "That is what comes out when row t is compared with token t − 1: the model is asked what it read before. "
            "Look at: which of the two loses its first place, and which its last.",
        ),
        Mistake(
            "wraps round",
            partial(_loss, wrong="wraps"),
            "That is what comes out when `roll` moves the first token to the end, and the last row has to predict it. "
            "Look at: whether the last place may count.",
        ),
        Mistake(
            "mask not shifted",
            partial(_loss, wrong="old mask"),
            "That is what comes out when the tokens are shifted and the mask is not. The mask is 1 on the token that "
            "is to be predicted, so it moves with the tokens. Look at: the first and the last prediction that counts.",
        ),
        Mistake(
            "ignores the mask",
            partial(_loss, wrong="no mask"),
            "That is what comes out when the mask is never used: pads and prompts are learned as well. "
            "Look at: where the mask comes in.",
        ),
        Mistake(
            "divides by all places",
            partial(_loss, wrong="all places"),
            "That is what comes out when the losses are multiplied by the mask and then averaged over all places, also "
            "those that do not count: a batch with many pads would seem easy. Look at: what you divide by.",
        ),
        Mistake(
            "mean of the rows' means",
            partial(_loss, wrong="rows"),
            "That is what comes out when each text is averaged first, and then the texts: a token in a short text "
            "counts for more. Here every token counts the same. Look at: the order of the sums.",
            "the same question in RL: Liu et al. 2025, on the length bias of GRPO",
        ),
        Mistake(
            "sum instead of mean",
            partial(_loss, wrong="sum"),
            "That is what comes out when the losses are added up and never divided: a longer batch would take a larger "
            "step. Look at: your last line.",
        ),
        Mistake(
            "sign",
            partial(_loss, wrong="sign"),
            "That is the mean log-likelihood; training goes down, so it would make the text less and less likely. "
            "Look at: the sign.",
        ),
        Mistake(
            "softmax twice",
            partial(_loss, wrong="softmax twice"),
            "That is what comes out when probabilities go into `cross_entropy`, which takes logits and does the "
            "softmax itself. It trains, and poorly. Look at: what you hand to `cross_entropy`.",
            "the documentation of torch.nn.functional.cross_entropy: its input is unnormalised logits",
        ),
        Mistake(
            "nothing by nothing",
            partial(_loss, wrong="zero"),
            "That is what comes out when the number of counted tokens is 0 and you divide by it: one such batch, and "
            "all weights are nan. Look at: `clamp(min=1)` on what you divide by.",
        ),
    ),
    hints=(
        "Row t of the logits was computed from the tokens up to t, so it is a guess about token t + 1. Which rows have "
        "a token to guess? Cut logits, tokens and mask so that what belongs together stands in the same place.",
        "`F.cross_entropy(rows, targets, reduction='none')` wants one row a prediction: flatten batch and time of the "
        "logits into one dimension (`flatten(0, 1)`), and of the targets too. You get one loss for each prediction.",
        "Multiply each loss by its mask, add up, and divide by how many count, which is the sum of the same mask. If "
        "none counts, divide by 1 instead.",
    ),
)

# --- 3.2 Perplexity -----------------------------------------------------------------------------------------------


def _perplexity_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(texts: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
        words = torch.randint(2, 20, (texts,), generator=generator)
        tokens = words + torch.randint(1, 20, (texts,), generator=generator)
        return tokens * (0.5 + 2 * torch.rand(texts, generator=generator, dtype=dtype)), tokens, words

    return [
        Case(
            "one text of three words in six tokens",
            (torch.tensor([12.0]), torch.tensor([6]), torch.tensor([3])),
            look_at="how many nats fall on each token, and how many on each word.",
        ),
        Case("a long and a short text", drawn(2), look_at="whether you add up before you divide."),
        Case("forty texts in float64", drawn(40, torch.float64), look_at="the order of exp, mean and division."),
    ]


def _perplexities(nats: Tensor, tokens: Tensor, words: Tensor, *, wrong: str = "") -> tuple[float, float]:
    counts = (tokens, words)
    if wrong == "mean of perplexities":
        a, b = ((nats / count).exp().mean() for count in counts)
    elif wrong == "mean of means":
        a, b = ((nats / count).mean().exp() for count in counts)
    elif wrong == "base 2":
        a, b = (2 ** (nats.sum() / count.sum()) for count in counts)
    elif wrong == "no exp":
        a, b = (nats.sum() / count.sum() for count in counts)
    elif wrong == "sign":
        a, b = ((-nats.sum() / count.sum()).exp() for count in counts)
    else:
        a, b = ((nats.sum() / count.sum()).exp() for count in counts)
    if wrong == "scaled":
        b = a * tokens.sum() / words.sum()
    if wrong == "swapped":
        a, b = b, a
    return float(a), float(b)


PERPLEXITY = Exercise(
    number="3.2",
    title="Perplexity per token and per word",
    points=2,
    minutes=10,
    solution=losses.perplexities,
    cases=_perplexity_cases,
    mistakes=(
        Mistake(
            "mean of the texts' perplexities",
            partial(_perplexities, wrong="mean of perplexities"),
            "That is what comes out when every text gets a perplexity, and these are averaged: one odd text then "
            "decides. Look at: at which point you add up the texts.",
        ),
        Mistake(
            "mean of the texts' means",
            partial(_perplexities, wrong="mean of means"),
            "That is what comes out when the loss is averaged within each text first: a token in a short text counts "
            "for more than one in a long text. Look at: adding up nats and counts before you divide.",
        ),
        Mistake(
            "base 2",
            partial(_perplexities, wrong="base 2"),
            "That is what comes out when 2 is raised to the loss. It would be right for bits; ours are nats, from the "
            "natural logarithm. Look at: the base of the power.",
            "textbooks write 2 to the entropy in bits; PyTorch's losses are in nats",
        ),
        Mistake(
            "no exp",
            partial(_perplexities, wrong="no exp"),
            "That is the loss, in nats; its exponential is the perplexity. Look at: the text above your function.",
        ),
        Mistake(
            "sign",
            partial(_perplexities, wrong="sign"),
            "That is what comes out when the sign is turned round once too often: a mean probability, below one. The "
            "nats that you get are negative log-likelihoods already. Look at: the sign inside exp.",
        ),
        Mistake(
            "scales the perplexity instead of the loss",
            partial(_perplexities, wrong="scaled"),
            "The first is right. The second is what comes out when it is multiplied by tokens a word. A word costs "
            "that many times the nats, and nats stand in the exponent. Look at: on which side of exp you multiply.",
        ),
        Mistake(
            "swapped",
            partial(_perplexities, wrong="swapped"),
            "Both numbers are there, but in the other order. Look at: what is to be returned first.",
        ),
    ),
    hints=(
        "Both are the same number of nats, shared out among more or fewer pieces. What is the total for all texts, and "
        "how many pieces are there in all?",
        "Total nats by total count is the mean loss of one piece; `torch.exp` turns it into a perplexity. Do it twice, "
        "once with tokens and once with words, and return both in that order.",
    ),
)

# --- 3.3 Packing --------------------------------------------------------------------------------------------------


def _pack_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(lengths: Sequence[int]) -> list[Ids]:
        return [_between(2, 90, length, generator) for length in lengths]

    return [
        Case(
            "three short texts, rows of four",
            ([[5, 6, 7], [8, 9], [10, 11, 12]], END, 4),
            look_at="the stream that you cut: write it down by hand.",
        ),
        Case("texts that are longer than a row", (drawn([9, 13, 4]), END, 5), look_at="where the second row begins."),
        Case("many short texts in long rows", (drawn(_between(1, 6, 30, generator)), END, 16)),
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


PACK = Exercise(
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

# --- 3.4 Temperature ----------------------------------------------------------------------------------------------


def _temperature_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator, dtype=dtype)

    rows = drawn(4, 9)
    return [
        Case("three tokens, temperature one half", (torch.tensor([2.0, 1.0, 0.0]), 0.5), look_at="2, 1, 0 by ½."),
        Case("temperature 1", (rows, 1.0), look_at="the dimension that should add up to 1."),
        Case("cold and hot", (rows, 0.3), look_at="whether cold makes it sharper."),
        Case("cold and hot", (rows, 3.0), look_at="whether hot makes it flatter."),
        Case("temperature 0 takes the likeliest", (rows, 0.0), look_at="the one token that gets everything."),
        Case("three dimensions in float64", (drawn(3, 4, 5, dtype=torch.float64), 1.5), look_at="the last dimension."),
    ]


def _temperature(logits: Tensor, temperature: float = 1.0, *, wrong: str = "") -> Tensor:
    if temperature == 0 and wrong == "index":
        return logits.argmax(dim=-1)
    if temperature == 0 and wrong not in ("divides", "ignores"):
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    plain, tempered = logits.softmax(dim=-1), (logits / temperature).softmax(dim=0 if wrong == "dim" else -1)
    answers = {
        "multiplies": (logits * temperature).softmax(dim=-1),
        "after": plain / temperature,
        "power": plain ** (1 / temperature) if temperature else plain,
        "log": tempered.log(),
        "ignores": plain,
    }
    return answers.get(wrong, tempered)


TEMPERATURE = Exercise(
    number="3.4",
    title="From logits to probabilities at a temperature",
    points=1,
    minutes=5,
    solution=sampling.token_probabilities,
    cases=_temperature_cases,
    mistakes=(
        Mistake(
            "multiplies by the temperature",
            partial(_temperature, wrong="multiplies"),
            "That is what comes out when the logits are multiplied by the temperature: cold becomes hot. "
            "Look at: × and ÷.",
        ),
        Mistake(
            "temperature after the softmax",
            partial(_temperature, wrong="after"),
            "That is what comes out when the probabilities are divided: they no longer add up to 1, and their order of "
            "size says the same as before. Look at: on which side of the softmax you divide.",
        ),
        Mistake(
            "a power that is not normalised",
            partial(_temperature, wrong="power"),
            "The proportions are right: raising probabilities to 1/temperature is the same thing. But now they do not "
            "add up to 1. Look at: the sum over the vocabulary.",
        ),
        Mistake(
            "ignores the temperature",
            partial(_temperature, wrong="ignores"),
            "That is what comes out at temperature 1, whatever the temperature is. Look at: where you use it.",
        ),
        Mistake(
            "adds up over the wrong dimension",
            partial(_temperature, wrong="dim"),
            "That is what comes out when the softmax goes over the first dimension, which counts the texts of the "
            "batch. They would share one token among them. Look at: `dim`.",
        ),
        Mistake(
            "log-probabilities",
            partial(_temperature, wrong="log"),
            "These are the logarithms of the right numbers. Look at: softmax and log_softmax.",
        ),
        Mistake(
            "divides by 0",
            partial(_temperature, wrong="divides"),
            "That is what comes out when you divide by a temperature of 0. There all of the probability belongs to the "
            "likeliest token. Look at: an `if` at the top.",
        ),
        Mistake(
            "an index at temperature 0",
            partial(_temperature, wrong="index"),
            "That is what comes out when temperature 0 gives the number of the likeliest token. Wanted are "
            "probabilities, the same shape as the logits, with a single 1. Look at: `F.one_hot`, or zeros with a 1 put "
            "in.",
        ),
    ),
    hints=(
        "Divide first, then softmax over the vocabulary, which is the last dimension. Temperature 0 needs a way of its "
        "own.",
        "At temperature 0: `logits.argmax(dim=-1)` says which token, and `F.one_hot(…, logits.shape[-1])` makes 0s and "
        "a 1 of it; they have to become floats.",
    ),
)

# --- 3.5 Top-k and top-p ------------------------------------------------------------------------------------------


def _truncate_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int, dtype: torch.dtype = torch.float32) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator, dtype=dtype)

    by_hand = torch.tensor([[0.15, 0.5, 0.1, 0.25]]).log()
    sure = drawn(3, 8)
    sure[:, 4] = 12.0
    rows = drawn(6, 30)
    return [
        Case("top-k: the two largest of four", (by_hand, 2, 1.0), look_at="the second largest: it stays."),
        Case("top-p: 0.7 of four tokens", (by_hand, None, 0.7), look_at="the token with which the sum passes p."),
        Case("top-k in a batch", (rows, 5, 1.0), look_at="whether every row keeps its own five."),
        Case("top-p in a batch", (rows, None, 0.8), look_at="the order of the tokens before and after sorting."),
        Case("a model that is sure: top-p keeps at least one", (sure, None, 0.3), look_at="the first token."),
        Case("both: top-p of what top-k left", (rows, 6, 0.6), look_at="whether the softmax comes after top-k."),
        Case("neither, and k beyond the vocabulary", (rows, None, 1.0), look_at="what is to be left out: nothing."),
        Case("neither, and k beyond the vocabulary", (by_hand, 9, 1.0), look_at="k when it is too large for topk."),
        Case("three dimensions in float64", (drawn(2, 3, 12, dtype=torch.float64), 9, 0.9), look_at="`dim=-1`."),
    ]


def _truncate(logits: Tensor, top_k: int | None = None, top_p: float = 1.0, *, wrong: str = "") -> Tensor:
    original, gone = logits, 0.0 if wrong == "zero" else -torch.inf
    if top_k is not None and (wrong == "k too large" or top_k < logits.shape[-1]):
        best = logits.flatten().topk(top_k).values if wrong == "whole batch" else logits.topk(top_k, dim=-1).values
        out = logits <= best[..., -1:] if wrong == "kth" else logits < best[..., -1:]
        logits = logits.masked_fill(out, gone)
    if top_p < 1.0:
        ordered, order = (original if wrong == "p of all" else logits).sort(dim=-1, descending=True)
        probabilities = ordered.softmax(dim=-1)
        if wrong == "unsorted":
            order = torch.arange(logits.shape[-1]).expand_as(order)
            probabilities = logits.softmax(dim=-1)
        mass = probabilities.cumsum(dim=-1)
        out = mass > top_p if wrong in ("crossing", "crossing but one") else mass - probabilities >= top_p
        if wrong == "crossing but one":
            out[..., 0] = False
        if wrong == "stays sorted":
            return ordered.masked_fill(out, gone)
        logits = logits.masked_fill(torch.zeros_like(out).scatter(-1, order, out), gone)
    return logits.softmax(dim=-1) if wrong == "probabilities" else logits


TRUNCATE = Exercise(
    number="3.5",
    title="Top-k and top-p",
    points=3,
    minutes=15,
    solution=sampling.truncate_logits,
    cases=_truncate_cases,
    mistakes=(
        Mistake(
            "the token that passes p is dropped, even the only one",
            partial(_truncate, wrong="crossing"),
            "That is what comes out when only tokens stay whose running sum is at most p. The nucleus has to reach p, "
            "so the token that passes it belongs to it; otherwise a model that is sure has nothing left to say. "
            "Look at: the sum before a token, not with it.",
            "Holtzman et al. 2020, section 3.1: the smallest set whose sum is at least p",
        ),
        Mistake(
            "the token that passes p is dropped",
            partial(_truncate, wrong="crossing but one"),
            "You keep the likeliest, but drop the token with which the sum passes p. The nucleus is the smallest set "
            "that reaches p, and without that token it does not. Look at: the sum before a token, not with it.",
            "Holtzman et al. 2020, section 3.1",
        ),
        Mistake(
            "adds up without sorting",
            partial(_truncate, wrong="unsorted"),
            "That is what comes out when probabilities are added up in the order of the vocabulary: which tokens stay "
            "then depends on their numbers. Look at: what you sort before `cumsum`.",
        ),
        Mistake(
            "stays sorted",
            partial(_truncate, wrong="stays sorted"),
            "That is what comes out when the sorted logits are returned: token 0 gets what belongs to the likeliest. "
            "Look at: the way back to the order of the vocabulary (`scatter`, or sorting the order).",
        ),
        Mistake(
            "0 instead of −∞",
            partial(_truncate, wrong="zero"),
            "That is what comes out when what is left out gets the logit 0. exp(0) is 1, so it stays quite likely; "
            "only −∞ has probability 0. Look at: what you fill in.",
        ),
        Mistake(
            "probabilities come back",
            partial(_truncate, wrong="probabilities"),
            "These are probabilities; logits were wanted, so that the softmax comes once, at the very end. "
            "Look at: your last line.",
        ),
        Mistake(
            "top-p of everything",
            partial(_truncate, wrong="p of all"),
            "Each of the two is right alone. Together, top-p is taken of what top-k left: its probabilities are shared "
            "out anew and sum to 1. Look at: which logits go into the softmax.",
            "the order of the warpers in transformers' generate",
        ),
        Mistake(
            "the k-th is dropped",
            partial(_truncate, wrong="kth"),
            "That is what comes out when the k-th largest goes too: you keep k − 1. Look at: < and ≤.",
        ),
        Mistake(
            "the k largest of the whole batch",
            partial(_truncate, wrong="whole batch"),
            "That is what comes out when the k largest of the whole batch stay: some rows keep nothing. "
            "Look at: `dim` in topk.",
        ),
        Mistake(
            "k beyond the vocabulary",
            partial(_truncate, wrong="k too large"),
            "`topk` cannot give more than there are. If k is at least the size of the vocabulary, all of it stays. "
            "Look at: the `if` before top-k.",
        ),
    ),
    hints=(
        "Top-k: `logits.topk(k, dim=-1).values[..., -1:]` is the smallest logit that stays, row by row. "
        "`masked_fill(logits < that, -torch.inf)` does the rest.",
        "Top-p: `sort` (largest first) gives the sorted logits and their order. Softmax, then `cumsum`. A token goes "
        "if the ones *before* it already sum to p; `cumsum − probability` is that sum.",
        "The way back: you know for each sorted place whether it goes. `torch.zeros_like(logits, dtype=torch.bool)"
        ".scatter(-1, order, goes)` says it for each token of the vocabulary. Use the logits that top-k left.",
    ),
)

# --- 3.6 Prompt masking -------------------------------------------------------------------------------------------


def _pad_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(lengths: Sequence[tuple[int, int]], end: int = END) -> list[tuple[Ids, Ids]]:
        return [
            (_between(2, 90, prompt, generator), [*_between(2, 90, completion, generator), end])
            for prompt, completion in lengths
        ]

    pairs = drawn([(3, 5), (6, 1), (1, 9)])
    return [
        Case(
            "two pairs, by hand",
            ([([5], [6, 7, END]), ([5, 6, 8], [9, END])], PAD),
            look_at="each row, token by token.",
        ),
        Case("three pairs of different length", (pairs, PAD), look_at="the width of the batch, and its pads."),
        Case("the pad token is also the end token", (drawn([(3, 4), (2, 2)], end=7), 7), look_at="the end token."),
        Case("the prompt counts, too, if asked for", (pairs, PAD, False), look_at="mask_prompt."),
        Case("no prompt at all, and no pads", (drawn([(0, 4), (0, 4)]), PAD), look_at="the first column of the mask."),
    ]


def _pad(
    examples: list[tuple[Ids, Ids]], pad: int, mask_prompt: bool = True, *, wrong: str = ""
) -> tuple[Tensor, Tensor]:
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens, mask = torch.full((len(examples), width), pad), torch.zeros(len(examples), width, dtype=torch.long)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        first = 0 if wrong == "prompt counts" else len(prompt) if mask_prompt or wrong == "always" else 0
        if wrong == "early" and first:
            first, last = first - 1, end - 1
        else:
            last = end - 1 if wrong == "no end" else width if wrong == "pads count" else end
        tokens[row, :end] = torch.tensor([*prompt, *completion])
        mask[row, first:last] = 1
        if wrong == "-100" and mask_prompt:
            tokens[row, : len(prompt)] = -100
        if wrong == "left":
            tokens[row], mask[row] = tokens[row].roll(width - end), mask[row].roll(width - end)
    if wrong == "by value":
        mask = mask * (tokens != pad)
    return tokens, 1 - mask if wrong == "turned round" else mask


PAD_BATCH = Exercise(
    number="3.6",
    title="Padding, and masking the prompt",
    points=3,
    minutes=15,
    solution=train.pad_batch,
    cases=_pad_cases,
    axes=("pair", "place"),
    mistakes=(
        Mistake(
            "the prompt counts",
            partial(_pad, wrong="prompt counts"),
            "The tokens are right. The mask is 1 on the prompt too, which is an attention mask: the model would learn "
            "to ask questions as well. Look at: where the 1s begin.",
        ),
        Mistake(
            "the end token does not count",
            partial(_pad, wrong="no end"),
            "That is what comes out when the mask stops before the end token. A model that is never asked to predict "
            "the end never stops. Look at: the last 1 of a row.",
            "a common reason for endless answers after fine-tuning",
        ),
        Mistake(
            "pads are found by their value",
            partial(_pad, wrong="by value"),
            "That is what comes out when pads are recognised by their token. Here pad and end are the same token, as "
            "in many real tokenizers, and so the end token is masked with the pads. Look at: lengths instead of "
            "values.",
            "observed wherever pad_token = eos_token is set",
        ),
        Mistake(
            "one place early",
            partial(_pad, wrong="early"),
            "That is what comes out when the mask marks the places that predict. It is to mark the tokens that are "
            "predicted; the loss does the shift (3.1). Look at: the first and the last 1 of a row.",
        ),
        Mistake(
            "pads count",
            partial(_pad, wrong="pads count"),
            "That is what comes out when the mask is 1 up to the end of the row, pads and all. "
            "Look at: where the 1s stop in a short row.",
        ),
        Mistake(
            "pads on the left",
            partial(_pad, wrong="left"),
            "That is what comes out with pads on the left. It is what sampling wants; for training they stand on the "
            "right, where no real token ever sees them. Look at: the first column.",
        ),
        Mistake(
            "mask_prompt is not used",
            partial(_pad, wrong="always"),
            "That is what comes out when the prompt is masked also with mask_prompt=False: then it counts as well. "
            "Look at: where the 1s begin.",
        ),
        Mistake(
            "turned round",
            partial(_pad, wrong="turned round"),
            "The mask has its 0s and 1s the wrong way round: 1 is on what counts. Look at: what you fill it with.",
        ),
        Mistake(
            "−100 among the tokens",
            partial(_pad, wrong="-100"),
            "That is what comes out when the prompt is overwritten by −100. Labels in transformers do that; these are "
            "the tokens that the model reads, and it has to see the prompt. Look at: what goes into tokens.",
            "labels and input_ids in the documentation of transformers",
        ),
    ),
    hints=(
        "The batch is as wide as its longest pair. Begin with `torch.full((rows, width), pad)` for the tokens, zeros "
        "for the mask, and fill in row by row.",
        "In a row you know two lengths: of the prompt, and of both together. The tokens go from 0 to the second. The "
        "1s go from the first (or from 0, if the prompt counts) to the second.",
    ),
)

# --- 3.7 What padding costs ---------------------------------------------------------------------------------------


def _waste_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)
    lengths = _between(5, 60, 24, generator)
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


WASTE = Exercise(
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

EXERCISES: tuple[Exercise, ...] = (LOSS, PERPLEXITY, PACK, TEMPERATURE, TRUNCATE, PAD_BATCH, WASTE)
