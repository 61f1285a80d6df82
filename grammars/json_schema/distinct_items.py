"""Arrays whose items must differ: the values that can run out.

In comes an `ArrayShape`, out come its `FewValues`: for each place the values of the item, if there are but a
few, all of them numbered. A set of numbers is the part of a state that says which of them have come. Items
with more than MOST_VALUES never run out of values in practice; the core keeps them and drops what repeats.

With `uniqueItems`, the places that are still required need different values that have not come yet: a
matching of places to values (Kuhn, The Hungarian method for the assignment problem, 1955: augmenting paths).
Where all places have the same values, counting is enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from .algebra import NEVER
from .enumeration import Enumeration
from .keywords import ARRAY, NUMBER, OBJECT
from .label_sets import label_set, labels_of
from .nodes import TRUE, Demand, type_of, value_key

if TYPE_CHECKING:
    from .arrays import ArrayShape

MOST_VALUES = 256
"""Of one item; those of items with more are not numbered."""
MOST_IN_ALL = 4096
MOST_JOINED = 256  # demands that `contains` makes of the items of one array, for their values to be numbered

Cost = Callable[[Demand], int]


class FewValues:
    """The values of the items of one array, numbered, where there are few.

    constants: by number: the demand that asks for this value. domains: by place: the numbers of the values of
    the item there (a bit set), None if there are many.
    """

    def __init__(self, shape: ArrayShape, cost: Cost) -> None:
        self._shape = shape
        self._cost = cost
        self._numbers: dict[object, int] = {}
        self._values: list[Any] = []
        self._closed: dict[Demand, list[int]] = {}  # the composite types all of whose values are numbered
        most = shape.record.most
        n_places = shape.special + 1 if most == UNLIMITED else min(shape.special + 1, most)
        self.domains = [self.numbered(shape.demand(place)) for place in range(n_places)]
        self._joined: dict[Demand, int | None] = {}
        if 0 < n_places << len(shape.counts) <= MOST_JOINED:
            for place in range(n_places):
                for demand in shape.joined_demands(place):
                    self._joined[demand] = self.numbered(demand)
        constant = shape.values.constant
        self.everything = (1 << len(self._values)) - 1
        self._among: dict[Demand, int] = {}
        self._stated: dict[tuple[int, Demand], Demand | None] = {}
        self._numeric = label_set(
            [number for number, value in enumerate(self._values) if type_of(value) == NUMBER]
        )
        self.constants: list[Demand] = [(constant(value),) for value in self._values]

    def numbered(self, demand: Demand | None) -> int | None:
        """The numbers of the values of a demand; None: many."""
        if demand is None:
            return 0
        found = Enumeration(self._shape.values, self._cost, MOST_VALUES).run(demand)
        if found is not None:
            return self._number(found)
        closed = self._closed[demand] = []
        for bit in (ARRAY, OBJECT) if demand else ():
            # The core sees a composite that repeats only when it is over, so what can run out is numbered.
            found = Enumeration(self._shape.values, self._cost, MOST_VALUES).run(demand, bit)
            if found:
                self._number(found)
                closed.append(bit)
        return None

    def _number(self, values: list[Any]) -> int:
        labels = []
        for value in values:
            number = self._numbers.setdefault(value_key(value), len(self._values))
            if number == len(self._values):
                self._values.append(value)
            labels.append(number)
        if len(self._values) > MOST_IN_ALL:
            raise LimitExceededError(
                "values of the items of one array with uniqueItems",
                given=len(self._values),
                limit=MOST_IN_ALL,
            )
        return label_set(labels)

    def domain_of(self, place: int, demand: Demand) -> int | None:
        """The values of the item at a place where `contains` may ask more of it."""
        return self._joined.get(demand, self.domain(place))

    def domain(self, place: int) -> int | None:
        """The values of the item at any place."""
        return self.domains[min(place, len(self.domains) - 1)]

    def can_differ(self, seen: int, first: int, least: int) -> bool:
        """Whether the items from `first` to `least` can differ from each other and from what has come."""
        special = self._shape.special
        own = [self.domain(place) for place in range(first, min(special, least))]
        domains = [domain & ~seen for domain in own if domain is not None]
        rest = self.domain(special) if least > special else None
        n_rest = least - max(first, special)
        if rest is not None and n_rest > 0:
            rest &= ~seen
            if n_rest > rest.bit_count():
                return False
            if not domains:
                return True
            domains += [rest] * n_rest
        return _matched(domains)

    def among(self, demand: Demand) -> int:
        """Those of the numbered values that meet a demand."""
        known = self._among.get(demand)
        if known is None:
            demand_of = self._shape.values.nodes.demand
            met = []
            for number, constant in enumerate(self.constants):
                joined = demand_of((*demand, *constant))
                if joined is not None and self._cost(joined) < NEVER:
                    met.append(number)
            known = self._among[demand] = label_set(met)
        return known

    def of_literal(self, literal: int) -> int:
        """Those of the numbered values that meet a literal."""
        return self.everything * literal if literal <= TRUE else self.among((literal,))

    def surely(self, literal: int) -> int:
        """Those that meet a literal however they are written: in draft 4, 1.0 is no integer."""
        met = self.of_literal(literal)
        return met & ~self.of_literal(literal ^ 1) if met & self._numeric else met

    def meeting(self, place: int, literals: Iterable[int]) -> int:
        """Those that may stand at a place and meet some literals."""
        domain = self.domain(place)
        found = self.among(self._shape.demand(place) or ()) if domain is None else domain
        for literal in literals:
            found &= self.of_literal(literal)
        return found

    def constant(self, number: int, demand: Demand) -> Demand | None:
        """What asks for a value; for a number also what the item has to meet: it may say how to write it."""
        if not self._numeric >> number & 1:
            return self.constants[number]
        key = (number, demand)
        if key not in self._stated:
            self._stated[key] = self._shape.values.nodes.demand((*demand, *self.constants[number]))
        return self._stated[key]

    def without(self, demand: Demand, numbers: int) -> Demand | None:
        """What the values of a demand other than the numbered ones meet."""
        values = self._shape.values
        closed = self._closed.get(demand, [])
        others = [values.type_literal(bit) ^ 1 for bit in closed]
        for number in labels_of(numbers):
            if type_of(self._values[number]) not in closed:
                others += [literal ^ 1 for literal in self.constants[number]]
        return values.nodes.demand((*demand, *others)) if others else demand


def _matched(domains: Sequence[int]) -> bool:
    """Whether there is a different value for each place."""
    owner: dict[int, int] = {}
    taken = 0
    for place, domain in enumerate(domains):
        free = domain & ~taken
        if free:
            number = (free & -free).bit_length() - 1
            owner[number] = place
            taken |= 1 << number
            continue
        came_from: dict[int, int] = {}  # value -> the place that would rather have it
        reached, waiting = 0, [place]
        for current in waiting:
            new = domains[current] & ~reached
            reached |= new
            came_from.update(dict.fromkeys(labels_of(new), current))
            free = new & ~taken
            if free:
                number = (free & -free).bit_length() - 1
                taken |= 1 << number
                _reassign(number, place, came_from, owner)
                break
            waiting += [owner[number] for number in labels_of(new)]
        else:
            return False
    return True


def _reassign(number: int, place: int, came_from: dict[int, int], owner: dict[int, int]) -> None:
    """Moves values along an augmenting path that ends at a free value."""
    held = {other: value for value, other in owner.items()}
    while True:
        taker = came_from[number]
        owner[number] = taker
        if taker == place:
            return
        number = held[taker]
