import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from topfive import data, files
from topfive.files import recover, write_atomic, write_folder_atomic
from topfive.lm.model import load
from topfive.lm.state import load_extra, load_state, save_state


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


KILLED = """
import os, sys
from pathlib import Path
from topfive.files import write_folder_atomic
folder, renames = Path(sys.argv[1]), int(sys.argv[2])
rename = Path.rename
def rename_or_die(path, to):
    global renames
    if renames == 0:
        os._exit(9)
    renames -= 1
    return rename(path, to)
Path.rename = rename_or_die
write_folder_atomic(folder, lambda temporary: (temporary / "new.txt").write_text("new"))
os._exit(0)
"""


def killed_after(renames: int, folder: Path) -> None:
    """Write {new.txt: new} to `folder` in a process that ends before rename number `renames`."""
    done = subprocess.run([sys.executable, "-c", KILLED, str(folder), str(renames)], check=False)
    assert done.returncode == 9


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PATIENCE", 0.0)


def test_killed_between_the_renames_reading_finds_the_new_and_says_so(tmp_path, at_once, capsys):
    folder = tmp_path / "state [1]"
    write_folder_atomic(folder, put("old.txt", "old"))
    killed_after(1, folder)
    assert not folder.exists()
    recover(folder)
    assert [path.name for path in folder.iterdir()] == ["new.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["state [1]"]
    assert f"{folder}: saving was interrupted" in capsys.readouterr().out
    recover(folder)
    assert capsys.readouterr().out == ""


def test_killed_between_the_renames_writing_loses_nothing_if_it_fails(tmp_path, at_once):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    killed_after(1, folder)
    with pytest.raises(OSError, match="no space left"):
        write_folder_atomic(folder, fail)
    assert (folder / "new.txt").read_text() == "new"


def test_killed_before_the_first_rename_the_old_one_stays(tmp_path, at_once):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    killed_after(0, folder)
    recover(folder)
    assert (folder / "old.txt").read_text() == "old"


@pytest.mark.parametrize("end", ["tmp", "old"])
def test_what_may_be_half_of_a_folder_is_not_taken_for_it(tmp_path, at_once, end):
    """Killed while filling there is no old one; killed while deleting the old one, the new one had its name already."""
    (tmp_path / f".state.12.{end}").mkdir()
    recover(tmp_path / "state")
    assert not (tmp_path / "state").exists()


def test_a_full_disk_names_the_folder_and_leaves_nothing(tmp_path):
    def full(folder: Path) -> None:
        (folder / "half.txt").touch()
        raise OSError(errno.ENOSPC, "No space left on device", str(folder / "half.txt"))

    with pytest.raises(OSError, match="No space left") as failed:
        write_folder_atomic(tmp_path / "state", full)
    assert failed.value.filename == str(tmp_path / "state")
    assert not list(tmp_path.iterdir())


def stopped(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_ctrl_c_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, call):
    write_atomic(tmp_path / "list.txt", "old")
    monkeypatch.setattr(*((os, call) if call == "fsync" else (Path, call)), stopped)
    with pytest.raises(KeyboardInterrupt):
        write_atomic(tmp_path / "list.txt", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]
    assert (tmp_path / "list.txt").read_text() == "old"


def test_a_text_that_cannot_be_written_leaves_the_old_file_and_nothing_else(tmp_path):
    write_atomic(tmp_path / "list.txt", "old")
    with pytest.raises(UnicodeEncodeError):
        write_atomic(tmp_path / "list.txt", "half \ud800")
    assert [path.name for path in tmp_path.iterdir()] == ["list.txt"]
    assert (tmp_path / "list.txt").read_text() == "old"


def refused(folder: Path) -> None:
    shared = torch.zeros(2)
    save_file({"a": shared, "b": shared}, folder / "model.safetensors")


def unserialisable(folder: Path) -> None:
    (folder / "half.txt").touch()
    raise SafetensorError("Error while serializing")


@pytest.mark.parametrize("fill", [stopped, unserialisable, refused])
def test_whatever_stops_a_folder_from_being_filled_leaves_the_old_one_and_nothing_else(tmp_path, fill):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    with pytest.raises((KeyboardInterrupt, SafetensorError, RuntimeError)):
        write_folder_atomic(folder, fill)
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (folder / "old.txt").read_text() == "old"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(errno.EACCES, "Permission denied")])
@pytest.mark.parametrize("number", [0, 1], ids=["before the first rename", "between the renames"])
def test_stopped_at_a_rename_the_old_folder_is_back_and_nothing_else_is_there(tmp_path, monkeypatch, error, number):
    folder = tmp_path / "state"
    write_folder_atomic(folder, put("old.txt", "old"))
    rename, done = Path.rename, []

    def stopping(path, to):
        done.append(path)
        if len(done) - 1 == number:
            raise error
        return rename(path, to)

    monkeypatch.setattr(Path, "rename", stopping)
    with pytest.raises(type(error)):
        write_folder_atomic(folder, put("new.txt", "new"))
    assert [path.name for path in tmp_path.iterdir()] == ["state"]
    assert (folder / "old.txt").read_text() == "old"


def test_the_folder_of_a_longer_name_is_another(tmp_path, at_once):
    for end in ("tmp", "old"):
        (tmp_path / f".state.12.12.{end}").mkdir()
    recover(tmp_path / "state")
    assert not (tmp_path / "state").exists()
    recover(tmp_path / "state.12")
    assert (tmp_path / "state.12").is_dir()


def test_another_writer_between_its_renames_is_waited_for(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "state"
    (tmp_path / ".state.12.old").mkdir()
    (tmp_path / ".state.12.tmp").mkdir()
    monkeypatch.setattr(time, "sleep", lambda seconds: (tmp_path / ".state.12.tmp").rename(folder))
    recover(folder)
    assert capsys.readouterr().out == ""
    assert folder.is_dir()


def test_the_files_of_a_folder_are_synced_before_it_takes_its_name(tmp_path, monkeypatch):
    synced = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: (synced.append(os.fstat(number).st_size), sync(number)))
    write_folder_atomic(tmp_path / "state", put("new.txt", "four"))
    assert synced == [4]


def test_training_goes_on_where_it_was_killed_while_saving(tmp_path, at_once):
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.AdamW(model.parameters())
    save_state(tmp_path / "state", model, [optimizer], step=10)
    save_state(tmp_path / "other", model, [optimizer], step=20, extra={"kl_coef": 0.5})
    (tmp_path / "state").rename(tmp_path / ".state.7.old")
    (tmp_path / "other").rename(tmp_path / ".state.7.tmp")
    assert load_extra(tmp_path / "state") == {"kl_coef": 0.5}
    assert load_state(tmp_path / "state", model, [optimizer]) == 20


def test_a_model_is_read_that_was_killed_while_it_was_saved(tmp_path, at_once):
    shutil.copytree(data.checkpoint("sft"), tmp_path / ".sft.7.tmp")
    (tmp_path / ".sft.7.old").mkdir()
    model, _ = load(tmp_path / "sft")
    assert model.config.model_type == "gpt2"
