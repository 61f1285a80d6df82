"""Sets of numbers: unions of intervals with divisors and exceptions, and of finite sets; exact fractions
throughout.

In come keywords about numbers, out come tuples of `NumberSet`s. `numbers.py` writes them as languages of
digits.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Any, NamedTuple

from ..errors import LimitExceededError
from .algebra import MOST_PIECES, Algebra
from .json_data import fraction
from .keywords import DRAFT_4, NUMBER, is_whole
from .nodes import Node


class NumberSet(NamedTuple):
    """An interval with divisors and exceptions, or finitely many values.

    decimal: an integer among the values was written with a point or an exponent, and may be so in documents.
    digits: whether the number is written as digits only: an integer of draft 4 is, "a JSON number without a
    fraction or exponent part" (JSON Schema: core definitions and terminology, draft 4, section 3.5), so that
    1.0 is none, and None: either way.
    """

    lower: Fraction | None = None
    lower_open: bool = False
    upper: Fraction | None = None
    upper_open: bool = False
    multiples: frozenset[Fraction] = frozenset()
    non_multiples: frozenset[Fraction] = frozenset()
    integer: bool | None = None
    excluded: frozenset[Fraction] = frozenset()
    values: frozenset[Fraction] | None = None
    decimal: bool = False
    digits: bool | None = None

    def contains(self, value: Fraction) -> bool:
        """Whether a value meets everything but `values`."""
        if self.lower is not None and (value < self.lower or (self.lower_open and value == self.lower)):
            return False
        if self.upper is not None and (value > self.upper or (self.upper_open and value == self.upper)):
            return False
        if self.integer is not None and (value.denominator == 1) != self.integer:
            return False
        if any((value / divisor).denominator != 1 for divisor in self.multiples):
            return False
        if any((value / divisor).denominator == 1 for divisor in self.non_multiples):
            return False
        return value not in self.excluded


ALL_NUMBERS = NumberSet()
NumberPieces = tuple[NumberSet, ...]


class Numbers(Algebra[NumberPieces]):
    """Unions of `NumberSet`s."""

    bit = NUMBER
    top = (ALL_NUMBERS,)
    bottom = ()

    def meet(self, first: NumberPieces, second: NumberPieces) -> NumberPieces:
        if first == self.top:
            return second
        if second == self.top:
            return first
        met = [piece for one in first for other in second if (piece := _meet_numbers(one, other)) is not None]
        return self._limited(met)

    def join(self, first: NumberPieces, second: NumberPieces) -> NumberPieces:
        return self.top if ALL_NUMBERS in first or ALL_NUMBERS in second else self._limited([*first, *second])

    @staticmethod
    def _limited(pieces: list[NumberSet]) -> NumberPieces:
        distinct = tuple(dict.fromkeys(pieces))
        if len(distinct) > MOST_PIECES:
            raise LimitExceededError("ranges of numbers in one place", given=len(distinct), limit=MOST_PIECES)
        return distinct

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> NumberPieces | None:
        if word == "minimum":
            bound = fraction(value)
            return (NumberSet(lower=bound),) if wanted else (NumberSet(upper=bound, upper_open=True),)
        if word == "maximum":
            bound = fraction(value)
            return (NumberSet(upper=bound),) if wanted else (NumberSet(lower=bound, lower_open=True),)
        if word == "exclusiveMinimum":
            bound = fraction(value)
            return (NumberSet(lower=bound, lower_open=True),) if wanted else (NumberSet(upper=bound),)
        if word == "exclusiveMaximum":
            bound = fraction(value)
            return (NumberSet(upper=bound, upper_open=True),) if wanted else (NumberSet(lower=bound),)
        if word == "multipleOf":
            divisors = frozenset((fraction(value),))
            return (NumberSet(multiples=divisors),) if wanted else (NumberSet(non_multiples=divisors),)
        if word == "type" and node.only_integer:
            if node.context.draft != DRAFT_4:
                return (NumberSet(integer=wanted),)
            return (NumberSet(integer=True, digits=True),) if wanted else (NumberSet(digits=False),)
        return None

    def values(self, values: Iterable[Any], wanted: bool) -> NumberPieces:
        listed = frozenset(
            fraction(value)
            for value in values
            if not isinstance(value, (str, bool, list, dict)) and value is not None
        )
        if wanted:
            if not listed:
                return ()
            decimal = any(isinstance(value, (float, Decimal)) and is_whole(value) for value in values)
            return (NumberSet(values=listed, decimal=decimal),)
        return (NumberSet(excluded=listed),) if listed else self.top


def _meet_numbers(one: NumberSet, other: NumberSet) -> NumberSet | None:
    written = {one.digits, other.digits} - {None}
    if len(written) > 1:
        return None
    digits = written.pop() if written else None
    if one.values is not None or other.values is not None:
        if one.values is None:
            one, other = other, one
        assert one.values is not None
        if other.values is not None:
            kept = one.values & other.values
        elif other == NumberSet(excluded=other.excluded, digits=other.digits):
            kept = one.values - other.excluded
        else:
            kept = frozenset(value for value in one.values if other.contains(value))
        integer = True if True in (one.integer, other.integer) else None
        if not kept:
            return None
        return NumberSet(values=kept, integer=integer, decimal=one.decimal or other.decimal, digits=digits)
    lower, lower_open = one.lower, one.lower_open
    if other.lower is not None and (lower is None or (other.lower, other.lower_open) > (lower, lower_open)):
        lower, lower_open = other.lower, other.lower_open
    upper, upper_open = one.upper, one.upper_open
    if other.upper is not None and (
        upper is None or (other.upper, not other.upper_open) < (upper, not upper_open)
    ):
        upper, upper_open = other.upper, other.upper_open
    if (
        lower is not None
        and upper is not None
        and (lower > upper or (lower == upper and (lower_open or upper_open)))
    ):
        return None
    integers = {one.integer, other.integer} - {None}
    if len(integers) > 1:
        return None
    return NumberSet(
        lower,
        lower_open,
        upper,
        upper_open,
        one.multiples | other.multiples,
        one.non_multiples | other.non_multiples,
        integers.pop() if integers else None,
        one.excluded | other.excluded,
        digits=digits,
    )


def surely_inhabited(numbers: NumberSet) -> bool:
    """Whether a piece has a number, as far as bounds and values show it."""
    if numbers.values is not None:
        return True
    if numbers.multiples or numbers.non_multiples:
        return False
    if numbers.lower is None or numbers.upper is None:
        return True
    if numbers.integer is None and not numbers.excluded:
        return numbers.lower < numbers.upper or not (numbers.lower_open or numbers.upper_open)
    inside = floor(numbers.upper) - ceil(numbers.lower) - numbers.lower_open - numbers.upper_open
    return numbers.integer is not False and inside >= len(numbers.excluded)


NUMBERS = Numbers()
