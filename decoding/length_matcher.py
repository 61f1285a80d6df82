"""The state of one sequence whose length is bound: which tokens may come next, and going on by one of them.

Matchers accept tokens, fill bitmasks, go back and know what it takes to finish, so that processors and
`generate()` use them as they use a grammar's. A token is allowed if and only if a text within the bounds, and
within the budget, can still be finished after it (`length_costs.py`, `length_spaces.py`): every text ends and
has the length, whatever the model wants.

Cost: 0.1 to 0.3 ms for a mask of 128,000 tokens, 10 us where the same verdicts came before; 5 to 20 ms where
a token leads to a new place between words for the first time, some 20 times for a vocabulary and a unit.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import numpy.typing as npt

from .arguments import checked_instance, checked_integer
from .errors import (
    ArgumentIndexError,
    ArgumentTypeError,
    ArgumentValueError,
    BudgetTooSmallError,
    NoAllowedTokenError,
    TokenRejectedError,
)
from .length_costs import NEVER

if TYPE_CHECKING:
    from .compiled_length import CompiledLength


class LengthMatcher:
    """State of one sequence. Made by `CompiledLength.matcher()`; methods as those of `Matcher`."""

    def __init__(self, compiled: CompiledLength) -> None:
        self.compiled = compiled
        self._space = compiled.space
        self._states = [self._space.start()]
        self.is_terminated = False

    @property
    def n_accepted(self) -> int:
        """Tokens accepted so far, EOS included."""
        return len(self._states) - 1 + self.is_terminated

    @property
    def is_accepting(self) -> bool:
        """Whether the text may end here (EOS is allowed, or has been accepted)."""
        return self.is_terminated or self._space.may_end(self._states[-1])

    @property
    def tokens_to_finish(self) -> int:
        """Tokens that always suffice to end within the bounds, EOS included."""
        return 0 if self.is_terminated else self._space.cost(self._states[-1]) + 1

    def allows_token(self, token_id: int) -> bool:
        """Whether the token may come next."""
        return self._next(checked_integer("token_id", token_id)) is not None

    def accept_token(self, token_id: int) -> None:
        """Go on by one token.

        Raises:
            TokenRejectedError: it is not allowed; the state is unchanged.
        """
        if not self._try(checked_integer("token_id", token_id)):
            known = 0 <= token_id < self.compiled.vocabulary.n_tokens
            raise TokenRejectedError(
                token_id,
                position=self.n_accepted,
                expected=f"a text of {self.compiled.length}",
                token=self.compiled.vocabulary.token_bytes(token_id) if known else None,
            )

    def try_accept_tokens(self, token_ids: Iterable[int]) -> int:
        """Accept tokens up to the first illegal one; how many were accepted."""
        checked_instance("token_ids", token_ids, Iterable, "a list of integers")
        accepted = 0
        for token_id in token_ids:
            if not self._try(checked_integer("token_ids", token_id)):
                break
            accepted += 1
        return accepted

    def fill_bitmask(self, bitmask: Any, row: int = 0, budget: int | None = None) -> None:
        """Write the allowed tokens into a row of packed bits; shapes and budget as for `Matcher`.

        Raises:
            BudgetTooSmallError: the budget is smaller than `tokens_to_finish`.
            NoAllowedTokenError: no token may come next.
            ArgumentValueError, ArgumentIndexError: the bitmask has another shape, or no such row.
        """
        out = _row_of(bitmask, row, self.compiled.vocabulary.vocab_size)
        out[:] = 0
        may_end = self.is_accepting
        if not self.is_terminated:
            left = NEVER if budget is None else checked_integer("budget", budget)
            if left < self.tokens_to_finish:
                raise BudgetTooSmallError(self.tokens_to_finish, left)
            groups, costs = self._space.options(self._states[-1])
            allowed = costs <= min(left - 2, NEVER - 1)  # this token and EOS
            if not may_end and not allowed.any():
                self._refuse_empty()
            packed = self.compiled.packed_row(groups, allowed)
            out[: len(packed)] = packed
        if may_end:
            for token_id in self.compiled.vocabulary.eos_token_ids:
                out.view(np.uint32)[token_id >> 5] |= np.uint32(1 << (token_id & 31))

    def row_id(self, budget: int | None = None) -> int:
        """-1: rows are not numbered, as those of a grammar are."""
        return -1

    def forced_tokens(self) -> list[int]:
        """What must come next: nothing, since a length leaves a choice nearly everywhere."""
        return []

    def rollback(self, n_tokens: int) -> None:
        """Take back the last tokens.

        Raises:
            ArgumentIndexError: fewer were accepted.
        """
        n_tokens = checked_integer("n_tokens", n_tokens, least=0)
        if n_tokens > self.n_accepted:
            raise ArgumentIndexError(f"n_tokens must be at most {self.n_accepted}", got=n_tokens)
        kept = self.n_accepted - n_tokens
        self.is_terminated = self.is_terminated and n_tokens == 0
        del self._states[kept + 1 :]

    def reset(self) -> None:
        """Back to the beginning."""
        self.rollback(self.n_accepted)

    def copy(self) -> LengthMatcher:
        """A matcher in the same state, with the same history."""
        other = LengthMatcher(self.compiled)
        other._states = list(self._states)
        other.is_terminated = self.is_terminated
        return other

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> LengthMatcher:
        return self.copy()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a matcher does not pickle; pickle the compiled length and the accepted tokens")

    def _next(self, token_id: int) -> Any:
        """The state after a token, True after EOS, or None."""
        vocabulary = self.compiled.vocabulary
        if not 0 <= token_id < vocabulary.vocab_size:
            return None
        if token_id in vocabulary.eos_token_ids:
            return self.is_accepting or None
        following = None if self.is_terminated else self._space.after(self._states[-1], token_id)
        return following if following is not None and self._space.cost(following) < NEVER else None

    def _try(self, token_id: int) -> bool:
        following = None if self.is_terminated else self._next(token_id)
        if following is None:
            return False
        if following is True:
            self.is_terminated = True
        else:
            self._states.append(following)
        return True

    def _refuse_empty(self) -> NoReturn:
        raise NoAllowedTokenError(range(self.n_accepted), message="no text of this length goes on from here")


def _row_of(bitmask: Any, row: int, vocab_size: int) -> npt.NDArray[np.int32]:
    """One row of a bitmask, numpy or torch memory of a CPU, that can be written."""
    array: Any
    try:
        array = bitmask if isinstance(bitmask, np.ndarray) else bitmask.numpy()
    except (AttributeError, TypeError, RuntimeError):  # nothing that has memory, or that of another device
        array = None
    if (
        not isinstance(array, np.ndarray)
        or array.dtype != np.int32
        or array.ndim not in (1, 2)
        or not array.flags.writeable
    ):
        raise ArgumentTypeError(
            "bitmask must be int32 of shape [rows, words], writable and in the memory of the CPU",
            got=getattr(bitmask, "shape", bitmask),
            advice="use allocate_bitmask()",
        )
    rows = array[None] if array.ndim == 1 else array
    if rows.shape[1] * 32 < vocab_size:
        raise ArgumentValueError(f"bitmask must have a bit for each of {vocab_size} tokens", got=array.shape)
    if not 0 <= checked_integer("row", row) < len(rows):
        raise ArgumentIndexError(f"row must be from 0 to {len(rows) - 1}", got=row)
    return rows[row]
