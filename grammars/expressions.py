"""Regular languages of bytes: what the front ends build and what the core turns into automata.

In come constructor calls (`literal`, `union`, `repeat`, ...), out come immutable `Expression` nodes. The
nodes are hash-consed: structurally equal expressions are the same object, so that a terminal which several
grammars share (the JSON string, the number) is one automaton for a vocabulary and comparing two expressions
costs one pointer. The constructors simplify as they build (units, zeros, flattening, sorting of unions), so
the empty language is always the object `EMPTY` unless an intersection or a complement hides it; the core
finds those by search.

Nothing here runs an automaton. `grammars/recognizer.py` is the slow, obvious interpreter (Brzozowski 1964),
the core's lazy subset construction the fast one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from weakref import WeakValueDictionary

BYTE_CLASS, CONCATENATION, UNION, REPEAT, INTERSECTION, COMPLEMENT, AUTOMATON, MULTIPLES = range(8)
KIND_NAMES = (
    "byte class",
    "concatenation",
    "union",
    "repeat",
    "intersection",
    "complement",
    "automaton",
    "multiples",
)

UNLIMITED = -1
ALL_BYTES = (1 << 256) - 1


class Expression:
    """One hash-consed node; compare with `is`.

    kind: one of the eight constants above.
    children: the operands (none for a byte class and an automaton, one for a repeat, a complement and
        multiples).
    payload: byte class: the set as a 256-bit integer; repeat: (least, most), most = UNLIMITED for no bound;
        automaton: (number of states, transitions (state, byte set, next), accepting states), start state 0;
        multiples: (divisor or 0, numbers that must not divide, decimals), see `multiples.py`.
    nullable: whether the empty string belongs to the language.
    regular: whether no intersection or complement occurs anywhere below.
    """

    __slots__ = ("__weakref__", "children", "kind", "nullable", "payload", "regular")

    kind: int
    children: tuple[Expression, ...]
    payload: object
    nullable: bool
    regular: bool

    def __repr__(self) -> str:
        from .printer import print_expression  # the printer imports this module

        return print_expression(self)

    def __reduce__(self) -> tuple:
        return hash_consed, (self.kind, self.children, self.payload)


class StringTerminal(NamedTuple):
    """A JSON string as a terminal: `prefix` (which never reads a quote), a quote, characters, a quote.

    `content` is a language over the UTF-8 bytes of the *decoded* text; the core reads escapes (`\\n`,
    `\\u0061`, surrogate pairs) and steps it by what they stand for, so every spelling of an allowed text is
    allowed. The core itself forbids raw control characters, invalid UTF-8 escapes and lone surrogates;
    `content` must contain valid UTF-8 only (a complement has to be intersected with `ANY_TEXT` of
    `grammars.utf8`).

    monitors: languages that restrict nothing but are reported: monitor i accepting the text sets bit i of the
        signature (at most 20 monitors).
    """

    prefix: Expression
    content: Expression
    monitors: tuple[Expression, ...] = ()


_interned: WeakValueDictionary[tuple, Expression] = WeakValueDictionary()


def _is_nullable(kind: int, children: tuple[Expression, ...], payload: object) -> bool:
    if kind == BYTE_CLASS:
        return False
    if kind in (CONCATENATION, INTERSECTION):
        return all(child.nullable for child in children)
    if kind == UNION:
        return any(child.nullable for child in children)
    if kind == REPEAT:
        return payload[0] == 0 or children[0].nullable  # type: ignore[index]
    if kind == COMPLEMENT:
        return not children[0].nullable
    return kind == AUTOMATON and 0 in payload[2]  # type: ignore[index]


def hash_consed(kind: int, children: tuple[Expression, ...] = (), payload: object = None) -> Expression:
    """The only node with these fields. For constructors, which see to it that they mean something."""
    key = (kind, payload, *map(id, children))
    found = _interned.get(key)
    if found is not None:
        return found
    node = Expression()
    node.kind, node.children, node.payload = kind, children, payload
    node.nullable = _is_nullable(kind, children, payload)
    node.regular = kind not in (INTERSECTION, COMPLEMENT) and all(child.regular for child in children)
    return _interned.setdefault(key, node)


def byte_class(members: int | Iterable[int]) -> Expression:
    """One byte out of a set, given as a 256-bit integer or as byte values."""
    if not isinstance(members, int):
        members = sum(1 << byte for byte in set(members))
    return hash_consed(BYTE_CLASS, (), members) if members else EMPTY


def byte_range(first: int, last: int) -> Expression:
    """One byte from `first` to `last`, both included."""
    return byte_class((1 << (last + 1)) - (1 << first))


def literal(text: bytes | str) -> Expression:
    """Exactly these bytes (a `str` is encoded as UTF-8)."""
    data = text.encode() if isinstance(text, str) else text
    parts = tuple([_SINGLE_BYTES[byte] for byte in data])
    return parts[0] if len(parts) == 1 else hash_consed(CONCATENATION, parts)


def concatenate(*parts: Expression) -> Expression:
    """The parts one after the other."""
    flat: list[Expression] = []
    for part in parts:
        if part is EMPTY:
            return EMPTY
        flat.extend(part.children if part.kind == CONCATENATION else (part,))
    return flat[0] if len(flat) == 1 else hash_consed(CONCATENATION, tuple(flat))


def union(*options: Expression) -> Expression:
    """Any of the options; none at all gives the empty language."""
    flat: dict[Expression, None] = {}
    single_bytes = 0
    for option in options:
        if option is ANYTHING:
            return ANYTHING
        for part in option.children if option.kind == UNION else (option,):
            if part.kind == BYTE_CLASS:
                single_bytes |= part.payload  # type: ignore[operator]
            else:
                flat[part] = None
    if single_bytes:
        flat[hash_consed(BYTE_CLASS, (), single_bytes)] = None
    if len(flat) == 1:
        return next(iter(flat))
    return hash_consed(UNION, tuple(sorted(flat, key=id)))


def repeat(part: Expression, least: int = 0, most: int = UNLIMITED) -> Expression:
    """From `least` to `most` times the part; `most` = UNLIMITED for any number."""
    if most != UNLIMITED and most < least:
        return EMPTY
    if most == 0 or part is EPSILON:
        return EPSILON
    if part is EMPTY:
        return EPSILON if least == 0 else EMPTY
    if least == most == 1:
        return part
    return hash_consed(REPEAT, (part,), (least, most))


def optional(part: Expression) -> Expression:
    """The part or nothing."""
    return repeat(part, 0, 1)


def intersect(*parts: Expression) -> Expression:
    """What all the parts contain; no parts at all give the language of all byte strings."""
    flat: dict[Expression, None] = {}
    for part in parts:
        if part is EMPTY:
            return EMPTY
        flat.update(dict.fromkeys(part.children if part.kind == INTERSECTION else (part,)))
    flat.pop(ANYTHING, None)
    if not flat:
        return ANYTHING
    return next(iter(flat)) if len(flat) == 1 else hash_consed(INTERSECTION, tuple(sorted(flat, key=id)))


def complement(part: Expression) -> Expression:
    """All byte strings that the part does not contain (invalid UTF-8 among them)."""
    if part.kind == COMPLEMENT:
        return part.children[0]
    if part is EMPTY:
        return ANYTHING
    return EMPTY if part is ANYTHING else hash_consed(COMPLEMENT, (part,))


def automaton(
    n_states: int, transitions: Sequence[tuple[int, int, int]], accepting: Iterable[int]
) -> Expression:
    """An explicit automaton, deterministic or not: for what no expression says shortly (multiples of 7 in
    digits).

    transitions: (state, byte set as a 256-bit integer, next state); start state 0. States from which no
    accepting state can be reached are dropped.
    """
    accepting = frozenset(accepting)
    before: dict[int, list[int]] = {}
    for state, members, after in transitions:
        if members:
            before.setdefault(after, []).append(state)
    alive = set(accepting)
    pending = list(accepting)
    while pending:
        for state in before.get(pending.pop(), ()):
            if state not in alive:
                alive.add(state)
                pending.append(state)
    if 0 not in alive:
        return EMPTY
    kept = tuple(edge for edge in transitions if edge[0] in alive and edge[2] in alive and edge[1])
    return hash_consed(AUTOMATON, (), (n_states, kept, accepting))


EMPTY = hash_consed(UNION)
EPSILON = hash_consed(CONCATENATION)
ANYTHING = hash_consed(REPEAT, (hash_consed(BYTE_CLASS, (), ALL_BYTES),), (0, UNLIMITED))
SOMETHING = hash_consed(REPEAT, (hash_consed(BYTE_CLASS, (), ALL_BYTES),), (1, UNLIMITED))
_SINGLE_BYTES = [byte_class(1 << byte) for byte in range(256)]
