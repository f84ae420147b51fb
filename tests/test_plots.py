import io
import re

import IPython.display
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

from topfive.judge import WEIGHTS, Judgement
from topfive.plots import BASE, JUDGE, PARTS, RLHF, SFT, LiveCurves, LossCurve, figure, ppo_curves, quality_bars
from topfive.plots.language_modeling import changes, ladder, loss_curve, parts_compared
from topfive.plots.ppo import live_html
from topfive.ppo.trainer import PPOStep
from topfive.stats import Estimate

HISTORY = [
    {
        "objective/scores": -0.1 + 0.5 * step,
        "objective/kl": 2.0 * step,
        "response/ended": 1.0 - 0.1 * step,
        "response/length": 40.0 - step,
    }
    for step in range(4)
]
QUALITY = {"sft": dict.fromkeys(WEIGHTS, 0.5), "ppo": dict.fromkeys(WEIGHTS, 0.75)}


def step(number: int, answer: str = "\n1. tomato soup") -> PPOStep:
    return PPOStep(number, 5, HISTORY[number % 4], [("top 5 soups", answer, 1.25)])


def draw(drawn: Figure) -> None:
    """Drawing finds what only setting does not, as a label that has no font."""
    drawn.savefig(io.BytesIO(), format="png")


def test_a_figure_shows_what_is_behind_it_and_has_no_frame():
    drawn, axes = figure(columns=2)
    draw(drawn)
    assert len(axes) == 2
    assert drawn.patch.get_alpha() == axes[0].patch.get_alpha() == 0
    assert not axes[0].spines["top"].get_visible()


def test_colours_are_apart():
    assert len({BASE, SFT, RLHF, JUDGE}) == 4


def test_curves_draw_the_history_and_their_titles_say_the_finding():
    drawn = ppo_curves(HISTORY)
    draw(drawn)
    keys = ("objective/scores", "objective/kl", "response/ended", "response/length")
    for ax, key in zip(drawn.axes, keys, strict=True):
        [line] = ax.lines
        assert list(line.get_xdata()) == [1, 2, 3, 4]
        assert list(line.get_ydata()) == [row[key] for row in HISTORY]
        assert to_hex(line.get_color()) == RLHF
    assert [ax.lines[0].get_linestyle() for ax in drawn.axes] == ["--", "-", "-", "-"], "a proxy is dashed"
    titles = ["score −0.1 → +1.4", "KL 0.0 → 6.0 nats", "100% → 70% of lists end", "40 → 37 tokens a list"]
    assert [ax.get_title() for ax in drawn.axes] == titles
    assert all(ax.get_xlabel() == "PPO step" for ax in drawn.axes)
    assert "nats" in drawn.axes[1].get_ylabel()


def test_bars_are_the_parts_before_and_after():
    drawn = quality_bars(QUALITY, Estimate(0.7, 0.6, 0.8, 300))
    draw(drawn)
    bars, wins = drawn.axes
    assert list(PARTS) == list(WEIGHTS)
    assert [(to_hex(bar.get_facecolor()), bar.get_height()) for bar in bars.patches] == [(SFT, 0.5)] * 5 + [
        (RLHF, 0.75)
    ] * 5
    assert [text.get_text() for text in bars.get_legend().get_texts()] == ["SFT", "after PPO"]
    assert [label.get_text() for label in bars.get_xticklabels()] == list(PARTS.values())
    ends = wins.collections[0].get_segments()[0][:, 1]
    assert list(ends) == pytest.approx([0.6, 0.8])


def test_the_taste_has_a_panel_of_its_own_if_there_is_one():
    drawn = quality_bars(QUALITY, Estimate(0.7, 0.6, 0.8, 300), {"sft": 2.5, "ppo": 4.0})
    draw(drawn)
    _, taste, _ = drawn.axes
    assert [(to_hex(bar.get_facecolor()), bar.get_height()) for bar in taste.patches] == [(SFT, 2.5), (RLHF, 4.0)]
    assert taste.get_title() == "For the taste: 2.5 → 4.0"
    without = quality_bars(QUALITY, Estimate(0.7, 0.6, 0.8, 300), {"sft": 0.0, "ppo": 0.0})
    assert len(without.axes) == 2


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.6, 0.8, "wins"), (0.4, 0.8, "is not told apart"), (0.2, 0.6, "is not told apart"), (0.2, 0.4, "loses")],
)
def test_the_title_says_who_wins_by_the_interval(low: float, high: float, verdict: str):
    mean = (low + high) / 2
    title = quality_bars(QUALITY, Estimate(mean, low, high, 300)).axes[1].get_title()
    assert title == f"PPO {verdict}: {mean:.2f} [{low:.2f}, {high:.2f}] (n = 300)"


def test_live_html_has_a_picture_with_words_for_it_and_the_newest_list():
    html = live_html(ppo_curves(HISTORY), step(3))
    assert 'alt="Curves of score, KL, share of lists that end, and length after 3 of 5 steps"' in html
    assert re.search(r'src="data:image/png;base64,[A-Za-z0-9+/=]{1000,}"', html)
    assert "step 3 of 5 · this list: score +1.2" in html
    assert "top 5 soups\n1. tomato soup" in html


