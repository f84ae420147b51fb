# %% [markdown]
r"""
# 06 · PPO

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 3 hours, 3 to 4 minutes of it training | 31 | PyTorch; 03 and 05 help, but everything is here | write every function of PPO for language models, put them together, and tell a healthy run from a sick one |

**PPO** (proximal policy optimisation) is the step in which a language model changes its habits: it writes, a reward
model scores what it wrote, and what scored well becomes more likely. Most of it is bookkeeping, and most bugs in it
are silent: curves still rise.
"""

# %% [markdown]
"""
So you write it in small pieces, each checked against a truth that is known exactly. Then they train a model together.
"""

# %% [markdown]
"""
The first cell takes some seconds. It loads what we need, and shows where we are.
"""

# %%
import copy
import json
import shutil
from pathlib import Path
from pprint import pprint
from statistics import median

import torch
from IPython.display import HTML

from topfive import data, lists, plots
from topfive.checks import check, hint, once_written, trained, training_allowed, use
from topfive.evaluate import recorded_clinic
from topfive.ppo import PPOConfig, PPOTrainer, clinic, toy

plots.show_loop(here="policy")

# %% [markdown]
r"""
Four models take part. (The **SFT model** is that of 03: a small GPT-2, fine-tuned on lists as one would like them.)

| | starts as | says | changes? |
|---|---|---|---|
| **policy** π | the SFT model | the probability of the next token | yes, this is what we train |
| **reference** π_ref | the SFT model | the same | never |
| **reward model** | fitted to rankings (05) | what a list is worth: its score | never |
| **critic** V | the SFT model, with a head for one number | at each token: which score is to be expected | yes |
"""

# %% [markdown]
r"""
For prompts x and answers y, this is to be made as large as possible: the score, minus β for each nat of distance from
the reference.

$$J(\pi) \;=\; \mathbb{E}_{x,\;y\sim\pi(\cdot|x)}\,[\,r(x, y)\,] \;-\; \beta\,\mathrm{KL}(\pi\,\|\,\pi_\text{ref})$$

The distance is the **KL divergence**, the mean of $\log\pi(y) - \log\pi_\text{ref}(y)$ over answers that the policy
writes: 0 if nothing has changed, never negative. It is counted in **nats**, since the logarithm is the natural one. A
policy 3 nats away finds what it writes e³ ≈ 20 times as likely as the reference does, on (geometric) average.
"""

# %% [markdown]
r"""
## 1 · A world in which the answer is known

Before the real models, a tiny one: one prompt, four words and an end token, and answers of at most three tokens.
"""

# %%
reference = toy.policy()
judge_of_toys = toy.reward(reference)
names = toy.answer_names()
print(len(names), "possible answers:", ", ".join(names[:9]), "…")

# %% [markdown]
"""
So we can list them all, with their probabilities and rewards. (`·` is the end token.) An answer that has not ended
after three tokens gets −1, whatever it says.
"""

# %%
p_ref, rewards_of_toys = toy.distribution(reference), toy.answer_scores(judge_of_toys)
for i in p_ref.topk(5).indices:
    print(f"{names[i]:8} probability {p_ref[i]:.3f}   reward {rewards_of_toys[i]:+.2f}")
never_end = ~toy.every_answer().ended
print(int(never_end.sum()), "of", len(names), "never end;", end=" ")
print(f"together they have probability {p_ref[never_end].sum():.2f}")

# %% [markdown]
r"""
In such a world the best policy can be written down. It is the reference, with each answer weighted by how good it
is:

$$\pi^*(y) \;\propto\; \pi_\text{ref}(y)\,\exp(r(y)/\beta)$$

(Korbak et al. 2022; Rafailov et al. 2023, eq. 4.)
"""

# %% [markdown]
r"""
**Predict first.** What is π* when β is huge? And when it is
almost 0? Answer both, then run.
"""

# %%
for beta in (100.0, 0.5, 0.01):
    optimum = toy.best_policy(p_ref, rewards_of_toys, beta)
    favourite, nats = names[int(optimum.argmax())], toy.kl(optimum, p_ref)
    print(f"β = {beta:<6} {nats:5.2f} nats away;", end=" ")
    print(f"likeliest answer {favourite!r}: {optimum.max():.2f}")

# %% [markdown]
"""
A huge β: nothing changes. A tiny one: a single answer is left, the one the reward model likes best, whatever people
would say to that. Everything interesting lies between. With β = 0.5:
"""

# %%
best = toy.best_policy(p_ref, rewards_of_toys, 0.5)
two = {"reference": p_ref, "optimum": best}
drawn = plots.ppo.answers(names, two, title="Where PPO has to arrive, β = 0.5")
plots.show(drawn, alt="Bars: eight answers under the reference and the optimum.")

# %% [markdown]
"""
Nobody tells PPO about the grey bars. It only sees answers that it sampled, and their rewards. In section 4 your
functions have to find them.
"""

# %% [markdown]
"""
## 2 · From a score to a push on every token

Here is the whole of a step, as a map. On the right stands the exercise in which you write that line; in 6.9 you write
all of them in code.
"""

# %% [markdown]
"""
```
answers  the policy writes one for each prompt
score    the reward model reads each; not ended: a fixed low score
old      log-probability of each token, for the policy that wrote    6.1
ref      the same tokens, for the reference                          6.1
V        what the critic expects, before each token
r        −β (old − ref) on every token, the score on the last        6.2
Â        how much better than V it went, from each token on          6.3
R        Â + V, which the critic learns    (before whitening)
Â        brought to mean 0 and standard deviation 1                  6.4
a few times, on parts of the batch:
  new    log-probabilities, for the policy as it is by now           6.1
  loss   clipped loss of new, old and Â                              6.5
         + c · clipped loss of V by now, V and R                     6.6
  both models take a step down the loss                              6.8
how far? the KL between policy and reference                         6.7
```
"""

# %% [markdown]
r"""
All of it is about *responses*: a batch of token sequences, padded on the right, and a mask that is 1 on real
tokens up to and including the end token, 0 on pads. A response that never ends is real to its last token. What other
tensors hold on pads may be any number: a critic says something about pads as well.
"""

# %%
mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
print("two responses, of", mask.sum(dim=1).tolist(), "tokens:")
print(mask)

# %% [markdown]
r"""
### 6.1 How likely was what you said?  · 8 min · 2 points

All of PPO is written in **log-probabilities** of the tokens that were sampled. The model gives *logits*: one number
for each token of the vocabulary, of any size. The softmax makes probabilities of them, and

$$\log \pi(\text{token}) \;=\; \text{logit}(\text{token}) - \log \sum_v \exp(\text{logit}(v)).$$
"""

# %% [markdown]
r"""
**Predict first.** Three tokens in the vocabulary, logits 2, 1 and 0. The third one was sampled. Is its
log-probability nearer to 0, −1 or −2.4?
"""


