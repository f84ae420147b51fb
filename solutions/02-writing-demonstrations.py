# %% [markdown]
"""
# 02 · Writing demonstrations

| time | points | needs | afterwards you can |
|---|---|---|---|
| about 2½ hours | 32 | Python, NumPy, a little `re` | write demonstrations, and turn a pile of them into a set to learn from |

Somebody has to show a language model how one answers. These **demonstrations** are written by people, one by one, and the
model copies what it finds in them: the good, the sloppy, and the telephone number. You will write some, look through
the pile that others handed in, and build a set that one may train on.

Every exercise has a `check` that answers in words, and `hint("2.1")` gives the next hint. Nothing breaks if you skip one.
"""

# %%
import random
from itertools import combinations

import numpy as np
import pandas as pd
from IPython.display import Markdown

from topfive import data, panels, plots
from topfive.checks import check, hint, once_written, training_allowed, use
from topfive.demonstrations import alike, foreign, pay, pile, review, sft_set
from topfive.lists import render

pd.set_option("display.max_colwidth", 200)
plots.show_loop("SFT model")

# %% [markdown]
"""
## 1 · What a demonstration is

A pair: the **prompt**, and the **completion** as it should be. Nothing else reaches the model. Here is one, written by
hand.
"""

# %%
example = pile.examples()[0]
print(example["prompt"] + render(example["items"]))

# %% [markdown]
"""
Learning from such pairs is called **supervised fine-tuning (SFT)**: shown the prompt, the model learns to go on with the
completion. It need not be many. InstructGPT was fine-tuned on about 13,000 prompts with their demonstrations (Ouyang et al. 2022), LIMA on 1,000, chosen
with great care (Zhou et al. 2023). With so few, each one counts, and so does each flaw.
"""

# %% [markdown]
"""
## 2 · Write five of your own · 2 points

First the **guideline**, as a writer gets it: short, with a borderline case. Read it before you write.
"""

# %%
Markdown(pile.GUIDELINE)

# %% [markdown]
"""
Write at least **five lists**, for five of the panel's eight prompts. What you type is checked while you type, and on disk before
the panel says "saved". **Predict first:** how long will one list take you?
"""

# %%
panel = panels.Write(pile.asked(), pile.PANEL, guidelines=pile.GUIDELINE)
panel

# %% [markdown]
"""
From the **ledger**, the file in which panels keep every answer, come your lists, one row each. `seconds` is how long a list
took you. If there are none yet, lists by the course's authors stand in, and `source` says so. (Wrote some more? Run this cell
again, and those below.)
"""

# %%
own = pile.own_lists()
mine = own or pile.examples()
stand_in = "no list of yours yet: EXAMPLES by the course's authors stand in"
print(f"{len(own)} lists of yours" if own else stand_in)
if timed := [row["seconds"] for row in own if row["seconds"]]:
    print(f"median time of a list: {np.median(timed):.0f} seconds")
pd.DataFrame(mine).reindex(columns=["source", "prompt", "items", "seconds"])

# %% [markdown]
"""
A program can see some faults, and only some. (That a list answers its prompt, for one, is for people to say.)
"""

# %%
for row in mine:
    print(f"{row['prompt']:55}", ", ".join(sft_set.faults(row)) or "nothing found")

# %% test="written-test" points=2
# 2 points for five good lists of your own, 1 for three. Good: the cell above finds
# nothing. The examples do not count, nor do lists that are close to them.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_written as _grade

_grade(at_least={3: 1, 5: 2})
### END HIDDEN TESTS

# %% [markdown]
"""
## 3 · The pile

Yours are not enough. Here is what others handed in, **all simulated**, in the order in which it arrived. 600 lists are
drawn; 99 more are lists of these once again, with something changed. What is wrong with which list is known, since it is a
simulation, and kept in `flaws`: use it to measure, never to clean.
"""

# %%
lists, flaws = pile.incoming(600 if training_allowed() else 100)
print(len(lists), "lists by", len({row["writer"] for row in lists}), "writers")
pd.DataFrame(lists)[["source", "writer", "prompt", "items"]].head(6)

# %% [markdown]
"""
**Predict first:** which share of these lists is without a flaw?
"""

# %%
counted = pd.Series([name for names in flaws for name in names]).value_counts()
without = sum(not names for names in flaws)
print(f"{without} of {len(lists)} lists have no flaw\n\n{counted.to_string()}")

# %% [markdown]
"""
*Drift*: the last items are about something else. *Careless*: the condition in the prompt is ignored. *Miscount*: four or
six. The rest you will find yourself, one kind after the other. What a program sees at once:
"""

# %%
later = {"copied text", "personal data"}  # section 5 comes to them
seen = [fault for row in lists for fault in sft_set.faults(row) if fault not in later]
seen = pd.Series(seen).str.replace(r"\d+ items", "wrong number of items", regex=True)
seen.value_counts()

# %% [markdown]
"""
The program has a list of vague words, and it errs: it finds 71 vague lists where 65 were planted. "A thief who only returns
things" is not vague, but holds the word *things*.
"""

