"""The simulated crowd: what was planted is found again, and instructions change what they mention and nothing else."""

import numpy as np
import pytest

from topfive.annotation import aggregation, agreement, instructions, on_topic, simulate
from topfive.annotation.on_topic import BORDERLINE, CASES, CLEAR
from topfive.lists import parse
from topfive.plots.labelling_basics import pairs_alike


@pytest.fixture(scope="module")
def lists():
    return on_topic.known_lists([case for case in CASES for _ in range(40)], seed=1)


@pytest.fixture(scope="module")
def said(lists):
    return simulate.label(lists, simulate.crowd(1), overlap=15, seed=2)


@pytest.fixture(scope="module")
def found(said):
    return aggregation.dawid_skene(said.table.matrix, 2)


# --- lists of known truth -----------------------------------------------------------------------------------------


def test_a_list_is_what_its_case_says(lists):
    for one in lists:
        items = parse(one.text).items
        assert len(items) == (4 if one.case == "count" else 5)
        assert (len(set(items)) < len(items)) == (one.case == "repeat")
        assert any(item in on_topic.VAGUE for item in items) == (one.case == "vague")


def test_the_judge_finds_nearly_every_truth_from_the_items_alone(lists):
    right = np.array(on_topic.judged(lists)) == [one.truth for one in lists]
    assert right.mean() > 0.97


def test_twenty_lists_to_label_half_of_them_on_topic():
    twenty = on_topic.lists_to_label()
    assert [one.text for one in twenty] == [one.text for one in on_topic.lists_to_label()]
    assert len({one.prompt.text + one.text for one in twenty}) == 20
    assert sum(one.truth for one in twenty) == 10
    assert sum(one.case in CLEAR for one in twenty) == 6


# --- the crowd ----------------------------------------------------------------------------------------------------


def test_every_row_is_marked_and_the_same_arguments_give_the_same_rows(lists, said):
    again = simulate.label(lists, simulate.crowd(1), overlap=15, seed=2)
    assert again.rows() == said.rows()
    assert {row["source"] for row in said.rows()} == {"simulated"}
    assert simulate.label(lists, simulate.crowd(1), overlap=15, seed=3).rows() != said.rows()


def test_each_list_has_its_overlap_and_a_copy_beside_whom_it_copies(lists):
    labels = simulate.label(lists, simulate.crowd(1), overlap=5, seed=2).table
    asked = labels.matrix >= 0
    copied, copy = asked[:, labels.workers.index("w04")], asked[:, labels.workers.index("w28")]
    assert (copied == copy).all()
    assert (asked.sum(axis=1) - copy == 5).all()


@pytest.mark.parametrize("case", BORDERLINE)
def test_deciding_a_case_changes_labels_of_that_case_only(lists, case):
    honest = simulate.crowd(1, spammers=False)
    bare, told = (simulate.label(lists, honest, mentioned, 5, seed=2) for mentioned in ((), (case,)))
    changed = (bare.table.matrix != told.table.matrix).any(axis=1)
    assert {bare.cases[place] for place in np.flatnonzero(changed)} == {case}
    assert pairs_alike(told, case) > pairs_alike(bare, case) + 0.05


def test_complete_instructions_raise_agreement(lists):
    honest = simulate.crowd(1, spammers=False)
    alphas = [
        agreement.krippendorff_alpha(simulate.label(lists, honest, mentioned, 5, seed=2).table.matrix)
        for mentioned in ((), BORDERLINE)
    ]
    assert alphas[0] < 0.25
    assert alphas[1] > 0.45


def test_spammers_that_do_not_look_score_lowest_and_no_honest_worker_does(said, found):
    lowest = aggregation.spammer_scores(found.matrices).argsort()[:4]
    planted = {one.name for one in simulate.crowd(1) if one.kind in ("random", "same")}
    assert {said.table.workers[place] for place in lowest} == planted


def test_the_copy_is_the_most_surprising_pair(said, found):
    surprise = aggregation.surprising_agreement(said.table.matrix, found)
    pair = np.unravel_index(surprise.argmax(), surprise.shape)
    assert {said.table.workers[place] for place in pair} == {"w04", "w28"}
    assert np.allclose(surprise, surprise.T)


def test_matrices_are_those_that_were_planted(said, found):
    for worker in simulate.crowd(1):
        if worker.kind == "same":
            np.testing.assert_allclose(found.matrices[said.table.workers.index(worker.name), :, 0], 1, atol=1e-6)
    lenient = found.matrices[said.table.workers.index("w03")]
    assert lenient[1, 0] > 0.3 > 0.1 > lenient[0, 1]


def test_fatigue_and_a_pull_to_the_first_label_can_be_seen(said):
    early, late = simulate.right_early_and_late(said, "w01")
    assert early.mean > late.mean + 0.1
    assert simulate.took_first(said, "w02").low > 0.6
    assert simulate.took_first(said, "w00").low < 0.5 < simulate.took_first(said, "w00").high


def test_dawid_skene_beats_the_vote_where_there_are_spammers(lists):
    few = simulate.label(lists, simulate.crowd(1), overlap=7, seed=2)
    vote = (aggregation.majority_vote(few.table.matrix, 2) == few.truth).mean()
    em = (aggregation.dawid_skene(few.table.matrix, 2).guesses.argmax(axis=1) == few.truth).mean()
    assert em > vote


def test_golden_likings_throw_out_the_minority_and_attention_checks_do_not():
    for seed in range(10):
        test = simulate.taste_test(seed)
        kinds = np.array(test.kinds)
        assert (test.golden[kinds == "minority"] < 0.7).all()
        assert (test.attention[kinds == "minority"] < 0.7).sum() <= 1


def test_example_labels_are_marked_and_neither_perfect_nor_nonsense():
    lists = on_topic.lists_to_label()
    rows = simulate.stand_in(lists, [f"task {number}" for number in range(20)])
    assert {(row["source"], row["worker"]) for row in rows} == {("simulated", "example")}
    right = [row["label"] == on_topic.CLASSES[one.truth] for row, one in zip(rows, lists, strict=True)]
    assert 0.7 <= np.mean(right) <= 0.9


# --- instructions -------------------------------------------------------------------------------------------------


def test_a_bare_question_has_a_question_and_nothing_else():
    parts = instructions.checklist(on_topic.QUESTION)
    assert [part.name for part in parts if part.found] == ["a question"]
    assert all(part.advice for part in parts)


@pytest.mark.parametrize(
    ("text", "cases"),
    [
        ("Does every line answer the prompt?", ()),
        ("Choose off topic if one item does not fit.", ("stray",)),
        ("Mind the condition, such as vegan.", ("condition",)),
        ("Vague items count as off topic; an item said twice does not matter.", ("vague", "repeat")),
        ("A list of four items may be on topic.", ("count",)),
        (" ".join(["word"] * instructions.PAGE) + " duplicates", ()),
    ],
)
def test_cases_are_found_by_words_on_the_first_page(text, cases):
    assert instructions.mentioned(text) == cases


def test_empty_instructions_lack_everything():
    assert not any(part.found for part in instructions.checklist(""))
