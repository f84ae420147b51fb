# %% [markdown]
r"""
# 01 · Labelling basics

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 3 hours | 36 | NumPy, no other notebook | turn a question into a labelling task, and say how far to trust the answers |

Everything in RLHF rests on what people said. Here you ask them something simple, *is this list on topic?*, and find
out how much can go wrong with it.

Every exercise has a `check` that answers in words, and `hint("1.2")` gives the next hint. Nothing breaks if you skip
one: what comes later then uses the course's own function ("needs nothing" means: no earlier exercise). Cells build on
those above them: after a restart, choose *Run → Run All Above Selected Cell*.
"""

# %%
import numpy as np

from topfive import plots, stats
from topfive.annotation import aggregation, agreement, instructions, on_topic, simulate
from topfive.annotation.labels import from_rows
from topfive.annotation.on_topic import BORDERLINE, CASES, CLASSES, QUESTION
from topfive.checks import check, hint, kept_text, once_written, use
from topfive.panels import Label, Task

plots.show_loop("rankings")

# %% [markdown]
"""
## 1 · From a question to a task

"Is this a good list?" is a question to argue about. A labelling task is smaller: one thing at a time, something that
everybody can see, and an answer with a name. So a big question is **decomposed**. The course's judge does it, too: here
are the parts of "good", for one list.
"""

# %%
from dataclasses import asdict

from topfive.judge import Judge

shown = on_topic.known_lists(["stray"], seed=4)[0]
print(shown.prompt.text, shown.text, "\n", sep="\n")
judgement = Judge().judge(shown.prompt, shown.text)
for part, value in asdict(judgement).items():
    print(f"{part:10} {value:.1f}")

# %% [markdown]
"""
*Constraint* is the share of items that keep the prompt's condition ("vegan"), *specific* of those that could not stand in
any list, and *taste* what one person happens to like (this judge has none).

Each part can be asked alone. *Valid* and *distinct* need no person at all: a program counts better. *On topic* does, and
that is our task, with the condition as part of the topic.
"""

# %%
print(QUESTION, "→", " / ".join(CLASSES))

# %% [markdown]
"""
**Predict first.** Of these seven kinds of lists, which will people disagree about, if this question is all they get?
"""

# %%
for case, (_, words) in CASES.items():
    print(f"{case:10} {words}")

# %% [markdown]
"""
## 2 · Instructions

The **crowd** of this notebook is simulated, and every row it makes says so. What was put in: skill (two
numbers: how often somebody says *on topic* of a list that they take for on topic, and likewise *off topic*), tiredness,
spammers, and a private reading of every **borderline case** that the instructions do not decide. It cannot read; it only
hears which of the five cases your text *mentions*.

280 lists, five labels each, from 24 honest workers who were given the bare question:
"""

# %%
many = on_topic.known_lists([case for case in CASES for _ in range(40)], seed=1)
honest = simulate.crowd(seed=1, spammers=False)
bare = simulate.label(many, honest, mentioned=(), seed=2)
bare.rows()[0]

# %%
figure = plots.labelling_basics.agreement_by_case({"bare question": bare})
plots.show(figure, alt="Agreement is high for clear cases, near ½ for borderline ones")

# %% [markdown]
"""
On clear lists nearly everybody says the same. On borderline ones half of the crowd reads the question one way and half
the other, so two labels agree like two coins. This is not carelessness: the same people agree on clear lists. More workers
would not help. More *instructions* would.
"""

# %% [markdown]
"""
### Your instructions · 25 min · 4 points

Write what a stranger needs: the question, both labels and when each is right, examples, a decision on each borderline
case, what to do when unsure, what it is for. **A page at most.** You decide the cases; below, it shows whether others
can follow.
"""


# %% solution="my-instructions"
def my_instructions() -> str:
    """Instructions for labellers, 60 to 400 words.

    Empty lines part paragraphs, "- " begins a bullet.
    """
    ### BEGIN SOLUTION 1.0: return your instructions, one text in triple quotation marks
    return """
    Does every line of this list answer the prompt? Choose "on topic" if all of them do,
    and "off topic" as soon as one line does not.

    The prompt is a topic and often a condition. For "top 5 vegan soups", a line has to
    be a soup, and vegan. Judge by what a thing usually is; you need not look it up.

    - Example, on topic: for "vegan soups", pumpkin and coconut soup, rasam, and so on.
    - Example, off topic: for "vegan soups", four soups, and one train journey.

    Borderline cases:

    - One stray item: off topic, even if the other four are perfect.
    - An item that breaks the condition, such as chicken soup for "vegan": off topic.
    - A vague item that could stand in any list ("something nice"): off topic.
    - An item that is there twice: ignore that, it is counted elsewhere.
    - Four items instead of five, or six: ignore that, too.

    Not sure? Take the first reading that comes to mind. Skip only what you cannot judge
    at all, and flag what is offensive. Your labels are used to choose training data for
    a small language model; the course's staff sees them without your name."""
    ### END SOLUTION


# %%
written = "Does every line of this list answer the prompt?"
with once_written():
    written = kept_text("instructions.md", my_instructions())
for part in instructions.checklist(written):
    print("✓" if part.found else "✗", part.name)
    if not part.found:
        print("   ", part.advice)

