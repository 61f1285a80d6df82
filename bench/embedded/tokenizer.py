"""Trains the tokenizer of the embedded model: byte-level BPE that keeps what has to be copied apart.

What goes in are made-up prompts and answers; what goes out is a `tokenizers.Tokenizer`. Every digit and
every blank is a token of its own (a word then has the same tokens after a blank and after a quotation
mark, which copying needs), runs of the letters that JSON is built of (`","`, `":[`) may merge, every
other mark stands alone, and escapes such as `\\n` are kept whole. Method: byte-pair encoding (Sennrich et
al., 2016) on bytes (Radford et al., 2019).
"""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

PAD_MARK = "<|pad|>"
PIECES = r"""\\["\\/bfnrtu]|\p{L}+|\p{N}|[":,\[\]{}]+| |[\s\S]"""


def train_tokenizer(texts: Iterable[str], marks: list[str], size: int) -> Tokenizer:
    """Return a tokenizer with `size` entries, of which `marks` are special (the first one has id 0)."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=marks,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer
