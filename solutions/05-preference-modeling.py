# %% [markdown]
r"""
# 05 · Preference modeling

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 3 hours | 30 | PyTorch, no other notebook | write and train a reward model, and say how far to trust it |

People can say which of two lists they like better. PPO, the algorithm that improves the language model in notebook 06,
needs a *number* for every list. The **reward model** stands between the two: it reads a list and predicts how well
people would place it.

You write its head and its losses, train it, and then ask the question that decides everything later: *what did it
really learn?*
"""

# %% [markdown]
"""
Every exercise has a `check` that answers in words, and `hint("5.3")` gives the next hint. What you skip is replaced by
the course's own function. All code together runs for about two minutes on two cores.

**After a restart** of the kernel nothing is defined any more: go to the cell you want, and choose *Run → Run All Above
Selected Cell*.
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
from topfive.lists import Ranking, parse
from topfive.lm.model import load
from topfive.lm.sampling import sample_texts
from topfive.reward import heads, measure
from topfive.reward.model import encode_pairs, from_language_model, values_everywhere
from topfive.reward.train import RewardConfig, train_reward_model

few = not training_allowed()  # smaller numbers, only while the notebook is being graded
plots.show_loop("reward model")

# %% [markdown]
"""
## 1 · What people told us

Rankings come from two sources here. For the first, the **SFT model** of notebook 03, a small language model fine-tuned
on good lists, wrote four lists for each of 400 prompts, and three of fifty workers put each four in order.
"""

# %%
sft, tokenizer = load(data.checkpoint("sft"))
crowd = preferences.crowd_rankings(sft, tokenizer, groups=16 if few else 400)

# %% [markdown]
"""
All labellers here are simulated, and their rows say so. They go by the course's **judge**, a program that knows what
fits a prompt, and by chance. The crowd also has likes of its own, and a few only pretend to work. One ranking:
"""


# %%
def show(labeller: str, ranking: Ranking) -> None:
    print(ranking.prompt.text, "· ranked by", labeller)
    for place, text in sorted(zip(ranking.ranks, ranking.texts, strict=True)):
        print(place, " / ".join(parse(text).items))


show(*crowd[0])

# %% [markdown]
"""
A ranking is *one act* of one person. It holds no number, only an order.

One model wrote all four, so often little sets them apart. Real projects therefore also collect rankings of lists by
**different writers** (Stiennon et al. 2020 mixed several models and people).
"""

# %% [markdown]
"""
Our second source is such a **mixed** one: a list of fitting items, one by SFT, one that answers another prompt, and a
spoiled one. Its labellers may also call two lists equal, as you can in a panel. **About 15 seconds.**
"""

# %%
groups = 16 if few else 300
other_writers = {"mixed": True, "tie_width": 0.3}
mixed = preferences.simulated_rankings(sft, tokenizer, groups, seed=21, **other_writers)
tied = [one for one in mixed if len(set(one[1].ranks)) < len(one[1].ranks)]
print(f"{len(tied)} of {len(mixed)} rankings hold a tie, such as")
show(*(tied or mixed)[0])

# %% [markdown]
"""
Before anything else, some rankings are put aside to measure with. **Predict first:** every four lists of the crowd were
ranked by three workers. If we drew single rankings at random for the test, what would be wrong with it?
"""

# %%
to_learn, put_aside = preferences.split_by_lists(crowd)
crowd_held = [one for group in put_aside for one in group]
crowd_learned = [group[0][1] for group in to_learn]
mixed_learned = [ranking for _, ranking in mixed]
train_rankings = crowd_learned + mixed_learned
print(len(train_rankings), "rankings to learn from")
print(len(crowd_held), "of the crowd held out")

# %% [markdown]
"""
The same lists would be on both sides, and the model could know them by heart. So we split by *lists*.

The model learns from one ranking of each four, only to keep training short. Section 8 says what the other two are
worth.
"""

# %% [markdown]
"""
For the mixed lists we go further: fresh ones, for *prompts* that are in no training ranking, each four ranked by three
labellers.
"""

# %%
unseen = {"labellers": 3, "split": "validation"} | other_writers
groups = 8 if few else 60
mixed_held = preferences.simulated_rankings(sft, tokenizer, groups, seed=22, **unseen)
print(len(mixed_held), "mixed rankings held out")

# %% [markdown]
"""
## 2 · From a list to a number

The reward model is the language model with another output. Its **trunk** turns each token into a vector, its *hidden
state*. The **head** is one more vector, of the same width; its product with a hidden state is one number. Prompt and
list are read as one text, so there is a number at every token, and one score has to come out of them.
"""

# %%
untrained = from_language_model(sft, seed=1)
_, example = mixed_held[0]
tokens, mask = encode_pairs(tokenizer, [example.prompt.text] * 4, example.texts)
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
asked_with = len(tokenizer(example.prompt.text)["input_ids"])
drawn = plots.preference_modeling.numbers_at_tokens(
    numbers[shortest], prompt=asked_with, real=int(mask[shortest].sum())
)
alt = "Bars of the head's number at each token of the prompt, of the list, and on pads"
plots.show(drawn, alt=alt)

# %% [markdown]
"""
### 5.1 One score from many numbers · 6 min · 2 points · needs nothing

The reward model of this notebook takes the **mean** over real tokens, so that every line of the list has its say. It is
trained through this function, so a gradient has to flow back to the numbers: work with tensors all the way.
"""

# %% [markdown]
"""
**Predict first.** Numbers 1, 6, 2 and, on a pad, 7. What is the score? Which two wrong answers come to mind?
"""


# %% solution="mean-of-tokens"
def mean_of_tokens(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each list: the mean of its numbers over real tokens.

    numbers: (batch, time) float, the head's number at each token.
    mask: (batch, time) int64, 1 on real tokens, 0 on pads, which may stand on either
    side and hold any number. Every list has a real token.
    Returns (batch,) float, with a gradient back to `numbers`.
    """
    ### BEGIN SOLUTION 5.1: the mean over real tokens only, one for each list
    return (numbers * mask).sum(dim=1) / mask.sum(dim=1)
    ### END SOLUTION


# %%
with once_written():
    toy = torch.tensor([[1.0, 6.0, 2.0, 7.0]])
    print(mean_of_tokens(toy, torch.tensor([[1, 1, 1, 0]])))

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
"""
The mean hides two things. The *prompt's* tokens count as well, more in a short list than in a long one. And a token
knows only what stands before it: the first item is judged before the fifth is read.
"""

# %% [markdown]
r"""
### 5.2 The last real token · 8 min · 2 points · needs nothing

Most reward models read the number at the **last real token**, since by then the trunk has read everything (so do
transformers' sequence classifiers, and with them TRL). Section 8 tries both.
"""

# %% [markdown]
"""
One trap: training code pads on the right, a generator pads on the left. Your function should find the last real token
in both, list by list. And again a gradient has to flow back to the number that is read.
"""