# %% [markdown]
"""
The checklist looks for words, not for sense: half a point for each ✓. Whether a stranger understands you, only a
stranger can tell. Now the simulated crowd gets yours; everything else about it stays the same.
"""

# %% test="my-instructions-test" points=4
# Your work/instructions.md is measured by the checklist above.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_instructions as _grade

_grade(points=4)
### END HIDDEN TESTS

# %%
mentioned = instructions.mentioned(written)
yours = simulate.label(many, honest, mentioned, seed=2)
print("your instructions mention:", ", ".join(mentioned) or "no borderline case")
both = {"bare question": bare, "yours": yours}
figure = plots.labelling_basics.agreement_by_case(both)
plots.show(figure, alt="Agreement by case, for the bare question and your instructions")

# %% [markdown]
"""
**Change and run again**: what if your text did not mention one of the cases? (The text and its file stay as they are.)
"""

# %%
without = "stray"  # then another
fewer = [case for case in mentioned if case != without]
less = simulate.label(many, honest, fewer, seed=2)
both = {f"without {without}": less, "yours": yours}
figure = plots.labelling_basics.agreement_by_case(both)
plots.show(figure, alt=f"Agreement by case, for your text and without {without}")

# %% [markdown]
"""
That case alone falls back. (Simulated: real people miss a rule now and then, and find cases that you did not think of. So
real projects try instructions on fifty items first, and rewrite them.)
"""

# %% [markdown]
"""
## 3 · Your own labels
"""

# %% [markdown]
"""
### Twenty lists · 8 min · 3 points

Now you are the labeller. Your instructions stand behind `?`. Keys: `1` on topic, `2` off topic, `↵` next, `u` undo, `s`
skip. Each answer is on disk before the panel says "saved".
"""

# %%
lists = on_topic.lists_to_label()
tasks = [Task(one.prompt, (one.text,)) for one in lists]
panel = Label(
    tasks,
    "on topic",
    question=QUESTION,
    labels=CLASSES,
    guidelines=written,
)
panel

# %% [markdown]
"""
(The order of the two labels is always the same, since keys have to be learned. That has a price: whoever leans to the
first button leans to one *label*. Where lists stand side by side, as in notebook 04, their order is random.)
"""

# %% test="labels-test" points=3
# Two points for twenty labels in your ledger (one for ten), one for the clear lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_labels as _grade

_grade(at_least={10: 1, 20: 2}, golden=1)
### END HIDDEN TESTS

# %%
mine, whose = panel.labels(), "yours"
if len(mine) < 10:
    mine = simulate.stand_in(lists, [task.id for task in tasks])
    whose = "EXAMPLE ANSWERS (simulated), not yours"
    print("Too few labels so far. Label the lists above, then run this cell again.")
print(len(mine), "labels:", whose)
mine[0]

# %% [markdown]
"""
`task`, `worker`, `label`: these three columns are what labelling tools and libraries agree on. For computing we turn
them into numbers: 0 is on topic, 1 off topic, and **−1 means that there is no label**.
"""

# %%
table = from_rows(mine, classes=CLASSES, tasks=[task.id for task in tasks])
me = table.matrix[:, 0]
reader = simulate.Labeller("second", skill=(0.93, 0.93))
answers = simulate.label(lists, [reader], mentioned, overlap=1, seed=16)
second = answers.table.matrix[:, 0]
judge = np.array(on_topic.judged(lists))
print("you      ", me, whose)
print("second   ", second, "simulated")
print("the judge", judge, "a program, by the course's rule")

# %% [markdown]
r"""
### 1.1 Percent agreement · 6 min · 2 points · needs nothing

The first question about any labels: **do two people say the same?** Only lists count that both labelled.

**Predict first.** Labels 0, 0, 1, −1 and 0, 1, 1, 1: what is the agreement? What two wrong numbers come to mind?
"""


# %% solution="percent-agreement"
def percent_agreement(a, b) -> float:
    """Share of the items that both labelled to which both gave the same label.

    a, b: (items,) int64 arrays, two labellers' classes, -1 where one gave none.
    Returns a number from 0 to 1; NaN (`np.nan`) if they share no item.
    """
    ### BEGIN SOLUTION 1.1: which items did both label? of these, how many are equal?
    both = (a != -1) & (b != -1)
    return (a[both] == b[both]).mean() if both.any() else np.nan
    ### END SOLUTION


# %%
with once_written():
    print(percent_agreement(np.array([0, 0, 1, -1]), np.array([0, 1, 1, 1])))

# %% [markdown]
"""
(Two of three. The tempting wrong numbers are ½ and ¾.) A cell that begins with `once_written()` waits until you have
written the function.
"""

# %%
check("1.1", percent_agreement)

# %% [markdown]
"""
Stuck? Each call gives one hint more. They cost nothing.
"""

# %%
hint("1.1")

# %% test="percent-agreement-test" points=2
# 1.1 is graded on other labels, with gaps, and with three classes.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.1", lambda: percent_agreement, seeds=(101, 102, 103))
### END HIDDEN TESTS

# %% [markdown]
"""
How far do you agree with a second labeller, and with the judge? The second is simulated: where your text mentions a case,
it nearly always takes the *course's* decision, whatever yours is.

In brackets stands Wilson's 95 % interval, the true shares that would fit what was counted. Twenty lists say little.
"""

