"""The pictures of notebook 02 say in their titles what is to be seen."""

import io

from matplotlib.figure import Figure

from topfive.judge import Judgement
from topfive.plots import writing_demonstrations


def title(drawn: Figure) -> str:
    drawn.savefig(io.BytesIO(), format="png")
    return drawn.axes[0].get_title()


def test_likeness_counts_the_near_duplicates():
    assert title(writing_demonstrations.likeness([0.1, 0.5, 0.49, 1.0], near=0.5)) == "2 of 4 pairs are near duplicates"


def test_fingerprints_say_how_far_off_they_are():
    drawn = writing_demonstrations.fingerprints([0.5, 0.2], {8: [0.6, 0.4], 128: [0.5, 0.2]})
    assert title(drawn) == "8 functions: off by 0.16"
    assert len(drawn.axes) == 2


def test_earnings_count_who_is_below_the_wage():
    assert title(writing_demonstrations.earnings({"mean": [9.0, 14.0], "fair": [13.0, 20.0]}, 13.0)) == (
        "mean: 1 below · fair: 0 below"
    )


def test_two_sets_name_the_part_that_differs_most():
    def lists(valid: float) -> list[Judgement]:
        return [Judgement(valid, 0.6, 0.2, 0.9, 0.8, 0.0)] * 4

    drawn = writing_demonstrations.two_sets({"base model": lists(1.0), "pile": lists(0.5), "set": lists(0.75)})
    assert title(drawn) == "From pile to set, most changed: five numbered items, 0.50 → 0.75"
    assert len(drawn.axes[0].patches) == 15
