# %% [markdown]
r"""
# 00 · Start here

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 20 minutes | none, just look around | nothing | say what each stage of RLHF does, and read a win rate |

Language models learn to continue text. That does not make them do what *you* would like. **Reinforcement learning from
human feedback** (RLHF) is how one asks for more: people compare what a model writes, a second model learns to predict
their choice, and the first model is trained to write what would be chosen.
"""

# %% [markdown]
"""
In this notebook you run all of it once, on a model that is small enough to watch. The other notebooks then take it
apart.

Click into the first grey cell and press **Shift+Enter**: it runs, and the next one is selected. Go on like this, in
order. After a restart of the kernel, choose *Run → Run All Above Selected Cell*; training that is done is not done
again.
"""

# %% [markdown]
"""
## 1 · Is everything here?

Everything runs on this computer: no account, no download, no GPU. This cell only looks. If it says `problem`, the line
below tells you how to mend it; `optional` can stay as it is.
"""

# %%
from topfive import doctor

for finding in doctor.examine():
    short = f"{finding.state:9} {finding.subject}"
    print(finding if finding.state == "problem" else short)

# %% [markdown]
"""
## 2 · The task: top 5 lists

Somebody asks for *the top 5 of something*, and gets a numbered list of five. Here is one, written by hand.
"""

# %%
from topfive import data, lists

written = data.rows("demonstrations")[0]
print(written["prompt"] + lists.render(written["items"]))

# %% [markdown]
"""
Short, harmless, and you know at a glance which of two lists you would rather have. That last point is all that RLHF
needs. A **prompt** is the first line; the words before and after the subject are its **constraints**.
"""

# %%
prompts = {prompt.text: prompt for prompt in data.prompts("test")}
soups = prompts["top 5 vegetarian winter soups"]
soups

# %% [markdown]
"""
The model only ever reads `text`. The other two are what the words mean, and they are for us.

`data.prompts("test")` holds prompts that no model here was trained on. Let us count both kinds.
"""

# %%
print(len(data.prompts("train")), "prompts to train on,", len(prompts), "held out")

# %% [markdown]
"""
## 3 · The loop

The whole course is in this picture, from left to right. The numbers are the notebooks.
"""

# %%
from topfive import plots

plots.show_loop()

# %% [markdown]
"""
- The **base model** learned to continue text about the things that lists are made of. The next cell says what it read.
- The **SFT model** (supervised fine-tuning) went on from there, with prompts and good lists as answers, and nothing
  else. It answers, with flaws.
- **Rankings**: somebody puts four of its lists in order, the best one first.
- The **reward model** reads a list and predicts how well it would be ranked: one number, the *score*.
"""

# %% [markdown]
"""
- The **policy** starts as a copy of the SFT model. PPO (proximal policy optimisation) lets it write, has the reward
  model score what it wrote, and makes what scored well more likely. A penalty keeps it close to the SFT model.
- The **evaluation** is blind: two lists, one of each model, and the judge does not know which is whose.

The first two are already trained and come with the course. What have they read?
"""

# %%
read = data.pretraining_text()
share = sum(text.startswith("top 5") for text in read) / len(read)
print(f"the base model: {len(read):,} short texts;", end=" ")
print(f"{share:.0%} are a prompt and its list")
print("two of them:")
print(*read[1:3], sep="\n")

# %% [markdown]
"""
You start at the third box.
"""

# %% [markdown]
"""
## 4 · Ask the model

**Predict first.** The SFT model is tiny. What will it get wrong more often: the *form* (five lines, numbered) or the
*content* (on the subject, vegetarian, nothing twice)?
"""

# %%
from topfive.lm.model import load
from topfive.lm.sampling import sample_texts

sft, tokenizer = load(data.checkpoint("sft"))
print(f"{sft.num_parameters():,} parameters")

# %% [markdown]
"""
It writes one **token** (a piece of a word) after the other, each drawn at random from what it thinks likely. So three
questions get three different answers. The `seed` fixes the dice: with the same seed you get the same lists.
"""

# %%
for text in sample_texts(sft, tokenizer, [soups.text] * 3, seed=0):
    print(soups.text + text, end="\n\n")

# %% [markdown]
"""
Read them slowly. Is the form right? Is everything a soup, and vegetarian? Is anything said twice? Change the seed above,
or ask for something else: `list(prompts)[:20]` shows what one can ask. What is missing now is somebody who says *this
one rather than that one*.
"""

