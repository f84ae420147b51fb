"""What a student trained: saved in work/, read back at grading instead of training again, and measured for points."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from topfive import data
from topfive.errors import TopFiveError
from topfive.files import as_utf8, recover, write_atomic, write_folder_atomic
from topfive.ledger.store import assignment_folder

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import PreTrainedModel
    from transformers import PreTrainedTokenizerFast as Tokenizer

# Rounding to bfloat16 moves weights by about 0.1 % of their length, the lightest training by some percent.
SAME = 3e-3


def training_allowed() -> bool:
    """Whether long cells may train: not while nbgrader executes the notebook."""
    return "NBGRADER_EXECUTION" not in os.environ


def artefact(name: str) -> Path:
    """The folder of an artefact: work/NAME beside the notebook."""
    return assignment_folder() / "work" / name


def kept_text(name: str, text: str) -> str:
    """Keep a student's text in work/NAME, and return it.

    A text that is there already and is another one stays beside it, as NAME with `.before` at its end. Raises
    TopFiveError for an empty text, and for what is no text.
    """
    if not isinstance(text, str) or not text.strip():
        raise TopFiveError(f"there is no text to keep in work/{name}: return it from the function, in quotation marks")
    path = artefact(name)
    path.parent.mkdir(exist_ok=True)
    before = as_utf8(path.read_bytes()).decode(errors="replace") if path.is_file() else ""
    if before.strip() and before.strip() != text.strip():
        write_atomic(path.with_name(f"{name}.before"), before)
    write_atomic(path, text.strip() + "\n")
    print(f"saved in work/{name}, {len(text.split())} words")
    return text.strip()


def trained(
    name: str,
    train: Callable[[], "tuple[PreTrainedModel, Tokenizer]"],
    worth: "Callable[[PreTrainedModel], float] | None" = None,
) -> "tuple[PreTrainedModel, Tokenizer]":
    """Call `train`, keep the model and tokenizer that it returns in work/NAME, and return them.

    worth: of a model, the more the better. A model that is in work/NAME already and is worth more then stays there.
    While nbgrader executes the notebook, nothing is trained: both come from work/NAME.
    Raises TopFiveError if they should, and are missing or damaged.
    """
    from topfive.lm.model import save

    folder = artefact(name)
    if training_allowed():
        model, tokenizer = train()
        if worth is None or _no_worse(model, folder, worth):
            write_folder_atomic(folder, lambda temporary: save(model, tokenizer, temporary))
            print(f"saved in work/{name}")
        return model, tokenizer
    found = load(folder)
    print(f"read from work/{name}, as it was handed in")
    return found


def _no_worse(model: "PreTrainedModel", folder: Path, worth: "Callable[[PreTrainedModel], float]") -> bool:
    """Whether a model is worth at least what the one in `folder` is; anything is, where there is no whole one."""
    try:
        before = load(folder)[0]
    except TopFiveError:
        return True
    now, then = worth(model), worth(before)
    if now < then:
        print(f"{now:.2f} this time, {then:.2f} before: the better one stays in work/{folder.name}, and is what counts")
    return now >= then


def saved(name: str) -> "tuple[PreTrainedModel, Tokenizer]":
    """The model and tokenizer that `trained` kept in work/NAME: after a restart, nothing has to be trained again.

    Raises TopFiveError if they are missing or damaged.
    """
    found = load(artefact(name))
    print(f"read from work/{name}")
    return found


def load(folder: Path) -> "tuple[PreTrainedModel, Tokenizer]":
    """A saved language model or reward model with its tokenizer. Raises TopFiveError if it is missing or damaged."""
    from transformers import AutoTokenizer

    from topfive.lm import model as language
    from topfive.reward import model as reward

    recover(folder)
    if not folder.is_dir():
        raise TopFiveError(
            f"work/{folder.name} is missing: run the cell that trains it, then hand in the work folder too"
        )
    try:
        kinds = json.loads((folder / "config.json").read_text("utf-8"))["architectures"]
        if any("SequenceClassification" in kind for kind in kinds):
            return reward.load(folder), AutoTokenizer.from_pretrained(folder)
        return language.load(folder)
    except (TopFiveError, OSError, ValueError, TypeError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise TopFiveError(f"work/{folder.name} is damaged ({reason}): run the cell that trains it again") from error


def is_shipped(folder: Path, shipped: Path | None = None) -> str | None:
    """The name of the shipped checkpoint that the weights in `folder` are, None if they are somebody's own.

    Compared are the weights, whatever the file is called and in whatever precision they are: it is the same checkpoint
    if they are closer than `SAME` times their length. `shipped`: the folder of checkpoints, by default the course's.
    Raises TopFiveError if `folder` holds no readable weights.
    """
    own = _weights(folder)
    for checkpoint in sorted((shipped or data.folder() / "checkpoints").iterdir()):
        if checkpoint.is_dir() and _distance(own, _weights(checkpoint)) < SAME:
            return checkpoint.name
    return None


def _weights(folder: Path) -> "dict[str, Tensor]":
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    recover(folder)
    try:
        found = {
            name: value for file in sorted(folder.glob("*.safetensors")) for name, value in load_file(file).items()
        }
    except (OSError, SafetensorError) as error:
        raise TopFiveError(f"{folder}: its weights cannot be read ({error})") from error
    if not found:
        raise TopFiveError(f"{folder}: holds no weights")
    return {name: value.double() for name, value in found.items() if value.is_floating_point()}


def _distance(own: "dict[str, Tensor]", other: "dict[str, Tensor]") -> float:
    """Length of the difference over the length of `other`; infinite if they are not of one architecture."""
    if {name: value.shape for name, value in own.items()} != {name: value.shape for name, value in other.items()}:
        return float("inf")
    apart = sum(float((own[name] - value).square().sum()) for name, value in other.items())
    length = sum(float(value.square().sum()) for value in other.values())
    return float((apart / length) ** 0.5)


def points_for(
    value: float, *, at_least: Mapping[float, float] | None = None, at_most: Mapping[float, float] | None = None
) -> float:
    """The most points that a measured number earns: `points_for(accuracy, at_least={0.60: 1, 0.66: 2})`.

    at_least, at_most: threshold → points. A number that is not a number earns nothing.
    """
    reached = [points for limit, points in (at_least or {}).items() if value >= limit]
    reached += [points for limit, points in (at_most or {}).items() if value <= limit]
    return max(reached, default=0.0)
