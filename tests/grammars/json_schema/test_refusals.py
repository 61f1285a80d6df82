"""What is malformed, not supported, unsatisfiable or hostile: an error that says where, or it works."""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import Enum

import pydantic
import pytest
from tokentrellis.grammars.errors import (
    ConstraintError,
    GrammarSyntaxError,
    LimitExceededError,
    UnresolvedReferenceError,
    UnsatisfiableError,
    UnsupportedFeatureError,
)
from tokentrellis.grammars.json_schema import from_json_schema
from typing_extensions import TypedDict


@pytest.mark.parametrize(
    ("schema", "location"),
    [
        ({"type": 5}, "/type"),
        ({"type": "strnig"}, "/type"),
        ({"properties": {"a/b": {"minLength": -1}}}, "/properties/a~1b/minLength"),
        ({"properties": {"a": 3}}, "/properties/a"),
        ({"required": True}, "/required"),
        ({"anyOf": []}, "/anyOf"),
        ({"items": [{}]}, "/items"),
        ({"multipleOf": 0}, "/multipleOf"),
        ({"pattern": "("}, "/pattern"),
        ({"allOf": [{"minimum": "1"}]}, "/allOf/0/minimum"),
        ({"exclusiveMinimum": True}, "/exclusiveMinimum"),
    ],
)
def test_malformed_keywords_are_located(schema: object, location: str) -> None:
    with pytest.raises(GrammarSyntaxError) as caught:
        from_json_schema(schema)
    assert caught.value.location == location


@pytest.mark.parametrize("source", ["{", "[1]", '{"minimum": NaN}', b"\xff", 5, None, [1], '{"a": 1} x'])
def test_what_is_no_schema(source: object) -> None:
    with pytest.raises(GrammarSyntaxError):
        from_json_schema(source)


def test_all_problems_are_in_one_error() -> None:
    schema = {
        "properties": {"a": {"pattern": "(b+)\\1"}, "b": {"pattern": "(a+)\\1"}},
        "$defs": {"unused": {"pattern": "(c+)\\1"}},
    }
    with pytest.raises(UnsupportedFeatureError) as caught:
        from_json_schema(schema)
    assert [where for where, _ in caught.value.problems] == [
        "/properties/a/pattern",
        "/properties/b/pattern",
    ]
    grammar = from_json_schema(schema, unsupported="ignore")
    assert sorted(where for where, _ in grammar.ignored) == [
        "/properties/a/pattern",
        "/properties/b/pattern",
    ]
    assert grammar.accepts('{"a":"b","b":"xx"}')


def test_problems_behind_references_are_located_in_the_document() -> None:
    schema = {"items": {"$ref": "#/$defs/a~1b"}, "$defs": {"a/b": {"items": {"pattern": "(a+)\\1"}}}}
    with pytest.raises(UnsupportedFeatureError) as caught:
        from_json_schema(schema)
    assert [where for where, _ in caught.value.problems] == ["/$defs/a~1b/items/pattern"]


def test_unknown_formats_are_listed() -> None:
    grammar = from_json_schema({"format": "no-such-format", "title": 5, "x-custom": {}})
    assert [where for where, _ in grammar.annotations] == ["/format"]
    assert grammar.accepts('"anything"')


@pytest.mark.parametrize(
    "schema",
    [
        False,
        {"type": "string", "enum": [1]},
        {"minimum": 3, "maximum": 2, "type": "number"},
        {"type": "object", "required": ["a"], "properties": {"a": False}},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#"}}},
        {"allOf": [{"type": "array", "minItems": 3}, {"maxItems": 2}]},
        {"type": "string", "pattern": "^a$", "minLength": 2},
        {"oneOf": [{"type": "null"}, {"const": None}]},
        {"not": {}},
    ],
)
def test_unsatisfiable(schema: object) -> None:
    with pytest.raises(UnsatisfiableError):
        from_json_schema(schema)


@pytest.mark.parametrize("reference", ["#/$defs/none", "#nothing", "http://example.com/x", "other.json"])
def test_references_that_lead_nowhere(reference: str) -> None:
    with pytest.raises(UnresolvedReferenceError) as caught:
        from_json_schema({"items": {"$ref": reference}})
    assert caught.value.location == "/items/$ref"


def test_an_empty_alternative_is_not_offered() -> None:
    grammar = from_json_schema(
        {"anyOf": [{"type": "object", "required": ["a"], "properties": {"a": False}}, {"type": "null"}]}
    )
    assert len(grammar.expand(grammar.start).edges) == 1


