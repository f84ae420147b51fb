"""PPO: episodes a second and the score reached, side by side with the last PPO that TRL had.

Each side is a process of its own that loads the same checkpoints; they take turns, a block of steps each. Afterwards
the trained policies answer the same held-out prompts and the same reward model scores them.
"""

import copy
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn

from benchmarks.machine import describe, matrix_speed
from benchmarks.ppo_side import TASTE, Job
from benchmarks.report import table
from benchmarks.timing import median_ratio
from topfive.errors import TopFiveError
from topfive.evaluate import heldout_prompts, kl_divergence
from topfive.judge import load_taste, prompts_of
from topfive.lm.model import load, save
from topfive.lm.sampling import MAX_NEW_TOKENS, encode, generate
from topfive.ppo import PPOConfig, PPOTrainer, rollout, trainer
from topfive.reward import model as reward_model
from topfive.reward.words import WordReward
from topfive.stats import bootstrap

TITLE = "PPO"
TRL_VERSION = "1.10.0"
TRL_VARIABLE = "TOPFIVE_TRL"
TRL_SCRATCH = Path("runs") / f"trl-{TRL_VERSION}"
OURS, PEER = "topfive", "trl"
# PyTorch's own switch for large memory pages, which `import topfive` turns on; see its documentation of environment
# variables. TRL gets it on one side and not on the other.
LARGE_PAGES = "THP_MEM_ALLOC_ENABLE"
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Settings:
    """`steps` PPO steps a seed and side, in turns of `block`; the first turn warms up and is not counted."""

    steps: int = 30
    block: int = 2
    seeds: Sequence[int] = (0, 1, 2, 3)
    test_answers: int = 300
    max_new_tokens: int = MAX_NEW_TOKENS
    job: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """Who trains, and with what set."""

    name: str
    trainer: str
    autocast: bool = False
    large_pages: bool = True


SIDES = (
    Side("topfive", OURS),
    Side("TRL, as it comes", PEER, large_pages=False),
    Side("TRL, large pages too", PEER),
    Side("topfive, bfloat16 autocast", OURS, autocast=True),
)


@dataclass(frozen=True)
class Trained:
    """What one side did with one seed: seconds of each counted block, its policy, what it said at the end."""

    seconds: list[float]
    policy: Path
    said: dict[str, Any]


@dataclass(frozen=True)
class Score:
    """Mean score by the reward model on held-out prompts, with its interval, and KL from the start in nats."""

    mean: float
    low: float
    high: float
    kl: float


# --- the peer -----------------------------------------------------------------------------------------------------


def trl_folder(given: Path | None = None, install: bool = True) -> Path:
    """The folder with TRL 1.10 in it and nothing else: the one given, the environment's, or one made by pip.

    Raises TopFiveError if it is not there and cannot be made.
    """
    command = f"python -m pip install --no-deps --target DIR trl=={TRL_VERSION}"
    chosen = given or (Path(os.environ[TRL_VARIABLE]) if os.environ.get(TRL_VARIABLE) else None)
    folder = (chosen or TRL_SCRATCH).resolve()
    if install and chosen is None and not _has_trl(folder):
        print(f"installing TRL {TRL_VERSION} alone into {TRL_SCRATCH} ...", flush=True)
        subprocess.run([sys.executable, *command.replace("DIR", str(folder)).split()[1:], "--quiet"], check=False)
    if not _has_trl(folder):
        raise TopFiveError(f"{folder}: no TRL {TRL_VERSION}; make it by `{command}` and say --trl DIR")
    return folder


def _has_trl(folder: Path) -> bool:
    return (folder / f"trl-{TRL_VERSION}.dist-info").is_dir() and (folder / "trl" / "experimental" / "ppo").is_dir()


# --- the same start for all ---------------------------------------------------------------------------------------


def prepare(checkpoints: Path, folder: Path) -> None:
    """Write `policy`, `critic` and `taste` for both sides: the SFT model, a critic on its trunk, the word reward."""
    policy, tokenizer = load(checkpoints / "sft")
    save(policy, tokenizer, folder / "policy")
    save(reward_model.from_language_model(policy), tokenizer, folder / "critic")
    WordReward.load(checkpoints / "taste").save(folder / "taste")


# --- taking turns -------------------------------------------------------------------------------------------------


class Process:
    """A side at work. Use as a context manager; the process is gone at the end."""

    def __init__(self, side: Side, job: Job, trl: Path):
        self.side, self.job = side, job
        file, self.log = Path(f"{job.out}.json"), Path(f"{job.out}.log")
        job.write(file)
        paths = [str(trl), str(ROOT)] if side.trainer == PEER else [str(ROOT)]
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(paths),
            "TRL_EXPERIMENTAL_SILENCE": "1",
            LARGE_PAGES: str(int(side.large_pages)),
        }
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "benchmarks.ppo_side", str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                env=environment,
            )

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def hear(self) -> dict[str, Any]:
        """The next line that the process says. Raises TopFiveError with the end of its log if it has died."""
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise TopFiveError(f"{self.side.name} stopped:\n{self.log.read_text('utf-8')[-2000:]}")
        return json.loads(line)

    def turn(self) -> float:
        """Let it train a block. Returns seconds."""
        assert self.process.stdin
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return self.hear()["seconds"]


