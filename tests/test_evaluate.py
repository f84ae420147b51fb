import copy
import math
from collections.abc import Sequence

import pytest
import torch
from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from tests.conftest import PLAIN, VEGETARIAN
from topfive.evaluate import Comparison, changes_by_part, compare, kl_divergence, liked, quality, win_rate
from topfive.judge import WEIGHTS, Judge, Judgement
from topfive.lists import Prompt
from topfive.lm.sampling import encode, generate
from topfive.ppo.rollout import response_logits
from topfive.stats import Estimate


def worth(taste: float, valid: float = 1.0) -> Judgement:
    return Judgement(valid=valid, on_topic=1, constraint=1, distinct=1, specific=0.5, taste=taste)


class LengthJudge(Judge):
    """Likes long answers."""

    def judge(self, prompt: Prompt, text: str) -> Judgement:
        return worth(len(text))


def asked(number: int) -> list[Prompt]:
    """As many different prompts."""
    return [Prompt(f"top 5 soups for day {day}", "soups") for day in range(number)]


def test_ties_count_half_and_after_is_the_one_that_wins():
    before = [worth(0.0), worth(0.0), worth(1.0), worth(1.0)]
    after = [worth(1.0), worth(2.0), worth(1.0), worth(0.0)]
    assert win_rate(asked(4), before, after).mean == 2.5 / 4
    assert win_rate(asked(4), after, before).mean == 1.5 / 4
    assert win_rate(asked(4), before, after).n == 4


def test_rounding_makes_no_winner():
    before, after = [worth(0.3)], [worth(math.nextafter(8.3, 9) - 8)]
    assert before[0].score != after[0].score
    assert win_rate(asked(1), before, after).mean == 0.5


def test_answers_are_compared_prompt_by_prompt():
    """The same scores in another order: alike on average, but not on any prompt."""
    before, after = [worth(2.0), worth(0.0), worth(1.0)], [worth(0.0), worth(1.0), worth(2.0)]
    assert win_rate(asked(3), before, after).mean == pytest.approx(2 / 3)
    with pytest.raises(ValueError, match="zip"):
        win_rate(asked(1), [worth(0.0)], [])


def test_the_interval_is_of_prompts():
    before, after = [worth(0.0)] * 300, [worth(1.0)] * 180 + [worth(-1.0)] * 120
    found = win_rate(asked(300), before, after, seed=3)
    assert found.mean == pytest.approx(0.6)
    assert (found.low, found.high) == pytest.approx((0.6 - 1.96 * 0.02828, 0.6 + 1.96 * 0.02828), abs=0.01)


def test_a_prompt_that_comes_twice_counts_once():
    """Ten pairs a prompt, all with the same winner: the interval is that of 30 pairs, not of 300."""
    before, after = [worth(0.0)] * 300, ([worth(1.0)] * 18 + [worth(-1.0)] * 12) * 10
    found = win_rate(asked(30) * 10, before, after, seed=3)
    assert (found.mean, found.n) == (pytest.approx(0.6), 30)
    assert (found.low, found.high) == pytest.approx((0.6 - 1.96 * 0.0894, 0.6 + 1.96 * 0.0894), abs=0.02)


@pytest.mark.parametrize(("low", "ships"), [(0.501, True), (0.5, False), (0.45, False)])
def test_a_policy_ships_only_above_a_half(low: float, ships: bool):
    assert Comparison([], [], [], [], [], Estimate(0.6, low, 0.7, 300)).ships == ships


def test_quality_is_the_mean_of_each_part_without_the_taste():
    found = quality([worth(5.0, valid=1.0), worth(0.0, valid=0.0)])
    assert found == {"valid": 0.5, "on_topic": 1, "constraint": 1, "distinct": 1, "specific": 0.5}
    assert found.keys() == WEIGHTS.keys()


def test_what_changed_is_measured_prompt_by_prompt():
    """The taste gains 1 on every prompt, whatever the prompts differ by: no interval is left. Valid gains on half."""
    before = [worth(float(taste), valid=0.0) for taste in range(6)]
    after = [worth(float(taste) + 1, valid=float(taste % 2)) for taste in range(6)]
    found = changes_by_part(Comparison(asked(6), [], [], before, after, Estimate(0.5, 0, 1, 6)))
    assert list(found) == [*WEIGHTS, "taste"]
    assert found["taste"] == Estimate(1.0, 1.0, 1.0, 6)
    assert (found["valid"].mean, found["on_topic"].high) == (0.5, 0.0)
    assert found["valid"].low < 0.5 < found["valid"].high
    assert (liked(before), liked(after)) == (2.5, 3.5)


def test_a_comparison_keeps_answers_and_judgements_apart(model: PreTrainedModel, tokenizer: Tokenizer):
    """A policy that ends at once loses to one that talks, whatever the prompt."""
    silent = copy.deepcopy(model)
    with torch.no_grad():
        silent.transformer.ln_f.weight.zero_()
        silent.transformer.ln_f.bias.copy_(1000 * silent.transformer.wte.weight[tokenizer.eos_token_id])
    prompts = [PLAIN, VEGETARIAN] * 5
    found = compare(silent, model, tokenizer, prompts, LengthJudge(), seed=0)
    assert found.prompts == prompts
    assert found.before == [""] * 10
    assert all(found.after)
    assert [judged.taste for judged in found.judged_after] == [len(text) for text in found.after]
    assert found.win_rate.mean == 1
    assert found.ships
    assert compare(model, silent, tokenizer, prompts, LengthJudge(), seed=0).win_rate.mean == 0


def test_a_policy_against_itself_is_no_better(model: PreTrainedModel, tokenizer: Tokenizer):
    found = compare(model, model, tokenizer, asked(150), LengthJudge(), seed=0)
    assert found.before != found.after, "the two sides draw different random numbers"
    assert found.win_rate.low < 0.5 < found.win_rate.high
    assert found == compare(model, model, tokenizer, asked(150), LengthJudge(), seed=0)


def exact_kl(
    policy: PreTrainedModel, reference: PreTrainedModel, tokenizer: Tokenizer, prompts: Sequence[str]
) -> float:
    """Σ p (log p − log q) over the whole vocabulary at each token of fresh samples: less noisy, the same mean."""
    query, mask = encode(tokenizer, prompts)
    samples = generate(policy, query, mask, generator=torch.Generator().manual_seed(123))
    with torch.no_grad():
        log_p, log_q = (response_logits(model, samples, 1.0).log_softmax(dim=-1) for model in (policy, reference))
    return (log_p.exp() * (log_p - log_q)).sum().item() / len(prompts)


def test_kl_is_what_it_is_by_the_whole_vocabulary(model: PreTrainedModel, tokenizer: Tokenizer):
    policy = copy.deepcopy(model)
    with torch.no_grad():
        policy.transformer.ln_f.weight.mul_(1.3)
    prompts = [PLAIN.text, VEGETARIAN.text] * 80
    found = kl_divergence(policy, model, tokenizer, prompts, seed=0, temperature=1.0)
    exact = exact_kl(policy, model, tokenizer, prompts)
    assert exact > 1
    assert found.mean == pytest.approx(exact, rel=0.2)
    assert found.low < exact < found.high
    assert found.n == 160


def test_a_policy_is_no_distance_from_itself(model: PreTrainedModel, tokenizer: Tokenizer):
    found = kl_divergence(model, model, tokenizer, [PLAIN.text] * 4, seed=0)
    assert (found.mean, found.low, found.high) == (0, 0, 0)
