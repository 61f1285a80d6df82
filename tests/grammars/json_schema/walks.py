"""Documents read off a grammar: random walks over its edges that end by its `finish` edges.

In comes a grammar of the contract, out comes a text: at each state an edge is taken at random until the
budget of edges is spent, then always the `finish` edge. That every such text is valid, and that the walk
ends, are laws of the front end.
"""

from __future__ import annotations

import json
import random

from tokentrellis.grammars.derivatives import matches
from tokentrellis.grammars.emptiness import shortest_text, texts
from tokentrellis.grammars.expressions import UNLIMITED, Expression, complement, intersect, literal, union
from tokentrellis.grammars.grammar import (
    END,
    CallEdge,
    Edge,
    Grammar,
    LiteralsEdge,
    OthersEdge,
    StringEdge,
    TerminalEdge,
)

MOST_EDGES_AFTER_BUDGET = 3000


def walk(grammar: Grammar, rng: random.Random, budget: int) -> str:
    """A document: `budget` random edges, then the shortest way out."""
    parts: list[str] = []
    stack = [END]
    state, taken = grammar.start, 0
    while True:
        while state == END and stack:
            state = stack.pop()
            if state == END and not stack:
                return "".join(parts)
        expansion = grammar.expand(state)
        taken += 1
        assert taken < budget + MOST_EDGES_AFTER_BUDGET, "the finish edges do not lead to the end"
        assert expansion.final or expansion.edges, f"state {state} is a dead end"
        if taken > budget:
            if expansion.finish < 0:
                assert expansion.final
                state = END
                continue
            place, label = expansion.finish, expansion.finish_label
        else:
            place = rng.randrange(len(expansion.edges) + expansion.final)
            if place == len(expansion.edges):
                state = END
                continue
            label = None
        edge = expansion.edges[place]
        if isinstance(edge, CallEdge):
            stack.append(edge.next)
            state = edge.start
            continue
        text, label = spell(edge, rng, label)
        parts.append(text)
        state = grammar.successor(state, place, label) if edge.next is None else edge.next


def spell(edge: Edge, rng: random.Random, label: int | None) -> tuple[str, int]:
    """A text of a terminal, and its label."""
    if isinstance(edge, TerminalEdge):
        return _some_text(edge.terminal, rng), 0
    if isinstance(edge, StringEdge):
        content = _some_text(edge.terminal.content, rng, edge.least, edge.most)
        return _some_text(edge.terminal.prefix, rng) + json.dumps(content, ensure_ascii=False), 0
    if isinstance(edge, LiteralsEdge):
        if label is None:
            label = rng.choice([index for index in range(len(edge.table)) if edge.legal >> index & 1])
        assert edge.legal >> label & 1
        text = json.dumps(edge.table.literals[label], ensure_ascii=False)
        return _some_text(edge.prefix, rng) + text, label
    assert isinstance(edge, OthersEdge)
    content = edge.terminal.content
    if edge.excluded is not None:
        content = intersect(content, complement(union(*[literal(name) for name in edge.excluded.literals])))
    for place, monitor in enumerate(edge.terminal.monitors if label is not None else ()):
        assert label is not None
        content = intersect(content, monitor if label >> place & 1 else complement(monitor))
    key = _some_text(content, rng)
    bits = sum(
        matches(monitor, key.encode()) << place for place, monitor in enumerate(edge.terminal.monitors)
    )
    return _some_text(edge.terminal.prefix, rng) + json.dumps(key, ensure_ascii=False), bits


def _some_text(expression: Expression, rng: random.Random, least: int = 0, most: int = UNLIMITED) -> str:
    first = shortest_text(expression, least, most)
    assert first is not None, "a terminal without texts"
    if rng.random() < 0.5:
        return first.decode()
    return rng.choice(list(texts(expression, 5, least, most))).decode()
