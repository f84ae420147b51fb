"""What lies beside a submitted notebook, and which notebook it is when somebody hands in again."""

from pathlib import Path

import pytest

from tests.grading.conftest import NAME, Course
from topfive.build.notebooks import NOT_RELEASED, kept_back

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
