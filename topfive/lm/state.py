"""A training run on disk: weights, optimiser moments and the step, as safetensors, replaced as a whole."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from topfive.errors import TopFiveError
from topfive.files import recover, write_folder_atomic
from topfive.identity import changes, fingerprint


def save_state(
    folder: Path,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    step: int,
    extra: dict[str, Any] | None = None,
    settings: dict[str, Any] | None = None,
) -> None:
    """Save what `load_state` needs to go on as if nothing had happened. `extra` and `settings` are kept as JSON."""
    moments = {
        f"{number}.{index}.{name}": torch.as_tensor(value).contiguous()
        for number, optimizer in enumerate(optimizers)
        for index, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
    }

    def fill(temporary: Path) -> None:
        save_file(_unshared(model), temporary / "model.safetensors")
        save_file(moments, temporary / "optimizer.safetensors")
        state = {"step": step, "settings": settings or {}, "extra": extra or {}}
        (temporary / "state.json").write_text(json.dumps(state), "utf-8")

    write_folder_atomic(folder, fill)


def _unshared(model: nn.Module) -> dict[str, Tensor]:
    """Parameters by name, each once (tied weights have one name)."""
    return {name: value.detach().contiguous() for name, value in model.named_parameters()}


def load_state(
    folder: Path,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    settings: dict[str, Any] | None = None,
) -> int:
    """Load what `save_state` wrote into model and optimisers; returns the step to go on from, 0 if none was saved.

    Raises TopFiveError if the state is damaged, and, before anything is loaded, if it is of another model or of a run
    with other settings: to go on with new ones would be neither run.
    """
    recover(folder)
    if not (folder / "state.json").exists():
        return 0
    try:
        state = json.loads((folder / "state.json").read_text("utf-8"))
        step, saved = int(state["step"]), dict(state["settings"])
        if changed := changes(saved, json.loads(json.dumps(settings or {}))):
            raise TopFiveError(
                f"{folder}: holds a run with other settings ({changed}); take the old ones, choose another folder, or "
                "delete this one to begin anew"
            )
        weights, moments = load_file(folder / "model.safetensors"), load_file(folder / "optimizer.safetensors")
        if {name: value.shape for name, value in weights.items()} != {n: p.shape for n, p in model.named_parameters()}:
            raise ValueError("it is of another model")
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(weights[name])
        states: list[dict[int, dict[str, Tensor]]] = [{} for _ in optimizers]
        for key, value in moments.items():
            number, index, name = key.split(".")
            states[int(number)].setdefault(int(index), {})[name] = value
        for optimizer, state in zip(optimizers, states, strict=True):
            optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
    except (OSError, ValueError, TypeError, KeyError, IndexError, RuntimeError, SafetensorError) as error:
        raise TopFiveError(f"{folder}: damaged training state ({error}); delete the folder to start again") from error
    return step


def of_weights(model: nn.Module) -> str:
    """Fingerprint of a model's weights."""
    weights = (value.detach().cpu().contiguous() for value in model.parameters())
    return fingerprint(value.view(-1).view(torch.uint8).numpy().tobytes() for value in weights)


def load_extra(folder: Path) -> dict[str, Any]:
    """The `extra` given to `save_state`, {} if nothing was saved."""
    recover(folder)
    file = folder / "state.json"
    return json.loads(file.read_text("utf-8"))["extra"] if file.exists() else {}
