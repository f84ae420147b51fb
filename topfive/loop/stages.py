"""The stages of a run. Each leaves what it made in the run's folder and takes it from there if it is there already."""

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data, ledger
from topfive.crowd import SOURCE, Student
from topfive.errors import TopFiveError
from topfive.evaluate import heldout_prompts
from topfive.files import write_atomic, write_folder_atomic
from topfive.judge import Taste
from topfive.lists import Prompt, Ranking
from topfive.lm.model import load, only_biases, save
from topfive.lm.sampling import sample_texts
from topfive.loop.config import CRITIC_RATE, HELD_OUT_SHARE, LISTS_A_RANKING, RunConfig
from topfive.loop.progress import progress_bar
from topfive.ppo import PPOConfig, PPOTrainer
from topfive.ppo.advantages import centre
from topfive.ppo.trainer import Metrics, PPOStep
from topfive.reward.kinds import Kinds
from topfive.reward.lines import LineReward, Scale
from topfive.reward.model import from_language_model
from topfive.reward.personal import PersonalReward, fit_personal_reward, personal_accuracy

Callbacks = Sequence[Callable[[PPOStep], None]]


def language_model(config: RunConfig) -> tuple[PreTrainedModel, Tokenizer]:
    """The shipped SFT model, or one trained from scratch."""
    if not config.from_scratch:
        return load(data.checkpoint("sft"))
    from topfive.lm.recipe import SHORT, train_base, train_sft, train_text_tokenizer

    path = config.out / "sft"
    if not path.exists():
        tokenizer = train_text_tokenizer()
        bars = progress_bar("pretraining"), progress_bar("fine-tuning")
        base = train_base(tokenizer, SHORT, state_folder=config.out / "base-state", progress=bars[0])
        model = train_sft(base, tokenizer, SHORT, state_folder=config.out / "sft-state", progress=bars[1])
        write_folder_atomic(path, lambda temporary: save(model, tokenizer, temporary))
    return load(path)


# --- rankings -----------------------------------------------------------------------------------------------------


def ledger_rankings(path: Path) -> list[Ranking]:
    """A student's own. Raises TopFiveError if there are too few to learn from."""
    if not path.is_file():
        raise TopFiveError(f"{path}: no such ledger")
    rankings, problems = ledger.rankings(path)
    for problem in problems:
        print(f"kept and skipped: {problem}")
    usable = [ranking for ranking in rankings if ranking.decisive]
    if len(usable) < 2:
        raise TopFiveError(f"{path}: {len(usable)} usable rankings; at least 2 are needed, 20 make sense")
    return usable


