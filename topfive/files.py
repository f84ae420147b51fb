"""Writing files so that a crash leaves either the old or the new, never half of one."""

import codecs
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PATIENCE = 1.0  # seconds that a writer who is still there may take between two renames


def as_utf8(raw: bytes) -> bytes:
    """JSON or JSONL as UTF-8 without a byte order mark, whichever Unicode a Windows editor made of it.

    UTF-8 comes back as it is, damaged or not. Raises UnicodeDecodeError where UTF-16 or UTF-32 is damaged.
    """
    encoding = json.detect_encoding(raw)  # by the mark, or by where the zero bytes are (RFC 4627)
    return raw.removeprefix(codecs.BOM_UTF8) if encoding.startswith("utf-8") else raw.decode(encoding).encode()


def write_atomic(path: Path, content: str | bytes) -> None:
    """Replace `path` by `content`, text as UTF-8: written beside it, synced, then renamed over it."""
    raw = content.encode() if isinstance(content, str) else content
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with _blamed_on(path, temporary):
        with temporary.open("wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


@contextmanager
def _blamed_on(path: Path, temporary: Path) -> Iterator[None]:
    """Whatever stops the writing, Ctrl-C too, `temporary` is gone; an OSError names `path` or its missing folder."""
    try:
        yield
    except BaseException as error:
        _remove(temporary)
        if not isinstance(error, OSError) or error.errno is None:
            raise
        named = path if path.parent.is_dir() else path.parent
        raise OSError(error.errno, error.strerror, str(named)) from error


def _remove(temporary: Path) -> None:
    shutil.rmtree(temporary, ignore_errors=True)
    with suppress(OSError):
        temporary.unlink()


def write_folder_atomic(folder: Path, fill: Callable[[Path], None]) -> None:
    """Replace `folder` by what `fill(temporary_folder)` writes, synced; where that fails, the old folder stays, whole.

    Folders cannot be swapped in one step on every system: a crash between the two renames leaves old and new beside the
    name, as `.name.….old` and `.name.….tmp`, both complete. `recover` puts the new one in its place.
    """
    recover(folder)
    temporary, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{end}") for end in ("tmp", "old"))
    shutil.rmtree(temporary, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    with _blamed_on(folder, temporary):
        temporary.mkdir(parents=True)
        fill(temporary)
        _sync_files(temporary)
    _take_name(temporary, folder, old)
    shutil.rmtree(old, ignore_errors=True)


def _take_name(temporary: Path, folder: Path, old: Path) -> None:
    """Put `temporary` in the place of `folder`, which is `old` then; where that is stopped, `folder` is back.

    Only then is `temporary` removed: without it, `recover` would not know what `old` is.
    """
    try:
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
    except BaseException:
        if old.exists() and not folder.exists():
            old.replace(folder)
        _remove(temporary)
        raise


def recover(folder: Path) -> None:
    """Put back, and say so, what a crash in the middle of `write_folder_atomic` left beside `folder`.

    Whoever reads such a folder calls this first. Without such a crash it does nothing.
    """
    with suppress(OSError):  # another program was quicker
        if not _left_beside(folder):
            return
        time.sleep(PATIENCE)
        for temporary, old in _left_beside(folder)[-1:]:
            temporary.rename(folder)
            print(f"{folder}: saving was interrupted; what was saved last is whole and is used")
            shutil.rmtree(old, ignore_errors=True)


def _left_beside(folder: Path) -> list[tuple[Path, Path]]:
    """New and old folder of every write that got between its renames, the latest last.

    A new folder without its old one may be half written, an old one without its new one half deleted.
    """
    if folder.exists():
        return []
    name = re.compile(rf"\.{re.escape(folder.name)}\.\d+\.old")
    olds = [path for path in folder.absolute().parent.iterdir() if name.fullmatch(path.name)]
    pairs = [(old.with_suffix(".tmp"), old) for old in olds]
    return sorted((pair for pair in pairs if pair[0].is_dir()), key=lambda pair: pair[0].stat().st_mtime)


def _sync_files(folder: Path) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
