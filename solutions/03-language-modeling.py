# %% [markdown]
r"""
# 03 · Language modeling

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2 hours | 21 | PyTorch, no other notebook | train a language model, fine-tune it to answer, say what changed |

Everything in this course stands on a model that predicts the next word. In this notebook you write its loss, measure
it, pretrain a small model for a minute, sample from it, and then **fine-tune** one to answer with a list: the first
stage of RLHF. At the end a well-known library does the same fine-tuning, and the losses agree with yours.

Every exercise has a `check` that answers in words, and `hint("3.1")` gives the next hint. Nothing breaks if you skip
one: what comes later then uses the course's own function.
"""

# %%
import copy

import torch
import torch.nn.functional as F

from topfive import data, evaluate, plots
from topfive.checks import check, hint, once_written, trained, training_allowed, use
from topfive.lists import parse
from topfive.lm.measure import completion_nats
from topfive.lm.model import load, new_model
from topfive.lm.sampling import sample_texts
from topfive.lm.train import TrainConfig, adamw, encode_pairs, fit, muon, packed_batches, sft_batches
from topfive.stats import bootstrap, wilson

plots.show_loop("base model")

# %% [markdown]
"""
You are in the first box, and by the end in the second. (When nbgrader runs this notebook, it makes do with a few lists,
and reads the models that you trained.)
"""

# %%
many = 100 if training_allowed() else 6
base, tokenizer = load(data.checkpoint("base"))
print(f"{base.num_parameters():,} parameters, {len(tokenizer):,} tokens in the vocabulary")

# %% [markdown]
"""
## 1 · What a language model is

A text is cut into **tokens**, pieces of words, each with a number. `Ġ` stands for a blank and `⏎` for a line break; a
line break with the number of a list entry is one token here, since our texts have so many of them.
"""

# %%
prompt = "top 5 winter soups"
ids = tokenizer(prompt + "\n1. lentil soup with cumin")["input_ids"]
for token, number in zip(tokenizer.convert_ids_to_tokens(ids), ids, strict=True):
    print(f"{number:5} ", token.replace("\n", "⏎"))

# %% [markdown]
"""
The model reads numbers and gives, at every place, one number for each token of the vocabulary: the **logits**. The
larger, the likelier that this token comes *next*.
"""

# %%
with torch.no_grad():
    logits = base(torch.tensor([ids])).logits
logits.shape

# %% [markdown]
"""
That is (texts, places, vocabulary). `softmax` turns logits into probabilities.

**Predict first.** What does the model think comes after `top 5 winter soups`, and how sure is it?
"""

# %%
place = len(tokenizer(prompt)["input_ids"]) - 1
best = logits[0, place].softmax(dim=-1).topk(4)
for probability, number in zip(best.values, best.indices, strict=True):
    print(f"{probability:.3f}  {tokenizer.decode(number)!r}")

# %% [markdown]
r"""
Mostly the first line of a list, sometimes more of the prompt (`top 5 winter soups for …`). Both are good guesses: a
model does not know which prompt you had in mind.

## 2 · The loss

### 3.1 Next-token loss  · 15 min · 3 points · needs nothing

A text is its own teacher. At every place the model has read some tokens, and the next one is the right answer. The
loss of a place is $-\log p$(right answer), in **nats** (natural logarithm). Training makes the mean of it smaller
(Bengio et al. 2003, section 2).

All places are computed at once, and that is where nearly everybody slips once. Row $t$ of the logits has seen the
tokens up to $t$, *with* token $t$; it guesses token $t+1$:

| place t | 0 | 1 | 2 | 3 |
|---|---|---|---|---|
| token | `top` | `5` | `soups` | `<pad>` |
| row t guesses | `5` | `soups` | `<pad>` | nothing |
| mask: is this token to be predicted? | 1 | 1 | 1 | 0 |

Texts in a batch differ in length, so short ones end in **pads**. The mask has a 1 on each token whose prediction
counts. The very first token has nothing before it: nobody predicts it, whatever its mask says. Every token that
counts, counts the same.

**Predict first.** Vocabulary of three, tokens 0, 1, 2. Row 0 thinks token 0 twice as likely as each of the others; row 1
thinks so of token 2; row 2 is very sure of token 0. Which rows matter, and what is the mean loss? (log 4 = 1.39,
log 2 = 0.69.)
"""


