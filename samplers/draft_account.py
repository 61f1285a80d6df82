"""What decoding with drafts costs: steps and their times in, `SpeculationStatistics` out."""

from __future__ import annotations

import time

from ..decoding.speculative import SpeculationStatistics
from .verification import Verdict


class Account:
    """Sums up what the steps cost."""

    def __init__(self) -> None:
        self.n_tokens = self.n_steps = self.n_draft_steps = self.n_nodes = 0
        self.accepted: list[int] = []
        self.draft_s = self.target_s = self.verify_s = self.keep_s = 0.0

    def count(self, n_nodes: int, verdict: Verdict, n_tokens: int) -> None:
        """One row's tree. n_tokens: written, fewer than the verdict has where a criterion stopped."""
        n_accepted = min(len(verdict.path), n_tokens)
        self.n_tokens += n_tokens
        self.n_steps += 1
        self.n_draft_steps += n_nodes > 0
        self.n_nodes += n_nodes
        self.accepted += [0] * (n_accepted - len(self.accepted))
        for depth in range(n_accepted):
            self.accepted[depth] += 1

    def statistics(self, mask_ms: float) -> SpeculationStatistics:
        """What there is to report."""
        return SpeculationStatistics(
            n_tokens=self.n_tokens,
            n_steps=self.n_steps,
            block_efficiency=self.n_tokens / max(1, self.n_steps),
            n_draft_steps=self.n_draft_steps,
            n_nodes=self.n_nodes,
            accepted_by_depth=tuple(self.accepted),
            draft_ms=1000 * self.draft_s,
            target_ms=1000 * self.target_s,
            verify_ms=1000 * self.verify_s,
            keep_ms=1000 * self.keep_s,
            mask_ms=mask_ms,
        )


class Clock:
    """Seconds since the last lap, and since the beginning."""

    def __init__(self) -> None:
        self._first = self._last = time.perf_counter()

    def lap(self) -> float:
        """Seconds since the last call, or since the beginning."""
        now = time.perf_counter()
        seconds, self._last = now - self._last, now
        return seconds

    def total(self) -> float:
        """Seconds from the beginning to the last lap."""
        return self._last - self._first
