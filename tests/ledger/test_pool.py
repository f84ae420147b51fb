"""A class's ledgers put together: who agreed, and nothing personal; whatever is odd about a ledger is said."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from topfive import data
from topfive.cli import app
from topfive.errors import TopFiveError
from topfive.ledger import Ledger, pool
from topfive.ledger.consent import consent, given_in
from topfive.ledger.reading import read

NAMES = ("Zephyrine Quastenbaum", "zephyrine@quastenbaum.example", "+49 170 5550123", "Wisteria Lane 77", "Zephyrine")


def simulated():
    lines = (data.folder() / "recorded" / "collecting" / "ledger.jsonl").read_text("utf-8").splitlines()
    return [json.loads(line) for line in lines][1:]


def student(folder: Path, name: str, agrees: bool | None = True, more=(), keep=slice(None)) -> Path:
    """A ledger of a student who gave the simulated student's answers, with event ids and a key of their own."""
    home = folder / name / "04-collecting-preferences"
    (home / "work").mkdir(parents=True)
    book = Ledger(home / "work" / "ledger.jsonl")
    for event in simulated()[keep]:
        book.append(
            {key: value for key, value in event.items() if key not in ("time", "source")}
            | {"id": f"{name}-{event['id']}"}
        )
    for event in more:
        book.append(event)
    if agrees is not None:
        consent(agrees, book)
    return book.path


def everything(folder: Path) -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted(folder.rglob("*")) if path.is_file())


def rows(folder: Path, name: str):
    return [row for _, row in data.read_jsonl(folder / f"{name}.jsonl")]


# --- nothing personal ---------------------------------------------------------------------------------------------


def planted():
    """Answers with a name or an address wherever an event has room for one."""
    name, mail, phone, street, first = NAMES
    good = next(event for event in simulated() if event["type"] == "compare")
    rank = next(event for event in simulated() if event["panel"] == "rank")
    rated = next(event for event in simulated() if event["type"] == "rate")
    strip = {key: good[key] for key in ("kind", "type", "of", "texts", "shown", "ranks", "prompt")}
    return [
        strip | {"panel": f"panel of {name}", "task": "x1", "why": f"I am {name}, {mail}, {phone}", "by": first},
        strip | {"panel": "p", "task": first, "prompt": {**good["prompt"], "topic": street, "note": mail}},
        strip | {"panel": "p", "task": "x2", "also": {"question": f"{name}?", "ranks": [2, 1], "why": mail}},
        strip | {"panel": "p", "task": "x3", "also": {"question": "?", "ranks": [name, 1]}, "sure": mail},
        strip | {"panel": "p", "task": "x4", "seconds": phone, "shown": [first, 0], "suggested": name},
        strip | {"panel": "p", "task": "x5", "texts": [good["texts"][0], f"\n1. tea with {name}"]},
        strip | {"panel": "p", "task": "x6", "prompt": {"text": f"top 5 things at {street}"}},
        strip | {"panel": "p", "task": "x7", "type": f"compare {name}"},
        strip | {"panel": "p", "task": "x8", "source": f"{name}", "repeat_of": mail, "mode": street},
        {**rank, "id": f"{mail}", "task": "x9", "panel": "p", "why": street, "time": name, "mode": name},
        {**rated, "id": "x10", "task": "x10", "panel": "p", "ratings": {"helpful": 3, name: 4}, "why": phone},
        {
            "kind": "answer",
            "type": "write",
            "of": "lists",
            "panel": "w",
            "task": "w",
            "prompt": good["prompt"],
            "texts": [name],
        },
        {"kind": "flag", "task": "x", "prompt": good["prompt"], "reason": f"{name} lives in {street}"},
        {"kind": "draft", "task": "x", "draft": {"text": mail}},
        {"kind": "consent", "to": "class pool", "given": True, "name": name, "signed": mail},
    ]


