"""`SpeedControl`: how many nodes the next tree may have, from what trees have cost and brought so far.

A tree of n nodes brings 1 + (kept nodes) tokens and costs the drafter's time and a longer pass of the target.
Both are measured as decoding goes on: the time of a step by size, and the tokens for every size up to the one
that was used (a smaller tree would have kept the part of the path that lies in its first nodes). Look-ups
often find nothing to propose: steps with a draft and those without one are timed apart, and weighed by how
often there was one. The size with the most tokens for a second is taken, 0 among them, which is plain
decoding.

What is not known has to be tried, and a trial may lose time. So trials are paid from an allowance, a small
share of the time that decoding has taken: where drafts do not pay, no more than that is lost, and they are
tried again now and then, as texts change. A trial is two steps with a draft, of which the first only brings a
draft model up to date. The cost is a few dictionary entries for each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

_RECENT = 31  # steps whose median time counts: other programs and new texts make single steps long
_MARGIN = 0.95  # drafts must pay by so much, or they are left out
_FADE = 0.05  # weight of the newest step in the mean of tokens
_SHARE = 0.015  # of the time may be lost by trials
_FIRST_PLAIN = 3  # steps before anything is tried
_TRIAL = 2, 32  # steps of a trial: those with a draft, and most of all
_PATIENCE = 16, 512  # least and most steps between trials: twice as many after one that changed nothing


class SpeedControl:
    """Chooses sizes. Times are in seconds, sizes in nodes without the root.

    max_nodes: the largest size.
    """

    def __init__(self, max_nodes: int) -> None:
        self.sizes = [0, *(size for size in (4, 8, 16, 32, 64, 128, 256, 512) if size < max_nodes), max_nodes]
        self._seconds = {size: _Seconds() for size in self.sizes}
        self._tokens: dict[int, float] = {0: 1.0}
        self._elapsed = 0.0
        self._lost = 0.0
        self._n_steps = 0
        self._last_trial = 0
        self._patience = _PATIENCE[0]
        self._best_before = 0  # the trial that is under way
        self._trial: int | None = None  # size of the trial that is under way
        self._trial_steps = self._trial_drafts = 0

    def choose(self) -> int:
        """The size for the next step."""
        if self._trial is not None:
            return self._trial
        best = self.best_size()
        wanted = self._worth_trying(best)
        if wanted is None:
            return best
        self._trial, self._last_trial = wanted, self._n_steps
        self._trial_steps = self._trial_drafts = 0
        self._best_before = best
        return wanted

    def best_size(self) -> int:
        """The size with the most tokens for a second, as far as is known."""
        known = [size for size in self.sizes if self._seconds[size].is_known and size in self._tokens]
        return max(known, key=lambda size: self.rate(size) * (_MARGIN if size else 1.0), default=0)

    def rate(self, size: int) -> float:
        """Tokens for a second and row, of a size that has been measured."""
        return self._tokens[size] / self._seconds[size].expected()

    def record(
        self, size: int, kept_nodes: Sequence[Sequence[int]], seconds: float, *, has_draft: bool = True
    ) -> None:
        """What a step brought and cost.

        size: as `choose` gave it. kept_nodes: by row the nodes of the kept path. has_draft: whether a row had
        any nodes; always False for the size 0.
        """
        self._n_steps += 1
        self._elapsed += seconds
        is_first_of_trial = self._trial is not None and self._trial_drafts == 0 and has_draft
        if not is_first_of_trial:
            self._seconds[size].add(seconds, has_draft=has_draft)
        for smaller in self.sizes:
            if 0 < smaller <= size:
                found = sum(1 + sum(node <= smaller for node in path) for path in kept_nodes) / len(
                    kept_nodes
                )
                before = self._tokens.get(smaller, found)
                self._tokens[smaller] = before + _FADE * (found - before)
        if self._trial is not None:
            tokens = sum(1 + len(path) for path in kept_nodes) / len(kept_nodes)
            self._lost += seconds - tokens / self._best_rate_without(size)
            self._lost = max(self._lost, 0.0)
            self._trial_steps += 1
            self._trial_drafts += has_draft
            if self._trial_drafts == _TRIAL[0] or self._trial_steps == _TRIAL[1]:
                self._trial = None
                is_news = self.best_size() != self._best_before
                self._patience = _PATIENCE[0] if is_news else min(2 * self._patience, _PATIENCE[1])

    def _best_rate_without(self, size: int) -> float:
        rates = [
            self.rate(other)
            for other in self.sizes
            if other != size and self._seconds[other].is_known and other in self._tokens
        ]
        return max(rates, default=float("inf"))

    def _worth_trying(self, best: int) -> int | None:
        """A size beside the best one, if it may be tried now."""
        if len(self._seconds[0].idle) < _FIRST_PLAIN:
            return None
        plain = self._seconds[0].expected()
        allowance = plain + _SHARE * self._elapsed
        place = self.sizes.index(best)
        unknown = [size for size in self.sizes[place : place + 2] if not self._seconds[size].is_known]
        if unknown and self._lost < allowance:
            return unknown[0]
        # Twice the time of a step is what a trial may cost.
        if self._n_steps - self._last_trial < self._patience or self._lost + 2 * plain > allowance:
            return None
        neighbours = [self.sizes[at] for at in (place - 1, place + 1) if 0 <= at < len(self.sizes)]
        return neighbours[self._n_steps // _PATIENCE[0] % len(neighbours)]


class _Seconds:
    """How long steps of one size took, those with a draft and those without one (idle)."""

    def __init__(self) -> None:
        self.drafted: deque[float] = deque(maxlen=_RECENT)
        self.idle: deque[float] = deque(maxlen=_RECENT)
        self._share = 0.0  # of steps with a draft
        self._expected: float | None = None

    @property
    def is_known(self) -> bool:
        """Whether there is anything to go by."""
        return bool(self.drafted or self.idle)

    def add(self, seconds: float, *, has_draft: bool) -> None:
        """One step."""
        weight = _FADE if self.is_known else 1.0
        self._share += weight * (has_draft - self._share)
        (self.drafted if has_draft else self.idle).append(seconds)
        self._expected = None

    def expected(self) -> float:
        """Of the next step, as far as is known: half of the recent ones took longer, by kind."""
        if self._expected is None:
            drafted = median(self.drafted or self.idle)
            idle = median(self.idle or self.drafted)
            self._expected = idle + self._share * (drafted - idle)
        return self._expected
