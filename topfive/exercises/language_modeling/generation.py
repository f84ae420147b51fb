"""Exercise 3.7: the loop that writes."""

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor, nn

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import plain

VOCABULARY, END, ROWS = 23, 1, 211
Ids = list[int]
Choose = Callable[[Tensor], int]


class ByHeart(nn.Module):
    """Knows one text by heart; of any other beginning it has a firm opinion, which depends on all of it."""

    def __init__(self, text: Ids, generator: torch.Generator) -> None:
        super().__init__()
        self.text = text
        self.opinions = torch.randn(ROWS, VOCABULARY, generator=generator)
        self.opinions[:, END] = -9.0

    def forward(self, input_ids: Tensor, **ignored: object) -> SimpleNamespace:
        """Logits, (batch, time, vocabulary), of tokens (batch, time)."""
        weights = 1 + 3 * torch.arange(input_ids.shape[1])
        logits = self.opinions[((input_ids + 2) * weights).cumsum(dim=1) % ROWS].clone()
        for row, ids in enumerate(input_ids.tolist()):
            for place in range(min(len(ids), len(self.text) - 1)):
                if ids[: place + 1] == self.text[: place + 1]:
                    logits[row, place, self.text[place + 1]] = 9.0
        return SimpleNamespace(logits=logits)


def likeliest(logits: Tensor) -> int:
    """The token with the largest logit."""
    return int(logits.argmax())


def second(logits: Tensor) -> int:
    """The token with the second largest logit."""
    return int(logits.topk(2).indices[1])


def nearest_to_one(logits: Tensor) -> int:
    """The token whose logit is nearest to 1: another one if it is given probabilities."""
    return int((logits - 1.0).abs().argmin())


def _generate_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def known(prompt: int, answer: int, *, end_in_prompt: bool = False) -> tuple[ByHeart, Ids]:
        """A model, and the beginning of a text that it knows, of so many tokens; the answer ends with the end token."""
        start = integers(2, VOCABULARY, prompt, generator)
        if end_in_prompt:
            start[1] = END
        return ByHeart([*start, *integers(2, VOCABULARY, answer - 1, generator), END], generator), start

    table = plain.Bigrams(4)
    with torch.no_grad():
        for token, after in ((2, 0), (0, 3), (3, 1)):
            table.rows.weight[token, after] = 5.0
    (six, start), (long, begun), (twice, ended), (short, asked), (odd, said) = (
        known(4, 6),
        known(3, 30),
        known(5, 7, end_in_prompt=True),
        known(6, 1),
        known(3, 9),
    )
    return [
        Case("a table of four tokens, by hand", (table, [2], likeliest, END), look_at="each token after the first."),
        Case("an answer of six tokens", (six, start, likeliest, END), look_at="what the model reads each time."),
        Case("an end token, and nothing before it", (short, asked, likeliest, END), look_at="what comes back."),
        Case("no more than there is room for", (long, begun, likeliest, END, 5), look_at="`most`."),
        Case("no more than there is room for", (long, begun, likeliest, END), {"most": 11}, look_at="`most`."),
        Case("an end token in what is given", (twice, ended, likeliest, END), look_at="where you look for the end."),
        Case("another way to choose", (odd, said, second, END, 6), look_at="`choose`."),
        Case("another way to choose", (odd, said, nearest_to_one, END, 8), look_at="what `choose` is given."),
    ]


# --- the loop, with one thing in it done otherwise ----------------------------------------------------------------


def _loop(
    reads: Callable[[Ids, Ids], Ids] = lambda ids, new: [*ids, *new],
    place: Callable[[Tensor, Ids], Tensor] = lambda logits, ids: logits[0, -1],
    choice: Callable[[Choose, Tensor], int] = lambda choose, logits: choose(logits),
    ended: Callable[[Ids, Ids, int], bool] = lambda ids, new, end: new[-1:] == [end],
    room: Callable[[Ids, Ids, int], bool] = lambda ids, new, most: len(new) < most,
    back: Callable[[Ids, Ids, int], object] = lambda ids, new, end: new,
) -> Function:
    """Right as it stands, wrong with a wrong part."""

    def generate(model: nn.Module, ids: Ids, choose: Choose, end: int, most: int = 72) -> object:
        new: Ids = []
        while room(ids, new, most) and not ended(ids, new, end):
            logits = model(torch.tensor([reads(ids, new)])).logits
            new.append(int(choice(choose, place(logits, ids))))
        return back(ids, new, end)

    return generate


def _without_the_end(ids: Ids, new: Ids, end: int) -> Ids:
    return new[:-1] if new[-1:] == [end] else new


