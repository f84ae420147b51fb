"""The same minutes, four ways: a labeller's answers and seconds are as they say."""

import pytest

from topfive.collecting import minutes


@pytest.mark.parametrize("way", minutes.WAYS)
def test_the_same_seed_gives_the_same_answers_within_the_minutes(way: str):
    once, again = minutes.labelled(way, 3, seed=1), minutes.labelled(way, 3, seed=1)
    assert once == again
    rankings, answers = once
    assert answers > 0
    assert all(set(ranking.ranks) <= {1, 2, 3, 4} for ranking in rankings)


def test_more_minutes_begin_with_the_same_answers():
    short, long = minutes.labelled("rank", 3, seed=2)[0], minutes.labelled("rank", 6, seed=2)[0]
    assert long[: len(short)] == short
    assert len(long) > len(short)


def test_without_rankings_a_reward_is_a_coin():
    assert minutes.right_pairs([], seed=0) == 0.5


def test_what_is_held_out_was_never_labelled():
    learn, held = minutes._split(3, "vegetarian")
    assert not {text for group in learn for text in group.texts} & {text for group in held for text in group.texts}
    assert len(held) == minutes.HELD_OUT
