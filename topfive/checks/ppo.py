"""The exercises of assignment 06, PPO.

All tensors are (batch, time) over response tokens, mask 1 up to and including the end token. What stands on pads is
never zero here: a critic says something about pads as well, and only the mask knows that it does not count.
"""

from functools import partial

import torch
from torch import Tensor

from topfive.checks.exercise import Case, Exercise, Mistake
from topfive.ppo import advantages as adv
from topfive.ppo.losses import policy_loss, value_loss
from topfive.ppo.rollout import token_logprobs
from topfive.ppo.toy import first_step


def lengths_mask(lengths: list[int], time: int) -> Tensor:
    """1 on the first `lengths[i]` tokens of response i. (batch, time), int64."""
    return (torch.arange(time) < torch.tensor(lengths)[:, None]).long()


# --- 6.1 Log-probabilities of sampled tokens -----------------------------------------------------------------------


def _logprobs_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(
        lengths: list[int], time: int, vocabulary: int, scale: float = 1.0, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor]:
        logits = scale * torch.randn(len(lengths), time, vocabulary, generator=generator, dtype=dtype)
        tokens = torch.randint(vocabulary, (len(lengths), time), generator=generator)
        return logits.requires_grad_(), tokens, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    return [
        Case("two tokens out of three, one response", drawn([2], 2, 3), look_at="the sum of exp over the vocabulary."),
        Case("two responses of different length", drawn([5, 3], 5, 7), look_at="what stands on pads."),
        Case(
            "logits that are far apart",
            drawn([4, 4], 4, 6, scale=150.0),
            look_at="whether a probability becomes 0 before its logarithm is taken.",
        ),
        Case("many responses in float64", drawn(many, 9, 12, 2.0, torch.float64), look_at="the largest deviation."),
    ]


def _logprobs(logits: Tensor, tokens: Tensor, mask: Tensor, *, wrong: str = "") -> Tensor:
    logprobs = logits.log_softmax(dim=1 if wrong == "time" else -1)
    if wrong == "underflow":
        logprobs = logits.softmax(dim=-1).log()
    if wrong == "probabilities":
        logprobs = logits.softmax(dim=-1)
    if wrong == "raw":
        logprobs = logits
    if wrong == "shift":
        logprobs = logprobs.roll(1, dims=1)
    if wrong == "greedy":
        return logprobs.max(dim=-1).values * mask
    taken = logprobs.gather(-1, tokens[..., None]).squeeze(-1)
    if wrong == "loss":
        taken = -taken
    if wrong == "answer":
        return (taken * mask).sum(dim=1)
    return taken if wrong == "pads" else taken * mask


LOGPROBS = Exercise(
    number="6.1",
    title="Log-probabilities of the sampled tokens",
    points=2,
    minutes=8,
    solution=token_logprobs,
    cases=_logprobs_cases,
    axes=("response", "token"),
    differentiable=True,
    mistakes=(
        Mistake(
            "raw logits",
            partial(_logprobs, wrong="raw"),
            "That is what comes out when the token's logit is taken as it is. Logits are not normalised: one may be 7. "
            "Look at: what has to be subtracted so that all probabilities of a position sum to 1.",
        ),
        Mistake(
            "probabilities, not their logarithms",
            partial(_logprobs, wrong="probabilities"),
            "That is what comes out without the logarithm: these are probabilities. Look at: softmax and log_softmax.",
        ),
        Mistake(
            "softmax over time",
            partial(_logprobs, wrong="time"),
            "That is what comes out when the softmax runs over positions: the tokens of an answer then compete with "
            "each other instead of with the vocabulary. Look at: the `dim` of your softmax.",
        ),
        Mistake(
            "shifted by one",
            partial(_logprobs, wrong="shift"),
            "That is what comes out when the logits are shifted once more. Row t already is what predicted token t "
            "here; whoever calls you has done the shift. Look at: which row each token is looked up in.",
            "the shift of the usual language-model loss, applied twice",
        ),
        Mistake(
            "the likeliest token",
            partial(_logprobs, wrong="greedy"),
            "That is what comes out for the likeliest token of each position. But the policy is judged for what it "
            "said, not for what it might have said. Look at: where `tokens` enters.",
        ),
        Mistake(
            "the sign of a loss",
            partial(_logprobs, wrong="loss"),
            "That is what comes out of cross_entropy as it is: a loss, the log-probability with a minus. "
            "Look at: the sign. A log-probability is never above 0.",
        ),
        Mistake(
            "logarithm of a softmax",
            partial(_logprobs, wrong="underflow"),
            "That is what comes out of log(softmax(…)): a small probability is rounded to 0, and its logarithm is −∞. "
            "Look at: log_softmax, or subtracting logsumexp, which do both at once.",
        ),
        Mistake(
            "pads are not 0",
            partial(_logprobs, wrong="pads"),
            "That is what comes out when pads keep a log-probability, which later sums would count. "
            "Look at: where `mask` enters.",
        ),
        Mistake(
            "one number an answer",
            partial(_logprobs, wrong="answer"),
            "That is what comes out when the tokens are added up to the log-probability of the whole answer. PPO needs "
            "one number a token. Look at: the sum over time.",
        ),
    ),
    hints=(
        "Turn the logits of a position into log-probabilities of all tokens first, then pick the one that was sampled, "
        "then take care of pads. Three steps, and each can be one line.",
        "`logits.log_softmax(dim=-1)` is (batch, time, vocabulary). `gather` picks along a dimension by an index that "
        "has the same number of dimensions, so the tokens need one more: `tokens[..., None]`.",
        "After `gather` there is a last dimension of size 1 left; `squeeze(-1)` takes it away. Then multiply by mask.",
    ),
)