# %%
share = use("1.1", percent_agreement)
print(f"(you: {whose})")
for name, other in (("second labeller", second), ("judge", judge)):
    both = (me != -1) & (other != -1)
    exact = stats.wilson(round(share(me, other) * both.sum()), int(both.sum()))
    print(f"with the {name:16} {exact}")
for one, own, right in zip(lists, me, judge, strict=True):
    if own not in (right, -1):
        print(f"  you differ from the judge: {one.case:10} {one.prompt.text}")

# %% [markdown]
"""
By the course's rule *stray*, *condition* and *vague* are off topic; *repeat* and *count* are on topic. Where you and the
judge part, nobody need be wrong: you may have decided otherwise. Is it in your text?

Now somebody who does not read at all, and says *on topic* to everything. Of ordinary data, nine lists in ten are on
topic. **Predict first:** how far does this person agree with a perfect labeller?
"""

# %%
perfect = np.array([0] * 18 + [1] * 2)
always_on = np.zeros(20, dtype=int)
print("agreement:", share(perfect, always_on))

# %% [markdown]
r"""
### 1.2 Cohen's κ · 12 min · 3 points · needs nothing

Agreement has to be held against **chance**. If labeller one says class $c$ in a share $p_c$ of the lists and labeller
two in a share $q_c$, then by chance alone they agree on

$$P_\text{chance} = \sum_c p_c\, q_c, \qquad \kappa = \frac{P_\text{observed} - P_\text{chance}}{1 - P_\text{chance}}$$

(Cohen 1960). 1 is perfect, 0 is chance, below 0 is worse than chance. Only lists that both labelled count, for the
frequencies, too.
"""


# %% solution="cohen-kappa"
def cohen_kappa(a, b) -> float:
    """Agreement beyond chance, as a share of what is left beyond chance.

    a, b: (items,) int64 arrays, -1 where one gave no label; only items that both
    labelled count.
    Returns a number up to 1; NaN if they share no item, or if both only ever use one
    and the same class.
    """
    ### BEGIN SOLUTION 1.2: keep what both labelled; observed, chance, then the fraction
    both = (a != -1) & (b != -1)
    a, b = a[both], b[both]
    if len(a) == 0:
        return np.nan
    chance = sum((a == c).mean() * (b == c).mean() for c in np.union1d(a, b))
    return ((a == b).mean() - chance) / (1 - chance) if chance < 1 else np.nan
    ### END SOLUTION


# %%
with once_written():
    print("always on:", cohen_kappa(perfect, always_on))
    print("by hand:  ", cohen_kappa(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])))

# %% [markdown]
"""
By hand: they agree on ¾, and by chance on ½·¼ + ½·¾ = ½, so κ is ½.
"""

# %%
check("1.2", cohen_kappa)

# %% test="cohen-kappa-test" points=3
# 1.2 is graded on other labels: a rare class, three classes, gaps, and one class only.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.2", lambda: cohen_kappa, seeds=(111, 112, 113))
### END HIDDEN TESTS

# %%
from sklearn.metrics import cohen_kappa_score

kappa = use("1.2", cohen_kappa)
both = me != -1
print("with the second labeller:", round(float(kappa(me, second)), 3))
print("scikit-learn says:       ", round(cohen_kappa_score(me[both], second[both]), 3))

# %% [markdown]
"""
Is that good? There is no such thing as a good κ in general. Two people, each right nine times in ten whatever the list:
**predict** their κ where half of the lists are off topic, and where one in ten is.
"""

# %%
for off in (0.5, 0.1):
    agree = 0.9**2 + 0.1**2
    says_off = off * 0.9 + (1 - off) * 0.1
    chance = says_off**2 + (1 - says_off) ** 2
    value = (agree - chance) / (1 - chance)
    print(f"{off:.0%} off topic: they agree on {agree:.2f}, κ = {value:.2f}")

# %% [markdown]
"""
The same people, and κ falls when a class is rare. Compare it with what *your* task needs, and with the same task before
you changed the instructions.
"""

# %% [markdown]
"""
## 4 · More than two

Real labels have many labellers and many gaps: five people a list, out of 24 (section 5 adds five spammers). One row of
our crowd's matrix:
"""

# %%
print(bare.table.matrix.shape, "lists × workers; the first list:")
print(bare.table.matrix[0])

# %% [markdown]
r"""
### 1.3 Krippendorff's α · 20 min · 4 points · needs nothing

α turns it round and compares **disagreements**: $\alpha = 1 - D_\text{observed}/D_\text{expected}$.

- Leave out lists with fewer than two labels. Of the rest, $n$ is the number of labels and $n_c$ those of class $c$.
- A list with $m$ labels, $m_c$ of class $c$, has $m^2 - \sum_c m_c^2$ ordered pairs that differ. Each counts
  $1/(m-1)$. Their sum over lists, divided by $n$, is $D_\text{observed}$.
- Put all $n$ labels in one bag and draw two, without putting the first back: they differ with probability
  $D_\text{expected} = \big(n^2 - \sum_c n_c^2\big) / \big(n(n-1)\big)$.

(Krippendorff 2011, for nominal labels.)
"""


