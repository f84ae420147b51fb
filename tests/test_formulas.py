"""The displayed formulas of 01 to 06, evaluated term by term as they stand there.

What they give is compared with the course's functions, on the numbers of the notebooks' toy cells. A formula that is
displayed and not evaluated here fails a test.
"""

import re
from fractions import Fraction
from itertools import combinations, permutations
from math import comb, exp, isclose, log, log2, prod

import numpy as np
import pytest
import torch

from topfive import comparisons, overoptimisation
from topfive.annotation import aggregation, agreement, formats, scores
from topfive.build.notebooks import Assignment
from topfive.demonstrations import alike, review
from topfive.lm import losses as lm_losses
from topfive.ppo import advantages as adv
from topfive.ppo import losses, rollout, toy, trainer
from topfive.reward import losses as reward_losses
from topfive.reward import measure

# What each displayed formula begins with, and the test below that evaluates it.
DISPLAYED = {
    "01-labelling-basics": {
        r"P_\text{chance} =": "kappa",
        r"P(c) \;\propto\;": "bayes",
        "S_w =": "spammer_score",
        r"p_\text{agree} =": "ceiling",
    },
    "02-writing-demonstrations": {"J(A, B) =": "jaccard", "h_i(x) =": "minhash", r"\kappa_w =": "weighted_kappa"},
    "03-language-modeling": {r"\text{perplexity} =": "perplexity", r"\mathrm{KL} \approx": "kl"},
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
    "06-ppo": {
        r"J(\pi)": "objective",
        r"\pi^*(y)": "best_policy",
        r"\log \pi(\text{token})": "logprob",
        "r_t": "token_rewards",
        r"\hat A_t": "advantages",
        r"\text{whitened}": "whitened",
        r"L_\text{policy}": "policy_loss",
        r"L_\text{value}": "value_loss",
        r"\text{logits}": "step_by_hand",
        r"L \;=": "loss_with_kl",
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


# --- 03 -----------------------------------------------------------------------------------------------------------


def test_perplexity():
    nats, tokens, words = [12.0, 3.0], [6, 2], [3, 2]
    by_hand = [exp((12.0 + 3.0) / (6 + 2)), exp((12.0 + 3.0) / (3 + 2))]
    assert lm_losses.perplexities(*map(torch.tensor, (nats, tokens, words))) == pytest.approx(by_hand)
    assert [lm_losses.perplexities(*map(torch.tensor, ([12.0], [n], [3]))) for n in (6, 3)] == [
        pytest.approx((exp(2), exp(4))),
        pytest.approx((exp(4), exp(4))),
    ]


def test_kl():
    """Two answers of the toy's model, `1 2` and `1 0`, each token's probability as the tables have it."""
    model = torch.tensor([[1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [1.0, 1.0, 1.0]])
    reference = torch.tensor([[2.0, 1.0, 1.0], [1.0, 0.0, 3.0], [1.0, 1.0, 1.0]])
    tokens, mask = torch.tensor([[0, 1, 2], [0, 1, 0]]), torch.tensor([[0, 1, 1], [0, 1, 1]])
    own = [log(1 / 2 * 1 / 4), log(1 / 2 * 2 / 4)]
    ref = [log(1 / 4 * 3 / 4), log(1 / 4 * 1 / 4)]
    kl = sum(x - y for x, y in zip(own, ref, strict=True)) / 2
    both = (table.log().expand(2, 3, 3) for table in (model, reference))
    found, estimate = lm_losses.logprobs_and_kl(*both, tokens, mask)
    assert found.tolist() == pytest.approx(own)
    assert estimate.item() == pytest.approx(kl)
    assert [round(x, 2) for x in (own[0], ref[0])] == [-2.08, -1.67]


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
        assert reward_losses.order_loss(pair).item() == pytest.approx(-log(chance))


def test_bradley_terry_loss():
    chosen, rejected = [0.0, 2.0, -1.0], [0.0, 1.0, 0.5]
    by_hand = -sum(log(1 / (1 + exp(b - a))) for a, b in zip(chosen, rejected, strict=True)) / 3
    assert reward_losses.bradley_terry_loss(torch.tensor(chosen), torch.tensor(rejected)).item() == pytest.approx(
        by_hand
    )
    assert reward_losses.bradley_terry_loss(torch.zeros(3), torch.zeros(3)).item() == pytest.approx(log(2))
    assert reward_losses.bradley_terry_loss(torch.tensor([-100.0]), torch.tensor([100.0])).item() == pytest.approx(200)


def test_plackett_luce():
    s = [2.0, -1.0, 0.5]
    factors = [exp(s[i]) / sum(exp(later) for later in s[i:]) for i in range(len(s) - 1)]
    assert [round(factor, 3) for factor in factors] == [0.786, 0.182]
    assert reward_losses.order_loss(torch.tensor(s)).item() == pytest.approx(-log(prod(factors)) / 2)
    assert reward_losses.order_loss(torch.zeros(3)).item() == pytest.approx((log(3) + log(2)) / 2)
    tied = [(log(sum(map(exp, s))) - one) / 2 for one in s[:2]]
    ranks = {"1, 1, 2": sum(tied), "1, 2, 2": log(sum(map(exp, s))) - s[0], "1, 2, 0": log(1 + exp(s[1] - s[0]))}
    for places, cost in ranks.items():
        found = reward_losses.plackett_luce_loss(torch.tensor([s]), torch.tensor([list(map(int, places.split(", ")))]))
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


# --- 06 -----------------------------------------------------------------------------------------------------------

THREE = [0.5, 0.3, 0.2], [1.0, -0.5, 2.0]  # probabilities under the reference, and rewards


def test_objective():
    p = [0.2, 0.2, 0.6]
    q, r = THREE
    by_hand = sum(a * b for a, b in zip(p, r, strict=True)) - 0.5 * sum(
        a * (log(a) - log(b)) for a, b in zip(p, q, strict=True)
    )
    assert toy.objective(*map(torch.tensor, (p, q, r)), 0.5) == pytest.approx(by_hand, abs=1e-6)


def test_best_policy():
    weights = [q * exp(r / 0.5) for q, r in zip(*THREE, strict=True)]
    found = toy.best_policy(*map(torch.tensor, THREE), 0.5)
    assert found.tolist() == pytest.approx([weight / sum(weights) for weight in weights])


def test_logprob():
    by_hand = 0.0 - log(exp(2.0) + exp(1.0) + exp(0.0))
    assert by_hand == pytest.approx(-2.4, abs=0.05)
    found = rollout.token_logprobs(torch.tensor([[[2.0, 1.0, 0.0]]]), torch.tensor([[2]]), torch.ones(1, 1))
    assert found.item() == pytest.approx(by_hand)


def test_token_rewards():
    new, ref, beta = [-1.0] * 4, [-1.0, -2.0, -0.5, -1.0], 0.1
    rows = [[-beta * (new[t] - ref[t]) + (score if t == last else 0) for t in range(last + 1)]
            for score, last in ((1.0, 3), (3.0, 1))]  # fmt: skip
    assert rows[0][2] == pytest.approx(0.05)
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    found = adv.token_rewards(torch.tensor([1.0, 3.0]), torch.tensor([new] * 2), torch.tensor([ref] * 2), mask, beta)
    assert found[0].tolist() == pytest.approx(rows[0])
    assert found[1].tolist() == pytest.approx([*rows[1], 0, 0])


def test_advantages():
    rewards, values, gamma, lam = [0.0, 0.0, 0.0, 1.0], [0.5, 0.4, 0.2, 0.9, 0.0], 1.0, 0.5
    by_hand, after = [0.0] * 4, 0.0
    for t in (3, 2, 1, 0):
        after = by_hand[t] = rewards[t] + gamma * values[t + 1] - values[t] + gamma * lam * after
    assert max(by_hand) == by_hand[2]
    found = adv.gae(torch.tensor([rewards]), torch.tensor([values[:4]]), torch.ones(1, 4), gamma, lam)
    assert found[0].tolist() == pytest.approx(by_hand)


def test_whitened():
    real = [1.0, 2, 3, 4, 5, 6]
    mean = sum(real) / 6
    root = (sum((x - mean) ** 2 for x in real) / 6 + 1e-8) ** 0.5
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    found = adv.whiten(torch.tensor([[1.0, 2, 3, 4], [5, 6, 99, 99]]), mask)
    assert found[mask == 1].tolist() == pytest.approx([(x - mean) / root for x in real], abs=1e-6)


def test_policy_loss():
    ratios, gains, e = [0.5, 1.5, 1.1], [1.0, 1.0, -2.0], 0.2
    by_hand = -sum(min(p * a, min(max(p, 1 - e), 1 + e) * a) for p, a in zip(ratios, gains, strict=True)) / 3
    new, none = torch.tensor([ratios]).log(), torch.zeros(1, 3)
    assert losses.policy_loss(new, none, torch.tensor([gains]), none + 1, e).item() == pytest.approx(by_hand)


def test_value_loss():
    one = torch.ones(1, 1)
    for new, said in ((0.1, 0.405), (0.5, 0.32), (1.0, 0.32), (1.5, 0.32)):
        clip = 0 + min(max(new - 0, -0.2), 0.2)
        by_hand = 0.5 * max((new - 1) ** 2, (clip - 1) ** 2)
        assert by_hand == pytest.approx(said)
        assert losses.value_loss(new * one, 0 * one, one, one, 0.2).item() == pytest.approx(by_hand)


def test_step_by_hand():
    logits, chosen, gains, rate = [0.5, -1.0, 0.2], [0, 2, 0], [1.0, -0.5, 0.3], 0.1
    pi = [exp(x) / sum(map(exp, logits)) for x in logits]
    by_hand = [
        x + rate * sum(a * ((c == i) - pi[i]) for c, a in zip(chosen, gains, strict=True)) / 3
        for i, x in enumerate(logits)
    ]
    found = toy.first_step(torch.tensor(logits), torch.tensor(chosen), torch.tensor(gains), rate)
    assert found.tolist() == pytest.approx(by_hand)


def test_loss_with_kl(monkeypatch: pytest.MonkeyPatch):
    tokens = [[0.5, 0.3, 0.2], [0.1, 0.1, 0.8]], [[0.4, 0.4, 0.2], [0.2, 0.2, 0.6]]
    pairs = [pair for rows in zip(*tokens, strict=True) for pair in zip(*rows, strict=True)]
    by_hand = sum(p * log(p / q) for p, q in pairs) / 2
    new, ref = (torch.tensor([one]).log() for one in tokens)
    assert losses.kl_loss(new, ref).item() == pytest.approx(by_hand)

    parts, totals = {}, []

    def kept(name, function):
        def keeping(*args):
            parts[name] = function(*args)
            return parts[name]

        return keeping

    monkeypatch.setattr(trainer, "kl_loss", kept("kl", losses.kl_loss))
    monkeypatch.setattr(trainer, "backward", lambda loss, *_, **__: totals.append((loss.item(), dict(parts))))
    given = {name: kept(name, getattr(losses, name)) for name in ("policy_loss", "value_loss")}
    model, other = toy.policy(seed=1), toy.policy()
    run = toy.trainer(model, toy.reward(other), beta=0.5, steps=1, batch_size=16, kl_loss_coef=0.3, vf_coef=0.4,
                      policy_loss_fn=given["policy_loss"], value_loss_fn=given["value_loss"])  # fmt: skip
    run.ref_model = other
    run.train()
    total, found = totals[0]
    assert found["kl"] > 0.001
    assert total == pytest.approx(
        (found["policy_loss"] + 0.4 * found["value_loss"] + 0.3 * found["kl"]).item(), rel=1e-5
    )


# --- 07, whose notebook is still to come: until then nothing in DISPLAYED points here ------------------------------


def test_wilson():
    z, n, won, tied = 2.0, 5, 3, 1
    rate = (won + tied / 2) / n
    middle = (rate + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * (rate * (1 - rate) / n + z**2 / (4 * n**2)) ** 0.5
    found = comparisons.win_interval(np.array([1, 1, 0, -1, 1]), z)
    assert found == pytest.approx([rate, middle - half, middle + half])
    for p in found[1:]:
        assert (rate - p) ** 2 == pytest.approx(z**2 * p * (1 - p) / n)


def test_power():
    n, q, z = 12, 0.8, 1.96
    by_hand = 0.0
    for k in range(n + 1):
        share = k / n
        middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
        half = z / (1 + z**2 / n) * (share * (1 - share) / n + z**2 / (4 * n**2)) ** 0.5
        by_hand += comb(n, k) * q**k * (1 - q) ** (n - k) if middle - half > 0.5 else 0.0
    assert by_hand == pytest.approx(sum(comb(n, k) * q**k * (1 - q) ** (n - k) for k in (10, 11, 12)))
    assert comparisons.power(q, n) == pytest.approx(by_hand)


def test_best_of_recorded():
    """C(i, n − 1) / C(m, n), and all six pairs of four lists."""
    score, gold, m, n = [0.3, 2.0, 1.0, -1.0], [4.0, 1.0, 7.0, 3.0], 4, 2
    ranked = [gold[i] for i in sorted(range(m), key=score.__getitem__)]
    by_hand = sum(Fraction(comb(i, n - 1), comb(m, n)) * Fraction(ranked[i]) for i in range(m))
    pairs = [gold[max(pair, key=score.__getitem__)] for pair in combinations(range(m), n)]
    assert by_hand == Fraction(sum(map(int, pairs)), 6) == Fraction(7, 2)
    found = measure.best_of_n_mean(torch.tensor([score]), torch.tensor([gold]), n)
    assert found.item() == pytest.approx(float(by_hand))


def test_gold_curves():
    alpha, beta, far = 1.25, 0.5, [0.5, 1.0, 2.0, 3.0]
    best = [d * (alpha - beta * d) for d in far]
    rl = [d * (alpha - beta * log(d)) for d in far]
    for form, gold in (("best of n", best), ("rl", rl)):
        found = overoptimisation.fit_gold(np.array([0.0, *far]), np.array([0.0, *gold]), form)
        assert found == pytest.approx([alpha, beta])


def test_lower_bound():
    members, doubt = [[0.0, 0.0, 2.0, 2.0], [1.0, 2.0, 4.0, 1.0], [5.0, 5.0, 5.0, 5.0]], 0.5
    standard = []
    for said in members:
        mean = sum(said) / 4
        spread = (sum((x - mean) ** 2 for x in said) / 4) ** 0.5
        standard.append([(x - mean) / spread if spread else 0.0 for x in said])
    by_hand = []
    for said in zip(*standard, strict=True):
        mean = sum(said) / 3
        by_hand.append(mean - doubt * (sum((x - mean) ** 2 for x in said) / 3) ** 0.5)
    assert overoptimisation.lower_bound(torch.tensor(members), doubt).tolist() == pytest.approx(by_hand)
