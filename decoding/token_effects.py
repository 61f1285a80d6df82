"""What each token does to a count: a vocabulary and a length automaton in, effects of all tokens out.

A *place* is a context of the automaton and a node of UTF-8, since a token may end inside a character. From a
place, tokens with the same effect (units counted, next place) are one *group*; there are a few dozen groups
for 128,000 tokens, so a mask is a verdict on each group, spread over the tokens. The groups of a place are
found when it is first reached, all tokens at once, byte by byte (5 to 20 ms for 128,000 tokens), and kept.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .character_classes import INVALID, ROOT, ByteTable, completed, make_byte_table
from .length_automata import NOT_WRITTEN, LengthAutomaton
from .vocabulary import Vocabulary

Place = tuple[int, int]
"""(context, node)"""


@dataclass(frozen=True, eq=False)
class Groups:
    """The effects of the tokens from one place.

    token_ids, of_token_ids: int64 [n], tokens that may be written here as far as their first byte goes, and
        the group of each. Group 0 has those that may not be written; so has every token that is not listed.
    contexts, nodes, units: int64 [n_groups], the place after the token and the units that it counts.
    """

    token_ids: npt.NDArray[np.int64]
    of_token_ids: npt.NDArray[np.int64]
    contexts: npt.NDArray[np.int64]
    nodes: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]

    def spread(self, verdicts: npt.NDArray[np.bool_], vocab_size: int) -> npt.NDArray[np.bool_]:
        """What is said of each group, said of each token: bool [vocab_size]."""
        return spread(self.token_ids, self.of_token_ids, verdicts, vocab_size)


def spread(
    token_ids: npt.NDArray[np.int64],
    of_token_ids: npt.NDArray[np.int64],
    verdicts: npt.NDArray[np.bool_],
    vocab_size: int,
) -> npt.NDArray[np.bool_]:
    """What is said of each group, said of each token: bool [vocab_size], False where it has no group."""
    result = np.zeros(vocab_size, dtype=bool)
    result[token_ids] = verdicts[of_token_ids]
    return result


class TokenEffects:
    """Effects of the tokens of one vocabulary on one automaton.

    counts_tokens: the unit is the token: each counts one, whatever it spells.
    """

    def __init__(self, vocabulary: Vocabulary, automaton: LengthAutomaton, *, counts_tokens: bool) -> None:
        self.automaton = automaton
        self.counts_tokens = counts_tokens
        alone = np.ones(256, dtype=bool)
        alone[list(vocabulary.missing_bytes(range(256)))] = False
        self.bytes: ByteTable = make_byte_table(automaton.classes, alone)
        self.vocab_size = vocabulary.vocab_size
        self._offsets = vocabulary.token_offsets.astype(np.int64)
        self._buffer = vocabulary.token_buffer
        text = vocabulary.text_token_ids.astype(np.int64)
        # Longest first, so that the tokens that have a byte at some position are a slice.
        text = text[np.argsort(-np.diff(self._offsets)[text], kind="stable")]
        first_bytes = self._buffer[self._offsets[text]]
        self._text_ids = text
        self._continuing_ids = text[(first_bytes >= 0x80) & (first_bytes < 0xC0)]
        self._groups: dict[Place, Groups] = {}

    def after_bytes(self, place: Place, data: bytes) -> tuple[Place, int] | None:
        """The place after some bytes and the units counted; None: they may not be written."""
        context, node = place
        units = int(self.counts_tokens)
        for byte in data:
            entry = int(self.bytes.after[node, byte])
            if entry >= ROOT:
                node = entry
                continue
            if entry == INVALID:
                return None
            character_class = completed(entry)
            if not self.counts_tokens:
                units += int(self.automaton.units[context, character_class])
            context, node = int(self.automaton.after[context, character_class]), ROOT
            if context == NOT_WRITTEN:
                return None
        return (context, node), units

    def groups(self, place: Place) -> Groups:
        """The groups of all tokens from a place."""
        if place not in self._groups:
            context, node = place
            # Few tokens begin inside a character: these are walked from all contexts at once.
            contexts = [context] if node == ROOT else list(range(self.automaton.n_contexts))
            token_ids = self._text_ids if node == ROOT else self._continuing_ids
            found = self._find_groups(np.array(contexts), node, token_ids)
            self._groups.update(zip([(each, node) for each in contexts], found, strict=True))
        return self._groups[place]

    def _find_groups(
        self, first_contexts: npt.NDArray[np.int64], node: int, token_ids: npt.NDArray[np.int64]
    ) -> list[Groups]:
        """The groups of some tokens, longest first, from a node and each of several contexts."""
        starts = self._offsets[token_ids]
        lengths = self._offsets[token_ids + 1] - starts
        contexts = np.repeat(first_contexts[:, None], len(token_ids), axis=1)
        units = np.full(contexts.shape, int(self.counts_tokens), dtype=np.int64)
        nodes = np.full(len(token_ids), node, dtype=np.int64)
        n_nodes = len(self.bytes.after)
        for position in range(int(lengths.max(initial=0))):
            n_here = int(np.count_nonzero(lengths > position))
            entries = self.bytes.after[nodes[:n_here], self._buffer[starts[:n_here] + position]]
            at = np.flatnonzero(entries < INVALID)
            classes, before = completed(entries[at]), contexts[:, at]
            # A token that left the automaton stays at context NOT_WRITTEN, whatever it reads.
            is_written = before != NOT_WRITTEN
            if not self.counts_tokens:
                units[:, at] += np.where(is_written, self.automaton.units[before, classes], 0)
            contexts[:, at] = np.where(is_written, self.automaton.after[before, classes], NOT_WRITTEN)
            contexts[:, np.flatnonzero(entries == INVALID)] = NOT_WRITTEN
            nodes[:n_here] = np.maximum(entries, ROOT)
        keys = (units * self.automaton.n_contexts + contexts) * n_nodes + nodes
        keys[contexts == NOT_WRITTEN] = -1
        return [self._group(token_ids, row) for row in keys]

    def _group(self, token_ids: npt.NDArray[np.int64], keys: npt.NDArray[np.int64]) -> Groups:
        """keys: by token, units, context and node in one number, or -1."""
        values, groups = np.unique(np.append(keys, -1), return_inverse=True)
        rest, nodes = np.divmod(values, len(self.bytes.after))
        units, contexts = np.divmod(rest, self.automaton.n_contexts)
        contexts[0] = NOT_WRITTEN
        return Groups(token_ids, groups.reshape(-1)[:-1], contexts, nodes, units)
