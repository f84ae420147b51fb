# %% [markdown]
r"""
# 04 · Collecting preferences

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2½ hours, about 12 minutes of it clicking | 30 | NumPy, some PyTorch | choose how to ask people, and say how far to trust what they answer |

You ask for the *same* lists in four ways: rated, compared, ranked, and judged by their best and worst. Then you find
out what each way costs and tells, how steady the labeller is, which way they lean, and what scores follow.

The labeller is **you**. Where you have not clicked, a simulated student stands in, and each cell says so.
"""

# %%
import json

import numpy as np
import torch
from numpy import ndarray as Array
from torch import Tensor

from topfive import data, ledger, panels, plots, stats
from topfive.annotation import active, formats, scores
from topfive.checks import check, hint, once_written, training_allowed, use
from topfive.collecting import clicks, minutes
from topfive.collecting.tasks import ALSO, asked, tasks
from topfive.lists import parse

plots.show_loop("rankings")

# %% [markdown]
"""
## 1 · The same lists, four times

Three prompts, four short lists each, all by the SFT model of notebook 03. A simulated crowd has judged the same
lists, so that you can compare yourself with it later. Here is one prompt.
"""

# %%
prompt, texts = asked()[0]
print(prompt.text)
for text in texts:
    print("-", " / ".join(parse(text).items))

# %% [markdown]
"""
**Predict first**, and write it down. Which of the four ways will be quickest for one list? In which will you
contradict yourself most? Some tasks come twice, unannounced: that is how we shall know.
"""

# %% [markdown]
"""
The guideline is the same for all: *would you rather be handed this list?* A list that ignores the prompt is no help,
however charming. In every panel below, `n` says that you are not sure, and `w` lets you say why in a few words; both
are optional. The minutes are those of the simulated student.
"""

# %%
GUIDELINES = """Which list would you rather be handed, had you asked for this?

- It answers the prompt: the subject, and the constraint if there is one.
- Five different things, concrete enough to act on.
- Length alone is no merit, and neither is standing first."""

# %% [markdown]
"""
**Rate** each list on two scales, one digit each: how helpful it is, and how faithful to the prompt. About 3 minutes.
"""

# %%
rate = panels.Rate(
    tasks("rate"),
    "rate",
    scales=panels.HELPFUL_AND_FAITHFUL,
    guidelines=GUIDELINES,
    side=False,
)
rate

# %% [markdown]
"""
**Compare** two lists; then say which is more faithful. `=` if they are equally good. In two tasks of three one of
the lists is marked as *suggested by a model*. About 4 minutes.
"""

# %%
compare = panels.Compare(
    tasks("compare"),
    "compare",
    also=ALSO,
    guidelines=GUIDELINES,
    side=False,
)
compare

# %% [markdown]
"""
**Rank** four lists: four keys, and `=` where two tie. About 2½ minutes.
"""

# %%
rank = panels.Rank(tasks("rank"), "rank", guidelines=GUIDELINES, side=False)
rank

# %% [markdown]
"""
**Best and worst** of four: two keys. About 2½ minutes.
"""

# %%
best_worst = panels.Rank(
    tasks("best and worst"),
    "best and worst",
    mode="best and worst",
    guidelines=GUIDELINES,
    side=False,
)
best_worst

# %% [markdown]
"""
What the rest of the notebook works with. Click more later, run this cell again, and go on from here: everything
below follows.
"""

# %%
given = clicks.clicks()

# %% [markdown]
"""
Seconds are counted while the page is visible. The lists were new to you only in the first panel; later ones are
quicker for that reason, too.
"""

# %%
for way, events in given.events.items():
    lists_judged = sum(len(event["texts"]) for event in events)
    each = clicks.seconds(events) * len(events) / max(lists_judged, 1)
    whose = given.whose[way]
    pace = clicks.seconds(events)
    print(f"{way:15} {pace:5.1f} s an answer, {each:4.1f} s a list ({whose})")

# %% [markdown]
r"""
## 2 · Everything becomes pairs

A reward model learns from pairs: this list rather than that one. An order of four holds six of them, best and worst
five. **Predict first:** places 2, 1, 2, 4. How many pairs is that?
"""

# %% [markdown]
r"""
### 4.1 An order as pairs · 8 min · 2 points · needs nothing

Two lists on one place prefer nothing; a list on place 0 was not judged.
"""


# %% solution="order-pairs"
def order_pairs(ranks: Array) -> Array:
    """The pairs that an order tells apart.

    ranks: (lists,) places, 1 the best; equal places tie; 0 where a list was not judged.
    Returns (pairs, 2) int64: the preferred list's number, then the other's; sorted by
    the first, then by the second. Lists are numbered from 0.
    """
    ### BEGIN SOLUTION 4.1: every list against every other; who has the better place?
    judged = ranks > 0
    better = (ranks[:, None] < ranks[None, :]) & judged[:, None] & judged[None, :]
    return np.argwhere(better)
    ### END SOLUTION


# %%
with once_written():
    print(order_pairs(np.array([2, 1, 2, 4])))

# %%
check("4.1", order_pairs)

# %% [markdown]
"""
Stuck? Each call gives one hint more. They cost nothing.
"""

# %%
hint("4.1")

# %% test="order-pairs-test" points=2
# 4.1 is graded on other orders, with ties and lists that were not judged.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.1", lambda: order_pairs, seeds=(401, 402, 403))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 4.2 Ratings as pairs · 10 min · 2 points · needs nothing

A 4 is better than a 3, if *one* person gave both, for *one* prompt. My 4 may be your 2; and nobody asked whether a
soup beats a game.

