"""Others' programs start as by `python -m`, without the grammar; tests are grouped by what is there."""

import subprocess
from pathlib import Path

from tests.conftest import NOTEBOOKS, PART
from topfive.startup import GRAMMAR, python_m

SAYS = f"import sys; print(__name__, sys.argv[1:], sys.modules.get({GRAMMAR!r}, 'free'))"


def test_a_module_runs_as_itself_with_its_arguments_and_without_the_grammar(tmp_path: Path):
    (tmp_path / "says.py").write_text(SAYS)
    done = subprocess.run([*python_m("says"), "-a", "b c"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "__main__ ['-a', 'b c'] None\n"


def test_parts_of_a_file_are_notebooks_and_exercises_and_no_other_digits():
    assert all((Path(__file__).parent.parent / "notebooks" / name).is_dir() for name in NOTEBOOKS)
    found = {name: PART.search(f"tests/test_x.py::test_y[{name}]") for name in ("full-06-ppo", "6.2-KL", "hog-200")}
    assert {name: part and part[0] for name, part in found.items()} == {
        "full-06-ppo": "06-ppo",
        "6.2-KL": "6.2",
        "hog-200": None,
    }
