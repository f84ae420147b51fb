"""`topfive doctor`: is everything here that the course needs, and if not, how is it mended on this machine?

Quick on purpose: it looks at what is installed and starts nothing heavy (torch is never imported).
"""

import contextlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from topfive import data
from topfive.shadows import shadows
from topfive.threads import cores, free_of, taken_by_others
from topfive.workspace import default_homework, places

if TYPE_CHECKING:
    from packaging.requirements import Requirement

PYTHON = (3, 11)
MEMORY_GB = 1.5
DISK_GB = 1.0
BUSY = 0.3  # share of the cores that others take before it is worth a word
CGROUPS = Path("/sys/fs/cgroup")
CGROUP_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")

# How to mend each subject, by system. In a conda environment "conda" goes first; "any" is for all the others.
MENDS = {
    "Python": {
        "conda": 'conda install "python>=3.11"',
        "linux": "install a newer one (Debian, Ubuntu: apt install python3 python3-venv), delete .venv, make lab",
        "darwin": "brew install python@3.12, delete .venv, make lab",
        "win32": "winget install Python.Python.3.12, delete .venv, and set it up again as the README says",
    },
    "packages": {
        "conda": "conda env update -f environment.yml",
        "win32": 'python -m pip install -c constraints.txt -e ".[grade]"',
        "any": 'python -m pip install -c constraints.txt -e ".[grade]"',
    },
    "leftovers": {
        "conda": "delete what is named there; if a package is missing then: conda install --force-reinstall PACKAGE",
        "any": 'delete what is named there, then: python -m pip install -c constraints.txt -e ".[grade]"',
    },
    "names": {
        "any": "rename what is named there (random.py to my_random.py, say), and restart the kernel",
    },
    "kernel": {
        "conda": "conda install ipykernel, then: python -m ipykernel install --sys-prefix",
        "any": "python -m pip install ipykernel, then: python -m ipykernel install --sys-prefix",
    },
    "homework": {
        "win32": "choose a folder of your own, not one under Program Files: topfive lab --homework DIR",
        "any": "chmod u+w on that folder, or choose another: topfive lab --homework DIR",
    },
    "cores": {
        "any": "close what takes them, or have patience: training shares the cores with it",
    },
    "memory": {
        "linux": "close other programs; give a container more memory, or WSL (memory= in .wslconfig)",
        "any": "close other programs, browser tabs first",
    },
    "disk": {
        "conda": "conda clean --all, or choose another disk: topfive lab --homework DIR",
        "any": "free some space, or choose another disk: topfive lab --homework DIR",
    },
    "checkpoints": {
        "win32": "git checkout -- data, or make them anew: python -m topfive.build.checkpoints",
        "any": "git checkout -- data, or make them anew: make data",
    },
    "grading": {
        "conda": "conda env update -f environment.yml",
        "win32": 'python -m pip install -c constraints.txt -e ".[grade]"',
        "any": 'python -m pip install -c constraints.txt -e ".[grade]"',
    },
    "chromium": {
        "linux": "apt install chromium, or: dnf install chromium",
        "darwin": "brew install --cask chromium",
        "win32": "winget install Hibbiki.Chromium",
    },
    "bubblewrap": {
        "linux": "apt install bubblewrap, or: dnf install bubblewrap; it needs unprivileged user namespaces",
        "darwin": "grade on Linux: bubblewrap does not exist for macOS",
        "win32": "grade on Linux, for example in WSL 2",
    },
}


@dataclass(frozen=True)
class Finding:
    """One line of the report. `optional` is something missing that the course itself can do without."""

    state: Literal["ok", "optional", "problem"]
    subject: str
    message: str

    def __str__(self) -> str:
        line = f"{self.state:8}  {self.subject:11}  {self.message}"
        return line if self.state == "ok" else f"{line}\n{'':23}mend: {mend(self.subject)}"


def mend(subject: str) -> str:
    """How to put `subject` right on this system."""
    ways = MENDS[subject]
    system = sys.platform if sys.platform in ("darwin", "win32") else "linux"
    in_conda = (Path(sys.prefix) / "conda-meta").is_dir()
    way = (ways.get("conda") if in_conda else None) or ways.get(system) or ways["any"]
    if importlib.util.find_spec("pip") is None:  # uv leaves it out
        way = way.replace("python -m pip install", "uv pip install --torch-backend=cpu")
    return way