**Predict first.** One labeller gives 4 and 2, another gives 5 and 3, all for one prompt. How many pairs?
"""


# %% solution="rating-pairs"
def rating_pairs(ratings: Array, labellers: Array, prompts: Array) -> Array:
    """The pairs that ratings tell apart.

    ratings, labellers, prompts: (n,) whole numbers, one row a rating; 0 is a rating
    that was skipped. Two rows make a pair if they have the same labeller and the same
    prompt, and one is rated higher.
    Returns (pairs, 2) int64: the row of the higher rating, then of the lower; sorted by
    the first, then by the second.
    """
    ### BEGIN SOLUTION 4.2: three questions about every two rows, and a 0 is no rating
    higher = (ratings[:, None] > ratings[None, :]) & (ratings[None, :] > 0)
    together = labellers[:, None] == labellers[None, :]
    together &= prompts[:, None] == prompts[None, :]
    return np.argwhere(higher & together)
    ### END SOLUTION


# %%
with once_written():
    by, about = np.array([7, 7, 8, 8]), np.array([1, 1, 1, 1])
    print(rating_pairs(np.array([4, 2, 5, 3]), by, about))

# %%
check("4.2", rating_pairs)

# %% test="rating-pairs-test" points=2
# 4.2 is graded on other ratings.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.2", lambda: rating_pairs, seeds=(411, 412, 413))
### END HIDDEN TESTS

# %% [markdown]
"""
What is lost on the way? Ratings of two lists with the same number prefer nothing. A pair keeps no distance: 5 over 1
looks like 4 over 3. And six pairs of one ranking are *one* act: if you misread one list, three of them are wrong
together.
"""

# %%
for way, events in given.events.items():
    said = clicks.preferred(events)
    told = sum(sign != 0 for sign in said.values())
    spent = sum(event["seconds"] for event in events if not event.get("repeat_of")) / 60
    ties, pace = len(said) - told, told / spent
    print(
        f"{way:15} {told:3} pairs told apart, {ties} ties, {pace:4.1f} a minute",
        f"({given.whose[way]})",
    )

# %% [markdown]
r"""
## 3 · How steady you are

Some tasks came twice. If your answer is the same, good; if not, something between you and your answer is chance.
"""

# %%
twice = clicks.repeats(given)
for way, share in formats.consistency(twice).items():
    print(f"{way:15} the same again: {share} ({given.whose[way]})")

# %% [markdown]
"""
Both predictions are answered now: the seconds a list stand at the end of section 1, the contradictions right above.
So few repeats settle nothing, exact repeats are not equally easy, and of three prompts you may have remembered some.
"""

# %% [markdown]
r"""
By chance, a ranking comes out the same once in 24 (ties left aside), a comparison once in two ("neither" left aside).
So the shares do not compare. **Bits** do. Suppose an answer is what you hold with probability $a$, and else one of
the $k-1$ others. If you do not remember the first one, the same answer comes twice with probability
$c = a^2 + (1-a)^2/(k-1)$. An answer then tells *at most*, if all $k$ answers are equally common (Cover and Thomas
2006, section 7.2),

$$\log_2 k + a \log_2 a + (1-a) \log_2 \frac{1-a}{k-1} \text{ bits.}$$
"""

# %% [markdown]
r"""
### 4.3 Bits a second · 12 min · 3 points · needs nothing

**Predict first.** A comparison comes out the same in 82 % of repeats. Is $a$ larger or smaller than 0.82? How many
bits is it at most?
"""


# %% solution="bits-per-second"
def bits_per_second(agreement: Array, options: Array, seconds: Array) -> Array:
    """How much an answer says at most in a second.

    agreement: (n,) share c of repeated tasks with the same answer. options: (n,) how
    many answers k there are. seconds: (n,) a task takes. Of the two values of a that
    fit, the larger counts. An agreement that chance would give (1/k), or less, says
    0 bits. 0 · log 0 counts as 0.
    Returns (n,) float, bits a second.
    """
    ### BEGIN SOLUTION 4.3: first a from the agreement, then the bits, then divide
    chance = 1 / options
    above = np.sqrt(np.maximum((agreement - chance) * (1 - chance), 0))
    a = np.minimum(chance + above, 1)
    rest = np.maximum(1 - a, 1e-300)
    noise = -a * np.log2(a) - (1 - a) * np.log2(rest / (options - 1))
    return (np.log2(options) - noise) / seconds
    ### END SOLUTION


# %%
with once_written():
    print(
        bits_per_second(np.array([0.82, 0.5]), np.array([2, 5]), np.array([1.0, 1.0])),
        "bits",
    )

# %% [markdown]
"""
(For the comparison $a$ is 0.9, and yet it says only half a bit. The last mistakes are the dearest.)
"""

# %%
check("4.3", bits_per_second)

# %% test="bits-per-second-test" points=3
# 4.3 is graded on other agreements and formats.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.3", lambda: bits_per_second, seeds=(421, 422, 423))
### END HIDDEN TESTS

# %% [markdown]
"""
Now your own. Two to five repeats a format are very little, so look at the interval, not at the number: the ends of the
interval of the agreement go through the same formula. Of a rating only *helpful* is counted, though its seconds pay
for two digits.
"""

# %%
bits = use("4.3", bits_per_second)
for way, share in formats.consistency(twice).items():
    ends = np.array([share.low, share.mean, share.high])
    k, pace = formats.OPTIONS[way], clicks.seconds(given.events[way])
    low, mean, high = bits(ends, np.full(3, k), np.full(3, pace))
    print(
        f"{way:15} k = {k:2}: at most {mean:.3f} bits a second,",
        f"anything from {low:.3f} to {high:.3f} ({given.whose[way]})",
    )

# %% [markdown]
"""
Three things are wrong with this ruler. Whoever gives every list a 4 is perfectly steady and gets 2.3 bits. The other
two are unfair to rankings: every miss is taken for equally bad, though swapping places 3 and 4 is not turning the
list over; and with 24 possible answers, exact repeats are rare. Section 9 measures what matters in the end: the reward
model.
"""

# %% [markdown]
"""
### Do you know when you are unsure?

