# %% [markdown]
r"""
# 03 · Language modelling

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2½ hours | 25 | PyTorch, no other notebook | train a language model, fine-tune it to answer, say what changed and how far |
"""

# %% [markdown]
r"""
Everything in this course stands on a model that predicts the next word. You write its loss, a step of its training and
the loop by which it writes. Then you **fine-tune** one to answer with a list: the first stage of RLHF.
"""

# %% [markdown]
r"""
Each exercise has a `check` that answers in words, and `hint("3.1")` gives the next hint. Nothing breaks if you skip
one: what comes later then uses the course's own function, which you find in `topfive/lm/`.
"""

# %%
import copy

import torch
import torch.nn.functional as F

from topfive import data, plots
from topfive.checks import check, hint, once_written, trained, training_allowed, use
from topfive.lm.model import load

plots.show_loop("base model")

# %%
# Where nothing can be trained, as in grading, a few lists and steps are enough.
many, rounds = (100, 8) if training_allowed() else (6, 1)
base, tokenizer = load(data.checkpoint("base"))
print(f"{base.num_parameters():,} parameters, {len(tokenizer):,} tokens")

# %% [markdown]
"""
## 1 · What a language model is

A text is cut into **tokens**, pieces of words, each with a number. `Ġ` stands for a blank.
"""

# %%
text = "lentil soup with cumin is"
ids = tokenizer(text)["input_ids"]
for token, number in zip(tokenizer.convert_ids_to_tokens(ids), ids, strict=True):
    print(f"{number:5} ", token)

# %% [markdown]
"""
The model reads numbers. At every place it gives one number for each token of the vocabulary, the **logits**: the
larger, the likelier that this token comes *next*. The shape is (texts, places, vocabulary).
"""

# %%
with torch.no_grad():
    guesses = base(torch.tensor([ids])).logits
guesses.shape

# %% [markdown]
"""
`softmax` turns logits into probabilities.

**Predict first.** What comes after `lentil soup with cumin is`, and how sure is the model?
"""

# %%
best = guesses[0, -1].softmax(dim=-1).topk(5)
for probability, number in zip(best.values, best.indices, strict=True):
    print(f"{probability:.3f}  {tokenizer.decode(number)!r}")

# %% [markdown]
"""
Several tokens are good guesses, and no training can make one of them certain.

Each place answers from what stands *before* it. **Predict first:** in a copy of the text the last token is another one.
At which places do the logits differ?
"""

# %%
other = [*ids[:-1], tokenizer(" costs")["input_ids"][0]]
with torch.no_grad():
    apart = (base(torch.tensor([other])).logits - guesses)[0].abs().amax(dim=-1)
for number, difference in zip(other, apart, strict=True):
    print(f"{difference:6.2f} ", tokenizer.decode(number))

# %% [markdown]
"""
At the last one only. Attention looks back and never forward: a **causal mask** in every layer sees to that. So one pass
over a text makes as many honest guesses as it has tokens, and all of them can be trained at once.
"""

# %% [markdown]
r"""
## 2 · The loss
"""

# %% [markdown]
r"""
### 3.1 Next-token loss · 15 min · 3 points · needs nothing

A text is its own teacher: at every place the next token is the right answer. The loss of a place is
$-\log p$(right answer), in **nats** (natural logarithm); training makes its mean smaller (Bengio et al. 2003,
section 2). Row $t$ of the logits has read token $t$, and guesses token $t+1$:

| place t | 0 | 1 | 2 | 3 |
|---|---|---|---|---|
| token | `top` | `5` | `soups` | `<pad>` |
| row t guesses | `5` | `soups` | `<pad>` | nothing |
| mask: is this token to be predicted? | 1 | 1 | 1 | 0 |
"""

# %% [markdown]
r"""
Short texts of a batch end in **pads**. The mask has a 1 on each token whose prediction counts, and each of these counts
the same. Nobody predicts the first token, so it never counts, whatever its mask says.
"""

# %% [markdown]
"""
**Predict first.** Vocabulary of three, tokens 0, 1, 2. Row 0 thinks token 0 twice as likely as each of the others; row
1 thinks so of token 2; row 2 is very sure of token 0. Which rows matter, and what is the mean loss? (log 4 = 1.39, log 2
= 0.69.)
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
    predicted, following = logits[:, :-1].flatten(0, 1), tokens[:, 1:].flatten()
    counted = mask[:, 1:].flatten().to(logits.dtype)
    losses = F.cross_entropy(predicted, following, reduction="none")
    return (losses * counted).sum() / counted.sum().clamp(min=1)
    ### END SOLUTION


# %%
toy = [[2.0, 1.0, 1.0], [1.0, 1.0, 2.0], [5000.0, 1.0, 1.0]]
toy_logits, toy_tokens = torch.tensor([toy]).log(), torch.tensor([[0, 1, 2]])
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

A mask with a single 1 gives the loss of that one token. Below is a prompt with a list that no model has seen, read by
the course's own **SFT model**, which has learned to answer. (You will train one like it.)
"""

# %% [markdown]
"""
**Predict first:** which tokens are hard to predict, the first or the last ones of an item?
"""

# %%
answerer, _ = load(data.checkpoint("sft"))
[(question, answer)] = data.fresh_lists("validation", 1, seed=1)
print(question + answer)

# %%
listed = tokenizer(question + answer)["input_ids"] + [tokenizer.eos_token_id]
tokens = torch.tensor([listed])
with torch.no_grad():
    logits = answerer(tokens).logits
single = torch.eye(len(listed)).long()[1:]  # masks with one 1 each
nats = [loss_fn(logits, tokens, one[None]).item() for one in single]

# %%
drawn, [ax] = plots.figure(width=10)
few = sum(sorted(nats)[-10:]) / sum(nats)
ax.bar(range(len(nats)), nats, color=plots.SFT)
ax.set(title=f"Ten of {len(nats)} tokens carry {few:.0%} of the surprise")
ax.set(ylabel="loss (nats)")
names = [tokenizer.decode(token).replace("\n", "⏎") for token in listed[1:]]
ax.set_xticks(range(len(nats)), names, rotation=90, fontsize="x-small")
plots.show(drawn, alt="A bar for the loss of each token; a few tall ones.")

