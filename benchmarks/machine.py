"""What the numbers were measured on, and how fast it multiplies matrices."""

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import psutil
import torch

from benchmarks.timing import seconds

LIBRARIES = ("torch", "transformers")


def matrix_speed(dtype: torch.dtype = torch.float32, size: int = 1024, repeats: int = 10) -> float:
    """FLOP/s of products of two square matrices: what this machine can do at most, in practice."""
    left, right = torch.randn(size, size).to(dtype), torch.randn(size, size).to(dtype)

    def multiply() -> None:
        for _ in range(repeats):
            left @ right

    left @ right  # warms up
    return 2 * size**3 * repeats / seconds(multiply)


def describe() -> str:
    """Machine class, threads, versions and date, in one sentence."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    accelerator = (
        f"1 of {torch.cuda.device_count()} GPUs visible but not used" if torch.cuda.is_available() else "no GPU"
    )
    return (
        f"{os.cpu_count()}-core {platform.machine()} {_vector_units()}, {accelerator}, {platform.system()}; "
        f"{torch.get_num_threads()} threads, Python {platform.python_version()}, {versions}; "
        f"{datetime.now(UTC):%Y-%m-%d}."
    )


def _vector_units() -> str:
    """The widest vector instructions of the processor, and whether it multiplies bfloat16 in hardware."""
    try:
        flags = set(Path("/proc/cpuinfo").read_text("utf-8").split())
    except OSError:
        return torch.backends.cpu.get_cpu_capability()
    widest = next((name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), "no AVX2")
    fast = flags & {"avx512_bf16", "amx_bf16"}
    return f"with {widest}, {'with' if fast else 'without'} bfloat16 products in hardware"


class Bystanders:
    """How much of the processors other programs took while we measured. Use as a context manager, then read `share`."""

    share = 0.0

    def __enter__(self) -> "Bystanders":
        self._began = time.perf_counter(), _busy(), _own()
        return self

    def __exit__(self, *_: object) -> None:
        began, busy, own = self._began
        capacity = (time.perf_counter() - began) * (os.cpu_count() or 1)
        self.share = max(0.0, _busy() - busy - (_own() - own)) / capacity


def _busy() -> float:
    """Processor seconds spent by anyone since the machine started."""
    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "nice", 0.0)


def _own() -> float:
    """Processor seconds spent by this process and those it started and waited for."""
    return sum(os.times()[:4])
