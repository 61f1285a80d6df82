"""When the demands behind a schema are expanded in advance: only where the opposite of `uniqueItems` may be
asked for."""

from contextlib import suppress

import pytest
import tokentrellis as tt
from tokentrellis.grammars import json_schema
from tokentrellis.grammars.errors import UnsupportedFeatureError

UNIQUE = {"type": "array", "uniqueItems": True, "items": {"type": "string"}}
STRINGS = {"type": "array", "items": {"type": "string"}}

ASKING = [
    {"items": {"not": UNIQUE}},
    {"not": {"properties": {"a": {"items": UNIQUE}}}},
    {"properties": {"a": {"if": UNIQUE, "then": {"minItems": 2}}}},
    {"items": {"oneOf": [{"type": "string"}, UNIQUE, {"type": "array", "maxItems": 3}]}},
    {"oneOf": [{"properties": {"a": UNIQUE}}, {"properties": {"b": {"type": "null"}}}]},
    {"contains": UNIQUE, "maxContains": 1},
    {"$defs": {"unique": UNIQUE}, "items": {"not": {"$ref": "#/$defs/unique"}}},
    {"properties": {"a": UNIQUE}, "unevaluatedProperties": {"items": UNIQUE}},
]
NOT_ASKING = [
    {"oneOf": [{"type": "string"}, UNIQUE]},
    {"oneOf": [{"type": ["string", "object"]}, {"type": ["null", "array"], "uniqueItems": True}]},
    {"properties": {"a": UNIQUE, "b": {"not": {"type": "null"}}}},
    {"properties": {"a": UNIQUE}, "oneOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"anyOf": [UNIQUE, STRINGS]},
    {"properties": {"a": UNIQUE, "b": {"if": {"type": "string"}, "then": {"minLength": 1}}}},
    {"contains": UNIQUE, "minContains": 2},
]


@pytest.fixture
def looks(monkeypatch):
    """The demands from which the expansion in advance began."""
    seen = []
    look_ahead = json_schema.look_ahead
    monkeypatch.setattr(
        json_schema, "look_ahead", lambda values, demand: (seen.append(demand), look_ahead(values, demand))
    )
    return seen


@pytest.mark.parametrize("schema", ASKING, ids=str)
def test_looks_ahead_where_repeats_may_be_asked_for(schema, looks):
    with suppress(UnsupportedFeatureError):
        tt.from_json_schema(schema)
    assert looks


@pytest.mark.parametrize("schema", NOT_ASKING, ids=str)
def test_does_not_look_ahead_elsewhere(schema, looks):
    tt.from_json_schema(schema)
    assert not looks


def test_what_cannot_be_done_far_below_is_found_when_the_schema_is_read():
    schema = {"properties": {"a": {"items": {"properties": {"b": {"not": UNIQUE, "type": "array"}}}}}}
    with pytest.raises(UnsupportedFeatureError, match="opposite of uniqueItems"):
        tt.from_json_schema(schema)
