"""What may come next: a grammar and a text in, the place where the text leaves the grammar and the bytes and
tokens out.

Texts are matched byte by byte: with a vocabulary of the 256 single bytes the engine is a recogniser.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from .decoding.bitmask import allocate_bitmask
from .decoding.compile import compile_grammar
from .decoding.matcher import Matcher
from .decoding.vocabulary import Vocabulary
from .grammars.errors import ConstraintError, line_and_column
from .grammars.grammar import Grammar

END_OF_TEXT = 256  # the id after those of the bytes


class Progress(NamedTuple):
    """How far a text went.

    matcher: over the vocabulary of bytes, after the accepted ones.
    n_accepted: number of bytes; n_bytes: of the whole text.
    """

    matcher: Matcher
    n_accepted: int
    n_bytes: int

    @property
    def is_prefix(self) -> bool:
        """Whether the grammar accepts every byte."""
        return self.n_accepted == self.n_bytes

    @property
    def is_complete(self) -> bool:
        """Whether the text is in the language."""
        return self.is_prefix and self.matcher.is_accepting


def match_text(grammar: Grammar, text: str) -> Progress:
    """Match a text from the start, as far as it goes."""
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[END_OF_TEXT])
    matcher = compile_grammar(grammar, vocabulary).matcher()
    data = text.encode()
    return Progress(matcher, matcher.try_accept_tokens(list(data)), len(data))


def place_and_caret(text: str, progress: Progress) -> str:
    """Words for the place where the text left the grammar, the line and a caret under it."""
    offset = len(text.encode()[: progress.n_accepted].decode("utf-8", "ignore"))
    what = "the text is not finished" if progress.is_prefix else "the text leaves the grammar"
    return str(ConstraintError(what, location=line_and_column(text, offset), source=text))


def describe_next(progress: Progress) -> str:
    """Words for what may come next: the forced text if there is one, otherwise the bytes."""
    forced = [byte for byte in progress.matcher.forced_tokens() if byte != END_OF_TEXT]
    if forced:
        return text_literal(bytes(forced))
    return describe_bytes(allowed_ids(progress.matcher, END_OF_TEXT + 1))


def allowed_ids(matcher: Matcher, vocab_size: int) -> list[int]:
    """The ids of the tokens that may come next, ascending."""
    bitmask = allocate_bitmask(1, vocab_size)
    matcher.fill_bitmask(bitmask)
    bits = np.unpackbits(bitmask[0].view(np.uint8), bitorder="little")
    return np.flatnonzero(bits[:vocab_size]).tolist()


def describe_bytes(values: Iterable[int]) -> str:
    """Bytes (and `END_OF_TEXT`) as a readable list with runs: `'"' 'a'..'z' 0x80..0xBF end of text`."""
    return " ".join(
        _byte_name(first) if first == last else f"{_byte_name(first)}..{_byte_name(last)}"
        for first, last in _runs(sorted(values))
    )


def text_literal(data: bytes) -> str:
    """Bytes as a Python literal of text, or of bytes where they are no whole characters."""
    try:
        return repr(data.decode())
    except UnicodeDecodeError:
        return repr(data)


def token_name(vocabulary: Vocabulary, token_id: int) -> str:
    """A token as a literal of its text; a special one by its name or its number."""
    names = {known: name for name, known in vocabulary.special_token_by_name.items()}
    data = vocabulary.token_bytes(token_id)
    return text_literal(data) if data else names.get(token_id, f"token {token_id}")


def _byte_name(value: int) -> str:
    if value == END_OF_TEXT:
        return "end of text"
    return repr(chr(value)) if 0x20 <= value < 0x7F else f"0x{value:02X}"


def _runs(values: list[int]) -> Iterator[tuple[int, int]]:
    start = 0
    for index in range(1, len(values) + 1):
        breaks = (
            index == len(values) or values[index] != values[index - 1] + 1 or values[index] == END_OF_TEXT
        )
        if breaks:
            # Two neighbours read better as two than as a run.
            if index - start == 2:
                yield from ((value, value) for value in values[start:index])
            else:
                yield values[start], values[index - 1]
            start = index
