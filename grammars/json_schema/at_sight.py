"""Schemas that some value meets, told at sight.

In comes a schema as written, out comes whether it is plain that something meets it: a type alone, a listed
string, one bound, an array or object that may be empty. So the names of an object can be offered before
anything is known of their values (0.4 us for each, not 5): a document has but some of them. False says
nothing; then the cost of a demand decides (`values.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ..grammar import LiteralTable
from .keywords import KEYWORDS, TYPES
from .label_sets import labels_of
from .nodes import TRUE, Node, Nodes

# Keywords beside `type` that leave some value of the type, in sets of which any part may be there.
_HARMLESS = {
    "string": ({"minLength"}, {"maxLength"}),
    "number": ({"minimum"}, {"maximum"}),
    "integer": ({"minimum"}, {"maximum"}),
    "array": ({"items", "maxItems", "uniqueItems"},),
    "object": ({"properties", "additionalProperties"},),
}
_SURE: dict[str, tuple[frozenset[str], ...]] = {
    kind: tuple(frozenset({"type", *words}) for words in _HARMLESS.get(kind, ((),))) for kind in TYPES
}
_LISTED = frozenset(("type", "enum"))
_OBJECT = frozenset(("type", "properties", "additionalProperties", "required"))
_DEEPEST = 3  # levels of required members that are looked at


def surely_met(schema: Any, draft: int, depth: int = _DEEPEST) -> bool:
    """Whether it is plain that some value meets a schema that is well-formed."""
    if type(schema) is not dict:
        return schema is True
    if len(schema) == 1 and type(schema.get("type")) is str:
        return True
    words = KEYWORDS[draft].intersection(schema)
    if not words:
        return "$id" not in schema and "id" not in schema  # which may lead to another draft
    if "$id" in schema or "id" in schema:
        return False
    kind = schema.get("type")
    if "enum" in words:
        listed = schema["enum"]
        is_text = bool(listed) and type(listed[0]) is str and listed[0].isascii()
        return is_text and words <= _LISTED and (kind is None or kind == "string")
    if type(kind) is not str:
        return kind is not None and len(words) == 1
    for harmless in _SURE[kind]:
        if words <= harmless:
            return True
    if kind != "object" or not words <= _OBJECT or not depth:
        return False
    members = schema.get("properties", {})
    for name in schema["required"]:
        if name not in members or not name.isascii() or not surely_met(members[name], draft, depth - 1):
            return False
    return True


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
    def forbidden(self) -> list[str]:
        """The names that are forbidden at sight."""
        return [name for name, schema in self.schemas.items() if schema is False]

    def unsure(self, table: LiteralTable, names: int) -> list[int]:
        """Of some names of a table (a bit set of labels), those of which it is not plain that some value meets
        what they ask for."""
        draft, schemas = self._node.context.draft, self.schemas
        literals = table.literals
        labels = range(len(literals)) if names == (1 << len(literals)) - 1 else labels_of(names)
        return [
            label
            for label in labels
            if literals[label] not in schemas or not surely_met(schemas[literals[label]], draft)
        ]
