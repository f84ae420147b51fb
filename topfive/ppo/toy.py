"""A world small enough to enumerate: six tokens, answers of at most three, so that the optimum of RLHF is known.

Its models are real ones, only tiny; what PPO makes of them can be compared with the truth (`optimum`).
"""

import copy
from collections.abc import Callable
from itertools import product
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from topfive.lm.model import new_model
from topfive.lm.sampling import Samples, encode, generate
from topfive.ppo.config import PPOConfig
from topfive.ppo.rollout import joined, response_logits, response_logprobs
from topfive.ppo.trainer import PPOTrainer
from topfive.reward.model import from_language_model, scores, values_everywhere

VOCABULARY = ["<pad>", "<end>", "a", "b", "c", "d"]
PAD, END = 0, 1
NEVER = -1e4  # a logit whose probability is 0
LENGTH = 3
MISSING_END = -1.0
PROMPT = "a"


def tokenizer() -> PreTrainedTokenizerFast:
    """One token a word."""
    backend = Tokenizer(models.WordLevel({token: index for index, token in enumerate(VOCABULARY)}, unk_token="<pad>"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return PreTrainedTokenizerFast(tokenizer_object=backend, pad_token="<pad>", eos_token="<end>", padding_side="left")


def policy(seed: int = 0) -> PreTrainedModel:
    """A small language model, its logits sharpened so that it has habits to unlearn; it never writes a pad."""
    model = new_model(tokenizer(), seed=seed, width=32, layers=2, heads=2)
    with torch.no_grad():
        model.transformer.ln_f.weight.mul_(1.5)
    bias = torch.zeros(len(VOCABULARY))
    bias[PAD] = NEVER
    model.lm_head.bias = nn.Parameter(bias, requires_grad=False)
    return model


def reward(model: PreTrainedModel, strength: float = 1.0, seed: int = 1) -> PreTrainedModel:
    """Some fixed function of the whole answer: a random head on the trunk, scaled to sd `strength` over answers."""
    judge = from_language_model(model, seed=seed)
    samples = every_answer()
    with torch.no_grad():
        raw = scores(judge, *joined(samples))[samples.ended]
    judge.config.reward_mean, judge.config.reward_std = raw.mean().item(), raw.std().item() / strength
    return judge


def every_answer() -> Samples:
    """All answers there are: ended within three tokens, or three tokens without an end. Pads come after the end."""
    words = [token for token in range(len(VOCABULARY)) if token not in (PAD, END)]
    answers = [
        (*said, last)
        for length in range(LENGTH)
        for said in product(words, repeat=length)
        for last in (END, *(words if length == LENGTH - 1 else ()))
    ]
    response = torch.tensor([[*answer, *[PAD] * (LENGTH - len(answer))] for answer in answers])
    mask = torch.tensor([[1] * len(answer) + [0] * (LENGTH - len(answer)) for answer in answers])
    query = torch.full((len(answers), 1), VOCABULARY.index(PROMPT))
    ended = torch.tensor([answer[-1] == END for answer in answers])
    return Samples(query, torch.ones_like(query), response, mask, ended, torch.full(mask.shape, torch.nan))


@torch.no_grad()
def distribution(model: PreTrainedModel) -> Tensor:
    """Probability of every answer."""
    samples = every_answer()
    return response_logprobs(response_logits(model, samples, temperature=1.0), samples).sum(dim=1).exp()


@torch.no_grad()
def answer_scores(judge: PreTrainedModel) -> Tensor:
    """The reward of every answer, `MISSING_END` without an end token."""
    samples = every_answer()
    return scores(judge, *joined(samples)).where(samples.ended, torch.tensor(MISSING_END))


def answer_names() -> list[str]:
    """Every answer as text, such as "a b ·", the dot for the end token."""
    samples = every_answer()
    marks = [*VOCABULARY]
    marks[END] = "·"
    lengths = samples.mask.sum(dim=1).tolist()
    return [
        " ".join(marks[token] for token in row[:length])
        for row, length in zip(samples.response.tolist(), lengths, strict=True)
    ]


def best_policy(reference: Tensor, rewards: Tensor, beta: float) -> Tensor:
    """π*(y) ∝ π_ref(y) · exp(r(y) / β), the distribution that maximises E[r] − β KL(π ‖ π_ref).

    reference, rewards: (answers,). Rafailov et al. 2023, equation 4; Korbak et al. 2022.
    """
    weights = reference * torch.exp((rewards - rewards.max()) / beta)
    return weights / weights.sum()


def optimum(reference: PreTrainedModel, judge: PreTrainedModel, beta: float) -> Tensor:
    """`best_policy` of a reference model and a reward model."""
    return best_policy(distribution(reference), answer_scores(judge), beta)


def objective(policy: Tensor, reference: Tensor, rewards: Tensor, beta: float) -> float:
    """E[r] − β KL(π ‖ π_ref), in rewards. All distributions (answers,)."""
    return float((policy * rewards).sum() - beta * kl(policy, reference))


def kl(p: Tensor, q: Tensor) -> float:
    """KL(p ‖ q) in nats, exactly. p, q: (answers,); an answer of probability 0 counts 0."""
    return float(torch.special.xlogy(p, p / q).sum())


def total_variation(p: Tensor, q: Tensor) -> float:
    """Half the sum of |p − q|: the share of probability that would have to move. 0 is the same, 1 nothing in common."""
    return 0.5 * (p - q).abs().sum().item()


def win_rate(policy: Tensor, reference: Tensor, rewards: Tensor) -> float:
    """How often an answer of the policy is worth more than one of the reference; equal ones count half. Exact.

    All (answers,).
    """
    ahead = (rewards[:, None] > rewards).float() + 0.5 * (rewards[:, None] == rewards).float()
    return float(policy @ ahead @ reference)


def first_step(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float) -> Tensor:
    """Logits after one step of gradient descent on PPO's policy loss, from where ρ = 1, worked out by hand.

    The policy is softmax(logits), one number for each possible answer. At ρ = 1 nothing is clipped, and the gradient
    of −mean(ρᵢ Âᵢ) by the logits is −meanᵢ Âᵢ (onehot(chosenᵢ) − π)  (Williams 1992; Sutton & Barto 2018, section 13).

    logits: (answers,). chosen: (n,) int64, which answers were sampled. advantages: (n,). Returns (answers,).
    """
    policy = logits.softmax(dim=0)
    taken = torch.zeros_like(logits).index_add(0, chosen, advantages.to(logits))
    return logits + learning_rate * (taken - advantages.sum().to(logits) * policy) / len(chosen)


def settings(*, beta: float, steps: int = 150, **options: Any) -> PPOConfig:
    """What PPO is told in this world; `options` of PPOConfig count instead of what is here."""
    own: dict[str, Any] = {
        "batch_size": 256,
        "learning_rate": 4e-3,
        "num_ppo_epochs": 2,
        "num_mini_batches": 2,
        "temperature": 1.0,
        "response_length": LENGTH,
        "missing_eos_score": MISSING_END,
    }
    return PPOConfig(total_steps=steps, kl_coef=beta, **{**own, **options})


def learn(loss_fn: Callable[..., Tensor], *, beta: float, steps: int = 50, seed: int = 0) -> list[float]:
    """PPO by a loss of the caller's own, with the signature of `topfive.ppo.step.ppo_loss`, and no trainer around it.

    Each batch is learned from as a whole, four times. Returns the total variation from the optimum, at the start and
    after each step.
    """
    reference = policy()
    judge = reward(reference)
    model, critic, best = copy.deepcopy(reference), copy.deepcopy(judge), optimum(reference, judge, beta)
    args = settings(beta=beta, steps=steps, batch_size=128)
    optimizer = torch.optim.AdamW([*model.parameters(), *critic.parameters()], lr=args.learning_rate, eps=args.adam_eps)
    generator = torch.Generator().manual_seed(seed)
    query, query_mask = encode(tokenizer(), [PROMPT] * args.batch_size)
    distances = [total_variation(distribution(model), best)]
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = args.learning_rate * (1 - step / steps)
        samples = generate(model, query, query_mask, generator=generator, max_new_tokens=LENGTH)
        tokens, attention = joined(samples)
        with torch.no_grad():
            earned = scores(judge, tokens, attention).where(samples.ended, torch.tensor(MISSING_END))
            ref_logprobs = response_logprobs(response_logits(reference, samples, 1.0), samples)
            old_values = values_everywhere(critic, tokens, attention)[:, :-1]
        for _ in range(4):
            logits = model(input_ids=tokens, attention_mask=attention).logits[:, :-1]
            values = values_everywhere(critic, tokens, attention)[:, :-1]
            before = earned, samples.logprobs, ref_logprobs, old_values
            optimizer.zero_grad()
            loss_fn(logits, values, samples.response, samples.mask, *before, args).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
            torch.nn.utils.clip_grad_norm_(critic.parameters(), args.max_grad_norm)
            optimizer.step()
        distances.append(total_variation(distribution(model), best))
    return distances


def trainer(
    model: PreTrainedModel, judge: PreTrainedModel, *, beta: float, steps: int = 150, **kwargs: Any
) -> PPOTrainer:
    """PPO on a copy of `model`. Keywords that end in `_fn`, and callbacks, go to the trainer, others to PPOConfig."""
    options = {key: kwargs.pop(key) for key in list(kwargs) if not key.endswith("_fn") and key != "callbacks"}
    args = settings(beta=beta, steps=steps, **options)
    return PPOTrainer(
        copy.deepcopy(model), model, judge, copy.deepcopy(judge), args, [PROMPT] * 8, tokenizer(), **kwargs
    )
