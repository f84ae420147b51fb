# %% [markdown]
r"""
# 06 · PPO

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2½ hours, of which 3 minutes training | 28 | PyTorch; 03 and 05 help, but everything is here | write every function of PPO for language models, train with them, and say what β does |

**PPO** (proximal policy optimisation) is the step in which a language model changes its habits: it writes, a reward
model scores what it wrote, and what scored well becomes more likely. Most of it is bookkeeping, and most bugs in it
are silent: the curves still rise. So you will write it in eight small pieces, each checked against a truth that is
known exactly. Then all of them train a model at once.
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

import torch
from IPython.display import HTML

from topfive import data, plots
from topfive.checks import check, hint, once_written, trained, training_allowed, use
from topfive.ppo import PPOTrainer, toy

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

And this is what is to be made as large as possible: the score, minus β for each nat of distance from the reference.

$$J(\pi) \;=\; \mathbb{E}_{y\sim\pi}\,[\,r(y)\,] \;-\; \beta\,\mathrm{KL}(\pi\,\|\,\pi_\text{ref})$$

The distance is the **KL divergence**, the mean of $\log\pi(y) - \log\pi_\text{ref}(y)$ over answers that the policy
writes: 0 if nothing has changed, never negative. It is counted in **nats**, since the logarithm is the natural one. A
policy 3 nats away finds what it writes e³ ≈ 20 times as likely as the reference does, on (geometric) average.

## 1 · A world in which the answer is known

Before the real models, a tiny one: six tokens (two of them a pad and an end token), and answers of at most three
tokens.
"""

# %%
reference = toy.policy()
judge_of_toys = toy.reward(reference)
names = toy.answer_names()
print(len(names), "possible answers:", ", ".join(names[:9]), "…")

# %% [markdown]
"""
So we can list them all, with their probabilities and rewards. (`·` is the end token. `_` is the pad token: this
policy may also *write* it, like any other. A real pad comes after the end, and only the mask tells the two apart.)
An answer that has not ended after three tokens gets −1, whatever it says.
"""

# %%
p_ref, rewards_of_toys = toy.distribution(reference), toy.answer_scores(judge_of_toys)
for i in p_ref.topk(5).indices:
    print(f"{names[i]:8} probability {p_ref[i]:.3f}   reward {rewards_of_toys[i]:+.2f}")
never_end = ~toy.every_answer().ended
print(f"{int(never_end.sum())} of {len(names)} never end; together they have probability {p_ref[never_end].sum():.2f}")

# %% [markdown]
r"""
In such a world the best policy can be written down. It is the reference, with each answer weighted by how good it
is:

$$\pi^*(y) \;\propto\; \pi_\text{ref}(y)\,\exp(r(y)/\beta)$$

(Korbak et al. 2022; Rafailov et al. 2023, eq. 4.) **Predict first.** What is π* when β is huge? And when it is
almost 0? Answer both, then run.
"""

# %%
for beta in (100.0, 0.5, 0.01):
    best = toy.best_policy(p_ref, rewards_of_toys, beta)
    favourite = names[int(best.argmax())]
    print(f"β = {beta:<6} {toy.kl(best, p_ref):5.2f} nats away; likeliest answer {favourite!r}: {best.max():.2f}")

# %% [markdown]
"""
A huge β: nothing changes. A tiny one: a single answer is left, the one the reward model likes best, whatever people
would say to that. Everything interesting lies between. With β = 0.5:
"""

# %%
best = toy.best_policy(p_ref, rewards_of_toys, 0.5)
drawn = plots.ppo.answers(names, {"reference": p_ref, "optimum": best}, title="Where PPO has to arrive, β = 0.5")
plots.show(drawn, alt="Bars: probabilities of eight answers under the reference and under the optimum.")

# %% [markdown]
"""
Nobody tells PPO about the grey bars. It only sees answers that it sampled, and their rewards. In section 4 your
functions have to find them.

## 2 · From a score to a push on every token

Everything below is about *responses*: a batch of token sequences, padded on the right, and a mask that is 1 on real
tokens up to and including the end token, 0 on pads. (A response that never ends is real to its last token.) What other
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

**Predict first.** Three tokens in the vocabulary, logits 2, 1 and 0. The third one was sampled. Is its
log-probability nearer to 0, −1 or −2.4?
"""


