"""homework/ belongs to the student: handing out adds, and never overwrites, deletes or leaves the folder."""

import json
import os
import tomllib
from pathlib import Path

import pytest

from topfive import release as release_module
from topfive import workspace
from topfive.errors import TopFiveError
from topfive.ledger import Ledger, read
from topfive.startup import python_m
from topfive.workspace import FIRST, RECORD, hand_out


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "notebooks"
    write(folder / FIRST, "first")
    write(folder / "01-labelling" / "picture.png", "picture")
    return folder


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_everything_is_handed_out_once(release: Path, tmp_path: Path):
    homework = tmp_path / "deep" / "homework"
    assert hand_out(release, homework).added == (FIRST, "01-labelling/picture.png")
    assert (homework / FIRST).read_text() == "first"
    assert hand_out(release, homework) == workspace.HandOut((), ())


def test_what_is_new_later_is_added(release: Path, tmp_path: Path):
    hand_out(release, tmp_path / "homework")
    write(release / "02-writing" / "02-writing.ipynb", "second")
    assert hand_out(release, tmp_path / "homework").added == ("02-writing/02-writing.ipynb",)


def test_a_students_work_stays(release: Path, tmp_path: Path):
    homework = tmp_path / "homework"
    hand_out(release, homework)
    write(homework / FIRST, "my answers")
    write(homework / "00-start-here" / "work" / "ledger.jsonl", "my clicks")
    assert hand_out(release, homework) == workspace.HandOut((), ())
    assert (homework / FIRST).read_text() == "my answers"
    assert (homework / "00-start-here" / "work" / "ledger.jsonl").read_text() == "my clicks"


@pytest.mark.parametrize("mine", ["first", "my answers"])
def test_a_newer_release_is_mentioned_and_put_nowhere(release: Path, tmp_path: Path, mine: str):
    homework = tmp_path / "homework"
    hand_out(release, homework)
    write(homework / FIRST, mine)
    write(release / FIRST, "first, improved")
    files = sorted(homework.rglob("*"))
    done = hand_out(release, homework)
    assert done == workspace.HandOut((), (FIRST,))
    assert FIRST in "\n".join(workspace.describe(done, homework))
    assert (homework / FIRST).read_text() == mine
    assert sorted(homework.rglob("*")) == files


def test_renaming_ones_own_copy_brings_the_newer_one(release: Path, tmp_path: Path):
    homework = tmp_path / "homework"
    hand_out(release, homework)
    write(release / FIRST, "first, improved")
    (homework / FIRST).rename(homework / "mine.ipynb")
    assert hand_out(release, homework).added == (FIRST,)
    assert (homework / FIRST).read_text() == "first, improved"
    assert (homework / "mine.ipynb").read_text() == "first"


@pytest.mark.parametrize("record", ["", "[1, 2]", '{"half": '])
def test_a_lost_record_costs_no_work(release: Path, tmp_path: Path, record: str):
    homework = tmp_path / "homework"
    hand_out(release, homework)
    write(homework / FIRST, "my answers")
    (homework / RECORD).write_text(record)
    assert hand_out(release, homework).newer == (FIRST,)
    assert (homework / FIRST).read_text() == "my answers"


def test_hidden_files_and_links_of_the_release_are_not_handed_out(release: Path, tmp_path: Path):
    write(release / "00-start-here" / ".ipynb_checkpoints" / "old.ipynb", "old")
    write(release / "00-start-here" / "__pycache__" / "x.pyc", "cache")
    (release / "00-start-here" / "link.txt").symlink_to(tmp_path)
    assert hand_out(release, tmp_path / "homework").added == (FIRST, "01-labelling/picture.png")


@pytest.mark.parametrize(
    "left",
    [
        "work/ledger.jsonl",
        "work/ledger.lock",
        "work/sft/model.safetensors",
        "work/brought/04/ledger.jsonl",
        "checkpoints/policy/model.safetensors",
        "runs/vegetarian-0/report.json",
        "feedback/00-start-here.html",
        "deep/work/ledger.jsonl",
        "ledger.jsonl",
        "00-start-here-rank-unsaved.jsonl",
        "00-start-here-Copy1.ipynb",
        "00-start-here-Copy12.ipynb",
        "Untitled.ipynb",
        "Untitled1.ipynb",
        ".ipynb_checkpoints/00-start-here-checkpoint.ipynb",
        "__pycache__/helper.cpython-311.pyc",
        "00-start-here.ipynb~",
    ],
)
def test_what_somebody_left_who_worked_in_the_release_is_not_handed_out(release: Path, tmp_path: Path, left: str):
    write(release / "00-start-here" / left, "mine")
    done = hand_out(release, tmp_path / "homework")
    assert done == workspace.HandOut((FIRST, "01-labelling/picture.png"), ())


@pytest.mark.parametrize("name", ["homework.png", "workbench/picture.png", "Copying.ipynb", "helper.py", "lists.jsonl"])
def test_what_only_sounds_alike_is_handed_out(release: Path, tmp_path: Path, name: str):
    write(release / "00-start-here" / name, "released")
    assert f"00-start-here/{name}" in hand_out(release, tmp_path / "homework").added


