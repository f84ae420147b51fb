"""What the hidden part of a locked cell calls, one call a cell.

    from topfive.checks.locked import grade as _grade

    _grade("6.3", lambda: gae, seeds=(631, 632, 633))

The cell imports the name itself and uses none that a student could have given to something else, but for the function
under test; that stands behind a `lambda`, since it may not be there. Each call prints what was found, and returns a
number of points as the cell's value, whatever a student's code does: nbgrader gives full points for no number.
"""

import contextlib
import functools
import io
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from topfive import data
from topfive.checks import artefacts, notebook
from topfive.checks.artefacts import artefact, is_shipped, points_for
from topfive.checks.asked import in_words
from topfive.errors import TopFiveError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Given = Callable[[], Any]  # a lambda around a name of the student's notebook


def _safe(points: Callable[..., float]) -> Callable[..., float]:
    """Points, or 0 and one line about what stopped them."""

    @functools.wraps(points)
    def guarded(*args: Any, **kwargs: Any) -> float:
        try:
            return float(points(*args, **kwargs))
        except (Exception, SystemExit) as error:  # whatever was handed in
            print(in_words(error))
        return 0.0

    return guarded


@_safe
def grade(number: str, function: Given, seeds: Sequence[int]) -> float:
    """Points of an exercise on secret seeds; none for the course's own function, nor for one that calls it."""
    return notebook.grade(number, function(), seeds)


@_safe
def grade_replay(functions: Mapping[str, Given], seeds: Sequence[int], points: float) -> float:
    """All points if updates with the student's functions, by exercise number, end where the course's do."""
    from topfive.checks import replay  # with transformers, which other notebooks do without

    return replay.grade_replay({number: function() for number, function in functions.items()}, seeds, points)


@_safe
def grade_perplexity(seed: int, at_most: Mapping[float, float]) -> float:
    """Points for the perplexity of work/sft on fresh lists, as a share of the base model's."""
    from topfive.lm.losses import perplexity
    from topfive.lm.measure import completion_nats
    from topfive.lm.model import load

    own, (base, tokenizer) = _own_model("sft"), load(data.checkpoint("base"))
    unseen = data.fresh_lists("validation", 128, seed=seed)
    (own_nats, count, _), (base_nats, _, _) = (completion_nats(model, tokenizer, unseen) for model in (own, base))
    ratio = perplexity((own_nats - base_nats).sum() / count.sum())
    print(f"{ratio:.2f} times the perplexity of the base model")
    return points_for(ratio, at_most=at_most)


@_safe
def grade_lists(prompt_seed: int, seed: int, at_least: Mapping[float, float]) -> float:
    """Points for the share of lists by work/sft that are five numbered items and nothing else."""
    from topfive.evaluate import heldout_prompts
    from topfive.lists import parse
    from topfive.lm.model import load
    from topfive.lm.sampling import sample_texts

    own, (_, tokenizer) = _own_model("sft"), load(data.checkpoint("base"))
    prompts = [one.text for one in heldout_prompts(data.prompts("validation"), 64, seed=prompt_seed)]
    kept_form = [parse(text).valid and "(" not in text for text in sample_texts(own, tokenizer, prompts, seed=seed)]
    share = sum(kept_form) / len(kept_form)
    print(f"{share:.0%} of its lists are in order")
    return points_for(share, at_least=at_least)


@_safe
def grade_clicks(at_least: Mapping[float, float]) -> float:
    """Points for how many of the four ways of asking in 04 the student answered, at least half of the tasks of each."""
    from topfive.collecting import clicks
    from topfive.collecting.tasks import WAYS, tasks
    from topfive.ledger import default_path, read

    answered = clicks.by_way([one for one in read(default_path())[0] if one.get("source") != "simulated"])
    done = [way for way in WAYS if len(answered[way]) >= clicks.ENOUGH * len(tasks(way))]
    print(", ".join(f"{way}: {len(answered[way])} of {len(tasks(way))}" for way in WAYS))
    return points_for(len(done), at_least=at_least)


@_safe
def grade_reward(
    losses: Mapping[str, Given], seeds: Sequence[int], seed: int, at_least: Mapping[float, float]
) -> float:
    """Points for work/reward, if the student wrote something to train it with: one of these losses, by exercise number,
    earns points of its own.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        earned = [grade(number, loss, seeds) for number, loss in losses.items()]
    if not any(earned):
        raise TopFiveError(nothing_of_ones_own(losses))
    return float(measure_reward(seed, at_least))


def nothing_of_ones_own(losses: Iterable[str]) -> str:
    """Why a reward model earns nothing that was trained with the course's loss."""
    return f"work/reward counts once one of {', '.join(losses)} earns points: so far only the course's loss trains it"


@_safe
def measure_reward(seed: int, at_least: Mapping[float, float]) -> float:
    """Points for the pair accuracy of work/reward on mixed lists, ranked by a labeller without noise."""
    from topfive.judge import Taste
    from topfive.lm.model import load
    from topfive.preferences import simulated_rankings
    from topfive.reward.train import accuracy

    own, (writer, tokenizer) = _own_model("reward"), load(data.checkpoint("sft"))
    exact = Taste(noise=0.0)
    secret = simulated_rankings(writer, tokenizer, 48, seed=seed, taste=exact, split="validation", mixed=True)
    found = accuracy(own, tokenizer, [ranking for _, ranking in secret])
    print(f"pair accuracy {found}")
    return points_for(found.mean, at_least=at_least)


