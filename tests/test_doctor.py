"""Each thing the doctor looks at: what it says when it is fine, and when it is not."""

import sys
import tempfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from topfive import doctor
from topfive.doctor import MENDS, Finding, examine, healthy, mend

SYSTEMS = ("linux", "darwin", "win32")


def finding(subject: str, homework: Path) -> Finding:
    return next(found for found in examine(homework) if found.subject == subject)


def test_it_looks_at_everything_and_can_mend_each(tmp_path: Path):
    assert [found.subject for found in examine(tmp_path)] == list(MENDS)


@pytest.mark.parametrize("subject", ["Python", "packages", "kernel", "homework", "disk"])
def test_it_is_content_with_the_environment_of_the_tests(subject: str, tmp_path: Path):
    found = finding(subject, tmp_path / "not" / "yet" / "there")
    assert found.state == "ok", found


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("subject", MENDS)
def test_every_system_has_a_way_to_mend(subject: str, system: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "platform", system)
    assert mend(subject)


def test_conda_is_mended_with_conda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "conda-meta").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    assert mend("packages") == "conda env update -f environment.yml"


def test_only_a_problem_stands_in_the_way():
    fine, optional, problem = (Finding(state, "memory", "…") for state in ("ok", "optional", "problem"))
    assert healthy([fine, optional])
    assert not healthy([fine, problem])
    assert "mend: " not in str(fine)
    assert "mend: " in str(optional)


def test_an_old_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "version_info", (3, 10, 1))
    assert "3.10.1, the course needs 3.11" in finding("Python", tmp_path).message


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("pytest>=1", ""),
        ("pytest<1", f"pytest is {metadata.version('pytest')}, not <1"),
        ("no-such-package>=1", "no-such-package is missing"),
    ],
)
def test_a_requirement_in_words(line: str, said: str):
    assert doctor._unmet(Requirement(line)) == said


def test_missing_packages_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    needs = [
        "typer>=99",
        'absent>=1; extra == "grade"',
        'absent-too; extra == "dev"',
        'winonly; sys_platform == "none"',
    ]
    monkeypatch.setattr(metadata, "requires", lambda name: needs)
    assert finding("packages", tmp_path).message == f"typer is {metadata.version('typer')}, not >=99"
    grading = finding("grading", tmp_path)
    assert (grading.state, grading.message) == ("optional", "absent is missing; only instructors need it")


def test_a_topfive_that_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def requires(name: str) -> list[str]:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "requires", requires)
    assert finding("packages", tmp_path).message == "topfive itself is not installed"


def test_a_kernel_of_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=[str(tmp_path / "python"), "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    found = finding("kernel", tmp_path)
    assert (found.state, "another Python" in found.message) == ("problem", True)


def test_a_folder_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(dir: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    found = finding("homework", tmp_path)
    assert (found.state, "cannot be written (Permission denied)" in found.message) == ("problem", True)


@pytest.mark.parametrize("subject", ["memory", "disk"])
def test_too_little_room(subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=1e8))
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=1e8))
    found = finding(subject, tmp_path)
    assert (found.state, "0.1 GB free" in found.message) == ("problem", True)


def test_missing_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TOPFIVE_DATA", str(tmp_path))
    assert finding("checkpoints", tmp_path).state == "problem"
    (tmp_path / "checkpoints" / "sft").mkdir(parents=True)
    (tmp_path / "checkpoints" / "sft" / "model.safetensors").touch()
    assert finding("checkpoints", tmp_path).state == "ok"


@pytest.mark.parametrize("subject", ["chromium", "bubblewrap"])
def test_tools_of_tests_and_grading_are_optional(subject: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert finding(subject, tmp_path).state == "optional"


def test_a_broken_library_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert "cannot be looked at" in finding("memory", tmp_path).message
    assert finding("disk", tmp_path).state == "ok"
