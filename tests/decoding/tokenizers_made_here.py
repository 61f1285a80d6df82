"""Tokenizers of every kind that exists, trained or written out on the spot from a few lines of text.

Each function gives an object of the library that the tests read with `Vocabulary.from_tokenizer`.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizer, PreTrainedTokenizerFast

CORPUS = [
    '{"name": "Zoë", "age": 37, "tags": ["naïve", "中文", "😀"], "ok": true}',
    "The quick brown fox jumps over the lazy dog; the other foxes did not jump.",
    "def main():\n    return [1, 22, 333]\n\n\tprint(main())",
    "the theory of the thing is that things are there",
] * 4


def byte_level() -> PreTrainedTokenizerFast:
    """Byte-level BPE, as GPT-2, Llama 3 and Qwen have it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>", "<|pad|>"],
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|pad|>")


def metaspace_with_bytes() -> PreTrainedTokenizerFast:
    """SentencePiece-like BPE with byte fallback, as Llama 2 and Mistral have it."""
    special = ["<unk>", "<s>", "</s>"]
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=600,
        special_tokens=special + [f"<0x{byte:02X}>" for byte in range(256)],
        limit_alphabet=40,
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    # The trainer marks the byte pieces as added; in a converted SentencePiece model they are not.
    state = _without_added(tokenizer, keep=special)
    return PreTrainedTokenizerFast(
        tokenizer_object=state, eos_token="</s>", bos_token="<s>", unk_token="<unk>"
    )


def unigram() -> PreTrainedTokenizerFast:
    """Unigram with Metaspace and no bytes, as T5 and XLNet have it."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    trainer = trainers.UnigramTrainer(
        vocab_size=120, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>"
    )
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="</s>", pad_token="<pad>", unk_token="<unk>"
    )


def word_piece(cleanup: bool = False) -> PreTrainedTokenizerFast:
    """WordPiece with `##`, as BERT has it; it names no EOS."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece(cleanup=cleanup)
    trainer = trainers.WordPieceTrainer(vocab_size=150, special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]"])
    tokenizer.train_from_iterator(CORPUS, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]", sep_token="[SEP]")


def with_suffix() -> Tokenizer:
    """BPE whose words end in `</w>`, as the first GPT has it; not wrapped by transformers."""
    tokenizer = Tokenizer(models.BPE(end_of_word_suffix="</w>", unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    trainer = trainers.BpeTrainer(vocab_size=150, special_tokens=["<unk>"], end_of_word_suffix="</w>")
    tokenizer.train_from_iterator(CORPUS, trainer)
    return tokenizer


def words(decoder: decoders.Decoder | None = None, **vocabulary: int) -> Tokenizer:
    """A raw tokenizer of whole words."""
    pieces = vocabulary or {"[UNK]": 0, "the": 1, "fox": 2, "a": 3, "b": 4, ".": 5}
    tokenizer = Tokenizer(models.WordLevel(pieces, unk_token="[UNK]"))
    if decoder is not None:
        tokenizer.decoder = decoder
    return tokenizer


def with_added_tokens(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """Add a tool tag, a run of white space, a word that is in the vocabulary already, and a special token."""
    tokenizer.add_tokens(["<tool_call>", AddedToken("\n\n\n", normalized=False), "the"])
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_end|>"]})
    return tokenizer


class SlowTokenizer(PreTrainedTokenizer):
    """A tokenizer in Python, as users write them: pieces by id and a function from pieces to text."""

    def __init__(self, pieces: list[str], join: Callable[[list[str]], str], **special: str) -> None:
        self.pieces = pieces
        self.join = join
        super().__init__(**special)

    @property
    def vocab_size(self) -> int:
        return len(self.pieces)

    def get_vocab(self) -> dict[str, int]:
        return {piece: index for index, piece in enumerate(self.pieces)} | self.added_tokens_encoder

    def _convert_token_to_id(self, token: str) -> int:
        return self.pieces.index(token)

    def _convert_id_to_token(self, index: int) -> str:
        return self.pieces[index]

    def convert_tokens_to_string(self, tokens: list[str]) -> str:
        return self.join(tokens)


def _without_added(tokenizer: Tokenizer, keep: list[str]) -> Tokenizer:
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = [token for token in state["added_tokens"] if token["content"] in keep]
    return Tokenizer.from_str(json.dumps(state))