# %% solution="token-logprobs"
def token_logprobs(logits, tokens, mask):
    """Log-probability of each token under its logits, in nats.

    logits: (batch, time, vocabulary); the row at t is what token t was drawn from, so
    nothing is to be shifted.
    tokens: (batch, time) int64. mask: (batch, time), 1 on real tokens.
    Returns (batch, time), exactly 0 on pads. Gradients flow back to the logits.
    """
    ### BEGIN SOLUTION 6.1: log-probabilities of all, the sampled token, the mask
    logprobs = logits.log_softmax(dim=-1)
    return logprobs.gather(-1, tokens[..., None]).squeeze(-1) * mask
    ### END SOLUTION


# %%
with once_written():
    logits = torch.tensor([[[2.0, 1.0, 0.0]]])
    print(token_logprobs(logits, torch.tensor([[2]]), torch.ones(1, 1)))

# %%
check("6.1", token_logprobs)

# %% test="token-logprobs-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.1", lambda: token_logprobs, seeds=(611, 612, 613))
### END HIDDEN TESTS

# %% [markdown]
r"""
Stuck? Each call gives one hint more, here and for every exercise. They cost nothing.
"""

# %%
hint("6.1")

# %% [markdown]
r"""
**The temperature belongs in here.** Lists are sampled from logits divided by a temperature. If the
log-probabilities are taken from other logits than those that were sampled from, PPO is wrong from its first step.
Our trainer divides before it calls your function, and hands it the real tokens of a batch as one long row. (The same
holds for top-k and top-p: PPO samples without them.)
"""

# %% [markdown]
r"""
### 6.2 A reward for every token  · 10 min · 2 points · needs 6.1

The reward model speaks once, at the end. The distance from the reference is paid on the way: each token costs β ·
(log π − log π_ref). (Ziegler et al. 2019, eq. 2.)

$$r_t \;=\; -\beta\,(\log\pi_t - \log\pi_{\text{ref},t}) \;+\; \begin{cases}\text{score} & t \text{ is the last real token}\\ 0 & \text{else}\end{cases}$$
"""

# %% [markdown]
r"""
**Predict first.** The policy finds a token *less* likely than the reference does. Does that token cost something,
or does it earn something?
"""


# %% solution="token-rewards"
def token_rewards(scores, logprobs, ref_logprobs, mask, kl_coef):
    """Reward of each token: the KL penalty everywhere, the score on the last real one.

    scores: (batch,), one for each response. kl_coef: β, a number.
    logprobs, ref_logprobs, mask: (batch, time); on pads the first two may hold any
    number. Returns (batch, time), exactly 0 on pads.
    """
    ### BEGIN SOLUTION 6.2: the penalty on every real token, the score where each ends
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[torch.arange(len(scores)), mask.sum(dim=1) - 1] += scores
    return rewards
    ### END SOLUTION


# %%
with once_written():
    logprobs = torch.full((2, 4), -1.0)
    ref_logprobs = torch.tensor([[-1.0, -2.0, -0.5, -1.0]] * 2)
    two_scores = torch.tensor([1.0, 3.0])
    found = token_rewards(two_scores, logprobs, ref_logprobs, mask, kl_coef=0.1)
    print(torch.as_tensor(found) + 0.0)  # a zero without a minus

# %% [markdown]
"""
The third token of the first response earns 0.05: the policy says it less often than the reference. Single tokens
may earn; the *mean* over what the policy samples is a KL divergence, and that is never negative. You will see it in
6.7.
"""

# %%
check("6.2", token_rewards)

# %% test="token-rewards-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.2", lambda: token_rewards, seeds=(621, 622, 623))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 6.3 Who deserves the credit?  · 10 min · 3 points · needs 6.2

The score comes at the end of the list. Yet the third item may be what earned it, and the fifth what spoiled it. The
**advantage** of a token says how much better things went from there on than the critic had expected.

The surprise of one step is $\delta_t = r_t + \gamma V_{t+1} - V_t$, with $V = 0$ after the end. $V_t$ is what the
critic expects just *before* token t is written; $r_t + \gamma V_{t+1}$ is what came, and what it expects now.
"""

# %% [markdown]
r"""
The advantage adds up the surprises that follow, each step back fading by γλ:

$$\hat A_t \;=\; \delta_t + \gamma\lambda\,\hat A_{t+1}$$

(Schulman et al. 2016, eq. 16.) γ makes later rewards worth less; for lists it is 1. λ says how far credit reaches
back: 0 trusts the critic, 1 trusts only what came out. Pads come after the end: no reward, no value, no advantage.
"""

# %% [markdown]
r"""
**Predict first.** Four tokens. The critic expected 0.5, 0.4, 0.2, 0.9; the score 1.0 arrives with the last token; γ
= 1 and λ = 0.5. Which token gets the largest advantage? Write it down.
"""


# %% solution="gae"
@torch.no_grad()
def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    """Generalised advantage estimation over padded responses.

    rewards, values: (batch, time), in scores; on pads both may hold any number, which
    must not count. mask: (batch, time), 1 up to and including the end token.
    gamma: discount of later rewards. lam: how far credit reaches back, from 0 (one
    step) to 1 (all the way). Returns advantages, (batch, time), exactly 0 on pads.
    """
    ### BEGIN SOLUTION 6.3: walk backwards in time; three or four lines in the loop do
    advantages = torch.zeros_like(rewards)
    following = next_value = torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        surprise = rewards[:, t] + gamma * next_value - values[:, t]
        following = (surprise + gamma * lam * following) * mask[:, t]
        next_value = values[:, t] * mask[:, t]
        advantages[:, t] = following
    return advantages
    ### END SOLUTION


# %%
with once_written():
    expected = torch.tensor([[0.5, 0.4, 0.2, 0.9]])
    score_last = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    found = gae(score_last, expected, torch.ones(1, 4), gamma=1.0, lam=0.5)[0].tolist()
    drawn = plots.ppo.advantages(expected[0].tolist(), found)
    plots.show(drawn, alt=f"Left: the critic's values. Right: advantages {found}.")

# %% [markdown]
"""
It is the third: before it the critic expected little of the list, and after it nearly everything. The score itself,
which came with the last token, was hardly news by then. Change `lam` to 0 and to 1 and run again: how far back does the
good news travel?
"""

# %%
check("6.3", gae)

# %% test="gae-test" points=3
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.3", lambda: gae, seeds=(631, 632, 633))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 6.4 Whitening  · 8 min · 2 points

The size of advantages depends on the reward model's scale and on luck. PPO brings them to mean 0 and standard
deviation 1, so that one learning rate fits all batches. Over *real tokens of the whole batch*:

$$\text{whitened} \;=\; \frac{x - \bar x}{\sqrt{s^2 + 10^{-8}}}, \qquad s^2 = \text{mean of } (x-\bar x)^2$$

Some trainers also whiten rewards. Then the mean must stay (`shift_mean=False`): divide, and add the mean again.
"""

# %% [markdown]
r"""
**Predict first.** All lists of a batch are equally bad. What do their whitened advantages say about that?
"""


