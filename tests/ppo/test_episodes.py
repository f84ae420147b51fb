"""Each line an episode of its own: cut, joined, and no credit across a line's end."""

import torch

from topfive.ppo.advantages import gae, token_rewards
from topfive.ppo.episodes import Episodes

LINE = torch.tensor([[0, 0, 1, 1, 1, 2], [0, 1, 1, 0, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1, 1, 1], [1, 1, 1, 0, 0, 0]])


def test_a_row_an_episode_and_back():
    numbers = torch.arange(12.0).view(2, 6)
    episodes = Episodes(LINE, MASK)
    assert episodes.cut(numbers).tolist() == [[0, 1, 0], [2, 3, 4], [5, 0, 0], [6, 0, 0], [7, 8, 0]]
    assert episodes.cut(MASK).sum(dim=1).tolist() == [2, 3, 1, 1, 2]
    assert torch.equal(episodes.join(episodes.cut(numbers)), numbers * MASK)


def test_without_lines_an_answer_is_one_episode():
    numbers = torch.randn(2, 6)
    episodes = Episodes(torch.zeros_like(LINE), MASK)
    assert torch.equal(episodes.cut(numbers), numbers * MASK)
    assert torch.equal(episodes.cut(MASK), MASK)


def test_pay_for_one_line_changes_no_advantage_on_another():
    logprobs = values = torch.zeros(2, 6)
    episodes = Episodes(LINE, MASK)

    def advantages(scores):
        mask, none = episodes.cut(MASK), episodes.cut(logprobs)
        rewards = token_rewards(torch.tensor(scores), none, none, mask, 0.0)
        return episodes.join(gae(rewards, episodes.cut(values), mask, lam=0.9))

    changed = advantages([0.0, 5.0, 0.0, 0.0, 0.0]) != advantages([0.0] * 5)
    assert changed.tolist() == [[False, False, True, True, True, False], [False] * 6]