def examine(homework: Path | None = None) -> list[Finding]:
    """Look at everything, whatever is wrong with one part. `homework`: where the student's work will go."""
    place = homework or default_homework()
    checks: dict[str, Callable[[], Finding]] = {
        "Python": _python,
        "packages": _packages,
        "leftovers": _leftovers,
        "names": lambda: _names(place),
        "kernel": _kernel,
        "homework": lambda: _homework(place),
        "cores": _cores,
        "memory": _memory,
        "disk": lambda: _disk(place),
        "checkpoints": _checkpoints,
        "grading": _grading,
        "chromium": _chromium,
        "bubblewrap": _bubblewrap,
    }
    return [_carefully(subject, check) for subject, check in checks.items()]


def healthy(findings: list[Finding]) -> bool:
    """Whether the course can start."""
    return all(finding.state != "problem" for finding in findings)


def _carefully(subject: str, check: Callable[[], Finding]) -> Finding:
    try:
        return check()
    except Exception as error:  # whatever is wrong with one part, the others are looked at
        return Finding("problem", subject, f"cannot be looked at ({type(error).__name__}: {error})")


def _python() -> Finding:
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < PYTHON:
        return Finding("problem", "Python", f"{found}, the course needs {PYTHON[0]}.{PYTHON[1]} or newer")
    return Finding("ok", "Python", f"{found} at {sys.executable}")


def _packages() -> Finding:
    try:
        needed = list(_requirements())
    except metadata.PackageNotFoundError:
        return Finding("problem", "packages", "topfive itself is not installed")
    if not needed:
        return Finding("problem", "packages", "topfive itself is half installed")
    wrong = [what for requirement in needed if (what := _unmet(requirement))]
    if wrong:
        return Finding("problem", "packages", "; ".join(wrong))
    return Finding("ok", "packages", f"all {len(needed)} as required")


def _requirements(extra: str = "") -> "Iterator[Requirement]":
    """What the installed topfive declares that it needs: always, or only for an extra."""
    from packaging.requirements import Requirement

    for line in metadata.requires("topfive") or []:
        requirement = Requirement(line)
        chosen, always = (not requirement.marker or requirement.marker.evaluate({"extra": it}) for it in (extra, ""))
        if chosen and (not extra or not always):
            yield requirement


def _unmet(requirement: "Requirement") -> str:
    """What is wrong with one requirement, in words; empty if nothing is."""
    # Once a library has imported the importlib_metadata package, what is half installed has None for its metadata.
    read = [found.metadata for found in metadata.distributions(name=requirement.name)]
    versions = [one["Version"] if one else None for one in read]
    if not versions:
        return f"{requirement.name} is missing"
    found = next((version for version in versions if version), None)
    if found is None:
        return f"{requirement.name} is half installed"
    if requirement.specifier.contains(found, prereleases=True):
        return ""
    return f"{requirement.name} is {found}, not {requirement.specifier}"


def _leftovers() -> Finding:
    """What an interrupted install leaves makes libraries that ask for a version stumble, whether or not it is used."""
    found = {path for entry in sys.path for path in Path(entry).glob("*.dist-info") if _is_half(path)}
    if found:
        return Finding("problem", "leftovers", f"of an interrupted install: {', '.join(map(str, sorted(found)))}")
    return Finding("ok", "leftovers", "no install was interrupted")


def _is_half(dist_info: Path) -> bool:
    text = dist_info / "METADATA"
    return not text.is_file() or text.stat().st_size == 0


def _names(homework: Path) -> Finding:
    found = shadows(*places(homework))
    if found:
        return Finding("problem", "names", f"found instead of the real modules: {', '.join(map(str, found))}")
    return Finding("ok", "names", "no file stands in for a module")


def _kernel() -> Finding:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    manager = KernelSpecManager()
    try:
        program = Path(manager.get_kernel_spec("python3").argv[0])
    except NoSuchKernel:
        return Finding("problem", "kernel", "Jupyter knows no kernel named python3")
    except (ValueError, TypeError, IndexError) as error:  # no JSON, no object, no command
        folder = manager.find_kernel_specs().get("python3", "python3")
        return Finding("problem", "kernel", f"{folder}/kernel.json is broken ({error}); delete that folder first")
    if program.is_absolute() and program.parent.resolve() != Path(sys.executable).parent.resolve():
        return Finding("problem", "kernel", f"Jupyter would run notebooks with another Python, {program}")
    if importlib.util.find_spec("ipykernel") is None:
        return Finding("problem", "kernel", "ipykernel is missing")
    return Finding("ok", "kernel", f"python3, ipykernel {metadata.version('ipykernel')}")


