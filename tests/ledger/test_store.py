"""Appending: on disk before it returns, whole or not at all, by many at once."""

import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from topfive import ledger
from topfive.ledger import Ledger, LedgerError, store


@pytest.fixture
def book(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "work" / "ledger.jsonl")


def test_an_event_is_on_disk_when_append_returns(book, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: synced.append(os.fstat(descriptor).st_size))
    event = book.append({"kind": "note"})
    assert synced[-1] == book.path.stat().st_size > 0
    assert ledger.read(book.path) == ([event], [])


def test_the_folder_is_synced_when_the_file_is_new(book, monkeypatch):
    synced = []
    monkeypatch.setattr(store, "_sync_folder", synced.append)
    book.append({"kind": "note"})
    assert synced == [book.path.parent.parent, book.path.parent]
    book.append({"kind": "note"})
    assert len(synced) == 2


def test_looking_leaves_no_trace(book):
    assert book.header()["kind"] == "header"
    assert ledger.read(book.path)[1] == [f"{book.path}: there is no ledger here yet"]
    assert not book.path.parent.exists()


def test_the_header_stays_and_names_nobody(book):
    before = book.header()
    book.append({"kind": "note"})
    assert {key: book.header()[key] for key in ("id", "student")} == {key: before[key] for key in ("id", "student")}
    assert set(book.header()) == {"v", "kind", "id", "student", "assignment", "time"}
    assert Ledger(book.path).header() == book.header()


def test_version_and_time_are_ours_whatever_the_browser_says(book):
    event = book.append({"kind": "note", "v": 9, "time": "yesterday", "at": 12})
    assert event["v"] == 1
    assert event["time"].startswith("20")
    assert event["at"] == 12


def test_a_header_is_never_kept_as_an_event_and_holds_up_no_other(book):
    refused, kept = book.append_all([Ledger(book.path.with_name("other.jsonl")).header(), {"kind": "note", "id": "a"}])
    assert isinstance(refused, store.UnfitError)
    assert "a header is the first line of a ledger" in str(refused)
    assert ledger.read(book.path) == ([kept], [])


def test_a_resent_event_is_written_once(book):
    book.append({"kind": "note", "id": "a"})
    book.append({"kind": "note", "id": "a"})
    assert len(book.path.read_bytes().splitlines()) == 2  # the header and the event


def test_resent_to_another_process_it_reads_once(book):
    book.append({"kind": "note", "id": "a"})
    Ledger(book.path).append({"kind": "note", "id": "a"})
    assert len(book.path.read_bytes().splitlines()) == 3
    assert len(ledger.read(book.path)[0]) == 1


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({}, "needs a `kind`"),
        ({"kind": 3}, "needs a `kind`"),
        ({"kind": "note", "id": 3}, "an `id`"),
        ({"kind": "note", "id": ["x"]}, "an `id`"),
        ({"kind": "note", "x": float("nan")}, "not plain JSON"),
        ({"kind": "note", "x": object()}, "not plain JSON"),
        ({"kind": "note", "x": "a" * store.MAX_LINE}, "bytes long"),
        (["kind"], "is a dictionary"),
    ],
)
def test_a_bad_event_is_refused_and_the_rest_of_the_batch_kept(book, event, message):
    good, bad, also = book.append_all([{"kind": "note"}, event, {"kind": "note"}])
    assert isinstance(bad, store.UnfitError)
    assert message in str(bad)
    assert ledger.read(book.path) == ([good, also], [])


def test_what_comes_behind_a_failed_write_waits_for_it(book, monkeypatch):
    """Room for half a line, then none, then enough: what is done later is not written first, nor onto the half line."""
    book.append({"kind": "note", "id": "first"})
    write, answers = os.write, iter([10, 0])

    def nearly_full(descriptor, line):
        room = next(answers, None)
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, bytes(line)[:room])

    monkeypatch.setattr(os, "write", nearly_full)
    events = [{"kind": "note", "id": name} for name in ("second", "third")]
    refused = book.append_all(events)
    assert [type(one) for one in refused] == [LedgerError, LedgerError]
    assert all("No space left" in str(one) for one in refused)
    assert [one["id"] for one in book.append_all(events)] == ["second", "third"]
    kept, problems = ledger.read(book.path)
    assert [event["id"] for event in kept] == ["first", "second", "third"]
    assert len(problems) == 1


