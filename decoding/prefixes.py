"""Which matcher belongs to which row of `input_ids`: rows of token ids in, matchers that have read them out.

A logits processor is handed whole sequences and is told nothing else: not where the prompt ends, not that
beams were reordered, not that a draft was thrown away, not that this is the next `generate()`. So nothing
here counts calls. The state of a row is a function of its generated tokens alone: it is found from the row
seen before that shares the longest prefix with it, by copying that row's matcher, rolling back and accepting
the rest (all three cost microseconds).

What has to be inferred, unless `prompt_length` is given, is where the prompt ends. The first call of a
generation shows the prompt alone; every later row is a prefix that was seen before and at most one token.
Anything else begins a new generation. A few generations are kept, because a draft model with a tokenizer of
its own takes turns with the main model. One case cannot be told apart from a draft that was thrown away: the
next prompt is an earlier prompt with one more token, that token is legal in the grammar, and drafts were
seen (or the earlier prompt came twice). For it there are `prompt_length` and `reset()`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from .._ext import core
from .errors import ArgumentValueError

TokenIds = npt.NDArray[np.int64]

LEAST_ROOM = 64  # tokens that a row can go on before its memory is made larger
_MOST_GENERATIONS = 4  # kept at a time: the main model, its drafter, and two more


class MakesMatchers(Protocol):
    """A compiled grammar, or what stands for one: its matchers accept, copy, roll back, know the end."""

    def matcher(self) -> Any:
        """A matcher at the beginning of a text."""


class Row:
    """One sequence: its generated tokens and a matcher that has read them.

    n_tokens: how many tokens were generated, padding after EOS included.
    n_accepted: how many of them the matcher has accepted.
    """

    __slots__ = ("_memory", "grammar_index", "matcher", "n_accepted", "n_tokens")

    def __init__(self, matcher: Any, grammar_index: int, tokens: TokenIds, n_accepted: int = 0) -> None:
        self.matcher = matcher
        self.grammar_index = grammar_index
        self.n_tokens = len(tokens)
        self.n_accepted = n_accepted
        self._memory = tokens
        if n_accepted < self.n_tokens and not matcher.is_terminated:
            self.n_accepted += matcher.try_accept_tokens(tokens[n_accepted:].tolist())

    @property
    def tokens(self) -> TokenIds:
        """What was generated: int64, shape [n_tokens]."""
        return self._memory[: self.n_tokens]

    @property
    def is_live(self) -> bool:
        """Whether a token is wanted: not after EOS (padding), not after a token that the grammar rejects
        (drafts).
        """
        return self.n_accepted == self.n_tokens and not self.matcher.is_terminated

    @property
    def is_outside(self) -> bool:
        """Whether the grammar rejects one of the tokens (padding after EOS is not rejected)."""
        return self.n_accepted < self.n_tokens and not self.matcher.is_terminated

    def branch(self, tokens: TokenIds) -> Row:
        """The row of other tokens, of any length, made from this one."""
        kept = min(common_prefix_length(self.tokens, tokens), self.n_accepted)
        matcher = self.matcher.copy()
        if kept < self.n_accepted:
            matcher.rollback(self.n_accepted - kept)
        return Row(matcher, self.grammar_index, tokens, kept)

    def go_on(self, token: int) -> None:
        """Read one token more, which stands in the row's memory already."""
        was_read = self.is_live
        self.n_tokens += 1
        if was_read:
            self.n_accepted += self.matcher.try_accept_tokens((token,))

    def move(self, memory: TokenIds) -> None:
        """Have the tokens elsewhere from now on: int64, shape [at least n_tokens], beginning with them."""
        self._memory = memory