# --- 6.2 Per-token reward ------------------------------------------------------------------------------------------


def _rewards_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        scores = 2 * torch.randn(len(lengths), generator=generator, dtype=dtype) + 1
        logprobs, ref_logprobs = -torch.rand(2, len(lengths), time, generator=generator, dtype=dtype) * 4
        return scores, logprobs, ref_logprobs, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    fills = "a response that fills the width, and one of a single token"
    return [
        Case("three tokens, one response", (*drawn([3], 3), 0.5), look_at="the last token: two things meet there."),
        Case("β = 0 leaves nothing but the score", (*drawn([4, 4], 4), 0.0), look_at="where the score goes."),
        Case("two responses of different length", (*drawn([6, 4], 6), 0.1), look_at="where a short response ends."),
        Case(fills, (*drawn([5, 1, 3], 5), 0.3), look_at="the first and the last column."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the largest deviation."),
    ]


def _rewards(
    scores: Tensor, logprobs: Tensor, ref_logprobs: Tensor, mask: Tensor, kl_coef: float, *, wrong: str = ""
) -> Tensor:
    kl = logprobs - ref_logprobs
    if wrong == "ratio":
        kl = kl.exp()
    if wrong == "absolute":
        kl = kl.abs()
    rewards = -kl_coef * (kl if wrong == "pads" else kl * mask)
    if wrong == "sign":
        rewards = -rewards
    lengths = mask.sum(dim=1)
    last = {
        "last column": torch.full_like(lengths, mask.shape[1] - 1),
        "late": lengths.clamp(max=mask.shape[1] - 1),
        "early": (lengths - 2) % mask.shape[1],
    }
    end = torch.nn.functional.one_hot(last.get(wrong, lengths - 1), mask.shape[1]).to(rewards)
    if wrong == "everywhere":
        end = mask.to(rewards)
    if wrong == "spread":
        end = mask / lengths[:, None]
    if wrong == "kl at the end":
        rewards = rewards.sum(dim=1, keepdim=True) * end
    if wrong == "overwrites":
        rewards = rewards * (1 - end)
    return rewards + scores[:, None].to(rewards) * end * (kl_coef if wrong == "beta" else 1.0)


REWARDS = Exercise(
    number="6.2",
    title="A reward for every token",
    points=2,
    minutes=10,
    solution=adv.token_rewards,
    cases=_rewards_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "KL with the wrong sign",
            partial(_rewards, wrong="sign"),
            "That is what comes out when distance is rewarded instead of punished: plus where minus belongs, or π and "
            "π_ref the wrong way round. Look at: what a token gets that the policy likes more than the reference does.",
        ),
        Mistake(
            "score on the last column",
            partial(_rewards, wrong="last column"),
            "That is what comes out when the score lands in the last column. For a short response that is a pad, and "
            "nobody ever hears of it. Look at: how `mask` tells where a response ends.",
        ),
        Mistake(
            "score one slot late",
            partial(_rewards, wrong="late"),
            "That is what comes out when the score lands one place after the end token. Look at: the index of the last "
            "of n tokens, when counting begins with 0.",
            "Huang et al. 2024, on where the score goes in padded answers",
        ),
        Mistake(
            "score one token early",
            partial(_rewards, wrong="early"),
            "That is what comes out when the score lands on the token before the end token. And where a response has "
            "a single token, index −1 counts from the back, and the score lands in the last column. Look at: the "
            "index of the last of n tokens, when counting begins with 0.",
        ),
        Mistake(
            "score on every token",
            partial(_rewards, wrong="everywhere"),
            "That is what comes out when every token gets the whole score: long lists would be worth more than short "
            "ones for their length alone. Look at: which token hears the score.",
        ),
        Mistake(
            "score spread over the tokens",
            partial(_rewards, wrong="spread"),
            "That is what comes out when the score is shared out evenly. It is one sentence about the whole list, said "
            "at its end; sharing it out is what the advantages do, in 6.3. Look at: which token hears the score.",
        ),
        Mistake(
            "all of the KL at the end",
            partial(_rewards, wrong="kl at the end"),
            "That is what comes out when the whole KL is charged to the end token. The sum is right, but no token "
            "learns what it cost. Look at: the sum over time.",
            "REINFORCE-style trainers do this on purpose, for instance RLOO (Ahmadian et al. 2024)",
        ),
        Mistake(
            "the score overwrites the KL",
            partial(_rewards, wrong="overwrites"),
            "That is what comes out when the score replaces what stood on the end token: its own KL is forgotten. "
            "Look at: = where += belongs.",
        ),
        Mistake(
            "β on the score as well",
            partial(_rewards, wrong="beta"),
            "That is what comes out when β multiplies the score too. Look at: which of the two parts β belongs to, "
            "and what β = 0 should leave.",
        ),
        Mistake(
            "a ratio where its logarithm belongs",
            partial(_rewards, wrong="ratio"),
            "That is what comes out of −β · π/π_ref: a token on which both agree would still cost β. "
            "Look at: what the penalty is where π = π_ref.",
        ),
        Mistake(
            "absolute KL",
            partial(_rewards, wrong="absolute"),
            "That is what comes out when each token's log-ratio is made positive. Then its mean is no KL any more: the "
            "negative ones belong to it. Look at: abs.",
        ),
        Mistake(
            "KL on pads",
            partial(_rewards, wrong="pads"),
            "That is what comes out when pads are charged too. Look at: where `mask` enters.",
        ),
    ),
    hints=(
        "Two parts. The penalty is there on every real token; the score is added on one token of each response only.",
        "`mask.sum(dim=1) - 1` is the column of each response's end token. With `torch.arange(len(scores))` as rows, "
        "you can index all these places at once.",
        "Begin with rewards = −β · (log π − log π_ref) · mask. Then add the scores at (rows, end columns), with +=.",
    ),
)