# %% solution="whiten"
def whiten(values, mask, shift_mean=True):
    """Scale to standard deviation 1 over real tokens; pads become 0.

    values, mask: (batch, time); on pads values may hold any number. The variance
    divides by the number of real tokens n (not n − 1), plus 1e-8.
    shift_mean: whether the mean goes to 0; otherwise it stays what it was. The trainer
    says it by name. Returns (batch, time).
    """
    ### BEGIN SOLUTION 6.4: mean and variance over real tokens only, pads to 0 at last
    count = mask.sum()
    mean = (values * mask).sum() / count
    variance = ((values - mean) ** 2 * mask).sum() / count
    whitened = (values - mean) / torch.sqrt(variance + 1e-8)
    return (whitened if shift_mean else whitened + mean) * mask
    ### END SOLUTION


# %%
with once_written():
    numbers = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 99.0, 99.0]])
    print(whiten(numbers, mask))

# %% [markdown]
"""
99 stands on pads, and changes nothing. And the question above: whitening compares the tokens of one batch with *each
other*. It no longer knows that all lists are bad; small differences among them are blown up to size 1, and PPO still
makes about half of the tokens more likely.
"""

# %%
check("6.4", whiten)

# %% test="whiten-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.4", lambda: whiten, seeds=(641, 642, 643))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 6.5 The clipped policy loss  · 12 min · 3 points · needs 6.1

Sampling is expensive, so each batch is used for several updates. After the first one the policy is no longer the
one that wrote the lists. The **ratio** $\rho = \pi/\pi_\text{old}$ of each token corrects for that. To keep the
policy from running away on one batch, PPO takes the worse of two gains, the second with the ratio kept within 1 ± ε
(Schulman et al. 2017, eq. 7). With means over real tokens:

$$L_\text{policy} \;=\; -\,\text{mean of}\;\min\big(\rho\,\hat A,\; \text{clip}(\rho, 1-\epsilon, 1+\epsilon)\,\hat A\big)$$
"""

# %% [markdown]
r"""
**Predict first.** A token had a good advantage, but its probability *fell* to half. Is it pushed back up, or has
clipping switched it off?
"""


# %% solution="policy-loss"
def policy_loss(logprobs, old_logprobs, advantages, mask, cliprange):
    """PPO's clipped loss, averaged over real tokens.

    logprobs: (batch, time) of the policy now, with gradient. old_logprobs: of the
    policy that sampled, constants. advantages, mask: (batch, time). cliprange: ε.
    Returns a scalar to be made small.
    """
    ### BEGIN SOLUTION 6.5: ρ of each token, two gains, the smaller one, minus its mean
    ratio = torch.exp(logprobs - old_logprobs)
    clipped = ratio.clamp(1 - cliprange, 1 + cliprange)
    gain = torch.minimum(ratio * advantages, clipped * advantages)
    return -(gain * mask).sum() / mask.sum()
    ### END SOLUTION


# %%
with once_written():
    drawn = plots.ppo.clipped(policy_loss)
    plots.show(drawn, alt="Loss over ratio for a good token and for a bad one.")

# %% [markdown]
"""
Compare your curves with figure 1 of Schulman et al. 2017 (theirs are gains, so they are upside down). Flat means:
no gradient. A good token is left alone once it has become likely enough, and never when it became *less* likely:
that was a mistake, and the way back stays open.
"""

# %%
check("6.5", policy_loss)

# %% test="policy-loss-test" points=3
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.5", lambda: policy_loss, seeds=(651, 652, 653))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 6.6 The clipped value loss  · 8 min · 2 points

The critic learns to predict the **return** R, advantage plus value. Most code for RLHF clips here as well: the value
may not run further than ε from what it was when the batch was sampled, and the larger of two squared errors counts.
With $V_\text{clip} = V_\text{old} + \text{clip}(V - V_\text{old}, -\epsilon, \epsilon)$:

$$L_\text{value} \;=\; \tfrac12\,\text{mean of}\;\max\big((V - R)^2,\; (V_\text{clip} - R)^2\big)$$

This comes from code rather than from theory, and whether it helps is doubted (Andrychowicz et al. 2021).
"""

# %% [markdown]
r"""
**Predict first.** The new value hits the return exactly, but it is far from the old value. Is the loss 0?
"""


# %% solution="value-loss"
def value_loss(values, old_values, returns, mask, cliprange):
    """Half the larger of the plain and the clipped squared error, over real tokens.

    values: (batch, time) of the critic now, with gradient. old_values, returns, mask:
    (batch, time), constants. cliprange: ε, in scores. Returns a scalar.
    """
    ### BEGIN SOLUTION 6.6: keep the value near its old one, two errors, the larger
    clipped = old_values + (values - old_values).clamp(-cliprange, cliprange)
    error = torch.maximum((values - returns) ** 2, (clipped - returns) ** 2)
    return 0.5 * (error * mask).sum() / mask.sum()
    ### END SOLUTION


# %%
with once_written():
    one = torch.ones(1, 1)
    for new in (0.1, 0.5, 1.0, 1.5):
        loss = value_loss(new * one, 0 * one, one, one, 0.2)
        print(f"old value 0, return 1, new value {new}: loss {loss:.3f}")

# %% [markdown]
"""
No: the value 1.0 is exactly right, and still has a loss of 0.32: with the value clipped to 0.2 the error is 0.8. But
that part has no gradient, so nothing pushes the critic any further; it waits for the next batch.
"""

# %%
check("6.6", value_loss)

# %% test="value-loss-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.6", lambda: value_loss, seeds=(661, 662, 663))
### END HIDDEN TESTS

# %% [markdown]
r"""
## 3 · Two checks on paper

### 6.7 Three rulers for a distance  · 10 min · 2 points

How far has the policy gone? KL(π‖π_ref) is a mean over *all* answers, and real models have too many. So one takes
the answers that were sampled anyway. John Schulman's note *Approximating KL divergence* (2020) compares three ways;
with $r = \pi_\text{ref}/\pi$ of each sampled token (no reward this time; the note calls it so):

| | formula | |
|---|---|---|
| k1 | $-\log r$ | right on average, may be negative |
| k2 | $\tfrac12(\log r)^2$ | never negative, not quite right |
| k3 | $(r-1) - \log r$ | right on average *and* never negative |
"""

# %% [markdown]
r"""
**Predict first.** Why is k3 right on average? (What is the mean of $r - 1$ under π, as a sum?)
"""


# %% solution="kl-estimators"
def kl_estimators(logprobs, ref_logprobs):
    """k1, k2 and k3 of each token, sampled from the policy.

    logprobs, ref_logprobs: of one shape, in nats, under policy and reference.
    Returns a tuple of three tensors of that shape; no mean, no sum, no mask.
    """
    ### BEGIN SOLUTION 6.7: all three are made of log r = log π_ref − log π
    log_ratio = ref_logprobs - logprobs
    return -log_ratio, 0.5 * log_ratio**2, torch.expm1(log_ratio) - log_ratio
    ### END SOLUTION


