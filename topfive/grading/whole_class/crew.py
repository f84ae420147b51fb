"""Who does the jobs of `topfive grade`: processes of this machine, or the workers of a Dask scheduler.

One process does one job at a time and stays warm. One that dies costs its own job a second try, and no other job
anything. Not a ProcessPoolExecutor, which breaks as a whole when one of its processes dies.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, NoReturn, Protocol

import psutil

from topfive.errors import TopFiveError
from topfive.grading.whole_class.jobs import NOT_GRADED, Job, Outcome, execute

TRIES = 2
GRACE = 3.0  # seconds that a worker has to put its kernel's things away
NO_DASK = "--scheduler needs Dask, which is not installed here: pip install -c constraints.txt -e '.[grade,dask]'"


Do = Callable[[Job, Callable[[str], None]], Outcome]


class Crew(Protocol):
    """Does jobs. phases: by student, what is being done at this moment."""

    phases: dict[str, str]
    here: bool  # on this machine

    @property
    def workers(self) -> int:
        """How many jobs are done at the same time."""

    def start(self, jobs: Iterable[Job]) -> None:
        """Begin with jobs; what comes of them is in `outcomes`."""

    def next(self, timeout: float) -> Outcome | None:
        """The next outcome; None if none came in `timeout` seconds."""

    def stop(self) -> None:
        """End whatever is at work, within seconds."""


@dataclass
class Worker:
    """A process, and our end of the pipe to it."""

    process: BaseProcess
    pipe: Connection


class Processes:
    """So many processes of this machine."""

    here = True

    def __init__(self, workers: int, do: Do = execute) -> None:
        self.workers: int = workers
        self.do = do
        self.phases: dict[str, str] = {}
        self.context = multiprocessing.get_context("forkserver")
        self.context.set_forkserver_preload([__name__])
        self.jobs: queue.SimpleQueue[Job] = queue.SimpleQueue()
        self.done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.alive: list[Worker] = []
        self.stopped = threading.Event()

    def start(self, jobs: Iterable[Job]) -> None:
        """One thread for each process: it hands out jobs, one after the other."""
        jobs = list(jobs)
        for job in jobs:
            self.jobs.put(job)
        for _ in range(min(self.workers, len(jobs))):
            threading.Thread(target=self._serve, daemon=True).start()

    def next(self, timeout: float) -> Outcome | None:
        """The next outcome, if one comes in time."""
        with contextlib.suppress(queue.Empty):
            return self.done.get(timeout=timeout)
        return None

    def stop(self) -> None:
        """Ask each worker to end, and then make it."""
        self.stopped.set()
        families = [family for worker in list(self.alive) if (family := _family(worker.process.pid or 0))]
        for family in families:
            with contextlib.suppress(psutil.NoSuchProcess):
                family[-1].terminate()
        psutil.wait_procs([family[-1] for family in families], timeout=GRACE)
        _kill(process for family in families for process in family)

    def _serve(self) -> None:
        worker = None
        while not self.stopped.is_set():
            try:
                job = self.jobs.get_nowait()
            except queue.Empty:
                break
            for _ in range(TRIES):
                worker = worker or self._hire()
                outcome = self._ask(worker, job)
                if outcome or self.stopped.is_set():
                    break
                self._dismiss(worker)
                worker = None
            self.phases.pop(job.student, None)
            lost = "the process that ran it was killed, twice. Look whether this machine has enough memory"
            self.done.put(outcome or Outcome(job.student, job.key, NOT_GRADED, lost))
        if worker:
            self._dismiss(worker)

    def _hire(self) -> Worker:
        ours, theirs = self.context.Pipe()
        process = self.context.Process(target=work, args=(theirs, self.do), daemon=True)
        process.start()
        theirs.close()
        self.alive.append(Worker(process, ours))
        return self.alive[-1]

    def _ask(self, worker: Worker, job: Job) -> Outcome | None:
        """What comes of a job; None if the worker dies of it."""
        self.phases[job.student] = "starting"
        try:
            worker.pipe.send(job)
            while not isinstance(heard := worker.pipe.recv(), Outcome):
                self.phases[job.student] = heard
        except (EOFError, OSError):
            return None
        return heard

    def _dismiss(self, worker: Worker) -> None:
        self.alive.remove(worker)
        worker.pipe.close()
        worker.process.join(GRACE)
        worker.process.kill()


def work(connection: Connection, do: Do) -> None:
    """The life of a worker: jobs come, outcomes go, until there is nobody to ask for more.

    It ends with the process that started it, also if that one is killed; its kernel and its scratch folder with it.
    """
    signal.signal(signal.SIGINT, lambda *_: None)  # ctrl-C is for who asks; not SIG_IGN, which kernels would inherit
    signal.signal(signal.SIGTERM, _leave)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with contextlib.suppress(EOFError, BrokenPipeError):
        while True:
            job = connection.recv()
            connection.send(do(job, connection.send))


def _end_with_parent() -> None:
    if parent := multiprocessing.parent_process():
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)


def _leave(*_: object) -> NoReturn:
    """End the kernel and put things away, or else, where that does not end, end all that this process started."""
    hard = threading.Timer(GRACE, lambda: _kill(_family(os.getpid())))
    hard.daemon = True
    hard.start()
    raise SystemExit(1)


def _family(pid: int) -> list[psutil.Process]:
    """All that come from a process, and itself at the end."""
    try:
        process = psutil.Process(pid)
        return [*process.children(recursive=True), process]
    except psutil.NoSuchProcess:
        return []


def _kill(family: Iterable[psutil.Process]) -> None:
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


class Dask:
    """The workers of a Dask scheduler. Only here is Dask imported."""

    here = False

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise TopFiveError(NO_DASK) from error
        try:
            self.client = Client(address, timeout=10, set_as_default=False)
        except (OSError, ValueError) as error:
            raise TopFiveError(f"there is no Dask scheduler at {address}: {error}") from error
        self.phases: dict[str, str] = {}
        self.done: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.futures: list[Any] = []

    @property
    def workers(self) -> int:
        """How many there are at this moment, one at least."""
        return max(1, len(self.client.scheduler_info(n_workers=-1)["workers"]))

    def start(self, jobs: Iterable[Job]) -> None:
        """Hand all jobs to the scheduler, which runs again what a lost worker had."""
        for job in jobs:
            future = self.client.submit(execute, job, pure=False)
            future.add_done_callback(lambda future, job=job: self.done.put(_outcome(future, job)))
            self.futures.append(future)

    def next(self, timeout: float) -> Outcome | None:
        """The next outcome, if one comes in time."""
        with contextlib.suppress(queue.Empty):
            return self.done.get(timeout=timeout)
        return None

    def stop(self) -> None:
        """Take back what has not begun. What has runs to its end, and the next run finds it."""
        self.client.cancel(self.futures)
        self.client.close(timeout=GRACE)


def _outcome(future: Any, job: Job) -> Outcome:
    try:
        found: Outcome = future.result()
        future.release()  # or a worker that is lost later would have it done again
        return found
    except Exception as error:  # whatever happened to the worker
        words = str(error).partition("\n")[0]
        return Outcome(job.student, job.key, NOT_GRADED, f"the worker that ran it was lost: {words}")
