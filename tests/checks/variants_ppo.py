"""Right ways to solve the exercises of assignment 06 that are not the package's."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

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


VARIANTS: dict[str, list[Callable[..., Any]]] = {
    "6.3": [
        gae_by_a_matrix_of_powers,
        gae_by_flip_and_cumsum,
        gae_in_numpy,
        gae_in_lists_of_floats,
        gae_in_float64_on_a_clone,
    ],
}