# %% solution="next-token-loss"
def next_token_loss(logits, tokens, mask):
    """Mean negative log-likelihood of each counted token given those before it.

    logits: (batch, time, vocabulary) float; the row at t predicts the token at t + 1.
    tokens: (batch, time) int64; a pad may hold any of them.
    mask: (batch, time) int64, 1 on the tokens to be predicted; the first never counts.
    Returns a scalar through which gradients flow; 0 if no token counts.
    """
    ### BEGIN SOLUTION 3.1: the mean loss of the tokens that count
    predicted, following, counted = logits[:, :-1], tokens[:, 1:], mask[:, 1:].to(logits.dtype)
    losses = F.cross_entropy(predicted.flatten(0, 1), following.flatten(), reduction="none")
    return (losses * counted.flatten()).sum() / counted.sum().clamp(min=1)
    ### END SOLUTION


# %%
toy_logits = torch.tensor([[[2.0, 1.0, 1.0], [1.0, 1.0, 2.0], [5000.0, 1.0, 1.0]]]).log()
toy_tokens = torch.tensor([[0, 1, 2]])
with once_written():
    print(next_token_loss(toy_logits, toy_tokens, torch.ones_like(toy_tokens)))

# %% [markdown]
"""
(log 4 + log 2) / 2 = 1.04: row 0 gave token 1 a quarter, row 1 gave token 2 a half, and nobody asks row 2.
"""

# %%
check("3.1", next_token_loss)

# %% [markdown]
"""
Stuck? Each call gives one hint more. They cost nothing.
"""

# %%
hint("3.1")

# %% test="next-token-loss-test" points=3
# Locked: your points for 3.1.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.1", lambda: next_token_loss, seeds=(11, 12, 13))
### END HIDDEN TESTS

# %% [markdown]
"""
From here on `loss_fn` is your function, if it is right.
"""

# %%
loss_fn = use("3.1", next_token_loss)

# %% [markdown]
"""
### Where the nats go

A mask with a single 1 gives the loss of that one token. Below is a prompt with a list that the model has never seen.
**Predict first:** which tokens are hard to predict, the first or the last ones of an item?
"""

# %%
[(question, answer)] = data.fresh_lists("validation", 1, seed=1)
print(question + answer)

# %%
tokens = torch.tensor([tokenizer(question + answer)["input_ids"] + [tokenizer.eos_token_id]])
with torch.no_grad():
    logits = base(tokens).logits
nats = [loss_fn(logits, tokens, one[None]).item() for one in torch.eye(tokens.shape[1]).long()][1:]

# %%
drawn, [ax] = plots.figure(width=10)
few = sorted(nats)[-10:]
ax.bar(range(len(nats)), nats, color=plots.BASE)
ax.set(title=f"Ten of {len(nats)} tokens carry {sum(few) / sum(nats):.0%} of the surprise", ylabel="loss (nats)")
names = [tokenizer.decode(token).replace("\n", "⏎") for token in tokens[0, 1:]]
ax.set_xticks(range(len(nats)), names, rotation=90, fontsize="x-small")
plots.show(drawn, alt="A bar for the loss of each token; a few tall ones, many near zero.")

# %% [markdown]
"""
The first ones. Which item comes is open, so it costs a few nats to say; how it goes on is then nearly settled. (In the
prompt it is the same: what it asks for is open, the words between are not.) Keep this picture in mind when you read a
mean: it mixes a few real decisions with many that are none.
"""

# %% [markdown]
r"""
## 3 · Perplexity

### 3.2 Perplexity per token and per word  · 10 min · 2 points · needs nothing

The loss is in nats, which are hard to feel. Its exponential is the **perplexity**: a model with perplexity 20 hesitates
as if it had to pick among 20 equally likely tokens.

$$\text{perplexity} = \exp\Big(\frac{\text{nats of all texts together}}{\text{number of pieces in all}}\Big)$$

Pieces can be tokens or words. **Predict first:** two models find the same three-word text equally likely, 12 nats. One
cuts it into 6 tokens, the other into 3. Which of them has the lower perplexity per token? Per word?
"""


# %% solution="perplexities"
def perplexities(nats, tokens, words):
    """Perplexity of a collection of texts: (per token, per word).

    nats: (texts,) float, negative log-likelihood of each text, summed over its tokens.
    tokens, words: (texts,) int64, how many of each a text has.
    """
    ### BEGIN SOLUTION 3.2: both perplexities, per token and per word
    total = nats.sum()
    return (total / tokens.sum()).exp(), (total / words.sum()).exp()
    ### END SOLUTION


# %%
with once_written():
    print("6 tokens:", perplexities(torch.tensor([12.0]), torch.tensor([6]), torch.tensor([3])))
    print("3 tokens:", perplexities(torch.tensor([12.0]), torch.tensor([3]), torch.tensor([3])))

