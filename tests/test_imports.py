"""`import topfive` and the command line start at once: what is heavy is imported where it is used."""

import json
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


def test_notebooks_that_train_nothing_do_not_wait_for_transformers():
    rooms = ("annotation.simulate", "checks", "demonstrations.pile", "exercises", "panels", "plots")
    imported = ", ".join(f"topfive.{room}" for room in rooms)
    assert in_a_fresh_python(f"import sys, {imported}; print('transformers' in sys.modules)").strip() == "False"
