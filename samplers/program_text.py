"""Fixed text of a program -> tokens, so that no byte of the text is changed.

The first text of a program is encoded as a prompt is: with what the tokenizer puts in front of a text. What
comes later stands in the middle of a text, where many tokenizers add a blank of their own; so the bytes of
what they give are compared with the bytes that were asked for. If they differ, the text is encoded behind a
line feed, which is taken off again, and at last spelled by the longest tokens that match, which is always
right. Names of special tokens in fixed text are these tokens, as in every prompt.
"""

from __future__ import annotations

from typing import Any

from ..decoding.generation_options import encode_prompt
from ..decoding.vocabulary import Vocabulary

_ANCHOR = "\n"


class TextEncoder:
    """Encodes for one tokenizer.

    vocabulary: that of the tokenizer.
    """

    def __init__(self, tokenizer: Any, vocabulary: Vocabulary) -> None:
        self._tokenizer = tokenizer
        self._vocabulary = vocabulary
        self._names = vocabulary.special_names
        self._anchor = self._encode(_ANCHOR)

    def first(self, text: str) -> list[int]:
        """The tokens of a text at the beginning of everything, and those that the tokenizer begins with."""
        return encode_prompt(self._tokenizer, text)

    def later(self, text: str) -> list[int]:
        """The tokens of a text that goes on after others.

        Raises:
            VocabularyError: the tokens of the vocabulary cannot spell it.
        """
        if not text:
            return []
        token_ids = self._encode(text)
        if self._spells(token_ids, text):
            return token_ids
        anchored = self._encode(_ANCHOR + text)
        token_ids = anchored[len(self._anchor) :]
        if anchored[: len(self._anchor)] == self._anchor and self._spells(token_ids, text):
            return token_ids
        return self._vocabulary.greedy_tokenize(text.encode())

    def spell(self, data: bytes) -> list[int]:
        """Tokens that spell some bytes, as the tokenizer would write them where they are text."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return self._vocabulary.greedy_tokenize(data)
        token_ids = self.later(text)
        if any(not self._vocabulary.token_bytes(token_id) for token_id in token_ids):
            return self._vocabulary.greedy_tokenize(data)  # it holds the name of a special token
        return token_ids

    def _encode(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def _spells(self, token_ids: list[int], text: str) -> bool:
        return b"".join(map(self._bytes_of, token_ids)) == text.encode()

    def _bytes_of(self, token_id: int) -> bytes:
        name = self._names.get(token_id)
        return self._vocabulary.token_bytes(token_id) if name is None else name.encode()