# %% [markdown]
"""
## 4 · The same again

A writer who hands in an old list, with one item changed and in another order, is paid twice, and a model that sees a
list five times learns it by heart. Language models trained without duplicates recited their training text ten times
less often (Lee et al. 2022). Equal lists are easy to find; nearly equal ones need a measure.
"""

# %% [markdown]
r"""
### 2.1 How alike two lists are · 12 min · 3 points

Cut each item into **shingles**, runs of characters that overlap: "pea soup" in threes is *pea, ea_, a_s, _so, sou, oup*.
What two sets share, of all that either holds, is their **Jaccard index**:

$$J(A, B) = \frac{|A \cap B|}{|A \cup B|}$$
"""

# %% [markdown]
"""
**Predict first.** "pea soup" and "peas", in threes: how alike?
"""


# %% solution="similarity"
def similarity(one, other, size=4):
    """Jaccard index of the shingles of two lists, 0 to 1.

    one, other: the items of a list, at least one in each. Capitals do not count.
    size: characters a shingle. Shingles stay inside an item and include blanks;
    an item of fewer characters than size is one shingle by itself.
    """

    ### BEGIN SOLUTION 2.1: the shingles of each list, then what they share of all
    def shingles(items):
        lower = [item.lower() for item in items]
        starts = {item: range(max(1, len(item) - size + 1)) for item in lower}
        return {item[start : start + size] for item in lower for start in starts[item]}

    mine, theirs = shingles(one), shingles(other)
    return len(mine & theirs) / len(mine | theirs)
    ### END SOLUTION


# %%
with once_written():
    print(similarity(["pea soup"], ["peas"], size=3))
    print(similarity(["Pea soup", "rye bread"], ["rye bread", "pea soup"]))

# %% [markdown]
"""
One of seven. And order and capitals do not matter, as it should be: the second pair is the same list.
"""

# %%
check("2.1", similarity)

# %% [markdown]
"""
Stuck? Each call gives one hint more. They cost nothing.
"""

# %%
hint("2.1")

# %% test="similarity-test" points=3
# 2.1 is graded on other lists and other sizes.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.1", lambda: similarity, seeds=(211, 212, 213))
### END HIDDEN TESTS

# %% [markdown]
"""
Where do near duplicates begin? Look at many pairs before you choose: 2,000, drawn at random from those on the same
topic.
"""

# %%
alike_fn = use("2.1", similarity)
topics = [row["topic"] for row in lists]
every = combinations(range(len(lists)), 2)
together = [(a, b) for a, b in every if topics[a] == topics[b]]
drawn = random.Random(0).sample(together, min(2000, len(together)))
values = [alike_fn(lists[a]["items"], lists[b]["items"]) for a, b in drawn]
picture = plots.writing_demonstrations.likeness(values, alike.NEAR)
plots.show(picture, alt="Histogram of the likeness of pairs; most share little.")

# %% [markdown]
"""
Most pairs share little. The line at one half is a choice: two lists of five that share three items come to about 0.45,
those that share four to about 0.7, and the line lies between. Two of those on the right:
"""

# %%
close = [pair for pair, value in zip(drawn, values, strict=True) if value >= alike.NEAR]
for place in close[0] if close else ():
    print(
        lists[place]["writer"],
        "·",
        lists[place]["prompt"],
        render(lists[place]["items"]),
        "\n",
    )

# %% [markdown]
r"""
### 2.2 A fingerprint for many comparisons · 12 min · 3 points

699 lists are 243,951 pairs, and each comparison walks through two sets. Broder (1997) made it cheap. Write every shingle as
a number $x$ (here a checksum of its characters, `alike.as_numbers`), and mix the numbers with a random function:

$$h_i(x) = (a_i\,x + b_i) \bmod p$$

Keep only the **smallest** value that any shingle of the list has. Under a good mix each shingle has the same chance to be
smallest. So two lists have the same smallest value as often as the smallest of *all* their shingles is one that they share:
with probability $J$. The smallest values of many functions are the list's **signature**.
"""

# %% [markdown]
"""
**Predict first.** $x$ = 3, 5, 9; $a$ = 2, $b$ = 1, $p$ = 11. What is kept?
"""


# %% solution="minhash"
def minhash(values, multipliers, offsets, prime):
    """The signature of a set: for each function the smallest value of any member.

    values: (n,) int64 array, the members. multipliers, offsets: (k,) int64 arrays;
    function i maps x to (multipliers[i] * x + offsets[i]) mod prime.
    Returns (k,) int64.
    """
    ### BEGIN SOLUTION 2.2: a table, functions by members, and the smallest of each row
    return ((multipliers[:, None] * values + offsets[:, None]) % prime).min(axis=1)
    ### END SOLUTION


# %%
with once_written():
    print(minhash(np.array([3, 5, 9]), np.array([2, 7]), np.array([1, 4]), prime=11))

# %% [markdown]
"""
The first function gives 7, 0 (since 11 mod 11 is 0) and 8, so 0 is kept.

The signature makes each comparison cheap: 128 numbers in place of all shingles. It does not say *which* pairs to compare. For
millions of lists one puts those with equal pieces of signature into one bucket, and compares within buckets;
`near_duplicates` below does without, and lays all pairs of signatures side by side.
"""

