"""Panels in Python: what they answer to the browser, what they show without one, what they refuse."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from topfive import ledger
from topfive.ledger import Task
from topfive.lists import Prompt
from topfive.panels import Blind, Compare, Panel, Rank, Rate, Write, base

PROMPT = Prompt("top 5 soups", "soups", ("vegetarian",))
LISTS = ("\n1. leek", "\n1. pea", "\n1. <b>corn</b>")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "work" / "ledger.jsonl"


@pytest.fixture
def panel(path: Path) -> Rank:
    return listening(Rank([Task(PROMPT, LISTS), Task(PROMPT, LISTS[:2])], ledger=path))


def listening(panel: Any) -> Any:
    """The panel, with what it sends kept in `sent`."""
    panel.sent = []
    panel.send = lambda message, buffers=None: panel.sent.append(json.loads(json.dumps(message)))
    return panel


def click(panel: Panel, **fields: object) -> dict[str, Any]:
    """An answer event as the browser makes it, for the panel's first task unless told otherwise."""
    task = panel.tasks[0]
    about = {"task": task["id"], "prompt": task["prompt"], "texts": task["texts"], "shown": task["shown"]}
    common = {"kind": "answer", "type": panel.type, "of": "lists", "panel": panel.name, "at": 1, "repeat_of": ""}
    return common | about | {"id": f"click {len(panel.sent)}"} | fields


def receive(panel: Panel, message: object) -> list[dict[str, Any]]:
    panel.sent.clear()
    panel._receive(panel, message, [])
    return list(panel.sent)


def test_hello_is_answered_with_what_the_ledger_holds(panel, path):
    [history] = receive(panel, {"type": "hello"})
    assert (history["type"], history["trouble"]) == ("history", "")
    assert history["ledger"] == ledger.Ledger(path).header()["id"]
    receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3], id="a")]})
    ledger.Ledger(path).append({"kind": "note", "panel": "another"})
    [history] = receive(panel, {"type": "hello"})
    assert [event["kind"] for event in history["events"]] == ["open", "answer", "open"]


def test_an_event_is_on_disk_before_it_is_acknowledged(panel, path, monkeypatch):
    on_disk = []
    monkeypatch.setattr(panel, "send", lambda message: on_disk.append(len(ledger.read(path)[0])))
    receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3])]})
    assert on_disk == [1]


def test_a_bad_event_is_refused_with_a_reason_and_the_rest_saved(panel):
    events = [click(panel, ranks=[1, 2, 3], id="a"), {"kind": 5}, "nonsense", click(panel, ranks=[3, 2, 1], id="b")]
    [answer] = receive(panel, {"type": "events", "events": events})
    assert [event["id"] for event in answer["events"]] == ["a", "b"]
    assert ["`kind`" in answer["refused"][0]["why"], "not str" in answer["refused"][1]["why"]] == [True, True]


def test_where_nothing_can_be_written_nothing_is_acknowledged(panel, path):
    path.parent.write_text("a file where the folder should be")
    [history] = receive(panel, {"type": "hello"})
    assert history["ledger"] == "new"
    assert "cannot be written" in history["trouble"]
    [answer] = receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3])]})
    assert (answer["events"], answer["ledger"]) == ([], "new")
    path.parent.unlink()
    [answer] = receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3])]})
    assert len(answer["events"]) == 1


@pytest.mark.parametrize(
    "message", [None, 3, [], {}, {"type": "events"}, {"type": "events", "events": 3}, {"type": "?"}]
)
def test_foreign_messages_are_let_pass(panel, path, message):
    assert receive(panel, message) == []
    assert not path.exists()


def test_the_side_view_comes_after_an_answer_and_only_when_on(panel):
    draft = {"kind": "draft", "id": "d", "panel": "rank", "task": panel.tasks[0]["id"], "side": True}
    assert len(receive(panel, {"type": "events", "events": [draft]})) == 1
    assert len(receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3], side=False, id="a")]})) == 1
    saved, side = receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2, 3], side=True, id="b")]})
    assert (saved["type"], side["type"]) == ("saved", "side")
    assert [row["label"] for row in side["rows"]] == ["leek", "pea", "<b>corn</b>"]
    assert all(row["low"] < row["mean"] < row["high"] for row in side["rows"])


