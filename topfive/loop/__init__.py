"""The whole loop in one call: SFT model → rankings → reward → PPO → evaluation, with controls if asked for."""

from topfive.loop.config import PPO, RunConfig
from topfive.loop.progress import progress_bar
from topfive.loop.run import run

__all__ = ["PPO", "RunConfig", "progress_bar", "run"]
