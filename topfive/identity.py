"""What a run was made from, so that it is gone on with only if that is still the same: settings, and content."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


def fingerprint(parts: Iterable[bytes]) -> str:
    """A short name of some content: the same for the same bytes, wherever they lie."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(8, "little") + part)
    return f"#{digest.hexdigest()[:16]}"


def of_value(value: Any) -> str:
    """Fingerprint of anything that JSON can hold."""
    return fingerprint([json.dumps(value, sort_keys=True).encode()])


def of_folder(folder: Path) -> str:
    """Fingerprint of the weights and JSON files in a checkpoint's folder, names and content."""
    files = sorted(file for file in folder.iterdir() if file.suffix in (".json", ".safetensors"))
    return fingerprint(part for file in files for part in (file.name.encode(), file.read_bytes()))


def changes(saved: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs, in words, such as "seed was 0 and is 1; taste has other content"; empty if nothing does."""
    words = []
    for name in dict.fromkeys([*now, *saved]):
        before, after = saved.get(name), now.get(name)
        if before == after:
            continue
        contents = all(isinstance(value, str) and value.startswith("#") for value in (before, after))
        words.append(f"{name} has other content" if contents else f"{name} was {before} and is {after}")
    return "; ".join(words)
