"""The graded notebooks through nbgrader: released, handed in by three students, graded, and given back.

*Full* wrote everything and trained models of their own; *half* wrote some of it, made one known mistake and handed in
the course's checkpoints; *untouched* handed in what was released. `pytest tests/test_round_trip.py -s` prints how much
processor time their notebooks take (docs/exercises.md has the table). `make test` takes one of the notebooks.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell

from tests.written import write_lists
from topfive import data
from topfive.annotation.on_topic import CLASSES, lists_to_label
from topfive.build import notebooks
from topfive.build.notebooks import Assignment, from_source
from topfive.build.rehearsal import PUBLISHED
from topfive.checks.verdict import examine
from topfive.collecting.clicks import shipped
from topfive.demonstrations import pile, sft_set
from topfive.evaluate import heldout_prompts
from topfive.exercises import exercise
from topfive.exercises.__main__ import table
from topfive.grading import sandbox
from topfive.grading.rehearse import rehearse
from topfive.judge import Taste, items_of, load_taste, prompts_of
from topfive.ledger import Ledger, Task, read
from topfive.ledger.convert import prompt_record
from topfive.lists import render
from topfive.lm.model import load, save
from topfive.lm.train import TrainConfig, adamw, fit, sft_batches
from topfive.ppo.trainer import GLOSSARY
from topfive.preferences import simulated_rankings
from topfive.reward.model import from_language_model
from topfive.reward.train import RewardConfig, train_reward_model
from topfive.startup import python_m

STUDENTS = ("full", "half", "untouched")
ANSWER = "I would compare both on the same tokens, and ask somebody who does not know which is which."


@dataclass(frozen=True)
class Half:
    """What a student who came half way hands in.

    right: cells written as in the solution. In the cell `slip`, `wrong` stands for `correct`; that is the mistake of
    this name, and one kind of case fails. work: folder under work/ → the shipped checkpoint that was copied there.
    """

    right: tuple[str, ...]
    slip: str
    correct: str
    wrong: str
    mistake: str
    fails: str
    work: dict[str, str]


HALF = {
    "01-labelling-basics": Half(
        right=("my-instructions", "percent-agreement", "krippendorff-alpha", "worker-matrices"),
        slip="cohen-kappa",
        correct="(a == c).mean() * (b == c).mean()",
        wrong="(a == c).mean() ** 2",
        mistake="one labeller's frequencies twice",
        fails="eight lists by hand; one class is rare; three classes; some labels are missing; less than chance",
        work={},
    ),
    "02-writing-demonstrations": Half(
        right=("minhash", "groups", "longest-run", "redact"),
        slip="similarity",
        correct="max(1, len(item) - size + 1)",
        wrong="len(item) - size + 1",
        mistake="short items are lost",
        fails="an item shorter than a shingle",
        work={},
    ),
    "03-language-modeling": Half(
        right=("next-token-loss", "perplexities", "pack"),
        slip="pad-batch",
        correct="len(prompt) if mask_prompt else 0",
        wrong="len(prompt)",
        mistake="mask_prompt is not used",
        fails="the prompt counts, too, if asked for",
        work={"pretrained": "base", "sft": "sft"},
    ),
    "04-collecting-preferences": Half(
        right=("order-pairs", "rating-pairs", "bits-per-second", "position-reading"),
        slip="elo",
        correct="(1.0, 0.0, 0.5)[result]",
        wrong="(1.0, 0.0, 0.0)[result]",
        mistake="a tie is a lost game",
        fails="ties; many comparisons",
        work={},
    ),
    "05-preference-modeling": Half(
        right=("mean-of-tokens", "last-token", "bradley-terry-loss", "accuracy-ceiling"),
        slip="pairs-right",
        correct=" + 0.5 * (difference == 0).to(scores.dtype)",
        wrong="",
        mistake="equal scores are wrong",
        fails="ties of the scores",
        work={"reward": "reward"},
    ),
    "06-ppo": Half(
        right=("token-logprobs", "token-rewards", "whiten", "policy-loss"),
        slip="gae",
        correct="gamma * lam * following",
        wrong="lam * following",
        mistake="λ where γλ belongs",
        fails="γ below 1; a response that fills the width, and one of a single token; room after the longest response",
        work={"policy": "ppo"},
    ),
}
# The first cell of each notebook that is handed in, and the last: how much processor time went by between them, and how
# much of it was spent in import statements, the package's own lazy ones included.
CLOCK = """
def _watch():
    import builtins, time

    plain, began = builtins.__import__, time.process_time()
    spent = {"importing": 0.0, "depth": 0}

    def timed(*args, **kwargs):
        spent["depth"] += 1
        entered = time.process_time()
        try:
            return plain(*args, **kwargs)
        finally:
            spent["depth"] -= 1
            if not spent["depth"]:
                spent["importing"] += time.process_time() - entered

    def seconds():
        total = time.process_time() - began
        return {"importing": spent["importing"], "rest": total - spent["importing"]}

    builtins.__import__ = timed
    builtins._seconds = seconds


