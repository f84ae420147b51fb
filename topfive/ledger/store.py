"""The file: append-only JSONL, one line an event, on disk before `append` returns.

Nothing is ever rewritten. A line that a crash cut in two stays as it is; the next event starts on a line of its own.
What this leaves out: reading (`reading.py`) and what the events mean (`convert.py`).
"""

import errno
import json
import os
import sys
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import BaseFileLock, FileLock, SoftFileLock, Timeout

from topfive.errors import TopFiveError

Event = dict[str, Any]

VERSION = 1
MAX_LINE = 1 << 18  # bytes of one line, its line break included
LOCK_SECONDS = 10.0
MARKER = ".locked"
FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
# Id and student key of ledgers that do not exist yet: all panels of a kernel have to agree on them, since the order in
# which a list is shown comes from the student key.
_FRESH: dict[Path, dict[str, str]] = {}
# What network folders answer that do not know a call, or cannot serve it.
NO_LOCKS = {errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS}
NO_FOLDER_SYNC = NO_LOCKS | {errno.EINVAL}


class LedgerError(TopFiveError):
    """An event that could not be kept: what it was, why, and what to do."""


class UnfitError(LedgerError):
    """An event that could never be kept, whatever the disk says: no plain JSON, or too long."""


def assignment_folder() -> Path:
    """The folder of the running notebook, whatever `os.chdir` did since; outside a notebook the current folder."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    return Path(getattr(shell, "starting_dir", "") or Path.cwd())


def default_path() -> Path:
    """Where the running notebook's ledger lives: `work/ledger.jsonl` in its assignment folder."""
    return assignment_folder() / "work" / "ledger.jsonl"


class Ledger:
    """One ledger file, open for appending by any number of threads and processes at once.

    The file, and `work/` around it, come into being with the first event, so that merely looking leaves no trace.

    Attributes:
        path: the file, absolute.
    """

    def __init__(self, path: str | os.PathLike[str] | None = None) -> None:
        self.path = (Path(path) if path is not None else default_path()).absolute()
        self._thread_lock = threading.Lock()
        self._durable: set[str] = set()
        self._fresh = _FRESH.setdefault(self.path, {"id": uuid.uuid4().hex, "student": uuid.uuid4().hex})

    def append(self, event: Event) -> Event:
        """Keep one event. When this returns, it is on disk.

        event: a dictionary with at least `kind` (str). An `id` (str) of its own makes resending harmless.
        Returns the event as written: with `v`, `id` and `time` (UTC, milliseconds).
        Raises LedgerError where it cannot be kept: wrong type, over MAX_LINE bytes, disk full, read-only or vanished
        folder. Nothing counts as kept then, and the same event may be appended again.
        """
        [result] = self.append_all([event])
        if isinstance(result, LedgerError):
            raise result
        return result

    def append_all(self, events: Sequence[Event]) -> list[Event | LedgerError]:
        """Keep several events in their order, each with its own fsync, under one lock.

        Returns for each what `append` would return or raise. An event that could never be kept (UnfitError) does not
        hold up the others. Once the disk refuses one, those behind it are refused as well: their order is what was
        done, and half a line may stand where they would be written.
        """
        results: list[Event | LedgerError] = []
        try:
            with self._thread_lock, self._file() as file:
                for event in events:
                    results.append(self._keep(file, event))
        except LedgerError as error:
            results.extend(error for _ in events[len(results) :])
        return results

    def header(self) -> Event:
        """The first line: ledger id, student key (both random), assignment, time of creation.

        Before the file exists, the one that its first event will write. A damaged first line gives one with id
        "unreadable", so that the rest stays usable.
        """
        try:
            with self.path.open("rb") as file:
                first = file.readline(MAX_LINE)
        except OSError:
            first = b""
        if not first:
            return self._new_header()
        try:
            header = json.loads(first)
        except ValueError:
            return _unreadable()
        return header if is_header(header) else _unreadable()

    def _new_header(self) -> Event:
        return {
            "v": VERSION,
            "kind": "header",
            **self._fresh,
            "assignment": self.path.parent.parent.name,
            "time": now(),
        }

    @contextmanager
    def _file(self) -> Iterator[int]:
        """The file's descriptor, opened for appending under the lock between processes."""
        home = self.path.parent.parent if self.path.parent.name == "work" else self.path.parent
        if not home.is_dir():
            raise LedgerError(f"{home} is gone; if you moved it, open the notebook in its new place and run the cell")
        try:
            if not self.path.parent.exists():
                self.path.parent.mkdir(exist_ok=True)
                _sync_folder(home)
            with _lock(self.path):
                descriptor = os.open(self.path, FLAGS, 0o644)
                try:
                    self._begin(descriptor)
                    yield descriptor
                finally:
                    os.close(descriptor)
        except Timeout as error:
            raise LedgerError(
                f"{self.path} has been locked for {LOCK_SECONDS:g} s; is another program stuck?{_leftover(error)}"
            ) from error
        except OSError as error:
            raise LedgerError(f"{self.path} cannot be written ({error.strerror})") from error

    def _begin(self, descriptor: int) -> None:
        """Write the header into a new file; set a line that was cut off apart from what comes next."""
        size = os.fstat(descriptor).st_size
        if size == 0:
            _write(descriptor, _encode(self._new_header()))
            _sync_folder(self.path.parent)
            return
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":
            _write(descriptor, b"\n")

    def _keep(self, descriptor: int, event: Event) -> Event | LedgerError:
        """Write one event unless this object already did; what could never be kept is returned as its error."""
        if not isinstance(event, dict):
            return UnfitError(f"an event is a dictionary, not {type(event).__name__}")
        try:
            event = {"v": VERSION, "id": uuid.uuid4().hex, **event} | {"v": VERSION, "time": now()}
            if is_header(event):
                return UnfitError("a header is the first line of a ledger, and no event: it comes with the file")
            line = _encode(event)
            if event["id"] not in self._durable:
                _write(descriptor, line)
                self._durable.add(event["id"])
            return event
        except UnfitError as error:
            return error


