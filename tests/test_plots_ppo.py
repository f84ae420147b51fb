"""The pictures of notebook 06: titles say what was found, also where the student's function is wrong."""

import torch

from topfive.plots import ppo as plots_ppo
from topfive.ppo.losses import policy_loss


def test_advantages_name_the_token_with_the_most_credit():
    drawn = plots_ppo.advantages([0.5, 0.4, 0.2, 0.6], [-0.05, 0.1, 0.6, 0.4])
    assert drawn.axes[1].get_title() == "Token 3 gets the most credit"


def test_clipping_is_read_off_the_function():
    titles = [ax.get_title() for ax in plots_ppo.clipped(policy_loss).axes]
    assert titles == ["A good token (Â = +1):\nflat above 1.2", "A bad token (Â = −1):\nflat below 0.8"]
    unclipped = plots_ppo.clipped(lambda new, old, gains, mask, cliprange: -((new - old).exp() * gains).mean())
    assert "flat nowhere" in unclipped.axes[0].get_title()


def test_answers_shows_those_that_matter_to_any():
    two = {"reference": torch.tensor([0.7, 0.2, 0.1]), "optimum": torch.tensor([0.1, 0.1, 0.8])}
    [ax] = plots_ppo.answers(["x", "y", "z"], two, number=2, title="Two").axes
    assert {label.get_text() for label in ax.get_xticklabels()} == {"x", "z"}
    assert ax.get_xlabel().startswith("2 of 3 answers")


def test_answers_keeps_its_choice_when_a_third_distribution_is_added():
    three = {
        "reference": torch.tensor([0.7, 0.2, 0.1]),
        "optimum": torch.tensor([0.1, 0.1, 0.8]),
        "PPO": torch.tensor([0.0, 1.0, 0.0]),
    }
    [ax] = plots_ppo.answers(["x", "y", "z"], three, number=2).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["z", "x"]


def test_approach_and_rulers_put_their_finding_into_the_title():
    assert (
        plots_ppo.approach([0.75, 0.2, 0.05]).axes[0].get_title() == "0.75 from the optimum at first, 0.05 in the end"
    )
    noisy = {"k1": torch.tensor([0.0, 4.0, 2.0]), "k3": torch.tensor([1.9, 2.0, 2.1])}
    assert plots_ppo.rulers(noisy, truth=2.0).axes[0].get_title() == "Least noise: k3"


def test_the_sweep_names_the_favourites_of_both():
    def one(method, beta, score, win, seed=0):
        interval = {"mean": win, "low": win - 0.05, "high": win + 0.05}
        figures = {"kl": {"mean": 3.0}, "score": {"mean": score}, "win_rate": interval}
        return {"method": method, "beta": beta, "seed": seed, **figures}

    runs = [one("ppo", 0.0, 3.0, 0.2), one("ppo", 0.3, 1.0, 0.6), one("dpo", 0.1, 0.5, 0.7)]
    drawn = plots_ppo.sweep([*runs, one("ppo", 0.3, 0.9, 0.5, seed=1)])
    titles = [ax.get_title() for ax in drawn.axes]
    assert titles == ["The reward model likes α = 0 best", "The judge likes DPO β = 0.1 best"]
    named = [text.get_text() for text in drawn.axes[0].texts]
    assert named == ["α = 0", "α = 0.3", "DPO β = 0.1"], "a dot a run, a name only for those of the first seed"
    far = plots_ppo.sweep([*runs, one("ppo", 0.01, -5.0, 0.0)])
    assert "α = 0.01 (score −5.0)" in [text.get_text() for text in far.axes[0].texts]
    assert far.axes[0].get_ylim()[0] > -3


def test_the_clinic_has_a_row_a_fault_and_says_which_instruments_ring():
    healthy = [{"a": [1.0, 2.0], "objective/kl": [0.1, 0.2]}, {"a": [1.0, 2.5], "objective/kl": [0.1, 0.3]}]
    sick = {
        "no brakes": {"a": [1.0, 2.2], "objective/kl": [0.1, 50.0]},
        "flipped": {"a": [1, 0], "objective/kl": [0, 0]},
    }
    labels = {"a": "score", "objective/kl": "KL", "b": "not recorded here"}
    drawn = plots_ppo.clinic(healthy, sick, labels, {"no brakes": ["objective/kl"], "flipped": ["a"]})
    assert len(drawn.axes) == 4
    assert [ax.get_title() for ax in drawn.axes[:2]] == ["score", "KL"]
    assert [[text.get_text() for text in ax.texts] for ax in drawn.axes] == [[], ["rings"], ["rings"], []]
    assert [len(ax.lines) for ax in drawn.axes] == [3, 3, 3, 3]


def test_other_runs_are_drawn_behind_a_run_where_they_have_the_curve():
    history = [{"objective/scores": -0.2, "objective/kl": 1.0, "response/ended": 1.0, "response/length": 40.0}] * 3
    drawn = plots_ppo.ppo_curves(history, behind=[{"objective/scores": [0.0, 0.1], "objective/kl": [0.0, 0.2]}])
    assert [len(ax.lines) for ax in drawn.axes] == [2, 2, 1, 1]
    assert drawn.axes[0].get_title() == "score −0.2 → −0.2"