_watch()
del _watch
"""
SECONDS = "import builtins, json\nprint(json.dumps(builtins._seconds()))"


@dataclass(frozen=True)
class Grade:
    """What the gradebook says of one cell."""

    auto: float | None
    of: float
    waits: bool


@dataclass(frozen=True)
class Graded:
    """An assignment after grading: its source's cells, and of each student the grades, notebook and seconds.

    course: the folder it was graded in. feedback: the page that *half* gets back.
    """

    name: str
    course: Path
    source: dict[str, Any]
    grades: dict[str, dict[str, Grade]]
    notebooks: dict[str, Any]
    feedback: str
    seconds: dict[str, dict[str, float]]

    @property
    def tests(self) -> dict[str, float]:
        """The cells that are graded by themselves, with the points in their metadata."""
        return {name: float(cell.metadata["nbgrader"]["points"]) for name, cell in self.source.items() if is_test(cell)}

    def auto(self, student: str) -> dict[str, float | None]:
        """Automatic score of every test cell."""
        return {name: self.grades[student][name].auto for name in self.tests}

    def said(self, student: str, cell: str) -> str:
        """What one cell printed."""
        [found] = [one for one in self.notebooks[student].cells if one.id == cell]
        return printed(found)


def is_test(cell: Any) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(meta.get("grade")) and not meta["solution"]


def is_answer(cell: Any) -> bool:
    meta = cell.metadata.get("nbgrader", {})
    return bool(meta.get("grade")) and bool(meta["solution"])


def printed(cell: Any) -> str:
    return "".join(output.text for output in cell.get("outputs", []) if output.output_type == "stream")


def number_of(test: Any) -> str | None:
    """The exercise that a test cell grades; None if it measures something else."""
    found = re.search(r'grade\("([\d.]+)"', test.source)
    return found[1] if found else None


# --- what students hand in ----------------------------------------------------------------------------------------


def submission(student: str, source: dict[str, Any], released: Any, half: Half) -> Any:
    """The released notebook with a student's own cells in it."""
    solved = {name: cell.source for name, cell in source.items() if cell.metadata.get("nbgrader", {}).get("solution")}
    assert solved[half.slip].count(half.correct) == 1
    slipped = solved[half.slip].replace(half.correct, half.wrong)
    some = {name: solved[name] for name in half.right} | {half.slip: slipped}
    written = {"full": solved, "half": some, "untouched": {}}[student]
    for cell in released.cells:
        if is_answer(cell) and student != "untouched":
            cell.source = ANSWER
        else:
            cell.source = written.get(cell.id, cell.source)
    return released


