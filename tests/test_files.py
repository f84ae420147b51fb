import errno
import os
from pathlib import Path

import pytest

from topfive.files import write_atomic, write_folder_atomic


def put(name: str, text: str):
    """What writes one file into a folder."""
    return lambda folder: (folder / name).write_text(text)


def fail(*_: object) -> None:
    raise OSError("no space left")


def test_a_file_is_written_in_utf8_with_unix_line_ends(tmp_path: Path):
    write_atomic(tmp_path / "list.txt", "café\nsoup\n")
    assert (tmp_path / "list.txt").read_bytes() == b"caf\xc3\xa9\nsoup\n"
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str):
    file = tmp_path / "list.txt"
    write_atomic(file, "old")
    monkeypatch.setattr(*((os, call) if call == "fsync" else (Path, call)), fail)
    with pytest.raises(OSError, match="no space left"):
        write_atomic(file, "new")
    assert file.read_text() == "old"


@pytest.mark.parametrize(("target", "named"), [("nowhere/list.txt", "nowhere"), ("a/b/list.txt", "a/b")])
def test_a_missing_folder_is_named(tmp_path: Path, target: str, named: str):
    with pytest.raises(FileNotFoundError) as failed:
        write_atomic(tmp_path / target, "new")
    assert failed.value.filename == str(tmp_path / named)


def test_a_full_disk_names_the_file_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(number: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left") as failed:
        write_atomic(tmp_path / "list.txt", "new")
    assert failed.value.filename == str(tmp_path / "list.txt")
    assert not list(tmp_path.iterdir())


def test_a_file_is_synced_before_it_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    calls = []
    sync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda number: (calls.append("sync"), sync(number)))
    monkeypatch.setattr(Path, "replace", lambda *paths: (calls.append("replace"), replace(*paths)))
    write_atomic(tmp_path / "list.txt", "new")
    assert calls == ["sync", "replace"]


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    write_folder_atomic(folder, put("new.txt", "new"))
    assert [path.name for path in folder.iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path: Path):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    with pytest.raises(OSError, match="no space left"):
        write_folder_atomic(folder, fail)
    assert (folder / "old.txt").read_text() == "old"
    write_folder_atomic(folder, put("new.txt", "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]


def test_a_folder_that_cannot_take_its_name_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    rename = Path.rename
    monkeypatch.setattr(Path, "rename", lambda path, to: fail() if to == folder else rename(path, to))
    with pytest.raises(OSError, match="no space left"):
        write_folder_atomic(folder, put("new.txt", "new"))
    assert (folder / "old.txt").read_text() == "old"