class PrefixTracker:
    """Follows the rows of one `generate()` after the other.

    grammars: one for all rows, or one for each prompt; with beams or several sequences for each prompt, which
        transformers lays out next to each other, row i belongs to grammar i // (rows / grammars).
    prompt_length: the width of the prompt with its padding; None: inferred as said above.
    """

    def __init__(self, grammars: Sequence[MakesMatchers], *, prompt_length: int | None = None) -> None:
        self._grammars = tuple(grammars)
        self._prompt_length = prompt_length
        self._generations: list[_Generation] = []

    def reset(self) -> None:
        """Forget everything: the next call shows a new prompt."""
        self._generations.clear()

    def follow(self, input_ids: TokenIds, *, is_draft: bool = False) -> list[Row]:
        """Rows for `input_ids` (int64, shape [rows, tokens], prompts included), in the same order.

        is_draft: the rows are known to be cut out of longer ones, that is, to begin a draft.

        Raises:
            ArgumentValueError: the number of rows does not fit the number of grammars, or a row is shorter
                than `prompt_length`.
        """
        n_rows, width = input_ids.shape
        if self._prompt_length is not None:
            if width < self._prompt_length:
                raise ArgumentValueError(
                    f"the rows must be at least as long as prompt_length={self._prompt_length}",
                    got=width,
                    advice="prompt_length is the width of the padded prompt in tokens",
                )
            if not self._generations or self._generations[0].n_rows != n_rows:
                self._generations = [self._begin(input_ids[:, : self._prompt_length])]
            return self._generations[0].jump(input_ids)
        for position in range(len(self._generations) - 1, -1, -1):
            generation = self._generations[position]
            if generation.step(input_ids, is_draft):
                self._generations.append(self._generations.pop(position))
                return generation.rows
        generation = self._begin(input_ids)
        generation.has_drafts = is_draft
        self._generations = [*self._generations[1 - _MOST_GENERATIONS :], generation]
        return generation.rows

    def go_on(
        self, address: int, row_stride: int, shape: Sequence[int], *, is_draft: bool
    ) -> list[Row] | None:
        """The rows, if each is what it was in the last call and one token more: the step of every decoding,
        for which nothing is copied. None, and nothing changed, if they are not.

        address, row_stride: where int64 of this shape lie in the memory of the host; the stride in tokens.
        """
        generation = self._generations[-1] if self._generations else None
        if generation is None or not generation.go_on(address, row_stride, shape):
            return None
        generation.has_drafts |= is_draft
        return generation.rows

    def _begin(self, prompt: TokenIds) -> _Generation:
        n_rows, n_grammars = len(prompt), len(self._grammars)
        if n_rows % n_grammars:
            raise ArgumentValueError(
                f"the number of rows must be a multiple of the {n_grammars} grammars",
                got=n_rows,
                advice="give one grammar, or one for each prompt of the batch",
            )
        each = n_rows // n_grammars
        nothing = np.empty((n_rows, 0), dtype=np.int64)
        rows = [
            Row(self._grammars[i // each].matcher(), i // each, tokens) for i, tokens in enumerate(nothing)
        ]
        return _Generation(prompt, rows)


class _Generation:
    """The rows that grew out of one batch of prompts, as the last call showed them."""

    def __init__(self, prompt: TokenIds, rows: list[Row]) -> None:
        self._prompt_width = prompt.shape[1]
        self.has_drafts = False  # whether a token may be taken back: drafts were seen, or a prefix came again
        self._keep(prompt, rows)

    @property
    def n_rows(self) -> int:
        return len(self.rows)

    def go_on(self, address: int, row_stride: int, shape: Sequence[int]) -> bool:
        """Read one token more in every row, if nothing else has changed; see `PrefixTracker.go_on`."""
        if shape[0] != len(self.rows) or shape[1] != self._width + 1:
            return False
        if self._width == self._shown.shape[1]:
            self._keep(self._shown, self.rows)
        tokens = core.read_next_column(self._shown, self._width, address, row_stride)
        if tokens is None:
            return False
        self._width += 1
        for row, token in zip(self.rows, tokens, strict=True):
            row.go_on(token)
        return True

    def step(self, input_ids: TokenIds, is_draft: bool) -> bool:
        """Go to these rows if they can belong to this generation; otherwise change nothing."""
        prompt_width = self._prompt_width
        if input_ids.shape[0] != self.n_rows or input_ids.shape[1] < prompt_width:
            return False
        if self._goes_on(input_ids):
            self.has_drafts |= is_draft
            return True
        if not np.array_equal(self._shown[:, :prompt_width], input_ids[:, :prompt_width]):
            return False
        tokens = input_ids[:, prompt_width:]
        parents = self._parents(tokens)
        width = tokens.shape[1]
        shared = [
            common_prefix_length(parent.tokens, row) for parent, row in zip(parents, tokens, strict=True)
        ]
        if min(shared) < width - 1:
            return False
        rows = [parent.branch(row) for parent, row in zip(parents, tokens, strict=True)]
        is_shown_again = min(shared) == width
        if input_ids.shape[1] <= self._width and not is_shown_again:
            # A token that takes the place of a draft's is one that the mask allowed.
            is_next_prompt = not self.has_drafts or any(row.is_outside for row in rows)
            if is_next_prompt:
                return False
        self.has_drafts |= is_draft or is_shown_again
        self._keep(input_ids, rows)
        return True

    def jump(self, input_ids: TokenIds) -> list[Row]:
        """Go to any generated tokens, whatever was shown before."""
        if not self._goes_on(input_ids):
            tokens = input_ids[:, self._prompt_width :]
            parents = self._parents(tokens)
            self._keep(input_ids, [parent.branch(row) for parent, row in zip(parents, tokens, strict=True)])
        return self.rows

    def _goes_on(self, input_ids: TokenIds) -> bool:
        rows = np.ascontiguousarray(input_ids)
        return self.go_on(rows.ctypes.data, rows.shape[1], rows.shape)

    def _keep(self, input_ids: TokenIds, rows: list[Row]) -> None:
        """Have these rows from now on, in memory of their own that has room for what will come."""
        self._width = input_ids.shape[1]
        self._shown = np.empty((len(rows), 2 * self._width + LEAST_ROOM), dtype=np.int64)
        self._shown[:, : self._width] = input_ids
        self.rows = rows
        for row, memory in zip(rows, self._shown, strict=True):
            row.move(memory[self._prompt_width :])

    def _parents(self, tokens: TokenIds) -> list[Row]:
        """For each new row the row of the last call, of the same grammar, with which it shares most."""
        by_tokens = {(row.grammar_index, row.tokens.tobytes()): row for row in self.rows}
        parents = []
        for index, row_tokens in enumerate(tokens):
            grammar_index = self.rows[index].grammar_index
            parent = by_tokens.get((grammar_index, row_tokens[:-1].tobytes()))  # beams end here
            if parent is None:
                candidates = [row for row in self.rows if row.grammar_index == grammar_index]
                parent = max(candidates, key=lambda row: common_prefix_length(row.tokens, row_tokens))
            parents.append(parent)
        return parents


def common_prefix_length(first: TokenIds, second: TokenIds) -> int:
    """Number of leading tokens that two rows (int64, one-dimensional) share."""
    length = min(len(first), len(second))
    differs = np.flatnonzero(first[:length] != second[:length])
    return int(differs[0]) if len(differs) else length
