"""Random schemas in which every keyword meets every other, and documents near them.

In: a generator of random numbers. Out: schemas of draft 2020-12 over a small alphabet of names, patterns and
values, and for each schema documents that meet it or nearly do: they are made by following its keywords, then
damaged. A small alphabet makes keywords meet; the depth is bounded, references make it recursive.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

NAMES = ("a", "b", "c", "ab", "ba")
UNLISTED = ("z", "aa", "", "bab")
PATTERNS = ("^a", "b$", "c", "^.$", "^a?b?$", "^[^a]*$", "a{2}", "^(ab|ba)$")
NUMBERS = (0, 1, 2, 3, 4, 6, -1, -2, 0.5, 1.5, 2.0, 1e1, -0.25)
TEXTS = ("", "a", "b", "ab", "ba", "abc", "aab", "x", "\u00e9", "\U0001f600a", "1", "2024-02-29", "127.0.0.1")
SCALARS: tuple[Any, ...] = (None, True, False, *NUMBERS, *TEXTS)
TYPES = ("string", "integer", "number", "object", "array", "boolean", "null")
SIMPLE: tuple[Any, ...] = (
    True,
    False,
    {},
    *({"type": name} for name in TYPES),
    {"const": 1},
    {"enum": ["a", 0]},
)
DEEPEST = 3
DEFINITIONS = ("one", "two")

Below = Callable[[], Any]
Make = Callable[[random.Random, Below], Any]


def random_schema(rng: random.Random, without: frozenset[str] = frozenset()) -> dict[str, Any]:
    """A schema of 2020-12, at times with definitions that refer to each other; `without`: keywords that it
    does not use."""
    refers = rng.random() < 0.4
    words = [word for word in _KEYWORDS if word not in without]
    while True:
        schema = dict(_schema(rng, 0, refers, words))
        if refers:
            schema["$defs"] = {name: _schema(rng, 1, refers, words) for name in DEFINITIONS}
        if not refers_in_place(schema):
            return schema


def refers_in_place(schema: Any) -> bool:
    """Whether following references and in-place applicators leads back to the same place: what such a schema
    means is left open by the standard (2020-12 core, 9.4.1)."""
    definitions = schema.get("$defs", {}) if isinstance(schema, dict) else {}
    steps = {name: _references_in_place(member) for name, member in definitions.items()}
    for start in steps:
        reached, waiting = set[str](), list(steps[start])
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting.extend(steps.get(name, ()))
        if start in reached:
            return True
    return False


def _references_in_place(schema: Any) -> set[str]:
    if not isinstance(schema, dict):
        return set()
    found = {schema["$ref"].rpartition("/")[2]} if isinstance(schema.get("$ref"), str) else set()
    inner = [schema[word] for word in ("not", "if", "then", "else") if word in schema]
    for word in ("allOf", "anyOf", "oneOf"):
        inner += schema.get(word, ())
    inner += schema.get("dependentSchemas", {}).values()
    return found.union(*map(_references_in_place, inner))


def _schema(rng: random.Random, depth: int, refers: bool, words: list[str]) -> Any:
    if depth > DEEPEST or rng.random() < 0.05 * depth:
        return rng.choice(SIMPLE)
    schema: dict[str, Any] = {}

    def below() -> Any:
        return _schema(rng, depth + 1, refers, words)

    for _ in range(rng.choice((1, 1, 2, 2, 3, 4) if depth else (2, 3, 3, 4, 5))):
        word = rng.choice(words)
        schema[word] = _KEYWORDS[word](rng, below)
    if "if" in schema:
        schema.update({word: below() for word in ("then", "else") if rng.random() < 0.7})
    if "contains" in schema:
        schema.update(
            {word: rng.randrange(3) for word in ("minContains", "maxContains") if rng.random() < 0.4}
        )
    if refers and rng.random() < 0.2:
        schema["$ref"] = "#/$defs/" + rng.choice(DEFINITIONS)
    return schema


def _map(keys: tuple[str, ...]) -> Make:
    return lambda rng, below: {key: below() for key in rng.sample(keys, rng.choice((1, 2, 2, 3)))}


def _names(rng: random.Random, below: Below) -> list[str]:
    return rng.sample(NAMES, rng.choice((1, 1, 2)))


def _schemas(rng: random.Random, below: Below) -> list[Any]:
    return [below() for _ in range(rng.choice((1, 2, 2, 3)))]


def _one(rng: random.Random, below: Below) -> Any:
    return below()


def _count(rng: random.Random, below: Below) -> int:
    return rng.randrange(4)


def _number(rng: random.Random, below: Below) -> Any:
    return rng.choice(NUMBERS)


_KEYWORDS: dict[str, Make] = {
    "type": lambda rng, below: rng.choice(TYPES) if rng.random() < 0.7 else rng.sample(TYPES, 3),
    "enum": lambda rng, below: [random_value(rng) for _ in range(rng.choice((1, 2, 4)))],
    "const": lambda rng, below: random_value(rng),
    "properties": _map(NAMES),
    "patternProperties": _map(PATTERNS),
    "dependentSchemas": _map(NAMES),
    "required": _names,
    "dependentRequired": lambda rng, below: {name: _names(rng, below) for name in _names(rng, below)},
    "pattern": lambda rng, below: rng.choice(PATTERNS),
    "multipleOf": lambda rng, below: rng.choice((1, 2, 0.5, 3, 1.5, 0.25)),
    "uniqueItems": lambda rng, below: rng.random() < 0.8,
    **dict.fromkeys(("prefixItems", "allOf", "anyOf", "oneOf"), _schemas),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), _number),
    **dict.fromkeys(("minItems", "maxItems", "minLength", "maxLength"), _count),
    **dict.fromkeys(("minProperties", "maxProperties"), _count),
    **dict.fromkeys(("additionalProperties", "items", "not", "propertyNames", "contains", "if"), _one),
    **dict.fromkeys(("unevaluatedProperties", "unevaluatedItems"), _one),
}


def random_value(rng: random.Random, depth: int = 0) -> Any:
    """A JSON value of the same alphabet."""
    kind = rng.random()
    if kind < 0.5 or depth > 1:
        return rng.choice(SCALARS)
    if kind < 0.75:
        return [random_value(rng, depth + 1) for _ in range(rng.randrange(4))]
    return {name: random_value(rng, depth + 1) for name in rng.sample((*NAMES, *UNLISTED), rng.randrange(4))}


# Documents near a schema.


def near(rng: random.Random, schema: Any, root: dict[str, Any], depth: int = 0) -> Any:
    """A value that does what some of the keywords ask; whether it meets them all is left to chance."""
    if not isinstance(schema, dict) or depth > 6 or rng.random() < 0.08:
        return random_value(rng, min(depth, 2))
    inner = [word for word in ("allOf", "anyOf", "oneOf", "if", "then", "else", "$ref") if word in schema]
    if inner and rng.random() < 0.5:
        return _near_inner(rng, schema, rng.choice(inner), root, depth)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return rng.choice(schema["enum"])
    kind = _kind(rng, schema)
    if kind == "object":
        return _near_object(rng, schema, root, depth)
    if kind == "array":
        return _near_array(rng, schema, root, depth)
    return rng.choice([value for value in SCALARS if _TYPE_OF[type(value)] == kind])


_TYPE_OF = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}
_ABOUT = {
    **dict.fromkeys(("propert", "Propert", "required", "Required", "Schemas"), "object"),
    **dict.fromkeys(("tems", "ontains"), "array"),
    **dict.fromkeys(("Length", "pattern"), "string"),
    **dict.fromkeys(("imum", "multiple"), "number"),
}  # part of a keyword -> the type that it is about


def _kind(rng: random.Random, schema: dict[str, Any]) -> str:
    types = schema.get("type")
    if types is None or rng.random() < 0.05:
        types = [kind for part, kind in _ABOUT.items() if any(part in word for word in schema)] or TYPES
    kind = types if isinstance(types, str) else rng.choice(types)
    return "number" if kind == "integer" else str(kind)


def _near_inner(
    rng: random.Random, schema: dict[str, Any], word: str, root: dict[str, Any], depth: int
) -> Any:
    value = schema[word]
    if word == "$ref":
        value = root.get("$defs", {}).get(value.rpartition("/")[2], True)
    chosen = rng.choice(value) if isinstance(value, list) else value
    made = near(rng, chosen, root, depth + 1)
    if isinstance(made, dict) and ("properties" in schema or "required" in schema):
        return {**_near_object(rng, schema, root, depth + 1), **made}
    return made


def _near_object(
    rng: random.Random, schema: dict[str, Any], root: dict[str, Any], depth: int
) -> dict[str, Any]:
    names = [name for name in (*NAMES, *UNLISTED) if rng.random() < 0.25]
    names += [name for name in schema.get("properties", {}) if rng.random() < 0.5]
    names += [name for name in schema.get("required", ()) if rng.random() < 0.95]
    for word in ("dependentRequired", "dependentSchemas"):
        names += [name for name in schema.get(word, {}) if rng.random() < 0.3]
    rng.shuffle(names)
    most = schema.get("maxProperties", 5) if rng.random() < 0.8 else 6
    others = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties", True)]
    made = {}
    for name in list(dict.fromkeys(names))[:most]:
        below = schema.get("properties", {}).get(name) if rng.random() < 0.9 else None
        made[name] = near(rng, rng.choice(others) if below is None else below, root, depth + 1)
    return made


def _near_array(rng: random.Random, schema: dict[str, Any], root: dict[str, Any], depth: int) -> list[Any]:
    length = rng.randrange(schema.get("minItems", 0), schema.get("minItems", 0) + 4)
    prefix, rest = schema.get("prefixItems", []), schema.get("items", True)
    made: list[Any] = []
    for index in range(min(length, 6)):
        below = prefix[index] if index < len(prefix) else rest
        if "contains" in schema and rng.random() < 0.4:
            below = schema["contains"]
        made.append(made[-1] if made and rng.random() < 0.1 else near(rng, below, root, depth + 1))
    return made
