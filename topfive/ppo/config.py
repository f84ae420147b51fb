"""What PPO can be told. Names follow TRL's `PPOConfig` where it has one."""

from dataclasses import dataclass
from pathlib import Path

from topfive import seeds
from topfive.lm.sampling import TEMPERATURE

COUNTS = ("total_steps", "num_ppo_epochs", "num_mini_batches", "kl_horizon", "response_length", "save_steps")


@dataclass(frozen=True)
class PPOConfig:
    """Settings of one PPO run.

    Length: `total_steps` batches of `batch_size` answers, each batch used for `num_ppo_epochs` passes of
    `num_mini_batches` updates. The learning rate falls to 0 over `total_steps`, so a run cannot be made longer later.
    `kl_budget` (nats) ends the run early when the mean KL of a batch exceeds it. What is kept then is the last policy
    that a batch found within the budget: the one that sampled the batch before, or, if already the first batch is over
    it, the policy that was given. The critic stays as it is.
    Reference: `kl_coef` is β, the price of a nat in the reward. `kl_loss_coef` is α, the weight of the exact KL of each
    token's distribution in the loss itself (`topfive.ppo.losses.kl_loss`). With `kl_target` (nats) both adapt together,
    as β does in Ziegler et al. 2019, section 2.2: by at most 0.2 · batch_size / kl_horizon a step. Their horizon of
    10,000 lists was for two million; the one here lets a run of some thousand lists arrive.
    Text: answers are sampled from the whole distribution at `temperature`; one without an end token within
    `response_length` tokens gets `missing_eos_score` instead of the reward model's opinion.
    Saving: with an `output_dir` the state is saved every `save_steps` steps, at the end, when interrupted, and before
    a step that failed. The same settings go on from there; other ones are refused.
    """

    total_steps: int = 40
    batch_size: int = 64
    num_ppo_epochs: int = 2
    num_mini_batches: int = 2
    learning_rate: float = 5e-4
    adam_eps: float = 1e-5
    max_grad_norm: float = 1.0
    gamma: float = 1.0
    lam: float = 0.95
    cliprange: float = 0.2
    cliprange_value: float = 0.2
    vf_coef: float = 0.1
    whiten_rewards: bool = False
    kl_coef: float = 0.15
    kl_loss_coef: float = 0.0
    kl_target: float | None = None
    kl_horizon: int = 400
    kl_budget: float | None = None
    temperature: float = TEMPERATURE
    response_length: int = 72
    missing_eos_score: float = -1.0
    seed: int = 0
    save_steps: int = 10
    output_dir: Path | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seeds.whole(self.seed))
        if self.output_dir is not None:
            object.__setattr__(self, "output_dir", Path(self.output_dir))
        for name in COUNTS:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} should be at least 1, got {getattr(self, name)}")
        if self.kl_target is not None and not self.kl_target > 0:
            raise ValueError(f"kl_target should be above 0, or None for a fixed β, got {self.kl_target}")
        if self.kl_budget is not None and not self.kl_budget > 0:
            raise ValueError(f"kl_budget should be above 0, or None for no budget, got {self.kl_budget}")
        if self.batch_size % self.num_mini_batches:
            raise ValueError(
                f"batch_size {self.batch_size} is not a multiple of num_mini_batches {self.num_mini_batches}"
            )
        if self.batch_size < 8:
            raise ValueError(f"batch_size {self.batch_size}: whitening needs at least 8 answers")
        if not self.temperature > 0:
            raise ValueError(f"temperature should be above 0, got {self.temperature}")