def test_a_panel_is_rebuilt_from_its_ledger(panel, path):
    receive(panel, {"type": "events", "events": [click(panel, ranks=[2, 1, 3])]})
    again = Rank([Task(PROMPT, LISTS), Task(PROMPT, LISTS[:2])], ledger=path)
    assert [ranking.ranks for ranking in again.rankings()] == [(2, 1, 3)]
    assert [task["shown"] for task in again.tasks] == [task["shown"] for task in panel.tasks]
    assert again.unknown() == []
    other = Rank([Task(PROMPT, LISTS[:2])], ledger=path)
    assert len(other.unknown()) == 1


def test_without_a_front_end_it_is_a_table(panel, monkeypatch):
    receive(panel, {"type": "events", "events": [click(panel, ranks=[2, 1, 3])]})
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    bundle = panel._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert "pea > leek > <b>corn</b>" in bundle["text/plain"]
    assert "&lt;b&gt;corn&lt;/b&gt;" in bundle["text/html"]
    assert "<b>corn" not in bundle["text/html"]


def test_an_empty_panel_without_a_front_end_leaves_no_ledger(path, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert Rank([Task(PROMPT, LISTS)], ledger=path)._repr_mimebundle_()["text/plain"] == "rank: 0 of 1 answered"
    assert not path.parent.exists()


def test_blind_reveals_nothing_that_the_ledger_does_not_hold(path, monkeypatch):
    panel = listening(Blind([(PROMPT, {"ppo": LISTS[0], "sft": LISTS[1]})], ledger=path))
    receive(panel, {"type": "events", "events": [click(panel, ranks=[1, 2])]})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    [saved] = receive(panel, {"type": "reveal"})
    assert saved["events"] == []
    assert "No space left" in saved["refused"][0]["why"]
    assert saved["refused"][0]["unfit"] is False


def test_blind_keeps_who_wrote_what_until_all_are_judged(path):
    pairs = [(Prompt(f"top 5 {n}", "x"), {"ppo": LISTS[0], "sft": LISTS[1]}) for n in range(3)]
    panel = listening(Blind(pairs, ledger=path))
    assert "ppo" not in json.dumps([panel.tasks, panel.config])
    for number, ranks in enumerate(([1, 2], [1, 1])):
        task = panel.tasks[number]
        receive(panel, {"type": "events", "events": [click(panel, task=task["id"], ranks=ranks, id=f"c{number}")]})
    assert receive(panel, {"type": "reveal"}) == []
    skip = {"kind": "skip", "id": "s", "panel": "blind", "task": panel.tasks[2]["id"]}
    receive(panel, {"type": "events", "events": [skip]})
    saved, revealed = receive(panel, {"type": "reveal"})
    assert [event["kind"] for event in saved["events"]] == ["reveal"]
    assert [row[:3] for row in revealed["rows"]] == [["ppo", 1, 1], ["sft", 0, 1]]
    assert panel.results()["ppo"].mean == pytest.approx(0.75)
    receive(panel, {"type": "reveal"})
    assert [event["kind"] for event in ledger.read(path)[0]].count("reveal") == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Rank([]), "at least one task"),
        (lambda: Rank([Task(PROMPT, LISTS), Task(PROMPT, LISTS)]), "no task twice"),
        (lambda: Rank([Task(PROMPT, LISTS[:1])]), "two to six"),
        (lambda: Rank([Task(PROMPT, tuple("abcdefg"))]), "two to six"),
        (lambda: Compare([Task(PROMPT, LISTS)]), "two texts"),
        (lambda: Rate([Task(PROMPT, LISTS)]), "one text"),
        (lambda: Blind([(PROMPT, {"a": "x"})]), "same two policies"),
        (lambda: Blind([(PROMPT, {"a": "x", "b": "y"}), (PROMPT, {"a": "x", "c": "y"})]), "same two policies"),
        (lambda: Write([]), "at least one task"),
    ],
)
def test_tasks_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("kind", [Blind, Compare, Rank, Rate, Write])
def test_no_panel_asks_the_network_for_anything(kind):
    module = kind._esm + kind._css
    assert "://" not in module
    assert "import " not in kind._esm.split("// ---- the queue")[1]
    assert "innerHTML" not in kind._esm
    assert kind._esm.count("export default") == 1
    assert base.source("common.js") in kind._esm
