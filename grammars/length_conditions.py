"""Length conditions inside a language: `^(?=.{1,255}$)...` is a language and a range of lengths.

In comes a language, out come another one and bounds of its lengths in characters, which together say the
same. A part of an intersection that repeats one character becomes an unbounded repeat, its bounds a counter
beside the automaton: multiplied out, each state of the rest would be there 255 times. Then bounds of repeats
that the length implies are dropped: in a text of 255 characters there are never more than 127 labels of two,
so nobody has to count them.

The cost is linear in the expression.
"""

from __future__ import annotations

from functools import lru_cache

from .expressions import (
    COMPLEMENT,
    CONCATENATION,
    INTERSECTION,
    REPEAT,
    UNION,
    UNLIMITED,
    Expression,
    complement,
    concatenate,
    intersect,
    repeat,
    union,
)
from .lengths import Lengths, length_range, smaller_bound
from .nullable import bounds

_COUNTED_FROM = 16  # characters; a repeat with smaller bounds stays in the automaton


@lru_cache(4096)
def without_length_conditions(language: Expression) -> tuple[Expression, int, int]:
    """A language, and the least and the largest length of its texts that are meant (UNLIMITED: any)."""
    if language.kind != INTERSECTION:
        return language, 0, UNLIMITED
    least, most = 0, UNLIMITED
    parts = []
    for part in language.children:
        if part.kind == CONCATENATION and len(set(part.children)) == 1:  # `^......$`
            part = repeat(part.children[0], len(part.children), len(part.children))
        if part.kind == REPEAT and length_range_or_none(part.children[0]) == Lengths(1, 1, True):
            fewest, largest = bounds(part)
            if max(fewest, largest) < _COUNTED_FROM:
                parts.append(part)
                continue
            least, most = max(least, fewest), smaller_bound(most, largest)
            part = repeat(part.children[0])
        parts.append(part)
    content = intersect(*parts)
    return (content if most == UNLIMITED else within_length(content, most)), least, most


@lru_cache(65536)
def within_length(expression: Expression, most: int) -> Expression:
    """A language with the same texts of at most `most` characters, without upper bounds that follow."""
    kind, children = expression.kind, expression.children
    if kind == REPEAT:
        fewest, largest = bounds(expression)
        part = within_length(children[0], most)
        if largest != UNLIMITED and fewest <= largest and shortest(children[0]) * (largest + 1) > most:
            largest = UNLIMITED
        return repeat(part, fewest, largest)
    if kind == CONCATENATION:
        room = most - sum(map(shortest, children))
        if room < 0:
            return expression  # no text is as short; nothing to gain
        return concatenate(*[within_length(child, room + shortest(child)) for child in children])
    if kind == UNION:
        return union(*[within_length(child, most) for child in children])
    if kind == INTERSECTION:
        return intersect(*[within_length(child, most) for child in children])
    if kind == COMPLEMENT:
        return complement(within_length(children[0], most))
    return expression


def length_range_or_none(expression: Expression) -> Lengths | None:
    """The lengths of a regular language; None where that is not to be had from the syntax."""
    return length_range(expression) if expression.regular else None


@lru_cache(65536)
def shortest(expression: Expression) -> int:
    """A lower bound of the lengths, in characters."""
    kind, children = expression.kind, expression.children
    if expression.regular:
        lengths = length_range(expression)
        return 0 if lengths is None else lengths.least
    if kind == CONCATENATION:
        return sum(map(shortest, children))
    if kind == UNION:
        return min(map(shortest, children))
    if kind == INTERSECTION:
        return max(map(shortest, children))
    if kind == REPEAT:
        return shortest(children[0]) * bounds(expression)[0]
    return 0
