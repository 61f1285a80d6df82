"""Tokens to the end of a text whose length is bound: from each context, for each count so far.

cost(count, context) is the fewest bytes with which a text can go on so that it ends where it may, with a
count between the bounds; a byte is a token, since the bytes that are counted on are tokens by themselves.
So the cost can always be met, and there is *progress*: the first byte of a best way leads to a place that
costs one less. A token is allowed if the cost after it is finite and fits the budget. That is exact for
words, characters, sentences and items: one more letter, blank or full stop is always a token. Of tokens it
is exact as far as texts of single bytes go: inside a character that has begun, a token of two bytes which
would just fit is not counted on.

Layers are computed from the largest count down, each by relaxation over the contexts (Bellman 1958). Away
from the bounds a layer is the one above it plus a constant: then the rest is arithmetic. Cost: about ten
layers of 0.1 to 1 ms for a pair of bounds, whatever their size.
"""

from __future__ import annotations

from dataclasses import dataclass
from threading import Lock

import numpy as np
import numpy.typing as npt

from .character_classes import ROOT
from .length_automata import NOT_WRITTEN, START
from .token_effects import Groups, TokenEffects

NEVER = 1 << 40
"""The cost where no such end exists."""

_Costs = npt.NDArray[np.int64]


class LengthCosts:
    """Costs for texts with `least` to `most` units (most None: any number from `least` on)."""

    def __init__(self, effects: TokenEffects, least: int, most: int | None) -> None:
        self._effects = effects
        self._least = least
        self._most = most
        self._top = least if most is None else most
        automaton, rests = effects.automaton, effects.bytes.rests[ROOT]
        self._after = automaton.after[:, sorted(rests)].astype(np.int64)
        n_bytes = np.array([rests[c] for c in sorted(rests)], dtype=np.int64)
        self._bytes = np.where(self._after == NOT_WRITTEN, NEVER, n_bytes)
        units = n_bytes if effects.counts_tokens else automaton.units[:, sorted(rests)]
        self._units = np.broadcast_to(units, self._after.shape)
        # How many layers a step may go up: so many have to be alike before the rest is arithmetic.
        self._reach = int(self._units.max(initial=1))
        self._layers: list[_Costs] = []  # from the top count down
        # Between the bounds layers become alike. Only those down to this depth are kept, and so many are not.
        self._first_alike, self._n_left_out = self._top + 1, 0
        # A layer rests on those before it, so two threads must not append at once.
        self._lock = Lock()
        self._ways: dict[Groups, _Ways] = {}

    def at(self, count: int) -> _Costs:
        """int64 [n_contexts]: the cost for each context, of places between two characters."""
        if count > self._top:
            if self._most is not None:
                return np.full(len(self._after), NEVER, dtype=np.int64)
            count = self._top
        with self._lock:
            while self._depth(count) >= len(self._layers):
                newest = self._top - self._n_left_out - len(self._layers) + 1
                growth = self._growth()
                if growth == 0 and newest > self._least:
                    self._first_alike = len(self._layers) - 1
                    self._n_left_out = newest - self._least
                elif growth is not None and newest < self._least:
                    last = self._layers[-1]
                    return np.where(last < NEVER, last + growth * (newest - count), NEVER)
                else:
                    self._layers.append(self._make_layer(newest - 1))
            return self._layers[self._depth(count)]

    def _depth(self, count: int) -> int:
        """Where the layer of a count stands, or will stand."""
        depth = self._top - count
        return depth if depth <= self._first_alike else max(self._first_alike, depth - self._n_left_out)

    def of_groups(self, groups: Groups, count: int) -> _Costs:
        """int64 [n_groups]: the cost after a token of each group, for a count before it."""
        if groups not in self._ways:
            self._ways[groups] = self._find_ways(groups)
        ways = self._ways[groups]
        costs = np.empty(len(ways.contexts), dtype=np.int64)
        for n_units in np.unique(ways.units).tolist():
            chosen = ways.units == n_units
            costs[chosen] = self.at(count + n_units)[ways.contexts[chosen]]
        return np.minimum(np.minimum.reduceat(costs + ways.n_bytes, ways.firsts), NEVER)

    def of_place(self, context: int, node: int, count: int) -> int:
        """The cost of one place."""
        ways = self._completions(context, node, 0)
        costs = (n_bytes + int(self.at(count + units)[after]) for after, n_bytes, units in ways)
        return min(costs, default=NEVER)

    def _growth(self) -> int | None:
        """What each of the last layers added to the one above it, if all added the same everywhere.

        A layer follows from the `_reach` layers above it, by a rule that changes at `_least` only: if these
        grow by a constant, so do all that follow under the same rule (by 0, where a text may end).
        """
        if len(self._layers) <= self._reach:
            return None
        growths: set[int] = set()
        for above, below in zip(
            self._layers[-1 - self._reach : -1], self._layers[-self._reach :], strict=True
        ):
            finite = below < NEVER
            if not np.array_equal(finite, above < NEVER):
                return None
            growths.update(np.unique((below - above)[finite]).tolist())
        return growths.pop() if len(growths) == 1 else None if growths else 0

    def _make_layer(self, count: int) -> _Costs:
        automaton = self._effects.automaton
        best = np.where(automaton.ends & (count >= self._least), 0, NEVER).astype(np.int64)
        units = self._units if count < self._top or self._most is not None else np.zeros_like(self._units)
        for n_units in np.unique(units).tolist():
            if n_units and count + n_units <= self._top:
                best = np.minimum(
                    best, self._step(units == n_units, self._layers[self._depth(count + n_units)])
                )
            elif n_units and self._most is None:
                best = np.minimum(best, self._step(units == n_units, self._layers[0]))
        stays = units == 0
        while True:
            better = np.minimum(best, self._step(stays, best))
            if np.array_equal(better, best):
                return best
            best = better

    def _step(self, chosen: npt.NDArray[np.bool_], following: _Costs) -> _Costs:
        """The best of the chosen steps, given the costs after them."""
        costs = np.where(chosen, self._bytes + following[self._after], NEVER)
        return np.minimum(costs.min(axis=1, initial=NEVER), NEVER)

    def _find_ways(self, groups: Groups) -> _Ways:
        """The ways on from the place of each group to a place between two characters."""
        firsts: list[int] = []
        ways: list[tuple[int, int, int]] = []
        for context, node, units in zip(
            groups.contexts.tolist(), groups.nodes.tolist(), groups.units.tolist(), strict=True
        ):
            firsts.append(len(ways))
            ways += self._completions(context, node, units) or [(START, NEVER, 0)]
        contexts, n_bytes, all_units = np.array(ways, dtype=np.int64).T
        return _Ways(np.array(firsts), contexts, n_bytes, all_units)

    def _completions(self, context: int, node: int, units: int) -> list[tuple[int, int, int]]:
        """For each class that a character begun at a node may become: context, bytes and units after it."""
        if context == NOT_WRITTEN:
            return []
        if node == ROOT:
            return [(context, 0, units)]
        after = self._effects.automaton.after[context]
        return [
            (int(after[character_class]), n_bytes, units + self._units_of(context, character_class, n_bytes))
            for character_class, n_bytes in self._effects.bytes.rests[node].items()
            if after[character_class] != NOT_WRITTEN
        ]

    def _units_of(self, context: int, character_class: int, n_bytes: int) -> int:
        if self._effects.counts_tokens:
            return n_bytes
        return int(self._effects.automaton.units[context, character_class])


@dataclass(frozen=True, eq=False)
class _Ways:
    """Ways to complete a character, those of each group one after the other.

    firsts: int64 [n_groups], where the ways of a group begin. The others by way.
    """

    firsts: npt.NDArray[np.int64]
    contexts: npt.NDArray[np.int64]
    n_bytes: npt.NDArray[np.int64]
    units: npt.NDArray[np.int64]
