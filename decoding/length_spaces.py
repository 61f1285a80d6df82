"""Where a text of bound length can be, and what each token would lead to: free texts, and texts of a grammar.

A *space* has states; `options` gives, for a state, the group of each token and the cost after a token of each
group, `NEVER` where no end within the bounds can be reached. What a mask, a check and a step need is made
from that by `length_matcher.py`. Free texts use costs by the bytes of characters (`length_costs.py`). For a
grammar the space is the product of its token automaton with the counter, made whole; its costs are exact:
the sets of lengths that each state can reach, with the fewest tokens for each, from the largest length down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ..grammars.errors import LimitExceededError
from .automaton_tables import NOT_ALLOWED, START, AutomatonTables
from .character_classes import ROOT
from .length import Length
from .length_automata import START as START_CONTEXT
from .length_costs import NEVER, LengthCosts
from .token_effects import Groups, TokenEffects, spread
from .vocabulary import Vocabulary

MOST_STATES = 50_000
MOST_ENTRIES = 50_000_000
MOST_UNITS = 10_000
"""With a grammar; each unit is a layer of costs."""

State = TypeVar("State")


class Partition(Protocol):
    """Tokens that have the same effect in one group; as `Groups`."""

    def spread(self, verdicts: npt.NDArray[np.bool_], vocab_size: int) -> npt.NDArray[np.bool_]: ...


Options = tuple[Partition, npt.NDArray[np.int64]]
"""Tokens by groups, and the cost after a token of each group, int64 [n_groups]."""


class Space(Protocol[State]):
    """See above. A cost counts tokens after the one that leads there, without EOS."""

    def start(self) -> State: ...
    def after(self, state: State, token_id: int) -> State | None:
        """The next state; None: the text may not go on so, whatever its length."""

    def options(self, state: State) -> Options: ...
    def cost(self, state: State) -> int: ...
    def may_end(self, state: State) -> bool:
        """Whether the text may end here, its length included."""


@dataclass(frozen=True)
class FreeState:
    context: int
    node: int
    count: int


class FreeTexts:
    """All texts."""

    def __init__(self, vocabulary: Vocabulary, effects: TokenEffects, length: Length) -> None:
        self._tokens = vocabulary.tokens
        self._effects = effects
        self._length = length
        self._costs = LengthCosts(effects, length.least, length.most)

    def start(self) -> FreeState:
        return FreeState(START_CONTEXT, ROOT, 0)

    def after(self, state: FreeState, token_id: int) -> FreeState | None:
        data = self._tokens[token_id] if token_id < len(self._tokens) else b""
        found = self._effects.after_bytes((state.context, state.node), data) if data else None
        return None if found is None else FreeState(*found[0], state.count + found[1])

    def options(self, state: FreeState) -> Options:
        groups = self._effects.groups((state.context, state.node))
        return groups, self._costs.of_groups(groups, state.count)

    def cost(self, state: FreeState) -> int:
        return self._costs.of_place(state.context, state.node, state.count)

    def may_end(self, state: FreeState) -> bool:
        is_whole = state.node == ROOT and self._length.allows(state.count)
        return is_whole and bool(self._effects.automaton.ends[state.context])


@dataclass(frozen=True)
class GrammarState:
    position: int
    count: int


class GrammarTexts:
    """The texts of a grammar that has a token automaton.

    Raises:
        LimitExceededError: the bounds are above `MOST_UNITS`, the product has more than `MOST_STATES`
            states, or its costs more than `MOST_ENTRIES` entries.
    """

    def __init__(self, tables: AutomatonTables, effects: TokenEffects, length: Length) -> None:
        self._tables = tables
        self._effects = effects
        self._length = length
        self._top = length.least if length.most is None else length.most
        if self._top > MOST_UNITS:
            raise LimitExceededError(
                "units of a length with a grammar",
                given=self._top,
                limit=MOST_UNITS,
                advice="ask for a shorter text",
            )
        self._pairs: dict[tuple[int, int], _Pairs] = {}
        self._following: list[npt.NDArray[np.int32]] = []  # by position: that after each pair of its place
        self._places: list[tuple[int, int]] = []
        self._ends: npt.NDArray[np.bool_]
        self._explore()
        if len(self._places) * (self._top + 1) > MOST_ENTRIES:
            raise LimitExceededError(
                "entries in the table of reachable lengths",
                given=len(self._places) * (self._top + 1),
                limit=MOST_ENTRIES,
                advice="ask for a shorter text, or use a smaller grammar",
            )
        self._costs = self._find_costs()

    def start(self) -> GrammarState:
        return GrammarState(0, 0)

    def after(self, state: GrammarState, token_id: int) -> GrammarState | None:
        pairs = self._pairs[self._places[state.position]]
        pair = pairs.pair_of(token_id)
        following = -1 if pair is None else int(self._following[state.position][pair])
        return None if following < 0 else GrammarState(following, state.count + int(pairs.units[pair]))

    def options(self, state: GrammarState) -> Options:
        pairs = self._pairs[self._places[state.position]]
        following = self._following[state.position]
        counts = self._row(state.count + pairs.units)
        costs = np.where((following >= 0) & (counts >= 0), self._costs[counts, following], NEVER)
        return pairs, costs.astype(np.int64)

    def cost(self, state: GrammarState) -> int:
        row = int(self._row(np.array(state.count)))
        return int(self._costs[row, state.position]) if row >= 0 else NEVER

    def may_end(self, state: GrammarState) -> bool:
        return self._length.allows(state.count) and bool(self._ends[state.position])

    def _row(self, counts: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Counts as rows of the costs; -1: too many."""
        if self._length.most is None:
            return np.minimum(counts, self._top)
        return np.where(counts <= self._top, counts, -1)

    def _explore(self) -> None:
        """Find all positions: states of the token automaton, each with a place of the counter."""
        numbers = {(START, START_CONTEXT, ROOT): 0}
        waiting = list(numbers)
        ends: list[bool] = []
        for state, context, node in waiting:
            place = (context, node)
            if place not in self._pairs:
                self._pairs[place] = _Pairs(self._effects.groups(place), self._tables.token_classes)
            pairs = self._pairs[place]
            following = np.full(len(pairs.classes), -1, dtype=np.int32)
            states = self._tables.transitions[state, pairs.classes]
            for pair in np.flatnonzero((states != NOT_ALLOWED) & pairs.is_written).tolist():
                key = (int(states[pair]), int(pairs.contexts[pair]), int(pairs.nodes[pair]))
                if key not in numbers:
                    numbers[key] = len(numbers)
                    waiting.append(key)
                following[pair] = numbers[key]
            if len(numbers) > MOST_STATES:
                raise LimitExceededError(
                    "states of a grammar and a length together",
                    given="more",
                    limit=MOST_STATES,
                    advice="bind the length of a simpler grammar",
                )
            self._following.append(following)
            self._places.append(place)
            may_end = bool(self._tables.accepting[state]) and node == ROOT
            ends.append(may_end and bool(self._effects.automaton.ends[context]))
        self._ends = np.array(ends, dtype=bool)

    def _find_costs(self) -> npt.NDArray[np.int64]:
        """int64 [top + 1, positions]: the fewest tokens to an end, for each count so far."""
        sources, targets, units = self._edges()
        n, top = len(self._places), self._top
        costs = np.full((top + 1, n), NEVER, dtype=np.int64)
        firsts = np.flatnonzero(np.diff(sources, prepend=-1)) if len(sources) else sources
        owners = sources[firsts]
        reach = int(units.max(initial=0))
        n_alike = 0  # so many layers below the last one that differs from its neighbour above
        for count in range(top, -1, -1):
            # A layer follows from the `reach` layers above it by a rule that changes only below `least`:
            # where the layer above followed from the same, it is the same.
            if count < top and n_alike >= reach and count != self._length.least - 1:
                costs[count] = costs[count + 1]
                n_alike += 1
                continue
            base = np.where(self._ends & (count >= self._length.least), 0, NEVER)
            rows = count + units
            if self._length.most is None:
                rows = np.minimum(rows, top)
            usable, stays = rows <= top, rows == count
            costs[count] = base
            later = np.where(usable & ~stays, costs[np.minimum(rows, top), targets], NEVER)
            best = self._relax(base, later, firsts, owners)
            while stays.any():
                costs[count] = best
                now = np.where(stays, costs[count, targets], NEVER)
                better = self._relax(best, np.minimum(later, now), firsts, owners)
                if np.array_equal(better, best):
                    break
                best = better
            costs[count] = best
            is_alike = count < top and np.array_equal(best, costs[count + 1])
            n_alike = n_alike + 1 if is_alike else 0
        return costs

    @staticmethod
    def _relax(
        best: npt.NDArray, after: npt.NDArray, firsts: npt.NDArray, owners: npt.NDArray
    ) -> npt.NDArray:
        """The best of what is known and of one token more. after: by edge, the cost where it leads."""
        if not len(after):
            return best
        better = best.copy()
        better[owners] = np.minimum(best[owners], np.minimum.reduceat(after, firsts) + 1)
        return np.minimum(better, NEVER)

    def _edges(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """All different (position, next position, units), in the order of the positions."""
        edges = []
        for position, following in enumerate(self._following):
            chosen = np.flatnonzero(following >= 0)
            units = self._pairs[self._places[position]].units[chosen]
            edges.append(np.column_stack([np.full(len(chosen), position), following[chosen], units]))
        all_edges = np.unique(np.concatenate(edges), axis=0)
        return all_edges[:, 0], all_edges[:, 1], all_edges[:, 2]


class _Pairs:
    """The tokens of a place by their class in a token automaton and their group in the counter, together.

    classes, contexts, nodes, units: by pair. is_written: the counter allows its tokens.
    """

    def __init__(self, groups: Groups, token_classes: npt.NDArray[np.int32]) -> None:
        n_groups = len(groups.contexts)
        keys = token_classes[groups.token_ids].astype(np.int64) * n_groups + groups.of_token_ids
        values, of_token_ids = np.unique(keys, return_inverse=True)
        self._token_ids, self._of_token_ids = groups.token_ids, of_token_ids.reshape(-1)
        self._order = np.argsort(self._token_ids)
        self.classes, of_group = np.divmod(values, n_groups)
        self.is_written = of_group > 0
        self.contexts, self.nodes = groups.contexts[of_group], groups.nodes[of_group]
        self.units = groups.units[of_group]

    def pair_of(self, token_id: int) -> int | None:
        """The pair of a token; None: it may not be written here."""
        at = np.searchsorted(self._token_ids, token_id, sorter=self._order)
        if at == len(self._order) or self._token_ids[self._order[at]] != token_id:
            return None
        return int(self._of_token_ids[self._order[at]])

    def spread(self, verdicts: npt.NDArray[np.bool_], vocab_size: int) -> npt.NDArray[np.bool_]:
        """As `Groups.spread`."""
        return spread(self._token_ids, self._of_token_ids, verdicts, vocab_size)
