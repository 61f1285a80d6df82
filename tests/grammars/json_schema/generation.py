"""Random schemas over a small world of names, patterns and values, and random instances of the same world.

In comes a generator of random numbers, out come schemas that use nearly every keyword, often in contradiction
with each other, and values that meet them now and then. A small world makes keywords meet.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import copy
from typing import Any

NAMES = ("a", "b", "c", "ab")
PATTERNS = ("^a", "b$", "c", "^.$", "^a?b?$")
SCALARS = (None, True, False, 0, 1, 2, -1, 1.5, 3, "", "a", "b", "ab", "abc", "x")
TYPES = ("string", "integer", "number", "object", "array", "boolean", "null")
SIMPLE = (True, False, {}, {"type": "string"}, {"type": "integer"}, {"const": 1}, {"type": "number"})
DEEPEST = 3


def random_value(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value."""
    kind = rng.random()
    if kind < 0.5 or depth > 1:
        return rng.choice(SCALARS)
    if kind < 0.75:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    names = rng.sample([*NAMES, "z"], rng.randrange(4))
    return {name: random_value(rng, depth + 1) for name in names}


def random_schema(rng: random.Random) -> Any:
    """A schema of 2020-12, at times with definitions that refer to each other."""
    definitions = ["d0", "d1"] if rng.random() < 0.4 else []
    schema = _schema(rng, 0, definitions)
    if definitions and isinstance(schema, dict):
        schema["$defs"] = {name: _schema(rng, 1, definitions) for name in definitions}
    return schema


def _schema(rng: random.Random, depth: int, definitions: list[str]) -> Any:
    if depth > DEEPEST or rng.random() < 0.08:
        return copy(rng.choice(SIMPLE))  # definitions may be added
    schema: dict[str, Any] = {}

    def below() -> Any:
        return _schema(rng, depth + 1, definitions)

    for _ in range(rng.choice([1, 1, 2, 2, 3, 4])):
        word = rng.choice(list(KEYWORDS))
        schema[word] = KEYWORDS[word](rng, below)
    if "if" in schema:
        schema.update({word: below() for word in ("then", "else") if rng.random() < 0.7})
    if "contains" in schema:
        schema.update(
            {word: rng.randrange(3) for word in ("minContains", "maxContains") if rng.random() < 0.4}
        )
    if definitions and rng.random() < 0.15:
        schema["$ref"] = "#/$defs/" + rng.choice(definitions)
    return schema


Make = Callable[[random.Random, Callable[[], Any]], Any]


def _types(rng: random.Random, below: Callable[[], Any]) -> Any:
    return rng.choice(TYPES) if rng.random() < 0.8 else rng.sample(TYPES, 2)


def _values(rng: random.Random, below: Callable[[], Any]) -> Any:
    return [random_value(rng) for _ in range(rng.randrange(1, 4))]


def _map(keys: tuple[str, ...]) -> Make:
    return lambda rng, below: {key: below() for key in rng.sample(keys, rng.randrange(1, 4))}


def _names(rng: random.Random, below: Callable[[], Any]) -> Any:
    return rng.sample(NAMES, rng.randrange(1, 3))


def _schemas(rng: random.Random, below: Callable[[], Any]) -> Any:
    return [below() for _ in range(rng.randrange(1, 4))]


def _dependent(rng: random.Random, below: Callable[[], Any]) -> Any:
    return {name: _names(rng, below) for name in _names(rng, below)}


def _one(rng: random.Random, below: Callable[[], Any]) -> Any:
    return below()


def _count(rng: random.Random, below: Callable[[], Any]) -> Any:
    return rng.randrange(4)


def _bound(rng: random.Random, below: Callable[[], Any]) -> Any:
    return rng.choice([0, 1, 2, -1, 1.5])


KEYWORDS: dict[str, Make] = {
    "type": _types,
    "enum": _values,
    "const": lambda rng, below: random_value(rng),
    "properties": _map(NAMES),
    "patternProperties": _map(PATTERNS),
    "dependentSchemas": _map(NAMES),
    "required": _names,
    "dependentRequired": _dependent,
    "pattern": lambda rng, below: rng.choice(PATTERNS),
    "multipleOf": lambda rng, below: rng.choice([1, 2, 0.5, 3]),
    **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), _schemas),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _bound),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _count),
    **dict.fromkeys(("minProperties", "maxProperties"), _count),
    **dict.fromkeys(("additionalProperties", "items", "not", "propertyNames", "contains", "if"), _one),
    **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), _one),
}
