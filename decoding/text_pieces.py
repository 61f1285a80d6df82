"""Generated tokens as they come -> pieces of text for a caller's function, cut between characters.

transformers calls a streamer with the prompt first, and then with each token. A token may hold a part of a
character; such bytes wait for the rest of it. The pieces together are the text of the result.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable
from typing import Any

from .vocabulary import Vocabulary


class TextPieces:
    """A streamer (`put`, `end`) for `model.generate(streamer=...)` with one prompt."""

    def __init__(self, vocabulary: Vocabulary, on_text: Callable[[str], object]) -> None:
        self._vocabulary = vocabulary
        self._on_text = on_text
        self._decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
        self._is_prompt = True

    def put(self, value: Any) -> None:
        """The prompt, or the next token: an integer tensor."""
        if self._is_prompt:
            self._is_prompt = False
            return
        data = b"".join(map(self._vocabulary.token_bytes, value.flatten().tolist()))
        self._hand_on(self._decoder.decode(data))

    def end(self) -> None:
        """The last token has come."""
        self._hand_on(self._decoder.decode(b"", True))

    def _hand_on(self, piece: str) -> None:
        if piece:
            self._on_text(piece)
