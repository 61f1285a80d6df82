"""Values: what a demand offers for each type, whether anything meets it at all, and what the shortest such
value costs.

In comes a demand, out comes a `Value`: its scalars, its alternatives as objects and as arrays, all of them
inhabited. The cost of a demand (NEVER: nothing meets it) is the least fixpoint of "the cheapest alternative,
with the costs of what it needs", found on demand: while a cost is being computed it counts as NEVER; a finite
result is final at once, since all it is made of is final; if a pass finds nothing new, all that it visited is
empty for good, otherwise it is repeated. So recursive schemas end, and a finite cost is always greater than
the costs that it was made of: who follows the cheapest alternative arrives. Costs are rough bytes: only their
order and finiteness matter.

Source: emptiness of tree automata (Comon et al., Tree Automata Techniques and Applications, chapter 1).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from ..witness import shortest_document
from .algebra import NEVER
from .arrays import ArrayShape
from .at_sight import surely_met
from .formula import MOST_ALTERNATIVES, Formulas
from .json_data import Pointer, written
from .keywords import ARRAY, OBJECT
from .layout import Layout
from .nodes import BARE_TYPES, FALSE, SCALARS, TRUE, Demand, Node, Nodes
from .numbers import Spelling
from .objects import ObjectShape
from .records import ArrayRecord, ObjectRecord
from .references import Context, References
from .repeated_items import RepeatingArray
from .rules import plain_array, plain_record
from .scalars import BARE_SCALARS, NO_SCALARS, ScalarLanguages, Scalars, any_scalars
from .string_sets import writable

Array = ArrayShape | RepeatingArray
Shape = ObjectShape | Array

# Keywords that may ask more of a value than its type; the empty array, the empty object meet all others.
_REFERENCES = {"$ref", "$dynamicRef", "$recursiveRef"}
_NESTED_LOGIC = frozenset({"allOf", "anyOf", "oneOf", "not", "if", "$all", "$same"} | _REFERENCES)
_LOGIC = {"enum", "const"} | _NESTED_LOGIC
_PLAIN = frozenset(
    ("type", "properties", "required", "additionalProperties", "items", "minItems", "maxItems")
)
_LOGIC_OF_ARRAYS = frozenset(_LOGIC | {"unevaluatedItems"})
_DEMANDING_OF_ARRAYS = frozenset(_LOGIC | {"minItems", "contains"})
_DEMANDING_OF_OBJECTS = frozenset(
    _LOGIC
    | {"minProperties", "maxProperties", "patternProperties", "propertyNames", "unevaluatedProperties"}
    | {"dependentRequired", "dependentSchemas"}
)


class Value(NamedTuple):
    """What a demand offers: scalars, and alternatives as objects and arrays, all inhabited."""

    scalars: Scalars
    objects: list[ObjectShape]
    arrays: list[Array]


# What a type by itself offers needs no search, and is the same in every grammar.
_BARE_COSTS: dict[Demand | Shape, int] = {
    (): 5,
    **{
        (literal,): 1 + min(BARE_SCALARS[kind][3:] if kind not in ("array", "object") else (3,))
        for kind, literal in BARE_TYPES.items()
    },
}
_COST_OF_EMPTY = 3  # of [] and {}
_ANY_ARRAY: Demand = (BARE_TYPES["array"],)
_ANY_OBJECT: Demand = (BARE_TYPES["object"],)


class Bare(NamedTuple):
    """What a type by itself offers, and the demand that asks nothing: the same in every grammar.

    shapes: by demand and type. costs: of the demands and shapes.
    """

    values: dict[Demand, Value]
    shapes: dict[tuple[Demand, int], list[Any]]
    costs: dict[Demand | Shape, int]


@lru_cache
def bare(spelling: Spelling, any_order: bool) -> Bare:
    """The bare values of all grammars with this spelling of numbers and order of keys."""
    nodes = Nodes()
    scalars = ScalarLanguages(nodes, spelling)
    nothing = Bare({}, {}, _BARE_COSTS)
    context = References(True).root
    inside = Values(nodes, scalars, Formulas(nodes, scalars), context, any_order, known=nothing)
    array = ArrayShape(ArrayRecord(), inside)
    entity = ObjectShape(ObjectRecord(), inside, any_order)
    values: dict[Demand, Value] = {
        (): Value(any_scalars(spelling), [entity], [array]),
        _ANY_ARRAY: Value(NO_SCALARS, [], [array]),
        _ANY_OBJECT: Value(NO_SCALARS, [entity], []),
    }
    if spelling == "plain":
        for kind, found in BARE_SCALARS.items():
            values.setdefault((BARE_TYPES[kind],), Value(found, [], []))
    shapes: dict[tuple[Demand, int], list[Any]] = {
        ((), ARRAY): [array],
        ((), OBJECT): [entity],
        (_ANY_ARRAY, ARRAY): [array],
        (_ANY_OBJECT, OBJECT): [entity],
    }
    return Bare(values, shapes, {**_BARE_COSTS, array: _COST_OF_EMPTY, entity: _COST_OF_EMPTY})


class Values:
    """The demands of one grammar.

    contains: (schema, its context, place) of each `contains`, for messages. known: what is known beforehand;
    None: what a type by itself offers.
    """

    def __init__(
        self,
        nodes: Nodes,
        scalars: ScalarLanguages,
        formulas: Formulas,
        context: Context,
        any_order: bool,
        contains: Sequence[tuple[Any, Context, Pointer]] = (),
        known: Bare | None = None,
    ) -> None:
        self.nodes = nodes
        self.scalars = scalars
        self.formulas = formulas
        self.context = context
        self.any_order = any_order
        self._contains = contains
        known = known or bare(scalars.spelling, any_order)
        self._values: dict[Demand, Value] = known.values.copy()
        self._scalars: dict[Demand, Scalars] = {}
        self._shapes: dict[tuple[Demand, int], list[Any]] = known.shapes.copy()
        self._costs: dict[Demand | Shape, int] = known.costs.copy()
        self._visited: dict[Demand | Shape, int] | None = None
        self._found = False

    def value(self, demand: Demand) -> Value:
        """What a demand offers."""
        known = self._values.get(demand)
        if known is None:
            types = self.formulas.types(demand)
            known = self._values[demand] = Value(
                self.scalars_of(demand) if types & SCALARS else NO_SCALARS,
                self._inhabited(demand, OBJECT) if types & OBJECT else [],
                self._inhabited(demand, ARRAY) if types & ARRAY else [],
            )
        return known

    def is_plain(self, demand: Demand) -> bool:
        """Whether a demand asks for one schema that has no alternatives."""
        if len(demand) != 1 or demand[0] & 1:
            return False
        node = self.nodes.all[demand[0] >> 1]
        assert node is not None
        return _PLAIN.issuperset(node.rules)

    def _inhabited(self, demand: Demand, bit: int) -> list[Any]:
        shapes = self.shapes(demand, bit)
        if len(shapes) == 1 and self.formulas.types(demand) == bit and self._surely_exist(demand):
            return shapes  # some value meets the demand, and it is no other
        return [shape for shape in shapes if self.cost(shape) < NEVER]

    def scalars_of(self, demand: Demand) -> Scalars:
        """The scalars of a demand."""
        known = self._scalars.get(demand)
        if known is None:
            known = self._scalars[demand] = self._make_scalars(demand)
        return known

    def _make_scalars(self, demand: Demand) -> Scalars:
        if not demand:
            return any_scalars(self.scalars.spelling)
        types = self.formulas.types(demand) & SCALARS
        if len(demand) == 1 and not demand[0] & 1:
            node = self.nodes.all[demand[0] >> 1]
            assert node is not None
            branches = self._branches(node, types)
            if branches is not None and len(branches) < 2:
                return self.scalars_of(branches[0]) if branches else NO_SCALARS
        return self.scalars.of(demand, types)

    def shapes(self, demand: Demand, bit: int) -> list[Any]:
        """The alternatives of a composite type, inhabited or not."""
        if not self.formulas.types(demand) & bit:
            return []
        known = self._shapes.get((demand, bit))
        if known is None:
            known = self._shapes[demand, bit] = self._make_shapes(demand, bit)
        return known

    def _make_shapes(self, demand: Demand, bit: int) -> list[Any]:
        if len(demand) == 1 and not demand[0] & 1:
            node = self.nodes.all[demand[0] >> 1]
            assert node is not None
            branches = self._branches(node, bit)
            if branches is not None:
                return [shape for branch in branches for shape in self.shapes(branch, bit)]
            if bit == OBJECT and _DEMANDING_OF_OBJECTS.isdisjoint(node.rules):
                record = plain_record(self.nodes, node)
                shape = None if record is None else ObjectShape(record, self, self.any_order)
                return self._only(demand, node, shape)
            if bit == ARRAY and _LOGIC_OF_ARRAYS.isdisjoint(node.rules):
                items = plain_array(self.nodes, node)
                return self._only(demand, node, None if items is None else ArrayShape(items, self))
        records = self.formulas.records(demand, bit)
        if bit == ARRAY:
            return [(RepeatingArray if record.repeat else ArrayShape)(record, self) for record in records]
        return [ObjectShape(record, self, self.any_order) for record in records]

    def _branches(self, node: Node, bits: int) -> list[Demand] | None:
        """The branches of `anyOf` or `oneOf` that values of these types can meet, where the node says nothing
        else and any of them will do; None where it is not as simple as that."""
        word, *others = node.rules
        if others or (word != "anyOf" and word != "oneOf"):
            return None
        found: dict[int, None] = {}
        for schema in node.rules[word]:
            literal = self.nodes.child(node, schema)
            if literal == FALSE:
                continue
            if literal == TRUE or literal in found:
                return None
            branch = self.nodes.all[literal >> 1]
            assert branch is not None
            if branch.types & bits:
                if not _NESTED_LOGIC.isdisjoint(branch.rules):
                    return None
                found[literal] = None
        branches = list(found)
        if len(branches) > MOST_ALTERNATIVES:
            return None
        if (
            word == "oneOf"
            and len(branches) > 1
            and not (bits == OBJECT and self.formulas.told_apart(branches))
        ):
            return None
        return [(literal,) for literal in branches]

    def _only(self, demand: Demand, node: Node, shape: Shape | None) -> list[Any]:
        """The only alternative of a demand. Its cost is known where that of the demand is."""
        if shape is None:
            return []
        if node.types in (ARRAY, OBJECT) and self._costs.get(demand, NEVER) < NEVER:
            self._costs[shape] = self._costs[demand] - 1
        return [shape]

    def exist(self, demand: Demand) -> bool:
        """Whether some value meets a demand; without its cost where that is told at sight."""
        known = self._costs.get(demand)
        if known is None:
            return self._surely_exist(demand) or self.cost(demand) < NEVER
        return known < NEVER

    def _surely_exist(self, demand: Demand) -> bool:
        if len(demand) != 1 or demand[0] & 1:
            return False
        node = self.nodes.all[demand[0] >> 1]
        assert node is not None
        return node.rules is not node.schema and surely_met(node.schema, node.context)

    def cost(self, key: Demand | Shape) -> int:
        """The cost of a demand or of an alternative; NEVER if nothing meets it."""
        known = self._costs.get(key)
        if known is not None:
            return known
        if self._visited is not None:
            return self._visit(key)
        try:
            while True:
                self._visited, self._found = {}, False
                cost = self._visit(key)
                if cost < NEVER:
                    return cost
                if not self._found:
                    self._costs.update(self._visited)
                    return NEVER
        finally:
            self._visited = None

    def _visit(self, key: Demand | Shape) -> int:
        visited = self._visited
        assert visited is not None
        if key in visited:
            return visited[key]
        visited[key] = NEVER
        cost = self._cheapest(key) if isinstance(key, tuple) else key.cost(self.cost)
        if cost < NEVER:
            cost += 1  # more than what it is made of
            visited[key] = self._costs[key] = cost
            self._found = True
        return cost

    def _cheapest(self, demand: Demand) -> int:
        types = self.formulas.types(demand)
        cost = self.scalars.cost(demand, types & SCALARS) if types & SCALARS else NEVER
        if cost < NEVER:
            return cost
        if len(demand) == 1 and not demand[0] & 1:
            cost = self._plain_cost(demand[0])
            if cost < NEVER:
                return cost
        for bit in (ARRAY, OBJECT):
            for shape in self.shapes(demand, bit) if types & bit else ():
                cost = min(cost, self.cost(shape))
        return cost

    def _plain_cost(self, literal: int) -> int:
        """The cost of a wanted node whose shortest array or object can be read off its keywords, else NEVER.

        It is the same number as by way of the shapes, without making them.
        """
        node = self.nodes.all[literal >> 1]
        assert node is not None
        rules = node.rules
        if node.types & ARRAY and _DEMANDING_OF_ARRAYS.isdisjoint(rules):
            return 3
        if not node.types & OBJECT or not _DEMANDING_OF_OBJECTS.isdisjoint(rules):
            return NEVER
        cost = 3
        properties = rules.get("properties", {})
        for name in dict.fromkeys(rules.get("required", ())):
            if not writable(name):
                return NEVER
            schema = properties.get(name, rules.get("additionalProperties", True))
            child = self.nodes.literal(schema, node.context)
            if child == FALSE:
                return NEVER
            demand = () if child == TRUE else (child,)
            cost += len(name) + 4 + (self._costs.get(demand) or self.cost(demand))
            if cost >= NEVER:
                return NEVER
        return cost

    def constant(self, value: Any) -> int:
        """The literal "equals this value"."""
        return self.nodes.synthetic({"const": value}, self.context)

    def same(self, values: list[Any]) -> int:
        """The literal "is one of these values", members of objects in any order."""
        return self.nodes.synthetic({"$same": values}, self.context)

    def short_text(self, demand: Demand) -> bytes | None:
        """A short JSON text that meets a demand, as a rule; None where none was found."""
        from .grammar import JsonSchemaGrammar  # the grammar is made of values

        grammar = JsonSchemaGrammar(self, demand, Layout("compact"), distinct_items=True)
        return shortest_document(grammar, grammar.start)

    def type_literal(self, bit: int) -> int:
        """The literal "is an array", or "is an object"."""
        return self.nodes.synthetic({"type": "array" if bit == ARRAY else "object"}, self.context)

    def location_of(self, literals: Collection[int]) -> str | None:
        """The JSON Pointer of a `contains` that says one of these literals; None: none says it as such."""
        members = {literal & ~1 for literal in literals}
        for schema, context, place in self._contains:
            literal = self.nodes.literal(schema, context)
            if literal > TRUE and (literal in members or self.nodes.canonical(literal) in members):
                return written(place)
        return None
