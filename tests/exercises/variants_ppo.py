"""Right ways to solve the exercises of assignment 06 that are not the package's."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

# --- 6.1 token_logprobs -------------------------------------------------------------------------------------------


def logprobs_by_gather(logits, tokens, mask):
    return logits.log_softmax(dim=-1).gather(-1, tokens[..., None]).squeeze(-1) * mask


def logprobs_by_logsumexp(logits, tokens, mask):
    taken = torch.take_along_dim(logits, tokens.unsqueeze(2), dim=2)[:, :, 0]
    return torch.where(mask.bool(), taken - logits.logsumexp(-1), 0.0)


def logprobs_by_a_loop(logits, tokens, mask):
    out = torch.zeros(tokens.shape, dtype=logits.dtype)
    for i in range(len(tokens)):
        for t in range(tokens.shape[1]):
            if mask[i, t]:
                row = logits[i, t]
                row = row - row.max()
                out[i, t] = row[tokens[i, t]] - row.exp().sum().log()
    return out


def logprobs_by_a_distribution(logits, tokens, mask):
    return torch.distributions.Categorical(logits=logits).log_prob(tokens).mul(mask)


def logprobs_by_cross_entropy_with_the_vocabulary_second(logits, tokens, mask):
    return -F.cross_entropy(logits.transpose(1, 2), tokens, reduction="none") * mask


def logprobs_by_one_hot(logits, tokens, mask):
    taken = F.one_hot(tokens, logits.shape[-1]).to(logits)
    return (logits.log_softmax(dim=-1) * taken).sum(dim=-1) * mask.float()


def logprobs_of_real_tokens_put_back(logits, tokens, mask):
    real = mask.bool()
    found = -F.cross_entropy(logits[real], tokens[real], reduction="none")
    return torch.zeros(mask.shape).masked_scatter(real, found)


def logprobs_by_hand_after_the_largest(logits, tokens, mask):
    with torch.no_grad():
        largest = logits.max(dim=-1, keepdim=True).values
    logits = logits - largest
    normaliser = torch.log(torch.exp(logits).sum(dim=-1))
    rows, columns = torch.meshgrid(*map(torch.arange, tokens.shape), indexing="ij")
    return (logits[rows, columns, tokens] - normaliser).masked_fill(mask == 0, 0)


# --- 6.2 token_rewards --------------------------------------------------------------------------------------------


def rewards_by_index(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[torch.arange(len(scores)), mask.sum(1) - 1] += scores
    return rewards


def rewards_by_a_mask_of_ends(scores, logprobs, ref_logprobs, mask, kl_coef):
    after = torch.cat([mask[:, 1:], torch.zeros_like(mask[:, :1])], dim=1)
    end = mask * (1 - after)
    return scores.unsqueeze(1) * end + kl_coef * torch.where(mask == 1, ref_logprobs - logprobs, 0)


def rewards_in_lists(scores, logprobs, ref_logprobs, mask, kl_coef):
    rows = []
    for i, length in enumerate(mask.sum(1).tolist()):
        row = [-kl_coef * float(logprobs[i, t] - ref_logprobs[i, t]) for t in range(length)]
        row[-1] += float(scores[i])
        rows.append(row + [0.0] * (mask.shape[1] - length))
    return rows


def rewards_in_numpy(scores, logprobs, ref_logprobs, mask, kl_coef):
    mask = mask.numpy()
    out = -kl_coef * (logprobs.double().numpy() - ref_logprobs.double().numpy()) * mask
    last = mask.shape[1] - 1 - mask[:, ::-1].argmax(axis=1)
    np.add.at(out, (np.arange(len(out)), last), scores.numpy())
    return out


def rewards_by_scatter(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = kl_coef * (ref_logprobs - logprobs) * mask
    return rewards.scatter_add(1, mask.sum(1, keepdim=True) - 1, scores[:, None])


def rewards_by_a_loop(scores, logprobs, ref_logprobs, mask, kl_coef):
    rewards = torch.zeros_like(logprobs)
    for i in range(len(scores)):
        for t in range(mask.shape[1]):
            if mask[i, t]:
                rewards[i, t] = -kl_coef * (logprobs[i, t] - ref_logprobs[i, t])
                if t + 1 == mask.shape[1] or not mask[i, t + 1]:
                    rewards[i, t] += scores[i]
    return rewards


def rewards_by_the_place_of_the_last_one(scores, logprobs, ref_logprobs, mask, kl_coef):
    time = torch.arange(mask.shape[1])
    last = (time * mask).argmax(dim=1)
    penalty = -kl_coef * (logprobs - ref_logprobs)
    return torch.where(mask == 1, penalty + torch.where(time == last[:, None], scores[:, None], 0.0), 0.0)


# --- 6.3 gae ------------------------------------------------------------------------------------------------------


def surprises(rewards, values, mask, gamma):
    following = torch.cat([(values * mask)[:, 1:], torch.zeros_like(values[:, :1])], dim=1)
    return (rewards + gamma * following - values) * mask


@torch.no_grad()
def gae_by_a_matrix_of_powers(rewards, values, mask, gamma=1.0, lam=0.95):
    time = torch.arange(rewards.shape[1])
    ahead = time[:, None] - time
    powers = torch.where(ahead >= 0, torch.tensor(gamma * lam, dtype=rewards.dtype) ** ahead.clamp(min=0), 0.0)
    return surprises(rewards, values, mask, gamma) @ powers.to(rewards.dtype)


@torch.no_grad()
def gae_by_flip_and_cumsum(rewards, values, mask, gamma=1.0, lam=0.95):
    decay = gamma * lam
    delta = surprises(rewards, values, mask, gamma)
    if decay == 0:
        return delta
    weights = torch.tensor(decay, dtype=rewards.dtype) ** torch.arange(rewards.shape[1])
    return (delta * weights).flip(1).cumsum(1).flip(1) / weights * mask


def gae_in_numpy(rewards, values, mask, gamma=1.0, lam=0.95):
    rewards, values, mask = rewards.numpy(), values.numpy(), mask.numpy()
    out, carried, value_after = np.zeros(rewards.shape), np.zeros(len(rewards)), np.zeros(len(rewards))
    for t in range(rewards.shape[1] - 1, -1, -1):
        real = mask[:, t] == 1
        carried = np.where(real, rewards[:, t] + gamma * value_after - values[:, t] + gamma * lam * carried, 0)
        value_after = np.where(real, values[:, t], 0)
        out[:, t] = carried
    return out


def gae_in_lists_of_floats(rewards, values, mask, gamma=1.0, lam=0.95):
    rows = []
    for reward, value, length in zip(rewards.tolist(), values.tolist(), mask.sum(1).tolist(), strict=True):
        value = [*value[:length], 0.0]  # noqa: PLW2901
        delta = [reward[t] + gamma * value[t + 1] - value[t] for t in range(length)]
        row = [sum((gamma * lam) ** (u - t) * delta[u] for u in range(t, length)) for t in range(length)]
        rows.append(row + [0.0] * (len(reward) - length))
    return rows


@torch.no_grad()
def gae_in_float64_on_a_clone(rewards, values, mask, gamma=1.0, lam=0.95):
    out = surprises(rewards.double(), values.double(), mask, gamma)
    for t in range(out.shape[1] - 2, -1, -1):
        out[:, t] += gamma * lam * out[:, t + 1]
    return out * mask


@torch.no_grad()
def gae_with_pads_set_to_0_first(rewards, values, mask, gamma=1.0, lam=0.95):
    rewards, values = rewards * mask, values * mask
    out, carried, value_after = torch.zeros_like(rewards), 0, 0
    for t in reversed(range(rewards.shape[1])):
        carried = rewards[:, t] + gamma * value_after - values[:, t] + gamma * lam * carried
        value_after = values[:, t]
        out[:, t] = carried
    return out


@torch.no_grad()
def gae_with_the_mask_of_what_follows(rewards, values, mask, gamma=1.0, lam=0.95):
    columns, carried = [], torch.zeros(len(rewards))
    for t in range(rewards.shape[1] - 1, -1, -1):
        goes_on = mask[:, t + 1] if t + 1 < rewards.shape[1] else torch.zeros(len(rewards))
        value_after = values[:, t + 1] if t + 1 < rewards.shape[1] else 0.0
        delta = rewards[:, t] + gamma * value_after * goes_on - values[:, t]
        carried = delta + gamma * lam * goes_on * carried
        columns.insert(0, carried * mask[:, t])
    return torch.stack(columns, dim=1)


# --- 6.4 whiten ---------------------------------------------------------------------------------------------------


def whiten_by_selection(values, mask, shift_mean=True):
    real = values[mask.bool()]
    scaled = (values - real.mean()) / (real.std(correction=0) + 1e-8)
    return (scaled + (0 if shift_mean else real.mean())) * mask


def whiten_by_mean_of_squares(values, mask, shift_mean=True):
    wide = values.double()
    n = mask.sum()
    mean = (wide * mask).sum() / n
    variance = ((wide**2 * mask).sum() / n - mean**2).clamp(min=0)
    out = (wide - mean) / torch.sqrt(variance + 1e-8)
    if not shift_mean:
        out += mean
    return out.masked_fill(mask == 0, 0)


def whiten_in_numpy(values, mask, shift_mean=True):
    values, real = values.numpy(), mask.numpy() == 1
    out = np.zeros_like(values)
    chosen = values[real]
    out[real] = (chosen - chosen.mean()) / np.sqrt(chosen.var() + 1e-8) + (0 if shift_mean else chosen.mean())
    return out


def whiten_put_back(values, mask, shift_mean=True):
    real = mask.bool()
    chosen = values[real]
    mean, variance = chosen.mean(), chosen.var(correction=0)
    scaled = (chosen - mean) / (variance + 1e-8) ** 0.5
    return torch.zeros_like(values).masked_scatter(real, scaled if shift_mean else scaled + mean)


def whiten_in_lists(values, mask, shift_mean=True):
    real = [value for row, keep in zip(values.tolist(), mask.tolist(), strict=True)
            for value, one in zip(row, keep, strict=True) if one]  # fmt: skip
    mean = sum(real) / len(real)
    root = (sum((value - mean) ** 2 for value in real) / len(real) + 1e-8) ** 0.5
    back = 0.0 if shift_mean else mean
    return [[((value - mean) / root + back) * one for value, one in zip(row, keep, strict=True)]
            for row, keep in zip(values.tolist(), mask.tolist(), strict=True)]  # fmt: skip


def whiten_with_a_float_mask(values, mask, shift_mean=True):
    weight = mask.float() / mask.float().sum()
    mean = torch.sum(values * weight)
    centred = (values - mean) * mask
    out = centred / torch.sqrt((centred.square() * weight).sum() + 1e-8)
    return out if shift_mean else out + mean * mask


# --- 6.5 policy_loss ----------------------------------------------------------------------------------------------


def policy_loss_as_the_larger_loss(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = (logprobs - old_logprobs).exp()
    losses = torch.max(-advantages * ratio, -advantages * torch.clamp(ratio, 1 - cliprange, 1 + cliprange))
    return losses[mask.bool()].mean()


def policy_loss_by_cases(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = torch.exp(logprobs) / torch.exp(old_logprobs)
    ceiling = torch.where(advantages > 0, (1 + cliprange) * advantages, (1 - cliprange) * advantages)
    return -(torch.min(ratio * advantages, ceiling) * mask).sum() / mask.sum()


def policy_loss_by_a_loop(logprobs, old_logprobs, advantages, mask, cliprange):
    total, number = 0.0, 0
    for i, t in mask.nonzero().tolist():
        ratio, gain = torch.exp(logprobs[i, t] - old_logprobs[i, t]), advantages[i, t]
        total = total + min(ratio * gain, ratio.clamp(1 - cliprange, 1 + cliprange) * gain)
        number += 1
    return -total / number


def policy_loss_in_float64(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = (logprobs.double() - old_logprobs.double()).exp()
    kept = ratio.clip(1 - cliprange, 1 + cliprange)
    gains = torch.stack([ratio * advantages, kept * advantages]).amin(dim=0)
    return -torch.einsum("bt,bt->", gains, mask.double()) / mask.sum()


def policy_loss_by_a_loop_with_constants(logprobs, old_logprobs, advantages, mask, cliprange):
    """Where the clip counts, nothing hangs on the policy, and the result has no graph."""
    total = 0.0
    for i, t in mask.nonzero().tolist():
        ratio, gain = (logprobs[i, t] - old_logprobs[i, t]).exp(), advantages[i, t]
        if gain > 0 and ratio > 1 + cliprange:
            total -= (1 + cliprange) * gain
        elif gain < 0 and ratio < 1 - cliprange:
            total -= (1 - cliprange) * gain
        else:
            total = total - ratio * gain
    return total / mask.sum()


def policy_loss_by_the_side_that_counts(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = torch.exp(logprobs - old_logprobs)
    kept = torch.where(advantages > 0, ratio.clamp(max=1 + cliprange), ratio.clamp(min=1 - cliprange))
    return -((kept * advantages).flatten() @ mask.flatten().float()) / mask.sum()


def policy_loss_less_what_is_cut_off(logprobs, old_logprobs, advantages, mask, cliprange):
    ratio = torch.exp(logprobs - old_logprobs)
    beyond = torch.relu(advantages.sign() * (ratio - 1) - cliprange)
    return ((advantages.abs() * beyond - ratio * advantages) * mask).sum().div(mask.sum())


# --- 6.6 value_loss -----------------------------------------------------------------------------------------------


def value_loss_by_selection(values, old_values, returns, mask, cliprange):
    real = mask.bool()
    values, old_values, returns = values[real], old_values[real], returns[real]
    kept = values.clamp(old_values - cliprange, old_values + cliprange)
    return torch.max((values - returns).square(), (kept - returns).square()).mean() / 2


def value_loss_by_the_larger_distance(values, old_values, returns, mask, cliprange):
    kept = old_values + torch.clip(values - old_values, -cliprange, cliprange)
    error = torch.maximum((returns - values).abs(), (returns - kept).abs())
    return 0.5 * (error**2 * mask).sum() / mask.sum()


def value_loss_by_a_loop(values, old_values, returns, mask, cliprange):
    losses = []
    for i, t in mask.nonzero().tolist():
        moved = (values[i, t] - old_values[i, t]).clamp(-cliprange, cliprange)
        losses.append(max((values[i, t] - returns[i, t]) ** 2, (old_values[i, t] + moved - returns[i, t]) ** 2))
    return 0.5 * torch.stack(losses).mean()


def value_loss_by_a_loop_with_constants(values, old_values, returns, mask, cliprange):
    """Where the clip counts, nothing hangs on the critic, and the result has no graph."""
    total = 0
    for i, t in mask.nonzero().tolist():
        value, old, wanted = values[i, t], old_values[i, t], returns[i, t]
        edge = old + cliprange if value > old else old - cliprange
        kept = value if abs(value - old) <= cliprange else edge
        total += max((value - wanted) ** 2, (kept - wanted) ** 2)
    return total / (2 * mask.sum())


def value_loss_by_a_condition(values, old_values, returns, mask, cliprange):
    low, high = old_values - cliprange, old_values + cliprange
    kept = torch.min(torch.max(values, low), high)
    plain, clipped = (returns - values) ** 2, (returns - kept) ** 2
    return 0.5 * torch.where(mask.bool(), torch.where(plain > clipped, plain, clipped), 0.0).sum() / mask.sum()


def value_loss_in_float64(values, old_values, returns, mask, cliprange):
    values, old_values, returns = values.double(), old_values.double(), returns.double()
    errors = torch.stack([values, old_values + (values - old_values).clip(-cliprange, cliprange)]) - returns
    return (0.5 * errors.square().amax(dim=0) * mask).sum() / mask.sum()


# --- 6.7 kl_estimators --------------------------------------------------------------------------------------------


def kl_by_ratio(logprobs, ref_logprobs):
    log_r = ref_logprobs - logprobs
    return -log_r, log_r.square() / 2, log_r.exp() - 1 - log_r


def kl_in_a_list(logprobs, ref_logprobs):
    k1 = logprobs.sub(ref_logprobs)
    return [k1, 0.5 * k1 * k1, torch.special.expm1(-k1) + k1]


def kl_in_numpy(logprobs, ref_logprobs):
    new, old = logprobs.numpy().astype(float), ref_logprobs.numpy().astype(float)
    r = np.exp(old) / np.exp(new)
    return new - old, 0.5 * np.log(r) ** 2, (r - 1) - np.log(r)


def kl_of_a_ratio_of_probabilities(logprobs, ref_logprobs):
    r = torch.exp(ref_logprobs) / torch.exp(logprobs)
    return -torch.log(r), torch.log(r) ** 2 / 2, (r - 1) - torch.log(r)


def kl_in_one_tensor(logprobs, ref_logprobs):
    difference = logprobs - ref_logprobs
    return torch.stack([difference, difference.square() * 0.5, (-difference).exp() + difference - 1])


def kl_one_number_at_a_time(logprobs, ref_logprobs):
    pairs = list(zip(logprobs.flatten().tolist(), ref_logprobs.flatten().tolist(), strict=True))
    k1 = torch.tensor([p - q for p, q in pairs]).view_as(logprobs)
    k2 = torch.tensor([(p - q) ** 2 / 2 for p, q in pairs]).view_as(logprobs)
    k3 = torch.tensor([math.exp(q - p) - 1 - (q - p) for p, q in pairs]).view_as(logprobs)
    return k1, k2, k3


# --- 6.8 first_step -----------------------------------------------------------------------------------------------


def step_by_one_hot(logits, chosen, advantages, learning_rate):
    score = torch.nn.functional.one_hot(chosen, len(logits)) - logits.softmax(0)
    return logits + learning_rate * (advantages[:, None] * score).mean(dim=0)


def step_by_autograd(logits, chosen, advantages, learning_rate):
    leaf = logits.clone().requires_grad_()
    (-(leaf.log_softmax(0)[chosen] * advantages).mean()).backward()
    return logits - learning_rate * leaf.grad


def step_by_a_loop(logits, chosen, advantages, learning_rate):
    policy = torch.softmax(logits, dim=0)
    new = logits.clone()
    for answer, advantage in zip(chosen.tolist(), advantages.tolist(), strict=True):
        for other in range(len(logits)):
            new[other] += learning_rate * advantage * (int(other == answer) - policy[other]) / len(chosen)
    return new


def step_by_bincount(logits, chosen, advantages, learning_rate):
    taken = torch.bincount(chosen, weights=advantages.double(), minlength=len(logits))
    return logits + learning_rate * (taken / len(chosen) - advantages.double().mean() * logits.double().softmax(0))


def step_by_a_product_of_matrices(logits, chosen, advantages, learning_rate):
    score = F.one_hot(chosen, num_classes=logits.shape[0]).float() - torch.softmax(logits, dim=-1)
    return logits + learning_rate * (score.T @ advantages) / advantages.numel()


def step_in_numpy(logits, chosen, advantages, learning_rate):
    x, a = logits.numpy().astype(float), advantages.numpy().astype(float)
    policy = np.exp(x - x.max()) / np.exp(x - x.max()).sum()
    taken = np.zeros_like(x)
    np.add.at(taken, chosen.numpy(), a)
    return x + learning_rate * (taken - a.sum() * policy) / len(a)


# --- 6.9 ppo_loss -------------------------------------------------------------------------------------------------


def step_of_the_pieces(logits, values, tokens, mask, scores, old_logprobs, ref_logprobs, old_values, args):
    rewards = rewards_by_index(scores, old_logprobs, ref_logprobs, mask, args.kl_coef)
    advantages = gae_with_pads_set_to_0_first(rewards, old_values, mask, gamma=args.gamma, lam=args.lam)
    returns, advantages = advantages + old_values, whiten_by_selection(advantages, mask)
    logprobs = torch.log_softmax(logits, dim=-1).gather(-1, tokens.unsqueeze(-1)).squeeze(-1)
    loss = policy_loss_as_the_larger_loss(logprobs, old_logprobs, advantages, mask, args.cliprange)
    return loss + args.vf_coef * value_loss_by_selection(values, old_values, returns, mask, args.cliprange_value)


def step_value_first(logits, values, tokens, mask, scores, old_logprobs, ref_logprobs, old_values, args):
    rewards = rewards_by_a_mask_of_ends(scores, old_logprobs, ref_logprobs, mask, args.kl_coef)
    gains = gae_by_a_matrix_of_powers(rewards, old_values, mask, args.gamma, args.lam)
    wanted = (gains + old_values) * mask
    critic = value_loss_by_the_larger_distance(values, old_values, wanted, mask, args.cliprange_value)
    new = logits - logits.logsumexp(dim=-1, keepdim=True)
    new = torch.take_along_dim(new, tokens[..., None], dim=-1)[..., 0] * mask
    actor = policy_loss_by_the_side_that_counts(new, old_logprobs, whiten_put_back(gains, mask), mask, args.cliprange)
    return args.vf_coef * critic + actor


def step_answer_by_answer(logits, values, tokens, mask, scores, old_logprobs, ref_logprobs, old_values, args):
    """Every answer without its pads; whitened over all of their tokens together."""
    gains = []
    for row, length in enumerate(mask.sum(dim=1).tolist()):
        rewards = -args.kl_coef * (old_logprobs[row, :length] - ref_logprobs[row, :length])
        rewards[-1] += scores[row]
        carried, found = 0.0, torch.zeros(length)
        expected = torch.cat([old_values[row, :length], torch.zeros(1)])
        for t in reversed(range(length)):
            carried = rewards[t] + args.gamma * expected[t + 1] - expected[t] + args.gamma * args.lam * carried
            found[t] = carried
        gains.append(found)
    gains = torch.cat(gains)
    real = mask == 1
    returns = gains + old_values[real]
    white = (gains - gains.mean()) / (gains.var(correction=0) + 1e-8).sqrt()
    new = torch.nn.functional.cross_entropy(logits[real], tokens[real], reduction="none").neg()
    ratio = (new - old_logprobs[real]).exp()
    actor = torch.max(-white * ratio, -white * ratio.clip(1 - args.cliprange, 1 + args.cliprange)).mean()
    kept = values[real].clamp(old_values[real] - args.cliprange_value, old_values[real] + args.cliprange_value)
    critic = torch.max((values[real] - returns) ** 2, (kept - returns) ** 2).mean() / 2
    return actor + critic * args.vf_coef


def step_in_float64(logits, values, tokens, mask, scores, old, ref, old_values, args):
    wide = [one.double() for one in (logits, values, scores, old, ref, old_values)]
    logits, values, scores, old, ref, old_values = wide
    real = mask.double()
    new = torch.distributions.Categorical(logits=logits).log_prob(tokens)
    last = mask.sum(dim=1) - 1
    rewards = (args.kl_coef * (ref - old) * real).scatter_add(1, last[:, None], scores[:, None])
    after = torch.cat([(old_values * real)[:, 1:], torch.zeros(len(mask), 1)], dim=1)
    surprise = (rewards + args.gamma * after - old_values) * real
    gains = surprise.clone()
    for t in range(mask.shape[1] - 2, -1, -1):
        gains[:, t] += args.gamma * args.lam * gains[:, t + 1]
    centred = (gains - (gains * real).sum() / real.sum()) * real
    white = centred / ((centred**2).sum() / real.sum() + 1e-8).sqrt()
    ratio = torch.exp(new - old)
    gain = torch.min(ratio * white, ratio.clamp(1 - args.cliprange, 1 + args.cliprange) * white)
    moved = (values - old_values).clamp(-args.cliprange_value, args.cliprange_value)
    wanted = old_values + gains
    error = torch.max((values - wanted) ** 2, (old_values + moved - wanted) ** 2)
    return ((args.vf_coef / 2 * error - gain) * real).sum() / real.sum()


def step_with_the_settings_unpacked(logits, values, tokens, mask, scores, old, ref, old_values, args):
    beta, c = args.kl_coef, args.vf_coef
    rewards = rewards_by_scatter(scores, old, ref, mask, beta)
    gains = gae_by_flip_and_cumsum(rewards, old_values, mask, args.gamma, args.lam)
    critic = value_loss_by_a_condition(values, old_values, gains + old_values, mask, args.cliprange_value)
    places = torch.arange(tokens.shape[1])
    new = torch.stack([row.log_softmax(-1)[places, said] for row, said in zip(logits, tokens, strict=True)])
    return c * critic + policy_loss_by_cases(new, old, whiten_with_a_float_mask(gains, mask), mask, args.cliprange)


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "6.1": [
        logprobs_by_gather,
        logprobs_by_logsumexp,
        logprobs_by_a_loop,
        logprobs_by_a_distribution,
        logprobs_by_cross_entropy_with_the_vocabulary_second,
        logprobs_by_one_hot,
        logprobs_of_real_tokens_put_back,
        logprobs_by_hand_after_the_largest,
    ],
    "6.2": [
        rewards_by_index,
        rewards_by_a_mask_of_ends,
        rewards_in_lists,
        rewards_in_numpy,
        rewards_by_scatter,
        rewards_by_a_loop,
        rewards_by_the_place_of_the_last_one,
    ],
    "6.3": [
        gae_by_a_matrix_of_powers,
        gae_by_flip_and_cumsum,
        gae_in_numpy,
        gae_in_lists_of_floats,
        gae_in_float64_on_a_clone,
        gae_with_pads_set_to_0_first,
        gae_with_the_mask_of_what_follows,
    ],
    "6.4": [
        whiten_by_selection,
        whiten_by_mean_of_squares,
        whiten_in_numpy,
        whiten_put_back,
        whiten_in_lists,
        whiten_with_a_float_mask,
    ],
    "6.5": [
        policy_loss_as_the_larger_loss,
        policy_loss_by_cases,
        policy_loss_by_a_loop,
        policy_loss_in_float64,
        policy_loss_by_a_loop_with_constants,
        policy_loss_by_the_side_that_counts,
        policy_loss_less_what_is_cut_off,
    ],
    "6.6": [
        value_loss_by_selection,
        value_loss_by_the_larger_distance,
        value_loss_by_a_loop,
        value_loss_by_a_loop_with_constants,
        value_loss_by_a_condition,
        value_loss_in_float64,
    ],
    "6.7": [
        kl_by_ratio,
        kl_in_a_list,
        kl_in_numpy,
        kl_of_a_ratio_of_probabilities,
        kl_in_one_tensor,
        kl_one_number_at_a_time,
    ],
    "6.8": [
        step_by_one_hot,
        step_by_autograd,
        step_by_a_loop,
        step_by_bincount,
        step_by_a_product_of_matrices,
        step_in_numpy,
    ],
    "6.9": [
        step_of_the_pieces,
        step_value_first,
        step_answer_by_answer,
        step_in_float64,
        step_with_the_settings_unpacked,
    ],
}