# %% solution="krippendorff-alpha"
def krippendorff_alpha(labels) -> float:
    """1 − observed / expected disagreement, by any number of labellers.

    labels: (items, labellers) int64 array, -1 where there is none.
    Returns a number up to 1; NaN if no item has two labels, or if all labels that are
    left are of one class.
    """
    ### BEGIN SOLUTION 1.3: counts of each class, for items with two labels or more
    counts = (labels[:, :, None] == np.arange(labels.max() + 1)).sum(axis=1)
    counts = counts[counts.sum(axis=1) >= 2]
    m, n_c, n = counts.sum(axis=1), counts.sum(axis=0), counts.sum()
    if (n_c > 0).sum() < 2:
        return np.nan
    observed = ((m**2 - (counts**2).sum(axis=1)) / (m - 1)).sum() / n
    return 1 - observed / ((n**2 - (n_c**2).sum()) / (n * (n - 1)))
    ### END SOLUTION


# %%
with once_written():
    toy = np.array([[0, 0, 0], [0, 1, -1], [1, 1, 1], [0, 0, 1]])
    print(krippendorff_alpha(toy))

# %% [markdown]
"""
(11 labels; the differing pairs count 2 and 2, so observed is 4/11. In the bag are six 0s and five 1s: expected is
60/110. α is ⅓.)
"""

# %%
check("1.3", krippendorff_alpha)

# %% test="krippendorff-alpha-test" points=4
# 1.3 is graded on other labels, with gaps, single labels, and one class only.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.3", lambda: krippendorff_alpha, seeds=(121, 122, 123))
### END HIDDEN TESTS

# %% [markdown]
"""
Now the instructions once more, in one number each: the mean over five rounds of labelling by the same people. **Predict
first:** how many decided cases does it take to double α?
"""

# %%
alpha = use("1.3", krippendorff_alpha)
texts = {f"{n} cases decided": BORDERLINE[:n] for n in range(len(BORDERLINE) + 1)}
for name, cases in {**texts, "your instructions": mentioned}.items():
    rounds = [simulate.label(many, honest, cases, seed=seed) for seed in range(2, 7)]
    mean = np.mean([alpha(one.table.matrix) for one in rounds])
    print(f"{name:17} α = {mean:.2f}   (simulated)")

# %% [markdown]
"""
Four. Deciding all five brought α from 0.18 to 0.55, with the same people; the rest is skill, tiredness, and who misses a
rule. So look at the *task* first: it is the cheaper half to mend.

What can go wrong with such a table before any coefficient is computed? The course's own function says so in words:
"""

# %%
from topfive.errors import TopFiveError

row = {"task": "t1", "worker": "w1", "label": "on topic"}
other = {**row, "worker": "w2"}
again, unknown = {**row, "label": "off topic"}, {**row, "task": "t9"}
for bad in ([row, again], [row, unknown], [row], [row, other]):
    try:
        agreement.summary(from_rows(bad, classes=CLASSES, tasks=["t1", "t2"]))
    except TopFiveError as error:
        print("·", error)

# %% [markdown]
r"""
## 5 · From five labels to one

From now on: **instructions that decide all five cases, and a crowd with five spammers in it** (simulated, as ever). What
should each list be called? *Right* is what the course's rule says.
"""

# %% [markdown]
r"""
### 1.4 Majority vote · 8 min · 3 points · needs nothing

The class with most labels wins. Two cases need care: a tie is *no answer* (ask one more person), and so is a list that
nobody labelled.
"""


# %% solution="majority-vote"
def majority_vote(labels, classes: int):
    """The class with most labels, for each list.

    labels: (lists, workers) int64 array, -1 where there is none.
    classes: how many there are.
    Returns (lists,) int64; -1 where two or more share the lead, or nobody labelled.
    """
    ### BEGIN SOLUTION 1.4: count each class in each row; how many share the lead?
    counts = np.stack([(labels == c).sum(axis=1) for c in range(classes)], axis=1)
    most = counts.max(axis=1, keepdims=True)
    return np.where((counts == most).sum(axis=1) == 1, counts.argmax(axis=1), -1)
    ### END SOLUTION


# %%
with once_written():
    toy = np.array([[0, 1, 1, -1], [0, 1, -1, -1], [-1, -1, -1, -1]])
    print(majority_vote(toy, classes=2))

# %%
check("1.4", majority_vote)

# %% test="majority-vote-test" points=3
# 1.4 is graded on other labels: ties, gaps, three and four classes.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.4", lambda: majority_vote, seeds=(131, 132, 133))
### END HIDDEN TESTS

# %%
people = simulate.crowd(seed=1)
said = simulate.label(many, people, BORDERLINE, overlap=5, seed=2)
vote = use("1.4", majority_vote)
voted = vote(said.table.matrix, 2)
print("one label:    ", stats.wilson(*simulate.first_label_right(said)))
right, ties = int((voted == said.truth).sum()), int((voted == -1).sum())
print("majority of 5:", stats.wilson(right, len(voted)))
print(f"wrong: {len(voted) - right - ties}, no answer: {ties} (ties)")

# %% [markdown]
"""
(How can five labels be a tie? Some lists have six: section 7 says why.)
"""