# %%
check("2.2", minhash)

# %% test="minhash-test" points=3
# 2.2 is graded on other sets and functions.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.2", lambda: minhash, seeds=(221, 222, 223))
### END HIDDEN TESTS

# %% [markdown]
"""
Does the share of places that agree estimate the Jaccard index? Each function is one throw of a coin with chance *J*.
**Predict first:** with 128 functions, how far off, typically, at *J* = ½?
"""

# %%
hash_fn = use("2.2", minhash)
signed = alike.signatures([row["items"] for row in lists], hash_fn)
some = sorted(range(len(drawn)), key=lambda place: -values[place])[:400]
agree = [signed[drawn[place][0]] == signed[drawn[place][1]] for place in some]
exact = [values[place] for place in some]
estimates = {k: [float(np.mean(one[:k])) for one in agree] for k in (8, 128)}
for k, estimated in estimates.items():
    errors = np.subtract(estimated, exact)
    print(f"{k} functions: standard deviation {np.std(errors):.3f}")
picture = plots.writing_demonstrations.fingerprints(exact, estimates)
plots.show(
    picture,
    alt="Estimates against exact values, with 8 functions and with 128.",
)

# %% [markdown]
r"""
A share of 128 throws has a standard error of $\sqrt{J(1-J)/128} \approx 0.044$ at one half, and a little less for most of these
pairs. That tells which pairs are worth an exact look: `near_duplicates` takes those with an estimate of 0.3 or more. A pair above
the line whose estimate is lower is missed, which would be more than four standard errors. All pairs of the pile:
"""

# %%
written = [row["items"] for row in lists]
pairs = alike.near_duplicates(written, similarity_fn=alike_fn, minhash_fn=hash_fn)
planted = [place for place, names in enumerate(flaws) if "near copy" in names]
caught = {place for pair in pairs for place in pair} & set(planted)
print(f"{len(pairs)} near duplicates")
print(f"{len(caught)} of the {len(planted)} planted copies are in them")
with_copy = sum(bool({*pair} & {*planted}) for pair in pairs)
print(f"{with_copy} of the pairs hold a planted copy, {len(pairs) - with_copy} do not")

# %% [markdown]
"""
Where do the others come from? Some are a list and the same list with one line pasted in, like the two above. And some prompts
have so few fitting items that two honest writers come up with nearly the same list. To the model that makes no difference.
"""

# %% [markdown]
"""
### 2.3 What belongs together · 15 min · 3 points

A resembles B, B resembles C; perhaps A and C do not. For training, all three belong together: take one of them and
leave the others. So we need **groups**: whatever is linked, directly or through others.
"""

# %% [markdown]
"""
**Predict first.** Things 0 to 7, and the pairs (2, 5), (1, 7), (3, 6), (5, 7). Which groups?
"""


# %% solution="groups"
def groups_of(number, pairs):
    """For each of `number` things, the smallest number in its group.

    pairs: (i, j), in any order, of things from 0 to number - 1 that belong together.
    A thing without a pair is a group by itself. Returns a list of `number` ints.
    """
    ### BEGIN SOLUTION 2.3: each pair joins two groups, with all who are in them
    first = list(range(number))
    for one, other in pairs:
        low, high = sorted((first[one], first[other]))
        first = [low if group == high else group for group in first]
    return first
    ### END SOLUTION


# %%
with once_written():
    print(groups_of(8, [(2, 5), (1, 7), (3, 6), (5, 7)]))

# %% [markdown]
"""
1, 2, 5 and 7 are one group: the last pair joined two that had been apart.
"""

# %%
check("2.3", groups_of)

# %% test="groups-test" points=3
# 2.3 is graded on other pairs.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.3", lambda: groups_of, seeds=(231, 232, 233))
### END HIDDEN TESTS

# %% [markdown]
"""
### A split that does not leak

Some lists are held out, to measure with. If a list is in training and its near duplicate, or another answer to the same
prompt, is held out, the measurement asks for what was learnt by heart. In standard datasets, texts of the training set
were found again in over 4 % of the validation set (Lee et al. 2022). **Predict first:** how many of our held-out lists, split at random? And
how many more share only their prompt?
"""

# %%
groups_fn = use("2.3", groups_of)
prompts_shared = alike.same([row["prompt"] for row in lists])
links = [*pairs, *prompts_shared]
at_random = alike.split(range(len(lists)), share=0.15, seed=1)
by_groups = alike.split(groups_fn(len(lists), links), share=0.15, seed=1)
for name, sides in (("at random", at_random), ("by groups", by_groups)):
    held = {place for place, side in enumerate(sides) if side == "validation"}
    near = held & {place for pair in alike.leaked(sides, pairs) for place in pair}
    linked = held & {place for pair in alike.leaked(sides, links) for place in pair}
    print(f"{name}: {len(near)} of {len(held)} have a near duplicate in training,")
    print(f"  {len(linked - near)} more only their prompt; together {len(linked)}")

