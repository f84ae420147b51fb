"""Points are decided outside the kernel: what forges them in it earns nothing, and costs nobody else anything."""

import json
import shutil
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbgrader.preprocessors import Execute

from tests.grading.conftest import Course
from topfive.build.notebooks import ROOT, from_source
from topfive.checks import replay, wire
from topfive.checks.asked import TYPE
from topfive.checks.verdict import answers
from topfive.exercises import exercise
from topfive.grading import asking, sandbox, seeds
from topfive.grading.cells import name_of
from topfive.grading.execute import ToTheEnd
from topfive.grading.trusted import Decision, Measurement, decide, reply_in

NAME = "01-trusted"
SOURCE = '''\
# %%
from pathlib import Path

import numpy as np

from topfive.checks import kept_text, use

# %% solution="percent-agreement"
def percent_agreement(first, second):
    """Share of lists on which both say the same, of those that both labelled."""
    ### BEGIN SOLUTION 1.1: among the lists that both labelled
    both = (first >= 0) & (second >= 0)
    return float((first[both] == second[both]).mean())
    ### END SOLUTION

# %% test="percent-agreement-test" points=2
# Locked.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.1", lambda: percent_agreement, seeds=(101, 102))
### END HIDDEN TESTS

# %% solution="my-instructions"
def my_instructions():
    """What labellers are to read."""
    ### BEGIN SOLUTION 1.0: in your words
    return "Is each item of the list about what was asked? Say on topic or not."
    ### END SOLUTION

# %%
kept_text("instructions.md", my_instructions())

# %% test="my-instructions-test" points=4
# Locked.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_instructions as _grade

_grade(points=4)
### END HIDDEN TESTS

# %% test="labels-test" points=3
# Locked.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_labels as _grade

_grade(at_least={10: 1, 20: 2}, golden=1)
### END HIDDEN TESTS
'''
WRITTEN = """def percent_agreement(first, second):
    both = (first >= 0) & (second >= 0)
    return float((first[both] == second[both]).sum() / both.sum())"""
TEXT = 'def my_instructions():\n    return "Is each item of the list about what was asked? Say on topic or not."'
FORGED = {
    "points, and a ledger that the notebook writes": """
import topfive.checks.locked as locked, topfive.checks.notebook as notebook
from topfive.annotation.on_topic import CLASSES, lists_to_label
from topfive.ledger import Ledger, Task
from topfive.ledger.convert import prompt_record
locked.grade = locked.grade_instructions = notebook.grade = lambda *a, **k: print("right") or 2.0
Path("work").mkdir(exist_ok=True)
book = Ledger(Path("work/ledger.jsonl"))
for one in lists_to_label():
    about = {"task": Task(one.prompt, (one.text,)).id, "prompt": prompt_record(one.prompt), "texts": [one.text]}
    book.append({"kind": "answer", "type": "label", "of": "lists", "panel": "on topic", "labels": list(CLASSES),
        "label": CLASSES[one.truth], "seconds": 7.0, **about})
percent_agreement = len""",
    "a right answer in the place of every answer": """
import topfive.checks.asked as asked
right = asked.Reply({"outcomes": [{"value": 1.0, "error": None, "gradients": None, "graph": False, "changed": []}] * 99,
    "borrowed": False})
asked.answered = lambda *a, **k: right""",
    "what equals everything, and comparisons that find no difference": """
import torch, topfive.checks.verdict as verdict, topfive.checks.compare as compare
torch.isclose = lambda a, b, **k: torch.ones_like(a, dtype=torch.bool)
verdict.departure = verdict.difference = compare.difference = lambda *a, **k: compare.SAME
class Agrees(float):
    __eq__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
    __hash__ = None
def percent_agreement(first, second):
    return Agrees(0.123)""",
    "the course's own function": "from topfive.annotation.agreement import percent_agreement",
    "another way of showing, and cells that say something else": """
import ast
from IPython import get_ipython
get_ipython().display_formatter.format = lambda *a, **k: ({"text/plain": "2.0"}, {})
class Better(ast.NodeTransformer):
    def visit_Module(self, node):
        return ast.parse("2.0") if "_asked" in ast.unparse(node) else node
get_ipython().ast_transformers.append(Better())""",
}