@_safe
def grade_policy(taste: str, prompt_seed: int, seed: int) -> float:
    """A point for a policy of one's own in work/policy, one if it wins more often than SFT, two more if it ships."""
    from topfive.evaluate import compare, heldout_prompts
    from topfive.judge import Judge, load_taste, prompts_of
    from topfive.lm.model import load

    own, (sft, tokenizer) = _own_model("policy"), load(data.checkpoint("sft"))
    wanted = load_taste(taste)
    asked = heldout_prompts(prompts_of(wanted)[1], 200, seed=prompt_seed)
    result = compare(sft, own, tokenizer, asked, Judge(wanted), seed=seed)
    print(f"win rate over SFT: {result.win_rate}; ships: {result.ships}")
    return 1.0 + points_for(result.win_rate.mean, at_least={0.5: 1}) + (2.0 if result.ships else 0.0)


@_safe
def grade_labels(at_least: Mapping[float, float], golden: float) -> float:
    """Points for how many of the lists of 01 were labelled, by the ledger, and `golden` more if clear ones are right.

    at_least: labels → points. One clear list may be wrong: a finger slips.
    """
    from topfive.annotation.on_topic import CLASSES, CLEAR, lists_to_label
    from topfive.ledger import Task, read
    from topfive.ledger.convert import label_rows

    known = {Task(one.prompt, (one.text,)).id: one for one in lists_to_label()}
    said = {row["task"]: row["label"] for row in label_rows(read()[0]) if row["task"] in known}
    clear = [task for task, one in known.items() if one.case in CLEAR]
    right = sum(said.get(task) == CLASSES[known[task].truth] for task in clear)
    print(f"{len(said)} of {len(known)} lists labelled; {right} of {len(clear)} clear ones as they are")
    return points_for(len(said), at_least=at_least) + (golden if right >= len(clear) - 1 else 0.0)


@_safe
def grade_instructions(points: float) -> float:
    """Points for the share of the checklist that work/instructions.md has, in halves and rounded down."""
    from topfive.annotation.instructions import checklist
    from topfive.files import as_utf8

    path = artefact("instructions.md")
    if not path.is_file():
        raise TopFiveError("work/instructions.md is missing: write instructions, then hand in the work folder too")
    parts = checklist(as_utf8(path.read_bytes()).decode(errors="replace"))
    for part in parts:
        print(f"{'✓' if part.found else '✗'} {part.name}")
    return int(2 * points * sum(part.found for part in parts) / len(parts)) / 2


def _own_model(name: str) -> "PreTrainedModel":
    """The model in work/NAME. Raises TopFiveError if it is missing, damaged, or the course's own."""
    model, _ = artefacts.load(artefact(name))
    if copied := is_shipped(artefact(name)):
        raise TopFiveError(f"work/{name} holds the weights of the course's own {copied!r}")
    return model


@_safe
def grade_written(at_least: Mapping[float, float]) -> float:
    """Points for the lists that a student wrote in the panel of 02: without a fault, all different, no examples."""
    from topfive.demonstrations.pile import PANEL, examples, own_lists
    from topfive.demonstrations.sft_set import good_own

    own = own_lists()
    good = good_own(own, examples())
    print(f"{len(own)} lists in the panel {PANEL!r}, {len(good)} of them good, your own, and unlike each other")
    return points_for(len(good), at_least=at_least)


@_safe
def grade_demonstrations(lists: int, own: int, points: float) -> float:
    """A quarter of the points each: the set in work/ has no faults, no near duplicates, no leaks, and own lists."""
    from topfive.demonstrations import sft_set

    rows = sft_set.load()
    found = sft_set.measured(rows)
    print(", ".join(f"{name}: {count}" for name, count in found.items()))
    if found["lists"] < lists:
        raise TopFiveError(f"work/{sft_set.FILE} should hold at least {lists} lists, and holds {found['lists']}")
    lacking = sft_set.lacking(rows, own)
    print("\n".join(lacking) or "it lacks nothing")
    return points * (4 - len(lacking)) / 4


@_safe
def grade_card(words: int) -> float:
    """A point for a card whose numbers are those of the set, and whose every section says at least so many words."""
    from topfive.demonstrations import sft_set

    problems = sft_set.card_problems(sft_set.load(), words)
    print("; ".join(problems) or "the card is complete, and its numbers are those of the set")
    return float(not problems)


def main(calls: Sequence[tuple[str, Sequence[Any], Mapping[str, Any]]]) -> None:
    """Measure, call by call, and print a line of JSON for each: its points and what it says.

    Only for calls about what lies in the folder, in a process in which nothing of a student's runs.
    """
    for name, args, kwargs in calls:
        words = io.StringIO()
        with contextlib.redirect_stdout(words):
            points = globals()[name](*args, **{key: _thresholds(value) for key, value in kwargs.items()})
        print(json.dumps({"points": points, "words": words.getvalue().rstrip()}), flush=True)


def _thresholds(value: Any) -> Any:
    """A mapping's keys as the numbers that JSON made texts of."""
    return {float(limit): points for limit, points in value.items()} if isinstance(value, Mapping) else value


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