# %% [markdown]
"""
Whole groups go to one side or to the other, and nothing that we linked is left to leak. (By *topic* would be stricter still, and ask
another question: what does the model do on topics that it has never answered?)
"""

# %% [markdown]
"""
## 5 · Not yours to give

### 2.4 Words that somebody else wrote · 15 min · 3 points

A page is quickly pasted. It then belongs to its author, who gave no licence, and the model may recite it (Carlini et al.
2021). The plainest sign is a long **run of words** that stand side by side in both.
"""

# %% [markdown]
"""
**Predict first.** "soup of red lentil today" and "a soup of red lentils": how long is the run?
"""


# %% solution="longest-run"
def longest_run(own, source):
    """How many words in a row of `own` stand in a row in `source`, too, at most.

    own, source: words in lower case, in order; either may be empty. Returns an int.
    """
    ### BEGIN SOLUTION 2.4: from every start in both, walk on while words agree
    longest = 0
    before = [0] * (len(source) + 1)
    for word in own:
        ending = [0] * (len(source) + 1)
        for place, other in enumerate(source):
            if word == other:
                ending[place + 1] = before[place] + 1
        longest = max(longest, *ending)
        before = ending
    return longest
    ### END SOLUTION


# %%
with once_written():
    words = foreign.words_of("soup of red lentil today")
    print(longest_run(words, foreign.words_of("a soup of red lentils")))

# %% [markdown]
"""
Three: *soup of red*. Whole words count, and *lentil* is not *lentils*.
"""

# %%
check("2.4", longest_run)

# %% test="longest-run-test" points=3
# 2.4 is graded on other texts.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.4", lambda: longest_run, seeds=(241, 242, 243))
### END HIDDEN TESTS

# %% [markdown]
"""
How long is too long? Our page is the course's own notes on each topic; some simulated writers pasted from it. We
compare the longest run of *their* lists with that of all others.
"""

# %%
run_fn = use("2.4", longest_run)


def longest_of(row):
    """The longest run that any item of a list shares with any note on its topic."""
    notes = map(foreign.words_of, pile.notes(row["topic"]))
    items = list(map(foreign.words_of, row["items"]))
    return max((run_fn(item, note) for note in notes for item in items), default=0)


pasted = ["taken from a page" in names for names in flaws]
sample = [place for place in range(len(lists)) if pasted[place] or place % 10 == 0]
runs = pd.DataFrame(
    {
        "longest run": [longest_of(lists[place]) for place in sample],
        "pasted": [pasted[p] for p in sample],
    }
)
pd.crosstab(runs["longest run"], runs["pasted"])

# %% [markdown]
"""
In our sample, the other lists share at most three words in a row with the notes ("black beans and"); the pasted ones share
eight to twelve. The course draws the line at five. It depends on the texts, so look at such a table first. What this cannot
see: a page that you do not have, and a paraphrase.
"""

# %% [markdown]
"""
### 2.5 What tells who somebody is · 15 min · 3 points

Writers add things that nobody asked for: "call Ana on …". A model that has learnt it may tell it to anyone. Some of it
has a form that a pattern can find.
"""

# %% [markdown]
"""
**Predict first.** Read the rule in the next function. Which of these will it take for a phone number: `1000-piece puzzle`,
`555-0143 22`, `24/7`, `2019-2024`?
"""


# %%
import re