def own_work(name: str, work: Path) -> None:
    """Small models that a student could have trained, from other seeds and data than the course's."""
    if name == "01-labelling-basics":
        label_lists(work / "ledger.jsonl")
    elif name == "02-writing-demonstrations":
        with contextlib.chdir(work.parent):
            write_set()
    elif name == "03-language-modeling":
        shutil.copytree(data.checkpoint("base"), work / "pretrained")
        tune(work / "sft", data.fresh_lists("train", 400, seed=17), steps=12, learning_rate=4e-4)
    elif name == "04-collecting-preferences":
        own_clicks(work / "ledger.jsonl")
    elif name == "05-preference-modeling":
        train_reward(work / "reward")
    else:
        tune(work / "policy", liked_lists(), steps=30, learning_rate=1e-3)
        (work / "ppo-history.json").write_text(json.dumps([dict.fromkeys(GLOSSARY, 0.0)]))  # shown, never graded


def own_clicks(path: Path) -> None:
    """Answers to all four panels, as somebody's own: the simulated student's, without the mark."""
    path.parent.mkdir(parents=True)
    book = Ledger(path)
    for event in read(shipped())[0]:
        book.append({key: value for key, value in event.items() if key != "source"})


def label_lists(path: Path) -> None:
    """Twenty labels as the panel keeps them, one of them a slip of the finger."""
    path.parent.mkdir()
    ledger = Ledger(path)
    for number, one in enumerate(lists_to_label()):
        label = CLASSES[one.truth if number else 1 - one.truth]
        about = {"task": Task(one.prompt, (one.text,)).id, "prompt": prompt_record(one.prompt), "texts": [one.text]}
        answer = {"type": "label", "of": "lists", "panel": "on topic", "labels": list(CLASSES), "label": label}
        ledger.append({"kind": "answer", "seconds": 7.0, **about, **answer})


def write_set() -> None:
    """Lists of one's own in the ledger, the finished set with them in it, and its card."""
    write_lists(6)
    lists, flaws = pile.incoming()
    seen = [not {"drift", "careless"} & {*names} for names in flaws]
    rows = sft_set.build_set([*pile.own_lists(), *lists], [True] * 6 + seen)
    sft_set.save(rows)
    sft_set.save_card(sft_set.card(rows, dict.fromkeys(sft_set.SECTIONS, "said in so many words " * 5)))


def tune(folder: Path, pairs: list[tuple[str, str]], steps: int, learning_rate: float) -> None:
    """Some more fine-tuning of the course's SFT model."""
    model, tokenizer = load(data.checkpoint("sft"))
    config = TrainConfig(steps=steps, learning_rate=learning_rate, warmup=5, weight_decay=0.0, seed=17)
    fit(model, sft_batches(tokenizer, pairs, config), config, adamw(model, config))
    save(model, tokenizer, folder)


def liked_lists() -> list[tuple[str, str]]:
    """Lists of vegetarian items: what the judge of 06 likes, and PPO would have had to find."""
    rng, lists = np.random.default_rng(17), []
    for prompt in heldout_prompts(prompts_of(load_taste("vegetarian"))[0], 600, seed=17):
        wanted = {"vegetarian", *prompt.constraints}
        fitting = [row["item"] for row in items_of(prompt.topic) if wanted <= set(row["tags"])]
        if len(fitting) >= 5:
            lists.append((prompt.text, render(rng.choice(fitting, 5, replace=False).tolist())))
    return lists


def train_reward(folder: Path) -> None:
    """A reward model from the rankings of a labeller without noise."""
    sft, tokenizer = load(data.checkpoint("sft"))
    rankings = simulated_rankings(sft, tokenizer, 256, seed=31, taste=Taste(noise=0.0), mixed=True)
    model = from_language_model(sft, seed=31)
    config = RewardConfig(epochs=2, batch_size=16, learning_rate=1e-3, seed=31)
    train_reward_model(model, tokenizer, [ranking for _, ranking in rankings], config)
    save(model, tokenizer, folder)


# --- the round trip -----------------------------------------------------------------------------------------------


EVERY = [pytest.param(name, marks=[] if name == "01-labelling-basics" else pytest.mark.thorough) for name in HALF]


