"""The folder of one run: what it learns from, and how long each stage took over all attempts."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from topfive import data
from topfive.errors import TopFiveError
from topfive.files import write_atomic
from topfive.identity import changes, of_folder, of_value
from topfive.judge import load_taste
from topfive.lists import Ranking
from topfive.loop.config import RunConfig

CHECKPOINTS = ("sft", "kinds", "crowd")  # the first of them is trained in a run from scratch


class RunFolder:
    """The folder of one run: what it learns from, and how long each stage took over all attempts.

    given: the rankings of a ledger. Taste, ledger and checkpoints are known by their content, wherever they lie.
    """

    def __init__(self, config: RunConfig, rankings: int, given: Sequence[Ranking] = ()):
        self.path = config.out
        self.identity = {
            "taste": of_value(asdict(replace(load_taste(config.taste), name=""))) if config.taste else None,
            "rankings": rankings,
            "seed": config.seed,
            "from_scratch": config.from_scratch,
            "ledger": of_value([asdict(ranking) for ranking in given]) if given else None,
            "ppo_steps": config.ppo_steps,
            "topics": list(config.topics),
            **{f"checkpoint {name!r}": of_folder(data.checkpoint(name)) for name in CHECKPOINTS[config.from_scratch :]},
        }
        self._file = self.path / "run.json"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._state = self._open()
            self._save()
        except OSError as error:
            raise TopFiveError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _open(self) -> dict[str, Any]:
        if not self._file.exists():
            if any(not entry.name.startswith(".") for entry in self.path.iterdir()):
                raise TopFiveError(f"{self.path}: not empty and not the folder of a run; choose another --out")
            return {"config": self.identity, "seconds": {}}
        try:
            state = json.loads(self._file.read_text("utf-8"))
            config, _ = dict(state["config"]), state["seconds"]
        except (ValueError, KeyError, TypeError) as error:
            raise TopFiveError(f"{self._file}: damaged ({error}); delete {self.path} to start again") from error
        if changed := changes(config, self.identity):
            raise TopFiveError(
                f"{self.path}: holds another run ({changed}); choose another --out, or delete this folder to begin anew"
            )
        return state

    def _save(self) -> None:
        write_atomic(self._file, json.dumps(self._state, indent=2) + "\n")

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time a stage, also when it is interrupted."""
        began = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - began
            self._state["seconds"][name] = round(self._state["seconds"].get(name, 0.0) + spent, 2)
            self._save()

    def seconds(self) -> dict[str, float]:
        """Seconds a stage, and in all."""
        seconds = self._state["seconds"]
        return {**seconds, "total": round(sum(seconds.values()), 2)}
