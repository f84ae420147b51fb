"""Scores from preferences: against evalica and choix, on what nobody should trip over, and on planted left-clickers."""

import choix
import evalica
import numpy as np
import pytest
import torch

from topfive import data
from topfive.annotation import scores
from topfive.errors import TopFiveError

CROWDS = range(6)


def compared(rng, lists=8, number=300, ties=0.0):
    truth = rng.normal(scale=1.2, size=lists)
    pairs = np.array([rng.choice(lists, size=2, replace=False) for _ in range(number)])
    won = rng.random(number) < 1 / (1 + np.exp(truth[pairs[:, 1]] - truth[pairs[:, 0]]))
    outcome = np.where(rng.random(number) < ties, 2, np.where(won, 0, 1))
    return pairs[:, 0], pairs[:, 1], outcome


def winners(outcome):
    return [(evalica.Winner.X, evalica.Winner.Y, evalica.Winner.Draw)[one] for one in outcome]


@pytest.mark.parametrize("seed", range(3))
def test_elo_is_evalicas_with_ties(seed: int):
    first, second, outcome = compared(np.random.default_rng(seed), ties=0.2)
    theirs = evalica.elo(first, second, winners(outcome), k=16.0).scores.sort_index().to_numpy()
    assert scores.elo(first, second, outcome, 8, k=16.0) == pytest.approx(theirs, abs=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_bradley_terry_is_evalicas_and_choixs(seed: int):
    first, second, outcome = compared(np.random.default_rng(seed))
    given = scores.Comparisons(first, second, outcome, ("",) * len(first))
    ours = scores.fit_scores(given, 8, prior=1000.0).scores
    strengths = evalica.bradley_terry(first, second, winners(outcome), tolerance=1e-10, limit=10000).scores
    theirs = np.log(strengths.sort_index().to_numpy())
    assert ours == pytest.approx(theirs - theirs.mean(), abs=1e-3)
    won = np.where(outcome == 0, first, second), np.where(outcome == 0, second, first)
    choixs = choix.ilsr_pairwise(8, list(zip(*won, strict=True)), alpha=0.0)
    assert ours == pytest.approx(choixs - choixs.mean(), abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_plackett_luce_is_choixs(seed: int):
    rng = np.random.default_rng(seed)
    truth = rng.normal(size=6)
    orders = [np.argsort(-truth - rng.gumbel(size=6)).tolist()[: rng.integers(2, 7)] for _ in range(80)]
    ours = np.log(scores.fit_plackett_luce(orders, 6))
    theirs = choix.ilsr_rankings(6, orders)
    assert ours - ours.mean() == pytest.approx(theirs - theirs.mean(), abs=1e-5)


def test_a_list_that_always_wins_has_no_plackett_luce_strength_and_words_say_so():
    with pytest.raises(TopFiveError, match="always or never comes first"):
        scores.fit_plackett_luce([[0, 1, 2], [0, 2, 1]], 3)


def test_ties_and_a_leaning_come_back_from_answers_drawn_with_them():
    rng = np.random.default_rng(0)
    truth, tie, lean = rng.normal(size=6), -0.5, 0.8
    pairs = np.array([rng.choice(6, size=2, replace=False) for _ in range(6000)])
    ahead, behind = truth[pairs[:, 0]], truth[pairs[:, 1]]
    chance = np.exp(np.stack([ahead + lean / 2, behind - lean / 2, tie + (ahead + behind) / 2], axis=1))
    outcome = (chance.cumsum(axis=1) < rng.random((6000, 1)) * chance.sum(axis=1, keepdims=True)).sum(axis=1)
    fit = scores.fit_scores(scores.Comparisons(pairs[:, 0], pairs[:, 1], outcome, ("she",) * 6000), 6)
    assert fit.scores == pytest.approx(truth - truth.mean(), abs=0.15)
    assert fit.tie == pytest.approx(tie, abs=0.12)
    assert fit.leanings["she"] == pytest.approx(lean, abs=3 * fit.errors["she"])


def test_answers_without_sides_lean_to_none():
    first, second, outcome = compared(np.random.default_rng(1))
    fit = scores.fit_scores(scores.Comparisons(first, second, np.zeros_like(outcome), ("",) * len(first)), 8)
    assert fit.leanings == {}


def test_one_worker_one_pair_and_nothing():
    one = scores.Comparisons(np.array([0]), np.array([1]), np.array([0]), ("w",))
    fit = scores.fit_scores(one, 3)
    assert np.isfinite(fit.scores).all()
    assert fit.scores[0] > fit.scores[1]
    nothing = np.array([], dtype=np.int64)
    with pytest.raises(TopFiveError, match="no comparison"):
        scores.fit_scores(scores.Comparisons(nothing, nothing, nothing, ()), 3)


def test_only_ties_leave_all_lists_equal():
    zeros = np.zeros(20, dtype=np.int64)
    fit = scores.fit_scores(scores.Comparisons(zeros, zeros + 1, zeros + 2, ("w",) * 20), 2)
    assert fit.scores == pytest.approx([0, 0], abs=1e-6)


def test_the_loss_has_a_gradient_where_scores_are_hundreds_apart():
    values = torch.tensor([0.0, 400.0], requires_grad=True)
    index = torch.tensor([0]), torch.tensor([1]), torch.tensor([0])
    loss = scores.preference_loss(values, *index, torch.zeros(()), torch.zeros(1))
    loss.backward()
    assert float(loss) == pytest.approx(400, rel=1e-3)
    assert values.grad.isfinite().all()


# --- who clicks left ----------------------------------------------------------------------------------------------


def planted(seed: int):
    """Fifty workers as in data/crowd, four to six of whom always take the first; eighty comparisons each."""
    rng = np.random.default_rng(seed)
    lists, people, each = 400, 50, 80
    worth = rng.normal(scale=1.5, size=lists)
    left = set(rng.choice(people, size=rng.integers(4, 7), replace=False).tolist())
    columns = []
    for worker in range(people):
        noise, pull = rng.uniform(0.35, 0.85), rng.normal(0.1, 0.15)
        for _ in range(each):
            group = rng.integers(lists // 4) * 4
            a, b = group + rng.choice(4, size=2, replace=False)
            ahead = worth[a] - worth[b] + pull + rng.logistic(scale=noise)
            outcome = 0 if worker in left else 2 if abs(ahead) < 0.2 else 0 if ahead > 0 else 1
            columns.append((a, b, outcome, f"w{worker:02}"))
    first, second, outcome, names = zip(*columns, strict=True)
    given = scores.Comparisons(*(np.array(column) for column in (first, second, outcome)), names)
    return given, lists, {f"w{worker:02}" for worker in left}


@pytest.mark.parametrize("seed", CROWDS)
def test_every_planted_left_clicker_is_found_and_no_honest_worker(seed: int):
    given, lists, left = planted(seed)
    fit = scores.fit_scores(given, lists)
    found = scores.left_clickers({name: (fit.leanings[name], fit.errors[name]) for name in fit.leanings})
    assert set(found) == left


def test_those_of_the_shipped_crowd_are_found_too():
    number = {row["id"]: at for at, row in enumerate(data.rows("crowd/lists"))}
    rows, code = data.rows("crowd/comparisons"), {"first": 0, "second": 1, "tie": 2}
    given = scores.Comparisons(
        np.array([number[row["first"]] for row in rows]),
        np.array([number[row["second"]] for row in rows]),
        np.array([code[row["answer"]] for row in rows]),
        tuple(row["worker"] for row in rows),
    )
    fit = scores.fit_scores(given, len(number))
    found = scores.left_clickers({name: (fit.leanings[name], fit.errors[name]) for name in fit.leanings})
    assert set(found) == {row["worker"] for row in data.rows("crowd/workers") if row["kind"] == "first"}
