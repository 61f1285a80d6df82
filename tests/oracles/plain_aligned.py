"""CARS and ASAp as the papers have them: one text at a time, dictionaries, every bound from its definition.

A slow twin of `samplers/grammar_aligned.py`. As the published programs do, it runs the model for every token
of every text; `n_forward_passes` counts them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

Prefix = tuple[int, ...]


class PlainAligned:
    """law(prefix): probabilities of the next token. allowed(prefix): the legal tokens. eos: ends a text."""

    def __init__(
        self,
        law: Callable[[Prefix], Sequence[float]],
        allowed: Callable[[Prefix], set[int]],
        eos: int,
        *,
        is_free: bool,
        seed: int = 0,
    ) -> None:
        self.law, self.allowed, self.eos, self.is_free = law, allowed, eos, is_free
        self.known: set[Prefix] = set()
        self.random = random.Random(seed)
        self.n_forward_passes = 0

    def bound(self, prefix: Prefix) -> float:
        """theta, by its definition."""
        if prefix and prefix[-1] == self.eos:
            return 1.0
        if prefix not in self.known:
            return 1.0
        law = self.law(prefix)
        return math.fsum(law[token] * self.bound((*prefix, token)) for token in self.allowed(prefix))

    def draw(self) -> Prefix | None:
        """A text, or None: it was rejected."""
        prefix: Prefix = ()
        visited: list[Prefix] = []
        result = None
        while True:
            self.n_forward_passes += 1
            law = self.law(prefix)
            allowed = sorted(self.allowed(prefix))
            is_known = prefix in self.known or prefix == ()
            visited.append(prefix)
            if is_known or not self.is_free:
                weights = [law[token] * self.bound((*prefix, token)) for token in allowed]
                if sum(weights) <= 0:
                    break
                token = self.random.choices(allowed, weights)[0]
            else:
                token = self.random.choices(range(len(law)), law)[0]
                if token not in allowed:
                    break
            prefix = (*prefix, token)
            if token == self.eos:
                result = prefix
                break
        self.known.update(visited)
        return result
