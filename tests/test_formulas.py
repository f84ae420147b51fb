"""The displayed formulas of 01, 02, 04 and 05, evaluated term by term as they stand there.

What they give is compared with the course's functions, on the numbers of the notebooks' toy cells. A formula that is
displayed and not evaluated here fails a test.
"""

import re
from fractions import Fraction
from itertools import permutations
from math import exp, isclose, log, log2, prod

import numpy as np
import pytest
import torch

from topfive.annotation import aggregation, agreement, formats, scores
from topfive.build.notebooks import Assignment
from topfive.demonstrations import alike, review
from topfive.reward import losses, measure

# What each displayed formula begins with, and the test below that evaluates it.
DISPLAYED = {
    "01-labelling-basics": {
        r"P_\text{chance} =": "kappa",
        r"P(c) \;\propto\;": "bayes",
        "S_w =": "spammer_score",
        r"p_\text{agree} =": "ceiling",
    },
    "02-writing-demonstrations": {"J(A, B) =": "jaccard", "h_i(x) =": "minhash", r"\kappa_w =": "weighted_kappa"},
    "04-collecting-preferences": {
        r"\log_2 k +": "bits",
        r"e^{s_a + \ell/2}": "davidson",
        r"\frac{\text{how often": "hunter",
        r"\sum_i (y_i": "leaning",
    },
    "05-preference-modeling": {
        r"P(a \succ b) =": "bradley_terry",
        r"\mathcal{L} =": "bradley_terry_loss",
        r"P(\text{order}) =": "plackett_luce",
        r"\text{KL} =": "best_of_n_kl",
    },
}


@pytest.mark.parametrize("name", DISPLAYED)
def test_every_displayed_formula_is_evaluated_here(name: str):
    source = Assignment(name).source.read_text("utf-8")
    formulas = re.findall(r"\$\$(.+?)\$\$", source, flags=re.DOTALL)
    begins = DISPLAYED[name]
    assert [[one for one in begins if formula.startswith(one)] for formula in formulas] == [[one] for one in begins]
    assert all(f"test_{test}" in globals() for test in begins.values())


# --- 01 -----------------------------------------------------------------------------------------------------------


def test_kappa():
    a, b = [0, 0, 1, 1], [0, 1, 1, 1]
    by_chance = sum(Fraction(a.count(c), 4) * Fraction(b.count(c), 4) for c in (0, 1))
    observed = Fraction(sum(x == y for x, y in zip(a, b, strict=True)), 4)
    kappa = (observed - by_chance) / (1 - by_chance)
    assert kappa == Fraction(1, 2)
    assert agreement.cohen_kappa(np.array(a), np.array(b)) == pytest.approx(float(kappa))


def test_alpha():
    lists = [[0, 0, 0], [0, 1], [1, 1, 1], [0, 0, 1]]
    labels = [label for one in lists for label in one]
    n, n_c = len(labels), [labels.count(c) for c in (0, 1)]
    differ = [Fraction(len(one) ** 2 - sum(one.count(c) ** 2 for c in (0, 1)), len(one) - 1) for one in lists]
    observed, expected = sum(differ) / n, Fraction(n**2 - sum(x**2 for x in n_c), n * (n - 1))
    assert (observed, expected, 1 - observed / expected) == (Fraction(4, 11), Fraction(60, 110), Fraction(1, 3))
    table = np.array([[0, 0, 0], [0, 1, -1], [1, 1, 1], [0, 0, 1]])
    assert agreement.krippendorff_alpha(table) == pytest.approx(1 / 3)


def test_bayes():
    prior, matrices = [0.7, 0.3], [[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.5, 0.5]]]
    labels = [[0, 1], [1, -1]]
    for said, found in zip(
        labels, aggregation.task_guesses(np.array(labels), np.array(prior), np.array(matrices)), strict=True
    ):
        of = [prior[c] * prod(matrices[w][c][label] for w, label in enumerate(said) if label != -1) for c in (0, 1)]
        assert found == pytest.approx([one / sum(of) for one in of])


def test_spammer_score():
    matrices = [[[0.9, 0.1], [0.3, 0.7]], [[1, 0], [1, 0]], [[0, 1], [1, 0]]]
    by_hand = [
        sum(sum((m[c][x] - m[d][x]) ** 2 for x in range(2)) / 2 for c, d in permutations(range(2), 2)) / (2 * 1)
        for m in matrices
    ]
    assert by_hand == pytest.approx([0.36, 0, 1])
    assert aggregation.spammer_scores(np.array(matrices, dtype=float)) == pytest.approx(by_hand)


