"""What 01 gives points for besides its exercises: labels in the ledger, and instructions in work/."""

import pytest

from topfive.annotation.on_topic import CLASSES, CLEAR, lists_to_label
from topfive.checks import artefacts, kept_text, locked
from topfive.errors import TopFiveError
from topfive.ledger import Ledger, Task, store
from topfive.ledger.convert import prompt_record

FULL = {10: 1, 20: 2}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An assignment folder, and the running notebook in it."""
    for module in (store, artefacts):
        monkeypatch.setattr(module, "assignment_folder", lambda: tmp_path)
    return tmp_path


def label(number: int, wrong=()) -> None:
    """The first lists, each as it is, but for those whose case is in `wrong`."""
    ledger = Ledger()
    for one in lists_to_label()[:number]:
        said = CLASSES[1 - one.truth if one.case in wrong else one.truth]
        about = {"task": Task(one.prompt, (one.text,)).id, "prompt": prompt_record(one.prompt), "texts": [one.text]}
        ledger.append(
            {"kind": "answer", "type": "label", "panel": "p", "label": said, "labels": list(CLASSES), **about}
        )


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("number", "wrong", "points"), [(20, (), 3), (20, CLEAR, 2), (12, (), 1), (9, (), 0)])
def test_labels_give_points_by_number_and_for_the_clear_ones(number, wrong, points, capsys):
    label(number, wrong)
    assert locked.grade_labels(FULL, golden=1) == points
    assert f"{number} of 20 lists labelled" in capsys.readouterr().out


@pytest.mark.usefixtures("folder")
def test_borderline_cases_may_be_decided_otherwise():
    label(20, wrong=("repeat", "count", "vague"))
    assert locked.grade_labels(FULL, golden=1) == 3


@pytest.mark.usefixtures("folder")
def test_no_ledger_gives_no_points_and_no_error(capsys):
    assert locked.grade_labels(FULL, golden=1) == 0
    assert "0 of 20 lists labelled" in capsys.readouterr().out


def test_labels_of_other_lists_and_spoiled_ones_do_not_count(folder):
    about = {"kind": "answer", "type": "label", "panel": "p", "prompt": {"text": "top 5 soups"}}
    for number in range(20):
        Ledger().append(
            {**about, "task": f"t{number}", "texts": ["\n1. leek"], "label": "on topic", "labels": ["on topic"]}
        )
    for one in lists_to_label():
        Ledger().append(
            {**about, "task": Task(one.prompt, (one.text,)).id, "texts": [one.text], "label": "?", "labels": []}
        )
    assert locked.grade_labels(FULL, golden=1) == 0


def test_instructions_give_half_a_point_a_part(folder, capsys):
    assert locked.grade_instructions(4) == 0
    assert "work/instructions.md is missing" in capsys.readouterr().out
    kept_text("instructions.md", "Does every line answer the prompt?")
    assert locked.grade_instructions(4) == 0.5
    kept_text("instructions.md", "on topic or off topic? For example soups. Example two. If in doubt, skip.")
    assert locked.grade_instructions(4) == 2


def test_a_text_that_was_there_stays_beside_the_new_one(folder, capsys):
    kept_text("instructions.md", "first\n")
    kept_text("instructions.md", "first")
    assert not (folder / "work" / "instructions.md.before").exists()
    kept_text("instructions.md", "second")
    assert (folder / "work" / "instructions.md").read_text("utf-8") == "second\n"
    assert (folder / "work" / "instructions.md.before").read_text("utf-8") == "first\n"
    assert "saved in work/instructions.md, 1 words" in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "  \n", None, 3])
def test_no_text_overwrites_nothing(folder, text):
    kept_text("instructions.md", "mine")
    with pytest.raises(TopFiveError, match="there is no text to keep"):
        kept_text("instructions.md", text)
    assert (folder / "work" / "instructions.md").read_text("utf-8") == "mine\n"
