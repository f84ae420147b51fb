"""`import topfive` and the command line start at once: what is heavy is imported where it is used."""

import json
import statistics
import subprocess
import sys

import pytest

HEAVY = ("torch", "transformers", "datasets", "sklearn", "scipy", "pandas", "matplotlib", "trl", "IPython")


def in_a_fresh_python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize("module", ["topfive", "topfive.cli", "topfive.doctor", "topfive.workspace"])
def test_import_pulls_in_nothing_heavy(module: str):
    loaded = json.loads(in_a_fresh_python(f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"))
    assert not {name.split(".")[0] for name in loaded} & set(HEAVY)


@pytest.mark.parametrize("module", ["topfive", "topfive.cli"])
def test_import_takes_less_than_0_3_seconds(module: str):
    """Median of five, in processor time: what a busy machine gives to others does not count."""
    code = f"from time import process_time as t; start = t(); import {module}; print(t() - start)"
    seconds = [float(in_a_fresh_python(code)) for _ in range(5)]
    assert statistics.median(seconds) < 0.3, seconds