def is_header(event: object) -> bool:
    """Whether this is what stands in a ledger's first line."""
    return isinstance(event, dict) and event.get("kind") == "header"


def check(event: Event) -> None:
    """Raise UnfitError if this event could never be kept."""
    _encode({"v": VERSION, "id": uuid.uuid4().hex, **event, "time": now()})


def _lock(path: Path) -> AbstractContextManager[BaseFileLock]:
    """The lock between processes, held until its end. In a folder without locks, a marker file that only one can make.

    Not filelock's own way round: that would take a lock file from another disk or day for such a marker.
    """
    try:
        return FileLock(path.with_suffix(".lock"), timeout=LOCK_SECONDS, fallback_to_soft=False).acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return SoftFileLock(path.with_suffix(MARKER), timeout=LOCK_SECONDS).acquire()


def _leftover(error: Timeout) -> str:
    """What to do about a marker that a killed program on another machine left; it goes by itself on the same one."""
    return f" If none is writing there, delete {error.lock_file}" if error.lock_file.endswith(MARKER) else ""


def _encode(event: Event) -> bytes:
    if not isinstance(event.get("kind"), str) or not isinstance(event["id"], str):
        raise UnfitError("an event needs a `kind` and an `id` that are text")
    try:
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise UnfitError(f"event {event['id']} is not plain JSON ({error})") from error
    if len(line) > MAX_LINE:
        raise UnfitError(f"event {event['id']} is {len(line):,} bytes long; {MAX_LINE:,} is the most for one line")
    return line


def _write(descriptor: int, line: bytes) -> None:
    """All of `line` at the end of the file, and the file on disk."""
    rest = memoryview(line)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
    os.fsync(descriptor)


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` survive a power cut. Windows and some network folders have no such call."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in NO_FOLDER_SYNC:
            raise
    finally:
        os.close(descriptor)


def _unreadable() -> Event:
    return {"v": VERSION, "kind": "header", "id": "unreadable", "student": "unreadable", "assignment": "", "time": ""}


def now() -> str:
    """The time, UTC, in ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