# %% solution="token-logprobs"
def token_logprobs(logits, tokens, mask):
    """Log-probability of each token under its logits, in nats.

    logits: (batch, time, vocabulary); the row at t is what token t was drawn from, so nothing is to be shifted.
    tokens: (batch, time) int64. mask: (batch, time), 1 on real tokens.
    Returns (batch, time), exactly 0 on pads. Gradients flow back to the logits.
    """
    ### BEGIN SOLUTION 6.1: log-probabilities of the whole vocabulary, then pick the sampled token, then the mask
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
Our trainer divides before it calls your function. (The same holds for top-k and top-p: PPO samples without them.)

### 6.2 A reward for every token  · 10 min · 2 points · needs 6.1

The reward model speaks once, at the end. The distance from the reference is paid as one goes: each token costs β ·
(log π − log π_ref). Ziegler et al. 2019, eq. 2.

$$r_t \;=\; -\beta\,(\log\pi_t - \log\pi_{\text{ref},t}) \;+\; \begin{cases}\text{score} & t \text{ is the last real token}\\ 0 & \text{else}\end{cases}$$

**Predict first.** The policy finds a token *less* likely than the reference does. Does that token cost something,
or does it earn something?
"""


# %% solution="token-rewards"
def token_rewards(scores, logprobs, ref_logprobs, mask, kl_coef):
    """Reward of each token: the KL penalty everywhere, plus the score on the last real token.

    scores: (batch,), one for each response. logprobs, ref_logprobs, mask: (batch, time). kl_coef: β, a number.
    On pads logprobs and ref_logprobs may hold any number. Returns (batch, time), exactly 0 on pads.
    """
    ### BEGIN SOLUTION 6.2: the penalty on every real token, then add the score where each response ends
    rewards = -kl_coef * (logprobs - ref_logprobs) * mask
    rewards[torch.arange(len(scores)), mask.sum(dim=1) - 1] += scores
    return rewards
    ### END SOLUTION


# %%
with once_written():
    logprobs, ref_logprobs = torch.full((2, 4), -1.0), torch.tensor([[-1.0, -2.0, -0.5, -1.0]] * 2)
    print(token_rewards(torch.tensor([1.0, 3.0]), logprobs, ref_logprobs, mask, kl_coef=0.1))

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

The surprise of one step is $\delta_t = r_t + \gamma V_{t+1} - V_t$, with $V = 0$ after the end: $V_t$ is what the
critic expects just *before* token t is written, $r_t + \gamma V_{t+1}$ what came and what it expects now. The advantage
adds up the surprises that follow, each step back fading by γλ. (γ makes later rewards worth less; for lists it is 1. λ says
how far credit reaches back: 0 trusts the critic, 1 trusts only what came out.)

$$\hat A_t \;=\; \delta_t + \gamma\lambda\,\hat A_{t+1}$$

(Schulman et al. 2016, eq. 16.) Pads come after the end: no reward, no value, no advantage.

**Predict first.** Four tokens. The critic expected 0.5, 0.4, 0.2, 0.9; the score 1.0 arrives with the last token; γ
= 1 and λ = 0.5. Which token gets the largest advantage? Write it down.
"""


# %% solution="gae"
@torch.no_grad()
def gae(rewards, values, mask, gamma=1.0, lam=0.95):
    """Generalised advantage estimation over padded responses.

    rewards, values: (batch, time), in scores; on pads both may hold any number, which must not count.
    mask: (batch, time), 1 up to and including the end token.
    gamma: discount of later rewards. lam: how far credit reaches back, from 0 (one step) to 1 (all the way).
    Returns advantages, (batch, time), exactly 0 on pads.
    """
    ### BEGIN SOLUTION 6.3: walk backwards in time; three or four lines in the loop are enough
    advantages = torch.zeros_like(rewards)
    following, next_value = torch.zeros_like(rewards[:, 0]), torch.zeros_like(rewards[:, 0])
    for t in reversed(range(rewards.shape[1])):
        surprise = rewards[:, t] + gamma * next_value - values[:, t]
        following = (surprise + gamma * lam * following) * mask[:, t]
        next_value = values[:, t] * mask[:, t]
        advantages[:, t] = following
    return advantages
    ### END SOLUTION


