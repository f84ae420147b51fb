"""Points are decided here, outside the kernel in which a student's code has run.

For an exercise the kernel says what the function answered on the class's seeds (`topfive.checks.asked`), and that is
compared here with the course's answers. What lies in the folder, trained models, ledgers and texts, is measured in a
sandbox of its own in which no line of the student's is run.

Left out: who wrote the function. The course's code is on every student's machine, to be read and copied.
"""

import contextlib
import io
import json
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from topfive.checks import notebook, verdict, wire
from topfive.checks.asked import TYPE
from topfive.checks.locked import nothing_of_ones_own
from topfive.errors import TopFiveError
from topfive.exercises import exercise
from topfive.grading import sandbox
from topfive.grading.asking import Call

TOO_LONG = "measuring it took too long. 0 points"
NO_ANSWER = "no answer came back: what is above in the notebook keeps the test from asking. 0 points"
SECONDS = 300.0  # for all that is measured of one notebook


@dataclass(frozen=True)
class Decision:
    """What a test cell is worth, and what it says about that."""

    points: float
    words: str


@dataclass(frozen=True)
class Measurement:
    """A call about what lies in the folder. texts: files under work/ as the notebook has just written them."""

    call: Call
    texts: Mapping[str, str] = field(default_factory=dict)


def reply_in(outputs: Sequence[Any]) -> Any:
    """What the kernel answered, by the outputs of the cell that asked. Raises TopFiveError if there is no answer."""
    texts = [output.data[TYPE] for output in outputs if output.output_type == "execute_result" and TYPE in output.data]
    try:
        return json.loads(texts[-1])
    except (IndexError, TypeError, ValueError, RecursionError) as error:
        raise TopFiveError(NO_ANSWER) from error


def decide(call: Call, reply: Any) -> Decision | Measurement:
    """Points and words for an answer of the kernel, or what is to be measured with it. Raises TopFiveError for
    an answer that no honest kernel gives.
    """
    try:
        if "stopped" in reply:
            return Decision(0.0, str(reply["stopped"]))
        if call.name == "grade_instructions":
            return Measurement(call, {} if reply["text"] is None else {"instructions.md": str(reply["text"])})
        if call.name == "grade_reward":
            return _reward(call, reply)
        return _printed(lambda: _judged(call, reply))
    except wire.BAD as error:
        raise TopFiveError(NO_ANSWER) from error


def _reward(call: Call, reply: Any) -> Decision | Measurement:
    """The model is measured if one of the losses earns points of its own."""
    [losses], seeds = call.args, call.kwargs["seeds"]
    found = [decide(Call("grade", (number, name), {"seeds": seeds}), reply[number]) for number, name in losses.items()]
    if not any(isinstance(one, Decision) and one.points for one in found):
        return Decision(0.0, f"{nothing_of_ones_own(losses)}. 0 points")
    return Measurement(Call("measure_reward", (), {name: call.kwargs[name] for name in ("seed", "at_least")}))


def _judged(call: Call, reply: Any) -> float:
    seeds = call.kwargs["seeds"]
    if call.name == "grade_replay":
        from topfive.checks import replay

        ends = (wire.decoded(one) for one in reply["ends"])
        found = [replay.apart(end, seed) for end, seed in zip(ends, seeds, strict=not reply["borrowed"])]
        return replay.said(list(map(str, reply["borrowed"])), found, call.kwargs["points"])
    one = exercise(call.args[0])
    cases = verdict.cases(one, seeds)
    outcomes = tuple(wire.from_json(found, case) for found, case in zip(reply["outcomes"], cases, strict=True))
    answers = verdict.Answers(outcomes, reply["borrowed"] is True)
    return notebook.said(verdict.judged(one, answers, seeds))


def _printed(judge: Callable[[], float]) -> Decision:
    words = io.StringIO()
    with contextlib.redirect_stdout(words):
        points = judge()
    return Decision(points, words.getvalue().rstrip())


def measure(wanted: Sequence[Measurement], submission: Path, course: Path, limits: Mapping[str, int]) -> list[Decision]:
    """Measure what lies in a submission's folder, in a sandbox with nothing of the student's running in it."""
    private = sandbox.prepare(submission)
    try:
        for one in wanted:
            for name, text in one.texts.items():
                _put(private / "homework" / "work" / name, text)
        calls = json.dumps([[one.call.name, one.call.args, dict(one.call.kwargs)] for one in wanted])
        lines = sandbox.output_of(private, course, limits, ["-m", "topfive.checks.locked", calls], SECONDS)
    except subprocess.TimeoutExpired:
        return [Decision(0.0, TOO_LONG)] * len(wanted)
    finally:
        shutil.rmtree(private, ignore_errors=True)
    found = [_measured(line) for line in lines[: len(wanted)]]
    return found + [Decision(0.0, "measuring it failed. 0 points")] * (len(wanted) - len(found))


def _put(path: Path, text: str) -> None:
    """A file that the kernel wrote, in the place of the one that was handed in, whatever that is."""
    if path.parent.is_symlink() or path.parent.is_file():
        path.parent.unlink()
    path.parent.mkdir(exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    path.write_text(text, "utf-8")
    for given in (path.parent, path):
        sandbox.give(given)


def _measured(line: str) -> Decision:
    try:
        found = json.loads(line)
        return Decision(float(found["points"]), str(found["words"]))
    except (ValueError, KeyError, TypeError):
        return Decision(0.0, "measuring it failed. 0 points")
