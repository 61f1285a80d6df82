"""The compiled core: what it takes and gives. The algorithms are in the headers beside `core.pyx`, which
names them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from typing_extensions import Self

def set_error_hooks(
    limit: Callable[[str, int], Exception], recursion: Callable[[str, str], Exception]
) -> None:
    """`limit(what, most)` and `recursion(message)` make the exceptions that the core raises for them."""

class Lexicon:
    """The tables of one vocabulary, shared by all grammars that are compiled for it."""

    n_tokens: int
    vocab_size: int
    end_token_ids: tuple[int, ...]
    def __init__(
        self,
        token_buffer: npt.NDArray[np.uint8],
        token_offsets: npt.NDArray[np.int32],
        vocab_size: int,
        end_token_ids: Iterable[int],
        any_text: object,
    ) -> None:
        """token_buffer: uint8 [bytes]; token_offsets: int32 [n_tokens + 1], empty spans never match as
        text.
        """
    @property
    def n_automaton_states(self) -> int:
        """States of lazy automata made so far."""

    @property
    def n_bytes(self) -> int:
        """Memory of the tables learnt so far, about."""

    @property
    def spells_all(self) -> bool:
        """Whether every byte of UTF-8 is a token by itself, so that every text can be spelled."""

class Compiled:
    """A grammar on a vocabulary. Immutable for its user; learns as it is used."""

    lexicon: Lexicon
    grammar: Any
    def __init__(
        self, lexicon: Lexicon, grammar: object, edge_kinds: Sequence[type], outlines: Sequence[type]
    ) -> None:
        """edge_kinds: the six edge classes of the contract. outlines: those of objects and arrays."""
    @property
    def n_states(self) -> int:
        """Matcher states met so far."""
    @property
    def n_grammar_states(self) -> int:
        """Grammar states known so far."""
    @property
    def tokens_to_finish(self) -> int | None:
        """Tokens of a shortest document, EOS included; None if the vocabulary cannot spell it, or no bound is
        known.
        """
    @property
    def can_end(self) -> bool:
        """Whether the vocabulary can spell a document."""
    def tokens_of_terminal(self, expression: object) -> int | None:
        """The fewest tokens of a text of a terminal, an expression; None if none spell one."""
    def shortest_text(self, most: int = 10000) -> bytes:
        """The text of the document that `tokens_to_finish` counts (its first `most` bytes or a little
        more).
        """

class Matcher:
    """The state of one sequence."""

    compiled: Any
    def __new__(cls, compiled: Compiled) -> Self: ...
    def accept_token(self, token_id: int) -> None:
        """Go on by one token (EOS included); if it is not allowed, raise and leave the state as it was."""
    def try_accept_tokens(self, token_ids: Iterable[int]) -> int:
        """Accept tokens up to the first illegal one; how many were accepted."""
    def allows_token(self, token_id: int) -> bool:
        """Whether the token may come next: a walk over its bytes, no mask."""
    def fill_bitmask(self, bitmask: Any, row: int = 0, budget: int | None = None) -> None:
        """Write the allowed tokens into a row of packed int32 bits.

        bitmask: int32, shape [rows, ceil(vocab_size / 32)] or [ceil(vocab_size / 32)], numpy or CPU torch
        memory;
            wider rows are filled with zeros.
        budget: tokens that may still be written, EOS included; tokens after which no complete document fits
        are
            cleared. After EOS the row allows EOS only.
        """
    def row_id(self, budget: int | None = None) -> int:
        """A number for what `fill_bitmask` writes: equal numbers of one compiled grammar, equal rows.

        -1: none is known (after EOS, where the text so far decides too, where a budget may forbid something).
        """
    def forced_tokens(self) -> list[int]:
        """Tokens that spell the bytes that must come next (longest match), and EOS after them if the text
        must end there.
        """
    def forced_bytes(self) -> bytes:
        """The bytes that every continuation begins with."""
    def next_bytes(self) -> set[int]:
        """The byte values that may come next."""
    def try_read(self, text: bytes) -> int:
        """How many bytes of a text can be read from here; the state is not changed."""
    def read_bytes(self, text: bytes) -> bool:
        """Go on by bytes, whatever the tokens; False and no change if impossible.

        They are one step of `rollback`, and one token of a rule that takes so many at most.
        """
    def rollback(self, n_tokens: int) -> None:
        """Take back the last tokens."""
    def reset(self) -> None:
        """Back to the beginning."""
    def copy(self) -> Self:
        """A matcher in the same state, with the same history."""
    @property
    def n_accepted(self) -> int:
        """Tokens accepted so far, EOS included."""
    @property
    def state_id(self) -> int:
        """Equal states of one compiled grammar have equal numbers; -1 after EOS."""
    @property
    def temperature(self) -> float | None:
        """The temperature of the rule of the grammar in which the text is; None: it has none.

        A text that is between two terminals is in those that may begin. Where it can be read in several ways
        it is the highest of theirs; those without one do not count.
        """
    @property
    def is_accepting(self) -> bool:
        """Whether the text may end here (EOS is allowed, or has been accepted)."""
    @property
    def is_terminated(self) -> bool:
        """Whether EOS has been accepted."""
    @property
    def tokens_to_finish(self) -> int:
        """An upper bound on the tokens to a complete document, EOS included, that can always be met."""

def fill_bitmasks(
    matchers: Sequence[Matcher],
    bitmask: Any,
    rows: Sequence[int] | None = None,
    budgets: Sequence[int | None] | None = None,
) -> None:
    """Fill row `rows[i]` (default i) for each matcher, the interpreter lock released while rows are
    computed.
    """

def forbid_tokens(scores: Any, bits: Any, pattern: int, rows: Sequence[int] | None = None) -> None:
    """Write `pattern` over the scores whose bit is not set, and over those that have none.

    scores: words of the size of a score, shape [rows, columns]; bits: int32, shape [rows, words]; both with
    contiguous rows. rows: the rows of both; by default all.
    """

def mask_scores(
    scores: int,
    stride: int,
    out: int,
    n: int,
    columns: int,
    item_size: int,
    bits: Any,
    pattern: int,
    rows: Sequence[int],
) -> list[int]:
    """Write `pattern` where the bit of `rows` is not set: in place, or into a copy, which has the other rows
    as they are.

    scores: address of n rows of `columns` scores of `item_size` bytes (2, 4 or 8), each contiguous, which
    begin `stride` scores apart. out: address of the copy, whose rows lie one after the other; 0: in place.
    bits: int32, shape [at least n, words]. Returns the rows of `rows` where no other score than `pattern` is
    left.
    """

def read_next_column(shown: npt.NDArray[np.int64], width: int, address: int, stride: int) -> list[int] | None:
    """The tokens in column `width` of some rows, written into `shown` too, if the columns before it are those
    of `shown` (shape [rows, more than width]); else None. address: of as many rows of at least width + 1
    tokens, int64, which begin `stride` tokens apart.
    """

class PlainSurvey:
    """Passes over plain schemas for a `Survey` of the front end of JSON Schema."""

    def __init__(
        self,
        waiting: list[tuple[Any, Any, Any]],
        seen: set[tuple[int, int]],
        plans: dict[int, Any],
        standard: dict[int, Any],
        root: Any,
        types: frozenset[str],
        formats: frozenset[str],
    ) -> None:
        """waiting: (schema, context, place) of what is to be visited, the next one last. seen: (identity,
        index of the context) of what has been. plans: by index of a context, how keywords are checked in
        it. standard: by draft, how they are where all have their usual meaning. root: the context of the
        document. types: the names of types. formats: those with nothing to report.
        """
    def __call__(self) -> None:
        """Take plain schemas off, put what stands in them on, as long as a plain one is the next."""

class TokenExport:
    """The states of a grammar as one table over tokens, visited all at once."""

    compiled: Any
    def __init__(self, compiled: Compiled, most_states: int, most_bytes: int, most_tokens: int = -1) -> None:
        """most_tokens: -1, or the length of the longest document, EOS included."""
    def run(self) -> str:
        """Visit all states; how it ended: "complete", the limit ("states", "bytes") or what has no end
        ("nesting", "keys", "items").
        """
    @property
    def n_states(self) -> int:
        """States met so far, the one after EOS included."""
    @property
    def n_bytes(self) -> int:
        """Memory that the export takes, the table that it would give included."""
    @property
    def last_text(self) -> bytes:
        """A shortest text that leads to where the export was given up."""
    def tables(
        self,
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.bool_]]:
        """Of a complete export: token_classes int32 [vocab_size], transitions int32 [n_states, n_classes]
        (-1: not allowed; state 0: after EOS; state 1: the start), costs int32 [n_states], accepting bool
        [n_states].
        """
