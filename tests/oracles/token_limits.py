"""Rules that take so many tokens at most, by trying every way: texts as rows of pieces, patterns of `re`.

A token sequence is one of the language if its bytes can be cut into the pieces so that no piece shares bytes
with more tokens than its limit. That is all that `max_tokens` says; `is_cautious` adds what the engine does:
while a piece goes on after a token, it can end within its limit in tokens of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import product
from typing import NamedTuple


class Piece(NamedTuple):
    """A pattern, and the most tokens that share bytes with its text; None: any number."""

    pattern: str
    most: int | None = None


class TokenLimitOracle:
    """tokens: all texts of a vocabulary. most: tokens of the longest sequences that are tried."""

    def __init__(
        self, pieces: Sequence[Piece], tokens: Sequence[bytes], most: int, *, is_cautious: bool
    ) -> None:
        self.pieces, self.tokens, self.is_cautious = pieces, tokens, is_cautious
        self.sequences = [
            ids
            for length in range(most + 1)
            for ids in product(range(len(tokens)), repeat=length)
            if self._is_valid(ids)
        ]
        self._beginnings = {ids[:length] for ids in self.sequences for length in range(len(ids) + 1)}

    def allowed(self, ids: Sequence[int]) -> tuple[set[int], bool]:
        """The tokens that may come next, and whether the text may end."""
        here = tuple(ids)
        following = {token for token in range(len(self.tokens)) if (*here, token) in self._beginnings}
        return following, here in set(self.sequences)

    def _is_valid(self, ids: Sequence[int]) -> bool:
        text = b"".join(self.tokens[token] for token in ids).decode()
        ends = [len(b"".join(self.tokens[token] for token in ids[: n + 1])) for n in range(len(ids))]
        return any(
            all(self._fits(piece, text, span, ends) for piece, span in zip(self.pieces, spans, strict=True))
            for spans in self._cuts(text, len(self.pieces))
        )

    def _cuts(self, text: str, n_pieces: int, start: int = 0) -> Iterator[list[tuple[int, int]]]:
        """All ways to cut what comes from `start` on into so many pieces that match."""
        pattern = self.pieces[len(self.pieces) - n_pieces].pattern
        for end in range(start, len(text) + 1) if n_pieces > 1 else (len(text),):
            if not re.fullmatch(pattern, text[start:end]):
                continue
            if n_pieces == 1:
                yield [(start, end)]
                continue
            for rest in self._cuts(text, n_pieces - 1, end):
                yield [(start, end), *rest]

    def _fits(self, piece: Piece, text: str, span: tuple[int, int], ends: Sequence[int]) -> bool:
        if piece.most is None or span[0] == span[1]:
            return True
        first, last = span
        n_used = 0
        for end, before in zip(ends, [0, *ends[:-1]], strict=True):
            if end <= first or before >= last:
                continue
            n_used += 1
            if n_used > piece.most:
                return False
            goes_on = end < last
            if goes_on and self.is_cautious:
                left = fewest(piece.pattern, text[first:end], tuple(self.tokens))
                if left is None or n_used + left > piece.most:
                    return False
        return True


@lru_cache(None)
def fewest(pattern: str, begun: str, tokens: tuple[bytes, ...], most: int = 4) -> int | None:
    """The fewest tokens that lead from a beginning to a text of a pattern; None: more than `most`."""
    for n_tokens in range(most + 1):
        for spelled in product(tokens, repeat=n_tokens):
            if re.fullmatch(pattern, begun + b"".join(spelled).decode()):
                return n_tokens
    return None