# --- 6.3 Generalised advantage estimation -------------------------------------------------------------------------


def _gae_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(lengths: list[int], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor, Tensor]:
        rewards, values = torch.randn(2, len(lengths), time, generator=generator, dtype=dtype)
        return rewards, values, lengths_mask(lengths, time)

    _, values, mask = drawn([4], 4)
    score_at_the_end = torch.tensor([[0.0, 0.0, 0.0, 1.0]])
    one, two, short = drawn([5], 5), drawn([6, 4], 6), drawn([5, 1, 3], 5)
    many = drawn(torch.randint(1, 13, (64,), generator=generator).tolist(), 12, torch.float64)
    ends = "λ = 0 is the one-step surprise, λ = 1 is return minus value"
    with_graph = (two[0], two[1].clone().requires_grad_(), two[2])
    return [
        Case("four tokens, one response", (score_at_the_end, values, mask, 1.0, 0.5), look_at="the loop for t = 3."),
        Case(ends, one, {"gamma": 1.0, "lam": 0.0}, look_at="what is left of the formula when λ = 0."),
        Case(ends, one, {"gamma": 1.0, "lam": 1.0}, look_at="whether every later surprise arrives at the first token."),
        Case("two responses of different length", two, look_at="what Âₜ₊₁ and Vₜ₊₁ are when t + 1 is a pad."),
        Case(
            "γ below 1", many, {"gamma": 0.9, "lam": 0.8}, look_at="where γ stands alone, and where it stands with λ."
        ),
        Case("a response that fills the width, and one of a single token", short, look_at="the first and last column."),
        Case("values that carry a gradient", with_graph, probe=True),
    ]


def _gae(
    rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95, *, wrong: str = ""
) -> Tensor:
    """The loop, which keeps the graph, with one line wrong if asked for."""
    advantages = torch.zeros_like(rewards)
    following = torch.zeros_like(rewards[:, 0])
    next_value = values[:, -1] if wrong == "last column" else torch.zeros_like(following)
    last = mask.sum(dim=1) - 1
    for step in reversed(range(rewards.shape[1])):
        reward, value, real = rewards[:, step], values[:, step], mask[:, step]
        if wrong == "last value":
            next_value = torch.where(last == step, value, next_value)
        if wrong == "score late":
            following = (gamma * next_value - value + gamma * lam * (reward + following)) * real
        elif wrong == "no baseline":
            following = (reward + gamma * next_value + gamma * lam * following) * real
        else:
            decay = {"gamma": gamma, "lambda": lam}.get(wrong, gamma * lam)
            following = reward + gamma * next_value - value + decay * following
            following = following if wrong in ("no mask", "through pads") else following * real
        next_value = value if wrong in ("no mask", "through pads", "pad value") else value * real
        advantages[:, step] = following
    return advantages * mask if wrong == "through pads" else advantages


