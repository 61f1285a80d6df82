"""How an object can be finished: the keys that still have to come, chosen small.

In comes a state of an `ObjectShape`, out comes a `Completion`: a cost and the next key on the way to the end.
The needed names are closed under the implications; each pending existential is given a key (one that comes
anyway, another name, an undeclared key) by search for the least cost; undeclared keys, then more names, fill
up to the least number of keys. That is exact as long as adding a name to reach the least number does not
imply names that break the largest number (then a larger set is tried). The search is exponential in the
pending existentials and bounded by `MOST_STEPS`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from .algebra import NEVER
from .label_sets import labels_of
from .nodes import Demand

if TYPE_CHECKING:
    from .object_keys import Signature
    from .objects import ObjectShape

MOST_STEPS = 20_000
CLOSE, NAME, OTHER = range(3)


class Completion(NamedTuple):
    """The cost of a short way to the end (NEVER: there is none), and its first step: a bracket, a name,
    another key."""

    cost: int
    step: int = CLOSE
    label: int = 0


IMPOSSIBLE = Completion(NEVER)


def complete(
    shape: ObjectShape, state: tuple[int, int, int, int], cost: Callable[[Demand], int]
) -> Completion:
    """A short way from a state to the end of the object."""
    if shape.unwritable:
        return IMPOSSIBLE
    if shape.simple:
        return _complete_simple(shape, state[1], cost)
    return _Search(shape, state, cost).run()


def _complete_simple(shape: ObjectShape, need: int, cost: Callable[[Demand], int]) -> Completion:
    total = cost_of_names(shape, need, cost)
    if total >= NEVER:
        return IMPOSSIBLE
    return Completion(total, NAME, shape.first(need)) if need else Completion(total)


def cost_of_names(shape: ObjectShape, names: int, cost: Callable[[Demand], int]) -> int:
    """The cost of some names with their values; NEVER if one has none."""
    total = 0
    for label in labels_of(names):
        demand = shape.demand(label)
        value = NEVER if demand is None else cost(demand)
        if value >= NEVER:
            return NEVER
        total += value + shape.key_cost(label)
    return total


class _Search:
    """The search for the cheapest assignment of keys to existentials."""

    def __init__(
        self, shape: ObjectShape, state: tuple[int, int, int, int], cost: Callable[[Demand], int]
    ) -> None:
        self.shape = shape
        self.cost = cost
        self.available, self.need, self.count, self.pending = state
        self.steps = 0
        self.prices: dict[tuple[int, int], int] = {}
        self.best = IMPOSSIBLE

    def run(self) -> Completion:
        names = self.shape.closure(self.need, self.available)
        if names & ~self.available or names & self.shape.implications.impossible:
            return IMPOSSIBLE
        places = [place for place in range(len(self.shape.somes)) if self.pending >> place & 1]
        self.assign(places, names, {}, [])
        return self.best

    def name_cost(self, label: int, chosen: int) -> int:
        """The cost of a name whose value also meets some existentials."""
        known = self.prices.get((label, chosen))
        if known is None:
            demand = self.shape.demand(label)
            joined = None if demand is None else self.shape.joined(demand, chosen)
            value = NEVER if joined is None else self.cost(joined)
            known = NEVER if value >= NEVER else value + self.shape.key_cost(label)
            self.prices[label, chosen] = known
        return known

    def other_cost(self, kind: Signature, chosen: int) -> int:
        """The cost of an undeclared key whose value also meets some existentials."""
        joined = self.shape.joined(kind.demand, chosen)
        value = NEVER if joined is None else self.cost(joined)
        return NEVER if value >= NEVER else value + 8

    def assign(
        self, places: list[int], names: int, chosen: dict[int, int], others: list[tuple[Signature, int]]
    ) -> None:
        """Gives the existentials in `places` keys. chosen: name -> existentials; others: undeclared keys and
        theirs."""
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise LimitExceededError("steps to complete an object", given=self.steps, limit=MOST_STEPS)
        if not places:
            self.fill(names, chosen, others)
            return
        if self.spent(names, chosen, others) >= self.best.cost:
            return
        place, rest = places[0], places[1:]
        some = self.shape.somes[place]
        if self.shape.free >> place & 1 and self.is_met(place, names, others):
            self.assign(rest, names, chosen, others)
            return
        for label in labels_of(self.available):
            if self.shape.meets_class(self.shape.table.literals[label], some):
                met = chosen.get(label, 0) | 1 << place
                if self.name_cost(label, met) < NEVER:
                    closed = self.shape.closure(names | 1 << label, self.available)
                    self.assign(rest, closed, {**chosen, label: met}, others)
        for index, (kind, met) in enumerate(others):
            if kind.classes >> place & 1 and self.other_cost(kind, met | 1 << place) < NEVER:
                self.assign(
                    rest, names, chosen, [*others[:index], (kind, met | 1 << place), *others[index + 1 :]]
                )
        for kind in self.shape.signatures:
            if kind.classes >> place & 1 and self.other_cost(kind, 1 << place) < NEVER:
                self.assign(rest, names, chosen, [*others, (kind, 1 << place)])

    def spent(self, names: int, chosen: dict[int, int], others: list[tuple[Signature, int]]) -> int:
        """The cost of the keys so far."""
        total = sum(self.name_cost(label, chosen.get(label, 0)) for label in labels_of(names))
        return total + sum(self.other_cost(kind, met) for kind, met in others)

    def is_met(self, place: int, names: int, others: list[tuple[Signature, int]]) -> bool:
        """Whether a key that comes anyway is of the class of an existential."""
        if any(kind.classes >> place & 1 for kind, _ in others):
            return True
        some, literals = self.shape.somes[place], self.shape.table.literals
        return any(self.shape.meets_class(literals[label], some) for label in labels_of(names))

    def fill(self, names: int, chosen: dict[int, int], others: list[tuple[Signature, int]]) -> None:
        """Adds keys up to the least number; remembers the result if it is the cheapest."""
        total = self.spent(names, chosen, others)
        if total >= NEVER:
            return
        n_keys = self.count + names.bit_count() + len(others)
        record = self.shape.record
        if n_keys < record.least:
            names, others, total = self.add_keys(names, others, total, record.least - n_keys)
            n_keys = max(record.least, self.count + names.bit_count() + len(others))
        if record.most != UNLIMITED and n_keys > record.most:
            return
        if total < self.best.cost:
            self.best = Completion(total, *self.first(names, others))

    def add_keys(
        self, names: int, others: list[tuple[Signature, int]], total: int, missing: int
    ) -> tuple[int, list[tuple[Signature, int]], int]:
        """More keys, the cheapest first; the cost is NEVER if there are not enough.

        The cheapest, since costs must not be greater than when it was found out that there are values at
        all: who follows the cheapest alternative arrives.
        """
        kinds = [(self.other_cost(kind, 0), kind) for kind in self.shape.signatures]
        price, kind = min(kinds, key=lambda entry: entry[0], default=(NEVER, None))
        candidates = []
        prices = {label: self.name_cost(label, 0) for label in labels_of(self.available)}
        for label in labels_of(self.available & ~names & ~self.shape.implications.impossible):
            closed = self.shape.closure(1 << label, self.available)
            value = sum(map(prices.__getitem__, labels_of(closed)))
            if value < price:
                candidates.append((value, label, closed))
        room = self.shape.record.most - self.count - names.bit_count() - len(others)
        for _, _, closed in sorted(candidates):
            added = closed & ~names
            if missing <= 0:
                break
            if self.shape.record.most != UNLIMITED and added.bit_count() > room:
                continue
            names |= added
            total += sum(map(prices.__getitem__, labels_of(added)))
            missing -= added.bit_count()
            room -= added.bit_count()
        if missing <= 0:
            return names, others, total
        if price >= NEVER or kind is None:
            return names, others, NEVER
        return names, [*others, (kind, 0)], min(total + missing * price, NEVER - 1)

    def first(self, names: int, others: list[tuple[Signature, int]]) -> tuple[int, int]:
        """The first key of a set of keys, as a step."""
        if names:
            return NAME, self.shape.first(names)
        if others:
            return OTHER, others[0][0].bits
        return CLOSE, 0