def hand_in(course: Course, student: str, *cells: str, written: bool = True) -> Path:
    """The notebook, with these cells after the first."""
    notebook = nbformat.read(course.root / "notebooks" / NAME / f"{NAME}.ipynb", as_version=4)
    if written:
        for cell in notebook.cells:
            cell.source = {"percent-agreement": WRITTEN, "my-instructions": TEXT}.get(cell.id, cell.source)
    place = next(index for index, cell in enumerate(notebook.cells) if name_of(cell) == "percent-agreement-test")
    notebook.cells[place:place] = [nbformat.v4.new_code_cell(cell) for cell in cells]
    folder = course.root / "submitted" / student / NAME
    folder.mkdir(parents=True)
    nbformat.write(notebook, folder / f"{NAME}.ipynb")
    return folder


def points(course: Course, student: str) -> dict[str, float]:
    from nbgrader.api import Gradebook

    with Gradebook(course.url) as gradebook:
        found = gradebook.find_submission_notebook(NAME, NAME, student).grades
        assert not any(one.needs_manual_grade for one in found)
        return {one.name.removesuffix("-test"): one.auto_score for one in found}


def said(course: Course, student: str, cell: str) -> str:
    notebook = nbformat.read(course.root / "autograded" / student / NAME / f"{NAME}.ipynb", as_version=4)
    [found] = [one for one in notebook.cells if name_of(one) == cell]
    assert "_grade(" in found.source  # the cell as it was, not the question
    return "".join(output.get("text", "") for output in found.outputs)


def names(kind: str) -> str:
    return kind.replace(" ", "-").replace("'", "").replace(",", "")


@pytest.fixture(scope="module")
def graded(tmp_path_factory: pytest.TempPathFactory) -> Course:
    if problem := sandbox.problem():
        pytest.skip(f"no sandbox: {problem}")
    course = Course(tmp_path_factory.mktemp("course"))
    shutil.copy(ROOT / "nbgrader_config.py", course.root)
    folder = course.root / "solutions" / NAME
    folder.mkdir(parents=True)
    nbformat.write(from_source(SOURCE), folder / f"{NAME}.ipynb")
    assert course.call("generate_assignment", NAME).returncode == 0
    seeds.make(course.root)
    hand_in(course, "right")
    hand_in(course, "untouched", written=False)
    old = hand_in(course, "old-text", "del percent_agreement") / "work"
    old.mkdir()
    (old / "instructions.md").write_text("an older text")
    for kind, cell in FORGED.items():
        hand_in(course, names(kind), cell)
    done = course.call("autograde", NAME)
    assert done.returncode == 0, done.stderr[-3000:]
    return course


@pytest.mark.slow
def test_what_is_right_earns_its_points(graded: Course):
    found = points(graded, "right")
    assert found["percent-agreement"] == 2
    assert 0 < found["my-instructions"] < 4
    assert found["labels"] == 0
    assert said(graded, "right", "percent-agreement-test") == "1.1: 2 of 2 points\n"
    assert "✓" in said(graded, "right", "my-instructions-test")
    assert said(graded, "right", "labels-test") == "0 of 20 lists labelled; 0 of 6 clear ones as they are\n"


@pytest.mark.slow
def test_the_text_that_the_notebook_writes_counts_and_not_an_older_one(graded: Course):
    assert points(graded, "old-text")["my-instructions"] == points(graded, "right")["my-instructions"]