# %% [markdown]
"""
Now measure with them. We sample answers of the toy from its optimum, and know the exact KL from the reference.
**Predict first:** which of the three has the least noise in a single sample, and which one is wrong however many
samples you take?
"""

# %%
with once_written():
    generator = torch.Generator().manual_seed(0)
    answers = torch.multinomial(best, 5000, replacement=True, generator=generator)
    k1, k2, k3 = kl_estimators(best[answers].log(), p_ref[answers].log())
    exact = toy.kl(best, p_ref)
    drawn = plots.ppo.rulers({"k1": k1, "k2": k2, "k3": k3}, truth=exact)
    plots.show(drawn, alt="Means of k1, k2, k3 with intervals, a line at the exact KL.")

# %% [markdown]
"""
And near the reference, where PPO begins, or further away than here? With β = 10 π* has hardly moved; with β = 0.2
little of the reference is left.
"""

# %%
with once_written():
    for beta in (10.0, 0.2):
        other = toy.best_policy(p_ref, rewards_of_toys, beta)
        print(f"β = {beta}: exact {toy.kl(other, p_ref):.5f} nats")
        rulers = kl_estimators(other.log(), p_ref.log())
        for name, row in zip(("k1", "k2", "k3"), rulers, strict=True):
            mean = (other * row).sum()
            noise = ((other * row**2).sum() - mean**2).sqrt()
            print(f"  {name}: mean {mean:.5f}, noise of one sample {noise:.5f}")

# %% [markdown]
r"""
The mean of $r - 1$ is $\sum \pi\,(\pi_\text{ref}/\pi - 1) = 1 - 1 = 0$, so k3 is right wherever k1 is. And k2 is wrong,
with an interval that gets narrower around the wrong number.
"""

# %% [markdown]
r"""
Compare noise with KL in each line. Near the reference, that of one k1 is many times what it measures; k2 and k3 have
far less, which still may be more than so small a KL. Far away, k2 goes wrong, and k3 can be far noisier than k1: an
answer that the policy hardly ever gives, and the reference often, has a huge r.

The *penalty* in 6.2 is k1, and so is the KL in the curves below; k3 is logged beside it. (Some recent trainers put k3
into the loss instead. Shao et al. 2024 do; there it is another objective, not a detail.)
"""

# %%
check("6.7", kl_estimators)

# %% test="kl-estimators-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.7", lambda: kl_estimators, seeds=(671, 672, 673))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 6.8 One step by hand  · 12 min · 2 points · needs 6.5

What does all this do to a model? Take the simplest policy there is: a softmax over a few whole answers, one logit
each. Right after sampling, ρ = 1 everywhere, nothing is clipped, and the gradient can be worked out on paper. For a
sampled answer $a$ the gradient of log π(a) by the logits is $\text{onehot}(a) - \pi$. So one step of gradient
descent on your policy loss gives, with means over samples $i$,

$$\text{logits} \;\leftarrow\; \text{logits} + \eta\;\text{mean of}\; \hat A_i\,(\text{onehot}(a_i) - \pi)$$

(Williams 1992.)
"""

# %% [markdown]
r"""
**Predict first.** Three answers; only the first one was sampled, and it was good. What happens to
the logits of the other two?
"""


# %% solution="first-step"
def first_step(logits, chosen, advantages, learning_rate):
    """Logits after one step of gradient descent on PPO's loss, from where ρ = 1.

    logits: (answers,). chosen: (n,) int64, which answers were sampled, perhaps one
    several times. advantages: (n,). learning_rate: η. Without autograd.
    Returns (answers,).
    """
    ### BEGIN SOLUTION 6.8: the mean over samples of Â (onehot − π), times η, added
    onehot = torch.nn.functional.one_hot(chosen, len(logits))
    step = (advantages[:, None] * (onehot - logits.softmax(dim=0))).mean(dim=0)
    return logits + learning_rate * step
    ### END SOLUTION


# %%
with once_written():
    sampled, gain = torch.tensor([0]), torch.tensor([1.0])
    print(first_step(torch.tensor([0.0, 1.0, 0.0]), sampled, gain, learning_rate=1.0))

# %% [markdown]
"""
They pay, each in proportion to its probability: the second one, which was likelier, pays more. Is it the same step that
autograd takes with *your* loss of 6.5?
"""

# %%
with once_written():
    logits = torch.tensor([0.5, -1.0, 0.2], requires_grad=True)
    chosen, gains = torch.tensor([0, 2, 0]), torch.tensor([1.0, -0.5, 0.3])
    new = logits.log_softmax(dim=0)[chosen][:, None]
    loss = policy_loss(new, new.detach(), gains[:, None], torch.ones(3, 1), 0.2)
    [gradient] = torch.autograd.grad(loss, logits)
    print("autograd:", logits.detach() - 0.1 * gradient)
    print("by hand: ", first_step(logits.detach(), chosen, gains, 0.1))

# %%
check("6.8", first_step)

# %% test="first-step-test" points=2
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.8", lambda: first_step, seeds=(681, 682, 683))
### END HIDDEN TESTS

# %% [markdown]
"""
## 4 · Do your functions find the optimum?

Here they come together. Each function that passes its check is used; for one that does not, the course's own steps
in, so you can go on and come back.
"""

# %%
functions = {
    "logprobs_fn": use("6.1", token_logprobs),
    "token_rewards_fn": use("6.2", token_rewards),
    "gae_fn": use("6.3", gae),
    "whiten_fn": use("6.4", whiten),
    "policy_loss_fn": use("6.5", policy_loss),
    "value_loss_fn": use("6.6", value_loss),
    "kl_estimators_fn": use("6.7", kl_estimators),
}

# %% [markdown]
"""
First a proof in small, for **2 points**: two updates, once with the course's functions and once with yours, from the
same seed. They have to end in the same place, policy and critic. (At grading the same is done with other seeds.)
"""

# %%
from topfive.checks.replay import replay

mine = {
    "6.1": token_logprobs, "6.2": token_rewards, "6.3": gae,
    "6.4": whiten, "6.5": policy_loss, "6.6": value_loss,
}  # fmt: skip
print(replay(mine))

# %% test="replay-test" points=2
# nbgrader replays two updates with other seeds
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_replay as _grade

_grade({
    "6.1": lambda: token_logprobs, "6.2": lambda: token_rewards, "6.3": lambda: gae,
    "6.4": lambda: whiten, "6.5": lambda: policy_loss, "6.6": lambda: value_loss,
}, seeds=(691, 692), points=2)  # fmt: skip
### END HIDDEN TESTS

# %% [markdown]
"""
Now the toy, from the reference, with β = 0.5: 50 steps of 128 answers, **some seconds**. After each step we look how
far the policy is from π*, in *total variation*: the share of probability that sits in the wrong place.
"""

# %% [markdown]
"""
**Predict first.** It starts where the cell prints. Where will it be after 50 steps?
"""

# %%
start = toy.total_variation(p_ref, best)
print(f"at the reference: {start:.2f}")

# %%
if training_allowed():
    size = {"steps": 50, "batch_size": 128}
    small = toy.trainer(reference, judge_of_toys, beta=0.5, **size, **functions)
    distances = [start]

    def look(step):
        distances.append(toy.total_variation(toy.distribution(small.model), best))

    small.callbacks = [look]
    small.train()
    drawn = plots.ppo.approach(distances)
    plots.show(drawn, alt=f"Total variation, in the end {distances[-1]:.2f}.")

# %%
if training_allowed():
    three = {**two, "PPO": toy.distribution(small.model)}
    title = f"PPO ends {distances[-1]:.2f} from the optimum"
    drawn = plots.ppo.answers(names, three, title=title)
    plots.show(drawn, alt="Bars of eight answers: PPO's beside reference and optimum.")

# %% [markdown]
"""
### 6.9 The whole step  · 15 min · 3 points · needs 6.1 to 6.6