Pressing `n` is *informative* if unsure answers change more often.
"""

# %%
for name, share in formats.as_sure_as_right(twice).items():
    print(f"{name:7} the same again: {share} ({given.of()})")

# %% [markdown]
"""
Do the two intervals overlap? The simulated student's do, 0.55 [0.28, 0.79] against 0.00 [0.00, 0.66]: even a
difference that large may be luck when it rests on two unsure answers.
"""

# %% [markdown]
r"""
## 4 · Which way you lean

The side on which a list stands is drawn by lot. Whoever always reads carefully takes the left one in half of the
cases on average, *whatever the lists are*. Repeats are left out here: a second answer to the same lists is no new one.
"""

# %%
once_each = clicks.originals(given.events["compare"])
chosen = [clicks.sides(event) for event in once_each]
left, right = chosen.count(0), chosen.count(1)
neither = chosen.count(2)
print(f"first {left}, second {right}, neither {neither} ({given.whose['compare']})")
print("share of the first:", stats.wilson(left, left + right))

# %% [markdown]
r"""
A sharper test shows a pair **twice, with the sides changed**. Who keeps to the list changes sides. Who takes the same
*side* twice went by the place, or wavered. Wavering goes to both sides alike; a bias does not. So there are three
readings: **biased**, merely **inconsistent**, or **too few** answers to say (the annotation tool Potato tells these
three apart, too). In your repeats the sides were drawn by lot again, so they changed in about half; the last cell of 4.4
says in how many.
"""

# %% [markdown]
r"""
### 4.4 Position bias, in three readings · 12 min · 3 points · needs nothing

The exact two-sided sign test, `scipy.stats.binomtest(k, n).pvalue`, says how often chance alone is at least as
lopsided as k of n.

**Predict first.** Of five answers all five took the first side twice. Biased?
"""


# %% solution="position-reading"
from scipy.stats import binomtest


def position_reading(once: Array, again: Array) -> tuple[int, int, str]:
    """One's position bias, from pairs shown twice, the sides changed the second time.

    once, again: (n,) what was preferred at first and later: 0 what stood first, 1 what
    stood second, 2 neither.
    Returns how often it was both times the first, how often both times the second, and
    "too few" if even all of them on one side would not give p < 0.05 in the exact
    two-sided sign test (asked first), or if there are none; "biased" if these two
    counts give p < 0.05; else "inconsistent".
    """
    ### BEGIN SOLUTION 4.4: count those who took one side twice, then test
    first = int(((once == 0) & (again == 0)).sum())
    second = int(((once == 1) & (again == 1)).sum())
    if 2 * 0.5 ** (first + second) >= 0.05:
        return first, second, "too few"
    biased = binomtest(first, first + second).pvalue < 0.05
    return first, second, "biased" if biased else "inconsistent"
    ### END SOLUTION


# %%
with once_written():
    print(position_reading(np.array([0, 0, 1, 0, 1, 0]), np.array([0, 1, 1, 0, 0, 0])))

# %%
check("4.4", position_reading)

# %% test="position-reading-test" points=3
# 4.4 is graded on other answers, close to the borders between the readings.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.4", lambda: position_reading, seeds=(431, 432, 433))
### END HIDDEN TESTS

# %% [markdown]
"""
Five of five gives p = 2 · ½⁵ = 0.0625: "too few". Now three **simulated** labellers of forty pairs each, and you. One
wavers, one leans to the left, one is steady.
"""

# %%
reading_of = use("4.4", position_reading)
rng = np.random.default_rng(4)
for name, noise, pull in (
    ("wavers", 3.0, 0.0),
    ("leans left", 1.0, 1.5),
    ("steady", 0.1, 0.0),
):
    ahead = rng.normal(scale=1.5, size=40)
    once = (ahead + pull + rng.logistic(scale=noise, size=40) < 0).astype(int)
    again = (-ahead + pull + rng.logistic(scale=noise, size=40) < 0).astype(int)
    print(f"{name:10} (simulated)", reading_of(once, again))
once, again = clicks.swapped(given)
print(f"{len(once)} repeats with the sides changed:", reading_of(once, again), end=" ")
print(f"({given.whose['compare']})")

# %% [markdown]
"""
The steady one gets "too few", and rightly: who hardly wavers gives position nothing to decide. It is not the same as
"no bias". With your handful of repeats, "too few" is the honest word for you, too.
"""

# %% [markdown]
"""
**Length.** The same test asks whether you take the longer list. But longer may be *better*, so a lopsided count is a
question and no verdict: look at some of them.
"""

# %%
WORDS = {
    "biased": "more than chance",
    "inconsistent": "chance could explain it",
    "too few": "too few to say",
}
longer = [clicks.longer(event) for event in once_each]
more, fewer = longer.count(True), longer.count(False)
print(f"longer: {more} · shorter: {fewer} · {WORDS[formats.bias_reading(more, fewer)]}")
print(f"({given.whose['compare']})")

# %% [markdown]
"""
**Anchoring.** In two comparisons of three a list was marked as suggested by a model. There was no model: it was drawn
by lot. So whoever pays it no heed follows half of the time, on average. With six answers only 6 to 0 would show.
"""

# %%
taken, other = clicks.suggestions(given.events["compare"])
verdict = WORDS[formats.bias_reading(taken, other)]
print(f"followed {taken}, did not {other}: {verdict} ({given.whose['compare']})")

# %% [markdown]
"""
**Helpful against faithful.** Where do your two answers part? A single "which is better?" could not show this. The
numbers printed are places: `[2, 1]` says that the second list is the better one.
"""

# %%
apart = clicks.parted(given.events["compare"])
opposite = sum(way for _, way in apart)
print(f"they part in {len(apart)} of {len(once_each)} comparisons,", end=" ")
print(f"and are opposite in {opposite} ({given.whose['compare']})")
for event, _ in apart[:1]:
    print(
        event["prompt"]["text"],
        "· helpful",
        event["ranks"],
        "· faithful",
        event["also"]["ranks"],
    )
    for text in event["texts"]:
        print("-", " / ".join(parse(text).items))

# %% [markdown]
r"""
## 5 · Scores, one answer at a time