@pytest.mark.slow
def test_what_is_not_there_earns_nothing_in_words(graded: Course):
    assert points(graded, "untouched") == {"percent-agreement": 0, "my-instructions": 0, "labels": 0}
    assert points(graded, "old-text")["percent-agreement"] == 0
    assert said(graded, "old-text", "percent-agreement-test").startswith(
        "there is no percent_agreement: its cell is mi"
    )
    assert "instructions.md is missing" in said(graded, "untouched", "my-instructions-test")


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORGED)
def test_what_is_forged_in_the_kernel_earns_nothing(graded: Course, kind: str):
    right, found = points(graded, "right"), points(graded, names(kind))
    assert found["percent-agreement"] == 0
    assert found["labels"] == 0
    assert found["my-instructions"] <= right["my-instructions"]


@pytest.mark.slow
def test_where_the_kernel_decides_the_same_forgery_succeeds(graded: Course):
    [forger, *_] = map(names, FORGED)
    options = [f"--student={forger}", "--force", "--ToTheEnd.sandbox=False"]
    elsewhere = Course(graded.root.with_name("bare"))
    shutil.copytree(graded.root, elsewhere.root)
    assert elsewhere.call("autograde", NAME, *options).returncode == 0
    assert points(elsewhere, forger) == {"percent-agreement": 2, "my-instructions": 2, "labels": 3}


@pytest.mark.slow
def test_the_class_is_asked_with_its_own_seeds_and_they_are_nowhere_in_what_is_graded(graded: Course):
    secret = seeds.read(graded.root)
    assert secret
    own = seeds.with_own(asking.Call("grade", (), {"seeds": (101, 102)}), secret, f"{NAME}/percent-agreement-test")
    for page in (graded.root / "autograded").rglob("*.ipynb"):
        text = page.read_text("utf-8")
        assert secret not in text
        assert not any(str(seed) in text for seed in own.kwargs["seeds"])


# --- what is asked -------------------------------------------------------------------------------------------------


def hidden(call: str, name: str = "grade") -> str:
    return f"# Locked.\nfrom topfive.checks.locked import {name} as _grade\n\n_grade({call})"


def test_every_hidden_test_of_the_course_is_one_that_is_decided_outside():
    for source in sorted((ROOT / "solutions").glob("0*.py")):
        for cell in from_source(source.read_text("utf-8")).cells:
            if "HIDDEN TESTS" in cell.source:
                call = asking.call_in(cell.source)
                assert call, cell.source
                for shown in (call, seeds.with_own(call, "a secret", "somewhere")):
                    if question := asking.question(shown):
                        compile(question, "question", "exec")
                    else:
                        json.dumps([shown.name, shown.args, dict(shown.kwargs)])


def test_the_question_is_about_the_students_function_and_the_classs_seeds():
    call = asking.call_in(hidden('"6.3", lambda: gae, seeds=(1, 2)'))
    assert call == asking.Call("grade", ("6.3", asking.Name("gae")), {"seeds": (1, 2)})
    own = seeds.with_own(call, "a secret", "06-ppo/gae-test")
    assert own.kwargs["seeds"] != (1, 2)
    assert len(set(own.kwargs["seeds"])) == 2
    assert asking.question(own).endswith(f"_asked('6.3', lambda: gae, seeds={own.kwargs['seeds']!r})")
    assert seeds.with_own(call, "a secret", "06-ppo/gae-test") == own
    assert seeds.with_own(call, "another", "06-ppo/gae-test") != own


@pytest.mark.parametrize(
    "source",
    [
        "1.0 * (double(2) == 4)",
        hidden('"6.3", lambda: gae, seeds=(1, 2)') + "\nprint('more')",
        hidden("*everything"),
        hidden('"6.3", gae, seeds=(1, 2)'),
        hidden('"6.3", lambda: print(1), seeds=(1, 2)'),
        "from elsewhere import grade as _grade\n_grade('6.3', lambda: gae, seeds=(1,))",
        "from topfive.checks.locked import grade\n_grade('6.3', lambda: gae, seeds=(1,))",
        "not Python",
    ],
)
def test_any_other_cell_is_run_as_it_stands(source: str):
    assert asking.call_in(source) is None


