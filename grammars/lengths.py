"""What the syntax says about the texts of a regular language: how long they are, and which is a shortest
one.

In comes a regular expression over the UTF-8 bytes of texts, out comes the range of its lengths in
characters (code points: every byte but the continuation bytes 0x80 to 0xBF begins one) or a shortest text.
Nothing is searched except in explicit automata: the answer is put together from the answers for the parts,
each computed once, so a bounded repeat of ten thousand costs as much as one of three. What the syntax
cannot say is left to `emptiness.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from heapq import heappop, heappush
from typing import NamedTuple

from .derivatives import automaton_position, edges_by_state
from .errors import LimitExceededError
from .expressions import AUTOMATON, BYTE_CLASS, CONCATENATION, EMPTY, MULTIPLES, UNION, UNLIMITED, Expression
from .multiples import length_of_multiple, shortest_multiple

CONTINUATIONS = (1 << 0xC0) - (1 << 0x80)  # bytes that begin no character

_LONGEST_TEXT = 1 << 24  # bytes
_REMEMBERED = 1 << 16


class Lengths(NamedTuple):
    """The lengths of the texts of a language, in characters.

    least: the length of a shortest text. most: of a longest one; UNLIMITED if there is none, or it is not
    known (multiples of a large number).
    contiguous: whether every length between them occurs for certain.
    """

    least: int
    most: int
    contiguous: bool


@lru_cache(_REMEMBERED)
def length_range(expression: Expression) -> Lengths | None:
    """The range of the lengths of a regular language, from the syntax alone; None if it has no text.

    Raises ValueError if an intersection or a complement occurs in the expression.
    """
    if not expression.regular:
        raise ValueError("expression: must have no intersection and no complement")
    if expression is EMPTY:
        return None
    if expression.kind == BYTE_CLASS:
        members: int = expression.payload  # type: ignore[assignment]
        return Lengths(0 if members & CONTINUATIONS else 1, 1 if members & ~CONTINUATIONS else 0, True)
    if expression.kind == AUTOMATON:
        return _lengths_of_automaton(expression)
    if expression.kind == MULTIPLES:
        return Lengths(length_of_multiple(expression), UNLIMITED, False)
    parts = [part for child in expression.children if (part := length_range(child)) is not None]
    if expression.kind == UNION:
        return _join(parts)
    if expression.kind == CONCATENATION:
        longest = UNLIMITED if any(p.most == UNLIMITED for p in parts) else sum(p.most for p in parts)
        return Lengths(sum(p.least for p in parts), longest, all(p.contiguous for p in parts))
    bounds: tuple[int, int] = expression.payload  # type: ignore[assignment]
    return _repeated(parts[0], *bounds)


@lru_cache(_REMEMBERED)
def shortest_by_syntax(expression: Expression) -> bytes:
    """A shortest text of a regular language that is not empty."""
    if expression.kind == BYTE_CLASS:
        members: int = expression.payload  # type: ignore[assignment]
        return bytes((smallest_byte(members & CONTINUATIONS or members),))
    if expression.kind == AUTOMATON:
        return _shortest_of_automaton(expression)
    if expression.kind == MULTIPLES:
        return shortest_multiple(expression)
    if expression.kind == UNION:
        return min(map(shortest_by_syntax, expression.children), key=_order)
    if expression.kind == CONCATENATION:
        return b"".join(map(shortest_by_syntax, expression.children))
    part, times = shortest_by_syntax(expression.children[0]), expression.payload[0]  # type: ignore[index]
    if len(part) * times > _LONGEST_TEXT:
        raise LimitExceededError("bytes of a shortest text", given=len(part) * times, limit=_LONGEST_TEXT)
    return part * times


def _shortest_of_automaton(expression: Expression) -> bytes:
    """Dijkstra's algorithm; all states can be completed, so the search ends at the nearest accepting one."""
    base, start = automaton_position(expression)
    accepting: frozenset[int] = base.payload[2]  # type: ignore[index]
    done: set[int] = set()
    waiting: list[tuple[tuple[int, int, bytes], int]] = [(_order(b""), start)]
    while True:
        (_, _, text), state = heappop(waiting)
        if state in accepting:
            return text
        if state in done:
            continue
        done.add(state)
        for members, after in edges_by_state(base).get(state, ()):
            byte = smallest_byte(members & CONTINUATIONS or members)
            heappush(waiting, (_order(text + bytes((byte,))), after))


def _lengths_of_automaton(expression: Expression) -> Lengths:
    """Shortest by search, longest by topological order. Over UTF-8 every loop has a character."""
    base, start = automaton_position(expression)
    edges = edges_by_state(base)
    reached, waiting = {start}, [start]
    entering: dict[int, int] = {}
    while waiting:
        for _, after in edges.get(waiting.pop(), ()):
            entering[after] = entering.get(after, 0) + 1
            if after not in reached:
                reached.add(after)
                waiting.append(after)
    shortest = count_characters(_shortest_of_automaton(expression))
    longest = {start: 0}
    waiting = [start] if start not in entering else []
    finished = 0
    while waiting:
        state = waiting.pop()
        finished += 1
        for members, after in edges.get(state, ()):
            length = longest[state] + (1 if members & ~CONTINUATIONS else 0)
            longest[after] = max(longest.get(after, 0), length)
            entering[after] -= 1
            if entering[after] == 0:
                waiting.append(after)
    if finished < len(reached):
        return Lengths(shortest, UNLIMITED, False)
    most = max(length for state, length in longest.items() if state in base.payload[2])  # type: ignore[index]
    return Lengths(shortest, most, shortest == most)


def _join(parts: Sequence[Lengths]) -> Lengths:
    """The lengths of a union."""
    ordered = sorted(parts, key=lambda part: part.least)
    covered, contiguous = ordered[0].most, all(part.contiguous for part in parts)
    for part in ordered[1:]:
        if covered != UNLIMITED and part.least > covered + 1:
            contiguous = False
        covered = UNLIMITED if UNLIMITED in (covered, part.most) else max(covered, part.most)
    return Lengths(ordered[0].least, covered, contiguous)


def _repeated(part: Lengths, fewest: int, largest: int) -> Lengths:
    """The lengths of `fewest` to `largest` parts: no gap follows k parts if k (most - least) >= least - 1."""
    if part.most == 0 or largest == 0:
        most = 0
    else:
        most = UNLIMITED if UNLIMITED in (part.most, largest) else part.most * largest
    if fewest == largest:
        joined = True
    elif part.most == UNLIMITED:
        joined = fewest > 0 or part.least <= 1
    else:
        joined = fewest * (part.most - part.least) >= part.least - 1
    return Lengths(part.least * fewest, most, part.contiguous and joined)


def smallest_byte(members: int) -> int:
    """The smallest byte of a set."""
    return (members & -members).bit_length() - 1


def count_characters(text: bytes) -> int:
    return sum(not 0x80 <= byte <= 0xBF for byte in text)


def _order(text: bytes) -> tuple[int, int, bytes]:
    return count_characters(text), len(text), text


def is_below(bound: int, length: int) -> bool:
    """Whether an upper bound, possibly UNLIMITED, is less than `length`."""
    return bound != UNLIMITED and bound < length


def smaller_bound(first: int, second: int) -> int:
    """The smaller of two upper bounds, each possibly UNLIMITED."""
    if UNLIMITED in (first, second):
        return max(first, second)
    return min(first, second)
