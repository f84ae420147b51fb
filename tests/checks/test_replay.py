"""Two updates replayed: right functions end where the package's do, wrong ones elsewhere."""

import pytest

from tests.exercises import variants_ppo
from topfive.checks.replay import ARGUMENTS, grade_replay, replay
from topfive.errors import TopFiveError
from topfive.exercises import exercise

# What cannot show: a trainer hands on real tokens in one row, and the models say 0 on pads by themselves; the toy's
# logits and values are never far apart; its settings are the defaults; its advantages are whitened already.
HARMLESS_HERE = {
    ("6.1", "tokens of the first response"),
    ("6.1", "logarithm of a softmax"),
    ("6.1", "exp of large logits"),
    ("6.1", "pads are not 0"),
    ("6.1", "one dimension too many"),
    ("6.2", "KL on pads"),
    ("6.3", "ignores the mask"),
    ("6.3", "recursion through pads"),
    ("6.3", "rewards on pads"),
    ("6.3", "values on pads"),
    ("6.3", "pads are not 0"),
    ("6.3", "value of a pad"),
    ("6.3", "one length for all responses"),
    ("6.3", "λ is not used"),
    ("6.4", "the mean of x² minus the square of the mean"),
    ("6.4", "no ε"),
    ("6.4", "something is left on pads"),
    ("6.5", "clips the logarithm"),
    ("6.5", "ε is not used"),
    ("6.5", "ρ − 1 for ρ"),
    ("6.5", "a small number in the denominator"),
    ("6.3", "other defaults"),
    ("6.5", "whitens the advantages"),
    ("6.6", "ε is not used"),
}
VARIANTS = [
    pytest.param(number, variant, id=f"{number}-{variant.__name__}")
    for number in ARGUMENTS
    for variant in variants_ppo.VARIANTS[number]
]
MISTAKES = [
    pytest.param(number, mistake, id=f"{number}-{mistake.name}")
    for number in ARGUMENTS
    for mistake in exercise(number).mistakes
    if not mistake.advice and (number, mistake.name) not in HARMLESS_HERE
]


@pytest.mark.parametrize(("number", "variant"), VARIANTS)
def test_every_right_variant_ends_in_the_same_place(number, variant):
    assert replay({number: variant}).agrees


@pytest.mark.parametrize(("number", "mistake"), MISTAKES)
def test_every_mistake_ends_elsewhere(number, mistake):
    assert not replay({number: mistake.function}, seed=1).agrees


def test_the_same_function_ends_in_exactly_the_same_place():
    found = replay({number: exercise(number).solution for number in ARGUMENTS}, seed=3)
    assert found.apart == 0
    assert "the same, to rounding" in str(found)


def test_points(capsys):
    right = {number: variants_ppo.VARIANTS[number][0] for number in ARGUMENTS}
    assert grade_replay(right, seeds=(11, 12), points=2) == 2
    [mistake] = [one for one in exercise("6.5").mistakes if one.name == "no clipping"]
    assert grade_replay({**right, "6.5": mistake.function}, seeds=(11, 12), points=2) == 0
    out, err = capsys.readouterr()
    assert out.count("replay:") == 3
    assert err == ""


def test_an_unwritten_function_is_said_in_words():
    def gae(rewards, values, mask, gamma=1.0, lam=0.95):
        raise NotImplementedError("6.3: walk backwards in time")

    found = replay({"6.3": gae})
    assert not found.agrees
    assert str(found) == "replay: stopped by NotImplementedError: 6.3: walk backwards in time"


def test_an_exercise_that_does_not_train_is_refused():
    with pytest.raises(TopFiveError, match=r"no function of 6\.8 trains; those that do are 6\.1"):
        replay({"6.8": print})
