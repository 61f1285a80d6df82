"""What each keyword says about objects and arrays, wanted and not wanted.

In comes a keyword of a node, out come atoms (`records.py`): a list of atoms that must all hold where the
keyword is wanted, a list of options, one of which must hold, where it is violated. The logical keywords are
in `formula.py`, scalars in `scalars.py`. This is the table of the automaton: one short function for each
keyword.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from ..expressions import UNLIMITED
from .at_sight import DeclaredNames
from .keywords import ARRAY, OBJECT
from .nodes import FALSE, TRUE, Node, Nodes
from .records import EVERY_KEY, ArrayRecord, Atom, ObjectRecord, Option, Rest, smaller

_SYNTAX = re.compile(r"[^A-Za-z0-9_ ]")  # what may have a meaning in a pattern, and all that is not ASCII

Wanted = Callable[[Nodes, Node, Any], "list[Atom]"]
Violated = Callable[[Nodes, Node, Any], "list[Option]"]


def _rest(node: Node) -> Rest:
    """The keys that `additionalProperties` of the node is about."""
    return Rest(frozenset(node.rules.get("properties", ())), tuple(node.rules.get("patternProperties", ())))


def _properties(nodes: Nodes, node: Node, value: Mapping[str, Any]) -> list[Atom]:
    return [("name", name, nodes.child(node, schema)) for name, schema in value.items()]


def _not_properties(nodes: Nodes, node: Node, value: Mapping[str, Any]) -> list[Option]:
    return [
        (("require", name), ("name", name, literal ^ 1))
        for name, schema in value.items()
        if (literal := nodes.child(node, schema)) != TRUE
    ]


def _pattern_properties(nodes: Nodes, node: Node, value: Mapping[str, Any]) -> list[Atom]:
    return [("all", pattern, nodes.child(node, schema)) for pattern, schema in value.items()]


def _not_pattern_properties(nodes: Nodes, node: Node, value: Mapping[str, Any]) -> list[Option]:
    return [
        (("some", pattern, TRUE, literal ^ 1),)
        for pattern, schema in value.items()
        if (literal := nodes.child(node, schema)) != TRUE
    ]


def _additional_properties(nodes: Nodes, node: Node, value: Any) -> list[Atom]:
    literal = nodes.child(node, value)
    return [] if literal == TRUE else [("all", _rest(node), literal)]


def _not_additional_properties(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    literal = nodes.child(node, value)
    return [] if literal == TRUE else [(("some", _rest(node), TRUE, literal ^ 1),)]


def _property_names(nodes: Nodes, node: Node, value: Any) -> list[Atom]:
    literal = nodes.child(node, value)
    return [("size", 0, 0)] if literal == FALSE else [] if literal == TRUE else [("keys", literal)]


def _not_property_names(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    literal = nodes.child(node, value)
    return [] if literal == TRUE else [(("some", EVERY_KEY, literal ^ 1, TRUE),)]


def _required(nodes: Nodes, node: Node, value: list[str]) -> list[Atom]:
    return [("require", name) for name in value]


def _not_required(nodes: Nodes, node: Node, value: list[str]) -> list[Option]:
    return [(("forbid", name),) for name in value]


def _dependent_required(nodes: Nodes, node: Node, value: Mapping[str, list[str]]) -> list[Atom]:
    return [("imply", name, tuple(needs)) for name, needs in value.items() if needs]


def _not_dependent_required(nodes: Nodes, node: Node, value: Mapping[str, list[str]]) -> list[Option]:
    return [(("require", name), ("forbid", need)) for name, needs in value.items() for need in needs]


def not_dependent_schemas(nodes: Nodes, node: Node, value: Mapping[str, Any]) -> list[Option]:
    """Violated `dependentSchemas`: a name is there, and its schema fails."""
    return [(("require", name), nodes.child(node, schema) ^ 1) for name, schema in value.items()]


def _at_least(kind: str) -> tuple[Wanted, Violated]:
    return (
        lambda nodes, node, value: [(kind, int(value), UNLIMITED)],
        lambda nodes, node, value: [((kind, 0, int(value) - 1),)] if value > 0 else [],
    )


def _at_most(kind: str) -> tuple[Wanted, Violated]:
    return (
        lambda nodes, node, value: [(kind, 0, int(value))],
        lambda nodes, node, value: [((kind, int(value) + 1, UNLIMITED),)],
    )


def _prefix_items(nodes: Nodes, node: Node, value: list[Any]) -> list[Atom]:
    return [("at", index, nodes.child(node, schema)) for index, schema in enumerate(value)]


def _not_prefix_items(nodes: Nodes, node: Node, value: list[Any]) -> list[Option]:
    return [
        (("length", index + 1, UNLIMITED), ("at", index, literal ^ 1))
        for index, schema in enumerate(value)
        if (literal := nodes.child(node, schema)) != TRUE
    ]


def _items(nodes: Nodes, node: Node, value: Any) -> list[Atom]:
    return [("from", len(node.rules.get("prefixItems", ())), nodes.child(node, value))]


def _not_items(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    start, literal = len(node.rules.get("prefixItems", ())), nodes.child(node, value)
    return [] if literal == TRUE else [(("count", start, literal ^ 1, 1, UNLIMITED),)]


def _contains_bounds(node: Node) -> tuple[int, int]:
    most = node.rules.get("maxContains")
    return int(node.rules.get("minContains", 1)), UNLIMITED if most is None else int(most)


def _contains(nodes: Nodes, node: Node, value: Any) -> list[Atom]:
    return [("count", 0, nodes.child(node, value), *_contains_bounds(node))]


def _not_contains(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    (least, most), literal = _contains_bounds(node), nodes.child(node, value)
    options: list[Option] = [(("count", 0, literal, 0, least - 1),)] if least else []
    if most != UNLIMITED:
        options.append((("count", 0, literal, most + 1, UNLIMITED),))
    return options


def _unique(nodes: Nodes, node: Node, value: bool) -> list[Atom]:
    return [("unique",)] if value else []


def _not_unique(nodes: Nodes, node: Node, value: bool) -> list[Option]:
    return [(("repeat",),)] if value else []


OBJECT_RULES: dict[str, tuple[Wanted, Violated]] = {
    "properties": (_properties, _not_properties),
    "patternProperties": (_pattern_properties, _not_pattern_properties),
    "additionalProperties": (_additional_properties, _not_additional_properties),
    "propertyNames": (_property_names, _not_property_names),
    "required": (_required, _not_required),
    "dependentRequired": (_dependent_required, _not_dependent_required),
    "minProperties": _at_least("size"),
    "maxProperties": _at_most("size"),
}
ARRAY_RULES: dict[str, tuple[Wanted, Violated]] = {
    "prefixItems": (_prefix_items, _not_prefix_items),
    "items": (_items, _not_items),
    "contains": (_contains, _not_contains),
    "uniqueItems": (_unique, _not_unique),
    "minItems": _at_least("length"),
    "maxItems": _at_most("length"),
}
RULES = {OBJECT: OBJECT_RULES, ARRAY: ARRAY_RULES}


def plain_record(nodes: Nodes, node: Node) -> ObjectRecord | None:
    """The record of a wanted node that says no more of objects than `properties`, `required` and
    `additionalProperties`, made without atoms, and without a look at the values of most names; None: it
    contradicts itself."""
    rules = node.rules
    record = ObjectRecord()
    record.names = names = DeclaredNames(nodes, node)
    record.required = dict.fromkeys(rules.get("required", ()))
    record.forbidden = dict.fromkeys(names.forbidden)
    schemas = names.schemas
    for name in record.required:
        schema = schemas.get(name, True)
        if schema is False:
            return None
        # Only what consists of one other schema may come to the same.
        if schema is not True and ("$ref" in schema or "allOf" in schema) and names[name] == (FALSE,):
            return None
    if "additionalProperties" in rules:
        literal = nodes.child(node, rules["additionalProperties"])
        if literal != TRUE:
            record.alls[_rest(node), literal] = None
    return record


def plain_array(nodes: Nodes, node: Node) -> ArrayRecord | None:
    """The record of a wanted node without logical keywords; None: it contradicts itself."""
    record = ArrayRecord()
    rules = node.rules
    if "contains" not in rules and "prefixItems" not in rules:
        if "items" in rules:
            literal = nodes.child(node, rules["items"])
            if literal == FALSE:
                record.most = 0
            elif literal != TRUE:
                record.tails[0, literal] = None
        if "maxItems" in rules:
            record.most = smaller(record.most, int(rules["maxItems"]))
        record.least = int(rules.get("minItems", 0))
        record.unique = rules.get("uniqueItems", False)
        return record if record.most == UNLIMITED or record.least <= record.most else None
    for word, value in rules.items():
        rule = ARRAY_RULES.get(word)
        if rule is not None and not all(map(record.add, rule[0](nodes, node, value))):  # type: ignore[arg-type]
            return None
    return record


def equal_to(nodes: Nodes, node: Node, value: Any) -> Option:
    """The composite value is exactly `value`."""
    if isinstance(value, Mapping):
        atoms: list[Atom] = [("all", Rest(frozenset(value)), FALSE)]
        for name, member in value.items():
            atoms += [("require", name), ("name", name, nodes.synthetic({"const": member}, node.context))]
        return tuple(atoms)
    items = [
        ("at", index, nodes.synthetic({"const": item}, node.context)) for index, item in enumerate(value)
    ]
    return (("length", len(value), len(value)), *items)


def same_as(nodes: Nodes, node: Node, value: Any) -> Option:
    """The same, but members that are not declared elsewhere come in any order: nothing names them."""
    if isinstance(value, Mapping):
        patterns = tuple(f"^{_SYNTAX.sub(_escape, name)}$" for name in value)
        atoms: list[Atom] = [("size", len(value), len(value)), ("all", Rest(frozenset(), patterns), FALSE)]
        for pattern, member in zip(patterns, value.values(), strict=True):
            atoms.append(("all", pattern, nodes.synthetic({"$same": [member]}, node.context)))
        return tuple(atoms)
    items = [
        ("at", index, nodes.synthetic({"$same": [item]}, node.context)) for index, item in enumerate(value)
    ]
    return (("length", len(value), len(value)), *items)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{{{ord(match[0]):x}}}"


def different_from(nodes: Nodes, node: Node, value: Any) -> list[Option]:
    """The composite value differs from `value`: the options."""
    options: list[Option] = []
    if isinstance(value, Mapping):
        for name, member in value.items():
            literal = nodes.synthetic({"const": member}, node.context) ^ 1
            options += [(("forbid", name),), (("require", name), ("name", name, literal))]
        return [*options, (("some", Rest(frozenset(value)), TRUE, TRUE),)]
    if value:
        options.append((("length", 0, len(value) - 1),))
    for index, item in enumerate(value):
        literal = nodes.synthetic({"const": item}, node.context) ^ 1
        options.append((("length", index + 1, UNLIMITED), ("at", index, literal)))
    return [*options, (("length", len(value) + 1, UNLIMITED),)]
