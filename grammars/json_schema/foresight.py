"""Whether something that cannot be done waits behind the states that are expanded when a schema is read.

Most of what is not supported is seen in the schema (`survey.py`). Not so the opposite of `uniqueItems` for
items of many values: only the demands tell whether it is asked for. So the demands behind a demand are
expanded in breadth, up to MOST_DEMANDS of them. That can take a second, so it is done only where a
`uniqueItems` stands below something whose opposite may be asked for: below `not`, `if`, a `contains` with a
maximum, a branch of `oneOf` that shares a type with another one, a property that a choice hangs on
(`pivots.py`). Limits that are exceeded on the way are left for who gets there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..errors import LimitExceededError
from .algebra import NEVER
from .keywords import ALL_TYPES, SHAPES
from .label_sets import labels_of
from .nodes import COMPOSITES, TRUE, Demand, Node, Nodes
from .pivots import is_small
from .references import Context
from .values import Values

MOST_DEMANDS = 60
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")


def may_ask_for_repeats(nodes: Nodes, choices: Iterable[tuple[Mapping[str, Any], Context]]) -> bool:
    """Whether the opposite of a `uniqueItems` may be asked for. choices: the schema objects with a keyword
    that chooses or negates."""
    waiting: list[int] = []
    for schema, context in choices:
        literal = nodes.literal(schema, context)
        if literal > TRUE:
            waiting.extend(_opposites(nodes, _node(nodes, literal)))
    seen = set()
    while waiting:
        literal = waiting.pop()
        if literal <= TRUE or literal in seen:
            continue
        seen.add(literal)
        node = _node(nodes, literal)
        if node.rules.get("uniqueItems"):
            return True
        for word in node.rules:
            waiting.extend(_members(nodes, node, word))
    return False


def _opposites(nodes: Nodes, node: Node) -> Iterator[int]:
    """The literals whose opposites the keywords of a node may ask for."""
    rules = node.rules
    for word in ("not", "if", "unevaluatedProperties", "unevaluatedItems"):
        yield from _members(nodes, node, word)
    if "maxContains" in rules:
        yield from _members(nodes, node, "contains")
    shared = met = 0
    one_of = _members(nodes, node, "oneOf")
    for literal in one_of:
        types = COMPOSITES & (ALL_TYPES if literal <= TRUE else _node(nodes, literal).types)
        shared |= met & types
        met |= types
    for literal in one_of:
        if literal > TRUE and _node(nodes, literal).types & shared:
            yield literal
    for word in ("anyOf", "oneOf", "if", "then", "else", "dependentSchemas"):
        for literal in _members(nodes, node, word):
            if literal > TRUE and is_small(_node(nodes, literal)):
                yield from _members(nodes, _node(nodes, literal), "properties")


def _members(nodes: Nodes, node: Node, word: str) -> list[int]:
    """The literals of the schemas that stand in a keyword of a node."""
    value = node.rules.get(word)
    if value is None:
        return []
    if word in _REFERENCES:
        return [nodes.target(node, word)]
    if word not in SHAPES:
        return []
    if isinstance(value, list):
        return [nodes.child(node, member) for member in value]
    if word in ("properties", "patternProperties", "dependentSchemas"):
        return [nodes.child(node, member) for member in value.values()]
    return [nodes.child(node, value)]


def _node(nodes: Nodes, literal: int) -> Node:
    node = nodes.all[literal >> 1]
    assert node is not None  # it is neither FALSE nor TRUE
    return node


def look_ahead(values: Values, demand: Demand) -> None:
    """Raises UnsupportedFeatureError if a demand behind this one asks for what cannot be done."""
    waiting = [demand]
    seen = {demand}
    for current in waiting:
        try:
            for following in _behind(values, current):
                if following not in seen and len(seen) < MOST_DEMANDS:
                    seen.add(following)
                    waiting.append(following)
        except LimitExceededError:
            continue


def _behind(values: Values, demand: Demand) -> Iterator[Demand]:
    """What the members of the values of a demand have to meet."""
    value = values.value(demand)
    for _, shape in value.objects:
        for label in labels_of(shape.usable(shape.all)):
            following = shape.demand(label)
            if following is not None:
                yield following
        yield from (kind.demand for kind in shape.others.by_label.values())
    for _, array in value.arrays:
        for place in range(array.special + 1):
            for following in array.joined_demands(place):
                if values.cost(following) < NEVER:
                    yield following