# %%
with once_written():
    values = torch.tensor([[0.5, 0.4, 0.2, 0.9]])
    found = gae(torch.tensor([[0.0, 0.0, 0.0, 1.0]]), values, torch.ones(1, 4), gamma=1.0, lam=0.5)
    drawn = plots.ppo.advantages(values[0].tolist(), found[0].tolist())
    plots.show(drawn, alt=f"Left: the critic's values. Right: advantages {found[0].tolist()}.")

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

**Predict first.** All lists of a batch are equally bad. What do their whitened advantages say about that?
"""


# %% solution="whiten"
def whiten(values, mask, shift_mean=True):
    """Scale to standard deviation 1 over real tokens; pads become 0.

    values, mask: (batch, time); on pads values may hold any number. The variance divides by the number of real tokens
    n (not n − 1), plus 1e-8.
    shift_mean: whether the mean goes to 0; otherwise it stays what it was. The trainer says it by name.
    Returns (batch, time).
    """
    ### BEGIN SOLUTION 6.4: mean and variance over real tokens only, and pads to 0 in the end
    count = mask.sum()
    mean = (values * mask).sum() / count
    variance = ((values - mean) ** 2 * mask).sum() / count
    whitened = (values - mean) / torch.sqrt(variance + 1e-8)
    return (whitened if shift_mean else whitened + mean) * mask
    ### END SOLUTION


# %%
with once_written():
    numbers = torch.tensor([[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 99.0, -99.0]])
    print(whiten(numbers, mask))

# %% [markdown]
"""
99 and −99 stand on pads, and change nothing. And the question above: whitening compares the tokens of one batch
with *each other*. That all lists are bad is lost, small differences among them are blown up to size 1, and PPO
still makes about half of the tokens more likely.
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
(Schulman et al. 2017, eq. 7):

$$\text{loss} \;=\; -\,\text{mean over real tokens of}\;\min\big(\rho\,\hat A,\; \text{clip}(\rho, 1-\epsilon, 1+\epsilon)\,\hat A\big)$$

**Predict first.** A token had a good advantage, but its probability *fell* to half. Is it pushed back up, or has
clipping switched it off?
"""


# %% solution="policy-loss"
def policy_loss(logprobs, old_logprobs, advantages, mask, cliprange):
    """PPO's clipped loss, averaged over real tokens.

    logprobs: (batch, time) of the policy now, with gradient. old_logprobs: of the policy that sampled, constants.
    advantages, mask: (batch, time). cliprange: ε. Returns a scalar to be made small.
    """
    ### BEGIN SOLUTION 6.5: the ratio of each token, two gains, the smaller of them, minus its mean over real tokens
    ratio = torch.exp(logprobs - old_logprobs)
    clipped = ratio.clamp(1 - cliprange, 1 + cliprange)
    gain = torch.minimum(ratio * advantages, clipped * advantages)
    return -(gain * mask).sum() / mask.sum()
    ### END SOLUTION


# %%
with once_written():
    drawn = plots.ppo.clipped(policy_loss)
    plots.show(drawn, alt="Loss over ratio for a good and a bad token: flat above 1.2 and below 0.8 respectively.")

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

The critic learns to predict the **return**, advantage plus value. Most code for RLHF clips here as well: the value
may not run further than ε from what it was when the batch was sampled, and the larger of two squared errors counts:

$$\text{loss} \;=\; \tfrac12\,\text{mean over real tokens of}\;\max\big((V - R)^2,\; (V_\text{clip} - R)^2\big), \quad V_\text{clip} = V_\text{old} + \text{clip}(V - V_\text{old}, -\epsilon, \epsilon)$$

This comes from code rather than from theory, and whether it helps is doubted (Andrychowicz et al. 2021).

**Predict first.** The new value hits the return exactly, but it is far from the old value. Is the loss 0?
"""


