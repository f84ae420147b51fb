"""Reading: every event once, everything odd in words, nothing rewritten."""

import json
from pathlib import Path

import pytest

from topfive import ledger
from topfive.ledger import reading
from topfive.ledger.store import MAX_LINE, VERSION

HEADER = {"v": 1, "kind": "header", "id": "h", "student": "s", "assignment": "04", "time": "t"}


def event(name: str, **more: object) -> dict:
    return {"v": 1, "id": name, "kind": "draft", "time": "2026-01-01T00:00:00.000Z", **more}


def written(path: Path, *lines: object) -> Path:
    encoded = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    path.write_bytes(b"\n".join(encoded) + b"\n")
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.jsonl"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"v":1,"id":"b","ki', "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b"[1, 2]", "list where an event should be"),
        (b"3", "int where an event should be"),
        (b"null", "NoneType where an event should be"),
        (b'{"hello": "world"}', "no version `v`"),
        (b'{"v": true, "id": "b", "kind": "x"}', "no version `v`"),
        (b'{"v": 1, "kind": "x"}', "no `id` or `kind`"),
        (b'{"v": 1, "id": 7, "kind": "x"}', "no `id` or `kind`"),
        (json.dumps({"v": VERSION + 1, "id": "b", "kind": "x"}).encode(), "newer topfive"),
        (b'{"v":1,"id":"b","kind":"x","t":"' + b"a" * 1_000_000 + b'"}', f"{MAX_LINE:,} is the most"),
        (b"[" * 200_000, "nested too deep"),
        (json.dumps(HEADER).encode(), "second header"),
    ],
)
def test_an_odd_line_is_named_kept_and_skipped(path, line, message):
    written(path, HEADER, event("a"), line, event("c"))
    before = path.read_bytes()
    events, problems = ledger.read(path)
    assert [e["id"] for e in events] == ["a", "c"]
    assert len(problems) == 1
    assert problems[0].startswith(f"{path}:3: ")
    assert message in problems[0]
    assert problems[0].endswith("kept, skipped")
    assert path.read_bytes() == before


def test_a_torn_last_line_is_reported_as_such(path):
    written(path, HEADER, event("a"))
    with path.open("ab") as file:
        file.write(b'{"v":1,"id":"b"')
    events, [problem] = ledger.read(path)
    assert [e["id"] for e in events] == ["a"]
    assert "cut off by a crash?" in problem


def test_the_next_event_after_a_torn_line_is_whole(path):
    written(path, HEADER)
    with path.open("ab") as file:
        file.write(b'{"v":1,"id":"b"')
    ledger.Ledger(path).append({"kind": "note", "id": "c"})
    assert [e["id"] for e in ledger.read(path)[0]] == ["c"]


def test_empty_lines_and_line_endings_of_other_systems_are_no_problem(path):
    path.write_bytes(b"\r\n".join([json.dumps(HEADER).encode(), b"", json.dumps(event("a")).encode(), b" ", b""]))
    assert ledger.read(path) == ([event("a")], [])


def test_a_missing_header_is_reported_and_the_events_stay(path):
    written(path, event("a"))
    events, [problem] = ledger.read(path)
    assert len(events) == 1
    assert "header" in problem
    assert ledger.Ledger(path).header()["id"] == "unreadable"


@pytest.mark.parametrize("content", [b"", b"\n", b"\0" * 100, b"[1]\n", b'{"v":1}\n'])
def test_files_that_are_no_ledger_never_raise(path, content):
    path.write_bytes(content)
    events, problems = ledger.read(path)
    assert events == []
    assert problems
    ledger.Ledger(path).append({"kind": "note"})
    assert len(ledger.read(path)[0]) == 1


def test_a_folder_where_the_file_should_be_is_reported(tmp_path):
    events, [problem] = ledger.read(tmp_path)
    assert events == []
    assert "cannot be read" in problem


def test_resent_lines_count_once(path):
    written(path, HEADER, event("a"), event("a"), event("b"))
    assert [e["id"] for e in ledger.read(path)[0]] == ["a", "b"]
    assert reading.duplicates(path) == 1


def test_undo_and_redo_replay():
    def undo(name: str, of: str) -> dict:
        return event(name, kind="undo", of=of)

    def redo(name: str, of: str) -> dict:
        return event(name, kind="redo", of=of)

    base = [event("a"), event("b"), event("c")]
    cases = {
        "abc": [],
        "ab": [undo("1", "c")],
        "a": [undo("1", "c"), undo("2", "b")],
        "ab ": [undo("1", "c"), undo("2", "b"), redo("3", "b")],
        "abc ": [undo("1", "c"), redo("2", "c")],
        "abc  ": [undo("1", "unknown"), undo("2", None)],
    }
    for expected, changes in cases.items():
        assert [e["id"] for e in ledger.live(base + changes)] == list(expected.strip())


def test_of_two_answers_to_one_task_the_last_holds():
    first = event("a", kind="answer", panel="p", task="t", ranks=[1, 2])
    second = event("b", kind="answer", panel="p", task="t", ranks=[2, 1])
    other = event("c", kind="answer", panel="q", task="t", ranks=[2, 1])
    assert [e["id"] for e in ledger.answers([first, second, other])] == ["b", "c"]
    undone = event("d", kind="undo", of="b")
    assert [e["id"] for e in ledger.answers([first, second, other, undone])] == ["a", "c"]


def test_a_hundred_thousand_events_open_in_a_second(path):
    with path.open("w") as file:
        file.write(json.dumps(HEADER) + "\n")
        for number in range(100_000):
            more = {"panel": "first", "task": f"{number:012x}", "draft": [[0], [1], [2]], "at": 1_790_000_000_000}
            file.write(json.dumps(event(f"{number:032x}", **more)) + "\n")
    events, problems = ledger.read(path)
    assert (len(events), problems) == (100_000, [])
