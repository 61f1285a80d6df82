"""Arrays that must repeat something: the opposite of `uniqueItems`.

In comes an `ArrayRecord` with `repeat`, out come the states of a `RepeatingArray`. That two items are equal
is nothing that a finite state can know where items have many values; the core knows it. As long as two equal
items can come later whatever comes now, the array is *loose*: any item leads to a state that awaits a
repetition, and to one that `repeats`, and the core drops one of the two. Near the largest length, or in a
tuple, it is tight: there the core recalls the items after each comma, and the state names them.

A state is (index, counters, known, pending, target). `known` is the set of values that have come, by number;
REPEATED after an item that has come before, DONE from the next on: then the array is a plain one. Until then
an item of a tight array is

    again    one of the known values: done;
    kept     any value, if the array can still repeat something without it;
    first    a value that a certain later item may have as well, where nothing else is left to repeat: it
             meets what both places ask (a promise).

An item whose value is not known leaves the state *pending* up to the next comma: ALL_KNOWN, 0 after an item
that was kept, n after the first of promise n - 1. What a pending state offers behind its comma is more than
what is possible, since the core asks again there.

The way to the end that budgets count on repeats the *target*: a known value, or one short value that two
places to come have in common (PAIR). It is chosen once and kept as long as it can be, so that to know more
never makes the end dearer. Where places are alike, two equal items may as well stand at the first of them, so
`repetition_search.py` looks no further. Cost: in a loose array a few demands for each place; in a tight one
for each item, and those of the values so far in groups.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from ..expressions import UNLIMITED
from ..grammar import ItemRule
from .algebra import NEVER
from .arrays import ArrayShape
from .distinct_items import MOST_VALUES, Cost
from .enumeration import Enumeration
from .label_sets import labels_of
from .nodes import Demand, value_key
from .records import ArrayRecord
from .repetition_search import LONG, Counters, Promise, Search

if TYPE_CHECKING:
    from .values import Values

DONE, REPEATED = -1, -2
ALL_KNOWN = -1
PAIR, NO_TARGET = -1, -2
_GROUP = 256  # known values that one literal asks for

State: TypeAlias = "tuple[int, Counters, int, int, int]"
Way: TypeAlias = "tuple[Demand, State]"
Ways: TypeAlias = "tuple[list[Way], list[Way]]"


class RepeatingArray:
    """One alternative of an array that must repeat something."""

    __slots__ = (
        *("_groups", "_loose", "_numbers", "_pending", "_promises", "_search"),
        *("_values", "_ways", "_witnesses"),
        *("plain", "record", "start", "values"),
    )
    distinct = is_plain = False

    def __init__(self, record: ArrayRecord, values: Values) -> None:
        self.record = record
        self.values = values
        plain = record.copy()
        plain.repeat = False
        self.plain = ArrayShape(plain, values)
        self.start: State = (0, (0,) * len(self.plain.counts), 0, ALL_KNOWN, PAIR)
        self._values: list[Any] = []  # by number
        self._numbers: dict[object, int] = {}
        self._groups: dict[int, int] = {}
        self._promises: list[Promise] = []
        self._pending: dict[Promise, int] = {}
        self._loose: dict[tuple[int, Counters], bool] = {}
        self._witnesses: dict[Demand, int] = {}
        self._ways: dict[State, Ways] = {}
        self._search: Search | None = None

    @property
    def special(self) -> int:
        """The first place from which on all are alike."""
        return self.plain.special

    def demand(self, index: int) -> Demand | None:
        """What the item at an index has to meet; None: there can be none."""
        return self.plain.demand(index)

    @staticmethod
    def item_rule(state: State) -> ItemRule:
        """Which items may lead to a state."""
        known = state[2]
        if known >= 0:
            return ItemRule.AWAITING
        return ItemRule.REPEATED if known == REPEATED else ItemRule.ANY

    def recalls(self, state: State) -> bool:
        """Whether the values so far play a role."""
        return state[2] >= 0 and not self.is_loose(*state[:2])

    def is_loose(self, index: int, counters: Counters) -> bool:
        """Whether two equal items can come after the next one, whatever that is."""
        key = (index, counters)
        if key not in self._loose:
            search, following = self.search, self.plain.following(index)
            afters = [
                after
                for demand, after in search.options(index, counters)
                if self.values.cost(demand) < NEVER and search.rest(following, after) < NEVER
            ]
            self._loose[key] = bool(afters) and all(search.pair(following, after) < NEVER for after in afters)
        return self._loose[key]

    @staticmethod
    def most_before(state: State) -> int:
        """No item has to differ from others."""
        return 0

    def may_close(self, state: State) -> bool:
        """Whether the array may end."""
        return state[2] < 0 and self.plain.may_close(state[:2])

    def recall(self, state: State, items: Sequence[bytes]) -> State:
        """The state in which the values of all items are known."""
        index, counters, _, _, target = state
        known = 0
        for item in items:
            known |= self._number_of_text(item)
        if target == NO_TARGET:
            target = self._target(index, counters, known)
        return index, counters, known, ALL_KNOWN, target

    def cost(self, cost: Cost) -> int:
        """Roughly the fewest bytes of such an array; NEVER if there is none. cost: that of a demand."""
        found = Search(self.plain, cost).pair(0, self.start[1])
        return found if found >= NEVER else found + 2

    # The ways on.

    def ways(self, state: State) -> list[Way]:
        """The ways to go on with an item: what it has to meet, and the state after it."""
        planned, others = self.sorted_ways(state)
        return planned + others

    def sorted_ways(self, state: State) -> Ways:
        """The same: those on the way to the end that budgets count on, and the others."""
        found = self._ways.get(state)
        if found is None:
            found = self._ways[state] = self._plain_ways(state) if state[2] < 0 else self._find_ways(state)
        return found

    def _plain_ways(self, state: State) -> Ways:
        ways = self.plain.ways(state[:2])
        return [(demand, (*after, DONE, ALL_KNOWN, NO_TARGET)) for demand, after in ways], []

    def _find_ways(self, state: State) -> Ways:
        index, counters, _, pending, target = state
        search, following = self.search, self.plain.following(index)
        planned: list[Way] = []
        others: list[Way] = []
        for demand, after in search.options(index, counters):
            if search.rest(following, after) < NEVER and target >= 0:
                done = (following, after, DONE, ALL_KNOWN, NO_TARGET)
                planned += [(equal, done) for equal in self.equal(1 << target, demand)]
            kept = self._kept(state, following, after) if self.values.cost(demand) < NEVER else None
            if kept is not None:
                (planned if kept[4] == target else others).append((demand, kept))
        if target == PAIR:
            planned += self._witness_way(state)
        if self.is_loose(index, counters):
            others += self._repeating_ways(state)
        else:
            others += self._again_ways(state)
            if pending == ALL_KNOWN:
                kept_counters = {after[1] for _, after in planned + others if after[3] == 0}
                others += self._first_ways(state, kept_counters)
            else:
                others += self._hopeful_ways(state)
        planned.sort(key=lambda way: self.values.cost(way[0]) + self.completion(way[1]))
        if planned and self.completion(planned[0][1]) < LONG:
            return planned[:1], planned[1:] + others
        return [], planned + others

    def _repeating_ways(self, state: State) -> list[Way]:
        """Any item that equals an earlier one: the core sees to it."""
        index, counters, *_ = state
        following = self.plain.following(index)
        return [
            (demand, (following, after, REPEATED, ALL_KNOWN, NO_TARGET))
            for demand, after in (self.search.options(index, counters) if index > 0 else ())
            if self.values.cost(demand) < NEVER and self.search.rest(following, after) < NEVER
        ]

    def _again_ways(self, state: State) -> list[Way]:
        """One of the known values."""
        index, counters, known, *_ = state
        following = self.plain.following(index)
        return [
            (equal, (following, after, DONE, ALL_KNOWN, NO_TARGET))
            for demand, after in self.search.options(index, counters)
            if self.search.rest(following, after) < NEVER
            for equal in self.equal(known, demand)
        ]

    def _kept(self, state: State, index: int, counters: Counters) -> State | None:
        """The state after any value; None if nothing could be repeated then."""
        _, _, known, _, target = state
        if self._plan(index, counters, target) >= NEVER:
            target = self._target(index, counters, known)
        return None if target == NO_TARGET else (index, counters, known, 0, target)

    def _witness_way(self, state: State) -> list[Way]:
        """The first of a pair."""
        index, counters, known, pending, _ = state
        found = self.search.first(index, counters)
        if found is None:
            return []
        demand, after, number = found
        return [(demand, (self.plain.following(index), after, known | 1 << number, min(pending, 0), number))]

    def _first_ways(self, state: State, kept: set[Counters]) -> list[Way]:
        """A value that has to come again, unless any is kept there."""
        index, counters, known, _, _ = state
        following = self.plain.following(index)
        ways: list[Way] = []
        for promise, after in self.search.promises(index, counters):
            if after in kept:
                continue
            values = Enumeration(self.values, self.values.cost, MOST_VALUES).run(promise.demand)
            if values is None:
                ways.append((promise.demand, (following, after, known, self._number_of(promise), NO_TARGET)))
                continue
            for value in values:
                number = self._number(value)
                for equal in self.equal(number, promise.demand):
                    target = number.bit_length() - 1
                    ways.append((equal, (following, after, known | number, ALL_KNOWN, target)))
        return ways

    def _number_of(self, promise: Promise) -> int:
        number = self._pending.setdefault(promise, len(self._promises) + 1)
        if number > len(self._promises):
            self._promises.append(promise)
        return number

    def _hopeful_ways(self, state: State) -> list[Way]:
        """What may be possible with items whose values are not known: more than what is."""
        index, counters, known, _, _ = state
        following, most = self.plain.following(index), self.record.most
        ways: list[Way] = []
        for demand, after in self.search.options(index, counters):
            if self.values.cost(demand) >= NEVER:
                continue
            if self.search.rest(following, after) < NEVER:
                ways.append((demand, (following, after, DONE, ALL_KNOWN, NO_TARGET)))
            if most == UNLIMITED or index + 1 < most:
                ways.append((demand, (following, after, known, 0, NO_TARGET)))
        return ways

    # The way to the end.

    @property
    def search(self) -> Search:
        """The search for the end by costs that are known for good."""
        if self._search is None:
            self._search = Search(self.plain, self.values.cost, self)
        return self._search

    def completion(self, state: State) -> int:
        """The cost of a short way to the end; NEVER if there is none."""
        index, counters, known, pending, target = state
        if known < 0:
            return self.plain.completion((index, counters))
        if target == NO_TARGET and pending > 0:
            promise = self._promises[pending - 1]
            return min(self.search.promised(index, counters, promise) + LONG, NEVER)
        return self._plan(index, counters, target)

    def _plan(self, index: int, counters: Counters, target: int) -> int:
        if target == NO_TARGET:
            return NEVER
        if target == PAIR:
            return self.search.pair(index, counters)
        return self.search.again(index, counters, target)

    def _target(self, index: int, counters: Counters, known: int) -> int:
        """What can be repeated."""
        if self.search.pair(index, counters) < NEVER:
            return PAIR
        for number in labels_of(known):
            if self.search.again(index, counters, number) < NEVER:
                return number
        return NO_TARGET

    # Values.

    def witness(self, demand: Demand) -> int:
        """The number of a short value that meets a demand; -1 if none was found."""
        found = self._witnesses.get(demand)
        if found is None:
            text = self.values.short_text(demand)
            number = 0 if text is None else self._number_of_text(text)
            found = number.bit_length() - 1 if self.equal(number, demand) else -1
            self._witnesses[demand] = found
        return found

    def equal(self, known: int, demand: Demand) -> list[Demand]:
        """What asks for a value that is among the known ones and meets a demand."""
        found = []
        place = 0
        while known >> place:
            group = (known >> place & (1 << _GROUP) - 1) << place
            place += _GROUP
            if group:
                joined = self.values.nodes.demand((*demand, self._one_of(group)))
                if joined is not None and self.values.cost(joined) < NEVER:
                    found.append(joined)
        return found

    def _one_of(self, numbers: int) -> int:
        """The literal "is one of these values"."""
        known = self._groups.get(numbers)
        if known is None:
            values = [self._values[number] for number in labels_of(numbers)]
            known = self._groups[numbers] = self.values.same(values)
        return known

    def _number_of_text(self, text: bytes) -> int:
        """The value of a JSON text as a set of one number. Raises LimitExceededError for a number of more
        than 1,000 digits."""
        return self._number(json.loads(text, parse_float=Decimal, parse_int=Decimal))

    def _number(self, value: Any) -> int:
        number = self._numbers.setdefault(value_key(value), len(self._values))
        if number == len(self._values):
            self._values.append(value)
        return 1 << number
