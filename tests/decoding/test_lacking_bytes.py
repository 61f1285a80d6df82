"""Vocabularies with bytes that no token has: what cannot be written is forbidden before it is begun."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema_rs
import pytest
import tokentrellis as tt

from tests.masks import allowed_tokens

SCHEMAS: list[Any] = [
    {"type": "array", "uniqueItems": True},
    {"type": "array", "uniqueItems": True, "items": {"enum": [[1], [2], {}, "a"]}, "minItems": 2},
    {"type": "object", "additionalProperties": {"type": ["integer", "null"]}, "maxProperties": 3},
    {
        "type": "object",
        "properties": {"a": {"const": 2}, "b": {"type": "string"}},
        "additionalProperties": False,
    },
    {"anyOf": [{"type": "array", "items": {"const": 2}, "minItems": 1}, {"type": "null"}]},
    {"type": "string", "maxLength": 3},
    {"type": "string", "pattern": "^[b0]$"},
    {"enum": ["b", "0", "é", 12, [2], True]},
    {"type": "array", "items": {"type": ["boolean", "number"]}},
]


def vocabulary_without(lacking: str) -> tt.Vocabulary:
    tokens = [bytes([byte]) for byte in range(256)] + [b"true", b'","', b"],[", b'":', b"00"]
    tokens = [token for token in tokens if not set(token) & set(lacking.encode())]
    return tt.Vocabulary([*tokens, b""], eos_token_ids=[len(tokens)])


@pytest.mark.parametrize("lacking", ["~", "2", "5", "r", "6d", "\x00", "09", "A:"])
@pytest.mark.parametrize("schema", SCHEMAS, ids=json.dumps)
def test_no_walk_ends_in_a_dead_end(schema: Any, lacking: str) -> None:
    vocabulary = vocabulary_without(lacking)
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), vocabulary)
    source = random.Random(5)
    for _ in range(12):
        matcher, text = compiled.matcher(), b""
        for step in range(60):
            tokens = allowed_tokens(matcher)  # raises where nothing is allowed
            assert all(matcher.allows_token(token) for token in source.sample(tokens, min(5, len(tokens))))
            if step > 25:
                tokens = allowed_tokens(matcher, matcher.tokens_to_finish)
            token = source.choice(tokens)
            matcher.accept_token(token)
            if matcher.is_terminated:
                break
            text += vocabulary.token_bytes(token)
        assert matcher.is_terminated
        assert jsonschema_rs.is_valid(schema, json.loads(text)), text


@pytest.mark.parametrize(
    ("schema", "lacking", "text", "expected"),
    [
        ({"type": "array", "uniqueItems": True}, "~", "[[],[]", False),
        ({"type": "array", "uniqueItems": True}, "~", "[[],[1],{}]", True),
        ({"type": "array", "uniqueItems": True, "items": {"type": "object"}}, "\x7f", "[{},{}", False),
        (SCHEMAS[3], "2", '{"a', False),
        (SCHEMAS[3], "2", '{"b":"x"}', True),
        (SCHEMAS[4], "2", "[", False),
        (SCHEMAS[4], "2", "null", True),
        ({"type": "string"}, "5", '"\\u004a"', True),
        ({"type": "string", "pattern": "^[e0]$"}, "5", '"\\u006', False),
        ({"type": "string", "pattern": "^[e0]$"}, "5", '"\\u0030"', True),
        ({"type": "string"}, "dD", '"\\uD', False),
    ],
)
def test_what_can_be_read(schema: Any, lacking: str, text: str, expected: bool) -> None:
    compiled = tt.compile_grammar(
        tt.from_json_schema(schema, whitespace="compact"), vocabulary_without(lacking)
    )
    assert compiled.matcher().read_bytes(text.encode()) is expected


REPEATING: dict[str, Any] = {"type": "array", "not": {"uniqueItems": True}}


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        ({**REPEATING, "maxItems": 2}, '["a","a"]'),
        ({**REPEATING, "items": {"type": "string"}, "maxItems": 2}, '["a","a"]'),
        (
            {"type": "array", "uniqueItems": True, "items": {**REPEATING, "maxItems": 2}, "minItems": 2},
            "[[0,0],[1,1]]",
        ),
    ],
)
def test_what_has_no_bound_yet_can_be_spelled(schema: Any, text: str) -> None:
    """After the first item it is not known yet what the array costs: that is no lack of bytes."""
    matcher = tt.compile_grammar(tt.from_json_schema(schema), vocabulary_without("~")).matcher()
    assert matcher.read_bytes(text.encode())
    assert matcher.is_accepting


def test_an_object_that_contains_itself_and_needs_what_cannot_be_written() -> None:
    """Each of its keys that can be written leads to another such object: that has no end."""
    members = {"é": True, "a": {"$ref": "#"}, "b": {"$ref": "#/properties/a"}}
    schema = {"type": "object", "properties": members, "additionalProperties": False}
    grammar = tt.from_json_schema({**schema, "required": ["é"]}, whitespace="compact", property_order="any")
    with pytest.raises(tt.VocabularyError):
        tt.compile_grammar(grammar, vocabulary_without("é"))
    free = tt.from_json_schema(schema, whitespace="compact", property_order="any")
    matcher = tt.compile_grammar(free, vocabulary_without("é")).matcher()
    for text in (b"{", b'"a":{', b'"b":{"a":{}}'):
        assert matcher.read_bytes(text)
        assert matcher.tokens_to_finish is not None
    assert matcher.tokens_to_finish == 3


def test_places_that_differ_in_bytes_that_can_be_written() -> None:
    """Two places of a bounded text are alike where only bytes that no token has are looked at."""
    pairs = [bytes([first, second]) for first in range(97, 117) for second in range(97, 117)]
    tokens = [bytes([byte]) for byte in range(32, 127)] + pairs + [b""]
    vocabulary = tt.Vocabulary(tokens, eos_token_ids=[len(tokens) - 1])
    schema = {"type": "object", "additionalProperties": True, "propertyNames": {"maxLength": 3}}
    compiled = tt.compile_grammar(tt.from_json_schema(schema, whitespace="compact"), vocabulary)
    for text in (b'{"', b'{"x', b'{"xy', b'{"xyz'):
        matcher = compiled.matcher()
        assert matcher.read_bytes(text)
        readable = [token for token, pair in enumerate(tokens[:-1]) if matcher.copy().read_bytes(pair)]
        assert allowed_tokens(matcher) == readable, text
