"""What may come next: a grammar and a text in, the place where the text leaves the grammar and the bytes and
tokens out.

Texts are read byte by byte, so the vocabulary does not matter; the 256 single bytes will do.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .decoding.bitmask import allocate_bitmask, unpack_bitmask
from .decoding.compile import compile_grammar
from .decoding.matcher import Matcher
from .decoding.vocabulary import Vocabulary
from .grammars.errors import ConstraintError, line_and_column
from .grammars.grammar import Grammar


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
    vocabulary = Vocabulary([bytes([byte]) for byte in range(256)] + [b""], eos_token_ids=[256])
    matcher = compile_grammar(grammar, vocabulary).matcher()
    data = text.encode()
    n_accepted = matcher.try_read(data)
    matcher.read_bytes(data[:n_accepted])
    return Progress(matcher, n_accepted, len(data))


def place_and_caret(text: str, progress: Progress) -> str:
    """Words for the place where the text left the grammar, the line and a caret under it."""
    offset = len(text.encode()[: progress.n_accepted].decode("utf-8", "ignore"))
    what = "the text is not finished" if progress.is_prefix else "the text leaves the grammar"
    return str(ConstraintError(what, location=line_and_column(text, offset), source=text))


def next_bytes(progress: Progress) -> dict[str, Any]:
    """For programs: the bytes that may come next, the text that must come, and whether the text may end."""
    matcher = progress.matcher
    return {
        "next_bytes": sorted(matcher.next_bytes()),
        "forced_text": matcher.forced_bytes().decode(errors="replace"),
        "may_end": matcher.is_accepting,
    }


def describe_next(progress: Progress) -> str:
    """Words for what may come next: the forced text if there is one, otherwise the bytes."""
    forced = progress.matcher.forced_bytes()
    return text_literal(forced) if forced else progress.matcher.describe_next()


def allowed_ids(matcher: Matcher, vocab_size: int) -> list[int]:
    """The ids of the tokens that may come next, ascending."""
    bitmask = allocate_bitmask(1, vocab_size)
    matcher.fill_bitmask(bitmask)
    return np.flatnonzero(unpack_bitmask(bitmask[0], vocab_size)).tolist()


def text_literal(data: bytes) -> str:
    """Bytes as a Python literal of text, or of bytes where they are no whole characters."""
    try:
        return repr(data.decode())
    except UnicodeDecodeError:
        return repr(data)


def token_name(vocabulary: Vocabulary, token_id: int) -> str:
    """A token as a literal of its text; a special one by its name or its number."""
    data = vocabulary.token_bytes(token_id)
    return text_literal(data) if data else vocabulary.special_names.get(token_id, f"token {token_id}")