def _forwards(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    advantages = torch.zeros_like(rewards)
    before = torch.zeros_like(rewards[:, 0])
    kept = values * mask
    for step in range(rewards.shape[1]):
        next_value = kept[:, step + 1] if step + 1 < rewards.shape[1] else torch.zeros_like(before)
        before = (rewards[:, step] + gamma * next_value - values[:, step] + gamma * lam * before) * mask[:, step]
        advantages[:, step] = before
    return advantages


def _returns(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    return (adv.gae(rewards, values, mask, gamma, lam) + values) * mask


def _whitened(rewards: Tensor, values: Tensor, mask: Tensor, gamma: float = 1.0, lam: float = 0.95) -> Tensor:
    return adv.whiten(adv.gae(rewards, values, mask, gamma, lam), mask)


GAE = Exercise(
    number="6.3",
    title="Generalised advantage estimation",
    points=3,
    minutes=10,
    solution=adv.gae,
    cases=_gae_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "ignores the mask",
            partial(_gae, wrong="no mask"),
            "That is what comes out when the mask is never used: pads get advantages of their own, and pass them on to "
            "the end token. Look at: what the mask does to Âₜ and to Vₜ₊₁.",
        ),
        Mistake(
            "recursion through pads",
            partial(_gae, wrong="through pads"),
            "That is what comes out when the recursion runs through the pads and they are set to 0 only afterwards: "
            "the end token has already heard from them. Look at: what Âₜ₊₁ is when t + 1 is a pad.",
        ),
        Mistake(
            "value of a pad",
            partial(_gae, wrong="pad value"),
            "That is what comes out when Vₜ₊₁ of the end token is read from a pad. After the end there is no value. "
            "Look at: which Vₜ₊₁ the end token of a short response gets.",
        ),
        Mistake(
            "bootstraps the value at the last token",
            partial(_gae, wrong="last value"),
            "That is what comes out when the last token's own value stands in for the value after it. The list is over "
            "there, so nothing more is to be expected. Look at: what Vₜ₊₁ is at the end token.",
            "Pardo et al. 2018, on ends that are ends and ends that are time limits",
        ),
        Mistake(
            "bootstraps in the last column",
            partial(_gae, wrong="last column"),
            "That is what comes out when the walk begins with the last column's value as Vₜ₊₁. A response that fills "
            "the width is over there as well, and nothing more is to be expected. Look at: what Vₜ₊₁ is before the "
            "first step of the loop.",
        ),
        Mistake(
            "γ where γλ belongs",
            partial(_gae, wrong="gamma"),
            "That is what comes out when Âₜ₊₁ fades by γ alone, without λ. Look at: the factor in front of Âₜ₊₁.",
        ),
        Mistake(
            "λ where γλ belongs",
            partial(_gae, wrong="lambda"),
            "That is what comes out when Âₜ₊₁ fades by λ alone. With γ = 1 nobody notices. Look at: the factor in "
            "front of Âₜ₊₁.",
        ),
        Mistake(
            "walks forwards",
            _forwards,
            "That is what comes out when the loop walks from the first token to the last: each token then gets the "
            "surprises before it. But credit flows back from what came later. Look at: the order of the loop.",
        ),
        Mistake(
            "score one slot late",
            partial(_gae, wrong="score late"),
            "That is what comes out when a reward arrives one step after its token, so that all of it is multiplied by "
            "γλ once too often. Look at: whether rₜ is inside δₜ.",
        ),
        Mistake(
            "no baseline",
            partial(_gae, wrong="no baseline"),
            "That is what comes out when δₜ lacks its − Vₜ. An advantage says how much better it went than expected. "
            "Look at: the three parts of δₜ.",
        ),
        Mistake(
            "returns instead of advantages",
            _returns,
            "That is what comes out when the values are added at the end: these are the returns that the critic "
            "learns. Look at: your last line.",
            "the line after GAE in most PPO code, such as Huang et al. 2022, detail 5",
        ),
        Mistake(
            "whitens inside",
            _whitened,
            "That is what comes out when the advantages are also scaled to mean 0 and deviation 1. That is a step of "
            "its own, later in this notebook. Look at: your last lines.",
            "Huang et al. 2022, detail 7",
        ),
        Mistake(
            "keeps the graph",
            _gae,
            "your advantages keep the graph of the values' gradient. For PPO they are constants, and PyTorch would "
            "carry the graph along: put @torch.no_grad() above the function, or .detach() the values.",
            advice=True,
        ),
    ),
    hints=(
        "The advantage of a token needs the one after it, so begin with the last column and walk to the first. Two "
        "things travel along, one number a response each: Âₜ₊₁ and Vₜ₊₁. Both begin as 0.",
        "In each step: the surprise δₜ from the formula, then Âₜ from δₜ and what you carry, then write it into its "
        "column. `reversed(range(time))` gives the order, `rewards[:, t]` a column for all responses at once.",
        "A pad has to hand on 0 instead of an advantage, and 0 instead of a value. `mask[:, t]` is 1 or 0, so a "
        "product does it, twice: once for each of the two things that you carry.",
    ),
)

# --- 6.4 Whitening ------------------------------------------------------------------------------------------------