Chess players and chatbots get **Elo** ratings (Elo 1978). With ratings $r_a$ and $r_b$, the first is expected to
score $E = 1 / (1 + 10^{(r_b - r_a)/400})$. Afterwards it gains $k\,(S - E)$, where $S$ is 1 for a win, 0 for a loss,
½ for a tie, and the other loses as much.
"""

# %% [markdown]
r"""
### 4.5 Elo · 10 min · 2 points · needs nothing

**Predict first.** Three lists at 1000, $k = 40$. List 0 beats list 1, then loses to list 2. Is it back at 1000?
"""


# %% solution="elo"
def elo(
    first: Array,
    second: Array,
    outcome: Array,
    lists: int,
    k: float = 4.0,
) -> Array:
    """Elo ratings after comparisons, taken one by one in their order.

    All begin at 1000. first, second: (n,) numbers of lists. outcome: (n,) 0 the first
    was preferred, 1 the second, 2 a tie. lists: how many there are. k: points at stake;
    4 is what evalica takes.
    Returns (lists,) float.
    """
    ### BEGIN SOLUTION 4.5: what was expected, what happened, and move both
    ratings = np.full(lists, 1000.0)
    for a, b, result in zip(first, second, outcome, strict=True):
        expected = 1 / (1 + 10 ** ((ratings[b] - ratings[a]) / 400))
        change = k * ((1.0, 0.0, 0.5)[result] - expected)
        ratings[a] += change
        ratings[b] -= change
    return ratings
    ### END SOLUTION


# %%
with once_written():
    print(elo(np.array([0, 0]), np.array([1, 2]), np.array([0, 1]), 3, k=40.0))

# %%
check("4.5", elo)

# %% test="elo-test" points=2
# 4.5 is graded on other comparisons, with ties.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.5", lambda: elo, seeds=(441, 442, 443))
### END HIDDEN TESTS

# %% [markdown]
"""
Below, eight lists with known scores are compared 400 times (**simulated**), and rated by you and by the library
`evalica`, whose usual $k$ is 4. Then the same 400 answers, shuffled.
"""

# %%
import evalica

truth = np.linspace(1.4, -1.4, 8)
pairs = np.array([rng.choice(8, size=2, replace=False) for _ in range(400)])
first_won = rng.random(400) < 1 / (1 + np.exp(truth[pairs[:, 1]] - truth[pairs[:, 0]]))
results = np.where(first_won, 0, 1)

# %%
rated = use("4.5", elo)
mine = rated(pairs[:, 0], pairs[:, 1], results, 8)
winners = [evalica.Winner.X if won else evalica.Winner.Y for won in first_won]
theirs = evalica.elo(pairs[:, 0], pairs[:, 1], winners).scores.sort_index().to_numpy()
mixed = rng.permutation(400)
print("largest difference from evalica:", f"{np.abs(mine - theirs).max():.1e}")
for k in (4.0, 40.0):
    in_order = rated(*pairs.T, results, 8, k)
    shuffled = rated(*pairs[mixed].T, results[mixed], 8, k)
    moved = np.abs(shuffled - in_order).max()
    print(f"k = {k:.0f}, in order:", in_order.round())
    print(f"k = {k:.0f}, shuffled:", shuffled.round(), f"up to {moved:.0f} points off")

# %% [markdown]
r"""
The same answers in another order give other ratings: by up to 5 points at $k = 4$, by far more at $k = 40$. Elo was made for players who change; lists do not. For them
one asks: which scores make *all* answers likeliest?
"""

# %% [markdown]
r"""
## 6 · All answers at once: ties, and a pull to the first

Bradley and Terry say $P(a \succ b) = \sigma(s_a - s_b)$. Davidson (1970) adds ties, and Davidson and Beaver (1977) an
effect of the order. With a leaning $\ell$ the three outcomes share the probability like

$$e^{s_a + \ell/2} \;:\; e^{s_b - \ell/2} \;:\; \nu\, e^{(s_a + s_b)/2}$$

where $a$ stands first. $\nu$ says how readily people tie. The *surprise* of an answer is −log of its probability.
"""

# %% [markdown]
r"""
### 4.6 Ties, and a pull to the first · 15 min · 4 points · needs nothing