# %% solution="value-loss"
def value_loss(values, old_values, returns, mask, cliprange):
    """Half the larger of the plain and the clipped squared error, averaged over real tokens.

    values: (batch, time) of the critic now, with gradient. old_values, returns, mask: (batch, time), constants.
    cliprange: ε, in scores. Returns a scalar.
    """
    ### BEGIN SOLUTION 6.6: keep the value near its old value, two squared errors, the larger, half its mean
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

**Predict first.** Why is k3 right on average? (What is the mean of $r - 1$ under π? Write the mean out as a sum.)
"""


# %% solution="kl-estimators"
def kl_estimators(logprobs, ref_logprobs):
    """k1, k2 and k3 of each token, sampled from the policy.

    logprobs, ref_logprobs: of one shape, in nats, under the policy and under the reference.
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
    drawn_answers = torch.multinomial(best, 5000, replacement=True, generator=torch.Generator().manual_seed(0))
    k1, k2, k3 = kl_estimators(best[drawn_answers].log(), p_ref[drawn_answers].log())
    drawn = plots.ppo.rulers({"k1": k1, "k2": k2, "k3": k3}, truth=toy.kl(best, p_ref))
    plots.show(drawn, alt="Means of k1, k2 and k3 with intervals, and a line at the exact KL.")

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
        for name, row in zip(("k1", "k2", "k3"), kl_estimators(other.log(), p_ref.log()), strict=True):
            mean = (other * row).sum()
            noise = ((other * row**2).sum() - mean**2).sqrt()
            print(f"  {name}: mean {mean:.5f}, noise of one sample {noise:.5f}")

# %% [markdown]
r"""
The mean of $r - 1$ is $\sum \pi\,(\pi_\text{ref}/\pi - 1) = 1 - 1 = 0$, so k3 is right wherever k1 is. And k2 is wrong,
with an interval that gets narrower around the wrong number.

Close to the reference, the noise of one k1 is many times what it measures. k2 and k3 have about a tenth of that
noise, which still is more than so small a KL: none of them says much with few samples. Far away, k2 goes wrong, and k3
can be far noisier than k1: an answer that the policy hardly ever gives, and the reference often, has a huge r. The
*penalty* in 6.2 is k1, and so is the KL in the curves below; k3 is logged beside it. (Some recent trainers put k3 into
the loss instead; there it has another gradient, and that is a choice, not a detail.)
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
descent on your policy loss gives

$$\text{logits} \;\leftarrow\; \text{logits} + \eta\;\text{mean over samples } i \text{ of}\;\; \hat A_i\,(\text{onehot}(a_i) - \pi)$$

(Williams 1992.) **Predict first.** Three answers; only the first one was sampled, and it was good. What happens to
the logits of the other two?
"""


# %% solution="first-step"
def first_step(logits, chosen, advantages, learning_rate):
    """Logits after one step of gradient descent on PPO's loss, from where ρ = 1, without autograd.

    logits: (answers,). chosen: (n,) int64, which answers were sampled, perhaps one several times.
    advantages: (n,). learning_rate: η. Returns (answers,).
    """
    ### BEGIN SOLUTION 6.8: for each sample its advantage times (onehot − π); average, times η, added to the logits
    onehot = torch.nn.functional.one_hot(chosen, len(logits))
    step = (advantages[:, None] * (onehot - logits.softmax(dim=0))).mean(dim=0)
    return logits + learning_rate * step
    ### END SOLUTION


# %%
with once_written():
    print(first_step(torch.zeros(3), torch.tensor([0]), torch.tensor([1.0]), learning_rate=1.0))

# %% [markdown]
"""
They pay, each in proportion to its probability. Is it the same step that autograd takes with *your* loss of 6.5?
"""

