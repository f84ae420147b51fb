"""Student code runs in a sandbox when it is graded: bubblewrap around the kernel, limits, and a watch over its use.

What a kernel finds inside: its own submission without the notebooks, in a small scratch folder that is thrown away;
Python, this package and its data, read-only; a few variables. What it does not find: the network, other processes, the
course folder, anybody else's work, and the right to make a sandbox of its own.

Left out: what a test cell is worth. That is decided outside (topfive/grading/trusted.py).
"""

import contextlib
import os
import shutil
import signal
import site
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import psutil
import zmq.asyncio
from jupyter_client import AsyncKernelClient, AsyncKernelManager
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning import LocalProvisioner
from traitlets.log import get_logger

from topfive import data

MIB = 2**20
LIMITS = {
    "memory": 4096 * MIB,  # address space of one process, and what all of them hold together
    "cpu": 300,  # seconds of processor time of one process
    "processes": 100,  # threads count, too
    "file": 256 * MIB,  # the largest file
    "scratch": 512 * MIB,  # all files together; they are held in memory
    "open_files": 1024,
}
LARGEST_MESSAGE = 32 * MIB  # from a kernel to the grading process
SOCKETS = 1 * MIB  # bytes: what may lie in the folder that the kernel shares with the grading process
OUTPUT = 1 * MIB  # bytes: what a program in a sandbox may print
LOOK_EVERY = 0.5  # seconds
WORKING = "/tmp/homework"
NOBODY = 65534  # whose rights a kernel has where root grades; no limit of processes holds for root
TO_DO = "install bubblewrap 0.8 or newer, or see docs/instructors.md for containers and other systems"


@cache
def problem() -> str:
    """Why no sandbox can be made on this machine, in words; empty if one can."""
    if sys.platform != "linux":
        return f"there is no bubblewrap for {sys.platform}"
    for tool in ("bwrap", "prlimit", *(["setpriv", "unshare"] if os.geteuid() == 0 else [])):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    with tempfile.TemporaryDirectory(dir="/tmp") as empty:
        private = prepare(Path(empty))
        call = command(private, Path(empty), LIMITS, [sys.executable, "-c", "import topfive"])
        done = subprocess.run(call, env=_path(), capture_output=True, text=True, check=False)
    shutil.rmtree(private)
    return "" if done.returncode == 0 else (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]


def command(private: Path, course: Path, limits: Mapping[str, int], program: Iterable[str]) -> list[str]:
    """What runs `program` in a sandbox.

    private: a folder made by `prepare`. course: a folder that is never seen, whatever it lies in.
    """
    shared, homework = (str(private / name) for name in ("shared", "homework"))
    ours = ["--bind", shared, shared, "--ro-bind", homework, homework]
    seen = _seen(course.resolve())
    inner = [
        *("bwrap", "--unshare-all", "--unshare-user", "--disable-userns", "--uid", "1000", "--gid", "1000"),
        *("--cap-drop", "ALL", "--die-with-parent", "--new-session", "--hostname", "sandbox"),
        *_environment(),
        *("--proc", "/proc", "--dev", "/dev", "--size", str(64 * MIB), "--tmpfs", "/dev/shm", "--remount-ro", "/dev"),
        *("--size", str(limits["scratch"]), "--tmpfs", "/tmp"),
        *seen,
        *ours,
        *("--dir", WORKING, "--chdir", WORKING, "--remount-ro", "/"),
        *_limited(limits),
        *("sh", "-c", 'cp -R "$0/." . && exec "$@"', homework, *program),
    ]
    return [*_as_nobody(seen + ours), *inner] if os.geteuid() == 0 else inner


def _seen(course: Path) -> list[str]:
    """Of this machine's files: the system's programs, Python, the package and its data; never the course folder."""
    links = [Path("/") / name for name in ("bin", "lib", "lib32", "lib64", "sbin")]
    system = ["--ro-bind", "/usr", "/usr"]
    for path in ("/etc/ld.so.cache", "/etc/fonts"):  # without the second, whoever plots reads a complaint about it
        system += ["--ro-bind-try", path, path]
    for link in links:
        if link.is_symlink():
            system += ["--symlink", str(link.readlink()), str(link)]
        elif link.is_dir():
            system += ["--ro-bind", str(link), str(link)]
    own = {sys.prefix, sys.base_prefix, str(_package()), str(data.folder().resolve())}
    if site.ENABLE_USER_SITE:
        own.add(site.getusersitepackages())
    mounts = {path: ["--ro-bind", path, path] for path in own if Path(path).is_dir()}
    # A folder after those around it: the course folder hides what lies in it, Python's own may lie in it again.
    mounts[str(course)] = ["--tmpfs", str(course)]
    return [*system, *(word for path in sorted(mounts) for word in mounts[path]), "--remount-ro", str(course)]


