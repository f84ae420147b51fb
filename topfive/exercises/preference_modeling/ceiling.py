"""Exercise 5.7: the ceiling."""

import torch

from topfive.exercises.drawing import seeded
from topfive.exercises.exercise import Case, Exercise, Mistake
from topfive.reward import measure


def _ceiling_cases(seed: int) -> list[Case]:
    generator = seeded(seed)
    drawn = 0.5 + torch.rand(16, generator=generator) / 2
    below = torch.rand(4, generator=generator) / 2
    return [
        Case("four of five pairs alike", (torch.tensor([0.82]),), look_at="m² + (1 − m)² for your answer."),
        Case("always alike, and like two coins", (torch.tensor([1.0, 0.5]),), look_at="both ends."),
        Case("anything in between", (drawn,), look_at="m² + (1 − m)² for your answer, against what was given."),
        Case("less alike than two coins", (below,), look_at="the square root of a negative number."),
        Case("less alike than two coins", (torch.cat([drawn[:3], below[:1]]),), look_at="each agreement for itself."),
    ]


EXERCISE = Exercise(
    number="5.7",
    title="The ceiling",
    points=2,
    minutes=10,
    solution=measure.accuracy_ceiling,
    cases=_ceiling_cases,
    axes=("agreement",),
    atol=5e-4,  # near one half the agreement is flat: whoever searches for a in single precision finds it to √ε
    mistakes=(
        Mistake(
            "agreement itself",
            lambda agreement: agreement.clone(),
            "That is what comes out when the agreement of two people is taken for the ceiling. Against one noisy "
            "labeller, a model without noise can do better than a second noisy labeller. Look at: the curve above.",
            "observed in papers that compare a reward model with human agreement",
        ),
        Mistake(
            "square root of the agreement",
            lambda agreement: agreement.clamp(min=0.25).sqrt(),
            "That is what comes out when two labellers agree only by both giving the likelier answer. They can also "
            "both give the other. Look at: the two terms of m² + (1 − m)².",
            also=(torch.sqrt, lambda agreement: agreement.clamp(min=0.5).sqrt()),
        ),
        Mistake(
            "the square of the agreement",
            lambda agreement: agreement**2,
            "That is what comes out when the agreement is squared: more agreement than two noisy people have is needed "
            "to be right. Look at: whether the ceiling lies above or below the agreement.",
        ),
        Mistake(
            "a 2 or ½ in the wrong place",
            lambda agreement: (1 + ((2 * agreement - 1).clamp(min=0) / 2).sqrt()) / 2,
            "That is what comes out when a factor 2 or ½ stands in the wrong place: under the root or outside, once "
            "too often or not at all. Look at: two coins, which agree half of the time, and people who always agree; "
            "put both into your formula.",
            also=(
                lambda agreement: (1 + (agreement - 0.5).clamp(min=0).sqrt()) / 2,
                lambda agreement: (1 + (2 * (2 * agreement - 1).clamp(min=0)).sqrt()) / 2,
                lambda agreement: (1 + (4 * agreement - 1).clamp(min=0).sqrt()) / 2,
                lambda agreement: (1 + (4 * agreement - 2).clamp(min=0).sqrt()) / 2,
                lambda agreement: 0.5 + (2 * agreement - 1).clamp(min=0).sqrt(),
                lambda agreement: 0.5 + (2 * agreement - 1).clamp(min=0).sqrt() / 4,
                lambda agreement: 0.5 + (agreement - 0.5).clamp(min=0).sqrt(),
                lambda agreement: 1 + (2 * agreement - 1).clamp(min=0).sqrt(),
                lambda agreement: 1 + (2 * agreement - 1).clamp(min=0).sqrt() / 2,
                lambda agreement: (2 + (4 * agreement).sqrt()) / 4,
                lambda agreement: (1 + (1 - 2 * agreement).clamp(min=0).sqrt()) / 2,
            ),
        ),
        Mistake(
            "no root",
            lambda agreement: (1 + (2 * agreement - 1).clamp(min=0)) / 2,
            "That is what comes out without the square root: for agreement above a half, the agreement itself. Look "
            "at: d², and what d is.",
        ),
        Mistake(
            "the lower solution",
            lambda agreement: (1 - (2 * agreement - 1).clamp(min=0).sqrt()) / 2,
            "That is what comes out of the other solution of the quadratic equation, 1 − m. Look at: which of the two "
            "is the likelier answer.",
        ),
        Mistake(
            "no floor",
            lambda agreement: (1 + (2 * agreement - 1).sqrt()) / 2,
            "That is what comes out when two people agree less than two coins, by chance, and a root of a negative "
            "number is taken. Look at: `clamp(min=0)`.",
            also=(
                lambda agreement: (1 + (2 * agreement - 1).abs().sqrt()) / 2,
                lambda agreement: (1 + (2 * agreement - 1).sqrt()).nan_to_num(0.0) / 2,
                lambda agreement: ((1 + (2 * agreement - 1).sqrt()) / 2).nan_to_num(1.0),
            ),
        ),
        Mistake(
            "a floor above 0",
            lambda agreement: (1 + (2 * agreement - 1).clamp(min=1e-3).sqrt()) / 2,
            "That is what comes out when 2·agreement − 1 is kept above something larger than 0, to save the root. It "
            "is 0 for two coins, and so is its root. Look at: the least that `clamp` lets through.",
            also=(lambda agreement: (1 + (2 * agreement - 1).clamp(min=0.5).sqrt()) / 2,),
        ),
        Mistake(
            "the agreement itself below a half",
            lambda agreement: torch.where(
                agreement < 0.5, agreement, (1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2
            ),
            "That is what comes out when an agreement below a half is handed back as it is. Then nothing but a coin is "
            "left, and a coin is right half of the time. Look at: the docstring, on less than a half.",
        ),
        Mistake(
            "one for all below a half",
            lambda agreement: (
                ((1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2)
                if bool((agreement >= 0.5).all())
                else torch.full_like(agreement, 0.5)
            ),
            "That is what comes out when one agreement below a half makes all of them coins. Each has a ceiling of its "
            "own. Look at: `if` and `torch.where`.",
        ),
        Mistake(
            "rounded",
            lambda agreement: ((1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2).round(decimals=2),
            "That is what comes out when the ceiling is rounded, or looked up on a grid. Look at: your last line.",
            also=(lambda agreement: (10 * (1 + (2 * agreement - 1).clamp(min=0).sqrt())).round() / 20,),
        ),
        Mistake(
            "from the ceiling to the agreement",
            lambda agreement: agreement**2 + (1 - agreement) ** 2,
            "That is what comes out when the formula is used forwards: from m to the agreement. We measure the "
            "agreement and ask for m. Look at: which of the two is given.",
        ),
        Mistake(
            "halfway to 1",
            lambda agreement: (1 + agreement) / 2,
            "That is what comes out when the ceiling is put halfway between agreement and 1. Look at: what two coins, "
            "which agree half of the time, would get.",
        ),
        Mistake(
            "no half",
            lambda agreement: (2 * agreement - 1).clamp(min=0).sqrt(),
            "That is what comes out when 2m − 1 is returned instead of m. Look at: your last step, for labellers who "
            "always agree and for two coins.",
            also=(lambda agreement: (2 * agreement - 1).clamp(min=0).sqrt() / 2,),
        ),
        Mistake(
            "one number for all",
            lambda agreement: (1 + (2 * agreement.mean() - 1).clamp(min=0).sqrt()) / 2,
            "That is what comes out when the agreements are averaged first. Each has a ceiling of its own. Look at: "
            "the shape of what you return.",
            also=(lambda agreement: ((1 + (2 * agreement - 1).clamp(min=0).sqrt()) / 2).mean(),),
        ),
    ),
    hints=(
        "m² + (1 − m)² = 2m² − 2m + 1. It is easier with d = 2m − 1, the distance from a coin: m = (1 + d)/2.",
        "Put m = (1 + d)/2 into both terms and expand: what is linear in d drops out.",
        "With m = (1 + d)/2 the formula becomes agreement = (1 + d²)/2. Solve for d, then for m. If the agreement is "
        "below a half, nothing but a coin is left.",
    ),
)
