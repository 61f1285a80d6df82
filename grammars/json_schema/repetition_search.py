"""The ways to the end of an array that must repeat something.

In comes an `ArrayShape` and what demands cost, out come the costs of a short way to the end from an index and
the counters of `contains` there (NEVER: there is none): where a known value comes *again*, where a *pair* of
equal items is still to come, where an item that has come was *promised* to come again. Items before the
repetition may be needed to get there; where all that follow are alike they are not. What comes after it is
completed as a plain array. Everything is remembered; the number of places times the truth values of the
`contains` bounds the search.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..expressions import UNLIMITED
from .algebra import NEVER
from .array_completion import ArrayCompletion
from .distinct_items import Cost
from .nodes import Demand

if TYPE_CHECKING:
    from .arrays import ArrayShape
    from .repeated_items import RepeatingArray

MOST_STEPS = 20_000

LONG = 1 << 20
"""What a way costs more that no budget can count on, since the value to be repeated is not known."""

Counters: TypeAlias = "tuple[int, ...]"


class Promise(NamedTuple):
    """The item comes again at a later place (that of all that are alike: at the first of them).

    truth: the literals of `contains` that the value meets, or their opposites. demand: what it meets.
    """

    place: int
    truth: tuple[int, ...]
    demand: Demand


class Search:
    """The search for one array, by the cost of demands.

    array: whose values are repeated; None: any value, as long as not all costs are known.
    """

    def __init__(self, plain: ArrayShape, cost: Cost, array: RepeatingArray | None = None) -> None:
        self._plain = plain
        self._cost = cost
        self._array = array
        self._completion = ArrayCompletion(plain, cost, None) if plain.counts else None
        self._again: dict[tuple[int, Counters, int], int] = {}
        self._pairs: dict[tuple[int, Counters], int] = {}
        self._firsts: dict[tuple[int, Counters], tuple[Demand, Counters, int] | None] = {}
        self._promised: dict[tuple[int, Counters, Promise], int] = {}
        self._steps = 0

    def options(self, index: int, counters: Counters) -> list[tuple[Demand, Counters]]:
        """What the item at an index may have to meet, and the counters after it."""
        most = self._plain.record.most
        if most != UNLIMITED and index >= most:
            return []
        found = []
        for literals, after in self._plain.counted(index, counters):
            demand = self._plain.joined(index, literals)
            if demand is not None:
                found.append((demand, after))
        return found

    def rest(self, index: int, counters: Counters) -> int:
        """The cost of what is left once something was repeated."""
        if self._completion is not None:
            return self._completion.cost((index, counters))
        return self._plain.plain_cost(index, self._cost)

    def again(self, index: int, counters: Counters, number: int) -> int:
        """The cost to the end where a known value comes again."""
        key = (index, counters, number)
        if key not in self._again:
            self._again[key] = self._find_again(*key)
        return self._again[key]

    def _find_again(self, index: int, counters: Counters, number: int) -> int:
        array, following, best = self._array, self._plain.following(index), NEVER
        assert array is not None
        for demand, after in self.options(index, counters):
            for equal in array.equal(1 << number, demand):
                best = min(best, self._cost(equal) + 1 + self.rest(following, after))
        return (
            best
            if best < NEVER
            else self._skip(index, counters, lambda later, after: self.again(later, after, number))
        )

    def pair(self, index: int, counters: Counters) -> int:
        """The same where a value to come comes twice."""
        key = (index, counters)
        if key not in self._pairs:
            self._pairs[key] = self._find_pair(*key)
        return self._pairs[key]

    def _find_pair(self, index: int, counters: Counters) -> int:
        following = self._plain.following(index)
        found = self.first(index, counters)
        if found is not None:
            demand, after, number = found
            return min(self._cost(demand) + 1 + self.again(following, after, number), NEVER - 1)
        best, more = NEVER, LONG if self._array else 0
        for promise, after in self.promises(index, counters):
            price = self._cost(promise.demand) + 1 + self.promised(following, after, promise) + more
            best = min(best, price)
        return best if best < NEVER else self._skip(index, counters, self.pair)

    def first(self, index: int, counters: Counters) -> tuple[Demand, Counters, int] | None:
        """A witness that may come here for the first time and later again: what asks for it, the counters
        after it, and its number."""
        if self._array is None:
            return None
        key = (index, counters)
        if key not in self._firsts:
            self._firsts[key] = self._find_first(self._array, index, counters)
        return self._firsts[key]

    def _find_first(
        self, array: RepeatingArray, index: int, counters: Counters
    ) -> tuple[Demand, Counters, int] | None:
        following = self._plain.following(index)
        for promise, after in self.promises(index, counters):
            number = array.witness(promise.demand)
            if number >= 0 and self.again(following, after, number) < NEVER:
                (equal,) = array.equal(1 << number, promise.demand)
                return equal, after, number
        return None

    def promised(self, index: int, counters: Counters, promise: Promise) -> int:
        """The same where a promise is kept."""
        key = (index, counters, promise)
        if key not in self._promised:
            self._promised[key] = self._find_promised(*key)
        return self._promised[key]

    def _find_promised(self, index: int, counters: Counters, promise: Promise) -> int:
        if index < promise.place:
            return self._skip(index, counters, lambda later, after: self.promised(later, after, promise))
        after = self._counters_after(index, counters, promise.truth)
        if after is None:
            return NEVER
        price = self._cost(promise.demand)
        return min(NEVER, price + 1 + self.rest(self._plain.following(index), after))

    def _skip(self, index: int, counters: Counters, then: Callable[[int, Counters], int]) -> int:
        """The cost where the item plays no role; where all that follow are alike there is no need of such."""
        best, following = NEVER, self._plain.following(index)
        if index < self._plain.special:
            for demand, after in self.options(index, counters):
                price = self._cost(demand)
                if price < NEVER:
                    best = min(best, price + 1 + then(following, after))
        return best

    def promises(self, index: int, counters: Counters) -> Iterator[tuple[Promise, Counters]]:
        """The later places where the item may come again, and the counters after it."""
        plain, most = self._plain, self._plain.record.most
        if most != UNLIMITED and index >= most:
            return
        special = plain.special
        has_rest = most == UNLIMITED or max(index + 1, special) < most
        last = special if most == UNLIMITED else min(special, most)
        for place in ([special] if has_rest else []) + list(range(index + 1, last)):
            for truth in product(*((literal, literal ^ 1) for _, literal, _, _ in plain.counts)):
                self._steps += 1
                if self._steps > MOST_STEPS:
                    raise plain.limit_exceeded(self._steps, MOST_STEPS)
                after = self._counters_after(index, counters, truth)
                here, there = plain.demand(index), plain.demand(place)
                if after is None or here is None or there is None:
                    continue
                demand = plain.values.nodes.demand((*here, *there, *truth))
                if demand is None or self._cost(demand) >= NEVER:
                    continue
                promise = Promise(place, truth, demand)
                if self.promised(plain.following(index), after, promise) < NEVER:
                    yield promise, after

    def _counters_after(self, index: int, counters: Counters, truth: tuple[int, ...]) -> Counters | None:
        """The counters after a value that meets these literals; None: it is one too many."""
        after = []
        for met, (start, literal, least, most), meets in zip(
            counters, self._plain.counts, truth, strict=True
        ):
            if index >= start and meets == literal:
                if met == most:
                    return None
                met = min(met + 1, least) if most == UNLIMITED else met + 1
            after.append(met)
        return tuple(after)
