"""The pictures of notebook 06: titles say what was found, also where the student's function is wrong."""

import torch

from topfive.plots import ppo as plots_ppo
from topfive.ppo.losses import policy_loss


def test_advantages_name_the_token_with_the_most_credit():
    drawn = plots_ppo.advantages([0.5, 0.4, 0.2, 0.6], [-0.05, 0.1, 0.6, 0.4])
    assert drawn.axes[1].get_title() == "Token 3 gets the most credit"


def test_clipping_is_read_off_the_function():
    titles = [ax.get_title() for ax in plots_ppo.clipped(policy_loss).axes]
    assert titles == ["A good token (Â = +1):\nflat from 1.2 to 1.8", "A bad token (Â = −1):\nflat from 0.4 to 0.8"]
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
    assert titles == ["The reward model likes β = 0 best", "The judge likes DPO best"]
    named = [text.get_text() for text in drawn.axes[0].texts]
    assert named == ["β 0", "β 0.3", "DPO"], "a dot a run, a name only for those of the first seed"
