"""Did it work? Win rates with intervals, divergence from the reference, quality part by part."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.judge import WEIGHTS, Judge, Judgement
from topfive.lists import Prompt
from topfive.lm.sampling import TEMPERATURE, encode, generate, sample_texts
from topfive.ppo import clinic
from topfive.ppo.advantages import kl_k1
from topfive.ppo.rollout import sampled_logprobs
from topfive.stats import Estimate, bootstrap, cluster_bootstrap


@dataclass(frozen=True)
class Comparison:
    """Two policies on the same prompts: their answers, what the judge thought of each, and who won how often."""

    prompts: list[Prompt]
    before: list[str]
    after: list[str]
    judged_before: list[Judgement]
    judged_after: list[Judgement]
    win_rate: Estimate

    def win_rate_on(self, part: str, seed: int = 0) -> Estimate:
        """The same by one part of the score alone: "quality" or "taste"."""
        return win_rate(self.prompts, self.judged_before, self.judged_after, seed=seed, part=part)

    @property
    def ships(self) -> bool:
        """A policy ships only if the whole interval says that it is better."""
        return self.win_rate.low > 0.5


def win_rate(
    prompts: Sequence[Prompt],
    judged_before: Sequence[Judgement],
    judged_after: Sequence[Judgement],
    seed: int = 0,
    part: str = "score",
) -> Estimate:
    """Share of pairs of lists in which `after` scores higher, ties counting half.

    part: what of a judgement decides, "score", "quality" or "taste".

    One pair a prompt, or several: the interval resamples prompts, and `n` counts different ones.
    """
    both = zip(judged_before, judged_after, strict=True)
    difference = np.array([getattr(after, part) - getattr(before, part) for before, after in both]).round(9)
    won = np.where(difference > 0, 1.0, np.where(difference < 0, 0.0, 0.5))
    return cluster_bootstrap(won, [prompt.text for prompt in prompts], seed=seed)


def compare(
    before: PreTrainedModel,
    after: PreTrainedModel,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    judge: Judge,
    *,
    seed: int,
) -> Comparison:
    """Let both policies answer each prompt once, with different random numbers, and judge without noise."""
    queries = [prompt.text for prompt in prompts]
    texts_before = sample_texts(before, tokenizer, queries, seed=seed)
    texts_after = sample_texts(after, tokenizer, queries, seed=seed + 1)
    judged_before = judge.judge_all(prompts, texts_before)
    judged_after = judge.judge_all(prompts, texts_after)
    return Comparison(
        prompts=list(prompts),
        before=texts_before,
        after=texts_after,
        judged_before=judged_before,
        judged_after=judged_after,
        win_rate=win_rate(prompts, judged_before, judged_after, seed=seed),
    )


def quality(judged: Sequence[Judgement]) -> dict[str, float]:
    """Mean of each named part of quality over lists."""
    return {part: float(np.mean([getattr(one, part) for one in judged])) for part in WEIGHTS}


def liked(judged: Sequence[Judgement]) -> float:
    """Mean points of a list for the judge's taste, which `quality` leaves out."""
    return float(np.mean([one.taste for one in judged]))


def changes_by_part(result: Comparison) -> dict[str, Estimate]:
    """How much each part of quality, and the taste, changed from before to after; the intervals resample prompts.

    Both answered the same prompts, so it is the difference on each that is averaged.
    """
    prompts = [prompt.text for prompt in result.prompts]
    judged = list(zip(result.judged_before, result.judged_after, strict=True))
    return {
        part: cluster_bootstrap([getattr(after, part) - getattr(before, part) for before, after in judged], prompts)
        for part in (*WEIGHTS, "taste")
    }


@torch.no_grad()
def kl_divergence(
    policy: PreTrainedModel,
    reference: PreTrainedModel,
    tokenizer: Tokenizer,
    prompts: Sequence[str],
    *,
    seed: int,
    temperature: float = TEMPERATURE,
) -> Estimate:
    """KL(policy ‖ reference) in nats an answer: log π − log π_ref summed over tokens, averaged over answers."""
    query, mask = encode(tokenizer, prompts, policy.device)
    generator = torch.Generator(policy.device).manual_seed(seed)
    samples = generate(policy, query, mask, generator=generator, temperature=temperature)
    logprobs, ref_logprobs = (sampled_logprobs(model, samples, temperature)[0] for model in (policy, reference))
    return bootstrap((kl_k1(logprobs, ref_logprobs) * samples.mask).sum(dim=1).cpu().numpy(), seed=seed)


def heldout_prompts(prompts: Sequence[Prompt], number: int, seed: int = 0) -> list[Prompt]:
    """`number` prompts in random order, every prompt equally often as far as that goes."""
    rng = np.random.default_rng(seed)
    chosen: list[Prompt] = []
    while len(chosen) < number:
        chosen += [prompts[index] for index in rng.permutation(len(prompts))]
    return chosen[:number]


def recorded_folder() -> Path:
    """Where the runs lie that notebook 06 shows and does not repeat."""
    return data.folder() / "recorded" / "ppo"


def recorded_runs(folder: Path | None = None) -> list[dict[str, Any]]:
    """What `python -m topfive.build.recorded` wrote, one dictionary a run, by method and β; empty if it never ran."""
    runs = [json.loads(path.read_text("utf-8")) for path in (folder or recorded_folder()).glob("*.json")]
    return sorted(runs, key=lambda run: (run["method"], run["beta"], run["seed"]))


def clinic_folder() -> Path:
    """Where recorded runs of 06's clinic lie, one JSON file a run."""
    return data.folder() / "recorded" / "clinic"


def recorded_clinic(world: str) -> list[dict[str, Any]]:
    """Recorded runs in the "toy" or with the "model", healthy ones first; empty if none was recorded.

    Each says its `fault` and `seed`, and holds its `curves`. `python -m topfive.build.recorded --clinic` makes them.
    """
    runs = [json.loads(file.read_text("utf-8")) for file in clinic_folder().glob(f"{world}-*.json")]
    order = [clinic.HEALTHY, *(one.name for one in clinic.FAULTS)]
    return sorted(runs, key=lambda run: (order.index(run["fault"]), run["seed"]))