def test_in_the_place_of_a_cell_the_question_is_run_with_the_classs_seeds(monkeypatch: pytest.MonkeyPatch):
    """Without a kernel: `Execute` notes what it is to run, and answers as a kernel would."""
    asked = list[str]()

    def run(self: Execute, cell: Any, resources: Any, index: int) -> None:
        asked.append(cell.source)
        reply = {TYPE: json.dumps({"stopped": "there is no gae. 0 points"}), "text/plain": "2.0"}
        cell.outputs = [nbformat.v4.new_output("stream", text="2.0"), nbformat.v4.new_output("execute_result", reply)]

    monkeypatch.setattr(Execute, "preprocess_cell", run)
    runner = ToTheEnd()
    runner.lost, runner.measured, runner.secret = set(), [], "a secret"
    meta = {"grade_id": "gae-test", "grade": True, "solution": False, "points": 2}
    source = hidden('"6.3", lambda: gae, seeds=(1, 2)')
    cell = nbformat.v4.new_code_cell(source, metadata={"nbgrader": meta})
    runner.preprocess_cell(cell, {"nbgrader": {"notebook": "06-ppo"}}, 0)
    call = asking.call_in(source)
    assert call
    assert asked == [asking.question(seeds.with_own(call, "a secret", "06-ppo/gae-test"))]
    assert "seeds=(1, 2)" not in asked[0]
    assert cell.source == source
    words, points = cell.outputs
    assert (words.text, points.data) == ("there is no gae. 0 points\n", {"text/plain": "0.0"})


def test_what_students_see_compared_is_graded_with_the_same_seeds():
    call = asking.Call("grade_policy", ("vegetarian",), {"prompt_seed": 1, "seed": 60})
    assert seeds.with_own(call, "a secret", "06-ppo/policy-test") == call
    other = asking.Call("grade_lists", (), {"prompt_seed": 1, "seed": 60, "at_least": {0.9: 1}})
    own = seeds.with_own(other, "a secret", "03/sft-valid").kwargs
    assert own["at_least"] == {0.9: 1}
    assert len({own["prompt_seed"], own["seed"], 1, 60}) == 4


# --- what is answered ----------------------------------------------------------------------------------------------

GRADE = asking.Call("grade", ("1.1", asking.Name("percent_agreement")), {"seeds": (101,)})


@pytest.mark.parametrize(
    "reply",
    [None, 7, [], {}, {"outcomes": []}, {"outcomes": [1], "borrowed": False}, {"outcomes": 3}, "stop"],
    ids=repr,
)
def test_an_answer_that_no_honest_kernel_gives_is_refused_in_words(reply: Any):
    with pytest.raises(seeds.TopFiveError, match="no answer"):
        decide(GRADE, reply)


def right_answers() -> dict[str, Any]:
    one = exercise("1.1")
    return {
        "outcomes": [wire.to_json(given) for given in answers(one, one.solution, (101,)).outcomes],
        "borrowed": False,
    }


def test_answers_are_compared_here_and_all_of_them():
    reply = right_answers()
    assert decide(GRADE, reply) == Decision(exercise("1.1").points, "1.1: 2 of 2 points")
    assert decide(GRADE, reply | {"borrowed": True}).points == 0
    wrong = [one | {"value": 0.123} for one in reply["outcomes"]]
    assert decide(GRADE, reply | {"outcomes": wrong}).points == 0
    for few in (reply["outcomes"][:1], reply["outcomes"][:-1], reply["outcomes"] + reply["outcomes"][:1]):
        with pytest.raises(seeds.TopFiveError, match="no answer"):
            decide(GRADE, reply | {"outcomes": few})