EXERCISE = Exercise(
    number="3.7",
    title="The loop that writes",
    points=2,
    minutes=10,
    solution=plain.generate,
    cases=_generate_cases,
    mistakes=(
        Mistake(
            "the prompt comes back, too",
            _loop(back=lambda ids, new, end: [*ids, *new]),
            "That is what comes out when the tokens that were given come back with the new ones, as `generate` in "
            "transformers does it. Only the new ones were asked for. Look at: your last line.",
            "model.generate of transformers returns the prompt as well",
        ),
        Mistake(
            "the end token is left out",
            _loop(back=_without_the_end),
            "That is what comes out when the end token does not come back. It was chosen like all others, and whoever "
            "trains on this answer has to know that it ended. Look at: whether you stop before or after keeping it.",
        ),
        Mistake(
            "goes on behind the end",
            _loop(ended=lambda ids, new, end: False),
            "That is what comes out when nobody stops at the end token: the model goes on to its next text. "
            "Look at: `end`.",
        ),
        Mistake(
            "reads only the last token",
            _loop(reads=lambda ids, new: [*ids, *new][-1:]),
            "That is what comes out when the model is given the newest token alone. Without a memory of its own (a "
            "cache) it has to read everything again each time. Look at: what you give to `model`.",
            "with a key-value cache one does give the newest token alone",
        ),
        Mistake(
            "the prompt is forgotten",
            _loop(reads=lambda ids, new: new or ids),
            "That is what comes out when the model reads the prompt once, and then only what it has written itself. "
            "Look at: what you give to `model` the second time.",
        ),
        Mistake(
            "the same place again and again",
            _loop(place=lambda logits, ids: logits[0, len(ids) - 1]),
            "That is what comes out when every token is chosen from the logits behind the prompt, or the model never "
            "reads what it has written. Look at: which row of the logits you take, and whether the text grows.",
            also=(_loop(reads=lambda ids, new: ids),),
        ),
        Mistake(
            "the first place",
            _loop(place=lambda logits, ids: logits[0, 0]),
            "That is what comes out when the logits of the first place are taken. They have seen one token only. "
            "Look at: which row has seen all of the text.",
        ),
        Mistake(
            "a window that moves",
            _loop(reads=lambda ids, new: [*ids, *new][len(new) :]),
            "That is what comes out when for every new token the oldest is dropped. Look at: how long the text is that "
            "the model reads.",
        ),
        Mistake(
            "in front",
            _loop(reads=lambda ids, new: [*new[::-1], *ids]),
            "That is what comes out when new tokens are put in front of the text. Look at: where the newest stands.",
        ),
        Mistake(
            "the prompt counts",
            _loop(room=lambda ids, new, most: len(ids) + len(new) < most),
            "That is what comes out when the prompt's tokens count towards `most`: long prompts then get short "
            "answers. Look at: whose length you compare with `most`.",
            "max_length in transformers counts the prompt, max_new_tokens does not",
        ),
        Mistake(
            "one token too many",
            _loop(room=lambda ids, new, most: len(new) <= most),
            "That is what comes out when one token more is written than there is room for. Look at: < and ≤, and "
            "whether you count before or after choosing.",
        ),
        Mistake(
            "one token too few",
            _loop(room=lambda ids, new, most: len(new) < most - 1),
            "That is what comes out when one token less is written than there is room for. Look at: where you begin to "
            "count.",
        ),
        Mistake(
            "`most` is not used",
            _loop(room=lambda ids, new, most: len(new) < 72),
            "That is what comes out when the answer may be as long as usual, whatever `most` says. Look at: `most`.",
        ),
        Mistake(
            "an end anywhere",
            _loop(ended=lambda ids, new, end: end in [*ids, *new]),
            "That is what comes out when an end token in the prompt ends the answer before it begins. Look at: where "
            "you look for the end.",
        ),
        Mistake(
            "always the likeliest",
            _loop(choice=lambda choose, logits: likeliest(logits)),
            "That is what comes out when the likeliest token is taken each time. Who chooses, and how, is for the "
            "caller to say. Look at: `choose`.",
        ),
        Mistake(
            "probabilities to choose from",
            _loop(choice=lambda choose, logits: choose(logits.softmax(dim=-1))),
            "That is what comes out when `choose` gets probabilities or their logarithms. It was promised logits, and "
            "may make its own of them. Look at: what you give to `choose`.",
            also=(_loop(choice=lambda choose, logits: choose(logits.log_softmax(dim=-1))),),
        ),
        Mistake(
            "the last token only",
            _loop(back=lambda ids, new, end: new[-1:]),
            "That is what comes out when only the newest token comes back. Look at: what you collect, and where.",
            also=(_loop(back=lambda ids, new, end: new[-1]),),
        ),
    ),
    hints=(
        "The model reads the text so far and says what may come next. Somebody chooses. What is the text now, and when "
        "is enough?",
        "Keep the new tokens in a list of their own. In each round, the model reads `ids` and all of them, as a batch "
        "of one: `torch.tensor([...])`. The last row of its logits goes to `choose`.",
        "`for _ in range(most)`: `logits[0, -1]` to `choose`, the token into the list; if it is `end`, break. "
        "Return the list. `torch.no_grad()` around it saves time and memory.",
    ),
)