# %%
with once_written():
    logits = torch.tensor([0.5, -1.0, 0.2], requires_grad=True)
    chosen, gains = torch.tensor([0, 2, 0]), torch.tensor([1.0, -0.5, 0.3])
    logprobs = logits.log_softmax(dim=0)[chosen][:, None]
    loss = policy_loss(logprobs, logprobs.detach(), gains[:, None], torch.ones(3, 1), 0.2)
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
First a proof in small: **two updates**, once with the course's functions and once with yours, from the same seed.
They have to end in the same place, policy and critic. (At grading the same is done with other seeds.)
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
Now the toy, from the reference, with β = 0.5: 60 steps of 256 answers, **about 15 seconds**. After each step we
look how far the policy is from π*, in *total variation*: the share of probability that sits in the wrong place.

**Predict first.** It starts where the cell prints. Where will it be after 60 steps?
"""

# %%
start = toy.total_variation(p_ref, best)
print(f"at the reference: {start:.2f}")

# %%
distances = [start]
if training_allowed():
    small = toy.trainer(reference, judge_of_toys, beta=0.5, steps=60, **functions)
    small.callbacks = [lambda _: distances.append(toy.total_variation(toy.distribution(small.model), best))]
    small.train()
    plots.show(plots.ppo.approach(distances), alt=f"Total variation from {distances[0]:.2f} to {distances[-1]:.2f}.")

# %%
if training_allowed():
    three = {"reference": p_ref, "optimum": best, "PPO": toy.distribution(small.model)}
    drawn = plots.ppo.answers(names, three, title=f"PPO ends {distances[-1]:.2f} from the optimum")
    plots.show(drawn, alt="Bars of eight answers: PPO's are close to the optimum's, the reference's are not.")

# %% [markdown]
"""
The course tests its own PPO in this way, and plants bugs (GAE walking forwards, the KL with the wrong sign, ρ
upside down) to make sure that the test would notice. A rising reward curve would not: with the KL left out, the
reward rises even faster.

## 5 · The real thing

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
print(len(train_prompts), "prompts to train on,", len(test_prompts), "held out, such as:", test_prompts[0].text)

# %% [markdown]
"""
This reward model is linear in the words of the items, so it can say what *each line* adds to the score. Two lists:
"""

# %%
two = [
    "\n1. lentil soup with lemon\n2. lentil soup with lemon",
    "\n1. chickpea stew with spinach\n2. lentil soup with lemon",
]
for text, lines in zip(two, reward([""] * 2, two), strict=True):
    print([round(value, 2) for value in lines.tolist()], "for lines 1 to 5 of", repr(text))

# %% [markdown]
"""
Saying something twice adds nothing. (The last place also holds what belongs to the whole list, such as being complete,
which neither of the two is.)

Our trainer pays each line where the line ends, and hands your `token_rewards` only what is left for the end token
(Wu et al. 2023). Credit then has a short way: λ can be smaller.

The settings are those of `topfive run`; names follow TRL. Look up two in the printed line: how often is each batch
used, and what does a list get that does not end? (They are `num_ppo_epochs`, with `num_mini_batches` updates in each,
and `missing_eos_score`.) New is `kl_loss_coef`: a second KL penalty, in the loss itself and exact, over the whole
vocabulary. The penalty in the reward hears only of tokens that were sampled, and a small model leaks probability into
the thousands that were not.
"""

# %%
from dataclasses import replace

from topfive.run import PPO

STATE = Path("work/ppo-state")
args = replace(PPO, total_steps=100, seed=6, output_dir=STATE)
args

# %% [markdown]
"""
The next cell only says *how* to train. What it trains with is yours: `**functions`.
"""

# %%
from topfive.errors import TopFiveError
from topfive.reward.model import from_language_model

HISTORY = Path("work/ppo-history.json")