**Predict first.** Two equal lists, nobody leans, $\nu = 1$. How likely is a tie?
"""


# %% solution="preference-loss"
def preference_loss(
    scores: Tensor,
    first: Tensor,
    second: Tensor,
    outcome: Tensor,
    tie: Tensor,
    lean: Tensor,
) -> Tensor:
    """Mean surprise of comparisons, in nats; exact also where scores are far apart.

    The surprise of one is −log of the probability of what was answered.

    scores: (lists,) float. first, second: (n,) int64, the lists shown first and second.
    outcome: (n,) int64, 0 the first was preferred, 1 the second, 2 a tie.
    tie: () float, the logarithm of ν. lean: (n,) float, the leaning ℓ of who answered.
    Returns a scalar with a gradient to scores, tie and lean.
    """
    ### BEGIN SOLUTION 4.6: which three numbers share the probability?
    ahead, behind = scores[first], scores[second]
    logits = [ahead + lean / 2, behind - lean / 2, tie + (ahead + behind) / 2]
    return torch.nn.functional.cross_entropy(torch.stack(logits, dim=1), outcome)
    ### END SOLUTION


# %%
with once_written():
    a_tie = torch.tensor([0]), torch.tensor([1]), torch.tensor([2])
    loss = preference_loss(torch.zeros(2), *a_tie, torch.zeros(()), torch.zeros(1))
    print(f"one in {loss.exp():.0f}")

# %%
check("4.6", preference_loss)

# %% test="preference-loss-test" points=4
# 4.6 is graded on other comparisons, some with scores far apart, and on its gradient.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.6", lambda: preference_loss, seeds=(451, 452, 453))
### END HIDDEN TESTS

# %% [markdown]
"""
Without ties and leanings, this is Bradley–Terry, and `evalica` has that: its scores are strengths, the exponentials of
ours up to a factor. (Answers given under the name `""` get no leaning. `prior` says how far from 0 scores are believed
to lie before any answer; 100 is as good as no belief.)
"""

# %%
loss_fn = use("4.6", preference_loss)
told = scores.Comparisons(pairs[:, 0], pairs[:, 1], results, ("",) * 400)
ours = scores.fit_scores(told, 8, prior=100.0, loss_fn=loss_fn).scores
library = evalica.bradley_terry(pairs[:, 0], pairs[:, 1], winners, tolerance=1e-9)
theirs = np.log(library.scores.sort_index().to_numpy())
print("ours:   ", ours.round(2))
print("evalica:", (theirs - theirs.mean()).round(2))

# %% [markdown]
r"""
### 4.7 Strengths from orders · 15 min · 3 points · needs nothing

A ranking is a chain of choices: the best from all, the second best from the rest (Luce 1959, Plackett 1975). Hunter
(2004) found an algorithm without any step size. Each new strength is

$$\frac{\text{how often the list was chosen}}{\sum_{\text{choices in which it was there}} 1 / (\text{sum of the strengths that were there})}$$

and that is repeated until nothing changes. **Predict first.** One order of three: how many choices was the last list
there for?
"""


# %% solution="plackett-luce-step"
def plackett_luce_step(strengths: Array, orders: list[list[int]]) -> Array:
    """One step towards the strengths that make the orders likeliest.

    strengths: (lists,) float, above 0. orders: lists of list numbers, best first, each
    of two or more. The last of an order was not chosen; a list that never was gets 0.
    A list that is in no order keeps its strength before the scaling.
    Returns (lists,) float, all of them scaled so that the mean is 1.
    """
    ### BEGIN SOLUTION 4.7: two sums for each list, then divide and scale
    chosen, exposure = np.zeros(len(strengths)), np.zeros(len(strengths))
    for order in orders:
        for stage in range(len(order) - 1):
            there = list(order[stage:])
            chosen[there[0]] += 1
            exposure[there] += 1 / strengths[there].sum()
    seen = exposure > 0
    updated = np.where(seen, chosen / np.where(seen, exposure, 1), strengths)
    return updated / updated.mean()
    ### END SOLUTION


# %%
with once_written():
    print(plackett_luce_step(np.array([1.0, 2.0, 4.0]), [[0, 1, 2], [2, 0, 1]]))

# %%
check("4.7", plackett_luce_step)

# %% test="plackett-luce-step-test" points=3
# 4.7 is graded on other orders, some short, and lists that are in none.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.7", lambda: plackett_luce_step, seeds=(461, 462, 463))
### END HIDDEN TESTS

# %% [markdown]
"""
Two choices: the last place is not a choice. (A list that is always last goes to 0, and then no strengths fit best;
`fit_plackett_luce` says so.)

Now fifty **simulated** orders of the eight lists. A pair is an order of two, so the same function fits comparisons,
too: compare with the lines printed before 4.7.
"""

# %%
step_fn = use("4.7", plackett_luce_step)
orders = [np.argsort(-truth - rng.gumbel(size=8)).tolist() for _ in range(50)]
as_orders = np.where(first_won[:, None], pairs, pairs[:, ::-1]).tolist()
for name, some in (("50 orders", orders), ("400 pairs", as_orders)):
    found = np.log(scores.fit_plackett_luce(some, 8, step_fn=step_fn))
    print(f"{name}: {(found - found.mean()).round(2)}")
print(f"the truth: {truth.round(2)}")

# %% [markdown]
"""
The pairs give what Bradley–Terry gave. That these fifty orders lie further from the truth is luck: an order of eight
holds seven choices. Run the cell again for fifty others.
"""

# %% [markdown]
"""
## 7 · Who clicks left

With scores at hand one can ask about *people*. Someone who takes the first list every time would lean without end; a
**prior** keeps it finite. It is what we believe before any click: leanings are normal around 0, with standard
deviation τ.
"""

# %% [markdown]
r"""
A labeller's leaning $\ell$ is what has to be added to the margins $m_i$ so that their answers are as expected: the
first is preferred with probability $p_i = \sigma(m_i + \ell)$. At the maximum of the log-likelihood plus the
log-prior, the slope

$$\sum_i (y_i - p_i) - \ell/\tau^2$$

is 0; $y_i$ is 1 where the first was preferred. The **standard error** is
$1/\sqrt{\sum_i p_i (1 - p_i) + 1/\tau^2}$.
"""

# %% [markdown]
r"""
### 4.8 How far one labeller leans · 15 min · 3 points · needs nothing

