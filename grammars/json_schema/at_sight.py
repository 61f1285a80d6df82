"""Schemas that some value meets, told at sight.

In comes a schema as written, out comes whether it is plain that something meets it: a type alone, a listed
string, bounds with an integer between them, an array or object that may be empty. So the names of an object
can be offered before anything is known of their values (0.4 us for each, not 5): a document has but some of
them. False says nothing; then the cost of a demand decides (`values.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil, floor, isfinite
from typing import Any

from ..errors import GrammarError
from ..expressions import EMPTY
from ..grammar import LiteralTable
from .keywords import DRAFT_7, KEYWORDS, TYPES
from .label_sets import labels_of
from .nodes import TRUE, Node, Nodes
from .references import Context
from .string_sets import pattern_language

# Keywords beside `type` that leave some value of the type, in sets of which any part may be there.
_HARMLESS = {
    "string": ({"minLength"}, {"maxLength"}, {"format"}),
    "number": ({"minimum"}, {"maximum"}),
    "integer": ({"minimum"}, {"maximum"}),
    "array": ({"items", "maxItems", "uniqueItems", "additionalItems"},),
    "object": ({"properties", "additionalProperties", "patternProperties"},),
}
_SURE: dict[str, tuple[frozenset[str], ...]] = {
    kind: tuple(frozenset({"type", *words}) for words in _HARMLESS.get(kind, ((),))) for kind in TYPES
}
_IN_SOME_DRAFT = frozenset().union(*KEYWORDS.values())
# What null and the Booleans may have to meet.
_FOR_ALL_TYPES = frozenset(
    (
        *("type", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if"),
        *("$ref", "$dynamicRef", "$recursiveRef"),
    )
)
_LISTED = frozenset(("type", "enum"))
_CONSTANT = frozenset(("type", "const"))
_PATTERN = frozenset(("type", "pattern"))
_LENGTHS = frozenset(("type", "minLength", "maxLength"))
_BOUNDS = frozenset(("type", "minimum", "maximum"))
_ARRAY = frozenset(("type", "items", "minItems", "maxItems"))
_OBJECT = frozenset(("type", "properties", "additionalProperties", "required"))
_DEEPEST = 3  # levels of required members, references and branches that are looked at


def surely_met(schema: Any, context: Context, depth: int = _DEEPEST) -> bool:
    """Whether it is plain that some value meets a schema that is well-formed."""
    if type(schema) is not dict:
        return schema is True
    kind = schema.get("type")
    if len(schema) == 1 and type(kind) is str:
        return True
    if ("$id" in schema or "id" in schema) and context.enter(schema) is not context:
        # Which may lead to another draft.
        words = _IN_SOME_DRAFT.intersection(schema)
        return not words or (type(kind) is str and any(words <= harmless for harmless in _SURE[kind]))
    words = KEYWORDS[context.draft].intersection(schema)
    if "$ref" in words:
        if not depth or (len(words) > 1 and context.draft > DRAFT_7):
            return False
        return surely_met(*context.resolve(schema["$ref"]), depth - 1)
    if "enum" in words:
        return words <= _LISTED and bool(schema["enum"]) and _is_plainly_of(schema["enum"][0], kind)
    if "const" in words:
        return words <= _CONSTANT and _is_plainly_of(schema["const"], kind)
    if type(kind) is str:
        for harmless in _SURE[kind]:
            if words <= harmless:
                return True
        more = _MORE.get(kind)
        return more is not None and more(schema, words, context, depth)
    if kind is None:
        if words.isdisjoint(_FOR_ALL_TYPES):
            return True
        if len(words) > 1 or "anyOf" not in words or not depth:
            return False
        return any(surely_met(branch, context, depth - 1) for branch in schema["anyOf"])
    if len(words) == 1:
        return True
    return ("null" in kind or "boolean" in kind) and len(_FOR_ALL_TYPES & words) == 1


def _is_plainly_of(value: Any, kind: Any) -> bool:
    if type(value) is str:
        return value.isascii() and (kind is None or kind == "string")
    return type(value) is int and (kind is None or kind == "integer" or kind == "number")


def _some_string(schema: dict[str, Any], words: frozenset[str], context: Context, depth: int) -> bool:
    if words <= _LENGTHS:
        return bool(schema["minLength"] <= schema["maxLength"])
    if not words <= _PATTERN:
        return False
    try:
        language = pattern_language(schema["pattern"])
    except GrammarError:
        return False
    return language.regular and language is not EMPTY


def _some_number(schema: dict[str, Any], words: frozenset[str], context: Context, depth: int) -> bool:
    """An integer within the bounds."""
    if not words <= _BOUNDS:
        return False
    least, most = schema["minimum"], schema["maximum"]
    if type(least) not in (int, float) or type(most) not in (int, float):
        return False
    return isfinite(least) and isfinite(most) and ceil(least) <= floor(most)


def _some_array(schema: dict[str, Any], words: frozenset[str], context: Context, depth: int) -> bool:
    """An array of items that are met at sight."""
    if not words <= _ARRAY:
        return False
    least, most, items = schema["minItems"], schema.get("maxItems"), schema.get("items", True)
    if most is not None and most < least:
        return False
    return least == 0 or (depth > 0 and surely_met(items, context, depth - 1))


def _some_object(schema: dict[str, Any], words: frozenset[str], context: Context, depth: int) -> bool:
    """An object whose required members are met at sight."""
    if not words <= _OBJECT or not depth:
        return False
    members = schema.get("properties", {})
    for name in schema["required"]:
        if not name.isascii():
            return False
        if name not in members:
            if "additionalProperties" in words:
                return False
        elif not surely_met(members[name], context, depth - 1):
            return False
    return True


_MORE = {
    "string": _some_string,
    "number": _some_number,
    "integer": _some_number,
    "array": _some_array,
    "object": _some_object,
}


class DeclaredNames(Mapping[str, "tuple[int, ...]"]):
    """What `properties` of a node says: name -> the literals of its value, each made when first asked for."""

    def __init__(self, nodes: Nodes, node: Node) -> None:
        self._nodes, self._node = nodes, node
        self.schemas: Mapping[str, Any] = node.rules.get("properties", {})
        self._literals: dict[str, tuple[int, ...]] = {}

    def __getitem__(self, name: str) -> tuple[int, ...]:
        found = self._literals.get(name)
        if found is None:
            literal = self._nodes.child(self._node, self.schemas[name])
            found = self._literals[name] = () if literal == TRUE else (literal,)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.schemas)

    def __len__(self) -> int:
        return len(self.schemas)

    def __contains__(self, name: object) -> bool:
        return name in self.schemas

    @property
    def context(self) -> Context:
        """That of the schemas."""
        return self._node.context

    @property
    def forbidden(self) -> list[str]:
        """The names that are forbidden at sight."""
        return [name for name, schema in self.schemas.items() if schema is False]

    def unsure(self, table: LiteralTable, names: int) -> list[int]:
        """Of some names of a table (a bit set of labels), those of which it is not plain that some value
        meets what they ask for."""
        context, schemas = self._node.context, self.schemas
        literals = table.literals
        labels = range(len(literals)) if names == (1 << len(literals)) - 1 else labels_of(names)
        return [
            label
            for label in labels
            if literals[label] not in schemas or not surely_met(schemas[literals[label]], context)
        ]