def test_ceiling():
    p = 0.726
    a = (1 + (2 * p - 1) ** 0.5) / 2
    assert a**2 + (1 - a) ** 2 == pytest.approx(p)
    assert a == pytest.approx(0.836, abs=5e-4)


# --- 02 -----------------------------------------------------------------------------------------------------------


def test_jaccard():
    a, b = ({text[at : at + 3] for at in range(len(text) - 2)} for text in ("pea soup", "peas"))
    assert Fraction(len(a & b), len(a | b)) == Fraction(1, 7)
    assert alike.similarity(["pea soup"], ["peas"], size=3) == pytest.approx(1 / 7)


def test_minhash():
    smallest = [min((a * x + b) % 11 for x in (3, 5, 9)) for a, b in ((2, 1), (7, 4))]
    found = alike.minhash(np.array([3, 5, 9]), np.array([2, 7]), np.array([1, 4]), 11)
    assert found.tolist() == smallest
    assert smallest[0] == 0


def test_weighted_kappa():
    x, y = [3, 1, 2, 3, 3], [3, 2, 2, 1, 3]
    observed = sum((one - other) ** 2 for one, other in zip(x, y, strict=True)) / 5
    by_chance = sum((one - other) ** 2 for one in x for other in y) / 25
    assert (observed, by_chance) == (1.0, 1.24)
    assert review.weighted_kappa(x, y) == pytest.approx(1 - observed / by_chance)


# --- 04 -----------------------------------------------------------------------------------------------------------


def test_bits():
    for c, k in ((0.82, 2), (0.5, 5)):
        answers = np.linspace(1 / k, 1, 200_001)
        a = float(answers[np.abs(answers**2 + (1 - answers) ** 2 / (k - 1) - c).argmin()])
        bits = log2(k) + a * log2(a) + (1 - a) * log2((1 - a) / (k - 1))
        assert formats.bits_per_second(np.array([c]), np.array([k]), np.array([1.0])) == pytest.approx([bits], abs=1e-3)
        assert k != 2 or isclose(a, 0.9, abs_tol=1e-4)


@pytest.mark.parametrize(("ahead", "behind", "lean", "nu"), [(0.0, 0.0, 0.0, 1.0), (0.7, -0.4, 0.5, 0.3)])
def test_davidson(ahead: float, behind: float, lean: float, nu: float):
    share = [exp(ahead + lean / 2), exp(behind - lean / 2), nu * exp((ahead + behind) / 2)]
    for outcome in range(3):
        loss = scores.preference_loss(
            torch.tensor([ahead, behind], dtype=torch.float64),
            *(torch.tensor([number]) for number in (0, 1, outcome)),
            torch.tensor(log(nu), dtype=torch.float64),
            torch.tensor([lean], dtype=torch.float64),
        )
        assert loss.item() == pytest.approx(-log(share[outcome] / sum(share)))


def test_hunter():
    strengths, orders = [1.0, 2.0, 4.0], [[0, 1, 2], [2, 0, 1]]
    choices = [(order[at], order[at:]) for order in orders for at in range(2)]
    often = [sum(chosen == one for chosen, _ in choices) for one in range(3)]
    below = [sum(1 / sum(strengths[i] for i in there) for _, there in choices if one in there) for one in range(3)]
    updated = [chosen / exposed for chosen, exposed in zip(often, below, strict=True)]
    scaled = [one * 3 / sum(updated) for one in updated]
    assert scores.plackett_luce_step(np.array(strengths), orders) == pytest.approx(scaled)


def test_leaning():
    margins, picks, tau = np.linspace(-2, 2, 40), np.ones(40), 1.0
    lean, error = scores.leaning(margins, picks, tau)
    p = 1 / (1 + np.exp(-(margins + lean)))
    assert (picks - p).sum() - lean / tau**2 == pytest.approx(0, abs=1e-6)
    assert error == pytest.approx(1 / ((p * (1 - p)).sum() + 1 / tau**2) ** 0.5)
    assert 1 < lean < 10