**Predict first.** Somebody took the first list 40 times out of 40. Is the leaning above 1? Above 10?
"""


# %% solution="leaning"
def leaning(margins: Array, picks: Array, prior: float = 1.0) -> tuple[float, float]:
    """How far one labeller leans to what is shown first: leaning, standard error.

    margins: (n,) float, score of the list shown first less that of the second.
    picks: (n,) 1 if the first was preferred, 0 if the second. prior: τ.
    Returns two floats.
    """
    ### BEGIN SOLUTION 4.8: find where the slope is 0, then the error there
    lean = 0.0
    for _ in range(100):
        chance = 1 / (1 + np.exp(-(margins + lean)))
        curvature = (chance * (1 - chance)).sum() + 1 / prior**2
        step = ((picks - chance).sum() - lean / prior**2) / curvature
        lean += float(np.clip(step, -1, 1))
    return lean, float(curvature**-0.5)
    ### END SOLUTION


# %%
with once_written():
    print(leaning(rng.normal(size=40), np.ones(40)))

# %%
check("4.8", leaning)

# %% test="leaning-test" points=3
# 4.8 is graded on other labellers, some of whom always take the first.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.8", lambda: leaning, seeds=(471, 472, 473))
### END HIDDEN TESTS

# %% [markdown]
"""
The crowd: fifty **simulated** workers, about eighty comparisons each. The scores come from your 4.6, the leanings from
your 4.8. A worker *clicks left* if the whole 99 % interval lies above log 3: of two equally good lists, the first at
least three times as often. **Predict first:** how many do? **About 10 seconds.**
"""

# %%
number = {row["id"]: at for at, row in enumerate(data.rows("crowd/lists"))}
rows = data.rows("crowd/comparisons")[: None if training_allowed() else 800]
code = {"first": 0, "second": 1, "tie": 2}
firsts, seconds, said = (
    np.array([pick(row) for row in rows])
    for pick in (
        lambda r: number[r["first"]],
        lambda r: number[r["second"]],
        lambda r: code[r["answer"]],
    )
)
workers = tuple(row["worker"] for row in rows)
told = scores.Comparisons(firsts, seconds, said, workers)
crowd = scores.fit_scores(told, len(number), loss_fn=loss_fn)

# %%
lean_of = use("4.8", leaning)
margins = crowd.scores[firsts] - crowd.scores[seconds]
leanings = {}
for worker in sorted(set(workers)):
    theirs = (np.array(workers) == worker) & (said != 2)
    if theirs.any():
        leanings[worker] = lean_of(margins[theirs], 1 - said[theirs])
left = scores.left_clickers(leanings)
print("they click left:", left)

# %%
kind = {row["worker"]: row["kind"] for row in data.rows("crowd/workers")}
ranked = sorted(leanings, key=lambda worker: leanings[worker][0])
fig, [ax] = plots.figure(width=8)
for at, worker in enumerate(ranked):
    lean, error = leanings[worker]
    ax.errorbar(
        at,
        lean,
        2.58 * error,
        color=plots.RLHF if kind[worker] == "first" else plots.SFT,
        fmt="o",
        ms=3,
    )
ax.axhline(scores.LEANS, color=plots.INK, linestyle=":")
ax.set(
    title=f"{len(left)} of {len(leanings)} simulated workers click left",
    xlabel="worker",
    ylabel="leaning (nats), 99 %",
)
plots.show(fig, alt="Each worker's leaning and its interval; a dotted line at log 3")

# %% [markdown]
"""
The dotted line is log 3. The sides were drawn by lot, so taste cannot make an interval lie above it. Honest workers
lean as well, a little; the fit takes that off the scores without throwing anybody out (*Going further* has an
exercise on how much). One of the fifty only ever ties, so no leaning can be found.
"""

# %% [markdown]
r"""
## 8 · Which pair to ask next

Clicks are dear. After some answers the scores are known as a mean and a **covariance**, and not every pair is worth
asking. If one list is far better, the answer is known before it comes. If the distance is known already, nothing is
learned. To first order, what an answer is worth is in proportion to $p\,(1-p)$ times the variance of the difference
(MacKay 1992; Houlsby et al. 2011).
"""

# %% [markdown]
r"""
### 4.9 Which pair to ask next · 10 min · 2 points · needs nothing

The diagonal of the covariance $V$ holds each score's variance; off it, how far two scores are wrong together. So the
variance of a difference is $V_{ii} + V_{jj} - 2 V_{ij}$.

