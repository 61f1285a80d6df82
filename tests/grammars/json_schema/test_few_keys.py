"""Patterns and `propertyNames` that a few keys match: these are names, in any order among the others."""

from __future__ import annotations

import itertools
import json
from typing import Any

import jsonschema_rs
import pytest
from tokentrellis import from_json_schema

FEW = [
    {"patternProperties": {"^(a|b|c)$": {"type": "integer"}}, "additionalProperties": False},
    {"patternProperties": {"^(a|b)$": {"type": "integer"}, "^[bc]$": {"maximum": 1}}},
    {"properties": {"b": {"type": "integer"}}, "patternProperties": {"^[abc]$": {"maximum": 1}}},
    {"propertyNames": {"enum": ["a", "c"]}, "required": ["c"]},
    {"propertyNames": {"pattern": "^[ab]$"}, "minProperties": 2},
    {"patternProperties": {"^[ab]$": True, "^a": {"type": "string"}}, "additionalProperties": {"minimum": 2}},
]


@pytest.mark.parametrize("order", ["any", "schema"])
@pytest.mark.parametrize("schema", FEW)
def test_as_a_validator_says(schema: dict[str, Any], order: Any) -> None:
    grammar = from_json_schema({"type": "object", **schema}, property_order=order, whitespace="compact")
    validator = jsonschema_rs.Draft202012Validator({"type": "object", **schema})
    for length in range(4):
        for keys in itertools.permutations("abcd", length):
            for values in itertools.product([2, "x"], repeat=length):
                document = dict(zip(keys, values, strict=True))
                orders = itertools.permutations(document.items()) if order == "schema" else [document.items()]
                allowed = any(
                    grammar.accepts(json.dumps(dict(pairs), separators=(",", ":"))) for pairs in orders
                )
                assert allowed == validator.is_valid(document), document


def test_undeclared_keys_have_no_order() -> None:
    grammar = from_json_schema(
        {"type": "object", "properties": {"z": True}, "patternProperties": {"^[ab]$": {"type": "integer"}}},
        property_order="schema",
        whitespace="compact",
    )
    for keys in itertools.permutations("abq"):
        pairs = [("z", 0), *((key, 1) for key in keys)]
        assert grammar.accepts(json.dumps(dict(pairs), separators=(",", ":")))
        assert not grammar.accepts(json.dumps(dict(pairs[::-1]), separators=(",", ":")))
    assert not grammar.accepts('{"a":1,"a":1}')