# %% [markdown]
r"""
## 6 · Dawid and Skene: whom to believe

A vote counts everybody alike. But some are careful, some let everything pass, some do not read. If we knew the truth, we
could measure the workers; if we knew the workers, we could weigh their words. We know neither. Dawid and Skene (1979)
guess one from the other, in turns:

- **M-step**: from guesses about the *lists*, a matrix for each *worker*: how often they say what, when the truth is what.
- **E-step**: from the workers' matrices, better guesses about the lists.

That is expectation–maximisation (EM). It starts from the shares of votes. After every turn the *prior* of a class is the
mean of its guesses; the loop ends when no guess moves by more than a millionth, or after 100 turns.
"""

# %% [markdown]
r"""
### 1.5 From guesses to workers · 12 min · 3 points · needs nothing

A guess of 0.8 that list 3 is on topic makes a worker's label for it count 0.8 in the row *on topic* and 0.2 in the row
*off topic*. Add up, then make each row sum to 1.
"""


# %% solution="worker-matrices"
def worker_matrices(labels, guesses, floor: float = 1e-10):
    """How often each worker says what, when the truth is what: the M-step.

    labels: (lists, workers) int64 array, -1 where there is none.
    guesses: (lists, classes) float, how likely each class is the truth of a list.
    floor: counts below it are raised to it, before rows are divided: nobody says
    something *never*, and a worker without labels gets equal shares.
    Returns (workers, truth, said) float; each row sums to 1.
    """
    ### BEGIN SOLUTION 1.5: for each label, add up the guesses of the lists called so
    classes = range(guesses.shape[1])
    counts = np.stack([(labels == c).T @ guesses for c in classes], axis=2)
    counts = np.maximum(counts, floor)
    return counts / counts.sum(axis=2, keepdims=True)
    ### END SOLUTION


# %%
with once_written():
    guesses = np.array([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]])
    print(worker_matrices(np.array([[0], [1], [0]]), guesses))

# %% [markdown]
"""
(Row 1: the lists called 0 add up to 0.9 + 0.6 = 1.5 of class 0, the list called 1 to 0.2, so 1.5/1.7 and 0.2/1.7.)
"""

# %%
check("1.5", worker_matrices)

# %% test="worker-matrices-test" points=3
# 1.5 is graded on other labels and guesses, with gaps, and with another floor.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.5", lambda: worker_matrices, seeds=(141, 142, 143))
### END HIDDEN TESTS

# %% [markdown]
r"""
### 1.6 From workers to guesses · 15 min · 4 points · needs nothing

Bayes' rule. Before anybody speaks, class $c$ has its prior. Every label $l$ of a worker $w$ multiplies it by how likely
this label is, were $c$ the truth:

$$P(c) \;\propto\; \text{prior}_c \prod_{w \text{ labelled it}} M_w[c,\, l_w]$$

(who gave no label has no factor; beware, −1 as an index is NumPy's *last* column), and then the classes of each list are
made to sum to 1. With hundreds of labels this product is 0 in the computer. **What do you do with products that get too
small?**
"""


# %% solution="task-guesses"
def task_guesses(labels, prior, matrices):
    """How likely each class is the truth of each list: the E-step.

    labels: (lists, workers) int64 array, -1 where there is none; there may be hundreds
    a list. prior: (classes,) float. matrices: (workers, truth, said) float, above 0.
    Returns (lists, classes) float; each row sums to 1. A list without labels has the
    prior.
    """
    ### BEGIN SOLUTION 1.6: the prior, times a factor for each label; mind 900 of them
    logs = np.log(prior)
    for c in range(len(prior)):
        logs = logs + (labels == c) @ np.log(matrices[:, :, c])
    weights = np.exp(logs - logs.max(axis=1, keepdims=True))
    return weights / weights.sum(axis=1, keepdims=True)
    ### END SOLUTION


# %%
with once_written():
    two = np.array([[[0.9, 0.1], [0.2, 0.8]], [[0.6, 0.4], [0.5, 0.5]]])
    print(task_guesses(np.array([[0, 1], [1, -1]]), np.array([0.7, 0.3]), two))

# %% [markdown]
"""
(List 1: 0.7·0.9·0.4 = 0.252 against 0.3·0.2·0.5 = 0.03, so 0.894 and 0.106.)
"""

# %%
check("1.6", task_guesses)

# %% test="task-guesses-test" points=4
# 1.6 is graded on other labels and matrices, with gaps, and with 900 labels a list.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.6", lambda: task_guesses, seeds=(151, 152, 153))
### END HIDDEN TESTS

# %% [markdown]
"""
Now in turns, with *your* two steps, on the crowd with spammers:
"""

# %%
m_step, e_step = use("1.5", worker_matrices), use("1.6", task_guesses)
found = aggregation.dawid_skene(said.table.matrix, 2, m_step=m_step, e_step=e_step)
right = found.guesses.argmax(axis=1) == said.truth
print(f"Dawid–Skene, {found.steps} turns:", stats.wilson(int(right.sum()), len(right)))
print(f"wrong: {int((~right).sum())}, no answer: 0")
for name in ("w03", "w24", "w26"):
    print(name, *np.round(found.matrices[said.table.workers.index(name)], 2).tolist())

