"""Files that stand in for a module by accident: `random.py` beside a notebook is what `import random` finds there.

Python looks into the folder of a notebook, or of a command, before anywhere else. Only light imports here: the package
looks for such files when it is imported, to say so before a library fails in words about something else.
"""

import sys
import sysconfig
from collections.abc import Iterator
from contextlib import suppress
from importlib.machinery import PathFinder
from pathlib import Path

# Modules of Python that nothing imports in earnest.
UNUSED = {"antigravity", "test", "this"}


def shadows(*folders: Path) -> list[Path]:
    """Python files and packages in these folders that are named like a module of Python or of an installed package.

    A folder that is not there holds none; the packages of a project, beside its pyproject.toml, are meant to be found.
    """
    return [path for folder in dict.fromkeys(folder.absolute() for folder in folders) for path in _in(folder)]


def _in(folder: Path) -> Iterator[Path]:
    installed = [sysconfig.get_path(kind) for kind in ("purelib", "platlib")]
    if not folder.is_dir() or str(folder) in installed:
        return
    is_project = (folder / "pyproject.toml").is_file()
    packages = () if is_project else (init.parent for init in folder.glob("*/__init__.py"))
    for path in sorted([*folder.glob("*.py"), *packages]):
        name = path.stem if path.is_file() else path.name
        if not name.isidentifier():  # no `import` finds it: lecture.torch.py
            continue
        is_pythons = name in sys.stdlib_module_names and name not in UNUSED
        if name == "topfive" or is_pythons or PathFinder.find_spec(name, installed):
            yield path


def warn() -> None:
    """Say on stdout which files beside the running notebook stand in for modules."""
    with suppress(OSError):  # a folder that is gone
        for path in shadows(Path.cwd()):
            print(f"careful: {warning(path)}")


def warning(path: Path) -> str:
    """One line about such a file: what it does, and what to do."""
    return f"{path} is found instead of the real {path.stem}; rename it (my_{path.name}) and restart the kernel"
