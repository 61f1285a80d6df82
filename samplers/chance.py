"""`Chance`: where random decisions come from, so that what uses them can be run exactly, too.

Verification and drawing ask for nothing but a coin of a given probability and a draw from a given law. In
production these come from a `torch.Generator`, or there is nothing to decide (a greedy target); in tests
every outcome is followed with its probability, which gives the exact law of the whole procedure.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Chance(Protocol):
    """A source of random decisions."""

    def flip(self, probability: float) -> bool:
        """True with this probability; never for 0, always for 1 or more."""

    def draw(self, probs: Tensor) -> int:
        """An index by these weights, shape [n], which need not add up to 1; never one of weight 0."""


class RandomChance:
    """Decisions by a generator, which must be on the device of the weights."""

    def __init__(self, generator: torch.Generator) -> None:
        self._generator = generator

    @property
    def device(self) -> torch.device:
        """Where its weights must be."""
        return self._generator.device

    def flip(self, probability: float) -> bool:
        """True with this probability."""
        if probability >= 1:
            return True
        # Strictly less: a uniform number can be 0, and then `<=` accepts what has no probability.
        uniform = torch.rand(
            (), generator=self._generator, device=self._generator.device, dtype=torch.float64
        )
        return float(uniform) < probability

    def draw(self, probs: Tensor) -> int:
        """An index by its weight: the race of exponential clocks, whose winner is a draw from `probs`."""
        clocks = torch.empty_like(probs).exponential_(generator=self._generator)
        clocks.clamp_min_(torch.finfo(probs.dtype).tiny)
        return int(torch.div(probs, clocks, out=clocks).argmax())

    def gumbels(self, like: Tensor) -> Tensor:
        """Standard Gumbel noise, shape and dtype as `like`."""
        clocks = torch.empty_like(like).exponential_(generator=self._generator)
        return -clocks.clamp_min(torch.finfo(like.dtype).tiny).log()


class NoChance:
    """For a target that takes the likeliest token: all of its laws have a single one in them, so nothing is
    drawn (noise for a large vocabulary may take as long as a pass of a small model).
    """

    def flip(self, probability: float) -> bool:
        """Whether it is 1, or a little less by rounding; all others are 0."""
        return probability > 0.5

    def draw(self, probs: Tensor) -> int:
        """The index of the one."""
        return int(probs.argmax())