# %% [markdown]
"""
It found, without being told any truth, that w03 lets half of the bad lists pass, that w24 throws coins, and that w26
always says *on topic* (1.0 in both rows). **Predict first:** from how many labels a list on does that pay?
"""

# %%
overlaps, ways = (1, 3, 5, 7, 9), {"majority": [], "Dawid–Skene": []}
for overlap in overlaps:
    by_vote, by_em = [], []
    for seed in (2, 3, 4):  # three rounds of labelling
        one = simulate.label(many, people, BORDERLINE, overlap, seed)
        em = aggregation.dawid_skene(one.table.matrix, 2, m_step=m_step, e_step=e_step)
        by_vote.append((vote(one.table.matrix, 2) == one.truth).mean())
        by_em.append((em.guesses.argmax(axis=1) == one.truth).mean())
    ways["majority"].append(np.mean(by_vote))
    ways["Dawid–Skene"].append(np.mean(by_em))
for way, shares in ways.items():
    print(f"{way:12}", *(f"{x:.3f}" for x in shares), f"right, {overlaps} labels")
figure = plots.labelling_basics.right_by_overlap(overlaps, ways)
plots.show(figure, alt=f"Share right for {overlaps} labels a list: {ways}")

# %% [markdown]
"""
Every label costs money, so this picture is a budget. (A tie counts as not right.) With one label a list EM can compare
nobody, and does what the vote does: it needs **overlap**. From three on it saves about two labels a list: three are as
good as five with a vote, five better than seven.

It believes in *one* truth: if half of the crowd reads a case otherwise, EM will call the smaller half bad workers. It mends
carelessness, never instructions.

(The course's tests hold these two steps, in turns, to `crowd-kit`'s `DawidSkene`: the same probabilities to 1e-6 on
10,000 labels; α to the `krippendorff` package and to `evalica`.)
"""

# %% [markdown]
"""
## 7 · Quality control
"""

# %% [markdown]
"""
### 1.7 Golden tasks · 8 min · 3 points · needs nothing

A **golden task** is one whose answer is known, mixed in unseen. Of your twenty lists, six were clear beyond doubt: they
were golden. Of the crowd's lists forty are, nine in ten of them on topic, as in ordinary data.
"""


# %% solution="golden-quality"
def golden_quality(labels, gold):
    """How each worker did on golden tasks.

    labels: (lists, workers) int64 array, -1 where there is none.
    gold: (lists,) int64 array, the right class, -1 where it is not known.
    Returns (workers, 2) float: the share that is right, NaN for who met none; and how
    many they met.
    """
    ### BEGIN SOLUTION 1.7: where are both there, a label and the known answer?
    met = (labels != -1) & (gold != -1)[:, None]
    right = met & (labels == gold[:, None])
    number = met.sum(axis=0)
    share = np.where(number > 0, right.sum(axis=0) / np.maximum(number, 1), np.nan)
    return np.stack([share, number], axis=1)
    ### END SOLUTION


# %%
with once_written():
    toy = np.array([[0, 1], [1, 1], [0, -1], [1, 0]])
    print(golden_quality(toy, np.array([0, -1, 1, -1])))

# %%
check("1.7", golden_quality)

# %% test="golden-quality-test" points=3
# 1.7 is graded on other labels: gaps, three classes, a worker who met no golden task.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.7", lambda: golden_quality, seeds=(161, 162, 163))
### END HIDDEN TESTS

# %%
order = np.random.default_rng(3).permutation(len(many))
on, off = (order[said.truth[order] == c] for c in (0, 1))
chosen = np.concatenate([on[:36], off[:4]])
gold = np.full(len(many), -1)
gold[chosen] = said.truth[chosen]
golden = use("1.7", golden_quality)(said.table.matrix, gold)
for name in ("w04", "w24", "w26"):
    right, number = golden[said.table.workers.index(name)]
    print(name, stats.wilson(round(right * number), int(number)))

# %% [markdown]
r"""
Look at the intervals: a handful of golden tasks can hardly tell a coin (w24) from a good worker (w04). And w26, who never
reads, looks good, too: most golden lists happen to be on topic. **Which number sees through that?**
"""

# %% [markdown]
r"""
### 1.8 A spammer's matrix · 10 min · 3 points · needs nothing

Whoever does not read says the same *whatever the truth is*: the rows of their matrix are equal. So the score of Raykar
and Yu (2012) is how far rows are apart:

$$S_w = \frac{1}{C(C-1)} \sum_{c \neq c'} \tfrac12 \sum_l \big(M_w[c, l] - M_w[c', l]\big)^2$$

The sum runs over ordered pairs of different truths; $S = 1$ is a perfect worker. **Predict first:** what score has
somebody who is always wrong, with two classes?
"""


# %% solution="spammer-scores"
def spammer_scores(matrices):
    """How much a worker's label tells about the truth: 0 nothing, 1 everything.

    matrices: (workers, truth, said) float, rows sum to 1. The squared distance between
    two of a worker's rows, halved, averaged over all pairs of different truths.
    Returns (workers,) float.
    """
    ### BEGIN SOLUTION 1.8: all pairs of rows; how many are of different truths?
    classes = matrices.shape[1]
    difference = matrices[:, :, None, :] - matrices[:, None, :, :]
    apart = (difference**2).sum(axis=(1, 2, 3)) / 2
    return apart / (classes * (classes - 1))
    ### END SOLUTION


