"""The tokenizer of a run: documents become token ids, and engines build their vocabularies from it.

In: a folder with a Hugging Face tokenizer (and `config.json`, whose `vocab_size` is the model's). Out: token
ids, the size of a mask, the end-of-sequence ids, the bytes of each token. Loading takes seconds, so it
happens once in the parent process, before any clock; a worker inherits the loaded tokenizer by `fork`, or
loads it again where processes are spawned.
"""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

WORD_START = "\N{LOWER ONE EIGHTH BLOCK}"  # how SentencePiece writes a space


class Tokenizer(Protocol):
    """What the harness needs; the engines of `engines/` want a `TokenizerFolder`."""

    @property
    def vocabulary_size(self) -> int: ...

    @property
    def eos_token_ids(self) -> list[int]: ...

    @property
    def token_bytes(self) -> list[bytes]: ...

    def load(self) -> None:
        """Load all that is loaded on demand, so that no clock runs over it."""

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""


class TokenizerFolder:
    """A Hugging Face tokenizer in a local folder.

    Raises FileNotFoundError if the folder has no tokenizer, ValueError if that has no end-of-sequence token.
    """

    def __init__(self, folder: Path) -> None:
        if not any((folder / name).exists() for name in ("tokenizer.json", "tokenizer_config.json")):
            found = (
                "has no tokenizer.json and no tokenizer_config.json" if folder.is_dir() else "is no folder"
            )
            raise FileNotFoundError(
                f"--tokenizer {folder}: {found}; give a folder with a Hugging Face tokenizer"
            )
        self.folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return (TokenizerFolder, (self.folder,))  # a spawned process loads again, nothing large is sent

    @cached_property
    def huggingface(self) -> PreTrainedTokenizerBase:
        from transformers import AutoTokenizer

        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(str(self.folder))
        return tokenizer

    @cached_property
    def vocabulary_size(self) -> int:
        """The model's vocabulary, from config.json where there is one: it may exceed the tokenizer's."""
        config = self.folder / "config.json"
        declared = (
            json.loads(config.read_text(encoding="utf-8")).get("vocab_size") if config.exists() else None
        )
        return max(int(declared or 0), len(self.huggingface))

    @cached_property
    def eos_token_ids(self) -> list[int]:
        eos = self.huggingface.eos_token_id
        if eos is None:
            raise ValueError(
                f"{self.folder}: the tokenizer names no eos_token; add it to tokenizer_config.json"
            )
        return [int(eos)] if not isinstance(eos, list) else [int(one) for one in eos]

    @cached_property
    def token_bytes(self) -> list[bytes]:
        """The bytes of each token, by id; empty for special tokens and for ids that no token has."""
        special = set(self.huggingface.all_special_ids)
        added = self.huggingface.added_tokens_decoder
        vocabulary: dict[str, int] = self.huggingface.get_vocab()
        sentencepiece = any(
            WORD_START in token for token, token_id in vocabulary.items() if token_id not in added
        )
        decode = _decode_sentencepiece if sentencepiece else _decode_byte_level
        result = [b""] * self.vocabulary_size
        for token, token_id in vocabulary.items():
            if token_id in added:
                result[token_id] = b"" if token_id in special or added[token_id].special else token.encode()
            else:
                result[token_id] = decode(token)
        return result

    def load(self) -> None:
        _ = self.huggingface, self.vocabulary_size, self.eos_token_ids, self.token_bytes

    def encode(self, text: str) -> list[int]:
        token_ids: list[int] = self.huggingface.encode(text, add_special_tokens=False)
        return token_ids


def byte_level_alphabet() -> dict[str, int]:
    """Which byte each character of a byte-level BPE token stands for (GPT-2's table).

    Printable Latin-1 bytes stand for themselves, the others for the characters from U+0100 on, in order.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    shown = {chr(byte): byte for byte in printable}
    shown.update({chr(0x100 + place): byte for place, byte in enumerate(others)})
    return shown


_ALPHABET = byte_level_alphabet()


def _decode_byte_level(token: str) -> bytes:
    if all(character in _ALPHABET for character in token):
        return bytes(_ALPHABET[character] for character in token)
    return token.encode()


def _decode_sentencepiece(token: str) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes.fromhex(token[3:5])
    return token.replace(WORD_START, " ").encode()
