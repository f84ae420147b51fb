# %% [markdown]
r"""
# 05 · Preference modeling

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2½ hours | 30 | PyTorch, no other notebook | write and train a reward model, and say how far to trust it |

People can say which of two lists they like better. PPO, the algorithm that improves the language model in notebook 06,
needs a *number* for every list. The **reward model** stands between the two: it reads a list and predicts how well
people would place it. In this notebook you write its head and its losses, train it, and then spend most of the time on
the question that decides everything later: *what did it really learn?*

Every exercise has a `check` that answers in words, and `hint("5.3")` gives the next hint. Nothing breaks if you skip
one: what comes later then uses the course's own function.
"""

# %%
import copy

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data, plots, preferences, stats
from topfive.checks import check, hint, once_written, trained, training_allowed, use
from topfive.lists import parse, render
from topfive.lm.model import load
from topfive.lm.sampling import sample_texts
from topfive.reward import heads, measure
from topfive.reward.model import encode_pairs, from_language_model, score_texts, values_everywhere
from topfive.reward.train import RewardConfig, train_reward_model

plots.show_loop("reward model")

# %% [markdown]
"""
## 1 · What people told us

Rankings come from two sources here. For the first, the **SFT model** of notebook 03, a small language model fine-tuned
on good lists, wrote four lists for each of 400 prompts, and three of fifty workers put each four in order.

All labellers in this notebook are simulated, and their rows say so. They go by the course's **judge**, a program that
knows what fits a prompt, and by chance. Those of the crowd also have likes of their own, and a few only pretend to
work. (`training_allowed()` is false only while the notebook is being graded; smaller numbers have to do then.)
"""

# %%
sft, tokenizer = load(data.checkpoint("sft"))
crowd = preferences.crowd_rankings(sft, tokenizer, groups=400 if training_allowed() else 16)

# %% [markdown]
"""
One ranking, from its best place to its worst. (Your clicks from notebook 04 come in later, in section 11.)
"""

# %%
name, ranking = crowd[0]
print(ranking.prompt.text, "· ranked by", name)
for place, text in sorted(zip(ranking.ranks, ranking.texts, strict=True)):
    print(place, " / ".join(parse(text).items))

# %% [markdown]
"""
A ranking is *one act* of one person. It holds no number, only an order.

The four lists look much alike: one model wrote them. So real projects also collect rankings of lists by **different
writers** (Stiennon et al. 2020 mixed several models and people). That is our second source: a list of fitting items,
one by SFT, one that answers another prompt, and a spoiled one, with two foreign items and one item twice. **About 15
seconds.**
"""

# %%
mixed = preferences.simulated_rankings(sft, tokenizer, 300 if training_allowed() else 16, seed=21, mixed=True)
name, ranking = mixed[0]
print(ranking.prompt.text, "· ranked by", name)
for place, text in sorted(zip(ranking.ranks, ranking.texts, strict=True)):
    print(place, " / ".join(parse(text).items))

# %% [markdown]
"""
Before anything else, some rankings are put aside to measure with. **Predict first:** every four lists of the crowd were
ranked by three workers. If we drew single rankings at random for the test, what would be wrong with it?
"""

# %%
to_learn, put_aside = preferences.split_by_lists(crowd)
crowd_held = [one for group in put_aside for one in group]
train_rankings = [group[0][1] for group in to_learn] + [ranking for _, ranking in mixed]
print(len(train_rankings), "rankings to learn from,", len(crowd_held), "of the crowd held out; no list is in both")

# %% [markdown]
"""
With single rankings, the same lists would be on both sides, and the model could know them by heart. So we split by
*lists*, and learn from one ranking of each four. For the mixed ones we go further: fresh lists, for *prompts* that are
in no training ranking, each four ranked by three labellers.
"""

# %%
held_out = preferences.simulated_rankings(
    sft, tokenizer, 60 if training_allowed() else 8, seed=22, labellers=3, split="validation", mixed=True
)
print(len(held_out), "mixed rankings held out")

# %% [markdown]
"""
## 2 · From a list to a number

The reward model is the language model with another end. Its **trunk** turns each token into a vector, its *hidden
state*. The **head** is one more vector, of the same width; its product with a hidden state is one number. Prompt and
list are read as one text: 60 tokens give 60 numbers, and one score has to come out of them.
"""

# %%
untrained = from_language_model(sft, seed=1)
tokens, mask = encode_pairs(tokenizer, [ranking.prompt.text] * 4, ranking.texts)
with torch.no_grad():
    numbers = values_everywhere(untrained, tokens, mask)
print("tokens", tuple(tokens.shape), "· numbers", tuple(numbers.shape))
print("real tokens of each list:", mask.sum(dim=1).tolist())

# %% [markdown]
"""
Four lists in one batch; the shorter ones were filled up with **pads**. The head says something about pads as well, and
only the mask knows that this means nothing. Here is one list with its numbers, from a head that is still random.
"""

# %%
shortest = int(mask.sum(dim=1).argmin())
fig, [ax] = plots.figure(width=9)
ax.bar(range(mask.shape[1]), numbers[shortest], color=[plots.SFT if real else "#cccccc" for real in mask[shortest]])
ax.axvline(int(mask[shortest].sum()) - 1, color=plots.RLHF, linestyle=":", label="last real token")
ax.set(
    title="One list: a number at every token (blue), and at every pad (light)",
    xlabel="token: first the prompt, then the list",
    ylabel="head's number",
)
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(fig, alt="Bars of the head's number at each token of a list; those on pads at the right are light grey")

# %% [markdown]
r"""
### 5.1 One score from many numbers · 6 min · 2 points · needs nothing

The reward model of this notebook takes the **mean** over real tokens: every item of the list speaks for itself. It is
trained through this function, so a gradient has to flow back to the numbers: work with tensors all the way.

**Predict first.** Numbers 1, 6, 2 and, on a pad, 7. What is the score? Which two wrong answers come to mind?
"""


