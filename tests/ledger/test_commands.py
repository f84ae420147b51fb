"""The commands, ranking in a terminal, and bringing clicks along."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from topfive import data, ledger
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
    [
        ("a b c", (1, 2, 3)),
        ("cab", (2, 3, 1)),
        ("c a=b", (2, 2, 1)),
        ("a=b=c", (1, 1, 1)),
        ("a = b c", (1, 1, 3)),
        ("b > a > c", (2, 1, 3)),
        ("b>a>c", (2, 1, 3)),
        ("b,a, c", (2, 1, 3)),
        ("c > a = b", (2, 2, 1)),
        (" c,a=b ", (2, 2, 1)),
    ],
)
def test_places_are_read_by_letter(line, ranks):
    assert plain.places(line, [0, 1, 2]) == ranks


def test_letters_name_what_was_shown_where():
    assert plain.places("a b c", [2, 0, 1]) == (2, 3, 1)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "a",
        "a b",
        "a b d",
        "a a b c",
        "=a b c",
        "a b c=",
        "a==b c",
        "1 2 3",
        "a >= b c",
        "a>>b c",
        "a,,b,c",
        "> a b c",
        "a, b, c,",
        "a > b",
    ],
)
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


def test_an_answer_as_show_writes_it_is_read(home):
    book = Ledger()
    plain.rank(TASKS[:1], book, ask=lambda _: "B > A = C", tell=lambda _: None)
    [answer] = ledger.answers(ledger.read()[0])
    letters = dict(zip(answer["shown"], "abc", strict=True))
    assert {letters[index]: rank for index, rank in enumerate(answer["ranks"])} == {"a": 2, "b": 1, "c": 2}


def test_a_task_that_comes_twice_is_asked_and_counted_once(home):
    asked = []
    tasks = [TASKS[0], TASKS[1], TASKS[0], TASKS[1], TASKS[0]]
    assert plain.rank(tasks, Ledger(), ask=lambda _: asked.append(1) or "a b c", tell=lambda _: None) == 2
    assert (len(asked), len(ledger.rankings()[0])) == (2, 2)


def test_a_line_that_comes_twice_in_a_file_of_lists_is_asked_once(home):
    rows = [
        {"prompt": text, "texts": ["\n1. mint", "\n1. sage"]} for text in ("top 5 teas", "top 5 teas", "top 5 oils")
    ]
    (home / "lists.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    result = run("rank", "--lists", "lists.jsonl", typed="b a\na > b\nb,a\n")
    assert "2 of 2: top 5 oils" in result.output
    assert "2 rankings saved" in result.output


KNOWN = data.prompts("train")[0]


@pytest.mark.parametrize(
    "spelt",
    [
        KNOWN.text,
        KNOWN.text.upper(),
        f"  {KNOWN.text} ",
        KNOWN.text.replace(" ", "  ").capitalize(),
        f"{KNOWN.text}.",
        f"{KNOWN.text}:",
        f"{KNOWN.text} \n",
        KNOWN.text.replace(" ", "\u00a0"),
    ],
)
def test_own_lists_about_a_known_prompt_know_its_topic(home, spelt):
    (home / "lists.jsonl").write_text(json.dumps({"prompt": spelt, "texts": ["\n1. leek", "\n1. pea"]}) + "\n")
    assert run("rank", "--lists", "lists.jsonl", typed="a b\n").exit_code == 0
    assert ledger.read()[0][0]["prompt"]["topic"] == KNOWN.topic
    assert [ranking.prompt for ranking in ledger.rankings()[0]] == [KNOWN]


def test_clicks_that_were_kept_without_a_topic_have_it_when_they_are_read(home):
    Ledger().append(ledger.ranking_event(Ranking(Prompt(f"{KNOWN.text}.", ""), ("\n1. leek", "\n1. pea"), (1, 2))))
    assert ledger.rankings()[0][0].prompt == KNOWN


def test_lists_about_an_unknown_prompt_say_what_they_are_good_for(home):
    (home / "lists.jsonl").write_text(json.dumps({"prompt": "top 5 teas", "texts": ["\n1. mint", "\n1. sage"]}) + "\n")
    result = run("rank", "--lists", "lists.jsonl", typed="a b\n")
    assert "'top 5 teas' is none of the course's prompts" in result.output
    assert ledger.rankings()[0][0].prompt == Prompt("top 5 teas", "")


@pytest.mark.parametrize("name", ["prefs.json", "prefs.csv", "deep.er/prefs.JSON"])
def test_an_export_to_another_kind_of_file_is_refused_before_anything_is_made(home, name):
    Ledger().append(ledger.ranking_event(Ranking(PROMPT, TASKS[0].texts, (2, 1, 2))))
    result = run("export", "preferences", name)
    assert isinstance(result.exception, TopFiveError)
    assert "prefs.jsonl for a file" in str(result.exception)
    assert [path.name for path in home.iterdir()] == ["work"]


def test_an_export_with_capitals_or_into_a_folder_with_a_dot(home):
    Ledger().append(ledger.ranking_event(Ranking(PROMPT, TASKS[0].texts, (2, 1, 2))))
    (home / "v1.0").mkdir()
    assert run("export", "preferences", "OUT.JSONL").exit_code == 0
    assert len((home / "OUT.JSONL").read_text().splitlines()) == 2
    assert run("export", "preferences", "v1.0").exit_code == 0
    assert (home / "v1.0" / "dataset_info.json").exists()


def test_an_export_into_a_missing_folder_names_the_folder(home):
    Ledger().append({"kind": "note"})
    result = run("export", "preferences", "nowhere/out.jsonl")
    assert isinstance(result.exception, FileNotFoundError)
    assert result.exception.filename == "nowhere"


def test_few_shipped_tasks_are_about_many_prompts():
    tasks = plain.shipped_tasks(3)
    prompts = [task.prompt.text for task in tasks]
    different = len(set(prompts))
    assert len(set(prompts[:different])) == different < len(prompts)


def test_the_end_of_input_is_the_end(home):
    result = run("rank", typed="c b a\n")
    assert result.exit_code == 0
    assert "1 ranking saved" in result.output


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


def test_show_and_export_tell_the_second_question(home):
    also = {"question": "which is more faithful?", "ranks": [1, 2, 3]}
    texts = TASKS[0].texts
    book = Ledger()
    book.append(ledger.ranking_event(Ranking(PROMPT, texts, (2, 1, 2)), also=also, sure=False, why="a real soup"))
    named = {"type": "rank", "mode": "best and worst", "texts": list(texts), "task": "b"}
    book.append({"kind": "answer", **named, "best": 2, "worst": 0})
    rated = {"type": "rate", "texts": [texts[0]], "rating": 4, "ratings": {"helpful": 4, "faithful": 2}}
    book.append({"kind": "answer", "task": "c", **rated})
    book.append({"kind": "skip", "task": "c"})
    shown = run("show").output
    assert "pea > leek = corn; also: leek > pea > corn; not sure (a real soup)" in shown
    assert "best corn, worst leek" in shown
    assert "helpful 4, faithful 2 of 5: leek" in shown
    assert "skipped" not in shown  # what was skipped before it was answered
    assert run("export", "preferences", "out.jsonl", "--question", "also").exit_code == 0
    rows = [json.loads(line) for line in (home / "out.jsonl").read_text().splitlines()]
    assert next((row["chosen"], row["why"]) for row in rows) == (texts[0], "a real soup")
    assert run("export", "rankings", "both.jsonl").exit_code == 0
    rows = [json.loads(line) for line in (home / "both.jsonl").read_text().splitlines()]
    assert [row["question"] for row in rows] == ["first", "also"]


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


def elsewhere(home: Path) -> Ledger:
    (home / "other").mkdir()
    other = Ledger(home / "other" / "ledger.jsonl")
    other.append_all([{"kind": "note", "id": "a"}, {"kind": "note", "id": "b"}])
    return other


def headers(path: Path) -> int:
    return sum(json.loads(line)["kind"] == "header" for line in path.read_text().splitlines())


def test_all_of_another_ledger_is_added_without_its_header(home):
    other = elsewhere(home)
    Ledger().append({"kind": "note", "id": "mine"})
    for _ in range(2):
        assert run("add", str(other.path)).exit_code == 0
    events, problems = ledger.read()
    assert [event["id"] for event in events] == ["mine", "a", "b"]
    assert problems == []
    assert headers(Ledger().path) == 1


def test_a_ledger_with_a_torn_line_is_added_but_for_that(home):
    other = elsewhere(home)
    with other.path.open("a") as file:
        file.write('{"v": 1, "kind": "no')
    result = run("add", str(other.path))
    assert result.exit_code == 0
    assert "ledger.jsonl:4: not JSON" in result.output
    assert [event["id"] for event in ledger.read()[0]] == ["a", "b"]


def test_a_header_between_downloaded_clicks_is_left_out(home):
    other = elsewhere(home)
    (home / "joined.jsonl").write_text('{"kind": "note", "id": "first"}\n' + other.path.read_text())
    assert run("add", "joined.jsonl").exit_code == 0
    assert [event["id"] for event in ledger.read()[0]] == ["first", "a", "b"]
    assert headers(Ledger().path) == 1


def test_a_ledger_is_not_added_to_itself(home):
    book = Ledger()
    book.append({"kind": "note"})
    before = book.path.read_bytes()
    result = run("add", "work/ledger.jsonl")
    assert "is the ledger itself" in str(result.exception)
    assert book.path.read_bytes() == before


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


@pytest.mark.parametrize("step", ["autograde", "validate"])
def test_in_grading_the_clicks_that_were_handed_in_count(tmp_path, capsys, monkeypatch, step):
    source = Ledger(tmp_path / "04" / "work" / "ledger.jsonl")
    source.path.parent.parent.mkdir()
    source.append({"kind": "note"})
    handed_in_with_04 = source.path.read_bytes()
    own = tmp_path / "05" / "work" / "ledger.jsonl"
    source.append({"kind": "note"})
    ledger.bring("04", own)
    source.path.write_bytes(handed_in_with_04)
    monkeypatch.setenv("NBGRADER_EXECUTION", step)
    assert len(ledger.read(ledger.bring("04", own))[0]) == 2
    assert "2 events, copied earlier from 04" in capsys.readouterr().out


def test_in_grading_without_a_copy_the_sibling_serves(tmp_path, monkeypatch):
    source = Ledger(tmp_path / "04" / "work" / "ledger.jsonl")
    source.path.parent.parent.mkdir()
    source.append({"kind": "note"})
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    assert len(ledger.read(ledger.bring("04", tmp_path / "05" / "work" / "ledger.jsonl"))[0]) == 1


def test_bring_without_a_source_says_what_to_do(tmp_path):
    with pytest.raises(TopFiveError, match="do 04 first"):
        ledger.bring("04", tmp_path / "05" / "work" / "ledger.jsonl")