# %% [markdown]
"""
## 5 · A judge, so that we can measure

To see whether training helps we need a measure that never gets tired. Our **judge** is a program. It scores a list on
five named parts, each a number from 0 to 1, and adds them up with these weights.

| part | is 1 if |
|---|---|
| `valid` | the answer is a list of five numbered lines |
| `on_topic` | all five items belong to the subject |
| `constraint` | all five do, and keep the prompt's constraints, such as *vegetarian* |
| `distinct` | no item is said twice |
| `specific` | all five are concrete, none like "something nice" |
"""

# %%
from topfive.judge import WEIGHTS, Judge

WEIGHTS

# %% [markdown]
"""
**Predict first.** The list below has three things wrong with it. Which of the five parts will fall below 1?
"""

# %%
thanksgiving = prompts["top 5 vegetarian recipes for Thanksgiving day"]
flawed = """
1. maple-roasted carrots with thyme
2. maple-roasted carrots with thyme
3. sage-buttered roast turkey
4. weighted blanket up to the chin
5. corn pudding spooned from the dish"""

# %% [markdown]
"""
The first judgement takes some seconds: the judge looks items up in a hand-made bank of a few thousand, and for those
that are not in it, it first trains a few small classifiers.
"""

# %%
judge = Judge()
judgement = judge.judge(thanksgiving, flawed)
for part, weight in WEIGHTS.items():
    print(f"{part:11} {getattr(judgement, part):.1f}  × {weight}")
print(f"{'quality':11} {judgement.quality:.1f}  of {sum(WEIGHTS.values())}")

# %% [markdown]
"""
A repeated item counts once, as missing the second time. So one careless line costs something in several parts. Mend
the list line by line and run both cells again: what is worth most?

Everyone would agree on these five. But people also differ, and that is called **taste**. The judge can be given one;
you have your own.
"""

# %% [markdown]
"""
## 6 · Your turn: rank three times

The model now writes four lists for each of three prompts.
"""

# %%
from topfive import ledger, panels

asked = [thanksgiving, soups, prompts["top 5 quick meals to carry to the meadow"]]
four_times = [prompt.text for prompt in asked for _ in range(4)]
texts = sample_texts(sft, tokenizer, four_times, seed=1)
fours = [tuple(texts[start : start + 4]) for start in (0, 4, 8)]
tasks = [ledger.Task(prompt, four) for prompt, four in zip(asked, fours, strict=True)]
print(tasks[0].prompt.text + tasks[0].texts[0])

# %% [markdown]
"""
Put the four lists in order, the one *you* would like best first. Drag them, or use the ▲▼ buttons, or the keys
that the panel names. There is no right answer. If two are equally good, say so with `=`; *None is good* counts as
all four being equal; if you cannot tell, skip.

Every click is on your disk, in `work/ledger.jsonl` beside this notebook, before the panel says "saved". Nothing is sent
anywhere. The ledger holds no name, only a random key.
"""

# %%
panel = panels.Rank(tasks, side=False)
panel

# %% [markdown]
"""
Done three times? Then this is what your clicks became: the place of each list, in the order in which the model wrote
them (the panel shows them shuffled). If you did not rank, the next cells have nothing to show; all the rest works.
"""

# %%
mine = panel.rankings()
print(len(mine), "rankings")
for ranking in mine:
    print(ranking.prompt.text, ranking.ranks)

# %% [markdown]
"""
**Predict first.** Did your favourites also get the judge's highest scores? The judge has no taste here: it goes by
the five parts alone.
"""

# %%
for ranking in mine:
    print(ranking.prompt.text)
    scores = judge.scores([ranking.prompt] * len(ranking.texts), ranking.texts)
    placed = sorted(zip(ranking.ranks, scores, ranking.texts, strict=True))
    for place, score, text in placed:
        items = " / ".join(lists.parse(text).items)
        print(f"  your place {place} · judge {score:.1f} · {items}")

# %% [markdown]
"""
Where you and the judge disagree, neither is wrong. Either you saw something that it cannot see, or you have a
taste. (Lists that the judge finds equal can differ a lot to you.) A reward model has to learn from both, from nothing
but the order.
"""