def _whiten_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(lengths: list[int], time: int, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        values = 3 * torch.randn(len(lengths), time, generator=generator, dtype=dtype) + 2
        return values, lengths_mask(lengths, time)

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    equal = torch.full((2, 4), float(torch.randint(1, 5, (1,), generator=generator)))
    mask = lengths_mask([4, 4], 4)
    return [
        Case("four tokens, one response", drawn([4], 4), look_at="mean and deviation of your answer."),
        Case("two responses of different length", drawn([6, 3], 6), look_at="which numbers the mean is taken over."),
        Case("keep the mean", (*drawn([5, 2], 5), False), look_at="what is added in the end."),
        Case("all numbers equal", (equal, mask), look_at="what you divide by when nothing varies."),
        Case("many responses in float64", drawn(many, 9, torch.float64), look_at="the largest deviation."),
    ]


def _whiten(values: Tensor, mask: Tensor, shift_mean: bool = True, *, wrong: str = "") -> Tensor:
    counted = torch.ones_like(mask) if wrong == "all" else mask

    def added(numbers: Tensor) -> Tensor:
        return numbers.sum(dim=1, keepdim=True) if wrong == "row" else numbers.sum()

    number = torch.tensor(values.numel()) if wrong == "numel" else added(counted)
    mean = added(values * counted) / number
    squares = (values * mask - mean) ** 2 if wrong == "zeros" else (values - mean) ** 2 * counted
    places = {"bessel": number - 1, "places": torch.tensor(values.numel())}
    variance = added(squares) / places.get(wrong, number)
    scale = variance + 1e-8 if wrong == "variance" else (variance + (0 if wrong == "epsilon" else 1e-8)).sqrt()
    if wrong == "no shift" and not shift_mean:
        return values / scale * mask
    whitened = (values - mean) / scale
    if not shift_mean and wrong != "always":
        whitened = whitened + mean
    return whitened if wrong == "pads" else whitened * mask


WHITEN = Exercise(
    number="6.4",
    title="Whitening",
    points=2,
    minutes=8,
    solution=adv.whiten,
    cases=_whiten_cases,
    axes=("response", "token"),
    mistakes=(
        Mistake(
            "counts pads",
            partial(_whiten, wrong="all"),
            "That is what comes out when the mean and the deviation are taken over pads as well. Look at: over which "
            "numbers you sum, and how many there are.",
        ),
        Mistake(
            "divides by all places",
            partial(_whiten, wrong="numel"),
            "That is what comes out when the sum runs over real tokens and is divided by the number of all places, as "
            "(values * mask).mean() does. Look at: how many real tokens there are.",
        ),
        Mistake(
            "pads are zeros in the variance",
            partial(_whiten, wrong="zeros"),
            "That is what comes out when pads are set to 0 and then the mean is subtracted: every pad adds mean² to "
            "the squares. Look at: which comes first, the mask or the square.",
        ),
        Mistake(
            "pads are counted in the variance",
            partial(_whiten, wrong="places"),
            "That is what comes out when the mean is right, but the squares are divided by the number of all places, "
            "as .mean() does after `* mask`. Look at: how many squares there are.",
        ),
        Mistake(
            "each response for itself",
            partial(_whiten, wrong="row"),
            "That is what comes out when every response is whitened for itself. Then the best list and the worst have "
            "the same advantages. Look at: the `dim` of your mean.",
        ),
        Mistake(
            "n − 1",
            partial(_whiten, wrong="bessel"),
            "That is what comes out when the squares are divided by n − 1, as torch.std and torch.var do unless told "
            "otherwise. Over thousands of tokens nobody notices. Look at: `correction=0`.",
            "the default of torch.var; some PPO code uses it on purpose",
        ),
        Mistake(
            "divides by the variance",
            partial(_whiten, wrong="variance"),
            "That is what comes out without a square root: divided by the variance. Look at: the unit of what you "
            "divide by.",
        ),
        Mistake(
            "no ε",
            partial(_whiten, wrong="epsilon"),
            "That is what comes out when nothing varies and you divide by exactly 0. Look at: the small number under "
            "the root.",
        ),
        Mistake(
            "pads are not 0",
            partial(_whiten, wrong="pads"),
            "That is what comes out when pads are whitened along with the rest. Look at: your last line.",
        ),
        Mistake(
            "the mean is never kept",
            partial(_whiten, wrong="always"),
            "That is what comes out when `shift_mean` is not looked at. For rewards the mean has to stay: it is what "
            "they are about. Look at: shift_mean=False.",
            "Huang et al. 2024: rewards are whitened without shifting the mean",
        ),
        Mistake(
            "scales about 0",
            partial(_whiten, wrong="no shift"),
            "That is what comes out when, to keep the mean, nothing is subtracted: then dividing changes the mean too. "
            "Look at: subtract, divide, and add what you subtracted.",
        ),
    ),
    hints=(
        "Everything is about the real tokens only: their number is `mask.sum()`, their sum `(values * mask).sum()`.",
        "The variance is the mean over real tokens of (values − mean)². Add 1e-8, take the root, divide.",
        "With shift_mean=False add the mean again after dividing. Whatever you do, the last thing is `* mask`.",
    ),
)

# --- 6.5 Clipped policy loss --------------------------------------------------------------------------------------


def _policy_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32, step: float = 0.5
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        old = -3 * torch.rand(len(lengths), time, generator=generator, dtype=dtype)
        new = old + step * torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        advantages = torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        return new.requires_grad_(), old, advantages, lengths_mask(lengths, time)

    def one(ratio: float, sign: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = -1 - torch.rand(1, 1, generator=generator)
        advantage = sign * (1 + torch.rand(1, 1, generator=generator))
        return (old + torch.tensor(ratio).log()).requires_grad_(), old, advantage, torch.ones(1, 1), 0.2

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    good, bad = "a good token: its ratio inside, above, below", "a bad token: its ratio inside, above, below"
    return [
        *(Case(good, one(ratio, +1), look_at="when a good token stops being pushed.") for ratio in (1.1, 1.5, 0.5)),
        *(Case(bad, one(ratio, -1), look_at="when a bad token stops being pushed.") for ratio in (0.9, 1.5, 0.5)),
        Case("two responses of different length", (*drawn([6, 3], 6), 0.2), look_at="how many tokens count."),
        Case("another ε", (*drawn([4, 2, 5], 5), 0.4), look_at="where cliprange enters."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the mean over tokens."),
    ]


def _policy(
    logprobs: Tensor, old_logprobs: Tensor, advantages: Tensor, mask: Tensor, cliprange: float, *, wrong: str = ""
) -> Tensor:
    log_ratio = old_logprobs - logprobs if wrong == "upside down" else logprobs - old_logprobs
    ratio = log_ratio if wrong == "no exp" else log_ratio.exp()
    if wrong == "of logs":
        ratio = logprobs / old_logprobs
    unclipped = ratio * advantages
    clipped = ratio.clamp(1 - cliprange, 1 + cliprange) * advantages
    if wrong == "no clip":
        clipped = unclipped
    if wrong == "clip only":
        unclipped = clipped
    gain = torch.maximum(unclipped, clipped) if wrong == "larger" else torch.minimum(unclipped, clipped)
    if wrong == "answers":
        return -((gain * mask).sum(dim=1) / mask.sum(dim=1)).mean()
    if wrong == "sum":
        return -(gain * mask).sum()
    if wrong == "pads":
        return -gain.mean()
    if wrong == "numel":
        return -(gain * mask).mean()
    return (1 if wrong == "sign" else -1) * adv.masked_mean(gain, mask)


POLICY_LOSS = Exercise(
    number="6.5",
    title="The clipped policy loss",
    points=3,
    minutes=12,
    solution=policy_loss,
    cases=_policy_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "the larger of the two",
            partial(_policy, wrong="larger"),
            "That is what comes out when the larger of the two gains is taken. PPO is a pessimist and takes the "
            "smaller; of two losses (gains with a minus) that is the larger. Look at: min, max and your minus.",
        ),
        Mistake(
            "no clipping",
            partial(_policy, wrong="no clip"),
            "That is what comes out without the clipped part. Then one lucky list may be pushed without end. "
            "Look at: what cliprange does.",
        ),
        Mistake(
            "only the clipped part",
            partial(_policy, wrong="clip only"),
            "That is what comes out when the clipped part is used alone, without the min. A token that moved the wrong "
            "way then gets no gradient and can never come back. Look at: the min of the two.",
            "the case below 1 − ε with Â > 0 in figure 1 of Schulman et al. 2017",
        ),
        Mistake(
            "upside down",
            partial(_policy, wrong="upside down"),
            "That is what comes out when the ratio is π_old/π. Look at: which of the two is subtracted.",
        ),
        Mistake(
            "a logarithm for a ratio",
            partial(_policy, wrong="no exp"),
            "That is what comes out when the difference of log-probabilities is used as the ratio. Where nothing has "
            "changed it is 0, where a ratio is 1. Look at: exp.",
        ),
        Mistake(
            "a ratio of logarithms",
            partial(_policy, wrong="of logs"),
            "That is what comes out when one log-probability is divided by the other. A ratio of probabilities is exp "
            "of the difference of their logarithms. Look at: how ρ comes from log π and log π_old.",
        ),
        Mistake(
            "the sign of a gain",
            partial(_policy, wrong="sign"),
            "That is what comes out without the minus: optimisers make a loss smaller, so this would unlearn. "
            "Look at: the sign of what you return.",
        ),
        Mistake(
            "a sum",
            partial(_policy, wrong="sum"),
            "That is what comes out when tokens are added up and not averaged: the step would grow with the batch. "
            "Look at: what you divide by.",
        ),
        Mistake(
            "pads count",
            partial(_policy, wrong="pads"),
            "That is what comes out of .mean() over all places, pads too. Look at: where `mask` enters.",
        ),
        Mistake(
            "divides by all places",
            partial(_policy, wrong="numel"),
            "That is what comes out when pads are set to 0 and then counted. Look at: what you divide by.",
        ),
        Mistake(
            "mean of means",
            partial(_policy, wrong="answers"),
            "That is what comes out when each response is averaged first: a token of a long list then counts less than "
            "one of a short list. Look at: one sum over all real tokens, divided by their number.",
            "discussed as a length bias by Liu et al. 2025, arXiv 2503.20783",
        ),
    ),
    hints=(
        "First the ratio ρ = π/π_old of each token, from the difference of the log-probabilities. Then two gains a "
        "token: ρ·Â, and the same with ρ kept between 1 − ε and 1 + ε.",
        "`ratio.clamp(low, high)` keeps it; `torch.minimum` takes the smaller of two tensors, place by place.",
        "Average over real tokens: (… * mask).sum() / mask.sum(). And a minus, because optimisers minimise.",
    ),
)

# --- 6.6 Clipped value loss ---------------------------------------------------------------------------------------


def _value_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(
        lengths: list[int], time: int, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        old, returns = torch.randn(2, len(lengths), time, generator=generator, dtype=dtype)
        values = old + 0.5 * torch.randn(len(lengths), time, generator=generator, dtype=dtype)
        return values.requires_grad_(), old, returns, lengths_mask(lengths, time)

    def one(moved: float, away: float) -> tuple[Tensor, Tensor, Tensor, Tensor, float]:
        old = torch.randn(1, 1, generator=generator)
        return (old + moved).requires_grad_(), old, old + away, torch.ones(1, 1), 0.2

    many = torch.randint(1, 10, (32,), generator=generator).tolist()
    return [
        Case("one token that moved a little", one(0.1, 0.7), look_at="½ and the square."),
        Case("one token that moved far, and well", one(0.6, 0.7), look_at="the larger of the two errors."),
        Case("one token that moved far, and wrongly", one(0.6, -0.7), look_at="the larger of the two errors."),
        Case("two responses of different length", (*drawn([6, 3], 6), 0.2), look_at="how many tokens count."),
        Case("another ε", (*drawn([4, 2, 5], 5), 0.4), look_at="where cliprange enters."),
        Case("many responses in float64", (*drawn(many, 9, torch.float64), 0.2), look_at="the mean over tokens."),
    ]


def _value(
    values: Tensor, old_values: Tensor, returns: Tensor, mask: Tensor, cliprange: float, *, wrong: str = ""
) -> Tensor:
    clipped = old_values + (values - old_values).clamp(-cliprange, cliprange)
    if wrong == "around 0":
        clipped = values.clamp(-cliprange, cliprange)
    if wrong == "around 1":
        clipped = old_values * (values / old_values).clamp(1 - cliprange, 1 + cliprange)
    plain_error, clipped_error = (values - returns) ** 2, (clipped - returns) ** 2
    if wrong == "absolute":
        plain_error, clipped_error = (values - returns).abs(), (clipped - returns).abs()
    if wrong == "no clip":
        clipped_error = plain_error
    if wrong == "clip only":
        plain_error = clipped_error
    error = (
        torch.minimum(plain_error, clipped_error) if wrong == "smaller" else torch.maximum(plain_error, clipped_error)
    )
    half = 1.0 if wrong == "half" else 0.5
    return half * (error.mean() if wrong == "pads" else adv.masked_mean(error, mask))


VALUE_LOSS = Exercise(
    number="6.6",
    title="The clipped value loss",
    points=2,
    minutes=8,
    solution=value_loss,
    cases=_value_cases,
    differentiable=True,
    mistakes=(
        Mistake(
            "the smaller of the two",
            partial(_value, wrong="smaller"),
            "That is what comes out when the smaller error is taken. The critic is to be a pessimist about itself: the "
            "larger one counts. Look at: min or max.",
        ),
        Mistake(
            "no clipping",
            partial(_value, wrong="no clip"),
            "That is what comes out of the plain squared error. Look at: what cliprange does.",
            "Andrychowicz et al. 2021 found no gain from clipping values, so this is a matter of custom",
        ),
        Mistake(
            "only the clipped part",
            partial(_value, wrong="clip only"),
            "That is what comes out when only the clipped value is compared: a value that ran too far gets no gradient "
            "and stays there. Look at: the larger of the two errors.",
        ),
        Mistake(
            "clips around 0",
            partial(_value, wrong="around 0"),
            "That is what comes out when the value itself is kept between −ε and ε. It may be anything; what is "
            "limited is how far it moves from the old value. Look at: what you clamp.",
        ),
        Mistake(
            "clips a ratio",
            partial(_value, wrong="around 1"),
            "That is what comes out when the ratio of the values is clipped, as for the policy. Values may be 0 or "
            "negative; here it is their difference. Look at: what you clamp.",
        ),
        Mistake(
            "no half",
            partial(_value, wrong="half"),
            "That is what comes out without the ½. Look at: the factor in front.",
        ),
        Mistake(
            "absolute errors",
            partial(_value, wrong="absolute"),
            "That is what comes out of absolute errors. Then the critic would learn a median; a baseline should be a "
            "mean. Look at: the square.",
        ),
        Mistake(
            "pads count",
            partial(_value, wrong="pads"),
            "That is what comes out of .mean() over all places, pads too. Look at: where `mask` enters.",
        ),
    ),
    hints=(
        "Two values a token: the new one, and the new one kept within ±ε of the old one. Each gives a squared error.",
        "The kept one is old + clamp(new − old, −ε, +ε). Then torch.maximum of the two squared errors.",
        "Average over real tokens, and times one half.",
    ),
)

# --- 6.7 KL estimators --------------------------------------------------------------------------------------------


def _kl_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(*shape: int, apart: float = 1.0, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
        logprobs = -3 * torch.rand(*shape, generator=generator, dtype=dtype)
        return logprobs, logprobs + apart * torch.randn(*shape, generator=generator, dtype=dtype)

    near = drawn(5)[0]
    return [
        Case("four tokens", drawn(4), look_at="each of the three parts by hand for the first token."),
        Case("two policies that agree", (near, near.clone()), look_at="what all three say where π = π_ref."),
        Case("a batch of responses", drawn(3, 6), look_at="the shape: one number a token, no sum."),
        Case("policies far apart, in float64", drawn(8, 5, apart=3.0, dtype=torch.float64), look_at="exp, in k3."),
    ]


def _kl(logprobs: Tensor, ref_logprobs: Tensor, *, wrong: str = "") -> tuple[Tensor, Tensor, Tensor]:
    k1 = logprobs - ref_logprobs
    ratio = k1.exp() if wrong == "k3 upside down" else (-k1).exp()
    log_ratio = k1 if wrong == "k3 upside down" else -k1
    k2, k3 = k1**2 / 2, ratio - 1 - log_ratio
    if wrong == "k1 sign":
        k1 = -k1
    if wrong == "k1 clamped":
        k1 = k1.clamp(min=0)
    if wrong == "k2 half":
        k2 = 2 * k2
    if wrong == "k2 ratio":
        k2 = (ratio - 1) ** 2 / 2
    if wrong == "k3 one":
        k3 = ratio - log_ratio
    if wrong == "k3 sign":
        k3 = ratio - 1 + log_ratio
    if wrong == "mean":
        return k1.mean(), k2.mean(), k3.mean()
    return k1, k2, k3


KL = Exercise(
    number="6.7",
    title="Three rulers for a distance",
    points=2,
    minutes=10,
    solution=adv.kl_estimators,
    cases=_kl_cases,
    mistakes=(
        Mistake(
            "k1 turned round",
            partial(_kl, wrong="k1 sign"),
            "That is what comes out when k1 is log π_ref − log π: its mean is minus the KL. Look at: the tokens come "
            "from π, so on average π likes them more than π_ref does, and k1 is to be positive on average.",
        ),
        Mistake(
            "k1 without its negative numbers",
            partial(_kl, wrong="k1 clamped"),
            "That is what comes out when negative numbers of k1 are set to 0. A KL is never negative, but one sample "
            "of k1 may be; without those its mean is too large. Look at: clamp, relu or max.",
        ),
        Mistake(
            "k2 without ½",
            partial(_kl, wrong="k2 half"),
            "That is what comes out when k2 lacks its ½. Look at: the factor, which comes from the second term of "
            "a Taylor series.",
        ),
        Mistake(
            "k2 of the ratio",
            partial(_kl, wrong="k2 ratio"),
            "That is what comes out when r − 1 is squared instead of log r. Near r = 1 they agree, far from it they do "
            "not. Look at: what is squared.",
        ),
        Mistake(
            "k3 with r upside down",
            partial(_kl, wrong="k3 upside down"),
            "That is what comes out when r = π/π_ref in k3. It looks as good and is never negative, but its mean is "
            "something else. Look at: r, which is π_ref/π when the samples come from π.",
            "J. Schulman's note calls the sampling policy q and the other p, so r = p/q",
        ),
        Mistake(
            "k3 without − 1",
            partial(_kl, wrong="k3 one"),
            "That is what comes out of r − log r. Where both agree it says 1, and a distance should say 0. "
            "Look at: the − 1.",
        ),
        Mistake(
            "k3 with a plus",
            partial(_kl, wrong="k3 sign"),
            "That is what comes out of r − 1 + log r. Look at: the sign of log r, and which logarithm is log r.",
        ),
        Mistake(
            "averaged inside",
            partial(_kl, wrong="mean"),
            "That is what comes out when you take the mean already. Keep one number a token: the caller masks and adds "
            "up. Look at: your last line.",
        ),
    ),
    hints=(
        "Work with one number: log r = log π_ref − log π. All three estimators are made of it.",
        "k1 = −log r, k2 = ½ (log r)², k3 = (r − 1) − log r with r = exp(log r).",
        "Return the three as a tuple, each with the shape of `logprobs`.",
    ),
)

# --- 6.8 One step by hand -----------------------------------------------------------------------------------------


def _step_cases(seed: int) -> list[Case]:
    generator = torch.Generator().manual_seed(seed)

    def drawn(
        answers: int, chosen: list[int], rate: float, dtype: torch.dtype = torch.float32
    ) -> tuple[Tensor, Tensor, Tensor, float]:
        logits = torch.randn(answers, generator=generator, dtype=dtype)
        return logits, torch.tensor(chosen), torch.randn(len(chosen), generator=generator, dtype=dtype), rate

    many = torch.randint(20, (100,), generator=generator).tolist()
    one = torch.randint(3, (1,), generator=generator).tolist()
    return [
        Case("one sample out of three answers", drawn(3, one, 1.0), look_at="which logits move, and which way."),
        Case("three different samples", drawn(4, [2, 0, 3], 0.5), look_at="the mean over samples."),
        Case("the same answer twice", drawn(5, [1, 4, 1, 0], 0.5), look_at="what happens to both advantages."),
        Case("many samples in float64", drawn(20, many, 0.1, torch.float64), look_at="the largest deviation."),
    ]


def _step(logits: Tensor, chosen: Tensor, advantages: Tensor, learning_rate: float, *, wrong: str = "") -> Tensor:
    policy, onehot = logits.softmax(dim=0), torch.nn.functional.one_hot(chosen, len(logits)).to(logits)
    weights = advantages.to(logits)
    if wrong == "probability":
        weights = weights * policy[chosen]
    if wrong == "no advantage":
        weights = torch.ones_like(weights)
    if wrong == "logits":
        policy = logits
    score = onehot if wrong == "only the chosen" else onehot - policy
    step = (weights[:, None] * score).sum(dim=0)
    if wrong == "once":
        taken = torch.zeros_like(logits)
        for index, weight in zip(chosen.tolist(), weights, strict=True):
            taken[index] = weight
        step = taken - weights.sum() * policy
    if wrong != "sum":
        step = step / len(chosen)
    return logits + learning_rate * step * (-1 if wrong == "descends" else 1)


STEP = Exercise(
    number="6.8",
    title="One step by hand",
    points=2,
    minutes=12,
    solution=first_step,
    cases=_step_cases,
    axes=("answer",),
    mistakes=(
        Mistake(
            "down instead of up",
            partial(_step, wrong="descends"),
            "That is what comes out when the step goes the other way: bad answers become likelier. Descending a loss "
            "that carries a minus is climbing. Look at: count your minus signs.",
        ),
        Mistake(
            "only the chosen answers move",
            partial(_step, wrong="only the chosen"),
            "That is what comes out without − π. Probabilities sum to 1, so what one answer gains all have to "
            "pay, each in proportion to its probability. Look at: the gradient of log softmax.",
        ),
        Mistake(
            "logits where π belongs",
            partial(_step, wrong="logits"),
            "That is what comes out when the logits are subtracted instead of the probabilities. Look at: π.",
        ),
        Mistake(
            "gradient of the probability",
            partial(_step, wrong="probability"),
            "That is what comes out when each sample is weighted by π of its answer as well: the gradient of π instead "
            "of that of log π. Likely answers are sampled more often already. Look at: what ∂ρ is where ρ = 1.",
        ),
        Mistake(
            "a repeated answer counts once",
            partial(_step, wrong="once"),
            "That is what comes out when an answer that was sampled twice keeps only its last advantage, as in "
            "total[chosen] = advantages or total[chosen] += advantages. Look at: index_add, or a loop.",
            "PyTorch: indexing with repeated indices does not accumulate",
        ),
        Mistake(
            "a sum",
            partial(_step, wrong="sum"),
            "That is what comes out when the samples are added up and not averaged. Look at: what you divide by.",
        ),
        Mistake(
            "without the advantages",
            partial(_step, wrong="no advantage"),
            "That is what comes out when every sample counts +1: the policy would imitate itself, good or bad. "
            "Look at: where `advantages` enters.",
        ),
    ),
    hints=(
        "For one sample: the gradient of log π(answer) by the logits is onehot(answer) − π. Check its sum: 0.",
        "At ρ = 1 the gradient of ρ is that of log π. So the step is learning_rate · mean of Â · (onehot − π).",
        "`torch.nn.functional.one_hot(chosen, len(logits))` is (n, answers); weight its rows by Â and average over n.",
    ),
)

EXERCISES: tuple[Exercise, ...] = (LOGPROBS, REWARDS, GAE, WHITEN, POLICY_LOSS, VALUE_LOSS, KL, STEP)