# %% solution="mean-of-tokens"
def mean_of_tokens(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each list: the mean of its numbers over real tokens.

    numbers: (batch, time) float, the head's number at each token. mask: (batch, time) int64, 1 on real tokens, 0 on
    pads, which may stand on either side and hold any number. Every list has a real token.
    Returns (batch,) float, with a gradient back to `numbers`.
    """
    ### BEGIN SOLUTION 5.1: the mean over real tokens only, one for each list
    return (numbers * mask).sum(dim=1) / mask.sum(dim=1)
    ### END SOLUTION


# %%
with once_written():
    print(mean_of_tokens(torch.tensor([[1.0, 6.0, 2.0, 7.0]]), torch.tensor([[1, 1, 1, 0]])))

# %% [markdown]
"""
(The tempting wrong answers: 4 counts the pad, and 2.25 makes it 0 but still divides by four. A cell that begins with
`once_written()` waits until you have written the function.)
"""

# %%
check("5.1", mean_of_tokens)

# %% [markdown]
"""
Stuck? Each call gives one hint more. They cost nothing.
"""

# %%
hint("5.1")

# %% test="mean-of-tokens-test" points=2
# 5.1 is graded on other lists, long and short, with pads on either side.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.1", lambda: mean_of_tokens, seeds=(501, 502, 503))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 5.2 The last real token · 8 min · 2 points · needs nothing

Most reward models do it differently: they read the number at the **last real token**, since by then the trunk has
read everything (so do transformers' sequence classifiers, and with them TRL). Which of the two works better is a
question for measurement; section 8 tries both.

One trap: training code pads on the right, a generator pads on the left. Your function should find the last real token
in both, list by list. And again a gradient has to flow back to the number that is read.
"""


# %% solution="last-token"
def last_token(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each list: the number at its last real token.

    numbers: (batch, time) float. mask: (batch, time) int64, 1 on real tokens, 0 on pads, which may hold any number. The
    pads of a list stand all on its right or all on its left, in one batch on either. Every list has a real token.
    Returns (batch,) float, with a gradient back to `numbers`.
    """
    ### BEGIN SOLUTION 5.2: find the place of the last real token in each row, then pick the number there
    places = torch.arange(mask.shape[1], device=mask.device)
    last = (places * mask).argmax(dim=1)
    return numbers.gather(1, last[:, None])[:, 0]
    ### END SOLUTION


# %%
with once_written():
    print("pad on the right:", last_token(torch.tensor([[1.0, 6.0, 2.0, 7.0]]), torch.tensor([[1, 1, 1, 0]])))
    print("pad on the left: ", last_token(torch.tensor([[7.0, 1.0, 6.0, 2.0]]), torch.tensor([[0, 1, 1, 1]])))

# %%
check("5.2", last_token)

# %% test="last-token-test" points=2
# 5.2 is graded on other lists, long and short, with pads on either side.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.2", lambda: last_token, seeds=(511, 512, 513))
### END HIDDEN TESTS

# %% [markdown]
r"""
## 3 · From an order to a loss

Two lists, scores $s_a$ and $s_b$. Bradley and Terry (1952) proposed: the chance that somebody prefers $a$ is

$$P(a \succ b) = \sigma(s_a - s_b), \qquad \sigma(x) = \frac{1}{1 + e^{-x}}.$$

Only the *difference* counts. Add 100 to all scores, and nothing changes: a reward has no zero of its own.
"""

# %%
for difference in (0.0, 1.0, 2.0, 5.0):
    print(f"ahead by {difference}: preferred with probability {torch.sigmoid(torch.tensor(difference)):.3f}")

# %% [markdown]
r"""
### 5.3 The Bradley–Terry loss · 10 min · 3 points · needs nothing

Of each pair we know which list was **chosen** and which **rejected**. The loss is how surprised the model is:

$$\mathcal{L} = -\,\text{mean}\,\log \sigma(s_\text{chosen} - s_\text{rejected})$$

(Stiennon et al. 2020, section 3.4; in InstructGPT, Ouyang et al. 2022, equation 1.) With the natural logarithm it is
measured in *nats*.

**Predict first.** A model that gives every list the same score: what is its loss? And one that is off by 200, the wrong
way round?
"""


# %% solution="bradley-terry-loss"
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean of −log σ(chosen − rejected) over pairs, in nats. Exact also where a difference is hundreds.

    chosen, rejected: (batch,) float, scores of the preferred and of the other list.
    Returns a scalar, with a gradient back to both.
    """
    ### BEGIN SOLUTION 5.3: one line; mind what the sigmoid of −200 is in the computer
    return -F.logsigmoid(chosen - rejected).mean()
    ### END SOLUTION


# %%
with once_written():
    print("all the same:", bradley_terry_loss(torch.zeros(3), torch.zeros(3)))
    print("off by 200:  ", bradley_terry_loss(torch.tensor([-100.0]), torch.tensor([100.0])))

# %% [markdown]
"""
A loss above log 2 ≈ 0.693 is worse than not knowing anything.
"""

# %%
check("5.3", bradley_terry_loss)

# %% test="bradley-terry-loss-test" points=3
# 5.3 is graded on other scores, some of them far apart, and on its gradient.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.3", lambda: bradley_terry_loss, seeds=(521, 522, 523))
### END HIDDEN TESTS

# %% [markdown]
"""
What the loss *does* is its slope: how hard a pair pulls at the two scores. (If 5.3 is not right yet, this is the
course's own function.)
"""

# %%
loss_of = use("5.3", bradley_terry_loss)
differences = torch.linspace(-6, 6, 121)
pull = []
for difference in differences:
    chosen = difference.clone()[None].requires_grad_()
    loss_of(chosen, torch.zeros(1)).backward()
    pull.append(-float(chosen.grad))
fig, [ax] = plots.figure(width=5)
ax.plot(differences, pull, color=plots.SFT)
ax.set(
    title="A pair that is clearly right teaches nothing", xlabel="chosen − rejected (nats)", ylabel="pull on the scores"
)
plots.show(fig, alt="A curve that falls from 1, where the model is wrong, to 0, where it is right")

# %% [markdown]
r"""
## 4 · A whole ranking at once

Four lists in order are six pairs. But the six are not independent: the person decided once. Luce (1959) and Plackett
(1975) read a ranking as **choices**: the best among all four, then the best of the remaining three, then of two.

$$P(\text{ranking}) = \prod_{\text{choices}} \frac{e^{s_\text{chosen}}}{\sum_{\text{still there}} e^{s}}$$
"""

# %%
scores = torch.tensor([2.0, -1.0, 0.5])
first = scores.softmax(dim=0)[0]
second = scores[1:].softmax(dim=0)[0]
print(f"first choice among three: {first:.3f} · second among two: {second:.3f} · the ranking: {first * second:.3f}")

# %% [markdown]
r"""
### 5.4 The Plackett–Luce loss · 20 min · 4 points · needs nothing

A choice costs −log of its probability. The loss of one ranking is the mean over its **choices**; the loss of a batch is
the mean over its rankings.

Real rankings are untidy, so the docstring says three more things:

- **Ties.** If two lists share place 1, each of them was chosen from *all* lists on place 1 or worse (Breslow 1974).
- **The last place** was never chosen: it is what was left.
- **Place 0** means that there is no list; a ranking of three in a batch of fours has one such place.

Only the order of the places counts: 1, 1, 3 is the same as 1, 1, 2. The reward model learns from this loss, so a gradient
has to flow back to the scores.

**Predict first.** Places 1, 1, 2: how many choices is that? And places 1, 2, 2?
"""


# %% solution="plackett-luce-loss"
def plackett_luce_loss(scores: Tensor, ranks: Tensor) -> Tensor:
    """Mean surprise of a choice, in nats: averaged over the choices of each ranking, then over rankings.

    scores: (batch, K) float. ranks: (batch, K) int64 places, 1 the best; equal places tie; 0 for no list there.
    A list on place r was chosen among all lists on place r or worse. Lists on the last place were not chosen.
    A ranking that ties everything has no choices, and loss 0. Exact also where scores are hundreds apart.
    Returns a scalar, with a gradient back to `scores`.
    """
    ### BEGIN SOLUTION 5.4: for each list, who was still there? logsumexp over those, less its own score
    present = ranks > 0
    available = (ranks[:, None, :] >= ranks[:, :, None]) & present[:, None, :]
    rest = scores[:, None, :].masked_fill(~available, -torch.inf).logsumexp(dim=-1)
    lowest = ranks.max(dim=1, keepdim=True).values
    choices = present & (ranks < lowest)
    surprise = (rest - scores).where(choices, 0.0)
    return (surprise.sum(dim=1) / choices.sum(dim=1).clamp(min=1)).mean()
    ### END SOLUTION


# %%
with once_written():
    in_order = plackett_luce_loss(scores[None], torch.tensor([[1, 2, 3]]))
    tied = plackett_luce_loss(scores[None], torch.tensor([[1, 1, 2]]))
    print(f"best first: {in_order:.3f} nats a choice · the first two tied: {tied:.3f}")

# %% [markdown]
"""
The first number should be −log of the ranking's probability above, divided by its two choices. Places 1, 1, 2 are two
choices as well, each among all three; places 1, 2, 2 are only one. Only the order counts: a panel writes a tie for first
as 1, 1, 3, and that is the same.
"""

# %%
check("5.4", plackett_luce_loss)

# %% test="plackett-luce-loss-test" points=4
# 5.4 is graded on other rankings, with ties and with rankings of fewer lists, and on its gradient.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.4", lambda: plackett_luce_loss, seeds=(531, 532, 533))
### END HIDDEN TESTS

# %% [markdown]
"""
## 5 · Train it

The trunk is a copy of the SFT model, the head is random, and both learn. All lists of one ranking stay in one batch:
four passes through the trunk serve six comparisons (Ouyang et al. 2022, section 3.5). Two passes, no more: what it
has not understood by then, it would learn by heart.

**Predict first.** What loss will the untrained model have? (Four lists, three choices: among 4, among 3, among 2.) How
far down will it get?

The next cell takes **about 20 seconds**. It saves the model in `work/reward`: hand that folder in too.
"""

# %%
blind = np.mean(np.log([4, 3, 2]))
print(f"somebody who knows nothing: {blind:.2f} nats a choice")

# %%
pl_loss = use("5.4", plackett_luce_loss)


def train() -> tuple[PreTrainedModel, Tokenizer]:
    model = from_language_model(sft, seed=11)
    curve = plots.LossCurve(colour=plots.RLHF, unit="nats a choice")
    config = RewardConfig(epochs=2, batch_size=16, learning_rate=1e-3, seed=11)
    train_reward_model(model, tokenizer, train_rankings, config, loss_fn=pl_loss, progress=curve)
    return model, tokenizer


reward, _ = trained("reward", train)

# %% [markdown]
"""
The curve should begin near what somebody pays who knows nothing. Where it ended is in its title, but that was on lists
it learned from, so it proves little yet.

Read what it thinks of four lists for a prompt that it has never seen. Would you have put them in the same order? (That
the scores are all large or all negative means nothing: a reward has no zero of its own.)
"""

# %%
name, unseen = held_out[0]
print(unseen.prompt.text)
opinions = score_texts(reward, tokenizer, [unseen.prompt.text] * len(unseen.texts), unseen.texts)
for score, place, text in sorted(zip(opinions.tolist(), unseen.ranks, unseen.texts, strict=True), reverse=True):
    print(f"score {score:+.2f} · {name} gave place {place} · {' / '.join(parse(text).items)}")

# %% [markdown]
r"""
## 6 · How often is it right?

### 5.5 Pairs in the right order · 10 min · 3 points · needs nothing

**Accuracy**: of all pairs of lists that a labeller told apart, the share that the scores order in the same way. Your
function counts both, ranking by ranking; why not only the share, you will see in a moment.

**Predict first.** Scores 5, 1, 2 and places 1, 2, 3. How many pairs are there, and how many are right?
"""


# %% solution="pairs-right"
def pairs_right(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """How many pairs of each ranking the scores put in the labeller's order, and how many pairs there are.

    scores: (batch, K) float. ranks: (batch, K) int64 places, 1 the best; equal places tie; 0 for no list there.
    A pair counts once, and only if its places differ. Where its two scores are equal, half of it is right.
    Returns (right, pairs), each (batch,) float.
    """
    ### BEGIN SOLUTION 5.5: compare every list with every other, (batch, K, K); count, for each ranking
    present = ranks > 0
    better = (ranks[:, :, None] < ranks[:, None, :]) & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    right = (difference > 0).to(scores.dtype) + 0.5 * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)
    ### END SOLUTION


# %%
with once_written():
    print(pairs_right(torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[1, 2, 3]])))