def test_before_there_is_a_file_all_agree_on_whose_it_is(book):
    """The order in which lists are shown comes from the student key."""
    first, second = book, Ledger(book.path)
    student = first.header()["student"]
    second.append({"kind": "note"})
    assert first.header()["student"] == second.header()["student"] == student


def test_a_failed_write_is_no_event_and_can_be_tried_again(book, monkeypatch):
    book.append({"kind": "note", "id": "first"})
    write = os.write

    def full(descriptor, line):
        write(descriptor, bytes(line)[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(LedgerError, match="No space left"):
        book.append({"kind": "note", "id": "second"})
    monkeypatch.undo()
    book.append({"kind": "note", "id": "second"})
    events, problems = ledger.read(book.path)
    assert [event["id"] for event in events] == ["first", "second"]
    assert len(problems) == 1


def test_a_failed_sync_is_no_acknowledgement(book, monkeypatch):
    book.append({"kind": "note"})

    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", broken)
    for _ in range(2):
        with pytest.raises(LedgerError, match="Input/output error"):
            book.append({"kind": "note", "id": "a"})
    monkeypatch.undo()
    book.append({"kind": "note", "id": "a"})
    assert [event["id"] for event in ledger.read(book.path)[0]].count("a") == 1


def test_a_disk_that_really_fills_up(book):
    """A limit on the size of files cuts the write short, as a full disk does."""
    book.append({"kind": "note", "id": "first"})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (book.path.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(LedgerError, match="cannot be written"):
            book.append({"kind": "note", "id": "second"})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    book.append({"kind": "note", "id": "second"})
    events, problems = ledger.read(book.path)
    assert [event["id"] for event in events] == ["first", "second"]
    assert len(problems) == 1


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    book = Ledger(tmp_path / "work" / "ledger.jsonl")
    real = os.open

    def refuse(path, flags, *rest, **more):
        if flags & os.O_CREAT:
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(path, flags, *rest, **more)

    monkeypatch.setattr(os, "open", refuse)  # root may write anywhere, so the refusal is made by hand
    with pytest.raises(LedgerError, match=r"ledger.jsonl cannot be written \(Permission denied\)"):
        book.append({"kind": "note"})


def test_a_moved_folder_gets_no_second_ledger_at_its_old_place(tmp_path):
    home = tmp_path / "04"
    home.mkdir()
    book = Ledger(home / "work" / "ledger.jsonl")
    book.append({"kind": "note"})
    home.rename(tmp_path / "moved")
    with pytest.raises(LedgerError, match="is gone; if you moved it"):
        book.append({"kind": "note"})
    assert not home.exists()


def test_a_lock_that_is_never_released_is_reported(book, monkeypatch):
    book.append({"kind": "note"})
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    with store.FileLock(book.path.with_suffix(".lock")), pytest.raises(LedgerError, match="has been locked"):
        book.append({"kind": "note"})


def test_the_ledger_stays_with_its_notebook_whatever_chdir_does(tmp_path, monkeypatch):
    class Shell:
        starting_dir = str(tmp_path)

    class IPython:
        get_ipython = staticmethod(Shell)

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.chdir("/")
    assert Ledger().path == tmp_path / "work" / "ledger.jsonl"


def test_threads_do_not_mix_their_lines(book):
    def write(name):
        for number in range(20):
            book.append({"kind": "note", "id": f"{name}-{number}", "padding": "x" * 5000})

    threads = [threading.Thread(target=write, args=(name,)) for name in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events, problems = ledger.read(book.path)
    assert (len(events), problems) == (120, [])


WRITER = """
import sys
from topfive.ledger import Ledger
book = Ledger(sys.argv[1])
for number in range(10**6):
    event = book.append({"kind": "note", "padding": "x" * (number * 37 % 3000)})
    print(event["id"], flush=True)
"""


# What a network folder without locks does.
NO_LOCKS = """
import errno, fcntl, os
def flock(descriptor, operation):
    raise OSError(getattr(errno, "{name}"), os.strerror(getattr(errno, "{name}")))
fcntl.flock = flock
"""


@pytest.fixture(params=["ENOLCK", "EOPNOTSUPP", "ENOSYS"])
def no_locks(request, monkeypatch):
    """The name of the error with which the folder refuses to lock."""

    def flock(descriptor, operation):
        raise OSError(getattr(errno, request.param), "no locks")

    monkeypatch.setattr("fcntl.flock", flock)
    return request.param


@pytest.mark.filterwarnings("error")
def test_a_folder_without_locks_keeps_events_and_no_marker(book, no_locks):
    event = book.append({"kind": "note"})
    assert ledger.read(book.path) == ([event], [])
    assert not book.path.with_suffix(".locked").exists()


def test_a_lock_file_from_a_disk_with_locks_is_in_nobodys_way(book, no_locks):
    book.path.parent.mkdir(parents=True)
    book.path.with_suffix(".lock").touch()
    assert book.append({"kind": "note"})["kind"] == "note"


def test_another_reason_not_to_lock_is_still_an_error(book, monkeypatch):
    def flock(descriptor, operation):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("fcntl.flock", flock)
    with pytest.raises(LedgerError, match="Input/output error"):
        book.append({"kind": "note"})


def test_the_marker_of_another_machine_is_named(book, monkeypatch, no_locks):
    book.append({"kind": "note"})
    marker = book.path.with_suffix(".locked")
    marker.write_text("12\nanother-machine\n")
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)
    with pytest.raises(LedgerError, match=f"If none is writing there, delete {marker}"):
        book.append({"kind": "note"})
    marker.unlink()
    book.append({"kind": "note"})


def test_without_locks_threads_do_not_mix_their_lines(book, no_locks):
    books = [Ledger(book.path) for _ in range(4)]
    threads = [
        threading.Thread(target=lambda b=b: [b.append({"kind": "note", "x": "x" * 5000}) for _ in range(5)])
        for b in books
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events, problems = ledger.read(book.path)
    assert (len(events), problems) == (20, [])


@pytest.mark.parametrize("name", ["ENOLCK", "EOPNOTSUPP"])
def test_without_locks_killed_writers_lose_nothing_and_leave_the_way_free(book, name):
    acknowledged, _ = kill_writers(book.path, 3, seconds=1.0, program=NO_LOCKS.format(name=name) + WRITER)
    assert acknowledged >= 9


def test_a_network_folder_that_cannot_be_synced_is_no_failure(book, monkeypatch):
    sync = os.fsync

    def refuse_folders(descriptor):
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    assert book.append({"kind": "note"})["kind"] == "note"


def kill_writers(path: Path, writers: int, seconds: float, program: str = WRITER) -> tuple[int, int]:
    """Run `writers` processes on one ledger, SIGKILL them one by one, and check that nothing acknowledged is lost.

    Returns how many events were acknowledged and how many lines the kills cut off.
    """
    processes = [
        subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
        for _ in range(writers)
    ]
    acknowledged: list[str] = []
    readers = [threading.Thread(target=lambda p=p: acknowledged.extend(p.stdout)) for p in processes]
    for reader in readers:
        reader.start()
    while len(acknowledged) < writers * 3:
        time.sleep(0.05)
    for process in processes:
        time.sleep(seconds / writers)
        process.send_signal(signal.SIGKILL)
    for process, reader in zip(processes, readers, strict=True):
        process.wait()
        reader.join()
    events, problems = ledger.read(path)
    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    lost = {line.strip() for line in acknowledged if line.endswith("\n")} - set(ids)
    assert not lost
    assert len(problems) <= writers
    return len(acknowledged), len(problems)


def test_killed_writers_lose_nothing_that_was_acknowledged(book):
    acknowledged, _ = kill_writers(book.path, writers=4, seconds=1.0)
    assert acknowledged >= 12
    book.append({"kind": "note", "id": "after"})
    assert ledger.read(book.path)[0][-1]["id"] == "after"


def test_each_line_is_json_that_others_can_read(book):
    book.append({"kind": "note", "text": "crème brûlée\n – “5”\u2028"})
    lines = book.path.read_text(encoding="utf-8").split("\n")
    assert [json.loads(line)["kind"] for line in lines if line] == ["header", "note"]
