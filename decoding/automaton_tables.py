"""A compiled grammar in, the tables of its token automaton out: numpy arrays, no tensors.

The core visits all states of the grammar (`_ext/exports.hpp` says how, what it costs, and which grammars have
no end of states); here its answers become tables, and its refusals errors of our family. A *state* says all
about the text so far that matters to what may follow. State 0 is the one after EOS. A *class* is a set of
tokens that lead to the same state from every state, so the table has a column for a class, not for a token: a
few hundred for a vocabulary of 128,000. The rows of packed bits are made from it when they are asked for, one
for all states that allow the same tokens. Memory: 4 bytes for each state and class, and 16 KB for each of
those rows with 128,000 tokens.

Tables of several grammars over one vocabulary are joined by parting their classes until they serve all
(`join_tables`), so that rows of one batch may follow different grammars.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn, Protocol

import numpy as np
import numpy.typing as npt

from ..grammars.errors import LimitExceededError, UnsupportedFeatureError
from .arguments import checked_integer
from .errors import ArgumentValueError, BudgetTooSmallError

if TYPE_CHECKING:
    from .compile import CompiledGrammar

FINISHED = 0
"""The state after EOS, of every table."""
START = 1
NOT_ALLOWED = -1
UNBOUNDED = 2**30
"""The cost where no way to the end is known."""
NO_LIMIT = 2**31 - 1
MOST_STATES = 50_000
MOST_BYTES = 2**29
_LARGEST = 2**31 - 1
_LARGEST_BYTES = 2**40

_KEYS = (
    'close the objects with "additionalProperties": false (pydantic: extra="forbid"), or use GrammarProcessor'
)
_REFUSALS = {
    "nesting": (
        "a token automaton of rules that nest without bound",
        "give max_tokens=N, which bounds the nesting too, or use GrammarProcessor",
    ),
    "keys": ("a token automaton of objects with keys of any text, none of which may come twice", _KEYS),
    "items": (
        "a token automaton of arrays whose items have to differ, or not all to differ",
        "drop uniqueItems or its opposite, let the items have few values where they must differ, or use "
        "GrammarProcessor",
    ),
}


@dataclass(frozen=True, eq=False)
class AutomatonTables:
    """What a token automaton is made of; arrays of numpy, to be read only.

    token_classes: int32 [vocab_size], the class of each token.
    transitions: int32 [n_states, n_classes], the next state; -1: the class is not allowed. State 0 is the one
        after EOS, from which EOS leads back to it; nothing else is allowed there.
    costs: int32 [n_states], an upper bound on the tokens to the end, EOS included, that can always be met: in
        every state with a cost above 0 some token leads to a state that costs at least one less. What
        `Matcher.tokens_to_finish` says; `UNBOUNDED` where no end is known.
    accepting: bool [n_states], whether EOS is allowed.
    start_states: int32 [n_grammars].
    most_tokens: int32 [n_grammars], the most tokens that a document may have, EOS included; `NO_LIMIT` where
        the states are all there are.
    eos_token_ids: the ids that end a text.
    fingerprint: that of the vocabulary.
    """

    token_classes: npt.NDArray[np.int32]
    transitions: npt.NDArray[np.int32]
    costs: npt.NDArray[np.int32]
    accepting: npt.NDArray[np.bool_]
    start_states: npt.NDArray[np.int32]
    most_tokens: npt.NDArray[np.int32]
    eos_token_ids: tuple[int, ...]
    fingerprint: str

    @property
    def vocab_size(self) -> int:
        return len(self.token_classes)

    @property
    def n_states(self) -> int:
        return int(self.transitions.shape[0])

    @property
    def n_classes(self) -> int:
        return int(self.transitions.shape[1])

    @property
    def n_bytes(self) -> int:
        """Memory of the arrays, in bytes."""
        arrays = (self.token_classes, self.transitions, self.costs, self.accepting)
        return sum(array.nbytes for array in arrays)

    def mask_rows(
        self, *, max_bytes: int = MOST_BYTES
    ) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """The allowed tokens as packed bits, without any budget.

        Returns:
            masks: int32 [n_masks, ceil(vocab_size / 32)], all different; bits as `Matcher.fill_bitmask`.
            mask_of_state: int32 [n_states], the row of each state.

        Raises:
            LimitExceededError: the masks would have more than `max_bytes` bytes.
        """
        max_bytes = checked_integer("max_bytes", max_bytes, least=0, most=_LARGEST_BYTES)
        packed = np.packbits(self.transitions != NOT_ALLOWED, axis=1)
        _, firsts, mask_of_state = np.unique(packed, axis=0, return_index=True, return_inverse=True)
        n_words = (self.vocab_size + 31) // 32
        if len(firsts) * n_words * 4 > max_bytes:
            raise LimitExceededError(
                "bytes of the masks of a token automaton",
                given=len(firsts) * n_words * 4,
                limit=max_bytes,
                advice="raise max_bytes, or use the transitions and classes",
            )
        masks = np.zeros((len(firsts), n_words * 4), dtype=np.uint8)
        for row, state in enumerate(firsts):
            allowed = (self.transitions[state] != NOT_ALLOWED)[self.token_classes]
            bits = np.packbits(allowed, bitorder="little")
            masks[row, : len(bits)] = bits
        return masks.view("<i4").astype(np.int32, copy=False), mask_of_state.reshape(-1).astype(np.int32)


class Export(Protocol):
    """What is used here of `_ext.core.TokenExport`."""

    @property
    def last_text(self) -> bytes: ...
    def run(self) -> str: ...
    def tables(
        self,
    ) -> tuple[
        npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.int32], npt.NDArray[np.bool_]
    ]: ...


def export_tables(
    compiled: CompiledGrammar,
    begin: Callable[[CompiledGrammar, int, int, int], Export],
    *,
    max_states: int,
    max_bytes: int,
    max_tokens: int | None,
) -> AutomatonTables:
    """Visit all states of a grammar. begin: `_ext.core.TokenExport`.

    Raises: as `CompiledGrammar.token_automaton`.
    """
    max_states = checked_integer("max_states", max_states, least=1, most=_LARGEST)
    max_bytes = checked_integer("max_bytes", max_bytes, least=1, most=_LARGEST_BYTES)
    if max_tokens is not None:
        max_tokens = checked_integer("max_tokens", max_tokens, least=1, most=UNBOUNDED)
        needed = compiled.matcher().tokens_to_finish
        if needed > max_tokens:
            raise BudgetTooSmallError(needed, max_tokens, advice=f"raise max_tokens to {needed} or more")
    export = begin(compiled, max_states, max_bytes, -1 if max_tokens is None else max_tokens)
    outcome = export.run()
    if outcome != "complete":
        _refuse(outcome, export, max_states, max_bytes, max_tokens)
    token_classes, transitions, costs, accepting = export.tables()
    for array in (token_classes, transitions, costs, accepting):
        array.setflags(write=False)
    return AutomatonTables(
        token_classes,
        transitions,
        costs,
        accepting,
        start_states=np.array([START], dtype=np.int32),
        most_tokens=np.array([NO_LIMIT if max_tokens is None else max_tokens], dtype=np.int32),
        eos_token_ids=tuple(compiled.vocabulary.eos_token_ids),
        fingerprint=compiled.vocabulary.fingerprint,
    )


def _refuse(
    outcome: str, export: Export, max_states: int, max_bytes: int, max_tokens: int | None
) -> NoReturn:
    if outcome in _REFUSALS:
        feature, advice = _REFUSALS[outcome]
        raise UnsupportedFeatureError(feature, got=export.last_text, advice=advice)
    bounds = "give max_tokens=N" if max_tokens is None else "lower max_tokens"
    limit, option = (max_states, "max_states") if outcome == "states" else (max_bytes, "max_bytes")
    raise LimitExceededError(
        f"{outcome} of a token automaton",
        given=f"more (at {export.last_text[-60:]!r})",
        limit=limit,
        advice=f"raise {option}, {bounds}, or use GrammarProcessor",
    )


def join_tables(tables: Sequence[AutomatonTables], *, max_bytes: int = MOST_BYTES) -> AutomatonTables:
    """One table with the states of all, in their order, and one state after EOS for all.

    Raises:
        ArgumentValueError: there are none, or they are of different vocabularies.
        LimitExceededError: the table would have more than `max_bytes` bytes.
    """
    max_bytes = checked_integer("max_bytes", max_bytes, least=0, most=_LARGEST_BYTES)
    if not tables:
        raise ArgumentValueError("automata must be at least one", got=list(tables))
    first = tables[0]
    for index, table in enumerate(tables):
        if table.fingerprint != first.fingerprint:
            raise ArgumentValueError(
                f"automata[{index}] must be of the same vocabulary as automata[0]",
                got=f"vocab_size {table.vocab_size}, EOS {list(table.eos_token_ids)}",
            )
    token_classes = np.zeros(first.vocab_size, dtype=np.int64)
    for table in tables:
        pairs = token_classes * table.n_classes + table.token_classes
        token_classes = np.unique(pairs, return_inverse=True)[1].reshape(-1)
    _, representatives = np.unique(token_classes, return_index=True)
    n_states = 1 + sum(table.n_states - 1 for table in tables)
    n_bytes = n_states * len(representatives) * 4
    if n_bytes > max_bytes:
        raise LimitExceededError(
            "bytes of joined token automata",
            given=n_bytes,
            limit=max_bytes,
            advice="raise max_bytes, or join fewer grammars",
        )
    transitions = np.empty((n_states, len(representatives)), dtype=np.int32)
    starts: list[npt.NDArray[np.int32]] = []
    at = 1
    for table in tables:
        own = table.transitions[:, table.token_classes[representatives]]
        moved = np.where(own > FINISHED, own + (at - 1), own)
        transitions[FINISHED] = moved[FINISHED]
        transitions[at : at + table.n_states - 1] = moved[1:]
        starts.append(table.start_states + (at - 1))
        at += table.n_states - 1
    return AutomatonTables(
        token_classes.astype(np.int32),
        transitions,
        np.concatenate([first.costs[:1], *(table.costs[1:] for table in tables)]),
        np.concatenate([first.accepting[:1], *(table.accepting[1:] for table in tables)]),
        start_states=np.concatenate(starts).astype(np.int32),
        most_tokens=np.concatenate([table.most_tokens for table in tables]),
        eos_token_ids=first.eos_token_ids,
        fingerprint=first.fingerprint,
    )
