"""The course's own reward model: what a crowd of labellers on average likes. Settings that were tried and kept."""

from transformers import PreTrainedModel
from transformers import PreTrainedTokenizerFast as Tokenizer

from topfive import data
from topfive.lm.train import Progress
from topfive.reward.model import from_language_model
from topfive.reward.train import RewardConfig, train_reward_model

CROWD = RewardConfig(epochs=3, batch_size=16, learning_rate=1e-3, seed=0)


def train_crowd_reward(
    sft: PreTrainedModel, tokenizer: Tokenizer, *, progress: Progress | None = None
) -> PreTrainedModel:
    """Fine-tune the SFT model's trunk on all rankings of the simulated crowd, pretenders' too."""
    model = from_language_model(sft, seed=CROWD.seed)
    rankings = [ranking for _, ranking in data.crowd_rankings()]
    train_reward_model(model, tokenizer, rankings, CROWD, progress=progress)
    return model