# %% [markdown]
"""
The first ones. Which item comes is open, so it costs a few nats to say; how it goes on is then nearly settled. Keep
this picture in mind when you read a mean: it mixes a few real decisions with many that are none.
"""

# %% [markdown]
r"""
## 3 · Perplexity
"""

# %% [markdown]
r"""
### 3.2 Perplexity per token and per word · 5 min · 1 point · needs nothing

Nats are hard to feel. Their exponential is the **perplexity**: at 20, a model hesitates as if between 20 equally likely
tokens.

$$\text{perplexity} = \exp\Big(\frac{\text{nats of all texts together}}{\text{number of pieces in all}}\Big)$$
"""

# %% [markdown]
r"""
Pieces are tokens or words. **Predict first:** two models find the same three-word text equally likely, 12 nats. One cuts
it into 6 tokens, the other into 3. Which has the lower perplexity per token? Per word?
"""


# %% solution="perplexities"
def perplexities(nats, tokens, words):
    """Perplexity of a collection of texts: (per token, per word).

    nats: (texts,) float, negative log-likelihood of each text, summed over its tokens.
    tokens, words: (texts,) int64, how many of each a text has.
    """
    ### BEGIN SOLUTION 3.2: both perplexities
    total = nats.sum()
    return (total / tokens.sum()).exp(), (total / words.sum()).exp()
    ### END SOLUTION


# %%
with once_written():
    for pieces in (6, 3):
        one = perplexities(*map(torch.tensor, ([12.0], [pieces], [3])))
        print(f"{pieces} tokens:", one)

# %% [markdown]
"""
Per token, the model with more tokens seems seven times better, and they are equally good. A token is whatever the
tokenizer says, so **perplexities per token compare only models with the same tokenizer**; per word they compare others
too.
"""

# %%
check("3.2", perplexities)

# %% test="perplexities-test" points=1
# Locked: your point for 3.2.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.2", lambda: perplexities, seeds=(21, 22, 23))
### END HIDDEN TESTS

# %% [markdown]
"""
Now for real. `fresh_lists` draws prompts that were **held out**, that is, kept away from all training, each with five
fitting items of the course's **item bank**. `completion_nats` adds up the loss of each list, not of its prompt. ("1." to
"5." count as words, too.)
"""

# %%
from topfive.lm.measure import completion_nats

measure_fn = use("3.2", perplexities)
held_out = data.fresh_lists("validation", many, seed=5)
nats, tokens, words = completion_nats(answerer, tokenizer, held_out)
per_token, per_word = measure_fn(nats, tokens, words)
print(f"{nats.mean():.1f} nats a list of {words.float().mean():.0f} words")
print(f"perplexity {per_token:.2f} a token, {per_word:.2f} a word")

# %% [markdown]
"""
Is that good? A writer who knows which items fit the prompt still has to choose five of them. If $n$ fit, the first costs
log n, the second log (n − 1), and so on. On lists drawn by chance **nobody** can do better on average, however large
the model. **Predict first:** how much is that, if some 14 items fit?
"""


# %%
def fitting(question, kept=True):
    """The bank's items for a prompt; with `kept` False, whatever its constraint."""
    asked = data.known_prompt(question)
    about = [row for row in data.rows("items") if row["topic"] == asked.topic]
    wanted = {*asked.constraints} if kept else set()
    return [row["item"] for row in about if wanted <= {*row["tags"]}]


def least(kept):
    """Nats a list on average, if one of these items is as good as another."""
    found = torch.tensor([[len(fitting(question, kept))] for question, _ in held_out])
    return (found - torch.arange(5)).log().sum(dim=1).mean().item()


print(f"who knows what fits: {least(kept=True):.1f} nats a list")
print(f"who knows the subject only: {least(kept=False):.1f} nats a list")

# %% [markdown]
"""
What a model pays above the first number, it pays for not knowing what fits. Whoever knows all items of the subject, and
never listens to *vegetarian* or *for kids*, cannot get below the second.
"""

# %% [markdown]
"""
### 3.3 Packing texts into full rows · 10 min · 2 points · needs nothing

The pretraining text is thousands of short texts of very different length. Padded to the longest in each batch, much of
it would be pads.
"""

# %%
documents = data.pretraining_text()
for document in documents[:3]:
    print(repr(document))

# %% [markdown]
"""
Pretraining therefore **packs**: all texts in one stream, an end token after each, and the stream cut into rows of the
same width (Brown et al. 2020, appendix B). The price: a row may begin in the middle of a text, and what stands before
an end token is visible behind it. Here the end token alone has to say that it means nothing; large models mask it in
attention, too (Grattafiori et al. 2024).
"""

# %% [markdown]
"""
**Predict first.** Texts `5 6 7`, `8` and `9 10`, end token `1`, rows of four. What are the rows, and what is lost?
"""


# %% solution="pack"
def pack(texts, end, width):
    """All texts as one stream, an end token after each, in full rows; the rest is lost.

    texts: token ids of each text, a list of lists. Returns (rows, width), int64.
    """
    ### BEGIN SOLUTION 3.3: the texts as full rows
    stream = torch.tensor([token for text in texts for token in (*text, end)]).long()
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
Every tenth text is **held out**: the model that you train will not read it. Both parts become rows of 128 tokens.
"""

# %%
pack_fn = use("3.3", pack)


def rows_of(texts):
    """Texts as rows of 128 tokens, and a mask of ones."""
    encoded = tokenizer(texts)["input_ids"]
    rows = torch.as_tensor(pack_fn(encoded, tokenizer.eos_token_id, 128))
    return rows, torch.ones_like(rows)


reading = [one for place, one in enumerate(documents) if place % 10]
unread = rows_of(documents[:3200:10])
print(len(reading), "texts to read;", len(unread[0]), "rows held out")

# %% [markdown]
"""
## 5 · Training
"""

# %% [markdown]
"""
### 3.4 A step of training · 10 min · 2 points · needs 3.1