def _as_nobody(seen: list[str]) -> list[str]:
    """Root leaves its rights first, in a view of the files that lies beyond nobody's closed doors, such as /root.

    In a process namespace: what has other rights than we cannot be told to die with us, but a namespace can.
    """
    above = {str(folder) for word in seen if word.startswith("/") for folder in Path(word).parents}
    return [
        *("setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--mount-proc"),
        *("bwrap", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"),
        *(word for folder in sorted(above) for word in ("--perms", "0755", "--dir", folder)),
        *("--bind", "/proc", "/proc", "--dev-bind", "/dev", "/dev"),
        *seen,
        *("setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"),
    ]


def _limited(limits: Mapping[str, int]) -> list[str]:
    return [
        *("prlimit", f"--as={limits['memory']}", f"--cpu={limits['cpu']}", f"--nproc={limits['processes']}"),
        *(f"--fsize={limits['file']}", f"--nofile={limits['open_files']}", "--core=0", "--"),
    ]


def _environment() -> list[str]:
    """No variable of the instructor's but what nbgrader says, and one thread, so that all machines grade alike."""
    variables = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TOPFIVE_DATA": str(data.folder().resolve()),
        "HOME": "/tmp",
        "USER": "student",
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "NBGRADER_EXECUTION": "autograde",
    }
    if Path(sys.prefix).resolve() not in _package().parents:  # in a clone
        variables["PYTHONPATH"] = str(_package().parent)
    return ["--clearenv", *(word for pair in variables.items() for word in ("--setenv", *pair))]


def _path() -> dict[str, str]:
    """All that bubblewrap itself gets: its own variables can be read inside, in /proc/1/environ."""
    return {"PATH": os.environ.get("PATH", os.defpath)}


def _package() -> Path:
    return Path(data.__file__).resolve().parent


def prepare(submission: Path) -> Path:
    """A private folder for one kernel: what was handed in but for the notebooks, and a folder for the sockets."""
    private = Path(tempfile.mkdtemp(prefix="topfive-", dir="/tmp"))  # not TMPDIR: a socket's path has 107 bytes at most
    (private / "shared").mkdir()
    shutil.copytree(submission, private / "homework", symlinks=True, ignore=shutil.ignore_patterns("*.ipynb"))
    for path in private.rglob("*"):
        give(path)
    return private


def give(path: Path) -> None:
    """Let a kernel have a file or folder that root made."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY, follow_symlinks=False)


def output_of(
    private: Path, course: Path, limits: Mapping[str, int], arguments: Iterable[str], seconds: float
) -> list[str]:
    """The lines that Python prints with these arguments, in a sandbox; what is beyond `OUTPUT` bytes is left out.

    Raises subprocess.TimeoutExpired if it takes longer.
    """
    call = command(private, course, limits, [sys.executable, *arguments])
    with tempfile.TemporaryFile() as printed:
        subprocess.run(call, env=_path(), stdout=printed, stderr=subprocess.DEVNULL, timeout=seconds, check=False)
        printed.seek(0)
        return printed.read(OUTPUT).decode("utf-8", "replace").splitlines()


class FrugalClient(AsyncKernelClient):
    """What the grading process listens to a kernel with: it takes no huge message, and does not queue many."""

    def _context_default(self) -> zmq.asyncio.Context:
        context = super()._context_default()
        context.setsockopt(zmq.MAXMSGSIZE, LARGEST_MESSAGE)
        context.setsockopt(zmq.RCVHWM, 4)
        return context


class SandboxedKernel(AsyncKernelManager):
    """A kernel of this Python in a sandbox, whatever a notebook says about its kernel, with a watch over it."""

    def __init__(self, submission: Path, course: Path, limits: Mapping[str, int], **kwargs: Any) -> None:
        self.private = prepare(submission)
        self.limits = limits
        self.ended = threading.Event()
        connection = str(self.private / "shared" / "kernel.json")
        super().__init__(transport="ipc", connection_file=connection, client_factory=FrugalClient, **kwargs)
        python = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        argv = command(self.private, course, limits, python)
        self._kernel_spec = KernelSpec(argv=argv, display_name="sandbox", language="python", interrupt_mode="message")

    async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}  # not the instructor's terminal
        found = await super()._async_pre_start_kernel(**kwargs | silent | {"env": _path()})
        give(Path(self.connection_file))
        return found

    async def _async_post_start_kernel(self, **kwargs: Any) -> None:
        await super()._async_post_start_kernel(**kwargs)
        assert isinstance(self.provisioner, LocalProvisioner)
        threading.Thread(target=self._watch, args=(self.provisioner.pid,), daemon=True).start()

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        self.ended.set()
        shutil.rmtree(self.private, ignore_errors=True)

    cleanup_resources = _async_cleanup_resources  # the parent's own name for it, by which a dead kernel is cleaned up

    def _watch(self, pid: int) -> None:
        """Kill all of it when its processes together hold too much, or its folder of sockets does."""
        while not self.ended.wait(LOOK_EVERY):
            if too_much := self._too_much(pid):
                get_logger().warning("The kernel was ended: %s", too_much)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)
                return

    def _too_much(self, pid: int) -> str:
        if memory_of(pid) > self.limits["memory"]:
            return "its processes together held too much memory"
        if size_of(self.private / "shared") > SOCKETS:
            return "it wrote into the folder of its sockets"
        return ""


def memory_of(pid: int) -> int:
    """Bytes that a process and all that come from it hold in memory; 0 once it has ended."""
    held = 0
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                held += process.memory_info().rss
    return held


def size_of(folder: Path) -> int:
    """Bytes in a folder, 4 KiB at least for each entry."""
    held = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            held += max(4096, path.lstat().st_size)
    return held
