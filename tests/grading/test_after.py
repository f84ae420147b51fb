"""What comes after grading: the page that a student gets back, points as CSV, the report, a case on the desk."""

import csv
import re
import textwrap
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output
from nbgrader.api import Gradebook
from typer.testing import CliRunner

from tests.grading.conftest import NAME, STUB, Course, at
from topfive.cli import app
from topfive.exercises import exercise
from topfive.grading import seeds
from topfive.grading.after.alike import likely_shared
from topfive.grading.after.cases import shortened, table
from topfive.grading.after.feedback import _beside_points, _comments
from topfive.grading.after.formulas import drawn, markdown2html
from topfive.grading.after.replay import asked
from topfive.grading.after.said import named_mistakes
from topfive.grading.sandbox import problem

MISTAKE = next(one for one in exercise("1.1").mistakes if not one.advice)
PLOT = """
import base64
from IPython.display import HTML, Image, display
pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
display(Image(base64.b64decode(pixel)))
display(HTML("<table><tr><td>a table</td></tr></table><script>alert('html')</script>"))
"""
ASKS = "print(In[-2])\nprint([line for line in In if 'double(2) == 4' in line])"
LONG = """def double(x):
    # mine
    steps = [number for number in range(10) if number % 2 == 0]
    total, rest = sum(steps), max(steps) - min(steps)
    for step in reversed(steps):
        total = total + step if step > 4 else total - step
        rest = rest * step - total
    return x + x if rest != total else 2 * x
"""


def spoil(cells: list[Any]) -> None:
    """A cell copied, an exercise wrong, a named mistake, a figure, scripts, and a look at the test above."""
    cells[at(cells, "triple")].source = "def triple(x):\n    return 2 * x"
    cells.insert(2, new_code_cell(STUB, metadata=cells[1].metadata))
    told = f"print({textwrap.fill('1.1 … ' + MISTAKE.hint, 60)!r})"
    place = at(cells, "double-test") + 1
    cells[place:place] = [new_code_cell(source) for source in (ASKS, PLOT, told)]
    cells.insert(0, new_markdown_cell("A note.\n\n<script>alert('markdown')</script>\n\n> quoted: 1 < 2"))


def writes(source: str) -> Any:
    def edit(cells: list[Any]) -> None:
        cells[at(cells, "double")].source = source

    return edit


@pytest.fixture(scope="module")
def graded(course: Course) -> Course:
    """A class of four, graded; one more handed in nothing that is a notebook."""
    course.hand_in("anna", spoil)
    course.hand_in("ben", writes(LONG))
    course.hand_in("cara", writes(LONG.replace("steps", "parts").replace("# mine", "# all my own work")))
    course.hand_in("dora", lambda cells: None)
    (course.root / "submitted" / "emil" / NAME).mkdir(parents=True)
    done = course.call("autograde", NAME)
    assert done.returncode == 0, done.stderr[-3000:]
    with Gradebook(course.url) as gradebook:
        gradebook.update_or_create_student("ben", last_name="Ó Briain, Jr", first_name="Ben", email="ben@example.org")
        gradebook.update_or_create_student("fay")
    return course