All training in this course is one step, many times over: what does the model say, how good is that, which way should
each weight go, and then go.
"""

# %% [markdown]
"""
**Predict first.** The smallest language model is a table, a row of logits for each token, all 0. It reads `0 1`, twice.
The optimiser is plain gradient descent at rate 1. The first loss is log 3 = 1.10. And the second: a little smaller, about
half, or 0?
"""


# %% solution="train-on"
def train_on(model, optimizer, batches, loss_fn):
    """One step of training for each batch; returns each batch's loss before its step.

    model: `model(tokens).logits` is (batch, time, vocabulary).
    optimizer: of torch.optim, over the model's weights.
    batches: a list of (tokens, mask), each (batch, time) int64.
    loss_fn: of (logits, tokens, mask), a scalar tensor, as in 3.1.
    Returns plain numbers, a list.
    """
    ### BEGIN SOLUTION 3.4: a step for each batch, and its loss
    losses = []
    for tokens, mask in batches:
        loss = loss_fn(model(tokens).logits, tokens, mask)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
    ### END SOLUTION


# %%
from topfive.lm.plain import Bigrams

table, pair = Bigrams(3), (torch.tensor([[0, 1]]), torch.ones(1, 2).long())
descent = torch.optim.SGD(table.parameters(), lr=1.0)
with once_written():
    print(train_on(table, descent, [pair, pair], loss_fn))

# %% [markdown]
"""
About half. The gradient in row 0 is ⅓, −⅔, ⅓ (what the model said minus what came). One step makes token 1 a whole nat
more likely than the others, and log (1 + 2/e) = 0.55.
"""

# %%
check("3.4", train_on)

# %% test="train-on-test" points=2
# Locked: your points for 3.4.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.4", lambda: train_on, seeds=(41, 42, 43))
### END HIDDEN TESTS

# %% [markdown]
"""
### One batch, by heart

Before training anything for long, try **one batch**, again and again: a loop that cannot learn four rows by heart has a
fault. Beside it we measure the loss on rows that are held out.
"""

# %% [markdown]
"""
**Predict first.** A model with random weights, the same four rows 80 times. Where does the loss begin, where does it
end? And on the held-out rows? (About five seconds.)
"""

# %%
from topfive.lm.model import new_model

train_fn = use("3.4", train_on)
four_rows = [part[:4] for part in rows_of(reading[:400])]


@torch.no_grad()
def loss_on_unread(model):
    """Nats a token on sixteen of the held-out rows."""
    tokens, mask = (part[:16] for part in unread)
    return loss_fn(model(tokens).logits, tokens, mask).item()


parrot = new_model(tokenizer, seed=7, layers=2)
quick = torch.optim.AdamW(parrot.parameters(), lr=1e-3)
print(f"log 4096 = {torch.tensor(4096.0).log():.2f}")
for done in range(0, 10 * rounds, 10):
    nats = loss_on_unread(parrot)
    loss = train_fn(parrot, quick, [four_rows] * 10, loss_fn)[0]
    print(f"after {done:2} steps: {loss:5.2f} on the four rows, {nats:5.2f} held out")

# %% [markdown]
"""
It begins near log 4096, for whoever knows nothing gives every token the same probability. Then the four rows are learned
by heart, while on other rows the loss soon turns and rises: that is **overfitting**. A training loss alone would have
told you that all is well.
"""

# %% [markdown]
"""
### A minute of pretraining

`fit` is your loop with a few things more: gradients cut to length 1, a learning rate that rises and then falls, a curve,
a refusal to go on from a NaN. Large models are pretrained in the same way on ten million times as much text: Llama 3 read
some 15 trillion tokens (Grattafiori et al. 2024).
"""

# %% [markdown]
"""
**Predict first.** This time a batch never comes twice. Where will the dots, the held-out loss, lie?
"""

# %% [markdown]
"""
It takes **less than a minute** on two quiet cores. You may stop it (■); run again, it starts from the beginning. (`muon`
is an optimiser for matrices that needs fewer steps than AdamW, Jordan et al. 2024.)
"""

# %%
from topfive.lm.train import TrainConfig, fit, muon, packed_batches

PRETRAINING = TrainConfig(200, batch_size=16, learning_rate=1e-2, warmup=20, seed=7)


def pretrain():
    model = new_model(tokenizer, seed=7, layers=2)
    batches = packed_batches(tokenizer, reading, PRETRAINING, pack_fn=pack_fn)
    curve = plots.LossCurve(plots.BASE, validate=lambda: loss_on_unread(model))
    optimizers = muon(model, PRETRAINING)
    fit(model, batches, PRETRAINING, optimizers, loss_fn=loss_fn, progress=curve)
    return model, tokenizer


young, _ = trained("pretrained", pretrain)

# %% [markdown]
"""
The dots lie on the line: nothing is learned by heart that is read once.
"""

# %% [markdown]
"""
Is that much? A ladder of guessers says. Each pays for the same held-out rows: one who knows nothing; one who knows how
often each token occurs; one who also knows what follows what (a table as in 3.4, counted, on as many rows as you
trained on). **Predict first:** which step is the widest?
"""

# %%
read = rows_of(reading[: 200 * many])[0][: 16 * PRETRAINING.steps]
seen = torch.bincount(read.flatten(), minlength=len(tokenizer)) + 1.0
often = seen / seen.sum()
before, after = read[:, :-1].flatten(), read[:, 1:].flatten()
together = torch.zeros(len(tokenizer), len(tokenizer))
together.index_put_((before, after), torch.ones(len(before)), accumulate=True)
# Pairs that were never seen get a share from how often the second token occurs at all.
follows = (together + 5 * often) / (together.sum(dim=1, keepdim=True) + 5)

# %%
tokens = unread[0][:16]
rungs = {
    "knows nothing": torch.tensor(float(len(tokenizer))).log().item(),
    "how often": -often[tokens[:, 1:]].log().mean().item(),
    "what follows what": -follows[tokens[:, :-1], tokens[:, 1:]].log().mean().item(),
    "one minute": loss_on_unread(young),
    "base": loss_on_unread(base),
}
ladder = plots.language_modeling.ladder(rungs, "nats a token")
plots.show(ladder, alt=f"Bars for {', '.join(rungs)}, in nats a token.")

# %% [markdown]
"""
The widest step is the cheapest: texts as short and as much alike as these are half settled by one word back, and a table
that counts is a strong rival for a minute of training. But there it ends. A network sees *all* tokens back, and goes on
learning.