The trainer above called your functions in the right order. Now you do: write the lines of the map from `r` to `loss`.
The models have spoken already; you are given what they said, before the first update and now.
"""

# %% [markdown]
"""
**Predict first.** Four things go into the loss of the policy: new, old, Â, and a mask. Where is the reference?
"""


# %% solution="ppo-loss"
def ppo_loss(logits, values, tokens, mask, scores, old, ref, old_values, args):
    """The loss of policy and critic together on one batch, a scalar.

    logits: (batch, time, vocabulary) of the policy now, divided by the temperature.
    values: (batch, time) of the critic now. Only these two are learned.
    tokens, mask: (batch, time), the answers. scores: (batch,), one for each.
    old, ref, old_values: (batch, time), log-probabilities by the policy that sampled
    and by the reference, and values by the critic before the first update.
    args: what PPO is told: args.kl_coef (β), args.gamma, args.lam, args.cliprange,
    args.cliprange_value, and args.vf_coef (c, the weight of the critic's loss).
    """
    ### BEGIN SOLUTION 6.9: the map from r to the loss, a line for each function
    rewards = token_rewards(scores, old, ref, mask, args.kl_coef)
    advantages = gae(rewards, old_values, mask, args.gamma, args.lam)
    returns = advantages + old_values
    white = whiten(advantages, mask)
    new = token_logprobs(logits, tokens, mask)
    policy = policy_loss(new, old, white, mask, args.cliprange)
    value = value_loss(values, old_values, returns, mask, args.cliprange_value)
    return policy + args.vf_coef * value
    ### END SOLUTION


# %%
check("6.9", ppo_loss)

# %% [markdown]
"""
It is in the penalty of 6.2, and nowhere else. Does your loss train? Here is the toy once more, without a trainer: a
loop of twenty lines (`toy.learn??` shows them) that samples, calls your `ppo_loss`, and takes a step. **Some seconds.**
"""

# %%
if training_allowed():
    with once_written():
        by_hand = toy.learn(ppo_loss, beta=0.5)
        drawn = plots.ppo.approach(by_hand)
        plots.show(drawn, alt=f"Total variation, in the end {by_hand[-1]:.2f}.")

# %% test="ppo-loss-test" points=3
# nbgrader runs more cases here
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("6.9", lambda: ppo_loss, seeds=(693, 694, 695))
### END HIDDEN TESTS

# %% [markdown]
"""
A loss may be checked once more, against nobody's code: does its gradient say what happens when a number is changed a
little? In 64-bit numbers, for every logit and every value of a small batch:
"""

# %%
with once_written():
    drawn_at = torch.Generator().manual_seed(3)
    wide = torch.randn(2, 4, 5, generator=drawn_at).double()
    four = torch.randn(4, 2, 4, generator=drawn_at).double()
    words, real = wide.argmin(dim=-1), torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    old = token_logprobs(0.9 * wide, words, real)
    told = toy.settings(beta=0.5)

    def changed(logits, values):
        known = torch.ones(2).double(), old + 0.05, four[1], four[2]
        return ppo_loss(logits, values, words, real, *known, told)

    learned = wide.requires_grad_(), four[3].requires_grad_()
    print("gradients are slopes:", torch.autograd.gradcheck(changed, learned))

# %% [markdown]
"""
## 5 · A clinic

Everything is right so far, and so the curves rise. But would you see it if something were wrong? Here are seven runs of
the toy with one fault each. They are recorded, with the course's functions (`python -m topfive.build.recorded --clinic
toy` repeats them), and so are four healthy runs of other seeds.
"""

# %%
for fault in clinic.FAULTS:
    print(f"{fault.name:18} {fault.what}")

# %% [markdown]
"""
These are the instruments. The first five are there in any run. The last two know the truth, as only a toy does: the
distance from π*, and how often the policy's answer is worth more than the reference's.
"""

# %%
labels = {one.key: one.label for one in clinic.INSTRUMENTS}
print("\n".join(labels.values()))

# %% [markdown]
"""
**Predict first**, in writing: for each fault, which instrument shows it? And which faults leave the score rising?
"""

# %%
ill = recorded_clinic("toy")
healthy = [run["curves"] for run in ill if run["fault"] == clinic.HEALTHY]
sick = {run["fault"]: run["curves"] for run in ill if run["fault"] != clinic.HEALTHY}
rings = {name: clinic.ringing(curves, healthy) for name, curves in sick.items()}
drawn = plots.ppo.clinic(healthy, sick, labels, rings)
plots.show(drawn, alt="A row a fault, a column an instrument, healthy runs in grey.")

# %% [markdown]
"""
An instrument *rings* where a run ends (the mean of its last fifth) clearly outside of where healthy runs end. In words:
"""

# %%
for name, keys in rings.items():
    score = sick[name]["objective/scores"]
    print(f"{name:18} score {score[0]:+.2f} → {clinic.level(score):+.2f};", end=" ")
    print("rings:", ", ".join(labels[key] for key in keys) or "nothing")

# %% [markdown]
"""
- **The score rises in five of the seven.** Twice it ends *above* the healthy runs: too good is an alarm, too.
- **The win rate is not enough**: four sick runs beat the reference. With β = 0 it is nearly always, and with one and the
  same answer; total variation sees that.
- **A critic that explains everything** may have an easy life: with ρ upside down no answer ends, and all scores are −1.
"""

# %% [markdown]
"""
Only one instrument names its cause: |ρ − 1|, which rings for nothing but the temperature. It compares with the
log-probabilities that *the sampler* used; recomputed ones would always agree with themselves. The others say *that*
something is wrong, and only because healthy runs are there to compare with.
"""

# %% [markdown]
"""
Now a fault in *your* functions. Choose one by its name, and say before you run what the picture will show. **Some
seconds.** (The healthy runs behind it are those from above.)
"""

# %%
WHICH = "mask off by one"
if training_allowed():
    mine_sick = {WHICH: clinic.toy_run(WHICH, functions)}
    ringing = {WHICH: clinic.ringing(mine_sick[WHICH], healthy)}
    drawn = plots.ppo.clinic(healthy, mine_sick, labels, ringing)
    plots.show(drawn, alt=f"Your functions with {WHICH!r}, over healthy runs.")

# %% [markdown]
"""
## 6 · The real thing

A student with the taste `vegetarian` ranked four lists for each of 400 prompts (simulated, as in notebook 00). A reward
model that was fitted to these rankings comes with the course, and so does the SFT model. The prompts are those on
which this taste matters.
"""

# %%
from topfive.judge import Judge, load_taste, prompts_of
from topfive.lm.model import load
from topfive.reward.words import WordReward

sft, tokenizer = load(data.checkpoint("sft"))
reward = WordReward.load(data.checkpoint("taste"))
taste = load_taste("vegetarian")
train_prompts, test_prompts = prompts_of(taste)
print(len(train_prompts), "prompts to train on;", len(test_prompts), "held out, as")
print(test_prompts[0].text)

# %% [markdown]
"""
This reward model is linear in the words of the items, so it can say what *each line* adds to the score. Two lists:
"""

# %%
pair = [
    "\n1. lentil soup with lemon\n2. lentil soup with lemon",
    "\n1. chickpea stew with spinach\n2. lentil soup with lemon",
]
for text, worth in zip(pair, reward([""] * 2, pair).tolist(), strict=True):
    print([round(value, 2) for value in worth], "for lines 1 to 5 of", repr(text))

# %% [markdown]
"""
Saying something twice adds nothing. (The last place also holds what belongs to the whole list, such as being complete,
which neither of the two is.)
"""

# %% [markdown]
"""
Our trainer pays each line where the line ends (Wu et al. 2023): it calls your `token_rewards` for each line, as if the
answer ended there. Credit then has a short way: λ can be smaller.
"""

# %% [markdown]
r"""
There is a second price for distance, in the loss itself. With weights c and α:

$$L \;=\; L_\text{policy} \;+\; c\,L_\text{value} \;+\; \alpha\;\text{mean of} \sum_v \pi(v)\,\log\frac{\pi(v)}{\pi_\text{ref}(v)}$$

The sum runs over the *whole vocabulary* v at each token. The penalty of 6.2 hears only of tokens that were sampled, and
a small model leaks probability into the thousands that were not. The toy does without (α = 0).
"""

# %% [markdown]
r"""
So there are two letters for one distance. **β** (`kl_coef`) is that of J and of 6.2: whitening divides score and penalty
alike, so it goes on meaning what it meant, as the toy has shown. **α** (`kl_loss_coef`) is weighed against advantages
that are already whitened, and has no meaning in scores.

In the printed settings α is much the larger. It is the leash here; β alone would hardly hold this policy.
"""

# %%
STATE = Path("work/ppo-state")
args = PPOConfig(
    total_steps=40, num_ppo_epochs=2, learning_rate=1e-2, kl_coef=0.02,
    kl_loss_coef=0.1, kl_budget=10.0, seed=6, output_dir=STATE,
)  # fmt: skip
pprint(args)

# %% [markdown]
"""
Names follow TRL where it has one. Look up three: how often is each batch used (`num_ppo_epochs`, with
`num_mini_batches` updates in each)? What does a list get that does not end (`missing_eos_score`)? And `total_steps`:
the learning rate falls to 0 over them, in a straight line.
"""

# %% [markdown]
"""
**What a healthy run looks like.** The grey curves behind yours are four healthy runs of other seeds, where they have
been recorded. Three things may frighten, and should not:

- The score may *fall* in the first steps, while the KL jumps: the critic knows nothing yet, and the first steps are as
  long as any.
- In the end every curve flattens, because the learning rate is 0 there. Flat does not mean arrived.
- The first and the last step are the two least telling ones. Look at the middle.
"""

# %%
recorded = recorded_clinic("model")
behind = [run["curves"] for run in recorded if run["fault"] == clinic.HEALTHY]
for key in ("objective/scores", "objective/kl", "response/ended"):
    for step in (1, 3, 10, 30, 70) if behind else ():
        there = [run[key][step - 1] for run in behind if len(run[key]) >= step]
        print(f"{key:18} step {step:3}: {min(there):6.2f} to {max(there):6.2f}")
if not behind:
    print("No healthy runs are recorded for these models; yours is drawn alone.")

# %% [markdown]
"""
The next cell only says *how* to train. What it trains with is yours: `**functions`. Of the policy only **biases** and the
gains of norms learn (BitFit, Ben Zaken et al. 2022): some nine thousand weights, enough to lean towards what the SFT model
can do already. Of all its weights, a batch of 64 lists moves most by chance, and chance costs KL, too.
"""

# %%
from torch.optim import AdamW

from topfive.errors import TopFiveError
from topfive.lm.model import only_biases
from topfive.reward.model import from_language_model

HISTORY = Path("work/ppo-history.json")


def train_policy():
    policy, critic = copy.deepcopy(sft), from_language_model(sft, seed=args.seed)
    texts = [prompt.text for prompt in train_prompts]
    live = [plots.LiveCurves(behind=behind)]
    models = policy, sft, reward, critic
    moves = [AdamW(only_biases(policy), lr=args.learning_rate), AdamW(critic.parameters(), lr=1e-3)]
    how = {"callbacks": live, "optimizers": moves, **functions}
    trainer = PPOTrainer(*models, args, texts, tokenizer, **how)
    history = trainer.train()
    if trainer.stopped == "interrupted":
        done = f"stopped after step {len(history)}, and saved"
        raise TopFiveError(f"{done}; run this cell again to go on")
    HISTORY.write_text(json.dumps(history))
    shutil.rmtree(STATE)
    return policy, tokenizer


# %% [markdown]
"""
Experiments are welcome: change `args`, and train again. What is graded is the policy in `work/policy`, and a worse one
never takes its place. Which is worse is found out on *training* prompts, so that the held-out ones stay unseen.
"""

# %%
from topfive.evaluate import compare, heldout_prompts, kl_divergence

choosing = heldout_prompts(train_prompts, 200, seed=2)


def worth_of(model):
    return compare(sft, model, tokenizer, choosing, Judge(taste), seed=70).win_rate.mean


# %% [markdown]
"""
**Predict first**, and write it down: in the end, will lists be longer or shorter? Will the score still be rising? How
many nats away will the policy be?

**About two minutes** on two quiet cores. You may stop it (■): the state is saved, and the same cell goes on from
there. If you have changed settings in between, it says so and asks you to delete `work/ppo-state`. Once it has
finished, running it again begins anew. Read the list below the curves now and then: numbers can be won in silly ways.
"""

# %%
policy, tokenizer = trained("policy", train_policy, worth=worth_of)

# %% [markdown]
"""
Compare with what you wrote down. Below are the first step, the median of the middle third, and the last step;
`topfive.ppo.trainer.GLOSSARY` says what each number is.
"""

# %%
history = json.loads(HISTORY.read_text())
third = len(history) // 3
for key in (
    "objective/scores", "objective/kl", "response/ended", "response/length",
    "policy/first_ratio_error", "policy/clipfrac", "value/explained_variance",
):  # fmt: skip
    middle = median(row[key] for row in history[third : 2 * third + 1])
    ends = history[0][key], middle, history[-1][key]
    print(f"{key:26}", "".join(f"{number:10.2g}" for number in ends))

# %% [markdown]
r"""
How to read the last three:

- `first_ratio_error` is |ρ − 1| before anything was learned from a batch, against the *sampler's own*
  log-probabilities. If it is not tiny, lists are sampled from one distribution and scored with another.
- `clipfrac`: the share of tokens whose ratio was clipped. In the first update of a batch ρ = 1, so with n updates it
  can be at most 1 − 1/n. Near 0 steps are small, or the learning rate is: see the last step.
- `explained_variance`: how much of the returns the critic foresees. Near 0 or below, advantages are mostly noise.
"""

# %%
found = clinic.complaints(history)
print("\n".join(found) or "The log alone gives nothing to complain of.")

# %% [markdown]
"""
## 7 · Did it get better?

The cell below samples a list by each model for each of 200 held-out prompts, and asks the judge, blind, which of the
two is better (some seconds). The **win rate** is the share of prompts on which the policy wins, a tie counting half.
"""

# %% [markdown]
"""
It is also what is graded, of the policy in `work/policy`: 1 point for a policy of your own, 1 if it wins more than half,
2 more if the whole interval lies above one half, which is this course's rule for shipping a model. If yours does not
get there: α, the number of steps and the seed are yours to change. A shipped checkpoint handed in as one's own gets
nothing.
"""

# %%
asked = heldout_prompts(test_prompts, 200 if training_allowed() else 8, seed=1)
result = compare(sft, policy, tokenizer, asked, Judge(taste), seed=60)
texts = [prompt.text for prompt in asked]
distance = kl_divergence(policy, sft, tokenizer, texts, seed=61)
print(f"win rate over SFT: {result.win_rate}; {distance.mean:.1f} nats away")
print("it ships" if result.ships else "it does not ship")

# %% test="policy-test" points=4
# nbgrader compares the policy in work/policy in the same way: hand that folder in, too
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_policy as _grade

_grade("vegetarian", prompt_seed=1, seed=60)
### END HIDDEN TESTS

# %% [markdown]
"""
The parts of quality that everybody shares, beside the win rate. Which of them rose, and did any fall? (The taste itself
has no bar: whether a list pleases *you* is not one of the five.)
"""

# %%
from topfive.evaluate import quality

parts = {"sft": quality(result.judged_before), "ppo": quality(result.judged_after)}
bars = plots.quality_bars(parts, result.win_rate)
plots.show(bars, alt=f"Five parts of quality; win rate {result.win_rate}.")

# %% [markdown]
"""
And always read. Items with a ✓ are vegetarian, as far as the judge can tell.
"""

# %%
from topfive.judge import look_up


def vegetarian(item):
    return "vegetarian" in look_up(lists.normalise(item)).tags


both = {"SFT": result.before[:3], "after PPO": result.after[:3]}
HTML(plots.side_by_side(texts[:3], both, mark=vegetarian))

# %% [markdown]
"""
**The same faults in the real model.** Nobody knows π* here; the win rate by the judge is the only truth. Where these
runs are recorded for the present models, the next cell shows them, each over four healthy ones. **Predict first:** the
reward model's own score rises without end in one of them. Which?
"""

# %%
sick_models = {run["fault"]: run["curves"] for run in recorded}
sick_models.pop(clinic.HEALTHY, None)
if sick_models and behind:
    alarms = {name: clinic.ringing(one, behind) for name, one in sick_models.items()}
    drawn = plots.ppo.clinic(behind, sick_models, labels, alarms)
    plots.show(drawn, alt="A row a fault, a column an instrument, healthy in grey.")
else:
    print("Not recorded for these models. To record them, in the course's folder:")
    print("python -m topfive.build.recorded --clinic model")

# %%
for run in recorded:
    win = run["win_rate"]
    print(f"{run['fault']:18} seed {run['seed']}: win rate {win['mean']:.2f}", end=" ")
    print(f"[{win['low']:.2f}, {win['high']:.2f}]")

# %% [markdown]
"""
## 8 · What distance may cost, and two ways without a critic

One run says little. Here both prices go from 0 to very large, in one proportion; the number shown is α, and everything
else is as in `topfive run`, with 60 steps. Two other methods, both by TRL, learn from **the same labels**:

- **DPO** (Rafailov et al. 2023) solves the formula for π* of section 1 for r, and trains the policy on the ranked
  pairs directly: no reward model, no sampling.
- **RLOO** (Ahmadian et al. 2024) keeps the reward model and drops the critic: a list is compared with other lists
  for the same prompt.
"""

# %% [markdown]
"""
That takes too long for a notebook, so these runs are *recorded*; `python -m topfive.build.recorded` repeats them.
"""

# %% [markdown]
"""
**Predict first.** Sketch two curves over the KL: the reward model's score, and the judge's win rate. Where do they
part?
"""

# %%
from topfive.evaluate import recorded_runs

runs = recorded_runs()
if runs:
    drawn = plots.ppo.sweep(runs)
    plots.show(drawn, alt="Score and win rate over KL, one dot a run.")
else:
    print("Not recorded yet. To record them, in the course's folder:")
    print("python -m topfive.build.recorded")

# %%
for run in runs:
    win, letter = run["win_rate"], "α" if run["method"] == "ppo" else "β"
    rate = f" rate {run['learning_rate']:.0e}" if "learning_rate" in run else ""
    which = f"{run['method']} {letter} = {run['beta']:.2g}{rate}, seed {run['seed']}"
    print(f"{which:35} KL {run['kl']['mean']:6.1f}", end=", ")
    print(f"score {run['score']['mean']:+.2f}, win rate {win['mean']:.2f}", end=" ")
    print(f"[{win['low']:.2f}, {win['high']:.2f}]")

# %% [markdown]
"""
What the two extremes wrote, for the same prompt:
"""

# %%
first_seed = [run for run in runs if run["seed"] == runs[0]["seed"]]
swept = [run for run in first_seed if run["method"] == "ppo"]
swept.sort(key=lambda run: run["beta"])
for run in swept[:: max(1, len(swept) - 1)]:
    example = run["examples"][0]
    print(f"α = {run['beta']:.2g} · {example['prompt']}{example['policy'][:300]}\n")

# %% [markdown]
"""
**Why α = β = 0 goes wrong**, and not only in the reward's favour: look at the share of lists that end. A list that
never ends costs a fixed score, once. Which is cheaper, that, or an ended list that is poor?
"""

# %%
poor = reward.scores([""], ["\n1. lentil soup with lemon"]).item()
print(f"never ending {args.missing_eos_score:+.1f}; one line, then the end {poor:+.1f}")
for run in swept[:1]:
    ended = [f"{share:.2f}" for share in run["curves"].get("response/ended", [])]
    print("lists that end, every sixth step:", *ended[::6] or ["not recorded"])

# %% [markdown]
"""
If not to end is the cheaper way out, a policy that nothing holds finds it. Once no list ends, all scores are the same;
whitening (6.4) then blows noise up to size 1, and the KL drifts without an aim. In the toy, where the best answer ends,
β = 0 does what one expects: it finds that answer. So a fixed score for lists that do not end should be lower than that
of any list that does.
"""

# %% [markdown]
"""
How to look at the rest:

- **A small α** is the instructive one. Does the reward model like it better than most? And the judge? Where the two
  disagree, the policy has learned what the reward model does not know: *over-optimisation* (Gao et al. 2023), which is
  what notebook 07 is about.
- **A huge α** hardly moves: win rate about one half, whatever the reward model says.
- **Between them** is a best α, and it is a property of the *reward model* as much as of PPO: the worse the reward, the
  shorter the leash.
"""

# %% [markdown]
"""
**DPO and RLOO** stand at their own KL. Comparing methods at different distances compares the distances. And two seeds
are few: look at how far the dots of one setting lie apart before you rank methods.
"""

# %% [markdown]
"""
Is DPO below one half in the picture? It has seen only the lists of the SFT model that were ranked, a few thousand pairs,
and never one of its own. Its loss asks that the better list gain *relative to* the worse, which also holds when both
become unlikely and lists that nobody ranked gain (Xu et al. 2024).
"""

# %% [markdown]
"""
## 9 · Pitfalls and tips, from real projects

| what goes wrong | how to notice | where it is told |
|---|---|---|
| sampled at one temperature or with top-p, scored at another | ρ ≠ 1 on the first minibatch | 6.1, section 5 |
| dropout left on | the same, and clipping from the start | Huang et al. 2024 |
| pad and end token are one and the same | lists stop ending; length grows to the limit | Huang et al. 2024 |
| lists that never end are scored like others | the same | Ziegler et al. 2019 |
| the reward's scale drifts | one β means different things | Ziegler et al. 2019: mean 0, sd 1 on the reference |
"""

# %% [markdown]
"""
| what goes wrong | how to notice | where it is told |
|---|---|---|
| the critic starts from nothing | explained variance near 0 or below | Stiennon et al. 2020 start it from the reward model |
| a batch of a few lists is whitened | luck decides the sign of advantages | 6.4 |
| the reward rises, the lists get worse | by reading, and by a judge that was not trained on | Gao et al. 2023 |
| one seed | another seed says the opposite | Huang et al. 2024 |
| a policy ships because a curve went up | the interval of the win rate reaches 0.5 | section 7 |

And a tip: make the world small enough that you know the answer, and plant a bug to see whether your test finds it.
"""

# %% [markdown]
"""
## 10 · One question to answer in words

### 6.10 · 15 min · 4 points

A colleague shows you a PPO run. The reward model's score rose from 0 to 2.5 standard deviations in 200 steps, the
KL is at 40 nats, lists became a third longer, and all look alike. The colleague wants to run 200 steps more,
*because the curve is still rising*.

In 100 to 160 words: what has probably happened, which **two measurements** would you ask for before anything else,
and what would you change in the run? Point to something you saw in this notebook.
"""

# %% [markdown]
"""
| points | for |
|---|---|
| 1 | names over-optimisation of the reward model, and says why a rising score is no evidence against it |
| 1 | two measurements that could prove the suspicion *wrong* (such as a win rate with interval by somebody who is not the reward model; diversity; length held fixed) |
| 1 | a change that fits the cause (a higher price of KL or a KL budget, an earlier checkpoint, a better or length-neutral reward), and what it costs |
| 1 | ties it to a number or a picture of this notebook |
"""

# %% [markdown] answer="colleague" points=4
"""
The policy has probably learned what the reward model overrates, here length and one safe kind of list. The score cannot
speak against that: it is what is being exploited, and in the clinic a negated reward lets it rise while the win rate
falls. Forty nats is far beyond any list the reward model was fitted to.

I would ask for (1) a blind win rate over SFT on held-out prompts, with its interval, by people, at several checkpoints:
if it still rises with the score, I am wrong. And (2) the same among pairs of equal length, with the share of distinct
items: if it holds there, length is not the reason.

I would take the checkpoint with the best win rate, run again at a higher price of KL, and label lists of the *present*
policy. The price is a lower score, and labellers' time. In section 8 a small α is the same story.
"""

# %% [markdown]
"""
## Going further

Not graded:

1. Set `kl_coef=0.0` and leave α. Does any curve change? Then the other way round.
2. Let the prices adapt: `kl_target=2.0` among the settings (Ziegler et al. 2019, section 2.2, for β; here both move
   together). Draw `objective/kl` and `objective/kl_loss_coef`: does it settle?
3. Leave the critic away: give `gae_fn` a function that returns score minus batch mean on every token. How much noisier
   is it in the toy? (That is nearly RLOO.)
4. Fit a reward to your own rankings of notebook 04 (`topfive.reward.words.fit_word_reward`) and train on that.
5. With one update a batch, no clipping and no critic's loss, what is left of PPO? (Huang et al. 2022 call it A2C.)
"""

# %% [markdown]
"""
**Open questions**, with something to read on each:

| question | begin with |
|---|---|
| Is the critic worth its cost when the reward comes once, at the end? | Ahmadian et al. 2024 (arXiv 2402.14740); Shao et al. 2024 (2402.03300) |
| When is learning from pairs directly as good as PPO? | Rafailov et al. 2023 (2305.18290); Xu et al. 2024 (2404.10719) |
| How does one know, without a gold judge, that the optimum has been passed? | Gao et al. 2023 (2210.10760); Coste et al. 2023 (2310.02743) |
| Should every sentence be paid for itself? | Wu et al. 2023 (2306.01693) |
| Is a fixed price for KL the right constraint? | Korbak et al. 2022 (2205.11275); Moskovitz et al. 2023 (2310.04373) |
| Which details of PPO matter? | Andrychowicz et al. 2021 (2006.05990); Huang et al. 2024 (2403.17031) |
"""

# %% [markdown]
"""
**The papers behind this notebook**: Schulman et al. 2016, generalised advantage estimation (1506.02438); Schulman
et al. 2017, PPO (1707.06347); Ziegler et al. 2019, fine-tuning from human preferences (1909.08593); Stiennon et al.
2020, learning to summarise (2009.01325); Ouyang et al. 2022, InstructGPT (2203.02155); Huang et al. 2022, A2C is a
special case of PPO (2205.09123); J. Schulman 2020, *Approximating KL divergence* (joschu.net/blog/kl-approx.html);
Williams 1992, *Simple statistical gradient-following algorithms*.

Next is 07, evaluation: who says that it got better, and how sure are they?
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
