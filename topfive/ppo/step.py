"""One step of PPO, to be read from top to bottom: from prompts to updated weights, without a trainer around it.

`PPOTrainer` takes the same step, and a test holds their weights together. What the trainer adds is left out here: a
log, a state on disk, a falling learning rate, an adaptive β, a KL budget, and of the settings `whiten_rewards` and
`kl_loss_coef`; and the score comes at the end of an answer, which is one episode, not line by line.

`ppo_loss` is the arithmetic of a step alone, in one expression, for a batch that is learned from as a whole.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.lm.sampling import encode, generate
from topfive.ppo.advantages import gae, token_rewards, whiten
from topfive.ppo.config import PPOConfig
from topfive.ppo.losses import policy_loss, value_loss
from topfive.ppo.rollout import (
    RewardFunction,
    response_logits,
    response_logprobs,
    response_values,
    score,
    token_logprobs,
)


def ppo_step(
    model: PreTrainedModel,
    ref_model: PreTrainedModel,
    reward_model: PreTrainedModel | RewardFunction,
    value_model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    args: PPOConfig,
    generator: torch.Generator,
) -> float:
    """Change `model` (the policy) and `value_model` (the critic) in place; returns the mean score of the answers.

    optimizer: over the weights of both. generator: draws tokens and minibatches. Tensors are (batch, time) over the
    tokens of the answers, unless said. (Schulman et al. 2017, algorithm 1; Ziegler et al. 2019, section 2.)
    """
    # The policy answers each prompt, drawing from its whole distribution. The mask is 1 up to the end token.
    query, query_mask = encode(tokenizer, prompts, model.device)
    samples = generate(
        model,
        query,
        query_mask,
        generator=generator,
        temperature=args.temperature,
        max_new_tokens=args.response_length,
    )
    mask = samples.mask

    with torch.no_grad():
        # The reward model scores each answer, (batch,). One that does not end gets a fixed low score instead.
        scores, _, _ = score(reward_model, samples, tokenizer)
        scores = scores.where(samples.ended, torch.full_like(scores, args.missing_eos_score))

        # How likely each token was, for the policy as it is now ("old", once it has moved) and for the reference.
        old_logprobs = response_logprobs(response_logits(model, samples, args.temperature), samples)
        ref_logprobs = response_logprobs(response_logits(ref_model, samples, args.temperature), samples)

        # What the critic expects before each token is written.
        old_values = response_values(value_model, samples)

        # A penalty of β for each nat away from the reference on every token, and the score on the last.
        rewards = token_rewards(scores, old_logprobs, ref_logprobs, mask, args.kl_coef)

        # How much better than expected each token turned out. The critic learns from advantages as they are,
        # the policy from whitened ones: mean 0, standard deviation 1 over all tokens of the batch.
        advantages = gae(rewards, old_values, mask, args.gamma, args.lam)
        returns = (advantages + old_values) * mask
        advantages = whiten(advantages, mask)

    # The same answers are learned from several times, in small batches and a new order each time.
    for _ in range(args.num_ppo_epochs):
        order = torch.randperm(len(prompts), generator=generator, device=model.device)
        for rows in order.chunk(args.num_mini_batches):
            part = samples[rows]
            logprobs = response_logprobs(response_logits(model, part, args.temperature), part)
            values = response_values(value_model, part)

            # Both losses stop pulling once policy or critic is further than a clip range from where it was.
            loss = policy_loss(logprobs, old_logprobs[rows], advantages[rows], part.mask, args.cliprange)
            loss = loss + args.vf_coef * value_loss(
                values, old_values[rows], returns[rows], part.mask, args.cliprange_value
            )

            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
            nn.utils.clip_grad_norm_(value_model.parameters(), args.max_grad_norm)
            optimizer.step()

    return scores.mean().item()


def ppo_loss(
    logits: Tensor,
    values: Tensor,
    tokens: Tensor,
    mask: Tensor,
    scores: Tensor,
    old: Tensor,
    ref: Tensor,
    old_values: Tensor,
    args: PPOConfig,
) -> Tensor:
    """The loss of policy and critic together on one batch, a scalar.

    logits: (batch, time, vocabulary) of the policy now, divided by the temperature; values: (batch, time) of the critic
    now. Only these two are learned. tokens, mask: (batch, time), the answers. scores: (batch,). old, ref, old_values:
    (batch, time), from before the first update: log-probabilities by the policy that sampled and by the reference,
    and values by the critic.
    """
    rewards = token_rewards(scores, old, ref, mask, args.kl_coef)
    advantages = gae(rewards, old_values, mask, args.gamma, args.lam)
    returns = advantages + old_values
    logprobs = token_logprobs(logits, tokens, mask)
    policy = policy_loss(logprobs, old, whiten(advantages, mask), mask, args.cliprange)
    return policy + args.vf_coef * value_loss(values, old_values, returns, mask, args.cliprange_value)