def train_in_turns(sides: Sequence[Side], folder: Path, seed: int, settings: Settings, trl: Path) -> list[Trained]:
    """Train every side with one seed, blocks alternating."""
    with ExitStack() as stack:
        processes = []
        for number, side in enumerate(sides):
            job = Job(
                side=side.trainer,
                folder=str(folder),
                out=str(folder / f"trained-{number}-{seed}"),
                steps=settings.steps,
                block=settings.block,
                seed=seed,
                autocast=side.autocast,
                **settings.job,
            )
            processes.append(stack.enter_context(Process(side, job, trl)))
            processes[-1].hear()
        rounds = [[process.turn() for process in processes] for _ in range(settings.steps // settings.block)]
        return [
            Trained([one[number] for one in rounds[1:]], Path(process.job.out), process.hear())
            for number, process in enumerate(processes)
        ]


# --- how good they got --------------------------------------------------------------------------------------------


@torch.no_grad()
def score(policy: Path, folder: Path, settings: Settings, missing_eos_score: float = -1.0) -> Score:
    """Answers to held-out prompts, scored by the reward that trained the policy."""
    (model, tokenizer), (reference, _) = load(policy), load(folder / "policy")
    prompts = [prompt.text for prompt in heldout_prompts(prompts_of(load_taste(TASTE))[1], settings.test_answers)]
    query, mask = encode(tokenizer, prompts)
    samples = generate(
        model, query, mask, generator=torch.Generator().manual_seed(7), max_new_tokens=settings.max_new_tokens
    )
    scores = WordReward.load(folder / "taste").scores(prompts, samples.texts(tokenizer))
    estimate = bootstrap(scores.where(samples.ended, torch.full_like(scores, missing_eos_score)).double().numpy())
    return Score(
        estimate.mean,
        estimate.low,
        estimate.high,
        kl_divergence(model, reference, tokenizer, prompts, seed=8, temperature=1.0).mean,
    )


# --- where the time goes ------------------------------------------------------------------------------------------

PARTS: list[tuple[str, object, str]] = [
    ("sampling the answers", rollout, "generate"),
    ("log-probabilities by policy and reference", rollout, "sampled_logprobs"),
    ("the reward of the answers", rollout, "score"),
    ("critic on the answers", rollout, "response_values"),
    ("updates: policy forward", trainer, "response_logits"),
    ("updates: log-probabilities", trainer, "response_logprobs"),
    ("updates: critic forward", trainer, "response_values"),
    ("updates: backward", Tensor, "backward"),
    ("updates: clipping gradients", nn.utils, "clip_grad_norm_"),
    ("updates: AdamW", torch.optim.AdamW, "step"),
]


def profile(folder: Path, settings: Settings, steps: int = 6) -> dict[str, float]:
    """Seconds of each part of a step of ours, medians over steps; "the rest" is what no part accounts for."""
    (policy, tokenizer), critic = load(folder / "policy"), reward_model.load(folder / "critic")
    reward = WordReward.load(folder / "taste").scores
    prompts = [prompt.text for prompt in prompts_of(load_taste(TASTE))[0]]
    shared = {key: value for key, value in settings.job.items() if key in PPOConfig.__dataclass_fields__}
    args = replace(PPOConfig(total_steps=steps + 1, response_length=64), **shared)
    spent, rows = dict.fromkeys([label for label, *_ in PARTS], 0.0), []

    def row_done(_: object) -> None:
        rows.append(dict(spent))
        spent.update(dict.fromkeys(spent, 0.0))

    ppo = PPOTrainer(policy, copy.deepcopy(policy), reward, critic, args, prompts, tokenizer, callbacks=[row_done])
    with ExitStack() as stack:
        for label, owner, name in PARTS:
            stack.enter_context(patch.object(owner, name, _timed(getattr(owner, name), label, spent)))
        history = ppo.train()
    for row, metrics in zip(rows, history, strict=True):
        row["the rest"] = metrics["time/sampling"] + metrics["time/updates"] - sum(row.values())
    return {label: median(row[label] for row in rows[1:]) for label in rows[0]}


def _timed(function: Callable[..., Any], label: str, spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*args: Any, **kwargs: Any) -> Any:
        began = perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            spent[label] += perf_counter() - began

    return timed


# --- the whole ----------------------------------------------------------------------------------------------------


def run(checkpoints: Path, trl: Path, settings: Settings | None = None) -> str:
    """Measure, and say it in Markdown."""
    settings, machine = settings or Settings(), describe()
    speeds = {dtype: matrix_speed(dtype) for dtype in (torch.float32, torch.bfloat16)}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        prepare(checkpoints, folder)
        parts = profile(folder, settings)
        runs = [train_in_turns(SIDES, folder, seed, settings, trl) for seed in settings.seeds]
        start = score(folder / "policy", folder, settings)
        scores = [[score(trained.policy, folder, settings) for trained in row] for row in runs]
    return "\n\n".join(
        [
            machine,
            CONDITIONS.format(settings=settings, job=Job("", "", "", 0, 0, 0, **settings.job), trl=TRL_VERSION),
            _speed_table(runs, settings),
            f"Matrix products here: float32 {speeds[torch.float32] / 1e9:.0f} GFLOP/s, "
            f"bfloat16 {speeds[torch.bfloat16] / 1e9:.0f} GFLOP/s.",
            "### The score reached",
            _score_table(start, scores, settings),
            "### Where the time goes in ours",
            _parts_table(parts, runs),
            DIFFERENCES,
        ]
    )


CONDITIONS = """PPO of topfive and of `trl.experimental.ppo` (TRL {trl}) on the same models, read from the same
folders: the shipped SFT model as policy and reference, the shipped word reward (*vegetarian*, the sum over lines, paid
at the end) as the reward, the SFT trunk with a fresh head as the critic.
{job.batch_size} answers a step of at most
{job.response_length} tokens, {job.num_ppo_epochs} epochs × {job.num_mini_batches} minibatches with an optimiser step
each, learning rate {job.learning_rate} falling linearly to 0, AdamW (ε {job.adam_eps}), β {job.kl_coef}, temperature
1, the same training prompts, dropout off, eager attention, float32 unless said, the same number of threads.
{settings.steps} steps a seed and side in turns of {settings.block}, the first turn not counted; seeds
{settings.seeds}."""

DIFFERENCES = """### What differs

- Work: TRL pads a batch to its longest answer and query and computes the vocabulary for pads, too; topfive moves
  each answer beside its query, computes the shorter and the longer half of a minibatch one after the other, and the
  vocabulary for real tokens alone. TRL keeps the logits of every sampling step and takes its log-probabilities from
  them; topfive computes them again with the forward pass that training uses, so that the first ratio is 1 to rounding:
  one more forward pass.
- Algorithm: TRL puts the score one slot after the end token, does not clip gradients, subtracts 1 from the score of an
  answer without end token where topfive replaces it by −1, and lets the critic's loss see one slot more.
- Memory: `import topfive` asks PyTorch for large memory pages on Linux (one environment variable). One side gives TRL
  the same, so that what comes from the code and what comes from the switch can be told apart.
- Set for TRL because its defaults would slow it down here: no gradient checkpointing, no bfloat16, no sample tables, no
  checkpoints, no reports.
"""


def _speed_table(runs: list[list[Trained]], settings: Settings) -> str:
    episodes = settings.block * Job("", "", "", 0, 0, 0, **settings.job).batch_size
    times = [[spent for row in runs for spent in row[number].seconds] for number in range(len(SIDES))]
    rows = [
        [
            side.name,
            f"{median(episodes / spent for spent in own):.1f}",
            f"{median(own) / settings.block:.2f}",
            f"**{median_ratio(own, times[0]):.2f} ×**" if number else "",
        ]
        for number, (side, own) in enumerate(zip(SIDES, times, strict=True))
    ]
    return table(["", "episodes/s", "seconds a step", "topfive is faster by (median over pairs)"], rows)


def _score_table(start: Score, scores: list[list[Score]], settings: Settings) -> str:
    rows: list[list[str]] = [["before", "", _interval(start), "0"]]
    for number, (seed, one) in product(range(len(SIDES)), enumerate(settings.seeds)):
        found = scores[seed][number]
        rows.append([SIDES[number].name, str(one), _interval(found), f"{found.kl:.1f}"])
    for number, side in enumerate(SIDES):
        column = [row[number] for row in scores]
        average = f"**{mean(found.mean for found in column):+.2f}**"
        rows.append([side.name, "mean", average, f"{mean(found.kl for found in column):.1f}"])
    return (
        f"Mean score of {settings.test_answers} answers to held-out prompts by the reward (95 % bootstrap interval "
        "over answers), and KL from the start in nats.\n\n" + table(["", "seed", "score", "KL"], rows)
    )


def _interval(found: Score) -> str:
    return f"{found.mean:+.2f} ({found.low:+.2f} to {found.high:+.2f})"


def _parts_table(parts: dict[str, float], runs: list[list[Trained]]) -> str:
    total, said = sum(parts.values()), [row[0].said for row in runs]
    rows = [[label, f"{1000 * spent:.0f}", f"{spent / total:.0%}"] for label, spent in parts.items()]
    sampling, updates, length = (
        median(one[key] for one in said) for key in ("time/sampling", "time/updates", "response/length")
    )
    return (
        f"By the trainer's own metrics in the run above: {sampling:.2f} s a step sampling and scoring, {updates:.2f} s "
        f"on updates; {length:.0f} tokens an answer. Part by part, in a run of its own:\n\n"
        + table(["part of a step", "ms", "share"], rows)
    )
