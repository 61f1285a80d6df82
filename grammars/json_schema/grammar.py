"""The grammar of a JSON Schema: the states of the automaton as states of the contract.

In come demands and the states of objects and arrays, out come edges. A state number stands for a tuple (kind,
...):

    value        a whole value with what stands before it, then `next`
    composite    the same, objects and arrays only, then the end of the rule
    object       inside an object, before a key or the bracket
    array        inside an array, before an item or the bracket

A value with a `next` offers its scalars as edges that go on there, and its objects and arrays as one call.
Where a key can be read in several ways (existentials), the state after it offers all of them. The cheapest
alternative is the way to the end. White space, colons and commas are part of the terminals (`layout.py`). One
expansion takes some microseconds in the simple case; nothing is expanded before it is reached.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from ..errors import LimitExceededError
from ..expressions import EMPTY, EPSILON, Expression, StringTerminal, byte_class, concatenate, literal, repeat
from ..grammar import (
    END,
    CallEdge,
    Edge,
    Expansion,
    Grammar,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    StringEdge,
    TerminalEdge,
)
from .algebra import NEVER
from .arrays import ArrayShape
from .completion import CLOSE, NAME
from .layout import AFTER_COLON, AFTER_COMMA, FIRST, ROOT, Layout
from .nodes import Demand
from .objects import ObjectShape
from .values import Shape, Values

VALUE, COMPOSITE, OBJECT_STATE, ARRAY_STATE, TRAILING = range(5)
MOST_STATES = 10_000_000

_OPEN_OBJECT, _CLOSE_OBJECT = literal("{"), literal("}")
_OPEN_ARRAY, _CLOSE_ARRAY = literal("["), literal("]")

Way = tuple[Demand, int]
"""What a value has to meet, and the state after it."""


@lru_cache(65536)
def _after(lead: Expression, terminal: Expression) -> Expression:
    return concatenate(lead, terminal)


@lru_cache(65536)
def _string(lead: Expression, content: Expression) -> StringTerminal:
    return StringTerminal(lead, content)


@lru_cache(4096)
def _table(words: tuple[str, ...]) -> LiteralTable:
    return LiteralTable(words)


class JsonSchemaGrammar(Grammar):
    """What `from_json_schema` returns.

    ignored: (JSON Pointer, reason) of what was not enforced because the caller asked for that. annotations:
    (JSON Pointer, reason) of what looks like a constraint and is none, such as a `format` that nobody knows.
    """

    def __init__(
        self,
        values: Values,
        demand: Demand,
        layout: Layout,
        ignored: tuple[tuple[str, str], ...] = (),
        annotations: tuple[tuple[str, str], ...] = (),
    ) -> None:
        self._values = values
        self._layout = layout
        self.ignored = ignored
        self.annotations = annotations
        self._states: list[tuple[Any, ...]] = [()]  # 0 is END
        self._numbers: dict[tuple[Any, ...], int] = {}
        after = END if layout.outside is EPSILON else self._number((TRAILING,))
        self.start = self._number((VALUE, ((demand, after),), ROOT, 0))

    def _number(self, state: tuple[Any, ...]) -> int:
        known = self._numbers.get(state)
        if known is None:
            known = len(self._states)
            if known >= MOST_STATES:
                raise LimitExceededError("states of the grammar", given=known, limit=MOST_STATES)
            self._states.append(state)
            self._numbers[state] = known
        return known

    def expand(self, state: int) -> Expansion:
        """The edges of a state. Raises LimitExceededError for what nests too deep."""
        kind, *fields = self._states[state]
        try:
            return _EXPANSIONS[kind](self, *fields)
        except RecursionError:
            raise LimitExceededError(
                "depth of required values", given="more", limit="what the stack holds"
            ) from None

    def successor(self, state: int, edge: int, label: int) -> int:
        """The state after a key with this label."""
        try:
            return self._successor(state, edge, label)
        except RecursionError:
            raise LimitExceededError(
                "depth of required values", given="more", limit="what the stack holds"
            ) from None

    # Values.

    def _expand_value(self, ways: tuple[Way, ...], place: int, depth: int) -> Expansion:
        edges: list[Edge] = []
        finish, least = 0, NEVER
        lead = self._layout.lead(place, depth)
        for demand, after in ways:
            value = self._values.value(demand)
            scalars = value.scalars
            rest = self._rest_cost(after) if len(ways) > 1 else 0
            if scalars.plain is not EMPTY:
                if scalars.plain_cost + rest < least:
                    finish, least = len(edges), scalars.plain_cost + rest
                edges.append(TerminalEdge(_after(lead, scalars.plain), after))
            if scalars.words:
                if scalars.words_cost + rest < least:
                    finish, least = len(edges), scalars.words_cost + rest
                table = _table(scalars.words)
                edges.append(LiteralsEdge(lead, table, (1 << len(table)) - 1, after))
            for content, shortest, longest in scalars.texts:
                if scalars.texts_cost + rest < least:
                    finish, least = len(edges), scalars.texts_cost + rest
                edges.append(StringEdge(_string(lead, content), after, shortest, longest))
            composites: list[tuple[int, Shape]] = [*value.objects, *value.arrays]
            if not composites:
                continue
            if after == END:
                for cost, shape in composites:
                    if cost < least:
                        finish, least = len(edges), cost
                    edges.append(self._open(shape, lead, depth))
            else:
                cost = min(cost for cost, _ in composites)
                if cost + rest < least:
                    finish, least = len(edges), cost + rest
                edges.append(CallEdge(self._number((COMPOSITE, demand, place, depth)), after))
        return Expansion(edges, False, finish, _shortest_word(edges[finish]))

    def _rest_cost(self, after: int) -> int:
        """The cost of what follows a value, where several ways are compared."""
        if after == END:
            return 0
        kind, shape, state, *_ = self._states[after]
        if kind == OBJECT_STATE:
            return shape.completion(state).cost
        return shape.completion(state)

    def _expand_composite(self, demand: Demand, place: int, depth: int) -> Expansion:
        value = self._values.value(demand)
        lead = self._layout.lead(place, depth)
        composites: list[tuple[int, Shape]] = [*value.objects, *value.arrays]
        finish = min(range(len(composites)), key=lambda index: composites[index][0])
        return Expansion([self._open(shape, lead, depth) for _, shape in composites], False, finish)

    def _open(self, shape: ObjectShape | ArrayShape, lead: Expression, depth: int) -> Edge:
        inside = depth + self._layout.step
        if isinstance(shape, ObjectShape):
            state = self._number((OBJECT_STATE, shape, shape.start, inside))
            return TerminalEdge(_after(lead, _OPEN_OBJECT), state)
        return TerminalEdge(
            _after(lead, _OPEN_ARRAY), self._number((ARRAY_STATE, shape, shape.start, inside))
        )

    # Objects.

    def _expand_object(self, shape: ObjectShape, state: tuple[int, int, int, int], depth: int) -> Expansion:
        edges: list[Edge] = []
        is_empty = state[2] == 0
        lead = self._layout.lead(FIRST if is_empty else AFTER_COMMA, depth)
        finish = finish_label = 0
        step = shape.completion(state)
        legal = shape.legal(state)
        if legal:
            if step.step == NAME:
                finish, finish_label = 0, step.label
            edges.append(LiteralsEdge(lead, shape.table, legal, None))
        others = shape.legal_others(state)
        if others is not None:
            if step.step not in (NAME, CLOSE):
                finish, finish_label = len(edges), step.label if others.monitors else 0
            terminal = StringTerminal(lead, others.content, others.monitors)
            edges.append(OthersEdge(terminal, shape.table if len(shape.table) else None, None))
        if shape.may_close(state):
            if step.step == CLOSE:
                finish = len(edges)
            close = self._layout.close(is_empty, depth - self._layout.step)
            edges.append(TerminalEdge(_after(close, _CLOSE_OBJECT), END))
        return Expansion(edges, False, finish, finish_label)

    def _successor(self, state: int, edge: int, label: int) -> int:
        kind, shape, inside, depth = self._states[state]
        if kind != OBJECT_STATE:
            raise ValueError(f"state {state}: no key is read here")
        is_name = edge == 0 and shape.legal(inside)
        ways = shape.after_name(inside, label) if is_name else shape.after_other(inside, label)
        numbered = tuple(
            (demand, self._number((OBJECT_STATE, shape, after, depth))) for demand, after in ways
        )
        return self._number((VALUE, numbered, AFTER_COLON, depth))

    def _expand_trailing(self) -> Expansion:
        return Expansion([TerminalEdge(repeat(byte_class(b" \t\n\r"), 1), END)], True, -1)

    # Arrays.

    def _expand_array(self, shape: ArrayShape, state: tuple[int, tuple[int, ...]], depth: int) -> Expansion:
        is_empty = state[0] == 0
        edges: list[Edge] = []
        finish, finish_label = -1, 0
        ways = shape.ways(state)
        if ways:
            place = FIRST if is_empty else AFTER_COMMA
            numbered = tuple(
                (demand, self._number((ARRAY_STATE, shape, after, depth))) for demand, after in ways
            )
            items = self._expand_value(numbered, place, depth)
            edges.extend(items.edges)
            finish, finish_label = items.finish, items.finish_label
        if shape.may_close(state):
            finish, finish_label = len(edges), 0
            close = self._layout.close(is_empty, depth - self._layout.step)
            edges.append(TerminalEdge(_after(close, _CLOSE_ARRAY), END))
        return Expansion(edges, False, finish, finish_label)


def _shortest_word(edge: Edge) -> int:
    """The label of a shortest word, where the edge reads one."""
    return _shortest_label(edge.table) if isinstance(edge, LiteralsEdge) else 0


@lru_cache(4096)
def _shortest_label(table: LiteralTable) -> int:
    return min(range(len(table)), key=lambda label: len(table.literals[label]))


_EXPANSIONS: dict[int, Callable[..., Expansion]] = {
    VALUE: JsonSchemaGrammar._expand_value,
    COMPOSITE: JsonSchemaGrammar._expand_composite,
    OBJECT_STATE: JsonSchemaGrammar._expand_object,
    ARRAY_STATE: JsonSchemaGrammar._expand_array,
    TRAILING: JsonSchemaGrammar._expand_trailing,
}
