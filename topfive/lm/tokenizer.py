"""A byte-pair tokenizer of the course's own text, in the shape `transformers` expects."""

from collections.abc import Iterable

from transformers import PreTrainedTokenizerFast

PAD, END = "<pad>", "<end>"
NUMBERS = [f"\n{number}." for number in range(1, 7)]


def train_tokenizer(texts: Iterable[str], vocab_size: int = 2048) -> PreTrainedTokenizerFast:
    """Train byte-level BPE (Sennrich et al. 2016; Radford et al. 2019) on `texts`.

    A line break with its number ("\\n1.") is one token: lists get a fifth shorter. The pad token is not the end
    token, so that a model is taught to stop. Queries are padded on the left.
    """
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size - len(NUMBERS),
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.add_tokens([AddedToken(number, normalized=False) for number in NUMBERS])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