# %% solution="redact"
def redact(text):
    """The text with "[e-mail]" for every address, "[phone]" for every phone number.

    E-mail address: letters (A to Z will do), digits and . _ + - before an @; after it
    letters, digits and _ - with at least one dot between them, none at the end.
    Phone number: seven or more digits, at most one blank, dot or hyphen between two
    of them, and the + right before them if there is one. All else stays as it is.
    """
    ### BEGIN SOLUTION 2.5: two substitutions; mind their order
    text = re.sub(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+", "[e-mail]", text)
    return re.sub(r"\+?\d(?:[ .-]?\d){6,}", "[phone]", text)
    ### END SOLUTION


# %%
with once_written():
    print(redact("a 1000-piece puzzle. Or write to ana.b+lists@example.org."))
    print(redact("Or call +44 20 7946 0018!"))

# %%
check("2.5", redact)

# %% test="redact-test" points=3
# 2.5 is graded on other texts.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.5", lambda: redact, seeds=(251, 252, 253))
### END HIDDEN TESTS

# %% [markdown]
"""
And its limits, which belong in every report about such a finder. **Predict first:** which of these does it get right?
"""

# %%
redact_fn = use("2.5", redact)
for text in (
    "recipe by jo_lee@mail.example.com",
    "Rosa Lindqvist's apple cake from number nine",
    "ana (at) example (dot) org",
    "songs of 2019-2024",
    "the boy next door who won the spelling bee",
):
    print(f"{text:48} → {redact_fn(text)}")

# %% [markdown]
"""
It misses what has no form: names, an address in words, a story that only one person fits. And it takes two years for a
phone number. In the pile:
"""

# %%
for kind in ("personal data", "a person by name"):
    have = [written[place] for place, names in enumerate(flaws) if kind in names]
    found = [items for items in have if list(map(redact_fn, items)) != items]
    print(f"{kind}: {len(found)} of {len(have)} found")

# %% [markdown]
"""
So a program is the first look, and never the last. **Leave such a list out** rather than mend it, and ask people to look
for the rest.
"""

# %% [markdown]
"""
**Licence and consent.** Writers should know, before they write, what their lists are for, who will see them, whether
their name is kept, and that they can withdraw. They agree to a licence by name. You were told so in the guideline's last
paragraph; does it answer all of that? What writers were told goes into the card below. (Gebru et al. 2021 has the questions to answer.)
"""

# %% [markdown]
"""
## 6 · Peers look

Whether a list answers its prompt is for people to say. They need the same **rubric**, or each judges something else.
"""

# %%
pd.DataFrame(review.RUBRIC, index=[1, 2, 3]).T

# %% [markdown]
"""
Two peers score your lists. They are **simulated**, unless a file of a real peer is there, and they go by the course's
**judge**: a program that scores a list in parts, and has to guess about items that it does not know. Do you agree with them? In a class, give
`work/for-review.jsonl` to your neighbour, and put what comes back beside it as `work/reviews.jsonl`.
"""

# %%
review.hand_over(mine, sft_set.work() / "for-review.jsonl")
scored = review.reviews(mine, sft_set.work() / "reviews.jsonl", seed=1)
table = pd.DataFrame(scored)
table["prompt"] = [mine[place]["prompt"] for place in table["list"]]
table.sort_values("list")[["prompt", "reviewer", "source", *review.RUBRIC]]

# %% [markdown]
r"""
### 2.6 Do two reviewers agree? · 15 min · 3 points

They may agree because both nearly always give a 3. So agreement is laid beside **chance**: any score of the one with any
score of the other. And since 1 against 3 is worse than 2 against 3, differences are squared:

$$\kappa_w = 1 - \frac{\text{mean of } (x_i - y_i)^2 \text{ over lists } i}{\text{mean of } (x_i - y_j)^2 \text{ over all } i, j}$$

(Cohen 1968.) A 0 is no score: the criterion does not apply, or somebody left it out. Such a list does not count.
"""

# %% [markdown]
"""
**Predict first.** 3, 1, 2, 3, 3 and 3, 2, 2, 1, 3. Three of five are equal. Nearer to 1, to ½, or to 0?
"""


# %% solution="weighted-kappa"
def weighted_kappa(one, other):
    """Agreement of two reviewers beyond chance, with squared weights.

    one, other: their scores of the same lists, in order; 0 is no score, and a list
    counts only if both scored it. Returns a float; nan if no list is left, or if both
    give one and the same score throughout (if only one of them does, κ is 0).
    """
    ### BEGIN SOLUTION 2.6: throw out the 0s; then two means of squared differences
    both = [(a, b) for a, b in zip(one, other, strict=True) if a and b]
    if not both:
        return float("nan")
    mine, theirs = np.array(both, dtype=float).T
    by_chance = ((mine[:, None] - theirs[None, :]) ** 2).mean()
    if by_chance == 0:
        return float("nan")
    return 1 - ((mine - theirs) ** 2).mean() / by_chance
    ### END SOLUTION


# %%
with once_written():
    print(weighted_kappa([3, 1, 2, 3, 3], [3, 2, 2, 1, 3]))

# %% [markdown]
"""
The squares are 0, 1, 0, 4, 0: their mean is 1.0. Any score against any other would give 1.24. 1 − 1.0/1.24 = 0.19, not much
better than chance.
"""

# %%
check("2.6", weighted_kappa)

# %% test="weighted-kappa-test" points=3
# 2.6 is graded on other scores.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.6", lambda: weighted_kappa, seeds=(261, 262, 263))
### END HIDDEN TESTS

# %% [markdown]
"""
The whole pile, scored by two simulated peers, the second one stricter. Beside yours stands scikit-learn's κ. **About 5
seconds.**
"""

# %%
from sklearn.metrics import cohen_kappa_score

kappa_fn = use("2.6", weighted_kappa)
scores = review.simulated_peers(lists)
for criterion in review.RUBRIC:
    one, other = review.by_reviewer(scores, criterion, len(lists)).values()
    told = [pair for pair in zip(one, other, strict=True) if all(pair)]
    a, b = zip(*told, strict=True)
    theirs = cohen_kappa_score(a, b, weights="quadratic")
    print(f"{criterion:11} equal {np.mean(np.equal(a, b)):.2f}", end=" · ")
    print(f"κ {kappa_fn(one, other):.2f} · scikit-learn {theirs:.2f}")

# %% [markdown]
"""
0.8 is a common rule of thumb. *Constraint* has the fewest equal scores and the highest κ: its scores differ most from list to
list, so chance would do worst there. When real reviewers differ, talk about the lists, and mend the rubric first.
"""

# %% [markdown]
"""
A list passes if both give a 3 by every criterion that applies (mean above 2½, 0s left out). What do peers see that the
program did not?
"""

# %%
fine = review.passed(scores, len(lists))
by_program = [not sft_set.faults(row) for row in lists]
review.stopped(flaws, by_program, fine)

# %% [markdown]
"""
The two complement each other. Drift and carelessness alone are for readers; where the program stopped such a list, it had
another fault as well. Near copies are for neither: one list at a time looks fine. And readers are strict or slip: 59 of 343 good
lists are lost, one in six.
"""

# %% [markdown]
"""
**Careful:** these peers are simulated. They stop every pasted text and every person by name since their judge does not know
such items. Real readers may well like a pasted list.
"""

# %% [markdown]
"""
## 7 · What it costs

### 2.7 A price that is fair to slow writers · 12 min · 3 points

Writers are paid by the list, and live by the hour. A price for the list in the *middle* leaves about half below the wage you
promised. (On Mechanical Turk the median wage was about 2 dollars an hour, Hara et al. 2018; Silberman et al. 2018 ask for
the minimum wage at least.) So choose whom it has to be enough for, and pay for every list, used or not.
"""

# %% [markdown]
"""
On a computer 0.28 · 25 is a hair above 7, and `math.ceil` makes 8 of it: take off 1e-9 before you round up.
"""

# %% [markdown]
"""
**Predict first.** Three writers take 120, 187 and 301 seconds a list, on average. At 12 euros an hour: which price is
enough for 60 % of them?
"""


# %%
import math


# %% solution="fair-price"
def fair_price(seconds, wage, share):
    """The lowest price of a list, in whole cents, at which at least `share` of the
    writers earn the wage.

    seconds: for each writer, the seconds of each of their lists. An hour's pay
    counts all their time and all their lists. wage: euros an hour. share: above 0,
    up to 1.
    """
    ### BEGIN SOLUTION 2.7: each writer's mean, sorted; who makes the share full?
    means = sorted(sum(own) / len(own) for own in seconds)
    enough = means[math.ceil(share * len(means) - 1e-9) - 1]
    return math.ceil(100 * wage * enough / 3600 - 1e-9)
    ### END SOLUTION


# %%
with once_written():
    three = [[100.0, 140.0], [320.0, 280.0, 303.0], [187.0]]
    print(fair_price(three, wage=12.0, share=0.6), "cents")

# %% [markdown]
"""
Two of three are at least 60 %, so it has to be enough for 187 seconds: 62.3 cents, rounded up: 63.
"""

# %%
check("2.7", fair_price)

# %% test="fair-price-test" points=3
# 2.7 is graded on other pilots.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.7", lambda: fair_price, seeds=(271, 272, 273))
### END HIDDEN TESTS

# %% [markdown]
"""
A simulated pilot of twenty writers, at 13 euros an hour. **Predict first:** how much dearer is a price that is enough
for nine of ten?
"""

# %%
price_fn = use("2.7", fair_price)
WAGE, seconds = 13.0, pay.pilot()
middle = np.median([one for own_times in seconds for one in own_times])
prices = {
    "middle list": math.ceil(100 * WAGE * middle / 3600),
    "nine of ten": price_fn(seconds, WAGE, 0.9),
}
earned = {f"{name}, {ct} ct": pay.earns(seconds, ct) for name, ct in prices.items()}
print(f"{prices}: {prices['nine of ten'] / prices['middle list']:.2f} times as much")
picture = plots.writing_demonstrations.earnings(earned, WAGE)
plots.show(picture, alt=f"Earnings of twenty writers at two prices: {prices}.")

# %% [markdown]
"""
Now the budget, for 1,000 usable lists. Only some survive the program, the peers, and the search for near duplicates. All are
paid; each is read twice, at a quarter of the price of a list; and the platform adds 20 %.
"""

# %%
good = [place for place in range(len(lists)) if by_program[place] and fine[place]]
group = groups_fn(len(lists), pairs)
kept = len({group[place] for place in good}) / len(lists)  # one of each group
print(f"{kept:.0%} of the lists are kept")
for name, price in prices.items():
    cost = pay.budget(1000, kept, price, review_price=round(price / 4), fee=0.2)
    written_read = f"{cost.written} lists, {cost.reviews} reviews"
    print(f"{name}: {written_read}, {cost.euros:,.0f} euros")

# %% [markdown]
"""
Where could one save? The honest places are a better guideline and interface, so that more lists survive, and not the
writers.
"""

# %% [markdown]
"""
## 8 · Build the set

### 2.8 The set · 20 min · 4 points, 2 of them for the function

Everything together, with these helpers:

| call | gives |
|---|---|
| `sft_set.faults(row)` | what a program finds wrong with a list, `[]` if nothing |
| `alike.near_duplicates(items)` | of the items of many lists: the pairs (i, j) that are near |
| `groups_fn(number, pairs)` | 2.3, yours if it works |
| `sft_set.linked(rows)` | a group for each row: near duplicates, or the same prompt |
| `alike.split(groups)` | "train" or "validation" for each; use it as it is |
| `sft_set.as_set(rows, sides)` | the rows of the finished set |
"""


# %% solution="build-set"
def build_set(lists, passes):
    """The finished set, a list of rows.

    lists: rows as above. passes: for each, whether its readers let it pass.
    Kept are lists that pass and in which no fault is found; of each group of near
    duplicates among these the first, all in their order. Then each gets a side: what
    is linked stays together.
    """
    ### BEGIN SOLUTION 2.8: the good ones, then one of each group, then the split
    fine = [row for row, ok in zip(lists, passes, strict=True) if ok]
    good = [row for row in fine if not sft_set.faults(row)]
    near = alike.near_duplicates([row["items"] for row in good])
    group = groups_fn(len(good), near)
    kept = [row for place, row in enumerate(good) if group[place] == place]
    return sft_set.as_set(kept, alike.split(sft_set.linked(kept)))
    ### END SOLUTION


# %% [markdown]
"""
First a tiny pile: a list, its near copy, one with four items, a good one, and one that did not pass. **Predict first:** which
stay?
"""

# %%
one, two, three = pile.examples()[:3]
copy = {**one, "items": one["items"][::-1]}
short = {**two, "items": two["items"][:4]}
with once_written():
    tiny = build_set([one, copy, short, two, three], [True, True, True, True, False])
    print([row["prompt"] for row in tiny], sorted(row["split"] for row in tiny))

# %% [markdown]
"""
The first and the fourth: Thanksgiving meals and dishes for kids, one on each side.
"""

# %%
check("2.8", build_set)

# %% test="build-set-test" points=2
# 2.8 is graded on other lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade as _grade

_grade("2.8", lambda: build_set, seeds=(281, 282, 283))
### END HIDDEN TESTS

# %% [markdown]
"""
Now all. A list of *yours* passes without the simulated peers: they only guess. Whether you keep it is between you and a real
reader. The set is written to `work/demonstrations.jsonl`. (Not under nbgrader, the program that runs notebooks to grade them:
there, what you handed in counts.)
"""

# %%
everything = [*mine, *lists]
passes = [True] * len(mine) + fine
built = []
with once_written():
    built = build_set(everything, passes)
    print(sft_set.measured(built))
    print("\n".join(sft_set.lacking(built, own=5)) or "it lacks nothing")
    if training_allowed():
        sft_set.save(built)
finished = sft_set.or_stand_in(built, everything, passes)

# %% [markdown]
"""
As a `datasets.Dataset`, with the columns `prompt` and `completion`. The trainer `SFTTrainer` of TRL, Hugging Face's library for
fine-tuning, asks for these:
"""

# %%
dataset = sft_set.as_dataset(finished)
dataset

# %% test="set-test" points=2
# Half a point each: no list with a fault; no near duplicates; no leak, with 5 to 30 %
# held out; five lists of your own in it. The set has to hold 150 lists.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_demonstrations as _grade

_grade(lists=150, own=5, points=2)
### END HIDDEN TESTS

# %% [markdown]
"""
### 2.9 Its card · 10 min · 1 point

A dataset without a **card** is a riddle to whoever finds it, you included, a year from now. Numbers are counted for you. What
a program cannot know, you write: at least 20 words each.
"""


# %% solution="card"
def words_for_the_card():
    """A dictionary with the keys purpose, collection, consent and limits.

    purpose: for what, and for what not. collection: who wrote, to which guideline, who
    reviewed, who is simulated. consent: what the writers were told, and agreed to.
    limits: what is wrong or missing, and what was not looked for.
    """
    ### BEGIN SOLUTION 2.9: four texts of at least 20 words each
    purpose = """To fine-tune a small language model so that it answers a request
for a top-5 list with five items. Not for facts: nobody checked if a dish exists."""
    collection = """The course's authors wrote the examples, to the guideline of the
write panel. All others are by simulated writers, reviewed by two simulated peers."""
    consent = """The authors gave their examples under the licence named on this card.
Nobody else wrote: simulated writers can neither be asked nor harmed, nor withdraw."""
    if own:
        collection = """I wrote some lists in the course's panel, to its guideline.
All others are by simulated writers, reviewed by two simulated peers on a rubric."""
        consent = """The only person who wrote is myself; I agree to the licence named
on this card, for use in this course. No name, key or time of mine is in the file."""
    limits = """English, everyday topics. Names of people are not found by a program.
Copied text was looked for in the course's notes only. Some lists sound alike."""
    words = (purpose, collection, consent, limits)
    return dict(zip(sft_set.SECTIONS, words, strict=True))
    ### END SOLUTION


# %%
with once_written():
    text = sft_set.card(finished, words_for_the_card())
    if training_allowed():
        sft_set.save_card(text)
        problems = sft_set.card_problems(finished, words=20)
        print("\n".join(problems) or "nothing is missing")
    print(text)

# %% test="card-test" points=1
# The card's numbers have to be those of the set, and each section needs 20 words.
### BEGIN HIDDEN TESTS
from topfive.checks.locked import grade_card as _grade

_grade(words=20)
### END HIDDEN TESTS

# %% [markdown]
"""
## 9 · Was it worth it?

The **base model** has read much plain text, flawed lists among it (notebook 03 trains it). We fine-tune it twice, for the same
60 steps on the same number of lists: from the pile **as it came in**, and from **your set**. The judge
scores what they write in the five parts that the picture names. **About 30 seconds.** **Predict first:** in which part
will the two differ most? In which least?
"""

# %%
from topfive.demonstrations import effect
from topfive.evaluate import heldout_prompts, win_rate
from topfive.lm.model import load

base, tokenizer = load(data.checkpoint("base"))
clean = [row for row in finished if row["split"] == "train"]
raw = random.Random(4).sample(sft_set.as_set(lists, ["train"] * len(lists)), len(clean))
number = 128 if training_allowed() else 8
prompts = heldout_prompts(data.prompts("validation"), number, seed=9)
len(clean)

# %%
steps = 60 if training_allowed() else 1
opinions = {"base model": effect.judged(base, tokenizer, prompts, seed=1)}
for name, rows in (("as it came in", raw), ("your set", clean)):
    model = effect.tuned(base, tokenizer, rows, steps=steps, seed=2)
    opinions[name] = effect.judged(model, tokenizer, prompts, seed=1)

# %%
picture = plots.writing_demonstrations.two_sets(opinions)
plots.show(
    picture,
    alt="Bars: five parts of quality for the base model and two models tuned on it.",
)
won = win_rate(prompts, opinions["as it came in"], opinions["your set"])
print(f"your set wins against the pile in {won} of pairs of lists, by the judge")
print("(a win: on the same prompt its list is scored higher; a tie counts one half)")

# %% [markdown]
"""
With the course's lists the set won 63 % of pairs, interval 55 to 71 %. *Specific* differed most, 0.78 against 0.87, and *five
items* least. Yours may differ. What is learnt quickly is *habit*, such as "something nice"; keeping a condition takes knowledge,
and 60 steps bring little of it. The intervals cover the prompts, not the luck of training: it is one run each.
"""

# %% [markdown]
"""
**Careful:** the judge that scores here also stood behind the simulated peers who chose the lists. So part of this win is the
judge agreeing with itself; a person's blind reading would be the real test.
"""

# %% [markdown]
"""
## 10 · In your own words · 4 points

A company writes: *"We bought 20,000 demonstrations from a platform at 15 cents each. Two reviewers agreed on 93 % of them,
duplicates were removed with `drop_duplicates()`, and the model answers 96 % of our held-out prompts as well as the writers
did. E-mail addresses were filtered, so there is no personal data in the set."*
"""

# %% [markdown]
"""
In about 150 words: what do these numbers not say, and which questions would you ask before you train on it?

| points | for |
|---|---|
| 1 | the 93 %, and a better question |
| 1 | the duplicates, and the 96 % |
| 1 | the last sentence, and a question about the writers |
| 1 | the pay, in a unit that you can judge, with a time of your own |
"""

# %% [markdown] answer="platform" points=4
"""
If nearly every list gets the best score, two reviewers agree on 93 % without reading. I would ask for κ by each
criterion.

`drop_duplicates()` finds equal texts only. A list in another order, with one item changed, or the same answer to the same
prompt stays, and may stand on both sides of the split; then 96 % measures what was learnt by heart. I would ask for a
split by groups of near duplicates and prompts, and for the number again.

The filter sees what has a form. Names and stories remain. And were the writers told what their lists are for, who sees
them, and under which licence?

I took about two and a half minutes a list. At 15 cents that is 3.60 euros an hour, and half of the writers are slower than
me. So many must have hurried or pasted: I would look for that first.
"""

# %% [markdown]
"""
## Going further

- Move `alike.NEAR` to 0.4 and 0.7. What is lost, what stays?
- Put ten copies of one of your lists into `clean` and tune again. How often does the model write it?
- Tune on the pile with one kind of flaw left in. Which flaw does the model copy best?
- Let a neighbour review your lists, and compute κ between the two of you.
"""

# %% [markdown]
"""
**Papers.** Broder 1997, *On the resemblance and containment of documents* · Cohen 1968, *Weighted kappa* · Hara et al. 2018,
*A data-driven analysis of workers' earnings on Amazon Mechanical Turk*, [1712.05796](https://arxiv.org/abs/1712.05796) ·
Silberman et al. 2018, *Responsible research with crowds: pay crowdworkers at least minimum wage* · Gebru et al. 2021,
*Datasheets for datasets*, [1803.09010](https://arxiv.org/abs/1803.09010) · Carlini et al. 2021, *Extracting training data from
large language models*, [2012.07805](https://arxiv.org/abs/2012.07805) · Ouyang et al. 2022 (InstructGPT),
[2203.02155](https://arxiv.org/abs/2203.02155) · Lee et al. 2022, *Deduplicating training data makes language models better*,
[2107.06499](https://arxiv.org/abs/2107.06499) · Zhou et al. 2023, *LIMA: less is more for alignment*,
[2305.11206](https://arxiv.org/abs/2305.11206)

Next: **03 language modeling** builds the model that learns from such a set.
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
