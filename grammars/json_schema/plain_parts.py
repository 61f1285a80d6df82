"""What the core has to know to read plain schemas by itself (`grammar.SchemaParts`).

In comes the grammar of a schema; out come the schema as written, the terminals of its layout, and answers
about what is not plain: the state of a value, whether something meets a schema. So most of what a document
meets costs no call of Python, and what is not plain is decided where it always was. Only a schema of which
something is to be ignored is not given out, as the core does not know what.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import LimitExceededError
from ..expressions import Expression, concatenate
from ..grammar import Expansion
from .keywords import KEYWORDS, rules_of
from .layout import AFTER_COMMA, CLOSE_ARRAY, CLOSE_OBJECT, FIRST, OPEN_ARRAY, OPEN_OBJECT, Layout
from .nodes import TRUE, Demand
from .records import SURPLUS
from .references import Context

if TYPE_CHECKING:
    from .grammar import JsonSchemaGrammar
    from .values import Values


def too_deep() -> LimitExceededError:
    """The error where values that are required nest deeper than Python's stack goes."""
    return LimitExceededError("depth of required values", given="more", limit="what the stack holds")


class PlainParts:
    """See `grammar.SchemaParts`."""

    keywords: Mapping[int, frozenset[str]] = KEYWORDS
    n_before = 1 + SURPLUS

    def __init__(
        self,
        grammar: JsonSchemaGrammar,
        values: Values,
        layout: Layout,
        root: tuple[Any, Context],
        trailing: int,
    ) -> None:
        self._grammar = grammar
        self._values = values
        self._layout = layout
        self.root = root
        self.trailing = trailing
        self.any_order = values.any_order
        self.step = layout.step
        kind = layout.whitespace if layout.indent is None else layout.indent
        self.layout = f"{kind} {values.scalars.spelling}"

    def openings(self, place: int, depth: int) -> tuple[Expression, Expression, Expression]:
        lead = self._layout.lead(place, depth)
        return lead, concatenate(lead, OPEN_OBJECT), concatenate(lead, OPEN_ARRAY)

    def brackets(self, depth: int) -> tuple[Expression, ...]:
        closing = [
            self._layout.closing(bracket, is_empty, depth)
            for bracket in (CLOSE_OBJECT, CLOSE_ARRAY)
            for is_empty in (True, False)
        ]
        return self._layout.lead(FIRST, depth), self._layout.lead(AFTER_COMMA, depth), *closing

    def rule(self, schema: Any, context: Context, place: int, depth: int) -> int:
        return self._rule(self._values.nodes.literal(schema, context), place, depth)

    def expansion(self, schema: Any, context: Context, place: int, depth: int) -> Expansion:
        """By what the schema says now, not by what is known of this object: it is kept for other grammars."""
        is_any = schema is True
        literal = TRUE if is_any else self._values.nodes.synthetic(rules_of(schema, context.draft), context)
        return self._grammar.expand(self._rule(literal, place, depth))

    def exists(self, schema: Any, context: Context) -> bool:
        try:
            demand = self._values.nodes.demand((self._values.nodes.literal(schema, context),))
            return demand is not None and self._values.exist(demand)
        except RecursionError:
            raise too_deep() from None

    def _rule(self, literal: int, place: int, depth: int) -> int:
        demand = self._values.nodes.demand((literal,))
        assert demand is not None  # what nothing meets is asked for nowhere
        return self._grammar.rule(demand, place, depth)


def plain_parts(
    grammar: JsonSchemaGrammar, values: Values, demand: Demand, layout: Layout, trailing: int
) -> PlainParts | None:
    """The parts of a grammar whose document has to meet a demand; None where the core cannot read it."""
    nodes = values.nodes
    if nodes.ignores or len(demand) != 1 or demand[0] & 1:
        return None
    node = nodes.all[demand[0] >> 1]
    assert node is not None
    if node.rules is node.schema:  # synthetic
        return None
    return PlainParts(grammar, values, layout, (node.schema, node.context), trailing)
