"""The whole loop in one call: SFT model → rankings → reward → PPO → evaluation, with controls if asked for."""

from topfive.loop.config import PPO, RunConfig
from topfive.loop.experiment import run
from topfive.loop.progress import progress_bar

__all__ = ["PPO", "RunConfig", "progress_bar", "run"]