def train_policy():
    policy, critic = copy.deepcopy(sft), from_language_model(sft, seed=args.seed)
    texts = [prompt.text for prompt in train_prompts]
    live = plots.LiveCurves()
    trainer = PPOTrainer(policy, sft, reward, critic, args, texts, tokenizer, callbacks=[live], **functions)
    history = trainer.train()
    if trainer.stopped == "interrupted":
        raise TopFiveError(f"stopped after step {len(history)}, and saved; run this cell again to go on from there")
    HISTORY.write_text(json.dumps(history))
    shutil.rmtree(STATE)
    return policy, tokenizer


# %% [markdown]
"""
**Predict first**, and write it down: after 100 steps, will lists be longer or shorter? Will the score still be
rising? How many nats away will the policy be?

**About two minutes** on two quiet cores. You may stop it (■): the state is saved, and the same cell goes on from
there (after a change of settings, delete `work/ppo-state` first). Once it has finished, running it again begins
anew. Read the list below the curves now and then: numbers can be won in silly ways.
"""

# %%
policy, tokenizer = trained("policy", train_policy)

# %% [markdown]
"""
Compare with what you wrote down: the first three lines are score, distance and length, at the first step and at the
last. Three more numbers stand below; `topfive.ppo.trainer.GLOSSARY` says what each of all that are logged is.
"""

# %%
history = json.loads(HISTORY.read_text())
curves = ("objective/scores", "objective/kl", "response/length")
for key in (*curves, "policy/first_ratio_error", "policy/clipfrac", "value/explained_variance"):
    print(f"{key:26} {history[0][key]:9.2g} → {history[-1][key]:9.2g}")

# %% [markdown]
r"""
How to read the last three:

- `first_ratio_error` is ρ − 1 before anything was learned from a batch. If it is not tiny, log-probabilities were
  computed in two different ways: the most common bug of all.
- `clipfrac`: the share of tokens whose ratio was clipped. Near 0 the steps are small; near 0.5 one batch is used
  too hard.
- `explained_variance`: how much of the returns the critic foresees. Near 0 or below, advantages are mostly noise.

## 6 · Did it get better?

The cell below samples a list by each model for each of 200 held-out prompts, and asks the judge, blind, which of the
two is better (some seconds). The **win rate** is the share of prompts on which the policy wins, a tie counting half. It
is also what is graded: 1 point for a policy of your own, 1 if it wins more than half, 2 more if the whole interval lies
above one half, which is this course's rule for shipping a model. If yours does not get there: β, the number of steps
and the seed are yours to change. A shipped checkpoint handed in as one's own gets nothing.
"""

# %%
from topfive.evaluate import compare, heldout_prompts, kl_divergence

asked = heldout_prompts(test_prompts, 200 if training_allowed() else 8, seed=1)
result = compare(sft, policy, tokenizer, asked, Judge(taste), seed=60)
distance = kl_divergence(policy, sft, tokenizer, [prompt.text for prompt in asked], seed=61)
print(f"win rate over SFT: {result.win_rate}; {distance.mean:.1f} nats away; ships: {result.ships}")

# %% test="policy-test" points=4
# nbgrader makes the same comparison with the policy in work/policy: hand that folder in with this notebook
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_policy as _grade

_grade("vegetarian", prompt_seed=1, seed=60)
### END HIDDEN TESTS

# %% [markdown]
"""
The parts of quality that everybody shares, beside the win rate. What did the policy give up?
"""

# %%
from topfive.evaluate import quality

bars = plots.quality_bars({"sft": quality(result.judged_before), "ppo": quality(result.judged_after)}, result.win_rate)
plots.show(bars, alt=f"Five parts of quality before and after PPO, and the win rate {result.win_rate}.")

# %% [markdown]
"""
And always read. Items with a ✓ are vegetarian, as far as the judge can tell.
"""

# %%
from topfive import lists
from topfive.judge import look_up

HTML(
    plots.side_by_side(
        [prompt.text for prompt in asked[:3]],
        {"SFT": result.before[:3], "after PPO": result.after[:3]},
        mark=lambda item: "vegetarian" in look_up(lists.normalise(item)).tags,
    )
)

