"""Proximal policy optimisation for a language model (Schulman et al. 2017; Ziegler et al. 2019)."""

from topfive.ppo.config import PPOConfig
from topfive.ppo.trainer import PPOTrainer

__all__ = ["PPOConfig", "PPOTrainer"]