# %%
check("5.5", pairs_right)

# %% test="pairs-right-test" points=3
# 5.5 is graded on other rankings, with ties on both sides and with rankings of fewer lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.5", lambda: pairs_right, seeds=(541, 542, 543))
### END HIDDEN TESTS

# %% [markdown]
"""
Now on the rankings that were put aside.
"""

# %%
held_rankings = [ranking for _, ranking in held_out]
asked = [ranking.prompt.text for ranking in held_rankings for _ in ranking.texts]
answers = [text for ranking in held_rankings for text in ranking.texts]
held_scores = heads.in_rankings(score_texts(reward, tokenizer, asked, answers), held_rankings)
held_ranks = heads.padded_ranks(held_rankings)
held_scores.shape, held_ranks.shape

# %%
count = use("5.5", pairs_right)
right, pairs = map(torch.as_tensor, count(held_scores, held_ranks))
print(f"{right.sum():.0f} of {pairs.sum():.0f} pairs: {right.sum() / pairs.sum():.3f}")

# %% [markdown]
"""
Another sample of lists would have given another number. How different? If all pairs were independent, statistics has
a formula (Wilson's interval). But pairs of the same four lists rise and fall together, so `stats.ratio_bootstrap`
draws whole groups of lists again and again.

**Predict first:** which interval is wider?
"""

