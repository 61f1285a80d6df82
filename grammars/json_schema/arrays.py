"""Arrays as streams: what the next item must meet, and when the array may end.

In comes an `ArrayRecord`, out comes an `ArrayShape` with its states. A state is (index, counters): the number
of items so far, clipped where it plays no role any more, and for each `contains` how many items met it,
clipped likewise. An item either meets a `contains` (then its literal joins what the item has to meet) or not;
without a largest number a miss asks nothing of the item, with one it asks for the opposite, so that counts
are exact. Whether an array can be finished is a search for the shortest path over these states.

With `uniqueItems` and items from a small set of scalars the one counter is the bit set of the values seen,
so that what is left is known. Otherwise the states are `distinct`: the core keeps the items and drops what
repeats. `repeat` is the opposite: some value has to come twice; it needs a small set of scalars.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from ..errors import LimitExceededError, UnsupportedFeatureError
from ..expressions import UNLIMITED
from .algebra import NEVER
from .nodes import Demand
from .records import ArrayRecord

if TYPE_CHECKING:
    from .values import Values

MOST_STEPS = 20_000
MOST_COUNTERS = 6
MOST_DOMAIN = 256
"""How many values the items of an array with `uniqueItems` may have, to be kept as a bit set."""

State = tuple[int, tuple[int, ...]]


class ArrayShape:
    """One alternative of an array."""

    def __init__(self, record: ArrayRecord, values: Values) -> None:
        self.record = record
        self.values = values
        self.counts = list(record.counts)
        if len(self.counts) > MOST_COUNTERS:
            raise LimitExceededError("`contains` of one array", given=len(self.counts), limit=MOST_COUNTERS)
        starts = [start for start, _ in record.tails] + [start for start, _, _, _ in self.counts]
        self.special = max([*starts, *(index + 1 for index in record.at)], default=0)
        self._demands: dict[int, Demand | None] = {}
        self.domain: list[Any] | None = None
        self.distinct = False
        if (record.unique and record.most != 0 and record.most != 1) or record.repeat:
            self.domain = self._finite_domain()
            self.distinct = self.domain is None
        self.simple = not self.counts and self.domain is None
        self.top = max(1, self.special, record.least) if record.most == UNLIMITED else max(1, record.most)
        self._ways: dict[State, list[tuple[Demand, State]]] = {}
        self._completions: dict[State, int] = {}
        self.start: State = (0, (0,) * len(self.counts) if self.domain is None else (0, 0))

    def _finite_domain(self) -> list[Any] | None:
        """The values of the items, if all items have the same and they are few scalars."""
        demand = self.demand(0) if self.special == 0 and not self.counts else None
        domain = None if demand is None else self.values.finite(demand)
        if domain is None and self.record.repeat:
            raise UnsupportedFeatureError(
                "the opposite of uniqueItems",
                advice="it needs items from an `enum` of scalars",
            )
        if domain is None and not self._leaves_room():
            raise UnsupportedFeatureError(
                "uniqueItems with required items of few values, different ones in different places",
                advice="lower minItems, or list the arrays with `enum`",
            )
        return domain

    def _leaves_room(self) -> bool:
        """Whether each required item has more values than there are items before it."""
        for index in range(min(self.record.least, MOST_DOMAIN + 1)):
            demand = self.demand(index)
            few = None if demand is None else self.values.finite(demand)
            if few is not None and len(few) <= index:
                return False
        return True

    def demand(self, index: int) -> Demand | None:
        """What the item at an index has to meet; None: there can be none."""
        index = min(index, self.special)
        if index not in self._demands:
            self._demands[index] = self.values.formulas.item_of(self.record, index)
        return self._demands[index]

    def may_close(self, state: State) -> bool:
        """Whether the array may end."""
        index, counters = state
        if index < self.record.least:
            return False
        if self.domain is not None:
            return not self.record.repeat or bool(counters[1])
        return all(met >= least for met, (_, _, least, _) in zip(counters, self.counts, strict=True))

    def ways(self, state: State) -> list[tuple[Demand, State]]:
        """The ways to go on with an item: what it has to meet, and the state after it."""
        known = self._ways.get(state)
        if known is None:
            known = self._ways[state] = [
                (demand, after)
                for demand, after in self.moves(state)
                if self.values.cost(demand) < NEVER and (self.simple or self.completion(after) < NEVER)
            ]
        return known

    def moves(self, state: State) -> list[tuple[Demand, State]]:
        """The same without asking whether the item exists and the array can be finished."""
        index, counters = state
        if self.record.most != UNLIMITED and index >= self.record.most:
            return []
        demand = self.demand(index)
        if demand is None:
            return []
        following = min(index + 1, self.top)
        if self.domain is not None:
            return self._moves_in_domain(following, counters)
        found: list[tuple[list[int], tuple[int, ...]]] = [([], ())]
        choices: list[tuple[list[int], int]]
        for met, (start, literal, least, most) in zip(counters, self.counts, strict=True):
            if index < start or (most == UNLIMITED and met >= least):
                choices = [([], met)]
            elif most == UNLIMITED:
                choices = [([literal], met + 1), ([], met)]
            else:
                choices = [([literal ^ 1], met)]
                if met < most:
                    choices.append(([literal], met + 1))
            found = [
                (literals + more, (*after, value)) for literals, after in found for more, value in choices
            ]
        moves = []
        for literals, after in found:
            joined = self.values.nodes.demand((*demand, *literals)) if literals else demand
            if joined is not None:
                moves.append((joined, (following, after)))
        return moves

    def _moves_in_domain(self, following: int, counters: tuple[int, ...]) -> list[tuple[Demand, State]]:
        seen, repeated = counters
        moves: list[tuple[Demand, State]] = []
        assert self.domain is not None
        for place, value in enumerate(self.domain):
            again = seen >> place & 1
            if again and self.record.unique:
                continue
            now = (seen | 1 << place, repeated | again) if not repeated else (0, 1)
            moves.append(((self.values.constant(value),), (following, now)))
        return moves

    def cost(self, cost: Callable[[Demand], int]) -> int:
        """Roughly the fewest bytes of such an array; NEVER if there is none. cost: that of a demand."""
        if not self.simple:
            found = self._search(self.start, cost)
            return found if found >= NEVER else found + 2
        total, index = 2, 0
        while index < self.record.least:
            demand = self.demand(index)
            value = NEVER if demand is None else cost(demand)
            if value >= NEVER:
                return NEVER
            times = 1 if index < self.special else self.record.least - index
            total += (value + 1) * times
            index += times
        return min(total, NEVER - 1)

    def completion(self, state: State) -> int:
        """The cost of a short way to the end; NEVER if there is none."""
        known = self._completions.get(state)
        if known is None:
            if self.simple:
                index, total = state[0], 0
                while index < self.record.least:
                    demand = self.demand(index)
                    assert demand is not None  # the record has values
                    times = 1 if index < self.special else self.record.least - index
                    total += (self.values.cost(demand) + 1) * times
                    index += times
                known = min(total, NEVER - 1)
            else:
                known = self._search(state, self.values.cost)
            self._completions[state] = known
        return known

    def _search(self, start: State, cost: Callable[[Demand], int]) -> int:
        """Dijkstra's algorithm over the states."""
        done: set[State] = set()
        waiting = [(0, start)]
        while waiting:
            total, state = heappop(waiting)
            if self.may_close(state):
                return total
            if state in done:
                continue
            done.add(state)
            if len(done) > MOST_STEPS:
                raise LimitExceededError("steps to complete an array", given=len(done), limit=MOST_STEPS)
            for demand, after in self.moves(state):
                price = cost(demand)
                if price < NEVER:
                    heappush(waiting, (total + price + 1, after))
        return NEVER