# %%
with once_written():
    reads, always = [[0.9, 0.1], [0.3, 0.7]], [[1, 0], [1, 0]]
    swapped = [[0, 1], [1, 0]]
    print(spammer_scores(np.array([reads, always, swapped])))

# %% [markdown]
"""
(The third is always wrong and scores 1: turn their labels round, and you know the truth. Ask what they read! Only a
*consistent* wrong tells so much: with three classes, who picks a wrong one at random has 0.25.)
"""

# %%
check("1.8", spammer_scores)

# %% test="spammer-scores-test" points=3
# 1.8 is graded on other matrices, of two, three and four classes.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("1.8", lambda: spammer_scores, seeds=(171, 172, 173))
### END HIDDEN TESTS

# %%
scores = use("1.8", spammer_scores)(found.matrices)
names, kinds = said.table.workers, [one.kind for one in people]
figure = plots.labelling_basics.who_tells(scores, golden[:, 0], kinds, names)
plots.show(figure, alt="Workers by golden tasks right and score; spammers lie at 0")

# %% [markdown]
"""
One planted spammer looks honest: w28 **copies** from w04, who is good. No score of *one* worker can see that. Two
people who work alone agree as often as their matrices say; copies agree more, above all in mistakes:
"""

# %%
surprise = aggregation.surprising_agreement(said.table.matrix, found)
for place in np.argsort(-np.triu(surprise), axis=None)[:3]:
    a, b = np.unravel_index(place, surprise.shape)
    much = surprise[a, b]
    print(f"{names[a]} and {names[b]}: {much:.1f} standard errors too much alike")

# %% [markdown]
"""
29 people make 406 pairs: by chance alone about three of them exceed 2.4, and hardly ever one 4. Only the first pair is
evidence.
"""

# %% [markdown]
"""
### Tired, or pulled to the first button

Not all bad labels are cheating. Two honest workers: w01 gets **tired**, w02 is **pulled** to whatever label stands first
(for the crowd, their order is shuffled). Both can be seen in a longer session:
"""

# %%
longer = simulate.label(many, people, BORDERLINE, overlap=15, seed=2)
for name in ("w00", "w01"):
    early, late = simulate.right_early_and_late(longer, name)
    print(f"{name} right in the first half: {early}   in the second: {late}")
for name in ("w00", "w02"):
    print(f"{name} takes the label shown first: {simulate.took_first(longer, name)}")

# %% [markdown]
"""
What helps: short sessions with paid breaks, which cost seconds (section 10 counts them), and a random order wherever there
is one, which costs nothing. Throwing honest people out costs more.
"""

# %% [markdown]
"""
## 8 · The trap: golden tasks for taste

Later you will ask **"which do you like best?"** Somebody proposes golden tasks for that, too: pairs where most people
clearly like one list better. Who gets them "wrong" is thrown out. Somebody else proposes **attention checks**: pairs in
which one list has a fault that everybody can see. **Predict first:** who goes?
"""

# %%
test = simulate.taste_test(seed=3)
kinds = np.array(test.kinds)
print("thrown out below 0.7 (simulated)   golden likings   attention checks")
for kind in ("majority", "minority", "spammer"):
    of = (kinds == kind).sum()
    by_golden = (test.golden[kinds == kind] < 0.7).sum()
    by_attention = (test.attention[kinds == kind] < 0.7).sum()
    print(f"{kind:30} {by_golden:9} of {of:<5} {by_attention:9} of {of}")

# %% [markdown]
"""
The golden likings throw out everybody who likes something else, and call it quality. A reward model trained on the rest
learns that the minority does not exist.

What fits is a fault that *everybody* sees, whatever they like: **a list of four items, an item twice, a list that is off
topic**. And a **hidden repeat**: the same pair again, half an hour later. Who reads answers it alike, with any taste.
"""

# %% [markdown]
"""
## 9 · What agreement does to a reward model

A labeller is right about a list with probability $a$. Two of them agree if both are right or both wrong:

$$p_\text{agree} = a^2 + (1-a)^2$$

Turned round, $a = \big(1 + \sqrt{2p - 1}\big)/2$, with the root above ½. We call $a$ the **ceiling**: no reward model can
match such labels more often. For likings read "right" as "says what most would say". The formula assumes two classes, the
same $a$ for every list, and people who work alone (w28 does not).

InstructGPT's training labellers agreed with each other 72.6 ± 1.5 % of the time, others, who made none of the
training data, 77.3 ± 1.3 % (Ouyang et al. 2022, section 3.4; on which task, it does not say). If there were two answers:
"""

# %%
p = 0.726
a = (1 + np.sqrt(2 * p - 1)) / 2
print(f"a = {a:.3f}; check: a² + (1 − a)² = {a**2 + (1 - a) ** 2:.3f}")

# %% [markdown]
"""
But not all lists are equally hard. **Predict first:** half of the lists are easy (*a* = 0.98), half are coins (½). Mean
*a* is 0.74. What does the formula say, from their agreement?
"""