# %% solution="last-token"
def last_token(numbers: Tensor, mask: Tensor) -> Tensor:
    """Score of each list: the number at its last real token.

    numbers: (batch, time) float. mask: (batch, time) int64, 1 on real tokens, 0 on
    pads, which may hold any number. The pads of a list stand all on its right or all on
    its left, in one batch on either. Every list has a real token.
    Returns (batch,) float, with a gradient back to `numbers`.
    """
    ### BEGIN SOLUTION 5.2: the last real place in each row, and the number there
    places = torch.arange(mask.shape[1], device=mask.device)
    last = (places * mask).argmax(dim=1)
    return numbers.gather(1, last[:, None])[:, 0]
    ### END SOLUTION


# %%
with once_written():
    toy = torch.tensor([[1.0, 6.0, 2.0, 7.0], [7.0, 1.0, 6.0, 2.0]])
    print(last_token(toy, torch.tensor([[1, 1, 1, 0], [0, 1, 1, 1]])))

# %% [markdown]
"""
The same list twice, with a pad on its right and on its left. It has one score.
"""

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
    chance = torch.sigmoid(torch.tensor(difference))
    print(f"ahead by {difference}: preferred with probability {chance:.3f}")

# %% [markdown]
r"""
### 5.3 The Bradley–Terry loss · 10 min · 3 points · needs nothing

Of each pair we know which list was **chosen** and which **rejected**. The loss is how surprised the model is:

$$\mathcal{L} = -\,\text{mean}\,\log \sigma(s_\text{chosen} - s_\text{rejected})$$

(Stiennon et al. 2020, section 3.4; in InstructGPT, Ouyang et al. 2022, equation 1.) With the natural logarithm it is
measured in *nats*.
"""

# %% [markdown]
"""
**Predict first.** A model that gives every list the same score: what is its loss? And one that is off by 200, the wrong
way round?
"""


# %% solution="bradley-terry-loss"
def bradley_terry_loss(chosen: Tensor, rejected: Tensor) -> Tensor:
    """Mean of −log σ(chosen − rejected) over pairs, in nats.

    Exact also where a difference is hundreds.
    chosen, rejected: (batch,) float, scores of the preferred and of the other list.
    Returns a scalar, with a gradient back to both.
    """
    ### BEGIN SOLUTION 5.3: one line; mind what the sigmoid of −200 is in the computer
    return -F.logsigmoid(chosen - rejected).mean()
    ### END SOLUTION


# %%
with once_written():
    print("all the same:", bradley_terry_loss(torch.zeros(3), torch.zeros(3)))
    chosen, rejected = torch.tensor([-100.0]), torch.tensor([100.0])
    print("off by 200:  ", bradley_terry_loss(chosen, rejected))

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
slopes = []
for difference in differences:
    ahead = difference.clone()[None].requires_grad_()
    loss_of(ahead, torch.zeros(1)).backward()
    slopes.append(-float(ahead.grad))
alt = "A curve that falls from 1, where the model is wrong, to 0, where it is right"
plots.show(plots.preference_modeling.pull(differences, slopes), alt=alt)

# %% [markdown]
r"""
## 4 · A whole ranking at once

Four lists in order are six pairs. But the six are not independent: the person decided once. Luce (1959) and Plackett
(1975) read a ranking as **choices**: the best among all four, then the best of the remaining three, then of two. With
the scores in order, the best list first,

$$P(\text{order}) = \prod_{i=1}^{K-1} \frac{e^{s_i}}{e^{s_i} + e^{s_{i+1}} + \dots + e^{s_K}}$$
"""

# %%
three = torch.tensor([2.0, -1.0, 0.5])
among_three = three.softmax(dim=0)[0]
among_two = three[1:].softmax(dim=0)[0]
print(f"among three: {among_three:.3f} · then among two: {among_two:.3f}")
print(f"the order: {among_three * among_two:.3f}")

# %% [markdown]
"""
### 5.4 One order, choice by choice · 12 min · 2 points · needs nothing

A choice costs −log of its probability, as a pair did in 5.3. The loss of an order is the mean over its **choices**.

Begin with the simplest case: one order, no ties, and the lists stand in the order in which they were placed. A loop
over the choices is fine.
"""

# %% [markdown]
"""
**Predict first.** If all scores are equal, what does the order of three lists cost?
"""


# %% solution="order-loss"
def order_loss(scores: Tensor) -> Tensor:
    """Mean surprise of a choice, in nats, in one order of at least two lists.

    scores: (K,) float, from the list on the best place to the one on the worst.
    Exact also where scores are hundreds apart.
    Returns a scalar, with a gradient back to `scores`.
    """
    ### BEGIN SOLUTION 5.4: choice by choice, each among the lists that are still there
    costs = [scores[i:].logsumexp(dim=0) - scores[i] for i in range(len(scores) - 1)]
    return torch.stack(costs).mean()
    ### END SOLUTION


# %%
with once_written():
    print(f"2, −1, ½ in this order: {order_loss(three):.3f} nats a choice")
    print(f"three equal scores:     {order_loss(torch.zeros(3)):.3f}")

# %% [markdown]
"""
The first is −log of the probability above, divided by two choices. The second is the mean of log 3 and log 2: what
somebody pays who knows nothing.
"""

# %%
check("5.4", order_loss)

# %% test="order-loss-test" points=2
# 5.4 is graded on other orders, some with scores far apart, and on its gradient.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.4", lambda: order_loss, seeds=(526, 527, 528))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 5.5 Ties, and lists that are missing · 18 min · 3 points · builds on 5.4

Real rankings are untidy. Training reads many at once, their lists in any order, and

- some hold **ties**, as those above. If two lists share place 1, each of them was chosen from *all* lists on place 1 or
  worse (Breslow 1974);
- some are **shorter**. A ranking of three in a batch of fours has one place **0**: no list there.

The lists on the **last place** were never chosen: they are what was left.
"""

# %% [markdown]
"""
Only the order of the places counts: 1, 1, 3 is the same as 1, 1, 2. The loss of a batch is the mean over its rankings,
and each of these the mean over its own choices.
"""

# %% [markdown]
"""
**Predict first.** Places 1, 1, 2: how many choices is that? And places 1, 2, 2?
"""


# %% solution="plackett-luce-loss"
def plackett_luce_loss(scores: Tensor, ranks: Tensor) -> Tensor:
    """Mean surprise of a choice, in nats: over a ranking's choices, then over rankings.

    scores: (batch, K) float. ranks: (batch, K) int64 places, 1 the best; equal places
    tie; 0 for no list there. A list on place r was chosen among all lists on place r or
    worse. Lists on the last place were not chosen. A ranking that ties everything has
    no choices, and loss 0. Exact also where scores are hundreds apart.
    Returns a scalar, with a gradient back to `scores`.
    """
    ### BEGIN SOLUTION 5.5: for each list, who was still there? Then as in 5.4
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
    for places in ([1, 2, 3], [1, 1, 2], [1, 2, 2], [1, 2, 0]):
        cost = plackett_luce_loss(three[None], torch.tensor([places]))
        print(f"places {places}: {cost:.3f} nats a choice")

# %% [markdown]
"""
The first is 5.4's number. Places 1, 1, 2 are two choices, each among all three; places 1, 2, 2 are a single one. With
place 0 for the third list, two are left: Bradley–Terry, for 2 against −1.
"""

# %%
check("5.5", plackett_luce_loss)

# %% test="plackett-luce-loss-test" points=3
# 5.5 is graded on other rankings, with ties and missing lists, and on its gradient.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.5", lambda: plackett_luce_loss, seeds=(531, 532, 533))
### END HIDDEN TESTS

# %% [markdown]
"""
## 5 · Train it