The `base` model is the course's own, trained for longer, and it **has** read these texts several times: its bar says
nothing about texts that are new to it. Which is why the lists of section 3 are drawn fresh.
"""

# %% [markdown]
"""
## 6 · Sampling

The model gives probabilities; something has to choose. Always the likeliest token? Then the same prompt gets the same
list for ever, and often one that goes round in circles (Holtzman et al. 2020). Drawn just as the model says? Then, among
thousands of tokens that are each very unlikely, one turns up every few words.
"""

# %% [markdown]
"""
### 3.5 From logits to probabilities at a temperature · 5 min · 1 point · needs nothing

Logits are divided by a **temperature** before the softmax (Hinton et al. 2015, eq. 1). Below 1 what is likely gets
likelier; above 1 all gets more equal; at 0, by definition, the likeliest token gets everything.
"""

# %% [markdown]
"""
**Predict first.** Logits 2, 1, 0 at temperature ½: how many times as likely as the second is the first? (At 1 it is
e ≈ 2.7 times.)
"""


# %% solution="token-probabilities"
def token_probabilities(logits, temperature=1.0):
    """Probability of each token at a temperature; at 0 all of it is on the likeliest.

    logits: (…, vocabulary) float.
    Returns the same shape, float; the last dimension sums to 1.
    """
    ### BEGIN SOLUTION 3.5: probabilities at any temperature, 0 included
    if temperature == 0:
        return F.one_hot(logits.argmax(dim=-1), logits.shape[-1]).to(logits.dtype)
    return (logits / temperature).softmax(dim=-1)
    ### END SOLUTION


# %%
with once_written():
    three = torch.tensor([2.0, 1.0, 0.0])
    for temperature in (0, 0.5, 1, 3):
        print(temperature, token_probabilities(three, temperature))

# %% [markdown]
"""
Dividing by ½ doubles every difference between logits, so the first is e² ≈ 7.4 times as likely as the second.
"""

# %%
check("3.5", token_probabilities)

# %% test="token-probabilities-test" points=1
# Locked: your point for 3.5.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.5", lambda: token_probabilities, seeds=(51, 52, 53))
### END HIDDEN TESTS

# %% [markdown]
"""
The course's SFT model is about to begin a list. How many tokens, the likeliest first, share 90 % of the probability?
**Predict first**, for a cold, an ordinary and a hot temperature.
"""

# %%
probabilities_fn = use("3.5", token_probabilities)
prompt = "top 5 winter soups"
with torch.no_grad():
    start = tokenizer(prompt + "\n1.", return_tensors="pt")["input_ids"]
    first = answerer(start).logits[0, -1]

# %%
drawn, [ax] = plots.figure(width=7)
needed = []
for temperature, style in ((0.5, ":"), (1.0, "-"), (2.0, "--")):
    likeliest = probabilities_fn(first, temperature).sort(descending=True).values
    running = likeliest.cumsum(dim=-1)
    needed.append(int((running < 0.9).sum()) + 1)
    label = f"temperature {temperature:g}: {needed[-1]} tokens"
    ax.plot(range(1, len(running) + 1), running, style, color=plots.SFT, label=label)
ax.axhline(0.9, color=plots.INK, linewidth=0.8)
ax.set(title=f"90 % lie on {needed[0]} tokens when cold, on {needed[-1]} when hot")
ax.set(xscale="log", xlabel="so many of the likeliest tokens", ylabel="have together")
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(drawn, alt="Running sum of probabilities at three temperatures.")

# %% [markdown]
r"""
### 3.6 Top-k and top-p · 15 min · 3 points · needs 3.5

Temperature weakens the long tail; truncation cuts it off. **Top-k** keeps the $k$ likeliest tokens. **Top-p** (nucleus
sampling, Holtzman et al. 2020) keeps the smallest set of likeliest tokens whose probabilities sum to *at least* $p$: in
the picture, all left of where a curve crosses the line. What is left out gets the logit $-\infty$, so that the softmax
gives it 0. If both are asked for, top-k comes first, and top-p looks at what is left (the order in `transformers`).
"""

# %% [markdown]
"""
**Predict first.** Probabilities 0.15, 0.5, 0.1, 0.25 and p = 0.7. Which tokens stay? And for p = 0.3?
"""


# %% solution="truncate-logits"
def truncate_logits(logits, top_k=None, top_p=1.0):
    """Set logits outside the `top_k` largest, or the nucleus of `top_p`, to −∞.

    logits: (…, vocabulary), some perhaps −∞ already; each row keeps its own.
    top_k: None keeps all, so does a k beyond the vocabulary. top_p: 1 keeps all.
    Returns the same shape; what stays keeps its logit. The likeliest always stays.
    """
    ### BEGIN SOLUTION 3.6: the logits that top-k leaves, then those that top-p leaves
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
    for k, p in ((3, 1.0), (None, 0.7), (None, 0.3), (3, 0.8)):
        print(f"k {k}, p {p}:", truncate_logits(four, k, p).softmax(dim=-1))

# %% [markdown]
"""
The second largest passes 0.7, and belongs to the nucleus: without it the sum is only 0.5. In the last line, after top-k,
the three that stayed share everything; the first two have 0.83 of it.
"""

# %%
check("3.6", truncate_logits)

# %% test="truncate-logits-test" points=3
# Locked: your points for 3.6.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.6", lambda: truncate_logits, seeds=(61, 62, 63))
### END HIDDEN TESTS

# %% [markdown]
"""
### 3.7 The loop that writes · 10 min · 2 points · needs nothing