# %% [markdown]
"""
## 7 · What β does, and two ways without a critic

One run says little. Here β goes from 0 to very large (both KL penalties, in proportion; the number shown is
`kl_loss_coef`), everything else the same, and two other methods learn from
**the same labels**:

- **DPO** (Rafailov et al. 2023) solves the formula for π* of section 1 for r, and trains the policy on the ranked
  pairs directly: no reward model, no sampling.
- **RLOO** (Ahmadian et al. 2024) keeps the reward model and drops the critic: a list is compared with other lists
  for the same prompt.

Both from TRL. That takes too long for a notebook, so these runs are *recorded*: `python -m topfive.build.recorded`
repeats them.

**Predict first.** Sketch two curves over the KL: the reward model's score, and the judge's win rate. Where do they
part?
"""

# %%
from topfive.evaluate import recorded_runs

runs = recorded_runs()
if runs:
    plots.show(plots.ppo.sweep(runs), alt="Score by the reward model and win rate by the judge over KL, one dot a run.")
else:
    print("Not recorded yet: run  python -m topfive.build.recorded  in the course's folder (about half an hour).")

# %%
for run in runs:
    win = run["win_rate"]
    print(
        f"{run['method']:5} β = {run['beta']:<5.2g} seed {run['seed']}: KL {run['kl']['mean']:5.1f} nats, score "
        f"{run['score']['mean']:+.2f}, win rate {win['mean']:.2f} [{win['low']:.2f}, {win['high']:.2f}], {run['seconds']:.0f} s"
    )

# %% [markdown]
"""
What the extremes wrote, for the same prompt:
"""

# %%
for run in [run for run in runs if run["method"] == "ppo" and run["seed"] == runs[0]["seed"]]:
    example = run["examples"][0]
    print(f"β = {run['beta']:.2g} · {example['prompt']}{example['policy']}\n")

# %% [markdown]
"""
How to look at it:

- **β = 0** has nothing that holds it. About a thousand nats away it no longer writes lists; even the reward model then
  gives it less than SFT. PPO moved faster than a batch of 64 lists can tell it where to.
- **A small β** is the instructive one. Does the reward model like it better than all others? And the judge? Where the
  two disagree, the policy has learned what the reward model does not know. That is *over-optimisation* (Gao et al.
  2023), and notebook 07 is about it.
- **A huge β** hardly moves: win rate about one half, whatever the reward model says.
- Between them is a best β, and it is a property of the *reward model* as much as of PPO: the worse the reward, the
  shorter the leash.
- **DPO and RLOO** stand at their own KL. Comparing methods at different distances compares the distances. And two
  seeds are few: look at how far the dots of one setting lie apart before you rank methods.

## 8 · Pitfalls and tips, from real projects

| what goes wrong | how to notice | where it is told |
|---|---|---|
| sampled at one temperature or with top-p, scored at another | ρ ≠ 1 on the first minibatch | 6.1; checked in every step of our trainer |
| the score lands on a pad, because pad and end token are one and the same | lists stop ending; length grows to the limit | Huang et al. 2024 |
| lists that never end are scored like others | the same | Stiennon et al. 2020; here they get a fixed low score |
| dropout left on | ρ ≠ 1 on the first minibatch, clip fraction high from the start | Huang et al. 2024 |
| the reward's scale drifts between reward models | one β means different things | Ziegler et al. 2019: shift and scale to mean 0, sd 1 on the reference |
| the critic starts from nothing | explained variance near 0 or below, advantages are noise | Stiennon et al. 2020 start it from the reward model; ours is no network, so watch this number |
| a batch of a few lists is whitened | luck decides the sign of advantages | use at least 8, better 64 |
| the reward rises, the lists get worse | only by reading, and by a judge that was not trained on | Gao et al. 2023 |
| one seed | another seed says the opposite | Huang et al. 2024: two of four seeds of their 1B run ended below SFT |
| a policy ships because a curve went up | the interval of the win rate reaches 0.5 | section 6 |

A tip for debugging: make the world small enough that you know the answer (section 1), and plant a bug on purpose to
see whether your test would find it.

## 9 · One question to answer in words

### 6.9 · 15 min · 4 points

A colleague shows you a PPO run. The reward model's score rose from 0 to 2.5 standard deviations in 200 steps, the
KL is at 40 nats, lists became a third longer, and all look alike. The colleague wants to run 200 steps more,
*because the curve is still rising*.

In 150 to 250 words: what has probably happened, which **two measurements** would you ask for before anything else,
and what would you change in the run? Point to something you saw in this notebook.

| points | for |
|---|---|
| 1 | names over-optimisation of the reward model, and says why a rising score is no evidence against it |
| 1 | two measurements that could prove the suspicion *wrong* (such as a win rate with interval by somebody who is not the reward model; diversity; length held fixed) |
| 1 | a change that fits the cause (larger β or a KL budget, an earlier checkpoint, a better or length-neutral reward), and what it costs |
| 1 | ties it to a number or a picture of this notebook |
"""

