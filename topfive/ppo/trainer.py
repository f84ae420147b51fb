"""The PPO trainer: sample, score, spread the score over tokens, take a few clipped steps, repeat.

Left out on purpose: an entropy bonus, sharing one trunk between policy and critic, and several devices.
The critic is a network of its own that starts from the reward model (Stiennon et al. 2020, section 3.4), so that
learning values cannot spoil the policy. Dropout is off everywhere: `eval()` mode throughout.
"""

import copy
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive.errors import TopFiveError
from topfive.identity import of_value
from topfive.interrupt import after_this_step
from topfive.lm.sampling import check_prompts, encode
from topfive.lm.state import load_extra, load_state, of_weights, save_state
from topfive.lm.train import backward, set_learning_rates
from topfive.ppo import advantages as adv
from topfive.ppo.config import PPOConfig
from topfive.ppo.episodes import Episodes
from topfive.ppo.losses import kl_loss, policy_loss, value_loss
from topfive.ppo.rollout import (
    RewardFunction,
    Rollout,
    response_logits,
    response_logprobs,
    response_values,
    roll_out,
    token_logprobs,
)
from topfive.reward.model import identity, scale
from topfive.threads import on_free_cores

Metrics = dict[str, float]

GLOSSARY = {
    "objective/scores": "mean score of the batch by the reward model (missing end token: the fixed low score)",
    "objective/kl": "KL from the reference in nats, by k1: log π − log π_ref summed over tokens, averaged over answers",
    "objective/kl_k3": "the same by the k3 estimator, which is never negative",
    "objective/rlhf_reward": "score minus β·KL, the sum of a list's rewards; α is not in it",
    "objective/kl_coef": "β, the price of a nat in the reward",
    "objective/kl_loss_coef": "α, the weight of the exact KL in the loss",
    "policy/entropy": "mean entropy of the next-token distribution, nats",
    "policy/loss": "clipped policy loss, mean over the step's updates",
    "policy/clipfrac": "share of tokens whose ratio was clipped",
    "policy/ratio_mean": "mean of π/π_old over tokens",
    "policy/ratio_max": "largest π/π_old",
    "policy/approxkl": "½ mean (log π − log π_old)²: how far one step moves",
    "policy/first_ratio_error": "largest |π/π_sampler − 1| on the step's first minibatch: rounding and nothing else",
    "value/loss": "clipped value loss, mean over the step's updates",
    "value/clipfrac": "share of tokens whose value error was the clipped one",
    "value/explained_variance": "1 − variance of (return − value) / variance of return, before the step",
    "response/ended": "share of answers with an end token",
    "response/length": "mean tokens an answer",
    "time/episodes_per_second": "answers a second, all told",
    "time/sampling": "seconds spent sampling and scoring",
    "time/updates": "seconds spent on updates",
}


@dataclass
class PPOStep:
    """What a callback sees after each step: its number from 1, the metrics (see GLOSSARY), a few answers as text."""

    step: int
    total_steps: int
    metrics: Metrics
    samples: list[tuple[str, str, float]] = field(default_factory=list)