A model that predicts one token writes whole texts if what it chose is given back to it. Your loop is told how to choose.
"""

# %% [markdown]
"""
**Predict first.** In a table of four tokens, after 2 comes 0, after 0 comes 3, after 3 comes 1, the end token. What comes
back for `[2]`? And for `[2, 0]`?
"""


# %% solution="generate"
def generate(model, ids, choose, end, most=72):
    """Continue a text token by token, up to its end token or `most` new tokens.

    model: of tokens (1, time), `model(tokens).logits` is (1, time, vocabulary).
    ids: token ids of the text so far, a list.
    choose: gets the logits of one place, (vocabulary,), and gives a token id.
    Returns the new ids alone, a list; the end token among them, if it came.
    """
    ### BEGIN SOLUTION 3.7: the new tokens, one after the other
    new = []
    with torch.no_grad():  # nothing is learned here
        while len(new) < most and (not new or new[-1] != end):
            logits = model(torch.tensor([[*ids, *new]])).logits[0, -1]
            new.append(int(choose(logits)))
    return new
    ### END SOLUTION


# %%
table = Bigrams(4)
with torch.no_grad():
    table.rows.weight[[2, 0, 3], [0, 3, 1]] = 1.0
with once_written():
    for given in ([2], [2, 0]):
        print(given, "→", generate(table, given, choose=torch.argmax, end=1))

# %% [markdown]
"""
`0 3 1` and `3 1`: the end token is a choice like any other, so it comes back, too.
"""

# %%
check("3.7", generate)

# %% test="generate-test" points=2
# Locked: your points for 3.7.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.7", lambda: generate, seeds=(71, 72, 73))
### END HIDDEN TESTS

# %% [markdown]
"""
Now the three belong together: your loop, your probabilities, your truncation, and a die.
"""

# %%
generate_fn, truncate_fn = use("3.7", generate), use("3.6", truncate_logits)


def by_chance(seed, temperature=0.7, top_k=None, top_p=1.0):
    """A `choose` that draws at a temperature, from what is left of the vocabulary."""
    die = torch.Generator().manual_seed(seed)

    def choose(logits):
        logs = probabilities_fn(logits, temperature).log()
        kept = truncate_fn(logs, top_k, top_p).softmax(dim=-1)
        return int(torch.multinomial(kept, 1, generator=die))

    return choose


# %%
begun = tokenizer(prompt)["input_ids"]
for temperature in (0.7, 2.0):
    choose = by_chance(3, temperature)
    new = generate_fn(answerer, begun, choose, tokenizer.eos_token_id)
    print(f"at {temperature}: {prompt}{tokenizer.decode(new)}\n")

# %% [markdown]
"""
### What it does to lists

`sample_texts` is your loop for many prompts at once. For each temperature we sample lists and count two things: which
share of the items is known from the bank, and how many are different. (Of ever more lists ever fewer can be, so compare
only what was counted alike.)
"""

# %% [markdown]
"""
**Predict first.** Both depend on temperature. Which rises, which falls?
"""

# %%
from topfive.lists import parse
from topfive.lm.sampling import sample_texts

chosen_by = {"probabilities_fn": probabilities_fn, "truncate_fn": truncate_fn}
bank = {row["item"] for row in data.rows("items")}


def counted(**settings):
    """Shares of items that are in the bank, and that are different."""
    asked = [prompt] * (many // 2)
    texts = sample_texts(answerer, tokenizer, asked, seed=4, **settings, **chosen_by)
    items = [item for text in texts for item in parse(text).items]
    total = max(1, len(items))
    return sum(item in bank for item in items) / total, len(set(items)) / total


# %%
temperatures = (0, 0.4, 0.7, 1, 1.3)
known, different = zip(*(counted(temperature=one) for one in temperatures), strict=True)
drawn, [ax] = plots.figure(width=6)
ax.plot(temperatures, known, "o-", color=plots.SFT, label="in the item bank")
ax.plot(temperatures, different, "s--", color=plots.INK, label="different")
shares = f"known {known[0]:.0%} → {known[-1]:.0%}"
shares += f", different {different[0]:.0%} → {different[-1]:.0%}"
ax.set(title=f"From cold to hot: {shares}")
ax.set(xlabel="temperature", ylabel="share of items", ylim=(0, 1.05))
ax.legend(frameon=False, labelcolor=plots.INK)
plots.show(drawn, alt="Items that are known, and that are different, by temperature.")

# %%
for settings in ({}, {"top_k": 20}, {"top_p": 0.9}):
    share, variety = counted(temperature=1.0, **settings)
    print(f"{settings or 'alone'}: {share:.0%} known, {variety:.0%} different")

# %% [markdown]
"""
There is no best setting, only an exchange between variety and care. This course compares and trains at temperature 0.7
without truncation. RL asks how likely each token was that was drawn, under old weights and new ones. A truncated model
gives most tokens probability 0, and log 0 spoils the sum. And the **same temperature** belongs into that probability: who
samples at 0.7 and computes softmax(logits) asks about another policy. You will meet this trap in 3.9, and in 06.
"""

# %% [markdown]
"""
## 7 · Supervised fine-tuning

The base model goes on as its texts go on. **Predict first:** what does it write after a prompt?
"""

# %%
questions = [question for question, _ in held_out[:3]]
texts = sample_texts(base, tokenizer, questions, seed=3)
for question, text in zip(questions, texts, strict=True):
    print(f"{question} ▸ {text}\n")

# %% [markdown]
"""
Whether that is an answer depends on what its texts were like: nobody has trained it to answer. **Supervised fine-tuning**
(SFT) goes on training it on **demonstrations**, prompts with answers as one would like them. Same loss, same step; what changes is the
data, and which tokens count.
"""

# %%
demonstrations = data.clean_demonstrations()
prompt_text, completion = demonstrations[0]
print(prompt_text, "→", repr(completion))
met = sum(map({*documents}.__contains__, map("".join, demonstrations)))
lists = sum("\n1." in document for document in documents)
print(f"{len(demonstrations):,} demonstrations; the base has read {met:,} of them")
print(f"{lists:,} of its {len(documents):,} texts are lists")

# %% [markdown]
"""
Keep the last two numbers in mind: what a base model has read before, fine-tuning need not teach, and a test on it proves
nothing.
"""

# %% [markdown]
"""
A prompt, a line break and a numbered list is all the form that our answers have. Such a form is a **template**; chat
models have a larger one, with special tokens for who speaks and where a turn ends.
"""

# %% [markdown]
"""
### 3.8 Padding, and masking the prompt · 10 min · 2 points · needs 3.1