**Predict first.** Means 1, ½ and −2. Lists 0 and 1 go up and down together; list 2 is little known. Which pair?
"""


# %% solution="next-pair"
def next_pair(mean: Array, covariance: Array, closed: Array) -> tuple[int, int]:
    """The open pair with the largest p (1 − p) · variance of its scores' difference.

    mean: (lists,), covariance: (lists, lists) of the scores.
    p: σ(difference of the means).
    closed: (lists, lists) bool, symmetric, true for pairs that are not to be asked; at
    least one pair is open.
    Returns (i, j) with i < j; of equal ones the first, in the order (0, 1), (0, 2), …
    """
    ### BEGIN SOLUTION 4.9: p, and the variance of a difference, for open pairs
    chance = 1 / (1 + np.exp(mean[None, :] - mean[:, None]))
    own = np.diag(covariance)
    worth = chance * (1 - chance) * (own[:, None] + own[None, :] - 2 * covariance)
    worth = np.where(np.triu(~closed, k=1), worth, -np.inf)
    i, j = np.unravel_index(worth.argmax(), worth.shape)
    return int(i), int(j)
    ### END SOLUTION


# %%
with once_written():
    together = np.array([[0.5, 0.4, 0.0], [0.4, 0.5, 0.0], [0.0, 0.0, 0.9]])
    print(next_pair(np.array([1.0, 0.5, -2.0]), together, np.zeros((3, 3), dtype=bool)))

# %%
check("4.9", next_pair)

# %% test="next-pair-test" points=2
# 4.9 is graded on other scores, some pairs of which were asked.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("4.9", lambda: next_pair, seeds=(481, 482, 483))
### END HIDDEN TESTS

# %% [markdown]
"""
A small race with your choice against a random one, **simulated**: ten lists, twelve labellers. The lists' scores have
a **spread** (standard deviation) of 2 nats. **About 5 seconds.**
"""

# %%
few = not training_allowed()
seeds, answers = (range(2), 12) if few else (range(12), 40)
small = active.race(seeds, 10, answers, choose=use("4.9", next_pair))
print(f"random is right in {small.random[:, -1].mean():.2f} of pairs at the end")
print(f"the active choice is there after {small.share():.0%} of the answers")

# %% [markdown]
"""
Twelve labellers are too few to lean on. The same with two hundred, and sixteen lists, was recorded
(`python -m topfive.build.collecting active`). The further the lists lie apart, the more is gained, since more answers
are known beforehand. Where all are about as good (spread 1) it may be nothing: the interval includes "more than all".
"""

# %%
recorded = data.folder() / "recorded" / "collecting"
record = json.loads((recorded / "active.json").read_text("utf-8"))
for run in record["runs"]:
    low, high = run["interval"]
    most = f"{high:.2f}" if high else "more than all"
    print(f"spread {run['spread']:.0f}: {run['share']:.2f} of the answers", end=" ")
    print(f"[{low:.2f}, {most}]")

# %%
fig, axes = plots.figure(columns=len(record["runs"]), width=3.2)
for ax, run in zip(axes, record["runs"], strict=True):
    ax.plot(run["random"], color=plots.BASE, label="random")
    ax.plot(run["active"], color=plots.SFT, label="active")
    ax.set(
        title=f"spread {run['spread']:.0f}: {run['share']:.0%} are enough",
        xlabel="answers",
        ylabel="right pairs",
    )
axes[0].legend(frameon=False, labelcolor=plots.INK)
plots.show(
    fig,
    alt="The active choice lies above the random one in each of three settings",
)

# %% [markdown]
"""
## 9 · The same minutes, four reward models

Which way of asking should a project choose? The one whose **reward model** is best for the minutes that people spend.
Chance is 0.50; 1.00 would be the labeller's own taste.
"""

# %% [markdown]
"""
Here is one labeller for ten minutes, in two of the ways. **Simulated**: 230 words a minute (Brysbaert 2019 estimates
238 for adults who read English non-fiction silently); assumed: two seconds a decision, one digit a rating, and the same noise at every look.
"""

# %%
for way in ("rank", "compare") if training_allowed() else ():
    learned, answers = minutes.labelled(way, 10, seed=1)
    right = minutes.right_pairs(learned, seed=1)
    print(f"{way:8} {answers:3} answers, {right:.2f} of held-out pairs right")

# %% [markdown]
"""
Eight labellers, 10, 20 and 40 minutes, recorded (`python -m topfive.build.collecting formats`). **Predict first:**
which of the four comes last?
"""

# %%
record = json.loads((recorded / "formats.json").read_text("utf-8"))
lengths = sorted({run["minutes"] for run in record["runs"]})
fig, [ax] = plots.figure(width=6)
colours = (plots.BASE, plots.RLHF, plots.JUDGE, plots.SFT)
means = {}
for place, (way, colour) in enumerate(zip(minutes.WAYS, colours, strict=True)):
    runs = [run for run in record["runs"] if run["way"] == way]
    right = [[run["right"] for run in runs if run["minutes"] == m] for m in lengths]
    found = [stats.bootstrap(values) for values in right]
    said_of = [f"{m} min: {one}" for m, one in zip(lengths, found, strict=True)]
    print(way, *said_of, sep="\n  ")
    means[way] = [one.mean for one in found]
    ax.errorbar(
        np.array(lengths) + 0.4 * place,  # side by side
        means[way],
        [[one.mean - one.low for one in found], [one.high - one.mean for one in found]],
        capsize=2,
        color=colour,
        label=way,
    )
last = min(means, key=lambda way: means[way][-1])
ax.set(
    title=f"After {lengths[-1]} minutes, '{last}' comes last",
    xlabel="minutes of labelling",
    ylabel="held-out pairs right",
)
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(
    fig,
    alt="Held-out pairs right by minutes of labelling, one line a way",
)

# %% [markdown]
"""
Comparing is lowest at every length, but only at 40 minutes do the intervals (95 %) hardly touch. The other three cannot be
told apart. Given these assumptions, four lists read once tell more than two. That is nearly built in; what could
overturn it is noise that grows with the number of lists.
"""

# %% [markdown]
"""
What the simulation leaves out may hurt ratings (a scale that drifts) and rankings (four lists are hard to hold in
mind) more than comparisons. Of your own numbers, only the seconds a list (section 1) compare directly.
"""

# %% [markdown]
"""
## 10 · You and the crowd