def test_elo_and_what_an_answer_is_worth():
    """Two formulas that stand inside a line."""
    rating = [1000.0, 1000.0, 1000.0]
    for winner, loser in ((0, 1), (2, 0)):
        expected = 1 / (1 + 10 ** ((rating[loser] - rating[winner]) / 400))
        rating[winner] += 40 * (1 - expected)
        rating[loser] -= 40 * (1 - expected)
    first, second, outcome = np.array([0, 0]), np.array([1, 2]), np.array([0, 1])
    assert scores.elo(first, second, outcome, 3, k=40.0) == pytest.approx(rating)
    mean, v = [1.0, 0.5, -2.0], [[0.5, 0.4, 0.0], [0.4, 0.5, 0.0], [0.0, 0.0, 0.9]]
    worth = {}
    for i, j in ((0, 1), (0, 2), (1, 2)):
        p = 1 / (1 + exp(mean[j] - mean[i]))
        worth[i, j] = p * (1 - p) * (v[i][i] + v[j][j] - 2 * v[i][j])
    found = scores.next_pair(np.array(mean), np.array(v), np.zeros((3, 3), dtype=bool))
    assert found == max(worth, key=worth.__getitem__)


# --- 05 -----------------------------------------------------------------------------------------------------------


def test_bradley_terry():
    """And two lists are what Plackett–Luce makes of them."""
    for difference, said in ((0.0, 0.5), (1.0, 0.731), (2.0, 0.881), (5.0, 0.993)):
        chance = 1 / (1 + exp(-difference))
        assert chance == pytest.approx(said, abs=5e-4)
        pair = torch.tensor([difference + 100, 100.0], dtype=torch.float64)
        assert losses.order_loss(pair).item() == pytest.approx(-log(chance))


def test_bradley_terry_loss():
    chosen, rejected = [0.0, 2.0, -1.0], [0.0, 1.0, 0.5]
    by_hand = -sum(log(1 / (1 + exp(b - a))) for a, b in zip(chosen, rejected, strict=True)) / 3
    assert losses.bradley_terry_loss(torch.tensor(chosen), torch.tensor(rejected)).item() == pytest.approx(by_hand)
    assert losses.bradley_terry_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(log(2))
    assert losses.bradley_terry_loss(torch.tensor([-100.0]), torch.tensor([100.0])).item() == pytest.approx(200)


def test_plackett_luce():
    s = [2.0, -1.0, 0.5]
    factors = [exp(s[i]) / sum(exp(later) for later in s[i:]) for i in range(len(s) - 1)]
    assert [round(factor, 3) for factor in factors] == [0.786, 0.182]
    assert losses.order_loss(torch.tensor(s)).item() == pytest.approx(-log(prod(factors)) / 2)
    assert losses.order_loss(torch.zeros(3)).item() == pytest.approx((log(3) + log(2)) / 2)
    tied = [(log(sum(map(exp, s))) - one) / 2 for one in s[:2]]
    ranks = {"1, 1, 2": sum(tied), "1, 2, 2": log(sum(map(exp, s))) - s[0], "1, 2, 0": log(1 + exp(s[1] - s[0]))}
    for places, cost in ranks.items():
        found = losses.plackett_luce_loss(torch.tensor([s]), torch.tensor([list(map(int, places.split(", ")))]))
        assert found.item() == pytest.approx(cost)


def test_best_of_n_kl():
    """The formula, the exact KL for a thousand answers, and log 2 as the most that two can give."""
    for n in (2, 4, 16):
        assert measure.best_of_n_kl(n) == pytest.approx(log(n) - (n - 1) / n)
        kl = {}
        for k in (2, 1000):
            p = torch.full((k,), 1 / k, dtype=torch.float64)
            q = measure.best_of_n_distribution(p, n)
            kl[k] = float(torch.special.xlogy(q, q / p).sum())
        assert kl[1000] == pytest.approx(measure.best_of_n_kl(n), abs=2e-3)
        assert kl[2] < min(log(2), measure.best_of_n_kl(n))


def test_what_stands_inside_lines_of_05():
    """m² + (1 − m)², its mixture, and the toys of the mean, of pairs and of the table."""
    m = 0.9
    assert m**2 + (1 - m) ** 2 == pytest.approx(0.82)
    ceiling = measure.accuracy_ceiling(torch.tensor([0.5, 0.6, 0.82, 1.0, 0.75, 0.65]))
    assert ceiling.tolist() == pytest.approx([0.5, 0.7236, 0.9, 1.0, 0.854, 0.774], abs=5e-4)
    right, pairs = measure.pairs_right(torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[1, 2, 3]]))
    assert (right.item(), pairs.item()) == (2, 3)
    assert measure.best_of_n_distribution(torch.tensor([0.5, 0.5]), 2).tolist() == [0.25, 0.75]