@pytest.fixture
def call(graded: Course, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.chdir(graded.root)

    def run(*words: str) -> str:
        done = CliRunner().invoke(app, ["grade", *words])
        if done.exception:
            raise done.exception
        return done.output

    return run


# --- the page that a student gets back --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_page_has_points_words_and_figures_and_nothing_that_runs_or_is_secret(call: Any, graded: Course):
    assert call("feedback", NAME, "--student", "anna").strip().endswith(f"feedback/anna/{NAME}/{NAME}.html")
    page = (graded.root / "feedback" / "anna" / NAME / f"{NAME}.html").read_text("utf-8")
    head = page[page.index('"topfive-summary"') : page.index("</section>")]
    said = " ".join(re.sub(r"<[^>]+>", " ", head).split()).replace("&#39;", "'")
    assert "2 of 4 points" in said
    assert "double 2 of 2" in said
    assert "triple 0 of 1" in said
    assert "why 0 of 1 A person has not read this yet." in said
    assert "Cell 'double' is there 2 times; the last one that is written in counts." in said

    text = re.sub(r"<[^>]+>", "", page)
    assert "# Locked.\n\n" in text
    for secret in ("(double(2) ==", "triple(double(1))", "2.0 *"):
        assert secret not in text

    assert "<script" not in page
    assert re.search(r"default-src .none.", page)
    assert not re.findall(r"""(?:src|href)=["']?(?:https?:)?//""", page)
    assert "quoted: 1 &lt; 2" in page
    assert 'src="data:image/png;base64,' in page
    assert "<td>a table</td>" in page


@pytest.mark.slow
def test_there_is_no_page_of_what_is_not_graded(call: Any):
    with pytest.raises(Exception, match=f"nothing of '{NAME}' is graded yet for zoe"):
        call("feedback", NAME, "--student", "zoe")


def graded_cell(name: str, printed: str = "", comment: str = "", **kind: bool) -> Any:
    meta = {"grade_id": name, "grade": True, "solution": False, "comment": comment} | kind
    return new_code_cell("", outputs=[new_output("stream", name="stdout", text=printed)], metadata={"nbgrader": meta})


def test_words_beside_points_do_not_say_the_points_again():
    cell = graded_cell("t", "1.1: 1.5 of 2 points; not right yet: by hand; none\n\n3 of 4 labelled\n")
    assert _beside_points(cell) == ["Not right yet: by hand; none", "3 of 4 labelled"]
    assert _beside_points(graded_cell("t", "1.1: 2 of 2 points\n")) == []


def test_a_comment_on_code_stands_with_its_test():
    code, answer = graded_cell("f", comment="Nice.", grade=False), graded_cell("why", comment="So?", solution=True)
    found = dict(_comments([code, graded_cell("f-test"), answer, graded_cell("g-test"), new_code_cell("")]))
    assert found == {"f-test": "Nice.", "why": "So?", "g-test": ""}


def test_formulas_are_drawn_and_what_is_none_is_text():
    assert drawn("a < b", "inline").startswith('<math xmlns="http://www.w3.org/1998/Math/MathML" display="inline">')
    for tex in (r"\text{<script>alert(1)</script>}", r"\href{javascript:alert(1)}{x}", r"\frac{"):
        assert "<" not in drawn(tex, "block")
    html = markdown2html({}, "**$x_1$** <b onclick='1'>so</b> &#xe000;7&#xe001;\n\n$$y$$")
    assert html.count("<math") == 2
    assert "<b>so</b>" in html
    assert "$" not in html


# --- points as CSV ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_points_go_to_nbgrader_canvas_and_moodle(call: Any, graded: Course):
    def rows(form: str) -> list[dict[str, str]]:
        said = call("export", NAME, "--format", form, "--to", f"{form}.csv")
        assert f"{NAME}: in 4 submissions something waits for a person" in said
        return list(csv.DictReader((graded.root / f"{form}.csv").open(newline="")))

    own = {row["student_id"]: row for row in rows("nbgrader")}
    assert (own["ben"]["last_name"], own["ben"]["score"], own["ben"]["max_score"]) == ("Ó Briain, Jr", "3.0", "4.0")
    assert own["fay"]["score"] == "0.0"
    points, *canvas = rows("canvas")
    assert (points["Student"].strip(), points[NAME]) == ("Points Possible", "4")
    assert {row["SIS Login ID"]: row[NAME] for row in canvas}.items() >= {"fay": "", "anna": "2", "ben": "3"}.items()
    assert {(row["Username"], row["Email address"], row[NAME]) for row in rows("moodle")} >= {
        ("ben", "ben@example.org", "3"),
        ("fay", "", ""),
    }


@pytest.mark.slow
def test_an_assignment_that_is_not_there_leaves_the_old_table(call: Any, graded: Course):
    (graded.root / "old.csv").write_text("kept")
    with pytest.raises(Exception, match=f"the gradebook has no 99-none; it has {NAME}"):
        call("export", "99-none", "--to", "old.csv")
    assert (graded.root / "old.csv").read_text() == "kept"


# --- the report -------------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_report_says_where_the_class_got_stuck_and_what_to_look_at(call: Any, graded: Course):
    said = call("report", NAME)
    assert f"{NAME}: 4 graded, median 3 of 4 points (2 to 3)" in said
    assert said.index("3 of 4    triple") < said.index("4 of 4    double")
    assert f"  1  1.1 {MISTAKE.name}" in said
    assert "Waits for a person: 4 of 4" in said
    assert "Handed in and not graded: emil" in said
    assert "100%  ben, cara" in said
    assert said.count("ben, ") == 1
    page = (graded.root / f"report-{NAME}.html").read_text("utf-8")
    assert page.count("data:image/png;base64,") == 2
    assert "all&nbsp;my&nbsp;own&nbsp;work" in page
    assert "<script" not in page


def test_a_mistake_is_known_by_its_hint_wherever_the_lines_break():
    text = textwrap.indent(textwrap.fill(MISTAKE.hint, 40), " " * 6)
    cell = new_code_cell("", outputs=[new_output("stream", name="stdout", text=f"1.1\n{text}\n")])
    assert [(one.number, one.mistake) for one in named_mistakes([cell, cell])] == [("1.1", MISTAKE.name)]
    assert not named_mistakes([new_code_cell(MISTAKE.hint)])


def test_what_all_write_and_what_was_given_out_is_not_shared():
    assert not likely_shared(dict.fromkeys("abcdefgh", LONG))
    assert not likely_shared({"a": LONG, "b": LONG}, given=LONG)
    assert not likely_shared({"a": "return 2 * x", "b": "return 2 * x", "c": ""})


# --- a case on the desk -----------------------------------------------------------------------------------------------

TEST = 'from topfive.checks.locked import grade as _grade\n\n_grade("1.1", lambda: percent_agreement, seeds=(7, 8))'


def test_a_hidden_test_names_the_function_and_its_seeds_or_the_classs_own(tmp_path: Path):
    call = asked(new_code_cell(TEST), "01-labelling-basics", tmp_path)
    assert (call.args[1].id, call.kwargs["seeds"]) == ("percent_agreement", (7, 8))
    secret = seeds.make(tmp_path)
    own = new_code_cell(TEST, metadata={"nbgrader": {"grade_id": "a-test"}})
    assert asked(own, "01-labelling-basics", secret.parent).kwargs["seeds"] != (7, 8)


def test_every_case_shows_what_came_and_what_was_expected():
    found = exercise("1.1")
    lines = "\n".join(table(found, MISTAKE.function, (7,)))
    assert "✗" in lines
    assert lines.count("came back") == lines.count("expected ") == sum(not one.probe for one in found.cases(7))
    assert f"Looks like: {MISTAKE.name}" in lines
    assert all(len(line) < 400 for line in lines.splitlines()[:-2])
    assert shortened("x" * 1000).endswith("…")


@pytest.mark.slow
@pytest.mark.skipif(bool(problem()), reason=f"no sandbox here: {problem()}")
def test_a_case_is_run_again_in_the_sandbox_up_to_its_test(call: Any, graded: Course):
    meta = {"grade": True, "solution": False, "task": False, "locked": True, "schema_version": 3, "points": 2}
    folder = graded.root / "autograded" / "gil" / "01-labelling-basics"
    folder.mkdir(parents=True)
    cells = [
        new_code_cell("print('above')\ndef percent_agreement(*args):\n    return '\\x1b[2J' + 'nothing'"),
        new_code_cell("raise SystemExit(1)", metadata={"nbgrader": meta | {"grade_id": "other"}}),
        new_code_cell(TEST, metadata={"nbgrader": meta | {"grade_id": "t"}}),
        new_code_cell("print('below')"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), folder / "01-labelling-basics.ipynb")
    said = call("replay", "gil", "1.1")
    assert said.startswith(f"gil, 1.1 {exercise('1.1').title}. When it was graded: it said nothing\n1. ✗ ")
    assert "expected" in said
    assert "1.1: 0 of 2 points" in said
    assert "above" not in said
    assert "\x1b" not in said