def test_planted_names_and_addresses_stay_out_and_the_answers_they_stood_beside_come_in(tmp_path: Path):
    path = student(tmp_path / "Zephyrine Quastenbaum", "handed-in", more=planted())
    other = student(tmp_path, "other")
    gathered = pool.gather([path, other])
    pool.write(gathered, tmp_path / "pool")
    text = everything(tmp_path / "pool")
    for word in NAMES:
        assert word.lower() not in text.lower()
    headers = [Ledger(one).header() for one in (path, other)]
    for secret in (
        *(header[key] for header in headers for key in ("student", "id")),
        str(tmp_path),
        "handed-in",
        "Quasten",
    ):
        assert secret not in text
    assert not re.search(r"20\d\d-\d\d-\d\dT", text)
    assert sum(row["labeller"] == gathered.judgements[0]["labeller"] for row in gathered.judgements) >= 40
    assert len(gathered.judgements) > 2 * 40


def test_every_value_is_one_that_the_course_knows_or_a_number(tmp_path: Path):
    """Not a list of what is forbidden: whatever text stands in a row is the course's own, or one of a few words."""
    path = student(tmp_path, "one", more=planted())
    known = {text for pair in pool.shipped_lists() for text in pair} | {
        "rate",
        "compare",
        "rank",
        "best and worst",
        "s01",
    }

    def texts(value):
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict):
            assert set(value) <= set(pool.SCALES)
            for one in value.values():
                yield from texts(one)
        elif isinstance(value, list):
            for one in value:
                yield from texts(one)

    for row in pool.gather([path]).judgements:
        assert {text for value in row.values() for text in texts(value)} <= known


# --- consent ------------------------------------------------------------------------------------------------------


def test_half_a_class_without_consent_is_left_out_and_counted(tmp_path: Path):
    paths = [student(tmp_path, f"y{at}", keep=slice(16, 28)) for at in range(2)]
    paths += [student(tmp_path, "no", agrees=False), student(tmp_path, "silent", agrees=None)]
    before = [path.read_bytes() for path in paths]
    gathered = pool.gather(paths)
    assert {row["labeller"] for row in gathered.judgements} == {"s01", "s02"}
    assert "2 of 4 ledgers without consent: nothing of them is in the pool" in gathered.words
    assert [path.read_bytes() for path in paths] == before


def test_copies_brought_to_another_assignment_are_passed_over(tmp_path: Path):
    path = student(tmp_path / "brought", "one", keep=slice(16, 28))  # a folder above may have any name
    copy = (
        path.parents[2] / "05-preference-modeling" / "work" / "brought" / "04-collecting-preferences" / "ledger.jsonl"
    )
    copy.parent.mkdir(parents=True)
    copy.write_bytes(path.read_bytes())
    assert pool.find([tmp_path / "brought"]) == [path.resolve()]


def test_nothing_tells_in_which_order_the_ledgers_were_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    paths = [student(tmp_path, name, keep=slice(16, 28)) for name in ("a", "b", "c")]
    monkeypatch.setattr(pool, "_numbers", lambda count: ["s03", "s01", "s02"])  # as the lot may fall
    labellers = [row["labeller"] for row in pool.gather(paths).judgements]
    assert labellers == sorted(labellers)
    assert set(labellers) == {"s01", "s02", "s03"}


def test_the_last_word_counts_and_is_written_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    book = Ledger(tmp_path / "ledger.jsonl")
    assert not consent(False, book)
    assert not book.path.exists()
    assert consent(True, book)
    assert consent(True, book)
    assert len(read(book.path)[0]) == 1
    assert not consent(False, book)
    assert not given_in(read(book.path)[0])
    assert "stay with you" in capsys.readouterr().out


@pytest.mark.parametrize("given", ["yes", 1, "True", None, ["True"]])
def test_what_is_not_plainly_a_yes_is_a_no(given: object):
    assert not given_in([{"id": "a", "kind": "consent", "to": "class pool", "given": given}])
    assert not given_in([{"id": "a", "kind": "consent", "to": "something else", "given": True}])


def test_grading_does_not_agree_for_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert not consent(True, Ledger(tmp_path / "ledger.jsonl"))
    assert not (tmp_path / "ledger.jsonl").exists()


# --- odd ledgers --------------------------------------------------------------------------------------------------


def test_a_student_who_handed_in_twice_counts_once(tmp_path: Path):
    path = student(tmp_path, "one")
    alone = len(pool.gather([path]).judgements)
    copy = tmp_path / "again.jsonl"
    copy.write_bytes(path.read_bytes()[:-200])  # an earlier state, torn, and from before the consent
    gathered = pool.gather([copy, path])
    assert len(gathered.judgements) == alone
    assert any("copies of one ledger" in words for words in gathered.words)


