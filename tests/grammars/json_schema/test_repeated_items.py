"""Arrays that must repeat something, of items of many values: verdicts against `jsonschema-rs`, and what the
states say about the end."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import jsonschema_rs
import pytest
import tokentrellis as tt
from tokentrellis.grammars.errors import LimitExceededError, UnsatisfiableError
from tokentrellis.grammars.json_schema import from_json_schema

REPEATING: dict[str, Any] = {"type": "array", "not": {"uniqueItems": True}}
UNIVERSE: list[Any] = [0, 1, "a", 'b"', True, {"k": 1}, {"z": 1, "y.": 2}, {"y.": 2, "z": 1}, [0], [{}]]
SCALAR = {"type": ["string", "integer"]}
SCHEMAS: dict[str, dict[str, Any]] = {
    "anything": REPEATING,
    "a pair": {**REPEATING, "maxItems": 2},
    "three scalars": {**REPEATING, "maxItems": 3, "items": SCALAR},
    "two places": {
        **REPEATING,
        "prefixItems": [SCALAR, {"type": ["integer", "boolean"]}],
        "items": False,
    },
    "two places apart": {
        **REPEATING,
        "prefixItems": [{"type": "string"}, {"type": "integer"}],
        "items": {"type": "string"},
        "maxItems": 3,
    },
    "two flags": {**REPEATING, "items": {"type": "boolean"}, "maxItems": 2},
    "two objects": {**REPEATING, "items": {"type": "object"}, "maxItems": 2},
    "two declared objects": {
        **REPEATING,
        "items": {"type": "object", "properties": {"w": {"type": "integer"}, "k": {"type": "integer"}}},
        "maxItems": 2,
    },
    "three integers": {**REPEATING, "contains": {"type": "integer"}, "minContains": 3, "maxItems": 3},
    "one integer": {**REPEATING, "contains": {"type": "integer"}, "maxContains": 1, "maxItems": 3},
    "a string after an integer": {
        **REPEATING,
        "contains": {"type": "string"},
        "prefixItems": [{"type": "integer"}],
        "items": SCALAR,
        "maxItems": 3,
    },
    "either": {"oneOf": [{"type": "array", "uniqueItems": True}, {"type": "array", "minItems": 3}]},
    "within": {"type": "array", "items": {"not": {"uniqueItems": True}}, "minItems": 1, "maxItems": 2},
    "conditional": {"if": {"uniqueItems": True}, "then": {"maxItems": 1}, "else": {"minItems": 3}},
}


@pytest.mark.parametrize("name", SCHEMAS)
@pytest.mark.parametrize("order", ["schema", "any"])
def test_verdicts(name: str, order: Any) -> None:
    grammar = from_json_schema(SCHEMAS[name], whitespace="any", property_order=order)
    validator = jsonschema_rs.validator_for(SCHEMAS[name])
    for size in range(4):
        for number, items in enumerate(product(UNIVERSE, repeat=size)):
            if size == 3 and number % 7:
                continue
            text = json.dumps(items)
            assert grammar.accepts(text) == validator.is_valid(json.loads(text)), text


@pytest.mark.parametrize(
    "rest",
    [
        {"maxItems": 1},
        {"prefixItems": [{"type": "string"}, {"type": "integer"}], "items": False},
        {"prefixItems": [{"const": "a"}, {"type": "string", "pattern": "^b"}], "maxItems": 2},
        {
            "items": {"type": "integer"},
            "contains": {"type": "integer", "minimum": 5},
            "maxContains": 0,
            "maxItems": 1,
        },
        {"contains": {}, "maxContains": 1},
    ],
)
def test_what_cannot_repeat_is_unsatisfiable(rest: dict[str, Any]) -> None:
    with pytest.raises(UnsatisfiableError):
        from_json_schema({**REPEATING, **rest})


@pytest.mark.parametrize(
    ("rest", "shortest"),
    [
        ({}, "[0,0]"),
        ({"maxItems": 2}, "[0,0]"),
        ({"items": {"type": "string", "minLength": 3}}, '["   ","   "]'),
        ({"prefixItems": [{"type": "string"}, {"type": "integer"}, {"type": "string"}]}, '["",0,""]'),
        ({"items": {"type": "array", "uniqueItems": True, "minItems": 2}}, "[[0,1],[0,1]]"),
        ({"contains": {"const": 7}, "minContains": 3}, "[7,7,7]"),
        ({"items": REPEATING}, "[[0,0],[0,0]]"),
    ],
)
def test_the_shortest_document_is_as_long_as_it_must_be(rest: dict[str, Any], shortest: str) -> None:
    assert from_json_schema({**REPEATING, **rest}, whitespace="compact").accepts(shortest)
    assert matcher_of(rest).tokens_to_finish == len(shortest) + 1


def test_a_long_array_needs_no_new_states() -> None:
    matcher = matcher_of({"items": {"type": "string"}})
    assert matcher.read_bytes(b'["a","b","c"')
    n_states, n_grammar_states = matcher.compiled.n_states, matcher.compiled.n_grammar_states
    for number in range(200):
        assert matcher.read_bytes(b',"%d"' % number)
    assert (matcher.compiled.n_states, matcher.compiled.n_grammar_states) == (n_states, n_grammar_states)


def test_a_search_over_many_places_ends() -> None:
    """Each `contains` doubles what two places may have in common, each place what lies between them."""
    counts = [{"contains": {"const": number}, "maxContains": 1} for number in range(5)]
    places = [{"enum": [number, number + 1]} for number in range(60)]
    schema = {"prefixItems": [*places, {"const": "x"}], "items": False, "allOf": counts}
    with pytest.raises((LimitExceededError, UnsatisfiableError)):
        matcher_of(schema).read_bytes(b"[")


def test_long_arrays() -> None:
    matcher = matcher_of({"items": {"type": ["string", "number"]}})
    items = [*(f'"item {number}"' for number in range(600)), "1e999", "1.50", "2" * 900]
    assert matcher.read_bytes(("[" + ",".join(items)).encode())
    assert not matcher.is_accepting
    assert not matcher.try_read(b"]")
    for again in ('"item 7"]', '"item 599"]', "15e-1]", "1e999]"):
        matcher_again = matcher.copy()
        assert matcher_again.read_bytes(b"," + again.encode())
        assert matcher_again.is_accepting


LARGE = ["1e999999999", "[" * 400 + "]" * 400, "[" * 100_000 + "]" * 100_000, '"' + "a" * 1_000_000 + '"']


@pytest.mark.parametrize("item", LARGE, ids=["exponent", "nested", "deep", "text"])
def test_large_items_repeat_like_others(item: str) -> None:
    matcher = matcher_of({})
    assert matcher.read_bytes(f"[{item},0,1,{item}".encode())
    assert matcher.read_bytes(b"]")
    assert matcher.is_accepting


@pytest.mark.parametrize("item", LARGE[:3])
def test_what_is_too_large_to_name_is_a_limit_not_a_wrong_answer(item: str) -> None:
    matcher = matcher_of({"maxItems": 2})
    with pytest.raises(LimitExceededError):
        matcher.read_bytes(f"[{item},0".encode())


def matcher_of(rest: dict[str, Any]) -> tt.Matcher:
    vocabulary = tt.Vocabulary([*(bytes([byte]) for byte in range(256)), b""], eos_token_ids=[256])
    grammar = from_json_schema({**REPEATING, **rest}, numbers="standard", whitespace="compact")
    return tt.compile_grammar(grammar, vocabulary).matcher()