class PPOTrainer:
    """Train `model` with PPO. Arguments as in TRL's trainers; models are used in place.

    reward_model: a reward model, or a function of (prompts, answers), both text, as in TRL's `reward_funcs`. It returns
    a score an answer, (n,), or what each line of it adds, (n, lines), which is then paid where the line ends, each line
    an episode of its own (`topfive.ppo.episodes`); as a tensor, an array or a list (`topfive.ppo.paid.as_scores`).
    optimizers: of the weights of policy and critic that are to learn; by default AdamW of all of them at
    `args.learning_rate`. The rate of each falls to 0 from what it is at first.
    train_dataset: the prompts' texts. Each `…_fn` may be the caller's own, with the signature of the function it
    stands for: `token_logprobs` of `topfive.ppo.rollout` (it gets the real tokens of a batch as one row),
    `token_rewards`, `gae`, `whiten` and `kl_estimators` of `topfive.ppo.advantages`, and the two losses of
    `topfive.ppo.losses`. Of the three estimators k1 is the KL that `kl_budget` and `kl_target` go by, and is logged; k3
    is only logged, k2 not used. The penalty in the rewards is `token_rewards`' own.
    Under `torch.autocast`, switch its cache off: it would keep the weights as they were at the first step.
    After `train()`, `history` holds every step's metrics and `stopped` says why it ended: "finished",
    "kl_budget" or "interrupted". One step without all this is `topfive.ppo.step`.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        ref_model: PreTrainedModel,
        reward_model: PreTrainedModel | RewardFunction,
        value_model: PreTrainedModel,
        args: PPOConfig,
        train_dataset: Sequence[str],
        processing_class: Tokenizer,
        callbacks: Sequence[Callable[[PPOStep], None]] = (),
        optimizers: Sequence[torch.optim.Optimizer] = (),
        logprobs_fn: Callable[..., Tensor] = token_logprobs,
        token_rewards_fn: Callable[..., Tensor] = adv.token_rewards,
        gae_fn: Callable[..., Tensor] = adv.gae,
        whiten_fn: Callable[..., Tensor] = adv.whiten,
        policy_loss_fn: Callable[..., Tensor] = policy_loss,
        value_loss_fn: Callable[..., Tensor] = value_loss,
        kl_estimators_fn: Callable[..., tuple[Tensor, Tensor, Tensor]] = adv.kl_estimators,
    ):
        self.model, self.ref_model = model.eval(), ref_model.eval()
        self.reward_model, self.value_model = reward_model, value_model.eval()
        if isinstance(reward_model, PreTrainedModel):
            reward_model.eval()
        self.args, self.train_dataset, self.tokenizer = args, list(train_dataset), processing_class
        self.callbacks = callbacks
        self.logprobs_fn, self.token_rewards_fn, self.gae_fn = logprobs_fn, token_rewards_fn, gae_fn
        self.whiten_fn, self.policy_loss_fn, self.value_loss_fn = whiten_fn, policy_loss_fn, value_loss_fn
        self.kl_estimators_fn = kl_estimators_fn
        if not self.train_dataset:
            raise TopFiveError("no prompts to train on: train_dataset is empty")
        check_prompts(model, processing_class, self.train_dataset, args.response_length)
        self.trained = nn.ModuleDict({"policy": model, "critic": value_model})
        self.optimizers = list(optimizers) or [
            torch.optim.AdamW(
                self.trained.parameters(), lr=args.learning_rate, eps=args.adam_eps, weight_decay=0.0, fused=True
            )
        ]
        self.peaks = [[group["lr"] for group in optimizer.param_groups] for optimizer in self.optimizers]
        if args.kl_budget is not None:  # the last policy of which a batch was under the budget
            self.trained["kept"] = copy.deepcopy(model).requires_grad_(False)
        self.kl_coef, self.kl_loss_coef = args.kl_coef, args.kl_loss_coef
        self.history: list[Metrics] = []
        self.stopped = ""

    def train(self) -> list[Metrics]:
        """Run to the end, from the saved state if there is one; a run that has ended stays ended, and says so.

        With an `output_dir`, Ctrl-C stops after the current step, and a second one at once; without, the first one
        raises KeyboardInterrupt. Whatever stops a step, the models are left as they were before it.
        Raises TopFiveError if the folder holds a run with other settings, and if a score, a loss or a gradient is NaN
        or infinite; what there was before that step is then saved.
        """
        self._resume()
        self.stopped = self._ended()
        if self.stopped:
            self._say_that_it_has_ended()
            return self.history
        with on_free_cores() as free, after_this_step(saving=self.args.output_dir is not None) as interrupt:
            while not self.stopped:
                try:
                    self._step(len(self.history))
                except Exception:
                    self._save()
                    raise
                self.stopped = self._ended() or ("interrupted" if interrupt.requested else "")
                if self.stopped or len(self.history) % self.args.save_steps == 0:
                    self._save()
                free.look()
        return self.history

    def _ended(self) -> str:
        """Why there is nothing more to do, empty if there is."""
        if self.history and self._over_budget(self.history[-1]):
            return "kl_budget"
        return "finished" if len(self.history) >= self.args.total_steps else ""

    def _over_budget(self, metrics: Metrics) -> bool:
        return self.args.kl_budget is not None and metrics["objective/kl"] > self.args.kl_budget

    def _say_that_it_has_ended(self) -> None:
        done = len(self.history)
        why = (
            f"its KL budget was used up in step {done}" if self.stopped == "kl_budget" else f"all {done} steps are done"
        )
        folder = self.args.output_dir
        again = f"delete {folder / 'state'}" if folder else "make a new trainer"
        print(f"This run has ended ({why}): nothing is trained. To train anew, {again}.")

    # --- one step -------------------------------------------------------------------------------------------------

    def _step(self, step: int) -> None:
        began = time.perf_counter()
        generator = torch.Generator(self.model.device).manual_seed(self.args.seed * 1_000_003 + step)
        rollout = self._roll_out(step, generator)
        sampled = time.perf_counter()
        advantages, returns = self._advantages(rollout)
        metrics = self._describe(rollout, returns)
        over = self._over_budget(metrics)
        if not over and "kept" in self.trained:
            self.trained["kept"].load_state_dict(self.model.state_dict())
        with self._whole_or_not_at_all():
            metrics |= self._update(step, rollout, advantages, returns, generator)
        if over:
            self.model.load_state_dict(self.trained["kept"].state_dict())
        done = time.perf_counter()
        metrics |= {
            "time/episodes_per_second": self.args.batch_size / (done - began),
            "time/sampling": sampled - began,
            "time/updates": done - sampled,
        }
        self._adapt_to_kl(metrics["objective/kl"])
        self.history.append(metrics)
        if self.callbacks:
            shown = PPOStep(step + 1, self.args.total_steps, metrics, self._examples(rollout))
            for callback in self.callbacks:
                callback(shown)

    @contextmanager
    def _whole_or_not_at_all(self) -> Iterator[None]:
        """If the updates of a step are broken off half-way, take back those that were made."""
        before = copy.deepcopy((self.trained.state_dict(), [one.state_dict() for one in self.optimizers]))
        try:
            yield
        except BaseException:
            self.trained.load_state_dict(before[0])
            for optimizer, state in zip(self.optimizers, before[1], strict=True):
                optimizer.load_state_dict(state)
            raise

    def _roll_out(self, step: int, generator: torch.Generator) -> Rollout:
        query, query_mask = encode(self.tokenizer, self._prompts(step), self.model.device)
        return roll_out(
            self.model,
            self.ref_model,
            self.reward_model,
            self.value_model,
            query,
            query_mask,
            generator=generator,
            temperature=self.args.temperature,
            response_length=self.args.response_length,
            missing_eos_score=self.args.missing_eos_score,
            logprobs_fn=self.logprobs_fn,
            tokenizer=self.tokenizer,
        )

    def _prompts(self, step: int) -> list[str]:
        """The prompts of a step: the data set in a new order each time it has been gone through."""
        chosen = []
        for position in range(step * self.args.batch_size, (step + 1) * self.args.batch_size):
            epoch, index = divmod(position, len(self.train_dataset))
            chosen.append(self.train_dataset[self._order(epoch)[index]])
        return chosen

    def _order(self, epoch: int) -> list[int]:
        generator = torch.Generator().manual_seed(self.args.seed * 1_000_003 + epoch)
        return torch.randperm(len(self.train_dataset), generator=generator).tolist()

    def _advantages(self, rollout: Rollout) -> tuple[Tensor, Tensor]:
        """Whitened advantages, and the returns that the critic learns: unwhitened advantages plus values."""
        episodes = Episodes(rollout.line, rollout.mask)
        mask, logprobs, ref_logprobs, values = map(
            episodes.cut, (rollout.mask, rollout.logprobs, rollout.ref_logprobs, rollout.values)
        )
        scores = episodes.cut(rollout.paid()).sum(dim=1)
        rewards = self.token_rewards_fn(scores, logprobs, ref_logprobs, mask, self.kl_coef)
        if self.args.whiten_rewards:
            rewards = self.whiten_fn(rewards, mask, shift_mean=False)
        advantages = self.gae_fn(rewards, values, mask, self.args.gamma, self.args.lam)
        returns = (advantages + values) * mask
        return self.whiten_fn(episodes.join(advantages), rollout.mask), episodes.join(returns)

    def _update(
        self, step: int, rollout: Rollout, advantages: Tensor, returns: Tensor, generator: torch.Generator
    ) -> Metrics:
        args = self.args
        set_learning_rates(self.optimizers, self.peaks, 1 - step / args.total_steps)
        logs: list[Metrics] = []
        for _ in range(args.num_ppo_epochs):
            order = torch.randperm(args.batch_size, generator=generator, device=self.model.device)
            for index in order.chunk(args.num_mini_batches):
                logs.append(self._minibatch(rollout.rows(index), advantages[index], returns[index]))
        averaged = {key: sum(log[key] for log in logs) / len(logs) for key in logs[0]}
        averaged["policy/ratio_max"] = max(log["policy/ratio_max"] for log in logs)
        averaged["policy/first_ratio_error"] = logs[0]["policy/first_ratio_error"]
        return averaged

    def _minibatch(self, rollout: Rollout, advantages: Tensor, returns: Tensor) -> Metrics:
        args, mask = self.args, rollout.mask
        advantages, returns = advantages[:, : mask.shape[1]], returns[:, : mask.shape[1]]
        logits = response_logits(self.model, rollout.samples, args.temperature)
        logprobs = response_logprobs(logits, rollout.samples, self.logprobs_fn)
        values = response_values(self.value_model, rollout.samples)
        policy = self.policy_loss_fn(logprobs, rollout.logprobs, advantages, mask, args.cliprange)
        value = self.value_loss_fn(values, rollout.values, returns, mask, args.cliprange_value)
        loss = policy + args.vf_coef * value
        if self.kl_loss_coef:
            with torch.no_grad():
                ref_logits = response_logits(self.ref_model, rollout.samples, args.temperature)
            loss = loss + self.kl_loss_coef * kl_loss(logits, ref_logits)
        self.trained.zero_grad()
        where = f"step {len(self.history) + 1} (policy loss {policy.item():.3g}, value loss {value.item():.3g})"
        backward(loss, self.model, self.value_model, where=where, max_norm=args.max_grad_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        with torch.no_grad():
            return self._update_metrics(rollout, logprobs, values, returns, policy, value)

    # --- what is logged -------------------------------------------------------------------------------------------

    def _update_metrics(
        self, rollout: Rollout, logprobs: Tensor, values: Tensor, returns: Tensor, policy: Tensor, value: Tensor
    ) -> Metrics:
        mask = rollout.mask
        log_ratio = logprobs - rollout.logprobs
        ratio = log_ratio.exp()
        clip, clip_value = self.args.cliprange, self.args.cliprange_value
        kept = rollout.values + (values - rollout.values).clamp(-clip_value, clip_value)
        value_clipped = (kept - returns) ** 2 > (values - returns) ** 2
        return {
            "policy/loss": policy.item(),
            "policy/clipfrac": adv.masked_mean(((ratio - 1).abs() > clip).float(), mask).item(),
            "policy/ratio_mean": adv.masked_mean(ratio, mask).item(),
            "policy/ratio_max": ratio.masked_fill(mask == 0, 0).max().item(),
            "policy/approxkl": 0.5 * adv.masked_mean(log_ratio**2, mask).item(),
            "policy/first_ratio_error": (((logprobs - rollout.samples.logprobs).exp() - 1) * mask).abs().max().item(),
            "value/loss": value.item(),
            "value/clipfrac": adv.masked_mean(value_clipped.float(), mask).item(),
        }

    def _describe(self, rollout: Rollout, returns: Tensor) -> Metrics:
        mask = rollout.mask
        estimators = self.kl_estimators_fn(rollout.logprobs, rollout.ref_logprobs)
        kl, _, kl_k3 = ((estimator * mask).sum(dim=1).mean().item() for estimator in estimators)
        score = rollout.scores.mean().item()
        real = mask.bool()
        unexplained = (returns - rollout.values)[real].var() / returns[real].var().clamp(min=1e-8)
        return {
            "objective/scores": score,
            "objective/kl": kl,
            "objective/kl_k3": kl_k3,
            "objective/rlhf_reward": score - self.kl_coef * kl,
            "objective/kl_coef": self.kl_coef,
            "objective/kl_loss_coef": self.kl_loss_coef,
            "policy/entropy": rollout.entropy,
            "value/explained_variance": 1 - unexplained.item(),
            "response/ended": rollout.samples.ended.float().mean().item(),
            "response/length": mask.sum(dim=1).float().mean().item(),
        }

    def _examples(self, rollout: Rollout, number: int = 3) -> list[tuple[str, str, float]]:
        """A few (prompt, answer, score) of this step."""
        queries = self.tokenizer.batch_decode(rollout.samples.query[:number], skip_special_tokens=True)
        answers = self.tokenizer.batch_decode(rollout.samples.response[:number], skip_special_tokens=True)
        return list(zip(queries, answers, rollout.scores[:number].tolist(), strict=True))

    def _adapt_to_kl(self, kl: float) -> None:
        """Both prices of KL grow when it is above its target and shrink below it (Ziegler et al. 2019, section 2.2)."""
        if self.args.kl_target is not None:
            error = max(-0.2, min(0.2, kl / self.args.kl_target - 1))
            factor = 1 + error * self.args.batch_size / self.args.kl_horizon
            self.kl_coef, self.kl_loss_coef = self.kl_coef * factor, self.kl_loss_coef * factor

    # --- stop and resume ------------------------------------------------------------------------------------------

    def _settings(self) -> dict[str, Any]:
        """What has to be the same for a run to be gone on with. Functions need not be: one that failed is mended.

        Of the critic it is the scale: its weights are in the state.
        """
        settings = asdict(self.args)
        del settings["output_dir"], settings["save_steps"]
        reward = self.reward_model
        return {
            **settings,
            "train_dataset": of_value(self.train_dataset),
            "ref_model": of_weights(self.ref_model),
            "reward_model": identity(reward) if isinstance(reward, PreTrainedModel) else None,
            "value_model's scale": list(scale(self.value_model)),
            "optimizers": [type(optimizer).__name__ for optimizer in self.optimizers],
        }

    def _save(self) -> None:
        if self.args.output_dir is not None:
            extra: dict[str, Any] = {"kl": [self.kl_coef, self.kl_loss_coef], "history": self.history}
            folder, step = self.args.output_dir / "state", len(self.history)
            save_state(folder, self.trained, self.optimizers, step, extra, self._settings())

    def _resume(self) -> None:
        if self.args.output_dir is not None:
            folder = self.args.output_dir / "state"
            if load_state(folder, self.trained, self.optimizers, self._settings()):
                extra = load_extra(folder)
                (self.kl_coef, self.kl_loss_coef), self.history = extra["kl"], extra["history"]
