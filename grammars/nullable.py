"""An expression without the empty string: what the network's terminals need.

In comes any `Expression`, out comes one for the same language minus the empty string. A regular one stays
regular. Cost: linear, but for concatenations of n nullable parts, whose result has n log n parts.
"""

from __future__ import annotations

from typing import cast

from .expressions import (
    COMPLEMENT,
    CONCATENATION,
    EMPTY,
    INTERSECTION,
    REPEAT,
    SOMETHING,
    UNION,
    Expression,
    automaton,
    concatenate,
    intersect,
    repeat,
    union,
)


def without_empty(expression: Expression) -> Expression:
    """The language of `expression` minus the empty string."""
    if not expression.nullable:
        return expression
    kind = expression.kind
    if kind == CONCATENATION:
        return _concatenation_without_empty(expression.children)
    if kind == UNION:
        return union(*map(without_empty, expression.children))
    if kind == REPEAT:
        _, most = bounds(expression)
        return repeat(without_empty(expression.children[0]), 1, most)
    if kind == INTERSECTION:
        first, *others = expression.children
        return intersect(without_empty(first), *others)
    if kind == COMPLEMENT:
        return intersect(expression, SOMETHING)
    return _automaton_without_empty(expression)


def _concatenation_without_empty(parts: tuple[Expression, ...]) -> Expression:
    """Of parts that are all nullable: some part of the first half is not empty, or one of the second half."""
    if len(parts) < 2:
        return without_empty(parts[0]) if parts else EMPTY
    middle = len(parts) // 2
    left, right = parts[:middle], parts[middle:]
    return union(concatenate(_concatenation_without_empty(left), *right), _concatenation_without_empty(right))


def _automaton_without_empty(expression: Expression) -> Expression:
    """A new start state, not accepting, with the edges of the old one, which gets the next free number."""
    payload = cast("tuple[int, tuple[tuple[int, int, int], ...], frozenset[int]]", expression.payload)
    n_states, transitions, accepting = payload
    moved = [(state or n_states, members, after or n_states) for state, members, after in transitions]
    starts = [(0, members, after) for state, members, after in moved if state == n_states]
    return automaton(n_states + 1, moved + starts, {state or n_states for state in accepting})


def bounds(expression: Expression) -> tuple[int, int]:
    """The least and most rounds of a repeat."""
    return cast("tuple[int, int]", expression.payload)
