"""`make install` on what an interrupted or impossible set-up left. Nothing is downloaded: installing is `true`."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PYTHON = sys._base_executable  # type: ignore[attr-defined]
STAMP = Path(".venv", ".installed")

pytestmark = pytest.mark.skipif(shutil.which("make") is None, reason="no make")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def make(clone: Path, python: str = PYTHON, path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    command = ["make", "install", f"PYTHON={python}", "INSTALL=true"]
    return subprocess.run(command, cwd=clone, env={"PATH": path}, capture_output=True, text=True, check=False)


def has_pip(clone: Path) -> bool:
    command = [clone / ".venv/bin/python", "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def half(clone: Path) -> None:
    """What Debian leaves without python3-venv: a Python, no pip."""
    subprocess.run([PYTHON, "-m", "venv", "--without-pip", clone / ".venv"], check=True)


def test_half_an_environment_is_completed(clone: Path):
    half(clone)
    done = make(clone)
    assert (done.returncode, has_pip(clone), (clone / STAMP).exists()) == (0, True, True), done.stderr


def test_a_broken_pip_is_replaced(clone: Path):
    half(clone)
    [packages] = (clone / ".venv" / "lib").glob("*/site-packages")
    (packages / "pip").mkdir()
    (packages / "pip" / "__init__.py").write_text("raise ImportError('half of it')")
    assert make(clone).returncode == 0
    assert has_pip(clone)


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Path):
    half(clone)
    (clone / STAMP).touch()
    for name in (clone / ".venv" / "bin").glob("python*"):
        name.unlink()
        name.symlink_to("/no/such/python")
    assert make(clone).returncode == 0
    assert has_pip(clone)


def test_a_whole_environment_is_left_alone(clone: Path):
    half(clone)
    (clone / STAMP).touch()
    assert "Nothing to be done" in make(clone).stdout
    assert not has_pip(clone)


def test_uv_needs_no_pip(clone: Path):
    half(clone)
    (clone / "uv").write_text("#!/bin/sh\n")
    (clone / "uv").chmod(0o755)
    assert make(clone, path=f"{clone}:/usr/bin:/bin").returncode == 0
    assert not has_pip(clone)


def test_without_a_way_to_make_one_it_says_what_to_do(clone: Path):
    fake = clone / "debian-python3"
    fake.write_text(
        f'#!/bin/sh\n[ "$2" = venv ] && echo "apt install python3-venv" >&2 && exit 1\nexec {PYTHON} "$@"\n'
    )
    fake.chmod(0o755)
    for _ in range(2):
        done = make(clone, python=str(fake))
        assert done.returncode == 2
        assert "apt install python3-venv" in done.stderr
        assert "give the same command again" in done.stderr
