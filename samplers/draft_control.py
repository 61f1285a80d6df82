"""`SpeedControl`: how many nodes the next tree may have, from what trees have cost and brought so far.

A tree of n nodes brings 1 + (kept nodes) tokens and costs the drafter's time and a longer pass of the target.
Both are measured as decoding goes on: the time of a step by size, and the tokens for every size up to the one
that was used (a smaller tree would have kept the part of the path that lies in its first nodes). Look-ups
often find nothing to propose: steps with a draft and those without one are timed apart, and weighed by how
often there was one. The size with the most tokens for a second is taken, 0 among them, which is plain
decoding.

Measurements err, drafts get worse, and what is not known has to be tried. So there is a ledger of how far all
steps with drafts together are behind plain decoding, and an allowance: one plain step, and a small share of
the time that decoding has taken. While the ledger is beyond the allowance nothing is drafted. Hence, whatever
drafts bring, all steps together take at most so much longer than plain ones would have, and what the very
first and the last step with a draft took (a draft model's first one in a text reads the prompt). Gains are
set off against later losses only in part, so that texts for which drafts do not pay are noticed after others
for which they do. Trials of other sizes have an allowance of the same kind, for what they lost against the
best size; they get rarer while they change nothing. A trial is two steps with a draft, of which the first
only brings a draft model up to date. The cost is a few dictionary entries for each step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from statistics import median

_RECENT = 31  # steps whose median time counts: other programs and new texts make single steps long
_MARGIN = 0.95  # drafts must pay by so much, or they are left out
_FADE = 0.05  # least weight of the newest step in the mean of tokens
_DOUBT = 2  # steps that kept nothing, which are assumed before any was seen
_SHARE = 0.015  # of the time may be lost
_RESERVE = 16  # plain steps, at most, that earlier gains may pay for
_LONGEST = 3  # typical steps: what takes longer is not counted
_FIRST_PLAIN = 3  # steps before anything is tried
_TRIAL = 2, 32  # steps of a trial: those that had a draft if there was to be one, and most of all
_PATIENCE = 16, 512  # least and most steps between trials: twice as many after one that changed nothing


class SpeedControl:
    """Chooses sizes. Times are in seconds, sizes in nodes without the root.

    max_nodes: the largest size.
    """

    def __init__(self, max_nodes: int) -> None:
        self.sizes = [0, *(size for size in (4, 8, 16, 32, 64, 128, 256, 512) if size < max_nodes), max_nodes]
        self._seconds = {size: _Seconds() for size in self.sizes}
        self._kept = {
            size: _Mean() for size in self.sizes[1:]
        }  # of the nodes that the next smaller one lacks
        self._elapsed = 0.0
        self._behind = 0.0  # plain decoding: all steps with drafts
        self._is_first_draft = True
        self._lost = 0.0  # against the best size: trials
        self._last_loss: float | None = None  # of a trial
        self._n_steps = 0
        self._last_trial = 0
        self._patience = _PATIENCE[0]
        self._goes_up = True  # the next trial
        self._trial: _Trial | None = None  # the one that is under way

    def choose(self) -> int:
        """The size for the next step."""
        if not self._seconds[0].is_known:
            return 0
        if self._behind >= self._allowance():
            if self._trial is not None and self._trial.size:
                self._end(self._trial)
            return 0
        if self._trial is not None:
            return self._trial.size
        best = self.best_size()
        wanted = self._worth_trying(best)
        if wanted is None:
            return best
        self._trial, self._last_trial = _Trial(wanted, best), self._n_steps
        return wanted

    def best_size(self) -> int:
        """The size with the most tokens for a second, as far as is known."""
        known = [size for size in self.sizes if self._seconds[size].is_known]
        return max(known, key=lambda size: self.rate(size) * (_MARGIN if size else 1.0), default=0)

    def rate(self, size: int) -> float:
        """Tokens for a second and row, of a size that has been measured."""
        return self.tokens(size) / self._seconds[size].expected()

    def tokens(self, size: int) -> float:
        """Tokens for a step and row."""
        return 1 + sum(kept.mean for known, kept in self._kept.items() if known <= size)

    def record(
        self,
        size: int,
        kept_nodes: Sequence[Sequence[int]],
        seconds: float,
        *,
        has_draft: bool = True,
        is_first: bool = False,
    ) -> None:
        """What a step brought and cost.

        size: as `choose` gave it. kept_nodes: by row the nodes of the kept path. has_draft: whether a row had
        any nodes; always False for the size 0. is_first: whether a drafter was asked for the first time in a
        text, which may take long.
        """
        self._n_steps += 1
        self._elapsed += seconds
        if not is_first:  # other programs make single steps long, which is not the drafter's fault
            seconds = min(seconds, _LONGEST * self._seconds[size].typical(has_draft=has_draft))
        trial = self._trial if self._trial is not None and self._trial.size == size else None
        if trial is None or trial.n_counted or not has_draft:
            self._seconds[size].add(seconds, has_draft=has_draft)
        tokens = sum(1 + len(path) for path in kept_nodes) / len(kept_nodes)
        if size:
            self._settle(seconds, tokens, has_draft=has_draft)
        below = 0
        for known in self._kept:
            if known <= size:
                n_kept = sum(below < node <= known for path in kept_nodes for node in path)
                self._kept[known].add(n_kept / len(kept_nodes))
            below = known
        if trial is not None:
            trial.loss += seconds - tokens / self._best_rate_without(size)
            trial.n_steps += 1
            trial.n_counted += has_draft or size == 0
            if trial.n_counted == _TRIAL[0] or trial.n_steps == _TRIAL[1]:
                self._end(trial)

    def _settle(self, seconds: float, tokens: float, *, has_draft: bool) -> None:
        """Put a step that was not plain on the ledger; the very first draft is free."""
        if self._is_first_draft and has_draft:
            self._is_first_draft = False
            return
        plain = self._seconds[0].expected()
        self._behind = max(self._behind + seconds - tokens * plain, -_RESERVE * plain)

    def _end(self, trial: _Trial) -> None:
        self._trial = None
        self._lost = max(0.0, self._lost + trial.loss)
        self._last_loss = trial.loss
        is_news = self.best_size() != trial.best_before
        self._patience = _PATIENCE[0] if is_news else min(2 * self._patience, _PATIENCE[1])

    def _allowance(self) -> float:
        return self._seconds[0].expected() + _SHARE * self._elapsed

    def _best_rate_without(self, size: int) -> float:
        return max(
            self.rate(other) for other in self.sizes if other != size and self._seconds[other].is_known
        )

    def _worth_trying(self, best: int) -> int | None:
        """A size beside the best one, if it may be tried now."""
        if len(self._seconds[0].idle) < _FIRST_PLAIN:
            return None
        place = self.sizes.index(best)
        unknown = [size for size in self.sizes[place : place + 2] if not self._seconds[size].is_known]
        if unknown and self._lost < self._allowance():
            return unknown[0]
        # What the last trial lost the next one may lose too.
        expected = 2 * self._seconds[0].expected() if self._last_loss is None else max(0.0, self._last_loss)
        if self._n_steps - self._last_trial < self._patience or self._lost + expected > self._allowance():
            return None
        self._goes_up = place == 0 or (place + 1 < len(self.sizes) and not self._goes_up)
        return self.sizes[place + 1 if self._goes_up else place - 1]


class _Trial:
    """Some steps of a size that is not the best one, as far as is known."""

    def __init__(self, size: int, best_before: int) -> None:
        self.size = size
        self.best_before = best_before
        self.n_steps = self.n_counted = 0
        self.loss = 0.0  # seconds


class _Mean:
    """Of all steps at first, then of recent ones."""

    def __init__(self) -> None:
        self.mean = 0.0
        self._n_seen = _DOUBT

    def add(self, found: float) -> None:
        """One step."""
        self._n_seen += 1
        self.mean += max(_FADE, 1 / self._n_seen) * (found - self.mean)


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

    def typical(self, *, has_draft: bool) -> float:
        """Half of the recent steps of one kind took longer; infinite if there was none."""
        return median((self.drafted if has_draft else self.idle) or [float("inf")])

    def expected(self) -> float:
        """Of the next step, as far as is known: half of the recent ones took longer, by kind."""
        if self._expected is None:
            drafted = median(self.drafted or self.idle)
            idle = median(self.idle or self.drafted)
            self._expected = idle + self._share * (drafted - idle)
        return self._expected
