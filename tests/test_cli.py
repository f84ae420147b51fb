"""The command line: one screen of help, and one line on stderr with exit code 2 when the input is wrong."""

import errno
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from topfive import cli, data, doctor, release, validate, workspace
from topfive.errors import TopFiveError
from topfive.ledger import Ledger, ranking_event
from topfive.lists import Prompt, Ranking

REPORT = {"win_rate": {"mean": 0.8, "low": 0.75, "high": 0.85, "n": 300}}


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str


class Terminal:
    """Types commands."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
        self.monkeypatch, self.capsys = monkeypatch, capsys

    def __call__(self, *arguments: str) -> Result:
        self.monkeypatch.setattr(sys, "argv", ["topfive", *arguments])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return Result(int(stopped.value.code or 0), *self.capsys.readouterr())


@pytest.fixture
def topfive(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Terminal:
    return Terminal(monkeypatch, capsys)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    """Stands in for topfive.loop and notes what it is asked to run."""
    asked: list[tuple] = []
    fake = ModuleType("topfive.loop")
    fake.RunConfig = lambda *values: values  # type: ignore[attr-defined]
    fake.run = lambda config: asked.append(config) or REPORT  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "topfive.loop", fake)
    return asked


@pytest.mark.parametrize("arguments", [(), ("--help",), ("-h",)])
def test_help_fits_one_screen(topfive: Terminal, arguments: tuple[str, ...]):
    result = topfive(*arguments)
    assert result.code == 0
    assert len(result.out.splitlines()) <= 24
    assert max(map(len, result.out.splitlines())) <= 80
    assert not [line for line in result.out.splitlines()[1:] if line.endswith("...")]
    for command in ("doctor", "lab", "validate", "revert", "run", "ledger", "data"):
        assert f"\n  {command} " in result.out


@pytest.mark.parametrize(
    "arguments", [("rum",), ("data",), ("run", "--seed", "x"), ("lab", "--port", ""), ("run", "-q")]
)
def test_a_wrong_command_is_one_line(topfive: Terminal, arguments: tuple[str, ...]):
    result = topfive(*arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("error: ")
    assert len(result.err.splitlines()) == 1


def test_doctor_fails_only_on_a_problem(topfive: Terminal, monkeypatch: pytest.MonkeyPatch):
    found = [doctor.Finding("ok", "disk", "5 GB"), doctor.Finding("optional", "chromium", "not found")]
    monkeypatch.setattr(doctor, "examine", lambda homework: found)
    assert topfive("doctor").code == 0
    found.append(doctor.Finding("problem", "memory", "0.1 GB free"))
    result = topfive("doctor")
    assert (result.code, "mend: close other programs" in result.out) == (1, True)


def test_lab_hands_out_and_opens(topfive: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    released = tmp_path / "notebooks"
    (released / workspace.FIRST).parent.mkdir(parents=True)
    (released / workspace.FIRST).write_text("first")
    monkeypatch.setattr(release, "released", lambda: released)
    opened: list[tuple] = []
    monkeypatch.setattr(workspace, "open_lab", lambda *given: opened.append(given))
    homework = tmp_path / "homework"
    result = topfive("lab", "--homework", str(homework), "--no-browser", "--port", "8899")
    assert opened == [(homework, ["--no-browser", "--port=8899"])]
    assert (homework / workspace.FIRST).read_text() == "first"
    assert "added: 00-start-here" in result.out
    assert len(result.out.splitlines()) == 3


def test_lab_where_a_file_stands_in_the_way(topfive: Terminal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(release, "released", lambda: tmp_path)
    (tmp_path / "taken").touch()
    result = topfive("lab", "--homework", str(tmp_path / "taken"))
    assert (result.code, result.err) == (2, f"error: {tmp_path / 'taken'}: File exists\n")


@pytest.fixture
def homework(tmp_path: Path) -> Path:
    shutil.copytree(release.released() / "06-ppo", tmp_path / "homework" / "06-ppo")
    return tmp_path / "homework"


def test_validate_prints_a_page(topfive: Terminal, monkeypatch: pytest.MonkeyPatch, homework: Path):
    from topfive.grading import rehearse

    asked: list[tuple] = []
    graded = (rehearse.Graded("gae-test", 2.0, 3.0, "6.3: 2 of 3 points; not right yet: γ below 1"),)
    found = rehearse.Rehearsal((), (), {}, graded)
    monkeypatch.setattr(rehearse, "rehearse", lambda *given: asked.append(given) or found)
    result = topfive("validate", "6", "--homework", str(homework))
    assert (result.code, result.err) == (0, "")
    assert f"06-ppo, as it lies in {homework / '06-ppo'}" in result.out
    assert "gae-test: 6.3: 2 of 3 points; not right yet: γ below 1" in result.out
    [(folder, released, tests, _)] = asked
    assert (folder, released.name, "gae-test" in tests) == (homework / "06-ppo", "06-ppo.ipynb", True)


def test_the_last_cell_of_a_notebook_prints_the_page_but_not_while_it_is_graded(
    monkeypatch: pytest.MonkeyPatch, homework: Path, capsys: pytest.CaptureFixture[str]
):
    from topfive.grading import rehearse

    found = rehearse.Rehearsal((), (), {}, (rehearse.Graded("gae-test", 2.0, 3.0, "6.3: 2 of 3 points"),))
    monkeypatch.setattr(rehearse, "rehearse", lambda *given: found)
    monkeypatch.chdir(homework / "06-ppo")
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    validate.before_handing_in()
    assert capsys.readouterr().out == ""
    monkeypatch.delenv("NBGRADER_EXECUTION")
    validate.before_handing_in()
    assert "gae-test: 6.3: 2 of 3 points" in capsys.readouterr().out
    (homework / "06-ppo" / "06-ppo.ipynb").write_text("{")
    validate.before_handing_in()
    assert "06-ppo.ipynb is damaged" in capsys.readouterr().out


def test_validate_of_what_cannot_be_graded_is_one_line(
    topfive: Terminal, monkeypatch: pytest.MonkeyPatch, homework: Path
):
    notebook = homework / "06-ppo" / "06-ppo.ipynb"
    shutil.copy(notebook, homework / "06-ppo" / "06-ppo-Copy1.ipynb")
    copy = topfive("validate", str(homework / "06-ppo" / "06-ppo-Copy1.ipynb"))
    notebook.write_text("{")
    damaged = topfive("validate", str(notebook))
    other = topfive("validate", "99", "--homework", str(homework))
    monkeypatch.setitem(sys.modules, "topfive.grading.rehearse", None)
    for result, said in (
        (copy, "06-ppo-Copy1.ipynb is not what is graded, 06-ppo.ipynb beside it is"),
        (damaged, "06-ppo.ipynb is damaged"),
        (other, "there are 01-labelling-basics"),
        (topfive("validate", "6", "--homework", str(homework)), "this needs nbgrader"),
    ):
        assert (result.code, result.out) == (2, "")
        assert len(result.err.splitlines()) == 1
        assert said in result.err


def test_revert_gives_one_cell_back(topfive: Terminal, homework: Path):
    result = topfive("revert", "06-ppo", "6.3", "--homework", str(homework))
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Cell 'gae' is as it was given out; nothing was changed.")
    assert topfive("revert", "06-ppo", "6.99", "--homework", str(homework)).code == 2


def test_run_with_defaults(topfive: Terminal, runs: list[tuple]):
    result = topfive("run")
    assert runs == [("vegetarian", 400, 0, Path("runs/vegetarian-0"), False, None, (), False)]
    assert result.out == "win rate 0.80 [0.75, 0.85] over 300 held-out prompts; see runs/vegetarian-0\n"


@pytest.mark.parametrize(
    ("arguments", "asked"),
    [
        ("--taste my/spicy.json --seed 3", ("my/spicy.json", 400, 3, Path("runs/spicy-3"), False, None, (), False)),
        ("--rankings 40 --out x --from-scratch", ("vegetarian", 40, 0, Path("x"), True, None, (), False)),
        ("--ledger work/mine.jsonl", (None, 400, 0, Path("runs/mine-0"), False, Path("work/mine.jsonl"), (), False)),
        (
            "--ledger a.jsonl --taste thrifty",
            ("thrifty", 400, 0, Path("runs/thrifty-0"), False, Path("a.jsonl"), (), False),
        ),
        (
            "--topics warming-soups --topics packed-lunches --controls",
            ("vegetarian", 400, 0, Path("runs/vegetarian-0"), False, None, ("warming-soups", "packed-lunches"), True),
        ),
    ],
)
def test_run_with_options(topfive: Terminal, runs: list[tuple], arguments: str, asked: tuple):
    topfive("run", *arguments.split())
    assert runs == [asked]


def test_run_says_how_it_did_against_its_controls(
    topfive: Terminal, monkeypatch: pytest.MonkeyPatch, runs: list[tuple]
):
    controls = {name: {"win_rate_of_the_run": REPORT["win_rate"]} for name in ("crowd only", "shuffled")}
    monkeypatch.setitem(REPORT, "controls", controls)
    assert topfive("run", "--controls").out.endswith("over shuffled, trained as far: 0.80 [0.75, 0.85]\n")


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (TopFiveError("no such taste"), 2, "error: no such taste\n"),
        (PermissionError(13, "Permission denied", "there"), 2, "error: there: Permission denied\n"),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_how_a_command_ends(topfive: Terminal, runs: list[tuple], error: BaseException, code: int, said: str):
    def run(config: tuple) -> None:
        raise error

    sys.modules["topfive.loop"].run = run  # type: ignore[attr-defined]
    result = topfive("run")
    assert (result.code, result.err) == (code, said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "error: No space left on device\n"),
        (OSError("of a library\nthat says much"), "error: of a library that says much\n"),
        (ConnectionError(), "error: ConnectionError\n"),
    ],
)
def test_an_error_of_the_system_without_a_file_is_one_line_too(
    topfive: Terminal, runs: list[tuple], error: OSError, said: str
):
    def run(config: tuple) -> None:
        raise error

    sys.modules["topfive.loop"].run = run  # type: ignore[attr-defined]
    assert topfive("run") == Result(2, "", said)


@pytest.mark.parametrize("arguments", [("ledger", "show"), ("ledger", "rank"), ("doctor",), ("run",), ("lab",)])
def test_in_a_folder_that_is_gone_it_says_so(
    topfive: Terminal, runs: list[tuple], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
):
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    result = topfive(*arguments)
    assert (result.code, result.out, runs) == (2, "", [])
    assert (
        result.err
        == "error: the folder you are in is gone; change to one that is there (cd) and give the command again\n"
    )


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "utf-8"])
@pytest.mark.parametrize("command", ["show", "rank", "export preferences 茶/out.jsonl"])
def test_a_terminal_without_the_characters_gets_question_marks(tmp_path: Path, encoding: str, command: str):
    prompt, texts = Prompt("top 5 teas 🍵", "teas"), ("\n1. 緑茶 → é", "\n1. Łódź")
    Ledger(tmp_path / "work" / "ledger.jsonl").append(ranking_event(Ranking(prompt, texts, (1, 2))))
    (tmp_path / "lists.jsonl").write_text(json.dumps({"prompt": prompt.text + "!", "texts": texts}), "utf-8")
    more = ["--lists", "lists.jsonl"] if command == "rank" else []
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-m", "topfive", "ledger", *command.split(), *more],
        cwd=tmp_path,
        env=environment,
        input=b"\x81\xff\na b\n",
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    if command.startswith("export"):
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    else:
        assert (done.returncode, done.stderr) == (0, b"")
        assert (b"?" if encoding != "utf-8" else "緑茶 → é".encode()) in done.stdout


def test_a_bug_is_not_dressed_up_as_wrong_input(monkeypatch: pytest.MonkeyPatch, runs: list[tuple]):
    monkeypatch.setattr(sys, "argv", ["topfive", "run"])
    sys.modules["topfive.loop"].run = lambda config: SimpleNamespace().missing  # type: ignore[attr-defined]
    with pytest.raises(AttributeError):
        cli.main()


@pytest.fixture
def some_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of data/ that a test may break."""
    shutil.copytree(data.folder(), tmp_path / "data", ignore=shutil.ignore_patterns("checkpoints", "pretraining"))
    monkeypatch.setenv("TOPFIVE_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_data_check_is_content_with_the_shipped_data(topfive: Terminal, some_data: Path):
    assert topfive("data", "check").code == 0


def test_data_check_names_every_problem_by_file_and_line(topfive: Terminal, some_data: Path):
    items = some_data / "items" / "sandwiches.jsonl"
    first, *rest = items.read_text("utf-8").splitlines()
    items.write_text("\n".join([first, *rest, first, rest[0].replace('"sandwiches"', '"no-such-topic"')]), "utf-8")
    result = topfive("data", "check")
    assert result.code == 2
    assert f"{items}:{len(rest) + 2}: id 'sandwiches-01' stands already in" in result.out
    assert f"{items}:{len(rest) + 3}: unknown topic 'no-such-topic'" in result.out
    assert f"problems in {some_data}" in result.err


def test_data_check_on_a_broken_line(topfive: Terminal, some_data: Path):
    items = some_data / "items" / "sandwiches.jsonl"
    items.write_text('{"id": \n', "utf-8")
    result = topfive("data", "check")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {items}:1: not JSON")
