"""A file that has a module's name is named before it makes a library fail in words about something else."""

import subprocess
import sys
from pathlib import Path

import pytest

from topfive import shadows, workspace


@pytest.mark.parametrize(
    "name", ["random", "types", "torch", "topfive", "numpy", "IPython", "matplotlib", "logging", "sys"]
)
def test_a_module_of_python_or_of_an_installed_package(tmp_path: Path, name: str):
    (tmp_path / f"{name}.py").touch()
    assert shadows.shadows(tmp_path) == [tmp_path / f"{name}.py"]


@pytest.mark.parametrize(
    "name", ["helper.py", "test.py", "my_random.py", "data.py", "random.txt", "tests.py", "judge.py"]
)
def test_what_hides_nothing(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    (tmp_path / "random").mkdir()
    assert shadows.shadows(tmp_path) == []


@pytest.mark.parametrize("name", ["lecture.torch.py", "lecture-torch.py", "torch.v2.py", "notes.random.py"])
def test_a_file_that_no_import_finds_hides_nothing(tmp_path: Path, name: str):
    (tmp_path / name).touch()
    assert shadows.shadows(tmp_path) == []


@pytest.mark.parametrize("name", ["torch.v2", "lecture.torch", "torch.py"])
def test_a_folder_that_no_import_finds_hides_nothing(tmp_path: Path, name: str):
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    assert shadows.shadows(tmp_path) == []


@pytest.mark.parametrize("name", ["torch.py", "random.py"])
def test_a_file_is_called_what_it_is_called(tmp_path: Path, name: str):
    file = tmp_path / "lecture" / name
    file.parent.mkdir()
    file.touch()
    (tmp_path / "lecture" / f"lecture.{name}").touch()
    assert [shadows.warning(path) for path in shadows.shadows(file.parent)] == [
        f"{file} is found instead of the real {file.stem}; rename it (my_{name}) and restart the kernel"
    ]


def test_a_package_of_that_name_counts_unless_it_is_a_projects(tmp_path: Path):
    for name in ("torch", "helpers", "topfive"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    assert shadows.shadows(tmp_path) == [tmp_path / "topfive", tmp_path / "torch"]
    (tmp_path / "pyproject.toml").touch()
    assert shadows.shadows(tmp_path) == []


def test_the_course_itself_hides_nothing():
    root = Path(shadows.__file__).parents[1]
    assert shadows.shadows(root, root / "tests", root / "topfive" / "nowhere") == []


def test_each_file_is_named_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "random.py").touch()
    assert shadows.shadows(Path(), tmp_path, Path.cwd()) == [tmp_path / "random.py"]


def test_lab_says_so_before_it_starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    homework = tmp_path / "homework"
    (homework / "06-ppo").mkdir(parents=True)
    (homework / "06-ppo" / "types.py").touch()
    said = "\n".join(workspace.describe(workspace.HandOut((), ()), homework))
    assert f"careful: {homework / '06-ppo' / 'types.py'} is found instead of the real types; rename it" in said


def python(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=False)


def test_in_a_kernel_the_courses_first_words_name_it(tmp_path: Path):
    for name in ("torch.py", "numpy.py", "helper.py"):
        (tmp_path / name).touch()
    said = python("import sys; sys.modules['ipykernel'] = sys; import topfive", tmp_path).stdout.splitlines()
    assert [line.split(" is found")[0] for line in said] == [
        f"careful: {tmp_path / n}" for n in ("numpy.py", "torch.py")
    ]
    assert python("import topfive", tmp_path).stdout == ""


def test_the_command_does_not_stumble_over_it(tmp_path: Path):
    for name in ("random.py", "torch.py", "typer.py"):
        (tmp_path / name).write_text("raise SystemExit('the wrong one')")
    done = subprocess.run(
        [sys.executable, "-m", "topfive", "data", "check"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