# %%
crowds = {}
for name, each in (
    ("half easy, half coins", np.array([0.98, 0.5])),
    ("evenly from ½ to 1", np.linspace(0.5, 1, 101)),
    ("all 0.75", np.array([0.75])),
):
    crowds[name] = (each.mean(), (each**2 + (1 - each) ** 2).mean())
    bound = (1 + np.sqrt(2 * crowds[name][1] - 1)) / 2
    print(f"{name:22} really right {crowds[name][0]:.3f} · by the formula {bound:.3f}")

# %%
figure = plots.labelling_basics.agreement_curve(crowds)
plots.show(figure, alt="Agreement against accuracy; mixed crowds lie above the curve")

# %% [markdown]
"""
The curve is bent upwards, so a mixture lies above it (Jensen's inequality): from agreement alone, people look more
often right than they are. The number is an **upper bound** of the ceiling. Exercise 5.7 uses it so. To do better, one
needs repeats, or labels for how hard each list is.
"""

# %% [markdown]
"""
## 10 · What it costs, and whom it pays

Seconds times overlap times wage. Yours, if you labelled:
"""

# %%
timed = [row["seconds"] for row in mine if row.get("seconds")]
seconds = float(np.median(timed)) if len(timed) >= 10 else 9.0
print(f"{seconds:.0f} s a list, {'yours' if len(timed) >= 10 else 'assumed'}")
wage, breaks = 15.0, 4.0  # dollars an hour; seconds a list for reading and breaks
for overlap, right in zip(overlaps, ways["Dawid–Skene"], strict=True):
    hours = 1000 * overlap * (seconds + breaks) / 3600
    cost = f"{hours:4.1f} hours, {hours * wage:3.0f} dollars for 1,000 lists"
    print(f"overlap {overlap}: {cost}, {right:.3f} of them right")

# %% [markdown]
"""
**Fair pay** is pay for *time*, with reading the instructions, breaks, and rejected work in it, at least at the legal
minimum where the worker lives. Hara et al. (2018) found a median of about 2 dollars an hour on Mechanical Turk; it depends on
how unpaid time is counted.

Tell people what their labels are for and who sees them; ask for consent; keep no name that you do not need; let them flag
and skip without loss. `docs/annotation-guide.md` in this repository is a guideline to hand out.
"""

# %% [markdown]
"""
## 11 · In your own words · 20 min · 4 points

A start-up collects *"which of these two lists do you like best?"* from 40 workers, five a pair. A tenth of the pairs are
golden: "the better list" was chosen by the founders. Who falls below 80 % is fired without pay. On the remaining labels α
rose from 0.31 to 0.58, and the report says: *"Our quality control nearly doubled the quality of our data."*
"""

# %% [markdown]
"""
In about 150 words: what happened to the data? What do the two α say, and what not? What would you do instead, and for
whom would it be better?

| points | for |
|---|---|
| 1 | says who was removed besides spammers, and why α then rises |
| 1 | says why higher agreement is not higher quality here, with chance or one-truth in the argument |
| 1 | proposes checks that fit a question of taste: at least two of a four-item list, a repeated item, an off-topic list, a hidden repeat |
| 1 | says what this does to a reward model trained on it, and to the people who were not paid |
"""

# %% [markdown] answer="founders" points=4
"""
The founders' golden pairs have no right answer: they are the founders' taste. Below 80 % fall spammers, but also everybody
who likes other lists. Remove all who disagree, and agreement rises by construction; α measures whether the rest say the
same, not whether it is true or whether it stands for the users. 0.31 may have been honest: people differ. The rise shows
how many were removed for their taste, mixed with how many did not read.

I would check attention instead: a list with four items, one with an item twice, one that is off topic, each against a
faultless list, and a hidden repeat after half an hour. Who fails several is talked to, and paid for the time.

A reward model trained on what is left learns the founders' taste, with false certainty, and training will push towards it.
The minority is gone from the product, and worked for nothing.
"""

# %% [markdown]
"""
## Going further

- Plant a crowd of your own: `simulate.Labeller("me", skill=(0.9, 0.6), fatigue=0.5)`. From how many labels on does EM find
  its matrix?
- Give the crowd instructions that decide no case (`mentioned=()`). Which workers does it call bad? Are they?
- Let three of ten workers copy from one another. What does the majority do, what does EM?
- `crowd-kit` has more: GLAD adds the difficulty of each list. (Of version 1.4.2 use what runs: `GoldMajorityVote`, `Wawa`
  and `ZeroBasedSkill` stop with an error under this course's scikit-learn, tried on 27 November 2026.)
"""

# %% [markdown]
"""
**Papers.** Cohen 1960, *A coefficient of agreement for nominal scales* · Dawid & Skene 1979, *Maximum likelihood estimation
of observer error-rates using the EM algorithm* · Krippendorff 2011, *Computing Krippendorff's alpha-reliability* · Raykar &
Yu 2012, *Eliminating spammers and ranking annotators for crowdsourced labeling tasks*, JMLR 13 · Hara et al. 2018, *A
data-driven analysis of workers' earnings on Amazon Mechanical Turk*, [arXiv 1712.05796](https://arxiv.org/abs/1712.05796) ·
Ouyang et al. 2022 (InstructGPT), [2203.02155](https://arxiv.org/abs/2203.02155)

Next: **02 writing demonstrations**, where people do not judge lists but write them.
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