def simulated_rankings(
    config: RunConfig, sft: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[Prompt], taste: Taste
) -> list[Ranking]:
    """A simulated student orders four fresh lists for each of `rankings` prompts."""
    path = config.out / "rankings.jsonl"
    if not path.exists():
        asked = heldout_prompts(prompts, config.rankings, seed=config.seed)
        repeated = [prompt.text for prompt in asked for _ in range(LISTS_A_RANKING)]
        texts = sample_texts(sft, tokenizer, repeated, seed=config.seed)
        student = Student(taste, seed=config.seed)
        made = [
            student.rank(prompt, texts[start : start + LISTS_A_RANKING])
            for prompt, start in zip(asked, range(0, len(texts), LISTS_A_RANKING), strict=True)
        ]
        rows = [{"source": SOURCE, "taste": taste.name, **asdict(ranking)} for ranking in made]
        write_atomic(path, "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows))
    return rankings_of(config.out)


def rankings_of(run: Path) -> list[Ranking]:
    """The rankings that a simulated student made in a run."""
    path = run / "rankings.jsonl"
    return [_as_ranking(path, number, row) for number, row in data.read_jsonl(path)]


def _as_ranking(path: Path, number: int, row: Any) -> Ranking:
    try:
        prompt = row["prompt"]
        return Ranking(
            Prompt(prompt["text"], prompt["topic"], tuple(prompt["constraints"])),
            tuple(row["texts"]),
            tuple(row["ranks"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise TopFiveError(f"{path}:{number}: not a ranking ({error})") from error


# --- reward -------------------------------------------------------------------------------------------------------


def personal_reward(
    path: Path,
    sft: PreTrainedModel,
    tokenizer: Tokenizer,
    rankings: Sequence[Ranking],
    prompts: Sequence[Prompt],
    seed: int,
) -> tuple[PersonalReward, dict[str, Any]]:
    """The crowd's reward with what these rankings add, centred on fresh lists, and what is to be said of it."""
    crowd = LineReward(sft, tokenizer, Scale.load(data.checkpoint("crowd")))
    kinds_of = Kinds.load(data.checkpoint("kinds"))
    if not path.exists():
        held = max(1, round(HELD_OUT_SHARE * len(rankings))) if len(rankings) > 1 else 0
        shuffled = [rankings[index] for index in np.random.default_rng(seed).permutation(len(rankings))]
        reward = fit_personal_reward(shuffled[held:], crowd, kinds_of)
        asked, texts = centre_on_samples(reward, sft, tokenizer, prompts, seed)
        measured = personal_accuracy(reward, shuffled[:held]) if held else None
        report = {
            "accuracy": measured.mean if measured else None,
            "interval": [measured.low, measured.high] if measured else None,
            "train_rankings": len(rankings) - held,
            "held_out_rankings": held,
            "nats": reward.spreads(asked, texts),
        }

        def fill(temporary: Path) -> None:
            reward.save(temporary)
            (temporary / "report.json").write_text(json.dumps(report), "utf-8")

        write_folder_atomic(path, fill)
    report = json.loads((path / "report.json").read_text("utf-8"))
    return PersonalReward.load(path, crowd, kinds_of), report


def centre_on_samples(
    reward: PersonalReward, sft: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[Prompt], seed: int
) -> tuple[list[str], list[str]]:
    """Centre a reward on 256 lists of the SFT model; returns their prompts and them."""
    asked = [prompt.text for prompt in heldout_prompts(prompts, 256, seed=seed + 1)]
    texts = sample_texts(sft, tokenizer, asked, seed=seed + 1)
    reward.centre_on(asked, texts)
    return asked, texts


# --- PPO ----------------------------------------------------------------------------------------------------------


def trained_policy(
    path: Path,
    sft: PreTrainedModel,
    reward: PersonalReward,
    tokenizer: Tokenizer,
    prompts: Sequence[Prompt],
    args: PPOConfig,
    callbacks: Callbacks = (),
) -> tuple[PreTrainedModel, list[Metrics]]:
    """The SFT model after PPO, and the history of its steps.

    Only its biases learn: of all weights, a batch of lists moves most by chance, and each step of chance costs KL. The
    critic learns with all of its weights; its head begins at zero, since a centred reward expects nothing.
    """
    policy, critic = copy.deepcopy(sft), from_language_model(sft, seed=args.seed)
    torch.nn.init.zeros_(critic.score.weight)
    optimizers = [
        torch.optim.AdamW(only_biases(policy), lr=args.learning_rate, weight_decay=0.0, fused=True),
        torch.optim.AdamW(critic.parameters(), lr=CRITIC_RATE, weight_decay=0.0, fused=True),
    ]
    texts = [prompt.text for prompt in prompts]
    trainer = PPOTrainer(
        policy,
        sft,
        reward,
        critic,
        args,
        texts,
        tokenizer,
        callbacks=callbacks or (_bar(),),
        optimizers=optimizers,
        whiten_fn=centre,
    )
    history = trainer.train()
    if trainer.stopped == "interrupted":
        raise TopFiveError(f"stopped after PPO step {len(history)}; the same command goes on from there")
    write_folder_atomic(path, lambda temporary: save(policy, tokenizer, temporary))
    return policy, history


def _bar() -> Callable[[PPOStep], None]:
    """A progress bar with score and KL, where nobody else watches."""
    bar = progress_bar("PPO")

    def show(step: PPOStep) -> None:
        metrics = step.metrics
        bar(step.step, step.total_steps, {"score": metrics["objective/scores"], "kl": metrics["objective/kl"]})

    return show
