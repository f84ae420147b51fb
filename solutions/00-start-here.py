# %% [markdown]
r"""
# 00 · Start here

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 20 minutes | none, just look around | nothing | say what each stage of RLHF does, and read a win rate |

Language models learn to continue text. That does not make them do what *you* would like. **Reinforcement learning from
human feedback** (RLHF) is how one asks for more: people compare what a model writes, a second model learns to predict
their choice, and the first model is trained to write what would be chosen.

In this notebook you run all of it once, on a model that is small enough to watch. The other notebooks then take it
apart.

Click into the first grey cell and press **Shift+Enter**: it runs, and the next one is selected. Go on like this, in
order.
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
    print(finding if finding.state == "problem" else f"{finding.state:9} {finding.subject}")

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
- The **base model** has read plain text. It knows words, but not what a question is.
- The **SFT model** (supervised fine-tuning) has also read good lists. It answers, with flaws.
- **Rankings**: somebody puts four of its lists in order, the best one first.
- The **reward model** reads a list and predicts how well it would be ranked: one number, the *score*.
- The **policy** starts as a copy of the SFT model. PPO (proximal policy optimisation) lets it write, has the reward
  model score what it wrote, and makes what scored well more likely. A penalty keeps it close to the SFT model.
- The **evaluation** is blind: two lists, one of each model, and the judge does not know which is whose.

The first two are already trained and come with the course. You start at the third box.
"""

# %% [markdown]
"""
## 4 · Ask the model

**Predict first.** The SFT model is tiny, and has read a few thousand lists. What will it get wrong more often: the
*form* (five lines, numbered) or the *content* (on the subject, vegetarian, nothing twice)?
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
Read them slowly. The form is easy to learn; to stay with soup, keep it vegetarian and say nothing twice is not. Change
the seed above, or ask for something else: `list(prompts)[:20]` shows what one can ask. What is missing now is somebody
who says *this one rather than that one*.
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
texts = sample_texts(sft, tokenizer, [prompt.text for prompt in asked for _ in range(4)], seed=1)
tasks = [ledger.Task(prompt, tuple(texts[4 * i : 4 * i + 4])) for i, prompt in enumerate(asked)]
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
    for place, score, text in sorted(zip(ranking.ranks, scores, ranking.texts, strict=True)):
        print(f"  your place {place} · judge {score:.1f} · {' / '.join(lists.parse(text).items)}")

# %% [markdown]
"""
Where you and the judge disagree, neither is wrong. Either you saw something that it cannot see, or you have a
taste. (Lists that the judge finds equal can differ a lot to you.) A reward model has to learn from both, from nothing
but the order.

## 7 · Now the whole loop

One ranking of four lists says six things: 1st before 2nd, 1st before 3rd, … Your three make 18. No reward model learns
much that is general from 18 comparisons. In notebook 04 you collect more, and in 08 you run the loop on your own. For
today, **a simulated student ranks 400 times in your place**: lists on the eleven subjects where its taste matters most.
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

from topfive.run import RunConfig, run

config = RunConfig(taste="vegetarian", rankings=400, out=Path("work/run"))
config

# %% [markdown]
"""
**Predict first**, and write it down. After training, both models answer 300 prompts that neither was trained on.
In how many of 100 will the new model's list be better, for this student? And will lists get longer or shorter?

The next cell takes **three to five minutes** on a laptop with two cores. While it runs:

| stage | what happens | what you see |
|---|---|---|
| rankings | the SFT model writes 1,600 lists, the simulated student orders them four by four | a pause |
| reward model | weighs the words of items until lists that were placed higher get the higher score | a pause |
| PPO | again and again: write 64 lists, score them, make good ones more likely | three curves and a fresh list |
| evaluation | 300 prompts, two lists each, judged blind | a pause |

Left: the score (it starts near 0, which is what SFT lists get on average). Middle: how far the policy has moved away
from the SFT model, as the KL divergence in *nats*: how much likelier its lists are to itself than to the SFT model, as
the mean difference of log-probabilities. Right: how long the lists are. The list below the curves is a fresh one; read
it now and then.

The reward model of this run is deliberately simple: what a list is worth is what its lines are worth, and a line is
worth what its words are. That is why 400 rankings are enough for it. In notebook 05 you build the usual kind, which
fine-tunes a language model, and compare.

You may stop it (■ in the toolbar); it then says in red after which step. What is done is kept in `work/run`; run the
cell again and it goes on from there.
"""

# %%
report = run(config, callbacks=[plots.LiveCurves()])

# %% [markdown]
"""
It is all in `work/run`: the rankings, both models, the curves, a report. If you open this notebook again tomorrow,
the cell above finds the report and does not train again. To try something else, give it another folder (`out`).

Here are the curves once more, from there. The right one answers your guess about length. Where does the score rise
fastest? Does the policy move away from the SFT model at the same pace?
"""

# %%
from IPython.display import HTML, Image

Image(config.out / "ppo.png", alt="Score, KL and length over the steps of PPO")

# %% [markdown]
"""
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
print(f"right in {report['reward_model']['accuracy']:.0%} of pairs, 95 % interval {low:.0%} to {high:.0%}")

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

# %% [markdown]
"""
Compare that with what you wrote down. The **interval** is there because another 300 prompts would have given a
slightly different number. If it reached down to 0.5, we could not say that anything got better, however nice the
lists look. Our rule: a model *ships* only if the whole interval lies above 0.5.
"""

# %%
bars = plots.quality_bars(report["quality"], win_rate)
plots.show(bars, alt=f"Left: five parts of quality before and after PPO. Right: the win rate, {win_rate}.")
print("ships:", report["shipped"])

# %% [markdown]
"""
Look at the five parts on the left. The student's wishes for them came in through the order of lists, along with the
taste. Anything that got worse is worth a thought: the policy gives up what the reward model does not notice.

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
HTML(plots.side_by_side(questions, {"SFT": before, "after PPO": after}, mark=is_vegetarian))

# %% [markdown]
"""
None of these prompts asks for vegetarian food. (Change the seed for other lists; `work/run/lists.md` has twelve more
pairs.)

Which of the two would *you* rather have? If the answer is "it depends", you have understood why this needs people.

## 11 · What was real, and what was not

| | |
|---|---|
| **real** | your rankings; a language model trained from scratch; reward model and PPO, trained just now right here |
| **simulated** | the student who ranked 400 times: in the files each of these rankings says `"source": "simulated"` |
| **convenient** | the judge at the end is the one that the simulated student thinks with; real life has no such judge |
| **small** | a million parameters, 64 subjects: what you see here is how it works, not how well it can work |

The distance from the SFT model is part of the result too. Without a penalty on it, the policy would find lists that
please the reward model and nobody else; notebook 07 watches that happen.
"""

# %%
print(f"{report['ppo']['kl']:.1f} nats away from the SFT model, after {report['ppo']['episodes']:,} lists")

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
| 07 evaluation | judge blind, and catch a model cheating |
| 08 your-experiment | run all of it on your own taste |

Each stands on its own, so begin wherever you like. 01 is a good place.

**Before you go**, three questions to take along. Nobody grades them. What did the 400 rankings teach the model that
18 comparisons could not? Who would be unhappy with the new model? How would you find out, if you were not told the
taste?
"""