The trunk is a copy of the SFT model, the head is random, and both learn. All lists of one ranking stay in one batch:
four passes through the trunk serve six comparisons (Ouyang et al. 2022, section 3.5). Each ranking is seen twice.
"""

# %% [markdown]
"""
**Predict first.** What loss will the untrained model have? (Four lists, three choices: among 4, among 3, among 2.) How
far down will it get?
"""

# %%
blind = np.mean(np.log([4, 3, 2]))
print(f"somebody who knows nothing: {blind:.2f} nats a choice")

# %% [markdown]
"""
**About 30 seconds.** It saves the model in `work/reward`: hand that folder in, too.
"""

# %%
pl_loss = use("5.5", plackett_luce_loss)


def train() -> tuple[PreTrainedModel, Tokenizer]:
    model = from_language_model(sft, seed=11)
    curve = plots.LossCurve(colour=plots.RLHF, unit="nats a choice")
    config = RewardConfig(epochs=2, batch_size=16, learning_rate=1e-3, seed=11)
    watched = {"loss_fn": pl_loss, "progress": curve}
    train_reward_model(model, tokenizer, train_rankings, config, **watched)
    return model, tokenizer


reward, _ = trained("reward", train)

# %% [markdown]
"""
The curve should begin near what somebody pays who knows nothing. Its end was measured on lists that it learned from.

**After a restart** you need not train again: in place of the last line above, write `from topfive.checks import saved`
and `reward, _ = saved("reward")`, then choose *Run All Above Selected Cell*.
"""

# %% [markdown]
"""
### Learned, or learned by heart?

The same loss, on rankings it learned from and on those put aside, for both kinds of lists, beside that of somebody who
gives every list the same score.
"""

# %% [markdown]
"""
**Predict first:** which of the four numbers will be worst?
"""


# %%
held = {
    "mixed": [ranking for _, ranking in mixed_held],
    "SFT's": [ranking for _, ranking in crowd_held],
}
learned = {"mixed": mixed_learned, "SFT's": crowd_learned}


def loss_on(rankings: list[Ranking]) -> tuple[float, float]:
    scores = heads.score_lists(reward, tokenizer, rankings)
    ranks = heads.padded_ranks(rankings)
    return float(pl_loss(scores, ranks)), float(pl_loss(0 * scores, ranks))


# %%
print("nats a choice: learned from · held out · knowing nothing")
for kind, some in held.items():
    (known, _), (new, nothing) = loss_on(learned[kind]), loss_on(some)
    verdict = "WORSE" if new > nothing else "better"
    print(f"{kind} lists: {known:.2f} · {new:.2f} · {nothing:.2f}", end="; ")
    print(f"held out it is {verdict} than knowing nothing")

# %% [markdown]
"""
**Overfitting** is the distance between *learned from* and *held out*. Part of what the model learned carries over to new
lists; the rest it knows by heart. Where *held out* is worse than knowing nothing, being that sure did more harm than its
knowledge did good.
"""

# %% [markdown]
"""
A training curve proves little, then. From here on, all is measured on held-out lists, and on both kinds.
"""

# %% [markdown]
"""
Read what it thinks of four lists for a prompt that it has never seen. Would you have put them in the same order? (That
the scores are all large or all negative means nothing.)
"""

# %%
labeller, new = mixed_held[0]
opinions = heads.score_lists(reward, tokenizer, [new])[0].tolist()
print(new.prompt.text, "· placed by", labeller)
by_score = sorted(zip(opinions, new.ranks, new.texts, strict=True), reverse=True)
for score, place, text in by_score:
    print(f"score {score:+.2f} · place {place} · {' / '.join(parse(text).items)}")

# %% [markdown]
"""
## 6 · How often is it right?

### 5.6 Pairs in the right order · 10 min · 3 points · needs nothing

