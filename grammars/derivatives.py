"""Derivatives of expressions: what may follow after a byte has been read.

In comes an expression and a byte, out comes the expression of all the rests: `derivative(e, b)` contains w
exactly when `e` contains bw. So a word belongs to `e` exactly when the derivative by all its bytes is
nullable (Brzozowski 1964, with the byte classes of Owens, Reppy and Turon 2009: bytes that an expression
cannot tell apart are treated once). The hash-consing constructors keep the derivatives of an expression
finitely many, and results are remembered, so stepping costs one look-up where the way was gone before.

Two programs walk this graph: the recogniser (`recognizer.py`) and the search for texts (`emptiness.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, reduce
from weakref import WeakValueDictionary

from .expressions import (
    ALL_BYTES,
    AUTOMATON,
    BYTE_CLASS,
    COMPLEMENT,
    CONCATENATION,
    EMPTY,
    EPSILON,
    INTERSECTION,
    MULTIPLES,
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
from .multiples import edges_of_multiples

_REMEMBERED = 1 << 16  # results that each cache keeps


def derivative(expression: Expression, byte: int) -> Expression:
    """The language of the rests: {w : byte w in expression}."""
    for members in byte_classes(expression):
        if members >> byte & 1:
            return _derivative_by_class(expression, members & -members)
    raise ValueError(f"byte: must be from 0 to 255, got {byte}")


def derivative_by(expression: Expression, data: bytes) -> Expression:
    """The derivative by all bytes of `data`, one after the other."""
    return reduce(derivative, data, expression)


def matches(expression: Expression, data: bytes) -> bool:
    """Whether `data` belongs to the language."""
    return derivative_by(expression, data).nullable


@lru_cache(_REMEMBERED)
def byte_classes(expression: Expression) -> tuple[int, ...]:
    """A partition of the 256 bytes, as bit sets: bytes of one class have the same derivative."""
    classes = [ALL_BYTES]
    for members in _first_sets(expression):
        parts = [(known & members, known & ~members) for known in classes]
        classes = [part for pair in parts for part in pair if part]
    return tuple(sorted(classes, key=lambda members: members & -members))


@lru_cache(_REMEMBERED)
def transitions(expression: Expression) -> tuple[tuple[int, Expression], ...]:
    """Pairs (byte set, derivative) with different derivatives, none of them the object `EMPTY`.

    The sets are disjoint and ordered by their smallest byte. A derivative may still be an empty language that
    an intersection or a complement hides.
    """
    merged: dict[Expression, int] = {}
    for members in byte_classes(expression):
        after = _derivative_by_class(expression, members & -members)
        if after is not EMPTY:
            merged[after] = merged.get(after, 0) | members
    return tuple((members, after) for after, members in merged.items())


@lru_cache(_REMEMBERED)
def _first_sets(expression: Expression) -> frozenset[int]:
    """Byte sets such that the derivative by a byte depends only on which of them it is in."""
    if expression.kind == BYTE_CLASS:
        return frozenset((expression.payload,))  # type: ignore[arg-type]
    if expression.kind == AUTOMATON:
        return frozenset(members for members, _ in _automaton_edges(expression))
    if expression.kind == MULTIPLES:
        return frozenset(members for members, _ in edges_of_multiples(expression))
    sets: set[int] = set()
    for child in expression.children:
        sets |= _first_sets(child)
        if expression.kind == CONCATENATION and not child.nullable:
            break
    return frozenset(sets)


@lru_cache(_REMEMBERED)
def _derivative_by_class(expression: Expression, bit: int) -> Expression:
    """The derivative by the byte whose bit (1 << byte) is given."""
    kind, children = expression.kind, expression.children
    if kind == BYTE_CLASS:
        return EPSILON if expression.payload & bit else EMPTY  # type: ignore[operator]
    if kind == UNION:
        return union(*[_derivative_by_class(child, bit) for child in children])
    if kind == INTERSECTION:
        return intersect(*[_derivative_by_class(child, bit) for child in children])
    if kind == COMPLEMENT:
        return complement(_derivative_by_class(children[0], bit))
    if kind == CONCATENATION:
        options = []
        for index, child in enumerate(children):
            options.append(concatenate(_derivative_by_class(child, bit), *children[index + 1 :]))
            if not child.nullable:
                break
        return union(*options)
    if kind == REPEAT:
        bounds: tuple[int, int] = expression.payload  # type: ignore[assignment]
        least, most = bounds
        rest = repeat(children[0], max(least - 1, 0), most if most == UNLIMITED else most - 1)
        return concatenate(_derivative_by_class(children[0], bit), rest)
    edges = edges_of_multiples(expression) if kind == MULTIPLES else _automaton_edges(expression)
    return union(*[after for members, after in edges if members & bit])


class _AutomatonState(Expression):
    """What an automaton reads from one of its states on. It shares the payload, so that no edge is copied.

    state: the state to start from; children: none; the payload is that of the automaton.
    """

    __slots__ = ("base", "state")

    base: Expression
    state: int

    def __reduce__(self) -> tuple:
        return _automaton_state, (self.base, self.state)


_automaton_states: WeakValueDictionary[tuple[int, int], _AutomatonState] = WeakValueDictionary()


def _automaton_state(base: Expression, state: int) -> Expression:
    """The (only) node for `base` started in `state`."""
    if state == 0:
        return base
    node = _AutomatonState()
    node.base, node.state = base, state
    node.kind, node.children, node.payload = AUTOMATON, (), base.payload
    node.nullable, node.regular = state in base.payload[2], True  # type: ignore[index]
    return _automaton_states.setdefault((id(base), state), node)


def _automaton_edges(expression: Expression) -> Iterable[tuple[int, Expression]]:
    """The edges (byte set, rest) of the state that an automaton node stands for."""
    base, state = automaton_position(expression)
    return [
        (members, _automaton_state(base, after)) for members, after in edges_by_state(base).get(state, ())
    ]


def automaton_position(expression: Expression) -> tuple[Expression, int]:
    """The automaton and the state in it that a node of kind AUTOMATON stands for."""
    if isinstance(expression, _AutomatonState):
        return expression.base, expression.state
    return expression, 0


@lru_cache(1 << 10)
def edges_by_state(base: Expression) -> dict[int, list[tuple[int, int]]]:
    """For each state of an automaton node its edges (byte set, next state). Not to be changed."""
    table: dict[int, list[tuple[int, int]]] = {}
    for state, members, after in base.payload[1]:  # type: ignore[index]
        table.setdefault(state, []).append((members, after))
    return table
