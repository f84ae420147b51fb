"""Exercise 3.4: a step of training for each batch."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from topfive.exercises.drawing import integers, seeded
from topfive.exercises.exercise import Case, Exercise, Function, Mistake
from topfive.lm import plain
from topfive.lm.losses import next_token_loss

VOCABULARY = 6
Batch = tuple[Tensor, Tensor]
LossFunction = Callable[[Tensor, Tensor, Tensor], Tensor]


def _train_cases(seed: int) -> list[Case]:
    generator = seeded(seed)

    def drawn(rows: int, time: int) -> Batch:
        """Tokens, and a mask that is 0 on a prompt of each row and on its pads."""
        place, firsts = torch.arange(time), torch.tensor(integers(1, 3, rows, generator))[:, None]
        lasts = torch.tensor(integers(4, time + 1, rows, generator))[:, None]
        mask = ((place >= firsts) & (place < lasts)).long()
        return torch.randint(VOCABULARY, (rows, time), generator=generator), mask

    def model() -> plain.Bigrams:
        made = plain.Bigrams(VOCABULARY)
        nn.init.normal_(made.rows.weight, std=0.5, generator=generator)
        return made

    def case(
        name: str, batches: list[Batch], look_at: str, rate: float = 2.0, loss_fn: LossFunction = next_token_loss
    ) -> Case:
        made = model()
        optimizer = torch.optim.SGD(made.parameters(), lr=rate)
        return Case(name, (made, optimizer, batches, loss_fn), look_at=look_at)

    table, pair = plain.Bigrams(3), (torch.tensor([[0, 1]]), torch.ones(1, 2, dtype=torch.long))
    adam_model = model()
    adam = torch.optim.Adam(adam_model.parameters(), lr=0.1)
    again = drawn(3, 5)
    return [
        Case(
            "one pair of tokens, twice, by hand",
            (table, torch.optim.SGD(table.parameters(), lr=1.0), [pair, pair], next_token_loss),
            look_at="the second loss: it is smaller, because the first step has changed the weights.",
        ),
        case("the same batch five times", [again] * 5, "what is left over from one step to the next."),
        case("four different batches", [drawn(3, 6) for _ in range(4)], "which batch each loss belongs to."),
        case("batches of different shape", [drawn(1, 5), drawn(4, 7), drawn(2, 5), drawn(3, 6)], "the mask."),
        case("a single batch", [drawn(2, 6)], "what comes back."),
        case("another loss", [drawn(3, 6) for _ in range(3)], "which loss is asked for.", 0.5, _doubled_loss),
        Case(
            "another optimiser",
            (adam_model, adam, [drawn(3, 6) for _ in range(5)], next_token_loss),
            look_at="who changes the weights.",
        ),
    ]


def _doubled_loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
    return 2 * next_token_loss(logits, tokens, mask) + logits.square().mean()


# --- one step, as it is made and as people make it -----------------------------------------------------------------

Step = Callable[[nn.Module, torch.optim.Optimizer, Callable[[], Tensor]], float]


def _step(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    loss = loss_of()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _loss(loss_fn: LossFunction, model: nn.Module, tokens: Tensor, mask: Tensor) -> Callable[[], Tensor]:
    return lambda: loss_fn(model(tokens).logits, tokens, mask)


def _by_steps(
    step: Step = _step, change: Callable[[Tensor, Tensor], Batch] = lambda tokens, mask: (tokens, mask)
) -> Function:
    """Training by such a step, of batches that `change` has been at."""

    def train_on(
        model: nn.Module, optimizer: torch.optim.Optimizer, batches: Sequence[Batch], loss_fn: LossFunction
    ) -> list[float]:
        losses = []
        for tokens, mask in batches:
            read, counted = change(tokens, mask)
            losses.append(step(model, optimizer, _loss(loss_fn, model, read, counted)))
        return losses

    return train_on


def _without_clearing(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    loss = loss_of()
    loss.backward()
    optimizer.step()
    return loss.item()


def _cleared_before_the_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]
) -> float:
    loss = loss_of()
    loss.backward()
    optimizer.zero_grad()
    optimizer.step()
    return loss.item()


def _step_first(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    loss = loss_of()
    optimizer.step()
    optimizer.zero_grad()
    loss.backward()
    return loss.item()


def _loss_afterwards(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    _step(model, optimizer, loss_of)
    return loss_of().item()


def _two_steps(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    loss = _step(model, optimizer, loss_of)
    optimizer.step()
    return loss


def _learnt_twice(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    loss = _step(model, optimizer, loss_of)
    _step(model, optimizer, loss_of)
    return loss


def _uphill(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    return -_step(model, optimizer, lambda: -loss_of())


def _rounded(model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Callable[[], Tensor]) -> float:
    return round(_step(model, optimizer, loss_of), 2)


def _always_the_first(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    return plain.train_on(model, optimizer, [batches[0]] * len(batches), loss_fn)


def _own_loss(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    return plain.train_on(model, optimizer, batches, next_token_loss)


def _own_optimizer(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    return plain.train_on(model, torch.optim.AdamW(model.parameters(), lr=1e-3), batches, loss_fn)


def _of_logits(change: Callable[[Tensor], Tensor]) -> Function:
    """The right steps, of a loss that gets something else than logits."""
    return lambda model, optimizer, batches, loss_fn: plain.train_on(
        model, optimizer, batches, lambda logits, tokens, mask: loss_fn(change(logits), tokens, mask)
    )


def _shifted_twice(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    def loss(logits: Tensor, tokens: Tensor, mask: Tensor) -> Tensor:
        return loss_fn(logits[:, :-1], tokens[:, 1:], mask[:, 1:])

    return plain.train_on(model, optimizer, batches, loss)


def _then(change: Callable[[list[float]], object]) -> Function:
    """The right losses, and something made of them."""
    return lambda *args: change(plain.train_on(*args))


def _only_the_first(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    return plain.train_on(model, optimizer, batches[:1], loss_fn)


def _running_means(losses: list[float]) -> list[float]:
    return [sum(losses[:count]) / count for count in range(1, len(losses) + 1)]


def _kept_with_their_graphs(model, optimizer, batches, loss_fn):  # type: ignore[no-untyped-def]
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss)
    return losses


EXERCISE = Exercise(
    number="3.4",
    title="A step of training",
    points=2,
    minutes=10,
    solution=plain.train_on,
    cases=_train_cases,
    mistakes=(
        Mistake(
            "gradients add up",
            _by_steps(_without_clearing),
            "That is what comes out when no gradient is ever cleared: `backward` adds to those that are there, so each "
            "step follows all batches so far. Look at: what has to happen between two calls of `backward`.",
            "PyTorch accumulates gradients on purpose; its tutorials call forgetting zero_grad the classic slip",
        ),
        Mistake(
            "the weights never change",
            _by_steps(lambda model, optimizer, loss_of: loss_of().item()),
            "That is what comes out when the weights stay as they were until the last loss is computed. Gradients may "
            "have been cleared before they were used, the step or `backward` left out, or one step taken for all. "
            "Look at: the order of the four calls, and what stands inside the loop.",
            also=(_by_steps(_cleared_before_the_step),),
        ),
        Mistake(
            "one step late",
            _by_steps(_step_first),
            "That is what comes out when the step comes before `backward`: it goes along the gradient of the batch "
            "before. Look at: the order of the calls.",
        ),
        Mistake(
            "the loss after the step",
            _by_steps(_loss_afterwards),
            "That is what comes out when each loss is computed anew after its step. It costs a second forward pass, "
            "and it flatters: this batch has just been learnt. Look at: when the number is taken that you return.",
        ),
        Mistake(
            "the last loss only",
            _then(lambda losses: losses[-1:]),
            "That is what comes out when only the last batch's loss is kept. Look at: where the list of losses begins, "
            "inside or outside of the loop.",
            also=(_then(lambda losses: losses[-1]),),
        ),
        Mistake(
            "the first batch only",
            _only_the_first,
            "That is what comes out when only the first batch is trained on. Look at: a `return` inside the loop.",
        ),
        Mistake(
            "the first batch every time",
            _always_the_first,
            "That is what comes out when the first batch comes again and again. Look at: what the loop goes through.",
        ),
        Mistake(
            "a mean or a sum of the losses",
            _then(lambda losses: sum(losses) / len(losses)),
            "That is what comes out when the losses are put together. One number for each batch was asked for: they "
            "make the curve. Look at: your last line.",
            also=(_then(sum), _then(_running_means)),
        ),
        Mistake(
            "the mask is not used",
            _by_steps(change=lambda tokens, mask: (tokens, torch.ones_like(mask))),
            "That is what comes out when every token counts, pads and prompts as well. Look at: the second part of a "
            "batch, and where it goes.",
        ),
        Mistake(
            "shifted twice",
            _shifted_twice,
            "That is what comes out when logits, tokens or mask are shifted before the loss sees them. `loss_fn` "
            "shifts by itself: it is what you wrote in 3.1. Look at: what `loss_fn` is given.",
        ),
        Mistake(
            "probabilities into the loss",
            _of_logits(lambda logits: logits.softmax(dim=-1)),
            "That is what comes out when the loss is given probabilities. It takes logits, and a softmax of a softmax "
            "is nearly flat. Look at: what `loss_fn` is given.",
        ),
        Mistake(
            "a loss of your own",
            _own_loss,
            "That is what comes out when the loss is always that of 3.1. Which loss is made smaller is for the caller "
            "to say. Look at: `loss_fn`.",
        ),
        Mistake(
            "an optimiser of your own",
            _own_optimizer,
            "That is what comes out when the steps are those of a new AdamW and not of the optimiser that you are "
            "given: it knows nothing of earlier steps, nor of the learning rate. Look at: `optimizer`.",
        ),
        Mistake(
            "uphill",
            _by_steps(_uphill),
            "That is what comes out when the weights go up the gradient: the loss grows with every step. "
            "Look at: the sign of what `backward` is called on.",
        ),
        Mistake(
            "two steps a batch",
            _by_steps(_two_steps),
            "That is what comes out when two steps are taken for one batch. Look at: how often `step` is called.",
            also=(_by_steps(_learnt_twice),),
        ),
        Mistake(
            "rounded",
            _by_steps(_rounded),
            "That is what comes out when the losses are rounded. Whoever prints them may do that. "
            "Look at: what is put into the list.",
        ),
        Mistake(
            "losses with their graphs",
            _kept_with_their_graphs,
            "Your losses are tensors that still know how they were computed, so everything that each batch needed "
            "stays in memory for as long as the list does. `loss.item()` is the number alone.",
            advice=True,
        ),
    ),
    hints=(
        "Four things happen to each batch: the model says something about it, the loss says how good that is, the loss "
        "says which way each weight should go, and the optimiser moves the weights. A fifth thing is housekeeping.",
        "`model(tokens).logits` goes into `loss_fn` with tokens and mask; `loss.backward()` writes into each weight's "
        "`.grad`, on top of what stands there; `optimizer.step()` reads it.",
        "In the loop: loss, `optimizer.zero_grad()`, `loss.backward()`, `optimizer.step()`, and `loss.item()` into a "
        "list that was begun before the loop.",
    ),
)
