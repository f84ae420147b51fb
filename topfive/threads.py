"""How many threads training takes: as many as there are cores that nobody else is using.

How OpenMP's threads wait for each other is set in `topfive/__init__`, before PyTorch loads.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")


@contextmanager
def on_free_cores() -> Iterator[int]:
    """Inside, PyTorch takes as many threads as cores are free, at least one and at most as many as it had before.

    Whoever set OMP_NUM_THREADS gets that number; one set in PyTorch stays the upper limit. Looked at once, so that one
    training has one number: another number of threads adds up in another order, and rounding differs.
    """
    import torch

    before = torch.get_num_threads()
    is_chosen = before == 1 or "OMP_NUM_THREADS" in os.environ
    threads = before if is_chosen else max(1, min(before, round(cores() - taken_by_others())))
    torch.set_num_threads(threads)
    try:
        yield threads
    finally:
        torch.set_num_threads(before)


def cores() -> float:
    """Cores that this process may use: of this machine, of its affinity mask, of its container's quota."""
    found = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        quota, period = QUOTA.read_text("utf-8").split()
    except (OSError, ValueError):
        return found
    return found if quota == "max" else min(found, int(quota) / int(period))


def taken_by_others(seconds: float = 0.25) -> float:
    """How many cores' worth of time other processes used, measured for so long."""
    began, busy, own = time.perf_counter(), _busy(), time.process_time()
    time.sleep(seconds)
    used = _busy() - busy - (time.process_time() - own)
    return max(0.0, used / (time.perf_counter() - began))


def _busy() -> float:
    """Processor seconds spent by anyone since the machine started."""
    import psutil

    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "nice", 0.0)
