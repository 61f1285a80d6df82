"""How an array with `contains` can be finished: the items that still have to come, chosen small.

In comes an `ArrayShape` and what demands cost, out comes for each state the cost of a short way to the end
(NEVER: there is none). The way is a best-first search over states (A*: Hart, Nilsson, Raphael, A Formal Basis
for the Heuristic Determination of Minimum Cost Paths, 1968), with two means against subsets:

- *Numbered values that are alike*, that is, may stand at the same later places and meet the same `contains`,
  are exchangeable. Only the cheapest that is left of each kind is tried, and a state counts how many of each
  kind have come, not which (`canonical`). So n values make at most n + 1 states of a kind, not 2^n.
- *Counting*: a `contains` that asks for r more items, of which m may still come, takes the r cheapest that
  meet it and, if n items are needed in all, the n - m cheapest that do not. If there are not enough of them
  there is no way, and nothing is tried; else their prices are a lower bound. Where all later items are alike
  and one `contains` alone is still at stake, the count is exact, so that nothing is searched at all.

Several overlapping `contains` can still take many steps (to choose sets that cover all is NP-hard):
SEARCHES bounds them. What a finished search has found is kept for the states along the way. Costs need not
be the least, but each is more than that of the next state by more than the price of an item between them, so
that who follows the cheapest item arrives.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from ..expressions import UNLIMITED
from .algebra import NEVER
from .distinct_items import Cost, FewValues
from .label_sets import labels_of
from .nodes import Demand

if TYPE_CHECKING:
    from .arrays import ArrayShape

MOST_STEPS = 20_000
SEARCHES = ((1, 1_000), (5, 2_000), (100, MOST_STEPS))
"""The weight of what is missing, and the most items that are tried."""

State: TypeAlias = "tuple[int, tuple[int, ...]]"


class Supply(NamedTuple):
    """Items that may come: numbered values (a bit set), and the price of others, of which there is no end."""

    numbers: int
    endless: int


class Requirement(NamedTuple):
    """At least so many of the items to come are of a supply."""

    supply: Supply
    n: int


class Kind(NamedTuple):
    """Numbered values that are alike. cheapest: by n, the n cheapest of them (a bit set)."""

    numbers: int
    cheapest: list[int]


class ArrayCompletion:
    """The ways to the end of one array, as far as costs are known."""

    def __init__(self, shape: ArrayShape, cost: Cost, few: FewValues | None) -> None:
        self._shape = shape
        self._cost = cost
        self._n_bounded = sum(most != UNLIMITED for _, _, _, most in shape.counts)
        self._few = few  # None: items need not differ
        self._known: dict[State, int] = {}
        self._estimates: dict[State, tuple[int, bool]] = {}
        self._supplies: dict[tuple[int, int], Supply] = {}
        self._kinds: dict[int, list[Kind]] = {}
        self._prices: list[tuple[int, int]] | None = None

    def cost(self, state: State) -> int:
        """The cost of a short way from a state to the end; NEVER if there is none.

        Raises LimitExceededError if the search takes too many steps.
        """
        state = self.canonical(state)
        known = self._known.get(state)
        return self._search(state) if known is None else known

    def canonical(self, state: State) -> State:
        """The state in which of the values that are alike the cheapest have come, as many as in this one."""
        index, counters = state
        if self._few is None or not counters[-1]:
            return state
        seen = 0
        for kind in self._kinds_from(index):
            seen |= kind.cheapest[(kind.numbers & counters[-1]).bit_count()]
        return index, (*counters[:-1], seen)

    def _search(self, start: State) -> int:
        """Several searches, each more intent on what is missing than on what is spent."""
        rest, is_certain = self._estimate(start)
        if is_certain:
            self._known[start] = rest
            return rest
        for weight, most_steps in SEARCHES:
            found = self._search_weighted(start, weight, most_steps)
            if found is not None:
                return found
        raise self._shape.limit_exceeded(MOST_STEPS + 1, MOST_STEPS)

    def _search_weighted(self, start: State, weight: int, most_steps: int) -> int | None:
        """Best-first search; remembers what it finds. None: it takes too many steps. weight: of what is
        missing."""
        spent = {start: 0}
        before: dict[State, State] = {}
        done: set[State] = set()
        waiting = [(0, 0, start)]  # estimate, minus what is spent, state
        n_steps = 0
        while waiting:
            _, _, state = heappop(waiting)
            if state in done:
                continue
            rest, is_certain = self._estimate(state)
            if is_certain:
                return self._remember(start, state, before, spent, spent[state] + rest)
            done.add(state)
            for price, after in self._moves(state):
                n_steps += 1
                total = spent[state] + price
                if after in done or total >= spent.get(after, NEVER):
                    continue
                rest, _ = self._estimate(after)
                if rest < NEVER:
                    spent[after] = total
                    before[after] = state
                    heappush(waiting, (total + weight * rest, -total, after))
            if n_steps > most_steps:
                return None
        self._known.update(dict.fromkeys(done, NEVER))
        return NEVER

    def _remember(
        self, start: State, state: State, before: dict[State, State], spent: dict[State, int], total: int
    ) -> int:
        """Keeps the cost of each state on the way that was found."""
        while True:
            self._known.setdefault(state, min(total - spent[state], NEVER - 1))
            if state == start:
                return self._known[start]
            state = before[state]

    def _moves(self, state: State) -> Iterator[tuple[int, State]]:
        """What an item costs, and the state after it; of values that are alike only the cheapest left."""
        few, only = self._few, -1
        if few is not None:
            only, seen = 0, state[1][-1]
            for kind in self._kinds_from(state[0]):
                n_seen = (kind.numbers & seen).bit_count()
                if n_seen + 1 < len(kind.cheapest):
                    only |= kind.cheapest[n_seen + 1] & ~kind.cheapest[n_seen]
        for demand, after in self._shape.moves(state, few, only):
            price = self._cost(demand)
            if price < NEVER:
                yield price + 1, self.canonical(after)

    # Counting.

    def _estimate(self, state: State) -> tuple[int, bool]:
        """A lower bound of the cost from a state to the end, roughly, and whether there is such a way for
        certain. NEVER is certain."""
        known = self._known.get(state)
        if known is not None:
            return known, True
        if state not in self._estimates:
            self._estimates[state] = self._count(state)
        return self._estimates[state]

    def _count(self, state: State) -> tuple[int, bool]:
        """The same by counting."""
        index, counters = state
        shape, record = self._shape, self._shape.record
        n = max(record.least - index, 0)
        for met, (start, _, least, _) in zip(counters, shape.counts, strict=False):
            if met < least:
                n = max(n, least - met + max(0, start - index))
        if record.most != UNLIMITED and n > record.most - index:
            return NEVER, True
        if not n:
            return 0, True
        seen = counters[-1] if self._few is not None else 0
        everything = self._supply(index, -1)
        found = self._total(everything, n, seen, ())
        at_stake = 0
        for place, met in enumerate(counters[: len(shape.counts)]):
            requirements = list(self._requirements(place, index, met, n))
            if requirements:
                at_stake += 1
                found = max(found, self._total(everything, n, seen, requirements))
        if found >= NEVER:
            return NEVER, True
        few = self._few
        if few is not None and index < shape.special and not few.can_differ(seen, index, record.least):
            return NEVER, True
        return found, index >= shape.special and self._is_exact(at_stake)

    def _is_exact(self, at_stake: int) -> bool:
        """Whether counting is exact where all items to come are alike: at most one `contains` is at stake,
        and no other makes items dearer because it has to be missed."""
        return not at_stake or (at_stake == 1 and self._n_bounded <= (len(self._shape.counts) == 1))

    def _requirements(self, place: int, index: int, met: int, n: int) -> Iterator[Requirement]:
        """What a `contains` asks of the next n items."""
        start, _, least, most = self._shape.counts[place]
        if met < least:
            yield Requirement(self._supply(index, 2 * place), least - met)
        if most != UNLIMITED:
            n_missing = n - max(0, start - index) - (most - met)
            if n_missing > 0:
                yield Requirement(self._supply(index, 2 * place + 1), n_missing)

    def _total(
        self, everything: Supply, n: int, seen: int, requirements: list[Requirement] | tuple[()]
    ) -> int:
        """The price of the cheapest n items of which so many are of these supplies (no two share an item)."""
        total = 0
        for supply, n_asked in requirements:
            price, taken = self._cheapest(supply, n_asked, seen)
            seen |= taken
            total += price
            n -= n_asked
        return min(total + self._cheapest(everything, n, seen)[0], NEVER)

    def _cheapest(self, supply: Supply, n: int, seen: int) -> tuple[int, int]:
        """The price of the n cheapest items of a supply, and the numbers of these; NEVER: too few left."""
        total = taken = 0
        left = supply.numbers & ~seen
        if left and n > 0:
            for price, members in self._by_price():
                if price >= supply.endless:
                    break
                found = left & members
                n_found = found.bit_count()
                if n_found > n:
                    found, n_found = _first(found, n), n
                total += n_found * (price + 1)
                taken |= found
                n -= n_found
                if not n:
                    break
        if n <= 0:
            return total, taken
        if supply.endless >= NEVER:
            return NEVER, taken
        return min(total + n * (supply.endless + 1), NEVER - 1), taken

    def _supply(self, index: int, which: int) -> Supply:
        """What may come from an index on, of which a `contains` is met (which: 2 * its place), or not (plus
        1), or which may be anything (-1)."""
        shape = self._shape
        index = min(index, shape.special)
        known = self._supplies.get((index, which))
        if known is not None:
            return known
        start = index if which < 0 else max(index, shape.counts[which >> 1][0])
        most = shape.record.most
        end = shape.special + 1 if most == UNLIMITED else min(shape.special + 1, most)
        numbers, endless = 0, NEVER
        for place in range(start, end):
            literals = () if which < 0 else (shape.counts[which >> 1][1] ^ which & 1,)
            if self._few is not None:
                numbers |= self._few.meeting(place, literals)
            joined = shape.joined(place, literals)
            for demand in shape.joined_demands(place) if which < 0 else () if joined is None else (joined,):
                endless = min(endless, self._endless(place, demand))
        found = self._supplies[index, which] = Supply(numbers, endless)
        return found

    def _endless(self, place: int, demand: Demand) -> int:
        """The price of an item that meets a demand, if it can be any of many."""
        few = self._few
        if few is None:
            return self._cost(demand)
        if few.domain_of(place, demand) is not None:
            return NEVER
        others = few.without(demand, few.among(demand))
        return NEVER if others is None else self._cost(others)

    # Numbered values.

    def _by_price(self) -> list[tuple[int, int]]:
        """The prices of the numbered values, the lowest first, and which have it."""
        if self._prices is None:
            few, shape = self._few, self._shape
            assert few is not None
            literals = [literal for _, literal, _, _ in shape.counts]
            prices: dict[int, int] = {}
            for number, constant in enumerate(few.constants):
                met = [literal for literal in literals if few.of_literal(literal) >> number & 1]
                asked = few.constant(number, shape.joined(shape.special, tuple(met)) or ())
                price = NEVER if asked is None else self._cost(asked)
                if price >= NEVER:
                    price = self._cost(constant)
                prices[price] = prices.get(price, 0) | 1 << number
            self._prices = sorted(prices.items())
        return self._prices

    def _kinds_from(self, index: int) -> list[Kind]:
        """The kinds of numbered values that may come from an index on."""
        index = min(index, self._shape.special)
        known = self._kinds.get(index)
        if known is None:
            kinds = [self._supply(index, -1).numbers]
            for members in self._tests(index):
                kinds = [part for kind in kinds for part in (kind & members, kind & ~members) if part]
            known = self._kinds[index] = []
            for kind in kinds:
                cheapest = [0]
                for _, members in self._by_price():
                    for number in labels_of(members & kind):
                        cheapest.append(cheapest[-1] | 1 << number)
                known.append(Kind(kind, cheapest))
        return known

    def _tests(self, index: int) -> Iterator[int]:
        """The sets of values that tell kinds apart."""
        shape, few = self._shape, self._few
        assert few is not None
        for place in range(index, min(shape.special + 1, len(few.domains))):
            yield few.meeting(place, ())
        for _, literal, _, most in shape.counts:
            yield few.of_literal(literal)
            yield few.surely(literal) if most == UNLIMITED else few.of_literal(literal ^ 1)


def _first(numbers: int, n: int) -> int:
    """The first n members of a bit set."""
    rest = numbers
    for _ in range(n):
        rest &= rest - 1
    return numbers ^ rest
