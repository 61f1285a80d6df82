"""The grammar of a JSON Schema: the states of the automaton as states of the contract.

In come demands and the states of objects and arrays, out come edges. A state number stands for a tuple (kind,
...):

    whole        the document, and what may stand after it
    rule         a whole value with what stands before it, then the end of the rule
    value        the same, then `next`: one of several ways, or an item that is compared with others
    composite    objects and arrays only, then the end of the rule
    object       inside an object, before a key or the bracket
    array        inside an array, before an item or the bracket

A value with a `next` offers its scalars as edges that go on there, and its objects and arrays as one call.
Simple objects and arrays are handed to the core whole (`unfold`); the values in them are rules. Where a key
can be read in several ways (existentials), the state after it offers all of them. The cheapest
alternative is the way to the end. White space, colons and commas are part of the terminals (`layout.py`),
but where items are compared with those before: there the comma is read for itself, and up to it the cost to
the end allows for an item that differs; after it the core knows what has come. One
expansion takes some microseconds in the simple case; nothing is expanded before it is reached.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any

from referencing import Registry

from ..errors import GrammarError, LimitExceededError
from ..expressions import EMPTY, EPSILON, Expression, StringTerminal, byte_class, concatenate, repeat
from ..grammar import (
    END,
    UNKNOWN_FINISH,
    CallEdge,
    Edge,
    Expansion,
    Grammar,
    LiteralsEdge,
    LiteralTable,
    OthersEdge,
    PlainArray,
    PlainObject,
    StringEdge,
    TerminalEdge,
)
from .algebra import NEVER
from .arrays import ArrayShape
from .completion import CLOSE, NAME
from .layout import (
    AFTER_COLON,
    AFTER_COMMA,
    CLOSE_ARRAY,
    CLOSE_OBJECT,
    FIRST,
    OPEN_ARRAY,
    OPEN_OBJECT,
    ROOT,
    Layout,
    Whitespace,
)
from .nodes import Demand
from .objects import ObjectShape
from .plain_parts import PlainParts, plain_parts, too_deep
from .records import SURPLUS
from .repeated_items import RepeatingArray
from .scalars import NO_SCALARS, Scalars
from .values import Array, Shape, Values

WHOLE, RULE, VALUE, COMPOSITE, OBJECT_STATE, ARRAY_STATE, NEXT_ITEM, TRAILING = range(8)
MOST_STATES = 10_000_000

_TRAILING_EXPANSION = Expansion(
    [TerminalEdge(repeat(byte_class(b" \t\n\r"), 1), END)], True, -1, ends_document=True
)

Way = tuple[Demand, int]
"""What a value has to meet, and the state after it."""

Offer = tuple[int, int, Callable[[int], Edge]]
"""Its cost, the label of a shortest word (0 where none is read), and the edge to a state after it."""


@lru_cache(65536)
def _after(lead: Expression, terminal: Expression) -> Expression:
    return concatenate(lead, terminal)


@lru_cache(65536)
def _string(lead: Expression, content: Expression, monitors: tuple[Expression, ...] = ()) -> StringTerminal:
    return StringTerminal(lead, content, monitors)


@lru_cache(4096)
def _table(words: tuple[str, ...]) -> LiteralTable:
    return LiteralTable(words)


class JsonSchemaGrammar(Grammar):
    """What `from_json_schema` returns.

    ignored: (JSON Pointer, reason) of what was not enforced because the caller asked for that. annotations:
    (JSON Pointer, reason) of what looks like a constraint and is none, such as a `format` that nobody knows.
    distinct_items: whether the schema has `uniqueItems` anywhere.
    origin: what makes the grammar again: a function, and the schema that it is called with.
    """

    distinct_keys = True

    def __init__(
        self,
        values: Values,
        demand: Demand,
        layout: Layout,
        ignored: tuple[tuple[str, str], ...] = (),
        annotations: tuple[tuple[str, str], ...] = (),
        distinct_items: bool = False,
    ) -> None:
        self._values = values
        self._layout = layout
        self.ignored = ignored
        self.annotations = annotations
        self.distinct_items = distinct_items
        self.origin: tuple[partial[JsonSchemaGrammar], Any] | None = None
        self._states: list[tuple[Any, ...]] = [()]  # 0 is END
        self._numbers: dict[tuple[Any, ...], int] = {}
        self._offered: dict[tuple[Demand, int, int], list[Offer]] = {}
        self._closed: dict[tuple[Expression, bool, int], Edge] = {}
        self._undeclared: dict[tuple[ObjectShape, bool, int], Edge | None] = {}
        self.start = self._number((RULE if layout.outside is EPSILON else WHOLE, demand, ROOT, 0))

    def __reduce__(self) -> tuple[Any, ...]:
        """By the schema and the options: what was learnt on the way may be hundreds of times as large."""
        if self.origin is None:
            raise GrammarError("this grammar does not pickle", advice="make it with from_json_schema()")
        make, schema = self.origin
        if isinstance(make.keywords["registry"], Registry):
            raise GrammarError(
                "a grammar with a referencing.Registry does not pickle",
                advice="give registry as a dict from URIs to schemas",
            )
        return make, (schema,)

    @property
    def whitespace(self) -> Whitespace:
        """What stands between tokens, as it was asked for."""
        return self._layout.whitespace

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
        fields = self._states[state]
        try:
            return _EXPANSIONS[fields[0]](self, *fields[1:])
        except RecursionError:
            raise too_deep() from None

    def unfold(self, state: int) -> Expansion | PlainObject | PlainArray:
        """The same; a simple object or array from its beginning on is handed over whole."""
        fields = self._states[state]
        kind = fields[0]
        if (kind != OBJECT_STATE and kind != ARRAY_STATE) or not fields[1].is_plain:
            return self.expand(state)
        try:
            outline = self._outline_object if kind == OBJECT_STATE else self._outline_array
            return outline(fields[1], fields[3])
        except RecursionError:
            raise too_deep() from None

    def successor(self, state: int, edge: int, label: int) -> int:
        """The state after a key with this label."""
        try:
            return self._successor(state, edge, label)
        except RecursionError:
            raise too_deep() from None

    def value(self, state: int, label: int) -> int:
        """The rule of a value in an object that was handed over whole; label -1: of an undeclared key."""
        _, shape, _, depth = self._states[state]
        demand = shape.demand(label) if label >= 0 else shape.others.by_label[0].demand
        return self.rule(demand, AFTER_COLON, depth)

    def recall(self, state: int, items: Sequence[bytes]) -> int:
        """The state that names the items so far."""
        kind, shape, inside, depth = self._states[state]
        try:
            return self._number((kind, shape, shape.recall(inside, items), depth))
        except RecursionError:
            raise too_deep() from None

    @property
    def schema_parts(self) -> PlainParts | None:
        """What the core reads by itself."""
        kind, demand, *_ = self._states[self.start]
        trailing = self._number((TRAILING,)) if kind == WHOLE else 0
        return plain_parts(self, self._values, demand, self._layout, trailing)

    def rule(self, demand: Demand, place: int, depth: int) -> int:
        """The state of a value with what stands before it, and nothing after it."""
        return self._number((RULE, demand, place, depth))

    def least_cost(self) -> int:
        """What the emptiness of the schema was decided by."""
        return self._values.cost(self._states[self.start][1])

    # Values.

    def _expand_whole(self, demand: Demand, place: int, depth: int) -> Expansion:
        return Expansion([CallEdge(self.rule(demand, place, depth), self._number((TRAILING,)))], False, 0)

    def _expand_rule(self, demand: Demand, place: int, depth: int) -> Expansion:
        lead = self._layout.lead(place, depth)
        scalars, objects, arrays = self._values.value(demand)
        if scalars is NO_SCALARS:
            edges: list[Edge] = []
            finish, finish_label, least = 0, 0, NEVER
        else:
            rule = _scalar_rule(lead, scalars)
            if not objects and not arrays:
                return rule
            edges, finish, finish_label = [*rule.edges], rule.finish, rule.finish_label
            least = min(scalars.plain_cost, scalars.words_cost, scalars.texts_cost)
        composites: list[Shape] = [*objects, *arrays]
        if not edges and len(composites) == 1:
            return Expansion([self._open(composites[0], lead, depth)], False, 0, 0)
        for shape in composites:
            cost = self._values.cost(shape)
            if cost < least:
                finish, finish_label, least = len(edges), 0, cost
            edges.append(self._open(shape, lead, depth))
        return Expansion(edges, False, finish, finish_label)

    def _expand_value(
        self, ways: tuple[Way, ...], place: int, depth: int, n_sure: int | None = None
    ) -> Expansion:
        """n_sure: of the ways, the first ones that can lead to the end; None: all."""
        if len(ways) == 1 and n_sure != 0:
            demand, after = ways[0]
            offers = self._offers(demand, place, depth)
            if len(offers) == 1:  # as four of five values have
                _, label, edge_to = offers[0]
                return Expansion([edge_to(after)], False, 0, label)
        edges: list[Edge] = []
        finish, finish_label, rest = UNKNOWN_FINISH if n_sure == 0 else 0, 0, 0
        least = NEVER
        for number, (demand, after) in enumerate(ways):
            is_sure = n_sure is None or number < n_sure
            if is_sure and len(ways) > 1:
                rest = self._rest_cost(after)
            for cost, label, edge_to in self._offers(demand, place, depth):
                if is_sure and cost + rest < least:
                    finish, finish_label, least = len(edges), label, cost + rest
                edges.append(edge_to(after))
        return Expansion(edges, False, finish, finish_label)

    def _offers(self, demand: Demand, place: int, depth: int) -> list[Offer]:
        """What a demand offers in a place, whatever comes after it."""
        key = (demand, place, depth)
        known = self._offered.get(key)
        if known is None:
            known = self._offered[key] = self._make_offers(*key)
        return known

    def _make_offers(self, demand: Demand, place: int, depth: int) -> list[Offer]:
        offers: list[Offer] = []
        lead = self._layout.lead(place, depth)
        value = self._values.value(demand)
        scalars = value.scalars
        if scalars.plain is not EMPTY:
            offers.append((scalars.plain_cost, 0, partial(TerminalEdge, _after(lead, scalars.plain))))
        if scalars.words:
            table = _table(scalars.words)
            edge_to = partial(LiteralsEdge, lead, table, (1 << len(table)) - 1)
            offers.append((scalars.words_cost, _shortest_label(table), edge_to))
        for content, least, most in scalars.texts:
            terminal = _string(lead, content)
            offers.append((scalars.texts_cost, 0, partial(StringEdge, terminal, least=least, most=most)))
        composites: list[Shape] = [*value.objects, *value.arrays]
        if composites:
            cost = min(map(self._values.cost, composites))
            start = self._number((COMPOSITE, demand, place, depth))
            offers.append((cost, 0, partial(CallEdge, start)))
        return offers

    def _rest_cost(self, after: int) -> int:
        """The cost of what follows a value, where several ways are compared."""
        kind, shape, state, *_ = self._states[after]
        if kind == OBJECT_STATE:
            return shape.completion(state).cost
        return shape.completion(state)

    def _expand_composite(self, demand: Demand, place: int, depth: int) -> Expansion:
        value = self._values.value(demand)
        lead = self._layout.lead(place, depth)
        composites: list[Shape] = [*value.objects, *value.arrays]
        finish = 0
        if len(composites) > 1:
            costs = list(map(self._values.cost, composites))
            finish = costs.index(min(costs))
        return Expansion([self._open(shape, lead, depth) for shape in composites], False, finish)

    def _open(self, shape: Shape, lead: Expression, depth: int) -> Edge:
        inside = depth + self._layout.step
        if isinstance(shape, ObjectShape):
            state = self._number((OBJECT_STATE, shape, shape.start, inside))
            return TerminalEdge(_after(lead, OPEN_OBJECT), state)
        return TerminalEdge(_after(lead, OPEN_ARRAY), self._number((ARRAY_STATE, shape, shape.start, inside)))

    # Objects.

    def names_may_repeat(self, state: int) -> bool:
        """Whether a document stays valid when an undeclared name comes twice in the object that is open at a
        state, the last one counting: none must be enough of them, and none must meet what some key must."""
        shape = self._states[state][1]
        return not shape.somes and shape.record.least <= len(shape.record.required) + 1

    def _expand_object(self, shape: ObjectShape, state: tuple[int, int, int, int], depth: int) -> Expansion:
        if shape.simple:
            return self._expand_simple(shape, state, depth)
        edges: list[Edge] = []
        is_empty = state[2] == 0
        lead = self._layout.lead(self._place(is_empty), depth)
        finish = finish_label = 0
        step, label = shape.next_step(state)
        legal = shape.legal(state)
        if legal:
            if step == NAME:
                finish, finish_label = 0, label
            edges.append(LiteralsEdge(lead, shape.table, legal, None))
        others = shape.legal_others(state)
        if others is not None:
            if step not in (NAME, CLOSE):
                finish, finish_label = len(edges), label if others.monitors else 0
            terminal = _string(lead, others.content, others.monitors)
            edges.append(OthersEdge(terminal, shape.table if shape.order else None, None))
        if shape.may_close(state):
            if step == CLOSE:
                finish = len(edges)
            edges.append(self._close(CLOSE_OBJECT, is_empty, depth))
        n_before = 0 if others is None else shape.most_before(state)
        return Expansion(edges, False, finish, finish_label, n_before=n_before)

    def _expand_simple(self, shape: ObjectShape, state: tuple[int, int, int, int], depth: int) -> Expansion:
        """The same for a simple shape, where all names that must come are all that matters."""
        _, need, count, _ = state
        is_empty = count == 0
        edges: list[Edge] = []
        finish = finish_label = n_before = 0
        legal = shape.legal(state)
        if legal:
            edges.append(LiteralsEdge(self._layout.lead(self._place(is_empty), depth), shape.table, legal))
            finish_label = shape.first(need) if need else 0
        if not need or shape.any_order:
            others = self._simple_others(shape, is_empty, depth)
            if others is not None:
                edges.append(others)
                n_before = shape.most_before(state)
        if not need:
            finish = len(edges)
            edges.append(self._close(CLOSE_OBJECT, is_empty, depth))
        return Expansion(edges, False, finish, finish_label, n_before=n_before)

    def _outline_object(self, shape: ObjectShape, depth: int) -> PlainObject:
        """All states of a plain shape at once."""
        others = shape.others.by_label.get(0)
        return PlainObject(
            shape.table,
            shape.usable(shape.all),
            shape.order,
            shape.any_order,
            shape.required_in_order(),
            self._layout.lead(FIRST, depth),
            self._layout.lead(AFTER_COMMA, depth),
            None if others is None else others.content,
            bool(shape.order),
            self._layout.closing(CLOSE_OBJECT, True, depth),
            self._layout.closing(CLOSE_OBJECT, False, depth),
            shape.clip + SURPLUS,
            shape.members(depth),
        )

    def _simple_others(self, shape: ObjectShape, is_empty: bool, depth: int) -> Edge | None:
        """The edge of undeclared keys, the same in all states of a simple shape; None: there are none."""
        key = (shape, is_empty, depth)
        if key not in self._undeclared:
            others, edge = shape.others, None
            if others.by_label:
                lead = self._layout.lead(self._place(is_empty), depth)
                terminal = _string(lead, others.content, others.monitors)
                edge = OthersEdge(terminal, shape.table if shape.order else None)
            self._undeclared[key] = edge
        return self._undeclared[key]

    @staticmethod
    def _place(is_empty: bool) -> int:
        return FIRST if is_empty else AFTER_COMMA

    def _close(self, bracket: Expression, is_empty: bool, depth: int) -> Edge:
        """The edge of a closing bracket. depth: that inside."""
        key = (bracket, is_empty, depth)
        known = self._closed.get(key)
        if known is None:
            known = self._closed[key] = TerminalEdge(self._layout.closing(bracket, is_empty, depth), END)
        return known

    def _successor(self, state: int, edge: int, label: int) -> int:
        kind, shape, inside, depth = self._states[state]
        if kind != OBJECT_STATE:
            raise ValueError(f"state {state}: no key is read here")
        is_name = edge == 0 and shape.legal(inside)
        ways = shape.after_name(inside, label) if is_name else shape.after_other(inside, label)
        number = self._number
        numbered = tuple([(demand, number((OBJECT_STATE, shape, after, depth))) for demand, after in ways])
        return number((VALUE, numbered, AFTER_COLON, depth))

    def _expand_trailing(self) -> Expansion:
        return _TRAILING_EXPANSION

    # Arrays.

    def _expand_array(self, shape: Array, state: Any, depth: int) -> Expansion:
        is_empty = state[0] == 0
        edges: list[Edge] = []
        finish, finish_label = -1, 0
        if (shape.distinct or shape.recalls(state)) and not is_empty and shape.ways(state):
            edges.append(TerminalEdge(self._layout.comma(), self._number((NEXT_ITEM, shape, state, depth))))
            finish = 0
        elif shape.ways(state):
            items = self._expand_item(shape, state, FIRST if is_empty else AFTER_COMMA, depth)
            edges.extend(items.edges)
            finish, finish_label = items.finish, items.finish_label
        if shape.may_close(state):
            finish, finish_label = len(edges), 0
            edges.append(self._close(CLOSE_ARRAY, is_empty, depth))
        if not edges:
            finish = UNKNOWN_FINISH  # less is possible than what led here
        return Expansion(edges, False, finish, finish_label, shape.item_rule(state))

    def _outline_array(self, shape: ArrayShape, depth: int) -> PlainArray:
        """All states of a plain shape at once."""
        items = []
        for index in range(shape.special + 1 if shape.special else 2):
            demand = shape.demand(index)
            if demand is None or not self._values.exist(demand):
                items.append(-1)
            else:
                items.append(self.rule(demand, AFTER_COMMA if index else FIRST, depth))
        return PlainArray(
            items,
            shape.record.least,
            shape.record.most,
            shape.top,
            self._layout.closing(CLOSE_ARRAY, True, depth),
            self._layout.closing(CLOSE_ARRAY, False, depth),
        )

    def _expand_next_item(self, shape: Array, state: Any, depth: int) -> Expansion:
        """After a comma that was read for itself."""
        items = self._expand_item(shape, state, FIRST, depth)
        return items._replace(n_before=shape.most_before(state), recalls=shape.recalls(state))

    def _expand_item(self, shape: Array, state: Any, place: int, depth: int) -> Expansion:
        ways: list[Any]
        if isinstance(shape, RepeatingArray):
            sure, hopeful = shape.sorted_ways(state)
            ways, n_sure = [*sure, *hopeful], len(sure)
        else:
            ways = shape.ways(state)
            n_sure = len(ways)
        numbered = tuple((demand, self._number((ARRAY_STATE, shape, after, depth))) for demand, after in ways)
        return self._expand_value(numbered, place, depth, n_sure)


@lru_cache(4096)
def _scalar_rule(lead: Expression, scalars: Scalars) -> Expansion:
    """The scalars of a value and nothing after them: the same in all grammars."""
    edges: list[Edge] = []
    finish = finish_label = 0
    least = NEVER
    if scalars.plain is not EMPTY:
        edges.append(TerminalEdge(_after(lead, scalars.plain), END))
        least = scalars.plain_cost
    if scalars.words:
        table = _table(scalars.words)
        if scalars.words_cost < least:
            finish, finish_label, least = len(edges), _shortest_label(table), scalars.words_cost
        edges.append(LiteralsEdge(lead, table, (1 << len(table)) - 1, END))
    for content, shortest, longest in scalars.texts:
        if scalars.texts_cost < least:
            finish, finish_label, least = len(edges), 0, scalars.texts_cost
        edges.append(StringEdge(_string(lead, content), END, shortest, longest))
    return Expansion(edges, False, finish, finish_label)


@lru_cache(4096)
def _shortest_label(table: LiteralTable) -> int:
    """The label of a shortest word."""
    return min(range(len(table)), key=lambda label: len(table.literals[label]))


_EXPANSIONS: dict[int, Callable[..., Expansion]] = {
    WHOLE: JsonSchemaGrammar._expand_whole,
    RULE: JsonSchemaGrammar._expand_rule,
    VALUE: JsonSchemaGrammar._expand_value,
    COMPOSITE: JsonSchemaGrammar._expand_composite,
    OBJECT_STATE: JsonSchemaGrammar._expand_object,
    ARRAY_STATE: JsonSchemaGrammar._expand_array,
    NEXT_ITEM: JsonSchemaGrammar._expand_next_item,
    TRAILING: JsonSchemaGrammar._expand_trailing,
}
