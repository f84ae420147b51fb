"""Each thing the doctor looks at: what it says when it is fine, and when it is not."""

import importlib.util
import shutil
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import pytest
from packaging.requirements import Requirement

from topfive import doctor
from topfive.doctor import MENDS, Finding, examine, healthy, mend

WHO_NEEDS = {"chromium": "the browser tests need", "bubblewrap": "grading needs"}
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


def dist_info(folder: Path, name: str, text: str | None) -> Path:
    """What pip writes about a package, in a folder on the path; without METADATA if `text` is None."""
    made = folder / f"{name}.dist-info"
    made.mkdir()
    (made / "INSTALLER").write_text("pip\n")
    if text is not None:
        (made / "METADATA").write_text(text)
    return made


@pytest.mark.parametrize("text", [None, ""])
def test_what_an_interrupted_install_left_is_named_and_deleting_it_helps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | None
):
    monkeypatch.syspath_prepend(tmp_path)
    left = dist_info(tmp_path, "nowhere_else-1.0", text)
    assert doctor._unmet(Requirement("nowhere-else>=1")) == "nowhere-else is half installed"
    found = finding("leftovers", tmp_path)
    assert (found.state, str(left) in found.message) == ("problem", True)
    assert "delete what is named there, then: " in str(found)
    shutil.rmtree(left)
    assert finding("leftovers", tmp_path).state == "ok"
    assert doctor._unmet(Requirement("nowhere-else>=1")) == "nowhere-else is missing"


def test_so_it_is_where_a_library_has_imported_another_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The importlib_metadata package looks for distributions in the standard library's place from then on."""
    monkeypatch.setattr(metadata, "distributions", pytest.importorskip("importlib_metadata").distributions)
    monkeypatch.syspath_prepend(tmp_path)
    dist_info(tmp_path, "nowhere_else-1.0", None)
    assert doctor._unmet(Requirement("nowhere-else>=1")) == "nowhere-else is half installed"


def test_a_leftover_beside_a_whole_package_is_a_leftover_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(tmp_path)
    left = dist_info(tmp_path, "pytest-1.0", None)
    assert doctor._unmet(Requirement("pytest>=1")) == ""
    assert str(left) in finding("leftovers", tmp_path).message
    assert finding("packages", tmp_path).state == "ok"


def test_a_half_installed_topfive_is_no_topfive_without_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metadata, "requires", lambda name: None)
    assert finding("packages", tmp_path).message == "topfive itself is half installed"


def test_without_pip_it_is_mended_with_uv(monkeypatch: pytest.MonkeyPatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "pip" else find(name))
    assert mend("packages").startswith("uv pip install --torch-backend=cpu -c constraints.txt")


@pytest.mark.parametrize("name", ["random", "types", "torch", "topfive", "numpy"])
@pytest.mark.parametrize("where", ["", "06-ppo"])
def test_a_file_that_stands_in_for_a_module_is_named(tmp_path: Path, name: str, where: str):
    (tmp_path / "06-ppo").mkdir()
    file = tmp_path / where / f"{name}.py"
    file.touch()
    found = finding("names", tmp_path)
    assert (found.state, str(file) in found.message) == ("problem", True)


def test_the_current_folder_is_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "types.py").touch()
    assert str(tmp_path / "types.py") in finding("names", tmp_path / "not" / "there").message


def test_a_kernel_of_another_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    from jupyter_client.kernelspec import KernelSpecManager

    spec = SimpleNamespace(argv=[str(tmp_path / "python"), "-m", "ipykernel_launcher"])
    monkeypatch.setattr(KernelSpecManager, "get_kernel_spec", lambda self, name: spec)
    found = finding("kernel", tmp_path)
    assert (found.state, "another Python" in found.message) == ("problem", True)


@pytest.mark.parametrize("text", [b"", b'{"argv": ["python"', b"[]", b"null", b"{}", b'{"argv": []}', b"\xff\xfe{"])
def test_a_broken_kernelspec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: bytes):
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    folder = tmp_path / "kernels" / "python3"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_bytes(text)
    found = finding("kernel", tmp_path)
    assert found.state == "problem"
    assert found.message.startswith(f"{folder}/kernel.json is broken (")
    assert found.message.endswith("delete that folder first")
    assert "mend: " in str(found)


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


STAT = "anon 1\ninactive_file 100000000\nactive_file 5\ntotal_inactive_file 7\n"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"memory.max": "2000000000", "memory.current": "1900000000"}, "0.2 GB free, the course needs"),
        ({"memory.max": "1000000000", "memory.current": "1200000000"}, "0.0 GB free, the course needs"),
        ({"memory.max": "4000000000", "memory.current": "1000000000"}, "3.1 GB free"),
        ({"memory.max": "max", "memory.current": "1900000000"}, "8.0 GB free"),
        ({"memory/memory.limit_in_bytes": "2000000000", "memory/memory.usage_in_bytes": "1900000000"}, "0.2 GB free"),
        ({"memory/memory.limit_in_bytes": str(2**63 - 4096), "memory/memory.usage_in_bytes": "1"}, "8.0 GB free"),
        ({"memory.max": "nonsense"}, "8.0 GB free"),
        ({}, "8.0 GB free"),
    ],
)
def test_the_memory_of_a_container_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: dict[str, str], said: str
):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
        (tmp_path / name).with_name("memory.stat").write_text(STAT)
    monkeypatch.setattr(doctor, "CGROUPS", tmp_path)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(available=8e9))
    found = finding("memory", tmp_path)
    assert found.message.startswith(said)
    assert (found.state == "problem") == ("needs" in said or said == "0.2 GB free")


def test_something_unforeseen_in_one_part_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("psutil.virtual_memory", lambda: {}["available"])
    assert finding("memory", tmp_path).message == "cannot be looked at (KeyError: 'available')"


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
    assert finding(subject, tmp_path).message == f"not found; only {WHO_NEEDS[subject]} it"


def test_a_bubblewrap_that_cannot_be_started_is_wanted_by_grading_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("shutil.which", lambda name: str(tmp_path / "bwrap"))
    found = finding("bubblewrap", tmp_path)
    assert (found.state, found.message) == ("optional", "may not make a sandbox here; only grading needs it")


def test_a_broken_library_does_not_stop_the_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "psutil", None)
    assert "cannot be looked at" in finding("memory", tmp_path).message
    assert finding("disk", tmp_path).state == "ok"
