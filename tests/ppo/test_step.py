"""The step that is there to be read is the step that the trainer takes."""

import copy
import inspect

import pytest
import torch

from topfive.ppo import PPOConfig, PPOTrainer, ppo_step, toy

PROMPTS = ["a", "b c d a", "c c"] * 6


def longer_is_better(prompts, answers):
    return [float(len(answer)) for answer in answers]


@pytest.mark.parametrize("reward", [None, longer_is_better], ids=["reward model", "reward function"])
@pytest.mark.parametrize(
    "settings",
    [{}, {"num_ppo_epochs": 4, "num_mini_batches": 4, "cliprange": 0.01, "kl_coef": 0.5, "temperature": 1.3}],
    ids=["as they come", "where the clips count"],
)
def test_its_weights_are_the_trainers(settings, reward):
    args = PPOConfig(**{"batch_size": 16, "response_length": 6, "seed": 3, "learning_rate": 0.01, **settings})
    reference, policy = toy.policy(seed=0), toy.policy(seed=1)
    judge, critic = reward or toy.reward(reference), toy.reward(reference, seed=2)
    flat = copy.deepcopy((policy, critic))
    optimizer = torch.optim.AdamW(
        [value for model in flat for value in model.parameters()],
        lr=args.learning_rate,
        eps=args.adam_eps,
        weight_decay=0.0,
    )
    trainer = PPOTrainer(policy, reference, judge, critic, args, PROMPTS, toy.tokenizer())
    generator = torch.Generator().manual_seed(args.seed * 1_000_003)
    score = ppo_step(
        flat[0], reference, judge, flat[1], optimizer, toy.tokenizer(), trainer._prompts(0), args, generator
    )
    before = torch.nn.utils.parameters_to_vector(trainer.trained.parameters())
    trainer._step(0)
    assert score == pytest.approx(trainer.history[0]["objective/scores"], abs=1e-5)
    assert (torch.nn.utils.parameters_to_vector(trainer.trained.parameters()) - before).norm() > 0.1
    for ours, theirs in zip(flat, (policy, critic), strict=True):
        for one, other in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_it_fits_on_a_page_and_needs_no_trainer():
    assert len(inspect.getsource(ppo_step).splitlines()) < 90
    assert "import PPOTrainer" not in inspect.getsource(inspect.getmodule(ppo_step))
