"""The label panel in Python, and what its clicks mean."""

import pytest

from topfive.ledger import Task, convert, read, table, with_repeats
from topfive.lists import Prompt
from topfive.panels import Label

PROMPT = Prompt("top 5 soups", "soups", ())
TASKS = [Task(PROMPT, (f"\n1. {name}",)) for name in ("leek", "pea", "corn", "bean")]
ASKED = {"question": "Is it on topic?", "labels": ("on topic", "off topic")}


@pytest.fixture
def panel(tmp_path):
    return Label(TASKS, ledger=tmp_path / "work" / "ledger.jsonl", **ASKED)


def click(panel, place, label, **more):
    task = panel.tasks[place]
    about = {"task": task["id"], "prompt": task["prompt"], "texts": task["texts"], "repeat_of": task["repeat_of"]}
    kept = {"kind": "answer", "type": "label", "of": "lists", "panel": panel.name, "label": label, **about, **more}
    return panel.ledger.append({"labels": task["labels"], "question": task["question"], **kept})


def test_question_and_labels_reach_the_browser_with_each_task(panel):
    assert {task["question"] for task in panel.tasks} == {"Is it on topic?"}
    assert all(task["labels"] == ["on topic", "off topic"] for task in panel.tasks)
    assert panel.config["side"] is False


def test_clicks_become_rows_of_task_worker_and_label(panel):
    click(panel, 1, "on topic", seconds=4.5)
    click(panel, 0, "off topic")
    click(panel, 1, "off topic", seconds=2)
    first, second = panel.labels()
    student = panel.ledger.header()["student"]
    assert (first["task"], first["worker"], first["label"]) == (TASKS[1].id, student, "off topic")
    assert (first["prompt"], first["text"], first["seconds"], first["source"]) == (
        "top 5 soups",
        "\n1. pea",
        2.0,
        "human",
    )
    assert second["task"] == TASKS[0].id


def test_a_hidden_repeat_has_its_originals_task_and_is_left_out_of_the_labels(tmp_path):
    repeated = with_repeats(TASKS, 1, "key")
    panel = Label(repeated, ledger=tmp_path / "work" / "ledger.jsonl", **ASKED)
    for place in range(len(repeated)):
        click(panel, place, "on topic")
    assert len(panel.labels()) == 4
    rows = convert.label_rows(panel.events())
    [again] = [row for row in rows if row["repeat"]]
    assert again["task"] in {task.id for task in TASKS}


def test_an_undone_label_does_not_count_and_a_spoiled_one_is_passed_over(panel):
    kept = click(panel, 0, "on topic")
    panel.ledger.append({"kind": "undo", "panel": "label", "of": kept["id"]})
    for bad in ({"label": "maybe"}, {"labels": "on topic"}, {"label": None}, {"texts": []}, {"prompt": 3}):
        click(panel, 1, **{"label": "on topic", **bad})
    assert panel.labels() == []
    assert all(row[3] for row in table.answer_rows(panel.events()))


def test_without_a_front_end_it_is_a_table(panel, monkeypatch):
    click(panel, 2, "off topic", seconds=3)
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    words = panel._repr_mimebundle_()["text/plain"]
    assert "label: 1 of 4 answered" in words
    assert "off topic: corn" in words


def test_labels_are_exported_as_a_dataset(panel):
    click(panel, 2, "off topic", seconds=3)
    dataset = convert.load("labels", panel.ledger.path)
    assert dataset.column_names[:3] == ["task", "worker", "label"]
    assert dataset["label"][:] == ["off topic"]
    assert len(read(panel.ledger.path)[0]) == 1


@pytest.mark.parametrize("labels", [(), ("one",), ("a", "a"), ("a", " "), tuple("abcdefghij")])
def test_labels_are_two_to_nine_different_names(labels, tmp_path):
    with pytest.raises(ValueError, match="two to nine different labels"):
        Label(TASKS, question="?", labels=labels, ledger=tmp_path / "l.jsonl")


def test_a_label_is_of_one_text(tmp_path):
    with pytest.raises(ValueError, match="a label is of one text"):
        Label([Task(PROMPT, ("a", "b"))], ledger=tmp_path / "l.jsonl", **ASKED)
