"""The algebras of scalar values: sets of values of one type that can be met, joined, and read off a keyword.

An algebra has an element for the whole type and one for nothing, the two operations, and what each keyword
means, wanted and not wanted. So a schema is evaluated bottom-up, and no complement is ever taken of more than
a keyword. Here are the common form and the two types with few values; `string_sets.py` and `number_sets.py`
have the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, TypeVar

from .keywords import BOOLEAN, NULL
from .nodes import Node

MOST_PIECES = 256
"""How many pieces the union of one type may have."""

NEVER = 1 << 60
"""The cost of what does not exist."""

Element = TypeVar("Element")


class Algebra(Generic[Element]):
    """The sets of values of one type: `bit`, the whole, nothing, and what keywords mean, wanted and not
    wanted."""

    bit: int
    top: Element
    bottom: Element

    def meet(self, first: Element, second: Element) -> Element:
        """The values in both."""
        raise TypeError

    def join(self, first: Element, second: Element) -> Element:
        """The values in either."""
        raise TypeError

    def keyword(self, word: str, value: Any, wanted: bool, node: Node) -> Element | None:
        """The values that meet (or violate) a keyword; None if it does not concern this type."""
        return None

    def values(self, values: Iterable[Any], wanted: bool) -> Element:
        """The listed values of this type, or all others."""
        raise TypeError


class Subsets(Algebra[int]):
    """Null or the Booleans: a bit set of the few values."""

    def __init__(self, bit: int, members: tuple[bool | None, ...]) -> None:
        self.bit, self.members = bit, members
        self.top, self.bottom = (1 << len(members)) - 1, 0

    def meet(self, first: int, second: int) -> int:
        return first & second

    def join(self, first: int, second: int) -> int:
        return first | second

    def values(self, values: Iterable[Any], wanted: bool) -> int:
        found = 0
        for value in values:
            for index, member in enumerate(self.members):
                found |= (value is member) << index
        return found if wanted else self.top & ~found


NULLS, BOOLEANS = Subsets(NULL, (None,)), Subsets(BOOLEAN, (False, True))
