"""What a run can be told, and PPO's settings in it."""

from dataclasses import dataclass
from pathlib import Path

from topfive import seeds
from topfive.errors import TopFiveError
from topfive.ppo import PPOConfig

LISTS_A_RANKING = 4
EVALUATION_PROMPTS = 300
HELD_OUT_SHARE = 0.1
# docs/carry-on.md has what else was tried. All that holds the policy near the reference is the exact KL in the loss.
# The reward speaks in nats, and advantages are centred and not scaled, so this coefficient weighs nats against nats.
PPO = PPOConfig(learning_rate=1e-2, kl_coef=0.0, kl_loss_coef=0.1, kl_budget=10.0, lam=0.95, num_ppo_epochs=1)
CRITIC_RATE = 1e-3


@dataclass(frozen=True)
class RunConfig:
    """What to run. With a `ledger`, its rankings are used instead of a simulated student's.

    topics: those to train on, by name, or "all" that the taste or the rankings touch; by default a few (`loop.topics`).
    controls: train two more policies at the KL of the first, on the crowd's opinion alone and on shuffled rankings.
    """

    taste: str | None = "vegetarian"
    rankings: int = 400
    seed: int = 0
    out: Path = Path("runs/vegetarian-0")
    from_scratch: bool = False
    ledger: Path | None = None
    topics: tuple[str, ...] = ()
    controls: bool = False
    ppo_steps: int = 40

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seeds.whole(self.seed))
        if self.rankings < 1:
            raise TopFiveError(f"rankings should be at least 1, got {self.rankings}")
        if self.ppo_steps < 1:
            raise TopFiveError(f"PPO steps should be at least 1, got {self.ppo_steps}")
        if self.taste is None and self.ledger is None:
            raise TopFiveError("nothing to learn from: give a taste or a ledger")
