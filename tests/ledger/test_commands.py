"""The commands, ranking in a terminal, and bringing clicks along."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from topfive import ledger
from topfive.errors import TopFiveError
from topfive.ledger import Ledger, Task, plain
from topfive.ledger.cli import app
from topfive.lists import Prompt, Ranking

PROMPT = Prompt("top 5 soups", "soups")
TASKS = [Task(Prompt(f"top 5 soups {n}", "soups"), ("\n1. leek", "\n1. pea", "\n1. corn")) for n in range(4)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, typed: str = ""):
    return CliRunner().invoke(app, list(arguments), input=typed)


@pytest.mark.parametrize(
    ("line", "ranks"),
    [("a b c", (1, 2, 3)), ("cab", (2, 3, 1)), ("c a=b", (2, 2, 1)), ("a=b=c", (1, 1, 1)), ("a = b c", (1, 1, 3))],
)
def test_places_are_read_by_letter(line, ranks):
    assert plain.places(line, [0, 1, 2]) == ranks


def test_letters_name_what_was_shown_where():
    assert plain.places("a b c", [2, 0, 1]) == (2, 3, 1)


@pytest.mark.parametrize("line", ["", "a", "a b", "a b d", "a a b c", "=a b c", "a b c=", "a==b c", "1 2 3"])
def test_an_unclear_line_is_asked_again(line):
    with pytest.raises(TopFiveError, match="each of a, b, c once"):
        plain.places(line, [0, 1, 2])


def test_ranking_in_a_terminal_saves_undoes_skips_and_resumes(home):
    book = Ledger()
    typed = iter(["c b a", "u", "nonsense", "a b c", "s", "a=b c", "q"])
    assert plain.rank(TASKS, book, ask=lambda _: next(typed), tell=lambda _: None) == 2
    found, problems = ledger.rankings()
    assert problems == []
    assert [r.prompt for r in found] == [TASKS[0].prompt, TASKS[2].prompt]
    shown = TASKS[0].shown(book.header()["student"])
    assert [found[0].ranks[index] for index in shown] == [1, 2, 3]
    pages: list[str] = []
    plain.rank(TASKS, Ledger(), ask=lambda _: "q", tell=pages.append)
    assert "1 of 1: top 5 soups 3" in pages[1]


def test_the_end_of_input_is_the_end(home):
    result = run("rank", typed="c b a\n")
    assert result.exit_code == 0
    assert "1 rankings saved" in result.output


def test_ranking_lists_from_a_file(home):
    (home / "lists.jsonl").write_text(json.dumps({"prompt": "top 5 teas", "texts": ["\n1. mint", "\n1. sage"]}) + "\n")
    assert run("rank", "--lists", "lists.jsonl", typed="b a\n").exit_code == 0
    assert ledger.rankings()[0][0].prompt.text == "top 5 teas"


@pytest.mark.parametrize("row", [{"prompt": "x"}, {"prompt": "x", "texts": ["one"]}, {"prompt": "x", "texts": [1, 2]}])
def test_a_bad_file_of_lists_is_named(home, row):
    (home / "lists.jsonl").write_text(json.dumps(row) + "\n")
    with pytest.raises(TopFiveError, match=r"lists.jsonl:1"):
        plain.tasks_from(home / "lists.jsonl")


def test_show_check_export(home):
    book = Ledger()
    book.append(ledger.ranking_event(Ranking(PROMPT, TASKS[0].texts, (2, 1, 2)), seconds=12.0))
    shown = run("show").output
    assert "pea > leek = corn" in shown
    assert "12" in shown
    assert run("check").exit_code == 0
    assert run("export", "preferences", "out.jsonl").exit_code == 0
    assert len((home / "out.jsonl").read_text().splitlines()) == 2
    assert run("export", "rankings", "folder").exit_code == 0
    assert (home / "folder" / "dataset_info.json").exists()


def test_check_reports_damage_and_changes_nothing(home):
    book = Ledger()
    book.append({"kind": "note"})
    with book.path.open("ab") as file:
        file.write(b"torn")
    before = book.path.read_bytes()
    result = run("check")
    assert result.exit_code == 1
    assert "ledger.jsonl:3" in result.output
    assert book.path.read_bytes() == before


def test_show_survives_strange_answers(home):
    book = Ledger()
    for strange in ({"type": "rank"}, {"type": "rate", "texts": []}, {"prompt": 3, "seconds": "x"}, {}):
        book.append({"kind": "answer", **strange})
    book.append({"kind": "flag"})
    assert run("show").output.count("unreadable") == 5


def test_downloaded_clicks_can_be_added_twice_without_harm(home):
    pending = home / "pending.jsonl"
    pending.write_text('{"kind": "note", "id": "a"}\n{"kind": "note", "id": "b"}\n')
    assert run("add", "pending.jsonl").exit_code == 0
    assert run("add", "pending.jsonl").exit_code == 0
    assert [event["id"] for event in ledger.read()[0]] == ["a", "b"]


def test_no_ledger_is_an_error_in_one_line(home):
    result = run("show")
    assert isinstance(result.exception, TopFiveError)
    assert "no ledger here yet" in str(result.exception)


def test_bring_copies_and_says_so(tmp_path, capsys):
    source = Ledger(tmp_path / "04" / "work" / "ledger.jsonl")
    source.path.parent.parent.mkdir()
    source.append({"kind": "note"})
    own = tmp_path / "05" / "work" / "ledger.jsonl"
    copy = ledger.bring("04", own)
    assert copy == own.parent / "brought" / "04" / "ledger.jsonl"
    assert copy.read_bytes() == source.path.read_bytes()
    assert "1 events, copied now from 04" in capsys.readouterr().out
    source.append({"kind": "note"})
    assert len(ledger.read(ledger.bring("04", own))[0]) == 2
    source.path.unlink()
    assert len(ledger.read(ledger.bring("04", own))[0]) == 2
    assert "copied earlier" in capsys.readouterr().out.splitlines()[-1]


def test_bring_without_a_source_says_what_to_do(tmp_path):
    with pytest.raises(TopFiveError, match="do 04 first"):
        ledger.bring("04", tmp_path / "05" / "work" / "ledger.jsonl")