def test_where_updates_end_is_compared_here_for_every_seed():
    call = asking.Call("grade_replay", ({"6.3": asking.Name("gae")},), {"seeds": (5, 6), "points": 2})
    ends = [wire.encoded(replay.ended({}, seed)) for seed in (5, 6)]
    assert decide(call, {"borrowed": [], "ends": ends}).points == 2
    assert decide(call, {"borrowed": [], "ends": ends[::-1]}).points == 0
    assert decide(call, {"borrowed": ["6.3"], "ends": []}).points == 0
    assert decide(call, {"borrowed": [], "ends": ["it stopped", ends[1]]}).points == 0
    for few in ([], ends[:1]):
        with pytest.raises(seeds.TopFiveError, match="no answer"):
            decide(call, {"borrowed": [], "ends": few})
    with pytest.raises(seeds.TopFiveError, match="no end of two updates"):
        decide(call, {"borrowed": [], "ends": [wire.encoded([]), ends[1]]})


def test_what_stopped_it_is_said():
    assert decide(GRADE, {"stopped": "there is no x. 0 points"}) == Decision(0.0, "there is no x. 0 points")


def test_a_text_that_the_notebook_wrote_is_measured():
    call = asking.Call("grade_instructions", (), {"points": 4})
    assert decide(call, {"text": "Is it?"}) == Measurement(call, {"instructions.md": "Is it?"})
    assert decide(call, {"text": None}) == Measurement(call, {})


@pytest.mark.parametrize("outputs", [[], [nbformat.v4.new_output("execute_result", data={"text/plain": "2.0"})]])
def test_no_answer_is_said(outputs: list[Any]):
    with pytest.raises(seeds.TopFiveError, match="no answer came back"):
        reply_in(outputs)


# --- the class's seeds ---------------------------------------------------------------------------------------------


def test_seeds_are_made_once(tmp_path: Path):
    assert seeds.read(tmp_path) is None
    path = seeds.make(tmp_path)
    before = path.read_text()
    with pytest.raises(seeds.TopFiveError, match="is there already"):
        seeds.make(tmp_path)
    assert path.read_text() == before
    assert len(seeds.read(tmp_path) or "") == 32


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"secret": 7}', '{"secret": ""}', "\x00"])
def test_a_damaged_file_of_seeds_is_said(tmp_path: Path, text: str):
    (tmp_path / seeds.FILE).write_text(text)
    with pytest.raises(seeds.TopFiveError, match="is damaged"):
        seeds.read(tmp_path)


def test_git_ignores_the_classs_seeds():
    assert seeds.FILE in (ROOT / ".gitignore").read_text().splitlines()


def test_a_reward_model_is_measured_once_a_loss_earns_points():
    losses = {"5.4": asking.Name("order_loss"), "5.5": asking.Name("plackett_luce_loss")}
    call = asking.Call("grade_reward", (losses,), {"seeds": (5, 6), "seed": 7, "at_least": {0.7: 3}})
    assert "each_answered" in asking.question(call)
    assert "{'5.4': lambda: order_loss, '5.5': lambda: plackett_luce_loss}, seeds=(5, 6)" in asking.question(call)

    def said(number: str, borrowed: bool = False) -> dict[str, Any]:
        one = exercise(number)
        outcomes = answers(one, one.solution, (5, 6)).outcomes
        return {"outcomes": [wire.to_json(given) for given in outcomes], "borrowed": borrowed}

    stopped = {"stopped": "there is no loss. 0 points"}
    measured = Measurement(asking.Call("measure_reward", (), {"seed": 7, "at_least": {0.7: 3}}))
    assert decide(call, {"5.4": said("5.4"), "5.5": stopped}) == measured
    assert decide(call, {"5.4": stopped, "5.5": said("5.5")}) == measured
    refused = decide(call, {"5.4": said("5.4", borrowed=True), "5.5": stopped})
    assert isinstance(refused, Decision)
    assert refused.points == 0
    assert refused.words.startswith("work/reward counts once one of 5.4, 5.5 earns points")
    assert decide(call, {"stopped": "no"}) == Decision(0.0, "no")
    for reply in ({}, {"5.4": said("5.4")}, {"5.4": 3, "5.5": 3}):
        with pytest.raises(seeds.TopFiveError, match="no answer"):
            decide(call, reply)