# %% [markdown]
"""
Per token, the model with more tokens seems seven times better, and they are equally good. A token is whatever the
tokenizer says, so **perplexities per token compare only models with the same tokenizer**; per word they compare others
too.
"""

# %%
check("3.2", perplexities)

# %% test="perplexities-test" points=2
# Locked: your points for 3.2.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.2", lambda: perplexities, seeds=(21, 22, 23))
### END HIDDEN TESTS

# %% [markdown]
"""
Now for real. `fresh_lists` draws prompts that were **held out**, that is, kept away from all training, and gives each
five fitting items from the course's **item bank**. The model may have read the items, but neither the prompt nor the
list. `completion_nats` adds up the loss of each list (not of its prompt).
"""

# %%
measure_fn = use("3.2", perplexities)
held_out = data.fresh_lists("validation", many, seed=5)
nats, tokens, words = completion_nats(base, tokenizer, held_out)
per_token, per_word = measure_fn(nats, tokens, words)
print(f"base: {per_token:.2f} a token, {per_word:.2f} a word; {nats.mean():.0f} nats a list of {words[0]} words")

# %% [markdown]
"""
Is that good? If the model knew the subject's forty or so items by heart and nothing else, it would still have to choose
five of them: that alone costs about 5 · log 40 nats, 18 a list. Nothing that anybody trains can do much better on lists
drawn by chance.
"""

# %%
print(f"{5 * torch.log(torch.tensor(40.0)):.1f} nats")

# %% [markdown]
"""
## 4 · From texts to batches

### 3.3 Packing texts into full rows  · 10 min · 2 points · needs nothing

The pretraining text is thousands of short texts. Padded to the longest in each batch, how much of it would be pads?
(In 3.7 you measure it.)
"""

# %%
documents = data.pretraining_text()[:2000]
for text in documents[:3]:
    print(repr(text))

# %% [markdown]
"""
Pretraining therefore **packs**: all texts in one stream, an end token after each, and the stream cut into rows of the
same width (Brown et al. 2020, appendix B). No pad at all. The price: a row may begin in the middle of a text, and
what stands before an end token is visible behind it. The end token has to tell the model that it means nothing there.

**Predict first.** Texts `5 6 7`, `8` and `9 10`, end token `1`, rows of four. What are the rows, and what is lost?
"""


