"""The pictures of notebook 05: what their titles say follows from the numbers."""

import io

import pytest
import torch

from topfive.plots import preference_modeling as drawings
from topfive.reward.measure import calibration_table
from topfive.stats import Estimate


def test_every_token_has_a_bar_and_the_last_real_one_a_line():
    drawn = drawings.numbers_at_tokens(torch.arange(7.0), prompt=2, real=5)
    [ax] = drawn.axes
    drawn.savefig(io.BytesIO(), format="png")
    assert [bar.get_height() for bar in ax.patches] == list(range(7))
    assert ax.lines[0].get_xdata()[0] == 4
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["last real token", "prompt", "list", "pads"]


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [(0.1, 0.3, "too sure"), (1.1, 1.3, "too modest"), (0.9, 1.1, "not told from calibrated")],
)
def test_how_sure_is_said_by_the_interval(low: float, high: float, words: str):
    slope = Estimate((low + high) / 2, low, high, 80)
    assert drawings.how_sure(slope) == words
    table = calibration_table(torch.rand(400), torch.ones(400))
    drawn = drawings.calibration({"mixed": table, "SFT's": table}, {"mixed": slope, "SFT's": slope})
    drawn.savefig(io.BytesIO(), format="png")
    assert all(words in ax.get_title() and str(slope) in ax.get_title() for ax in drawn.axes)


def test_bins_of_few_pairs_are_left_out():
    table = torch.tensor([[0.2, 0.3, 19.0], [0.6, 0.7, 20.0], [float("nan"), float("nan"), 0.0]])
    [ax] = drawings.calibration({"mixed": table}, {"mixed": Estimate(1, 0.9, 1.1, 9)}).axes
    [dot] = ax.collections[0].get_offsets().tolist()
    assert dot == pytest.approx([0.6, 0.7])


def test_the_best_of_n_has_a_band_for_every_chooser_and_a_dashed_line_for_what_yours_says():
    found = [Estimate(0.0, 0.0, 0.0, 9), Estimate(0.5, 0.2, 0.8, 9)]
    drawn = drawings.best_of_n([0.0, 0.2], dict.fromkeys(drawings.CHOOSERS, found), [0.0, 1.5])
    drawn.savefig(io.BytesIO(), format="png")
    [ax] = drawn.axes
    assert len(ax.collections) == len(drawings.CHOOSERS)
    assert [line.get_linestyle() for line in ax.lines] == ["-"] * 4 + ["--"]
    assert "yours +0.5" in ax.get_title()
    assert "dice +0.5" in ax.get_title()


def test_the_pull_is_drawn_as_it_is():
    [ax] = drawings.pull(torch.tensor([-1.0, 1.0]), [0.7, 0.3]).axes
    assert list(ax.lines[0].get_ydata()) == [0.7, 0.3]
