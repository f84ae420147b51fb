"""How many threads training takes: as many as there are cores that nobody else is using.

How OpenMP's threads wait for each other is set in `topfive/__init__`, before PyTorch loads.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

QUOTA = Path("/sys/fs/cgroup/cpu.max")
LOOK_EVERY = 2.0  # seconds: shorter, and the clock ticks of processor time blur what is seen


class FreeCores:
    """Keeps PyTorch's threads at the number of cores that nobody else uses: at least one, at most as many as before.

    Whoever set OMP_NUM_THREADS keeps that number; one set in PyTorch is the upper limit. On a quiet machine the number
    never changes; where it does, sums are added up in another order, and rounding differs.
    """

    def __init__(self) -> None:
        import torch

        self.before = torch.get_num_threads()
        self.is_chosen = self.before == 1 or "OMP_NUM_THREADS" in os.environ
        self._since = _used()
        if not self.is_chosen:
            self._leave(taken_by_others())

    def look(self) -> None:
        """After a step of training: count what others took since the last look, if that is long enough ago."""
        now = _used()
        if not self.is_chosen and now[0] - self._since[0] >= LOOK_EVERY:
            self._leave(_others(self._since, now))
            self._since = now

    def _leave(self, taken: float) -> None:
        import torch

        torch.set_num_threads(max(1, min(self.before, round(free_of(taken)))))


@contextmanager
def on_free_cores() -> Iterator[FreeCores]:
    """Inside, PyTorch takes as many threads as cores are free; afterwards as many as before."""
    import torch

    free = FreeCores()
    try:
        yield free
    finally:
        torch.set_num_threads(free.before)


def cores() -> float:
    """Cores that this process may use: of this machine, of its affinity mask, of its container's quota."""
    found = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    try:
        quota, period = QUOTA.read_text("utf-8").split()
    except (OSError, ValueError):
        return found
    return found if quota == "max" else min(found, int(quota) / int(period))


def free_of(taken: float) -> float:
    """Cores left to this process when others take so many of the machine's, which may be more than this one may use."""
    return max(0.0, min(cores(), (os.cpu_count() or 1) - taken))


def taken_by_others(seconds: float = 0.25) -> float:
    """How many cores' worth of time other processes used, measured for so long."""
    since = _used()
    time.sleep(seconds)
    return _others(since, _used())


Used = tuple[float, float, float]


def _used() -> Used:
    """The clock, and processor seconds spent so far by anyone and by this process."""
    return time.perf_counter(), _busy(), time.process_time()


def _others(since: Used, now: Used) -> float:
    """How many cores' worth of time other processes used in between."""
    elapsed, busy, own = (after - before for before, after in zip(since, now, strict=True))
    return max(0.0, (busy - own) / elapsed)


def _busy() -> float:
    """Processor seconds spent by anyone since the machine started."""
    import psutil

    times = psutil.cpu_times()
    return times.user + times.system + getattr(times, "nice", 0.0)
