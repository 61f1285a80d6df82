"""Nodes and literals: the alphabet in which the states of the automaton are written.

A *node* is one schema object in its context (base URI, draft); its rules are in the common form of
`keywords.py`. A *literal* is a node wanted or not wanted, as an integer: 2 * index, plus 1 if it is not
wanted; FALSE and TRUE are 0 and 1. A *demand* is what a value has to meet: a sorted tuple of literals, all of
which must hold; the empty one allows every value. Demands are dictionary keys all over, so equal ones should
be equal tuples: where several literals meet, each node is replaced by the first node with the same content,
so that the same sub-schema written twice is one literal. (A demand of one literal skips this; it cannot
contradict itself.) Chains of `$ref` and `allOf` of one are skipped.

Nodes are made when they are first asked for; making one costs a few microseconds and does not touch its
sub-schemas.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias

from ..errors import GrammarSyntaxError, LimitExceededError
from .json_data import fraction
from .keywords import (
    ALL_TYPES,
    ARRAY,
    BOOLEAN,
    DRAFT_4,
    NULL,
    NUMBER,
    OBJECT,
    SHAPES,
    STRING,
    TYPES,
    Rules,
    bare_type,
    rules_of,
)
from .references import Context

FALSE, TRUE = 0, 1
BARE_TYPES = {"null": 2, "boolean": 4, "number": 6, "integer": 8, "string": 10, "array": 12, "object": 14}
"""The literals of the schemas that say one type and no more: the same in every grammar."""

Demand: TypeAlias = "tuple[int, ...]"

_DEEPEST_CONTENT = 40  # levels of sub-schemas that are compared by content
_LONGEST_CHAIN = 1000  # `$ref`s that lead to nothing but another `$ref`


class Node:
    """One schema object in its context.

    rules: its assertions in the common form. types: the types that `type`, `enum` and `const` leave (a bit
    set). integer: whether numbers must be integers by `type`; only_integer is True as well where `type` has
    no "number".
    """

    __slots__ = ("content", "context", "index", "only_integer", "rules", "schema", "types")

    def __init__(self, index: int, schema: Mapping[str, Any], context: Context, rules: Rules) -> None:
        self.index = index
        self.schema = schema  # keeps the object alive: nodes are found by its identity
        self.context = context
        self.rules = rules
        self.content: Node | None = None
        self.types, self.only_integer = _types(rules)


def _types(rules: Rules) -> tuple[int, bool]:
    types, only_integer = ALL_TYPES, False
    if "type" in rules:
        names = rules["type"]
        if isinstance(names, str):
            types, only_integer = TYPES[names], names == "integer"
        else:
            types = 0
            for name in names:
                types |= TYPES[name]
            only_integer = "integer" in names and "number" not in names
    for word in ("enum", "const", "$same"):
        if word in rules:
            found = 0
            for value in (rules["const"],) if word == "const" else rules[word]:
                found |= type_of(value)
            types &= found
    return types, only_integer


def type_of(value: object) -> int:
    """The bit of the type of a JSON value."""
    if isinstance(value, str):
        return STRING
    if value is None:
        return NULL
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, (int, float, Decimal, Fraction)):
        return NUMBER
    return OBJECT if isinstance(value, Mapping) else ARRAY


def value_key(value: object) -> object:
    """A hashable stand-in for a JSON value, equal for equal values (1 and 1.0 are, 1 and true are not)."""
    if isinstance(value, (str, type(None))):
        return value
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, float, Decimal, Fraction)):
        return fraction(value)
    if isinstance(value, Mapping):
        return ("object", frozenset((name, value_key(member)) for name, member in value.items()))
    return ("array", tuple(value_key(member) for member in value))  # type: ignore[attr-defined]


class Nodes:
    """All nodes of one grammar, by index.

    dropped: (id of a schema object, keyword) of what is not to be enforced. ignores: whether there is any.
    """

    def __init__(self, dropped: Collection[tuple[int, str]] = ()) -> None:
        self._dropped = dropped
        self.ignores = bool(dropped)
        # Index 0 is the schema `false`, then come the bare types that occur.
        self.all: list[Node | None] = [None] * (len(BARE_TYPES) + 1)
        self._by_identity: dict[tuple[int, int], int] = {}
        self._by_content: dict[object, Node] = {}

    def literal(self, schema: object, context: Context) -> int:
        """The literal "this schema is wanted"; `literal ^ 1` is its opposite."""
        followed: list[tuple[int, int]] = []
        while len(followed) < _LONGEST_CHAIN:
            known = self._by_identity.get((id(schema), context.index))
            if known is not None:
                return known
            if schema is True:
                return TRUE
            if schema is False:
                return FALSE
            first_schema, first_context = schema, context
            kind = bare_type(schema, context.draft)  # type: ignore[arg-type]
            if kind is not None and not self._dropped:
                return self._bare_type(kind, schema, context)  # type: ignore[arg-type]
            if "$id" in schema or "id" in schema:  # type: ignore[operator]
                context = context.enter(schema)  # type: ignore[arg-type]
            rules = rules_of(schema, context.draft)  # type: ignore[arg-type]
            if self._dropped:
                rules = {word: v for word, v in rules.items() if (id(schema), word) not in self._dropped}
            if not rules:
                return TRUE
            if len(rules) == 1 and type(rules.get("type")) is str:
                found = self._bare_type(rules["type"], schema, context)  # type: ignore[arg-type]
                self._by_identity[id(first_schema), first_context.index] = found
                return found
            if len(rules) > 1 or ("$ref" not in rules and "allOf" not in rules):
                break
            followed.append((id(schema), context.index))
            if "$ref" in rules:
                schema, context = context.resolve(rules["$ref"])
            elif len(rules["allOf"]) == 1:
                schema = rules["allOf"][0]
            else:
                break
        else:
            if len(set(followed)) == _LONGEST_CHAIN:
                raise LimitExceededError(
                    "`$ref`s that lead to nothing but another", given="more", limit=_LONGEST_CHAIN
                )
            raise GrammarSyntaxError("the reference leads back to itself", got=rules.get("$ref", ...))
        node = Node(len(self.all), schema, context, rules)  # type: ignore[arg-type]
        self.all.append(node)
        self._by_identity[id(first_schema), first_context.index] = node.index * 2
        return node.index * 2

    def _bare_type(self, kind: str, schema: Mapping[str, Any], context: Context) -> int:
        """The literal of a schema that says a type and no more: the same wherever it means the same."""
        literal = BARE_TYPES[kind]
        known = self.all[literal >> 1]
        if known is None:
            self.all[literal >> 1] = Node(literal >> 1, schema, context, {"type": kind})
        elif kind == "integer" and (known.context.draft == DRAFT_4) != (context.draft == DRAFT_4):
            literal = len(self.all) * 2  # documents of several drafts: 1.0 is no integer in draft 4
            self.all.append(Node(literal >> 1, schema, context, {"type": kind}))
        self._by_identity[id(schema), context.index] = literal
        return literal

    def child(self, node: Node, schema: object) -> int:
        """The literal of a sub-schema."""
        return self.literal(schema, node.context)

    def target(self, node: Node, word: str) -> int:
        """The literal that a reference of a node means."""
        reference = node.rules[word]
        if word == "$ref":
            return self.literal(*node.context.resolve(reference))
        return self.literal(*node.context.resolve_dynamically(reference, word))

    def synthetic(self, rules: Rules, context: Context) -> int:
        """The literal of rules that stand in no schema, such as one member of a composite `const`."""
        node = Node(len(self.all), rules, context, rules)
        key = self._content(node, 0)
        if key in self._by_content:
            return self._by_content[key].index * 2
        self.all.append(node)
        self._by_content[key] = node.content = node
        return node.index * 2

    def demand(self, literals: Iterable[int]) -> Demand | None:
        """The literals as a demand; None if they contradict each other at sight."""
        members = set(literals)
        members.discard(TRUE)
        if FALSE in members:
            return None
        if len(members) > 1:
            members = {self.canonical(literal) for literal in members}
            if any(literal ^ 1 in members for literal in members):
                return None
        return tuple(sorted(members))

    def canonical(self, literal: int) -> int:
        """The literal of the first node with the same content; not for FALSE and TRUE."""
        node = self.all[literal >> 1]
        assert node is not None  # FALSE and TRUE are gone
        if node.content is None:
            node.content = self._by_content.setdefault(self._content(node, 0), node)
        return node.content.index * 2 | literal & 1

    def _content(self, node: Node, depth: int) -> object:
        if depth > _DEEPEST_CONTENT:
            return node.index
        parts: list[object] = [node.context.index]
        for word, value in sorted(node.rules.items()):
            shape = SHAPES.get(word)
            if word == "properties":  # their order says in which order to write them
                parts.append((word, tuple((name, self._key(node, s, depth)) for name, s in value.items())))
            elif shape is None:
                parts.append((word, value_key(value)))
            elif isinstance(value, Mapping) and word in ("patternProperties", "dependentSchemas"):
                parts.append(
                    (word, frozenset((name, self._key(node, s, depth)) for name, s in value.items()))
                )
            elif isinstance(value, list):
                parts.append((word, tuple(self._key(node, member, depth) for member in value)))
            else:
                parts.append((word, self._key(node, value, depth)))
        return tuple(parts)

    def _key(self, node: Node, schema: object, depth: int) -> object:
        """What stands for a sub-schema in the content of a node: the index of its own canonical node."""
        literal = self.child(node, schema)
        if literal <= TRUE:
            return literal
        below = self.all[literal >> 1]
        assert below is not None
        if below.content is None:
            below.content = self._by_content.setdefault(self._content(below, depth + 1), below)
        return below.content.index * 2


SCALARS = NULL | BOOLEAN | NUMBER | STRING
COMPOSITES = ARRAY | OBJECT