@pytest.fixture(scope="module", params=EVERY)
def graded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Graded:
    """One assignment, handed in by three students and graded by nbgrader."""
    course = tmp_path_factory.mktemp("course")
    assignment = Assignment(request.param, course)
    notebook = from_source(Assignment(request.param).source.read_text("utf-8"))
    source = {cell.id: cell for cell in notebook.cells}
    shutil.copy(notebooks.ROOT / "nbgrader_config.py", course)
    assignment.solution.parent.mkdir(parents=True)
    nbformat.write(notebook, assignment.solution)
    nbgrader(course, "generate_assignment", assignment.name)
    for student in STUDENTS:
        hand_in(student, assignment, source)
    nbgrader(course, "autograde", assignment.name)
    nbgrader(course, "generate_feedback", assignment.name, "--student=half")
    return collected(assignment, source)


def nbgrader(course: Path, *command: str) -> None:
    """Run nbgrader in a course's folder."""
    beside = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # nbgrader calls alembic by its name
    environment = {**os.environ, "PATH": beside, "OMP_NUM_THREADS": "1"}
    bare = ["--ToTheEnd.sandbox=False"] if command[0] == "autograde" and sandbox.problem() else []
    call = [*python_m("nbgrader"), *command, *bare]
    done = subprocess.run(call, cwd=course, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def hand_in(student: str, assignment: Assignment, source: dict[str, Any]) -> None:
    half = HALF[assignment.name]
    folder = assignment.root / "submitted" / student / assignment.name
    folder.mkdir(parents=True)
    released = nbformat.read(assignment.release, as_version=4)
    notebook = submission(student, source, released, half)
    notebook.cells = [new_code_cell(CLOCK, id="clock"), *notebook.cells, new_code_cell(SECONDS, id="seconds")]
    nbformat.write(notebook, folder / assignment.release.name)
    if student == "full":
        own_work(assignment.name, folder / "work")
    if student == "half":
        for name, copied in half.work.items():
            shutil.copytree(data.checkpoint(copied), folder / "work" / name)


def collected(assignment: Assignment, source: dict[str, Any]) -> Graded:
    """What came out: gradebook, autograded notebooks, pages of feedback, processor time."""
    grades = {student: grades_of(assignment, student) for student in STUDENTS}
    folders = {student: assignment.root / "autograded" / student / assignment.name for student in STUDENTS}
    done = {student: nbformat.read(folders[student] / assignment.release.name, as_version=4) for student in STUDENTS}
    page = assignment.root / "feedback" / "half" / assignment.name / f"{assignment.name}.html"
    return Graded(
        assignment.name,
        assignment.root,
        source,
        grades,
        done,
        page.read_text("utf-8"),
        {student: json.loads(printed(notebook.cells[-1])) for student, notebook in done.items()},
    )


def grades_of(assignment: Assignment, student: str) -> dict[str, Grade]:
    """What the gradebook says of a student's cells."""
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{assignment.root / 'gradebook.db'}") as gradebook:
        found = gradebook.find_submission_notebook(assignment.name, assignment.name, student).grades
        return {one.name: Grade(one.auto_score, one.max_score, one.needs_manual_grade) for one in found}


@pytest.mark.slow
def test_who_wrote_everything_gets_every_point_and_sees_no_error(graded: Graded):
    assert graded.auto("full") == graded.tests
    outputs = [output for cell in graded.notebooks["full"].cells for output in cell.get("outputs", [])]
    assert not [output for output in outputs if output.output_type == "error"]


@pytest.mark.slow
def test_who_came_half_way_gets_points_for_that_and_part_of_them_for_a_mistake(graded: Graded):
    half = HALF[graded.name]
    one = exercise(number_of(graded.source[f"{half.slip}-test"]) or "")
    [mistake] = [mistake for mistake in one.mistakes if mistake.name == half.mistake]
    kinds = list(examine(one, mistake.function).names.values())
    right = {f"{cell}-test": graded.tests[f"{cell}-test"] for cell in half.right}
    expected = dict.fromkeys(graded.tests, 0.0) | right | {f"{half.slip}-test": one.earned(sum(kinds), len(kinds))}
    assert 0 < expected[f"{half.slip}-test"] < graded.tests[f"{half.slip}-test"]
    assert graded.auto("half") == expected


@pytest.mark.slow
def test_the_mistake_is_named_in_the_notebook_and_the_failed_case_in_the_feedback(graded: Graded):
    half = HALF[graded.name]
    one = exercise(number_of(graded.source[f"{half.slip}-test"]) or "")
    [mistake] = [mistake for mistake in one.mistakes if mistake.name == half.mistake]
    said = " ".join(" ".join(map(printed, graded.notebooks["half"].cells)).split())
    assert " ".join(mistake.hint.split()) in said
    assert graded.said("half", f"{half.slip}-test").strip().endswith(f"not right yet: {half.fails}")
    assert f"not right yet: {half.fails}" in graded.feedback


@pytest.mark.slow
def test_who_wrote_nothing_gets_nothing(graded: Graded):
    assert graded.auto("untouched") == dict.fromkeys(graded.tests, 0.0)


@pytest.mark.slow
def test_a_written_answer_waits_for_a_reader_and_an_empty_one_does_not(graded: Graded):
    answers = {name: cell for name, cell in graded.source.items() if is_answer(cell)}
    assert answers
    for name, cell in answers.items():
        points = float(cell.metadata["nbgrader"]["points"])
        for student in ("full", "half"):
            assert graded.grades[student][name] == Grade(None, points, waits=True)
        assert graded.grades["untouched"][name] == Grade(0.0, points, waits=False)


@pytest.mark.slow
@pytest.mark.parametrize("graded", ["01-labelling-basics"], indirect=True)  # tests/grading has a toy for the rest
@pytest.mark.parametrize(
    "student", ["half", *(pytest.param(one, marks=pytest.mark.thorough) for one in ("full", "untouched"))]
)
def test_validate_says_before_what_autograde_says_afterwards(graded: Graded, student: str):
    released = Assignment(graded.name, graded.course).release
    tests = json.loads(PUBLISHED.read_text("utf-8"))[graded.name]
    found = rehearse(graded.course / "submitted" / student / graded.name, released, tests)
    assert {one.name: Grade(one.points, one.of, one.points is None) for one in found.graded} == graded.grades[student]
    said = {one.name: one.words for one in found.graded}
    if student == "half":
        slip = f"{HALF[graded.name].slip}-test"
        assert said[slip] == graded.said("half", slip).strip()
    assert not found.log


@pytest.mark.slow
def test_every_point_of_the_notebook_is_in_the_gradebook(graded: Graded):
    points = {name: one.of for name, one in graded.grades["full"].items()}
    answers = {name: float(one.metadata["nbgrader"]["points"]) for name, one in graded.source.items() if is_answer(one)}
    assert points == graded.tests | answers


@pytest.mark.slow
def test_processor_time_is_printed(graded: Graded):
    for student, seconds in graded.seconds.items():
        print(f"\n| {graded.name} | {student} | {seconds['importing']:.1f} | {seconds['rest']:.1f} |", end="")
        assert seconds["rest"] > 0


def test_the_table_in_the_docs_is_what_the_command_prints():
    assert table() in (notebooks.ROOT / "docs" / "exercises.md").read_text("utf-8"), "python -m topfive.exercises"


@pytest.mark.parametrize("name", HALF)
def test_points_of_a_test_cell_are_those_of_its_exercise(name: str):
    tests = list(filter(is_test, from_source(Assignment(name).source.read_text("utf-8")).cells))
    points = {number_of(cell): float(cell.metadata["nbgrader"]["points"]) for cell in tests}
    exercised = {number: worth for number, worth in points.items() if number}
    assert exercised == {number: exercise(number).points for number in exercised}
    assert len(exercised) >= 7