Here each row of a batch is one prompt with its completion, padded on the right. (Libraries often pack these, too.) The
prompt is given, and the model is not to learn to ask: its tokens get a 0 in the mask. (Whether that helps depends: Shi et
al. 2024 find that counting the prompt, too, can be better where answers are short.) The **end token** gets a 1: a model
that never had to predict it never stops.
"""

# %% [markdown]
"""
**Predict first.** Prompt `5 6`, completion `7 8` and end token `1`, in a row of six with pad `0`. Write down both rows,
tokens and mask. How many predictions count?
"""


# %% solution="pad-batch"
def pad_batch(examples, pad, mask_prompt=True):
    """Pairs as one batch, padded on the right to the longest of them.

    examples: list of (prompt ids, completion ids), two lists of int; completions have
    their end token.
    Returns (tokens, mask), each (batch, time) int64. The mask is 1 on what is to be
    predicted: completion and end token; the prompt only if mask_prompt is False.
    """
    ### BEGIN SOLUTION 3.8: tokens and mask of the batch
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
The first row is yours: three predictions count, the end token's among them. The 1s stand on the tokens that are
*predicted*. That the row before does the predicting is the loss's business (3.1), not the mask's.
"""

# %%
check("3.8", pad_batch)

# %% test="pad-batch-test" points=2
# Locked: your points for 3.8.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.8", lambda: pad_batch, seeds=(81, 82, 83))
### END HIDDEN TESTS

# %% [markdown]
"""
What do the pads of our demonstrations cost? They are computed like other tokens, and thrown away.
"""

# %%
from topfive.lm.train import encode_pairs

pad_fn = use("3.8", pad_batch)
pairs = encode_pairs(tokenizer, demonstrations[: 20 * many])


def pads(examples):
    """Share of pads if these go into batches of 32, in this order."""
    starts = range(0, len(examples), 32)
    masks = [pad_fn(examples[at : at + 32], 0, False)[1].float() for at in starts]
    return 1 - sum(mask.sum() for mask in masks) / sum(mask.numel() for mask in masks)


by_length = sorted(pairs, key=lambda pair: len(pair[0]) + len(pair[1]))
print(f"as they come {pads(pairs):.0%}, sorted by length {pads(by_length):.1%}")

# %% [markdown]
"""
Sorting saves nearly all of it, yet a batch then holds only short or only long answers, and steps pull in turn in
different directions. Libraries sort within random groups ("group by length").
"""

# %% [markdown]
"""
### Fine-tuning, from the base model

Your mask, your loss. It takes **about half a minute** on two quiet cores. The dots are the loss on fresh lists for
held-out prompts.
"""

# %% [markdown]
"""
**Predict first.** Where does the line begin, compared with the 8.3 nats of a model that knows nothing? And how far from
the line will the dots end?
"""

# %%
from topfive.lm.train import sft_batches

SFT = TrainConfig(140, learning_rate=2e-3, warmup=20, weight_decay=0.0, seed=7)


def loss_on_fresh(model):
    """Nats a token on 32 lists that are held out."""
    nats, tokens, _ = completion_nats(model, tokenizer, held_out[:32])
    return (nats.sum() / tokens.sum()).item()


def fine_tune():
    model = copy.deepcopy(base)
    batches = sft_batches(tokenizer, demonstrations, SFT, pad_fn=pad_fn)
    curve = plots.LossCurve(plots.SFT, validate=lambda: loss_on_fresh(model))
    fit(model, batches, SFT, muon(model, SFT), loss_fn=loss_fn, progress=curve)
    return model, tokenizer


sft, _ = trained("sft", fine_tune)

# %% [markdown]
"""
What there was to learn depends on what the base had read: on the two numbers above. Form comes first (numbers, line
breaks, an end after the fifth item), then the words of a subject, and last what fits. No demonstration came twice, so
the dots keep close to the line.
"""

# %% [markdown]
"""
Passed through again and again, demonstrations would be learned by heart like the four rows of section 5. That is why SFT is kept to few **epochs** (one to three are usual) at a low rate.
"""

# %% [markdown]
r"""
## 8 · How likely is an answer, and how far from the base?
"""

# %% [markdown]
r"""
### 3.9 The log-probability of an answer, and KL · 15 min · 3 points · needs 3.1

Two numbers on which 05 and 06 stand. The log-probability of a whole answer is the sum over its tokens. And how far a
model $\pi$ has moved from a reference is the **KL divergence**: how much likelier it finds *its own* answers than the
reference does, on average over $N$ of them,

$$\mathrm{KL} \approx \frac{1}{N} \sum_y \big(\log \pi(y) - \log \pi_\text{ref}(y)\big), \qquad y \sim \pi.$$
"""

# %% [markdown]
"""
Both models at the temperature at which the answers were drawn.
"""

# %% [markdown]
"""
**Predict first.** After token 0 the model gives token 1 a half, and then token 2 a quarter; the reference gives them a
quarter and three quarters. Is the difference for the answer `1 2` above or below 0? Can it be, if a KL is never negative?
(log 2 = 0.69, log 3 = 1.10.)
"""


# %% solution="logprobs-and-kl"
def logprobs_and_kl(logits, ref_logits, tokens, mask, temperature=1.0):
    """Log-probabilities of a model's own answers, and its KL from a reference.

    logits, ref_logits: (batch, time, vocabulary), of the model that wrote the answers
    and of the reference; the row at t predicts the token at t + 1.
    tokens: (batch, time) int64, prompts with answers. mask: 1 on those of the answer.
    temperature: of both models, above 0.
    Returns (batch,) log-probabilities in nats, and one number, in nats an answer.
    """
    ### BEGIN SOLUTION 3.9: the answers' log-probabilities, and the mean difference

    def of_answers(some):
        rows = (some[:, :-1] / temperature).log_softmax(dim=-1)
        each = rows.gather(-1, tokens[:, 1:, None])[..., 0]
        return (each * mask[:, 1:]).sum(dim=1)

    own, reference = of_answers(logits), of_answers(ref_logits)
    return own, (own - reference).mean()
    ### END SOLUTION


# %%
model_says = torch.tensor([[[1.0, 2.0, 1.0], [2.0, 1.0, 1.0], [1.0, 1.0, 1.0]]])
reference_says = torch.tensor([[[2.0, 1.0, 1.0], [1.0, 0.0, 3.0], [1.0, 1.0, 1.0]]])
with once_written():
    tokens, mask = torch.tensor([[0, 1, 2]]), torch.tensor([[0, 1, 1]])
    print(logprobs_and_kl(model_says.log(), reference_says.log(), tokens, mask))

