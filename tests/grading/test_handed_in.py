"""What lies beside a submitted notebook, and which notebook it is when somebody hands in again."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.grading.conftest import NAME, Course
from topfive.build.notebooks import NOT_RELEASED, kept_back
from topfive.grading.intake import find_notebook

OWN = ("work/ledger.jsonl", "work/sft/model.safetensors", "work/brought/00-start-here/ledger.jsonl", "runs/report.json")
GIVEN = ("numbers.csv", "pictures/loop.svg")


def lay(folder: Path, words: str, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(words, "utf-8")


@pytest.mark.slow
def test_an_instructors_own_work_does_not_take_the_place_of_a_students(course: Course):
    lay(course.root / "solutions" / NAME, "the instructor's", *OWN, *GIVEN, "work/only-here.txt")
    course.hand_in("anna", lambda cells: None)
    lay(course.root / "submitted" / "anna" / NAME, "anna's", *OWN, *GIVEN)
    done = course.call("autograde", NAME, "--student=anna")
    assert done.returncode == 0, done.stderr[-3000:]
    graded = course.root / "autograded" / "anna" / NAME
    assert {(graded / name).read_text("utf-8") for name in OWN} == {"anna's"}
    assert {(graded / name).read_text("utf-8") for name in GIVEN} == {"the instructor's"}
    assert not (graded / "work" / "only-here.txt").exists()


def test_what_is_kept_back_is_what_is_not_released(tmp_path: Path):
    kept = [pattern.replace("[0-9]", "1").replace("[co]", "c").replace("*", "x") for pattern in NOT_RELEASED]
    lay(tmp_path, "", *GIVEN, *kept, *(f"deep/er/{name}" for name in kept))
    assert set(kept_back(tmp_path)) == {*kept, *(f"deep/er/{name}" for name in kept)}


# --- which notebook -----------------------------------------------------------------------------------------------


def hand_in(folder: Path, **answers: str) -> str:
    """Lay notebooks into a folder, by name (`a_Copy1` is a-Copy1) and answer, and return the answer that is graded."""
    for name, answer in answers.items():
        cell = new_code_cell(answer, metadata={"nbgrader": {"grade_id": "x"}})
        nbformat.write(new_notebook(cells=[cell]), folder / f"{name.replace('_', '-')}.ipynb")
    return graded(folder)


def graded(folder: Path) -> str:
    paths = sorted(map(str, folder.glob("*.ipynb")))
    find_notebook(assignment="a", student="anna", notebooks=paths)
    return "".join(nbformat.read(path, 4).cells[0].source for path in paths if Path(path).name == "a.ipynb")


def test_a_copy_that_is_handed_in_again_is_taken_again(tmp_path: Path):
    assert hand_in(tmp_path, a_Copy1="first") == "first"
    assert graded(tmp_path) == "first"
    assert hand_in(tmp_path, a_Copy1="second") == "second"
    assert hand_in(tmp_path, a_Copy1="third") == "third"


def test_a_later_copy_under_another_name_is_taken(tmp_path: Path):
    assert hand_in(tmp_path, a_Copy1="first") == "first"
    assert hand_in(tmp_path, a_Copy2="second") == "second"
    assert (tmp_path / "a-Copy1.ipynb").is_file()


def test_the_right_name_wins_when_it_comes_at_last(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    assert hand_in(tmp_path, a_Copy1="first") == "first"
    assert hand_in(tmp_path, a="second") == "second"
    assert hand_in(tmp_path, a_Copy1="third") == "second"
    assert "a-Copy1.ipynb, which is not" in caplog.text


def test_of_two_later_copies_none_is_chosen_and_the_old_one_does_not_stand_in(tmp_path: Path):
    assert hand_in(tmp_path, a_Copy1="first") == "first"
    assert hand_in(tmp_path, a_Copy1="second", a_Copy2="another") == ""


def test_a_copy_whose_source_is_gone_is_still_graded(tmp_path: Path):
    assert hand_in(tmp_path, a_Copy1="first") == "first"
    (tmp_path / "a-Copy1.ipynb").unlink()
    assert graded(tmp_path) == "first"
