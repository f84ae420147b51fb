"""`quiet`: in a kernel, under pytest's capture and in a plain process, nothing gets out, and afterwards all does."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

from topfive.checks.quiet import quiet

NOISE = """
import ctypes, logging, os, sys, warnings
from topfive.checks.quiet import quiet

logging.basicConfig(level=logging.INFO, force=True)
kept, err, out = logging.StreamHandler(sys.stdout), sys.stderr, sys.stdout
logging.getLogger("mine").addHandler(kept)

def noise(to=sys.stderr):
    print("printed"); print("to a kept stream", file=to); print("kept", file=err); out.writelines(["kept\\n"])
    logging.info("logged"); logging.getLogger("mine").error("logged"); warnings.warn("warned")
    os.write(1, b"descriptor 1\\n"); os.write(2, b"descriptor 2\\n"); os.system("echo child >&2")
    sys.__stdout__.write("original"); sys.__stderr__.write("original")
    logging.getLogger("late").addHandler(logging.StreamHandler())
"""
AFTER = """
print("OUT"); print("ERR", file=sys.stderr); os.write(1, b"FD1\\n"); os.write(2, b"FD2\\n")
logging.getLogger("late").error("LATE"); sys.stdout.flush(); sys.stderr.flush()
"""


def test_in_a_kernel_nothing_arrives_and_afterwards_everything_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("PYTEST_CURRENT_TEST")  # with it a kernel does not look at its descriptors
    inside = "for _ in range(3):\n    with quiet(), quiet():\n        noise()"
    settled = "import time; time.sleep(0.5)  # the kernel forwards what a descriptor got from a thread of its own"
    cells = [nbformat.v4.new_code_cell(cell) for cell in (NOISE, inside, settled, AFTER + settled)]
    notebook = nbformat.v4.new_notebook(cells=cells)
    NotebookClient(notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    assert [cell.outputs for cell in notebook.cells[:3]] == [[], [], []]
    said = "".join(output.text for output in notebook.cells[3].outputs)
    assert all(word in said for word in ("OUT", "ERR", "FD1", "FD2", "LATE"))


def test_in_a_plain_process_what_was_printed_before_stays_and_what_comes_after_is_seen():
    script = NOISE + "print('BEFORE', end='')\nwith quiet():\n    noise(); sys.stdout.buffer.write(b'bytes')\n" + AFTER
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.replace("FD1", "").split() == ["BEFOREOUT"]  # a descriptor may be ahead of its stream
    assert done.stderr == "ERR\nFD2\nLATE\nERROR:late:LATE\n"


def test_under_a_capture_and_where_a_descriptor_is_closed(capfd: pytest.CaptureFixture[str]):
    handler = logging.StreamHandler(sys.stderr)
    with quiet():
        handler.emit(logging.makeLogRecord({"msg": "logged"}))
        print("printed")
        os.write(2, b"descriptor 2\n")
    print("after")
    assert capfd.readouterr() == ("after\n", "")


def test_an_error_inside_comes_out_and_the_streams_are_back(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(ZeroDivisionError), quiet():
        print(1 / 0)
    print("after")
    assert capsys.readouterr().out == "after\n"