# %%
group_of = [number for number, one in enumerate(preferences.by_group(held_out).values()) for _ in one]
right_in, pairs_in = (np.bincount(group_of, part).astype(float) for part in (right, pairs))
accuracy = stats.ratio_bootstrap(right_in, pairs_in)
print("as if pairs were independent:", stats.wilson(int(right.sum()), int(pairs.sum())))
print("whole groups drawn again:    ", accuracy)

# %% [markdown]
"""
That is why your function counts for each ranking. Report the second interval. `n` is the number of groups: what your
evidence really consists of.

**Predict first.** That was on lists by different writers. And on the crowd's, where SFT wrote all four?
"""

# %%
from topfive.reward.train import accuracy as accuracy_of

crowd_accuracy = accuracy_of(reward, tokenizer, [ranking for _, ranking in crowd_held])
print("lists by different writers:", accuracy)
print("lists by SFT alone:        ", crowd_accuracy)

# %% [markdown]
"""
One model, two numbers, and both are true. **An accuracy belongs to the lists it was measured on.** Telling a good list
from a spoiled one is not the same as telling two ordinary lists apart, and it is ordinary lists that PPO will compare.
Whenever somebody quotes the accuracy of a reward model, ask: on pairs of what?

### Your reward model · 4 points

When your work is graded, the model in `work/reward` meets rankings of fresh mixed lists, made with a secret seed by a
labeller without noise. Points go by its pair accuracy there: from 0.60 one, from 0.65 two, from 0.70 four. The
course's own checkpoint in its place earns none.
"""

# %% test="reward-model" points=4
# Your model is measured on other lists. Hand in the folder work/reward with this notebook.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_reward as _grade

_grade(seed=90210, at_least={0.60: 1, 0.65: 2, 0.70: 4})
### END HIDDEN TESTS

# %% [markdown]
r"""
## 7 · How good could it be?

Is that a bad model, or a hard task? People differ. Nobody can predict a coin.
"""

# %%
alike = preferences.agreement(held_out)
crowd_alike = preferences.agreement(crowd_held)
print("two labellers agree, lists by different writers:", alike)
print("two of the crowd agree, lists by SFT alone:     ", crowd_alike)

# %% [markdown]
r"""
### 5.6 The ceiling · 10 min · 2 points · needs nothing

Take one pair. Say a randomly picked labeller gives the **likelier answer** with probability $m$, and the other answer
with $1-m$. Then

- the best any model can do is to give the likelier answer: it is right with probability $m$;
- two labellers agree with probability $m^2 + (1-m)^2$: both give the likelier answer, or both the other.

**Predict first.** $m = 0.9$: how often do two labellers agree?

We can measure the agreement, and ask for $m$. Solve for it; your function is the solution. If agreement is below one
half (which happens by chance in small samples), the answer is ½.
"""


