"""How each engine is called for many sequences at once, and how it checks tokens without a mask.

In: an engine of MaskBench, a bitmask with a row for each sequence. Out: `Calls` with the fastest documented
way: `loop` fills row by row, `batch` in one call; `check` says whether one token is allowed; `draft` tries
tokens one after the other, gives how many were taken, and takes them back. Where the engine has no such call,
what its documentation offers instead stands here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tokentrellis.benchmark.maskbench.engines import Engine


class Calls(ABC):
    """The calls of one engine; `bitmask` is int32 of shape [rows, words].

    `prepare` makes of the matchers what `batch` takes; a server does this when a sequence comes or goes.
    """

    def __init__(self, engine: Engine[Any, Any], bitmask: NDArray[np.int32], threads: int) -> None:
        self.bitmask = bitmask

    @abstractmethod
    def loop(self, matchers: Sequence[Any]) -> None:
        """Fill row by row: the i-th matcher's mask to row i."""

    def prepare(self, matchers: Sequence[Any]) -> Any:
        return matchers

    @abstractmethod
    def batch(self, prepared: Any) -> None:
        """Fill all rows by one call, of what `prepare` made."""

    @abstractmethod
    def check(self, matcher: Any, token_id: int) -> bool:
        """Whether the token may come next; the matcher stays where it is."""

    @abstractmethod
    def draft(self, matcher: Any, token_ids: list[int]) -> int:
        """How many of the tokens may come, one after the other; the matcher stays where it is."""


class TokentrellisCalls(Calls):
    def __init__(self, engine: Engine[Any, Any], bitmask: NDArray[np.int32], threads: int) -> None:
        super().__init__(engine, bitmask, threads)
        import tokentrellis

        self.fill_bitmasks = tokentrellis.fill_bitmasks

    def loop(self, matchers: Sequence[Any]) -> None:
        bitmask = self.bitmask
        for row, matcher in enumerate(matchers):
            matcher.fill_bitmask(bitmask, row)

    def batch(self, prepared: Any) -> None:
        self.fill_bitmasks(prepared, self.bitmask)

    def check(self, matcher: Any, token_id: int) -> bool:
        allowed: bool = matcher.allows_token(token_id)
        return allowed

    def draft(self, matcher: Any, token_ids: list[int]) -> int:
        accepted: int = matcher.try_accept_tokens(token_ids)
        matcher.rollback(accepted)
        return accepted


class LlguidanceCalls(Calls):
    """`validate_tokens` counts how many tokens could be taken, without taking them: check and draft."""

    def __init__(self, engine: Engine[Any, Any], bitmask: NDArray[np.int32], threads: int) -> None:
        super().__init__(engine, bitmask, threads)
        from llguidance import LLExecutor

        self.executor = LLExecutor(num_threads=threads)
        self.address = bitmask.ctypes.data
        self.row_bytes = bitmask.strides[0]

    def loop(self, matchers: Sequence[Any]) -> None:
        address, row_bytes = self.address, self.row_bytes
        for row, matcher in enumerate(matchers):
            matcher.unsafe_compute_mask_ptr(address + row * row_bytes, row_bytes)

    def prepare(self, matchers: Sequence[Any]) -> Any:
        return [(matcher, row) for row, matcher in enumerate(matchers)]

    def batch(self, prepared: Any) -> None:
        self.executor.unsafe_compute_mask_ptr(prepared, self.address, self.row_bytes, len(self.bitmask))

    def check(self, matcher: Any, token_id: int) -> bool:
        return bool(matcher.validate_tokens([token_id]))

    def draft(self, matcher: Any, token_ids: list[int]) -> int:
        accepted: int = matcher.validate_tokens(token_ids)
        return accepted


class XgrammarCalls(Calls):
    """A token is checked by accepting it and going back."""

    def __init__(self, engine: Engine[Any, Any], bitmask: NDArray[np.int32], threads: int) -> None:
        super().__init__(engine, bitmask, threads)
        from xgrammar import BatchGrammarMatcher

        self.fill_batch = BatchGrammarMatcher(max_threads=threads).batch_fill_next_token_bitmask

    def loop(self, matchers: Sequence[Any]) -> None:
        bitmask = self.bitmask
        for row, matcher in enumerate(matchers):
            matcher.fill_next_token_bitmask(bitmask, row)

    def batch(self, prepared: Any) -> None:
        self.fill_batch(prepared, self.bitmask)

    def check(self, matcher: Any, token_id: int) -> bool:
        accepted: bool = matcher.accept_token(token_id)
        if accepted:
            matcher.rollback(1)
        return accepted

    def draft(self, matcher: Any, token_ids: list[int]) -> int:
        accepted = 0
        for token_id in token_ids:
            if not matcher.accept_token(token_id):
                break
            accepted += 1
        matcher.rollback(accepted)
        return accepted


KNOWN: dict[str, type[Calls]] = {
    "tokentrellis": TokentrellisCalls,
    "llguidance": LlguidanceCalls,
    "xgrammar": XgrammarCalls,
}
