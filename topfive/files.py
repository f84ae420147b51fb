"""Writing files so that a crash leaves either the old or the new, never half of one."""

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, text: str) -> None:
    """Replace `path` by `text`: written beside it, synced, then renamed over it.

    An OSError names `path`, or the folder that is missing, never the temporary file; that is gone by then.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        if error.errno is None:
            raise
        named = path if path.parent.is_dir() else path.parent
        raise OSError(error.errno, error.strerror, str(named)) from error


def write_folder_atomic(folder: Path, fill: Callable[[Path], None]) -> None:
    """Replace `folder` by what `fill(temporary_folder)` writes; where that fails, the old folder stays, whole.

    Folders cannot be swapped in one step on every system: a crash between the two renames leaves the old one beside
    its name, as `.name.….old`.
    """
    temporary = folder.with_name(f".{folder.name}.{os.getpid()}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    fill(temporary)
    if folder.exists():
        old = folder.with_name(f".{folder.name}.{os.getpid()}.old")
        folder.rename(old)
        try:
            temporary.rename(folder)
        except OSError:
            old.replace(folder)
            raise
        shutil.rmtree(old)
    else:
        temporary.rename(folder)