# %% solution="pack"
def pack(texts, end, width):
    """Texts end to end in one stream, an end token after each, cut into full rows; what is left over is dropped.

    texts: token ids of each text, a list of lists. Returns (rows, width), int64, without pads.
    """
    ### BEGIN SOLUTION 3.3: the texts as full rows
    stream = torch.tensor([token for text in texts for token in (*text, end)], dtype=torch.long)
    return stream[: len(stream) // width * width].view(-1, width)
    ### END SOLUTION


# %%
with once_written():
    print(pack([[5, 6, 7], [8], [9, 10]], end=1, width=4))

# %%
check("3.3", pack)

# %% test="pack-test" points=2
# Locked: your points for 3.3.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.3", lambda: pack, seeds=(31, 32, 33))
### END HIDDEN TESTS

# %% [markdown]
"""
## 5 · A minute of pretraining

A fresh model with random weights, your loss, your rows. It reads batches of 16 rows of 128 tokens. Large models are
pretrained in the same way, on ten million times as much text: Llama 3 read some 15 trillion tokens (Grattafiori et al.
2024), our text has about a million.

**Predict first.** What is the loss at the very first step? (There are 4,096 tokens, and the model knows nothing.) How
far down does it get in a minute?
"""

# %%
print(f"log 4096 = {torch.log(torch.tensor(4096.0)):.2f}")

# %% [markdown]
"""
The next cell takes **about a minute** on two quiet cores. You may stop it (■); then run it again.
"""

# %%
PRETRAINING = TrainConfig(steps=260, batch_size=16, learning_rate=1e-2, warmup=20, seed=7)


def pretrain():
    model = new_model(tokenizer, seed=7)
    batches = packed_batches(tokenizer, data.pretraining_text(), PRETRAINING, pack_fn=use("3.3", pack))
    curve = plots.LossCurve(plots.BASE)
    fit(model, batches, PRETRAINING, muon(model, PRETRAINING), loss_fn=loss_fn, progress=curve)
    return model, tokenizer


young, _ = trained("pretrained", pretrain)

# %% [markdown]
"""
It begins at log 4096: whoever knows nothing gives every token the same probability. The fall is steep at first, when it
learns which tokens are common, and then that an item goes on as items go. (`muon` is an optimiser for matrices that
needs fewer steps than AdamW, Jordan et al. 2024.)

The course's base model is the same thing, trained on about ten times as many rows: it has read every text several
times, and knows most items by heart. Side by side on the held-out lists:
"""

# %%
for name, model in {"one minute": young, "base": base}.items():
    per_token, per_word = measure_fn(*completion_nats(model, tokenizer, held_out))
    print(f"{name:10}  perplexity {per_token:6.2f} a token, {per_word:6.2f} a word")

# %% [markdown]
"""
And how each of them goes on from our prompt:
"""

# %%
for name, model in {"one minute": young, "base": base}.items():
    [text] = sample_texts(model, tokenizer, [prompt], seed=3)
    print(f"{name}: {prompt}{text}\n")

# %% [markdown]
"""
## 6 · Sampling

The model gives probabilities; something has to choose. Always the likeliest token? Then the same prompt gets the same
list for ever, and often one that goes round in circles (Holtzman et al. 2020). Drawn just as the model says? Then,
among thousands of tokens that are each very unlikely, one turns up every few words.

### 3.4 From logits to probabilities at a temperature  · 5 min · 1 point · needs nothing

The logits are divided by a **temperature** before the softmax (Hinton et al. 2015, eq. 1). Below 1 what is likely gets
likelier; above 1 all gets more equal; at 0, by definition, the likeliest token gets everything.

**Predict first.** Logits 2, 1, 0 at temperature ½: how many times as likely as the second is the first? (At 1 it is
e ≈ 2.7 times.)
"""


# %% solution="token-probabilities"
def token_probabilities(logits, temperature=1.0):
    """Probability of each token at a temperature; at 0 all of it is on the likeliest.

    logits: (…, vocabulary) float. Returns the same shape, float; the last dimension sums to 1.
    """
    ### BEGIN SOLUTION 3.4: probabilities at any temperature, 0 included
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    return (logits / temperature).softmax(dim=-1)
    ### END SOLUTION


# %%
with once_written():
    for temperature in (0, 0.5, 1, 3):
        print(temperature, token_probabilities(torch.tensor([2.0, 1.0, 0.0]), temperature))

# %% [markdown]
"""
Dividing by ½ doubles every difference between logits, so the first is e² ≈ 7.4 times as likely as the second.
"""

# %%
check("3.4", token_probabilities)

# %% test="token-probabilities-test" points=1
# Locked: your point for 3.4.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.4", lambda: token_probabilities, seeds=(41, 42, 43))
### END HIDDEN TESTS

# %% [markdown]
"""
This is how the base model would begin a list of winter soups.
"""

# %%
probabilities_fn = use("3.4", token_probabilities)
start = tokenizer(prompt + "\n1.", return_tensors="pt")["input_ids"]
with torch.no_grad():
    first = base(start).logits[0, -1]
order = first.argsort(descending=True)[:20]

# %%
drawn, [ax] = plots.figure(width=8)
for temperature, style in ((0.5, ":"), (1.0, "-"), (2.0, "--")):
    shares = probabilities_fn(first, temperature)[order]
    ax.plot(shares, style, color=plots.BASE, label=f"temperature {temperature:g}: these 20 have {shares.sum():.0%}")
likeliest = [probabilities_fn(first, temperature).max() for temperature in (0.5, 2.0)]
ax.set(title=f"The likeliest beginning: {likeliest[0]:.0%} when cold, {likeliest[1]:.1%} when hot")
ax.set(xlabel="first token of the list", ylabel="probability")
ax.set_xticks(range(20), [tokenizer.decode(token) for token in order], rotation=90, fontsize="x-small")
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(drawn, alt="Probability of the twenty likeliest tokens at three temperatures.")

# %% [markdown]
r"""
### 3.5 Top-k and top-p  · 15 min · 3 points · needs 3.4

Temperature weakens the long tail; truncation cuts it off. **Top-k** keeps the $k$ likeliest tokens. **Top-p**
(nucleus sampling, Holtzman et al. 2020) keeps the smallest set of likeliest tokens whose probabilities sum to *at
least* $p$: many when the model is unsure, few when it is sure. Whatever is left out gets the logit $-\infty$, so that
the softmax gives it 0. If both are asked for, top-k comes first, and top-p looks at what is left of it (the order in
`transformers`).

**Predict first.** Probabilities 0.15, 0.5, 0.1, 0.25 and p = 0.7. Which tokens stay? And for p = 0.3?
"""


# %% solution="truncate-logits"
def truncate_logits(logits, top_k=None, top_p=1.0):
    """Set logits outside the `top_k` largest, and outside the nucleus of mass `top_p`, to −∞.

    logits: (…, vocabulary), some perhaps −∞ already; each row keeps its own.
    top_k: None keeps all, so does a k beyond the vocabulary. top_p: 1 keeps all.
    Returns the same shape; what stays keeps its logit. The most likely token always stays.
    """
    ### BEGIN SOLUTION 3.5: the logits that top-k leaves, then those that top-p leaves
    if top_k is not None and top_k < logits.shape[-1]:
        smallest_kept = logits.topk(top_k, dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < smallest_kept, -torch.inf)
    if top_p < 1.0:
        ordered, order = logits.sort(dim=-1, descending=True)
        probabilities = ordered.softmax(dim=-1)
        goes = probabilities.cumsum(dim=-1) - probabilities >= top_p
        goes[..., 0] = False
        dropped = torch.zeros_like(goes).scatter(-1, order, goes)
        logits = logits.masked_fill(dropped, -torch.inf)
    return logits
    ### END SOLUTION


# %%
four = torch.tensor([0.15, 0.5, 0.1, 0.25]).log()
with once_written():
    for settings in ({"top_k": 3}, {"top_p": 0.7}, {"top_p": 0.3}, {"top_k": 3, "top_p": 0.8}):
        print(settings, truncate_logits(four, **settings).softmax(dim=-1))

# %% [markdown]
"""
The second largest passes 0.7, and belongs to the nucleus: without it the sum is only 0.5. In the last line, after
top-k, the three that stayed share everything; the first two have 0.83 of it.
"""

# %%
check("3.5", truncate_logits)

# %% test="truncate-logits-test" points=3
# Locked: your points for 3.5.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.5", lambda: truncate_logits, seeds=(51, 52, 53))
### END HIDDEN TESTS

# %% [markdown]
"""
### What it does to lists

Now both of your functions choose every token. For each temperature we sample some lists and count two things: which
share of the items is known from the course's item bank, and how many of all the items are different.

**Predict first.** Both curves depend on temperature. Which rises, which falls?
"""

# %%
chosen_by = {"probabilities_fn": probabilities_fn, "truncate_fn": use("3.5", truncate_logits)}
bank = {row["item"] for row in data.rows("items")}


def counted(**settings):
    texts = sample_texts(base, tokenizer, [prompt] * (many // 2), seed=4, **settings, **chosen_by)
    items = [item for text in texts for item in parse(text).items]
    return sum(item in bank for item in items) / len(items), len(set(items)) / len(items)


# %%
temperatures = (0, 0.4, 0.7, 1, 1.3)
known, different = zip(*(counted(temperature=temperature) for temperature in temperatures), strict=True)
drawn, [ax] = plots.figure(width=6)
ax.plot(temperatures, known, "o-", color=plots.BASE, label="in the item bank")
ax.plot(temperatures, different, "o--", color=plots.BASE, label="different")
change = (f"{name} {share[0]:.0%} → {share[-1]:.0%}" for name, share in (("known", known), ("different", different)))
ax.set(title=f"From cold to hot: {', '.join(change)}")
ax.set(xlabel="temperature", ylabel="share of items", ylim=(0, 1.05))
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(drawn, alt="Two curves over temperature: items that are known, and items that are different.")

# %% [markdown]
"""
Truncation shifts the exchange: the same hot temperature, with the tail cut off.
"""

# %%
for settings in ({}, {"top_k": 20}, {"top_p": 0.9}):
    share, variety = counted(temperature=1.0, **settings)
    print(f"temperature 1 {settings or 'alone'}: {share:.0%} known, {variety:.0%} different")

# %% [markdown]
"""
A cut-off tail costs variety, much as a lower temperature does. There is no best setting, only an exchange between
variety and care. This course samples at temperature 0.7 without
truncation wherever it compares or trains: RL needs to know the exact probability of what was sampled, and a truncated
model gives most tokens none.

## 7 · Supervised fine-tuning

The base model continues text, whatever its text was like. Ours has read lists by careless writers, and lists with a
reviewer's remarks in brackets, so it writes such lists, too. **Supervised fine-tuning** (SFT) trains it further on
demonstrations: prompts with answers as one would like them. Same loss, same loop; what changes is the data, and which
tokens count.
"""

# %%
demonstrations = data.clean_demonstrations()
print(len(demonstrations), "demonstrations")
print(demonstrations[0][0], "→", repr(demonstrations[0][1]))

# %% [markdown]
"""
### 3.6 Padding, and masking the prompt  · 15 min · 3 points · needs 3.1

An answer starts behind its prompt, so SFT does not pack: each row is one prompt with its completion, padded on the
right. The prompt is given; the model is not to learn to ask. So its tokens get a 0 in the mask. The **end token**
gets a 1: a model that never had to predict it never stops.

**Predict first.** Prompt `5 6`, completion `7 8` and end token `1`, in a row of six with pad `0`. Write down both rows,
tokens and mask. How many predictions count?
"""


# %% solution="pad-batch"
def pad_batch(examples, pad, mask_prompt=True):
    """Pairs as one batch, padded on the right to the longest of them: (tokens, mask), each (batch, time) int64.

    examples: list of (prompt ids, completion ids), two lists each; a completion's ids end with the end token.
    mask: 1 on the tokens to be predicted: the completion with its end token; the prompt only if mask_prompt is False.
    """
    ### BEGIN SOLUTION 3.6: tokens and mask of the batch
    width = max(len(prompt) + len(completion) for prompt, completion in examples)
    tokens = torch.full((len(examples), width), pad)
    mask = torch.zeros_like(tokens)
    for row, (prompt, completion) in enumerate(examples):
        end = len(prompt) + len(completion)
        tokens[row, :end] = torch.tensor(prompt + completion)
        mask[row, len(prompt) if mask_prompt else 0 : end] = 1
    return tokens, mask
    ### END SOLUTION


# %%
with once_written():
    for part in pad_batch([([5, 6], [7, 8, 1]), ([5], [6, 7, 8, 9, 1])], pad=0):
        print(part)

# %% [markdown]
"""
The first row is yours: three predictions count, the end token's among them. Look twice at the 1s: they stand on the
tokens that are *predicted*. That the row before does the predicting is the
loss's business (3.1), not the mask's.
"""

# %%
check("3.6", pad_batch)

# %% test="pad-batch-test" points=3
# Locked: your points for 3.6.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.6", lambda: pad_batch, seeds=(61, 62, 63))
### END HIDDEN TESTS

# %% [markdown]
"""
### 3.7 What padding costs  · 5 min · 1 point · needs nothing

Pads are computed like all other tokens, and thrown away. How much of the work is that? If texts of these lengths go
into batches in the order given, each batch as wide as its longest text, which share of all places is pads?

**Predict first.** Lengths 2, 4, 3, 9, two a batch. How many places, how many pads? And sorted: 2, 3, 4, 9?
"""


# %% solution="padding-waste"
def padding_waste(lengths, batch_size):
    """Share of pads if texts of these lengths go into batches in this order, each padded to its own longest.

    lengths: tokens of each text, a list. The last batch may be smaller. Returns a share of all places, 0 to 1.
    """
    ### BEGIN SOLUTION 3.7: the share of pads
    batches = [lengths[start : start + batch_size] for start in range(0, len(lengths), batch_size)]
    return 1 - sum(lengths) / sum(len(batch) * max(batch) for batch in batches)
    ### END SOLUTION


# %%
with once_written():
    print(padding_waste([2, 4, 3, 9], 2), padding_waste([2, 3, 4, 9], 2))

# %%
check("3.7", padding_waste)

# %% test="padding-waste-test" points=1
# Locked: your point for 3.7.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.7", lambda: padding_waste, seeds=(71, 72, 73))
### END HIDDEN TESTS

# %% [markdown]
"""
As given, batches of 2 × 4 and 2 × 9 places make 26, and 8 of them are pads; sorted, it is 6 of 24. With the function we
can measure the choice between padding and packing. (Packed, the waste is 0.)
"""

# %%
waste_fn = use("3.7", padding_waste)
lengths = {
    "pretraining text": [len(ids) + 1 for ids in tokenizer(documents)["input_ids"]],
    "demonstrations": [len(p) + len(c) for p, c in encode_pairs(tokenizer, demonstrations)],
}
for name, found in lengths.items():
    print(f"{name:16}  as they come {waste_fn(found, 32):.0%}, sorted by length {waste_fn(sorted(found), 32):.1%}")

# %% [markdown]
"""
Pretraining gains much by packing. Our demonstrations are nearly of one length, so simple padding is good enough.
Sorting is nearly free of waste, yet a batch then holds only short or only long answers, and the steps of training
pull in turn in different directions; libraries therefore sort within random groups ("group by length").

### Fine-tuning, from the base model

Your mask, your loss. It takes **about half a minute** on two quiet cores.

**Predict first.** Where does the loss begin, compared with the 8.3 nats of a model that knows nothing?
"""

# %%
SFT = TrainConfig(steps=180, batch_size=32, learning_rate=1e-3, warmup=20, weight_decay=0.0, seed=7)
pad_fn = use("3.6", pad_batch)


def fine_tune():
    model = copy.deepcopy(base)
    batches = sft_batches(tokenizer, demonstrations, SFT, pad_fn=pad_fn)
    fit(model, batches, SFT, adamw(model, SFT), loss_fn=loss_fn, progress=plots.LossCurve(plots.SFT))
    return model, tokenizer


sft, _ = trained("sft", fine_tune)

# %% [markdown]
"""
It begins where the base model is, far below 8.3: the base model has read many lists already, and most tokens of a list
are settled by those before them (section 2, *Where the nats go*). So there is little left to fall, and most of what you
see is noise from batch to batch. Has anything been learned?

## 8 · Did it help?

**Predict first.** Will lists that somebody else wrote be much likelier to your model than to the base model? Will the
lists that it writes itself be better? In what?
"""

# %%
for name, model in {"base": base, "SFT": sft}.items():
    per_token, per_word = measure_fn(*completion_nats(model, tokenizer, held_out))
    print(f"{name:5} perplexity {per_token:.2f} a token, {per_word:.2f} a word")

# %% [markdown]
"""
Only a little likelier. Now what they write themselves, both for the same held-out prompts:
"""

# %%
asked = evaluate.heldout_prompts(data.prompts("validation"), many, seed=2)
questions = [one.text for one in asked]
models = {"base": base, "SFT": sft}
answers = {name: sample_texts(model, tokenizer, questions, seed=6) for name, model in models.items()}

# %% [markdown]
"""
Read before you count. Items with a ✓ are in the course's bank.
"""

# %%
from IPython.display import HTML

HTML(plots.side_by_side(questions[:4], {name: texts[:4] for name, texts in answers.items()}, mark=bank.__contains__))

# %% [markdown]
"""
First the form: five numbered items and nothing else, no remark in brackets. Each line shows a share, a 95 % interval
(what other prompts might have given), and the number of lists.
"""


# %%
def in_order(text):
    return parse(text).valid and "(" not in text


for name, texts in answers.items():
    print(f"{name:5} {wilson(sum(map(in_order, texts)), len(texts))}")

# %% [markdown]
"""
Now the course's **judge**, a program that knows the item bank, and for an item outside it guesses. It gives each list
five numbers between 0 and 1: is it five numbered items; are they on topic; do they keep the constraint (the *spicy* or
*for kids* of the prompt); are there no repeats; are they specific? The first judgement takes some seconds. The bars'
whiskers are 95 % intervals over prompts.
"""

# %%
from topfive.judge import Judge

judged = {name: Judge().judge_all(asked, texts) for name, texts in answers.items()}
plots.show(
    plots.language_modeling.parts_compared(judged),
    alt="Five parts of quality of the base model's lists and of the SFT model's.",
)

# %%
for part in ("valid", "on_topic", "constraint", "distinct", "specific"):
    before, after = (bootstrap([getattr(one, part) for one in judged[name]]) for name in ("base", "SFT"))
    print(f"{part:11} base {before}   SFT {after}")

# %% [markdown]
"""
Where two intervals lie apart, something changed; where they overlap much, this evaluation cannot tell. Zhou et al. 2023
argue that fine-tuning on demonstrations teaches mostly the *form*, and that what a model knows it has from pretraining.
Do your bars agree?

Perplexity says how likely *given* lists are, the judge what the model writes by itself. A few tokens decide how a list
looks (is a bracket opened, does the end come), and they hardly move a mean over all tokens. So measure both, and read.

## 9 · The same with a library

In practice you would not write this loop. **TRL** has an `SFTTrainer`; given prompts and completions it does its own
tokenising, masking, padding and training:

```python
trainer = SFTTrainer(
    model=model,
    args=SFTConfig(max_steps=20, per_device_train_batch_size=8, bf16=False, …),
    train_dataset=Dataset.from_dict({"prompt": […], "completion": […]}),
    processing_class=tokenizer,
    optimizers=(optimizer, scheduler),
)
trainer.train()
```

If both are right, the losses agree: same weights, same batches, same optimiser and learning rates. Nothing else is
shared. (`topfive/lm/sft_trl.py` has the whole of it.) **Predict first:** to how many digits?

It takes about ten seconds, most of it for the import.
"""

# %%
TWENTY = TrainConfig(steps=20, batch_size=8, learning_rate=1e-3, warmup=5, weight_decay=0.0, seed=7)
if training_allowed():
    from topfive.lm.sft_trl import trl_sft_losses

    theirs = trl_sft_losses(base, tokenizer, demonstrations, TWENTY)
    model = copy.deepcopy(base)
    batches = sft_batches(tokenizer, demonstrations, TWENTY, pad_fn=pad_fn)
    yours = fit(model, batches, TWENTY, adamw(model, TWENTY), loss_fn=loss_fn)

# %%
if training_allowed():
    for step in (0, 1, 2, 19):
        print(f"step {step + 1:2}   you {yours[step]:.6f}   TRL {theirs[step]:.6f}")
    print(f"largest difference in 20 steps: {max(abs(a - b) for a, b in zip(yours, theirs, strict=True)):.1e}")

# %% [markdown]
"""
What is left is the order in which numbers are added. Had your mask been off by one token, the first step would show it:
comparing with something known is the best test that training code can have. Try it: `mask_prompt=False` in
`sft_batches`.

## 10 · Your model, measured

Four points are for the model in `work/sft`. The locked cells measure it on held-out prompts: two points if its
perplexity on fresh lists is at most 0.99 times that of the base model (one up to 1.01 times), and two if at least 95
% of its lists are five numbered items and nothing else (one from 90 %). A shipped checkpoint earns nothing. Hand in
the `work` folder with this notebook.
"""

# %% test="sft-perplexity" points=2
# Locked: your points for perplexity.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_perplexity as _grade

_grade(seed=1003, at_most={1.01: 1, 0.99: 2})
### END HIDDEN TESTS

# %% test="sft-valid" points=2
# Locked: your points for valid lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_lists as _grade

_grade(prompt_seed=1004, seed=1005, at_least={0.9: 1, 0.95: 2})
### END HIDDEN TESTS

# %% [markdown]
"""
## 11 · In your own words  · 10 min · 2 points

A colleague fine-tunes the same base model and reports: *"I left the prompt mask out. My training loss is 20 % lower
than yours, so we should all leave it out."*

Answer in four to eight sentences. Is the conclusion right? What would you measure instead?

| points | for |
|---|---|
| 1 | says why the two losses cannot be compared |
| 1 | proposes a fair comparison, with its data, its measure and its uncertainty |
"""

# %% [markdown] answer="without-a-mask" points=2
"""
The two losses are means over different tokens. Hers also counts the tokens of the prompt, and if those are easier to
predict than the answer (our prompts have all the same few forms), the mean falls without any answer getting better. A
lower loss on another set of tokens says nothing about which model writes better lists.

I would take both models and compare them on the same tokens: the completions of held-out prompts, with the prompt
masked for both, as perplexity per word. Since perplexity says little about what a model writes by itself, I would
also let both answer the same hundred or more held-out prompts, count valid lists and the judge's parts, or have
people compare blind, and give a 95 % interval for the difference, over prompts and better still over a few training
seeds. Only if that interval excludes zero would I change the recipe.
"""

# %% [markdown]
"""
## 12 · Going further

- Fine-tune without the mask and make the comparison of your own answer. It is one argument.
- Set `many = 400` and see by how much the intervals shrink. (By half. Why?)
- Pretrain ten minutes instead of one: `TrainConfig(steps=3000, …)`. Does the loss go on falling along the same line?
- Four topics head no demonstration. Measure both models on `data.fresh_lists("test", 100, seed=0)`, and the course's
  own SFT model, which was trained for longer: what did fine-tuning do to what it was not shown?
- Give pads a 1 in the mask and sample: what does the model write after its fifth item?

| paper | what for |
|---|---|
| Bengio et al. 2003, *A neural probabilistic language model* | the loss |
| Radford et al. 2019, *Language models are unsupervised multitask learners* | the architecture of our model, GPT-2 |
| Brown et al. 2020, [arXiv 2005.14165](https://arxiv.org/abs/2005.14165) | packing, and what size does |
| Grattafiori et al. 2024, [arXiv 2407.21783](https://arxiv.org/abs/2407.21783) | how a large model is pretrained |
| Jordan et al. 2024, [*Muon*](https://kellerjordan.github.io/posts/muon/) | the optimiser of our pretraining |
| Holtzman et al. 2020, [arXiv 1904.09751](https://arxiv.org/abs/1904.09751) | top-p; why the likeliest text is poor |
| Hinton et al. 2015, [arXiv 1503.02531](https://arxiv.org/abs/1503.02531) | temperature in the softmax |
| Zhou et al. 2023, [arXiv 2305.11206](https://arxiv.org/abs/2305.11206) | how much a few good demonstrations do |
| Ouyang et al. 2022, [arXiv 2203.02155](https://arxiv.org/abs/2203.02155) | SFT as the first stage of RLHF |

Next: in 04 you say which of this model's lists you like better.
"""