def test_a_torn_ledger_gives_what_can_be_read_and_says_the_line(tmp_path: Path):
    path = student(tmp_path, "one")
    lines = path.read_bytes().split(b"\n")
    whole = len(pool.gather([path]).judgements)
    path.write_bytes(b"\n".join([*lines[:5], lines[5][:40], *lines[6:]]))
    gathered = pool.gather([path])
    assert len(gathered.judgements) == whole - 1
    assert any(":6: not JSON" in words for words in gathered.words)


def test_answers_of_another_version_of_the_panel_are_counted_and_left_out(tmp_path: Path):
    good = next(event for event in simulated() if event["type"] == "compare")
    odd = [
        {**good, "id": "a", "task": "a", "ranks": "first"},
        {**good, "id": "b", "task": "b", "ranks": [1, 2, 3]},
        {**good, "id": "c", "task": "c", "ranks": None, "choice": -2},
    ]
    gathered = pool.gather([student(tmp_path, "one", more=odd, keep=slice(16, 28))])
    assert len(gathered.judgements) == 12
    assert "s01: 3 answers left out: unreadable, or of another version of the panel" in gathered.words


def test_an_answer_without_the_new_features_is_an_answer(tmp_path: Path):
    gathered = pool.gather([student(tmp_path, "one", keep=slice(30, 34))])
    assert [(row["also"], row["unsure"] in (True, False)) for row in gathered.judgements] == [(None, True)] * 4


def test_a_damaged_header_is_its_own_labeller(tmp_path: Path):
    paths = [student(tmp_path, name, keep=slice(16, 20)) for name in ("one", "two")]
    for path in paths:
        path.write_bytes(b"{broken\n" + path.read_bytes().split(b"\n", 1)[1])
    assert {row["labeller"] for row in pool.gather(paths).judgements} == {"s01", "s02"}


def test_nobody_agreed_no_ledger_and_a_folder_of_something_else(tmp_path: Path):
    path = student(tmp_path / "class", "no", agrees=False)
    with pytest.raises(TopFiveError, match="nothing to pool"):
        pool.write(pool.gather([path]), tmp_path / "pool")
    (tmp_path / "empty").mkdir()
    with pytest.raises(TopFiveError, match="no ledger in it"):
        pool.find([tmp_path / "empty"])
    with pytest.raises(TopFiveError, match="no such file"):
        pool.find([tmp_path / "gone"])
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine", "utf-8")
    with pytest.raises(TopFiveError, match="holds something else"):
        pool.write(pool.gather([student(tmp_path / "class", "yes")]), tmp_path / "thesis")
    assert (tmp_path / "thesis" / "chapter.txt").read_text("utf-8") == "mine"


# --- what it says -------------------------------------------------------------------------------------------------


def test_the_command_makes_one_dataset_with_agreement_quality_and_scores(tmp_path: Path):
    for name in ("one", "two", "three"):
        student(tmp_path / "submitted", name)
    out = tmp_path / "pool"
    done = CliRunner().invoke(app, ["ledger", "pool", str(tmp_path / "submitted"), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "120 judgements by 3 labellers" in done.output
    assert "1.00 [1.00, 1.00]" in (out / "README.md").read_text("utf-8")
    [first, *_] = rows(out, "labellers")
    assert (first["answers"], first["repeats"], first["labeller"]) == (40, 13, "s01")
    assert first["pairs_alike"] == first["pairs_with_others"] > 0
    lists = rows(out, "lists")
    assert len(lists) == 12
    assert {row["labellers"] for row in lists} == {3}
    assert all(1 <= row["mean_helpful"] <= 5 and row["score"] is not None for row in lists)
    again = CliRunner().invoke(app, ["ledger", "pool", str(tmp_path / "submitted"), "--out", str(out)])
    assert again.exit_code == 0


def test_one_worker_has_no_agreement_and_nothing_breaks(tmp_path: Path):
    gathered = pool.gather([student(tmp_path, "one", keep=slice(0, 3))])
    assert pool.report(gathered.judgements)["agreement"] is None
    assert {row["score"] for row in pool.aggregated(gathered.judgements)} == {None}
    pool.write(gathered, tmp_path / "pool")
    assert "an unknown share" in (tmp_path / "pool" / "README.md").read_text("utf-8")