# %% [markdown]
"""
## 7 · Now the whole loop

One ranking of four lists says six things: 1st before 2nd, 1st before 3rd, … Your three make 18. No reward model learns
much that is general from 18 comparisons. (Notebook 04 collects more, and 05 fits a reward to yours.) For today, **a
simulated student ranks 400 times in your place**: lists on the eleven subjects where its taste matters most.
"""

# %%
from topfive.judge import load_taste

taste = load_taste("vegetarian")
taste

# %% [markdown]
"""
This student orders lists by the judge's five parts, **plus** 1.0 for each vegetarian item, plus some chance (`noise`):
like a person, it is not always of one mind. Nobody else is told any of this: the reward model sees texts in an order,
the policy sees scores.
"""

# %%
from pathlib import Path

from topfive.loop import RunConfig, run

config = RunConfig(taste="vegetarian", rankings=400, out=Path("work/run"))
config

# %% [markdown]
"""
**Predict first**, and write it down. After training, both models answer 300 prompts that neither was trained on.
In how many of 100 will the new model's list be better, for this student? And will lists get longer or shorter?
"""

# %% [markdown]
"""
The next cell takes **three to five minutes** on a laptop with two cores. While it runs:

| stage | what happens | what you see |
|---|---|---|
| rankings | the SFT model writes 1,600 lists, the simulated student orders them four by four | a pause |
| reward model | takes what a crowd thinks of each line, and adds what these rankings say of this student | a pause |
| PPO | again and again: write 64 lists, score them, make good ones more likely | curves and a fresh list |
| evaluation | 300 prompts, two lists each, judged blind | a pause |
"""

# %% [markdown]
"""
**Score**: the mean of the 64 lists (SFT lists get 0 on average). **KL**: how far the policy has moved away from the SFT
model, in *nats*: how much likelier its lists are to itself than to the SFT model, as the mean difference of
log-probabilities. **Tokens**: how long the lists are. Below is one fresh list with its own score.
"""

# %% [markdown]
"""
The reward model of this run has two parts. One is a language model that has learned from a crowd what makes a good line:
on the subject, nothing twice. The other is what *this* student adds: how much each **kind** of item (vegetarian, quick, for
kids, …) and each word is worth to them. The less the rankings say, the quieter it speaks.
"""

# %% [markdown]
"""
You may stop it (■ in the toolbar); it then says in red after which step. What is done is kept in `work/run`; run the
cell again and it goes on from there.
"""

# %%
report = run(config, callbacks=[plots.LiveCurves()])

# %% [markdown]
"""
It is all in `work/run`: the rankings, both models, the curves, a report. If you open this notebook again tomorrow,
the cell above finds the report and does not train again. To try something else, give it another folder (`out`).
"""

# %% [markdown]
"""
Here are the curves once more, from there. The last one answers your guess about length. Where does the score rise
fastest? Does the policy move away from the SFT model at the same pace?
"""

# %%
from IPython.display import HTML, Image

Image(config.out / "ppo.png", alt="Score, KL and length over the steps of PPO")

# %%
ppo = report["ppo"]
furthest = ppo["furthest"]
print(f"furthest from SFT in step {furthest['step']} of {ppo['steps']}", end=": ")
print(f"{furthest['kl']:.1f} nats, with a score of {furthest['score']:+.1f}")
print(f"in the last step: {ppo['kl_train']:.1f} nats")

# %% [markdown]
"""
Most of the way is gone in the first ten steps. Of the nearly two million weights only some nine thousand learn here, one or
two for each of the network's channels: enough to *lean* towards what the model can do already, too few to unlearn how to
spell. (Notebook 06 says more.) The learning rate then falls to 0, so every curve ends flat, whether it has arrived or not.

And this is how long each stage took, in seconds.
"""

# %%
report["seconds"]

# %% [markdown]
"""
## 8 · What the reward model learned

Some rankings were kept back. Of two lists in them, how often does the reward model give the higher score to the one
that was placed higher? A coin would be right half of the time; nobody is always right, because the student itself
wavers.
"""

# %%
low, high = report["reward_model"]["interval"]
right = report["reward_model"]["accuracy"]
print(f"right in {right:.0%} of pairs, 95 % interval {low:.0%} to {high:.0%}")

# %% [markdown]
"""
## 9 · Did it work?

The evaluation compares one list of each model on every prompt. The **win rate** is the share of prompts on which the
new one is better; a tie counts half.
"""