**Accuracy**: of all pairs of lists that a labeller told apart, the share that the scores order in the same way. Your
function counts both, ranking by ranking; why not only the share, you will see in a moment.
"""

# %% [markdown]
"""
**Predict first.** Scores 5, 1, 2 and places 1, 2, 3. How many pairs are there, and how many are right?
"""


# %% solution="pairs-right"
def pairs_right(scores: Tensor, ranks: Tensor) -> tuple[Tensor, Tensor]:
    """Pairs of each ranking that the scores order as the labeller did, of how many.

    scores: (batch, K) float. ranks: (batch, K) int64 places, 1 the best; equal places
    tie; 0 for no list there. A pair counts once, and only if its places differ. Where
    its two scores are equal, half of it is right.
    Returns (right, pairs), each (batch,) float.
    """
    ### BEGIN SOLUTION 5.6: compare every list with every other; count, for each ranking
    present = ranks > 0
    better = ranks[:, :, None] < ranks[:, None, :]
    better = better & present[:, :, None] & present[:, None, :]
    difference = scores[:, :, None] - scores[:, None, :]
    right = (difference > 0).to(scores.dtype) + 0.5 * (difference == 0).to(scores.dtype)
    return (right * better).sum(dim=(1, 2)), better.sum(dim=(1, 2)).to(scores.dtype)
    ### END SOLUTION


# %%
with once_written():
    print(pairs_right(torch.tensor([[5.0, 1.0, 2.0]]), torch.tensor([[1, 2, 3]])))

# %%
check("5.6", pairs_right)

# %% test="pairs-right-test" points=3
# 5.6 is graded on other rankings, with ties on both sides and with fewer lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.6", lambda: pairs_right, seeds=(541, 542, 543))
### END HIDDEN TESTS

# %% [markdown]
"""
Now on the rankings that were put aside: first on lists by different writers.
"""

# %%
count = use("5.6", pairs_right)


def scores_by(model: PreTrainedModel) -> dict[str, Tensor]:
    lists = held.items()
    return {kind: heads.score_lists(model, tokenizer, some) for kind, some in lists}


opinion = scores_by(reward)
places_of = {kind: heads.padded_ranks(some) for kind, some in held.items()}
right, pairs = map(torch.as_tensor, count(opinion["mixed"], places_of["mixed"]))
print(f"{right.sum():.0f} of {pairs.sum():.0f} pairs: {right.sum() / pairs.sum():.3f}")

# %% [markdown]
"""
Other lists would have given another number. If all pairs were independent, statistics has a formula (Wilson's interval).
But pairs of the same four lists rise and fall together, so `stats.cluster_ratio` draws whole prompts again and again.
"""

# %% [markdown]
"""
**Predict first:** which interval is wider?
"""

# %%
prompts_of = {kind: [one.prompt.text for one in some] for kind, some in held.items()}
accuracy = stats.cluster_ratio(right, pairs, prompts_of["mixed"])
print("as if pairs were independent:", stats.wilson(int(right.sum()), int(pairs.sum())))
print("whole prompts drawn again:   ", accuracy)

# %% [markdown]
"""
That is why your function counts for each ranking. Report the second interval. `n` is the number of prompts: what your
evidence really consists of.

**Predict first.** That was on lists by different writers. And on the crowd's, where SFT wrote all four?
"""


# %%
def accuracy_on(kind: str, scores: Tensor) -> stats.Estimate:
    return stats.cluster_ratio(*count(scores, places_of[kind]), prompts_of[kind])


def beside_a_coin(found: stats.Estimate) -> str:
    verdict = "better" if found.low > 0.5 else "NO BETTER"
    return f"{found} · {verdict} than a coin"


for kind, scores in opinion.items():
    print(f"{kind} lists: {beside_a_coin(accuracy_on(kind, scores))}")

# %% [markdown]
"""
One model, two numbers, both true. **An accuracy belongs to the lists it was measured on.** Telling a good list from a
spoiled one is not telling two ordinary lists apart, and PPO compares ordinary ones. So ask of any accuracy: on pairs of
what?
"""

# %% [markdown]
"""
### Your reward model · 3 points

When your work is graded, the model in `work/reward` meets rankings of fresh mixed lists, made with a secret seed by a
labeller without noise. Points go by its pair accuracy there: from 0.60 one, from 0.65 two, from 0.70 three. They count
once 5.4 or 5.5 has points of its own: it is your loss that should have trained it. The course's own checkpoint earns
none.
"""

# %% test="reward-model" points=3
# Your model is measured on other lists. Hand in the folder work/reward, too.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_reward as _grade

_grade({
    "5.4": lambda: order_loss, "5.5": lambda: plackett_luce_loss,
}, seeds=(536, 537), seed=90210, at_least={0.60: 1, 0.65: 2, 0.70: 3})  # fmt: skip
### END HIDDEN TESTS

# %% [markdown]
r"""
## 7 · How good could it be?

Is that a bad model, or a hard task? People differ. Nobody can predict a coin.
"""

# %%
alike = {
    "mixed": preferences.agreement(mixed_held),
    "SFT's": preferences.agreement(crowd_held),
}
for kind, agreed in alike.items():
    print(f"{kind} lists: two labellers agree in {agreed}")

# %% [markdown]
r"""
### 5.7 The ceiling · 10 min · 2 points · needs nothing

Take one pair. Say a randomly picked labeller gives the **likelier answer** with probability $m$, and the other answer
with $1-m$. Then

- the best any model can do is to give the likelier answer: it is right with probability $m$;
- two labellers agree with probability $m^2 + (1-m)^2$: both give the likelier answer, or both the other.
"""

# %% [markdown]
"""
**Predict first.** $m = 0.9$: how often do two labellers agree?

We can measure the agreement, and ask for $m$. Solve for it; your function is the solution. If agreement is below one
half (which happens by chance in small samples), the answer is ½.
"""


# %% solution="accuracy-ceiling"
def accuracy_ceiling(agreement: Tensor) -> Tensor:
    """The m for which m² + (1 − m)² is the agreement: the most a model can be right.

    agreement: (n,) float, shares of pairs on which two labellers agree.
    Returns (n,) float, at least 1/2.
    """
    ### BEGIN SOLUTION 5.7: solve m² + (1 − m)² = agreement for the larger m
    return (1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2
    ### END SOLUTION


# %%
with once_written():
    print(accuracy_ceiling(torch.tensor([0.5, 0.6, 0.82, 1.0])))

# %%
check("5.7", accuracy_ceiling)

# %% test="accuracy-ceiling-test" points=2
# 5.7 is graded on other agreements, from chance to certainty.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.7", lambda: accuracy_ceiling, seeds=(551, 552, 553))
### END HIDDEN TESTS

# %% [markdown]
"""
Beside it we put somebody who knows what the labellers go by: the judge itself, without their chance and their likes.
"""

# %%
from topfive.judge import Judge

top = use("5.7", accuracy_ceiling)
knows = {}
for kind, some in held.items():
    repeated = [one.prompt for one in some for _ in one.texts]
    texts = [text for one in some for text in one.texts]
    by_judge = torch.from_numpy(Judge().scores(repeated, texts)).float()
    knows[kind] = heads.in_rankings(by_judge, some)

# %%
for kind in held:
    ceiling = float(torch.as_tensor(top(torch.tensor([alike[kind].mean])))[0])
    print(f"{kind} lists: ceiling {ceiling:.2f}", end=" · ")
    print("judge", accuracy_on(kind, knows[kind]), end=" · ")
    print("your model", accuracy_on(kind, opinion[kind]))

# %% [markdown]
r"""
So, a bad model or a hard task? What lies above the ceiling is the task. What lies below is the model, too few labels,
and a ceiling that is a little too high. The two rows need not give the same answer.

And the ceiling lies above the agreement: **a model can agree with a labeller more often than a second labeller does.**
That is nothing superhuman: the second labeller has noise of their own, the model has none.
"""

# %% [markdown]
r"""
Why too high? Pairs are not all equally hard. Let half of them be clear ($m = 1$) and half pure taste ($m = ½$).
"""

# %%
m = torch.tensor([1.0, 0.5])
together = (m**2 + (1 - m) ** 2).mean()
bound = float(torch.as_tensor(top(together[None]))[0])
print(f"labellers agree in {together:.2f}; the formula says {bound:.3f}", end="; ")
print(f"the best model gets {m.mean():.3f}")

# %% [markdown]
r"""
The curve $m^2+(1-m)^2$ bends upwards, so a mixture of easy and hard pairs agrees more often than middling pairs of
the same mean $m$ (Jensen's inequality). The formula then hands back too large an $m$: it is an **upper bound**, exact
only if all pairs are equally hard.
"""

# %% [markdown]
r"""
Labellers who share a bias, towards longer lists for instance, raise it further: they agree for no good reason. And the
agreement is itself an estimate with an interval.
"""

# %% [markdown]
"""
## 8 · Where to read the score, and how sure to be

Questions like "mean or last token?" can be asked cheaply: keep the trunk **fixed**, compute all hidden states once, and
train only the head, one vector. Every other ranking is enough for that. **About 15 seconds.**
"""

# %%
every_other = train_rankings[::2]
states, states_mask = heads.hidden_states(sft, tokenizer, every_other)
held_states = {}
for kind, some in held.items():
    held_states[kind] = heads.hidden_states(sft, tokenizer, some)
states.shape  # (lists, tokens, width)

# %% [markdown]
"""
**Predict first:** which reading wins? And will a head alone come near the model in which everything was trained?
"""


# %%
def head_on(kind: str, head: Tensor, read: heads.Read) -> Tensor:
    its_states, its_mask = held_states[kind]
    return heads.in_rankings(read(its_states @ head, its_mask), held[kind])


readings = {"mean": use("5.1", mean_of_tokens), "last token": use("5.2", last_token)}
fitted = {
    name: heads.fit_head(states, states_mask, every_other, read=read, loss_fn=pl_loss)
    for name, read in readings.items()
}

# %%
for kind in held:
    counted = []
    for name, read in readings.items():
        scores = head_on(kind, fitted[name], read)
        counted.append(count(scores, places_of[kind]))
        print(f"{kind} lists, {name:10} {accuracy_on(kind, scores)}")
    (by_mean, of), (by_last, _) = counted
    ahead = stats.cluster_ratio(by_mean - by_last, of, prompts_of[kind])
    print(f"{kind} lists, mean is ahead by {ahead}")

# %% [markdown]
"""
Both heads ordered the same pairs, so their difference has an interval of its own: only if it leaves out 0 has one of
them won. It speaks of heads on a fixed trunk; one that is trained along may differ.
"""

# %% [markdown]
"""
### A rival that cannot read

Notebook 00 used no language model for its reward. It added up the worth of the **words** in a list, fitted to the same
kind of rankings by the same Plackett–Luce loss, with a penalty on large weights (*ridge*). It knows no order of words,
and not even the prompt.
"""

# %% [markdown]
"""
**Predict first:** on which of the two kinds of lists can it compete?
"""

# %%
from topfive.reward.words import fit_word_reward, word_accuracy

three_of_each = [ranking for group in to_learn for _, ranking in group]
rivals = {
    "one ranking of each four": fit_word_reward(train_rankings),
    "all three": fit_word_reward(three_of_each + mixed_learned),
}
for kind, some in held.items():
    for fed_with, rival in rivals.items():
        print(f"{kind} lists, {fed_with:24} {word_accuracy(rival, some)}")

# %% [markdown]
"""
Put these beside your model's two numbers of section 6. Only a model that reads the prompt notices that a fine list
answers another question. Where one model wrote all lists, much is about which words please. Try the dumb model, too; it
tells what your data are about.
"""

# %% [markdown]
"""
### One that practised first

A ranking says little: one order, for twenty items. So the reward model that comes with the course, of the same kind as
yours, practised before it saw one, on a great many made-up lists with a **mark on every line**: good here, or spoiled
(said twice, against the prompt's constraint, from another topic, vague). A program made the marks, and nobody had to
click. Then it went once through the crowd's rankings, without those put aside in section 1.
"""

# %% [markdown]
"""
Before you admire it: the marks come from the bank of items that the judge looks things up in, so it was shown much of
the test's answer key. And its recipe was chosen on these very groups (`docs/carry-on.md`): a little of its number is
luck.
"""

# %% [markdown]
"""
To learn from other preferences first is an old habit (Askell et al. 2021, section 4, took votes and edits from public
websites); marking steps instead of answers is called *process supervision* (Lightman et al. 2023).
"""

# %% [markdown]
"""
**Predict first:** on which kind of lists does it help more?
"""

# %%
from topfive.reward.model import load as load_reward_model

expert = load_reward_model(data.checkpoint("reward"))
practised = scores_by(expert)
for kind in held:
    for whose, scores in (("yours", opinion[kind]), ("practised", practised[kind])):
        print(f"{kind} lists, {whose:9} {beside_a_coin(accuracy_on(kind, scores))}")

# %% [markdown]
"""
Hold both against the ceiling and the judge of section 7, not against 1.
"""

# %% [markdown]
"""
### Three opinions

Heads are cheap, so train **three**, each on its own random draw of the rankings (some twice, some not at all). Where
three heads that learned from nearly the same evidence disagree, the evidence does not decide.
"""

# %%
read = readings["mean"]
known, how = (states, states_mask, every_other), {"read": read, "loss_fn": pl_loss}
three_heads = [heads.fit_head(*known, **how, seed=seed) for seed in (1, 2, 3)]
a, b = torch.triu_indices(4, 4, offset=1)  # the six pairs of four lists

# %%
for kind, ranks in places_of.items():
    votes = torch.stack([head_on(kind, head, read) for head in three_heads])
    signs = (votes[:, :, a] - votes[:, :, b]).sign().sum(dim=0)
    told = ranks[:, a] != ranks[:, b]
    right_way = told & (signs.sign() == (ranks[:, b] - ranks[:, a]).sign())
    for title, chosen in (("agree", signs.abs() == 3), ("differ", signs.abs() < 3)):
        of = (chosen & told).sum(dim=1)
        right = (right_way & chosen).sum(dim=1)
        share = stats.cluster_ratio(right, of, prompts_of[kind])
        print(f"{kind} lists, the three {title:6} on {int(of.sum()):4} pairs", end="; ")
        print(f"their majority is right in {share}")

# %% [markdown]
"""
Where the two intervals of a kind lie apart, disagreement is a warning that costs no labels. Christiano et al. (2017) have
such lists ranked next; Coste et al. (2024) take the lowest of several rewards during PPO. But three heads on one trunk
are blind to the same things.
"""

# %% [markdown]
"""
## 9 · What did it learn?

### Does it know how sure it is?

σ(difference of scores) is a *probability*. If a model says 0.8, it should be right in 80 of 100 such pairs; then it
is **calibrated**. For that, the two lists of a pair have to stand in random order, or the outcome would always be 1.
They do: each labeller saw the four in an order of their own, and list a is the one that stood further left.
"""

# %%
sure, happened = {}, {}
for kind, ranks in places_of.items():
    told = ranks[:, a] != ranks[:, b]
    sure[kind] = torch.sigmoid(opinion[kind][:, a] - opinion[kind][:, b])[told]
    happened[kind] = (ranks[:, a] < ranks[:, b])[told].long()
    print(f"{kind} lists: {len(sure[kind])} pairs, predictions from", end=" ")
    print(f"{sure[kind].min():.2f} to {sure[kind].max():.2f}")

# %% [markdown]
"""
### 5.8 A calibration table · 12 min · 3 points · needs nothing

Sort predictions into bins of equal width. In each bin: what was predicted on average, how often did it happen, and on
how many pairs does that rest?
"""

# %% [markdown]
"""
**Predict first.** A model that is *too sure*: is its curve of observed against predicted steeper or flatter than the
diagonal?
"""

# %% [markdown]
"""
(Guo et al. 2017, section 2, sort the probability of the *likelier* answer, never below ½, into bins that hold their
upper edge. Ours is the probability that a wins, and a bin holds its lower edge.)
"""


# %% solution="calibration-table"
def calibration_table(
    probabilities: Tensor,
    outcomes: Tensor,
    bins: int = 10,
) -> Tensor:
    """Predicted probability against observed frequency, bin by bin.

    probabilities: (n,) float in [0, 1]. outcomes: (n,) 1 where it happened, else 0.
    Bin b (from 0) holds b/bins ≤ p < (b + 1)/bins; the last one also holds p = 1.
    Returns (bins, 3) float: mean predicted probability, share of outcomes that are 1,
    number of predictions. Where a bin is empty, the first two are NaN, the third is 0.
    """
    ### BEGIN SOLUTION 5.8: the bin of each prediction; then mean, share and count
    place = (probabilities * bins).long().clamp(max=bins - 1)
    rows = []
    for b in range(bins):
        inside = place == b
        came_true = outcomes[inside].to(probabilities.dtype).mean()
        number = inside.sum().to(probabilities.dtype)
        rows.append(torch.stack([probabilities[inside].mean(), came_true, number]))
    return torch.stack(rows)
    ### END SOLUTION


# %%
with once_written():
    toy = torch.tensor([0.5, 0.625, 0.125, 0.25, 0.75])
    print(calibration_table(toy, torch.tensor([1, 0, 0, 1, 1]), bins=2))

# %%
check("5.8", calibration_table)

# %% test="calibration-table-test" points=3
# 5.8 is graded on other predictions, on the edges of bins and with empty bins.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.8", lambda: calibration_table, seeds=(561, 562, 563))
### END HIDDEN TESTS

# %% [markdown]
"""
One panel for each kind of lists. The area of a dot is its number of pairs; bins of fewer than 20 are left out. The
slope is that of the best straight line through the middle; its interval draws prompts again.
"""

# %% [markdown]
"""
**Predict first:** will the two panels say the same?
"""

# %%
table_of = use("5.8", calibration_table)
tables, slope_of = {}, {}
for kind, ranks in places_of.items():
    tables[kind] = torch.as_tensor(table_of(sure[kind], happened[kind], bins=10))
    slope_of[kind] = measure.calibration_slope(opinion[kind], ranks, prompts_of[kind])
drawn = plots.preference_modeling.calibration(tables, slope_of)
slopes = "; ".join(f"{kind} lists {slope}" for kind, slope in slope_of.items())
plots.show(drawn, alt=f"Observed against predicted, with slopes: {slopes}")

# %%
for kind, ranks in places_of.items():
    slope = measure.calibration_slope(practised[kind], ranks, prompts_of[kind])
    error = measure.calibration_error(tables[kind])
    print(f"{kind} lists: yours {slope_of[kind]}, practised {slope}", end="; ")
    print(f"yours is {error:.2f} off the diagonal on average (ECE)")

# %% [markdown]
"""
Flatter than the diagonal means **too sure**, steeper too modest. Near slope 0, differences say nothing, however large
they are.

PPO compares lists like those on the right. The left panel alone may tell another story, as the accuracy did.
"""

# %% [markdown]
"""
Does being too sure harm PPO? Its *scale* does not: before PPO, scores are scaled so that SFT lists have standard deviation
1. But then noise is as loud as a good model's knowledge, and PPO walks after both.
"""

# %% [markdown]
"""
### Is it fooled by length?

The simplest bad reward model counts words. Length may even tell something: a detail or two helps, rambling does not.
But a model that leans on length more than people do will be exploited (Singhal et al. 2023).
"""

# %% [markdown]
"""
**Predict first:** how often is the longer list the better one, for the labellers? And for the model?
"""


# %%
def longer_first(kind: str, ranks: Tensor) -> stats.Estimate:
    words = [float(len(text.split())) for one in held[kind] for text in one.texts]
    as_scores = heads.in_rankings(torch.tensor(words), held[kind])
    return stats.cluster_ratio(*count(as_scores, ranks), prompts_of[kind])


for kind, ranks in places_of.items():
    by_model = opinion[kind].argsort(dim=1, descending=True).argsort(dim=1) + 1
    print(f"{kind} lists: the labellers", longer_first(kind, ranks), end=" · ")
    print("your model", longer_first(kind, by_model))

# %% [markdown]
"""
Here `pairs_right` did the work, with the number of words as the "score". Compare the model with the labellers, not with
one half: whoever learns from people who like longer lists may like them, too, as much as they do.
"""

# %% [markdown]
"""
### Does the order matter?

In two ways. *People* may be pulled towards what they see first. The crowd was shown lists in random order, so without
such a pull the list shown first would be placed first in one ranking of four.
"""


# %%
def placed_first(labelled: list[preferences.Labelled]) -> stats.Estimate:
    first = [float(ranking.ranks[0] == 1) for _, ranking in labelled]
    prompts = [ranking.prompt.text for _, ranking in labelled]
    return stats.cluster_bootstrap(first, prompts)


print("shown first and placed first:", placed_first(crowd), "· by chance 0.25")

# %% [markdown]
"""
Is the crowd pulled, then? Look at *who* is. **Predict first:** some workers only pretend to work. What does somebody do
who wants to be done with a ranking?
"""

# %%
by_worker: dict[str, set[tuple[int, ...]]] = {}
for worker, ranking in crowd:
    by_worker.setdefault(worker, set()).add(ranking.ranks)
idle = [worker for worker, given in by_worker.items() if given == {(1, 2, 3, 4)}]
working = [one for one in crowd if one[0] not in idle]
print(f"{len(idle)} workers never move a list: {len(crowd) - len(working)} rankings")
print("without them:", placed_first(working))
with_them, without = (placed_first(some).mean - 0.25 for some in (crowd, working))
print(f"the pull is {with_them:.3f} with them, {without:.3f} without")

# %% [markdown]
"""
So find those who do not work before you correct a bias (01 does). What is left, if the interval leaves out 0.25, is a
pull of people who do. Each saw another order, so it is noise in the labels. Had one writer's list always stood first, a
model would have taken the pull for quality.
"""

# %% [markdown]
"""
*The model* reads from left to right. A list with the same five items backwards is worth the same to our judge, who
looks at the items alone. To the model? Scores mean something only within a prompt, so we compare the four lists of one.
"""

# %% [markdown]
"""
**Predict first:** how many of the six pairs change places if all four lists are turned round?
"""


# %%
def turning(model: PreTrainedModel, some: list[Ranking]) -> str:
    whole = [one for one in some if all(parse(text).valid for text in one.texts)]
    each = list({one.prompt.text: one for one in whole}.values())
    before = heads.score_lists(model, tokenizer, each)
    turned = [heads.turned_round(one) for one in each]
    after = heads.score_lists(model, tokenizer, turned)
    apart = (before - before.mean(dim=1, keepdim=True)).std()
    changed = (before[:, a] - before[:, b]).sign() != (after[:, a] - after[:, b]).sign()
    swapped = stats.bootstrap(changed.float().mean(dim=1))
    return f"{(after - before).std():.2f} · {apart:.2f} · {swapped}"


# %%
print("turning moves a list (sd) · lists of a prompt lie apart (sd) · pairs that swap")
for kind, some in held.items():
    for whose, model in (("yours", reward), ("practised", expert)):
        print(f"{kind} lists, {whose:9} {turning(model, some)}")

# %% [markdown]
"""
Turning round should change nothing. If it moves a list about as far as lists lie apart, the score says as much about
the order of the items as about the items. In a coin, half of the pairs would change places.
"""

# %% [markdown]
"""
## 10 · Using it: the best of n

The simplest way to use a reward model needs no training at all: sample $n$ lists, keep the one that scores best.
"""

# %% [markdown]
r"""
### 5.9 What the best of n is · 10 min · 3 points · needs nothing

Suppose the model can give only $k$ answers, sorted from the worst score to the best, with probabilities $p_1, …,
p_k$. How likely is each to be the best of $n$ independent samples?
"""

# %% [markdown]
"""
**Predict first.** Two answers, half and half, $n = 2$: how often does the worse one survive?
"""


# %% solution="best-of-n"
def best_of_n_distribution(probabilities: Tensor, n: int) -> Tensor:
    """How likely each answer is to be the best of n independent samples.

    probabilities: (k,) float, of the k answers from the lowest score to the highest; no
    two have the same score.
    Returns (k,) float, which sums to 1.
    """
    ### BEGIN SOLUTION 5.9: how likely are all n samples answer i or worse? Subtract
    at_most = probabilities.cumsum(dim=0) ** n
    return at_most.diff(prepend=at_most.new_zeros(1))
    ### END SOLUTION


# %%
with once_written():
    print(best_of_n_distribution(torch.tensor([0.5, 0.5]), n=2))

# %%
check("5.9", best_of_n_distribution)

# %% test="best-of-n-test" points=3
# 5.9 is graded on other answers and other n.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("5.9", lambda: best_of_n_distribution, seeds=(571, 572, 573))
### END HIDDEN TESTS

# %% [markdown]
r"""
How far does that move from where we sampled? In nats, $\text{KL} = \sum_i q_i \log(q_i / p_i)$. There is a
well-known formula, which does not even ask what the answers are:

$$\text{KL} = \log n - \frac{n-1}{n}$$

(Stiennon et al. 2020, appendix G.3). Is it right?
"""

# %%
best = use("5.9", best_of_n_distribution)
for k in (2, 10, 1000):
    p = torch.full((k,), 1 / k, dtype=torch.float64)
    chosen = [best(p, n) for n in (2, 4, 16)]
    nats = [float(torch.special.xlogy(q, q / p).sum()) for q in chosen]
    print(f"{k:5} answers:", *(f"{kl:.3f}" for kl in nats), " for n = 2, 4, 16")
print("  the formula:", *(f"{measure.best_of_n_kl(n):.3f}" for n in (2, 4, 16)))

# %% [markdown]
r"""
With many answers it is all but exact, with few it is too much: two samples can be the same, and then choosing between
them changes nothing. With only two answers you cannot get further away than log 2, whatever $n$. So it is an **upper
bound** (Beirami et al. 2024), and a good one for lists, of which there are very many.
"""

# %% [markdown]
"""
Now with real lists: sixteen samples for each of some prompts, at temperature 1, like the lists that were ranked (each
token is drawn with the probability that the model gives it). Four choose among them: *your reward model*, the
*practised* one, the *judge* itself, and *dice*. What they chose is always judged by the judge. **About 15 seconds.**
"""

# %%
from topfive.evaluate import heldout_prompts
from topfive.reward.model import score_texts

samples, number = (4, 3) if few else (16, 32)
prompts = heldout_prompts(data.prompts("train"), number, seed=77)
repeated = [prompt for prompt in prompts for _ in range(samples)]
queries = [prompt.text for prompt in repeated]
sampled = sample_texts(sft, tokenizer, queries, seed=77, temperature=1.0)
gold = torch.from_numpy(Judge().scores(repeated, sampled)).float().reshape(-1, samples)

# %%
choosers = {
    "yours": score_texts(reward, tokenizer, queries, sampled).reshape(-1, samples),
    "practised": score_texts(expert, tokenizer, queries, sampled).reshape(-1, samples),
    "judge": gold,
    "dice": torch.rand(gold.shape, generator=torch.Generator().manual_seed(77)),
}

# %% [markdown]
"""
**Predict first.** The judge's own choice sets the mark. How near will your model come to it, how near the practised one?
"""

# %%
ns = [n for n in (1, 2, 4, 8, 16) if n <= samples]
gains, own = {}, {}
for name, scores in choosers.items():
    by_judge = [measure.best_of_n_gain(scores, gold, n) for n in ns]
    gains[name] = [stats.bootstrap(gain) for gain in by_judge]
    own[name] = [float(measure.best_of_n_gain(scores, scores, n).mean()) for n in ns]
away = [measure.best_of_n_kl(n) for n in ns]
drawn = plots.preference_modeling.best_of_n(away, gains, own["yours"])
plots.show(drawn, alt=f"Gain over one sample for n = {ns}. {drawn.axes[0].get_title()}")

# %%
for name, found in gains.items():
    verdict = "better" if found[-1].low > 0 else "NO BETTER"
    print(f"best of {ns[-1]} by {name:10} judge {found[-1]}", end=" · ")
    print(f"{verdict} than chance · own {own[name][-1]:+.2f}")

# %% [markdown]
"""
*own* is what each says of its own choice: **everybody is pleased with what they chose, even dice.** The dashed curve rises
whatever a model knows, so it is no evidence.

Evidence is what somebody else says, with a band. The space below the judge's own choice is what a model does not know.
"""

# %% [markdown]
"""
PPO, in notebook 06, is not bound to the best of 16: it can walk on along this axis for as long as the dashed curve
rises. Gao et al. (2023) show what happens then, with numbers: the curve that counts turns down.
"""

# %% [markdown]
"""
## 11 · Your own rankings

All of this was the crowd's opinion. What about yours? The next cell copies what you ranked in notebooks 00 and 04 to
`work/brought`, where you can see it.

You can also rank here and now. In JupyterLab's menu choose *File → New → Terminal*, and type
`cd 05-preference-modeling`, then `topfive ledger rank`: three lists at a time, by letters, for as long as you like.
"""

# %%
own_rankings = preferences.own_rankings()
own_prompts = {ranking.prompt.text for ranking in own_rankings}
print(f"{len(own_rankings)} rankings, for {len(own_prompts)} different prompts")

# %% [markdown]
"""
Half of the *prompts* to learn from, half to measure with. That takes four at least, and ten to say anything with an
interval. If there are fewer than four, a simulated student who likes vegetarian food stands in.
"""

# %%
from topfive.judge import load_taste

whose, given = "your own", own_rankings
if len(own_prompts) < 4:
    taste = load_taste("vegetarian")
    number, its = 8 if few else 40, {"seed": 8, "taste": taste}
    simulated = preferences.simulated_rankings(sft, tokenizer, number, **its)
    whose, given = "a SIMULATED student's", [ranking for _, ranking in simulated]
to_fit, to_test = preferences.halves(given, seed=5)
print(f"{whose}: {len(to_fit)} rankings to learn from, {len(to_test)} to measure with")

# %% [markdown]
"""
Your model starts from what the crowd taught it, and takes two small passes at a tenth of the learning rate. The words of
section 8 get the same half, and nothing else.
"""

# %% [markdown]
"""
**Predict first:** who does best on the other half? By more than an interval is wide?
"""

# %%
personal = copy.deepcopy(reward)
config = RewardConfig(epochs=2, learning_rate=1e-4, seed=12)
train_reward_model(personal, tokenizer, to_fit, config, loss_fn=pl_loss)
of_words = fit_word_reward(to_fit)

# %%
queries = [one.prompt.text for one in to_test for _ in one.texts]
answers = [text for one in to_test for text in one.texts]
three_ways = {
    "the crowd's model": heads.score_lists(reward, tokenizer, to_test),
    "trained on yours": heads.score_lists(personal, tokenizer, to_test),
    "words of yours": heads.in_rankings(of_words.scores(queries, answers), to_test),
}
own_places = heads.padded_ranks(to_test)
clusters = [one.prompt.text for one in to_test]
for name, scores in three_ways.items():
    found = stats.cluster_ratio(*count(scores, own_places), clusters)
    print(f"{name:18} {stats.in_words(found)} (yours: {whose})")

# %% [markdown]
"""
Look at the intervals before you believe a difference: so few rankings are little evidence, to learn from as well as to
measure with. That is the honest state of affairs with one person's labels.
"""

# %% [markdown]
"""
## 12 · The same with TRL

In practice you would use a library. TRL's `RewardTrainer` takes pairs with the columns `prompt`, `chosen` and
`rejected`, reads the score at the **last token**, and uses the Bradley–Terry loss. So with *your* `last_token` and
*your* `bradley_terry_loss`, the same weights and the same batches, the losses should be the same numbers.
"""

# %%
from topfive.reward.pairs import as_pairs, train_on_pairs

pairs_to_learn = as_pairs(crowd_learned[:40])[: 8 if few else 160]
pairs_to_learn[0]

# %% [markdown]
"""
TRL in a nutshell (`topfive/reward/reward_trl.py` has the whole of it):

```python
from trl import RewardConfig, RewardTrainer

args = RewardConfig(output_dir="…", per_device_train_batch_size=8, learning_rate=3e-4,
                    train_sampling_strategy="sequential", activation_checkpointing=False)
RewardTrainer(model, args=args, train_dataset=Dataset.from_list(pairs),
              processing_class=tokenizer).train()
```

Twenty steps of each, **about 15 seconds**, most of it TRL's import.
"""

# %%
from topfive.reward.reward_trl import trl_reward_losses

start = from_language_model(sft, seed=3)
theirs = trl_reward_losses(start, tokenizer, pairs_to_learn)
ours = train_on_pairs(
    copy.deepcopy(start),
    tokenizer,
    pairs_to_learn,
    read=readings["last token"],
    loss_fn=loss_of,
)
print("TRL: ", *(f"{loss:.4f}" for loss in theirs[:6]), "…")
print("ours:", *(f"{loss:.4f}" for loss in ours[:6]), "…")
largest = max(abs(x - y) for x, y in zip(ours, theirs, strict=True))
print(f"largest difference in {len(ours)} steps: {largest:.1e}")

# %% [markdown]
"""
There is no magic in the library: a head, a difference, a sigmoid. What it adds is what you want at scale, such as
several GPUs, mixed precision and LoRA.
"""

# %% [markdown]
"""
## 13 · In your own words · 4 points

A team reports: *"Our reward model agrees with held-out labels in 71 % of pairs. Two labellers agree with each other in
65 %. Our model has superhuman judgement, so we will run PPO against it for as long as its score rises."*

In about 150 words: what do the two numbers say, and what do they not? Which two checks would you ask for before a
policy is trained on this model, and what result of each would stop you?
"""

# %% [markdown]
"""
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
average. Both numbers need intervals that resample prompts, and the 71 % counts only if no list stands on both sides.

I would ask for (1) accuracy and calibration on the lists that PPO will compare, the policy's own: an interval that
reaches 0.5, or a slope near 0, stops me; (2) fresh labellers' opinion of the best of 16: if it is not better than
dice, the model rewards something else.

PPO raises the score by construction, as choosing does even for dice. It looks for lists unlike those that were ranked,
where the 71 % was never measured. Watch fresh human comparisons and the KL, and stop when they turn.
"""

# %% [markdown]
"""
## Going further

- Train with `loss_fn` = the pairs' loss instead of Plackett–Luce, on the same rankings. Does it matter?
- Fit one number: divide all scores by a temperature that minimises the Bradley–Terry loss on *half* of the held-out
  rankings, and draw the calibration plot again on the other half. What becomes of a slope near 0?
- Train on 50, 100, 200 and all rankings. Draw accuracy over their number with intervals, for both kinds of lists.
- Swap one item of a good list for one of another topic. Does the score fall, and always?
- Give a head only three numbers: words, repeated items, lines. How close does it come?
"""

# %% [markdown]
"""
**Papers.** Bradley & Terry 1952 · Luce 1959 · Breslow 1974 (ties) · Plackett 1975 · Christiano et al. 2017, *Deep
reinforcement learning from human preferences*, [arXiv 1706.03741](https://arxiv.org/abs/1706.03741) · Guo et al. 2017,
*On calibration of modern neural networks*, [1706.04599](https://arxiv.org/abs/1706.04599) · Stiennon et al. 2020,
*Learning to summarize from human feedback*, [2009.01325](https://arxiv.org/abs/2009.01325) · Askell et al. 2021, *A
general language assistant as a laboratory for alignment*, [2112.00861](https://arxiv.org/abs/2112.00861) · Ouyang et
al. 2022 (InstructGPT), [2203.02155](https://arxiv.org/abs/2203.02155)
"""

# %% [markdown]
"""
Gao et al. 2023, *Scaling laws for reward model overoptimization*,
[2210.10760](https://arxiv.org/abs/2210.10760) · Lightman et al. 2023, *Let's verify step by step*,
[2305.20050](https://arxiv.org/abs/2305.20050) · Singhal et al. 2023, *A long way to go: investigating length
correlations in RLHF*, [2310.03716](https://arxiv.org/abs/2310.03716) · Beirami et al. 2024, *Theoretical guarantees on
the best-of-n alignment policy*, [2401.01879](https://arxiv.org/abs/2401.01879) · Coste et al. 2024, *Reward model
ensembles help mitigate overoptimization*, [2310.02743](https://arxiv.org/abs/2310.02743)

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
