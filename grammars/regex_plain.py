"""The languages of parts of a pattern that have no anchors, and how they are put before and behind others.

In come nodes of the syntax tree, out come expressions; what is optional before "any text" is left out, which
keeps automata small. `count_positions` says how large an expression is with its repeats written out.
"""

from __future__ import annotations

from typing import cast

from .expressions import (
    AUTOMATON,
    BYTE_CLASS,
    CONCATENATION,
    REPEAT,
    UNLIMITED,
    Expression,
    byte_class,
    concatenate,
    repeat,
    union,
)
from .nullable import bounds
from .regex_tree import (
    Alternation,
    Characters,
    Language,
    Node,
    Repetition,
    Sequence,
    Text,
)
from .utf8 import ANY_TEXT, character_class

SINGLE_BYTES = [byte_class(1 << byte) for byte in range(256)]


def plain_language(node: Node) -> Expression:
    """The language of a node that has no assertions."""
    if isinstance(node, Characters):
        return character_class(node.ranges)
    if isinstance(node, Language):
        return node.expression
    if isinstance(node, Repetition):
        return repeat(plain_language(node.item), node.least, node.most)
    if isinstance(node, Alternation):
        return union(*[plain_language(option) for option in node.options])
    return concatenate(*plain_factors(node.items if isinstance(node, Sequence) else (node,)))


def plain_factors(items: tuple[Node, ...]) -> list[Expression]:
    """The factors of a sequence of nodes without assertions; literal text byte by byte."""
    parts = []
    for item in items:
        if isinstance(item, Text):
            parts.extend([SINGLE_BYTES[byte] for byte in item.text.encode()])
        else:
            parts.append(plain_language(item))
    return parts


def put_before(parts: list[Expression], rest: Expression) -> Expression:
    """The parts, then `rest`. Before any text, what is optional at the end of them makes no difference."""
    if rest is not ANY_TEXT:
        return concatenate(*parts, rest)
    parts = [
        factor for part in parts for factor in (part.children if part.kind == CONCATENATION else (part,))
    ]
    while parts and parts[-1].nullable:
        parts.pop()
    if parts and parts[-1].kind == REPEAT:
        least, _ = bounds(parts[-1])
        parts[-1] = repeat(parts[-1].children[0], least, least)
    return concatenate(*parts, rest)


def put_behind_any(language: Expression) -> Expression:
    """Any text, then `language`; the mirror image of `put_before`."""
    parts = list(language.children) if language.kind == CONCATENATION else [language]
    n_optional = next((i for i, part in enumerate(parts) if not part.nullable), len(parts))
    if n_optional == len(parts):
        return ANY_TEXT
    parts = parts[n_optional:]
    if parts[0].kind == REPEAT:
        least, _ = bounds(parts[0])
        parts[0] = repeat(parts[0].children[0], least, least)
    return concatenate(ANY_TEXT, *parts)


def count_positions(expression: Expression, known: dict[Expression, int]) -> int:
    """How many byte classes the expression has when its repeats are written out."""
    count = known.get(expression)
    if count is None:
        if expression.kind == BYTE_CLASS:
            count = 1
        elif expression.kind == AUTOMATON:
            count = len(cast("tuple[int, tuple[object, ...], object]", expression.payload)[1])
        else:
            count = sum(count_positions(child, known) for child in expression.children)
            if expression.kind == REPEAT:
                least, most = bounds(expression)
                count *= max(least, 1) if most == UNLIMITED else most
        known[expression] = count
    return count


ANY_TEXT_POSITIONS = count_positions(ANY_TEXT, {})