Of the pairs that both told apart, how many did you and the **simulated** crowd put in the same order?
"""

# %%
theirs = clicks.majority(clicks.crowd_events())
for way, events in given.events.items():
    same, both = clicks.agreement(clicks.preferred(events), theirs)
    alike = stats.wilson(same, both) if both else "no pair in common"
    print(f"{way:15} {alike} ({given.whose[way]})")

# %% [markdown]
"""
(Where several workers judged a pair, the majority counts. The pairs of a group are not independent, so the true
intervals are wider.)
"""

# %% [markdown]
"""
**In your own words.** What you wrote about why, beside the words that a reward fitted to your orders pays for.
"""

# %%
from topfive.reward.words import fit_word_reward

ordered = given.events["rank"] + given.events["compare"]
own = clicks.orders(ordered)
shown = [text for _, group in asked() for text in group]
liked, disliked = clicks.heavy_words(fit_word_reward(own), shown)
print("why, in your words:", clicks.reasons(given.all())[:5] or "you wrote none")
print("it pays for:", ", ".join(liked))
print("and takes off for:", ", ".join(disliked), f"({given.of('rank', 'compare')})")

# %% [markdown]
"""
Few of these words are reasons. With so few orders the reward picks up whatever stood in the lists you liked. That is
what "the model learned my preferences" means, until somebody checks.
"""

# %% [markdown]
"""
**Export.** TRL reads `prompt`, `chosen`, `rejected`. This is what the answers give: comparisons and orders become pairs;
ratings are not exported as pairs, and hidden repeats are left out.
"""

# %%
import textwrap

from topfive.ledger.convert import preference_rows

export = preference_rows(given.all())
exported = given.of("compare", "rank", "best and worst")
print(f"{len(export)} pairs ({exported}); the first:")
for name in ("prompt", "chosen", "rejected", "type"):
    print(f"{name:9}", textwrap.shorten(export[0][name], 70, placeholder=" …"))

# %% [markdown]
"""
On the command line: `topfive ledger export preferences pairs.jsonl`, and `--question also` for *faithful*.
"""

# %% [markdown]
"""
## 11 · May the class use it?

Your teacher can pool a class's answers (`topfive ledger pool`). Into the pool go places, ratings and seconds about the
course's own lists. Your reasons, your own lists and your name do not, and nothing goes in unless you say so here. You
may change your mind: say `False`, and run the cell again. A pool made before that keeps what it has; the next one
leaves yours out.
"""

# %%
agree = False
agreed = ledger.consent(agree)

# %% test="clicks-test" points=3
# Half of the tasks of all four ways: 3 points; of three ways 2, of two 1.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_clicks as _grade

_grade(at_least={2: 1, 3: 2, 4: 3})
### END HIDDEN TESTS

# %% [markdown]
"""
## 12 · In your own words · 3 points

A start-up has money for 100 hours of labelling, and asks for "10,000 comparisons". In about 150 words: how would you
spend the hours? Say what you would ask, what you would repeat, whom you would look at, and one number from *your*
clicks above that made you decide, with its interval.

| points | for |
|---|---|
| 1 | a way of asking, chosen by minutes and not by pairs, with what the simulation leaves out |
| 1 | repeats and swapped sides, and what result of them would change the plan |
| 1 | an own number with its interval, and what it does not show |
"""

# %% [markdown] answer="hours" points=3
"""
I would have four lists ranked, since reading is what costs time: in the simulation, a reward learned from single
comparisons was worse at 40 minutes, and the other three ways were alike. It has no tired people and no scale that
drifts, so two hours go to a pilot of all four.

"10,000 comparisons" in 100 hours leave 36 seconds each. At 16.6 s (simulated here; put yours) they would take 46
hours: the rest pays for repeats.

One task in ten comes twice, half of these with the sides changed. If the answers that stay on one side lean left
(sign test), the leaning goes into the model; whoever leans by more than log 3 is looked at.

Comparisons came out the same in 0.80 [0.38, 0.96] of five repeats (simulated here; put yours). That allows anything
from guessing to great care: I ask for more repeats, not for another format.
"""

# %% [markdown]
"""
## Going further

- Click the rank panel again tomorrow, and compare with today.
- Fit the crowd without leanings (every labeller is called `""`): what the leanings took off the scores. Which lists change their score most, and where did they stand?
- Race with `spread=0.5`: lists that are all about as good. What does choosing bring then?
- Ask the pool: do two students agree more than a student and the crowd?
"""

# %% [markdown]
"""
**Papers.** Bradley & Terry 1952 · Luce 1959 · Davidson 1970, *On extending the Bradley–Terry model to accommodate
ties* · Plackett 1975 · Davidson & Beaver 1977 (order effects) · Elo 1978 · MacKay 1992, *Information-based objective
functions for active data selection* · Hunter 2004, *MM algorithms for generalized Bradley–Terry models* · Cover &
Thomas 2006, *Elements of information theory* · Houlsby et al. 2011, [arXiv 1112.5745](https://arxiv.org/abs/1112.5745)
· Brysbaert 2019, *How many words do we read per minute?* · Ouyang et al. 2022,
[2203.02155](https://arxiv.org/abs/2203.02155) · Pei et al. 2022, *Potato*,
[2212.08620](https://arxiv.org/abs/2212.08620) · Ustalov 2025, *evalica*, [2412.11314](https://arxiv.org/abs/2412.11314)

Next: **05 preference-modeling** turns rankings into a reward model that reads lists it has never seen.
"""

# %% [markdown]
"""
## Before you hand in

Save (Ctrl-S), then run the cell below. It runs a copy of this notebook in a fresh kernel, as grading does, and prints one
page: cells that were lost or copied, lines that work on your machine only, the points of each exercise, answers that are
still empty. That takes about a minute and changes nothing.
"""

# %% [markdown]
"""
A cell is beyond mending? Write `%revert` into its first line and run it: it comes back as it was given out, and what stood
there is kept in `work/before-revert/`. Hand in the whole folder, with `work/` in it.
"""

# %%
from topfive.validate import before_handing_in

before_handing_in()
