"""The slow, obvious meaning of an `Expression`: where can a match that begins here end?

In comes an expression and bytes, out comes whether all of the bytes belong to the language. For every
sub-expression and every start the set of all ends is computed from the definition of its node, so
intersection and complement are operations on sets of ends. Nothing is shared with the package but the
node's fields. Cubic in the length of the data: for short texts only.
"""

from __future__ import annotations

from itertools import product
from typing import Any

BYTE_CLASS, CONCATENATION, UNION, REPEAT, INTERSECTION, COMPLEMENT, AUTOMATON = range(7)
UNLIMITED = -1


def all_texts(alphabet: str, longest: int) -> list[str]:
    """All texts over an alphabet with at most `longest` characters, the shortest first."""
    return ["".join(text) for n in range(longest + 1) for text in product(alphabet, repeat=n)]


def matches(expression: Any, data: bytes) -> bool:
    """Whether `data` as a whole belongs to the language of `expression`."""
    return len(data) in _ends(expression, data, 0, {})


def _ends(expression: Any, data: bytes, start: int, known: dict[tuple[int, int], set[int]]) -> set[int]:
    key = (id(expression), start)
    if key not in known:
        known[key] = _compute_ends(expression, data, start, known)
    return known[key]


def _compute_ends(
    expression: Any, data: bytes, start: int, known: dict[tuple[int, int], set[int]]
) -> set[int]:
    kind, children, payload = expression.kind, expression.children, expression.payload
    if kind == BYTE_CLASS:
        return {start + 1} if start < len(data) and payload >> data[start] & 1 else set()
    if kind == CONCATENATION:
        here = {start}
        for child in children:
            here = {end for middle in here for end in _ends(child, data, middle, known)}
        return here
    if kind == UNION:
        return {end for child in children for end in _ends(child, data, start, known)}
    if kind == INTERSECTION:
        return set.intersection(*[_ends(child, data, start, known) for child in children])
    if kind == COMPLEMENT:
        return set(range(start, len(data) + 1)) - _ends(children[0], data, start, known)
    if kind == REPEAT:
        return _repeat_ends(children[0], payload, data, start, known)
    return _automaton_ends(payload, data, start)


def _repeat_ends(
    child: Any, bounds: tuple[int, int], data: bytes, start: int, known: dict[tuple[int, int], set[int]]
) -> set[int]:
    least, most = bounds
    here, found, seen = {start}, set(), set()
    rounds = 0
    while True:
        if rounds >= least:
            found |= here
            if frozenset(here) in seen:  # the sets come again, so nothing new can follow
                return found
            seen.add(frozenset(here))
        if rounds == most or not here:
            return found
        here = {end for middle in here for end in _ends(child, data, middle, known)}
        rounds += 1


def _automaton_ends(payload: Any, data: bytes, start: int) -> set[int]:
    _, transitions, accepting = payload
    states, found = {0}, set()
    for position in range(start, len(data) + 1):
        if states & accepting:
            found.add(position)
        if position < len(data):
            byte = data[position]
            states = {
                after for state, members, after in transitions if state in states and members >> byte & 1
            }
    return found