# %% [markdown]
"""
log (½ · ¼) = −2.08 against log (¼ · ¾) = −1.67: a difference of −0.41. One answer may well be likelier under the
reference. Only the mean over many answers of the model's own cannot stay below 0.
"""

# %%
check("3.9", logprobs_and_kl)

# %% test="logprobs-and-kl-test" points=3
# Locked: your points for 3.9.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("3.9", lambda: logprobs_and_kl, seeds=(91, 92, 93))
### END HIDDEN TESTS

# %% [markdown]
"""
Now of your model: it answers held-out prompts by your loop, and both models say how likely that was. **Predict first:**
a nat or two, tens, or hundreds?
"""

# %%
answers_fn, choose = use("3.9", logprobs_and_kl), by_chance(8)
starts = [start for start, _ in encode_pairs(tokenizer, held_out[: many // 4])]
written = [generate_fn(sft, start, choose, tokenizer.eos_token_id) for start in starts]
tokens, mask = pad_fn(list(zip(starts, written, strict=True)), tokenizer.pad_token_id)
with torch.no_grad():
    seen = torch.ones_like(tokens)  # pads stand on the right, where nothing sees them
    both = [model(tokens, attention_mask=seen).logits for model in (sft, base)]
    logprobs, kl = answers_fn(*both, tokens, mask, temperature=0.7)
print(f"an answer costs {-logprobs.mean():.1f} nats; {kl:.1f} nats from the base")

# %% [markdown]
"""
Two warnings. These are the model's *own* texts: during training it only ever read other people's (**teacher forcing**),
so an early slip leads it where no demonstration has been. And a KL alone says neither better nor worse, only how far. In
06 the SFT model will be the reference, and nats away from it the price of reward.
"""

# %% [markdown]
"""
## 9 · Did it help?

First on lists that somebody else wrote: the ladder once more, now in nats a list. The **course's** SFT model had far more
training than yours, on lists that were drawn fresh for every step. At the bottom stand the two bounds of section 3.
"""

# %% [markdown]
"""
**Predict first:** how far is your model from the bound?
"""

# %%
models = {"base": base, "yours": sft, "the course's": answerer}
rungs = {}
for name, model in models.items():
    rungs[name] = completion_nats(model, tokenizer, held_out)[0].mean().item()
rungs |= {"knows the subject": least(kept=False), "knows what fits": least(kept=True)}
shades = {"yours": plots.SFT, "the course's": plots.SFT}
ladder = plots.language_modeling.ladder(rungs, "nats a list", shades)
plots.show(ladder, alt=f"Bars for {', '.join(rungs)}, in nats a list.")

# %% [markdown]
"""
Perplexity says how likely *given* lists are. A few tokens decide how a list looks (is a bracket opened, does the end
come), and they hardly move a mean over all. So let the models write, all for the same held-out prompts.
"""

# %%
from topfive.evaluate import heldout_prompts

asked = heldout_prompts(data.prompts("validation"), many, seed=2)
questions = [one.text for one in asked]
answers = {}
for name, model in models.items():
    answers[name] = sample_texts(model, tokenizer, questions, seed=6)

# %% [markdown]
"""
Read before you count. A ✓ marks what is in the bank *for this prompt*: right subject, constraint kept.
"""

# %%
from IPython.display import HTML

shown = [
    plots.side_by_side(
        [question],
        {name: [texts[place]] for name, texts in answers.items()},
        mark=fitting(question).__contains__,
    )
    for place, question in enumerate(questions[:4])
]
HTML("".join(shown))

# %% [markdown]
"""
Now the course's **judge**, a program that knows the bank, and for an item outside it guesses. Each list gets five numbers
between 0 and 1: is it five numbered items; are they on topic; do they keep the constraint; are there no repeats; are they
specific? The first judgement takes some seconds.
"""

# %%
from topfive.judge import Judge
from topfive.stats import bootstrap

judged = {name: Judge().judge_all(asked, texts) for name, texts in answers.items()}
for part in plots.PARTS:
    print(part)
    for name, lists in judged.items():
        print(f"    {name:12} {bootstrap([getattr(one, part) for one in lists])}")

# %% [markdown]
"""
It is tempting to say: where two intervals overlap, nothing is shown. That is too careless with what you have. All models
answered the **same prompts**, and much of each interval is that some prompts are harder, for all of them. Take the
difference prompt by prompt, and that cancels.
"""

# %% [markdown]
"""
**Predict first.** Which parts rise from the base to a fine-tuned model? Does any fall?
"""


# %%
def paired(before, after):
    """Mean difference of each part, prompt by prompt, with its interval."""
    found = {}
    for part in plots.PARTS:
        both = zip(judged[before], judged[after], strict=True)
        found[part] = bootstrap([getattr(b, part) - getattr(a, part) for a, b in both])
    return found


differences = {
    "base → yours": paired("base", "yours"),
    "base → the course's": paired("base", "the course's"),
}
for name, parts in differences.items():
    print(name, *(f"    {part:12} {one}" for part, one in parts.items()), sep="\n")

# %%
drawn = plots.language_modeling.changes(differences)
plots.show(drawn, alt="Differences of five parts of quality, with intervals.")

# %% [markdown]
"""
Where an interval leaves out 0 (a filled dot), something changed, *for better or worse*. Look at all five: a training that
mends the form may well spoil something else, and a plot of one number would not say so. (Of intervals at 95 %, one in twenty
leaves out 0 by chance.)
"""

# %% [markdown]
"""
Zhou et al. 2023 argue that fine-tuning on demonstrations teaches mostly the *form*, and that what a model knows it has
from pretraining. Which of your five are form, and which knowledge?
"""

# %% [markdown]
"""
## 10 · Why imitation is not enough

In no demonstration does an item come twice. So a repeat must be unlikely, one would think. Take held-out lists, and write
the first item once more in the place of the fifth. **Predict first:** how often does your model find the list *with the
repeat* more likely?
"""


# %%
def with_a_repeat(answer):
    """The list with its first item again in the fifth place."""
    lines = answer.split("\n")
    return "\n".join([*lines[:-1], "5." + lines[-5].partition(".")[2]])


spoilt = [(question, with_a_repeat(answer)) for question, answer in held_out]
print(spoilt[0][0] + spoilt[0][1])
for name in ("yours", "the course's"):
    good, _, _ = completion_nats(models[name], tokenizer, held_out)
    bad, _, _ = completion_nats(models[name], tokenizer, spoilt)
    share = (bad < good).float().mean()
    print(f"{name}: the repeat is likelier in {share:.0%} of lists")

# %% [markdown]
"""
A good list has many ways to end, each rather unlikely; what stands on the page already is near at hand. That is no fault
of the loss: it is asked *what do people write?*, and that is what it answers. It sees good lists only, and each of their
tokens weighs the same. Nothing in it can say **worse**, or *this line spoils the list*.
"""

# %% [markdown]
"""
The course's model had a second term in its loss that can: wherever a token could only repeat an item that is listed
already, its probability costs something (*unlikelihood*, Welleck et al. 2020). So somebody thought of this one fault, and
wrote it down. Of most faults nobody thinks, and of taste nobody can.
"""

# %% [markdown]
"""
Whoever labels can. That two lists are not equally good is quickly said, even by somebody who could write neither. So
people compare what the model writes, by itself and with its own faults (04), a model learns what they like (05), and the
language model is trained on that opinion (06).
"""

# %% [markdown]
"""
## 11 · The same with a library

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
"""

# %% [markdown]
"""
If both are right, the losses agree: same weights, same batches, same optimiser and learning rates. Nothing else is
shared. (`topfive/lm/sft_trl.py` has the whole of it.) **Predict first:** to how many digits?

It takes about ten seconds, most of it for the import.
"""

# %%


from topfive.lm.train import adamw

TWENTY = TrainConfig(20, 8, learning_rate=1e-3, warmup=5, weight_decay=0.0, seed=7)
if training_allowed():
    from topfive.lm.sft_trl import trl_sft_losses

    theirs = trl_sft_losses(base, tokenizer, demonstrations, TWENTY)
    model = copy.deepcopy(base)
    batches = sft_batches(tokenizer, demonstrations, TWENTY, pad_fn=pad_fn)
    yours = fit(model, batches, TWENTY, adamw(model, TWENTY), loss_fn=loss_fn)
    for step in (0, 1, 2, -1):
        print(f"you {yours[step]:.6f}   TRL {theirs[step]:.6f}")
    apart = max(abs(a - b) for a, b in zip(yours, theirs, strict=True))
    print(f"largest difference in {len(yours)} steps: {apart:.1e}")

# %% [markdown]
"""
What is left is the order in which numbers are added. Had your mask been off by one token, the first step would show it:
comparing with something known is the best test that training code can have. Try it: `mask_prompt=False` in `sft_batches`.
"""

# %% [markdown]
"""
## 12 · Your model, measured

Four points are for the model in `work/sft`. The locked cells measure it on held-out prompts. A shipped checkpoint earns
nothing. Hand in the `work` folder with this notebook.

| measured | 2 points | 1 point | this recipe had |
|---|---|---|---|
| perplexity on 128 fresh lists, as a multiple of the base model's | at most 1.02 | 1.1 | 0.99 |
| of 64 lists, how many are five numbered items and nothing else | at least 80 % | 60 % | 100 % |

(Training seed 7, two busy cores, 28 November 2026.)
"""

# %% test="sft-perplexity" points=2
# Locked: your points for perplexity.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_perplexity as _grade

_grade(seed=1003, at_most={1.1: 1, 1.02: 2})
### END HIDDEN TESTS

# %% test="sft-valid" points=2
# Locked: your points for valid lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_lists as _grade

_grade(prompt_seed=1004, seed=1005, at_least={0.6: 1, 0.8: 2})
### END HIDDEN TESTS

# %% [markdown]
"""
## 13 · In your own words · 10 min · 2 points

A colleague fine-tunes the same base model and reports: *"I left the prompt mask out. My training loss is 20 % lower than
yours, so we should all leave it out."*

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

I would take both models and compare them on the same tokens: the completions of held-out prompts, with the prompt masked
for both. Since that says little about what a model writes by itself, I would also let both answer the same hundred or
more held-out prompts, take the difference of the judge's parts prompt by prompt, and give its 95 % interval, better still
over a few training seeds. Only if that interval leaves out zero would I change the recipe.
"""

# %% [markdown]
"""
## Going further

- Fine-tune without the mask and make the comparison of your own answer. It is one argument.
- Set `many = 400` and see by how much the intervals shrink. (By half. Why?)
- Fine-tune on `demonstrations[:64]` for as many steps. When do the dots turn?
- Pretrain ten minutes instead of one: `TrainConfig(steps=3000, …)`. Does the loss go on falling along the same line?
- Four topics head no demonstration: `data.fresh_lists("test", 100, seed=0)`. What did fine-tuning do to what it was not
  shown?
- Take the end token as the pad, and `tokens != pad` as the mask, as many tutorials do. What does the model write after its
  fifth item?
"""

# %% [markdown]
"""
**Papers.** Bengio et al. 2003, *A neural probabilistic language model* · Hinton et al. 2015,
[1503.02531](https://arxiv.org/abs/1503.02531) · Radford et al. 2019 (GPT-2), *Language models are unsupervised multitask
learners* · Brown et al. 2020, [2005.14165](https://arxiv.org/abs/2005.14165) · Holtzman et al. 2020,
[1904.09751](https://arxiv.org/abs/1904.09751) · Welleck et al. 2020, *Neural text generation with unlikelihood training*,
[1908.04319](https://arxiv.org/abs/1908.04319) · Ouyang et al. 2022, SFT as the first stage of RLHF,
[2203.02155](https://arxiv.org/abs/2203.02155) · Zhou et al. 2023, [2305.11206](https://arxiv.org/abs/2305.11206) ·
Grattafiori et al. 2024, [2407.21783](https://arxiv.org/abs/2407.21783) · Jordan et al. 2024,
[*Muon*](https://kellerjordan.github.io/posts/muon/) · Shi et al. 2024, *Instruction tuning with loss over instructions*,
[2405.14394](https://arxiv.org/abs/2405.14394)

Next: **04 collecting preferences**, where you say which of this model's lists you like better.
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