def test_everybody_gets_a_ledger_of_their_own(release: Path, tmp_path: Path):
    name = "00-start-here/work/ledger.jsonl"
    Ledger(release / name).append({"kind": "flag", "reason": "mine"})
    homes = [tmp_path / who for who in ("one", "two")]
    for home in homes:
        hand_out(release, home)
        assert read(home / name)[0] == []
    assert len({Ledger(home / name).header()["student"] for home in homes}) == 2


def test_a_folder_that_links_elsewhere_is_not_written_into(release: Path, tmp_path: Path):
    homework, outside = tmp_path / "homework", tmp_path / "outside"
    homework.mkdir()
    outside.mkdir()
    (homework / "00-start-here").symlink_to(outside)
    with pytest.raises(TopFiveError, match="a link out of"):
        hand_out(release, homework)
    assert not list(outside.iterdir())


def test_a_dangling_link_in_a_files_place_is_left_alone(release: Path, tmp_path: Path):
    homework, outside = tmp_path / "homework", tmp_path / "outside.ipynb"
    (homework / "00-start-here").mkdir(parents=True)
    (homework / FIRST).symlink_to(outside)
    assert hand_out(release, homework).newer == (FIRST,)
    assert not outside.exists()


def test_homework_itself_may_be_a_link_to_another_disk(release: Path, tmp_path: Path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "homework").symlink_to(tmp_path / "disk")
    hand_out(release, tmp_path / "homework")
    assert (tmp_path / "disk" / FIRST).read_text() == "first"


def test_the_release_itself_is_no_homework(release: Path):
    with pytest.raises(TopFiveError, match="the release itself"):
        hand_out(release, release / "homework")


def become(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], dict[str, str]]]:
    """What would be executed in the place of this process."""
    done: list[tuple[list[str], dict[str, str]]] = []
    monkeypatch.setattr(
        workspace.os, "execve", lambda program, command, environment: done.append((command, environment))
    )
    monkeypatch.setattr(workspace.sys, "exit", lambda *_: None)
    monkeypatch.setattr(workspace.subprocess, "call", lambda *_, **__: None)
    monkeypatch.setattr(workspace.signal, "signal", lambda *_: None)
    return done


def test_the_lab_opens_in_homework_on_the_first_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    done = become(monkeypatch)
    workspace.open_lab(tmp_path, ["--no-browser", "--port=9999"])
    [(command, _)] = done
    assert command[:3] == python_m("jupyterlab")
    assert {f"--ServerApp.root_dir={tmp_path}", "--no-browser", "--port=9999"} < set(command)
    assert f"--LabApp.default_url=/lab/tree/{FIRST}" in command
    assert ("--allow-root" in command) == (os.geteuid() == 0)


def test_a_students_lab_is_without_the_instructors_tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/their/own")
    done = become(monkeypatch)
    workspace.open_lab(tmp_path)
    workspace.open_instructors_lab(tmp_path)
    ours, theirs = done[0][1]["JUPYTER_CONFIG_PATH"].split(os.pathsep)
    assert theirs == "/their/own"
    settings = json.loads((Path(ours) / "labconfig" / "page_config.json").read_text())
    assert settings == {"disabledExtensions": {"@jupyter/nbgrader": True}}
    command, environment = done[1]
    assert environment["JUPYTER_CONFIG_PATH"] == "/their/own"
    assert f"--ServerApp.root_dir={tmp_path}" in command
    assert not any("default_url" in word for word in command)


def test_a_students_lab_does_not_ask_about_news(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from jupyterlab.commands import get_app_dir
    from jupyterlab_server.settings_utils import get_settings

    app, name = Path(get_app_dir()), "@jupyterlab/apputils-extension:notification"

    def asks() -> str:
        settings, _ = get_settings(str(app / "settings"), str(app / "schemas"), str(tmp_path), name)
        return str(settings["schema"]["properties"]["fetchNews"]["default"])

    assert asks() == "none", "JupyterLab's own setting: it asks"
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", str(workspace.STUDENTS))
    assert asks() == "false"


def test_in_a_clone_homework_stands_beside_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    assert workspace.default_homework() == Path(workspace.__file__).parent.parent / "homework"
    monkeypatch.setattr(release_module, "__file__", str(tmp_path / "site-packages" / "topfive" / "release.py"))
    monkeypatch.chdir(tmp_path)
    assert workspace.default_homework() == tmp_path / "homework"


def test_without_notebooks_it_says_how_to_build_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(release_module, "__file__", str(tmp_path / "topfive" / "release.py"))
    with pytest.raises(TopFiveError, match=r"missing; `python -m topfive\.build\.notebooks`"):
        release_module.released()


def test_a_wheel_takes_only_what_git_would_and_what_is_handed_out():
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert "force-include" not in wheel, "it takes what git ignores too"
    assert wheel["sources"] == {"data": "topfive/_data", "notebooks": "topfive/_notebooks"}
