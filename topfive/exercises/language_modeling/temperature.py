"""Exercise 3.5: from logits to probabilities at a temperature."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import sampling


def _temperature_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(*shape: int) -> Tensor:
        return 2 * torch.randn(*shape, generator=generator)

    rows, close = drawn(4, 9), drawn(3, 7)
    close[:, 2] = close.amax(dim=1) + 0.5
    close[:, 5] = close[:, 2] + 0.02  # at a temperature that is merely low, the second still gets a share
    likeliest = "temperature 0 takes the likeliest"
    return [
        Case(
            "three tokens, temperature one half",
            (torch.tensor([2.0, 1.0, 0.0]), 0.5),
            look_at="2, 1, 0 by ½, then what the softmax makes of it.",
        ),
        Case("temperature 1", (rows, 1.0), look_at="the dimension that should add up to 1."),
        Case("temperature 1", (rows,), look_at="what the temperature is when none is given."),
        Case("cold and hot", (rows, 0.3), look_at="whether cold makes it sharper."),
        Case("cold and hot", (rows, 3.0), look_at="whether hot makes it flatter."),
        Case("very cold", (close, 0.05), look_at="whether a low temperature is used as it is."),
        Case("large logits", (rows + 200, 0.7), look_at="whether exp becomes infinite."),
        Case("large logits", (100 * rows - 300, 0.7), look_at="whether all exp become 0."),
        Case(likeliest, (rows, 0.0), look_at="the one token that gets everything."),
        Case(likeliest, (close, 0), look_at="two tokens that are nearly as likely: only one gets everything."),
        Case(likeliest, (drawn(6), 0), look_at="logits without a batch."),
        Case("three dimensions", (drawn(3, 4, 5), 1.5), look_at="the last dimension."),
    ]


def _greedy(logits: Tensor) -> Tensor:
    return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)


def _probabilities(
    warm: Callable[[Tensor, float], Tensor] = lambda logits, temperature: (logits / temperature).softmax(dim=-1),
    cold: Callable[[Tensor], Tensor] = _greedy,
) -> Function:
    """Probabilities above temperature 0, and at 0: right as it stands, wrong with a wrong part."""

    def probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
        return cold(logits) if temperature == 0 else warm(logits, temperature)

    return probabilities


def _unguarded(warm: Callable[[Tensor, float], Tensor]) -> Function:
    """The same formula at every temperature."""

    def probabilities(logits: Tensor, temperature: float = 1.0) -> Tensor:
        return warm(logits, temperature)

    return probabilities


def _softmax_over(dim: int) -> Function:
    return _probabilities(lambda logits, temperature: (logits / temperature).softmax(dim=dim))


def _not_below(floor: float) -> Function:
    return _unguarded(lambda logits, temperature: (logits / max(temperature, floor)).softmax(dim=-1))


def _cold_at(floor: float) -> Function:
    return _probabilities(cold=lambda logits: (logits / floor).softmax(dim=-1))


def _plus(floor: float) -> Function:
    return _unguarded(lambda logits, temperature: (logits / (temperature + floor)).softmax(dim=-1))


def _of_exp(exp: Tensor) -> Tensor:
    return exp / exp.sum(dim=-1, keepdim=True)


def _one_for_all(logits: Tensor) -> Tensor:
    best = int(logits.argmax()) % logits.shape[-1]
    return torch.zeros_like(logits).index_fill(-1, torch.tensor([best]), 1.0)


def _one_in_all(logits: Tensor) -> Tensor:
    return (logits == logits.max()).to(logits.dtype)


EXERCISE = Exercise(
    number="3.5",
    title="From logits to probabilities at a temperature",
    points=1,
    minutes=5,
    solution=sampling.token_probabilities,
    cases=_temperature_cases,
    mistakes=(
        Mistake(
            "multiplies by the temperature",
            _probabilities(lambda logits, temperature: (logits * temperature).softmax(dim=-1)),
            "That is what comes out when the logits are multiplied by the temperature, or the probabilities raised to "
            "it: cold becomes hot. Look at: × and ÷.",
            also=(_unguarded(lambda logits, temperature: (logits * temperature).softmax(dim=-1)),),
        ),
        Mistake(
            "temperature after the softmax",
            _probabilities(lambda logits, temperature: logits.softmax(dim=-1) / temperature),
            "That is what comes out when the probabilities are divided: they no longer add up to 1, and their order of "
            "size says the same as before. Look at: on which side of the softmax you divide.",
            also=(_unguarded(lambda logits, temperature: logits.softmax(dim=-1) / temperature),),
        ),
        Mistake(
            "a softmax of probabilities",
            _probabilities(lambda logits, temperature: (logits.softmax(dim=-1) / temperature).softmax(dim=-1)),
            "That is what comes out when probabilities are divided by the temperature and go through a second softmax, "
            "which makes them all nearly equal. Look at: what you divide.",
            also=(_probabilities(lambda logits, temperature: (logits / temperature).softmax(dim=-1).softmax(dim=-1)),),
        ),
        Mistake(
            "a power that is not normalised",
            _probabilities(lambda logits, temperature: logits.softmax(dim=-1) ** (1 / temperature)),
            "The proportions are right: raising probabilities to 1/temperature is the same thing. But now they do not "
            "add up to 1. Look at: the sum over the vocabulary.",
            also=(_probabilities(lambda logits, temperature: (logits / temperature).exp()),),
        ),
        Mistake(
            "ignores the temperature",
            _probabilities(lambda logits, temperature: logits.softmax(dim=-1)),
            "That is what comes out at temperature 1, whatever the temperature is. Look at: where you use it.",
            also=(_unguarded(lambda logits, temperature: logits.softmax(dim=-1)),),
        ),
        Mistake(
            "always the likeliest",
            _probabilities(lambda logits, temperature: _greedy(logits)),
            "That is what comes out at temperature 0, whatever the temperature is. Look at: when that line is reached.",
        ),
        Mistake(
            "the root of the temperature",
            _probabilities(lambda logits, temperature: (logits / temperature**0.5).softmax(dim=-1)),
            "That is what comes out when the logits are divided by the root, or by the square, of the temperature. "
            "Look at: what you divide by.",
            also=(_probabilities(lambda logits, temperature: (logits / temperature**2).softmax(dim=-1)),),
        ),
        Mistake(
            "adds up over the wrong dimension",
            _softmax_over(0),
            "That is what comes out when the softmax goes over another dimension than the last, which is the "
            "vocabulary. The texts of a batch would share one token among them. Look at: `dim`.",
            also=(_softmax_over(1),),
        ),
        Mistake(
            "adds up over everything",
            _probabilities(lambda logits, temperature: (logits / temperature).flatten().softmax(0).view_as(logits)),
            "That is what comes out when all numbers of a batch together add up to 1. Each text has a token of its own "
            "to choose. Look at: the dimension of the sum.",
        ),
        Mistake(
            "no softmax",
            _probabilities(lambda logits, temperature: logits / temperature),
            "These are logits at a temperature; what was wanted are probabilities, which add up to 1. "
            "Look at: your last line.",
            also=(_unguarded(lambda logits, temperature: logits / temperature),),
        ),
        Mistake(
            "no exp",
            _probabilities(lambda logits, temperature: _of_exp(logits / temperature)),
            "That is what comes out when the logits are divided by their sum: some become negative, and a sum of 0 "
            "makes nonsense of them. Look at: what the softmax does before it divides.",
        ),
        Mistake(
            "log-probabilities",
            _probabilities(lambda logits, temperature: (logits / temperature).log_softmax(dim=-1)),
            "These are the logarithms of the right numbers. Look at: softmax and log_softmax.",
            also=(_unguarded(lambda logits, temperature: (logits / temperature).log_softmax(dim=-1)),),
        ),
        Mistake(
            "exp of large logits",
            _probabilities(lambda logits, temperature: _of_exp((logits / temperature).exp())),
            "That is what comes out when exp is taken of the logits as they are: of 100 it is too large for a float, "
            "of −200 it is 0, and ∞/∞ and 0/0 are not numbers. `softmax` takes the largest logit off first. "
            "Look at: what goes into exp.",
            also=(_unguarded(lambda logits, temperature: _of_exp((logits / temperature).exp())),),
        ),
        Mistake(
            "divides by 0",
            _unguarded(lambda logits, temperature: (logits / temperature).softmax(dim=-1)),
            "That is what comes out when you divide by a temperature of 0. There all of the probability belongs to the "
            "likeliest token. Look at: an `if` at the top.",
        ),
        Mistake(
            "a floor under the temperature",
            _not_below(0.1),
            "That is what comes out when a temperature of 0 is taken for a small one, so that nothing is divided by 0. "
            "Two tokens that are nearly as likely then share the probability, and at 0 the likelier gets all of it. "
            "Look at: what you do about 0.",
            also=(
                *map(_not_below, (0.05, 0.02, 0.01, 0.005)),
                *map(_cold_at, (0.5, 0.1, 0.05, 0.01)),
                *map(_plus, (0.1, 0.01, 1e-3)),
            ),
        ),
        Mistake(
            "0 taken for 1",
            _probabilities(cold=lambda logits: logits.softmax(dim=-1)),
            "That is what comes out when temperature 0 is treated like temperature 1. At 0 all of the probability "
            "belongs to the likeliest token. Look at: what you return when the temperature is 0.",
            "`temperature or 1.0`: 0 is false in Python",
        ),
        Mistake(
            "an index at temperature 0",
            _probabilities(cold=lambda logits: logits.argmax(dim=-1)),
            "That is what comes out when temperature 0 gives the number of the likeliest token. Wanted are "
            "probabilities, the same shape as the logits, with a single 1. Look at: `F.one_hot`, or zeros with a 1 put "
            "in.",
            also=(_probabilities(cold=lambda logits: logits.argmax(dim=-1, keepdim=True)),),
        ),
        Mistake(
            "the largest logit at temperature 0",
            _probabilities(cold=lambda logits: logits.amax(dim=-1)),
            "That is what comes out when temperature 0 gives the largest logit or probability, or leaves it in its "
            "place. Wanted are probabilities: a single 1 in each row, and 0 elsewhere. Look at: max and argmax, and "
            "what you put in.",
            also=(
                _probabilities(cold=lambda logits: logits.softmax(dim=-1).amax(dim=-1)),
                _probabilities(cold=lambda logits: logits.softmax(dim=-1).amax(dim=-1, keepdim=True)),
                _probabilities(cold=lambda logits: logits.masked_fill(_greedy(logits) == 0, -torch.inf)),
                _probabilities(cold=lambda logits: logits.amax(dim=-1, keepdim=True)),
                _probabilities(cold=lambda logits: logits * _greedy(logits)),
            ),
        ),
        Mistake(
            "one token for the whole batch at temperature 0",
            _probabilities(cold=_one_for_all),
            "That is what comes out when the likeliest token is sought in the whole batch at once. Every row has its "
            "own. Look at: `dim` in argmax, or in max.",
            also=(
                _probabilities(cold=_one_in_all),
                _probabilities(cold=lambda logits: F.one_hot(logits.argmax() % logits.shape[-1], logits.shape[-1])),
            ),
        ),
        Mistake(
            "everybody's 1 in every row at temperature 0",
            _probabilities(cold=lambda logits: _greedy(logits).flatten(0, -2).amax(dim=0).expand_as(logits)),
            "That is what comes out when each row gets a 1 for the likeliest token of every row: `zeros[..., best] = "
            "1` does that. A row has one 1, its own. Look at: `scatter`, or `F.one_hot`.",
        ),
        Mistake(
            "too few columns at temperature 0",
            _probabilities(cold=lambda logits: F.one_hot(logits.argmax(dim=-1)).to(logits.dtype)),
            "That is what comes out when `F.one_hot` is not told how many columns there are: it stops at the largest "
            "number that it sees. Look at: its second argument.",
        ),
        Mistake(
            "all alike at temperature 0",
            _probabilities(cold=lambda logits: torch.full_like(logits, 1 / logits.shape[-1])),
            "That is what comes out when all tokens are alike at temperature 0. That is the other end, endless heat; "
            "at 0 the likeliest gets everything. Look at: what you return when the temperature is 0.",
            also=(_probabilities(cold=torch.zeros_like), _probabilities(cold=torch.ones_like)),
        ),
        Mistake(
            "the sign of the logits",
            _probabilities(lambda logits, temperature: (-logits / temperature).softmax(dim=-1)),
            "That is what comes out when the logits are turned round: the likeliest token gets the least. "
            "Look at: the sign.",
            also=(
                _probabilities(
                    lambda logits, temperature: (-logits / temperature).softmax(dim=-1), lambda logits: _greedy(-logits)
                ),
            ),
        ),
        Mistake(
            "the unlikeliest at temperature 0",
            _probabilities(cold=lambda logits: _greedy(-logits)),
            "That is what comes out when temperature 0 takes the smallest logit. Look at: argmin and argmax.",
        ),
    ),
    hints=(
        "Which numbers does the temperature change, and at which point? Below 1 differences are to become larger, and "
        "all still has to add up to 1. And what can you not divide by?",
        "Divide first, then softmax over the vocabulary, which is the last dimension. Temperature 0 needs a way of its "
        "own.",
        "At temperature 0: `logits.argmax(dim=-1)` says which token, and `F.one_hot(…, logits.shape[-1])` makes 0s and "
        "a 1 of it; they have to become floats.",
    ),
)