# %% [markdown] answer="colleague" points=4
"""
The policy has probably learned what the reward model overrates, here length and one safe kind of list, and not what
people want. The score cannot speak against that: it is the very thing that is being exploited, and in the toy a run
without the KL term climbs fastest of all, to a single answer. Forty nats is far beyond where the reward model has
seen any list; it was trained on lists of the SFT model.

I would ask for (1) a blind win rate over SFT on held-out prompts, with its interval, by a judge or people, at
several checkpoints and not only the last: if it still rises with the score, I am wrong. And (2) the share of
distinct items over prompts, and the same win rate among pairs of lists of equal length: if it holds there, length
is not the reason.

I would not go on. I would take the checkpoint at which the win rate was highest, run again with a larger β or stop
at a KL budget of a few nats, and label fresh lists of the *present* policy, so that the reward model learns about
lists like these. The price is a lower score, and time of labellers. In section 7, the smallest β above 0 is the
same story in small: the reward model likes it best of all, and the judge prefers SFT.
"""

# %% [markdown]
r"""
## Going further

Not graded, and each about an hour:

1. Leave the critic away: give `gae_fn` a function that returns score minus batch mean on every token. How much
   noisier is it in the toy of section 4? (That is nearly RLOO.)
2. Let β adapt: `replace(PPO, kl_target=3.0)` (Ziegler et al. 2019, section 2.2). Does it settle?
3. Fit a reward to your own rankings of notebook 04 (`topfive.reward.words.fit_word_reward`) and train on that.

**Open questions**, with something to read on each:

| question | begin with |
|---|---|
| Is the critic worth its cost when the reward comes once, at the end? | Ahmadian et al. 2024 (arXiv 2402.14740); Shao et al. 2024 (2402.03300); Liu et al. 2025 (2503.20783) |
| When is learning from pairs directly as good as PPO? | Rafailov et al. 2023 (2305.18290); Azar et al. 2023 (2310.12036); Xu et al. 2024 (2404.10719) |
| How does one know, without a gold judge, that the optimum has been passed? | Gao et al. 2023 (2210.10760); Coste et al. 2023 (2310.02743); Eisenstein et al. 2023 (2312.09244) |
| Should every sentence be paid for itself? | Wu et al. 2023 (2306.01693) |
| Is a fixed price for KL the right constraint at all? | Korbak et al. 2022 (2205.11275); Moskovitz et al. 2023 (2310.04373) |
| Which details of PPO matter, and which are folklore? | Engstrom et al. 2020 (2005.12729); Andrychowicz et al. 2021 (2006.05990); Huang et al. 2024 (2403.17031) |
| Whose preferences are they? | Casper et al. 2023 (2307.15217) |

**The papers behind this notebook**: Schulman et al. 2016, generalised advantage estimation (1506.02438); Schulman
et al. 2017, PPO (1707.06347); Ziegler et al. 2019, fine-tuning from human preferences (1909.08593); Stiennon et al.
2020, learning to summarise (2009.01325); Ouyang et al. 2022, InstructGPT (2203.02155); J. Schulman 2020,
*Approximating KL divergence* (joschu.net/blog/kl-approx.html); Williams 1992, *Simple statistical
gradient-following algorithms*.

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