def test_what_a_model_says_is_not_markup():
    html = live_html(ppo_curves(HISTORY), step(1, "</pre><script>alert(1)</script>"))
    assert "<script>" not in html
    assert "&lt;script&gt;" in html


def test_live_curves_are_drawn_in_one_place_at_their_turn_and_at_the_end(monkeypatch: pytest.MonkeyPatch):
    shown: list[str] = []

    class Handle:
        def update(self, content: object) -> None:
            shown.append("update")

    def display(content: object, display_id: bool) -> Handle:
        shown.append("display")
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    live = LiveCurves(every=2)
    counts = []
    for number in range(1, 6):
        live(step(number))
        counts.append(len(shown))
    assert counts == [0, 1, 1, 2, 3]
    assert shown == ["display", "update", "update"]
    assert len(live.history) == 5


# --- the loss of a training run -----------------------------------------------------------------------------------


def test_a_loss_curve_says_where_the_mean_around_each_step_went():
    drawn = loss_curve([4.0, 2.0, 1.0, 1.0], colour=SFT, window=2)
    draw(drawn)
    thin, mean = drawn.axes[0].lines
    assert list(thin.get_ydata()) == [4, 2, 1, 1]
    assert list(mean.get_ydata()) == pytest.approx([3, 7 / 3, 4 / 3, 1])
    assert to_hex(mean.get_color()) == SFT
    assert drawn.axes[0].get_title() == "The loss went 4.00 → 1.00 nats a token"


def test_a_live_loss_is_one_display_that_is_updated(monkeypatch):
    shown = []

    class Handle:
        def update(self, content):
            shown.append(content.data)

    def display(content, display_id):
        shown.append(content.data)
        return Handle()

    monkeypatch.setattr(IPython.display, "display", display)
    curve = LossCurve(seconds=0)
    for number in range(1, 4):
        curve(number, 3, {"loss": 4.0 - number})
    assert curve.losses == [3, 2, 1]
    assert len(shown) == 3
    assert "s to go" in shown[0]
    assert "step 3 of 3" in shown[-1]
    assert 'alt="The loss of 3 steps, 3.00 at first, 1.00 now"' in shown[-1]
    patient = LossCurve(seconds=1000)
    for number in range(1, 4):
        patient(number, 3, {"loss": 1.0})
    assert len(shown) == 4, "only the last step is drawn"


def test_a_live_loss_measures_what_is_held_out_a_few_times(monkeypatch):
    monkeypatch.setattr(IPython.display, "display", lambda content, display_id: None)
    asked = iter(range(100))
    curve = LossCurve(seconds=1000, validate=lambda: 3.0 - next(asked) / 10)
    for step in range(1, 20):
        curve(step, 20, {"loss": 1.0})
    assert list(curve.validated) == [2, 4, 6, 8, 10, 12, 14, 16, 18]
    drawn = loss_curve(curve.losses, validated=curve.validated)
    draw(drawn)
    assert drawn.axes[0].get_title() == "The loss went 1.00 → 1.00 nats a token, held out 2.20"
    assert list(drawn.axes[0].lines[2].get_ydata()) == list(curve.validated.values())


def test_a_ladder_names_its_widest_step():
    drawn = ladder({"knows nothing": 8.3, "how often": 6.1, "base": 1.5}, "nats a token")
    draw(drawn)
    ax = drawn.axes[0]
    assert ax.get_title() == "The widest step, 4.6 nats: how often → base"
    assert [bar.get_width() for bar in ax.patches] == [8.3, 6.1, 1.5]
    assert to_hex(ax.patches[2].get_facecolor()) == to_hex(BASE)


def test_changes_fill_the_dots_whose_interval_leaves_0_out_and_count_them_up_and_down():
    parts = {"valid": Estimate(0.2, 0.1, 0.3, 9), "distinct": Estimate(-0.2, -0.3, -0.1, 9)}
    parts["specific"] = Estimate(0.1, -0.1, 0.3, 9)
    drawn = changes({"base → yours": parts})
    draw(drawn)
    ax = drawn.axes[0]
    assert ax.get_title() == "base → yours: 1 up, 1 down"
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() for dot in dots] == [SFT, SFT, "none"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["five numbered items", "no repeats", "specific"]


def test_parts_compared_names_what_changed_most():
    before = [Judgement(0.0, 0.5, 0.5, 1.0, 1.0, 0.0), Judgement(1.0, 0.5, 0.5, 1.0, 1.0, 0.0)]
    after = [Judgement(1.0, 0.5, 0.5, 0.8, 1.0, 0.0)] * 2
    drawn = parts_compared({"base": before, "SFT": after})
    draw(drawn)
    ax = drawn.axes[0]
    assert ax.get_title() == "From base to SFT, most changed: five numbered items, 0.50 → 1.00"
    heights = [bar.get_height() for bar in ax.patches]
    assert heights[:5] == [0.5, 0.5, 0.5, 1.0, 1.0]
    assert heights[5:] == pytest.approx([1.0, 0.5, 0.5, 0.8, 1.0])
    assert to_hex(ax.patches[0].get_facecolor()) == to_hex(BASE)
    assert to_hex(ax.patches[5].get_facecolor()) == SFT
