"""The state of one sequence as servers use a grammar: tokens in, verdicts and masks out.

Servers hand in more than a grammar wants to know: tokens after the end (padding, drafts beyond EOS), drafts
that it refuses. Here a refusal is a verdict and leaves the state as it was, and what comes after the end is
neither looked at nor counted, so `rollback` takes back exactly what was accepted. A grammar may meet a limit
of the core in the middle of a text (a product of patterns that grows too large). An error would stop these
engines with all their requests, so that is logged, and this text is ended.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from ..decoding.compile import CompiledGrammar
from ..decoding.matcher import Matcher
from ..decoding.rule_temperatures import has_temperatures
from ..grammars.errors import LimitExceededError, UnsupportedFeatureError

_logger = logging.getLogger("tokentrellis.integrations")


class GrammarState:
    """Not to be shared between threads."""

    def __init__(self, compiled: CompiledGrammar, matcher: Matcher | None = None) -> None:
        check_temperatures(compiled)
        self.compiled = compiled
        self.matcher = compiled.matcher() if matcher is None else matcher

    @property
    def is_terminated(self) -> bool:
        """Whether the end was accepted."""
        return self.matcher.is_terminated

    def accept(self, token_ids: Sequence[int]) -> bool:
        """Go on by some tokens, all or none; those after the end do not count."""
        n_accepted = self._try_accept(token_ids)
        if n_accepted == len(token_ids) or self.matcher.is_terminated:
            return True
        self.matcher.rollback(n_accepted)
        return False

    def valid_prefix(self, token_ids: Sequence[int]) -> list[int]:
        """The tokens that could be accepted, up to the first that could not; the state stays."""
        n_accepted = self._try_accept(token_ids)
        self.matcher.rollback(n_accepted)
        return list(token_ids[:n_accepted])

    def _try_accept(self, token_ids: Sequence[int]) -> int:
        n_before = self.matcher.n_accepted
        try:
            return self.matcher.try_accept_tokens(token_ids)
        except LimitExceededError as error:
            _logger.error("a grammar met a limit, a token is refused: %s", error)
            return self.matcher.n_accepted - n_before

    def rollback(self, n_tokens: int) -> None:
        """Take back the last tokens that were accepted."""
        if n_tokens > 0:
            self.matcher.rollback(n_tokens)

    def fill(self, bitmask: Any, row: int, budget: int | None = None) -> None:
        """Write the allowed tokens: `Matcher.fill_bitmask`."""
        self.matcher.fill_bitmask(bitmask, row, budget)

    def fill_or_end(self, bitmask: Any, row: int, budget: int | None = None) -> None:
        """The same; where the grammar meets a limit, only tokens that end a text are allowed."""
        try:
            self.fill(bitmask, row, budget)
        except LimitExceededError as error:
            _logger.error("a grammar met a limit, its text is ended: %s", error)
            allow_only(self.compiled.vocabulary.eos_token_ids, bitmask, row)

    def resume(self, old_ids: Sequence[int], new_ids: Sequence[int]) -> bool:
        """Put other tokens in the place of those accepted so far, which were `old_ids`."""
        n_common = 0
        for old, new in zip(old_ids, new_ids, strict=False):
            if old != new:
                break
            n_common += 1
        n_old = self.matcher.n_accepted
        self.rollback(n_old - min(n_common, n_old))
        return self.accept(list(new_ids[n_common:]))

    def copy(self) -> GrammarState:
        """Another one in the same state."""
        return GrammarState(self.compiled, self.matcher.copy())

    def reset(self) -> None:
        """Back to the beginning."""
        self.matcher.reset()


def check_temperatures(compiled: CompiledGrammar) -> None:
    """Raise UnsupportedFeatureError for rules with temperatures: engines take masks only."""
    if has_temperatures(compiled):
        raise UnsupportedFeatureError(
            "a temperature of a rule, of which the masks of this engine say nothing,",
            advice="leave it out, and give the request a temperature",
        )


def allow_only(token_ids: Iterable[int], bitmask: Any, row: int) -> None:
    """Write a row that allows these tokens. bitmask: int32, of numpy or torch."""
    bitmask[row, :] = 0
    for token_id in token_ids:
        word, bit = divmod(token_id, 32)
        bitmask[row, word] |= 1 << bit if bit < 31 else -(1 << 31)
