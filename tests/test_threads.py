"""Threads wait without spinning for long, and are as many as cores are free."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from topfive import doctor, threads
from topfive.workspace import open_lab

SWITCHES = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "OMP_WAIT_POLICY")


def switches(code: str, **own: str) -> dict[str, str | None]:
    """The switches as they stand in a fresh Python after `code`, which calls `seen()` where they matter."""
    environment = {key: value for key, value in os.environ.items() if key not in SWITCHES} | own
    tell = f"import json, os\ndef seen(): print(json.dumps({{k: os.environ.get(k) for k in {SWITCHES}}}))\n"
    out = subprocess.run(
        [sys.executable, "-c", tell + code], env=environment, capture_output=True, text=True, check=True
    )
    return dict(json.loads(out.stdout))


def test_they_are_set_before_pytorch_loads():
    found = switches("import topfive, sys; assert 'torch' not in sys.modules; seen()")
    assert found == {"GOMP_SPINCOUNT": "10000", "KMP_BLOCKTIME": "1", "OMP_WAIT_POLICY": None}


OWN = [({"OMP_WAIT_POLICY": "ACTIVE"}, None), ({"GOMP_SPINCOUNT": "7"}, "7"), ({"KMP_BLOCKTIME": "9"}, "10000")]


@pytest.mark.parametrize(("own", "spins"), OWN)
def test_what_the_user_chose_stays(own: dict[str, str], spins: str | None):
    found = switches("import topfive; seen()", **own)
    assert own.items() <= found.items()
    assert found["GOMP_SPINCOUNT"] == spins


def test_a_process_that_a_command_starts_has_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    inherited: list[dict[str, str]] = []
    monkeypatch.setattr("topfive.workspace._become", lambda options, environment: inherited.append(environment))
    open_lab(tmp_path)
    assert {"GOMP_SPINCOUNT", "OMP_WAIT_POLICY"} & set(inherited[0]), "JupyterLab and its kernels inherit this"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch):
    """So many cores, of which others take so many; PyTorch starts with all of them."""
    given = torch.get_num_threads()

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)

    def set_up(cores: float, taken: float, before: int, of: int = 0) -> int:
        monkeypatch.setattr(threads, "cores", lambda: cores)
        monkeypatch.setattr(os, "cpu_count", lambda: of or math.ceil(cores))
        monkeypatch.setattr(threads, "taken_by_others", lambda: taken)
        torch.set_num_threads(before)
        with threads.on_free_cores():
            inside = torch.get_num_threads()
        assert torch.get_num_threads() == before
        return inside

    yield set_up
    torch.set_num_threads(given)


@pytest.mark.parametrize(
    ("cores", "taken", "before", "expected"),
    [
        (2, 0.1, 2, 2),
        (2, 1.0, 2, 1),
        (2, 2.0, 2, 1),
        (8, 1.0, 8, 7),
        (8, 0.3, 8, 8),
        (8, 0.0, 3, 3),
        (1.5, 0.0, 64, 2),
        (4, 9.0, 4, 1),
        (4, 0.0, 1, 1),
    ],
)
def test_as_many_threads_as_cores_are_free(machine, cores: float, taken: float, before: int, expected: int):
    assert machine(cores, taken, before) == expected


def test_what_is_busy_elsewhere_on_the_machine_takes_nothing_from_a_container(machine):
    assert machine(4, 10.0, 4, of=64) == 4
    assert machine(4, 62.0, 4, of=64) == 2


def test_who_chose_a_number_of_threads_keeps_it(machine, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    assert machine(2, 1.0, 2) == 2


def test_a_training_that_fails_gives_the_threads_back(machine):
    machine(2, 1.0, 2)
    with pytest.raises(ZeroDivisionError), threads.on_free_cores():
        _ = 1 / 0
    assert torch.get_num_threads() == 2


def test_a_neighbour_that_comes_later_is_given_its_core(machine, monkeypatch: pytest.MonkeyPatch):
    machine(2, 0.0, 2)
    clock = iter([(0.0, 0.0, 0.0), (1.0, 2.0, 1.0), (10.0, 20.0, 10.0), (20.0, 20.0, 10.0)])
    monkeypatch.setattr(threads, "_used", lambda: next(clock))
    seen = []
    with threads.on_free_cores() as free:
        for _ in range(3):  # too soon to say; one core taken since the beginning; nobody there any more
            free.look()
            seen.append(torch.get_num_threads())
    assert seen == [2, 1, 2]


@pytest.mark.parametrize(("text", "expected"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("nonsense", None)])
def test_a_containers_quota_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, expected: float | None):
    (tmp_path / "cpu.max").write_text(text)
    monkeypatch.setattr(threads, "QUOTA", tmp_path / "cpu.max")
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2, 3}, raising=False)
    assert threads.cores() == (expected or 4)


def test_a_busy_neighbour_is_seen():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
        try:
            assert max(threads.taken_by_others(0.3) for _ in range(5)) > 0.3
        finally:
            neighbour.kill()


def test_doctor_says_who_takes_the_cores(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(doctor, "cores", lambda: 2.0)
    monkeypatch.setattr(doctor, "free_of", lambda taken: 2.0 - taken)
    monkeypatch.setattr(doctor, "_taken", lambda: (0.1, "X: 0.1"))
    assert str(doctor._cores()) == "ok        cores        1.9 of 2 free"
    monkeypatch.setattr(doctor, "_taken", lambda: (1.0, "backup: 1.0"))
    found = doctor._cores()
    assert found.state == "optional"
    assert found.message == "1.0 of 2 free; training will take about 2.0 times as long (backup: 1.0)"
    monkeypatch.setattr(doctor, "_taken", lambda: (2.0, "a: 1.0, b: 1.0"))
    assert "0.0 of 2 free; training will take about 3.0 times as long" in doctor._cores().message
