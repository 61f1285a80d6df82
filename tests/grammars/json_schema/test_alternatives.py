"""Schemas whose choices multiply: few alternatives where they hang on one question, and the verdicts of
`jsonschema_rs`.

Each family is drawn from a real schema: keys that depend on the value of another one, branches of `oneOf`
that are told apart by a key that may be absent, a branch that overlaps with all others.
"""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis.grammars.errors import UnsatisfiableError
from tokentrellis.grammars.json_schema import from_json_schema
from tokentrellis.grammars.json_schema.keywords import OBJECT

from .walks import walk

KEYS = "abcdefgh"
KINDS = ["k", "l", "m", "n"]
SCALAR = {"type": ["integer", "boolean", "string"]}
VALUES: list[Any] = [
    1,
    True,
    "k",
    "l",
    "m",
    "n",
    {},
    {"a": 1},
    {"b": 1, "c": "k"},
    {"a": 1, "b": "x", "d": True},
]


def dependent(rng: random.Random) -> dict[str, Any]:
    """Each key is allowed with some kinds only."""
    dependencies = {
        key: {"properties": {"kind": {"enum": rng.sample(KINDS, rng.randint(1, 2))}}} for key in KEYS
    }
    properties = {"kind": {"enum": KINDS}, **dict.fromkeys(KEYS, SCALAR)}
    return {"type": "object", "properties": properties, "dependentSchemas": dependencies}


def optional_constant(rng: random.Random) -> dict[str, Any]:
    """Branches by a kind that may be absent; their closed objects overlap."""
    branches = []
    for kind in KINDS:
        names = rng.sample("abcd", rng.randint(1, 3))
        inner = {"type": "object", "properties": dict.fromkeys(names, SCALAR), "additionalProperties": False}
        branches.append({"properties": {"kind": {"const": kind}, "x": inner, "y": inner}})
    return {"type": "object", "oneOf": branches}


def overlapping(rng: random.Random) -> dict[str, Any]:
    """One branch has other keys than the others, so it overlaps with all of them."""
    branches: list[dict[str, Any]] = [
        {
            "properties": {"kind": {"const": kind}, **dict.fromkeys(rng.sample("abx", 2), SCALAR)},
            "required": ["kind", *rng.sample("abx", rng.randint(1, 2))],
        }
        for kind in KINDS
    ]
    branches.append({"required": ["kind", "c"]})
    return {"type": "object", rng.choice(["oneOf", "anyOf"]): branches}


def opposite(rng: random.Random) -> dict[str, Any]:
    """What none of the branches above meets."""
    return {"type": "object", "not": rng.choice([optional_constant, overlapping, dependent])(rng)}


def several(rng: random.Random) -> dict[str, Any]:
    """Several choices at once, among schemas of all sorts."""
    parts: list[dict[str, Any]] = [
        {"properties": {"kind": {"enum": rng.sample(KINDS, 2)}}},
        {"properties": {"kind": {"enum": rng.sample(KINDS, 2)}}, "maxProperties": 2},
        {"required": rng.sample("abc", 1)},
        {"required": ["kind"], "properties": {"kind": {"type": "integer"}}},
        {"minProperties": 3},
        {"additionalProperties": SCALAR},
        {"not": {"required": rng.sample("abc", 1)}},
        {"patternProperties": {"^[ab]$": {"type": "integer"}}},
    ]
    choices = [{"anyOf": rng.sample(parts, 3)} for _ in range(4)]
    return {"type": "object", "properties": {"kind": True}, "allOf": choices}


FAMILIES = {f.__name__: f for f in (dependent, optional_constant, overlapping, opposite, several)}


def documents(rng: random.Random, count: int) -> list[dict[str, Any]]:
    names = ["kind", "x", "y", *KEYS]
    return [
        {
            name: rng.choice(KINDS) if name == "kind" and rng.random() < 0.8 else rng.choice(VALUES)
            for name in rng.sample(names, rng.randint(0, 4))
        }
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("family", FAMILIES)
def test_the_same_verdict(family: str, seed: int) -> None:
    rng = random.Random(seed)
    schema = FAMILIES[family](rng)
    validator = jsonschema_rs.validator_for(schema)
    grammar = from_json_schema(schema, whitespace="any", property_order="any", numbers="standard")
    for value in documents(rng, 30):
        assert grammar.accepts(json.dumps(value)) is validator.is_valid(value), (value, schema)


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_walk_ends_in_a_valid_document(family: str, order: Any) -> None:
    for seed in range(3):
        rng = random.Random(100 + seed)
        schema = FAMILIES[family](rng)
        grammar = from_json_schema(schema, property_order=order)
        validator = jsonschema_rs.validator_for(schema)
        for budget in (0, 6, 30):
            assert validator.is_valid(json.loads(walk(grammar, rng, budget))), schema


def alternatives(schema: dict[str, Any]) -> int:
    """How many alternatives an object has."""
    grammar = from_json_schema(schema, property_order="any")
    values = grammar._values
    return len(values.shapes((values.nodes.literal(schema, values.context),), OBJECT))


def test_keys_that_depend_on_a_kind_are_no_choices() -> None:
    """One alternative for each kind, and one without: not 2 ** 30."""
    keys = [f"key{index}" for index in range(30)]
    schema = {
        "properties": {"kind": {"enum": KINDS}},
        "dependentSchemas": {
            key: {"properties": {"kind": {"enum": [KINDS[index % 4]]}}} for index, key in enumerate(keys)
        },
    }
    assert alternatives(schema) == len(KINDS) + 1


def test_a_branch_that_overlaps_with_many_is_told_apart_by_their_constant() -> None:
    """With a constant of its own, or one of the twenty others: linear, not 3 ** 20."""
    kinds = [f"kind{index}" for index in range(20)]
    branches: list[dict[str, Any]] = [
        {
            "properties": {"kind": {"const": kind}, kind: {"type": "integer"}},
            "required": ["kind", kind],
        }
        for kind in kinds
    ]
    assert alternatives({"type": "object", "oneOf": [*branches, {"required": ["kind", "other"]}]}) < 100


def test_a_key_that_only_closed_objects_could_have() -> None:
    """Two closed objects have nothing in common but {}, which a third one allows as well."""
    closed = [
        {"type": "object", "properties": dict.fromkeys(names, True), "additionalProperties": False}
        for names in ("ab", "cd", "e")
    ]
    schema = {"type": "object", "allOf": closed[:2], "not": closed[2]}
    with pytest.raises(UnsatisfiableError):
        from_json_schema(schema)
    assert from_json_schema({"type": "object", "allOf": closed[:2]}).accepts("{}")