# %% solution="accuracy-ceiling"
def accuracy_ceiling(agreement: Tensor) -> Tensor:
    """The m for which m² + (1 − m)² is the agreement: no model can be right more often than that.

    agreement: (n,) float, shares of pairs on which two labellers agree. Returns (n,) float, at least 1/2.
    """
    ### BEGIN SOLUTION 5.6: solve m² + (1 − m)² = agreement for m, the larger solution
    return (1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2
    ### END SOLUTION


# %%
with once_written():
    print(accuracy_ceiling(torch.tensor([0.5, 0.6, 0.82, 1.0])))

# %%
check("5.6", accuracy_ceiling)

# %% test="accuracy-ceiling-test" points=2
# 5.6 is graded on other agreements, from chance to certainty.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.6", lambda: accuracy_ceiling, seeds=(551, 552, 553))
### END HIDDEN TESTS

# %%
top = use("5.6", accuracy_ceiling)
lists_by = {"different writers": (alike, accuracy), "SFT alone": (crowd_alike, crowd_accuracy)}
for title, (agreed, reached) in lists_by.items():
    ceiling = float(torch.as_tensor(top(torch.tensor([agreed.mean])))[0])
    print(f"{title:17} labellers agree in {agreed.mean:.2f} · ceiling {ceiling:.2f} · your model {reached.mean:.2f}")

# %% [markdown]
r"""
So, a bad model or a hard task? What lies above the ceiling is the task; what lies between it and your model is the
model. The two rows need not give the same answer.

And the ceiling lies above the agreement: **a model can agree with a labeller more often than a second labeller does.**
That is nothing superhuman: the second labeller has noise of their own, the model has none.

But why "at most"? Pairs are not all equally hard. Let half of them be clear ($m = 1$) and half pure taste ($m = ½$).
"""

# %%
m = torch.tensor([1.0, 0.5])
agreed = (m**2 + (1 - m) ** 2).mean()
bound = float(torch.as_tensor(top(agreed[None]))[0])
print(f"labellers agree in {agreed:.2f} · the formula says {bound:.3f} · the best model gets {m.mean():.3f}")

# %% [markdown]
r"""
The curve $m^2+(1-m)^2$ bends upwards, so a mixture of easy and hard pairs agrees more often than middling pairs of
the same mean $m$ (Jensen's inequality). The formula then hands back too large an $m$: it is an **upper bound**, exact
only if all pairs are equally hard. Labellers who share a bias, towards longer lists for instance, raise it
further: they agree for no good reason. And the agreement is itself an estimate with an interval.

## 8 · Where to read the score, and how sure to be

Questions like "mean or last token?" need a fair comparison. A cheap one: keep the trunk **fixed**, compute all hidden
states once, and train only the head. That is one vector, so it takes seconds. Every other ranking is enough for that;
the two cells below take **about 15 seconds**.
"""

# %%

every_other = train_rankings[::2]
states, states_mask = heads.hidden_states(sft, tokenizer, every_other)
test_states, test_mask = heads.hidden_states(sft, tokenizer, held_rankings)
states.shape  # (lists, tokens, width)

# %% [markdown]
"""
**Predict first:** which reading wins? And will a head alone come near the model in which everything was trained?
"""

# %%
readings = {"mean of tokens": use("5.1", mean_of_tokens), "last token": use("5.2", last_token)}
for title, read in readings.items():
    head = heads.fit_head(states, states_mask, every_other, read=read, loss_fn=pl_loss)
    found = count(heads.in_rankings(read(test_states @ head, test_mask), held_rankings), held_ranks)
    print(f"{title:15} {float(found[0].sum() / found[1].sum()):.3f}")
print(f"{'all trained':15} {accuracy.mean:.3f}  (the model above)")


# %% [markdown]
"""
Mind the interval from section 6 before you declare a winner.

### A rival that cannot read

Notebook 00 used no language model for its reward. It added up the worth of the **words** in a list, fitted to the same
kind of rankings by the same Plackett–Luce loss, with a penalty on large weights (*ridge*). It knows no order of words,
and not even the prompt.

**Predict first:** on which of the two kinds of lists can it compete?
"""

# %%
from topfive.reward.words import fit_word_reward, word_accuracy

by_words = fit_word_reward(train_rankings)
print("words, lists by different writers:", word_accuracy(by_words, held_rankings))
print("words, lists by SFT alone:        ", word_accuracy(by_words, [ranking for _, ranking in crowd_held]))

# %% [markdown]
"""
Put the four numbers beside each other: two models, two kinds of lists. Only a model that reads the prompt can notice
that a fine list answers another question. But where one model wrote all lists and little is left but which words
please, few and strongly penalised weights are hard to beat with so few rankings. Try the dumb model, too; it tells
you what your data are about.

### One that practised first

A ranking says little: one order, for twenty items. So the reward model that comes with the course, which has the trunk
and the head of yours, practised before it saw one: half a million made-up lists with a **mark on every line**, good
here or spoiled (said twice, against the prompt's constraint, from another topic, vague). A program that knows the item
bank made the marks, and nobody had to click. Then it went once through the crowd's rankings; those put aside in
section 1 it has never met.

Practising on plenty of made-up preferences is an old habit (Askell et al. 2021, section 4), and marking steps instead
of whole answers has a name, *process supervision* (Lightman et al. 2023). **Predict first:** on which kind of lists
does it help more?
"""

# %%
from topfive.reward.model import load as load_reward_model

practised = load_reward_model(data.checkpoint("reward"))
for title, rankings in (("different writers", held_rankings), ("SFT alone", [ranking for _, ranking in crowd_held])):
    print(f"lists by {title:17} yours {accuracy_of(reward, tokenizer, rankings)}")
    print(f"{'':26} practised {accuracy_of(practised, tokenizer, rankings)}")

# %% [markdown]
"""
Yours was trained on lists by different writers and knows those; practice pays where lists are hard to tell apart. Hold
it against the ceiling of section 7, not against 1. (Practising took about twenty minutes, so here it is only shown.)

### Three opinions

Heads are cheap, so train **three**, each on its own random draw of the rankings (some twice, some not at all). Where
three heads that learned from nearly the same evidence disagree, the evidence does not decide.
"""

# %%
read = readings["mean of tokens"]
three = [heads.fit_head(states, states_mask, every_other, read=read, loss_fn=pl_loss, seed=seed) for seed in (1, 2, 3)]
votes = torch.stack([heads.in_rankings(read(test_states @ head, test_mask), held_rankings) for head in three])
votes.shape  # (heads, rankings, lists)

# %%
a, b = torch.triu_indices(4, 4, offset=1)
signs = (votes[:, :, a] - votes[:, :, b]).sign()
unanimous = signs.sum(dim=0).abs() == len(signs)
majority_right = signs.sum(dim=0).sign() == (held_ranks[:, b] - held_ranks[:, a]).sign()
told = held_ranks[:, a] != held_ranks[:, b]
for title, chosen in (("all three agree", unanimous & told), ("they disagree", ~unanimous & told)):
    print(
        f"{title:15} {int(chosen.sum()):4} pairs, majority right in {float(majority_right[chosen].float().mean()):.2f}"
    )

# %% [markdown]
"""
Disagreement costs no labels. It tells which lists to have ranked next, and during PPO it warns of lists unlike any that
were ranked (Coste et al. 2024 take the lowest of several rewards for that reason). But it sees only *one* kind of
ignorance: three heads on one trunk are blind to the same things.

## 9 · What did it learn?

### Does it know how sure it is?

σ(difference of scores) is a *probability*. If a model says 0.8, it should be right in 80 of 100 such pairs; then it
is **calibrated**. For that, the two lists of a pair have to stand in random order, or the outcome would always be 1.
They do: each labeller saw the four in an order of their own, so let list a be the one that stood further left.
"""

# %%
sure = torch.sigmoid(held_scores[:, a] - held_scores[:, b])[told]
happened = (held_ranks[:, a] < held_ranks[:, b])[told].long()
print(f"{len(sure)} pairs, predictions from {sure.min():.2f} to {sure.max():.2f}")
print(f"a was placed before b in {happened.float().mean():.2f} of them")

# %% [markdown]
r"""
### 5.7 A calibration table · 12 min · 3 points · needs nothing

Sort predictions into bins of equal width. In each bin: what was predicted on average, how often did it happen, and on
how many pairs does that rest? (Guo et al. 2017, section 2.)

**Predict first.** A model that is *too sure*: is its curve of observed against predicted steeper or flatter than the
diagonal?
"""


# %% solution="calibration-table"
def calibration_table(probabilities: Tensor, outcomes: Tensor, bins: int = 10) -> Tensor:
    """Predicted probability against observed frequency, bin by bin.

    probabilities: (n,) float in [0, 1]. outcomes: (n,) 1 where it happened, else 0.
    Bin b (from 0) holds b/bins ≤ p < (b + 1)/bins; the last one also holds p = 1.
    Returns (bins, 3) float: mean predicted probability, share of outcomes that are 1, number of predictions.
    Where a bin is empty, the first two are NaN and the third is 0.
    """
    ### BEGIN SOLUTION 5.7: which bin is each prediction in? then mean, share and count, bin by bin
    place = (probabilities * bins).long().clamp(max=bins - 1)
    rows = []
    for b in range(bins):
        inside = place == b
        happened = outcomes[inside].to(probabilities.dtype)
        rows.append(torch.stack([probabilities[inside].mean(), happened.mean(), inside.sum().to(probabilities.dtype)]))
    return torch.stack(rows)
    ### END SOLUTION


# %%
with once_written():
    print(calibration_table(torch.tensor([0.5, 0.625, 0.125, 0.25, 0.75]), torch.tensor([1, 0, 0, 1, 1]), bins=2))

# %%
check("5.7", calibration_table)

# %% test="calibration-table-test" points=3
# 5.7 is graded on other predictions, on the edges of bins and with empty bins.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.7", lambda: calibration_table, seeds=(561, 562, 563))
### END HIDDEN TESTS

# %%
table = torch.as_tensor(use("5.7", calibration_table)(sure, happened, bins=10))
filled = table[table[:, 2] >= 20].double()
slope = float(np.polyfit(filled[:, 0], filled[:, 1], 1, w=filled[:, 2].sqrt())[0]) if len(filled) > 1 else float("nan")
verdict = "too sure of itself" if slope < 0.9 else "too modest" if slope > 1.1 else "well calibrated"
fig, [ax] = plots.figure(width=4.6, height=3.8)
ax.plot([0, 1], [0, 1], color=plots.INK, linewidth=1, linestyle=":")
ax.scatter(filled[:, 0], filled[:, 1], s=filled[:, 2], color=plots.RLHF, alpha=0.8)
ax.set(title=f"The reward model is {verdict}", xlabel="predicted probability", ylabel="observed frequency")
ax.set(xlim=(0, 1), ylim=(0, 1))
plots.show(fig, alt=f"Observed frequency against predicted probability; slope {slope:.2f}, the diagonal is 1")
print(f"slope {slope:.2f} · mean distance from the diagonal (ECE) {measure.calibration_error(table):.3f}")

# %% [markdown]
"""
The area of a dot is its number of pairs; bins of fewer than 20 are left out. Flatter than the diagonal means too sure,
steeper means too modest.

For PPO this matters, since it sets the reward against a penalty, β times the distance from the SFT model (notebook 06):
too sure means too large, just as if β were too small. (Before PPO, scores are shifted and scaled so that SFT lists have
mean 0 and standard deviation 1. From then on σ of a difference is no probability any more.)

### Is it fooled by length?

The simplest bad reward model counts words. Length may even tell something: a detail or two helps, rambling does not.
But a model that leans on length more than people do will be exploited (Singhal et al. 2023).

**Predict first:** how often is the longer list the better one, for the labellers? And for the model?
"""

# %%
words = torch.tensor([float(len(text.split())) for text in answers])
longer = heads.in_rankings(words, held_rankings)
by_people = count(longer, held_ranks)
by_model = count(longer, (held_scores.argsort(dim=1, descending=True).argsort(dim=1) + 1))
for title, (agree, of) in (("the labellers", by_people), ("the reward model", by_model)):
    print(f"{title:17} put the longer list first in {float(agree.sum() / of.sum()):.2f} of pairs")

# %% [markdown]
"""
Here your own `pairs_right` did the work, with the number of words as the "score". One half means that length does not
count. Compare the second number with the first, not with one half: a model whose labellers like longer lists may like
them too, as much as they do.

### Does the order matter?

In two ways. *People* may be pulled towards what they see first. The crowd was shown lists in random order, so without
such a pull each position would have the same mean place.
"""

# %%
shown = np.array([ranking.ranks for _, ranking in crowd])
print("mean place of the list shown 1st, 2nd, 3rd, 4th:", shown.mean(axis=0).round(2))
print("shown first and placed first:", stats.wilson(int((shown[:, 0] == 1).sum()), len(shown)), "· by chance 0.25")

# %% [markdown]
"""
If that interval leaves out 0.25, the crowd is pulled. Since each worker saw the four in another order, the pull favours
no list: in the labels it is noise, which lowers agreement and costs accuracy. Had one writer's list always stood first, a
model would have taken the pull for quality.

*The model* reads from left to right. A list with the same five items backwards is worth the same to our judge, who
looks at the items alone. To the model?
"""

# %%
valid = [i for i, text in enumerate(answers) if parse(text).valid][:200]
backwards = [render(parse(answers[i]).items[::-1]) for i in valid]
before = score_texts(reward, tokenizer, [asked[i] for i in valid], [answers[i] for i in valid])
after = score_texts(reward, tokenizer, [asked[i] for i in valid], backwards)
print(f"turning a list round moves its score by {float((after - before).std()):.2f} (sd)")
print(f"lists differ by {float(before.std()):.2f} (sd): the first is noise, the second is all it has to say")

# %% [markdown]
r"""
## 10 · Using it: the best of n

The simplest way to use a reward model needs no training at all: sample $n$ lists, keep the one that scores best.

### 5.8 What the best of n is · 10 min · 3 points · needs nothing

Suppose the model can give only $k$ answers, sorted from the worst score to the best, with probabilities $p_1, …,
p_k$. How likely is each to be the best of $n$ independent samples?

**Predict first.** Two answers, half and half, $n = 2$: how often does the worse one survive?
"""


# %% solution="best-of-n"
def best_of_n_distribution(probabilities: Tensor, n: int) -> Tensor:
    """How likely each answer is to be the best of n independent samples.

    probabilities: (k,) float, of the k answers from the lowest score to the highest; no two have the same score.
    Returns (k,) float, which sums to 1.
    """
    ### BEGIN SOLUTION 5.8: how likely are all n samples answer i or worse? then subtract
    at_most = probabilities.cumsum(dim=0) ** n
    return at_most.diff(prepend=at_most.new_zeros(1))
    ### END SOLUTION


# %%
with once_written():
    print(best_of_n_distribution(torch.tensor([0.5, 0.5]), n=2))

# %%
check("5.8", best_of_n_distribution)

# %% test="best-of-n-test" points=3
# 5.8 is graded on other answers and other n.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.8", lambda: best_of_n_distribution, seeds=(571, 572, 573))
### END HIDDEN TESTS

# %% [markdown]
r"""
How far does that move from where we sampled? In nats, $\text{KL} = \sum_i q_i \log(q_i / p_i)$. There is a
well-known formula, which does not even ask what the answers are:

$$\text{KL} = \log n - \frac{n-1}{n}$$

(Stiennon et al. 2020, appendix G.3). Is it right?
"""

# %%
best = use("5.8", best_of_n_distribution)
for k in (2, 10, 1000):
    before = torch.full((k,), 1 / k, dtype=torch.float64)
    away = [float(torch.special.xlogy(q, q / before).sum()) for q in (best(before, n) for n in (2, 4, 16))]
    print(f"{k:5} answers:", *(f"{kl:.3f}" for kl in away), " for n = 2, 4, 16")
print("  the formula:", *(f"{measure.best_of_n_kl(n):.3f}" for n in (2, 4, 16)))

# %% [markdown]
r"""
With many answers it is all but exact, with few it is too much: two samples can be the same, and then choosing between
them changes nothing. With only two answers you cannot get further away than log 2, whatever $n$. So it is an **upper
bound** (Beirami et al. 2024), and a good one for lists, of which there are very many.

Now with real lists: for each prompt some samples, scored by *your reward model* (which chooses) and by *the judge*
(who has no say in the choice), at temperature 1, like the lists that were ranked: each token is drawn with the
probability that the model gives it. **About 10 seconds.** **Predict first:** will the judge's curve follow?
"""

# %%
from topfive.evaluate import heldout_prompts
from topfive.judge import Judge

few = not training_allowed()
samples, chosen_prompts = (4, 3) if few else (16, 24)
prompts = heldout_prompts(data.prompts("train"), chosen_prompts, seed=77)
repeated = [prompt for prompt in prompts for _ in range(samples)]
lists = sample_texts(sft, tokenizer, [prompt.text for prompt in repeated], seed=77, temperature=1.0)
proxy = score_texts(reward, tokenizer, [prompt.text for prompt in repeated], lists).reshape(-1, samples)
gold = torch.from_numpy(Judge().scores(repeated, lists)).float().reshape(-1, samples)


# %%
ns = [n for n in (1, 2, 4, 8, 16) if n <= samples]


def gains(values: Tensor) -> list[float]:
    """How much better the best of n is than one sample, for each n, in standard deviations within a prompt."""
    spread = float((values - values.mean(dim=1, keepdim=True)).std())
    return [float((measure.best_of_n_mean(proxy, values, n) - values.mean(dim=1)).mean()) / spread for n in ns]


away = [measure.best_of_n_kl(n) for n in ns]
by_proxy, by_judge = gains(proxy), gains(gold)
fig, [ax] = plots.figure(width=5.4)
ax.plot(away, by_proxy, color=plots.RLHF, linestyle="--", marker="o", label="reward model")
ax.plot(away, by_judge, color=plots.JUDGE, marker="o", label="judge")
title = f"Best of {ns[-1]}: the reward model sees +{by_proxy[-1]:.1f}, the judge {by_judge[-1]:+.1f}"
ax.set(title=title, xlabel="at most this far from SFT (nats)", ylabel="gain (sd within a prompt)")
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(fig, alt=f"Gain over one sample against KL, for n = {ns}: {title}")

# %% [markdown]
"""
The dashed curve is what we optimise, the green one what we want. The space between them is what the reward model does
not know. PPO, in notebook 06, can walk much further along this axis than the best of 16, and notebook 07 watches
what happens there (Gao et al. 2023).

## 11 · Your own rankings

All of this was the crowd's opinion. What about yours? This cell copies your ledger from notebook 04, visibly, to
`work/brought`. If there is none yet, a simulated student who likes vegetarian food stands in.
"""

# %%
from topfive.judge import load_taste

mine = preferences.own_rankings()
whose = "yours"
if len(mine) < 4:
    taste, number = load_taste("vegetarian"), 40 if training_allowed() else 8
    mine = [ranking for _, ranking in preferences.simulated_rankings(sft, tokenizer, number, seed=8, taste=taste)]
    whose = "a simulated student's"
print(len(mine), "rankings,", whose)

# %% [markdown]
"""
Half of them to learn from, half to measure with. The model starts from what the crowd taught it and takes two small
passes at a tenth of the learning rate.

The words of section 8 get the same half, and nothing else. **Predict first:** who does best on the other half? By
more than an interval is wide?
"""

# %%
half = len(mine) // 2
personal = copy.deepcopy(reward)
config = RewardConfig(epochs=2, learning_rate=1e-4, seed=12)
train_reward_model(personal, tokenizer, mine[:half], config, loss_fn=pl_loss)
print("the crowd's model:       ", accuracy_of(reward, tokenizer, mine[half:]))
print(f"trained on {half} more:     ", accuracy_of(personal, tokenizer, mine[half:]))
print(f"words, from these {half} only:", word_accuracy(fit_word_reward(mine[:half]), mine[half:]))

# %% [markdown]
"""
Look at the intervals before you believe the difference: so few rankings are little evidence, to learn from as well as
to measure with. That is the honest state of affairs with one person's labels. Notebook 08 comes back to it with forty
of your own.

## 12 · The same with TRL

In practice you would use a library. TRL's `RewardTrainer` takes pairs with the columns `prompt`, `chosen` and
`rejected`, reads the score at the **last token**, and uses the Bradley–Terry loss. So with *your* `last_token` and
*your* `bradley_terry_loss`, the same weights and the same batches, the losses should be the same numbers.
"""

# %%
from topfive.reward.pairs import as_pairs, train_on_pairs

pairs_to_learn = as_pairs(train_rankings[:40])[: 160 if training_allowed() else 8]
pairs_to_learn[0]

# %% [markdown]
"""
TRL in a nutshell (`topfive/reward/reward_trl.py` has the whole of it):

```python
from trl import RewardConfig, RewardTrainer

args = RewardConfig(output_dir="…", per_device_train_batch_size=8, learning_rate=3e-4,
                    train_sampling_strategy="sequential", activation_checkpointing=False)
RewardTrainer(model, args=args, train_dataset=Dataset.from_list(pairs), processing_class=tokenizer).train()
```

Twenty steps of each, **about 15 seconds**, most of it TRL's import.
"""

# %%
from topfive.reward.reward_trl import trl_reward_losses

start = from_language_model(sft, seed=3)
theirs = trl_reward_losses(start, tokenizer, pairs_to_learn)
ours = train_on_pairs(copy.deepcopy(start), tokenizer, pairs_to_learn, read=readings["last token"], loss_fn=loss_of)
print("TRL: ", *(f"{loss:.4f}" for loss in theirs[:6]), "…")
print("ours:", *(f"{loss:.4f}" for loss in ours[:6]), "…")
print(f"largest difference in {len(ours)} steps: {max(abs(x - y) for x, y in zip(ours, theirs, strict=True)):.1e}")

# %% [markdown]
"""
There is no magic in the library: a head, a difference, a sigmoid. What it adds is what you want at scale, such as
several GPUs, mixed precision and LoRA.

## 13 · In your own words · 4 points

A team reports: *"Our reward model agrees with held-out labels in 71 % of pairs. Two labellers agree with each other in
65 %. Our model has superhuman judgement, so we will run PPO against it for as long as its score rises."*

In about 150 words: what do the two numbers say, and what do they not? Which two checks would you ask for before a
policy is trained on this model, and what result of each would stop you?

| points | for |
|---|---|
| 1 | computes the ceiling for 65 % agreement and puts 71 % beside it |
| 1 | says why a model may agree with a labeller more often than a second labeller does |
| 1 | two checks of different kinds from this notebook, each with a result that would stop you |
| 1 | says why a score that rises during PPO is no evidence, and what to look at instead |
"""

# %% [markdown] answer="superhuman" points=4
"""
At 65 % agreement the ceiling is (1 + √0.3)/2 ≈ 0.77, so 71 % lies below what a perfect predictor could reach. That it
lies above 65 % says little: the second labeller has noise of their own, while the model predicts what people say on
average. It does not judge better than people; it is only less noisy than one of them. Both numbers need intervals that
resample whole groups of lists, and the 71 % counts only if no list stands on both sides of the split.

I would ask for (1) the share of pairs in which the longer list is scored higher, beside the labellers' own share: well
above theirs stops me; (2) the judge's or fresh labellers' opinion on the best of 16: if it does not rise with the
model's score, the model rewards something else.

PPO raises the score by construction. It looks for lists unlike those that were ranked, where the 71 % was never
measured. Watch fresh human comparisons and the KL instead, and stop when they turn.
"""

# %% [markdown]
"""
## Going further

- Train with `loss_fn` = the pairs' loss instead of Plackett–Luce, on the same rankings. Does it matter?
- Fit one number: divide all scores by a temperature that minimises the Bradley–Terry loss on *half* of the held-out
  rankings, and draw the calibration plot again on the other half.
- Train on 50, 100, 200 and all rankings. Draw accuracy over their number with intervals. What would twice as many buy?
- Give a head only three numbers: words, repeated items, lines. How close does it come?

**Papers.** Bradley & Terry 1952 · Luce 1959 · Breslow 1974 (ties) · Plackett 1975 · Christiano et al. 2017, *Deep
reinforcement learning from human preferences*, [arXiv 1706.03741](https://arxiv.org/abs/1706.03741) · Stiennon et al.
2020, *Learning to summarize from human feedback*, [2009.01325](https://arxiv.org/abs/2009.01325) · Ouyang et al. 2022
(InstructGPT), [2203.02155](https://arxiv.org/abs/2203.02155) · Guo et al. 2017, *On calibration of modern neural
networks*, [1706.04599](https://arxiv.org/abs/1706.04599) · Gao et al. 2023, *Scaling laws for reward model
overoptimization*, [2210.10760](https://arxiv.org/abs/2210.10760) · Singhal et al. 2023, *A long way to go:
investigating length correlations in RLHF*, [2310.03716](https://arxiv.org/abs/2310.03716) · Coste et al. 2024, *Reward
model ensembles help mitigate overoptimization*, [2310.02743](https://arxiv.org/abs/2310.02743) · Beirami et al. 2024,
*Theoretical guarantees on the best-of-n alignment policy*, [2401.01879](https://arxiv.org/abs/2401.01879)

Next: **06 ppo** takes a reward model like yours and trains a policy against it.
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