def _standing(folder: Path) -> Path:
    """The folder itself, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.resolve().parents) if place.exists())


def _homework(folder: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=_standing(folder)):
            return Finding("ok", "homework", f"{folder} can be written")
    except OSError as error:
        return Finding("problem", "homework", f"{folder} cannot be written ({error.strerror})")


def _cores() -> Finding:
    have, taken, most = cores(), *_taken()
    free = free_of(taken)
    words = f"{free:.1f} of {have:.0f} free"
    if have - free < BUSY * have:
        return Finding("ok", "cores", words)
    slower = have / max(free, have / (1 + have - free))
    return Finding("optional", "cores", f"{words}; training will take about {slower:.1f} times as long ({most})")


def _taken(seconds: float = 1.0) -> tuple[float, str]:
    """How many cores other programs take, and which of them take most, by name."""
    import psutil

    processes = [process for process in psutil.process_iter(["name"]) if process.pid != os.getpid()]
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.cpu_percent()
    taken, used = taken_by_others(seconds), []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            used.append((process.cpu_percent() / 100, process.info["name"] or "a program without a name"))
    return taken, ", ".join(f"{name}: {share:.1f}" for share, name in sorted(used, reverse=True)[:2] if share > 0.1)


def _memory() -> Finding:
    import psutil

    return _amount("memory", min(psutil.virtual_memory().available, _left_in_container()), MEMORY_GB)


def _left_in_container() -> float:
    """Bytes below the limit of this container, counting files that it keeps in memory as free; infinity without one."""
    for group, limit, used in (("", "memory.max", "memory.current"), ("memory", *CGROUP_1)):
        folder = CGROUPS / group
        with contextlib.suppress(OSError, ValueError):  # not this version of cgroups, or "max"
            left = int((folder / limit).read_text("utf-8")) - int((folder / used).read_text("utf-8"))
            lines = (folder / "memory.stat").read_text("utf-8").splitlines()
            cached = (
                int(line.split()[1]) for line in lines if line.startswith(("inactive_file ", "total_inactive_file "))
            )
            return max(0, left + max(cached, default=0))
    return float("inf")


def _disk(folder: Path) -> Finding:
    return _amount("disk", shutil.disk_usage(_standing(folder)).free, DISK_GB)


def _amount(subject: str, free: float, needed: float) -> Finding:
    found = free / 1e9
    if found < needed:
        return Finding("problem", subject, f"{found:.1f} GB free, the course needs {needed:.1f} GB")
    return Finding("ok", subject, f"{found:.1f} GB free")


def _checkpoints() -> Finding:
    folder = data.folder() / "checkpoints" / "sft"
    if not (folder / "model.safetensors").is_file():
        return Finding("problem", "checkpoints", f"{folder} is missing")
    return Finding("ok", "checkpoints", str(folder.parent))


def _grading() -> Finding:
    try:
        wrong = [what for requirement in _requirements("grade") if (what := _unmet(requirement))]
    except metadata.PackageNotFoundError:
        wrong = ["topfive itself is not installed"]
    if wrong:
        return Finding("optional", "grading", f"{'; '.join(wrong)}; only instructors need it")
    return Finding("ok", "grading", f"nbgrader {metadata.version('nbgrader')}")


def _chromium() -> Finding:
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        return Finding("optional", "chromium", "not found; only the browser tests need it")
    return Finding("ok", "chromium", found)


def _bubblewrap() -> Finding:
    found = shutil.which("bwrap")
    if found is None:
        return Finding("optional", "bubblewrap", "not found; only grading needs it")
    call = [found, "--unshare-all", "--ro-bind", "/", "/", "true"]
    try:
        may = subprocess.run(call, capture_output=True, check=False).returncode == 0
    except OSError:
        may = False
    if not may:
        return Finding("optional", "bubblewrap", "may not make a sandbox here; only grading needs it")
    return Finding("ok", "bubblewrap", found)
