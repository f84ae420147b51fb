"""One side of the PPO benchmark, in a process of its own: `python -m benchmarks.ppo_side JOB.json`.

The process loads the four models, says that it is ready, and then takes turns: a line on its input lets it train a
block of steps, whose seconds it answers as a line of JSON. After its last step it saves the policy. What the libraries
print goes to standard error.
"""

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.judge import load_taste, prompts_of
from topfive.lm.model import load, save
from topfive.reward import model as reward_model
from topfive.reward.words import WordReward

TASTE = "vegetarian"  # of the shipped word reward


@dataclass(frozen=True)
class Job:
    """What both sides are told. `folder` holds `policy`, `critic`, `taste`; `out` is where the trained policy goes."""

    side: str
    folder: str
    out: str
    steps: int
    block: int
    seed: int
    batch_size: int = 64
    num_ppo_epochs: int = 2
    num_mini_batches: int = 2
    response_length: int = 64
    learning_rate: float = 2e-4
    adam_eps: float = 1e-5
    kl_coef: float = 0.05
    missing_eos: float = 1.0
    autocast: bool = False

    def write(self, path: Path) -> None:
        """Save as JSON, for the process to read."""
        path.write_text(json.dumps(asdict(self)), "utf-8")


class Turns:
    """The process's half of taking turns."""

    def __init__(self, block: int, steps: int):
        self.block, self.steps, self.done, self.began = block, steps, 0, 0.0
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def answer(self, **message: Any) -> None:
        """Send one line."""
        print(json.dumps(message), file=self._answers, flush=True)

    def wait(self) -> None:
        """Sleep until the other side has had its turn."""
        if not sys.stdin.readline():
            raise SystemExit("the benchmark has gone")
        self.began = time.perf_counter()

    def step_done(self) -> None:
        """Count a step; at the end of a block, answer its seconds and wait."""
        self.done += 1
        if self.done % self.block == 0:
            self.answer(seconds=time.perf_counter() - self.began)
            if self.done < self.steps:
                self.wait()


class Scorer(nn.Module):
    """The reward as TRL reads one: from a trunk's last hidden state, by `score`, at the last real token.

    Ours reads text. So this trunk gives the finished score, at every place, and `score` passes it on.
    """

    base_model_prefix = "trunk"

    def __init__(self, reward: WordReward, tokenizer: Tokenizer):
        super().__init__()
        self.reward, self.tokenizer = reward, tokenizer

    def trunk(self, input_ids: Tensor, attention_mask: Tensor, **_: Any) -> SimpleNamespace:
        """What TRL calls a trunk: its `hidden_states[-1]` is (batch, time, 1) and holds scores."""
        real = [ids[mask.bool()] for ids, mask in zip(input_ids, attention_mask, strict=True)]
        texts = [text.partition("\n") for text in self.tokenizer.batch_decode(real, skip_special_tokens=True)]
        scores = self.reward.scores([prompt for prompt, *_ in texts], [answer for *_, answer in texts])
        return SimpleNamespace(hidden_states=[scores[:, None, None].expand(-1, input_ids.shape[1], 1)])

    def score(self, hidden: Tensor) -> Tensor:
        """Nothing is left to do."""
        return hidden


def train_topfive(
    job: Job, turns: Turns, policy: PreTrainedModel, reward: WordReward, tokenizer: Tokenizer, prompts: list[str]
) -> Mapping[str, Any]:
    """This package's PPO. Returns the medians over steps of what it times itself."""
    from topfive.ppo import PPOConfig, PPOTrainer

    args = PPOConfig(
        total_steps=job.steps,
        batch_size=job.batch_size,
        num_ppo_epochs=job.num_ppo_epochs,
        num_mini_batches=job.num_mini_batches,
        learning_rate=job.learning_rate,
        adam_eps=job.adam_eps,
        kl_coef=job.kl_coef,
        response_length=job.response_length,
        missing_eos_score=-job.missing_eos,
        temperature=1.0,
        seed=job.seed,
    )
    reference, critic = load(f"{job.folder}/policy")[0], reward_model.load(f"{job.folder}/critic")
    trainer = PPOTrainer(
        policy, reference, reward.scores, critic, args, prompts, tokenizer, callbacks=[lambda step: turns.step_done()]
    )
    turns.answer(ready=True)
    turns.wait()
    # autocast's cache would compute all steps with the weights as they were at the first.
    with torch.autocast("cpu", torch.bfloat16, enabled=job.autocast, cache_enabled=False):
        history = trainer.train()
    return {key: median(row[key] for row in history) for key in history[0] if key.startswith(("time/", "response/"))}


def train_trl(
    job: Job, turns: Turns, policy: PreTrainedModel, reward: WordReward, tokenizer: Tokenizer, prompts: list[str]
) -> Mapping[str, Any]:
    """TRL's PPO, with the same numbers and without what only a GPU needs (checkpointing, bfloat16, sample tables)."""
    from datasets import Dataset
    from transformers import TrainerCallback
    from trl.experimental.ppo import PPOConfig, PPOTrainer

    class StepDone(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.step_done()

    args = PPOConfig(
        output_dir=f"{job.out}-trl",
        total_episodes=job.steps * job.batch_size,
        per_device_train_batch_size=job.batch_size,
        gradient_accumulation_steps=1,
        local_rollout_forward_batch_size=job.batch_size,
        num_ppo_epochs=job.num_ppo_epochs,
        num_mini_batches=job.num_mini_batches,
        learning_rate=job.learning_rate,
        lr_scheduler_type="linear",
        adam_epsilon=job.adam_eps,
        weight_decay=0.0,
        kl_coef=job.kl_coef,
        response_length=job.response_length,
        stop_token="eos",
        missing_eos_penalty=job.missing_eos,
        temperature=1.0,
        seed=job.seed,
        bf16=False,
        gradient_checkpointing=False,
        use_cpu=True,
        dataloader_pin_memory=False,
        num_sample_generations=0,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    reference, critic = load(f"{job.folder}/policy")[0], reward_model.load(f"{job.folder}/critic")
    trainer = PPOTrainer(
        args=args,
        processing_class=tokenizer,
        model=policy,
        ref_model=reference,
        reward_model=Scorer(reward, tokenizer),
        value_model=critic,
        train_dataset=Dataset.from_dict({"input_ids": tokenizer(prompts)["input_ids"]}),
        callbacks=[StepDone()],
    )
    turns.answer(ready=True)
    turns.wait()
    trainer.train()
    return {}


def main(path: str) -> None:
    """Run the job in the file `path`."""
    job = Job(**json.loads(Path(path).read_text("utf-8")))
    turns = Turns(job.block, job.steps)
    policy, tokenizer = load(f"{job.folder}/policy")
    reward = WordReward.load(Path(job.folder) / "taste")
    prompts = [prompt.text for prompt in prompts_of(load_taste(TASTE))[0]]
    train = train_trl if job.side == "trl" else train_topfive
    extra = train(job, turns, policy, reward, tokenizer, prompts)
    save(policy, tokenizer, Path(job.out))
    turns.answer(saved=job.out, threads=torch.get_num_threads(), **extra)


if __name__ == "__main__":
    main(sys.argv[1])
