"""A shortest document of a grammar, read off it in Python.

In comes a grammar and a state, out comes the text along the `finish` edges, each terminal by a shortest text
of its own, or the shortest that repeats no item where none may come twice. It is short, not always the
shortest, and where composite items must differ it may not be in the language: who needs to know asks the
grammar. Cost: one expansion and one search for each step.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from .emptiness import shortest_text, texts
from .errors import LimitExceededError
from .expressions import (
    UNLIMITED,
    Expression,
    byte_class,
    complement,
    intersect,
    literal,
    repeat,
    union,
)
from .grammar import (
    END,
    UNKNOWN_FINISH,
    CallEdge,
    Edge,
    Grammar,
    ItemRule,
    LiteralsEdge,
    OthersEdge,
    StringEdge,
    TerminalEdge,
    TokenEdge,
)
from .repetitions import find_repeats

MOST_STEPS = 10_000
MOST_TRIED = 50

_PLAIN_TEXT = repeat(byte_class(bytes(set(range(0x20, 0x7F)) - set(b'"\\'))))


def shortest_document(grammar: Grammar, start: int) -> bytes | None:
    """The text that leads from a state to the end of its rule; None where that is not known or too long."""
    stack, written = [start], bytearray()
    for _ in range(MOST_STEPS):
        if not stack:
            return bytes(written)
        state = stack.pop()
        if state == END:
            continue
        expansion = grammar.expand(state)
        if expansion.finish == UNKNOWN_FINISH:
            return None
        if expansion.finish < 0:
            continue
        edge = expansion.edges[expansion.finish]
        if isinstance(edge, CallEdge):
            stack += [edge.next, edge.start]
            continue
        follows = edge.next
        if follows is None:
            follows = grammar.successor(state, expansion.finish, expansion.finish_label)
        is_distinct = (
            grammar.distinct_items and follows != END and grammar.expand(follows).items == ItemRule.DISTINCT
        )
        try:
            for text in _texts(edge, expansion.finish_label, MOST_TRIED if is_distinct else 1):
                if not is_distinct or not find_repeats(bytes(written + text)).item:
                    break
            else:
                return None
        except LimitExceededError:
            return None
        written += text
        stack.append(follows)
    return None


def _texts(edge: Edge, label: int, n: int) -> Iterator[bytes]:
    """The shortest texts of an edge that end with a label, `n` at most."""
    if isinstance(edge, TerminalEdge):
        yield from texts(edge.terminal, n)
    elif isinstance(edge, LiteralsEdge):
        yield _string(edge.prefix, edge.table.literals[label].encode())
    elif isinstance(edge, StringEdge):
        for text in _plain_first(edge.terminal.content, n, edge.least, edge.most):
            yield _string(edge.terminal.prefix, text)
    elif isinstance(edge, TokenEdge):
        yield b""
    elif isinstance(edge, OthersEdge):
        content = edge.terminal.content
        for place, monitor in enumerate(edge.terminal.monitors):
            content = intersect(content, monitor if label >> place & 1 else complement(monitor))
        if edge.excluded:
            content = intersect(content, complement(union(*map(literal, edge.excluded.literals))))
        for text in _plain_first(content, n, 0, UNLIMITED):
            yield _string(edge.terminal.prefix, text)


def _plain_first(content: Expression, n: int, least: int, most: int) -> Iterator[bytes]:
    """The shortest texts, first those that need no escapes."""
    plain = list(texts(intersect(content, _PLAIN_TEXT), n, least, most))
    yield from plain
    if len(plain) < n:
        yield from texts(content, n, least, most)


def _string(prefix: Expression, content: bytes) -> bytes:
    return (shortest_text(prefix) or b"") + json.dumps(content.decode(), ensure_ascii=False).encode()
