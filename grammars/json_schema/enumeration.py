"""All values of a demand, where there are but a few: what `uniqueItems` can run out of.

In comes a demand, out comes the list of its values (numbers as fractions), or None if there are more than
asked for. Scalars are read off their sets; a composite is a product of finite choices, enumerated name by
name or item by item and then held against what else its record says. What takes more than MOST_STEPS, or
exceeds a limit, counts as many. A demand within itself counts as many too: if it has a value at all, it has
longer and longer ones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import ceil, floor, gcd, lcm
from typing import TYPE_CHECKING, Any

from ..emptiness import count_up_to, texts
from ..errors import LimitExceededError
from ..expressions import UNLIMITED
from .algebra import BOOLEANS, NEVER, NULLS
from .keywords import ALL_TYPES, ARRAY, BOOLEAN, NULL, NUMBER, OBJECT, STRING
from .nodes import SCALARS, TRUE, Demand, value_key
from .number_sets import NUMBERS, NumberSet
from .string_sets import STRINGS, Texts

if TYPE_CHECKING:
    from .arrays import ArrayShape
    from .objects import ObjectShape
    from .values import Values

MOST_STEPS = 5_000
MOST_ITEMS = 200  # of an array

Cost = Callable[[Demand], int]


class _TooManyError(Exception):
    """More values than asked for, or more steps than allowed."""


class Enumeration:
    """One search for all values of a demand.

    cost: of a demand, NEVER for what has no value as far as is known: then the list is of what is known.
    """

    def __init__(self, values: Values, cost: Cost, most: int) -> None:
        self._values = values
        self._cost = cost
        self._most = most
        self._steps = 0
        self._within: set[Demand] = set()

    def run(self, demand: Demand, types: int = ALL_TYPES) -> list[Any] | None:
        """The values of some types of a demand, each once; None: too many."""
        try:
            return self._of(demand, types)
        except (_TooManyError, LimitExceededError):
            return None

    def _of(self, demand: Demand, types: int = ALL_TYPES) -> list[Any]:
        if demand in self._within or not demand:
            raise _TooManyError
        self._within.add(demand)
        try:
            found: dict[object, Any] = {}
            for value in self._each(demand, types):
                found.setdefault(value_key(value), value)
                if len(found) > self._most:
                    raise _TooManyError
            return list(found.values())
        finally:
            self._within.discard(demand)

    def _each(self, demand: Demand, types: int) -> Iterator[Any]:
        if types & SCALARS:
            yield from self._scalars(demand)
        for shape in self._values.shapes(demand, ARRAY) if types & ARRAY else ():
            yield from self._arrays(shape)
        for shape in self._values.shapes(demand, OBJECT) if types & OBJECT else ():
            yield from self._objects(shape)

    def _step(self) -> None:
        self._steps += 1
        if self._steps > MOST_STEPS:
            raise _TooManyError

    def _meets(self, value: Any, literals: tuple[int, ...] | list[int]) -> bool:
        demand = self._values.nodes.demand((self._values.constant(value), *literals))
        return demand is not None and self._cost(demand) < NEVER

    # Scalars.

    def _scalars(self, demand: Demand) -> Iterator[Any]:
        scalars, types = self._values.scalars, self._values.formulas.types(demand)
        if types & NULL and scalars.element(demand, NULLS):
            yield None
        if types & BOOLEAN:
            booleans = scalars.element(demand, BOOLEANS)
            yield from (value for place, value in enumerate((False, True)) if booleans >> place & 1)
        for numbers in scalars.element(demand, NUMBERS) if types & NUMBER else ():
            yield from self._numbers(numbers)
        for strings in scalars.element(demand, STRINGS) if types & STRING else ():
            if not isinstance(strings, Texts):
                yield from strings
                continue
            content, least, most = strings
            if count_up_to(content, self._most + 1, least, most) > self._most:
                raise _TooManyError
            yield from (text.decode() for text in texts(content, self._most, least, most))

    def _numbers(self, numbers: NumberSet) -> Iterator[Fraction]:
        if numbers.values is not None:
            yield from numbers.values
            return
        if numbers.lower is None or numbers.upper is None:
            raise _TooManyError
        if numbers.lower == numbers.upper:
            step = numbers.lower or Fraction(1)
        else:
            divisors = [*numbers.multiples, *([Fraction(1)] if numbers.integer else [])]
            if not divisors:
                raise _TooManyError
            step = Fraction(
                lcm(*(divisor.numerator for divisor in divisors)),
                gcd(*(divisor.denominator for divisor in divisors)),
            )
        step = abs(step)
        for times in range(ceil(numbers.lower / step), floor(numbers.upper / step) + 1):
            self._step()
            if numbers.contains(times * step):
                yield times * step

    # Composites.

    def _objects(self, shape: ObjectShape) -> Iterator[dict[str, Any]]:
        if shape.unwritable:
            return
        has_room = shape.record.most == UNLIMITED or shape.required.bit_count() < shape.record.most
        if has_room and any(self._cost(kind.demand) < NEVER for kind in shape.signatures):
            raise _TooManyError
        choices: list[tuple[str, list[Any]]] = []
        for label in shape.order:
            if not has_room and not shape.required >> label & 1:
                continue
            demand = shape.demand(label)
            known = [] if demand is None or self._cost(demand) >= NEVER else self._of(demand)
            if not known and shape.required >> label & 1:
                return
            if known:
                choices.append((shape.table.literals[label], known))
        yield from self._filled(shape, choices, 0, {})

    def _filled(
        self, shape: ObjectShape, choices: list[tuple[str, list[Any]]], place: int, members: dict[str, Any]
    ) -> Iterator[dict[str, Any]]:
        self._step()
        record = shape.record
        if record.most != UNLIMITED and len(members) > record.most:
            return
        if place == len(choices):
            if self._is_right(shape, members):
                yield members
            return
        name, known = choices[place]
        for value in known:
            yield from self._filled(shape, choices, place + 1, {**members, name: value})
        if name not in record.required:
            yield from self._filled(shape, choices, place + 1, members)

    def _is_right(self, shape: ObjectShape, members: dict[str, Any]) -> bool:
        record = shape.record
        if len(members) < record.least:
            return False
        if any(name in members and not members.keys() >= set(needs) for name, needs in record.implications):
            return False
        return all(
            any(
                shape.meets_class(name, some) and (some.value == TRUE or self._meets(value, (some.value,)))
                for name, value in members.items()
            )
            for some in record.somes
        )

    def _arrays(self, shape: ArrayShape) -> Iterator[list[Any]]:
        known: list[list[Any] | None] = [
            [] if demand is None or self._cost(demand) >= NEVER else None
            for demand in map(shape.demand, range(shape.special + 1))
        ]
        yield from self._listed(shape, known, [], [0] * len(shape.record.counts))

    def _listed(
        self, shape: ArrayShape, known: list[list[Any] | None], items: list[Any], met: list[int]
    ) -> Iterator[list[Any]]:
        """met: how many of the items met each `contains`."""
        self._step()
        record = shape.record
        if len(items) > MOST_ITEMS:
            raise _TooManyError
        if any(
            most != UNLIMITED and count > most for count, (*_, most) in zip(met, record.counts, strict=True)
        ):
            return
        if len(items) >= record.least and self._is_array(shape, items, met):
            yield items
        if record.most != UNLIMITED and len(items) >= record.most:
            return
        place = min(len(items), shape.special)
        choices = known[place]
        if choices is None:
            demand = shape.demand(place)
            assert demand is not None  # or there would be no choices
            choices = known[place] = self._of(demand)
        for value in choices:
            if not record.unique or value_key(value) not in map(value_key, items):
                after = [
                    count + (len(items) >= start and self._meets(value, (literal,)))
                    for count, (start, literal, _, _) in zip(met, record.counts, strict=True)
                ]
                yield from self._listed(shape, known, [*items, value], after)

    @staticmethod
    def _is_array(shape: ArrayShape, items: list[Any], met: list[int]) -> bool:
        record = shape.record
        if record.repeat and len({value_key(value) for value in items}) == len(items):
            return False
        return all(count >= least for count, (_, _, least, _) in zip(met, record.counts, strict=True))
