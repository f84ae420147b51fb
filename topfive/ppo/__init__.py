"""Proximal policy optimisation for a language model (Schulman et al. 2017; Ziegler et al. 2019).

To read how it goes, begin with `topfive.ppo.step`: one step, from top to bottom. `PPOTrainer` takes it many times.
"""

from topfive.ppo.config import PPOConfig
from topfive.ppo.step import ppo_step
from topfive.ppo.trainer import PPOTrainer

__all__ = ["PPOConfig", "PPOTrainer", "ppo_step"]