def deep(levels: int) -> dict[str, object]:
    schema: dict[str, object] = {"type": "null"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


HOSTILE = {
    "deep": deep(10_000),
    "deep text": '{"items":' * 100_000,
    "reference to itself": {"$ref": "#"},
    "circle": {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    "circle of allOf": {"allOf": [{"$ref": "#"}], "type": "null"},
    "circle of anyOf": {"anyOf": [{"$ref": "#"}, {"type": "null"}]},
    "huge integer": {"minimum": 10**5000},
    "huge exponent": '{"minimum": 1e999999999}',
    "infinity": {"maximum": float("inf")},
    "not a number": {"enum": [float("nan")]},
    "surrogate in enum": {"enum": ["\ud800", "a"]},
    "surrogate in required": {"type": "object", "required": ["\ud800"]},
    "surrogate in properties": {"properties": {"\ud800": {}}},
    "surrogate in pattern": {"pattern": "\ud800"},
    "surrogate beside patterns": {
        "oneOf": [
            {"type": "object", "required": ["\ud800"], "patternProperties": {"^a": {"maxItems": 1}}},
            {"type": "object"},
        ]
    },
    "long": {"minLength": 10**9, "type": "string"},
    "many items": {"minItems": 10**9, "type": "array"},
    "large": {
        "properties": {f"p{i}": {"type": "string", "enum": [f"v{j}" for j in range(20)]} for i in range(5000)}
    },
    "exponential": {
        "allOf": [{"anyOf": [{"required": [f"a{i}"]}, {"required": [f"b{i}"]}]} for i in range(30)]
    },
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_schemas_end_in_an_error_or_work(name: str) -> None:
    try:
        grammar = from_json_schema(HOSTILE[name])
    except ConstraintError:
        return
    assert grammar.expand(grammar.start).edges


def test_depth_is_a_limit_not_a_crash() -> None:
    with pytest.raises(LimitExceededError):
        from_json_schema(deep(10_000))
    optional: dict[str, object] = {}
    for _ in range(3000):
        optional = {"properties": {"a": optional}}
    assert from_json_schema(optional).accepts('{"a":{"a":{}}}')


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Person(pydantic.BaseModel):
    name: str
    age: int
    color: Color = Color.RED


@dataclass
class Point:
    x: float
    y: float


class Movie(TypedDict):
    title: str


@pytest.mark.parametrize(
    ("source", "valid", "invalid"),
    [
        (Person, {"name": "a", "age": 3, "color": "blue"}, {"name": "a"}),
        (Point, {"x": 1.5, "y": 2}, {"x": 1}),
        (Movie, {"title": "a"}, {"title": 1}),
        (Color, "red", "green"),
        (list[int], [1, 2], ["a"]),
        ('{"type": "null"}', None, 1),
        (b'{"type": "null"}', None, 1),
        ({"type": "null"}, None, 1),
        (True, 1, ...),
    ],
)
def test_kinds_of_source(source: object, valid: object, invalid: object) -> None:
    grammar = from_json_schema(source)
    assert grammar.accepts(json.dumps(valid))
    assert invalid is ... or not grammar.accepts(json.dumps(invalid))


@pytest.mark.parametrize(
    "options",
    [{"whitespace": "none"}, {"whitespace": {"indent": -1}}, {"property_order": "x"}, {"numbers": 1}],
)
def test_options_are_checked(options: dict[str, object]) -> None:
    with pytest.raises(GrammarSyntaxError):
        from_json_schema({}, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "location", "key"),
    [
        ('{"type": "string", "type": "number"}', "/type", "type"),
        (
            '{"properties": {"a/b": {"x": 1e999999, "enum": [{"é": 1, "\\u00e9": 2}]}}}',
            "/properties/a~1b/enum/0/é",
            "é",
        ),
        ('{"a": {"b": {"c": 1, "c": 2}}, "d": 1, "d": 2}', "/d", "d"),  # the outermost one
    ],
)
def test_keys_that_come_twice_in_a_text(text: str, location: str, key: str) -> None:
    for given in (text, text.encode()):
        with pytest.raises(GrammarSyntaxError, match=f"the key {key!r} comes twice") as caught:
            from_json_schema(given)
        assert caught.value.location == location


def test_a_repeated_key_far_down() -> None:
    depth = 800
    text = '{"not": ' * depth + '{"a": 1, "a": 1}' + "}" * depth
    with pytest.raises(GrammarSyntaxError, match="comes twice") as caught:
        from_json_schema(text)
    assert caught.value.location == "/not" * depth + "/a"


@pytest.mark.parametrize("rest", ['{"b": ]', "[" * 100_000 + "]" * 100_000, "1" * 10_000])
def test_a_repeated_key_before_what_cannot_be_read(rest: str) -> None:
    with pytest.raises(ConstraintError, match=r"must be JSON|levels of nesting|digits of a number"):
        from_json_schema('{"x": {"a": 1, "a": 1}, "c": ' + rest + "}")
