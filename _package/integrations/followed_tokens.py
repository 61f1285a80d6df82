"""For engines that show all tokens of one sequence before each step: token ids in, allowed tokens out.

The first call shows the prompt, every later one the prompt and what was written. What was written is followed
by its longest beginning in common with what is known, so drafts that were taken back, and calls that come
twice, are right. Another prompt begins another text, and so do tokens that came all at once: that is the next
prompt of a conversation, which begins with the last prompt and its answer.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..decoding.arguments import checked_integer
from ..decoding.bitmask import allocate_bitmask, unpack_bitmask
from ..decoding.compile import CompiledGrammar
from ..decoding.errors import BudgetTooSmallError, TokenRejectedError
from .grammar_state import GrammarState


class FollowedTokens:
    """For one sequence at a time; may be used again. A text whose prompt begins with the last prompt, and is
    shorter than that and its answer, looks like a draft that was taken back: call `reset` before it.

    max_tokens: of the text, its end included; the same number as the engine gets. None: without a budget.

    Raises:
        BudgetTooSmallError: the shortest text has more tokens.
    """

    def __init__(self, compiled: CompiledGrammar, *, max_tokens: int | None = None) -> None:
        self._state = GrammarState(compiled)
        if max_tokens is not None:
            max_tokens = checked_integer("max_tokens", max_tokens, least=1)
            if self._state.matcher.tokens_to_finish > max_tokens:
                raise BudgetTooSmallError(self._state.matcher.tokens_to_finish, max_tokens)
        self._max_tokens = max_tokens
        self._prompt: list[int] | None = None
        self._written: list[int] = []
        self._n_longest = 0  # the most tokens that were shown of this text
        self._bitmask = allocate_bitmask(1, compiled.vocabulary.vocab_size)

    def allowed(self, token_ids: Sequence[int], n_logits: int) -> npt.NDArray[np.bool_]:
        """Which tokens may come next, shape [n_logits]; after the end only those that end a text.

        Raises:
            TokenRejectedError: what was written is not allowed.
        """
        self._follow(list(token_ids))
        matcher = self._state.matcher
        budget = None
        if self._max_tokens is not None and not matcher.is_terminated:
            budget = self._max_tokens - matcher.n_accepted
        self._state.fill(self._bitmask, 0, budget)
        return unpack_bitmask(self._bitmask[0], n_logits)

    def reset(self) -> None:
        """Begin another text: what is shown next is its prompt."""
        self._prompt = None

    def _follow(self, token_ids: list[int]) -> None:
        prompt = self._prompt
        n_seen, self._n_longest = self._n_longest, max(self._n_longest, len(token_ids))
        is_other = prompt is None or len(token_ids) < len(prompt) or token_ids[: len(prompt)] != prompt
        if prompt is None or is_other or len(token_ids) > n_seen + 1:
            self._prompt, self._written = token_ids, []
            self._n_longest = len(token_ids)
            self._state.reset()
            return
        written = token_ids[len(prompt) :]
        is_legal = self._state.resume(self._written, written)
        n_held = self._state.matcher.n_accepted
        self._written = written[:n_held]
        if not is_legal:
            self._state.matcher.accept_token(written[n_held])
            raise TokenRejectedError(written[n_held], position=n_held)  # pragma: no cover