# %%
from topfive.stats import Estimate

win_rate = Estimate(**report["win_rate"])
print("win rate, its 95 % interval, and the number of prompts:", win_rate)
for part, found in report["win_rate_on"].items():
    print(f"  by {part} alone:", Estimate(**found))

# %% [markdown]
"""
Compare that with what you wrote down. The **interval** is there because another 300 prompts would have given a
slightly different number. If it reached down to 0.5, we could not say that anything got better, however nice the
lists look. Our rule: a model *ships* only if the whole interval lies above 0.5.
"""

# %%
bars = plots.quality_bars(report["quality"], win_rate, report["liked"])
said = f"{report['liked']['sft']:.1f} to {report['liked']['ppo']:.1f} points a list"
alt = f"Five parts of quality; the taste, {said}; the win rate, {win_rate}"
plots.show(bars, alt=alt)
print("ships:", report["shipped"])

# %% [markdown]
"""
Left are the five parts that everybody shares. In the middle is what this student likes besides: 1.0 for each vegetarian
item, so at most 5. Both came in through the order of lists alone. What changed for certain?
"""

# %%
for part, found in report["change"].items():
    change = Estimate(**found)
    sure = change.low > 0 or change.high < 0
    interval = f"[{change.low:+.2f}, {change.high:+.2f}]"
    print(f"{part:11} {change.mean:+.2f} {interval}", "*" * sure)

# %% [markdown]
"""
Both models answered the same prompts, so the difference on each prompt is what is averaged; a star means that its
interval leaves out 0. A part that got worse is worth a thought: the policy gives up what the reward model does not
notice.
"""

# %% [markdown]
"""
## 10 · Before and after

Numbers can be won in silly ways. So always read. Items with a ✓ are vegetarian, as far as the judge can tell.
"""

# %%
from topfive.judge import look_up


def is_vegetarian(item: str) -> bool:
    return "vegetarian" in look_up(lists.normalise(item)).tags


# %%
policy, _ = load(config.out / "policy")
questions = [
    "top 5 budget recipes for Thanksgiving day",
    "top 5 quick winter soups",
    "top 5 meals to carry to the meadow for kids",
]
before = sample_texts(sft, tokenizer, questions, seed=2)
after = sample_texts(policy, tokenizer, questions, seed=2)

# %%
columns = {"SFT": before, "after PPO": after}
HTML(plots.side_by_side(questions, columns, mark=is_vegetarian))

# %% [markdown]
"""
None of these prompts asks for vegetarian food. (Change the seed for other lists; `work/run/lists.md` has twelve more
pairs.)

Which of the two would *you* rather have? If the answer is "it depends", you have understood why this needs people.
"""

# %% [markdown]
"""
## 11 · What was real, and what was not

| | |
|---|---|
| **real** | your rankings; a language model trained from scratch; reward model and PPO, trained just now right here |
| **simulated** | the student who ranked 400 times: in the files each of these rankings says `"source": "simulated"` |
| **convenient** | the judge at the end is the one that the simulated student thinks with; real life has no such judge |
| **small** | few parameters, 64 subjects: what you see here is how it works, not how well it can work |
"""

# %% [markdown]
"""
The distance from the SFT model is part of the result too. Without a penalty on it, the policy would find lists that
please the reward model and nobody else; notebook 06 shows such runs. The curve above was measured on the prompts it
trained on; this is on the 300 that it did not:
"""

# %%
print(f"{ppo['kl']:.1f} nats away from the SFT model, after {ppo['episodes']:,} lists")

# %% [markdown]
"""
## 12 · What comes next

| notebook | there you |
|---|---|
| 01 labelling-basics | find out how far labellers agree, and what to do if they do not |
| 02 writing-demonstrations | write lists yourself, and meet everything that can go wrong with data |
| 03 language-modeling | train the base model and the SFT model |
| 04 collecting-preferences | rate, compare and rank, and see which costs what |
| 05 preference-modeling | write the reward model, and find out what it really learned |
| 06 ppo | write PPO, piece by piece, and train with your own functions |

Each stands on its own, so begin wherever you like. 01 is a good place.
"""

# %% [markdown]
"""
**Before you go**, three questions to take along. Nobody grades them. What did the 400 rankings teach the model that
18 comparisons could not? Who would be unhappy with the new model? How would you find out, if you were not told the
taste?
"""
